/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * geometry_check.h: what makes a layout of ports impossible, or not a
 * receded-port switch. Private to geometry.c.
 *
 * Each function is true, or false with one g_malloc'ed line in *ret_err that
 * names the parameter or ports and, where there is one, the remedy.
 */
#ifndef OUTRIGGER_SWITCH_GEOMETRY_CHECK_H
#define OUTRIGGER_SWITCH_GEOMETRY_CHECK_H

#include "geometry.h"

/* Numbers in their ranges, and rules that need no positions. */
bool geometry_check_params(const GeometryParams *p, char **ret_err);
/* Positions: count of depths, their order, bodies, insertion paths, ASIC. */
bool geometry_check_placed(const Geometry *g, char **ret_err);

#endif
