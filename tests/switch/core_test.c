/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * core_test.c: each rule of switch_core.h at its exact instant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "switch_core.h"

#define PIPELINE_PS 1000u
#define CELL 100u
#define WIRE_PS(bytes) (((bytes) + 24u) * 80u) /* 100 Gbit/s */
#define IP 0x0a000000u

typedef struct Seen {
    uint64_t ps, user;
    uint32_t port;
    uint8_t flags;
    int drop; /* -1: departed */
} Seen;

typedef struct Log {
    Seen seen[512];
    uint32_t n;
    uint64_t copies;
} Log;

static void on_depart(void *opaque, uint32_t port, uint64_t ps,
                      const SwitchPacket *pkt)
{
    Log *log = opaque;

    assert_true(log->n < 512);
    log->seen[log->n++] = (Seen){ ps, pkt->user, port, pkt->flags, -1 };
}

static void on_drop(void *opaque, uint32_t port, uint64_t ps,
                    const SwitchPacket *pkt, SwitchDrop reason)
{
    Log *log = opaque;

    assert_true(log->n < 512);
    log->seen[log->n++] =
        (Seen){ ps, pkt->user, port, pkt->flags, (int)reason };
}

static uint64_t on_copy(void *opaque, uint64_t user)
{
    Log *log = opaque;

    return user + 1000 * ++log->copies;
}

static const SwitchOps ops = { on_depart, on_drop, on_copy };
static Log log_;

static void config_default(SwitchConfig *c)
{
    switch_config_default(c, 4);
    c->cell_bytes = CELL;
    c->buffer_cells = 1000;
    c->pipeline_ps = PIPELINE_PS;
    c->seed = 1;
}

/* Addresses IP + port lead to that port. */
static SwitchCore *make(const SwitchConfig *c)
{
    const char *err = NULL;
    SwitchCore *sw = switch_core_new(c, &ops, &log_, &err);

    assert_non_null(sw);
    memset(&log_, 0, sizeof(log_));
    for (uint16_t i = 0; i < c->ports; i++) {
        SwitchRoute route = { IP + i, 32, i };

        assert_true(switch_core_group_set(sw, i, &i, 1));
        assert_true(switch_core_route_add(sw, &route));
    }
    return sw;
}

static SwitchPacket packet(uint64_t user, uint32_t to, uint16_t bytes)
{
    return (SwitchPacket){
        .user = user, .dst = IP + to, .bytes = bytes, .flags = SWITCH_PKT_ECT
    };
}

static void arrive(SwitchCore *sw, uint32_t port, uint64_t ps, SwitchPacket pkt)
{
    switch_core_arrive(sw, port, ps, &pkt);
}

static const Seen *find(uint64_t user)
{
    for (uint32_t i = 0; i < log_.n; i++) {
        if (log_.seen[i].user == user) {
            return &log_.seen[i];
        }
    }
    fail_msg("packet %lu was not seen", (unsigned long)user);
    return NULL;
}

#define DEPARTED(user_, at)                      \
    do {                                         \
        assert_int_equal(find(user_)->drop, -1); \
        assert_int_equal(find(user_)->ps, at);   \
    } while (0)
#define DROPPED(user_, reason, at)                   \
    do {                                             \
        assert_int_equal(find(user_)->drop, reason); \
        assert_int_equal(find(user_)->ps, at);       \
    } while (0)

static void test_serialise_rounds_up(void **state)
{
    assert_int_equal(switch_serialise_ps(1500, 100000000000ull), 121920);
    assert_int_equal(switch_serialise_ps(60, 3000000000ull), 224000);
    assert_int_equal(switch_serialise_ps(61, 3000000000ull), 226667);
    assert_int_equal(switch_serialise_ps(9600, 1), 76992000000000000ull);
}

static void test_store_and_forward(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    sw = make(&c);
    arrive(sw, 0, 500, packet(1, 1, 1500));
    assert_int_equal(switch_core_next_ps(sw), 500 + PIPELINE_PS);
    switch_core_run(sw, 501 + PIPELINE_PS);
    assert_int_equal(switch_core_cells_used(sw), 15);
    assert_int_equal(switch_core_next_ps(sw),
                     500 + PIPELINE_PS + WIRE_PS(1500));
    switch_core_run(sw, 500 + PIPELINE_PS + WIRE_PS(1500));
    assert_int_equal(log_.n, 0);
    switch_core_run(sw, 501 + PIPELINE_PS + WIRE_PS(1500));
    DEPARTED(1, 500 + PIPELINE_PS + WIRE_PS(1500));
    assert_int_equal(switch_core_cells_used(sw), 0);
    assert_true(switch_core_next_ps(sw) == SWITCH_NEVER_PS);
    switch_core_free(sw);
}

/* Ties: input port, then sequence; the choice sees all of its instant. */
static void test_ties(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    uint64_t at = PIPELINE_PS;
    SwitchPacket urgent = packet(3, 3, 200);

    config_default(&c);
    sw = make(&c);
    urgent.priority = 2;
    arrive(sw, 0, 0, packet(1, 3, 100));
    arrive(sw, 1, 0, packet(2, 3, 100));
    arrive(sw, 2, 0, urgent);
    switch_core_run(sw, 10000000);
    at += WIRE_PS(200);
    DEPARTED(3, at);
    at += WIRE_PS(100);
    DEPARTED(1, at);
    at += WIRE_PS(100);
    DEPARTED(2, at);
    switch_core_free(sw);
}

static void test_buffer_and_threshold_to_the_cell(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    c.buffer_cells = 100;
    c.queue[0].alpha_q8 = 256;
    sw = make(&c);
    /* Q + C <= B - U: 50 cells of one queue leave 50; then no cell more */
    arrive(sw, 0, 0, packet(1, 3, 5000));
    arrive(sw, 0, 1, packet(2, 3, 100));  /* Q 50 + 1 > 50 */
    arrive(sw, 0, 2, packet(3, 2, 2500)); /* 25 <= 50 */
    arrive(sw, 0, 3, packet(4, 1, 1300)); /* 13 <= 25 */
    arrive(sw, 0, 4, packet(5, 1, 100));  /* 13 + 1 > 12 */
    arrive(sw, 0, 5, packet(6, 0, 1300)); /* 13 > 12, but fits the buffer */
    arrive(sw, 0, 6, packet(7, 0, 1200));
    arrive(sw, 0, 7, packet(8, 0, 100)); /* no cell is left */
    switch_core_run(sw, 10 + PIPELINE_PS);
    assert_int_equal(switch_core_cells_used(sw), 100);
    DROPPED(2, SWITCH_DROP_THRESHOLD, 1 + PIPELINE_PS);
    DROPPED(5, SWITCH_DROP_THRESHOLD, 4 + PIPELINE_PS);
    DROPPED(6, SWITCH_DROP_BUFFER, 5 + PIPELINE_PS);
    DROPPED(8, SWITCH_DROP_BUFFER, 7 + PIPELINE_PS);
    switch_core_free(sw);
}

/* Cells are free at the departure, before admissions of that instant. */
static void test_cells_free_at_departure(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    c.buffer_cells = 20;
    c.queue[0].alpha_q8 = 1 << 16;
    sw = make(&c);
    arrive(sw, 0, 0, packet(1, 1, 2000));
    arrive(sw, 2, WIRE_PS(2000) - 1, packet(2, 3, 2000));
    arrive(sw, 2, WIRE_PS(2000), packet(3, 3, 2000));
    switch_core_run(sw, 10000000);
    DROPPED(2, SWITCH_DROP_BUFFER, PIPELINE_PS + WIRE_PS(2000) - 1);
    DEPARTED(3, PIPELINE_PS + 2 * WIRE_PS(2000));
    switch_core_free(sw);
}

static void test_ecn_step(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    SwitchPacket deaf = packet(3, 1, 100);
    SwitchQueueStats q;

    config_default(&c);
    c.queue[0].ecn_min_cells = 10;
    sw = make(&c);
    deaf.flags = 0;
    arrive(sw, 0, 0, packet(1, 1, 1000)); /* 10: not above 10 */
    arrive(sw, 0, 1, packet(2, 1, 1));    /* 11 */
    arrive(sw, 0, 2, deaf);
    switch_core_run(sw, 10000000);
    assert_false(find(1)->flags & SWITCH_PKT_CE);
    assert_true(find(2)->flags & SWITCH_PKT_CE);
    assert_false(find(3)->flags & SWITCH_PKT_CE);
    switch_core_queue_stats(sw, 1, 0, &q);
    assert_int_equal(q.marked_packets, 1);
    assert_int_equal(q.max_cells, 12);
    assert_int_equal(q.enqueued_packets, 3);
    assert_int_equal(q.sent_packets, 3);
    switch_core_free(sw);
}

static void test_ecn_red(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    uint32_t marked[3] = { 0 };

    config_default(&c);
    c.queue[0] = (SwitchQueueConfig){ .alpha_q8 = 1 << 16,
                                      .ecn_mode = SWITCH_ECN_RED,
                                      .strict = true,
                                      .ecn_min_cells = 100,
                                      .ecn_max_cells = 300,
                                      .ecn_max_q32 = UINT32_MAX };
    sw = make(&c);
    for (uint32_t i = 0; i < 400; i++) {
        arrive(sw, 0, i, packet(i, 1, 1));
    }
    switch_core_run(sw, 1000000000);
    for (uint32_t i = 0; i < 400; i++) {
        marked[i < 100   ? 0
               : i < 300 ? 1
                         : 2] += (find(i)->flags & SWITCH_PKT_CE) != 0;
    }
    assert_int_equal(marked[0], 0);
    assert_in_range(marked[1], 70, 130); /* half of 200 on average */
    assert_int_equal(marked[2], 100);
    switch_core_free(sw);
}

/* Quanta of 300 and 100 wire bytes; packets of 100 wire bytes. */
static void test_drr_shares(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    char order[40] = "";

    config_default(&c);
    c.queues = 3;
    c.queue[0].strict = c.queue[1].strict = false;
    c.queue[0].quantum_bytes = 300;
    c.queue[1].quantum_bytes = 100;
    sw = make(&c);
    for (uint32_t i = 0; i < 8; i++) {
        SwitchPacket a = packet(i, 3, 76), b = packet(100 + i, 3, 76);

        b.priority = 1;
        arrive(sw, 0, 0, a);
        arrive(sw, 1, 0, b);
    }
    switch_core_run(sw, 100000000);
    for (uint32_t i = 0; i < log_.n; i++) {
        order[i] = log_.seen[i].user < 100 ? 'a' : 'b';
    }
    assert_string_equal(order, "aaabaaabaabbbbbb");
    assert_int_equal(log_.seen[15].ps, PIPELINE_PS + 16 * WIRE_PS(76));
    switch_core_free(sw);
}

static void test_strict_before_drr_without_preemption(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    SwitchPacket urgent = packet(3, 3, 100);

    config_default(&c);
    c.queues = 2;
    c.queue[0].strict = false;
    sw = make(&c);
    urgent.priority = 7; /* counts as the last queue */
    arrive(sw, 0, 0, packet(1, 3, 1500));
    arrive(sw, 0, 1, packet(2, 3, 1500));
    arrive(sw, 1, 2, urgent);
    switch_core_run(sw, 100000000);
    DEPARTED(1, PIPELINE_PS + WIRE_PS(1500));
    DEPARTED(3, PIPELINE_PS + WIRE_PS(1500) + WIRE_PS(100));
    DEPARTED(2, PIPELINE_PS + 2 * WIRE_PS(1500) + WIRE_PS(100));
    switch_core_free(sw);
}

static void test_port_down_loses_the_queue(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    uint64_t first = PIPELINE_PS + WIRE_PS(100);

    config_default(&c);
    sw = make(&c);
    arrive(sw, 0, 0, packet(1, 1, 100));
    arrive(sw, 0, 0, packet(2, 1, 100));
    arrive(sw, 0, 0, packet(3, 1, 100));
    switch_core_run(sw, first + 1); /* 1 is gone, 2 is being sent */
    switch_core_port_set_up(sw, 1, false);
    DEPARTED(1, first);
    DROPPED(2, SWITCH_DROP_PORT_DOWN, first + 1);
    DROPPED(3, SWITCH_DROP_PORT_DOWN, first + 1);
    assert_int_equal(switch_core_cells_used(sw), 0);
    arrive(sw, 0, first + 1, packet(4, 1, 100));
    arrive(sw, 1, first + 1, packet(5, 0, 100));
    switch_core_run(sw, first + 10 + PIPELINE_PS);
    DROPPED(4, SWITCH_DROP_NO_ROUTE, first + 1 + PIPELINE_PS);
    DROPPED(5, SWITCH_DROP_PORT_DOWN, first + 1);
    switch_core_port_set_up(sw, 1, true);
    arrive(sw, 0, first + 10 + PIPELINE_PS, packet(6, 1, 100));
    switch_core_run(sw, 100000000);
    DEPARTED(6, first + 10 + 2 * PIPELINE_PS + WIRE_PS(100));
    switch_core_free(sw);
}

/* A departure at the instant of the failure is lost. */
static void test_port_down_at_the_departure(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    sw = make(&c);
    arrive(sw, 0, 0, packet(1, 1, 100));
    switch_core_run(sw, PIPELINE_PS + WIRE_PS(100));
    switch_core_port_set_up(sw, 1, false);
    DROPPED(1, SWITCH_DROP_PORT_DOWN, PIPELINE_PS + WIRE_PS(100));
    switch_core_free(sw);
}

static void test_switch_down_loses_the_pipeline(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    sw = make(&c);
    arrive(sw, 0, 0, packet(1, 1, 100));
    switch_core_run(sw, 10);
    switch_core_set_up(sw, false);
    DROPPED(1, SWITCH_DROP_PORT_DOWN, 10);
    arrive(sw, 0, 20, packet(2, 1, 100));
    DROPPED(2, SWITCH_DROP_PORT_DOWN, 20);
    switch_core_run(sw, 30);
    switch_core_set_up(sw, true);
    arrive(sw, 0, 30, packet(3, 1, 100));
    switch_core_run(sw, 100000000);
    DEPARTED(3, 30 + PIPELINE_PS + WIRE_PS(100));
    switch_core_free(sw);
}

static void test_rate_changes_with_the_next_choice(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    sw = make(&c);
    arrive(sw, 0, 0, packet(1, 1, 100));
    arrive(sw, 0, 0, packet(2, 1, 100));
    switch_core_run(sw, PIPELINE_PS + 1);
    assert_true(switch_core_port_set_rate(sw, 1, 10000000000ull));
    assert_false(switch_core_port_set_rate(sw, 1, 0));
    assert_false(switch_core_port_set_rate(sw, 1, 10000000000001ull));
    switch_core_run(sw, 100000000);
    DEPARTED(1, PIPELINE_PS + WIRE_PS(100));
    DEPARTED(2, PIPELINE_PS + 11 * WIRE_PS(100));
    switch_core_free(sw);
}

/* ---- tables -------------------------------------------------------------- */

static void test_longest_prefix(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    uint64_t random = 12345;

    config_default(&c);
    sw = make(&c);
    assert_true(switch_core_routes_set(sw, NULL, 0));
    for (uint32_t i = 0; i < 300; i++) {
        SwitchRoute r;

        random = random * 6364136223846793005ull + 1442695040888963407ull;
        r.length = (uint8_t)(random >> 60) * 2;
        r.prefix = (uint32_t)(random >> 20) & 0xff0f0f0f;
        r.group = (uint16_t)(random >> 57 & 3);
        assert_true(switch_core_route_add(sw, &r));
    }
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t ip;
        int32_t want;

        random = random * 6364136223846793005ull + 1442695040888963407ull;
        ip = (uint32_t)(random >> 20) & 0xff0f0f1f;
        want = switch_core_route_lookup(sw, ip);
        memset(&log_, 0, sizeof(log_));
        arrive(sw, 0, i * 1000000ull,
               (SwitchPacket){ .user = i, .dst = ip, .bytes = 100 });
        switch_core_run(sw, (i + 1) * 1000000ull);
        assert_int_equal(log_.n, 1);
        assert_int_equal(log_.seen[0].drop,
                         want < 0 ? SWITCH_DROP_NO_ROUTE : -1);
        if (want >= 0) {
            assert_int_equal(log_.seen[0].port, want);
        }
    }
    assert_false(switch_core_route_add(sw, &(SwitchRoute){ 0, 33, 0 }));
    assert_false(switch_core_route_remove(sw, 0x01020304, 31));
    switch_core_free(sw);
}

static void check_picks(SwitchCore *sw)
{
    static const uint32_t far[] = { 0, 0x01000000, 0x01ffffff, UINT32_MAX };

    for (uint32_t ip = IP - 0x100; ip < IP + 0x1100; ip++) {
        assert_int_equal(switch_core_route_pick(sw, ip, ip),
                         switch_core_route_lookup(sw, ip));
    }
    for (uint32_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
        assert_int_equal(switch_core_route_pick(sw, far[i], i),
                         switch_core_route_lookup(sw, far[i]));
    }
}

/* Addresses close together have a table; one far away ends it. */
static void test_close_addresses(void **state)
{
    const SwitchRoute far = { 0x01000000, 8, 2 };
    SwitchConfig c;
    SwitchCore *sw;
    uint64_t random = 4711;

    config_default(&c);
    for (uint32_t longest = 22; longest <= 32; longest += 2) {
        sw = make(&c);
        assert_true(switch_core_routes_set(sw, NULL, 0));
        check_picks(sw);
        for (uint32_t i = 0; i < 40; i++) {
            SwitchRoute r;

            random = random * 6364136223846793005ull + 1442695040888963407ull;
            r.length = (uint8_t)(longest - (random >> 60) % 4);
            r.prefix = IP + ((uint32_t)(random >> 20) & 0xfff);
            r.group = (uint16_t)(random >> 57 & 3);
            assert_true(switch_core_route_add(sw, &r));
            if (i % 10 == 0) {
                check_picks(sw);
            }
        }
        assert_true(switch_core_route_add(sw, &far));
        check_picks(sw);
        assert_true(switch_core_route_remove(sw, far.prefix, far.length));
        check_picks(sw);
        switch_core_free(sw);
    }
}

static uint32_t spread(uint64_t seed, uint32_t down, uint64_t *ret_signature)
{
    static const uint16_t up[3] = { 1, 2, 3 };
    uint32_t count[4] = { 0 };
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    c.seed = seed;
    sw = make(&c);
    assert_true(switch_core_group_set(sw, 9, up, 3));
    assert_true(switch_core_route_add(sw, &(SwitchRoute){ IP + 99, 32, 9 }));
    if (down) {
        switch_core_port_set_up(sw, down, false);
    }
    *ret_signature = 0;
    for (uint32_t i = 0; i < 300; i++) {
        SwitchPacket p = packet(i, 99, 60);

        p.flow_hash = i * 2654435761u;
        arrive(sw, 0, i * 100000ull, p);
    }
    switch_core_run(sw, 100000000000ull);
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(find(i)->drop, -1);
        count[find(i)->port]++;
        *ret_signature = *ret_signature * 31 + find(i)->port;
    }
    switch_core_free(sw);
    assert_int_equal(count[0], 0);
    if (down) {
        assert_int_equal(count[down], 0);
    }
    for (uint32_t i = 1; i < 4; i++) {
        assert_true(i == down || count[i] > 70);
    }
    return count[1];
}

static void test_ecmp_seeds_and_failure(void **state)
{
    uint64_t a, b, c, d;

    spread(1, 0, &a);
    spread(1, 0, &b);
    spread(2, 0, &c);
    spread(1, 2, &d);
    assert_true(a == b); /* the same seed: the same choice */
    assert_true(a != c); /* another one: no polarisation */
    assert_true(a != d);
}

static void test_learning_flooding_ageing(void **state)
{
    SwitchPacket p = { .bytes = 60, .flags = SWITCH_PKT_L2 };
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    c.age_ps = 1000000;
    sw = make(&c);
    p.user = 1;
    p.src = 0x0200000000aa;
    p.dst = SWITCH_MAC_MASK;
    arrive(sw, 0, 0, p);
    switch_core_run(sw, 500000);
    assert_int_equal(log_.n, 3); /* ports 1, 2, 3; the last is the original */
    assert_int_equal(log_.copies, 2);
    assert_int_equal(find(1)->port, 3);
    assert_int_equal(find(1001)->port, 1);
    assert_int_equal(find(2001)->port, 2);
    assert_int_equal(switch_core_mac_lookup(sw, p.src), 0);
    p.user = 7;
    p.dst = 0x0200000000aa;
    p.src = 0x0200000000bb;
    arrive(sw, 2, 500000, p);
    switch_core_run(sw, 1000000);
    assert_int_equal(log_.n, 4);
    assert_int_equal(find(7)->port, 0);
    /* learned at its admission, PIPELINE_PS; forgotten 1 us later */
    switch_core_run(sw, 1000000 + PIPELINE_PS - 1);
    assert_int_equal(switch_core_mac_lookup(sw, 0x0200000000aa), 0);
    switch_core_run(sw, 1000000 + PIPELINE_PS);
    assert_int_equal(switch_core_mac_lookup(sw, 0x0200000000aa), -1);
    assert_int_equal(switch_core_mac_lookup(sw, 0x0200000000bb), 2);
    switch_core_port_set_up(sw, 2, false);
    assert_int_equal(switch_core_mac_lookup(sw, 0x0200000000bb), -1);
    switch_core_free(sw);
}

static void test_blocked_port_and_hairpin(void **state)
{
    SwitchPacket p = { .user = 1,
                       .bytes = 60,
                       .flags = SWITCH_PKT_L2,
                       .src = 0x0200000000aa,
                       .dst = SWITCH_MAC_MASK };
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    sw = make(&c);
    switch_core_port_set_flood(sw, 2, false);
    arrive(sw, 0, 0, p);
    p.user = 2;
    p.src = 0x0200000000bb;
    p.dst = 0x0200000000aa;
    arrive(sw, 0, 1, p); /* to where it came from */
    p.user = 3;
    arrive(sw, 2, 2, p); /* in through a blocked port */
    switch_core_run(sw, 10000000);
    assert_int_equal(log_.n, 4);
    DROPPED(2, SWITCH_DROP_NO_ROUTE, 1 + PIPELINE_PS);
    DROPPED(3, SWITCH_DROP_NO_ROUTE, 2 + PIPELINE_PS);
    assert_int_equal(find(1)->port, 3);
    assert_true(switch_core_mac_add(sw, 0x0200000000cc, 1));
    switch_core_mac_flush(sw);
    assert_int_equal(switch_core_mac_lookup(sw, 0x0200000000cc), 1);
    assert_int_equal(switch_core_mac_count(sw), 1);
    switch_core_free(sw);
}

static void test_wrong_configurations(void **state)
{
    SwitchConfig good, c;
    const char *err;

    config_default(&good);
#define REFUSED(change)                                      \
    do {                                                     \
        c = good;                                            \
        change;                                              \
        err = NULL;                                          \
        assert_null(switch_core_new(&c, &ops, &log_, &err)); \
        assert_non_null(err);                                \
    } while (0)
    REFUSED(c.ports = 0);
    REFUSED(c.ports = SWITCH_MAX_PORTS + 1);
    REFUSED(c.queues = 9);
    REFUSED(c.cell_bytes = 0);
    REFUSED(c.buffer_cells = 0);
    REFUSED(c.queue[1].alpha_q8 = 0);
    REFUSED(c.queue[1].ecn_mode = 3);
    REFUSED((c.queue[1].ecn_mode = SWITCH_ECN_RED,
             c.queue[1].ecn_min_cells = c.queue[1].ecn_max_cells));
    REFUSED((c.queue[1].strict = false, c.queue[1].quantum_bytes = 0));
#undef REFUSED
}

/* ---- saving -------------------------------------------------------------- */

static uint64_t random_next(uint64_t *r)
{
    *r ^= *r << 13;
    *r ^= *r >> 7;
    *r ^= *r << 17;
    return *r >> 11;
}

static void random_load(SwitchCore *sw, uint64_t from_ps, uint64_t *r)
{
    uint64_t at = from_ps;

    for (uint32_t i = 0; i < 60; i++) {
        SwitchPacket p = packet(from_ps + i, (uint32_t)random_next(r) % 4,
                                (uint16_t)(60 + random_next(r) % 1440));

        at += random_next(r) % 60000;
        p.priority = (uint8_t)(random_next(r) % 4);
        if (random_next(r) % 4 == 0) {
            p.flags |= SWITCH_PKT_L2;
            p.src = 0x020000000000 + random_next(r) % 6;
            p.dst = 0x020000000000 + random_next(r) % 6;
        }
        arrive(sw, (uint32_t)random_next(r) % 4, at, p);
    }
}

static SwitchCore *make_small(void)
{
    SwitchConfig c;

    config_default(&c);
    c.buffer_cells = 150;
    c.queues = 4;
    c.queue[1].strict = c.queue[2].strict = false;
    c.queue[1].quantum_bytes = 700;
    c.queue[0].ecn_mode = SWITCH_ECN_RED;
    c.queue[0].ecn_min_cells = 5;
    c.queue[0].ecn_max_cells = 60;
    return make(&c);
}

/* Saved at many instants and loaded into another switch: the same future. */
static void test_save_load_continue(void **state)
{
    for (uint64_t cut = 1; cut < 4000000; cut += 97003) {
        SwitchCore *a = make_small(), *b = make_small();
        static uint8_t bytes[65536], again[65536];
        uint64_t r = 77, r2;
        const char *err = NULL;
        static Log first;
        size_t len;

        random_load(a, 0, &r);
        switch_core_run(a, cut);
        len = switch_core_save(a, bytes, sizeof(bytes));
        assert_true(len < sizeof(bytes));
        assert_true(switch_core_load(b, bytes, len, &err));
        assert_int_equal(switch_core_save(b, again, sizeof(again)), len);
        assert_memory_equal(bytes, again, len);
        r2 = r;
        memset(&log_, 0, sizeof(log_));
        random_load(a, 5000000, &r);
        switch_core_run(a, 1000000000);
        first = log_;
        memset(&log_, 0, sizeof(log_));
        random_load(b, 5000000, &r2);
        switch_core_run(b, 1000000000);
        assert_true(first.n >= 60);
        assert_memory_equal(&first, &log_, sizeof(first));
        switch_core_free(a);
        switch_core_free(b);
    }
}

/* No stream, however damaged, breaks a switch or changes it when refused. */
static void test_hostile_streams(void **state)
{
    static uint8_t good[65536], bad[65536], after[65536];
    SwitchCore *sw = make_small(), *target = make_small();
    uint64_t r = 77;
    size_t len, own;
    uint32_t refused = 0;
    const char *err = NULL;

    random_load(sw, 0, &r);
    switch_core_run(sw, 1000000);
    len = switch_core_save(sw, good, sizeof(good));
    own = switch_core_save(target, bad, sizeof(bad));
    for (size_t cut = 0; cut < len; cut += 7) {
        assert_false(switch_core_load(target, good, cut, &err));
        assert_non_null(err);
    }
    memcpy(bad, good, len);
    bad[len] = 0;
    assert_false(switch_core_load(target, bad, len + 1, &err));
    assert_int_equal(switch_core_save(target, after, sizeof(after)), own);
    for (uint32_t i = 0; i < 4000; i++) {
        SwitchCore *victim = make_small();

        memcpy(bad, good, len);
        bad[random_next(&r) % len] ^= (uint8_t)(1 + random_next(&r) % 255);
        if (switch_core_load(victim, bad, len, &err)) {
            uint64_t now = switch_core_now_ps(victim);

            if (now < 1ull << 60) {
                switch_core_run(victim, now + 100000000);
            }
        } else {
            refused++;
        }
        switch_core_free(victim);
    }
    assert_in_range(refused, 400, 3900);
    switch_core_free(sw);
    switch_core_free(target);
}

static void count_packet(void *opaque, SwitchPacket *pkt)
{
    (*(uint32_t *)opaque)++;
    pkt->user += 5000000;
}

static void test_foreach_packet(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    uint32_t n = 0;

    config_default(&c);
    sw = make(&c);
    arrive(sw, 0, 0, packet(1, 1, 100));
    arrive(sw, 0, 0, packet(2, 1, 100));
    arrive(sw, 0, PIPELINE_PS, packet(3, 1, 100));
    switch_core_run(sw, PIPELINE_PS + 1);
    switch_core_foreach_packet(sw, count_packet, &n);
    assert_int_equal(n, 3);
    switch_core_run(sw, 10000000);
    assert_int_equal(log_.n, 3);
    DEPARTED(5000001, PIPELINE_PS + WIRE_PS(100));
    switch_core_free(sw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serialise_rounds_up),
        cmocka_unit_test(test_store_and_forward),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_buffer_and_threshold_to_the_cell),
        cmocka_unit_test(test_cells_free_at_departure),
        cmocka_unit_test(test_ecn_step),
        cmocka_unit_test(test_ecn_red),
        cmocka_unit_test(test_drr_shares),
        cmocka_unit_test(test_strict_before_drr_without_preemption),
        cmocka_unit_test(test_port_down_loses_the_queue),
        cmocka_unit_test(test_port_down_at_the_departure),
        cmocka_unit_test(test_switch_down_loses_the_pipeline),
        cmocka_unit_test(test_rate_changes_with_the_next_choice),
        cmocka_unit_test(test_longest_prefix),
        cmocka_unit_test(test_close_addresses),
        cmocka_unit_test(test_ecmp_seeds_and_failure),
        cmocka_unit_test(test_learning_flooding_ageing),
        cmocka_unit_test(test_blocked_port_and_hairpin),
        cmocka_unit_test(test_wrong_configurations),
        cmocka_unit_test(test_save_load_continue),
        cmocka_unit_test(test_hostile_streams),
        cmocka_unit_test(test_foreach_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
