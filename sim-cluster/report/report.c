/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report.c: writes the files of a report.
 */
#include "report.h"

#include <errno.h>

#include <glib/gstdio.h>

#include "junit.h"
#include "perfetto.h"
#include "report_data.h"
#include "report_page.h"

#define PS_PER_US 1000000u

static bool write_file(const char *dir, const char *name, const char *text,
                       GError **errp)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(GError) err = NULL;

    if (!g_file_set_contents(path, text, -1, &err)) {
        g_set_error(errp, REPORT_ERROR, REPORT_ERROR_WRITE, "%s: %s", path,
                    err->message);
        return false;
    }
    return true;
}

/* ---- junit.xml --------------------------------------------------------- */

static void add_steps(Junit *j, const ReportData *d, const char *class)
{
    bool error = g_str_equal(d->verdict, "error");

    for (guint i = 0; i < d->steps->len; i++) {
        const ReportStep *s = d->steps->pdata[i];
        g_autofree char *name =
            g_strdup_printf("step %u: %s %s", s->index + 1, s->verb, s->handle);
        JunitResult result = JUNIT_PASSED;

        if (g_str_equal(s->status, "failed")) {
            result = error ? JUNIT_ERROR : JUNIT_FAILED;
        } else if (!g_str_equal(s->status, "ok")) {
            result = JUNIT_SKIPPED;
        }
        junit_case(j, class, name, s->end_ps - s->begin_ps, result,
                   *s->detail ? s->detail : s->status, NULL);
    }
}

static void add_expectations(Junit *j, const ReportData *d, const char *class)
{
    for (guint i = 0; i < d->expectations->len; i++) {
        const ReportExpect *e = d->expectations->pdata[i];
        g_autofree char *name = g_strdup_printf("expect %s", e->id);
        g_autofree char *op = g_strdelimit(g_strdup(e->op), "_", ' ');
        g_autofree char *made =
            g_strdup_printf("expected %s %s, was %s", op, e->value, e->actual);
        g_autofree char *message =
            g_strdup_printf("%s: %s", e->metric, *e->text ? e->text : made);

        junit_case(j, class, name, 0, e->held ? JUNIT_PASSED : JUNIT_FAILED,
                   message, e->place);
    }
}

static void add_controls(Junit *j, const ReportData *d, const char *class)
{
    JsonArray *list = report_json_array(d->root, "controls");

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *o = report_json_element(list, i);
        bool counted = o && json_object_get_boolean_member_with_default(
                                o, "counted", FALSE);
        g_autofree char *name = g_strdup_printf(
            "control %s", report_json_text(o, "name", "unnamed"));

        junit_case(j, class, name, 0, counted ? JUNIT_PASSED : JUNIT_FAILED,
                   report_json_text(o, "reason", "it broke nothing"), NULL);
    }
}

static bool write_junit(const ReportData *d, GError **errp)
{
    g_autofree char *class = g_strdup_printf("scenario.%s", d->scenario);
    g_autofree char *run = g_path_get_basename(d->dir);
    g_autofree char *text = NULL;
    Junit *j = junit_new(d->scenario);

    junit_property(j, "seed", d->seed);
    junit_property(j, "run", run);
    junit_property(j, "replay", d->replay);
    junit_property(j, "verdict", d->verdict);
    junit_property(j, "trace_hash", d->trace_hash);
    add_steps(j, d, class);
    add_expectations(j, d, class);
    add_controls(j, d, class);
    if (junit_count(j, JUNIT_FAILED) + junit_count(j, JUNIT_ERROR) == 0 &&
        !g_str_equal(d->verdict, "held")) {
        junit_case(j, class, "run", 0, JUNIT_ERROR, d->reason, NULL);
    }
    junit_output(j, d->reason);
    junit_output(j, "[[ATTACHMENT|report.html]]");
    text = junit_finish(j);
    return write_file(d->dir, "junit.xml", text, errp);
}

/* ---- hist/ ------------------------------------------------------------- */

static bool write_hgrm(const ReportData *d, const ReportInterface *i,
                       ReportDirection dir, GError **errp)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *name =
        g_strdup_printf("hist/%s-%s-%s.hgrm", i->node ? i->node : "node",
                        i->name, report_direction_name(dir));

    hist_to_hgrm(i->latency[dir], PS_PER_US, text);
    return write_file(d->dir, name, text->str, errp);
}

static bool write_hists(const ReportData *d, GError **errp)
{
    g_autofree char *hist_dir = g_build_filename(d->dir, "hist", NULL);

    if (g_mkdir_with_parents(hist_dir, 0777) != 0) {
        g_set_error(errp, REPORT_ERROR, REPORT_ERROR_WRITE, "%s: %s", hist_dir,
                    g_strerror(errno));
        return false;
    }
    for (guint n = 0; n < d->interfaces->len; n++) {
        const ReportInterface *i = d->interfaces->pdata[n];

        for (unsigned dir = 0; dir < REPORT_DIRECTIONS; dir++) {
            if (hist_count(i->latency[dir]) != 0 &&
                !write_hgrm(d, i, (ReportDirection)dir, errp)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- all --------------------------------------------------------------- */

static bool trace_wanted(const ReportData *d)
{
    g_autofree char *path =
        g_build_filename(d->dir, "trace.perfetto-trace", NULL);
    JsonObject *capture = report_json_object(d->root, "capture");

    return g_file_test(path, G_FILE_TEST_EXISTS) ||
           (capture && json_object_get_boolean_member_with_default(
                           capture, "trace", FALSE));
}

bool report_write(const char *run_dir, GError **errp)
{
    g_autoptr(ReportData) d = report_data_load(run_dir, errp);
    g_autofree char *html = NULL;

    if (!d) {
        return false;
    }
    if (!write_junit(d, errp) || !write_hists(d, errp) ||
        (trace_wanted(d) && !perfetto_write(d, errp))) {
        return false;
    }
    html = report_page(d);
    return write_file(run_dir, "report.html", html, errp);
}
