/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_stress_test.c: real processes in two groups that sleep, poll and
 * wake each other; no wake-up may be lost, and the death of one may hold up the
 * others only until the engine says so.
 */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lockstep.h"

#define MEMBERS 4u
#define GROUPS 2u
#define WINDOW_PS 5000000u
#define WINDOWS 20000u
#define END_PS ((uint64_t)WINDOWS * WINDOW_PS)
#define LIMIT_S 120u /* of wall time; a lost wake-up would last for ever */
#define LOOK_WALL_NS 50000000u

static char dir[] = "/tmp/lockstep-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/meeting", dir);
    alarm(LIMIT_S);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

static void pin(unsigned group)
{
    cpu_set_t set;

    if (sysconf(_SC_NPROCESSORS_ONLN) >= (long)GROUPS) {
        CPU_ZERO(&set);
        CPU_SET(group, &set);
        sched_setaffinity(0, sizeof(set), &set);
    }
}

static void wait_for_all(const Lockstep *l)
{
    for (unsigned i = 0; i < MEMBERS; i++) {
        const uint32_t *state = &lockstep_slot(l, i)->state;

        while (__atomic_load_n(state, __ATOMIC_ACQUIRE) == LOCKSTEP_AWAY) {
            sched_yield();
        }
    }
}

/* A host that computes all the time. 0: it never got more than it may. */
static int member(unsigned me)
{
    Lockstep *l = lockstep_attach(path, me, NULL);
    uint64_t now_ps = 0, grant_ps;
    LockstepFuture f;

    if (!l) {
        return 1;
    }
    pin(me % GROUPS);
    lockstep_join(l, 0);
    wait_for_all(l);
    while (now_ps < END_PS) {
        f = (LockstepFuture){ .act_ps = now_ps,
                              .out_ps = now_ps,
                              .need_ps = now_ps };
        grant_ps = lockstep_publish(l, &f);
        while (grant_ps <= now_ps) {
            grant_ps = lockstep_wait(l);
        }
        for (unsigned i = 0; i < MEMBERS; i++) {
            const LockstepSlot *s = lockstep_slot(l, i);
            uint64_t act_ps = __atomic_load_n(&s->act_ps, __ATOMIC_RELAXED);

            if (s->state != LOCKSTEP_AWAY && grant_ps > act_ps + WINDOW_PS) {
                return 2;
            }
        }
        now_ps = grant_ps < END_PS ? grant_ps : END_PS;
    }
    f = (LockstepFuture){ .act_ps = now_ps,
                          .out_ps = now_ps,
                          .need_ps = LOCKSTEP_NEVER };
    lockstep_set_state(l, LOCKSTEP_HELD, &f);
    lockstep_free(l);
    return 0;
}

static Lockstep *start(pid_t *pid)
{
    Lockstep *l = lockstep_create(path, MEMBERS, GROUPS, NULL);

    assert_non_null(l);
    for (unsigned i = 0; i < MEMBERS; i++) {
        lockstep_set_group(l, i, i % GROUPS);
    }
    lockstep_set_spin(l, sysconf(_SC_NPROCESSORS_ONLN) >= (long)GROUPS);
    lockstep_set_window(l, WINDOW_PS);
    assert_true(lockstep_close_paths(l));
    for (unsigned i = 0; i < MEMBERS; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(member(i));
        }
    }
    wait_for_all(l);
    lockstep_set_until(l, END_PS);
    return l;
}

static void no_news(void *opaque, LockstepNews *news)
{
    (void)opaque;
    (void)news;
}

static bool passed(const Lockstep *l, unsigned i, uint64_t ps)
{
    uint64_t act_ps =
        __atomic_load_n(&lockstep_slot(l, i)->act_ps, __ATOMIC_RELAXED);

    return act_ps != LOCKSTEP_NEVER && act_ps >= ps;
}

/* The engine, until @i has passed @ps or all are held. */
static void engine(Lockstep *l, unsigned i, uint64_t ps)
{
    while (!passed(l, i, ps)) {
        if (lockstep_engine_turn(l, no_news, NULL).all_held &&
            passed(l, i, END_PS)) {
            return;
        }
        lockstep_engine_wait(l, LOOK_WALL_NS / 50);
    }
}

static void test_no_wake_up_is_lost(void **state)
{
    pid_t pid[MEMBERS];
    Lockstep *l = start(pid);
    int status;

    (void)state;
    for (unsigned i = 0; i < MEMBERS; i++) {
        engine(l, i, END_PS);
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
        assert_true(lockstep_slot(l, i)->windows >= WINDOWS / 2);
    }
    assert_true(lockstep_all_held(l));
    assert_false(lockstep_broken(l));
    lockstep_free(l);
}

static void test_one_dies(void **state)
{
    pid_t pid[MEMBERS];
    Lockstep *l = start(pid);
    int status;

    (void)state;
    engine(l, 1, END_PS / 4);
    kill(pid[1], SIGKILL);
    assert_int_equal(waitpid(pid[1], &status, 0), pid[1]);
    /* The others wait for it, and the engine's wait has its limit. */
    for (unsigned k = 0; k < 5; k++) {
        lockstep_engine_turn(l, no_news, NULL);
        lockstep_engine_wait(l, LOOK_WALL_NS);
    }
    for (unsigned i = 0; i < MEMBERS; i++) {
        assert_false(passed(l, i, END_PS));
    }
    lockstep_host_gone(l, 1);
    for (unsigned i = 0; i < MEMBERS; i++) {
        if (i != 1) {
            engine(l, i, END_PS);
            assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
            assert_int_equal(status, 0);
        }
    }
    lockstep_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_wake_up_is_lost),
        cmocka_unit_test(test_one_dies),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir) != 0;
}
