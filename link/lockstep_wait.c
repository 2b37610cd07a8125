/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_wait.c: who sleeps, who polls, who wakes whom.
 *
 * A wake-up across CPUs of a machine that is itself virtual costs more than
 * most windows. So a group (the members of one CPU) looks after itself: its
 * last member that cannot go on polls, and hands the CPU over when another of
 * the group can go on. Nobody polls while another of its CPU could run.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lockstep_int.h"

/* Polls before sleeping: about 100 us, twice what a wake-up costs. */
#define SPIN_WALL_NS 100000u
#define LOCK_TRIES 2000u
#define SPIN_CHECK 64u /* looks at the clock once in so many polls */

static void futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_wall_ns)
{
    struct timespec t = { (time_t)(timeout_wall_ns / 1000000000u),
                          (long)(timeout_wall_ns % 1000000000u) };

    syscall(SYS_futex, word, FUTEX_WAIT, value,
            timeout_wall_ns == LOCKSTEP_NEVER ? NULL : &t, NULL, 0);
}

static void futex_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static uint64_t wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t load32(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

/* Tries for a while first: who holds it lets go within a microsecond, and
 * sleeping for it costs a wake-up across CPUs. */
void lockstep_lock(Lockstep *l)
{
    int error = EBUSY;

    for (unsigned k = 0; error == EBUSY && k < LOCK_TRIES; k++) {
        error = pthread_mutex_trylock(&l->s->mutex);
        if (error == EBUSY) {
            __builtin_ia32_pause();
        }
    }
    if (error == EBUSY) {
        error = pthread_mutex_lock(&l->s->mutex);
    }
    if (error == EOWNERDEAD) {
        __atomic_store_n(&l->s->broken, 1, __ATOMIC_RELEASE);
        pthread_mutex_consistent(&l->s->mutex);
    }
}

/* Who polls, and who sleeps, is told after: it would run into the mutex. */
void lockstep_unlock(Lockstep *l)
{
    uint32_t woken = l->woken;
    bool news = l->news;

    l->news = false;
    l->woken = 0;
    pthread_mutex_unlock(&l->s->mutex);
    if (news) {
        __atomic_add_fetch(&l->s->seq, 1, __ATOMIC_RELEASE);
    }
    for (unsigned i = 0; woken; i++, woken >>= 1) {
        if (woken & 1) {
            futex_wake(&l->s->slot[i].wake);
        }
    }
}

/* It runs from now on; lockstep_unlock() tells it. */
static void wake(Lockstep *l, unsigned member)
{
    LockstepSlot *h = &l->s->slot[member];

    h->state = LOCKSTEP_RUNS;
    h->wakes++;
    __atomic_add_fetch(&h->wake, 1, __ATOMIC_RELEASE);
    l->woken |= 1u << member;
}

/* Of the group, the one that is furthest behind; -1: none. */
static int next_ready(const LockstepShared *s, unsigned group)
{
    int best = -1;

    for (unsigned i = 0; i <= s->hosts; i++) {
        if (s->slot[i].group == group && lockstep_ready(s, i) &&
            (best < 0 || s->slot[i].act_ps <= s->slot[best].act_ps)) {
            best = (int)i;
        }
    }
    return best;
}

/* Somebody of the group has the CPU, or polls for all of it. */
static bool group_runs(const LockstepShared *s, unsigned group)
{
    for (unsigned i = 0; i <= s->hosts; i++) {
        const LockstepSlot *h = &s->slot[i];

        if (h->group == group && (h->state == LOCKSTEP_RUNS || h->spins)) {
            return true;
        }
    }
    return false;
}

void lockstep_announce(Lockstep *l, bool own)
{
    LockstepShared *s = l->s;
    unsigned mine = s->slot[l->me].group;

    l->news = true;
    for (unsigned g = 0; g < s->groups; g++) {
        int next;

        if ((g == mine && !own) || group_runs(s, g)) {
            continue;
        }
        next = next_ready(s, g);
        if (next >= 0) {
            wake(l, (unsigned)next);
        }
    }
}

/* Polls until the sequence moves on from @seq; false: long enough. */
static bool poll_seq(const LockstepShared *s, uint32_t seq,
                     const uint32_t *kick, uint32_t kicked,
                     uint64_t until_wall_ns)
{
    for (unsigned k = 1;; k++) {
        if (load32(&s->seq) != seq || load32(kick) != kicked) {
            return true;
        }
        if (k % SPIN_CHECK == 0 && wall_ns() > until_wall_ns) {
            return false;
        }
        __builtin_ia32_pause();
    }
}

/* The mutex is held. True: it is this member's turn, or it was kicked. */
static bool spin(Lockstep *l)
{
    LockstepShared *s = l->s;
    LockstepSlot *h = &s->slot[l->me];
    uint64_t until_wall_ns = wall_ns() + SPIN_WALL_NS;
    bool again = l->spin, mine = false;

    h->spins = again;
    for (;;) {
        uint32_t seq = load32(&s->seq);
        int next = next_ready(s, h->group);

        mine = next == (int)l->me || load32(&h->wake) != l->kicked;
        if (!mine && next >= 0) {
            wake(l, (unsigned)next);
        }
        if (mine || next >= 0 || !again) {
            break;
        }
        lockstep_unlock(l);
        again = poll_seq(s, seq, &h->wake, l->kicked, until_wall_ns);
        lockstep_lock(l);
    }
    h->spins = 0;
    return mine;
}

void lockstep_sample(Lockstep *l)
{
    l->kicked = load32(&l->s->slot[l->me].wake);
}

void lockstep_poke(Lockstep *l)
{
    LockstepSlot *h = &l->s->slot[l->me];

    __atomic_add_fetch(&h->wake, 1, __ATOMIC_RELEASE);
    futex_wake(&h->wake);
}

bool lockstep_sleep(Lockstep *l, uint64_t timeout_wall_ns)
{
    LockstepShared *s = l->s;
    LockstepSlot *h = &s->slot[l->me];
    uint64_t begin_wall_ns = wall_ns(), waited_wall_ns = 0;
    bool in_time = true;

    h->state = LOCKSTEP_WAITS;
    h->waits++;
    if (!group_runs(s, h->group) && spin(l)) {
        goto out;
    }
    while (load32(&h->wake) == l->kicked && !lockstep_ready(s, l->me)) {
        if (waited_wall_ns >= timeout_wall_ns) {
            in_time = false;
            break;
        }
        lockstep_unlock(l);
        futex_wait(&h->wake, l->kicked, timeout_wall_ns);
        waited_wall_ns = wall_ns() - begin_wall_ns;
        lockstep_lock(l);
    }
out:
    h->state = LOCKSTEP_RUNS;
    h->wait_wall_ns += wall_ns() - begin_wall_ns;
    return in_time;
}
