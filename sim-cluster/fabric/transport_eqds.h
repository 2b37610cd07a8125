/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_eqds.h: EQDS, a receiver-driven transport that sprays packets, for
 * modelled hosts.
 *
 * Source: Olteanu et al., "An edge-queued datagram service for all datacenter
 * traffic", NSDI 2022; numbers of the default profile and what the paper
 * leaves open: the model that its authors publish with the simulator htsim
 * (Broadcom/csg-htsim, sim/eqds.cpp, read, not copied).
 * Not modelled: tunnels of several flows, unordered messages, receivers that
 * are not ready, congestion windows that shrink (nor does that model).
 *
 * ## What happens
 *
 * Sizes below are bytes on the wire: payload, headers, and the 24 bytes
 * around a frame. Credit is counted in bytes by the sender, in quanta of 512
 * bytes on the wire.
 *
 * - A **sender** starts at line rate with one window of speculative credit. The
 *   first ACK, NACK or pull ends that: from then on only pulled credit lets it
 *   send; each time it would have sent on speculative credit, a packet's worth
 *   of it lapses. It may send while the sum of its credit is above zero.
 *   Packets that are to be sent again go before new ones, lowest first.
 * - Each data packet carries a **pull target**: pulls received, and what it
 *   still wants within the window.
 * - A **receiver** host has one pacer for all flows: one pull of 8 quanta every
 *   pull_per_mille / 1000 of the time that a full packet and 38 bytes around
 *   it take. Flows with trimmed packets first, then flows with unmet
 *   targets, then idle ones up to a window of credit ahead; round robin each.
 * - **ACKs** are cumulative with 64 bits of selection. Sent at once for the
 *   first packet, marked packets, duplicates, packets that ask for one (the
 *   last one; and any after which pulled credit is below zero), when a gap
 *   closes after such a packet, and after more than ack_bytes.
 * - A **trimmed** packet makes a NACK: the packet is sent again when credit
 *   allows. Without trimming, losses are found by the timer: rto_ps after it
 *   was sent, a packet that is neither acknowledged nor refused is to be sent
 *   again; without credit for it a request (RTS) goes to the receiver, at most
 *   one in rto_ps, which counts what is waiting as trimmed. The same when
 *   nothing at all has been heard for rto_ps.
 * - **Paths**: `paths` values in a random order, each once, then in another
 *   one. A value whose packet was marked or trimmed is left out once.
 */
#ifndef OUTRIGGER_TRANSPORT_EQDS_H
#define OUTRIGGER_TRANSPORT_EQDS_H

#include "fabric_transport.h"

#define FABRIC_EQDS_MAX_PATHS 256u

typedef struct FabricEqdsConfig {
    uint32_t payload_bytes; /* of a full packet */
    uint32_t header_bytes;  /* around it on the wire, at least 84 - payload:
                             * frames have 60 bytes, and 24 around them */
    uint32_t window_bytes;  /* on the wire: speculative credit, most to want */
    uint32_t paths;         /* a power of two, up to 256 */
    uint64_t rto_ps;
    uint32_t ack_bytes;                      /* unacknowledged, on the wire */
    uint32_t pull_per_mille;                 /* of the time of a full packet */
    bool ecn;                                /* data packets are ECT */
    bool trim;                               /* switches may trim them */
    uint8_t data_priority, control_priority; /* the switches' queues */
} FabricEqdsConfig;

/* htsim's: 4086 and 64 bytes, window of 50 packets, 128 paths, RTO of 150 us
 * and six full queues of 35 packets at 100 Gbit/s, ACK after 16 KiB, pulls at
 * 99 %; no ECN, trimming; priorities 0 and 1. */
void fabric_eqds_config_default(FabricEqdsConfig *c);

extern const FabricTransportOps fabric_eqds_ops;

/* FabricSegment.type; what else a segment carries: */
typedef enum FabricEqdsType {
    FABRIC_EQDS_DATA, /* seq; ack: pull target; aux16: path's index */
    FABRIC_EQDS_RTS,  /* ack: pull target; aux: quanta that wait */
    FABRIC_EQDS_ACK,  /* ack: all below; seq, aux64: 64 from seq on; aux16 */
    FABRIC_EQDS_NACK, /* seq; aux16 */
    FABRIC_EQDS_PULL, /* ack: quanta since the beginning */
} FabricEqdsType;
/* FabricSegment.user_flags */
enum {
    FABRIC_EQDS_ACK_REQUEST = 1 << 0,
    FABRIC_EQDS_SPECULATIVE = 1 << 1,
    FABRIC_EQDS_CE_ECHO = 1 << 2,
    FABRIC_EQDS_IDLE_PULL = 1 << 3,
};

#endif
