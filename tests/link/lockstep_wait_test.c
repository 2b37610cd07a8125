/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_wait_test.c: whose turn a CPU is. Two hosts share group 0, a third
 * has group 1; all in one process, windows of 5 us.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lockstep_int.h"

#define HOSTS 3u
#define US UINT64_C(1000000)
#define WINDOW_PS (5 * US)

static char dir[] = "/tmp/lockstep-XXXXXX";
static char path[64];
static Lockstep *engine, *host[HOSTS];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/meeting", dir);
    alarm(60); /* of wall time; a lost turn would last for ever */
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

static int meet(void **state)
{
    (void)state;
    engine = lockstep_create(path, HOSTS, 2, NULL);
    assert_non_null(engine);
    lockstep_set_group(engine, 2, 1);
    lockstep_set_spin(engine, true);
    lockstep_set_window(engine, WINDOW_PS);
    assert_true(lockstep_close_paths(engine));
    for (unsigned i = 0; i < HOSTS; i++) {
        host[i] = lockstep_attach(path, i, NULL);
        assert_non_null(host[i]);
        lockstep_join(host[i], 0);
    }
    return 0;
}

static int part(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HOSTS; i++) {
        lockstep_free(host[i]);
    }
    lockstep_free(engine);
    return 0;
}

/* A host that computes has come to @now_ps. */
static uint64_t come(unsigned i, uint64_t now_ps)
{
    LockstepFuture f = { now_ps, now_ps, now_ps };

    return lockstep_publish(host[i], &f);
}

static void check_state(unsigned i, LockstepState state)
{
    assert_int_equal(lockstep_slot(engine, i)->state, state);
}

static void check_waits(unsigned i, LockstepLook look, bool stands)
{
    check_state(i, LOCKSTEP_WAITS);
    assert_int_equal(lockstep_slot(engine, i)->stands, stands);
    assert_int_equal(host[i]->look, look);
}

static void test_yields_to_one_that_runs(void **state)
{
    (void)state;
    assert_int_equal(come(0, 5 * US), 5 * US);
    check_waits(0, LOCKSTEP_YIELD, true);
    come(1, 5 * US); /* now it is the other group's turn */
    check_waits(1, LOCKSTEP_POLL, true);
    check_state(2, LOCKSTEP_RUNS);
}

static void test_goes_when_all_have_come(void **state)
{
    (void)state;
    come(0, 5 * US);
    come(1, 5 * US);
    assert_int_equal(come(2, 5 * US), 10 * US);
    check_state(2, LOCKSTEP_RUNS);
    /* Those that stand by are not woken: they look. */
    check_waits(0, LOCKSTEP_YIELD, true);
    check_waits(1, LOCKSTEP_POLL, true);
    assert_int_equal(lockstep_wait(host[1]), 10 * US);
    check_state(1, LOCKSTEP_RUNS);
    check_state(0, LOCKSTEP_WAITS);
    for (unsigned i = 0; i < HOSTS; i++) {
        assert_int_equal(lockstep_slot(engine, i)->wakes, 0);
    }
}

/* The other has the CPU and does not let go of it. */
static void test_goes_after_a_while(void **state)
{
    (void)state;
    come(0, 5 * US);
    come(1, 5 * US);
    come(2, 5 * US);
    lockstep_wait(host[1]);
    assert_int_equal(lockstep_wait(host[0]), 10 * US);
    check_state(0, LOCKSTEP_RUNS);
    check_state(1, LOCKSTEP_RUNS);
}

/* Both could go on; host 1 is one window behind. */
static void let_0_lie_down(bool stands)
{
    come(1, 5 * US);
    come(2, 5 * US);
    engine->s->slot[1].stands = stands;
    assert_int_equal(come(0, 5 * US), 10 * US);
    assert_int_equal(come(0, 10 * US), 10 * US);
    check_waits(0, LOCKSTEP_YIELD, true);
}

static void test_wakes_one_that_sleeps(void **state)
{
    (void)state;
    let_0_lie_down(false);
    check_state(1, LOCKSTEP_RUNS);
    assert_int_equal(lockstep_slot(engine, 1)->wakes, 1);
    assert_int_equal(lockstep_wait(host[1]), 10 * US);
}

static void test_leaves_one_that_stands_by(void **state)
{
    (void)state;
    let_0_lie_down(true);
    check_state(1, LOCKSTEP_WAITS);
    assert_int_equal(lockstep_slot(engine, 1)->wakes, 0);
    assert_int_equal(lockstep_wait(host[1]), 10 * US);
    check_state(1, LOCKSTEP_RUNS);
}

/* A group of which all sleep is woken from the other one; one of which somebody
 * stands by is not. */
static void test_wakes_the_other_group(void **state)
{
    (void)state;
    come(2, 5 * US);
    come(1, 5 * US);
    check_waits(2, LOCKSTEP_POLL, true);
    engine->s->slot[2].stands = false;
    come(0, 5 * US);
    check_state(2, LOCKSTEP_RUNS);
    assert_int_equal(lockstep_slot(engine, 2)->wakes, 1);
    check_state(1, LOCKSTEP_WAITS);
}

/* The CPU is shared with others: only the last of the group stands by. */
static void test_on_a_crowded_cpu(void **state)
{
    (void)state;
    engine->s->cpu[0].crowded_wall_ns = LOCKSTEP_NEVER;
    come(0, 5 * US);
    check_waits(0, LOCKSTEP_YIELD, false);
    come(1, 5 * US);
    check_waits(1, LOCKSTEP_POLL, true);
    come(2, 5 * US);
    check_waits(1, LOCKSTEP_POLL, true);
    assert_int_equal(lockstep_wait(host[1]), 10 * US);
    come(1, 10 * US); /* hands the CPU over to the one that sleeps */
    check_waits(1, LOCKSTEP_YIELD, false);
    check_state(0, LOCKSTEP_RUNS);
    assert_int_equal(lockstep_slot(engine, 0)->wakes, 1);
}

/* Strangers have the CPU for 2 ms after each of its own. */
static void test_when_a_cpu_is_crowded(void **state)
{
    const uint64_t ms = 1000000;
    LockstepCpu c = { 0 };

    (void)state;
    for (uint64_t at = 100 * ms; at < 115 * ms; at += 3 * ms) {
        lockstep_note_yield(&c, at, at + 2 * ms);
        lockstep_note_yield(&c, at + ms,
                            at + 2 * ms); /* the same, by another */
        assert_int_equal(c.crowded_wall_ns, 0);
    }
    assert_int_equal(c.lost_wall_ns, 10 * ms);
    lockstep_note_yield(&c, 115 * ms, 116 * ms - 1); /* too short to count */
    assert_int_equal(c.crowded_wall_ns, 0);
    lockstep_note_yield(&c, 118 * ms, 119 * ms);
    assert_int_equal(c.crowded_wall_ns, 619 * ms);
    lockstep_note_yield(&c, 700 * ms, 708 * ms); /* long after: begins anew */
    assert_int_equal(c.lost_wall_ns, 8 * ms);
    assert_int_equal(c.crowded_wall_ns, 619 * ms);
}

static void test_a_kick_ends_it(void **state)
{
    (void)state;
    come(0, 5 * US);
    lockstep_kick(host[0]);
    assert_int_equal(lockstep_wait(host[0]), 5 * US);
    check_state(0, LOCKSTEP_RUNS);
    assert_int_equal(lockstep_slot(engine, 0)->stands, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_yields_to_one_that_runs, meet,
                                        part),
        cmocka_unit_test_setup_teardown(test_goes_when_all_have_come, meet,
                                        part),
        cmocka_unit_test_setup_teardown(test_goes_after_a_while, meet, part),
        cmocka_unit_test_setup_teardown(test_wakes_one_that_sleeps, meet, part),
        cmocka_unit_test_setup_teardown(test_leaves_one_that_stands_by, meet,
                                        part),
        cmocka_unit_test_setup_teardown(test_wakes_the_other_group, meet, part),
        cmocka_unit_test_setup_teardown(test_on_a_crowded_cpu, meet, part),
        cmocka_unit_test(test_when_a_cpu_is_crowded),
        cmocka_unit_test_setup_teardown(test_a_kick_ends_it, meet, part),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir) != 0;
}
