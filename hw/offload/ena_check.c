/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_check.c: whether a loaded state of the NIC can be: every index, length,
 * count and link that the core relies on.
 */
#include "ena_int.h"

static bool depth_valid(uint32_t d)
{
    return d >= ENA_MIN_DEPTH && d <= ENA_MAX_DEPTH && !(d & (d - 1));
}

/* The packet of @sq at ring position @index, if the ring holds it. */
static const EnaTxPacket *packet_of(const Ena *e, unsigned sq, unsigned index)
{
    const EnaSq *q = &e->sq[sq];

    if (sq >= e->cfg.queues || !q->active || index >= ENA_TX_PACKETS) {
        return NULL;
    }
    for (uint16_t n = q->pkt_head; n != q->pkt_tail; n++) {
        if (n % ENA_TX_PACKETS == index) {
            return &q->pkt[index];
        }
    }
    return NULL;
}

static const char *check_registers(const Ena *e)
{
    bool llq = e->llq_entry != 0;

    if (e->mtu < 68 || e->rss_log > ENA_RSS_TABLE_LOG_MAX ||
        e->rss.sort & ~(ENA_RSS_SORT_L3 | ENA_RSS_SORT_L4)) {
        return "a feature's value that cannot be";
    }
    for (unsigned i = 0; i < ENA_RSS_PROTOS; i++) {
        if (e->rss.fields[i] & ~0x3fu) {
            return "hash fields that do not exist";
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(e->rss_table); i++) {
        if (e->rss_table[i] >= ENA_MAX_SQS) {
            return "a queue in the table that does not exist";
        }
    }
    if (llq != (e->llq_before != 0) || (llq && !e->cfg.llq) ||
        (llq && e->llq_entry != 128 && e->llq_entry != 256) ||
        (llq && e->llq_before * ENA_DESC_BYTES >= e->llq_entry)) {
        return "low-latency queues that cannot be";
    }
    for (unsigned i = 0; i < e->mmio_n; i++) {
        const EnaMmio *m = &e->mmio[(e->mmio_head + i) % ENA_MMIO_SLOTS];

        if (m->reg % 4 || m->reg >= ENA_BAR_BYTES || !m->bytes) {
            return "a register that does not exist";
        }
    }
    return NULL;
}

static bool deadline_valid(uint64_t at_ps, uint64_t now, uint64_t most_ps)
{
    return at_ps == SEAM_NEVER || (at_ps >= now && at_ps - now <= most_ps);
}

static const char *check_admin(const Ena *e, uint64_t now)
{
    const EnaAdmin *a = &e->admin;

    if (a->stage > ENA_STAGES ||
        (a->stage < ENA_STAGE_AQ_FETCH || a->stage > ENA_STAGE_AQ_READ
             ? a->stage != ENA_STAGES
             : !a->busy)) {
        return "an admin command in no stage";
    }
    if (a->closing < -1 || a->closing >= (int)(2 * e->cfg.queues) ||
        (a->closing >= 0 && (!a->busy || !e->sq[a->closing].closing))) {
        return "a queue that nobody closes";
    }
    if (!deadline_valid(e->aenq.keep_alive_ps, now, ENA_KEEP_ALIVE_PS)) {
        return "a deadline that cannot be";
    }
    for (unsigned i = 0; i < ENA_MAX_VECTORS; i++) {
        if (!deadline_valid(e->vec[i].fire_ps, now,
                            ENA_INTR_RX_DELAY * ENA_DELAY_UNIT_PS)) {
            return "a deadline that cannot be";
        }
    }
    return NULL;
}

static const char *check_packets(const EnaSq *q)
{
    uint16_t used = q->pkt_tail - q->pkt_head;

    if ((uint16_t)(q->pkt_next - q->pkt_head) > used) {
        return "packets out of order";
    }
    for (uint16_t n = q->pkt_head; n != q->pkt_tail; n++) {
        const EnaTxPacket *p = &q->pkt[n % ENA_TX_PACKETS];
        bool begun =
            (uint16_t)(n - q->pkt_head) < (uint16_t)(q->pkt_next - q->pkt_head);
        uint32_t limit =
            p->tx.tso ? ENA_TX_MAX_BYTES : (uint32_t)ENA_FRAME_MAX_BYTES;
        bool live = p->state == ENA_PKT_PAYLOAD || p->state == ENA_PKT_READY;

        if (p->state >= ENA_PKT_STATES || p->descs > q->depth ||
            (p->state == ENA_PKT_BUILD && (uint16_t)(n + 1) != q->pkt_tail) ||
            (p->state == ENA_PKT_FREE && !begun)) {
            return "a packet in no state";
        }
        if (p->done > p->started || p->started > p->frames ||
            (live && (p->len > limit || !p->data || p->malformed))) {
            return "a packet that cannot be";
        }
        if (live && p->frames != packet_tx_frames(&p->tx, p->len) &&
            !(q->closing && p->frames <= packet_tx_frames(&p->tx, p->len))) {
            return "a packet with a wrong number of frames";
        }
        if (live && p->tx.tso &&
            packet_tx_frame_bytes(&p->tx, p->len, 0) > ENA_FRAME_MAX_BYTES) {
            return "frames that are too long";
        }
        if (p->state == ENA_PKT_PAYLOAD && (!p->n_bufs || p->started)) {
            return "a packet without bytes to read";
        }
        if (p->state == ENA_PKT_READY && !q->closing &&
            begun != (p->started == p->frames)) {
            return "a packet that is not in its turn";
        }
    }
    return NULL;
}

static const char *check_queues(const Ena *e)
{
    for (unsigned i = 0; i < 2 * e->cfg.queues; i++) {
        const EnaCq *c = &e->cq[i];

        if (c->active && (!depth_valid(c->depth) || !c->vector ||
                          c->vector > e->cfg.queues ||
                          (c->entry_bytes != 8 && c->entry_bytes != 16 &&
                           c->entry_bytes != 32))) {
            return "a completion queue that cannot be";
        }
    }
    for (unsigned i = 0; i < 2 * e->cfg.queues; i++) {
        const EnaSq *q = &e->sq[i];
        uint32_t ahead = (uint16_t)(q->tail - q->head);
        uint32_t known = (uint16_t)(q->fetched - q->head);
        const char *bad = NULL;

        if (!q->active) {
            continue;
        }
        if (!depth_valid(q->depth) || q->cq >= 2 * e->cfg.queues ||
            !e->cq[q->cq].active || ahead > q->depth || known > ahead ||
            (q->dir == ENA_DIR_RX && e->cq[q->cq].entry_bytes < 16) ||
            (q->closing && e->admin.closing != (int)i)) {
            return "a submission queue that cannot be";
        }
        if (q->place == ENA_PLACE_DEV
                ? q->dir != ENA_DIR_TX || !e->llq_entry || q->fetching ||
                      q->depth * e->llq_entry > ENA_LLQ_QUEUE_BYTES
                : q->place != ENA_PLACE_HOST) {
            return "a submission queue nowhere";
        }
        if (q->fetching && (!q->fetch_n || q->fetch_n > ENA_FETCH_DESCS ||
                            q->fetch_n + q->cache_n > ENA_CACHE_DESCS ||
                            known + q->fetch_n > ahead ||
                            q->fetched % q->depth + q->fetch_n > q->depth)) {
            return "a fetch that cannot be";
        }
        bad = q->pkt ? check_packets(q) : NULL;
        if (bad) {
            return bad;
        }
    }
    return NULL;
}

static const char *check_frames(const Ena *e, uint64_t now)
{
    unsigned flying[ENA_MAX_QUEUES][ENA_TX_PACKETS] = { 0 };

    if (e->parked ? e->parked_ps > now + ENA_PARK_MAX_PS
                  : e->parked_ps != SEAM_NEVER) {
        return "frames that wait for nothing";
    }
    for (unsigned i = 0; i < ENA_FRAMES; i++) {
        const EnaFrame *f = &e->frame[i];
        const EnaTxPacket *p;

        if (!f->used) {
            continue;
        }
        p = packet_of(e, f->sq, f->pkt);
        if (!p || p->state != ENA_PKT_READY || f->n >= p->started ||
            (f->plain && (!f->at_mac || f->to || f->everyone)) ||
            (f->at_mac && !f->plain && !e->underlay.enabled)) {
            return "a frame of no packet";
        }
        if ((f->parked &&
             (f->at_mac || f->chosen || f->everyone || !e->underlay.enabled ||
              !e->paths || f->order >= e->park_order ||
              f->admit_ps > now + ENA_PARK_MAX_PS)) ||
            (f->chosen && (!f->at_mac || f->plain))) {
            return "a frame that waits for nothing";
        }
        for (unsigned k = 0; k < i; k++) {
            const EnaFrame *o = &e->frame[k];

            if (o->used && o->sq == f->sq && o->pkt == f->pkt && o->n == f->n) {
                return "a frame twice";
            }
        }
        flying[f->sq][f->pkt]++;
    }
    for (unsigned sq = 0; sq < e->cfg.queues; sq++) {
        for (unsigned i = 0; e->sq[sq].active && i < ENA_TX_PACKETS; i++) {
            const EnaTxPacket *p = packet_of(e, sq, i);

            if (p && p->state == ENA_PKT_READY &&
                flying[sq][i] != p->started - p->done) {
                return "frames are missing";
            }
        }
    }
    return NULL;
}

static const char *check_rx(const Ena *e)
{
    for (unsigned i = 0; i < ENA_RX_SLOTS; i++) {
        const EnaRx *rx = &e->rx[i];
        uint32_t bytes = 0;

        if (rx->state == ENA_RX_FREE) {
            continue;
        }
        for (unsigned k = 0; k < rx->n_bufs; k++) {
            bytes += rx->buf[k].len;
        }
        if (rx->state >= ENA_RX_STATES || rx->len < 14 || !rx->data ||
            rx->order >= e->rx_order ||
            (rx->state >= ENA_RX_DATA ? bytes != rx->len : rx->n_bufs)) {
            return "a received frame that cannot be";
        }
        if (rx->state >= ENA_RX_WAIT &&
            (rx->sq < e->cfg.queues || rx->sq >= 2 * e->cfg.queues ||
             !e->sq[rx->sq].active)) {
            return "a received frame for no queue";
        }
        for (unsigned k = 0; k < i; k++) {
            if (e->rx[k].state != ENA_RX_FREE && e->rx[k].order == rx->order) {
                return "two received frames at once";
            }
        }
    }
    return e->rx_memory <= ENA_RX_MEMORY_BYTES ? NULL
                                               : "too many received bytes";
}

/* How many writes of a kind are under way for @index. */
static unsigned writes(const Ena *e, EnaUpKind kind, int index)
{
    unsigned n = 0;

    for (unsigned i = 0; i < e->up_n; i++) {
        const EnaUp *u = &e->up[(e->up_head + i) % ENA_UP_SLOTS];

        n += !u->done && u->kind == kind && (index < 0 || u->index == index);
    }
    return n;
}

static bool up_valid(const Ena *e, const EnaUp *u)
{
    const EnaTxPacket *p;

    if (u->done) {
        return true;
    }
    switch ((EnaUpKind)u->kind) {
    case ENA_UP_TX_CQE:
        p = packet_of(e, u->index / ENA_TX_PACKETS, u->index % ENA_TX_PACKETS);
        return p && p->state == ENA_PKT_CQE && u->len == ENA_TXC_BYTES;
    case ENA_UP_RX_DATA:
    case ENA_UP_RX_CQE:
        return u->index < ENA_RX_SLOTS && !u->len &&
               e->rx[u->index].state ==
                   (u->kind == ENA_UP_RX_DATA ? ENA_RX_DATA : ENA_RX_CQE);
    case ENA_UP_MSIX:
        return u->index <= e->cfg.queues && e->vec[u->index].queued && !u->len;
    case ENA_UP_ADMIN:
        return e->admin.busy && e->admin.stage == ENA_STAGES &&
               u->len == ENA_ADMIN_ENTRY_BYTES;
    case ENA_UP_CONTROL:
        return e->admin.busy && e->admin.stage == ENA_STAGES && !u->len &&
               e->admin.control_len;
    case ENA_UP_PLAIN:
    case ENA_UP_AENQ:
        return u->len;
    default:
        return false;
    }
}

static const char *check_writes(const Ena *e)
{
    unsigned admin =
        writes(e, ENA_UP_ADMIN, -1) + writes(e, ENA_UP_CONTROL, -1);

    for (unsigned i = 0; i < e->up_n; i++) {
        const EnaUp *u = &e->up[(e->up_head + i) % ENA_UP_SLOTS];

        if (!u->bytes || !up_valid(e, u) || (i == 0 && u->done)) {
            return "a host write that cannot be";
        }
    }
    if (admin > 1) {
        return "two admin completions at once";
    }
    for (unsigned i = 0; i <= e->cfg.queues; i++) {
        if (writes(e, ENA_UP_MSIX, i) != e->vec[i].queued) {
            return "a message that is not on its way";
        }
    }
    for (unsigned i = 0; i < ENA_RX_SLOTS; i++) {
        if (writes(e, ENA_UP_RX_DATA, i) + writes(e, ENA_UP_RX_CQE, i) !=
            (e->rx[i].state >= ENA_RX_DATA)) {
            return "a received frame that is not on its way";
        }
    }
    for (unsigned i = 0; i < e->cfg.queues * ENA_TX_PACKETS; i++) {
        const EnaTxPacket *p =
            packet_of(e, i / ENA_TX_PACKETS, i % ENA_TX_PACKETS);

        if (writes(e, ENA_UP_TX_CQE, i) != (p && p->state == ENA_PKT_CQE)) {
            return "a completion that is not on its way";
        }
    }
    return NULL;
}

const char *ena_check(const Ena *e, uint64_t now)
{
    const char *bad = check_registers(e);

    bad = bad ? bad : check_admin(e, now);
    bad = bad ? bad : check_queues(e);
    bad = bad ? bad : check_frames(e, now);
    bad = bad ? bad : check_rx(e);
    return bad ? bad : check_writes(e);
}
