/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_save.c: a fabric's state as bytes; fabric_load.c reads them.
 *
 * Little-endian: magic, version, a hash of what the fabric was built from, the
 * clock, frames, flows, nodes with switch cores or hosts, links, wires, control,
 * statistics. Packets name frames by their slot and flows by their number.
 * Not saved: balanced traffic and closed-loop transports; statistics over time,
 * which are the run's and go on.
 */
#include "fabric_save.h"

#include <string.h>

/* ---- what it was built from ---------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash ^= value;
    return fabric_random(&hash);
}

uint64_t fabric_state_origin(const Fabric *f)
{
    uint64_t h = mix(f->n_nodes, f->n_links);

    h = mix(h, f->config.seed);
    h = mix(h, f->config.reconverge_ps);
    h = mix(h, f->n_entries);
    h = mix(h, f->trace->len);
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        const FabricNode *n = &f->node[i];

        h = mix(h, g_str_hash(n->name));
        h = mix(h, (uint64_t)n->kind << 32 | n->ports);
        h = mix(h, n->host ? n->host->ipv4 : 0);
        h = mix(h, n->host ? n->host->mac : 0);
    }
    for (uint32_t i = 0; i < f->n_links; i++) {
        const FabricLink *l = &f->links[i];

        h = mix(h, (uint64_t)l->node[0] << 32 | l->node[1]);
        h = mix(h, l->config.rate_bps);
        h = mix(h, l->config.delay_ps);
    }
    return h;
}

/* ---- parts --------------------------------------------------------------- */

static void put_packet(GByteArray *b, const SwitchPacket *p)
{
    state_put_u64(b, p->user);
    state_put_u64(b, p->dst);
    state_put_u64(b, p->src);
    state_put_u32(b, p->flow_hash);
    state_put_u16(b, p->bytes);
    state_put_u8(b, p->priority);
    state_put_u8(b, p->flags);
}

static void put_frames(GByteArray *b, const Fabric *f)
{
    state_put_u32(b, f->n_frames);
    for (uint32_t i = 0; i < f->n_frames; i++) {
        const FabricFrame *frame = &f->frame[i];

        if (!frame->bytes) {
            state_put_u32(b, 0);
            continue;
        }
        state_put_blob(b, frame->bytes, frame->len);
        state_put_u32(b, frame->to);
        state_put_u32(b, frame->at);
        state_put_u64(b, frame->ready_ps);
        state_put_u8(b, frame->marked);
        state_put_u8(b, frame->waits);
    }
}

static void put_flows(GByteArray *b, const Fabric *f)
{
    g_autofree uint8_t *free_ones = g_new0(uint8_t, f->n_flows + 1);

    for (uint32_t i = f->free_flow; i != FABRIC_NONE;
         i = (uint32_t)f->flow[i].start_ps) {
        free_ones[i] = 1;
    }
    state_put_u32(b, f->n_flows);
    for (uint32_t i = 0; i < f->n_flows; i++) {
        state_put_u8(b, !free_ones[i]);
        if (!free_ones[i]) {
            state_put_u64(b, f->flow[i].start_ps);
            state_put_u64(b, f->flow[i].bytes);
            state_put_u64(b, f->flow[i].left_bytes);
            state_put_u32(b, f->flow[i].entry);
        }
    }
}

static void put_stream(GByteArray *b, const FabricStream *s)
{
    state_put_u64(b, s->ready_ps);
    state_put_u64(b, s->gap_ps);
    state_put_u64(b, s->end_ps);
    state_put_u64(b, s->left_bytes);
    state_put_u32(b, s->dst);
    state_put_u32(b, s->hash);
    state_put_u32(b, s->flow);
    state_put_u32(b, s->entry);
    state_put_u16(b, s->packet_bytes);
    state_put_u8(b, s->priority);
    state_put_u8(b, s->flags);
}

static void put_host(GByteArray *b, const FabricHost *h)
{
    state_put_u64(b, h->free_ps);
    state_put_u64(b, h->depart_ps);
    state_put_u64(b, h->start_ps);
    state_put_u64(b, h->last_depart_ps);
    state_put_u64(b, h->rate_bps);
    state_put_u64(b, h->sent);
    state_put_u64(b, h->sent_bytes);
    state_put_u64(b, h->received);
    state_put_u32(b, h->chosen);
    state_put_u32(b, h->turn);
    state_put_u32(b, h->n_streams);
    for (uint32_t i = 0; i < h->n_streams; i++) {
        put_stream(b, &h->streams[i]);
    }
    state_put_u32(b, h->n_sources);
    for (uint32_t i = 0; i < h->n_sources; i++) {
        state_put_u64(b, h->sources[i].next_ps);
        state_put_u64(b, h->sources[i].end_ps);
        state_put_u64(b, h->sources[i].random);
        state_put_u32(b, h->sources[i].trace_at);
    }
    state_put_u32(b, h->n_pending - h->pending_head);
    for (uint32_t i = h->pending_head; i < h->n_pending; i++) {
        state_put_u64(b, h->pending[i].depart_ps);
        state_put_u32(b, h->pending[i].slot);
        put_packet(b, &h->pending[i].pkt);
    }
}

static void put_nodes(GByteArray *b, const Fabric *f)
{
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        const FabricNode *n = &f->node[i];

        state_put_u8(b, n->up);
        state_put_u32(b, n->n_groups);
        if (n->core) {
            size_t len = switch_core_save(n->core, NULL, 0);
            guint at;

            state_put_u32(b, (uint32_t)len);
            at = b->len;
            g_byte_array_set_size(b, at + (guint)len);
            switch_core_save(n->core, b->data + at, len);
        } else {
            put_host(b, n->host);
        }
    }
}

static void put_double(GByteArray *b, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    state_put_u64(b, bits);
}

static void put_links(GByteArray *b, const Fabric *f)
{
    for (uint32_t i = 0; i < f->n_links; i++) {
        const FabricLink *l = &f->links[i];

        state_put_u64(b, l->rate_bps);
        state_put_u8(b, l->up);
        state_put_u64(b, l->random[0]);
        state_put_u64(b, l->random[1]);
    }
    for (uint32_t i = 0; i < f->n_wires; i++) {
        const FabricWire *w = &f->wire[i];
        const FabricWireRare *r = &f->rare[i];

        state_put_u8(b, w->down);
        state_put_u64(b, r->lost);
        state_put_u64(b, r->fcs_errors);
        state_put_u64(b, r->down_drops);
        put_double(b, r->loss);
        put_double(b, r->ber);
        state_put_u8(b, (uint8_t)r->fec);
        state_put_u32(b, w->n);
        for (uint32_t k = 0; k < w->n; k++) {
            state_put_u64(b, w->q[w->head + k].ps);
            put_packet(b, &w->q[w->head + k].pkt);
        }
    }
}

static void put_control(GByteArray *b, const Fabric *f)
{
    state_put_u32(b, f->n_control);
    for (uint32_t i = 0; i < f->n_control; i++) {
        const FabricControl *c = &f->control[i];

        state_put_u64(b, c->at_ps);
        state_put_u8(b, (uint8_t)c->kind);
        state_put_u32(b, c->which);
        state_put_u8(b, c->up);
        put_double(b, c->loss);
        put_double(b, c->ber);
        state_put_u8(b, (uint8_t)c->fec);
        state_put_u64(b, c->rate_bps);
        state_put_u32(b, c->from);
    }
}

static void put_stats(GByteArray *b, const Fabric *f)
{
    state_put_u64(b, f->stats_from_ps);
    state_put_u64(b, f->injected);
    state_put_u64(b, f->delivered);
    state_put_u64(b, f->flows_started);
    state_put_u64(b, f->flows_finished);
    state_put_u64(b, f->not_for_it);
    hist_save(f->latency, b);
    for (uint32_t i = 0; i < FABRIC_FCT_CLASSES; i++) {
        hist_save(f->fct[i], b);
    }
    for (uint32_t i = 0; i < f->n_entries; i++) {
        const FabricEntry *e = &f->entry[i];

        state_put_u64(b, e->stats.sent);
        state_put_u64(b, e->stats.received);
        state_put_u64(b, e->stats.marked);
        state_put_u64(b, e->stats.dropped);
        state_put_u64(b, e->stats.flows_started);
        state_put_u64(b, e->stats.flows_finished);
        hist_save(e->latency, b);
        hist_save(e->fct, b);
    }
}

bool fabric_can_save(const Fabric *f, GError **errp)
{
    const char *why = !f->built       ? "it is not built"
                      : f->balancer   ? "some of its traffic is balanced"
                      : f->transports ? "some of its hosts use a transport"
                                      : NULL;

    if (why) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_STATE,
                    "the fabric's state cannot be saved: %s", why);
    }
    return !why;
}

bool fabric_save(const Fabric *f, GByteArray *ret, GError **errp)
{
    if (!fabric_can_save(f, errp)) {
        return false;
    }
    state_put_u32(ret, FABRIC_STATE_MAGIC);
    state_put_u32(ret, FABRIC_STATE_VERSION);
    state_put_u64(ret, fabric_state_origin(f));
    state_put_u64(ret, f->now_ps);
    state_put_u64(ret, f->config.warmup_ps);
    state_put_u64(ret, f->trace_shift_ps);
    put_frames(ret, f);
    put_flows(ret, f);
    put_nodes(ret, f);
    put_links(ret, f);
    put_control(ret, f);
    put_stats(ret, f);
    return true;
}
