/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_ring_test.c: sending and receiving: every edge of a ring, what a
 * sender is refused, and what is known of messages on the way.
 */
#include "link_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECORD sizeof(LinkRecord)

static void test_one_message(void **state)
{
    Pair *p = *state;
    const char text[] = "a frame of 18 bytes";
    const LinkMsg *m;

    assert_null(link_peek(p->b));
    assert_int_equal(link_peek_ps(p->b), LINK_NEVER);
    assert_true(link_send(p->a, 77, LINK_FRAME, 513, text, 18));
    m = link_peek(p->b);
    assert_non_null(m);
    assert_int_equal(m->ps, 77);
    assert_int_equal(m->seq, 0);
    assert_int_equal(m->kind, LINK_FRAME);
    assert_int_equal(m->port, 513);
    assert_int_equal(m->len, 18);
    assert_memory_equal(m->data, text, 18);
    link_consume(p->b);
    assert_null(link_peek(p->b));
    link_consume(p->b); /* nothing to consume: nothing happens */
    assert_null(link_error(p->a));
    assert_null(link_error(p->b));
}

static void test_both_directions(void **state)
{
    Pair *p = *state;

    assert_true(pair_send(p->a, 5, 100, 1));
    assert_true(pair_send(p->b, 3, 200, 2));
    assert_true(pair_send(p->a, 5, 300, 3));
    assert_true(pair_send(p->b, 9, 0, 4));
    pair_expect(p->b, 5, 100, 1);
    pair_expect(p->a, 3, 200, 2);
    pair_expect(p->b, 5, 300, 3);
    pair_expect(p->a, 9, 0, 4);
    assert_null(link_peek(p->a));
    assert_null(link_peek(p->b));
}

static void test_gather(void **state)
{
    Pair *p = *state;
    struct iovec iov[] = { { (void *)"head", 4 },
                           { NULL, 0 },
                           { (void *)"payload", 7 } };
    const LinkMsg *m;

    assert_true(link_sendv(p->a, 1, LINK_INPUT, 0, iov, 3));
    assert_true(link_sendv(p->a, 1, LINK_INPUT, 0, NULL, 0));
    m = link_peek(p->b);
    assert_int_equal(m->len, 11);
    assert_memory_equal(m->data, "headpayload", 11);
    link_consume(p->b);
    assert_int_equal(link_peek(p->b)->len, 0);
    assert_int_equal(link_peek(p->b)->seq, 1);
}

/* Small messages until one is refused; how many went. */
static unsigned fill_up(Link *l, uint32_t len)
{
    unsigned n = 0;

    while (pair_send(l, n, len, n)) {
        n++;
    }
    assert_null(link_error(l));
    return n;
}

static void test_full_and_exact_fit(void **state)
{
    Pair *p = *state;
    unsigned n = fill_up(p->a, 0);

    /* The smallest messages fill a ring to the last byte. */
    assert_int_equal(n, PAIR_RING / RECORD);
    assert_int_equal(link_unconsumed(p->a), n);
    for (unsigned i = 0; i < n; i++) {
        pair_expect(p->b, i, 0, i);
    }
    assert_null(link_peek(p->b));
    assert_int_equal(link_unconsumed(p->a), 0);
    /* One that ends exactly at the ring's end needs no padding. */
    n = PAIR_RING / (RECORD + 240);
    assert_int_equal((RECORD + 240) * n, PAIR_RING);
    for (unsigned i = 0; i < n; i++) {
        assert_true(pair_send(p->a, 1u << 20, 240, i));
    }
    assert_false(pair_send(p->a, 1u << 20, 0, 0));
    for (unsigned i = 0; i < n; i++) {
        pair_expect(p->b, 1u << 20, 240, i);
    }
    assert_null(link_peek(p->b));
}

static void test_room_comes_back(void **state)
{
    Pair *p = *state;
    unsigned n = fill_up(p->a, 1000);

    assert_non_null(link_peek(p->b));
    assert_false(pair_send(p->a, n, 1000, n)); /* peeking frees nothing */
    pair_expect(p->b, 0, 1000, 0);
    assert_true(pair_send(p->a, n, 1000, n));
    assert_false(pair_send(p->a, n, 1000, n));
    for (unsigned i = 1; i <= n; i++) {
        pair_expect(p->b, i, 1000, i);
    }
    assert_null(link_peek(p->b));
}

/* Every distance to the ring's end, with every kind of remainder. */
static void test_wrap_and_pad(void **state)
{
    Pair *p = *state;
    uint64_t ps = 0;

    for (uint32_t before = 0; before <= 2 * LINK_RECORD_ALIGN + 1; before++) {
        for (uint32_t len = 0; len < PAIR_RING / 4; len += 611) {
            for (unsigned i = 0; i < 6; i++, ps++) {
                assert_true(pair_send(p->a, ps, before, i));
                assert_true(pair_send(p->a, ps, len, i + 1));
                pair_expect(p->b, ps, before, i);
                pair_expect(p->b, ps, len, i + 1);
                assert_null(link_peek(p->b));
            }
        }
    }
    assert_null(link_error(p->a));
    assert_null(link_error(p->b));
}

/* An empty ring takes the largest message wherever it stands. */
static void test_largest(void **state)
{
    Pair *p = *state;

    for (uint64_t ps = 0; ps < 3 * PAIR_RING / LINK_RECORD_ALIGN; ps++) {
        assert_true(pair_send(p->a, ps, LINK_MAX_PAYLOAD_BYTES, ps));
        pair_expect(p->b, ps, LINK_MAX_PAYLOAD_BYTES, ps);
        assert_true(pair_send(p->a, ps, 0, 0));
        pair_expect(p->b, ps, 0, 0);
    }
}

static void refused(Link *l, LinkErrorCode code, uint64_t ps, uint16_t kind,
                    uint32_t len)
{
    uint8_t data[LINK_MAX_PAYLOAD_BYTES + 1] = { 0 };

    assert_null(link_error(l));
    assert_false(link_send(l, ps, kind, 0, data, len));
    pair_stopped(l, code);
}

#define REFUSED(name, code, ps, kind, len)     \
    static void test_##name(void **state)      \
    {                                          \
        Pair *p = *state;                      \
        assert_true(pair_send(p->a, 9, 0, 0)); \
        refused(p->a, code, ps, kind, len);    \
        pair_expect(p->b, 9, 0, 0);            \
        assert_null(link_peek(p->b));          \
        assert_null(link_error(p->b));         \
    }

REFUSED(too_large, LINK_E_KIND, 9, LINK_FRAME, LINK_MAX_PAYLOAD_BYTES + 1)
REFUSED(short_frame, LINK_E_KIND, 9, LINK_FRAME, LINK_MIN_FRAME_BYTES - 1)
REFUSED(send_pad, LINK_E_KIND, 9, LINK_PAD, 0)
REFUSED(unknown_kind, LINK_E_KIND, 9, LINK_KINDS, 0)
REFUSED(control_length, LINK_E_KIND, 9, LINK_CONTROL, 15)
REFUSED(backwards, LINK_E_STAMP, 8, LINK_OUTPUT, 0)
REFUSED(never, LINK_E_STAMP, LINK_NEVER, LINK_OUTPUT, 0)

static void test_huge_gather(void **state)
{
    Pair *p = *state;
    struct iovec iov[] = { { (void *)"x", 1 }, { (void *)"x", SIZE_MAX } };

    assert_false(link_sendv(p->a, 1, LINK_OUTPUT, 0, iov, 2));
    pair_stopped(p->a, LINK_E_KIND);
}

static void test_stamps(void **state)
{
    Pair *p = *state;

    assert_int_equal(link_last_sent_ps(p->a), 0);
    assert_true(pair_send(p->a, 0, 0, 0));
    assert_true(pair_send(p->a, 0, 0, 0));
    assert_true(pair_send(p->a, LINK_NEVER - 1, 0, 0));
    assert_int_equal(link_last_sent_ps(p->a), LINK_NEVER - 1);
    pair_expect(p->b, 0, 0, 0);
    pair_expect(p->b, 0, 0, 0);
    pair_expect(p->b, LINK_NEVER - 1, 0, 0);
}

static void test_unconsumed(void **state)
{
    Pair *p = *state;

    assert_int_equal(link_unconsumed_ps(p->a), LINK_NEVER);
    assert_true(pair_send(p->a, 10, 50, 0));
    assert_true(pair_send(p->a, 10, 50, 1));
    assert_true(pair_send(p->a, 30, 50, 2));
    assert_int_equal(link_unconsumed_ps(p->a), 10);
    assert_int_equal(link_unconsumed(p->a), 3);
    assert_non_null(link_peek(p->b));
    assert_int_equal(link_unconsumed_ps(p->a), 10);
    pair_expect(p->b, 10, 50, 0);
    assert_int_equal(link_unconsumed_ps(p->a), 10);
    assert_int_equal(link_unconsumed(p->a), 2);
    pair_expect(p->b, 10, 50, 1);
    assert_int_equal(link_unconsumed_ps(p->a), 30);
    pair_expect(p->b, 30, 50, 2);
    assert_int_equal(link_unconsumed_ps(p->a), LINK_NEVER);
    assert_int_equal(link_unconsumed_ps(p->b), LINK_NEVER);
}

static void test_link_state(void **state)
{
    Pair *p = *state;
    LinkControl c;

    assert_true(link_send_state(p->a, 4, 2, 25000000000ull));
    assert_true(link_send_state(p->a, 5, 2, 0));
    assert_int_equal(link_peek(p->b)->kind, LINK_CONTROL);
    c = link_control(link_peek(p->b));
    assert_int_equal(c.op, LINK_CONTROL_UP);
    assert_int_equal(c.value, 25000000000ull);
    link_consume(p->b);
    c = link_control(link_peek(p->b));
    assert_int_equal(c.op, LINK_CONTROL_DOWN);
    assert_int_equal(c.value, 0);
    assert_int_equal(link_peek(p->b)->port, 2);
}

/* Any order of sending and receiving gives back what was sent. */
static void test_random(void **state)
{
    Pair *p = *state;
    unsigned seed = 20261122, sent = 0, got = 0;
    uint64_t sent_ps = 0;
    struct {
        uint64_t ps;
        uint32_t len;
    } on_the_way[PAIR_RING / RECORD];
    const unsigned room = sizeof(on_the_way) / sizeof(on_the_way[0]);

    print_message("seed %u\n", seed);
    while (got < 40000) {
        unsigned dice = rand_r(&seed);
        uint32_t len = dice % 7 ? dice / 64 % 90
                                : dice / 64 % (LINK_MAX_PAYLOAD_BYTES + 1);

        if (dice & 32 && sent < 40000) {
            sent_ps += dice / 64 % 3;
            if (pair_send(p->a, sent_ps, len, sent)) {
                on_the_way[sent % room].ps = sent_ps;
                on_the_way[sent++ % room].len = len;
            }
        } else if (got < sent) {
            assert_int_equal(link_unconsumed_ps(p->a),
                             on_the_way[got % room].ps);
            pair_expect(p->b, on_the_way[got % room].ps,
                        on_the_way[got % room].len, got);
            got++;
        } else {
            assert_null(link_peek(p->b));
        }
        assert_int_equal(link_unconsumed(p->a), sent - got);
    }
    assert_null(link_error(p->a));
    assert_null(link_error(p->b));
}

#define T(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_one_message),     T(test_both_directions),
        T(test_gather),          T(test_full_and_exact_fit),
        T(test_room_comes_back), T(test_wrap_and_pad),
        T(test_largest),         T(test_too_large),
        T(test_short_frame),     T(test_send_pad),
        T(test_unknown_kind),    T(test_control_length),
        T(test_backwards),       T(test_never),
        T(test_huge_gather),     T(test_stamps),
        T(test_unconsumed),      T(test_link_state),
        T(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
