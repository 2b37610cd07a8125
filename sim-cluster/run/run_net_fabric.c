/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_net_fabric.c: metrics of the network as a whole: how evenly the spines
 * are loaded, what queues did, what path balancing did.
 *
 * Sources: Alizadeh et al., "CONGA" (SIGCOMM 2014), section 5.2.2, for the
 * imbalance of uplinks: (most - least) / mean.
 */
#include "run_net_priv.h"

#include "hist.h"
#include "run_tap.h"

#define PPM UINT64_C(1000000)

/* ---- how even ------------------------------------------------------------ */

static uint64_t square_root(unsigned __int128 n)
{
    uint64_t low = 0, high = UINT64_MAX;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2 + 1;

        if ((unsigned __int128)mid * mid <= n) {
            low = mid;
        } else {
            high = mid - 1;
        }
    }
    return low;
}

/* Standard deviation over mean, in millionths; 0 for no load. Values are
 * scaled down so that the sums fit. */
uint64_t run_net_variation_ppm(const uint64_t *value, unsigned n)
{
    unsigned __int128 sum = 0, squares = 0;
    uint64_t most = 0;
    unsigned shift = 0;

    for (unsigned i = 0; i < n; i++) {
        most = MAX(most, value[i]);
    }
    while (most >> shift > UINT32_MAX) {
        shift++;
    }
    for (unsigned i = 0; i < n; i++) {
        uint64_t v = value[i] >> shift;

        sum += v;
        squares += (unsigned __int128)v * v;
    }
    if (!sum) {
        return 0;
    }
    /* n * sum(v^2) - sum(v)^2 = n^2 * variance */
    return (uint64_t)((unsigned __int128)square_root(squares * n - sum * sum) *
                      PPM / sum);
}

static uint64_t sent_bytes(const Execution *x, const Fabric *f, unsigned link,
                           unsigned end)
{
    FabricLinkStats s;

    return fabric_link_stats(f, link, net_fabric_end(x->net, link, end), &s)
               ? s.wire_bytes
               : 0;
}

static const TopoNode *node_at(const Topology *t, uint32_t i)
{
    return g_ptr_array_index(t->nodes, i);
}

static unsigned top_tier(const Topology *t)
{
    unsigned top = 0;

    for (unsigned i = 0; i < t->nodes->len; i++) {
        const TopoNode *n = node_at(t, i);

        top = n->kind == TOPO_SWITCH ? MAX(top, n->tier) : top;
    }
    return top;
}

/* What each switch of the highest tier has sent. */
static void measure_spines(const Put *p, const Fabric *f)
{
    const Topology *t = p->x->scn->topology;
    unsigned top = top_tier(t);
    g_autoptr(GArray) loads = g_array_new(FALSE, FALSE, sizeof(uint64_t));

    for (unsigned i = 0; i < t->nodes->len && top > 0; i++) {
        const TopoNode *n = node_at(t, i);
        uint64_t bytes = 0;

        if (n->kind != TOPO_SWITCH || n->tier != top) {
            continue;
        }
        for (unsigned port = 0; port < n->ports; port++) {
            unsigned end;
            uint32_t link = topology_port(t, i, port, &end);

            bytes += link == TOPO_NONE ? 0 : sent_bytes(p->x, f, link, end);
        }
        g_array_append_val(loads, bytes);
    }
    if (loads->len > 1) {
        put_metric(
            p, "spine_load_cv_ppm", UNIT_PERCENT,
            run_net_variation_ppm((uint64_t *)(void *)loads->data, loads->len));
    }
}

/* Of one switch; false: fewer than two uplinks, or nothing went up. */
static bool imbalance(const Put *p, const Fabric *f, unsigned node,
                      uint64_t *ret_ppm)
{
    const Topology *t = p->x->scn->topology;
    uint64_t least = UINT64_MAX, most = 0, sum = 0, links = 0;

    for (unsigned port = 0; port < node_at(t, node)->ports; port++) {
        unsigned end;
        uint32_t link = topology_port(t, node, port, &end);
        const TopoNode *peer =
            link == TOPO_NONE
                ? NULL
                : node_at(t,
                          ((const TopoLink *)g_ptr_array_index(t->links, link))
                              ->node[!end]);
        uint64_t bytes;

        if (!peer || peer->kind != TOPO_SWITCH) {
            continue;
        }
        bytes = sent_bytes(p->x, f, link, end);
        least = MIN(least, bytes);
        most = MAX(most, bytes);
        sum += bytes;
        links++;
    }
    if (links < 2 || !sum) {
        return false;
    }
    *ret_ppm =
        (uint64_t)((unsigned __int128)(most - least) * PPM * links / sum);
    return true;
}

static void measure_uplinks(const Put *p, const Fabric *f)
{
    const Topology *t = p->x->scn->topology;
    uint64_t sum_ppm = 0, count = 0;

    for (unsigned i = 0; i < t->nodes->len; i++) {
        const TopoNode *n = node_at(t, i);
        uint64_t ppm;

        if (n->kind == TOPO_SWITCH && n->tier == 0 &&
            imbalance(p, f, i, &ppm)) {
            sum_ppm += ppm;
            count++;
        }
    }
    if (count) {
        put_metric(p, "uplink_imbalance_ppm", UNIT_PERCENT, sum_ppm / count);
    }
}

/* ---- queues -------------------------------------------------------------- */

static void measure_queues(const Put *p, const Fabric *f)
{
    const Topology *t = p->x->scn->topology;
    uint64_t most_bytes = 0, trimmed = 0, drops = 0;
    FabricTotals totals;

    for (unsigned i = 0; i < t->links->len; i++) {
        for (unsigned end = 0; end < 2; end++) {
            uint32_t from = net_fabric_end(p->x->net, i, end);
            const SwitchCore *sw = fabric_switch(f, from);
            FabricLinkStats s;

            if (sw && fabric_link_stats(f, i, from, &s)) {
                most_bytes =
                    MAX(most_bytes, (uint64_t)s.max_queue_cells *
                                        switch_core_config(sw)->cell_bytes);
            }
        }
    }
    for (unsigned i = 0; i < t->nodes->len; i++) {
        uint32_t node = net_fabric_node(p->x->net, i);
        const SwitchCore *sw =
            node == UINT32_MAX ? NULL : fabric_switch(f, node);

        for (uint32_t port = 0; sw && port < switch_core_config(sw)->ports;
             port++) {
            for (uint32_t q = 0; q < switch_core_config(sw)->queues; q++) {
                SwitchQueueStats qs;

                switch_core_queue_stats(sw, port, q, &qs);
                trimmed += qs.trimmed_packets;
            }
        }
    }
    fabric_totals(f, &totals);
    for (unsigned i = 0; i < FABRIC_DROPS; i++) {
        drops += totals.dropped[i];
    }
    put_metric(p, "drops_count", UNIT_COUNT, drops);
    put_metric(p, "marks_count", UNIT_COUNT, totals.marked);
    put_metric(p, "trimmed_count", UNIT_COUNT, trimmed);
    put_metric(p, "queue_max_bytes", UNIT_SIZE, most_bytes);
}

/* ---- balanced traffic of modelled hosts ---------------------------------- */

static void measure_pairs(const Put *p, const Fabric *f)
{
    uint64_t least = UINT64_MAX, sum = 0, rate_ppm = UINT64_MAX;
    uint32_t pairs = fabric_stats_pairs(f), on = 0;
    uint64_t ps =
        fabric_now_ps(f) - MIN(net_warmup_ps(p->x->net), fabric_now_ps(f));

    for (uint32_t i = 0; i < pairs; i++) {
        FabricPairStats s;
        uint64_t bps;

        if (!fabric_stats_pair(f, i, &s)) {
            continue;
        }
        bps = ps ? (uint64_t)((unsigned __int128)s.goodput_bytes * 8 *
                              PS_PER_S / ps)
                 : 0;
        least = MIN(least, bps);
        sum += bps;
        rate_ppm = MIN(rate_ppm, s.rate_ppm);
        on += s.on;
    }
    if (pairs) {
        put_metric(p, "pair_goodput_min_bps", UNIT_RATE, least);
        put_metric(p, "pair_goodput_mean_bps", UNIT_RATE, sum / pairs);
        put_metric(p, "pair_rate_min_ppm", UNIT_PERCENT, rate_ppm);
        put_metric(p, "pairs_balancing_count", UNIT_COUNT, on);
    }
}

static void measure_balance(const Put *p, const Fabric *f)
{
    FabricBalanceStats s;

    fabric_stats_balance(f, &s);
    put_metric(p, "balance_on_count", UNIT_COUNT, s.pairs_on);
    put_metric(p, "balance_off_count", UNIT_COUNT, s.pairs_off);
    put_metric(p, "value_changes_count", UNIT_COUNT, s.changes);
    put_metric(p, "avoided_count", UNIT_COUNT, s.avoided);
    put_metric(p, "probes_count", UNIT_COUNT, s.probes);
    put_metric(p, "reductions_count", UNIT_COUNT, s.slowed);
    put_metric(p, "held_count", UNIT_COUNT, s.held);
    put_metric(p, "reordered_count", UNIT_COUNT, s.reordered);
    put_metric(p, "resequenced_count", UNIT_COUNT, s.resequenced);
    put_metric(p, "notices_count", UNIT_COUNT, s.notices_received);
    measure_pairs(p, f);
}

static bool is_balanced(const Scenario *s)
{
    for (unsigned i = 0; i < s->traffic->len; i++) {
        if (((const ScnTraffic *)g_ptr_array_index(s->traffic, i))->balancing) {
            return true;
        }
    }
    return false;
}

void run_net_measure_fabric(Execution *x, const Fabric *f)
{
    const Put p = { x, "fabric" };
    uint64_t delivered, changed;

    measure_spines(&p, f);
    measure_uplinks(&p, f);
    measure_queues(&p, f);
    if (x->scn->hosts->len && run_tap_inner(x->tap, &delivered, &changed)) {
        put_metric(&p, "inner_delivered_count", UNIT_COUNT, delivered);
        put_metric(&p, "inner_changed_count", UNIT_COUNT, changed);
    }
    if (is_balanced(x->scn)) {
        measure_balance(&p, f);
    }
}
