/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_fct.c: completion times by size of the flow: for each class of size a
 * group of bars, median to longest, on a logarithmic scale.
 */
#include "report_charts.h"
#include "report_fabric.h"
#include "report_format.h"
#include "svg_plot.h"

#define LEFT 90
#define RIGHT (REPORT_CHART_WIDTH - 24)
#define TOP 50
#define BOTTOM 300
#define HEIGHT 350
#define BAR 22

static const char *const members[] = { "p50_ps", "p90_ps", "p99_ps", "p999_ps",
                                       "max_ps" };
static const char *const names[] = { "median", "90 %", "99 %", "99.9 %",
                                     "longest" };
#define POINTS G_N_ELEMENTS(members)

static char *time_label(uint64_t value)
{
    return format_ps(value);
}

static void draw_class(Svg *svg, const SvgAxis *y, JsonObject *o, int middle)
{
    static const SvgFont font = { .size = 12, .anchor = SVG_MIDDLE };
    static const SvgFont small = { .size = 11,
                                   .fill = SVG_MUTED,
                                   .anchor = SVG_MIDDLE };
    g_autofree char *count = format_exact(report_json_u64(o, "count"));
    g_autofree char *flows = g_strdup_printf("%s flows", count);
    int x = middle - (int)POINTS * BAR / 2;

    for (guint i = 0; i < POINTS; i++) {
        uint64_t value = report_json_u64(o, members[i]);
        g_autofree char *tip = format_ps(value);
        const SvgStyle bar = { .fill = svg_series_colour(i), .tip = tip };
        int top10 = svg_axis_at(y, MAX(value, 1));

        svg_rect10(svg, (x + (int)i * BAR) * 10, top10, (BAR - 3) * 10,
                   BOTTOM * 10 - top10, &bar);
    }
    svg_text(svg, middle, BOTTOM + 18, &font, report_json_text(o, "class", ""));
    svg_text(svg, middle, BOTTOM + 34, &small, flows);
}

char *report_fabric_fct(const ReportData *d)
{
    JsonObject *network = report_json_object(d->root, "network");
    JsonArray *list = network ? report_json_array(network, "fct") : NULL;
    guint n = list ? json_array_get_length(list) : 0;
    SvgAxis y = { .scale = SVG_LOG,
                  .min = UINT64_MAX,
                  .from = BOTTOM,
                  .to = TOP,
                  .label = time_label };
    const char *colours[POINTS];
    Svg *svg;

    for (guint i = 0; i < n; i++) {
        JsonObject *o = report_json_element(list, i);

        y.min = MIN(y.min, MAX(report_json_u64(o, members[0]) / 2, 1));
        y.max = MAX(y.max, report_json_u64(o, members[POINTS - 1]));
    }
    if (n == 0 || y.max <= y.min) {
        return NULL;
    }
    svg_axis_round(&y);
    svg = svg_new(REPORT_CHART_WIDTH, HEIGHT, "Completion times",
                  "Percentiles of the completion times of flows, by size");
    for (guint i = 0; i < POINTS; i++) {
        colours[i] = svg_series_colour(i);
    }
    svg_legend(svg, LEFT, 26, names, colours, POINTS);
    svg_axis_draw_y(svg, &y, LEFT, RIGHT, 8);
    for (guint i = 0; i < n; i++) {
        draw_class(svg, &y, report_json_element(list, i),
                   LEFT + (int)((RIGHT - LEFT) * (2 * i + 1) / (2 * n)));
    }
    return svg_finish(svg);
}
