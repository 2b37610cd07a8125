/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_pause.h: a run that stands still for a person (--until at a terminal).
 */
#ifndef OUTRIGGER_RUN_PAUSE_H
#define OUTRIGGER_RUN_PAUSE_H

#include "run_execution.h"

/* Says how to attach a debugger and waits for Enter or Ctrl-C. Returns at
 * once when standard input is no terminal. */
void run_pause(Execution *x);

#endif
