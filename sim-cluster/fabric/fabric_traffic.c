/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_traffic.c: who sends what to whom: permutation, incast, random;
 * constant rate or Poisson; sizes and traces from files.
 */
#include "fabric_priv.h"

#include <math.h>
#include <string.h>

#define PPM 1000000u
#define PS_PER_S 1e12
#define MAX_FLOW_BYTES (1ull << 40)

void fabric_traffic_default(FabricTraffic *t)
{
    memset(t, 0, sizeof(*t));
    t->pattern = FABRIC_PERMUTATION;
    t->end_ps = FABRIC_NEVER_PS;
    t->load_ppm = PPM / 2;
    t->packet_bytes = 1500;
    t->flow_bytes = 100000;
    t->ecn = true;
}

void fabric_load_free(void *p)
{
    FabricLoad *load = p;

    if (load) {
        g_free(load->hosts);
        g_free(load->cdf);
        if (load->pairs) {
            g_hash_table_unref(load->pairs);
        }
        g_free(load);
    }
}

/* ---- flows as they begin ------------------------------------------------- */

static uint32_t flow_new(Fabric *f, uint64_t start_ps, uint64_t bytes,
                         uint32_t entry)
{
    uint32_t number = f->free_flow;

    if (number != FABRIC_NONE) {
        f->free_flow = (uint32_t)f->flow[number].start_ps;
    } else {
        if (f->n_flows == f->cap_flows) {
            f->cap_flows = f->cap_flows ? f->cap_flows * 2 : 1024;
            f->flow = g_renew(FabricFlow, f->flow, f->cap_flows);
        }
        number = f->n_flows++;
    }
    f->flow[number] = (FabricFlow){ start_ps, bytes, bytes, entry };
    return number;
}

static uint64_t exponential_ps(FabricSource *s)
{
    double gap =
        -log1p(-fabric_random_unit(&s->random)) * (double)s->mean_gap_ps;

    return (uint64_t)gap + 1;
}

static uint64_t draw_bytes(const FabricLoad *load, FabricSource *s)
{
    double u, b0, p0, bytes;
    uint32_t i = 0;

    if (!load->n_cdf) {
        return load->t.flow_bytes;
    }
    u = fabric_random_unit(&s->random);
    while (i + 1 < load->n_cdf && load->cdf[2 * i + 1] <= u) {
        i++;
    }
    b0 = i ? load->cdf[2 * i - 2] : load->cdf[0];
    p0 = i ? load->cdf[2 * i - 1] : 0;
    bytes =
        b0 + (load->cdf[2 * i] - b0) * (u - p0) / (load->cdf[2 * i + 1] - p0);
    return MAX((uint64_t)bytes, 1);
}

static uint32_t draw_receiver(const FabricLoad *load, FabricSource *s,
                              uint32_t sender)
{
    uint32_t n = load->t.n_hosts, to;

    do {
        to = load->hosts[((fabric_random(&s->random) >> 32) * n) >> 32];
    } while (to == sender);
    return to;
}

static void poisson_next(Fabric *f, FabricHost *h, FabricSource *s,
                         FabricStream *ret)
{
    const FabricTraffic *t = &s->load->t;
    uint32_t to = s->to;
    uint64_t bytes;

    if (to == FABRIC_NONE) {
        to = draw_receiver(s->load, s, h->node);
    }
    bytes = draw_bytes(s->load, s);
    *ret = (FabricStream){
        .ready_ps = s->next_ps,
        .left_bytes = bytes,
        .dst = f->node[to].host->ipv4,
        .hash = (uint32_t)(fabric_random(&s->random) >> 32),
        .flow = flow_new(f, s->next_ps, bytes, s->load->entry),
        .pair = fabric_balance_pair(f, s->load, h->node, to),
        .packet_bytes = (uint16_t)t->packet_bytes,
        .priority = t->priority,
        .flags = t->ecn ? SWITCH_PKT_ECT : 0,
        .entry = s->load->entry,
    };
    s->next_ps += exponential_ps(s);
    if (s->next_ps >= s->end_ps) {
        s->next_ps = FABRIC_NEVER_PS;
    }
}

void fabric_source_next(Fabric *f, FabricHost *h, FabricSource *s,
                        FabricStream *ret)
{
    const FabricTraceRow *row;

    if (s->load) {
        poisson_next(f, h, s, ret);
        return;
    }
    row = &g_array_index(f->trace, FabricTraceRow, s->trace_at);
    *ret = (FabricStream){
        .ready_ps = s->next_ps,
        .left_bytes = row->bytes,
        .dst = f->node[row->to].host->ipv4,
        .hash = (uint32_t)(fabric_random(&s->random) >> 32),
        .flow = flow_new(f, s->next_ps, row->bytes, row->entry),
        .pair = FABRIC_NONE,
        .packet_bytes = row->packet_bytes,
        .priority = row->priority,
        .flags = SWITCH_PKT_ECT,
        .entry = row->entry,
    };
    s->next_ps = ++s->trace_at < s->trace_end
                     ? row[1].start_ps + f->trace_shift_ps
                     : FABRIC_NEVER_PS;
}

/* ---- loads --------------------------------------------------------------- */

FabricSource *fabric_source_new(FabricHost *h)
{
    h->sources = g_renew(FabricSource, h->sources, h->n_sources + 1);
    memset(&h->sources[h->n_sources], 0, sizeof(*h->sources));
    return &h->sources[h->n_sources++];
}

static double mean_wire_bytes(const FabricLoad *load)
{
    double mean = (double)load->t.flow_bytes, packets;

    if (load->n_cdf) {
        double b = load->cdf[0], p = 0;

        mean = 0;
        for (uint32_t i = 0; i < load->n_cdf; i++) {
            mean += (load->cdf[2 * i + 1] - p) * (load->cdf[2 * i] + b) / 2;
            b = load->cdf[2 * i];
            p = load->cdf[2 * i + 1];
        }
    }
    packets = ceil(mean / load->t.packet_bytes);
    return mean + packets * SWITCH_OVERHEAD_BYTES;
}

static void constant_start(Fabric *f, FabricHost *h, const FabricLoad *load,
                           uint32_t to, uint64_t *random)
{
    const FabricTraffic *t = &load->t;
    uint64_t wire_ps = switch_serialise_ps(t->packet_bytes, h->rate_bps);
    uint64_t gap = MAX(wire_ps * PPM / t->load_ppm, 1);
    FabricStream s = {
        .ready_ps = t->start_ps + fabric_random(random) % gap,
        .gap_ps = gap,
        .end_ps = t->end_ps,
        .dst = f->node[to].host->ipv4,
        .hash = (uint32_t)(fabric_random(random) >> 32),
        .flow = FABRIC_NONE,
        .pair = fabric_balance_pair(f, load, h->node, to),
        .packet_bytes = (uint16_t)t->packet_bytes,
        .priority = t->priority,
        .flags = t->ecn ? SWITCH_PKT_ECT : 0,
        .entry = load->entry,
    };

    if (s.ready_ps < s.end_ps) {
        fabric_stream_add(h, &s);
    }
}

static void poisson_start(FabricHost *h, const FabricLoad *load, uint32_t to,
                          uint64_t random)
{
    FabricSource *s = fabric_source_new(h);
    double bits_per_s = (double)h->rate_bps * load->t.load_ppm / PPM;

    s->random = random;
    s->load = load;
    s->to = to;
    s->end_ps = load->t.end_ps;
    s->mean_gap_ps =
        (uint64_t)(mean_wire_bytes(load) * 8 * PS_PER_S / bits_per_s);
    s->next_ps = load->t.start_ps + exponential_ps(s);
    if (s->next_ps >= s->end_ps) {
        s->next_ps = FABRIC_NEVER_PS;
    }
}

/* A random permutation in which nobody sends to itself (one cycle). */
static uint32_t *permutation(const FabricLoad *load, uint64_t random)
{
    uint32_t n = load->t.n_hosts;
    uint32_t *order = g_memdup2(load->hosts, n * sizeof(*order));

    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(((fabric_random(&random) >> 32) * i) >> 32);
        uint32_t x = order[i];

        order[i] = order[j];
        order[j] = x;
    }
    return order;
}

static void load_start(Fabric *f, FabricLoad *load)
{
    uint64_t seed = load->t.seed
                        ? load->t.seed
                        : fabric_seed(f->config.seed, 3, f->traffic_seq);
    g_autofree uint32_t *order = permutation(load, fabric_seed(seed, 4, 0));

    f->traffic_seq++;
    for (uint32_t i = 0; i < load->t.n_hosts; i++) {
        uint32_t node = load->hosts[i], to = FABRIC_NONE;
        FabricHost *h = f->node[node].host;
        uint64_t random = fabric_seed(seed, 5, i);

        if (load->balanced && f->node[node].kind == FABRIC_MODELLED) {
            fabric_balance_host(h);
        }
        if (f->node[node].kind != FABRIC_MODELLED ||
            (load->t.pattern == FABRIC_INCAST && i == 0)) {
            continue;
        }
        if (load->t.pattern == FABRIC_INCAST) {
            to = load->hosts[0];
        } else if (load->t.pattern == FABRIC_PERMUTATION) {
            to = order[i];
        }
        if (load->t.poisson) {
            poisson_start(h, load, to, random);
        } else {
            constant_start(f, h, load, to, &random);
        }
        fabric_host_replan(f, h);
    }
}

void fabric_traffic_start(Fabric *f)
{
    for (uint32_t i = f->loads_started; i < f->loads->len; i++) {
        load_start(f, f->loads->pdata[i]);
    }
    f->loads_started = f->loads->len;
    fabric_trace_start(f);
}

/* ---- what callers give --------------------------------------------------- */

static const char *traffic_problem(const Fabric *f, const FabricTraffic *t,
                                   const FabricLoad *load)
{
    uint32_t senders = 0;

    if (t->packet_bytes < FABRIC_MIN_FRAME_BYTES ||
        t->packet_bytes > FABRIC_MAX_FRAME_BYTES) {
        return "packets have from 60 to 9600 bytes";
    }
    if (t->load_ppm < 1 || t->load_ppm > PPM) {
        return "the load is above 0 and at most 100 %";
    }
    if (t->start_ps >= t->end_ps || t->start_ps < f->now_ps) {
        return "it ends before it starts, or starts in the past";
    }
    if (load->t.n_hosts < 2) {
        return "it takes at least two hosts";
    }
    if (t->flow_bytes < 1 || t->flow_bytes > MAX_FLOW_BYTES) {
        return "a flow has from 1 byte to 1 TiB";
    }
    if (!t->poisson && t->pattern == FABRIC_RANDOM) {
        return "random receivers need Poisson flows: a constant rate has one "
               "endless flow";
    }
    for (uint32_t i = 0; i < load->t.n_hosts; i++) {
        if (load->hosts[i] >= f->n_nodes || !f->node[load->hosts[i]].host) {
            return "one of its nodes is no host";
        }
        if (t->balance && f->node[load->hosts[i]].host->endpoint) {
            return "one of its hosts has flows of a transport: its paths are "
                   "the transport's";
        }
        if (f->node[load->hosts[i]].host->endpoint &&
            !(t->pattern == FABRIC_INCAST && i == 0)) {
            return "one of its hosts has flows of a transport";
        }
        senders += f->node[load->hosts[i]].kind == FABRIC_MODELLED &&
                   !(t->pattern == FABRIC_INCAST && i == 0);
    }
    if (t->balance && fabric_balance_problem(t->balance)) {
        return fabric_balance_problem(t->balance);
    }
    return senders ? NULL : "none of its hosts is modelled, so nobody sends";
}

static void all_modelled(const Fabric *f, FabricLoad *load)
{
    load->hosts = g_new(uint32_t, f->n_nodes);
    load->t.n_hosts = 0;
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        if (f->node[i].kind == FABRIC_MODELLED) {
            load->hosts[load->t.n_hosts++] = i;
        }
    }
}

bool fabric_traffic_add(Fabric *f, const FabricTraffic *t, GError **errp)
{
    FabricLoad *load = g_new0(FabricLoad, 1);
    const char *problem;

    load->t = *t;
    if (t->hosts) {
        load->hosts = g_memdup2(t->hosts, t->n_hosts * sizeof(*t->hosts));
    } else {
        all_modelled(f, load);
    }
    load->t.hosts = NULL;
    load->t.balance = NULL;
    load->number = f->loads->len;
    if (t->balance) {
        load->balanced = true;
        load->balance = *t->balance;
        load->balance.echo_bytes =
            t->balance->echo_bytes ? t->balance->echo_bytes : FABRIC_ECHO_BYTES;
        load->balance.echo_values = MAX(t->balance->echo_values, 1);
        load->pairs =
            g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    }
    problem = traffic_problem(f, t, load);
    if (problem) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TRAFFIC, "traffic: %s",
                    problem);
    }
    if (problem ||
        (t->size_file && !fabric_sizes_read(load, t->size_file, errp))) {
        fabric_load_free(load);
        return false;
    }
    load->entry = fabric_entry_new(f);
    g_ptr_array_add(f->loads, load);
    if (f->built) {
        fabric_traffic_start(f);
    }
    return true;
}
