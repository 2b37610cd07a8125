/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * modules.h: the SystemC modules of a card. Each is one process; each has a
 * method that takes an operation over from the caller ("submit"), which
 * starts it at once when the module is free.
 *
 * Not modelled: data; see docs/devices/card-model.md for each module's list.
 */
#ifndef OUTRIGGER_MODELS_MODULES_H
#define OUTRIGGER_MODELS_MODULES_H

#include "kernel.h"

/* Host memory space a piece at @addr takes when split at @align. */
static inline uint32_t piece_bytes(uint64_t addr, uint32_t left_bytes,
                                   uint32_t align_bytes)
{
    uint32_t room =
        align_bytes - static_cast<uint32_t>(addr & (align_bytes - 1));

    return left_bytes < room ? left_bytes : room;
}

/* PCIe base specification 5.0, section 2.2.4.1: 3 DW headers below 4 GiB. */
static inline uint32_t request_header_bytes(uint64_t addr)
{
    return addr >> 32 ? 16 : 12;
}

constexpr uint32_t kCompletionHeaderBytes = 12;

/* Payload on the wire: whole double words. */
static inline uint32_t payload_wire_bytes(uint64_t addr, uint32_t bytes)
{
    uint32_t skew = static_cast<uint32_t>(addr & 3);

    return (skew + bytes + 3) & ~3u;
}

/* Credit pools (pcie_wire.cpp). */
void credits_release(CreditPool *pool, uint64_t now_ps);
bool credits_take(CreditPool *pool, bool infinite_headers, bool infinite_units,
                  uint32_t units);
void credits_return_at(CreditPool *pool, uint64_t at_ps, uint32_t units);

/* Next return of @pool, or never. */
static inline uint64_t credits_next_ps(const CreditPool &pool)
{
    return pool.count ? pool.ring[pool.head].at_ps : MODEL_PS_NEVER;
}

/* Sends a TLP from @start_ps on, then the data link packets that it makes
 * due. Returns the end of the TLP; wire->free_ps is the end of the rest. */
uint64_t wire_send(const LinkTiming &link, WireState *wire, uint64_t start_ps,
                   uint32_t tlp_bytes, uint32_t *ret_bytes);

/* Lists of page transactions (transaction.cpp). insert keeps the order of
 * (at_ps, seq); it is quick when the new one belongs near the end. */
void push_transaction(DriveState *drive, OpList *list, uint16_t index);
void insert_transaction(DriveState *drive, OpList *list, uint16_t index);
uint16_t pop_transaction(DriveState *drive, OpList *list);

/* DMA engine and upstream transmitter: card to host. */
class UpLink : public Module {
  public:
    UpLink(const char *name, Card *card);
    void submit(uint16_t index, uint64_t now_ps);
    /* Forgets queued operations that are marked cancelled. */
    void drop_cancelled(uint64_t now_ps);

  protected:
    void run(uint64_t now_ps) override;
    uint64_t next_ps(uint64_t now_ps) const override;
    uint64_t sample(uint64_t now_ps) override;

  private:
    void kick(uint64_t now_ps);
    void release(uint64_t now_ps);
    bool grant(uint64_t now_ps);
    uint32_t send_writes(uint16_t index, uint64_t now_ps);
    uint32_t send_reads(uint16_t index, uint64_t now_ps);
    void pop(unsigned requester);

    UpState &up_;
};

/* Root complex and downstream transmitter: host to card. */
class DownLink : public Module {
  public:
    DownLink(const char *name, Card *card);
    void submit(uint16_t index, uint64_t now_ps);
    /* Forgets queued operations that are marked cancelled. */
    void drop_cancelled(uint64_t now_ps);

  protected:
    void run(uint64_t now_ps) override;
    uint64_t next_ps(uint64_t now_ps) const override;
    uint64_t sample(uint64_t now_ps) override;

  private:
    void kick(uint64_t now_ps);
    void release(uint64_t now_ps);
    bool grant(uint64_t now_ps);
    bool completion_ready(uint64_t now_ps) const;
    bool send_mmio(uint64_t now_ps);
    bool send_completions(uint64_t now_ps);
    void end_request(uint64_t arrival_ps);

    DownState &down_;
};

/* n equal servers behind one queue: controller processor, crypto engine,
 * packet pipelines, MAC. */
class Server : public Module {
  public:
    Server(const char *name, Card *card, ServerId id);
    void submit(uint16_t index, uint64_t now_ps);
    void drop_cancelled(uint64_t now_ps);

  protected:
    void run(uint64_t now_ps) override;
    uint64_t next_ps(uint64_t now_ps) const override;
    uint64_t sample(uint64_t now_ps) override;

  private:
    bool start(uint16_t index, uint64_t now_ps);

    ServerState &server_;
    ServerId id_;
    uint32_t servers_;
};

/* A drive's front end, read dispatch, write buffer and host interface. */
class DriveFront : public Module {
  public:
    DriveFront(const char *name, Card *card, unsigned drive);
    void submit(uint16_t index, uint64_t now_ps);
    /* From a channel: @tx has its data off the flash bus at @ready_ps. */
    void egress(uint16_t tx, uint64_t ready_ps, uint64_t now_ps);
    /* From a channel: the program @tx has ended. */
    void program_ended(uint16_t tx, uint64_t now_ps);

  protected:
    void run(uint64_t now_ps) override;
    uint64_t next_ps(uint64_t now_ps) const override;
    uint64_t sample(uint64_t now_ps) override;

  private:
    uint64_t command_cost_ps(const OpState &op) const;
    void front_start(uint64_t now_ps);
    void front_end(uint64_t now_ps);
    void releases(uint64_t now_ps);
    void flushes_let_go(uint64_t program, uint64_t now_ps);
    void egress_grant(uint64_t now_ps);
    void dispatch_reads(uint64_t now_ps);
    void admit_writes(uint64_t now_ps);
    bool admit_write(uint16_t index, uint64_t now_ps);
    void admit_flush(uint16_t index, uint64_t now_ps);
    void close_program(uint64_t arrival_ps, uint64_t now_ps);
    uint16_t new_transaction();
    void free_transaction(uint16_t tx);
    void schedule(uint16_t index, uint64_t done_ps);

    DriveState &drive_;
    const DriveTiming &timing_;
    unsigned index_;
};

/* One flash channel: its bus and its dies. */
class FlashChannel : public Module {
  public:
    FlashChannel(const char *name, Card *card, unsigned drive,
                 unsigned channel);
    /* From the front end: the inboxes have changed. */
    void poke(uint64_t now_ps)
    {
        arm(now_ps);
    }
    /* After the state was replaced or shifted. */
    void rearm_dies(uint64_t now_ps);

  protected:
    void run(uint64_t now_ps) override;
    uint64_t next_ps(uint64_t now_ps) const override;
    uint64_t sample(uint64_t now_ps) override;

  private:
    void take_arrivals(uint64_t now_ps);
    void finish(DieState &die, uint64_t now_ps);
    bool start_head(DieState &die, uint64_t now_ps);
    void die_rearm(DieState &die, uint64_t now_ps);
    void want_bus(uint16_t tx, uint64_t now_ps);
    void bus_grant(uint64_t now_ps);
    uint64_t program_time_ps(DieState &die, uint32_t type);

    DriveState &drive_;
    ChannelState &channel_;
    const DriveTiming &timing_;
    unsigned drive_index_;
};

/* The page at byte @addr of a drive: where it lies, and its type. */
struct PagePlace {
    unsigned channel;
    unsigned die;
    unsigned plane;
    unsigned type;
};
PagePlace page_place(const DriveTiming &timing, uint64_t seed, uint64_t addr);

#endif
