/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * process_look.c: states of threads and CPU time of a process (proc(5),
 * clock_getcpuclockid(3)).
 */
#include "process_look.h"

#include <glib.h>
#include <string.h>
#include <time.h>

/* The letter after "PID (NAME) "; a name may hold anything. */
static char state_of(const char *folder, const char *thread)
{
    g_autofree char *path = g_build_filename(folder, thread, "stat", NULL);
    g_autofree char *text = NULL;
    const char *end;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return '\0';
    }
    end = strrchr(text, ')');
    return end && end[1] ? end[2] : '\0';
}

static uint64_t cpu_wall_ns(pid_t pid)
{
    struct timespec t;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t)) {
        return 0;
    }
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

ProcessLook process_look(pid_t pid)
{
    ProcessLook look = { .cpu_wall_ns = cpu_wall_ns(pid) };
    g_autofree char *folder = g_strdup_printf("/proc/%d/task", (int)pid);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *thread;

    while (dir && (thread = g_dir_read_name(dir)) != NULL) {
        char state = state_of(folder, thread);

        look.stopped |= state == 'T';
        look.traced |= state == 't';
        look.eager |= state == 'R' || state == 'D';
    }
    return look;
}
