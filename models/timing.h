/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * timing.h: the constants of one card and of one drive, as read from a timing
 * profile (GKeyFile text, models/profiles/). docs/devices/card-model.md says
 * what each key means. Times are integer picoseconds.
 *
 * Not here: the state of a running model (card_state.h).
 */
#ifndef OUTRIGGER_MODELS_TIMING_H
#define OUTRIGGER_MODELS_TIMING_H

#include <cstdint>
#include <string>

/* Limits of the plain state struct that a profile can run into. */
constexpr uint32_t kMaxHeaderCredits = 256;
constexpr uint32_t kMaxReadTags = 1024;
constexpr uint32_t kMaxCores = 16;
constexpr uint32_t kMaxServers = kMaxCores; /* of one kind */
constexpr uint32_t kMaxCryptoEngines = 8;
constexpr uint32_t kMaxChannels = 32;
constexpr uint32_t kMaxDies = 16;
constexpr uint32_t kMaxPlanes = 4;
constexpr uint32_t kMaxPageTypes = 4;
constexpr uint32_t kMaxReadSlots = 1024;
constexpr uint32_t kMaxPrograms = 2048;

struct LinkTiming {
    uint32_t generation;
    uint32_t lanes;
    uint32_t max_payload_bytes;
    uint32_t max_read_request_bytes;
    uint32_t read_completion_boundary_bytes;
    uint32_t completion_payload_bytes;
    uint32_t framing_bytes; /* framing, sequence number and LCRC of a TLP */
    uint32_t dllp_bytes;
    uint32_t ack_interval_bytes; /* 0: no ACK DLLPs */
    uint32_t fc_interval_bytes;  /* 0: no UpdateFC DLLPs */
    uint32_t skip_interval_symbols;
    uint32_t skip_symbols; /* 0: no SKP ordered sets */
    uint64_t up_propagation_ps;
    uint64_t down_propagation_ps;
    uint64_t host_read_ps;
    uint64_t host_write_ps;
    uint64_t host_transmit_ps;
    uint64_t mmio_accept_ps;
    /* What the host grants the card. */
    uint32_t posted_header_credits;
    uint32_t posted_data_credits; /* units of 16 bytes; 0: infinite */
    uint32_t nonposted_header_credits;
    uint64_t credit_return_ps;
    /* What the card grants the host. 0: infinite. */
    uint32_t completion_header_credits;
    uint32_t completion_data_credits;
    uint32_t mmio_header_credits;
    uint32_t mmio_data_credits;
    uint64_t card_credit_return_ps;
    uint32_t completion_burst_tlps;
    /* Derived: one byte takes byte_num / byte_den picoseconds. */
    uint64_t byte_num;
    uint64_t byte_den;
};

/* A packet pipeline: a packet is through latency_ps after it entered; it keeps
 * the next one out for packet_ps, or as long as its bytes take if that is
 * longer. */
struct PipelineTiming {
    uint64_t latency_ps;
    uint64_t packet_ps;
    uint32_t mbit_per_s;
};

struct CardTiming {
    std::string name;
    LinkTiming link;
    /* DMA engine */
    uint64_t dma_issue_ps;
    uint64_t dma_request_ps;
    uint64_t dma_complete_ps;
    uint32_t read_tags;
    uint32_t read_contexts;
    uint32_t burst_tlps;
    /* controller processor */
    uint32_t cores;
    uint64_t command_ps;
    uint64_t command_latency_ps;
    /* crypto engine */
    uint32_t crypto_engines;
    uint64_t crypto_clock_ps;
    uint32_t crypto_bytes_per_clock;
    uint32_t crypto_latency_clocks;
    /* NIC */
    PipelineTiming nic_tx;
    PipelineTiming nic_rx;
    uint32_t mac_mbit_per_s;
};

struct DriveTiming {
    std::string name;
    uint64_t command_ps;
    uint64_t dispatch_ps;
    uint64_t read_complete_ps;
    uint64_t write_complete_ps;
    uint64_t release_ps;
    uint32_t read_slots;
    uint32_t link_mbytes_per_s;
    uint32_t map_unit_bytes;
    uint32_t write_buffer_units;
    bool flush_waits;
    uint64_t discard_command_ps;
    uint64_t discard_unit_ps;
    uint32_t discard_unit_bytes;
    /* flash */
    uint32_t channels;
    uint32_t dies_per_channel;
    uint32_t planes;
    uint32_t page_bytes;
    uint32_t page_types;
    uint64_t page_read_ps[kMaxPageTypes];
    uint64_t page_program_ps[kMaxPageTypes];
    uint64_t block_erase_ps;
    uint32_t programs_per_block;
    uint32_t gc_copies_per_1000;
    uint32_t bus_mbytes_per_s;
    uint64_t bus_command_ps;
    /* Derived: map units of one (multi-plane) program, and how many programs
     * may be open or under way. */
    uint32_t program_units;
    uint32_t program_slots;
};

/* Both return false and one line (file, key, remedy) in *ret_err. The parsed
 * constants are appended to @canonical as text, for the profile hash. */
bool card_timing_load(const char *path, CardTiming *ret_timing,
                      std::string *canonical, std::string *ret_err);
bool drive_timing_load(const char *path, DriveTiming *ret_timing,
                       std::string *canonical, std::string *ret_err);

/* First 8 bytes of the SHA-256 of @canonical. */
uint64_t timing_hash(const std::string &canonical);

/* Time of @bytes at @mbytes_per_s (10^6 bytes a second), rounded up. */
static inline uint64_t rate_ps(uint64_t bytes, uint32_t mbytes_per_s)
{
    return (bytes * 1000000u + mbytes_per_s - 1) / mbytes_per_s;
}

/* Time of @bytes on the link, rounded up. */
static inline uint64_t wire_ps(const LinkTiming &link, uint64_t bytes)
{
    return (bytes * link.byte_num + link.byte_den - 1) / link.byte_den;
}

/* Time of @bytes at @mbit_per_s (10^6 bits a second), rounded up. */
static inline uint64_t bits_ps(uint64_t bytes, uint32_t mbit_per_s)
{
    return (bytes * 8000000u + mbit_per_s - 1) / mbit_per_s;
}

/* IEEE 802.3: preamble and start 8 bytes, FCS 4, gap 12; the least frame
 * without its FCS. */
constexpr uint32_t kFrameExtraBytes = 24;
constexpr uint32_t kFrameMinBytes = 60;

/* First-come servers of a card, one module each (server.cpp). */
typedef enum ServerId {
    SERVER_CTRL,
    SERVER_CRYPTO,
    SERVER_NIC_TX,
    SERVER_NIC_RX,
    SERVER_MAC_TX,
    SERVERS
} ServerId;

/* How many of a kind there are; how long an operation of @bytes keeps one
 * from others; how long after its start it is done. */
uint32_t server_count(const CardTiming &timing, ServerId id);
uint64_t server_cost_ps(const CardTiming &timing, ServerId id, uint32_t bytes);
uint64_t server_time_ps(const CardTiming &timing, ServerId id, uint32_t bytes);

#endif
