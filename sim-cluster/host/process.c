/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * process.c: spawn, watch and end child processes.
 *
 * Between fork and exec only async-signal-safe calls are made; a failure
 * there comes back to the parent as {where, errno} over a close-on-exec pipe.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A spinner leaves most of its CPU to others, but takes it at odd moments: two
 * hosts in lockstep on two CPUs stand still whenever either is interrupted. */
#define SPINNER_NICE 15

G_DEFINE_QUARK(outrigger - process - error - quark, process_error)

struct Process {
    pid_t pid;
    int death_fd;
    bool ended;
    int status; /* of waitpid(), when ended */
};

typedef struct SpawnFailure {
    char what[16];
    int err;
} SpawnFailure;

typedef struct SpawnPlan {
    const char *program; /* full path; NULL: spin */
    char *const *argv;
    const char *cwd;
    int stdin_fd, stdout_fd, stderr_fd;
    int report_fd;
    int cpu;
    pid_t parent;
} SpawnPlan;

static void child_fail(const SpawnPlan *plan, const char *what, int err)
{
    SpawnFailure failure = { .err = err };
    size_t len = strlen(what);

    memcpy(failure.what, what, MIN(len, sizeof(failure.what) - 1));
    if (write(plan->report_fd, &failure, sizeof(failure)) < 0) {
        _exit(126);
    }
    _exit(127);
}

static void child_signals(void)
{
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++) {
        signal(sig, SIG_DFL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child_pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    /* A CPU that is not ours to use: run unpinned. */
    sched_setaffinity(0, sizeof(set), &set);
}

G_GNUC_NORETURN static void child_main(const SpawnPlan *plan)
{
    setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        child_fail(plan, "prctl", errno);
    }
    if (getppid() != plan->parent) {
        _exit(127); /* the engine died before the prctl */
    }
    child_signals();
    if (plan->cpu >= 0) {
        child_pin(plan->cpu);
    }
    if (plan->cwd && chdir(plan->cwd) != 0) {
        child_fail(plan, "chdir", errno);
    }
    if (dup2(plan->stdin_fd, STDIN_FILENO) < 0 ||
        dup2(plan->stdout_fd, STDOUT_FILENO) < 0 ||
        dup2(plan->stderr_fd, STDERR_FILENO) < 0) {
        child_fail(plan, "dup2", errno);
    }
    if (!plan->program) {
        close(plan->report_fd);
        const struct sched_param plain = { 0 };

        if (sched_setscheduler(0, SCHED_OTHER, &plain) < 0 ||
            nice(SPINNER_NICE) < 0) {
            _exit(127);
        }
        for (volatile unsigned i = 0;; i++) {
        }
    }
    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    execv(plan->program, plan->argv);
    child_fail(plan, "exec", errno);
    _exit(127);
}

static Process *fork_plan(SpawnPlan *plan, const char *name, GError **error)
{
    int report[2];
    SpawnFailure failure = { 0 };
    ssize_t n;
    Process *p;
    pid_t pid;

    if (pipe2(report, O_CLOEXEC) != 0) {
        g_set_error(error, PROCESS_ERROR, PROCESS_ERROR_SPAWN,
                    "cannot start %s: pipe: %s", name, g_strerror(errno));
        return NULL;
    }
    plan->report_fd = report[1];
    plan->parent = getpid();
    pid = fork();
    if (pid == 0) {
        child_main(plan);
    }
    close(report[1]);
    if (pid < 0) {
        g_set_error(error, PROCESS_ERROR, PROCESS_ERROR_SPAWN,
                    "cannot start %s: fork: %s", name, g_strerror(errno));
        close(report[0]);
        return NULL;
    }
    do {
        n = read(report[0], &failure, sizeof(failure));
    } while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n > 0) {
        failure.what[sizeof(failure.what) - 1] = '\0';
        waitpid(pid, NULL, 0);
        g_set_error(error, PROCESS_ERROR, PROCESS_ERROR_SPAWN,
                    "cannot start %s: %s: %s", name, failure.what,
                    g_strerror(failure.err));
        return NULL;
    }
    p = g_new0(Process, 1);
    p->pid = pid;
    p->death_fd = pidfd_open(pid, 0);
    if (p->death_fd < 0) {
        g_set_error(error, PROCESS_ERROR, PROCESS_ERROR_SPAWN,
                    "cannot watch %s: pidfd_open: %s (needs Linux 5.3)", name,
                    g_strerror(errno));
        process_free(p);
        return NULL;
    }
    return p;
}

static int open_log(const char *path, GError **error)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    int fd = open(path ? path : "/dev/null", flags, 0666);

    if (fd < 0) {
        g_set_error(error, PROCESS_ERROR, PROCESS_ERROR_LOG,
                    "cannot open the log file %s: %s", path, g_strerror(errno));
    }
    return fd;
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static Process *spawn_with_logs(SpawnPlan *plan, const char *stdout_path,
                                const char *stderr_path, const char *name,
                                GError **error)
{
    Process *p = NULL;

    plan->stderr_fd = -1;
    plan->stdin_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    plan->stdout_fd = open_log(stdout_path, error);
    if (plan->stdout_fd >= 0) {
        plan->stderr_fd =
            open_log(stderr_path ? stderr_path : stdout_path, error);
    }
    if (plan->stderr_fd >= 0) {
        p = fork_plan(plan, name, error);
    }
    close_if_open(plan->stdin_fd);
    close_if_open(plan->stdout_fd);
    close_if_open(plan->stderr_fd);
    return p;
}

Process *process_spawn(const ProcessSpec *spec, GError **error)
{
    g_autofree char *program = g_find_program_in_path(spec->argv[0]);
    SpawnPlan plan = { .program = program,
                       .argv = (char *const *)spec->argv,
                       .cwd = spec->cwd,
                       .cpu = spec->cpu };

    if (!program) {
        g_set_error(error, PROCESS_ERROR, PROCESS_ERROR_SPAWN,
                    "cannot start %s: no such program", spec->argv[0]);
        return NULL;
    }
    if (!g_path_is_absolute(program)) {
        g_autofree char *relative = g_steal_pointer(&program);

        program = g_canonicalize_filename(relative, NULL);
        plan.program = program;
    }
    return spawn_with_logs(&plan, spec->stdout_path, spec->stderr_path,
                           spec->argv[0], error);
}

Process *process_spawn_spinner(int cpu, GError **error)
{
    SpawnPlan plan = { .cpu = cpu };

    return spawn_with_logs(&plan, NULL, NULL, "a load process", error);
}

int process_death_fd(const Process *p)
{
    return p->death_fd;
}

pid_t process_pid(const Process *p)
{
    return p->pid;
}

bool process_has_ended(Process *p)
{
    int status;

    if (!p->ended && waitpid(p->pid, &status, WNOHANG) == p->pid) {
        p->ended = true;
        p->status = status;
    }
    return p->ended;
}

bool process_wait(Process *p, int timeout_ms)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;

    while (!process_has_ended(p)) {
        struct pollfd pfd = { .fd = p->death_fd, .events = POLLIN };
        gint64 left_ms = -1;

        if (timeout_ms >= 0) {
            left_ms = (end_us - g_get_monotonic_time() + 999) / 1000;
            if (left_ms <= 0) {
                return false;
            }
        }
        if (poll(&pfd, 1, (int)left_ms) < 0 && errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool process_exited(const Process *p)
{
    return p->ended && WIFEXITED(p->status);
}

bool process_exited_cleanly(const Process *p)
{
    return process_exited(p) && WEXITSTATUS(p->status) == 0;
}

char *process_end_text(const Process *p)
{
    if (!p->ended) {
        return g_strdup("still running");
    }
    if (WIFSIGNALED(p->status)) {
        return g_strdup_printf("signal %d (%s)", WTERMSIG(p->status),
                               g_strsignal(WTERMSIG(p->status)));
    }
    return g_strdup_printf("exit code %d", WEXITSTATUS(p->status));
}

void process_kill(Process *p)
{
    if (p->ended) {
        return;
    }
    kill(-p->pid, SIGKILL);
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR) {
    }
    p->ended = true;
}

void process_stop(Process *p, int grace_ms)
{
    if (process_has_ended(p)) {
        return;
    }
    kill(p->pid, SIGTERM);
    if (!process_wait(p, grace_ms)) {
        process_kill(p);
    }
}

void process_free(Process *p)
{
    if (!p) {
        return;
    }
    process_kill(p);
    close_if_open(p->death_fd);
    g_free(p);
}
