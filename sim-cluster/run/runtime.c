/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * runtime.c: one scenario as the command line asks for it: the base run, its
 * repetitions, its controls; then the last word.
 */
#include "runtime.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "controls.h"
#include "net.h"
#include "run_dir.h"
#include "run_interrupt.h"
#include "run_repeat.h"
#include "run_seeds.h"
#include "run_single.h"

static bool can_run(const Scenario *scn, const RunOptions *options,
                    GError **error)
{
    const char *why = NULL;

    if (options->controls && scn->controls->len == 0) {
        why = "--controls: the scenario has no controls";
    } else if (options->repeat > 1 && scn->time->mode == SCN_MODE_WALL) {
        why = "--repeat: only simulated time repeats; this run's mode is "
              "wall";
    } else if (options->repeat > 1 && scn->time->quantum_ps) {
        why = "--repeat: with `time.quantum` messages come late by chance, "
              "so runs differ; leave it out";
    } else if (options->until_ps &&
               (options->controls || options->repeat > 1)) {
        why = "--until judges nothing, so it goes with neither --controls "
              "nor --repeat";
    }
    if (why) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID, "%s", why);
    }
    return why == NULL && net_check(scn, error);
}

/* Failures before there is a run directory. */
static int fail_early(Progress *p, const GError *error)
{
    progress_fail(p, error->message, NULL);
    if (g_error_matches(error, RUNTIME_ERROR, RUNTIME_ERROR_PREREQUISITE)) {
        return EXIT_SKIPPED;
    }
    if (g_error_matches(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID)) {
        return EXIT_USAGE;
    }
    return EXIT_TESTBED;
}

static void add_skipped_controls(const Scenario *scn, RunResult *base)
{
    JsonArray *list = json_object_get_array_member(base->summary, "skipped");

    for (unsigned i = 0; i < scn->controls->len; i++) {
        const ScnControl *control = g_ptr_array_index(scn->controls, i);
        g_autofree char *what = g_strdup_printf("control %s", control->name);
        JsonObject *o = json_object_new();

        json_object_set_string_member(o, "what", what);
        json_object_set_string_member(o, "reason", "the base run did not hold");
        json_array_add_object_element(list, o);
    }
}

/* The base run must hold for anything else to mean something. */
static void run_rest(const RunContext *c, const Scenario *scn, RunResult *base)
{
    if (c->options->repeat > 1 && base->verdict != RUN_ERROR) {
        run_repeat(c, scn, base, c->options->repeat);
    }
    if (c->options->seeds && c->options->seeds->len &&
        base->verdict != RUN_ERROR) {
        run_seeds(c, scn, base, c->options->seeds);
    }
    if (!c->options->controls) {
        return;
    }
    if (base->verdict == RUN_HELD) {
        controls_run(c, scn, base);
    } else {
        add_skipped_controls(scn, base);
    }
}

/* The path as a person would write it from here. */
static char *shown_path(const char *path)
{
    g_autofree char *cwd = g_get_current_dir();
    size_t len = strlen(cwd);

    if (strncmp(path, cwd, len) == 0 && path[len] == '/') {
        return g_strdup(path + len + 1);
    }
    return g_strdup(path);
}

static void last_word(const RunContext *c, const RunResult *base)
{
    g_autofree char *dir = shown_path(base->dir);

    if (base->verdict != RUN_HELD) {
        g_autofree char *page =
            g_build_filename(base->dir, "report.html", NULL);
        g_autofree char *report =
            g_strdup_printf("      report   %s/report.html", dir);
        g_autofree char *replay = g_strdup_printf(
            "      replay   %s",
            json_object_get_string_member(base->summary, "replay"));

        if (g_file_test(page, G_FILE_TEST_EXISTS)) { /* the disk may be full */
            progress_note(c->progress, report);
        }
        progress_note(c->progress, replay);
    } else {
        progress_note(c->progress,
                      base->completed ? "held" : "stopped, nothing was judged");
    }
    fflush(stderr);
    printf("%s\n", dir);
    fflush(stdout);
}

static int run_in(const RunContext *c, const Scenario *scn, const char *dir)
{
    g_autoptr(RunResult) base = run_single(c, scn, dir, "", -1);
    g_autoptr(GError) error = NULL;

    run_single_tell(c, scn, base);
    run_rest(c, scn, base);
    if (!run_single_tidy(c, scn, base, &error)) {
        progress_fail(c->progress, error->message, NULL);
        run_result_set(base, RUN_ERROR, EXIT_TESTBED, error->message);
    }
    last_word(c, base);
    return base->exit_code;
}

static int run_prepared(const Scenario *scn, const RunOptions *options,
                        Progress *progress)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HostInstall) install = NULL;
    g_autoptr(RunScratch) scratch = NULL;
    g_autofree char *dir = NULL;
    RunContext c = { .options = options, .progress = progress };

    if (!can_run(scn, options, &error) ||
        !(install = host_install_find(options->root, scn, &error)) ||
        !(scratch = run_scratch_new(&error)) ||
        !(dir = run_dir_create(options->runs_dir, scn->name, &error))) {
        return fail_early(progress, error);
    }
    c.install = install;
    c.scratch = scratch;
    return run_in(&c, scn, dir);
}

int runtime_run(const Scenario *scn, const RunOptions *options)
{
    g_autoptr(Progress) progress = progress_new(options->progress, stderr);
    int code;

    if (!run_interrupt_begin(options->wall_limit_ns)) {
        progress_fail(progress, "cannot watch for signals", NULL);
        return EXIT_TESTBED;
    }
    code = run_prepared(scn, options, progress);
    run_interrupt_end();
    /* Also a signal that came while the report was written: loops around us
     * shall end, too. */
    return run_interrupt_wanted() ? EXIT_INTERRUPTED : code;
}
