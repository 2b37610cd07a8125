/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_net.h: the network of an execution as steps and metrics see it: faults
 * of links and switches, ports that do not train, counters.
 */
#ifndef OUTRIGGER_RUN_NET_H
#define OUTRIGGER_RUN_NET_H

#include "run_execution.h"

/* What a link is like beside being up or down. */
typedef struct RunLink {
    uint64_t loss_ppm, ber_atto;
} RunLink;

typedef struct RunNet {
    RunLink *links;    /* by index of Topology.links, as faults left them */
    GPtrArray *faults; /* ScnFault in force, borrowed, as they were set */
} RunNet;

/* Puts links that do not train down. */
RunNet *run_net_new(Execution *x, GError **error);
void run_net_free(RunNet *n); /* NULL is fine */

/* A fault of a link or switch, at x->now_ps; and its end by itself. */
bool run_net_fault(Execution *x, const ScnFault *f, GError **error);
bool run_net_heal(Execution *x, const ScnFault *f, GError **error);

/* Pictures of the topology and of boards in the run directory; after
 * run_net_measure(). And what summary.json says of the network. */
bool run_net_write(const Execution *x, GError **error);
JsonObject *run_net_summary(const Execution *x);

/* Metrics of links, switches, boards and traffic. */
void run_net_measure(Execution *x);

#endif
