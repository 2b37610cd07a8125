/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_steps.c: the steps as bars over simulated time, and the small bar
 * beside an expectation.
 */
#include "report_charts.h"
#include "report_format.h"
#include "svg_plot.h"

#define LEFT 250
#define RIGHT (REPORT_CHART_WIDTH - 90)
#define TOP 16
#define ROW 22
#define BAR 14
#define MIN_BAR10 30 /* tenths: even an instant shows */
#define HEADROOM_WIDTH 120
#define HEADROOM_HEIGHT 14
#define HEADROOM_LIMIT 84 /* where the limit's line stands */

static const char *verb_colour(const char *verb)
{
    static const struct {
        const char *verb, *colour;
    } colours[] = {
        { "boot", "#7a8794" },       { "start", "#7a8794" },
        { "reboot", "#7a8794" },     { "poweroff", "#7a8794" },
        { "load", "#2563c9" },       { "finish", "#8fb1e6" },
        { "wait", "#c9d1d9" },       { "exec", "#13866f" },
        { "plant", "#13866f" },      { "inspect", "#13866f" },
        { "fault", "#d9730d" },      { "card", "#a8339f" },
        { "checkpoint", "#7a5c1e" }, { "restore", "#7a5c1e" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(colours); i++) {
        if (g_str_equal(colours[i].verb, verb)) {
            return colours[i].colour;
        }
    }
    return "#5b6470";
}

static bool step_failed(const ReportStep *s)
{
    return g_str_equal(s->status, "failed") ||
           g_str_equal(s->status, "error") || g_str_equal(s->status, "broken");
}

static void draw_row(Svg *svg, const ReportStep *s, const SvgAxis *x, int y)
{
    static const SvgFont name_font = { .size = 12, .anchor = SVG_END };
    SvgFont time_font = { .size = 11, .fill = SVG_MUTED };
    g_autofree char *name = g_strdup_printf("%s %s%s%s", s->verb, s->handle,
                                            *s->node ? " on " : "", s->node);
    g_autofree char *length = s->end_ps > s->begin_ps
                                  ? format_ps(s->end_ps - s->begin_ps)
                                  : g_strdup("an instant");
    g_autofree char *begin = format_ps(s->begin_ps);
    g_autofree char *tip = g_strdup_printf("%s: from %s for %s %s", name, begin,
                                           length, s->detail);
    int from10 = svg_axis_at(x, s->begin_ps);
    int width10 = MAX(svg_axis_at(x, s->end_ps) - from10, MIN_BAR10);
    SvgStyle bar = { .fill = verb_colour(s->verb), .radius = 2, .tip = tip };

    if (step_failed(s)) {
        bar.fill = SVG_BAD;
        time_font.fill = SVG_BAD;
    }
    svg_text(svg, LEFT - 10, y + BAR - 3, &name_font, name);
    svg_rect10(svg, from10, y * 10, width10, BAR * 10, &bar);
    svg_text(svg, (from10 + width10) / 10 + 6, y + BAR - 3, &time_font,
             step_failed(s) ? s->status : length);
}

char *report_chart_steps(const ReportData *d)
{
    SvgAxis x = {
        .max = MAX(d->end_ps, 1), .from = LEFT, .to = RIGHT, .label = format_ps
    };
    int bottom = TOP + (int)d->steps->len * ROW + 4;
    Svg *svg;

    if (d->steps->len == 0) {
        return NULL;
    }
    svg = svg_new(REPORT_CHART_WIDTH, bottom + 26, "Steps",
                  "Begin and end of each step in simulated time");
    svg_axis_draw_x(svg, &x, bottom, TOP - 10, 8);
    for (guint i = 0; i < d->steps->len; i++) {
        draw_row(svg, d->steps->pdata[i], &x, TOP + (int)i * ROW);
    }
    return svg_finish(svg);
}

char *report_chart_headroom(const ReportExpect *e)
{
    static const SvgStyle track = { .fill = SVG_GRID, .radius = 3 };
    static const SvgStyle limit = { .stroke = SVG_INK, .width10 = 15 };
    SvgStyle used = { .fill = e->held ? SVG_GOOD : SVG_BAD, .radius = 3 };
    int width10;
    Svg *svg;

    if (e->load_permille < 0) {
        return NULL;
    }
    width10 =
        CLAMP(e->load_permille * HEADROOM_LIMIT / 100, 10, HEADROOM_WIDTH * 10);
    svg = svg_new(HEADROOM_WIDTH, HEADROOM_HEIGHT, "Value against its limit",
                  "The bar is the measured value, the line is the limit");
    svg_rect(svg, 0, 3, HEADROOM_WIDTH, 8, &track);
    svg_rect10(svg, 0, 30, width10, 80, &used);
    svg_line(svg, HEADROOM_LIMIT, 0, HEADROOM_LIMIT, HEADROOM_HEIGHT, &limit);
    return svg_finish(svg);
}
