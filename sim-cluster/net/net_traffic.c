/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_traffic.c: traffic of modelled hosts, from the scenario's words to the
 * fabric's.
 */
#include "net_priv.h"

#include "host_seed.h"
#include "scenario_balancing.h"
#include "scenario_net.h"

/* The rate of the first modelled host's link: loads are relative to it. */
uint64_t net_node_rate_bps(const Net *net, uint32_t node)
{
    const Topology *t = net->scn->topology;

    for (unsigned i = 0; i < t->links->len; i++) {
        const TopoLink *l = g_ptr_array_index(t->links, i);

        if (net->end_of[i][0] == node || net->end_of[i][1] == node) {
            return l->rate_bps;
        }
    }
    return 0;
}

GArray *net_traffic_nodes(const Net *net, const ScnTraffic *s)
{
    const Topology *t = net->scn->topology;
    GArray *nodes = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    uint32_t target = s->target ? topology_node(t, s->target) : TOPO_NONE;

    if (target != TOPO_NONE) { /* an incast's receiver comes first */
        g_array_append_val(nodes, net->node_of[target]);
    }
    for (unsigned i = 0; i < t->nodes->len; i++) {
        const TopoNode *n = g_ptr_array_index(t->nodes, i);
        unsigned most = s->senders ? (unsigned)s->senders : G_MAXUINT;

        if (n->kind == TOPO_MODELLED && i != target &&
            net->node_of[i] != UINT32_MAX &&
            nodes->len - (target != TOPO_NONE) < most) {
            g_array_append_val(nodes, net->node_of[i]);
        }
    }
    return nodes;
}

static FabricPattern pattern_of(ScnPattern p)
{
    switch (p) {
    case SCN_PATTERN_INCAST:
        return FABRIC_INCAST;
    case SCN_PATTERN_POISSON:
        return FABRIC_RANDOM;
    default:
        return FABRIC_PERMUTATION;
    }
}

static bool add_one(Net *net, const ScnTraffic *s, GError **error)
{
    g_autoptr(GArray) nodes = net_traffic_nodes(net, s);
    FabricTraffic f;
    FabricBalance balance = { 0 };
    uint64_t rate_bps;

    if (s->pattern == SCN_PATTERN_TRACE) {
        return fabric_traffic_trace(net->fabric, s->trace,
                                    (uint32_t)s->packet_bytes, error);
    }
    fabric_traffic_default(&f);
    f.pattern = pattern_of(s->pattern);
    f.hosts = (const uint32_t *)(const void *)nodes->data;
    f.n_hosts = nodes->len;
    f.start_ps = s->start_ps;
    f.end_ps = s->duration_ps ? s->start_ps + s->duration_ps : FABRIC_NEVER_PS;
    rate_bps = nodes->len ? net_node_rate_bps(net, f.hosts[nodes->len - 1]) : 0;
    f.load_ppm = (uint32_t)s->load_ppm;
    if (!f.load_ppm && rate_bps) {
        f.load_ppm =
            (uint32_t)((unsigned __int128)s->rate_bps * 1000000u / rate_bps);
    }
    f.packet_bytes = (uint32_t)s->packet_bytes;
    f.poisson = s->message_bytes || s->sizes;
    if (s->message_bytes) {
        f.flow_bytes = s->message_bytes;
    }
    f.size_file = s->sizes;
    if (s->balancing) {
        scn_balancing_config(s->balancing, &balance.path);
        f.balance = &balance;
    }
    f.seed = seed_derive_u64(net->scn->seed, s->name, "traffic");
    return fabric_traffic_add(net->fabric, &f, error);
}

bool net_traffic_add(Net *net, GError **error)
{
    for (unsigned i = 0; i < net->scn->traffic->len; i++) {
        const ScnTraffic *s = g_ptr_array_index(net->scn->traffic, i);

        if (s->transport == SCN_TRANSPORT_NONE && !add_one(net, s, error)) {
            return false;
        }
    }
    return true;
}

uint64_t net_warmup_ps(const Net *net)
{
    uint64_t ps = 0;

    for (unsigned i = 0; i < net->scn->traffic->len; i++) {
        const ScnTraffic *s = g_ptr_array_index(net->scn->traffic, i);

        ps = MAX(ps, s->start_ps + s->warmup_ps);
    }
    return ps;
}
