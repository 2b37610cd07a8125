/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli.h: the verbs of the `outrigger` program. Only these files print.
 *
 * To add a verb: a handler in a cli_*.c file and a row in the table of
 * main.c. stdout carries what was asked for, stderr everything else.
 */
#ifndef OUTRIGGER_CLI_H
#define OUTRIGGER_CLI_H

#include <glib.h>
#include <stdbool.h>

#include "run_options.h"

typedef struct Cli {
    char *root;  /* project root, absolute; NULL when it cannot be found */
    char *build; /* build folder; NULL without a root */
    int argc;    /* the whole command line */
    char **argv;
} Cli;

typedef struct CliVerb {
    const char *name;
    const char *arguments; /* "FILE..." */
    const char *summary;   /* one line */
    const char *details;   /* for --help, or NULL */
    /* @argv[0] is the verb. Returns an ExitCode. */
    int (*run)(Cli *cli, const struct CliVerb *verb, int argc, char **argv);
} CliVerb;

int cli_run(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_replay(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_graph(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_validate(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_show(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_schema(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_list(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_report(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_diff(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_gdb(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_regs(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_bench(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_up(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_ps(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_exec(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_down(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_console(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_logs(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_fault(Cli *cli, const CliVerb *verb, int argc, char **argv);
int cli_version(Cli *cli, const CliVerb *verb, int argc, char **argv);

/* The table of main.c; ends with name NULL. */
extern const CliVerb cli_verbs[];

/*
 * Reads the options of @verb; what is left stays in *ret_words (owned by the
 * caller). false: *ret_exit is the exit code - after --help, or after a
 * message about a wrong option.
 */
bool cli_options(const CliVerb *verb, int argc, char **argv,
                 const GOptionEntry *entries, char ***ret_words, int *ret_exit);

/* "outrigger: text" on stderr; returns EXIT_USAGE. */
int cli_usage(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* The same, returns @code. */
int cli_fail(int code, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* false and a message when the project's root is not known. */
bool cli_need_root(const Cli *cli);

/*
 * The options that change a scenario, for run, validate and show. Fields are
 * filled by GOption; cli_sets_clear() frees them.
 */
typedef struct CliSets {
    char **sets;
    char *seed, *mode;
    char **capture;
    gboolean quick;
} CliSets;

/* Entries for @sets with room for @extra rows (copied) and the end; free it
 * with g_free(). */
GOptionEntry *cli_sets_entries(CliSets *sets, const GOptionEntry *extra);
void cli_sets_clear(CliSets *sets);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CliSets, cli_sets_clear)

/* Loads @file with them; NULL after the message was printed. */
Scenario *cli_load(const Cli *cli, const char *file, const CliSets *sets);
/* Shell-quoted options that repeat them, without --seed; caller frees. */
char *cli_sets_replay(const CliSets *sets);

/* Where runs are: @given (may be NULL), else runs/ in the project. NULL and a
 * message when the project is not known. Caller frees. */
char *cli_runs_dir(const Cli *cli, const char *given);
/* A duration above 0, in picoseconds; NULL leaves *ret. false after a
 * message. */
bool cli_time(const char *option, const char *text, uint64_t *ret);
/* auto, tty, plain, json or none; NULL leaves *ret. false after a message. */
bool cli_progress(const char *word, ProgressMode *ret);

/* The run folder a word means: a path, a name below runs/, or NULL: the
 * latest. NULL and a message when there is none. Caller frees. */
char *cli_run_dir(const Cli *cli, const char *word);

#endif
