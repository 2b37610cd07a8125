/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tcp-core-test.c: the TCP sender and receiver alone: windows, timers, loss,
 * marks and coupling at exact instants, and random channels.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "tcp_core.h"

#define US 1000000ull
#define MSS 1000u

static TcpConfig config(uint32_t initial)
{
    TcpConfig c;

    tcp_config_default(&c);
    c.segment_bytes = MSS;
    c.initial_segments = initial;
    c.rto_initial_ps = 1000 * US;
    c.rto_min_ps = 200 * US;
    return c;
}

/* Sends all that the window admits; returns how many. */
static uint32_t send_all(TcpSender *s, uint64_t now_ps)
{
    uint32_t n = 0;

    while (tcp_sender_may_send(s)) {
        uint64_t segment;
        bool again;

        tcp_sender_take(s, now_ps, &segment, &again);
        n++;
    }
    return n;
}

static bool ack(TcpSender *s, uint64_t now_ps, uint64_t next, uint64_t got,
                uint64_t sent_ps, bool marked)
{
    return tcp_sender_ack(
        s, now_ps,
        &(TcpAck){
            .next = next, .got = got, .sent_ps = sent_ps, .marked = marked });
}

static uint64_t take(TcpSender *s, uint64_t now_ps, bool *ret_again)
{
    uint64_t segment;

    assert_true(tcp_sender_may_send(s));
    tcp_sender_take(s, now_ps, &segment, ret_again);
    return segment;
}

static void slow_start_doubles_then_grows_by_one(void **state)
{
    TcpConfig c = config(2);
    TcpSender s;

    c.ssthresh_segments = 8;
    tcp_sender_init(&s, &c, TCP_ENDLESS);
    for (uint32_t round = 0, n = 2, acked = 0; round < 3; round++, n *= 2) {
        uint64_t at = round * 100 * US;

        assert_int_equal(tcp_sender_window_bytes(&s), n * MSS);
        send_all(&s, at);
        assert_int_equal(s.in_flight, n);
        for (uint32_t i = 0; i < n; i++, acked++) {
            assert_true(ack(&s, at + 100 * US, acked + 1, acked, at, false));
        }
    }
    /* 2, 4, 8; the 8 acknowledgements of the third round were congestion
     * avoidance: each adds MSS * MSS / window, 8 of them nearly one */
    assert_in_range(tcp_sender_window_bytes(&s), 8 * MSS + 900, 9 * MSS);
    tcp_sender_clear(&s);
}

static void a_window_that_is_not_used_does_not_grow(void **state)
{
    TcpConfig c = config(10);
    TcpSender s;
    bool again;

    c.ssthresh_segments = 10;
    tcp_sender_init(&s, &c, TCP_ENDLESS);
    for (uint32_t i = 0; i < 50; i++) {
        take(&s, i * 10 * US, &again);
        ack(&s, i * 10 * US + 5 * US, i + 1, i, i * 10 * US, false);
    }
    assert_int_equal(tcp_sender_window_bytes(&s), 10 * MSS);
    tcp_sender_clear(&s);
}

static void timer_follows_round_trips(void **state)
{
    TcpConfig c = config(4);
    TcpSender s;

    tcp_sender_init(&s, &c, 4);
    assert_int_equal(tcp_sender_timer_ps(&s), TCP_NEVER_PS);
    send_all(&s, 7 * US);
    assert_int_equal(tcp_sender_timer_ps(&s), 1007 * US);
    /* R = 100 us: 100 + 4 * 50 */
    ack(&s, 107 * US, 1, 0, 7 * US, false);
    assert_int_equal(tcp_sender_timer_ps(&s), (107 + 300) * US);
    /* the same again: RTTVAR = 37.5: 100 + 150 */
    ack(&s, 107 * US, 2, 1, 7 * US, false);
    assert_int_equal(tcp_sender_timer_ps(&s), (107 + 250) * US);
    /* nothing new: the timer stays; 28.125 * 4 + 100 = 212.5 */
    ack(&s, 107 * US, 2, 3, 7 * US, false);
    assert_int_equal(tcp_sender_timer_ps(&s), (107 + 250) * US);
    assert_int_equal(s.rto_ps, 212500000);
    /* below the minimum; all is acknowledged: off */
    ack(&s, 107 * US, 4, 2, 7 * US, false);
    assert_int_equal(s.rto_ps, 200 * US);
    assert_int_equal(tcp_sender_timer_ps(&s), TCP_NEVER_PS);
    assert_true(tcp_sender_done(&s));
    tcp_sender_clear(&s);
}

static void third_duplicate_retransmits(void **state)
{
    TcpConfig c = config(10);
    TcpSender s;
    bool again;

    tcp_sender_init(&s, &c, TCP_ENDLESS);
    send_all(&s, 0);
    ack(&s, 100 * US, 0, 1, 0, false);
    ack(&s, 101 * US, 0, 2, 0, false);
    assert_int_equal(s.state, TCP_OPEN);
    assert_int_equal(s.lost, 0);
    send_all(&s, 101 * US); /* slow start goes on: 12 in the window */
    ack(&s, 102 * US, 0, 3, 0, false);
    assert_int_equal(s.state, TCP_RECOVERY);
    assert_int_equal(tcp_sender_window_bytes(&s), 6 * MSS);
    /* the repair goes at once, though 10 are in flight; nothing after it */
    assert_int_equal(take(&s, 102 * US, &again), 0);
    assert_true(again);
    assert_false(tcp_sender_may_send(&s));
    /* one arrives late of the old ones each: new data when the pipe is below
     * the window */
    for (uint32_t i = 4; i < 9; i++) {
        ack(&s, (100 + i) * US, 0, i, 0, false);
    }
    assert_int_equal(s.in_flight, 6);
    assert_false(tcp_sender_may_send(&s));
    ack(&s, 109 * US, 0, 9, 0, false);
    assert_int_equal(take(&s, 109 * US, &again), 14);
    assert_false(again);
    /* the repair has arrived: 10 is the next, then all up to 13 */
    ack(&s, 202 * US, 10, 0, 102 * US, false);
    assert_int_equal(s.state, TCP_RECOVERY);
    ack(&s, 203 * US, 14, 13, 101 * US, false);
    assert_int_equal(s.state, TCP_OPEN);
    assert_int_equal(tcp_sender_window_bytes(&s), 6 * MSS);
    assert_int_equal(s.recoveries, 1);
    assert_int_equal(s.timeouts, 0);
    tcp_sender_clear(&s);
}

static void lost_repair_is_repaired(void **state)
{
    TcpConfig c = config(10);
    TcpSender s;
    bool again;

    tcp_sender_init(&s, &c, TCP_ENDLESS);
    send_all(&s, 0);
    for (uint32_t i = 1; i <= 3; i++) {
        ack(&s, 100 * US, 0, i, 0, false);
    }
    assert_int_equal(take(&s, 100 * US, &again), 0);
    for (uint32_t i = 4; i <= 9; i++) {
        ack(&s, 100 * US, 0, i, 0, false);
    }
    assert_int_equal(take(&s, 110 * US, &again), 10);
    assert_int_equal(take(&s, 126 * US, &again), 11);
    /* a quarter of 100 us after the repair, or less: it may yet come */
    ack(&s, 210 * US, 0, 10, 110 * US, false);
    assert_int_equal(s.lost, 0);
    ack(&s, 226 * US, 0, 11, 126 * US, false);
    assert_int_equal(s.lost, 1);
    assert_int_equal(take(&s, 226 * US, &again), 0);
    assert_true(again);
    assert_int_equal(s.recoveries, 1);
    tcp_sender_clear(&s);
}

static void timeout_doubles(void **state)
{
    TcpConfig c = config(4);
    TcpSender s;
    bool again;

    c.rto_max_ps = 3000 * US;
    tcp_sender_init(&s, &c, TCP_ENDLESS);
    send_all(&s, 0);
    tcp_sender_timeout(&s, 1000 * US);
    assert_int_equal(tcp_sender_timer_ps(&s), 3000 * US);
    assert_int_equal(tcp_sender_window_bytes(&s), MSS);
    assert_int_equal(s.ssthresh_q8 >> 8, 2 * MSS);
    assert_int_equal(s.lost, 4);
    assert_int_equal(s.in_flight, 0);
    assert_int_equal(take(&s, 1000 * US, &again), 0);
    assert_true(again);
    assert_false(tcp_sender_may_send(&s));
    tcp_sender_timeout(&s, 3000 * US);
    assert_int_equal(tcp_sender_timer_ps(&s), 6000 * US); /* 4 ms, at most 3 */
    assert_int_equal(s.ssthresh_q8 >> 8, 2 * MSS);        /* once */
    assert_int_equal(take(&s, 3000 * US, &again), 0);
    ack(&s, 3100 * US, 1, 0, 3000 * US, false);
    assert_int_equal(tcp_sender_window_bytes(&s), 2 * MSS);
    assert_int_equal(tcp_sender_timer_ps(&s), 3400 * US); /* 100 + 4 * 50 */
    assert_int_equal(take(&s, 3100 * US, &again), 1);
    assert_int_equal(take(&s, 3100 * US, &again), 2);
    assert_int_equal(s.state, TCP_LOSS);
    ack(&s, 3200 * US, 2, 1, 3100 * US, false);
    ack(&s, 3200 * US, 3, 2, 3100 * US, false);
    assert_int_equal(take(&s, 3200 * US, &again), 3);
    ack(&s, 3300 * US, 4, 3, 3200 * US, false);
    assert_int_equal(s.state, TCP_OPEN);
    assert_int_equal(s.timeouts, 2);
    assert_int_equal(s.undos, 0);
    tcp_sender_clear(&s);
}

/* Reordering looks like loss until the first transmission arrives. */
static void late_arrival_restores_window(void **state)
{
    TcpConfig c = config(10);
    TcpSender s;
    bool again;

    tcp_sender_init(&s, &c, TCP_ENDLESS);
    send_all(&s, 0);
    for (uint32_t i = 1; i <= 5; i++) {
        ack(&s, 100 * US, 0, i, 0, false);
    }
    assert_int_equal(s.state, TCP_RECOVERY);
    assert_int_equal(take(&s, 100 * US, &again), 0);
    assert_int_equal(tcp_sender_window_bytes(&s), 6 * MSS); /* 12 / 2 */
    /* sent at 0, not at 100: it was only late, by 5 */
    ack(&s, 101 * US, 6, 0, 0, false);
    assert_int_equal(s.state, TCP_OPEN);
    assert_in_range(tcp_sender_window_bytes(&s), 12 * MSS, 13 * MSS);
    assert_int_equal(s.undos, 1);
    assert_int_equal(s.dup_threshold, 6);
    tcp_sender_clear(&s);
}

static void a_repair_that_arrives_proves_the_loss(void **state)
{
    TcpConfig c = config(10);
    TcpSender s;
    bool again;

    tcp_sender_init(&s, &c, TCP_ENDLESS);
    send_all(&s, 0);
    for (uint32_t i = 2; i <= 6; i++) {
        ack(&s, 100 * US, 0, i, 0, false);
    }
    assert_int_equal(take(&s, 100 * US, &again), 0);
    assert_int_equal(s.lost, 1);
    ack(&s, 101 * US, 1, 0, 0, false);        /* 0 was late */
    ack(&s, 102 * US, 7, 1, 100 * US, false); /* 1 was not: wrong instant */
    assert_int_equal(s.undos, 1); /* 1 had not been sent again by then */
    tcp_sender_clear(&s);

    tcp_sender_init(&s, &c, TCP_ENDLESS);
    send_all(&s, 0);
    for (uint32_t i = 2; i <= 6; i++) {
        ack(&s, 100 * US, 0, i, 0, false);
    }
    assert_int_equal(take(&s, 100 * US, &again), 0);
    ack(&s, 101 * US, 0, 7, 0, false);
    ack(&s, 101 * US, 0, 8, 0, false);
    assert_int_equal(take(&s, 101 * US, &again), 1);
    ack(&s, 200 * US, 1, 0, 100 * US, false); /* the repair */
    ack(&s, 201 * US, 9, 1, 0, false);        /* the other was late */
    assert_int_equal(s.undos, 0);
    assert_int_equal(s.state, TCP_RECOVERY);
    ack(&s, 201 * US, 10, 9, 0, false);
    assert_int_equal(s.state, TCP_OPEN);
    assert_int_equal(tcp_sender_window_bytes(&s), 11 * MSS / 2);
    tcp_sender_clear(&s);
}

static void marks_take_alpha_half_once_a_window(void **state)
{
    TcpConfig c = config(16);
    TcpSender s;
    uint64_t at = 0;

    c.dctcp = true;
    c.ssthresh_segments = 16;
    tcp_sender_init(&s, &c, TCP_ENDLESS);
    send_all(&s, 0);
    /* the first mark: alpha is still 1, half of the window goes */
    ack(&s, 100 * US, 1, 0, 0, true);
    assert_int_equal(tcp_sender_window_bytes(&s), 8 * MSS);
    assert_int_equal(s.alpha, 65536 - 4096 + 4096);
    /* the rest of the window, marked too: no more of it */
    for (uint32_t i = 1; i < 16; i++) {
        ack(&s, 100 * US, i + 1, i, 0, true);
    }
    assert_int_equal(s.reductions, 1);
    assert_int_equal(tcp_sender_window_bytes(&s), 8 * MSS);
    assert_int_equal(s.alpha, 65536);
    /* the window ends with the first of the next, which has no mark: 15 of
     * 16; then windows without: alpha falls by a sixteenth each */
    for (uint32_t round = 0, alpha = 65536 - 4096 + 3840; round < 20; round++) {
        uint64_t una = s.una;
        uint32_t n = send_all(&s, at += 200 * US);

        for (uint32_t i = 0; i < n; i++) {
            ack(&s, at + 100 * US, una + i + 1, una + i, at, false);
        }
        alpha -= round ? alpha / 16 : 0;
        assert_int_equal(s.alpha, alpha);
    }
    assert_int_equal(s.reductions, 1);
    tcp_sender_clear(&s);
}

static void marked_acknowledgement_does_not_grow_the_window(void **state)
{
    TcpConfig c = config(4);
    TcpSender s;
    uint64_t before;

    c.dctcp = true;
    tcp_sender_init(&s, &c, TCP_ENDLESS);
    send_all(&s, 0);
    ack(&s, 100 * US, 1, 0, 0, true);
    before = s.cwnd_q8;
    ack(&s, 100 * US, 2, 1, 0, true);
    assert_int_equal(s.cwnd_q8, before);
    ack(&s, 100 * US, 3, 2, 0, false);
    assert_true(s.cwnd_q8 > before);
    tcp_sender_clear(&s);
}

static void nonsense_is_ignored(void **state)
{
    TcpConfig c = config(4);
    TcpSender s, before;

    tcp_sender_init(&s, &c, TCP_ENDLESS);
    send_all(&s, 10 * US);
    before = s;
    assert_false(ack(&s, 20 * US, 5, 3, 10 * US, false));
    assert_false(ack(&s, 20 * US, 0, 4, 10 * US, false));
    assert_false(ack(&s, 20 * US, 1, 0, 21 * US, false));
    assert_memory_equal(&s, &before, sizeof(s));
    tcp_sender_clear(&s);
}

/* RFC 6356: two equal subflows together are as aggressive as one TCP. */
static void coupled_subflows_share_one_increase(void **state)
{
    TcpConfig c = config(10);
    TcpSender s[2];
    TcpGroup g = { .coupled = true };
    uint64_t before;

    c.ssthresh_segments = 10;
    for (uint32_t i = 0; i < 2; i++) {
        tcp_sender_init(&s[i], &c, TCP_ENDLESS);
        tcp_group_add(&g, &s[i]);
        send_all(&s[i], 0);
    }
    assert_int_equal(tcp_group_alpha_q16(&g), 65536); /* no round trip yet */
    s[0].srtt_ps = s[1].srtt_ps = 100 * US;
    /* 2w * (w / r^2) / (2w / r)^2 = 1/2 */
    assert_in_range(tcp_group_alpha_q16(&g), 32700, 32768);
    before = s[0].cwnd_q8;
    g.stale = true;
    ack(&s[0], 100 * US, 1, 0, 0, false);
    /* alpha / total = 1/2 / 20000; times 1000 bytes times MSS: 25 bytes
     * where one alone would get 100 */
    assert_in_range(s[0].cwnd_q8 - before, 25 * 256 - 20, 25 * 256);
    /* the slower path's part counts less: w1/r1 = 100, w2/r2 = 10 bytes/us:
     * 20000 * (10000 / 10^4) / 110^2 = 1.653 */
    s[1].srtt_ps = 1000 * US;
    s[0].cwnd_q8 = before;
    assert_in_range(tcp_group_alpha_q16(&g), 108100, 108330);
    g.coupled = false;
    ack(&s[0], 100 * US, 2, 1, 0, false);
    assert_in_range(s[0].cwnd_q8 - before, 100 * 256 - 1, 100 * 256);
    tcp_sender_clear(&s[0]);
    tcp_sender_clear(&s[1]);
}

static void receiver_knows_what_has_arrived(void **state)
{
    TcpReceiver r = { 0 };

    assert_true(tcp_receiver_add(&r, 1));
    assert_true(tcp_receiver_add(&r, 1000));
    assert_false(tcp_receiver_add(&r, 1));
    assert_int_equal(r.next, 0);
    assert_true(tcp_receiver_add(&r, 0));
    assert_int_equal(r.next, 2);
    assert_false(tcp_receiver_add(&r, 0));
    for (uint64_t i = 2; i < 1000; i++) {
        assert_true(tcp_receiver_add(&r, i));
    }
    assert_int_equal(r.next, 1001);
    assert_false(tcp_receiver_add(&r, 1000));
    tcp_receiver_clear(&r);
}

/* ---- random channels ------------------------------------------------------ */

#define SLOTS 4096u

typedef struct Flying {
    uint64_t at_ps, segment, sent_ps;
    bool ack, marked;
    uint64_t next;
} Flying;

typedef struct Channel {
    Flying slot[SLOTS];
    uint32_t n;
    uint64_t random;
} Channel;

static uint64_t draw(Channel *ch)
{
    uint64_t z = (ch->random += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static void put(Channel *ch, Flying f, uint32_t loss_percent, uint64_t jitter)
{
    if (draw(ch) % 100 < loss_percent) {
        return;
    }
    f.at_ps += 20 * US + (jitter ? draw(ch) % jitter : 0);
    assert_true(ch->n < SLOTS);
    ch->slot[ch->n++] = f;
}

static bool get(Channel *ch, uint64_t until_ps, Flying *ret)
{
    uint32_t best = UINT32_MAX;

    for (uint32_t i = 0; i < ch->n; i++) {
        if (ch->slot[i].at_ps <= until_ps &&
            (best == UINT32_MAX || ch->slot[i].at_ps < ch->slot[best].at_ps)) {
            best = i;
        }
    }
    if (best == UINT32_MAX) {
        return false;
    }
    *ret = ch->slot[best];
    ch->slot[best] = ch->slot[--ch->n];
    return true;
}

/* What the sender counts is what its segments say. */
static void check(const TcpSender *s)
{
    uint64_t lost = 0, known = 0;

    for (uint64_t i = s->una; i < s->next; i++) {
        uint8_t flags = tcp_sender_sent(s, i)->flags;

        known += flags & 1;
        lost += flags >> 1 & 1;
    }
    assert_int_equal(lost, s->lost);
    assert_int_equal(s->next - s->una - known - lost, s->in_flight);
    assert_true(s->cwnd_q8 >= (uint64_t)MSS << 8);
    assert_true(s->una <= s->next && s->high <= s->next);
    assert_true((s->una < s->next) == (s->timer_ps != TCP_NEVER_PS));
}

static void run_channel(uint64_t seed, uint32_t loss, uint64_t jitter)
{
    TcpConfig c = config(10);
    Channel *ch = g_new0(Channel, 1);
    TcpReceiver r = { 0 };
    TcpSender s;
    uint64_t now = 0, total = 2000;

    ch->random = seed;
    c.dctcp = seed & 1;
    tcp_sender_init(&s, &c, total);
    while (!tcp_sender_done(&s)) {
        Flying f;

        assert_true(now < 1000000000 * US);
        while (tcp_sender_may_send(&s) && s.in_flight < 500) {
            uint64_t segment;
            bool again;

            tcp_sender_take(&s, now, &segment, &again);
            put(ch,
                (Flying){ .at_ps = now,
                          .segment = segment,
                          .sent_ps = now,
                          .marked = draw(ch) % 8 == 0 },
                loss, jitter);
        }
        check(&s);
        if (!get(ch, tcp_sender_timer_ps(&s), &f)) {
            now = tcp_sender_timer_ps(&s);
            tcp_sender_timeout(&s, now);
        } else if (f.ack) {
            now = f.at_ps;
            assert_true(ack(&s, now, f.next, f.segment, f.sent_ps, f.marked));
        } else {
            now = f.at_ps;
            tcp_receiver_add(&r, f.segment);
            f.ack = true;
            f.next = r.next;
            put(ch, f, loss, jitter);
        }
        check(&s);
    }
    assert_int_equal(r.next, total);
    tcp_sender_clear(&s);
    tcp_receiver_clear(&r);
    g_free(ch);
}

static void random_channels_deliver_everything(void **state)
{
    const char *given = getenv("FABRIC_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 1;

    for (uint64_t i = seed; i < seed + 40; i++) {
        print_message("seed %" PRIu64 "\n", i);
        run_channel(i, (uint32_t)(i % 4) * 10, i % 3 * 15 * US);
    }
}

static void wrong_configurations_are_refused(void **state)
{
    TcpConfig c = config(10);

    assert_null(tcp_config_problem(&c));
    c.initial_segments = 0;
    assert_non_null(tcp_config_problem(&c));
    c = config(10);
    c.min_segments = 11;
    assert_non_null(tcp_config_problem(&c));
    c = config(10);
    c.dup_threshold_max = 2;
    assert_non_null(tcp_config_problem(&c));
    c = config(10);
    c.rto_max_ps = 1;
    assert_non_null(tcp_config_problem(&c));
    c = config(10);
    c.g_shift = 17;
    assert_non_null(tcp_config_problem(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_start_doubles_then_grows_by_one),
        cmocka_unit_test(a_window_that_is_not_used_does_not_grow),
        cmocka_unit_test(timer_follows_round_trips),
        cmocka_unit_test(third_duplicate_retransmits),
        cmocka_unit_test(lost_repair_is_repaired),
        cmocka_unit_test(timeout_doubles),
        cmocka_unit_test(late_arrival_restores_window),
        cmocka_unit_test(a_repair_that_arrives_proves_the_loss),
        cmocka_unit_test(marks_take_alpha_half_once_a_window),
        cmocka_unit_test(marked_acknowledgement_does_not_grow_the_window),
        cmocka_unit_test(nonsense_is_ignored),
        cmocka_unit_test(coupled_subflows_share_one_increase),
        cmocka_unit_test(receiver_knows_what_has_arrived),
        cmocka_unit_test(random_channels_deliver_everything),
        cmocka_unit_test(wrong_configurations_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
