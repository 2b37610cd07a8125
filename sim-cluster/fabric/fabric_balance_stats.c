/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_balance_stats.c: what path balancing did, as numbers.
 */
#include "fabric_balance.h"

#include <stdlib.h>
#include <string.h>

#define PPM 1000000u

/* Since the beginning of time. */
static void raw(const Fabric *f, FabricBalanceStats *ret)
{
    const FabricBalancer *b = f->balancer;

    *ret = b->count;
    for (uint32_t i = 0; i < b->n_pairs; i++) {
        const FabricPair *p = b->pair[i];
        PathStats s = path_stats(p->sender, f->now_ps);

        ret->packets += s.packets;
        ret->pairs_on += s.enables;
        ret->pairs_off += s.disables;
        ret->changes += s.value_changes;
        ret->avoided += s.avoids;
        ret->probes += s.probes;
        ret->slowed += s.reductions;
        if (p->order) {
            PathOrderStats o = path_order_stats(p->order);

            ret->reordered += o.reordered;
            ret->resequenced += o.reordered - o.delivered_late;
            ret->gap_timeouts += o.gap_timeouts;
        }
    }
}

void fabric_stats_balance(const Fabric *f, FabricBalanceStats *ret)
{
    const uint64_t *base;

    memset(ret, 0, sizeof(*ret));
    if (!f->balancer) {
        return;
    }
    raw(f, ret);
    base = (const uint64_t *)&f->balancer->base;
    for (size_t i = 0; i < sizeof(*ret) / sizeof(uint64_t); i++) {
        ((uint64_t *)ret)[i] -= base[i];
    }
}

/* The end of warm-up. */
void fabric_balance_reset(Fabric *f)
{
    FabricBalancer *b = f->balancer;

    if (!b) {
        return;
    }
    raw(f, &b->base);
    for (uint32_t i = 0; i < b->n_pairs; i++) {
        FabricPair *p = b->pair[i];

        p->base = path_stats(p->sender, f->now_ps);
        p->base_goodput_bytes = p->goodput_bytes;
        p->base_reordered = p->order ? path_order_stats(p->order).reordered : 0;
    }
}

/* ---- pairs --------------------------------------------------------------- */

static int by_ends(const void *a, const void *b, void *opaque)
{
    const FabricBalancer *all = opaque;
    const FabricPair *x = all->pair[*(const uint32_t *)a];
    const FabricPair *y = all->pair[*(const uint32_t *)b];
    uint32_t kx[3] = { x->from, x->to, x->load };
    uint32_t ky[3] = { y->from, y->to, y->load };

    for (uint32_t i = 0; i < 3; i++) {
        if (kx[i] != ky[i]) {
            return kx[i] < ky[i] ? -1 : 1;
        }
    }
    return 0;
}

uint32_t fabric_stats_pairs(const Fabric *f)
{
    return f->balancer ? f->balancer->n_pairs : 0;
}

/* Number @at in the stated order; NULL: no such pair. */
static const FabricPair *pair_at(const Fabric *f, uint32_t at)
{
    FabricBalancer *b = f->balancer;

    if (!b || at >= b->n_pairs) {
        return NULL;
    }
    if (b->n_sorted != b->n_pairs) {
        b->sorted = g_renew(uint32_t, b->sorted, b->n_pairs);
        for (uint32_t i = 0; i < b->n_pairs; i++) {
            b->sorted[i] = i;
        }
        g_qsort_with_data(b->sorted, (gint)b->n_pairs, sizeof(uint32_t),
                          by_ends, b);
        b->n_sorted = b->n_pairs;
    }
    return b->pair[b->sorted[at]];
}

bool fabric_stats_pair(const Fabric *f, uint32_t pair, FabricPairStats *ret)
{
    const FabricPair *p = pair_at(f, pair);
    uint64_t line_bps;
    PathStats s;

    if (!p) {
        return false;
    }
    s = path_stats(p->sender, f->now_ps);
    line_bps = p->config->line_bps;
    *ret = (FabricPairStats){
        .from = p->from,
        .to = p->to,
        .on = s.enabled,
        .values = p->config->values,
        .rate_ppm = s.rate_bps ? (uint32_t)((unsigned __int128)s.rate_bps *
                                            PPM / line_bps)
                               : PPM,
        .packets = s.packets - p->base.packets,
        .changes = s.value_changes - p->base.value_changes,
        .reordered =
            p->order ? path_order_stats(p->order).reordered - p->base_reordered
                     : 0,
        .goodput_bytes = p->goodput_bytes - p->base_goodput_bytes,
    };
    return true;
}

bool fabric_stats_value(const Fabric *f, uint32_t pair, uint32_t value,
                        FabricValueStats *ret)
{
    const FabricPair *p = pair_at(f, pair);
    PathValueStats s;

    if (!p || value >= p->config->values) {
        return false;
    }
    s = path_value_stats(p->sender, value, f->now_ps);
    *ret = (FabricValueStats){
        .port = s.port,
        .avoided = s.avoided,
        .congestion_ppm = (uint32_t)((uint64_t)s.score * PPM / PATH_SCORE_MAX),
        .packets = s.packets,
    };
    return true;
}
