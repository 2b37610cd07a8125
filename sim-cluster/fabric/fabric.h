/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric.h: the network between the hosts: links, output-queued switches
 * (hw/switch/switch_core.h), routing, failures, modelled hosts and statistics.
 *
 * Sources: IEEE 802.3 clause 91 and 119 (RS(544,514), "KP4"); RFC 2544 for the
 * 20 bytes around a frame and its FCS; docs/fabric.md for the algorithm.
 * Not modelled: cut-through, pause frames, link training, IPv6 routing (IPv6
 * frames go by MAC address), spanning tree's own messages.
 *
 * ## Instants
 *
 * A frame **departs** when its last bit leaves the sender's MAC and **arrives**
 * when its last bit is in the receiver's: departure + link delay. A link's rate
 * counts in whoever sends on it: a switch or a modelled host takes
 * ceil((bytes + 24) * 8 * 10^12 / rate) for a frame; a full host has done that
 * itself before it injects. What happens inside a switch, to the picosecond,
 * stands in switch_core.h. Order at one instant: control (failures, warm-up
 * end), then arrivals by (input port, sequence).
 *
 * Nodes are numbered in the order in which they are added; the ports of a node
 * in the order in which its links are added. Both decide ties, so a topology
 * added in the same order behaves in the same way to the bit. How time is cut
 * into fabric_run() calls changes nothing.
 *
 * ## Life
 *
 *     f = fabric_new(&config);
 *     fabric_add_*() or fabric_topology_*();       nodes and links
 *     fabric_traffic_*();                          modelled load, if any
 *     fabric_build(f, &err);                       checks, routes
 *     loop: fabric_inject(), fabric_run(until)     callbacks come out of run
 *     fabric_stats_*(), fabric_free(f);
 *
 * Not thread-safe; several fabrics are independent. Nothing blocks. Callbacks
 * must not call into the fabric except for the fabric_*() that take a const
 * Fabric. Errors are GErrors of FABRIC_ERROR: one line with place and remedy.
 */
#ifndef OUTRIGGER_FABRIC_H
#define OUTRIGGER_FABRIC_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "path.h"
#include "switch_core.h"

#define FABRIC_NEVER_PS UINT64_MAX
#define FABRIC_MAX_FRAME_BYTES SWITCH_MAX_BYTES
#define FABRIC_MIN_FRAME_BYTES SWITCH_MIN_BYTES

#define FABRIC_ERROR (fabric_error_quark())
typedef enum FabricError {
    FABRIC_ERROR_TOPOLOGY, /* nodes, links, addresses */
    FABRIC_ERROR_TRAFFIC,  /* modelled load, files of it */
    FABRIC_ERROR_FRAME,    /* an injected frame or its instant */
    FABRIC_ERROR_FAULT,    /* a failure or repair */
    FABRIC_ERROR_STATE     /* saving, or a saved state */
} FabricError;
GQuark fabric_error_quark(void);

typedef struct Fabric Fabric;

/* ---- making one ---------------------------------------------------------- */

typedef enum FabricDrop {
    FABRIC_DROP_BUFFER = SWITCH_DROP_BUFFER,
    FABRIC_DROP_THRESHOLD = SWITCH_DROP_THRESHOLD,
    FABRIC_DROP_NO_ROUTE = SWITCH_DROP_NO_ROUTE,
    FABRIC_DROP_LINK_DOWN = SWITCH_DROP_PORT_DOWN, /* link or node is down */
    FABRIC_DROP_LOSS,       /* the link's loss probability */
    FABRIC_DROP_FCS,        /* bit errors that FEC did not mend */
    FABRIC_DROP_NOT_FOR_IT, /* reached a full host that is not its receiver:
                             * another's IPv4 or MAC address */
    FABRIC_DROPS
} FabricDrop;
const char *fabric_drop_name(FabricDrop reason);

/* All callbacks come out of fabric_run(); NULL is allowed for each. Bytes are
 * the fabric's and valid during the call. */
typedef struct FabricOps {
    /* A frame has reached full host @host; in the order (time, host). */
    void (*deliver)(void *opaque, uint32_t host, uint64_t arrive_ps,
                    const uint8_t *frame, uint32_t len);
    /* A full host's frame is gone, at node @node. In no stated order. */
    void (*drop)(void *opaque, uint32_t node, uint64_t ps, FabricDrop reason,
                 const uint8_t *frame, uint32_t len);
    /* A full host's frame departs on @link from @from_node: for captures.
     * Frames of one link and direction come in order. */
    void (*tap)(void *opaque, uint32_t link, uint32_t from_node,
                uint64_t depart_ps, const uint8_t *frame, uint32_t len);
} FabricOps;

typedef struct FabricConfig {
    uint64_t seed;          /* ECMP hashes, losses, traffic: all from here */
    uint64_t reconverge_ps; /* failure or repair to new routes; switches next
                             * to it stop using a dead link at once */
    uint64_t warmup_ps;     /* statistics count from this instant on */
    const FabricOps *ops;   /* kept, not copied; may be NULL */
    void *opaque;
} FabricConfig;

Fabric *fabric_new(const FabricConfig *config);
void fabric_free(Fabric *f); /* NULL is fine */

typedef struct FabricHostConfig {
    const char *name; /* NULL: "hostN" */
    bool full;        /* frames are injected and delivered; else modelled */
    uint32_t ipv4;    /* underlay address, host order; 0: 10.128.0.0 + node */
    uint64_t mac;     /* 48 bits; 0: 02:00 and the IPv4 address */
    bool takes_all;   /* full: every frame that gets there, whatever its
                       * addresses: a port of a switch outside of the fabric */
} FabricHostConfig;

/*
 * A switch may tell a sender that its packet has joined a deep queue: when
 * a packet of a balanced flow leaves a queue above @cells, a notice leaves for
 * its sender @delay_ps later, as a packet of its own, at most one each @gap_ps
 * and output port. Like IEEE 802.1Qau's (quantized congestion notification),
 * but per packet's path value and over IPv4.
 */
typedef struct FabricNotices {
    uint32_t cells; /* 0: none are sent */
    uint64_t gap_ps, delay_ps;
    uint8_t priority;
} FabricNotices;

/* @sw->ports is filled in by fabric_build(), @sw->seed too if it is 0. */
typedef struct FabricSwitchConfig {
    const char *name; /* NULL: "switchN" */
    SwitchConfig sw;
    FabricNotices notices;
} FabricSwitchConfig;
/* No notices; their other numbers are choices: 2 us, 1 us, priority 7. */
void fabric_switch_config_default(FabricSwitchConfig *c);

typedef enum FabricFec { FABRIC_FEC_NONE = 0, FABRIC_FEC_KP4 } FabricFec;

typedef struct FabricLinkConfig {
    const char *name;  /* NULL: "NODE-NODE" */
    uint64_t rate_bps; /* 1 bit/s .. 10 Tbit/s */
    uint64_t delay_ps; /* one way; zero is refused: it is the lookahead */
    double loss;       /* probability a frame, 0..1; each direction */
    double ber;        /* of a bit before FEC, 0..0.5 */
    FabricFec fec;
} FabricLinkConfig;
/* 100 Gbit/s, 500 ns (about 100 m of fibre), no loss. */
void fabric_link_config_default(FabricLinkConfig *c);

/* Each returns the new node's number. */
uint32_t fabric_add_host(Fabric *f, const FabricHostConfig *c);
uint32_t fabric_add_switch(Fabric *f, const FabricSwitchConfig *c);
/* A full-duplex link between the next free ports of @a and @b; its number, or
 * -1: a node that is not there, a node and itself, a second link of a host,
 * zero delay, a rate or probability out of range. */
int32_t fabric_add_link(Fabric *f, uint32_t a, uint32_t b,
                        const FabricLinkConfig *c, GError **errp);

/*
 * Generators: they add switches and links; hosts[0..n) are added first, in
 * order, so that their nodes are consecutive and the first one's number is
 * returned, or -1. hosts == NULL: all modelled.
 */
typedef struct FabricTopology {
    const FabricHostConfig *hosts;
    uint32_t n_hosts;
    FabricSwitchConfig sw;      /* of every switch */
    FabricLinkConfig host_link; /* host to switch */
    FabricLinkConfig core_link; /* between switches */
} FabricTopology;
void fabric_topology_default(FabricTopology *t, uint32_t n_hosts);
/* Up to 256 hosts on one switch. */
int32_t fabric_topology_single(Fabric *f, const FabricTopology *t,
                               GError **errp);
/* @leaves switches with hosts (n_hosts / leaves each, rounded up), each linked
 * to each of @spines. */
int32_t fabric_topology_leaf_spine(Fabric *f, const FabricTopology *t,
                                   uint32_t leaves, uint32_t spines,
                                   GError **errp);
/* k-ary fat tree, k even, 2..64: k pods of k/2 edge and k/2 aggregation
 * switches, (k/2)^2 cores. n_hosts up to k^3/4, filled from the first edge
 * switch on; 0 means k^3/4. Switch nodes: edges by pod, then aggregation by
 * pod, then cores. */
int32_t fabric_topology_fat_tree(Fabric *f, const FabricTopology *t, uint32_t k,
                                 GError **errp);

/*
 * Checks everything (each host linked once, addresses unique, at least one
 * link), computes routes, makes the switches. Afterwards nothing can be added
 * but traffic and faults.
 */
bool fabric_build(Fabric *f, GError **errp);

uint32_t fabric_node_count(const Fabric *f);
uint32_t fabric_link_count(const Fabric *f);
const char *fabric_node_name(const Fabric *f, uint32_t node);
const char *fabric_link_name(const Fabric *f, uint32_t link);
int32_t fabric_node_by_name(const Fabric *f, const char *name); /* or -1 */
int32_t fabric_link_by_name(const Fabric *f, const char *name); /* or -1 */
/* The nodes at its two ends, as given to fabric_add_link(). */
void fabric_link_ends(const Fabric *f, uint32_t link, uint32_t *ret_a,
                      uint32_t *ret_b);
bool fabric_node_is_full_host(const Fabric *f, uint32_t node);
uint32_t fabric_host_ipv4(const Fabric *f, uint32_t host);
uint64_t fabric_host_mac(const Fabric *f, uint32_t host);
int32_t fabric_host_by_ipv4(const Fabric *f, uint32_t ipv4); /* or -1 */
/* A switch's core, to read counters and tables; NULL: no switch, not built. */
const SwitchCore *fabric_switch(const Fabric *f, uint32_t node);

/* ---- running ------------------------------------------------------------- */

uint64_t fabric_now_ps(const Fabric *f);

/*
 * @frame, an Ethernet frame without FCS, leaves full host @host at
 * @depart_ps, not before that host's last one, and has not reached its switch
 * before fabric_now_ps(). The
 * bytes are copied. IPv4 frames go by destination address if that is a host's,
 * all others by MAC address (unknown and group addresses are flooded along a
 * spanning tree). The flow hash covers the IPv4 addresses and protocol and, of
 * UDP and TCP, the ports; of other frames both MAC addresses. The DSCP's upper
 * three bits are the priority (0 for non-IPv4). On marking, the ECN field of
 * the IPv4 header becomes CE and its checksum is corrected.
 * False: no full host, length, instant.
 */
bool fabric_inject(Fabric *f, uint32_t host, uint64_t depart_ps,
                   const void *frame, uint32_t len, GError **errp);

/* Everything strictly before @until_ps happens; then now is @until_ps. No-op
 * for an @until_ps that is not after now. */
void fabric_run(Fabric *f, uint64_t until_ps);

/* The earliest instant at which anything inside may happen: arrivals,
 * departures, traffic, faults, the end of warm-up. FABRIC_NEVER_PS: nothing. */
uint64_t fabric_next_ps(const Fabric *f);

/*
 * Bounds for whoever gives hosts permission to run. They hold whatever fails or
 * is repaired later.
 *
 * fabric_earliest_delivery_ps: no frame that is inside now will be delivered
 * to @host before this. FABRIC_NEVER_PS: none will. Frames not yet injected
 * are not considered.
 * fabric_lookahead_ps: the least possible arrival minus departure of any frame
 * from one full host to another; FABRIC_NEVER_PS if there is no path.
 * fabric_host_delay_ps: delay of the host's own link.
 */
uint64_t fabric_earliest_delivery_ps(const Fabric *f, uint32_t host);
uint64_t fabric_lookahead_ps(const Fabric *f, uint32_t from, uint32_t to);
uint64_t fabric_host_delay_ps(const Fabric *f, uint32_t host);
/* Frames of full hosts inside now. */
uint32_t fabric_frames_inside(const Fabric *f);

/* ---- saving -------------------------------------------------------------- */

/*
 * Between two fabric_run(): everything that changes, appended to @ret; frames,
 * packets, flows, random sources, control, counters. Not with balanced traffic or
 * transports: false.
 */
bool fabric_save(const Fabric *f, GByteArray *ret, GError **errp);
/*
 * Into a fabric that was built from the same things, with the same traffic; not
 * before the instant at which the state was saved. All that was to happen then
 * happens as long after now. Statistics are those of the state, but those over
 * time (fabric_stats_series()) go on. Every stream that is short, of another
 * fabric or version, or inconsistent is refused; then nothing has changed.
 */
bool fabric_load(Fabric *f, const uint8_t *buf, size_t len, GError **errp);

/* ---- failures ------------------------------------------------------------ */

/*
 * At @at_ps (>= now), before anything else of that instant:
 * link down: every frame on it, and every frame queued for it, is lost; those
 * that have arrived before @at_ps are not. Switch down: all its links go
 * down, what is inside is lost, pipeline included. Up: the reverse, links empty.
 * The switches next to it change their next-hop groups at once; all others
 * after reconverge_ps. A link is usable if it and both its ends are up.
 */
bool fabric_link_set_up(Fabric *f, uint32_t link, bool up, uint64_t at_ps,
                        GError **errp);
bool fabric_switch_set_up(Fabric *f, uint32_t node, bool up, uint64_t at_ps,
                          GError **errp);
/* Loss and bit errors of both directions, for departures from @at_ps on. */
bool fabric_link_set_errors(Fabric *f, uint32_t link, double loss, double ber,
                            FabricFec fec, uint64_t at_ps, GError **errp);
/* For packets that a port starts sending from @at_ps on. Full hosts know their
 * own rate. */
bool fabric_link_set_rate(Fabric *f, uint32_t link, uint64_t rate_bps,
                          uint64_t at_ps, GError **errp);
/* Only of the direction that leaves @from_node, one of its ends. */
bool fabric_link_set_rate_from(Fabric *f, uint32_t link, uint32_t from_node,
                               uint64_t rate_bps, uint64_t at_ps,
                               GError **errp);

/* Probability that a frame of @bytes (without FCS) is lost at bit error rate
 * @ber: closed forms, see docs/fabric.md. */
double fabric_frame_loss(double ber, FabricFec fec, uint32_t bytes);
/* Of an uncorrectable codeword, RS(544,514) over 10-bit symbols, t = 15. */
double fabric_kp4_codeword_loss(double ber);

/* ---- traffic of modelled hosts ------------------------------------------- */

typedef enum FabricPattern {
    FABRIC_PERMUTATION, /* a random permutation without fixed points */
    FABRIC_INCAST,      /* all others send to hosts[0] */
    FABRIC_RANDOM       /* each flow to a random other host */
} FabricPattern;

/*
 * What path balancing does with a modelled host's packets, as its card would:
 * docs/fabric.md, "Balanced traffic". Each pair (sender, receiver) has the
 * objects of path.h; the values of its PathChoice are what switches hash. The
 * receiver answers with echoes: packets of their own that queue, are lost
 * and take time as all others. Hosts at one switch, or with one path between
 * them, are not balanced, and nothing is echoed.
 */
typedef struct FabricBalance {
    PathConfig path;       /* line_bps 0: the sender's link's rate; min_bps 0: a
                      * hundredth of it */
    uint16_t echo_bytes;   /* frame without FCS; 0: FABRIC_ECHO_BYTES */
    uint8_t echo_values;   /* of which a packet tells at most; 0: 1. Each one
                            * after the first takes FABRIC_ECHO_MORE_BYTES */
    uint8_t echo_priority; /* of echoes, in switches; hosts send them first */
    unsigned paths;        /* 0: as many as the topology has; 1: switched off */
} FabricBalance;
/* Outer headers of an underlay packet that carries no guest frame. */
#define FABRIC_ECHO_BYTES 84u
#define FABRIC_ECHO_MORE_BYTES 20u /* of the counters of one more value */
/* @policy with numbers for 100 Gbit/s: choices, see docs/fabric.md. */
void fabric_balance_default(FabricBalance *b, PathPolicy policy);

typedef struct FabricTraffic {
    FabricPattern pattern;
    const uint32_t *hosts; /* nodes that take part; NULL: all modelled ones */
    uint32_t n_hosts;
    uint64_t start_ps, end_ps; /* flows begin in [start, end) */
    uint32_t load_ppm;         /* of each sender's link, in wire bytes */
    uint32_t packet_bytes;     /* frame without FCS: of every full packet */
    bool poisson;              /* flows arrive as a Poisson process; else one
                                * endless flow a sender at a constant rate */
    uint64_t flow_bytes;       /* of frames, with poisson and no size file */
    const char *size_file;     /* size distribution, or NULL */
    uint8_t priority;
    bool ecn;                     /* packets are ECT */
    uint64_t seed;                /* 0: from the fabric's */
    const FabricBalance *balance; /* copied; NULL: a flow keeps its path */
} FabricTraffic;
/* 50 % load, permutation, constant rate, 1500-byte frames, ECT, from 0 on. */
void fabric_traffic_default(FabricTraffic *t);

/*
 * Senders in @t->hosts must be modelled; receivers may be full hosts too: such
 * packets take queue space all the way and end, counted, at the host's MAC.
 * A size file has lines "BYTES CUMULATIVE_PROBABILITY" in rising order, the
 * last one with 1; # begins a comment; sizes between two lines are
 * interpolated. Errors name file and line.
 */
bool fabric_traffic_add(Fabric *f, const FabricTraffic *t, GError **errp);

/* Lines "START_NS FROM TO BYTES [PRIORITY]", FROM and TO names of nodes, in
 * rising order of START_NS. Packets of @packet_bytes; ECT. */
bool fabric_traffic_trace(Fabric *f, const char *path, uint32_t packet_bytes,
                          GError **errp);

/* ---- statistics ---------------------------------------------------------- */

typedef struct FabricTotals {
    uint64_t hops;                /* packets that crossed a link */
    uint64_t sent, received;      /* packets of modelled hosts */
    uint64_t injected, delivered; /* frames of full hosts */
    uint64_t marked;              /* ECN, by a switch */
    uint64_t dropped[FABRIC_DROPS];
    uint64_t flows_started, flows_finished; /* modelled, of finite size */
} FabricTotals;
/* Since the end of warm-up; a packet counts where it is when it happens. */
void fabric_totals(const Fabric *f, FabricTotals *ret);

typedef struct FabricLinkStats {
    uint64_t packets, bytes; /* departed onto it, without FCS */
    uint64_t wire_bytes;     /* with 24 bytes each */
    uint64_t lost, fcs_errors, down_drops;
    uint32_t utilisation_ppm; /* of its rate, end of warm-up to now */
    /* of the switch port that feeds it, all queues; 0 for hosts */
    uint32_t max_queue_cells;
    uint64_t marked, dropped;
} FabricLinkStats;
/* Of the direction that leaves @from_node. False: not an end of it. */
bool fabric_link_stats(const Fabric *f, uint32_t link, uint32_t from_node,
                       FabricLinkStats *ret);

/*
 * Of one fabric_traffic_add() or fabric_traffic_trace(), numbered from 0 in the
 * order of these calls, those that failed left out; since the end of warm-up,
 * each packet counted where it is when it happens.
 */
typedef struct FabricTrafficStats {
    uint64_t sent, received;
    uint64_t marked;  /* arrived with CE */
    uint64_t dropped; /* on the way, for whatever reason */
    uint64_t flows_started, flows_finished; /* of finite size */
} FabricTrafficStats;
uint32_t fabric_traffic_count(const Fabric *f);
/* Below fabric_traffic_count(); the histograms as fabric_latency() and
 * fabric_fct() of all sizes. */
void fabric_traffic_stats(const Fabric *f, uint32_t traffic,
                          FabricTrafficStats *ret);
const struct Hist *fabric_traffic_latency(const Fabric *f, uint32_t traffic);
const struct Hist *fabric_traffic_fct(const Fabric *f, uint32_t traffic);

/* One-way latency of modelled packets sent after warm-up: from the instant at
 * which the application hands them over to the last bit at the receiver. A
 * Hist of hist.h, in ps; owned by the fabric. */
struct Hist;
const struct Hist *fabric_latency(const Fabric *f);
/* Completion times in ps of finite flows started after warm-up, by size class
 * 0..FABRIC_FCT_CLASSES-1: up to 10 kB, 100 kB, 1 MB, 10 MB, above. */
#define FABRIC_FCT_CLASSES 5u
const struct Hist *fabric_fct(const Fabric *f, uint32_t size_class);
const char *fabric_fct_class_name(uint32_t size_class); /* "to_10kB" ... */

/* ---- statistics over time ------------------------------------------------ */

/*
 * Cuts time into bins of @bin_ps, the first beginning now: before the first
 * fabric_run() for a whole run; warm-up does not end them. When there would be
 * more than @max_bins (an even number, 2..65536), pairs of bins become one and
 * the width doubles, so memory is bounded: 24 bytes a bin and direction of a
 * link. Again: begins anew. False: not built, zero width, bad number.
 */
bool fabric_stats_series(Fabric *f, uint64_t bin_ps, uint32_t max_bins,
                         GError **errp);
/* Width now, begin of the first bin, and how many have begun; 0: no series. */
uint64_t fabric_stats_bin_ps(const Fabric *f);
uint64_t fabric_stats_begin_ps(const Fabric *f);
uint32_t fabric_stats_bins(const Fabric *f);

/* One direction of a link in one bin; what departs counts when its last bit
 * does. The last bin is so far incomplete. */
typedef struct FabricLinkBin {
    uint64_t wire_bytes;
    uint32_t packets, marked;
    uint32_t dropped;         /* for want of room, and on the wire */
    uint32_t max_queue_cells; /* greatest depth of a queue; 0 for hosts */
    uint32_t utilisation_ppm; /* of the rate it was built with; a packet more
                               * than 10^6 is possible */
} FabricLinkBin;
/* False: no such bin, or @from_node is no end of @link. */
bool fabric_stats_link_bin(const Fabric *f, uint32_t link, uint32_t from_node,
                           uint32_t bin, FabricLinkBin *ret);

/* ---- statistics of path balancing ---------------------------------------- */

/* Counters of modelled hosts whose traffic is balanced (FabricTraffic). */
typedef struct FabricBalanceStats {
    uint64_t packets;   /* sent by balanced pairs */
    uint64_t pairs_on;  /* pairs (sender, receiver) that began to balance */
    uint64_t pairs_off; /* and reverted */
    uint64_t changes;   /* packets with another value than the one before */
    uint64_t avoided;   /* values put on an avoid-list */
    uint64_t probes;    /* packets sent to learn of an idle value */
    uint64_t slowed;    /* reductions of a pair's total rate */
    uint64_t held;      /* packets that had to wait for the pair's rate */
    uint64_t echoes_sent, echoes_received;
    uint64_t marks;       /* marked packets that receivers saw */
    uint64_t reordered;   /* arrived after a later one of the same pair */
    uint64_t resequenced; /* of them, put into order by the reorder buffer */
    uint64_t gap_timeouts;
    uint64_t notices_sent, notices_received; /* of switches to senders */
} FabricBalanceStats;
/* Since the end of warm-up. */
void fabric_stats_balance(const Fabric *f, FabricBalanceStats *ret);
/* In one bin of the series. False: no such bin. */
bool fabric_stats_balance_bin(const Fabric *f, uint32_t bin,
                              FabricBalanceStats *ret);

/* Pairs that have sent, in the order of (sender's node, first packet). */
uint32_t fabric_stats_pairs(const Fabric *f);
typedef struct FabricPairStats {
    uint32_t from, to; /* nodes */
    bool on;           /* balancing now */
    uint32_t values;   /* how many it chooses from */
    uint32_t rate_ppm; /* of its offered rate it may send now */
    uint64_t packets, changes, reordered;
    uint64_t goodput_bytes; /* received since warm-up, without FCS */
} FabricPairStats;
bool fabric_stats_pair(const Fabric *f, uint32_t pair, FabricPairStats *ret);
typedef struct FabricValueStats {
    uint16_t port; /* outer UDP source port */
    bool avoided;
    uint32_t congestion_ppm; /* the moving average by which it is chosen */
    uint64_t packets;
} FabricValueStats;
bool fabric_stats_value(const Fabric *f, uint32_t pair, uint32_t value,
                        FabricValueStats *ret);

/*
 * The whole state of the statistics as text lines "NAME VALUE", in a fixed
 * order: for tests and trace hashes. A new string.
 */
char *fabric_dump(const Fabric *f);

#endif
