/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_control.c: making a switch, ports and switch up and down, rates,
 * counters. The rules stand in switch_core.h.
 */
#include "switch_priv.h"

#include <stdlib.h>
#include <string.h>

#define LINE 64u /* of the cache */
#define MACS 16u /* places for addresses at first */

void *switch_alloc(size_t n, size_t size)
{
    size_t bytes = ((n ? n : 1) * size + LINE - 1) / LINE * LINE;
    void *p = aligned_alloc(LINE, bytes);

    if (!p) {
        abort();
    }
    return memset(p, 0, bytes);
}

/* @n == 0 frees. What is added is not zeroed. */
void *switch_resize(void *p, size_t n, size_t size)
{
    void *q;

    if (n == 0) {
        free(p);
        return NULL;
    }
    q = reallocarray(p, n, size);
    if (!q) {
        abort();
    }
    return q;
}

/* ---- making -------------------------------------------------------------- */

void switch_config_default(SwitchConfig *c, uint32_t ports)
{
    memset(c, 0, sizeof(*c));
    c->ports = ports;
    c->queues = SWITCH_MAX_QUEUES;
    c->cell_bytes = 208;
    c->buffer_cells = 65536;
    c->pipeline_ps = 400000;
    c->age_ps = 300ull * 1000000000000ull;
    c->mac_entries = 4096;
    for (uint32_t i = 0; i < SWITCH_MAX_QUEUES; i++) {
        c->queue[i].alpha_q8 = 256;
        c->queue[i].ecn_mode = SWITCH_ECN_STEP;
        c->queue[i].strict = true;
        c->queue[i].ecn_min_cells = 400;
        c->queue[i].ecn_max_cells = 1600;
        c->queue[i].ecn_max_q32 = UINT32_MAX / 10;
        c->queue[i].quantum_bytes = 9624;
    }
}

static const char *config_problem(const SwitchConfig *c)
{
    if (c->ports < 1 || c->ports > SWITCH_MAX_PORTS) {
        return "a switch has from 1 to 256 ports";
    }
    if (c->queues < 1 || c->queues > SWITCH_MAX_QUEUES) {
        return "a port has from 1 to 8 queues";
    }
    if (c->cell_bytes < 1 || c->cell_bytes > SWITCH_MAX_BYTES) {
        return "a cell has from 1 to 9600 bytes";
    }
    if (c->buffer_cells < 1 || c->buffer_cells > INT32_MAX) {
        return "the buffer has from 1 to 2^31-1 cells";
    }
    if (c->mac_entries > 1u << 20) {
        return "at most 2^20 learned addresses";
    }
    for (uint32_t i = 0; i < c->queues; i++) {
        const SwitchQueueConfig *q = &c->queue[i];

        if (q->alpha_q8 < 1) {
            return "alpha is above 0";
        }
        if (q->ecn_mode > SWITCH_ECN_RED) {
            return "ECN mode is off, step or red";
        }
        if (q->ecn_mode == SWITCH_ECN_RED &&
            q->ecn_min_cells >= q->ecn_max_cells) {
            return "RED's minimum is below its maximum";
        }
        if (!q->strict &&
            (q->quantum_bytes < 1 || q->quantum_bytes > INT32_MAX)) {
            return "a DRR quantum is from 1 to 2^31-1 bytes";
        }
    }
    if (c->trim_bytes && (c->trim_bytes < SWITCH_MIN_BYTES ||
                          c->trim_bytes > SWITCH_MAX_BYTES)) {
        return "a cut packet has from 60 to 9600 bytes, or 0: none is cut";
    }
    if (c->trim_bytes && c->trim_queue >= c->queues) {
        return "cut packets go to one of the port's queues";
    }
    return NULL;
}

SwitchCore *switch_core_new(const SwitchConfig *config, const SwitchOps *ops,
                            void *opaque, const char **ret_err)
{
    const char *problem = config_problem(config);
    uint64_t seed = config->seed;
    SwitchCore *sw;

    if (problem) {
        if (ret_err) {
            *ret_err = problem;
        }
        return NULL;
    }
    sw = switch_alloc(1, sizeof(*sw));
    sw->config = *config;
    sw->ops = ops;
    sw->opaque = opaque;
    sw->is_up = true;
    sw->cell_magic = (1ull << 32) / config->cell_bytes + 1;
    sw->ecmp_seed = (uint32_t)switch_splitmix64(&seed);
    sw->deep_cells = UINT32_MAX;
    sw->random = seed;
    sw->port = switch_alloc(config->ports, sizeof(*sw->port));
    sw->queue = switch_alloc((size_t)config->ports * config->queues,
                             sizeof(*sw->queue));
    sw->rare = switch_alloc(config->ports, sizeof(*sw->rare));
    for (uint32_t i = 0; i < config->queues; i++) {
        const SwitchQueueConfig *q = &config->queue[i];

        sw->strict_mask |= (uint8_t)(q->strict << i);
        sw->random_ecn |= q->ecn_mode == SWITCH_ECN_RED;
        if (i == 0 || q->alpha_q8 < sw->least_alpha_q8) {
            sw->least_alpha_q8 = q->alpha_q8;
        }
        sw->limited_mask |=
            (uint8_t)((q->limit_packets || q->limit_cells) << i);
    }
    for (uint32_t i = 0; i < config->ports; i++) {
        sw->port[i].next_ps = SWITCH_NEVER_PS;
        sw->port[i].up = sw->port[i].flood = 1;
        sw->port[i].turn = (uint8_t)(config->queues - 1);
        switch_core_port_set_rate(sw, i, 100000000000ull);
    }
    sw->mac = switch_alloc(MACS, sizeof(*sw->mac));
    sw->mac_mask = MACS - 1;
    switch_routes_compile(sw);
    return sw;
}

void switch_core_free(SwitchCore *sw)
{
    if (!sw) {
        return;
    }
    for (uint32_t i = 0; i < sw->config.ports * sw->config.queues; i++) {
        free(sw->queue[i].q);
    }
    for (uint32_t i = 0; i < sw->n_groups; i++) {
        free(sw->group[i].members);
    }
    free(sw->group);
    free(sw->queue);
    free(sw->port);
    free(sw->rare);
    free(sw->pipe);
    free(sw->routes);
    free(sw->route_start);
    free(sw->route_group);
    free(sw->near_group);
    free(sw->mac);
    free(sw);
}

const SwitchConfig *switch_core_config(const SwitchCore *sw)
{
    return &sw->config;
}

/* ---- up and down --------------------------------------------------------- */

static void lose(SwitchCore *sw, uint32_t port, const SwitchPacket *pkt)
{
    if (sw->ops->drop) {
        sw->ops->drop(sw->opaque, port, sw->now_ps, pkt, SWITCH_DROP_PORT_DOWN);
    }
}

static void port_flush(SwitchCore *sw, uint32_t port)
{
    SwitchPort *p = &sw->port[port];

    for (uint32_t i = 0; i < sw->config.queues; i++) {
        SwitchQueue *q = switch_queue(sw, port, i);

        for (uint32_t k = 0; k < q->n; k++) {
            lose(sw, port, &q->q[(q->head + k) & q->mask]);
        }
        sw->rare[port].dropped[i][SWITCH_DROP_PORT_DOWN] += q->n;
        sw->used_cells -= q->cells;
        q->n = q->head = q->cells = 0;
        q->deficit_bytes = 0;
    }
    p->waiting = p->sending = p->in_turn = 0;
    p->turn = (uint8_t)(sw->config.queues - 1);
    p->next_ps = SWITCH_NEVER_PS;
    sw->active[port / 64] &= ~(1ull << (port % 64));
}

void switch_core_port_set_up(SwitchCore *sw, uint32_t port, bool up)
{
    if (sw->port[port].up == up) {
        return;
    }
    sw->port[port].up = up;
    if (!up) {
        port_flush(sw, port);
        switch_mac_forget_port(sw, port);
    }
    switch_groups_refresh(sw);
}

bool switch_core_port_up(const SwitchCore *sw, uint32_t port)
{
    return sw->port[port].up;
}

void switch_core_set_up(SwitchCore *sw, bool up)
{
    if (sw->is_up == up) {
        return;
    }
    sw->is_up = up;
    if (up) {
        return;
    }
    for (uint32_t i = 0; i < sw->pipe_n; i++) {
        const SwitchPiped *piped =
            &sw->pipe[(sw->pipe_head + i) & sw->pipe_mask];

        sw->rare[piped->port].rx_dropped[SWITCH_DROP_PORT_DOWN]++;
        lose(sw, piped->port, &piped->pkt);
    }
    sw->pipe_n = sw->pipe_head = 0;
    for (uint32_t i = 0; i < sw->config.ports; i++) {
        port_flush(sw, i);
    }
    switch_core_mac_flush(sw);
}

bool switch_core_up(const SwitchCore *sw)
{
    return sw->is_up;
}

bool switch_core_port_set_rate(SwitchCore *sw, uint32_t port, uint64_t rate_bps)
{
    SwitchPort *p = &sw->port[port];

    if (rate_bps < 1 || rate_bps > 10000000000000ull) {
        return false;
    }
    p->rate_bps = rate_bps;
    p->ps_per_byte = 0;
    if (8000000000000ull % rate_bps == 0 &&
        8000000000000ull / rate_bps <= UINT32_MAX) {
        p->ps_per_byte = (uint32_t)(8000000000000ull / rate_bps);
    }
    return true;
}

uint64_t switch_core_port_rate(const SwitchCore *sw, uint32_t port)
{
    return sw->port[port].rate_bps;
}

void switch_core_port_set_flood(SwitchCore *sw, uint32_t port, bool flood)
{
    sw->port[port].flood = flood;
}

/* ---- counters ------------------------------------------------------------ */

void switch_core_port_stats(const SwitchCore *sw, uint32_t port,
                            SwitchPortStats *ret)
{
    const SwitchPort *p = &sw->port[port];

    ret->rx_packets = p->rx_packets;
    ret->rx_bytes = p->rx_bytes;
    ret->tx_packets = p->tx_packets;
    ret->tx_bytes = p->tx_bytes;
    ret->flooded_packets = sw->rare[port].flooded;
    ret->returned_packets = sw->rare[port].returned;
    memcpy(ret->rx_dropped_packets, sw->rare[port].rx_dropped,
           sizeof(ret->rx_dropped_packets));
}

void switch_core_queue_stats(const SwitchCore *sw, uint32_t port,
                             uint32_t queue, SwitchQueueStats *ret)
{
    const SwitchQueue *q = switch_queue(sw, port, queue);

    ret->enqueued_packets = q->enqueued_packets;
    ret->enqueued_bytes = q->enqueued_bytes;
    ret->sent_packets = q->sent_packets;
    ret->marked_packets = q->marked_packets;
    memcpy(ret->dropped_packets, sw->rare[port].dropped[queue],
           sizeof(ret->dropped_packets));
    ret->trimmed_packets = sw->rare[port].trimmed[queue];
    ret->cells = q->cells;
    ret->max_cells = q->max_cells;
}

void switch_core_stats_reset(SwitchCore *sw)
{
    for (uint32_t i = 0; i < sw->config.ports; i++) {
        SwitchPort *p = &sw->port[i];

        p->rx_packets = p->rx_bytes = p->tx_packets = p->tx_bytes = 0;
        memset(&sw->rare[i], 0, sizeof(sw->rare[i]));
    }
    for (uint32_t i = 0; i < sw->config.ports * sw->config.queues; i++) {
        SwitchQueue *q = &sw->queue[i];

        q->enqueued_packets = q->enqueued_bytes = 0;
        q->sent_packets = q->marked_packets = 0;
        q->max_cells = q->cells;
    }
}

void switch_core_set_deep(SwitchCore *sw, uint32_t cells)
{
    sw->deep_cells = sw->ops->deep ? cells : UINT32_MAX;
}

void switch_core_port_max_restart(SwitchCore *sw, uint32_t port)
{
    for (uint32_t i = 0; i < sw->config.queues; i++) {
        SwitchQueue *q = switch_queue(sw, port, i);

        q->max_cells = q->cells;
    }
}

uint32_t switch_core_cells_used(const SwitchCore *sw)
{
    return sw->used_cells;
}

void switch_core_foreach_packet(SwitchCore *sw,
                                void (*fn)(void *opaque, SwitchPacket *pkt),
                                void *opaque)
{
    for (uint32_t i = 0; i < sw->pipe_n; i++) {
        fn(opaque, &sw->pipe[(sw->pipe_head + i) & sw->pipe_mask].pkt);
    }
    for (uint32_t i = 0; i < sw->config.ports; i++) {
        const SwitchPort *p = &sw->port[i];
        const SwitchPacket *current = NULL;

        if (p->sending) {
            SwitchQueue *q = switch_queue(sw, i, p->current);

            current = &q->q[q->head];
            fn(opaque, &q->q[q->head]);
        }
        for (uint32_t k = 0; k < sw->config.queues; k++) {
            SwitchQueue *q = switch_queue(sw, i, k);

            for (uint32_t m = 0; m < q->n; m++) {
                SwitchPacket *pkt = &q->q[(q->head + m) & q->mask];

                if (pkt != current) {
                    fn(opaque, pkt);
                }
            }
        }
    }
}
