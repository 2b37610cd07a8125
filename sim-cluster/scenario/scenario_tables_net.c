/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_tables_net.c: networks, switches, links, the fabric generator and
 * modelled traffic.
 */
#include "scenario_tables.h"

#include "scenario_net.h"

#define KIB UINT64_C(1024)
#define MIB (UINT64_C(1) << 20)
#define GBIT UINT64_C(1000000000)

const char *const scn_geometry_words[] = { "flat", "triangular", "stair", "arc",
                                           NULL };
static const char *const scn_transport_words[] = { "none",  "ndp",   "eqds",
                                                   "dctcp", "mptcp", NULL };
static const char *const recede_words[] = { "outer", "centre", NULL };
static const char *const routing_words[] = { "octilinear", "manhattan", NULL };
static const char *const forwarding_words[] = { "fabric", "device", NULL };
const char *const scn_fec_words[] = { "none", "kp4", NULL };
const char *const scn_fabric_words[] = { "single", "leaf-spine", "fat-tree",
                                         NULL };
const char *const scn_pattern_words[] = { "permutation", "incast", "poisson",
                                          "trace", NULL };

/* clang-format off */

const SchemaTable network_table = {
    .name = "network",
    .doc = "A virtual network: its members see each other and nobody else.",
    .size = sizeof(ScnNetwork),
    .name_offset = offsetof(ScnNetwork, name),
    .fields = (const SchemaField[]){
        { "vni", SCHEMA_COUNT, AT(ScnNetwork, vni), .min = 1,
          .max = 0xffffff, .flags = SCHEMA_REQUIRED,
          .doc = "its number in the outer header" },
        { NULL },
    },
};

const SchemaTable vnic_table = {
    .name = "vnic",
    .doc = "A virtual NIC of the card: a PCI function with an ENA-compatible "
           "interface. The guest's interface has the same name, and its "
           "address once it is up.",
    .size = sizeof(ScnVnic),
    .name_offset = offsetof(ScnVnic, name),
    .fields = (const SchemaField[]){
        { "network", SCHEMA_NAME, AT(ScnVnic, network),
          .flags = SCHEMA_REQUIRED, .doc = "the virtual network it is in" },
        { "address", SCHEMA_SCALAR, AT(ScnVnic, address),
          .scalar = &scn_cidr_scalar, .flags = SCHEMA_REQUIRED,
          .doc = "its IPv4 address and the length of the prefix" },
        { "queues", SCHEMA_COUNT, AT(ScnVnic, queues), .min = 1, .max = 32,
          .fallback = "1",
          .doc = "pairs of I/O queues; the driver uses one a processor at "
                 "most" },
        { "low_latency", SCHEMA_BOOL, AT(ScnVnic, low_latency),
          .fallback = "false",
          .doc = "low-latency queues: the driver pushes descriptors and "
                 "headers to the card with its doorbell" },
        { "mtu", SCHEMA_COUNT, AT(ScnVnic, mtu), .min = 576, .max = 9216,
          .fallback = "1500", .doc = "bytes of the largest IP packet" },
        { "balancing", SCHEMA_OBJECT, AT(ScnVnic, balancing),
          .table = &balancing_table, .flags = SCHEMA_OPTIONAL,
          .doc = "spreads what it sends over paths; left out: a flow keeps "
                 "its path" },
        { NULL },
    },
};

static const SchemaTable geometry_table = {
    .name = "geometry",
    .doc = "Where the ports of a receded-port switch stand on its board. It "
           "decides how long each trace is, so what its lanes lose, and "
           "whether a port needs a retimer.",
    .size = sizeof(ScnGeometry),
    .fields = (const SchemaField[]){
        { "layout", SCHEMA_ENUM, AT(ScnGeometry, layout),
          .choices = scn_geometry_words, .flags = SCHEMA_REQUIRED,
          .doc = "pattern of the board edge; `flat` only with `baseline`" },
        { "baseline", SCHEMA_BOOL, AT(ScnGeometry, baseline),
          .fallback = "false",
          .doc = "an ordinary board, to compare with" },
        { "columns", SCHEMA_COUNT, AT(ScnGeometry, columns), .min = 1,
          .max = 64, .fallback = "16", .doc = "connectors side by side" },
        { "rows", SCHEMA_COUNT, AT(ScnGeometry, rows), .min = 1, .max = 2,
          .fallback = "1", .doc = "connectors on top of each other" },
        { "pitch", SCHEMA_SCALAR, AT(ScnGeometry, pitch_um),
          .scalar = &scn_length_scalar, .fallback = "22mm",
          .doc = "from one column to the next" },
        { "setback", SCHEMA_SCALAR, AT(ScnGeometry, setback_um),
          .scalar = &scn_length_scalar, .fallback = "110mm",
          .doc = "of the connectors that are receded the most" },
        { "recede", SCHEMA_ENUM, AT(ScnGeometry, recede),
          .choices = recede_words, .fallback = "outer",
          .doc = "which connectors stand back" },
        { "steps", SCHEMA_COUNT, AT(ScnGeometry, steps), .min = 1, .max = 16,
          .fallback = "4", .doc = "depth positions of a stair" },
        { "setbacks", SCHEMA_SCALAR, AT(ScnGeometry, setbacks),
          .scalar = &scn_setbacks_scalar,
          .doc = "of a stair's positions, the foremost (0mm) first; instead "
                 "of `setback` and `steps`" },
        { "radius", SCHEMA_SCALAR, AT(ScnGeometry, radius_um),
          .scalar = &scn_length_scalar, .fallback = "170mm",
          .doc = "of an arc about the switching circuit; 0mm: an arc through "
                 "the foremost connectors and those at `setback`" },
        { "asic_depth", SCHEMA_SCALAR, AT(ScnGeometry, asic_depth_um),
          .scalar = &scn_length_scalar, .fallback = "150mm",
          .doc = "of the switching circuit behind the foremost connectors" },
        { "asic_offset", SCHEMA_SCALAR, AT(ScnGeometry, asic_offset_um),
          .scalar = &scn_length_scalar, .fallback = "0mm",
          .doc = "of the switching circuit, right of the board's middle" },
        { "routing", SCHEMA_ENUM, AT(ScnGeometry, routing),
          .choices = routing_words, .fallback = "octilinear",
          .doc = "traces in steps of 45 or of 90 degrees" },
        { "alpha", SCHEMA_SCALAR, AT(ScnGeometry, alpha_mdb_per_inch),
          .scalar = &scn_attenuation_scalar,
          .doc = "loss of a trace at half the lane's symbol rate; left out: "
                 "0.465, 0.9, 0.92 or 1.573dB/in, as the lane rate has it" },
        { "budget", SCHEMA_SCALAR, AT(ScnGeometry, budget_mdb),
          .scalar = &scn_loss_scalar,
          .doc = "loss that the host board may have; left out: 7dB, 11.9dB "
                 "with 100 Gbit a lane" },
        { "lane_rate", SCHEMA_QUANTITY, AT(ScnGeometry, lane_rate_bps),
          .unit = UNIT_RATE, .min = 10 * GBIT, .max = 100 * GBIT,
          .fallback = "25Gbit", .doc = "10, 25, 50 or 100 Gbit" },
        { "retimers", SCHEMA_BOOL, AT(ScnGeometry, retimers),
          .fallback = "false",
          .doc = "whether ports beyond the budget get one; without, they do "
                 "not train or have bit errors" },
        { NULL },
    },
};

#define SWITCH_ROWS(type)                                                   \
    { "buffer", SCHEMA_QUANTITY, AT(type, buffer_bytes), .unit = UNIT_SIZE, \
      .min = 16 * KIB, .max = 1024 * MIB, .fallback = "16MiB",              \
      .doc = "shared by all ports" },                                       \
    { "ecn_threshold", SCHEMA_QUANTITY, AT(type, ecn_threshold_bytes),      \
      .unit = UNIT_SIZE, .max = 1024 * MIB, .fallback = "100KiB",           \
      .doc = "queue length from which packets are marked; 0B: never" },     \
    { "latency", SCHEMA_QUANTITY, AT(type, latency_ps),                     \
      .unit = UNIT_DURATION, .max = PS_PER_MS, .fallback = "500ns",         \
      .doc = "from the last bit in to the queue of the way out" },          \
    { "trim", SCHEMA_BOOL, AT(type, trim), .fallback = "false",             \
      .doc = "packets that find no room lose their payload, not their "     \
             "header: `ndp` and `eqds` need it; then there are no marks, "  \
             "and `queue` is the limit instead of `buffer`" },              \
    { "queue", SCHEMA_QUANTITY, AT(type, queue_bytes), .unit = UNIT_SIZE,   \
      .min = 1500, .max = 64 * MIB, .fallback = "72KB",                     \
      .doc = "with `trim`: data that may wait at a port" }

const SchemaTable switch_table = {
    .name = "switch",
    .doc = "An output-queued switch with a shared buffer.",
    .size = sizeof(ScnSwitch),
    .name_offset = offsetof(ScnNode, name),
    .fields = (const SchemaField[]){
        { "kind", SCHEMA_ENUM, AT(ScnNode, kind), .choices = scn_node_words,
          .flags = SCHEMA_REQUIRED, .doc = "`switch`" },
        { "ports", SCHEMA_COUNT, AT(ScnSwitch, ports), .min = 2, .max = 256,
          .flags = SCHEMA_REQUIRED, .doc = "p0, p1 ..." },
        { "rate", SCHEMA_QUANTITY, AT(ScnSwitch, rate_bps),
          .unit = UNIT_RATE, .min = GBIT, .max = 1600 * GBIT,
          .fallback = "25Gbit", .doc = "of a port" },
        SWITCH_ROWS(ScnSwitch),
        { "geometry", SCHEMA_OBJECT, AT(ScnSwitch, geometry),
          .table = &geometry_table, .flags = SCHEMA_OPTIONAL,
          .doc = "of a receded-port switch; left out: traces do not matter" },
        { "forwarding", SCHEMA_ENUM, AT(ScnSwitch, forwarding),
          .choices = forwarding_words, .fallback = "fabric",
          .doc = "`fabric`: all ports forward; `device`: packets pass the "
                 "`receded-switch` of the host that `manages` this switch, "
                 "whose software brings ports up; it bridges, and its links "
                 "lead to hosts' cards or to other devices" },
        { NULL },
    },
};

const SchemaTable modelled_table = {
    .name = "modelled",
    .doc = "A host that only sends and receives modelled traffic.",
    .size = sizeof(ScnModelled),
    .name_offset = offsetof(ScnNode, name),
    .fields = (const SchemaField[]){
        { "kind", SCHEMA_ENUM, AT(ScnNode, kind), .choices = scn_node_words,
          .flags = SCHEMA_REQUIRED, .doc = "`modelled`" },
        { NULL },
    },
};

static const char *const forward_words[] = { "tcp", "udp", NULL };

static const SchemaTable forward_table = {
    .name = "forward",
    .doc = "A port of 127.0.0.1, of the machine that runs all this, that "
           "leads to a guest.",
    .size = sizeof(ScnForward),
    .fields = (const SchemaField[]){
        { "port", SCHEMA_COUNT, AT(ScnForward, port), .min = 1, .max = 65535,
          .flags = SCHEMA_REQUIRED, .doc = "on this machine" },
        { "host", SCHEMA_NAME, AT(ScnForward, host), .flags = SCHEMA_REQUIRED,
          .doc = "the guest's node, a member of the network" },
        { "guest_port", SCHEMA_COUNT, AT(ScnForward, guest_port), .min = 1,
          .max = 65535, .flags = SCHEMA_REQUIRED, .doc = "in the guest" },
        { "protocol", SCHEMA_ENUM, AT(ScnForward, protocol),
          .choices = forward_words, .fallback = "tcp",
          .doc = "of both ports" },
        { NULL },
    },
};

const SchemaTable gateway_table = {
    .name = "gateway",
    .doc = "The way of a virtual network to the outside, with a name server; "
           "its members get it as their default route. Only in `mode: wall` "
           "(`outrigger up`): what is outside does not repeat.",
    .size = sizeof(ScnGateway),
    .name_offset = offsetof(ScnNode, name),
    .fields = (const SchemaField[]){
        { "kind", SCHEMA_ENUM, AT(ScnNode, kind), .choices = scn_node_words,
          .flags = SCHEMA_REQUIRED, .doc = "`gateway`" },
        { "network", SCHEMA_NAME, AT(ScnGateway, network),
          .flags = SCHEMA_REQUIRED, .doc = "the virtual network" },
        { "address", SCHEMA_SCALAR, AT(ScnGateway, address),
          .scalar = &scn_cidr_scalar, .flags = SCHEMA_REQUIRED,
          .doc = "its own in that network, with the length of the prefix" },
        { "forward", SCHEMA_LIST, AT(ScnGateway, forward),
          .table = &forward_table, .doc = "ports that lead in" },
        { NULL },
    },
};

#define LINK_RATE(type, member, text, what)                                 \
    { text, SCHEMA_QUANTITY, AT(type, member), .unit = UNIT_RATE,           \
      .min = GBIT, .max = 1600 * GBIT, .fallback = "25Gbit", .doc = what }
#define LINK_DELAY(type)                                                    \
    { "delay", SCHEMA_QUANTITY, AT(type, delay_ps), .unit = UNIT_DURATION,  \
      .max = PS_PER_S, .fallback = "500ns",                                 \
      .doc = "from one end to the other; hosts run side by side because of "\
             "it, so it cannot be 0" }

const SchemaTable link_table = {
    .name = "link",
    .doc = "A cable between two ports, the same in both directions.",
    .size = sizeof(ScnLink),
    .identity = "name",
    .fields = (const SchemaField[]){
        { "name", SCHEMA_NAME, AT(ScnLink, name),
          .doc = "in metrics, faults and captures; the nodes at its ends when "
                 "left out: host0-sw0" },
        { "a", SCHEMA_TEXT, AT(ScnLink, a), .flags = SCHEMA_REQUIRED,
          .doc = "one end: HOST.card, GATEWAY.card or SWITCH.pN" },
        { "b", SCHEMA_TEXT, AT(ScnLink, b), .flags = SCHEMA_REQUIRED,
          .doc = "the other end" },
        LINK_RATE(ScnLink, rate_bps, "rate", "of each direction"),
        LINK_DELAY(ScnLink),
        { "loss", SCHEMA_QUANTITY, AT(ScnLink, loss_ppm),
          .unit = UNIT_PERCENT, .max = 1000000, .fallback = "0%",
          .doc = "packets lost at random" },
        { "ber", SCHEMA_SCALAR, AT(ScnLink, ber_atto),
          .scalar = &scn_ber_scalar, .fallback = "0",
          .doc = "bit-error rate before error correction" },
        { "fec", SCHEMA_ENUM, AT(ScnLink, fec), .choices = scn_fec_words,
          .fallback = "none", .doc = "forward error correction" },
        { NULL },
    },
};

const SchemaTable fabric_table = {
    .name = "fabric",
    .doc = "Makes switches, links and modelled hosts. Hosts of `nodes` that "
           "have a NIC and no link of their own are attached to it, spread "
           "evenly; modelled hosts m-0, m-1 ... fill the other places. "
           "Switches are leaf-N, spine-N; edge-N, agg-N, core-N; or "
           "switch-0; links are called after their ends, the lower one first: "
           "m-0-edge-0, edge-0-agg-1.",
    .size = sizeof(ScnFabric),
    .fields = (const SchemaField[]){
        { "kind", SCHEMA_ENUM, AT(ScnFabric, kind),
          .choices = scn_fabric_words, .flags = SCHEMA_REQUIRED,
          .doc = "one switch; two stages; or a k-ary fat tree" },
        { "hosts", SCHEMA_COUNT, AT(ScnFabric, hosts), .max = 65536,
          .fallback = "0", .doc = "modelled hosts" },
        { "k", SCHEMA_COUNT, AT(ScnFabric, k), .max = 64, .fallback = "0",
          .flags = SCHEMA_UNSET_ZERO,
          .doc = "ports of a fat tree's switches: even; k*k*k/4 places" },
        { "leaves", SCHEMA_COUNT, AT(ScnFabric, leaves), .max = 256,
          .fallback = "0", .flags = SCHEMA_UNSET_ZERO,
          .doc = "leaf switches of leaf-spine" },
        { "spines", SCHEMA_COUNT, AT(ScnFabric, spines), .max = 128,
          .fallback = "0", .flags = SCHEMA_UNSET_ZERO,
          .doc = "spine switches of leaf-spine" },
        { "hosts_per_leaf", SCHEMA_COUNT, AT(ScnFabric, hosts_per_leaf),
          .max = 128, .fallback = "0", .flags = SCHEMA_UNSET_ZERO,
          .doc = "places at a leaf" },
        LINK_RATE(ScnFabric, rate_bps, "rate", "of links to hosts"),
        LINK_RATE(ScnFabric, uplink_rate_bps, "uplink_rate",
                  "of links between switches"),
        LINK_DELAY(ScnFabric),
        SWITCH_ROWS(ScnFabric),
        { "reconverge", SCHEMA_QUANTITY, AT(ScnFabric, reconverge_ps),
          .unit = UNIT_DURATION, .max = PS_PER_S, .fallback = "0s",
          .doc = "from a failure or repair to routes that know of it; "
                 "switches next to it know at once" },
        { "notify", SCHEMA_QUANTITY, AT(ScnFabric, notify_bytes),
          .unit = UNIT_SIZE, .max = 1024 * MIB, .fallback = "0B",
          .doc = "queue length from which a switch tells the sender of "
                 "balanced packets (input `notify`); 0B: never" },
        { NULL },
    },
};

const SchemaTable traffic_table = {
    .name = "traffic",
    .doc = "Packets between modelled hosts; the metrics traffic.NAME.METRIC "
           "are of one entry, traffic.METRIC of all of them together.",
    .size = sizeof(ScnTraffic),
    .name_offset = offsetof(ScnTraffic, name),
    .fields = (const SchemaField[]){
        { "pattern", SCHEMA_ENUM, AT(ScnTraffic, pattern),
          .choices = scn_pattern_words, .flags = SCHEMA_REQUIRED,
          .doc = "`permutation`: each sends to one other; `incast`: all send "
                 "to `target`; `poisson`: messages at random to random "
                 "others; `trace`: flows of a file" },
        { "transport", SCHEMA_ENUM, AT(ScnTraffic, transport),
          .choices = scn_transport_words, .fallback = "none",
          .doc = "`none`: packets are sent at a rate, whatever becomes of "
                 "them. Others answer, send again and hold back: `ndp`, "
                 "`eqds`: many paths, paced by the receiver; `dctcp`; "
                 "`mptcp`" },
        { "paths", SCHEMA_COUNT, AT(ScnTraffic, paths), .max = 256,
          .fallback = "0", .flags = SCHEMA_UNSET_ZERO,
          .doc = "that a flow of `ndp` or `eqds` goes over, subflows of "
                 "`mptcp`; left out: the transport's choice" },
        { "window", SCHEMA_COUNT, AT(ScnTraffic, window), .max = 10000,
          .fallback = "0", .flags = SCHEMA_UNSET_ZERO,
          .doc = "packets of the first window; left out: the transport's "
                 "choice" },
        { "timeout", SCHEMA_QUANTITY, AT(ScnTraffic, timeout_ps),
          .unit = UNIT_DURATION, .max = 10 * PS_PER_S, .fallback = "0s",
          .flags = SCHEMA_UNSET_ZERO,
          .doc = "without an answer until a packet is sent again; of `dctcp` "
                 "and `mptcp` the least; left out: the transport's choice" },
        { "path_penalty", SCHEMA_BOOL, AT(ScnTraffic, path_penalty),
          .fallback = "true",
          .doc = "`ndp`: paths whose packets are cut more often are left out "
                 "for a while" },
        { "load", SCHEMA_QUANTITY, AT(ScnTraffic, load_ppm),
          .unit = UNIT_PERCENT, .max = 1000000,
          .flags = SCHEMA_UNSET_ZERO,
          .doc = "of the sender's link, or ..." },
        { "rate", SCHEMA_QUANTITY, AT(ScnTraffic, rate_bps),
          .unit = UNIT_RATE, .max = 1600 * GBIT, .flags = SCHEMA_UNSET_ZERO,
          .doc = "... of each sender" },
        { "packet", SCHEMA_QUANTITY, AT(ScnTraffic, packet_bytes),
          .unit = UNIT_SIZE, .min = 64, .max = 9600, .fallback = "1500B",
          .doc = "bytes of a packet" },
        { "message", SCHEMA_QUANTITY, AT(ScnTraffic, message_bytes),
          .unit = UNIT_SIZE, .min = 1, .max = 1024 * MIB,
          .fallback = "64KiB", .flags = SCHEMA_UNSET_ZERO,
          .doc = "bytes of a message of `poisson` and `incast`; with a "
                 "transport also of `permutation`: left out, it has no end" },
        { "sizes", SCHEMA_PATH, AT(ScnTraffic, sizes),
          .doc = "file with the distribution of message sizes: lines of "
                 "BYTES and cumulative probability" },
        { "trace", SCHEMA_PATH, AT(ScnTraffic, trace),
          .doc = "file of flows: lines of NANOSECONDS, FROM, TO (names of "
                 "nodes), BYTES and, if it is not 0, PRIORITY" },
        { "target", SCHEMA_NAME, AT(ScnTraffic, target),
          .doc = "the host of an incast; a full one does not see the "
                 "packets, but they take their room on the way to it" },
        { "senders", SCHEMA_COUNT, AT(ScnTraffic, senders), .max = 65536,
          .fallback = "0", .flags = SCHEMA_UNSET_ZERO,
          .doc = "how many modelled hosts send; 0: all" },
        { "start", SCHEMA_QUANTITY, AT(ScnTraffic, start_ps),
          .unit = UNIT_DURATION, .fallback = "0s",
          .doc = "simulated time of its beginning" },
        { "duration", SCHEMA_QUANTITY, AT(ScnTraffic, duration_ps),
          .unit = UNIT_DURATION, .fallback = "0s",
          .doc = "how long; 0: to the end of the run" },
        { "warmup", SCHEMA_QUANTITY, AT(ScnTraffic, warmup_ps),
          .unit = UNIT_DURATION, .fallback = "0s",
          .doc = "nothing of the fabric is counted before this long after "
                 "the start; the latest of all traffic counts" },
        { "balancing", SCHEMA_OBJECT, AT(ScnTraffic, balancing),
          .table = &balancing_table, .flags = SCHEMA_OPTIONAL,
          .doc = "spreads it over paths, as a card would; left out: a flow "
                 "keeps its path" },
        { NULL },
    },
};
/* clang-format on */
