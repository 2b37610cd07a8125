/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_dctcp.h: DCTCP, or plain TCP, between modelled hosts, over one
 * path or over those that a policy of hw/offload/path.h chooses.
 *
 * Sources: tcp_core.h's; path.h's. What is not modelled stands there.
 *
 * Without jitter the packets of flows that share a queue keep the pattern of
 * their first meeting, and with it shares as unequal as 8 to 2 for good ("phase
 * effects", Floyd and Jacobson 1992).
 *
 * One flow is one TCP connection that is open already. Each data packet gets its
 * path from a PathSender (ecmp: one for the whole flow), each acknowledgement says by which it came, with its mark and one-way delay, and
 * feeds the policy back. Acknowledgements take one path of their own. A
 * policy's cap and rate reduction, if the configuration has them, hold packets
 * back that the window would admit.
 */
#ifndef OUTRIGGER_TRANSPORT_DCTCP_H
#define OUTRIGGER_TRANSPORT_DCTCP_H

#include "fabric_transport.h"
#include "path.h"
#include "tcp_core.h"

/* Ethernet 14, IPv4 20, TCP 20 with time stamps 12. */
#define TRANSPORT_TCP_HEADER_BYTES 66u

typedef struct TransportDctcpConfig {
    TcpConfig tcp; /* dctcp: packets are ECT; segment_bytes: payload */
    PathConfig path;
    unsigned paths;        /* physical ones, as path_sender_new() wants it */
    uint32_t header_bytes; /* of a data packet's frame */
    uint32_t ack_bytes;    /* an acknowledgement's frame */
    bool share_paths;   /* one PathSender for all flows from a host to the same
                       * peer, as a card has it; else one for each flow */
    uint64_t jitter_ps; /* a sender reacts to an acknowledgement up to so much
                         * later, at random */
    bool source_routed; /* with ecmp: a flow's path is its FabricFlowSpec.user,
                         * e.g. from fabric_paths(), not a random one */
} TransportDctcpConfig;

extern const FabricTransportOps transport_dctcp_ops;

/* DCTCP over one path: tcp_config_default() with marks; windows of at least 2
 * segments (Linux, tcp_dctcp.c); 1500-byte IP packets; 1 us of jitter (a
 * choice); PATH_MAX_VALUES paths, so that a policy put into `path` works. */
void transport_dctcp_config_default(TransportDctcpConfig *c);

/* Read-only view for tests and reports: the sender's state of a flow that has
 * started. */
typedef struct TransportDctcpFlow {
    TcpSender tcp;
    PathSender *paths;
    FabricTimer timer, pace;
    uint32_t hash; /* the flow's, for the policy */
    uint32_t base; /* of all values of this PathSender */
    uint32_t last_port;
} TransportDctcpFlow;

#endif
