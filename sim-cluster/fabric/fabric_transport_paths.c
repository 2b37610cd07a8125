/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_transport_paths.c: which values of the flow hash lead over which
 * links. See fabric_transport.h.
 */
#include "fabric_transport_priv.h"

#define MAX_LINKS 32u
#define FRUITLESS 256u

uint32_t fabric_path_links(const Fabric *f, uint32_t from, uint32_t to,
                           uint32_t flow_hash, uint32_t *links, uint32_t max)
{
    uint32_t node = from, port = 0, n = 0;

    if (from >= f->n_nodes || to >= f->n_nodes || !f->node[from].host ||
        !f->node[to].host || from == to) {
        return 0;
    }
    while (n < max) {
        const FabricWire *w = &f->wire[f->out_wire[f->node[node].base + port]];
        int32_t out;

        links[n++] = f->node[node].links[port];
        node = w->to_node;
        if (node == to) {
            return n;
        }
        if (!f->node[node].core) {
            return 0; /* another host */
        }
        out = switch_core_route_pick(f->node[node].core, f->node[to].host->ipv4,
                                     flow_hash);
        if (out < 0) {
            return 0;
        }
        port = (uint32_t)out;
    }
    return 0;
}

static uint64_t signature(const Fabric *f, uint32_t from, uint32_t to,
                          uint32_t flow_hash)
{
    uint32_t links[MAX_LINKS];
    uint32_t n = fabric_path_links(f, from, to, flow_hash, links, MAX_LINKS);
    uint64_t s = n;

    for (uint32_t i = 0; i < n; i++) {
        s ^= links[i] + 1;
        s = fabric_random(&s);
    }
    return n ? s : 0;
}

uint32_t fabric_paths(const Fabric *f, uint32_t from, uint32_t to,
                      uint64_t seed, uint32_t *hashes, uint32_t max)
{
    g_autofree uint64_t *seen = g_new(uint64_t, max + 1);
    uint32_t n = 0, fruitless = 0;

    while (n < max && fruitless++ < FRUITLESS) {
        uint32_t hash = (uint32_t)(fabric_random(&seed) >> 32);
        uint64_t s = signature(f, from, to, hash);
        uint32_t i = 0;

        while (i < n && seen[i] != s) {
            i++;
        }
        if (s && i == n) {
            seen[n] = s;
            hashes[n++] = hash;
            fruitless = 0;
        }
    }
    return n;
}
