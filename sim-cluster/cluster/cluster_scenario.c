/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cluster_scenario.c: the scenario of a cluster: a given one without steps.
 */
#include "cluster.h"

#include <string.h>

#include "yaml_tree.h"

/* Simulated time fits for 106 days; a choice below that. */
#define CLUSTER_LIMIT "time.limit=8640000s"
#define CLUSTER_EXPECT "expect=[{id: ran, metric: run.sim_ps, at_least: 0s}]"

static void append_boots(GString *s, const Scenario *scn)
{
    for (unsigned i = 0; i < scn->hosts->len; i++) {
        const ScnNode *node = g_ptr_array_index(scn->hosts, i);

        g_string_append_printf(s, "%s{boot: {node: %s}}", i ? ", " : "",
                               node->name);
    }
}

static Scenario *load(const Scenario *scn, const char *root, const char *steps,
                      GError **error)
{
    g_autofree char *text = scenario_write(scn, NULL);
    const char *const sets[] = {
        "time.mode=wall", CLUSTER_LIMIT, "quick={}", "controls=[]",
        CLUSTER_EXPECT,   steps,         NULL
    };
    const ScenarioOptions options = { .sets = sets, .root = root };

    return scenario_load_text(scn->file, text, strlen(text), &options, error);
}

Scenario *cluster_scenario(const Scenario *scn, const char *root,
                           GError **error)
{
    g_autoptr(GString) steps = g_string_new("steps=[");

    append_boots(steps, scn);
    g_string_append_c(steps, ']');
    return load(scn, root, steps->str, error);
}

static const char *member(JsonObject *o, const char *name)
{
    const char *text = json_object_get_string_member_with_default(o, name, "");

    return text ? text : ""; /* NULL: another type */
}

Scenario *cluster_fault_scenario(const Scenario *scn, const char *root,
                                 JsonObject *fault, GError **error)
{
    g_autoptr(GString) steps = g_string_new("steps=[");
    g_autoptr(GList) keys = json_object_get_members(fault);
    g_autofree char *prefix = NULL;
    GError *local = NULL;
    Scenario *made;

    append_boots(steps, scn);
    g_string_append(steps, ", {fault: {");
    for (GList *l = keys; l; l = l->next) {
        g_string_append_printf(steps, "%s%s: ", l == keys ? "" : ", ",
                               (const char *)l->data);
        yaml_write_scalar(steps, member(fault, l->data), -1);
    }
    g_string_append(steps, "}}]");
    made = load(scn, root, steps->str, &local);
    if (!made) {
        prefix = g_strdup_printf("--set %s: ", steps->str);
        g_set_error(error, local->domain, local->code, "%s",
                    g_str_has_prefix(local->message, prefix)
                        ? local->message + strlen(prefix)
                        : local->message);
        g_error_free(local);
    }
    return made;
}
