/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_transport.c: modelled traffic with a transport: flows from the
 * scenario's patterns.
 */
#include <math.h>

#include "fabric_transport.h"
#include "transport_dctcp.h"
#include "transport_eqds.h"
#include "transport_mptcp.h"
#include "transport_ndp.h"
#include "host_seed.h"
#include "net_priv.h"
#include "runtime.h"
#include "scenario_balancing.h"
#include "scenario_net.h"

#define HEADER_BYTES 64u /* of NDP and EQDS: htsim */
#define MAX_FLOWS 1000000u

typedef struct Flows {
    Net *net;
    const ScnTraffic *t;
    unsigned entry;
    uint32_t transport;
    uint64_t random; /* splitmix64 */
    unsigned count;
} Flows;

static uint64_t next_random(Flows *f)
{
    uint64_t z = f->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint32_t random_below(Flows *f, uint32_t n)
{
    return (uint32_t)(((next_random(f) >> 32) * n) >> 32);
}

/* ---- transports ---------------------------------------------------------- */

static void ndp_config(const ScnTraffic *t, FabricNdpConfig *c)
{
    fabric_ndp_config_default(c);
    c->header_bytes = HEADER_BYTES;
    c->payload_bytes = (uint32_t)t->packet_bytes - HEADER_BYTES;
    c->paths = (uint32_t)t->paths;
    c->policy = t->path_penalty ? FABRIC_NDP_SPRAY_PENALTY : FABRIC_NDP_SPRAY;
    c->window_packets = t->window ? (uint32_t)t->window : c->window_packets;
    c->rto_ps = t->timeout_ps ? t->timeout_ps : c->rto_ps;
}

static int32_t add_ndp(Net *net, const ScnTraffic *t, GError **error)
{
    FabricNdpConfig c;

    ndp_config(t, &c);
    return fabric_transport_add(net->fabric, &fabric_ndp_ops, &c, error);
}

static uint32_t power_of_2(uint64_t n)
{
    uint32_t p = 1;

    while (p < n) {
        p *= 2;
    }
    return p;
}

static int32_t add_eqds(Net *net, const ScnTraffic *t, GError **error)
{
    FabricEqdsConfig c;

    fabric_eqds_config_default(&c);
    c.header_bytes = HEADER_BYTES;
    c.payload_bytes = (uint32_t)t->packet_bytes - HEADER_BYTES;
    c.paths = t->paths ? power_of_2(t->paths) : c.paths;
    c.rto_ps = t->timeout_ps ? t->timeout_ps : c.rto_ps;
    if (t->window) {
        c.window_bytes = (uint32_t)(t->window * t->packet_bytes);
    }
    return fabric_transport_add(net->fabric, &fabric_eqds_ops, &c, error);
}

static void tcp_config(const ScnTraffic *t, uint32_t header_bytes,
                       TcpConfig *tcp)
{
    tcp->segment_bytes = (uint32_t)t->packet_bytes - header_bytes;
    if (t->window) {
        tcp->initial_segments = (uint32_t)t->window;
    }
    if (t->timeout_ps) {
        tcp->rto_min_ps = t->timeout_ps;
        tcp->rto_initial_ps = MAX(tcp->rto_initial_ps, t->timeout_ps);
    }
}

static int32_t add_dctcp(Net *net, const ScnTraffic *t, GError **error)
{
    TransportDctcpConfig c;

    transport_dctcp_config_default(&c);
    tcp_config(t, c.header_bytes, &c.tcp);
    if (t->balancing) {
        scn_balancing_config(t->balancing, &c.path);
    }
    return fabric_transport_add(net->fabric, &transport_dctcp_ops, &c, error);
}

static int32_t add_mptcp(Net *net, const ScnTraffic *t, GError **error)
{
    TransportMptcpConfig c;

    transport_mptcp_config_default(&c);
    tcp_config(t, c.header_bytes, &c.tcp);
    c.subflows = t->paths ? (uint32_t)t->paths : c.subflows;
    return fabric_transport_add(net->fabric, &transport_mptcp_ops, &c, error);
}

static int32_t add_transport(Net *net, const ScnTraffic *t, GError **error)
{
    switch (t->transport) {
    case SCN_TRANSPORT_NDP:
        return add_ndp(net, t, error);
    case SCN_TRANSPORT_EQDS:
        return add_eqds(net, t, error);
    case SCN_TRANSPORT_DCTCP:
        return add_dctcp(net, t, error);
    case SCN_TRANSPORT_MPTCP:
        return add_mptcp(net, t, error);
    default:
        g_return_val_if_reached(-1);
    }
}

void net_transport_switch(const Net *net, uint64_t queue_bytes,
                          SwitchConfig *sw)
{
    FabricNdpConfig c;

    fabric_ndp_config_default(&c);
    for (unsigned i = 0; i < net->scn->traffic->len; i++) {
        const ScnTraffic *t = g_ptr_array_index(net->scn->traffic, i);

        if (t->transport != SCN_TRANSPORT_NONE) {
            ndp_config(t, &c);
            break;
        }
    }
    fabric_ndp_switch(sw, &c, (uint32_t)queue_bytes);
}

/* ---- flows --------------------------------------------------------------- */

static bool add_flow(Flows *f, uint32_t from, uint32_t to, uint64_t start_ps,
                     GError **error)
{
    const FabricFlowSpec spec = {
        .from = from,
        .to = to,
        .bytes = f->t->message_bytes ? f->t->message_bytes : FABRIC_ENDLESS,
        .start_ps = start_ps,
        .transport = f->transport,
        .user = f->entry,
    };

    if (++f->count > MAX_FLOWS) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "traffic %s: more than %u flows: less 'load', a shorter "
                    "'duration' or larger messages",
                    f->t->name, MAX_FLOWS);
        return false;
    }
    return fabric_flow_add(f->net->fabric, &spec, error) >= 0;
}

/* One cycle through all (Sattolo), so that nobody sends to itself. */
static bool add_permutation(Flows *f, const GArray *nodes, GError **error)
{
    g_autofree uint32_t *to = g_memdup2(nodes->data, nodes->len * sizeof(*to));
    bool ok = true;

    for (unsigned i = nodes->len; i-- > 1;) {
        uint32_t k = random_below(f, i), keep = to[i];

        to[i] = to[k];
        to[k] = keep;
    }
    for (unsigned i = 0; ok && i < nodes->len; i++) {
        ok = add_flow(f, g_array_index(nodes, uint32_t, i), to[i],
                      f->t->start_ps, error);
    }
    return ok;
}

/* The receiver is the first of @nodes. */
static bool add_incast(Flows *f, const GArray *nodes, GError **error)
{
    bool ok = true;

    for (unsigned i = 1; ok && i < nodes->len; i++) {
        ok = add_flow(f, g_array_index(nodes, uint32_t, i),
                      g_array_index(nodes, uint32_t, 0), f->t->start_ps, error);
    }
    return ok;
}

/* Of one sender: exponential times between starts. */
static bool add_poisson(Flows *f, const GArray *nodes, unsigned sender,
                        GError **error)
{
    uint64_t rate_bps =
        f->t->load_ppm
            ? (uint64_t)((unsigned __int128)net_node_rate_bps(
                             f->net, g_array_index(nodes, uint32_t, sender)) *
                         f->t->load_ppm / 1000000)
            : f->t->rate_bps;
    double mean_ps =
        (double)f->t->message_bytes * 8 * (double)PS_PER_S / (double)rate_bps;
    double at_ps = 0;

    for (;;) {
        double u = ((double)(next_random(f) >> 11) + 1) / 9007199254740992.0;
        uint32_t other = random_below(f, nodes->len - 1);

        at_ps -= log(u) * mean_ps;
        if (at_ps >= (double)f->t->duration_ps) {
            return true;
        }
        if (!add_flow(f, g_array_index(nodes, uint32_t, sender),
                      g_array_index(nodes, uint32_t, other + (other >= sender)),
                      f->t->start_ps + (uint64_t)at_ps, error)) {
            return false;
        }
    }
}

static bool add_flows(Flows *f, const GArray *nodes, GError **error)
{
    bool ok = true;

    switch (f->t->pattern) {
    case SCN_PATTERN_PERMUTATION:
        return add_permutation(f, nodes, error);
    case SCN_PATTERN_INCAST:
        return add_incast(f, nodes, error);
    default:
        for (unsigned i = 0; ok && i < nodes->len; i++) {
            ok = add_poisson(f, nodes, i, error);
        }
        return ok;
    }
}

bool net_transport_add(Net *net, GError **error)
{
    for (unsigned i = 0; i < net->scn->traffic->len; i++) {
        const ScnTraffic *t = g_ptr_array_index(net->scn->traffic, i);
        g_autoptr(GArray) nodes = NULL;
        Flows f = { .net = net, .t = t, .entry = i };
        int32_t number;

        if (t->transport == SCN_TRANSPORT_NONE) {
            continue;
        }
        number = add_transport(net, t, error);
        if (number < 0) {
            return false;
        }
        f.transport = (uint32_t)number;
        f.random = seed_derive_u64(net->scn->seed, t->name, "traffic");
        nodes = net_traffic_nodes(net, t);
        if (!add_flows(&f, nodes, error)) {
            return false;
        }
    }
    return true;
}

/* ---- warm-up -------------------------------------------------------------- */

void net_transport_warm(Net *net)
{
    uint32_t flows = fabric_flow_count(net->fabric);

    g_free(net->flow_base);
    net->flow_base = g_new0(uint64_t, (gsize)flows + 1);
    net->flow_base_ps = fabric_now_ps(net->fabric);
    for (uint32_t i = 0; i < flows; i++) {
        FabricFlowStats s;

        fabric_flow_stats(net->fabric, i, &s);
        net->flow_base[i] = s.delivered_bytes;
    }
}

uint64_t net_flow_base_bytes(const Net *net, uint32_t flow, uint64_t *ret_ps)
{
    FabricFlowStats s;

    fabric_flow_stats(net->fabric, flow, &s);
    if (!net->flow_base || s.spec.start_ps >= net->flow_base_ps) {
        *ret_ps = s.spec.start_ps;
        return 0;
    }
    *ret_ps = net->flow_base_ps;
    return net->flow_base[flow];
}
