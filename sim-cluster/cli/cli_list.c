/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_list.c: list scenarios, metrics, profiles, faults, steps, benches.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "metrics_table.h"
#include "scenario_tables.h"

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in ROOT/@folder that end in @ending, sorted; never NULL. */
static GPtrArray *files_in(const Cli *cli, const char *folder,
                           const char *subfolder, const char *ending)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *path =
        g_build_filename(cli->root, folder, subfolder, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        if (name[0] != '.' && g_str_has_suffix(name, ending)) {
            g_ptr_array_add(names, g_strdup(name));
        }
    }
    g_ptr_array_sort(names, by_text);
    return names;
}

static int list_scenarios(const Cli *cli)
{
    g_autoptr(GPtrArray) names = NULL;
    CliSets none = { 0 };
    int code = EXIT_HELD;

    if (!cli_need_root(cli)) {
        return EXIT_USAGE;
    }
    names = files_in(cli, "scenarios", NULL, ".yaml");
    for (unsigned i = 0; i < names->len; i++) {
        g_autofree char *path =
            g_build_filename(cli->root, "scenarios", names->pdata[i], NULL);
        g_autoptr(Scenario) s = cli_load(cli, path, &none);
        g_auto(GStrv) lines = s ? g_strsplit(s->description, "\n", 2) : NULL;

        printf("scenarios/%-24s %s\n", (char *)names->pdata[i],
               !s         ? "(invalid)"
               : lines[0] ? lines[0]
                          : "");
        code = s ? code : EXIT_USAGE;
    }
    return code;
}

static int list_metrics(const Cli *cli)
{
    MetricOwner owner = METRIC_OWNERS;

    (void)cli;
    for (const MetricInfo *m = metrics_table; m->name; m++) {
        if (m->owner != owner) {
            printf("%s%s\n", owner == METRIC_OWNERS ? "" : "\n",
                   metric_owner_text(m->owner));
            owner = m->owner;
        }
        printf("  %-26s %-10s %s (%s)\n", m->name, unit_name(m->unit),
               m->description, m->source);
    }
    printf("\nHANDLE of exec with `extract`\n  %-26s %-10s %s\n", "NAME",
           "its type", "the value taken out of the output");
    return EXIT_HELD;
}

/* The first comment of a profile or script that is not the licence. */
static char *file_summary(const char *path)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return g_strdup("");
    }
    lines = g_strsplit(text, "\n", 20);
    for (unsigned i = 0; lines[i] && lines[i][0] == '#'; i++) {
        char *line = g_strstrip(lines[i] + strspn(lines[i], "#"));

        if (*line && *line != '!' && !strstr(line, "SPDX")) {
            return g_strdup(line);
        }
    }
    return g_strdup("");
}

static int list_profiles(const Cli *cli)
{
    g_autoptr(GPtrArray) names = NULL;

    if (!cli_need_root(cli)) {
        return EXIT_USAGE;
    }
    names = files_in(cli, "models", "profiles", "");
    for (unsigned i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(
            cli->root, "models", "profiles", names->pdata[i], NULL);
        g_autofree char *summary = file_summary(path);
        char *dot = strrchr(names->pdata[i], '.');

        if (dot) {
            *dot = 0;
        }
        printf("%-20s %s\n", (char *)names->pdata[i], summary);
    }
    return EXIT_HELD;
}

static int list_variants(const SchemaTable *table)
{
    for (const SchemaVariant *v = table->variants; v->word; v++) {
        printf("%-18s %s\n", v->word, v->table->doc);
    }
    return EXIT_HELD;
}

static int list_faults(const Cli *cli)
{
    (void)cli;
    return list_variants(&fault_table);
}

static int list_steps(const Cli *cli)
{
    (void)cli;
    return list_variants(&step_table);
}

static int list_benches(const Cli *cli)
{
    g_autoptr(GPtrArray) names = NULL;

    if (!cli_need_root(cli)) {
        return EXIT_USAGE;
    }
    names = files_in(cli, "bench", NULL, "");
    for (unsigned i = 0; i < names->len; i++) {
        g_autofree char *path =
            g_build_filename(cli->root, "bench", names->pdata[i], NULL);

        if (!strchr(names->pdata[i], '.') &&
            g_file_test(path, G_FILE_TEST_IS_EXECUTABLE) &&
            g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
            g_autofree char *summary = file_summary(path);

            printf("%-18s %s\n", (char *)names->pdata[i], summary);
        }
    }
    return EXIT_HELD;
}

static const struct {
    const char *name;
    int (*list)(const Cli *cli);
} lists[] = {
    { "scenarios", list_scenarios }, { "metrics", list_metrics },
    { "profiles", list_profiles },   { "faults", list_faults },
    { "steps", list_steps },         { "benches", list_benches },
};

int cli_list(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_auto(GStrv) words = NULL;
    int code;

    if (!cli_options(verb, argc, argv, NULL, &words, &code)) {
        return code;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++) {
        if (!strcmp(words[0] ? words[0] : "scenarios", lists[i].name)) {
            return lists[i].list(cli);
        }
    }
    return cli_usage("no list of '%s'; there are scenarios, metrics, "
                     "profiles, faults, steps and benches",
                     words[0]);
}
