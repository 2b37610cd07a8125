/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_switch.c: between the fabric and its switches' cores.
 */
#include "fabric_priv.h"

static void depart(void *opaque, uint32_t port, uint64_t depart_ps,
                   const SwitchPacket *pkt)
{
    const FabricNode *n = opaque;

    fabric_wire_send(n->f, n->f->out_wire[n->base + port], depart_ps, pkt);
}

static void drop(void *opaque, uint32_t port, uint64_t ps,
                 const SwitchPacket *pkt, SwitchDrop reason)
{
    const FabricNode *n = opaque;

    if (pkt->flags & FABRIC_PKT_FULL) {
        fabric_frame_drop(n->f, (uint32_t)pkt->user, n->number, ps,
                          (FabricDrop)reason);
        return;
    }
    fabric_entry_of(n->f, pkt)->stats.dropped++;
    if (pkt->flags & FABRIC_PKT_TRANSPORT) {
        fabric_segment_free(n->f, pkt->user);
    } else if (pkt->flags & FABRIC_PKT_BALANCED) {
        fabric_cargo_free(n->f, (uint32_t)pkt->user);
    }
}

/* Only frames of full hosts are flooded. */
static uint64_t copy(void *opaque, uint64_t user)
{
    const FabricNode *n = opaque;

    return fabric_frame_copy(n->f, (uint32_t)user);
}

const SwitchOps fabric_switch_ops = { depart, drop, copy, fabric_notice_deep };

bool fabric_switch_make(Fabric *f, FabricNode *node, GError **errp)
{
    SwitchConfig *c = &node->sw->sw;
    const char *problem = NULL;

    c->ports = node->ports;
    if (c->seed == 0) {
        c->seed = fabric_seed(f->config.seed, 2, node->number);
    }
    node->core = switch_core_new(c, &fabric_switch_ops, node, &problem);
    if (!node->core) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TOPOLOGY, "switch %s: %s",
                    node->name, problem);
        return false;
    }
    for (uint32_t i = 0; i < node->ports; i++) {
        switch_core_port_set_rate(node->core, i,
                                  f->links[node->links[i]].config.rate_bps);
    }
    fabric_notices_make(f, node);
    return true;
}
