/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * trim_test.c: rule 9 and the limits of rule 4 of switch_core.h, at their exact
 * instants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "switch_core.h"

#define WIRE_PS(bytes) (((bytes) + 24u) * 80u) /* 100 Gbit/s */
#define IP 0x0a000000u
#define DATA 1000u
#define HEADER 60u
#define DROPPED 100 /* Seen.port: this + reason */

typedef struct Seen {
    uint64_t ps, user;
    uint32_t port;
    uint16_t bytes;
    uint8_t flags, zero;
} Seen;

static Seen seen[256];
static uint32_t n_seen;

static void note(uint32_t port, uint64_t ps, const SwitchPacket *pkt)
{
    assert_true(n_seen < 256);
    seen[n_seen++] = (Seen){ ps, pkt->user, port, pkt->bytes, pkt->flags };
}

static void on_depart(void *opaque, uint32_t port, uint64_t ps,
                      const SwitchPacket *pkt)
{
    note(port, ps, pkt);
}

static void on_drop(void *opaque, uint32_t port, uint64_t ps,
                    const SwitchPacket *pkt, SwitchDrop reason)
{
    note(DROPPED + reason, ps, pkt);
}

static const SwitchOps ops = { on_depart, on_drop, NULL };

/* Queue 1 goes before queue 0, which holds three packets; no pipeline. */
static void config_default(SwitchConfig *c)
{
    switch_config_default(c, 4);
    c->queues = 2;
    c->cell_bytes = 1;
    c->buffer_cells = 1000000;
    c->pipeline_ps = 0;
    c->seed = 1;
    c->queue[0].ecn_mode = c->queue[1].ecn_mode = SWITCH_ECN_OFF;
    c->queue[0].limit_packets = 3;
    c->trim_bytes = HEADER;
    c->trim_queue = 1;
}

static SwitchCore *make(const SwitchConfig *c)
{
    const char *err = NULL;
    SwitchCore *sw = switch_core_new(c, &ops, NULL, &err);

    assert_non_null(sw);
    n_seen = 0;
    for (uint16_t i = 0; i < c->ports; i++) {
        SwitchRoute route = { IP + i, 32, i };

        assert_true(switch_core_group_set(sw, i, &i, 1));
        assert_true(switch_core_route_add(sw, &route));
    }
    return sw;
}

/* From the address of port 3 to that of port 0, which sends it. */
static void data(SwitchCore *sw, uint64_t ps, uint64_t user, uint8_t flags)
{
    SwitchPacket pkt = {
        .user = user, .dst = IP, .src = IP + 3, .bytes = DATA, .flags = flags
    };

    switch_core_arrive(sw, 3, ps, &pkt);
}

static const Seen *find(uint64_t user)
{
    for (uint32_t i = 0; i < n_seen; i++) {
        if (seen[i].user == user) {
            return &seen[i];
        }
    }
    fail_msg("packet %lu was not seen", (unsigned long)user);
    return NULL;
}

static void expect(uint64_t user, uint32_t port, uint64_t ps, uint16_t bytes)
{
    const Seen *s = find(user);

    assert_int_equal(s->port, port);
    assert_int_equal(s->ps, ps);
    assert_int_equal(s->bytes, bytes);
}

/* The switch's random source, after the ECMP hash's number. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* A seed whose first number for rule 9 has @bit as its highest. */
static uint64_t seed_with(unsigned bit)
{
    for (uint64_t seed = 1;; seed++) {
        uint64_t state = seed;

        next_random(&state);
        if (next_random(&state) >> 63 == bit) {
            return seed;
        }
    }
}

/* ---- limits -------------------------------------------------------------- */

static void test_limit_packets(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    SwitchQueueStats s;

    config_default(&c);
    c.trim_bytes = 0;
    sw = make(&c);
    for (uint64_t i = 0; i < 4; i++) {
        data(sw, 0, i, SWITCH_PKT_TRIM);
    }
    data(sw, WIRE_PS(DATA), 4, 0);     /* one has just left: room again */
    data(sw, WIRE_PS(DATA) + 1, 5, 0); /* and none */
    switch_core_run(sw, 10 * WIRE_PS(DATA));
    expect(3, DROPPED + SWITCH_DROP_THRESHOLD, 0, DATA);
    expect(4, 0, 4 * WIRE_PS(DATA), DATA);
    expect(5, DROPPED + SWITCH_DROP_THRESHOLD, WIRE_PS(DATA) + 1, DATA);
    switch_core_queue_stats(sw, 0, 0, &s);
    assert_int_equal(s.dropped_packets[SWITCH_DROP_THRESHOLD], 2);
    assert_int_equal(s.trimmed_packets, 0);
    switch_core_free(sw);
}

static void test_limit_cells(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    c.trim_bytes = 0;
    c.queue[0].limit_packets = 0;
    c.queue[0].limit_cells = 2 * DATA;
    sw = make(&c);
    for (uint64_t i = 0; i < 3; i++) {
        data(sw, 0, i, 0);
    }
    switch_core_run(sw, 10 * WIRE_PS(DATA));
    expect(1, 0, 2 * WIRE_PS(DATA), DATA);
    expect(2, DROPPED + SWITCH_DROP_THRESHOLD, 0, DATA);
    switch_core_free(sw);
}

/* ---- cutting ------------------------------------------------------------- */

static void test_cuts_the_arriving(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    SwitchQueueStats s;

    config_default(&c);
    c.seed = seed_with(0);
    sw = make(&c);
    for (uint64_t i = 0; i < 4; i++) {
        data(sw, 0, i, SWITCH_PKT_TRIM);
    }
    switch_core_run(sw, 10 * WIRE_PS(DATA));
    expect(3, 0, WIRE_PS(HEADER), HEADER); /* before all that waits */
    expect(0, 0, WIRE_PS(HEADER) + WIRE_PS(DATA), DATA);
    expect(2, 0, WIRE_PS(HEADER) + 3 * WIRE_PS(DATA), DATA);
    assert_true(find(3)->flags & SWITCH_PKT_TRIM);
    switch_core_queue_stats(sw, 0, 0, &s);
    assert_int_equal(s.trimmed_packets, 1);
    assert_int_equal(s.enqueued_packets, 3);
    switch_core_queue_stats(sw, 0, 1, &s);
    assert_int_equal(s.enqueued_packets, 1);
    assert_int_equal(s.trimmed_packets, 0);
    assert_int_equal(switch_core_cells_used(sw), 0);
    switch_core_free(sw);
}

static void test_cuts_the_last(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    c.seed = seed_with(1);
    sw = make(&c);
    for (uint64_t i = 0; i < 4; i++) {
        data(sw, i, i, SWITCH_PKT_TRIM);
    }
    switch_core_run(sw, 10 * WIRE_PS(DATA));
    expect(0, 0, WIRE_PS(DATA), DATA); /* is being sent, goes on */
    expect(2, 0, WIRE_PS(DATA) + WIRE_PS(HEADER), HEADER);
    expect(3, 0, 3 * WIRE_PS(DATA) + WIRE_PS(HEADER), DATA);
    assert_int_equal(switch_core_cells_used(sw), 0);
    switch_core_free(sw);
}

static void test_never_cuts_what_is_being_sent(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    c.seed = seed_with(1);
    c.queue[0].limit_packets = 1;
    sw = make(&c);
    data(sw, 0, 0, SWITCH_PKT_TRIM);
    data(sw, 1, 1, SWITCH_PKT_TRIM);
    switch_core_run(sw, 10 * WIRE_PS(DATA));
    expect(0, 0, WIRE_PS(DATA), DATA);
    expect(1, 0, WIRE_PS(DATA) + WIRE_PS(HEADER), HEADER);
    switch_core_free(sw);
}

static void test_others_are_dropped_or_kept_whole(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    c.seed = seed_with(1);
    sw = make(&c);
    for (uint64_t i = 0; i < 3; i++) {
        data(sw, i, i, 0);
    }
    data(sw, 3, 3, 0);               /* must not be cut: dropped */
    data(sw, 4, 4, SWITCH_PKT_TRIM); /* the last one must not be: itself */
    switch_core_run(sw, 10 * WIRE_PS(DATA));
    expect(3, DROPPED + SWITCH_DROP_THRESHOLD, 3, DATA);
    expect(4, 0, WIRE_PS(DATA) + WIRE_PS(HEADER), HEADER);
    expect(2, 0, 3 * WIRE_PS(DATA) + WIRE_PS(HEADER), DATA);
    switch_core_free(sw);
}

/* The last one's place is too small: it stays, the arriving packet is cut. */
static void test_last_is_too_short(void **state)
{
    SwitchPacket shorter = {
        .user = 1, .dst = IP, .bytes = 400, .flags = SWITCH_PKT_TRIM
    };
    SwitchConfig c;
    SwitchCore *sw;

    config_default(&c);
    c.seed = seed_with(1);
    c.queue[0].limit_packets = 0;
    c.queue[0].limit_cells = 1500;
    sw = make(&c);
    data(sw, 0, 0, SWITCH_PKT_TRIM);
    switch_core_arrive(sw, 3, 1, &shorter);
    data(sw, 2, 2, SWITCH_PKT_TRIM);
    switch_core_run(sw, 10 * WIRE_PS(DATA));
    expect(2, 0, WIRE_PS(DATA) + WIRE_PS(HEADER), HEADER);
    expect(1, 0, WIRE_PS(DATA) + WIRE_PS(HEADER) + WIRE_PS(400), 400);
    assert_int_equal(switch_core_cells_used(sw), 0);
    switch_core_free(sw);
}

/* ---- sending back -------------------------------------------------------- */

static void test_sends_back_once(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    SwitchPortStats s;

    config_default(&c);
    c.seed = seed_with(0);
    c.trim_return = true;
    c.queue[0].limit_packets = 1;
    c.queue[1].limit_packets = 1;
    sw = make(&c);
    for (uint64_t i = 0; i < 3; i++) { /* whole; header; header sent back */
        data(sw, i, i, SWITCH_PKT_TRIM);
    }
    switch_core_run(sw, 3);
    switch_core_port_stats(sw, 0, &s);
    assert_int_equal(s.returned_packets, 1);
    data(sw, 3, 3, SWITCH_PKT_TRIM); /* port 3 is still busy with 2 */
    switch_core_run(sw, 10 * WIRE_PS(DATA));
    expect(2, 3, 2 + WIRE_PS(HEADER), HEADER);
    assert_false(find(2)->flags & SWITCH_PKT_TRIM);
    expect(3, DROPPED + SWITCH_DROP_THRESHOLD, 3, HEADER);
    assert_int_equal(switch_core_cells_used(sw), 0);
    switch_core_free(sw);
}

/* A header that another switch has cut, and one that has been sent back. */
static void test_headers_from_elsewhere(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    SwitchPacket header = { .user = 1,
                            .dst = IP,
                            .src = IP + 2,
                            .bytes = HEADER,
                            .priority = 1,
                            .flags = SWITCH_PKT_TRIM };

    config_default(&c);
    c.trim_return = true;
    c.queue[1].limit_packets = 1;
    sw = make(&c);
    switch_core_arrive(sw, 3, 0, &header);
    header.user = 2; /* no room: back to port 2 */
    switch_core_arrive(sw, 3, 1, &header);
    header.user = 3; /* already on its way back: lost */
    header.flags = 0;
    switch_core_arrive(sw, 3, 2, &header);
    switch_core_run(sw, 10 * WIRE_PS(DATA));
    expect(1, 0, WIRE_PS(HEADER), HEADER);
    expect(2, 2, 1 + WIRE_PS(HEADER), HEADER);
    expect(3, DROPPED + SWITCH_DROP_THRESHOLD, 2, HEADER);
    switch_core_free(sw);
}

/* ---- ten headers to a packet --------------------------------------------- */

static void test_round_robin_of_ten(void **state)
{
    SwitchConfig c;
    SwitchCore *sw;
    uint32_t headers = 0;

    config_default(&c);
    c.queue[0].strict = c.queue[1].strict = false;
    c.queue[0].quantum_bytes = DATA + SWITCH_OVERHEAD_BYTES;
    c.queue[1].quantum_bytes = 10 * (HEADER + SWITCH_OVERHEAD_BYTES);
    sw = make(&c);
    for (uint64_t i = 0; i < 3; i++) {
        data(sw, 0, i, 0);
    }
    for (uint64_t i = 0; i < 30; i++) {
        SwitchPacket pkt = {
            .user = 100 + i, .dst = IP, .bytes = HEADER, .priority = 1
        };

        switch_core_arrive(sw, 3, 0, &pkt);
    }
    switch_core_run(sw, 10 * WIRE_PS(DATA));
    assert_int_equal(n_seen, 33);
    for (uint32_t i = 0; i < 33; i++) {
        if (i % 11 == 0) { /* a turn begins with queue 0 */
            assert_int_equal(seen[i].user, i / 11);
        } else {
            assert_int_equal(seen[i].user, 100 + headers++);
        }
    }
    switch_core_free(sw);
}

/* ---- configuration, saving ----------------------------------------------- */

static void test_refuses(void **state)
{
    SwitchConfig c;
    const char *err = NULL;

    config_default(&c);
    c.trim_bytes = 59;
    assert_null(switch_core_new(&c, &ops, NULL, &err));
    assert_non_null(strstr(err, "60 to 9600"));
    config_default(&c);
    c.trim_queue = 2;
    assert_null(switch_core_new(&c, &ops, NULL, &err));
    assert_non_null(strstr(err, "queues"));
}

static uint8_t *saved(const SwitchCore *sw, size_t *ret_len)
{
    uint8_t *buf;

    *ret_len = switch_core_save(sw, NULL, 0);
    buf = malloc(*ret_len);
    assert_non_null(buf);
    assert_int_equal(switch_core_save(sw, buf, *ret_len), *ret_len);
    return buf;
}

static void test_save_and_load(void **state)
{
    SwitchConfig c;
    SwitchCore *a, *b;
    SwitchQueueStats s;
    Seen rest[256];
    uint32_t n_rest;
    uint8_t *buf;
    size_t len;

    config_default(&c);
    c.trim_return = true;
    c.queue[1].limit_packets = 2;
    a = make(&c);
    for (uint64_t i = 0; i < 20; i++) {
        data(a, i * 20000, i, SWITCH_PKT_TRIM);
    }
    switch_core_run(a, 150000);
    buf = saved(a, &len);
    n_seen = 0;
    switch_core_run(a, 100 * WIRE_PS(DATA));
    memcpy(rest, seen, sizeof(rest));
    n_rest = n_seen;
    b = make(&c);
    assert_true(switch_core_load(b, buf, len, NULL));
    switch_core_queue_stats(b, 0, 0, &s);
    assert_true(s.trimmed_packets > 0);
    switch_core_run(b, 100 * WIRE_PS(DATA));
    assert_int_equal(n_seen, n_rest);
    assert_memory_equal(seen, rest, n_rest * sizeof(*rest));
    for (size_t cut = 0; cut < len; cut++) {
        assert_false(switch_core_load(b, buf, cut, NULL));
    }
    switch_core_free(b);
    c.queue[0].limit_packets = 2; /* another configuration */
    b = make(&c);
    assert_false(switch_core_load(b, buf, len, NULL));
    free(buf);
    switch_core_free(a);
    switch_core_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_packets),
        cmocka_unit_test(test_limit_cells),
        cmocka_unit_test(test_cuts_the_arriving),
        cmocka_unit_test(test_cuts_the_last),
        cmocka_unit_test(test_never_cuts_what_is_being_sent),
        cmocka_unit_test(test_others_are_dropped_or_kept_whole),
        cmocka_unit_test(test_last_is_too_short),
        cmocka_unit_test(test_sends_back_once),
        cmocka_unit_test(test_headers_from_elsewhere),
        cmocka_unit_test(test_round_robin_of_ten),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_save_and_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
