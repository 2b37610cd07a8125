/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_order_test.c: sequencing, the reorder buffer, duplicates.
 */
#include "path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#define GAP_PS 1000u

static PathConfig config(bool sequencing)
{
    PathConfig c = path_config_default(PATH_SPRAY);

    c.sequencing = sequencing;
    c.gap_ps = GAP_PS;
    c.order_packets = 4;
    c.order_bytes = 1000;
    return c;
}

static unsigned freed;

static void free_item(void *item)
{
    freed++;
    free(item);
}

static void *item(uint32_t sequence)
{
    uint32_t *p = malloc(sizeof(*p));

    *p = sequence;
    return p;
}

/* Its sequence number, or -1. */
static int64_t pop(PathOrder *o, uint64_t now_ps)
{
    uint32_t *p = path_order_pop(o, now_ps);
    int64_t sequence = p ? (int64_t)*p : -1;

    free(p);
    return sequence;
}

static PathVerdict push(PathOrder *o, uint64_t now_ps, uint32_t sequence)
{
    void *p = item(sequence);
    PathVerdict v = path_order_push(o, now_ps, sequence, 100, p);

    if (v != PATH_HELD) {
        free(p);
    }
    return v;
}

static void in_order_again(void **state)
{
    PathConfig c = config(true);
    PathOrder *o = path_order_new(&c, free_item);

    (void)state;
    assert_int_equal(push(o, 0, 0), PATH_DELIVER);
    assert_int_equal(push(o, 10, 2), PATH_HELD);
    assert_int_equal(push(o, 20, 3), PATH_HELD);
    assert_int_equal(pop(o, 20), -1);
    assert_int_equal(path_order_deadline_ps(o), 10 + GAP_PS);
    assert_int_equal(push(o, 30, 1), PATH_DELIVER);
    assert_int_equal(pop(o, 30), 2);
    assert_int_equal(pop(o, 30), 3);
    assert_int_equal(pop(o, 30), -1);
    assert_int_equal(path_order_deadline_ps(o), PATH_NEVER);
    assert_int_equal(path_order_stats(o).reordered, 1);
    assert_int_equal(path_order_stats(o).delivered_late, 0);
    path_order_free(o);
}

static void gap_timeout_at_its_instant(void **state)
{
    PathConfig c = config(true);
    PathOrder *o = path_order_new(&c, free_item);

    (void)state;
    assert_int_equal(push(o, 0, 0), PATH_DELIVER);
    assert_int_equal(push(o, 50, 2), PATH_HELD);
    assert_int_equal(push(o, 60, 4), PATH_HELD); /* another gap */
    assert_int_equal(pop(o, 50 + GAP_PS - 1), -1);
    assert_int_equal(pop(o, 50 + GAP_PS), 2);
    assert_int_equal(pop(o, 50 + GAP_PS), -1);
    assert_int_equal(path_order_deadline_ps(o), 60 + GAP_PS);
    assert_int_equal(push(o, 55 + GAP_PS, 1), PATH_DELIVER); /* too late */
    assert_int_equal(pop(o, 60 + GAP_PS), 4);
    assert_int_equal(path_order_stats(o).gap_timeouts, 2);
    assert_int_equal(path_order_stats(o).delivered_late, 1);
    path_order_free(o);
}

static void bounds(void **state)
{
    PathConfig c = config(true);
    PathOrder *o = path_order_new(&c, free_item);

    (void)state;
    assert_int_equal(push(o, 0, 0), PATH_DELIVER);
    for (uint32_t n = 2; n < 6; n++) {
        assert_int_equal(push(o, n, n), PATH_HELD);
    }
    assert_int_equal(pop(o, 10), -1);
    assert_int_equal(push(o, 10, 7), PATH_HELD); /* a fifth: the gap goes */
    for (uint32_t n = 2; n < 6; n++) {
        assert_int_equal(pop(o, 10), n);
    }
    assert_int_equal(pop(o, 10), -1);
    assert_int_equal(path_order_stats(o).overflows, 1);
    assert_int_equal(push(o, 11, 100), PATH_HELD); /* farther than any slot */
    assert_int_equal(pop(o, 11), 7);
    assert_int_equal(pop(o, 11), 100);
    assert_int_equal(pop(o, 11), -1);
    assert_int_equal(push(o, 12, 101), PATH_DELIVER);
    path_order_free(o);

    c.order_bytes = 250; /* bytes bound it too */
    o = path_order_new(&c, free_item);
    assert_int_equal(push(o, 0, 1), PATH_HELD);
    assert_int_equal(push(o, 0, 2), PATH_HELD);
    assert_int_equal(pop(o, 0), -1);
    assert_int_equal(push(o, 0, 4), PATH_HELD);
    assert_int_equal(pop(o, 0), 1);
    assert_int_equal(pop(o, 0), 2);
    assert_int_equal(pop(o, 0), -1);
    freed = 0;
    path_order_free(o);
    assert_int_equal(freed, 1);
}

static void duplicates(void **state)
{
    (void)state;
    for (unsigned sequencing = 0; sequencing < 2; sequencing++) {
        PathConfig c = config(sequencing);
        PathOrder *o = path_order_new(&c, free_item);

        assert_int_equal(push(o, 0, 0), PATH_DELIVER);
        assert_int_equal(push(o, 0, 0), PATH_DUPLICATE);
        assert_int_not_equal(push(o, 0, 2), PATH_DUPLICATE);
        assert_int_equal(push(o, 0, 2), PATH_DUPLICATE);
        assert_int_equal(push(o, 0, 1), PATH_DELIVER);
        assert_int_equal(pop(o, 0), sequencing ? 2 : -1);
        assert_int_equal(push(o, 0, 1), PATH_DUPLICATE);
        assert_int_not_equal(push(o, 0, 10000), PATH_DUPLICATE);
        pop(o, 0);
        /* 4096 numbers are remembered, what is older is refused */
        assert_int_equal(push(o, 0, 10000 - 4095), PATH_DELIVER);
        assert_int_equal(push(o, 0, 10000 - 4096), PATH_DUPLICATE);
        assert_int_equal(path_order_stats(o).duplicates, 4);
        path_order_free(o);
    }
}

static void counted_without_sequencing(void **state)
{
    PathConfig c = config(false);
    PathOrder *o = path_order_new(&c, free_item);
    static const uint32_t order[] = { 1, 0, 2, 5, 3, 4, 6 };

    (void)state;
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(push(o, i, order[i]), PATH_DELIVER);
        assert_int_equal(pop(o, i), -1);
    }
    assert_int_equal(path_order_stats(o).reordered, 3);
    assert_int_equal(path_order_stats(o).delivered_late, 3);
    path_order_free(o);
}

static void numbers_wrap(void **state)
{
    PathConfig c = config(true);
    PathOrder *o = path_order_new(&c, free_item);

    (void)state;
    assert_int_equal(push(o, 0, UINT32_MAX - 1), PATH_DELIVER);
    assert_int_equal(push(o, 0, 0), PATH_HELD);
    assert_int_equal(push(o, 0, UINT32_MAX), PATH_DELIVER);
    assert_int_equal(pop(o, 0), 0);
    assert_int_equal(push(o, 0, 1), PATH_DELIVER);
    path_order_free(o);
}

/* Any arrivals: each number at most once, in order unless it is counted, and
 * nothing is kept for ever. */
static void random_arrivals(void **state)
{
    uint64_t x = 20261122;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)x);
    for (unsigned round = 0; round < 200; round++) {
        PathConfig c = config(true);
        PathOrder *o = path_order_new(&c, free_item);
        uint32_t base = round & 1 ? 0 : 77777;
        uint64_t delivered = 0, late = 0, pushed = 0;
        int64_t newest = -1;
        bool once[512] = { false };

        for (unsigned i = 0; i < 400; i++) {
            uint32_t n;
            uint64_t now_ps = i * 100;
            int64_t got;

            x = x * 6364136223846793005u + 1442695040888963407u;
            n = i + (x >> 60);
            switch (push(o, now_ps, base + n)) {
            case PATH_DELIVER:
                assert_false(once[n]);
                once[n] = true;
                delivered++;
                late += (int64_t)n < newest;
                newest = (int64_t)n > newest ? n : newest;
                pushed++;
                break;
            case PATH_HELD:
                pushed++;
                break;
            default:
                break;
            }
            while ((got = pop(o, now_ps)) >= 0) {
                got -= base;
                assert_false(once[got]);
                once[got] = true;
                assert_true(got > newest);
                newest = got;
                delivered++;
            }
        }
        while (pop(o, 1000000) >= 0) {
            delivered++;
        }
        assert_int_equal(delivered, pushed);
        assert_int_equal(late, path_order_stats(o).delivered_late);
        assert_int_equal(path_order_deadline_ps(o), PATH_NEVER);
        path_order_free(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_again),
        cmocka_unit_test(gap_timeout_at_its_instant),
        cmocka_unit_test(bounds),
        cmocka_unit_test(duplicates),
        cmocka_unit_test(counted_without_sequencing),
        cmocka_unit_test(numbers_wrap),
        cmocka_unit_test(random_arrivals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
