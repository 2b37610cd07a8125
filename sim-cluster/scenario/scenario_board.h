/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_board.h: boards of receded-port switches from a scenario's keys.
 */
#ifndef OUTRIGGER_SCENARIO_BOARD_H
#define OUTRIGGER_SCENARIO_BOARD_H

#include "geometry.h"
#include "scenario_net.h"

/* The lane rate; false: there is no such one. */
bool scn_board_rate(const ScnGeometry *g, GeometryRate *ret);
/* NULL: it cannot be built, *ret_why is one line. g_free(). */
Geometry *scn_board_new(const ScnGeometry *g, char **ret_why);

#endif
