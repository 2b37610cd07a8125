/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_diff_yaml.c: which values of two resolved scenarios differ.
 *
 * A scenario is made flat: a line "path = text" for each scalar. An item of a
 * list has its id, name or handle in the path when it has one, else its
 * number, so that one more step does not make all later ones differ.
 */
#include "run_diff.h"

#include <string.h>

#include "yaml_tree.h"

/* What an item of a list is called, or NULL. */
static const char *item_name(const YamlNode *item)
{
    static const char *const keys[] = { "id", "name", "as", "expect" };
    const YamlNode *inner;

    if (item->kind != YAML_MAPPING) {
        return NULL;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        const YamlNode *n = yaml_get(item, keys[i]);

        if (n && n->kind == YAML_SCALAR) {
            return n->text;
        }
    }
    /* A step: {verb: {as: HANDLE, ...}} */
    inner = item->items->len == 1 ? item->items->pdata[0] : NULL;
    return inner && inner->kind == YAML_MAPPING ? item_name(inner) : NULL;
}

static void flatten(GHashTable *out, const YamlNode *node, const char *path)
{
    const char *dot = *path ? "." : "";

    if (node->kind == YAML_SCALAR) {
        g_hash_table_insert(out, g_strdup(path), g_strdup(node->text));
        return;
    }
    for (guint i = 0; i < node->items->len; i++) {
        const YamlNode *item = node->items->pdata[i];
        const char *name = node->kind == YAML_MAPPING
                               ? ((const YamlNode *)node->keys->pdata[i])->text
                               : item_name(item);
        g_autofree char *below =
            name ? g_strdup_printf("%s%s%s", path, dot, name)
                 : g_strdup_printf("%s[%u]", path, i);

        flatten(out, item, below);
    }
}

/* NULL and *errp for a file that is no scenario; empty for none. */
static GHashTable *read_flat(const char *dir, GError **errp)
{
    g_autofree char *path = g_build_filename(dir, "resolved.yaml", NULL);
    g_autoptr(GHashTable) out =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(YamlProblems) problems = { 0 };
    g_autoptr(YamlNode) root = NULL;
    g_autoptr(GBytes) bytes = NULL;
    char *text;
    gsize len;

    if (!g_file_get_contents(path, &text, &len, NULL)) {
        return g_steal_pointer(&out);
    }
    bytes = g_bytes_new_take(text, len);
    yaml_problems_init(&problems, path, bytes);
    root = yaml_tree_read(&problems);
    if (!root || problems.list->len) {
        g_autofree char *why = yaml_problems_text(&problems);

        g_set_error(errp, REPORT_ERROR, REPORT_ERROR_INVALID, "%s",
                    *why ? why : path);
        return NULL;
    }
    flatten(out, root, "");
    return g_steal_pointer(&out);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

bool run_diff_scenario(RunDiff *d, GError **errp)
{
    g_autoptr(GHashTable) a = read_flat(d->data[0]->dir, errp);
    g_autoptr(GHashTable) b = a ? read_flat(d->data[1]->dir, errp) : NULL;
    g_autoptr(GList) names = NULL, others = NULL;

    if (!b) {
        return false;
    }
    names = g_hash_table_get_keys(a);
    others = g_hash_table_get_keys(b);
    for (GList *l = others; l; l = l->next) {
        if (!g_hash_table_contains(a, l->data)) {
            names = g_list_prepend(names, l->data);
        }
    }
    names = g_list_sort(names, compare_names);
    for (GList *l = names; l; l = l->next) {
        const char *x = g_hash_table_lookup(a, l->data);
        const char *y = g_hash_table_lookup(b, l->data);
        RunDiffRow *r;

        if (g_strcmp0(x, y) == 0) {
            continue;
        }
        r = run_diff_row(d->scenario, g_strdup(l->data));
        r->text[0] = g_strdup(x);
        r->text[1] = g_strdup(y);
        r->differs = true;
    }
    return true;
}
