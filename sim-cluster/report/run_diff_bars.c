/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_diff_bars.c: numbers of two runs as pairs of horizontal bars. The scale
 * is logarithmic: what counts is the factor between the two.
 */
#include "report_format.h"
#include "run_diff.h"
#include "svg_plot.h"

#define WIDTH 1080
#define LEFT 380
#define RIGHT (WIDTH - 190)
#define TOP 64
#define ROW 34
#define BAR 11
#define BOTTOM_ROOM 34
#define MAX_ROWS 40

static bool wanted(const RunDiffRow *r, const char *unit)
{
    return g_str_equal(r->unit, unit) && (r->value[0] > 0 || r->value[1] > 0) &&
           r->value[0] >= 0 && r->value[1] >= 0;
}

static guint fit(const GPtrArray *rows, const char *unit, SvgAxis *x)
{
    guint n = 0;

    x->min = UINT64_MAX;
    for (guint i = 0; i < rows->len && n < MAX_ROWS; i++) {
        const RunDiffRow *r = rows->pdata[i];

        if (!wanted(r, unit)) {
            continue;
        }
        for (unsigned k = 0; k < 2; k++) {
            if (r->value[k] > 0) {
                x->min = MIN(x->min, (uint64_t)r->value[k]);
                x->max = MAX(x->max, (uint64_t)r->value[k]);
            }
        }
        n++;
    }
    if (n) {
        x->min = MAX(x->min / 2, 1); /* the shortest bar can be seen, too */
        svg_axis_round(x);
    }
    return n;
}

static void draw_row(Svg *svg, const SvgAxis *x, const RunDiffRow *r, int y)
{
    static const SvgFont name = { .size = 12, .anchor = SVG_END };
    static const SvgFont change = { .size = 12, .fill = SVG_MUTED };

    svg_text(svg, LEFT - 12, y + BAR + 3, &name, r->name);
    for (unsigned k = 0; k < 2; k++) {
        SvgStyle bar = { .fill = svg_series_colour(k), .tip = r->text[k] };
        int end10;

        if (r->value[k] <= 0) {
            continue;
        }
        end10 = svg_axis_at(x, (uint64_t)r->value[k]);
        svg_rect10(svg, LEFT * 10, (y + (int)k * BAR) * 10,
                   MAX(end10 - LEFT * 10, 10), (BAR - 1) * 10, &bar);
    }
    svg_text(svg, RIGHT + 12, y + BAR + 3, &change, r->relative);
}

static char *duration_label(uint64_t value)
{
    return format_ps(value);
}

static char *plain_label(uint64_t value)
{
    return format_count(value);
}

char *run_diff_bars(const RunDiff *d, const GPtrArray *rows, const char *unit)
{
    SvgAxis x = { .scale = SVG_LOG,
                  .from = LEFT,
                  .to = RIGHT,
                  .label =
                      g_str_equal(unit, "ps") ? duration_label : plain_label };
    const char *names[2] = { d->label[0], d->label[1] };
    const char *colours[2] = { svg_series_colour(0), svg_series_colour(1) };
    guint n = fit(rows, unit, &x);
    int bottom = TOP + (int)n * ROW, y = TOP + (ROW - 2 * BAR) / 2;
    Svg *svg;

    if (n == 0) {
        return NULL;
    }
    svg = svg_new(WIDTH, bottom + BOTTOM_ROOM, "Latency of both runs",
                  "A pair of bars for each percentile, on a logarithmic scale");
    svg_legend(svg, LEFT, 30, names, colours, 2);
    svg_axis_draw_x(svg, &x, bottom, TOP, 8);
    for (guint i = 0, k = 0; i < rows->len && k < n; i++) {
        const RunDiffRow *r = rows->pdata[i];

        if (wanted(r, unit)) {
            draw_row(svg, &x, r, y);
            y += ROW;
            k++;
        }
    }
    return svg_finish(svg);
}
