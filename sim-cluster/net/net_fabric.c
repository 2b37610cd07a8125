/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_fabric.c: the fabric of a scenario's topology, its links to the hosts,
 * and its failures.
 */
#include "net_priv.h"

#include <stdarg.h>

#include "host_seed.h"
#include "runtime.h"
#include "scenario_net.h"

#define RING_BYTES (4u << 20)
#define BIN_PS UINT64_C(10000000) /* at first: the width doubles */
#define BINS 256u
#define FEW_BINS 64u
#define MANY_LINKS 1024u

#define DEVICE_PORT_IPV4 0xf0000000u /* 240.0.0.0/4: nobody's (RFC 1112) */
#define DEVICE_PORT_MAC UINT64_C(0x025000000000) /* locally administered */

static const TopoNode *node_at(const Topology *t, unsigned i)
{
    return g_ptr_array_index(t->nodes, i);
}

static const TopoLink *link_at(const Topology *t, unsigned i)
{
    return g_ptr_array_index(t->links, i);
}

const TopoNode *net_topo_node(const Net *net, unsigned i)
{
    return node_at(net->scn->topology, i);
}

const TopoLink *net_topo_link(const Net *net, unsigned i)
{
    return link_at(net->scn->topology, i);
}

/* ---- callbacks ----------------------------------------------------------- */

static NetGateway *gateway_at(const Net *net, uint32_t node)
{
    for (unsigned i = 0; i < net->gateways->len; i++) {
        NetGateway *g = g_ptr_array_index(net->gateways, i);

        if (net_gateway_node(g) == node) {
            return g;
        }
    }
    return NULL;
}

static void deliver(void *opaque, uint32_t node, uint64_t arrive_ps,
                    const uint8_t *frame, uint32_t len)
{
    Net *net = opaque;
    NetGateway *gateway = gateway_at(net, node);
    NetPort *p;
    NetHost *h;

    if (gateway) {
        net_gateway_take(gateway, frame, len);
        return;
    }
    p = &net->ports[net->port_of[node]];
    h = &net->hosts[p->host];
    if (!h->present ||
        !link_send(p->link, arrive_ps, LINK_FRAME, 0, frame, len)) {
        h->dropped_count++;
        return;
    }
    p->inbox_ps = MIN(p->inbox_ps, arrive_ps);
}

static void tap(void *opaque, uint32_t link, uint32_t from_node,
                uint64_t depart_ps, const uint8_t *frame, uint32_t len)
{
    Net *net = opaque;
    uint32_t a, b;

    if (net->tap) {
        fabric_link_ends(net->fabric, link, &a, &b);
        net->tap(net->tap_opaque, link, from_node == a, depart_ps, frame, len);
    }
}

static const FabricOps fabric_ops = { .deliver = deliver, .tap = tap };

/* ---- building ------------------------------------------------------------ */

static uint64_t mac_number(const uint8_t mac[6])
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 6; i++) {
        v = v << 8 | mac[i];
    }
    return v;
}

/* By node: a link ends there. Free it with g_free(). */
static bool *linked_nodes(const Topology *t)
{
    bool *linked = g_new0(bool, t->nodes->len + 1);

    for (unsigned i = 0; i < t->links->len; i++) {
        const TopoLink *l = link_at(t, i);

        linked[l->node[0]] = linked[l->node[1]] = true;
    }
    return linked;
}

void net_switch_config(const TopoNode *n, SwitchConfig *c)
{
    c->pipeline_ps = n->latency_ps;
    if (n->buffer_bytes) {
        c->buffer_cells = (uint32_t)MAX(n->buffer_bytes / c->cell_bytes, 1);
    }
    for (unsigned q = 0; q < c->queues && n->ecn_threshold_bytes; q++) {
        uint32_t cells =
            (uint32_t)MAX(n->ecn_threshold_bytes / c->cell_bytes, 1);

        c->queue[q].ecn_min_cells = cells;
        c->queue[q].ecn_max_cells = cells;
    }
}

static uint32_t add_switch(Net *net, const TopoNode *n)
{
    FabricSwitchConfig c;

    fabric_switch_config_default(&c);
    c.name = n->name;
    net_switch_config(n, &c.sw);
    if (n->trim_queue_bytes) {
        net_transport_switch(net, n->trim_queue_bytes, &c.sw);
    }
    if (n->notify_bytes) {
        c.notices.cells = (uint32_t)MAX(n->notify_bytes / c.sw.cell_bytes, 1);
    }
    return fabric_add_switch(net->fabric, &c);
}

static uint32_t add_host(Net *net, const TopoNode *n)
{
    FabricHostConfig c = { .name = n->name,
                           .full =
                               n->kind == TOPO_HOST || n->kind == TOPO_GATEWAY,
                           .ipv4 = n->address,
                           .mac = mac_number(n->mac) };

    return fabric_add_host(net->fabric, &c);
}

static void add_port(Net *net, unsigned host, uint32_t node, unsigned link,
                     char *id)
{
    net->ports[net->n_ports] = (NetPort){ .host = host,
                                          .topo_link = link,
                                          .node = node,
                                          .id = id,
                                          .inbox_ps = LOCKSTEP_NEVER };
    net->port_of[node] = net->n_ports++;
    net->hosts[host].linked = true;
}

/* To the fabric each port of a device is a host that takes everything. */
static void add_device_ports(Net *net, const Topology *t, unsigned i)
{
    const TopoNode *n = node_at(t, i);

    for (unsigned port = 0; port < n->ports; port++) {
        unsigned end;
        uint32_t link = topology_port(t, i, port, &end);
        g_autofree char *name = g_strdup_printf("%s.p%u", n->name, port);
        FabricHostConfig c = { .name = name, .full = true, .takes_all = true };
        uint32_t number = net->n_ports;

        if (link != TOPO_NONE) {
            c.ipv4 = DEVICE_PORT_IPV4 + number;
            c.mac = DEVICE_PORT_MAC + number;
            net->end_of[link][end] = fabric_add_host(net->fabric, &c);
            add_port(net, node_at(t, n->device_host)->index,
                     net->end_of[link][end], link, g_steal_pointer(&name));
        }
    }
}

static void add_node(Net *net, const Topology *t, unsigned i)
{
    const TopoNode *n = node_at(t, i);
    uint32_t node =
        n->kind == TOPO_SWITCH ? add_switch(net, n) : add_host(net, n);

    net->node_of[i] = node;
    for (unsigned port = 0; port < n->ports; port++) {
        unsigned end;
        uint32_t link = topology_port(t, i, port, &end);

        if (link != TOPO_NONE) {
            net->end_of[link][end] = node;
        }
    }
    if (n->kind == TOPO_HOST) {
        add_port(net, n->index, node, topology_port(t, i, 0, NULL),
                 g_strdup("port0"));
    }
}

static void add_nodes(Net *net, const Topology *t)
{
    unsigned most = t->nodes->len + 2 * t->links->len;
    g_autofree bool *linked = linked_nodes(t);

    net->node_of = g_new(uint32_t, t->nodes->len);
    net->end_of = g_malloc0_n(t->links->len, sizeof(*net->end_of));
    net->port_of = g_new0(uint32_t, most);
    net->ports = g_new0(NetPort, most);
    for (unsigned i = 0; i < t->nodes->len; i++) {
        net->node_of[i] = UINT32_MAX;
        if (node_at(t, i)->device_host != TOPO_NONE) {
            add_device_ports(net, t, i);
        } else if (linked[i]) {
            add_node(net, t, i);
        }
    }
}

static bool add_links(Net *net, const Topology *t, GError **error)
{
    for (unsigned i = 0; i < t->links->len; i++) {
        const TopoLink *l = link_at(t, i);
        FabricLinkConfig c = {
            .name = l->name,
            .rate_bps = l->rate_bps,
            .delay_ps = l->delay_ps,
            .loss = (double)l->loss_ppm / 1e6,
            .ber = (double)l->ber_atto / 1e18,
            .fec = l->fec == SCN_FEC_KP4 ? FABRIC_FEC_KP4 : FABRIC_FEC_NONE,
        };

        if (fabric_add_link(net->fabric, net->end_of[i][0], net->end_of[i][1],
                            &c, error) < 0) {
            return false;
        }
    }
    return true;
}

static bool make_rings(Net *net, GError **error)
{
    for (unsigned i = 0; i < net->n_ports; i++) {
        NetPort *p = &net->ports[i];
        LinkError e;

        p->link = link_create(NULL, RING_BYTES, &e);
        if (!p->link) {
            g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED, "%s",
                        e.text);
            return false;
        }
    }
    return true;
}

static bool add_gateways(Net *net, GError **error)
{
    const Topology *t = net->scn->topology;

    for (unsigned i = 0; i < t->nodes->len; i++) {
        NetGateway *g;

        if (node_at(t, i)->kind != TOPO_GATEWAY) {
            continue;
        }
        g = net_gateway_new(net->scn, i, net->fabric, net->node_of[i], error);
        if (!g) {
            return false;
        }
        g_ptr_array_add(net->gateways, g);
    }
    return true;
}

/* Counters over time; of large fabrics coarser ones, for the memory. */
static bool begin_series(Net *net, GError **error)
{
    uint32_t bins =
        fabric_link_count(net->fabric) > MANY_LINKS ? FEW_BINS : BINS;

    return fabric_stats_series(net->fabric, BIN_PS, bins, error);
}

bool net_fabric_build(Net *net, GError **error)
{
    const Topology *t = net->scn->topology;
    FabricConfig c = {
        .seed = seed_derive_u64(net->scn->seed, "fabric", "seed"),
        .warmup_ps = net_warmup_ps(net),
        .reconverge_ps = net->scn->fabric ? net->scn->fabric->reconverge_ps : 0,
        .ops = &fabric_ops,
        .opaque = net,
    };

    net->fabric = fabric_new(&c);
    add_nodes(net, t);
    return add_links(net, t, error) && net_traffic_add(net, error) &&
           fabric_build(net->fabric, error) && begin_series(net, error) &&
           net_transport_add(net, error) && make_rings(net, error) &&
           add_gateways(net, error);
}

void net_fabric_free(Net *net)
{
    for (unsigned i = 0; i < net->n_ports; i++) {
        link_close(net->ports[i].link);
        g_free(net->ports[i].id);
    }
    g_ptr_array_unref(net->gateways);
    fabric_free(net->fabric);
    g_free(net->ports);
    g_free(net->node_of);
    g_free(net->end_of);
    g_free(net->port_of);
}

/* ---- failures ------------------------------------------------------------ */

/* In wall mode an instant is "now". What arrives at an instant at which all
 * stand has arrived; what is done then comes a picosecond after. */
static uint64_t instant(const Net *net, uint64_t at_ps)
{
    uint64_t now_ps = fabric_now_ps(net->fabric);

    return net->wall ? now_ps : MAX(at_ps, now_ps);
}

G_GNUC_PRINTF(4, 5)
static void note(const Net *net, unsigned link, uint64_t ps, const char *format,
                 ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, format);
    text = g_strdup_vprintf(format, ap);
    va_end(ap);
    if (net->note) {
        net->note(net->tap_opaque, link, ps, text);
    }
}

/* On every link of a switch. */
static void note_switch(const Net *net, unsigned topo_node, uint64_t ps,
                        bool up)
{
    const Topology *t = net->scn->topology;

    for (unsigned i = 0; i < t->links->len; i++) {
        const TopoLink *l = link_at(t, i);

        if (l->node[0] == topo_node || l->node[1] == topo_node) {
            note(net, i, ps, "switch %s %s", node_at(t, topo_node)->name,
                 up ? "up" : "down");
        }
    }
}

/* A port has a signal when its link and the switch at its other end work. */
static void tell_port(Net *net, NetPort *p, uint64_t at_ps)
{
    bool down = p->cut || p->switch_down;

    if (down == p->link_down) {
        return;
    }
    p->link_down = down;
    if (net->hosts[p->host].present) {
        link_send_state(p->link, at_ps, 0,
                        down ? 0 : net_topo_link(net, p->topo_link)->rate_bps);
    }
}

static void tell_ports(Net *net, unsigned link, bool up, uint64_t at_ps)
{
    for (unsigned i = 0; i < net->n_ports; i++) {
        NetPort *p = &net->ports[i];

        if (p->topo_link == link) {
            p->cut = !up;
            tell_port(net, p, at_ps);
        }
    }
}

static void tell_neighbours(Net *net, unsigned topo_node, bool up,
                            uint64_t at_ps)
{
    for (unsigned i = 0; i < net->n_ports; i++) {
        NetPort *p = &net->ports[i];
        const TopoLink *l = net_topo_link(net, p->topo_link);

        if (l->node[0] == topo_node || l->node[1] == topo_node) {
            p->switch_down = !up;
            tell_port(net, p, at_ps);
        }
    }
}

bool net_link_set_up(Net *net, unsigned link, bool up, uint64_t at_ps,
                     GError **error)
{
    bool ok;

    net_lock(net);
    at_ps = instant(net, at_ps);
    ok = fabric_link_set_up(net->fabric, link, up, at_ps, error);
    if (ok) {
        tell_ports(net, link, up, at_ps);
        note(net, link, at_ps, "link %s %s",
             link_at(net->scn->topology, link)->name, up ? "up" : "down");
    }
    net_unlock(net);
    return ok;
}

bool net_link_set_errors(Net *net, unsigned link, uint64_t loss_ppm,
                         uint64_t ber_atto, uint64_t at_ps, GError **error)
{
    const TopoLink *l = link_at(net->scn->topology, link);
    FabricFec fec = l->fec == SCN_FEC_KP4 ? FABRIC_FEC_KP4 : FABRIC_FEC_NONE;
    bool ok;

    net_lock(net);
    at_ps = instant(net, at_ps);
    ok = fabric_link_set_errors(net->fabric, link, (double)loss_ppm / 1e6,
                                (double)ber_atto / 1e18, fec, at_ps, error);
    if (ok) {
        note(net, link, at_ps, "link %s: loss %g, bit-error rate %g", l->name,
             (double)loss_ppm / 1e6, (double)ber_atto / 1e18);
    }
    net_unlock(net);
    return ok;
}

bool net_link_set_rate(Net *net, unsigned link, ScnDirection direction,
                       uint64_t rate_bps, uint64_t at_ps, GError **error)
{
    const TopoLink *l = link_at(net->scn->topology, link);
    bool ok = true;

    net_lock(net);
    at_ps = instant(net, at_ps);
    for (unsigned end = 0; ok && end < 2; end++) {
        if (direction == SCN_BOTH || direction == (end ? SCN_BA : SCN_AB)) {
            ok = fabric_link_set_rate_from(net->fabric, link,
                                           net->end_of[link][end], rate_bps,
                                           at_ps, error);
        }
    }
    if (ok) {
        note(net, link, at_ps, "link %s: %" G_GUINT64_FORMAT " bit/s", l->name,
             rate_bps);
    }
    net_unlock(net);
    return ok;
}

bool net_switch_set_up(Net *net, unsigned topo_node, bool up, uint64_t at_ps,
                       GError **error)
{
    bool ok;

    net_lock(net);
    at_ps = instant(net, at_ps);
    ok = fabric_switch_set_up(net->fabric, net->node_of[topo_node], up, at_ps,
                              error);
    if (ok) {
        tell_neighbours(net, topo_node, up, at_ps);
        note_switch(net, topo_node, at_ps, up);
    }
    net_unlock(net);
    return ok;
}
