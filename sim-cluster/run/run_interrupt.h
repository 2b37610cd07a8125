/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_interrupt.h: SIGINT, SIGTERM, SIGHUP and the wall-time limit as a
 * readable file descriptor, so that every wait of a run can end on them. Main
 * thread, one at a time.
 */
#ifndef OUTRIGGER_RUN_INTERRUPT_H
#define OUTRIGGER_RUN_INTERRUPT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Installs handlers; also ignores SIGPIPE. Undone by _end(). 0: no limit. */
bool run_interrupt_begin(uint64_t wall_limit_ns);
void run_interrupt_end(void);

/* Readable from the first of them on; -1 outside begin/end. */
int run_interrupt_fd(void);
/* True when one has come; sets RUNTIME_ERROR_INTERRUPTED or _WALL_LIMIT. */
bool run_interrupt_error(GError **error);
/* True when a person or a supervisor wanted an end since the last _begin(),
 * whether or not anything was still running; the wall-time limit is none. */
bool run_interrupt_wanted(void);

#endif
