/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_exec.c: a shell command in the guest and what it tells.
 */
#include "step_ops.h"

#include "step_command.h"
#include "step_extract.h"

static bool exec_begin(StepRun *s, GError **error)
{
    const ScnExec *e = (const ScnExec *)s->scn;
    char *id = NULL;

    if (!step_command_begin(s, e->run, true, &id, error)) {
        return false;
    }
    s->data = id;
    return true;
}

/* A value that is not there is not measured; its expectation will say so. */
static void extract_all(StepRun *s, const ScnExec *e, const char *output)
{
    Execution *x = s->x;

    for (unsigned i = 0; i < e->extract->len; i++) {
        const ScnExtract *one = g_ptr_array_index(e->extract, i);
        g_autoptr(GError) local = NULL;
        ScnValue value = { 0 };

        if (!step_extract(one, output, &value, &local)) {
            step_detail(s, "extract %s: %s", one->name, local->message);
        } else if (value.unit == UNIT_TEXT) {
            metrics_store_set_text(x->metrics, x->now_ps, s->scn->as, one->name,
                                   value.text);
            g_free(value.text);
        } else {
            metrics_store_set(x->metrics, x->now_ps, s->scn->as, one->name,
                              value.unit, value.number);
        }
    }
}

static bool exec_poll(StepRun *s, bool *ret_done, GError **error)
{
    const ScnExec *e = (const ScnExec *)s->scn;
    g_autoptr(AgentResult) r = step_command_result(s, s->data);

    if (!r) {
        return true;
    }
    *ret_done = true;
    step_command_metrics(s, r);
    if (!step_command_check(r, error)) {
        return false;
    }
    extract_all(s, e, r->output);
    if (e->expect_exit != SCN_EXIT_ANY && r->exit_code != e->expect_exit) {
        g_autofree char *line = step_command_last_line(r->output);

        return step_broken(error, "exit code %d, expected %d%s%s", r->exit_code,
                           e->expect_exit, line[0] ? ": " : "", line);
    }
    return true;
}

const StepOps step_exec_ops = { .begin = exec_begin,
                                .poll = exec_poll,
                                .free_data = g_free };
