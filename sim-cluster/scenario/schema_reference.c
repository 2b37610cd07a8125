/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * schema_reference.c: the tables as Markdown.
 */
#include "schema.h"

#include <string.h>

static void append_cell(GString *out, const char *text)
{
    g_string_append(out, " ");
    for (const char *c = text; *c; c++) {
        if (*c == '|') {
            g_string_append_c(out, '\\');
        }
        g_string_append_c(out, *c);
    }
    g_string_append(out, " |");
}

static char *link_to(const SchemaTable *table)
{
    g_autofree char *anchor = g_ascii_strdown(table->name, -1);

    g_strdelimit(anchor, " ", '-');
    return g_strdup_printf("[%s](#%s)", table->name, anchor);
}

static char *range_text(const SchemaField *f, Unit unit, const char *name)
{
    g_autofree char *low = unit_format(unit, (int64_t)f->min);
    g_autofree char *high = unit_format(unit, (int64_t)f->max);

    if (f->max) {
        return g_strdup_printf("%s, %s to %s", name, low, high);
    }
    return f->min > 1 ? g_strdup_printf("%s, at least %s", name, low)
                      : g_strdup(name);
}

static char *choices_text(const char *const *choices)
{
    g_autofree char *joined = g_strjoinv("`, `", (char **)choices);

    return g_strdup_printf("`%s`", joined);
}

static char *type_text(const SchemaField *f)
{
    g_autofree char *link = f->table ? link_to(f->table) : NULL;

    switch (f->type) {
    case SCHEMA_BOOL:
        return g_strdup("`true`, `false`");
    case SCHEMA_COUNT:
        return range_text(f, UNIT_COUNT, "count");
    case SCHEMA_QUANTITY:
        return range_text(f, f->unit, unit_name(f->unit));
    case SCHEMA_TEXT:
        return g_strdup("text");
    case SCHEMA_NAME:
        return g_strdup("name");
    case SCHEMA_PATH:
        return g_strdup(f->flags & SCHEMA_OR_WORD ? "name or path" : "path");
    case SCHEMA_ENUM:
        return choices_text(f->choices);
    case SCHEMA_SCALAR:
        return g_strdup(f->scalar->type);
    case SCHEMA_VALUE:
        return g_strdup("value");
    case SCHEMA_NAMES:
        return g_strdup("name, or list of names");
    case SCHEMA_PAIRS:
        return g_strdup_printf("%s: %s", f->pairs->key_type,
                               f->pairs->value_type);
    case SCHEMA_OBJECT:
        return g_strdup(link);
    case SCHEMA_MAP:
        return g_strdup_printf("name: %s", link);
    case SCHEMA_LIST:
        return f->flags & SCHEMA_ONE_OR_LIST
                   ? g_strdup_printf("%s, or list of them", link)
                   : g_strdup_printf("list of %s", link);
    }
    g_assert_not_reached();
}

static void append_row(GString *out, const SchemaField *f)
{
    g_autofree char *key = g_strdup_printf("`%s`", f->key);
    g_autofree char *type = type_text(f);
    g_autofree char *fallback =
        f->flags & SCHEMA_REQUIRED ? g_strdup("required")
        : !f->fallback             ? g_strdup("")
        : *f->fallback             ? g_strdup_printf("`%s`", f->fallback)
                                   : g_strdup("`\"\"`");

    g_string_append(out, "|");
    append_cell(out, key);
    append_cell(out, type);
    append_cell(out, fallback);
    append_cell(out, f->doc);
    g_string_append_c(out, '\n');
}

static void append_variants(GString *out, const SchemaTable *table)
{
    if (table->variant_key) {
        g_string_append_printf(
            out, "`%s` decides which keys there are:", table->variant_key);
    } else {
        g_string_append(out, "The verbs:");
    }
    for (const SchemaVariant *v = table->variants; v->word; v++) {
        g_autofree char *link = link_to(v->table);

        g_string_append_printf(out, "%s %s", v == table->variants ? "" : ",",
                               link);
    }
    g_string_append(out, ".\n");
}

static void append_table(GString *out, GHashTable *done,
                         const SchemaTable *table)
{
    if (!g_hash_table_add(done, (void *)table)) {
        return;
    }
    g_string_append_printf(out, "\n### %s\n\n%s\n\n", table->name, table->doc);
    if (table->variants) {
        append_variants(out, table);
        for (const SchemaVariant *v = table->variants; v->word; v++) {
            append_table(out, done, v->table);
        }
        return;
    }
    g_string_append(out, "| key | value | default | meaning |\n"
                         "|---|---|---|---|\n");
    for (const SchemaField *f = table->fields; f->key; f++) {
        append_row(out, f);
    }
    for (const SchemaField *f = table->fields; f->key; f++) {
        if (f->table) {
            append_table(out, done, f->table);
        }
    }
}

char *schema_reference(const SchemaTable *root)
{
    GString *out = g_string_new(NULL);
    g_autoptr(GHashTable) done = g_hash_table_new(NULL, NULL);

    append_table(out, done, root);
    return g_string_free(out, FALSE);
}
