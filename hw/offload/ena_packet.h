/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_packet.h: what the NIC understands of a packet: where its headers are,
 * Internet checksums, TCP segmentation, the RSS hash. Pure functions over
 * byte arrays; any content is fine.
 *
 * Sources: IEEE 802.3, RFC 791, 768, 9293, 8200, 1071; the Toeplitz hash as
 * published for receive-side scaling. Network byte order.
 *
 * Not modelled: more than two VLAN tags, IPv6 extension headers beyond
 * hop-by-hop, routing, destination options and fragment; UDP segmentation.
 */
#ifndef OUTRIGGER_ENA_PACKET_H
#define OUTRIGGER_ENA_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "ena_spec.h"

#define PACKET_MIN_BYTES 60u /* Ethernet, without FCS */

typedef struct PacketInfo {
    uint8_t l3;      /* 0, ENA_L3_IPV4, ENA_L3_IPV6 */
    uint8_t l4;      /* 0, ENA_L4_TCP, ENA_L4_UDP; whole header present */
    bool frag;       /* a fragment: l4 is 0 */
    bool ext;        /* IPv6 with extension headers */
    uint16_t l3_off; /* valid with l3 */
    uint16_t l4_off; /* valid with l3: end of the IP header(s) */
    uint32_t end;    /* end of the IP packet, <= length */
} PacketInfo;

static inline uint16_t packet_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t packet_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

static inline void packet_put16(uint8_t *p, uint16_t v)
{
    p[0] = v >> 8;
    p[1] = (uint8_t)v;
}

static inline void packet_put32(uint8_t *p, uint32_t v)
{
    packet_put16(p, v >> 16);
    packet_put16(p + 2, (uint16_t)v);
}

void packet_parse(const uint8_t *p, uint32_t len, PacketInfo *ret);

/* One's complement sum of @len bytes on top of @sum, not folded. */
uint64_t packet_sum(const uint8_t *p, uint32_t len, uint64_t sum);
/* Folded to 16 bits and inverted: what goes into a checksum field. */
uint16_t packet_fold(uint64_t sum);
/* Sum of the pseudo header for @l4_bytes of protocol @proto. */
uint64_t packet_pseudo(const uint8_t *p, unsigned l3, unsigned l3_off,
                       uint32_t l4_bytes, uint8_t proto);

/* Receive: checksum bits of a completion (ENA_RXC_*, protocol numbers). */
uint32_t packet_rx_status(const uint8_t *p, const PacketInfo *info);

/* ---- transmit ----------------------------------------------------------- */

typedef struct PacketTx {
    uint8_t l3, l4; /* as the descriptor says */
    bool l3_csum, l4_csum, l4_partial, tso;
    uint8_t l3_off, l3_len;
    uint16_t l4_len; /* bytes */
    uint16_t mss;
} PacketTx;

/* Frames that @len bytes become; 0: the request makes no sense. */
uint32_t packet_tx_frames(const PacketTx *tx, uint32_t len);
/* Bytes of frame @n on the wire, padding included. */
uint32_t packet_tx_frame_bytes(const PacketTx *tx, uint32_t len, uint32_t n);
/* Frame @n with its checksums into @out; returns its bytes. */
uint32_t packet_tx_frame(const PacketTx *tx, const uint8_t *p, uint32_t len,
                         uint32_t n, uint8_t *out);

/* ---- RSS ---------------------------------------------------------------- */

typedef struct PacketRss {
    uint8_t key[ENA_RSS_KEY_BYTES];
    uint16_t fields[ENA_RSS_PROTOS]; /* ENA_RSS_L*_* */
    uint16_t sort;                   /* ENA_RSS_SORT_* */
} PacketRss;

uint32_t packet_toeplitz(const uint8_t key[ENA_RSS_KEY_BYTES],
                         const uint8_t *in, unsigned len);
uint32_t packet_rss(const PacketRss *rss, const uint8_t *p, uint32_t len,
                    const PacketInfo *info);

#endif
