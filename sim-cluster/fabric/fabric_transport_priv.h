/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_transport_priv.h: what the files of the transports' frame share; see
 * fabric_transport.h.
 */
#ifndef OUTRIGGER_FABRIC_TRANSPORT_PRIV_H
#define OUTRIGGER_FABRIC_TRANSPORT_PRIV_H

#include "fabric_priv.h"
#include "fabric_transport.h"

typedef struct FabricTransport {
    const FabricTransportOps *ops;
    void *config;
} FabricTransport;

typedef struct FabricTransportFlow {
    FabricFlowStats stats;
    FabricFlowEnd tx, rx;
    FabricTimer start;
    const FabricTransportOps *ops;
    uint64_t next_seq; /* above the highest data that has come */
} FabricTransportFlow;

struct FabricEndpoint {
    Fabric *f;
    FabricHost *h;
    uint64_t now_ps;
    /* the MAC */
    bool sending;
    uint64_t depart_ps; /* of what it sends */
    uint64_t choose_ps; /* it is idle and looks at this instant, or NEVER */
    SwitchPacket current;
    FabricFlowEnd *ready_first, *ready_last;
    uint32_t *control; /* ring of segments: [control_head .. + n_control) */
    uint32_t control_head, n_control, control_mask;
    /* timers: a heap, [1 .. n_timers] */
    FabricTimer **timer;
    uint32_t n_timers, cap_timers;
    uint64_t timer_seq;
    void **state; /* by transport; NULL: none yet */
    uint32_t n_states;
};

typedef struct FabricTransports {
    FabricSegment *seg; /* free ones are linked by `aux` */
    uint32_t n_segs, cap_segs, free_seg;
    FabricTransport *transport;
    uint32_t n_transports;
    FabricTransportFlow **flow;
    uint32_t n_flows, cap_flows;
} FabricTransports;

static inline FabricTransportFlow *fabric_transport_flow(const Fabric *f,
                                                         uint32_t number)
{
    return f->transports->flow[number];
}

/* fabric_transport_mac.c */
FabricEndpoint *fabric_endpoint_new(Fabric *f, FabricHost *h);
void fabric_endpoint_free(FabricEndpoint *e);
/* The host's depart_ps is the instant at which the endpoint acts next. */
void fabric_endpoint_refresh(FabricEndpoint *e);

/* fabric_transport_timer.c */
void fabric_timers_fire(FabricEndpoint *e); /* the first one */

/* fabric_transport.c */
void fabric_transport_start_flow(FabricEndpoint *e, FabricTimer *t);
FabricFlowEnd *fabric_transport_open(FabricTransportFlow *flow,
                                     FabricEndpoint *e);

#endif
