/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * main.c: the `outrigger` program: finds itself, picks the verb.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "yaml_tree.h"

static int cli_help(Cli *cli, const CliVerb *verb, int argc, char **argv);

const CliVerb cli_verbs[] = {
    { "run", "FILE...", "run scenarios, judge them, write a report",
      "Progress goes to stderr; the last line, on stdout, is the run folder.",
      cli_run },
    { "validate", "FILE...", "read and check scenarios, start nothing",
      "Does every check that `run` does before it starts anything.",
      cli_validate },
    { "show", "FILE", "print a scenario with every default filled in", NULL,
      cli_show },
    { "graph", "FILE", "print the topology of a scenario",
      "As text for Graphviz (`outrigger graph FILE | dot -Tsvg`), or with "
      "--svg "
      "as a picture.",
      cli_graph },
    { "list", "[WHAT]",
      "list scenarios, metrics, profiles, faults, steps or benches",
      "Without WHAT: the scenarios.", cli_list },
    { "up", "FILE", "start a scenario's hosts in wall time and leave them",
      "Steps are not run. Prints the run folder when every guest is up. "
      "`outrigger down`\nends it; other verbs take the newest running cluster "
      "unless --run names one.",
      cli_up },
    { "ps", "[CLUSTER]", "nodes of running clusters", NULL, cli_ps },
    { "console", "NODE", "serial console of a running guest",
      "Ctrl-] ends it. One console at a time; `logs` shows what was said "
      "before.",
      cli_console },
    { "exec", "NODE -- COMMAND...", "run a command in a running guest",
      "One word is shell text; several are one command with its arguments. "
      "Prints what\nit printed, when it has ended; the exit code is the "
      "command's, or 99 without an\nanswer. Standard input is empty.",
      cli_exec },
    { "fault",
      "set KIND [NODE] [KEY=VALUE...] | clear HANDLE | clear --all | "
      "list",
      "faults of a running cluster",
      "KIND and the keys are those of a `fault` step (`outrigger list "
      "faults`); `as=HANDLE`\nnames it. Several may be in force; clearing one "
      "leaves the others.",
      cli_fault },
    { "logs", "NODE", "what a guest's serial console has printed",
      "Of any run, also one that has ended.", cli_logs },
    { "down", "[CLUSTER]", "end a running cluster",
      "Also cleans up after a supervisor that was killed.", cli_down },
    { "replay", "RUN", "run it again and compare the trace hash",
      "Exit code 0: equal; 1: different, and where first; 2: another version "
      "of the\nproject, QEMU, kernel or guest. With --until nothing is "
      "compared: it stands there\nuntil Enter or a signal.",
      cli_replay },
    { "report", "[RUN]", "print the summary of a run and where its report is",
      "RUN is a folder, or a name below runs/; without it the latest run.",
      cli_report },
    { "diff", "RUN1 RUN2", "two runs side by side: what differs",
      "Compares scenario, expectations, metrics, latency and event logs, "
      "prints "
      "what differs,\nand writes diff-RUN1.html into RUN2's folder. RUN is a "
      "folder, or a name below runs/.\nExit code 0: equal; 1: different; 2: "
      "one of them is no run.",
      cli_diff },
    { "bench", "NAME", "measure, compare, hold against the bars",
      "`outrigger list benches` names them. Options after NAME go to the "
      "bench.",
      cli_bench },
    { "gdb", "NODE", "debug a guest of a running scenario", NULL, cli_gdb },
    { "regs", "NODE/DEVICE", "named registers of a device", NULL, cli_regs },
    { "schema", NULL, "print the JSON schema of scenario files", NULL,
      cli_schema },
    { "version", NULL, "versions of the project, QEMU, SystemC and the guest",
      NULL, cli_version },
    { "help", "[VERB]", "this list, or the help of one verb", NULL, cli_help },
    { NULL, NULL, NULL, NULL, NULL },
};

static const CliVerb *find_verb(const char *name)
{
    for (const CliVerb *v = cli_verbs; v->name; v++) {
        if (!strcmp(v->name, name)) {
            return v;
        }
    }
    return NULL;
}

static void print_usage(FILE *out)
{
    fprintf(out, "usage: outrigger VERB [OPTION...] [ARGUMENT...]\n\n");
    for (const CliVerb *v = cli_verbs; v->name; v++) {
        g_autofree char *left =
            g_strdup_printf("%s %s", v->name, v->arguments ? v->arguments : "");

        fprintf(out, "  %-20s %s\n", left, v->summary);
    }
    fprintf(out,
            "\nThe script ./outrigger also has `setup`, which only installs "
            "and builds, and\n`test [--all]`, everything that continuous "
            "integration runs.\n"
            "`outrigger VERB --help` has the options of a verb.\n"
            "Exit codes: 0 held, 1 an expectation broke, 2 bad usage or an "
            "invalid scenario,\n77 a prerequisite is missing, 99 the testbed "
            "failed, 130 interrupted.\n");
}

static int unknown_verb(const char *word)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const char *near;

    for (const CliVerb *v = cli_verbs; v->name; v++) {
        g_ptr_array_add(names, (void *)v->name);
    }
    g_ptr_array_add(names, NULL);
    near = yaml_nearest(word, (const char *const *)names->pdata);
    return near ? cli_usage("no verb '%s'; did you mean '%s'?", word, near)
                : cli_usage("no verb '%s'; see `outrigger help`", word);
}

static int cli_help(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : verb->name;
    char *help[] = { (char *)word, (char *)"--help", NULL };
    const CliVerb *of = find_verb(word[0] == '-' ? verb->name : word);

    if (argc > 2) {
        return cli_usage("help: one verb");
    }
    if (word[0] == '-' && strcmp(word, "--help") && strcmp(word, "-h")) {
        return cli_usage("help takes a verb, not '%s'", word);
    }
    if (!of) {
        return unknown_verb(word);
    }
    if (of != verb) {
        return of->run(cli, of, 2, help);
    }
    print_usage(stdout);
    return EXIT_HELD;
}

/* The project around this program: where its parent folders say so. */
static char *find_root(void)
{
    const char *given = g_getenv("OUTRIGGER_ROOT");
    g_autofree char *dir = NULL;

    if (given && *given) {
        return g_canonicalize_filename(given, NULL);
    }
    dir = g_file_read_link("/proc/self/exe", NULL);
    while (dir && strcmp(dir, "/") != 0) {
        char *up = g_path_get_dirname(dir);
        g_autofree char *mark =
            g_build_filename(up, "sim-cluster", "scenario.h", NULL);

        g_free(dir);
        dir = up;
        if (g_file_test(mark, G_FILE_TEST_EXISTS)) {
            return g_steal_pointer(&dir);
        }
    }
    return NULL;
}

static char *find_build(const char *root)
{
    const char *given = g_getenv("OUTRIGGER_BUILD");

    if (given && *given) {
        return g_canonicalize_filename(given, NULL);
    }
    return root ? g_build_filename(root, "build", NULL) : NULL;
}

/* Whoever reads our output may not miss that a part of it is not there. */
static bool written_out(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return true;
    }
    cli_fail(EXIT_TESTBED, "cannot write to the standard output: %s",
             g_strerror(errno));
    return false;
}

int main(int argc, char **argv)
{
    Cli cli = { .argc = argc, .argv = argv };
    const char *word = argc > 1 ? argv[1] : NULL;
    const CliVerb *verb;
    int code;

    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    if (!word) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        word = "help";
    } else if (!strcmp(word, "--version")) {
        word = "version";
    }
    verb = find_verb(word);
    if (!verb) {
        return unknown_verb(word);
    }
    cli.root = find_root();
    cli.build = find_build(cli.root);
    code = verb->run(&cli, verb, argc - 1, argv + 1);
    g_free(cli.root);
    g_free(cli.build);
    return written_out() ? code : EXIT_TESTBED;
}
