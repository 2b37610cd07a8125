/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_core.h: one output-queued Ethernet switch: shared buffer with
 * dynamic thresholds, ECN, priorities, ECMP, L2 and L3 forwarding, exact
 * instants. No QEMU, no GLib, no bytes of packets.
 *
 * Sources: Choudhury and Hahne, "Dynamic Queue Length Thresholds for Shared-
 * Memory Packet Switches" (1998) for the threshold; RFC 3168 for ECN; Shreedhar
 * and Varghese, "Efficient Fair Queuing using Deficit Round Robin" (1995);
 * IEEE 802.1D clause 7 for learning, ageing and flooding; RFC 2992 for choosing
 * one of several next hops by a hash; Handley et al., "Re-architecting
 * datacenter networks and stacks for low latency and high performance" (SIGCOMM
 * 2017), section 3.1 and 3.2.4, for cutting payload.
 * Not modelled: PFC and pause frames, cut-through, multicast groups, VLAN tags,
 * TTL, spanning tree (the owner says which ports flood).
 *
 * ## The life of a packet, to the picosecond
 *
 * All arithmetic is integer. Instants are uint64_t picoseconds.
 *
 * 1. Arrival at A on an input port: the packet's last bit is in (store and
 *    forward). If the input port or the switch is down at A, it is dropped
 *    (SWITCH_DROP_PORT_DOWN) and nothing else happens.
 * 2. Admission at M = A + pipeline_ps. Everything about the packet is decided
 *    at this instant, in this order:
 *    a. learning (L2 packets only): source address -> input port, unless the
 *       address is 0, a group or static, the input port is blocked, or it is
 *       new and the table is full of addresses that have not aged;
 *    b. lookup: output port, or several when an L2 packet is flooded. No
 *       route, no next hop that is up, or the only output of an L2 packet is
 *       its input port, down or blocked: SWITCH_DROP_NO_ROUTE;
 *    c. per output port in rising order: admission to the buffer, then ECN.
 * 3. Cells: a packet takes C = max(1, ceil(bytes / cell_bytes)) cells from its
 *    admission until its departure, also while it is being sent. `bytes` is
 *    the frame without preamble, FCS and gap.
 * 4. Threshold, before the packet is counted: with U the cells in use in the
 *    whole switch and Q those of the output queue at M, the packet is admitted
 *    if and only if
 *        U + C <= buffer_cells                      else SWITCH_DROP_BUFFER
 *        Q + C <= floor((buffer_cells - U) * alpha_q8 / 256)
 *                                                else SWITCH_DROP_THRESHOLD
 *    (both tail drops; the first is tested first). A queue may also have fixed
 *    limits, with N the packets in it, the one being sent included:
 *        N + 1 <= limit_packets, Q + C <= limit_cells
 *                                                else SWITCH_DROP_THRESHOLD.
 *    A packet that may be cut is treated by rule 9 instead.
 * 5. ECN, after the packet is counted: Q' = Q + C. A packet whose ECN field is
 *    ECT or CE (SWITCH_PKT_ECT) is marked CE
 *      - mode SWITCH_ECN_STEP: if Q' > ecn_min_cells;
 *      - mode SWITCH_ECN_RED: never if Q' <= ecn_min_cells, always if
 *        Q' > ecn_max_cells, else if R < floor((Q' - min) * ecn_max_q32 /
 *        (max - min)), R the upper 32 bits of the next number of the
 *        switch's random source. One number is drawn for each packet with
 *        ECT or CE in a queue of this mode, whatever Q' is. The source is
 *        splitmix64 from `seed` on; its first number is the ECMP hash's.
 *    Packets without ECT are never marked and never dropped early.
 * 6. Transmission. A port sends one packet at a time. It chooses at the
 *    instant S at which it is free and has a packet: the end of the packet
 *    before, or the admission that ended its idleness. All packets admitted at
 *    or before S, S included, take part in the choice.
 *      - strict: the highest priority first, first in first out within one;
 *      - DRR: queues that have packets take turns in rising priority order,
 *        beginning with queue 0; a queue that gets the turn has its quantum
 *        added to its deficit and keeps the turn while the deficit covers its
 *        head packet (wire bytes, which are then subtracted); a queue that
 *        runs empty loses its deficit and the turn.
 *    Queues with strict set go before all others, highest first; they preempt
 *    no packet.
 * 7. Departure at D = S + ceil((bytes + 24) * 8 * 10^12 / rate_bps): the last
 *    bit leaves. 24 bytes are preamble, start delimiter, FCS and gap. The
 *    cells are free at D.
 * 8. Order of what happens at one instant T: control calls made before T was
 *    run (ports up or down, tables, see below), departures at T with their
 *    cells freed, admissions at T by (input port, sequence of arrival), choices
 *    at T. So an admission at D sees the buffer without the departing packet.
 *
 * 9. Cutting payload (off while trim_bytes is 0). A packet with SWITCH_PKT_TRIM
 *    and more than trim_bytes bytes that rule 4 does not admit loses its
 *    payload instead: the next number R of the switch's random source is drawn;
 *    if its highest bit is set, and the last packet of the same queue may be
 *    cut too, is not being sent, and leaves room enough, then that one is cut and
 *    the packet takes its place; else the packet itself is cut. What is cut has
 *    trim_bytes bytes and priority trim_queue from now on; it is admitted
 *    to queue trim_queue of the port by rules 4 and 5 at the same instant.
 *    If that fails, or a packet cut before is not admitted: with trim_return
 *    it is sent back, once: `dst` and `src` change places, SWITCH_PKT_TRIM is
 *    cleared, it is looked up anew and admitted to trim_queue of its
 *    new output port, at the same instant. Else it is dropped.
 *    The owner knows what has been cut by its length. `src` of packets that
 *    may be sent back is their sender's IPv4 address. A DRR quantum of ten headers'
 *    wire bytes for trim_queue and of one full packet's for the data queue
 *    gives the paper's weighted round robin of 10:1.
 *
 * Control calls take effect at the instant at which the switch stands, that is
 * the `until` of the last switch_core_run(), before anything else of that
 * instant:
 *   - port down: the packet in transmission whose departure is not before that
 *     instant and all packets in the port's queues are lost
 *     (SWITCH_DROP_PORT_DOWN), their cells free at once; packets that have
 *     arrived through it and are in the pipeline go on. The port's learned
 *     addresses are forgotten; next-hop groups no longer choose it.
 *   - port up: the port is free at once.
 *   - switch down: all packets inside are lost, pipeline included; learned
 *     addresses are forgotten; what arrives is dropped until it is up.
 *
 * ## Who calls what
 *
 * The owner calls switch_core_arrive() in the order (time, input port) for all
 * packets of a stretch of time, then switch_core_run(until), which reports
 * through the callbacks all departures and drops before `until`. Departures of
 * one port come in order; those of different ports in no stated order. How
 * time is cut into runs changes nothing.
 *
 * Not thread-safe; different switches are independent. Nothing blocks. No
 * call fails for want of memory (malloc failure aborts). Wrong arguments from
 * outside (configuration, tables, saved state) are refused with a message;
 * switch_core_arrive() clamps nothing and trusts its caller.
 */
#ifndef OUTRIGGER_SWITCH_CORE_H
#define OUTRIGGER_SWITCH_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SWITCH_MAX_PORTS 256u
#define SWITCH_MAX_QUEUES 8u
#define SWITCH_OVERHEAD_BYTES 24u /* preamble 7, SFD 1, FCS 4, gap 12 */
#define SWITCH_MAX_BYTES 9600u    /* frame without FCS */
#define SWITCH_MIN_BYTES 60u
#define SWITCH_NEVER_PS UINT64_MAX
#define SWITCH_MAC_MASK 0xffffffffffffull
#define SWITCH_MAC_GROUP (1ull << 40) /* multicast and broadcast */

enum {
    SWITCH_PKT_ECT = 1 << 0,  /* ECN field is not Not-ECT */
    SWITCH_PKT_CE = 1 << 1,   /* congestion experienced; set by the switch */
    SWITCH_PKT_L2 = 1 << 2,   /* forward by MAC address, else by IPv4 */
    SWITCH_PKT_TRIM = 1 << 3, /* L3: its payload may be cut, rule 9 */
    /* bits 4 to 7 belong to the owner */
};

/* A packet as the switch sees it; copied, 32 bytes. */
typedef struct SwitchPacket {
    uint64_t user;      /* the owner's; carried through */
    uint64_t dst;       /* L3: IPv4 address, host order; L2: MAC, 48 bits */
    uint64_t src;       /* L2: MAC. L3: free for the owner but in rule 9 */
    uint32_t flow_hash; /* of what tells flows apart; any good hash */
    uint16_t bytes;     /* frame without preamble, FCS, gap */
    uint8_t priority;   /* queue; above the last queue counts as the last */
    uint8_t flags;      /* SWITCH_PKT_* */
} SwitchPacket;
_Static_assert(sizeof(SwitchPacket) == 32, "SwitchPacket");

typedef enum SwitchDrop {
    SWITCH_DROP_BUFFER = 0, /* the shared buffer is full */
    SWITCH_DROP_THRESHOLD,  /* the queue's dynamic threshold */
    SWITCH_DROP_NO_ROUTE,   /* nowhere to send it */
    SWITCH_DROP_PORT_DOWN,  /* input or output port, or the switch, is down */
    SWITCH_DROPS
} SwitchDrop;
const char *switch_drop_name(SwitchDrop reason); /* "buffer", ... */

typedef enum SwitchEcn {
    SWITCH_ECN_OFF = 0,
    SWITCH_ECN_STEP,
    SWITCH_ECN_RED
} SwitchEcn;

typedef struct SwitchQueueConfig {
    uint32_t alpha_q8; /* 256 is alpha = 1; at least 1 */
    uint8_t ecn_mode;  /* SwitchEcn */
    bool strict;       /* else DRR with the other queues that are not */
    uint32_t ecn_min_cells, ecn_max_cells; /* RED: min < max */
    uint32_t ecn_max_q32;   /* RED: probability at ecn_max_cells, 2^32 is 1 */
    uint32_t quantum_bytes; /* DRR; at least 1 */
    uint32_t limit_packets, limit_cells; /* 0: none */
} SwitchQueueConfig;

typedef struct SwitchConfig {
    uint32_t ports;        /* 1..SWITCH_MAX_PORTS */
    uint32_t queues;       /* a port; 1..SWITCH_MAX_QUEUES */
    uint32_t cell_bytes;   /* 1..SWITCH_MAX_BYTES */
    uint32_t buffer_cells; /* 1..2^31-1 */
    uint64_t pipeline_ps;  /* arrival to admission; 0 is allowed */
    uint64_t age_ps;       /* learned addresses; 0: they never age */
    uint32_t mac_entries;  /* nothing is learned while so many are known */
    uint64_t seed;         /* of the ECMP hash and of the random source */
    uint16_t trim_bytes;   /* what is left of a cut packet; 0: none is cut,
                            * else 60.. */
    uint8_t trim_queue;    /* below `queues` */
    bool trim_return;      /* send back what does not fit there */
    SwitchQueueConfig queue[SWITCH_MAX_QUEUES]; /* the same on each port */
} SwitchConfig;

/* 32 ports' worth of common values, all of them choices: 208-byte cells, 64k
 * cells (13 MB), alpha 1, step marking at 400 cells, 8 strict queues, 400 ns
 * pipeline, addresses age after 300 s (IEEE 802.1D's default). */
void switch_config_default(SwitchConfig *c, uint32_t ports);

typedef struct SwitchOps {
    /* The last bit of @pkt leaves @port at @depart_ps. CE may be set now. */
    void (*depart)(void *opaque, uint32_t port, uint64_t depart_ps,
                   const SwitchPacket *pkt);
    /* @pkt is gone. @port: output port; input port if there was none yet.
     * NULL is allowed for owners whose packets need no release. */
    void (*drop)(void *opaque, uint32_t port, uint64_t ps,
                 const SwitchPacket *pkt, SwitchDrop reason);
    /* A flooded packet needs a second, third ... handle: returns what the
     * copy carries as `user`. NULL: copies carry the same. */
    uint64_t (*copy)(void *opaque, uint64_t user);
    /* @pkt has joined a queue of @port that has more cells now than
     * switch_core_set_deep() said: @cells. NULL is allowed. */
    void (*deep)(void *opaque, uint32_t port, uint64_t ps,
                 const SwitchPacket *pkt, uint32_t cells);
} SwitchOps;

typedef struct SwitchCore SwitchCore;

/* @ops is kept, not copied. All ports are up, flood, and have a rate of
 * 100 Gbit/s; tables are empty. NULL and *@ret_err (a constant string, may be
 * NULL) if the configuration is wrong. */
SwitchCore *switch_core_new(const SwitchConfig *config, const SwitchOps *ops,
                            void *opaque, const char **ret_err);
void switch_core_free(SwitchCore *sw); /* NULL is fine; reports no drops */
const SwitchConfig *switch_core_config(const SwitchCore *sw);

/* ---- time and packets ---------------------------------------------------- */

/* @pkt's last bit is in at @arrive_ps, which is neither before the last
 * arrival nor before the last run's `until`. */
void switch_core_arrive(SwitchCore *sw, uint32_t port, uint64_t arrive_ps,
                        const SwitchPacket *pkt);
/* The same for owners that hold packets until their admission at @admit_ps =
 * arrival + pipeline_ps themselves (in the order of (admission, input port)),
 * and never used together with switch_core_arrive(). Callbacks may come out of
 * this call. */
void switch_core_admit(SwitchCore *sw, uint32_t port, uint64_t admit_ps,
                       const SwitchPacket *pkt);
/* Both for a stretch of time, faster: as switch_core_admit() of each of the @n
 * packets in the order (admission, input port), and switch_core_run(@until_ps).
 * They are given by input port, those of one port in order. True: done, and
 * *@ret_next_ps is switch_core_next_ps(). False: nothing has happened, since a packet
 * might be refused or flooded, or marks are random: then the order among output
 * ports counts. */
typedef struct SwitchArrival {
    const SwitchPacket *pkt;
    uint32_t after_ps; /* admission, less @from_ps; below 2^24 */
    uint32_t port;
} SwitchArrival;
bool switch_core_run_calm(SwitchCore *sw, const SwitchArrival *arrivals,
                          uint32_t n, uint64_t from_ps, uint64_t until_ps,
                          uint64_t *ret_next_ps);
/* A packet of the switch's own (L3), at @ps; otherwise as switch_core_admit().
 * What has no route counts at port 0. */
void switch_core_originate(SwitchCore *sw, uint64_t ps,
                           const SwitchPacket *pkt);
/* Everything before @until_ps happens; the switch then stands at @until_ps. */
void switch_core_run(SwitchCore *sw, uint64_t until_ps);
uint64_t switch_core_now_ps(const SwitchCore *sw);
/* The earliest instant at which something inside happens (admission or
 * departure), SWITCH_NEVER_PS if it is empty. Exact after a run. */
uint64_t switch_core_next_ps(const SwitchCore *sw);
/* Only for speed: brings what the next calls will touch into the cache. In
 * three steps, each some hundreds of nanoseconds after the one before. */
void switch_core_prefetch(const SwitchCore *sw, unsigned step);
/* ceil((bytes + 24) * 8 * 10^12 / rate_bps) */
uint64_t switch_serialise_ps(uint32_t bytes, uint64_t rate_bps);

/* ---- control: at the instant at which the switch stands ------------------ */

void switch_core_set_up(SwitchCore *sw, bool up);
bool switch_core_up(const SwitchCore *sw);
void switch_core_port_set_up(SwitchCore *sw, uint32_t port, bool up);
bool switch_core_port_up(const SwitchCore *sw, uint32_t port);
/* From the next choice on. 1 bit/s .. 10 Tbit/s, else false. */
bool switch_core_port_set_rate(SwitchCore *sw, uint32_t port,
                               uint64_t rate_bps);
uint64_t switch_core_port_rate(const SwitchCore *sw, uint32_t port);
/* Whether L2 packets pass through @port at all: false is a port that spanning
 * tree blocks; L2 packets that arrive there are dropped as NO_ROUTE. */
void switch_core_port_set_flood(SwitchCore *sw, uint32_t port, bool flood);

/* Above so many cells of one queue ops->deep is called; UINT32_MAX, as at
 * first: never. Not part of the saved state. */
void switch_core_set_deep(SwitchCore *sw, uint32_t cells);

/* ---- forwarding tables --------------------------------------------------- */

/*
 * Next-hop group @group (0..65534, any gaps) is @ports[0..@n), @n up to
 * SWITCH_MAX_PORTS; 0 empties it. Of the n members that are up, in the order
 * given, a packet takes member number
 *     floor(mix32(flow_hash ^ ecmp_seed) * n / 2^32)
 * with ecmp_seed = the low 32 bits of splitmix64(config.seed) and
 *     mix32(h): h ^= h >> 16; h *= 0x7feb352d; h ^= h >> 15;
 *               h *= 0x846ca68b; h ^= h >> 16
 * (all modulo 2^32). False: a port that is not there, or the group too big.
 */
bool switch_core_group_set(SwitchCore *sw, uint32_t group,
                           const uint16_t *ports, uint32_t n);

typedef struct SwitchRoute {
    uint32_t prefix; /* IPv4, host order; bits beyond length are ignored */
    uint8_t length;  /* 0..32 */
    uint16_t group;
} SwitchRoute;
/* Replaces the whole table; the longest prefix wins, of two equal prefixes the
 * later one. False: a length above 32. */
bool switch_core_routes_set(SwitchCore *sw, const SwitchRoute *routes,
                            size_t n);
/* One more or less of them; false: bad length, or not there. */
bool switch_core_route_add(SwitchCore *sw, const SwitchRoute *route);
bool switch_core_route_remove(SwitchCore *sw, uint32_t prefix, uint8_t length);
/* The output port of an L3 packet as tables and ports are now, or -1. */
int32_t switch_core_route_pick(SwitchCore *sw, uint32_t ipv4,
                               uint32_t flow_hash);
/* Group of an address, or -1. */
int32_t switch_core_route_lookup(const SwitchCore *sw, uint32_t ipv4);

/* A static address: never aged, never moved by learning. Port out of range:
 * false. */
bool switch_core_mac_add(SwitchCore *sw, uint64_t mac, uint32_t port);
void switch_core_mac_flush(SwitchCore *sw); /* the learned ones */
/* Port of an address known at the instant at which the switch stands, or -1. */
int32_t switch_core_mac_lookup(const SwitchCore *sw, uint64_t mac);
uint32_t switch_core_mac_count(const SwitchCore *sw);

/* ---- counters ------------------------------------------------------------ */

typedef struct SwitchQueueStats {
    uint64_t enqueued_packets, enqueued_bytes;
    uint64_t sent_packets;
    uint64_t marked_packets; /* CE newly set or already there and confirmed */
    uint64_t dropped_packets[SWITCH_DROPS];
    uint64_t trimmed_packets;  /* that were meant for this queue */
    uint32_t cells, max_cells; /* now; ever, since the last reset */
} SwitchQueueStats;

typedef struct SwitchPortStats {
    uint64_t rx_packets, rx_bytes;             /* accepted at admission */
    uint64_t tx_packets, tx_bytes;             /* departed */
    uint64_t rx_dropped_packets[SWITCH_DROPS]; /* counted at the input port */
    uint64_t flooded_packets;                  /* that came in here */
    uint64_t returned_packets; /* headers that did not fit here: sent back */
} SwitchPortStats;

void switch_core_port_stats(const SwitchCore *sw, uint32_t port,
                            SwitchPortStats *ret);
void switch_core_queue_stats(const SwitchCore *sw, uint32_t port,
                             uint32_t queue, SwitchQueueStats *ret);
/* Counters to zero, maxima to what is there now. */
void switch_core_stats_reset(SwitchCore *sw);
/* Only max_cells of the queues of @port. */
void switch_core_port_max_restart(SwitchCore *sw, uint32_t port);
/* Cells in use at the instant at which the switch stands (after a run). */
uint32_t switch_core_cells_used(const SwitchCore *sw);

/* ---- saving -------------------------------------------------------------- */

/*
 * State and configuration, little-endian, versioned. Writes at most @cap bytes
 * to @buf and returns the length needed, so save(sw, NULL, 0) sizes it. To be
 * called between runs. `user` handles are saved as they are.
 */
size_t switch_core_save(const SwitchCore *sw, uint8_t *buf, size_t cap);
/* Into a switch made with the same configuration. Refuses every stream that
 * is short, long, of another version or configuration, or inconsistent; then
 * @sw is untouched, the result false and *@ret_err says why. */
bool switch_core_load(SwitchCore *sw, const uint8_t *buf, size_t len,
                      const char **ret_err);
/* All instants inside, the switch's present included, become @by_ps later: for a
 * state that goes on later than it was saved. */
void switch_core_postpone(SwitchCore *sw, uint64_t by_ps);
/* Calls @fn for each packet inside, in a stated order (pipeline, then port by
 * port: in transmission, then queue by queue): to map `user` after a load, or
 * to release handles before a free. @fn may change pkt->user. */
void switch_core_foreach_packet(SwitchCore *sw,
                                void (*fn)(void *opaque, SwitchPacket *pkt),
                                void *opaque);

#endif
