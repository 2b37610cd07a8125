/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_card.c: the card's control plane as steps. All verbs act at once; an
 * update lasts until the new application has taken over.
 */
#include "step_ops.h"

#include "host_card.h"

static bool update_begin(StepRun *s, const ScnCardStep *c, GError **error)
{
    g_autofree char *app = host_install_app(s->x->install, c->application);
    JsonObject *args = json_object_new();

    json_object_set_string_member(args, "card", HOST_CARD);
    json_object_set_string_member(args, "application", app);
    return host_run(s->node->host, "offload-update", args, error);
}

static bool card_begin(StepRun *s, GError **error)
{
    const ScnCardStep *c = (const ScnCardStep *)s->scn;

    if (host_state(s->node->host) != HOST_ON) {
        return step_broken(error, "the node is off");
    }
    step_detail(s, "%s", scn_card_op_name(c->op));
    if (c->op == SCN_CARD_UPDATE) {
        return update_begin(s, c, error);
    }
    return host_card_step(s->node->host, c, error);
}

static bool card_poll(StepRun *s, bool *ret_done, GError **error)
{
    const ScnCardStep *c = (const ScnCardStep *)s->scn;
    g_autoptr(QmpEvent) ev = NULL;
    const char *failure;

    *ret_done = true;
    if (c->op != SCN_CARD_UPDATE) {
        return true;
    }
    if (host_state(s->node->host) != HOST_ON) {
        return step_broken(error, "the node went down during the update");
    }
    ev = host_take_event(s->node->host, "OFFLOAD_UPDATED");
    *ret_done = ev != NULL;
    if (!ev) {
        return true;
    }
    failure =
        json_object_get_string_member_with_default(ev->data, "error", NULL);
    if (failure) {
        return step_broken(error, "the old application goes on: %s", failure);
    }
    /* The card keeps it over a restart. */
    host_plan_set_application(host_plan(s->node->host), c->application);
    step_detail(s, "update to %s",
                json_object_get_string_member_with_default(
                    ev->data, "version", "an unnamed version"));
    return true;
}

const StepOps step_card_ops = { .begin = card_begin, .poll = card_poll };
