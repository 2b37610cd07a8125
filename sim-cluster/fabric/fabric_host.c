/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_host.c: modelled hosts: they send what their streams have ready,
 * turn by turn, and count what arrives.
 *
 * The next packet is planned ahead: at instant S (the MAC is free and
 * something is ready) the streams that are ready at or before S take turns in
 * the order in which they came. Nothing that happens later can change it.
 * Not modelled: acknowledgements, retransmission, congestion control.
 */
#include "fabric_priv.h"

#include <string.h>

#define NO_CHOICE UINT32_MAX

uint32_t fabric_stream_bytes(const FabricStream *s)
{
    if (s->gap_ps || s->left_bytes >= s->packet_bytes) {
        return s->packet_bytes;
    }
    return MAX((uint32_t)s->left_bytes, FABRIC_MIN_FRAME_BYTES);
}

void fabric_stream_add(FabricHost *h, const FabricStream *s)
{
    if (h->n_streams == h->cap_streams) {
        h->cap_streams = h->cap_streams ? h->cap_streams * 2 : 2;
        h->streams = g_renew(FabricStream, h->streams, h->cap_streams);
    }
    h->streams[h->n_streams++] = *s;
}

uint64_t fabric_host_ready_ps(const FabricHost *h)
{
    uint64_t ready = FABRIC_NEVER_PS;

    for (uint32_t i = 0; i < h->n_streams; i++) {
        ready = MIN(ready, h->streams[i].ready_ps);
    }
    for (uint32_t i = 0; i < h->n_sources; i++) {
        ready = MIN(ready, h->sources[i].next_ps);
    }
    return ready;
}

void fabric_host_start_flows(Fabric *f, FabricHost *h, uint64_t ps)
{
    for (uint32_t i = 0; i < h->n_sources; i++) {
        while (h->sources[i].next_ps <= ps) {
            FabricStream s;

            fabric_source_next(f, h, &h->sources[i], &s);
            fabric_stream_add(h, &s);
        }
    }
}

static uint32_t choose(const FabricHost *h, uint64_t start_ps)
{
    uint32_t at = h->turn;

    for (uint32_t i = 0; i < h->n_streams; i++, at++) {
        at = at < h->n_streams ? at : 0;
        if (h->streams[at].ready_ps <= start_ps) {
            return at;
        }
    }
    return NO_CHOICE;
}

static void host_plan(Fabric *f, FabricHost *h)
{
    uint64_t ready = fabric_host_ready_ps(h);

    h->depart_ps = FABRIC_NEVER_PS;
    if (ready == FABRIC_NEVER_PS) {
        return;
    }
    h->start_ps = MAX(h->free_ps, ready);
    fabric_host_start_flows(f, h, h->start_ps);
    h->chosen = choose(h, h->start_ps);
    h->depart_ps =
        h->start_ps +
        switch_serialise_ps(fabric_stream_bytes(&h->streams[h->chosen]),
                            h->rate_bps);
}

/* After something new to send, or a new rate: what has begun goes on. */
void fabric_host_replan(Fabric *f, FabricHost *h)
{
    if (h->endpoint) {
        return;
    }
    if (h->balance) {
        fabric_balance_replan(f, h);
        return;
    }
    if (h->depart_ps == FABRIC_NEVER_PS || h->start_ps >= f->now_ps) {
        host_plan(f, h);
        fabric_wake(f, h->node, h->depart_ps);
    }
}

void fabric_stream_sent(Fabric *f, FabricHost *h, uint32_t at, uint32_t bytes)
{
    FabricStream *s = &h->streams[at];
    bool ends;

    if (!s->gap_ps && s->ready_ps >= f->config.warmup_ps &&
        s->left_bytes == f->flow[s->flow].bytes) {
        f->flows_started++; /* this is its first packet */
        f->entry[s->entry].stats.flows_started++;
    }
    f->entry[s->entry].stats.sent++;
    if (s->gap_ps) {
        s->ready_ps += s->gap_ps;
        ends = s->ready_ps >= s->end_ps;
    } else {
        s->left_bytes -= MIN(s->left_bytes, bytes);
        ends = s->left_bytes == 0;
    }
    if (!ends) {
        h->turn = at + 1;
        return;
    }
    memmove(s, s + 1, (h->n_streams - at - 1) * sizeof(*s));
    h->n_streams--;
    h->turn = at;
}

void fabric_host_send(Fabric *f, FabricHost *h, uint64_t until_ps)
{
    uint32_t wire = f->out_wire[f->node[h->node].base];

    while (h->depart_ps < until_ps) {
        const FabricStream *s = &h->streams[h->chosen];
        SwitchPacket pkt = { .user = s->ready_ps,
                             .dst = s->dst,
                             .src = s->flow | (uint64_t)s->entry << 32,
                             .flow_hash = s->hash,
                             .bytes = (uint16_t)fabric_stream_bytes(s),
                             .priority = s->priority,
                             .flags = s->flags };

        fabric_wire_send(f, wire, h->depart_ps, &pkt);
        h->sent++;
        h->sent_bytes += pkt.bytes;
        h->free_ps = h->depart_ps;
        fabric_stream_sent(f, h, h->chosen, pkt.bytes);
        host_plan(f, h);
    }
}

void fabric_flow_received(Fabric *f, uint32_t number, uint64_t ps,
                          uint32_t bytes)
{
    FabricFlow *flow = &f->flow[number];

    flow->left_bytes -= MIN(flow->left_bytes, bytes);
    if (flow->left_bytes == 0) {
        fabric_flow_finished(f, flow, ps);
        flow->start_ps = f->free_flow;
        f->free_flow = number;
    }
}

void fabric_host_receive(Fabric *f, FabricHost *h, const FabricPacket *p)
{
    FabricEntry *entry = fabric_entry_of(f, &p->pkt);

    if (FABRIC_UNLIKELY(p->pkt.flags & FABRIC_PKT_FULL)) {
        f->not_for_it++; /* flooded */
        fabric_frame_drop(f, (uint32_t)p->pkt.user, h->node, p->ps,
                          FABRIC_DROP_NOT_FOR_IT);
        return;
    }
    h->received++;
    entry->stats.received++;
    entry->stats.marked += (p->pkt.flags & SWITCH_PKT_CE) != 0;
    if (p->pkt.user >= f->config.warmup_ps) {
        hist_add(entry->latency, p->ps - p->pkt.user);
    }
    if ((uint32_t)p->pkt.src != FABRIC_NONE) {
        fabric_flow_received(f, (uint32_t)p->pkt.src, p->ps, p->pkt.bytes);
    }
}
