/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_balance_load.c: the experiments of `outrigger bench balance`: each runs
 * several policies on the same arrivals, over some seeds, and prints the worst
 * ratio on standard output, what each run measured on standard error.
 *
 *     outrigger-bench-balance-load load80|degraded|herding [SEEDS [VALUES]]
 *
 * All: k=8 fat tree, 128 hosts, 100 Gbit/s, 500 ns links, 1500-byte frames,
 * constant-rate permutation, VALUES source ports a pair of hosts whatever the
 * policy (load80, herding: 16, degraded: 128), 256 KiB of shared buffer a port,
 * ECN at 160 cells. Balancing begins
 * when congestion has been seen: drops count from instant 0, latency and
 * goodput from the end of warm-up. Echoes take capacity, as all packets do.
 *
 * load80: 80 % load, 200 us warm-up, 1000 us measured.
 * degraded: one link between aggregation and core at a tenth of its rate from
 * the beginning, both directions. Its pod has 15.1 of 16 links left: with all
 * its hosts sending to others, at most 0.944 of line rate each, echoes
 * included. Flows do not back off, so they offer 0.935 of line rate (wire
 * bytes), not 1. 1 ms warm-up, 2 ms measured; milder steps than the default
 * and more echoes in a packet.
 * herding: load80 with the best value always taken instead of the better of
 * two random ones; how much the load of each edge uplink, in bins of 10 us,
 * swings.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fabric.h"
#include "hist.h"

#define US 1000000ull
#define K 8u
#define HOSTS (K * K * K / 4)
#define EDGES (K * K / 2)
#define PORT_BUFFER_BYTES (256u * 1024u)
#define BIN_PS (10 * US)
#define MAX_BINS 1024u

typedef struct Setup {
    const FabricBalance *balance;
    uint64_t seed, warmup_ps, measured_ps;
    uint32_t load_ppm, values;
    bool degraded;
} Setup;

typedef struct Result {
    uint64_t drops;
    double mean_us, p99_us;
    double variance; /* of utilisation over links to and from cores */
    double swing;    /* mean over edge uplinks: deviation over time */
    double min_goodput, mean_goodput; /* of line rate */
} Result;

static uint64_t drops_of(const Fabric *f)
{
    FabricTotals t;
    uint64_t sum = 0;

    fabric_totals(f, &t);
    for (uint32_t i = 0; i < FABRIC_DROPS; i++) {
        sum += t.dropped[i];
    }
    return sum;
}

static bool is_core(uint32_t node)
{
    return node >= HOSTS + 2 * EDGES;
}

static bool is_edge(uint32_t node)
{
    return node >= HOSTS && node < HOSTS + EDGES;
}

static void core_variance(const Fabric *f, Result *r)
{
    double sum = 0, squares = 0, n = 0;

    for (uint32_t i = 0; i < fabric_link_count(f); i++) {
        uint32_t end[2];

        fabric_link_ends(f, i, &end[0], &end[1]);
        for (uint32_t k = 0; (is_core(end[0]) || is_core(end[1])) && k < 2;
             k++) {
            FabricLinkStats s;
            double u;

            fabric_link_stats(f, i, end[k], &s);
            u = s.utilisation_ppm / 1e6;
            sum += u;
            squares += u * u;
            n++;
        }
    }
    r->variance = squares / n - (sum / n) * (sum / n);
}

/* Of one direction of a link over all complete bins. */
static double deviation(const Fabric *f, uint32_t link, uint32_t from)
{
    uint32_t bins = fabric_stats_bins(f);
    double sum = 0, squares = 0, mean;

    for (uint32_t i = 0; i < bins; i++) {
        FabricLinkBin b;
        double u;

        fabric_stats_link_bin(f, link, from, i, &b);
        u = b.utilisation_ppm / 1e6;
        sum += u;
        squares += u * u;
    }
    mean = sum / bins;
    return sqrt(fmax(squares / bins - mean * mean, 0));
}

static void uplink_swing(const Fabric *f, Result *r)
{
    double sum = 0, n = 0;

    for (uint32_t i = 0; i < fabric_link_count(f); i++) {
        uint32_t end[2];

        fabric_link_ends(f, i, &end[0], &end[1]);
        for (uint32_t k = 0; k < 2; k++) {
            if (is_edge(end[k]) && end[!k] >= HOSTS) {
                sum += deviation(f, i, end[k]);
                n++;
            }
        }
    }
    r->swing = sum / n;
}

/* In wire bytes, so that a link that is never idle gives 1. */
static void goodput(const Fabric *f, const Setup *s, Result *r)
{
    uint32_t n = fabric_stats_pairs(f);
    double line = 100e9 / 8 * (double)s->measured_ps * 1e-12;

    r->min_goodput = 1;
    for (uint32_t i = 0; i < n; i++) {
        FabricPairStats p;
        double g;

        fabric_stats_pair(f, i, &p);
        g = (double)p.goodput_bytes * 1524 / 1500 / line;
        r->min_goodput = fmin(r->min_goodput, g);
        r->mean_goodput += g / n;
    }
}

static bool make(Fabric *f, const Setup *s, GError **errp)
{
    FabricTraffic traffic;
    FabricTopology t;

    fabric_topology_default(&t, 0);
    t.sw.sw.buffer_cells = K * PORT_BUFFER_BYTES / t.sw.sw.cell_bytes;
    t.sw.sw.queue[0].ecn_min_cells = 160;
    fabric_traffic_default(&traffic);
    traffic.load_ppm = s->load_ppm;
    traffic.balance = s->balance;
    if (fabric_topology_fat_tree(f, &t, K, errp) < 0 ||
        !fabric_traffic_add(f, &traffic, errp) || !fabric_build(f, errp)) {
        return false;
    }
    return !s->degraded ||
           fabric_link_set_rate(f,
                                (uint32_t)fabric_link_by_name(f, "agg0-core0"),
                                10000000000ull, 0, errp);
}

static Result run(const Setup *s)
{
    FabricConfig config = { .seed = s->seed, .warmup_ps = s->warmup_ps };
    Fabric *f = fabric_new(&config);
    g_autoptr(GError) err = NULL;
    const struct Hist *latency;
    Result r = { 0 };

    if (!make(f, s, &err)) {
        fprintf(stderr, "%s\n", err->message);
        exit(2);
    }
    fabric_run(f, s->warmup_ps);
    r.drops = drops_of(f);
    if (!fabric_stats_series(f, BIN_PS, MAX_BINS, &err)) {
        fprintf(stderr, "%s\n", err->message);
        exit(2);
    }
    fabric_run(f, s->warmup_ps + s->measured_ps);
    r.drops += drops_of(f);
    latency = fabric_latency(f);
    r.mean_us = (double)hist_mean(latency) / 1e6;
    r.p99_us = (double)hist_percentile(latency, HIST_P99) / 1e6;
    core_variance(f, &r);
    uplink_swing(f, &r);
    goodput(f, s, &r);
    fabric_free(f);
    return r;
}

static void tell(const Setup *s, const char *policy, const Result *r)
{
    fprintf(stderr,
            "seed %2" G_GUINT64_FORMAT " %-10s drops %7" G_GUINT64_FORMAT
            " mean %6.2f us p99 %7.2f us variance %.5f swing %.4f"
            " goodput min %.4f mean %.4f\n",
            s->seed, policy, r->drops, r->mean_us, r->p99_us, r->variance,
            r->swing, r->min_goodput, r->mean_goodput);
}

/* Caps are for all values of a pair together what the default's are. */
static FabricBalance balance_of(PathPolicy policy, uint32_t values)
{
    FabricBalance b;

    fabric_balance_default(&b, policy);
    b.path.cap_bytes = b.path.cap_bytes * b.path.values / values;
    b.path.values = values;
    return b;
}

static Result run_policy(Setup s, PathPolicy policy)
{
    FabricBalance b = balance_of(policy, s.values);
    Result r;

    s.balance = &b;
    r = run(&s);
    tell(&s, path_policy_name(policy), &r);
    return r;
}

static void load80(uint64_t seeds, uint32_t values)
{
    Setup s = { .warmup_ps = 200 * US,
                .measured_ps = 1000 * US,
                .load_ppm = 800000,
                .values = values ? values : 16 };
    double ecmp = INFINITY, spray = INFINITY, mean = INFINITY, p99 = INFINITY,
           variance = INFINITY;

    for (s.seed = 1; s.seed <= seeds; s.seed++) {
        Result e = run_policy(s, PATH_ECMP), r = run_policy(s, PATH_SPRAY),
               c = run_policy(s, PATH_CONGESTION);
        double drops = (double)MAX(c.drops, 1);

        ecmp = fmin(ecmp, (double)e.drops / drops);
        spray = fmin(spray, (double)r.drops / drops);
        mean = fmin(mean, fmin(e.mean_us, r.mean_us) / c.mean_us);
        p99 = fmin(p99, fmin(e.p99_us, r.p99_us) / c.p99_us);
        variance = fmin(variance, e.variance / c.variance);
    }
    printf("drops_ratio_ecmp %.3f\ndrops_ratio_spray %.3f\nmean_ratio %.4f\n"
           "p99_ratio %.4f\nvariance_ratio %.3f\n",
           ecmp, spray, mean, p99, variance);
}

static void degraded(uint64_t seeds, uint32_t values)
{
    Setup s = { .warmup_ps = 1000 * US,
                .measured_ps = 2000 * US,
                .load_ppm = 935000,
                .values = values ? values : 128,
                .degraded = true };
    double least = INFINITY;
    FabricBalance b = balance_of(PATH_CONGESTION, s.values);

    b.path.delay_full_ps = 50 * US;
    b.path.dither = PATH_SCORE_MAX / 5 * 4;
    b.echo_values = 16;
    for (s.seed = 1; s.seed <= seeds; s.seed++) {
        Result r;

        run_policy(s, PATH_ECMP);
        run_policy(s, PATH_SPRAY);
        s.balance = &b;
        r = run(&s);
        tell(&s, "congestion", &r);
        least = fmin(least, r.min_goodput);
    }
    printf("min_goodput %.4f\n", least);
}

static void herding(uint64_t seeds, uint32_t values)
{
    Setup s = { .warmup_ps = 200 * US,
                .measured_ps = 1000 * US,
                .load_ppm = 800000,
                .values = values ? values : 16 };
    double least = INFINITY;
    FabricBalance greedy = balance_of(PATH_CONGESTION, s.values);

    greedy.path.pick = PATH_PICK_EPSILON;
    greedy.path.epsilon = 0;
    for (s.seed = 1; s.seed <= seeds; s.seed++) {
        Result ours = run_policy(s, PATH_CONGESTION), r;

        s.balance = &greedy;
        r = run(&s);
        tell(&s, "greedy", &r);
        least = fmin(least, r.swing / ours.swing);
    }
    printf("swing_ratio %.3f\n", least);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    uint64_t seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : 10;
    uint32_t values = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;

    if (strcmp(what, "load80") == 0 && seeds) {
        load80(seeds, values);
    } else if (strcmp(what, "degraded") == 0 && seeds) {
        degraded(seeds, values);
    } else if (strcmp(what, "herding") == 0 && seeds) {
        herding(seeds, values);
    } else {
        fprintf(stderr, "usage: %s load80|degraded|herding [SEEDS [VALUES]]\n",
                argv[0]);
        return 2;
    }
    return 0;
}
