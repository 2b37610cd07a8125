/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_proto.h: the shared memory in which emulated hosts and the engine
 * agree on time. docs/lockstep.md has the argument why it is exact.
 *
 * One file, made by the engine, mapped by every member. Everything but the
 * futex words and the sequence number is guarded by the mutex.
 *
 * Members are trusted (they are processes of one run); a member that dies
 * holding the mutex is found by its being robust.
 */
#ifndef OUTRIGGER_LOCKSTEP_PROTO_H
#define OUTRIGGER_LOCKSTEP_PROTO_H

#include <pthread.h>
#include <stdint.h>

#define LOCKSTEP_MAGIC UINT64_C(0x5045545345434b4c) /* "LKCESTEP" */
#define LOCKSTEP_VERSION 3u
#define LOCKSTEP_MAX_HOSTS 16u
#define LOCKSTEP_MAX_GROUPS 16u
#define LOCKSTEP_LINE 128

typedef enum LockstepState {
    LOCKSTEP_AWAY = 0, /* takes no part: sends nothing, waits for nothing */
    LOCKSTEP_RUNS,
    LOCKSTEP_WAITS,
    LOCKSTEP_HELD /* stands at an instant the engine has asked for */
} LockstepState;

/* What a member has said, and what was given to it. Instants are the run's. */
typedef struct LockstepSlot {
    _Alignas(LOCKSTEP_LINE) uint32_t wake; /* futex */
    uint32_t state;                        /* LockstepState */
    uint32_t group;
    uint32_t stands;    /* by, instead of sleeping */
    uint64_t act_ps;    /* nothing of it acts before */
    uint64_t out_ps;    /* it sends nothing that departs before */
    uint64_t sent_ps;   /* oldest departure the engine has not taken in */
    uint64_t inbox_ps;  /* oldest arrival it has not taken in */
    uint64_t need_ps;   /* a grant beyond this lets it do something */
    uint64_t egress_ps; /* least time from an arrival to a departure */
    uint64_t base_ps;   /* run's instant of its process's virtual time 0 */
    uint64_t engine_ps; /* the fabric delivers nothing to it before */
    /* counted */
    uint64_t windows, waits, wakes, wait_wall_ns;
    uint64_t waits_for[LOCKSTEP_MAX_HOSTS + 1];
    uint64_t joined_ps; /* takes in then what arrived before */
} LockstepSlot;

/* A group's CPU, see lockstep_wait.c. */
typedef struct LockstepCpu {
    uint64_t away_wall_ns;    /* a stranger had it for long until then */
    uint64_t since_wall_ns;   /* from then on it was lost to strangers */
    uint64_t lost_wall_ns;    /* for so long */
    uint64_t crowded_wall_ns; /* nobody yields it until then */
} LockstepCpu;

typedef struct LockstepShared {
    uint64_t magic;
    uint32_t version, bytes;
    uint32_t hosts, groups;
    uint32_t may_spin;  /* each group has a CPU of its own */
    uint64_t window_ps; /* 0: none is forced */
    pthread_mutex_t mutex;
    _Alignas(LOCKSTEP_LINE) uint32_t seq; /* of publications */
    uint32_t broken;                      /* a member died with the mutex */
    /* Earliest arrival at [to] after a departure from [from] at 0, over any
     * chain of hosts that react; from == to: the way there and back. */
    _Alignas(LOCKSTEP_LINE)
        uint64_t reach_ps[LOCKSTEP_MAX_HOSTS][LOCKSTEP_MAX_HOSTS];
    uint64_t fabric_next_ps; /* the engine's own next instant */
    uint64_t fabric_now_ps;  /* it has done everything before */
    uint64_t until_ps;       /* to where the engine wants everyone */
    uint64_t quantum_ps;     /* grants are at least so wide; 0: exact */
    uint64_t late_count[LOCKSTEP_MAX_HOSTS]; /* taken in after their stamp */
    uint64_t late_max_ps[LOCKSTEP_MAX_HOSTS];
    uint64_t turns; /* counts who was woken to have its group's CPU */
    uint64_t turn[LOCKSTEP_MAX_HOSTS + 1]; /* when each last was */
    LockstepCpu cpu[LOCKSTEP_MAX_GROUPS];
    LockstepSlot slot[LOCKSTEP_MAX_HOSTS + 1]; /* the last: the engine */
} LockstepShared;

_Static_assert(sizeof(LockstepSlot) == 256, "a slot is two lines");

#endif
