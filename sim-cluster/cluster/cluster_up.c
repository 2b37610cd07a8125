/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cluster_up.c: makes the supervisor process of a cluster and waits until it
 * says that the guests are up.
 *
 * The supervisor is a session of its own. It keeps the terminal's stderr for
 * progress until all is up, then writes to cluster.log.
 */
#include "cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster_run.h"
#include "run_dir.h"
#include "run_interrupt.h"
#include "runtime.h"

/* What the supervisor tells `up`, once. */
typedef struct UpReport {
    int code;       /* ExitCode */
    char dir[3072]; /* all of it fits one write to a pipe */
} UpReport;

typedef struct Supervisor {
    const Scenario *scn;
    const RunOptions *options;
    int report_fd; /* -1: it has been said */
    char *dir;
} Supervisor;

/* ---- the supervisor ---------------------------------------------------- */

static bool report(Supervisor *s, int code)
{
    UpReport r = { .code = code };
    bool ok;

    if (s->report_fd < 0) {
        return true;
    }
    g_strlcpy(r.dir, s->dir ? s->dir : "", sizeof(r.dir));
    ok = write(s->report_fd, &r, sizeof(r)) == (ssize_t)sizeof(r);
    close(s->report_fd);
    s->report_fd = -1;
    return ok;
}

static void leave_terminal(const char *dir)
{
    g_autofree char *log = g_build_filename(dir, CLUSTER_LOG, NULL);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    if (fd < 0) {
        fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    }
    if (fd >= 0) {
        fflush(stderr);
        dup2(fd, STDERR_FILENO);
        close(fd);
    }
}

static bool on_ready(void *opaque)
{
    Supervisor *s = opaque;

    leave_terminal(s->dir);
    return report(s, EXIT_HELD);
}

static int code_of(const GError *error)
{
    static const struct {
        RuntimeError error;
        int code;
    } table[] = {
        { RUNTIME_ERROR_BROKEN, EXIT_BROKEN },
        { RUNTIME_ERROR_LIMIT, EXIT_BROKEN },
        { RUNTIME_ERROR_INVALID, EXIT_USAGE },
        { RUNTIME_ERROR_PREREQUISITE, EXIT_SKIPPED },
        { RUNTIME_ERROR_INTERRUPTED, EXIT_INTERRUPTED },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_error_matches(error, RUNTIME_ERROR, (int)table[i].error)) {
            return table[i].code;
        }
    }
    return EXIT_TESTBED;
}

static bool run_all(Supervisor *s, Progress *progress, GError **error)
{
    g_autoptr(HostInstall) install =
        host_install_find(s->options->root, s->scn, error);
    g_autoptr(RunScratch) scratch = install ? run_scratch_new(error) : NULL;
    ClusterRun r = { .scn = s->scn,
                     .options = s->options,
                     .install = install,
                     .scratch = scratch,
                     .progress = progress };

    if (!scratch) {
        return false;
    }
    s->dir = run_dir_create(s->options->runs_dir, s->scn->name, error);
    r.dir = s->dir;
    return s->dir && cluster_run(&r, on_ready, s, error);
}

static int supervise(Supervisor *s)
{
    g_autoptr(Progress) progress = progress_new(s->options->progress, stderr);
    g_autoptr(GError) error = NULL;
    int code = EXIT_TESTBED;

    if (!run_interrupt_begin(0)) {
        progress_fail(progress, "cannot watch for signals", NULL);
    } else {
        code = run_all(s, progress, &error) ? EXIT_HELD : code_of(error);
        run_interrupt_end();
        if (error) {
            progress_fail(progress, error->message, NULL);
        }
    }
    report(s, code);
    g_free(s->dir);
    return code;
}

G_GNUC_NORETURN static void child(Supervisor *s)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsid();
    if (null_fd >= 0) {
        dup2(null_fd, STDIN_FILENO);
        dup2(null_fd, STDOUT_FILENO);
        close(null_fd);
    }
    exit(supervise(s));
}

/* ---- the one that waits ------------------------------------------------ */

static volatile sig_atomic_t child_pid;

static void pass_on(int sig)
{
    kill((pid_t)child_pid, sig == SIGHUP ? SIGTERM : sig);
}

static void watch_signals(pid_t pid)
{
    struct sigaction act = { .sa_handler = pass_on, .sa_flags = SA_RESTART };

    child_pid = (sig_atomic_t)pid;
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGHUP, &act, NULL);
}

static int fail(const char *text)
{
    g_autoptr(Progress) progress = progress_new(PROGRESS_AUTO, stderr);

    progress_fail(progress, text, NULL);
    return EXIT_TESTBED;
}

static int wait_for(pid_t pid, int fd)
{
    UpReport r = { .code = EXIT_TESTBED };
    ssize_t n;

    watch_signals(pid);
    do {
        n = read(fd, &r, sizeof(r));
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(r)) {
        return fail("the supervisor died");
    }
    if (r.code != EXIT_HELD) {
        waitpid(pid, NULL, 0);
    }
    if (r.dir[0]) {
        printf("%s\n", r.dir);
        fflush(stdout);
    }
    return r.code;
}

int cluster_up(const Scenario *scn, const RunOptions *options)
{
    Supervisor s = { .scn = scn, .options = options };
    int fds[2];
    pid_t pid;
    int code;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        return fail("cannot make a pipe");
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        s.report_fd = fds[1];
        child(&s);
    }
    close(fds[1]);
    if (pid < 0) {
        code = fail("cannot make the supervisor");
    } else {
        code = wait_for(pid, fds[0]);
    }
    close(fds[0]);
    return code;
}
