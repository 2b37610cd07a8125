/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_diff.c: compares what two run directories hold.
 */
#include "run_diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report_format.h"

#define PPM 1000000u
#define MAX_LINE 400 /* of a line of the event log, for people */

static void row_free(void *p)
{
    RunDiffRow *r = p;

    g_free(r->name);
    g_free(r->text[0]);
    g_free(r->text[1]);
    g_free(r->change);
    g_free(r->relative);
    g_free(r);
}

void run_diff_free(RunDiff *d)
{
    if (!d) {
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        report_data_free(d->data[i]);
        g_free(d->label[i]);
        g_free(d->event[i]);
    }
    g_ptr_array_unref(d->facts);
    g_ptr_array_unref(d->scenario);
    g_ptr_array_unref(d->expectations);
    g_ptr_array_unref(d->latency);
    g_ptr_array_unref(d->metrics);
    g_free(d);
}

RunDiffRow *run_diff_row(GPtrArray *rows, char *name)
{
    RunDiffRow *r = g_new0(RunDiffRow, 1);

    r->name = name;
    r->change = g_strdup("");
    r->relative = g_strdup("");
    r->unit = "";
    g_ptr_array_add(rows, r);
    return r;
}

guint run_diff_count(const GPtrArray *rows)
{
    guint n = 0;

    for (guint i = 0; i < rows->len; i++) {
        n += ((RunDiffRow *)rows->pdata[i])->differs;
    }
    return n;
}

/* ---- numbers ------------------------------------------------------------ */

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0u - (uint64_t)v : (uint64_t)v;
}

/* "+12.5 %", "-3.0 %", "+17 ppm"; a factor beyond a thousand percent. */
static char *relative_text(int64_t from, int64_t to)
{
    uint64_t base = magnitude(from);
    __int128 change = (__int128)to - from;
    unsigned __int128 size = (unsigned __int128)(change < 0 ? -change : change);
    uint64_t permille;

    if (base == 0) {
        return g_strdup(to ? "from 0" : "");
    }
    if (size / base >= 10 && (from < 0) == (to < 0)) {
        return g_strdup_printf("x%" G_GUINT64_FORMAT,
                               (magnitude(to) + base / 2) / base);
    }
    permille = (uint64_t)((size * 1000 + base / 2) / base);
    if (permille == 0) {
        return g_strdup_printf("%c%" G_GUINT64_FORMAT " ppm",
                               change < 0 ? '-' : '+',
                               (uint64_t)((size * PPM + base / 2) / base));
    }
    return g_strdup_printf("%c%" G_GUINT64_FORMAT ".%u %%",
                           change < 0 ? '-' : '+', permille / 10,
                           (unsigned)(permille % 10));
}

static char *exact_text(int64_t value, const char *unit)
{
    g_autofree char *digits = format_exact(magnitude(value));

    return g_strdup_printf("%s%s %s", value < 0 ? "-" : "", digits, unit);
}

static bool beyond(const RunDiff *d, int64_t from, int64_t to)
{
    __int128 change = (__int128)to - from;
    unsigned __int128 size = (unsigned __int128)(change < 0 ? -change : change);

    return size * PPM > (unsigned __int128)magnitude(from) * d->tolerance_ppm;
}

/* Both values of @r are set: their texts, the change and the verdict. */
static void compare_numbers(const RunDiff *d, RunDiffRow *r)
{
    int64_t change;

    r->differs = beyond(d, r->value[0], r->value[1]);
    if (r->value[0] == r->value[1]) {
        return;
    }
    if (g_str_equal(r->text[0], r->text[1])) {
        for (unsigned i = 0; i < 2; i++) {
            g_free(r->text[i]);
            r->text[i] = exact_text(r->value[i], r->unit);
        }
    }
    if (!__builtin_sub_overflow(r->value[1], r->value[0], &change)) {
        g_autofree char *text = format_in_unit(change, r->unit);

        g_free(r->change);
        r->change = g_strconcat(change > 0 ? "+" : "", text, NULL);
    }
    g_free(r->relative);
    r->relative = relative_text(r->value[0], r->value[1]);
}

static bool is_integer(JsonNode *n)
{
    return n && JSON_NODE_HOLDS_VALUE(n) &&
           json_node_get_value_type(n) == G_TYPE_INT64;
}

/* Compares member @name of two objects (either may be NULL). */
static void compare_members(const RunDiff *d, RunDiffRow *r, JsonObject *a,
                            JsonObject *b, const char *name, const char *unit)
{
    JsonObject *o[2] = { a, b };
    JsonNode *n[2];

    r->unit = unit;
    for (unsigned i = 0; i < 2; i++) {
        n[i] = o[i] ? json_object_get_member(o[i], name) : NULL;
        r->text[i] = o[i] ? report_json_value(o[i], name, unit) : NULL;
        r->value[i] = is_integer(n[i]) ? json_node_get_int(n[i]) : 0;
    }
    r->numbers = is_integer(n[0]) && is_integer(n[1]);
    if (r->numbers) {
        compare_numbers(d, r);
    } else {
        r->differs = g_strcmp0(r->text[0], r->text[1]) != 0;
    }
}

/* ---- members of objects ------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Names in @a or @b (either may be NULL), each once, in order. */
static GList *union_of_names(JsonObject *a, JsonObject *b)
{
    GList *names = a ? json_object_get_members(a) : NULL;
    GList *others = b ? json_object_get_members(b) : NULL;

    for (GList *l = others; l; l = l->next) {
        if (!a || !json_object_has_member(a, l->data)) {
            names = g_list_prepend(names, l->data);
        }
    }
    g_list_free(others);
    return g_list_sort(names, compare_names);
}

/* A metric of latency or of a flow's completion. */
static bool is_latency(const char *name)
{
    const char *last = strrchr(name, '.');

    last = last ? last + 1 : name;
    return g_str_has_suffix(last, "_ps") &&
           (g_str_has_prefix(last, "lat_") || g_str_has_prefix(last, "rtt_") ||
            g_str_has_prefix(last, "fct_"));
}

static void compare_metrics(RunDiff *d)
{
    JsonObject *all[2] = { report_json_object(d->data[0]->root, "metrics"),
                           report_json_object(d->data[1]->root, "metrics") };
    g_autoptr(GList) names = union_of_names(all[0], all[1]);

    for (GList *l = names; l; l = l->next) {
        JsonObject *m[2];
        const char *unit;

        for (unsigned i = 0; i < 2; i++) {
            m[i] = all[i] ? report_json_object(all[i], l->data) : NULL;
        }
        unit = report_json_text(m[0] ? m[0] : m[1], "unit", "");
        compare_members(
            d,
            run_diff_row(is_latency(l->data) ? d->latency : d->metrics,
                         g_strdup(l->data)),
            m[0], m[1], "value", unit);
    }
}

static JsonObject *find_expectation(const ReportData *d, const char *id)
{
    JsonArray *list = report_json_array(d->root, "expectations");

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *o = report_json_element(list, i);

        if (o && g_str_equal(report_json_text(o, "id", ""), id)) {
            return o;
        }
    }
    return NULL;
}

static void compare_expectation(RunDiff *d, JsonObject *a, JsonObject *b,
                                const char *id)
{
    RunDiffRow *r = run_diff_row(d->expectations, g_strdup(id));
    JsonObject *o[2] = { a, b };

    compare_members(d, r, a, b, "actual",
                    report_json_text(a ? a : b, "unit", ""));
    for (unsigned i = 0; i < 2; i++) {
        r->bad[i] = o[i] && !json_object_get_boolean_member_with_default(
                                o[i], "held", FALSE);
    }
    r->differs |= r->bad[0] != r->bad[1];
}

static void compare_expectations(RunDiff *d)
{
    for (unsigned k = 0; k < 2; k++) {
        JsonArray *list = report_json_array(d->data[k]->root, "expectations");

        for (guint i = 0; list && i < json_array_get_length(list); i++) {
            JsonObject *o = report_json_element(list, i);
            const char *id = o ? report_json_text(o, "id", "") : "";
            JsonObject *other = find_expectation(d->data[!k], id);

            if (k == 0) {
                compare_expectation(d, o, other, id);
            } else if (!other) {
                compare_expectation(d, NULL, o, id);
            }
        }
    }
}

/* ---- latency of interfaces ------------------------------------------------*/

static const struct {
    uint32_t ppm;
    const char *name;
} percentiles[] = {
    { HIST_P50, "50 %" },     { HIST_P90, "90 %" },    { HIST_P99, "99 %" },
    { HIST_P99_9, "99.9 %" }, { HIST_MAX, "longest" },
};

static const Hist *latency_of(const ReportData *d, const ReportInterface *like,
                              ReportDirection dir)
{
    for (guint i = 0; i < d->interfaces->len; i++) {
        const ReportInterface *one = d->interfaces->pdata[i];

        if (!g_strcmp0(one->node, like->node) &&
            !g_strcmp0(one->name, like->name)) {
            return hist_count(one->latency[dir]) ? one->latency[dir] : NULL;
        }
    }
    return NULL;
}

static void compare_hists(RunDiff *d, const ReportInterface *one,
                          ReportDirection dir)
{
    const Hist *h[2] = { latency_of(d->data[0], one, dir),
                         latency_of(d->data[1], one, dir) };

    for (gsize p = 0; p < G_N_ELEMENTS(percentiles) && (h[0] || h[1]); p++) {
        RunDiffRow *r = run_diff_row(
            d->latency,
            g_strdup_printf("%s/%s %s %s", one->node ? one->node : "",
                            one->name, report_direction_name(dir),
                            percentiles[p].name));

        r->unit = "ps";
        r->numbers = h[0] && h[1];
        for (unsigned i = 0; i < 2; i++) {
            r->value[i] =
                h[i] ? (int64_t)hist_percentile(h[i], percentiles[p].ppm) : 0;
            r->text[i] = h[i] ? format_ps((uint64_t)r->value[i]) : NULL;
        }
        r->differs = !r->numbers;
        if (r->numbers) {
            compare_numbers(d, r);
        }
    }
}

static bool has_interface(const ReportData *d, const ReportInterface *like)
{
    for (guint i = 0; i < d->interfaces->len; i++) {
        const ReportInterface *one = d->interfaces->pdata[i];

        if (!g_strcmp0(one->node, like->node) &&
            !g_strcmp0(one->name, like->name)) {
            return true;
        }
    }
    return false;
}

static void compare_latency(RunDiff *d)
{
    for (unsigned k = 0; k < 2; k++) {
        const GPtrArray *list = d->data[k]->interfaces;

        for (guint i = 0; i < list->len; i++) {
            const ReportInterface *one = list->pdata[i];

            if (k && has_interface(d->data[0], one)) {
                continue;
            }
            compare_hists(d, one, REPORT_READ);
            compare_hists(d, one, REPORT_WRITE);
        }
    }
}

/* ---- event logs ---------------------------------------------------------- */

static char *shown_line(const char *line)
{
    g_autofree char *valid = g_utf8_make_valid(line, -1);

    g_strchomp(valid);
    return g_utf8_strlen(valid, -1) > MAX_LINE
               ? g_utf8_substring(valid, 0, MAX_LINE)
               : g_steal_pointer(&valid);
}

static void compare_events(RunDiff *d)
{
    FILE *files[2];
    char *lines[2] = { NULL, NULL };
    size_t sizes[2] = { 0, 0 };
    bool more[2] = { true, true }, equal = true;
    uint64_t number = 0;

    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *path =
            g_build_filename(d->data[i]->dir, "events.ndjson", NULL);

        files[i] = fopen(path, "re");
        d->no_events[i] = !files[i];
    }
    while (files[0] && files[1] && more[0] && more[1] && equal) {
        number++;
        for (unsigned i = 0; i < 2; i++) {
            more[i] = getline(&lines[i], &sizes[i], files[i]) > 0;
        }
        equal = more[0] == more[1] && (!more[0] || !strcmp(lines[0], lines[1]));
    }
    for (unsigned i = 0; i < 2; i++) {
        if (!equal && more[i]) {
            d->event[i] = shown_line(lines[i]);
        }
        free(lines[i]);
        g_clear_pointer(&files[i], fclose);
    }
    d->event_line = equal ? 0 : number;
}

/* ---- all ------------------------------------------------------------------*/

static void fact(RunDiff *d, const char *name, const char *a, const char *b,
                 bool counts)
{
    RunDiffRow *r = run_diff_row(d->facts, g_strdup(name));

    r->text[0] = g_strdup(a);
    r->text[1] = g_strdup(b);
    r->differs = counts && strcmp(a, b) != 0;
}

static void compare_facts(RunDiff *d)
{
    const ReportData *a = d->data[0], *b = d->data[1];
    JsonObject *v[2] = { report_json_object(a->root, "versions"),
                         report_json_object(b->root, "versions") };
    g_autoptr(GList) names = union_of_names(v[0], v[1]);
    g_autofree char *end_a = format_ps(report_json_u64(a->root, "sim_ps"));
    g_autofree char *end_b = format_ps(report_json_u64(b->root, "sim_ps"));
    bool exact = d->tolerance_ppm == 0;

    fact(d, "scenario", a->scenario, b->scenario, true);
    fact(d, "verdict", a->verdict, b->verdict, true);
    fact(d, "reason", a->reason, b->reason, exact);
    fact(d, "seed", a->seed, b->seed, true);
    fact(d, "time mode", a->mode, b->mode, true);
    fact(d, "simulated time", end_a, end_b, exact);
    fact(d, "trace hash", a->trace_hash, b->trace_hash, exact);
    for (GList *l = names; l; l = l->next) {
        g_autofree char *name =
            g_strdup_printf("version of %s", (const char *)l->data);

        fact(d, name, report_json_text(v[0], l->data, "-"),
             report_json_text(v[1], l->data, "-"), false);
    }
}

static RunDiff *diff_new(const char *dir1, const char *dir2,
                         uint32_t tolerance_ppm)
{
    RunDiff *d = g_new0(RunDiff, 1);

    d->label[0] = g_path_get_basename(dir1);
    d->label[1] = g_path_get_basename(dir2);
    d->tolerance_ppm = tolerance_ppm;
    d->facts = g_ptr_array_new_with_free_func(row_free);
    d->scenario = g_ptr_array_new_with_free_func(row_free);
    d->expectations = g_ptr_array_new_with_free_func(row_free);
    d->latency = g_ptr_array_new_with_free_func(row_free);
    d->metrics = g_ptr_array_new_with_free_func(row_free);
    return d;
}

RunDiff *run_diff_load(const char *dir1, const char *dir2,
                       uint32_t tolerance_ppm, GError **errp)
{
    g_autoptr(RunDiff) d = diff_new(dir1, dir2, tolerance_ppm);

    d->data[0] = report_data_load(dir1, errp);
    d->data[1] = d->data[0] ? report_data_load(dir2, errp) : NULL;
    if (!d->data[1] || !run_diff_scenario(d, errp)) {
        return NULL;
    }
    compare_facts(d);
    compare_expectations(d);
    compare_latency(d);
    compare_metrics(d);
    compare_events(d);
    d->differs = run_diff_count(d->facts) || run_diff_count(d->scenario) ||
                 run_diff_count(d->expectations) ||
                 run_diff_count(d->latency) || run_diff_count(d->metrics) ||
                 (tolerance_ppm == 0 && d->event_line);
    return g_steal_pointer(&d);
}
