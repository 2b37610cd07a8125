/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_pause.h: a run that stands still for a person (--until, --pause-at).
 */
#ifndef OUTRIGGER_RUN_PAUSE_H
#define OUTRIGGER_RUN_PAUSE_H

#include "run_execution.h"

/* Says how to attach a debugger and waits for Enter or a signal. Returns at
 * once when standard input is no terminal, unless the options say `hold`. */
void run_pause(Execution *x);
/* The same for --pause-at, from where the run goes on. */
void run_pause_and_go_on(Execution *x);

#endif
