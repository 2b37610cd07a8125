/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_ack.c: what an acknowledgement or a loss does; the window.
 *
 * The window follows the share of bytes marked, or late, in each round trip as
 * in RFC 8257 (gain 1/16, cut by half of the average); bytes lost in a round
 * cut by half of their own share at once. So one bad path of many takes its
 * share only, while marks on all of them halve the rate. Each path has a
 * window of its own, halved by a mark or a loss once a round trip.
 */
#include "rdt_int.h"

#define FLOOR_PERIOD_PS 10000000000ull /* 10 ms: lowest round trip; a choice */

RdtSent *rdt_sent(const RdtConn *c, uint64_t counter)
{
    return &c->ring[counter & (c->ring_size - 1)];
}

void rdt_sent_link(RdtConn *c, uint32_t slot)
{
    RdtSent *e = &c->ring[slot];
    RdtPath *p = &c->path[e->path];

    e->prev = p->tail;
    e->next = RDT_NO_SLOT;
    if (p->tail != RDT_NO_SLOT) {
        c->ring[p->tail].next = slot;
    } else {
        p->head = slot;
    }
    p->tail = slot;
    p->in_flight += e->bytes;
    c->in_flight += e->bytes;
}

void rdt_sent_unlink(RdtConn *c, RdtSent *e)
{
    RdtPath *p = &c->path[e->path];

    if (e->prev != RDT_NO_SLOT) {
        c->ring[e->prev].next = e->next;
    } else {
        p->head = e->next;
    }
    if (e->next != RDT_NO_SLOT) {
        c->ring[e->next].prev = e->prev;
    } else {
        p->tail = e->prev;
    }
    p->in_flight -= e->bytes;
    c->in_flight -= e->bytes;
}

void rdt_sent_resize(RdtConn *c, uint32_t size)
{
    RdtSent *old = c->ring;
    uint32_t mask = c->ring_size - 1;

    c->ring = g_new0(RdtSent, size);
    c->ring_size = size;
    for (unsigned i = 0; i < c->cfg.params.n_paths; i++) {
        c->path[i].head = c->path[i].tail = RDT_NO_SLOT;
        c->path[i].in_flight = 0;
    }
    c->in_flight = 0;
    for (uint64_t n = c->base; n < c->next[0]; n++) {
        RdtSent *e = rdt_sent(c, n);

        *e = old[n & mask];
        if (e->state == RDT_SENT_IN_FLIGHT) {
            rdt_sent_link(c, (uint32_t)(n & (size - 1)));
        }
    }
    g_free(old);
}

void rdt_sent_trim(RdtConn *c)
{
    while (c->base < c->next[0]) {
        const RdtSent *e = rdt_sent(c, c->base);

        if (e->state == RDT_SENT_IN_FLIGHT ||
            (e->state == RDT_SENT_LOST &&
             c->next[0] - c->base <= c->ring_size / 2)) {
            return;
        }
        c->base++;
    }
}

/* ---- the window --------------------------------------------------------- */

static uint32_t share(uint64_t part, uint64_t whole)
{
    return whole ? (uint32_t)(MIN(part, whole) * RDT_ONE / whole) : 0;
}

static void end_round(RdtConn *c)
{
    uint64_t all = c->round_acked + c->round_lost;
    uint32_t marked = share(c->round_marked, c->round_acked);
    uint32_t cut = share(c->round_lost, all);

    c->alpha = c->alpha - c->alpha / 16 + marked / 16;
    if (marked) {
        cut = MAX(cut, c->alpha);
    }
    if (cut) {
        c->slow_start = false;
        c->window -= (uint32_t)((uint64_t)c->window * cut / RDT_ONE / 2);
        c->window = MAX(c->window, 2 * c->cfg.params.datagram_bytes);
    }
    c->round_acked = c->round_marked = c->round_lost = 0;
    c->round_end = c->next[0];
}

/* @was: bytes in flight before the acknowledgement. */
static void grow(RdtConn *c, uint32_t acked, uint32_t was)
{
    uint32_t datagram = c->cfg.params.datagram_bytes;

    if (was < c->window / 2) {
        return; /* the window was not what held it back */
    }
    if (c->slow_start && !c->round_marked && !c->round_lost) {
        c->window += acked;
    } else if (!c->slow_start) {
        c->window += MAX(1, (uint32_t)((uint64_t)datagram * acked / c->window));
    }
    c->window = MIN(c->window, c->cfg.params.window_max_bytes);
}

void rdt_path_cut(RdtConn *c, RdtPath *p, const RdtSent *e)
{
    p->slow_start = false;
    if (e->order >= p->cut_order) {
        p->window = MAX(p->window / 2, c->cfg.params.datagram_bytes);
        p->cut_order = p->next_order;
    }
}

static void path_grow(RdtConn *c, RdtPath *p, uint32_t bytes)
{
    uint32_t datagram = c->cfg.params.datagram_bytes;

    p->window +=
        p->slow_start
            ? bytes
            : MAX(1, (uint32_t)((uint64_t)datagram * bytes / p->window));
    p->window = MIN(p->window, c->cfg.params.path_max_bytes);
}

/* The lowest round trip of the last 10 to 20 ms. */
static bool late(RdtConn *c, uint64_t now_ps, uint64_t rtt_ps)
{
    uint64_t target_ps = c->cfg.params.delay_target_ps;

    if (now_ps >= c->floor_until_ps) {
        c->rtt_floor_ps = c->next_floor_ps;
        c->next_floor_ps = RDT_NEVER_PS;
        c->floor_until_ps = now_ps + FLOOR_PERIOD_PS;
    }
    c->next_floor_ps = MIN(c->next_floor_ps, rtt_ps);
    c->rtt_floor_ps = MIN(c->rtt_floor_ps, rtt_ps);
    return target_ps && rtt_ps - c->rtt_floor_ps > target_ps;
}

/* ---- losses ------------------------------------------------------------- */

void rdt_lose(RdtConn *c, uint64_t now_ps, RdtSent *e, RdtLoss why)
{
    RdtPath *p = &c->path[e->path];

    rdt_sent_unlink(c, e);
    e->state = RDT_SENT_LOST;
    c->round_lost += e->bytes;
    c->r->stats.lost[why]++;
    rdt_path_cut(c, p, e);
    rdt_event(c, now_ps, RDT_EV_LOST, e->packet, p->port, why);
    if (e->kind == RDT_KIND_DATA) {
        rdt_tx_fragment_lost(c, e);
    } else if (e->kind == RDT_KIND_CLOSE) {
        c->close_wanted = !c->close_acked;
    }
}

static void lose_overtaken(RdtConn *c, uint64_t now_ps, RdtPath *p)
{
    while (p->head != RDT_NO_SLOT &&
           c->ring[p->head].order + c->cfg.params.reorder_packets <
               p->acked_order) {
        rdt_lose(c, now_ps, &c->ring[p->head], RDT_LOSS_REORDER);
    }
}

/* ---- acknowledgements --------------------------------------------------- */

static void packet_acked(RdtConn *c, uint64_t now_ps, RdtSent *e, bool marked)
{
    RdtPath *p = &c->path[e->path];
    bool in_flight = e->state == RDT_SENT_IN_FLIGHT;

    if (in_flight) {
        rdt_sent_unlink(c, e);
        c->round_acked += e->bytes;
        p->acked_order = MAX(p->acked_order, e->order + 1);
        c->acked_end = MAX(c->acked_end, (e->packet & RDT_COUNTER_MASK) + 1);
        if (marked) {
            c->round_marked += e->bytes;
            c->r->stats.marks++;
            p->marks++;
            rdt_path_cut(c, p, e);
        } else {
            path_grow(c, p, e->bytes);
        }
    } else {
        c->r->stats.spurious++;
    }
    e->state = RDT_SENT_ACKED;
    rdt_path_alive(c, now_ps, e->path, in_flight);
    if (e->kind == RDT_KIND_DATA) {
        rdt_tx_fragment_acked(c, now_ps, e->message, e->fragment);
    } else if (e->kind == RDT_KIND_CLOSE) {
        c->close_acked = true;
        c->close_wanted = false;
    }
}

/* Whether the echoed packet came late; takes its round trip, also if it was
 * given up too early: that is how timeouts learn of longer ones. */
static bool take_echo(RdtConn *c, uint64_t now_ps, const RdtAck *ack)
{
    uint64_t counter = ack->echo & RDT_COUNTER_MASK;
    const RdtSent *e = rdt_sent(c, counter);
    uint64_t age_ps;

    if (counter < c->base || counter >= c->next[0] || e->packet != ack->echo ||
        e->state == RDT_SENT_ACKED) {
        return false;
    }
    age_ps = now_ps - e->sent_ps;
    if (ack->echo_delay_ps >= age_ps) {
        return false; /* its clock or its word is wrong */
    }
    age_ps -= ack->echo_delay_ps;
    rdt_path_rtt(c, &c->path[e->path], age_ps);
    return late(c, now_ps, age_ps);
}

static void take_range(RdtConn *c, uint64_t now_ps, const RdtRange *r,
                       bool is_late)
{
    uint64_t last = r->last & RDT_COUNTER_MASK;
    uint64_t first = MAX(last - (r->count - 1), c->base);

    for (uint64_t n = first; n <= last; n++) {
        RdtSent *e = rdt_sent(c, n);

        /* Of another incarnation: it says nothing about this packet. */
        if (e->packet >> RDT_COUNTER_BITS == r->last >> RDT_COUNTER_BITS &&
            e->state != RDT_SENT_ACKED) {
            packet_acked(c, now_ps, e, r->ce || is_late);
        }
    }
}

RdtInput rdt_ack_input(RdtConn *c, uint64_t now_ps, const RdtAck *ack)
{
    uint32_t was = c->in_flight;
    uint64_t acked = c->round_acked;
    bool is_late;

    for (uint32_t i = 0; i < ack->n_ranges; i++) {
        if ((ack->ranges[i].last & RDT_COUNTER_MASK) >= c->next[0]) {
            return RDT_IN_UNSENT;
        }
    }
    c->credit_bytes = MAX(c->credit_bytes, ack->credit_bytes);
    c->credit_messages = MAX(c->credit_messages, ack->credit_messages);
    is_late = take_echo(c, now_ps, ack);
    for (uint32_t i = ack->n_ranges; i--;) { /* oldest first */
        take_range(c, now_ps, &ack->ranges[i], is_late);
    }
    acked = c->round_acked - acked;
    for (unsigned i = 0; acked && i < c->cfg.params.n_paths; i++) {
        lose_overtaken(c, now_ps, &c->path[i]);
    }
    if (acked) {
        c->backoff = 0;
        grow(c, (uint32_t)acked, was);
    }
    rdt_sent_trim(c);
    if (acked && c->acked_end > c->round_end) {
        end_round(c);
    }
    rdt_tx_admit(c);
    return RDT_IN_OK;
}
