/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_fabric.c: set-ups that experiments share; see validate_fabric.h.
 */
#include "validate_fabric.h"
#include "validate.h"

#include <stdlib.h>

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

Fabric *validate_fat_tree(uint32_t k, uint64_t rate_bps, const SwitchConfig *sw,
                          uint64_t seed, GError **errp)
{
    FabricConfig config = { .seed = seed };
    Fabric *f = fabric_new(&config);
    FabricTopology t;

    fabric_topology_default(&t, k * k * k / 4);
    t.host_link.rate_bps = t.core_link.rate_bps = rate_bps;
    t.host_link.delay_ps = t.core_link.delay_ps = VALIDATE_LINK_PS;
    t.sw.sw = *sw;
    t.sw.sw.pipeline_ps = 0;
    t.sw.sw.seed = 0;
    if (fabric_topology_fat_tree(f, &t, k, errp) < 0 ||
        !fabric_build(f, errp)) {
        fabric_free(f);
        return NULL;
    }
    return f;
}

void validate_permutation(uint32_t n_hosts, uint64_t seed, uint32_t *ret)
{
    for (uint32_t i = 0; i < n_hosts; i++) {
        ret[i] = i;
    }
    for (uint32_t i = n_hosts - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(((random_next(&seed) >> 32) * i) >> 32);
        uint32_t x = ret[i];

        ret[i] = ret[j];
        ret[j] = x;
    }
}

bool validate_degrade(Fabric *f, uint32_t k, uint64_t rate_bps, GError **errp)
{
    uint32_t first_agg = k * k * k / 4 + k * k / 2;
    uint32_t first_core = first_agg + k * k / 2;

    for (uint32_t l = 0; l < fabric_link_count(f); l++) {
        uint32_t a, b;

        fabric_link_ends(f, l, &a, &b);
        if (MIN(a, b) == first_agg && MAX(a, b) >= first_core) {
            return fabric_link_set_rate_from(f, l, MAX(a, b), rate_bps / 10, 0,
                                             errp);
        }
    }
    g_set_error(errp, VALIDATE_ERROR, VALIDATE_ERROR_FAILED,
                "the fat tree has no link from aggregation to core");
    return false;
}

bool validate_permutation_flows(Fabric *f, uint32_t n_hosts, const uint32_t *to,
                                uint64_t bytes, int32_t transport,
                                GError **errp)
{
    if (transport < 0) {
        return false;
    }
    for (uint32_t i = 0; i < n_hosts; i++) {
        FabricFlowSpec spec = { .from = i,
                                .to = to[i],
                                .bytes = bytes,
                                .transport = (uint32_t)transport };

        if (fabric_flow_add(f, &spec, errp) < 0) {
            return false;
        }
    }
    return true;
}

void validate_goodputs(Fabric *f, uint64_t from_ps, uint64_t until_ps,
                       uint64_t *ret)
{
    uint32_t n = fabric_flow_count(f);
    FabricFlowStats s;

    fabric_run(f, from_ps);
    for (uint32_t i = 0; i < n; i++) {
        fabric_flow_stats(f, i, &s);
        ret[i] = s.delivered_bytes;
    }
    fabric_run(f, until_ps);
    for (uint32_t i = 0; i < n; i++) {
        fabric_flow_stats(f, i, &s);
        ret[i] = (s.delivered_bytes - ret[i]) * 8 * 1000000 /
                 ((until_ps - from_ps) / 1000);
    }
}

bool validate_completions(Fabric *f, uint64_t limit_ps, uint64_t *ret,
                          GError **errp)
{
    uint32_t n = fabric_flow_count(f);
    FabricFlowStats s;

    fabric_run(f, limit_ps);
    for (uint32_t i = 0; i < n; i++) {
        fabric_flow_stats(f, i, &s);
        if (s.acked_ps == FABRIC_NEVER_PS) {
            g_set_error(errp, VALIDATE_ERROR, VALIDATE_ERROR_FAILED,
                        "flow %u has not finished after %" G_GUINT64_FORMAT
                        " us",
                        i, limit_ps / 1000000);
            return false;
        }
        ret[i] = (s.acked_ps - s.spec.start_ps) / 1000;
    }
    return true;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

uint64_t validate_sort_mean(uint64_t *values, uint32_t n)
{
    uint64_t sum = 0;

    qsort(values, n, sizeof(*values), by_value);
    for (uint32_t i = 0; i < n; i++) {
        sum += values[i];
    }
    return n ? sum / n : 0;
}
