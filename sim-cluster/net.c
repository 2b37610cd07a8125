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
#define EGRESS_PS 1000u

static bool simulated(const Net *net)
{
    return net->scn->time->mode != SCN_MODE_WALL;
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
        net->hosts[i].egress_ps = EGRESS_PS;
        lockstep_set_group(net->lockstep, i, i % groups);
        lockstep_set_egress(net->lockstep, i, EGRESS_PS);
    }
    lockstep_set_group(net->lockstep, hosts, 0);
    lockstep_set_patience(net->lockstep, net_mutex_late, net);
    lockstep_set_spin(net->lockstep, cpus > 1);
    lockstep_set_window(net->lockstep, net->scn->time->window_ps);
    lockstep_set_quantum(net->lockstep, net->scn->time->quantum_ps);
    for (unsigned i = 0; i < hosts; i++) {
        for (unsigned k = 0; net->fabric && k < hosts; k++) {
            const NetHost *a = &net->hosts[i];
            const NetHost *b = &net->hosts[k];

            if (i != k && a->linked && b->linked) {
                lockstep_set_latency(
                    net->lockstep, i, k,
                    fabric_lookahead_ps(net->fabric, a->node, b->node));
            }
        }
    }
    if (!lockstep_close_paths(net->lockstep)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "no lookahead: two hosts reach each other in no time");
        return false;
    }
    return true;
}

Net *net_new(const Scenario *scn, const char *shm_dir, GError **error)
{
    g_autoptr(Net) net = g_new0(Net, 1);
    bool linked = topology_linked(scn->topology);

    net->scn = scn;
    net->cpu = -1;
    net->hosts = g_new0(NetHost, scn->hosts->len);
    net->gateways =
        g_ptr_array_new_with_free_func((GDestroyNotify)net_gateway_free);
    if (linked && !net_fabric_build(net, error)) {
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
    const NetHost *h = &net->hosts[host_index];

    if (!net->lockstep && simulated(net)) {
        add(argv, "-device", g_strdup("outrigger-clock"));
    } else if (net->lockstep) {
        lockstep_set_base(net->lockstep, host_index, net->now_ps);
        add(argv, "-device",
            g_strdup_printf("outrigger-clock,lockstep=%s,index=%u",
                            net->lockstep_path, host_index));
    }
    if (h->link) {
        add(argv, "-device",
            g_strdup_printf("outrigger-port,id=port0,link=%s",
                            link_path(h->link)));
    }
}

bool net_host_started(Net *net, unsigned host_index, GError **error)
{
    NetHost *h = &net->hosts[host_index];

    (void)error;
    net_lock(net);
    h->present = true;
    if (h->link && h->link_down) { /* a port begins with its link up */
        link_send_state(h->link, net->now_ps, 0, 0);
    }
    net_unlock(net);
    return true;
}

static uint64_t link_rate_bps(const Net *net, unsigned host_index)
{
    const Topology *t = net->scn->topology;

    for (unsigned i = 0; i < t->links->len; i++) {
        const TopoLink *l = g_ptr_array_index(t->links, i);

        for (unsigned end = 0; end < 2; end++) {
            const TopoNode *n = g_ptr_array_index(t->nodes, l->node[end]);

            if (n->kind == TOPO_HOST && n->index == host_index) {
                return l->rate_bps;
            }
        }
    }
    return 0;
}

void net_host_restored(Net *net, unsigned host_index)
{
    NetHost *h = &net->hosts[host_index];

    net_lock(net);
    h->present = true;
    if (h->link) {
        link_send_state(h->link, net->now_ps, 0,
                        h->link_down ? 0 : link_rate_bps(net, host_index));
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
    if (h->link) {
        link_reset(h->link, NULL);
    }
    h->present = false;
    net_unlock(net);
}
