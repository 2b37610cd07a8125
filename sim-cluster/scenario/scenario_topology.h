/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_topology.h: how the topology is made, for the checks of a scenario.
 * Consumers use scenario_net.h.
 */
#ifndef OUTRIGGER_SCENARIO_TOPOLOGY_H
#define OUTRIGGER_SCENARIO_TOPOLOGY_H

#include "scenario_net.h"

/* @s has valid nodes, links and fabric; links have names. */
Topology *topology_build(const Scenario *s);
void topology_free(Topology *t); /* NULL is fine */

/* "sw0.p3": false: *ret_node NULL (no such node) or no such port. */
bool topology_parse_end(const Scenario *s, const char *text,
                        const ScnNode **ret_node, unsigned *ret_port);
/* Is @host attached to the generated fabric? Links are valid. */
bool topology_attaches(const Scenario *s, const ScnHost *host);
/* How many hosts have room, with @attached full ones. */
uint64_t topology_fabric_places(const ScnFabric *f, uint64_t attached);
/* Shortest times from @from to all nodes; UINT64_MAX: no way. */
void topology_distances(const Topology *t, uint32_t from, uint64_t *ret_ps);
/* Fills in TopoNode.board and what it does to links: once, before: */
void topology_apply_boards(Topology *t); /* scenario_board.c */
/* Fills in TopoNode.lookahead_ps. */
void topology_set_lookahead(Topology *t);

#endif
