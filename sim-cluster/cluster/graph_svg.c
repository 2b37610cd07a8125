/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * graph_svg.c: the topology as a picture: hosts below, switches above them by
 * tier, a straight line a link.
 */
#include <string.h>

#include "graph.h"
#include "svg.h"

#define MARGIN 24
#define GAP_X 24
#define GAP_Y 90
#define LINE 15
#define PAD 10
#define FULL 1000u       /* per mille */
#define LOAD_PALEST 200u /* of the scale, so that a line can be seen */
#define LOAD_WIDTH10 50u /* of a full link, beyond that of an idle one */
#define GLYPH_WIDTH 7    /* of the text, about; enough for its boxes */
#define LABEL_GLYPH_WIDTH10 56
#define LABEL_HEIGHT 9
#define MOST_LABELLED 64u /* links; more is a carpet */
#define FAR 1000000

typedef struct Place {
    int x, y, w, h;
} Place;

typedef struct Line {
    int x1, y1, x2, y2; /* y1 >= y2 */
} Line;

typedef struct Drawing {
    const Graph *g;
    Place *places;  /* of the items */
    GArray *labels; /* Place: where labels of links are already */
    unsigned tiers;
    int width, height;
} Drawing;

static const GraphItem *item_at(const Drawing *d, unsigned i)
{
    return g_ptr_array_index(d->g->items, i);
}

/* ---- places ------------------------------------------------------------ */

static void measure(Drawing *d)
{
    for (unsigned i = 0; i < d->g->items->len; i++) {
        const GraphItem *item = item_at(d, i);
        Place *p = &d->places[i];
        size_t chars = 4;

        for (unsigned k = 0; k < item->lines->len; k++) {
            chars = MAX(chars, strlen(g_ptr_array_index(item->lines, k)));
        }
        p->w = (int)chars * GLYPH_WIDTH + 2 * PAD;
        p->h = (int)item->lines->len * LINE + 2 * PAD;
        d->tiers = MAX(d->tiers, item->tier + 1);
    }
}

static void tier_size(const Drawing *d, unsigned tier, int *ret_w, int *ret_h)
{
    *ret_w = -GAP_X;
    *ret_h = 0;
    for (unsigned i = 0; i < d->g->items->len; i++) {
        if (item_at(d, i)->tier == tier) {
            *ret_w += d->places[i].w + GAP_X;
            *ret_h = MAX(*ret_h, d->places[i].h);
        }
    }
}

/* A row, centred; its boxes stand on its lower edge. */
static void place_tier(Drawing *d, unsigned tier, int bottom)
{
    int w, h, x;

    tier_size(d, tier, &w, &h);
    x = (d->width - w) / 2;
    for (unsigned i = 0; i < d->g->items->len; i++) {
        if (item_at(d, i)->tier == tier) {
            d->places[i].x = x;
            d->places[i].y = tier ? bottom - d->places[i].h : bottom - h;
            x += d->places[i].w + GAP_X;
        }
    }
}

static void place_all(Drawing *d)
{
    int y = MARGIN;

    d->width = 320;
    for (unsigned t = 0; t < d->tiers; t++) {
        int w, h;

        tier_size(d, t, &w, &h);
        d->width = MAX(d->width, w + 2 * MARGIN);
    }
    for (unsigned t = d->tiers; t-- > 0;) {
        int w, h;

        tier_size(d, t, &w, &h);
        y += h;
        place_tier(d, t, y);
        y += t ? GAP_Y : MARGIN;
    }
    d->height = y;
}

/* ---- drawing ----------------------------------------------------------- */

static bool overlaps(const Place *a, const Place *b)
{
    return a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h &&
           b->y < a->y + a->h;
}

/* From the lower box to the higher. */
static Line line_of(const Drawing *d, const GraphEdge *e)
{
    const Place *a = &d->places[e->a];
    const Place *b = &d->places[e->b];
    const Place *low = a->y >= b->y ? a : b;
    const Place *high = low == a ? b : a;
    Line l = { low->x + low->w / 2, low->y, high->x + high->w / 2,
               high->y + high->h };

    if (l.y1 < l.y2) { /* side by side */
        l.y1 = low->y + low->h / 2;
        l.y2 = high->y + high->h / 2;
    }
    return l;
}

/* Where @l is at height @y; what does not reach there is far away. */
static int line_x(const Line *l, int y)
{
    if (y > l->y1 || y < l->y2 || l->y1 == l->y2) {
        return -FAR;
    }
    return l->x1 + (l->x2 - l->x1) * (l->y1 - y) / (l->y1 - l->y2);
}

static bool crosses(const Line *l, const Place *p)
{
    int top = line_x(l, p->y), bottom = line_x(l, p->y + p->h);

    top = top == -FAR ? bottom : top;
    bottom = bottom == -FAR ? top : bottom;
    return MIN(top, bottom) < p->x + p->w && MAX(top, bottom) > p->x;
}

static bool is_free(const Drawing *d, const GraphEdge *own, const Place *p)
{
    for (unsigned i = 0; i < d->g->edges->len; i++) {
        const GraphEdge *e = g_ptr_array_index(d->g->edges, i);
        Line l = line_of(d, e);

        if (e != own && crosses(&l, p)) {
            return false;
        }
    }
    if (p->x < 0 || p->x + p->w > d->width) {
        return false;
    }
    for (unsigned i = 0; i < d->g->items->len; i++) {
        if (overlaps(p, &d->places[i])) {
            return false;
        }
    }
    for (unsigned i = 0; i < d->labels->len; i++) {
        if (overlaps(p, &g_array_index(d->labels, Place, i))) {
            return false;
        }
    }
    return true;
}

/* Beside the line where there is room, else nowhere: its tooltip has it. */
static void draw_label(Svg *svg, const Drawing *d, const GraphEdge *e,
                       const Line *l)
{
    static const SvgFont font = { .size = 10,
                                  .fill = SVG_MUTED,
                                  .anchor = SVG_MIDDLE };
    static const int permille[] = { 333, 500, 667, 180, 820 };
    int w = (int)strlen(e->label) * LABEL_GLYPH_WIDTH10 / 10;

    for (unsigned i = 0; i < G_N_ELEMENTS(permille); i++) {
        int x = l->x1 + (l->x2 - l->x1) * permille[i] / 1000;
        int y = l->y1 + (l->y2 - l->y1) * permille[i] / 1000;
        const Place p = { x - w / 2, y - LABEL_HEIGHT, w, LABEL_HEIGHT + 3 };

        if (is_free(d, e, &p)) {
            g_array_append_val(d->labels, p);
            svg_text(svg, x, y, &font, e->label);
            return;
        }
    }
}

static void draw_edge(Svg *svg, const Drawing *d, const GraphEdge *e)
{
    static const SvgStyle style = { .stroke = SVG_MUTED, .width10 = 12 };
    Line l = line_of(d, e);
    SvgStyle with_tip = style;

    with_tip.tip = e->label;
    if (e->load_permille) {
        with_tip.stroke = svg_heat_colour(
            LOAD_PALEST + e->load_permille * (FULL - LOAD_PALEST) / FULL);
        with_tip.width10 =
            12 + (int)(MIN(e->load_permille, FULL) * LOAD_WIDTH10 / FULL);
    }
    svg_line(svg, l.x1, l.y1, l.x2, l.y2, &with_tip);
    if (d->g->edges->len <= MOST_LABELLED) {
        draw_label(svg, d, e, &l);
    }
}

static void draw_item(Svg *svg, const GraphItem *item, const Place *p)
{
    static const char *const frames[] = {
        [TOPO_HOST] = SVG_INK,
        [TOPO_MODELLED] = SVG_FRAME,
        [TOPO_SWITCH] = SVG_GOOD,
        [TOPO_GATEWAY] = SVG_WARN,
    };
    const SvgStyle box = { .fill = SVG_PANEL,
                           .stroke = frames[item->kind],
                           .width10 = 12,
                           .radius = item->kind == TOPO_HOST ? 2 : 8 };

    svg_rect(svg, p->x, p->y, p->w, p->h, &box);
    for (unsigned i = 0; i < item->lines->len; i++) {
        const SvgFont font = { .size = 12,
                               .anchor = SVG_MIDDLE,
                               .bold = i == 0 };

        svg_text(svg, p->x + p->w / 2, p->y + PAD + (int)(i + 1) * LINE - 4,
                 &font, g_ptr_array_index(item->lines, i));
    }
}

static bool has_loads(const Graph *g)
{
    for (unsigned i = 0; i < g->edges->len; i++) {
        if (((GraphEdge *)g_ptr_array_index(g->edges, i))->load_permille) {
            return true;
        }
    }
    return false;
}

static void draw_scale(Svg *svg)
{
    static const SvgFont font = { .size = 11, .fill = SVG_MUTED };

    svg_text(svg, MARGIN, 16, &font, "load of a link: 0");
    for (unsigned i = 0; i <= 10; i++) {
        const SvgStyle line = {
            .stroke =
                svg_heat_colour(LOAD_PALEST + i * (FULL - LOAD_PALEST) / 10),
            .width10 = 12 + (int)(i * LOAD_WIDTH10 / 10),
        };
        int x = MARGIN + 92 + (int)i * 10;

        svg_line(svg, x, 12, x + 10, 12, &line);
    }
    svg_text(svg, MARGIN + 210, 16, &font, "100 %");
}

char *graph_svg(const Graph *g)
{
    Drawing d = { .g = g,
                  .places = g_new0(Place, g->items->len + 1),
                  .labels = g_array_new(FALSE, FALSE, sizeof(Place)) };
    g_autofree char *desc = g_strdup_printf("%u nodes and groups, %u links",
                                            g->items->len, g->edges->len);
    Svg *svg;

    measure(&d);
    place_all(&d);
    svg = svg_new(d.width, d.height, g->name, desc);
    if (has_loads(g)) {
        draw_scale(svg);
    }
    for (unsigned i = 0; i < g->edges->len; i++) {
        draw_edge(svg, &d, g_ptr_array_index(g->edges, i));
    }
    for (unsigned i = 0; i < g->items->len; i++) {
        draw_item(svg, item_at(&d, i), &d.places[i]);
    }
    g_array_unref(d.labels);
    g_free(d.places);
    return svg_finish(svg);
}
