/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_single.c: one execution from set-up to its files.
 */
#include "run_single.h"

#include <string.h>

#include "report.h"
#include "run_dir.h"
#include "run_files.h"
#include "runtime.h"

#define TAIL_LINES 8

static bool worth_keeping(const RunContext *c, const RunResult *r)
{
    if (c->options->keep) {
        return true;
    }
    return r->exit_code == EXIT_BROKEN || r->exit_code == EXIT_TESTBED;
}

/* RAM outlives the execution only if somebody wants to see it; it lies in
 * shared memory until then. */
static void keep_ram(const RunContext *c, const Scenario *scn, RunResult *r)
{
    GError *local = NULL;

    if (!worth_keeping(c, r)) {
        return;
    }
    if (!run_dir_keep(r->dir, scn, &local)) {
        progress_note(c->progress, local->message);
        g_error_free(local);
    }
}

static RunResult *judge(const RunContext *c, const Scenario *scn, Execution *x,
                        const GError *error)
{
    RunResult *r = run_result_new(x, error);
    GError *late = NULL;
    JsonObject *versions =
        json_object_get_object_member(r->summary, "versions");

    if (!run_csv_write(x, &late) || !event_log_flush(x->events, &late) ||
        !run_dir_write_scenario(x->dir, scn, versions, &late)) {
        if (r->verdict != RUN_ERROR) {
            run_result_set(r, RUN_ERROR, EXIT_TESTBED, late->message);
        }
        g_error_free(late);
    }
    keep_ram(c, scn, r);
    return r;
}

RunResult *run_single(const RunContext *c, const Scenario *scn, const char *dir,
                      const char *part, int cpu)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Execution) x = NULL;
    RunResult *r;

    progress_begin(c->progress, scn->name, part, scn->seed, scn->steps->len);
    if (run_files_mkdir(dir, &error) &&
        run_dir_write_scenario(dir, scn, NULL, &error)) {
        x = execution_new(scn, c->options, c->install, c->scratch, c->progress,
                          dir, cpu, &error);
    }
    if (x) {
        execution_run(x, &error);
        r = judge(c, scn, x, error);
    } else {
        r = run_result_failed(scn, c->options, dir, error);
    }
    progress_end(c->progress);
    return r;
}

bool run_single_tidy(const RunContext *c, const Scenario *scn, RunResult *r,
                     GError **error)
{
    bool ok = run_result_write(r, error) && report_write(r->dir, error);

    if (!worth_keeping(c, r)) {
        run_dir_discard(r->dir, scn);
    }
    return ok;
}

/* ---- for people -------------------------------------------------------- */

static void tell_tail(const RunContext *c, const char *dir, const char *node,
                      const char *file)
{
    g_autofree char *path = g_build_filename(dir, "nodes", node, file, NULL);
    g_autofree char *text = run_files_tail(path, TAIL_LINES);
    g_autofree char *head = g_strdup_printf("end of nodes/%s/%s:", node, file);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    if (!text[0]) {
        return;
    }
    progress_note(c->progress, head);
    for (unsigned i = 0; lines[i]; i++) {
        g_autofree char *line = g_strconcat("  ", lines[i], NULL);

        progress_note(c->progress, line);
    }
}

static void tell_tails(const RunContext *c, const Scenario *scn,
                       const RunResult *r)
{
    for (unsigned i = 0; i < scn->hosts->len; i++) {
        const ScnNode *node = g_ptr_array_index(scn->hosts, i);

        tell_tail(c, r->dir, node->name, "console.log");
        tell_tail(c, r->dir, node->name, "qemu.log");
    }
}

static void tell_expectations(const RunContext *c, const RunResult *r)
{
    for (unsigned i = 0; i < r->expectations->len; i++) {
        const ExpectResult *e = g_ptr_array_index(r->expectations, i);
        g_autofree char *place = scenario_place(&e->expect->obj, NULL);
        g_autofree char *line = NULL;

        if (!e->held) {
            line = g_strdup_printf("expect %s: %s: %s (%s)", e->expect->id,
                                   e->expect->predicate.metric, e->text, place);
            progress_fail(c->progress, line, NULL);
        }
    }
}

void run_single_tell(const RunContext *c, const Scenario *scn,
                     const RunResult *r)
{
    if (r->verdict == RUN_HELD) {
        return;
    }
    if (r->verdict == RUN_BROKEN && r->completed) {
        tell_expectations(c, r);
        return;
    }
    progress_fail(c->progress, r->reason, NULL);
    if (r->exit_code == EXIT_TESTBED || r->exit_code == EXIT_BROKEN) {
        tell_tails(c, scn, r);
    }
}
