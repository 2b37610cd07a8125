/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_load.c: a saved state is read into a function of its own, checked, and
 * only then takes the place of the live one.
 */
#include "ena_int.h"

#include <string.h>

/* ---- reading, as ena_save.c writes ---------------------------------------- */

static void load_registers(Ena *e, StateReader *r)
{
    e->link_up = state_get_bool(r, "link");
    for (unsigned i = 0; i < ENA_HINTS; i++) {
        e->hints[i] = state_get_u16(r);
    }
    for (unsigned i = 0; i < 2; i++) {
        e->aq_base[i] = state_get_u32(r);
        e->acq_base[i] = state_get_u32(r);
        e->aenq_base[i] = state_get_u32(r);
        e->mmio_resp[i] = state_get_u32(r);
    }
    e->aq_caps = state_get_u32(r);
    e->acq_caps = state_get_u32(r);
    e->aenq_caps = state_get_u32(r);
    e->intr_mask = state_get_u32(r);
    e->dev_ctl = state_get_u32(r);
    e->dev_sts = state_get_u32(r);
    e->mtu = state_get_u32_max(r, ENA_MAX_MTU, "MTU");
    e->host_info = state_get_u64(r);
    e->debug_area = state_get_u64(r);
    e->debug_bytes = state_get_u32(r);
    e->llq_entry = state_get_u16(r);
    e->llq_before = state_get_u16(r);
}

static void load_rss(Ena *e, StateReader *r)
{
    state_get_bytes(r, e->rss.key, sizeof(e->rss.key));
    for (unsigned i = 0; i < ENA_RSS_PROTOS; i++) {
        e->rss.fields[i] = state_get_u16(r);
    }
    e->rss.sort = state_get_u16(r);
    e->rss_log = state_get_u16(r);
    e->rss_set = state_get_bool(r, "table");
    for (unsigned i = 0; i < G_N_ELEMENTS(e->rss_table); i++) {
        e->rss_table[i] = state_get_u16(r);
    }
}

static void load_rings(Ena *e, StateReader *r)
{
    uint32_t n;

    e->mmio_head = state_get_u32_max(r, ENA_MMIO_SLOTS - 1, "write");
    e->mmio_n = state_get_u32_max(r, ENA_MMIO_SLOTS, "writes");
    for (unsigned i = 0; i < e->mmio_n && state_ok(r); i++) {
        EnaMmio *m = &e->mmio[(e->mmio_head + i) % ENA_MMIO_SLOTS];

        m->reg = state_get_u16(r);
        m->value = state_get_u32(r);
        m->bytes = state_get_u32_max(r, MODEL_MAX_OP_BYTES, "bytes");
    }
    e->up_head = state_get_u32_max(r, ENA_UP_SLOTS - 1, "host write");
    e->up_n = state_get_u32_max(r, ENA_UP_SLOTS, "host writes");
    for (unsigned i = 0; i < e->up_n && state_ok(r); i++) {
        EnaUp *u = &e->up[(e->up_head + i) % ENA_UP_SLOTS];

        u->kind = state_get_u8(r);
        u->done = state_get_bool(r, "done");
        u->index = state_get_u16(r);
        u->bytes = state_get_u32_max(r, MODEL_MAX_OP_BYTES, "bytes");
        u->addr = state_get_u64(r);
        u->len = state_get_u16_below(r, sizeof(u->data) + 1, "host write");
        state_get_bytes(r, u->data, u->len);
    }
    n = state_get_u32_max(r, MODEL_MAX_OPS, "deferred operations");
    for (uint32_t i = 0; i < n && state_ok(r); i++) {
        uint64_t tag = state_get_u64(r);

        g_array_append_val(e->deferred, tag);
    }
}

static void load_admin(Ena *e, StateReader *r)
{
    EnaAdmin *a = &e->admin;
    EnaAenq *q = &e->aenq;

    a->busy = state_get_bool(r, "busy");
    a->stage = state_get_u8(r);
    a->closing = (int16_t)state_get_u16(r);
    a->tail = state_get_u16(r);
    a->head = state_get_u16(r);
    a->cq_tail = state_get_u16(r);
    state_get_bytes(r, a->cmd, sizeof(a->cmd));
    state_get_bytes(r, a->answer, sizeof(a->answer));
    a->control_len = state_get_u32_max(r, sizeof(a->control), "buffer");
    state_get_bytes(r, a->control, sizeof(a->control));
    q->on = state_get_bool(r, "events");
    q->head = state_get_u16(r);
    q->tail = state_get_u16(r);
    q->groups = state_get_u32(r);
    q->link_due = state_get_bool(r, "link event");
    q->hints_due = state_get_bool(r, "hints event");
    q->keep_alive_ps = state_get_u64(r);
}

static void load_vectors(Ena *e, StateReader *r)
{
    for (unsigned i = 0; i <= e->cfg.queues; i++) {
        EnaVector *v = &e->vec[i];

        v->armed = state_get_bool(r, "armed");
        v->queued = state_get_bool(r, "queued");
        v->rx = state_get_bool(r, "rx");
        v->tx = state_get_bool(r, "tx");
        v->rx_delay = state_get_u16(r);
        v->tx_delay = state_get_u16(r);
        v->fire_ps = state_get_u64(r);
    }
    for (unsigned i = 0; i < 2 * e->cfg.queues; i++) {
        EnaCq *c = &e->cq[i];

        c->active = state_get_bool(r, "CQ");
        if (c->active) {
            c->interrupt = state_get_bool(r, "interrupt");
            c->entry_bytes = state_get_u8(r);
            c->depth = state_get_u16(r);
            c->vector = state_get_u16(r);
            c->tail = state_get_u32(r);
            c->base = state_get_u64(r);
        }
    }
}

/* The bytes that its state says it has. */
static void load_packet_data(EnaTxPacket *p, StateReader *r)
{
    size_t n = 0, want = p->state == ENA_PKT_READY ? p->len : p->header;
    uint8_t *data = state_get_blob(r, ENA_TX_MAX_BYTES, &n);

    if (p->state == ENA_PKT_DROP || p->state == ENA_PKT_CQE ||
        (p->malformed && !n)) {
        want = n;
    }
    if (state_ok(r) && n != want) {
        state_fail(r, "a packet of %u bytes has %zu", p->len, n);
    }
    if (n || p->state == ENA_PKT_PAYLOAD) {
        p->data = g_malloc0(MAX((size_t)p->len, ENA_TX_MAX_BYTES));
        if (n) {
            memcpy(p->data, data, n);
        }
    }
    g_free(data);
}

static void load_packet(EnaTxPacket *p, StateReader *r)
{
    uint8_t flags;

    p->state = state_get_u8(r);
    p->comp_req = state_get_bool(r, "completion request");
    p->seen_data = state_get_bool(r, "data");
    p->malformed = state_get_bool(r, "malformed");
    p->req_id = state_get_u16(r);
    p->descs = state_get_u16(r);
    p->credit = state_get_u16(r);
    p->header = state_get_u16(r);
    p->frames = state_get_u32(r);
    p->started = state_get_u32(r);
    p->done = state_get_u32(r);
    p->tx.l3 = state_get_u8(r);
    p->tx.l4 = state_get_u8(r);
    flags = state_get_u8(r);
    p->tx.l3_csum = flags & 1;
    p->tx.l4_csum = flags & 2;
    p->tx.l4_partial = flags & 4;
    p->tx.tso = flags & 8;
    p->tx.l3_off = state_get_u8(r);
    p->tx.l3_len = state_get_u8(r);
    p->tx.l4_len = state_get_u16(r);
    p->tx.mss = state_get_u16(r);
    p->n_bufs = state_get_u16_below(r, ENA_TX_BUFS + 1, "pieces");
    p->len = p->header;
    for (unsigned i = 0; i < p->n_bufs; i++) {
        p->buf[i].addr = state_get_u64(r);
        p->buf[i].len = state_get_u32_max(r, UINT16_MAX, "piece");
        p->len += p->buf[i].len;
    }
    load_packet_data(p, r);
}

static void load_tx(EnaSq *q, StateReader *r)
{
    q->meta_l3_off = state_get_u8(r);
    q->meta_l3_len = state_get_u8(r);
    q->meta_l4_len = state_get_u16(r);
    q->meta_mss = state_get_u16(r);
    q->pkt_head = state_get_u16(r);
    q->pkt_next = state_get_u16(r);
    q->pkt_tail = state_get_u16(r);
    if ((uint16_t)(q->pkt_tail - q->pkt_head) > ENA_TX_PACKETS) {
        state_fail(r, "too many packets");
        return;
    }
    for (uint16_t n = q->pkt_head; n != q->pkt_tail && state_ok(r); n++) {
        load_packet(&q->pkt[n % ENA_TX_PACKETS], r);
    }
}

static void load_sq(Ena *e, unsigned i, StateReader *r)
{
    EnaSq *q = &e->sq[i];

    q->active = state_get_bool(r, "SQ");
    if (!q->active) {
        return;
    }
    q->dir = i < e->cfg.queues ? ENA_DIR_TX : ENA_DIR_RX;
    q->stuck = state_get_bool(r, "stuck");
    q->fetching = state_get_bool(r, "fetching");
    q->closing = state_get_bool(r, "closing");
    q->place = state_get_u8(r);
    q->depth = state_get_u16(r);
    q->cq = state_get_u16(r);
    q->base = state_get_u64(r);
    q->tail = state_get_u16(r);
    q->fetched = state_get_u16(r);
    q->head = state_get_u16(r);
    q->rung = state_get_u16(r);
    q->fetch_n = state_get_u16(r);
    q->cache_n = state_get_u16_below(r, ENA_CACHE_DESCS + 1, "descriptors");
    for (unsigned k = 0; k < q->cache_n; k++) {
        state_get_bytes(r, q->cache[k], ENA_DESC_BYTES);
    }
    if (q->dir == ENA_DIR_TX) {
        q->pkt = g_new0(EnaTxPacket, ENA_TX_PACKETS);
        load_tx(q, r);
    }
}

static void load_frames(Ena *e, StateReader *r)
{
    e->next_sq = state_get_u32_max(r, e->cfg.queues - 1, "turn");
    e->frames_used = state_get_u32_max(r, ENA_FRAMES, "frames");
    for (unsigned i = 0; i < e->frames_used && state_ok(r); i++) {
        uint16_t slot = state_get_u16(r);
        EnaFrame *f;

        if (slot >= ENA_FRAMES || e->frame[slot].used) {
            state_fail(r, "frame %u", slot);
            return;
        }
        f = &e->frame[slot];
        f->used = true;
        f->sq = state_get_u16(r);
        f->pkt = state_get_u16(r);
        f->n = state_get_u32(r);
        f->to = state_get_u32(r);
        f->everyone = state_get_bool(r, "everyone");
        f->at_mac = state_get_bool(r, "at the MAC");
        f->plain = state_get_bool(r, "plain");
        f->parked = state_get_bool(r, "parked");
        f->chosen = state_get_bool(r, "chosen");
        f->order = state_get_u64(r);
        f->admit_ps = state_get_u64(r);
        f->hash = state_get_u32(r);
        f->peer_epoch = state_get_u32(r);
        f->choice.value = state_get_u16(r);
        f->choice.port = state_get_u16(r);
        f->choice.sequence = state_get_u32(r);
        f->choice.byte_end = state_get_u32(r);
        e->parked += f->parked;
    }
}

static void load_echoes(Ena *e, StateReader *r)
{
    e->paths_epoch = state_get_u32(r);
    e->park_order = state_get_u64(r);
    e->parked_ps = state_get_u64(r);
    for (unsigned i = 0; i < ENA_ECHOES && state_ok(r); i++) {
        EnaEcho *x = &e->echo[i];

        x->used = state_get_bool(r, "echo");
        if (x->used) {
            x->ip = state_get_u32(r);
            x->echo.value = state_get_u8(r);
            x->echo.packets = state_get_u32(r);
            x->echo.marked = state_get_u32(r);
            x->echo.byte_end = state_get_u32(r);
            x->echo.lost_bytes = state_get_u32(r);
            x->echo.delay_ps = state_get_u64(r);
        }
    }
}

static void load_rx(Ena *e, StateReader *r)
{
    e->rx_order = state_get_u64(r);
    e->rx_next = state_get_u16(r) % ENA_RX_SLOTS;
    for (unsigned i = 0; i < ENA_RX_SLOTS && state_ok(r); i++) {
        EnaRx *rx = &e->rx[i];
        size_t len = 0;
        uint8_t state = state_get_u8(r);

        if (state == ENA_RX_FREE) {
            continue;
        }
        rx->sq = state_get_u16(r);
        rx->hash = state_get_u32(r);
        rx->status = state_get_u32(r);
        rx->cq_tail = state_get_u32(r);
        rx->order = state_get_u64(r);
        rx->n_bufs = state_get_u8_below(r, ENA_RX_BUFS + 1, "buffers");
        for (unsigned k = 0; k < rx->n_bufs; k++) {
            rx->buf[k].addr = state_get_u64(r);
            rx->buf[k].len = state_get_u32_max(r, 65536, "buffer");
            rx->buf[k].req_id = state_get_u16(r);
        }
        rx->data = state_get_blob(r, ENA_FRAME_MAX_BYTES, &len);
        rx->len = len;
        rx->state = state;
        e->rx_memory += len;
    }
}

static void load_all(Ena *e, StateReader *r, uint64_t *ret_now)
{
    uint8_t mac[6];

    if (state_get_u16(r) != e->cfg.queues) {
        state_fail(r, "another number of queues");
    }
    state_get_bytes(r, mac, 6);
    if (state_ok(r) && memcmp(mac, e->cfg.mac, 6)) {
        state_fail(r, "another MAC address");
    }
    if (state_get_bool(r, "low-latency queues") != (e->cfg.llq != NULL)) {
        state_fail(r, "low-latency queues differ");
    }
    *ret_now = state_get_u64(r);
    e->generation = state_get_u16(r);
    load_registers(e, r);
    load_rss(e, r);
    underlay_load(&e->underlay, r);
    e->paths = underlay_paths_load(&e->underlay, *ret_now, r);
    load_rings(e, r);
    load_admin(e, r);
    load_vectors(e, r);
    for (unsigned i = 0; i < 2 * e->cfg.queues && state_ok(r); i++) {
        load_sq(e, i, r);
    }
    load_frames(e, r);
    load_echoes(e, r);
    ena_own_load(e, r);
    load_rx(e, r);
#define GET(field) e->stats.field = state_get_u64(r);
    ENA_STATS(GET)
#undef GET
}

/* ---- beginning again -------------------------------------------------------- */

static void resubmit_frames(Ena *e, unsigned sq, bool at_mac)
{
    EnaSq *q = &e->sq[sq];

    for (uint16_t n = q->pkt_head; n != q->pkt_tail; n++) {
        unsigned index = n % ENA_TX_PACKETS;
        const EnaTxPacket *p = &q->pkt[index];

        for (uint32_t k = 0; k < p->started; k++) {
            for (unsigned i = 0; i < ENA_FRAMES; i++) {
                const EnaFrame *f = &e->frame[i];
                uint32_t bytes;

                if (!f->used || f->sq != sq || f->pkt != index || f->n != k ||
                    f->at_mac != at_mac || f->parked) {
                    continue;
                }
                bytes = packet_tx_frame_bytes(&p->tx, p->len, k);
                if (at_mac) {
                    bytes += f->plain ? 0 : ena_path_outer_bytes(f);
                }
                ena_submit(e, at_mac ? ENA_STAGE_MAC : ENA_STAGE_PIPE, i,
                           at_mac ? MODEL_MAC_TX : MODEL_NIC_TX, 0, bytes);
            }
        }
    }
}

static void resubmit_rx(Ena *e)
{
    uint64_t from = 0;

    for (unsigned n = 0; n < ENA_RX_SLOTS; n++) {
        const EnaRx *next = NULL;

        for (unsigned i = 0; i < ENA_RX_SLOTS; i++) {
            const EnaRx *rx = &e->rx[i];

            if (rx->state == ENA_RX_PIPE && rx->order >= from &&
                (!next || rx->order < next->order)) {
                next = rx;
            }
        }
        if (!next) {
            break;
        }
        from = next->order + 1;
        ena_submit(e, ENA_STAGE_RX, (unsigned)(next - e->rx), MODEL_NIC_RX, 0,
                   next->len);
    }
}

static void resubmit_sq(Ena *e, unsigned sq)
{
    EnaSq *q = &e->sq[sq];

    if (q->fetching) {
        ena_submit(e, ENA_STAGE_FETCH, sq, MODEL_DMA_READ,
                   q->base + (uint64_t)(q->fetched % q->depth) * ENA_DESC_BYTES,
                   q->fetch_n * ENA_DESC_BYTES);
    }
    for (uint16_t n = q->pkt_head; q->pkt && n != q->pkt_tail; n++) {
        unsigned index = n % ENA_TX_PACKETS;
        const EnaTxPacket *p = &q->pkt[index];

        if (p->state == ENA_PKT_PAYLOAD) {
            ena_submit(e, ENA_STAGE_PAYLOAD, sq * ENA_TX_PACKETS + index,
                       MODEL_DMA_READ, p->buf[0].addr, p->len - p->header);
        }
    }
}

static void resubmit_admin(Ena *e)
{
    EnaAdmin *a = &e->admin;
    uint32_t depth = e->aq_caps & ENA_QCAPS_DEPTH;

    switch (a->stage) {
    case ENA_STAGE_AQ_FETCH:
        ena_submit(e, a->stage, 0, MODEL_DMA_READ,
                   ena_pair(e->aq_base) + (uint64_t)(a->head % MAX(depth, 1u)) *
                                              ENA_ADMIN_ENTRY_BYTES,
                   ENA_ADMIN_ENTRY_BYTES);
        break;
    case ENA_STAGE_AQ_RUN:
        ena_submit(e, a->stage, 0, MODEL_CONTROLLER, 0, 0);
        break;
    case ENA_STAGE_AQ_READ:
        ena_submit(e, a->stage, 0, MODEL_DMA_READ,
                   ena_get_addr(a->cmd + ENA_AQ_BUF_ADDR_AT),
                   MAX(ena_set_feature_reads(e), 1u));
        break;
    default:
        break;
    }
}

static void begin_again(Ena *e)
{
    g_array_set_size(e->deferred, 0);
    for (unsigned i = 0; i < e->mmio_n; i++) {
        unsigned at = (e->mmio_head + i) % ENA_MMIO_SLOTS;

        ena_submit(e, ENA_STAGE_MMIO, at, MODEL_MMIO_WRITE, e->mmio[at].reg,
                   e->mmio[at].bytes);
    }
    resubmit_admin(e);
    for (unsigned i = 0; i < 2 * e->cfg.queues; i++) {
        resubmit_sq(e, i);
    }
    for (unsigned i = 0; i < e->cfg.queues; i++) {
        resubmit_frames(e, i, true);
    }
    for (unsigned i = 0; i < e->cfg.queues; i++) {
        resubmit_frames(e, i, false);
    }
    for (unsigned i = 0; i < ENA_ECHOES; i++) {
        if (e->echo[i].used) {
            ena_submit(e, ENA_STAGE_ECHO, i, MODEL_MAC_TX, 0,
                       UNDERLAY2_OUTER_BYTES);
        }
    }
    ena_own_begin_again(e);
    resubmit_rx(e);
    for (unsigned i = 0; i < e->up_n; i++) {
        unsigned at = (e->up_head + i) % ENA_UP_SLOTS;

        if (!e->up[at].done) {
            ena_submit(e, ENA_STAGE_UP, at, MODEL_DMA_WRITE, e->up[at].addr,
                       e->up[at].bytes);
        }
    }
}

/* ---- loading ------------------------------------------------------------------ */

static void contents_free(Ena *e)
{
    for (unsigned i = 0; i < ENA_MAX_SQS; i++) {
        ena_sq_clear(&e->sq[i]);
    }
    for (unsigned i = 0; i < ENA_RX_SLOTS; i++) {
        ena_rx_free(e, &e->rx[i]);
    }
    ena_own_clear(e);
    underlay_paths_free(e->paths);
    underlay_clear(&e->underlay);
    g_array_free(e->deferred, true);
}

bool ena_load(Ena *e, const void *data, size_t len, bool resubmit,
              GError **errp)
{
    Ena *n = g_new0(Ena, 1);
    StateReader r, sub;
    uint64_t saved_ps = 0;
    char *why = NULL;
    const char *bad;

    n->seam = e->seam;
    n->opaque = e->opaque;
    n->wire = e->wire;
    n->wire_opaque = e->wire_opaque;
    n->cfg = e->cfg;
    n->own = e->own;
    n->own_opaque = e->own_opaque;
    n->deferred = g_array_new(false, false, sizeof(uint64_t));
    n->timer_ps = n->parked_ps = SEAM_NEVER;
    for (unsigned i = 0; i < ENA_MAX_VECTORS; i++) {
        n->vec[i].fire_ps = SEAM_NEVER;
    }
    underlay_init(&n->underlay);
    state_reader_init(&r, data, len);
    if (state_get_section(&r, ENA_STATE_MAGIC, ENA_STATE_VERSION, &sub)) {
        load_all(n, &sub, &saved_ps);
        bad = !state_ok(&sub)          ? NULL
              : saved_ps != ena_now(e) ? "of another instant"
                                       : ena_check(n, saved_ps);
        if (bad) {
            state_fail(&sub, "%s", bad);
        }
    }
    state_leave(&r, &sub, NULL);
    if (!state_reader_finish(&r, &why)) {
        g_set_error(errp, ENA_ERROR, ENA_ERROR_STATE, "NIC state: %s", why);
        g_free(why);
        contents_free(n);
        g_free(n);
        return false;
    }
    for (unsigned i = 0; i < 2 * n->cfg.queues; i++) {
        if (n->sq[i].active) {
            n->cq[n->sq[i].cq].users++;
        }
    }
    for (unsigned i = 0; i < ENA_RX_SLOTS; i++) {
        if (n->rx[i].state == ENA_RX_WAIT) {
            n->sq[n->rx[i].sq].waiting++;
        }
    }
    contents_free(e);
    *e = *n;
    g_free(n);
    if (e->paths) {
        e->paths->u = &e->underlay;
    }
    if (resubmit) {
        begin_again(e);
    }
    ena_arm_timer(e);
    return true;
}
