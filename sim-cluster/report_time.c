/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_time.c: panels over simulated time: IOPS, bytes/s, latency, waiting.
 */
#include "report_charts.h"
#include "report_format.h"
#include "report_series.h"
#include "svg_plot.h"

#include <string.h>

#define LEFT 76
#define RIGHT (REPORT_CHART_WIDTH - 36)
#define TOP 104
#define PANEL_HEIGHT 120
#define PANEL_GAP 36
#define WANTED_BINS 240
#define MAX_MARKS 10
#define LOG_RATIO 6 /* means further apart need a logarithmic axis */
#define LOAD_ROWS 3
#define LABEL_ROOM 66 /* units between two labels that do not touch */

typedef struct Panel {
    const char *title;
    size_t member; /* of ReportIfSeries */
    SvgLabelFn label;
    enum { LINEAR, LOG, AUTO } scale; /* AUTO: what shows all interfaces */
    bool binary;
    size_t limit; /* of ReportInterface, uint64_t; 0: none */
} Panel;

static const Panel panels[] = {
    { "I/O commands a second", offsetof(ReportIfSeries, iops), format_count,
      AUTO, false, offsetof(ReportInterface, limit_iops) },
    { "throughput", offsetof(ReportIfSeries, bytes_per_s), format_bytes_per_s,
      AUTO, true, offsetof(ReportInterface, limit_bytes_per_s) },
    { "latency: p99 solid, median dotted", offsetof(ReportIfSeries, p99_ps),
      format_ps, LOG, false, 0 },
    { "commands waiting for their interface's limit",
      offsetof(ReportIfSeries, waiting), format_count, LINEAR, false, 0 },
};

static const uint64_t *values_of(const ReportSeries *s, guint interface,
                                 size_t member)
{
    const char *base = (const char *)&s->interfaces[interface];

    return *(uint64_t *const *)(base + member);
}

static uint64_t limit_of(const ReportData *d, guint interface, size_t member)
{
    const char *base = d->interfaces->pdata[interface];

    return member ? *(const uint64_t *)(base + member) : 0;
}

static uint64_t mean_of(const uint64_t *v, guint n)
{
    uint64_t sum = 0, used = 0;

    for (guint i = 0; i < n; i++) {
        sum += v[i];
        used += v[i] != 0;
    }
    return used ? sum / used : 0;
}

static SvgScale choose_scale(const ReportSeries *s, const Panel *panel)
{
    uint64_t least = UINT64_MAX, most = 0;

    if (panel->scale != AUTO) {
        return panel->scale == LOG ? SVG_LOG : SVG_LINEAR;
    }
    for (guint i = 0; i < s->n_interfaces; i++) {
        uint64_t mean = mean_of(values_of(s, i, panel->member), s->bins);

        most = MAX(most, mean);
        least = mean ? MIN(least, mean) : least;
    }
    return most && most / least >= LOG_RATIO ? SVG_LOG : SVG_LINEAR;
}

/* The axis that shows all values of @panel; false when all are 0. */
static bool fit(const ReportSeries *s, const Panel *panel, SvgAxis *y)
{
    uint64_t min = UINT64_MAX, max = 0;

    for (guint i = 0; i < s->n_interfaces; i++) {
        const uint64_t *v = values_of(s, i, panel->member);

        for (guint b = 0; b < s->bins; b++) {
            max = MAX(max, v[b]);
            min = v[b] ? MIN(min, v[b]) : min;
        }
    }
    y->scale = choose_scale(s, panel);
    y->binary = panel->binary;
    y->min = y->scale == SVG_LOG ? min : 0;
    y->max = max;
    if (max) {
        svg_axis_round(y);
    }
    return max != 0;
}

/* @draw_zero: bins without a value are 0, not a gap. */
static void draw_curve(Svg *svg, const ReportSeries *s, const SvgAxis *x,
                       const SvgAxis *y, const uint64_t *v,
                       const SvgStyle *line, bool draw_zero)
{
    g_autofree SvgSample *samples = g_new(SvgSample, s->bins);
    guint n = 0;

    for (guint b = 0; b < s->bins; b++) {
        if (v[b] || draw_zero) {
            samples[n++] =
                (SvgSample){ s->from_ps + b * s->bin_ps + s->bin_ps / 2, v[b] };
        } else {
            svg_plot_line(svg, x, y, samples, n, line);
            n = 0;
        }
    }
    svg_plot_line(svg, x, y, samples, n, line);
}

static bool all_zero(const uint64_t *v, guint n)
{
    for (guint i = 0; i < n; i++) {
        if (v[i]) {
            return false;
        }
    }
    return true;
}

static void draw_limit(Svg *svg, const ReportData *d, const SvgAxis *y,
                       guint interface, const Panel *panel)
{
    uint64_t limit = limit_of(d, interface, panel->limit);
    SvgStyle line = { .stroke = svg_series_colour(interface),
                      .dash = "2 4",
                      .width10 = 10 };
    SvgFont font = { .size = 11,
                     .fill = svg_series_colour(interface),
                     .anchor = SVG_END };
    g_autofree char *value = NULL, *text = NULL;
    int at;

    if (limit == 0 || limit > y->max) {
        return;
    }
    at = svg_axis_at(y, limit) / 10;
    value = panel->label(limit);
    text = g_strdup_printf("limit %s", value);
    svg_line(svg, LEFT, at, RIGHT, at, &line);
    svg_text(svg, RIGHT - 4, at - 4, &font, text);
}

static void draw_panel(Svg *svg, const ReportData *d, const ReportSeries *s,
                       const SvgAxis *x, const Panel *panel, int top)
{
    static const SvgStyle frame = { .stroke = SVG_FRAME };
    static const SvgFont title = { .size = 12, .bold = TRUE };
    SvgAxis y = { .from = top + PANEL_HEIGHT,
                  .to = top,
                  .label = panel->label };
    g_autofree char *text = NULL;

    fit(s, panel, &y);
    svg_axis_draw_y(svg, &y, LEFT, RIGHT, 4);
    svg_rect(svg, LEFT, top, RIGHT - LEFT, PANEL_HEIGHT, &frame);
    text = g_strconcat(panel->title, y.scale == SVG_LOG ? " (log scale)" : NULL,
                       NULL);
    svg_text(svg, LEFT, top - 7, &title, text);
    for (guint i = 0; i < s->n_interfaces; i++) {
        const uint64_t *v = values_of(s, i, panel->member);
        SvgStyle line = { .stroke = svg_series_colour(i), .width10 = 15 };
        SvgStyle dots = { .stroke = svg_series_colour(i),
                          .width10 = 12,
                          .dash = "1 3" };

        if (all_zero(v, s->bins)) {
            continue;
        }
        draw_limit(svg, d, &y, i, panel);
        draw_curve(svg, s, x, &y, v, &line, y.scale == SVG_LINEAR);
        if (panel->member == offsetof(ReportIfSeries, p99_ps)) {
            draw_curve(svg, s, x, &y, s->interfaces[i].p50_ps, &dots, false);
        }
    }
}

/* The spans of the loads, named at the top. */
static void draw_loads(Svg *svg, const ReportData *d, const ReportSeries *s,
                       const SvgAxis *x)
{
    static const SvgFont font = { .size = 11, .fill = SVG_MUTED };
    static const SvgStyle tick = { .stroke = SVG_FRAME, .width10 = 20 };
    int free_at[LOAD_ROWS] = { 0 };

    for (guint i = 0; i < d->loads->len; i++) {
        const ReportLoad *load = &g_array_index(d->loads, ReportLoad, i);
        int from, to;
        guint row;

        from = svg_axis_at(x, load->begin_ps) / 10;
        to = svg_axis_at(x, load->end_ps) / 10;
        for (row = 0; row < LOAD_ROWS && from < free_at[row]; row++) {
        }
        if (row == LOAD_ROWS) {
            continue;
        }
        svg_line(svg, from, 42 + (int)row * 16, MAX(to, from + 2),
                 42 + (int)row * 16, &tick);
        svg_text(svg, from, 38 + (int)row * 16, &font, load->handle);
        free_at[row] = MAX(to, from + (int)strlen(load->handle) * 6) + 6;
    }
}

static void draw_marks(Svg *svg, const ReportData *d, const ReportSeries *s,
                       const SvgAxis *x, int bottom)
{
    static const SvgStyle line = { .stroke = SVG_WARN,
                                   .dash = "3 3",
                                   .opacity_percent = 75 };
    static const SvgFont font = { .size = 10, .fill = SVG_WARN };
    int label_free = 0;
    guint drawn = 0;

    for (guint i = 0; i < d->marks->len && drawn < MAX_MARKS; i++) {
        const ReportMark *m = &g_array_index(d->marks, ReportMark, i);
        int at = svg_axis_at(x, m->t_ps) / 10;
        g_autofree char *text = NULL;

        if (m->t_ps < s->from_ps || m->t_ps > s->to_ps || at < label_free) {
            continue;
        }
        text =
            g_strdup_printf("%s %s", m->kind, m->interface ? m->interface : "");
        svg_line(svg, at, TOP - 4, at, bottom, &line);
        svg_text(svg, at + 3, bottom - 4, &font, text);
        label_free = at + LABEL_ROOM;
        drawn++;
    }
}

static void draw_keys(Svg *svg, const ReportData *d)
{
    g_autofree const char **names = g_new0(const char *, d->interfaces->len);
    g_autofree const char **colours = g_new0(const char *, d->interfaces->len);
    guint n = 0;

    for (guint i = 0; i < d->interfaces->len; i++) {
        const ReportInterface *one = d->interfaces->pdata[i];

        if (report_if_commands(one)) {
            names[n] = one->label;
            colours[n++] = svg_series_colour(i);
        }
    }
    svg_legend(svg, LEFT, 14, names, colours, MIN(n, 10));
}

char *report_chart_time(const ReportData *d)
{
    static const SvgFont axis_font = { .size = 12,
                                       .fill = SVG_MUTED,
                                       .anchor = SVG_MIDDLE };
    g_autoptr(ReportSeries) s = report_series_new(d, WANTED_BINS);
    guint shown = 0;
    SvgAxis x = { .from = LEFT, .to = RIGHT, .label = format_ps };
    int top = TOP, bottom;
    Svg *svg;

    if (!s) {
        return NULL;
    }
    for (guint i = 0; i < G_N_ELEMENTS(panels); i++) {
        SvgAxis y = { 0 };

        shown += fit(s, &panels[i], &y);
    }
    x.min = s->from_ps;
    x.max = s->to_ps;
    bottom = TOP + (int)shown * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP;
    svg = svg_new(REPORT_CHART_WIDTH, bottom + 44, "Over simulated time",
                  "I/O rate, throughput, latency and waiting commands of each "
                  "interface over simulated time");
    draw_keys(svg, d);
    svg_axis_draw_x(svg, &x, bottom, TOP, 9);
    for (guint i = 0; i < G_N_ELEMENTS(panels); i++) {
        SvgAxis y = { 0 };

        if (fit(s, &panels[i], &y)) {
            draw_panel(svg, d, s, &x, &panels[i], top);
            top += PANEL_HEIGHT + PANEL_GAP;
        }
    }
    draw_loads(svg, d, s, &x);
    draw_marks(svg, d, s, &x, bottom);
    svg_text(svg, (LEFT + RIGHT) / 2, bottom + 36, &axis_font,
             "simulated time");
    return svg_finish(svg);
}
