/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_time.c: panels over simulated time: IOPS, bytes/s, latency, waiting.
 * Columns are the segments of report_series.h, rows the quantities; a row has
 * one y axis, a column one x axis that counts from the segment's begin.
 */
#include "report_charts.h"
#include "report_format.h"
#include "report_series.h"
#include "svg_plot.h"

#include <string.h>

#define LEFT 76
#define RIGHT (REPORT_CHART_WIDTH - 16)
#define TOP 84
#define COLUMN_GAP 24
#define PANEL_HEIGHT 120
#define PANEL_GAP 36
#define WANTED_BINS 240
#define MAX_MARKS 6   /* of a segment */
#define LOG_RATIO 6   /* means further apart need a logarithmic axis */
#define LABEL_ROOM 66 /* units between two labels that do not touch */
#define TICK_ROOM 76
#define CHAR_UNITS 6

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

typedef struct Chart {
    Svg *svg;
    const ReportData *data;
    const ReportSeries *series;
    int bottom;
    int left[REPORT_MAX_SEGMENTS], right[REPORT_MAX_SEGMENTS];
} Chart;

static const ReportSegment *segment(const Chart *c, guint index)
{
    return &g_array_index(c->series->segments, ReportSegment, index);
}

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

static SvgAxis time_axis(const Chart *c, guint column)
{
    const ReportSegment *one = segment(c, column);

    return (SvgAxis){ .max = one->to_ps - one->from_ps,
                      .from = c->left[column],
                      .to = c->right[column],
                      .label = format_ps };
}

/* A line, or a dot where a bin has no neighbours. */
static void draw_piece(const Chart *c, const SvgAxis *x, const SvgAxis *y,
                       const SvgSample *samples, guint n, const SvgStyle *line)
{
    if (n == 1) {
        SvgStyle dot = { .fill = line->stroke };

        svg_circle(c->svg, svg_axis_at(x, samples[0].x) / 10,
                   svg_axis_at(y, samples[0].y) / 10, 2, &dot);
    } else {
        svg_plot_line(c->svg, x, y, samples, n, line);
    }
}

/* The part of @v that is in @column. @draw_zero: a bin without a value is 0,
 * not a gap. */
static void draw_curve(const Chart *c, guint column, const SvgAxis *y,
                       const uint64_t *v, const SvgStyle *line, bool draw_zero)
{
    const ReportSegment *one = segment(c, column);
    g_autofree SvgSample *samples = g_new(SvgSample, one->bins);
    SvgAxis x = time_axis(c, column);
    guint n = 0;

    v += one->first_bin;
    for (guint b = 0; b < one->bins; b++) {
        if (v[b] || draw_zero) {
            samples[n++] =
                (SvgSample){ b * one->bin_ps + one->bin_ps / 2, v[b] };
        } else {
            draw_piece(c, &x, y, samples, n, line);
            n = 0;
        }
    }
    draw_piece(c, &x, y, samples, n, line);
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

static void draw_limit(const Chart *c, guint column, const SvgAxis *y,
                       guint interface, const Panel *panel)
{
    uint64_t limit = limit_of(c->data, interface, panel->limit);
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
    svg_line(c->svg, c->left[column], at, c->right[column], at, &line);
    svg_text(c->svg, c->right[column] - 4, at - 4, &font, text);
}

static void draw_cell(const Chart *c, guint column, const Panel *panel,
                      const SvgAxis *y)
{
    static const SvgStyle frame = { .stroke = SVG_FRAME };
    const ReportSegment *one = segment(c, column);
    SvgAxis grid = *y;

    grid.label = column == 0 ? y->label : NULL;
    svg_axis_draw_y(c->svg, &grid, c->left[column], c->right[column], 4);
    svg_rect(c->svg, c->left[column], y->to, c->right[column] - c->left[column],
             y->from - y->to, &frame);
    for (guint i = 0; i < c->series->n_interfaces; i++) {
        const ReportIfSeries *all = &c->series->interfaces[i];
        const uint64_t *v = values_of(c->series, i, panel->member);
        SvgStyle line = { .stroke = svg_series_colour(i), .width10 = 15 };
        SvgStyle dots = { .stroke = svg_series_colour(i),
                          .width10 = 12,
                          .dash = "1 3" };

        if (all_zero(v + one->first_bin, one->bins)) {
            continue;
        }
        draw_limit(c, column, y, i, panel);
        draw_curve(c, column, y, v, &line, y->scale == SVG_LINEAR);
        if (panel->member == offsetof(ReportIfSeries, p99_ps)) {
            draw_curve(c, column, y, all->p50_ps, &dots, false);
        }
    }
}

static void draw_panel(const Chart *c, const Panel *panel, int top)
{
    static const SvgFont title = { .size = 12, .bold = TRUE };
    SvgAxis y = { .from = top + PANEL_HEIGHT,
                  .to = top,
                  .label = panel->label };
    g_autofree char *text = NULL;

    fit(c->series, panel, &y);
    text = g_strconcat(panel->title, y.scale == SVG_LOG ? " (log scale)" : NULL,
                       NULL);
    svg_text(c->svg, LEFT, top - 7, &title, text);
    for (guint i = 0; i < c->series->segments->len; i++) {
        draw_cell(c, i, panel, &y);
    }
}

/* As much of @text as fits into @units. */
static char *shortened(const char *text, int units)
{
    glong room = MAX(units / CHAR_UNITS, 4);

    if (g_utf8_strlen(text, -1) <= room) {
        return g_strdup(text);
    }
    g_autofree char *part = g_utf8_substring(text, 0, room - 1);

    return g_strconcat(part, "\342\200\246", NULL);
}

static void draw_heads(const Chart *c)
{
    static const SvgFont name_font = { .size = 11 };
    static const SvgFont time_font = { .size = 11, .fill = SVG_MUTED };

    for (guint i = 0; i < c->series->segments->len; i++) {
        const ReportSegment *one = segment(c, i);
        SvgAxis x = time_axis(c, i);
        int width = c->right[i] - c->left[i];
        g_autofree char *name = shortened(one->name, width);
        g_autofree char *begin = format_ps(one->from_ps);
        g_autofree char *from = g_strdup_printf("from %s", begin);

        svg_text(c->svg, c->left[i], 38, &name_font, name);
        svg_text(c->svg, c->left[i], 53, &time_font, from);
        svg_axis_draw_x(c->svg, &x, c->bottom, TOP,
                        (guint)MAX(width / TICK_ROOM, 2));
    }
}

static void draw_marks(const Chart *c, guint column)
{
    static const SvgStyle line = { .stroke = SVG_WARN,
                                   .dash = "3 3",
                                   .opacity_percent = 75 };
    static const SvgFont font = { .size = 10, .fill = SVG_WARN };
    const ReportSegment *one = segment(c, column);
    SvgAxis x = time_axis(c, column);
    int label_free = 0;
    guint drawn = 0;

    for (guint i = 0; i < c->data->marks->len && drawn < MAX_MARKS; i++) {
        const ReportMark *m = &g_array_index(c->data->marks, ReportMark, i);
        g_autofree char *text = NULL;
        int at;

        if (m->t_ps < one->from_ps || m->t_ps > one->to_ps) {
            continue;
        }
        at = svg_axis_at(&x, m->t_ps - one->from_ps) / 10;
        if (at < label_free) {
            continue;
        }
        text =
            g_strdup_printf("%s %s", m->kind, m->interface ? m->interface : "");
        svg_line(c->svg, at, TOP - 4, at, c->bottom, &line);
        svg_text(c->svg, at + 3, c->bottom - 4, &font, text);
        label_free = at + LABEL_ROOM;
        drawn++;
    }
}

static void draw_keys(const Chart *c)
{
    const GPtrArray *list = c->data->interfaces;
    g_autofree const char **names = g_new0(const char *, list->len);
    g_autofree const char **colours = g_new0(const char *, list->len);
    guint n = 0;

    for (guint i = 0; i < list->len; i++) {
        const ReportInterface *one = list->pdata[i];

        if (report_if_commands(one)) {
            names[n] = one->label;
            colours[n++] = svg_series_colour(i);
        }
    }
    svg_legend(c->svg, LEFT, 14, names, colours, MIN(n, 10));
}

static void place_columns(Chart *c)
{
    guint n = c->series->segments->len;
    int room = RIGHT - LEFT - (int)(n - 1) * COLUMN_GAP, at = LEFT;

    for (guint i = 0; i < n; i++) {
        c->left[i] = at;
        at += room * (int)segment(c, i)->share_permille / 1000;
        c->right[i] = at;
        at += COLUMN_GAP;
    }
}

char *report_chart_time(const ReportData *d)
{
    static const SvgFont axis_font = { .size = 12,
                                       .fill = SVG_MUTED,
                                       .anchor = SVG_MIDDLE };
    g_autoptr(ReportSeries) s = report_series_new(d, WANTED_BINS);
    Chart c = { .data = d, .series = s };
    int shown = 0, top = TOP;
    SvgAxis y = { 0 };

    if (!s) {
        return NULL;
    }
    for (guint i = 0; i < G_N_ELEMENTS(panels); i++) {
        shown += fit(s, &panels[i], &y);
    }
    if (shown == 0) {
        return NULL;
    }
    c.bottom = TOP + shown * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP;
    c.svg = svg_new(REPORT_CHART_WIDTH, c.bottom + 44, "Over simulated time",
                    "I/O rate, throughput, latency and waiting commands of "
                    "each interface over simulated time");
    place_columns(&c);
    draw_keys(&c);
    draw_heads(&c);
    for (guint i = 0; i < G_N_ELEMENTS(panels); i++) {
        if (fit(s, &panels[i], &y)) {
            draw_panel(&c, &panels[i], top);
            top += PANEL_HEIGHT + PANEL_GAP;
        }
    }
    for (guint i = 0; i < s->segments->len; i++) {
        draw_marks(&c, i);
    }
    svg_text(c.svg, (LEFT + RIGHT) / 2, c.bottom + 36, &axis_font,
             "simulated time since the begin of each part");
    return svg_finish(c.svg);
}
