/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_hostile_test.c: packets that are corrupt, truncated, forged, replayed or
 * absurd, also from a peer that has the key: each is counted by its reason
 * and changes nothing.
 */
#include "rdt_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static uint64_t in(const RdtNet *n, unsigned end, RdtInput why)
{
    return rdt_stats(n->end[end])->in[why];
}

/* The only datagram that end 0 has sent. */
static NetFlight taken(RdtNet *n)
{
    NetFlight f;

    assert_int_equal(n->flights->len, 1);
    f = g_array_index(n->flights, NetFlight, 0);
    g_array_set_size(n->flights, 0);
    return f;
}

/* Every bit of every byte. */
static void corrupt(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 1);
    uint64_t bad = 0;
    NetFlight f;

    rdt_net_send(n, 0, 100);
    rdt_net_drain(n);
    f = taken(n);
    for (unsigned bit = 0; bit < 8 * f.len; bit++) {
        RdtInput ret;

        f.bytes[bit / 8] ^= 1 << (bit % 8);
        ret = rdt_input(n->end[1], 1, f.bytes, f.len, false);
        assert_int_not_equal(ret, RDT_IN_OK);
        assert_int_equal(in(n, 1, ret) > 0, true);
        f.bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert_int_equal(in(n, 1, RDT_IN_VERSION), 8);
    assert_int_equal(in(n, 1, RDT_IN_SESSION), 64);
    assert_true(in(n, 1, RDT_IN_KEY) > 0 && in(n, 1, RDT_IN_KIND) > 0);
    for (unsigned i = 1; i < RDT_IN_RESULTS; i++) {
        bad += in(n, 1, i);
    }
    assert_int_equal(bad, 8 * f.len);
    /* none of it has moved anything */
    assert_int_equal(rdt_input(n->end[1], 1, f.bytes, f.len, false), RDT_IN_OK);
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_READABLE, NULL), 1);
    g_free(f.bytes);
    rdt_net_free(n);
}

static void truncated_and_extended(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 2);
    uint8_t longer[200] = { 0 };
    NetFlight f;

    rdt_net_send(n, 0, 60);
    rdt_net_drain(n);
    f = taken(n);
    memcpy(longer, f.bytes, f.len);
    for (unsigned len = 0; len < 200; len++) {
        RdtInput ret;

        if (len == f.len) {
            continue;
        }
        ret = rdt_input(n->end[1], 1, longer, len, false);
        assert_int_equal(ret, len < 40 ? RDT_IN_SHORT : RDT_IN_FORGED);
    }
    assert_int_equal(
        rdt_input(n->end[1], 1, longer, RDT_MAX_DATAGRAM_BYTES + 1, false),
        RDT_IN_SHORT);
    g_free(f.bytes);
    rdt_net_free(n);
}

static void replayed(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 3);
    uint8_t body[RDT_DATA_BYTES] = { 0 }, p[200];
    RdtData d = { .stride = RDT_MIN_STRIDE };
    NetFlight f;
    uint32_t len;

    rdt_net_send(n, 0, 60);
    rdt_net_drain(n);
    f = taken(n);
    assert_int_equal(rdt_input(n->end[1], 1, f.bytes, f.len, false), RDT_IN_OK);
    assert_int_equal(rdt_input(n->end[1], 1, f.bytes, f.len, false),
                     RDT_IN_REPLAYED);
    /* a number far ahead moves the window; what falls out is old */
    rdt_put_data(body, &d);
    len = rdt_net_forge(0, RDT_KIND_DATA, 8192, body, sizeof(body), p);
    assert_int_equal(rdt_input(n->end[1], 1, p, len, false), RDT_IN_DUPLICATE);
    assert_int_equal(rdt_input(n->end[1], 1, f.bytes, f.len, false),
                     RDT_IN_OLD);
    len = rdt_net_forge(0, RDT_KIND_DATA, 1, body, sizeof(body), p);
    assert_int_equal(rdt_input(n->end[1], 1, p, len, false), RDT_IN_DUPLICATE);
    assert_int_equal(rdt_input(n->end[1], 1, p, len, false), RDT_IN_REPLAYED);
    g_free(f.bytes);
    rdt_net_free(n);
}

/* Nobody can send a packet back to its sender. */
static void reflected(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 4);
    NetFlight f;

    rdt_net_send(n, 0, 60);
    rdt_net_drain(n);
    f = taken(n);
    assert_int_equal(rdt_input(n->end[0], 1, f.bytes, f.len, false),
                     RDT_IN_SESSION);
    for (unsigned i = 0; i < 4; i++) { /* with the ids exchanged */
        uint8_t b = f.bytes[4 + i];

        f.bytes[4 + i] = f.bytes[8 + i];
        f.bytes[8 + i] = b;
    }
    assert_int_equal(rdt_input(n->end[0], 1, f.bytes, f.len, false),
                     RDT_IN_FORGED);
    g_free(f.bytes);
    rdt_net_free(n);
}

/* A peer with the key that says impossible things. */
static RdtInput evil(RdtNet *n, RdtKind kind, const void *body, uint32_t len)
{
    static uint64_t number;
    uint8_t p[RDT_MAX_DATAGRAM_BYTES];
    uint64_t packet = ++number | (kind == RDT_KIND_ACK ? RDT_ACK_SPACE : 0);

    len = rdt_net_forge(0, kind, packet, body, len, p);
    return rdt_input(n->end[1], n->now_ps, p, len, false);
}

static RdtInput evil_data(RdtNet *n, uint64_t message, uint32_t bytes,
                          unsigned fragment, unsigned stride, uint32_t len)
{
    uint8_t body[4000] = { 0 }, content[3000] = { 0 };
    RdtData d = {
        .message = message,
        .message_bytes = bytes,
        .fragment = (uint16_t)fragment,
        .stride = (uint16_t)stride,
        .bytes = content,
        .len = len,
    };

    return evil(n, RDT_KIND_DATA, body, rdt_put_data(body, &d));
}

static void absurd_data(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 5);
    uint8_t body[100] = { 0 };
    RdtView v;

    for (uint32_t len = 0; len < RDT_DATA_BYTES; len++) {
        assert_int_equal(evil(n, RDT_KIND_DATA, body, len), RDT_IN_MALFORMED);
    }
    /* length, stride, fragment */
    assert_int_equal(evil_data(n, 0, (1 << 20) + 1, 0, 1000, 1000),
                     RDT_IN_MALFORMED);
    assert_int_equal(evil_data(n, 0, UINT32_MAX, 0, 1000, 1000),
                     RDT_IN_MALFORMED);
    assert_int_equal(evil_data(n, 0, 2000, 0, 0, 0), RDT_IN_MALFORMED);
    assert_int_equal(evil_data(n, 0, 2000, 0, 1, 1), RDT_IN_MALFORMED);
    assert_int_equal(evil_data(n, 0, 2000, 0, 9000, 2000), RDT_IN_MALFORMED);
    assert_int_equal(evil_data(n, 0, 2000, 2, 1000, 0), RDT_IN_MALFORMED);
    assert_int_equal(evil_data(n, 0, 2000, 65535, 1000, 0), RDT_IN_MALFORMED);
    assert_int_equal(evil_data(n, 0, 2000, 1, 1000, 999), RDT_IN_MALFORMED);
    assert_int_equal(evil_data(n, 0, 2000, 1, 1000, 1001), RDT_IN_MALFORMED);
    assert_int_equal(evil_data(n, 0, 0, 0, 1000, 1), RDT_IN_MALFORMED);
    /* the same message with other sizes */
    assert_int_equal(evil_data(n, 0, 2000, 0, 1000, 1000), RDT_IN_OK);
    assert_int_equal(evil_data(n, 0, 2001, 1, 1000, 1000), RDT_IN_MALFORMED);
    assert_int_equal(evil_data(n, 0, 2000, 0, 1500, 1500), RDT_IN_MALFORMED);
    assert_int_equal(evil_data(n, 0, 2000, 0, 1000, 1000), RDT_IN_DUPLICATE);
    /* beyond the credit */
    assert_int_equal(evil_data(n, 1024, 0, 0, 1000, 0), RDT_IN_CREDIT);
    assert_int_equal(evil_data(n, UINT64_MAX, 0, 0, 1000, 0), RDT_IN_CREDIT);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(evil_data(n, i, 1 << 20, 0, 1000, 1000), RDT_IN_OK);
    }
    assert_int_equal(evil_data(n, 5, 1 << 20, 0, 1000, 1000), RDT_IN_CREDIT);
    assert_true(rdt_view(n->end[1], NET_B, &v));
    assert_int_equal(v.rx_bytes_held, 3 * (1 << 20) + 2000);
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_READABLE, NULL), 0);
    rdt_net_free(n);
}

static RdtInput evil_ack(RdtNet *n, uint32_t ranges, uint64_t last,
                         uint32_t count, uint64_t last2)
{
    uint8_t body[RDT_ACK_BYTES + 70 * RDT_RANGE_BYTES];
    RdtAck a = { .credit_bytes = UINT64_MAX, .n_ranges = ranges };

    a.ranges[0] = (RdtRange){ last, count, false };
    a.ranges[1] = (RdtRange){ last2, 1, false };
    return evil(n, RDT_KIND_ACK, body, rdt_put_ack(body, &a));
}

static void absurd_acknowledgements(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 6);
    uint8_t body[RDT_ACK_BYTES + 2000] = { 0 };
    RdtView v;

    rdt_net_send(n, 1, 5000); /* packets 0 to 3 of end 1 */
    rdt_net_drain(n);
    for (uint32_t len = 0; len < RDT_ACK_BYTES; len++) {
        assert_int_equal(evil(n, RDT_KIND_ACK, body, len), RDT_IN_MALFORMED);
    }
    body[33] = 65; /* ranges */
    assert_int_equal(evil(n, RDT_KIND_ACK, body, rdt_ack_bytes(65)),
                     RDT_IN_MALFORMED);
    assert_int_equal(evil_ack(n, 1, 4, 1, 0), RDT_IN_UNSENT);
    assert_int_equal(evil_ack(n, 1, RDT_COUNTER_MASK, 1, 0), RDT_IN_UNSENT);
    assert_int_equal(evil_ack(n, 1, RDT_ACK_SPACE, 1, 0), RDT_IN_MALFORMED);
    assert_int_equal(evil_ack(n, 1, 3, 0, 0), RDT_IN_MALFORMED);
    assert_int_equal(evil_ack(n, 1, 3, 5, 0), RDT_IN_MALFORMED);
    assert_int_equal(evil_ack(n, 1, 3, UINT32_MAX, 0), RDT_IN_MALFORMED);
    assert_int_equal(evil_ack(n, 2, 3, 2, 2), RDT_IN_MALFORMED);
    assert_int_equal(evil_ack(n, 2, 1, 1, 3), RDT_IN_MALFORMED);
    assert_true(rdt_view(n->end[1], NET_B, &v));
    assert_int_equal(v.tx_waiting, 1);
    assert_int_equal(v.in_flight_bytes, 5000 + 4 * RDT_OVERHEAD_BYTES);
    /* right ones are taken, also with another incarnation's beside */
    assert_int_equal(evil_ack(n, 1, (1ull << 48) + 3, 4, 0), RDT_IN_OK);
    assert_true(rdt_view(n->end[1], NET_B, &v));
    assert_int_equal(v.tx_waiting, 1);
    assert_int_equal(evil_ack(n, 2, 3, 1, 1), RDT_IN_OK);
    assert_true(rdt_view(n->end[1], NET_B, &v));
    assert_int_equal(v.tx_waiting, 1);
    assert_int_equal(evil_ack(n, 1, 3, 4, 0), RDT_IN_OK);
    assert_true(rdt_view(n->end[1], NET_B, &v));
    assert_int_equal(v.tx_waiting, 0);
    assert_int_equal(v.in_flight_bytes, 0);
    rdt_net_free(n);
}

static void absurd_others(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 7);
    uint8_t body[RDT_CLOSE_BYTES + 1];
    RdtClose c = { 3, 0 };

    assert_int_equal(evil(n, RDT_KIND_PROBE, "x", 1), RDT_IN_MALFORMED);
    assert_int_equal(evil(n, RDT_KIND_PROBE, "", 0), RDT_IN_OK);
    for (uint32_t len = 0; len < RDT_CLOSE_BYTES; len++) {
        assert_int_equal(evil(n, RDT_KIND_CLOSE, body, len), RDT_IN_MALFORMED);
    }
    /* messages that never came; reasons that are none */
    rdt_put_close(body, &c);
    assert_int_equal(evil(n, RDT_KIND_CLOSE, body, RDT_CLOSE_BYTES),
                     RDT_IN_MALFORMED);
    c = (RdtClose){ 0, 2 };
    rdt_put_close(body, &c);
    assert_int_equal(evil(n, RDT_KIND_CLOSE, body, RDT_CLOSE_BYTES),
                     RDT_IN_MALFORMED);
    c = (RdtClose){ 0, 0 };
    rdt_put_close(body, &c);
    assert_int_equal(evil(n, RDT_KIND_CLOSE, body, RDT_CLOSE_BYTES), RDT_IN_OK);
    assert_int_equal(evil_data(n, 0, 0, 0, 1000, 0), RDT_IN_MALFORMED);
    c = (RdtClose){ 0, 1 };
    rdt_put_close(body, &c);
    assert_int_equal(evil(n, RDT_KIND_CLOSE, body, RDT_CLOSE_BYTES), RDT_IN_OK);
    assert_int_equal(evil(n, RDT_KIND_PROBE, "", 0), RDT_IN_GONE);
    rdt_net_free(n);
}

/* Half of message 0 has come, so a close after no message is a lie; what is
 * saved then can be loaded. */
static void closes_amid_a_message(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 9);
    uint8_t body[RDT_CLOSE_BYTES];
    RdtClose c = { 0, 0 };

    assert_int_equal(evil_data(n, 0, 2000, 0, 1000, 1000), RDT_IN_OK);
    rdt_put_close(body, &c);
    assert_int_equal(evil(n, RDT_KIND_CLOSE, body, RDT_CLOSE_BYTES),
                     RDT_IN_MALFORMED);
    rdt_net_free(n);
}

/* Packets with holes between them: the ranges stay bounded. */
static void ranges_are_bounded(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 8);
    uint8_t p[100];
    RdtOut out;

    for (unsigned i = 0; i < 1000; i++) {
        uint32_t len = rdt_net_forge(0, RDT_KIND_PROBE, 2 * i, "", 0, p);

        assert_int_equal(rdt_input(n->end[1], 1, p, len, i & 1), RDT_IN_OK);
    }
    assert_true(rdt_output(n->end[1], 1, &out));
    assert_int_equal(out.len, RDT_HEADER_BYTES + RDT_ACK_BYTES +
                                  64 * RDT_RANGE_BYTES + RDT_TAG_BYTES);
    assert_int_equal(out.bytes[RDT_HEADER_BYTES + 33], 64);
    rdt_net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corrupt),
        cmocka_unit_test(truncated_and_extended),
        cmocka_unit_test(replayed),
        cmocka_unit_test(reflected),
        cmocka_unit_test(absurd_data),
        cmocka_unit_test(absurd_acknowledgements),
        cmocka_unit_test(absurd_others),
        cmocka_unit_test(closes_amid_a_message),
        cmocka_unit_test(ranges_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
