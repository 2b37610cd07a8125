/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net.h: the network of one execution: fabric, links and the windows in which
 * hosts and fabric go through simulated time together.
 *
 * The runtime grants all hosts the same coarse instant over QMP; between two
 * such grants they meet in shared memory and exchange frames with the fabric.
 *
 * Units: _ps picoseconds of the run's simulated time. Threads: one, the
 * engine's. Errors: RUNTIME_ERROR_TESTBED when a part of the testbed fails.
 */
#ifndef OUTRIGGER_NET_H
#define OUTRIGGER_NET_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "scenario.h"

typedef struct Net Net;

/* @shm_dir: a private folder in shared memory. Always succeeds for a scenario
 * without links. @scn is borrowed. */
Net *net_new(const Scenario *scn, const char *shm_dir, GError **error);
/* As far as it can be told without starting anything: would it succeed? Reads
 * the files of its traffic. RUNTIME_ERROR_INVALID if not. */
bool net_check(const Scenario *scn, GError **error);
void net_free(Net *net); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Net, net_free)

/* While windows run, the caller's thread is to be on @cpu, with the hosts of its
 * group; -1, as at first: anywhere. */
void net_set_cpu(Net *net, int cpu);

/* Adds the options of host @host_index (of Scenario.hosts) to @argv: its
 * clock and its ports with their links: "port0" is the card's, "SWITCH.pN"
 * those of a switch that forwards in a device. Texts are g_malloc()ed. */
void net_host_args(Net *net, unsigned host_index, GPtrArray *argv);

struct SwitchConfig;
struct TopoNode;
/* What the scenario says of a switch, over what @c holds. */
void net_switch_config(const struct TopoNode *n, struct SwitchConfig *c);

/* The process is up and stands at an edge; or it is gone, however it ended.*/
bool net_host_started(Net *net, unsigned host_index, GError **error);
/* The same for one that goes on from a state: what its port knows is old. */
void net_host_restored(Net *net, unsigned host_index);
void net_host_gone(Net *net, unsigned host_index);

/* Frames of full hosts as they depart onto a link (index in Topology.links),
 * in order for each direction. */
typedef void (*NetTapFn)(void *opaque, unsigned link, bool from_a,
                         uint64_t depart_ps, const uint8_t *frame,
                         uint32_t len);
/* What was done to a link, in words: "link host0-sw0 down". */
typedef void (*NetNoteFn)(void *opaque, unsigned link, uint64_t ps,
                          const char *text);
/* @note may be NULL; both get @opaque. In wall mode they are called in another
 * thread, one at a time. */
void net_set_tap(Net *net, NetTapFn tap, NetNoteFn note, void *opaque);

/* Called some times a second of wall time while hosts go through windows; false
 * and @error end them. It may have killed a host that the others wait for. */
typedef bool (*NetWatchFn)(void *opaque, GError **error);
void net_set_watch(Net *net, NetWatchFn watch, void *opaque);

/* Failures and repairs at @at_ps, not before the last net_run()'s end.
 * @topo_node and @link: indices in the scenario's topology. */
bool net_link_set_up(Net *net, unsigned link, bool up, uint64_t at_ps,
                     GError **error);
bool net_link_set_errors(Net *net, unsigned link, uint64_t loss_ppm,
                         uint64_t ber_atto, uint64_t at_ps, GError **error);
/* Of a link without a full host. */
bool net_link_set_rate(Net *net, unsigned link, ScnDirection direction,
                       uint64_t rate_bps, uint64_t at_ps, GError **error);
bool net_switch_set_up(Net *net, unsigned topo_node, bool up, uint64_t at_ps,
                       GError **error);

/*
 * A checkpoint of all hosts takes the network along. Not in WALL mode. Saving:
 * all hosts stand at an edge. Loading: at the same instant or later, before the
 * hosts are loaded and have been started. RUNTIME_ERROR_INVALID: the fabric
 * holds what cannot be saved.
 */
bool net_save(Net *net, GByteArray *ret, GError **error);
bool net_load(Net *net, const GByteArray *state, GError **error);

/* For counters; NULL: no links. Numbers of the fabric: */
const struct Fabric *net_fabric(const Net *net);
/* UINT32_MAX: it is not in the fabric, or a device forwards for it. */
uint32_t net_fabric_node(const Net *net, unsigned topo_node);
/* What sends onto a link at its end @end: 0 a, 1 b. */
uint32_t net_fabric_end(const Net *net, unsigned link, unsigned end);
/* From here on the fabric's counters count. */
uint64_t net_warmup_ps(const Net *net);
/* What flow @flow of a modelled transport had delivered by @ret_ps, the end of
 * warm-up, or its start when that is later or hosts meet in windows. */
uint64_t net_flow_base_bytes(const Net *net, uint32_t flow, uint64_t *ret_ps);
/* Frames for a host that was away, or whose ring was full. */
uint64_t net_host_dropped_count(const Net *net, unsigned host_index);
/* Least time in which another host can reach it; UINT64_MAX: none can. */
uint64_t net_lookahead_ps(const Net *net, unsigned host_index);

/* Relaxed windows: frames that a host took in after their stamp, and by how
 * much at most. */
uint64_t net_late_count(const Net *net, unsigned host_index);
uint64_t net_late_max_ps(const Net *net, unsigned host_index);

/* How often hosts met, waited and were woken so far, as @dir/lockstep-wall.csv.
 * That differs from run to run. Nothing for a run without windows. */
void net_write_counters(const Net *net, const char *dir);

/* Before hosts are granted @until_ps: says what is in the network by now. What
 * commands have done to it since net_run(), and a state that was loaded, are not
 * among what hosts have been told, and they run as soon as they are granted. */
void net_tell(Net *net, uint64_t until_ps);

/* After all hosts have been granted @until_ps: runs the fabric with them up
 * to there. */
bool net_run(Net *net, uint64_t until_ps, GError **error);

#endif
