/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * geometry_table.c: the numbers below the boards of geometry_svg.c.
 */
#include "geometry_draw.h"

#include <string.h>

#define ROW_HEIGHT 24
#define HEAD_HEIGHT 44

/* Thousandths with @digits (0 to 2) behind the point, rounded. */
static char *thousandths(int64_t v, int digits)
{
    static const int64_t unit[] = { 1000, 100, 10 };
    int64_t a = (ABS(v) + unit[digits] / 2) / unit[digits];
    int64_t scale = 1000 / unit[digits];
    const char *sign = v < 0 && a ? "-" : "";

    if (digits == 0) {
        return g_strdup_printf("%s%d", sign, (int)a);
    }
    return g_strdup_printf("%s%d.%0*d", sign, (int)(a / scale), digits,
                           (int)(a % scale));
}

static int32_t worst_margin(const Geometry *g, GeometryRate rate)
{
    return g->params.budget_mdb[rate] - g->max_loss_mdb[rate];
}

/* 4.91e-07; "below 1e-18" as "-". */
static char *ber_text(uint64_t e18)
{
    int exponent = -18;

    if (e18 == 0) {
        return g_strdup("< 1e-18");
    }
    while (e18 >= 1000) {
        e18 /= 10;
        exponent++;
    }
    while (e18 < 100) {
        e18 *= 10;
        exponent--;
    }
    return g_strdup_printf("%d.%02de%d", (int)(e18 / 100), (int)(e18 % 100),
                           exponent + 2);
}

static uint64_t worst_ber(const Geometry *g, GeometryRate rate)
{
    uint64_t worst = 0;

    for (unsigned i = 0; i < g->n_ports; i++) {
        worst = MAX(worst, g->port[i].lane[rate].ber_e18);
    }
    return worst;
}

typedef enum Column {
    COLUMN_DEPTHS,
    COLUMN_SHORTEST,
    COLUMN_LONGEST,
    COLUMN_SPREAD,
    COLUMN_SKEW,
    COLUMN_LOSS,
    COLUMN_MARGIN,
    COLUMN_BER,
    COLUMN_RETIMERS,
    N_COLUMNS = COLUMN_RETIMERS + GEOMETRY_N_RATES
} Column;

static const struct {
    const char *name, *unit;
    int right; /* the column's right edge, thousandths of the width */
} columns[COLUMN_RETIMERS] = {
    [COLUMN_DEPTHS] = { "positions", "", 225 },
    [COLUMN_SHORTEST] = { "shortest", "mm", 300 },
    [COLUMN_LONGEST] = { "longest", "mm", 370 },
    [COLUMN_SPREAD] = { "spread", "mm", 435 },
    [COLUMN_SKEW] = { "skew", "ps", 495 },
    [COLUMN_LOSS] = { "loss", "dB, worst", 570 },
    [COLUMN_MARGIN] = { "margin", "dB, worst", 645 },
    [COLUMN_BER] = { "bit errors", "before FEC, worst", 755 },
};

static int right_edge(unsigned column)
{
    return column < COLUMN_RETIMERS
               ? columns[column].right
               : 815 + 58 * (int)(column - COLUMN_RETIMERS);
}

static char *cell(const Geometry *g, GeometryRate rate, unsigned column)
{
    switch (column) {
    case COLUMN_DEPTHS:
        return g_strdup_printf("%u", g->n_depths);
    case COLUMN_SHORTEST:
        return thousandths(g->min_trace_um, 0);
    case COLUMN_LONGEST:
        return thousandths(g->max_trace_um, 0);
    case COLUMN_SPREAD:
        return thousandths(g->max_trace_um - g->min_trace_um, 0);
    case COLUMN_SKEW:
        return g_strdup_printf("%u", g->max_delay_ps - g->min_delay_ps);
    case COLUMN_LOSS:
        return thousandths(g->max_loss_mdb[rate], 1);
    case COLUMN_MARGIN:
        return thousandths(worst_margin(g, rate), 1);
    case COLUMN_BER:
        return ber_text(worst_ber(g, rate));
    default:
        return g_strdup_printf("%u", g->n_retimers[column - COLUMN_RETIMERS]);
    }
}

static const char *cell_colour(const Geometry *g, GeometryRate rate,
                               unsigned column)
{
    if (column == COLUMN_MARGIN) {
        return geometry_margin_colour(worst_margin(g, rate));
    }
    if (column >= COLUMN_RETIMERS) {
        return g->n_retimers[column - COLUMN_RETIMERS] ? SVG_BAD : SVG_INK;
    }
    return SVG_INK;
}

static void draw_head(Svg *svg, int top, int width, GeometryRate rate)
{
    SvgFont name = { .size = 12, .anchor = SVG_END, .bold = TRUE };
    SvgFont unit = { .size = 11, .anchor = SVG_END, .fill = SVG_MUTED };
    g_autofree char *first =
        g_strdup_printf("at %s a lane", geometry_rate_name(rate));

    for (unsigned c = 0; c < N_COLUMNS; c++) {
        int x = right_edge(c) * width / 1000;
        bool fact = c < COLUMN_RETIMERS;

        svg_text(svg, x, top + 16, &name,
                 fact ? columns[c].name
                      : geometry_rate_name(c - COLUMN_RETIMERS));
        svg_text(svg, x, top + 32, &unit, fact ? columns[c].unit : "retimers");
    }
    unit.anchor = SVG_START;
    svg_text(svg, 16, top + 32, &unit, first);
    svg_line(svg, 12, top + HEAD_HEIGHT - 4, width - 12, top + HEAD_HEIGHT - 4,
             &(SvgStyle){ .stroke = SVG_FRAME });
}

int geometry_table_height(guint n)
{
    return HEAD_HEIGHT + (int)n * ROW_HEIGHT + 12;
}

void geometry_draw_table(Svg *svg, int top, int width, const Geometry *const *g,
                         const char *const *titles, guint n, GeometryRate rate)
{
    draw_head(svg, top, width, rate);
    for (guint i = 0; i < n; i++) {
        int y = top + HEAD_HEIGHT + (int)i * ROW_HEIGHT;

        if (i) {
            svg_line(svg, 12, y, width - 12, y,
                     &(SvgStyle){ .stroke = SVG_GRID });
        }
        svg_text(svg, 16, y + 17, &(SvgFont){ .size = 13, .bold = TRUE },
                 titles[i]);
        for (unsigned c = 0; c < N_COLUMNS; c++) {
            g_autofree char *text = cell(g[i], rate, c);

            svg_text(svg, right_edge(c) * width / 1000, y + 17,
                     &(SvgFont){ .size = 13,
                                 .anchor = SVG_END,
                                 .fill = cell_colour(g[i], rate, c) },
                     text);
        }
    }
}

void geometry_draw_key(Svg *svg, int left, int top, const Geometry *g,
                       GeometryRate rate)
{
    g_autofree char *shortest = thousandths(g->min_trace_um, 0);
    g_autofree char *margin = thousandths(worst_margin(g, rate), 1);
    g_autofree char *ber = ber_text(worst_ber(g, rate));
    g_autofree char *line = g_strdup_printf(
        "%u depth positions; shortest trace %s mm; skew %u ps", g->n_depths,
        shortest, g->max_delay_ps - g->min_delay_ps);
    g_autofree char *second = g_strdup_printf(
        "worst port: margin %s dB, %s bit errors before FEC without a retimer",
        margin, ber);
    SvgFont font = { .size = 12 };

    svg_text(svg, left, top + 10, &font, line);
    font.fill = geometry_margin_colour(worst_margin(g, rate));
    svg_text(svg, left, top + 30, &font, second);
}
