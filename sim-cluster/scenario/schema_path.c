/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * schema_path.c: finds "nodes.host0.memory" or "expect.p99.below" in a tree,
 * led by the tables.
 */
#include "schema.h"

#include <string.h>

typedef struct Walk {
    char **parts; /* NULL-terminated */
    YamlMark mark;
    SchemaTarget *ret;
    char **ret_why;
} Walk;

static bool walk_mapping(Walk *w, const SchemaTable *table, YamlNode *node,
                         unsigned at);

static bool fail(Walk *w, char *why)
{
    *w->ret_why = why;
    return false;
}

static bool found(Walk *w, const SchemaField *field, const SchemaTable *table,
                  YamlNode *parent, const char *key, unsigned index)
{
    *w->ret = (SchemaTarget){
        .field = field,
        .table = table,
        .parent = parent,
        .key = g_strdup(key),
        .index = index,
        .old = key ? yaml_get(parent, key) : parent->items->pdata[index],
    };
    return true;
}

/* ---- lists -------------------------------------------------------------- */

/* The mapping that carries the keys of a list's item: inside the verb. */
static const YamlNode *item_body(const SchemaTable *table, const YamlNode *item)
{
    if (table->variants && !table->variant_key && item->kind == YAML_MAPPING &&
        item->items->len == 1) {
        return item->items->pdata[0];
    }
    return item;
}

static const char *item_identity(const SchemaTable *table, const YamlNode *item)
{
    const YamlNode *body = item_body(table, item);
    const YamlNode *id = table->identity && body->kind == YAML_MAPPING
                             ? yaml_get(body, table->identity)
                             : NULL;

    return id && id->kind == YAML_SCALAR ? id->text : NULL;
}

static bool item_index(const SchemaTable *table, const YamlNode *list,
                       const char *part, unsigned *ret)
{
    int64_t number;

    for (unsigned i = 0; i < list->items->len; i++) {
        if (!g_strcmp0(item_identity(table, list->items->pdata[i]), part)) {
            *ret = i;
            return true;
        }
    }
    if (unit_parse(UNIT_COUNT, part, &number, NULL) && number >= 1 &&
        number <= list->items->len) {
        *ret = (unsigned)number - 1;
        return true;
    }
    return false;
}

static char *no_item(const SchemaTable *table, const YamlNode *list,
                     const char *part)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *noun =
        g_strdup_printf("1 to %u, or by '%s':", list->items->len,
                        table->identity ? table->identity : "");
    g_autofree char *hint = NULL;

    for (unsigned i = 0; i < list->items->len; i++) {
        const char *id = item_identity(table, list->items->pdata[i]);

        if (id) {
            g_ptr_array_add(names, (void *)id);
        }
    }
    g_ptr_array_add(names, NULL);
    hint = schema_suggest(part, (const char *const *)names->pdata, noun);
    return g_strdup_printf("no %s '%s'%s", table->name, part, hint);
}

static bool walk_list(Walk *w, const SchemaField *f, YamlNode *list,
                      unsigned at)
{
    unsigned index;

    if (list->kind == YAML_MAPPING && (f->flags & SCHEMA_ONE_OR_LIST)) {
        return walk_mapping(w, f->table, list, at);
    }
    if (list->kind != YAML_SEQUENCE) {
        return fail(w, g_strdup_printf("'%s' is not a list", f->key));
    }
    if (!item_index(f->table, list, w->parts[at], &index)) {
        return fail(w, no_item(f->table, list, w->parts[at]));
    }
    if (!w->parts[at + 1]) {
        return found(w, f, f->table, list, NULL, index);
    }
    return walk_mapping(w, f->table, list->items->pdata[index], at + 1);
}

/* ---- mappings ----------------------------------------------------------- */

static bool walk_map(Walk *w, const SchemaField *f, YamlNode *map, unsigned at)
{
    const char *name = w->parts[at];
    g_autoptr(GPtrArray) names = NULL;
    g_autofree char *hint = NULL;
    YamlNode *item;

    if (map->kind != YAML_MAPPING) {
        return fail(w, g_strdup_printf("'%s' is not a mapping", f->key));
    }
    if (!w->parts[at + 1]) {
        return found(w, f, f->table, map, name, 0);
    }
    item = yaml_get(map, name);
    if (item) {
        return walk_mapping(w, f->table, item, at + 1);
    }
    names = g_ptr_array_new();
    for (unsigned i = 0; i < map->keys->len; i++) {
        g_ptr_array_add(names, ((YamlNode *)map->keys->pdata[i])->text);
    }
    g_ptr_array_add(names, NULL);
    hint = schema_suggest(name, (const char *const *)names->pdata, "there are");
    return fail(w, g_strdup_printf("no %s '%s'%s", f->table->name, name, hint));
}

/* The mapping written for @f, made when there is none. */
static YamlNode *child_of(Walk *w, YamlNode *node, const SchemaField *f)
{
    YamlNode *child = yaml_get(node, f->key);

    if (!child) {
        child = yaml_node_new(YAML_MAPPING, w->mark);
        yaml_put(node, f->key, child);
    }
    return child;
}

static bool walk_field(Walk *w, const SchemaTable *table, const SchemaField *f,
                       YamlNode *node, unsigned at)
{
    YamlNode *child;
    g_autofree char *rest = NULL;

    if (!w->parts[at + 1]) {
        return found(w, f, table, node, f->key, 0);
    }
    switch (f->type) {
    case SCHEMA_OBJECT:
        return walk_mapping(w, f->table, child_of(w, node, f), at + 1);
    case SCHEMA_MAP:
        return walk_map(w, f, child_of(w, node, f), at + 1);
    case SCHEMA_LIST:
        child = yaml_get(node, f->key);
        return child ? walk_list(w, f, child, at + 1)
                     : fail(w, g_strdup_printf("'%s' is not written", f->key));
    case SCHEMA_PAIRS:
        child = child_of(w, node, f);
        if (child->kind != YAML_MAPPING) {
            return fail(w, g_strdup_printf("'%s' is not a mapping", f->key));
        }
        rest = g_strjoinv(".", w->parts + at + 1);
        return found(w, f, table, child, rest, 0);
    default:
        return fail(w, g_strdup_printf("'%s' has no part '%s'", f->key,
                                       w->parts[at + 1]));
    }
}

/* The table that @node follows, and the mapping with its keys. */
static const SchemaTable *resolve(const SchemaTable *table, YamlNode **node)
{
    const YamlNode *word;

    if (!table->variants) {
        return table;
    }
    if (table->variant_key) {
        word = yaml_get(*node, table->variant_key);
    } else {
        word = (*node)->keys->len == 1 ? (*node)->keys->pdata[0] : NULL;
        *node = word ? (*node)->items->pdata[0] : NULL;
    }
    if (!word || word->kind != YAML_SCALAR || (*node)->kind != YAML_MAPPING) {
        return NULL;
    }
    for (const SchemaVariant *v = table->variants; v->word; v++) {
        if (!strcmp(v->word, word->text)) {
            return resolve(v->table, node);
        }
    }
    return NULL;
}

static bool walk_mapping(Walk *w, const SchemaTable *table, YamlNode *node,
                         unsigned at)
{
    const SchemaTable *actual = NULL;
    const SchemaField *f;

    if (node->kind == YAML_MAPPING) {
        actual = resolve(table, &node);
    }
    if (!actual) {
        return fail(w, g_strdup_printf("the %s on the way to '%s' is not a "
                                       "valid one",
                                       table->name, w->parts[at]));
    }
    f = schema_field(actual, w->parts[at]);
    if (!f) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        g_autofree char *hint = NULL;

        for (f = actual->fields; f->key; f++) {
            g_ptr_array_add(names, (void *)f->key);
        }
        g_ptr_array_add(names, NULL);
        hint = schema_suggest(w->parts[at], (const char *const *)names->pdata,
                              "its keys are");
        return fail(w, g_strdup_printf("no key '%s' in %s%s", w->parts[at],
                                       actual->name, hint));
    }
    return walk_field(w, actual, f, node, at);
}

bool schema_find(const SchemaTable *table, YamlNode *root, const char *path,
                 YamlMark mark, SchemaTarget *ret, char **ret_why)
{
    g_auto(GStrv) parts = g_strsplit(path, ".", -1);
    Walk w = { parts, mark, ret, ret_why };

    for (unsigned i = 0; parts[i] || !i; i++) {
        if (!parts[i] || !*parts[i]) {
            *ret_why = g_strdup_printf("'%s' is not a path: names joined by "
                                       "'.'",
                                       path);
            return false;
        }
    }
    return walk_mapping(&w, table, root, 0);
}

void schema_target_clear(SchemaTarget *target)
{
    g_clear_pointer(&target->key, g_free);
}

void schema_replace(const SchemaTarget *target, YamlNode *value)
{
    if (target->key) {
        yaml_put(target->parent, target->key, value);
    } else {
        yaml_node_free(target->parent->items->pdata[target->index]);
        target->parent->items->pdata[target->index] = value;
    }
}
