/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cluster_run.h: a cluster's life inside the supervisor process, for
 * cluster_up.c, which makes that process.
 */
#ifndef OUTRIGGER_CLUSTER_RUN_H
#define OUTRIGGER_CLUSTER_RUN_H

#include "cluster.h"
#include "host_args.h"
#include "progress.h"
#include "run_scratch.h"

typedef struct ClusterRun {
    const Scenario *scn; /* from cluster_scenario() */
    const RunOptions *options;
    const HostInstall *install;
    const RunScratch *scratch;
    Progress *progress;
    const char *dir; /* run directory, exists */
} ClusterRun;

/* Called once, when every guest is up. False: nobody waits for it, end. */
typedef bool (*ClusterReadyFn)(void *opaque);

/*
 * From the first boot to `down`, a signal or a failure; nothing runs when it
 * returns. run_interrupt_begin() was called.
 */
bool cluster_run(const ClusterRun *r, ClusterReadyFn ready, void *opaque,
                 GError **error);

#endif
