/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_series.c: time series of a run.
 */
#include "report_series.h"

#include <string.h>

#include "report_format.h"

#define ALIKE_PERMILLE 700u

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
    g_array_unref(s->segments);
    g_free(s->interfaces);
    g_free(s);
}

/* ---- segments ---------------------------------------------------------- */

static void segment_clear(void *p)
{
    g_free(((ReportSegment *)p)->name);
}

static ReportSegment *segment(const ReportSeries *s, guint index)
{
    return &g_array_index(s->segments, ReportSegment, index);
}

/* Instants of the first and last completion within [@from, @to]. */
static bool active_span(const ReportData *d, uint64_t from_ps, uint64_t to_ps,
                        uint64_t *ret_from_ps, uint64_t *ret_to_ps)
{
    bool found = false;

    for (guint i = 0; i < d->done->len; i++) {
        uint64_t t_ps = g_array_index(d->done, ReportDone, i).t_ps;

        if (t_ps < from_ps || t_ps > to_ps) {
            continue;
        }
        *ret_from_ps = found ? *ret_from_ps : t_ps;
        *ret_to_ps = t_ps + 1;
        found = true;
    }
    return found;
}

/* Makes one segment of @index and the next one. */
static void join_next(ReportSeries *s, guint index)
{
    ReportSegment *a = segment(s, index), *b = segment(s, index + 1);
    char *name = g_strdup_printf("%s, %s", a->name, b->name);

    g_free(a->name);
    a->name = name;
    a->to_ps = MAX(a->to_ps, b->to_ps);
    g_array_remove_index(s->segments, index + 1);
}

static void add_segment(ReportSeries *s, uint64_t from_ps, uint64_t to_ps,
                        const char *name)
{
    ReportSegment one = { .from_ps = from_ps,
                          .to_ps = to_ps,
                          .name = g_strdup(name) };
    guint at = s->segments->len;

    while (at > 0 && segment(s, at - 1)->from_ps > from_ps) {
        at--;
    }
    g_array_insert_val(s->segments, at, one);
}

static void join_segments(ReportSeries *s)
{
    for (guint i = 0; i + 1 < s->segments->len;) {
        if (segment(s, i + 1)->from_ps <= segment(s, i)->to_ps) {
            join_next(s, i);
        } else {
            i++;
        }
    }
    while (s->segments->len > REPORT_MAX_SEGMENTS) {
        uint64_t least_ps = UINT64_MAX;
        guint best = 0;

        for (guint i = 0; i + 1 < s->segments->len; i++) {
            uint64_t gap_ps = segment(s, i + 1)->from_ps - segment(s, i)->to_ps;

            if (gap_ps < least_ps) {
                least_ps = gap_ps;
                best = i;
            }
        }
        join_next(s, best);
    }
}

/* Most of the room goes to all alike, the rest by length. */
static void share_room(ReportSeries *s, guint wanted_bins)
{
    uint64_t all_ps = 0;
    guint n = s->segments->len;

    for (guint i = 0; i < n; i++) {
        all_ps += segment(s, i)->to_ps - segment(s, i)->from_ps;
    }
    for (guint i = 0; i < n; i++) {
        ReportSegment *one = segment(s, i);
        uint64_t span_ps = one->to_ps - one->from_ps;
        guint wanted;

        one->share_permille =
            ALIKE_PERMILLE / n + (guint)((unsigned __int128)span_ps *
                                         (1000 - ALIKE_PERMILLE) / all_ps);
        wanted = MAX(wanted_bins * one->share_permille / 1000, 2);
        /* A bin that is cut short would show a rate that never was; what
         * does not fill a bin at the end is a few picoseconds. */
        one->bin_ps = MAX(span_ps / wanted, 1);
        one->bins = (guint)MAX(span_ps / one->bin_ps, 1);
        one->to_ps = one->from_ps + one->bins * one->bin_ps;
        one->first_bin = s->bins;
        s->bins += one->bins;
    }
}

static void cut_segments(ReportSeries *s, const ReportData *d,
                         guint wanted_bins)
{
    uint64_t from_ps, to_ps;

    for (guint i = 0; i < d->loads->len; i++) {
        const ReportLoad *load = &g_array_index(d->loads, ReportLoad, i);

        if (active_span(d, load->begin_ps, load->end_ps, &from_ps, &to_ps)) {
            add_segment(s, from_ps, to_ps, load->handle);
        }
    }
    if (s->segments->len == 0 &&
        active_span(d, 0, UINT64_MAX, &from_ps, &to_ps)) {
        add_segment(s, from_ps, to_ps, "");
    }
    join_segments(s);
    share_room(s, wanted_bins);
}

/* The bin of all bins that @t_ps falls into, or -1. */
static gint bin_of(const ReportSeries *s, uint64_t t_ps)
{
    for (guint i = 0; i < s->segments->len; i++) {
        const ReportSegment *one = segment(s, i);

        if (t_ps >= one->from_ps && t_ps < one->to_ps) {
            return (gint)(one->first_bin + (t_ps - one->from_ps) / one->bin_ps);
        }
    }
    return -1;
}

static uint64_t bin_ps_of(const ReportSeries *s, guint bin)
{
    guint i = s->segments->len - 1;

    while (segment(s, i)->first_bin > bin) {
        i--;
    }
    return segment(s, i)->bin_ps;
}

/* ---- series ------------------------------------------------------------ */

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
        uint64_t bin_ps = bin_ps_of(s, bin);

        one->iops[bin] = rate_per_s(one->iops[bin], bin_ps);
        one->bytes_per_s[bin] = rate_per_s(one->bytes_per_s[bin], bin_ps);
    }
}

static void fill_waiting(ReportSeries *s, const ReportData *d, guint interface)
{
    uint64_t *waiting = s->interfaces[interface].waiting;
    int64_t now = 0;
    guint next = 0; /* the first bin that has not begun */

    for (guint i = 0; i < d->waits->len; i++) {
        const ReportWait *w = &g_array_index(d->waits, ReportWait, i);
        gint bin = bin_of(s, w->t_ps);

        if (w->interface != interface) {
            continue;
        }
        /* Between two changes the number stands. */
        for (; bin >= 0 && next <= (guint)bin; next++) {
            waiting[next] = (uint64_t)MAX(now, 0);
        }
        now += w->change;
        if (bin >= 0) {
            waiting[bin] = MAX(waiting[bin], (uint64_t)MAX(now, 0));
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
    ReportSeries *s;

    if (d->done->len == 0) {
        return NULL;
    }
    s = g_new0(ReportSeries, 1);
    s->segments = g_array_new(FALSE, FALSE, sizeof(ReportSegment));
    g_array_set_clear_func(s->segments, segment_clear);
    cut_segments(s, d, wanted_bins);
    s->n_interfaces = d->interfaces->len;
    s->interfaces = g_new0(ReportIfSeries, s->n_interfaces);
    for (guint i = 0; i < s->n_interfaces; i++) {
        s->interfaces[i] = series_of(s->bins);
        fill_done(s, d, i);
        fill_waiting(s, d, i);
    }
    return s;
}
