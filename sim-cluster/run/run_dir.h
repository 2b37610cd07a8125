/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_dir.h: run directories as a whole (docs/run-directory.md).
 */
#ifndef OUTRIGGER_RUN_DIR_H
#define OUTRIGGER_RUN_DIR_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "scenario.h"

/* Creates RUNS/NAME-N with the next free N and points RUNS/latest at it.
 * Several engines may do so at once. Caller frees. */
char *run_dir_create(const char *runs_dir, const char *name, GError **error);

/* scenario.yaml and resolved.yaml. @versions (may be NULL) become comment
 * lines of the latter. */
bool run_dir_write_scenario(const char *dir, const Scenario *scn,
                            JsonObject *versions, GError **error);

/* Drive images, RAM, binary events of all nodes. */
void run_dir_discard(const char *dir, const Scenario *scn);
/* RAM out of shared memory into the directory. */
bool run_dir_keep(const char *dir, const Scenario *scn, GError **error);

#endif
