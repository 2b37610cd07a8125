/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * process-test.c: children start, end and never outlive their parent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "process.h"

static Process *shell(const char *script, const char *log, GError **error)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    ProcessSpec spec = { .argv = argv, .stdout_path = log, .cpu = -1 };

    return process_spawn(&spec, error);
}

static bool readable(int fd)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };

    return poll(&pfd, 1, 0) == 1;
}

static void clean_exit(void **state)
{
    g_autoptr(Process) p = shell("exit 0", NULL, NULL);
    g_autofree char *text = NULL;

    assert_non_null(p);
    assert_true(process_wait(p, 10000));
    assert_true(process_exited_cleanly(p));
    assert_true(readable(process_death_fd(p)));
    text = process_end_text(p);
    assert_string_equal(text, "exit code 0");
}

static void failing_exit(void **state)
{
    g_autoptr(Process) p = shell("exit 3", NULL, NULL);
    g_autofree char *text = NULL;

    assert_true(process_wait(p, 10000));
    assert_true(process_exited(p));
    assert_false(process_exited_cleanly(p));
    text = process_end_text(p);
    assert_string_equal(text, "exit code 3");
}

static void missing_program(void **state)
{
    const char *const argv[] = { "no-such-program-here", NULL };
    ProcessSpec spec = { .argv = argv, .cpu = -1 };
    g_autoptr(GError) error = NULL;

    assert_null(process_spawn(&spec, &error));
    assert_true(g_error_matches(error, PROCESS_ERROR, PROCESS_ERROR_SPAWN));
}

/* Failures after fork come back to the parent. */
static void missing_folder(void **state)
{
    const char *const argv[] = { "true", NULL };
    ProcessSpec spec = { .argv = argv, .cwd = "/nonexistent", .cpu = -1 };
    g_autoptr(GError) error = NULL;

    assert_null(process_spawn(&spec, &error));
    assert_true(g_error_matches(error, PROCESS_ERROR, PROCESS_ERROR_SPAWN));
    assert_non_null(strstr(error->message, "chdir"));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void output_is_appended(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("process-XXXXXX", NULL);
    g_autofree char *log = g_build_filename(dir, "log", NULL);
    g_autofree char *text = NULL;

    for (int i = 0; i < 2; i++) {
        g_autoptr(Process) p = shell("echo out; echo err >&2", log, NULL);

        assert_true(process_wait(p, 10000));
    }
    assert_true(g_file_get_contents(log, &text, NULL, NULL));
    assert_string_equal(text, "out\nerr\nout\nerr\n");
    g_unlink(log);
    g_rmdir(dir);
}

/* "ready" appears in @path once the script's traps are set. */
static void wait_for_file(const char *path)
{
    while (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_usleep(1000);
    }
}

static void stop_escalates(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("process-XXXXXX", NULL);
    g_autofree char *ready = g_build_filename(dir, "ready", NULL);
    g_autofree char *script = g_strdup_printf(
        "trap '' TERM; : >'%s'; while :; do sleep 1; done", ready);
    g_autoptr(Process) p = shell(script, NULL, NULL);
    g_autofree char *text = NULL;

    wait_for_file(ready);
    process_stop(p, 50);
    text = process_end_text(p);
    assert_string_equal(text, "signal 9 (Killed)");
    g_unlink(ready);
    g_rmdir(dir);
}

static void stop_asks_first(void **state)
{
    g_autoptr(Process) p = shell("exec sleep 100", NULL, NULL);
    g_autofree char *text = NULL;

    process_stop(p, 10000);
    text = process_end_text(p);
    assert_string_equal(text, "signal 15 (Terminated)");
}

static void own_group(void **state)
{
    g_autoptr(Process) p = shell("exec sleep 100", NULL, NULL);

    assert_int_equal(getpgid(process_pid(p)), process_pid(p));
    assert_int_not_equal(getpgid(process_pid(p)), getpgrp());
}

static void free_kills(void **state)
{
    Process *p = shell("exec sleep 100", NULL, NULL);
    pid_t pid = process_pid(p);

    process_free(p);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

/* Dead or a zombie that only its new parent can reap. */
static bool is_dead(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *stat = NULL;
    const char *after;

    if (!g_file_get_contents(path, &stat, NULL, NULL)) {
        return true;
    }
    after = strrchr(stat, ')');
    return after && after[2] == 'Z';
}

static void dies_with_its_parent(void **state)
{
    int fds[2];
    pid_t engine, child = 0;

    assert_int_equal(pipe(fds), 0);
    engine = fork();
    if (engine == 0) {
        Process *p = shell("exec sleep 100", NULL, NULL);
        pid_t pid = process_pid(p);

        if (write(fds[1], &pid, sizeof(pid)) != sizeof(pid)) {
            _exit(1);
        }
        raise(SIGKILL);
    }
    assert_int_equal(read(fds[0], &child, sizeof(child)), sizeof(child));
    waitpid(engine, NULL, 0);
    for (int i = 0; i < 10000 && !is_dead(child); i++) {
        g_usleep(1000);
    }
    assert_true(is_dead(child));
    close(fds[0]);
    close(fds[1]);
}

static void spinner_spins_until_freed(void **state)
{
    g_autoptr(Process) p = process_spawn_spinner(0, NULL);

    assert_non_null(p);
    assert_false(process_wait(p, 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_exit),
        cmocka_unit_test(failing_exit),
        cmocka_unit_test(missing_program),
        cmocka_unit_test(missing_folder),
        cmocka_unit_test(output_is_appended),
        cmocka_unit_test(stop_escalates),
        cmocka_unit_test(stop_asks_first),
        cmocka_unit_test(own_group),
        cmocka_unit_test(free_kills),
        cmocka_unit_test(dies_with_its_parent),
        cmocka_unit_test(spinner_spins_until_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
