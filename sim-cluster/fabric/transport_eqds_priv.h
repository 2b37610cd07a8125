/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_eqds_priv.h: what EQDS's sender and receiver share.
 */
#ifndef OUTRIGGER_TRANSPORT_EQDS_PRIV_H
#define OUTRIGGER_TRANSPORT_EQDS_PRIV_H

#include "transport_eqds.h"

#define EQDS_QUANTUM_BYTES 512u
#define EQDS_PULL_QUANTA 8u
#define EQDS_CONTROL_BYTES FABRIC_MIN_FRAME_BYTES

/* ---- a flow at its sender ------------------------------------------------ */

#define EQDS_PATH_WORDS (FABRIC_EQDS_MAX_PATHS / 64)

typedef enum EqdsPacketState {
    EQDS_PACKET_DONE = 0,
    EQDS_PACKET_FLYING,
    EQDS_PACKET_WAITING /* to be sent again */
} EqdsPacketState;

typedef struct EqdsPacket {
    uint64_t sent_ps; /* last time */
    EqdsPacketState state;
} EqdsPacket;

typedef struct EqdsFlight {
    uint64_t seq, sent_ps;
} EqdsFlight;

typedef struct EqdsTx {
    FabricFlowEnd *end;
    EqdsPacket *packet; /* ring: [base, next) */
    uint32_t packets;   /* places of it, a power of two */
    EqdsFlight *flight; /* ring, in the order of sending; some are no longer
                       * in flight */
    uint32_t flights, flight_first, n_flights;
    uint64_t base, next; /* cumulatively acknowledged; next new packet */
    uint64_t waiting, waiting_from; /* packets to be sent again; none below */
    uint64_t unsent;                /* payload never sent */
    uint64_t backlog;               /* the same with headers */
    int64_t pulled_credit, speculative_credit;
    uint64_t pulls; /* quanta */
    uint64_t target;
    uint64_t requested; /* of those that wait: told to the receiver by RTS */
    bool speculating, done, asked;
    uint64_t asked_ps, heard_ps; /* last RTS; anything from the receiver */
    uint64_t looked_ps;          /* the timer was due */
    /* paths */
    uint32_t path_base, control_path;
    uint32_t turn, order; /* index ^ order is the next path */
    uint64_t skip[EQDS_PATH_WORDS];
    FabricTimer timer;
} EqdsTx;

/* ---- a flow at its receiver, and what flows to one host share ------------ */

typedef enum EqdsTurn {
    EQDS_TURN_NONE,
    EQDS_TURN_ACTIVE,
    EQDS_TURN_IDLE
} EqdsTurn;

typedef struct EqdsRx {
    FabricFlowEnd *end;
    struct EqdsRx *next, *next_repair; /* of the host's lists */
    EqdsTurn turn;
    bool repairing; /* in the list of flows with trimmed packets */
    bool ack_wanted, any, finished;
    uint32_t path;     /* of all its control packets */
    uint32_t unacked;  /* bytes since the last ACK */
    uint64_t expected; /* all below are here */
    uint64_t above;    /* packets here above it */
    uint64_t *here;    /* bits of packets from `expected` on, a ring */
    uint32_t words;    /* of it, a power of two */
    uint64_t target;   /* greatest pull target */
    uint64_t pulled;   /* quanta pulled so far */
    uint64_t repair;   /* quanta of trimmed packets still to pull */
} EqdsRx;

typedef struct EqdsRxList {
    EqdsRx *first, *last;
} EqdsRxList;

typedef struct EqdsHost {
    EqdsRxList repair, active, idle;
    FabricTimer pacer;
    uint64_t free_ps; /* no pull before this */
} EqdsHost;

static inline uint64_t eqds_quanta(uint64_t bytes)
{
    return (bytes + EQDS_QUANTUM_BYTES - 1) / EQDS_QUANTUM_BYTES;
}

static inline uint32_t eqds_packet_bytes(const FabricEqdsConfig *c)
{
    return c->payload_bytes + c->header_bytes;
}

/* A control packet as it leaves; the caller fills in the rest. */
static inline FabricSegment eqds_control(const FabricFlowEnd *end,
                                         FabricEqdsType type, uint32_t path)
{
    const FabricEqdsConfig *c = end->config;

    return (FabricSegment){ .type = (uint8_t)type,
                            .bytes = EQDS_CONTROL_BYTES,
                            .path = path,
                            .flags = FABRIC_SEG_NO_TRIM,
                            .priority = c->control_priority };
}

/* transport_eqds_tx.c */
void fabric_eqds_start(FabricFlowEnd *tx);
void fabric_eqds_tx_receive(FabricFlowEnd *tx, const FabricSegment *seg);
bool fabric_eqds_next(FabricFlowEnd *tx, FabricSegment *seg);
void fabric_eqds_tx_free(FabricFlowEnd *tx);

/* transport_eqds_rx.c */
void fabric_eqds_open(FabricFlowEnd *rx);
void fabric_eqds_rx_receive(FabricFlowEnd *rx, const FabricSegment *seg);
void fabric_eqds_rx_free(FabricFlowEnd *rx);

#endif
