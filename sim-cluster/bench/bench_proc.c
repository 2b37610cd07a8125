/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_proc.c: see bench_proc.h.
 */
#include "bench_proc.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NS_PER_S 1000000000.0
#define KIB 1024u

/* Fields of /proc/PID/stat; see proc(5). */
bool bench_proc_read(const char *pid, BenchProc *ret)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid);
    g_autofree char *line = NULL;
    unsigned long long user, system;
    const char *open, *close;
    int parent;

    if (!g_file_get_contents(path, &line, NULL, NULL)) {
        return false;
    }
    open = strchr(line, '(');
    close = strrchr(line, ')');
    if (!open || !close ||
        sscanf(close + 1,
               " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &parent,
               &user, &system) != 3) {
        return false;
    }
    ret->pid = (pid_t)g_ascii_strtoll(pid, NULL, 10);
    ret->parent = parent;
    g_strlcpy(ret->name, open + 1,
              MIN(sizeof(ret->name), (gsize)(close - open)));
    ret->cpu_ns =
        (user + system) * (uint64_t)(NS_PER_S / (double)sysconf(_SC_CLK_TCK));
    return true;
}

GHashTable *bench_proc_all(void)
{
    GHashTable *all = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    GDir *dir = g_dir_open("/proc", 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        BenchProc stat;

        if (g_ascii_isdigit(*name) && bench_proc_read(name, &stat)) {
            g_hash_table_insert(all, GINT_TO_POINTER(stat.pid),
                                g_memdup2(&stat, sizeof(stat)));
        }
    }
    if (dir) {
        g_dir_close(dir);
    }
    return all;
}

bool bench_proc_is_below(GHashTable *all, const BenchProc *p, pid_t root)
{
    while (p && p->pid != root) {
        p = g_hash_table_lookup(all, GINT_TO_POINTER(p->parent));
    }
    return p != NULL;
}

static uint64_t pss_bytes(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/smaps_rollup", (int)pid);
    g_autofree char *text = NULL;
    const char *line;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return 0; /* it has ended */
    }
    line = strstr(text, "\nPss:");
    return line ? g_ascii_strtoull(line + strlen("\nPss:"), NULL, 10) * KIB : 0;
}

uint64_t bench_proc_memory_bytes(pid_t root)
{
    g_autoptr(GHashTable) all = bench_proc_all();
    GHashTableIter iter;
    uint64_t sum = 0;
    void *value;

    g_hash_table_iter_init(&iter, all);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const BenchProc *p = value;

        if (bench_proc_is_below(all, p, root)) {
            sum += pss_bytes(p->pid);
        }
    }
    return sum;
}

void bench_proc_dies_with_us(void *unused)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}
