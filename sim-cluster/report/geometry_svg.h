/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * geometry_svg.h: drawings of a receded-port switch: the board edge, the
 * switching circuit, connectors, and traces coloured by margin.
 *
 * The front of the chassis is at the top. Drawn to scale; for the eye, traces
 * end at pins on the package's edge, while their lengths are computed to its
 * middle (hw/switch/geometry.h). A stacked row lies above the first and is
 * not drawn; a trace shows the worse of its column.
 *
 * Pictures are the same bytes for the same geometries. The results are
 * g_malloc'ed.
 */
#ifndef OUTRIGGER_GEOMETRY_SVG_H
#define OUTRIGGER_GEOMETRY_SVG_H

#include "geometry.h"

#include <glib.h>

#define GEOMETRY_SVG_MAX 8 /* boards in one comparison */

/* One board at lanes of @rate, @title above it. */
char *geometry_svg(const Geometry *g, GeometryRate rate, const char *title);

/*
 * Up to GEOMETRY_SVG_MAX boards, two in a line, with one scale, and the table
 * of their numbers below. @titles has @n names.
 */
char *geometry_compare_svg(const Geometry *const *g, const char *const *titles,
                           guint n, GeometryRate rate);

#endif
