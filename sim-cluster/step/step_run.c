/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_run.c: runs one step of a scenario from its beginning to its end.
 */
#include "step_ops.h"

#include <string.h>

#include "runtime.h"

const StepOps *step_ops(const ScnStep *scn)
{
    static const StepOps *const table[SCN_VERBS] = {
        [SCN_STEP_BOOT] = &step_boot_ops,
        [SCN_STEP_EXEC] = &step_exec_ops,
        [SCN_STEP_LOAD] = &step_load_ops,
        [SCN_STEP_WAIT] = &step_wait_ops,
        [SCN_STEP_FINISH] = &step_finish_ops,
        [SCN_STEP_FAULT] = &step_fault_ops,
        [SCN_STEP_CARD] = &step_card_ops,
        [SCN_STEP_REBOOT] = &step_reboot_ops,
        [SCN_STEP_POWEROFF] = &step_poweroff_ops,
        [SCN_STEP_START] = &step_boot_ops,
        [SCN_STEP_PLANT] = &step_plant_ops,
        [SCN_STEP_INSPECT] = &step_inspect_ops,
        [SCN_STEP_CHECKPOINT] = &step_checkpoint_ops,
        [SCN_STEP_RESTORE] = &step_restore_ops,
    };

    return table[scn->verb];
}

StepRun *step_run_new(Execution *x, const ScnStep *scn)
{
    StepRun *s = g_new0(StepRun, 1);

    s->x = x;
    s->scn = scn;
    s->ops = step_ops(scn);
    s->node = scn->node ? run_node_find(x, scn->node) : NULL;
    return s;
}

void step_run_free(StepRun *s)
{
    if (s) {
        if (s->ops->free_data && s->data) {
            s->ops->free_data(s->data);
        }
        g_free(s->detail);
        g_free(s);
    }
}

StepRun *step_run_find(const Execution *x, const char *as)
{
    for (unsigned i = 0; i < x->steps->len; i++) {
        StepRun *s = g_ptr_array_index(x->steps, i);

        if (strcmp(s->scn->as, as) == 0) {
            return s;
        }
    }
    return NULL;
}

const char *step_status_name(StepStatus status)
{
    static const char *const names[] = { "not-run", "running", "ok", "failed",
                                         "stopped" };

    return names[status];
}

char *step_title(const StepRun *s)
{
    const ScnStep *scn = s->scn;
    g_autofree char *unnamed = g_strdup_printf("step-%u", scn->index + 1);
    bool named = strcmp(scn->as, unnamed) != 0;
    const char *op = scn->verb == SCN_STEP_CARD
                         ? scn_card_op_name(((const ScnCardStep *)scn)->op)
                         : "";

    return g_strconcat(scn_verb_name(scn->verb), op[0] ? " " : "", op,
                       named && strcmp(scn->as, op) != 0 ? " " : "",
                       named && strcmp(scn->as, op) != 0 ? scn->as : "",
                       scn->node ? " " : "", scn->node ? scn->node : "", NULL);
}

void step_detail(StepRun *s, const char *format, ...)
{
    va_list ap;

    g_free(s->detail);
    va_start(ap, format);
    s->detail = g_strdup_vprintf(format, ap);
    va_end(ap);
}

bool step_broken(GError **error, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    if (error) {
        *error =
            g_error_new_valist(RUNTIME_ERROR, RUNTIME_ERROR_BROKEN, format, ap);
    }
    va_end(ap);
    return false;
}

/* ---- running ----------------------------------------------------------- */

static void log_step(StepRun *s, const char *kind)
{
    EventLog *log = s->x->events;

    event_log_begin(log, s->x->now_ps, kind, s->scn->node);
    event_log_u64(log, "step", s->scn->index);
    event_log_text(log, "verb", scn_verb_name(s->scn->verb));
    event_log_text(log, "handle", s->scn->as);
    if (s->status != STEP_RUNNING) {
        event_log_text(log, "status", step_status_name(s->status));
        if (s->detail) {
            event_log_text(log, "detail", s->detail);
        }
    }
    event_log_end(log);
}

static uint64_t wanted_ps(StepRun *s)
{
    uint64_t next_ps = s->ops->next_ps ? s->ops->next_ps(s)
                                       : run_next_look_ps(s->x, s->begin_ps);

    if (s->scn->within_ps) {
        next_ps = MIN(next_ps, s->begin_ps + s->scn->within_ps);
    }
    return next_ps;
}

static bool past_within(StepRun *s, GError **error)
{
    g_autofree char *within = NULL;

    if (!s->scn->within_ps || s->x->now_ps < s->begin_ps + s->scn->within_ps) {
        return false;
    }
    within = unit_format(UNIT_DURATION, (int64_t)s->scn->within_ps);
    step_broken(error, "not done within %s%s%s", within, s->detail ? ": " : "",
                s->detail ? s->detail : "");
    return true;
}

/* Until it is done, or x->stopped. */
static bool run_to_end(StepRun *s, GError **error)
{
    bool done = s->ops->poll == NULL;

    if (!s->ops->begin(s, error)) {
        return false;
    }
    while (!done) {
        if (!s->ops->poll(s, &done, error)) {
            return false;
        }
        if (done) {
            break;
        }
        if (past_within(s, error)) {
            return false;
        }
        if (s->x->stopped) {
            return true;
        }
        if (!run_advance(s->x, wanted_ps(s), error)) {
            return false;
        }
    }
    s->status = STEP_OK;
    return true;
}

/* A refusal by the card or QEMU at run time is the system's answer. */
static void name_error(StepRun *s, GError **error)
{
    g_autofree char *title = step_title(s);
    g_autofree char *place = scenario_place(&s->scn->obj, NULL);

    if (g_error_matches(*error, QMP_ERROR, QMP_ERROR_COMMAND)) {
        (*error)->domain = RUNTIME_ERROR;
        (*error)->code = RUNTIME_ERROR_BROKEN;
    }
    if (g_error_matches(*error, RUNTIME_ERROR, RUNTIME_ERROR_BROKEN)) {
        g_prefix_error(error, "%s: ", place);
    }
    g_prefix_error(error, "step %u (%s): ", s->scn->index + 1, title);
}

static bool is_interruption(const GError *error)
{
    return g_error_matches(error, RUNTIME_ERROR, RUNTIME_ERROR_INTERRUPTED) ||
           g_error_matches(error, RUNTIME_ERROR, RUNTIME_ERROR_WALL_LIMIT) ||
           g_error_matches(error, RUNTIME_ERROR, RUNTIME_ERROR_LIMIT);
}

static void finish(StepRun *s, const GError *failure)
{
    Execution *x = s->x;
    g_autofree char *title = step_title(s);
    bool ok = s->status == STEP_OK;

    s->end_ps = x->now_ps;
    if (failure) {
        s->status = is_interruption(failure) ? STEP_STOPPED : STEP_FAILED;
        step_detail(s, "%s", failure->message);
    } else if (!ok) {
        s->status = STEP_STOPPED;
    }
    if (ok) {
        metrics_store_set_u64(x->metrics, x->now_ps, s->scn->as, "step_ps",
                              UNIT_DURATION, s->end_ps - s->begin_ps);
    }
    log_step(s, "step-end");
    /* Faults are shown when they begin, failures with their reason. */
    if (ok && s->scn->verb != SCN_STEP_FAULT) {
        progress_step(x->progress, ok, title, s->end_ps - s->begin_ps);
    }
}

bool step_run(StepRun *s, GError **error)
{
    g_autoptr(GError) local = NULL;

    s->x->current = s->scn->index;
    s->begin_ps = s->x->now_ps;
    s->status = STEP_RUNNING;
    log_step(s, "step-begin");
    run_to_end(s, &local);
    finish(s, local);
    if (local) {
        name_error(s, &local);
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    return true;
}
