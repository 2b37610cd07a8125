/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * eqds-test.c: EQDS between modelled hosts: exact instants of packets, pulls,
 * refusals, timers and requests; paths; completeness under loss.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "fabric.h"
#include "transport_eqds.h"

#define US 1000000ull
#define LINK_PS US
#define DATA_PS 332000ull  /* 4150 bytes at 100 Gbit/s */
#define CONTROL_PS 6720ull /* 84 bytes */
/* Over the switch and two links, when nothing is in the way. */
#define DATA_WAY_PS (2 * (DATA_PS + LINK_PS))
#define CONTROL_WAY_PS (2 * (CONTROL_PS + LINK_PS))
#define PULL_GAP_PS 331689ull /* 4188 bytes * 8 * 0.99 at 100 Gbit/s, floor */

/* ---- EQDS that leaves a log ---------------------------------------------- */

typedef struct Entry {
    uint64_t ps;
    FabricSegment seg;
    uint32_t flow;
    char what; /* 's': next(), 't': at the sender, 'r': at the receiver */
} Entry;

static GArray *entries;

static void note(char what, const FabricFlowEnd *end, const FabricSegment *seg)
{
    Entry e = { fabric_endpoint_now_ps(end->endpoint), *seg, end->flow, what };

    g_array_append_val(entries, e);
}

static bool logged_next(FabricFlowEnd *tx, FabricSegment *seg)
{
    bool sent = fabric_eqds_ops.next(tx, seg);

    if (sent) {
        note('s', tx, seg);
    }
    return sent;
}

static void logged_tx(FabricFlowEnd *tx, const FabricSegment *seg)
{
    note('t', tx, seg);
    fabric_eqds_ops.tx_receive(tx, seg);
}

static void logged_rx(FabricFlowEnd *rx, const FabricSegment *seg)
{
    note('r', rx, seg);
    fabric_eqds_ops.rx_receive(rx, seg);
}

static int by_instant(const void *a, const void *b)
{
    const Entry *x = a, *y = b;

    return (x->ps > y->ps) - (x->ps < y->ps);
}

/* The @n-th (from 0) of that kind and type; NULL: there are fewer. */
static const Entry *find(char what, FabricEqdsType type, uint32_t n)
{
    for (guint i = 0; i < entries->len; i++) {
        const Entry *e = &g_array_index(entries, Entry, i);

        if (e->what == what && e->seg.type == type && n-- == 0) {
            return e;
        }
    }
    return NULL;
}

static const Entry *need(char what, FabricEqdsType type, uint32_t n)
{
    const Entry *e = find(what, type, n);

    assert_non_null(e);
    return e;
}

static uint32_t count(char what, FabricEqdsType type)
{
    uint32_t n = 0;

    while (find(what, type, n)) {
        n++;
    }
    return n;
}

/* ---- fabrics ------------------------------------------------------------- */

typedef struct World {
    Fabric *f;
    FabricTransportOps ops;
    FabricEqdsConfig c;
    uint32_t transport;
} World;

static void set_switch(SwitchConfig *sw, uint32_t data_packets)
{
    sw->queues = 2;
    sw->pipeline_ps = 0;
    sw->buffer_cells = 1u << 24;
    sw->trim_bytes = SWITCH_MIN_BYTES;
    sw->trim_queue = 1;
    for (uint32_t q = 0; q < sw->queues; q++) {
        sw->queue[q].strict = true;
        sw->queue[q].ecn_mode = SWITCH_ECN_OFF;
    }
    sw->queue[0].limit_packets = data_packets;
}

static void world_free(World *w)
{
    fabric_free(w->f);
    g_array_set_size(entries, 0);
}

/* @hosts on one switch, all links of 100 Gbit/s and 1 us. */
static void world_new(World *w, uint32_t hosts, uint32_t data_packets,
                      uint32_t ecn_cells)
{
    FabricConfig config = { .seed = 7 };
    g_autoptr(GError) err = NULL;
    FabricTopology t;

    w->f = fabric_new(&config);
    w->ops = fabric_eqds_ops;
    w->ops.next = logged_next;
    w->ops.tx_receive = logged_tx;
    w->ops.rx_receive = logged_rx;
    fabric_eqds_config_default(&w->c);
    fabric_topology_default(&t, hosts);
    set_switch(&t.sw.sw, data_packets);
    if (ecn_cells) {
        t.sw.sw.queue[0].ecn_mode = SWITCH_ECN_STEP;
        t.sw.sw.queue[0].ecn_min_cells = ecn_cells;
        w->c.ecn = true;
    }
    t.host_link.delay_ps = LINK_PS;
    assert_int_equal(fabric_topology_single(w->f, &t, &err), 0);
    assert_true(fabric_build(w->f, &err));
}

static void world_start(World *w)
{
    g_autoptr(GError) err = NULL;
    int32_t n = fabric_transport_add(w->f, &w->ops, &w->c, &err);

    if (n < 0) {
        fail_msg("%s", err->message);
    }
    w->transport = (uint32_t)n;
}

static void add_flow(World *w, uint32_t from, uint32_t to, uint64_t bytes)
{
    g_autoptr(GError) err = NULL;
    FabricFlowSpec spec = {
        .from = from, .to = to, .bytes = bytes, .transport = w->transport
    };

    if (fabric_flow_add(w->f, &spec, &err) < 0) {
        fail_msg("%s", err->message);
    }
}

/* Hosts are run one after the other within a window: the log is put in order. */
static void run(World *w, uint64_t until_ps)
{
    fabric_run(w->f, until_ps);
    g_array_sort(entries, by_instant);
}

static FabricFlowStats stats_of(const World *w, uint32_t flow)
{
    FabricFlowStats s;

    fabric_flow_stats(w->f, flow, &s);
    return s;
}

/* ---- exact instants ------------------------------------------------------ */

/* 100 bytes: a frame of 140, 164 on the wire; no pull is needed. */
static void test_one_packet(void **state)
{
    World w;
    FabricFlowStats s;
    uint64_t way = 2 * (164 * 80 + LINK_PS);

    (void)state;
    world_new(&w, 2, 35, 0);
    world_start(&w);
    add_flow(&w, 0, 1, 100);
    run(&w, 1000 * US);
    s = stats_of(&w, 0);
    assert_int_equal(s.finish_ps, way);
    assert_int_equal(s.acked_ps, way + CONTROL_WAY_PS);
    assert_int_equal(s.delivered_bytes, 100);
    assert_int_equal(s.sent_packets, 1);
    assert_int_equal(count('t', FABRIC_EQDS_ACK), 1);
    assert_int_equal(count('t', FABRIC_EQDS_PULL), 0);
    world_free(&w);
}

/* The least payload makes a frame of 60 bytes, also on the wire. */
static void test_least_packet(void **state)
{
    World w;

    (void)state;
    world_new(&w, 2, 35, 0);
    world_start(&w);
    add_flow(&w, 0, 1, 1);
    run(&w, 1000 * US);
    assert_int_equal(stats_of(&w, 0).finish_ps,
                     2 * ((64 + 1 - 24 < 60 ? 84 : 65) * 80 + LINK_PS));
    world_free(&w);
}

/* Line rate on speculative credit until the first answer is in. */
static void test_speculation_ends(void **state)
{
    World w;
    uint64_t answer_ps = DATA_WAY_PS + CONTROL_WAY_PS;
    uint32_t speculative = (uint32_t)((answer_ps + DATA_PS - 1) / DATA_PS);

    (void)state;
    world_new(&w, 2, 35, 0);
    world_start(&w);
    add_flow(&w, 0, 1, 4086 * 400);
    run(&w, 1000 * US);
    for (uint32_t i = 0; i < speculative; i++) {
        const Entry *e = need('s', FABRIC_EQDS_DATA, i);

        assert_int_equal(e->ps, i * DATA_PS);
        assert_true(e->seg.user_flags & FABRIC_EQDS_SPECULATIVE);
        assert_int_equal(e->seg.seq, i);
    }
    assert_int_equal(need('t', FABRIC_EQDS_ACK, 0)->ps, answer_ps);
    assert_false(need('s', FABRIC_EQDS_DATA, speculative)->seg.user_flags &
                 FABRIC_EQDS_SPECULATIVE);
    assert_int_equal(stats_of(&w, 0).retransmitted_packets, 0);
    assert_int_equal(stats_of(&w, 0).sent_packets, 400);
    world_free(&w);
}

/* The first pull leaves behind the first ACK, each other one a gap later. */
static void test_pull_pacing(void **state)
{
    World w;
    uint64_t first = DATA_WAY_PS;

    (void)state;
    world_new(&w, 2, 35, 0);
    world_start(&w);
    add_flow(&w, 0, 1, 4086 * 400);
    run(&w, 1000 * US);
    assert_int_equal(need('t', FABRIC_EQDS_PULL, 0)->ps,
                     first + CONTROL_PS + CONTROL_WAY_PS);
    for (uint32_t i = 1; i < 4; i++) {
        const Entry *e = need('t', FABRIC_EQDS_PULL, i);

        assert_int_equal(e->ps, first + i * PULL_GAP_PS + CONTROL_WAY_PS);
        assert_int_equal(e->seg.ack, 8 * (i + 1));
    }
    world_free(&w);
}

/*
 * Two senders at once into one port with room for two packets. At 1.664 us
 * the first one has left, one of the second two is cut and goes first.
 */
static void test_trimmed(void **state)
{
    World w;
    uint64_t header_ps = 2 * DATA_PS + LINK_PS + CONTROL_PS + LINK_PS;
    const Entry *trimmed, *nack;

    (void)state;
    world_new(&w, 3, 2, 0);
    world_start(&w);
    add_flow(&w, 0, 2, 4086 * 10);
    add_flow(&w, 1, 2, 4086 * 10);
    run(&w, 1000 * US);
    trimmed = need('r', FABRIC_EQDS_DATA, 1);
    assert_true(trimmed->seg.flags & FABRIC_SEG_TRIMMED);
    assert_int_equal(trimmed->ps, header_ps);
    assert_int_equal(trimmed->seg.seq, 1);
    nack = need('t', FABRIC_EQDS_NACK, 0);
    /* The ACK of packet 0 has just left. */
    assert_int_equal(nack->ps, header_ps + CONTROL_WAY_PS);
    assert_int_equal(nack->seg.seq, 1);
    assert_int_equal(nack->seg.aux16, trimmed->seg.aux16);
    for (uint32_t i = 0; i < 2; i++) {
        FabricFlowStats s = stats_of(&w, i);

        assert_int_equal(s.delivered_bytes, 40860);
        assert_int_equal(s.retransmitted_packets, s.trimmed_packets);
        assert_int_equal(s.timeouts, 0);
        assert_int_equal(s.duplicate_packets, 0);
        assert_true(s.acked_ps != FABRIC_NEVER_PS);
    }
    world_free(&w);
}

static void cut_link(World *w, uint64_t from_ps, uint64_t to_ps)
{
    g_autoptr(GError) err = NULL;

    assert_true(fabric_link_set_up(w->f, 0, false, from_ps, &err));
    assert_true(fabric_link_set_up(w->f, 0, true, to_ps, &err));
}

/* Lost for good: sent again when the timer says so, on what is left of the
 * speculative credit. */
static void test_timer(void **state)
{
    World w;
    FabricFlowStats s;
    uint64_t rto;

    (void)state;
    world_new(&w, 2, 35, 0);
    rto = w.c.rto_ps;
    assert_int_equal(rto, 219720000);
    world_start(&w);
    add_flow(&w, 0, 1, 4086);
    cut_link(&w, 1000, 100 * US);
    run(&w, 10000 * US);
    s = stats_of(&w, 0);
    assert_int_equal(s.timeouts, 1);
    assert_int_equal(s.retransmitted_packets, 1);
    assert_int_equal(need('s', FABRIC_EQDS_DATA, 1)->ps, rto);
    assert_int_equal(s.acked_ps, rto + DATA_WAY_PS + CONTROL_WAY_PS);
    assert_int_equal(count('r', FABRIC_EQDS_RTS), 0);
    world_free(&w);
}

/* No credit left when the timer is due: a request, and pulls answer it. */
static void test_request(void **state)
{
    World w;
    const Entry *rts;
    FabricFlowStats s;
    uint64_t rto;

    (void)state;
    world_new(&w, 2, 35, 0);
    w.c.window_bytes = 2 * 4150;
    rto = w.c.rto_ps;
    world_start(&w);
    add_flow(&w, 0, 1, 3 * 4086);
    cut_link(&w, 1000, 100 * US);
    run(&w, 10000 * US);
    rts = need('r', FABRIC_EQDS_RTS, 0);
    assert_int_equal(rts->ps, rto + CONTROL_WAY_PS);
    assert_int_equal(rts->seg.aux, 9); /* one packet, in quanta */
    /* Its ACK first, then the pull, then packet 0 again. */
    assert_int_equal(need('t', FABRIC_EQDS_PULL, 0)->ps,
                     rto + 2 * CONTROL_WAY_PS + CONTROL_PS);
    assert_int_equal(need('s', FABRIC_EQDS_DATA, 2)->ps,
                     rto + 2 * CONTROL_WAY_PS + CONTROL_PS);
    assert_int_equal(need('s', FABRIC_EQDS_DATA, 2)->seg.seq, 0);
    s = stats_of(&w, 0);
    assert_int_equal(s.delivered_bytes, 3 * 4086);
    assert_true(s.acked_ps < rto + 20 * US);
    world_free(&w);
}

/* All pulls of a while are lost: the sender asks after rto_ps of silence. */
static void test_silence(void **state)
{
    World w;
    FabricFlowStats s;

    (void)state;
    world_new(&w, 2, 35, 0);
    world_start(&w);
    add_flow(&w, 0, 1, 4086 * 1000);
    cut_link(&w, 50 * US, 60 * US);
    run(&w, 10000 * US);
    s = stats_of(&w, 0);
    assert_int_equal(s.delivered_bytes, 4086 * 1000);
    /* 1000 packets take 332 us; the pause, at most one RTO and a request. */
    assert_true(s.acked_ps < (332 + 60 + 220 + 220) * US);
    world_free(&w);
}

/* ---- paths --------------------------------------------------------------- */

/* Each path once before any comes again. */
static void test_spray(void **state)
{
    World w;
    bool used[128] = { false };

    (void)state;
    world_new(&w, 2, 35, 0);
    world_start(&w);
    add_flow(&w, 0, 1, 4086 * 200);
    run(&w, 1000 * US);
    for (uint32_t i = 0; i < 128; i++) {
        const Entry *e = need('s', FABRIC_EQDS_DATA, i);

        assert_true(e->seg.aux16 < 128);
        assert_false(used[e->seg.aux16]);
        used[e->seg.aux16] = true;
    }
    assert_int_equal(stats_of(&w, 0).path_changes, 0);
    world_free(&w);
}

/* A marked path is left out when its turn comes next, once. */
static void test_marked_path(void **state)
{
    World w;
    uint32_t sent = 0, uses[4] = { 0 }, marks = 0;

    (void)state;
    world_new(&w, 3, 35, 60);
    w.c.paths = 4;
    world_start(&w);
    add_flow(&w, 0, 2, 4086 * 200);
    add_flow(&w, 1, 2, 4086 * 200);
    run(&w, 1000 * US);
    for (uint32_t flow = 0; flow < 2; flow++) {
        FabricFlowStats s = stats_of(&w, flow);

        assert_int_equal(s.delivered_bytes, 4086 * 200);
        assert_true(s.marked_packets > 0);
        assert_true(s.path_changes > 0);
        assert_true(s.path_changes <= s.marked_packets + s.trimmed_packets);
        marks += s.marked_packets;
    }
    for (uint32_t i = 0; find('s', FABRIC_EQDS_DATA, i); i++) {
        uses[need('s', FABRIC_EQDS_DATA, i)->seg.aux16]++;
        sent++;
    }
    assert_int_equal(uses[0] + uses[1] + uses[2] + uses[3], sent);
    /* Every mark is echoed at once. */
    for (uint32_t i = 0; find('t', FABRIC_EQDS_ACK, i); i++) {
        marks -= (need('t', FABRIC_EQDS_ACK, i)->seg.user_flags &
                  FABRIC_EQDS_CE_ECHO) != 0;
    }
    assert_int_equal(marks, 0);
    world_free(&w);
}

/* ---- completeness -------------------------------------------------------- */

/* Losses of all kinds, trimming or not: everything arrives, each byte once. */
static void test_loss(void **state)
{
    uint64_t seed = g_getenv("EQDS_TEST_SEED")
                        ? g_ascii_strtoull(g_getenv("EQDS_TEST_SEED"), NULL, 10)
                        : 1;

    (void)state;
    for (uint32_t i = 0; i < 12; i++) {
        g_autoptr(GError) err = NULL;
        World w;

        print_message("EQDS_TEST_SEED=%" PRIu64 "\n", seed + i);
        srand((unsigned)(seed + i));
        world_new(&w, 6, (uint32_t)(rand() % 12) + 1, rand() % 2 * 100);
        w.c.trim = rand() % 2;
        w.c.paths = 1u << (rand() % 8);
        w.c.window_bytes = 4150 * (uint32_t)(rand() % 60 + 1);
        world_start(&w);
        for (uint32_t l = 0; l < fabric_link_count(w.f); l++) {
            assert_true(fabric_link_set_errors(w.f, l, (rand() % 50) / 1000.0,
                                               0, FABRIC_FEC_NONE, 0, &err));
        }
        for (uint32_t from = 1; from < 6; from++) {
            add_flow(&w, from, rand() % 3 ? 0 : from % 5 + 1,
                     (uint64_t)(rand() % 1000000) + 1);
        }
        run(&w, 2000000 * US);
        for (uint32_t n = 0; n < fabric_flow_count(w.f); n++) {
            FabricFlowStats s = stats_of(&w, n);

            assert_int_equal(s.delivered_bytes, s.spec.bytes);
            assert_true(s.acked_ps != FABRIC_NEVER_PS);
        }
        world_free(&w);
    }
}

/* Fair: eight flows that share a receiver end within a packet's round. */
static void test_incast_is_fair(void **state)
{
    World w;
    uint64_t first = UINT64_MAX, last = 0;

    (void)state;
    world_new(&w, 9, 35, 0);
    world_start(&w);
    for (uint32_t from = 1; from < 9; from++) {
        add_flow(&w, from, 0, 4086 * 500);
    }
    run(&w, 10000 * US);
    for (uint32_t n = 0; n < 8; n++) {
        first = MIN(first, stats_of(&w, n).finish_ps);
        last = MAX(last, stats_of(&w, n).finish_ps);
    }
    /* 4000 packets in full; pulls come at 100.2 % of what the link can do. */
    assert_true(last >= 4000 * DATA_PS);
    assert_true(last < 4000 * DATA_PS * 103 / 100);
    assert_true(last - first < last / 20);
    world_free(&w);
}

/* ---- the rest ------------------------------------------------------------ */

static void test_refused(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
    } wrong[] = {
        { offsetof(FabricEqdsConfig, payload_bytes), 0 },
        { offsetof(FabricEqdsConfig, payload_bytes), 9600 },
        { offsetof(FabricEqdsConfig, header_bytes), 23 },
        { offsetof(FabricEqdsConfig, paths), 0 },
        { offsetof(FabricEqdsConfig, paths), 3 },
        { offsetof(FabricEqdsConfig, paths), 512 },
        { offsetof(FabricEqdsConfig, window_bytes), 4149 },
        { offsetof(FabricEqdsConfig, pull_per_mille), 0 },
    };

    (void)state;
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        FabricEqdsConfig c;

        fabric_eqds_config_default(&c);
        assert_null(fabric_eqds_ops.check(&c));
        memcpy((char *)&c + wrong[i].at, &wrong[i].value, sizeof(uint32_t));
        assert_non_null(fabric_eqds_ops.check(&c));
    }
}

/* How time is cut into runs changes nothing. */
static void test_slices(void **state)
{
    char *dumps[2];

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        World w;

        world_new(&w, 9, 8, 0);
        world_start(&w);
        for (uint32_t from = 1; from < 9; from++) {
            add_flow(&w, from, 0, 4086 * 60);
        }
        for (uint64_t t = 1; i == 1 && t < 300 * US; t += 777777) {
            fabric_run(w.f, t);
        }
        run(&w, 1000 * US);
        dumps[i] = fabric_dump(w.f);
        world_free(&w);
    }
    assert_string_equal(dumps[0], dumps[1]);
    g_free(dumps[0]);
    g_free(dumps[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_packet),
        cmocka_unit_test(test_least_packet),
        cmocka_unit_test(test_speculation_ends),
        cmocka_unit_test(test_pull_pacing),
        cmocka_unit_test(test_trimmed),
        cmocka_unit_test(test_timer),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_spray),
        cmocka_unit_test(test_marked_path),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_incast_is_fair),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_slices),
    };
    bool failed;

    entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    failed = cmocka_run_group_tests(tests, NULL, NULL) != 0;
    g_array_unref(entries);
    return failed;
}
