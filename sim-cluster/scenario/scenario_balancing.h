/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_balancing.h: path balancing as a scenario says it: on a NIC of a
 * full host, and on modelled traffic. hw/offload/path.h is what it means.
 *
 * Units are in the names; _ppm is parts of a million where PathConfig has
 * parts of 65535. What the file leaves out has the default of its policy:
 * path_config_default().
 */
#ifndef OUTRIGGER_SCENARIO_BALANCING_H
#define OUTRIGGER_SCENARIO_BALANCING_H

#include "scenario_check.h"
#include "scenario_net.h"

struct PathConfig;

typedef struct ScnBalancing {
    ScnObject obj;
    int policy; /* PathPolicy */
    uint64_t values, change_packets, change_ps;
    bool round_robin, sequencing;
    uint64_t flowlet_gap_ps;
    GPtrArray *inputs; /* char *: ecn, delay, loss, notify */
    uint64_t ewma_shift, delay_full_ps;
    uint64_t enable_ppm, disable_ppm, disable_hold_ps, disable_backoff;
    uint64_t min_flow_bytes, share_ppm;
    int pick; /* PathPick */
    uint64_t epsilon_ppm, avoid_ppm, avoid_ps, probe_ps;
    uint64_t cap_bytes, cap_timeout_ps;
    uint64_t reduce_ppm, line_bps, min_bps, reduce_ps, reduce_factor_ppm;
    uint64_t raise_bps;
    int hold; /* PathHold */
    uint64_t plb_ppm, plb_rounds, plb_round_ps, reps_entries, reps_freeze_ps;
    uint64_t flows, echo_packets, echo_ps;
    uint64_t gap_ps, order_packets, order_bytes;
} ScnBalancing;

/* Fills in what the file leaves out, then checks all of it. */
void scenario_check_balancing(ScenarioCheck *c, ScnBalancing *b);

/* The same for the core; @b has been checked. */
void scn_balancing_config(const ScnBalancing *b, struct PathConfig *ret);

/* Every number of it as the card's control plane wants it: "change-ps", in
 * the units of PathConfig. */
typedef void (*ScnBalancingFn)(void *opaque, const char *option,
                               uint64_t value);
void scn_balancing_options(const ScnBalancing *b, ScnBalancingFn fn,
                           void *opaque);
const char *scn_balancing_policy(const ScnBalancing *b);
const char *scn_balancing_pick(const ScnBalancing *b);
const char *scn_balancing_hold(const ScnBalancing *b);

#endif
