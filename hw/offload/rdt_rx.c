/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_rx.c: datagrams in, messages put together, what is acknowledged, credit.
 *
 * Memory: messages begin in the order of their ids as far as the credit goes,
 * so what is incomplete or not taken never exceeds rx_bytes and rx_messages;
 * a peer that does not keep to its credit is not stored.
 */
#include "rdt_int.h"

#include <string.h>

void rdt_rx_free(RdtRx *m)
{
    if (m) {
        g_free(m->data);
        g_free(m->have);
        g_free(m);
    }
}

uint64_t rdt_credit_bytes(const RdtConn *c)
{
    return c->taken_bytes + c->cfg.params.rx_bytes;
}

uint64_t rdt_credit_messages(const RdtConn *c)
{
    return MIN(c->rx_base, c->taken_messages) + c->cfg.params.rx_messages;
}

/* ---- what has arrived --------------------------------------------------- */

/* Whether @r ends just before @packet. */
static bool joins(const RdtTold *t, uint64_t packet, bool ce)
{
    return t->range.last + 1 == packet && t->range.ce == ce &&
           t->range.count < UINT32_MAX;
}

static void remove_range(RdtConn *c, uint32_t at)
{
    memmove(&c->ranges[at], &c->ranges[at + 1],
            (c->n_ranges - at - 1) * sizeof(RdtTold));
    c->n_ranges--;
}

/* @packet begins just below range @at, which is of its kind. */
static void prepend(RdtConn *c, uint32_t at)
{
    c->ranges[at].range.count++;
    c->ranges[at].told = 0;
    if (at + 1 < c->n_ranges) {
        RdtTold *low = &c->ranges[at + 1];
        RdtRange *r = &c->ranges[at].range;

        if (joins(low, r->last - r->count + 1, r->ce)) {
            r->count += low->range.count;
            remove_range(c, at + 1);
        }
    }
}

static void note_packet(RdtConn *c, uint64_t packet, bool ce)
{
    uint32_t at = 0;

    while (at < c->n_ranges && c->ranges[at].range.last > packet) {
        at++;
    }
    if (at && c->ranges[at - 1].range.ce == ce &&
        c->ranges[at - 1].range.last - c->ranges[at - 1].range.count ==
            packet) {
        prepend(c, at - 1);
        return;
    }
    if (at < c->n_ranges && joins(&c->ranges[at], packet, ce)) {
        c->ranges[at].range.last++;
        c->ranges[at].range.count++;
        c->ranges[at].told = 0;
        return;
    }
    if (at == RDT_MAX_RANGES) {
        return; /* too old to be told: will be sent again */
    }
    if (c->n_ranges == RDT_MAX_RANGES) {
        c->n_ranges--;
    }
    memmove(&c->ranges[at + 1], &c->ranges[at],
            (c->n_ranges - at) * sizeof(RdtTold));
    c->ranges[at] = (RdtTold){ { packet, 1, ce }, 0 };
    c->n_ranges++;
}

static void ack_within(RdtConn *c, uint64_t now_ps, bool at_once)
{
    uint64_t at_ps = at_once ? now_ps : now_ps + c->cfg.params.ack_delay_ps;

    c->ack_at_ps = MIN(c->ack_at_ps, at_ps);
}

static void acknowledge(RdtConn *c, uint64_t now_ps, const RdtHeader *h,
                        bool ce, bool at_once)
{
    note_packet(c, h->packet, ce);
    c->echo = h->packet;
    c->echo_at_ps = now_ps;
    c->ack_waiting++;
    ack_within(c, now_ps, at_once || c->ack_waiting >= c->cfg.params.ack_every);
}

void rdt_make_ack(RdtConn *c, uint64_t now_ps, RdtAck *ack)
{
    uint32_t room = (c->cfg.params.datagram_bytes - RDT_HEADER_BYTES -
                     RDT_TAG_BYTES - RDT_ACK_BYTES) /
                    RDT_RANGE_BYTES;

    ack->credit_bytes = c->told_bytes = rdt_credit_bytes(c);
    ack->credit_messages = c->told_messages = rdt_credit_messages(c);
    ack->echo = c->echo;
    ack->echo_delay_ps = now_ps - c->echo_at_ps;
    ack->n_ranges = 0;
    for (uint32_t i = 0; i < c->n_ranges && i < room; i++) {
        c->ranges[i].told++;
        ack->ranges[ack->n_ranges++] = c->ranges[i].range;
    }
    /* What has been told often enough is forgotten, but never the newest. */
    for (uint32_t i = 1; i < c->n_ranges;) {
        if (c->ranges[i].told >= RDT_TELL_RANGE) {
            remove_range(c, i);
        } else {
            i++;
        }
    }
    c->ack_waiting = 0;
    c->ack_at_ps = RDT_NEVER_PS;
}

/* ---- messages ----------------------------------------------------------- */

static RdtRx *rx_new(const RdtData *d)
{
    RdtRx *m = g_new0(RdtRx, 1);

    m->id = d->message;
    m->len = d->message_bytes;
    m->fragments = d->fragments;
    m->channel = d->channel;
    m->stride = d->stride;
    m->data = g_malloc(m->len ? m->len : 1);
    m->have = g_new0(uint64_t, (m->fragments + 63) / 64);
    return m;
}

static void complete(RdtConn *c, uint64_t now_ps, RdtRx *m)
{
    uint32_t size = c->cfg.params.rx_messages;

    c->rx[m->id % size] = NULL;
    c->rx_done[m->id % size] = 1;
    while (c->rx_done[c->rx_base % size]) {
        c->rx_done[c->rx_base % size] = 0;
        c->rx_base++;
    }
    g_queue_push_tail(&c->ready, m);
    c->r->stats.messages_received++;
    c->r->stats.message_bytes_received += m->len;
    rdt_event(c, now_ps, RDT_EV_READABLE, m->id, m->len, 0);
}

bool rdt_rx_is_partial(const RdtConn *c)
{
    for (uint32_t i = 0; i < c->cfg.params.rx_messages; i++) {
        if (c->rx[i]) {
            return true;
        }
    }
    return false;
}

/* The message of @d, new or known. NULL: *why. */
static RdtRx *find_message(RdtConn *c, const RdtData *d, RdtInput *why)
{
    uint32_t size = c->cfg.params.rx_messages;
    RdtRx **slot = &c->rx[d->message % size];

    if (d->message < c->rx_base ||
        (d->message < c->rx_base + size && c->rx_done[d->message % size])) {
        *why = RDT_IN_DUPLICATE;
        return NULL;
    }
    if (c->peer_closing && d->message >= c->peer_messages) {
        *why = RDT_IN_MALFORMED;
        return NULL;
    }
    if (d->message >= rdt_credit_messages(c)) {
        *why = RDT_IN_CREDIT;
        return NULL;
    }
    if (!*slot) {
        if (c->rx_held + d->message_bytes > c->cfg.params.rx_bytes) {
            *why = RDT_IN_CREDIT;
            return NULL;
        }
        *slot = rx_new(d);
        c->rx_held += d->message_bytes;
    }
    if ((*slot)->len != d->message_bytes || (*slot)->stride != d->stride ||
        (*slot)->channel != d->channel) {
        *why = RDT_IN_MALFORMED;
        return NULL;
    }
    return *slot;
}

static RdtInput data_input(RdtConn *c, uint64_t now_ps, const RdtHeader *h,
                           const uint8_t *body, uint32_t len, bool ce)
{
    RdtInput why = RDT_IN_OK;
    bool whole = false;
    RdtData d;
    RdtRx *m;

    if (!rdt_get_data(body, len, &d)) {
        return RDT_IN_MALFORMED;
    }
    m = find_message(c, &d, &why);
    if (m && m->have[d.fragment / 64] >> (d.fragment % 64) & 1) {
        why = RDT_IN_DUPLICATE;
    } else if (m) {
        if (d.len) {
            memcpy(m->data + (uint32_t)d.fragment * d.stride, d.bytes, d.len);
        }
        m->have[d.fragment / 64] |= 1ull << (d.fragment % 64);
        whole = ++m->got == m->fragments;
        if (whole) {
            complete(c, now_ps, m);
        }
    }
    if (why == RDT_IN_DUPLICATE && c->ack_path < RDT_MAX_PATHS) {
        rdt_path_suspect(c, now_ps, c->ack_path);
    }
    if (why == RDT_IN_OK || why == RDT_IN_DUPLICATE) {
        acknowledge(c, now_ps, h, ce, whole || why == RDT_IN_DUPLICATE);
    }
    return why;
}

static RdtInput close_input(RdtConn *c, uint64_t now_ps, const RdtHeader *h,
                            const uint8_t *body, uint32_t len, bool ce)
{
    RdtClose close;

    if (!rdt_get_close(body, len, &close)) {
        return RDT_IN_MALFORMED;
    }
    if (close.reason) {
        rdt_conn_die(c, now_ps, RDT_DEATH_PEER);
        return RDT_IN_OK;
    }
    /* It closes when everything has been acknowledged, so all is here. */
    if (close.messages != c->rx_base || rdt_rx_is_partial(c)) {
        return RDT_IN_MALFORMED;
    }
    c->peer_closing = true;
    c->peer_messages = close.messages;
    acknowledge(c, now_ps, h, ce, true);
    return RDT_IN_OK;
}

static RdtInput body_input(RdtConn *c, uint64_t now_ps, const RdtHeader *h,
                           const uint8_t *body, uint32_t len, bool ce)
{
    RdtAck ack;

    switch (h->kind) {
    case RDT_KIND_DATA:
        return data_input(c, now_ps, h, body, len, ce);
    case RDT_KIND_ACK:
        return rdt_get_ack(body, len, &ack) ? rdt_ack_input(c, now_ps, &ack)
                                            : RDT_IN_MALFORMED;
    case RDT_KIND_PROBE:
        if (len) {
            return RDT_IN_MALFORMED;
        }
        acknowledge(c, now_ps, h, ce, true);
        return RDT_IN_OK;
    default:
        return close_input(c, now_ps, h, body, len, ce);
    }
}

static RdtInput input(Rdt *r, uint64_t now_ps, const uint8_t *p, uint32_t len,
                      bool ce)
{
    uint8_t body[RDT_MAX_DATAGRAM_BYTES];
    RdtInput ret;
    RdtHeader h;
    RdtConn *c;

    ret = rdt_get_header(p, len, &h);
    if (ret != RDT_IN_OK) {
        return ret;
    }
    c = rdt_conn(r, h.to);
    if (!c || c->cfg.remote_id != h.from) {
        return RDT_IN_SESSION;
    }
    if (c->state == RDT_DEAD) {
        return RDT_IN_GONE;
    }
    ret = rdt_unseal(c, &h, p, len, body);
    if (ret != RDT_IN_OK) {
        return ret;
    }
    c->heard_ps = now_ps;
    ret = body_input(c, now_ps, &h, body,
                     len - RDT_HEADER_BYTES - RDT_TAG_BYTES, ce);
    rdt_conn_settle(c, now_ps);
    return ret;
}

RdtInput rdt_input(Rdt *r, uint64_t now_ps, const void *datagram, uint32_t len,
                   bool ce)
{
    RdtInput ret = input(r, now_ps, datagram, len, ce);

    r->stats.in[ret]++;
    return ret;
}

/* ---- to the owner ------------------------------------------------------- */

bool rdt_receive(Rdt *r, uint64_t now_ps, uint32_t session, RdtMessage *ret)
{
    RdtConn *c = rdt_conn(r, session);
    RdtRx *m = c ? g_queue_pop_head(&c->ready) : NULL;

    if (!m) {
        return false;
    }
    *ret = (RdtMessage){ m->data, m->len, m->channel, m->id };
    m->data = NULL;
    c->rx_held -= m->len;
    c->taken_bytes += m->len;
    c->taken_messages++;
    rdt_rx_free(m);
    /* Tell of a quarter of the memory at once, of less with other news. */
    if (c->state != RDT_DEAD &&
        (rdt_credit_bytes(c) - c->told_bytes >= c->cfg.params.rx_bytes / 4 ||
         rdt_credit_messages(c) - c->told_messages >=
             c->cfg.params.rx_messages / 4)) {
        ack_within(c, now_ps, true);
    }
    return true;
}
