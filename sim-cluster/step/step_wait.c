/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_wait.c: waiting for time, a metric or a load; finish waits for
 * several loads.
 */
#include "step_ops.h"

#include <string.h>

#include "metrics_table.h"
#include "step_load.h"

/* ---- wait -------------------------------------------------------------- */

static bool wait_begin(StepRun *s, GError **error)
{
    return true;
}

/* Metrics that only asking the card brings up to date. */
static bool refresh(StepRun *s, const char *metric, GError **error)
{
    Execution *x = s->x;
    bool ok = true;

    if (metric_step(x->scn, metric)) {
        return true;
    }
    x->quiet_metrics = true;
    for (unsigned i = 0; ok && i < x->nodes->len; i++) {
        RunNode *n = g_ptr_array_index(x->nodes, i);

        if (g_str_has_prefix(metric, host_name(n->host))) {
            ok = run_node_measure(x, n, error);
        }
    }
    x->quiet_metrics = false;
    return ok;
}

static bool until_holds(StepRun *s, const ScnPredicate *p, bool *ret_done,
                        GError **error)
{
    const Metric *m;

    if (!refresh(s, p->metric, error)) {
        return false;
    }
    m = metrics_store_get(s->x->metrics, p->metric);
    *ret_done = m && scn_predicate_holds(p, &m->value, NULL);
    if (!*ret_done) {
        g_autofree char *wanted = scn_predicate_text(p);
        g_autofree char *value =
            m ? metric_value_text(&m->value) : g_strdup("not measured");

        step_detail(s, "%s: it is %s", wanted, value);
    } else {
        g_clear_pointer(&s->detail, g_free);
    }
    return true;
}

static bool wait_poll(StepRun *s, bool *ret_done, GError **error)
{
    const ScnWait *w = (const ScnWait *)s->scn;

    if (w->time_ps) {
        *ret_done = s->x->now_ps >= s->begin_ps + w->time_ps;
        return true;
    }
    if (w->until) {
        return until_holds(s, w->until, ret_done, error);
    }
    *ret_done = step_load_ended(step_run_find(s->x, w->handle));
    return true;
}

static uint64_t wait_next_ps(StepRun *s)
{
    const ScnWait *w = (const ScnWait *)s->scn;

    if (w->time_ps) {
        return s->begin_ps + w->time_ps;
    }
    return run_next_look_ps(s->x, s->begin_ps);
}

const StepOps step_wait_ops = { .begin = wait_begin,
                                .poll = wait_poll,
                                .next_ps = wait_next_ps };

/* ---- finish ------------------------------------------------------------ */

static bool finish_poll(StepRun *s, bool *ret_done, GError **error)
{
    const ScnFinish *f = (const ScnFinish *)s->scn;

    *ret_done = true;
    for (unsigned i = 0; i < f->loads->len; i++) {
        const char *as = g_ptr_array_index(f->loads, i);

        if (!step_load_ended(step_run_find(s->x, as))) {
            *ret_done = false;
            step_detail(s, "%s still runs", as);
        }
    }
    if (*ret_done) {
        g_clear_pointer(&s->detail, g_free);
    }
    return true;
}

const StepOps step_finish_ops = { .begin = wait_begin, .poll = finish_poll };
