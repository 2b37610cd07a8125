/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_load.h: loads that go on after their step has ended.
 */
#ifndef OUTRIGGER_STEP_LOAD_H
#define OUTRIGGER_STEP_LOAD_H

#include "run_execution.h"

/* Looks whether background loads have ended, at an edge. */
bool step_load_look(Execution *x, GError **error);
/* Whether the load @s has been started and has ended. */
bool step_load_ended(const StepRun *s);

#endif
