/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_scratch.h: the short-lived private folders of one engine process: one
 * for sockets (a UNIX socket's path has at most 107 bytes), one for guest RAM
 * in shared memory.
 *
 * Each engine holds a lock in its folders for as long as it lives; folders
 * whose lock can be had belong to a dead engine and are removed by the next
 * one that starts.
 */
#ifndef OUTRIGGER_RUN_SCRATCH_H
#define OUTRIGGER_RUN_SCRATCH_H

#include <glib.h>

typedef struct RunScratch RunScratch;

RunScratch *run_scratch_new(GError **error);
/* Removes both folders. NULL is fine. */
void run_scratch_free(RunScratch *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunScratch, run_scratch_free)

const char *run_scratch_sockets(const RunScratch *s);
/* NULL: there is no /dev/shm to be used. */
const char *run_scratch_shm(const RunScratch *s);

/* For tests: like run_scratch_new() below other base folders. */
RunScratch *run_scratch_new_in(const char *sockets_base, const char *shm_base,
                               GError **error);

#endif
