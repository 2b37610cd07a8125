/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_priv.h: what the files of the fabric share; see fabric.h.
 *
 * One direction of a link is a wire. Wires are numbered by their receiving
 * end: wire f->node[n].base + p ends at port p of node n, so a node's incoming
 * wires lie side by side. A packet is in exactly one place: a host's egress, a
 * wire (from its departure on, stamped with the instant at which the receiver
 * acts on it), or a switch's queue. There is no global queue of events: each
 * node knows the earliest instant at which it has something to do.
 */
#ifndef OUTRIGGER_FABRIC_PRIV_H
#define OUTRIGGER_FABRIC_PRIV_H

#include "fabric.h"
#include "hist.h"

#define FABRIC_LIKELY(x) __builtin_expect(!!(x), 1)
#define FABRIC_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define FABRIC_NONE UINT32_MAX
#define FABRIC_WINDOW_MAX_PS (1u << 24) /* so that sort keys fit 64 bits */
#define FABRIC_PKT_FULL 0x10u      /* a full host's frame; user is its slot */
#define FABRIC_PKT_TRANSPORT 0x20u /* user is a segment of a transport's */
#define FABRIC_PKT_BALANCED 0x40u  /* user is its FabricCargo */

/* `ps`: when the receiver acts on it: a host at the arrival, a switch at the
 * arrival plus its pipeline. Modelled: pkt.user is the instant of creation,
 * pkt.src the flow or FABRIC_NONE, and above its lower 32 bits the entry. */
typedef struct FabricPacket {
    uint64_t ps;
    SwitchPacket pkt;
} FabricPacket;

typedef struct FabricWire {
    FabricPacket *q; /* q[head .. head + n), rising in ps */
    uint32_t head, n, cap;
    uint32_t to_node;
    uint64_t delay_ps; /* with the receiver's pipeline */
    uint16_t to_port;
    bool down;
    bool slow; /* down, or errors */
} FabricWire;
_Static_assert(sizeof(FabricWire) <= 64, "FabricWire");

/* What few packets of a wire touch. */
typedef struct FabricWireRare {
    uint32_t from_node, link;
    uint16_t from_port;
    uint64_t lost, fcs_errors, down_drops;
    double loss, ber;
    FabricFec fec;
    uint32_t cached_bytes;
    double cached_loss;
} FabricWireRare;

static inline const FabricPacket *fabric_packet_of(const SwitchArrival *a)
{
    return (const FabricPacket *)((const char *)a->pkt -
                                  offsetof(FabricPacket, pkt));
}

typedef struct FabricLink {
    char *name;
    uint32_t node[2], port[2];
    FabricLinkConfig config;
    uint64_t rate_bps; /* now */
    bool up;           /* the link itself; its ends may still be down */
    uint64_t random[2];
} FabricLink;

typedef enum FabricKind {
    FABRIC_SWITCH = 0,
    FABRIC_FULL,
    FABRIC_MODELLED
} FabricKind;

typedef struct FabricNode {
    Fabric *f;
    SwitchCore *core; /* switches */
    struct FabricHost *host;
    uint32_t number, base, ports;
    uint32_t n_groups; /* of its routes */
    FabricKind kind;
    bool up;
    char *name;
    FabricSwitchConfig *sw;            /* until and after build */
    struct FabricNoticeQueue *notices; /* NULL: sends none */
    uint32_t *links;                   /* by port */
} FabricNode;

/* ---- modelled traffic ---------------------------------------------------- */

/* Something that a modelled host has to send: a flow of finite size
 * (gap_ps == 0), or packets at a constant rate. */
typedef struct FabricStream {
    uint64_t ready_ps; /* of its next packet */
    uint64_t gap_ps, end_ps;
    uint64_t left_bytes;
    uint32_t dst, hash, flow;
    uint32_t pair; /* balanced; FABRIC_NONE: not */
    uint16_t packet_bytes;
    uint8_t priority, flags;
    uint32_t entry; /* whose traffic it is, from 1 on; see FabricEntry */
} FabricStream;

/* Where a modelled host's flows come from. */
typedef struct FabricSource {
    uint64_t next_ps, end_ps;
    uint64_t random;
    uint64_t mean_gap_ps;
    const struct FabricLoad *load;
    uint32_t to; /* receiver; FABRIC_NONE: any of the load's hosts */
    uint32_t trace_at, trace_end; /* of f->trace, if load is NULL */
} FabricSource;

typedef struct FabricTraceRow {
    uint64_t start_ps, bytes;
    uint32_t from, to, line;
    uint16_t packet_bytes;
    uint8_t priority;
    uint32_t entry;
} FabricTraceRow;

typedef struct FabricLoad {
    FabricTraffic t;
    uint32_t *hosts;
    double *cdf; /* pairs bytes, probability */
    uint32_t n_cdf;
    uint32_t number;
    bool balanced;
    FabricBalance balance;
    GHashTable *pairs; /* from << 32 | to -> pair */
    uint32_t entry;
} FabricLoad;

/* One fabric_traffic_*() call's part in the statistics. */
typedef struct FabricEntry {
    FabricTrafficStats stats;
    Hist *latency, *fct;
} FabricEntry;

typedef struct FabricFlow {
    uint64_t start_ps, bytes, left_bytes; /* left: not yet received */
    uint32_t entry;
} FabricFlow;

typedef struct FabricPending { /* injected, not yet departed */
    uint64_t depart_ps;
    SwitchPacket pkt;
    uint32_t slot;
} FabricPending;

typedef struct FabricHost {
    uint32_t ipv4, node;
    uint64_t mac;
    bool takes_all;     /* full: FabricHostConfig */
    uint64_t free_ps;   /* modelled: the MAC is busy until then */
    uint64_t depart_ps; /* of the next packet, FABRIC_NEVER_PS: none */
    uint64_t start_ps;  /* modelled: when its first bit leaves */
    uint32_t chosen;    /* modelled: stream it belongs to */
    uint64_t rate_bps;
    FabricStream *streams;
    uint32_t n_streams, cap_streams, turn;
    FabricSource *sources;
    uint32_t n_sources;
    FabricPending *pending; /* full: [pending_head .. n_pending) */
    uint32_t pending_head, n_pending, cap_pending;
    uint64_t last_depart_ps;
    uint64_t sent, sent_bytes, received;
    struct FabricBalanceHost *balance; /* NULL: nothing is balanced */
    /* full: bounds from each node, see fabric_bounds.c */
    uint64_t *fixed_ps, *per_byte_ps, *after_ps;
    /* modelled, with transports: then depart_ps is when it acts next */
    struct FabricEndpoint *endpoint;
} FabricHost;

/* ---- frames of full hosts ------------------------------------------------ */

typedef struct FabricFrame {
    uint8_t *bytes; /* NULL: free slot */
    uint32_t len;
    uint32_t to; /* node, or FABRIC_NONE: any */
    uint32_t at; /* node that acts on it next */
    uint32_t next_free;
    uint64_t ready_ps; /* not before this */
    bool marked;       /* CE is in the bytes */
    bool waits;        /* injected, has not departed; `at` is its sender */
} FabricFrame;

typedef struct FabricDelivery {
    uint64_t ps;
    uint32_t host, slot;
} FabricDelivery;

typedef enum FabricControlKind {
    FABRIC_CONTROL_LINK,
    FABRIC_CONTROL_SWITCH,
    FABRIC_CONTROL_ERRORS,
    FABRIC_CONTROL_RATE,
    FABRIC_CONTROL_ROUTES,
    FABRIC_CONTROL_WARM
} FabricControlKind;

typedef struct FabricControl {
    uint64_t at_ps, seq;
    FabricControlKind kind;
    uint32_t which;
    bool up;
    double loss, ber;
    FabricFec fec;
    uint64_t rate_bps;
    uint32_t from; /* node, or FABRIC_NONE: both ends */
} FabricControl;

struct Fabric {
    FabricWire *wire;
    FabricWireRare *rare;   /* by wire */
    uint64_t *wire_next_ps; /* ps of the first packet, by wire */
    uint64_t *node_next_ps;
    uint32_t *order;    /* all nodes: switches, then hosts */
    uint32_t *due;      /* nodes of a window */
    uint32_t *out_wire; /* [node.base + port] -> wire number */
    FabricNode *node;
    uint32_t n_nodes, n_links, n_wires, n_hosts, n_switches;
    uint64_t now_ps, window_ps;
    FabricConfig config;
    bool built;
    /* one node's arrivals of a window */
    uint64_t *key;
    SwitchArrival *ref;
    uint64_t *key_spare, *sorted; /* sorted: one of both */
    uint32_t arrivals_cap;
    /* frames */
    FabricFrame *frame;
    uint32_t n_frames, free_frame, live_frames;
    FabricDelivery *delivery;
    uint32_t n_deliveries, cap_deliveries;
    /* control */
    FabricControl *control; /* sorted by (at_ps, seq) */
    uint32_t n_control, cap_control;
    uint64_t control_seq;
    /* traffic */
    GPtrArray *loads;
    GArray *trace; /* FabricTraceRow, by host, then start */
    FabricFlow *flow;
    uint32_t n_flows, cap_flows, free_flow;
    uint32_t traffic_seq, loads_started, trace_started;
    uint64_t trace_shift_ps; /* added to each row's instant: fabric_load() */
    struct FabricTransports *transports; /* NULL: none */
    /* statistics */
    uint64_t stats_from_ps;
    uint64_t injected, delivered, flows_started, flows_finished;
    uint64_t not_for_it;
    struct FabricSeries *series;     /* NULL: none */
    struct FabricBalancer *balancer; /* NULL: nothing is balanced */
    Hist *latency;                   /* of packets that no entry counts */
    Hist *latency_all;
    Hist *fct[FABRIC_FCT_CLASSES];
    FabricEntry *entry; /* [0] is nobody's */
    uint32_t n_entries;
    /* names and addresses */
    FabricLink *links;
    GHashTable *by_name;      /* name -> node + 1 */
    GHashTable *link_by_name; /* name -> link + 1 */
    GHashTable *by_ipv4;      /* ipv4 -> node + 1 */
    uint32_t *by_address;     /* host nodes in rising order of ipv4 */
};

static inline uint64_t fabric_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* Of the fabric's seed and two numbers: independent streams. */
static inline uint64_t fabric_seed(uint64_t seed, uint64_t kind, uint64_t n)
{
    uint64_t s = seed ^ kind * 0xd6e8feb86659fd93ull;

    s = fabric_random(&s) + n;
    return fabric_random(&s);
}

/* [0, 1) */
static inline double fabric_random_unit(uint64_t *state)
{
    return (double)(fabric_random(state) >> 11) * 0x1p-53;
}

static inline void fabric_wake(Fabric *f, uint32_t node, uint64_t ps)
{
    if (ps < f->node_next_ps[node]) {
        f->node_next_ps[node] = ps;
    }
}

/* fabric_link.c: @pkt departs at @depart_ps from @port of @node. */
void fabric_wire_grow(FabricWire *w);
void fabric_wire_send_slow(Fabric *f, uint32_t number, uint64_t depart_ps,
                           const SwitchPacket *pkt);
void fabric_wire_lose(Fabric *f, uint32_t number, bool pipeline_too);
uint32_t fabric_link_wire(const Fabric *f, uint32_t link, uint32_t end);
void fabric_wire_set_errors(Fabric *f, uint32_t number, double loss, double ber,
                            FabricFec fec);

static inline void fabric_wire_put(Fabric *f, uint32_t number,
                                   uint64_t depart_ps, const SwitchPacket *pkt)
{
    FabricWire *w = &f->wire[number];
    FabricPacket *p;

    if (FABRIC_UNLIKELY(w->head + w->n == w->cap)) {
        fabric_wire_grow(w);
    }
    p = &w->q[w->head + w->n];
    p->ps = depart_ps + w->delay_ps;
    p->pkt = *pkt;
    if (w->n++ == 0) {
        f->wire_next_ps[number] = p->ps;
        fabric_wake(f, w->to_node, p->ps);
    }
}

static inline void fabric_wire_send(Fabric *f, uint32_t number,
                                    uint64_t depart_ps, const SwitchPacket *pkt)
{
    const FabricWire *w = &f->wire[number];

    if (FABRIC_UNLIKELY(w->slow || (pkt->flags & FABRIC_PKT_FULL))) {
        fabric_wire_send_slow(f, number, depart_ps, pkt);
    } else {
        fabric_wire_put(f, number, depart_ps, pkt);
    }
}

/* fabric_switch.c */
extern const SwitchOps fabric_switch_ops;
bool fabric_switch_make(Fabric *f, FabricNode *node, GError **errp);

/* fabric_frame.c */
uint32_t fabric_frame_copy(Fabric *f, uint32_t slot);
void fabric_frame_free(Fabric *f, uint32_t slot);
void fabric_frame_drop(Fabric *f, uint32_t slot, uint32_t node, uint64_t ps,
                       FabricDrop reason);
void fabric_frame_mark(FabricFrame *frame);
void fabric_frame_arrive(Fabric *f, FabricHost *h, const FabricPacket *p);
void fabric_full_send(Fabric *f, FabricHost *h, uint64_t until_ps);
void fabric_deliver(Fabric *f);

/* fabric_routing.c, fabric_bounds.c */
void fabric_routes_compute(Fabric *f);
bool fabric_link_usable(const Fabric *f, uint32_t link);
void fabric_bounds_compute(Fabric *f);

/* fabric_host.c: modelled hosts */
void fabric_host_receive(Fabric *f, FabricHost *h, const FabricPacket *p);
void fabric_host_send(Fabric *f, FabricHost *h, uint64_t until_ps);
void fabric_host_replan(Fabric *f, FabricHost *h);
void fabric_stream_add(FabricHost *h, const FabricStream *s);
uint64_t fabric_host_ready_ps(const FabricHost *h);  /* something to send */
uint32_t fabric_stream_bytes(const FabricStream *s); /* of its next packet */
/* Stream @at has sent a packet of @bytes; the next turn is its successor's. */
void fabric_stream_sent(Fabric *f, FabricHost *h, uint32_t at, uint32_t bytes);
/* Flows that begin at or before @ps, in the order (source, instant). */
void fabric_host_start_flows(Fabric *f, FabricHost *h, uint64_t ps);
void fabric_flow_received(Fabric *f, uint32_t number, uint64_t ps,
                          uint32_t bytes);

/* fabric_balance.c, fabric_balance_pair.c, fabric_balance_stats.c */
typedef struct FabricBalanceHost FabricBalanceHost;
void fabric_balance_host(FabricHost *h); /* it takes part from now on */
void fabric_balance_host_free(FabricBalanceHost *b);
/* All of the host's work before @until_ps; f->sorted has its arrivals. */
void fabric_balance_step(Fabric *f, FabricHost *h, uint32_t arrivals,
                         uint64_t until_ps);
void fabric_balance_replan(Fabric *f, FabricHost *h);
void fabric_balance_prefetch(const Fabric *f, const FabricNode *n,
                             uint64_t until_ps);
/* Number of the pair, or FABRIC_NONE: nothing to balance. */
uint32_t fabric_balance_pair(Fabric *f, const FabricLoad *load, uint32_t from,
                             uint32_t to);
const char *fabric_balance_problem(const FabricBalance *b);
void fabric_cargo_free(Fabric *f, uint32_t number);
void fabric_balance_free(Fabric *f);
void fabric_balance_reset(Fabric *f);

/* fabric_notice.c */
typedef struct FabricNoticeQueue FabricNoticeQueue;
void fabric_notices_make(Fabric *f, FabricNode *n);
void fabric_notices_free(FabricNode *n);
void fabric_notices_lose(FabricNode *n);
uint64_t fabric_notices_next_ps(const FabricNode *n);
/* Those before @until_ps: how many; *ret is valid until the next call. */
uint32_t fabric_notices_take(FabricNode *n, uint64_t until_ps,
                             const FabricPacket **ret);
void fabric_notice_deep(void *opaque, uint32_t port, uint64_t ps,
                        const SwitchPacket *pkt, uint32_t cells);

/* fabric_transport_mac.c: @user of a packet that is gone */
void fabric_segment_free(Fabric *f, uint64_t user);
void fabric_endpoint_step(Fabric *f, FabricHost *h, uint32_t arrivals,
                          uint64_t until_ps);
/* fabric_transport.c */
void fabric_transports_free(Fabric *f);

/* fabric_traffic.c */
void fabric_load_free(void *load);
void fabric_source_next(Fabric *f, FabricHost *h, FabricSource *s,
                        FabricStream *ret); /* the flow of s->next_ps */
FabricSource *fabric_source_new(FabricHost *h);
void fabric_traffic_start(Fabric *f); /* what has not been started yet */

/* fabric_files.c */
bool fabric_sizes_read(FabricLoad *load, const char *path, GError **errp);
void fabric_trace_start(Fabric *f);

/* fabric_entry.c */
uint32_t fabric_entry_new(Fabric *f);
void fabric_entries_reset(Fabric *f);
void fabric_entries_free(Fabric *f);

static inline FabricEntry *fabric_entry_of(Fabric *f, const SwitchPacket *pkt)
{
    uint64_t entry = pkt->src >> 32;

    return &f->entry[FABRIC_LIKELY(entry < f->n_entries) ? entry : 0];
}

/* fabric_fault.c */
void fabric_control_add(Fabric *f, FabricControl c);
void fabric_control_apply(Fabric *f); /* all that are due now */
void fabric_refresh_next(Fabric *f);  /* node_next_ps of all */

/* fabric_stats.c */
void fabric_stats_init(Fabric *f);
void fabric_stats_reset(Fabric *f);
void fabric_stats_free(Fabric *f);
void fabric_flow_finished(Fabric *f, const FabricFlow *flow, uint64_t ps);

/* fabric_series.c; the first two only if f->series */
typedef struct FabricSeries FabricSeries;
void fabric_series_advance(Fabric *f, uint64_t ps); /* edges up to @ps */
uint64_t fabric_series_next_ps(const Fabric *f);
uint32_t fabric_series_max_cells(const Fabric *f, uint32_t wire);
void fabric_series_before_reset(Fabric *f);
void fabric_series_before_load(Fabric *f);
void fabric_series_after_load(Fabric *f);
void fabric_series_free(FabricSeries *s); /* NULL is fine */

#endif
