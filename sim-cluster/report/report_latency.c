/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_latency.c: the latency percentile plot.
 *
 * The x axis shows 1/(1-p) on a logarithmic scale, so that each further nine
 * takes the same room and the tail is as visible as the median.
 */
#include "report_charts.h"
#include "report_format.h"
#include "svg_plot.h"

#define HEIGHT 400
#define LEFT 76
#define RIGHT (REPORT_CHART_WIDTH - 36)
#define TOP 56
#define BOTTOM (HEIGHT - 46)
#define PERCENTILE_UNIT 1000u /* 1/(1-p) = 1 */
#define MAX_CURVES 16

typedef struct Curve {
    const Hist *hist;
    GArray *samples; /* SvgSample: x = 1/(1-p), y = latency */
    uint64_t before;
    guint colour;
    bool dashed;
} Curve;

static char *percentile_label(uint64_t value)
{
    return format_percentile(value / PERCENTILE_UNIT);
}

/* 1/(1-p) when @below of @total samples lie below. */
static uint64_t inverse_rest(uint64_t total, uint64_t below)
{
    return (uint64_t)((unsigned __int128)total * PERCENTILE_UNIT /
                      (total - below));
}

static void add_bucket(void *opaque, uint64_t value, uint64_t count_to_here)
{
    Curve *c = opaque;
    uint64_t total = hist_count(c->hist);
    SvgSample begin = { inverse_rest(total, c->before), MAX(value, 1) };
    SvgSample end = begin;

    end.x = count_to_here < total ? inverse_rest(total, count_to_here)
                                  : total * PERCENTILE_UNIT;
    g_array_append_val(c->samples, begin);
    g_array_append_val(c->samples, end);
    c->before = count_to_here;
}

static guint collect(const ReportData *d, Curve *curves)
{
    guint n = 0;

    for (guint i = 0; i < d->interfaces->len; i++) {
        const ReportInterface *one = d->interfaces->pdata[i];

        for (unsigned dir = REPORT_READ; dir <= REPORT_WRITE; dir++) {
            if (n == MAX_CURVES || hist_count(one->latency[dir]) == 0) {
                continue;
            }
            curves[n].hist = one->latency[dir];
            curves[n].colour = i;
            curves[n].dashed = dir == REPORT_WRITE;
            curves[n].samples = g_array_new(FALSE, FALSE, sizeof(SvgSample));
            hist_foreach(curves[n].hist, add_bucket, &curves[n]);
            n++;
        }
    }
    return n;
}

static void fit(const Curve *curves, guint n, SvgAxis *x, SvgAxis *y)
{
    y->min = UINT64_MAX;
    x->max = 10 * PERCENTILE_UNIT;
    for (guint i = 0; i < n; i++) {
        uint64_t end = hist_count(curves[i].hist) * PERCENTILE_UNIT;

        y->min = MIN(y->min, MAX(hist_min(curves[i].hist), 1));
        y->max = MAX(y->max, hist_max(curves[i].hist));
        while (x->max < end) {
            x->max *= 10;
        }
    }
    svg_axis_round(y);
}

static void draw_keys(Svg *svg, const ReportData *d)
{
    static const SvgFont note = { .size = 12,
                                  .fill = SVG_MUTED,
                                  .anchor = SVG_END };
    g_autofree const char **names = g_new0(const char *, d->interfaces->len);
    g_autofree const char **colours = g_new0(const char *, d->interfaces->len);
    guint n = 0;

    for (guint i = 0; i < d->interfaces->len; i++) {
        const ReportInterface *one = d->interfaces->pdata[i];

        if (hist_count(one->latency[REPORT_READ]) +
            hist_count(one->latency[REPORT_WRITE])) {
            names[n] = one->label;
            colours[n++] = svg_series_colour(i);
        }
    }
    svg_legend(svg, LEFT, 30, names, colours, MIN(n, 8));
    svg_text(svg, RIGHT, 30, &note, "solid: reads, dashed: writes");
}

char *report_chart_latency(const ReportData *d)
{
    static const SvgFont axis_font = { .size = 12,
                                       .fill = SVG_MUTED,
                                       .anchor = SVG_MIDDLE };
    static const SvgStyle frame = { .stroke = SVG_FRAME };
    SvgAxis x = { .scale = SVG_LOG,
                  .min = PERCENTILE_UNIT,
                  .from = LEFT,
                  .to = RIGHT,
                  .label = percentile_label };
    SvgAxis y = {
        .scale = SVG_LOG, .from = BOTTOM, .to = TOP, .label = format_ps
    };
    Curve curves[MAX_CURVES] = { { 0 } };
    guint n = collect(d, curves);
    Svg *svg;

    if (n == 0) {
        return NULL;
    }
    fit(curves, n, &x, &y);
    svg = svg_new(REPORT_CHART_WIDTH, HEIGHT, "Latency percentiles",
                  "Time from fetch to completion over percentile, one curve "
                  "for each interface and direction");
    svg_axis_draw_x(svg, &x, BOTTOM, TOP, 8);
    svg_axis_draw_y(svg, &y, LEFT, RIGHT, 12);
    svg_rect(svg, LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP, &frame);
    svg_text(svg, (LEFT + RIGHT) / 2, HEIGHT - 8, &axis_font,
             "part of the commands that took at most this long");
    svg_text_up(svg, 14, (TOP + BOTTOM) / 2, &axis_font, "fetch to completion");
    for (guint i = 0; i < n; i++) {
        SvgStyle line = { .stroke = svg_series_colour(curves[i].colour),
                          .width10 = 20,
                          .dash = curves[i].dashed ? "6 4" : NULL };

        svg_plot_line(svg, &x, &y, (SvgSample *)curves[i].samples->data,
                      curves[i].samples->len, &line);
        g_array_unref(curves[i].samples);
    }
    draw_keys(svg, d);
    return svg_finish(svg);
}
