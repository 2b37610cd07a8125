/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cluster_verbs.c: ps, exec, fault-set, fault-clear, fault-list, down.
 */
#include "cluster_verbs.h"

#include <string.h>

#include "host_card.h"
#include "runtime.h"
#include "step_command.h"
#include "step_ops.h"

static const char *member(JsonObject *o, const char *name)
{
    const char *text = json_object_get_string_member_with_default(o, name, "");

    return text ? text : ""; /* NULL: another type */
}

static void refuse_error(ClusterClient *k, int code, GError *error)
{
    cluster_refuse(k, code, error->message);
    g_error_free(error);
}

/* ---- ps ---------------------------------------------------------------- */

static JsonObject *describe(const Cluster *c, const RunNode *n)
{
    JsonObject *o = json_object_new();
    bool on = host_state(n->host) == HOST_ON;
    uint64_t sim_ps = on ? c->x->now_ps - host_base_ps(n->host) : 0;

    json_object_set_string_member(o, "node", host_name(n->host));
    json_object_set_string_member(o, "state", cluster_node_state(c, n));
    json_object_set_int_member(o, "pid", host_pid(n->host));
    json_object_set_int_member(o, "processes", host_processes(n->host));
    json_object_set_int_member(o, "up_ps", (gint64)sim_ps);
    json_object_set_string_member(o, "kernel",
                                  agent_kernel(host_agent(n->host)));
    return o;
}

static void do_ps(Cluster *c, ClusterClient *k, JsonObject *request)
{
    JsonObject *o = json_object_new();
    JsonArray *list = json_array_new();

    (void)request;
    for (unsigned i = 0; i < c->x->nodes->len; i++) {
        json_array_add_object_element(
            list, describe(c, g_ptr_array_index(c->x->nodes, i)));
    }
    json_object_set_string_member(o, "name", c->scn->name);
    json_object_set_int_member(o, "now_ps", (gint64)c->x->now_ps);
    json_object_set_array_member(o, "nodes", list);
    cluster_answer(k, o);
}

/* ---- exec -------------------------------------------------------------- */

static void do_exec(Cluster *c, ClusterClient *k, JsonObject *request)
{
    const char *node = member(request, "node");
    RunNode *n = run_node_find(c->x, node);
    g_autofree char *script = NULL;
    GError *local = NULL;

    if (!n) {
        g_autofree char *text =
            g_strdup_printf("the cluster has no node '%s'", node);

        cluster_refuse(k, EXIT_USAGE, text);
        return;
    }
    if (host_state(n->host) != HOST_ON || !agent_ready(host_agent(n->host))) {
        g_autofree char *text =
            g_strdup_printf("node %s is %s: nobody there runs a command", node,
                            cluster_node_state(c, n));

        cluster_refuse(k, EXIT_TESTBED, text);
        return;
    }
    script = step_command_text(n->host, member(request, "script"), &local);
    if (!script || !host_run_command(n->host, script, &k->exec_id, &local)) {
        refuse_error(k, EXIT_TESTBED, local);
        return;
    }
    k->exec_node = n;
}

void cluster_look_at_exec(ClusterClient *k)
{
    g_autoptr(AgentResult) r =
        agent_take_result(host_agent(k->exec_node->host), k->exec_id);
    g_autoptr(GError) error = NULL;

    if (!r) {
        return;
    }
    g_clear_pointer(&k->exec_id, g_free);
    if (step_command_check(r, &error)) {
        JsonObject *o = json_object_new();
        g_autofree char *code =
            g_base64_encode((const guchar *)r->output, r->output_len);

        json_object_set_int_member(o, "code", r->exit_code);
        json_object_set_string_member(o, "output", code);
        cluster_answer(k, o);
    } else {
        cluster_refuse(k, EXIT_TESTBED, error->message);
    }
}

void cluster_take_back(Cluster *c, ClusterClient *k)
{
    (void)c;
    if (k->exec_id && host_state(k->exec_node->host) == HOST_ON) {
        host_kill_command(k->exec_node->host, k->exec_id, NULL);
    }
}

/* ---- faults ------------------------------------------------------------ */

/* A name of its own, so that it can be cleared by it. */
static bool name_fault(Cluster *c, JsonObject *fault, GError **error)
{
    const char *as = member(fault, "as");

    if (!as[0]) {
        g_autofree char *name = g_strdup_printf("fault-%u", ++c->next_fault);

        json_object_set_string_member(fault, "as", name);
        return true;
    }
    for (unsigned i = 0; i < c->faults->len; i++) {
        ClusterFault *f = g_ptr_array_index(c->faults, i);

        if (strcmp(f->run->scn->as, as) == 0 && step_fault_in_force(f->run)) {
            g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                        "a fault '%s' is in force already", as);
            return false;
        }
    }
    return true;
}

/* Takes @scn. */
static ClusterFault *fault_new(Cluster *c, Scenario *scn)
{
    ClusterFault *f = g_new0(ClusterFault, 1);

    f->scn = scn;
    f->run =
        step_run_new(c->x, g_ptr_array_index(scn->steps, scn->steps->len - 1));
    f->run->begin_ps = c->x->now_ps;
    g_ptr_array_add(c->faults, f);
    return f;
}

static void do_fault_set(Cluster *c, ClusterClient *k, JsonObject *request)
{
    JsonNode *node = json_object_get_member(request, "fault");
    JsonObject *fault = node && JSON_NODE_HOLDS_OBJECT(node)
                            ? json_node_get_object(node)
                            : NULL;
    GError *local = NULL;
    Scenario *scn;
    ClusterFault *f;
    JsonObject *o;

    if (!fault || !name_fault(c, fault, &local) ||
        !(scn = cluster_fault_scenario(c->scn, c->x->options->root, fault,
                                       &local))) {
        cluster_refuse(k, EXIT_USAGE, local ? local->message : "which fault?");
        g_clear_error(&local);
        return;
    }
    f = fault_new(c, scn);
    if (!f->run->ops->begin(f->run, &local)) {
        refuse_error(k, EXIT_BROKEN, local);
        g_ptr_array_remove(c->faults, f);
        return;
    }
    o = json_object_new();
    json_object_set_string_member(o, "handle", f->run->scn->as);
    cluster_answer(k, o);
}

static void do_fault_clear(Cluster *c, ClusterClient *k, JsonObject *request)
{
    const char *handle = member(request, "handle");
    JsonObject *o = json_object_new();
    gint64 count = 0;

    for (unsigned i = 0; i < c->faults->len; i++) {
        ClusterFault *f = g_ptr_array_index(c->faults, i);
        GError *local = NULL;

        if (!step_fault_in_force(f->run) ||
            (handle[0] && strcmp(f->run->scn->as, handle) != 0)) {
            continue;
        }
        count++;
        if (!step_fault_heal(f->run, &local)) {
            json_object_unref(o);
            refuse_error(k, EXIT_TESTBED, local);
            return;
        }
    }
    if (handle[0] && !count) {
        g_autofree char *text =
            g_strdup_printf("no fault '%s' is in force", handle);

        json_object_unref(o);
        cluster_refuse(k, EXIT_USAGE, text);
        return;
    }
    json_object_set_int_member(o, "cleared", count);
    cluster_answer(k, o);
}

static JsonObject *describe_fault(const Cluster *c, const ClusterFault *f)
{
    const ScnFault *scn = (const ScnFault *)f->run->scn;
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, "handle", scn->step.as);
    json_object_set_string_member(o, "kind", scn_fault_name(scn->kind));
    if (scn->step.node) {
        json_object_set_string_member(o, "node", scn->step.node);
    }
    if (scn->interface) {
        json_object_set_string_member(o, "interface", scn->interface);
    }
    if (scn->drive) {
        json_object_set_string_member(o, "drive", scn->drive);
    }
    if (scn->link) {
        json_object_set_string_member(o, "link", scn->link);
    }
    if (scn->sw) {
        json_object_set_string_member(o, "switch", scn->sw);
    }
    json_object_set_int_member(o, "for_ps",
                               (gint64)(c->x->now_ps - f->run->begin_ps));
    return o;
}

static void do_fault_list(Cluster *c, ClusterClient *k, JsonObject *request)
{
    JsonObject *o = json_object_new();
    JsonArray *list = json_array_new();

    (void)request;
    for (unsigned i = 0; i < c->faults->len; i++) {
        ClusterFault *f = g_ptr_array_index(c->faults, i);

        if (step_fault_in_force(f->run)) {
            json_array_add_object_element(list, describe_fault(c, f));
        }
    }
    json_object_set_array_member(o, "faults", list);
    cluster_answer(k, o);
}

/* ---- down -------------------------------------------------------------- */

static void do_down(Cluster *c, ClusterClient *k, JsonObject *request)
{
    c->ending = true;
    c->keep =
        json_object_get_boolean_member_with_default(request, "keep", FALSE);
    cluster_answer(k, json_object_new());
}

/* ---- all --------------------------------------------------------------- */

void cluster_verb(Cluster *c, ClusterClient *k, JsonObject *request)
{
    static const struct {
        const char *name;
        void (*fn)(Cluster *c, ClusterClient *k, JsonObject *request);
    } verbs[] = {
        { "ps", do_ps },
        { "exec", do_exec },
        { "fault-set", do_fault_set },
        { "fault-clear", do_fault_clear },
        { "fault-list", do_fault_list },
        { "down", do_down },
    };
    const char *what = member(request, "do");

    for (unsigned i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (strcmp(verbs[i].name, what) == 0) {
            verbs[i].fn(c, k, request);
            return;
        }
    }
    cluster_refuse(k, EXIT_TESTBED, "this cluster does not know that request");
}
