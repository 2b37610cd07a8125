/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * geometry_draw.h: what the two halves of geometry_svg.h share. Private.
 */
#ifndef OUTRIGGER_GEOMETRY_DRAW_H
#define OUTRIGGER_GEOMETRY_DRAW_H

#include "geometry.h"
#include "svg.h"

const char *geometry_margin_colour(int32_t mdb);
/* The table's height in units, and the table itself. */
int geometry_table_height(guint n);
void geometry_draw_table(Svg *svg, int top, int width, const Geometry *const *g,
                         const char *const *titles, guint n, GeometryRate rate);
/* Two lines of numbers below a single board. */
void geometry_draw_key(Svg *svg, int left, int top, const Geometry *g,
                       GeometryRate rate);

#endif
