/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ndp-test.c: the rules of transport_ndp.h: exact instants of a flow that is
 * alone, cutting and pulls under overload, fair and preferred pulls, losses,
 * bad and dead paths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fabric_transport.h"
#include "transport_ndp.h"

#define GBIT 1000000000ull
#define DELAY_PS 1000000ull
#define US 1000000ull
#define MS 1000000000ull
#define FULL_PS (9084ull * 800) /* 10 Gbit/s */
#define SHORT_PS (84ull * 800)
#define DATA_WAY_PS (2 * (FULL_PS + DELAY_PS))
#define SHORT_WAY_PS (2 * (SHORT_PS + DELAY_PS))

typedef struct Net {
    Fabric *f;
    FabricNdpConfig ndp;
    uint32_t transport;
} Net;

static void ndp_defaults(FabricNdpConfig *c)
{
    fabric_ndp_config_default(c);
    c->rto_ps = 1 * MS;
}

/* @k == 0: @hosts on one switch, else leaves of 4 hosts under @k spines. 10
 * Gbit/s, 1 us, no pipeline; queues of 8 packets. */
static void net_make(Net *net, uint32_t hosts, uint32_t k, uint32_t headers)
{
    FabricConfig config = { .seed = 1 };
    FabricTopology t;
    int32_t first;

    net->f = fabric_new(&config);
    fabric_topology_default(&t, hosts);
    fabric_ndp_switch(&t.sw.sw, &net->ndp, 8 * 9060);
    t.sw.sw.pipeline_ps = 0;
    if (headers) {
        t.sw.sw.queue[1].limit_packets = headers;
    }
    t.host_link.rate_bps = t.core_link.rate_bps = 10 * GBIT;
    t.host_link.delay_ps = t.core_link.delay_ps = DELAY_PS;
    first = k ? fabric_topology_leaf_spine(net->f, &t, hosts / 4, k, NULL)
              : fabric_topology_single(net->f, &t, NULL);
    assert_int_equal(first, 0);
    assert_true(fabric_build(net->f, NULL));
    net->transport = (uint32_t)fabric_transport_add(net->f, &fabric_ndp_ops,
                                                    &net->ndp, NULL);
}

static uint32_t flow(Net *net, uint32_t from, uint32_t to, uint64_t bytes,
                     uint8_t priority)
{
    FabricFlowSpec spec = { .from = from,
                            .to = to,
                            .bytes = bytes,
                            .transport = net->transport,
                            .priority = priority };
    int64_t number = fabric_flow_add(net->f, &spec, NULL);

    assert_true(number >= 0);
    return (uint32_t)number;
}

static FabricFlowStats stats(const Net *net, uint32_t number)
{
    FabricFlowStats s;

    fabric_flow_stats(net->f, number, &s);
    return s;
}

/* Mbit/s of payload from @from_ps to @until_ps. */
static void rates(Net *net, uint64_t from_ps, uint64_t until_ps, uint64_t *ret)
{
    uint32_t n = fabric_flow_count(net->f);

    fabric_run(net->f, from_ps);
    for (uint32_t i = 0; i < n; i++) {
        ret[i] = stats(net, i).delivered_bytes;
    }
    fabric_run(net->f, until_ps);
    for (uint32_t i = 0; i < n; i++) {
        ret[i] = (stats(net, i).delivered_bytes - ret[i]) * 8 * US /
                 (until_ps - from_ps);
    }
}

/* ---- a flow that is alone ------------------------------------------------ */

static void test_window_at_full_rate(void **state)
{
    Net net;
    FabricFlowStats s;

    ndp_defaults(&net.ndp);
    net_make(&net, 2, 0, 0);
    flow(&net, 0, 1, 9 * 9000 + 1, 0);
    fabric_run(net.f, 10 * MS);
    s = stats(&net, 0);
    /* nine full packets, and one of a byte, which waits behind them */
    assert_int_equal(s.finish_ps, 10 * FULL_PS + 85 * 800 + 2 * DELAY_PS);
    assert_int_equal(s.acked_ps, s.finish_ps + SHORT_WAY_PS);
    assert_int_equal(s.sent_packets, 10);
    assert_int_equal(s.sent_bytes, 9 * 9060 + 61);
    assert_int_equal(s.delivered_bytes, 9 * 9000 + 1);
    assert_int_equal(s.retransmitted_packets + s.timeouts, 0);
    assert_int_equal(fabric_next_ps(net.f), FABRIC_NEVER_PS);
    fabric_free(net.f);
}

/* With a window of one, each ACK carries the pull of the next packet. */
static void test_pulls_in_acks(void **state)
{
    const uint64_t round = DATA_WAY_PS + SHORT_WAY_PS;
    Net net;
    FabricTotals totals;

    ndp_defaults(&net.ndp);
    net.ndp.window_packets = 1;
    net_make(&net, 2, 0, 0);
    flow(&net, 0, 1, 5 * 9000, 0);
    fabric_run(net.f, 10 * MS);
    assert_int_equal(stats(&net, 0).finish_ps, 4 * round + DATA_WAY_PS);
    assert_int_equal(stats(&net, 0).acked_ps, 5 * round);
    fabric_totals(net.f, &totals);
    assert_int_equal(totals.sent, 5 + 5); /* no PULL */
    fabric_free(net.f);
}

/* ---- more than a link carries -------------------------------------------- */

static void test_incast(void **state)
{
    Net net;
    uint64_t last = 0, cut = 0;

    ndp_defaults(&net.ndp);
    net_make(&net, 16, 0, 0);
    for (uint32_t i = 1; i < 16; i++) {
        flow(&net, i, 0, 100 * 9000, 0);
    }
    fabric_run(net.f, 100 * MS);
    for (uint32_t i = 0; i < 15; i++) {
        FabricFlowStats s = stats(&net, i);

        assert_int_equal(s.delivered_bytes, 100 * 9000);
        assert_true(s.finish_ps < s.acked_ps);
        assert_int_equal(s.timeouts, 0);
        assert_int_equal(s.duplicate_packets, 0);
        assert_int_equal(s.retransmitted_packets, s.trimmed_packets);
        last = MAX(last, s.finish_ps);
        cut += s.trimmed_packets;
    }
    assert_true(cut > 15 * 10);
    /* the receiver's link was never idle: within 3 % of its rate */
    assert_true(last < 1500 * FULL_PS * 103 / 100);
    fabric_free(net.f);
}

/* Headers that find no room come back, so that nobody waits for a timeout. */
static void test_headers_come_back(void **state)
{
    Net net;
    uint64_t timeouts = 0;

    ndp_defaults(&net.ndp);
    net.ndp.rto_ps = 50 * MS;
    net_make(&net, 32, 0, 20);
    for (uint32_t i = 1; i < 32; i++) {
        flow(&net, i, 0, 30 * 9000, 0);
    }
    fabric_run(net.f, 20 * MS); /* 6.8 ms at full rate */
    for (uint32_t i = 0; i < 31; i++) {
        assert_int_equal(stats(&net, i).delivered_bytes, 30 * 9000);
        timeouts += stats(&net, i).timeouts;
    }
    assert_int_equal(timeouts, 0);
    fabric_free(net.f);
}

/* Figure 21 in small: A sends to B to E, F to E. */
static void test_fair_pulls(void **state)
{
    uint64_t mbit[5];
    Net net;

    ndp_defaults(&net.ndp);
    net_make(&net, 6, 0, 0);
    for (uint32_t to = 1; to <= 4; to++) {
        flow(&net, 0, to, FABRIC_ENDLESS, 0);
    }
    flow(&net, 5, 4, FABRIC_ENDLESS, 0);
    rates(&net, 5 * MS, 25 * MS, mbit);
    for (uint32_t i = 0; i < 4; i++) {
        assert_in_range(mbit[i], 2350, 2550);
    }
    assert_in_range(mbit[4], 7300, 7600);
    fabric_free(net.f);
}

static void test_preferred_pulls(void **state)
{
    Net net;

    ndp_defaults(&net.ndp);
    net_make(&net, 6, 0, 0);
    for (uint32_t from = 1; from < 5; from++) {
        flow(&net, from, 0, FABRIC_ENDLESS, 0);
    }
    flow(&net, 5, 0, 1000 * 9000, 1);
    fabric_run(net.f, 30 * MS);
    /* what others have under way when it starts is all that it waits for */
    assert_in_range(stats(&net, 4).finish_ps, 1000 * FULL_PS, 1150 * FULL_PS);
    assert_true(stats(&net, 0).delivered_bytes > 600 * 9000);
    fabric_free(net.f);
}

/* ---- losses and paths ---------------------------------------------------- */

static void test_losses(void **state)
{
    Net net;
    FabricFlowStats s;
    uint32_t number = 0;

    ndp_defaults(&net.ndp);
    net_make(&net, 16, 4, 0);
    for (uint32_t l = 0; l < fabric_link_count(net.f); l++) {
        assert_true(fabric_link_set_errors(net.f, l, 0.02, 0, FABRIC_FEC_NONE,
                                           0, NULL));
    }
    for (uint32_t i = 0; i < 16; i++) {
        number = flow(&net, i, (i + 4) % 16, 200 * 9000, 0);
    }
    fabric_run(net.f, 200 * MS);
    s = stats(&net, number);
    assert_int_equal(s.delivered_bytes, 200 * 9000);
    assert_true(s.timeouts > 0);
    for (uint32_t i = 0; i < 16; i++) {
        assert_true(stats(&net, i).acked_ps != FABRIC_NEVER_PS);
        assert_int_equal(stats(&net, i).delivered_bytes, 200 * 9000);
    }
    assert_int_equal(fabric_next_ps(net.f), FABRIC_NEVER_PS);
    fabric_free(net.f);
}

static int32_t link_between(const Fabric *f, uint32_t a, uint32_t b)
{
    for (uint32_t l = 0; l < fabric_link_count(f); l++) {
        uint32_t x, y;

        fabric_link_ends(f, l, &x, &y);
        if ((x == a && y == b) || (x == b && y == a)) {
            return (int32_t)l;
        }
    }
    fail_msg("no link between %u and %u", a, b);
    return -1;
}

/* Four hosts fill four spines; one spine's link to them has a tenth of its
 * rate. Nodes: 8 hosts, 2 leaves, 4 spines. */
static uint64_t least_rate(FabricNdpPaths policy, uint64_t *ret_changes)
{
    uint64_t mbit[3], least = UINT64_MAX;
    Net net;

    ndp_defaults(&net.ndp);
    net.ndp.rto_ps = 50 * MS;
    net.ndp.policy = policy;
    net_make(&net, 8, 4, 0);
    assert_true(fabric_link_set_rate_from(
        net.f, (uint32_t)link_between(net.f, 9, 10), 10, 1 * GBIT, 0, NULL));
    for (uint32_t i = 0; i < 3; i++) {
        flow(&net, i, 4 + i, FABRIC_ENDLESS, 0);
    }
    rates(&net, 20 * MS, 60 * MS, mbit);
    *ret_changes = 0;
    for (uint32_t i = 0; i < 3; i++) {
        least = MIN(least, mbit[i]);
        *ret_changes += stats(&net, i).path_changes;
    }
    fabric_free(net.f);
    return least;
}

static void test_path_penalty(void **state)
{
    uint64_t plain, penalty, none, some;

    plain = least_rate(FABRIC_NDP_SPRAY, &none);
    penalty = least_rate(FABRIC_NDP_SPRAY_PENALTY, &some);
    assert_int_equal(none, 0);
    assert_in_range(some, 3, 200);
    assert_true(penalty > 9000); /* three good paths for three hosts */
    assert_true(plain < 8500);
}

/* A spine dies and comes back: nothing is lost for good. */
static void test_dead_path(void **state)
{
    Net net;

    ndp_defaults(&net.ndp);
    net_make(&net, 8, 4, 0);
    for (uint32_t i = 0; i < 4; i++) {
        flow(&net, i, 4 + i, 2000 * 9000, 0);
    }
    assert_true(fabric_switch_set_up(net.f, 11, false, 3 * MS, NULL));
    assert_true(fabric_switch_set_up(net.f, 11, true, 6 * MS, NULL));
    fabric_run(net.f, 60 * MS);
    for (uint32_t i = 0; i < 4; i++) {
        FabricFlowStats s = stats(&net, i);

        assert_int_equal(s.delivered_bytes, 2000 * 9000);
        assert_true(s.acked_ps < 30 * MS); /* 14.5 ms on an idle network */
    }
    fabric_free(net.f);
}

static void test_one_path_moves_on_marks(void **state)
{
    FabricConfig config = { .seed = 2 };
    FabricTopology t;
    Net net;

    ndp_defaults(&net.ndp);
    net.ndp.policy = FABRIC_NDP_ONE_PATH_MARK;
    net.ndp.paths = 16;
    net.ndp.ect = true;
    net.f = fabric_new(&config);
    fabric_topology_default(&t, 8);
    fabric_ndp_switch(&t.sw.sw, &net.ndp, 8 * 9060);
    t.sw.sw.queue[0].ecn_mode = SWITCH_ECN_STEP;
    t.sw.sw.queue[0].ecn_min_cells = 4 * 9060;
    t.host_link.rate_bps = t.core_link.rate_bps = 10 * GBIT;
    assert_int_equal(fabric_topology_leaf_spine(net.f, &t, 2, 4, NULL), 0);
    assert_true(fabric_build(net.f, NULL));
    net.transport =
        (uint32_t)fabric_transport_add(net.f, &fabric_ndp_ops, &net.ndp, NULL);
    flow(&net, 0, 4, 100 * 9000, 0); /* alone: no reason to move */
    fabric_run(net.f, 5 * MS);
    assert_int_equal(stats(&net, 0).path_changes, 0);
    assert_int_equal(stats(&net, 0).reordered_packets, 0);
    for (uint32_t i = 0; i < 4; i++) {
        FabricFlowSpec spec = { .from = i,
                                .to = 7 - i,
                                .bytes = 1000 * 9000,
                                .start_ps = 5 * MS,
                                .transport = net.transport };

        assert_true(fabric_flow_add(net.f, &spec, NULL) >= 0);
    }
    fabric_run(net.f, 60 * MS);
    assert_true(stats(&net, 1).path_changes + stats(&net, 2).path_changes +
                    stats(&net, 3).path_changes + stats(&net, 4).path_changes >
                0);
    for (uint32_t i = 1; i < 5; i++) {
        assert_true(stats(&net, i).acked_ps < 30 * MS);
    }
    fabric_free(net.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window_at_full_rate),
        cmocka_unit_test(test_pulls_in_acks),
        cmocka_unit_test(test_incast),
        cmocka_unit_test(test_headers_come_back),
        cmocka_unit_test(test_fair_pulls),
        cmocka_unit_test(test_preferred_pulls),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_path_penalty),
        cmocka_unit_test(test_dead_path),
        cmocka_unit_test(test_one_path_moves_on_marks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
