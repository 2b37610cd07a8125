/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_net.h: the network part of a resolved scenario: what is written
 * (networks, NICs, switches, links, a fabric generator, traffic) and the
 * topology that follows from it, with everything the generator makes.
 *
 * Ownership, units and completeness are those of scenario.h. Addresses are in
 * host byte order; _mdb thousandths of a decibel, _um micrometres, _atto
 * parts in 10^18.
 */
#ifndef OUTRIGGER_SCENARIO_NET_H
#define OUTRIGGER_SCENARIO_NET_H

#include "scenario.h"

/* ---- as written --------------------------------------------------------- */

typedef struct ScnCidr {
    uint32_t address;
    unsigned prefix; /* 1..32 */
} ScnCidr;

typedef struct ScnNetwork { /* a virtual network */
    ScnObject obj;
    char *name;
    uint64_t vni; /* 1..2^24-1, unique */
} ScnNetwork;

/* A virtual NIC of a card: a PCI function. */
typedef struct ScnVnic {
    ScnObject obj;
    char *name; /* also of the interface in the guest */
    char *network;
    ScnCidr address;
    uint64_t queues, mtu;
    bool low_latency;
    uint8_t mac[6];                 /* derived from seed, host and place */
    struct ScnBalancing *balancing; /* NULL: a flow keeps its path */
} ScnVnic;

typedef enum ScnGeometryLayout {
    SCN_GEOMETRY_FLAT,
    SCN_GEOMETRY_TRIANGULAR,
    SCN_GEOMETRY_STAIR,
    SCN_GEOMETRY_ARC
} ScnGeometryLayout;

typedef enum ScnRouting {
    SCN_ROUTING_OCTILINEAR,
    SCN_ROUTING_MANHATTAN
} ScnRouting;

#define SCN_SETBACKS_MAX 16

typedef enum ScnRecede { SCN_RECEDE_OUTER, SCN_RECEDE_CENTRE } ScnRecede;

typedef struct ScnSetbacks {
    unsigned n; /* 0: not written */
    uint64_t um[SCN_SETBACKS_MAX];
} ScnSetbacks;

typedef struct ScnGeometry {
    ScnObject obj;
    ScnGeometryLayout layout;
    bool baseline; /* FLAT is accepted only with it */
    uint64_t columns, rows;
    ScnRecede recede;
    uint64_t pitch_um, setback_um, asic_depth_um, asic_offset_um;
    uint64_t steps;       /* STAIR */
    ScnSetbacks setbacks; /* STAIR: instead of setback_um and steps */
    uint64_t radius_um;   /* ARC; 0: from the setback */
    ScnRouting routing;
    uint64_t alpha_mdb_per_inch; /* left out: the lane rate's, once checked */
    uint64_t budget_mdb;         /* the same */
    uint64_t lane_rate_bps;
    bool retimers; /* may be fitted where the budget is exceeded */
} ScnGeometry;

/* Who forwards a switch's packets. */
typedef enum ScnForwarding {
    SCN_FORWARDING_FABRIC, /* the engine's fabric */
    SCN_FORWARDING_DEVICE  /* the device in the host that manages it */
} ScnForwarding;

typedef struct ScnSwitch { /* SCN_NODE_SWITCH: cast from ScnNode */
    ScnNode node;
    uint64_t ports;
    uint64_t rate_bps; /* of a port */
    uint64_t buffer_bytes, ecn_threshold_bytes;
    uint64_t latency_ps;
    bool trim;
    uint64_t queue_bytes;  /* of a port, with @trim */
    ScnGeometry *geometry; /* NULL: an ordinary switch */
    ScnForwarding forwarding;
    const ScnHost *device_host; /* derived: DEVICE's; else NULL */
} ScnSwitch;

/* Lanes of a port of DEVICE; 0: its rate is not that of 1 to 8 lanes. */
unsigned scn_switch_lanes(const ScnSwitch *sw);

typedef struct ScnModelled { /* SCN_NODE_MODELLED: traffic only */
    ScnNode node;
} ScnModelled;

/* A port of the machine that runs it that leads to a guest. */
typedef struct ScnForward {
    ScnObject obj;
    uint64_t port; /* of 127.0.0.1 */
    char *host;    /* a host in the gateway's network */
    uint64_t guest_port;
    ScnProto protocol;
} ScnForward;

/* SCN_NODE_GATEWAY: cast from ScnNode. The way of a virtual network to the
 * outside, in wall mode only. */
typedef struct ScnGateway {
    ScnNode node;
    char *network;
    ScnCidr address;
    GPtrArray *forward; /* ScnForward */
    uint32_t dns;       /* answers there; derived: the highest free address */
} ScnGateway;

typedef enum ScnFec { SCN_FEC_NONE, SCN_FEC_KP4 } ScnFec;

typedef struct ScnLink {
    ScnObject obj;
    char *name;
    char *a, *b; /* "host0.card", "sw0.p3" */
    uint64_t rate_bps;
    uint64_t delay_ps;
    uint64_t loss_ppm;
    uint64_t ber_atto; /* bit errors in 10^18 bits, before FEC */
    ScnFec fec;
} ScnLink;

typedef enum ScnFabricKind {
    SCN_FABRIC_SINGLE,
    SCN_FABRIC_LEAF_SPINE,
    SCN_FABRIC_FAT_TREE
} ScnFabricKind;

typedef struct ScnFabric {
    ScnObject obj;
    ScnFabricKind kind;
    uint64_t hosts;                          /* modelled ones */
    uint64_t k;                              /* FAT_TREE */
    uint64_t leaves, spines, hosts_per_leaf; /* LEAF_SPINE */
    uint64_t rate_bps, uplink_rate_bps;
    uint64_t delay_ps;
    uint64_t buffer_bytes, ecn_threshold_bytes;
    uint64_t latency_ps;
    uint64_t reconverge_ps;
    bool trim;
    uint64_t queue_bytes;
    uint64_t notify_bytes; /* queue length from which senders are told; 0 */
} ScnFabric;

typedef enum ScnPattern {
    SCN_PATTERN_PERMUTATION, /* each to one other, all pairs different */
    SCN_PATTERN_INCAST,      /* many to one */
    SCN_PATTERN_POISSON,     /* messages at random to random others */
    SCN_PATTERN_TRACE        /* from a file */
} ScnPattern;

/* How modelled hosts send; NONE: at a rate, whatever becomes of it. */
typedef enum ScnTransport {
    SCN_TRANSPORT_NONE,
    SCN_TRANSPORT_NDP,
    SCN_TRANSPORT_EQDS,
    SCN_TRANSPORT_DCTCP,
    SCN_TRANSPORT_MPTCP
} ScnTransport;

typedef struct ScnTraffic {
    ScnObject obj;
    char *name; /* of its metrics */
    ScnPattern pattern;
    ScnTransport transport;
    /* With a transport; 0: its own choice */
    uint64_t paths, window, timeout_ps;
    bool path_penalty; /* NDP: paths that cut packets are left out */
    uint64_t load_ppm; /* of the sender's link; 0: @rate_bps */
    uint64_t rate_bps; /* of each sender; 0: @load_ppm */
    uint64_t packet_bytes;
    uint64_t message_bytes; /* POISSON, INCAST: when there is no @sizes */
    char *sizes;            /* file of message sizes, or NULL */
    char *trace;            /* TRACE: file of flows, or NULL */
    char *target;           /* INCAST: a modelled host */
    uint64_t senders;       /* how many send; 0: all */
    uint64_t start_ps, duration_ps, warmup_ps; /* duration 0: to the end */
    struct ScnBalancing *balancing;            /* NULL: a flow keeps its path */
} ScnTraffic;

/* ---- the topology ------------------------------------------------------- */

typedef enum TopoKind {
    TOPO_HOST,
    TOPO_MODELLED,
    TOPO_SWITCH,
    TOPO_GATEWAY
} TopoKind;

#define TOPO_NONE UINT32_MAX

/*
 * Nodes are numbered: full hosts first (in the order of Scenario.hosts, those
 * without a link included), then modelled hosts, switches of the file,
 * gateways, switches that the generator makes.
 */
typedef struct TopoNode {
    char *name;
    TopoKind kind;
    unsigned index;            /* within its kind */
    uint32_t address;          /* underlay IPv4, 0 for switches */
    uint8_t mac[6];            /* underlay; of the switch itself for switches */
    const ScnHost *host;       /* HOST, else NULL */
    const ScnSwitch *written;  /* SWITCH of the file; NULL: generated */
    const ScnGateway *gateway; /* GATEWAY, else NULL */
    unsigned tier;             /* SWITCH: 0 at the hosts, then upwards */
    unsigned ports;            /* SWITCH: how many; else 1 */
    uint64_t rate_bps;         /* SWITCH: of a port; 0: as the link */
    uint64_t buffer_bytes, ecn_threshold_bytes, latency_ps; /* SWITCH */
    uint64_t trim_queue_bytes; /* SWITCH that cuts; 0: it does not */
    uint64_t notify_bytes;     /* SWITCH that tells senders; 0: it does not */
    /* HOST with a link: how far it may run ahead of the others at least, were
     * they to send at once; UINT64_MAX: nobody can reach it. */
    uint64_t lookahead_ps;
    struct Geometry *board; /* SWITCH with geometry; else NULL */
    uint32_t device_host;   /* SWITCH that is a device: its host; else NONE */
} TopoNode;

typedef struct TopoLink {
    char *name;
    uint32_t node[2]; /* a and b: indices of Topology.nodes */
    unsigned port[2]; /* port of each; 0 for hosts */
    uint64_t rate_bps, delay_ps, loss_ppm, ber_atto; /* with the boards' */
    ScnFec fec;
    bool untrained;         /* a board's trace loses too much: never comes up */
    const ScnLink *written; /* NULL: generated */
} TopoLink;

struct Topology {
    GPtrArray *nodes; /* TopoNode */
    GPtrArray *links; /* TopoLink: written ones first, file order */
    unsigned hosts, modelled, switches, gateways;
    GHashTable *by_name;  /* private */
    uint32_t *first_port; /* private: by node, index in @ports */
    uint32_t *ports;      /* private: the link there, or TOPO_NONE */
};

/* Index of a node or link by name; TOPO_NONE when there is none. */
uint32_t topology_node(const Topology *t, const char *name);
uint32_t topology_link(const Topology *t, const char *name);
/* The link at @port of @node, and at which end (0 a, 1 b); or TOPO_NONE. */
uint32_t topology_port(const Topology *t, uint32_t node, unsigned port,
                       unsigned *ret_end);
/* Does the scenario have any link? */
bool topology_linked(const Topology *t);

/* "10.0.0.1"; "02:00:00:00:00:01". Caller frees. */
char *scn_address_text(uint32_t address);
char *scn_mac_text(const uint8_t mac[6]);
/* "172.16.0.1/24". Caller frees. */
char *scn_cidr_text(const ScnCidr *cidr);
const char *scn_geometry_layout_name(ScnGeometryLayout layout);
const char *scn_fabric_kind_name(ScnFabricKind kind);
const char *scn_fec_name(ScnFec fec);

/* The gateway of a virtual network, or NULL. */
const ScnGateway *scenario_gateway(const Scenario *s, const char *network);
/* The hardware address under which its members know it: libslirp's. */
void scn_gateway_mac(const ScnGateway *gw, uint8_t ret_mac[6]);

ScnNetwork *scenario_network(const Scenario *s, const char *name);
ScnVnic *scn_card_vnic(const ScnCard *card, const char *name);
ScnTraffic *scenario_traffic(const Scenario *s, const char *name);

/* What follows from the scenario without being written in it: underlay
 * addresses, MACs, windows; as comment lines for resolved.yaml. "" without a
 * network. Caller frees. */
char *scenario_derived_text(const Scenario *s);

#endif
