/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * underlay_path_test.c: version 2 of the underlay's header: every byte, the
 * tag, forged, replayed, damaged, duplicated and reordered packets, epochs,
 * echoes, saved states.
 */
#include "underlay_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "ena_host.h"

#define US 1000000ull
#define IP_A 0x0a000001u
#define IP_B 0x0a000002u
#define H 42u /* header in a packet */

static const uint8_t card_a[6] = { 2, 0, 10, 0, 0, 1 };
static const uint8_t card_b[6] = { 2, 0, 10, 0, 0, 2 };
static const uint8_t key[16] = { 1, 2, 3, 4, 5, 6, 7, 8 };

typedef struct Two {
    Underlay ua, ub;
    UnderlayPaths *a, *b;
    PathConfig config;
} Two;

static void map(Underlay *u, const uint8_t guest[6], uint32_t ip,
                const uint8_t card[6], bool plain)
{
    UnderlayMapping m = { .underlay_ip = ip, .plain = plain, .paths = 4 };
    const char *why;

    memcpy(m.mac, guest, 6);
    memcpy(m.underlay_mac, card, 6);
    assert_true(underlay_map(u, 7, &m, &why));
}

static Two *two_new(PathPolicy policy, bool sequencing)
{
    Two *t = g_new0(Two, 1);
    const char *why;

    t->config = path_config_default(policy);
    t->config.sequencing = sequencing;
    t->config.gap_ps = 100 * US;
    t->config.echo_ps = 20 * US;
    underlay_init(&t->ua);
    underlay_init(&t->ub);
    assert_true(underlay_join(&t->ua, 7, IP_A, card_a, &why));
    assert_true(underlay_join(&t->ub, 7, IP_B, card_b, &why));
    map(&t->ua, eh_peer, IP_B, card_b, false);
    map(&t->ub, eh_mac, IP_A, card_a, false);
    t->a = underlay_paths_new(&t->ua, &t->config, key, 1, 5);
    t->b = underlay_paths_new(&t->ub, &t->config, key, 2, 9);
    return t;
}

static void two_free(Two *t)
{
    underlay_paths_free(t->a);
    underlay_paths_free(t->b);
    underlay_clear(&t->ua);
    underlay_clear(&t->ub);
    g_free(t);
}

/* A packet from a to b, sent at @now_ps; its length. */
static uint32_t packet(Two *t, uint64_t now_ps, uint8_t *p)
{
    UnderlayPeer *peer = underlay_paths_find(t->a, IP_B);
    uint8_t *f = p + UNDERLAY2_OUTER_BYTES;
    uint32_t len = eh_ipv4(f, eh_peer, eh_mac, 6, 0xc0a80001, 0xc0a80002, 40);
    PathChoice c = path_choose(peer->tx, now_ps, underlay_paths_hash(f, len),
                               UNDERLAY2_OUTER_BYTES + len);

    return len + underlay_paths_encap(t->a, now_ps, peer, &c, f, len, p);
}

static Underlay2Verdict receive(Two *t, uint64_t now_ps, const uint8_t *p,
                                uint32_t len)
{
    uint8_t copy[400], *f;
    uint32_t n;

    memcpy(copy, p, len);
    return underlay_paths_decap(t->b, now_ps, copy, len, &f, &n);
}

/* Paper, appendix A, and its reference vectors' first. */
static void siphash(void **state)
{
    uint8_t k[16], m[15];

    for (unsigned i = 0; i < 16; i++) {
        k[i] = i;
        m[i % 15] = i % 15;
    }
    assert_true(siphash24(k, m, 15) == 0xa129ca6149be45e5u);
    assert_true(siphash24(k, m, 0) == 0x726fdb47dd0e0e31u);
}

static void every_byte(void **state)
{
    Two *t = two_new(PATH_ECMP, false);
    uint8_t p[400], text[58];
    uint32_t len = packet(t, 3000 * US + 77, p);
    UnderlayPeer *peer = underlay_paths_find(t->a, IP_B);
    unsigned v = p[H + 2];
    uint64_t tag;
    static const uint8_t want[] = {
        0x2e, 0,    0,    0,                /* version, flags, value, echo */
        0,    0,    0,    7,    0, 0, 0, 5, /* network, epoch */
        0,    0,    0,    0,    0, 0, 0, 94 + 98, /* sequence, bytes */
        0,    0x2d, 0xc6, 0xc0,                   /* 3,000,000 ns */
    };

    assert_int_equal(len, 94 + 98);
    assert_int_equal(packet_get16(p + 34), path_port(peer->tx, v));
    assert_int_equal(packet_get16(p + 38), len - 34);
    assert_int_equal(packet_fold(packet_sum(p + 14, 20, 0)), 0);
    memcpy(text, p + 26, 10);
    memcpy(text + 10, p + H, 48);
    tag = siphash24(key, text, 58);
    assert_int_equal(packet_get32(p + H + 48), tag >> 32);
    assert_int_equal(packet_get32(p + H + 52), (uint32_t)tag);
    p[H + 2] = 0;
    assert_memory_equal(p + H, want, sizeof(want));
    for (unsigned i = sizeof(want); i < 48; i++) {
        assert_int_equal(p[H + i], 0);
    }
    two_free(t);
}

/* Any changed byte that a router does not own is noticed; any cut too. */
static void damaged(void **state)
{
    Two *t = two_new(PATH_ECMP, false);
    uint8_t p[400], *f;
    uint32_t len = packet(t, 0, p), n;

    for (unsigned i = 0; i < UNDERLAY2_OUTER_BYTES; i++) {
        bool free = i >= 6 && i < 12;
        Underlay2Verdict v;

        if (free) {
            continue;
        }
        p[i] ^= 0x10;
        v = receive(t, 0, p, len);
        assert_true(v == UNDERLAY2_MALFORMED || v == UNDERLAY2_FOREIGN ||
                    v == UNDERLAY2_FORGED);
        p[i] ^= 0x10;
    }
    for (n = 0; n < len; n++) {
        uint32_t got;
        g_autofree uint8_t *cut = g_memdup2(p, n + 1);

        assert_int_equal(underlay_paths_decap(t->b, 0, cut, n, &f, &got),
                         UNDERLAY2_MALFORMED);
    }
    assert_int_equal(receive(t, 0, p, len), UNDERLAY2_FRAME);
    two_free(t);
}

/* A wrong key, whoever has it, changes nothing at all. */
static void forged(void **state)
{
    Two *t = two_new(PATH_CONGESTION, false);
    uint8_t p[400], other[16] = { 9 };
    uint32_t len;
    UnderlayPeer *b = underlay_paths_find(t->b, IP_A);
    UnderlayPaths *liar = underlay_paths_new(&t->ua, &t->config, other, 1, 100);
    UnderlayPeer *peer = underlay_paths_find(liar, IP_B);
    PathEcho echo = { .value = 0, .packets = 1, .marked = 1 };

    len = underlay_paths_alone(liar, 0, peer, &echo, p);
    assert_int_equal(receive(t, 0, p, len), UNDERLAY2_FORGED);
    assert_false(b->heard);
    assert_int_equal(b->echoes_taken + b->echoes_ignored, 0);
    assert_int_equal(path_stats(b->tx, 0).bad_echoes, 0);
    underlay_paths_free(liar);
    two_free(t);
}

static void replayed_and_duplicated(void **state)
{
    for (unsigned sequencing = 0; sequencing < 2; sequencing++) {
        Two *t = two_new(PATH_SPRAY, sequencing);
        uint8_t p[400], q[400];
        uint32_t len = packet(t, 0, p);

        assert_int_equal(receive(t, 1, p, len), UNDERLAY2_FRAME);
        assert_int_equal(receive(t, 2, p, len), UNDERLAY2_REPLAYED);
        for (unsigned i = 0; i < 10000; i++) {
            packet(t, 0, q);
        }
        assert_int_equal(receive(t, 3, q, len),
                         sequencing ? UNDERLAY2_HELD : UNDERLAY2_FRAME);
        g_free(underlay_paths_pop(t->b, 3));
        assert_int_equal(receive(t, 4, p, len), UNDERLAY2_REPLAYED);
        two_free(t);
    }
}

/* An echo that is sent again is not taken again. */
static void replayed_echo(void **state)
{
    Two *t = two_new(PATH_CONGESTION, false);
    UnderlayPeer *a = underlay_paths_find(t->a, IP_B);
    UnderlayPeer *b = underlay_paths_find(t->b, IP_A), *due;
    uint8_t p[400], copy[400], *f;
    uint32_t n, len = packet(t, 0, p);
    PathEcho echo;
    unsigned v = p[H + 2];

    p[15] = 3; /* marked on its way */
    packet_put16(p + 24, 0);
    packet_put16(p + 24, packet_fold(packet_sum(p + 14, 20, 0)));
    assert_int_equal(receive(t, 5 * US, p, len), UNDERLAY2_FRAME);
    assert_int_equal(underlay_paths_next_ps(t->b), 25 * US);
    assert_null(underlay_paths_due(t->b, 25 * US - 1, &echo));
    due = underlay_paths_due(t->b, 25 * US, &echo);
    assert_ptr_equal(due, b);
    n = underlay_paths_alone(t->b, 25 * US, due, &echo, p);
    assert_int_equal(n, UNDERLAY2_OUTER_BYTES);
    assert_int_equal(p[H + 1], UNDERLAY2_FLAG_ECHO | UNDERLAY2_FLAG_ALONE);
    assert_int_equal(p[H + 3], v);
    assert_int_equal(packet_get32(p + H + 28), 1);
    assert_int_equal(packet_get32(p + H + 32), 1);
    assert_int_equal(packet_get32(p + H + 36), len);
    assert_int_equal(packet_get32(p + H + 44), 5000);
    for (unsigned i = 0; i < 3; i++) {
        memcpy(copy, p, n);
        assert_int_equal(underlay_paths_decap(t->a, 30 * US, copy, n, &f, &len),
                         UNDERLAY2_ALONE);
        assert_int_equal(path_value_stats(a->tx, v, 0).acked, 1);
        assert_int_equal(path_value_stats(a->tx, v, 0).score, 4095);
        assert_int_equal(path_value_stats(a->tx, v, 0).delay_ps, 5 * US);
        assert_int_equal(a->echoes_taken, 1);
        assert_int_equal(a->echoes_ignored, i);
    }
    two_free(t);
}

/* Echoes ride on frames, one value a packet. */
static void echoes_ride(void **state)
{
    Two *t = two_new(PATH_SPRAY, false);
    UnderlayPeer *a = underlay_paths_find(t->a, IP_B);
    UnderlayPeer *b = underlay_paths_find(t->b, IP_A);
    uint8_t p[400], back[400], *f;
    uint32_t len, n, values = 0;

    for (unsigned i = 0; i < 200; i++) {
        len = packet(t, i * 1000, p);
        assert_int_equal(receive(t, i * 1000 + 500, p, len), UNDERLAY2_FRAME);
    }
    for (unsigned i = 0; i < 20; i++) {
        PathChoice c = path_choose(b->tx, 300000, 0, 158);

        n = eh_ipv4(back + 98, eh_mac, eh_peer, 6, 2, 1, 0);
        n += underlay_paths_encap(t->b, 300000, b, &c, back + 98, n, back);
        values += back[H + 1] & UNDERLAY2_FLAG_ECHO;
        assert_int_equal(underlay_paths_decap(t->a, 310000, back, n, &f, &n),
                         UNDERLAY2_FRAME);
    }
    assert_int_equal(values, 16);
    for (unsigned v = 0; v < 16; v++) {
        PathValueStats s = path_value_stats(a->tx, v, 0);

        assert_int_equal(s.acked, s.packets);
        assert_int_equal(s.outstanding, 0);
    }
    assert_int_equal(underlay_paths_next_ps(t->b) == PATH_NEVER, 0);
    underlay_paths_rearm(t->b);
    assert_int_equal(underlay_paths_next_ps(t->b), PATH_NEVER);
    two_free(t);
}

/* Sequencing: in order, whatever the network did; without it, counted. */
static void reordered(void **state)
{
    static const unsigned order[] = { 2, 0, 3, 1, 5, 4 };

    for (unsigned sequencing = 0; sequencing < 2; sequencing++) {
        Two *t = two_new(PATH_SPRAY, sequencing);
        UnderlayPeer *b = underlay_paths_find(t->b, IP_A);
        uint8_t p[6][400], copy[400], *f;
        uint32_t len = 0, n;
        unsigned next = 0, late = 0;

        for (unsigned i = 0; i < 6; i++) {
            len = packet(t, i, p[i]);
            p[i][len - 1] = i; /* in the guest's data */
        }
        for (unsigned i = 0; i < 6; i++) {
            UnderlayFrame *h;

            memcpy(copy, p[order[i]], len);
            if (underlay_paths_decap(t->b, 10 + i, copy, len, &f, &n) ==
                UNDERLAY2_FRAME) {
                late += f[n - 1] < next;
                next = f[n - 1] + 1;
            }
            while ((h = underlay_paths_pop(t->b, 10 + i))) {
                assert_int_equal(h->bytes[h->len - 1], next++);
                g_free(h);
            }
        }
        assert_int_equal(next, sequencing ? 6 : 5);
        assert_int_equal(late, sequencing ? 0 : 3);
        assert_int_equal(path_order_stats(b->order).delivered_late, late);
        assert_int_equal(t->b->held, 0);
        two_free(t);
    }
}

/* A card that begins anew is believed; what it said before is not. */
static void epochs(void **state)
{
    Two *t = two_new(PATH_CONGESTION, true);
    UnderlayPeer *b = underlay_paths_find(t->b, IP_A);
    uint8_t old[400], p[400];
    uint32_t len;

    for (unsigned i = 0; i < 10; i++) {
        len = packet(t, i, p);
        assert_int_equal(receive(t, i, p, len), UNDERLAY2_FRAME);
    }
    packet(t, 10, p);
    len = packet(t, 10, old);
    assert_int_equal(receive(t, 11, old, len), UNDERLAY2_HELD);
    underlay_paths_free(t->a);
    t->a = underlay_paths_new(&t->ua, &t->config, key, 3, 6);
    len = packet(t, 20, p);
    assert_int_equal(receive(t, 21, p, len), UNDERLAY2_FRAME);
    assert_int_equal(b->peer_epoch, 6);
    assert_int_equal(t->b->held, 0); /* with the old state */
    assert_int_equal(receive(t, 22, old, len), UNDERLAY2_REPLAYED);
    two_free(t);
}

static void clocks_that_differ(void **state)
{
    Two *t = two_new(PATH_CONGESTION, false);
    uint8_t p[400];
    uint32_t len = packet(t, 900000000 * US, p);
    PathEcho echo;

    assert_int_equal(receive(t, 7 * US, p, len), UNDERLAY2_FRAME);
    assert_non_null(underlay_paths_due(t->b, 100 * US, &echo));
    assert_int_equal(echo.delay_ps, 1000 * US); /* by definition */
    len = packet(t, 900000001 * US, p);
    assert_int_equal(receive(t, 11 * US, p, len), UNDERLAY2_FRAME);
    assert_non_null(underlay_paths_due(t->b, 100 * US, &echo));
    assert_int_equal(echo.delay_ps, 1003 * US);
    two_free(t);
}

static void plain_and_other_peers(void **state)
{
    Two *t = two_new(PATH_SPRAY, false);
    uint8_t guest[6] = { 2, 9, 9, 9, 9, 9 }, p[400];
    UnderlayPeer *peer;
    uint32_t len = packet(t, 0, p);

    map(&t->ua, guest, 0x0a000003, card_b, true);
    assert_null(underlay_paths_peer(t->a, underlay_find_mac(&t->ua, guest)));
    map(&t->ua, guest, 0x0a000003, card_b, false);
    peer = underlay_paths_peer(t->a, underlay_find_mac(&t->ua, guest));
    assert_non_null(peer);
    assert_int_equal(t->a->peers->len, 2);
    /* of a card that is not in the table */
    map(&t->ub, eh_mac, 0x0a000005, card_a, false);
    assert_int_equal(receive(t, 0, p, len), UNDERLAY2_FOREIGN);
    two_free(t);
}

/* One path, says the control plane: the policy is ecmp; later there are more:
 * it begins anew. */
static void single_path(void **state)
{
    Two *t = two_new(PATH_SPRAY, false);
    UnderlayMapping m = *underlay_find_mac(&t->ua, eh_peer);
    UnderlayPeer *peer;
    const char *why;
    uint8_t p[400];
    uint32_t epoch = underlay_paths_find(t->a, IP_B)->epoch;

    m.paths = 1;
    assert_true(underlay_map(&t->ua, 7, &m, &why));
    for (unsigned i = 0; i < 50; i++) {
        packet(t, i, p);
    }
    peer = underlay_paths_find(t->a, IP_B);
    assert_int_equal(path_stats(peer->tx, 0).value_changes, 0);
    assert_int_equal(path_stats(peer->tx, 0).packets, 50);
    assert_true(peer->epoch > epoch);
    m.paths = 4;
    assert_true(underlay_map(&t->ua, 7, &m, &why));
    for (unsigned i = 0; i < 50; i++) {
        packet(t, i, p);
    }
    peer = underlay_paths_find(t->a, IP_B);
    assert_true(path_stats(peer->tx, 0).value_changes > 30);
    two_free(t);
}

static GByteArray *saved(const UnderlayPaths *p)
{
    GByteArray *b = g_byte_array_new();

    underlay_paths_save(p, b);
    return b;
}

static UnderlayPaths *loaded(Underlay *u, const GByteArray *b, size_t len,
                             uint64_t now_ps)
{
    StateReader r;
    UnderlayPaths *p;

    state_reader_init(&r, b->data, len);
    p = underlay_paths_load(u, now_ps, &r);
    if (!state_reader_finish(&r, NULL)) {
        underlay_paths_free(p);
        return NULL;
    }
    return p;
}

static void pop_all(UnderlayPaths *p, uint64_t now_ps)
{
    UnderlayFrame *f;

    while ((f = underlay_paths_pop(p, now_ps))) {
        g_free(f);
    }
}

/* Saved at any time, it goes on as if nothing had been. */
static void state_round_trip(void **state)
{
    for (unsigned policy = 0; policy < PATH_POLICIES; policy++) {
        Two *t = two_new(policy, true);
        uint8_t p[400];

        for (unsigned i = 0; i < 300; i++) {
            uint64_t now = i * US;
            uint32_t len = packet(t, now, p);
            GByteArray *b, *again;
            UnderlayPaths *copy;
            PathEcho echo;
            UnderlayPeer *due;

            if (i % 7 != 3) {
                p[15] = i % 3 ? 2 : 3;
                packet_put16(p + 24, 0);
                packet_put16(p + 24, packet_fold(packet_sum(p + 14, 20, 0)));
                receive(t, now, p, len);
            }
            pop_all(t->b, now);
            due = underlay_paths_due(t->b, now, &echo);
            if (due) {
                uint8_t *f;

                len = underlay_paths_alone(t->b, now, due, &echo, p);
                assert_int_equal(
                    underlay_paths_decap(t->a, now, p, len, &f, &len),
                    UNDERLAY2_ALONE);
            }
            underlay_paths_rearm(t->b);
            b = saved(t->b);
            copy = loaded(&t->ub, b, b->len, now);
            assert_non_null(copy);
            again = saved(copy);
            assert_int_equal(b->len, again->len);
            assert_memory_equal(b->data, again->data, b->len);
            underlay_paths_free(t->b);
            t->b = copy;
            g_byte_array_unref(b);
            g_byte_array_unref(again);
            b = saved(t->a);
            copy = loaded(&t->ua, b, b->len, now);
            assert_non_null(copy);
            underlay_paths_free(t->a);
            t->a = copy;
            g_byte_array_unref(b);
        }
        two_free(t);
    }
}

/* Cut or changed anywhere: refused, or something that goes on. */
static void damaged_states(void **state)
{
    Two *t = two_new(PATH_CONGESTION, true);
    uint8_t p[400];
    uint64_t seed = 20261122;
    unsigned refused = 0, n = 0;
    GByteArray *b;

    for (unsigned i = 0; i < 40; i++) {
        uint32_t len = packet(t, i * US, p);

        if (i != 30) {
            receive(t, i * US, p, len);
        }
    }
    b = saved(t->b);
    for (size_t i = 0; i < b->len; i += 1 + mock_random(&seed) % 5) {
        uint8_t keep = b->data[i];
        UnderlayPaths *x;

        assert_null(loaded(&t->ub, b, i, 40 * US));
        b->data[i] ^= 1 << mock_random(&seed) % 8;
        x = loaded(&t->ub, b, b->len, 40 * US);
        b->data[i] = keep;
        n++;
        refused += !x;
        if (x) {
            UnderlayPaths *was = t->b;

            t->b = x;
            for (unsigned k = 0; k < 5; k++) {
                uint32_t len = packet(t, (40 + k) * US, p);

                receive(t, (40 + k) * US, p, len);
                pop_all(x, (200 + k) * US);
            }
            t->b = was;
            underlay_paths_free(x);
        }
    }
    assert_true(refused > n / 10 && refused < n);
    g_byte_array_unref(b);
    two_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash),
        cmocka_unit_test(every_byte),
        cmocka_unit_test(damaged),
        cmocka_unit_test(forged),
        cmocka_unit_test(replayed_and_duplicated),
        cmocka_unit_test(replayed_echo),
        cmocka_unit_test(echoes_ride),
        cmocka_unit_test(reordered),
        cmocka_unit_test(epochs),
        cmocka_unit_test(clocks_that_differ),
        cmocka_unit_test(plain_and_other_peers),
        cmocka_unit_test(single_path),
        cmocka_unit_test(state_round_trip),
        cmocka_unit_test(damaged_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
