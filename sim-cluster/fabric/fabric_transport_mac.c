/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_transport_mac.c: one modelled host with transports: its instants in
 * their order, its MAC, and the pool of what packets carry. See
 * fabric_transport.h.
 */
#include "fabric_ring.h"
#include "fabric_transport_priv.h"

#include <string.h>

/* ---- segments ------------------------------------------------------------ */

static uint32_t segment_new(FabricTransports *ts, const FabricSegment *seg)
{
    uint32_t at = ts->free_seg;

    if (at != FABRIC_NONE) {
        ts->free_seg = ts->seg[at].aux;
    } else {
        if (ts->n_segs == ts->cap_segs) {
            ts->cap_segs = ts->cap_segs ? ts->cap_segs * 2 : 1024;
            ts->seg = g_renew(FabricSegment, ts->seg, ts->cap_segs);
        }
        at = ts->n_segs++;
    }
    ts->seg[at] = *seg;
    return at;
}

void fabric_segment_free(Fabric *f, uint64_t user)
{
    FabricTransports *ts = f->transports;

    ts->seg[user].aux = ts->free_seg;
    ts->free_seg = (uint32_t)user;
}

/* ---- the MAC ------------------------------------------------------------- */

static inline void wants_to_send(FabricEndpoint *e)
{
    if (!e->sending && e->choose_ps == FABRIC_NEVER_PS) {
        e->choose_ps = e->now_ps;
    }
}

static void ready_push(FabricEndpoint *e, FabricFlowEnd *tx)
{
    tx->next = NULL;
    if (e->ready_first) {
        e->ready_last->next = tx;
    } else {
        e->ready_first = tx;
    }
    e->ready_last = tx;
}

void fabric_flow_ready(FabricFlowEnd *tx)
{
    if (!tx->ready) {
        tx->ready = true;
        ready_push(tx->endpoint, tx);
        wants_to_send(tx->endpoint);
    }
}

void fabric_endpoint_send(FabricFlowEnd *end, const FabricSegment *seg)
{
    FabricEndpoint *e = end->endpoint;
    FabricSegment copy = *seg;

    copy.flow = end->flow;
    if (!e->control || e->n_control > e->control_mask) {
        e->control =
            fabric_ring_grow(e->control, sizeof(*e->control), e->n_control, 16,
                             &e->control_head, &e->control_mask);
    }
    e->control[(e->control_head + e->n_control++) & e->control_mask] =
        segment_new(e->f->transports, &copy);
    wants_to_send(e);
}

/* The next data of the flows that are ready, in turn. */
static bool next_data(FabricEndpoint *e, uint32_t *ret_seg)
{
    while (e->ready_first) {
        FabricFlowEnd *tx = e->ready_first;
        FabricTransportFlow *flow = fabric_transport_flow(e->f, tx->flow);
        FabricSegment seg = { .flow = tx->flow };

        e->ready_first = tx->next;
        if (!flow->ops->next(tx, &seg)) {
            tx->ready = false;
            continue;
        }
        ready_push(e, tx);
        if (seg.flags & FABRIC_SEG_DATA) {
            flow->stats.sent_packets++;
            flow->stats.sent_bytes += seg.bytes;
            flow->stats.retransmitted_packets +=
                (seg.flags & FABRIC_SEG_RETRANSMITTED) != 0;
        }
        *ret_seg = segment_new(e->f->transports, &seg);
        return true;
    }
    return false;
}

static uint8_t packet_flags(const FabricSegment *seg)
{
    uint8_t flags = FABRIC_PKT_TRANSPORT;

    flags |= seg->flags & FABRIC_SEG_ECT ? SWITCH_PKT_ECT : 0;
    if ((seg->flags & FABRIC_SEG_DATA) && !(seg->flags & FABRIC_SEG_NO_TRIM)) {
        flags |= SWITCH_PKT_TRIM;
    }
    return flags;
}

static void choose(FabricEndpoint *e)
{
    const FabricTransportFlow *flow;
    FabricSegment *seg;
    uint32_t at, to;

    e->choose_ps = FABRIC_NEVER_PS;
    if (e->n_control) {
        at = e->control[e->control_head];
        e->control_head = (e->control_head + 1) & e->control_mask;
        e->n_control--;
    } else if (!next_data(e, &at)) {
        return;
    }
    seg = &e->f->transports->seg[at];
    seg->sent_ps = e->now_ps;
    flow = fabric_transport_flow(e->f, seg->flow);
    to = e->h->node == flow->stats.spec.from ? flow->stats.spec.to
                                             : flow->stats.spec.from;
    e->current = (SwitchPacket){ .user = at,
                                 .dst = e->f->node[to].host->ipv4,
                                 .src = e->h->ipv4,
                                 .flow_hash = seg->path,
                                 .bytes = seg->bytes,
                                 .priority = seg->priority,
                                 .flags = packet_flags(seg) };
    e->sending = true;
    e->depart_ps = e->now_ps + switch_serialise_ps(seg->bytes, e->h->rate_bps);
}

static void depart(FabricEndpoint *e)
{
    e->h->sent++;
    e->h->sent_bytes += e->current.bytes;
    fabric_wire_send(e->f, e->f->out_wire[e->f->node[e->h->node].base],
                     e->depart_ps, &e->current);
    e->sending = false;
    e->choose_ps = e->now_ps;
}

/* ---- reception ----------------------------------------------------------- */

static void receive_data(FabricEndpoint *e, FabricTransportFlow *flow,
                         const FabricSegment *seg)
{
    FabricFlowStats *s = &flow->stats;

    if (seg->flags & FABRIC_SEG_TRIMMED) {
        s->trimmed_packets++;
        return;
    }
    s->received_packets++;
    s->marked_packets += (seg->flags & FABRIC_SEG_CE) != 0;
    if (seg->seq >= flow->next_seq) {
        flow->next_seq = seg->seq + 1;
    } else if (!(seg->flags & FABRIC_SEG_RETRANSMITTED)) {
        s->reordered_packets++;
    }
    if (seg->sent_ps >= e->f->config.warmup_ps) {
        hist_add(e->f->latency, e->now_ps - seg->sent_ps);
    }
}

static void receive(FabricEndpoint *e, const FabricPacket *p)
{
    FabricSegment seg = e->f->transports->seg[p->pkt.user];
    FabricTransportFlow *flow = fabric_transport_flow(e->f, seg.flow);

    fabric_segment_free(e->f, p->pkt.user);
    e->h->received++;
    seg.flags |= p->pkt.flags & SWITCH_PKT_CE ? FABRIC_SEG_CE : 0;
    seg.flags |= p->pkt.bytes < seg.bytes ? FABRIC_SEG_TRIMMED : 0;
    if (e->h->node == flow->stats.spec.from) {
        seg.flags |= seg.flags & FABRIC_SEG_DATA ? FABRIC_SEG_RETURNED : 0;
        flow->ops->tx_receive(&flow->tx, &seg);
        return;
    }
    if (seg.flags & FABRIC_SEG_DATA) {
        receive_data(e, flow, &seg);
    }
    flow->ops->rx_receive(fabric_transport_open(flow, e), &seg);
}

/* ---- time goes on -------------------------------------------------------- */

static inline uint64_t timer_ps(const FabricEndpoint *e)
{
    return e->n_timers ? e->timer[1]->due_ps : FABRIC_NEVER_PS;
}

void fabric_endpoint_refresh(FabricEndpoint *e)
{
    e->h->depart_ps =
        MIN(e->sending ? e->depart_ps : e->choose_ps, timer_ps(e));
    fabric_wake(e->f, e->h->node, e->h->depart_ps);
}

void fabric_endpoint_step(Fabric *f, FabricHost *h, uint32_t arrivals,
                          uint64_t until_ps)
{
    FabricEndpoint *e = h->endpoint;
    uint32_t next = 0;

    for (;;) {
        uint64_t departure = e->sending ? e->depart_ps : FABRIC_NEVER_PS;
        uint64_t timer = timer_ps(e);
        uint64_t arrival = next < arrivals ? fabric_packet_of(&f->ref[next])->ps
                                           : FABRIC_NEVER_PS;
        uint64_t first = MIN(MIN(departure, arrival), MIN(timer, e->choose_ps));

        if (first >= until_ps) {
            break;
        }
        e->now_ps = first;
        if (first == departure) {
            depart(e);
        } else if (first == arrival) {
            const FabricPacket *p = fabric_packet_of(&f->ref[next++]);

            if (p->pkt.flags & FABRIC_PKT_TRANSPORT) {
                receive(e, p);
            } else {
                fabric_host_receive(f, h, p);
            }
        } else if (first == timer) {
            fabric_timers_fire(e);
        } else {
            choose(e);
        }
    }
    fabric_endpoint_refresh(e);
}

/* ---- making -------------------------------------------------------------- */

FabricEndpoint *fabric_endpoint_new(Fabric *f, FabricHost *h)
{
    FabricEndpoint *e = g_new0(FabricEndpoint, 1);

    e->f = f;
    e->h = h;
    e->now_ps = f->now_ps;
    e->choose_ps = FABRIC_NEVER_PS;
    return e;
}

void fabric_endpoint_free(FabricEndpoint *e)
{
    if (!e) {
        return;
    }
    for (uint32_t i = 0; i < e->n_states; i++) {
        const FabricTransportOps *ops = e->f->transports->transport[i].ops;

        if (e->state[i] && ops->host_free) {
            ops->host_free(e->state[i]);
        }
        g_free(e->state[i]);
    }
    g_free(e->state);
    g_free(e->control);
    g_free(e->timer);
    g_free(e);
}

uint64_t fabric_endpoint_now_ps(const FabricEndpoint *e)
{
    return e->now_ps;
}

uint64_t fabric_endpoint_rate_bps(const FabricEndpoint *e)
{
    return e->h->rate_bps;
}

uint32_t fabric_endpoint_node(const FabricEndpoint *e)
{
    return e->h->node;
}

const Fabric *fabric_endpoint_fabric(const FabricEndpoint *e)
{
    return e->f;
}
