/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cluster_priv.h: the inside of a supervisor, for cluster.c (nodes, time) and
 * cluster_server.c (requests).
 */
#ifndef OUTRIGGER_CLUSTER_PRIV_H
#define OUTRIGGER_CLUSTER_PRIV_H

#include "cluster.h"
#include "run_execution.h"

typedef struct ClusterServer ClusterServer;

/* A fault that was set at the console; kept until the cluster ends. */
typedef struct ClusterFault {
    Scenario *scn; /* what @run's step belongs to */
    StepRun *run;
} ClusterFault;

typedef struct Cluster {
    Execution *x;
    const Scenario *scn;
    gint64 epoch_us; /* monotonic time at x->now_ps == 0 */
    bool ending;     /* `down` was asked for */
    bool keep;       /* images and RAM, too */
    unsigned booted; /* boot steps that are done */
    unsigned next_fault;
    GPtrArray *faults; /* ClusterFault */
    GHashTable *died;  /* node name -> how, owned */
} Cluster;

/* "booting", "up", "off", "killed", "died", "new". */
const char *cluster_node_state(const Cluster *c, const RunNode *n);

/* ---- cluster_server.c -------------------------------------------------- */

/* Listens at @path. */
ClusterServer *cluster_server_new(Cluster *c, const char *path, GError **error);
void cluster_server_free(ClusterServer *s); /* NULL is fine */

/* Waits at most @timeout_ms for requests, or until @interrupt_fd is readable,
 * and reads and writes what can be. */
void cluster_server_wait(ClusterServer *s, int interrupt_fd, int timeout_ms);
/* Answers what has become possible; called after time has moved. */
void cluster_server_look(ClusterServer *s);
/* A command in a guest is under way. */
bool cluster_server_busy(const ClusterServer *s);
/* Sends what is left; for the end. */
void cluster_server_flush(ClusterServer *s);

#endif
