/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_wire.h: packets of rdt.h to structures and back. Pure; everything a
 * packet says is checked here as far as the packet alone shows it.
 *
 * Source: the wire format in rdt.h. Not modelled: other versions.
 */
#ifndef OUTRIGGER_RDT_WIRE_H
#define OUTRIGGER_RDT_WIRE_H

#include "rdt.h"

#define RDT_ACK_BYTES 40u
#define RDT_RANGE_BYTES 16u
#define RDT_MAX_RANGES 64u
#define RDT_CLOSE_BYTES 16u
#define RDT_RANGE_CE 1u
#define RDT_ACK_SPACE (1ull << 63)
#define RDT_COUNTER_BITS 48u
#define RDT_COUNTER_MASK ((1ull << RDT_COUNTER_BITS) - 1)
/* Of a fragment that is not the last: so a message has a bounded number. */
#define RDT_MIN_STRIDE (RDT_MIN_DATAGRAM_BYTES - RDT_OVERHEAD_BYTES)
#define RDT_MAX_STRIDE (RDT_MAX_DATAGRAM_BYTES - RDT_OVERHEAD_BYTES)
#define RDT_MAX_FRAGMENTS \
    ((RDT_MAX_MESSAGE_BYTES + RDT_MIN_STRIDE - 1) / RDT_MIN_STRIDE)

typedef enum RdtKind {
    RDT_KIND_DATA = 1,
    RDT_KIND_ACK,
    RDT_KIND_PROBE,
    RDT_KIND_CLOSE
} RdtKind;

typedef struct RdtHeader {
    uint64_t packet;
    uint32_t to, from; /* session ids */
    uint32_t key_id;
    uint16_t epoch;
    RdtKind kind;
} RdtHeader;

typedef struct RdtData {
    uint64_t message;
    uint32_t message_bytes;
    uint16_t fragment, stride, channel;
    uint32_t fragments;   /* of the message, computed */
    const uint8_t *bytes; /* of this fragment */
    uint32_t len;
} RdtData;

typedef struct RdtRange {
    uint64_t last; /* packet number */
    uint32_t count;
    bool ce;
} RdtRange;

typedef struct RdtAck {
    uint64_t credit_bytes, credit_messages;
    uint64_t echo, echo_delay_ps;
    uint32_t n_ranges;
    RdtRange ranges[RDT_MAX_RANGES];
} RdtAck;

typedef struct RdtClose {
    uint64_t messages;
    uint32_t reason; /* 0 done, 1 given up */
} RdtClose;

/* Fragments of a message; an empty message has one, of no bytes. */
uint32_t rdt_fragments(uint32_t message_bytes, uint32_t stride);
/* Bytes of fragment @n. */
uint32_t rdt_fragment_bytes(uint32_t message_bytes, uint32_t stride,
                            uint32_t n);
/* Bytes after the clear header, without the tag. */
uint32_t rdt_ack_bytes(uint32_t n_ranges);

void rdt_put_header(uint8_t out[RDT_HEADER_BYTES], const RdtHeader *h);
/* Returns RDT_IN_OK, _SHORT, _VERSION or _KIND. */
RdtInput rdt_get_header(const uint8_t *p, uint32_t len, RdtHeader *h);

/* Each writes a body and returns its bytes. */
uint32_t rdt_put_data(uint8_t *out, const RdtData *d);
uint32_t rdt_put_ack(uint8_t *out, const RdtAck *a);
uint32_t rdt_put_close(uint8_t *out, const RdtClose *c);

/* Of the decrypted body. false: malformed. */
bool rdt_get_data(const uint8_t *p, uint32_t len, RdtData *d);
bool rdt_get_ack(const uint8_t *p, uint32_t len, RdtAck *a);
bool rdt_get_close(const uint8_t *p, uint32_t len, RdtClose *c);

#endif
