/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_hostile_test.c: a peer that writes what it likes: each field of the
 * header and of a record that a peer can spoil, alone, must stop the reader
 * with its own error, and never earlier than the message before it.
 */
#include "link_pair.h"
#include "link_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECORD sizeof(LinkRecord)
#define LEN 48u
#define SECOND (RECORD + LEN) /* where the second message stands */

/*
 * A Pair in which @b has sent two messages, at 100 and at 200 ps; what the
 * tests spoil is written through @b's mapping, as a peer would.
 */
static int sent_setup(void **state)
{
    Pair *p;

    pair_setup(state);
    p = *state;
    assert_true(pair_send(p->b, 100, LEN, 1));
    assert_true(pair_send(p->b, 200, LEN, 2));
    return 0;
}

static LinkRecord *record(Pair *p, uint64_t at)
{
    return (LinkRecord *)(p->b->tx.ring + at);
}

static uint64_t *produced(Pair *p)
{
    return &p->b->tx.info->produced;
}

/* The first message is fine, the second one is the end. */
static void second_is_refused(Pair *p, LinkErrorCode code)
{
    pair_expect(p->a, 100, LEN, 1);
    assert_null(link_peek(p->a));
    pair_stopped(p->a, code);
    assert_int_equal(*(&p->b->tx.info->consumed), SECOND);
}

#define REC(name, field, value, code)       \
    static void test_##name(void **state)   \
    {                                       \
        Pair *p = *state;                   \
        record(p, SECOND)->field = (value); \
        second_is_refused(p, code);         \
    }

REC(len_beyond_sent, len, LEN + 1, LINK_E_RECORD)
REC(len_too_large, len, LINK_MAX_PAYLOAD_BYTES + 1, LINK_E_RECORD)
REC(len_beyond_ring, len, PAIR_RING - SECOND - RECORD + 1, LINK_E_RECORD)
REC(len_negative, len, UINT32_MAX, LINK_E_RECORD)
REC(len_wraps, len, UINT32_MAX - RECORD + 1, LINK_E_RECORD)
REC(kind_next, kind, LINK_KINDS, LINK_E_KIND)
REC(kind_high, kind, UINT16_MAX, LINK_E_KIND)
REC(kind_pad, kind, LINK_PAD, LINK_E_RECORD)
REC(kind_control, kind, LINK_CONTROL, LINK_E_KIND)
REC(ps_backwards, ps, 99, LINK_E_STAMP)
REC(ps_zero, ps, 0, LINK_E_STAMP)
REC(ps_never, ps, LINK_NEVER, LINK_E_STAMP)

/* A frame may be shorter than sent, but not without its header. */
static void test_frame_too_short(void **state)
{
    Pair *p = *state;

    record(p, SECOND)->kind = LINK_FRAME;
    record(p, SECOND)->len = LINK_MIN_FRAME_BYTES - 1;
    second_is_refused(p, LINK_E_KIND);
}

/* All of it was sent, but it is more than a message may have. */
static void test_len_sent_but_too_large(void **state)
{
    Pair *p = *state;

    *produced(p) = 16384;
    record(p, SECOND)->len = LINK_MAX_PAYLOAD_BYTES + 1;
    second_is_refused(p, LINK_E_KIND);
}

#define PRODUCED(name, value)                             \
    static void test_produced_##name(void **state)        \
    {                                                     \
        Pair *p = *state;                                 \
        pair_expect(p->a, 100, LEN, 1);                   \
        assert_int_equal(link_peek_ps(p->a), 200);        \
        link_consume(p->a);                               \
        *produced(p) = (value);                           \
        assert_int_equal(link_peek_ps(p->a), LINK_NEVER); \
        pair_stopped(p->a, LINK_E_INDEX);                 \
    }

PRODUCED(backwards, SECOND)
PRODUCED(zero, 0)
PRODUCED(odd, 2 * SECOND + 8)
PRODUCED(beyond_ring, 2 * SECOND + PAIR_RING + 16)
PRODUCED(far, UINT64_MAX)
PRODUCED(far_aligned, UINT64_MAX - 15)
PRODUCED(negative, 1ull << 63)

/* The most that can be: all bytes of the ring; here full of zeros. */
static void test_produced_all_zeros(void **state)
{
    Pair *p = *state;

    *produced(p) = PAIR_RING;
    pair_expect(p->a, 100, LEN, 1);
    pair_expect(p->a, 200, LEN, 2);
    assert_null(link_peek(p->a));
    pair_stopped(p->a, LINK_E_RECORD); /* padding that ends too early */
}

/* Padding up to the ring's end, with nothing or with padding behind it. */
static void pad_to_end(Pair *p)
{
    *record(p, SECOND) = (LinkRecord){
        .ps = 200,
        .len = PAIR_RING - SECOND - RECORD,
        .kind = LINK_PAD,
    };
}

static void test_pad_alone(void **state)
{
    Pair *p = *state;

    pad_to_end(p);
    *produced(p) = PAIR_RING;
    second_is_refused(p, LINK_E_RECORD);
}

static void test_pad_twice(void **state)
{
    Pair *p = *state;

    pad_to_end(p);
    pair_expect(p->a, 100, LEN, 1);
    *produced(p) = PAIR_RING + SECOND;
    *record(p, 0) = (LinkRecord){ .ps = 200, .len = PAIR_RING - RECORD };
    assert_null(link_peek(p->a));
    pair_stopped(p->a, LINK_E_RECORD);
}

static void test_pad_then_message(void **state)
{
    Pair *p = *state;

    pad_to_end(p);
    pair_expect(p->a, 100, LEN, 1);
    *produced(p) = PAIR_RING + SECOND;
    record(p, 0)->ps = 150;
    pair_expect(p->a, 150, LEN, 1); /* the first one again */
    assert_null(link_peek(p->a));
    assert_null(link_error(p->a));
}

/* What was peeked does not change when the shared memory does. */
static void test_change_after_peek(void **state)
{
    Pair *p = *state;

    assert_int_equal(link_peek_ps(p->a), 100);
    assert_non_null(link_peek(p->a));
    memset(record(p, 0), 0xff, RECORD + LEN);
    pair_expect(p->a, 100, LEN, 1);
    pair_expect(p->a, 200, LEN, 2);
}

static void test_control_content(void **state)
{
    static const LinkControl bad[] = {
        { .op = 0 },
        { .op = LINK_CONTROL_UP },
        { .op = LINK_CONTROL_UP, .reserved = 1, .value = 1 },
        { .op = LINK_CONTROL_DOWN, .value = 1 },
        { .op = LINK_CONTROL_DOWN, .reserved = 1 },
        { .op = 3 },
        { .op = UINT32_MAX, .value = 1 },
    };

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        Pair *p;

        pair_setup(state);
        p = *state;
        assert_true(link_send(p->b, 5, LINK_CONTROL, 0, &bad[i], 16));
        assert_int_equal(link_peek_ps(p->a), 5);
        assert_null(link_peek(p->a));
        pair_stopped(p->a, LINK_E_CONTROL);
        pair_teardown(state);
    }
}

#define CONSUMED(name, value)                            \
    static void test_consumed_##name(void **state)       \
    {                                                    \
        Pair *p = *state;                                \
        pair_expect(p->a, 100, LEN, 1);                  \
        assert_int_equal(link_unconsumed_ps(p->b), 200); \
        p->a->rx.info->consumed = (value);               \
        assert_int_equal(link_unconsumed_ps(p->b), 0);   \
        pair_stopped(p->b, LINK_E_INDEX);                \
    }

CONSUMED(backwards, 0)
CONSUMED(between, SECOND + 16)
CONSUMED(odd, SECOND + 1)
CONSUMED(beyond, 2 * SECOND + 16)
CONSUMED(far, UINT64_MAX)

/* A full ring's sender believes a lie about room no more than that. */
static void test_consumed_when_full(void **state)
{
    Pair *p = *state;

    while (pair_send(p->b, 300, 1000, 3)) {
    }
    assert_null(link_error(p->b));
    p->a->rx.info->consumed = 1ull << 40;
    assert_false(pair_send(p->b, 300, 1000, 3));
    pair_stopped(p->b, LINK_E_INDEX);
}

#define T(f) cmocka_unit_test_setup_teardown(f, sent_setup, pair_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_len_beyond_sent),
        T(test_len_too_large),
        T(test_len_beyond_ring),
        T(test_len_negative),
        T(test_len_wraps),
        T(test_kind_next),
        T(test_kind_high),
        T(test_kind_pad),
        T(test_kind_control),
        T(test_ps_backwards),
        T(test_ps_zero),
        T(test_ps_never),
        T(test_frame_too_short),
        T(test_len_sent_but_too_large),
        T(test_produced_backwards),
        T(test_produced_zero),
        T(test_produced_odd),
        T(test_produced_beyond_ring),
        T(test_produced_far),
        T(test_produced_far_aligned),
        T(test_produced_negative),
        T(test_produced_all_zeros),
        T(test_pad_alone),
        T(test_pad_twice),
        T(test_pad_then_message),
        T(test_change_after_peek),
        cmocka_unit_test(test_control_content),
        T(test_consumed_backwards),
        T(test_consumed_between),
        T(test_consumed_odd),
        T(test_consumed_beyond),
        T(test_consumed_far),
        T(test_consumed_when_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
