/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_tx.c: the sender's half of a ring. What it needs to know about its own
 * messages it keeps in private memory: the peer owns one number here, its
 * position, and that must be the end of a message that was sent. Not
 * modelled: time; the caller stamps.
 */
#include "link_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool link_rings_init(Link *l, LinkError *err)
{
    uint8_t *rings = (uint8_t *)l->header + LINK_HEADER_BYTES;
    unsigned out = l->side == LINK_A ? 0 : 1, in = !out;

    memset(&l->tx, 0, sizeof(l->tx));
    memset(&l->rx, 0, sizeof(l->rx));
    l->tx.info = &l->header->ring[out];
    l->tx.ring = rings + out * l->ring_bytes;
    l->rx.info = &l->header->ring[in];
    l->rx.ring = rings + in * l->ring_bytes;
    l->tx.sent_room = l->ring_bytes / sizeof(LinkRecord);
    /* Pages that are never used cost nothing. */
    l->tx.sent = calloc(l->tx.sent_room, sizeof(*l->tx.sent));
    return l->tx.sent || link_fail(err, LINK_E_SYSTEM, "link: no memory");
}

void link_rings_free(Link *l)
{
    free(l->tx.sent);
    l->tx.sent = NULL;
}

/* The engine took the channel away from this side? */
static bool stale(Link *l)
{
    uint32_t now = __atomic_load_n(&l->header->generation, __ATOMIC_RELAXED);

    if (l->error.code == LINK_OK && now != l->generation) {
        link_fail(&l->error, LINK_E_STALE,
                  "%s: reset to generation %u, this side is of %u", l->path,
                  now, l->generation);
    }
    return l->error.code != LINK_OK;
}

/* Forgets what the peer has consumed. */
static bool update(Link *l)
{
    LinkTx *tx = &l->tx;
    uint64_t at = __atomic_load_n(&tx->info->consumed, __ATOMIC_ACQUIRE);

    if (stale(l)) {
        return false;
    }
    while (tx->consumed != at && tx->sent_count) {
        tx->consumed = tx->sent[tx->sent_first].end;
        tx->sent_first = (tx->sent_first + 1) % tx->sent_room;
        tx->sent_count--;
        if (tx->consumed > at) {
            break;
        }
    }
    if (tx->consumed != at) {
        return link_fail(&l->error, LINK_E_INDEX,
                         "%s: the peer claims to have consumed up to %" PRIu64
                         ", where no message sent by this side ends",
                         l->path, at);
    }
    if (tx->sent_count == 0) {
        tx->sent_first = 0; /* so that few pages are used */
    }
    return true;
}

static bool message_valid(Link *l, uint64_t ps, uint16_t kind, uint64_t len)
{
    if (!link_length_valid(kind, len)) {
        return link_fail(&l->error, LINK_E_KIND,
                         "%s: sending kind %u with %" PRIu64 " bytes", l->path,
                         kind, len);
    }
    if (ps < l->tx.last_ps || ps == LINK_NEVER) {
        return link_fail(&l->error, LINK_E_STAMP,
                         "%s: sending at %" PRIu64 " ps after %" PRIu64 " ps",
                         l->path, ps, l->tx.last_ps);
    }
    return true;
}

/* Where a record of @bytes can begin. False: there is no room now. */
static bool find_room(Link *l, uint64_t bytes, uint64_t *ret_at)
{
    LinkTx *tx = &l->tx;
    uint64_t to_end = l->ring_bytes - (tx->produced & (l->ring_bytes - 1));
    uint64_t pad = to_end < bytes ? to_end : 0;

    if (tx->produced + pad + bytes - tx->consumed > l->ring_bytes) {
        return false;
    }
    *ret_at = tx->produced + pad;
    return true;
}

static void put_record(Link *l, uint64_t at, const LinkRecord *r)
{
    memcpy(l->tx.ring + (at & (l->ring_bytes - 1)), r, sizeof(*r));
}

static void put_message(Link *l, uint64_t at, const LinkRecord *r,
                        const struct iovec *iov, unsigned n)
{
    LinkTx *tx = &l->tx;
    uint64_t end = at + link_record_bytes(r->len);
    uint8_t *to;

    if (at != tx->produced) {
        LinkRecord pad = { .ps = r->ps,
                           .len = at - tx->produced - sizeof(pad),
                           .kind = LINK_PAD };

        put_record(l, tx->produced, &pad);
    }
    put_record(l, at, r);
    to = tx->ring + (at & (l->ring_bytes - 1)) + sizeof(*r);
    for (unsigned i = 0; i < n; i++) {
        if (iov[i].iov_len) {
            memcpy(to, iov[i].iov_base, iov[i].iov_len);
            to += iov[i].iov_len;
        }
    }
    /* The bytes up to the next record, so that equal runs give equal rings */
    memset(to, 0, link_record_bytes(r->len) - sizeof(*r) - r->len);
    tx->sent[(tx->sent_first + tx->sent_count++) % tx->sent_room] =
        (LinkSent){ end, r->ps };
    tx->produced = end;
    tx->last_ps = r->ps;
    __atomic_store_n(&tx->info->produced, end, __ATOMIC_RELEASE);
}

bool link_sendv(Link *l, uint64_t ps, uint16_t kind, uint16_t port,
                const struct iovec *iov, unsigned n)
{
    LinkRecord r = { .ps = ps, .kind = kind, .port = port };
    uint64_t len = 0, at;

    for (unsigned i = 0; i < n && len <= LINK_MAX_PAYLOAD_BYTES; i++) {
        len = iov[i].iov_len > LINK_MAX_PAYLOAD_BYTES
                  ? LINK_MAX_PAYLOAD_BYTES + 1
                  : len + iov[i].iov_len;
    }
    if (stale(l) || !message_valid(l, ps, kind, len)) {
        return false;
    }
    r.len = len;
    if (!find_room(l, link_record_bytes(len), &at) &&
        (!update(l) || !find_room(l, link_record_bytes(len), &at))) {
        return false;
    }
    put_message(l, at, &r, iov, n);
    return true;
}

bool link_send(Link *l, uint64_t ps, uint16_t kind, uint16_t port,
               const void *buf, uint32_t len)
{
    struct iovec iov = { (void *)buf, len };

    return link_sendv(l, ps, kind, port, &iov, 1);
}

bool link_send_state(Link *l, uint64_t ps, uint16_t port, uint64_t bits_per_s)
{
    LinkControl c = {
        .op = bits_per_s ? LINK_CONTROL_UP : LINK_CONTROL_DOWN,
        .value = bits_per_s,
    };

    return link_send(l, ps, LINK_CONTROL, port, &c, sizeof(c));
}

uint64_t link_unconsumed_ps(Link *l)
{
    if (!update(l)) {
        return 0;
    }
    return l->tx.sent_count ? l->tx.sent[l->tx.sent_first].ps : LINK_NEVER;
}

uint64_t link_unconsumed(Link *l)
{
    update(l);
    return l->tx.sent_count;
}

uint64_t link_last_sent_ps(const Link *l)
{
    return l->tx.last_ps;
}
