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

static G_GNUC_UNUSED uint64_t dropped(const Fabric *f)
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
    for (uint32_t i = 0; fabric_stats_link_bin(f, 20, 16, i, &l); i++) {
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slicing_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
