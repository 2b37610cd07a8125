/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_targets.c: the published numbers that must be reproduced. An
 * experiment cannot change them. Thousandths of the unit.
 */
#include "validate.h"

#define NDP                                                                   \
    "Handley et al., Re-architecting datacenter networks and stacks for low " \
    "latency and high performance (NDP), SIGCOMM 2017"
#define NDP21 NDP ", figure 21"
#define NDP22 NDP ", figure 22 (data published with htsim)"
#define HTSIM "htsim (Broadcom/csg-htsim), three seeds, run by us"
#define EQDS                                                              \
    "Olteanu et al., An edge-queued datagram service for all datacenter " \
    "traffic (EQDS), NSDI 2022: htsim's validation runs"

#define SETUP21 "10 Gbit/s, one switch; A sends to B, C, D and E, F sends to E"
#define SETUP22                                                             \
    "128-host fat tree, 10 Gbit/s, permutation, one aggregation-core link " \
    "at 1 Gbit/s"
#define SETUP_HTSIM                                                       \
    "128-host fat tree, 100 Gbit/s, 2 MB permutation, NDP, queues of 12 " \
    "packets"
#define SETUP_EQDS "1024-host fat tree, 100 Gbit/s, 2 MB permutation"
#define SETUP_INCAST "128-host fat tree, 100 Gbit/s, 127 senders of 2 MB each"

#define GBIT "Gbit/s"
#define ROW21(id, quantity, value)                                \
    {                                                             \
        id, "ndp21", NDP21, SETUP21, quantity, GBIT, value, value \
    }
#define ROW22(id, quantity, value)                                \
    {                                                             \
        id, "ndp22", NDP22, SETUP22, quantity, GBIT, value, value \
    }
#define ROW_HTSIM(id, quantity, low, high)                         \
    {                                                              \
        id, "htsim", HTSIM, SETUP_HTSIM, quantity, "us", low, high \
    }
#define ROW_EQDS(id, setup, quantity, value)                  \
    {                                                         \
        id, "eqds", EQDS, setup, quantity, "us", value, value \
    }

const ValidateTarget validate_targets[] = {
    ROW22("ndp22-penalty-min", "spray with path penalty, min", 9220),
    ROW22("ndp22-penalty-mean", "spray with path penalty, mean", 9640),
    ROW22("ndp22-spray-min", "plain spray, min", 4140),
    ROW22("ndp22-spray-mean", "plain spray, mean", 9170),
    ROW22("ndp22-mptcp-min", "MPTCP, min", 6900),
    ROW22("ndp22-mptcp-mean", "MPTCP, mean", 9280),
    ROW22("ndp22-dctcp-min", "DCTCP, single path, min", 190),
    ROW22("ndp22-dctcp-mean", "DCTCP, single path, mean", 4750),
    ROW21("ndp21-a-b", "A to B", 2510),
    ROW21("ndp21-a-c", "A to C", 2510),
    ROW21("ndp21-a-d", "A to D", 2500),
    ROW21("ndp21-a-e", "A to E", 2380),
    ROW21("ndp21-f-e", "F to E", 7550),
    ROW_HTSIM("htsim-1-path-mean", "1 path, mean FCT", 425000, 437000),
    ROW_HTSIM("htsim-1-path-max", "1 path, max FCT", 658000, 809000),
    ROW_HTSIM("htsim-4-paths-mean", "4 paths, mean FCT", 317000, 327000),
    ROW_HTSIM("htsim-4-paths-max", "4 paths, max FCT", 402000, 460000),
    ROW_HTSIM("htsim-16-paths-mean", "16 paths, mean FCT", 298000, 302000),
    ROW_HTSIM("htsim-16-paths-max", "16 paths, max FCT", 314000, 335000),
    ROW_HTSIM("htsim-64-paths-mean", "64 paths, mean FCT", 297000, 301000),
    ROW_HTSIM("htsim-64-paths-max", "64 paths, max FCT", 311000, 313000),
    ROW_HTSIM("htsim-plb-mean", "one path, move on mark, mean FCT", 333000,
              339000),
    ROW_HTSIM("htsim-plb-max", "one path, move on mark, max FCT", 357000,
              365000),
    ROW_EQDS("eqds-128-paths", SETUP_EQDS, "128 paths, tail FCT", 206500),
    ROW_EQDS("eqds-1-path", SETUP_EQDS, "1 path, tail FCT", 982000),
    ROW_EQDS("eqds-incast", SETUP_INCAST, "127:1 incast, last FCT", 20963000),
    { 0 },
};

const ValidateFigure validate_figures[] = {
    { "ndp22", "NDP figure 22: one degraded link", "flow, by rate", GBIT,
      SVG_LINEAR, SVG_LINEAR, NULL, validate_label_milli },
    { "ndp21", "NDP figure 21: two senders, one shared receiver",
      "flow: A to B, C, D, E; F to E", GBIT, SVG_LINEAR, SVG_LINEAR, NULL,
      validate_label_milli },
    { "htsim", "NDP, 2 MB permutation: completion times by number of paths",
      "flow completion time, us", "share of flows, %", SVG_LINEAR, SVG_LINEAR,
      validate_label_milli, validate_label_percent },
    { "eqds", "EQDS, 2 MB permutation: completion times",
      "flow completion time, us", "share of flows, %", SVG_LOG, SVG_LINEAR,
      validate_label_milli, validate_label_percent },
    { 0 },
};
