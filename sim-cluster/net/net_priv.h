/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_priv.h: inside of the network of an execution: net.c makes it and tells
 * hosts what to join, net_fabric.c and net_traffic.c build the fabric,
 * net_windows.c runs it all.
 */
#ifndef OUTRIGGER_NET_PRIV_H
#define OUTRIGGER_NET_PRIV_H

#include "fabric.h"
#include "link.h"
#include "lockstep.h"
#include "net.h"
#include "net_gateway.h"
#include "scenario_net.h"

/* A port of a host with a link: of its card, or of a switch that forwards in
 * a device of that host. */
typedef struct NetPort {
    unsigned host;      /* in Net.hosts */
    unsigned topo_link; /* in Topology.links */
    uint32_t node;      /* of the fabric */
    char *id;           /* of QEMU's outrigger-port */
    Link *link;
    bool cut;          /* its link, by a fault, or it does not train */
    bool switch_down;  /* at the other end */
    bool link_down;    /* what the host was told */
    uint64_t inbox_ps; /* first stamp put into its ring in this round */
} NetPort;

typedef struct NetHost {
    bool linked; /* has a port */
    bool present;
    uint64_t egress_ps; /* least time from an arrival to a departure */
    uint64_t dropped_count;
} NetHost;

typedef struct NetWall NetWall;

struct Net {
    const Scenario *scn;
    NetHost *hosts; /* one each of scn->hosts */
    NetPort *ports; /* those of cards in the order of their hosts first */
    unsigned n_ports;
    Fabric *fabric;        /* NULL: no links */
    uint32_t *node_of;     /* of the fabric, by node of the topology; NONE also
                         * for a switch that is a device */
    uint32_t (*end_of)[2]; /* of the fabric, by link and its end */
    uint32_t *port_of;     /* index in @ports, by node of the fabric; NONE */
    Lockstep *lockstep;    /* NULL: hosts run side by side by coarse grants */
    char *lockstep_path;
    uint64_t now_ps;     /* to where the last run went */
    uint64_t *flow_base; /* NULL: warm-up is not over, or there is none */
    uint64_t flow_base_ps;
    GError *windows_error;
    int cpu;             /* the engine's while windows run; -1: anywhere */
    NetWall *wall;       /* WALL mode with links, else NULL */
    GPtrArray *gateways; /* NetGateway; only in WALL mode */
    NetTapFn tap;
    NetNoteFn note;
    void *tap_opaque;
    NetWatchFn watch;
    void *watch_opaque;
    gint64 watched_us; /* wall time of the last call */
};

/* net_fabric.c */
bool net_fabric_build(Net *net, GError **error);
void net_fabric_free(Net *net);

const TopoNode *net_topo_node(const Net *net, unsigned i);
const TopoLink *net_topo_link(const Net *net, unsigned i);

/* net_windows.c: everything that hosts have sent, into the fabric. */
bool net_take_in(Net *net, GError **error);

/* The same: somebody has held the meeting's mutex for long. */
void net_mutex_late(void *net);

/* net_wall.c */
void net_wall_start(Net *net);
void net_wall_stop(Net *net); /* nothing happens when it was not started */
/* Around every use of fabric and rings outside of its thread. */
void net_lock(Net *net);
void net_unlock(Net *net);

/* net_traffic.c */
bool net_traffic_add(Net *net, GError **error); /* without a transport */
/* Nodes (of the fabric) that take part; an incast's receiver comes first. */
GArray *net_traffic_nodes(const Net *net, const ScnTraffic *s);
/* Of the link of a node of the fabric; 0: none. */
uint64_t net_node_rate_bps(const Net *net, uint32_t node);

/* net_transport.c: after the fabric is built */
bool net_transport_add(Net *net, GError **error);
/* Remembers what flows have delivered; now is the end of warm-up. */
void net_transport_warm(Net *net);
/* A switch that cuts, for the transports that there are. */
void net_transport_switch(const Net *net, uint64_t queue_bytes,
                          SwitchConfig *sw);

#endif
