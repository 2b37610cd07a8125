/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_workload.c: see validate_workload.h.
 */
#include "validate_workload.h"

#include <math.h>
#include <stdlib.h>

#define PACKET_BYTES 1460u
#define PS_PER_S 1000000000000ull
#define CELL_BYTES 160u

/* Packets, cumulative share in per cent. */
static const struct {
    uint32_t packets, percent;
} web_search[] = {
    { 6, 0 },     { 6, 15 },    { 13, 20 },   { 19, 30 },
    { 33, 40 },   { 53, 53 },   { 133, 60 },  { 667, 70 },
    { 1333, 80 }, { 3333, 90 }, { 6667, 97 }, { 20000, 100 },
};

uint64_t validate_draw(uint64_t *random)
{
    uint64_t z = (*random += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

uint64_t validate_web_search_bytes(uint64_t *random)
{
    uint64_t at = validate_draw(random) % 1000000; /* of 100 % */
    uint32_t i = 1;

    while (web_search[i].percent * 10000ull <= at) {
        i++;
    }
    at -= web_search[i - 1].percent * 10000ull;
    return PACKET_BYTES *
           (web_search[i - 1].packets +
            (web_search[i].packets - web_search[i - 1].packets) * at /
                ((web_search[i].percent - web_search[i - 1].percent) *
                 10000ull));
}

uint64_t validate_web_search_mean_bytes(void)
{
    uint64_t sum = 0; /* packets * 200 % */

    for (size_t i = 1; i < G_N_ELEMENTS(web_search); i++) {
        sum += (uint64_t)(web_search[i].percent - web_search[i - 1].percent) *
               (web_search[i].packets + web_search[i - 1].packets);
    }
    return sum * PACKET_BYTES / 200;
}

/* ---- networks -------------------------------------------------------------- */

static void queue_config(const ValidateLeafSpine *c, FabricSwitchConfig *s)
{
    uint32_t cells = (1514 + CELL_BYTES - 1) / CELL_BYTES;
    SwitchConfig *sw = &s->sw;

    fabric_switch_config_default(s);
    sw->queues = 1;
    sw->cell_bytes = CELL_BYTES;
    sw->buffer_cells = SWITCH_MAX_PORTS * c->queue_packets * cells;
    sw->queue[0].alpha_q8 = 65536;
    sw->queue[0].limit_cells = c->queue_packets * cells;
    sw->queue[0].ecn_mode = SWITCH_ECN_STEP;
    sw->queue[0].ecn_min_cells = c->mark_packets * cells;
}

static bool add_links(Fabric *f, const ValidateLeafSpine *c, GError **errp)
{
    uint32_t a_leaf = c->hosts / c->leaves;
    FabricLinkConfig link;

    fabric_link_config_default(&link);
    link.rate_bps = c->host_bps;
    for (uint32_t i = 0; i < c->hosts; i++) {
        if (fabric_add_link(f, i, c->hosts + i / a_leaf, &link, errp) < 0) {
            return false;
        }
    }
    link.rate_bps = c->core_bps;
    for (uint32_t l = 0; l < c->leaves; l++) {
        for (uint32_t s = 0; s < c->spines * c->parallel; s++) {
            g_autofree char *name = g_strdup_printf("up%u-%u", l, s);

            link.name = name;
            if (fabric_add_link(f, c->hosts + l,
                                c->hosts + c->leaves + s / c->parallel, &link,
                                errp) < 0) {
                return false;
            }
        }
    }
    return true;
}

Fabric *validate_leaf_spine(const ValidateLeafSpine *c, GError **errp)
{
    FabricConfig config = { .seed = c->seed };
    FabricSwitchConfig sw;
    Fabric *f = fabric_new(&config);

    queue_config(c, &sw);
    for (uint32_t i = 0; i < c->hosts; i++) {
        fabric_add_host(f, &(FabricHostConfig){ 0 });
    }
    for (uint32_t i = 0; i < c->leaves + c->spines; i++) {
        fabric_add_switch(f, &sw);
    }
    if (!add_links(f, c, errp) || !fabric_build(f, errp)) {
        fabric_free(f);
        return NULL;
    }
    return f;
}

bool validate_fail_link(Fabric *f, uint32_t a, uint32_t b, GError **errp)
{
    for (uint32_t i = fabric_link_count(f); i-- > 0;) {
        uint32_t x, y;

        fabric_link_ends(f, i, &x, &y);
        if ((x == a && y == b) || (x == b && y == a)) {
            return fabric_link_set_up(f, i, false, 0, errp);
        }
    }
    g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_FAULT,
                "no link between nodes %u and %u", a, b);
    return false;
}

/* ---- flows ----------------------------------------------------------------- */

/* Exponential with that mean; logarithms of the C library, rounded to ps by
 * 2^-20 so that their last bits do not matter. */
static uint64_t exponential_ps(uint64_t *random, uint64_t mean_ps)
{
    double u = (double)((validate_draw(random) >> 12) + 1) * 0x1p-52;
    uint64_t q20 = (uint64_t)(-log(u) * 0x1p20);

    return (uint64_t)((unsigned __int128)mean_ps * q20 >> 20);
}

bool validate_arrivals(Fabric *f, const ValidateArrivals *a, GError **errp)
{
    uint64_t random = a->seed;
    uint64_t mean_bytes =
        a->bytes ? a->bytes : validate_web_search_mean_bytes();
    uint64_t gap_ps =
        (uint64_t)((unsigned __int128)mean_bytes * 8 * PS_PER_S / a->load_bps);
    uint64_t at_ps = a->start_ps + exponential_ps(&random, gap_ps);

    for (; at_ps < a->end_ps; at_ps += exponential_ps(&random, gap_ps)) {
        FabricFlowSpec spec = { .start_ps = at_ps,
                                .transport = a->transport,
                                .user = a->user };

        do {
            spec.from =
                a->from + (uint32_t)(validate_draw(&random) % a->n_from);
            spec.to = a->to + (uint32_t)(validate_draw(&random) % a->n_to);
        } while (spec.from / a->hosts_a_leaf == spec.to / a->hosts_a_leaf);
        spec.bytes = a->bytes ? a->bytes : validate_web_search_bytes(&random);
        if (fabric_flow_add(f, &spec, errp) < 0) {
            return false;
        }
    }
    return true;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

uint32_t validate_fcts(const Fabric *f, uint32_t user, uint64_t from_ps,
                       uint64_t to_ps, uint64_t *ret, uint32_t *ret_unfinished)
{
    uint32_t n = 0;

    *ret_unfinished = 0;
    for (uint32_t i = 0; i < fabric_flow_count(f); i++) {
        FabricFlowStats s;

        fabric_flow_stats(f, i, &s);
        if (s.spec.user != user || s.spec.start_ps < from_ps ||
            s.spec.start_ps >= to_ps) {
            continue;
        }
        *ret_unfinished += s.finish_ps == FABRIC_NEVER_PS;
        ret[n++] =
            (MIN(s.finish_ps, fabric_now_ps(f)) - s.spec.start_ps) / 1000;
    }
    qsort(ret, n, sizeof(ret[0]), by_value);
    return n;
}
