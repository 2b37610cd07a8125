/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_result.h: what is left of an execution: verdict, judged expectations,
 * and summary.json as an object that later findings (controls, repetitions)
 * are added to.
 */
#ifndef OUTRIGGER_RUN_RESULT_H
#define OUTRIGGER_RUN_RESULT_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "expect.h"
#include "run_execution.h"

typedef enum RunVerdict { RUN_HELD, RUN_BROKEN, RUN_ERROR } RunVerdict;

typedef struct RunResult {
    RunVerdict verdict;
    int exit_code;           /* ExitCode */
    char *reason;            /* one line, "" when held */
    bool completed;          /* all steps were run to their ends */
    GPtrArray *expectations; /* ExpectResult; borrow from the scenario */
    char *trace_hash;        /* "" when there is none */
    char *dir;               /* of this execution */
    JsonObject *summary;
} RunResult;

/*
 * Judges a finished execution: @error as from execution_run(), or NULL.
 * Logs an `expect` event for each expectation.
 */
RunResult *run_result_new(Execution *x, const GError *error);
/* For an execution that could not be set up. */
RunResult *run_result_failed(const Scenario *scn, const RunOptions *options,
                             const char *dir, const GError *error);
void run_result_free(RunResult *r); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunResult, run_result_free)

/* Changes the verdict afterwards. @reason may be NULL: unchanged. */
void run_result_set(RunResult *r, RunVerdict verdict, int exit_code,
                    const char *reason);

const char *run_verdict_name(RunVerdict verdict);

/* Writes summary.json. */
bool run_result_write(const RunResult *r, GError **error);

/* summary.json of an execution, without verdict: run_summary.c. */
JsonObject *run_summary_new(const Scenario *scn, const RunOptions *options);
void run_summary_fill(JsonObject *o, Execution *x, const RunResult *r);
/* metrics.csv: run_csv.c. */
bool run_csv_write(Execution *x, GError **error);

#endif
