/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_wall.c: the fabric in wall mode. Hosts run free; a thread of its own
 * takes in what they send, lets the fabric follow the wall clock and hands
 * over what it delivers.
 *
 * Not exact: frames depart and arrive when the thread looks, up to a
 * millisecond late. Nothing repeats; for a person at a console.
 */
#include "net_priv.h"

#include <string.h>

#define LOOK_WALL_US 250
#define IDLE_WALL_US 1000

struct NetWall {
    GThread *thread;
    GMutex mutex; /* fabric and rings */
    gint64 begin_wall_us;
    int stop;
};

static uint64_t now_ps(const NetWall *w)
{
    return (uint64_t)(g_get_monotonic_time() - w->begin_wall_us) * 1000000u;
}

/* True: something moved. A frame that the fabric refuses is dropped. */
static bool take_in(Net *net, NetPort *p)
{
    const LinkMsg *m;
    bool moved = false;

    while ((m = link_peek(p->link))) {
        if (m->kind == LINK_FRAME &&
            !fabric_inject(net->fabric, p->node, fabric_now_ps(net->fabric),
                           m->data, m->len, NULL)) {
            net->hosts[p->host].dropped_count++;
        }
        link_consume(p->link);
        moved = true;
    }
    return moved;
}

static bool look(Net *net)
{
    bool moved = false;

    g_mutex_lock(&net->wall->mutex);
    for (unsigned i = 0; i < net->n_ports; i++) {
        moved |= take_in(net, &net->ports[i]);
    }
    moved |= fabric_frames_inside(net->fabric) > 0;
    fabric_run(net->fabric, now_ps(net->wall));
    for (unsigned i = 0; i < net->gateways->len; i++) {
        moved |= net_gateway_look(g_ptr_array_index(net->gateways, i));
    }
    g_mutex_unlock(&net->wall->mutex);
    return moved;
}

static gpointer follow(gpointer opaque)
{
    Net *net = opaque;

    while (!g_atomic_int_get(&net->wall->stop)) {
        g_usleep(look(net) ? LOOK_WALL_US : IDLE_WALL_US);
    }
    return NULL;
}

void net_wall_start(Net *net)
{
    net->wall = g_new0(NetWall, 1);
    g_mutex_init(&net->wall->mutex);
    net->wall->begin_wall_us = g_get_monotonic_time();
    net->wall->thread = g_thread_new("fabric", follow, net);
}

void net_wall_stop(Net *net)
{
    NetWall *w = net->wall;

    if (!w) {
        return;
    }
    g_atomic_int_set(&w->stop, 1);
    g_thread_join(w->thread);
    g_mutex_clear(&w->mutex);
    g_free(w);
    net->wall = NULL;
}

void net_lock(Net *net)
{
    if (net->wall) {
        g_mutex_lock(&net->wall->mutex);
    }
}

void net_unlock(Net *net)
{
    if (net->wall) {
        g_mutex_unlock(&net->wall->mutex);
    }
}
