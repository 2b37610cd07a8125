/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_balance_pair.c: pairs of hosts whose packets are balanced: when there
 * is something to balance, their objects of path.h, and defaults.
 */
#include "fabric_balance.h"

#include <string.h>

#define US 1000000ull
#define PATHS_MAX 255u

/*
 * For 100 Gbit/s and links of some hundred ns; all choices, by what drops and
 * delays least in docs/fabric.md's case. Delay says sooner than marks how full
 * a way is, and tells values apart when all of them are marked; so no value is
 * avoided altogether. The cap bounds what a link that has slowed down can take
 * in before its first echo is back.
 */
void fabric_balance_default(FabricBalance *b, PathPolicy policy)
{
    memset(b, 0, sizeof(*b));
    b->path = path_config_default(policy);
    b->path.values = 32;
    b->path.echo_packets = 16;
    b->path.echo_ps = 10 * US;
    b->echo_bytes = FABRIC_ECHO_BYTES;
    b->echo_values = 4;
    b->echo_priority = 7;
    if (policy != PATH_CONGESTION) {
        return;
    }
    b->path.inputs = PATH_INPUT_DELAY | PATH_INPUT_LOSS;
    b->path.delay_full_ps = 20 * US;
    b->path.ewma_shift = 1;
    b->path.dither = PATH_SCORE_MAX / 5 * 2;
    b->path.avoid_score = PATH_SCORE_MAX;
    b->path.cap_bytes = 30000;
    b->path.cap_balanced = true;
}

/* ---- how many paths ------------------------------------------------------ */

static uint32_t switch_of(const Fabric *f, uint32_t host)
{
    const FabricLink *l = &f->links[f->node[host].links[0]];

    return l->node[l->node[0] == host];
}

/* Shortest paths from each switch to @to, as the fabric was built, so that
 * failures change nothing. */
static uint8_t *count_paths(const Fabric *f, uint32_t to)
{
    g_autofree uint32_t *hops = g_new(uint32_t, f->n_nodes);
    g_autofree uint32_t *queue = g_new(uint32_t, f->n_nodes);
    uint8_t *paths = g_new0(uint8_t, f->n_nodes);
    uint32_t head = 0, tail = 0;

    memset(hops, 0xff, f->n_nodes * sizeof(*hops));
    hops[to] = 0;
    paths[to] = 1;
    queue[tail++] = to;
    while (head < tail) {
        const FabricNode *n = &f->node[queue[head++]];

        for (uint32_t p = 0; p < n->ports; p++) {
            const FabricLink *l = &f->links[n->links[p]];
            uint32_t next = l->node[l->node[0] == n->number];

            if (f->node[next].kind != FABRIC_SWITCH) {
                continue;
            }
            if (hops[next] == UINT32_MAX) {
                hops[next] = hops[n->number] + 1;
                queue[tail++] = next;
            }
            if (hops[next] == hops[n->number] + 1) {
                paths[next] =
                    (uint8_t)MIN(paths[next] + paths[n->number], PATHS_MAX);
            }
        }
    }
    return paths;
}

static uint32_t paths_between(Fabric *f, uint32_t from, uint32_t to)
{
    FabricBalancer *b = fabric_balancer(f);
    uint32_t a = switch_of(f, from), z = switch_of(f, to);

    if (f->node[a].kind != FABRIC_SWITCH || f->node[z].kind != FABRIC_SWITCH) {
        return 1; /* joined by a cable */
    }
    if (!b->paths) {
        b->paths = g_new0(uint8_t *, f->n_nodes);
    }
    if (!b->paths[z]) {
        b->paths[z] = count_paths(f, z);
    }
    return b->paths[z][a];
}

/* ---- pairs --------------------------------------------------------------- */

/* The load's configuration for a sender of this rate. */
static const PathConfig *config_for(Fabric *f, const FabricLoad *load,
                                    uint64_t rate_bps)
{
    FabricBalancer *b = fabric_balancer(f);
    FabricBalanceConfig *c;
    PathConfig *path;

    for (uint32_t i = 0; i < b->configs->len; i++) {
        c = b->configs->pdata[i];
        if (c->load == load->number && c->rate_bps == rate_bps) {
            return &c->path;
        }
    }
    c = g_new0(FabricBalanceConfig, 1);
    c->load = load->number;
    c->rate_bps = rate_bps;
    c->path = load->balance.path;
    path = &c->path;
    path->line_bps = path->line_bps ? path->line_bps : rate_bps;
    path->min_bps =
        path->min_bps ? path->min_bps : MAX(path->line_bps / 100, 1);
    g_ptr_array_add(b->configs, c);
    return path;
}

static bool listens(const PathConfig *c)
{
    return c->policy == PATH_CONGESTION || c->policy == PATH_PLB ||
           c->policy == PATH_REPS || c->cap_bytes ||
           c->reduce_score < PATH_SCORE_MAX;
}

static uint32_t pair_new(Fabric *f, const FabricLoad *load, uint32_t from,
                         uint32_t to, uint32_t paths)
{
    FabricBalancer *b = fabric_balancer(f);
    const PathConfig *c =
        config_for(f, load, f->links[f->node[from].links[0]].config.rate_bps);
    FabricPair *p = g_aligned_alloc0(1, sizeof(*p), 64);
    uint64_t seed = load->t.seed ? load->t.seed : f->config.seed;

    p->from = from;
    p->to = to;
    p->load = load->number;
    p->hash = (uint32_t)(fabric_seed(f->node[from].host->ipv4, 7,
                                     f->node[to].host->ipv4) >>
                         32);
    p->config = c;
    p->sequencing = c->sequencing;
    p->echoes = listens(c);
    p->waits = c->cap_bytes || c->reduce_score < PATH_SCORE_MAX;
    p->sender = path_sender_new(
        c, paths, fabric_seed(fabric_seed(seed, 8, load->number), from, to));
    if (b->n_pairs == b->cap_pairs) {
        b->cap_pairs = b->cap_pairs ? b->cap_pairs * 2 : 64;
        b->pair = g_renew(FabricPair *, b->pair, b->cap_pairs);
    }
    b->pair[b->n_pairs] = p;
    return b->n_pairs++;
}

uint32_t fabric_balance_pair(Fabric *f, const FabricLoad *load, uint32_t from,
                             uint32_t to)
{
    uint64_t key = (uint64_t)from << 32 | to;
    uint32_t number = FABRIC_NONE, paths = load->balance.paths;
    void *found;

    if (!load->balanced || f->node[to].kind != FABRIC_MODELLED) {
        return FABRIC_NONE;
    }
    if (g_hash_table_lookup_extended(load->pairs, &key, NULL, &found)) {
        return GPOINTER_TO_UINT(found);
    }
    paths = paths ? paths : paths_between(f, from, to);
    if (paths > 1) {
        number = pair_new(f, load, from, to, paths);
    }
    g_hash_table_insert(load->pairs, g_memdup2(&key, sizeof(key)),
                        GUINT_TO_POINTER(number));
    return number;
}

/* Cargo goes with the balancer. */
static void keep_item(void *item)
{
}

void fabric_pair_receiver(Fabric *f, FabricPair *p)
{
    const FabricLoad *load = f->loads->pdata[p->load];

    p->receiver = path_receiver_new(
        &load->balance.path,
        fabric_seed(fabric_seed(f->config.seed, 9, p->load), p->to, p->from));
    p->order = path_order_new(&load->balance.path, keep_item);
}

const char *fabric_balance_problem(const FabricBalance *b)
{
    PathConfig c = b->path;

    c.line_bps = c.line_bps ? c.line_bps : 1000000000;
    c.min_bps = c.min_bps ? c.min_bps : 1;
    if (b->echo_bytes &&
        (b->echo_bytes < FABRIC_MIN_FRAME_BYTES ||
         b->echo_bytes + b->echo_values * 20u > FABRIC_MAX_FRAME_BYTES)) {
        return "an echo has from 60 to 9600 bytes";
    }
    return path_config_problem(&c);
}
