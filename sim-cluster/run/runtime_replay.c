/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * runtime_replay.c: runs what a run directory describes once more and holds
 * the trace hash against the one that is written there.
 */
#include "runtime.h"

#include <stdio.h>
#include <string.h>

#include "report_data.h"
#include "run_dir.h"
#include "run_interrupt.h"
#include "run_repeat.h"
#include "run_single.h"

/* ---- what the run directory says --------------------------------------- */

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool refuse(GError **error, const char *format, ...)
{
    va_list ap;

    if (error) {
        va_start(ap, format);
        *error = g_error_new_valist(RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                                    format, ap);
        va_end(ap);
    }
    return false;
}

static const char *text_of(JsonObject *o, const char *name)
{
    return report_json_text(o, name, "");
}

static JsonObject *read_summary(const char *run_dir, GError **error)
{
    g_autofree char *path = g_build_filename(run_dir, "summary.json", NULL);
    g_autofree char *text = NULL;
    g_autoptr(JsonNode) node = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL) ||
        !(node = json_from_string(text, NULL)) ||
        !JSON_NODE_HOLDS_OBJECT(node)) {
        refuse(error, "%s has no summary.json of a run that ended", run_dir);
        return NULL;
    }
    return json_node_dup_object(node);
}

/* Words of the command line that the run wrote down. */
static char **replay_words(JsonObject *summary)
{
    char **words = NULL;

    g_shell_parse_argv(text_of(summary, "replay"), NULL, &words, NULL);
    return words ? words : g_new0(char *, 1);
}

/* The value of @option there, or NULL. */
static char *replay_option(JsonObject *summary, const char *option)
{
    g_auto(GStrv) words = replay_words(summary);

    for (unsigned i = 0; words[i]; i++) {
        if (strcmp(words[i], option) == 0) {
            return g_strdup(words[i + 1]);
        }
    }
    return NULL;
}

/* resolved.yaml has paths relative to where the scenario was. */
static char *scenario_place_of(JsonObject *summary, const char *run_dir)
{
    g_auto(GStrv) words = replay_words(summary);
    g_autofree char *folder = NULL;

    if (words[0] && words[1] && words[2] &&
        g_file_test(words[2], G_FILE_TEST_EXISTS)) {
        folder = g_path_get_dirname(words[2]);
        return g_build_filename(folder, "resolved.yaml", NULL);
    }
    return g_build_filename(run_dir, "resolved.yaml", NULL);
}

static Scenario *read_scenario(JsonObject *summary, const char *run_dir,
                               const char *root, GError **error)
{
    g_autofree char *path = g_build_filename(run_dir, "resolved.yaml", NULL);
    g_autofree char *place = scenario_place_of(summary, run_dir);
    const ScenarioOptions options = { .root = root };
    g_autoptr(GError) local = NULL;
    g_autofree char *text = NULL;
    Scenario *scn = NULL;
    gsize len = 0;

    if (g_file_get_contents(path, &text, &len, &local)) {
        scn = scenario_load_text(place, text, len, &options, &local);
    }
    if (!scn) {
        refuse(error, "%s", local->message);
    } else if (scn->time->mode == SCN_MODE_WALL) {
        refuse(error,
               "%s ran in wall time, which never repeats; replay needs "
               "simulated time",
               run_dir);
        g_clear_pointer(&scn, scenario_free);
    } else if (scn->time->quantum_ps) {
        refuse(error,
               "%s ran in relaxed windows (`time.quantum`), which do not "
               "repeat; replay needs exact ones",
               run_dir);
        g_clear_pointer(&scn, scenario_free);
    }
    return scn;
}

/* ---- versions ---------------------------------------------------------- */

static bool same_version(JsonObject *then, const char *what, const char *now,
                         GError **error)
{
    const char *old = text_of(then, what);

    return strcmp(old, now) == 0 ||
           refuse(error,
                  "the run was made with %s '%s', this is '%s': hashes do not "
                  "compare",
                  what, old, now);
}

/* What is known without starting a QEMU; its own version is compared after
 * the run. */
static bool check_install(JsonObject *summary, const HostInstall *install,
                          GError **error)
{
    JsonObject *then = report_json_object(summary, "versions");

    if (!then || !text_of(summary, "trace_hash")[0]) {
        return refuse(error, "the run has no trace hash to compare with: %s",
                      text_of(summary, "reason"));
    }
    return same_version(then, "project", OUTRIGGER_VERSION, error) &&
           same_version(then, "kernel", install->kernel_release, error) &&
           same_version(then, "guest", install->guest_key, error);
}

static bool check_qemu(JsonObject *summary, const RunResult *r, GError **error)
{
    JsonObject *now = json_object_get_object_member(r->summary, "versions");
    const char *qemu = now ? text_of(now, "qemu") : "";

    return !qemu[0] || same_version(report_json_object(summary, "versions"),
                                    "qemu", qemu, error);
}

/* ---- comparing --------------------------------------------------------- */

/* The first stream whose hash differs; NULL: none. */
static char *differing_stream(JsonObject *then, const RunResult *r)
{
    JsonObject *old = report_json_object(then, "hashes");
    JsonObject *new = json_object_get_object_member(r->summary, "hashes");
    g_autoptr(GList) names = old ? json_object_get_members(old) : NULL;

    for (GList *l = names; l; l = l->next) {
        if (strcmp(text_of(old, l->data), text_of(new, l->data)) != 0) {
            return g_strdup_printf("%s (what it was is not kept)",
                                   (const char *)l->data);
        }
    }
    return NULL;
}

static int compare(const RunContext *c, const Scenario *scn, JsonObject *then,
                   const char *run_dir, const RunResult *r)
{
    const char *hash = text_of(then, "trace_hash");
    g_autofree char *where = NULL;
    g_autofree char *line = NULL;

    if (strcmp(hash, r->trace_hash) == 0) {
        line = g_strdup_printf("equal: trace hash %s", hash);
        progress_note(c->progress, line);
        return EXIT_HELD;
    }
    where = run_repeat_difference(scn, run_dir, r->dir);
    if (!where) {
        where = differing_stream(then, r);
    }
    line = g_strdup_printf("the replay differs: %s",
                           where ? where : "in parts that are not kept");
    progress_fail(c->progress, line, NULL);
    return EXIT_BROKEN;
}

/* ---- all --------------------------------------------------------------- */

static int fail_with(Progress *p, const GError *error)
{
    progress_fail(p, error->message, NULL);
    if (g_error_matches(error, RUNTIME_ERROR, RUNTIME_ERROR_PREREQUISITE)) {
        return EXIT_SKIPPED;
    }
    return g_error_matches(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID)
               ? EXIT_USAGE
               : EXIT_TESTBED;
}

static int judge(const RunContext *c, const Scenario *scn, JsonObject *then,
                 const char *run_dir, RunResult *r)
{
    g_autofree char *quoted = g_shell_quote(run_dir);
    g_autofree char *replay = g_strdup_printf("outrigger replay %s", quoted);
    g_autoptr(GError) error = NULL;
    int code = r->exit_code;

    json_object_set_string_member(r->summary, "replay", replay);
    if (!check_qemu(then, r, &error)) {
        code = fail_with(c->progress, error);
    } else if (r->verdict == RUN_ERROR &&
               strcmp(r->trace_hash, text_of(then, "trace_hash")) != 0) {
        run_single_tell(c, scn, r);
    } else if (c->options->until_ps && c->options->hold) {
        code = EXIT_HELD; /* only part of it was run */
    } else {
        code = compare(c, scn, then, run_dir, r);
    }
    g_clear_error(&error);
    if (!run_single_tidy(c, scn, r, &error)) {
        code = fail_with(c->progress, error);
    }
    return code;
}

static int replay(const char *run_dir, RunOptions *options, Progress *progress)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonObject) then = read_summary(run_dir, &error);
    g_autoptr(Scenario) scn = NULL;
    g_autoptr(HostInstall) install = NULL;
    g_autoptr(RunScratch) scratch = NULL;
    g_autoptr(RunResult) r = NULL;
    g_autofree char *dir = NULL;
    g_autofree char *until = NULL;
    RunContext c = { .options = options, .progress = progress };
    int64_t until_ps;
    int code;

    if (!then || !(scn = read_scenario(then, run_dir, options->root, &error)) ||
        !(install = host_install_find(options->root, scn, &error)) ||
        !check_install(then, install, &error) ||
        !(scratch = run_scratch_new(&error)) ||
        !(dir = run_dir_create(options->runs_dir, scn->name, &error))) {
        return fail_with(progress, error);
    }
    until = replay_option(then, "--until");
    if (!options->until_ps && until &&
        unit_parse(UNIT_DURATION, until, &until_ps, NULL)) {
        options->until_ps = (uint64_t)until_ps; /* the run ended there */
    }
    c.install = install;
    c.scratch = scratch;
    r = run_single(&c, scn, dir, "replay", -1);
    code = judge(&c, scn, then, run_dir, r);
    fflush(stderr);
    printf("%s\n", dir);
    return code;
}

int runtime_replay(const char *run_dir, const RunOptions *given)
{
    g_autoptr(Progress) progress = progress_new(given->progress, stderr);
    RunOptions options = *given;
    int code;

    options.hold = options.until_ps != 0;
    if (!run_interrupt_begin(options.wall_limit_ns)) {
        progress_fail(progress, "cannot watch for signals", NULL);
        return EXIT_TESTBED;
    }
    code = replay(run_dir, &options, progress);
    run_interrupt_end();
    return code;
}
