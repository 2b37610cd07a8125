/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_node_paths.c: what path balancing of a NIC did, from the card's answer:
 * the sums over its peers.
 */
#include <string.h>

#include "run_node_paths.h"

static const struct {
    const char *member; /* of OffloadPathPeer.stats */
    const char *metric;
} counters[] = {
    { "enables", "balance_on_count" },
    { "disables", "balance_off_count" },
    { "value_changes", "value_changes_count" },
    { "avoids", "avoided_count" },
    { "probes", "probes_count" },
    { "notifications", "notices_count" },
    { "reductions", "reductions_count" },
    { "rx_reordered", "reordered_count" },
    { "rx_delivered_late", "late_count" },
    { "rx_duplicates", "duplicates_count" },
    { "bad_echoes", "bad_echoes_count" },
};

static JsonArray *array_of(JsonObject *o, const char *name)
{
    JsonNode *n = o ? json_object_get_member(o, name) : NULL;

    return n && JSON_NODE_HOLDS_ARRAY(n) ? json_node_get_array(n) : NULL;
}

static JsonObject *object_at(JsonArray *a, guint i)
{
    JsonNode *n = json_array_get_element(a, i);

    return JSON_NODE_HOLDS_OBJECT(n) ? json_node_get_object(n) : NULL;
}

static uint64_t number_of(JsonObject *o, const char *name)
{
    gint64 v = o ? json_object_get_int_member_with_default(o, name, 0) : 0;

    return v > 0 ? (uint64_t)v : 0;
}

static uint64_t counter_of(JsonObject *peer, const char *name)
{
    JsonArray *list = array_of(peer, "stats");

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *o = object_at(list, i);

        if (o && !g_strcmp0(
                     json_object_get_string_member_with_default(o, "name", ""),
                     name)) {
            return number_of(o, "value");
        }
    }
    return 0;
}

static void put(Execution *x, const char *owner, const char *name,
                uint64_t value)
{
    metrics_store_set_u64(x->metrics, x->now_ps, owner, name, UNIT_COUNT,
                          value);
}

/* Values that have carried packets, and marks that came back for them. */
static void add_values(JsonObject *peer, uint64_t *used, uint64_t *marks)
{
    JsonArray *list = array_of(peer, "values");

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *o = object_at(list, i);

        *used += number_of(o, "packets") > 0;
        *marks += number_of(o, "marked");
    }
}

void run_node_path_metrics(Execution *x, const char *owner, JsonObject *nic)
{
    JsonNode *node = json_object_get_member(nic, "balancing");
    JsonArray *peers = node && JSON_NODE_HOLDS_OBJECT(node)
                           ? array_of(json_node_get_object(node), "peers")
                           : NULL;
    uint64_t used = 0, marks = 0, enabled = 0;

    if (!peers) {
        return;
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(counters); k++) {
        uint64_t sum = 0;

        for (guint i = 0; i < json_array_get_length(peers); i++) {
            sum += counter_of(object_at(peers, i), counters[k].member);
        }
        put(x, owner, counters[k].metric, sum);
    }
    for (guint i = 0; i < json_array_get_length(peers); i++) {
        JsonObject *peer = object_at(peers, i);

        add_values(peer, &used, &marks);
        enabled += peer && json_object_get_boolean_member_with_default(
                               peer, "enabled", FALSE);
    }
    put(x, owner, "values_used_count", used);
    put(x, owner, "path_marks_count", marks);
    put(x, owner, "peers_balancing_count", enabled);
}
