/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net.c: the network of an execution. Not modelled yet: links; hosts run side
 * by side by coarse grants alone.
 */
#include "net.h"

struct Net {
    const Scenario *scn;
};

Net *net_new(const Scenario *scn, const char *shm_dir, GError **error)
{
    Net *net = g_new0(Net, 1);

    (void)shm_dir;
    (void)error;
    net->scn = scn;
    return net;
}

void net_free(Net *net)
{
    g_free(net);
}

void net_host_args(Net *net, unsigned host_index, GPtrArray *argv)
{
    (void)host_index;
    if (net->scn->time->mode == SCN_MODE_WALL) {
        return;
    }
    g_ptr_array_add(argv, g_strdup("-device"));
    g_ptr_array_add(argv, g_strdup("outrigger-clock"));
}

bool net_host_started(Net *net, unsigned host_index, GError **error)
{
    (void)net;
    (void)host_index;
    (void)error;
    return true;
}

void net_host_gone(Net *net, unsigned host_index)
{
    (void)net;
    (void)host_index;
}

bool net_run(Net *net, uint64_t until_ps, GError **error)
{
    (void)net;
    (void)until_ps;
    (void)error;
    return true;
}
