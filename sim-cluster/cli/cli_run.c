/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_run.c: the options of `run`, and one scenario after the other.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "runtime.h"

#define SEEDS_MAX 1000

typedef struct RunArgs {
    CliSets sets;
    char *until, *pause_at, *wall_limit, *runs, *progress;
    int repeat, seeds;
    gboolean controls, keep;
} RunArgs;

static void run_args_clear(RunArgs *a)
{
    cli_sets_clear(&a->sets);
    g_free(a->until);
    g_free(a->pause_at);
    g_free(a->wall_limit);
    g_free(a->runs);
    g_free(a->progress);
}

static GOptionEntry *run_entries(RunArgs *a)
{
    const GOptionEntry extra[] = {
        { "controls", 0, 0, G_OPTION_ARG_NONE, &a->controls,
          "Also run every control: what it names must break", NULL },
        { "repeat", 0, 0, G_OPTION_ARG_INT, &a->repeat,
          "Run N times in fresh processes; the trace hashes must be equal",
          "N" },
        { "seeds", 0, 0, G_OPTION_ARG_INT, &a->seeds,
          "Run with N seeds, from the scenario's on; means and intervals",
          "N" },
        { "until", 0, 0, G_OPTION_ARG_STRING, &a->until,
          "Stop at this simulated time", "TIME" },
        { "pause-at", 0, 0, G_OPTION_ARG_STRING, &a->pause_at,
          "At a terminal: stand still there, Enter goes on", "TIME" },
        { "wall-limit", 0, 0, G_OPTION_ARG_STRING, &a->wall_limit,
          "Give up (exit 99) after this much real time", "TIME" },
        { "runs", 0, 0, G_OPTION_ARG_FILENAME, &a->runs,
          "Where run folders go (default: runs in the project)", "DIR" },
        { "keep", 0, 0, G_OPTION_ARG_NONE, &a->keep,
          "Keep the heavy files of a run that held, too", NULL },
        { "progress", 0, 0, G_OPTION_ARG_STRING, &a->progress,
          "auto, tty, plain, json or none", "HOW" },
        { NULL },
    };

    return cli_sets_entries(&a->sets, extra);
}

/* The options that the runtime sees. */
static bool make_options(const Cli *cli, const RunArgs *a, RunOptions *ret,
                         char **ret_replay)
{
    g_autofree char *sets = NULL;
    uint64_t wall_ps = 0;

    if (a->repeat < 1) {
        cli_usage("--repeat: at least 1");
        return false;
    }
    if (a->seeds < 1 || a->seeds > SEEDS_MAX) {
        cli_usage("--seeds: 1 to 1000");
        return false;
    }
    if (!cli_time("--until", a->until, &ret->until_ps) ||
        !cli_time("--pause-at", a->pause_at, &ret->pause_ps) ||
        !cli_time("--wall-limit", a->wall_limit, &wall_ps) ||
        !cli_progress(a->progress, &ret->progress)) {
        return false;
    }
    sets = cli_sets_replay(&a->sets);
    *ret_replay = a->until ? g_strdup_printf("%s --until %s", sets, a->until)
                           : g_steal_pointer(&sets);
    ret->root = cli->root;
    ret->wall_limit_ns = (wall_ps + PS_PER_NS - 1) / PS_PER_NS;
    ret->repeat = (unsigned)a->repeat;
    ret->controls = a->controls;
    ret->keep = a->keep;
    ret->replay_args = *ret_replay;
    ret->argc = cli->argc;
    ret->argv = cli->argv;
    return true;
}

/* The worse of two exit codes, for several scenarios. */
static int worse(int a, int b)
{
    static const int order[] = { EXIT_HELD,    EXIT_SKIPPED, EXIT_BROKEN,
                                 EXIT_TESTBED, EXIT_USAGE,   EXIT_INTERRUPTED };
    unsigned i = 0, j = 0;

    while (i < G_N_ELEMENTS(order) - 1 && order[i] != a) {
        i++;
    }
    while (j < G_N_ELEMENTS(order) - 1 && order[j] != b) {
        j++;
    }
    return order[MAX(i, j)];
}

/* Everything is read before anything starts. */
static GPtrArray *load_all(const Cli *cli, char **files, const RunArgs *a)
{
    g_autoptr(GPtrArray) all =
        g_ptr_array_new_with_free_func((GDestroyNotify)scenario_free);
    bool ok = true;

    for (unsigned i = 0; files[i]; i++) {
        Scenario *s = cli_load(cli, files[i], &a->sets);

        if (!s) {
            ok = false;
            continue;
        }
        g_ptr_array_add(all, s);
        if (a->controls && !s->controls->len) {
            cli_usage("%s: --controls, but the scenario has none: a "
                      "mechanism without a control proves nothing",
                      files[i]);
            ok = false;
        }
    }
    return ok ? g_steal_pointer(&all) : NULL;
}

/* The same file under the seeds that follow @first's. NULL: it does not load.*/
static GPtrArray *load_seeds(const Cli *cli, const char *file, const RunArgs *a,
                             const Scenario *first)
{
    g_autoptr(GPtrArray) all =
        g_ptr_array_new_with_free_func((GDestroyNotify)scenario_free);

    for (int i = 1; i < a->seeds; i++) {
        CliSets sets = a->sets;
        g_autofree char *seed =
            g_strdup_printf("%" G_GUINT64_FORMAT, first->seed + (unsigned)i);
        Scenario *s;

        sets.seed = seed;
        s = cli_load(cli, file, &sets);
        if (!s) {
            return NULL;
        }
        g_ptr_array_add(all, s);
    }
    return g_steal_pointer(&all);
}

static int run_files(Cli *cli, char **files, const RunArgs *a)
{
    g_autofree char *runs_dir = NULL, *replay = NULL;
    g_autoptr(GPtrArray) all = NULL;
    RunOptions options = { 0 };
    int code = EXIT_HELD;

    if (!files[0]) {
        return cli_usage("run: which scenario? `outrigger list` names those "
                         "of the project");
    }
    if (!cli_need_root(cli) || !make_options(cli, a, &options, &replay)) {
        return EXIT_USAGE;
    }
    runs_dir = cli_runs_dir(cli, a->runs);
    all = runs_dir ? load_all(cli, files, a) : NULL;
    if (!all) {
        return EXIT_USAGE;
    }
    options.runs_dir = runs_dir;
    for (unsigned i = 0; i < all->len && code != EXIT_INTERRUPTED; i++) {
        g_autoptr(GPtrArray) seeds =
            load_seeds(cli, files[i], a, all->pdata[i]);

        options.seeds = seeds;
        code = worse(code,
                     seeds ? runtime_run(all->pdata[i], &options) : EXIT_USAGE);
    }
    return code;
}

int cli_run(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    RunArgs a = { .repeat = 1, .seeds = 1 };
    g_autofree GOptionEntry *entries = run_entries(&a);
    g_auto(GStrv) files = NULL;
    int code;

    if (cli_options(verb, argc, argv, entries, &files, &code)) {
        code = run_files(cli, files, &a);
    }
    run_args_clear(&a);
    return code;
}
