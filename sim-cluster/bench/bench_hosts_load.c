/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_hosts_load.c: one case of `bench hosts`: runs a scenario and prints the
 * most memory that it had in use, and the wall time of one of its steps.
 *
 *     outrigger-bench-hosts-load SCENARIO STEP
 *
 * SCENARIO: a path below the project; STEP counts from 0.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "bench_proc.h"
#include "bench_span.h"

#define SAMPLE_US 1000000 /* a look costs some 10 ms of CPU */
#define MIB (1024.0 * 1024.0)
#define EXIT_USAGE 2
#define EXIT_TESTBED 99

/* Waits for @child. Returns its exit code. */
static int watch(GPid child, uint64_t *ret_memory_bytes)
{
    int status;

    *ret_memory_bytes = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        *ret_memory_bytes =
            MAX(*ret_memory_bytes, bench_proc_memory_bytes(child));
        g_usleep(SAMPLE_US);
    }
    g_spawn_close_pid(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_TESTBED;
}

static int measure(const char *program, const char *file, const char *runs,
                   uint64_t step)
{
    char *argv[] = {
        (char *)program,    "run", (char *)file, "--runs", (char *)runs,
        "--progress=plain", NULL
    };
    g_autofree char *last = g_build_filename(runs, "latest", NULL);
    g_autoptr(GError) err = NULL;
    uint64_t memory_bytes;
    BenchSpan s;
    GPid child;
    int code;

    /* stdout is for what is measured */
    if (!g_spawn_async(NULL, argv, NULL,
                       G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
                       bench_proc_dies_with_us, NULL, &child, &err)) {
        fprintf(stderr, "%s\n", err->message);
        return EXIT_TESTBED;
    }
    code = watch(child, &memory_bytes);
    if (code != 0) {
        return code == 1 ? EXIT_TESTBED : code;
    }
    if (memory_bytes == 0) {
        fprintf(stderr, "/proc does not say how much memory is in use\n");
        return EXIT_TESTBED;
    }
    if (!bench_span_of_step(last, step, &s)) {
        fprintf(stderr, "%s: no step %" G_GUINT64_FORMAT " that took time\n",
                last, step);
        return EXIT_TESTBED;
    }
    printf("wall_s %.3f\n", bench_span_wall_s(&s));
    printf("sim_ms_per_wall_s %.3f\n",
           (double)(s.end_ps - s.begin_ps) / 1e9 / bench_span_wall_s(&s));
    printf("memory_mib %.1f\n", (double)memory_bytes / MIB);
    return 0;
}

int main(int argc, char **argv)
{
    const char *build = g_getenv("OUTRIGGER_BUILD");
    const char *root = g_getenv("OUTRIGGER_ROOT");
    g_autofree char *program = NULL, *file = NULL, *runs = NULL;
    guint64 step;

    if (!build || !root || argc != 3 ||
        !g_ascii_string_to_unsigned(argv[2], 10, 0, 1000, &step, NULL)) {
        fprintf(stderr, "usage: %s SCENARIO STEP\n", argv[0]);
        return EXIT_USAGE;
    }
    program =
        g_build_filename(build, "meson", "sim-cluster", "outrigger", NULL);
    file = g_build_filename(root, argv[1], NULL);
    runs = g_build_filename(build, "bench", "hosts", NULL);
    if (g_mkdir_with_parents(runs, 0777) < 0) {
        fprintf(stderr, "%s: %s\n", runs, g_strerror(errno));
        return EXIT_TESTBED;
    }
    return measure(program, file, runs, step);
}
