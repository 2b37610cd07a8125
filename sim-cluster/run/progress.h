/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * progress.h: what a run tells people while it runs, on stderr. The only part
 * of the runtime that prints.
 *
 * TTY: one status line, redrawn at most five times a second, finished steps
 * scroll above it. PLAIN: a line a step and a heartbeat every 30 s, so that no
 * CI system takes a long step for a dead one. JSON: one object a line. NONE:
 * nothing but failures. Colour only on a terminal and without NO_COLOR.
 */
#ifndef OUTRIGGER_PROGRESS_H
#define OUTRIGGER_PROGRESS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "run_options.h"

typedef struct Progress Progress;

/* @out: usually stderr; borrowed. AUTO looks at whether it is a terminal. */
Progress *progress_new(ProgressMode mode, FILE *out);
void progress_free(Progress *p); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Progress, progress_free)

/* A run begins: of the scenario, "" or of one of its controls, repetitions. */
void progress_begin(Progress *p, const char *name, const char *part,
                    uint64_t seed, unsigned n_steps);

/* Where the run is; redraws or beats when it is time to. */
void progress_at(Progress *p, uint64_t sim_ps, unsigned step);
void progress_tick(Progress *p);

/* A finished line: "ok    boot hosta                    1.234s". */
void progress_step(Progress *p, bool ok, const char *what, uint64_t took_ps);
/* "fault stall ssd0   for 5ms" */
void progress_fault(Progress *p, const char *text);
/* Anything else worth a line. */
void progress_note(Progress *p, const char *text);
/* "FAIL  text" and its indented hints (NULL-terminated, may be NULL). */
void progress_fail(Progress *p, const char *text, const char *const *hints);

/* Clears the status line; afterwards only fail and note print. */
void progress_end(Progress *p);

#endif
