/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_lockstep_load.c: one case of `bench lockstep`: HOSTS stock guests boot,
 * or stand idle after it, with windows of a given length; prints how much
 * simulated time went by in a second of wall time.
 *
 *     outrigger-bench-lockstep-load HOSTS WINDOW boot|idle
 *
 * WINDOW: a duration, or `free`: each host on its own clock between the
 * engine's coarse grants.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#define IDLE_S 20
#define EXIT_USAGE 2
#define EXIT_TESTBED 99

typedef struct Span {
    uint64_t step; /* which */
    uint64_t begin_seq, end_seq, begin_ps, end_ps;
    uint64_t begin_wall_ns, end_wall_ns;
} Span;

static char *scenario(unsigned hosts, const char *window, bool idle)
{
    GString *s = g_string_new("format: 1\nname: case\nseed: 1\n");

    g_string_append(s, "description: A case of bench lockstep.\n");
    g_string_append(s, "time: {mode: lockstep, limit: 300s");
    if (strcmp(window, "free") != 0) {
        g_string_append_printf(s, ", window: %s", window);
    }
    g_string_append(s, "}\nnodes:\n");
    for (unsigned i = 0; i < hosts; i++) {
        g_string_append_printf(s, "  host%u: {kind: host, memory: 160MiB}\n",
                               i);
    }
    g_string_append(s, "steps:\n  - boot: {node: [host0");
    for (unsigned i = 1; i < hosts; i++) {
        g_string_append_printf(s, ", host%u", i);
    }
    g_string_append(s, "]}\n");
    if (idle) {
        g_string_append_printf(s, "  - wait: {time: %us}\n", IDLE_S);
    }
    g_string_append(s, "expect:\n"
                       "  - {id: up, metric: host0.boots_count, is: 1}\n");
    return g_string_free(s, FALSE);
}

/* Of the step's first and last line: {"t_ps":N,"seq":N,"kind":"step-begin" */
static bool read_events(const char *path, Span *s)
{
    g_autofree char *text = NULL, *step = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return false;
    }
    step = g_strdup_printf("\"step\":%" G_GUINT64_FORMAT ",", s->step);
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        unsigned long long t_ps, seq;

        if (!strstr(lines[i], step) ||
            sscanf(lines[i], "{\"t_ps\":%llu,\"seq\":%llu", &t_ps, &seq) != 2) {
            continue;
        }
        if (strstr(lines[i], "\"step-begin\"")) {
            s->begin_seq = seq;
            s->begin_ps = t_ps;
        } else if (strstr(lines[i], "\"step-end\"")) {
            s->end_seq = seq;
            s->end_ps = t_ps;
        }
    }
    return s->end_seq > s->begin_seq;
}

static void read_wall(const char *path, Span *s)
{
    FILE *file = fopen(path, "re");
    unsigned long long seq, wall_ns;

    while (file && fscanf(file, " {\"seq\":%llu,\"wall_ns\":%llu}", &seq,
                          &wall_ns) == 2) {
        if (seq == s->begin_seq) {
            s->begin_wall_ns = wall_ns;
        } else if (seq == s->end_seq) {
            s->end_wall_ns = wall_ns;
        }
    }
    if (file) {
        fclose(file);
    }
}

/* Publications of hosts and wake-ups of all, and who waited for whom. */
static void read_counters(const char *path, double run_s)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    uint64_t windows = 0, wakes = 0;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return;
    }
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 1; lines[0] && lines[i] && *lines[i]; i++) {
        g_auto(GStrv) cells = g_strsplit(lines[i], ",", -1);

        if (g_strv_length(cells) > 4) {
            windows += strcmp(cells[0], "engine") == 0
                           ? 0
                           : g_ascii_strtoull(cells[1], NULL, 10);
            wakes += g_ascii_strtoull(cells[3], NULL, 10);
        }
    }
    printf("windows_per_wall_s %.0f\n", (double)windows / run_s);
    printf("wakes_per_wall_s %.0f\n", (double)wakes / run_s);
    fputs(text, stderr);
}

static int run(const char *file, const char *runs)
{
    g_autofree char *program = g_build_filename(
        g_getenv("OUTRIGGER_BUILD"), "meson", "sim-cluster", "outrigger", NULL);
    char *argv[] = { program,  "run",        (char *)file,
                     "--runs", (char *)runs, "--progress=plain",
                     NULL };
    g_autofree char *out = NULL, *err = NULL;
    int status;

    if (!g_spawn_sync(NULL, argv, NULL, 0, NULL, NULL, &out, &err, &status,
                      NULL)) {
        return EXIT_TESTBED;
    }
    if (!g_spawn_check_wait_status(status, NULL)) {
        fputs(err, stderr);
        return EXIT_TESTBED;
    }
    return 0;
}

static int measure(const char *dir, unsigned hosts, const char *window,
                   bool idle)
{
    g_autofree char *text = scenario(hosts, window, idle);
    g_autofree char *file = g_build_filename(dir, "case.yaml", NULL);
    g_autofree char *last = g_build_filename(dir, "latest", NULL);
    g_autofree char *events = g_build_filename(last, "events.ndjson", NULL);
    g_autofree char *wall = g_build_filename(last, "wall.ndjson", NULL);
    g_autofree char *counters =
        g_build_filename(last, "lockstep-wall.csv", NULL);
    Span s = { .step = idle ? 1 : 0 };
    double wall_s;
    int code;

    g_mkdir_with_parents(dir, 0777);
    if (!g_file_set_contents(file, text, -1, NULL)) {
        return EXIT_TESTBED;
    }
    code = run(file, dir);
    if (code != 0 || !read_events(events, &s)) {
        return EXIT_TESTBED;
    }
    read_wall(wall, &s);
    if (s.end_wall_ns <= s.begin_wall_ns || s.end_ps <= s.begin_ps) {
        return EXIT_TESTBED;
    }
    wall_s = (double)(s.end_wall_ns - s.begin_wall_ns) / 1e9;
    printf("sim_ms_per_wall_s %.3f\n",
           (double)(s.end_ps - s.begin_ps) / 1e9 / wall_s);
    read_counters(counters, wall_s);
    return 0;
}

int main(int argc, char **argv)
{
    const char *build = g_getenv("OUTRIGGER_BUILD");
    uint64_t hosts = argc == 4 ? g_ascii_strtoull(argv[1], NULL, 10) : 0;
    g_autofree char *dir = NULL;

    if (!build || hosts < 1 || hosts > 16 ||
        (strcmp(argv[3], "boot") != 0 && strcmp(argv[3], "idle") != 0)) {
        fprintf(stderr, "usage: %s HOSTS WINDOW|free boot|idle\n", argv[0]);
        return EXIT_USAGE;
    }
    dir = g_build_filename(build, "bench", "lockstep", NULL);
    return measure(dir, (unsigned)hosts, argv[2], strcmp(argv[3], "idle") == 0);
}
