/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * controls.c: runs and judges a scenario's controls.
 */
#include "controls.h"

#include <string.h>

/* ---- judgement --------------------------------------------------------- */

static const ScnBreak *break_of(const ScnControl *control, const char *id)
{
    for (unsigned i = 0; i < control->breaks->len; i++) {
        const ScnBreak *b = g_ptr_array_index(control->breaks, i);

        if (strcmp(b->expect, id) == 0) {
            return b;
        }
    }
    return NULL;
}

/* An expectation that was not measured has not broken: it says nothing. */
static bool breaks_enough(const ScnBreak *b, const ExpectResult *e)
{
    return e->measured && !e->held && (b->any_margin || e->margin >= b->by);
}

static char *why_not_broken(const ScnBreak *b, const ExpectResult *e)
{
    g_autofree char *by = NULL;
    g_autofree char *margin = NULL;

    if (!e->measured) {
        return g_strdup_printf("%s was not measured", b->expect);
    }
    if (e->held) {
        return g_strdup_printf("%s still holds", b->expect);
    }
    by = unit_format(e->actual.unit, b->by);
    margin = unit_format(e->actual.unit, e->margin);
    return g_strdup_printf("%s breaks by %s only, not by %s", b->expect, margin,
                           by);
}

bool controls_judge(const ScnControl *control, const RunResult *r,
                    char **ret_why)
{
    if (!r->completed) {
        *ret_why = g_strdup_printf("its run did not complete: %s", r->reason);
        return false;
    }
    for (unsigned i = 0; i < r->expectations->len; i++) {
        const ExpectResult *e = g_ptr_array_index(r->expectations, i);
        const ScnBreak *b = break_of(control, e->expect->id);

        if (b && !breaks_enough(b, e)) {
            *ret_why = why_not_broken(b, e);
            return false;
        }
        if (!b && !e->held) {
            *ret_why =
                g_strdup_printf("%s breaks, too: %s", e->expect->id, e->text);
            return false;
        }
    }
    return true;
}

/* ---- summary ----------------------------------------------------------- */

static JsonArray *breaks_json(const ScnControl *control, const RunResult *r)
{
    JsonArray *a = json_array_new();

    for (unsigned i = 0; i < control->breaks->len; i++) {
        const ScnBreak *b = g_ptr_array_index(control->breaks, i);
        const ExpectResult *e = expect_find(r->expectations, b->expect);
        JsonObject *o = json_object_new();

        json_object_set_string_member(o, "expect", b->expect);
        if (!b->any_margin) {
            json_object_set_int_member(o, "by", b->by);
        }
        if (e && e->measured && !e->held) {
            json_object_set_int_member(o, "margin", e->margin);
        }
        json_object_set_boolean_member(o, "broken", e && breaks_enough(b, e));
        json_array_add_object_element(a, o);
    }
    return a;
}

static void add_to_summary(RunResult *base, const ScnControl *control,
                           const RunResult *r, const char *dir, const char *why)
{
    JsonArray *list = json_object_get_array_member(base->summary, "controls");
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, "name", control->name);
    json_object_set_boolean_member(o, "counted", why == NULL);
    json_object_set_string_member(o, "verdict", run_verdict_name(r->verdict));
    json_object_set_string_member(o, "reason", why ? why : "");
    json_object_set_string_member(o, "dir", dir);
    json_object_set_array_member(o, "breaks", breaks_json(control, r));
    json_array_add_object_element(list, o);
    json_object_set_int_member(base->summary, "controls_run",
                               json_array_get_length(list));
}

/* ---- running ----------------------------------------------------------- */

static void tell(const RunContext *c, const ScnControl *control,
                 const char *why)
{
    g_autofree char *line =
        why ? g_strdup_printf("control %s: %s", control->name, why)
            : g_strdup_printf("control %s breaks what it names", control->name);

    if (why) {
        progress_fail(c->progress, line, NULL);
    } else {
        progress_note(c->progress, line);
    }
}

static void take_result(const RunContext *c, const ScnControl *control,
                        RunResult *base, const RunResult *r, const char *dir)
{
    g_autofree char *why = NULL;
    bool counts = controls_judge(control, r, &why);

    add_to_summary(base, control, r, dir, counts ? NULL : why);
    if (r->exit_code == EXIT_INTERRUPTED) {
        run_result_set(base, RUN_ERROR, EXIT_INTERRUPTED, r->reason);
        return;
    }
    tell(c, control, counts ? NULL : why);
    if (!counts && base->verdict == RUN_HELD) {
        g_autofree char *line =
            g_strdup_printf("control %s: %s", control->name, why);

        run_result_set(base, RUN_BROKEN, EXIT_BROKEN, line);
    }
}

static bool run_one(const RunContext *c, const Scenario *scn,
                    const ScnControl *control, RunResult *base)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Scenario) changed = scenario_with_control(scn, control, &error);
    g_autofree char *name = g_strdup_printf("control %s", control->name);
    g_autofree char *rel = g_build_filename("controls", control->name, NULL);
    g_autofree char *dir = g_build_filename(base->dir, rel, NULL);
    g_autoptr(RunResult) r = NULL;

    if (!changed) {
        run_result_set(base, RUN_ERROR, EXIT_TESTBED, error->message);
        return false;
    }
    r = run_single(c, changed, dir, name, -1);
    take_result(c, control, base, r, rel);
    if (!run_single_tidy(c, changed, r, &error)) {
        run_result_set(base, RUN_ERROR, EXIT_TESTBED, error->message);
        return false;
    }
    return r->exit_code != EXIT_INTERRUPTED;
}

void controls_run(const RunContext *c, const Scenario *scn, RunResult *base)
{
    for (unsigned i = 0; i < scn->controls->len; i++) {
        if (!run_one(c, scn, g_ptr_array_index(scn->controls, i), base)) {
            return;
        }
    }
}
