/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run-tap-test.c: what an execution keeps of its packets, and how the first
 * packet is named in which two runs differ.
 */
#include "scenario_fixture.h"

#include <string.h>

#include <glib/gstdio.h>

#include "net.h"
#include "packet_log.h"
#include "run_files.h"
#include "run_tap.h"
#include "runtime.h"
#include "scenario_net.h"

static const char text[] =
    "format: 1\n"
    "name: tap\n"
    "networks: {blue: {vni: 7}}\n"
    "nodes:\n"
    "  host0: {kind: host, card: {nic: {\n"
    "    vnic0: {network: blue, address: 172.16.0.1/24}}}}\n"
    "  bare: {kind: host}\n"
    "  host1: {kind: host, card: {nic: {\n"
    "    vnic0: {network: blue, address: 172.16.0.2/24}}}}\n"
    "  sw0: {kind: switch, ports: 4}\n"
    "  sw1: {kind: switch, ports: 4}\n"
    "links:\n"
    "  - {a: host0.card, b: sw0.p0}\n"
    "  - {a: sw0.p1, b: sw1.p1}\n"
    "  - {a: sw1.p0, b: host1.card}\n"
    "capture: {links: [host0-sw0, sw1-host1]}\n"
    "steps:\n"
    "  - boot: {node: [host0, host1]}\n"
    "expect:\n"
    "  - {id: ends, metric: run.steps_count, is: 1}\n";

typedef struct World {
    Scenario *scn;
    char *dir;
} World;

static int setup(void **state)
{
    World *w = g_new0(World, 1);

    w->scn = scenario_must(text, NULL);
    w->dir = g_dir_make_tmp("tap-XXXXXX", NULL);
    for (unsigned i = 0; i < w->scn->hosts->len; i++) {
        const ScnNode *n = g_ptr_array_index(w->scn->hosts, i);
        g_autofree char *node =
            g_build_filename(w->dir, "nodes", n->name, NULL);

        assert_int_equal(g_mkdir_with_parents(node, 0777), 0);
    }
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    World *w = *state;

    run_files_remove(w->dir);
    scenario_free(w->scn);
    g_free(w->dir);
    g_free(w);
    return 0;
}

static RunTap *start(World *w)
{
    GError *error = NULL;
    RunTap *tap = run_tap_new(w->scn, w->dir, &error);

    assert_null(error);
    assert_non_null(tap);
    return tap;
}

/* Digest of a host's stream after one frame each way, @change changed. */
static char *run(World *w, unsigned change)
{
    uint8_t frame[100] = { 1, 2, 3 };
    uint64_t ps = change == 1 ? 1001 : 1000;
    g_autoptr(TraceHash) hash = trace_hash_new();
    RunTap *tap = start(w);

    frame[99] = change == 2;
    run_tap_frame(tap, 0, true, ps, frame, 100);
    run_tap_frame(tap, 1, true, 2000, frame, 100);
    run_tap_frame(tap, 2, true, 3000, frame, change == 3 ? 99 : 100);
    run_tap_comment(tap, 2, 2500, "fault: loss");
    run_tap_advance(tap, 3500);
    run_tap_frame(tap, 2, false, 4000, frame, 60);
    if (change == 4) {
        run_tap_frame(tap, 0, false, 5000, frame, 60);
    }
    assert_true(run_tap_finish(tap, NULL));
    assert_true(run_tap_finish(tap, NULL));
    run_tap_frame(tap, 0, true, 9000, frame, 100); /* too late to be kept */
    for (unsigned i = 0; i < w->scn->hosts->len; i++) {
        assert_true(run_tap_hash(tap, i, hash, NULL));
    }
    run_tap_free(tap);
    return trace_hash_value(hash);
}

static gsize size_of(World *w, const char *a, const char *b, const char *c)
{
    g_autofree char *path = g_build_filename(w->dir, a, b, c, NULL);

    return run_files_size(path);
}

static void test_files(void **state)
{
    World *w = *state;
    g_autofree char *hash = run(w, 0);
    g_autofree char *path =
        g_build_filename(w->dir, "nodes", "host1", RUN_TAP_RECEIVED, NULL);
    g_autofree char *bytes = NULL;
    PacketRecord r;

    assert_int_equal(size_of(w, "nodes", "host0", RUN_TAP_SENT), 32);
    assert_int_equal(size_of(w, "nodes", "host0", RUN_TAP_RECEIVED), 0);
    assert_int_equal(size_of(w, "nodes", "host1", RUN_TAP_SENT), 32);
    assert_int_equal(size_of(w, "nodes", "host1", RUN_TAP_RECEIVED), 32);
    assert_true(g_file_get_contents(path, &bytes, NULL, NULL));
    memcpy(&r, bytes, sizeof(r));
    assert_int_equal(r.ps, 3000);
    assert_int_equal(r.len, 100);
    g_free(path);
    path = g_build_filename(w->dir, "nodes", "bare", RUN_TAP_SENT, NULL);
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    /* header and two interfaces, then 100 bytes; a comment and 60 bytes more */
    assert_true(size_of(w, "links", "host0-sw0.pcapng", NULL) > 200);
    assert_true(size_of(w, "links", "sw1-host1.pcapng", NULL) >
                size_of(w, "links", "host0-sw0.pcapng", NULL) + 100);
    g_free(path);
    path = g_build_filename(w->dir, "links", "sw0-sw1.pcapng", NULL);
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

/* Instant, content, length and number of packets are in the hash. */
static void test_hash(void **state)
{
    World *w = *state;
    g_autofree char *same = run(w, 0);
    g_autofree char *again = run(w, 0);

    assert_string_equal(same, again);
    for (unsigned change = 1; change <= 4; change++) {
        g_autofree char *other = run(w, change);

        assert_string_not_equal(same, other);
    }
}

/* ---- differences -------------------------------------------------------- */

static char *log_path(World *w, const char *name)
{
    return g_build_filename(w->dir, name, NULL);
}

/* A log of @n packets, number @odd of which is @len bytes at @ps. */
static void write_log(World *w, const char *name, unsigned n, unsigned odd,
                      uint64_t ps, uint32_t len, uint8_t byte)
{
    g_autofree char *path = log_path(w, name);
    PacketLog *log = packet_log_open(path, NULL);
    uint8_t frame[64] = { 0 };

    for (unsigned i = 0; i < n; i++) {
        frame[5] = i == odd ? byte : 0;
        packet_log_add(log, i == odd ? ps : i * 1000, frame,
                       i == odd ? len : 60);
    }
    assert_true(packet_log_close(log, NULL));
}

static void differ(World *w, const char *expected)
{
    g_autofree char *a = log_path(w, "a"), *b = log_path(w, "b");
    g_autofree char *found = packet_log_difference("x", a, b);

    if (expected) {
        assert_non_null(found);
        assert_string_equal(found, expected);
    } else {
        assert_null(found);
    }
}

static void test_difference(void **state)
{
    World *w = *state;

    differ(w, NULL); /* neither is there */
    write_log(w, "a", 5, 9, 0, 0, 0);
    differ(w, "x packet 0: 60 bytes at 0 ps and none");
    write_log(w, "b", 5, 9, 0, 0, 0);
    differ(w, NULL);
    write_log(w, "b", 5, 3, 3001, 60, 0);
    differ(w, "x packet 3: 60 bytes at 3000 ps and 60 bytes at 3001 ps");
    write_log(w, "b", 5, 3, 3000, 61, 0);
    differ(w, "x packet 3: 60 bytes at 3000 ps and 61 bytes at 3000 ps");
    write_log(w, "b", 5, 4, 4000, 60, 1);
    differ(w, "x packet 4: 60 bytes at 4000 ps and 60 bytes at 4000 ps, with "
              "other content");
    write_log(w, "b", 4, 9, 0, 0, 0);
    differ(w, "x packet 4: 60 bytes at 4000 ps and none");
    write_log(w, "b", 6, 9, 0, 0, 0);
    differ(w, "x packet 5: none and 60 bytes at 5000 ps");
}

static void test_failures(void **state)
{
    World *w = *state;
    g_autofree char *nodes = g_build_filename(w->dir, "nodes", NULL);
    GError *error = NULL;
    PacketLog *log;

    log = packet_log_open("/dev/full", NULL);
    packet_log_add(log, 0, "x", 1);
    assert_false(packet_log_close(log, &error));
    assert_true(g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC));
    g_clear_error(&error);
    assert_true(packet_log_close(NULL, NULL));
    run_files_remove(nodes);
    assert_null(run_tap_new(w->scn, w->dir, &error));
    assert_true(g_error_matches(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED));
    assert_non_null(strstr(error->message, RUN_TAP_SENT));
    g_clear_error(&error);
    run_tap_free(NULL);
}

static bool holds(World *w, const char *link, const char *words)
{
    g_autofree char *path = g_build_filename(w->dir, "links", link, NULL);
    g_autofree char *bytes = NULL;
    gsize len;

    assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    return memmem(bytes, len, words, strlen(words));
}

/* Whatever is done to the network stands in the captures. */
static void test_faults(void **state)
{
    World *w = *state;
    Net *net = net_new(w->scn, w->dir, NULL);
    RunTap *tap = start(w);

    assert_non_null(net);
    net_set_tap(net, run_tap_frame, run_tap_comment, tap);
    assert_true(net_link_set_up(net, 0, false, 1000, NULL));
    assert_true(net_link_set_up(net, 0, true, 2000, NULL));
    assert_true(net_link_set_errors(net, 2, 500, 1000000, 3000, NULL));
    assert_true(net_switch_set_up(net, topology_node(w->scn->topology, "sw1"),
                                  false, 4000, NULL));
    assert_true(run_tap_finish(tap, NULL));
    assert_true(holds(w, "host0-sw0.pcapng", "link host0-sw0 down"));
    assert_true(holds(w, "host0-sw0.pcapng", "link host0-sw0 up"));
    assert_false(holds(w, "host0-sw0.pcapng", "loss"));
    assert_false(holds(w, "host0-sw0.pcapng", "switch"));
    assert_true(holds(w, "sw1-host1.pcapng",
                      "link sw1-host1: loss 0.0005, bit-error rate 1e-12"));
    assert_true(holds(w, "sw1-host1.pcapng", "switch sw1 down"));
    net_free(net);
    run_tap_free(tap);
}

/* A scenario without links keeps nothing. */
static void test_no_links(void **state)
{
    World *w = *state;
    Scenario *small = scenario_must(scenario_small, NULL);
    RunTap *tap = run_tap_new(small, w->dir, NULL);
    g_autoptr(TraceHash) hash = trace_hash_new();

    assert_non_null(tap);
    run_tap_advance(tap, 5);
    run_tap_comment_all(tap, 5, "nobody listens");
    assert_true(run_tap_finish(tap, NULL));
    assert_true(run_tap_hash(tap, 0, hash, NULL));
    assert_null(trace_hash_names(hash));
    run_tap_free(tap);
    scenario_free(small);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_files),    T(test_hash),     T(test_difference),
        T(test_failures), T(test_no_links), T(test_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
