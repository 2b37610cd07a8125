/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_validate.c: validate, show and schema.
 */
#include "cli.h"

#include <stdio.h>

#include "net.h"
#include "scenario_tables.h"

int cli_validate(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_auto(CliSets) sets = { 0 };
    gboolean quiet = FALSE, schema = FALSE;
    const GOptionEntry extra[] = {
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "Say only what is wrong",
          NULL },
        { "schema", 0, 0, G_OPTION_ARG_NONE, &schema,
          "Print the JSON schema of scenario files, as `outrigger schema`",
          NULL },
        { NULL },
    };
    g_autofree GOptionEntry *entries = cli_sets_entries(&sets, extra);
    g_auto(GStrv) files = NULL;
    int code = EXIT_HELD;

    if (!cli_options(verb, argc, argv, entries, &files, &code)) {
        return code;
    }
    if (schema) {
        g_autofree char *text = schema_json(&scenario_table);

        fputs(text, stdout);
        return EXIT_HELD;
    }
    if (!files[0]) {
        return cli_usage("validate: which file?");
    }
    for (unsigned i = 0; files[i]; i++) {
        g_autoptr(Scenario) s = cli_load(cli, files[i], &sets);
        g_autoptr(GError) error = NULL;

        if (!s) {
            code = EXIT_USAGE;
        } else if (!net_check(s, &error)) {
            fprintf(stderr, "%s: %s\n", files[i], error->message);
            code = EXIT_USAGE;
        } else if (!quiet) {
            printf("%s: valid: nodes %u, steps %u, expectations %u, "
                   "controls %u\n",
                   files[i], s->nodes->len, s->steps->len, s->expect->len,
                   s->controls->len);
        }
    }
    return code;
}

int cli_show(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_auto(CliSets) sets = { 0 };
    g_autofree char *control = NULL;
    const GOptionEntry extra[] = {
        { "control", 0, 0, G_OPTION_ARG_STRING, &control,
          "As this control of the scenario changes it", "NAME" },
        { NULL },
    };
    g_autofree GOptionEntry *entries = cli_sets_entries(&sets, extra);
    g_autofree char *here = g_get_current_dir(), *text = NULL;
    g_autoptr(Scenario) s = NULL, changed = NULL;
    g_auto(GStrv) files = NULL;
    int code;

    if (!cli_options(verb, argc, argv, entries, &files, &code)) {
        return code;
    }
    if (!files[0] || files[1]) {
        return cli_usage("show: one file");
    }
    s = cli_load(cli, files[0], &sets);
    if (!s) {
        return EXIT_USAGE;
    }
    for (unsigned i = 0; control && i < s->controls->len; i++) {
        const ScnControl *c = s->controls->pdata[i];

        if (!g_strcmp0(c->name, control)) {
            changed = scenario_with_control(s, c, NULL);
        }
    }
    if (control && !changed) {
        return cli_usage("%s has no control '%s'", files[0], control);
    }
    text = scenario_write(changed ? changed : s, here);
    fputs(text, stdout);
    return EXIT_HELD;
}

int cli_schema(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    gboolean reference = FALSE;
    const GOptionEntry entries[] = {
        { "reference", 0, 0, G_OPTION_ARG_NONE, &reference,
          "Print the reference of docs/scenario.md instead", NULL },
        { NULL },
    };
    g_auto(GStrv) words = NULL;
    g_autofree char *text = NULL;
    int code;

    (void)cli;
    if (!cli_options(verb, argc, argv, entries, &words, &code)) {
        return code;
    }
    if (words[0]) {
        return cli_usage("schema takes no arguments");
    }
    text = reference ? scenario_reference() : schema_json(&scenario_table);
    fputs(text, stdout);
    return EXIT_HELD;
}
