/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * svg.h: writes SVG pictures, the same bytes for the same calls.
 *
 * Everything is drawn with presentation attributes, no style sheet and no
 * script, so a picture also shows under a strict content security policy and
 * can stand alone as a file.
 *
 * Coordinates are whole user units, or tenths of a unit where a name ends in
 * `10`; no floating point is involved. The y axis points down.
 */
#ifndef OUTRIGGER_SVG_H
#define OUTRIGGER_SVG_H

#include <stdint.h>

#include <glib.h>

typedef struct Svg Svg;

typedef struct SvgPoint {
    int x10, y10;
} SvgPoint;

/* NULL or 0 leaves an attribute out. */
typedef struct SvgStyle {
    const char *fill;   /* "none" when NULL and @stroke is set */
    const char *stroke; /* a colour */
    int width10;        /* stroke width, tenths of a unit */
    const char *dash;   /* stroke-dasharray */
    int opacity_percent;
    int radius;      /* rectangles: corner radius */
    const char *tip; /* tooltip: a <title> inside the shape */
} SvgStyle;

typedef enum SvgAnchor { SVG_START, SVG_MIDDLE, SVG_END } SvgAnchor;

typedef struct SvgFont {
    int size;
    const char *fill; /* the text colour; NULL: dark grey */
    SvgAnchor anchor;
    gboolean bold;
    gboolean mono;
} SvgFont;

/*
 * @title and @desc are what a screen reader says; neither may be NULL.
 * Freed by svg_finish().
 */
Svg *svg_new(int width, int height, const char *title, const char *desc);
/* Closes the picture, frees @svg and returns the text (g_free()). */
char *svg_finish(Svg *svg);

void svg_rect(Svg *svg, int x, int y, int w, int h, const SvgStyle *style);
/* Fractions of a unit, for bars whose edges are data. */
void svg_rect10(Svg *svg, int x10, int y10, int w10, int h10,
                const SvgStyle *style);
void svg_line(Svg *svg, int x1, int y1, int x2, int y2, const SvgStyle *style);
void svg_circle(Svg *svg, int x, int y, int r, const SvgStyle *style);
void svg_polyline(Svg *svg, const SvgPoint *points, guint n,
                  const SvgStyle *style);
/* Closed, filled down to the horizontal line @base10. */
void svg_area(Svg *svg, const SvgPoint *points, guint n, int base10,
              const SvgStyle *style);
/* A line from (x1, y1) to (x2, y2) with a head at its end and, if @both, at
 * its beginning. Only horizontal and vertical lines. */
void svg_arrow(Svg *svg, int x1, int y1, int x2, int y2, gboolean both,
               const SvgStyle *style);
/* @text is escaped. */
void svg_text(Svg *svg, int x, int y, const SvgFont *font, const char *text);
/* Text that reads upwards, centred on (x, y). */
void svg_text_up(Svg *svg, int x, int y, const SvgFont *font, const char *text);

/* Colours of series, told apart also by readers with colour blindness. */
const char *svg_series_colour(guint index);

/* From a pale yellow (0) to a dark red (1000 and more), the same string for
 * values that look the same: 20 steps. Also lighter to darker in grey. */
const char *svg_heat_colour(guint permille);

#define SVG_INK "#1f2933"
#define SVG_MUTED "#66727f"
#define SVG_GRID "#e4e8ec"
#define SVG_FRAME "#c5ccd3"
#define SVG_GOOD "#1a7f4b"
#define SVG_BAD "#c62f2f"
#define SVG_WARN "#b76e00"
#define SVG_PANEL "#f6f8fa"

#endif
