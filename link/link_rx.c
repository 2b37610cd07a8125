/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_rx.c: the receiver's half of a ring: nothing in shared memory is
 * believed. Each field is read once into private memory, checked against what
 * this side knows itself, and used from there. Not modelled: time.
 */
#include "link_priv.h"

#include <inttypes.h>
#include <string.h>

static bool broken(Link *l, LinkErrorCode code, const char *what, uint64_t a,
                   uint64_t b)
{
    return link_fail(&l->error, code,
                     "%s: at %" PRIu64 ": %s (%" PRIu64 ", %" PRIu64 ")",
                     l->path, l->rx.consumed, what, a, b);
}

/* Sees how far the peer has come. False on error. */
static bool update(Link *l)
{
    LinkRx *rx = &l->rx;
    uint64_t produced = __atomic_load_n(&rx->info->produced, __ATOMIC_ACQUIRE);
    uint32_t generation =
        __atomic_load_n(&l->header->generation, __ATOMIC_RELAXED);

    if (generation != l->generation) {
        return broken(l, LINK_E_STALE, "the channel was reset", generation,
                      l->generation);
    }
    if (produced < rx->produced || produced - rx->consumed > l->ring_bytes ||
        produced % LINK_RECORD_ALIGN) {
        return broken(l, LINK_E_INDEX, "impossible end of what was sent",
                      produced, rx->produced);
    }
    rx->produced = produced;
    return true;
}

/* Reads the record at @at, which lies within what was sent. */
static bool read_record(Link *l, uint64_t at, LinkRecord *r)
{
    LinkRx *rx = &l->rx;
    uint64_t offset = at & (l->ring_bytes - 1);
    const LinkRecord *from = (const LinkRecord *)(rx->ring + offset);
    uint64_t room = l->ring_bytes - offset;
    uint64_t there = rx->produced - at;

    if (there < sizeof(*r)) {
        return broken(l, LINK_E_RECORD, "a record beyond what was sent", at,
                      rx->produced);
    }
    r->ps = __atomic_load_n(&from->ps, __ATOMIC_RELAXED);
    r->len = __atomic_load_n(&from->len, __ATOMIC_RELAXED);
    r->kind = __atomic_load_n(&from->kind, __ATOMIC_RELAXED);
    r->port = __atomic_load_n(&from->port, __ATOMIC_RELAXED);
    if (r->len > room - sizeof(*r)) {
        return broken(l, LINK_E_RECORD, "a record beyond the ring's end",
                      r->len, room);
    }
    if (r->len > there - sizeof(*r)) {
        return broken(l, LINK_E_RECORD, "a record beyond what was sent", r->len,
                      there);
    }
    return true;
}

static bool skip_pad(Link *l, uint64_t *at, LinkRecord *r)
{
    uint64_t room = l->ring_bytes - (*at & (l->ring_bytes - 1));

    if (r->len != room - sizeof(*r)) {
        return broken(l, LINK_E_RECORD, "padding not up to the ring's end",
                      r->len, room);
    }
    *at += room;
    if (!read_record(l, *at, r)) {
        return false;
    }
    if (r->kind == LINK_PAD) {
        return broken(l, LINK_E_RECORD, "padding after padding", *at, r->len);
    }
    return true;
}

/* The next record's fields, checked; false: there is none, or an error. */
static bool fetch(Link *l)
{
    LinkRx *rx = &l->rx;
    LinkRecord r;

    if (rx->peeked) {
        return true;
    }
    if (l->error.code != LINK_OK || !update(l) ||
        rx->produced == rx->consumed) {
        return false;
    }
    rx->at = rx->consumed;
    if (!read_record(l, rx->at, &r) ||
        (r.kind == LINK_PAD && !skip_pad(l, &rx->at, &r))) {
        return false;
    }
    if (!link_length_valid(r.kind, r.len)) {
        return broken(l, LINK_E_KIND, "unknown kind, or not its length", r.kind,
                      r.len);
    }
    if (r.ps < rx->last_ps || r.ps == LINK_NEVER) {
        return broken(l, LINK_E_STAMP, "a stamp before the last one", r.ps,
                      rx->last_ps);
    }
    rx->last_ps = r.ps;
    rx->msg = (LinkMsg){
        .ps = r.ps,
        .seq = rx->next_seq++,
        .data = rx->payload,
        .len = r.len,
        .kind = r.kind,
        .port = r.port,
    };
    rx->peeked = true;
    return true;
}

/* In the private copy. */
static bool control_valid(Link *l)
{
    LinkControl c = link_control(&l->rx.msg);

    if ((c.op == LINK_CONTROL_UP && c.value && !c.reserved) ||
        (c.op == LINK_CONTROL_DOWN && !c.value && !c.reserved)) {
        return true;
    }
    l->rx.peeked = false;
    return broken(l, LINK_E_CONTROL, "a control message without meaning", c.op,
                  c.value);
}

const LinkMsg *link_peek(Link *l)
{
    LinkRx *rx = &l->rx;

    if (l->error.code != LINK_OK || !fetch(l)) {
        return NULL;
    }
    if (!rx->copied) {
        uint64_t offset = rx->at & (l->ring_bytes - 1);

        memcpy(rx->payload, rx->ring + offset + sizeof(LinkRecord),
               rx->msg.len);
        rx->copied = true;
        if (rx->msg.kind == LINK_CONTROL && !control_valid(l)) {
            return NULL;
        }
    }
    return &rx->msg;
}

uint64_t link_peek_ps(Link *l)
{
    return l->error.code == LINK_OK && fetch(l) ? l->rx.msg.ps : LINK_NEVER;
}

void link_consume(Link *l)
{
    LinkRx *rx = &l->rx;

    if (l->error.code != LINK_OK || !rx->peeked) {
        return;
    }
    rx->consumed = rx->at + link_record_bytes(rx->msg.len);
    rx->peeked = rx->copied = false;
    __atomic_store_n(&rx->info->consumed, rx->consumed, __ATOMIC_RELEASE);
}

LinkControl link_control(const LinkMsg *m)
{
    LinkControl c;

    memcpy(&c, m->data, sizeof(c));
    return c;
}
