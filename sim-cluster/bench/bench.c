/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench.c: `outrigger bench NAME`: rounds, cases in turn, table or JSON.
 */
#include "bench.h"

#include <stdio.h>

#include "run_options.h"

typedef struct Options {
    gboolean json, list;
    int rounds;
} Options;

static int fail(const GError *err)
{
    fprintf(stderr, "outrigger bench: %s\n", err->message);
    if (g_error_matches(err, BENCH_ERROR, BENCH_ERROR_USAGE)) {
        return EXIT_USAGE;
    }
    return g_error_matches(err, BENCH_ERROR, BENCH_ERROR_PREREQUISITE)
               ? EXIT_SKIPPED
               : EXIT_TESTBED;
}

/* Removes the options from argv; false: usage or help. */
static bool parse(int *argc, char ***argv, Options *o, GError **errp)
{
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, "Print the result as JSON",
          NULL },
        { "rounds", 0, 0, G_OPTION_ARG_INT, &o->rounds,
          "How often each case runs", "N" },
        { "list", 0, 0, G_OPTION_ARG_NONE, &o->list,
          "Print cases and bars, run nothing", NULL },
        { NULL },
    };
    g_autoptr(GOptionContext) context =
        g_option_context_new("- measure, compare, hold against the bars");
    g_autoptr(GError) err = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, &err)) {
        g_set_error_literal(errp, BENCH_ERROR, BENCH_ERROR_USAGE, err->message);
        return false;
    }
    if (*argc != 2 || o->rounds < 0 || o->rounds > 100) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_USAGE,
                    "one name, and from 1 to 100 rounds");
        return false;
    }
    return true;
}

static void list(const Bench *b)
{
    for (guint i = 0; i < b->cases->len; i++) {
        const BenchCase *c = b->cases->pdata[i];

        printf("case %-16s %s\n", c->name, c->scenario);
    }
    for (guint i = 0; i < b->bars->len; i++) {
        const BenchBar *bar = b->bars->pdata[i];

        printf("bar  %-16s %s %s %.2f\n", bar->id, bar->expression,
               bar->at_least ? "at least" : "at most", bar->limit);
    }
}

static bool run_rounds(Bench *b, const char *build, GError **errp)
{
    g_autofree char *program =
        g_build_filename(build, "meson", "sim-cluster", "outrigger", NULL);
    g_autofree char *runs = g_build_filename(build, "bench", b->name, NULL);

    for (unsigned round = 1; round <= b->rounds; round++) {
        for (guint i = 0; i < b->cases->len; i++) {
            BenchCase *c = b->cases->pdata[i];

            fprintf(stderr, "round %u of %u: %s\n", round, b->rounds, c->name);
            if (b->program ? !bench_run_program(c, build, errp)
                           : !bench_run_case(b, c, program, runs, errp)) {
                return false;
            }
        }
    }
    return true;
}

int bench_bars_verdict(const Bench *b)
{
    int code = EXIT_HELD;

    for (guint i = 0; i < b->bars->len; i++) {
        const BenchBar *bar = b->bars->pdata[i];

        if (!bench_bar_held(b, bar)) {
            code = bar->testbed ? EXIT_TESTBED : MAX(code, EXIT_BROKEN);
        }
        if (code == EXIT_TESTBED) {
            fprintf(stderr,
                    "outrigger bench: %s is not held: the comparison is void\n",
                    bar->id);
            return code;
        }
    }
    return code;
}

static int verdict(const Bench *b)
{
    if (b->cases->len < 2) {
        fprintf(stderr, "outrigger bench: %s has nothing to compare\n",
                b->name);
        return EXIT_TESTBED;
    }
    return bench_bars_verdict(b);
}

int bench_main(int argc, char **argv)
{
    const char *root = g_getenv("OUTRIGGER_ROOT");
    const char *build = g_getenv("OUTRIGGER_BUILD");
    g_autofree char *dir = NULL, *text = NULL;
    g_autoptr(Bench) b = NULL;
    g_autoptr(GError) err = NULL;
    Options o = { 0 };

    if (!root || !build) {
        fprintf(stderr, "outrigger bench: start it with `outrigger bench`\n");
        return EXIT_USAGE;
    }
    if (!parse(&argc, &argv, &o, &err)) {
        return fail(err);
    }
    dir = g_build_filename(root, "bench", NULL);
    b = bench_load(dir, argv[1], &err);
    if (!b) {
        return fail(err);
    }
    if (o.list) {
        list(b);
        return EXIT_HELD;
    }
    b->rounds = o.rounds ? (unsigned)o.rounds : b->rounds;
    if (!run_rounds(b, build, &err)) {
        return fail(err);
    }
    if (o.json) {
        text = bench_json(b);
    } else {
        g_autofree char *machine = bench_machine();

        text = bench_table(b, machine);
    }
    printf("%s\n", text);
    return verdict(b);
}
