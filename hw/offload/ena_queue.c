/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_queue.c: I/O queues: creation and destruction, doorbells, descriptor
 * fetch.
 *
 * Transmit queues have the numbers 0 to queues-1, receive queues those from
 * queues on. Descriptors are fetched ahead, one read at a time a queue.
 */
#include "ena_int.h"

#include <string.h>

static bool depth_valid(uint32_t depth)
{
    return depth >= ENA_MIN_DEPTH && depth <= ENA_MAX_DEPTH &&
           !(depth & (depth - 1));
}

/* ---- completion queues ------------------------------------------------------ */

unsigned ena_create_cq(Ena *e, const uint8_t *cmd, uint8_t *answer)
{
    uint32_t words = cmd[ENA_CCQ_CAPS2_AT] & 0x1f;
    uint32_t depth = ena_get16(cmd + ENA_CCQ_DEPTH_AT);
    uint32_t vector = ena_get32(cmd + ENA_CCQ_VECTOR_AT);
    unsigned i = 0;

    if ((words != 2 && words != 4 && words != 8) || !depth_valid(depth) ||
        !vector || vector >= e->cfg.msix_vectors) {
        return ENA_ST_ILLEGAL;
    }
    while (i < 2 * e->cfg.queues && e->cq[i].active) {
        i++;
    }
    if (i == 2 * e->cfg.queues) {
        return ENA_ST_NO_RESOURCE;
    }
    e->cq[i] = (EnaCq){
        .active = true,
        .interrupt = cmd[ENA_CCQ_CAPS1_AT] & ENA_CCQ_INTERRUPT,
        .entry_bytes = words * 4,
        .depth = depth,
        .vector = vector,
        .base = ena_get_addr(cmd + ENA_CCQ_BASE_AT),
    };
    ena_put16(answer + ENA_CCQ_R_IDX_AT, i);
    ena_put16(answer + ENA_CCQ_R_DEPTH_AT, depth);
    ena_put32(answer + ENA_CCQ_R_UNMASK_AT, ENA_DB_UNMASK + 4 * i);
    return ENA_ST_SUCCESS;
}

unsigned ena_destroy_cq(Ena *e, const uint8_t *cmd)
{
    unsigned i = ena_get16(cmd + ENA_DCQ_IDX_AT);

    if (i >= ENA_MAX_CQS || !e->cq[i].active) {
        return ENA_ST_ILLEGAL;
    }
    if (e->cq[i].users) {
        return ENA_ST_BUSY;
    }
    memset(&e->cq[i], 0, sizeof(e->cq[i]));
    return ENA_ST_SUCCESS;
}

/* ---- submission queues ------------------------------------------------------ */

static bool sq_command_valid(const Ena *e, const uint8_t *cmd)
{
    unsigned dir = cmd[ENA_CSQ_IDENTITY_AT] >> 5;
    unsigned place = cmd[ENA_CSQ_CAPS2_AT] & 15;
    unsigned policy = cmd[ENA_CSQ_CAPS2_AT] >> 4 & 7;
    uint32_t depth = ena_get16(cmd + ENA_CSQ_DEPTH_AT);
    unsigned cq = ena_get16(cmd + ENA_CSQ_CQ_AT);

    if ((dir != ENA_DIR_TX && dir != ENA_DIR_RX) || !depth_valid(depth) ||
        policy != ENA_COMPLETE_DESC || !(cmd[ENA_CSQ_CAPS3_AT] & 1) ||
        cq >= ENA_MAX_CQS || !e->cq[cq].active) {
        return false;
    }
    if (place == ENA_PLACE_DEV) {
        return dir == ENA_DIR_TX && e->llq_entry &&
               depth * e->llq_entry <= ENA_LLQ_QUEUE_BYTES;
    }
    return place == ENA_PLACE_HOST &&
           (dir == ENA_DIR_TX || e->cq[cq].entry_bytes >= ENA_RXC_BYTES);
}

unsigned ena_create_sq(Ena *e, const uint8_t *cmd, uint8_t *answer)
{
    unsigned dir = cmd[ENA_CSQ_IDENTITY_AT] >> 5, first, i;
    EnaSq *q;

    if (!sq_command_valid(e, cmd)) {
        return ENA_ST_ILLEGAL;
    }
    first = dir == ENA_DIR_TX ? 0 : e->cfg.queues;
    for (i = first; i < first + e->cfg.queues && e->sq[i].active; i++) {
    }
    if (i == first + e->cfg.queues) {
        return ENA_ST_NO_RESOURCE;
    }
    q = &e->sq[i];
    ena_sq_clear(q);
    q->active = true;
    q->dir = dir;
    q->place = cmd[ENA_CSQ_CAPS2_AT] & 15;
    q->depth = ena_get16(cmd + ENA_CSQ_DEPTH_AT);
    q->cq = ena_get16(cmd + ENA_CSQ_CQ_AT);
    q->base = ena_get_addr(cmd + ENA_CSQ_BASE_AT);
    if (dir == ENA_DIR_TX) {
        q->pkt = g_new0(EnaTxPacket, ENA_TX_PACKETS);
    }
    e->cq[q->cq].users++;
    ena_put16(answer + ENA_CSQ_R_IDX_AT, i);
    ena_put32(answer + ENA_CSQ_R_DOORBELL_AT, ENA_DB_SQ + 4 * i);
    if (q->place == ENA_PLACE_DEV) {
        ena_put32(answer + ENA_CSQ_R_LLQ_DESC_AT, i * ENA_LLQ_QUEUE_BYTES);
        ena_put32(answer + ENA_CSQ_R_LLQ_HEADER_AT, i * ENA_LLQ_QUEUE_BYTES);
    }
    return ENA_ST_SUCCESS;
}

unsigned ena_destroy_sq(Ena *e, const uint8_t *cmd)
{
    unsigned i = ena_get16(cmd + ENA_DSQ_IDX_AT);
    unsigned dir = cmd[ENA_DSQ_IDENTITY_AT] >> 5;

    if (i >= ENA_MAX_SQS || !e->sq[i].active || e->sq[i].closing ||
        e->sq[i].dir != dir) {
        return ENA_ST_ILLEGAL;
    }
    e->sq[i].closing = true;
    e->sq[i].cache_n = 0;
    if (dir == ENA_DIR_TX) {
        ena_tx_close(e, i);
    } else {
        for (unsigned k = 0; k < ENA_RX_SLOTS; k++) {
            if (e->rx[k].state == ENA_RX_WAIT && e->rx[k].sq == i) {
                e->stats.rx_drops++;
                e->stats.rx_not_ready++;
                ena_rx_free(e, &e->rx[k]);
            }
        }
        e->sq[i].waiting = 0;
    }
    e->admin.closing = i; /* ends in ena_admin_poll() */
    return ENA_ST_SUCCESS;
}

void ena_sq_clear(EnaSq *q)
{
    for (unsigned i = 0; q->pkt && i < ENA_TX_PACKETS; i++) {
        ena_tx_packet_free(&q->pkt[i]);
    }
    g_free(q->pkt);
    memset(q, 0, sizeof(*q));
}

bool ena_sq_busy(const Ena *e, unsigned sq)
{
    const EnaSq *q = &e->sq[sq];

    if (q->fetching || (q->dir == ENA_DIR_TX && q->pkt_head != q->pkt_tail)) {
        return true;
    }
    for (unsigned i = 0; q->dir == ENA_DIR_RX && i < ENA_RX_SLOTS; i++) {
        if (e->rx[i].state >= ENA_RX_WAIT && e->rx[i].sq == sq) {
            return true;
        }
    }
    return false;
}

/* ---- descriptors -------------------------------------------------------------- */

void ena_sq_doorbell(Ena *e, unsigned sq, uint32_t value)
{
    EnaSq *q = &e->sq[sq];
    uint16_t ahead = (uint16_t)(value - q->head);

    if (!q->active || q->closing || q->stuck || value > UINT16_MAX ||
        ahead > q->depth || ahead < (uint16_t)(q->tail - q->head)) {
        ena_guest_error(e, ENA_DB_SQ + 4 * sq);
        return;
    }
    q->tail = value;
    if (q->place == ENA_PLACE_DEV) {
        ena_llq_parse(e, sq);
    } else {
        ena_sq_fetch(e, sq);
    }
}

void ena_sq_fetch(Ena *e, unsigned sq)
{
    EnaSq *q = &e->sq[sq];
    uint32_t at = q->fetched % q->depth, n;

    n = (uint16_t)(q->tail - q->fetched);
    n = MIN(n, ENA_CACHE_DESCS - (uint32_t)q->cache_n);
    n = MIN(n, MIN(ENA_FETCH_DESCS, q->depth - at));
    if (!n || q->fetching || q->closing || q->stuck) {
        return;
    }
    q->fetching = true;
    q->fetch_n = n;
    ena_submit(e, ENA_STAGE_FETCH, sq, MODEL_DMA_READ,
               q->base + (uint64_t)at * ENA_DESC_BYTES, n * ENA_DESC_BYTES);
}

/* The ring is not the guest's memory, or not written: nothing more from it. */
static void stuck(Ena *e, unsigned sq)
{
    e->sq[sq].stuck = true;
    ena_guest_error(e, ENA_DB_SQ + 4 * sq);
}

static bool phase_of(const EnaSq *q, const uint8_t *d)
{
    return q->dir == ENA_DIR_TX ? ena_get32(d) & ENA_TXD_PHASE
                                : d[ENA_RXD_CTRL_AT] & ENA_RXD_PHASE;
}

static bool take_fetched(Ena *e, unsigned sq)
{
    EnaSq *q = &e->sq[sq];
    uint8_t buf[ENA_FETCH_DESCS * ENA_DESC_BYTES];
    bool phase = !(q->fetched / q->depth & 1);
    uint32_t at = q->fetched % q->depth;

    if (!ena_dma_read(e, q->base + (uint64_t)at * ENA_DESC_BYTES, buf,
                      q->fetch_n * ENA_DESC_BYTES)) {
        return false;
    }
    for (unsigned i = 0; i < q->fetch_n; i++) {
        const uint8_t *d = buf + i * ENA_DESC_BYTES;

        if (phase_of(q, d) != phase) {
            return false;
        }
        memcpy(q->cache[(q->cache_at + q->cache_n) % ENA_CACHE_DESCS], d,
               ENA_DESC_BYTES);
        q->cache_n++;
        q->fetched++;
    }
    return true;
}

void ena_sq_fetched(Ena *e, unsigned sq)
{
    EnaSq *q = &e->sq[sq];

    if (sq >= ENA_MAX_SQS || !q->fetching) {
        return;
    }
    q->fetching = false;
    if (q->closing) {
        return;
    }
    if (!take_fetched(e, sq)) {
        stuck(e, sq);
    }
    if (q->dir == ENA_DIR_TX) {
        ena_tx_parse(e, sq);
    } else {
        ena_sq_fetch(e, sq);
        ena_rx_refill(e, sq);
    }
}

const uint8_t *ena_sq_peek(const EnaSq *q, unsigned n)
{
    return n < q->cache_n ? q->cache[(q->cache_at + n) % ENA_CACHE_DESCS]
                          : NULL;
}

void ena_sq_pop(EnaSq *q, unsigned n)
{
    q->cache_at = (q->cache_at + n) % ENA_CACHE_DESCS;
    q->cache_n -= n;
}
