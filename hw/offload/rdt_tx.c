/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_tx.c: messages out, and which packet is next.
 *
 * Order at one instant: an acknowledgement that is due, probes, lost
 * fragments, then one fragment of each message in turn, so that a short
 * message overtakes a long one. The close comes when nothing else is left.
 */
#include "rdt_int.h"

#include <string.h>

#define PS_PER_S 1000000000000ull

void rdt_tx_free(RdtTx *m)
{
    if (m) {
        g_free(m->data);
        g_free(m->state);
        g_free(m);
    }
}

RdtTx *rdt_tx_message(const RdtConn *c, uint64_t id)
{
    return id >= c->tx_base && id < c->tx_next
               ? c->tx[id % c->cfg.params.tx_messages]
               : NULL;
}

void rdt_tx_activate(RdtConn *c, RdtTx *m)
{
    m->next = NULL;
    if (c->active_tail) {
        c->active_tail->next = m;
    } else {
        c->active = m;
    }
    c->active_tail = m;
}

void rdt_tx_admit(RdtConn *c)
{
    while (c->tx_admitted < c->tx_next && c->tx_admitted < c->credit_messages) {
        RdtTx *m = rdt_tx_message(c, c->tx_admitted);

        if (m->end_bytes > c->credit_bytes) {
            return;
        }
        rdt_tx_activate(c, m);
        c->tx_admitted++;
    }
}

RdtSendResult rdt_send(Rdt *r, uint64_t now_ps, uint32_t session,
                       uint16_t channel, const void *data, uint32_t len,
                       uint64_t *ret_id)
{
    RdtConn *c = rdt_conn(r, session);
    RdtTx *m;

    if (!c || c->state != RDT_OPEN) {
        return RDT_SEND_NOT_OPEN;
    }
    if (len > RDT_MAX_MESSAGE_BYTES || len > c->cfg.params.tx_bytes) {
        return RDT_SEND_TOO_BIG;
    }
    if (c->tx_next - c->tx_base == c->cfg.params.tx_messages ||
        c->tx_bytes + len > c->cfg.params.tx_bytes) {
        return RDT_SEND_FULL;
    }
    m = g_new0(RdtTx, 1);
    m->id = c->tx_next++;
    m->end_bytes = c->tx_end_bytes += len;
    m->queued_ps = now_ps;
    m->len = len;
    m->channel = channel;
    m->stride = c->cfg.params.datagram_bytes - RDT_OVERHEAD_BYTES;
    m->fragments = rdt_fragments(len, m->stride);
    m->data = g_memdup2(len ? data : "", len ? len : 1);
    m->state = g_new0(uint8_t, m->fragments);
    c->tx[m->id % c->cfg.params.tx_messages] = m;
    c->tx_bytes += len;
    r->stats.messages_sent++;
    rdt_tx_admit(c);
    rdt_conn_settle(c, now_ps);
    if (ret_id) {
        *ret_id = m->id;
    }
    return RDT_SEND_OK;
}

/* ---- fate of fragments -------------------------------------------------- */

void rdt_tx_fragment_acked(RdtConn *c, uint64_t now_ps, uint64_t message,
                           uint16_t fragment)
{
    RdtTx *m = rdt_tx_message(c, message);

    if (!m || m->state[fragment] == RDT_FRAGMENT_ACKED) {
        return;
    }
    m->state[fragment] = RDT_FRAGMENT_ACKED;
    if (++m->acked < m->fragments) {
        return;
    }
    rdt_event(c, now_ps, RDT_EV_ACKED, m->id, now_ps - m->queued_ps, 0);
    c->tx_bytes -= m->len;
    c->tx[m->id % c->cfg.params.tx_messages] = NULL;
    rdt_tx_free(m);
    while (c->tx_base < c->tx_next && !rdt_tx_message(c, c->tx_base)) {
        c->tx_base++;
    }
}

void rdt_tx_fragment_lost(RdtConn *c, const RdtSent *e)
{
    RdtTx *m = rdt_tx_message(c, e->message);
    RdtLostFragment lost = { e->message, e->fragment, e->path };

    if (m && m->state[e->fragment] == RDT_FRAGMENT_IN_FLIGHT) {
        m->state[e->fragment] = RDT_FRAGMENT_LOST;
        g_array_append_val(c->lost, lost);
    }
}

/* The first fragment that is still missing. NULL: none. */
static const RdtLostFragment *first_lost(RdtConn *c)
{
    while (c->lost_head < c->lost->len) {
        const RdtLostFragment *l =
            &g_array_index(c->lost, RdtLostFragment, c->lost_head);
        const RdtTx *m = rdt_tx_message(c, l->message);

        if (m && m->state[l->fragment] == RDT_FRAGMENT_LOST) {
            return l;
        }
        c->lost_head++;
    }
    g_array_set_size(c->lost, 0);
    c->lost_head = 0;
    return NULL;
}

/* ---- packets ------------------------------------------------------------ */

/* Seals and remembers a packet that is going to be acknowledged. */
static bool send_tracked(RdtConn *c, uint64_t now_ps, RdtKind kind,
                         unsigned path, uint32_t body, const RdtTx *m,
                         unsigned fragment, RdtOut *out)
{
    uint32_t slot = (uint32_t)(c->next[0] & (c->ring_size - 1));
    RdtSent *e = &c->ring[slot];
    uint64_t bps = c->cfg.params.pace_bps;

    *e = (RdtSent){
        .packet = rdt_next_packet(c, 0),
        .sent_ps = now_ps,
        .message = m ? m->id : 0,
        .fragment = (uint16_t)fragment,
        .bytes = (uint16_t)(RDT_HEADER_BYTES + body + RDT_TAG_BYTES),
        .kind = (uint8_t)kind,
        .path = (uint8_t)path,
        .order = c->path[path].next_order++,
    };
    c->path[path].packets++;
    rdt_sent_link(c, slot);
    if (bps) {
        c->pace_free_ps = now_ps + (e->bytes * 8 * PS_PER_S + bps - 1) / bps;
    }
    c->r->stats.packets_sent++;
    out->source_port = c->path[path].port;
    return rdt_seal(c, now_ps, kind, body, out);
}

static bool send_ack(RdtConn *c, uint64_t now_ps, RdtOut *out)
{
    RdtAck ack;
    uint32_t len;

    rdt_make_ack(c, now_ps, &ack);
    len = rdt_put_ack(out->bytes + RDT_HEADER_BYTES, &ack);
    c->ack_path = (uint8_t)rdt_path_any(c);
    out->source_port = c->path[c->ack_path].port;
    c->r->stats.acks_sent++;
    return rdt_seal(c, now_ps, RDT_KIND_ACK, len, out);
}

static bool send_probe(RdtConn *c, uint64_t now_ps, unsigned path, RdtOut *out)
{
    c->r->stats.probes_sent++;
    return send_tracked(c, now_ps, RDT_KIND_PROBE, path, 0, NULL, 0, out);
}

static uint32_t put_close(RdtConn *c, uint32_t reason, RdtOut *out)
{
    RdtClose close = { c->tx_next, reason };

    return rdt_put_close(out->bytes + RDT_HEADER_BYTES, &close);
}

static bool send_close(RdtConn *c, uint64_t now_ps, RdtOut *out)
{
    uint32_t len = put_close(c, 0, out);

    return send_tracked(c, now_ps, RDT_KIND_CLOSE, rdt_path_any(c), len, NULL,
                        0, out);
}

/* Once, without waiting for an answer. */
static bool send_abort(RdtConn *c, uint64_t now_ps, RdtOut *out)
{
    uint32_t len = put_close(c, 1, out);
    bool ok;

    out->source_port = c->path[rdt_path_any(c)].port;
    ok = rdt_seal(c, now_ps, RDT_KIND_CLOSE, len, out);
    c->base = c->next[0]; /* nothing is kept of it */
    return ok;
}

static bool send_fragment(RdtConn *c, uint64_t now_ps, RdtTx *m, unsigned n,
                          unsigned path, RdtOut *out)
{
    RdtData d = {
        .message = m->id,
        .message_bytes = m->len,
        .fragment = (uint16_t)n,
        .stride = m->stride,
        .channel = m->channel,
        .bytes = m->data + n * m->stride,
        .len = rdt_fragment_bytes(m->len, m->stride, n),
    };
    uint32_t len = rdt_put_data(out->bytes + RDT_HEADER_BYTES, &d);

    m->state[n] = RDT_FRAGMENT_IN_FLIGHT;
    return send_tracked(c, now_ps, RDT_KIND_DATA, path, len, m, n, out);
}

/* Bytes of the datagram with the next fragment; 0: there is none. */
static uint32_t next_bytes(RdtConn *c, const RdtLostFragment **ret_lost)
{
    const RdtLostFragment *l = first_lost(c);
    const RdtTx *m = l ? rdt_tx_message(c, l->message) : c->active;

    *ret_lost = l;
    return m ? RDT_OVERHEAD_BYTES +
                   rdt_fragment_bytes(m->len, m->stride,
                                      l ? l->fragment : m->unsent)
             : 0;
}

static bool window_open(const RdtConn *c, uint32_t bytes)
{
    return !c->in_flight || c->in_flight + bytes <= c->window;
}

static bool output_data(RdtConn *c, uint64_t now_ps, RdtOut *out)
{
    const RdtLostFragment *l;
    uint32_t bytes = next_bytes(c, &l);
    unsigned n;
    RdtTx *m;
    int path;

    if (!bytes || !window_open(c, bytes)) {
        return false;
    }
    path = rdt_path_choose(c, bytes, l ? l->path : -1);
    if (path < 0) {
        return false;
    }
    if (l) {
        c->lost_head++;
        c->r->stats.retransmitted++;
        return send_fragment(c, now_ps, rdt_tx_message(c, l->message),
                             l->fragment, path, out);
    }
    m = c->active;
    n = m->unsent++;
    c->active = m->next;
    if (!c->active) {
        c->active_tail = NULL;
    }
    if (m->unsent < m->fragments) {
        rdt_tx_activate(c, m);
    }
    return send_fragment(c, now_ps, m, n, path, out);
}

static int wanted_probe(const RdtConn *c)
{
    for (unsigned i = 0; i < c->cfg.params.n_paths; i++) {
        if (c->path[i].probe_now) {
            return (int)i;
        }
    }
    return -1;
}

static bool output_tracked(RdtConn *c, uint64_t now_ps, RdtOut *out)
{
    int path = wanted_probe(c);

    if (path >= 0) {
        c->path[path].probe_now = false;
        return send_probe(c, now_ps, path, out);
    }
    if (c->idle_probe_now) {
        c->idle_probe_now = false;
        return send_probe(c, now_ps, rdt_path_any(c), out);
    }
    if (c->close_wanted) {
        c->close_wanted = false;
        c->close_sent = true;
        return send_close(c, now_ps, out);
    }
    return output_data(c, now_ps, out);
}

static bool ring_has_room(RdtConn *c)
{
    rdt_sent_trim(c);
    if (c->next[0] - c->base == c->ring_size && c->ring_size < c->ring_max) {
        rdt_sent_resize(c, 2 * c->ring_size);
    }
    return c->next[0] - c->base < c->ring_size;
}

/* Something but acknowledgements could go if time were no matter. */
static bool could_send(RdtConn *c)
{
    const RdtLostFragment *l;
    uint32_t bytes;

    if (!ring_has_room(c)) {
        return false;
    }
    if (c->idle_probe_now || c->close_wanted || wanted_probe(c) >= 0) {
        return true;
    }
    bytes = next_bytes(c, &l);
    return bytes && window_open(c, bytes) && rdt_path_room(c, bytes);
}

bool rdt_conn_paced(RdtConn *c)
{
    return c->cfg.params.pace_bps && c->state != RDT_DEAD && could_send(c);
}

bool rdt_conn_output(RdtConn *c, uint64_t now_ps, RdtOut *out)
{
    bool ack = now_ps >= c->ack_at_ps;

    if (c->state == RDT_DEAD && !c->abort_wanted) {
        return false;
    }
    if (!ack && !c->abort_wanted &&
        (now_ps < c->pace_free_ps || !could_send(c))) {
        return false;
    }
    if (!rdt_key_ready(c, now_ps)) {
        return false;
    }
    if (c->abort_wanted) {
        c->abort_wanted = false;
        return send_abort(c, now_ps, out);
    }
    return ack ? send_ack(c, now_ps, out) : output_tracked(c, now_ps, out);
}
