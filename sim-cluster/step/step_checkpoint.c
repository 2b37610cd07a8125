/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_checkpoint.c: saves a node, or all nodes and the network, with everything
 * in flight, and goes back to it. Simulated time does not go back: a restored
 * guest goes on later, and so does the network. Loads that ran when the state was
 * saved are lost with the process they ran in.
 */
#include "step_ops.h"

#include "host_checkpoint.h"
#include "run_files.h"
#include "run_net.h"

typedef struct NodeState {
    RunNode *node;
    char *dir;
    HostPlan *plan;
    JsonObject *query; /* what the card had counted; NULL: no card */
} NodeState;

typedef struct Checkpoint {
    GPtrArray *nodes; /* NodeState */
    GByteArray *net;  /* NULL: of one node only */
} Checkpoint;

static void node_state_free(void *opaque)
{
    NodeState *n = opaque;

    if (n->dir) {
        run_files_remove(n->dir);
    }
    g_free(n->dir);
    host_plan_free(n->plan);
    g_clear_pointer(&n->query, json_object_unref);
    g_free(n);
}

static void checkpoint_free(void *opaque)
{
    Checkpoint *c = opaque;

    g_ptr_array_unref(c->nodes);
    g_clear_pointer(&c->net, g_byte_array_unref);
    g_free(c);
}

static bool save_node(StepRun *s, Checkpoint *c, RunNode *n, GError **error)
{
    NodeState *saved;

    if (host_state(n->host) != HOST_ON) {
        return step_broken(error, "node %s is off", host_name(n->host));
    }
    if (!run_node_measure(s->x, n, error)) {
        return false;
    }
    saved = g_new0(NodeState, 1);
    g_ptr_array_add(c->nodes, saved);
    saved->node = n;
    saved->dir =
        g_build_filename(host_dir(n->host), "checkpoints", s->scn->as, NULL);
    saved->plan = host_plan_copy(host_plan(n->host));
    saved->query = n->query ? json_object_ref(n->query) : NULL;
    return host_checkpoint_save(n->host, saved->dir, error);
}

/* A fault's end is the engine's to bring about, and not in any state. */
static bool no_faults(const Execution *x, GError **error)
{
    const GPtrArray *faults = x->run_net ? x->run_net->faults : NULL;

    if (faults && faults->len) {
        const ScnFault *f = g_ptr_array_index(faults, 0);

        return step_broken(error,
                           "fault '%s' of the network is in force: clear it, "
                           "or wait for its end",
                           f->step.as);
    }
    return true;
}

static bool checkpoint_begin(StepRun *s, GError **error)
{
    Checkpoint *c = g_new0(Checkpoint, 1);

    s->data = c;
    c->nodes = g_ptr_array_new_with_free_func(node_state_free);
    if (s->node) {
        return save_node(s, c, s->node, error);
    }
    c->net = g_byte_array_new();
    if (!no_faults(s->x, error) || !net_save(s->x->net, c->net, error)) {
        return false;
    }
    for (unsigned i = 0; i < s->x->nodes->len; i++) {
        if (!save_node(s, c, g_ptr_array_index(s->x->nodes, i), error)) {
            return false;
        }
    }
    return true;
}

const StepOps step_checkpoint_ops = { .begin = checkpoint_begin,
                                      .free_data = checkpoint_free };

static bool restore_begin(StepRun *s, GError **error)
{
    const ScnRestore *r = (const ScnRestore *)s->scn;
    StepRun *saved = step_run_find(s->x, r->checkpoint);
    const Checkpoint *c = saved ? saved->data : NULL;

    if (!c || saved->status != STEP_OK) {
        return step_broken(error, "there is no checkpoint '%s'", r->checkpoint);
    }
    if (c->net &&
        (!no_faults(s->x, error) || !net_load(s->x->net, c->net, error))) {
        return false;
    }
    for (unsigned i = 0; i < c->nodes->len; i++) {
        const NodeState *n = g_ptr_array_index(c->nodes, i);

        if (!run_node_restore(s->x, n->node, n->dir, n->plan, n->query,
                              error)) {
            return false;
        }
    }
    return true;
}

const StepOps step_restore_ops = { .begin = restore_begin };
