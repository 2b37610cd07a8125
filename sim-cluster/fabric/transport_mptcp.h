/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_mptcp.h: Multipath TCP between modelled hosts: one connection over
 * several subflows, each a TCP of its own on a path of its own.
 *
 * Sources: RFC 8684 (data sequence numbers, data acknowledgements,
 * reinjection), RFC 6356 (LIA), tcp_core.h's.
 * Not modelled: handshake, adding and removing subflows, the connection's
 * receive window and its effects, schedulers that look at round trips.
 *
 * The connection's data is cut into segments; a subflow with room for a new
 * one takes the next. Subflows take turns. What a subflow has outstanding
 * when it times out is also offered to the others (reinjection); whatever
 * arrives first counts. The receiver keeps both sequences: a flow is delivered
 * by data numbers, acknowledged by both.
 */
#ifndef OUTRIGGER_TRANSPORT_MPTCP_H
#define OUTRIGGER_TRANSPORT_MPTCP_H

#include "fabric_transport.h"
#include "tcp_core.h"

typedef struct TransportMptcpConfig {
    TcpConfig tcp;       /* of each subflow */
    uint32_t subflows;   /* 1 to TCP_MAX_SUBFLOWS */
    bool coupled;        /* RFC 6356; else uncoupled */
    bool distinct_paths; /* subflows take different ways as fabric_paths()
                          * finds them, as far as there are enough; else
                          * random ones, as hashed ports would */
    uint32_t header_bytes, ack_bytes; /* of frames */
} TransportMptcpConfig;

extern const FabricTransportOps transport_mptcp_ops;

/* 8 subflows, coupled, random ways, 1500-byte IP packets, no ECN. */
void transport_mptcp_config_default(TransportMptcpConfig *c);

/* Read-only view for tests: the sender's state of a flow that has started. */
typedef struct TransportMptcpFlow {
    TcpSender sub[TCP_MAX_SUBFLOWS];
    uint32_t path[TCP_MAX_SUBFLOWS];
    TcpGroup group;
    FabricTimer timer;    /* the earliest of all subflows */
    uint64_t total, next; /* of data, in segments */
    uint64_t acked;       /* by the connection */
    uint64_t *reinject;   /* data numbers [reinject_at .. n_reinject) */
    uint32_t reinject_at, n_reinject, cap_reinject;
    uint32_t turn;
} TransportMptcpFlow;

#endif
