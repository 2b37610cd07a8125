/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_single.h: one execution from set-up to its files; what base runs,
 * controls and repetitions have in common.
 */
#ifndef OUTRIGGER_RUN_SINGLE_H
#define OUTRIGGER_RUN_SINGLE_H

#include "run_result.h"

/* What all executions of one `outrigger run` share. */
typedef struct RunContext {
    const RunOptions *options;
    const HostInstall *install;
    const RunScratch *scratch;
    Progress *progress;
} RunContext;

/*
 * Runs @scn in the new folder @dir and writes everything but the reports.
 * @part names the execution to people ("" for the base run). Never NULL. The
 * result borrows from @scn. Heavy files stay: run_single_tidy().
 */
RunResult *run_single(const RunContext *c, const Scenario *scn, const char *dir,
                      const char *part, int cpu);

/* Writes summary and reports, then deletes the heavy files of a run that
 * held (unless --keep) and of one that never got going. */
bool run_single_tidy(const RunContext *c, const Scenario *scn, RunResult *r,
                     GError **error);

/* FAIL lines: reason, other broken expectations, ends of logs. */
void run_single_tell(const RunContext *c, const Scenario *scn,
                     const RunResult *r);

#endif
