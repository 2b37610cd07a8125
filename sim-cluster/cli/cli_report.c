/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_report.c: the summary of a run.
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
        return cli_fail(g_error_matches(err, REPORT_ERROR, REPORT_ERROR_WRITE)
                            ? EXIT_TESTBED
                            : EXIT_USAGE,
                        "%s", err->message);
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
