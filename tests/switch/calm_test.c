/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * calm_test.c: switch_core_run_calm() is switch_core_admit() of each packet in
 * the order (time, port) and switch_core_run(), or does nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "switch_core.h"

#define PORTS 6u
#define CELL 100u
#define IP 0x0a000000u
#define BATCH_MAX 200u
#define SPAN_PS 900000u
#define LOG_MAX 4096u

typedef struct Seen {
    uint64_t ps, user;
    uint8_t flags;
    int drop; /* -1: departed */
} Seen;

typedef struct Log { /* by output port; drops at input ports likewise */
    Seen seen[PORTS][LOG_MAX];
    uint32_t n[PORTS];
} Log;

static Log calm_log, plain_log;

static void note(Log *log, uint32_t port, uint64_t ps, const SwitchPacket *pkt,
                 int drop)
{
    assert_true(log->n[port] < LOG_MAX);
    log->seen[port][log->n[port]++] = (Seen){ ps, pkt->user, pkt->flags, drop };
}

static void on_depart(void *opaque, uint32_t port, uint64_t ps,
                      const SwitchPacket *pkt)
{
    note(opaque, port, ps, pkt, -1);
}

static void on_drop(void *opaque, uint32_t port, uint64_t ps,
                    const SwitchPacket *pkt, SwitchDrop reason)
{
    note(opaque, port, ps, pkt, (int)reason);
}

static void on_deep(void *opaque, uint32_t port, uint64_t ps,
                    const SwitchPacket *pkt, uint32_t cells)
{
}

static const SwitchOps ops = { on_depart, on_drop, NULL, on_deep };

static void config_default(SwitchConfig *c)
{
    switch_config_default(c, PORTS);
    c->cell_bytes = CELL;
    c->buffer_cells = 1000;
    c->seed = 1;
}

/* IP + port leads to that port, IP + 8 and above to any. */
static SwitchCore *make(const SwitchConfig *c, Log *log)
{
    const uint16_t all[PORTS] = { 0, 1, 2, 3, 4, 5 };
    const SwitchRoute any = { IP + 8, 29, PORTS };
    SwitchCore *sw = switch_core_new(c, &ops, log, NULL);

    assert_non_null(sw);
    memset(log, 0, sizeof(*log));
    for (uint16_t i = 0; i < PORTS; i++) {
        SwitchRoute route = { IP + i, 32, i };

        assert_true(switch_core_group_set(sw, i, &i, 1));
        assert_true(switch_core_route_add(sw, &route));
    }
    assert_true(switch_core_group_set(sw, PORTS, all, PORTS));
    assert_true(switch_core_route_add(sw, &any));
    return sw;
}

static uint64_t random_next(uint64_t *r)
{
    *r ^= *r << 13;
    *r ^= *r >> 7;
    *r ^= *r << 17;
    return *r >> 11;
}

/* ---- a stretch of time --------------------------------------------------- */

typedef struct Batch {
    SwitchPacket pkt[BATCH_MAX];
    SwitchArrival arrival[BATCH_MAX];
    uint32_t n;
} Batch;

static void batch_add(Batch *b, uint32_t port, uint32_t after_ps,
                      SwitchPacket pkt)
{
    assert_true(b->n < BATCH_MAX);
    b->pkt[b->n] = pkt;
    b->arrival[b->n] = (SwitchArrival){ &b->pkt[b->n], after_ps, port };
    b->n++;
}

/* Up to @most of each port; instants are coarse, so that many are equal. */
static void batch_random(Batch *b, uint32_t most, uint64_t *r)
{
    static uint64_t user;

    b->n = 0;
    for (uint32_t port = 0; port < PORTS; port++) {
        uint32_t n = (uint32_t)(random_next(r) % (most + 1));

        for (uint32_t i = 0, at = 0; i < n; i++) {
            at += (uint32_t)(random_next(r) % (SPAN_PS / n / 5000)) * 5000;
            batch_add(b, port, at,
                      (SwitchPacket){
                          .user = ++user,
                          .dst = IP + random_next(r) % 2 * 8 +
                                 random_next(r) % (PORTS - 1),
                          .flow_hash = (uint32_t)random_next(r),
                          .bytes = (uint16_t)(60 + random_next(r) % 1440),
                          .priority = (uint8_t)(random_next(r) % 4),
                          .flags = random_next(r) % 2 ? SWITCH_PKT_ECT : 0 });
        }
    }
}

static void run_plain(SwitchCore *sw, const Batch *b, uint64_t from_ps)
{
    bool done[BATCH_MAX] = { false };

    for (uint32_t i = 0; i < b->n; i++) {
        const SwitchArrival *a = NULL;

        for (uint32_t j = 0; j < b->n; j++) { /* the first of the earliest */
            if (!done[j] && (!a || b->arrival[j].after_ps < a->after_ps)) {
                a = &b->arrival[j];
            }
        }
        done[a - b->arrival] = true;
        switch_core_admit(sw, a->port, from_ps + a->after_ps, a->pkt);
    }
    switch_core_run(sw, from_ps + SPAN_PS);
}

static bool run_calm(SwitchCore *sw, const Batch *b, uint64_t from_ps)
{
    uint64_t next_ps;

    if (!switch_core_run_calm(sw, b->arrival, b->n, from_ps, from_ps + SPAN_PS,
                              &next_ps)) {
        return false;
    }
    assert_int_equal(next_ps, switch_core_next_ps(sw));
    return true;
}

static void assert_same_state(const SwitchCore *x, const SwitchCore *y)
{
    static uint8_t a[1 << 20], b[1 << 20];
    size_t len = switch_core_save(x, a, sizeof(a));

    assert_true(len <= sizeof(a));
    assert_int_equal(switch_core_save(y, b, sizeof(b)), len);
    assert_memory_equal(a, b, len);
}

/* ---- tests --------------------------------------------------------------- */

/* How many of 200 stretches were calm. */
static uint32_t compare(uint64_t seed, uint32_t buffer_cells, bool fails)
{
    SwitchConfig c;
    SwitchCore *calm, *plain;
    uint64_t r = seed;
    uint32_t done = 0;

    config_default(&c);
    c.buffer_cells = buffer_cells;
    c.queues = 3;
    c.queue[0].ecn_min_cells = 20;
    c.queue[1].alpha_q8 = 64;
    c.queue[0].strict = c.queue[1].strict = seed % 2;
    c.queue[0].quantum_bytes = c.queue[1].quantum_bytes = 700;
    calm = make(&c, &calm_log);
    plain = make(&c, &plain_log);
    for (uint64_t t = 0; t < 200; t++) {
        uint64_t from_ps = t * SPAN_PS;
        Batch b;

        batch_random(&b, t % 8 == 7 ? 0 : 9, &r);
        if (fails && (t == 50 || t == 80)) {
            switch_core_port_set_up(calm, 2, t == 80);
            switch_core_port_set_up(plain, 2, t == 80);
        }
        if (run_calm(calm, &b, from_ps)) {
            done++;
        } else {
            run_plain(calm, &b, from_ps);
        }
        run_plain(plain, &b, from_ps);
        assert_same_state(calm, plain);
    }
    assert_memory_equal(&calm_log, &plain_log, sizeof(calm_log));
    switch_core_free(calm);
    switch_core_free(plain);
    return done;
}

static void test_equals_one_by_one(void **state)
{
    uint32_t roomy = 0, tight = 0;

    for (uint64_t seed = 1; seed <= 12; seed++) {
        roomy += compare(seed, 100000, false);
        tight += compare(seed, 700, true);
    }
    assert_int_equal(roomy, 12 * 200);
    assert_in_range(tight, 12, 12 * 200 - 12); /* both ways are taken */
}

static SwitchPacket plain_packet(uint32_t to)
{
    return (SwitchPacket){ .dst = IP + to, .bytes = 10 * CELL };
}

/* With the least alpha, 256: Q + C <= free - C, all packets counted. */
static void test_bound_is_exact(void **state)
{
    for (uint32_t cells = 39; cells <= 40; cells++) {
        SwitchConfig c;
        SwitchCore *sw;
        Batch b = { .n = 0 };

        config_default(&c);
        c.buffer_cells = cells;
        sw = make(&c, &calm_log);
        batch_add(&b, 0, 0, plain_packet(1));
        batch_add(&b, 0, 0, plain_packet(2));
        assert_int_equal(run_calm(sw, &b, 0), cells == 40);
        switch_core_free(sw);
    }
}

/* @change makes the switch, or the packet, one that is refused. */
static void refuse(void (*change)(SwitchConfig *c, SwitchPacket *p),
                   void (*after)(SwitchCore *sw))
{
    SwitchPacket pkt = plain_packet(1);
    SwitchConfig c;
    SwitchCore *sw, *untouched;
    Batch b = { .n = 0 };

    config_default(&c);
    if (change) {
        change(&c, &pkt);
    }
    sw = make(&c, &calm_log);
    untouched = make(&c, &plain_log);
    if (after) {
        after(sw);
        after(untouched);
    }
    batch_add(&b, 0, 0, plain_packet(2));
    batch_add(&b, 3, 5, pkt);
    assert_false(run_calm(sw, &b, 0));
    assert_same_state(sw, untouched);
    switch_core_free(sw);
    switch_core_free(untouched);
}

static void is_l2(SwitchConfig *c, SwitchPacket *p)
{
    p->flags |= SWITCH_PKT_L2;
}

static void has_no_route(SwitchConfig *c, SwitchPacket *p)
{
    p->dst = 77;
}

static void marks_at_random(SwitchConfig *c, SwitchPacket *p)
{
    c->queue[3].ecn_mode = SWITCH_ECN_RED;
    c->queue[3].ecn_max_cells = c->queue[3].ecn_min_cells + 1;
}

static void is_limited(SwitchConfig *c, SwitchPacket *p)
{
    c->queue[3].limit_packets = 9;
}

static void is_down(SwitchCore *sw)
{
    switch_core_set_up(sw, false);
}

static void port_is_down(SwitchCore *sw)
{
    switch_core_port_set_up(sw, 1, false);
}

static void tells_of_depth(SwitchCore *sw)
{
    switch_core_set_deep(sw, 100);
}

static void test_refused_changes_nothing(void **state)
{
    refuse(is_l2, NULL);
    refuse(has_no_route, NULL);
    refuse(marks_at_random, NULL);
    refuse(is_limited, NULL);
    refuse(NULL, is_down);
    refuse(NULL, port_is_down);
    refuse(NULL, tells_of_depth);
}

/* 64 packets of one instant and output port are sorted, 65 are too many. */
static void test_most_for_a_port(void **state)
{
    for (uint32_t n = 64; n <= 65; n++) {
        SwitchConfig c;
        SwitchCore *sw;
        Batch b = { .n = 0 };

        config_default(&c);
        c.buffer_cells = 100000;
        sw = make(&c, &calm_log);
        for (uint32_t i = 0; i < n; i++) {
            SwitchPacket pkt = plain_packet(1);

            pkt.user = i;
            batch_add(&b, i * PORTS / n, 7, pkt);
        }
        assert_int_equal(run_calm(sw, &b, 0), n == 64);
        if (n == 64) {
            switch_core_run(sw, 1000000000);
            assert_int_equal(calm_log.n[1], 64);
            for (uint32_t i = 0; i < n; i++) {
                assert_int_equal(calm_log.seen[1][i].user, i);
                assert_int_equal(calm_log.seen[1][i].ps,
                                 7 + (i + 1) * 1024 * 80);
            }
        }
        switch_core_free(sw);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_one_by_one),
        cmocka_unit_test(test_bound_is_exact),
        cmocka_unit_test(test_refused_changes_nothing),
        cmocka_unit_test(test_most_for_a_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
