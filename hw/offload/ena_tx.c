/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_tx.c: from descriptors to frames on the wire.
 *
 *   descriptors -> packet -> read its bytes -> for each frame (TSO: several):
 *   packet pipeline -> MAC -> departure; after the last: completion, MSI-X
 *
 * Packets of one queue leave and complete in order; queues take turns, frame
 * by frame. What cannot be sent completes like the rest and is counted.
 */
#include "ena_int.h"

#include <string.h>

static EnaTxPacket *packet_at(EnaSq *q, uint16_t n)
{
    return &q->pkt[n % ENA_TX_PACKETS];
}

void ena_tx_packet_free(EnaTxPacket *p)
{
    g_free(p->data);
    memset(p, 0, sizeof(*p));
}

/* ---- descriptors -------------------------------------------------------------- */

static void take_meta(EnaSq *q, const uint8_t *d)
{
    uint32_t w0 = ena_get32(d), w2 = ena_get32(d + 8);

    if (!(w0 & ENA_TXM_EXT_VALID) || !(w0 & ENA_TXM_TYPE_EXT)) {
        return;
    }
    q->meta_l3_len = w2 & ENA_TXM_L3_LEN;
    q->meta_l3_off = w2 >> ENA_TXM_L3_OFF_SHIFT & 0xff;
    q->meta_l4_len = (w2 >> ENA_TXM_L4_WORDS_SHIFT & 0x3f) * 4;
    q->meta_mss = (w2 >> ENA_TXM_MSS_LO_SHIFT & 0x3ff) |
                  (w0 >> ENA_TXM_MSS_HI_SHIFT & 0xf) << 10;
}

/* What the first descriptor with data says about the whole packet. */
static void take_control(const EnaSq *q, EnaTxPacket *p, const uint8_t *d)
{
    uint32_t w0 = ena_get32(d), w1 = ena_get32(d + 4);

    p->seen_data = true;
    p->req_id = (w1 >> ENA_TXD_ID_LO_SHIFT & 0x3ff) |
                (w0 >> ENA_TXD_ID_HI_SHIFT & 0x3f) << 10;
    p->comp_req = w0 & ENA_TXD_COMP_REQ;
    p->tx = (PacketTx){
        .l3 = w1 & ENA_TXD_L3_PROTO,
        .l4 = w1 >> ENA_TXD_L4_PROTO_SHIFT & 0x1f,
        .tso = w1 & ENA_TXD_TSO,
        .l3_csum = w1 & ENA_TXD_L3_CSUM,
        .l4_csum = w1 & ENA_TXD_L4_CSUM,
        .l4_partial = w1 & ENA_TXD_L4_PARTIAL,
        .l3_off = q->meta_l3_off,
        .l3_len = q->meta_l3_len,
        .l4_len = q->meta_l4_len,
        .mss = q->meta_mss,
    };
    if (q->place == ENA_PLACE_DEV) {
        p->header = ena_get32(d + 12) >> ENA_TXD_HDR_SHIFT;
        p->len = p->header;
    }
}

/* Its descriptors are complete. */
static void packet_whole(Ena *e, unsigned sq, EnaTxPacket *p, bool bad)
{
    EnaSq *q = &e->sq[sq];
    unsigned index = sq * ENA_TX_PACKETS + (unsigned)(p - q->pkt);
    uint32_t limit = p->tx.tso ? ENA_TX_MAX_BYTES : ENA_FRAME_MAX_BYTES;

    e->stats.tx_packets++;
    if (!bad && p->len <= limit) {
        p->frames = packet_tx_frames(&p->tx, p->len);
    }
    if (!p->frames || (p->tx.tso && packet_tx_frame_bytes(&p->tx, p->len, 0) >
                                        ENA_FRAME_MAX_BYTES)) {
        p->frames = 0;
        p->state = ENA_PKT_DROP;
        e->stats.tx_malformed++;
        ena_guest_error(e, ENA_DIR_TX);
        return;
    }
    if (!p->n_bufs) {
        p->state = ENA_PKT_READY; /* all of it was pushed */
        return;
    }
    p->state = ENA_PKT_PAYLOAD;
    if (!p->data) {
        p->data = g_malloc0(p->len);
    }
    ena_submit(e, ENA_STAGE_PAYLOAD, index, MODEL_DMA_READ, p->buf[0].addr,
               p->len - p->header);
}

bool ena_tx_room(const EnaSq *q)
{
    return (uint16_t)(q->pkt_tail - q->pkt_head) < ENA_TX_PACKETS;
}

bool ena_tx_building(const EnaSq *q)
{
    return q->pkt_tail != q->pkt_head &&
           q->pkt[(uint16_t)(q->pkt_tail - 1) % ENA_TX_PACKETS].state ==
               ENA_PKT_BUILD;
}

static void take_buffer(EnaTxPacket *p, const uint8_t *d, uint32_t len)
{
    if (len && p->n_bufs < ENA_TX_BUFS) {
        p->buf[p->n_bufs].addr = ena_get32(d + 8) | (uint64_t)ena_get16(d + 12)
                                                        << 32;
        p->buf[p->n_bufs++].len = len;
        p->len += len;
    } else {
        p->malformed |= len != 0;
    }
}

bool ena_tx_desc(Ena *e, unsigned sq, const uint8_t *d, const uint8_t *push,
                 unsigned push_bytes)
{
    EnaSq *q = &e->sq[sq];
    EnaTxPacket *p;
    uint32_t w0 = ena_get32(d);

    if (!ena_tx_building(q)) {
        if (!ena_tx_room(q)) {
            return false;
        }
        p = packet_at(q, q->pkt_tail++);
        ena_tx_packet_free(p);
        p->state = ENA_PKT_BUILD;
        p->malformed = !(w0 & ENA_TXD_FIRST);
    } else {
        p = packet_at(q, q->pkt_tail - 1);
        p->malformed |= !!(w0 & ENA_TXD_FIRST);
    }
    p->descs++;
    p->credit += q->place == ENA_PLACE_HOST;
    if (w0 & ENA_TXD_META) {
        take_meta(q, d);
    } else {
        if (!p->seen_data) {
            take_control(q, p, d);
            if (push && p->header && p->header <= push_bytes) {
                p->data = g_malloc0(ENA_TX_MAX_BYTES);
                memcpy(p->data, push, p->header);
            } else {
                p->malformed |= p->header != 0;
            }
        }
        take_buffer(p, d, w0 & ENA_TXD_LEN);
    }
    if (w0 & ENA_TXD_LAST || p->descs >= q->depth) {
        packet_whole(e, sq, p, p->malformed || !(w0 & ENA_TXD_LAST));
    }
    return true;
}

void ena_tx_parse(Ena *e, unsigned sq)
{
    EnaSq *q = &e->sq[sq];
    const uint8_t *d;

    while ((d = ena_sq_peek(q, 0)) && ena_tx_desc(e, sq, d, NULL, 0)) {
        ena_sq_pop(q, 1);
    }
    ena_sq_fetch(e, sq);
    ena_tx_schedule(e);
}

/* ---- bytes -------------------------------------------------------------------- */

void ena_tx_payload(Ena *e, unsigned index)
{
    unsigned sq = index / ENA_TX_PACKETS;
    EnaTxPacket *p;
    uint32_t at;

    if (sq >= ENA_MAX_SQS || !e->sq[sq].pkt) {
        return;
    }
    p = &e->sq[sq].pkt[index % ENA_TX_PACKETS];
    if (p->state != ENA_PKT_PAYLOAD) {
        return;
    }
    p->state = ENA_PKT_READY;
    at = p->header;
    for (unsigned i = 0; i < p->n_bufs && !e->sq[sq].closing; i++) {
        if (!ena_dma_read(e, p->buf[i].addr, p->data + at, p->buf[i].len)) {
            p->state = ENA_PKT_DROP;
            p->frames = 0;
            break;
        }
        at += p->buf[i].len;
    }
    if (e->sq[sq].closing) {
        ena_tx_close(e, sq);
    }
    ena_tx_schedule(e);
}

/* ---- completion ----------------------------------------------------------------- */

static void release_done(Ena *e, EnaSq *q)
{
    while (q->pkt_head != q->pkt_next &&
           packet_at(q, q->pkt_head)->state == ENA_PKT_FREE) {
        q->pkt_head++;
    }
    (void)e;
}

static void complete(Ena *e, unsigned sq, EnaTxPacket *p)
{
    EnaSq *q = &e->sq[sq];
    EnaCq *cq = &e->cq[q->cq];
    uint8_t entry[ENA_TXC_BYTES] = { 0 };
    uint64_t addr;
    bool phase;

    q->head += p->credit;
    g_clear_pointer(&p->data, g_free);
    if (q->closing || !p->comp_req) {
        ena_tx_packet_free(p);
        release_done(e, q);
        return;
    }
    p->state = ENA_PKT_CQE;
    addr = ena_cq_take(cq, &phase);
    ena_put16(entry + ENA_TXC_ID_AT, p->req_id);
    entry[ENA_TXC_FLAGS_AT] = phase;
    ena_put16(entry + ENA_TXC_SUB_QID_AT, sq);
    ena_put16(entry + ENA_TXC_SQ_HEAD_AT, q->head);
    ena_up_put(e, ENA_UP_TX_CQE, sq * ENA_TX_PACKETS + (unsigned)(p - q->pkt),
               addr, entry, sizeof(entry), sizeof(entry));
}

void ena_tx_cqe_written(Ena *e, unsigned index)
{
    unsigned sq = index / ENA_TX_PACKETS;
    EnaSq *q = &e->sq[sq];
    EnaTxPacket *p;

    if (sq >= ENA_MAX_SQS || !q->pkt) {
        return;
    }
    p = &q->pkt[index % ENA_TX_PACKETS];
    if (p->state != ENA_PKT_CQE) {
        return;
    }
    ena_tx_packet_free(p);
    release_done(e, q);
    if (e->cq[q->cq].interrupt) {
        ena_vector_event(e, e->cq[q->cq].vector, false);
    }
    if (q->place == ENA_PLACE_DEV) {
        ena_llq_parse(e, sq);
    } else {
        ena_tx_parse(e, sq);
    }
}

void ena_tx_close(Ena *e, unsigned sq)
{
    EnaSq *q = &e->sq[sq];

    /* What has frames under way ends with them, the rest now. */
    for (uint16_t n = q->pkt_head; n != q->pkt_tail; n++) {
        EnaTxPacket *p = packet_at(q, n);

        if (p->state == ENA_PKT_BUILD || p->state == ENA_PKT_DROP ||
            (p->state == ENA_PKT_READY && p->started == p->done)) {
            ena_tx_packet_free(p);
        } else if (p->state == ENA_PKT_READY) {
            p->frames = p->started;
        }
    }
    q->pkt_next = q->pkt_tail;
    release_done(e, q);
}

/* ---- frames --------------------------------------------------------------------- */

/* The next frame of the queue is due: its packet, or NULL. */
static EnaTxPacket *next_packet(Ena *e, unsigned sq)
{
    EnaSq *q = &e->sq[sq];

    while (q->active && q->pkt && q->pkt_next != q->pkt_tail) {
        EnaTxPacket *p = packet_at(q, q->pkt_next);

        if (p->state == ENA_PKT_DROP) {
            q->pkt_next++;
            e->stats.tx_drops++;
            complete(e, sq, p);
            continue;
        }
        return p->state == ENA_PKT_READY ? p : NULL;
    }
    return NULL;
}

static void start_frame(Ena *e, unsigned sq, EnaTxPacket *p)
{
    EnaSq *q = &e->sq[sq];
    unsigned slot = 0;
    EnaFrame *f;

    while (e->frame[slot].used) {
        slot++;
    }
    f = &e->frame[slot];
    *f = (EnaFrame){
        .used = true,
        .sq = sq,
        .pkt = (uint16_t)(p - q->pkt),
        .n = p->started++,
    };
    e->frames_used++;
    if (p->started == p->frames) {
        q->pkt_next++;
    }
    ena_submit(e, ENA_STAGE_PIPE, slot, MODEL_NIC_TX, 0,
               packet_tx_frame_bytes(&p->tx, p->len, f->n));
}

void ena_tx_schedule(Ena *e)
{
    unsigned idle = 0;

    while (e->frames_used < ENA_FRAMES && idle < e->cfg.queues) {
        unsigned sq = e->next_sq;
        EnaTxPacket *p = next_packet(e, sq);

        e->next_sq = (sq + 1) % e->cfg.queues;
        if (p) {
            start_frame(e, sq, p);
            idle = 0;
        } else {
            idle++;
        }
    }
}

static void frame_over(Ena *e, EnaFrame *f)
{
    unsigned sq = f->sq;
    EnaSq *q = &e->sq[sq];
    EnaTxPacket *p = &q->pkt[f->pkt];

    f->used = false;
    e->frames_used--;
    if (++p->done == p->frames) {
        complete(e, sq, p);
    }
    ena_tx_schedule(e);
}

static bool multicast(const uint8_t *mac)
{
    return mac[0] & 1;
}

static void drop_frame(Ena *e, EnaFrame *f, uint64_t *counter)
{
    (*counter)++;
    e->stats.tx_drops++;
    frame_over(e, f);
}

static const UnderlayMapping *first_mapping(const Underlay *u)
{
    return &g_array_index(u->map, UnderlayMapping, 0);
}

static void to_mac(Ena *e, EnaFrame *f, uint32_t len)
{
    f->at_mac = true;
    ena_submit(e, ENA_STAGE_MAC, (unsigned)(f - e->frame), MODEL_MAC_TX, 0,
               ena_path_outer_bytes(f) + len);
}

void ena_tx_released(Ena *e, unsigned slot)
{
    EnaFrame *f = &e->frame[slot];
    const EnaTxPacket *p = &e->sq[f->sq].pkt[f->pkt];

    to_mac(e, f, packet_tx_frame_bytes(&p->tx, p->len, f->n));
}

void ena_tx_lost(Ena *e, unsigned slot)
{
    drop_frame(e, &e->frame[slot], &e->stats.tx_unknown);
}

/* Plain frames: straight to the MAC. With a network: where to? */
static void route(Ena *e, EnaFrame *f, const uint8_t *frame, uint32_t len)
{
    const Underlay *u = &e->underlay;
    const UnderlayMapping *to;
    uint8_t arp[PACKET_MIN_BYTES];

    if (memcmp(frame + 6, e->cfg.mac, 6)) {
        drop_frame(e, f, &e->stats.tx_spoofed);
        return;
    }
    if (underlay_is_arp_request(frame, len)) {
        if (underlay_arp(u, frame, len, arp)) {
            e->stats.arp_answered++;
            ena_rx_accept(e, arp, sizeof(arp));
            frame_over(e, f);
        } else {
            drop_frame(e, f, &e->stats.tx_unknown);
        }
        return;
    }
    f->everyone = multicast(frame);
    to = f->everyone && u->map->len ? first_mapping(u)
                                    : underlay_find_mac(u, frame);
    if (!to) {
        drop_frame(e, f, &e->stats.tx_unknown);
        return;
    }
    f->to = 0;
    if (f->everyone) {
        ena_path_choose(e, f, to, len);
    } else if (!ena_path_admit(e, f, to, frame, len)) {
        return;
    }
    to_mac(e, f, len);
}

void ena_tx_piped(Ena *e, unsigned slot)
{
    EnaFrame *f = &e->frame[slot];
    const EnaTxPacket *p;
    uint8_t *bytes;
    uint32_t len;

    if (slot >= ENA_FRAMES || !f->used || f->at_mac || f->parked) {
        return;
    }
    p = &e->sq[f->sq].pkt[f->pkt];
    if (!e->underlay.enabled) {
        f->at_mac = f->plain = true;
        ena_submit(e, ENA_STAGE_MAC, slot, MODEL_MAC_TX, 0,
                   packet_tx_frame_bytes(&p->tx, p->len, f->n));
        return;
    }
    bytes = g_malloc(ENA_FRAME_MAX_BYTES + PACKET_MIN_BYTES);
    len = packet_tx_frame(&p->tx, p->data, p->len, f->n, bytes);
    route(e, f, bytes, len);
    g_free(bytes);
}

/* Whom the copy is for; NULL: the network has changed. */
static UnderlayMapping *copy_for(Ena *e, const EnaFrame *f,
                                 const uint8_t *frame)
{
    Underlay *u = &e->underlay;

    if (!f->everyone) {
        return underlay_find_mac(u, frame);
    }
    return f->to < u->map->len ? &g_array_index(u->map, UnderlayMapping, f->to)
                               : NULL;
}

/* Copy @f->to of a frame leaves; its bytes without outer headers. 0: it does
 * not (the network changed). */
static uint32_t send_copy(Ena *e, EnaFrame *f)
{
    const EnaTxPacket *p = &e->sq[f->sq].pkt[f->pkt];
    UnderlayMapping *to;
    uint32_t outer = 0, len;
    uint8_t *bytes, *frame;

    if (f->plain == e->underlay.enabled) {
        return 0;
    }
    bytes = g_malloc(UNDERLAY2_OUTER_BYTES + ENA_FRAME_MAX_BYTES +
                     PACKET_MIN_BYTES);
    frame = bytes + UNDERLAY2_OUTER_BYTES;
    len = packet_tx_frame(&p->tx, p->data, p->len, f->n, frame);
    to = f->plain ? NULL : copy_for(e, f, frame);
    if (!f->plain && !to) {
        g_free(bytes);
        return 0;
    }
    if (to) {
        outer = ena_path_encap(e, f, to, frame, len);
    }
    e->wire->send(e->wire_opaque, ena_now(e), frame - outer, outer + len);
    g_free(bytes);
    if (!f->everyone || f->to == 0) {
        e->stats.tx_frames++;
        e->stats.tx_bytes += len;
    }
    return len;
}

void ena_tx_sent(Ena *e, unsigned slot)
{
    EnaFrame *f = &e->frame[slot];
    Underlay *u = &e->underlay;
    uint32_t len;

    if (slot >= ENA_FRAMES || !f->used || !f->at_mac) {
        return;
    }
    len = send_copy(e, f);
    if (!len) {
        drop_frame(e, f, &e->stats.tx_unknown);
        return;
    }
    if (f->everyone && ++f->to < u->map->len) {
        ena_path_choose(e, f, &g_array_index(u->map, UnderlayMapping, f->to),
                        len);
        to_mac(e, f, len);
        return;
    }
    frame_over(e, f);
    ena_arm_timer(e);
}
