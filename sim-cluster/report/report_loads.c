/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_loads.c: numbers and the small curve of each load.
 */
#include "report_loads.h"

#include "report_charts.h"
#include "report_format.h"
#include "svg_plot.h"

#define FAIR_PART 100u /* one in a hundred */
#define SPARK_WIDTH 200
#define SPARK_HEIGHT 40
#define SPARK_BINS 50u

typedef bool (*DoneFn)(void *opaque, const ReportDone *done);

/* Index of the first completion at or after @t_ps. */
static guint first_from(const GArray *done, uint64_t t_ps)
{
    guint low = 0, high = done->len;

    while (low < high) {
        guint mid = low + (high - low) / 2;

        if (g_array_index(done, ReportDone, mid).t_ps < t_ps) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static bool within(const ReportData *d, const ReportLoad *load, guint index)
{
    return index < d->done->len &&
           g_array_index(d->done, ReportDone, index).t_ps <= load->end_ps;
}

bool report_load_uses(const ReportData *d, const ReportLoad *load,
                      guint interface)
{
    const ReportInterface *one = d->interfaces->pdata[interface];
    uint64_t all = 0, ours = 0;

    if (load->node && one->node != load->node) {
        return false;
    }
    if (load->interface) {
        return one->name == load->interface;
    }
    for (guint i = first_from(d->done, load->begin_ps); within(d, load, i);
         i++) {
        all++;
        ours += g_array_index(d->done, ReportDone, i).interface == interface;
    }
    return ours > 0 && ours >= all / FAIR_PART;
}

ReportLoadStats *report_load_stats(const ReportData *d, const ReportLoad *load,
                                   guint interface)
{
    ReportLoadStats *s = g_new0(ReportLoadStats, 1);
    uint64_t first_ps = 0, last_ps = 0, bytes = 0;

    s->latency = hist_new();
    for (guint i = first_from(d->done, load->begin_ps); within(d, load, i);
         i++) {
        const ReportDone *done = &g_array_index(d->done, ReportDone, i);

        if (done->interface != interface) {
            continue;
        }
        first_ps = s->commands ? first_ps : done->t_ps;
        last_ps = done->t_ps;
        s->commands++;
        if (!done->error) {
            bytes += done->bytes;
            hist_add(s->latency, done->latency_ps);
        }
    }
    s->iops = rate_per_s(s->commands, last_ps - first_ps);
    s->bytes_per_s = rate_per_s(bytes, last_ps - first_ps);
    return s;
}

void report_load_stats_free(ReportLoadStats *s)
{
    if (s) {
        hist_free(s->latency);
        g_free(s);
    }
}

/* Completions a second in SPARK_BINS equal parts of the load; the largest. */
static uint64_t fill_bins(const ReportData *d, const ReportLoad *load,
                          guint interface, SvgSample *bins)
{
    uint64_t span_ps = load->end_ps - load->begin_ps, max = 0;
    uint64_t bin_ps = MAX(span_ps / SPARK_BINS, 1);

    for (guint b = 0; b < SPARK_BINS; b++) {
        bins[b] = (SvgSample){ b, 0 };
    }
    for (guint i = first_from(d->done, load->begin_ps); within(d, load, i);
         i++) {
        const ReportDone *done = &g_array_index(d->done, ReportDone, i);
        uint64_t bin = (done->t_ps - load->begin_ps) / bin_ps;

        if (done->interface == interface) {
            bins[MIN(bin, SPARK_BINS - 1)].y++;
        }
    }
    for (guint b = 0; b < SPARK_BINS; b++) {
        bins[b].y = rate_per_s(bins[b].y, bin_ps);
        max = MAX(max, bins[b].y);
    }
    return max;
}

char *report_chart_load(const ReportData *d, const ReportLoad *load,
                        guint interface)
{
    static const SvgStyle base = { .fill = SVG_FRAME };
    const ReportInterface *one = d->interfaces->pdata[interface];
    SvgStyle limit = { .stroke = SVG_INK, .dash = "2 3" };
    SvgSample bins[SPARK_BINS];
    SvgAxis x = { .max = SPARK_BINS - 1, .to = SPARK_WIDTH };
    SvgAxis y = { .from = SPARK_HEIGHT - 2, .to = 2 };
    Svg *svg;

    y.max = fill_bins(d, load, interface, bins);
    if (y.max == 0) {
        return NULL;
    }
    svg = svg_new(SPARK_WIDTH, SPARK_HEIGHT, "IOPS over the load",
                  "Completions a second from the load's begin to its end");
    svg_plot_area(svg, &x, &y, bins, SPARK_BINS, svg_series_colour(interface));
    if (one->limit_iops && one->limit_iops <= y.max) {
        int at = svg_axis_at(&y, one->limit_iops) / 10;

        svg_line(svg, 0, at, SPARK_WIDTH, at, &limit);
    }
    svg_rect(svg, 0, SPARK_HEIGHT - 2, SPARK_WIDTH, 1, &base);
    return svg_finish(svg);
}
