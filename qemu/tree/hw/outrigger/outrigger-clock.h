/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * outrigger-clock.h: what the icount loop asks of the outrigger-clock device.
 *
 * Without that device every function answers "as upstream".
 */
#ifndef OUTRIGGER_CLOCK_H
#define OUTRIGGER_CLOCK_H

#include "qemu/notify.h"

/* The device exists: virtual time never passes the grant. */
bool outrigger_clock_active(void);

/* @deadline_ns from now, clamped to the grant. Any thread. */
int64_t outrigger_clock_limit(int64_t deadline_ns);

/*
 * vCPU thread, big lock held, before vCPUs run: waits until everything that
 * may happen at this instant is known, does what is due, and waits for leave
 * to go on. True: no vCPU may run now.
 */
bool outrigger_clock_step(void);

/*
 * vCPU thread, big lock held: the host stands at its grant and everything due
 * there has run. Announces the edge the first time.
 */
bool outrigger_clock_holds(void);

/*
 * vCPU thread: the next translation block does not fit before the limit. True:
 * leave the loop before it (the limit is the edge of a window, at which
 * nothing happens); false: run an exact part of it.
 */
bool outrigger_clock_stops_short(void);

/* vCPU thread: whose turn it is after @cpu has run. */
struct CPUState *outrigger_clock_next_cpu(struct CPUState *cpu);

/* vCPU thread: the present vCPU waits in a loop (PAUSE); let others run. */
void outrigger_clock_yield(void);

/* Any thread: a vCPU is wanted (rr_kick_vcpu_thread). */
void outrigger_clock_kick(void);

/* As above, and no vCPU has been asked to stop or to do queued work. */
bool outrigger_clock_blocks(void);

/*
 * vCPU thread, big lock held: all vCPUs are idle. Moves the clock to the next
 * timer or to the grant and runs what is due. False: there is nothing to move
 * to, or the machine is stopped; wait.
 */
bool outrigger_clock_warp(void);

/* Called at each edge before it is announced. */
void outrigger_clock_add_edge_notifier(Notifier *n);

#endif
