/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_ndp_rx.c: NDP's receiver: what has come, answers, and the pull
 * queue that all flows to one host share. See transport_ndp.h.
 */
#include "transport_ndp_priv.h"

#include <string.h>

void ndp_rx_open(FabricFlowEnd *rx)
{
    NdpRx *r = rx->state;

    ndp_paths_init(&r->paths, rx);
    r->n_packets = ndp_packets(rx);
    r->mask = 255;
    r->have = g_malloc0(r->mask + 1);
}

void ndp_rx_free(FabricFlowEnd *rx)
{
    NdpRx *r = rx->state;

    ndp_paths_free(&r->paths);
    g_free(r->have);
}

static void have_grow(NdpRx *r, uint64_t seq)
{
    uint64_t mask = r->mask;
    uint8_t *bigger;

    while (seq - r->base > mask) {
        mask = mask * 2 + 1;
    }
    bigger = g_malloc0(mask + 1);
    for (uint64_t i = r->base; i <= r->base + r->mask; i++) {
        bigger[i & mask] = r->have[i & r->mask];
    }
    g_free(r->have);
    r->have = bigger;
    r->mask = mask;
}

/* True: it is new. */
static bool take(NdpRx *r, uint64_t seq)
{
    if (seq < r->base) {
        return false;
    }
    if (seq - r->base > r->mask) {
        have_grow(r, seq);
    }
    if (r->have[seq & r->mask]) {
        return false;
    }
    r->have[seq & r->mask] = 1;
    r->n_have++;
    while (r->have[r->base & r->mask]) {
        r->have[r->base & r->mask] = 0;
        r->base++;
    }
    return true;
}

/* ---- pulls --------------------------------------------------------------- */

static unsigned class_of(const FabricFlowEnd *rx)
{
    return rx->priority != 0;
}

static void queue_push(NdpHost *h, FabricFlowEnd *rx)
{
    unsigned k = class_of(rx);

    ((NdpRx *)rx->state)->next = NULL;
    if (h->first[k]) {
        ((NdpRx *)h->last[k]->state)->next = rx;
    } else {
        h->first[k] = rx;
    }
    h->last[k] = rx;
}

static FabricFlowEnd *queue_pop(NdpHost *h)
{
    unsigned k = h->first[1] != NULL;
    FabricFlowEnd *rx = h->first[k];

    h->first[k] = ((NdpRx *)rx->state)->next;
    return rx;
}

static bool queue_empty(const NdpHost *h)
{
    return !h->first[0] && !h->first[1];
}

static uint64_t pull_gap_ps(const FabricFlowEnd *rx)
{
    const FabricNdpConfig *c = rx->config;

    return switch_serialise_ps(c->payload_bytes + c->header_bytes,
                               fabric_endpoint_rate_bps(rx->endpoint));
}

/* An empty packet of @type, with the reverse path it takes. */
static FabricSegment control(FabricFlowEnd *rx, uint8_t type)
{
    const FabricNdpConfig *c = rx->config;
    NdpRx *r = rx->state;
    FabricSegment seg = {
        .path = r->paths.path[ndp_paths_choose(&r->paths, rx)].hash,
        .bytes = (uint16_t)c->header_bytes,
        .type = type,
        .priority = c->control_priority,
    };

    return seg;
}

static void pull_timer(FabricEndpoint *e, FabricTimer *t)
{
    NdpHost *h = t->owner;
    uint64_t now = fabric_endpoint_now_ps(e);

    while (!queue_empty(h)) {
        FabricFlowEnd *rx = queue_pop(h);
        NdpRx *r = rx->state;
        FabricSegment seg;

        if (r->owed == 0) {
            continue; /* it has all by now */
        }
        seg = control(rx, NDP_PULL);
        seg.ack = ++r->pulls_sent;
        seg.aux64 = r->base;
        fabric_endpoint_send(rx, &seg);
        if (--r->owed) {
            queue_push(h, rx);
        }
        h->next_ps = now + pull_gap_ps(rx);
        fabric_timer_set(e, &h->timer, h->next_ps, pull_timer, h);
        return;
    }
}

/* One more pull for @rx: at once in @answer if nothing is before it. */
static void owe(FabricFlowEnd *rx, FabricSegment *answer)
{
    NdpHost *h = fabric_endpoint_state(rx);
    NdpRx *r = rx->state;
    uint64_t now = fabric_endpoint_now_ps(rx->endpoint);

    if (queue_empty(h) && now >= h->next_ps) {
        answer->ack = ++r->pulls_sent;
        h->next_ps = now + pull_gap_ps(rx);
        return;
    }
    if (r->owed++ == 0) {
        queue_push(h, rx);
    }
    if (!fabric_timer_armed(&h->timer)) {
        fabric_timer_set(rx->endpoint, &h->timer, MAX(h->next_ps, now),
                         pull_timer, h);
    }
}

/* ---- packets ------------------------------------------------------------- */

void ndp_rx_receive(FabricFlowEnd *rx, const FabricSegment *seg)
{
    bool header = seg->flags & FABRIC_SEG_TRIMMED;
    FabricSegment answer = control(rx, header ? NDP_NACK : NDP_ACK);
    NdpRx *r = rx->state;

    answer.seq = seg->seq;
    answer.aux = seg->aux;
    answer.echo_ps = seg->sent_ps;
    answer.user_flags = seg->flags & FABRIC_SEG_CE ? NDP_ECHO_CE : 0;
    if (!header) {
        if (take(r, seg->seq)) {
            fabric_flow_deliver(rx, ndp_payload(rx, seg->seq));
        } else {
            fabric_flow_duplicate(rx);
        }
    }
    answer.aux64 = r->base;
    if (r->n_have == r->n_packets) {
        r->owed = 0;
    } else {
        owe(rx, &answer);
    }
    fabric_endpoint_send(rx, &answer);
}
