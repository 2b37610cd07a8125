/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cluster.c: the supervisor of a cluster: boots the nodes, follows the wall
 * clock, notices deaths, ends in good order.
 *
 * One thread. Between looks it waits for requests only; nothing in here waits
 * for a guest.
 */
#include "cluster_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "run_dir.h"
#include "run_files.h"
#include "run_interrupt.h"
#include "run_result.h"
#include "runtime.h"
#include "cluster_run.h"
#include "report.h"
#include "step_ops.h"

/* How long a wait for requests may last; choices between delay and idle
 * load. */
#define BUSY_WAIT_MS 5
#define IDLE_WAIT_MS 50

/* ---- nodes ------------------------------------------------------------- */

const char *cluster_node_state(const Cluster *c, const RunNode *n)
{
    if (g_hash_table_contains(c->died, host_name(n->host))) {
        return "died";
    }
    switch (host_state(n->host)) {
    case HOST_NEW:
        return "new";
    case HOST_ON:
        return agent_ready(host_agent(n->host)) ? "up" : "booting";
    case HOST_OFF:
        return "off";
    case HOST_KILLED:
        return "killed";
    }
    g_return_val_if_reached("?");
}

/* Nodes whose process has ended by itself: the others go on. True: some. */
static bool bury(Cluster *c, GError **error)
{
    bool some = false;

    for (unsigned i = 0; i < c->x->nodes->len; i++) {
        RunNode *n = g_ptr_array_index(c->x->nodes, i);
        g_autofree char *text = NULL;

        if (!host_died(n->host)) {
            continue;
        }
        text = g_strdup_printf("node %s: QEMU died; see nodes/%s/qemu.log",
                               host_name(n->host), host_name(n->host));
        progress_fail(c->x->progress, text, NULL);
        g_hash_table_add(c->died, g_strdup(host_name(n->host)));
        some = true;
        if (!run_node_lost(c->x, n, error)) {
            return false;
        }
    }
    return some;
}

/* ---- time -------------------------------------------------------------- */

static uint64_t wall_ps(const Cluster *c)
{
    return (uint64_t)(g_get_monotonic_time() - c->epoch_us) * PS_PER_US;
}

/* Brings simulated time up to the wall clock. */
static bool follow(Cluster *c, GError **error)
{
    uint64_t until_ps = wall_ps(c);
    GError *local = NULL;

    bury(c, &local);
    while (!local && c->x->now_ps < until_ps) {
        if (run_advance(c->x, until_ps, &local)) {
            continue;
        }
        /* A death between the look above and now is no failure of ours. */
        if (g_error_matches(local, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED)) {
            GError *first = g_steal_pointer(&local);

            if (bury(c, &local)) {
                g_error_free(first);
            } else if (!local) {
                local = first;
            }
        }
    }
    if (local) {
        g_propagate_error(error, local);
        return false;
    }
    return true;
}

/* ---- booting ----------------------------------------------------------- */

/* QEMU has it open; without a name it goes with QEMU, whatever happens. */
static void hide_ram(Host *h)
{
    g_autofree char *link = g_build_filename(host_dir(h), "ram", NULL);
    g_autofree char *path = g_file_read_link(link, NULL);

    if (path) {
        unlink(path);
    }
    unlink(link);
}

static bool begin_boots(Cluster *c, GError **error)
{
    for (unsigned i = 0; i < c->x->steps->len; i++) {
        StepRun *s = g_ptr_array_index(c->x->steps, i);

        if (!follow(c, error)) {
            return false;
        }
        s->begin_ps = c->x->now_ps;
        s->status = STEP_RUNNING;
        if (!s->ops->begin(s, error)) {
            return false;
        }
        hide_ram(s->node->host);
    }
    return true;
}

static bool look_at_boot(Cluster *c, StepRun *s, GError **error)
{
    g_autofree char *title = step_title(s);
    bool done = false;

    if (!s->ops->poll(s, &done, error)) {
        g_prefix_error(error, "%s: ", title);
        return false;
    }
    if (done) {
        s->status = STEP_OK;
        s->end_ps = c->x->now_ps;
        c->booted++;
        progress_step(c->x->progress, true, title, s->end_ps - s->begin_ps);
    } else if (c->x->now_ps > s->begin_ps + s->scn->within_ps) {
        g_autofree char *within =
            unit_format(UNIT_DURATION, (int64_t)s->scn->within_ps);

        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_BROKEN,
                    "%s: no guest agent within %s", title, within);
        return false;
    }
    return true;
}

static bool look_at_boots(Cluster *c, GError **error)
{
    for (unsigned i = 0; i < c->x->steps->len; i++) {
        StepRun *s = g_ptr_array_index(c->x->steps, i);

        if (s->status == STEP_RUNNING && !look_at_boot(c, s, error)) {
            return false;
        }
    }
    return true;
}

/* ---- the loop ---------------------------------------------------------- */

static bool turn(Cluster *c, ClusterServer *server, GError **error)
{
    bool busy = cluster_server_busy(server) || c->x->timers->len ||
                c->booted < c->x->steps->len;

    cluster_server_wait(server, run_interrupt_fd(),
                        busy ? BUSY_WAIT_MS : IDLE_WAIT_MS);
    if (!follow(c, error)) {
        return false;
    }
    cluster_server_look(server);
    return true;
}

/* @ready is called once, when all guests are up; false from it ends all. */
static bool serve(Cluster *c, ClusterServer *server, ClusterReadyFn ready,
                  void *opaque, GError **error)
{
    if (!begin_boots(c, error)) {
        return false;
    }
    while (!c->ending && c->booted < c->x->steps->len) {
        if (!turn(c, server, error) || !look_at_boots(c, error)) {
            return false;
        }
    }
    if (c->ending) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INTERRUPTED,
                    "ended by `down` while it booted");
        return false;
    }
    if (!ready(opaque)) {
        return true;
    }
    while (!c->ending) {
        if (!turn(c, server, error)) {
            return false;
        }
    }
    return true;
}

/* ---- files ------------------------------------------------------------- */

/* Held until the process ends. */
static bool take_lock(const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, CLUSTER_LOCK, NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "cannot lock %s", path);
        return false;
    }
    return true;
}

static bool write_state(const char *dir, const Scenario *scn, GError **error)
{
    g_autofree char *path = g_build_filename(dir, CLUSTER_STATE, NULL);
    g_autoptr(JsonObject) o = json_object_new();
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    g_autofree char *text = NULL;

    json_object_set_int_member(o, "format", 1);
    json_object_set_string_member(o, "name", scn->name);
    json_object_set_int_member(o, "pid", getpid());
    json_object_set_int_member(o, "began_s",
                               g_get_real_time() / G_USEC_PER_SEC);
    json_node_set_object(node, o);
    text = json_to_string(node, TRUE);
    return g_file_set_contents(path, text, -1, error);
}

/* What a run leaves, as far as it is known without steps and a hash. */
static bool write_results(Cluster *c, const GError *failure, GError **error)
{
    g_autoptr(RunResult) r = run_result_new(c->x, failure);

    return run_csv_write(c->x, error) && event_log_flush(c->x->events, error) &&
           run_result_write(r, error) && report_write(c->x->dir, error);
}

/* ---- all --------------------------------------------------------------- */

static void cluster_clear(Cluster *c)
{
    if (c->faults) {
        g_ptr_array_unref(c->faults);
    }
    if (c->died) {
        g_hash_table_unref(c->died);
    }
    execution_free(c->x);
}

static void fault_free(void *opaque)
{
    ClusterFault *f = opaque;

    step_run_free(f->run);
    scenario_free(f->scn);
    g_free(f);
}

static bool wind_up(Cluster *c, const GError *failure, GError **error)
{
    GError *local = NULL;
    bool ok = execution_end(c->x, &local);

    if (!write_results(c, failure, ok ? &local : NULL)) {
        ok = false;
    }
    if (!c->keep) {
        run_dir_discard(c->x->dir, c->scn);
    }
    if (!ok) {
        g_propagate_error(error, local);
    }
    return ok;
}

static bool set_up(Cluster *c, const ClusterRun *r, GError **error)
{
    c->died = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    c->faults = g_ptr_array_new_with_free_func(fault_free);
    c->scn = r->scn;
    c->epoch_us = g_get_monotonic_time();
    if (!take_lock(r->dir, error) || !write_state(r->dir, r->scn, error) ||
        !run_dir_write_scenario(r->dir, r->scn, NULL, error)) {
        return false;
    }
    c->x = execution_new(r->scn, r->options, r->install, r->scratch,
                         r->progress, r->dir, -1, error);
    return c->x != NULL;
}

static ClusterServer *listen_at(Cluster *c, const ClusterRun *r, GError **error)
{
    g_autofree char *path =
        g_build_filename(run_scratch_sockets(r->scratch), "control", NULL);
    g_autofree char *link = g_build_filename(r->dir, CLUSTER_SOCKET, NULL);
    ClusterServer *s = cluster_server_new(c, path, error);

    if (s && !run_files_symlink(path, link, error)) {
        g_clear_pointer(&s, cluster_server_free);
    }
    return s;
}

bool cluster_run(const ClusterRun *r, ClusterReadyFn ready, void *opaque,
                 GError **error)
{
    Cluster c = { 0 };
    ClusterServer *server = NULL;
    g_autofree char *link = g_build_filename(r->dir, CLUSTER_SOCKET, NULL);
    GError *local = NULL;
    bool ok;

    progress_begin(r->progress, r->scn->name, "", r->scn->seed,
                   r->scn->steps->len);
    ok = set_up(&c, r, &local) && (server = listen_at(&c, r, &local)) != NULL &&
         serve(&c, server, ready, opaque, &local);
    progress_end(r->progress);
    if (c.x) {
        ok = wind_up(&c, local, local ? NULL : &local) && ok;
    }
    if (server) {
        cluster_server_flush(server);
    }
    cluster_server_free(server);
    unlink(link);
    cluster_clear(&c);
    if (local) {
        g_propagate_error(error, local);
    }
    return ok;
}
