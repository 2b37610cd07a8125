/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_cluster.c: up, ps, exec and down: a scenario's hosts at a console.
 */
#include "cli_cluster.h"

#include <stdio.h>
#include <string.h>

#include "runtime.h"

#define DOWN_LIMIT_MS 30000

/* ---- what the verbs share ---------------------------------------------- */

ClusterRef *cli_cluster(const Cli *cli, const char *runs, const char *word)
{
    g_autofree char *runs_dir = cli_runs_dir(cli, runs);
    g_autoptr(GError) err = NULL;
    ClusterRef *ref;

    if (!runs_dir) {
        return NULL;
    }
    ref = cluster_find(runs_dir, word, &err);
    if (!ref) {
        cli_usage("%s", err->message);
    }
    return ref;
}

JsonObject *cli_cluster_ask(const ClusterRef *ref, JsonObject *request,
                            int *ret_code)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(JsonObject) answer = cluster_call(ref, request, &err);

    if (!answer) {
        *ret_code = cli_fail(ref->alive ? EXIT_TESTBED : EXIT_USAGE, "%s",
                             err->message);
        return NULL;
    }
    *ret_code = (int)json_object_get_int_member_with_default(answer, "exit",
                                                             EXIT_TESTBED);
    if (*ret_code != EXIT_HELD) {
        cli_fail(*ret_code, "%s",
                 json_object_get_string_member_with_default(answer, "error",
                                                            "refused"));
        return NULL;
    }
    return g_steal_pointer(&answer);
}

JsonObject *cli_cluster_request(const char *verb)
{
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, "do", verb);
    return o;
}

/* ---- up ---------------------------------------------------------------- */

static int up(const Cli *cli, const char *file, CliSets *sets, const char *runs,
              ProgressMode progress)
{
    g_autofree char *runs_dir = cli_runs_dir(cli, runs);
    g_autoptr(Scenario) given = NULL;
    g_autoptr(Scenario) scn = NULL;
    g_autoptr(GError) err = NULL;
    RunOptions options = { .root = cli->root,
                           .runs_dir = runs_dir,
                           .repeat = 1,
                           .progress = progress,
                           .replay_args = "",
                           .argc = cli->argc,
                           .argv = cli->argv };

    if (!runs_dir || !cli_need_root(cli)) {
        return EXIT_USAGE;
    }
    if (sets->mode && strcmp(sets->mode, "wall") != 0) {
        return cli_usage("up: a cluster at a console runs in wall time; `run` "
                         "is for mode %s",
                         sets->mode);
    }
    if (!sets->mode) {
        sets->mode = g_strdup("wall");
    }
    given = cli_load(cli, file, sets);
    if (!given) {
        return EXIT_USAGE;
    }
    scn = cluster_scenario(given, cli->root, &err);
    if (!scn) {
        return cli_usage("%s cannot run in wall time: %s", file, err->message);
    }
    return cluster_up(scn, &options);
}

int cli_up(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_auto(CliSets) sets = { 0 };
    g_autofree char *runs = NULL, *progress = NULL;
    const GOptionEntry extra[] = {
        { "runs", 0, 0, G_OPTION_ARG_FILENAME, &runs,
          "Where run folders go (default: runs in the project)", "DIR" },
        { "progress", 0, 0, G_OPTION_ARG_STRING, &progress,
          "auto, tty, plain, json or none", "HOW" },
        { NULL },
    };
    g_autofree GOptionEntry *entries = cli_sets_entries(&sets, extra);
    g_auto(GStrv) words = NULL;
    ProgressMode mode = PROGRESS_AUTO;
    int code;

    if (!cli_options(verb, argc, argv, entries, &words, &code)) {
        return code;
    }
    if (!words[0] || words[1]) {
        return cli_usage("up: which scenario? One file");
    }
    if (!cli_progress(progress, &mode)) {
        return EXIT_USAGE;
    }
    return up(cli, words[0], &sets, runs, mode);
}

/* ---- ps ---------------------------------------------------------------- */

static void print_duration(gint64 ps)
{
    gint64 s = ps / (gint64)(PS_PER_MS * 1000);

    printf("  %3" G_GINT64_FORMAT ":%02d:%02d.%03d", s / 3600,
           (int)(s / 60 % 60), (int)(s % 60),
           (int)(ps / (gint64)PS_PER_MS % 1000));
}

static void print_node(const char *cluster, gint64 began_s, JsonObject *n)
{
    gint64 pid = json_object_get_int_member_with_default(n, "pid", 0);
    gint64 up_s = g_get_real_time() / G_USEC_PER_SEC - began_s;

    printf("%-20s  %-12s  %-8s", cluster,
           json_object_get_string_member_with_default(n, "node", "?"),
           json_object_get_string_member_with_default(n, "state", "?"));
    if (pid) {
        printf("  %7" G_GINT64_FORMAT, pid);
    } else {
        printf("  %7s", "-");
    }
    print_duration(MAX(up_s, 0) * (gint64)PS_PER_MS * 1000);
    print_duration(json_object_get_int_member_with_default(n, "up_ps", 0));
    printf("\n");
}

static int print_cluster(const ClusterRef *ref)
{
    g_autofree char *name = g_path_get_basename(ref->dir);
    g_autoptr(JsonObject) answer = NULL;
    JsonArray *nodes;
    int code;

    answer = cli_cluster_ask(ref, cli_cluster_request("ps"), &code);
    if (!answer) {
        return code;
    }
    nodes = json_object_get_array_member(answer, "nodes");
    for (unsigned i = 0; nodes && i < json_array_get_length(nodes); i++) {
        print_node(name, ref->began_s, json_array_get_object_element(nodes, i));
    }
    return EXIT_HELD;
}

static int print_json(const GPtrArray *all)
{
    g_autoptr(JsonArray) list = json_array_new();
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);
    g_autofree char *text = NULL;
    int code = EXIT_HELD;

    for (unsigned i = 0; i < all->len && code == EXIT_HELD; i++) {
        const ClusterRef *ref = g_ptr_array_index(all, i);
        JsonObject *answer =
            cli_cluster_ask(ref, cli_cluster_request("ps"), &code);

        if (answer) {
            json_object_remove_member(answer, "exit");
            json_object_set_string_member(answer, "dir", ref->dir);
            json_object_set_int_member(answer, "pid", ref->pid);
            json_object_set_int_member(answer, "began_s", ref->began_s);
            json_array_add_object_element(list, answer);
        }
    }
    json_node_set_array(node, list);
    text = json_to_string(node, TRUE);
    printf("%s\n", text);
    return code;
}

static int ps(const GPtrArray *all, bool json)
{
    int code = EXIT_HELD;

    if (json) {
        return print_json(all);
    }
    printf("%-20s  %-12s  %-8s  %7s  %13s  %13s\n", "CLUSTER", "NODE", "STATE",
           "PID", "UPTIME", "SIMULATED");
    for (unsigned i = 0; i < all->len && code == EXIT_HELD; i++) {
        code = print_cluster(g_ptr_array_index(all, i));
    }
    return code;
}

int cli_ps(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_autofree char *runs = NULL, *runs_dir = NULL;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
        CLI_CLUSTER_RUNS(&runs),
        { NULL },
    };
    g_auto(GStrv) words = NULL;
    g_autoptr(GPtrArray) all = NULL;
    int code;

    if (!cli_options(verb, argc, argv, entries, &words, &code)) {
        return code;
    }
    if (words[0] && words[1]) {
        return cli_usage("ps: at most one cluster");
    }
    if (words[0]) {
        ClusterRef *ref = cli_cluster(cli, runs, words[0]);

        if (!ref) {
            return EXIT_USAGE;
        }
        all = g_ptr_array_new_with_free_func((GDestroyNotify)cluster_ref_free);
        g_ptr_array_add(all, ref);
    } else {
        runs_dir = cli_runs_dir(cli, runs);
        if (!runs_dir) {
            return EXIT_USAGE;
        }
        all = cluster_list(runs_dir, true);
    }
    return ps(all, json);
}

/* ---- exec -------------------------------------------------------------- */

static char *shell_text(char *const *words)
{
    GString *s = g_string_new(NULL);

    if (!words[1]) {
        return g_string_free(g_string_append(s, words[0]), FALSE);
    }
    for (unsigned i = 0; words[i]; i++) {
        g_autofree char *quoted = g_shell_quote(words[i]);

        g_string_append_printf(s, "%s%s", i ? " " : "", quoted);
    }
    return g_string_free(s, FALSE);
}

static int exec_in(const ClusterRef *ref, const char *node, const char *script)
{
    g_autoptr(JsonObject) answer = NULL;
    JsonObject *request = cli_cluster_request("exec");
    g_autofree guchar *output = NULL;
    gsize len = 0;
    int code;

    json_object_set_string_member(request, "node", node);
    json_object_set_string_member(request, "script", script);
    answer = cli_cluster_ask(ref, request, &code);
    if (!answer) {
        return code;
    }
    output = g_base64_decode(
        json_object_get_string_member_with_default(answer, "output", ""), &len);
    if (fwrite(output, 1, len, stdout) != len || fflush(stdout) != 0) {
        return cli_fail(EXIT_TESTBED, "cannot write the output");
    }
    return (int)json_object_get_int_member_with_default(answer, "code",
                                                        EXIT_TESTBED);
}

int cli_exec(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_autofree char *run = NULL, *runs = NULL, *script = NULL;
    const GOptionEntry entries[] = { CLI_CLUSTER_RUN(&run),
                                     CLI_CLUSTER_RUNS(&runs),
                                     { NULL } };
    g_auto(GStrv) words = NULL;
    g_autoptr(ClusterRef) ref = NULL;
    char *const *command;
    int code;

    if (!cli_options(verb, argc, argv, entries, &words, &code)) {
        return code;
    }
    if (!words[0]) {
        return cli_usage("exec: NODE -- COMMAND");
    }
    command = words + 1;
    if (!command[0]) {
        return cli_usage("exec: which command? exec %s -- COMMAND", words[0]);
    }
    ref = cli_cluster(cli, runs, run);
    if (!ref) {
        return EXIT_USAGE;
    }
    script = shell_text(command);
    return exec_in(ref, words[0], script);
}

/* ---- down -------------------------------------------------------------- */

static int down(const Cli *cli, const ClusterRef *ref, bool keep)
{
    JsonObject *request = cli_cluster_request("down");
    g_autoptr(JsonObject) answer = NULL;
    int code = EXIT_HELD;

    if (!ref->alive) {
        json_object_unref(request);
        cluster_sweep(ref, cli->root, keep);
        fprintf(stderr, "outrigger: %s was not running; swept\n", ref->dir);
        return EXIT_HELD;
    }
    json_object_set_boolean_member(request, "keep", keep);
    answer = cli_cluster_ask(ref, request, &code);
    if (!cluster_wait_gone(ref, answer ? DOWN_LIMIT_MS : 0)) {
        cluster_sweep(ref, cli->root, keep);
        return cli_fail(EXIT_TESTBED, "%s did not end by itself; killed",
                        ref->dir);
    }
    printf("%s\n", ref->dir);
    return EXIT_HELD;
}

static int down_all(const Cli *cli, const char *runs_dir, bool keep)
{
    int code = EXIT_HELD;

    for (int alive = 1; alive >= 0; alive--) {
        g_autoptr(GPtrArray) list = cluster_list(runs_dir, alive);

        for (unsigned i = 0; i < list->len; i++) {
            int one = down(cli, g_ptr_array_index(list, i), keep);

            code = one != EXIT_HELD ? one : code;
        }
    }
    return code;
}

/* Without a name: the newest live one, or one whose supervisor was killed. */
static ClusterRef *pick(const Cli *cli, const char *runs, const char *runs_dir,
                        const char *word)
{
    g_autoptr(GPtrArray) live = cluster_list(runs_dir, true);
    g_autoptr(GPtrArray) dead = cluster_list(runs_dir, false);

    if (!word && !live->len && dead->len) {
        return g_ptr_array_steal_index(dead, 0);
    }
    return cli_cluster(cli, runs, word);
}

int cli_down(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_autofree char *runs = NULL, *runs_dir = NULL;
    gboolean all = FALSE, keep = FALSE;
    const GOptionEntry entries[] = {
        { "all", 0, 0, G_OPTION_ARG_NONE, &all, "Every cluster", NULL },
        { "keep", 0, 0, G_OPTION_ARG_NONE, &keep, "Keep the drive images",
          NULL },
        CLI_CLUSTER_RUNS(&runs),
        { NULL },
    };
    g_auto(GStrv) words = NULL;
    g_autoptr(ClusterRef) ref = NULL;
    int code;

    if (!cli_options(verb, argc, argv, entries, &words, &code)) {
        return code;
    }
    if (words[0] && (words[1] || all)) {
        return cli_usage("down: one cluster, or --all");
    }
    runs_dir = cli_runs_dir(cli, runs);
    if (!runs_dir) {
        return EXIT_USAGE;
    }
    if (all) {
        return down_all(cli, runs_dir, keep);
    }
    ref = pick(cli, runs, runs_dir, words[0]);
    return ref ? down(cli, ref, keep) : EXIT_USAGE;
}
