/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_net_metrics.c: counters of the fabric as metrics.
 */
#include "run_net_priv.h"

#include "hist.h"
#include "scenario_board.h"

#define FEW 64 /* links or switches: all of them are measured */

/* ---- links ------------------------------------------------------------- */

static void put_direction(const Put *p, bool from_a, const FabricLinkStats *s)
{
    put_metric(p, from_a ? "ab_packets_count" : "ba_packets_count", UNIT_COUNT,
               s->packets);
    put_metric(p, from_a ? "ab_bytes" : "ba_bytes", UNIT_SIZE, s->bytes);
    put_metric(p, from_a ? "ab_lost_count" : "ba_lost_count", UNIT_COUNT,
               s->lost + s->fcs_errors + s->down_drops);
    put_metric(p, from_a ? "ab_load_ppm" : "ba_load_ppm", UNIT_PERCENT,
               s->utilisation_ppm);
}

static void measure_link(Execution *x, const Fabric *f, unsigned index)
{
    const TopoLink *l = g_ptr_array_index(x->scn->topology->links, index);
    Put p = { x, l->name };

    for (unsigned end = 0; end < 2; end++) {
        uint32_t from = net_fabric_end(x->net, index, end);
        FabricLinkStats s;

        if (fabric_link_stats(f, index, from, &s)) {
            put_direction(&p, end == 0, &s);
        }
    }
}

/* ---- switches ---------------------------------------------------------- */

static void measure_switch(Execution *x, const Fabric *f, unsigned node)
{
    const TopoNode *n = g_ptr_array_index(x->scn->topology->nodes, node);
    uint32_t number = net_fabric_node(x->net, node);
    const SwitchCore *sw =
        number == UINT32_MAX ? NULL : fabric_switch(f, number);
    uint64_t packets = 0, bytes = 0, drops = 0, marks = 0, most_cells = 0;
    Put p = { x, n->name };

    if (!sw) {
        return;
    }
    for (uint32_t port = 0; port < switch_core_config(sw)->ports; port++) {
        SwitchPortStats s;

        switch_core_port_stats(sw, port, &s);
        packets += s.tx_packets;
        bytes += s.tx_bytes;
        for (unsigned reason = 0; reason < SWITCH_DROPS; reason++) {
            drops += s.rx_dropped_packets[reason];
        }
        for (uint32_t q = 0; q < switch_core_config(sw)->queues; q++) {
            SwitchQueueStats qs;

            switch_core_queue_stats(sw, port, q, &qs);
            marks += qs.marked_packets;
            for (unsigned reason = 0; reason < SWITCH_DROPS; reason++) {
                drops += qs.dropped_packets[reason];
            }
        }
    }
    for (uint32_t port = 0; port < n->ports; port++) {
        uint32_t link = topology_port(x->scn->topology, node, port, NULL);
        FabricLinkStats s;

        if (link != TOPO_NONE && fabric_link_stats(f, link, number, &s)) {
            most_cells = MAX(most_cells, s.max_queue_cells);
        }
    }
    put_metric(&p, "forwarded_count", UNIT_COUNT, packets);
    put_metric(&p, "forwarded_bytes", UNIT_SIZE, bytes);
    put_metric(&p, "drops_count", UNIT_COUNT, drops);
    put_metric(&p, "marks_count", UNIT_COUNT, marks);
    put_metric(&p, "queue_max_bytes", UNIT_SIZE,
               most_cells * switch_core_config(sw)->cell_bytes);
}

/* Only ports that the switch has; a board may have more connectors. */
static void measure_board(Execution *x, unsigned node)
{
    const Topology *t = x->scn->topology;
    const TopoNode *n = g_ptr_array_index(t->nodes, node);
    const ScnGeometry *g = n->written ? n->written->geometry : NULL;
    uint64_t retimers = 0, down = 0;
    GeometryRate rate = GEOMETRY_25G;
    Put p = { x, n->name };

    if (!g || !n->board) {
        return;
    }
    scn_board_rate(g, &rate);
    for (unsigned port = 0; port < n->ports; port++) {
        uint32_t link = topology_port(t, node, port, NULL);

        retimers += n->board->port[port].lane[rate].retimer;
        down += link != TOPO_NONE &&
                ((TopoLink *)g_ptr_array_index(t->links, link))->untrained;
    }
    put_metric(&p, "retimers_count", UNIT_COUNT, retimers);
    put_metric(&p, "max_trace_um", UNIT_COUNT,
               (uint64_t)n->board->max_trace_um);
    put_metric(&p, "min_trace_um", UNIT_COUNT,
               (uint64_t)n->board->min_trace_um);
    put_metric(&p, "skew_ps", UNIT_DURATION,
               n->board->max_delay_ps - n->board->min_delay_ps);
    put_metric(&p, "max_loss_mdb", UNIT_COUNT,
               (uint64_t)n->board->max_loss_mdb[rate]);
    if (n->device_host == TOPO_NONE) { /* else the device says it */
        put_metric(&p, "ports_failed_count", UNIT_COUNT, down);
    }
}

/* ---- traffic ----------------------------------------------------------- */

void run_net_put_percentiles(const Put *p, const char *prefix, const Hist *h)
{
    static const struct {
        const char *name;
        uint32_t ppm;
    } points[] = { { "p50_ps", HIST_P50 },
                   { "p99_ps", HIST_P99 },
                   { "p999_ps", HIST_P99_9 } };

    for (unsigned i = 0; hist_count(h) && i < G_N_ELEMENTS(points); i++) {
        g_autofree char *name = g_strconcat(prefix, points[i].name, NULL);

        put_metric(p, name, UNIT_DURATION, hist_percentile(h, points[i].ppm));
    }
    if (hist_count(h)) {
        g_autofree char *name = g_strconcat(prefix, "max_ps", NULL);

        put_metric(p, name, UNIT_DURATION, hist_max(h));
    }
}

/* fct_to_10kb_count, and of classes that had a message the times. */
static void measure_classes(const Put *p, const Fabric *f)
{
    for (uint32_t i = 0; i < FABRIC_FCT_CLASSES; i++) {
        const Hist *h = (const Hist *)fabric_fct(f, i);
        g_autofree char *class = g_ascii_strdown(fabric_fct_class_name(i), -1);
        const struct {
            const char *name;
            uint64_t value;
        } values[] = { { "count", hist_count(h) },
                       { "p50_ps", hist_percentile(h, HIST_P50) },
                       { "p99_ps", hist_percentile(h, HIST_P99) },
                       { "max_ps", hist_max(h) } };

        for (unsigned k = 0; k < (hist_count(h) ? G_N_ELEMENTS(values) : 1);
             k++) {
            g_autofree char *name =
                g_strdup_printf("fct_%s_%s", class, values[k].name);

            put_metric(p, name, k ? UNIT_DURATION : UNIT_COUNT,
                       values[k].value);
        }
    }
}

static void measure_traffic(Execution *x, const Fabric *f)
{
    FabricTotals totals;
    g_autoptr(Hist) fct = hist_new();
    uint64_t drops = 0;
    Put p = { x, "traffic" };

    fabric_totals(f, &totals);
    for (unsigned i = 0; i < FABRIC_DROPS; i++) {
        drops += totals.dropped[i];
    }
    for (uint32_t i = 0; i < FABRIC_FCT_CLASSES; i++) {
        hist_merge(fct, (const Hist *)fabric_fct(f, i));
    }
    put_metric(&p, "sent_count", UNIT_COUNT, totals.sent);
    put_metric(&p, "received_count", UNIT_COUNT, totals.received);
    put_metric(&p, "drops_count", UNIT_COUNT, drops);
    put_metric(&p, "marks_count", UNIT_COUNT, totals.marked);
    put_metric(&p, "hops_count", UNIT_COUNT, totals.hops);
    put_metric(&p, "messages_count", UNIT_COUNT, totals.flows_finished);
    run_net_put_percentiles(&p, "lat_", (const Hist *)fabric_latency(f));
    run_net_put_percentiles(&p, "fct_", fct);
    measure_classes(&p, f);
}

/* In the order in which net_traffic_add() added them. */
static void measure_entries(Execution *x, const Fabric *f)
{
    for (unsigned i = 0; i < x->scn->traffic->len; i++) {
        const ScnTraffic *t = g_ptr_array_index(x->scn->traffic, i);
        g_autofree char *owner = g_strconcat("traffic.", t->name, NULL);
        FabricTrafficStats s;
        Put p = { x, owner };

        if (t->transport != SCN_TRANSPORT_NONE) {
            run_net_measure_flows(x, f, i);
            continue;
        }
        if (i >= fabric_traffic_count(f)) {
            break;
        }
        fabric_traffic_stats(f, i, &s);
        put_metric(&p, "sent_count", UNIT_COUNT, s.sent);
        put_metric(&p, "received_count", UNIT_COUNT, s.received);
        put_metric(&p, "drops_count", UNIT_COUNT, s.dropped);
        put_metric(&p, "marks_count", UNIT_COUNT, s.marked);
        put_metric(&p, "messages_count", UNIT_COUNT, s.flows_finished);
        run_net_put_percentiles(&p, "lat_",
                                (const Hist *)fabric_traffic_latency(f, i));
        run_net_put_percentiles(&p, "fct_",
                                (const Hist *)fabric_traffic_fct(f, i));
    }
}

/* Of thousands of generated things only those that matter to somebody. */
static bool is_named(const Execution *x, const char *name)
{
    g_autofree char *prefix = g_strconcat(name, ".", NULL);

    for (unsigned i = 0; i < x->scn->expect->len; i++) {
        const ScnExpect *e = g_ptr_array_index(x->scn->expect, i);

        if (g_str_has_prefix(e->predicate.metric, prefix)) {
            return true;
        }
    }
    return false;
}

/* Only where it can happen: elsewhere it is nothing to talk of. */
static void measure_lateness(Execution *x)
{
    for (unsigned i = 0; x->scn->time->quantum_ps && i < x->scn->hosts->len;
         i++) {
        const ScnHost *h = g_ptr_array_index(x->scn->hosts, i);
        Put p = { x, h->node.name };

        put_metric(&p, "late_frames_count", UNIT_COUNT,
                   net_late_count(x->net, i));
        put_metric(&p, "late_max_ps", UNIT_DURATION,
                   net_late_max_ps(x->net, i));
    }
}

void run_net_measure(Execution *x)
{
    const Fabric *f = net_fabric(x->net);
    const Topology *t = x->scn->topology;

    for (unsigned i = 0; i < t->nodes->len; i++) {
        measure_board(x, i);
    }
    measure_lateness(x);
    if (!f) {
        return;
    }
    for (unsigned i = 0; i < t->links->len; i++) {
        const TopoLink *l = g_ptr_array_index(t->links, i);

        if (t->links->len <= FEW || l->written || l->node[0] < t->hosts ||
            is_named(x, l->name)) {
            measure_link(x, f, i);
        }
    }
    for (unsigned i = t->hosts + t->modelled; i < t->nodes->len; i++) {
        const TopoNode *n = g_ptr_array_index(t->nodes, i);

        if (t->switches <= FEW || n->written || is_named(x, n->name)) {
            measure_switch(x, f, i);
        }
    }
    run_net_measure_fabric(x, f);
    if (x->scn->traffic->len) {
        measure_traffic(x, f);
        measure_entries(x, f);
    }
}
