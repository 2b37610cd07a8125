/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_diff.c: two runs side by side.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "run_diff.h"

/* Where the page goes without --html: into the second run. */
static char *default_page(const RunDiff *d)
{
    g_autofree char *name = g_strdup_printf("diff-%s.html", d->label[0]);

    return g_build_filename(d->data[1]->dir, name, NULL);
}

/* A page that was asked for and cannot be written is an error; the default
 * one is not: a run may lie in an archive. */
static bool write_page(const RunDiff *d, const char *given)
{
    g_autofree char *path = given ? g_strdup(given) : default_page(d);
    g_autofree char *html = run_diff_page(d);
    g_autoptr(GError) err = NULL;

    if (g_file_set_contents(path, html, -1, &err)) {
        printf("page     %s\n", path);
        return true;
    }
    cli_usage("%s: %s%s", path, err->message,
              given ? "" : "; --html FILE puts the page elsewhere");
    return !given;
}

static bool tolerance(const char *text, uint32_t *ret)
{
    g_autoptr(GError) err = NULL;
    int64_t value = 0;

    if (text && !unit_parse(UNIT_PERCENT, text, &value, &err)) {
        cli_usage("--tolerance: %s", err->message);
        return false;
    }
    if (value < 0 || value > UINT32_MAX) {
        cli_usage("--tolerance: from 0%% to 100%%");
        return false;
    }
    *ret = (uint32_t)value;
    return true;
}

typedef struct DiffOptions {
    char *html, *tolerance;
    gboolean all, no_html;
} DiffOptions;

static int diff(Cli *cli, const DiffOptions *o, char **words)
{
    g_autofree char *a = NULL, *b = NULL;
    g_autoptr(RunDiff) d = NULL;
    g_autofree char *text = NULL;
    g_autoptr(GError) err = NULL;
    uint32_t tolerance_ppm;

    if (g_strv_length(words) != 2) {
        return cli_usage("diff: two runs");
    }
    if (!tolerance(o->tolerance, &tolerance_ppm)) {
        return EXIT_USAGE;
    }
    a = cli_run_dir(cli, words[0]);
    b = a ? cli_run_dir(cli, words[1]) : NULL;
    if (!b) {
        return EXIT_USAGE;
    }
    d = run_diff_load(a, b, tolerance_ppm, &err);
    if (!d) {
        return cli_usage("%s", err->message);
    }
    text = run_diff_text(d, o->all);
    fputs(text, stdout);
    if (!o->no_html && !write_page(d, o->html)) {
        return EXIT_USAGE;
    }
    return d->differs ? EXIT_BROKEN : EXIT_HELD;
}

int cli_diff(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    DiffOptions o = { 0 };
    const GOptionEntry entries[] = {
        { "all", 0, 0, G_OPTION_ARG_NONE, &o.all, "Also print what is equal",
          NULL },
        { "tolerance", 0, 0, G_OPTION_ARG_STRING, &o.tolerance,
          "Numbers are equal when they differ by at most so much of RUN1's; "
          "event logs are not compared",
          "PERCENT" },
        { "html", 0, 0, G_OPTION_ARG_FILENAME, &o.html, "Where the page goes",
          "FILE" },
        { "no-html", 0, 0, G_OPTION_ARG_NONE, &o.no_html, "Write no page",
          NULL },
        { NULL },
    };
    g_auto(GStrv) words = NULL;
    int code;

    if (cli_options(verb, argc, argv, entries, &words, &code)) {
        code = diff(cli, &o, words);
    }
    g_free(o.html);
    g_free(o.tolerance);
    return code;
}
