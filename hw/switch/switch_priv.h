/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_priv.h: what the files of one switch share; see switch_core.h.
 */
#ifndef OUTRIGGER_SWITCH_PRIV_H
#define OUTRIGGER_SWITCH_PRIV_H

#include "switch_core.h"

#define SWITCH_LIKELY(x) __builtin_expect(!!(x), 1)
#define SWITCH_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define PORT_WORDS (SWITCH_MAX_PORTS / 64u)

/*
 * What every packet touches is one cache line a queue, a port and (in the
 * fabric) a wire; what few packets touch lies elsewhere.
 */

/* A ring of packets; `mask` + 1 entries, a power of two, or q == NULL. */
typedef struct SwitchQueue {
    SwitchPacket *q;
    uint32_t head, n, mask;
    uint32_t cells, max_cells;
    uint32_t deficit_bytes;
    uint64_t enqueued_packets, enqueued_bytes, sent_packets, marked_packets;
} SwitchQueue;
_Static_assert(sizeof(SwitchQueue) == 64, "SwitchQueue");

/*
 * A port is idle (next_ps == NEVER, no packets), about to choose (!sending,
 * next_ps the instant S of the choice), or sending the head of queue `current`
 * (next_ps the departure). The packet stays in its ring until it departs.
 */
typedef struct SwitchPort {
    uint64_t next_ps;
    uint64_t rate_bps;
    uint32_t ps_per_byte; /* 0: not whole, use switch_serialise_ps() */
    uint8_t sending, current;
    uint8_t waiting; /* bit per queue that has packets */
    uint8_t up, flood;
    uint8_t turn, in_turn; /* DRR */
    uint64_t tx_packets, tx_bytes;
    uint64_t rx_packets, rx_bytes;
} SwitchPort;
_Static_assert(sizeof(SwitchPort) == 64, "SwitchPort");

typedef struct SwitchPortRare {
    uint64_t flooded;
    uint64_t rx_dropped[SWITCH_DROPS];
    uint64_t dropped[SWITCH_MAX_QUEUES][SWITCH_DROPS];
    uint64_t trimmed[SWITCH_MAX_QUEUES];
    uint64_t returned;
} SwitchPortRare;

#define SWITCH_GROUP_NEAR 24u

/* `near` are the members that are up, in the order given, while there are not
 * too many; else they are at members[0 .. n_up). members[n .. 2n): all. */
typedef struct SwitchGroup {
    uint16_t near[SWITCH_GROUP_NEAR];
    uint32_t n, n_up;
    uint16_t *members;
} SwitchGroup;
_Static_assert(sizeof(SwitchGroup) == 64, "SwitchGroup");

typedef struct SwitchMac {
    uint64_t mac; /* 0: free */
    uint64_t seen_ps;
    uint16_t port;
    uint8_t is_static;
} SwitchMac;

typedef struct SwitchPiped {
    uint64_t admit_ps;
    uint32_t port;
    SwitchPacket pkt;
} SwitchPiped;

struct SwitchCore {
    /* what every packet reads */
    const SwitchOps *ops;
    void *opaque;
    SwitchPort *port;
    SwitchQueue *queue;    /* [port * config.queues + queue] */
    SwitchPortRare *rare;  /* by port */
    uint32_t *route_start; /* rising; [0] is 0 */
    uint16_t *route_group; /* SWITCH_NO_GROUP: none */
    /* the same by (address - near_base) >> near_shift, if below near_n */
    uint16_t *near_group;
    uint32_t near_base, near_n, near_shift;
    SwitchGroup *group;
    uint32_t route_n, n_groups;
    uint32_t used_cells; /* not before the truth: releases come late */
    uint32_t ecmp_seed;
    uint64_t cell_magic; /* floor(2^32 / cell_bytes) + 1: divides exactly what
                          * is below 2^32 / cell_bytes */
    uint8_t strict_mask, limited_mask; /* by queue */
    bool is_up, routes_dirty, random_ecn;
    uint32_t least_alpha_q8;     /* of all queues */
    uint32_t deep_cells;         /* UINT32_MAX: ops->deep is not called */
    uint64_t active[PORT_WORDS]; /* ports that are not idle */
    uint64_t now_ps;
    uint64_t random;
    SwitchConfig config;
    /* pipeline */
    SwitchPiped *pipe;
    uint32_t pipe_head, pipe_n, pipe_mask;
    uint64_t last_arrive_ps;
    /* tables */
    SwitchRoute *routes;
    size_t n_routes, routes_cap;
    SwitchMac *mac;
    uint32_t mac_mask, mac_n;
};

#define SWITCH_NO_GROUP 0xffffu

void *switch_alloc(size_t n, size_t size); /* zeroed, in whole cache lines */
void *switch_resize(void *p, size_t n, size_t size);

static inline SwitchQueue *switch_queue(const SwitchCore *sw, uint32_t port,
                                        uint32_t queue)
{
    return &sw->queue[port * sw->config.queues + queue];
}

static inline uint32_t switch_cells_of(const SwitchCore *sw, uint32_t bytes)
{
    uint64_t up = bytes + sw->config.cell_bytes - 1;
    uint32_t cells = (uint32_t)(up * sw->cell_magic >> 32);

    return cells ? cells : 1;
}

static inline uint32_t switch_mix32(uint32_t h)
{
    h ^= h >> 16;
    h *= 0x7feb352du;
    h ^= h >> 15;
    h *= 0x846ca68bu;
    h ^= h >> 16;
    return h;
}

static inline uint64_t switch_splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static inline uint32_t switch_queue_of(const SwitchCore *sw,
                                       const SwitchPacket *pkt)
{
    return pkt->priority < sw->config.queues ? pkt->priority
                                             : sw->config.queues - 1;
}

/* ---- switch_tables.c ---- */

void switch_routes_compile(SwitchCore *sw);
void switch_groups_refresh(SwitchCore *sw); /* after a port went up or down */
/* Output port for an L3 packet, or -1. */
int32_t switch_route_pick(SwitchCore *sw, const SwitchPacket *pkt);
void switch_mac_learn(SwitchCore *sw, uint64_t mac, uint32_t port, uint64_t ps);
int32_t switch_mac_find(const SwitchCore *sw, uint64_t mac, uint64_t ps);
void switch_mac_forget_port(SwitchCore *sw, uint32_t port);
void switch_mac_put(SwitchCore *sw, const SwitchMac *entry);

static inline uint16_t switch_route_group(const SwitchCore *sw, uint32_t ipv4)
{
    const uint32_t *base = sw->route_start;
    uint32_t n = sw->route_n, near = (ipv4 - sw->near_base) >> sw->near_shift;

    if (SWITCH_LIKELY(near < sw->near_n)) {
        return sw->near_group[near];
    }
    while (n > 1) {
        uint32_t half = n / 2;

        base = base[half] <= ipv4 ? base + half : base;
        n -= half;
    }
    return sw->route_group[base - sw->route_start];
}

/* switch_route_pick() when routes are compiled. */
static inline int32_t switch_route_find(const SwitchCore *sw,
                                        const SwitchPacket *pkt)
{
    uint16_t group = switch_route_group(sw, (uint32_t)pkt->dst);
    const SwitchGroup *g;
    const uint16_t *members;
    uint32_t hash;

    if (SWITCH_UNLIKELY(group >= sw->n_groups)) {
        return -1;
    }
    g = &sw->group[group];
    if (SWITCH_UNLIKELY(g->n_up == 0)) {
        return -1;
    }
    hash = switch_mix32(pkt->flow_hash ^ sw->ecmp_seed);
    members = g->n_up <= SWITCH_GROUP_NEAR ? g->near : g->members;
    return members[((uint64_t)hash * g->n_up) >> 32];
}

/* ---- switch_core.c ---- */

void switch_packet_push(SwitchQueue *q, const SwitchPacket *pkt);
void switch_pipe_push(SwitchCore *sw, const SwitchPiped *piped);
/* Rules 4 and 5. SWITCH_DROPS: it is in the queue. */
SwitchDrop switch_admit_to(SwitchCore *sw, uint32_t out, uint64_t ps,
                           const SwitchPacket *pkt);
void switch_drop_queued(SwitchCore *sw, uint32_t port, uint64_t ps,
                        const SwitchPacket *pkt, SwitchDrop reason);

/* ---- switch_trim.c ---- */

/* Rule 9, for @pkt with SWITCH_PKT_TRIM that was not admitted for @reason. */
void switch_trim(SwitchCore *sw, uint32_t out, uint64_t ps,
                 const SwitchPacket *pkt, SwitchDrop reason);

#endif
