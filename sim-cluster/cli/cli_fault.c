/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_fault.c: fault set, clear and list.
 */
#include <stdio.h>
#include <string.h>

#include "cli_cluster.h"

typedef struct FaultArgs {
    char *run, *runs;
    gboolean all, json;
} FaultArgs;

/* KIND [NODE] [KEY=VALUE...] as members of a step. NULL after a message. */
static JsonObject *read_fault(char *const *words)
{
    g_autoptr(JsonObject) fault = json_object_new();

    if (!words[0] || strchr(words[0], '=')) {
        cli_usage("fault set: which kind? `outrigger list faults` names them");
        return NULL;
    }
    if (!strcmp(words[0], "clear")) {
        cli_usage("`outrigger fault clear` clears faults");
        return NULL;
    }
    json_object_set_string_member(fault, "kind", words[0]);
    for (unsigned i = 1; words[i]; i++) {
        const char *value = strchr(words[i], '=');
        g_autofree char *key =
            value ? g_strndup(words[i], (size_t)(value - words[i]))
                  : g_strdup("node");

        if (json_object_has_member(fault, key) || !key[0] ||
            strspn(key, "abcdefghijklmnopqrstuvwxyz_") != strlen(key)) {
            cli_usage("fault set: '%s' has no place here; KIND [NODE] "
                      "[KEY=VALUE...]",
                      words[i]);
            return NULL;
        }
        json_object_set_string_member(fault, key, value ? value + 1 : words[i]);
    }
    return g_steal_pointer(&fault);
}

static int set(const ClusterRef *ref, char *const *words)
{
    JsonObject *fault = read_fault(words);
    JsonObject *request;
    g_autoptr(JsonObject) answer = NULL;
    int code;

    if (!fault) {
        return EXIT_USAGE;
    }
    request = cli_cluster_request("fault-set");
    json_object_set_object_member(request, "fault", fault);
    answer = cli_cluster_ask(ref, request, &code);
    if (answer) {
        printf("%s\n", json_object_get_string_member_with_default(
                           answer, "handle", "?"));
    }
    return code;
}

static int clear(const ClusterRef *ref, char *const *words, bool all)
{
    JsonObject *request;
    g_autoptr(JsonObject) answer = NULL;
    int code;

    if (all ? words[0] != NULL : !words[0] || words[1]) {
        return cli_usage("fault clear: one HANDLE, or --all");
    }
    request = cli_cluster_request("fault-clear");
    if (!all) {
        json_object_set_string_member(request, "handle", words[0]);
    }
    answer = cli_cluster_ask(ref, request, &code);
    return code;
}

static void print_fault(JsonObject *f)
{
    static const char *const of[] = { "interface", "drive", "link", "switch" };
    const char *node =
        json_object_get_string_member_with_default(f, "node", "-");
    const char *object = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(of) && !object; i++) {
        object = json_object_get_string_member_with_default(f, of[i], NULL);
    }
    printf("%-16s  %-18s  %-12s  %-12s  %.3f s\n",
           json_object_get_string_member_with_default(f, "handle", "?"),
           json_object_get_string_member_with_default(f, "kind", "?"), node,
           object ? object : "-",
           (double)json_object_get_int_member_with_default(f, "for_ps", 0) /
               1e12);
}

static int list(const ClusterRef *ref, char *const *words, bool json)
{
    g_autoptr(JsonObject) answer = NULL;
    JsonArray *faults;
    int code;

    if (words[0]) {
        return cli_usage("fault list: no '%s' belongs here", words[0]);
    }
    answer = cli_cluster_ask(ref, cli_cluster_request("fault-list"), &code);
    if (!answer) {
        return code;
    }
    faults = json_object_get_array_member(answer, "faults");
    if (json) {
        g_autofree char *text =
            json_to_string(json_object_get_member(answer, "faults"), TRUE);

        printf("%s\n", text);
        return EXIT_HELD;
    }
    printf("%-16s  %-18s  %-12s  %-12s  %s\n", "HANDLE", "KIND", "NODE", "OF",
           "FOR");
    for (unsigned i = 0; faults && i < json_array_get_length(faults); i++) {
        print_fault(json_array_get_object_element(faults, i));
    }
    return EXIT_HELD;
}

static int fault(const Cli *cli, char *const *words, const FaultArgs *a)
{
    g_autoptr(ClusterRef) ref = NULL;
    const char *what = words[0];

    if (!what || (strcmp(what, "set") != 0 && strcmp(what, "clear") != 0 &&
                  strcmp(what, "list") != 0)) {
        return cli_usage("fault: set, clear or list; see `outrigger fault "
                         "--help`");
    }
    ref = cli_cluster(cli, a->runs, a->run);
    if (!ref) {
        return EXIT_USAGE;
    }
    if (!strcmp(what, "set")) {
        return set(ref, words + 1);
    }
    return !strcmp(what, "clear") ? clear(ref, words + 1, a->all)
                                  : list(ref, words + 1, a->json);
}

int cli_fault(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    FaultArgs a = { 0 };
    const GOptionEntry entries[] = {
        { "all", 0, 0, G_OPTION_ARG_NONE, &a.all, "clear: every fault", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &a.json, "list: print JSON", NULL },
        CLI_CLUSTER_RUN(&a.run),
        CLI_CLUSTER_RUNS(&a.runs),
        { NULL },
    };
    g_auto(GStrv) words = NULL;
    int code;

    if (cli_options(verb, argc, argv, entries, &words, &code)) {
        code = fault(cli, words, &a);
    }
    g_free(a.run);
    g_free(a.runs);
    return code;
}
