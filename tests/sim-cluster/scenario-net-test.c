/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario-net-test.c: the network part of the language: every mistake with
 * the text a user sees, and the topology that follows from what is written.
 */
#include "scenario_fixture.h"

#include <string.h>

#include "metrics_table.h"
#include "path.h"
#include "scenario_balancing.h"
#include "scenario_board.h"
#include "scenario_net.h"

static const char small[] =
    "format: 1\n"
    "name: net\n"
    "networks: {blue: {vni: 7}, red: {vni: 8}}\n"
    "nodes:\n"
    "  host0: {kind: host, card: {nic: {\n"
    "    vnic0: {network: blue, address: 172.16.0.1/24}}}}\n"
    "  host1: {kind: host, card: {nic: {\n"
    "    vnic0: {network: blue, address: 172.16.0.2/24, mtu: 9000}}}}\n"
    "  bare: {kind: host}\n"
    "  sw0: {kind: switch, ports: 4}\n"
    "links:\n"
    "  - {a: host0.card, b: sw0.p0, delay: 300ns}\n"
    "  - {a: host1.card, b: sw0.p1, rate: 10Gbit}\n"
    "traffic: {}\n"
    "steps:\n"
    "  - boot: {node: [host0, host1]}\n"
    "  - load: {as: pings, node: host0, ping: {to: host1}}\n"
    "  - fault: {kind: link-down, link: host0-sw0, time: 5ms}\n"
    "  - finish: {load: pings}\n"
    "expect:\n"
    "  - {id: replies, metric: pings.received_count, is: 10}\n";

static char *edit(const char *from, const char *to)
{
    const char *at = strstr(small, from);

    if (!at) {
        fail_msg("'%s' is not in the fixture", from);
        return NULL;
    }
    return g_strdup_printf("%.*s%s%s", (int)(at - small), small, to,
                           at + strlen(from));
}

/* The first line of what is said about an edit. */
static void refused(const char *from, const char *to, const char *message)
{
    g_autofree char *text = edit(from, to);
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) s = scenario_try(text, NULL, &err);
    g_auto(GStrv) lines = NULL;

    if (s) {
        fail_msg("accepted: %s", to);
        return;
    }
    lines = g_strsplit(err->message, "\n", 2);
    assert_string_equal(lines[0], message);
}

typedef struct Case {
    const char *from, *to, *message;
} Case;

static void check_cases(const Case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        refused(cases[i].from, cases[i].to, cases[i].message);
    }
}

static const char modelled[] =
    "format: 1\n"
    "name: all-modelled\n"
    "fabric: {kind: fat-tree, k: 4, hosts: 16, reconverge: 2ms}\n"
    "traffic: {perm: {pattern: permutation, load: 10%}}\n"
    "steps:\n"
    "  - fault: {kind: link-rate, link: agg-0-core-0, rate: 1Gbit}\n"
    "  - wait: {time: 1ms}\n"
    "expect:\n"
    "  - {id: got, metric: traffic.received_count, above: 0}\n";

static Scenario *modelled_with(const char *traffic, GError **err)
{
    g_autofree char *text = g_strdup_printf(
        "format: 1\nname: t\n"
        "fabric: {kind: fat-tree, k: 4, hosts: 16, trim: true}\n"
        "traffic: {%s}\n"
        "steps: [{wait: {time: 1ms}}]\n"
        "expect: [{id: got, metric: fabric.drops_count, is: 0}]\n",
        traffic);

    return scenario_try(text, NULL, err);
}

/* The first line of what is said about it, without the place. */
static void traffic_refused(const char *traffic, const char *message)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) s = modelled_with(traffic, &err);

    assert_null(s);
    if (!strstr(err->message, message)) {
        print_error("%s\n", err->message);
        fail();
    }
}

static void test_transports(void **state)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) s = modelled_with(
        "a: {pattern: permutation, transport: ndp, paths: 8, timeout: 1ms}, "
        "b: {pattern: incast, transport: eqds, target: m-3, message: 9KB}",
        &err);
    const ScnTraffic *a;

    (void)state;
    assert_non_null(s);
    a = s->traffic->pdata[0];
    assert_int_equal(a->transport, SCN_TRANSPORT_NDP);
    assert_int_equal(a->paths, 8);
    assert_int_equal(a->timeout_ps, PS_PER_MS);
    assert_int_equal(a->message_bytes, 0); /* no end */
    traffic_refused("a: {pattern: permutation, transport: dctcp}",
                    "cuts packets ('trim: true'), which this transport does "
                    "not understand");
    traffic_refused("a: {pattern: permutation, transport: ndp, load: 5%}",
                    "'load' does not go with what else is written here");
    traffic_refused("a: {pattern: poisson, transport: ndp, load: 5%}",
                    "'duration' is missing: how long flows begin");
    traffic_refused("a: {pattern: permutation, transport: eqds, paths: 6}",
                    "a power of 2 with `eqds`");
    traffic_refused("a: {pattern: permutation, transport: ndp}, "
                    "b: {pattern: permutation, load: 5%}",
                    "traffic 'b' has none");
}

static void test_balancing(void **state)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) s = modelled_with(
        "a: {pattern: permutation, load: 5%, balancing: {policy: congestion, "
        "values: 5, enable_score: 50%, inputs: [delay]}}",
        &err);
    const ScnBalancing *b;
    PathConfig c;

    (void)state;
    assert_non_null(s);
    b = ((const ScnTraffic *)s->traffic->pdata[0])->balancing;
    scn_balancing_config(b, &c);
    assert_int_equal(c.policy, PATH_CONGESTION);
    assert_int_equal(c.values, 5);
    assert_int_equal(c.enable_score, 32768);
    assert_int_equal(c.inputs, PATH_INPUT_DELAY);
    assert_int_equal(c.avoid_score,
                     path_config_default(PATH_CONGESTION).avoid_score);
    traffic_refused("a: {pattern: permutation, load: 5%, "
                    "balancing: {policy: best}}",
                    "'best'");
    traffic_refused("a: {pattern: permutation, load: 5%, balancing: "
                    "{policy: congestion, inputs: [ecn, loud]}}",
                    "no input 'loud'; there are ecn, delay, loss and notify");
    traffic_refused("a: {pattern: permutation, load: 5%, balancing: "
                    "{policy: congestion, enable_score: 1%}}",
                    "'enable_score': not above disable_score");
    traffic_refused("a: {pattern: permutation, transport: ndp, balancing: "
                    "{policy: spray}}",
                    "'balancing' does not go with what else is written here");
}

static void test_no_full_host(void **state)
{
    g_autoptr(Scenario) s = scenario_must(modelled, NULL);
    g_autofree char *text = scenario_write(s, NULL);
    g_autoptr(Scenario) again = scenario_must(text, NULL);
    const ScnFault *f = s->steps->pdata[0];

    (void)state;
    assert_int_equal(s->hosts->len, 0);
    assert_int_equal(s->topology->modelled, 16);
    assert_int_equal(s->fabric->reconverge_ps, 2 * PS_PER_MS);
    assert_int_equal(f->kind, SCN_FAULT_LINK_RATE);
    assert_int_equal(f->rate_bps, UINT64_C(1000000000));
    assert_int_equal(again->nodes->len, 0);
}

/* ---- mistakes -------------------------------------------------------------- */

static const Case network_cases[] = {
    { "red: {vni: 8}", "red: {vni: 7}",
      "s.yaml:3:39: network 'blue' has this number already" },
    { "vni: 8", "vni: 0", "s.yaml:3:39: '0' is out of range: 1 to 16777215" },
    { "172.16.0.2/24", "172.16.0.1/24",
      "s.yaml:8:37: duplicate address: 172.16.0.1 of network 'blue' is "
      "host0.vnic0's already" },
    { "172.16.0.2/24", "172.16.0.2",
      "s.yaml:8:37: '172.16.0.2' is not an address with its prefix: like "
      "172.16.0.1/24" },
    { "172.16.0.2/24", "172.16.0.256/24",
      "s.yaml:8:37: '172.16.0.256/24' is not an address with its prefix: like "
      "172.16.0.1/24" },
    { "172.16.0.2/24", "172.16.0.255/24",
      "s.yaml:8:37: the first and the last address of a subnet are not for "
      "hosts" },
    { "172.16.0.2/24", "224.0.0.5/24",
      "s.yaml:8:37: no host can have this address" },
    { "{network: blue, address: 172.16.0.2",
      "{network: green, address: 1.2.3.4",
      "s.yaml:8:22: no network 'green'; there are blue, red" },
    { "mtu: 9000", "mtu: 9300",
      "s.yaml:8:57: '9300' is out of range: 576 to 9216" },
    { "    vnic0: {network: blue, address: 172.16.0.2",
      "    nic: {network: blue, address: 172.16.0.2",
      "s.yaml:8:5: 'nic' is the name of something else of this host" },
    { "{kind: host}", "{kind: host, card: {}}",
      "s.yaml:9:28: a card needs 'interfaces' with 'drives', a 'nic', or "
      "both" },
    { "{kind: host}", "{kind: hots}",
      "s.yaml:9:16: no kind 'hots'; did you mean 'host'?" },
};

static const Case link_cases[] = {
    { "b: sw0.p1", "b: sw1.p1",
      "s.yaml:13:24: no node 'sw1'; did you mean "
      "'sw0'?" },
    { "b: sw0.p1", "b: sw0.p4",
      "s.yaml:13:24: no port 'sw0.p4': switch 'sw0' has p0 to p3" },
    { "b: sw0.p1", "b: sw0",
      "s.yaml:13:24: no port 'sw0': switch 'sw0' has p0 to p3" },
    { "b: sw0.p1", "b: sw0.p0",
      "s.yaml:13:24: port sw0.p0 has a cable already: 'host0-sw0'" },
    { "a: host1.card", "a: host1.vnic0",
      "s.yaml:13:9: no port 'host1.vnic0': write host1.card" },
    { "a: host1.card", "a: bare.card",
      "s.yaml:13:9: 'bare' has no card with a NIC" },
    { "rate: 10Gbit", "rate: 40Gbit",
      "s.yaml:13:38: ports of 'sw0' have 25Gbit" },
    { "delay: 300ns", "delay: 0ns",
      "s.yaml:12:39: a link without delay leaves no lookahead: what one end "
      "sends would be at the other at the same instant, so the two could not "
      "run side by side; a metre of cable is 5ns" },
    { "delay: 300ns", "delay: 1999ps",
      "s.yaml:12:39: a link takes at least 2ns: hosts count in nanoseconds; a "
      "metre of cable is 5ns" },
    { "rate: 10Gbit", "name: host0-sw0",
      "s.yaml:13:38: a second link 'host0-sw0'" },
    { "rate: 10Gbit", "ber: 0.1",
      "s.yaml:13:37: '0.1' is not a bit-error rate: 0, or like 1e-12, from "
      "1e-18 to 5e-1" },
    { "rate: 10Gbit", "ber: 9e-1",
      "s.yaml:13:37: '9e-1' is not a bit-error rate: 0, or like 1e-12, from "
      "1e-18 to 5e-1" },
    { "rate: 10Gbit", "fec: kp5",
      "s.yaml:13:37: no fec 'kp5'; did you mean 'kp4'?" },
    { "  - {a: host1.card, b: sw0.p1, rate: 10Gbit}\n", "",
      "s.yaml:8:5: no way from 'host1' to 'host0', the first member of network "
      "'blue'; add a link" },
};

static const Case switch_cases[] = {
    { "ports: 4", "ports: 1", "s.yaml:10:30: '1' is out of range: 2 to 256" },
    { "ports: 4", "ports: 4, ecn_threshold: 17MiB",
      "s.yaml:10:48: the buffer is full before this many bytes wait" },
    { "ports: 4", "ports: 4, geometry: {layout: round}",
      "s.yaml:10:52: no layout 'round'; there are flat, triangular, stair, "
      "arc" },
    { "ports: 4", "ports: 4, geometry: {layout: flat}",
      "s.yaml:10:52: flat: one depth position is not a receded-port switch; "
      "'baseline: true' allows it to compare with" },
    { "ports: 4", "ports: 4, geometry: {layout: arc, baseline: true}",
      "s.yaml:10:52: baseline: only a flat layout can be one" },
    { "ports: 4", "ports: 4, geometry: {layout: stair, steps: 2}",
      "s.yaml:10:52: stair: 2 depth positions; a receded-port switch has at "
      "least 3 (first, setback, subsequent setback)" },
    { "ports: 4",
      "ports: 4, geometry: {layout: stair, setbacks: 0mm 60mm 30mm}",
      "s.yaml:10:52: setback 3 (30000 um) is in front of setback 2 (60000 um): "
      "each position recedes from the one before" },
    { "ports: 4", "ports: 4, geometry: {layout: stair, setbacks: 0mm 30mm}",
      "s.yaml:10:52: stair: 2 depth positions; a receded-port switch has at "
      "least 3 (first, setback, subsequent setback)" },
    { "ports: 4", "ports: 4, geometry: {layout: stair, setbacks: 0mm 30}",
      "s.yaml:10:69: '30' is not a length: a number with one of: um mm m" },
    { "ports: 4", "ports: 4, geometry: {layout: arc, setbacks: 0mm 3mm 9mm}",
      "s.yaml:10:67: only a stair has them" },
    { "ports: 4", "ports: 4, geometry: {layout: stair, pitch: 18mm}",
      "s.yaml:10:52: the connectors of columns 1 and 2 overlap: their pitch "
      "is 18000 um, their width 19000 um" },
    { "ports: 4",
      "ports: 4, geometry: {layout: stair, columns: 5, asic_depth: 250mm, "
      "pitch: 20mm, setbacks: 0mm 50mm 100mm}",
      "s.yaml:10:52: the plug of column 1 cannot be inserted: the connector of "
      "column 2 is in its way (20000 um between their middles, 20175 um "
      "needed)" },
    { "ports: 4", "ports: 33, geometry: {layout: arc}",
      "s.yaml:10:44: 16 columns of 1 hold 16 connectors: too few for 33 "
      "ports" },
    { "ports: 4", "ports: 4, geometry: {layout: arc, lane_rate: 40Gbit}",
      "s.yaml:10:68: lanes have 10, 25, 50 or 100 Gbit" },
    { "ports: 4", "ports: 4, geometry: {layout: arc, pitch: 22}",
      "s.yaml:10:64: '22' is not a length: a number with one of: um mm m" },
    { "ports: 4", "ports: 4, geometry: {layout: arc, budget: 7}",
      "s.yaml:10:65: '7' is not a loss: a number with dB" },
    { "ports: 4", "ports: 4, geometry: {layout: arc, alpha: 1dB}",
      "s.yaml:10:64: '1dB' is not an attenuation: a number with dB/in" },
    { "bare: {kind: host}", "bare: {kind: host, manages: sw1}",
      "s.yaml:9:31: no node 'sw1'; did you mean 'sw0'?" },
    { "bare: {kind: host}", "bare: {kind: host, manages: sw0}",
      "s.yaml:9:31: 'sw0' is not a switch with 'geometry'" },
    { "bare: {kind: host}", "bare: {kind: host, manages: host0}",
      "s.yaml:9:31: 'host0' is not a switch with 'geometry'" },
};

static const Case fabric_cases[] = {
    { "traffic: {}", "fabric: {kind: fat-tree}",
      "s.yaml:14:9: 'k' is missing: a fat-tree needs it" },
    { "traffic: {}", "fabric: {kind: fat-tree, k: 3}",
      "s.yaml:14:29: half of a switch's ports go up: 'k' is even" },
    { "traffic: {}", "fabric: {kind: fat-tree, k: 4, hosts: 17}",
      "s.yaml:14:39: 17 modelled and 0 full hosts need more ports than there "
      "are: 16" },
    { "traffic: {}", "fabric: {kind: single, hosts: 3, k: 4}",
      "s.yaml:14:37: a single has no 'k'" },
    { "traffic: {}", "fabric: {kind: single, hosts: 257}",
      "s.yaml:14:31: 257 modelled and 0 full hosts need more ports than there "
      "are: 256" },
    { "traffic: {}", "fabric: {kind: single}",
      "s.yaml:14:9: nothing is attached to the fabric" },
    { "traffic: {}", "fabric: {kind: single, hosts: 2, delay: 0ps}",
      "s.yaml:14:41: a link without delay leaves no lookahead: what one end "
      "sends would be at the other at the same instant, so the two could not "
      "run side by side; a metre of cable is 5ns" },
    { "traffic: {}", "traffic: {bg: {pattern: permutation, load: 5%}}",
      "s.yaml:14:11: traffic needs two modelled hosts or more" },
};

#define TRAFFIC(text) \
    "fabric: {kind: single, hosts: 3}\ntraffic: {bg: " text "}"

static const Case traffic_cases[] = {
    { "traffic: {}", TRAFFIC("{pattern: permutation}"),
      "s.yaml:15:11: traffic has either a 'load' or a 'rate'" },
    { "traffic: {}", TRAFFIC("{pattern: permutation, load: 5%, rate: 1Gbit}"),
      "s.yaml:15:54: traffic has either a 'load' or a 'rate'" },
    { "traffic: {}", TRAFFIC("{pattern: incast, load: 5%}"),
      "s.yaml:15:25: 'target' is missing: where all send to" },
    { "traffic: {}", TRAFFIC("{pattern: incast, load: 5%, target: m-3}"),
      "s.yaml:15:51: no host 'm-3' with a link" },
    { "traffic: {}", TRAFFIC("{pattern: poisson, load: 5%, target: m-1}"),
      "s.yaml:15:52: 'target' does not go with what else is written here" },
    { "traffic: {}", TRAFFIC("{pattern: poisson, load: 5%, senders: 4}"),
      "s.yaml:15:53: there are 3 modelled hosts" },
    { "traffic: {}",
      TRAFFIC("{pattern: poisson, load: 5%, duration: 1ms, warmup: 1ms}"),
      "s.yaml:15:67: nothing would be left to measure" },
    { "traffic: {}", TRAFFIC("{pattern: trace}"),
      "s.yaml:15:25: 'trace' is missing: the file" },
    { "traffic: {}", TRAFFIC("{pattern: bursty}"),
      "s.yaml:15:25: no pattern 'bursty'; there are permutation, incast, "
      "poisson, trace" },
};

static const Case step_cases[] = {
    { "link-down, link: host0-sw0, time: 5ms",
      "link-rate, link: host0-sw0, rate: 1Gbit",
      "s.yaml:18:36: 'host0-sw0' ends at 'host0', whose card has its own "
      "rate; links between switches can be slowed" },
    { "ping: {to: host1}", "ping: {to: host0}",
      "s.yaml:17:47: 'host0' is the same host" },
    { "ping: {to: host1}", "ping: {to: bare}",
      "s.yaml:17:47: 'host0' and 'bare' share no network" },
    { "ping: {to: host1}", "ping: {to: host1, network: red}",
      "s.yaml:17:63: 'host0' is not in network 'red'" },
    { "ping: {to: host1}", "ping: {to: sw0}",
      "s.yaml:17:47: 'sw0' is not a host" },
    { "ping: {to: host1}", "iperf3: {server: host1, proto: udp}",
      "s.yaml:17:67: UDP needs a 'bitrate'" },
    { "ping: {to: host1}", "iperf3: {server: host1, duration: 1500ms}",
      "s.yaml:17:70: '1500ms' is not a multiple of 1s" },
    { "ping: {to: host1}", "ping: {to: host1}, run: ls",
      "s.yaml:17:5: a load is one of 'fio', 'iperf3', 'ping' and 'run'" },
    { "node: [host0, host1]", "node: [host0]",
      "s.yaml:17:47: 'host1' is not up here; boot it first" },
    { "link: host0-sw0", "link: host0-sw1",
      "s.yaml:18:36: no link 'host0-sw1'; did you mean 'host0-sw0'?" },
    { "kind: link-down, link: host0-sw0", "kind: switch-down, switch: host0",
      "s.yaml:18:40: no switch 'host0'; there are sw0" },
    { "kind: link-down, link: host0-sw0", "kind: link-loss, link: host0-sw0",
      "s.yaml:18:5: 'loss' is missing: how many; 0% is none" },
    { "node: [host0, host1]", "node: [host0, sw0]",
      "s.yaml:16:18: 'sw0' is not a host" },
    { "pings.received_count", "sw0.retimers_count",
      "s.yaml:21:27: no metric 'sw0.retimers_count'; see `outrigger list "
      "metrics`" },
    { "pings.received_count", "host0-sw0.ab_byts",
      "s.yaml:21:27: no metric 'host0-sw0.ab_byts'; did you mean "
      "'host0-sw0.ab_bytes'?" },
};

static const Case time_cases[] = {
    { "networks:", "time: {window: 5us}\nnetworks:",
      "s.yaml:3:16: a packet can be at 'host0' after 1326880ps, so longer "
      "windows are not exact" },
    { "networks:", "time: {window: 1us, quantum: 5us}\nnetworks:",
      "s.yaml:3:30: 'window' is exact, 'quantum' is not: only one" },
    { "networks:", "time: {mode: wall, window: 1us}\nnetworks:",
      "s.yaml:3:28: windows are for simulated time, not `mode: wall`" },
    { "networks:", "time: {mode: wall, quantum: 5us}\nnetworks:",
      "s.yaml:3:29: windows are for simulated time, not `mode: wall`" },
    { "networks:", "capture: {links: host1}\nnetworks:",
      "s.yaml:3:18: no link 'host1'; there are host0-sw0, host1-sw0" },
};

#define MISTAKES(name)                                         \
    static void test_##name##_mistakes(void **state)           \
    {                                                          \
        (void)state;                                           \
        check_cases(name##_cases, G_N_ELEMENTS(name##_cases)); \
    }
MISTAKES(network)
MISTAKES(link)
MISTAKES(switch)
MISTAKES(fabric)
MISTAKES(traffic)
MISTAKES(step)
MISTAKES(time)

/* ---- the topology ------------------------------------------------------------ */

static const TopoNode *node(const Scenario *s, const char *name)
{
    uint32_t index = topology_node(s->topology, name);

    assert_int_not_equal(index, TOPO_NONE);
    return s->topology->nodes->pdata[index];
}

static void test_written(void **state)
{
    g_autoptr(Scenario) s = scenario_must(small, NULL);
    const Topology *t = s->topology;
    const TopoLink *l;
    g_autofree char *mac = NULL;
    unsigned end;

    (void)state;
    assert_int_equal(t->hosts, 3);
    assert_int_equal(t->switches, 1);
    assert_int_equal(node(s, "host1")->address, 0x0a000002);
    assert_int_equal(node(s, "sw0")->address, 0);
    assert_int_equal(topology_port(t, topology_node(t, "sw0"), 1, &end), 1);
    assert_int_equal(end, 1);
    assert_int_equal(topology_port(t, topology_node(t, "sw0"), 2, NULL),
                     TOPO_NONE);
    l = t->links->pdata[1];
    assert_string_equal(l->name, "host1-sw0");
    assert_int_equal(l->rate_bps, 10000000000);
    /* 300 ns + 500 ns + 84 bytes at 25 Gbit/s (to host0) + 500 ns; at
     * 10 Gbit/s to host1. */
    assert_int_equal(node(s, "host0")->lookahead_ps, 1326880);
    assert_int_equal(node(s, "host1")->lookahead_ps, 1367200);
    assert_true(node(s, "bare")->lookahead_ps == UINT64_MAX);
    mac = scn_mac_text(
        ((ScnVnic *)scenario_host(s, "host1")->card->nic->pdata[0])->mac);
    assert_true(g_str_has_prefix(mac, "06:"));
    assert_true(g_str_has_suffix(mac, ":00:01:01"));
}

static void test_mac_follows_seed(void **state)
{
    const char *const sets[] = { "seed=2", NULL };
    g_autoptr(Scenario) a = scenario_must(small, NULL);
    g_autoptr(Scenario) b = scenario_must(small, sets);
    const ScnVnic *x = scenario_host(a, "host0")->card->nic->pdata[0];
    const ScnVnic *y = scenario_host(b, "host0")->card->nic->pdata[0];

    (void)state;
    assert_memory_not_equal(x->mac, y->mac, 6);
}

static Scenario *generated(const char *fabric)
{
    static const char links[] =
        "  - {a: host0.card, b: sw0.p0, delay: 300ns}\n"
        "  - {a: host1.card, b: sw0.p1, rate: 10Gbit}\n";
    g_autofree char *with = edit("traffic: {}", fabric);
    g_auto(GStrv) parts = g_strsplit(with, links, 2);
    g_autofree char *text = g_strjoinv("", parts);
    g_auto(GStrv) again = g_strsplit(text, "links:\n", 2);
    g_autofree char *none = g_strjoinv("", again);
    g_auto(GStrv) faults = g_strsplit(
        none, "  - fault: {kind: link-down, link: host0-sw0, time: 5ms}\n", 2);
    g_autofree char *last = g_strjoinv("", faults);

    return scenario_must(last, NULL);
}

/* Each end of each link knows it, and no port has two. */
static void check_ports(const Topology *t)
{
    for (uint32_t i = 0; i < t->links->len; i++) {
        const TopoLink *l = t->links->pdata[i];

        for (unsigned end = 0; end < 2; end++) {
            unsigned found;

            assert_int_equal(
                topology_port(t, l->node[end], l->port[end], &found), i);
            assert_int_equal(found, end);
        }
    }
}

static void test_fat_tree(void **state)
{
    g_autoptr(Scenario) s = generated("fabric: {kind: fat-tree, k: 4, "
                                      "hosts: 14, delay: 1us}");
    const Topology *t = s->topology;
    const TopoLink *l;

    (void)state;
    assert_int_equal(t->modelled, 14);
    assert_int_equal(t->switches, 1 + 8 + 8 + 4); /* sw0 is idle */
    assert_int_equal(t->links->len, 16 + 16 + 16);
    check_ports(t);
    assert_int_equal(node(s, "core-3")->tier, 2);
    /* Places 0 and 8 of 16: different pods. */
    l = t->links->pdata[topology_link(t, "host0-edge-0")];
    assert_int_equal(l->port[1], 0);
    assert_int_not_equal(topology_link(t, "host1-edge-4"), TOPO_NONE);
    /* Six links, five switches. */
    assert_int_equal(node(s, "host0")->lookahead_ps,
                     6 * PS_PER_US + UINT64_C(5) * (500000 + 26880));
    /* Pod 0's second aggregation switch goes to cores 2 and 3. */
    assert_int_not_equal(topology_link(t, "agg-1-core-2"), TOPO_NONE);
    assert_int_equal(topology_link(t, "agg-1-core-1"), TOPO_NONE);
}

static void test_leaf_spine(void **state)
{
    g_autoptr(Scenario) s =
        generated("fabric: {kind: leaf-spine, leaves: 3, spines: 2, "
                  "hosts_per_leaf: 4, hosts: 5, uplink_rate: 100Gbit}");
    const Topology *t = s->topology;

    (void)state;
    assert_int_equal(t->switches, 1 + 5);
    assert_int_equal(t->links->len, 7 + 6);
    check_ports(t);
    assert_int_equal(node(s, "leaf-2")->ports, 6);
    assert_int_equal(
        ((TopoLink *)t->links->pdata[topology_link(t, "leaf-2-spine-1")])
            ->rate_bps,
        100000000000);
    assert_int_not_equal(topology_link(t, "host1-leaf-1"), TOPO_NONE);
}

static void test_single(void **state)
{
    g_autoptr(Scenario) s = generated("fabric: {kind: single, hosts: 3}");
    const Topology *t = s->topology;
    Unit unit;

    (void)state;
    assert_int_equal(node(s, "switch-0")->ports, 5);
    assert_int_equal(t->links->len, 5);
    check_ports(t);
    assert_true(metric_lookup(s, "switch-0.drops_count", &unit, NULL, NULL));
    assert_true(metric_lookup(s, "m-2-switch-0.ab_bytes", &unit, NULL, NULL));
    assert_int_equal(unit, UNIT_SIZE);
    assert_false(metric_lookup(s, "m-2.boots_count", NULL, NULL, NULL));
}

/* What is written out loads back to the same text. */
static void test_round_trip(void **state)
{
    g_autoptr(Scenario) s = generated(
        "fabric: {kind: leaf-spine, leaves: 2, spines: 1, hosts_per_leaf: 8, "
        "hosts: 6, delay: 750ns}\n"
        "traffic:\n"
        "  a: {pattern: permutation, load: 12.5%, warmup: 1ms}\n"
        "  b: {pattern: incast, target: m-3, rate: 2Gbit, senders: 4}\n"
        "  c: {pattern: poisson, load: 3%, message: 1KiB, duration: 2ms}");
    g_autofree char *text = scenario_write(s, NULL);
    g_autoptr(Scenario) again = scenario_must(text, NULL);
    g_autofree char *second = scenario_write(again, NULL);

    (void)state;
    assert_string_equal(text, second);
    assert_non_null(strstr(text, "# Derived: 3 full hosts, 6 modelled hosts, "
                                 "4 switches, 10 links.\n"));
    assert_non_null(strstr(text, "#   host0: underlay 10.0.0.1 "
                                 "02:48:00:00:00:01, window "));
}

/* What the lane rate decides, if nobody else does: 227 mm of trace, flat. */
static void test_boards_of_each_lane_rate(void **state)
{
    static const struct {
        const char *rate, *alpha, *budget;
        int32_t loss_mdb;
    } cases[] = {
        { "10Gbit", "alpha: 0.465dB/in\n", "budget: 7dB\n", 4158 },
        { "25Gbit", "alpha: 0.9dB/in\n", "budget: 7dB\n", 8048 },
        { "50Gbit", "alpha: 0.92dB/in\n", "budget: 7dB\n", 8227 },
        { "100Gbit", "alpha: 1.573dB/in\n", "budget: 11.9dB\n", 14066 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *keys = g_strdup_printf(
            "ports: 4, geometry: {layout: flat, baseline: true, "
            "lane_rate: %s}",
            cases[i].rate);
        g_autofree char *text = edit("ports: 4", keys);
        g_autoptr(Scenario) s = scenario_must(text, NULL);
        const ScnSwitch *sw = (const ScnSwitch *)scenario_node(s, "sw0");
        g_autofree char *out = scenario_write(s, NULL);
        g_autofree char *why = NULL;
        g_autofree Geometry *board = scn_board_new(sw->geometry, &why);
        GeometryRate rate;

        assert_non_null(strstr(out, cases[i].alpha));
        assert_non_null(strstr(out, cases[i].budget));
        assert_true(scn_board_rate(sw->geometry, &rate));
        assert_int_equal(board->max_loss_mdb[rate], cases[i].loss_mdb);
    }
}

static void test_setbacks(void **state)
{
    g_autofree char *text =
        edit("ports: 4", "ports: 4, geometry: {layout: stair, asic_offset: "
                         "5mm, setbacks: 0mm 20mm 70.5mm}");
    g_autoptr(Scenario) s = scenario_must(text, NULL);
    const ScnSwitch *sw = (const ScnSwitch *)scenario_node(s, "sw0");
    g_autofree char *out = scenario_write(s, NULL);
    g_autoptr(Scenario) again = scenario_must(out, NULL);
    g_autofree char *why = NULL;
    g_autofree Geometry *board = scn_board_new(sw->geometry, &why);

    assert_non_null(strstr(out, "setbacks: 0mm 20mm 70.5mm\n"));
    assert_int_equal(board->n_depths, 3);
    assert_int_equal(board->port[0].setback_um, 70500);
    assert_int_equal(board->port[0].x_um, -165000 - 5000);
    assert_int_equal(board->port[7].setback_um, 0);
}

static void test_scalars_round_trip(void **state)
{
    g_autofree char *text =
        edit("ports: 4", "ports: 4, geometry: {layout: arc, pitch: 21500um, "
                         "setback: 0.1m, budget: 6.25dB, alpha: 0.75dB/in}");
    const char *const sets[] = { "links.2.ber=25e-7", "links.2.fec=kp4", NULL };
    g_autoptr(Scenario) s = scenario_must(text, sets);
    const ScnSwitch *sw = (const ScnSwitch *)scenario_node(s, "sw0");
    g_autofree char *out = scenario_write(s, NULL);

    (void)state;
    assert_int_equal(sw->geometry->pitch_um, 21500);
    assert_int_equal(sw->geometry->setback_um, 100000);
    assert_int_equal(sw->geometry->budget_mdb, 6250);
    assert_int_equal(sw->geometry->alpha_mdb_per_inch, 750);
    assert_int_equal(((ScnLink *)s->links->pdata[1])->ber_atto,
                     UINT64_C(2500000000000));
    assert_non_null(strstr(out, "pitch: 21.5mm\n"));
    assert_non_null(strstr(out, "setback: 100mm\n"));
    assert_non_null(strstr(out, "budget: 6.25dB\n"));
    assert_non_null(strstr(out, "ber: 25e-7\n"));
}

/* Traces of the outermost and of a middle port of the worked example: the
 * flat board loses 1 dB too much at the outermost. */
static void test_boards(void **state)
{
    static const struct {
        const char *geometry;
        const char *port;
        bool errors;
    } cases[] = {
        { "{layout: flat, baseline: true}", "sw0.p0", true },
        { "{layout: flat, baseline: true, retimers: true}", "sw0.p0", false },
        { "{layout: flat, baseline: true}", "sw0.p8", false },
        { "{layout: stair}", "sw0.p0", false },
        { "{layout: triangular}", "sw0.p15", false },
        { "{layout: arc}", "sw0.p15", false },
    };

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *to =
            g_strdup_printf("ports: 16, geometry: %s", cases[i].geometry);
        g_autofree char *text = edit("ports: 4", to);
        g_autofree char *set = g_strdup_printf("links.1.a=%s", cases[i].port);
        g_autofree char *other = g_strdup("links.1.b=host0.card");
        const char *const sets[] = { set, other, "links.2.b=sw0.p4", NULL };
        g_autoptr(Scenario) s = NULL;
        const TopoLink *l;

        g_auto(GStrv) fault = g_strsplit(text, "link: host0-sw0", 2);
        g_autofree char *last = g_strjoinv("link: sw0-host0", fault);

        s = scenario_must(last, sets);
        l = s->topology->links->pdata[0];
        assert_int_equal(l->ber_atto > 1000000, cases[i].errors);
        assert_true(l->delay_ps > 300700 && l->delay_ps < 307000);
        assert_false(l->untrained);
    }
}

/* Two dB less of a budget, and the outermost ports do not train at all. */
static void test_untrained(void **state)
{
    g_autofree char *text =
        edit("ports: 4", "ports: 16, geometry: {layout: flat, baseline: true, "
                         "budget: 5dB}");
    g_autoptr(Scenario) s = scenario_must(text, NULL);

    (void)state;
    assert_true(((TopoLink *)s->topology->links->pdata[0])->untrained);
}

/* ---- switches in hosts --------------------------------------------------- */

#define STAIR "geometry: {layout: stair}"

/* @bare, @sw0 and @links go into their mappings. */
static char *device_text(const char *bare, const char *sw0, const char *links)
{
    return g_strdup_printf(
        "format: 1\n"
        "name: device\n"
        "networks: {blue: {vni: 7}}\n"
        "nodes:\n"
        "  h0: {kind: host, card: {nic: {v: {network: blue,"
        " address: 172.16.0.1/24}}}}\n"
        "  h1: {kind: host, card: {nic: {v: {network: blue,"
        " address: 172.16.0.2/24}}}}\n"
        "  bare: {kind: host, %s}\n"
        "  m0: {kind: modelled}\n"
        "  sw0: {kind: switch, forwarding: device, ports: 4, %s}\n"
        "links:\n"
        "  - {a: h0.card, b: sw0.p0, delay: 300ns}\n"
        "%s"
        "steps: [{boot: {node: [h0, h1]}}%s]\n"
        "expect: [{id: none, metric: sw0.bit_errors_count, is: 0}]\n",
        bare, sw0, links,
        strstr(links, "left-out") ? ", {fault: {kind: switch-down,"
                                    " switch: sw0}}"
                                  : "");
}

#define RIGHT "  - {a: h1.card, b: sw0.p1, rate: 25Gbit, delay: 1us}\n"

static void test_device_mistakes(void **state)
{
    static const struct {
        const char *bare, *sw0, *links, *message;
    } cases[] = {
        { "memory: 128MiB", "rate: 25Gbit", RIGHT,
          "s.yaml:9:35: the ports of a device stand on a board: add "
          "'geometry'" },
        { "memory: 128MiB", STAIR, RIGHT,
          "s.yaml:9:35: no host has the device: write 'manages: sw0' in "
          "one" },
        { "manages: sw0}\n  two: {kind: host, manages: sw0", STAIR, RIGHT,
          "s.yaml:8:30: 'bare' manages 'sw0' already, and its packets pass "
          "one device: take 'manages' out of one of them" },
        { "manages: sw0", "rate: 40Gbit, " STAIR, RIGHT,
          "s.yaml:9:59: a port of a device has 1 to 8 lanes, here of 25Gbit: "
          "write a multiple of it up to 200Gbit, or another 'lane_rate'" },
        { "manages: sw0", "trim: true, " STAIR, RIGHT,
          "s.yaml:9:59: the device does not cut packets: leave 'trim' out" },
        { "manages: sw0", "rate: 50Gbit, " STAIR,
          "  - {a: h1.card, b: sw0.p1, rate: 50Gbit}\n",
          "s.yaml:11:5: ports of 'sw0' send at 50Gbit, since it forwards in a "
          "device: write 'rate: 50Gbit'" },
        { "manages: sw0", STAIR, RIGHT "  - {a: m0.card, b: sw0.p2}\n",
          "s.yaml:13:9: 'sw0' forwards in a device: a cable there leads to a "
          "host's card or to another device" },
        { "manages: sw0", STAIR, RIGHT "  - {a: sw0.p3, b: sw0.p2}\n",
          "s.yaml:13:20: both ends are in 'bare': a cable leads from one host "
          "to another" },
        { "manages: sw0", STAIR, "  - {a: h1.card, b: sw0.p4}\n",
          "s.yaml:12:21: no port 'sw0.p4': switch 'sw0' has p0 to p3" },
        { "manages: sw0", STAIR, "  - {a: h1.card, b: sw0.p0}\n",
          "s.yaml:12:21: port sw0.p0 has a cable already: 'h0-sw0'" },
        { "manages: sw0",
          "geometry: {layout: flat, baseline: true, columns: 3}", RIGHT,
          "s.yaml:9:103: 3 columns of 1 hold 3 connectors: too few for 4 "
          "ports" },
        { "manages: sw0", STAIR, RIGHT "  # left-out\n",
          "s.yaml:14:71: 'sw0' forwards in a device: cut its links, or let "
          "software take its ports down" },
    };

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            device_text(cases[i].bare, cases[i].sw0, cases[i].links);
        g_autoptr(GError) err = NULL;
        g_autoptr(Scenario) s = scenario_try(text, NULL, &err);
        g_auto(GStrv) lines = NULL;

        assert_null(s);
        lines = g_strsplit(err->message, "\n", 2);
        assert_string_equal(lines[0], cases[i].message);
    }
}

/* Windows: the cable at a device, which may be about to send; the rest of the
 * way between two cards. Traces are the device's, not the links'. */
static void test_device_windows(void **state)
{
    g_autofree char *text = device_text("manages: sw0", STAIR, RIGHT);
    g_autoptr(Scenario) s = scenario_must(text, NULL);
    g_autofree char *derived = scenario_derived_text(s);

    (void)state;
    assert_int_equal(node(s, "h0")->lookahead_ps, 300000);
    assert_int_equal(node(s, "h1")->lookahead_ps, 1000000);
    assert_int_equal(node(s, "bare")->lookahead_ps, 300000);
    assert_ptr_equal(s->topology->nodes->pdata[node(s, "sw0")->device_host],
                     node(s, "bare"));
    assert_int_equal(((const TopoLink *)s->topology->links->pdata[0])->delay_ps,
                     300000);
    assert_non_null(strstr(derived, "#   bare: ports of sw0, window 300ns\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_mistakes),
        cmocka_unit_test(test_link_mistakes),
        cmocka_unit_test(test_switch_mistakes),
        cmocka_unit_test(test_device_mistakes),
        cmocka_unit_test(test_device_windows),
        cmocka_unit_test(test_fabric_mistakes),
        cmocka_unit_test(test_traffic_mistakes),
        cmocka_unit_test(test_step_mistakes),
        cmocka_unit_test(test_time_mistakes),
        cmocka_unit_test(test_written),
        cmocka_unit_test(test_mac_follows_seed),
        cmocka_unit_test(test_fat_tree),
        cmocka_unit_test(test_leaf_spine),
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_transports),
        cmocka_unit_test(test_balancing),
        cmocka_unit_test(test_no_full_host),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_boards_of_each_lane_rate),
        cmocka_unit_test(test_setbacks),
        cmocka_unit_test(test_scalars_round_trip),
        cmocka_unit_test(test_boards),
        cmocka_unit_test(test_untrained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
