/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_state.h: all state of one card's models, one plain C struct of fixed
 * arrays and indices. Saving walks it (state_image.cpp); the SystemC modules
 * hold references to it and one event each, nothing else.
 *
 * Every field is one of: an index, a count, an instant (`_ps`, host time), or
 * derived from those. An instant that has passed means "free".
 */
#ifndef OUTRIGGER_MODELS_CARD_STATE_H
#define OUTRIGGER_MODELS_CARD_STATE_H

#include "card_model.h"
#include "timing.h"

#define NONE16 0xffffu
#define OP_WORDS (MODEL_MAX_OPS / 64u)
#define UP_REQUESTERS (2u * MODEL_MAX_FUNCTIONS)
#define MAX_TRANSACTIONS (kMaxReadSlots + kMaxPrograms)
#define TRANSACTION_WORDS (MAX_TRANSACTIONS / 64u)

/* Where an operation is. Exactly one list or heap holds it, except where
 * "nowhere" is said: then rings or transactions refer to it. */
typedef enum OpPlace {
    PLACE_FREE = 0,
    PLACE_SCHEDULED,    /* done_ps is known: heap `scheduled` */
    PLACE_UP_QUEUE,     /* PCIe upstream: requester queue */
    PLACE_UP_WAIT,      /* read: all requests sent; nowhere */
    PLACE_DOWN_QUEUE,   /* PCIe downstream: MMIO queue */
    PLACE_CTRL_QUEUE,   /* controller; these five as ServerId */
    PLACE_CRYPTO_QUEUE, /* crypto engine */
    PLACE_NIC_TX_QUEUE, /* packet pipelines */
    PLACE_NIC_RX_QUEUE,
    PLACE_MAC_TX_QUEUE, /* MAC */
    PLACE_FRONT_QUEUE,  /* drive: waits for the front end */
    PLACE_FRONT,        /* drive: in the front end; front_op */
    PLACE_READ_QUEUE,   /* drive: waits for read slots */
    PLACE_FLASH,        /* drive: all pages asked for; nowhere */
    PLACE_WRITE_QUEUE,  /* drive: write or flush, waits for the buffer */
    PLACE_FLUSH_LIST,   /* drive: flush, waits for programs */
    PLACE_COUNT
} OpPlace;

/* OpState.flags */
#define OP_CANCELLED 1u /* goes on silently */
#define OP_STALLED 2u   /* has waited for the write buffer: counted */

static inline bool is_drive_kind(unsigned kind)
{
    return kind >= MODEL_DRIVE_READ && kind <= MODEL_DRIVE_DISCARD;
}

/* The server that handles @kind, or SERVERS. */
static inline ServerId server_of(unsigned kind)
{
    switch (kind) {
    case MODEL_CONTROLLER:
        return SERVER_CTRL;
    case MODEL_CRYPTO:
        return SERVER_CRYPTO;
    case MODEL_NIC_TX:
        return SERVER_NIC_TX;
    case MODEL_NIC_RX:
        return SERVER_NIC_RX;
    case MODEL_MAC_TX:
        return SERVER_MAC_TX;
    default:
        return SERVERS;
    }
}

typedef struct OpState {
    uint64_t tag;
    uint64_t addr;
    uint64_t seq;
    uint64_t done_ps; /* SCHEDULED: exact; else a lower bound */
    uint64_t mark;    /* FLUSH_LIST: programs before this one matter */
    uint32_t bytes;
    uint32_t sent; /* DMA, MMIO, reads: bytes; writes: map units */
    uint16_t fn;
    uint8_t kind;
    uint8_t drive;
    uint8_t place;
    uint8_t flags;
    uint16_t pending; /* read requests or transactions not finished */
    uint16_t next;
    uint16_t heap_pos;
} OpState;

typedef struct OpList {
    uint16_t head;
    uint16_t tail;
} OpList;

/* Indices of operations, smallest (done_ps, seq) first. */
typedef struct OpHeap {
    uint32_t count;
    uint16_t at[MODEL_MAX_OPS];
} OpHeap;

/* Credits that come back: fixed delay, so in order of time. */
typedef struct CreditReturn {
    uint64_t at_ps;
    uint32_t units;
} CreditReturn;

typedef struct CreditPool {
    uint32_t headers; /* available */
    uint32_t units;
    uint32_t head, count;
    CreditReturn ring[kMaxHeaderCredits];
} CreditPool;

typedef struct TagReturn {
    uint64_t at_ps;
    uint32_t ends_context; /* 0 or 1 */
} TagReturn;

/* A read request on its way through host memory, or being completed. */
typedef struct HostRead {
    uint64_t ready_ps;
    uint64_t addr;
    uint32_t bytes; /* left to complete */
    uint16_t op;
} HostRead;

/* Data link packets of one direction: bytes since the last one. */
typedef struct WireState {
    uint64_t free_ps;
    uint32_t ack_bytes;
    uint32_t fc_bytes;
    uint32_t skip_bytes;
} WireState;

typedef struct UpState {
    WireState wire;
    uint32_t busy;       /* for waves, as all `busy` */
    uint32_t blocked;    /* wire free, but nothing may go: counted */
    uint32_t ready_mask; /* requesters with a non-empty queue */
    uint32_t queued;
    uint32_t last; /* round robin: last requester granted */
    OpList queue[UP_REQUESTERS];
    CreditPool posted;
    CreditPool nonposted;
    uint32_t tags; /* available */
    uint32_t contexts;
    uint32_t tag_head, tag_count;
    TagReturn tag_ring[kMaxReadTags];
} UpState;

typedef struct DownState {
    WireState wire;
    uint32_t busy;
    uint32_t blocked;
    uint32_t last; /* 0 MMIO, 1 completions */
    OpList mmio;
    uint32_t mmio_queued;
    CreditPool mmio_credits;
    CreditPool completion_credits;
    uint32_t head, count;
    HostRead ring[kMaxReadTags];
} DownState;

typedef struct ServerState {
    OpList queue;
    uint32_t queued;
    uint32_t busy;
    uint64_t free_ps[kMaxServers];
} ServerState;

/* Page transactions of a drive. */
typedef enum TransactionPlace {
    TX_FREE = 0,
    TX_INBOX,   /* on its way to the channel; at_ps = arrival */
    TX_DIE,     /* in a die's queue */
    TX_SENSE,   /* array busy; at_ps = end */
    TX_BUS,     /* wants the bus; at_ps = since when */
    TX_PROGRAM, /* data in and program; at_ps = end */
    TX_EGRESS,  /* read data leaves over the drive's link; at_ps = ready */
    TX_RELEASE, /* program ended; at_ps = the front end learns of it */
    TX_PLACES
} TransactionPlace;

typedef struct Transaction {
    uint64_t at_ps;
    uint64_t seq;
    uint64_t program; /* its number */
    uint32_t bytes;
    uint16_t op; /* NONE16: a program */
    uint16_t next;
    uint16_t prev;
    uint16_t units; /* program: buffer units it holds */
    uint8_t place;
    uint8_t channel;
    uint8_t die;
    uint8_t plane;
    uint8_t type;
} Transaction;

typedef struct DieState {
    uint64_t next_ps; /* derived: nothing to do on this die before */
    uint64_t plane_free_ps[kMaxPlanes];
    uint16_t plane_tx[kMaxPlanes];
    uint16_t exclusive_tx; /* program: whole die */
    OpList queue;
    uint32_t programs;   /* in the current block */
    uint32_t copies_acc; /* thousandths of a garbage collection copy */
} DieState;

typedef struct ChannelState {
    uint64_t bus_free_ps;
    OpList reads_in; /* both in order of arrival */
    OpList programs_in;
    OpList bus; /* by (at_ps, seq) */
    uint32_t bus_wanted;
    uint32_t bus_busy;
    uint32_t dies_busy;
    DieState die[kMaxDies];
} ChannelState;

typedef struct DriveState {
    uint64_t front_end_ps;
    uint16_t front_op;
    OpList front_queue;
    OpList read_queue;
    OpList write_queue;
    OpList flush_list;
    OpList egress; /* transactions by (at_ps, seq) */
    uint64_t egress_free_ps;
    uint64_t ingress_free_ps;
    uint32_t front_busy, egress_busy, ingress_busy;
    uint32_t read_slots;    /* available */
    uint32_t buffer_units;  /* available */
    uint32_t program_slots; /* available */
    uint32_t open_units;    /* in the program being filled */
    uint32_t programs_out;  /* under way */
    uint32_t unscheduled;   /* live operations not yet SCHEDULED */
    uint64_t next_program;  /* number of the open or next program */
    uint64_t next_tx_seq;
    OpList released; /* transactions by (at_ps, program) */
    uint64_t tx_used[TRANSACTION_WORDS];
    Transaction tx[MAX_TRANSACTIONS];
    ChannelState channel[kMaxChannels];
} DriveState;

/* Modules with a wake-up: PCIe up, down, the servers, then a front end and
 * the channels of each drive. */
#define WAKE_UP 0u
#define WAKE_DOWN 1u
#define WAKE_SERVER(id) (2u + (id))
#define WAKE_DRIVE(d) (2u + SERVERS + (d) * (1u + kMaxChannels))
#define WAKE_CHANNEL(d, c) (WAKE_DRIVE(d) + 1u + (c))
#define WAKE_COUNT WAKE_DRIVE(MODEL_MAX_DRIVES)

typedef enum CounterId {
    COUNT_OPS, /* MODEL_OP_KINDS of them */
    COUNT_UP_TLPS = COUNT_OPS + MODEL_OP_KINDS,
    COUNT_UP_WIRE_BYTES,
    COUNT_UP_PAYLOAD_BYTES,
    COUNT_UP_BUSY,
    COUNT_UP_STALLS,
    COUNT_DOWN_TLPS,
    COUNT_DOWN_WIRE_BYTES,
    COUNT_DOWN_PAYLOAD_BYTES,
    COUNT_DOWN_BUSY,
    COUNT_DOWN_STALLS,
    COUNT_CTRL_BUSY,
    COUNT_CRYPTO_BUSY,
    COUNT_CRYPTO_BYTES,
    COUNT_NIC_TX_BUSY,
    COUNT_NIC_TX_BYTES,
    COUNT_NIC_RX_BUSY,
    COUNT_NIC_RX_BYTES,
    COUNT_MAC_TX_BUSY,
    COUNT_MAC_TX_BYTES,
    COUNT_FLASH_READS,
    COUNT_FLASH_PROGRAMS,
    COUNT_FLASH_ERASES,
    COUNT_FLASH_COPIES,
    COUNT_DIE_BUSY,
    COUNT_BUS_BUSY,
    COUNT_BUFFER_STALLS,
    COUNT_CANCELLED,
    COUNT_EVENTS,
    COUNT_COUNTERS
} CounterId;

typedef struct CardState {
    uint64_t next_seq;
    uint32_t used;   /* slots taken */
    uint32_t silent; /* of them cancelled */
    uint64_t slot_used[OP_WORDS];
    OpState op[MODEL_MAX_OPS];
    OpHeap scheduled;
    OpHeap waiting; /* live, unscheduled; done_ps is a lower bound */
    UpState up;
    DownState down;
    ServerState server[SERVERS];
    DriveState drive[MODEL_MAX_DRIVES];
    /* Derived: when each module must run; MODEL_PS_NEVER: not at all. */
    uint64_t wake_ps[WAKE_COUNT];
    uint64_t counter[COUNT_COUNTERS];
} CardState;

/* An idle card (state_init.cpp). */
void card_state_init(CardState *state, const CardTiming &timing,
                     const DriveTiming *drives, unsigned n_drives);

#endif
