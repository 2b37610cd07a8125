/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_congestion_test.c: the congestion policy: on and off with hysteresis,
 * choice, avoiding, probing, caps, the total rate, inputs, echoes.
 */
#include "path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#define US 1000000ull
#define MS 1000000000ull
#define FLOW 0x1234567u

static unsigned value(PathSender *s, uint64_t now_ps)
{
    return path_choose(s, now_ps, FLOW, 1500).value;
}

static void tell(PathSender *s, uint64_t now_ps, unsigned v, uint32_t packets,
                 uint32_t marked)
{
    PathFeedback f = { .value = v,
                       .packets = packets,
                       .bytes = 1500ull * packets,
                       .marked = marked,
                       .delay_ps = PATH_NO_DELAY };

    path_feedback(s, now_ps, &f);
}

static unsigned score(PathSender *s, unsigned v)
{
    return path_value_stats(s, v, 0).score;
}

static void constant_without_congestion(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s = path_sender_new(&c, 4, 1);
    unsigned home = path_home(s, FLOW);

    (void)state;
    for (uint64_t now = 0; now < 100 * MS; now += 100 * US) {
        assert_int_equal(value(s, now), home);
        tell(s, now, home, 1, 0);
    }
    assert_false(path_stats(s, 0).enabled);
    assert_int_equal(path_stats(s, 0).value_changes, 0);
    path_sender_free(s);
}

/* 1/16 of the way for each packet. */
static void scores_are_averages(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s = path_sender_new(&c, 4, 1);

    (void)state;
    tell(s, 0, 3, 1, 1);
    assert_int_equal(score(s, 3), 4095);
    tell(s, 0, 3, 1, 1);
    assert_int_equal(score(s, 3), 4095 + (65535 - 4095) / 16);
    tell(s, 0, 3, 4, 2); /* half of 4 marked: a quarter of the way */
    assert_int_equal(score(s, 3), 7935 + (32767 - 7935) / 4);
    tell(s, 0, 3, 16, 0);
    assert_int_equal(score(s, 3), 0);
    path_sender_free(s);
}

static void on_and_off(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s = path_sender_new(&c, 4, 1);
    unsigned home = path_home(s, FLOW), used = 0;
    uint64_t now = 0, hold = c.disable_hold_ps;
    bool seen[16] = { false };

    (void)state;
    value(s, now);
    tell(s, now, home, 1, 1); /* 6 %: below 10 % */
    assert_false(path_stats(s, 0).enabled);
    tell(s, now, home, 1, 1); /* 12 % */
    assert_true(path_stats(s, 0).enabled);
    for (unsigned i = 0; i < 200; i++) {
        unsigned v = value(s, now);

        used += !seen[v];
        seen[v] = true;
    }
    assert_true(used > 12);
    tell(s, now, home, 12, 0); /* 3 %: above the lower threshold of 2 % */
    assert_in_range(score(s, home), 1311, 6553);
    for (now = US; now < hold * 3; now += US) {
        value(s, now);
    }
    assert_true(path_stats(s, 0).enabled);
    value(s, now);
    tell(s, now, home, 16, 0);
    for (unsigned i = 0; i < 100; i++) {
        value(s, now + hold - 1);
    }
    assert_true(path_stats(s, 0).enabled);
    assert_int_equal(value(s, now + hold), home); /* reverts at this instant */
    assert_false(path_stats(s, 0).enabled);
    assert_int_equal(value(s, now + hold + 1), home);
    assert_int_equal(path_stats(s, 0).disables, 1);
    path_sender_free(s);
}

/* Congestion that comes back at once keeps balancing on for longer. */
static void backoff(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s = path_sender_new(&c, 4, 1);
    unsigned home = path_home(s, FLOW);
    uint64_t now = 0, hold = c.disable_hold_ps;

    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        uint64_t want = hold << (round < 3 ? round : 3), at;

        tell(s, now, home, 16, 16);
        assert_true(path_stats(s, 0).enabled);
        tell(s, now, home, 16, 0);
        for (at = now; at < now + want; at += 100 * US) {
            value(s, at);
            assert_true(path_stats(s, 0).enabled);
        }
        value(s, now + want);
        assert_false(path_stats(s, 0).enabled);
        now += want;
    }
    path_sender_free(s);
}

static void idle_senders_forget(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s = path_sender_new(&c, 4, 1);
    unsigned home = path_home(s, FLOW);

    (void)state;
    value(s, 0);
    tell(s, 0, home, 16, 16);
    value(s, c.disable_hold_ps);
    assert_true(path_stats(s, 2 * c.disable_hold_ps).enabled);
    assert_false(path_stats(s, 2 * c.disable_hold_ps + 1).enabled);
    assert_int_equal(value(s, 2 * c.disable_hold_ps + 1), home);
    assert_false(path_stats(s, 0).enabled);
    assert_int_equal(score(s, home), 0);
    path_sender_free(s);
}

/* Two random values, the better one: the worst is only met with itself. */
static void two_choice(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s;
    unsigned count[16] = { 0 };

    (void)state;
    c.probe_ps = 1000 * MS;
    c.avoid_score = PATH_SCORE_MAX; /* off */
    s = path_sender_new(&c, 4, 1);
    for (unsigned v = 0; v < 16; v++) {
        tell(s, 0, v, 16, v); /* the higher, the worse */
    }
    for (unsigned i = 0; i < 25600; i++) {
        count[value(s, 1)]++;
    }
    for (unsigned v = 0; v < 16; v++) {
        /* 2 (15 - v) + 1 of 256 pairs */
        unsigned mean = 100 * (2 * (15 - v) + 1);

        assert_in_range(count[v], mean - mean / 6 - 30, mean + mean / 6 + 30);
    }
    path_sender_free(s);
}

static void epsilon_greedy(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s;
    unsigned best = 0, n = 20000;

    (void)state;
    c.pick = PATH_PICK_EPSILON;
    c.epsilon = 65535 / 5;
    c.probe_ps = 1000 * MS;
    s = path_sender_new(&c, 4, 1);
    for (unsigned v = 0; v < 16; v++) {
        tell(s, 0, v, 16, v == 9 ? 0 : 4);
    }
    for (unsigned i = 0; i < n; i++) {
        best += value(s, 1) == 9;
    }
    /* 80 % and its share of the random ones */
    assert_in_range(best, n * 79 / 100, n * 84 / 100);
    path_sender_free(s);
}

static void avoid_list(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s;

    (void)state;
    c.avoid_ps = 100 * US;
    s = path_sender_new(&c, 4, 1);
    value(s, 10 * US);
    tell(s, 10 * US, 3, 16, 16);
    assert_true(path_value_stats(s, 3, 10 * US).avoided);
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_not_equal(value(s, 110 * US - 1), 3);
    }
    assert_true(path_value_stats(s, 3, 110 * US - 1).avoided);
    assert_false(path_value_stats(s, 3, 110 * US).avoided);
    assert_int_equal(path_stats(s, 0).avoids, 1);
    path_sender_free(s);
}

/* A value that the choice would never take gets a packet now and then. */
static void idle_values_are_probed(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s;
    uint64_t last = 0;
    unsigned probes = 0;

    (void)state;
    c.pick = PATH_PICK_EPSILON;
    c.epsilon = 0; /* the best one only */
    c.avoid_ps = 1;
    c.probe_ps = 160 * US;
    s = path_sender_new(&c, 4, 1);
    for (unsigned v = 0; v < 16; v++) {
        tell(s, 0, v, 16, v == 3 ? 16 : 2);
    }
    for (uint64_t now = 0; now < 16 * MS; now += US) {
        if (value(s, now) == 3) {
            assert_true(now - last >= c.probe_ps || !last);
            assert_true(now - last <= 2 * c.probe_ps + 20 * US);
            last = now;
            probes++;
        }
    }
    assert_in_range(probes, 16000 / 360, 100);
    assert_true(path_stats(s, 0).probes >= probes);
    path_sender_free(s);
}

static void small_flows_stay(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s;
    unsigned home, moved = 0;

    (void)state;
    c.min_flow_bytes = 15000;
    s = path_sender_new(&c, 4, 1);
    home = path_home(s, FLOW);
    tell(s, 0, home, 16, 16);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(value(s, i), home);
    }
    for (unsigned i = 10; i < 20; i++) {
        moved += value(s, i) != home;
    }
    assert_true(moved > 5);
    path_sender_free(s);
}

static void only_a_share(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s;
    unsigned home, moved = 0;

    (void)state;
    c.share = 65535 / 4;
    s = path_sender_new(&c, 4, 1);
    home = path_home(s, FLOW);
    tell(s, 0, home, 16, 16);
    for (unsigned i = 0; i < 10000; i++) {
        moved += value(s, 1) != home;
    }
    assert_in_range(moved, 2300, 2700);
    path_sender_free(s);
}

/* ---- inputs ------------------------------------------------------------------- */

static void each_input_alone(void **state)
{
    static const unsigned inputs[] = { PATH_INPUT_ECN, PATH_INPUT_DELAY,
                                       PATH_INPUT_LOSS, PATH_INPUT_NOTIFY };

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        PathConfig c = path_config_default(PATH_CONGESTION);
        PathFeedback f[] = {
            { .value = 1, .packets = 16, .marked = 8, .delay_ps = 5 * US },
            { .value = 2, .packets = 16, .delay_ps = 30 * US },
            { .value = 3, .packets = 12, .lost = 4, .delay_ps = 5 * US },
            { .value = 4, .packets = 16, .delay_ps = 5 * US },
        };
        static const unsigned want[] = { 32767, 32767, 16383, 65535 };
        PathSender *s;

        c.inputs = inputs[i];
        c.delay_full_ps = 50 * US;
        s = path_sender_new(&c, 4, 1);
        for (unsigned k = 0; k < 4; k++) {
            path_feedback(s, 0, &f[k]);
        }
        path_notify(s, 0, 4);
        for (unsigned k = 0; k < 4; k++) {
            assert_int_equal(score(s, k + 1), k == i ? want[k] : 0);
        }
        assert_true(path_stats(s, 0).enabled);
        path_sender_free(s);
    }
}

static void delay_is_above_the_lowest(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathFeedback f = { .value = 1, .packets = 16, .delay_ps = 60 * US };
    PathSender *s;

    (void)state;
    c.inputs = PATH_INPUT_DELAY;
    c.delay_full_ps = 50 * US;
    s = path_sender_new(&c, 4, 1);
    path_feedback(s, 0, &f);
    assert_int_equal(score(s, 1), 0);
    f.delay_ps = 20 * US; /* so this is what the way takes */
    path_feedback(s, 0, &f);
    f.delay_ps = 60 * US;
    path_feedback(s, 0, &f);
    assert_int_equal(score(s, 1), 65535ull * 40 / 50);
    f.delay_ps = 71 * US;
    path_feedback(s, 0, &f);
    assert_int_equal(score(s, 1), 65535);
    path_sender_free(s);
}

/* ---- transmit control ----------------------------------------------------------- */

static void cap_per_value(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s;
    unsigned home;

    (void)state;
    c.cap_bytes = 4500;
    c.cap_timeout_ps = 1 * MS;
    s = path_sender_new(&c, 4, 1);
    home = path_home(s, FLOW);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(path_admit_ps(s, i, FLOW, 1500), i);
        value(s, i);
    }
    /* not balanced: this value or none; its first packet went at 0 */
    assert_int_equal(path_admit_ps(s, 5, FLOW, 1500), 1 * MS);
    tell(s, 10, home, 1, 0);
    assert_int_equal(path_admit_ps(s, 10, FLOW, 1500), 10);
    value(s, 10);
    assert_int_equal(path_admit_ps(s, 11, FLOW, 1500), 1 * MS + 10);
    value(s, 1 * MS + 10); /* given up: 4500 bytes are lost */
    assert_int_equal(path_stats(s, 0).cap_timeouts, 1);
    assert_int_equal(path_value_stats(s, home, 0).outstanding, 1500);
    assert_int_equal(path_value_stats(s, home, 0).lost_bytes, 4500);

    /* balanced: any value that has room */
    tell(s, 1 * MS + 10, home, 16, 16);
    for (unsigned i = 0; i < 48; i++) {
        unsigned v;

        assert_int_equal(path_admit_ps(s, 1 * MS + 20, FLOW, 1500),
                         1 * MS + 20);
        v = value(s, 1 * MS + 20);
        assert_in_range(path_value_stats(s, v, 0).outstanding, 1500, 4500);
    }
    assert_true(path_admit_ps(s, 1 * MS + 20, FLOW, 1500) > 1 * MS + 20);
    path_sender_free(s);
}

/* One value has to do for all while balancing is off: no cap then. */
static void cap_while_balanced(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s;
    unsigned home;

    (void)state;
    c.cap_bytes = 4500;
    c.cap_balanced = true;
    c.pick = PATH_PICK_EPSILON;
    c.epsilon = 0;
    s = path_sender_new(&c, 4, 1);
    home = path_home(s, FLOW);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(path_admit_ps(s, i, FLOW, 1500), i);
        assert_int_equal(value(s, i), home);
    }
    tell(s, 100, home, 16, 16);
    for (unsigned i = 0; i < 3 * (c.values - 1); i++) {
        assert_int_not_equal(value(s, 101), home);
    }
    assert_true(path_admit_ps(s, 102, FLOW, 1500) > 102);
    path_sender_free(s);
}

/* Of two values, how often the one without congestion, in thousandths. */
static unsigned better_share(uint16_t dither, unsigned marked)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s;
    unsigned better = 0, bad;

    c.values = 2;
    c.dither = dither;
    c.avoid_score = PATH_SCORE_MAX;
    c.disable_score = 0;
    c.enable_score = 1;
    s = path_sender_new(&c, 4, 1);
    bad = path_home(s, FLOW);
    tell(s, 0, bad, 16, marked);
    for (unsigned i = 0; i < 20000; i++) {
        better += value(s, 1) != bad;
    }
    path_sender_free(s);
    return better / 20;
}

/* Half of the draws are of one value twice. Of the others the better value
 * gets all; with dither 1/2 + difference / (2 dither). */
static void dither_is_in_proportion(void **state)
{
    (void)state;
    assert_in_range(better_share(0, 4), 735, 765);
    assert_in_range(better_share(32768, 4), 610, 640);  /* 3/4 */
    assert_in_range(better_share(65535, 4), 547, 578);  /* 5/8 */
    assert_in_range(better_share(16384, 16), 735, 765); /* certain */
    assert_in_range(better_share(1, 4), 735, 765);
}

/* All values mark: the rate falls to its bound, values stay; afterwards it
 * rises again step by step and goes away. */
static void all_congested(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s;
    uint64_t now = 0, rate;
    unsigned home, away = 0;

    (void)state;
    c.reduce_score = 32768;
    c.line_bps = 1000000000;
    c.min_bps = 100000000;
    c.raise_bps = 100000000;
    c.reduce_ps = 100 * US;
    s = path_sender_new(&c, 4, 1);
    home = path_home(s, FLOW);
    for (unsigned v = 0; v < 15; v++) {
        tell(s, now, v, 16, 16);
    }
    assert_false(path_stats(s, 0).reduced); /* one is still good */
    assert_int_equal(path_admit_ps(s, now, FLOW, 1500), now);
    tell(s, now, 15, 16, 16);
    assert_true(path_stats(s, 0).reduced);
    rate = path_stats(s, 0).rate_bps;
    assert_in_range(rate, 499000000, 501000000); /* half of it goes */
    value(s, now);
    assert_int_equal(path_admit_ps(s, now, FLOW, 1500),
                     1500 * 8000000000000ull / rate);
    for (now = US; now < 2 * MS; now += 20 * US) {
        if (path_admit_ps(s, now, FLOW, 1500) == now) {
            away += value(s, now) != home;
        }
        tell(s, now, home, 1, 1);
    }
    assert_int_equal(path_stats(s, 0).rate_bps, c.min_bps);
    assert_int_equal(away, path_stats(s, 0).probes);
    assert_true(path_stats(s, 0).reductions > 5);
    for (unsigned v = 0; v < 16; v++) {
        tell(s, now, v, 16, 0);
    }
    for (unsigned i = 0; i < 20; i++) {
        now += 125 * US; /* the longest step */
        tell(s, now, home, 1, 0);
    }
    assert_false(path_stats(s, 0).reduced);
    assert_int_equal(path_admit_ps(s, now, FLOW, 1500), now);
    path_sender_free(s);
}

/* Steps of many senders that see the same at the same time drift apart. */
static void steps_drift_apart(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    unsigned again = 0;

    (void)state;
    c.values = 1;
    c.reduce_score = 32768;
    c.line_bps = 1000000000;
    c.reduce_ps = 100 * US;
    for (unsigned i = 0; i < 400; i++) {
        PathSender *s = path_sender_new(&c, 4, i);

        tell(s, 0, 0, 16, 16);
        tell(s, 112 * US + US / 2, 0, 16, 16);
        again += path_stats(s, 0).reductions == 2;
        path_sender_free(s);
    }
    assert_in_range(again, 150, 250);
}

/* ---- echoes --------------------------------------------------------------------- */

static void echoes(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathReceiver *r;
    PathEcho e;

    (void)state;
    c.echo_packets = 3;
    c.echo_ps = 20 * US;
    r = path_receiver_new(&c, 1);
    assert_false(path_echo_take(r, 0, &e));
    assert_int_equal(path_echo_due_ps(r), PATH_NEVER);
    path_received(r, 1 * US, 5, 1500, 1500, false, 900);
    path_received(r, 2 * US, 7, 1000, 1000, true, 800);
    path_received(r, 3 * US, 5, 3000, 1500, true, 700);
    assert_int_equal(path_echo_due_ps(r), 21 * US);
    path_received(r, 4 * US, 5, 6000, 1500, false, 950); /* 1500 are missing */
    assert_int_equal(path_echo_due_ps(r), 4 * US);       /* three packets */
    assert_true(path_echo_take(r, 4 * US, &e));
    assert_int_equal(e.value, 5);
    assert_int_equal(e.packets, 3);
    assert_int_equal(e.marked, 1);
    assert_int_equal(e.byte_end, 6000);
    assert_int_equal(e.lost_bytes, 1500);
    assert_int_equal(e.delay_ps, 700);
    assert_int_equal(path_echo_due_ps(r), 22 * US);
    path_received(r, 5 * US, 5, 4500, 1500, false, 2000); /* it was late */
    assert_true(path_echo_take(r, 5 * US, &e));
    assert_int_equal(e.value, 7);
    assert_int_equal(path_echo_due_ps(r), 25 * US);
    assert_true(path_echo_take(r, 5 * US, &e));
    assert_int_equal(e.packets, 4); /* cumulative */
    assert_int_equal(e.lost_bytes, 0);
    assert_int_equal(e.delay_ps, 2000); /* since the last echo */
    assert_false(path_echo_take(r, 6 * US, &e));
    path_receiver_free(r);
}

static void echoes_at_the_sender(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s = path_sender_new(&c, 4, 1);
    unsigned home = path_home(s, FLOW);
    PathEcho e = { .value = home,
                   .packets = 4,
                   .marked = 1,
                   .byte_end = 6000,
                   .delay_ps = 5 * US };

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        value(s, i);
    }
    assert_true(path_echo_apply(s, 1, &e));
    assert_int_equal(path_value_stats(s, home, 0).outstanding, 9000);
    assert_int_equal(path_value_stats(s, home, 0).acked, 4);
    assert_int_equal(score(s, home), 16383 / 4);
    assert_true(path_echo_apply(s, 1, &e)); /* nothing new in it */
    assert_int_equal(path_value_stats(s, home, 0).acked, 4);
    e.packets = 6;
    e.byte_end = 12000;
    e.lost_bytes = 3000;
    assert_true(path_echo_apply(s, 2, &e));
    assert_int_equal(path_value_stats(s, home, 0).lost_bytes, 3000);
    assert_int_equal(path_value_stats(s, home, 0).outstanding, 3000);
    path_sender_free(s);
}

/* What cannot be true changes nothing. */
static void impossible_echoes(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s = path_sender_new(&c, 4, 1);
    unsigned home = path_home(s, FLOW);
    PathEcho good = { .value = home,
                      .packets = 4,
                      .marked = 1,
                      .byte_end = 6000,
                      .delay_ps = PATH_NO_DELAY };
    PathEcho bad[6];

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        value(s, i);
    }
    assert_true(path_echo_apply(s, 1, &good));
    for (unsigned i = 0; i < 6; i++) {
        bad[i] = good;
    }
    bad[0].value = 16;
    bad[1].byte_end = 15001; /* never sent */
    bad[2].marked = 9;       /* more than arrived */
    bad[3].packets = 3;      /* older */
    bad[4].packets = 15;     /* more than were sent */
    bad[5].byte_end = 4500;  /* older */
    for (unsigned i = 0; i < 6; i++) {
        PathValueStats was = path_value_stats(s, home, 0), is;

        assert_false(path_echo_apply(s, 2, &bad[i]));
        is = path_value_stats(s, home, 0);
        assert_int_equal(was.outstanding, is.outstanding);
        assert_int_equal(was.acked, is.acked);
        assert_int_equal(was.marked, is.marked);
        assert_int_equal(was.lost_bytes, is.lost_bytes);
        assert_int_equal(was.score, is.score);
    }
    assert_int_equal(path_stats(s, 0).bad_echoes, 6);
    path_sender_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_without_congestion),
        cmocka_unit_test(scores_are_averages),
        cmocka_unit_test(on_and_off),
        cmocka_unit_test(backoff),
        cmocka_unit_test(idle_senders_forget),
        cmocka_unit_test(two_choice),
        cmocka_unit_test(epsilon_greedy),
        cmocka_unit_test(avoid_list),
        cmocka_unit_test(idle_values_are_probed),
        cmocka_unit_test(small_flows_stay),
        cmocka_unit_test(only_a_share),
        cmocka_unit_test(each_input_alone),
        cmocka_unit_test(delay_is_above_the_lowest),
        cmocka_unit_test(cap_per_value),
        cmocka_unit_test(cap_while_balanced),
        cmocka_unit_test(dither_is_in_proportion),
        cmocka_unit_test(all_congested),
        cmocka_unit_test(steps_drift_apart),
        cmocka_unit_test(echoes),
        cmocka_unit_test(echoes_at_the_sender),
        cmocka_unit_test(impossible_echoes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
