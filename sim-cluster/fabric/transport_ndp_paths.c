/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_ndp_paths.c: rules 3 and 4 of transport_ndp.h: permutations of
 * paths, and the score of each.
 */
#include "transport_ndp_priv.h"

#define ENOUGH 100u  /* ACKs and NACKs of a path before it is judged */
#define FEW_ACKS 10u /* below, the quotient is not taken */
#define BAD_PERCENT 30u
#define HALVE_AT 1000u
#define MAX_DOUBLINGS 7u

static void permute(NdpPaths *p, FabricFlowEnd *end)
{
    for (uint32_t i = p->n - 1; i > 0; i--) {
        uint32_t j = fabric_flow_random_below(end, i + 1);
        uint32_t x = p->order[i];

        p->order[i] = p->order[j];
        p->order[j] = x;
    }
    p->at = 0;
}

void ndp_paths_init(NdpPaths *p, FabricFlowEnd *end)
{
    const FabricNdpConfig *c = end->config;
    const Fabric *f = fabric_endpoint_fabric(end->endpoint);
    uint32_t hashes[NDP_MAX_PATHS];

    p->n = c->paths;
    if (p->n == 0) {
        p->n = fabric_paths(f, fabric_endpoint_node(end->endpoint), end->peer,
                            fabric_flow_random(end), hashes, NDP_MAX_PATHS);
    }
    if (c->paths || p->n == 0) {
        p->n = p->n ? p->n : 1;
        for (uint32_t i = 0; i < p->n; i++) {
            hashes[i] = (uint32_t)(fabric_flow_random(end) >> 32);
        }
    }
    p->path = g_new0(NdpPath, p->n);
    p->order = g_new(uint32_t, p->n);
    for (uint32_t i = 0; i < p->n; i++) {
        p->path[i].hash = hashes[i];
        p->order[i] = i;
    }
    permute(p, end);
}

void ndp_paths_free(NdpPaths *p)
{
    g_free(p->path);
    g_free(p->order);
}

void ndp_paths_move(NdpPaths *p, FabricFlowEnd *end)
{
    if (++p->at == p->n) {
        permute(p, end);
    }
}

uint32_t ndp_paths_choose(NdpPaths *p, FabricFlowEnd *end)
{
    const FabricNdpConfig *c = end->config;
    uint64_t now = fabric_endpoint_now_ps(end->endpoint);
    uint32_t which = p->order[p->at];

    if (c->policy == FABRIC_NDP_ONE_PATH_MARK && end->sender) {
        return which;
    }
    ndp_paths_move(p, end);
    /* at most once around, so that there is a path when all are bad */
    for (uint32_t i = 1; i < p->n && p->path[which].until_ps > now; i++) {
        which = p->order[p->at];
        ndp_paths_move(p, end);
    }
    return which;
}

static void set_counts(NdpPaths *p, NdpPath *path, uint32_t acks,
                       uint32_t nacks)
{
    p->acks += acks - path->acks;
    p->nacks += nacks - path->nacks;
    path->acks = acks;
    path->nacks = nacks;
}

static void halve(NdpPaths *p, NdpPath *path)
{
    if (path->acks + path->nacks >= HALVE_AT) {
        set_counts(p, path, path->acks / 2, path->nacks / 2);
    }
}

void ndp_paths_ack(NdpPaths *p, uint32_t which)
{
    NdpPath *path = &p->path[which];

    set_counts(p, path, path->acks + 1, path->nacks);
    if ((uint64_t)path->nacks * 100 <= (uint64_t)path->acks * BAD_PERCENT) {
        path->doublings = 0;
    }
    halve(p, path);
}

/* Quotients are compared without dividing. */
static bool is_bad(const NdpPaths *p, const NdpPath *path)
{
    uint64_t acks = path->acks, nacks = path->nacks;

    if (acks + nacks <= ENOUGH ||
        (acks <= FEW_ACKS && nacks + FEW_ACKS < ENOUGH)) {
        return false;
    }
    return nacks * 100 > acks * BAD_PERCENT &&
           nacks * p->acks * 4 > acks * p->nacks * 5;
}

bool ndp_paths_nack(NdpPaths *p, FabricFlowEnd *end, uint32_t which,
                    uint32_t weight)
{
    const FabricNdpConfig *c = end->config;
    uint64_t now = fabric_endpoint_now_ps(end->endpoint);
    NdpPath *path = &p->path[which];
    uint32_t sum;

    set_counts(p, path, path->acks, path->nacks + weight);
    sum = path->acks + path->nacks;
    if (c->policy == FABRIC_NDP_SPRAY_PENALTY && p->n > 1 && is_bad(p, path)) {
        uint32_t acks = path->acks * (ENOUGH + 1) / sum;

        set_counts(p, path, acks, ENOUGH + 1 - acks);
        if (path->until_ps > now) {
            return false; /* sent before it was left out */
        }
        path->until_ps = now + (c->penalty_ps << path->doublings);
        path->doublings = MIN(path->doublings + 1, MAX_DOUBLINGS);
        return true;
    }
    halve(p, path);
    return false;
}
