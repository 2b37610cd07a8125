/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_execution.h: one execution of one scenario in one directory: the state
 * that steps, time and judgement share. runtime.c strings executions together
 * (base run, controls, repetitions).
 *
 * Simulated time stands still except inside run_advance(). All hosts stand at
 * edges of the same instant, x->now_ps, whenever a step looks or acts.
 */
#ifndef OUTRIGGER_RUN_EXECUTION_H
#define OUTRIGGER_RUN_EXECUTION_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "events.h"
#include "host_node.h"
#include "metrics_store.h"
#include "net.h"
#include "progress.h"
#include "run_card_log.h"
#include "run_card_stats.h"
#include "run_options.h"
#include "run_scratch.h"
#include "run_tap.h"
#include "scenario.h"
#include "trace_hash.h"

typedef struct Execution Execution;
typedef struct StepRun StepRun;

/* ---- nodes ------------------------------------------------------------- */

/* A node and what has been learnt about it. */
typedef struct RunNode {
    Host *host;
    CardLog *log; /* of the present process; NULL: no card, or off */
    CardStats *stats;
    const char **interface_names; /* by function; NULL-terminated */
    const char **drive_names;
    JsonObject *query;   /* last answer to query-offload, or NULL */
    JsonNode *registers; /* last registers of all interfaces, or NULL */
    GHashTable *earlier; /* "IF.stat" -> uint64_t *: ended processes' sums */
    GPtrArray *faults;   /* ScnFault in force, borrowed */
    unsigned boots;      /* hellos of boot, start, reboot steps */
} RunNode;

/* ---- steps ------------------------------------------------------------- */

typedef enum StepStatus {
    STEP_NOT_RUN,
    STEP_RUNNING,
    STEP_OK,
    STEP_FAILED,
    STEP_STOPPED /* by --until, a limit or an interruption */
} StepStatus;

typedef struct StepOps {
    /* Acts at x->now_ps. A failure of the system under test is
     * RUNTIME_ERROR_BROKEN; the message goes without the step's name. */
    bool (*begin)(StepRun *s, GError **error);
    /* Looks at an edge, also right after begin. Sets *ret_done. NULL: begin
     * was all. */
    bool (*poll)(StepRun *s, bool *ret_done, GError **error);
    /* An instant at which it wants to look, UINT64_MAX for none. NULL: it
     * waits for the guest, so often. */
    uint64_t (*next_ps)(StepRun *s);
    void (*free_data)(void *data);
} StepOps;

struct StepRun {
    Execution *x;
    const ScnStep *scn;
    const StepOps *ops;
    RunNode *node; /* NULL for wait and finish */
    StepStatus status;
    uint64_t begin_ps, end_ps;
    char *detail; /* for people, or NULL */
    void *data;   /* the verb's own */
};

/* ---- the execution ----------------------------------------------------- */

typedef void (*RunTimerFn)(Execution *x, void *opaque, GError **error);

struct Execution {
    const Scenario *scn;
    const RunOptions *options;
    const HostInstall *install;
    const RunScratch *scratch;
    Progress *progress;
    char *dir;
    int cpu; /* hosts are pinned from this CPU on; -1: not pinned */

    Net *net;
    RunTap *tap;
    struct RunNet *run_net; /* run_net.h */
    GPtrArray *nodes;       /* RunNode, in the order of Scenario.hosts */
    GPtrArray *steps;       /* StepRun */
    GPtrArray *loads; /* StepRun of background loads under way, borrowed */
    GArray *timers;   /* private to run_time.c */
    EventLog *events;
    TraceHash *hash;
    MetricsStore *metrics;
    bool quiet_metrics; /* do not log metrics while true */

    uint64_t now_ps;
    uint64_t timer_seq;
    unsigned current; /* index of the step under way */
    bool stopped;     /* --until was reached */
    gint64 begin_wall_us, end_wall_us;
};

/* Creates @dir and all nodes' files. */
Execution *execution_new(const Scenario *scn, const RunOptions *options,
                         const HostInstall *install, const RunScratch *scratch,
                         Progress *progress, const char *dir, int cpu,
                         GError **error);
/* Ends what still runs. NULL is fine. */
void execution_free(Execution *x);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Execution, execution_free)

/* All steps, then an orderly end of all hosts, metrics and the hash. false:
 * @error says why it did not complete; hosts are ended in any case. */
bool execution_run(Execution *x, GError **error);

/* The orderly end alone, for a cluster that has no steps. */
bool execution_end(Execution *x, GError **error);

/* ---- time: run_time.c -------------------------------------------------- */

/*
 * Runs all hosts to @until_ps or an earlier timer, takes in what happened,
 * fires the timers that are due. Does nothing but that when @until_ps is now.
 */
bool run_advance(Execution *x, uint64_t until_ps, GError **error);
/* The empty list of timers. */
GArray *run_timers_new(void);
/* Calls @fn at @at_ps, in order of (at_ps, order of adding). */
void run_timer_add(Execution *x, uint64_t at_ps, RunTimerFn fn, void *opaque);
void run_timer_remove(Execution *x, RunTimerFn fn, void *opaque);
/* How far to go when waiting for a guest since @since_ps: time.step at first,
 * then in proportion to what has been waited already. */
uint64_t run_next_look_ps(const Execution *x, uint64_t since_ps);
/* Takes in the card events of all nodes up to now. */
bool run_take_events(Execution *x, GError **error);

/* ---- nodes: run_node.c ------------------------------------------------- */

RunNode *run_node_new(Host *host);
void run_node_free(RunNode *n); /* NULL is fine */
RunNode *run_node_find(const Execution *x, const char *name);

/* A new process at x->now_ps. */
bool run_node_start(Execution *x, RunNode *n, GError **error);
/* An orderly end, by quit; measures first. */
bool run_node_quit(Execution *x, RunNode *n, GError **error);
/* Goes back to a checkpoint; @query is the card's answer when it was made. */
bool run_node_restore(Execution *x, RunNode *n, const char *dir,
                      const HostPlan *plan, JsonObject *query, GError **error);
/* A fault. */
bool run_node_kill(Execution *x, RunNode *n, GError **error);
/* Its process has died by itself. */
bool run_node_lost(Execution *x, RunNode *n, GError **error);
/* Asks the card for its statistics and sets the node's metrics. */
bool run_node_measure(Execution *x, RunNode *n, GError **error);
/* What only the end tells: console, event sums. */
bool run_node_final_metrics(Execution *x, RunNode *n, GError **error);

/* ---- steps: step_run.c ------------------------------------------------- */

const StepOps *step_ops(const ScnStep *scn);
StepRun *step_run_new(Execution *x, const ScnStep *scn);
void step_run_free(StepRun *s); /* NULL is fine */
/* The step whose handle is @as, or NULL. */
StepRun *step_run_find(const Execution *x, const char *as);
/* Runs one step to its end. */
bool step_run(StepRun *s, GError **error);
/* "exec list hosta" for people. Caller frees. */
char *step_title(const StepRun *s);
G_GNUC_PRINTF(2, 3)
void step_detail(StepRun *s, const char *format, ...);
/* RUNTIME_ERROR_BROKEN; returns false. */
G_GNUC_PRINTF(2, 3)
bool step_broken(GError **error, const char *format, ...);
const char *step_status_name(StepStatus status);

/* ---- events of the engine ---------------------------------------------- */

void run_log_power(Execution *x, const RunNode *n, const char *state);

#endif
