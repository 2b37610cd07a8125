/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_series.c: counters over time: bins of equal width, which double when
 * there are too many.
 *
 * A bin ends when nothing before its edge is left to do: windows are cut
 * there. It holds the difference between the counters then and before.
 */
#include "fabric_priv.h"

#include <string.h>

#define MAX_BINS 65536u

/* One wire in one bin, or its counters at the last edge. */
typedef struct SeriesCell {
    uint64_t wire_bytes;
    uint32_t packets, marked, dropped, max_cells;
} SeriesCell;
_Static_assert(sizeof(SeriesCell) == 24, "SeriesCell");

struct FabricSeries {
    uint64_t begin_ps, bin_ps, next_ps; /* next_ps: the next edge */
    uint32_t max_bins, closed, stride;
    GArray *cells;    /* SeriesCell, closed * wires */
    SeriesCell *last; /* by wire, counters at the last edge */
    uint32_t *max;    /* by wire, since the end of warm-up, closed bins */
    GArray *balance;  /* FabricBalanceStats, by bin */
    FabricBalanceStats balance_last;
};

/* Counters of wire @number as they are; max_cells of the bin that runs. */
static SeriesCell counters(const Fabric *f, uint32_t number)
{
    const FabricWireRare *r = &f->rare[number];
    const FabricNode *n = &f->node[r->from_node];
    SeriesCell c = { 0 };
    uint64_t dropped = r->lost + r->fcs_errors + r->down_drops, packets, bytes;

    if (n->core) {
        SwitchPortStats ps;

        switch_core_port_stats(n->core, r->from_port, &ps);
        packets = ps.tx_packets;
        bytes = ps.tx_bytes;
    } else {
        packets = n->host->sent;
        bytes = n->host->sent_bytes;
    }
    for (uint32_t q = 0; n->core && q < n->sw->sw.queues; q++) {
        SwitchQueueStats qs;

        switch_core_queue_stats(n->core, r->from_port, q, &qs);
        c.max_cells = MAX(c.max_cells, qs.max_cells);
        c.marked += (uint32_t)qs.marked_packets;
        for (uint32_t d = 0; d < SWITCH_DROPS; d++) {
            dropped += qs.dropped_packets[d];
        }
    }
    c.packets = (uint32_t)packets;
    c.wire_bytes = bytes + packets * SWITCH_OVERHEAD_BYTES;
    c.dropped = (uint32_t)dropped;
    return c;
}

static SeriesCell since(const SeriesCell *now, const SeriesCell *last)
{
    return (SeriesCell){
        .wire_bytes = now->wire_bytes - last->wire_bytes,
        .packets = now->packets - last->packets,
        .marked = now->marked - last->marked,
        .dropped = now->dropped - last->dropped,
        .max_cells = now->max_cells,
    };
}

static void add(SeriesCell *to, const SeriesCell *from)
{
    to->wire_bytes += from->wire_bytes;
    to->packets += from->packets;
    to->marked += from->marked;
    to->dropped += from->dropped;
    to->max_cells = MAX(to->max_cells, from->max_cells);
}

static FabricBalanceStats balance_since(const FabricBalanceStats *now,
                                        const FabricBalanceStats *last)
{
    FabricBalanceStats d;
    const uint64_t *a = (const uint64_t *)now, *b = (const uint64_t *)last;

    for (size_t i = 0; i < sizeof(d) / sizeof(uint64_t); i++) {
        ((uint64_t *)&d)[i] = a[i] - b[i];
    }
    return d;
}

/* Pairs of bins become one; their number is even. */
static void halve(Fabric *f, FabricSeries *s)
{
    SeriesCell *cell = (SeriesCell *)s->cells->data;
    FabricBalanceStats *b = (FabricBalanceStats *)s->balance->data;

    for (uint32_t i = 0; i < s->closed / 2; i++) {
        for (uint32_t w = 0; w < f->n_wires; w++) {
            SeriesCell *to = &cell[(size_t)i * f->n_wires + w];
            SeriesCell first = cell[(size_t)2 * i * f->n_wires + w];

            add(&first, &cell[(size_t)(2 * i + 1) * f->n_wires + w]);
            *to = first;
        }
        b[i] = b[2 * i];
        for (size_t k = 0; k < sizeof(*b) / sizeof(uint64_t); k++) {
            ((uint64_t *)&b[i])[k] += ((uint64_t *)&b[2 * i + 1])[k];
        }
    }
    s->closed /= 2;
    s->bin_ps *= 2;
    g_array_set_size(s->cells, s->closed * f->n_wires);
    g_array_set_size(s->balance, s->closed);
}

/* The edge at s->next_ps: everything before it has happened. */
static void close_bin(Fabric *f, FabricSeries *s)
{
    FabricBalanceStats now, delta;

    if (s->closed == s->max_bins) {
        halve(f, s);
        s->next_ps = s->begin_ps + (s->closed + 1) * s->bin_ps;
        return;
    }
    for (uint32_t w = 0; w < f->n_wires; w++) {
        SeriesCell c = counters(f, w);
        SeriesCell d = since(&c, &s->last[w]);

        g_array_append_val(s->cells, d);
        s->last[w] = c;
        s->max[w] = MAX(s->max[w], c.max_cells);
        if (f->node[f->rare[w].from_node].core) {
            switch_core_port_max_restart(f->node[f->rare[w].from_node].core,
                                         f->rare[w].from_port);
        }
    }
    fabric_stats_balance(f, &now);
    delta = balance_since(&now, &s->balance_last);
    g_array_append_val(s->balance, delta);
    s->balance_last = now;
    s->closed++;
    s->next_ps += s->bin_ps;
}

void fabric_series_advance(Fabric *f, uint64_t ps)
{
    while (f->series->next_ps <= ps) {
        close_bin(f, f->series);
    }
}

uint64_t fabric_series_next_ps(const Fabric *f)
{
    return f->series->next_ps;
}

/* Of closed bins; the caller adds the one that runs. */
uint32_t fabric_series_max_cells(const Fabric *f, uint32_t wire)
{
    return f->series ? f->series->max[wire] : 0;
}

/* Counters are about to be others: what the bin has so far goes on. */
static void carry(Fabric *f, FabricSeries *s)
{
    FabricBalanceStats now;

    for (uint32_t w = 0; w < f->n_wires; w++) {
        SeriesCell c = counters(f, w);
        SeriesCell d = since(&c, &s->last[w]);

        s->last[w] = (SeriesCell){ .wire_bytes = 0 - d.wire_bytes,
                                   .packets = 0 - d.packets,
                                   .marked = 0 - d.marked,
                                   .dropped = 0 - d.dropped };
    }
    fabric_stats_balance(f, &now);
    now = balance_since(&now, &s->balance_last);
    memset(&s->balance_last, 0, sizeof(s->balance_last));
    s->balance_last = balance_since(&s->balance_last, &now);
}

void fabric_series_before_reset(Fabric *f)
{
    if (f->series) {
        carry(f, f->series);
        memset(f->series->max, 0, f->n_wires * sizeof(*f->series->max));
    }
}

void fabric_series_before_load(Fabric *f)
{
    if (f->series) {
        carry(f, f->series);
    }
}

void fabric_series_after_load(Fabric *f)
{
    FabricSeries *s = f->series;

    for (uint32_t w = 0; s && w < f->n_wires; w++) {
        SeriesCell c = counters(f, w);

        add(&s->last[w], &c);
    }
}

void fabric_series_free(FabricSeries *s)
{
    if (s) {
        g_array_unref(s->cells);
        g_array_unref(s->balance);
        g_free(s->last);
        g_free(s->max);
        g_free(s);
    }
}

/* ---- for callers --------------------------------------------------------- */

bool fabric_stats_series(Fabric *f, uint64_t bin_ps, uint32_t max_bins,
                         GError **errp)
{
    FabricSeries *s;

    if (!f->built || bin_ps == 0 || max_bins < 2 || max_bins > MAX_BINS ||
        max_bins % 2) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TRAFFIC,
                    "statistics over time: %s",
                    f->built ? "a bin is at least 1 ps wide, and there are 2 "
                               "to 65536 of them, an even number"
                             : "the fabric is not built");
        return false;
    }
    s = g_new0(FabricSeries, 1);
    s->begin_ps = f->now_ps;
    s->bin_ps = bin_ps;
    s->next_ps = f->now_ps + bin_ps;
    s->max_bins = max_bins;
    s->cells = g_array_new(FALSE, FALSE, sizeof(SeriesCell));
    s->balance = g_array_new(FALSE, FALSE, sizeof(FabricBalanceStats));
    s->last = g_new0(SeriesCell, f->n_wires);
    s->max = g_new0(uint32_t, f->n_wires);
    for (uint32_t w = 0; w < f->n_wires; w++) {
        s->last[w] = counters(f, w);
        s->max[w] = fabric_series_max_cells(f, w);
    }
    fabric_stats_balance(f, &s->balance_last);
    fabric_series_free(f->series);
    f->series = s;
    return true;
}

uint64_t fabric_stats_bin_ps(const Fabric *f)
{
    return f->series ? f->series->bin_ps : 0;
}

uint64_t fabric_stats_begin_ps(const Fabric *f)
{
    return f->series ? f->series->begin_ps : 0;
}

uint32_t fabric_stats_bins(const Fabric *f)
{
    const FabricSeries *s = f->series;

    return !s ? 0
              : s->closed +
                    (f->now_ps > s->begin_ps + s->closed * s->bin_ps ? 1 : 0);
}

bool fabric_stats_link_bin(const Fabric *f, uint32_t link, uint32_t from_node,
                           uint32_t bin, FabricLinkBin *ret)
{
    const FabricSeries *s = f->series;
    const FabricLink *l = &f->links[link];
    uint32_t end = l->node[1] == from_node, wire;
    SeriesCell c;

    if (bin >= fabric_stats_bins(f) || l->node[end] != from_node) {
        return false;
    }
    wire = fabric_link_wire(f, link, end);
    if (bin < s->closed) {
        c = g_array_index(s->cells, SeriesCell,
                          (size_t)bin * f->n_wires + wire);
    } else {
        c = counters(f, wire);
        c = since(&c, &s->last[wire]);
    }
    *ret = (FabricLinkBin){
        .wire_bytes = c.wire_bytes,
        .packets = c.packets,
        .marked = c.marked,
        .dropped = c.dropped,
        .max_queue_cells = c.max_cells,
        .utilisation_ppm =
            (uint32_t)((unsigned __int128)c.wire_bytes * 8 * 1000000 *
                       1000000000000ull / l->config.rate_bps / s->bin_ps),
    };
    return true;
}

bool fabric_stats_balance_bin(const Fabric *f, uint32_t bin,
                              FabricBalanceStats *ret)
{
    const FabricSeries *s = f->series;

    if (bin >= fabric_stats_bins(f)) {
        return false;
    }
    if (bin < s->closed) {
        *ret = g_array_index(s->balance, FabricBalanceStats, bin);
    } else {
        fabric_stats_balance(f, ret);
        *ret = balance_since(ret, &s->balance_last);
    }
    return true;
}
