/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_int.h: inside of lockstep. lockstep_grant.c is arithmetic on the
 * shared memory with the mutex held; lockstep_wait.c sleeps and wakes.
 */
#ifndef OUTRIGGER_LOCKSTEP_INT_H
#define OUTRIGGER_LOCKSTEP_INT_H

#include "lockstep.h"

/* What a member that waits is to do. */
typedef enum LockstepLook {
    LOCKSTEP_GO = 0,
    LOCKSTEP_YIELD, /* another of its CPU can go on */
    LOCKSTEP_POLL   /* nobody of its CPU can */
} LockstepLook;

struct Lockstep {
    LockstepShared *s;
    unsigned me; /* s->hosts: the engine */
    char *path;  /* the engine's: removed at the end; else NULL */
    bool spin;
    LockstepRingsFn rings; /* a host's; may be NULL */
    void *rings_opaque;
    LockstepLateFn late; /* the engine's; may be NULL */
    void *late_opaque;
    uint32_t woken;  /* members to wake after the mutex is free, a bit each */
    bool news;       /* something others may wait for has changed */
    uint32_t kicked; /* futex word when this member last looked */
    bool lies;       /* between lockstep_lie_down() and _get_up() */
    uint64_t now_wall_ns; /* when it last looked at the clock */
    bool crowded;         /* its CPU is not to be yielded */
    LockstepLook look;    /* what it is to do while it lies */
    uint32_t seq; /* the sequence, as far as a polling member knows it */
};

#define LOCKSTEP_NS 1000u

static inline uint64_t lockstep_sum(uint64_t a, uint64_t b)
{
    return a > LOCKSTEP_NEVER - b ? LOCKSTEP_NEVER : a + b;
}

/* ---- lockstep_grant.c: mutex held --------------------------------------- */

/* Earliest departure of anything from host @i, its own reasons only. */
uint64_t lockstep_own_out(const LockstepShared *s, unsigned i);
/* Exclusive; *ret_who: the member that limits it. */
uint64_t lockstep_grant(const LockstepShared *s, unsigned host,
                        unsigned *ret_who);
/*
 * The grant, or as much of it as the host should use before it speaks again:
 * others may be waiting to hear how far it is, and two hosts that each use all
 * of their grants would take turns instead of running side by side. Of use if
 * the grant is.
 */
uint64_t lockstep_leave(const LockstepShared *s, unsigned host,
                        unsigned *ret_who);
/* A grant beyond this lets it do something. */
uint64_t lockstep_wanted(const LockstepShared *s, unsigned host);
/* A member that waits could go on. */
bool lockstep_ready(const LockstepShared *s, unsigned member);
uint64_t lockstep_out_horizon(const LockstepShared *s);
bool lockstep_held(const LockstepShared *s);
/* The first instant at which @host may take part (again). */
uint64_t lockstep_entry(const LockstepShared *s, unsigned host);
/* Floyd-Warshall over reach_ps, with each host's reaction in between. */
bool lockstep_close(LockstepShared *s);

/* ---- lockstep_wait.c ---------------------------------------------------- */

void lockstep_lock(Lockstep *l);
void lockstep_unlock(Lockstep *l);
/* Mutex held: wakes members of groups in which nobody runs or stands by; and
 * of its own group when @own. Who polls is told by lockstep_unlock(). */
void lockstep_announce(Lockstep *l, bool own);
/* Takes note of kicks so far: a later one ends the next sleep. */
void lockstep_sample(Lockstep *l);
void lockstep_poke(Lockstep *l);
/* Mutex held: the member WAITS; it stands by, or gives its CPU to another. */
void lockstep_lie_down(Lockstep *l);
void lockstep_get_up(Lockstep *l);
/* After lockstep_lie_down(), with the mutex free; held on return. Until ready,
 * kicked or timed out; false: timed out. The member RUNS after. */
bool lockstep_doze(Lockstep *l, uint64_t timeout_wall_ns);
/* Mutex held: the CPU of @c was yielded for so long. */
void lockstep_note_yield(LockstepCpu *c, uint64_t began_wall_ns,
                         uint64_t ended_wall_ns);
/* Lying down and dozing, with the mutex held on entry. */
bool lockstep_sleep(Lockstep *l, uint64_t timeout_wall_ns);

#endif
