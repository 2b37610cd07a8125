/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_fabric_load.c: the fabric's side of `outrigger bench fabric`: one fat
 * tree under a permutation, all of the model on; prints what it measured.
 *
 *     outrigger-bench-fabric-load K SIM_US [SEED [balanced]]
 *
 * balanced: hosts choose paths by feedback, which takes packets and hops too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fabric.h"
#include "hist.h"

#define PS_PER_US 1000000u

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    uint32_t k = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    uint64_t sim_us = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    FabricConfig config = {
        .seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1,
    };
    g_autoptr(GError) err = NULL;
    FabricTraffic traffic;
    FabricBalance balance;
    FabricTopology t;
    FabricTotals totals;
    double begin, used;
    uint64_t drops = 0;
    Fabric *f;

    if (!k || !sim_us) {
        fprintf(stderr, "usage: %s K SIM_US [SEED [balanced]]\n", argv[0]);
        return 2;
    }
    f = fabric_new(&config);
    fabric_topology_default(&t, 0);
    fabric_traffic_default(&traffic);
    traffic.end_ps = sim_us * PS_PER_US;
    fabric_balance_default(&balance, PATH_CONGESTION);
    traffic.balance = argc > 4 ? &balance : NULL;
    if (fabric_topology_fat_tree(f, &t, k, &err) < 0 ||
        !fabric_traffic_add(f, &traffic, &err) || !fabric_build(f, &err)) {
        fprintf(stderr, "%s\n", err->message);
        return 2;
    }
    begin = cpu_s();
    fabric_run(f, FABRIC_NEVER_PS);
    used = cpu_s() - begin;
    fabric_totals(f, &totals);
    for (uint32_t i = 0; i < FABRIC_DROPS; i++) {
        drops += totals.dropped[i];
    }
    printf("hops %" G_GUINT64_FORMAT "\nreceived %" G_GUINT64_FORMAT
           "\ndrops %" G_GUINT64_FORMAT "\nmarked %" G_GUINT64_FORMAT
           "\nmean_latency_ps %" G_GUINT64_FORMAT
           "\ncpu_s %.6f\nmhops_per_cpu_s %.6f\n",
           totals.hops, totals.received, drops, totals.marked,
           hist_mean(fabric_latency(f)), used,
           (double)totals.hops / used / 1e6);
    fabric_free(f);
    return 0;
}
