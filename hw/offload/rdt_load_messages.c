/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_load_messages.c: messages and packets of a saved state; each is checked
 * against the others.
 */
#include "rdt_state.h"

#include <string.h>

/* ---- messages out ------------------------------------------------------- */

static void load_tx_message(RdtLoad *l, RdtConn *c, uint64_t *from,
                            uint64_t *end_bytes)
{
    const RdtParams *p = &c->cfg.params;
    RdtTx *m = g_new0(RdtTx, 1);
    size_t len = 0;

    m->id = state_get_u64(l->r);
    m->end_bytes = state_get_u64(l->r);
    m->queued_ps = rdt_load_past(l);
    m->channel = state_get_u16(l->r);
    m->unsent = state_get_u32(l->r);
    m->data = state_get_blob(l->r, RDT_MAX_MESSAGE_BYTES, &len);
    m->len = (uint32_t)len;
    m->stride = (uint16_t)(p->datagram_bytes - RDT_OVERHEAD_BYTES);
    m->fragments = rdt_fragments(m->len, m->stride);
    m->state = g_new0(uint8_t, m->fragments);
    if (state_ok(l->r) &&
        (m->id < *from || m->id >= c->tx_next || m->unsent > m->fragments ||
         (m->id >= c->tx_admitted && m->unsent) ||
         m->end_bytes < *end_bytes + m->len || m->end_bytes > c->tx_end_bytes ||
         len > p->tx_bytes - c->tx_bytes)) {
        state_fail(l->r, "a message to be sent is impossible");
    }
    for (uint32_t i = 0; state_ok(l->r) && i < m->unsent; i++) {
        if (state_get_bool(l->r, "acknowledged")) {
            m->state[i] = RDT_FRAGMENT_ACKED;
            m->acked++;
        }
    }
    if (state_ok(l->r) && m->acked == m->fragments) {
        state_fail(l->r, "a message is acknowledged and still there");
    }
    if (!state_ok(l->r)) {
        rdt_tx_free(m);
        return;
    }
    *from = m->id + 1;
    *end_bytes = m->end_bytes;
    c->tx_bytes += m->len;
    c->tx[m->id % p->tx_messages] = m;
}

static void load_active(RdtLoad *l, RdtConn *c)
{
    uint32_t n =
        state_get_u32_max(l->r, c->cfg.params.tx_messages, "messages begun");
    uint32_t want = 0;

    for (uint64_t id = c->tx_base; state_ok(l->r) && id < c->tx_admitted;
         id++) {
        const RdtTx *m = rdt_tx_message(c, id);

        want += m && m->unsent < m->fragments;
    }
    if (state_ok(l->r) && n != want) {
        state_fail(l->r, "%u messages are being sent, %u listed", want, n);
    }
    for (uint32_t i = 0; state_ok(l->r) && i < n; i++) {
        uint64_t id = state_get_u64(l->r);
        RdtTx *m = rdt_tx_message(c, id);

        if (state_ok(l->r) &&
            (!m || id >= c->tx_admitted || m->unsent >= m->fragments ||
             m->next || m == c->active_tail)) {
            state_fail(l->r, "message %llu cannot be sent now",
                       (unsigned long long)id);
        } else if (state_ok(l->r)) {
            rdt_tx_activate(c, m);
        }
    }
}

void rdt_load_tx(RdtLoad *l, RdtConn *c)
{
    uint32_t most = c->cfg.params.tx_messages, n;
    uint64_t from, end_bytes = 0;

    c->tx_base = rdt_load_max(l, INT64_MAX, "messages");
    c->tx_next = rdt_load_max(l, INT64_MAX, "messages");
    c->tx_admitted = rdt_load_max(l, INT64_MAX, "messages");
    c->tx_end_bytes = rdt_load_max(l, INT64_MAX, "message bytes");
    c->credit_bytes = state_get_u64(l->r);
    c->credit_messages = state_get_u64(l->r);
    n = state_get_u32_max(l->r, most, "messages to be sent");
    if (state_ok(l->r) &&
        (c->tx_base > c->tx_admitted || c->tx_admitted > c->tx_next ||
         c->tx_next - c->tx_base > most)) {
        state_fail(l->r, "message numbers are out of order");
    }
    if (!state_ok(l->r)) {
        c->tx_base = c->tx_next = c->tx_admitted = 0;
        return;
    }
    from = c->tx_base;
    for (uint32_t i = 0; state_ok(l->r) && i < n; i++) {
        load_tx_message(l, c, &from, &end_bytes);
    }
    for (uint64_t id = c->tx_admitted; state_ok(l->r) && id < c->tx_next;
         id++) {
        if (!rdt_tx_message(c, id)) {
            state_fail(l->r, "a message that waits is missing");
        }
    }
    if (state_ok(l->r) && c->tx_base < c->tx_next &&
        !rdt_tx_message(c, c->tx_base)) {
        state_fail(l->r, "the oldest message is missing");
    }
    load_active(l, c);
}

/* ---- packets out -------------------------------------------------------- */

static bool sent_valid(const RdtConn *c, const RdtSent *e)
{
    const RdtTx *m;

    if (e->packet >> RDT_COUNTER_BITS > c->cfg.incarnation ||
        e->state > RDT_SENT_ACKED || e->path >= c->cfg.params.n_paths ||
        e->order >= c->path[e->path].next_order ||
        e->bytes < RDT_HEADER_BYTES + RDT_TAG_BYTES ||
        e->bytes > c->cfg.params.datagram_bytes ||
        (e->kind != RDT_KIND_DATA && e->kind != RDT_KIND_PROBE &&
         e->kind != RDT_KIND_CLOSE)) {
        return false;
    }
    if (e->kind != RDT_KIND_DATA) {
        return true;
    }
    m = rdt_tx_message(c, e->message);
    return e->message < c->tx_next && (!m || e->fragment < m->unsent);
}

static void load_packet(RdtLoad *l, RdtConn *c, uint64_t counter)
{
    uint32_t slot = (uint32_t)(counter & (c->ring_size - 1));
    RdtSent *e = &c->ring[slot];
    const RdtPath *p;
    RdtTx *m;

    e->packet = (uint64_t)state_get_u16(l->r) << RDT_COUNTER_BITS | counter;
    e->sent_ps = rdt_load_past(l);
    e->message = state_get_u64(l->r);
    e->order = state_get_u64(l->r);
    e->fragment = state_get_u16(l->r);
    e->bytes = state_get_u16(l->r);
    e->kind = state_get_u8(l->r);
    e->path = state_get_u8(l->r);
    e->state = state_get_u8(l->r);
    if (state_ok(l->r) && !sent_valid(c, e)) {
        state_fail(l->r, "packet %llu is impossible",
                   (unsigned long long)counter);
    }
    if (!state_ok(l->r) || e->state != RDT_SENT_IN_FLIGHT) {
        return;
    }
    p = &c->path[e->path];
    if (p->tail != RDT_NO_SLOT && (c->ring[p->tail].order >= e->order ||
                                   c->ring[p->tail].sent_ps > e->sent_ps)) {
        state_fail(l->r, "packets of a path are out of order");
        return;
    }
    m = e->kind == RDT_KIND_DATA ? rdt_tx_message(c, e->message) : NULL;
    if (m && m->state[e->fragment] == RDT_FRAGMENT_IN_FLIGHT) {
        state_fail(l->r, "a fragment is under way twice");
        return;
    }
    if (m && m->state[e->fragment] == RDT_FRAGMENT_UNSENT) {
        m->state[e->fragment] = RDT_FRAGMENT_IN_FLIGHT;
    }
    rdt_sent_link(c, slot);
}

static void load_lost(RdtLoad *l, RdtConn *c)
{
    uint32_t n = state_get_u32_max(l->r, RDT_MAX_RING, "lost fragments");

    for (uint32_t i = 0; state_ok(l->r) && i < n; i++) {
        RdtLostFragment lost = { 0 };
        RdtTx *m;

        lost.message = state_get_u64(l->r);
        lost.fragment = state_get_u16(l->r);
        lost.path = state_get_u16(l->r);
        m = rdt_tx_message(c, lost.message);
        if (state_ok(l->r) && (!m || lost.fragment >= m->unsent ||
                               m->state[lost.fragment] != RDT_FRAGMENT_UNSENT ||
                               lost.path >= c->cfg.params.n_paths)) {
            state_fail(l->r, "a lost fragment is impossible");
        } else if (state_ok(l->r)) {
            m->state[lost.fragment] = RDT_FRAGMENT_LOST;
            g_array_append_val(c->lost, lost);
        }
    }
}

void rdt_load_sent(RdtLoad *l, RdtConn *c)
{
    uint32_t size = state_get_u32_max(l->r, c->ring_max, "packets kept");

    if (state_ok(l->r) && (size < RDT_FIRST_RING || (size & (size - 1)))) {
        state_fail(l->r, "%u packets kept is no power of two", size);
        return;
    }
    c->base = c->next[0];
    if (state_ok(l->r)) {
        rdt_sent_resize(c, size);
    }
    c->base = rdt_load_max(l, RDT_COUNTER_MASK, "the oldest packet");
    if (state_ok(l->r) &&
        (c->base > c->next[0] || c->next[0] - c->base > c->ring_size)) {
        state_fail(l->r, "packet numbers are out of order");
    }
    for (uint64_t i = c->base; state_ok(l->r) && i < c->next[0]; i++) {
        load_packet(l, c, i);
    }
    load_lost(l, c);
    for (uint64_t id = c->tx_base; state_ok(l->r) && id < c->tx_next; id++) {
        const RdtTx *m = rdt_tx_message(c, id);

        for (uint32_t i = 0; m && i < m->unsent; i++) {
            if (m->state[i] == RDT_FRAGMENT_UNSENT) {
                state_fail(l->r, "a fragment is neither under way nor lost");
                break;
            }
        }
    }
}

/* ---- messages in -------------------------------------------------------- */

static void load_fragments(RdtLoad *l, RdtRx *m)
{
    for (uint32_t i = 0; state_ok(l->r) && i < (m->fragments + 63) / 64; i++) {
        m->have[i] = state_get_u64(l->r);
    }
    for (uint32_t i = 0; state_ok(l->r) && i < m->fragments; i++) {
        if (m->have[i / 64] >> (i % 64) & 1) {
            m->got++;
            state_get_bytes(l->r, m->data + i * m->stride,
                            rdt_fragment_bytes(m->len, m->stride, i));
        }
    }
    if (state_ok(l->r) && (m->got == m->fragments ||
                           (m->fragments % 64 && m->have[m->fragments / 64] >>
                                                     (m->fragments % 64)))) {
        state_fail(l->r, "the fragments of a message are impossible");
    }
}

static void load_rx_message(RdtLoad *l, RdtConn *c)
{
    const RdtParams *p = &c->cfg.params;
    RdtRx *m = g_new0(RdtRx, 1);

    m->id = state_get_u64(l->r);
    m->channel = state_get_u16(l->r);
    m->stride = state_get_u16(l->r);
    m->len = state_get_u32_max(l->r, RDT_MAX_MESSAGE_BYTES, "message bytes");
    if (state_ok(l->r) &&
        (m->id < c->rx_base || m->id - c->rx_base >= p->rx_messages ||
         c->rx[m->id % p->rx_messages] || c->rx_done[m->id % p->rx_messages] ||
         m->stride < RDT_MIN_STRIDE || m->stride > RDT_MAX_STRIDE ||
         m->len > p->rx_bytes - c->rx_held)) {
        state_fail(l->r, "a message that is not complete is impossible");
    }
    if (!state_ok(l->r)) {
        rdt_rx_free(m);
        return;
    }
    m->fragments = rdt_fragments(m->len, m->stride);
    m->data = g_malloc0(m->len ? m->len : 1);
    m->have = g_new0(uint64_t, (m->fragments + 63) / 64);
    c->rx[m->id % p->rx_messages] = m;
    c->rx_held += m->len;
    load_fragments(l, m);
}

static void load_ready(RdtLoad *l, RdtConn *c)
{
    const RdtParams *p = &c->cfg.params;
    uint32_t n = state_get_u32_max(l->r, 2 * p->rx_messages, "messages ready");
    uint64_t complete = c->rx_base;

    for (uint32_t i = 0; i < p->rx_messages; i++) {
        complete += c->rx_done[i];
    }
    if (state_ok(l->r) && complete != c->taken_messages + n) {
        state_fail(l->r, "messages that are complete are missing");
    }
    for (uint32_t i = 0; state_ok(l->r) && i < n; i++) {
        RdtRx *m = g_new0(RdtRx, 1);
        size_t len = 0;

        m->id = state_get_u64(l->r);
        m->channel = state_get_u16(l->r);
        m->data = state_get_blob(l->r, RDT_MAX_MESSAGE_BYTES, &len);
        m->len = (uint32_t)len;
        if (state_ok(l->r) &&
            (m->len > p->rx_bytes - c->rx_held ||
             (m->id >= c->rx_base && (m->id - c->rx_base >= p->rx_messages ||
                                      !c->rx_done[m->id % p->rx_messages])))) {
            state_fail(l->r, "a complete message is impossible");
        }
        c->rx_held += m->len;
        g_queue_push_tail(&c->ready, m);
    }
}

static void load_ranges(RdtLoad *l, RdtConn *c)
{
    uint64_t below = RDT_ACK_SPACE;

    c->n_ranges = state_get_u32_max(l->r, RDT_MAX_RANGES, "ranges");
    for (uint32_t i = 0; state_ok(l->r) && i < c->n_ranges; i++) {
        RdtTold *t = &c->ranges[i];

        t->range.last = state_get_u64(l->r);
        t->range.count = state_get_u32(l->r);
        t->range.ce = state_get_bool(l->r, "a mark");
        t->told = state_get_u32(l->r);
        if (state_ok(l->r) &&
            (!t->range.count || t->range.last >= below ||
             (t->range.last & RDT_COUNTER_MASK) < t->range.count - 1)) {
            state_fail(l->r, "a range of packets is impossible");
        }
        below = t->range.last - (t->range.count - 1);
    }
    c->ack_waiting = state_get_u32(l->r);
    c->ack_at_ps = rdt_load_future(l, "an acknowledgement");
    c->echo = rdt_load_max(l, RDT_ACK_SPACE - 1, "the newest packet");
    c->echo_at_ps = rdt_load_past(l);
    c->ack_path = state_get_u8(l->r);
    if (state_ok(l->r) && c->ack_path >= c->cfg.params.n_paths &&
        c->ack_path != RDT_MAX_PATHS) {
        state_fail(l->r, "the last acknowledgement took no path");
    }
}

void rdt_load_rx(RdtLoad *l, RdtConn *c)
{
    const RdtParams *p = &c->cfg.params;
    uint32_t n;

    c->rx_base = rdt_load_max(l, INT64_MAX, "messages");
    c->taken_bytes = rdt_load_max(l, INT64_MAX, "message bytes");
    c->taken_messages = rdt_load_max(l, INT64_MAX, "messages");
    c->told_bytes = rdt_load_max(l, c->taken_bytes + p->rx_bytes, "credit");
    c->told_messages =
        rdt_load_max(l, rdt_credit_messages(c), "credit of messages");
    for (uint32_t i = 0; state_ok(l->r) && i < p->rx_messages; i++) {
        c->rx_done[i] = state_get_bool(l->r, "complete");
    }
    if (state_ok(l->r) && c->rx_done[c->rx_base % p->rx_messages]) {
        state_fail(l->r, "the first incomplete message is complete");
    }
    n = state_get_u32_max(l->r, p->rx_messages, "messages not complete");
    for (uint32_t i = 0; state_ok(l->r) && i < n; i++) {
        load_rx_message(l, c);
    }
    load_ready(l, c);
    load_ranges(l, c);
}
