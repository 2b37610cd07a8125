/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * traffic-test.c: modelled hosts, faults, errors of links, statistics; and
 * that how time is cut changes none of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <glib/gstdio.h>

#include "fabric.h"
#include "hist.h"

#define DELAY_PS 500000ull
#define PIPELINE_PS 400000ull
#define SERIALISE_PS(bytes) (((bytes) + 24ull) * 80u) /* 100 Gbit/s */
#define US 1000000ull

static Fabric *new_fabric(uint64_t seed, uint64_t reconverge_ps,
                          uint64_t warmup_ps)
{
    FabricConfig config = { .seed = seed,
                            .reconverge_ps = reconverge_ps,
                            .warmup_ps = warmup_ps };

    return fabric_new(&config);
}

static void add_traffic(Fabric *f, const FabricTraffic *t)
{
    g_autoptr(GError) err = NULL;

    if (!fabric_traffic_add(f, t, &err)) {
        fail_msg("%s", err->message);
    }
}

static void build(Fabric *f)
{
    g_autoptr(GError) err = NULL;

    if (!fabric_build(f, &err)) {
        fail_msg("%s", err->message);
    }
}

static Fabric *fat_tree(uint64_t seed, uint32_t k, uint64_t warmup_ps)
{
    g_autoptr(GError) err = NULL;
    Fabric *f = new_fabric(seed, 0, warmup_ps);
    FabricTopology t;

    fabric_topology_default(&t, 0);
    t.sw.sw.buffer_cells = 2000;
    t.sw.sw.queue[0].ecn_min_cells = 50;
    assert_int_equal(fabric_topology_fat_tree(f, &t, k, &err), 0);
    return f;
}

static FabricTotals totals_of(const Fabric *f)
{
    FabricTotals t;

    fabric_totals(f, &t);
    return t;
}

static uint64_t dropped(const FabricTotals *t)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < FABRIC_DROPS; i++) {
        sum += t->dropped[i];
    }
    return sum;
}

/* ---- topologies ---------------------------------------------------------- */

static void test_fat_tree_counts(void **state)
{
    for (uint32_t k = 2; k <= 8; k += 2) {
        Fabric *f = fat_tree(1, k, 0);
        uint32_t hosts = k * k * k / 4;

        assert_int_equal(fabric_node_count(f), hosts + 5 * k * k / 4);
        assert_int_equal(fabric_link_count(f), 3 * hosts);
        build(f);
        assert_int_equal(fabric_host_by_ipv4(f, fabric_host_ipv4(f, 1)), 1);
        fabric_free(f);
    }
}

/* Idle fabric: each pair of hosts is apart by 2, 4 or 6 links. */
static void test_latency_of_each_distance(void **state)
{
    static const uint32_t to[3] = { 1, 2, 4 }; /* same edge, pod, other pod */

    for (uint32_t i = 0; i < 3; i++) {
        Fabric *f = fat_tree(1, 4, 0);
        uint32_t pair[2] = { to[i], 0 };
        uint32_t links = 2 * (i + 1);
        uint64_t want =
            links * (DELAY_PS + SERIALISE_PS(1500)) + (links - 1) * PIPELINE_PS;
        FabricTraffic t;

        fabric_traffic_default(&t);
        t.pattern = FABRIC_INCAST;
        t.hosts = pair;
        t.n_hosts = 2;
        t.load_ppm = 100000;
        t.end_ps = 50 * US;
        add_traffic(f, &t);
        build(f);
        fabric_run(f, FABRIC_NEVER_PS);
        assert_true(hist_count(fabric_latency(f)) > 10);
        assert_int_equal(hist_min(fabric_latency(f)), want);
        assert_int_equal(hist_max(fabric_latency(f)), want);
        assert_int_equal(totals_of(f).hops, totals_of(f).sent * links);
        fabric_free(f);
    }
}

static void test_permutation_loses_nothing_it_does_not_count(void **state)
{
    Fabric *f = fat_tree(3, 4, 0);
    FabricTraffic traffic;
    FabricTotals t;

    fabric_traffic_default(&traffic);
    traffic.end_ps = 100 * US;
    traffic.load_ppm = 900000;
    add_traffic(f, &traffic);
    build(f);
    fabric_run(f, FABRIC_NEVER_PS);
    t = totals_of(f);
    assert_true(t.sent > 10000);
    assert_true(t.marked > 100);
    assert_true(dropped(&t) > 100);
    assert_int_equal(t.sent, t.received + dropped(&t));
    assert_true(fabric_next_ps(f) == FABRIC_NEVER_PS);
    fabric_free(f);
}

/* ---- determinism --------------------------------------------------------- */

static Fabric *busy(uint64_t seed)
{
    Fabric *f = fat_tree(seed, 4, 20 * US);
    g_autoptr(GError) err = NULL;
    FabricTraffic t;

    fabric_traffic_default(&t);
    t.end_ps = 100 * US;
    t.load_ppm = 300000;
    add_traffic(f, &t);
    t.poisson = true;
    t.pattern = FABRIC_RANDOM;
    t.flow_bytes = 20000;
    t.priority = 3;
    t.load_ppm = 400000;
    add_traffic(f, &t);
    t.pattern = FABRIC_INCAST;
    t.load_ppm = 20000;
    add_traffic(f, &t);
    build(f);
    assert_true(fabric_link_set_errors(f, 5, 0.01, 1e-6, FABRIC_FEC_NONE,
                                       10 * US, &err));
    assert_true(fabric_link_set_up(f, 20, false, 31234567, &err));
    assert_true(fabric_link_set_up(f, 20, true, 61234567, &err));
    assert_true(fabric_switch_set_up(f, 30, false, 41234567, &err));
    assert_true(fabric_switch_set_up(f, 30, true, 71234567, &err));
    assert_true(fabric_link_set_rate(f, 2, 10000000000ull, 50 * US, &err));
    return f;
}

static char *run_busy(uint64_t seed, uint64_t cut)
{
    Fabric *f = busy(seed);
    uint64_t at = 0, random = cut * 0x9e3779b97f4a7c15ull | 1;
    char *dump;

    while (cut && at < 150 * US) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        at += (random >> 11) % (random % 3 ? 3000000 : 3000);
        fabric_run(f, at);
    }
    fabric_run(f, 1000 * US);
    dump = fabric_dump(f);
    fabric_free(f);
    return dump;
}

static void test_slicing_changes_nothing(void **state)
{
    g_autofree char *whole = run_busy(1, 0), *other = run_busy(2, 0);

    assert_non_null(strstr(whole, "fabric.dropped.link_down "));
    assert_null(strstr(whole, "fabric.dropped.link_down 0\n"));
    assert_null(strstr(whole, "fabric.dropped.loss 0\n"));
    assert_null(strstr(whole, "fabric.dropped.fcs 0\n"));
    assert_null(strstr(whole, "fabric.flows_finished 0\n"));
    assert_string_not_equal(whole, other);
    for (uint64_t cut = 1; cut <= 5; cut++) {
        g_autofree char *sliced = run_busy(1, cut);

        assert_string_equal(whole, sliced);
    }
}

static void test_warm_up_is_not_counted(void **state)
{
    Fabric *f = fat_tree(1, 4, 50 * US);
    FabricTraffic t;
    FabricLinkStats s;

    fabric_traffic_default(&t);
    t.load_ppm = 500000;
    t.end_ps = 100 * US;
    add_traffic(f, &t);
    build(f);
    fabric_run(f, 50 * US);
    assert_true(totals_of(f).sent > 0);
    fabric_run(f, 50 * US + 1);
    assert_true(totals_of(f).sent <= 16);
    fabric_run(f, 100 * US);
    assert_true(fabric_link_stats(f, 0, 0, &s));
    assert_in_range(s.utilisation_ppm, 498000, 502000);
    assert_in_range(s.packets, 204, 206); /* 50 us / 243.84 ns */
    assert_false(fabric_link_stats(f, 0, 1, &s));
    fabric_free(f);
}

/* ---- flows --------------------------------------------------------------- */

static char *write_file(const char *text)
{
    char *path = NULL;
    int fd = g_file_open_tmp("fabric-XXXXXX", &path, NULL);

    assert_true(fd >= 0);
    close(fd);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

static Fabric *pair_of_hosts(void)
{
    g_autoptr(GError) err = NULL;
    Fabric *f = new_fabric(1, 0, 0);
    FabricTopology t;

    fabric_topology_default(&t, 3);
    assert_int_equal(fabric_topology_single(f, &t, &err), 0);
    return f;
}

static void test_trace_flow_completes_exactly(void **state)
{
    g_autofree char *path = write_file("# a comment\n"
                                       "1000 host0 host1 3000\n"
                                       "\n"
                                       "2000 host2 host1 70 5 # urgent\n");
    g_autoptr(GError) err = NULL;
    Fabric *f = pair_of_hosts();
    uint64_t through = 2 * DELAY_PS + PIPELINE_PS;

    assert_true(fabric_traffic_trace(f, path, 1500, &err));
    build(f);
    assert_int_equal(fabric_next_ps(f), US + SERIALISE_PS(1500));
    fabric_run(f, FABRIC_NEVER_PS);
    assert_int_equal(totals_of(f).flows_started, 2);
    assert_int_equal(totals_of(f).flows_finished, 2);
    assert_int_equal(hist_count(fabric_fct(f, 0)), 2);
    /* two packets: the second ends one packet after the first */
    assert_int_equal(hist_max(fabric_fct(f, 0)),
                     through + 3 * SERIALISE_PS(1500));
    assert_int_equal(hist_min(fabric_fct(f, 0)),
                     through + 2 * SERIALISE_PS(70));
    g_unlink(path);
    fabric_free(f);
}

static void test_flows_take_turns(void **state)
{
    g_autofree char *path = write_file("0 host0 host1 150000\n"
                                       "0 host0 host2 1500\n");
    g_autoptr(GError) err = NULL;
    Fabric *f = pair_of_hosts();

    assert_true(fabric_traffic_trace(f, path, 1500, &err));
    build(f);
    fabric_run(f, FABRIC_NEVER_PS);
    assert_int_equal(hist_max(fabric_fct(f, 0)), /* second in turn */
                     2 * DELAY_PS + PIPELINE_PS + 3 * SERIALISE_PS(1500));
    assert_int_equal(hist_count(fabric_fct(f, 2)), 1);
    g_unlink(path);
    fabric_free(f);
}

static void test_poisson_load_and_sizes(void **state)
{
    g_autofree char *path = write_file("1000 0.5\n9000 0.9\n50000 1\n");
    Fabric *f = pair_of_hosts();
    FabricLinkStats s;
    FabricTraffic t;

    fabric_traffic_default(&t);
    t.poisson = true;
    t.load_ppm = 300000;
    t.size_file = path;
    t.end_ps = 20000 * US;
    add_traffic(f, &t);
    build(f);
    fabric_run(f, 20000 * US);
    assert_true(fabric_link_stats(f, 0, 0, &s));
    assert_in_range(s.utilisation_ppm, 280000, 320000);
    assert_true(hist_count(fabric_fct(f, 0)) > 1000);
    assert_true(hist_count(fabric_fct(f, 1)) > 100);
    assert_int_equal(hist_count(fabric_fct(f, 2)), 0);
    g_unlink(path);
    fabric_free(f);
}

/*
 * Two traces and an incast that all meet at host1's link: each is counted on
 * its own, and their sums are the totals.
 */
static void test_entries_are_counted_apart(void **state)
{
    g_autofree char *one = write_file("1000 host0 host1 3000\n");
    g_autofree char *two = write_file("1000 host2 host1 70\n"
                                      "150000 host2 host0 70\n");
    g_autoptr(GError) err = NULL;
    Fabric *f = pair_of_hosts();
    uint32_t hosts[] = { 1, 2 };
    FabricTrafficStats s[3];
    FabricTraffic t;

    assert_int_equal(fabric_traffic_count(f), 0);
    assert_true(fabric_traffic_trace(f, one, 1500, &err));
    assert_false(fabric_traffic_trace(f, "/nowhere", 1500, NULL));
    assert_true(fabric_traffic_trace(f, two, 1500, &err));
    fabric_traffic_default(&t);
    t.pattern = FABRIC_INCAST;
    t.hosts = hosts;
    t.n_hosts = 2;
    t.end_ps = 100 * US;
    add_traffic(f, &t);
    build(f);
    /* what is on its way to host1 then is lost, what comes later too */
    assert_true(fabric_link_set_up(f, 1, false, 50 * US, NULL));
    fabric_run(f, FABRIC_NEVER_PS);
    assert_int_equal(fabric_traffic_count(f), 3);
    for (uint32_t i = 0; i < 3; i++) {
        fabric_traffic_stats(f, i, &s[i]);
        assert_int_equal(s[i].sent, s[i].received + s[i].dropped);
        assert_int_equal(s[i].received,
                         hist_count(fabric_traffic_latency(f, i)));
        assert_int_equal(s[i].flows_finished,
                         hist_count(fabric_traffic_fct(f, i)));
    }
    assert_int_equal(s[0].sent, 2);
    assert_int_equal(s[0].flows_started, 1);
    assert_int_equal(s[0].flows_finished, 1);
    assert_int_equal(s[1].sent, 2);
    assert_int_equal(s[1].received, 2);
    assert_int_equal(s[1].flows_finished, 2);
    assert_in_range(s[2].sent, 409, 411); /* 100 us / 243.84 ns */
    assert_in_range(s[2].dropped, 200, 215);
    assert_int_equal(s[2].flows_started, 0);
    assert_int_equal(totals_of(f).sent, s[0].sent + s[1].sent + s[2].sent);
    assert_int_equal(totals_of(f).received,
                     s[0].received + s[1].received + s[2].received);
    assert_int_equal(hist_count(fabric_latency(f)), totals_of(f).received);
    /* when the incast is over */
    assert_int_equal(hist_min(fabric_traffic_latency(f, 1)),
                     2 * DELAY_PS + PIPELINE_PS + 2 * SERIALISE_PS(70));
    g_unlink(one);
    g_unlink(two);
    fabric_free(f);
}

static void test_files_are_refused_with_their_line(void **state)
{
    static const struct {
        bool trace;
        const char *text, *message;
    } cases[] = {
        { true, "1 host0 host1\n", ":1: a line is START_NS" },
        { true, "5 host0 host1 9\n4 host0 host1 9\n", ":2: START_NS" },
        { true, "5 nobody host1 9\n", ":1: FROM" },
        { true, "5 switch3 host1 9\n", ":1: FROM" },
        { true, "5 host0 host0 9\n", ":1: TO" },
        { true, "5 host0 host1 0\n", ":1: a line is" },
        { true, "5 host0 host1 9 8\n", ":1: a line is" },
        { false, "\n", "the last line's probability is 1" },
        { false, "100 0.5\n", "the last line's probability is 1" },
        { false, "100 0.5\n90 1\n", ":2: sizes and probabilities must rise" },
        { false, "100 1.5\n", ":1: a probability" },
        { false, "100\n", ":1: a line is BYTES" },
        { false, "100 nan\n", ":1: a probability" },
    };

    for (uint32_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = write_file(cases[i].text);
        g_autoptr(GError) err = NULL;
        Fabric *f = pair_of_hosts();
        FabricTraffic t;
        bool ok;

        fabric_traffic_default(&t);
        t.poisson = true;
        t.size_file = path;
        ok = cases[i].trace ? fabric_traffic_trace(f, path, 1500, &err)
                            : fabric_traffic_add(f, &t, &err);
        assert_false(ok);
        assert_true(g_error_matches(err, FABRIC_ERROR, FABRIC_ERROR_TRAFFIC));
        if (!strstr(err->message, cases[i].message)) {
            fail_msg("case %u: %s", i, err->message);
        }
        g_unlink(path);
        fabric_free(f);
    }
}

static void test_traffic_is_refused(void **state)
{
    Fabric *f = pair_of_hosts();
    FabricTraffic good, t;
    GError *err = NULL;
    uint32_t one = 0, strange[2] = { 0, 3 };

    fabric_traffic_default(&good);
#define REFUSED(change)                                \
    do {                                               \
        t = good;                                      \
        change;                                        \
        assert_false(fabric_traffic_add(f, &t, &err)); \
        g_clear_error(&err);                           \
    } while (0)
    REFUSED(t.packet_bytes = 59);
    REFUSED(t.packet_bytes = 9601);
    REFUSED(t.load_ppm = 0);
    REFUSED(t.load_ppm = 1000001);
    REFUSED(t.end_ps = 0);
    REFUSED(t.pattern = FABRIC_RANDOM);
    REFUSED((t.hosts = &one, t.n_hosts = 1));
    REFUSED((t.hosts = strange, t.n_hosts = 2));
    REFUSED((t.poisson = true, t.size_file = "/nonexistent"));
#undef REFUSED
    fabric_free(f);
}

/* ---- faults -------------------------------------------------------------- */

/* Two leaves, two spines, one sender; the spine in use fails. */
static Fabric *two_paths(uint64_t reconverge_ps)
{
    g_autoptr(GError) err = NULL;
    Fabric *f = new_fabric(1, reconverge_ps, 0);
    uint32_t pair[2] = { 1, 0 };
    FabricTopology topology;
    FabricTraffic t;

    fabric_topology_default(&topology, 2);
    assert_int_equal(fabric_topology_leaf_spine(f, &topology, 2, 2, &err), 0);
    fabric_traffic_default(&t);
    t.pattern = FABRIC_INCAST;
    t.hosts = pair;
    t.n_hosts = 2;
    t.end_ps = 200 * US;
    add_traffic(f, &t);
    build(f);
    return f;
}

static uint64_t through_spine(const Fabric *f, uint32_t spine)
{
    SwitchPortStats s;

    switch_core_port_stats(fabric_switch(f, 4 + spine), 1, &s);
    return s.tx_packets;
}

static void test_local_repair_and_reconvergence(void **state)
{
    uint64_t lost[2];

    for (uint32_t late = 0; late < 2; late++) {
        Fabric *f = two_paths(late ? 20 * US : 0);
        g_autoptr(GError) err = NULL;
        uint32_t used, other;
        int32_t far_link;
        FabricTotals t;

        fabric_run(f, 50 * US);
        used = through_spine(f, 1) > 0;
        other = !used;
        assert_int_equal(through_spine(f, other), 0);
        /* the far end of the path: leaf0 learns of it by routing only */
        far_link =
            fabric_link_by_name(f, used ? "leaf1-spine1" : "leaf1-spine0");
        assert_true(far_link >= 0);
        assert_true(
            fabric_link_set_up(f, (uint32_t)far_link, false, 60 * US, &err));
        fabric_run(f, FABRIC_NEVER_PS);
        t = totals_of(f);
        assert_true(through_spine(f, other) > 0);
        assert_int_equal(t.sent, t.received + dropped(&t));
        lost[late] = t.dropped[FABRIC_DROP_NO_ROUTE];
        fabric_free(f);
    }
    assert_true(lost[0] < 8); /* what was on its way to the spine */
    assert_in_range(lost[1] - lost[0], 80, 84); /* 20 us / 243.84 ns */
}

static void test_failure_at_an_exact_instant(void **state)
{
    g_autofree char *path = write_file("0 host0 host1 1500\n");
    uint64_t arrive = 2 * DELAY_PS + PIPELINE_PS + 2 * SERIALISE_PS(1500);

    for (uint32_t early = 0; early < 2; early++) {
        g_autoptr(GError) err = NULL;
        Fabric *f = pair_of_hosts();

        assert_true(fabric_traffic_trace(f, path, 1500, &err));
        build(f);
        /* at its arrival the frame is lost, a picosecond later it is there */
        assert_true(fabric_link_set_up(f, 1, false, arrive + 1 - early, &err));
        fabric_run(f, FABRIC_NEVER_PS);
        assert_int_equal(totals_of(f).received, !early);
        assert_int_equal(totals_of(f).dropped[FABRIC_DROP_LINK_DOWN], early);
        fabric_free(f);
    }
    g_unlink(path);
}

static void test_faults_are_refused(void **state)
{
    Fabric *f = pair_of_hosts();
    GError *err = NULL;

    assert_false(fabric_link_set_up(f, 0, false, 0, &err)); /* not built */
    g_clear_error(&err);
    build(f);
    fabric_run(f, 100);
    assert_false(fabric_link_set_up(f, 0, false, 99, &err));
    g_clear_error(&err);
    assert_false(fabric_link_set_up(f, 9, false, 100, &err));
    g_clear_error(&err);
    assert_false(fabric_switch_set_up(f, 0, false, 100, &err));
    g_clear_error(&err);
    assert_false(fabric_link_set_rate(f, 0, 200000000000ull, 100, &err));
    g_clear_error(&err);
    assert_false(fabric_link_set_errors(f, 0, -1, 0, 0, 100, &err));
    g_clear_error(&err);
    assert_true(fabric_switch_set_up(f, 3, false, 100, &err));
    fabric_free(f);
}

/* ---- bit errors ---------------------------------------------------------- */

static void close_to(double a, double b)
{
    if (!(fabs(a - b) <= fabs(b) * 1e-3)) {
        fail_msg("%g, not %g", a, b);
    }
}

/* Against the same sum with 60 decimal digits. */
static void test_kp4_numbers(void **state)
{
    close_to(fabric_kp4_codeword_loss(1e-3), 1.53025859e-04);
    close_to(fabric_kp4_codeword_loss(2.4e-4), 8.15157340e-13);
    close_to(fabric_kp4_codeword_loss(1e-4), 1.35981106e-18);
    assert_true(fabric_kp4_codeword_loss(0) == 0);
    assert_true(fabric_kp4_codeword_loss(0.5) > 0.999999);
    close_to(fabric_frame_loss(1e-12, FABRIC_FEC_NONE, 1500), 8 * 1512 * 1e-12);
    assert_true(fabric_frame_loss(1e-4, FABRIC_FEC_KP4, 1500) <
                fabric_frame_loss(1e-4, FABRIC_FEC_NONE, 1500) * 1e-9);
}

static void test_losses_match_their_probability(void **state)
{
    g_autoptr(GError) err = NULL;
    Fabric *f = pair_of_hosts();
    uint32_t pair[2] = { 1, 0 };
    FabricLinkStats s;
    FabricTraffic t;

    fabric_traffic_default(&t);
    t.pattern = FABRIC_INCAST;
    t.hosts = pair;
    t.n_hosts = 2;
    t.end_ps = 20000 * US;
    add_traffic(f, &t);
    build(f);
    assert_true(
        fabric_link_set_errors(f, 0, 0.05, 1e-6, FABRIC_FEC_NONE, 0, &err));
    fabric_run(f, FABRIC_NEVER_PS);
    assert_true(fabric_link_stats(f, 0, 0, &s));
    assert_in_range(s.packets, 82000, 82100);
    assert_in_range(s.lost, 3900, 4300);      /* 4101 expected, sigma 62 */
    assert_in_range(s.fcs_errors, 830, 1060); /* 937, sigma 30 */
    assert_int_equal(totals_of(f).received, s.packets - s.lost - s.fcs_errors);
    fabric_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fat_tree_counts),
        cmocka_unit_test(test_latency_of_each_distance),
        cmocka_unit_test(test_permutation_loses_nothing_it_does_not_count),
        cmocka_unit_test(test_slicing_changes_nothing),
        cmocka_unit_test(test_warm_up_is_not_counted),
        cmocka_unit_test(test_trace_flow_completes_exactly),
        cmocka_unit_test(test_flows_take_turns),
        cmocka_unit_test(test_poisson_load_and_sizes),
        cmocka_unit_test(test_entries_are_counted_apart),
        cmocka_unit_test(test_files_are_refused_with_their_line),
        cmocka_unit_test(test_traffic_is_refused),
        cmocka_unit_test(test_local_repair_and_reconvergence),
        cmocka_unit_test(test_failure_at_an_exact_instant),
        cmocka_unit_test(test_faults_are_refused),
        cmocka_unit_test(test_kp4_numbers),
        cmocka_unit_test(test_losses_match_their_probability),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
