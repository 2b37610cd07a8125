/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_core.c: buffer, marking, choosing and sending; the rules stand in
 * switch_core.h.
 *
 * A port is brought up to date only when something needs it: before an
 * admission to it, and at the end of a run. So the switch's count of used
 * cells may be too high in between, never too low. A packet that the higher
 * count admits is also admitted by the true one (both tests are monotone);
 * only when it does not, all ports are brought up to date and it is tested
 * again.
 */
#include "switch_send.h"

#include <string.h>

static const char *const drop_names[SWITCH_DROPS] = {
    "buffer",
    "threshold",
    "no_route",
    "port_down",
};

const char *switch_drop_name(SwitchDrop reason)
{
    return (unsigned)reason < SWITCH_DROPS ? drop_names[reason] : "unknown";
}

uint64_t switch_serialise_ps(uint32_t bytes, uint64_t rate_bps)
{
    uint64_t bits = (uint64_t)(bytes + SWITCH_OVERHEAD_BYTES) * 8;
    uint64_t scaled = bits * 1000000000000ull;

    return scaled / rate_bps + (scaled % rate_bps != 0);
}

/* ---- rings --------------------------------------------------------------- */

__attribute__((noinline)) void switch_queue_grow(SwitchQueue *q)
{
    uint32_t cap = q->q ? (q->mask + 1) * 2 : 4;
    SwitchPacket *bigger = switch_alloc(cap, sizeof(*bigger));

    for (uint32_t i = 0; i < q->n; i++) {
        bigger[i] = q->q[(q->head + i) & q->mask];
    }
    switch_resize(q->q, 0, 0);
    q->q = bigger;
    q->head = 0;
    q->mask = cap - 1;
}

void switch_packet_push(SwitchQueue *q, const SwitchPacket *pkt)
{
    packet_push(q, pkt);
}

static void pipe_grow(SwitchCore *sw)
{
    uint32_t cap = sw->pipe ? (sw->pipe_mask + 1) * 2 : 16;
    SwitchPiped *bigger = switch_alloc(cap, sizeof(*bigger));

    for (uint32_t i = 0; i < sw->pipe_n; i++) {
        bigger[i] = sw->pipe[(sw->pipe_head + i) & sw->pipe_mask];
    }
    switch_resize(sw->pipe, 0, 0);
    sw->pipe = bigger;
    sw->pipe_head = 0;
    sw->pipe_mask = cap - 1;
}

void switch_pipe_push(SwitchCore *sw, const SwitchPiped *piped)
{
    if (!sw->pipe || sw->pipe_n > sw->pipe_mask) {
        pipe_grow(sw);
    }
    sw->pipe[(sw->pipe_head + sw->pipe_n++) & sw->pipe_mask] = *piped;
}

/* ---- sending ------------------------------------------------------------- */

/* Rule 6, DRR among the queues of @mask. The queue chosen has been charged. */
uint32_t switch_choose_drr(const SwitchCore *sw, SwitchPort *p,
                           SwitchQueue *queues, uint32_t mask)
{
    for (;;) {
        SwitchQueue *q = &queues[p->turn];

        if (p->in_turn && (mask & 1u << p->turn)) {
            uint32_t need = wire_bytes(&q->q[q->head]);

            if (q->deficit_bytes >= need) {
                q->deficit_bytes -= need;
                if (q->n == 1) {
                    q->deficit_bytes = 0;
                    p->in_turn = 0;
                }
                return p->turn;
            }
        }
        do {
            p->turn = p->turn + 1u < sw->config.queues ? p->turn + 1 : 0;
        } while (!(mask & 1u << p->turn));
        p->in_turn = 1;
        queues[p->turn].deficit_bytes +=
            sw->config.queue[p->turn].quantum_bytes;
    }
}

/* The one copy of it for all who call it here. */
static void advance(SwitchCore *sw, uint32_t port, uint64_t depart_to_ps,
                    uint64_t choose_before_ps)
{
    port_advance(sw, port, depart_to_ps, choose_before_ps);
}

static void advance_all(SwitchCore *sw, uint64_t depart_to_ps,
                        uint64_t choose_before_ps)
{
    for (uint32_t w = 0; w < PORT_WORDS; w++) {
        for (uint64_t left = sw->active[w]; left; left &= left - 1) {
            uint32_t port = w * 64 + (uint32_t)__builtin_ctzll(left);

            advance(sw, port, depart_to_ps, choose_before_ps);
            if (sw->port[port].next_ps == SWITCH_NEVER_PS) {
                sw->active[w] &= ~(1ull << (port % 64));
            }
        }
    }
}

/* ---- admission ----------------------------------------------------------- */

/* Rule 4 with the counts as they are. SWITCH_DROPS: admitted. */
static inline SwitchDrop buffer_test(const SwitchCore *sw, const SwitchQueue *q,
                                     uint32_t which, uint32_t cells)
{
    const SwitchQueueConfig *c = &sw->config.queue[which];
    uint32_t free_cells = sw->config.buffer_cells - sw->used_cells;

    if (cells > free_cells) {
        return SWITCH_DROP_BUFFER;
    }
    if (q->cells + cells > ((uint64_t)free_cells * c->alpha_q8) >> 8) {
        return SWITCH_DROP_THRESHOLD;
    }
    if (SWITCH_UNLIKELY(sw->limited_mask & 1u << which) &&
        ((c->limit_packets && q->n >= c->limit_packets) ||
         (c->limit_cells && q->cells + cells > c->limit_cells))) {
        return SWITCH_DROP_THRESHOLD;
    }
    return SWITCH_DROPS;
}

static void drop(SwitchCore *sw, uint32_t port, uint64_t ps,
                 const SwitchPacket *pkt, SwitchDrop reason)
{
    if (sw->ops->drop) {
        sw->ops->drop(sw->opaque, port, ps, pkt, reason);
    }
}

void switch_drop_queued(SwitchCore *sw, uint32_t port, uint64_t ps,
                        const SwitchPacket *pkt, SwitchDrop reason)
{
    sw->rare[port].dropped[switch_queue_of(sw, pkt)][reason]++;
    drop(sw, port, ps, pkt, reason);
}

__attribute__((always_inline)) static inline SwitchDrop
admit_to(SwitchCore *sw, uint32_t out, uint64_t ps, const SwitchPacket *pkt)
{
    SwitchPort *p = &sw->port[out];
    uint32_t which = switch_queue_of(sw, pkt);
    SwitchQueue *q = switch_queue(sw, out, which);
    uint32_t cells = switch_cells_of(sw, pkt->bytes);
    SwitchDrop reason;

    if (p->next_ps <= ps) {
        advance(sw, out, ps, ps);
    }
    reason = buffer_test(sw, q, which, cells);
    if (SWITCH_UNLIKELY(reason != SWITCH_DROPS)) {
        advance_all(sw, ps, ps);
        reason = buffer_test(sw, q, which, cells);
        if (reason != SWITCH_DROPS) {
            return reason;
        }
    }
    join(sw, p, q, which, cells, ps, pkt);
    if (SWITCH_UNLIKELY(q->cells > sw->deep_cells)) {
        sw->ops->deep(sw->opaque, out, ps, pkt, q->cells);
    }
    sw->active[out / 64] |= 1ull << (out % 64);
    return SWITCH_DROPS;
}

/* Rare: not to be weighed when the compiler decides what to inline. */
__attribute__((cold)) SwitchDrop switch_admit_to(SwitchCore *sw, uint32_t out,
                                                 uint64_t ps,
                                                 const SwitchPacket *pkt)
{
    return admit_to(sw, out, ps, pkt);
}

static inline void enqueue(SwitchCore *sw, uint32_t out, uint64_t ps,
                           const SwitchPacket *pkt)
{
    SwitchDrop reason = admit_to(sw, out, ps, pkt);

    if (SWITCH_LIKELY(reason == SWITCH_DROPS)) {
        return;
    }
    if (sw->config.trim_bytes && (pkt->flags & SWITCH_PKT_TRIM)) {
        switch_trim(sw, out, ps, pkt, reason);
    } else {
        switch_drop_queued(sw, out, ps, pkt, reason);
    }
}

static void rx_drop(SwitchCore *sw, uint32_t port, uint64_t ps,
                    const SwitchPacket *pkt, SwitchDrop reason)
{
    sw->rare[port].rx_dropped[reason]++;
    drop(sw, port, ps, pkt, reason);
}

/* To all ports that flood but @in; the last one gets the original handle. */
static void flood(SwitchCore *sw, uint32_t in, uint64_t ps,
                  const SwitchPacket *pkt)
{
    uint32_t last = SWITCH_MAX_PORTS;

    for (uint32_t i = 0; i < sw->config.ports; i++) {
        if (i != in && sw->port[i].up && sw->port[i].flood) {
            last = i;
        }
    }
    if (last == SWITCH_MAX_PORTS) {
        rx_drop(sw, in, ps, pkt, SWITCH_DROP_NO_ROUTE);
        return;
    }
    sw->rare[in].flooded++;
    for (uint32_t i = 0; i < last; i++) {
        SwitchPacket copy = *pkt;

        if (i == in || !sw->port[i].up || !sw->port[i].flood) {
            continue;
        }
        if (sw->ops->copy) {
            copy.user = sw->ops->copy(sw->opaque, pkt->user);
        }
        enqueue(sw, i, ps, &copy);
    }
    enqueue(sw, last, ps, pkt);
}

static void admit_l2(SwitchCore *sw, uint32_t in, uint64_t ps,
                     const SwitchPacket *pkt)
{
    int32_t out = -1;

    if (!sw->port[in].flood) {
        rx_drop(sw, in, ps, pkt, SWITCH_DROP_NO_ROUTE);
        return;
    }
    switch_mac_learn(sw, pkt->src & SWITCH_MAC_MASK, in, ps);
    if (!(pkt->dst & SWITCH_MAC_GROUP)) {
        out = switch_mac_find(sw, pkt->dst & SWITCH_MAC_MASK, ps);
    }
    if (out < 0) {
        flood(sw, in, ps, pkt);
    } else if ((uint32_t)out == in || !sw->port[out].up ||
               !sw->port[out].flood) {
        rx_drop(sw, in, ps, pkt, SWITCH_DROP_NO_ROUTE);
    } else {
        enqueue(sw, (uint32_t)out, ps, pkt);
    }
}

void switch_core_admit(SwitchCore *sw, uint32_t port, uint64_t admit_ps,
                       const SwitchPacket *pkt)
{
    int32_t out;

    if (SWITCH_UNLIKELY(!sw->is_up)) {
        rx_drop(sw, port, admit_ps, pkt, SWITCH_DROP_PORT_DOWN);
        return;
    }
    sw->port[port].rx_packets++;
    sw->port[port].rx_bytes += pkt->bytes;
    if (SWITCH_UNLIKELY(pkt->flags & SWITCH_PKT_L2)) {
        admit_l2(sw, port, admit_ps, pkt);
        return;
    }
    out = switch_route_pick(sw, pkt);
    if (SWITCH_UNLIKELY(out < 0)) {
        rx_drop(sw, port, admit_ps, pkt, SWITCH_DROP_NO_ROUTE);
        return;
    }
    enqueue(sw, (uint32_t)out, admit_ps, pkt);
}

void switch_core_originate(SwitchCore *sw, uint64_t ps, const SwitchPacket *pkt)
{
    int32_t out = sw->is_up ? switch_route_pick(sw, pkt) : -1;

    if (out < 0) {
        rx_drop(sw, 0, ps, pkt,
                sw->is_up ? SWITCH_DROP_NO_ROUTE : SWITCH_DROP_PORT_DOWN);
        return;
    }
    enqueue(sw, (uint32_t)out, ps, pkt);
}

void switch_core_arrive(SwitchCore *sw, uint32_t port, uint64_t arrive_ps,
                        const SwitchPacket *pkt)
{
    SwitchPiped piped = { arrive_ps + sw->config.pipeline_ps, port, *pkt };

    sw->last_arrive_ps = arrive_ps;
    if (!sw->is_up || !sw->port[port].up) {
        rx_drop(sw, port, arrive_ps, pkt, SWITCH_DROP_PORT_DOWN);
        return;
    }
    switch_pipe_push(sw, &piped);
}

void switch_core_run(SwitchCore *sw, uint64_t until_ps)
{
    if (until_ps <= sw->now_ps) {
        return;
    }
    while (sw->pipe_n && sw->pipe[sw->pipe_head].admit_ps < until_ps) {
        const SwitchPiped piped = sw->pipe[sw->pipe_head];

        sw->pipe_head = (sw->pipe_head + 1) & sw->pipe_mask;
        sw->pipe_n--;
        switch_core_admit(sw, piped.port, piped.admit_ps, &piped.pkt);
    }
    advance_all(sw, until_ps - 1, until_ps);
    sw->now_ps = until_ps;
}

uint64_t switch_core_now_ps(const SwitchCore *sw)
{
    return sw->now_ps;
}

uint64_t switch_core_next_ps(const SwitchCore *sw)
{
    uint64_t next =
        sw->pipe_n ? sw->pipe[sw->pipe_head].admit_ps : SWITCH_NEVER_PS;

    for (uint32_t w = 0; w < PORT_WORDS; w++) {
        for (uint64_t left = sw->active[w]; left; left &= left - 1) {
            uint32_t port = w * 64 + (uint32_t)__builtin_ctzll(left);

            if (sw->port[port].next_ps < next) {
                next = sw->port[port].next_ps;
            }
        }
    }
    return next;
}

void switch_core_prefetch(const SwitchCore *sw, unsigned step)
{
    uint32_t queues = sw->config.queues;

    if (step == 0) {
        __builtin_prefetch(sw);
        __builtin_prefetch((const char *)sw + 64);
        __builtin_prefetch((const char *)sw + 128);
        __builtin_prefetch((const char *)sw + 192);
        return;
    }
    if (step == 1) {
        __builtin_prefetch(sw->near_group);
        for (uint32_t i = 0; i < sw->config.ports; i++) {
            __builtin_prefetch(&sw->port[i], 1);
            __builtin_prefetch(&sw->queue[i * queues], 1);
        }
        for (uint32_t i = 0; i < sw->n_groups && i < 24; i++) {
            __builtin_prefetch(&sw->group[i]);
        }
        return;
    }
    for (uint32_t i = 0; i < sw->config.ports; i++) {
        const SwitchQueue *q = &sw->queue[i * queues];

        __builtin_prefetch(&q->q[q->head], 1);
        __builtin_prefetch(&q->q[(q->head + q->n) & q->mask], 1);
    }
}
