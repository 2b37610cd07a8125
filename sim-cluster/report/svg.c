/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * svg.c: SVG 1.1 elements as text.
 */
#include "svg.h"

#include "xml_text.h"

#define FONT_SANS "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
#define FONT_MONO "'DejaVu Sans Mono', Menlo, Consolas, monospace"
#define ARROW_LENGTH 9
#define ARROW_HALF_WIDTH 4

struct Svg {
    GString *text;
};

static void append_attribute(GString *out, const char *name, const char *value)
{
    g_string_append_printf(out, " %s=\"", name);
    xml_text_append(out, value, -1);
    g_string_append_c(out, '"');
}

/* Tenths as a decimal without a needless fraction: 15 -> 1.5, 20 -> 2. */
static void append_tenths(GString *out, int v10)
{
    if (v10 < 0) {
        g_string_append_c(out, '-');
        v10 = -v10;
    }
    g_string_append_printf(out, "%d", v10 / 10);
    if (v10 % 10) {
        g_string_append_printf(out, ".%d", v10 % 10);
    }
}

static void append_tenths_attribute(GString *out, const char *name, int v10)
{
    g_string_append_printf(out, " %s=\"", name);
    append_tenths(out, v10);
    g_string_append_c(out, '"');
}

static void append_style(GString *out, const SvgStyle *s)
{
    append_attribute(out, "fill", s->fill ? s->fill : "none");
    if (s->stroke) {
        append_attribute(out, "stroke", s->stroke);
        append_tenths_attribute(out, "stroke-width",
                                s->width10 ? s->width10 : 10);
    }
    if (s->dash) {
        append_attribute(out, "stroke-dasharray", s->dash);
    }
    if (s->opacity_percent) {
        g_string_append_printf(out, " opacity=\"%d.%02d\"",
                               s->opacity_percent / 100,
                               s->opacity_percent % 100);
    }
}

/* Ends a shape, with its tooltip if it has one. */
static void close_shape(GString *out, const char *element, const SvgStyle *s)
{
    if (!s->tip) {
        g_string_append(out, "/>\n");
        return;
    }
    g_string_append(out, "><title>");
    xml_text_append(out, s->tip, -1);
    g_string_append_printf(out, "</title></%s>\n", element);
}

Svg *svg_new(int width, int height, const char *title, const char *desc)
{
    Svg *svg = g_new0(Svg, 1);

    svg->text = g_string_new(NULL);
    g_string_append_printf(svg->text,
                           "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                           "width=\"%d\" height=\"%d\" "
                           "viewBox=\"0 0 %d %d\" role=\"img\"",
                           width, height, width, height);
    append_attribute(svg->text, "font-family", FONT_SANS);
    g_string_append(svg->text, ">\n<title>");
    xml_text_append(svg->text, title, -1);
    g_string_append(svg->text, "</title>\n<desc>");
    xml_text_append(svg->text, desc, -1);
    g_string_append(svg->text, "</desc>\n");
    return svg;
}

char *svg_finish(Svg *svg)
{
    char *text;

    g_string_append(svg->text, "</svg>\n");
    text = g_string_free(svg->text, FALSE);
    g_free(svg);
    return text;
}

void svg_rect10(Svg *svg, int x10, int y10, int w10, int h10,
                const SvgStyle *style)
{
    g_string_append(svg->text, "<rect");
    append_tenths_attribute(svg->text, "x", x10);
    append_tenths_attribute(svg->text, "y", y10);
    append_tenths_attribute(svg->text, "width", w10);
    append_tenths_attribute(svg->text, "height", h10);
    if (style->radius) {
        g_string_append_printf(svg->text, " rx=\"%d\"", style->radius);
    }
    append_style(svg->text, style);
    close_shape(svg->text, "rect", style);
}

void svg_rect(Svg *svg, int x, int y, int w, int h, const SvgStyle *style)
{
    svg_rect10(svg, x * 10, y * 10, w * 10, h * 10, style);
}

void svg_line(Svg *svg, int x1, int y1, int x2, int y2, const SvgStyle *style)
{
    g_string_append_printf(svg->text,
                           "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"", x1,
                           y1, x2, y2);
    append_style(svg->text, style);
    close_shape(svg->text, "line", style);
}

void svg_circle(Svg *svg, int x, int y, int r, const SvgStyle *style)
{
    g_string_append_printf(svg->text, "<circle cx=\"%d\" cy=\"%d\" r=\"%d\"", x,
                           y, r);
    append_style(svg->text, style);
    close_shape(svg->text, "circle", style);
}

static void append_points(GString *out, const SvgPoint *points, guint n)
{
    for (guint i = 0; i < n; i++) {
        if (i) {
            g_string_append_c(out, ' ');
        }
        append_tenths(out, points[i].x10);
        g_string_append_c(out, ',');
        append_tenths(out, points[i].y10);
    }
}

void svg_polyline(Svg *svg, const SvgPoint *points, guint n,
                  const SvgStyle *style)
{
    if (n == 0) {
        return;
    }
    g_string_append(svg->text, "<polyline points=\"");
    append_points(svg->text, points, n);
    g_string_append(svg->text, "\" stroke-linejoin=\"round\"");
    append_style(svg->text, style);
    close_shape(svg->text, "polyline", style);
}

void svg_area(Svg *svg, const SvgPoint *points, guint n, int base10,
              const SvgStyle *style)
{
    SvgPoint first, last;

    if (n == 0) {
        return;
    }
    first = (SvgPoint){ points[0].x10, base10 };
    last = (SvgPoint){ points[n - 1].x10, base10 };
    g_string_append(svg->text, "<polygon points=\"");
    append_points(svg->text, &first, 1);
    g_string_append_c(svg->text, ' ');
    append_points(svg->text, points, n);
    g_string_append_c(svg->text, ' ');
    append_points(svg->text, &last, 1);
    g_string_append_c(svg->text, '"');
    append_style(svg->text, style);
    close_shape(svg->text, "polygon", style);
}

static void arrow_head(Svg *svg, int x, int y, int dx, int dy,
                       const char *colour)
{
    int bx = x - dx * ARROW_LENGTH, by = y - dy * ARROW_LENGTH;
    int sx = dy * ARROW_HALF_WIDTH, sy = dx * ARROW_HALF_WIDTH;

    g_string_append_printf(svg->text, "<polygon points=\"%d,%d %d,%d %d,%d\"",
                           x, y, bx + sx, by + sy, bx - sx, by - sy);
    append_attribute(svg->text, "fill", colour);
    g_string_append(svg->text, "/>\n");
}

void svg_arrow(Svg *svg, int x1, int y1, int x2, int y2, gboolean both,
               const SvgStyle *style)
{
    int dx = (x2 > x1) - (x2 < x1), dy = (y2 > y1) - (y2 < y1);
    int back = ARROW_LENGTH - 1;

    svg_line(svg, x1 + (both ? dx * back : 0), y1 + (both ? dy * back : 0),
             x2 - dx * back, y2 - dy * back, style);
    arrow_head(svg, x2, y2, dx, dy, style->stroke);
    if (both) {
        arrow_head(svg, x1, y1, -dx, -dy, style->stroke);
    }
}

static void append_font(GString *out, const SvgFont *font)
{
    static const char *const anchors[] = { NULL, "middle", "end" };

    g_string_append_printf(out, " font-size=\"%d\"", font->size);
    append_attribute(out, "fill", font->fill ? font->fill : SVG_INK);
    if (font->anchor != SVG_START) {
        append_attribute(out, "text-anchor", anchors[font->anchor]);
    }
    if (font->bold) {
        append_attribute(out, "font-weight", "600");
    }
    if (font->mono) {
        append_attribute(out, "font-family", FONT_MONO);
    }
}

static void append_text(Svg *svg, const SvgFont *font, const char *text)
{
    append_font(svg->text, font);
    g_string_append_c(svg->text, '>');
    xml_text_append(svg->text, text, -1);
    g_string_append(svg->text, "</text>\n");
}

void svg_text(Svg *svg, int x, int y, const SvgFont *font, const char *text)
{
    g_string_append_printf(svg->text, "<text x=\"%d\" y=\"%d\"", x, y);
    append_text(svg, font, text);
}

void svg_text_up(Svg *svg, int x, int y, const SvgFont *font, const char *text)
{
    SvgFont centred = *font;

    centred.anchor = SVG_MIDDLE;
    g_string_append_printf(
        svg->text, "<text transform=\"translate(%d %d) rotate(-90)\"", x, y);
    append_text(svg, &centred, text);
}

const char *svg_series_colour(guint index)
{
    static const char *const colours[] = {
        "#2563c9", "#d9730d", "#13866f", "#a8339f",
        "#7a5c1e", "#0f8fb3", "#c23b4a", "#5b6470",
    };

    return colours[index % G_N_ELEMENTS(colours)];
}

const char *svg_heat_colour(guint permille)
{
    static const char *const colours[] = {
        "#fffbe6", "#fff5cf", "#ffeeb6", "#fee69c", "#fedd83", "#fdd26d",
        "#fdc65b", "#fcb84d", "#fba943", "#f9993c", "#f68837", "#f17634",
        "#ea6432", "#e15231", "#d54132", "#c63133", "#b42334", "#9f1835",
        "#881035", "#700a34", "#570731",
    };

    return colours[MIN(permille, 1000) * (G_N_ELEMENTS(colours) - 1) / 1000];
}
