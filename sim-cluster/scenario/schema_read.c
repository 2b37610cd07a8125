/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * schema_read.c: YAML nodes to C structs by the tables of schema.h.
 */
#include "schema.h"

#include <string.h>

#define NAME_MAX_CHARS 31u

typedef struct Reader {
    const char *base_dir;
    YamlProblems *problems;
} Reader;

static void *read_object(Reader *r, const SchemaTable *table,
                         const YamlNode *node, YamlMark mark);

/* ---- words -------------------------------------------------------------- */

bool schema_is_name(const char *text)
{
    unsigned i;

    for (i = 0; text[i]; i++) {
        bool ok = g_ascii_islower(text[i]) ||
                  (i && (g_ascii_isdigit(text[i]) || text[i] == '-'));

        if (!ok || i >= NAME_MAX_CHARS) {
            return false;
        }
    }
    return i > 0;
}

char *schema_suggest(const char *word, const char *const *names,
                     const char *noun)
{
    const char *near = yaml_nearest(word, names);
    g_autofree char *list = NULL;

    if (near) {
        return g_strdup_printf("; did you mean '%s'?", near);
    }
    if (!names[0]) {
        return g_strdup_printf("; %s none", noun);
    }
    list = g_strjoinv(", ", (char **)names);
    return g_strdup_printf("; %s %s", noun, list);
}

static char *suggest_key(const SchemaTable *table, const char *word)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const SchemaField *f = table->fields; f->key; f++) {
        g_ptr_array_add(names, (void *)f->key);
    }
    g_ptr_array_add(names, NULL);
    return schema_suggest(word, (const char *const *)names->pdata,
                          "its keys are");
}

static char *suggest_variant(const SchemaTable *table, const char *word)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const SchemaVariant *v = table->variants; v->word; v++) {
        g_ptr_array_add(names, (void *)v->word);
    }
    g_ptr_array_add(names, NULL);
    return schema_suggest(word, (const char *const *)names->pdata, "there are");
}

const SchemaField *schema_field(const SchemaTable *table, const char *key)
{
    for (const SchemaField *f = table->fields; f && f->key; f++) {
        if (!strcmp(f->key, key)) {
            return f;
        }
    }
    return NULL;
}

const YamlNode *schema_given(const ScnObject *obj, const char *key)
{
    return obj->node ? yaml_get(obj->node, key) : NULL;
}

YamlMark schema_value_mark(const ScnObject *obj, const char *key)
{
    const YamlNode *value = key ? schema_given(obj, key) : NULL;

    return value ? value->mark : obj->mark;
}

YamlMark schema_key_mark(const ScnObject *obj, const char *key)
{
    const YamlNode *node = obj->node ? yaml_get_key(obj->node, key) : NULL;

    return node ? node->mark : obj->mark;
}

/* ---- scalars ------------------------------------------------------------ */

static bool in_range(const SchemaField *f, Unit unit, int64_t value,
                     const char *text, char **ret_why)
{
    uint64_t max = f->max ? f->max : (uint64_t)INT64_MAX;
    g_autofree char *low = unit_format(unit, (int64_t)f->min);
    g_autofree char *high = unit_format(unit, (int64_t)max);

    if ((uint64_t)value < f->min || (uint64_t)value > max) {
        *ret_why = f->max ? g_strdup_printf("'%s' is out of range: %s to %s",
                                            text, low, high)
                          : g_strdup_printf("'%s' is too small: at least %s",
                                            text, low);
        return false;
    }
    if (f->multiple && (uint64_t)value % f->multiple) {
        g_autofree char *of = unit_format(unit, (int64_t)f->multiple);

        *ret_why = g_strdup_printf("'%s' is not a multiple of %s", text, of);
        return false;
    }
    return true;
}

static bool parse_quantity(const SchemaField *f, Unit unit, const char *text,
                           void *obj, char **ret_why)
{
    g_autoptr(GError) err = NULL;
    int64_t value;

    if (!unit_parse(unit, text, &value, &err)) {
        *ret_why = g_strdup(err->message);
        return false;
    }
    if (!in_range(f, unit, value, text, ret_why)) {
        return false;
    }
    *SCHEMA_MEMBER(uint64_t, obj, f) = (uint64_t)value;
    return true;
}

static bool parse_enum(const SchemaField *f, const char *text, void *obj,
                       char **ret_why)
{
    g_autofree char *hint = NULL;

    for (int i = 0; f->choices[i]; i++) {
        if (!strcmp(text, f->choices[i])) {
            *SCHEMA_MEMBER(int, obj, f) = i;
            return true;
        }
    }
    hint = schema_suggest(text, f->choices, "there are");
    *ret_why = g_strdup_printf("no %s '%s'%s", f->key, text, hint);
    return false;
}

static bool parse_bool(const SchemaField *f, const char *text, void *obj,
                       char **ret_why)
{
    g_autoptr(GError) err = NULL;
    int64_t value;

    if (!unit_parse(UNIT_BOOL, text, &value, &err)) {
        *ret_why = g_strdup(err->message);
        return false;
    }
    *SCHEMA_MEMBER(bool, obj, f) = value;
    return true;
}

static bool parse_text(const SchemaField *f, const char *text, void *obj,
                       char **ret_why)
{
    if (f->type == SCHEMA_NAME && !schema_is_name(text)) {
        *ret_why = g_strdup_printf(
            "'%s' is not a name: a-z, then a-z, 0-9 and '-', at most %u "
            "characters",
            text, NAME_MAX_CHARS);
        return false;
    }
    if ((f->flags & SCHEMA_NOT_EMPTY) && !*text) {
        *ret_why = g_strdup_printf("'%s' is empty", f->key);
        return false;
    }
    g_free(*SCHEMA_MEMBER(char *, obj, f));
    *SCHEMA_MEMBER(char *, obj, f) = g_strdup(text);
    return true;
}

static bool parse_path(const Reader *r, const SchemaField *f, const char *text,
                       void *obj, char **ret_why)
{
    char **member = SCHEMA_MEMBER(char *, obj, f);

    if (!*text) {
        *ret_why = g_strdup_printf("'%s' is empty", f->key);
        return false;
    }
    g_free(*member);
    if ((f->flags & SCHEMA_OR_WORD) && schema_is_name(text)) {
        *member = g_strdup(text);
    } else {
        *member = g_canonicalize_filename(text, r->base_dir);
    }
    return true;
}

static bool parse_scalar(const Reader *r, const SchemaField *f,
                         const char *text, void *obj, char **ret_why)
{
    switch (f->type) {
    case SCHEMA_BOOL:
        return parse_bool(f, text, obj, ret_why);
    case SCHEMA_COUNT:
        return parse_quantity(f, UNIT_COUNT, text, obj, ret_why);
    case SCHEMA_QUANTITY:
        return parse_quantity(f, f->unit, text, obj, ret_why);
    case SCHEMA_TEXT:
    case SCHEMA_NAME:
        return parse_text(f, text, obj, ret_why);
    case SCHEMA_PATH:
        return parse_path(r, f, text, obj, ret_why);
    case SCHEMA_ENUM:
        return parse_enum(f, text, obj, ret_why);
    case SCHEMA_SCALAR:
        return f->scalar->parse(text, SCHEMA_MEMBER(char, obj, f), ret_why);
    default:
        g_assert_not_reached();
    }
}

/* ---- collections -------------------------------------------------------- */

static const char *kind_text(const YamlNode *node)
{
    switch (node->kind) {
    case YAML_SCALAR:
        return "a single value";
    case YAML_MAPPING:
        return "a mapping";
    default:
        return "a list";
    }
}

static bool want(Reader *r, const SchemaField *f, const YamlNode *node,
                 YamlKind kind, const char *what)
{
    if (node->kind == kind) {
        return true;
    }
    yaml_problem(r->problems, node->mark, "'%s' takes %s, not %s", f->key, what,
                 kind_text(node));
    return false;
}

static void read_names(Reader *r, const SchemaField *f, const YamlNode *node,
                       GPtrArray *names)
{
    if (node->kind == YAML_MAPPING) {
        want(r, f, node, YAML_SEQUENCE, "a list of names, or one name");
        return;
    }
    for (unsigned i = 0; i < (node->items ? node->items->len : 1); i++) {
        const YamlNode *item = node->items ? node->items->pdata[i] : node;

        if (item->kind != YAML_SCALAR) {
            yaml_problem(r->problems, item->mark, "'%s' takes names, not %s",
                         f->key, kind_text(item));
        } else if (g_ptr_array_find_with_equal_func(names, item->text,
                                                    g_str_equal, NULL)) {
            yaml_problem(r->problems, item->mark, "'%s' names '%s' twice",
                         f->key, item->text);
        } else {
            g_ptr_array_add(names, g_strdup(item->text));
        }
    }
}

static void read_pairs(Reader *r, const SchemaField *f, const YamlNode *node,
                       GPtrArray *pairs)
{
    if (!want(r, f, node, YAML_MAPPING, "a mapping")) {
        return;
    }
    for (unsigned i = 0; i < node->keys->len; i++) {
        const YamlNode *key = node->keys->pdata[i];
        const YamlNode *value = node->items->pdata[i];
        g_autofree char *why = NULL;
        void *item;

        if (value->kind != YAML_SCALAR) {
            yaml_problem(r->problems, value->mark,
                         "'%s' takes a single value, not %s", key->text,
                         kind_text(value));
            continue;
        }
        item = f->pairs->parse(key->text, value->text, &why);
        if (item) {
            g_ptr_array_add(pairs, item);
        } else {
            yaml_problem(r->problems, key->mark, "%s", why);
        }
    }
}

static void read_map(Reader *r, const SchemaField *f, const YamlNode *node,
                     GPtrArray *objects)
{
    if (!want(r, f, node, YAML_MAPPING, "a mapping of names")) {
        return;
    }
    for (unsigned i = 0; i < node->keys->len; i++) {
        const YamlNode *key = node->keys->pdata[i];
        ScnObject *obj;

        if (!schema_is_name(key->text)) {
            yaml_problem(r->problems, key->mark,
                         "'%s' is not a name: a-z, then a-z, 0-9 and '-', at "
                         "most %u characters",
                         key->text, NAME_MAX_CHARS);
            continue;
        }
        obj = read_object(r, f->table, node->items->pdata[i], key->mark);
        if (obj) {
            char **name = (char **)((char *)obj + f->table->name_offset);

            *name = g_strdup(key->text);
            obj->mark = key->mark;
            g_ptr_array_add(objects, obj);
        }
    }
}

static void read_list(Reader *r, const SchemaField *f, const YamlNode *node,
                      GPtrArray *objects)
{
    bool one = (f->flags & SCHEMA_ONE_OR_LIST) && node->kind == YAML_MAPPING;

    if (!one && !want(r, f, node, YAML_SEQUENCE, "a list")) {
        return;
    }
    for (unsigned i = 0; i < (one ? 1 : node->items->len); i++) {
        const YamlNode *item = one ? node : node->items->pdata[i];
        void *obj = read_object(r, f->table, item, item->mark);

        if (obj) {
            g_ptr_array_add(objects, obj);
        }
    }
}

/* ---- fields and objects -------------------------------------------------- */

static void read_given(Reader *r, const SchemaField *f, const YamlNode *node,
                       void *obj)
{
    g_autofree char *why = NULL;

    switch (f->type) {
    case SCHEMA_VALUE:
        return;
    case SCHEMA_NAMES:
        read_names(r, f, node, *SCHEMA_MEMBER(GPtrArray *, obj, f));
        break;
    case SCHEMA_PAIRS:
        read_pairs(r, f, node, *SCHEMA_MEMBER(GPtrArray *, obj, f));
        break;
    case SCHEMA_MAP:
        read_map(r, f, node, *SCHEMA_MEMBER(GPtrArray *, obj, f));
        break;
    case SCHEMA_LIST:
        read_list(r, f, node, *SCHEMA_MEMBER(GPtrArray *, obj, f));
        break;
    case SCHEMA_OBJECT:
        *SCHEMA_MEMBER(void *, obj, f) =
            read_object(r, f->table, node, node->mark);
        return;
    default:
        if (want(r, f, node, YAML_SCALAR, "a single value") &&
            !parse_scalar(r, f, node->text, obj, &why)) {
            yaml_problem(r->problems, node->mark, "%s", why);
        }
        return;
    }
    if ((f->flags & SCHEMA_NOT_EMPTY) && node->items && !node->items->len) {
        yaml_problem(r->problems, node->mark, "'%s' is empty", f->key);
    }
}

static void make_collection(const SchemaField *f, void *obj)
{
    GDestroyNotify item_free;

    switch (f->type) {
    case SCHEMA_NAMES:
        item_free = g_free;
        break;
    case SCHEMA_PAIRS:
        item_free = f->pairs->free;
        break;
    case SCHEMA_MAP:
    case SCHEMA_LIST:
        item_free = schema_free;
        break;
    default:
        return;
    }
    *SCHEMA_MEMBER(GPtrArray *, obj, f) =
        g_ptr_array_new_with_free_func(item_free);
}

static void read_default(Reader *r, const SchemaField *f, ScnObject *obj)
{
    g_autofree char *why = NULL;

    if (f->flags & SCHEMA_REQUIRED) {
        yaml_problem(r->problems, obj->mark, "'%s' is missing: %s", f->key,
                     f->doc);
    } else if (f->type == SCHEMA_OBJECT && !(f->flags & SCHEMA_OPTIONAL)) {
        *SCHEMA_MEMBER(void *, obj, f) =
            read_object(r, f->table, NULL, obj->mark);
    } else if (f->fallback && !parse_scalar(r, f, f->fallback, obj, &why)) {
        g_error("default of %s.%s: %s", obj->table->name, f->key, why);
    }
}

static void refuse_unknown_keys(Reader *r, const SchemaTable *table,
                                const YamlNode *node)
{
    for (unsigned i = 0; i < node->keys->len; i++) {
        const YamlNode *key = node->keys->pdata[i];

        if (!schema_field(table, key->text)) {
            g_autofree char *hint = suggest_key(table, key->text);

            yaml_problem(r->problems, key->mark, "no key '%s' in %s%s",
                         key->text, table->name, hint);
        }
    }
}

static void *read_fields(Reader *r, const SchemaTable *table,
                         const YamlNode *node, YamlMark mark)
{
    ScnObject *obj = g_malloc0(table->size);

    obj->table = table;
    obj->mark = mark;
    obj->node = node;
    if (node) {
        refuse_unknown_keys(r, table, node);
    }
    for (const SchemaField *f = table->fields; f->key; f++) {
        const YamlNode *value = node ? yaml_get(node, f->key) : NULL;

        make_collection(f, obj);
        if (value) {
            read_given(r, f, value, obj);
        } else {
            read_default(r, f, obj);
        }
    }
    return obj;
}

static const SchemaVariant *find_variant(Reader *r, const SchemaTable *table,
                                         const YamlNode *word)
{
    g_autofree char *hint = NULL;

    for (const SchemaVariant *v = table->variants; v->word; v++) {
        if (!strcmp(v->word, word->text)) {
            return v;
        }
    }
    hint = suggest_variant(table, word->text);
    yaml_problem(r->problems, word->mark, "no %s '%s'%s",
                 table->variant_key ? table->variant_key : table->name,
                 word->text, hint);
    return NULL;
}

static void *read_by_key(Reader *r, const SchemaTable *table,
                         const YamlNode *node, YamlMark mark)
{
    const YamlNode *word = yaml_get(node, table->variant_key);
    const SchemaVariant *v;

    if (!word) {
        g_autofree char *hint = suggest_variant(table, "");

        yaml_problem(r->problems, mark, "'%s' is missing in %s%s",
                     table->variant_key, table->name, hint);
        return NULL;
    }
    if (word->kind != YAML_SCALAR) {
        yaml_problem(r->problems, word->mark,
                     "'%s' takes a single value, not %s", table->variant_key,
                     kind_text(word));
        return NULL;
    }
    v = find_variant(r, table, word);
    return v ? read_object(r, v->table, node, mark) : NULL;
}

static void *read_by_verb(Reader *r, const SchemaTable *table,
                          const YamlNode *node, YamlMark mark)
{
    const YamlNode *key;
    const SchemaVariant *v;
    void *obj;

    if (node->keys->len != 1) {
        yaml_problem(r->problems, mark,
                     "a %s is one verb with its keys: '- VERB: {...}'",
                     table->name);
        return NULL;
    }
    key = node->keys->pdata[0];
    v = find_variant(r, table, key);
    if (!v) {
        return NULL;
    }
    obj = read_object(r, v->table, node->items->pdata[0], key->mark);
    if (obj) {
        *(int *)(void *)((char *)obj + table->verb_offset) =
            (int)(v - table->variants);
        ((ScnObject *)obj)->mark = key->mark;
    }
    return obj;
}

/* @node NULL: all defaults. NULL after a problem that leaves no shape. */
static void *read_object(Reader *r, const SchemaTable *table,
                         const YamlNode *node, YamlMark mark)
{
    if (node && node->kind != YAML_MAPPING) {
        yaml_problem(r->problems, node->mark, "%s is a mapping, not %s",
                     table->name, kind_text(node));
        return NULL;
    }
    if (!table->variants) {
        return read_fields(r, table, node, mark);
    }
    return table->variant_key ? read_by_key(r, table, node, mark)
                              : read_by_verb(r, table, node, mark);
}

void *schema_read(const SchemaTable *table, const YamlNode *node,
                  const char *base_dir, YamlProblems *p)
{
    Reader r = { base_dir, p };

    return read_object(&r, table, node, node->mark);
}

/* ---- freeing ------------------------------------------------------------ */

void schema_free(void *object)
{
    ScnObject *obj = object;
    const SchemaTable *table;

    if (!obj) {
        return;
    }
    table = obj->table;
    if (table->clear) {
        table->clear(obj);
    }
    for (const SchemaField *f = table->fields; f->key; f++) {
        switch (f->type) {
        case SCHEMA_TEXT:
        case SCHEMA_NAME:
        case SCHEMA_PATH:
            g_free(*SCHEMA_MEMBER(char *, obj, f));
            break;
        case SCHEMA_NAMES:
        case SCHEMA_PAIRS:
        case SCHEMA_MAP:
        case SCHEMA_LIST:
            g_ptr_array_unref(*SCHEMA_MEMBER(GPtrArray *, obj, f));
            break;
        case SCHEMA_OBJECT:
            schema_free(*SCHEMA_MEMBER(void *, obj, f));
            break;
        default:
            break;
        }
    }
    if (table->name_offset) {
        g_free(*(char **)(void *)((char *)obj + table->name_offset));
    }
    g_free(obj);
}
