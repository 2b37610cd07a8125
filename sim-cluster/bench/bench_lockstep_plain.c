/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_lockstep_plain.c: the default guest boots in QEMU as its makers have
 * it, without our patches and devices, on a free-running instruction counter.
 * Simulated time is what the guest's kernel prints before its lines.
 */
#include "bench_lockstep.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <glib.h>
#include <glib/gstdio.h>

#define LIMIT_S 120
#define POLL_US 2000
#define EXIT_TESTBED 99

/* The kernel's parameters, but it prints what it does. */
static char *kernel_command_line(const char *root)
{
    g_autofree char *path = g_build_filename(root, "guest", "cmdline", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL, words = NULL;
    GString *s = g_string_new(NULL);

    if (g_file_get_contents(path, &text, NULL, NULL)) {
        lines = g_strsplit(text, "\n", -1);
    }
    for (unsigned i = 0; lines && lines[i]; i++) {
        if (lines[i][0] && lines[i][0] != '#') {
            words = g_strsplit(lines[i], " ", -1);
            break;
        }
    }
    for (unsigned i = 0; words && words[i]; i++) {
        if (strcmp(words[i], "quiet") != 0) {
            g_string_append_printf(s, "%s%s", s->len ? " " : "", words[i]);
        }
    }
    return g_string_free(s, FALSE);
}

/* 0: it has not said hello yet. Else the kernel's last stamp before, in us. */
static uint64_t booted_us(const char *console, const char *agent)
{
    g_autofree char *said = NULL, *text = NULL;
    g_auto(GStrv) lines = NULL;
    uint64_t last_us = 0;

    if (!g_file_get_contents(agent, &said, NULL, NULL) ||
        !strstr(said, "@hello") ||
        !g_file_get_contents(console, &text, NULL, NULL)) {
        return 0;
    }
    lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i]; i++) {
        unsigned long long s, us;

        if (sscanf(lines[i], "[%llu.%6llu]", &s, &us) == 2) {
            last_us = s * 1000000 + us;
        }
    }
    return last_us;
}

static GPid start(const char *build, const char *root, const char *console,
                  const char *agent)
{
    g_autofree char *qemu = g_build_filename(build, "bin", "qemu-plain", NULL);
    g_autofree char *share = g_build_filename(build, "share", "qemu", NULL);
    g_autofree char *kernel = g_build_filename(build, "guest", "vmlinux", NULL);
    g_autofree char *initrd =
        g_build_filename(build, "guest", "initramfs.cpio", NULL);
    g_autofree char *to_console = g_strconcat("file:", console, NULL);
    g_autofree char *to_agent = g_strconcat("file,id=agent,path=", agent, NULL);
    g_autofree char *append = kernel_command_line(root);
    char *argv[] = {
        qemu,       "-L",
        share,      "-nodefaults",
        "-display", "none",
        "-machine", "q35",
        "-cpu",     "qemu64,+x2apic,+rdrand,+ssse3,+sse4.1,+sse4.2",
        "-m",       "160M",
        "-accel",   "tcg",
        "-icount",  "shift=0,sleep=off",
        "-rtc",     "base=2026-01-01T00:00:00,clock=vm",
        "-serial",  to_console,
        "-chardev", to_agent,
        "-device",  "isa-serial,chardev=agent",
        "-kernel",  kernel,
        "-initrd",  initrd,
        "-append",  append,
        NULL
    };
    GError *error = NULL;
    GPid pid = 0;

    if (!g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                       &pid, &error)) {
        fprintf(stderr, "%s\n", error->message);
        g_error_free(error);
        return 0;
    }
    return pid;
}

static bool build_it(const char *build, const char *root)
{
    g_autofree char *qemu = g_build_filename(build, "bin", "qemu-plain", NULL);
    g_autofree char *script =
        g_build_filename(root, "qemu", "build-plain", NULL);
    char *argv[] = { script, NULL };
    g_autofree char *out = NULL, *err = NULL;
    int status = 0;

    if (!g_file_test(qemu, G_FILE_TEST_EXISTS)) {
        fprintf(stderr, "building QEMU as it is; this takes some minutes\n");
        if (!g_spawn_sync(NULL, argv, NULL, 0, NULL, NULL, &out, &err, &status,
                          NULL) ||
            status != 0) {
            fprintf(stderr, "%s%s", out ? out : "", err ? err : "");
            return false;
        }
    }
    return true;
}

int bench_lockstep_plain(const char *dir, const char *build, const char *root)
{
    g_autofree char *console = g_build_filename(dir, "plain-console", NULL);
    g_autofree char *agent = g_build_filename(dir, "plain-agent", NULL);
    gint64 began_us, now_us;
    uint64_t sim_us = 0;
    GPid pid;

    g_unlink(console);
    g_unlink(agent);
    if (!build_it(build, root)) {
        return EXIT_TESTBED;
    }
    began_us = now_us = g_get_monotonic_time();
    pid = start(build, root, console, agent);
    while (pid && !sim_us && now_us - began_us < LIMIT_S * G_USEC_PER_SEC) {
        g_usleep(POLL_US);
        sim_us = booted_us(console, agent);
        now_us = g_get_monotonic_time();
    }
    if (pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        g_spawn_close_pid(pid);
    }
    if (!sim_us) {
        fprintf(stderr, "the guest did not say hello; its console is %s\n",
                console);
        return EXIT_TESTBED;
    }
    printf("sim_ms_per_wall_s %.3f\n",
           (double)sim_us * 1000 / (double)(now_us - began_us));
    return 0;
}
