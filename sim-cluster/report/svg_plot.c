/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * svg_plot.c: axes with round ticks, lines and areas.
 */
#include "svg_plot.h"

#include <string.h>

#define THIN10 5            /* points closer than this, in tenths, are one */
#define LEGEND_CHAR_UNITS 7 /* width of a character at font size 12 */

uint32_t svg_log2_q16(uint64_t value)
{
    uint64_t mantissa; /* 1.62 fixed point, [1, 2) */
    uint32_t result;
    int top;

    if (value == 0) {
        return 0;
    }
    top = 63 - __builtin_clzll(value);
    result = (uint32_t)top << 16;
    mantissa = top <= 62 ? value << (62 - top) : value >> 1;
    for (int bit = 15; bit >= 0; bit--) {
        unsigned __int128 square = (unsigned __int128)mantissa * mantissa;

        mantissa = (uint64_t)(square >> 62);
        if (mantissa >= UINT64_C(1) << 63) {
            mantissa >>= 1;
            result |= 1u << bit;
        }
    }
    return result;
}

/* The largest of 1, 2, 5 x 10^k that is not above @v (at least 1). */
static uint64_t round_down(uint64_t v)
{
    uint64_t p = 1;

    while (v / 10 >= p) {
        p *= 10;
    }
    return v >= 5 * p ? 5 * p : v >= 2 * p ? 2 * p : p;
}

/* The smallest of 1, 2, 5 x 10^k that is not below @v. */
static uint64_t round_up(uint64_t v)
{
    uint64_t r = round_down(v), lead = r;

    if (r >= v) {
        return r;
    }
    while (lead >= 10) {
        lead /= 10;
    }
    return lead == 2 ? r / 2 * 5 : r * 2;
}

static uint64_t linear_step(const SvgAxis *axis, guint wanted)
{
    uint64_t rough = MAX((axis->max - axis->min) / MAX(wanted, 1), 1);

    if (axis->binary) {
        int top = 63 - __builtin_clzll(rough);
        uint64_t power = UINT64_C(1) << top;

        return rough > power ? power * 2 : power;
    }
    return round_up(rough);
}

static uint64_t power_of_two(uint64_t v)
{
    return UINT64_C(1) << (63 - __builtin_clzll(MAX(v, 1)));
}

void svg_axis_round(SvgAxis *axis)
{
    if (axis->scale == SVG_LOG && axis->binary) {
        axis->min = power_of_two(axis->min);
        axis->max = power_of_two(MAX(axis->max, 2) - 1) * 2;
    } else if (axis->scale == SVG_LOG) {
        axis->min = round_down(MAX(axis->min, 1));
        axis->max = round_up(MAX(axis->max, axis->min + 1));
    } else {
        uint64_t step = linear_step(axis, 4);

        axis->min = axis->min / step * step;
        axis->max = MAX((axis->max + step - 1) / step, 1) * step;
    }
    if (axis->max <= axis->min) {
        axis->max = axis->min + 1;
    }
}

int svg_axis_at(const SvgAxis *axis, uint64_t value)
{
    uint64_t v = CLAMP(value, axis->min, axis->max), part, whole;
    int64_t length10 = (int64_t)(axis->to - axis->from) * 10;

    if (axis->scale == SVG_LOG) {
        uint32_t origin = svg_log2_q16(axis->min);

        part = svg_log2_q16(v) - origin;
        whole = svg_log2_q16(axis->max) - origin;
    } else {
        part = v - axis->min;
        whole = axis->max - axis->min;
    }
    if (whole == 0) {
        return axis->from * 10;
    }
    return axis->from * 10 + (int)((__int128)length10 * part / (__int128)whole);
}

/* Every power of two, or every second, third ... */
static void ticks_log2(const SvgAxis *axis, guint wanted, GArray *ticks)
{
    unsigned first = svg_log2_q16(axis->min) >> 16;
    unsigned last = svg_log2_q16(axis->max) >> 16;
    unsigned each = MAX((last - first + wanted - 1) / MAX(wanted, 1), 1);

    for (unsigned bit = first; bit <= last; bit += each) {
        uint64_t v = UINT64_C(1) << bit;

        if (v >= axis->min) {
            g_array_append_val(ticks, v);
        }
    }
}

static void ticks_log10(const SvgAxis *axis, guint wanted, GArray *ticks)
{
    static const unsigned multiples[] = { 1, 2, 5 };
    uint64_t ratio = axis->max / axis->min, decades = 0;
    unsigned each;

    for (; ratio >= 10; ratio /= 10) {
        decades++;
    }
    each = decades * 3 <= wanted ? 3 : 1;
    for (uint64_t p = 1;; p *= 10) {
        for (unsigned i = 0; i < each; i++) {
            uint64_t v = p * multiples[i];

            if (v >= axis->min && v <= axis->max) {
                g_array_append_val(ticks, v);
            }
        }
        if (p > axis->max / 10) {
            return;
        }
    }
}

GArray *svg_axis_ticks(const SvgAxis *axis, guint wanted)
{
    GArray *ticks = g_array_new(FALSE, FALSE, sizeof(uint64_t));

    if (axis->scale == SVG_LOG && axis->binary) {
        ticks_log2(axis, wanted, ticks);
    } else if (axis->scale == SVG_LOG) {
        ticks_log10(axis, wanted, ticks);
    } else {
        uint64_t step = linear_step(axis, wanted);
        uint64_t v = (axis->min + step - 1) / step * step;

        for (; v <= axis->max; v += step) {
            g_array_append_val(ticks, v);
        }
    }
    return ticks;
}

void svg_axis_draw_x(Svg *svg, const SvgAxis *axis, int y, int top,
                     guint wanted)
{
    static const SvgStyle grid = { .fill = SVG_GRID };
    static const SvgFont font = { .size = 11,
                                  .fill = SVG_MUTED,
                                  .anchor = SVG_MIDDLE };
    g_autoptr(GArray) ticks = svg_axis_ticks(axis, wanted);

    for (guint i = 0; i < ticks->len; i++) {
        uint64_t v = g_array_index(ticks, uint64_t, i);
        g_autofree char *label = axis->label(v);
        int x10 = svg_axis_at(axis, v);

        svg_rect10(svg, x10 - 5, top * 10, 10, (y - top) * 10, &grid);
        svg_text(svg, x10 / 10, y + 16, &font, label);
    }
}

void svg_axis_draw_y(Svg *svg, const SvgAxis *axis, int x, int right,
                     guint wanted)
{
    static const SvgStyle grid = { .fill = SVG_GRID };
    static const SvgFont font = { .size = 11,
                                  .fill = SVG_MUTED,
                                  .anchor = SVG_END };
    g_autoptr(GArray) ticks = svg_axis_ticks(axis, wanted);

    for (guint i = 0; i < ticks->len; i++) {
        uint64_t v = g_array_index(ticks, uint64_t, i);
        g_autofree char *label = axis->label ? axis->label(v) : NULL;
        int y10 = svg_axis_at(axis, v);

        svg_rect10(svg, x * 10, y10 - 5, (right - x) * 10, 10, &grid);
        if (label) {
            svg_text(svg, x - 8, y10 / 10 + 4, &font, label);
        }
    }
}

/* Sample positions, without the ones that add nothing to the picture. */
static GArray *project(const SvgAxis *x, const SvgAxis *y,
                       const SvgSample *samples, guint n)
{
    GArray *points = g_array_new(FALSE, FALSE, sizeof(SvgPoint));

    for (guint i = 0; i < n; i++) {
        SvgPoint p = { svg_axis_at(x, samples[i].x),
                       svg_axis_at(y, samples[i].y) };
        SvgPoint *last;

        if (points->len) {
            last = &g_array_index(points, SvgPoint, points->len - 1);
            if (i + 1 < n && ABS(last->x10 - p.x10) < THIN10 &&
                ABS(last->y10 - p.y10) < THIN10) {
                continue;
            }
        }
        g_array_append_val(points, p);
    }
    return points;
}

void svg_plot_line(Svg *svg, const SvgAxis *x, const SvgAxis *y,
                   const SvgSample *samples, guint n, const SvgStyle *style)
{
    g_autoptr(GArray) points = project(x, y, samples, n);

    svg_polyline(svg, (const SvgPoint *)points->data, points->len, style);
}

void svg_plot_area(Svg *svg, const SvgAxis *x, const SvgAxis *y,
                   const SvgSample *samples, guint n, const char *colour)
{
    g_autoptr(GArray) points = project(x, y, samples, n);
    const SvgPoint *p = (const SvgPoint *)points->data;
    SvgStyle tint = { .fill = colour, .opacity_percent = 12 };
    SvgStyle line = { .stroke = colour, .width10 = 15 };

    svg_area(svg, p, points->len, y->from * 10, &tint);
    svg_polyline(svg, p, points->len, &line);
}

int svg_legend(Svg *svg, int x, int y, const char *const *names,
               const char *const *colours, guint n)
{
    static const SvgFont font = { .size = 12 };
    int at = x;

    for (guint i = 0; i < n; i++) {
        SvgStyle key = { .fill = colours[i], .radius = 2 };

        svg_rect(svg, at, y - 9, 14, 10, &key);
        svg_text(svg, at + 20, y, &font, names[i]);
        at += 20 + (int)g_utf8_strlen(names[i], -1) * LEGEND_CHAR_UNITS + 18;
    }
    return at - x;
}
