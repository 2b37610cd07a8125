/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_routing.c: shortest paths by hops, equal-cost groups, and the
 * spanning tree along which unknown addresses are flooded.
 *
 * For each switch that has hosts, a breadth-first search gives every other
 * switch its distance; its next hops are all ports that lead one hop closer.
 * Hosts with consecutive addresses behind the same group become prefixes.
 */
#include "fabric_priv.h"

#include <string.h>

#define FAR UINT32_MAX

typedef struct Routing {
    Fabric *f;
    uint32_t *distance, *queue;
} Routing;

bool fabric_link_usable(const Fabric *f, uint32_t link)
{
    const FabricLink *l = &f->links[link];

    return l->up && f->node[l->node[0]].up && f->node[l->node[1]].up;
}

static uint32_t neighbour(const Fabric *f, const FabricNode *n, uint32_t port)
{
    const FabricLink *l = &f->links[n->links[port]];

    return l->node[l->node[0] == n->number];
}

/* Hops from every switch to @from, over what is usable. */
static void search(Routing *r, uint32_t from)
{
    const Fabric *f = r->f;
    uint32_t head = 0, tail = 0;

    memset(r->distance, 0xff, f->n_nodes * sizeof(uint32_t));
    if (!f->node[from].up) {
        return;
    }
    r->distance[from] = 0;
    r->queue[tail++] = from;
    while (head < tail) {
        const FabricNode *n = &f->node[r->queue[head++]];

        for (uint32_t p = 0; p < n->ports; p++) {
            uint32_t to = neighbour(f, n, p);

            if (f->node[to].kind == FABRIC_SWITCH && r->distance[to] == FAR &&
                fabric_link_usable(f, n->links[p])) {
                r->distance[to] = r->distance[n->number] + 1;
                r->queue[tail++] = to;
            }
        }
    }
}

/* The group of exactly these ports, made if there is none. */
static uint16_t group_of(SwitchCore *core, const uint16_t *ports, uint32_t n,
                         uint32_t *n_groups,
                         uint64_t (*sets)[SWITCH_MAX_PORTS / 64])
{
    uint64_t set[SWITCH_MAX_PORTS / 64] = { 0 };

    for (uint32_t i = 0; i < n; i++) {
        set[ports[i] / 64] |= 1ull << (ports[i] % 64);
    }
    for (uint32_t g = 0; g < *n_groups; g++) {
        if (memcmp(sets[g], set, sizeof(set)) == 0) {
            return (uint16_t)g;
        }
    }
    memcpy(sets[*n_groups], set, sizeof(set));
    switch_core_group_set(core, *n_groups, ports, n);
    return (uint16_t)(*n_groups)++;
}

/* Ports of @n that lead one hop closer to where the search began. */
static uint32_t next_hops(const Routing *r, const FabricNode *n,
                          uint16_t *ports)
{
    const Fabric *f = r->f;
    uint32_t count = 0;

    if (r->distance[n->number] == FAR) {
        return 0;
    }
    for (uint32_t p = 0; p < n->ports; p++) {
        uint32_t to = neighbour(f, n, p);

        if (f->node[to].kind == FABRIC_SWITCH &&
            fabric_link_usable(f, n->links[p]) &&
            r->distance[to] + 1 == r->distance[n->number]) {
            ports[count++] = (uint16_t)p;
        }
    }
    return count;
}

/* [first, last] as prefixes. */
static void add_range(GArray *routes, uint64_t first, uint64_t last,
                      uint16_t group)
{
    while (first <= last) {
        uint32_t bits = 0;
        SwitchRoute route;

        while (bits < 32 && (first & ((2ull << bits) - 1)) == 0 &&
               first + (2ull << bits) - 1 <= last) {
            bits++;
        }
        route = (SwitchRoute){ (uint32_t)first, (uint8_t)(32 - bits), group };
        g_array_append_val(routes, route);
        first += 1ull << bits;
    }
}

typedef struct SwitchGroups {
    uint32_t n;
    uint64_t sets[SWITCH_MAX_PORTS * 4][SWITCH_MAX_PORTS / 64];
} SwitchGroups;

/* The switch a host hangs from and its port there; false: another host. */
static bool attachment(const Fabric *f, uint32_t host, uint32_t *ret_switch,
                       uint16_t *ret_port)
{
    const FabricLink *l = &f->links[f->node[host].links[0]];
    uint32_t end = l->node[0] == host;

    *ret_switch = l->node[end];
    *ret_port = (uint16_t)l->port[end];
    return f->node[*ret_switch].kind == FABRIC_SWITCH;
}

/* Routes of one switch from group_to[]. */
static void install(const Fabric *f, FabricNode *n, const uint16_t *group_to,
                    SwitchGroups *groups)
{
    g_autoptr(GArray) routes = g_array_new(FALSE, FALSE, sizeof(SwitchRoute));
    uint64_t first = 0, last = 0;
    uint32_t open = FABRIC_NONE;

    for (uint32_t i = 0; i < f->n_hosts; i++) {
        uint32_t host = f->by_address[i], sw, group = FABRIC_NONE;
        uint32_t ipv4 = f->node[host].host->ipv4;
        uint16_t port;

        if (attachment(f, host, &sw, &port)) {
            group = sw == n->number
                        ? group_of(n->core, &port, 1, &groups->n, groups->sets)
                        : group_to[sw];
        }
        if (group != open || ipv4 != last + 1) {
            if (open != FABRIC_NONE) {
                add_range(routes, first, last, (uint16_t)open);
            }
            first = ipv4;
            open = group;
        }
        last = ipv4;
    }
    if (open != FABRIC_NONE) {
        add_range(routes, first, last, (uint16_t)open);
    }
    switch_core_routes_set(n->core, (const SwitchRoute *)routes->data,
                           routes->len);
}

/* ---- spanning tree ------------------------------------------------------- */

static void flood_port(const Fabric *f, uint32_t link, uint32_t end, bool flood)
{
    const FabricLink *l = &f->links[link];
    const FabricNode *n = &f->node[l->node[end]];

    if (n->kind == FABRIC_SWITCH) {
        switch_core_port_set_flood(n->core, l->port[end], flood);
    }
}

static void span(Routing *r)
{
    const Fabric *f = r->f;
    uint32_t head = 0, tail = 0;

    for (uint32_t i = 0; i < f->n_links; i++) {
        const FabricLink *l = &f->links[i];
        bool host = f->node[l->node[0]].host || f->node[l->node[1]].host;

        flood_port(f, i, 0, host);
        flood_port(f, i, 1, host);
    }
    memset(r->distance, 0xff, f->n_nodes * sizeof(uint32_t));
    for (uint32_t root = 0; root < f->n_nodes; root++) {
        if (f->node[root].kind != FABRIC_SWITCH || r->distance[root] != FAR ||
            !f->node[root].up) {
            continue;
        }
        r->distance[root] = 0;
        r->queue[tail++] = root;
        while (head < tail) {
            const FabricNode *n = &f->node[r->queue[head++]];

            for (uint32_t p = 0; p < n->ports; p++) {
                uint32_t to = neighbour(f, n, p);

                if (f->node[to].kind == FABRIC_SWITCH &&
                    r->distance[to] == FAR &&
                    fabric_link_usable(f, n->links[p])) {
                    r->distance[to] = 1;
                    r->queue[tail++] = to;
                    flood_port(f, n->links[p], 0, true);
                    flood_port(f, n->links[p], 1, true);
                }
            }
        }
    }
}

/* ---- all of it ----------------------------------------------------------- */

static void compute_switch(Routing *r, FabricNode *n, const uint32_t *roots,
                           uint32_t n_roots, const uint32_t *distances)
{
    const Fabric *f = r->f;
    g_autofree uint16_t *group_to = g_new(uint16_t, f->n_nodes);
    g_autofree SwitchGroups *groups = g_new0(SwitchGroups, 1);
    uint16_t ports[SWITCH_MAX_PORTS];
    uint32_t old_groups = n->n_groups;

    memset(group_to, 0xff, f->n_nodes * sizeof(uint16_t));
    for (uint32_t i = 0; i < n_roots; i++) {
        uint32_t count;

        r->distance = (uint32_t *)distances + (size_t)i * f->n_nodes;
        count = next_hops(r, n, ports);
        if (count && roots[i] != n->number &&
            groups->n < SWITCH_MAX_PORTS * 4 - SWITCH_MAX_PORTS) {
            group_to[roots[i]] =
                group_of(n->core, ports, count, &groups->n, groups->sets);
        }
    }
    install(f, n, group_to, groups);
    n->n_groups = groups->n;
    for (uint32_t g = groups->n; g < old_groups; g++) {
        switch_core_group_set(n->core, g, NULL, 0);
    }
    switch_core_mac_flush(n->core);
}

void fabric_routes_compute(Fabric *f)
{
    g_autofree uint32_t *queue = g_new(uint32_t, f->n_nodes);
    g_autofree uint32_t *roots = g_new(uint32_t, f->n_nodes);
    g_autofree uint32_t *scratch = g_new(uint32_t, f->n_nodes);
    g_autofree uint32_t *distances = NULL;
    Routing r = { .f = f, .queue = queue };
    uint32_t n_roots = 0;

    for (uint32_t i = 0; i < f->n_nodes; i++) {
        const FabricNode *n = &f->node[i];
        bool hosts = false;

        for (uint32_t p = 0; n->kind == FABRIC_SWITCH && p < n->ports; p++) {
            hosts |= f->node[neighbour(f, n, p)].host != NULL;
        }
        if (hosts) {
            roots[n_roots++] = i;
        }
    }
    distances = g_new(uint32_t, (size_t)n_roots * f->n_nodes + 1);
    for (uint32_t i = 0; i < n_roots; i++) {
        r.distance = distances + (size_t)i * f->n_nodes;
        search(&r, roots[i]);
    }
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        if (f->node[i].kind == FABRIC_SWITCH) {
            compute_switch(&r, &f->node[i], roots, n_roots, distances);
        }
    }
    r.distance = scratch;
    span(&r);
}
