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
#include "step_net.h"
#include "step_ops.h"

typedef struct Load {
    char *server; /* iperf3's, until it listens */
    char *id;     /* NULL while the server starts */
    bool ended;
} Load;

static void load_free(void *opaque)
{
    Load *load = opaque;

    g_free(load->server);
    g_free(load->id);
    g_free(load);
}

static RunNode *server_of(StepRun *s)
{
    const ScnIperf *i = ((const ScnLoad *)s->scn)->iperf3;

    return i ? run_node_find(s->x, i->server) : NULL;
}

static const ScnVnic *peer_of(const StepRun *s)
{
    const ScnLoad *l = (const ScnLoad *)s->scn;

    return l->iperf3
               ? step_net_vnic(scenario_host(s->x->scn, l->iperf3->server),
                               l->iperf3->network)
               : step_net_vnic(scenario_host(s->x->scn, l->ping->to),
                               l->ping->network);
}

static bool client_begin(StepRun *s, GError **error)
{
    const ScnLoad *l = (const ScnLoad *)s->scn;
    Load *load = s->data;
    g_autofree char *script =
        l->fio      ? step_fio_script(l->fio, s->scn->as, s->x->scn->seed)
        : l->iperf3 ? step_iperf_client_script(l->iperf3, peer_of(s))
        : l->ping   ? step_ping_script(l->ping, peer_of(s))
                    : g_strdup(l->run);

    return step_command_begin(s, script, !l->iperf3 && !l->ping, &load->id,
                              error);
}

static bool server_begin(StepRun *s, GError **error)
{
    Load *load = s->data;
    g_autofree char *script = step_iperf_server_script(peer_of(s));

    return host_run_command(server_of(s)->host, script, &load->server, error);
}

static bool load_begin(StepRun *s, GError **error)
{
    const ScnLoad *l = (const ScnLoad *)s->scn;

    s->data = g_new0(Load, 1);
    if (!(l->iperf3 ? server_begin(s, error) : client_begin(s, error))) {
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

/* The metrics of a program that the run knows. */
static void take_result(StepRun *s, const AgentResult *r)
{
    const ScnLoad *l = (const ScnLoad *)s->scn;
    g_autoptr(GError) local = NULL;
    bool ok =
        l->fio ? step_fio_parse(l->fio, r->output, set_metric, s, &local)
        : l->iperf3
            ? step_iperf_parse(l->iperf3, r->output, set_metric, s, &local)
            : step_ping_parse(l->ping, r->output, set_metric, s, &local);

    if (!ok) {
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
    } else if (l->fio || l->iperf3 || l->ping) {
        take_result(s, r);
    } else if (r->exit_code != 0) {
        g_autofree char *line = step_command_last_line(r->output);

        step_detail(s, "exit code %d: %s", r->exit_code, line);
    }
}

/* The server listens: the client begins. A server that does not ends the load
 * as a client without one would have. */
static bool look_at_server(StepRun *s, GError **error)
{
    Load *load = s->data;
    g_autoptr(AgentResult) r =
        agent_take_result(host_agent(server_of(s)->host), load->server);

    if (!r) {
        return true;
    }
    g_clear_pointer(&load->server, g_free);
    if (r->outcome == AGENT_DONE && r->exit_code == 0) {
        return client_begin(s, error);
    }
    load_end(s, r);
    return true;
}

static bool look(StepRun *s, GError **error)
{
    Load *load = s->data;
    g_autoptr(AgentResult) r = NULL;

    if (load->server) {
        return look_at_server(s, error);
    }
    r = step_command_result(s, load->id);
    if (r) {
        load_end(s, r);
    }
    return true;
}

static bool load_poll(StepRun *s, bool *ret_done, GError **error)
{
    const ScnLoad *l = (const ScnLoad *)s->scn;

    if (!l->background && !look(s, error)) {
        return false;
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

        if (!look(s, error)) {
            return false;
        }
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
