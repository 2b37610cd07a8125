/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_claims.c: what papers on load balancing claim, held against the same
 * policies under DCTCP: extra rows of `bench validate`.
 *
 * Sources: PLB (Qureshi et al., SIGCOMM 2022), Clove (Katta et al., CoNEXT
 * 2017), CONGA (Alizadeh et al., SIGCOMM 2014), LetFlow (Vanini et al., NSDI
 * 2017), REPS (Bonato et al., arXiv 2407.21625).
 * Not modelled: CONGA (leaf switches that measure): `congestion`, the product's
 * policy, which steers at the hosts as Clove does, stands in for it; Hermes.
 * Fleets, testbeds and their TCP stacks are not ours: sizes of effects are to
 * be compared, not digits. All policies are path_config_default()'s.
 */
#include <stdlib.h>
#include <string.h>

#include "validate.h"
#include "validate_workload.h"

#define GBIT 1000000000ull
#define MS 1000000000ull /* ps */
#define US 1000000ull
#define QUEUE_PACKETS 250u
#define MARK_PACKETS 20u /* above a seventh of 10 Gbit/s * 20 us (DCTCP, 3.4) */
#define SEED 1u

#define FAILED_SETUP                                                           \
    "32 hosts at 10 Gbit/s, two leaves, two spines, two 40 Gbit/s links each " \
    "pair, one failed; web-search flows at 70 %, DCTCP"
#define PLB_SETUP "theirs: a fleet; ours: " FAILED_SETUP ", and 10 kB calls"

/* NULL: no figure. */
#define CLAIM(name, source, setup, quantity, unit, low, high)                 \
    {                                                                         \
        "claim-" name, NULL, source ", abstract", setup, quantity, unit, low, \
            high                                                              \
    }
#define PLB_SOURCE "PLB, SIGCOMM 2022"
#define LETFLOW_SOURCE "LetFlow, NSDI 2017"
#define ECMP_FACTOR "mean FCT, ecmp over congestion"

static const ValidateTarget clove =
    CLAIM("clove", "Clove, CoNEXT 2017", FAILED_SETUP, ECMP_FACTOR, "times",
          1500, 7000);
static const ValidateTarget conga =
    CLAIM("conga", "CONGA, SIGCOMM 2014", FAILED_SETUP, ECMP_FACTOR, "times",
          5000, 5000);
static const ValidateTarget letflow =
    CLAIM("letflow", LETFLOW_SOURCE, FAILED_SETUP,
          "mean FCT, flowlet (500 us) over congestion", "times", 1000, 1200);
static const ValidateTarget letflow_short =
    CLAIM("letflow-50us", LETFLOW_SOURCE, FAILED_SETUP,
          "mean FCT, flowlet (50 us) over congestion", "times", 1000, 1200);
static const ValidateTarget plb_imbalance = CLAIM(
    "plb-imbalance", PLB_SOURCE, PLB_SETUP,
    "imbalance of links to a leaf, plb less than ecmp", "%", 60000, 60000);
static const ValidateTarget plb_drops =
    CLAIM("plb-drops", PLB_SOURCE, PLB_SETUP, "drops, plb less than ecmp", "%",
          33000, 33000);
static const ValidateTarget plb_calls =
    CLAIM("plb-calls", PLB_SOURCE, PLB_SETUP,
          "p99 of small calls, plb less than ecmp", "%", 20000, 25000);
static const ValidateTarget reps =
    CLAIM("reps", "REPS, arXiv 2407.21625",
          "32 hosts at 10 Gbit/s, four leaves, four spines, one dies; DCTCP, "
          "endless flows between racks",
          "reps: longest time without delivery", "us", 0, 100000);

static const char why_conga[] =
    "another mechanism, at the hosts; and ecmp has no steady state here: half "
    "of 112 Gbit/s on 40, so the factor depends on how long one looks";
static const char why_letflow[] =
    "modelled hosts send smoothly: gaps of 500 us are rare, so flowlets are";
static const char why_letflow_short[] =
    "a host-based stand-in for CONGA, one small network, one seed";
static const char why_plb[] =
    "a fleet's mix against one network whose only trouble is the failed link";

/* @gap_ps 0: the policy's own flowlet gap. */
static bool dctcp(Fabric *f, PathPolicy policy, uint64_t gap_ps, uint32_t *ret,
                  GError **errp)
{
    TransportDctcpConfig c;
    int32_t t;

    transport_dctcp_config_default(&c);
    c.path = path_config_default(policy);
    c.path.flows = PATH_MAX_FLOWS;
    c.path.flowlet_gap_ps = gap_ps ? gap_ps : c.path.flowlet_gap_ps;
    c.share_paths = true;
    t = fabric_transport_add(f, &transport_dctcp_ops, &c, errp);
    *ret = (uint32_t)t;
    return t >= 0;
}

static uint64_t mean(const uint64_t *values, uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < n; i++) {
        sum += values[i];
    }
    return n ? sum / n : 0;
}

/* ---- a failed link ----------------------------------------------------------- */

#define HOSTS 32u
#define LEAF 33u /* the receivers' */
#define FAILED_PS (400 * MS)
#define WARM_PS (FAILED_PS / 5)
#define CALLS 1u      /* FabricFlowSpec.user */
#define LINKS_MAX 16u /* into the leaf from spines */

typedef struct Failed {
    uint64_t mean_ns, calls_p99_ns, drops;
    uint64_t imbalance_ppm; /* median over ms: busiest link above the mean */
} Failed;

/* Bytes so far on the links from spines to the receivers' leaf that are up. */
static uint32_t downlinks(const Fabric *f, uint64_t *bytes)
{
    uint32_t n = 0;

    for (uint32_t i = HOSTS; i < fabric_link_count(f); i++) {
        FabricLinkStats stats;
        uint32_t leaf, spine;

        fabric_link_ends(f, i, &leaf, &spine);
        if (leaf == LEAF && fabric_link_stats(f, i, spine, &stats)) {
            bytes[n++] = stats.wire_bytes;
        }
    }
    return n - 1; /* the last one is down */
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint64_t run_sampled(Fabric *f)
{
    uint64_t before[LINKS_MAX], now[LINKS_MAX], sample[FAILED_PS / MS];
    uint32_t n = 0, links;

    fabric_run(f, WARM_PS);
    links = downlinks(f, before);
    for (uint64_t at_ps = WARM_PS + MS; at_ps <= FAILED_PS; at_ps += MS) {
        uint64_t most = 0, sum = 0;

        fabric_run(f, at_ps);
        downlinks(f, now);
        for (uint32_t i = 0; i < links; i++) {
            most = MAX(most, now[i] - before[i]);
            sum += now[i] - before[i];
        }
        sample[n++] = sum ? (most * links - sum) * 1000000 / sum : 0;
        memcpy(before, now, sizeof(now));
    }
    qsort(sample, n, sizeof(sample[0]), by_value);
    return sample[n / 2];
}

static void measure(Fabric *f, Failed *ret)
{
    g_autofree uint64_t *fct = g_new(uint64_t, fabric_flow_count(f));
    uint32_t unfinished, n;
    FabricTotals totals;

    ret->imbalance_ppm = run_sampled(f);
    fabric_run(f, 2 * FAILED_PS);
    n = validate_fcts(f, 0, WARM_PS, FAILED_PS, fct, &unfinished);
    ret->mean_ns = mean(fct, n);
    n = validate_fcts(f, CALLS, WARM_PS, FAILED_PS, fct, &unfinished);
    ret->calls_p99_ns = n ? fct[n * 99 / 100] : 0;
    fabric_totals(f, &totals);
    ret->drops = totals.dropped[FABRIC_DROP_THRESHOLD];
}

static bool run_failed(PathPolicy policy, uint64_t gap_ps, Failed *ret,
                       GError **errp)
{
    ValidateLeafSpine net = { .hosts = HOSTS,
                              .leaves = 2,
                              .spines = 2,
                              .parallel = 2,
                              .host_bps = 10 * GBIT,
                              .core_bps = 40 * GBIT,
                              .queue_packets = QUEUE_PACKETS,
                              .mark_packets = MARK_PACKETS,
                              .seed = SEED };
    ValidateArrivals flows = { .n_from = 16,
                               .to = 16,
                               .n_to = 16,
                               .hosts_a_leaf = 16,
                               .load_bps = 112 * GBIT,
                               .end_ps = FAILED_PS,
                               .seed = SEED };
    ValidateArrivals calls = flows;
    Fabric *f = validate_leaf_spine(&net, errp);
    bool ok = f && validate_fail_link(f, LEAF, LEAF + 2, errp) &&
              dctcp(f, policy, gap_ps, &flows.transport, errp) &&
              validate_arrivals(f, &flows, errp);

    calls.transport = flows.transport;
    calls.load_bps = GBIT;
    calls.bytes = 10000;
    calls.user = CALLS;
    calls.seed = SEED + 1;
    ok = ok && validate_arrivals(f, &calls, errp);
    if (ok) {
        measure(f, ret);
    }
    fabric_free(f);
    return ok;
}

/* Thousandths of a per cent. */
static int64_t less(uint64_t now, uint64_t before)
{
    return before ? ((int64_t)before - (int64_t)now) * 100000 / (int64_t)before
                  : 0;
}

static bool failed_link(Validation *v, GError **errp)
{
    Failed ecmp, flowlet, flowlet_short, congestion, plb;
    int64_t factor;

    if (!run_failed(PATH_ECMP, 0, &ecmp, errp) ||
        !run_failed(PATH_FLOWLET, 0, &flowlet, errp) ||
        !run_failed(PATH_FLOWLET, 50 * US, &flowlet_short, errp) ||
        !run_failed(PATH_CONGESTION, 0, &congestion, errp) ||
        !run_failed(PATH_PLB, 0, &plb, errp)) {
        return false;
    }
    factor = (int64_t)(ecmp.mean_ns * 1000 / congestion.mean_ns);
    validate_extra(v, &clove, factor, why_conga);
    validate_extra(v, &conga, factor, why_conga);
    validate_extra(v, &letflow,
                   (int64_t)(flowlet.mean_ns * 1000 / congestion.mean_ns),
                   why_letflow);
    validate_extra(v, &letflow_short,
                   (int64_t)(flowlet_short.mean_ns * 1000 / congestion.mean_ns),
                   why_letflow_short);
    validate_extra(v, &plb_imbalance,
                   less(plb.imbalance_ppm, ecmp.imbalance_ppm), why_plb);
    validate_extra(v, &plb_drops, less(plb.drops, ecmp.drops), why_plb);
    validate_extra(v, &plb_calls, less(plb.calls_p99_ns, ecmp.calls_p99_ns),
                   why_plb);
    return true;
}

/* ---- REPS -------------------------------------------------------------------- */

#define REPS_HOSTS 32u
#define REPS_STEP_PS (10 * US)

static bool run_reps(Validation *v, GError **errp)
{
    ValidateLeafSpine net = { .hosts = REPS_HOSTS,
                              .leaves = 4,
                              .spines = 4,
                              .parallel = 1,
                              .host_bps = 10 * GBIT,
                              .core_bps = 20 * GBIT,
                              .queue_packets = QUEUE_PACKETS,
                              .mark_packets = MARK_PACKETS,
                              .seed = SEED };
    uint64_t bytes[REPS_HOSTS] = { 0 }, since_ps[REPS_HOSTS] = { 0 };
    uint64_t longest_ps = 0;
    Fabric *f = validate_leaf_spine(&net, errp);
    uint32_t t = 0;
    bool ok = f && dctcp(f, PATH_REPS, 0, &t, errp) &&
              fabric_switch_set_up(f, REPS_HOSTS + 4, false, 5 * MS, errp);

    for (uint32_t i = 0; ok && i < REPS_HOSTS; i++) {
        FabricFlowSpec spec = { .from = i,
                                .to = (i + 8) % REPS_HOSTS,
                                .bytes = FABRIC_ENDLESS,
                                .transport = t };

        ok = fabric_flow_add(f, &spec, errp) >= 0;
    }
    for (uint64_t at = 0; ok && at <= 10 * MS; at += REPS_STEP_PS) {
        fabric_run(f, at);
        for (uint32_t i = 0; i < REPS_HOSTS; i++) {
            FabricFlowStats s;

            fabric_flow_stats(f, i, &s);
            if (s.delivered_bytes > bytes[i] || at < 5 * MS) {
                bytes[i] = s.delivered_bytes;
                since_ps[i] = at;
            }
            longest_ps = MAX(longest_ps, at - since_ps[i]);
        }
    }
    fabric_free(f);
    if (ok) {
        validate_extra(v, &reps, (int64_t)longest_ps / 1000,
                       "the repair of what was lost waits for a timeout");
    }
    return ok;
}

static bool run(Validation *v, GError **errp)
{
    return failed_link(v, errp) && run_reps(v, errp);
}

const ValidateExperiment validate_claims = {
    "claims", "claims of PLB, Clove, CONGA, LetFlow and REPS, under DCTCP", run
};
