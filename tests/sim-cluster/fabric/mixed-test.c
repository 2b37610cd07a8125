/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mixed-test.c: floods in topologies with loops, taps, and full and modelled
 * hosts that share queues.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fabric.h"

#define US 1000000ull
#define SERIALISE_PS(bytes) (((bytes) + 24ull) * 80u) /* 100 Gbit/s */

typedef struct Log {
    Fabric *f;
    uint32_t delivered[64], total, dropped[FABRIC_DROPS], taps;
    uint64_t last_ps, bound[64], tap_ps;
} Log;

static void on_deliver(void *opaque, uint32_t host, uint64_t ps,
                       const uint8_t *frame, uint32_t len)
{
    Log *log = opaque;

    log->delivered[host]++;
    log->total++;
    assert_true(ps >= log->last_ps);
    assert_true(ps >= log->bound[host]);
    log->last_ps = ps;
}

static void on_drop(void *opaque, uint32_t node, uint64_t ps, FabricDrop reason,
                    const uint8_t *frame, uint32_t len)
{
    ((Log *)opaque)->dropped[reason]++;
}

static void on_tap(void *opaque, uint32_t link, uint32_t from_node,
                   uint64_t depart_ps, const uint8_t *frame, uint32_t len)
{
    Log *log = opaque;

    log->taps++;
    log->tap_ps = depart_ps;
}

static const FabricOps ops = { on_deliver, on_drop, on_tap };

static Fabric *full_tree(Log *log, uint32_t k, uint32_t full)
{
    FabricConfig config = { .seed = 1, .ops = &ops, .opaque = log };
    FabricHostConfig hosts[64] = { 0 };
    Fabric *f = fabric_new(&config);
    g_autoptr(GError) err = NULL;
    FabricTopology t;

    memset(log, 0, sizeof(*log));
    for (uint32_t i = 0; i < k * k * k / 4; i++) {
        hosts[i].full = i < full;
        hosts[i].ipv4 = 10u << 24 | (i + 1);
    }
    fabric_topology_default(&t, k * k * k / 4);
    t.hosts = hosts;
    assert_int_equal(fabric_topology_fat_tree(f, &t, k, &err), 0);
    log->f = f;
    return f;
}

static void send_l2(Fabric *f, uint32_t from, uint64_t to_mac, uint64_t at_ps)
{
    uint64_t from_mac = fabric_host_mac(f, from);
    g_autoptr(GError) err = NULL;
    uint8_t frame[64] = { 0 };

    for (int i = 0; i < 6; i++) {
        frame[i] = (uint8_t)(to_mac >> (40 - 8 * i));
        frame[6 + i] = (uint8_t)(from_mac >> (40 - 8 * i));
    }
    frame[12] = 0x88; /* an EtherType of nobody's */
    frame[13] = 0xb5;
    assert_true(fabric_inject(f, from, at_ps, frame, sizeof(frame), &err));
}

/* Runs on to @until in small steps, checking the bounds at each. */
static void run_checked(Log *log, uint64_t until_ps)
{
    while (fabric_now_ps(log->f) < until_ps) {
        for (uint32_t h = 0; h < 16; h++) {
            log->bound[h] = fabric_earliest_delivery_ps(log->f, h);
        }
        fabric_run(log->f, MIN(until_ps, fabric_now_ps(log->f) + 37003));
    }
}

static void test_a_broadcast_reaches_each_host_once(void **state)
{
    g_autoptr(GError) err = NULL;
    Log log;
    Fabric *f = full_tree(&log, 4, 16);

    assert_true(fabric_build(f, &err));
    send_l2(f, 3, SWITCH_MAC_MASK, 0);
    run_checked(&log, 20 * US);
    assert_int_equal(log.total, 15);
    for (uint32_t h = 0; h < 16; h++) {
        assert_int_equal(log.delivered[h], h != 3);
    }
    assert_int_equal(fabric_frames_inside(f), 0);
    /* all have learned where host 3 is: one path, nothing flooded */
    send_l2(f, 12, fabric_host_mac(f, 3), 20 * US);
    run_checked(&log, 40 * US);
    assert_int_equal(log.total, 16);
    assert_int_equal(log.delivered[3], 1);
    assert_int_equal(log.dropped[FABRIC_DROP_NOT_FOR_IT], 0);
    fabric_free(f);
}

/* The tree is made anew without what has failed. */
static void test_floods_survive_failures(void **state)
{
    g_autoptr(GError) err = NULL;

    for (uint32_t sw = 24; sw < 36; sw++) { /* aggregation and cores */
        Log log;
        Fabric *f = full_tree(&log, 4, 16);

        assert_true(fabric_build(f, &err));
        assert_true(fabric_switch_set_up(f, sw, false, 1 * US, &err));
        fabric_run(f, 2 * US);
        send_l2(f, 0, SWITCH_MAC_MASK, 2 * US);
        run_checked(&log, 20 * US);
        assert_int_equal(log.total, 15);
        assert_true(fabric_switch_set_up(f, sw, true, 21 * US, &err));
        fabric_run(f, 22 * US);
        send_l2(f, 0, SWITCH_MAC_MASK, 22 * US);
        run_checked(&log, 40 * US);
        assert_int_equal(log.total, 30);
        fabric_free(f);
    }
}

static void test_taps_see_each_link(void **state)
{
    g_autoptr(GError) err = NULL;
    Log log;
    Fabric *f = full_tree(&log, 4, 16);

    assert_true(fabric_build(f, &err));
    send_l2(f, 0, SWITCH_MAC_MASK, 0);
    fabric_run(f, 20 * US);
    /* a tree over 20 switches and 16 hosts has 35 links */
    assert_int_equal(log.taps, 35);
    fabric_free(f);
}

static void send_udp(Fabric *f, uint32_t from, uint32_t to, uint64_t at_ps,
                     uint32_t len)
{
    uint32_t src = fabric_host_ipv4(f, from), dst = fabric_host_ipv4(f, to);
    g_autoptr(GError) err = NULL;
    uint8_t frame[1500] = { 0 };

    frame[12] = 8;
    frame[14] = 0x45;
    frame[23] = 17;
    for (int i = 0; i < 4; i++) {
        frame[26 + i] = (uint8_t)(src >> (24 - 8 * i));
        frame[30 + i] = (uint8_t)(dst >> (24 - 8 * i));
    }
    assert_true(fabric_inject(f, from, at_ps, frame, len, &err));
}

/* A full host's frame waits behind modelled packets for a full host. */
static void test_modelled_packets_delay_frames(void **state)
{
    uint64_t alone = 0;

    for (uint32_t busy = 0; busy < 2; busy++) {
        uint32_t hosts[15];
        g_autoptr(GError) err = NULL;
        FabricTraffic t;
        FabricTotals totals;
        Log log;
        Fabric *f = full_tree(&log, 4, 2);

        for (uint32_t i = 0; i < 15; i++) {
            hosts[i] = i + 1; /* node 1 is full: it receives */
        }
        fabric_traffic_default(&t);
        t.pattern = FABRIC_INCAST;
        t.hosts = hosts;
        t.n_hosts = 15;
        t.load_ppm = busy ? 60000 : 1; /* 14 senders: 84 % */
        t.end_ps = 200 * US;
        assert_true(fabric_traffic_add(f, &t, &err));
        assert_true(fabric_build(f, &err));
        for (uint32_t i = 0; i < 50; i++) {
            send_udp(f, 0, 1, (100 + i) * US, 1500);
        }
        fabric_run(f, 1000 * US);
        assert_int_equal(log.delivered[1], 50);
        fabric_totals(f, &totals);
        assert_int_equal(totals.received, totals.sent);
        assert_int_equal(totals.delivered, 50);
        if (!busy) {
            alone = log.last_ps;
            assert_true(totals.sent < 20);
            assert_int_equal(alone, 149 * US + 1400000 + SERIALISE_PS(1500));
        } else {
            assert_true(totals.sent > 1000);
            assert_true(log.last_ps > alone);
        }
        fabric_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_broadcast_reaches_each_host_once),
        cmocka_unit_test(test_floods_survive_failures),
        cmocka_unit_test(test_taps_see_each_link),
        cmocka_unit_test(test_modelled_packets_delay_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
