/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_common.c: what several verbs share: options, messages, loading.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static void print_message(const char *format, va_list args)
{
    g_autofree char *text = g_strdup_vprintf(format, args);

    fprintf(stderr, "outrigger: %s\n", text);
}

int cli_usage(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_message(format, args);
    va_end(args);
    return EXIT_USAGE;
}

int cli_fail(int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_message(format, args);
    va_end(args);
    return code;
}

bool cli_need_root(const Cli *cli)
{
    if (!cli->root) {
        cli_usage("cannot find the project this program belongs to; set "
                  "OUTRIGGER_ROOT to its folder");
    }
    return cli->root != NULL;
}

/* A copy of @words without the first `--`, which GOption leaves there when an
 * argument behind it begins with '-'. */
static char **without_end_mark(char *const *words)
{
    char **copy = g_new0(char *, g_strv_length((char **)words) + 1);
    bool found = false;
    unsigned n = 0;

    for (unsigned i = 0; words[i]; i++) {
        if (!found && !strcmp(words[i], "--")) {
            found = true;
        } else {
            copy[n++] = g_strdup(words[i]);
        }
    }
    return copy;
}

bool cli_options(const CliVerb *verb, int argc, char **argv,
                 const GOptionEntry *entries, char ***ret_words, int *ret_exit)
{
    g_autofree char *arguments = g_strdup_printf(
        "%s - %s", verb->arguments ? verb->arguments : "", verb->summary);
    g_autoptr(GOptionContext) context =
        g_option_context_new(g_strstrip(arguments));
    g_autofree char *prgname = g_strdup_printf("outrigger %s", verb->name);
    g_auto(GStrv) words = g_new0(char *, (gsize)argc + 1);
    g_autoptr(GError) err = NULL;

    for (int i = 0; i < argc; i++) {
        words[i] = g_strdup(argv[i]);
    }
    g_set_prgname(prgname);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_description(context, verb->details);
    if (entries) {
        g_option_context_add_main_entries(context, entries, NULL);
    }
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            g_autofree char *help =
                g_option_context_get_help(context, TRUE, NULL);

            fputs(help, stdout);
            *ret_exit = EXIT_HELD;
            return false;
        }
    }
    if (!g_option_context_parse_strv(context, &words, &err)) {
        *ret_exit = cli_usage("%s; see `outrigger %s --help`", err->message,
                              verb->name);
        return false;
    }
    *ret_words = without_end_mark(words + 1);
    return true;
}

/* ---- options that change a scenario ----------------------------------------
 */

GOptionEntry *cli_sets_entries(CliSets *sets, const GOptionEntry *extra)
{
    const GOptionEntry own[] = {
        { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &sets->sets,
          "Override any value, e.g. nodes.host0.memory=512MiB or "
          "expect.ID.below=2ms",
          "PATH=VALUE" },
        { "seed", 0, 0, G_OPTION_ARG_STRING, &sets->seed,
          "Another seed: --set seed=N", "N" },
        { "mode", 0, 0, G_OPTION_ARG_STRING, &sets->mode,
          "lockstep, untimed or wall: --set time.mode=MODE", "MODE" },
        { "capture", 0, 0, G_OPTION_ARG_STRING_ARRAY, &sets->capture,
          "waves[:NODE] or trace: also record model waves or a timeline",
          "WHAT" },
        { "quick", 0, 0, G_OPTION_ARG_NONE, &sets->quick,
          "The scenario's quick form: shorter durations", NULL },
    };
    unsigned count = 0;
    GOptionEntry *all;

    while (extra && extra[count].long_name) {
        count++;
    }
    all = g_new0(GOptionEntry, G_N_ELEMENTS(own) + count + 1);
    memcpy(all, own, sizeof(own));
    for (unsigned i = 0; i < count; i++) {
        all[G_N_ELEMENTS(own) + i] = extra[i];
    }
    return all;
}

void cli_sets_clear(CliSets *sets)
{
    g_strfreev(sets->sets);
    g_strfreev(sets->capture);
    g_free(sets->seed);
    g_free(sets->mode);
    memset(sets, 0, sizeof(*sets));
}

/* Names of @s's nodes with a card, as a YAML list. */
static char *all_cards(const Scenario *s)
{
    GString *out = g_string_new("[");

    for (unsigned i = 0; i < s->nodes->len; i++) {
        const ScnNode *node = s->nodes->pdata[i];

        if (node->kind == SCN_NODE_HOST && ((const ScnHost *)node)->card) {
            g_string_append_printf(out, "%s%s", out->len > 1 ? ", " : "",
                                   node->name);
        }
    }
    g_string_append_c(out, ']');
    return g_string_free(out, FALSE);
}

/* --capture as overrides; needs the scenario to know "all nodes". */
static bool add_captures(GPtrArray *list, const CliSets *sets,
                         const Scenario *s)
{
    g_autoptr(GString) waves = g_string_new(NULL);

    for (unsigned i = 0; sets->capture && sets->capture[i]; i++) {
        const char *what = sets->capture[i];

        if (!strcmp(what, "trace")) {
            g_ptr_array_add(list, g_strdup("capture.trace=true"));
        } else if (!strcmp(what, "waves")) {
            g_autofree char *all = all_cards(s);

            g_ptr_array_add(list, g_strdup_printf("capture.waves=%s", all));
        } else if (g_str_has_prefix(what, "waves:") && what[6]) {
            g_string_append_printf(waves, "%s%s", waves->len ? ", " : "",
                                   what + strlen("waves:"));
        } else {
            cli_usage("no --capture '%s'; there are waves, waves:NODE and "
                      "trace",
                      what);
            return false;
        }
    }
    if (waves->len) {
        g_ptr_array_add(list,
                        g_strdup_printf("capture.waves=[%s]", waves->str));
    }
    return true;
}

static Scenario *load_with(const Cli *cli, const char *file,
                           const CliSets *sets, const GPtrArray *list)
{
    ScenarioOptions options = {
        .sets = (const char *const *)list->pdata,
        .quick = sets->quick,
        .root = cli->root,
    };
    g_autoptr(GError) err = NULL;
    Scenario *s = scenario_load(file, &options, &err);

    if (!s) {
        fprintf(stderr, "%s\n", err->message);
    }
    return s;
}

Scenario *cli_load(const Cli *cli, const char *file, const CliSets *sets)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    Scenario *s;

    if (sets->seed) {
        g_ptr_array_add(list, g_strdup_printf("seed=%s", sets->seed));
    }
    if (sets->mode) {
        g_ptr_array_add(list, g_strdup_printf("time.mode=%s", sets->mode));
    }
    for (unsigned i = 0; sets->sets && sets->sets[i]; i++) {
        g_ptr_array_add(list, g_strdup(sets->sets[i]));
    }
    g_ptr_array_add(list, NULL);
    s = load_with(cli, file, sets, list);
    if (!s || !sets->capture) {
        return s;
    }
    g_ptr_array_remove_index(list, list->len - 1);
    if (!add_captures(list, sets, s)) {
        scenario_free(s);
        return NULL;
    }
    g_ptr_array_add(list, NULL);
    scenario_free(s);
    return load_with(cli, file, sets, list);
}

static void append_option(GString *out, const char *option, const char *value)
{
    g_autofree char *quoted = value ? g_shell_quote(value) : NULL;
    bool plain = value && !value[strcspn(value, " '\"\\$`!*?[](){}<>|&;#~")];

    g_string_append_printf(out, " %s%s%s", option, value ? " " : "",
                           !value  ? ""
                           : plain ? value
                                   : quoted);
}

char *cli_sets_replay(const CliSets *sets)
{
    GString *out = g_string_new(NULL);

    if (sets->mode) {
        append_option(out, "--mode", sets->mode);
    }
    if (sets->quick) {
        append_option(out, "--quick", NULL);
    }
    for (unsigned i = 0; sets->sets && sets->sets[i]; i++) {
        append_option(out, "--set", sets->sets[i]);
    }
    for (unsigned i = 0; sets->capture && sets->capture[i]; i++) {
        append_option(out, "--capture", sets->capture[i]);
    }
    return g_string_free(out, FALSE);
}

/* ---- run folders
 * ------------------------------------------------------------- */

char *cli_run_dir(const Cli *cli, const char *word)
{
    g_autofree char *below =
        cli->root
            ? g_build_filename(cli->root, "runs", word ? word : "latest", NULL)
            : NULL;

    if (word && g_file_test(word, G_FILE_TEST_IS_DIR)) {
        return g_canonicalize_filename(word, NULL);
    }
    if (!word && g_file_test("runs/latest", G_FILE_TEST_IS_DIR)) {
        return g_canonicalize_filename("runs/latest", NULL);
    }
    if (below && g_file_test(below, G_FILE_TEST_IS_DIR)) {
        return g_steal_pointer(&below);
    }
    if (word) {
        cli_usage("no run '%s'", word);
    } else {
        cli_usage("no run yet: there is no runs/latest");
    }
    return NULL;
}

char *cli_runs_dir(const Cli *cli, const char *given)
{
    if (given && !*given) {
        cli_usage("--runs: which folder?");
        return NULL;
    }
    if (given) {
        return g_canonicalize_filename(given, NULL);
    }
    return cli_need_root(cli) ? g_build_filename(cli->root, "runs", NULL)
                              : NULL;
}

bool cli_progress(const char *word, ProgressMode *ret)
{
    static const char *const words[] = { "auto", "tty",  "plain",
                                         "json", "none", NULL };

    for (int i = 0; word && words[i]; i++) {
        if (!strcmp(words[i], word)) {
            *ret = (ProgressMode)i;
            return true;
        }
    }
    if (word) {
        cli_usage("no --progress '%s'; there are auto, tty, plain, json and "
                  "none",
                  word);
    }
    return !word;
}

bool cli_time(const char *option, const char *text, uint64_t *ret)
{
    g_autoptr(GError) err = NULL;
    int64_t value;

    if (!text) {
        return true;
    }
    if (!unit_parse(UNIT_DURATION, text, &value, &err)) {
        cli_usage("%s: %s", option, err->message);
        return false;
    }
    if (!value) {
        cli_usage("%s: more than nothing", option);
        return false;
    }
    *ret = (uint64_t)value;
    return true;
}
