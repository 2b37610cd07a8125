/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_execution.c: one execution of one scenario: set up, run the steps, end
 * in good order, hash.
 */
#include "run_execution.h"

#include <string.h>

#include "fabric.h"
#include "run_files.h"
#include "run_interrupt.h"
#include "run_net.h"
#include "run_pause.h"
#include "runtime.h"

G_DEFINE_QUARK(outrigger - runtime - error - quark, runtime_error)

#define ENGINE_STREAM "engine"

/* ---- set-up ------------------------------------------------------------ */

static void hash_engine_bytes(void *opaque, const char *bytes, size_t len)
{
    trace_hash_add(opaque, ENGINE_STREAM, bytes, len);
}

static void log_metric(void *opaque, const Metric *m)
{
    Execution *x = opaque;

    if (x->quiet_metrics) {
        return;
    }
    event_log_begin(x->events, x->now_ps, "metric", NULL);
    event_log_text(x->events, "metric", m->name);
    switch (m->value.unit) {
    case UNIT_TEXT:
        event_log_text(x->events, "value", m->value.text);
        break;
    case UNIT_BOOL:
        event_log_bool(x->events, "value", m->value.number);
        break;
    default:
        event_log_int(x->events, "value", m->value.number);
    }
    event_log_text(x->events, "unit", unit_base_name(m->value.unit));
    event_log_end(x->events);
}

static void tick(void *opaque)
{
    Execution *x = opaque;

    progress_tick(x->progress);
}

/* NetWatchFn. */
static bool check_hosts(void *opaque, GError **error)
{
    Execution *x = opaque;

    progress_tick(x->progress);
    for (unsigned i = 0; i < x->nodes->len; i++) {
        RunNode *n = g_ptr_array_index(x->nodes, i);

        if (!host_check(n->host, error)) {
            return false;
        }
    }
    return true;
}

static bool captures_waves(const Scenario *scn, const char *node)
{
    const GPtrArray *waves = scn->capture->waves;

    for (unsigned i = 0; i < waves->len; i++) {
        if (strcmp(g_ptr_array_index(waves, i), node) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * Hosts that meet in lockstep are pinned in groups, one a CPU: handing over
 * between two processes of one CPU is cheap, waking another CPU is not. The engine
 * goes with the first host.
 */
static int cpu_of(const Execution *x, unsigned index)
{
    unsigned cpus = g_get_num_processors();
    bool together =
        x->scn->hosts->len > 1 && x->scn->time->mode != SCN_MODE_WALL;

    if (x->cpu < 0) {
        return together ? (int)(index % cpus) : -1;
    }
    return together ? (int)(((unsigned)x->cpu + index) % cpus) : x->cpu;
}

static bool add_node(Execution *x, const ScnHost *scn, GError **error)
{
    unsigned index = x->nodes->len;
    HostEnv env = { .scenario = x->scn,
                    .install = x->install,
                    .dir = x->dir,
                    .sockets = run_scratch_sockets(x->scratch),
                    .shm = run_scratch_shm(x->scratch),
                    .net = x->net,
                    .index = index,
                    .cpu = cpu_of(x, index),
                    .waves = captures_waves(x->scn, scn->node.name),
                    .tick = tick,
                    .opaque = x };
    g_autofree char *waves = g_build_filename(x->dir, "waves", NULL);
    Host *host;

    if (env.waves && !run_files_mkdir(waves, error)) {
        return false;
    }
    host = host_new(scn, &env, error);
    if (!host) {
        return false;
    }
    g_ptr_array_add(x->nodes, run_node_new(host));
    return true;
}

static bool add_all(Execution *x, GError **error)
{
    for (unsigned i = 0; i < x->scn->hosts->len; i++) {
        if (!add_node(x, g_ptr_array_index(x->scn->hosts, i), error)) {
            return false;
        }
    }
    for (unsigned i = 0; i < x->scn->steps->len; i++) {
        g_ptr_array_add(x->steps,
                        step_run_new(x, g_ptr_array_index(x->scn->steps, i)));
    }
    return true;
}

Execution *execution_new(const Scenario *scn, const RunOptions *options,
                         const HostInstall *install, const RunScratch *scratch,
                         Progress *progress, const char *dir, int cpu,
                         GError **error)
{
    g_autoptr(Execution) x = g_new0(Execution, 1);

    x->scn = scn;
    x->options = options;
    x->install = install;
    x->scratch = scratch;
    x->progress = progress;
    x->dir = g_strdup(dir);
    x->cpu = cpu;
    x->nodes = g_ptr_array_new_with_free_func((GDestroyNotify)run_node_free);
    x->steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_run_free);
    x->loads = g_ptr_array_new();
    x->timers = run_timers_new();
    x->hash = trace_hash_new();
    x->metrics = metrics_store_new(log_metric, x);
    x->begin_wall_us = g_get_monotonic_time();
    x->net = net_new(scn, run_scratch_shm(scratch), error);
    if (!x->net || !run_files_mkdir(dir, error)) {
        return NULL;
    }
    net_set_cpu(x->net, cpu_of(x, 0));
    x->events = event_log_open(dir, scn->capture->trace, hash_engine_bytes,
                               x->hash, error);
    if (!x->events || !add_all(x, error)) {
        return NULL;
    }
    x->tap = run_tap_new(scn, dir, error);
    if (!x->tap) {
        return NULL;
    }
    net_set_watch(x->net, check_hosts, x);
    net_set_tap(x->net, run_tap_frame, run_tap_comment, x->tap);
    x->run_net = run_net_new(x, error);
    if (!x->run_net) {
        return NULL;
    }
    return g_steal_pointer(&x);
}

void execution_free(Execution *x)
{
    if (!x) {
        return;
    }
    g_ptr_array_unref(x->steps);
    g_ptr_array_unref(x->nodes);
    if (x->net) {
        net_write_counters(x->net, x->dir);
    }
    net_free(x->net);
    run_tap_free(x->tap);
    run_net_free(x->run_net);
    g_ptr_array_unref(x->loads);
    g_array_unref(x->timers);
    event_log_close(x->events, NULL);
    trace_hash_free(x->hash);
    metrics_store_free(x->metrics);
    g_free(x->dir);
    g_free(x);
}

/* ---- the run ----------------------------------------------------------- */

static bool run_steps(Execution *x, GError **error)
{
    unsigned done = 0;
    bool ok = true;

    for (unsigned i = 0; ok && !x->stopped && i < x->steps->len; i++) {
        StepRun *s = g_ptr_array_index(x->steps, i);

        ok = step_run(s, error);
        done += s->status == STEP_OK;
    }
    metrics_store_set_u64(x->metrics, x->now_ps, "run", "sim_ps", UNIT_DURATION,
                          x->now_ps);
    metrics_store_set_u64(x->metrics, x->now_ps, "run", "steps_count",
                          UNIT_COUNT, done);
    return ok;
}

static bool write_registers(RunNode *n, GError **error)
{
    g_autofree char *path =
        g_build_filename(host_dir(n->host), "regs-final.json", NULL);
    g_autofree char *text =
        n->registers ? json_to_string(n->registers, TRUE) : NULL;

    return !text || g_file_set_contents(path, text, -1, error);
}

static bool end_node(Execution *x, RunNode *n, GError **error)
{
    return run_node_quit(x, n, error) && write_registers(n, error) &&
           run_node_final_metrics(x, n, error);
}

static bool end_nodes(Execution *x, GError **error)
{
    bool ok = true;

    for (unsigned i = 0; i < x->nodes->len; i++) {
        GError *local = NULL;

        if (!end_node(x, g_ptr_array_index(x->nodes, i), &local)) {
            if (ok) {
                g_propagate_error(error, local);
            } else {
                g_clear_error(&local);
            }
            ok = false;
        }
    }
    return ok;
}

/* ---- the hash ---------------------------------------------------------- */

static bool hash_file(Execution *x, RunNode *n, const char *stream,
                      const char *file, GError **error)
{
    g_autofree char *name =
        g_strdup_printf("%s/%s", host_name(n->host), stream);
    g_autofree char *path = g_build_filename(host_dir(n->host), file, NULL);

    return trace_hash_add_file(x->hash, name, path, error);
}

static bool hash_node(Execution *x, RunNode *n, GError **error)
{
    g_autofree char *ram = g_build_filename(host_dir(n->host), "ram", NULL);
    g_autofree char *pages =
        g_build_filename(host_dir(n->host), "ram.pages", NULL);
    g_autofree char *name = g_strdup_printf("%s/ram", host_name(n->host));

    for (unsigned i = 1; i <= host_processes(n->host); i++) {
        g_autofree char *file = host_args_events_name(i);

        if (!hash_file(x, n, "card", file, error)) {
            return false;
        }
    }
    if (!hash_file(x, n, "console", "console.log", error) ||
        !hash_file(x, n, "agent", "agent.out", error)) {
        return false;
    }
    return !host_processes(n->host) ||
           trace_hash_add_ram(x->hash, name, ram, pages, error);
}

/* All counters of the network. */
static void hash_fabric(Execution *x)
{
    const struct Fabric *f = net_fabric(x->net);
    g_autofree char *text = f ? fabric_dump(f) : NULL;

    if (text) {
        trace_hash_add(x->hash, "fabric", text, strlen(text));
    }
}

static bool hash_all(Execution *x, GError **error)
{
    hash_fabric(x);
    for (unsigned i = 0; i < x->nodes->len; i++) {
        if (!hash_node(x, g_ptr_array_index(x->nodes, i), error) ||
            !run_tap_hash(x->tap, i, x->hash, error)) {
            return false;
        }
    }
    return true;
}

/* After these, hosts cannot be talked to in good order any more. */
static bool is_fatal(const GError *e)
{
    return e && !g_error_matches(e, RUNTIME_ERROR, RUNTIME_ERROR_BROKEN) &&
           !g_error_matches(e, RUNTIME_ERROR, RUNTIME_ERROR_LIMIT);
}

/* Everything that is done however the steps went. */
static bool wind_up(Execution *x, bool fatal, GError **error)
{
    bool ok = end_nodes(x, error);

    run_net_measure(x);
    ok = run_net_write(x, ok ? error : NULL) && ok;
    ok = run_tap_finish(x->tap, ok ? error : NULL) && ok;
    if (ok && !fatal) {
        ok = hash_all(x, error);
    }
    return event_log_flush(x->events, ok ? error : NULL) && ok;
}

bool execution_end(Execution *x, GError **error)
{
    bool ok = wind_up(x, true, error);

    x->end_wall_us = g_get_monotonic_time();
    return ok;
}

bool execution_run(Execution *x, GError **error)
{
    GError *early = NULL;
    GError *late = NULL;

    run_steps(x, &early);
    if (x->stopped && !early) {
        run_pause(x);
    }
    wind_up(x, is_fatal(early), &late);
    x->end_wall_us = g_get_monotonic_time();
    /* A fatal failure explains what goes wrong after it; any other one does
     * not matter beside a testbed that fails. */
    if (late && !is_fatal(early)) {
        g_clear_error(&early);
        early = g_steal_pointer(&late);
    }
    g_clear_error(&late);
    if (early) {
        g_propagate_error(error, early);
        return false;
    }
    return true;
}
