/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_check.h: what the tables cannot say: references, sums, the order
 * of steps. Each function adds its findings to the problems and fills in the
 * values that follow from others.
 */
#ifndef OUTRIGGER_SCENARIO_CHECK_H
#define OUTRIGGER_SCENARIO_CHECK_H

#include "scenario_net.h"
#include "scenario_tables.h"

typedef struct ScenarioCheck {
    Scenario *s;
    YamlProblems *problems;
    const char *root; /* NULL: profile names are not looked up */
} ScenarioCheck;

/* Of @key's value in @obj, or of the mapping. */
void scenario_problem(ScenarioCheck *c, const void *obj, const char *key,
                      const char *format, ...) G_GNUC_PRINTF(4, 5);
/* "no NOUN 'word'; did you mean ...": @objects are structs whose name is the
 * char * at @name_offset. */
void scenario_problem_ref(ScenarioCheck *c, const void *obj, const char *key,
                          const char *noun, const char *word,
                          const GPtrArray *objects, size_t name_offset);

void scenario_check_top(ScenarioCheck *c);
void scenario_check_host(ScenarioCheck *c, ScnHost *host);
/* Networks, NICs, switches, links, fabric and traffic; makes the topology. */
void scenario_check_topology(ScenarioCheck *c);
/* @name is a link; or a switch. */
bool scenario_check_link_ref(ScenarioCheck *c, const void *obj, const char *key,
                             const char *name);
bool scenario_check_switch_ref(ScenarioCheck *c, const void *obj,
                               const char *key, const char *name);
void scenario_check_geometry(ScenarioCheck *c, const ScnSwitch *sw);
/* A switch whose packets pass a host's device, which is looked for; a link
 * that may end at one. */
void scenario_check_device(ScenarioCheck *c, ScnSwitch *sw);
void scenario_check_device_link(ScenarioCheck *c, const ScnLink *link);
void scenario_check_traffic(ScenarioCheck *c); /* with the topology made */
/* Keys of an entry with a transport; and entries that do not go together. */
void scenario_check_transport(ScenarioCheck *c, ScnTraffic *t);
void scenario_check_transports(ScenarioCheck *c);
/* layout, stripe, block and size that partitions and create steps share. */
void scenario_check_layout(ScenarioCheck *c, const ScnObject *obj,
                           unsigned drives, ScnLayout layout,
                           uint64_t *stripe_bytes, uint64_t block_bytes);
void scenario_check_limits(ScenarioCheck *c, const ScnLimits *limits);
/* A card application: stock, update, or a file. */
void scenario_check_application(ScenarioCheck *c, const void *obj,
                                const char *application);
/* References inside one step, without the order of steps. */
void scenario_check_step(ScenarioCheck *c, ScnStep *step);
/* What is up, running and attached at each step. */
void scenario_check_order(ScenarioCheck *c);
void scenario_check_expect(ScenarioCheck *c);
void scenario_check_controls(ScenarioCheck *c); /* names, ids and margins */

/* Reads the metric and comparison keys of @obj. */
bool scenario_read_predicate(ScenarioCheck *c, const ScnObject *obj,
                             ScnPredicate *ret);

/* scenario_check_gateway.c: before and after the topology is known. */
struct ScnGateway;
void scenario_check_gateway(ScenarioCheck *c, struct ScnGateway *gw);
void scenario_check_gateway_links(ScenarioCheck *c);

#endif
