/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * geometry_svg.c: boards to scale (see geometry_svg.h).
 *
 * The numbers below the boards are geometry_table.c's.
 */
#include "geometry_svg.h"

#include "geometry_draw.h"

#define MARGIN_UM 14000  /* around a board */
#define TITLE_HEIGHT 58  /* above a board */
#define LEGEND_HEIGHT 34 /* below the boards */
#define PANEL_WIDTH 580  /* what a board is scaled to */
#define PANEL_GAP 24
#define BOARD_FILL "#e7f0e9"
#define BOARD_EDGE "#7c9a86"
#define METAL_FILL "#d5dae0"
#define ASIC_FILL "#39424e"

/* A window of the plane and where it lies on the picture. */
typedef struct View {
    int left, top;     /* picture units */
    int64_t x_um;      /* of the left edge */
    int64_t y_um;      /* of the upper edge; y points up */
    int64_t um_per_10; /* micrometres a tenth of a unit */
} View;

static const struct {
    int32_t below_mdb; /* margins below this */
    const char *colour;
    const char *label;
} margin_classes[] = {
    { -1000, "#8e1b1b", "over budget by more than 1 dB" },
    { 0, "#dc4a3d", "over budget" },
    { 500, "#d99000", "margin below 0.5 dB" },
    { 1500, "#3f9e6a", "below 1.5 dB" },
    { INT32_MAX, "#1b6ca8", "1.5 dB or more" },
};

static unsigned margin_class(int32_t mdb)
{
    unsigned i = 0;

    while (mdb >= margin_classes[i].below_mdb &&
           i + 1 < G_N_ELEMENTS(margin_classes)) {
        i++;
    }
    return i;
}

const char *geometry_margin_colour(int32_t mdb)
{
    return margin_classes[margin_class(mdb)].colour;
}

static int view_x10(const View *v, int64_t um)
{
    return v->left * 10 + (int)((um - v->x_um) / v->um_per_10);
}

static int view_y10(const View *v, int64_t um)
{
    return v->top * 10 + (int)((v->y_um - um) / v->um_per_10);
}

static void rect_um(Svg *svg, const View *v, int64_t x, int64_t y_top,
                    int64_t w, int64_t h, const SvgStyle *style)
{
    int x10 = view_x10(v, x), y10 = view_y10(v, y_top);

    svg_rect10(svg, x10, y10, view_x10(v, x + w) - x10,
               view_y10(v, y_top - h) - y10, style);
}

/* ---- one board ---- */

static int64_t board_left_um(const Geometry *g)
{
    return g->port[0].x_um - g->params.pitch_um / 2;
}

static int64_t board_right_um(const Geometry *g)
{
    return g->port[g->params.columns - 1].x_um + g->params.pitch_um / 2;
}

static int64_t board_back_um(const Geometry *g)
{
    return -(int64_t)g->params.asic_width_um / 2 - MARGIN_UM;
}

/* The edge is cut to the pattern: straight behind each connector. */
static void draw_board(Svg *svg, const View *v, const Geometry *g)
{
    SvgPoint points[2 * GEOMETRY_MAX_COLUMNS];
    SvgStyle fill = { .fill = BOARD_FILL },
             edge = { .stroke = BOARD_EDGE, .width10 = 14 };
    guint n = 0;

    for (unsigned c = 0; c < g->params.columns; c++) {
        int64_t x = g->port[c].x_um, half = g->params.pitch_um / 2;
        int y10 = view_y10(v, g->port[c].y_um);

        points[n++] = (SvgPoint){ view_x10(v, x - half), y10 };
        points[n++] = (SvgPoint){ view_x10(v, x + half), y10 };
    }
    svg_area(svg, points, n, view_y10(v, board_back_um(g)), &fill);
    svg_polyline(svg, points, n, &edge);
}

static const GeometryPort *worse_of_column(const Geometry *g, unsigned column,
                                           GeometryRate rate)
{
    const GeometryPort *worst = &g->port[column];

    for (unsigned i = column; i < g->n_ports; i += g->params.columns) {
        if (g->port[i].lane[rate].margin_mdb < worst->lane[rate].margin_mdb) {
            worst = &g->port[i];
        }
    }
    return worst;
}

/*
 * Pins follow the package's edge from the middle of its front outwards and
 * down its side, in the order of the columns, so that no traces cross.
 */
static void pin_of(const Geometry *g, unsigned column, int64_t *x, int64_t *y)
{
    int64_t half = g->params.asic_width_um / 2, along;
    unsigned rank = 0, n = 0;
    bool right = g->port[column].x_um >= 0;

    for (unsigned c = 0; c < g->params.columns; c++) {
        if ((g->port[c].x_um >= 0) == right) {
            n++;
            rank += ABS(g->port[c].x_um) < ABS(g->port[column].x_um);
        }
    }
    along = (2 * rank + 1) * (half * 27 / 10) / (2 * n);
    *x = MIN(along, half);
    *y = half - MAX(along - half, 0);
    if (!right) {
        *x = -*x;
    }
}

static void draw_trace(Svg *svg, const View *v, const Geometry *g, unsigned c,
                       GeometryRate rate)
{
    const GeometryPort *port = worse_of_column(g, c, rate);
    const GeometryLane *lane = &port->lane[rate];
    int64_t x = port->x_um, y = port->y_um, px, py, dx, dy, mx, my;
    g_autofree char *tip = NULL;
    SvgPoint points[3];

    pin_of(g, c, &px, &py);
    dx = ABS(x - px);
    dy = y - py;
    if (g->params.routing == GEOMETRY_MANHATTAN) {
        mx = x;
        my = py;
    } else if (dy >= dx) { /* straight down, then at 45 degrees */
        mx = x;
        my = py + dx;
    } else { /* at 45 degrees, then along the board */
        mx = x > px ? x - ABS(dy) : x + ABS(dy);
        my = py;
    }
    points[0] = (SvgPoint){ view_x10(v, x), view_y10(v, y) };
    points[1] = (SvgPoint){ view_x10(v, mx), view_y10(v, my) };
    points[2] = (SvgPoint){ view_x10(v, px), view_y10(v, py) };
    tip = g_strdup_printf("column %u: %d.%d mm, %d.%02d dB, %u ps", c + 1,
                          port->trace_um / 1000, port->trace_um / 100 % 10,
                          lane->loss_mdb / 1000, lane->loss_mdb / 10 % 100,
                          port->delay_ps);
    svg_polyline(
        svg, points, 3,
        &(SvgStyle){ .stroke = geometry_margin_colour(lane->margin_mdb),
                     .width10 = 22,
                     .dash = lane->retimer ? "6 3" : NULL,
                     .tip = tip });
}

static void draw_connector(Svg *svg, const View *v, const Geometry *g,
                           unsigned c, GeometryRate rate)
{
    const GeometryParams *p = &g->params;
    const GeometryPort *port = worse_of_column(g, c, rate);
    const char *colour = geometry_margin_colour(port->lane[rate].margin_mdb);
    int64_t face = (int64_t)port->y_um + p->body_depth_um;
    int64_t front = (int64_t)g->front_um + p->body_depth_um;
    int size = MAX(view_x10(v, p->body_width_um) - view_x10(v, 0), 0) / 10;
    g_autofree char *label = g_strdup_printf("%u", c + 1);

    if (face < front) { /* the way of the plug */
        rect_um(svg, v, port->x_um - p->plug_width_um / 2, front,
                p->plug_width_um, front - face,
                &(SvgStyle){ .fill = SVG_PANEL });
    }
    rect_um(
        svg, v, port->x_um - p->body_width_um / 2, face, p->body_width_um,
        p->body_depth_um,
        &(SvgStyle){ .fill = METAL_FILL, .stroke = SVG_MUTED, .width10 = 6 });
    rect_um(svg, v, port->x_um - p->body_width_um / 2, port->y_um + 4000,
            p->body_width_um, 4000, &(SvgStyle){ .fill = colour });
    if (size >= 14) {
        svg_text(svg, view_x10(v, port->x_um) / 10,
                 view_y10(v, face - p->body_depth_um / 2) / 10 + 2,
                 &(SvgFont){ .size = 11, .anchor = SVG_MIDDLE }, label);
    }
}

static void draw_asic(Svg *svg, const View *v, const Geometry *g)
{
    int64_t half = g->params.asic_width_um / 2;

    rect_um(svg, v, -half, half, 2 * half, 2 * half,
            &(SvgStyle){ .fill = ASIC_FILL, .radius = 3 });
    svg_text(
        svg, view_x10(v, 0) / 10, view_y10(v, 0) / 10 + 4,
        &(SvgFont){
            .size = 13, .fill = "#ffffff", .anchor = SVG_MIDDLE, .bold = TRUE },
        "ASIC");
}

/* How deep the last position lies, at the right end of the board. */
static void draw_setback(Svg *svg, const View *v, const Geometry *g)
{
    int32_t depth = g->depth_um[g->n_depths - 1];
    int x = view_x10(v, board_right_um(g)) / 10 + 9;
    int y1 = view_y10(v, g->front_um) / 10;
    int y2 = view_y10(v, (int64_t)g->front_um - depth) / 10;
    g_autofree char *text = g_strdup_printf("%d mm", (depth + 500) / 1000);

    if (y2 - y1 < 40) {
        return;
    }
    svg_arrow(svg, x, y1, x, y2, TRUE, &(SvgStyle){ .stroke = SVG_MUTED });
    svg_text_up(svg, x + 14, (y1 + y2) / 2,
                &(SvgFont){ .size = 11, .fill = SVG_MUTED }, text);
}

static void draw_title(Svg *svg, int left, int top, const Geometry *g,
                       GeometryRate rate, const char *title)
{
    g_autofree char *text = g_strdup_printf(
        "longest trace %d mm, %d.%d dB of %d.%d dB; %u of %u ports need a "
        "retimer at %s a lane",
        (g->max_trace_um + 500) / 1000, (g->max_loss_mdb[rate] + 50) / 1000,
        (g->max_loss_mdb[rate] + 50) / 100 % 10,
        g->params.budget_mdb[rate] / 1000,
        g->params.budget_mdb[rate] / 100 % 10, g->n_retimers[rate], g->n_ports,
        geometry_rate_name(rate));

    svg_text(svg, left + 10, top + 24, &(SvgFont){ .size = 17, .bold = TRUE },
             title);
    svg_text(svg, left + 10, top + 44,
             &(SvgFont){ .size = 12,
                         .fill = g->n_retimers[rate] ? SVG_BAD : SVG_MUTED },
             text);
}

static void draw_panel(Svg *svg, const View *v, const Geometry *g,
                       GeometryRate rate, const char *title)
{
    draw_title(svg, v->left, v->top - TITLE_HEIGHT, g, rate, title);
    draw_board(svg, v, g);
    for (unsigned c = 0; c < g->params.columns; c++) {
        draw_connector(svg, v, g, c, rate);
    }
    for (unsigned c = 0; c < g->params.columns; c++) {
        draw_trace(svg, v, g, c, rate);
    }
    draw_asic(svg, v, g);
    draw_setback(svg, v, g);
}

/* ---- pictures ---- */

static void draw_legend(Svg *svg, int top)
{
    int x = 16;

    for (unsigned i = 0; i < G_N_ELEMENTS(margin_classes); i++) {
        svg_line(svg, x, top + 14, x + 26, top + 14,
                 &(SvgStyle){
                     .stroke = margin_classes[i].colour,
                     .width10 = 35,
                     .dash = margin_classes[i].below_mdb <= 0 ? "6 3" : NULL });
        svg_text(svg, x + 33, top + 18, &(SvgFont){ .size = 12 },
                 margin_classes[i].label);
        x += 33 + 7 * (int)strlen(margin_classes[i].label) + 24;
    }
}

/* One window and scale that shows each of the boards. */
static View common_view(const Geometry *const *g, guint n, int *ret_height)
{
    int64_t left = INT64_MAX, right = INT64_MIN, top = 0, back = 0;
    View v = { 0 };

    for (guint i = 0; i < n; i++) {
        left = MIN(left, board_left_um(g[i]));
        right = MAX(right, board_right_um(g[i]));
        top = MAX(top, (int64_t)g[i]->front_um + g[i]->params.body_depth_um);
        back = MIN(back, board_back_um(g[i]));
    }
    v.x_um = left - MARGIN_UM;
    v.y_um = top + 3000;
    v.um_per_10 = MAX((right - left + 3 * MARGIN_UM) / (PANEL_WIDTH * 10), 1);
    *ret_height = (int)((v.y_um - back) / v.um_per_10 / 10) + 8;
    return v;
}

char *geometry_svg(const Geometry *g, GeometryRate rate, const char *title)
{
    int height;
    View v = common_view(&g, 1, &height);
    g_autofree char *desc = g_strdup_printf(
        "Board of a %s switch seen from above: connectors at its edge, the "
        "switching circuit, and the traces between them.",
        geometry_layout_name(g->params.layout));
    Svg *svg = svg_new(PANEL_WIDTH + PANEL_GAP,
                       TITLE_HEIGHT + height + 2 * LEGEND_HEIGHT, title, desc);

    v.top = TITLE_HEIGHT;
    draw_panel(svg, &v, g, rate, title);
    geometry_draw_key(svg, 16, TITLE_HEIGHT + height + 10, g, rate);
    return svg_finish(svg);
}

char *geometry_compare_svg(const Geometry *const *g, const char *const *titles,
                           guint n, GeometryRate rate)
{
    int width = 2 * PANEL_WIDTH + PANEL_GAP, height, top = 0;
    View v;
    Svg *svg;

    n = MIN(n, GEOMETRY_SVG_MAX);
    v = common_view(g, n, &height);
    svg = svg_new(width,
                  (int)((n + 1) / 2) * (TITLE_HEIGHT + height) + LEGEND_HEIGHT +
                      geometry_table_height(n),
                  "Boards of switches with receded ports",
                  "Board edges, switching circuits and traces coloured by "
                  "margin, and a table of lengths, losses and retimers.");
    for (guint i = 0; i < n; i++) {
        v.left = (i % 2) * (PANEL_WIDTH + PANEL_GAP);
        v.top = top + TITLE_HEIGHT;
        draw_panel(svg, &v, g[i], rate, titles[i]);
        if (i % 2 || i + 1 == n) {
            top += TITLE_HEIGHT + height;
        }
    }
    draw_legend(svg, top);
    geometry_draw_table(svg, top + LEGEND_HEIGHT, width, g, titles, n, rate);
    return svg_finish(svg);
}
