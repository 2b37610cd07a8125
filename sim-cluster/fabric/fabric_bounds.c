/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_bounds.c: how early a frame can reach a full host.
 *
 * From a node to a full host there are paths; each costs the sum of its delays
 * and pipelines, and for each switch the time to send the frame. The least sum
 * of delays plus the least sum of times a byte (not necessarily of the same
 * path) is never above the least sum of both. All links count as up and at
 * the rate they were built with, so failures only make the truth later.
 */
#include "fabric_priv.h"

#include <string.h>

#define PS_PER_BYTE 8000000000000ull /* at 1 bit/s */

/* Cost of going from @n out of @port: delay with the next one's pipeline, and
 * what a byte takes, rounded down; hosts' frames leave without a wait. */
static void hop_cost(const Fabric *f, const FabricNode *n, uint32_t port,
                     bool bytes, uint64_t *ret, uint32_t *ret_to)
{
    uint32_t number = f->out_wire[n->base + port];
    const FabricWire *w = &f->wire[number];
    const FabricLinkConfig *c = &f->links[f->rare[number].link].config;

    *ret_to = w->to_node;
    if (!bytes) {
        *ret = w->delay_ps;
    } else {
        *ret = n->kind == FABRIC_SWITCH ? PS_PER_BYTE / c->rate_bps : 0;
    }
}

/* Least cost of every node to @to, through switches only (Dijkstra with a
 * plain scan: done once a full host). */
static uint64_t *least_cost(const Fabric *f, uint32_t to, bool bytes)
{
    uint64_t *cost = g_new(uint64_t, f->n_nodes);
    g_autofree bool *done = g_new0(bool, f->n_nodes);

    memset(cost, 0xff, f->n_nodes * sizeof(*cost));
    cost[to] = 0;
    for (;;) {
        uint32_t best = FABRIC_NONE;
        const FabricNode *n;

        for (uint32_t i = 0; i < f->n_nodes; i++) {
            if (!done[i] && cost[i] != FABRIC_NEVER_PS &&
                (best == FABRIC_NONE || cost[i] < cost[best])) {
                best = i;
            }
        }
        if (best == FABRIC_NONE) {
            return cost;
        }
        done[best] = true;
        n = &f->node[best];
        if (n->kind != FABRIC_SWITCH && best != to) {
            continue;
        }
        for (uint32_t p = 0; p < n->ports; p++) {
            const FabricWireRare *in = &f->rare[n->base + p];
            uint64_t hop;
            uint32_t same;

            hop_cost(f, &f->node[in->from_node], in->from_port, bytes, &hop,
                     &same);
            cost[in->from_node] = MIN(cost[in->from_node], cost[best] + hop);
        }
    }
}

/* Least cost a byte after the switch that has it now. */
static uint64_t *after_this(const Fabric *f, const uint64_t *per_byte)
{
    uint64_t *after = g_new(uint64_t, f->n_nodes);

    memset(after, 0xff, f->n_nodes * sizeof(*after));
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        for (uint32_t p = 0; p < f->node[i].ports; p++) {
            uint32_t to = f->wire[f->out_wire[f->node[i].base + p]].to_node;

            after[i] = MIN(after[i], per_byte[to]);
        }
    }
    return after;
}

void fabric_bounds_compute(Fabric *f)
{
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        FabricHost *h = f->node[i].host;

        if (f->node[i].kind == FABRIC_FULL) {
            h->fixed_ps = least_cost(f, i, false);
            h->per_byte_ps = least_cost(f, i, true);
            h->after_ps = after_this(f, h->per_byte_ps);
        }
    }
}

static uint64_t wire_bytes(uint32_t bytes)
{
    return bytes + SWITCH_OVERHEAD_BYTES;
}

/* The least arrival of @frame at @h. It acts at ready_ps where it is (@at): a
 * switch then sends it for at least its time on the wire, of which all but
 * the last picosecond may have passed now. */
static uint64_t frame_bound(const Fabric *f, const FabricHost *h,
                            const FabricFrame *frame)
{
    uint64_t wire = wire_bytes(frame->len), ready = frame->ready_ps;
    uint32_t at = frame->at;

    if (frame->waits) {
        const FabricWire *w = &f->wire[f->out_wire[f->node[at].base]];

        ready += w->delay_ps;
        at = w->to_node;
    }
    if (h->fixed_ps[at] == FABRIC_NEVER_PS) {
        return FABRIC_NEVER_PS;
    }
    if (at == h->node) {
        return ready;
    }
    if (f->node[at].host) {
        return FABRIC_NEVER_PS; /* another host ends it */
    }
    return h->fixed_ps[at] + MAX(ready + h->per_byte_ps[at] * wire,
                                 f->now_ps + h->after_ps[at] * wire);
}

uint64_t fabric_earliest_delivery_ps(const Fabric *f, uint32_t host)
{
    const FabricHost *h = f->node[host].host;
    uint64_t earliest = FABRIC_NEVER_PS;

    if (f->node[host].kind != FABRIC_FULL) {
        return FABRIC_NEVER_PS;
    }
    for (uint32_t i = 0; f->live_frames && i < f->n_frames; i++) {
        const FabricFrame *frame = &f->frame[i];

        if (frame->bytes &&
            (h->takes_all || frame->to == FABRIC_NONE || frame->to == host)) {
            earliest = MIN(earliest, frame_bound(f, h, frame));
        }
    }
    return earliest;
}

uint64_t fabric_lookahead_ps(const Fabric *f, uint32_t from, uint32_t to)
{
    const FabricHost *h;

    if (f->node[from].kind != FABRIC_FULL || f->node[to].kind != FABRIC_FULL ||
        from == to) {
        return FABRIC_NEVER_PS;
    }
    h = f->node[to].host;
    if (h->fixed_ps[from] == FABRIC_NEVER_PS) {
        return FABRIC_NEVER_PS;
    }
    return h->fixed_ps[from] +
           h->per_byte_ps[from] * wire_bytes(FABRIC_MIN_FRAME_BYTES);
}

uint64_t fabric_host_delay_ps(const Fabric *f, uint32_t host)
{
    return f->links[f->node[host].links[0]].config.delay_ps;
}
