/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_stats.c: counters since the end of warm-up, as numbers and as text.
 */
#include "fabric_priv.h"

#include <string.h>

static const uint64_t class_bytes[FABRIC_FCT_CLASSES - 1] = { 10000, 100000,
                                                              1000000,
                                                              10000000 };
static const char *const class_names[FABRIC_FCT_CLASSES] = {
    "to_10kB", "to_100kB", "to_1MB", "to_10MB", "above_10MB",
};

const char *fabric_fct_class_name(uint32_t size_class)
{
    return size_class < FABRIC_FCT_CLASSES ? class_names[size_class]
                                           : "unknown";
}

void fabric_stats_init(Fabric *f)
{
    f->latency = hist_new();
    f->latency_all = hist_new();
    for (uint32_t i = 0; i < FABRIC_FCT_CLASSES; i++) {
        f->fct[i] = hist_new();
    }
}

void fabric_stats_free(Fabric *f)
{
    hist_free(f->latency);
    hist_free(f->latency_all);
    for (uint32_t i = 0; i < FABRIC_FCT_CLASSES; i++) {
        hist_free(f->fct[i]);
    }
}

/* The end of warm-up. */
void fabric_stats_reset(Fabric *f)
{
    fabric_series_before_reset(f);
    fabric_balance_reset(f);
    for (uint32_t i = 0; i < f->n_wires; i++) {
        f->rare[i].lost = f->rare[i].fcs_errors = f->rare[i].down_drops = 0;
    }
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        if (f->node[i].core) {
            switch_core_stats_reset(f->node[i].core);
        } else {
            f->node[i].host->sent = f->node[i].host->sent_bytes = 0;
            f->node[i].host->received = 0;
        }
    }
    f->injected = f->delivered = f->not_for_it = 0;
    f->flows_started = f->flows_finished = 0;
    f->stats_from_ps = f->now_ps;
    fabric_stats_free(f);
    fabric_stats_init(f);
    fabric_entries_reset(f);
}

void fabric_flow_finished(Fabric *f, const FabricFlow *flow, uint64_t ps)
{
    uint32_t size_class = 0;

    if (flow->start_ps < f->config.warmup_ps) {
        return;
    }
    while (size_class < FABRIC_FCT_CLASSES - 1 &&
           flow->bytes > class_bytes[size_class]) {
        size_class++;
    }
    f->flows_finished++;
    hist_add(f->fct[size_class], ps - flow->start_ps);
    f->entry[flow->entry].stats.flows_finished++;
    hist_add(f->entry[flow->entry].fct, ps - flow->start_ps);
}

static void add_switch(const FabricNode *n, FabricTotals *t)
{
    for (uint32_t p = 0; p < n->ports; p++) {
        SwitchPortStats ps;

        switch_core_port_stats(n->core, p, &ps);
        t->hops += ps.tx_packets;
        for (uint32_t d = 0; d < SWITCH_DROPS; d++) {
            t->dropped[d] += ps.rx_dropped_packets[d];
        }
        for (uint32_t q = 0; q < n->sw->sw.queues; q++) {
            SwitchQueueStats qs;

            switch_core_queue_stats(n->core, p, q, &qs);
            t->marked += qs.marked_packets;
            for (uint32_t d = 0; d < SWITCH_DROPS; d++) {
                t->dropped[d] += qs.dropped_packets[d];
            }
        }
    }
}

void fabric_totals(const Fabric *f, FabricTotals *ret)
{
    FabricTotals t = { 0 };

    for (uint32_t i = 0; i < f->n_wires; i++) {
        const FabricWireRare *r = &f->rare[i];

        t.dropped[FABRIC_DROP_LOSS] += r->lost;
        t.dropped[FABRIC_DROP_FCS] += r->fcs_errors;
        t.dropped[FABRIC_DROP_LINK_DOWN] += r->down_drops;
    }
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        const FabricNode *n = &f->node[i];

        if (n->core) {
            add_switch(n, &t);
        } else {
            t.hops += n->host->sent;
            t.sent += n->kind == FABRIC_MODELLED ? n->host->sent : 0;
            t.received += n->host->received;
        }
    }
    t.injected = f->injected;
    t.delivered = f->delivered;
    t.dropped[FABRIC_DROP_NOT_FOR_IT] = f->not_for_it;
    t.flows_started = f->flows_started;
    t.flows_finished = f->flows_finished;
    *ret = t;
}

bool fabric_link_stats(const Fabric *f, uint32_t link, uint32_t from_node,
                       FabricLinkStats *ret)
{
    const FabricLink *l = &f->links[link];
    uint32_t end = l->node[1] == from_node;
    const FabricNode *n = &f->node[from_node];
    const FabricWireRare *r;
    uint64_t time_ps = f->now_ps - f->stats_from_ps;
    uint32_t wire;

    if (l->node[end] != from_node) {
        return false;
    }
    wire = fabric_link_wire(f, link, end);
    r = &f->rare[wire];
    memset(ret, 0, sizeof(*ret));
    ret->max_queue_cells = fabric_series_max_cells(f, wire);
    if (n->core) {
        SwitchPortStats ps;

        switch_core_port_stats(n->core, l->port[end], &ps);
        ret->packets = ps.tx_packets;
        ret->bytes = ps.tx_bytes;
    } else {
        ret->packets = n->host->sent;
        ret->bytes = n->host->sent_bytes;
    }
    ret->wire_bytes = ret->bytes + ret->packets * SWITCH_OVERHEAD_BYTES;
    ret->lost = r->lost;
    ret->fcs_errors = r->fcs_errors;
    ret->down_drops = r->down_drops;
    if (time_ps) {
        ret->utilisation_ppm =
            (uint32_t)((unsigned __int128)ret->wire_bytes * 8 * 1000000 *
                       1000000000000ull / l->config.rate_bps / time_ps);
    }
    for (uint32_t q = 0; n->core && q < n->sw->sw.queues; q++) {
        SwitchQueueStats qs;

        switch_core_queue_stats(n->core, l->port[end], q, &qs);
        ret->max_queue_cells = MAX(ret->max_queue_cells, qs.max_cells);
        ret->marked += qs.marked_packets;
        for (uint32_t d = 0; d < SWITCH_DROPS; d++) {
            ret->dropped += qs.dropped_packets[d];
        }
    }
    return true;
}

const struct Hist *fabric_latency(const Fabric *f)
{
    hist_clear(f->latency_all);
    hist_merge(f->latency_all, f->latency);
    for (uint32_t i = 0; i < f->n_entries; i++) {
        hist_merge(f->latency_all, f->entry[i].latency);
    }
    return f->latency_all;
}

const struct Hist *fabric_fct(const Fabric *f, uint32_t size_class)
{
    return size_class < FABRIC_FCT_CLASSES ? f->fct[size_class] : NULL;
}

/* ---- as text ------------------------------------------------------------- */

static void dump_value(GString *out, const char *of, const char *name,
                       uint64_t value)
{
    g_string_append_printf(out, "%s.%s %" G_GUINT64_FORMAT "\n", of, name,
                           value);
}

static void dump_hist(GString *out, const char *name, const Hist *h)
{
    dump_value(out, name, "count", hist_count(h));
    dump_value(out, name, "min_ps", hist_min(h));
    dump_value(out, name, "mean_ps", hist_mean(h));
    dump_value(out, name, "p50_ps", hist_percentile(h, HIST_P50));
    dump_value(out, name, "p99_ps", hist_percentile(h, HIST_P99));
    dump_value(out, name, "p99_9_ps", hist_percentile(h, HIST_P99_9));
    dump_value(out, name, "max_ps", hist_max(h));
}

static void dump_link(const Fabric *f, GString *out, uint32_t link,
                      uint32_t end)
{
    const FabricLink *l = &f->links[link];
    g_autofree char *of =
        g_strdup_printf("%s.%s", l->name, end ? "back" : "forth");
    FabricLinkStats s;

    fabric_link_stats(f, link, l->node[end], &s);
    dump_value(out, of, "packets", s.packets);
    dump_value(out, of, "bytes", s.bytes);
    dump_value(out, of, "lost", s.lost);
    dump_value(out, of, "fcs_errors", s.fcs_errors);
    dump_value(out, of, "down_drops", s.down_drops);
    dump_value(out, of, "utilisation_ppm", s.utilisation_ppm);
    dump_value(out, of, "max_queue_cells", s.max_queue_cells);
    dump_value(out, of, "marked", s.marked);
    dump_value(out, of, "dropped", s.dropped);
}

static void dump_totals(const Fabric *f, GString *out)
{
    FabricTotals t;

    fabric_totals(f, &t);
    dump_value(out, "fabric", "hops", t.hops);
    dump_value(out, "fabric", "sent", t.sent);
    dump_value(out, "fabric", "received", t.received);
    dump_value(out, "fabric", "injected", t.injected);
    dump_value(out, "fabric", "delivered", t.delivered);
    dump_value(out, "fabric", "marked", t.marked);
    for (uint32_t d = 0; d < FABRIC_DROPS; d++) {
        dump_value(out, "fabric.dropped", fabric_drop_name((FabricDrop)d),
                   t.dropped[d]);
    }
    dump_value(out, "fabric", "flows_started", t.flows_started);
    dump_value(out, "fabric", "flows_finished", t.flows_finished);
}

char *fabric_dump(const Fabric *f)
{
    GString *out = g_string_new(NULL);

    dump_value(out, "fabric", "now_ps", f->now_ps);
    dump_totals(f, out);
    dump_hist(out, "latency", (const Hist *)fabric_latency(f));
    for (uint32_t i = 0; i < FABRIC_FCT_CLASSES; i++) {
        g_autofree char *name = g_strdup_printf("fct.%s", class_names[i]);

        dump_hist(out, name, f->fct[i]);
    }
    for (uint32_t i = 0; i < f->n_links; i++) {
        dump_link(f, out, i, 0);
        dump_link(f, out, i, 1);
    }
    return g_string_free(out, FALSE);
}
