/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_topology.c: nodes, ports and links that follow from a scenario,
 * the fabric generator's included, and how long packets take at least.
 */
#include "scenario_topology.h"

#include <string.h>

#define UNDERLAY_BASE (UINT32_C(10) << 24)
#define FRAME_BYTES_MIN 60u
#define WIRE_OVERHEAD_BYTES 24u /* preamble, FCS, gap */

/* ---- nodes and links ------------------------------------------------------ */

static void topo_node_free(void *opaque)
{
    TopoNode *n = opaque;

    g_free(n->name);
    g_free(n->board);
    g_free(n);
}

static void topo_link_free(void *opaque)
{
    TopoLink *l = opaque;

    g_free(l->name);
    g_free(l);
}

void topology_free(Topology *t)
{
    if (t) {
        g_ptr_array_unref(t->nodes);
        g_ptr_array_unref(t->links);
        g_hash_table_unref(t->by_name);
        g_free(t->first_port);
        g_free(t->ports);
        g_free(t);
    }
}

static Topology *topology_new(void)
{
    Topology *t = g_new0(Topology, 1);

    t->nodes = g_ptr_array_new_with_free_func(topo_node_free);
    t->links = g_ptr_array_new_with_free_func(topo_link_free);
    t->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    return t;
}

static TopoNode *node_at(const Topology *t, uint32_t index)
{
    return t->nodes->pdata[index];
}

static TopoNode *add_node(Topology *t, TopoKind kind, const char *name)
{
    unsigned *count = kind == TOPO_HOST       ? &t->hosts
                      : kind == TOPO_MODELLED ? &t->modelled
                      : kind == TOPO_GATEWAY  ? &t->gateways
                                              : &t->switches;
    TopoNode *n = g_new0(TopoNode, 1);
    uint32_t number = t->nodes->len + 1;

    n->name = g_strdup(name);
    n->kind = kind;
    n->index = (*count)++;
    n->ports = 1;
    n->lookahead_ps = UINT64_MAX;
    n->device_host = TOPO_NONE;
    n->mac[0] = 0x02; /* locally administered */
    n->mac[1] = kind == TOPO_SWITCH ? 0x53 : 0x48;
    n->mac[2] = 0;
    n->mac[3] = (uint8_t)(number >> 16);
    n->mac[4] = (uint8_t)(number >> 8);
    n->mac[5] = (uint8_t)number;
    if (kind != TOPO_SWITCH) {
        n->address = UNDERLAY_BASE + number;
    }
    g_hash_table_insert(t->by_name, n->name,
                        GUINT_TO_POINTER(t->nodes->len + 1));
    g_ptr_array_add(t->nodes, n);
    return n;
}

static TopoLink *add_link(Topology *t, uint32_t a, unsigned a_port, uint32_t b,
                          unsigned b_port)
{
    TopoLink *l = g_new0(TopoLink, 1);

    l->node[0] = a;
    l->node[1] = b;
    l->port[0] = a_port;
    l->port[1] = b_port;
    g_ptr_array_add(t->links, l);
    return l;
}

uint32_t topology_node(const Topology *t, const char *name)
{
    void *found = g_hash_table_lookup(t->by_name, name);

    return found ? GPOINTER_TO_UINT(found) - 1 : TOPO_NONE;
}

uint32_t topology_link(const Topology *t, const char *name)
{
    for (uint32_t i = 0; i < t->links->len; i++) {
        if (!strcmp(((TopoLink *)t->links->pdata[i])->name, name)) {
            return i;
        }
    }
    return TOPO_NONE;
}

uint32_t topology_port(const Topology *t, uint32_t node, unsigned port,
                       unsigned *ret_end)
{
    uint32_t found = port < node_at(t, node)->ports
                         ? t->ports[t->first_port[node] + port]
                         : TOPO_NONE;

    if (found != TOPO_NONE && ret_end) {
        const TopoLink *l = t->links->pdata[found];

        *ret_end = l->node[0] == node && l->port[0] == port ? 0 : 1;
    }
    return found;
}

bool topology_linked(const Topology *t)
{
    return t->links->len > 0;
}

/* ---- what is written ------------------------------------------------------- */

static void add_written_nodes(Topology *t, const Scenario *s, TopoKind kind,
                              ScnNodeKind of)
{
    for (unsigned i = 0; i < s->nodes->len; i++) {
        const ScnNode *node = s->nodes->pdata[i];
        TopoNode *n;

        if (node->kind != of) {
            continue;
        }
        n = add_node(t, kind, node->name);
        if (kind == TOPO_HOST) {
            n->host = (const ScnHost *)node;
        } else if (kind == TOPO_GATEWAY) {
            n->gateway = (const ScnGateway *)node;
        } else if (kind == TOPO_SWITCH) {
            const ScnSwitch *sw = (const ScnSwitch *)node;

            n->written = sw;
            n->ports = (unsigned)sw->ports;
            n->rate_bps = sw->rate_bps;
            n->buffer_bytes = sw->buffer_bytes;
            n->ecn_threshold_bytes = sw->ecn_threshold_bytes;
            n->trim_queue_bytes = sw->trim ? sw->queue_bytes : 0;
            n->latency_ps = sw->latency_ps;
            n->device_host = sw->device_host
                                 ? topology_node(t, sw->device_host->node.name)
                                 : TOPO_NONE;
        }
    }
}

bool topology_parse_end(const Scenario *s, const char *text,
                        const ScnNode **ret_node, unsigned *ret_port)
{
    const char *dot = strchr(text, '.');
    g_autofree char *name =
        dot ? g_strndup(text, (gsize)(dot - text)) : g_strdup(text);
    guint64 number;

    *ret_node = scenario_node(s, name);
    *ret_port = 0;
    if (!dot || !*ret_node) {
        return false;
    }
    if ((*ret_node)->kind != SCN_NODE_SWITCH) {
        return !strcmp(dot, ".card");
    }
    if (dot[1] != 'p' ||
        !g_ascii_string_to_unsigned(dot + 2, 10, 0,
                                    ((const ScnSwitch *)*ret_node)->ports - 1,
                                    &number, NULL)) {
        return false;
    }
    *ret_port = (unsigned)number;
    return true;
}

static void add_written_links(Topology *t, const Scenario *s)
{
    for (unsigned i = 0; i < s->links->len; i++) {
        ScnLink *link = s->links->pdata[i];
        const ScnNode *a, *b;
        unsigned a_port, b_port;
        TopoLink *l;

        topology_parse_end(s, link->a, &a, &a_port);
        topology_parse_end(s, link->b, &b, &b_port);
        l = add_link(t, topology_node(t, a->name), a_port,
                     topology_node(t, b->name), b_port);
        l->name = g_strdup(link->name);
        l->rate_bps = link->rate_bps;
        l->delay_ps = link->delay_ps;
        l->loss_ppm = link->loss_ppm;
        l->ber_atto = link->ber_atto;
        l->fec = link->fec;
        l->written = link;
    }
}

/* ---- the generator ---------------------------------------------------------- */

typedef struct Made { /* what the generator is making */
    Topology *t;
    const ScnFabric *f;
    uint32_t first_switch; /* its first one's index */
    uint32_t *place;       /* by place: index of the node there, TOPO_NONE */
    uint64_t places;
} Made;

/* Of a switch: SWITCH_MAX_PORTS of hw/switch/switch_core.h. */
#define SINGLE_PORTS UINT64_C(256)

uint64_t topology_fabric_places(const ScnFabric *f, uint64_t attached)
{
    switch (f->kind) {
    case SCN_FABRIC_SINGLE:
        return MIN(f->hosts + attached, SINGLE_PORTS);
    case SCN_FABRIC_LEAF_SPINE:
        return f->leaves * f->hosts_per_leaf;
    default:
        return f->k * f->k * f->k / 4;
    }
}

/* Full hosts evenly over all places, modelled ones evenly over the rest. */
static void fill_places(Made *m, const GPtrArray *attached)
{
    uint64_t free_places = m->places - attached->len, seen = 0, next = 0;
    uint32_t first = topology_node(m->t, "m-0");

    for (uint64_t i = 0; i < m->places; i++) {
        m->place[i] = TOPO_NONE;
    }
    for (uint64_t i = 0; i < attached->len; i++) {
        m->place[i * m->places / attached->len] =
            GPOINTER_TO_UINT(attached->pdata[i]);
    }
    for (uint64_t i = 0; i < m->places && next < m->f->hosts; i++) {
        if (m->place[i] == TOPO_NONE) {
            if (seen == next * free_places / m->f->hosts) {
                m->place[i] = first + (uint32_t)next++;
            }
            seen++;
        }
    }
}

static void make_switches(Made *m, const char *what, unsigned count,
                          unsigned tier, unsigned ports)
{
    for (unsigned i = 0; i < count; i++) {
        g_autofree char *name = g_strdup_printf("%s-%u", what, i);
        TopoNode *n = add_node(m->t, TOPO_SWITCH, name);

        n->tier = tier;
        n->ports = ports;
        n->buffer_bytes = m->f->buffer_bytes;
        n->ecn_threshold_bytes = m->f->ecn_threshold_bytes;
        n->trim_queue_bytes = m->f->trim ? m->f->queue_bytes : 0;
        n->notify_bytes = m->f->notify_bytes;
        n->latency_ps = m->f->latency_ps;
    }
}

static void make_link(Made *m, uint32_t a, unsigned a_port, uint32_t b,
                      unsigned b_port)
{
    TopoLink *l = add_link(m->t, a, a_port, b, b_port);
    bool up = node_at(m->t, a)->kind == TOPO_SWITCH;

    l->name = g_strdup_printf("%s-%s", node_at(m->t, a)->name,
                              node_at(m->t, b)->name);
    l->rate_bps = up ? m->f->uplink_rate_bps : m->f->rate_bps;
    l->delay_ps = m->f->delay_ps;
}

/* Hosts to @per_switch places a switch, from the first switch made on. */
static void link_hosts(Made *m, uint64_t per_switch)
{
    for (uint64_t i = 0; i < m->places; i++) {
        if (m->place[i] != TOPO_NONE) {
            make_link(m, m->place[i], 0,
                      m->first_switch + (uint32_t)(i / per_switch),
                      (unsigned)(i % per_switch));
        }
    }
}

static void make_single(Made *m)
{
    make_switches(m, "switch", 1, 0, (unsigned)MAX(m->places, 1));
    link_hosts(m, m->places);
}

static void make_leaf_spine(Made *m)
{
    unsigned leaves = (unsigned)m->f->leaves, spines = (unsigned)m->f->spines;
    unsigned down = (unsigned)m->f->hosts_per_leaf;

    make_switches(m, "leaf", leaves, 0, down + spines);
    make_switches(m, "spine", spines, 1, leaves);
    link_hosts(m, down);
    for (unsigned i = 0; i < leaves; i++) {
        for (unsigned j = 0; j < spines; j++) {
            make_link(m, m->first_switch + i, down + j,
                      m->first_switch + leaves + j, i);
        }
    }
}

static void make_fat_tree(Made *m)
{
    unsigned k = (unsigned)m->f->k, half = k / 2;
    uint32_t edge = m->first_switch, agg = edge + k * half;
    uint32_t core = agg + k * half;

    make_switches(m, "edge", k * half, 0, k);
    make_switches(m, "agg", k * half, 1, k);
    make_switches(m, "core", half * half, 2, k);
    link_hosts(m, half);
    for (unsigned i = 0; i < k * half; i++) {
        unsigned pod = i / half;

        for (unsigned j = 0; j < half; j++) {
            make_link(m, edge + i, half + j, agg + pod * half + j, i % half);
        }
    }
    for (unsigned i = 0; i < k * half; i++) {
        for (unsigned j = 0; j < half; j++) {
            make_link(m, agg + i, half + j, core + i % half * half + j,
                      i / half);
        }
    }
}

static void make_fabric(Topology *t, const Scenario *s,
                        const GPtrArray *attached)
{
    Made m = { .t = t,
               .f = s->fabric,
               .first_switch = t->nodes->len,
               .places = topology_fabric_places(s->fabric, attached->len) };
    g_autofree uint32_t *place = g_new(uint32_t, m.places + 1);

    m.place = place;
    fill_places(&m, attached);
    switch (m.f->kind) {
    case SCN_FABRIC_SINGLE:
        make_single(&m);
        break;
    case SCN_FABRIC_LEAF_SPINE:
        make_leaf_spine(&m);
        break;
    default:
        make_fat_tree(&m);
        break;
    }
}

/* ---- all --------------------------------------------------------------------- */

static void index_ports(Topology *t)
{
    uint32_t total = 0;

    t->first_port = g_new(uint32_t, t->nodes->len + 1);
    for (uint32_t i = 0; i < t->nodes->len; i++) {
        t->first_port[i] = total;
        total += node_at(t, i)->ports;
    }
    t->ports = g_new(uint32_t, total + 1);
    for (uint32_t i = 0; i < total; i++) {
        t->ports[i] = TOPO_NONE;
    }
    for (uint32_t i = 0; i < t->links->len; i++) {
        const TopoLink *l = t->links->pdata[i];

        for (unsigned end = 0; end < 2; end++) {
            t->ports[t->first_port[l->node[end]] + l->port[end]] = i;
        }
    }
}

bool topology_attaches(const Scenario *s, const ScnHost *host)
{
    if (!s->fabric || !host->card || !host->card->nic->len) {
        return false;
    }
    for (unsigned i = 0; i < s->links->len; i++) {
        const ScnLink *link = s->links->pdata[i];
        const ScnNode *a, *b;
        unsigned port;

        topology_parse_end(s, link->a, &a, &port);
        topology_parse_end(s, link->b, &b, &port);
        if (a == &host->node || b == &host->node) {
            return false;
        }
    }
    return true;
}

Topology *topology_build(const Scenario *s)
{
    Topology *t = topology_new();
    g_autoptr(GPtrArray) attached = g_ptr_array_new();

    add_written_nodes(t, s, TOPO_HOST, SCN_NODE_HOST);
    for (unsigned i = 0; i < t->hosts; i++) {
        if (topology_attaches(s, node_at(t, i)->host)) {
            g_ptr_array_add(attached, GUINT_TO_POINTER(i));
        }
    }
    add_written_nodes(t, s, TOPO_MODELLED, SCN_NODE_MODELLED);
    for (uint64_t i = 0; s->fabric && i < s->fabric->hosts; i++) {
        g_autofree char *name = g_strdup_printf("m-%" G_GUINT64_FORMAT, i);

        add_node(t, TOPO_MODELLED, name);
    }
    add_written_nodes(t, s, TOPO_SWITCH, SCN_NODE_SWITCH);
    add_written_nodes(t, s, TOPO_GATEWAY, SCN_NODE_GATEWAY);
    add_written_links(t, s);
    if (s->fabric) {
        make_fabric(t, s, attached);
    }
    index_ports(t);
    return t;
}

/* ---- distances ---------------------------------------------------------------- */

static uint64_t shortest_frame_ps(uint64_t rate_bps)
{
    uint64_t bits = (FRAME_BYTES_MIN + WIRE_OVERHEAD_BYTES) * 8;

    return bits * PS_PER_S / rate_bps;
}

/* From the last bit leaving @from to the last bit reaching each node, at
 * least; by relaxation in order of distance. */
void topology_distances(const Topology *t, uint32_t from, uint64_t *ret_ps)
{
    g_autofree bool *done = g_new0(bool, t->nodes->len);

    for (uint32_t i = 0; i < t->nodes->len; i++) {
        ret_ps[i] = UINT64_MAX;
    }
    ret_ps[from] = 0;
    for (;;) {
        uint32_t best = TOPO_NONE;
        const TopoNode *n;

        for (uint32_t i = 0; i < t->nodes->len; i++) {
            if (!done[i] && ret_ps[i] != UINT64_MAX &&
                (best == TOPO_NONE || ret_ps[i] < ret_ps[best])) {
                best = i;
            }
        }
        if (best == TOPO_NONE) {
            return;
        }
        done[best] = true;
        n = node_at(t, best);
        if (best != from && n->kind != TOPO_SWITCH) {
            continue; /* hosts do not forward */
        }
        for (unsigned port = 0; port < n->ports; port++) {
            unsigned end;
            uint32_t index = topology_port(t, best, port, &end);
            const TopoLink *l;
            uint64_t ps;

            if (index == TOPO_NONE) {
                continue;
            }
            l = t->links->pdata[index];
            ps = ret_ps[best] + l->delay_ps;
            if (n->kind == TOPO_SWITCH) {
                ps += n->latency_ps + shortest_frame_ps(l->rate_bps);
            }
            if (ps < ret_ps[l->node[!end]]) {
                ret_ps[l->node[!end]] = ps;
            }
        }
    }
}

static TopoNode *host_at(const Topology *t, uint32_t index)
{
    TopoNode *n = node_at(t, index);

    return n->kind == TOPO_HOST          ? n
           : n->device_host == TOPO_NONE ? NULL
                                         : node_at(t, n->device_host);
}

/* A device may be about to send what it holds: only the cable is left. */
static void device_lookahead(Topology *t)
{
    for (uint32_t i = 0; i < t->links->len; i++) {
        const TopoLink *l = t->links->pdata[i];
        bool device = node_at(t, l->node[0])->device_host != TOPO_NONE ||
                      node_at(t, l->node[1])->device_host != TOPO_NONE;

        for (unsigned end = 0; device && end < 2; end++) {
            TopoNode *host = host_at(t, l->node[end]);

            if (host) {
                host->lookahead_ps = MIN(host->lookahead_ps, l->delay_ps);
            }
        }
    }
}

void topology_set_lookahead(Topology *t)
{
    g_autofree uint64_t *ps = g_new(uint64_t, t->nodes->len + 1);

    for (uint32_t i = 0; i < t->hosts; i++) {
        topology_distances(t, i, ps);
        for (uint32_t j = 0; j < t->hosts; j++) {
            if (j != i) {
                node_at(t, j)->lookahead_ps =
                    MIN(node_at(t, j)->lookahead_ps, ps[j]);
            }
        }
    }
    device_lookahead(t);
}
