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
#define LOCK_LATE_WALL_NS 500000000u
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

/* A clock that is set may call late too early, or once too late. */
static int lock_patiently(Lockstep *l)
{
    struct timespec t;
    int error;

    do {
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += LOCK_LATE_WALL_NS;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        error = pthread_mutex_timedlock(&l->s->mutex, &t);
        if (error == ETIMEDOUT) {
            l->late(l->late_opaque);
        }
    } while (error == ETIMEDOUT);
    return error;
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
        error = l->late ? lock_patiently(l) : pthread_mutex_lock(&l->s->mutex);
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
    l->s->turn[member] = ++l->s->turns;
    __atomic_add_fetch(&h->wake, 1, __ATOMIC_RELEASE);
    l->woken |= 1u << member;
}

/*
 * Of the group, one that is furthest behind; of several that are about equally
 * so, the one that ran last, whose memory is still in the cache. -1: none.
 */
static int next_ready(const LockstepShared *s, unsigned group)
{
    uint64_t behind_ps = LOCKSTEP_NEVER;
    uint32_t ready = 0;
    int best = -1;

    for (unsigned i = 0; i <= s->hosts; i++) {
        if (s->slot[i].group == group && lockstep_ready(s, i)) {
            ready |= 1u << i;
            behind_ps =
                s->slot[i].act_ps < behind_ps ? s->slot[i].act_ps : behind_ps;
        }
    }
    behind_ps = lockstep_sum(behind_ps, s->window_ps / 4);
    for (unsigned i = 0; ready >> i; i++) {
        if ((ready >> i & 1) && s->slot[i].act_ps <= behind_ps &&
            (best < 0 || s->turn[i] >= s->turn[best])) {
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

/* Polls until the sequence moves on, or a kick; false: long enough. */
static bool poll_seq(const Lockstep *l, uint64_t until_wall_ns)
{
    const LockstepSlot *h = &l->s->slot[l->me];

    for (unsigned k = 1;; k++) {
        if (load32(&l->s->seq) != l->seq || load32(&h->wake) != l->kicked) {
            return true;
        }
        if (k % SPIN_CHECK == 0 && wall_ns() > until_wall_ns) {
            return false;
        }
        __builtin_ia32_pause();
    }
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

/* Others' announcements from here on are seen as a change of the sequence; the
 * member's own, at the next unlock, is not one. */
static void note_seq(Lockstep *l)
{
    l->seq = load32(&l->s->seq) + l->news;
}

void lockstep_lie_down(Lockstep *l)
{
    LockstepShared *s = l->s;
    LockstepSlot *h = &s->slot[l->me];
    int next = -1;

    h->state = LOCKSTEP_WAITS;
    h->waits++;
    l->lies = true;
    if (group_runs(s, h->group)) {
        return;
    }
    /* The last of a window comes first in the next: that saves a hand-over and
     * costs nobody anything, since all must get through each window. */
    if (!lockstep_ready(s, l->me)) {
        next = next_ready(s, h->group);
    }
    if (next >= 0) {
        wake(l, (unsigned)next);
    } else {
        h->spins = l->spin;
        note_seq(l);
    }
}

void lockstep_get_up(Lockstep *l)
{
    LockstepSlot *h = &l->s->slot[l->me];

    h->state = LOCKSTEP_RUNS;
    h->spins = 0;
    l->lies = false;
}

/* The mutex is held after a while of polling, which @again says whether to go
 * on with. Nobody polls while another of its group can go on. */
static void look_around(Lockstep *l, bool again)
{
    LockstepSlot *h = &l->s->slot[l->me];
    int next = next_ready(l->s, h->group);

    if (next >= 0) {
        wake(l, (unsigned)next);
    }
    h->spins = again && next < 0;
    note_seq(l);
}

bool lockstep_doze(Lockstep *l, uint64_t timeout_wall_ns)
{
    LockstepSlot *h = &l->s->slot[l->me];
    uint64_t begin_wall_ns = wall_ns(), now_wall_ns = begin_wall_ns;
    bool in_time = true;

    for (;;) {
        bool polled = h->spins, again = false;

        if (polled) {
            again = poll_seq(l, begin_wall_ns + SPIN_WALL_NS);
        } else if (load32(&h->wake) == l->kicked) {
            futex_wait(&h->wake, l->kicked, timeout_wall_ns);
        }
        now_wall_ns = wall_ns();
        lockstep_lock(l);
        if (load32(&h->wake) != l->kicked || lockstep_ready(l->s, l->me)) {
            break;
        }
        in_time = now_wall_ns - begin_wall_ns < timeout_wall_ns;
        if (!in_time) {
            break;
        }
        if (polled) {
            look_around(l, again);
        }
        lockstep_unlock(l);
    }
    lockstep_get_up(l);
    h->wait_wall_ns += now_wall_ns - begin_wall_ns;
    return in_time;
}

bool lockstep_sleep(Lockstep *l, uint64_t timeout_wall_ns)
{
    lockstep_lie_down(l);
    if (lockstep_ready(l->s, l->me)) {
        lockstep_get_up(l);
        return true;
    }
    lockstep_unlock(l);
    return lockstep_doze(l, timeout_wall_ns);
}
