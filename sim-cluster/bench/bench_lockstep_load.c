/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_lockstep_load.c: one case of `bench lockstep`: HOSTS stock guests boot,
 * or stand idle after it, or the first sends to the second, with windows of a
 * given length; prints how much simulated time went by in a second of wall
 * time.
 *
 *     outrigger-bench-lockstep-load HOSTS WINDOW boot|idle|iperf3
 *
 * WINDOW: a duration; `free`: each host on its own clock between the engine's
 * coarse grants; `derived`: as the links have it; `relaxed:DURATION`; `plain`,
 * with one host: QEMU without our patches.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "bench_lockstep.h"
#include "bench_span.h"

#define IDLE_S 20
#define EXIT_USAGE 2
#define EXIT_TESTBED 99

#define RELAXED "relaxed:"

typedef enum Work { WORK_BOOT = 0, WORK_IDLE, WORK_IPERF3, WORKS } Work;
static const char *const work_names[WORKS] = { "boot", "idle", "iperf3" };
/* The step whose time is taken. */
static const unsigned work_step[WORKS] = { 0, 1, 1 };

/* A rate that does not depend on how late packets are. */
static void add_iperf3(GString *s)
{
    g_string_append(s, "  - load:\n"
                       "      as: udp\n      node: host0\n"
                       "      background: false\n"
                       "      iperf3: {server: host1, proto: udp, "
                       "bitrate: 1Gbit, length: 1400B, duration: 1s}\n");
}

static void add_nodes(GString *s, unsigned hosts, bool linked)
{
    g_string_append(s, linked ? "networks:\n  net: {vni: 1}\nnodes:\n"
                              : "nodes:\n");
    for (unsigned i = 0; i < hosts; i++) {
        g_string_append_printf(s, "  host%u: {kind: host, memory: 160MiB", i);
        if (linked) {
            g_string_append_printf(
                s, ", card: {nic: {vnic0: {network: net, address: %s%u/24}}}",
                "172.16.0.", i + 1);
        }
        g_string_append(s, "}\n");
    }
    if (!linked) {
        return;
    }
    g_string_append(s, "  sw0: {kind: switch, ports: 16, rate: 100Gbit}\n"
                       "links:\n");
    for (unsigned i = 0; i < hosts; i++) {
        g_string_append_printf(s,
                               "  - {a: host%u.card, b: sw0.p%u, "
                               "rate: 100Gbit, delay: 500ns}\n",
                               i, i);
    }
}

static void add_window(GString *s, const char *window)
{
    if (g_str_has_prefix(window, RELAXED)) {
        g_string_append_printf(s, ", quantum: %s", window + strlen(RELAXED));
    } else if (strcmp(window, "free") != 0 && strcmp(window, "derived") != 0) {
        g_string_append_printf(s, ", window: %s", window);
    }
}

static char *scenario(unsigned hosts, const char *window, Work work)
{
    GString *s = g_string_new("format: 1\nname: case\nseed: 1\n");

    g_string_append(s, "description: A case of bench lockstep.\n");
    g_string_append(s, "time: {mode: lockstep, limit: 300s");
    add_window(s, window);
    g_string_append(s, "}\n");
    add_nodes(s, hosts, work == WORK_IPERF3);
    g_string_append(s, "steps:\n  - boot: {node: [host0");
    for (unsigned i = 1; i < hosts; i++) {
        g_string_append_printf(s, ", host%u", i);
    }
    g_string_append(s, "]}\n");
    if (work == WORK_IDLE) {
        g_string_append_printf(s, "  - wait: {time: %us}\n", IDLE_S);
    } else if (work == WORK_IPERF3) {
        add_iperf3(s);
    }
    g_string_append(s, "expect:\n"
                       "  - {id: up, metric: host0.boots_count, is: 1}\n");
    return g_string_free(s, FALSE);
}

/* The last two columns. */
static void read_late(char **cells, guint n, uint64_t *count, double *max_us)
{
    *count += g_ascii_strtoull(cells[n - 2], NULL, 10);
    *max_us = MAX(*max_us, g_ascii_strtod(cells[n - 1], NULL) / 1e6);
}

/* Publications of hosts and wake-ups of all, and who waited for whom. */
static void read_counters(const char *path, double run_s)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    uint64_t windows = 0, wakes = 0, late = 0;
    double late_max_us = 0;

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
            read_late(cells, g_strv_length(cells), &late, &late_max_us);
        }
    }
    printf("windows_per_wall_s %.0f\n", (double)windows / run_s);
    printf("wakes_per_wall_s %.0f\n", (double)wakes / run_s);
    printf("late_frames %" G_GUINT64_FORMAT "\n", late);
    printf("late_max_us %.3f\n", late_max_us);
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
                   Work work)
{
    g_autofree char *text = scenario(hosts, window, work);
    g_autofree char *file = g_build_filename(dir, "case.yaml", NULL);
    g_autofree char *last = g_build_filename(dir, "latest", NULL);
    g_autofree char *counters =
        g_build_filename(last, "lockstep-wall.csv", NULL);
    BenchSpan s;
    double wall_s;
    int code;

    if (!g_file_set_contents(file, text, -1, NULL)) {
        return EXIT_TESTBED;
    }
    code = run(file, dir);
    if (code != 0 || !bench_span_of_step(last, work_step[work], &s)) {
        return EXIT_TESTBED;
    }
    wall_s = bench_span_wall_s(&s);
    printf("sim_ms_per_wall_s %.3f\n",
           (double)(s.end_ps - s.begin_ps) / 1e9 / wall_s);
    read_counters(counters, wall_s);
    return 0;
}

int main(int argc, char **argv)
{
    const char *build = g_getenv("OUTRIGGER_BUILD");
    const char *root = g_getenv("OUTRIGGER_ROOT");
    uint64_t hosts = argc == 4 ? g_ascii_strtoull(argv[1], NULL, 10) : 0;
    g_autofree char *dir = NULL;
    unsigned work = 0;

    while (hosts && work < WORKS && strcmp(argv[3], work_names[work]) != 0) {
        work++;
    }
    if (!build || !root || hosts < 1 || hosts > 16 || work == WORKS ||
        (work == WORK_IPERF3 && hosts < 2) ||
        (strcmp(argv[2], "plain") == 0 && (hosts != 1 || work != WORK_BOOT))) {
        fprintf(stderr,
                "usage: %s HOSTS DURATION|free|derived|relaxed:DURATION|plain "
                "boot|idle|iperf3\n",
                argv[0]);
        return EXIT_USAGE;
    }
    dir = g_build_filename(build, "bench", "lockstep", NULL);
    g_mkdir_with_parents(dir, 0777);
    if (strcmp(argv[2], "plain") == 0) {
        return bench_lockstep_plain(dir, build, root);
    }
    return measure(dir, (unsigned)hosts, argv[2], (Work)work);
}
