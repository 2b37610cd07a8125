/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_frame.h: datagrams of rdt.h as Ethernet frames of the underlay, for
 * cards and whatever else has a port of the fabric.
 *
 * Ethernet + IPv4 + UDP to port 6089, as the underlay's own packets: no
 * fragments, no UDP checksum (RFC 768), always ECN capable, ECT(0) (RFC 3168).
 * Not modelled: VLANs, IP options, ARP (the control plane gives both
 * addresses).
 */
#ifndef OUTRIGGER_RDT_FRAME_H
#define OUTRIGGER_RDT_FRAME_H

#include "rdt.h"

#define RDT_FRAME_OUTER_BYTES (14u + 20u + 8u)
#define RDT_MAX_FRAME_BYTES (RDT_FRAME_OUTER_BYTES + RDT_MAX_DATAGRAM_BYTES)

_Static_assert(RDT_FRAME_OUTER_BYTES == 42, "Ethernet, IPv4, UDP");

typedef struct RdtAddress {
    uint8_t mac[6];
    uint32_t ip; /* host order */
} RdtAddress;

typedef struct RdtFrame {
    const uint8_t *bytes; /* of the datagram, in the frame */
    uint32_t len;
    uint32_t from_ip;
    uint16_t source_port;
    bool ce;
} RdtFrame;

/* Writes the frame, padded to 60 bytes, into @frame
 * [RDT_MAX_FRAME_BYTES]; returns its length. */
uint32_t rdt_frame_put(uint8_t *frame, const RdtAddress *from,
                       const RdtAddress *to, const RdtOut *out);
/* Whether @frame has the UDP port of rdt.h at all. */
bool rdt_frame_is(const uint8_t *frame, uint32_t len);
/* false: not well formed, or not for @self. */
bool rdt_frame_get(const uint8_t *frame, uint32_t len, const RdtAddress *self,
                   RdtFrame *ret);

#endif
