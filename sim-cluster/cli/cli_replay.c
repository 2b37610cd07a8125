/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_replay.c: replay.
 */
#include "cli.h"
#include "runtime.h"

typedef struct ReplayArgs {
    char *until, *pause_at, *runs, *progress;
    gboolean keep;
} ReplayArgs;

static int replay(Cli *cli, char *const *words, const ReplayArgs *a)
{
    g_autofree char *dir = NULL, *runs_dir = NULL;
    RunOptions options = { .root = cli->root,
                           .repeat = 1,
                           .keep = a->keep,
                           .replay_args = "",
                           .argc = cli->argc,
                           .argv = cli->argv };

    if (!words[0] || words[1]) {
        return cli_usage("replay: which run? A folder, or a name below runs/");
    }
    if (!cli_need_root(cli) ||
        !cli_time("--until", a->until, &options.until_ps) ||
        !cli_time("--pause-at", a->pause_at, &options.pause_ps) ||
        !cli_progress(a->progress, &options.progress)) {
        return EXIT_USAGE;
    }
    dir = cli_run_dir(cli, words[0]);
    runs_dir = cli_runs_dir(cli, a->runs);
    if (!dir || !runs_dir) {
        return EXIT_USAGE;
    }
    options.runs_dir = runs_dir;
    return runtime_replay(dir, &options);
}

int cli_replay(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    ReplayArgs a = { 0 };
    const GOptionEntry entries[] = {
        { "until", 0, 0, G_OPTION_ARG_STRING, &a.until,
          "Stop there, with gdb, registers and logs at hand", "TIME" },
        { "pause-at", 0, 0, G_OPTION_ARG_STRING, &a.pause_at,
          "At a terminal: stand still there, Enter goes on", "TIME" },
        { "runs", 0, 0, G_OPTION_ARG_FILENAME, &a.runs,
          "Where run folders go (default: runs in the project)", "DIR" },
        { "keep", 0, 0, G_OPTION_ARG_NONE, &a.keep, "Keep the heavy files, too",
          NULL },
        { "progress", 0, 0, G_OPTION_ARG_STRING, &a.progress,
          "auto, tty, plain, json or none", "HOW" },
        { NULL },
    };
    g_auto(GStrv) words = NULL;
    int code;

    if (cli_options(verb, argc, argv, entries, &words, &code)) {
        code = replay(cli, words, &a);
    }
    g_free(a.until);
    g_free(a.pause_at);
    g_free(a.runs);
    g_free(a.progress);
    return code;
}
