/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_program.c: `outrigger bench validate`: runs the experiments, prints
 * and stores what they measured, holds it against the bars and against what
 * docs/ says.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <glib/gstdio.h>

#include "bench.h"
#include "run_options.h"
#include "validate.h"

#define DOCUMENT "fidelity.md"
#define FIGURES "validation"

typedef struct Options {
    gboolean json, list, write;
    int rounds;
    char **only;
} Options;

static int fail(const GError *err)
{
    fprintf(stderr, "outrigger bench: %s\n", err->message);
    return g_error_matches(err, VALIDATE_ERROR, VALIDATE_ERROR_FAILED) ||
                   g_error_matches(err, BENCH_ERROR, BENCH_ERROR_FAILED)
               ? EXIT_TESTBED
               : EXIT_USAGE;
}

static bool known(const char *id)
{
    for (guint i = 0; validate_experiments[i]; i++) {
        if (strcmp(validate_experiments[i]->id, id) == 0) {
            return true;
        }
    }
    return false;
}

static bool parse(int *argc, char ***argv, Options *o, GError **errp)
{
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, "Print the result as JSON",
          NULL },
        { "rounds", 0, 0, G_OPTION_ARG_INT, &o->rounds,
          "How often all is run; each must give the same", "N" },
        { "list", 0, 0, G_OPTION_ARG_NONE, &o->list,
          "Print experiments and bars, run nothing", NULL },
        { "only", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->only,
          "Run this experiment (again for more); bars are not judged",
          "EXPERIMENT" },
        { "write", 0, 0, G_OPTION_ARG_NONE, &o->write,
          "Write table and figures into docs/ instead of comparing them",
          NULL },
        { NULL },
    };
    g_autoptr(GOptionContext) context =
        g_option_context_new("- transports against published numbers");
    g_autoptr(GError) err = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, &err)) {
        g_set_error_literal(errp, BENCH_ERROR, BENCH_ERROR_USAGE, err->message);
        return false;
    }
    for (guint i = 0; o->only && o->only[i]; i++) {
        if (!known(o->only[i])) {
            g_set_error(errp, BENCH_ERROR, BENCH_ERROR_USAGE,
                        "no experiment '%s'; --list names them", o->only[i]);
            return false;
        }
    }
    if (*argc != 1 || o->rounds < 0 || o->rounds > 100 ||
        (o->only && o->write)) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_USAGE,
                    *argc != 1  ? "only options can follow the name"
                    : o->rounds ? "from 1 to 100 rounds"
                                : "--write needs all experiments");
        return false;
    }
    return true;
}

static void list(const Bench *b)
{
    for (guint i = 0; validate_experiments[i]; i++) {
        printf("case %-16s %s\n", validate_experiments[i]->id,
               validate_experiments[i]->title);
    }
    for (guint i = 0; i < b->bars->len; i++) {
        const BenchBar *bar = b->bars->pdata[i];

        printf("bar  %-16s %s %s %.2f\n", bar->id, bar->expression,
               bar->at_least ? "at least" : "at most", bar->limit);
    }
}

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* All experiments once; NULL: one failed. */
static Validation *run_round(const Options *o, unsigned round, unsigned rounds,
                             GError **errp)
{
    g_autoptr(Validation) v =
        validation_new(validate_targets, validate_figures);

    for (guint i = 0; validate_experiments[i]; i++) {
        const ValidateExperiment *e = validate_experiments[i];
        double begin = cpu_s();

        if (o->only && !g_strv_contains((const char *const *)o->only, e->id)) {
            continue;
        }
        fprintf(stderr, "round %u of %u: %s: %s\n", round, rounds, e->id,
                e->title);
        if (!validation_run(v, e, errp)) {
            return NULL;
        }
        fprintf(stderr, "round %u of %u: %s: %.1f s of CPU time\n", round,
                rounds, e->id, cpu_s() - begin);
    }
    return g_steal_pointer(&v);
}

static Validation *run_rounds(const Options *o, unsigned rounds, GError **errp)
{
    g_autoptr(Validation) first = run_round(o, 1, rounds, errp);
    g_autofree char *csv = first ? validation_csv(first) : NULL;

    for (unsigned round = 2; first && round <= rounds; round++) {
        g_autoptr(Validation) again = run_round(o, round, rounds, errp);
        g_autofree char *other = again ? validation_csv(again) : NULL;

        if (!again) {
            return NULL;
        }
        if (strcmp(csv, other) != 0) {
            g_set_error(errp, VALIDATE_ERROR, VALIDATE_ERROR_FAILED,
                        "round %u gives other numbers than the first: an "
                        "experiment is not deterministic",
                        round);
            return NULL;
        }
    }
    return g_steal_pointer(&first);
}

/* ---- files --------------------------------------------------------------- */

static bool store(const char *dir, const char *name, const char *text,
                  GError **errp)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    if (g_mkdir_with_parents(dir, 0777) != 0) {
        g_set_error(errp, VALIDATE_ERROR, VALIDATE_ERROR_FAILED, "%s: %s", dir,
                    g_strerror(errno));
        return false;
    }
    return g_file_set_contents(path, text, -1, errp);
}

static bool store_figures(const Validation *v, const char *dir, GError **errp)
{
    for (guint i = 0; i < validation_figure_count(v); i++) {
        g_autofree char *svg = validation_figure_svg(v, i);
        g_autofree char *name =
            g_strdup_printf("%s.svg", validation_figure_id(v, i));

        if (svg && !store(dir, name, svg, errp)) {
            return false;
        }
    }
    return true;
}

static bool store_results(const Validation *v, const char *dir,
                          const char *json, GError **errp)
{
    g_autofree char *csv = validation_csv(v);

    return store(dir, "results.json", json, errp) &&
           store(dir, "results.csv", csv, errp) && store_figures(v, dir, errp);
}

/* @dir/@name has other content than @text. */
static bool differs(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *content = NULL;

    if (g_file_get_contents(path, &content, NULL, NULL) &&
        strcmp(content, text) == 0) {
        return false;
    }
    fprintf(stderr,
            "outrigger bench: %s does not show these results: `outrigger "
            "bench validate --write`\n",
            path);
    return true;
}

/* docs/fidelity.md as it should be. */
static char *document_text(const Validation *v, const char *docs, GError **errp)
{
    g_autofree char *path = g_build_filename(docs, DOCUMENT, NULL);
    g_autofree char *section = validation_markdown(v);
    g_autofree char *content = NULL;
    char *text;

    if (!g_file_get_contents(path, &content, NULL, errp)) {
        return NULL;
    }
    text = validate_replace_section(content, section, errp);
    if (!text) {
        g_prefix_error(errp, "%s: ", path);
    }
    return text;
}

static bool documented(const Validation *v, const char *docs, const char *text)
{
    g_autofree char *dir = g_build_filename(docs, FIGURES, NULL);
    bool same = !differs(docs, DOCUMENT, text);

    for (guint i = 0; i < validation_figure_count(v); i++) {
        g_autofree char *svg = validation_figure_svg(v, i);
        g_autofree char *name =
            g_strdup_printf("%s.svg", validation_figure_id(v, i));

        same &= !svg || !differs(dir, name, svg);
    }
    return same;
}

static bool write_docs(const Validation *v, const char *docs, const char *text,
                       GError **errp)
{
    g_autofree char *dir = g_build_filename(docs, FIGURES, NULL);

    return store(docs, DOCUMENT, text, errp) && store_figures(v, dir, errp);
}

/* ---- the verdict --------------------------------------------------------- */

static int finish(const Options *o, Bench *b, const Validation *v,
                  const char *root, const char *build, GError **errp)
{
    g_autofree char *docs = g_build_filename(root, "docs", NULL);
    g_autofree char *dir = g_build_filename(build, "bench", b->name, NULL);
    g_autofree char *json = NULL, *text = NULL, *table = NULL, *bars = NULL;

    validation_measure(v, b);
    json = validation_json(v, b);
    table = validation_table(v);
    bars = bench_bars_table(b);
    if (!store_results(v, dir, json, errp)) {
        return fail(*errp);
    }
    printf("%s\n%s", o->json ? json : table, o->json || o->only ? "" : bars);
    fprintf(stderr, "results  %s\n", dir);
    if (o->only) {
        fprintf(stderr, "outrigger bench: not all experiments: no verdict\n");
        return EXIT_SKIPPED;
    }
    text = document_text(v, docs, errp);
    if (!text || (o->write && !write_docs(v, docs, text, errp))) {
        return fail(*errp);
    }
    if (!o->write && !documented(v, docs, text)) {
        return EXIT_BROKEN;
    }
    return bench_bars_verdict(b);
}

int main(int argc, char **argv)
{
    const char *root = g_getenv("OUTRIGGER_ROOT");
    const char *build = g_getenv("OUTRIGGER_BUILD");
    g_autofree char *dir = NULL;
    g_autoptr(Validation) v = NULL;
    g_autoptr(Bench) b = NULL;
    g_autoptr(GError) err = NULL;
    g_auto(GStrv) only = NULL;
    Options o = { 0 };
    bool ok;

    if (!root || !build) {
        fprintf(stderr, "outrigger bench: start it with `outrigger bench`\n");
        return EXIT_USAGE;
    }
    ok = parse(&argc, &argv, &o, &err);
    only = o.only;
    if (!ok) {
        return fail(err);
    }
    dir = g_build_filename(root, "bench", NULL);
    b = bench_load(dir, "validate", &err);
    if (!b) {
        return fail(err);
    }
    if (o.list) {
        list(b);
        return EXIT_HELD;
    }
    v = run_rounds(&o, o.rounds ? (unsigned)o.rounds : b->rounds, &err);
    return v ? finish(&o, b, v, root, build, &err) : fail(err);
}
