/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_workload.h: flows of published size distributions and the leaf-spine
 * testbeds of the load-balancing papers, for experiments of `bench validate`.
 *
 * Sources: the web-search sizes of Alizadeh et al. (DCTCP), SIGCOMM 2010,
 * figure 4, as the points that pFabric's simulations use; the testbeds of CONGA
 * (SIGCOMM 2014, section 5), Clove (CoNEXT 2017, section 5) and LetFlow
 * (NSDI 2017, section 5): two leaves, two spines, two links between each pair,
 * one of which fails.
 */
#ifndef OUTRIGGER_VALIDATE_WORKLOAD_H
#define OUTRIGGER_VALIDATE_WORKLOAD_H

#include "fabric.h"
#include "transport_dctcp.h"

/* Payload bytes of a flow; draws from @random (splitmix64 state). */
uint64_t validate_web_search_bytes(uint64_t *random);
uint64_t validate_web_search_mean_bytes(void);
uint64_t validate_draw(uint64_t *random);

/* Leaf-spine of modelled hosts at @host_bps; @parallel links at @core_bps between
 * each leaf and each spine. Hosts 0.., leaves, spines in this order; built.
 * Queues of @queue_packets full frames a port, marks above @mark_packets. */
typedef struct ValidateLeafSpine {
    uint32_t hosts, leaves, spines, parallel;
    uint64_t host_bps, core_bps;
    uint32_t queue_packets, mark_packets;
    uint64_t seed;
} ValidateLeafSpine;
Fabric *validate_leaf_spine(const ValidateLeafSpine *c, GError **errp);

/* Takes down the last link between the nodes @a and @b, at 0. */
bool validate_fail_link(Fabric *f, uint32_t a, uint32_t b, GError **errp);

/* Poisson arrivals. Senders and receivers are ranges of hosts; a pair in the
 * same rack is drawn again. */
typedef struct ValidateArrivals {
    uint32_t from, n_from, to, n_to, hosts_a_leaf;
    uint64_t load_bps; /* of all senders, in payload */
    uint64_t bytes;    /* of each flow; 0: web search */
    uint64_t start_ps, end_ps;
    uint32_t transport, user;
    uint64_t seed;
} ValidateArrivals;
bool validate_arrivals(Fabric *f, const ValidateArrivals *a, GError **errp);

/* Completion times in ns of finished flows with @user that started in
 * [from_ps, to_ps), rising, into @ret (room for fabric_flow_count()); how many.
 * *@ret_unfinished: those that have not ended, counted as if they ended now. */
uint32_t validate_fcts(const Fabric *f, uint32_t user, uint64_t from_ps,
                       uint64_t to_ps, uint64_t *ret, uint32_t *ret_unfinished);

#endif
