/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_loss_test.c: what happens to packets that are lost, marked or late, to
 * paths that fail and to peers that die; at which instants.
 */
#include "rdt_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define STRIDE (1472u - RDT_OVERHEAD_BYTES)

typedef struct Plan {
    unsigned drop_first; /* data packets of end 0 */
    unsigned seen;
    uint16_t dead_port; /* of end 0 */
    uint64_t dead_from_ps, dead_until_ps;
    bool mark_all, mark_port, silent;
    uint16_t port;
} Plan;

static void hook(RdtNet *n, unsigned from, const RdtOut *out, NetVerdict *v)
{
    Plan *p = n->user;
    bool data = out->bytes[1] == RDT_KIND_DATA;

    if (from) {
        return;
    }
    p->seen += data;
    v->drop = (data && p->seen <= p->drop_first) || p->silent ||
              (out->source_port == p->dead_port &&
               n->now_ps >= p->dead_from_ps && n->now_ps < p->dead_until_ps);
    v->ce = p->mark_all || (p->mark_port && out->source_port == p->port);
}

static RdtNet *make(Plan *p, const RdtParams *params, uint64_t seed)
{
    RdtNet *n = rdt_net_new(params, seed);

    n->hook = hook;
    n->user = p;
    return n;
}

/* Before anything has been measured: rto_first, 50 us. */
static void first_timeout(void **state)
{
    Plan p = { .drop_first = 1 };
    RdtNet *n = make(&p, NULL, 1);
    RdtEvent ev;

    rdt_net_send(n, 0, 10);
    rdt_net_run(n, 1000 * US);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_LOST, &ev), 1);
    assert_int_equal(ev.at_ps, 50 * US);
    assert_int_equal(ev.c, RDT_LOSS_TIMEOUT);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_PATH_SUSPECT, &ev), 1);
    assert_int_equal(ev.at_ps, 50 * US);
    assert_int_equal(n->got->len, 1);
    assert_int_equal(rdt_net_got(n, 0)->at_ps, 50 * US + NET_DELAY_PS);
    /* the probe on the suspect path and the fragment on another */
    assert_int_equal(rdt_net_sent(n, 1)->kind, RDT_KIND_PROBE);
    assert_int_equal(rdt_net_sent(n, 1)->port, rdt_net_sent(n, 0)->port);
    assert_int_equal(rdt_net_sent(n, 2)->kind, RDT_KIND_DATA);
    assert_int_not_equal(rdt_net_sent(n, 2)->port, rdt_net_sent(n, 0)->port);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_PATH_AVOIDED, NULL), 0);
    rdt_net_free(n);
}

/* Round trips of exactly 10 us: srtt 10, rttvar shrinks by a quarter each time,
 * so the timeout becomes rto_min: 20 us. */
static void timeout_after_measuring(void **state)
{
    Plan p = { 0 };
    RdtNet *n = make(&p, NULL, 2);
    RdtEvent ev;
    uint64_t t;

    for (unsigned i = 0; i < 400; i++) {
        rdt_net_send(n, 0, 10);
        rdt_net_run(n, n->now_ps + 20 * US);
    }
    for (unsigned i = 0; i < 16; i++) {
        RdtPathView v;

        assert_true(rdt_path_view(n->end[0], NET_A, i, &v));
        assert_int_equal(v.rto_ps, 20 * US);
        assert_true(!v.srtt_ps || v.srtt_ps == 10 * US);
    }
    t = n->now_ps;
    p.drop_first = p.seen + 1;
    rdt_net_send(n, 0, 10);
    rdt_net_run(n, t + 100 * US);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_LOST, &ev), 1);
    assert_int_equal(ev.at_ps, t + 20 * US);
    assert_int_equal(n->got->len, 401);
    assert_int_equal(rdt_net_got(n, 400)->at_ps, t + 20 * US + NET_DELAY_PS);
    rdt_net_free(n);
}

/* One path: three later packets of it tell of the loss in one round trip. */
static void loss_by_reordering(void **state)
{
    Plan p = { .drop_first = 1 };
    RdtParams params;
    RdtNet *n;
    RdtEvent ev;

    rdt_params_default(&params);
    params.n_paths = 1;
    n = make(&p, &params, 3);
    rdt_net_send(n, 0, 4 * STRIDE);
    rdt_net_run(n, 1000 * US);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_LOST, &ev), 1);
    assert_int_equal(ev.c, RDT_LOSS_REORDER);
    assert_int_equal(ev.a, 0);
    /* the third arrives with the others, and the ack of two goes at once;
     * the last one's waits for ack_delay, and only that one tells */
    assert_int_equal(ev.at_ps, 2 * NET_DELAY_PS);
    assert_int_equal(n->got->len, 1);
    assert_int_equal(rdt_net_got(n, 0)->at_ps, 3 * NET_DELAY_PS);
    rdt_net_free(n);

    /* with two later ones it takes the timer */
    p = (Plan){ .drop_first = 1 };
    n = make(&p, &params, 3);
    rdt_net_send(n, 0, 3 * STRIDE);
    rdt_net_run(n, 1000 * US);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_LOST, &ev), 1);
    assert_int_equal(ev.c, RDT_LOSS_TIMEOUT);
    rdt_net_free(n);
}

/* A message that has lost a packet holds up nobody. */
static void others_are_not_blocked(void **state)
{
    Plan p = { .drop_first = 1 };
    RdtNet *n = make(&p, NULL, 4);

    for (unsigned i = 0; i < 10; i++) {
        rdt_net_send(n, 0, 1000);
    }
    rdt_net_run(n, 1000 * US);
    assert_int_equal(n->got->len, 10);
    for (unsigned i = 0; i < 9; i++) {
        assert_int_equal(rdt_net_got(n, i)->m.id, i + 1);
        assert_int_equal(rdt_net_got(n, i)->at_ps, NET_DELAY_PS);
    }
    assert_int_equal(rdt_net_got(n, 9)->m.id, 0);
    assert_true(rdt_net_got(n, 9)->at_ps < 60 * US);
    rdt_net_free(n);
}

/* A path dies and comes back: suspect, avoided, probed at growing intervals,
 * returned; everything is delivered meanwhile. */
static void a_path_fails(void **state)
{
    Plan p = { 0 };
    RdtNet *n = make(&p, NULL, 5);
    RdtEvent suspect, avoided, returned;
    uint64_t worst_ps = 0;
    RdtPathView v;

    assert_true(rdt_path_view(n->end[0], NET_A, 3, &v));
    p.dead_port = v.source_port;
    p.dead_from_ps = 1500 * US;
    p.dead_until_ps = 3300 * US;
    for (unsigned i = 0; i < 1000; i++) {
        rdt_net_send(n, 0, 1000);
        rdt_net_run(n, n->now_ps + 4 * US);
    }
    rdt_net_run(n, n->now_ps + 1000 * US);
    assert_int_equal(n->got->len, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        const NetGot *g = rdt_net_got(n, i);

        worst_ps = MAX(worst_ps, g->at_ps - g->m.id * 4 * US);
    }
    /* one timeout of 20 us and the wire, no more */
    assert_true(worst_ps > NET_DELAY_PS && worst_ps <= 25 * US);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_PATH_SUSPECT, &suspect), 1);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_PATH_AVOIDED, &avoided), 1);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_PATH_RETURNED, &returned), 1);
    assert_int_equal(avoided.a, p.dead_port);
    assert_int_equal(returned.a, p.dead_port);
    assert_int_equal(avoided.at_ps, suspect.at_ps + 20 * US);
    /* probes 200, 400, 800 ... us after a failure, each 20 us until its own:
     * the first that comes after 3300 us returns */
    assert_int_equal(returned.at_ps,
                     avoided.at_ps +
                         (200 + 20 + 400 + 20 + 800 + 20 + 1600) * US +
                         2 * NET_DELAY_PS);
    rdt_net_free(n);
}

/* With all paths dead the timeouts double; after dead_ps the peer is dead. */
static void the_peer_dies(void **state)
{
    Plan p = { .silent = true };
    RdtParams params;
    RdtNet *n;
    RdtEvent ev;
    unsigned tries;

    rdt_params_default(&params);
    params.dead_ps = 30000 * US;
    n = make(&p, &params, 6);
    rdt_net_send(n, 0, 10);
    rdt_net_run(n, 100000 * US);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_DEAD, &ev), 1);
    assert_int_equal(ev.at_ps, 30000 * US);
    assert_int_equal(ev.a, RDT_DEATH_SILENT);
    tries = rdt_net_count(n, 0, RDT_KIND_DATA);
    assert_in_range(tries, 8, 16);
    assert_int_equal(rdt_next_ps(n->end[0]), RDT_NEVER_PS);
    assert_int_equal(rdt_send(n->end[0], n->now_ps, NET_A, 0, "", 0, NULL),
                     RDT_SEND_NOT_OPEN);
    rdt_net_free(n);
}

/* A silence that is shorter than dead_ps is survived. */
static void a_long_silence(void **state)
{
    Plan p = { .silent = true };
    RdtNet *n = make(&p, NULL, 7);

    rdt_net_send(n, 0, 100000);
    rdt_net_run(n, 50000 * US);
    assert_int_equal(n->got->len, 0);
    p.silent = false;
    rdt_net_run(n, 100000 * US);
    assert_int_equal(n->got->len, 1);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_DEAD, NULL), 0);
    /* timeouts are at most rto_max apart */
    assert_true(rdt_net_got(n, 0)->at_ps <= 61000 * US);
    rdt_net_free(n);
}

static void keepalive(void **state)
{
    Plan p = { 0 };
    RdtParams params;
    RdtNet *n;
    RdtEvent ev;

    rdt_params_default(&params);
    params.keepalive_ps = 1000 * US;
    params.dead_ps = 5000 * US;
    n = make(&p, &params, 8);
    rdt_net_run(n, 10000 * US);
    assert_in_range(rdt_net_count(n, 0, RDT_KIND_PROBE), 4, 10);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_DEAD, NULL), 0);
    rdt_forget(n->end[1], NET_B);
    rdt_net_run(n, 30000 * US);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_DEAD, &ev), 1);
    assert_in_range(ev.at_ps, 15000 * US, 17000 * US);
    rdt_net_free(n);
}

/* A transfer with every packet marked; the smallest window seen. */
static uint32_t window_under_marks(Plan *p, uint64_t seed, uint32_t *ret_first)
{
    RdtNet *n = make(p, NULL, seed);
    uint32_t least = UINT32_MAX;
    RdtView v;

    for (unsigned i = 0; i < 4; i++) {
        rdt_net_send(n, 0, RDT_MAX_MESSAGE_BYTES);
    }
    assert_true(rdt_view(n->end[0], NET_A, &v));
    *ret_first = v.window_bytes;
    while (n->got->len < 4 && rdt_net_step(n)) {
        assert_true(rdt_view(n->end[0], NET_A, &v));
        least = MIN(least, v.window_bytes);
        assert_true(v.in_flight_bytes <= v.window_bytes + 65536);
    }
    assert_int_equal(n->got->len, 4);
    rdt_net_free(n);
    return least;
}

/* Marks on all paths reduce the rate to the floor; on one of sixteen hardly. */
static void marks(void **state)
{
    Plan all = { .mark_all = true }, none = { 0 }, one = { .mark_port = true };
    uint32_t first;
    RdtPathView v;
    RdtNet *n;

    assert_int_equal(window_under_marks(&none, 9, &first), 65536);
    assert_int_equal(first, 65536);
    assert_true(window_under_marks(&all, 9, &first) < 65536 / 4);
    n = make(&one, NULL, 9);
    assert_true(rdt_path_view(n->end[0], NET_A, 5, &v));
    rdt_net_free(n);
    one.port = v.source_port;
    assert_true(window_under_marks(&one, 9, &first) > 65536 * 3 / 4);
}

/* The marked path carries less than its share. */
static void marks_move_packets(void **state)
{
    Plan p = { .mark_port = true };
    RdtNet *n = make(&p, NULL, 10);
    uint64_t others = 0;
    RdtPathView v;

    assert_true(rdt_path_view(n->end[0], NET_A, 5, &v));
    p.port = v.source_port;
    for (unsigned i = 0; i < 7; i++) {
        rdt_net_send(n, 0, RDT_MAX_MESSAGE_BYTES);
    }
    rdt_net_run(n, 20000 * US);
    assert_int_equal(n->got->len, 7);
    for (unsigned i = 0; i < 16; i++) {
        assert_true(rdt_path_view(n->end[0], NET_A, i, &v));
        others += v.source_port == p.port ? 0 : v.packets;
    }
    assert_true(rdt_path_view(n->end[0], NET_A, 5, &v));
    assert_true(v.marks > 0 && v.packets * 2 < others / 15);
    assert_int_equal(v.marks, rdt_stats(n->end[0])->marks);
    rdt_net_free(n);
}

/* Queueing delay counts as a mark when delay_target_ps says so. */
static void late_hook(RdtNet *n, unsigned from, const RdtOut *out,
                      NetVerdict *v)
{
    if (!from && n->now_ps > 20 * US) {
        v->delay_ps += 10 * US;
    }
}

static void delay_is_a_mark(void **state)
{
    for (unsigned on = 0; on < 2; on++) {
        RdtParams p;
        RdtNet *n;

        rdt_params_default(&p);
        p.delay_target_ps = on ? 5 * US : 0;
        n = rdt_net_new(&p, 11);
        n->hook = late_hook;
        for (unsigned i = 0; i < 4; i++) {
            rdt_net_send(n, 0, RDT_MAX_MESSAGE_BYTES);
        }
        rdt_net_run(n, 50000 * US);
        assert_int_equal(n->got->len, 4);
        assert_true(on == (rdt_stats(n->end[0])->marks > 0));
        rdt_net_free(n);
    }
}

/* Lost closes are sent again. */
static void a_close_is_lost(void **state)
{
    Plan p = { 0 };
    RdtNet *n = make(&p, NULL, 12);

    rdt_close(n->end[0], 0, NET_A);
    rdt_close(n->end[1], 0, NET_B);
    p.silent = true;
    rdt_net_run(n, 120 * US);
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_PEER_CLOSED, NULL), 0);
    p.silent = false;
    rdt_net_run(n, 2000 * US);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_CLOSED, NULL), 1);
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_CLOSED, NULL), 1);
    rdt_net_free(n);
}

/* Loss, duplicates, disorder and marks, both ways at once. */
static uint64_t chaos_state;

static uint64_t chaos(void)
{
    chaos_state = chaos_state * 6364136223846793005ull + 1442695040888963407ull;
    return chaos_state >> 33;
}

static void chaos_hook(RdtNet *n, unsigned from, const RdtOut *out,
                       NetVerdict *v)
{
    v->drop = chaos() % 100 < 10;
    v->ce = chaos() % 100 < 5;
    v->copies = chaos() % 100 < 5 ? 2 : 1;
    v->delay_ps = 2 * US + chaos() % (20 * US);
}

static void everything_once(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        RdtNet *n = rdt_net_new(NULL, seed);
        unsigned sent[2] = { 0 };
        bool seen[2][300] = { { false } };

        print_message("seed %llu\n", (unsigned long long)seed);
        chaos_state = seed;
        n->hook = chaos_hook;
        for (unsigned i = 0; i < 400; i++) {
            unsigned from = chaos() % 2;

            sent[from]++;
            rdt_net_send(n, from,
                         chaos() % 8 ? chaos() % 3000 : chaos() % 100000);
            rdt_net_run(n, n->now_ps + chaos() % (30 * US));
        }
        rdt_net_run(n, n->now_ps + 100000 * US);
        assert_int_equal(n->got->len, 400);
        for (unsigned i = 0; i < 400; i++) {
            const NetGot *g = rdt_net_got(n, i);

            assert_true(g->m.id < sent[!g->end]);
            assert_false(seen[g->end][g->m.id]);
            seen[g->end][g->m.id] = true;
            assert_true(rdt_net_right(&g->m, !g->end));
        }
        assert_int_equal(rdt_net_events(n, 0, RDT_EV_ACKED, NULL), sent[0]);
        assert_int_equal(rdt_net_events(n, 1, RDT_EV_ACKED, NULL), sent[1]);
        assert_int_equal(rdt_next_ps(n->end[0]), RDT_NEVER_PS);
        rdt_net_free(n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_timeout),
        cmocka_unit_test(timeout_after_measuring),
        cmocka_unit_test(loss_by_reordering),
        cmocka_unit_test(others_are_not_blocked),
        cmocka_unit_test(a_path_fails),
        cmocka_unit_test(the_peer_dies),
        cmocka_unit_test(a_long_silence),
        cmocka_unit_test(keepalive),
        cmocka_unit_test(marks),
        cmocka_unit_test(marks_move_packets),
        cmocka_unit_test(delay_is_a_mark),
        cmocka_unit_test(a_close_is_lost),
        cmocka_unit_test(everything_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
