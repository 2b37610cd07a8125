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
/* Before any member attaches. @spin: its CPU may poll. */
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
/* Run's instant of virtual time 0 of the host's next process. */
void lockstep_set_base(Lockstep *l, unsigned host, uint64_t base_ps);
/* The host's process has ended: it is AWAY. */
void lockstep_host_gone(Lockstep *l, unsigned host);

/* Departures before this have all been sent by now. */
uint64_t lockstep_horizon_ps(Lockstep *l);
/* @pending_ps: first stamp left in the ring from @host (NEVER: none).
 * @inbox_ps: first stamp newly put into the ring to it (NEVER: none).
 * @delivery_ps: the fabric delivers nothing to it before. */
typedef struct LockstepFabric {
    uint64_t pending_ps, inbox_ps, delivery_ps;
} LockstepFabric;
/* What the engine knows after it ran the fabric up to @now_ps; one entry of
 * @per_host a host. Wakes who can go on. */
void lockstep_engine_publish(Lockstep *l, const LockstepFabric *per_host,
                             uint64_t now_ps, uint64_t next_ps);
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
/* Lookahead between two hosts, chains included. */
uint64_t lockstep_reach_ps(const Lockstep *l, unsigned from, unsigned to);

/* ---- a host's side ------------------------------------------------------ */

typedef struct LockstepFuture {
    uint64_t act_ps;  /* neither vCPU nor timer acts before */
    uint64_t out_ps;  /* nothing departs before; >= act_ps */
    uint64_t sent_ps; /* link_unconsumed_ps() of its ring to the engine */
    uint64_t need_ps; /* a grant beyond this is of use */
} LockstepFuture;

/* The first stamp in the host's ring from the engine, in the run's time. Read
 * with the mutex held: what the engine puts there before it publishes must not
 * be missed. */
typedef uint64_t (*LockstepInboxFn)(void *opaque);

Lockstep *lockstep_attach(const char *path, unsigned host, char **ret_err);
/* Before the first publication. Without it nothing ever arrives. */
void lockstep_set_inbox(Lockstep *l, LockstepInboxFn inbox, void *opaque);
uint64_t lockstep_base_ps(const Lockstep *l);
/* The forced window; LOCKSTEP_NEVER: none. */
uint64_t lockstep_window_ps(const Lockstep *l);
/* Says @f; returns the grant. Wakes members of other groups who may go on. */
uint64_t lockstep_publish(Lockstep *l, const LockstepFuture *f);
/* After a publication whose grant was of no use: waits for one that is, or
 * for a message that is due, or for a kick. Returns the grant as it is then.
 * Not to be called with a lock that others of this process need. */
uint64_t lockstep_wait(Lockstep *l);
/* Any thread: a waiting lockstep_wait() returns. */
void lockstep_kick(Lockstep *l);
/* Stands at an instant the engine asked for, or takes no part. */
void lockstep_set_state(Lockstep *l, LockstepState state,
                        const LockstepFuture *f);

/* ---- both --------------------------------------------------------------- */

/* A member died while it changed the shared memory. */
bool lockstep_broken(const Lockstep *l);
/* The engine's also removes the file. NULL is fine. */
void lockstep_free(Lockstep *l);

#endif
