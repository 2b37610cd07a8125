/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * topology-test.c: each kind of topology with exact instants; links and
 * switches that fail and come back at exact instants; KP4 on packets.
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
/* From the instant at which a host begins to send to the arrival. */
#define PATH_PS(links, bytes) \
    ((links) * (DELAY_PS + SERIALISE_PS(bytes)) + ((links)-1) * PIPELINE_PS)

static Fabric *new_fabric(void)
{
    FabricConfig config = { .seed = 1 };

    return fabric_new(&config);
}

/* The flows of @text (START_NS FROM TO BYTES), as one trace. */
static void add_flows(Fabric *f, const char *text)
{
    g_autofree char *path = NULL;
    g_autoptr(GError) err = NULL;
    int fd = g_file_open_tmp("fabric-XXXXXX", &path, NULL);

    assert_true(fd >= 0);
    close(fd);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    if (!fabric_traffic_trace(f, path, 1500, &err)) {
        fail_msg("%s", err->message);
    }
    g_unlink(path);
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

/* One packet of 1500 bytes from host @from to host @to: over how many links? */
static void crosses(Fabric *f, uint32_t from, uint32_t to, uint32_t links)
{
    g_autofree char *flow =
        g_strdup_printf("1000 %s %s 1500\n", fabric_node_name(f, from),
                        fabric_node_name(f, to));

    add_flows(f, flow);
    build(f);
    fabric_run(f, FABRIC_NEVER_PS);
    assert_int_equal(hist_count(fabric_latency(f)), 1);
    assert_int_equal(hist_min(fabric_latency(f)), PATH_PS(links, 1500));
    assert_int_equal(totals_of(f).hops, links);
    fabric_free(f);
}

/* ---- topologies ---------------------------------------------------------- */

static void test_single_switch(void **state)
{
    for (uint32_t n = 2; n <= 256; n += 127) {
        Fabric *f = new_fabric();
        FabricTopology t;

        fabric_topology_default(&t, n);
        assert_int_equal(fabric_topology_single(f, &t, NULL), 0);
        assert_int_equal(fabric_node_count(f), n + 1);
        assert_int_equal(fabric_link_count(f), n);
        crosses(f, n - 1, 0, 2);
    }
}

static Fabric *leaf_spine(uint32_t hosts, uint32_t leaves, uint32_t spines)
{
    Fabric *f = new_fabric();
    FabricTopology t;

    fabric_topology_default(&t, hosts);
    assert_int_equal(fabric_topology_leaf_spine(f, &t, leaves, spines, NULL),
                     0);
    assert_int_equal(fabric_node_count(f), hosts + leaves + spines);
    assert_int_equal(fabric_link_count(f), hosts + leaves * spines);
    return f;
}

static void test_leaf_spine(void **state)
{
    uint32_t a, b;
    Fabric *f = leaf_spine(12, 4, 3);

    /* each leaf once to each spine */
    for (uint32_t leaf = 0; leaf < 4; leaf++) {
        for (uint32_t spine = 0; spine < 3; spine++) {
            g_autofree char *name =
                g_strdup_printf("leaf%u-spine%u", leaf, spine);
            int32_t link = fabric_link_by_name(f, name);

            assert_true(link >= 0);
            fabric_link_ends(f, (uint32_t)link, &a, &b);
            assert_int_equal(a, 12 + leaf);
            assert_int_equal(b, 16 + spine);
        }
    }
    crosses(f, 0, 2, 2); /* three hosts a leaf */
    crosses(leaf_spine(12, 4, 3), 2, 3, 4);
    crosses(leaf_spine(12, 4, 3), 11, 0, 4);
}

/* A chain of three switches of other rates and delays, link by link. */
static void test_explicit_links(void **state)
{
    static const struct {
        uint64_t rate_bps, delay_ps;
    } links[] = { { 25000000000ull, 1000000 },
                  { 100000000000ull, 7 },
                  { 10000000000ull, 2000000 },
                  { 400000000000ull, 300 } };
    Fabric *f = new_fabric();
    FabricHostConfig host = { .name = "a" };
    FabricSwitchConfig sw;
    uint32_t node[5];
    uint64_t want_ps = 3 * PIPELINE_PS;

    fabric_switch_config_default(&sw);
    node[0] = fabric_add_host(f, &host);
    host.name = "b";
    node[4] = fabric_add_host(f, &host);
    for (uint32_t i = 1; i < 4; i++) {
        node[i] = fabric_add_switch(f, &sw);
    }
    for (uint32_t i = 0; i < G_N_ELEMENTS(links); i++) {
        FabricLinkConfig c;

        fabric_link_config_default(&c);
        c.rate_bps = links[i].rate_bps;
        c.delay_ps = links[i].delay_ps;
        assert_int_equal(fabric_add_link(f, node[i], node[i + 1], &c, NULL),
                         (int32_t)i);
        want_ps += links[i].delay_ps + 1524 * 8 *
                                           (1000000000000ull / 1000000000) *
                                           1000000000 / links[i].rate_bps;
    }
    add_flows(f, "5 a b 1500\n");
    build(f);
    fabric_run(f, FABRIC_NEVER_PS);
    assert_int_equal(hist_count(fabric_latency(f)), 1);
    assert_int_equal(hist_max(fabric_latency(f)), want_ps);
    assert_int_equal(totals_of(f).hops, 4);
    fabric_free(f);
}

/* ---- failure and repair -------------------------------------------------- */

/* Two hosts at a switch (node 2); a packet each microsecond, the first
 * departing whole (its last bit) at 1 us + SERIALISE_PS. */
static Fabric *ticking(uint32_t packets)
{
    Fabric *f = new_fabric();
    g_autoptr(GString) flows = g_string_new(NULL);
    FabricTopology t;

    fabric_topology_default(&t, 2);
    assert_int_equal(fabric_topology_single(f, &t, NULL), 0);
    for (uint32_t i = 1; i <= packets; i++) {
        g_string_append_printf(flows, "%u host0 host1 1500\n", i * 1000);
    }
    add_flows(f, flows->str);
    build(f);
    return f;
}

/* What arrives when the link to the receiver is down from @down_ps to @up_ps:
 * it has arrived before the one, or leaves the switch at the other or later. */
static uint64_t expected(uint64_t departs_ps, uint64_t arrives_ps,
                         uint64_t down_ps, uint64_t up_ps, uint32_t packets)
{
    uint64_t n = 0;

    for (uint64_t i = 1; i <= packets; i++) {
        n += i * US + arrives_ps < down_ps || i * US + departs_ps >= up_ps;
    }
    return n;
}

static void test_link_comes_back(void **state)
{
    uint64_t admit_ps = SERIALISE_PS(1500) + DELAY_PS + PIPELINE_PS;
    uint64_t arrives_ps = PATH_PS(2, 1500);

    /* the last picosecond that loses a packet, and the first that does not */
    for (uint32_t late = 0; late < 2; late++) {
        uint64_t down_ps = 5 * US + arrives_ps + !late;
        uint64_t up_ps = 20 * US + admit_ps + late;
        Fabric *f = ticking(30);

        assert_true(fabric_link_set_up(f, 1, false, down_ps, NULL));
        assert_true(fabric_link_set_up(f, 1, true, up_ps, NULL));
        fabric_run(f, FABRIC_NEVER_PS);
        assert_int_equal(totals_of(f).sent, 30);
        assert_int_equal(totals_of(f).received, late ? 4 + 10 : 5 + 11);
        assert_int_equal(expected(admit_ps, arrives_ps, down_ps, up_ps, 30),
                         totals_of(f).received);
        fabric_free(f);
    }
}

static void test_switch_comes_back(void **state)
{
    uint64_t reach_ps = SERIALISE_PS(1500); /* leaves the sender */
    uint64_t arrives_ps = PATH_PS(2, 1500);

    for (uint32_t late = 0; late < 2; late++) {
        uint64_t down_ps = 5 * US + arrives_ps + !late;
        uint64_t up_ps = 20 * US + reach_ps + late;
        Fabric *f = ticking(30);
        FabricTotals t;

        assert_true(fabric_switch_set_up(f, 2, false, down_ps, NULL));
        assert_true(fabric_switch_set_up(f, 2, true, up_ps, NULL));
        fabric_run(f, FABRIC_NEVER_PS);
        t = totals_of(f);
        assert_int_equal(t.sent, 30);
        assert_int_equal(t.received,
                         expected(reach_ps, arrives_ps, down_ps, up_ps, 30));
        assert_int_equal(t.received, late ? 4 + 10 : 5 + 11);
        assert_int_equal(t.dropped[FABRIC_DROP_LINK_DOWN] +
                             t.dropped[FABRIC_DROP_NO_ROUTE],
                         30 - t.received);
        fabric_free(f);
    }
}

/* ---- forward error correction -------------------------------------------- */

static uint64_t fcs_errors(double ber, FabricFec fec, uint64_t *ret_packets)
{
    Fabric *f = new_fabric();
    uint32_t pair[2] = { 1, 0 };
    FabricTopology topology;
    FabricTraffic t;
    FabricLinkStats s;

    fabric_topology_default(&topology, 2);
    assert_int_equal(fabric_topology_single(f, &topology, NULL), 0);
    fabric_traffic_default(&t);
    t.pattern = FABRIC_INCAST;
    t.hosts = pair;
    t.n_hosts = 2;
    t.end_ps = 10000 * US;
    assert_true(fabric_traffic_add(f, &t, NULL));
    build(f);
    assert_true(fabric_link_set_errors(f, 0, 0, ber, fec, 0, NULL));
    fabric_run(f, FABRIC_NEVER_PS);
    assert_true(fabric_link_stats(f, 0, 0, &s));
    assert_int_equal(totals_of(f).received, s.packets - s.fcs_errors);
    *ret_packets = s.packets;
    fabric_free(f);
    return s.fcs_errors;
}

/* KP4 saves nearly all at 10^-3, where nothing would pass without; and loses
 * what its closed form says at 1.5 * 10^-3. */
static void test_kp4_on_packets(void **state)
{
    double p = fabric_frame_loss(1.5e-3, FABRIC_FEC_KP4, 1500), want;
    uint64_t packets, lost;

    lost = fcs_errors(1e-3, FABRIC_FEC_NONE, &packets);
    assert_true(lost > packets - 10); /* (1 - 10^-3)^12096 = 6 * 10^-6 */
    lost = fcs_errors(1e-4, FABRIC_FEC_KP4, &packets);
    assert_int_equal(lost, 0);
    lost = fcs_errors(1.5e-3, FABRIC_FEC_KP4, &packets);
    want = p * (double)packets;
    assert_true(want > 100);
    assert_true(fabs((double)lost - want) < 5 * sqrt(want));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_switch),
        cmocka_unit_test(test_leaf_spine),
        cmocka_unit_test(test_explicit_links),
        cmocka_unit_test(test_link_comes_back),
        cmocka_unit_test(test_switch_comes_back),
        cmocka_unit_test(test_kp4_on_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
