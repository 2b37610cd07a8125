/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_calm.c: a stretch of time in which no packet is refused, one output
 * port after the other.
 *
 * Output ports concern each other only through the count of used cells. If all
 * packets of the stretch would be admitted even if none of them, and none of
 * those inside, departed in it, the count does not matter, and neither does
 * the order among ports: only that at each port.
 */
#include "switch_send.h"

#include <string.h>

#define CALM_MAX 1024u
#define PORT_BITS 6u
#define PORT_MAX (1u << PORT_BITS) /* packets for one output port */

typedef struct Plan {
    uint64_t busy[PORT_WORDS]; /* ports with packets, or that are active */
    uint16_t begin[SWITCH_MAX_PORTS + 1]; /* of a port's in `order` */
    uint16_t order[CALM_MAX];
    uint8_t out[CALM_MAX];
} Plan;

/* False: some packet might be refused, or is not for this. */
static bool plan(SwitchCore *sw, const SwitchArrival *a, uint32_t n, Plan *ret)
{
    uint32_t ports = sw->config.ports, free_cells, cells = 0, deepest = 0;
    uint32_t sum = 0;

    memcpy(ret->busy, sw->active, sizeof(ret->busy));
    memset(ret->begin, 0, ports * sizeof(ret->begin[0]));
    for (uint32_t i = 0; i < n; i++) {
        const SwitchPacket *pkt = a[i].pkt;
        int32_t out = switch_route_find(sw, pkt);
        const SwitchQueue *q;

        if (SWITCH_UNLIKELY(out < 0 || (pkt->flags & SWITCH_PKT_L2))) {
            return false;
        }
        ret->out[i] = (uint8_t)out;
        ret->begin[out]++;
        ret->busy[out / 64] |= 1ull << (out % 64);
        cells += switch_cells_of(sw, pkt->bytes);
        q = switch_queue(sw, (uint32_t)out, switch_queue_of(sw, pkt));
        deepest = q->cells > deepest ? q->cells : deepest;
    }
    free_cells = sw->config.buffer_cells - sw->used_cells;
    if (cells > free_cells ||
        deepest + cells >
            ((uint64_t)(free_cells - cells) * sw->least_alpha_q8) >> 8) {
        return false;
    }
    for (uint32_t i = 0; i < ports; i++) {
        uint32_t here = ret->begin[i];

        if (here > PORT_MAX) {
            return false;
        }
        ret->begin[i] = (uint16_t)sum;
        sum += here;
    }
    for (uint32_t i = 0; i < n; i++) {
        ret->order[ret->begin[ret->out[i]]++] = (uint16_t)i;
    }
    return true; /* now begin[i] is where port i's end */
}

/* @order[0 .. n) by time; of one time as they are. A key has 24 bits of time. */
static void sort(const SwitchArrival *a, uint16_t *order, uint32_t n)
{
    uint32_t key[PORT_MAX];
    uint16_t old[PORT_MAX];

    for (uint32_t i = 0; i < n; i++) {
        uint32_t x = a[order[i]].after_ps << PORT_BITS | i, j = i;

        old[i] = order[i];
        while (j > 0 && key[j - 1] > x) {
            key[j] = key[j - 1];
            j--;
        }
        key[j] = x;
    }
    for (uint32_t i = 0; i < n; i++) {
        order[i] = old[key[i] % PORT_MAX];
    }
}

/* @order[0 .. n): what joins @port's queues, in turn with what departs. */
static inline void run_port(SwitchCore *sw, uint32_t port,
                            const SwitchArrival *a, const uint16_t *order,
                            uint32_t n, uint64_t from_ps, uint64_t until_ps)
{
    SwitchPort *p = &sw->port[port];

    for (uint32_t i = 0;; i++) {
        bool end = i == n;
        uint64_t ps = end ? until_ps : from_ps + a[order[i]].after_ps;
        const SwitchPacket *pkt;
        uint32_t which;

        if (p->next_ps <= ps) { /* nothing departs at the end itself */
            port_advance(sw, port, ps - end, ps);
        }
        if (end) {
            return;
        }
        pkt = a[order[i]].pkt;
        which = switch_queue_of(sw, pkt);
        sw->port[a[order[i]].port].rx_packets++;
        sw->port[a[order[i]].port].rx_bytes += pkt->bytes;
        join(sw, p, switch_queue(sw, port, which), which,
             switch_cells_of(sw, pkt->bytes), ps, pkt);
    }
}

bool switch_core_run_calm(SwitchCore *sw, const SwitchArrival *arrivals,
                          uint32_t n, uint64_t from_ps, uint64_t until_ps,
                          uint64_t *ret_next_ps)
{
    uint64_t next_ps = SWITCH_NEVER_PS;
    uint32_t begin = 0;
    Plan p;

    if (SWITCH_UNLIKELY(sw->routes_dirty)) {
        switch_routes_compile(sw);
    }
    if (!sw->is_up || n > CALM_MAX || sw->random_ecn || sw->limited_mask ||
        sw->deep_cells != UINT32_MAX || sw->pipe_n ||
        !plan(sw, arrivals, n, &p)) {
        return false;
    }
    for (uint32_t w = 0; w < PORT_WORDS; w++) {
        uint64_t active = p.busy[w];

        for (uint64_t left = active; left; left &= left - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(left);
            uint32_t port = w * 64 + bit, count = p.begin[port] - begin;

            if (count > 1) {
                sort(arrivals, &p.order[begin], count);
            }
            run_port(sw, port, arrivals, &p.order[begin], count, from_ps,
                     until_ps);
            begin += count;
            if (sw->port[port].next_ps == SWITCH_NEVER_PS) {
                active &= ~(1ull << bit);
            } else if (sw->port[port].next_ps < next_ps) {
                next_ps = sw->port[port].next_ps;
            }
        }
        sw->active[w] = active;
    }
    sw->now_ps = until_ps;
    *ret_next_ps = next_ps;
    return true;
}
