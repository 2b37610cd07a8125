/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_fabric.h: the set-ups that experiments of `bench validate` share: fat
 * trees as published, a permutation, one degraded link, goodputs.
 *
 * Sources: htsim (Broadcom/csg-htsim): EXAMPLES/failure, EXAMPLES/in_and_out,
 * datacenter/main_ndp.cpp for lengths, delays, windows and which direction of
 * which link is slow.
 */
#ifndef OUTRIGGER_VALIDATE_FABRIC_H
#define OUTRIGGER_VALIDATE_FABRIC_H

#include "fabric.h"
#include "fabric_transport.h"

/* htsim's links: 1 us each; its switches take no time. */
#define VALIDATE_LINK_PS 1000000ull

/* A built fat tree of @k with all its modelled hosts; all links at @rate_bps.
 * @sw: of every switch; its ports, seed and pipeline (0) are set here. The
 * first host's node is 0. NULL: *errp. */
Fabric *validate_fat_tree(uint32_t k, uint64_t rate_bps, const SwitchConfig *sw,
                          uint64_t seed, GError **errp);

/* ret[i]: whom host i sends to; a random permutation of one cycle. */
void validate_permutation(uint32_t n_hosts, uint64_t seed, uint32_t *ret);

/* The link from the first core switch to the first aggregation switch of the
 * first pod, that direction only, goes on with a tenth of its rate. */
bool validate_degrade(Fabric *f, uint32_t k, uint64_t rate_bps, GError **errp);

/* A flow of @bytes (or FABRIC_ENDLESS) from each host, at 0. */
bool validate_permutation_flows(Fabric *f, uint32_t n_hosts, const uint32_t *to,
                                uint64_t bytes, int32_t transport,
                                GError **errp);

/* Runs from now (0) to @until_ps; ret[flow]: kbit/s of payload delivered in
 * [from_ps, until_ps). */
void validate_goodputs(Fabric *f, uint64_t from_ps, uint64_t until_ps,
                       uint64_t *ret);

/* Runs until the senders of all flows know that all has arrived, at most to
 * @limit_ps; ret[flow]: ns from 0 until then. False: not all have, *errp. */
bool validate_completions(Fabric *f, uint64_t limit_ps, uint64_t *ret,
                          GError **errp);

/* Sorts @values; the mean. */
uint64_t validate_sort_mean(uint64_t *values, uint32_t n);

#endif
