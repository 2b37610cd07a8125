/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_tables.c: next-hop groups, longest prefixes, learned addresses.
 *
 * Routes are compiled into disjoint ranges of addresses in rising order; a
 * lookup is a binary search without branches. Where the addresses lie close
 * together, as a generated topology's do, a table saves the search.
 */
#include "switch_priv.h"

#include <stdlib.h>
#include <string.h>

#define NEAR_MAX 4096u /* entries; a choice: 8 KiB */

/* ---- groups -------------------------------------------------------------- */

static void group_refresh(const SwitchCore *sw, SwitchGroup *g)
{
    g->n_up = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        uint16_t port = g->members[g->n + i];

        if (sw->port[port].up) {
            g->members[g->n_up++] = port;
        }
    }
    if (g->n_up && g->n_up <= SWITCH_GROUP_NEAR) {
        memcpy(g->near, g->members, g->n_up * sizeof(*g->near));
    }
}

void switch_groups_refresh(SwitchCore *sw)
{
    for (uint32_t i = 0; i < sw->n_groups; i++) {
        group_refresh(sw, &sw->group[i]);
    }
}

bool switch_core_group_set(SwitchCore *sw, uint32_t group,
                           const uint16_t *ports, uint32_t n)
{
    SwitchGroup *g;

    if (group >= SWITCH_NO_GROUP || n > SWITCH_MAX_PORTS) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (ports[i] >= sw->config.ports) {
            return false;
        }
    }
    if (group >= sw->n_groups) {
        g = switch_alloc(group + 1, sizeof(*g));
        if (sw->n_groups) {
            memcpy(g, sw->group, sw->n_groups * sizeof(*g));
        }
        switch_resize(sw->group, 0, 0);
        sw->group = g;
        sw->n_groups = group + 1;
    }
    g = &sw->group[group];
    g->n = n;
    g->members = switch_resize(g->members, 2 * (n ? n : 1), sizeof(uint16_t));
    if (n) {
        memcpy(g->members + n, ports, n * sizeof(uint16_t));
    }
    group_refresh(sw, g);
    return true;
}

/* ---- routes -------------------------------------------------------------- */

typedef struct Sorted {
    uint64_t start, end; /* inclusive */
    size_t index;
    uint16_t group;
} Sorted;

static int by_start(const void *a, const void *b)
{
    const Sorted *x = a, *y = b;

    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    if (x->end != y->end) {
        return x->end > y->end ? -1 : 1; /* the wider one first */
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

typedef struct Ranges {
    uint32_t *start;
    uint16_t *group;
    uint32_t n;
    uint64_t from; /* what is covered so far ends before this */
} Ranges;

static void cover(Ranges *r, uint64_t to, uint16_t group)
{
    if (to < r->from) {
        return;
    }
    if (r->n == 0 || r->group[r->n - 1] != group) {
        r->start[r->n] = (uint32_t)r->from;
        r->group[r->n++] = group;
    }
    r->from = to + 1;
}

static Sorted *sorted_routes(const SwitchCore *sw)
{
    Sorted *s = switch_alloc(sw->n_routes, sizeof(*s));

    for (size_t i = 0; i < sw->n_routes; i++) {
        const SwitchRoute *route = &sw->routes[i];
        uint64_t size = 1ull << (32 - route->length);

        s[i].start = route->prefix & ~(size - 1);
        s[i].end = s[i].start + size - 1;
        s[i].group = route->group;
        s[i].index = i;
    }
    qsort(s, sw->n_routes, sizeof(*s), by_start);
    return s;
}

/* A table of what lies between the ranges without a group at both ends, in the
 * widest steps that all ranges begin at; none if it would be too long. */
static void near_compile(SwitchCore *sw)
{
    const uint32_t *start = sw->route_start;
    uint32_t first = sw->route_group[0] == SWITCH_NO_GROUP;
    uint32_t last = sw->route_n - 1, steps = 0, range = first, n;

    sw->near_n = 0;
    if (last <= first || sw->route_group[last] != SWITCH_NO_GROUP) {
        return;
    }
    for (uint32_t i = first + 1; i <= last; i++) {
        steps |= start[i] - start[first];
    }
    sw->near_base = start[first];
    sw->near_shift = (uint32_t)__builtin_ctz(steps);
    n = (start[last] - start[first]) >> sw->near_shift;
    if (n > NEAR_MAX) {
        return;
    }
    sw->near_group = switch_resize(sw->near_group, n, sizeof(uint16_t));
    for (uint32_t i = 0; i < n; i++) {
        while (start[range + 1] - start[first] <= i << sw->near_shift) {
            range++;
        }
        sw->near_group[i] = sw->route_group[range];
    }
    sw->near_n = n;
}

void switch_routes_compile(SwitchCore *sw)
{
    Sorted *s = sorted_routes(sw);
    size_t *stack = switch_alloc(sw->n_routes, sizeof(*stack));
    size_t depth = 0;
    Ranges r = { 0 };

    r.start = switch_alloc(2 * sw->n_routes + 1, sizeof(*r.start));
    r.group = switch_alloc(2 * sw->n_routes + 1, sizeof(*r.group));
    for (size_t i = 0; i < sw->n_routes; i++) {
        while (depth && s[stack[depth - 1]].end < s[i].start) {
            depth--;
            cover(&r, s[stack[depth]].end, s[stack[depth]].group);
        }
        if (s[i].start > 0) {
            cover(&r, s[i].start - 1,
                  depth ? s[stack[depth - 1]].group : SWITCH_NO_GROUP);
        }
        stack[depth++] = i;
    }
    while (depth--) {
        cover(&r, s[stack[depth]].end, s[stack[depth]].group);
    }
    cover(&r, UINT32_MAX, SWITCH_NO_GROUP);
    free(stack);
    free(s);
    free(sw->route_start);
    free(sw->route_group);
    sw->route_start = r.start;
    sw->route_group = r.group;
    sw->route_n = r.n;
    near_compile(sw);
    sw->routes_dirty = false;
}

int32_t switch_route_pick(SwitchCore *sw, const SwitchPacket *pkt)
{
    if (SWITCH_UNLIKELY(sw->routes_dirty)) {
        switch_routes_compile(sw);
    }
    return switch_route_find(sw, pkt);
}

int32_t switch_core_route_pick(SwitchCore *sw, uint32_t ipv4,
                               uint32_t flow_hash)
{
    const SwitchPacket pkt = { .dst = ipv4, .flow_hash = flow_hash };

    return switch_route_pick(sw, &pkt);
}

int32_t switch_core_route_lookup(const SwitchCore *sw, uint32_t ipv4)
{
    uint64_t best_size = UINT64_MAX;
    int32_t best = -1;

    for (size_t i = 0; i < sw->n_routes; i++) {
        const SwitchRoute *route = &sw->routes[i];
        uint64_t size = 1ull << (32 - route->length);

        if (((route->prefix ^ ipv4) & ~(size - 1)) == 0 && size <= best_size) {
            best_size = size;
            best = route->group;
        }
    }
    return best;
}

bool switch_core_routes_set(SwitchCore *sw, const SwitchRoute *routes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (routes[i].length > 32) {
            return false;
        }
    }
    sw->routes = switch_resize(sw->routes, n ? n : 1, sizeof(*sw->routes));
    if (n) {
        memcpy(sw->routes, routes, n * sizeof(*routes));
    }
    sw->n_routes = n;
    sw->routes_cap = n ? n : 1;
    sw->routes_dirty = true;
    return true;
}

bool switch_core_route_add(SwitchCore *sw, const SwitchRoute *route)
{
    if (route->length > 32) {
        return false;
    }
    if (sw->n_routes == sw->routes_cap) {
        sw->routes_cap = sw->routes_cap ? sw->routes_cap * 2 : 8;
        sw->routes =
            switch_resize(sw->routes, sw->routes_cap, sizeof(*sw->routes));
    }
    sw->routes[sw->n_routes++] = *route;
    sw->routes_dirty = true;
    return true;
}

bool switch_core_route_remove(SwitchCore *sw, uint32_t prefix, uint8_t length)
{
    uint64_t mask = length <= 32 ? ~((1ull << (32 - length)) - 1) : 0;
    size_t kept = 0;
    bool found;

    for (size_t i = 0; i < sw->n_routes; i++) {
        const SwitchRoute *route = &sw->routes[i];

        if (route->length != length || ((route->prefix ^ prefix) & mask)) {
            sw->routes[kept++] = *route;
        }
    }
    found = kept < sw->n_routes;
    sw->n_routes = kept;
    sw->routes_dirty = true;
    return found;
}

/* ---- learned addresses --------------------------------------------------- */

static uint32_t mac_slot(const SwitchCore *sw, uint64_t mac)
{
    uint32_t slot = switch_mix32((uint32_t)mac ^ (uint32_t)(mac >> 24));

    for (slot &= sw->mac_mask;
         sw->mac[slot].mac != 0 && sw->mac[slot].mac != mac;
         slot = (slot + 1) & sw->mac_mask) {
    }
    return slot;
}

static bool aged(const SwitchCore *sw, const SwitchMac *e, uint64_t ps)
{
    return !e->is_static && sw->config.age_ps && ps > e->seen_ps &&
           ps - e->seen_ps >= sw->config.age_ps;
}

void switch_mac_put(SwitchCore *sw, const SwitchMac *entry)
{
    SwitchMac *e;

    if ((sw->mac_n + 1) * 2 > sw->mac_mask) {
        SwitchMac *old = sw->mac;
        uint32_t size = sw->mac_mask + 1;

        sw->mac = switch_alloc(size * 2, sizeof(*sw->mac));
        sw->mac_mask = size * 2 - 1;
        for (uint32_t i = 0; i < size; i++) {
            if (old[i].mac) {
                sw->mac[mac_slot(sw, old[i].mac)] = old[i];
            }
        }
        free(old);
    }
    e = &sw->mac[mac_slot(sw, entry->mac)];
    sw->mac_n += e->mac == 0;
    *e = *entry;
}

/* Keeps what @keep says; the table is made anew. */
static void mac_filter(SwitchCore *sw,
                       bool (*keep)(const SwitchCore *sw, const SwitchMac *e,
                                    uint64_t arg),
                       uint64_t arg)
{
    SwitchMac *old = sw->mac;
    uint32_t size = sw->mac_mask + 1;

    sw->mac = switch_alloc(size, sizeof(*sw->mac));
    sw->mac_n = 0;
    for (uint32_t i = 0; i < size; i++) {
        if (old[i].mac && keep(sw, &old[i], arg)) {
            switch_mac_put(sw, &old[i]);
        }
    }
    free(old);
}

static bool keep_young(const SwitchCore *sw, const SwitchMac *e, uint64_t ps)
{
    return !aged(sw, e, ps);
}

static bool keep_static(const SwitchCore *sw, const SwitchMac *e, uint64_t arg)
{
    return e->is_static;
}

static bool keep_other(const SwitchCore *sw, const SwitchMac *e, uint64_t port)
{
    return e->is_static || e->port != port;
}

void switch_mac_learn(SwitchCore *sw, uint64_t mac, uint32_t port, uint64_t ps)
{
    SwitchMac entry = { mac, ps, (uint16_t)port, 0 };
    SwitchMac *e;

    if (mac == 0 || (mac & SWITCH_MAC_GROUP)) {
        return;
    }
    e = &sw->mac[mac_slot(sw, mac)];
    if (e->mac) {
        if (!e->is_static) {
            *e = entry;
        }
        return;
    }
    if (sw->mac_n >= sw->config.mac_entries) {
        mac_filter(sw, keep_young, ps);
        if (sw->mac_n >= sw->config.mac_entries) {
            return; /* full: unknown addresses go on being flooded */
        }
    }
    switch_mac_put(sw, &entry);
}

int32_t switch_mac_find(const SwitchCore *sw, uint64_t mac, uint64_t ps)
{
    const SwitchMac *e;

    if (mac == 0) {
        return -1;
    }
    e = &sw->mac[mac_slot(sw, mac)];
    return e->mac && !aged(sw, e, ps) ? e->port : -1;
}

void switch_mac_forget_port(SwitchCore *sw, uint32_t port)
{
    mac_filter(sw, keep_other, port);
}

bool switch_core_mac_add(SwitchCore *sw, uint64_t mac, uint32_t port)
{
    SwitchMac entry = { mac & SWITCH_MAC_MASK, 0, (uint16_t)port, 1 };

    if (port >= sw->config.ports || entry.mac == 0) {
        return false;
    }
    switch_mac_put(sw, &entry);
    return true;
}

void switch_core_mac_flush(SwitchCore *sw)
{
    mac_filter(sw, keep_static, 0);
}

int32_t switch_core_mac_lookup(const SwitchCore *sw, uint64_t mac)
{
    return switch_mac_find(sw, mac & SWITCH_MAC_MASK, sw->now_ps);
}

uint32_t switch_core_mac_count(const SwitchCore *sw)
{
    return sw->mac_n;
}
