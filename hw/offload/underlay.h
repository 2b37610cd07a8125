/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * underlay.h: the provider network under the guests' networks: which card
 * holds which guest address, and the header around each guest frame.
 *
 * A function belongs to at most one virtual network (vni). Frames leave as
 * Ethernet + IPv4 + UDP + UNDERLAY header + the guest's frame. Only the
 * control plane fills the table; guests neither set nor see any of it.
 *
 * Header, 20 bytes after UDP, big endian, version 1 (version 2, with path
 * balancing, is in underlay_path.h):
 *
 *     0   u8   version << 4 | 5 (header length in 32-bit words)
 *     1   u8   flags: bit 0 congestion echo valid; others 0
 *     2   u16  reserved, 0
 *     4   u32  virtual network, 24 bits, top byte 0
 *     8   u32  sequence number of the sending function
 *     12  u32  echo: packets received from the peer since the last echo
 *     16  u32  echo: of them, with congestion experienced
 *
 * The outer UDP source port is the path: 49152 + 14 bits of a hash of the
 * guest's flow. Outer packets do not fragment and have no UDP checksum
 * (RFC 768). They are always ECN capable: the inner ECN field if the guest's
 * packet is (RFC 6040, normal mode), else ECT(0). On reception a mark is
 * copied into an inner packet that is ECN capable (RFC 6040, section 4.2);
 * another is delivered as it was instead of being dropped, because the cards
 * themselves are the transport that answers marks, by the echo fields.
 *
 * Sources: RFC 768, 791, 3168, 6040. The header and its port are our own.
 *
 * Not modelled: fragments, IPv6 underlays, encryption of the payload.
 */
#ifndef OUTRIGGER_UNDERLAY_H
#define OUTRIGGER_UNDERLAY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "state_buf.h"

#define UNDERLAY_UDP_PORT 6088u /* a choice, in IANA's unassigned range */
#define UNDERLAY_VERSION 1u
#define UNDERLAY_HEADER_BYTES 20u
#define UNDERLAY_OUTER_BYTES (14u + 20u + 8u + UNDERLAY_HEADER_BYTES)
#define UNDERLAY_MAX_VNI 0xffffffu
#define UNDERLAY_MAX_MAPPINGS 4096u
#define UNDERLAY_FLAG_ECHO 0x01u

typedef struct UnderlayMapping {
    uint8_t mac[6]; /* the guest's */
    uint32_t ip;    /* the guest's IPv4, host order; 0: none */
    uint32_t underlay_ip;
    uint8_t underlay_mac[6];
    bool plain;     /* that card understands version 1 only */
    uint16_t paths; /* to that card; 1: no balancing; 0: not known, several */
    /* received from it since the last echo to it */
    uint32_t seen, marked;
} UnderlayMapping;

typedef struct Underlay {
    bool enabled;
    uint32_t vni;
    uint32_t ip; /* this card's underlay address, host order */
    uint8_t mac[6];
    uint32_t sequence;
    uint32_t changes; /* of the network or the mappings; not saved */
    GArray *map;      /* UnderlayMapping, in order of mac */
} Underlay;

typedef enum UnderlayVerdict {
    UNDERLAY_OK = 0,
    UNDERLAY_MALFORMED, /* not a well-formed outer packet */
    UNDERLAY_FOREIGN    /* well formed, but not for this function */
} UnderlayVerdict;

void underlay_init(Underlay *u);
void underlay_clear(Underlay *u);

/* Joins network @vni with the underlay address @ip and @mac; drops all
 * mappings of another network. false: *ret_why says what is wrong. */
bool underlay_join(Underlay *u, uint32_t vni, uint32_t ip, const uint8_t mac[6],
                   const char **ret_why);
/* Adds or replaces the mapping of a guest address. */
bool underlay_map(Underlay *u, uint32_t vni, const UnderlayMapping *m,
                  const char **ret_why);

UnderlayMapping *underlay_find_mac(const Underlay *u, const uint8_t mac[6]);
UnderlayMapping *underlay_find_ip(const Underlay *u, uint32_t ip);

/* The outer headers for a guest frame of @len bytes to @to into @out; returns
 * UNDERLAY_OUTER_BYTES. The frame follows. */
uint32_t underlay_encap(Underlay *u, UnderlayMapping *to, const uint8_t *frame,
                        uint32_t len, uint8_t *out);
/*
 * The guest frame inside @packet, which is changed in place (ECN). On OK the
 * frame begins at *ret_frame with *ret_len bytes.
 */
UnderlayVerdict underlay_decap(Underlay *u, uint8_t *packet, uint32_t len,
                               uint8_t **ret_frame, uint32_t *ret_len);

/* ---- shared by both versions ----------------------------------------------- */

/* Of addresses, protocol and ports; of the MACs if it is not IP. */
uint32_t underlay_flow_hash(const uint8_t *frame, uint32_t len);
/* Ethernet, IPv4 and UDP headers into @out for @bytes after UDP that carry
 * @inner (ECN; NULL: none) from @port to @ip at @mac. */
void underlay_put_outer(const Underlay *u, uint32_t ip, const uint8_t mac[6],
                        uint16_t id, uint16_t port, const uint8_t *inner,
                        uint32_t bytes, uint32_t inner_bytes, uint8_t *out);
/* Whether Ethernet, IPv4 and UDP are well formed with @least bytes of ours;
 * those bytes, or 0. */
uint32_t underlay_outer_bytes(const uint8_t *packet, uint32_t len,
                              uint32_t least);
/* Addresses and network are this function's. */
bool underlay_for_us(const Underlay *u, const uint8_t *packet);
bool underlay_marked(const uint8_t *packet);
/* A mark of the underlay reaches a guest that understands marks. */
void underlay_mark_inner(uint8_t *frame, uint32_t len);

/*
 * An ARP request of the guest @mac for a mapped address: the answer (60
 * bytes) into @out. false: it is none, or nobody has that address.
 */
bool underlay_arp(const Underlay *u, const uint8_t *frame, uint32_t len,
                  uint8_t out[60]);
/* Whether @frame is an ARP request at all: those are never flooded. */
bool underlay_is_arp_request(const uint8_t *frame, uint32_t len);

void underlay_save(const Underlay *u, GByteArray *out);
/* Into @u, which must be fresh; errors are in @r. */
void underlay_load(Underlay *u, StateReader *r);

#endif
