/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_node.c: one emulated host over its life.
 */
#include "host_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host_card.h"
#include "host_files.h"
#include "run_files.h"
#include "run_interrupt.h"
#include "runtime.h"

#define CONNECT_LIMIT_MS 60000
#define QUIT_LIMIT_MS 20000
#define STOP_LIMIT_MS 1000
#define LOG_LINES 12

/* ---- simple things ----------------------------------------------------- */

const char *host_name(const Host *h)
{
    return h->scn->node.name;
}

const ScnHost *host_scenario(const Host *h)
{
    return h->scn;
}

const Scenario *host_whole_scenario(const Host *h)
{
    return h->env.scenario;
}

HostState host_state(const Host *h)
{
    return h->state;
}

const char *host_dir(const Host *h)
{
    return h->dir;
}

unsigned host_index(const Host *h)
{
    return h->env.index;
}

unsigned host_processes(const Host *h)
{
    return h->processes;
}

unsigned host_kills(const Host *h)
{
    return h->kills;
}

unsigned host_resets(const Host *h)
{
    return h->resets;
}

Agent *host_agent(Host *h)
{
    return h->agent;
}

HostPlan *host_plan(Host *h)
{
    return h->plan;
}

uint64_t host_base_ps(const Host *h)
{
    return h->base_ps;
}

bool host_powered_off(const Host *h)
{
    return h->powered_off;
}

const char *host_qemu_version(const Host *h)
{
    return h->qemu_version;
}

const char *host_gdb_path(const Host *h)
{
    return h->gdb_path;
}

bool host_lockstep(const Host *h)
{
    return h->env.scenario->time->mode != SCN_MODE_WALL;
}

char *host_path(const Host *h, const char *name)
{
    return g_build_filename(h->dir, name, NULL);
}

/* ---- errors ------------------------------------------------------------ */

/* QEMU's last words without its name and its "-device ...", or "". */
static char *last_words(const Host *h)
{
    g_autofree char *path = host_path(h, "qemu.log");
    g_autofree char *line = run_files_tail(path, 1);
    const char *text = strstr(line, "qemu-system-x86_64: ");

    text = text ? strstr(text, ": ") + 2 : line;
    if (text[0] == '-' && strstr(text, ": ")) {
        text = strstr(text, ": ") + 2;
    }
    return g_strdup(text);
}

void host_set_died(Host *h, const char *when, GError **error)
{
    g_autofree char *end = NULL;
    g_autofree char *words = last_words(h);

    process_wait(h->process, 2000);
    end = process_end_text(h->process);
    g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                "node %s: QEMU died %s: %s%s%s", host_name(h), when, end,
                words[0] ? ": " : "", words);
}

void host_map_error(Host *h, GError *local, GError **error)
{
    if (g_error_matches(local, QMP_ERROR, QMP_ERROR_COMMAND)) {
        g_propagate_error(error, local);
        return;
    }
    if (g_error_matches(local, QMP_ERROR, QMP_ERROR_INTERRUPTED) &&
        run_interrupt_error(error)) {
        g_error_free(local);
        return;
    }
    if (g_error_matches(local, QMP_ERROR, QMP_ERROR_GONE)) {
        host_set_died(h, "unexpectedly", error);
    } else if (g_error_matches(local, QMP_ERROR, QMP_ERROR_HUNG)) {
        host_set_hung(h, local->message, error);
    } else {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED, "node %s: %s",
                    host_name(h), local->message);
    }
    g_error_free(local);
}

/* QEMU ended before its monitor answered: what it said is about its options,
 * so about the scenario, unless it crashed. */
static void set_refused(Host *h, GError *local, GError **error)
{
    g_autofree char *words = NULL;

    if (!g_error_matches(local, QMP_ERROR, QMP_ERROR_GONE)) {
        host_map_error(h, local, error);
        return;
    }
    process_wait(h->process, 2000);
    words = last_words(h);
    if (words[0] && process_exited(h->process)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "node %s: QEMU refused: %s", host_name(h), words);
    } else {
        host_set_died(h, "while it started", error);
    }
    g_error_free(local);
}

/* ---- life -------------------------------------------------------------- */

Host *host_new(const ScnHost *scn, const HostEnv *env, GError **error)
{
    g_autoptr(Host) h = g_new0(Host, 1);
    g_autofree char *ram_name = g_strdup_printf("n%u.ram", env->index);

    h->scn = scn;
    h->env = *env;
    h->dir = g_build_filename(env->dir, "nodes", host_name(h), NULL);
    h->sockets = g_strdup_printf("%s/n%u.", env->sockets, env->index);
    h->gdb_path = g_strconcat(h->sockets, "gdb", NULL);
    h->agent = agent_new();
    h->plan = host_plan_new(scn->card);
    h->qemu_version = g_strdup("");
    if (!host_files_create(scn, env->scenario->seed, env->install->build,
                           h->dir, error)) {
        return NULL;
    }
    h->ram_path = host_files_ram_path(scn, env->shm, ram_name, h->dir);
    return g_steal_pointer(&h);
}

/* The process is gone, or about to be. */
static void drop_process(Host *h, HostState state)
{
    static const char *const sockets[] = { "qmp", "ctl", "gdb", "console" };
    static const char *const links[] = { "qmp.sock", "gdb.sock",
                                         "console.sock" };

    g_clear_pointer(&h->qmp, qmp_free);
    g_clear_pointer(&h->process, process_free);
    for (unsigned i = 0; i < G_N_ELEMENTS(sockets); i++) {
        g_autofree char *path = g_strconcat(h->sockets, sockets[i], NULL);

        unlink(path);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(links); i++) {
        g_autofree char *path = host_path(h, links[i]);

        unlink(path);
    }
    agent_reset(h->agent);
    h->state = state;
}

void host_free(Host *h)
{
    if (!h) {
        return;
    }
    if (h->process) {
        drop_process(h, HOST_OFF);
    }
    agent_free(h->agent);
    host_plan_free(h->plan);
    g_free(h->dir);
    g_free(h->sockets);
    g_free(h->gdb_path);
    g_free(h->ram_path);
    g_free(h->qemu_version);
    g_free(h);
}

static bool spawn(Host *h, bool incoming, GError **error)
{
    HostArgs args = { .host = h->scn,
                      .install = h->env.install,
                      .mode = h->env.scenario->time->mode,
                      .rtc = h->env.scenario->time->rtc,
                      .seed = h->env.scenario->seed,
                      .process = h->processes,
                      .sockets = h->sockets,
                      .ram_path = h->ram_path,
                      .application = h->plan->application,
                      .waves = h->env.waves,
                      .incoming = incoming,
                      .net = h->env.net,
                      .topology = h->env.scenario->topology,
                      .index = h->env.index };
    g_autoptr(GPtrArray) argv = host_args_build(&args);
    g_autofree char *script = host_args_script(&args, argv);
    g_autofree char *cmdline = host_path(h, "cmdline");
    g_autofree char *log = host_path(h, "qemu.log");
    ProcessSpec spec = { .argv = (const char *const *)argv->pdata,
                         .cwd = h->dir,
                         .stdout_path = log,
                         .cpu = h->env.cpu };
    g_autoptr(GError) local = NULL;

    if (!g_file_set_contents_full(cmdline, script, -1, G_FILE_SET_CONTENTS_NONE,
                                  0755, &local) ||
        !(h->process = process_spawn(&spec, &local))) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED, "node %s: %s",
                    host_name(h), local->message);
        return false;
    }
    return true;
}

/* For waits of the QMP client. */
static const char *monitor_hung(void *opaque)
{
    return host_hung(opaque, false);
}

static bool connect_monitor(Host *h, GError **error)
{
    QmpWatch watch = { .death_fd = process_death_fd(h->process),
                       .interrupt_fd = run_interrupt_fd(),
                       .hung = monitor_hung,
                       .opaque = h };
    g_autofree char *path = g_strconcat(h->sockets, "qmp", NULL);
    g_autofree char *ctl = g_strconcat(h->sockets, "ctl", NULL);
    g_autofree char *ctl_link = host_path(h, "qmp.sock");
    g_autofree char *gdb_link = host_path(h, "gdb.sock");
    g_autofree char *console = g_strconcat(h->sockets, "console", NULL);
    g_autofree char *console_link = host_path(h, "console.sock");
    g_autofree char *log = host_path(h, "qmp.ndjson");
    GError *local = NULL;

    h->qmp = qmp_connect(path, &watch, log, CONNECT_LIMIT_MS, &local);
    if (!h->qmp) {
        set_refused(h, local, error);
        return false;
    }
    return run_files_symlink(ctl, ctl_link, error) &&
           run_files_symlink(h->gdb_path, gdb_link, error) &&
           (host_lockstep(h) ||
            run_files_symlink(console, console_link, error));
}

static bool ask_version(Host *h, GError **error)
{
    g_autoptr(JsonNode) node = host_qmp(h, "query-outrigger", NULL, error);

    if (node && JSON_NODE_HOLDS_OBJECT(node)) {
        g_free(h->qemu_version);
        h->qemu_version = g_strdup(json_object_get_string_member_with_default(
            json_node_get_object(node), "qemu-version", ""));
    }
    return node != NULL;
}

/* What earlier processes printed is not this one's. */
static void skip_old_output(Host *h)
{
    g_autofree char *path = host_path(h, "agent.out");
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        h->agent_offset = MAX(lseek(fd, 0, SEEK_END), 0);
        close(fd);
    }
}

static bool start_process(Host *h, uint64_t now_ps, bool incoming,
                          GError **error)
{
    g_return_val_if_fail(h->state != HOST_ON, false);
    h->processes++;
    h->resets = 0;
    h->powered_off = false;
    h->watch = (HostWatch){ 0 };
    h->base_ps = now_ps;
    h->granted_ps = now_ps;
    h->base_wall_us = g_get_monotonic_time();
    skip_old_output(h);
    if (!host_files_ram(h->scn, h->ram_path, h->dir, error) ||
        !spawn(h, incoming, error)) {
        return false;
    }
    h->state = HOST_ON;
    if (!connect_monitor(h, error) || !ask_version(h, error)) {
        drop_process(h, HOST_OFF);
        return false;
    }
    return true;
}

bool host_start(Host *h, uint64_t now_ps, GError **error)
{
    if (!start_process(h, now_ps, false, error)) {
        return false;
    }
    if (!host_card_configure(h, error) ||
        (!host_lockstep(h) && !host_run(h, "cont", NULL, error))) {
        drop_process(h, HOST_OFF);
        return false;
    }
    return true;
}

bool host_start_incoming(Host *h, uint64_t now_ps, GError **error)
{
    return start_process(h, now_ps, true, error);
}

void host_resumed(Host *h, uint64_t now_ps, uint64_t virtual_ns)
{
    h->base_ps = now_ps - virtual_ns * PS_PER_NS;
    h->base_wall_us =
        g_get_monotonic_time() - (gint64)((now_ps - h->base_ps) / PS_PER_US);
    agent_resume(h->agent);
}

bool host_quit(Host *h, GError **error)
{
    bool clean;

    if (h->state != HOST_ON) {
        return true;
    }
    qmp_set_timeout(h->qmp, QUIT_LIMIT_MS);
    if (qmp_run(h->qmp, "quit", NULL, NULL)) {
        process_wait(h->process, QUIT_LIMIT_MS);
    }
    process_stop(h->process, STOP_LIMIT_MS);
    clean = process_exited_cleanly(h->process);
    if (!clean) {
        host_set_died(h, "when told to quit", error);
    }
    drop_process(h, HOST_OFF);
    return clean;
}

void host_kill(Host *h)
{
    if (h->state == HOST_ON) {
        process_kill(h->process);
        h->kills++;
        drop_process(h, HOST_KILLED);
    }
}

pid_t host_pid(const Host *h)
{
    return h->process ? process_pid(h->process) : 0;
}

bool host_died(Host *h)
{
    return h->state == HOST_ON && process_has_ended(h->process);
}

void host_lost(Host *h, char **ret_how)
{
    if (ret_how) {
        *ret_how = process_end_text(h->process);
    }
    h->kills++;
    drop_process(h, HOST_KILLED);
}

/* ---- the monitor ------------------------------------------------------- */

JsonNode *host_qmp(Host *h, const char *command, JsonObject *arguments,
                   GError **error)
{
    GError *local = NULL;
    JsonNode *ret;

    if (!h->qmp) {
        g_clear_pointer(&arguments, json_object_unref);
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_BROKEN,
                    "node %s is off", host_name(h));
        return NULL;
    }
    ret = qmp_execute(h->qmp, command, arguments, &local);
    if (!ret) {
        host_map_error(h, local, error);
    }
    return ret;
}

bool host_run(Host *h, const char *command, JsonObject *arguments,
              GError **error)
{
    g_autoptr(JsonNode) ret = host_qmp(h, command, arguments, error);

    return ret != NULL;
}

QmpEvent *host_take_event(Host *h, const char *name)
{
    const char *const names[] = { name, NULL };

    return h->qmp ? qmp_poll_event(h->qmp, names) : NULL;
}

QmpEvent *host_wait_event(Host *h, const char *name, int timeout_ms,
                          GError **error)
{
    const char *const names[] = { name, NULL };
    GError *local = NULL;
    QmpEvent *ev = qmp_wait_event(h->qmp, names, timeout_ms, &local);

    if (!ev) {
        host_map_error(h, local, error);
    }
    return ev;
}
