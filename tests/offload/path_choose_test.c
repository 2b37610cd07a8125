/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_choose_test.c: each policy's rules at exact instants; configurations
 * that are refused.
 */
#include "path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define US 1000000ull
#define MS 1000000000ull
#define FLOW 0x1234567u

static unsigned value(PathSender *s, uint64_t now_ps, uint32_t flow)
{
    return path_choose(s, now_ps, flow, 1500).value;
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

static void ecmp_never_moves(void **state)
{
    PathConfig c = path_config_default(PATH_ECMP);
    PathSender *s = path_sender_new(&c, 4, 1);
    unsigned home = path_home(s, FLOW);
    bool other = false;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        PathChoice ch = path_choose(s, i, FLOW, 1500);

        assert_int_equal(ch.value, home);
        assert_int_equal(ch.port, path_port(s, home));
        assert_int_equal(ch.sequence, i);
        assert_int_equal(ch.byte_end, 1500 * (i + 1));
        tell(s, i, home, 1, 1);
        other |= path_home(s, i * 2654435761u) != home;
    }
    assert_true(other);
    path_sender_free(s);
}

static void single_path_is_ecmp(void **state)
{
    PathConfig c = path_config_default(PATH_SPRAY);
    PathSender *s = path_sender_new(&c, 1, 1);

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(value(s, i, FLOW), path_home(s, FLOW));
    }
    assert_int_equal(path_stats(s, 0).value_changes, 0);
    path_sender_free(s);
}

static void ports(void **state)
{
    PathConfig c = path_config_default(PATH_SPRAY);
    PathSender *s, *t;
    unsigned same = 0;

    (void)state;
    c.values = PATH_MAX_VALUES;
    s = path_sender_new(&c, 4, 1);
    t = path_sender_new(&c, 4, 2);
    for (unsigned i = 0; i < c.values; i++) {
        assert_true(path_port(s, i) >= PATH_FIRST_PORT);
        assert_int_equal(path_value_of_port(s, path_port(s, i)), i);
        same += path_port(s, i) == path_port(t, i);
    }
    assert_true(same < 5);
    assert_int_equal(path_value_of_port(s, 6088), -1);
    assert_int_equal(path_port(s, PATH_MAX_VALUES), 0);
    path_sender_free(s);
    path_sender_free(t);
}

static void spray_uses_all(void **state)
{
    PathConfig c = path_config_default(PATH_SPRAY);
    unsigned count[16] = { 0 };
    PathSender *s = path_sender_new(&c, 4, 3);

    (void)state;
    for (unsigned i = 0; i < 16000; i++) {
        count[value(s, i, FLOW)]++;
    }
    for (unsigned i = 0; i < 16; i++) {
        assert_in_range(count[i], 850, 1150);
    }
    path_sender_free(s);

    c.round_robin = true;
    s = path_sender_new(&c, 4, 3);
    for (unsigned i = 0, last = value(s, 0, FLOW); i < 100; i++) {
        unsigned v = value(s, 0, FLOW);

        assert_int_equal(v, (last + 1) % 16);
        last = v;
    }
    path_sender_free(s);
}

/* A value serves so many packets, or so long. */
static void spray_change_limits(void **state)
{
    PathConfig c = path_config_default(PATH_SPRAY);
    PathSender *s;
    unsigned v;

    (void)state;
    c.round_robin = true;
    c.change_packets = 5;
    s = path_sender_new(&c, 4, 3);
    for (v = value(s, 0, FLOW); value(s, 0, FLOW) == v;) {
    }
    for (unsigned turn = 0; turn < 10; turn++) {
        v = path_stats(s, 0).value_changes;
        for (unsigned i = 0; i < 5; i++) {
            assert_int_equal(path_stats(s, 0).value_changes, v);
            value(s, 0, FLOW);
        }
        /* the first of the next five moved it */
    }
    path_sender_free(s);

    c.change_packets = 0;
    c.change_ps = 10 * US;
    s = path_sender_new(&c, 4, 3);
    value(s, 20 * US, FLOW); /* a turn begins here */
    v = value(s, 20 * US, FLOW);
    assert_int_equal(value(s, 30 * US - 1, FLOW), v);
    assert_int_equal(value(s, 30 * US, FLOW), (v + 1) % 16);
    path_sender_free(s);
}

static void many_senders_have_other_phases(void **state)
{
    PathConfig c = path_config_default(PATH_SPRAY);
    unsigned at[16] = { 0 };

    (void)state;
    c.round_robin = true;
    c.change_packets = 0;
    c.change_ps = 10 * US;
    for (unsigned i = 0; i < 1600; i++) {
        PathSender *s = path_sender_new(&c, 4, i);

        at[value(s, 5 * US, FLOW)]++;
        path_sender_free(s);
    }
    for (unsigned i = 0; i < 16; i++) {
        assert_in_range(at[i], 60, 140);
    }
}

static void flowlet_gap(void **state)
{
    PathConfig c = path_config_default(PATH_FLOWLET);
    PathSender *s = path_sender_new(&c, 4, 1);
    uint64_t gap = c.flowlet_gap_ps, now = 0;
    unsigned v = value(s, 0, FLOW), moved = 0;

    (void)state;
    assert_int_equal(v, path_home(s, FLOW));
    for (unsigned i = 0; i < 50; i++) {
        now += gap;
        assert_int_equal(value(s, now, FLOW), v); /* just short of a gap */
    }
    for (unsigned i = 0; i < 50; i++) {
        unsigned w;

        now += gap + 1;
        w = value(s, now, FLOW);
        moved += w != v;
        v = w;
    }
    assert_in_range(moved, 38, 50);
    path_sender_free(s);
}

static void plb_leaves_after_rounds(void **state)
{
    PathConfig c = path_config_default(PATH_PLB);
    PathSender *s;
    unsigned home;
    uint64_t now = 0;

    (void)state;
    c.plb_rounds = 3;
    c.plb_round_ps = 10 * US;
    s = path_sender_new(&c, 4, 1);
    home = value(s, 0, FLOW);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 10; i++, now += US) {
            assert_int_equal(value(s, now, FLOW), home);
            tell(s, now, home, 2, 1); /* half of them: congested */
        }
    }
    assert_int_equal(value(s, now - 1, FLOW), home);
    tell(s, now, home, 2, 1); /* the third round ends */
    assert_int_not_equal(value(s, now, FLOW), home);
    path_sender_free(s);

    s = path_sender_new(&c, 4, 1);
    for (now = 0; now < 1000 * US; now += US) {
        assert_int_equal(value(s, now, FLOW), home);
        tell(s, now, home, 9, now / (10 * US) % 3 ? 5 : 1); /* two of three */
    }
    path_sender_free(s);
}

static void reps_recycles(void **state)
{
    PathConfig c = path_config_default(PATH_REPS);
    PathFeedback lost = { .value = 1, .lost = 1, .delay_ps = PATH_NO_DELAY };
    PathSender *s = path_sender_new(&c, 4, 1);
    bool other = false;

    (void)state;
    tell(s, 0, 3, 1, 0);
    tell(s, 0, 5, 1, 0);
    tell(s, 0, 7, 1, 1); /* marked: not used again */
    assert_int_equal(value(s, 0, FLOW), 3);
    assert_int_equal(value(s, 0, FLOW), 5);
    for (unsigned i = 0; i < 100; i++) {
        unsigned v = value(s, 0, FLOW);

        other |= v != 3 && v != 5;
    }
    assert_true(other);
    path_feedback(s, US, &lost); /* frozen: only known ones */
    for (unsigned i = 0; i < 100; i++) {
        unsigned v = value(s, US + c.reps_freeze_ps - 1, FLOW);

        assert_true(v == 3 || v == 5);
    }
    other = false;
    for (unsigned i = 0; i < 100; i++) {
        unsigned v = value(s, US + c.reps_freeze_ps, FLOW);

        other |= v != 3 && v != 5;
    }
    assert_true(other);
    path_sender_free(s);
}

/* Every kind of nonsense is named; defaults are fine. */
static void bad_configurations(void **state)
{
    static const struct {
        PathPolicy policy;
        size_t at, bytes;
        uint64_t value;
        const char *begins;
    } bad[] = {
#define BAD(policy, field, value, begins)                                    \
    { policy, offsetof(PathConfig, field), sizeof(((PathConfig *)0)->field), \
      value, begins }
        BAD(PATH_SPRAY, policy, 6, "policy"),
        BAD(PATH_SPRAY, values, 0, "values"),
        BAD(PATH_SPRAY, values, 257, "values"),
        BAD(PATH_SPRAY, change_packets, 0, "change_packets"),
        BAD(PATH_FLOWLET, flowlet_gap_ps, 0, "flowlet_gap_ps"),
        BAD(PATH_CONGESTION, inputs, 0, "inputs"),
        BAD(PATH_CONGESTION, inputs, 16, "inputs"),
        BAD(PATH_PLB, inputs, 0, "inputs"),
        BAD(PATH_CONGESTION, ewma_shift, 16, "ewma_shift"),
        BAD(PATH_CONGESTION, disable_score, 65535, "enable_score"),
        BAD(PATH_CONGESTION, disable_hold_ps, 0, "disable_hold_ps"),
        BAD(PATH_CONGESTION, disable_backoff, 17, "disable_backoff"),
        BAD(PATH_CONGESTION, pick, 2, "pick"),
        BAD(PATH_CONGESTION, hold, 2, "hold"),
        BAD(PATH_CONGESTION, probe_ps, 0, "probe_ps"),
        BAD(PATH_CONGESTION, probe_ps, 3, "probe_ps"),
        BAD(PATH_CONGESTION, avoid_ps, 0, "avoid_ps"),
        BAD(PATH_CONGESTION, reduce_score, 1000, "line_bps"),
        BAD(PATH_PLB, flows, 3, "flows"),
        BAD(PATH_PLB, flows, 2048, "flows"),
        BAD(PATH_PLB, plb_rounds, 0, "plb_rounds"),
        BAD(PATH_REPS, reps_entries, 17, "reps_entries"),
        BAD(PATH_SPRAY, order_packets, 4097, "order_packets"),
        BAD(PATH_SPRAY, order_bytes, 0, "order_bytes"),
    };
    PathPolicy p;

    (void)state;
    for (unsigned i = 0; i < PATH_POLICIES; i++) {
        PathConfig c = path_config_default((PathPolicy)i);

        assert_null(path_config_problem(&c));
        assert_true(path_policy_parse(path_policy_name((PathPolicy)i), &p));
        assert_int_equal(p, i);
    }
    assert_false(path_policy_parse("best", &p));
    assert_null(path_policy_name(PATH_POLICIES));
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        PathConfig c = path_config_default(bad[i].policy);
        const char *why;

        memcpy((char *)&c + bad[i].at, &bad[i].value, bad[i].bytes);
        why = path_config_problem(&c);
        assert_non_null(why);
        assert_memory_equal(why, bad[i].begins, strlen(bad[i].begins));
    }
}

static void feedback_of_no_value(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathSender *s = path_sender_new(&c, 4, 1);

    (void)state;
    tell(s, 0, 16, 10, 10);
    tell(s, 0, UINT32_MAX, 10, 10);
    tell(s, 0, 1, 0, 10);
    tell(s, 0, 1, 10, 4000000000u); /* clamped */
    path_notify(s, 0, 16);
    assert_int_equal(path_value_stats(s, 1, 0).marked, 10);
    assert_int_equal(path_value_stats(s, 16, 0).packets, 0);
    path_sender_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ecmp_never_moves),
        cmocka_unit_test(single_path_is_ecmp),
        cmocka_unit_test(ports),
        cmocka_unit_test(spray_uses_all),
        cmocka_unit_test(spray_change_limits),
        cmocka_unit_test(many_senders_have_other_phases),
        cmocka_unit_test(flowlet_gap),
        cmocka_unit_test(plb_leaves_after_rounds),
        cmocka_unit_test(reps_recycles),
        cmocka_unit_test(bad_configurations),
        cmocka_unit_test(feedback_of_no_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
