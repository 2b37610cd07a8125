/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_ndp.h: NDP for the fabric's modelled hosts: a first window at full
 * rate, headers of what switches cut, pulls paced by the receiver, packets
 * sprayed over paths.
 *
 * Sources: Handley et al., "Re-architecting datacenter networks and stacks for
 * low latency and high performance" (SIGCOMM 2017), sections 3.2 to 3.4. The
 * thresholds of the path penalty are those of htsim (Broadcom/csg-htsim), the
 * paper's own simulator.
 * Not modelled: the zero-RTT handshake's state, pull numbers that wrap, time
 * that hosts take, the experimental window increase of oversubscribed cores.
 *
 * ## Rules
 *
 * 1. At its start a sender may send `window_packets` packets; after that one for
 *    each pull. Packets to be sent again go first.
 * 2. For each whole packet the receiver sends an ACK, for each header a NACK, at
 *    once, and owes the sender one pull. Pulls of one host leave no closer than
 *    a full data packet takes on its link; flows take turns, those of a
 *    higher FabricFlowSpec.priority first. A pull that can leave at once travels in
 *    the ACK or NACK. Pulls are numbered by flow; a later number makes up for
 *    lost ones. All three say below which number all packets have come. A receiver that has all owes nothing.
 * 3. Paths. A path is a value of the flow hash. `paths` == 0: as many as lead
 *    over different links (fabric_paths()); else that many random values, of
 *    which several may lead the same way. Sender and receiver each go through
 *    a random permutation of their paths, one packet a path, then draw the next
 *    permutation. With FABRIC_NDP_ONE_PATH_MARK a sender stays on one until
 *    a NACK or an echoed CE.
 * 4. Path penalty. For each path, ACKs and NACKs are counted, a returned header as
 *    3 NACKs. A path is left out for `penalty_ps` when a NACK comes for it, it
 *    has more than 100 of both, NACKs / ACKs is above 0.3 (taken as 0 up to 10
 *    ACKs unless there are 90 NACKs) and above 1.25 of the same quotient over
 *    all paths. Then its counts are scaled to 101 together, so that one NACK
 *    afterwards is enough to leave it out again, each time for twice as
 *    long, up to 128 times `penalty_ps` (a choice: each try holds one packet
 *    of the window for as long as the bad path takes). ACKs mend it: at a
 *    quotient of 0.3 it starts again with `penalty_ps`. A path's counts are
 *    halved when they reach 1000 together.
 * 5. A packet without an answer for `rto_ps` is sent again at once. So is one
 *    packet of a flow that has heard nothing for that long.
 * 6. A header that a switch has sent back is queued to be sent again; at once if
 *    no pull or answer can be expected any more, or if at least a quarter of
 *    the last 32 answers (ACKs, NACKs, returned headers) were ACKs, so that not
 *    the receiver is overloaded but a path is bad. Else it waits for a pull,
 *    and the flow has one packet less on its way.
 */
#ifndef OUTRIGGER_TRANSPORT_NDP_H
#define OUTRIGGER_TRANSPORT_NDP_H

#include "fabric_transport.h"

typedef enum FabricNdpPaths {
    FABRIC_NDP_SPRAY = 0,
    FABRIC_NDP_SPRAY_PENALTY,
    FABRIC_NDP_ONE_PATH_MARK
} FabricNdpPaths;

typedef struct FabricNdpConfig {
    uint32_t payload_bytes; /* of a full packet */
    uint32_t header_bytes;  /* before it; also the length of all others */
    uint32_t window_packets;
    uint32_t paths; /* 0: all different ones; at most 1024 */
    FabricNdpPaths policy;
    uint64_t penalty_ps;
    uint64_t rto_ps;
    uint8_t data_priority, control_priority; /* the switches' queues */
    bool ect;                                /* data can be marked */
} FabricNdpConfig;

/* 9000-byte payload (htsim) and 60-byte headers (the shortest frame: 84 bytes on
 * the wire; htsim's 64 have nothing around them), a window of 23 packets
 * (htsim's Fig. 21 and 22), all paths with penalty of 1 ms (a choice), 50 ms
 * timeout (htsim's minimum), data in queue 0, all else in queue 1. */
void fabric_ndp_config_default(FabricNdpConfig *c);

/*
 * The switch that goes with it, as in the paper: queue 0 holds data, @data_bytes
 * of it; queue 1 headers and control, as many bytes; round robin of ten headers
 * to one full packet of @c; cutting to @c->header_bytes, and what does not fit
 * goes back to its sender. A buffer that
 * never is the limit. Sets what concerns these and leaves the rest.
 */
void fabric_ndp_switch(SwitchConfig *sw, const FabricNdpConfig *c,
                       uint32_t data_bytes);

extern const FabricTransportOps fabric_ndp_ops;

#endif
