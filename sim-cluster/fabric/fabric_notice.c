/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_notice.c: switches that tell a sender of a deep queue.
 *
 * A notice is made when a balanced packet joins a queue that is deep then, and
 * enters the switch delay_ps later like a packet that has arrived, after those
 * that arrive at that instant. No window is longer than that delay.
 *
 * Sources: IEEE 802.1Qau for the idea of answering the sender.
 * Not modelled: sampling by probability, notices about frames of full hosts.
 */
#include "fabric_balance.h"
#include "fabric_ring.h"

#include <string.h>

struct FabricNoticeQueue {
    FabricPacket *q; /* ring, rising in ps */
    uint32_t head, n, mask;
    FabricPacket *taken; /* copies: what was taken stays readable */
    uint32_t cap_taken;
    uint64_t *silent_ps; /* by output port: none before */
};

void fabric_notice_deep(void *opaque, uint32_t port, uint64_t ps,
                        const SwitchPacket *pkt, uint32_t cells)
{
    FabricNode *n = opaque;
    FabricNoticeQueue *q = n->notices;
    const FabricNotices *c = &n->sw->notices;
    uint32_t number, about = (uint32_t)pkt->user, pair;
    FabricCargo *cargo;

    if (!(pkt->flags & FABRIC_PKT_BALANCED) || ps < q->silent_ps[port] ||
        n->f->balancer->cargo[about].kind != FABRIC_CARGO_DATA) {
        return;
    }
    if (!q->q || q->n > q->mask) {
        q->q =
            fabric_ring_grow(q->q, sizeof(*q->q), q->n, 16, &q->head, &q->mask);
    }
    q->silent_ps[port] = ps + c->gap_ps;
    number = fabric_cargo_new(n->f);
    cargo = &n->f->balancer->cargo[number];
    pair = n->f->balancer->cargo[about].pair;
    cargo->pair = pair;
    cargo->kind = FABRIC_CARGO_NOTICE;
    cargo->more = FABRIC_NONE;
    cargo->value = n->f->balancer->cargo[about].value;
    n->f->balancer->count.notices_sent++;
    q->q[(q->head + q->n++) & q->mask] = (FabricPacket){
        .ps = ps + c->delay_ps,
        .pkt = { .user = number,
                 .dst = n->f->node[n->f->balancer->pair[pair]->from].host->ipv4,
                 .src = FABRIC_NONE,
                 .flow_hash = pkt->flow_hash,
                 .bytes = FABRIC_ECHO_BYTES,
                 .priority = c->priority,
                 .flags = FABRIC_PKT_BALANCED },
    };
}

uint64_t fabric_notices_next_ps(const FabricNode *n)
{
    const FabricNoticeQueue *q = n->notices;

    return q->n ? q->q[q->head].ps : FABRIC_NEVER_PS;
}

uint32_t fabric_notices_take(FabricNode *n, uint64_t until_ps,
                             const FabricPacket **ret)
{
    FabricNoticeQueue *q = n->notices;
    uint32_t count = 0;

    if (q->cap_taken < q->n) {
        q->cap_taken = q->mask + 1;
        q->taken = g_renew(FabricPacket, q->taken, q->cap_taken);
    }
    while (q->n && q->q[q->head].ps < until_ps) {
        q->taken[count++] = q->q[q->head];
        q->head = (q->head + 1) & q->mask;
        q->n--;
    }
    *ret = q->taken;
    return count;
}

/* The switch goes down. */
void fabric_notices_lose(FabricNode *n)
{
    const FabricPacket *p;
    uint32_t count =
        n->notices ? fabric_notices_take(n, FABRIC_NEVER_PS, &p) : 0;

    for (uint32_t i = 0; i < count; i++) {
        fabric_cargo_free(n->f, (uint32_t)p[i].pkt.user);
    }
}

void fabric_notices_make(Fabric *f, FabricNode *n)
{
    const FabricNotices *c = &n->sw->notices;

    if (c->cells) {
        n->notices = g_new0(FabricNoticeQueue, 1);
        n->notices->silent_ps = g_new0(uint64_t, n->ports);
        switch_core_set_deep(n->core, c->cells);
        fabric_balancer(f);
        f->window_ps = MIN(f->window_ps, c->delay_ps);
    }
}

void fabric_notices_free(FabricNode *n)
{
    if (n->notices) {
        g_free(n->notices->q);
        g_free(n->notices->taken);
        g_free(n->notices->silent_ps);
        g_free(n->notices);
    }
}
