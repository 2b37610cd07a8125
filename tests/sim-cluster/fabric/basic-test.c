/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * basic-test.c: two full hosts and one switch: exact instants, forwarding,
 * ECN in the bytes, refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fabric.h"

#define DELAY_PS 500000u
#define PIPELINE_PS 400000u
#define PS_PER_BYTE 80u /* 100 Gbit/s */
#define SERIALISE_PS(bytes) (((bytes) + 24u) * PS_PER_BYTE)
#define THROUGH_PS(bytes) (2 * DELAY_PS + PIPELINE_PS + SERIALISE_PS(bytes))
#define IPV4(d) (10u << 24 | (d))

typedef struct Seen {
    uint32_t host, len;
    uint64_t ps;
    uint8_t bytes[128];
} Seen;

typedef struct Log {
    Seen seen[64];
    uint32_t n, dropped;
    FabricDrop reason;
} Log;

static void on_deliver(void *opaque, uint32_t host, uint64_t ps,
                       const uint8_t *frame, uint32_t len)
{
    Log *log = opaque;
    Seen *s = &log->seen[log->n++];

    assert_true(log->n <= 64);
    s->host = host;
    s->ps = ps;
    s->len = len;
    memcpy(s->bytes, frame, MIN(len, sizeof(s->bytes)));
}

static void on_drop(void *opaque, uint32_t node, uint64_t ps, FabricDrop reason,
                    const uint8_t *frame, uint32_t len)
{
    Log *log = opaque;

    log->dropped++;
    log->reason = reason;
}

static const FabricOps ops = { on_deliver, on_drop, NULL };

/* @n full hosts 10.0.0.1.. on one switch. */
static Fabric *single(Log *log, uint32_t n, uint32_t ecn_min_cells)
{
    FabricConfig config = { .seed = 1, .ops = &ops, .opaque = log };
    Fabric *f = fabric_new(&config);
    FabricHostConfig hosts[8] = { 0 };
    FabricTopology t;
    GError *err = NULL;

    memset(log, 0, sizeof(*log));
    for (uint32_t i = 0; i < n; i++) {
        hosts[i].full = true;
        hosts[i].ipv4 = IPV4(i + 1);
    }
    fabric_topology_default(&t, n);
    t.hosts = hosts;
    for (uint32_t q = 0; q < SWITCH_MAX_QUEUES; q++) {
        t.sw.sw.queue[q].ecn_min_cells = ecn_min_cells;
    }
    assert_int_equal(fabric_topology_single(f, &t, &err), 0);
    assert_true(fabric_build(f, &err));
    return f;
}

static void put_mac(uint8_t *p, uint64_t mac)
{
    for (int i = 0; i < 6; i++) {
        p[i] = (uint8_t)(mac >> (40 - 8 * i));
    }
}

static uint16_t checksum(const uint8_t *ip)
{
    uint32_t sum = 0;

    for (int i = 0; i < 20; i += 2) {
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void make_udp(uint8_t *frame, uint32_t len, uint32_t from, uint32_t to,
                     uint8_t tos)
{
    uint8_t *ip = frame + 14;
    uint16_t sum;

    memset(frame, 0, len);
    put_mac(frame, 0x020000000000ull | to);
    put_mac(frame + 6, 0x020000000000ull | from);
    frame[12] = 8;
    ip[0] = 0x45;
    ip[1] = tos;
    ip[2] = (uint8_t)((len - 14) >> 8);
    ip[3] = (uint8_t)(len - 14);
    ip[8] = 64;
    ip[9] = 17;
    for (int i = 0; i < 4; i++) {
        ip[12 + i] = (uint8_t)(from >> (24 - 8 * i));
        ip[16 + i] = (uint8_t)(to >> (24 - 8 * i));
    }
    sum = checksum(ip);
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

static void send_udp(Fabric *f, uint32_t from, uint32_t to, uint64_t depart_ps,
                     uint32_t len, uint8_t tos)
{
    uint8_t frame[9600];
    GError *err = NULL;

    make_udp(frame, len, IPV4(from + 1), IPV4(to + 1), tos);
    assert_true(fabric_inject(f, from, depart_ps, frame, len, &err));
}

static void test_exact_instant(void **state)
{
    Log log;
    Fabric *f = single(&log, 2, 400);

    send_udp(f, 0, 1, 1000, 1500, 0);
    assert_int_equal(fabric_next_ps(f), 1000);
    assert_int_equal(fabric_frames_inside(f), 1);
    fabric_run(f, 1000 + THROUGH_PS(1500));
    assert_int_equal(log.n, 0); /* strictly before */
    fabric_run(f, 1001 + THROUGH_PS(1500));
    assert_int_equal(log.n, 1);
    assert_int_equal(log.seen[0].host, 1);
    assert_int_equal(log.seen[0].len, 1500);
    assert_int_equal(log.seen[0].ps, 1000 + THROUGH_PS(1500));
    assert_int_equal(fabric_frames_inside(f), 0);
    assert_true(fabric_next_ps(f) == FABRIC_NEVER_PS);
    fabric_free(f);
}

static void test_two_senders_share_a_port(void **state)
{
    Log log;
    Fabric *f = single(&log, 3, 400);

    send_udp(f, 1, 2, 5000, 1500, 0);
    send_udp(f, 0, 2, 5000, 60, 0); /* same instant: port 0 first */
    fabric_run(f, 10000000);
    assert_int_equal(log.n, 2);
    assert_int_equal(log.seen[0].len, 60);
    assert_int_equal(log.seen[0].ps, 5000 + THROUGH_PS(60));
    assert_int_equal(log.seen[1].len, 1500);
    assert_int_equal(log.seen[1].ps,
                     5000 + THROUGH_PS(60) + SERIALISE_PS(1500));
    fabric_free(f);
}

static void test_priority_overtakes(void **state)
{
    Log log;
    Fabric *f = single(&log, 3, 400);

    send_udp(f, 0, 2, 5000, 1500, 0);
    send_udp(f, 0, 2, 6000, 1400, 0);
    send_udp(f, 1, 2, 7000, 1300, 5 << 5);
    fabric_run(f, 10000000);
    assert_int_equal(log.n, 3);
    assert_int_equal(log.seen[0].len, 1500);
    assert_int_equal(log.seen[1].len, 1300);
    assert_int_equal(log.seen[2].len, 1400);
    assert_int_equal(log.seen[2].ps, 5000 + THROUGH_PS(1500) +
                                         SERIALISE_PS(1300) +
                                         SERIALISE_PS(1400));
    fabric_free(f);
}

static void test_ecn_in_the_bytes(void **state)
{
    Log log;
    Fabric *f = single(&log, 2, 8); /* a 1500-byte frame has 8 cells */
    const uint8_t *ip = log.seen[1].bytes + 14;
    FabricTotals totals;

    send_udp(f, 0, 1, 1000, 1500, 2);
    send_udp(f, 0, 1, 1001, 1500, 2); /* meets the first one: 16 cells */
    send_udp(f, 0, 1, 1002, 1500, 0); /* not ECN-capable */
    fabric_run(f, 10000000);
    assert_int_equal(log.n, 3);
    assert_int_equal(log.seen[0].bytes[15] & 3, 2);
    assert_int_equal(ip[1] & 3, 3);
    assert_int_equal(checksum(ip), 0);
    assert_int_equal(log.seen[2].bytes[15] & 3, 0);
    fabric_totals(f, &totals);
    assert_int_equal(totals.marked, 1);
    assert_int_equal(totals.injected, 3);
    assert_int_equal(totals.delivered, 3);
    assert_int_equal(totals.hops, 6);
    fabric_free(f);
}

static void test_flood_then_learn(void **state)
{
    uint8_t arp[60] = { 0 };
    GError *err = NULL;
    Log log;
    Fabric *f = single(&log, 4, 400);

    memset(arp, 0xff, 6);
    put_mac(arp + 6, fabric_host_mac(f, 0));
    arp[12] = 8;
    arp[13] = 6;
    assert_true(fabric_inject(f, 0, 0, arp, 60, &err));
    fabric_run(f, 5000000);
    assert_int_equal(log.n, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(log.seen[i].host, i + 1);
        assert_int_equal(log.seen[i].ps, THROUGH_PS(60));
    }
    put_mac(arp, fabric_host_mac(f, 0)); /* known by now */
    put_mac(arp + 6, fabric_host_mac(f, 3));
    assert_true(fabric_inject(f, 3, 6000000, arp, 60, &err));
    fabric_run(f, 10000000);
    assert_int_equal(log.n, 4);
    assert_int_equal(log.seen[3].host, 0);
    assert_int_equal(log.dropped, 0);
    fabric_free(f);
}

static void test_unknown_mac_is_flooded_and_refused(void **state)
{
    uint8_t frame[60] = { 0 };
    GError *err = NULL;
    Log log;
    Fabric *f = single(&log, 3, 400);

    put_mac(frame, fabric_host_mac(f, 2));
    put_mac(frame + 6, fabric_host_mac(f, 0));
    assert_true(fabric_inject(f, 0, 0, frame, 60, &err));
    fabric_run(f, 5000000);
    assert_int_equal(log.n, 1);
    assert_int_equal(log.seen[0].host, 2);
    assert_int_equal(log.dropped, 1);
    assert_int_equal(log.reason, FABRIC_DROP_NOT_FOR_IT);
    assert_int_equal(fabric_frames_inside(f), 0);
    fabric_free(f);
}

/* A host says late that a frame has left, but before it has arrived. */
static void test_late_departure(void **state)
{
    uint8_t frame[60] = { 0 };
    GError *err = NULL;
    Log log;
    Fabric *f = single(&log, 2, 400);

    put_mac(frame, fabric_host_mac(f, 1));
    put_mac(frame + 6, fabric_host_mac(f, 0));
    fabric_run(f, 2000);
    assert_true(fabric_inject(f, 0, 1001, frame, 60, &err));
    assert_true(fabric_inject(f, 1, 1002, frame, 60, &err));
    assert_true(fabric_inject(f, 0, 9000000, frame, 60, &err));
    fabric_run(f, 5000000);
    assert_int_equal(log.n, 1);
    assert_int_equal(log.seen[0].host, 1);
    assert_int_equal(log.seen[0].ps, 1001 + THROUGH_PS(60));
    assert_int_equal(fabric_earliest_delivery_ps(f, 1),
                     9000000 + THROUGH_PS(60));
    fabric_run(f, 15000000);
    assert_int_equal(log.n, 2);
    fabric_free(f);
}

static void test_refusals(void **state)
{
    FabricConfig config = { .seed = 1 };
    FabricHostConfig host = { .full = true, .ipv4 = IPV4(1) };
    FabricLinkConfig link;
    FabricSwitchConfig sw;
    uint8_t frame[10000] = { 0 };
    GError *err = NULL;
    Fabric *f = fabric_new(&config);
    uint32_t a = fabric_add_host(f, &host), b, s;

    host.mac = 5;
    b = fabric_add_host(f, &host);
    fabric_switch_config_default(&sw);
    s = fabric_add_switch(f, &sw);
    fabric_link_config_default(&link);
    link.delay_ps = 0;
    assert_int_equal(fabric_add_link(f, a, s, &link, &err), -1);
    assert_non_null(strstr(err->message, "delay is zero"));
    g_clear_error(&err);
    link.delay_ps = 1;
    assert_int_equal(fabric_add_link(f, a, 77, &link, &err), -1);
    g_clear_error(&err);
    assert_int_equal(fabric_add_link(f, a, a, &link, &err), -1);
    g_clear_error(&err);
    assert_int_equal(fabric_add_link(f, a, s, &link, &err), 0);
    assert_int_equal(fabric_add_link(f, a, s, &link, &err), -1);
    g_clear_error(&err);
    assert_false(fabric_build(f, &err)); /* b has no link */
    g_clear_error(&err);
    assert_int_equal(fabric_add_link(f, b, s, &link, &err), 1);
    fabric_free(f);

    Log log;
    f = single(&log, 2, 400);
    assert_false(fabric_inject(f, 0, 0, frame, 59, &err));
    g_clear_error(&err);
    assert_false(fabric_inject(f, 0, 0, frame, 9601, &err));
    g_clear_error(&err);
    fabric_run(f, 5000000);
    assert_false(fabric_inject(f, 0, 99, frame, 60, &err)); /* long there */
    g_clear_error(&err);
    assert_false(
        fabric_inject(f, 2, 5000000, frame, 60, &err)); /* the switch */
    g_clear_error(&err);
    fabric_free(f);
}

static void test_duplicate_address(void **state)
{
    FabricConfig config = { .seed = 1 };
    FabricHostConfig hosts[2] = { { .name = "left", .ipv4 = IPV4(9) },
                                  { .name = "right", .ipv4 = IPV4(9) } };
    FabricTopology t;
    GError *err = NULL;
    Fabric *f = fabric_new(&config);

    fabric_topology_default(&t, 2);
    t.hosts = hosts;
    assert_int_equal(fabric_topology_single(f, &t, &err), 0);
    assert_false(fabric_build(f, &err));
    assert_non_null(strstr(err->message, "left and right"));
    g_clear_error(&err);
    fabric_free(f);
}

static void test_bounds(void **state)
{
    Log log;
    Fabric *f = single(&log, 3, 400);

    assert_int_equal(fabric_lookahead_ps(f, 0, 1), THROUGH_PS(60));
    assert_int_equal(fabric_host_delay_ps(f, 0), DELAY_PS);
    assert_true(fabric_earliest_delivery_ps(f, 1) == FABRIC_NEVER_PS);
    send_udp(f, 0, 1, 7000, 1500, 0);
    assert_int_equal(fabric_earliest_delivery_ps(f, 1),
                     7000 + THROUGH_PS(1500));
    assert_true(fabric_earliest_delivery_ps(f, 2) == FABRIC_NEVER_PS);
    fabric_run(f, 7000 + DELAY_PS + 10);
    assert_int_equal(fabric_earliest_delivery_ps(f, 1),
                     7000 + THROUGH_PS(1500));
    fabric_run(f, 7000 + THROUGH_PS(1500) - 1);
    assert_int_equal(fabric_earliest_delivery_ps(f, 1),
                     7000 + THROUGH_PS(1500));
    fabric_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_instant),
        cmocka_unit_test(test_two_senders_share_a_port),
        cmocka_unit_test(test_priority_overtakes),
        cmocka_unit_test(test_ecn_in_the_bytes),
        cmocka_unit_test(test_flood_then_learn),
        cmocka_unit_test(test_unknown_mac_is_flooded_and_refused),
        cmocka_unit_test(test_late_departure),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_duplicate_address),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
