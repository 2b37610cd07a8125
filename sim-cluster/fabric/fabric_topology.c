/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_topology.c: nodes, links, and the generators of topologies.
 */
#include "fabric_priv.h"

#include <string.h>

#define MAX_RATE_BPS 10000000000000ull
#define MAX_DELAY_PS 1000000000000ull /* 1 s */

void fabric_switch_config_default(FabricSwitchConfig *c)
{
    memset(c, 0, sizeof(*c));
    switch_config_default(&c->sw, 32);
    c->notices = (FabricNotices){ .gap_ps = 2000000,
                                  .delay_ps = 1000000,
                                  .priority = 7 };
}

void fabric_link_config_default(FabricLinkConfig *c)
{
    memset(c, 0, sizeof(*c));
    c->rate_bps = 100000000000ull;
    c->delay_ps = 500000;
}

static FabricNode *node_new(Fabric *f, const char *name, const char *prefix)
{
    FabricNode *n;

    f->node = g_renew(FabricNode, f->node, f->n_nodes + 1);
    n = &f->node[f->n_nodes];
    memset(n, 0, sizeof(*n));
    n->number = f->n_nodes++;
    n->name =
        name ? g_strdup(name) : g_strdup_printf("%s%u", prefix, n->number);
    g_hash_table_insert(f->by_name, n->name, GUINT_TO_POINTER(n->number + 1));
    return n;
}

uint32_t fabric_add_host(Fabric *f, const FabricHostConfig *c)
{
    FabricNode *n = node_new(f, c->name, "host");

    n->kind = c->full ? FABRIC_FULL : FABRIC_MODELLED;
    n->host = g_new0(FabricHost, 1);
    n->host->node = n->number;
    n->host->takes_all = c->full && c->takes_all;
    n->host->ipv4 = c->ipv4 ? c->ipv4 : (10u << 24 | 128u << 16) + n->number;
    n->host->mac =
        c->mac ? c->mac & SWITCH_MAC_MASK : 0x020000000000ull | n->host->ipv4;
    f->n_hosts++;
    return n->number;
}

uint32_t fabric_add_switch(Fabric *f, const FabricSwitchConfig *c)
{
    FabricNode *n = node_new(f, c->name, "switch");

    n->kind = FABRIC_SWITCH;
    n->sw = g_memdup2(c, sizeof(*c));
    n->sw->name = n->name;
    return n->number;
}

/* ---- links --------------------------------------------------------------- */

static const char *link_problem(const FabricLinkConfig *c)
{
    if (c->delay_ps == 0) {
        return "its delay is zero; a fabric needs a delay above zero on each "
               "link, which is how far ahead its ends may run: give the "
               "cable's (5 ns a metre)";
    }
    if (c->delay_ps > MAX_DELAY_PS) {
        return "its delay is above 1 s";
    }
    if (c->rate_bps < 1 || c->rate_bps > MAX_RATE_BPS) {
        return "its rate is not from 1 bit/s to 10 Tbit/s";
    }
    if (!(c->loss >= 0 && c->loss <= 1)) {
        return "its loss is not from 0 to 1";
    }
    if (!(c->ber >= 0 && c->ber <= 0.5)) {
        return "its bit error rate is not from 0 to 0.5";
    }
    return NULL;
}

static const char *end_problem(const Fabric *f, uint32_t node)
{
    if (node >= f->n_nodes) {
        return "there is no such node";
    }
    if (f->node[node].host && f->node[node].ports) {
        return "a host has one link, and this would be its second";
    }
    if (f->node[node].ports >= SWITCH_MAX_PORTS) {
        return "all 256 ports of the switch are in use";
    }
    return NULL;
}

static uint32_t port_new(Fabric *f, uint32_t node, uint32_t link)
{
    FabricNode *n = &f->node[node];

    n->links = g_renew(uint32_t, n->links, n->ports + 1);
    n->links[n->ports] = link;
    return n->ports++;
}

int32_t fabric_add_link(Fabric *f, uint32_t a, uint32_t b,
                        const FabricLinkConfig *c, GError **errp)
{
    const char *problem = end_problem(f, a);
    FabricLink *l;

    problem = problem ? problem : end_problem(f, b);
    if (!problem && f->built) {
        problem = "the fabric is already built";
    }
    if (!problem && a == b) {
        problem = "both ends are the same node";
    }
    problem = problem ? problem : link_problem(c);
    if (problem) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TOPOLOGY,
                    "link %s between %s and %s: %s", c->name ? c->name : "",
                    a < f->n_nodes ? f->node[a].name : "?",
                    b < f->n_nodes ? f->node[b].name : "?", problem);
        return -1;
    }
    f->links = g_renew(FabricLink, f->links, f->n_links + 1);
    l = &f->links[f->n_links];
    memset(l, 0, sizeof(*l));
    l->config = *c;
    l->name = c->name
                  ? g_strdup(c->name)
                  : g_strdup_printf("%s-%s", f->node[a].name, f->node[b].name);
    l->config.name = l->name;
    l->node[0] = a;
    l->node[1] = b;
    l->port[0] = port_new(f, a, f->n_links);
    l->port[1] = port_new(f, b, f->n_links);
    g_hash_table_insert(f->link_by_name, l->name,
                        GUINT_TO_POINTER(f->n_links + 1));
    return (int32_t)f->n_links++;
}

/* ---- generators ---------------------------------------------------------- */

void fabric_topology_default(FabricTopology *t, uint32_t n_hosts)
{
    memset(t, 0, sizeof(*t));
    t->n_hosts = n_hosts;
    fabric_switch_config_default(&t->sw);
    fabric_link_config_default(&t->host_link);
    fabric_link_config_default(&t->core_link);
}

static uint32_t add_hosts(Fabric *f, const FabricTopology *t, uint32_t n)
{
    uint32_t first = f->n_nodes;

    for (uint32_t i = 0; i < n; i++) {
        FabricHostConfig modelled = { 0 };

        fabric_add_host(f, t->hosts ? &t->hosts[i] : &modelled);
    }
    return first;
}

static uint32_t add_switches(Fabric *f, const FabricTopology *t,
                             const char *name, uint32_t n)
{
    uint32_t first = f->n_nodes;

    for (uint32_t i = 0; i < n; i++) {
        FabricSwitchConfig c = t->sw;
        g_autofree char *own = g_strdup_printf("%s%u", name, i);

        c.name = own;
        fabric_add_switch(f, &c);
    }
    return first;
}

static int32_t refuse(GError **errp, const char *what)
{
    g_set_error_literal(errp, FABRIC_ERROR, FABRIC_ERROR_TOPOLOGY, what);
    return -1;
}

/* Host @i to switch @first + @i / @each, for all. */
static bool link_hosts(Fabric *f, const FabricTopology *t, uint32_t host,
                       uint32_t n, uint32_t first, uint32_t each, GError **errp)
{
    for (uint32_t i = 0; i < n; i++) {
        if (fabric_add_link(f, host + i, first + i / each, &t->host_link,
                            errp) < 0) {
            return false;
        }
    }
    return true;
}

int32_t fabric_topology_single(Fabric *f, const FabricTopology *t,
                               GError **errp)
{
    uint32_t host, sw;

    if (t->n_hosts < 1 || t->n_hosts > SWITCH_MAX_PORTS) {
        return refuse(errp, "one switch has from 1 to 256 hosts");
    }
    host = add_hosts(f, t, t->n_hosts);
    sw = add_switches(f, t, "switch", 1);
    return link_hosts(f, t, host, t->n_hosts, sw, t->n_hosts, errp)
               ? (int32_t)host
               : -1;
}

int32_t fabric_topology_leaf_spine(Fabric *f, const FabricTopology *t,
                                   uint32_t leaves, uint32_t spines,
                                   GError **errp)
{
    uint32_t host, leaf, spine, each;

    if (leaves < 1 || leaves > SWITCH_MAX_PORTS || spines < 1 ||
        spines > SWITCH_MAX_PORTS || t->n_hosts < 1) {
        return refuse(errp, "a leaf-spine fabric has from 1 to 256 leaves and "
                            "spines, and hosts");
    }
    each = (t->n_hosts + leaves - 1) / leaves;
    if (each + spines > SWITCH_MAX_PORTS) {
        return refuse(errp, "a leaf has at most 256 ports for its hosts and "
                            "spines: take more leaves");
    }
    host = add_hosts(f, t, t->n_hosts);
    leaf = add_switches(f, t, "leaf", leaves);
    spine = add_switches(f, t, "spine", spines);
    if (!link_hosts(f, t, host, t->n_hosts, leaf, each, errp)) {
        return -1;
    }
    for (uint32_t i = 0; i < leaves; i++) {
        for (uint32_t k = 0; k < spines; k++) {
            if (fabric_add_link(f, leaf + i, spine + k, &t->core_link, errp) <
                0) {
                return -1;
            }
        }
    }
    return (int32_t)host;
}

/* Edge i of a pod to each aggregation switch; aggregation i to its cores. */
static bool link_pods(Fabric *f, const FabricTopology *t, uint32_t k,
                      uint32_t edge, uint32_t agg, uint32_t core, GError **errp)
{
    uint32_t half = k / 2;

    for (uint32_t i = 0; i < k * half * half; i++) {
        uint32_t sw = i / half, pod = sw / half, up = i % half;

        if (fabric_add_link(f, edge + sw, agg + pod * half + up, &t->core_link,
                            errp) < 0) {
            return false;
        }
    }
    for (uint32_t i = 0; i < k * half * half; i++) {
        uint32_t sw = i / half, up = i % half;

        if (fabric_add_link(f, agg + sw, core + sw % half * half + up,
                            &t->core_link, errp) < 0) {
            return false;
        }
    }
    return true;
}

int32_t fabric_topology_fat_tree(Fabric *f, const FabricTopology *t, uint32_t k,
                                 GError **errp)
{
    uint32_t half = k / 2, host, edge, agg, core, n = t->n_hosts;

    if (k < 2 || k > 64 || k % 2) {
        return refuse(errp, "a fat tree's k is even, from 2 to 64");
    }
    n = n ? n : k * half * half;
    if (n > k * half * half) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TOPOLOGY,
                    "a fat tree with k = %u has %u hosts, not %u: take a "
                    "larger k",
                    k, k * half * half, n);
        return -1;
    }
    host = add_hosts(f, t, n);
    edge = add_switches(f, t, "edge", k * half);
    agg = add_switches(f, t, "agg", k * half);
    core = add_switches(f, t, "core", half * half);
    return link_hosts(f, t, host, n, edge, half, errp) &&
                   link_pods(f, t, k, edge, agg, core, errp)
               ? (int32_t)host
               : -1;
}
