/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_proc.h: processes as /proc shows them: whose child each is, its CPU
 * time, and the memory of a process with all that descends from it.
 */
#ifndef OUTRIGGER_BENCH_PROC_H
#define OUTRIGGER_BENCH_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

typedef struct BenchProc {
    pid_t pid, parent;
    char name[32];
    uint64_t cpu_ns; /* of all its threads */
} BenchProc;

/* false: there is no such process. @pid: the name of its folder in /proc. */
bool bench_proc_read(const char *pid, BenchProc *ret);
/* All processes, pid -> BenchProc; g_hash_table_unref(). */
GHashTable *bench_proc_all(void);
/* Whether @p is @root or descends from it. */
bool bench_proc_is_below(GHashTable *all, const BenchProc *p, pid_t root);

/*
 * Memory that @root and its descendants have in use now, in bytes: the sum of
 * their proportional set sizes, so that pages which several of them map count
 * once. Page cache that nobody maps is not in it.
 */
uint64_t bench_proc_memory_bytes(pid_t root);

/* GSpawnChildSetupFunc: the child is terminated when its parent ends. */
void bench_proc_dies_with_us(void *unused);

#endif
