/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cluster.h: a scenario's nodes left running in wall time for a person
 * (`outrigger up`): one supervisor process owns every QEMU, so that they end
 * with it in whatever way it ends, and answers requests on a UNIX socket.
 *
 * The run directory of a cluster has, beside the files of any run:
 *   cluster.json  {format 1, name, pid, began_s (UNIX time)}
 *   cluster.lock  flock() held by the supervisor for as long as it lives
 *   control.sock  link to its socket, which lies in a private folder
 *   cluster.log   what the supervisor had to say after `up` returned
 *
 * Requests and answers are one JSON object on one line, one of each a
 * connection; a client that goes away takes its request back.
 *
 *   {"do": "ps"}                    -> {"name", "nodes": [{...}]}
 *   {"do": "exec", "node", "script"} -> {"code", "output": BASE64}
 *   {"do": "fault-set", "fault": {KEY: VALUE}} -> {"handle"}
 *   {"do": "fault-clear", "handle"}; without handle: all
 *   {"do": "fault-list"}            -> {"faults": [{...}]}
 *   {"do": "down", "keep": BOOL}
 *
 * Every answer has "exit", an ExitCode, and "error", a line, when it is not 0.
 */
#ifndef OUTRIGGER_CLUSTER_H
#define OUTRIGGER_CLUSTER_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "run_options.h"
#include "scenario.h"

/*
 * The scenario that `up` runs: @scn in wall time with one boot step a host, no
 * other steps, controls or limits. @root: of the project, for profiles. NULL
 * and @error: SCENARIO_ERROR. Caller frees.
 */
Scenario *cluster_scenario(const Scenario *scn, const char *root,
                           GError **error);

/*
 * The same with @fault (members of a `fault` step) as its last step, so that a
 * fault at the console is checked like one in a file. The message of an error
 * is about the fault alone.
 */
Scenario *cluster_fault_scenario(const Scenario *scn, const char *root,
                                 JsonObject *fault, GError **error);

/*
 * Starts the supervisor of @scn (from cluster_scenario()) and returns when
 * every guest's agent has said hello. Progress goes to stderr, the run
 * directory to stdout. Returns an ExitCode; unless that is EXIT_HELD nothing
 * is left running.
 */
int cluster_up(const Scenario *scn, const RunOptions *options);

/* ---- the other side: cluster_client.c ---------------------------------- */

typedef struct ClusterRef {
    char *dir;  /* run directory, absolute */
    char *name; /* of the scenario */
    gint64 pid, began_s;
    bool alive; /* its supervisor is */
} ClusterRef;

void cluster_ref_free(ClusterRef *r); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ClusterRef, cluster_ref_free)

/* What a run directory says; NULL: it is no cluster's. */
ClusterRef *cluster_ref_read(const char *dir);
/* Clusters below @runs_dir, the newest first: those whose supervisor lives, or
 * those whose supervisor was killed and that nobody has swept. ClusterRef. */
GPtrArray *cluster_list(const char *runs_dir, bool alive);
/*
 * @word: a run directory, a name below @runs_dir, a scenario's name (its
 * newest live cluster), or NULL: the newest live one. NULL and
 * RUNTIME_ERROR_INVALID: there is none.
 */
ClusterRef *cluster_find(const char *runs_dir, const char *word,
                         GError **error);

/*
 * Asks @ref's supervisor and waits for the answer however long it takes.
 * Takes @request. NULL and RUNTIME_ERROR_TESTBED: it does not answer.
 */
JsonObject *cluster_call(const ClusterRef *ref, JsonObject *request,
                         GError **error);

/* Waits until the supervisor is gone; kills it after @limit_ms. True: it went
 * by itself. */
bool cluster_wait_gone(const ClusterRef *ref, int limit_ms);
/* Removes what a supervisor that was killed has left: private folders,
 * sockets, and drive images unless @keep. @root: of the project. */
void cluster_sweep(const ClusterRef *ref, const char *root, bool keep);

/* Names of the files above. */
#define CLUSTER_STATE "cluster.json"
#define CLUSTER_LOCK "cluster.lock"
#define CLUSTER_SOCKET "control.sock"
#define CLUSTER_LOG "cluster.log"

#endif
