/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * svg_plot.h: axes, grids and series on top of svg.h.
 *
 * Values are uint64_t (picoseconds, bytes, thousandths ...). Logarithms are
 * taken in fixed point, so a plot does not depend on the C library.
 */
#ifndef OUTRIGGER_SVG_PLOT_H
#define OUTRIGGER_SVG_PLOT_H

#include <stdint.h>

#include "svg.h"

typedef enum SvgScale { SVG_LINEAR, SVG_LOG } SvgScale;

/* Says @value in words for a tick; the caller frees. */
typedef char *(*SvgLabelFn)(uint64_t value);

typedef struct SvgAxis {
    SvgScale scale;
    uint64_t min, max; /* SVG_LOG: min >= 1; always min < max */
    int from, to;      /* user units; from > to for an upward y axis */
    SvgLabelFn label;
    gboolean binary; /* round values are powers of two */
} SvgAxis;

/* Widens [min, max] to round ends, so that the extreme ticks frame the data. */
void svg_axis_round(SvgAxis *axis);

/* Where @value lies, in tenths of a unit; values outside are clamped. */
int svg_axis_at(const SvgAxis *axis, uint64_t value);

/* About @wanted round values within the axis, rising. */
GArray *svg_axis_ticks(const SvgAxis *axis, guint wanted);

/* Grid lines and labels: along the bottom (@y: the plot's lower edge, @top
 * its upper one) and along the left (@x: left edge, @right the other one). */
void svg_axis_draw_x(Svg *svg, const SvgAxis *axis, int y, int top,
                     guint wanted);
void svg_axis_draw_y(Svg *svg, const SvgAxis *axis, int x, int right,
                     guint wanted);

typedef struct SvgSample {
    uint64_t x, y;
} SvgSample;

/* Straight pieces between samples; of points closer than half a unit to each
 * other one is drawn, but always the last. */
void svg_plot_line(Svg *svg, const SvgAxis *x, const SvgAxis *y,
                   const SvgSample *samples, guint n, const SvgStyle *style);
/* As a line, with the area down to the x axis tinted. */
void svg_plot_area(Svg *svg, const SvgAxis *x, const SvgAxis *y,
                   const SvgSample *samples, guint n, const char *colour);

/* A row of colour keys from (x, y) to the right; returns the used width. */
int svg_legend(Svg *svg, int x, int y, const char *const *names,
               const char *const *colours, guint n);

/* log2(@value) in units of 1/65536; 0 for @value 0. */
uint32_t svg_log2_q16(uint64_t value);

#endif
