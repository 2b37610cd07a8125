/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_llq.c: low-latency queues: the driver writes descriptors and the head of
 * the packet into the card's memory (BAR 2), so nothing is fetched.
 *
 * The first entry of a packet has some descriptors and then the pushed bytes;
 * further entries hold descriptors only.
 */
#include "ena_int.h"

static void parse_entry(Ena *e, unsigned sq, const uint8_t *entry, bool first)
{
    EnaSq *q = &e->sq[sq];
    unsigned head = e->llq_before * ENA_DESC_BYTES;
    unsigned n = first ? e->llq_before : e->llq_entry / ENA_DESC_BYTES;

    for (unsigned i = 0; i < n && (i == 0 || ena_tx_building(q)); i++) {
        ena_tx_desc(e, sq, entry + i * ENA_DESC_BYTES,
                    first ? entry + head : NULL, e->llq_entry - head);
    }
    q->pkt[(uint16_t)(q->pkt_tail - 1) % ENA_TX_PACKETS].credit++;
}

void ena_llq_parse(Ena *e, unsigned sq)
{
    EnaSq *q = &e->sq[sq];
    const uint8_t *entry;
    bool first;

    while (q->fetched != q->tail && !q->closing && !q->stuck) {
        entry = e->cfg.llq + sq * ENA_LLQ_QUEUE_BYTES +
                (uint32_t)(q->fetched % q->depth) * e->llq_entry;
        first = !ena_tx_building(q);
        if (first && !ena_tx_room(q)) {
            break;
        }
        if (!!(ena_get32(entry) & ENA_TXD_PHASE) ==
            (q->fetched / q->depth & 1)) {
            q->stuck = true; /* not written in this round */
            ena_guest_error(e, ENA_DB_SQ + 4 * sq);
            break;
        }
        q->fetched++;
        parse_entry(e, sq, entry, first);
    }
    ena_tx_schedule(e);
}
