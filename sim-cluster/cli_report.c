/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_report.c: the summary of a run, and where two runs part.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "report.h"

/* summary.json of @dir; NULL after a message. */
static JsonNode *read_summary(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "summary.json", NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) err = NULL;
    JsonNode *root = NULL;

    if (json_parser_load_from_file(parser, path, &err)) {
        root = json_parser_steal_root(parser);
    }
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        cli_usage("%s: %s", path, err ? err->message : "not a summary");
        g_clear_pointer(&root, json_node_unref);
    }
    return root;
}

static const char *text_of(JsonObject *o, const char *key)
{
    JsonNode *node = json_object_get_member(o, key);

    return node && JSON_NODE_HOLDS_VALUE(node) &&
                   json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : "";
}

static JsonArray *list_of(JsonObject *o, const char *key)
{
    JsonNode *node = json_object_get_member(o, key);

    return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node)
                                               : NULL;
}

/* ---- report ----------------------------------------------------------------
 */

static void print_expectations(JsonObject *summary)
{
    JsonArray *list = list_of(summary, "expectations");

    for (unsigned i = 0; list && i < json_array_get_length(list); i++) {
        JsonNode *node = json_array_get_element(list, i);
        JsonObject *e;

        if (!JSON_NODE_HOLDS_OBJECT(node)) {
            continue;
        }
        e = json_node_get_object(node);
        printf("%-5s %-24s %s\n",
               json_object_get_boolean_member_with_default(e, "held", FALSE)
                   ? "ok"
                   : "FAIL",
               text_of(e, "id"), text_of(e, "text"));
    }
}

int cli_report(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    gboolean rewrite = FALSE, json = FALSE;
    const GOptionEntry entries[] = {
        { "rewrite", 0, 0, G_OPTION_ARG_NONE, &rewrite,
          "Make report.html and its companions anew", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print summary.json", NULL },
        { NULL },
    };
    g_auto(GStrv) words = NULL;
    g_autofree char *dir = NULL;
    g_autoptr(JsonNode) root = NULL;
    g_autoptr(GError) err = NULL;
    int code;

    if (!cli_options(verb, argc, argv, entries, &words, &code)) {
        return code;
    }
    if (words[0] && words[1]) {
        return cli_usage("report: one run");
    }
    dir = cli_run_dir(cli, words[0]);
    root = dir ? read_summary(dir) : NULL;
    if (!root) {
        return EXIT_USAGE;
    }
    if (rewrite && !report_write(dir, &err)) {
        return cli_fail(EXIT_TESTBED, "%s", err->message);
    }
    if (json) {
        g_autofree char *text = json_to_string(root, TRUE);

        printf("%s\n", text);
        return EXIT_HELD;
    }
    print_expectations(json_node_get_object(root));
    printf("verdict  %s\nreplay   %s\nreport   %s/report.html\n",
           text_of(json_node_get_object(root), "verdict"),
           text_of(json_node_get_object(root), "replay"), dir);
    return EXIT_HELD;
}

/* ---- diff ------------------------------------------------------------------
 */

/* Prints the first line that differs; false: none does. */
static bool diff_events(const char *a, const char *b)
{
    const char *dirs[2] = { a, b };
    FILE *files[2] = { NULL, NULL };
    char *lines[2] = { NULL, NULL };
    size_t sizes[2] = { 0, 0 };
    bool more[2] = { true, true }, differ = false;
    unsigned number = 0;

    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *path =
            g_build_filename(dirs[i], "events.ndjson", NULL);

        files[i] = fopen(path, "re");
        more[i] = files[i] != NULL;
        if (!more[i]) {
            cli_usage("%s: no event log", dirs[i]);
        }
    }
    while (more[0] && more[1] && !differ) {
        number++;
        for (unsigned i = 0; i < 2; i++) {
            more[i] = getline(&lines[i], &sizes[i], files[i]) > 0;
        }
        differ =
            more[0] != more[1] || (more[0] && strcmp(lines[0], lines[1]) != 0);
    }
    if (differ) {
        printf("events part at line %u:\n< %s> %s", number,
               more[0] ? lines[0] : "(end)\n", more[1] ? lines[1] : "(end)\n");
    }
    for (unsigned i = 0; i < 2; i++) {
        differ |= !files[i];
        g_clear_pointer(&files[i], fclose);
        free(lines[i]);
    }
    return differ;
}

static char *metric_text(JsonObject *metrics, const char *name)
{
    JsonNode *node = json_object_get_member(metrics, name);

    return node ? json_to_string(node, FALSE) : g_strdup("(none)");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Prints every metric that differs; false: none does. */
static bool diff_metrics(JsonObject *a, JsonObject *b)
{
    JsonNode *nodes[2] = { json_object_get_member(a, "metrics"),
                           json_object_get_member(b, "metrics") };
    JsonObject *metrics[2];
    g_autoptr(GList) names = NULL, others = NULL;
    bool differ = false;

    if (!nodes[0] || !JSON_NODE_HOLDS_OBJECT(nodes[0]) || !nodes[1] ||
        !JSON_NODE_HOLDS_OBJECT(nodes[1])) {
        return false;
    }
    metrics[0] = json_node_get_object(nodes[0]);
    metrics[1] = json_node_get_object(nodes[1]);
    names = json_object_get_members(metrics[0]);
    others = json_object_get_members(metrics[1]);
    for (GList *l = others; l; l = l->next) {
        if (!json_object_has_member(metrics[0], l->data)) {
            names = g_list_prepend(names, l->data);
        }
    }
    names = g_list_sort(names, compare_names);
    for (GList *l = names; l; l = l->next) {
        g_autofree char *x = metric_text(metrics[0], l->data);
        g_autofree char *y = metric_text(metrics[1], l->data);

        if (strcmp(x, y) != 0) {
            printf("%s\n  < %s\n  > %s\n", (char *)l->data, x, y);
            differ = true;
        }
    }
    return differ;
}

int cli_diff(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_auto(GStrv) words = NULL;
    g_autofree char *a = NULL, *b = NULL;
    g_autoptr(JsonNode) first = NULL, second = NULL;
    bool differ;
    int code;

    if (!cli_options(verb, argc, argv, NULL, &words, &code)) {
        return code;
    }
    if (g_strv_length(words) != 2) {
        return cli_usage("diff: two runs");
    }
    a = cli_run_dir(cli, words[0]);
    b = a ? cli_run_dir(cli, words[1]) : NULL;
    first = b ? read_summary(a) : NULL;
    second = first ? read_summary(b) : NULL;
    if (!second) {
        return EXIT_USAGE;
    }
    differ = diff_events(a, b);
    differ |=
        diff_metrics(json_node_get_object(first), json_node_get_object(second));
    if (!differ) {
        printf("equal\n");
    }
    return differ ? EXIT_BROKEN : EXIT_HELD;
}
