/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_send.h: what happens to each packet of a switch, inline: it joins a
 * queue, is marked, is chosen and departs. Rules 5 to 7 of switch_core.h.
 */
#ifndef OUTRIGGER_SWITCH_SEND_H
#define OUTRIGGER_SWITCH_SEND_H

#include "switch_priv.h"

/* switch_core.c */
void switch_queue_grow(SwitchQueue *q);
uint32_t switch_choose_drr(const SwitchCore *sw, SwitchPort *p,
                           SwitchQueue *queues, uint32_t mask);

static inline SwitchPacket *packet_push(SwitchQueue *q, const SwitchPacket *pkt)
{
    SwitchPacket *to;

    if (SWITCH_UNLIKELY(!q->q || q->n > q->mask)) {
        switch_queue_grow(q);
    }
    to = &q->q[(q->head + q->n++) & q->mask];
    *to = *pkt;
    return to;
}

static inline uint32_t wire_bytes(const SwitchPacket *pkt)
{
    return pkt->bytes + SWITCH_OVERHEAD_BYTES;
}

/* The choice at instant S = p->next_ps. */
static inline void start_sending(const SwitchCore *sw, SwitchPort *p,
                                 SwitchQueue *queues)
{
    uint32_t strict = p->waiting & sw->strict_mask;
    uint32_t which = strict ? 31u - (uint32_t)__builtin_clz(strict)
                            : switch_choose_drr(sw, p, queues, p->waiting);
    const SwitchPacket *pkt = &queues[which].q[queues[which].head];

    p->current = (uint8_t)which;
    p->sending = 1;
    p->next_ps += p->ps_per_byte ? (uint64_t)wire_bytes(pkt) * p->ps_per_byte
                                 : switch_serialise_ps(pkt->bytes, p->rate_bps);
}

static inline void finish_sending(SwitchCore *sw, uint32_t port, SwitchPort *p,
                                  SwitchQueue *queues)
{
    SwitchQueue *q = &queues[p->current];
    const SwitchPacket *pkt = &q->q[q->head];
    uint32_t cells = switch_cells_of(sw, pkt->bytes);

    sw->ops->depart(sw->opaque, port, p->next_ps, pkt);
    p->tx_packets++;
    p->tx_bytes += pkt->bytes;
    q->sent_packets++;
    q->cells -= cells;
    sw->used_cells -= cells;
    q->head = (q->head + 1) & q->mask;
    if (--q->n == 0) {
        p->waiting &= (uint8_t) ~(1u << p->current);
    }
    p->sending = 0;
    if (!p->waiting) {
        p->next_ps = SWITCH_NEVER_PS;
    }
}

/* Departures up to @depart_to_ps, itself included; choices before
 * @choose_before_ps. */
__attribute__((always_inline)) static inline void
port_advance(SwitchCore *sw, uint32_t port, uint64_t depart_to_ps,
             uint64_t choose_before_ps)
{
    SwitchPort *p = &sw->port[port];
    SwitchQueue *queues = switch_queue(sw, port, 0);

    for (;;) {
        if (p->sending) {
            if (p->next_ps > depart_to_ps) {
                return;
            }
            finish_sending(sw, port, p, queues);
        }
        if (p->next_ps >= choose_before_ps) {
            return; /* idle, or too early to choose */
        }
        start_sending(sw, p, queues);
    }
}

/* Rule 5. @depth: cells of the queue with the packet. */
static inline bool ecn_mark(SwitchCore *sw, const SwitchQueueConfig *c,
                            uint32_t depth)
{
    uint64_t random;

    if (c->ecn_mode == SWITCH_ECN_STEP) {
        return depth > c->ecn_min_cells;
    }
    if (c->ecn_mode != SWITCH_ECN_RED) {
        return false;
    }
    random = switch_splitmix64(&sw->random) >> 32;
    if (depth <= c->ecn_min_cells || depth > c->ecn_max_cells) {
        return depth > c->ecn_max_cells;
    }
    return random < (uint64_t)(depth - c->ecn_min_cells) * c->ecn_max_q32 /
                        (c->ecn_max_cells - c->ecn_min_cells);
}

/* @pkt has been admitted to queue @which of @p at @ps. */
static inline void join(SwitchCore *sw, SwitchPort *p, SwitchQueue *q,
                        uint32_t which, uint32_t cells, uint64_t ps,
                        const SwitchPacket *pkt)
{
    bool marked;

    q->cells += cells;
    sw->used_cells += cells;
    marked = (pkt->flags & SWITCH_PKT_ECT) &&
             ecn_mark(sw, &sw->config.queue[which], q->cells);
    packet_push(q, pkt)->flags =
        marked ? pkt->flags | SWITCH_PKT_CE : pkt->flags;
    q->marked_packets += marked;
    q->enqueued_packets++;
    q->enqueued_bytes += pkt->bytes;
    if (q->cells > q->max_cells) {
        q->max_cells = q->cells;
    }
    p->waiting |= (uint8_t)(1u << which);
    if (p->next_ps == SWITCH_NEVER_PS) {
        p->next_ps = ps; /* the choice at ps waits for all of this instant */
    }
}

#endif
