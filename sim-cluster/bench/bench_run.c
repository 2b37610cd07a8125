/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_run.c: runs one case and measures it from outside: the wall times of
 * the engine's own events (wall.ndjson) and the CPU time of the QEMU process.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "bench_proc.h"
#include "report_event.h"

#define SAMPLE_US 20000
#define NS_PER_S 1000000000.0
#define QEMU_NAME "qemu-system" /* how the process calls itself */
#define EXIT_PREREQUISITE 77

/* ---- CPU time of a process below ours ------------------------------------ */

/* The QEMU process that descends from @root; 0: there is none (yet). */
static pid_t find_qemu(pid_t root)
{
    g_autoptr(GHashTable) all = bench_proc_all();
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, all);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const BenchProc *qemu = value;

        if (g_str_has_prefix(qemu->name, QEMU_NAME) &&
            bench_proc_is_below(all, qemu, root)) {
            return qemu->pid;
        }
    }
    return 0;
}

/* Appends a BenchCpu while @qemu lives. */
static bool sample_cpu(pid_t qemu, GArray *cpu)
{
    g_autofree char *pid = g_strdup_printf("%d", (int)qemu);
    BenchCpu one = { .at_wall_ns = (uint64_t)g_get_real_time() * 1000 };
    BenchProc stat;

    if (!bench_proc_read(pid, &stat) ||
        !g_str_has_prefix(stat.name, QEMU_NAME)) {
        return false;
    }
    one.cpu_ns = stat.cpu_ns;
    g_array_append_val(cpu, one);
    return true;
}

/* ---- a run --------------------------------------------------------------- */

static bool spawn(const char *const *argv, const char *log_path, GPid *ret_pid,
                  GError **errp)
{
    int log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    g_autoptr(GError) err = NULL;
    bool ok;

    if (log < 0) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_FAILED, "%s: %s", log_path,
                    g_strerror(errno));
        return false;
    }
    ok = g_spawn_async_with_fds(
        NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
        bench_proc_dies_with_us, NULL, ret_pid, -1, log, log, &err);
    close(log);
    if (!ok) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_PREREQUISITE, "%s",
                    err->message);
    }
    return ok;
}

/* Waits for @child and samples its QEMU meanwhile. Returns its exit code. */
static int watch(GPid child, GArray *cpu)
{
    pid_t qemu = 0;
    int status;

    while (waitpid(child, &status, WNOHANG) == 0) {
        qemu = qemu ? qemu : find_qemu(child);
        if (qemu && !sample_cpu(qemu, cpu)) {
            qemu = 0;
        }
        g_usleep(SAMPLE_US);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool bench_run_case(const Bench *b, BenchCase *c, const char *program,
                    const char *runs_dir, GError **errp)
{
    const char *const argv[] = { program,  "run",    c->scenario,
                                 "--runs", runs_dir, "--progress=plain",
                                 NULL };
    g_autoptr(GArray) cpu = g_array_new(FALSE, FALSE, sizeof(BenchCpu));
    g_autofree char *log = g_strdup_printf("%s/%s.log", runs_dir, c->name);
    g_autofree char *latest = g_build_filename(runs_dir, "latest", NULL);
    BenchSample sample;
    GPid child;
    int code;

    g_mkdir_with_parents(runs_dir, 0777);
    if (!spawn(argv, log, &child, errp)) {
        return false;
    }
    code = watch(child, cpu);
    g_spawn_close_pid(child);
    if (code != 0) {
        g_set_error(errp, BENCH_ERROR,
                    code == EXIT_PREREQUISITE ? BENCH_ERROR_PREREQUISITE
                                              : BENCH_ERROR_FAILED,
                    "%s: outrigger run exits %d; its output is in %s",
                    c->scenario, code, log);
        return false;
    }
    if (!bench_read_run(b, latest, cpu, &sample, errp)) {
        return false;
    }
    g_array_append_val(c->samples, sample);
    return true;
}

/* ---- what it has left ---------------------------------------------------- */

typedef struct Spans {
    const Bench *bench;
    uint64_t begin_seq[2], end_seq[2]; /* short, long; 0: not seen */
    uint64_t begin_wall_ns[2], end_wall_ns[2];
} Spans;

static bool on_event(void *opaque, const ReportEvent *ev)
{
    Spans *s = opaque;
    int which;

    if ((ev->kind != REPORT_EV_LOAD_BEGIN && ev->kind != REPORT_EV_LOAD_END) ||
        !ev->handle) {
        return true;
    }
    which = g_str_equal(ev->handle, s->bench->short_load)  ? 0
            : g_str_equal(ev->handle, s->bench->long_load) ? 1
                                                           : -1;
    if (which >= 0) {
        *(ev->kind == REPORT_EV_LOAD_BEGIN ? &s->begin_seq[which]
                                           : &s->end_seq[which]) = ev->seq;
    }
    return true;
}

static bool read_wall(const char *run_dir, Spans *s)
{
    g_autofree char *path = g_build_filename(run_dir, "wall.ndjson", NULL);
    FILE *file = fopen(path, "re");
    unsigned long long seq, wall_ns;
    int found = 0;

    while (file && fscanf(file, " {\"seq\":%llu,\"wall_ns\":%llu}", &seq,
                          &wall_ns) == 2) {
        for (int i = 0; i < 2; i++) {
            if (s->begin_seq[i] == seq) {
                s->begin_wall_ns[i] = wall_ns;
                found++;
            } else if (s->end_seq[i] == seq) {
                s->end_wall_ns[i] = wall_ns;
                found++;
            }
        }
    }
    if (file) {
        fclose(file);
    }
    return found == 4;
}

/* CPU time at @wall_ns, between the samples around it. */
static double cpu_at(const GArray *cpu, uint64_t wall_ns)
{
    const BenchCpu *before = NULL;

    for (guint i = 0; i < cpu->len; i++) {
        const BenchCpu *one = &g_array_index(cpu, BenchCpu, i);

        if (one->at_wall_ns >= wall_ns) {
            double part =
                before ? (double)(wall_ns - before->at_wall_ns) /
                             (double)(one->at_wall_ns - before->at_wall_ns)
                       : 0;
            uint64_t from = before ? before->cpu_ns : one->cpu_ns;

            return (double)from + part * (double)(one->cpu_ns - from);
        }
        before = one;
    }
    return before ? (double)before->cpu_ns : 0;
}

static bool metric(JsonObject *metrics, const char *load, const char *name,
                   double *ret, GError **errp)
{
    g_autofree char *path = g_strdup_printf("%s.%s", load, name);
    JsonNode *node = json_object_get_member(metrics, path);

    if (!node || !JSON_NODE_HOLDS_OBJECT(node)) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_FAILED,
                    "the run has not measured %s", path);
        return false;
    }
    *ret = (double)json_object_get_int_member_with_default(
        json_node_get_object(node), "value", 0);
    return true;
}

/* I/Os of the short and the long load, and the guest's own rate. */
static bool read_summary(const Bench *b, const char *run_dir, double ios[2],
                         double *ret_rate, GError **errp)
{
    g_autofree char *path = g_build_filename(run_dir, "summary.json", NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) err = NULL;
    JsonNode *root, *node = NULL;
    JsonObject *metrics;

    if (!json_parser_load_from_file(parser, path, &err)) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_FAILED, "%s: %s", path,
                    err->message);
        return false;
    }
    root = json_parser_get_root(parser);
    if (root && JSON_NODE_HOLDS_OBJECT(root)) {
        node = json_object_get_member(json_node_get_object(root), "metrics");
    }
    if (!node || !JSON_NODE_HOLDS_OBJECT(node)) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_FAILED,
                    "%s: there are no metrics", path);
        return false;
    }
    metrics = json_node_get_object(node);
    return metric(metrics, b->short_load, b->count, &ios[0], errp) &&
           metric(metrics, b->long_load, b->count, &ios[1], errp) &&
           metric(metrics, b->long_load, "read_iops", ret_rate, errp);
}

bool bench_read_run(const Bench *b, const char *run_dir, const GArray *cpu,
                    BenchSample *ret, GError **errp)
{
    g_autofree char *events = g_build_filename(run_dir, "events.ndjson", NULL);
    Spans s = { .bench = b };
    double ios[2], wall[2], busy[2], guest_iops, more;

    if (!read_summary(b, run_dir, ios, &guest_iops, errp) ||
        !report_events_read(events, on_event, &s, errp)) {
        return false;
    }
    if (!read_wall(run_dir, &s)) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_FAILED,
                    "%s: the log lacks the loads %s and %s", run_dir,
                    b->short_load, b->long_load);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        wall[i] = (double)(s.end_wall_ns[i] - s.begin_wall_ns[i]);
        busy[i] =
            cpu_at(cpu, s.end_wall_ns[i]) - cpu_at(cpu, s.begin_wall_ns[i]);
    }
    more = ios[1] - ios[0];
    if (more <= 0 || wall[1] <= wall[0] || busy[1] <= busy[0]) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_FAILED,
                    "%s: the load %s does not do more than %s", run_dir,
                    b->long_load, b->short_load);
        return false;
    }
    ret->value[BENCH_IOPS_PER_WALL_S] = more * NS_PER_S / (wall[1] - wall[0]);
    ret->value[BENCH_IOPS_PER_CPU_S] = more * NS_PER_S / (busy[1] - busy[0]);
    ret->value[BENCH_GUEST_IOPS] = guest_iops;
    return true;
}
