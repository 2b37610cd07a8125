/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_checkpoint.c: saves a node with everything in flight, and goes back to
 * it. Simulated time does not go back: a restored guest goes on later. Loads
 * that ran when the state was saved are lost with the process they ran in.
 */
#include "step_ops.h"

#include "host_checkpoint.h"
#include "run_files.h"

typedef struct Checkpoint {
    char *dir;
    HostPlan *plan;
    JsonObject *query; /* what the card had counted; NULL: no card */
} Checkpoint;

static void checkpoint_free(void *opaque)
{
    Checkpoint *c = opaque;

    if (c->dir) {
        run_files_remove(c->dir);
    }
    g_free(c->dir);
    host_plan_free(c->plan);
    g_clear_pointer(&c->query, json_object_unref);
    g_free(c);
}

static bool checkpoint_begin(StepRun *s, GError **error)
{
    Checkpoint *c = g_new0(Checkpoint, 1);
    RunNode *n = s->node;

    s->data = c;
    if (host_state(n->host) != HOST_ON) {
        return step_broken(error, "the node is off");
    }
    if (!run_node_measure(s->x, n, error)) {
        return false;
    }
    c->dir =
        g_build_filename(host_dir(n->host), "checkpoints", s->scn->as, NULL);
    c->plan = host_plan_copy(host_plan(n->host));
    c->query = n->query ? json_object_ref(n->query) : NULL;
    return host_checkpoint_save(n->host, c->dir, error);
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
    return run_node_restore(s->x, s->node, c->dir, c->plan, c->query, error);
}

const StepOps step_restore_ops = { .begin = restore_begin };
