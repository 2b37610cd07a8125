/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_series.c: time series of a run.
 */
#include "report_series.h"

#include <string.h>

#include "report_format.h"

void report_series_free(ReportSeries *s)
{
    if (!s) {
        return;
    }
    for (guint i = 0; i < s->n_interfaces; i++) {
        g_free(s->interfaces[i].iops);
        g_free(s->interfaces[i].bytes_per_s);
        g_free(s->interfaces[i].p50_ps);
        g_free(s->interfaces[i].p99_ps);
        g_free(s->interfaces[i].waiting);
    }
    g_free(s->interfaces);
    g_free(s);
}

/* The span that loads cover; false when there is no load. */
static bool load_span(const ReportData *d, uint64_t *ret_from, uint64_t *ret_to)
{
    uint64_t from = UINT64_MAX, to = 0;

    for (guint i = 0; i < d->loads->len; i++) {
        const ReportLoad *load = &g_array_index(d->loads, ReportLoad, i);

        from = MIN(from, load->begin_ps);
        to = MAX(to, load->end_ps);
    }
    if (from >= to) {
        return false;
    }
    *ret_from = from;
    *ret_to = to;
    return true;
}

/* The smallest of 1, 2, 5 x 10^k ps that is not below @ps. */
static uint64_t round_bin(uint64_t ps)
{
    uint64_t p = 1;

    while (p < ps) {
        p = 2 * p >= ps ? 2 * p : 5 * p >= ps ? 5 * p : 10 * p;
    }
    return p;
}

static gint bin_of(const ReportSeries *s, uint64_t t_ps)
{
    uint64_t bin;

    if (t_ps < s->from_ps || t_ps >= s->to_ps) {
        return -1;
    }
    bin = (t_ps - s->from_ps) / s->bin_ps;
    return bin < s->bins ? (gint)bin : -1;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static uint64_t nearest_rank(const GArray *sorted, guint percent)
{
    guint rank = (guint)(((uint64_t)sorted->len * percent + 99) / 100);

    return g_array_index(sorted, uint64_t, MAX(rank, 1) - 1);
}

static void close_bin(ReportIfSeries *one, gint bin, GArray *latencies)
{
    if (bin >= 0 && latencies->len) {
        g_array_sort(latencies, by_value);
        one->p50_ps[bin] = nearest_rank(latencies, 50);
        one->p99_ps[bin] = nearest_rank(latencies, 99);
    }
    g_array_set_size(latencies, 0);
}

static void fill_done(ReportSeries *s, const ReportData *d, guint interface)
{
    g_autoptr(GArray) latencies = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    ReportIfSeries *one = &s->interfaces[interface];
    gint current = -1;

    for (guint i = 0; i < d->done->len; i++) {
        const ReportDone *done = &g_array_index(d->done, ReportDone, i);
        gint bin = bin_of(s, done->t_ps);

        if (done->interface != interface || bin < 0) {
            continue;
        }
        if (bin != current) {
            close_bin(one, current, latencies);
            current = bin;
        }
        one->iops[bin]++;
        if (!done->error) {
            one->bytes_per_s[bin] += done->bytes;
            g_array_append_val(latencies, done->latency_ps);
        }
    }
    close_bin(one, current, latencies);
    for (guint bin = 0; bin < s->bins; bin++) {
        one->iops[bin] = rate_per_s(one->iops[bin], s->bin_ps);
        one->bytes_per_s[bin] = rate_per_s(one->bytes_per_s[bin], s->bin_ps);
    }
}

static void fill_waiting(ReportSeries *s, const ReportData *d, guint interface)
{
    uint64_t *waiting = s->interfaces[interface].waiting;
    int64_t now = 0;
    gint last = -1;

    for (guint i = 0; i < d->waits->len; i++) {
        const ReportWait *w = &g_array_index(d->waits, ReportWait, i);
        gint bin = bin_of(s, w->t_ps);

        if (w->interface != interface) {
            continue;
        }
        /* Between two changes the number stands. */
        for (gint b = last + 1; bin >= 0 && b <= bin; b++) {
            waiting[b] = (uint64_t)MAX(now, 0);
        }
        now += w->change;
        if (bin >= 0) {
            waiting[bin] = MAX(waiting[bin], (uint64_t)MAX(now, 0));
            last = bin;
        }
    }
}

static ReportIfSeries series_of(guint bins)
{
    ReportIfSeries one = {
        .iops = g_new0(uint64_t, bins),
        .bytes_per_s = g_new0(uint64_t, bins),
        .p50_ps = g_new0(uint64_t, bins),
        .p99_ps = g_new0(uint64_t, bins),
        .waiting = g_new0(uint64_t, bins),
    };

    return one;
}

ReportSeries *report_series_new(const ReportData *d, guint wanted_bins)
{
    g_autoptr(ReportSeries) s = NULL;
    uint64_t from, to;

    if (d->done->len == 0) {
        return NULL;
    }
    if (!load_span(d, &from, &to)) {
        from = g_array_index(d->done, ReportDone, 0).t_ps;
        to = g_array_index(d->done, ReportDone, d->done->len - 1).t_ps + 1;
    }
    s = g_new0(ReportSeries, 1);
    s->bin_ps = round_bin((to - from + wanted_bins - 1) / wanted_bins);
    s->from_ps = from;
    /* A bin that is cut short would show a rate that never was. */
    s->bins = (guint)MAX((to - from) / s->bin_ps, 1);
    s->to_ps = s->from_ps + s->bins * s->bin_ps;
    s->n_interfaces = d->interfaces->len;
    s->interfaces = g_new0(ReportIfSeries, s->n_interfaces);
    for (guint i = 0; i < s->n_interfaces; i++) {
        s->interfaces[i] = series_of(s->bins);
        fill_done(s, d, i);
        fill_waiting(s, d, i);
    }
    return g_steal_pointer(&s);
}
