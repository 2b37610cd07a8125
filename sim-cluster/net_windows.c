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

/* ---- one round ----------------------------------------------------------- */

static bool bad_peer(const Net *net, unsigned i, GError **error)
{
    const LinkError *e = link_error(net->hosts[i].link);
    const ScnHost *h = g_ptr_array_index(net->scn->hosts, i);

    if (e) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED, "node %s: %s",
                    h->node.name, e->text);
    }
    return e != NULL;
}

/* Everything that has been sent, into the fabric. */
static bool take_in(Net *net, unsigned i, GError **error)
{
    NetHost *h = &net->hosts[i];
    const LinkMsg *m;

    while ((m = link_peek(h->link))) {
        if (m->kind == LINK_FRAME && !fabric_inject(net->fabric, h->node, m->ps,
                                                    m->data, m->len, error)) {
            g_prefix_error(error, "frame of host %u: ", i);
            return false;
        }
        link_consume(h->link);
    }
    return !bad_peer(net, i, error);
}

static bool run_fabric(Net *net, uint64_t until_ps, GError **error)
{
    /* First the horizon: what departs before it is in the rings by now. */
    uint64_t horizon_ps = lockstep_horizon_ps(net->lockstep);

    for (unsigned i = 0; i < net->scn->hosts->len; i++) {
        net->hosts[i].inbox_ps = LOCKSTEP_NEVER;
        if (net->hosts[i].link && !take_in(net, i, error)) {
            return false;
        }
    }
    fabric_run(net->fabric, MIN(horizon_ps, until_ps));
    return true;
}

static void publish(Net *net, uint64_t until_ps)
{
    LockstepFabric per_host[LOCKSTEP_MAX_HOSTS];

    for (unsigned i = 0; i < net->scn->hosts->len; i++) {
        NetHost *h = &net->hosts[i];

        per_host[i] =
            (LockstepFabric){ LOCKSTEP_NEVER, LOCKSTEP_NEVER, LOCKSTEP_NEVER };
        if (h->link) {
            per_host[i].pending_ps = link_peek_ps(h->link);
            per_host[i].inbox_ps = h->inbox_ps;
            per_host[i].delivery_ps =
                fabric_earliest_delivery_ps(net->fabric, h->node);
        }
    }
    if (net->fabric) {
        lockstep_engine_publish(net->lockstep, per_host,
                                fabric_now_ps(net->fabric),
                                fabric_next_ps(net->fabric));
    } else {
        lockstep_engine_publish(net->lockstep, per_host, until_ps,
                                LOCKSTEP_NEVER);
    }
}

static bool check_members(Net *net, GError **error)
{
    if (run_interrupt_error(error)) {
        return false;
    }
    for (unsigned i = 0; i < net->scn->hosts->len; i++) {
        const ScnHost *h = g_ptr_array_index(net->scn->hosts, i);

        if (net->hosts[i].present && net->hosts[i].link &&
            link_peer(net->hosts[i].link) == LINK_PEER_DEAD) {
            g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                        "node %s: QEMU died in the middle of a window",
                        h->node.name);
            return false;
        }
    }
    return true;
}

static bool is_done(Net *net, uint64_t until_ps)
{
    return lockstep_all_held(net->lockstep) &&
           (!net->fabric || fabric_now_ps(net->fabric) >= until_ps);
}

static bool windows(Net *net, uint64_t until_ps, GError **error)
{
    for (;;) {
        if (net->fabric && !run_fabric(net, until_ps, error)) {
            return false;
        }
        publish(net, until_ps);
        if (is_done(net, until_ps)) {
            return true;
        }
        if (!lockstep_engine_wait(net->lockstep, LOOK_WALL_NS) &&
            !check_members(net, error)) {
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
