/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net.c: the network of an execution: what its hosts are told to join.
 */
#include "net_priv.h"

#include <inttypes.h>
#include <stdlib.h>

#include "runtime.h"
#include "scenario_net.h"

/* Least time from an arrival at a card to a departure from it: less than the
 * shortest frame takes at 600 Gbit/s, whatever the card. */
#define CARD_EGRESS_PS 1000u
#define WHOLE_NS_PS 999u /* what rounding up to one adds at most */

static bool simulated(const Net *net)
{
    return net->scn->time->mode != SCN_MODE_WALL;
}

/* A device adds its latency to the exact arrival, lockstep to the nanosecond
 * in which QEMU sees it. Traces and a longer frame only add to it. */
static uint64_t device_egress_ps(const TopoNode *n)
{
    uint64_t ps =
        n->latency_ps + switch_serialise_ps(SWITCH_MIN_BYTES, n->rate_bps);

    return ps > WHOLE_NS_PS ? ps - WHOLE_NS_PS : 1;
}

static uint64_t host_egress_ps(const Net *net, unsigned host)
{
    uint64_t ps = LOCKSTEP_NEVER;

    for (unsigned i = 0; i < net->n_ports; i++) {
        const NetPort *p = &net->ports[i];
        const TopoLink *l = net_topo_link(net, p->topo_link);

        for (unsigned end = 0; p->host == host && end < 2; end++) {
            const TopoNode *n = net_topo_node(net, l->node[end]);

            if (net->end_of[p->topo_link][end] == p->node) {
                ps = MIN(ps, n->device_host == TOPO_NONE ? CARD_EGRESS_PS
                                                         : device_egress_ps(n));
            }
        }
    }
    return ps == LOCKSTEP_NEVER ? CARD_EGRESS_PS : ps;
}

static void set_latencies(Net *net)
{
    for (unsigned i = 0; i < net->n_ports; i++) {
        for (unsigned k = 0; k < net->n_ports; k++) {
            const NetPort *a = &net->ports[i];
            const NetPort *b = &net->ports[k];

            if (a->host != b->host) {
                uint64_t ps =
                    fabric_lookahead_ps(net->fabric, a->node, b->node);

                ps =
                    MIN(ps, lockstep_reach_ps(net->lockstep, a->host, b->host));
                lockstep_set_latency(net->lockstep, a->host, b->host, ps);
            }
        }
    }
}

static bool join_lockstep(Net *net, const char *shm_dir, GError **error)
{
    unsigned hosts = net->scn->hosts->len;
    unsigned cpus = g_get_num_processors();
    unsigned groups = MIN(cpus, LOCKSTEP_MAX_GROUPS);
    char *text = NULL;

    net->lockstep_path = g_build_filename(shm_dir, "lockstep", NULL);
    net->lockstep = lockstep_create(net->lockstep_path, hosts, groups, &text);
    if (!net->lockstep) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED, "%s",
                    text ? text : "out of memory");
        free(text);
        return false;
    }
    for (unsigned i = 0; i < hosts; i++) {
        net->hosts[i].egress_ps = host_egress_ps(net, i);
        lockstep_set_group(net->lockstep, i, i % groups);
        lockstep_set_egress(net->lockstep, i, net->hosts[i].egress_ps);
    }
    lockstep_set_group(net->lockstep, hosts, 0);
    lockstep_set_patience(net->lockstep, net_mutex_late, net);
    lockstep_set_spin(net->lockstep, cpus > 1);
    lockstep_set_window(net->lockstep, net->scn->time->window_ps);
    lockstep_set_quantum(net->lockstep, net->scn->time->quantum_ps);
    set_latencies(net);
    if (!lockstep_close_paths(net->lockstep)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "no lookahead: two hosts reach each other in no time");
        return false;
    }
    return true;
}

/* What the fabric refuses comes from the scenario, or from a file it names. */
static bool build(Net *net, GError **error)
{
    GError *local = NULL;

    if (net_fabric_build(net, &local)) {
        return true;
    }
    if (local->domain == FABRIC_ERROR) {
        g_set_error_literal(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                            local->message);
        g_error_free(local);
    } else {
        g_propagate_error(error, local);
    }
    return false;
}

static Net *net_begin(const Scenario *scn)
{
    Net *net = g_new0(Net, 1);

    net->scn = scn;
    net->cpu = -1;
    net->hosts = g_new0(NetHost, scn->hosts->len);
    net->gateways =
        g_ptr_array_new_with_free_func((GDestroyNotify)net_gateway_free);
    return net;
}

bool net_check(const Scenario *scn, GError **error)
{
    g_autoptr(Net) net = net_begin(scn);

    return !simulated(net) || !topology_linked(scn->topology) ||
           build(net, error);
}

void net_set_cpu(Net *net, int cpu)
{
    net->cpu = cpu;
}

Net *net_new(const Scenario *scn, const char *shm_dir, GError **error)
{
    g_autoptr(Net) net = net_begin(scn);
    bool linked = topology_linked(scn->topology);

    if (linked && !build(net, error)) {
        return NULL;
    }
    if (simulated(net) && scn->hosts->len &&
        (linked || scn->time->window_ps || scn->time->quantum_ps) &&
        !join_lockstep(net, shm_dir, error)) {
        return NULL;
    }
    if (linked && !simulated(net)) {
        net_wall_start(net);
    }
    return g_steal_pointer(&net);
}

void net_free(Net *net)
{
    if (!net) {
        return;
    }
    net_wall_stop(net);
    lockstep_free(net->lockstep);
    net_fabric_free(net);
    g_free(net->lockstep_path);
    g_free(net->flow_base);
    g_free(net->hosts);
    g_free(net);
}

void net_set_tap(Net *net, NetTapFn tap, NetNoteFn note, void *opaque)
{
    net_lock(net);
    net->tap = tap;
    net->note = note;
    net->tap_opaque = opaque;
    net_unlock(net);
}

void net_set_watch(Net *net, NetWatchFn watch, void *opaque)
{
    net->watch = watch;
    net->watch_opaque = opaque;
}

/* ---- what is known of it ------------------------------------------------- */

const struct Fabric *net_fabric(const Net *net)
{
    return net->fabric;
}

uint32_t net_fabric_node(const Net *net, unsigned topo_node)
{
    return net->node_of[topo_node];
}

uint32_t net_fabric_end(const Net *net, unsigned link, unsigned end)
{
    return net->end_of[link][end];
}

uint64_t net_host_dropped_count(const Net *net, unsigned host_index)
{
    return net->hosts[host_index].dropped_count;
}

uint64_t net_lookahead_ps(const Net *net, unsigned host_index)
{
    uint64_t least_ps = UINT64_MAX;

    for (unsigned i = 0; net->lockstep && i < net->scn->hosts->len; i++) {
        least_ps =
            MIN(least_ps, lockstep_reach_ps(net->lockstep, i, host_index));
    }
    return least_ps;
}

uint64_t net_late_count(const Net *net, unsigned host_index)
{
    return net->lockstep && host_index < net->scn->hosts->len
               ? lockstep_late_count(net->lockstep, host_index)
               : 0;
}

uint64_t net_late_max_ps(const Net *net, unsigned host_index)
{
    return net->lockstep && host_index < net->scn->hosts->len
               ? lockstep_late_max_ps(net->lockstep, host_index)
               : 0;
}

void net_write_counters(const Net *net, const char *dir)
{
    unsigned hosts = net->scn->hosts->len;
    g_autoptr(GString) out = g_string_new("member,windows,waits,wakes,wait_ms");
    g_autofree char *path = g_build_filename(dir, "lockstep-wall.csv", NULL);

    if (!net->lockstep) {
        return;
    }
    for (unsigned i = 0; i <= hosts; i++) {
        g_string_append_printf(out, i < hosts ? ",for_%u" : ",for_engine", i);
    }
    g_string_append(out, ",late,late_max_ps\n");
    for (unsigned i = 0; i <= hosts; i++) {
        const LockstepSlot *s = lockstep_slot(net->lockstep, i);

        g_string_append_printf(out, i < hosts ? "%u" : "engine", i);
        g_string_append_printf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
                               s->windows, s->waits, s->wakes);
        g_string_append_printf(out, ",%" PRIu64, s->wait_wall_ns / 1000000);
        for (unsigned k = 0; k <= hosts; k++) {
            g_string_append_printf(out, ",%" PRIu64, s->waits_for[k]);
        }
        g_string_append_printf(out, ",%" PRIu64 ",%" PRIu64 "\n",
                               net_late_count(net, i), net_late_max_ps(net, i));
    }
    g_file_set_contents(path, out->str, (gssize)out->len, NULL);
}

/* ---- hosts --------------------------------------------------------------- */

static void add(GPtrArray *argv, const char *option, char *value)
{
    g_ptr_array_add(argv, g_strdup(option));
    g_ptr_array_add(argv, value);
}

void net_host_args(Net *net, unsigned host_index, GPtrArray *argv)
{
    if (!net->lockstep && simulated(net)) {
        add(argv, "-device", g_strdup("outrigger-clock"));
    } else if (net->lockstep) {
        lockstep_set_base(net->lockstep, host_index, net->now_ps);
        add(argv, "-device",
            g_strdup_printf("outrigger-clock,lockstep=%s,index=%u",
                            net->lockstep_path, host_index));
    }
    for (unsigned i = 0; i < net->n_ports; i++) {
        const NetPort *p = &net->ports[i];

        if (p->host == host_index) {
            add(argv, "-device",
                g_strdup_printf("outrigger-port,id=%s,link=%s", p->id,
                                link_path(p->link)));
        }
    }
}

bool net_host_started(Net *net, unsigned host_index, GError **error)
{
    (void)error;
    net_lock(net);
    net->hosts[host_index].present = true;
    for (unsigned i = 0; i < net->n_ports; i++) {
        NetPort *p = &net->ports[i];

        if (p->host == host_index && p->link_down) { /* it begins up */
            link_send_state(p->link, net->now_ps, 0, 0);
        }
    }
    net_unlock(net);
    return true;
}

void net_host_restored(Net *net, unsigned host_index)
{
    net_lock(net);
    net->hosts[host_index].present = true;
    for (unsigned i = 0; i < net->n_ports; i++) {
        NetPort *p = &net->ports[i];

        if (p->host == host_index) {
            link_send_state(
                p->link, net->now_ps, 0,
                p->link_down ? 0 : net_topo_link(net, p->topo_link)->rate_bps);
        }
    }
    net_unlock(net);
}

void net_host_gone(Net *net, unsigned host_index)
{
    NetHost *h = &net->hosts[host_index];

    if (net->lockstep && h->present) {
        lockstep_host_gone(net->lockstep, host_index);
    }
    net_lock(net);
    for (unsigned i = 0; i < net->n_ports; i++) {
        if (net->ports[i].host == host_index) {
            link_reset(net->ports[i].link, NULL);
        }
    }
    h->present = false;
    net_unlock(net);
}
