/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * process.h: child processes that never outlive the run.
 *
 * Every child gets a process group of its own (a Ctrl-C at the terminal
 * reaches the engine only) and PR_SET_PDEATHSIG(SIGKILL), so that the kernel
 * ends it when the engine dies in whatever way. That signal follows the
 * *thread* that forked: all functions here are for the main thread.
 *
 * Nothing is ever looked up or killed by name.
 */
#ifndef OUTRIGGER_PROCESS_H
#define OUTRIGGER_PROCESS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#define PROCESS_ERROR (process_error_quark())
GQuark process_error_quark(void);

typedef enum ProcessError {
    PROCESS_ERROR_SPAWN, /* the program could not be started */
    PROCESS_ERROR_LOG    /* a log file could not be opened */
} ProcessError;

typedef struct Process Process;

typedef struct ProcessSpec {
    const char *const *argv; /* NULL ends; argv[0] is looked up in PATH */
    const char *cwd;         /* NULL: the engine's */
    const char *stdout_path; /* appended to; NULL: /dev/null */
    const char *stderr_path; /* appended to; NULL: like stdout */
    int cpu;                 /* pinned to this CPU; -1: not pinned */
} ProcessSpec;

/* Returns after exec has succeeded; NULL and @error otherwise. */
Process *process_spawn(const ProcessSpec *spec, GError **error);

/* A child that does nothing but use @cpu; for runs under load. */
Process *process_spawn_spinner(int cpu, GError **error);

/* Becomes readable when the process has ended; owned by @p. */
int process_death_fd(const Process *p);
pid_t process_pid(const Process *p);

/* True when the process has ended (and is reaped). Does not block. */
bool process_has_ended(Process *p);

/* Waits at most @timeout_ms of wall time (-1: for ever). True: ended. */
bool process_wait(Process *p, int timeout_ms);

/* It has ended by exit(), whatever the code; and by exit(0). */
bool process_exited(const Process *p);
bool process_exited_cleanly(const Process *p);

/* "exit code 1", "signal 9 (Killed)", "still running". Caller frees. */
char *process_end_text(const Process *p);

/* SIGKILL to the whole group and reap. */
void process_kill(Process *p);

/* SIGTERM, wait @grace_ms, then process_kill(). Safe on an ended one. */
void process_stop(Process *p, int grace_ms);

/* Kills what still runs. NULL is fine. */
void process_free(Process *p);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Process, process_free)

#endif
