/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_wire.c: see rdt_wire.h.
 */
#include "rdt_wire.h"

#include <string.h>

#define HEADER_WORDS (RDT_HEADER_BYTES / 4)

_Static_assert(RDT_HEADER_BYTES == 24 && RDT_DATA_BYTES == 20 &&
                   RDT_ACK_BYTES == 40 && RDT_RANGE_BYTES == 16 &&
                   RDT_CLOSE_BYTES == 16,
               "the wire format is documented in rdt.h");
_Static_assert(RDT_MAX_FRAGMENTS <= UINT16_MAX, "a fragment's number is a u16");

static void put(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        p[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    }
}

static uint64_t get(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

uint32_t rdt_fragments(uint32_t message_bytes, uint32_t stride)
{
    return message_bytes ? (message_bytes + stride - 1) / stride : 1;
}

uint32_t rdt_fragment_bytes(uint32_t message_bytes, uint32_t stride, uint32_t n)
{
    return n + 1 < rdt_fragments(message_bytes, stride)
               ? stride
               : message_bytes - n * stride;
}

uint32_t rdt_ack_bytes(uint32_t n_ranges)
{
    return RDT_ACK_BYTES + n_ranges * RDT_RANGE_BYTES;
}

/* ---- header ------------------------------------------------------------- */

void rdt_put_header(uint8_t out[RDT_HEADER_BYTES], const RdtHeader *h)
{
    out[0] = RDT_VERSION << 4 | HEADER_WORDS;
    out[1] = (uint8_t)h->kind;
    put(out + 2, h->epoch, 2);
    put(out + 4, h->to, 4);
    put(out + 8, h->from, 4);
    put(out + 12, h->key_id, 4);
    put(out + 16, h->packet, 8);
}

RdtInput rdt_get_header(const uint8_t *p, uint32_t len, RdtHeader *h)
{
    if (len < RDT_HEADER_BYTES + RDT_TAG_BYTES ||
        len > RDT_MAX_DATAGRAM_BYTES) {
        return RDT_IN_SHORT;
    }
    if (p[0] != (RDT_VERSION << 4 | HEADER_WORDS)) {
        return RDT_IN_VERSION;
    }
    h->kind = (RdtKind)p[1];
    h->epoch = (uint16_t)get(p + 2, 2);
    h->to = (uint32_t)get(p + 4, 4);
    h->from = (uint32_t)get(p + 8, 4);
    h->key_id = (uint32_t)get(p + 12, 4);
    h->packet = get(p + 16, 8);
    if (p[1] < RDT_KIND_DATA || p[1] > RDT_KIND_CLOSE ||
        !!(h->packet & RDT_ACK_SPACE) != (p[1] == RDT_KIND_ACK)) {
        return RDT_IN_KIND;
    }
    return RDT_IN_OK;
}

/* ---- bodies ------------------------------------------------------------- */

uint32_t rdt_put_data(uint8_t *out, const RdtData *d)
{
    put(out, d->message, 8);
    put(out + 8, d->message_bytes, 4);
    put(out + 12, d->fragment, 2);
    put(out + 14, d->stride, 2);
    put(out + 16, d->channel, 2);
    put(out + 18, 0, 2);
    if (d->len) {
        memcpy(out + RDT_DATA_BYTES, d->bytes, d->len);
    }
    return RDT_DATA_BYTES + d->len;
}

bool rdt_get_data(const uint8_t *p, uint32_t len, RdtData *d)
{
    if (len < RDT_DATA_BYTES) {
        return false;
    }
    d->message = get(p, 8);
    d->message_bytes = (uint32_t)get(p + 8, 4);
    d->fragment = (uint16_t)get(p + 12, 2);
    d->stride = (uint16_t)get(p + 14, 2);
    d->channel = (uint16_t)get(p + 16, 2);
    d->bytes = p + RDT_DATA_BYTES;
    d->len = len - RDT_DATA_BYTES;
    if (get(p + 18, 2) || d->message_bytes > RDT_MAX_MESSAGE_BYTES ||
        d->stride < RDT_MIN_STRIDE || d->stride > RDT_MAX_STRIDE) {
        return false;
    }
    d->fragments = rdt_fragments(d->message_bytes, d->stride);
    return d->fragment < d->fragments &&
           d->len ==
               rdt_fragment_bytes(d->message_bytes, d->stride, d->fragment);
}

uint32_t rdt_put_ack(uint8_t *out, const RdtAck *a)
{
    uint8_t *at = out + RDT_ACK_BYTES;

    put(out, a->credit_bytes, 8);
    put(out + 8, a->credit_messages, 8);
    put(out + 16, a->echo, 8);
    put(out + 24, a->echo_delay_ps, 8);
    put(out + 32, a->n_ranges, 2);
    put(out + 34, 0, 6);
    for (uint32_t i = 0; i < a->n_ranges; i++, at += RDT_RANGE_BYTES) {
        put(at, a->ranges[i].last, 8);
        put(at + 8, a->ranges[i].count, 4);
        put(at + 12, a->ranges[i].ce ? RDT_RANGE_CE : 0, 4);
    }
    return rdt_ack_bytes(a->n_ranges);
}

/* One range; @below: it must end before this one. */
static bool get_range(const uint8_t *p, uint64_t below, RdtRange *r)
{
    uint32_t flags = (uint32_t)get(p + 12, 4);

    r->last = get(p, 8);
    r->count = (uint32_t)get(p + 8, 4);
    r->ce = flags & RDT_RANGE_CE;
    return r->count && !(flags & ~RDT_RANGE_CE) && r->last < below &&
           (r->last & RDT_COUNTER_MASK) >= r->count - 1;
}

bool rdt_get_ack(const uint8_t *p, uint32_t len, RdtAck *a)
{
    uint64_t below = RDT_ACK_SPACE;

    if (len < RDT_ACK_BYTES) {
        return false;
    }
    a->credit_bytes = get(p, 8);
    a->credit_messages = get(p + 8, 8);
    a->echo = get(p + 16, 8);
    a->echo_delay_ps = get(p + 24, 8);
    a->n_ranges = (uint32_t)get(p + 32, 2);
    if (a->n_ranges > RDT_MAX_RANGES || len != rdt_ack_bytes(a->n_ranges) ||
        get(p + 34, 6) || (a->echo & RDT_ACK_SPACE)) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_ranges; i++) {
        RdtRange *r = &a->ranges[i];

        if (!get_range(p + RDT_ACK_BYTES + i * RDT_RANGE_BYTES, below, r)) {
            return false;
        }
        below = r->last - (r->count - 1);
    }
    return true;
}

uint32_t rdt_put_close(uint8_t *out, const RdtClose *c)
{
    put(out, c->messages, 8);
    put(out + 8, c->reason, 4);
    put(out + 12, 0, 4);
    return RDT_CLOSE_BYTES;
}

bool rdt_get_close(const uint8_t *p, uint32_t len, RdtClose *c)
{
    if (len != RDT_CLOSE_BYTES) {
        return false;
    }
    c->messages = get(p, 8);
    c->reason = (uint32_t)get(p + 8, 4);
    return c->reason <= 1 && !get(p + 12, 4);
}
