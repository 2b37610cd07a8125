/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_result.c: judges an execution.
 */
#include "run_result.h"

#include "runtime.h"

const char *run_verdict_name(RunVerdict verdict)
{
    static const char *const names[] = { "held", "broken", "error" };

    return names[verdict];
}

/* ---- verdict ----------------------------------------------------------- */

static int exit_code_of(const GError *e)
{
    if (e->domain != RUNTIME_ERROR) {
        return EXIT_TESTBED;
    }
    switch ((RuntimeError)e->code) {
    case RUNTIME_ERROR_BROKEN:
    case RUNTIME_ERROR_LIMIT:
        return EXIT_BROKEN;
    case RUNTIME_ERROR_INVALID:
        return EXIT_USAGE;
    case RUNTIME_ERROR_PREREQUISITE:
        return EXIT_SKIPPED;
    case RUNTIME_ERROR_INTERRUPTED:
        return EXIT_INTERRUPTED;
    case RUNTIME_ERROR_TESTBED:
    case RUNTIME_ERROR_WALL_LIMIT:
        break;
    }
    return EXIT_TESTBED;
}

void run_result_set(RunResult *r, RunVerdict verdict, int exit_code,
                    const char *reason)
{
    r->verdict = verdict;
    r->exit_code = exit_code;
    if (reason) {
        g_free(r->reason);
        r->reason = g_strdup(reason);
    }
    json_object_set_string_member(r->summary, "verdict",
                                  run_verdict_name(verdict));
    json_object_set_int_member(r->summary, "exit_code", exit_code);
    json_object_set_string_member(r->summary, "reason", r->reason);
}

static void set_by_error(RunResult *r, const GError *error)
{
    int code = exit_code_of(error);

    run_result_set(r, code == EXIT_BROKEN ? RUN_BROKEN : RUN_ERROR, code,
                   error->message);
}

static char *expect_line(const ExpectResult *e)
{
    g_autofree char *place = scenario_place(&e->expect->obj, NULL);

    return g_strdup_printf("expect %s: %s: %s (%s)", e->expect->id,
                           e->expect->predicate.metric, e->text, place);
}

static void set_by_expectations(RunResult *r)
{
    const ExpectResult *broken = expect_first_broken(r->expectations);
    g_autofree char *line = broken ? expect_line(broken) : g_strdup("");

    run_result_set(r, broken ? RUN_BROKEN : RUN_HELD,
                   broken ? EXIT_BROKEN : EXIT_HELD, line);
}

static void log_expectations(Execution *x, const RunResult *r)
{
    for (unsigned i = 0; i < r->expectations->len; i++) {
        const ExpectResult *e = g_ptr_array_index(r->expectations, i);

        event_log_begin(x->events, x->now_ps, "expect", NULL);
        event_log_text(x->events, "id", e->expect->id);
        event_log_bool(x->events, "held", e->held);
        event_log_end(x->events);
    }
}

/* ---- results ----------------------------------------------------------- */

static RunResult *result_new(const Scenario *scn, const RunOptions *options,
                             const char *dir)
{
    RunResult *r = g_new0(RunResult, 1);

    r->dir = g_strdup(dir);
    r->reason = g_strdup("");
    r->trace_hash = g_strdup("");
    r->summary = run_summary_new(scn, options);
    r->expectations =
        g_ptr_array_new_with_free_func((GDestroyNotify)expect_result_free);
    return r;
}

RunResult *run_result_failed(const Scenario *scn, const RunOptions *options,
                             const char *dir, const GError *error)
{
    RunResult *r = result_new(scn, options, dir);

    set_by_error(r, error);
    return r;
}

RunResult *run_result_new(Execution *x, const GError *error)
{
    RunResult *r = result_new(x->scn, x->options, x->dir);

    r->completed = !error && !x->stopped;
    if (!x->stopped) {
        g_ptr_array_unref(r->expectations);
        r->expectations = expect_judge_all(x->scn, x->metrics);
    }
    g_free(r->trace_hash);
    r->trace_hash = trace_hash_value(x->hash);
    log_expectations(x, r);
    if (error) {
        set_by_error(r, error);
    } else if (x->stopped) {
        run_result_set(r, RUN_HELD, EXIT_HELD,
                       "stopped by --until; nothing was judged");
    } else {
        set_by_expectations(r);
    }
    run_summary_fill(r->summary, x, r);
    return r;
}

void run_result_free(RunResult *r)
{
    if (r) {
        g_ptr_array_unref(r->expectations);
        json_object_unref(r->summary);
        g_free(r->reason);
        g_free(r->trace_hash);
        g_free(r->dir);
        g_free(r);
    }
}

bool run_result_write(const RunResult *r, GError **error)
{
    g_autofree char *path = g_build_filename(r->dir, "summary.json", NULL);
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
    g_autofree char *text = NULL;

    json_node_set_object(root, r->summary);
    text = json_to_string(root, TRUE);
    return g_file_set_contents(path, text, -1, error);
}
