/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * schema_write.c: C structs back to YAML, every default written out.
 */
#include "schema.h"

#include <string.h>

static char *path_text(const SchemaField *f, const ScnObject *obj,
                       const char *relative_to)
{
    const char *path = *SCHEMA_CONST_MEMBER(char *, obj, f);
    const YamlNode *given = schema_given(obj, f->key);
    const char *word = given ? given->text : f->fallback;
    size_t len = relative_to ? strlen(relative_to) : 0;

    if (!path) {
        return NULL;
    }
    if ((f->flags & SCHEMA_OR_WORD) && word && schema_is_name(word)) {
        return g_strdup(word);
    }
    if (len && !strncmp(path, relative_to, len) && path[len] == '/') {
        return g_strdup(path + len + 1);
    }
    return g_strdup(path);
}

static char *number_text(const SchemaField *f, Unit unit, const ScnObject *obj)
{
    uint64_t value = *SCHEMA_CONST_MEMBER(uint64_t, obj, f);

    if (!value && (f->flags & SCHEMA_UNSET_ZERO)) {
        return NULL;
    }
    return unit_format(unit, (int64_t)value);
}

char *schema_field_text(const SchemaField *f, const ScnObject *obj,
                        const char *relative_to)
{
    switch (f->type) {
    case SCHEMA_BOOL:
        return unit_format(UNIT_BOOL, *SCHEMA_CONST_MEMBER(bool, obj, f));
    case SCHEMA_COUNT:
        return number_text(f, UNIT_COUNT, obj);
    case SCHEMA_QUANTITY:
        return number_text(f, f->unit, obj);
    case SCHEMA_TEXT:
    case SCHEMA_NAME:
        return g_strdup(*SCHEMA_CONST_MEMBER(char *, obj, f));
    case SCHEMA_PATH:
        return path_text(f, obj, relative_to);
    case SCHEMA_ENUM:
        return g_strdup(f->choices[*SCHEMA_CONST_MEMBER(int, obj, f)]);
    case SCHEMA_SCALAR:
        return f->scalar->format(SCHEMA_CONST_MEMBER(char, obj, f));
    default:
        return NULL;
    }
}

static void write_key(GString *out, int indent, const char *key)
{
    g_string_append_printf(out, "%*s", indent, "");
    yaml_write_scalar(out, key, -1);
    g_string_append_c(out, ':');
}

static void write_names(GString *out, const GPtrArray *names)
{
    g_string_append(out, " [");
    for (unsigned i = 0; i < names->len; i++) {
        g_string_append(out, i ? ", " : "");
        yaml_write_scalar(out, names->pdata[i], -1);
    }
    g_string_append(out, "]\n");
}

static void write_pairs(GString *out, const SchemaField *f,
                        const GPtrArray *pairs, int indent)
{
    g_string_append(out, pairs->len ? "\n" : " {}\n");
    for (unsigned i = 0; i < pairs->len; i++) {
        g_autofree char *key = NULL, *value = NULL;

        f->pairs->format(pairs->pdata[i], &key, &value);
        write_key(out, indent + 2, key);
        g_string_append_c(out, ' ');
        yaml_write_scalar(out, value, indent + 4);
        g_string_append_c(out, '\n');
    }
}

static void write_map(GString *out, const SchemaField *f,
                      const GPtrArray *objects, int indent,
                      const char *relative_to)
{
    g_string_append(out, objects->len ? "\n" : " {}\n");
    for (unsigned i = 0; i < objects->len; i++) {
        const ScnObject *obj = objects->pdata[i];
        const char *name =
            *(char *const *)(const void *)((const char *)obj +
                                           f->table->name_offset);

        write_key(out, indent + 2, name);
        g_string_append_c(out, '\n');
        schema_write(out, obj, indent + 4, relative_to);
    }
}

/* The object's text, with "- " in place of the first blanks. */
static void write_item(GString *out, const SchemaTable *list_table,
                       const ScnObject *obj, int indent,
                       const char *relative_to)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (list_table->variants && !list_table->variant_key) {
        int verb = *(const int *)(const void *)((const char *)obj +
                                                list_table->verb_offset);

        write_key(text, indent + 2, list_table->variants[verb].word);
        g_string_append_c(text, '\n');
        schema_write(text, obj, indent + 4, relative_to);
    } else {
        schema_write(text, obj, indent + 2, relative_to);
    }
    text->str[indent] = '-';
    g_string_append(out, text->str);
}

static void write_list(GString *out, const SchemaField *f,
                       const GPtrArray *objects, int indent,
                       const char *relative_to)
{
    g_string_append(out, objects->len ? "\n" : " []\n");
    for (unsigned i = 0; i < objects->len; i++) {
        write_item(out, f->table, objects->pdata[i], indent, relative_to);
    }
}

static void write_scalar(GString *out, const SchemaField *f,
                         const ScnObject *obj, int indent,
                         const char *relative_to)
{
    g_autofree char *text = f->type == SCHEMA_VALUE
                                ? f->value(obj, f->key)
                                : schema_field_text(f, obj, relative_to);

    if (!text) {
        return;
    }
    write_key(out, indent, f->key);
    g_string_append_c(out, ' ');
    if (f->type == SCHEMA_VALUE) {
        g_string_append(out, text); /* is YAML already */
    } else {
        yaml_write_scalar(out, text, indent + 2);
    }
    g_string_append_c(out, '\n');
}

static void write_field(GString *out, const SchemaField *f,
                        const ScnObject *obj, int indent,
                        const char *relative_to)
{
    const ScnObject *child;

    switch (f->type) {
    case SCHEMA_OBJECT:
        child = *SCHEMA_CONST_MEMBER(ScnObject *, obj, f);
        if (child) {
            write_key(out, indent, f->key);
            g_string_append_c(out, '\n');
            schema_write(out, child, indent + 2, relative_to);
        }
        break;
    case SCHEMA_NAMES:
    case SCHEMA_PAIRS:
    case SCHEMA_MAP:
    case SCHEMA_LIST: {
        const GPtrArray *items = *SCHEMA_CONST_MEMBER(GPtrArray *, obj, f);

        if ((f->flags & SCHEMA_NOT_EMPTY) && !items->len) {
            return;
        }
        write_key(out, indent, f->key);
        if (f->type == SCHEMA_NAMES) {
            write_names(out, items);
        } else if (f->type == SCHEMA_PAIRS) {
            write_pairs(out, f, items, indent);
        } else if (f->type == SCHEMA_MAP) {
            write_map(out, f, items, indent, relative_to);
        } else {
            write_list(out, f, items, indent, relative_to);
        }
        break;
    }
    default:
        write_scalar(out, f, obj, indent, relative_to);
        break;
    }
}

void schema_write(GString *out, const ScnObject *obj, int indent,
                  const char *relative_to)
{
    for (const SchemaField *f = obj->table->fields; f->key; f++) {
        if (!(f->flags & SCHEMA_NOT_WRITTEN)) {
            write_field(out, f, obj, indent, relative_to);
        }
    }
}
