/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * controls.h: runs a scenario's controls: each takes a mechanism away, and
 * what the scenario names must then break.
 */
#ifndef OUTRIGGER_CONTROLS_H
#define OUTRIGGER_CONTROLS_H

#include "run_single.h"

/*
 * Judges one control's run. True: it counts: the run completed, every
 * expectation it names broke by the margin it names, every other one held.
 * False: *ret_why says why not, in one line (caller frees).
 */
bool controls_judge(const ScnControl *control, const RunResult *r,
                    char **ret_why);

/*
 * Runs all controls of @scn below BASE/controls/ and adds what came out to
 * @base. One that does not count makes @base broken, naming it; an
 * interruption ends the rest.
 */
void controls_run(const RunContext *c, const Scenario *scn, RunResult *base);

#endif
