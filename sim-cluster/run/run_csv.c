/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_csv.c: metrics.csv (docs/run-directory.md): one value a line.
 */
#include "run_result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime.h"

static void text_field(FILE *f, const char *text)
{
    if (!strpbrk(text, ",\"\n\r")) {
        fputs(text, f);
        return;
    }
    fputc('"', f);
    for (const char *p = text; *p; p++) {
        fputs(*p == '"' ? "\"\"" : (char[]){ *p, '\0' }, f);
    }
    fputc('"', f);
}

static void line_u64(FILE *f, uint64_t t_ps, const char *component,
                     const char *metric, const char *unit, uint64_t value)
{
    fprintf(f, "%" G_GUINT64_FORMAT ",%s,%s,%s,%" G_GUINT64_FORMAT "\n", t_ps,
            component, metric, unit, value);
}

/* The owner is everything before the last dot. */
static void metric_line(FILE *f, const Metric *m)
{
    const char *dot = strrchr(m->name, '.');
    g_autofree char *owner = g_strndup(m->name, (gsize)(dot - m->name));
    g_autofree char *value = metric_value_text(&m->value);

    fprintf(f, "%" G_GUINT64_FORMAT ",%s,%s,%s,", m->at_ps, owner, dot + 1,
            unit_base_name(m->value.unit));
    text_field(f, value);
    fputc('\n', f);
}

static void window_lines(FILE *f, const char *component, const CardWindow *w)
{
    uint64_t per_s = PS_PER_S / CARD_STATS_WINDOW_PS;
    const char *ps = unit_base_name(UNIT_DURATION);

    line_u64(f, w->end_ps, component, "window_iops", unit_base_name(UNIT_COUNT),
             w->ios * per_s);
    line_u64(f, w->end_ps, component, "window_bps", unit_base_name(UNIT_RATE),
             w->bytes * 8 * per_s);
    line_u64(f, w->end_ps, component, "window_lat_p50_ps", ps, w->lat_p50_ps);
    line_u64(f, w->end_ps, component, "window_lat_p99_ps", ps, w->lat_p99_ps);
    line_u64(f, w->end_ps, component, "window_lat_max_ps", ps, w->lat_max_ps);
}

static void percentile_lines(FILE *f, uint64_t t_ps, const char *component,
                             const Hist *h)
{
    static const struct {
        const char *name;
        uint32_t ppm;
    } points[] = {
        { "lat_p50_ps", HIST_P50 },      { "lat_p90_ps", HIST_P90 },
        { "lat_p99_ps", HIST_P99 },      { "lat_p999_ps", HIST_P99_9 },
        { "lat_p9999_ps", HIST_P99_99 }, { "lat_max_ps", HIST_MAX }
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(points); i++) {
        line_u64(f, t_ps, component, points[i].name,
                 unit_base_name(UNIT_DURATION),
                 hist_percentile(h, points[i].ppm));
    }
}

static void node_lines(FILE *f, const Execution *x, const RunNode *n)
{
    const ScnCard *card = host_scenario(n->host)->card;

    for (unsigned i = 0; card && i < card->interfaces->len; i++) {
        const CardInterfaceSums *sums = &n->stats->interfaces[i];
        g_autofree char *component =
            g_strdup_printf("%s.%s", host_name(n->host), n->interface_names[i]);

        for (unsigned k = 0; k < sums->windows->len; k++) {
            window_lines(f, component,
                         &g_array_index(sums->windows, CardWindow, k));
        }
        if (hist_count(sums->latency)) {
            percentile_lines(f, x->now_ps, component, sums->latency);
        }
    }
}

bool run_csv_write(Execution *x, GError **error)
{
    g_autofree char *path = g_build_filename(x->dir, "metrics.csv", NULL);
    FILE *f = fopen(path, "we");
    bool ok = f != NULL;

    if (f) {
        fputs("t_ps,component,metric,unit,value\n", f);
        for (unsigned i = 0; i < metrics_store_count(x->metrics); i++) {
            metric_line(f, metrics_store_at(x->metrics, i));
        }
        for (unsigned i = 0; i < x->nodes->len; i++) {
            node_lines(f, x, g_ptr_array_index(x->nodes, i));
        }
        ok = !ferror(f);
        ok = fclose(f) == 0 && ok;
    }
    if (!ok) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "cannot write %s: %s", path, g_strerror(errno));
    }
    return ok;
}
