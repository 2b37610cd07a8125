/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_graph.c: graph.
 */
#include <stdio.h>

#include "cli.h"
#include "graph.h"

int cli_graph(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_auto(CliSets) sets = { 0 };
    gboolean svg = FALSE;
    const GOptionEntry extra[] = {
        { "svg", 0, 0, G_OPTION_ARG_NONE, &svg,
          "Print an SVG picture, not Graphviz text", NULL },
        { NULL },
    };
    g_autofree GOptionEntry *entries = cli_sets_entries(&sets, extra);
    g_auto(GStrv) words = NULL;
    g_autoptr(Scenario) scn = NULL;
    g_autoptr(Graph) g = NULL;
    g_autofree char *text = NULL;
    int code;

    if (!cli_options(verb, argc, argv, entries, &words, &code)) {
        return code;
    }
    if (!words[0] || words[1]) {
        return cli_usage("graph: which scenario? One file");
    }
    scn = cli_load(cli, words[0], &sets);
    if (!scn) {
        return EXIT_USAGE;
    }
    g = graph_new(scn);
    text = svg ? graph_svg(g) : graph_dot(g);
    fputs(text, stdout);
    return EXIT_HELD;
}
