/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * twin.h: the naive twin of a card: it ticks every cycle and moves every
 * packet, page and countdown by hand. It shares no code with the models: no
 * scheduler, no "free at" instants, no structure, only the description in
 * docs/devices/card-model.md. One cycle is 1000 ps.
 *
 * Twin configurations use only whole cycles: PCIe 1.0 x4 sends one byte a
 * cycle; rates and times of the drive are multiples too.
 */
#ifndef OUTRIGGER_TESTS_MODELS_TWIN_H
#define OUTRIGGER_TESTS_MODELS_TWIN_H

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "card_model.h"

constexpr uint64_t kCyclePs = 1000;

/* All times in cycles. */
struct TwinDriveConfig {
    unsigned command, dispatch, read_complete, write_complete, release;
    unsigned read_slots;
    unsigned link_bytes_per_cycle; /* power of two */
    unsigned unit_bytes, buffer_units;
    bool flush_waits;
    unsigned discard_command, discard_unit, discard_unit_bytes;
    unsigned channels, dies, planes, page_bytes;
    unsigned page_read, page_program, block_erase;
    unsigned programs_per_block, copies_per_1000;
    unsigned bus_bytes_per_cycle; /* power of two */
    unsigned bus_command;
};

struct TwinConfig {
    unsigned max_payload, max_read_request, completion_payload;
    unsigned framing, dllp, ack_interval, fc_interval;
    unsigned skip_interval_symbols, skip_symbols;
    unsigned up_propagation, down_propagation;
    unsigned host_read, host_write, host_transmit, mmio_accept;
    unsigned posted_headers, posted_units, nonposted_headers;
    unsigned completion_headers, completion_units;
    unsigned mmio_headers, mmio_units;
    unsigned credit_return, card_credit_return, completion_burst;
    unsigned issue, request, dma_complete, tags, contexts, burst;
    unsigned cores, command, command_latency;
    unsigned engines, crypto_clock, crypto_bytes_per_clock, crypto_latency;
    unsigned nic_tx_latency, nic_tx_packet, nic_tx_cycles_per_byte;
    unsigned nic_rx_latency, nic_rx_packet, nic_rx_cycles_per_byte;
    unsigned mac_cycles_per_byte; /* rates: 1, 2, 4 or 5 cycles a byte */
    std::vector<TwinDriveConfig> drives;
};

/* The same configuration as profile text. */
std::string twin_card_profile(const TwinConfig &config);
std::string twin_drive_profile(const TwinDriveConfig &config);

/* Stages at which a mutation can add one cycle. */
enum TwinStage {
    STAGE_NONE,
    STAGE_UP_WIRE,
    STAGE_UP_FLIGHT,
    STAGE_HOST_READ,
    STAGE_DOWN_WIRE,
    STAGE_DOWN_FLIGHT,
    STAGE_CREDIT_RETURN,
    STAGE_CONTROLLER,
    STAGE_CRYPTO,
    STAGE_NIC_TX,
    STAGE_NIC_RX,
    STAGE_MAC_TX,
    STAGE_FRONT,
    STAGE_DISPATCH,
    STAGE_SENSE,
    STAGE_BUS,
    STAGE_PROGRAM,
    STAGE_EGRESS,
    STAGE_INGRESS,
    STAGE_RELEASE,
    STAGE_COUNT
};

struct TwinOp {
    ModelOp op;
    uint64_t number; /* order of submission */
    unsigned sent = 0;
    unsigned arrived = 0;  /* bytes of a DMA read that are here */
    unsigned pages = 0;    /* page reads under way */
    unsigned requests = 0; /* not fully granted downstream */
    uint64_t flush_before = 0;
    bool cancelled = false;
    bool scheduled = false; /* its end is settled */
};

/* Things that arrive after a number of cycles, in order of leaving. */
template <class T> class DelayLine {
  public:
    void add(unsigned cycles, const T &item)
    {
        items_.push_back({ cycles, item });
    }
    /* One cycle passes; @fn gets what arrives. */
    template <class Fn> void tick(Fn fn)
    {
        std::vector<T> here;
        size_t kept = 0;

        for (auto &item : items_) {
            if (--item.first == 0) {
                here.push_back(item.second);
            } else {
                items_[kept++] = item;
            }
        }
        items_.resize(kept);
        for (const T &item : here) {
            fn(item);
        }
    }
    bool empty() const
    {
        return items_.empty();
    }

  private:
    std::vector<std::pair<unsigned, T>> items_;
};

class TwinDrive;

class Twin {
  public:
    using Done = std::function<void(uint64_t tag)>;

    Twin(const TwinConfig &config, Done done);
    ~Twin();

    void submit(const ModelOp &op);
    void cancel(uint16_t fn);
    /* One cycle: everything moves, then ends are reported. */
    void tick();
    uint64_t cycle() const
    {
        return cycle_;
    }
    unsigned in_flight() const
    {
        return live_;
    }
    bool quiet() const;

    /* From the @nth use (from 0) of @stage on: one cycle more, once or
     * always. */
    void mutate(TwinStage stage, uint64_t nth, bool once);
    unsigned extra(TwinStage stage);
    uint64_t uses(TwinStage stage) const
    {
        return uses_[stage];
    }

    /* The drives' side. */
    void end_after(TwinOp *op, unsigned cycles);
    void drop(TwinOp *op);

    const TwinConfig config;

  private:
    struct Packet {
        TwinOp *op;
        unsigned kind; /* ModelOpKind, or below */
        unsigned bytes;
        unsigned units;
        uint64_t addr;
        bool ends_op;
        bool ends_request;
        unsigned request_bytes;
    };
    struct Read {
        TwinOp *op;
        uint64_t addr;
        unsigned left;
    };
    struct Wire {
        std::deque<Packet> burst; /* front is on the wire */
        unsigned left = 0;        /* cycles of the front packet */
        unsigned packets = 0;     /* cycles of data link packets after it */
        unsigned hold = 0;        /* engine busy beyond the wire */
        unsigned ack = 0, fc = 0, skip = 0;
    };
    struct Credits {
        unsigned headers = 0, units = 0;
        bool track_headers = true, track_units = true;
        DelayLine<unsigned> back;
    };
    struct Servers {
        std::vector<unsigned> left;
        std::deque<TwinOp *> queue;
    };

    /* A packet pipeline: who may enter, how far the door is blocked. */
    struct Pipeline {
        unsigned latency, packet, cycles_per_byte;
        TwinStage stage;
        std::deque<TwinOp *> queue;
        unsigned since = 0; /* cycles since the last packet began to enter */
        unsigned bytes = 0; /* of it */
        unsigned more = 0;
        bool entering = false;
    };

    void packet_on_wire(Wire *wire, bool up);
    void link_packets(Wire *wire);
    void move_wire(Wire *wire, bool up);
    void move_credits();
    void arrive_up(const Packet &packet);
    void arrive_down(const Packet &packet);
    bool take(Credits *credits, unsigned units);
    void arbitrate_up();
    bool grant_up(unsigned requester);
    void arbitrate_down();
    bool grant_mmio();
    bool grant_completions();
    void serve(Servers *servers, bool crypto);
    void move_nic();
    void serve_pipeline(Pipeline *pipeline);
    void serve_mac();
    void report();

    Done done_;
    uint64_t cycle_ = 0;
    uint64_t next_number_ = 0;
    unsigned live_ = 0;
    std::deque<TwinOp> arena_;           /* all there ever were */
    std::map<uint64_t, TwinOp *> table_; /* by number */
    DelayLine<TwinOp *> ends_;

    Wire up_, down_;
    std::deque<TwinOp *> requesters_[2 * MODEL_MAX_FUNCTIONS];
    unsigned last_up_ = 2 * MODEL_MAX_FUNCTIONS - 1, last_down_ = 1;
    Credits posted_, nonposted_, mmio_, completion_;
    unsigned tags_, contexts_;
    DelayLine<Packet> up_flight_, down_flight_;
    DelayLine<Read> host_;
    std::deque<Read> reads_;
    std::deque<TwinOp *> mmio_queue_;
    Servers controller_, crypto_;
    Pipeline nic_tx_, nic_rx_;
    std::deque<TwinOp *> mac_queue_;
    TwinOp *on_mac_ = nullptr; /* what it sends; it goes on if cancelled */
    unsigned mac_byte_ = 0;    /* bytes left, preamble to gap */
    unsigned mac_cycle_ = 0;   /* cycles left of this byte */
    std::vector<TwinDrive *> drives_;

    TwinStage mutated_ = STAGE_NONE;
    uint64_t mutated_nth_ = 0;
    bool mutated_once_ = false;
    uint64_t uses_[STAGE_COUNT] = {};
    std::vector<TwinOp *> due_;
};

/* One drive of a twin (twin_drive.cpp). */
class TwinDrive {
  public:
    TwinDrive(Twin *twin, const TwinDriveConfig &config);

    void submit(TwinOp *op);
    void move();   /* a cycle passes */
    void decide(); /* what starts now */
    bool quiet() const;

  private:
    struct Page {
        uint64_t seq;
        TwinOp *op; /* null: a program */
        unsigned bytes, channel, die, plane;
        unsigned units;
        uint64_t program;
    };
    struct Portion {
        unsigned bytes;
        bool closes;
        Page program;
        TwinOp *ends;
    };
    struct Die {
        std::deque<Page> queue;
        std::vector<int> plane; /* 0 idle, 1 in use */
        std::vector<unsigned> sense;
        std::vector<Page> sensed;
        bool whole = false;
        unsigned program = 0;
        Page programming;
        unsigned programs = 0, copies = 0;
    };
    struct BusWish {
        uint64_t since;
        Page page;
    };
    struct Channel {
        std::vector<BusWish> bus_queue;
        unsigned bus = 0;
        Page on_bus;
        std::vector<Die> die;
    };

    void free_programs();
    void front_done();
    void send_out();
    void take_reads();
    void take_writes();
    bool take_write(TwinOp *op);
    void take_flush(TwinOp *op);
    Page close();
    void move_channel(Channel *channel);
    void decide_channel(Channel *channel);
    bool start_head(Channel *channel, Die *die);
    void bus_done(Channel *channel);
    unsigned program_cycles(Die *die);
    unsigned units_of(const TwinOp *op) const;

    Twin *twin_;
    const TwinDriveConfig c_;
    std::deque<TwinOp *> front_queue_, reads_, writes_;
    std::vector<TwinOp *> flushes_;
    TwinOp *front_ = nullptr;
    unsigned front_left_ = 0;
    bool front_over_ = false;
    unsigned read_slots_, buffer_, program_slots_;
    unsigned open_units_ = 0;
    uint64_t next_program_ = 0, next_seq_ = 0;
    std::vector<Page> egress_;
    std::vector<uint64_t> egress_since_;
    unsigned egress_left_ = 0;
    std::deque<Portion> ingress_;
    unsigned ingress_left_ = 0;
    DelayLine<Page> dispatched_, released_;
    std::vector<Page> arrivals_, freed_;
    std::vector<uint64_t> out_; /* programs not released */
    std::vector<Channel> channel_;
};

#endif
