/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep-test.c: two QEMU processes that meet in lockstep, driven by QMP:
 * stop, cont, a snapshot, a stream, reset, quit and death while one waits for
 * the other,
 * with a processor that computes and with one that is halted.
 *
 * The guest is the firmware without anything to boot: it computes for some
 * milliseconds, then halts and has timers.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include <cmocka.h>

#include "lockstep.h"
#include "process.h"
#include "qmp.h"

#define HOSTS 2u
#define LIMIT_MS 5000 /* for an answer while somebody waits */
#define BUSY_NS 5000000
#define IDLE_NS 8000000000
#define MS 1000000
#define WINDOW_PS 5000000

typedef struct Host {
    Process *process;
    Qmp *qmp;
} Host;

typedef struct Cluster {
    char *dir, *meeting;
    Lockstep *lockstep;
    Host host[HOSTS];
    pthread_t engine;
    bool end;
} Cluster;

static Cluster c;

/* ---- the engine: no fabric ----------------------------------------------- */

static void fill(void *opaque, LockstepNews *news)
{
    (void)opaque;
    news->now_ps = 0;
}

static void *engine(void *opaque)
{
    (void)opaque;
    while (!__atomic_load_n(&c.end, __ATOMIC_ACQUIRE)) {
        lockstep_engine_turn(c.lockstep, fill, NULL);
        lockstep_engine_wait(c.lockstep, 20 * MS);
    }
    return NULL;
}

/* ---- hosts --------------------------------------------------------------- */

static char *in_dir(const char *name, unsigned i)
{
    return g_strdup_printf("%s/%s%u", c.dir, name, i);
}

/* Where snapshots go; no device has it. */
static char *disk_option(unsigned i)
{
    g_autofree char *path = in_dir("disk", i);
    const char *build = g_getenv("OUTRIGGER_BUILD");
    g_autofree char *tool = g_build_filename(build, "bin", "qemu-img", NULL);
    const char *argv[] = {
        tool, "create", "-q", "-f", "qcow2", path, "1G", NULL
    };

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT,
                                 NULL, NULL, NULL, NULL, NULL, NULL));
    }
    return g_strdup_printf("if=none,id=disk,format=qcow2,file=%s", path);
}

static void start(unsigned i, const char *incoming)
{
    const char *build = g_getenv("OUTRIGGER_BUILD");
    g_autofree char *program =
        g_build_filename(build, "bin", "qemu-system-x86_64", NULL);
    g_autofree char *sock = in_dir("qmp", i);
    g_autofree char *log = in_dir("log", i);
    g_autofree char *qmp = g_strdup_printf("unix:%s,server=on,wait=off", sock);
    g_autofree char *disk = disk_option(i);
    g_autofree char *clock =
        g_strdup_printf("outrigger-clock,lockstep=%s,index=%u", c.meeting, i);
    const char *argv[] = { program,
                           "-nodefaults",
                           "-no-user-config",
                           "-display",
                           "none",
                           "-machine",
                           "q35",
                           "-m",
                           "64M",
                           "-accel",
                           "tcg",
                           "-icount",
                           "shift=0,sleep=off",
                           "-rtc",
                           "base=2025-01-01,clock=vm",
                           "-seed",
                           "1",
                           "-qmp",
                           qmp,
                           "-device",
                           clock,
                           "-drive",
                           disk,
                           incoming ? "-incoming" : NULL,
                           incoming,
                           NULL };
    ProcessSpec spec = { .argv = argv, .stdout_path = log, .cpu = -1 };
    QmpWatch watch = { .death_fd = -1, .interrupt_fd = -1 };
    GError *error = NULL;
    Host *h = &c.host[i];

    g_unlink(sock);
    h->process = process_spawn(&spec, &error);
    assert_non_null(h->process);
    watch.death_fd = process_death_fd(h->process);
    h->qmp = qmp_connect(sock, &watch, NULL, 20000, &error);
    if (!h->qmp) {
        fail_msg("QMP: %s", error->message);
    }
    qmp_set_timeout(h->qmp, LIMIT_MS);
}

static JsonNode *qmp(unsigned i, const char *command, JsonObject *args)
{
    GError *error = NULL;
    JsonNode *node = qmp_execute(c.host[i].qmp, command, args, &error);

    if (!node) {
        g_autofree char *how = process_wait(c.host[i].process, 100)
                                   ? process_end_text(c.host[i].process)
                                   : g_strdup("still running");

        fail_msg("host %u (%s), %s: %s", i, how, command, error->message);
    }
    return node;
}

static void tell(unsigned i, const char *command)
{
    json_node_unref(qmp(i, command, NULL));
}

static void grant(unsigned i, int64_t until_ns)
{
    JsonObject *args = json_object_new();

    json_object_set_int_member(args, "until", until_ns);
    json_node_unref(qmp(i, "outrigger-grant", args));
}

static int64_t clock_of(unsigned i, bool *ret_edge)
{
    g_autoptr(JsonNode) node = qmp(i, "query-outrigger-clock", NULL);
    JsonObject *o = json_node_get_object(node);

    if (ret_edge) {
        *ret_edge = json_object_get_boolean_member(o, "edge");
    }
    return json_object_get_int_member(o, "now");
}

/* Bounded by wall time, for what another process does. */
static void until(bool (*done)(unsigned i, int64_t arg), unsigned i,
                  int64_t arg, const char *what)
{
    gint64 end_us = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

    while (!done(i, arg)) {
        if (g_get_monotonic_time() > end_us) {
            fail_msg("host %u: %s", i, what);
        }
        g_usleep(1000);
    }
}

static bool stands_at(unsigned i, int64_t ns)
{
    bool edge;

    return clock_of(i, &edge) == ns && edge;
}

static bool has_state(unsigned i, int64_t state)
{
    return lockstep_slot(c.lockstep, i)->state == (uint32_t)state;
}

static void both_to(int64_t ns)
{
    for (unsigned i = 0; i < HOSTS; i++) {
        grant(i, ns);
    }
    for (unsigned i = 0; i < HOSTS; i++) {
        until(stands_at, i, ns, "does not reach its grant");
    }
    lockstep_set_until(c.lockstep, (uint64_t)ns * 1000);
}

/* Host 0 is granted more than host 1, so it waits a window further. */
static void let_wait(int64_t ns)
{
    grant(0, ns + 100 * MS);
    until(has_state, 0, LOCKSTEP_WAITS, "does not wait");
}

/* ---- a cluster a test ---------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    memset(&c, 0, sizeof(c));
    c.dir = g_dir_make_tmp("or-lockstep-XXXXXX", NULL);
    c.meeting = g_build_filename(c.dir, "meeting", NULL);
    c.lockstep = lockstep_create(c.meeting, HOSTS, 1, NULL);
    assert_non_null(c.lockstep);
    lockstep_set_window(c.lockstep, WINDOW_PS);
    assert_true(lockstep_close_paths(c.lockstep));
    assert_int_equal(pthread_create(&c.engine, NULL, engine, NULL), 0);
    for (unsigned i = 0; i < HOSTS; i++) {
        start(i, NULL);
    }
    for (unsigned i = 0; i < HOSTS; i++) {
        until(has_state, i, LOCKSTEP_HELD, "does not stand at instant 0");
    }
    return 0;
}

static void drop(unsigned i)
{
    process_free(c.host[i].process);
    qmp_free(c.host[i].qmp);
    c.host[i] = (Host){ NULL, NULL };
}

static void end(unsigned i)
{
    if (c.host[i].process) {
        /* It may be gone before its answer is. */
        qmp_run(c.host[i].qmp, "quit", NULL, NULL);
        assert_true(process_wait(c.host[i].process, LIMIT_MS));
        assert_true(process_exited_cleanly(c.host[i].process));
        drop(i);
    }
}

static int teardown(void **state)
{
    static const char *const names[] = { "qmp", "log", "state", "disk" };

    (void)state;
    for (unsigned i = 0; i < HOSTS; i++) {
        end(i);
    }
    __atomic_store_n(&c.end, true, __ATOMIC_RELEASE);
    pthread_join(c.engine, NULL);
    lockstep_free(c.lockstep);
    for (unsigned i = 0; i < HOSTS * G_N_ELEMENTS(names); i++) {
        g_autofree char *path = in_dir(names[i / HOSTS], i % HOSTS);

        g_unlink(path);
    }
    assert_int_equal(g_rmdir(c.dir), 0); /* nothing is left behind */
    g_free(c.meeting);
    g_free(c.dir);
    return 0;
}

/* ---- tests --------------------------------------------------------------- */

static void test_meets(void **state)
{
    (void)state;
    both_to(BUSY_NS);
    let_wait(BUSY_NS);
    assert_in_range(clock_of(0, NULL), BUSY_NS, BUSY_NS + WINDOW_PS / 1000);
    assert_int_equal(clock_of(1, NULL), BUSY_NS);
    grant(1, BUSY_NS + 100 * MS);
    until(stands_at, 0, BUSY_NS + 100 * MS, "does not go on");
    until(stands_at, 1, BUSY_NS + 100 * MS, "does not go on");
}

static void stop_and_cont(int64_t ns)
{
    int64_t at;

    both_to(ns);
    let_wait(ns);
    tell(0, "stop");
    assert_true(has_state(0, LOCKSTEP_AWAY));
    at = clock_of(0, NULL);
    /* It takes no part: the other goes on. */
    grant(1, ns + 50 * MS);
    until(stands_at, 1, ns + 50 * MS, "waits for one that is stopped");
    lockstep_set_until(c.lockstep, (uint64_t)(ns + 50 * MS) * 1000);
    assert_int_equal(clock_of(0, NULL), at);
    /* It comes back where the other is, and what it was granted is an instant
     * of the run. */
    tell(0, "cont");
    assert_in_range(clock_of(0, NULL), ns + 50 * MS,
                    ns + 50 * MS + WINDOW_PS / 1000);
    grant(1, ns + 100 * MS);
    until(stands_at, 0, ns + 100 * MS, "does not come back");
    until(stands_at, 1, ns + 100 * MS, "does not go on");
}

static void test_stop_busy(void **state)
{
    (void)state;
    stop_and_cont(BUSY_NS);
}

static void test_stop_idle(void **state)
{
    (void)state;
    stop_and_cont(IDLE_NS);
}

static void reset(int64_t ns)
{
    both_to(ns);
    let_wait(ns);
    tell(0, "system_reset");
    grant(1, ns + 100 * MS);
    until(stands_at, 0, ns + 100 * MS, "does not go on after a reset");
    until(stands_at, 1, ns + 100 * MS, "does not go on");
}

static void test_reset_busy(void **state)
{
    (void)state;
    reset(BUSY_NS);
}

static void test_reset_idle(void **state)
{
    (void)state;
    reset(IDLE_NS);
}

static void quit(int64_t ns)
{
    both_to(ns);
    let_wait(ns);
    end(0);
    lockstep_host_gone(c.lockstep, 0);
    grant(1, ns + 50 * MS);
    until(stands_at, 1, ns + 50 * MS, "waits for one that is gone");
}

static void test_quit_busy(void **state)
{
    (void)state;
    quit(BUSY_NS);
}

static void test_quit_idle(void **state)
{
    (void)state;
    quit(IDLE_NS);
}

static void monitor(unsigned i, const char *line)
{
    JsonObject *args = json_object_new();
    g_autoptr(JsonNode) node = NULL;

    json_object_set_string_member(args, "command-line", line);
    node = qmp(i, "human-monitor-command", args);
    assert_string_equal(json_node_get_string(node), ""); /* no complaint */
}

/* savevm stops the machine and lets it go on: no instant of the other is lost.
 * loadvm puts its virtual time back, not the run's. */
static void snapshot(int64_t ns)
{
    int64_t at;

    both_to(ns);
    let_wait(ns);
    monitor(0, "savevm one");
    at = clock_of(0, NULL);
    assert_in_range(at, ns, ns + WINDOW_PS / 1000);
    assert_false(has_state(0, LOCKSTEP_AWAY));
    grant(1, ns + 100 * MS);
    until(stands_at, 0, ns + 100 * MS, "does not go on after savevm");
    until(stands_at, 1, ns + 100 * MS, "does not go on");
    lockstep_set_until(c.lockstep, (uint64_t)(ns + 100 * MS) * 1000);
    monitor(0, "loadvm one");
    assert_int_equal(lockstep_slot(c.lockstep, 0)->act_ps,
                     (uint64_t)(ns + 100 * MS) * 1000);
    grant(0, ns + 150 * MS);
    grant(1, ns + 150 * MS);
    until(stands_at, 0, ns + 150 * MS, "does not go on after loadvm");
    until(stands_at, 1, ns + 150 * MS, "does not go on");
}

static void test_snapshot_busy(void **state)
{
    (void)state;
    snapshot(BUSY_NS);
}

static void test_snapshot_idle(void **state)
{
    (void)state;
    snapshot(IDLE_NS);
}

static bool has_migrated(unsigned i, int64_t arg)
{
    g_autoptr(JsonNode) node = qmp(i, "query-migrate", NULL);
    const char *status = json_object_get_string_member_with_default(
        json_node_get_object(node), "status", "");

    (void)arg;
    assert_string_not_equal(status, "failed");
    return strcmp(status, "completed") == 0;
}

static void migrate(unsigned i, const char *command)
{
    g_autofree char *path = in_dir("state", 0);
    g_autofree char *uri = g_strconcat("file:", path, NULL);
    JsonObject *args = json_object_new();

    json_object_set_string_member(args, "uri", uri);
    json_node_unref(qmp(i, command, args));
    until(has_migrated, i, 0, "the stream does not end");
}

/* Saved while it waits, gone on with in a new process at a later instant. */
static void stream(int64_t ns)
{
    int64_t at;
    bool edge;

    both_to(ns);
    let_wait(ns);
    tell(0, "stop");
    migrate(0, "migrate");
    at = clock_of(0, NULL);
    end(0);
    lockstep_host_gone(c.lockstep, 0);
    grant(1, ns + 50 * MS);
    until(stands_at, 1, ns + 50 * MS, "waits for one that is gone");
    lockstep_set_until(c.lockstep, (uint64_t)(ns + 50 * MS) * 1000);
    lockstep_set_base(c.lockstep, 0, (uint64_t)(ns + 50 * MS) * 1000);
    start(0, "defer");
    migrate(0, "migrate-incoming");
    assert_int_equal(clock_of(0, &edge), at);
    tell(0, "cont");
    /* Virtual time goes on from the stream, at the run's 50 ms. */
    assert_int_equal(clock_of(0, NULL), at);
    until(has_state, 0, LOCKSTEP_HELD, "does not stand still");
    assert_int_equal(lockstep_slot(c.lockstep, 0)->act_ps,
                     (uint64_t)(ns + 50 * MS) * 1000);
    grant(0, at + 10 * MS);
    grant(1, ns + 60 * MS);
    until(stands_at, 0, at + 10 * MS, "does not go on");
    until(stands_at, 1, ns + 60 * MS, "does not go on");
}

static void test_stream_busy(void **state)
{
    (void)state;
    stream(BUSY_NS);
}

static void test_stream_idle(void **state)
{
    (void)state;
    stream(IDLE_NS);
}

static void test_death(void **state)
{
    (void)state;
    both_to(BUSY_NS);
    grant(1, BUSY_NS + 100 * MS);
    until(has_state, 1, LOCKSTEP_WAITS, "does not wait");
    process_kill(c.host[0].process);
    assert_true(process_wait(c.host[0].process, LIMIT_MS));
    drop(0);
    assert_true(has_state(1, LOCKSTEP_WAITS)); /* until somebody says so */
    lockstep_host_gone(c.lockstep, 0);
    until(stands_at, 1, BUSY_NS + 100 * MS, "waits for the dead");
    assert_false(lockstep_broken(c.lockstep));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_meets),         TEST(test_stop_busy),
        TEST(test_stop_idle),     TEST(test_reset_busy),
        TEST(test_reset_idle),    TEST(test_quit_busy),
        TEST(test_quit_idle),     TEST(test_stream_busy),
        TEST(test_stream_idle),   TEST(test_snapshot_busy),
        TEST(test_snapshot_idle), TEST(test_death),
    };

    if (!g_getenv("OUTRIGGER_BUILD")) {
        fprintf(stderr, "OUTRIGGER_BUILD is not set\n");
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
