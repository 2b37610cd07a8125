/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_load.c: load steps: fio jobs and shell commands, in the foreground or
 * beside later steps. How a load ends is judged by expectations only.
 */
#include "step_load.h"

#include <string.h>

#include "step_command.h"
#include "step_fio.h"
#include "step_ops.h"

typedef struct Load {
    char *id;
    bool ended;
} Load;

static void load_free(void *opaque)
{
    Load *load = opaque;

    g_free(load->id);
    g_free(load);
}

static bool load_begin(StepRun *s, GError **error)
{
    const ScnLoad *l = (const ScnLoad *)s->scn;
    Load *load = g_new0(Load, 1);
    g_autofree char *script =
        l->fio ? step_fio_script(l->fio, s->scn->as, s->x->scn->seed)
               : g_strdup(l->run);

    s->data = load;
    if (!step_command_begin(s, script, true, &load->id, error)) {
        return false;
    }
    event_log_begin(s->x->events, s->x->now_ps, "load-begin", s->scn->node);
    event_log_text(s->x->events, "handle", s->scn->as);
    event_log_end(s->x->events);
    if (l->background) {
        g_ptr_array_add(s->x->loads, s);
    }
    return true;
}

static void set_metric(void *opaque, const char *name, Unit unit,
                       uint64_t value)
{
    StepRun *s = opaque;

    metrics_store_set_u64(s->x->metrics, s->x->now_ps, s->scn->as, name, unit,
                          value);
}

static void take_fio(StepRun *s, const ScnFio *fio, const AgentResult *r)
{
    g_autoptr(GError) local = NULL;

    if (!step_fio_parse(fio, r->output, set_metric, s, &local)) {
        g_autofree char *line = step_command_last_line(r->output);

        step_detail(s, "%s: %s", local->message, line);
    }
}

static void load_end(StepRun *s, const AgentResult *r)
{
    const ScnLoad *l = (const ScnLoad *)s->scn;
    Load *load = s->data;
    bool done = r->outcome == AGENT_DONE;

    load->ended = true;
    event_log_begin(s->x->events, s->x->now_ps, "load-end", s->scn->node);
    event_log_text(s->x->events, "handle", s->scn->as);
    if (done) {
        event_log_int(s->x->events, "exit_code", r->exit_code);
    }
    event_log_end(s->x->events);
    step_command_metrics(s, r);
    if (!done) {
        step_detail(s, "the load was lost with its guest");
    } else if (l->fio) {
        take_fio(s, l->fio, r);
    } else if (r->exit_code != 0) {
        g_autofree char *line = step_command_last_line(r->output);

        step_detail(s, "exit code %d: %s", r->exit_code, line);
    }
}

static void look(StepRun *s)
{
    Load *load = s->data;
    g_autoptr(AgentResult) r = step_command_result(s, load->id);

    if (r) {
        load_end(s, r);
    }
}

static bool load_poll(StepRun *s, bool *ret_done, GError **error)
{
    const ScnLoad *l = (const ScnLoad *)s->scn;

    if (!l->background) {
        look(s);
    }
    *ret_done = l->background || step_load_ended(s);
    return true;
}

bool step_load_ended(const StepRun *s)
{
    const Load *load = s->data;

    return load && load->ended;
}

bool step_load_look(Execution *x, GError **error)
{
    for (unsigned i = 0; i < x->loads->len;) {
        StepRun *s = g_ptr_array_index(x->loads, i);

        look(s);
        if (step_load_ended(s)) {
            g_ptr_array_remove_index(x->loads, i);
        } else {
            i++;
        }
    }
    return true;
}

const StepOps step_load_ops = { .begin = load_begin,
                                .poll = load_poll,
                                .free_data = load_free };
