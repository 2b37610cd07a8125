/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep.h: conservative time windows between emulated hosts that meet in
 * shared memory, without a process in the middle.
 *
 * A host says what it knows of its own future (LockstepFuture) and gets a
 * grant: an instant that it must not pass yet, because something from
 * another host, or from the fabric, may still arrive there. When the grant
 * does not let it do anything, it waits.
 *
 * Instants: picoseconds of the run, LOCKSTEP_NEVER for "not at all". A grant
 * is exclusive: everything strictly before it is known.
 *
 * Waiting: members of one group share one CPU. The last of a group that can
 * go on polls for a while, since waking a sleeping CPU costs more than a
 * window; everyone else sleeps and is woken by a member of its own group.
 *
 * Threads: one thread a handle, except lockstep_kick(). No GLib, no QEMU.
 * Errors: functions with @ret_err give a malloc'ed line.
 */
#ifndef OUTRIGGER_LOCKSTEP_H
#define OUTRIGGER_LOCKSTEP_H

#include <stdbool.h>
#include <stdint.h>

#include "lockstep_proto.h"

#define LOCKSTEP_NEVER UINT64_MAX

typedef struct Lockstep Lockstep;

/* ---- the engine's side -------------------------------------------------- */

/* Makes the file. Every host starts AWAY, unreachable, in group 0. */
Lockstep *lockstep_create(const char *path, unsigned hosts, unsigned groups,
                          char **ret_err);
/* Before any member attaches. @spin: its CPU may be polled on, and yielded. */
void lockstep_set_group(Lockstep *l, unsigned member, unsigned group);
void lockstep_set_spin(Lockstep *l, bool spin);
void lockstep_set_egress(Lockstep *l, unsigned host, uint64_t egress_ps);
/* Least time from a departure at @from to an arrival at @to, through links
 * and switches. Call lockstep_close_paths() after the last. */
void lockstep_set_latency(Lockstep *l, unsigned from, unsigned to,
                          uint64_t latency_ps);
/* Chains of hosts. false: a cycle takes no time, there is no lookahead. */
bool lockstep_close_paths(Lockstep *l);
/* Nobody gets more than @window_ps ahead of the last; 0: no such limit. */
void lockstep_set_window(Lockstep *l, uint64_t window_ps);
/* Relaxed: whatever may still arrive, nobody waits for another before it is
 * @quantum_ps ahead of the last. What arrives before the instant at which its
 * receiver then stands is late by at most as much. 0: exact. */
void lockstep_set_quantum(Lockstep *l, uint64_t quantum_ps);
/* Called while the engine has waited for the mutex for half a second, again
 * and again: its holder hangs. Once that process is dead, the wait ends, with
 * lockstep_broken(). */
typedef void (*LockstepLateFn)(void *opaque);
void lockstep_set_patience(Lockstep *l, LockstepLateFn late, void *opaque);
/* The host's next process joins at @base_ps at the earliest. */
void lockstep_set_base(Lockstep *l, unsigned host, uint64_t base_ps);
/* The host's process has ended: it is AWAY. */
void lockstep_host_gone(Lockstep *l, unsigned host);

/* What the engine knows of one host's rings. */
typedef struct LockstepFabric {
    uint64_t pending_ps;  /* first stamp left in the ring from it, or NEVER */
    uint64_t inbox_ps;    /* first stamp newly put into the ring to it */
    uint64_t delivery_ps; /* the fabric delivers nothing to it before */
} LockstepFabric;

typedef struct LockstepNews {
    LockstepFabric host[LOCKSTEP_MAX_HOSTS]; /* all NEVER to begin with */
    uint64_t now_ps;  /* the fabric has done everything before */
    uint64_t next_ps; /* its own next instant */
} LockstepNews;

typedef struct LockstepTurn {
    uint64_t horizon_ps; /* what departs before is in the fabric by now */
    bool all_held;       /* lockstep_all_held() */
} LockstepTurn;

/*
 * A turn of the engine: takes in all rings from hosts and says what it knows.
 * @fill does both, with the mutex held: a frame is never out of a ring and not
 * yet among what the engine has said. Wakes who can go on.
 *
 * After it the engine may run the fabric and fill the rings to hosts: up to
 * the horizon, but not beyond a delivery plus its receiver's egress time (the
 * receiver may answer), nor beyond the instant of lockstep_set_until().
 */
typedef void (*LockstepFillFn)(void *opaque, LockstepNews *news);
LockstepTurn lockstep_engine_turn(Lockstep *l, LockstepFillFn fill,
                                  void *opaque);
/* Sleeps until the engine has something to do: messages to take in, a later
 * horizon for a fabric that has something before it, or lockstep_all_held().
 * At most @timeout_wall_ns. false: time-out. */
bool lockstep_engine_wait(Lockstep *l, uint64_t timeout_wall_ns);
/* To where everyone is to go; before the first wait of a run. */
void lockstep_set_until(Lockstep *l, uint64_t until_ps);
/* Between runs the engine takes no part. */
void lockstep_engine_leave(Lockstep *l);
/* Every host is AWAY, or HELD where lockstep_set_until() said. */
bool lockstep_all_held(Lockstep *l);
/* For reports. */
const LockstepSlot *lockstep_slot(const Lockstep *l, unsigned member);
/* Messages that @host took in late, and by how much at most. */
uint64_t lockstep_late_count(const Lockstep *l, unsigned host);
uint64_t lockstep_late_max_ps(const Lockstep *l, unsigned host);
/* Lookahead between two hosts, chains included. */
uint64_t lockstep_reach_ps(const Lockstep *l, unsigned from, unsigned to);

/* ---- a host's side ------------------------------------------------------ */

typedef struct LockstepFuture {
    uint64_t act_ps;  /* neither vCPU nor timer acts before */
    uint64_t out_ps;  /* nothing departs before; >= act_ps */
    uint64_t need_ps; /* a grant beyond this is of use */
} LockstepFuture;

/* A host's own view of its rings, in the run's time. */
typedef struct LockstepRings {
    uint64_t sent_ps;  /* link_unconsumed_ps() of its ring to the engine */
    uint64_t inbox_ps; /* first stamp in its ring from the engine */
} LockstepRings;

/* Called with the mutex held: what the engine puts there before it publishes
 * must not be missed. */
typedef LockstepRings (*LockstepRingsFn)(void *opaque);

Lockstep *lockstep_attach(const char *path, unsigned host, char **ret_err);
/* Before the first publication. Without it nothing ever arrives. */
void lockstep_set_rings(Lockstep *l, LockstepRingsFn rings, void *opaque);
/* The host comes (back) to the run with its virtual clock at @virtual_ps, a
 * whole nanosecond: sets its base so that this is where it left, or later if
 * others have gone on. */
void lockstep_join(Lockstep *l, uint64_t virtual_ps);
/* Run's instant of virtual time 0, modulo 2^64. */
uint64_t lockstep_base_ps(const Lockstep *l);
/* The forced window; LOCKSTEP_NEVER: none. */
uint64_t lockstep_window_ps(const Lockstep *l);
/* 0: exact. */
uint64_t lockstep_quantum_ps(const Lockstep *l);
/* A message was taken in @late_ps after its stamp. Counted if relaxed. */
void lockstep_count_late(Lockstep *l, uint64_t late_ps);
/* Says @f; returns the grant. Wakes members of other groups who may go on. If
 * the grant is of no use, the member has given its CPU to another of its group:
 * lockstep_wait(), until it is of use, or lockstep_stay() must follow. */
uint64_t lockstep_publish(Lockstep *l, const LockstepFuture *f);
/* Waits for a grant that is of use, or for a message that is due, or for a
 * kick since the publication. Returns the grant as it is then. Not to be called
 * with a lock that others of this process need. */
uint64_t lockstep_wait(Lockstep *l);
/* Or: it has something else to do than to wait, or need not any more. */
void lockstep_stay(Lockstep *l);
/* Any thread: a waiting lockstep_wait() returns. */
void lockstep_kick(Lockstep *l);
/* Stands at @f->act_ps, which the engine asked for, and may not go on by what
 * was granted before (others join at such instants); or takes no part from
 * then on. */
void lockstep_set_state(Lockstep *l, LockstepState state,
                        const LockstepFuture *f);

/* ---- both --------------------------------------------------------------- */

/* A member died while it changed the shared memory. */
bool lockstep_broken(const Lockstep *l);
/* The engine's also removes the file. NULL is fine. */
void lockstep_free(Lockstep *l);

#endif
