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
#define LOOK_TURNS 256u     /* looks at the clock once in so many turns */
#define ALONE_PS 100000000u /* simulated: the same without hosts */

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
    const LinkError *e = link_error(net->ports[i].link);
    const ScnHost *h = g_ptr_array_index(net->scn->hosts, net->ports[i].host);

    if (e) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED, "node %s: %s",
                    h->node.name, e->text);
    }
    return e != NULL;
}

/* Of a legal size for the channel, but not for a wire, or in the past. */
static bool bad_frame(const Net *net, const NetPort *p, GError **error)
{
    const ScnHost *h = g_ptr_array_index(net->scn->hosts, p->host);

    g_prefix_error(error, "node %s: its device sent: ", h->node.name);
    return false;
}

/* Everything that has been sent, into the fabric. */
static bool take_in(Net *net, unsigned i, GError **error)
{
    NetPort *p = &net->ports[i];
    const LinkMsg *m;

    while ((m = link_peek(p->link))) {
        if (m->kind == LINK_FRAME && !fabric_inject(net->fabric, p->node, m->ps,
                                                    m->data, m->len, error)) {
            return bad_frame(net, p, error);
        }
        link_consume(p->link);
    }
    return !bad_peer(net, i, error);
}

bool net_take_in(Net *net, GError **error)
{
    for (unsigned i = 0; i < net->n_ports; i++) {
        if (!take_in(net, i, error)) {
            return false;
        }
    }
    return true;
}

/* LockstepFillFn. */
static void fill(void *opaque, LockstepNews *news)
{
    Net *net = opaque;

    news->now_ps = net->now_ps;
    for (unsigned i = 0; i < net->n_ports && !net->windows_error; i++) {
        take_in(net, i, &net->windows_error);
    }
    if (!net->fabric) {
        return;
    }
    for (unsigned i = 0; i < net->n_ports; i++) {
        NetPort *p = &net->ports[i];
        LockstepFabric *h = &news->host[p->host];

        h->inbox_ps = MIN(h->inbox_ps, p->inbox_ps);
        h->delivery_ps = MIN(h->delivery_ps,
                             fabric_earliest_delivery_ps(net->fabric, p->node));
        p->inbox_ps = LOCKSTEP_NEVER;
    }
    news->now_ps = fabric_now_ps(net->fabric);
    news->next_ps = fabric_next_ps(net->fabric);
}

/* The first answer of a host to what the fabric has for it. */
static uint64_t answer_ps(const Net *net)
{
    uint64_t least_ps = LOCKSTEP_NEVER;

    for (unsigned i = 0; i < net->n_ports; i++) {
        const NetPort *p = &net->ports[i];
        const NetHost *h = &net->hosts[p->host];

        if (h->present) {
            uint64_t at_ps = fabric_earliest_delivery_ps(net->fabric, p->node);

            at_ps = MIN(at_ps, p->inbox_ps);
            if (at_ps != LOCKSTEP_NEVER) {
                least_ps = MIN(least_ps, at_ps + h->egress_ps);
            }
        }
    }
    return least_ps;
}

/* True: it has moved on. */
static bool run_fabric(Net *net, uint64_t limit_ps)
{
    uint64_t began_ps = fabric_now_ps(net->fabric);
    uint64_t to_ps;

    while ((to_ps = MIN(limit_ps, answer_ps(net))) >
           fabric_now_ps(net->fabric)) {
        fabric_run(net->fabric, to_ps);
    }
    return fabric_now_ps(net->fabric) > began_ps;
}

static bool check_members(Net *net, GError **error)
{
    net->watched_us = g_get_monotonic_time();
    if (net->windows_error) {
        g_propagate_error(error, g_steal_pointer(&net->windows_error));
        return false;
    }
    if (run_interrupt_error(error) ||
        (net->watch && !net->watch(net->watch_opaque, error))) {
        return false;
    }
    for (unsigned i = 0; i < net->n_ports; i++) {
        const NetPort *p = &net->ports[i];
        const ScnHost *h = g_ptr_array_index(net->scn->hosts, p->host);

        if (!net->watch && net->hosts[p->host].present &&
            link_peer(p->link) == LINK_PEER_DEAD) {
            g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                        "node %s: QEMU died in the middle of a window",
                        h->node.name);
            return false;
        }
    }
    return true;
}

/* LockstepLateFn. Whoever holds it is stopped or dead: killed, it lets go. */
void net_mutex_late(void *opaque)
{
    Net *net = opaque;

    if (!net->windows_error && net->watch) {
        net->watch(net->watch_opaque, &net->windows_error);
    }
}

/* The engine may have work all the time, too, while a host is lost. */
static bool is_check_due(const Net *net, unsigned turns)
{
    return turns % LOOK_TURNS == 0 &&
           g_get_monotonic_time() - net->watched_us >= LOOK_WALL_NS / 1000;
}

static bool windows(Net *net, uint64_t until_ps, GError **error)
{
    for (unsigned turns = 1;; turns++) {
        LockstepTurn turn = lockstep_engine_turn(net->lockstep, fill, net);

        if (net->windows_error) {
            return check_members(net, error);
        }
        /* With what arrives at that very instant. */
        if (net->fabric &&
            run_fabric(net, MIN(turn.horizon_ps, until_ps + 1))) {
            continue;
        }
        if (turn.all_held) {
            return true;
        }
        if ((!lockstep_engine_wait(net->lockstep, LOOK_WALL_NS) ||
             is_check_due(net, turns)) &&
            !check_members(net, error)) {
            return false;
        }
        if (lockstep_broken(net->lockstep)) {
            if (check_members(net, error)) {
                g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                            "a QEMU died while it spoke to the others");
            }
            return false;
        }
    }
}

/* A fabric without a full host meets nobody. */
static bool run_alone(Net *net, uint64_t until_ps, GError **error)
{
    uint64_t warm_ps = net_warmup_ps(net);

    while (net->fabric && fabric_now_ps(net->fabric) <= until_ps) {
        uint64_t now_ps = fabric_now_ps(net->fabric);
        uint64_t to_ps = MIN(now_ps + ALONE_PS, until_ps + 1);

        if (run_interrupt_error(error)) {
            return false;
        }
        if (now_ps < warm_ps) {
            to_ps = MIN(to_ps, warm_ps);
        } else if (now_ps == warm_ps && warm_ps) {
            net_transport_warm(net);
        }
        fabric_run(net->fabric, to_ps);
    }
    return true;
}

/* A turn without running the fabric. Its errors are the next turn's. */
void net_tell(Net *net, uint64_t until_ps)
{
    if (net->lockstep) {
        lockstep_set_until(net->lockstep, until_ps);
        lockstep_engine_turn(net->lockstep, fill, net);
        lockstep_engine_leave(net->lockstep);
    }
}

bool net_run(Net *net, uint64_t until_ps, GError **error)
{
    cpu_set_t before;
    bool ok;

    net->now_ps = until_ps;
    if (!net->lockstep) {
        return net->wall || run_alone(net, until_ps, error);
    }
    pin(net, &before);
    lockstep_set_until(net->lockstep, until_ps);
    ok = windows(net, until_ps, error);
    lockstep_engine_leave(net->lockstep);
    unpin(&before);
    return ok;
}
