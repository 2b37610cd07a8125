/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_save.c: the whole state as bytes, in the order in which ena_load.c
 * reads it.
 */
#include "ena_int.h"

static void save_registers(const Ena *e, GByteArray *b)
{
    state_put_u8(b, e->link_up);
    for (unsigned i = 0; i < ENA_HINTS; i++) {
        state_put_u16(b, e->hints[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        state_put_u32(b, e->aq_base[i]);
        state_put_u32(b, e->acq_base[i]);
        state_put_u32(b, e->aenq_base[i]);
        state_put_u32(b, e->mmio_resp[i]);
    }
    state_put_u32(b, e->aq_caps);
    state_put_u32(b, e->acq_caps);
    state_put_u32(b, e->aenq_caps);
    state_put_u32(b, e->intr_mask);
    state_put_u32(b, e->dev_ctl);
    state_put_u32(b, e->dev_sts);
    state_put_u32(b, e->mtu);
    state_put_u64(b, e->host_info);
    state_put_u64(b, e->debug_area);
    state_put_u32(b, e->debug_bytes);
    state_put_u16(b, e->llq_entry);
    state_put_u16(b, e->llq_before);
}

static void save_rss(const Ena *e, GByteArray *b)
{
    state_put_bytes(b, e->rss.key, sizeof(e->rss.key));
    for (unsigned i = 0; i < ENA_RSS_PROTOS; i++) {
        state_put_u16(b, e->rss.fields[i]);
    }
    state_put_u16(b, e->rss.sort);
    state_put_u16(b, e->rss_log);
    state_put_u8(b, e->rss_set);
    for (unsigned i = 0; i < G_N_ELEMENTS(e->rss_table); i++) {
        state_put_u16(b, e->rss_table[i]);
    }
}

static void save_rings(const Ena *e, GByteArray *b)
{
    state_put_u32(b, e->mmio_head);
    state_put_u32(b, e->mmio_n);
    for (unsigned i = 0; i < e->mmio_n; i++) {
        const EnaMmio *m = &e->mmio[(e->mmio_head + i) % ENA_MMIO_SLOTS];

        state_put_u16(b, m->reg);
        state_put_u32(b, m->value);
        state_put_u32(b, m->bytes);
    }
    state_put_u32(b, e->up_head);
    state_put_u32(b, e->up_n);
    for (unsigned i = 0; i < e->up_n; i++) {
        const EnaUp *u = &e->up[(e->up_head + i) % ENA_UP_SLOTS];

        state_put_u8(b, u->kind);
        state_put_u8(b, u->done);
        state_put_u16(b, u->index);
        state_put_u32(b, u->bytes);
        state_put_u64(b, u->addr);
        state_put_u16(b, u->len);
        state_put_bytes(b, u->data, u->len);
    }
    state_put_u32(b, e->deferred->len);
    for (unsigned i = 0; i < e->deferred->len; i++) {
        state_put_u64(b, g_array_index(e->deferred, uint64_t, i));
    }
}

static void save_admin(const Ena *e, GByteArray *b)
{
    const EnaAdmin *a = &e->admin;
    const EnaAenq *q = &e->aenq;

    state_put_u8(b, a->busy);
    state_put_u8(b, a->stage);
    state_put_u16(b, (uint16_t)a->closing);
    state_put_u16(b, a->tail);
    state_put_u16(b, a->head);
    state_put_u16(b, a->cq_tail);
    state_put_bytes(b, a->cmd, sizeof(a->cmd));
    state_put_bytes(b, a->answer, sizeof(a->answer));
    state_put_u32(b, a->control_len);
    state_put_bytes(b, a->control, sizeof(a->control));
    state_put_u8(b, q->on);
    state_put_u16(b, q->head);
    state_put_u16(b, q->tail);
    state_put_u32(b, q->groups);
    state_put_u8(b, q->link_due);
    state_put_u8(b, q->hints_due);
    state_put_u64(b, q->keep_alive_ps);
}

static void save_vectors(const Ena *e, GByteArray *b)
{
    for (unsigned i = 0; i <= e->cfg.queues; i++) {
        const EnaVector *v = &e->vec[i];

        state_put_u8(b, v->armed);
        state_put_u8(b, v->queued);
        state_put_u8(b, v->rx);
        state_put_u8(b, v->tx);
        state_put_u16(b, v->rx_delay);
        state_put_u16(b, v->tx_delay);
        state_put_u64(b, v->fire_ps);
    }
    for (unsigned i = 0; i < 2 * e->cfg.queues; i++) {
        const EnaCq *c = &e->cq[i];

        state_put_u8(b, c->active);
        if (c->active) {
            state_put_u8(b, c->interrupt);
            state_put_u8(b, c->entry_bytes);
            state_put_u16(b, c->depth);
            state_put_u16(b, c->vector);
            state_put_u32(b, c->tail);
            state_put_u64(b, c->base);
        }
    }
}

static void save_packet(const EnaTxPacket *p, GByteArray *b)
{
    state_put_u8(b, p->state);
    state_put_u8(b, p->comp_req);
    state_put_u8(b, p->seen_data);
    state_put_u8(b, p->malformed);
    state_put_u16(b, p->req_id);
    state_put_u16(b, p->descs);
    state_put_u16(b, p->credit);
    state_put_u16(b, p->header);
    state_put_u32(b, p->frames);
    state_put_u32(b, p->started);
    state_put_u32(b, p->done);
    state_put_u8(b, p->tx.l3);
    state_put_u8(b, p->tx.l4);
    state_put_u8(b, p->tx.l3_csum | p->tx.l4_csum << 1 | p->tx.l4_partial << 2 |
                        p->tx.tso << 3);
    state_put_u8(b, p->tx.l3_off);
    state_put_u8(b, p->tx.l3_len);
    state_put_u16(b, p->tx.l4_len);
    state_put_u16(b, p->tx.mss);
    state_put_u16(b, p->n_bufs);
    for (unsigned i = 0; i < p->n_bufs; i++) {
        state_put_u64(b, p->buf[i].addr);
        state_put_u32(b, p->buf[i].len);
    }
    state_put_blob(b, p->data,
                   !p->data                    ? 0
                   : p->state == ENA_PKT_READY ? p->len
                                               : p->header);
}

static void save_sq(const EnaSq *q, GByteArray *b)
{
    state_put_u8(b, q->active);
    if (!q->active) {
        return;
    }
    state_put_u8(b, q->stuck);
    state_put_u8(b, q->fetching);
    state_put_u8(b, q->closing);
    state_put_u8(b, q->place);
    state_put_u16(b, q->depth);
    state_put_u16(b, q->cq);
    state_put_u64(b, q->base);
    state_put_u16(b, q->tail);
    state_put_u16(b, q->fetched);
    state_put_u16(b, q->head);
    state_put_u16(b, q->rung);
    state_put_u16(b, q->fetch_n);
    state_put_u16(b, q->cache_n);
    for (unsigned i = 0; i < q->cache_n; i++) {
        state_put_bytes(b, ena_sq_peek(q, i), ENA_DESC_BYTES);
    }
    if (q->dir != ENA_DIR_TX) {
        return;
    }
    state_put_u8(b, q->meta_l3_off);
    state_put_u8(b, q->meta_l3_len);
    state_put_u16(b, q->meta_l4_len);
    state_put_u16(b, q->meta_mss);
    state_put_u16(b, q->pkt_head);
    state_put_u16(b, q->pkt_next);
    state_put_u16(b, q->pkt_tail);
    for (uint16_t n = q->pkt_head; n != q->pkt_tail; n++) {
        save_packet(&q->pkt[n % ENA_TX_PACKETS], b);
    }
}

static void save_frames(const Ena *e, GByteArray *b)
{
    state_put_u32(b, e->next_sq);
    state_put_u32(b, e->frames_used);
    for (unsigned i = 0; i < ENA_FRAMES; i++) {
        const EnaFrame *f = &e->frame[i];

        if (f->used) {
            state_put_u16(b, i);
            state_put_u16(b, f->sq);
            state_put_u16(b, f->pkt);
            state_put_u32(b, f->n);
            state_put_u32(b, f->to);
            state_put_u8(b, f->everyone);
            state_put_u8(b, f->at_mac);
            state_put_u8(b, f->plain);
            state_put_u8(b, f->parked);
            state_put_u8(b, f->chosen);
            state_put_u64(b, f->order);
            state_put_u64(b, f->admit_ps);
            state_put_u32(b, f->hash);
            state_put_u32(b, f->peer_epoch);
            state_put_u16(b, f->choice.value);
            state_put_u16(b, f->choice.port);
            state_put_u32(b, f->choice.sequence);
            state_put_u32(b, f->choice.byte_end);
        }
    }
}

static void save_echoes(const Ena *e, GByteArray *b)
{
    state_put_u32(b, e->paths_epoch);
    state_put_u64(b, e->park_order);
    state_put_u64(b, e->parked_ps);
    for (unsigned i = 0; i < ENA_ECHOES; i++) {
        const EnaEcho *x = &e->echo[i];

        state_put_u8(b, x->used);
        if (x->used) {
            state_put_u32(b, x->ip);
            state_put_u8(b, x->echo.value);
            state_put_u32(b, x->echo.packets);
            state_put_u32(b, x->echo.marked);
            state_put_u32(b, x->echo.byte_end);
            state_put_u32(b, x->echo.lost_bytes);
            state_put_u64(b, x->echo.delay_ps);
        }
    }
}

static void save_rx(const Ena *e, GByteArray *b)
{
    state_put_u64(b, e->rx_order);
    state_put_u16(b, e->rx_next);
    for (unsigned i = 0; i < ENA_RX_SLOTS; i++) {
        const EnaRx *rx = &e->rx[i];

        state_put_u8(b, rx->state);
        if (rx->state == ENA_RX_FREE) {
            continue;
        }
        state_put_u16(b, rx->sq);
        state_put_u32(b, rx->hash);
        state_put_u32(b, rx->status);
        state_put_u32(b, rx->cq_tail);
        state_put_u64(b, rx->order);
        state_put_u8(b, rx->n_bufs);
        for (unsigned k = 0; k < rx->n_bufs; k++) {
            state_put_u64(b, rx->buf[k].addr);
            state_put_u32(b, rx->buf[k].len);
            state_put_u16(b, rx->buf[k].req_id);
        }
        state_put_blob(b, rx->data, rx->len);
    }
}

void ena_save(const Ena *e, GByteArray *out)
{
    size_t mark = state_begin(out, ENA_STATE_MAGIC, ENA_STATE_VERSION);

    state_put_u16(out, e->cfg.queues);
    state_put_bytes(out, e->cfg.mac, 6);
    state_put_u8(out, e->cfg.llq != NULL);
    state_put_u64(out, ena_now(e));
    state_put_u16(out, e->generation);
    save_registers(e, out);
    save_rss(e, out);
    underlay_save(&e->underlay, out);
    underlay_paths_save(e->paths, out);
    save_rings(e, out);
    save_admin(e, out);
    save_vectors(e, out);
    for (unsigned i = 0; i < 2 * e->cfg.queues; i++) {
        save_sq(&e->sq[i], out);
    }
    save_frames(e, out);
    save_echoes(e, out);
    ena_own_save(e, out);
    save_rx(e, out);
#define PUT(field) state_put_u64(out, e->stats.field);
    ENA_STATS(PUT)
#undef PUT
    state_end(out, mark);
}
