/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_rx.c: from the wire to the guest's buffers.
 *
 *   frame arrives -> [outer headers off] -> packet pipeline (checksums, hash,
 *   queue) -> buffers -> write the bytes -> write the completions -> MSI-X
 *
 * Frames of one queue stay in order. A frame waits in the card's memory while
 * descriptors for it are being fetched; it is dropped when the guest has given
 * none, or the memory is full.
 */
#include "ena_int.h"

#include <string.h>

void ena_rx_free(Ena *e, EnaRx *rx)
{
    if (rx->state != ENA_RX_FREE) {
        e->rx_memory -= rx->len;
    }
    g_free(rx->data);
    memset(rx, 0, sizeof(*rx));
}

static void drop(Ena *e, EnaRx *rx, uint64_t *counter)
{
    (*counter)++;
    e->stats.rx_drops++;
    if (rx) {
        ena_rx_free(e, rx);
    }
}

/* ---- arrival -------------------------------------------------------------------- */

void ena_rx_accept(Ena *e, const uint8_t *frame, uint32_t len)
{
    unsigned slot = e->rx_next, tried = 0;
    EnaRx *rx;

    while (tried < ENA_RX_SLOTS && e->rx[slot].state != ENA_RX_FREE) {
        slot = (slot + 1) % ENA_RX_SLOTS;
        tried++;
    }
    if (tried == ENA_RX_SLOTS || e->rx_memory + len > ENA_RX_MEMORY_BYTES) {
        drop(e, NULL, &e->stats.rx_overrun);
        return;
    }
    rx = &e->rx[slot];
    e->rx_next = (slot + 1) % ENA_RX_SLOTS;
    rx->state = ENA_RX_PIPE;
    rx->len = len;
    rx->data = g_memdup2(frame, len);
    rx->order = e->rx_order++;
    e->rx_memory += len;
    ena_submit(e, ENA_STAGE_RX, slot, MODEL_NIC_RX, 0, len);
}

static bool for_us(const Ena *e, const uint8_t *frame)
{
    return frame[0] & 1 || !memcmp(frame, e->cfg.mac, 6);
}

void ena_rx_drop(Ena *e, uint64_t *counter)
{
    drop(e, NULL, counter);
}

void ena_rx_inner(Ena *e, const uint8_t *frame, uint32_t len)
{
    if (len > ENA_FRAME_MAX_BYTES) {
        drop(e, NULL, &e->stats.rx_outer_bad);
    } else if (!for_us(e, frame)) {
        drop(e, NULL, &e->stats.rx_foreign);
    } else {
        ena_rx_accept(e, frame, len);
    }
}

static void receive_outer(Ena *e, const void *frame, uint32_t len)
{
    g_autofree uint8_t *copy = g_memdup2(frame, len);
    uint8_t *inner;
    uint32_t inner_len;

    if (underlay_paths_is_ours(copy, len)) {
        ena_path_receive(e, copy, len);
        return;
    }
    switch (underlay_decap(&e->underlay, copy, len, &inner, &inner_len)) {
    case UNDERLAY_OK:
        ena_rx_inner(e, inner, inner_len);
        break;
    case UNDERLAY_MALFORMED:
        drop(e, NULL, &e->stats.rx_outer_bad);
        break;
    case UNDERLAY_FOREIGN:
        drop(e, NULL, &e->stats.rx_foreign);
        break;
    }
}

void ena_receive(Ena *e, const void *frame, uint32_t len)
{
    if (ena_own_receive(e, frame, len)) {
        return;
    }
    if (!e->link_up || e->dev_sts & ENA_STS_RESET_IN_PROGRESS) {
        drop(e, NULL, &e->stats.rx_not_ready);
    } else if (len < 14 ||
               (!e->underlay.enabled && len > ENA_FRAME_MAX_BYTES)) {
        drop(e, NULL, &e->stats.rx_outer_bad);
    } else if (e->underlay.enabled) {
        receive_outer(e, frame, len);
    } else {
        ena_rx_accept(e, frame, len);
    }
}

/* ---- queue and buffers ------------------------------------------------------------ */

/* The receive queue of a hash, or -1. */
static int queue_of(const Ena *e, uint32_t hash)
{
    unsigned q = e->rss_table[hash & ((1u << e->rss_log) - 1)];

    if (e->rss_set) {
        return q < ENA_MAX_SQS && e->sq[q].active && !e->sq[q].closing &&
                       e->sq[q].dir == ENA_DIR_RX
                   ? (int)q
                   : -1;
    }
    for (q = e->cfg.queues; q < 2 * e->cfg.queues; q++) {
        if (e->sq[q].active && !e->sq[q].closing) {
            return q;
        }
    }
    return -1;
}

/* Takes buffers for the frame. 1: it has them, 0: wait, -1: there are none. */
static int take_buffers(EnaSq *q, EnaRx *rx)
{
    uint32_t left = rx->len;
    unsigned n = 0;

    while (left) {
        const uint8_t *d = ena_sq_peek(q, n);
        uint32_t size, used;

        if (n == ENA_RX_BUFS) {
            return -1;
        }
        if (!d) {
            return !q->stuck && q->fetched != q->tail ? 0 : -1;
        }
        size = ena_get16(d + ENA_RXD_LEN_AT);
        used = MIN(left, size ? size : 65536);
        rx->buf[n].addr = ena_get_addr(d + ENA_RXD_ADDR_AT);
        rx->buf[n].req_id = ena_get16(d + ENA_RXD_ID_AT);
        rx->buf[n++].len = used;
        left -= used;
    }
    rx->n_bufs = n;
    ena_sq_pop(q, n);
    q->head += n;
    return 1;
}

/* Buffers for a frame, in its queue's order. */
static void place(Ena *e, EnaRx *rx)
{
    EnaSq *q = &e->sq[rx->sq];
    bool waited = rx->state == ENA_RX_WAIT;
    int got = !waited && q->waiting ? 0 : take_buffers(q, rx);

    q->waiting += (got == 0) - waited;
    switch (got) {
    case 1:
        rx->state = ENA_RX_DATA;
        ena_up_put(e, ENA_UP_RX_DATA, (unsigned)(rx - e->rx), rx->buf[0].addr,
                   NULL, 0, rx->len);
        ena_sq_fetch(e, rx->sq);
        break;
    case 0:
        rx->state = ENA_RX_WAIT;
        break;
    default:
        drop(e, rx, &e->stats.rx_no_buffer);
    }
}

void ena_rx_piped(Ena *e, unsigned slot)
{
    EnaRx *rx = &e->rx[slot];
    PacketInfo info;
    int sq;

    if (slot >= ENA_RX_SLOTS || rx->state != ENA_RX_PIPE) {
        return;
    }
    packet_parse(rx->data, rx->len, &info);
    rx->status = packet_rx_status(rx->data, &info);
    rx->hash = packet_rss(&e->rss, rx->data, rx->len, &info);
    sq = queue_of(e, rx->hash);
    if (sq < 0) {
        drop(e, rx, &e->stats.rx_not_ready);
        return;
    }
    if (rx->status & (ENA_RXC_L3_ERR | ENA_RXC_L4_ERR)) {
        e->stats.rx_csum_errors++;
    }
    rx->sq = sq;
    place(e, rx);
}

static EnaRx *first_waiting(Ena *e, unsigned sq)
{
    EnaRx *best = NULL;

    for (unsigned i = 0; i < ENA_RX_SLOTS; i++) {
        EnaRx *rx = &e->rx[i];

        if (rx->state == ENA_RX_WAIT && rx->sq == sq &&
            (!best || rx->order < best->order)) {
            best = rx;
        }
    }
    return best;
}

void ena_rx_refill(Ena *e, unsigned sq)
{
    EnaRx *rx;

    while (e->sq[sq].waiting && (rx = first_waiting(e, sq))) {
        place(e, rx);
        if (rx->state == ENA_RX_WAIT) {
            break;
        }
    }
}

/* ---- completion ------------------------------------------------------------------- */

void ena_rx_data_written(Ena *e, unsigned slot)
{
    EnaRx *rx = &e->rx[slot];
    EnaCq *cq;
    uint32_t at = 0;

    if (slot >= ENA_RX_SLOTS || rx->state != ENA_RX_DATA) {
        return;
    }
    for (unsigned i = 0; i < rx->n_bufs; i++) {
        if (!ena_dma_write(e, rx->buf[i].addr, rx->data + at, rx->buf[i].len)) {
            drop(e, rx, &e->stats.rx_no_buffer);
            return;
        }
        at += rx->buf[i].len;
    }
    cq = &e->cq[e->sq[rx->sq].cq];
    rx->state = ENA_RX_CQE;
    rx->cq_tail = cq->tail;
    cq->tail += rx->n_bufs;
    ena_up_put(e, ENA_UP_RX_CQE, slot,
               cq->base + (uint64_t)(rx->cq_tail % cq->depth) * cq->entry_bytes,
               NULL, 0, rx->n_bufs * cq->entry_bytes);
}

static void write_entry(Ena *e, const EnaRx *rx, unsigned i)
{
    const EnaCq *cq = &e->cq[e->sq[rx->sq].cq];
    uint8_t entry[ENA_RXC_EXT_BYTES] = { 0 };
    uint32_t tail = rx->cq_tail + i, status = rx->status | ENA_RXC_BUFFER;

    status |= tail / cq->depth & 1 ? 0 : ENA_RXC_PHASE;
    status |= i == 0 ? ENA_RXC_FIRST : 0;
    status |= i + 1u == rx->n_bufs ? ENA_RXC_LAST : 0;
    ena_put32(entry + ENA_RXC_STATUS_AT, status);
    ena_put16(entry + ENA_RXC_LEN_AT, (uint16_t)rx->buf[i].len);
    ena_put16(entry + ENA_RXC_ID_AT, rx->buf[i].req_id);
    ena_put32(entry + ENA_RXC_HASH_AT, rx->hash);
    ena_put16(entry + ENA_RXC_SUB_QID_AT, rx->sq);
    ena_put32(entry + ENA_RXC_ADDR_AT, (uint32_t)rx->buf[i].addr);
    ena_put16(entry + ENA_RXC_ADDR_AT + 4, rx->buf[i].addr >> 32);
    ena_dma_write(e, cq->base + (uint64_t)(tail % cq->depth) * cq->entry_bytes,
                  entry, MIN(cq->entry_bytes, sizeof(entry)));
}

void ena_rx_cqe_written(Ena *e, unsigned slot)
{
    EnaRx *rx = &e->rx[slot];
    EnaCq *cq;

    if (slot >= ENA_RX_SLOTS || rx->state != ENA_RX_CQE) {
        return;
    }
    cq = &e->cq[e->sq[rx->sq].cq];
    for (unsigned i = 0; i < rx->n_bufs; i++) {
        write_entry(e, rx, i);
    }
    e->stats.rx_frames++;
    e->stats.rx_bytes += rx->len;
    ena_rx_free(e, rx);
    if (cq->interrupt) {
        ena_vector_event(e, cq->vector, true);
    }
}
