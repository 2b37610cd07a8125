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

typedef struct Place {
    int x, y, w, h;
} Place;

typedef struct Drawing {
    const Graph *g;
    Place *places; /* of the items */
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

static void draw_edge(Svg *svg, const Drawing *d, const GraphEdge *e)
{
    static const SvgStyle style = { .stroke = SVG_MUTED, .width10 = 12 };
    static const SvgFont font = { .size = 10,
                                  .fill = SVG_MUTED,
                                  .anchor = SVG_MIDDLE };
    const Place *a = &d->places[e->a];
    const Place *b = &d->places[e->b];
    const Place *low = a->y >= b->y ? a : b;
    const Place *high = low == a ? b : a;
    int x1 = low->x + low->w / 2;
    int x2 = high->x + high->w / 2;
    int y2 = high->y + high->h;
    SvgStyle with_tip = style;

    with_tip.tip = e->label;
    if (e->load_permille) {
        with_tip.stroke = svg_heat_colour(
            LOAD_PALEST + e->load_permille * (FULL - LOAD_PALEST) / FULL);
        with_tip.width10 =
            12 + (int)(MIN(e->load_permille, FULL) * LOAD_WIDTH10 / FULL);
    }
    if (low->y < y2) { /* side by side */
        y2 = high->y + high->h / 2;
        svg_line(svg, x1, low->y + low->h / 2, x2, y2, &with_tip);
    } else {
        svg_line(svg, x1, low->y, x2, y2, &with_tip);
    }
    if (d->g->edges->len <= 16) { /* more do not fit; tooltips have them */
        svg_text(svg, (x1 * 2 + x2) / 3, (low->y * 2 + y2) / 3, &font,
                 e->label);
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
    Drawing d = { .g = g, .places = g_new0(Place, g->items->len + 1) };
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
    g_free(d.places);
    return svg_finish(svg);
}
