/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_json.c: reads members of summary.json without trusting their type.
 */
#include "report_data.h"
#include "report_format.h"

static JsonNode *member(JsonObject *o, const char *name)
{
    return o ? json_object_get_member(o, name) : NULL;
}

const char *report_json_text(JsonObject *o, const char *name,
                             const char *fallback)
{
    JsonNode *n = member(o, name);

    if (n && json_node_get_value_type(n) == G_TYPE_STRING) {
        return json_node_get_string(n);
    }
    return fallback;
}

uint64_t report_json_u64(JsonObject *o, const char *name)
{
    JsonNode *n = member(o, name);
    gint64 v = 0;

    if (n && JSON_NODE_HOLDS_VALUE(n)) {
        v = json_node_get_int(n);
    }
    return v > 0 ? (uint64_t)v : 0;
}

JsonObject *report_json_object(JsonObject *o, const char *name)
{
    JsonNode *n = member(o, name);

    return n && JSON_NODE_HOLDS_OBJECT(n) ? json_node_get_object(n) : NULL;
}

JsonArray *report_json_array(JsonObject *o, const char *name)
{
    JsonNode *n = member(o, name);

    return n && JSON_NODE_HOLDS_ARRAY(n) ? json_node_get_array(n) : NULL;
}

JsonObject *report_json_element(JsonArray *a, guint index)
{
    JsonNode *n = json_array_get_element(a, index);

    return JSON_NODE_HOLDS_OBJECT(n) ? json_node_get_object(n) : NULL;
}

char *report_json_value(JsonObject *o, const char *name, const char *unit)
{
    JsonNode *n = member(o, name);
    GType type = n ? json_node_get_value_type(n) : G_TYPE_INVALID;

    if (type == G_TYPE_STRING) {
        return g_strdup(json_node_get_string(n));
    }
    if (type == G_TYPE_BOOLEAN) {
        return g_strdup(json_node_get_boolean(n) ? "true" : "false");
    }
    if (type == G_TYPE_INT64) {
        return format_in_unit(json_node_get_int(n), unit);
    }
    if (type == G_TYPE_DOUBLE) {
        return g_strdup_printf("%.4g %s", json_node_get_double(n), unit);
    }
    return g_strdup("not measured");
}
