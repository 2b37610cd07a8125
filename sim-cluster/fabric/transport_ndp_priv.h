/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_ndp_priv.h: what the two ends of NDP share; see transport_ndp.h.
 */
#ifndef OUTRIGGER_TRANSPORT_NDP_PRIV_H
#define OUTRIGGER_TRANSPORT_NDP_PRIV_H

#include "transport_ndp.h"

#define NDP_MAX_PATHS 1024u

enum { NDP_DATA = 0, NDP_ACK, NDP_NACK, NDP_PULL };
enum { NDP_ECHO_CE = 1 }; /* FabricSegment.user_flags */

/*
 * FabricSegment: seq is the packet's number, ack the pull's (0: none), aux the
 * sender's path, echoed in ACK and NACK; aux64, of what receivers send, is the
 * number below which they have all packets.
 */

typedef struct NdpPath {
    uint32_t hash;
    uint32_t acks, nacks;
    uint32_t doublings; /* of penalty_ps, next time */
    uint64_t until_ps;  /* left out until then */
} NdpPath;

/* The paths of one end. */
typedef struct NdpPaths {
    NdpPath *path;
    uint32_t *order;      /* a permutation of 0 .. n-1 */
    uint32_t n, at;       /* at: index into order of the next one */
    uint32_t acks, nacks; /* sums over all */
} NdpPaths;

typedef struct NdpRx {
    NdpPaths paths;
    uint8_t *have; /* ring: [seq & mask] for seq in [base, base + mask] */
    uint64_t mask, base;
    uint64_t n_packets, n_have;
    uint64_t pulls_sent; /* number of the last one */
    uint64_t owed;       /* pulls not sent yet */
    FabricFlowEnd *next; /* in the host's queue, while owed */
} NdpRx;

/* Flows that are owed pulls, by class: plain and preferred. */
typedef struct NdpHost {
    FabricFlowEnd *first[2], *last[2];
    FabricTimer timer;
    uint64_t next_ps; /* no pull before this */
} NdpHost;

/* transport_ndp_paths.c */
void ndp_paths_init(NdpPaths *p, FabricFlowEnd *end);
void ndp_paths_free(NdpPaths *p);
/* Index of the next packet's path. */
uint32_t ndp_paths_choose(NdpPaths *p, FabricFlowEnd *end);
void ndp_paths_ack(NdpPaths *p, uint32_t which);
/* True: it is left out from now on. */
bool ndp_paths_nack(NdpPaths *p, FabricFlowEnd *end, uint32_t which,
                    uint32_t weight);
void ndp_paths_move(NdpPaths *p, FabricFlowEnd *end); /* on to the next */

/* transport_ndp_rx.c */
void ndp_rx_open(FabricFlowEnd *rx);
void ndp_rx_receive(FabricFlowEnd *rx, const FabricSegment *seg);
void ndp_rx_free(FabricFlowEnd *rx);

/* Packets of a flow, FABRIC_ENDLESS; payload of one of them. */
uint64_t ndp_packets(const FabricFlowEnd *end);
uint32_t ndp_payload(const FabricFlowEnd *end, uint64_t seq);

#endif
