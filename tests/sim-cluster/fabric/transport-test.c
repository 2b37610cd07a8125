/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport-test.c: the frame that closed-loop transports stand in: instants,
 * turns, timers, paths; and that how time is cut changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fabric_transport.h"
#include "transport_ndp.h"

#define DELAY_PS 500000ull
#define PIPELINE_PS 400000ull
#define PS(bytes) (((bytes) + 24ull) * 80u) /* 100 Gbit/s */
#define WAY_PS(bytes) (2 * PS(bytes) + 2 * DELAY_PS + PIPELINE_PS)
#define US 1000000ull

/* ---- a transport that does as it is told --------------------------------- */

typedef struct Event {
    uint64_t ps, seq;
    uint32_t node, flow;
    char what;
    uint8_t flags;
} Event;

static Event events[256];
static uint32_t n_events;

typedef struct ToyConfig {
    uint32_t packets; /* each flow sends so many at its start */
    uint16_t bytes;
    bool controls; /* and as many control packets, at the same instant */
    uint64_t timer_ps;
} ToyConfig;

typedef struct ToyTx {
    uint64_t sent;
    FabricTimer timer;
} ToyTx;

static void note(const FabricFlowEnd *end, char what, uint64_t seq,
                 uint8_t flags)
{
    assert_true(n_events < 256);
    events[n_events++] = (Event){ fabric_endpoint_now_ps(end->endpoint),
                                  seq,
                                  fabric_endpoint_node(end->endpoint),
                                  end->flow,
                                  what,
                                  flags };
}

static void toy_timer(FabricEndpoint *e, FabricTimer *t)
{
    FabricFlowEnd *tx = t->owner;

    assert_ptr_equal(tx->endpoint, e);
    note(tx, 'T', tx->flow, 0);
}

static void toy_start(FabricFlowEnd *tx)
{
    const ToyConfig *c = tx->config;
    ToyTx *t = tx->state;

    note(tx, 'S', 0, 0);
    fabric_flow_ready(tx);
    for (uint32_t i = 0; c->controls && i < c->packets; i++) {
        FabricSegment seg = { .bytes = 60, .seq = 100 + i };

        fabric_endpoint_send(tx, &seg);
    }
    if (c->timer_ps) {
        fabric_timer_set(tx->endpoint, &t->timer,
                         fabric_endpoint_now_ps(tx->endpoint) + c->timer_ps,
                         toy_timer, tx);
        assert_true(fabric_timer_armed(&t->timer));
    }
}

static bool toy_next(FabricFlowEnd *tx, FabricSegment *seg)
{
    const ToyConfig *c = tx->config;
    ToyTx *t = tx->state;

    if (t->sent == c->packets) {
        return false;
    }
    seg->seq = t->sent++;
    seg->bytes = c->bytes;
    seg->payload_bytes = c->bytes;
    seg->flags = FABRIC_SEG_DATA | FABRIC_SEG_ECT;
    return true;
}

static void toy_rx(FabricFlowEnd *rx, const FabricSegment *seg)
{
    note(rx, seg->flags & FABRIC_SEG_DATA ? 'D' : 'C', seg->seq, seg->flags);
    if (seg->flags & FABRIC_SEG_DATA && !(seg->flags & FABRIC_SEG_TRIMMED)) {
        fabric_flow_deliver(rx, seg->payload_bytes);
    }
}

static void toy_tx(FabricFlowEnd *tx, const FabricSegment *seg)
{
    note(tx, 'A', seg->seq, seg->flags);
}

static const FabricTransportOps toy = {
    .name = "toy",
    .config_bytes = sizeof(ToyConfig),
    .tx_bytes = sizeof(ToyTx),
    .start = toy_start,
    .tx_receive = toy_tx,
    .rx_receive = toy_rx,
    .next = toy_next,
};

/* ---- set-ups ------------------------------------------------------------- */

static Fabric *single(uint32_t hosts, const SwitchConfig *sw)
{
    g_autoptr(GError) err = NULL;
    FabricConfig config = { .seed = 1 };
    Fabric *f = fabric_new(&config);
    FabricTopology t;

    fabric_topology_default(&t, hosts);
    if (sw) {
        t.sw.sw = *sw;
    }
    assert_int_equal(fabric_topology_single(f, &t, &err), 0);
    assert_true(fabric_build(f, &err));
    n_events = 0;
    return f;
}

static uint32_t transport(Fabric *f, const FabricTransportOps *ops,
                          const void *config)
{
    g_autoptr(GError) err = NULL;
    int32_t t = fabric_transport_add(f, ops, config, &err);

    assert_true(t >= 0);
    return (uint32_t)t;
}

static uint32_t flow(Fabric *f, uint32_t t, uint32_t from, uint32_t to,
                     uint64_t bytes, uint64_t start_ps)
{
    g_autoptr(GError) err = NULL;
    FabricFlowSpec spec = { .from = from,
                            .to = to,
                            .bytes = bytes,
                            .start_ps = start_ps,
                            .transport = t };
    int64_t number = fabric_flow_add(f, &spec, &err);

    assert_true(number >= 0);
    return (uint32_t)number;
}

static void expect(uint32_t at, uint64_t ps, char what, uint32_t flow_number,
                   uint64_t seq)
{
    assert_true(at < n_events);
    assert_int_equal(events[at].ps, ps);
    assert_int_equal(events[at].what, what);
    assert_int_equal(events[at].flow, flow_number);
    assert_int_equal(events[at].seq, seq);
}

/* ---- instants ------------------------------------------------------------ */

static void test_instants_of_a_flow(void **state)
{
    ToyConfig c = { .packets = 2, .bytes = 1500 };
    Fabric *f = single(2, NULL);
    FabricFlowStats s;
    FabricTotals totals;
    uint64_t first = 7 + WAY_PS(1500);

    flow(f, transport(f, &toy, &c), 0, 1, 3000, 7);
    assert_int_equal(fabric_next_ps(f), 7);
    fabric_run(f, 100 * US);
    assert_int_equal(n_events, 3);
    expect(0, 7, 'S', 0, 0);
    expect(1, first, 'D', 0, 0);
    expect(2, first + PS(1500), 'D', 0, 1);
    fabric_flow_stats(f, 0, &s);
    assert_int_equal(s.finish_ps, first + PS(1500));
    assert_int_equal(s.acked_ps, FABRIC_NEVER_PS);
    assert_int_equal(s.delivered_bytes, 3000);
    assert_int_equal(s.sent_packets, 2);
    assert_int_equal(s.sent_bytes, 3000);
    assert_int_equal(s.received_packets, 2);
    assert_int_equal(s.reordered_packets, 0);
    fabric_totals(f, &totals);
    assert_int_equal(totals.sent, 2);
    assert_int_equal(totals.received, 2);
    assert_int_equal(totals.hops, 4);
    assert_int_equal(totals.flows_started, 1);
    assert_int_equal(totals.flows_finished, 1);
    assert_int_equal(fabric_next_ps(f), FABRIC_NEVER_PS);
    fabric_free(f);
}

/* Two flows of one host take turns; control packets go before both. */
static void test_turns_and_control(void **state)
{
    ToyConfig c = { .packets = 2, .bytes = 1500, .controls = true };
    Fabric *f = single(3, NULL);
    uint32_t t = transport(f, &toy, &c);
    uint64_t at = WAY_PS(60);

    flow(f, t, 0, 1, 3000, 0);
    flow(f, t, 0, 2, 3000, 0);
    fabric_run(f, 100 * US);
    /* hosts run one after the other: look at each of them */
    assert_int_equal(n_events, 2 + 8);
    for (uint32_t i = 2, seen[2] = { 0 }; i < n_events; i++) {
        static const uint64_t seqs[] = { 100, 101, 0, 1 };
        uint32_t which = events[i].flow, k = seen[which]++;
        uint64_t control = at + (2 * which + k) * PS(60);
        /* the fourth control packet's end, then packets in turn */
        uint64_t data =
            4 * PS(60) + WAY_PS(1500) + (which + 2 * (k - 2)) * PS(1500);

        assert_int_equal(events[i].seq, seqs[k]);
        assert_int_equal(events[i].what, k < 2 ? 'C' : 'D');
        assert_int_equal(events[i].ps, k < 2 ? control : data);
    }
    fabric_free(f);
}

static void test_timers(void **state)
{
    ToyConfig c = { .packets = 1, .bytes = 1500, .timer_ps = 5000 };
    Fabric *f = single(2, NULL);
    uint32_t t = transport(f, &toy, &c);

    flow(f, t, 0, 1, 1500, 100);
    flow(f, t, 0, 1, 1500, 100);  /* the same instant: after the first */
    flow(f, t, 0, 1, 1500, 5100); /* was armed before the others' timers */
    fabric_run(f, 10000);
    assert_int_equal(n_events, 5);
    expect(0, 100, 'S', 0, 0);
    expect(1, 100, 'S', 1, 0);
    expect(2, 5100, 'S', 2, 0);
    expect(3, 5100, 'T', 0, 0);
    expect(4, 5100, 'T', 1, 1);
    fabric_free(f);
}

/* ---- what packets go through --------------------------------------------- */

static void trimming(SwitchConfig *sw)
{
    FabricNdpConfig ndp;

    fabric_ndp_config_default(&ndp);
    switch_config_default(sw, 1);
    fabric_ndp_switch(sw, &ndp, 3000);
}

static void test_marks_and_cuts_reach_the_receiver(void **state)
{
    ToyConfig c = { .packets = 3, .bytes = 1500 };
    FabricFlowStats s, u;
    SwitchConfig sw;
    Fabric *f;
    uint32_t t;

    trimming(&sw);
    sw.queue[0].ecn_mode = SWITCH_ECN_STEP;
    sw.queue[0].ecn_min_cells = 1500;
    f = single(3, &sw);
    t = transport(f, &toy, &c);
    flow(f, t, 0, 2, 4500, 0);
    flow(f, t, 1, 2, 4500, 0);
    fabric_run(f, 100 * US);
    fabric_flow_stats(f, 0, &s);
    fabric_flow_stats(f, 1, &u);
    /* three pairs, room for two packets, one leaves between pairs: of each
     * pair but the first one is cut; all but the first stand behind another */
    assert_int_equal(s.trimmed_packets + u.trimmed_packets, 2);
    assert_int_equal(s.received_packets + u.received_packets, 4);
    assert_int_equal(s.marked_packets + u.marked_packets, 3);
    assert_int_equal(s.delivered_bytes + u.delivered_bytes, 4 * 1500);
    fabric_free(f);
}

static void test_one_direction_of_a_link(void **state)
{
    ToyConfig c = { .packets = 1, .bytes = 1500 };
    g_autoptr(GError) err = NULL;
    Fabric *f = single(2, NULL);
    uint32_t t = transport(f, &toy, &c);
    uint64_t slow = 10 * PS(1500) + PS(1500) + 2 * DELAY_PS + PIPELINE_PS;

    /* link 1 is that of host 1; node 2 is the switch */
    assert_false(fabric_link_set_rate_from(f, 1, 0, 10000000000ull, 0, &err));
    assert_non_null(strstr(err->message, "none of its ends"));
    assert_true(fabric_link_set_rate_from(f, 1, 2, 10000000000ull, 0, NULL));
    flow(f, t, 0, 1, 1500, 0);
    flow(f, t, 1, 0, 1500, 0);
    fabric_run(f, 100 * US);
    for (uint32_t i = 0; i < n_events; i++) {
        if (events[i].what == 'D') {
            assert_int_equal(events[i].ps,
                             events[i].flow ? WAY_PS(1500) : slow);
        }
    }
    fabric_free(f);
}

static void test_refusals(void **state)
{
    ToyConfig c = { .packets = 1, .bytes = 1500 };
    FabricFlowSpec good = { .from = 0, .to = 1, .bytes = 1 }, bad;
    FabricTraffic load;
    g_autoptr(GError) err = NULL;
    Fabric *f = single(3, NULL);
    FabricNdpConfig ndp;

    assert_int_equal(fabric_flow_add(f, &good, &err), -1);
    assert_non_null(strstr(err->message, "no such transport"));
    transport(f, &toy, &c);
    bad = good;
    bad.to = 3; /* the switch */
    assert_int_equal(fabric_flow_add(f, &bad, NULL), -1);
    bad.to = 0;
    assert_int_equal(fabric_flow_add(f, &bad, NULL), -1);
    bad = good;
    bad.bytes = 0;
    assert_int_equal(fabric_flow_add(f, &bad, NULL), -1);
    fabric_run(f, 10);
    assert_int_equal(fabric_flow_add(f, &good, NULL), -1); /* the past */
    good.start_ps = 10;
    assert_int_equal(fabric_flow_add(f, &good, NULL), 0);
    fabric_traffic_default(&load);
    load.start_ps = 10;
    assert_false(fabric_traffic_add(f, &load, NULL));
    fabric_ndp_config_default(&ndp);
    ndp.payload_bytes = 9600;
    assert_int_equal(fabric_transport_add(f, &fabric_ndp_ops, &ndp, NULL), -1);
    fabric_free(f); /* with a flow that has not started */
}

/* ---- paths --------------------------------------------------------------- */

static Fabric *fat_tree(uint64_t seed)
{
    FabricConfig config = { .seed = seed, .reconverge_ps = 20 * US };
    Fabric *f = fabric_new(&config);
    FabricNdpConfig ndp;
    FabricTopology t;

    fabric_topology_default(&t, 0);
    fabric_ndp_config_default(&ndp);
    ndp.payload_bytes = 1440;
    fabric_ndp_switch(&t.sw.sw, &ndp, 8 * 1440);
    assert_int_equal(fabric_topology_fat_tree(f, &t, 4, NULL), 0);
    assert_true(fabric_build(f, NULL));
    return f;
}

static void test_paths(void **state)
{
    Fabric *f = fat_tree(3);
    uint32_t hashes[64], links[8], other[8];

    assert_int_equal(fabric_paths(f, 0, 1, 1, hashes, 64), 1);
    assert_int_equal(fabric_path_links(f, 0, 1, hashes[0], links, 8), 2);
    assert_int_equal(fabric_paths(f, 0, 2, 1, hashes, 64), 2);
    assert_int_equal(fabric_paths(f, 0, 15, 1, hashes, 64), 4);
    assert_int_equal(fabric_paths(f, 0, 15, 1, hashes, 3), 3);
    assert_int_equal(fabric_path_links(f, 0, 15, hashes[0], links, 8), 6);
    assert_int_equal(fabric_path_links(f, 0, 15, hashes[1], other, 8), 6);
    assert_int_equal(links[0], other[0]);
    assert_int_equal(links[5], other[5]);
    assert_memory_not_equal(links, other, 6 * sizeof(*links));
    assert_int_equal(fabric_path_links(f, 0, 15, hashes[0], links, 5), 0);
    assert_int_equal(fabric_path_links(f, 0, 0, hashes[0], links, 8), 0);
    fabric_free(f);
}

/* ---- exactness ----------------------------------------------------------- */

/* Everything that can be told of a run. */
static char *all_of(const Fabric *f)
{
    g_autofree char *dump = fabric_dump(f);
    GString *s = g_string_new(dump);

    for (uint32_t i = 0; i < fabric_flow_count(f); i++) {
        FabricFlowStats st;

        fabric_flow_stats(f, i, &st);
        g_string_append_printf(
            s, "%u: %lu %lu %lu %lu %lu %lu %lu %lu %lu\n", i,
            (unsigned long)st.delivered_bytes, (unsigned long)st.finish_ps,
            (unsigned long)st.acked_ps, (unsigned long)st.sent_packets,
            (unsigned long)st.retransmitted_packets, (unsigned long)st.timeouts,
            (unsigned long)st.duplicate_packets,
            (unsigned long)st.trimmed_packets,
            (unsigned long)st.reordered_packets);
    }
    return g_string_free(s, FALSE);
}

/* A run has shown something of everything. */
static void check_busy(const Fabric *f)
{
    uint64_t cut = 0, again = 0, late = 0, done = 0;
    FabricTotals totals;

    for (uint32_t i = 0; i < fabric_flow_count(f); i++) {
        FabricFlowStats s;

        fabric_flow_stats(f, i, &s);
        cut += s.trimmed_packets;
        again += s.retransmitted_packets;
        late += s.timeouts;
        done += s.acked_ps != FABRIC_NEVER_PS;
    }
    fabric_totals(f, &totals);
    assert_true(cut > 10 && again > 10 && late > 10 && done > 10);
    assert_true(totals.dropped[FABRIC_DROP_LOSS] > 0);
    assert_true(totals.dropped[FABRIC_DROP_LINK_DOWN] > 0);
}

typedef enum Cut { CUT_NOT, CUT_RANDOM, CUT_EACH_INSTANT } Cut;

/* A fat tree with everything: incast, permutation, loss, a link that dies, a
 * slow one. CUT_EACH_INSTANT is one global queue: every instant at which
 * anything happens is run to its end, everywhere, before the next one. */
static char *run(uint64_t seed, Cut cut)
{
    const uint64_t end = 300 * US;
    Fabric *f = fat_tree(seed);
    GRand *random = g_rand_new_with_seed((guint32)seed);
    FabricNdpConfig ndp;
    char *result;
    uint32_t t;

    fabric_ndp_config_default(&ndp);
    ndp.payload_bytes = 1440;
    ndp.window_packets = 10;
    ndp.rto_ps = 60 * US;
    t = transport(f, &fabric_ndp_ops, &ndp);
    for (uint32_t i = 0; i < 16; i++) {
        flow(f, t, i, (i + 5) % 16, i % 3 ? 200000 : FABRIC_ENDLESS, i * 1000);
        if (i) {
            flow(f, t, i, 0, 20000, 30 * US);
        }
    }
    assert_true(
        fabric_link_set_errors(f, 20, 0.01, 0, FABRIC_FEC_NONE, 0, NULL));
    assert_true(fabric_link_set_rate(f, 25, 10000000000ull, 10 * US, NULL));
    assert_true(fabric_link_set_up(f, 18, false, 50 * US, NULL));
    assert_true(fabric_link_set_up(f, 18, true, 90 * US, NULL));
    while (fabric_now_ps(f) < end) {
        uint64_t now = fabric_now_ps(f), until = end;

        if (cut == CUT_RANDOM) {
            until = now + 1 +
                    (g_rand_int(random) % 3 ? g_rand_int(random) % 99
                                            : g_rand_int(random) % 2000000);
        } else if (cut == CUT_EACH_INSTANT) {
            until = MIN(fabric_next_ps(f), end - 1) + 1;
        }
        fabric_run(f, MIN(until, end));
    }
    result = all_of(f);
    check_busy(f);
    g_rand_free(random);
    fabric_free(f);
    return result;
}

static void test_cutting_changes_nothing(void **state)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        g_autofree char *whole = run(seed, CUT_NOT);
        g_autofree char *random = run(seed, CUT_RANDOM);
        g_autofree char *instants = run(seed, CUT_EACH_INSTANT);

        if (strcmp(whole, random) != 0 || strcmp(whole, instants) != 0) {
            fail_msg("seed %lu", (unsigned long)seed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instants_of_a_flow),
        cmocka_unit_test(test_turns_and_control),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_marks_and_cuts_reach_the_receiver),
        cmocka_unit_test(test_one_direction_of_a_link),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_cutting_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
