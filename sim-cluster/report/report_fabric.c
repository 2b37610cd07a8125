/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_fabric.c: the network over time, from network/series.json: a heat
 * map of the links' loads, queues, marks and drops.
 */
#include <string.h>

#include "report_charts.h"
#include "report_fabric.h"
#include "report_format.h"
#include "svg_plot.h"

#define LEFT 210
#define RIGHT (REPORT_CHART_WIDTH - 24)
#define TOP 44
#define AXIS_ROOM 34
#define MAX_ROWS 96u /* of the heat map */
#define FULL 1000u   /* per mille */
#define PANEL_HEIGHT 150
#define PANEL_GAP 56
#define QUEUES_SHOWN 5u /* names of more do not fit */

struct ReportFabric {
    JsonParser *parser;
    JsonArray *wires;
    uint64_t begin_ps, bin_ps;
    guint bins;
    guint skipped; /* before begin_ps */
};

/* Value @bin of series @name of a wire; 0 when it is left out. */
static uint64_t value_at(const ReportFabric *f, JsonObject *wire,
                         const char *name, guint bin)
{
    JsonArray *a = report_json_array(wire, name);
    guint at = f->skipped + bin;
    gint64 v = a && at < json_array_get_length(a)
                   ? json_array_get_int_element(a, at)
                   : 0;

    return v > 0 ? (uint64_t)v : 0;
}

static uint64_t most_of(const ReportFabric *f, JsonObject *wire,
                        const char *name)
{
    uint64_t most = 0;

    for (guint i = 0; i < f->bins; i++) {
        most = MAX(most, value_at(f, wire, name, i));
    }
    return most;
}

static bool is_quiet(const ReportFabric *f, guint bin)
{
    static const char *const series[] = { "load_permille", "queue_bytes",
                                          "marks", "drops" };

    for (guint i = 0; i < json_array_get_length(f->wires); i++) {
        JsonObject *w = report_json_element(f->wires, i);

        for (guint k = 0; w && k < G_N_ELEMENTS(series); k++) {
            if (value_at(f, w, series[k], bin)) {
                return false;
            }
        }
    }
    return true;
}

/* A run begins with boots, in which next to nothing is sent: the pictures
 * begin a bin before the first traffic. */
static void skip_quiet(ReportFabric *f)
{
    guint quiet = 0;

    while (quiet < f->bins && is_quiet(f, quiet)) {
        quiet++;
    }
    if (quiet < f->bins && quiet > 1) {
        f->skipped = quiet - 1;
        f->bins -= f->skipped;
        f->begin_ps += f->skipped * f->bin_ps;
    }
}

ReportFabric *report_fabric_load(const ReportData *d)
{
    g_autofree char *path =
        g_build_filename(d->dir, "network", "series.json", NULL);
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    JsonNode *root;
    JsonObject *o;
    ReportFabric *f;

    if (!json_parser_load_from_file(parser, path, NULL)) {
        return NULL;
    }
    root = json_parser_get_root(parser);
    o = root && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root)
                                             : NULL;
    if (!o || !report_json_array(o, "wires") || !report_json_u64(o, "bins") ||
        !report_json_u64(o, "bin_ps") ||
        report_json_u64(o, "bins") > G_MAXUINT16) {
        return NULL;
    }
    f = g_new0(ReportFabric, 1);
    f->wires = report_json_array(o, "wires");
    f->begin_ps = report_json_u64(o, "begin_ps");
    f->bin_ps = report_json_u64(o, "bin_ps");
    f->bins = (guint)report_json_u64(o, "bins");
    f->parser = g_steal_pointer(&parser);
    skip_quiet(f);
    return f;
}

void report_fabric_free(ReportFabric *f)
{
    if (f) {
        g_object_unref(f->parser);
        g_free(f);
    }
}

static char *time_label(uint64_t value)
{
    return format_ps(value);
}

static SvgAxis time_axis(const ReportFabric *f)
{
    return (SvgAxis){ .scale = SVG_LINEAR,
                      .min = f->begin_ps,
                      .max = f->begin_ps + f->bins * f->bin_ps,
                      .from = LEFT,
                      .to = RIGHT,
                      .label = time_label };
}

/* ---- heat map ------------------------------------------------------------ */

/* Those between switches; all, where there are none. */
static GPtrArray *rows_of(const ReportFabric *f)
{
    GPtrArray *rows = g_ptr_array_new();

    for (unsigned want_core = 2; want_core-- > 0 && !rows->len;) {
        for (guint i = 0; i < json_array_get_length(f->wires); i++) {
            JsonObject *w = report_json_element(f->wires, i);
            bool core = w && json_object_get_boolean_member_with_default(
                                 w, "core", FALSE);

            if (w && core == (want_core == 1) && rows->len < MAX_ROWS) {
                g_ptr_array_add(rows, w);
            }
        }
    }
    return rows;
}

/* Bins of one colour are one rectangle. */
static void draw_row(Svg *svg, const ReportFabric *f, JsonObject *wire, int y,
                     int height)
{
    SvgAxis x = time_axis(f);
    guint from = 0;

    while (from < f->bins) {
        const char *colour =
            svg_heat_colour((guint)value_at(f, wire, "load_permille", from));
        guint to = from + 1;
        int x1, x2;

        while (to < f->bins && svg_heat_colour((guint)value_at(
                                   f, wire, "load_permille", to)) == colour) {
            to++;
        }
        x1 = svg_axis_at(&x, f->begin_ps + from * f->bin_ps);
        x2 = svg_axis_at(&x, f->begin_ps + to * f->bin_ps);
        if (value_at(f, wire, "load_permille", from)) {
            const SvgStyle cell = { .fill = colour };

            svg_rect10(svg, x1, y * 10, MAX(x2 - x1, 1), height * 10, &cell);
        }
        from = to;
    }
}

static void draw_scale(Svg *svg)
{
    static const SvgFont font = { .size = 11, .fill = SVG_MUTED };
    int x = RIGHT - 250;

    svg_text(svg, x - 44, 26, &font, "load 0");
    for (guint i = 0; i <= 20; i++) {
        const SvgStyle cell = { .fill = svg_heat_colour(i * FULL / 20) };

        svg_rect(svg, x + (int)i * 8, 16, 8, 12, &cell);
    }
    svg_text(svg, x + 21 * 8 + 6, 26, &font, "100 %");
}

char *report_fabric_heat(const ReportFabric *f)
{
    static const SvgFont title = { .size = 13, .bold = TRUE };
    g_autoptr(GPtrArray) rows = rows_of(f);
    int height = rows->len > 48 ? 9 : rows->len > 24 ? 12 : 18;
    int bottom = TOP + (int)rows->len * height;
    const SvgStyle frame = { .stroke = SVG_FRAME };
    const SvgFont name = { .size = MIN(height, 11), .anchor = SVG_END };
    SvgAxis x = time_axis(f);
    Svg *svg;

    if (!rows->len) {
        return NULL;
    }
    svg = svg_new(REPORT_CHART_WIDTH, bottom + AXIS_ROOM, "Load of each link",
                  "A row for each direction of a link, colour is its load over "
                  "simulated time");
    svg_text(svg, LEFT, 26, &title, "load of links over time");
    draw_scale(svg);
    svg_axis_draw_x(svg, &x, bottom, TOP, 8);
    for (guint i = 0; i < rows->len; i++) {
        JsonObject *w = rows->pdata[i];
        g_autofree char *text =
            g_strdup_printf("%s to %s", report_json_text(w, "from", "?"),
                            report_json_text(w, "to", "?"));
        int y = TOP + (int)i * height;

        svg_text(svg, LEFT - 8, y + height - 2, &name, text);
        draw_row(svg, f, w, y, height);
    }
    svg_rect(svg, LEFT, TOP, RIGHT - LEFT, bottom - TOP, &frame);
    return svg_finish(svg);
}

/* ---- queues, marks, drops ------------------------------------------------ */

typedef struct Panel {
    const ReportFabric *f;
    Svg *svg;
    int top;
} Panel;

static void panel_axes(const Panel *p, const char *title, SvgAxis *y,
                       uint64_t most, SvgLabelFn label)
{
    static const SvgFont font = { .size = 13, .bold = TRUE };
    static const SvgStyle frame = { .stroke = SVG_FRAME };
    SvgAxis x = time_axis(p->f);

    *y = (SvgAxis){ .scale = SVG_LINEAR,
                    .max = MAX(most, 1),
                    .from = p->top + PANEL_HEIGHT,
                    .to = p->top,
                    .label = label };
    svg_axis_round(y);
    svg_text(p->svg, LEFT, p->top - 10, &font, title);
    svg_axis_draw_x(p->svg, &x, p->top + PANEL_HEIGHT, p->top, 8);
    svg_axis_draw_y(p->svg, y, LEFT, RIGHT, 4);
    svg_rect(p->svg, LEFT, p->top, RIGHT - LEFT, PANEL_HEIGHT, &frame);
}

static void panel_line(const Panel *p, const SvgAxis *y, const uint64_t *value,
                       const char *colour)
{
    SvgAxis x = time_axis(p->f);
    g_autofree SvgSample *samples = g_new(SvgSample, (gsize)p->f->bins * 2);
    const SvgStyle line = { .stroke = colour, .width10 = 15 };

    for (guint i = 0; i < p->f->bins; i++) {
        samples[2 * i] =
            (SvgSample){ p->f->begin_ps + i * p->f->bin_ps, value[i] };
        samples[2 * i + 1] =
            (SvgSample){ p->f->begin_ps + (i + 1) * p->f->bin_ps, value[i] };
    }
    svg_plot_line(p->svg, &x, y, samples, p->f->bins * 2, &line);
}

static gint deepest(gconstpointer a, gconstpointer b, gpointer opaque)
{
    const ReportFabric *f = opaque;
    uint64_t x = most_of(f, *(JsonObject *const *)a, "queue_bytes");
    uint64_t y = most_of(f, *(JsonObject *const *)b, "queue_bytes");

    return x == y ? 0 : x > y ? -1 : 1;
}

/* The deepest queues, each a line. */
static void draw_queues(const Panel *p)
{
    g_autoptr(GPtrArray) wires = g_ptr_array_new();
    g_autofree uint64_t *value = g_new(uint64_t, p->f->bins);
    const char *names[QUEUES_SHOWN], *colours[QUEUES_SHOWN];
    guint shown;
    SvgAxis y;

    for (guint i = 0; i < json_array_get_length(p->f->wires); i++) {
        JsonObject *w = report_json_element(p->f->wires, i);

        if (w && most_of(p->f, w, "queue_bytes")) {
            g_ptr_array_add(wires, w);
        }
    }
    g_ptr_array_sort_with_data(wires, deepest, (gpointer)p->f);
    panel_axes(p, "longest queues", &y,
               wires->len ? most_of(p->f, wires->pdata[0], "queue_bytes") : 0,
               format_bytes);
    shown = MIN(wires->len, QUEUES_SHOWN);
    for (guint i = shown; i-- > 0;) {
        for (guint bin = 0; bin < p->f->bins; bin++) {
            value[bin] = value_at(p->f, wires->pdata[i], "queue_bytes", bin);
        }
        names[i] = report_json_text(wires->pdata[i], "link", "?");
        colours[i] = svg_series_colour(i);
        panel_line(p, &y, value, colours[i]);
    }
    svg_legend(p->svg, LEFT + 130, p->top - 10, names, colours, shown);
}

/* All links together. */
static void draw_sum(const Panel *p, const char *series, const char *title,
                     const char *colour)
{
    g_autofree uint64_t *value = g_new0(uint64_t, p->f->bins);
    uint64_t most = 0;
    SvgAxis y;

    for (guint bin = 0; bin < p->f->bins; bin++) {
        for (guint i = 0; i < json_array_get_length(p->f->wires); i++) {
            JsonObject *w = report_json_element(p->f->wires, i);

            value[bin] += w ? value_at(p->f, w, series, bin) : 0;
        }
        most = MAX(most, value[bin]);
    }
    panel_axes(p, title, &y, most, format_count);
    panel_line(p, &y, value, colour);
}

char *report_fabric_queues(const ReportFabric *f)
{
    int height = TOP + 3 * (PANEL_HEIGHT + PANEL_GAP) + AXIS_ROOM;
    Panel p = { .f = f, .top = TOP };

    p.svg = svg_new(REPORT_CHART_WIDTH, height, "Queues, marks and drops",
                    "Longest queues of switch ports, packets marked and "
                    "packets dropped over simulated time");
    draw_queues(&p);
    p.top += PANEL_HEIGHT + PANEL_GAP + 10;
    draw_sum(&p, "marks", "packets marked in a bin, all links shown", SVG_WARN);
    p.top += PANEL_HEIGHT + PANEL_GAP;
    draw_sum(&p, "drops", "packets dropped in a bin, all links shown", SVG_BAD);
    return svg_finish(p.svg);
}
