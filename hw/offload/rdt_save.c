/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_save.c: the state of an endpoint as a stream (rdt_state.h).
 */
#include "rdt_state.h"

static void put_past(GByteArray *out, uint64_t now_ps, uint64_t at_ps)
{
    state_put_u64(out, at_ps < now_ps ? now_ps - at_ps : 0);
}

/* What is due already is due at the instant of loading. */
static void put_future(GByteArray *out, uint64_t now_ps, uint64_t at_ps)
{
    state_put_u64(out, at_ps == RDT_NEVER_PS ? RDT_NEVER_PS
                       : at_ps > now_ps      ? at_ps - now_ps
                                             : 0);
}

static void save_params(const RdtParams *p, GByteArray *out)
{
    const uint32_t words[] = {
        p->datagram_bytes,     p->n_paths,
        p->aes_bits,           p->rx_bytes,
        p->rx_messages,        p->tx_bytes,
        p->tx_messages,        p->window_first_bytes,
        p->window_max_bytes,   p->path_max_bytes,
        p->ack_every,          p->reorder_packets,
        p->path_fail_timeouts, p->epoch_packets,
    };
    const uint64_t longs[] = {
        p->pace_bps,   p->delay_target_ps, p->ack_delay_ps,   p->rto_first_ps,
        p->rto_min_ps, p->rto_max_ps,      p->probe_first_ps, p->probe_max_ps,
        p->dead_ps,    p->keepalive_ps,    p->linger_ps,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        state_put_u32(out, words[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(longs); i++) {
        state_put_u64(out, longs[i]);
    }
}

static void save_keys(const RdtConn *c, GByteArray *out)
{
    state_put_u32(out, c->tx_key.key_id);
    state_put_u16(out, c->tx_key.epoch);
    for (unsigned i = 0; i < RDT_KEY_SLOTS; i++) {
        state_put_u8(out, c->rx_key[i].handle != NULL);
        state_put_u32(out, c->rx_key[i].key_id);
        state_put_u16(out, c->rx_key[i].epoch);
    }
    state_put_u8(out, c->accepted);
    state_put_u32(out, c->accepted_key_id);
    state_put_u8(out, c->spent);
    state_put_u64(out, c->key_packets);
    for (unsigned i = 0; i < 2; i++) {
        const RdtReplay *w = &c->replay[i];

        state_put_u64(out, c->next[i]);
        state_put_u8(out, w->any);
        state_put_u64(out, w->top);
        for (unsigned k = 0; k < RDT_REPLAY_BITS / 64; k++) {
            state_put_u64(out, w->bits[k]);
        }
    }
}

static void save_window(const RdtConn *c, uint64_t now_ps, GByteArray *out)
{
    state_put_u32(out, c->window);
    state_put_u8(out, c->slow_start);
    state_put_u32(out, c->alpha);
    state_put_u64(out, c->round_end);
    state_put_u64(out, c->acked_end);
    state_put_u64(out, c->round_acked);
    state_put_u64(out, c->round_marked);
    state_put_u64(out, c->round_lost);
    state_put_u64(out, c->srtt_ps);
    state_put_u64(out, c->rttvar_ps);
    state_put_u64(out, c->rtt_floor_ps);
    state_put_u64(out, c->next_floor_ps);
    put_future(out, now_ps, c->floor_until_ps);
    put_past(out, now_ps, c->heard_ps);
    state_put_u8(out, c->waiting);
    put_past(out, now_ps, c->waiting_since_ps);
    put_future(out, now_ps, c->pace_free_ps);
    put_future(out, now_ps, c->idle_probe_ps);
    state_put_u8(out, c->idle_probe_now);
    state_put_u32(out, c->backoff);
    put_future(out, now_ps, c->backoff_from_ps);
}

static void save_path(const RdtPath *p, uint64_t now_ps, GByteArray *out)
{
    state_put_u16(out, p->port);
    state_put_u8(out, (uint8_t)p->state);
    state_put_u32(out, p->timeouts);
    state_put_u64(out, p->next_order);
    state_put_u64(out, p->acked_order);
    state_put_u32(out, p->window);
    state_put_u8(out, p->slow_start);
    state_put_u64(out, p->cut_order);
    state_put_u64(out, p->doubt_order);
    state_put_u64(out, p->srtt_ps);
    state_put_u64(out, p->rttvar_ps);
    state_put_u8(out, p->probe_now);
    put_future(out, now_ps, p->probe_at_ps);
    state_put_u64(out, p->probe_wait_ps);
    state_put_u64(out, p->packets);
    state_put_u64(out, p->marks);
    state_put_u64(out, p->all_timeouts);
}

static void save_tx_message(const RdtTx *m, uint64_t now_ps, GByteArray *out)
{
    state_put_u64(out, m->id);
    state_put_u64(out, m->end_bytes);
    put_past(out, now_ps, m->queued_ps);
    state_put_u16(out, m->channel);
    state_put_u32(out, m->unsent);
    state_put_blob(out, m->data, m->len);
    for (uint32_t i = 0; i < m->unsent; i++) {
        state_put_u8(out, m->state[i] == RDT_FRAGMENT_ACKED);
    }
}

static void save_tx(const RdtConn *c, uint64_t now_ps, GByteArray *out)
{
    uint32_t n = 0;

    state_put_u64(out, c->tx_base);
    state_put_u64(out, c->tx_next);
    state_put_u64(out, c->tx_admitted);
    state_put_u64(out, c->tx_end_bytes);
    state_put_u64(out, c->credit_bytes);
    state_put_u64(out, c->credit_messages);
    for (uint64_t id = c->tx_base; id < c->tx_next; id++) {
        n += rdt_tx_message(c, id) != NULL;
    }
    state_put_u32(out, n);
    for (uint64_t id = c->tx_base; id < c->tx_next; id++) {
        if (rdt_tx_message(c, id)) {
            save_tx_message(rdt_tx_message(c, id), now_ps, out);
        }
    }
    n = 0;
    for (const RdtTx *m = c->active; m; m = m->next) {
        n++;
    }
    state_put_u32(out, n);
    for (const RdtTx *m = c->active; m; m = m->next) {
        state_put_u64(out, m->id);
    }
}

/* Still missing: others in the list have been acknowledged since. */
static bool still_lost(const RdtConn *c, const RdtLostFragment *l)
{
    const RdtTx *m = rdt_tx_message(c, l->message);

    return m && m->state[l->fragment] == RDT_FRAGMENT_LOST;
}

static void save_sent(const RdtConn *c, uint64_t now_ps, GByteArray *out)
{
    uint32_t n = 0;

    state_put_u32(out, c->ring_size);
    state_put_u64(out, c->base);
    for (uint64_t i = c->base; i < c->next[0]; i++) {
        const RdtSent *e = rdt_sent(c, i);

        state_put_u16(out, (uint16_t)(e->packet >> RDT_COUNTER_BITS));
        put_past(out, now_ps, e->sent_ps);
        state_put_u64(out, e->message);
        state_put_u64(out, e->order);
        state_put_u16(out, e->fragment);
        state_put_u16(out, e->bytes);
        state_put_u8(out, e->kind);
        state_put_u8(out, e->path);
        state_put_u8(out, e->state);
    }
    for (guint i = c->lost_head; i < c->lost->len; i++) {
        n += still_lost(c, &g_array_index(c->lost, RdtLostFragment, i));
    }
    state_put_u32(out, n);
    for (guint i = c->lost_head; i < c->lost->len; i++) {
        const RdtLostFragment *l = &g_array_index(c->lost, RdtLostFragment, i);

        if (still_lost(c, l)) {
            state_put_u64(out, l->message);
            state_put_u16(out, l->fragment);
            state_put_u16(out, l->path);
        }
    }
}

static void save_rx_message(const RdtRx *m, GByteArray *out)
{
    state_put_u64(out, m->id);
    state_put_u16(out, m->channel);
    state_put_u16(out, m->stride);
    state_put_u32(out, m->len);
    for (uint32_t i = 0; i < (m->fragments + 63) / 64; i++) {
        state_put_u64(out, m->have[i]);
    }
    for (uint32_t i = 0; i < m->fragments; i++) {
        if (m->have[i / 64] >> (i % 64) & 1) {
            state_put_bytes(out, m->data + i * m->stride,
                            rdt_fragment_bytes(m->len, m->stride, i));
        }
    }
}

static void save_rx(const RdtConn *c, uint64_t now_ps, GByteArray *out)
{
    uint32_t size = c->cfg.params.rx_messages, n = 0;

    state_put_u64(out, c->rx_base);
    state_put_u64(out, c->taken_bytes);
    state_put_u64(out, c->taken_messages);
    state_put_u64(out, c->told_bytes);
    state_put_u64(out, c->told_messages);
    for (uint32_t i = 0; i < size; i++) {
        state_put_u8(out, c->rx_done[i]);
        n += c->rx[i] != NULL;
    }
    state_put_u32(out, n);
    for (uint64_t id = c->rx_base; id < c->rx_base + size; id++) {
        if (c->rx[id % size]) {
            save_rx_message(c->rx[id % size], out);
        }
    }
    state_put_u32(out, c->ready.length);
    for (const GList *i = c->ready.head; i; i = i->next) {
        const RdtRx *m = i->data;

        state_put_u64(out, m->id);
        state_put_u16(out, m->channel);
        state_put_blob(out, m->data, m->len);
    }
    state_put_u32(out, c->n_ranges);
    for (uint32_t i = 0; i < c->n_ranges; i++) {
        state_put_u64(out, c->ranges[i].range.last);
        state_put_u32(out, c->ranges[i].range.count);
        state_put_u8(out, c->ranges[i].range.ce);
        state_put_u32(out, c->ranges[i].told);
    }
    state_put_u32(out, c->ack_waiting);
    put_future(out, now_ps, c->ack_at_ps);
    state_put_u64(out, c->echo);
    put_past(out, now_ps, c->echo_at_ps);
    state_put_u8(out, c->ack_path);
}

static void save_conn(const RdtConn *c, uint64_t now_ps, GByteArray *out)
{
    const bool flags[] = { c->close_wanted, c->close_sent,   c->close_acked,
                           c->abort_wanted, c->peer_closing, c->peer_closed };

    state_put_u32(out, c->cfg.local_id);
    state_put_u32(out, c->cfg.remote_id);
    state_put_u32(out, c->cfg.key_id);
    state_put_u32(out, c->cfg.incarnation);
    state_put_u64(out, c->cfg.peer);
    save_params(&c->cfg.params, out);
    state_put_u8(out, (uint8_t)c->state);
    for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++) {
        state_put_u8(out, flags[i]);
    }
    state_put_u64(out, c->peer_messages);
    put_future(out, now_ps, c->linger_until_ps);
    save_keys(c, out);
    save_window(c, now_ps, out);
    for (unsigned i = 0; i < c->cfg.params.n_paths; i++) {
        save_path(&c->path[i], now_ps, out);
    }
    save_tx(c, now_ps, out);
    save_sent(c, now_ps, out);
    save_rx(c, now_ps, out);
}

void rdt_save(const Rdt *r, uint64_t now_ps, GByteArray *out)
{
    size_t mark = state_begin(out, RDT_STATE_MAGIC, RDT_STATE_VERSION);
    const uint64_t *stats = (const uint64_t *)&r->stats;

    state_put_u64(out, r->random);
    state_put_u32(out, r->turn);
    for (unsigned i = 0; i < sizeof(r->stats) / 8; i++) {
        state_put_u64(out, stats[i]);
    }
    state_put_u32(out, r->used->len);
    for (guint i = 0; i < r->used->len; i++) {
        const RdtUsed *u = &g_array_index(r->used, RdtUsed, i);

        state_put_u32(out, u->key_id);
        state_put_u32(out, u->local_id);
        state_put_u32(out, u->remote_id);
        state_put_u32(out, u->incarnation);
    }
    state_put_u32(out, r->conns->len);
    for (guint i = 0; i < r->conns->len; i++) {
        save_conn(g_ptr_array_index(r->conns, i), now_ps, out);
    }
    state_end(out, mark);
}
