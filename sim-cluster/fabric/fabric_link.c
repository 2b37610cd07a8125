/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_link.c: wires: what departs onto them, what they lose.
 */
#include "fabric_priv.h"

#include <string.h>

void fabric_wire_grow(FabricWire *w)
{
    if (w->head >= 8 && w->head >= w->n) {
        memmove(w->q, w->q + w->head, w->n * sizeof(*w->q));
        w->head = 0;
        return;
    }
    w->cap = w->cap ? w->cap * 2 : 8;
    w->q = g_renew(FabricPacket, w->q, w->cap);
}

uint32_t fabric_link_wire(const Fabric *f, uint32_t link, uint32_t end)
{
    const FabricLink *l = &f->links[link];

    return f->out_wire[f->node[l->node[end]].base + l->port[end]];
}

void fabric_wire_set_errors(Fabric *f, uint32_t number, double loss, double ber,
                            FabricFec fec)
{
    FabricWireRare *r = &f->rare[number];

    r->loss = loss;
    r->ber = ber;
    r->fec = fec;
    r->cached_bytes = 0;
    f->wire[number].slow = f->wire[number].down || loss > 0 || ber > 0;
}

static void wire_drop(Fabric *f, uint32_t number, uint64_t ps,
                      const SwitchPacket *pkt, FabricDrop reason)
{
    if (pkt->flags & FABRIC_PKT_FULL) {
        fabric_frame_drop(f, (uint32_t)pkt->user, f->wire[number].to_node, ps,
                          reason);
        return;
    }
    fabric_entry_of(f, pkt)->stats.dropped++;
    if (pkt->flags & FABRIC_PKT_TRANSPORT) {
        fabric_segment_free(f, pkt->user);
    } else if (pkt->flags & FABRIC_PKT_BALANCED) {
        fabric_cargo_free(f, (uint32_t)pkt->user);
    }
}

/* Draws for one frame. False: it is lost. */
static bool survives(Fabric *f, uint32_t number, uint64_t depart_ps,
                     const SwitchPacket *pkt)
{
    FabricWireRare *r = &f->rare[number];
    FabricLink *l = &f->links[r->link];
    uint64_t *random = &l->random[l->node[0] != r->from_node];

    if (r->loss > 0 && fabric_random_unit(random) < r->loss) {
        r->lost++;
        wire_drop(f, number, depart_ps, pkt, FABRIC_DROP_LOSS);
        return false;
    }
    if (r->ber > 0) {
        if (r->cached_bytes != pkt->bytes) {
            r->cached_bytes = pkt->bytes;
            r->cached_loss = fabric_frame_loss(r->ber, r->fec, pkt->bytes);
        }
        if (fabric_random_unit(random) < r->cached_loss) {
            r->fcs_errors++;
            wire_drop(f, number, depart_ps, pkt, FABRIC_DROP_FCS);
            return false;
        }
    }
    return true;
}

void fabric_wire_send_slow(Fabric *f, uint32_t number, uint64_t depart_ps,
                           const SwitchPacket *pkt)
{
    FabricWire *w = &f->wire[number];
    FabricWireRare *r = &f->rare[number];

    if (pkt->flags & FABRIC_PKT_FULL) {
        FabricFrame *frame = &f->frame[pkt->user];

        if ((pkt->flags & SWITCH_PKT_CE) && !frame->marked) {
            fabric_frame_mark(frame);
        }
        frame->at = w->to_node;
        frame->ready_ps = depart_ps + w->delay_ps;
        if (f->config.ops && f->config.ops->tap && !w->down) {
            f->config.ops->tap(f->config.opaque, r->link, r->from_node,
                               depart_ps, frame->bytes, frame->len);
        }
    }
    if (w->down) {
        r->down_drops++;
        wire_drop(f, number, depart_ps, pkt, FABRIC_DROP_LINK_DOWN);
        return;
    }
    if (!survives(f, number, depart_ps, pkt)) {
        return;
    }
    fabric_wire_put(f, number, depart_ps, pkt);
}

/* At now: loses what has not arrived, with @pipeline_too also what the
 * receiver has not yet acted on. */
void fabric_wire_lose(Fabric *f, uint32_t number, bool pipeline_too)
{
    FabricWire *w = &f->wire[number];
    FabricWireRare *r = &f->rare[number];
    uint64_t piped = w->delay_ps - f->links[r->link].config.delay_ps;
    uint32_t kept = 0;

    if (!pipeline_too) {
        while (kept < w->n && w->q[w->head + kept].ps - piped < f->now_ps) {
            kept++;
        }
    }
    for (uint32_t i = kept; i < w->n; i++) {
        r->down_drops++;
        wire_drop(f, number, f->now_ps, &w->q[w->head + i].pkt,
                  FABRIC_DROP_LINK_DOWN);
    }
    w->n = kept;
    if (kept == 0) {
        f->wire_next_ps[number] = FABRIC_NEVER_PS;
    }
}
