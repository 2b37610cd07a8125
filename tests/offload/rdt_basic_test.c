/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_basic_test.c: messages over a wire without faults: bytes, instants,
 * order, credit, closing.
 */
#include "rdt_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define STRIDE (1472u - RDT_OVERHEAD_BYTES)

static void every_byte_of_a_packet(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 1);
    static const uint8_t want[] = {
        0x16, 1,    0,    0, /* version, kind, epoch */
        0xb0, 0,    0,    2,    0xa0, 0, 0, 1, 0, 0, 0, 7, /* to, from, key */
        0,    0,    0,    0,    0,    0, 0, 0,             /* packet number */
        0,    0,    0,    0,    0,    0, 0, 0,             /* message */
        0,    0,    0,    5,    0,    0,                   /* bytes, fragment */
        0x05, 0x84, 0x12, 0x34, 0,    0,                   /* stride, channel */
        'h',  'e',  'l',  'l',  'o',
    };
    RdtOut out;

    assert_int_equal(rdt_send(n->end[0], 0, NET_A, 0x1234, "hello", 5, NULL),
                     RDT_SEND_OK);
    assert_true(rdt_output(n->end[0], 0, &out));
    assert_int_equal(out.len, sizeof(want) + RDT_TAG_BYTES);
    assert_memory_equal(out.bytes, want, sizeof(want));
    assert_in_range(out.source_port, 49152, 65535);
    assert_int_equal(out.peer, 1);
    assert_false(rdt_output(n->end[0], 0, &out));
    rdt_net_free(n);
}

static void every_byte_of_an_acknowledgement(void **state)
{
    RdtAck a = { .credit_bytes = 0x0102030405060708,
                 .credit_messages = 0x1112131415161718,
                 .echo = 0x2122232425262728,
                 .echo_delay_ps = 0x3132333435363738,
                 .n_ranges = 2,
                 .ranges = { { 0x4142434445464748, 0x51525354, true },
                             { 0x01, 2, false } } };
    static const uint8_t want[] = {
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x11, 0x12, 0x13, 0x14,
        0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,
        0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0,    2,    0,    0,
        0,    0,    0,    0,    0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
        0x51, 0x52, 0x53, 0x54, 0,    0,    0,    1,    0,    0,    0,    0,
        0,    0,    0,    1,    0,    0,    0,    2,    0,    0,    0,    0,
    };
    uint8_t out[sizeof(want)];
    RdtAck back;

    assert_int_equal(rdt_put_ack(out, &a), sizeof(want));
    assert_memory_equal(out, want, sizeof(want));
    assert_true(rdt_get_ack(out, sizeof(want), &back));
    assert_int_equal(back.ranges[0].last, a.ranges[0].last);
    assert_int_equal(back.ranges[0].count, a.ranges[0].count);
    assert_true(back.ranges[0].ce);
    assert_int_equal(back.n_ranges, 2);
}

/* Out, in, and its acknowledgement: a delay of the wire each. */
static void one_message(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 2);
    RdtEvent ev;

    n->now_ps = 3;
    assert_int_equal(rdt_net_send(n, 0, 100), 0);
    rdt_net_run(n, 100 * US);
    assert_int_equal(n->got->len, 1);
    assert_int_equal(rdt_net_got(n, 0)->at_ps, 3 + NET_DELAY_PS);
    assert_true(rdt_net_right(&rdt_net_got(n, 0)->m, 0));
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_READABLE, &ev), 1);
    assert_int_equal(ev.at_ps, 3 + NET_DELAY_PS);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_ACKED, &ev), 1);
    assert_int_equal(ev.at_ps, 3 + 2 * NET_DELAY_PS);
    assert_int_equal(ev.b, 2 * NET_DELAY_PS);
    assert_int_equal(n->sent->len, 2);
    assert_int_equal(rdt_next_ps(n->end[0]), RDT_NEVER_PS);
    assert_int_equal(rdt_next_ps(n->end[1]), RDT_NEVER_PS);
    rdt_net_free(n);
}

static void an_empty_message(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 3);

    rdt_net_send(n, 1, 0);
    rdt_net_run(n, 100 * US);
    assert_int_equal(n->got->len, 1);
    assert_int_equal(rdt_net_got(n, 0)->m.len, 0);
    assert_int_equal(rdt_net_got(n, 0)->end, 0);
    rdt_net_free(n);
}

/* A packet that is alone waits for a second one, then for ack_delay. */
static void when_acknowledgements_go(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 4);
    unsigned acks = 0;

    rdt_net_send(n, 0, 4 * STRIDE);
    rdt_net_run(n, 100 * US);
    assert_int_equal(rdt_net_count(n, 0, RDT_KIND_DATA), 4);
    /* two at once, and all of it at once */
    assert_int_equal(rdt_net_count(n, 1, RDT_KIND_ACK), 1);
    rdt_net_free(n);

    n = rdt_net_new(NULL, 4);
    /* a fragment that does not complete anything: drop the second */
    rdt_net_send(n, 0, 2 * STRIDE);
    rdt_net_drain(n);
    g_free(g_array_index(n->flights, NetFlight, 1).bytes);
    g_array_remove_index(n->flights, 1);
    rdt_net_run(n, 20 * US);
    for (guint i = 0; i < n->sent->len; i++) {
        const NetSent *s = rdt_net_sent(n, i);

        if (s->kind == RDT_KIND_ACK) {
            acks++;
            assert_int_equal(s->at_ps, NET_DELAY_PS + 2 * US);
        }
    }
    assert_int_equal(acks, 1);
    rdt_net_free(n);
}

static void the_largest_message(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 5);

    rdt_net_send(n, 0, RDT_MAX_MESSAGE_BYTES);
    rdt_net_run(n, 2000 * US);
    assert_int_equal(n->got->len, 1);
    assert_int_equal(rdt_net_got(n, 0)->m.len, RDT_MAX_MESSAGE_BYTES);
    assert_true(rdt_net_right(&rdt_net_got(n, 0)->m, 0));
    assert_int_equal(rdt_net_count(n, 0, RDT_KIND_DATA),
                     (RDT_MAX_MESSAGE_BYTES + STRIDE - 1) / STRIDE);
    assert_int_equal(rdt_stats(n->end[0])->retransmitted, 0);
    assert_int_equal(
        rdt_send(n->end[0], n->now_ps, NET_A, 0, "", 1 << 21, NULL),
        RDT_SEND_TOO_BIG);
    rdt_net_free(n);
}

/* A short message overtakes a long one that was sent before it. */
static void short_overtakes_long(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 6);

    rdt_net_send(n, 0, RDT_MAX_MESSAGE_BYTES);
    rdt_net_drain(n); /* the whole first window is its */
    rdt_net_send(n, 0, 0);
    rdt_net_run(n, 2000 * US);
    assert_int_equal(n->got->len, 2);
    assert_int_equal(rdt_net_got(n, 0)->m.id, 1);
    /* it waits for the first acknowledgement only */
    assert_int_equal(rdt_net_got(n, 0)->at_ps, 3 * NET_DELAY_PS);
    rdt_net_free(n);
}

/* Not more than what the receiver holds: the first credit, then its own. */
static void credit(void **state)
{
    RdtParams p;
    RdtNet *n;
    RdtView v;
    RdtMessage m;

    rdt_params_default(&p);
    p.rx_bytes = 1u << 20;
    p.rx_messages = 64;
    n = rdt_net_new(&p, 7);
    n->keep = true;
    for (unsigned i = 0; i < 100; i++) {
        rdt_net_send(n, 0, 10000);
    }
    rdt_net_run(n, 10000 * US);
    assert_true(rdt_view(n->end[1], NET_B, &v));
    assert_int_equal(v.rx_bytes_held, 64 * 10000);
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_READABLE, NULL), 64);
    /* the sender asks again and again, and is told the same */
    assert_true(rdt_stats(n->end[0])->probes_sent >= 40);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_DEAD, NULL), 0);
    for (unsigned i = 0; i < 15; i++) {
        assert_true(rdt_receive(n->end[1], n->now_ps, NET_B, &m));
        g_free(m.data);
    }
    rdt_net_drain(n);
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_READABLE, NULL), 64);
    /* the sixteenth is a quarter: told at once */
    assert_true(rdt_receive(n->end[1], n->now_ps, NET_B, &m));
    g_free(m.data);
    rdt_net_run(n, n->now_ps + 2 * NET_DELAY_PS);
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_READABLE, NULL), 80);
    n->keep = false;
    rdt_net_run(n, 20000 * US);
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_READABLE, NULL), 100);
    assert_int_equal(n->got->len, 84);
    rdt_net_free(n);
}

static void credit_in_bytes(void **state)
{
    RdtParams p;
    RdtNet *n;
    RdtView v;

    rdt_params_default(&p);
    p.rx_bytes = 1u << 20;
    n = rdt_net_new(&p, 8);
    n->keep = true;
    for (unsigned i = 0; i < 4; i++) {
        rdt_net_send(n, 0, 600000);
    }
    rdt_net_run(n, 5000 * US);
    assert_true(rdt_view(n->end[1], NET_B, &v));
    assert_int_equal(v.rx_bytes_held, 600000);
    n->keep = false;
    rdt_net_run(n, 50000 * US);
    assert_int_equal(n->got->len, 4);
    assert_int_equal(rdt_stats(n->end[1])->in[RDT_IN_CREDIT], 0);
    rdt_net_free(n);
}

static void the_senders_memory(void **state)
{
    RdtParams p;
    RdtNet *n;
    uint8_t data[600] = { 0 };

    rdt_params_default(&p);
    p.tx_bytes = 1000;
    p.tx_messages = 3;
    n = rdt_net_new(&p, 9);
    assert_int_equal(rdt_send(n->end[0], 0, NET_A, 0, data, 600, NULL),
                     RDT_SEND_OK);
    assert_int_equal(rdt_send(n->end[0], 0, NET_A, 0, data, 401, NULL),
                     RDT_SEND_FULL);
    assert_int_equal(rdt_send(n->end[0], 0, NET_A, 0, data, 1001, NULL),
                     RDT_SEND_TOO_BIG);
    assert_int_equal(rdt_send(n->end[0], 0, NET_A, 0, data, 400, NULL),
                     RDT_SEND_OK);
    assert_int_equal(rdt_send(n->end[0], 0, NET_A, 0, data, 0, NULL),
                     RDT_SEND_OK);
    assert_int_equal(rdt_send(n->end[0], 0, NET_A, 0, data, 0, NULL),
                     RDT_SEND_FULL);
    assert_int_equal(rdt_send(n->end[0], 0, 5, 0, data, 0, NULL),
                     RDT_SEND_NOT_OPEN);
    rdt_net_run(n, 100 * US);
    assert_int_equal(rdt_send(n->end[0], n->now_ps, NET_A, 0, data, 600, NULL),
                     RDT_SEND_OK);
    rdt_net_free(n);
}

/* At 1 Gbit/s a datagram of 1472 bytes takes 11.776 us. */
static void pacing(void **state)
{
    RdtParams p;
    RdtNet *n;
    unsigned k = 0;

    rdt_params_default(&p);
    p.pace_bps = 1000000000;
    n = rdt_net_new(&p, 10);
    rdt_net_send(n, 0, 10 * STRIDE);
    rdt_net_run(n, 300 * US);
    for (guint i = 0; i < n->sent->len; i++) {
        if (rdt_net_sent(n, i)->kind == RDT_KIND_DATA) {
            assert_int_equal(rdt_net_sent(n, i)->at_ps, k++ * 11776000ull);
        }
    }
    assert_int_equal(k, 10);
    assert_int_equal(n->got->len, 1);
    rdt_net_free(n);
}

static void closing(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 11);
    RdtEvent ev;
    RdtView v;

    rdt_net_send(n, 0, 100);
    assert_true(rdt_close(n->end[0], 0, NET_A));
    assert_false(rdt_close(n->end[0], 0, NET_A));
    assert_int_equal(rdt_send(n->end[0], 0, NET_A, 0, "", 0, NULL),
                     RDT_SEND_NOT_OPEN);
    rdt_net_run(n, 100 * US);
    /* acknowledged after two delays, then the close */
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_PEER_CLOSED, &ev), 1);
    assert_int_equal(ev.at_ps, 3 * NET_DELAY_PS);
    /* the other direction goes on */
    rdt_net_send(n, 1, 50);
    assert_true(rdt_close(n->end[1], n->now_ps, NET_B));
    rdt_net_run(n, 200 * US);
    assert_int_equal(n->got->len, 2);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_CLOSED, &ev), 1);
    assert_int_equal(ev.at_ps, 100 * US + 3 * NET_DELAY_PS);
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_CLOSED, &ev), 1);
    assert_int_equal(ev.at_ps, 100 * US + 4 * NET_DELAY_PS);
    assert_true(rdt_view(n->end[0], NET_A, &v));
    assert_int_equal(v.state, RDT_CLOSED);
    rdt_net_run(n, 100 * US + 3 * NET_DELAY_PS + 10000 * US);
    assert_false(rdt_view(n->end[0], NET_A, &v));
    assert_int_equal(rdt_sessions(n->end[0], NULL, 0), 0);
    rdt_net_free(n);
}

static void giving_up(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 12);
    RdtEvent ev;

    rdt_net_send(n, 0, 100000);
    rdt_net_drain(n);
    assert_true(rdt_abort(n->end[0], 0, NET_A));
    assert_false(rdt_abort(n->end[0], 0, NET_A));
    rdt_net_run(n, 100 * US);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_DEAD, &ev), 1);
    assert_int_equal(ev.a, RDT_DEATH_LOCAL);
    assert_int_equal(rdt_net_events(n, 1, RDT_EV_DEAD, &ev), 1);
    assert_int_equal(ev.at_ps, NET_DELAY_PS);
    assert_int_equal(ev.a, RDT_DEATH_PEER);
    assert_int_equal(n->got->len, 0);
    assert_true(rdt_forget(n->end[0], NET_A));
    assert_false(rdt_forget(n->end[0], NET_A));
    rdt_net_free(n);
}

static void sessions_that_cannot_be(void **state)
{
    RdtNet *n = rdt_net_new(NULL, 13);
    RdtSession s = { .local_id = 5, .remote_id = 6, .key_id = NET_KEY };
    uint32_t ids[4] = { 0 };
    const char *why;

    rdt_params_default(&s.params);
    s.key_id = 99;
    assert_false(rdt_open(n->end[0], 0, &s, &why));
    assert_string_equal(why, "there is no such key");
    s.key_id = NET_KEY;
    s.local_id = NET_A;
    assert_false(rdt_open(n->end[0], 0, &s, &why));
    assert_string_equal(why, "the session's id is in use");
    s.local_id = 6;
    assert_false(rdt_open(n->end[0], 0, &s, &why));
    s.local_id = 5;
    s.params.n_paths = 65;
    assert_false(rdt_open(n->end[0], 0, &s, &why));
    assert_string_equal(why, "n_paths is not 1 to 64");
    s.params.n_paths = 64;
    s.params.rx_bytes = 1000;
    assert_false(rdt_open(n->end[0], 0, &s, &why));
    s.params.rx_bytes = 1u << 20;
    assert_true(rdt_open(n->end[0], 0, &s, &why));
    assert_int_equal(rdt_sessions(n->end[0], ids, 4), 2);
    assert_int_equal(ids[0], 5);
    assert_int_equal(ids[1], NET_A);
    rdt_net_free(n);
}

#define SESSIONS 200u

/* Everything that @from sends now, to the other end at once; how many. */
static unsigned hand_over(Rdt *from, Rdt *to, uint64_t now, bool fair)
{
    bool seen[2 * SESSIONS] = { false };
    unsigned n = 0;
    RdtOut out;

    for (; rdt_output(from, now, &out); n++) {
        unsigned index = (out.session & 0xffff) - 1;

        assert_false(fair && n < SESSIONS && seen[index]);
        seen[index] = true;
        assert_int_equal(rdt_input(to, now, out.bytes, out.len, false),
                         RDT_IN_OK);
    }
    return n;
}

/* Sessions take turns; each gets its own messages. */
static void many_sessions(void **state)
{
    RdtConfig config = { .seed = 3, .crypto = &rdt_net_crypto };
    Rdt *a = rdt_new(&config), *b = rdt_new(&config);
    uint8_t data[3000] = { 0 };
    const char *why;
    RdtMessage m;

    for (uint32_t i = SESSIONS; i; i--) {
        RdtSession s = { .local_id = i,
                         .remote_id = 0x10000 + i,
                         .key_id = NET_KEY };

        rdt_params_default(&s.params);
        assert_true(rdt_open(a, 0, &s, &why));
        s.local_id = s.remote_id;
        s.remote_id = i;
        assert_true(rdt_open(b, 0, &s, &why));
        assert_int_equal(rdt_send(a, 0, i, (uint16_t)i, data, 3000, NULL),
                         RDT_SEND_OK);
    }
    assert_int_equal(hand_over(a, b, 0, true), 3 * SESSIONS);
    assert_int_equal(hand_over(b, a, 0, true), SESSIONS);
    assert_int_equal(rdt_next_ps(a), RDT_NEVER_PS);
    assert_int_equal(rdt_next_ps(b), RDT_NEVER_PS);
    for (uint32_t i = 1; i <= SESSIONS; i++) {
        assert_true(rdt_receive(b, 1, 0x10000 + i, &m));
        assert_int_equal(m.channel, i);
        g_free(m.data);
        assert_false(rdt_receive(b, 1, 0x10000 + i, &m));
    }
    rdt_free(a);
    rdt_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_a_packet),
        cmocka_unit_test(every_byte_of_an_acknowledgement),
        cmocka_unit_test(one_message),
        cmocka_unit_test(an_empty_message),
        cmocka_unit_test(when_acknowledgements_go),
        cmocka_unit_test(the_largest_message),
        cmocka_unit_test(short_overtakes_long),
        cmocka_unit_test(credit),
        cmocka_unit_test(credit_in_bytes),
        cmocka_unit_test(the_senders_memory),
        cmocka_unit_test(pacing),
        cmocka_unit_test(closing),
        cmocka_unit_test(giving_up),
        cmocka_unit_test(sessions_that_cannot_be),
        cmocka_unit_test(many_sessions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
