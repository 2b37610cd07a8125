/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * balance-test.c: path balancing of modelled hosts, notices of switches,
 * statistics over time; and that how time is cut changes none of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fabric.h"
#include "hist.h"

#define US 1000000ull
#define SERIALISE_PS(bytes) (((bytes) + 24ull) * 80u) /* 100 Gbit/s */
#define DELAY_PS 500000ull
#define PIPELINE_PS 400000ull

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

static FabricTotals totals_of(const Fabric *f)
{
    FabricTotals t;

    fabric_totals(f, &t);
    return t;
}

static uint64_t dropped(const Fabric *f)
{
    FabricTotals t = totals_of(f);
    uint64_t sum = 0;

    for (uint32_t i = 0; i < FABRIC_DROPS; i++) {
        sum += t.dropped[i];
    }
    return sum;
}

static FabricBalanceStats balance_of(const Fabric *f)
{
    FabricBalanceStats s;

    fabric_stats_balance(f, &s);
    return s;
}

static FabricTopology small_topology(uint32_t hosts)
{
    FabricTopology t;

    fabric_topology_default(&t, hosts);
    t.sw.sw.buffer_cells = 2000;
    t.sw.sw.queue[0].ecn_min_cells = 50;
    return t;
}

static FabricBalance quick(PathPolicy policy)
{
    FabricBalance b;

    fabric_balance_default(&b, policy);
    b.path.values = 4;
    b.path.echo_packets = 2;
    b.path.echo_ps = 2 * US;
    b.path.disable_hold_ps = 100 * US;
    return b;
}

/* ---- determinism --------------------------------------------------------- */

static void balanced_loads(Fabric *f, bool sequencing)
{
    FabricBalance b = quick(PATH_CONGESTION);
    FabricTraffic t;

    b.path.inputs = PATH_INPUTS;
    b.path.cap_bytes = 30000;
    b.path.cap_timeout_ps = 30 * US;
    b.path.reduce_score = 30000;
    b.path.reduce_ps = 5 * US;
    b.path.sequencing = sequencing;
    b.path.gap_ps = 15 * US;
    fabric_traffic_default(&t);
    t.end_ps = 100 * US;
    t.load_ppm = 400000;
    t.balance = &b;
    add_traffic(f, &t);
    b = quick(PATH_REPS);
    t.poisson = true;
    t.pattern = FABRIC_RANDOM;
    t.flow_bytes = 20000;
    t.load_ppm = 400000;
    add_traffic(f, &t);
    t.balance = NULL;
    t.pattern = FABRIC_INCAST;
    t.load_ppm = 20000;
    add_traffic(f, &t);
}

static Fabric *busy(uint64_t seed, bool sequencing)
{
    FabricConfig config = { .seed = seed, .warmup_ps = 20 * US };
    FabricTopology topology = small_topology(0);
    Fabric *f = fabric_new(&config);
    g_autoptr(GError) err = NULL;

    topology.sw.notices.cells = 100;
    assert_int_equal(fabric_topology_fat_tree(f, &topology, 4, &err), 0);
    balanced_loads(f, sequencing);
    build(f);
    assert_true(fabric_stats_series(f, 7 * US + 1, 8, &err));
    assert_true(fabric_link_set_errors(f, 5, 0.01, 1e-6, FABRIC_FEC_NONE,
                                       10 * US, &err));
    assert_true(fabric_link_set_up(f, 20, false, 31234567, &err));
    assert_true(fabric_link_set_up(f, 20, true, 61234567, &err));
    assert_true(fabric_switch_set_up(f, 30, false, 41234567, &err));
    assert_true(fabric_switch_set_up(f, 30, true, 71234567, &err));
    assert_true(fabric_link_set_rate(f, 2, 10000000000ull, 50 * US, &err));
    return f;
}

/* All that the header can say. */
static char *everything(const Fabric *f)
{
    g_autofree char *dump = fabric_dump(f);
    GString *out = g_string_new(dump);
    FabricBalanceStats b = balance_of(f);
    FabricPairStats p;
    FabricValueStats v;
    FabricLinkBin l;
    uint32_t from, to;

    fabric_link_ends(f, 20, &from, &to);
    for (size_t i = 0; i < sizeof(b) / 8; i++) {
        g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n",
                               ((const uint64_t *)&b)[i]);
    }
    for (uint32_t i = 0; fabric_stats_pair(f, i, &p); i++) {
        g_string_append_printf(out,
                               "%u %u %d %u %" G_GUINT64_FORMAT
                               " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                               " %" G_GUINT64_FORMAT "\n",
                               p.from, p.to, p.on, p.rate_ppm, p.packets,
                               p.changes, p.reordered, p.goodput_bytes);
        for (uint32_t k = 0; fabric_stats_value(f, i, k, &v); k++) {
            g_string_append_printf(out, "%u %u %" G_GUINT64_FORMAT "\n", v.port,
                                   v.congestion_ppm, v.packets);
        }
    }
    for (uint32_t i = 0; fabric_stats_link_bin(f, 20, from, i, &l); i++) {
        g_string_append_printf(out, "%u %u %u %u %u\n", l.packets, l.marked,
                               l.dropped, l.max_queue_cells, l.utilisation_ppm);
        assert_true(fabric_stats_balance_bin(f, i, &b));
        g_string_append_printf(out, "%" G_GUINT64_FORMAT "\n", b.changes);
    }
    return g_string_free(out, FALSE);
}

static char *run_busy(uint64_t seed, bool sequencing, uint64_t cut)
{
    Fabric *f = busy(seed, sequencing);
    uint64_t at = 0, random = cut * 0x9e3779b97f4a7c15ull | 1;
    FabricBalanceStats b;
    char *dump;

    while (cut && at < 150 * US) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        at += (random >> 11) % (random % 3 ? 3000000 : 3000);
        fabric_run(f, at);
    }
    fabric_run(f, 1000 * US);
    dump = everything(f);
    b = balance_of(f);
    assert_true(b.pairs_on && b.changes && b.slowed && b.held && b.marks);
    assert_true(b.notices_sent && b.notices_received);
    assert_true(b.echoes_received && b.echoes_sent);
    assert_true(b.reordered);
    assert_int_equal(b.resequenced > 0, sequencing);
    fabric_free(f);
    return dump;
}

static void test_slicing_changes_nothing(void **state)
{
    for (uint32_t sequencing = 0; sequencing < 2; sequencing++) {
        g_autofree char *whole = run_busy(1, sequencing, 0);
        g_autofree char *other = run_busy(2, sequencing, 0);

        assert_string_not_equal(whole, other);
        for (uint64_t cut = 1; cut <= 5; cut++) {
            g_autofree char *sliced = run_busy(1, sequencing, cut);

            assert_string_equal(whole, sliced);
        }
    }
}

/* ---- when there is something to balance ----------------------------------- */

/* Two leaves of @hosts each, @spines spines; host 0 ... send to the other
 * leaf's, one each. */
static Fabric *leaf_spine(const FabricConfig *config, uint32_t hosts,
                          uint32_t spines, uint32_t load_ppm,
                          const FabricBalance *b)
{
    Fabric *f = fabric_new(config);
    FabricTopology topology = small_topology(2 * hosts);
    g_autoptr(GError) err = NULL;

    assert_int_equal(fabric_topology_leaf_spine(f, &topology, 2, spines, &err),
                     0);
    for (uint32_t i = 0; i < hosts; i++) {
        uint32_t pair[2] = { hosts + i, i }; /* receiver, sender */
        FabricTraffic t;

        fabric_traffic_default(&t);
        t.pattern = FABRIC_INCAST;
        t.hosts = pair;
        t.n_hosts = 2;
        t.load_ppm = load_ppm;
        t.balance = b;
        t.seed = i + 1;
        add_traffic(f, &t);
    }
    build(f);
    return f;
}

static void test_same_rack_and_single_path_are_off(void **state)
{
    FabricBalance b = quick(PATH_SPRAY);
    FabricConfig config = { .seed = 1 };
    Fabric *f = leaf_spine(&config, 1, 1, 100000, &b);
    uint32_t rack[2] = { 0, 1 };
    g_autoptr(GError) err = NULL;
    FabricTopology topology = small_topology(4);
    FabricTraffic t;

    fabric_run(f, 20 * US);
    assert_true(totals_of(f).received > 10);
    assert_int_equal(fabric_stats_pairs(f), 0);
    assert_int_equal(balance_of(f).packets, 0);
    fabric_free(f);

    f = fabric_new(&config);
    fabric_traffic_default(&t);
    assert_int_equal(fabric_topology_leaf_spine(f, &topology, 2, 4, &err), 0);
    t.hosts = rack;
    t.n_hosts = 2;
    t.balance = &b;
    t.end_ps = 10 * US;
    add_traffic(f, &t);
    build(f);
    fabric_run(f, 20 * US);
    assert_true(totals_of(f).received > 10);
    assert_int_equal(fabric_stats_pairs(f), 0);
    fabric_free(f);
}

static void test_bad_parameters_are_refused(void **state)
{
    FabricBalance good = quick(PATH_CONGESTION), b;
    FabricConfig config = { .seed = 1 };
    FabricTopology topology = small_topology(4);
    Fabric *f = fabric_new(&config);
    GError *err = NULL;
    FabricTraffic t;

    assert_int_equal(fabric_topology_leaf_spine(f, &topology, 2, 2, &err), 0);
    fabric_traffic_default(&t);
    t.balance = &b;
#define REFUSED(change, text)                          \
    do {                                               \
        b = good;                                      \
        change;                                        \
        assert_false(fabric_traffic_add(f, &t, &err)); \
        assert_non_null(strstr(err->message, text));   \
        g_clear_error(&err);                           \
    } while (0)
    REFUSED(b.path.values = 0, "values");
    REFUSED(b.path.inputs = 0, "inputs");
    REFUSED(b.echo_bytes = 59, "an echo");
    REFUSED((b.echo_bytes = 9500, b.echo_values = 16), "an echo");
#undef REFUSED
    assert_false(fabric_stats_series(f, US, 8, &err)); /* not built */
    g_clear_error(&err);
    fabric_free(f);
}

/* One sender, nobody else: each packet waits for nobody. */
static void test_feedback_takes_its_way(void **state)
{
    FabricBalance b = quick(PATH_CONGESTION);
    FabricConfig config = { .seed = 1 };
    uint64_t way = 4 * (DELAY_PS + SERIALISE_PS(1500)) + 3 * PIPELINE_PS;
    uint64_t back =
        4 * (DELAY_PS + SERIALISE_PS(FABRIC_ECHO_BYTES)) + 3 * PIPELINE_PS;
    Fabric *f;
    uint64_t first;

    b.path.echo_packets = 1;
    f = leaf_spine(&config, 1, 4, 10000, &b);
    first = fabric_next_ps(f);
    fabric_run(f, first + way);
    assert_int_equal(totals_of(f).received, 0);
    fabric_run(f, first + way + 1);
    assert_int_equal(totals_of(f).received, 1);
    assert_int_equal(balance_of(f).echoes_sent, 1);
    fabric_run(f, first + way + back);
    assert_int_equal(balance_of(f).echoes_received, 0);
    fabric_run(f, first + way + back + 1);
    assert_int_equal(balance_of(f).echoes_received, 1);
    fabric_run(f, 500 * US);
    assert_int_equal(hist_min(fabric_latency(f)), way);
    assert_int_equal(hist_max(fabric_latency(f)), way);
    assert_int_equal(balance_of(f).pairs_on, 0); /* no congestion: */
    assert_int_equal(balance_of(f).changes, 0);  /* the values stay */
    fabric_free(f);
}

/* Four senders on four spines collide by their home values; then three
 * stop, and the last one reverts. */
static void test_congestion_begins_and_ends(void **state)
{
    FabricBalance b = quick(PATH_CONGESTION), off = quick(PATH_ECMP);
    FabricConfig config = { .seed = 4 };
    uint64_t drops[2], received[2];

    b.path.values = off.path.values = 16;
    for (uint32_t on = 0; on < 2; on++) {
        Fabric *f = leaf_spine(&config, 4, 4, 900000, on ? &b : &off);

        fabric_run(f, 1000 * US);
        drops[on] = dropped(f);
        received[on] = totals_of(f).received;
        if (on) {
            FabricBalanceStats s = balance_of(f);

            assert_true(s.pairs_on >= 2);
            assert_true(s.changes > 1000);
            assert_true(s.echoes_received > 100);
        }
        fabric_free(f);
    }
    assert_true(drops[0] > 20 * MAX(drops[1], 1));
    assert_true(received[1] > received[0]);
}

static void test_reverts(void **state)
{
    FabricBalance b = quick(PATH_CONGESTION);
    FabricConfig config = { .seed = 1 };
    Fabric *f = leaf_spine(&config, 4, 2, 100000, &b);
    g_autoptr(GError) err = NULL;
    FabricBalanceStats s;
    uint64_t changes;

    /* both ways slow for a while: marks and delay on each */
    for (uint32_t i = 0; i < fabric_link_count(f); i++) {
        if (strstr(fabric_link_name(f, i), "spine")) {
            assert_true(
                fabric_link_set_rate(f, i, 15000000000ull, 50 * US, &err));
            assert_true(
                fabric_link_set_rate(f, i, 100000000000ull, 150 * US, &err));
        }
    }
    fabric_run(f, 50 * US);
    assert_int_equal(balance_of(f).pairs_on, 0);
    fabric_run(f, 200 * US);
    s = balance_of(f);
    assert_true(s.pairs_on == 4 && s.changes > 100);
    fabric_run(f, 2000 * US);
    s = balance_of(f);
    assert_int_equal(s.pairs_off, s.pairs_on);
    changes = s.changes;
    fabric_run(f, 3000 * US);
    assert_int_equal(balance_of(f).changes, changes); /* constant again */
    fabric_free(f);
}

static void test_sequencing_puts_into_order(void **state)
{
    FabricBalance b = quick(PATH_SPRAY);
    FabricConfig config = { .seed = 1 };

    for (uint32_t sequencing = 0; sequencing < 2; sequencing++) {
        FabricBalanceStats s;
        Fabric *f;

        b.path.sequencing = sequencing;
        f = leaf_spine(&config, 4, 4, 800000, &b);
        fabric_run(f, 500 * US);
        s = balance_of(f);
        assert_true(s.reordered > 100);
        /* nothing is lost, so nothing is given up */
        assert_int_equal(dropped(f), 0);
        assert_int_equal(s.resequenced, sequencing ? s.reordered : 0);
        assert_int_equal(s.gap_timeouts, 0);
        fabric_free(f);
    }
}

/* All ways at a quarter: nobody finds a better value, the rate falls to what
 * there is room for, and values stop changing. */
static void test_all_congested(void **state)
{
    FabricBalance b = quick(PATH_CONGESTION);
    FabricConfig config = { .seed = 1, .warmup_ps = 1000 * US };
    FabricPairStats p;
    g_autoptr(GError) err = NULL;
    uint64_t drops[2], changes[2];

    b.path.delay_full_ps = 10 * US;
    b.path.reduce_ps = 20 * US;
    b.path.raise_bps = 500000000;
    b.path.cap_bytes = 0;
    for (uint32_t reduce = 0; reduce < 2; reduce++) {
        Fabric *f;

        b.path.reduce_score = reduce ? 40000 : PATH_SCORE_MAX;
        f = leaf_spine(&config, 4, 4, 800000, &b);
        for (uint32_t i = 0; i < fabric_link_count(f); i++) {
            if (strstr(fabric_link_name(f, i), "spine")) {
                assert_true(
                    fabric_link_set_rate(f, i, 25000000000ull, 0, &err));
            }
        }
        fabric_run(f, 3000 * US);
        drops[reduce] = dropped(f);
        changes[reduce] = balance_of(f).changes;
        assert_int_equal(balance_of(f).slowed > 0, reduce);
        assert_true(fabric_stats_pair(f, 0, &p));
        assert_int_equal(p.rate_ppm < 600000, reduce);
        fabric_free(f);
    }
    assert_true(drops[0] > 5 * MAX(drops[1], 1));
    assert_true(changes[0] > 4 * changes[1]);
}

/* A value that nobody uses is tried again, and used when it is good again. */
static void test_idle_values_are_probed(void **state)
{
    FabricBalance b = quick(PATH_CONGESTION);
    FabricConfig config = { .seed = 1 };
    g_autoptr(GError) err = NULL;
    FabricBalanceStats s;
    int32_t link;
    Fabric *f;

    b.path.values = 16;
    b.path.probe_ps = 50 * US;
    b.path.pick = PATH_PICK_EPSILON; /* the best only: others lie idle */
    b.path.epsilon = 0;
    b.path.dither = 0;
    f = leaf_spine(&config, 4, 4, 700000, &b);
    link = fabric_link_by_name(f, "leaf0-spine0");
    assert_true(fabric_link_set_rate(f, (uint32_t)link, 1000000000, 0, &err));
    fabric_run(f, 1000 * US);
    s = balance_of(f);
    /* some of 16 values on one of 4 ways, each 50 us, for 1 ms */
    assert_true(s.probes > 100);
    fabric_free(f);
}

/* ---- notices ------------------------------------------------------------- */

static void test_notices_alone_suffice(void **state)
{
    uint64_t drops[2];

    for (uint32_t on = 0; on < 2; on++) {
        FabricConfig config = { .seed = 1 };
        FabricTopology topology = small_topology(0);
        Fabric *f = fabric_new(&config);
        FabricBalance b = quick(PATH_CONGESTION);
        g_autoptr(GError) err = NULL;
        FabricBalanceStats s;
        FabricTraffic t;

        b.path.inputs = PATH_INPUT_NOTIFY;
        b.path.values = 16;
        b.path.avoid_ps = 20 * US;
        topology.sw.notices.cells = on ? 100 : 0;
        assert_int_equal(fabric_topology_fat_tree(f, &topology, 4, &err), 0);
        fabric_traffic_default(&t);
        t.load_ppm = 700000;
        t.balance = &b;
        add_traffic(f, &t);
        build(f);
        fabric_run(f, 500 * US);
        s = balance_of(f);
        drops[on] = dropped(f);
        assert_int_equal(s.notices_sent > 10, on);
        assert_int_equal(s.notices_received > 10, on);
        assert_int_equal(s.pairs_on > 4, on);
        fabric_free(f);
    }
    assert_true(drops[0] > 4 * MAX(drops[1], 1));
}

/* At most one each gap and port. */
static void test_notices_are_rate_limited(void **state)
{
    FabricConfig config = { .seed = 1 };
    FabricBalance b = quick(PATH_ECMP);
    FabricTopology topology = small_topology(6);
    uint32_t hosts[4] = { 3, 0, 1, 2 }; /* all to host 3, at the other leaf */
    Fabric *f = fabric_new(&config);
    g_autoptr(GError) err = NULL;
    FabricTraffic t;

    topology.sw.notices.cells = 100;
    topology.sw.notices.gap_ps = 5 * US;
    assert_int_equal(fabric_topology_leaf_spine(f, &topology, 2, 4, &err), 0);
    fabric_traffic_default(&t);
    t.pattern = FABRIC_INCAST;
    t.hosts = hosts;
    t.n_hosts = 4;
    t.load_ppm = 900000;
    t.balance = &b;
    add_traffic(f, &t);
    build(f);
    fabric_run(f, 500 * US);
    /* host 3's port is deep all the time, its leaf's uplinks are not */
    assert_in_range(balance_of(f).notices_sent, 95, 4 * 100);
    fabric_free(f);
}

/* ---- over time ----------------------------------------------------------- */

static void test_bins_add_up(void **state)
{
    static const uint32_t max_bins[3] = { 1024, 16, 2 };

    for (uint32_t i = 0; i < 3; i++) {
        Fabric *f = busy(3, false);
        g_autoptr(GError) err = NULL;
        FabricBalanceStats sum = { 0 }, b;
        uint64_t packets = 0, wire = 0, marked = 0, lost = 0;
        uint32_t deepest = 0, from, to;
        FabricLinkStats l;
        FabricLinkBin bin;

        fabric_link_ends(f, 20, &from, &to);
        fabric_run(f, 20 * US + 1);
        assert_true(fabric_stats_series(f, 500000, max_bins[i], &err));
        fabric_link_stats(f, 20, from, &l);
        packets -= l.packets;
        b = balance_of(f);
        sum.changes -= b.changes;
        fabric_run(f, 150 * US);
        assert_true(fabric_stats_bins(f) <= max_bins[i] + 1);
        assert_int_equal(fabric_stats_bins(f),
                         (130 * US - 1 + fabric_stats_bin_ps(f) - 1) /
                             fabric_stats_bin_ps(f));
        fabric_link_stats(f, 20, from, &l);
        for (uint32_t k = 0; fabric_stats_link_bin(f, 20, from, k, &bin); k++) {
            packets -= bin.packets;
            wire += bin.wire_bytes;
            marked += bin.marked;
            lost += bin.dropped;
            deepest = MAX(deepest, bin.max_queue_cells);
            assert_true(fabric_stats_balance_bin(f, k, &b));
            sum.changes -= b.changes;
        }
        assert_true(wire > 0 && deepest > 0);
        assert_int_equal(packets + l.packets, 0);
        assert_int_equal(l.max_queue_cells, deepest);
        assert_int_equal(l.marked, marked);
        assert_int_equal(l.dropped + l.lost + l.fcs_errors + l.down_drops,
                         lost);
        assert_int_equal(sum.changes + balance_of(f).changes, 0);
        assert_false(fabric_stats_link_bin(f, 20, 0, 0, &bin));
        fabric_free(f);
    }
}

/* ---- herding ------------------------------------------------------------- */

/* Mean over the leaf's uplinks of the load's deviation over time. */
static double swing(PathPick pick)
{
    FabricBalance b;
    FabricConfig config = { .seed = 1 };
    g_autoptr(GError) err = NULL;
    double sum = 0;
    uint32_t n = 0;
    Fabric *f;

    fabric_balance_default(&b, PATH_CONGESTION);
    b.path.values = 16;
    b.path.cap_bytes = 0;
    b.path.pick = pick;
    b.path.epsilon = 0;
    f = leaf_spine(&config, 8, 8, 800000, &b);
    fabric_run(f, 200 * US);
    assert_true(fabric_stats_series(f, 10 * US, 128, &err));
    fabric_run(f, 1200 * US);
    for (uint32_t i = 0; i < fabric_link_count(f); i++) {
        uint32_t ends[2];
        double mean = 0, squares = 0;
        FabricLinkBin bin;

        fabric_link_ends(f, i, &ends[0], &ends[1]);
        if (ends[0] != 16 || ends[1] < 18) {
            continue; /* leaf 0 is node 16, spines from 18 on */
        }
        for (uint32_t k = 0; k < 100; k++) {
            assert_true(fabric_stats_link_bin(f, i, 16, k, &bin));
            mean += bin.utilisation_ppm / 1e8;
            squares += bin.utilisation_ppm / 1e6 * bin.utilisation_ppm / 1e8;
        }
        sum += squares - mean * mean;
        n++;
    }
    assert_int_equal(n, 8);
    fabric_free(f);
    return sum / n;
}

static void test_greedy_choice_herds(void **state)
{
    assert_true(swing(PATH_PICK_EPSILON) > 2 * swing(PATH_PICK_TWO_CHOICE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slicing_changes_nothing),
        cmocka_unit_test(test_same_rack_and_single_path_are_off),
        cmocka_unit_test(test_bad_parameters_are_refused),
        cmocka_unit_test(test_feedback_takes_its_way),
        cmocka_unit_test(test_congestion_begins_and_ends),
        cmocka_unit_test(test_reverts),
        cmocka_unit_test(test_sequencing_puts_into_order),
        cmocka_unit_test(test_all_congested),
        cmocka_unit_test(test_idle_values_are_probed),
        cmocka_unit_test(test_notices_alone_suffice),
        cmocka_unit_test(test_notices_are_rate_limited),
        cmocka_unit_test(test_bins_add_up),
        cmocka_unit_test(test_greedy_choice_herds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
