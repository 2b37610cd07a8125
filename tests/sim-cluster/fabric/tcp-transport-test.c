/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tcp-transport-test.c: DCTCP and MPTCP between modelled hosts: exact
 * instants, marks, losses, timeouts, subflows, every path policy, a spine that
 * dies and returns, incast.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport_dctcp.h"
#include "transport_mptcp.h"

#define US 1000000ull
#define MS (1000 * US)
#define GBIT 1000000000ull
#define PS_PER_BYTE 80u /* 100 Gbit/s */
#define SERIALISE_PS(bytes) (((bytes) + 24u) * PS_PER_BYTE)
/* host, link, switch, link, host */
#define THROUGH_PS(bytes) (2 * SERIALISE_PS(bytes) + 2 * 500000u + 400000u)
#define MSS 1448u

static FabricSwitchConfig small_switch(uint32_t limit_packets,
                                       uint32_t mark_packets)
{
    FabricSwitchConfig c;

    fabric_switch_config_default(&c);
    c.sw.queues = 1;
    c.sw.cell_bytes = 1600;
    c.sw.queue[0].alpha_q8 = 65536;
    c.sw.queue[0].limit_packets = limit_packets;
    c.sw.queue[0].ecn_mode = mark_packets ? SWITCH_ECN_STEP : SWITCH_ECN_OFF;
    c.sw.queue[0].ecn_min_cells = mark_packets;
    return c;
}

/* @n hosts on one switch, 100 Gbit/s, 500 ns, pipeline 400 ns. */
static Fabric *single(uint32_t n, const FabricSwitchConfig *sw)
{
    Fabric *f = fabric_new(&(FabricConfig){ .seed = 1 });
    FabricTopology t;
    GError *err = NULL;

    fabric_topology_default(&t, n);
    t.sw = *sw;
    t.sw.name = NULL;
    assert_int_equal(fabric_topology_single(f, &t, &err), 0);
    assert_true(fabric_build(f, &err));
    return f;
}

/* Hosts 0.., then @leaves leaves, then @spines spines. 10 Gbit/s. */
static Fabric *leaf_spine(uint32_t hosts, uint32_t leaves, uint32_t spines,
                          uint64_t seed)
{
    FabricSwitchConfig sw = small_switch(300, 60);
    Fabric *f =
        fabric_new(&(FabricConfig){ .seed = seed, .reconverge_ps = 100 * US });
    FabricTopology t;
    GError *err = NULL;

    fabric_topology_default(&t, hosts);
    t.sw = sw;
    t.sw.name = NULL;
    t.host_link.rate_bps = t.core_link.rate_bps = 10 * GBIT;
    assert_int_equal(fabric_topology_leaf_spine(f, &t, leaves, spines, &err),
                     0);
    assert_true(fabric_build(f, &err));
    return f;
}

static uint32_t add_dctcp(Fabric *f, const TransportDctcpConfig *c)
{
    GError *err = NULL;
    int32_t t = fabric_transport_add(f, &transport_dctcp_ops, c, &err);

    assert_null(err);
    assert_true(t >= 0);
    return (uint32_t)t;
}

static uint32_t add_mptcp(Fabric *f, const TransportMptcpConfig *c)
{
    GError *err = NULL;
    int32_t t = fabric_transport_add(f, &transport_mptcp_ops, c, &err);

    assert_null(err);
    assert_true(t >= 0);
    return (uint32_t)t;
}

static uint32_t add_flow(Fabric *f, uint32_t transport, uint32_t from,
                         uint32_t to, uint64_t bytes, uint64_t start_ps)
{
    GError *err = NULL;
    int64_t flow = fabric_flow_add(f,
                                   &(FabricFlowSpec){ .from = from,
                                                      .to = to,
                                                      .bytes = bytes,
                                                      .start_ps = start_ps,
                                                      .transport = transport },
                                   &err);

    assert_null(err);
    assert_true(flow >= 0);
    return (uint32_t)flow;
}

static FabricFlowStats stats(const Fabric *f, uint32_t flow)
{
    FabricFlowStats s;

    fabric_flow_stats(f, flow, &s);
    return s;
}

/* ---- exact instants -------------------------------------------------------- */

static void one_segment_and_its_acknowledgement(void **state)
{
    FabricSwitchConfig sw = small_switch(100, 0);
    Fabric *f = single(2, &sw);
    TransportDctcpConfig c;
    FabricFlowStats s;
    uint32_t flow;

    transport_dctcp_config_default(&c);
    flow = add_flow(f, add_dctcp(f, &c), 0, 1, MSS, 5 * US);
    fabric_run(f, 20 * US);
    s = stats(f, flow);
    assert_int_equal(s.finish_ps, 5 * US + THROUGH_PS(MSS + 66));
    assert_int_equal(s.acked_ps,
                     5 * US + THROUGH_PS(MSS + 66) + THROUGH_PS(66));
    assert_int_equal(s.sent_packets, 1);
    assert_int_equal(s.delivered_bytes, MSS);
    fabric_free(f);
}

/* Window 2, then 4: two round trips. */
static void slow_start_on_the_wire(void **state)
{
    FabricSwitchConfig sw = small_switch(100, 0);
    Fabric *f = single(2, &sw);
    TransportDctcpConfig c;
    uint64_t rtt_ps = THROUGH_PS(MSS + 66) + THROUGH_PS(66);
    uint32_t flow;

    transport_dctcp_config_default(&c);
    c.jitter_ps = 0;
    c.tcp.initial_segments = 2;
    flow = add_flow(f, add_dctcp(f, &c), 0, 1, 6 * MSS, 0);
    fabric_run(f, 100 * US);
    /* the first acknowledgement lets 3 and 4 go, back to back; the second,
     * one packet's time later, 5 and 6 behind them */
    assert_int_equal(stats(f, flow).finish_ps, rtt_ps +
                                                   3 * SERIALISE_PS(MSS + 66) +
                                                   THROUGH_PS(MSS + 66));
    fabric_free(f);
}

static void lost_segment_times_out(void **state)
{
    FabricSwitchConfig sw = small_switch(100, 0);
    Fabric *f = single(2, &sw);
    TransportDctcpConfig c;
    FabricFlowStats s;
    GError *err = NULL;
    uint32_t flow;

    transport_dctcp_config_default(&c);
    c.tcp.rto_initial_ps = 3 * MS;
    flow = add_flow(f, add_dctcp(f, &c), 0, 1, MSS, 0);
    assert_true(fabric_link_set_up(f, 1, false, 0, &err));
    assert_true(fabric_link_set_up(f, 1, true, 5 * MS, &err));
    fabric_run(f, 20 * MS);
    s = stats(f, flow);
    /* 3 ms, then 6 ms after it */
    assert_int_equal(s.finish_ps, 9 * MS + THROUGH_PS(MSS + 66));
    assert_int_equal(s.timeouts, 2);
    assert_int_equal(s.retransmitted_packets, 2);
    fabric_free(f);
}

/* ---- behaviour under load -------------------------------------------------- */

/* Two senders, one receiver: marks keep the queue short, nothing is lost and
 * both get about half. */
static void marks_share_a_link_without_loss(void **state)
{
    FabricSwitchConfig sw = small_switch(200, 40);
    Fabric *f = single(3, &sw);
    TransportDctcpConfig c;
    uint32_t t, flow[2];
    uint64_t sum = 0;
    FabricLinkStats link;

    transport_dctcp_config_default(&c);
    t = add_dctcp(f, &c);
    for (uint32_t i = 0; i < 2; i++) {
        flow[i] = add_flow(f, t, i + 1, 0, FABRIC_ENDLESS, i * 100 * US);
    }
    fabric_run(f, 20 * MS);
    for (uint32_t i = 0; i < 2; i++) {
        FabricFlowStats s = stats(f, flow[i]);

        assert_int_equal(s.retransmitted_packets, 0);
        assert_true(s.marked_packets > 100);
        sum += s.delivered_bytes;
        assert_in_range(s.delivered_bytes * 8 / 1000, 850000, 1050000);
    }
    assert_in_range(sum * 8 / 1000, 1830000, 1884000); /* kbit in 20 ms */
    assert_true(fabric_link_stats(f, 0, 3, &link));
    assert_in_range(link.max_queue_cells, 41, 120);
    fabric_free(f);
}

/* Without marks the buffer overflows, in congestion avoidance by one packet:
 * repaired without timeouts. */
static void overflow_is_repaired_fast(void **state)
{
    FabricSwitchConfig sw = small_switch(60, 0);
    Fabric *f = single(3, &sw);
    TransportDctcpConfig c;
    uint32_t t, flow[2];
    uint64_t repaired = 0, delivered = 0;

    transport_dctcp_config_default(&c);
    c.tcp.dctcp = false;
    c.tcp.ssthresh_segments = 40;
    t = add_dctcp(f, &c);
    for (uint32_t i = 0; i < 2; i++) {
        flow[i] = add_flow(f, t, i + 1, 0, FABRIC_ENDLESS, 0);
    }
    fabric_run(f, 20 * MS);
    for (uint32_t i = 0; i < 2; i++) {
        FabricFlowStats s = stats(f, flow[i]);

        assert_int_equal(s.timeouts, 0);
        delivered += s.delivered_bytes;
        repaired += s.retransmitted_packets;
    }
    assert_true(repaired > 10);
    assert_in_range(delivered * 8 / 1000, 1750000, 1884000); /* kbit */
    fabric_free(f);
}

/* ---- paths ----------------------------------------------------------------- */

#define FLOWS 32u

/* 16 hosts, 2 leaves, 4 spines: all to the other side. */
static void run_policy(PathPolicy policy, bool share, uint64_t *finish_ps,
                       uint64_t *ret_changes)
{
    Fabric *f = leaf_spine(16, 2, 4, 3);
    TransportDctcpConfig c;
    uint32_t t;

    transport_dctcp_config_default(&c);
    c.path = path_config_default(policy);
    c.share_paths = share;
    t = add_dctcp(f, &c);
    for (uint32_t i = 0; i < FLOWS; i++) { /* two between each pair */
        add_flow(f, t, i % 16, (i + 8) % 16, 2000000, i * US);
    }
    fabric_run(f, 100 * MS);
    *ret_changes = 0;
    for (uint32_t i = 0; i < FLOWS; i++) {
        FabricFlowStats s = stats(f, i);

        assert_int_not_equal(s.acked_ps, FABRIC_NEVER_PS);
        assert_int_equal(s.delivered_bytes, 2000000);
        finish_ps[i] = s.finish_ps;
        *ret_changes += s.path_changes;
    }
    fabric_free(f);
}

static void every_policy_delivers_and_repeats(void **state)
{
    for (uint32_t i = 0; i < 2 * PATH_POLICIES; i++) {
        PathPolicy p = (PathPolicy)(i / 2);
        uint64_t a[FLOWS], b[FLOWS], changes_a, changes_b;

        run_policy(p, i % 2, a, &changes_a);
        run_policy(p, i % 2, b, &changes_b);
        print_message("%s: %d changes\n", path_policy_name(p), (int)changes_a);
        assert_memory_equal(a, b, sizeof(a));
        assert_int_equal(changes_a, changes_b);
        if (p == PATH_ECMP) {
            assert_int_equal(changes_a, 0);
        } else if (p == PATH_SPRAY) {
            assert_true(changes_a > FLOWS * 1000);
        }
    }
}

/* Every packet another way: late ones must not be taken for lost ones for
 * long. */
static void spraying_repairs_little(void **state)
{
    Fabric *f = leaf_spine(8, 2, 4, 3);
    TransportDctcpConfig c;
    FabricFlowStats s;
    uint32_t t;

    transport_dctcp_config_default(&c);
    c.path = path_config_default(PATH_SPRAY);
    t = add_dctcp(f, &c);
    for (uint32_t i = 0; i < 4; i++) {
        add_flow(f, t, i, i + 4, 20000000, 0);
    }
    fabric_run(f, 100 * MS);
    for (uint32_t i = 0; i < 4; i++) {
        s = stats(f, i);
        assert_int_not_equal(s.finish_ps, FABRIC_NEVER_PS);
        assert_true(s.reordered_packets > 100);
        assert_int_equal(s.timeouts, 0);
        assert_true(s.retransmitted_packets * 100 < s.sent_packets);
    }
    fabric_free(f);
}

/* At most two packets outstanding on a value: acknowledgements, not the cap's
 * own timeout of 1 ms, let the next ones go. */
static void acknowledgements_lift_a_cap(void **state)
{
    Fabric *f = leaf_spine(4, 2, 2, 3);
    TransportDctcpConfig c;
    uint32_t t;

    transport_dctcp_config_default(&c);
    c.path = path_config_default(PATH_SPRAY);
    c.path.values = 2;
    c.path.cap_bytes = 2 * (MSS + 66);
    t = add_dctcp(f, &c);
    add_flow(f, t, 0, 2, 1000 * MSS, 0);
    fabric_run(f, 50 * MS);
    /* 4 packets each round trip, of some 10 us with the jitter */
    assert_in_range(stats(f, 0).finish_ps, 1 * MS, 5 * MS);
    fabric_free(f);
}

static void subflows_use_all_paths_and_deliver_once(void **state)
{
    Fabric *f = leaf_spine(8, 2, 4, 3);
    TransportMptcpConfig c;
    FabricFlowStats s;
    FabricLinkStats link;
    uint32_t t, used = 0;

    transport_mptcp_config_default(&c);
    t = add_mptcp(f, &c);
    add_flow(f, t, 0, 4, 10000001, 0);
    fabric_run(f, 100 * MS);
    s = stats(f, 0);
    assert_int_equal(s.delivered_bytes, 10000001);
    assert_int_not_equal(s.acked_ps, FABRIC_NEVER_PS);
    assert_true(s.acked_ps > s.finish_ps);
    for (uint32_t i = 0; i < fabric_link_count(f); i++) {
        uint32_t a, b;

        fabric_link_ends(f, i, &a, &b);
        if (a == 8 && b >= 10 && fabric_link_stats(f, i, a, &link)) {
            used += link.packets > 100;
        }
    }
    assert_true(used >= 3); /* 8 random draws of 4 */
    fabric_free(f);
}

/* Link 1 of 2 is a tenth: coupled subflows fill the sum of both. */
static void subflows_move_to_the_better_path(void **state)
{
    Fabric *f = leaf_spine(4, 2, 2, 3);
    TransportMptcpConfig c;
    GError *err = NULL;
    uint32_t t, link;
    uint64_t before;

    transport_mptcp_config_default(&c);
    c.subflows = 2;
    c.distinct_paths = true;
    t = add_mptcp(f, &c);
    add_flow(f, t, 0, 2, FABRIC_ENDLESS, 0);
    for (link = 0; link < fabric_link_count(f); link++) {
        uint32_t a, b;

        fabric_link_ends(f, link, &a, &b);
        if (a == 4 && b == 6) {
            break;
        }
    }
    assert_true(fabric_link_set_rate(f, link, 2 * GBIT, 0, &err));
    fabric_run(f, 50 * MS);
    before = stats(f, 0).delivered_bytes;
    fabric_run(f, 100 * MS);
    /* 10 Gbit/s is the host's own link; 50 ms, payload 1428 of 1538 */
    assert_in_range((stats(f, 0).delivered_bytes - before) * 8 / 50000, 8800,
                    9290);
    fabric_free(f);
}

/* ---- a spine dies and returns ------------------------------------------------ */

/* The longest time in which a flow delivers nothing, sampled. */
static uint64_t longest_stall_ps(Fabric *f, uint32_t flows, uint64_t until_ps,
                                 uint64_t step_ps)
{
    g_autofree uint64_t *bytes = g_new0(uint64_t, flows);
    g_autofree uint64_t *since = g_new0(uint64_t, flows);
    uint64_t longest = 0;

    for (uint64_t now = 0; now <= until_ps; now += step_ps) {
        fabric_run(f, now);
        for (uint32_t i = 0; i < flows; i++) {
            uint64_t here = stats(f, i).delivered_bytes;

            longest = MAX(longest, now - since[i]);
            if (here > bytes[i]) {
                bytes[i] = here;
                since[i] = now;
            }
        }
    }
    return longest;
}

/*
 * Bound: a flow whose window is lost as a whole waits for its timer, at most
 * rto_min + 4 variances (queues of 300 packets: some 100 us) after its last
 * acknowledgement, and for the routes (100 us), which are there by then. A
 * second timeout would need the repair to be lost too.
 */
static void no_flow_stalls_when_a_spine_flaps(void **state)
{
    for (PathPolicy p = 0; p < PATH_POLICIES; p++) {
        Fabric *f = leaf_spine(32, 4, 4, 11);
        TransportDctcpConfig c;
        GError *err = NULL;
        uint64_t stall_ps;
        uint32_t t;

        transport_dctcp_config_default(&c);
        c.path = path_config_default(p);
        c.tcp.rto_initial_ps = c.tcp.rto_min_ps = 1 * MS;
        t = add_dctcp(f, &c);
        for (uint32_t i = 0; i < 32; i++) {
            add_flow(f, t, i, (i + 8) % 32, FABRIC_ENDLESS, 0);
        }
        assert_true(fabric_switch_set_up(f, 36, false, 5 * MS, &err));
        assert_true(fabric_switch_set_up(f, 36, true, 10 * MS, &err));
        stall_ps = longest_stall_ps(f, 32, 20 * MS, 50 * US);
        print_message("%s: longest stall %d us\n", path_policy_name(p),
                      (int)(stall_ps / US));
        assert_true(stall_ps <= 2 * MS);
        fabric_free(f);
    }
}

static void mptcp_survives_a_spine(void **state)
{
    Fabric *f = leaf_spine(32, 4, 4, 11);
    TransportMptcpConfig c;
    GError *err = NULL;
    uint32_t t;

    transport_mptcp_config_default(&c);
    c.tcp.rto_initial_ps = c.tcp.rto_min_ps = 1 * MS;
    t = add_mptcp(f, &c);
    for (uint32_t i = 0; i < 32; i++) {
        add_flow(f, t, i, (i + 8) % 32, 10000000, 0);
    }
    assert_true(fabric_switch_set_up(f, 36, false, 5 * MS, &err));
    assert_true(longest_stall_ps(f, 32, 8 * MS, 50 * US) <= 2 * MS);
    fabric_run(f, 100 * MS);
    for (uint32_t i = 0; i < 32; i++) {
        FabricFlowStats s = stats(f, i);

        assert_int_equal(s.delivered_bytes, 10000000);
        assert_int_not_equal(s.acked_ps, FABRIC_NEVER_PS);
    }
    fabric_free(f);
}

/* A link that swallows all and says nothing: routes stay as they are. Subflows
 * or acknowledgements on it get nowhere; their data goes over the others after
 * the first timeout, 1 ms; 1 MB on 10 Gbit/s takes 0.9 ms. */
static void data_of_a_dead_subflow_goes_elsewhere(void **state)
{
    Fabric *f = leaf_spine(8, 2, 4, 3);
    TransportMptcpConfig c;
    GError *err = NULL;
    FabricFlowStats s;
    uint32_t t, a = 0, b = 0;
    int32_t link = -1;

    transport_mptcp_config_default(&c);
    c.tcp.rto_initial_ps = c.tcp.rto_min_ps = 1 * MS;
    t = add_mptcp(f, &c);
    add_flow(f, t, 0, 4, 1000000, 0);
    while (a != 8 || b != 10) { /* the first leaf, the first spine */
        fabric_link_ends(f, (uint32_t)++link, &a, &b);
    }
    assert_true(fabric_link_set_errors(f, (uint32_t)link, 1, 0, FABRIC_FEC_NONE,
                                       0, &err));
    fabric_run(f, 100 * MS);
    s = stats(f, 0);
    assert_int_equal(s.delivered_bytes, 1000000);
    assert_in_range(s.finish_ps, 1 * MS, 2 * MS);
    assert_int_not_equal(s.acked_ps, FABRIC_NEVER_PS);
    assert_true(s.timeouts >= 1);
    fabric_free(f);
}

/* ---- incast ---------------------------------------------------------------- */

/*
 * 31 senders of 500 kB to one 100 Gbit/s port whose queue holds 200 packets,
 * fewer than their first windows together: all end, and the last one no later
 * than the link needs for all bytes plus one timeout.
 */
static void incast_ends_within_its_bound(void **state)
{
    FabricSwitchConfig sw = small_switch(200, 60);
    Fabric *f = single(32, &sw);
    TransportDctcpConfig c;
    uint64_t last_ps = 0, least_ps;
    uint32_t t;

    transport_dctcp_config_default(&c);
    c.tcp.rto_initial_ps = c.tcp.rto_min_ps = 1 * MS;
    t = add_dctcp(f, &c);
    for (uint32_t i = 1; i < 32; i++) {
        add_flow(f, t, i, 0, 500000, 0);
    }
    fabric_run(f, 50 * MS);
    for (uint32_t i = 0; i < 31; i++) {
        FabricFlowStats s = stats(f, i);

        assert_int_not_equal(s.finish_ps, FABRIC_NEVER_PS);
        last_ps = MAX(last_ps, s.finish_ps);
    }
    /* 346 segments each, 345 of them full */
    least_ps = 31ull * 345 * SERIALISE_PS(MSS + 66);
    print_message("last %d us, link alone %d us\n", (int)(last_ps / US),
                  (int)(least_ps / US));
    assert_true(last_ps >= least_ps);
    assert_true(last_ps <= least_ps + 1 * MS);
    fabric_free(f);
}

/* ---- refusals -------------------------------------------------------------- */

static void wrong_configurations_are_refused(void **state)
{
    FabricSwitchConfig sw = small_switch(100, 0);
    Fabric *f = single(2, &sw);
    TransportDctcpConfig d;
    TransportMptcpConfig m;
    GError *err = NULL;

    transport_dctcp_config_default(&d);
    d.tcp.segment_bytes = 9599;
    assert_int_equal(fabric_transport_add(f, &transport_dctcp_ops, &d, &err),
                     -1);
    g_clear_error(&err);
    transport_dctcp_config_default(&d);
    d.path = path_config_default(PATH_SPRAY);
    d.source_routed = true;
    assert_int_equal(fabric_transport_add(f, &transport_dctcp_ops, &d, &err),
                     -1);
    g_clear_error(&err);
    transport_dctcp_config_default(&d);
    d.path.values = 0;
    assert_int_equal(fabric_transport_add(f, &transport_dctcp_ops, &d, &err),
                     -1);
    g_clear_error(&err);
    transport_mptcp_config_default(&m);
    m.subflows = 17;
    assert_int_equal(fabric_transport_add(f, &transport_mptcp_ops, &m, &err),
                     -1);
    g_clear_error(&err);
    fabric_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_segment_and_its_acknowledgement),
        cmocka_unit_test(slow_start_on_the_wire),
        cmocka_unit_test(lost_segment_times_out),
        cmocka_unit_test(marks_share_a_link_without_loss),
        cmocka_unit_test(overflow_is_repaired_fast),
        cmocka_unit_test(every_policy_delivers_and_repeats),
        cmocka_unit_test(spraying_repairs_little),
        cmocka_unit_test(acknowledgements_lift_a_cap),
        cmocka_unit_test(subflows_use_all_paths_and_deliver_once),
        cmocka_unit_test(subflows_move_to_the_better_path),
        cmocka_unit_test(no_flow_stalls_when_a_spine_flaps),
        cmocka_unit_test(mptcp_survives_a_spine),
        cmocka_unit_test(data_of_a_dead_subflow_goes_elsewhere),
        cmocka_unit_test(incast_ends_within_its_bound),
        cmocka_unit_test(wrong_configurations_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
