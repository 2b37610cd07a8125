/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_node_paths.h: metrics of path balancing in the NICs of a node.
 */
#ifndef OUTRIGGER_RUN_NODE_PATHS_H
#define OUTRIGGER_RUN_NODE_PATHS_H

#include "run_execution.h"

/* @nic: an OffloadNic of query-offload; @owner: NODE.VNIC. Of the node's last
 * process. Nothing for a NIC that does not balance. */
void run_node_path_metrics(Execution *x, const char *owner, JsonObject *nic);

#endif
