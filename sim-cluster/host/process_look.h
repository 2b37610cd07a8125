/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * process_look.h: what the kernel says of a process, from /proc (Linux,
 * proc(5)): is it stopped, could it go on, how much has it computed.
 */
#ifndef OUTRIGGER_PROCESS_LOOK_H
#define OUTRIGGER_PROCESS_LOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct ProcessLook {
    uint64_t cpu_wall_ns; /* CPU time of all its threads so far */
    bool stopped;         /* a thread was stopped by a signal */
    bool traced;          /* a debugger holds a thread */
    bool eager;           /* a thread runs, or waits for a CPU or a disk */
} ProcessLook;

/* All false and 0 for one that is no more. */
ProcessLook process_look(pid_t pid);

#endif
