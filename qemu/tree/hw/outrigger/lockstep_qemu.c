/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_qemu.c: a host's part in lockstep windows (link/lockstep.h).
 *
 * Only the vCPU thread waits, with the big lock released, so the monitor
 * answers and stop, reset and quit work at any edge. A machine that does not
 * run takes no part.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "hw/core/cpu.h"
#include "system/cpu-timers.h"
#include "system/runstate.h"
#include "link/lockstep.h"
#include "outrigger-lockstep.h"
#include "outrigger-port.h"
#include "trace.h"

#define PS 1000
/* A translation block has at most 512 instructions; both ways of a cycle may
 * stop short by one. */
#define SHORT_NS 2048

static Lockstep *meeting;
static unsigned me;
static int64_t edge_ns = INT64_MAX;
static bool may_stop_short;
static bool takes_part;
static bool to_the_edge; /* exactly, this time */

bool outrigger_lockstep_joined(void)
{
    return meeting != NULL;
}

uint64_t outrigger_lockstep_run_ps(uint64_t virtual_ps)
{
    uint64_t base_ps = meeting ? lockstep_base_ps(meeting) : 0;

    return virtual_ps == UINT64_MAX ? virtual_ps : virtual_ps + base_ps;
}

uint64_t outrigger_lockstep_virtual_ps(uint64_t run_ps)
{
    uint64_t ps = run_ps - (meeting ? lockstep_base_ps(meeting) : 0);

    /* What came while the machine stood still: long ago. */
    return run_ps == UINT64_MAX ? run_ps : (int64_t)ps < 0 ? 0 : ps;
}

int64_t outrigger_lockstep_edge_ns(void)
{
    return edge_ns;
}

bool outrigger_lockstep_may_stop_short(void)
{
    return may_stop_short && !to_the_edge;
}

static uint64_t to_ps(int64_t ns)
{
    return ns > INT64_MAX / PS ? UINT64_MAX : (uint64_t)ns * PS;
}

static void set_edge(uint64_t grant_ps)
{
    uint64_t ps = outrigger_lockstep_virtual_ps(grant_ps);

    if (ps == UINT64_MAX) {
        edge_ns = INT64_MAX;
    } else {
        /* Exclusive: at the edge itself everything is known. */
        edge_ns = ps ? (int64_t)((ps - 1) / PS) : 0;
    }
}

static LockstepFuture future(int64_t act_ns, int64_t need_ns)
{
    uint64_t act_ps = to_ps(act_ns);
    LockstepFuture f = {
        .act_ps = outrigger_lockstep_run_ps(act_ps),
        .out_ps = outrigger_lockstep_run_ps(outrigger_ports_output_ps(act_ps)),
        .need_ps = outrigger_lockstep_run_ps(to_ps(need_ns)),
    };

    return f;
}

static LockstepRings rings(void *opaque)
{
    LockstepRings r = {
        .sent_ps = outrigger_ports_sent_ps(),
        .inbox_ps = outrigger_lockstep_run_ps(outrigger_ports_inbox_ps()),
    };

    return r;
}

bool outrigger_lockstep_may_wait_short(int64_t now_ns)
{
    uint64_t out_ps = outrigger_ports_output_ps(to_ps(now_ns));

    to_the_edge = out_ps != UINT64_MAX && out_ps <= to_ps(edge_ns + 1);
    return !to_the_edge;
}

static bool interrupted(void)
{
    CPUState *cpu;

    CPU_FOREACH(cpu)
    {
        if (cpu->stop || cpu->unplug || !cpu_work_list_empty(cpu)) {
            return true;
        }
    }
    return !runstate_is_running();
}

/* A message that is due before what was asked for is as good. */
static bool of_use(int64_t need_ns)
{
    uint64_t inbox_ps = outrigger_ports_inbox_ps();
    int64_t inbox_ns = INT64_MAX;

    if (inbox_ps != UINT64_MAX) {
        inbox_ns = (int64_t)((inbox_ps + PS - 1) / PS);
    }
    return edge_ns >= MIN(need_ns, inbox_ns);
}

bool outrigger_lockstep_ask(int64_t act_ns, int64_t need_ns)
{
    LockstepFuture f = future(act_ns, need_ns);

    to_the_edge = false;
    set_edge(lockstep_publish(meeting, &f));
    while (!of_use(need_ns)) {
        uint64_t grant_ps;

        if (interrupted()) {
            lockstep_stay(meeting);
            return false;
        }
        bql_unlock();
        grant_ps = lockstep_wait(meeting);
        bql_lock();
        set_edge(grant_ps);
        if (!of_use(need_ns)) {
            /* Kicked. Say it again: what was said may be out of date. */
            f = future(act_ns, need_ns);
            set_edge(lockstep_publish(meeting, &f));
        }
    }
    lockstep_stay(meeting);
    return true;
}

void outrigger_lockstep_hold(int64_t now_ns)
{
    LockstepFuture f = future(now_ns, INT64_MAX);

    edge_ns = now_ns; /* a host that joins here may send what arrives after */
    lockstep_set_state(meeting, LOCKSTEP_HELD, &f);
}

int64_t outrigger_lockstep_come(int64_t now_ns)
{
    uint64_t before_ps = lockstep_base_ps(meeting);

    lockstep_join(meeting, to_ps(now_ns));
    takes_part = true;
    edge_ns = -1; /* ask before anything happens */
    return (int64_t)((lockstep_base_ps(meeting) - before_ps) / PS);
}

void outrigger_lockstep_leave(int64_t now_ns)
{
    LockstepFuture away = { outrigger_lockstep_run_ps(to_ps(now_ns)),
                            UINT64_MAX, UINT64_MAX };

    if (takes_part) {
        lockstep_set_state(meeting, LOCKSTEP_AWAY, &away);
        takes_part = false;
    }
}

void outrigger_lockstep_count_late(uint64_t late_ps)
{
    if (meeting) {
        lockstep_count_late(meeting, late_ps);
    }
}

void outrigger_lockstep_kick(void)
{
    if (meeting) {
        lockstep_kick(meeting);
    }
}

bool outrigger_lockstep_join(const char *path, unsigned index, Error **errp)
{
    char *error = NULL;
    uint64_t cycle_ps;

    meeting = lockstep_attach(path, index, &error);
    if (!meeting) {
        error_setg(errp, "%s", error ? error : "out of memory");
        free(error);
        return false;
    }
    me = index;
    lockstep_set_rings(meeting, rings, NULL);
    cycle_ps =
        MIN(lockstep_reach_ps(meeting, me, me), lockstep_window_ps(meeting));
    cycle_ps = MAX(cycle_ps, lockstep_quantum_ps(meeting));
    may_stop_short = cycle_ps >= icount_to_ns(SHORT_NS) * (uint64_t)PS;
    edge_ns = -1;
    return true;
}
