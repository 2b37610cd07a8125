/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * outrigger-lockstep.h: a host's part in lockstep windows, for clock_qemu.c.
 *
 * Virtual nanoseconds throughout; lockstep_qemu.c knows where they lie in the
 * run. All functions: vCPU thread with the big lock, unless said otherwise.
 */
#ifndef OUTRIGGER_LOCKSTEP_QEMU_H
#define OUTRIGGER_LOCKSTEP_QEMU_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Error Error;

/* Joins the meeting place. */
bool outrigger_lockstep_join(const char *path, unsigned index, Error **errp);
bool outrigger_lockstep_joined(void);
/* The run's picoseconds of a virtual instant, and back. */
uint64_t outrigger_lockstep_run_ps(uint64_t virtual_ps);
uint64_t outrigger_lockstep_virtual_ps(uint64_t run_ps);

/* Everything that arrives up to this instant is known. Any thread. */
int64_t outrigger_lockstep_edge_ns(void);

/*
 * Asks to go beyond @need_ns, where nothing acts before @act_ns; waits, with
 * the big lock released, until that is granted or a message is due before.
 * False: interrupted (a vCPU is to stop or has work queued); come again.
 */
bool outrigger_lockstep_ask(int64_t act_ns, int64_t need_ns);

/* Stands at @now_ns until the engine grants more, and asks before it goes on. */
void outrigger_lockstep_hold(int64_t now_ns);

/*
 * The machine runs (again), or does not; no vCPU runs meanwhile. The first
 * puts virtual time @now_ns where nobody has gone past it, and returns by how
 * much that is later in the run than it would have been.
 */
int64_t outrigger_lockstep_come(int64_t now_ns);
void outrigger_lockstep_leave(int64_t now_ns);

/* The edge may be met at the end of a translation block before it. */
bool outrigger_lockstep_may_stop_short(void);

/*
 * It may wait at @now_ns, short of its edge. False: others, or the fabric, may
 * wait for what it could send up to there; it goes up to the edge exactly.
 */
bool outrigger_lockstep_may_wait_short(int64_t now_ns);

/* A message was taken in so long after its stamp. */
void outrigger_lockstep_count_late(uint64_t late_ps);

/* Any thread: ends a wait. */
void outrigger_lockstep_kick(void);

#endif
