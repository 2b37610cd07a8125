/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * schema_json.c: the tables as a JSON schema (draft 7), for editors.
 */
#include "schema.h"

#include <string.h>

#include <json-glib/json-glib.h>

#define NAME_PATTERN "^[a-z][a-z0-9-]{0,30}$"
#define NUMBER_PATTERN "^(0|[1-9][0-9]*)(\\.[0-9]+)? ?"

static JsonNode *parse_json(const char *text)
{
    g_autoptr(GError) err = NULL;
    JsonNode *node = json_from_string(text, &err);

    if (!node) {
        g_error("JSON schema in a table: %s: %s", text, err->message);
    }
    return node;
}

/* {"$ref": "#/definitions/NAME"} */
static JsonNode *reference(const char *name)
{
    g_autofree char *text =
        g_strdup_printf("{\"$ref\": \"#/definitions/%s\"}", name);

    return parse_json(text);
}

static JsonNode *object_node(JsonObject *object)
{
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    json_node_take_object(node, object);
    return node;
}

static JsonNode *text_list(const char *const *words)
{
    JsonArray *array = json_array_new();
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);

    for (unsigned i = 0; words[i]; i++) {
        json_array_add_string_element(array, words[i]);
    }
    json_node_take_array(node, array);
    return node;
}

/* {"KEY": [a, b]}, with b NULL for one. */
static JsonNode *combined(const char *key, JsonNode *a, JsonNode *b)
{
    JsonObject *object = json_object_new();
    JsonArray *array = json_array_new();

    json_array_add_element(array, a);
    if (b) {
        json_array_add_element(array, b);
    }
    json_object_set_array_member(object, key, array);
    return object_node(object);
}

static JsonNode *array_of(JsonNode *item, bool not_empty)
{
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "type", "array");
    if (not_empty) {
        json_object_set_int_member(object, "minItems", 1);
    }
    json_object_set_member(object, "items", item);
    return object_node(object);
}

static JsonNode *map_of(const SchemaField *f)
{
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "type", "object");
    if (f->flags & SCHEMA_NOT_EMPTY) {
        json_object_set_int_member(object, "minProperties", 1);
    }
    json_object_set_member(object, "propertyNames", reference("name"));
    json_object_set_member(object, "additionalProperties",
                           reference(f->table->name));
    return object_node(object);
}

static JsonNode *count_type(const SchemaField *f)
{
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "type", "integer");
    json_object_set_int_member(object, "minimum", (gint64)f->min);
    if (f->max) {
        json_object_set_int_member(object, "maximum", (gint64)f->max);
    }
    if (f->multiple) {
        json_object_set_int_member(object, "multipleOf", (gint64)f->multiple);
    }
    return object_node(object);
}

static JsonNode *enum_type(const SchemaField *f, const char *only)
{
    const char *const one[] = { only, NULL };
    JsonObject *object = json_object_new();

    json_object_set_member(object, "enum", text_list(only ? one : f->choices));
    return object_node(object);
}

static JsonNode *list_type(const SchemaField *f)
{
    JsonNode *list =
        array_of(reference(f->table->name), (f->flags & SCHEMA_NOT_EMPTY) != 0);

    return f->flags & SCHEMA_ONE_OR_LIST
               ? combined("oneOf", reference(f->table->name), list)
               : list;
}

/* @only: the word of the variant when @f picks it, else NULL. */
static JsonNode *field_type(const SchemaField *f, const char *only)
{
    switch (f->type) {
    case SCHEMA_BOOL:
        return parse_json("{\"type\": \"boolean\"}");
    case SCHEMA_COUNT:
        return count_type(f);
    case SCHEMA_QUANTITY:
        return reference(unit_name(f->unit));
    case SCHEMA_TEXT:
        return parse_json("{\"type\": [\"string\", \"number\"]}");
    case SCHEMA_NAME:
        return reference("name");
    case SCHEMA_PATH:
        return parse_json("{\"type\": \"string\", \"minLength\": 1}");
    case SCHEMA_ENUM:
        return enum_type(f, only);
    case SCHEMA_SCALAR:
        return parse_json(f->scalar->json);
    case SCHEMA_VALUE:
        return parse_json(f->json);
    case SCHEMA_NAMES:
        return combined(
            "oneOf", reference("name"),
            array_of(reference("name"), (f->flags & SCHEMA_NOT_EMPTY) != 0));
    case SCHEMA_PAIRS:
        return parse_json(f->pairs->json);
    case SCHEMA_OBJECT:
        return reference(f->table->name);
    case SCHEMA_MAP:
        return map_of(f);
    case SCHEMA_LIST:
        return list_type(f);
    }
    g_assert_not_reached();
}

static void set_default(JsonObject *object, const SchemaField *f)
{
    int64_t number;

    if (!f->fallback) {
        return;
    }
    if (f->type == SCHEMA_BOOL) {
        json_object_set_boolean_member(object, "default",
                                       !strcmp(f->fallback, "true"));
    } else if (f->type == SCHEMA_COUNT &&
               unit_parse(UNIT_COUNT, f->fallback, &number, NULL)) {
        json_object_set_int_member(object, "default", number);
    } else {
        json_object_set_string_member(object, "default", f->fallback);
    }
}

/* The type with description and default; beside a $ref these would not be
 * read, so it moves into allOf. */
static JsonNode *field_node(const SchemaField *f, const char *only)
{
    JsonNode *type = field_type(f, only);
    JsonObject *object;

    if (json_object_has_member(json_node_get_object(type), "$ref")) {
        type = combined("allOf", type, NULL);
    }
    object = json_node_get_object(type);
    json_object_set_string_member(object, "description", f->doc);
    set_default(object, f);
    return type;
}

static JsonNode *fields_node(const SchemaTable *table, const char *variant_key,
                             const char *word)
{
    JsonObject *object = json_object_new();
    JsonObject *properties = json_object_new();
    JsonArray *required = json_array_new();

    for (const SchemaField *f = table->fields; f->key; f++) {
        bool picks = variant_key && !strcmp(f->key, variant_key);

        json_object_set_member(properties, f->key,
                               field_node(f, picks ? word : NULL));
        if (f->flags & SCHEMA_REQUIRED) {
            json_array_add_string_element(required, f->key);
        }
    }
    json_object_set_string_member(object, "type", "object");
    json_object_set_string_member(object, "description", table->doc);
    json_object_set_boolean_member(object, "additionalProperties", FALSE);
    if (json_array_get_length(required)) {
        json_object_set_array_member(object, "required", required);
    } else {
        json_array_unref(required);
    }
    json_object_set_object_member(object, "properties", properties);
    return object_node(object);
}

/* {"type": "object", "properties": {"WORD": {...}}, "required": ["WORD"]} */
static JsonNode *verb_node(const SchemaVariant *v)
{
    const char *const words[] = { v->word, NULL };
    JsonObject *object = json_object_new();
    JsonObject *properties = json_object_new();

    json_object_set_member(properties, v->word, reference(v->table->name));
    json_object_set_string_member(object, "type", "object");
    json_object_set_boolean_member(object, "additionalProperties", FALSE);
    json_object_set_member(object, "required", text_list(words));
    json_object_set_object_member(object, "properties", properties);
    return object_node(object);
}

static JsonNode *variants_node(const SchemaTable *table)
{
    JsonObject *object = json_object_new();
    JsonArray *one_of = json_array_new();

    for (const SchemaVariant *v = table->variants; v->word; v++) {
        json_array_add_element(one_of, table->variant_key
                                           ? reference(v->table->name)
                                           : verb_node(v));
    }
    json_object_set_string_member(object, "description", table->doc);
    json_object_set_array_member(object, "oneOf", one_of);
    return object_node(object);
}

static void define(JsonObject *definitions, const SchemaTable *table,
                   const char *variant_key, const char *word)
{
    if (json_object_has_member(definitions, table->name)) {
        return;
    }
    if (table->variants) {
        json_object_set_member(definitions, table->name, variants_node(table));
        for (const SchemaVariant *v = table->variants; v->word; v++) {
            define(definitions, v->table, table->variant_key, v->word);
        }
        return;
    }
    json_object_set_member(definitions, table->name,
                           fields_node(table, variant_key, word));
    for (const SchemaField *f = table->fields; f->key; f++) {
        if (f->table) {
            define(definitions, f->table, NULL, NULL);
        }
    }
}

static void define_pattern(JsonObject *definitions, const char *name,
                           const char *pattern)
{
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "type", "string");
    json_object_set_string_member(object, "pattern", pattern);
    json_object_set_object_member(definitions, name, object);
}

static void define_units(JsonObject *definitions)
{
    for (Unit unit = 0; unit < UNITS; unit++) {
        g_autofree char *pattern = NULL;
        g_auto(GStrv) words = NULL;
        g_autofree char *any = NULL;

        if (!*unit_suffixes(unit)) {
            continue;
        }
        words = g_strsplit(unit_suffixes(unit), " ", -1);
        any = g_strjoinv("|", words);
        pattern = g_strdup_printf("%s(%s)%s$", NUMBER_PATTERN, any,
                                  unit == UNIT_RATE ? "(/s)?" : "");
        define_pattern(definitions, unit_name(unit), pattern);
    }
}

char *schema_json(const SchemaTable *root)
{
    JsonObject *object = json_object_new();
    JsonObject *definitions = json_object_new();
    g_autoptr(JsonNode) node = NULL;
    g_autofree char *ref = g_strdup_printf("#/definitions/%s", root->name);
    g_autofree char *text = NULL;

    json_object_set_string_member(object, "$schema",
                                  "http://json-schema.org/draft-07/schema#");
    json_object_set_string_member(object, "title", "Outrigger scenario");
    json_object_set_string_member(object, "$ref", ref);
    define_pattern(definitions, "name", NAME_PATTERN);
    define_units(definitions);
    define(definitions, root, NULL, NULL);
    json_object_set_object_member(object, "definitions", definitions);
    node = object_node(object);
    text = json_to_string(node, TRUE);
    return g_strconcat(text, "\n", NULL);
}
