/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_test.c: the arithmetic of lockstep: each bound of a grant alone,
 * chains of hosts, who is ready, the horizon. All instants are exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lockstep_int.h"

#define NEVER LOCKSTEP_NEVER
#define HOSTS 3u

static LockstepShared s;

/* Hosts that run and have nothing to say; no paths between them. */
static int setup(void **state)
{
    (void)state;
    memset(&s, 0, sizeof(s));
    s.hosts = HOSTS;
    s.groups = 1;
    s.fabric_next_ps = NEVER;
    s.until_ps = NEVER;
    memset(s.reach_ps, 0xff, sizeof(s.reach_ps));
    for (unsigned i = 0; i <= HOSTS; i++) {
        LockstepSlot *h = &s.slot[i];

        h->state = i == HOSTS ? LOCKSTEP_AWAY : LOCKSTEP_RUNS;
        h->act_ps = h->out_ps = h->sent_ps = NEVER;
        h->inbox_ps = h->need_ps = h->engine_ps = NEVER;
    }
    return 0;
}

static void check_grant(unsigned host, uint64_t grant_ps, unsigned by)
{
    unsigned who = 99;

    assert_int_equal(lockstep_grant(&s, host, &who), grant_ps);
    assert_int_equal(who, by);
    assert_int_equal(lockstep_grant(&s, host, NULL), grant_ps);
}

/* ---- bounds of a grant --------------------------------------------------- */

static void test_silence_bounds_nothing(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 3000;
    check_grant(1, NEVER, HOSTS);
}

static void test_earliest_output(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 3000;
    s.slot[0].out_ps = 10000;
    check_grant(1, 13000, 0);
    check_grant(0, NEVER, HOSTS); /* no path back */
    check_grant(2, NEVER, HOSTS);
}

static void test_action_alone_bounds_nothing(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 3000;
    s.slot[0].act_ps = 10; /* a guest computes; its card sends nothing */
    s.slot[0].out_ps = 10000;
    check_grant(1, 13000, 0);
}

static void test_sent_and_not_taken_in(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 3000;
    s.slot[0].out_ps = 10000;
    s.slot[0].sent_ps = 4000;
    check_grant(1, 7000, 0);
}

static void test_inbox_and_answer(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 3000;
    s.slot[0].out_ps = 10000;
    s.slot[0].inbox_ps = 2000;
    s.slot[0].egress_ps = 500;
    check_grant(1, 5500, 0);
    assert_int_equal(lockstep_own_out(&s, 0), 2500);
}

static void test_what_the_fabric_holds(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 3000;
    s.slot[0].egress_ps = 500;
    s.slot[0].engine_ps = 6000; /* delivered to 0, whose answer reaches 1 */
    check_grant(1, 9500, 0);
    s.slot[1].engine_ps = 9500; /* a tie: the fabric itself counts first */
    check_grant(1, 9500, HOSTS);
    s.slot[1].engine_ps = 9499;
    check_grant(1, 9499, HOSTS);
}

static void test_answer_to_oneself(void **state)
{
    (void)state;
    s.reach_ps[0][0] = 6000; /* there and back */
    s.slot[0].out_ps = 1000;
    check_grant(0, 7000, 0);
    s.slot[0].engine_ps = 5000;
    check_grant(0, 5000, HOSTS); /* not 5000 + 6000 */
}

static void test_smallest_wins(void **state)
{
    (void)state;
    s.reach_ps[0][2] = 3000;
    s.reach_ps[1][2] = 1000;
    s.slot[0].out_ps = 5000;
    s.slot[1].out_ps = 7001;
    check_grant(2, 8000, 0);
    s.slot[1].out_ps = 6999;
    check_grant(2, 7999, 1);
    s.slot[1].out_ps = 7000;
    check_grant(2, 8000, 0); /* a tie: the lower number is named */
}

static void test_relaxed(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 3000;
    s.slot[0].act_ps = s.slot[0].out_ps = 10000;
    s.slot[1].act_ps = 30000;
    s.slot[2].act_ps = 40000;
    check_grant(1, 13000, 0);
    s.quantum_ps = 50000; /* ahead of the last, whatever it may send */
    check_grant(1, 60000, 0);
    assert_int_equal(lockstep_leave(&s, 1, NULL), 60000); /* all of it */
    s.slot[0].state = LOCKSTEP_AWAY; /* it bounds nobody; what it sent does */
    check_grant(1, NEVER, HOSTS);
    s.slot[0].sent_ps = 12000;
    check_grant(1, 62000, 0);
    s.slot[0].sent_ps = NEVER;
    s.slot[1].engine_ps = 14000; /* in the fabric, for it */
    check_grant(1, 64000, 1);
    s.slot[1].engine_ps = NEVER;
    s.slot[0].state = LOCKSTEP_RUNS;
    s.quantum_ps = 3000; /* exact windows are as wide */
    check_grant(1, 13000, 0);
    s.reach_ps[0][1] = NEVER; /* and what nothing bounds stays so */
    check_grant(1, NEVER, HOSTS);
}

static void test_sums_do_not_wrap(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 3000;
    s.slot[0].out_ps = NEVER - 3000;
    check_grant(1, NEVER, HOSTS);
    s.slot[0].out_ps = NEVER - 3001;
    check_grant(1, NEVER - 1, 0);
    s.slot[0].inbox_ps = NEVER - 1;
    s.slot[0].egress_ps = 500;
    s.slot[0].out_ps = NEVER;
    check_grant(1, NEVER, HOSTS);
}

/* ---- states -------------------------------------------------------------- */

static void test_away(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 3000;
    s.window_ps = 5000;
    s.slot[0] = (LockstepSlot){ .state = LOCKSTEP_AWAY,
                                .act_ps = 100,
                                .out_ps = 100,
                                .sent_ps = NEVER,
                                .inbox_ps = 50,
                                .engine_ps = 20 };
    check_grant(1, NEVER, HOSTS);
    s.slot[0].sent_ps = 4000; /* but what it has sent is on its way */
    check_grant(1, 7000, 0);
}

static void test_held_and_waiting_count_like_running(void **state)
{
    static const LockstepState states[] = { LOCKSTEP_RUNS, LOCKSTEP_WAITS,
                                            LOCKSTEP_HELD };

    (void)state;
    s.reach_ps[0][1] = 3000;
    for (unsigned i = 0; i < 3; i++) {
        s.slot[0].state = states[i];
        s.slot[0].out_ps = 10000 + i;
        check_grant(1, 13000 + i, 0);
    }
}

/* ---- windows ------------------------------------------------------------- */

static void test_window(void **state)
{
    (void)state;
    s.window_ps = 5000;
    s.slot[0].act_ps = 20000;
    s.slot[1].act_ps = 30000;
    s.slot[2].act_ps = 40000;
    check_grant(1, 25000, 0);
    s.slot[0].inbox_ps = 18000; /* it may act then */
    check_grant(1, 23000, 0);
    check_grant(2, 23000, 0);
    check_grant(0, 23000, 0); /* its own counts: it said it would act */
    s.slot[0].state = LOCKSTEP_AWAY;
    check_grant(2, 35000, 1);
    s.window_ps = 0;
    check_grant(2, NEVER, HOSTS);
}

/* ---- chains -------------------------------------------------------------- */

static void test_chain(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 1000;
    s.reach_ps[1][2] = 2000;
    s.reach_ps[2][0] = 4000;
    s.slot[0].egress_ps = 10;
    s.slot[1].egress_ps = 500;
    s.slot[2].egress_ps = 30;
    assert_true(lockstep_close(&s));
    assert_int_equal(s.reach_ps[0][2], 1000 + 500 + 2000);
    assert_int_equal(s.reach_ps[1][0], 2000 + 30 + 4000);
    assert_int_equal(s.reach_ps[2][1], 4000 + 10 + 1000);
    assert_int_equal(s.reach_ps[0][0], 1000 + 500 + 2000 + 30 + 4000);
    assert_int_equal(s.reach_ps[1][1], 2000 + 30 + 4000 + 10 + 1000);
    assert_int_equal(s.reach_ps[0][1], 1000);
}

static void test_shorter_way_through_another(void **state)
{
    (void)state;
    s.reach_ps[0][2] = 9000;
    s.reach_ps[0][1] = 1000;
    s.reach_ps[1][2] = 2000;
    s.slot[1].egress_ps = 5999;
    assert_true(lockstep_close(&s));
    assert_int_equal(s.reach_ps[0][2], 8999);
    s.reach_ps[0][2] = 9000;
    s.slot[1].egress_ps = 6000;
    assert_true(lockstep_close(&s));
    assert_int_equal(s.reach_ps[0][2], 9000);
}

static void test_no_lookahead(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 0;
    s.reach_ps[1][0] = 0;
    assert_false(lockstep_close(&s));
    setup(state);
    s.reach_ps[0][1] = 0;
    s.reach_ps[1][0] = 1;
    assert_true(lockstep_close(&s));
    assert_int_equal(s.reach_ps[0][0], 1);
    setup(state);
    s.reach_ps[0][1] = 0; /* one way only: nothing can come back */
    assert_true(lockstep_close(&s));
    setup(state);
    s.reach_ps[0][1] = 0;
    s.reach_ps[1][0] = 0;
    s.slot[1].egress_ps = 1;          /* the card itself takes its time */
    assert_false(lockstep_close(&s)); /* 1 to 0 and back still takes none */
    setup(state);
    s.reach_ps[0][1] = 0;
    s.reach_ps[1][0] = 0;
    s.slot[0].egress_ps = s.slot[1].egress_ps = 1;
    assert_true(lockstep_close(&s));
}

/* ---- ready --------------------------------------------------------------- */

static void waits(unsigned host, uint64_t need_ps)
{
    s.slot[host].state = LOCKSTEP_WAITS;
    s.slot[host].need_ps = need_ps;
}

static void test_ready_is_exclusive(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 3000;
    s.slot[0].out_ps = 10000; /* grant of 1: 13000 */
    waits(1, 13000);
    assert_false(lockstep_ready(&s, 1));
    waits(1, 12999);
    assert_true(lockstep_ready(&s, 1));
    s.slot[1].state = LOCKSTEP_RUNS;
    assert_false(lockstep_ready(&s, 1));
    s.slot[1].state = LOCKSTEP_HELD;
    assert_false(lockstep_ready(&s, 1));
    s.slot[1].state = LOCKSTEP_AWAY;
    assert_false(lockstep_ready(&s, 1));
}

/* A host takes a message in at the next whole nanosecond. */
static void test_ready_for_a_message(void **state)
{
    (void)state;
    s.reach_ps[0][1] = 3000;
    s.slot[0].out_ps = 10000;
    waits(1, NEVER);
    assert_false(lockstep_ready(&s, 1));
    s.slot[1].inbox_ps = 12000;
    assert_true(lockstep_ready(&s, 1));
    s.slot[1].inbox_ps = 12001; /* 13000, which is not known yet */
    assert_false(lockstep_ready(&s, 1));
    s.slot[0].out_ps = 10001;
    assert_true(lockstep_ready(&s, 1));
    s.slot[1].inbox_ps = NEVER - 1;
    assert_false(lockstep_ready(&s, 1));
}

static void test_ready_alone(void **state)
{
    (void)state;
    waits(1, NEVER - 1);
    assert_true(lockstep_ready(&s, 1));
    waits(1, NEVER);
    assert_false(lockstep_ready(&s, 1));
}

/* ---- the engine ---------------------------------------------------------- */

static void test_engine_has_messages(void **state)
{
    (void)state;
    waits(HOSTS, NEVER);
    assert_false(lockstep_ready(&s, HOSTS));
    s.slot[1].sent_ps = 5;
    assert_true(lockstep_ready(&s, HOSTS));
    s.slot[1].state = LOCKSTEP_AWAY;
    assert_true(lockstep_ready(&s, HOSTS));
    s.slot[HOSTS].state = LOCKSTEP_AWAY;
    assert_false(lockstep_ready(&s, HOSTS));
}

static void test_engine_and_horizon(void **state)
{
    (void)state;
    waits(HOSTS, NEVER);
    assert_int_equal(lockstep_out_horizon(&s), NEVER);
    s.slot[0].out_ps = 10000;
    s.slot[1].out_ps = 20000;
    s.fabric_next_ps = 10000;
    assert_int_equal(lockstep_out_horizon(&s), 10000);
    assert_false(lockstep_ready(&s, HOSTS)); /* one may still depart then */
    s.fabric_next_ps = 9999;
    assert_true(lockstep_ready(&s, HOSTS));
    s.slot[2].inbox_ps = 8001; /* taken in at 9000 */
    s.fabric_next_ps = 9999;
    s.slot[2].egress_ps = 999;
    assert_int_equal(lockstep_out_horizon(&s), 9999);
    assert_false(lockstep_ready(&s, HOSTS));
    s.slot[2].state = LOCKSTEP_AWAY; /* takes nothing in, so sends nothing */
    assert_int_equal(lockstep_out_horizon(&s), 10000);
    assert_true(lockstep_ready(&s, HOSTS));
    s.until_ps = 9998; /* the fabric does not go beyond either */
    assert_false(lockstep_ready(&s, HOSTS));
    s.slot[0].sent_ps = 1; /* in the ring: no bound of what will be sent */
    assert_int_equal(lockstep_out_horizon(&s), 10000);
}

/* A frame in a queue: its delivery is bounded by the fabric's clock, and its
 * next event lies beyond what hosts allow. */
static void test_engine_when_all_wait_for_it(void **state)
{
    (void)state;
    waits(HOSTS, NEVER);
    for (unsigned i = 0; i < HOSTS; i++) {
        waits(i, 20000);
        s.slot[i].out_ps = 21000;
        s.slot[i].engine_ps = 20000 + i;
    }
    s.fabric_next_ps = 30000;
    s.fabric_now_ps = 19000;
    assert_false(lockstep_ready(&s, HOSTS)); /* 1 and 2 go on */
    s.slot[1].engine_ps = s.slot[2].engine_ps = 20000;
    assert_true(lockstep_ready(&s, HOSTS));
    s.slot[2].state = LOCKSTEP_RUNS; /* it is about to wait */
    assert_true(lockstep_ready(&s, HOSTS));
    s.fabric_now_ps = 21000; /* as far as it may go */
    assert_false(lockstep_ready(&s, HOSTS));
    s.fabric_now_ps = 20999;
    assert_true(lockstep_ready(&s, HOSTS));
    s.until_ps = 20998;
    assert_false(lockstep_ready(&s, HOSTS));
    s.until_ps = NEVER;
    s.slot[0].need_ps = 19999;
    assert_false(lockstep_ready(&s, HOSTS));
    s.slot[0].state = LOCKSTEP_HELD; /* it does not go on by itself */
    assert_true(lockstep_ready(&s, HOSTS));
}

/* What leaves a card between two nanoseconds is handed over at the second. Until
 * then the host has to know what arrives. */
static void test_horizon_within_a_nanosecond(void **state)
{
    (void)state;
    waits(HOSTS, NEVER);
    s.slot[0].out_ps = 10510;
    s.slot[1].out_ps = 20000;
    s.slot[0].engine_ps = 11000;
    s.fabric_next_ps = s.fabric_now_ps = 10540;
    assert_int_equal(lockstep_out_horizon(&s), 11001);
    assert_true(lockstep_ready(&s, HOSTS));
    s.slot[0].engine_ps = 10510;
    assert_int_equal(lockstep_out_horizon(&s), 10511);
    assert_false(lockstep_ready(&s, HOSTS));
    s.slot[0].engine_ps = 10509; /* will be there anyway */
    assert_int_equal(lockstep_out_horizon(&s), 10510);
    s.slot[0].engine_ps = 11001; /* need not be there */
    assert_int_equal(lockstep_out_horizon(&s), 10510);
    s.slot[0].out_ps = 11000;
    s.slot[0].engine_ps = 11999;
    assert_int_equal(lockstep_out_horizon(&s), 12000);
    s.slot[1].out_ps = 11500; /* another's, to which nothing comes */
    assert_int_equal(lockstep_out_horizon(&s), 11500);
    s.slot[1].engine_ps = 11800;
    assert_int_equal(lockstep_out_horizon(&s), 11801);
}

static void test_all_held(void **state)
{
    (void)state;
    waits(HOSTS, NEVER);
    s.until_ps = 50000;
    assert_false(lockstep_held(&s));
    for (unsigned i = 0; i < HOSTS; i++) {
        s.slot[i].state = LOCKSTEP_HELD;
        s.slot[i].act_ps = 50000;
    }
    assert_true(lockstep_held(&s));
    assert_true(lockstep_ready(&s, HOSTS));
    s.slot[1].act_ps = 49999; /* of the grant before */
    assert_false(lockstep_held(&s));
    assert_false(lockstep_ready(&s, HOSTS));
    s.slot[1].state = LOCKSTEP_AWAY;
    assert_true(lockstep_held(&s));
    s.slot[2].state = LOCKSTEP_WAITS;
    assert_false(lockstep_held(&s));
}

/* ---- coming back --------------------------------------------------------- */

static void test_entry_where_others_are_held(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HOSTS; i++) {
        s.slot[i].state = i ? LOCKSTEP_HELD : LOCKSTEP_AWAY;
        s.slot[i].act_ps = s.slot[i].out_ps = 50000;
        s.reach_ps[0][i] = 10;
    }
    s.until_ps = s.fabric_now_ps = 50000;
    assert_int_equal(lockstep_entry(&s, 0), 50000);
    s.slot[1].act_ps = 50001; /* whole nanoseconds */
    assert_int_equal(lockstep_entry(&s, 0), 51000);
    s.slot[1].state = LOCKSTEP_AWAY;
    assert_int_equal(lockstep_entry(&s, 0), 50000);
    s.fabric_now_ps = 50500;
    assert_int_equal(lockstep_entry(&s, 0), 51000);
}

static void test_entry_while_others_run(void **state)
{
    (void)state;
    s.slot[0].state = LOCKSTEP_AWAY;
    s.slot[2].state = LOCKSTEP_AWAY;
    assert_int_equal(lockstep_entry(&s, 0), 0); /* no path: no harm */
    s.reach_ps[0][1] = 3000;
    s.slot[1].engine_ps = 20000;
    s.slot[1].act_ps = 9000;
    assert_int_equal(lockstep_entry(&s, 0), 17000); /* arrives at 20000 */
    s.slot[1].engine_ps = 20001;
    assert_int_equal(lockstep_entry(&s, 0), 18000);
    s.until_ps = 15000; /* it stops there itself, having done that instant */
    assert_int_equal(lockstep_entry(&s, 0), 13000);
    s.slot[1].engine_ps = 2000;
    s.slot[1].act_ps = 0;
    assert_int_equal(lockstep_entry(&s, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_silence_bounds_nothing, setup),
        cmocka_unit_test_setup(test_earliest_output, setup),
        cmocka_unit_test_setup(test_action_alone_bounds_nothing, setup),
        cmocka_unit_test_setup(test_sent_and_not_taken_in, setup),
        cmocka_unit_test_setup(test_inbox_and_answer, setup),
        cmocka_unit_test_setup(test_what_the_fabric_holds, setup),
        cmocka_unit_test_setup(test_answer_to_oneself, setup),
        cmocka_unit_test_setup(test_smallest_wins, setup),
        cmocka_unit_test_setup(test_relaxed, setup),
        cmocka_unit_test_setup(test_sums_do_not_wrap, setup),
        cmocka_unit_test_setup(test_away, setup),
        cmocka_unit_test_setup(test_held_and_waiting_count_like_running, setup),
        cmocka_unit_test_setup(test_window, setup),
        cmocka_unit_test_setup(test_chain, setup),
        cmocka_unit_test_setup(test_shorter_way_through_another, setup),
        cmocka_unit_test_setup(test_no_lookahead, setup),
        cmocka_unit_test_setup(test_ready_is_exclusive, setup),
        cmocka_unit_test_setup(test_ready_for_a_message, setup),
        cmocka_unit_test_setup(test_ready_alone, setup),
        cmocka_unit_test_setup(test_engine_has_messages, setup),
        cmocka_unit_test_setup(test_engine_and_horizon, setup),
        cmocka_unit_test_setup(test_horizon_within_a_nanosecond, setup),
        cmocka_unit_test_setup(test_engine_when_all_wait_for_it, setup),
        cmocka_unit_test_setup(test_all_held, setup),
        cmocka_unit_test_setup(test_entry_where_others_are_held, setup),
        cmocka_unit_test_setup(test_entry_while_others_run, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
