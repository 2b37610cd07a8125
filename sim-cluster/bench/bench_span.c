/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_span.c: see bench_span.h.
 */
#include "bench_span.h"

#include <stdio.h>
#include <string.h>

#include <glib.h>

/* Of the step's first and last line: {"t_ps":N,"seq":N,"kind":"step-begin" */
static bool read_events(const char *path, uint64_t number, BenchSpan *s)
{
    g_autofree char *text = NULL, *step = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return false;
    }
    step = g_strdup_printf("\"step\":%" G_GUINT64_FORMAT ",", number);
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

static void read_wall(const char *path, BenchSpan *s)
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

bool bench_span_of_step(const char *run_dir, uint64_t step, BenchSpan *ret)
{
    g_autofree char *events = g_build_filename(run_dir, "events.ndjson", NULL);
    g_autofree char *wall = g_build_filename(run_dir, "wall.ndjson", NULL);

    memset(ret, 0, sizeof(*ret));
    if (!read_events(events, step, ret)) {
        return false;
    }
    read_wall(wall, ret);
    return ret->end_wall_ns > ret->begin_wall_ns && ret->end_ps > ret->begin_ps;
}

double bench_span_wall_s(const BenchSpan *s)
{
    return (double)(s->end_wall_ns - s->begin_wall_ns) / 1e9;
}
