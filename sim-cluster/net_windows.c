/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_windows.c: the engine as one member of the lockstep meeting: takes in
 * what hosts have sent, runs the fabric as far as nothing more can be sent
 * before, hands over what it delivers, and says so.
 */
#include "net_priv.h"

#include <sched.h>

#include "run_interrupt.h"
#include "runtime.h"

/* How often the engine looks whether somebody wants the run to end. */
#define LOOK_WALL_NS 200000000u

static void pin(const Net *net, cpu_set_t *ret_before)
{
    cpu_set_t set;

    sched_getaffinity(0, sizeof(*ret_before), ret_before);
    if (net->cpu >= 0) {
        CPU_ZERO(&set);
        CPU_SET((unsigned)net->cpu, &set);
        sched_setaffinity(0, sizeof(set), &set);
    }
}

static void unpin(const cpu_set_t *before)
{
    sched_setaffinity(0, sizeof(*before), before);
}

static void publish(Net *net, uint64_t now_ps)
{
    LockstepFabric per_host[LOCKSTEP_MAX_HOSTS];

    for (unsigned i = 0; i < net->scn->hosts->len; i++) {
        per_host[i] =
            (LockstepFabric){ LOCKSTEP_NEVER, LOCKSTEP_NEVER, LOCKSTEP_NEVER };
    }
    lockstep_engine_publish(net->lockstep, per_host, now_ps, LOCKSTEP_NEVER);
}

static bool windows(Net *net, uint64_t until_ps, GError **error)
{
    for (;;) {
        publish(net, until_ps);
        if (lockstep_all_held(net->lockstep)) {
            return true;
        }
        if (!lockstep_engine_wait(net->lockstep, LOOK_WALL_NS) &&
            run_interrupt_error(error)) {
            return false;
        }
        if (lockstep_broken(net->lockstep)) {
            g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                        "a QEMU died while it spoke to the others");
            return false;
        }
    }
}

bool net_run(Net *net, uint64_t until_ps, GError **error)
{
    cpu_set_t before;
    bool ok;

    net->now_ps = until_ps;
    if (!net->lockstep) {
        return true;
    }
    pin(net, &before);
    lockstep_set_until(net->lockstep, until_ps);
    ok = windows(net, until_ps, error);
    lockstep_engine_leave(net->lockstep);
    unpin(&before);
    return ok;
}
