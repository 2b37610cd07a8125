/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_transport.h: closed-loop transports of the fabric's modelled hosts:
 * flows with acknowledgements, timers and pacing.
 *
 * Sources: none for the frame of it; each transport names its own.
 * Not modelled: time that hosts take to compute, interrupts, a NIC's internal
 * queues: the MAC asks for the next packet at the instant at which it is free.
 *
 * A **transport** is a table of functions and a configuration. It is
 * sans-I/O: it is called at exact instants (a flow starts, a packet is in, a
 * timer is due, the MAC is free) and answers through fabric_endpoint_*() and
 * fabric_flow_*() below. Its state is of three kinds, all zeroed at first and
 * never moved: one of each host, one of each flow at its sender (tx), one of
 * each flow at its receiver (rx). State at one host must never be read from
 * another: hosts stand at different instants within a window.
 *
 * ## Order at one instant T at one host
 *
 * 1. control: failures, rates (fabric.h);
 * 2. the packet in transmission departs, if T is its last bit's;
 * 3. arrivals, in their order;
 * 4. timers that are due and flows that start, in the order in which they
 *    were armed (a flow's start is armed by fabric_flow_add());
 * 5. the MAC, if it is free, takes a packet: control packets first, first in
 *    first out; then flows that are ready, in turn, one packet each; its first
 *    bit leaves at T, its last one ceil((bytes + 24) * 8 * 10^12 / rate)
 *    later.
 * Nothing in this depends on how time is cut into fabric_run() calls.
 *
 * ## Use
 *
 *     t = fabric_transport_add(f, &fabric_ndp_ops, &ndp_config, &err);
 *     flow = fabric_flow_add(f, &(FabricFlowSpec){ .from = a, .to = b,
 *                            .bytes = 1000000, .transport = t }, &err);
 *     fabric_run(f, until);
 *     fabric_flow_stats(f, flow, &stats);
 *
 * Both ends of a flow are modelled hosts. A host with flows of transports has
 * no open-loop traffic of its own to send (fabric_traffic_add()); it may
 * receive it. Not thread-safe, as the fabric is not.
 */
#ifndef OUTRIGGER_FABRIC_TRANSPORT_H
#define OUTRIGGER_FABRIC_TRANSPORT_H

#include "fabric.h"

#define FABRIC_ENDLESS UINT64_MAX

typedef struct FabricTransportOps FabricTransportOps;
typedef struct FabricEndpoint FabricEndpoint; /* one host's side of it all */

/* ---- for whoever sets up an experiment ----------------------------------- */

/* @config: ops->config_bytes of it, copied. The transport's number, or -1 if
 * its check() refuses the configuration. After fabric_build(). */
int32_t fabric_transport_add(Fabric *f, const FabricTransportOps *ops,
                             const void *config, GError **errp);

typedef struct FabricFlowSpec {
    uint32_t from, to; /* nodes: modelled hosts, not the same */
    uint64_t bytes;    /* of payload, at least 1; or FABRIC_ENDLESS */
    uint64_t start_ps; /* not before fabric_now_ps() */
    uint32_t transport;
    uint8_t priority; /* the transport's to interpret; 0: plain */
    uint32_t user;    /* the caller's, e.g. a group; in the statistics */
} FabricFlowSpec;

/* The flow's number, from 0 on, or -1. */
int64_t fabric_flow_add(Fabric *f, const FabricFlowSpec *spec, GError **errp);

/* Since the start of the flow. Those of the sender and of the receiver are
 * both as of fabric_now_ps(). */
typedef struct FabricFlowStats {
    FabricFlowSpec spec;
    uint64_t delivered_bytes; /* payload, each byte once */
    /* Longest time between two deliveries, or the start and the first one;
     * and the instant of the last one, 0: none. */
    uint64_t longest_gap_ps, last_delivery_ps;
    uint64_t
        finish_ps;     /* instant at which the last byte was in at the receiver;
                         * FABRIC_NEVER_PS: not yet */
    uint64_t acked_ps; /* at which the sender knew; FABRIC_NEVER_PS: not yet */
    /* sender */
    uint64_t sent_packets, sent_bytes; /* data; frames */
    uint64_t retransmitted_packets;
    uint64_t timeouts;
    uint64_t path_changes; /* as the transport counts them */
    /* receiver */
    uint64_t received_packets; /* data, whole */
    uint64_t duplicate_packets;
    uint64_t trimmed_packets;   /* headers of cut packets */
    uint64_t marked_packets;    /* data with CE */
    uint64_t reordered_packets; /* data, with a sequence number below the
                                 * highest that came before */
} FabricFlowStats;

uint32_t fabric_flow_count(const Fabric *f);
void fabric_flow_stats(const Fabric *f, uint32_t flow, FabricFlowStats *ret);
/* fabric_fct() of fabric.h also counts these flows; fabric_totals() counts
 * their packets, acknowledgements included; fabric_latency() their data packets,
 * from the first bit that leaves to the last bit that is in. */

/*
 * Values for SwitchPacket.flow_hash that lead from @from to @to over different
 * sequences of links, as routes are now: up to @max of them into @hashes, in an
 * order that @seed decides. Returns how many there are. It tries random values
 * until 256 in a row have shown no new way, so that ways which a hash hardly
 * ever takes may be missed. Stands for a sender that has probed its paths, or
 * for source routing.
 */
uint32_t fabric_paths(const Fabric *f, uint32_t from, uint32_t to,
                      uint64_t seed, uint32_t *hashes, uint32_t max);
/* The links (fabric_link_count() numbers) of one of them, in order; returns
 * how many, 0: no way. */
uint32_t fabric_path_links(const Fabric *f, uint32_t from, uint32_t to,
                           uint32_t flow_hash, uint32_t *links, uint32_t max);

/* ---- for whoever writes a transport -------------------------------------- */

/* Reserved for the frame of it in FabricSegment.flags. */
enum {
    FABRIC_SEG_ECT = 1 << 0,     /* sent with ECT */
    FABRIC_SEG_CE = 1 << 1,      /* on reception: a switch has marked it */
    FABRIC_SEG_TRIMMED = 1 << 2, /* on reception: payload is gone */
    FABRIC_SEG_RETURNED = 1
                          << 3, /* on reception at the sender: bounced header */
    FABRIC_SEG_DATA = 1 << 4,   /* counts as data in the statistics */
    FABRIC_SEG_RETRANSMITTED = 1 << 5, /* counts as such */
    FABRIC_SEG_NO_TRIM = 1 << 6, /* switches drop it rather than trim it */
};

/* What a packet carries besides its place in queues. The transport fills in
 * what is its own; 64 bytes. */
typedef struct FabricSegment {
    uint64_t sent_ps;  /* the frame's: the first bit left then */
    uint64_t echo_ps;  /* transport's, e.g. sent_ps of what it acknowledges */
    uint64_t seq, ack; /* transport's */
    uint32_t flow;     /* the frame's */
    uint32_t path;     /* becomes SwitchPacket.flow_hash */
    uint32_t payload_bytes; /* transport's */
    uint32_t aux;           /* transport's: subflow, credit, echoed path ... */
    uint16_t bytes;     /* frame without FCS, FABRIC_MIN.. to MAX_FRAME_BYTES */
    uint8_t type;       /* transport's: data, ack, nack, pull ... */
    uint8_t flags;      /* FABRIC_SEG_* */
    uint8_t priority;   /* the switches' queue */
    uint8_t user_flags; /* transport's: e.g. echoed CE, last packet */
    uint16_t aux16;     /* transport's */
    uint64_t aux64;     /* transport's */
} FabricSegment;
_Static_assert(sizeof(FabricSegment) == 64, "FabricSegment");

/* A timer lies in the transport's own state; zeroed is stopped. The first four
 * are the frame's. */
typedef struct FabricTimer {
    uint64_t due_ps, armed_seq;
    uint32_t at; /* in the heap, from 1 on; 0: stopped */
    void (*fire)(FabricEndpoint *e, struct FabricTimer *t);
    void *owner; /* transport's: e.g. the FabricFlowEnd */
} FabricTimer;

/* One flow at one of its ends. All but `state` and `random` is read-only for
 * the transport. */
typedef struct FabricFlowEnd {
    void *state;     /* tx_bytes or rx_bytes of the transport's, zeroed */
    uint64_t random; /* splitmix64 state, one of each flow and end */
    uint64_t bytes;  /* of payload; FABRIC_ENDLESS */
    uint32_t flow;   /* number */
    uint32_t peer;   /* node at the other end */
    uint32_t user;
    uint8_t priority;
    bool sender;
    bool ready; /* the frame's: waits for the MAC */
    FabricEndpoint *endpoint;
    const void *config;         /* the transport's */
    struct FabricFlowEnd *next; /* the frame's */
} FabricFlowEnd;

struct FabricTransportOps {
    const char *name;
    size_t config_bytes, host_bytes, tx_bytes, rx_bytes;
    /* NULL: fine, else what is wrong with it. May be NULL. */
    const char *(*check)(const void *config);
    /* At the sender, at start_ps. */
    void (*start)(FabricFlowEnd *tx);
    /* At the receiver, when the flow's first packet is in, before
     * rx_receive(). May be NULL. */
    void (*open)(FabricFlowEnd *rx);
    /* A packet for the sender (acknowledgements, pulls, returned headers). */
    void (*tx_receive)(FabricFlowEnd *tx, const FabricSegment *seg);
    /* A packet for the receiver: data, also trimmed. */
    void (*rx_receive)(FabricFlowEnd *rx, const FabricSegment *seg);
    /* The MAC is free and it is this flow's turn, which has said that it is
     * ready: fills in *@seg (zeroed but for flow; set bytes, payload_bytes,
     * path, flags, priority) and returns true, or returns false: nothing now,
     * and the flow is no longer ready. After true it remains ready. */
    bool (*next)(FabricFlowEnd *tx, FabricSegment *seg);
    /* Frees what the states own. May be NULL; never called before the fabric
     * is freed. */
    void (*tx_free)(FabricFlowEnd *tx);
    void (*rx_free)(FabricFlowEnd *rx);
    void (*host_free)(void *host_state);
};

/* The instant of the call that the transport is in. */
uint64_t fabric_endpoint_now_ps(const FabricEndpoint *e);
/* State of @end's transport at this host: host_bytes, zeroed at first. */
void *fabric_endpoint_state(const FabricFlowEnd *end);
uint64_t fabric_endpoint_rate_bps(const FabricEndpoint *e); /* of its link */
uint32_t fabric_endpoint_node(const FabricEndpoint *e);
const Fabric *fabric_endpoint_fabric(const FabricEndpoint *e);

/* A control packet (acknowledgement, pull, request) to @end's peer, at the tail
 * of the host's control queue. Fill in a zeroed *@seg as in next(). */
void fabric_endpoint_send(FabricFlowEnd *end, const FabricSegment *seg);
/* The sender has something for next(). Already ready: no change. */
void fabric_flow_ready(FabricFlowEnd *tx);
/* @payload bytes that were not there before have been received. The flow
 * finishes when they are all there. */
void fabric_flow_deliver(FabricFlowEnd *rx, uint64_t payload);
void fabric_flow_acked(FabricFlowEnd *tx);     /* the sender knows */
void fabric_flow_duplicate(FabricFlowEnd *rx); /* whole data, here already */
void fabric_flow_timeout(FabricFlowEnd *tx);
void fabric_flow_path_change(FabricFlowEnd *tx);

/* (Re)arms @t for @due_ps, not before now; due at now it still fires at now. */
void fabric_timer_set(FabricEndpoint *e, FabricTimer *t, uint64_t due_ps,
                      void (*fire)(FabricEndpoint *e, FabricTimer *t),
                      void *owner);
void fabric_timer_stop(FabricEndpoint *e, FabricTimer *t);
static inline bool fabric_timer_armed(const FabricTimer *t)
{
    return t->at != 0;
}

/* The next number of a flow's random source (splitmix64). */
static inline uint64_t fabric_flow_random(FabricFlowEnd *end)
{
    uint64_t z = (end->random += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}
/* 0 .. @n - 1 */
static inline uint32_t fabric_flow_random_below(FabricFlowEnd *end, uint32_t n)
{
    return (uint32_t)(((fabric_flow_random(end) >> 32) * n) >> 32);
}

#endif
