/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * expect.c: judges a scenario's expectations by what a run has measured.
 */
#include "expect.h"

#include <string.h>

static char *actual_text(const ScnValue *actual)
{
    if (actual->unit == UNIT_TEXT) {
        return g_strdup_printf("'%s'", actual->text);
    }
    return unit_format(actual->unit, actual->number);
}

/* Short, with the exact value beside it: "2.73s (2730411us)". */
static char *result_text(const ScnPredicate *p, const ScnValue *actual)
{
    g_autofree char *bound = scn_predicate_bound(p);
    g_autofree char *exact = NULL;
    g_autofree char *brief = NULL;

    if (!actual) {
        return g_strdup_printf("expected %s, was not measured", bound);
    }
    exact = actual_text(actual);
    if (actual->unit == UNIT_TEXT || actual->unit == UNIT_BOOL) {
        return g_strdup_printf("expected %s, was %s", bound, exact);
    }
    brief = unit_format_short(actual->unit, actual->number);
    if (strcmp(exact, brief) == 0 || actual->unit == UNIT_COUNT) {
        return g_strdup_printf("expected %s, was %s", bound, exact);
    }
    return g_strdup_printf("expected %s, was %s (%s)", bound, brief, exact);
}

ExpectResult *expect_judge(const ScnExpect *e, const MetricsStore *metrics)
{
    const Metric *m = metrics_store_get(metrics, e->predicate.metric);
    ExpectResult *r = g_new0(ExpectResult, 1);

    r->expect = e;
    if (m) {
        r->measured = true;
        r->actual = m->value;
        r->actual.text = g_strdup(m->value.text);
        r->held = scn_predicate_holds(&e->predicate, &m->value, &r->margin);
    }
    r->text = result_text(&e->predicate, m ? &m->value : NULL);
    return r;
}

void expect_result_free(ExpectResult *r)
{
    if (r) {
        g_free(r->actual.text);
        g_free(r->text);
        g_free(r);
    }
}

GPtrArray *expect_judge_all(const Scenario *s, const MetricsStore *metrics)
{
    GPtrArray *all =
        g_ptr_array_new_with_free_func((GDestroyNotify)expect_result_free);

    for (unsigned i = 0; i < s->expect->len; i++) {
        g_ptr_array_add(all,
                        expect_judge(g_ptr_array_index(s->expect, i), metrics));
    }
    return all;
}

const ExpectResult *expect_first_broken(const GPtrArray *results)
{
    for (unsigned i = 0; i < results->len; i++) {
        const ExpectResult *r = g_ptr_array_index(results, i);

        if (!r->held) {
            return r;
        }
    }
    return NULL;
}

const ExpectResult *expect_find(const GPtrArray *results, const char *id)
{
    for (unsigned i = 0; i < results->len; i++) {
        const ExpectResult *r = g_ptr_array_index(results, i);

        if (strcmp(r->expect->id, id) == 0) {
            return r;
        }
    }
    return NULL;
}
