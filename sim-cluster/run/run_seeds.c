/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_seeds.c: one scenario, several seeds.
 */
#include "run_seeds.h"

#include <math.h>

/* Student's t, 97.5 %, for 1 to 30 degrees of freedom; beyond: normal. */
static const double t_975[] = {
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
};

double run_seeds_interval(const double *values, unsigned n, double *ret_mean)
{
    double sum = 0, squares = 0;

    for (unsigned i = 0; i < n; i++) {
        sum += values[i];
    }
    *ret_mean = n ? sum / n : 0;
    if (n < 2) {
        return 0;
    }
    for (unsigned i = 0; i < n; i++) {
        squares += (values[i] - *ret_mean) * (values[i] - *ret_mean);
    }
    return (n - 1 <= G_N_ELEMENTS(t_975) ? t_975[n - 2] : 1.96) *
           sqrt(squares / (n - 1) / n);
}

/* The value of a metric in a summary, if it is a number. */
static bool number_of(JsonObject *summary, const char *name, double *ret)
{
    JsonObject *all = json_object_get_object_member(summary, "metrics");
    JsonObject *m = json_object_has_member(all, name)
                        ? json_object_get_object_member(all, name)
                        : NULL;
    JsonNode *value = m ? json_object_get_member(m, "value") : NULL;

    if (!value || !JSON_NODE_HOLDS_VALUE(value) ||
        json_node_get_value_type(value) != G_TYPE_INT64) {
        return false;
    }
    *ret = (double)json_node_get_int(value);
    return true;
}

static JsonObject *statistic(const char *name, const GPtrArray *summaries)
{
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(double));
    double mean, half, low = INFINITY, high = -INFINITY;
    JsonObject *o;

    for (unsigned i = 0; i < summaries->len; i++) {
        double v;

        if (number_of(g_ptr_array_index(summaries, i), name, &v)) {
            g_array_append_val(values, v);
            low = MIN(low, v);
            high = MAX(high, v);
        }
    }
    if (!values->len) {
        return NULL;
    }
    half = run_seeds_interval((const double *)(const void *)values->data,
                              values->len, &mean);
    o = json_object_new();
    json_object_set_int_member(o, "n", values->len);
    json_object_set_double_member(o, "mean", mean);
    json_object_set_double_member(o, "ci95", half);
    json_object_set_double_member(o, "min", low);
    json_object_set_double_member(o, "max", high);
    return o;
}

static void summarise(RunResult *base, const GPtrArray *summaries,
                      JsonArray *seeds)
{
    JsonObject *all = json_object_get_object_member(base->summary, "metrics");
    g_autoptr(GList) names = json_object_get_members(all);
    JsonObject *metrics = json_object_new();
    JsonObject *o = json_object_new();

    for (GList *l = names; l; l = l->next) {
        JsonObject *m = statistic(l->data, summaries);

        if (m) {
            json_object_set_object_member(metrics, l->data, m);
        }
    }
    json_object_set_array_member(o, "seeds", seeds);
    json_object_set_object_member(o, "metrics", metrics);
    json_object_set_object_member(base->summary, "seeds", o);
}

/* Those metrics that the scenario expects something of. */
static void tell(const RunContext *c, const Scenario *scn, RunResult *base)
{
    JsonObject *o = json_object_get_object_member(base->summary, "seeds");
    JsonObject *metrics = json_object_get_object_member(o, "metrics");

    for (unsigned i = 0; i < scn->expect->len; i++) {
        const ScnExpect *e = g_ptr_array_index(scn->expect, i);
        const char *name = e->predicate.metric;
        g_autofree char *line = NULL;
        JsonObject *m;

        if (!json_object_has_member(metrics, name)) {
            continue;
        }
        m = json_object_get_object_member(metrics, name);
        line = g_strdup_printf("  %-40s %.6g +- %.2g", name,
                               json_object_get_double_member(m, "mean"),
                               json_object_get_double_member(m, "ci95"));
        progress_note(c->progress, line);
    }
}

/* A seed that breaks something is run again without the others. */
static void tell_replay(const RunContext *c, const RunResult *r)
{
    g_autofree char *line =
        g_strdup_printf("      replay   %s",
                        json_object_get_string_member(r->summary, "replay"));

    if (r->verdict != RUN_HELD) {
        progress_note(c->progress, line);
    }
}

static void take(RunResult *base, const Scenario *scn, const RunResult *r)
{
    g_autofree char *line =
        g_strdup_printf("seed %" G_GUINT64_FORMAT ": %s", scn->seed, r->reason);

    if (r->verdict == RUN_HELD || base->verdict == RUN_ERROR) {
        return;
    }
    run_result_set(base, r->verdict, r->exit_code, line);
}

void run_seeds(const RunContext *c, const Scenario *scn, RunResult *base,
               const GPtrArray *others)
{
    g_autoptr(GPtrArray) summaries =
        g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref);
    JsonArray *seeds = json_array_new();

    json_array_add_int_element(seeds, (gint64)scn->seed);
    g_ptr_array_add(summaries, json_object_ref(base->summary));
    for (unsigned i = 0; i < others->len; i++) {
        const Scenario *s = g_ptr_array_index(others, i);
        g_autofree char *number =
            g_strdup_printf("%" G_GUINT64_FORMAT, s->seed);
        g_autofree char *part = g_strdup_printf("seed %s", number);
        g_autofree char *dir =
            g_build_filename(base->dir, "seeds", number, NULL);
        g_autoptr(RunResult) r = run_single(c, s, dir, part, -1);
        g_autoptr(GError) error = NULL;

        run_single_tell(c, s, r);
        tell_replay(c, r);
        take(base, s, r);
        json_array_add_int_element(seeds, (gint64)s->seed);
        g_ptr_array_add(summaries, json_object_ref(r->summary));
        if (!run_single_tidy(c, s, r, &error)) {
            run_result_set(base, RUN_ERROR, EXIT_TESTBED, error->message);
        }
        if (base->exit_code == EXIT_INTERRUPTED) {
            break;
        }
    }
    summarise(base, summaries, seeds);
    tell(c, scn, base);
}
