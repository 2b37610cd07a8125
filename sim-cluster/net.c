/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net.c: the network of an execution: what its hosts are told to join.
 */
#include "net_priv.h"

#include <stdlib.h>

#include "runtime.h"

static uint64_t window_ps(const Scenario *scn)
{
    const char *w = getenv("OUTRIGGER_WINDOW_NS");

    return w ? (uint64_t)atoll(w) * 1000 : 0;
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
        lockstep_set_group(net->lockstep, i, i % groups);
    }
    lockstep_set_group(net->lockstep, hosts, 0);
    lockstep_set_spin(net->lockstep, cpus > 1);
    lockstep_set_window(net->lockstep, window_ps(net->scn));
    lockstep_close_paths(net->lockstep);
    return true;
}

Net *net_new(const Scenario *scn, const char *shm_dir, GError **error)
{
    g_autoptr(Net) net = g_new0(Net, 1);

    net->scn = scn;
    net->cpu = -1;
    net->hosts = g_new0(NetHost, scn->hosts->len);
    if (scn->time->mode != SCN_MODE_WALL && window_ps(scn) &&
        !join_lockstep(net, shm_dir, error)) {
        return NULL;
    }
    return g_steal_pointer(&net);
}

void net_free(Net *net)
{
    if (!net) {
        return;
    }
    lockstep_free(net->lockstep);
    g_free(net->lockstep_path);
    g_free(net->hosts);
    g_free(net);
}

static void add(GPtrArray *argv, const char *option, char *value)
{
    g_ptr_array_add(argv, g_strdup(option));
    g_ptr_array_add(argv, value);
}

void net_host_args(Net *net, unsigned host_index, GPtrArray *argv)
{
    if (net->scn->time->mode == SCN_MODE_WALL) {
        return;
    }
    if (!net->lockstep) {
        add(argv, "-device", g_strdup("outrigger-clock"));
        return;
    }
    lockstep_set_base(net->lockstep, host_index, net->now_ps);
    add(argv, "-device",
        g_strdup_printf("outrigger-clock,lockstep=%s,index=%u",
                        net->lockstep_path, host_index));
}

bool net_host_started(Net *net, unsigned host_index, GError **error)
{
    (void)error;
    net->hosts[host_index].present = true;
    return true;
}

void net_host_gone(Net *net, unsigned host_index)
{
    if (net->lockstep && net->hosts[host_index].present) {
        lockstep_host_gone(net->lockstep, host_index);
    }
    net->hosts[host_index].present = false;
}
