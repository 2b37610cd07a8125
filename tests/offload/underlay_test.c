/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * underlay_test.c: outer headers, the mapping table, ARP, ECN.
 */
#include "ena_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static const uint8_t card_a[6] = { 2, 0, 10, 0, 0, 1 };
static const uint8_t card_b[6] = { 2, 0, 10, 0, 0, 2 };

static UnderlayMapping peer(void)
{
    UnderlayMapping m = { .ip = 0xc0a80002, .underlay_ip = 0x0a000002 };

    memcpy(m.mac, eh_peer, 6);
    memcpy(m.underlay_mac, card_b, 6);
    return m;
}

/* Two cards of network 7 that know each other. */
typedef struct Two {
    Underlay a, b;
} Two;

static int setup(void **state)
{
    Two *t = g_new0(Two, 1);
    UnderlayMapping m = peer();
    const char *why;

    underlay_init(&t->a);
    underlay_init(&t->b);
    assert_true(underlay_join(&t->a, 7, 0x0a000001, card_a, &why));
    assert_true(underlay_join(&t->b, 7, 0x0a000002, card_b, &why));
    assert_true(underlay_map(&t->a, 7, &m, &why));
    memcpy(m.mac, eh_mac, 6);
    memcpy(m.underlay_mac, card_a, 6);
    m.ip = 0xc0a80001;
    m.underlay_ip = 0x0a000001;
    assert_true(underlay_map(&t->b, 7, &m, &why));
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    Two *t = *state;

    underlay_clear(&t->a);
    underlay_clear(&t->b);
    g_free(t);
    return 0;
}

/* A packet from a to b with @ecn in the guest's header; its length. */
static uint32_t packet(Two *t, uint8_t *p, unsigned ecn)
{
    uint8_t *f = p + UNDERLAY_OUTER_BYTES;
    uint32_t len = eh_ipv4(f, eh_peer, eh_mac, 6, 0xc0a80001, 0xc0a80002, 40);

    f[15] = ecn;
    packet_put16(f + 24, 0);
    packet_put16(f + 24, packet_fold(packet_sum(f + 14, 20, 0)));
    return len +
           underlay_encap(&t->a, underlay_find_mac(&t->a, eh_peer), f, len, p);
}

static void every_byte(void **state)
{
    Two *t = *state;
    uint8_t p[300];
    uint32_t len = packet(t, p, 0);
    static const uint8_t outer[] = {
        2,    0, 10, 0,   0,  2, 2,    0, 10, 0,  0,    1,    8, 0, /* Ethernet */
        0x45, 2, 0,  142, 0,  0, 0x40, 0, 64, 17, 0,    0,          /* IPv4 */
        10,   0, 0,  1,   10, 0, 0,    2, 0,  0,  0x17, 0xc8, 0, 122, 0,
        0,                                                 /* UDP */
        0x15, 0, 0,  0,   0,  0, 0,    7, 0,  0,  0,    0, /* ours */
        0,    0, 0,  0,   0,  0, 0,    0,
    };
    uint16_t port = packet_get16(p + 34);

    assert_int_equal(len, 94 + 62);
    assert_int_equal(sizeof(outer), UNDERLAY_OUTER_BYTES);
    assert_int_equal(packet_fold(packet_sum(p + 14, 20, 0)), 0);
    assert_true(port >= 49152);
    packet_put16(p + 24, 0);
    packet_put16(p + 34, 0);
    assert_memory_equal(p, outer, sizeof(outer));
    packet(t, p, 0);
    assert_int_equal(packet_get32(p + 50), 1);    /* the sequence counts */
    assert_int_equal(packet_get16(p + 34), port); /* same flow, same path */
}

static void there_and_back(void **state)
{
    Two *t = *state;
    uint8_t p[300], copy[300], *f;
    uint32_t len = packet(t, p, 0), n;

    memcpy(copy, p, len);
    assert_int_equal(underlay_decap(&t->b, p, len, &f, &n), UNDERLAY_OK);
    assert_int_equal(n, len - UNDERLAY_OUTER_BYTES);
    assert_memory_equal(f, copy + UNDERLAY_OUTER_BYTES, n);
}

/* Each changed byte of the outer headers is noticed, but for those that a
 * router or a path may change. */
static void any_changed_byte(void **state)
{
    Two *t = *state;
    uint8_t p[300], *f;
    uint32_t len = packet(t, p, 0), n;

    for (unsigned i = 0; i < UNDERLAY_OUTER_BYTES; i++) {
        bool free =
            (i >= 6 && i < 12) || i == 34 || i == 35 || (i >= 50 && i < 62);
        UnderlayVerdict v;

        p[i] ^= 0x10;
        v = underlay_decap(&t->b, p, len, &f, &n);
        assert_int_equal(v == UNDERLAY_OK, free);
        p[i] ^= 0x10;
    }
    for (n = 0; n < len; n++) {
        uint32_t got;

        assert_int_equal(underlay_decap(&t->b, p, n, &f, &got),
                         UNDERLAY_MALFORMED);
    }
}

static void networks_are_apart(void **state)
{
    Two *t = *state;
    const char *why;
    uint8_t p[300], *f;
    uint32_t len = packet(t, p, 0), n;

    assert_true(underlay_join(&t->b, 8, 0x0a000002, card_b, &why));
    assert_int_equal(underlay_decap(&t->b, p, len, &f, &n), UNDERLAY_FOREIGN);
    assert_int_equal(t->b.map->len, 0); /* the old network's is forgotten */
}

static void a_guest_speaks_from_its_card(void **state)
{
    Two *t = *state;
    uint8_t p[300], *f;
    uint32_t len = packet(t, p, 0), n;

    packet_put32(p + 26, 0x0a000003); /* another sender */
    packet_put16(p + 24, 0);
    packet_put16(p + 24, packet_fold(packet_sum(p + 14, 20, 0)));
    assert_int_equal(underlay_decap(&t->b, p, len, &f, &n), UNDERLAY_FOREIGN);
}

/* inner, outer -> inner on arrival (RFC 6040, but see underlay.h for 0, CE) */
static void congestion_marks(void **state)
{
    Two *t = *state;
    static const uint8_t want[4][2] = {
        { 0, 0 }, { 1, 3 }, { 2, 3 }, { 3, 3 }
    };

    for (unsigned ecn = 0; ecn < 4; ecn++) {
        for (unsigned marked = 0; marked < 2; marked++) {
            uint8_t p[300], *f;
            uint32_t len = packet(t, p, ecn), n;

            assert_int_equal(p[15], ecn ? ecn : 2);
            if (marked) {
                p[15] = 3;
                packet_put16(p + 24, 0);
                packet_put16(p + 24, packet_fold(packet_sum(p + 14, 20, 0)));
            }
            assert_int_equal(underlay_decap(&t->b, p, len, &f, &n),
                             UNDERLAY_OK);
            assert_int_equal(f[15], want[ecn][marked]);
            assert_int_equal(packet_fold(packet_sum(f + 14, 20, 0)), 0);
        }
    }
}

static void marks_are_echoed_to_their_sender(void **state)
{
    Two *t = *state;
    uint8_t p[300], *f;
    uint32_t n;

    for (unsigned i = 0; i < 3; i++) {
        uint32_t len = packet(t, p, 0);

        if (i) {
            p[15] = 3;
            packet_put16(p + 24, 0);
            packet_put16(p + 24, packet_fold(packet_sum(p + 14, 20, 0)));
        }
        assert_int_equal(underlay_decap(&t->b, p, len, &f, &n), UNDERLAY_OK);
    }
    n = eh_ipv4(p + 62, eh_mac, eh_peer, 6, 0xc0a80002, 0xc0a80001, 0);
    underlay_encap(&t->b, underlay_find_mac(&t->b, eh_mac), p + 62, n, p);
    assert_int_equal(p[43], UNDERLAY_FLAG_ECHO);
    assert_int_equal(packet_get32(p + 54), 3);
    assert_int_equal(packet_get32(p + 58), 2);
    underlay_encap(&t->b, underlay_find_mac(&t->b, eh_mac), p + 62, n, p);
    assert_int_equal(p[43], 0); /* once */
}

static void arp(void **state)
{
    Two *t = *state;
    uint8_t q[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, a[60];

    memcpy(q + 6, eh_mac, 6);
    packet_put16(q + 12, 0x0806);
    packet_put16(q + 14, 1);
    packet_put16(q + 16, 0x0800);
    q[18] = 6;
    q[19] = 4;
    packet_put16(q + 20, 1);
    memcpy(q + 22, eh_mac, 6);
    packet_put32(q + 28, 0xc0a80001);
    packet_put32(q + 38, 0xc0a80002);
    assert_true(underlay_arp(&t->a, q, 60, a));
    assert_memory_equal(a, eh_mac, 6);
    assert_memory_equal(a + 6, eh_peer, 6);
    assert_int_equal(packet_get16(a + 20), 2);
    assert_memory_equal(a + 22, eh_peer, 6);
    assert_int_equal(packet_get32(a + 28), 0xc0a80002);
    assert_memory_equal(a + 32, eh_mac, 6);
    assert_int_equal(packet_get32(a + 38), 0xc0a80001);
    packet_put32(q + 38, 0xc0a80003);
    assert_false(underlay_arp(&t->a, q, 60, a)); /* nobody */
    assert_false(underlay_arp(&t->a, q, 41, a)); /* cut */
}

static void bad_commands(void **state)
{
    Two *t = *state;
    UnderlayMapping m = peer();
    const char *why;
    uint8_t group[6] = { 1 };

    assert_false(underlay_join(&t->a, 1 << 24, 1, card_a, &why));
    assert_false(underlay_join(&t->a, 1, 0xe0000001, card_a, &why));
    assert_false(underlay_join(&t->a, 1, 0, card_a, &why));
    assert_false(underlay_join(&t->a, 1, 1, group, &why));
    assert_false(underlay_map(&t->a, 8, &m, &why));
    m.mac[0] |= 1;
    assert_false(underlay_map(&t->a, 7, &m, &why));
    m = peer();
    m.underlay_ip = 0;
    assert_false(underlay_map(&t->a, 7, &m, &why));
    assert_int_equal(t->a.map->len, 1);
}

static void many_mappings(void **state)
{
    Two *t = *state;
    UnderlayMapping m = peer();
    const char *why;
    uint32_t x = 1;

    for (unsigned i = 1; i < UNDERLAY_MAX_MAPPINGS; i++) {
        x = x * 1664525 + 1013904223;
        packet_put32(m.mac + 2, x);
        m.mac[1] = 1;
        m.ip = i;
        assert_true(underlay_map(&t->a, 7, &m, &why));
    }
    for (unsigned i = 1; i < t->a.map->len; i++) {
        assert_true(memcmp(&g_array_index(t->a.map, UnderlayMapping, i - 1),
                           &g_array_index(t->a.map, UnderlayMapping, i),
                           6) < 0);
    }
    assert_ptr_equal(underlay_find_mac(&t->a, m.mac),
                     underlay_find_ip(&t->a, m.ip));
    m.mac[1] = 2;
    assert_false(underlay_map(&t->a, 7, &m, &why)); /* full */
}

static void state_round_trip(void **state)
{
    Two *t = *state;
    GByteArray *b = g_byte_array_new(), *again = g_byte_array_new();
    Underlay u;
    StateReader r;

    underlay_save(&t->a, b);
    underlay_init(&u);
    state_reader_init(&r, b->data, b->len);
    underlay_load(&u, &r);
    assert_true(state_reader_finish(&r, NULL));
    underlay_save(&u, again);
    assert_int_equal(b->len, again->len);
    assert_memory_equal(b->data, again->data, b->len);
    underlay_clear(&u);
    for (unsigned n = 0; n < b->len; n++) {
        underlay_init(&u);
        state_reader_init(&r, b->data, n);
        underlay_load(&u, &r);
        assert_false(state_reader_finish(&r, NULL));
        underlay_clear(&u);
    }
    g_byte_array_unref(b);
    g_byte_array_unref(again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_byte),
        TEST(there_and_back),
        TEST(any_changed_byte),
        TEST(networks_are_apart),
        TEST(a_guest_speaks_from_its_card),
        TEST(congestion_marks),
        TEST(marks_are_echoed_to_their_sender),
        TEST(arp),
        TEST(bad_commands),
        TEST(many_mappings),
        TEST(state_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
