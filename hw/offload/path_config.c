/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_config.c: the parameters of path balancing: names, defaults, checks.
 */
#include "path.h"

#include <string.h>

#define US_PS 1000000ull
#define MS_PS 1000000000ull
#define MOST_PS (100 * 1000 * MS_PS)
#define MOST_BPS 10000000000000ull
#define PERCENT(n) ((uint16_t)((n)*65535u / 100))

static const char *const names[PATH_POLICIES] = {
    [PATH_ECMP] = "ecmp",       [PATH_SPRAY] = "spray",
    [PATH_FLOWLET] = "flowlet", [PATH_CONGESTION] = "congestion",
    [PATH_PLB] = "plb",         [PATH_REPS] = "reps",
};

const char *path_policy_name(PathPolicy policy)
{
    return (unsigned)policy < PATH_POLICIES ? names[policy] : NULL;
}

bool path_policy_parse(const char *name, PathPolicy *ret)
{
    for (unsigned i = 0; i < PATH_POLICIES; i++) {
        if (!strcmp(name, names[i])) {
            *ret = (PathPolicy)i;
            return true;
        }
    }
    return false;
}

/* Choices, but for those with a source beside them. */
PathConfig path_config_default(PathPolicy policy)
{
    return (PathConfig){
        .policy = policy,
        .values = 16,
        .change_packets = 1,
        .flowlet_gap_ps = 500 * US_PS, /* LetFlow, NSDI 2017, section 3.2 */
        .inputs = PATH_INPUT_ECN | PATH_INPUT_LOSS | PATH_INPUT_NOTIFY,
        .ewma_shift = 4,
        .delay_full_ps = 50 * US_PS,
        .enable_score = PERCENT(10),
        .disable_score = PERCENT(2),
        .disable_hold_ps = 10 * MS_PS,
        .disable_backoff = 3,
        .share = PATH_SCORE_MAX,
        .pick = PATH_PICK_TWO_CHOICE,
        .epsilon = PERCENT(5),
        .avoid_score = PERCENT(75),
        .avoid_ps = 100 * US_PS,
        .probe_ps = 1 * MS_PS,
        .cap_timeout_ps = 1 * MS_PS,
        .reduce_score = PATH_SCORE_MAX, /* off: it needs line_bps */
        .min_bps = 1000000,
        .reduce_ps = 100 * US_PS,
        .reduce_factor = PERCENT(50),
        .raise_bps = 50000000,
        .hold = PATH_HOLD_FLOW,
        /* Linux, Documentation/networking/ip-sysctl.rst: tcp_plb_* */
        .plb_score = PERCENT(50),
        .plb_rounds = 12,
        .plb_round_ps = 50 * US_PS,
        .reps_entries = 8, /* REPS, section 3 */
        .reps_freeze_ps = 100 * US_PS,
        .flows = 64,
        .echo_packets = 16,
        .echo_ps = 500 * US_PS,
        .gap_ps = 1 * MS_PS,
        .order_packets = 1024,
        .order_bytes = 1024 * 1024,
    };
}

static const char *sender_problem(const PathConfig *c)
{
    bool turns = c->policy == PATH_SPRAY || c->policy == PATH_CONGESTION;

    if ((unsigned)c->policy >= PATH_POLICIES) {
        return "policy: there is no such policy";
    }
    if (c->values < 1 || c->values > PATH_MAX_VALUES) {
        return "values: 1 to 256";
    }
    if (turns && !c->change_packets && !c->change_ps) {
        return "change_packets, change_ps: both are 0, so no value would ever "
               "change";
    }
    if (c->policy == PATH_FLOWLET && !c->flowlet_gap_ps) {
        return "flowlet_gap_ps: 0; use spray for a new value each packet";
    }
    if (c->inputs & ~PATH_INPUTS) {
        return "inputs: a bit that means nothing";
    }
    if ((c->policy == PATH_CONGESTION || c->policy == PATH_PLB) && !c->inputs) {
        return "inputs: none; the policy needs one at least";
    }
    if (c->ewma_shift > 15) {
        return "ewma_shift: 0 to 15";
    }
    if (c->inputs & PATH_INPUT_DELAY && !c->delay_full_ps) {
        return "delay_full_ps: 0, but delay is an input";
    }
    if (!c->flows || c->flows > PATH_MAX_FLOWS || c->flows & (c->flows - 1)) {
        return "flows: a power of 2, 1 to 1024";
    }
    return NULL;
}

static const char *congestion_problem(const PathConfig *c)
{
    if (c->enable_score <= c->disable_score) {
        return "enable_score: not above disable_score, there is no hysteresis";
    }
    if (!c->disable_hold_ps) {
        return "disable_hold_ps: 0";
    }
    if (c->disable_backoff > 16) {
        return "disable_backoff: 0 to 16";
    }
    if ((unsigned)c->pick >= PATH_PICKS) {
        return "pick: there is no such choice";
    }
    if ((unsigned)c->hold >= PATH_HOLDS) {
        return "hold: there is no such choice";
    }
    if (!c->probe_ps) {
        return "probe_ps: 0, nothing would be learnt of idle values";
    }
    if (c->probe_ps < c->values) {
        return "probe_ps: less than one picosecond a value";
    }
    if (c->avoid_score < PATH_SCORE_MAX && !c->avoid_ps) {
        return "avoid_ps: 0, but avoid_score is set";
    }
    return NULL;
}

static const char *transmit_problem(const PathConfig *c)
{
    if (c->cap_bytes && !c->cap_timeout_ps) {
        return "cap_timeout_ps: 0, a lost packet would stop a value for ever";
    }
    if (c->reduce_score == PATH_SCORE_MAX) {
        return NULL;
    }
    if (!c->line_bps) {
        return "line_bps: 0, but reduce_score is set";
    }
    if (!c->min_bps || c->min_bps > c->line_bps) {
        return "min_bps: 1 to line_bps";
    }
    if (!c->reduce_ps) {
        return "reduce_ps: 0";
    }
    if (!c->raise_bps) {
        return "raise_bps: 0, a reduced rate would stay for ever";
    }
    return NULL;
}

static const char *peer_problem(const PathConfig *c)
{
    if (c->policy == PATH_PLB && (!c->plb_rounds || !c->plb_round_ps)) {
        return "plb_rounds, plb_round_ps: 0";
    }
    if (c->policy == PATH_REPS && (!c->reps_entries || c->reps_entries > 16)) {
        return "reps_entries: 1 to 16";
    }
    if (!c->echo_packets && !c->echo_ps) {
        return "echo_packets, echo_ps: both are 0, so nothing would be echoed";
    }
    if (c->sequencing && !c->gap_ps) {
        return "gap_ps: 0, but sequencing is on";
    }
    if (!c->order_packets || c->order_packets > 4096) {
        return "order_packets: 1 to 4096";
    }
    if (!c->order_bytes) {
        return "order_bytes: 0";
    }
    return NULL;
}

/* Sums of instants and times must not wrap. */
static const char *range_problem(const PathConfig *c)
{
    const uint64_t times_ps[] = {
        c->change_ps,    c->flowlet_gap_ps,  c->delay_full_ps,  c->avoid_ps,
        c->probe_ps,     c->disable_hold_ps, c->cap_timeout_ps, c->reduce_ps,
        c->plb_round_ps, c->reps_freeze_ps,  c->echo_ps,        c->gap_ps,
    };

    for (unsigned i = 0; i < sizeof(times_ps) / sizeof(times_ps[0]); i++) {
        if (times_ps[i] > MOST_PS) {
            return "a time is above 100 s";
        }
    }
    if (c->line_bps > MOST_BPS || c->raise_bps > MOST_BPS) {
        return "line_bps, raise_bps: at most 10 Tbit/s";
    }
    return NULL;
}

const char *path_config_problem(const PathConfig *c)
{
    const char *why = sender_problem(c);

    why = why ? why : range_problem(c);

    if (!why && c->policy == PATH_CONGESTION) {
        why = congestion_problem(c);
    }
    why = why ? why : transmit_problem(c);
    return why ? why : peer_problem(c);
}
