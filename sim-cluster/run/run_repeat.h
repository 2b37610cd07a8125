/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_repeat.h: the same scenario again, in fresh processes, under extra load
 * and on other CPUs: the trace hash must not change.
 */
#ifndef OUTRIGGER_RUN_REPEAT_H
#define OUTRIGGER_RUN_REPEAT_H

#include "run_single.h"

/*
 * Runs @scn @n - 1 more times below BASE/repeats/ and adds what came out to
 * @base: repeat, repeat_equal, repeat_difference. A difference is a failure
 * of the testbed; a kind of event that the scenario uses and that never
 * occurred makes @base broken.
 */
void run_repeat(const RunContext *c, const Scenario *scn, RunResult *base,
                unsigned n);

/*
 * Where two run directories of @scn differ first, in one line; NULL when
 * their events, consoles, agents and RAM pages are equal. Caller frees.
 */
char *run_repeat_difference(const Scenario *scn, const char *dir_a,
                            const char *dir_b);

/* The first kind of event that @scn must produce and @counts (summary's
 * `events`) does not have; NULL: none is missing. */
const char *run_repeat_missing_kind(const Scenario *scn, JsonObject *counts);

#endif
