/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_wait.c: who sleeps, who stands by, who wakes whom.
 *
 * A wake-up across CPUs of a machine that is itself virtual costs more than
 * most windows, and one on the same CPU more than yielding it. So a group (the members of one CPU) looks after itself: who cannot go on stands
 * by, and yields the CPU to others of the group that can; each looks for itself
 * when it has the CPU. It polls while nobody of the group can, and sleeps after
 * a while in vain.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lockstep_int.h"

/* Choices. A member stands by for a few times what a wake-up costs, and long
 * enough for the others of its CPU to have their turns; but the kernel may
 * insist on one whose turn it is not. */
#define STAND_WALL_NS 400000u
#define STAND_YIELDS 16u
/* Polls at a time: other threads need the CPU too. */
#define SPIN_WALL_NS 50000u
/* A CPU that was yielded for longer at once, and for more than half of a while,
 * is shared with a stranger, who keeps it for milliseconds each time: nobody of
 * its group yields it for some time then. */
#define STRANGER_WALL_NS 1000000u
#define WHILE_WALL_NS 20000000u
#define CROWDED_WALL_NS 500000000u
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

/* Of the group, those that can go on and are about furthest behind: a bit each. */
static uint32_t foremost(const LockstepShared *s, unsigned group)
{
    uint64_t behind_ps = LOCKSTEP_NEVER;
    uint32_t ready = 0, next = 0;

    for (unsigned i = 0; i <= s->hosts; i++) {
        if (s->slot[i].group == group && lockstep_ready(s, i)) {
            ready |= 1u << i;
            behind_ps =
                s->slot[i].act_ps < behind_ps ? s->slot[i].act_ps : behind_ps;
        }
    }
    behind_ps = lockstep_sum(behind_ps, s->window_ps / 4);
    for (unsigned i = 0; ready >> i; i++) {
        if ((ready >> i & 1) && s->slot[i].act_ps <= behind_ps) {
            next |= 1u << i;
        }
    }
    return next;
}

/* Of @members, the one that ran last, whose memory is still in the cache. -1:
 * there is none. */
static int latest(const LockstepShared *s, uint32_t members)
{
    int best = -1;

    for (unsigned i = 0; members >> i; i++) {
        if ((members >> i & 1) && (best < 0 || s->turn[i] >= s->turn[best])) {
            best = (int)i;
        }
    }
    return best;
}

/* Somebody else of the member's group has the CPU. */
static bool other_runs(const Lockstep *l)
{
    const LockstepShared *s = l->s;

    for (unsigned i = 0; i <= s->hosts; i++) {
        if (i != l->me && s->slot[i].group == s->slot[l->me].group &&
            s->slot[i].state == LOCKSTEP_RUNS) {
            return true;
        }
    }
    return false;
}

/* Somebody of the group has the CPU, or stands by. */
static bool group_runs(const LockstepShared *s, unsigned group)
{
    for (unsigned i = 0; i <= s->hosts; i++) {
        const LockstepSlot *h = &s->slot[i];

        if (h->group == group && (h->state == LOCKSTEP_RUNS || h->stands)) {
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
        next = latest(s, foremost(s, g));
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

/*
 * What the member, which waits, is to do. Of its group, those that stand by look
 * for themselves when they have the CPU; one that sleeps must be woken.
 */
static LockstepLook look(Lockstep *l)
{
    LockstepShared *s = l->s;
    uint32_t next, standing = 0;

    note_seq(l);
    if (other_runs(l)) {
        return LOCKSTEP_YIELD;
    }
    next = foremost(s, s->slot[l->me].group);
    if (next >> l->me & 1) {
        return LOCKSTEP_GO;
    }
    for (unsigned i = 0; i <= s->hosts; i++) {
        standing |= (uint32_t)(s->slot[i].stands != 0) << i;
    }
    if (next && !(next & standing)) {
        wake(l, (unsigned)latest(s, next));
    }
    return next ? LOCKSTEP_YIELD : LOCKSTEP_POLL;
}

/* On a crowded CPU only the last of a group stands by, to poll. */
static void look_around(Lockstep *l)
{
    LockstepSlot *h = &l->s->slot[l->me];

    l->look = look(l);
    l->crowded = l->now_wall_ns < l->s->cpu[h->group].crowded_wall_ns;
    if (l->look == LOCKSTEP_YIELD && l->crowded) {
        h->stands = 0;
    }
}

void lockstep_lie_down(Lockstep *l)
{
    LockstepSlot *h = &l->s->slot[l->me];

    h->state = LOCKSTEP_WAITS;
    h->stands = l->spin;
    h->waits++;
    l->lies = true;
    l->now_wall_ns = wall_ns();
    look_around(l);
}

void lockstep_get_up(Lockstep *l)
{
    LockstepSlot *h = &l->s->slot[l->me];

    h->state = LOCKSTEP_RUNS;
    h->stands = 0;
    l->lies = false;
}

void lockstep_note_yield(LockstepCpu *c, uint64_t began_wall_ns,
                         uint64_t ended_wall_ns)
{
    if (ended_wall_ns - began_wall_ns < STRANGER_WALL_NS ||
        began_wall_ns < c->away_wall_ns) {
        return; /* or told by another member already */
    }
    if (began_wall_ns - c->since_wall_ns > WHILE_WALL_NS) {
        c->since_wall_ns = began_wall_ns;
        c->lost_wall_ns = 0;
    }
    c->lost_wall_ns += ended_wall_ns - began_wall_ns;
    c->away_wall_ns = ended_wall_ns;
    if (c->lost_wall_ns > WHILE_WALL_NS / 2) {
        c->crowded_wall_ns = ended_wall_ns + CROWDED_WALL_NS;
    }
}

/* Without the mutex, until it may be worth to look again; true: it yielded. */
static bool rest(Lockstep *l, uint64_t timeout_wall_ns)
{
    LockstepSlot *h = &l->s->slot[l->me];
    bool yielded = false;

    if (load32(&h->wake) != l->kicked) {
        return false;
    }
    if (!h->stands) {
        futex_wait(&h->wake, l->kicked, timeout_wall_ns);
    } else if (l->look != LOCKSTEP_POLL ||
               !poll_seq(l, l->now_wall_ns + SPIN_WALL_NS)) {
        yielded = !l->crowded && sched_yield() == 0;
    }
    l->now_wall_ns = wall_ns();
    return yielded;
}

/* Mutex held. Who does not stand by asks nobody whose turn it is. */
static bool goes_on(const Lockstep *l)
{
    return l->look == LOCKSTEP_GO ||
           (!l->s->slot[l->me].stands && lockstep_ready(l->s, l->me));
}

bool lockstep_doze(Lockstep *l, uint64_t timeout_wall_ns)
{
    LockstepSlot *h = &l->s->slot[l->me];
    uint64_t begin_wall_ns = l->now_wall_ns, waited_wall_ns;
    unsigned yields = 0;
    bool in_time = true;

    for (;;) {
        uint64_t before_wall_ns = l->now_wall_ns;
        bool yielded = rest(l, timeout_wall_ns);

        waited_wall_ns = l->now_wall_ns - begin_wall_ns;
        lockstep_lock(l);
        if (yielded) {
            lockstep_note_yield(&l->s->cpu[h->group], before_wall_ns,
                                l->now_wall_ns);
            yields += l->look == LOCKSTEP_YIELD;
        }
        if (load32(&h->wake) != l->kicked) {
            break;
        }
        look_around(l);
        if (waited_wall_ns > STAND_WALL_NS || yields > STAND_YIELDS) {
            h->stands = 0;
        }
        in_time = waited_wall_ns < timeout_wall_ns;
        if (goes_on(l) || !in_time) {
            break;
        }
        lockstep_unlock(l);
    }
    lockstep_get_up(l);
    h->wait_wall_ns += waited_wall_ns;
    return in_time;
}

bool lockstep_sleep(Lockstep *l, uint64_t timeout_wall_ns)
{
    lockstep_lie_down(l);
    if (goes_on(l)) {
        lockstep_get_up(l);
        return true;
    }
    lockstep_unlock(l);
    return lockstep_doze(l, timeout_wall_ns);
}
