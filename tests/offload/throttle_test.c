/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * throttle_test.c: the token buckets: exact instants, order, debts, and the
 * limit over every window of random loads.
 */
#include "mock_seam.h"
#include "throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S THROTTLE_PS_PER_S
#define MS (S / 1000)

static Throttle t;

static void limit(uint64_t iops, uint64_t burst_ios, uint64_t bytes_per_s,
                  uint64_t burst_bytes)
{
    CardLimits l = { iops, burst_ios, bytes_per_s, burst_bytes };
    const char *why;

    assert_true(throttle_limits_valid(&l, &why));
    throttle_init(&t, 0);
    throttle_set(&t, &l, 0);
}

/* Lets the first waiter go at the first possible instant. */
static uint64_t pop(unsigned slot)
{
    uint64_t at = throttle_next_ps(&t, t.at_ps);
    ThrottleWaiter w;

    assert_true(at != SEAM_NEVER);
    if (at > t.at_ps) {
        assert_false(throttle_pop(&t, at - 1, &w));
    }
    assert_true(throttle_pop(&t, at, &w));
    assert_int_equal(w.slot, slot);
    return at;
}

static void test_unlimited(void **state)
{
    throttle_init(&t, 5);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(throttle_request(&t, i % 256, UINT32_MAX, 5));
    }
    assert_int_equal(throttle_next_ps(&t, 5), SEAM_NEVER);
}

static void test_exact_instants(void **state)
{
    limit(1000, 2, 0, 0);
    assert_true(throttle_request(&t, 0, 512, 0));
    assert_true(throttle_request(&t, 1, 512, 0));
    assert_false(throttle_request(&t, 2, 512, 0));
    assert_false(throttle_request(&t, 3, 512, 0));
    assert_int_equal(pop(2), 1 * MS);
    assert_int_equal(pop(3), 2 * MS);
    /* Half a token has come back at 2.5 ms. */
    assert_false(throttle_request(&t, 4, 512, 2 * MS + MS / 2));
    assert_int_equal(pop(4), 3 * MS);
}

static void test_bytes(void **state)
{
    limit(0, 0, 1000000, 4096);
    assert_true(throttle_request(&t, 0, 4096, 0));
    assert_false(throttle_request(&t, 1, 1000, 0));
    assert_int_equal(pop(1), 1 * MS);
}

/* The slower of the two buckets decides. */
static void test_both(void **state)
{
    limit(1000, 1, 1000000, 1000);
    assert_true(throttle_request(&t, 0, 1000, 0));
    assert_false(throttle_request(&t, 1, 10, 0));
    assert_false(throttle_request(&t, 2, 5000, 0));
    assert_false(throttle_request(&t, 3, 1000, 0));
    assert_int_equal(pop(1), 1 * MS);
    /* More than the burst: when the bucket is full, and then a debt. */
    assert_int_equal(pop(2), 2 * MS);
    assert_int_equal(pop(3), 7 * MS);
}

/* A third of a token a picosecond pair: no rounding adds up. */
static void test_no_drift(void **state)
{
    limit(3, 1, 0, 0);
    assert_true(throttle_request(&t, 0, 0, 0));
    for (uint64_t n = 1; n <= 300000; n++) {
        assert_false(throttle_request(&t, n % 256, 0, t.at_ps));
        assert_int_equal(pop(n % 256), (n * S + 2) / 3);
    }
}

static void test_large_rates(void **state)
{
    ThrottleWaiter w;

    limit(THROTTLE_MAX_TOKENS, THROTTLE_MAX_TOKENS, THROTTLE_MAX_TOKENS,
          THROTTLE_MAX_TOKENS);
    assert_true(throttle_request(&t, 0, UINT32_MAX, 0));
    assert_true(throttle_request(&t, 1, UINT32_MAX, SEAM_NEVER - 1));
    limit(1, 1, 1, 1);
    assert_true(throttle_request(&t, 0, UINT32_MAX, 0));
    assert_false(throttle_request(&t, 1, 1, 0));
    /* 2^32 seconds are more than the clock has. */
    assert_int_equal(throttle_next_ps(&t, 0), SEAM_NEVER);
    assert_false(throttle_pop(&t, 1000 * S, &w));
}

/* Requests without bytes do not wait for a debt of bytes. */
static void test_no_bytes(void **state)
{
    limit(0, 0, 1000, 1);
    assert_true(throttle_request(&t, 0, 1000000, 0));
    assert_true(throttle_request(&t, 1, 0, 0));
}

static void test_order_and_cancel(void **state)
{
    limit(1000, 1, 0, 0);
    assert_true(throttle_request(&t, 0, 0, 0));
    for (unsigned i = 1; i < 5; i++) {
        assert_false(throttle_request(&t, i, 0, 0));
    }
    assert_true(throttle_cancel(&t, 3));
    assert_true(throttle_cancel(&t, 1));
    assert_false(throttle_cancel(&t, 1));
    assert_int_equal(pop(2), MS);
    assert_int_equal(pop(4), 2 * MS);
    assert_int_equal(throttle_next_ps(&t, 2 * MS), SEAM_NEVER);
}

static void test_new_limits(void **state)
{
    CardLimits fast = { 10000, 1, 0, 0 }, none = { 0 };

    limit(1, 1, 0, 0);
    assert_true(throttle_request(&t, 0, 0, 0));
    assert_false(throttle_request(&t, 1, 0, 0));
    assert_int_equal(throttle_next_ps(&t, 0), S);
    throttle_set(&t, &fast, S / 2);
    /* Half a token was there, the other half comes at the new rate. */
    assert_int_equal(pop(1), S / 2 + S / 20000);
    assert_false(throttle_request(&t, 2, 0, t.at_ps));
    throttle_set(&t, &none, t.at_ps);
    assert_int_equal(pop(2), S / 2 + S / 20000);
}

static void test_refund(void **state)
{
    limit(1000, 1, 1000, 512);
    assert_true(throttle_request(&t, 0, 512, 0));
    throttle_refund(&t, 512, 0);
    assert_true(throttle_request(&t, 0, 512, 0));
    throttle_refund(&t, 512, 0);
    throttle_refund(&t, 512, 0);
    assert_true(throttle_request(&t, 0, 512, 0));
    assert_false(throttle_request(&t, 1, 512, 0));
}

static void test_invalid(void **state)
{
    const CardLimits bad[] = {
        { THROTTLE_MAX_TOKENS + 1, 0, 0, 0 },
        { 1, THROTTLE_MAX_TOKENS + 1, 0, 0 },
        { 0, 0, THROTTLE_MAX_TOKENS + 1, 0 },
        { 0, 0, 1, THROTTLE_MAX_TOKENS + 1 },
        { 0, 1, 0, 0 },
        { 1, 0, 0, 1 },
    };
    const char *why;

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        why = NULL;
        assert_false(throttle_limits_valid(&bad[i], &why));
        assert_non_null(why);
    }
}

/* ---- properties ------------------------------------------------------------
 */

typedef struct Admission {
    uint64_t at_ps;
    uint32_t bytes;
} Admission;

static uint64_t seed_of_run(void)
{
    const char *given = getenv("OUTRIGGER_TEST_SEED");
    uint64_t seed = given ? g_ascii_strtoull(given, NULL, 0) : 20260817;

    print_message("seed %" G_GUINT64_FORMAT "\n", seed);
    return seed;
}

/*
 * A queue that is never empty, random sizes, for @seconds: the admissions.
 * The timer comes up to 1 ns late, as the host's does.
 */
static GArray *saturate(uint64_t *rng, uint32_t max_bytes, unsigned seconds)
{
    GArray *log = g_array_new(false, false, sizeof(Admission));
    uint64_t now = 0;

    while (now < seconds * S) {
        Admission a = { now, mock_random(rng) % max_bytes + 1 };
        ThrottleWaiter w;

        if (!throttle_request(&t, 0, a.bytes, now)) {
            now = throttle_next_ps(&t, now) + mock_random(rng) % 1000;
            assert_true(throttle_pop(&t, now, &w));
            a.at_ps = now;
        }
        g_array_append_val(log, a);
    }
    return log;
}

/* Over every window of 1 s that starts with an admission after @from. */
static void check_windows(const GArray *log, uint64_t from, uint64_t rate,
                          bool bytes, uint64_t end)
{
    const Admission *a = (const Admission *)log->data;
    uint64_t sum = 0;
    unsigned hi = 0, windows = 0;

    for (unsigned lo = 0; lo < log->len && a[lo].at_ps + S <= end; lo++) {
        while (hi < log->len && a[hi].at_ps < a[lo].at_ps + S) {
            sum += bytes ? a[hi].bytes : 1;
            hi++;
        }
        if (a[lo].at_ps >= from) {
            assert_true(sum * 100 >= rate * 95 && sum * 100 <= rate * 105);
            windows++;
        }
        sum -= bytes ? a[lo].bytes : 1;
    }
    assert_true(windows > 100);
}

static void test_windows(void **state)
{
    uint64_t rng = seed_of_run();

    for (unsigned i = 0; i < 20; i++) {
        uint64_t iops = 100 + mock_random(&rng) % 5000;
        uint64_t bps = 1000000 + mock_random(&rng) % 100000000;
        g_autoptr(GArray) ios = NULL;
        g_autoptr(GArray) bytes = NULL;

        limit(iops, mock_random(&rng) % iops / 10 + 1, 0, 0);
        ios = saturate(&rng, 4096, 4);
        check_windows(ios, S, iops, false, 4 * S);
        limit(0, 0, bps, mock_random(&rng) % bps / 10 + 1);
        bytes = saturate(&rng, bps / 50, 4);
        check_windows(bytes, S, bps, true, 4 * S);
    }
}

/* No load gets more than burst + rate x time + one request. */
static void test_bound(void **state)
{
    uint64_t rng = seed_of_run();

    for (unsigned i = 0; i < 50; i++) {
        uint64_t rate = 1 + mock_random(&rng) % 100000;
        uint64_t burst = 1 + mock_random(&rng) % 1000;
        uint64_t now = 0, total = 0;

        limit(0, 0, rate, burst);
        for (unsigned k = 0; k < 2000; k++) {
            uint32_t bytes = 1 + mock_random(&rng) % 2000;
            ThrottleWaiter w;

            now += mock_random(&rng) % (S / 50);
            if (!throttle_request(&t, 0, bytes, now)) {
                now = MAX(now, throttle_next_ps(&t, now));
                assert_true(throttle_pop(&t, now, &w));
            }
            total += bytes;
            assert_true((__int128)total * S <=
                        (__int128)(burst + 2000) * S + (__int128)now * rate);
        }
    }
}

/* ---- state -------------------------------------------------------------- */

static void reload(uint64_t from_ps, uint64_t to_ps)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    Throttle old = t;
    CardLimits l = { t.ios.rate, t.ios.burst, t.bytes.rate, t.bytes.burst };
    StateReader r;

    throttle_save(&old, from_ps, out);
    throttle_init(&t, to_ps);
    throttle_set(&t, &l, to_ps);
    state_reader_init(&r, out->data, out->len);
    throttle_load(&t, to_ps, &r);
    assert_true(state_reader_finish(&r, NULL));
}

/* A future after saving and loading is the same future, on another clock. */
static void test_save_load(void **state)
{
    uint64_t rng = seed_of_run(), now = 0, off = 0;
    Throttle twin;

    limit(777, 3, 123457, 999);
    for (unsigned k = 0; k < 5000; k++) {
        uint32_t bytes = mock_random(&rng) % 2000;
        bool a = throttle_request(&t, k % 256, bytes, now + off), b;
        Throttle first = t;

        t = twin = k ? twin : (limit(777, 3, 123457, 999), t);
        b = throttle_request(&t, k % 256, bytes, now);
        assert_int_equal(a, b);
        twin = t;
        t = first;
        reload(now + off, now + k * 1000);
        off = k * 1000;
        while (t.n_waiting > 3) {
            uint64_t at = throttle_next_ps(&t, now + off);
            ThrottleWaiter w, v;

            assert_int_equal(at - off, throttle_next_ps(&twin, now));
            assert_true(throttle_pop(&t, at, &w));
            assert_true(throttle_pop(&twin, at - off, &v));
            assert_int_equal(w.slot, v.slot);
            assert_int_equal(w.bytes, v.bytes);
            assert_int_equal(w.since_ps - off, v.since_ps);
            now = at - off;
        }
    }
}

static void refuse(void (*damage)(GByteArray *b))
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    CardLimits l = { 1000, 1, 0, 0 };
    char *why = NULL;
    StateReader r;

    limit(1000, 1, 0, 0);
    throttle_request(&t, 0, 0, 0);
    throttle_request(&t, 7, 0, 0);
    throttle_request(&t, 8, 0, 0);
    throttle_save(&t, 0, out);
    damage(out);
    throttle_init(&t, 0);
    throttle_set(&t, &l, 0);
    state_reader_init(&r, out->data, out->len);
    throttle_load(&t, 0, &r);
    assert_false(state_reader_finish(&r, &why));
    assert_non_null(why);
    g_free(why);
}

static void deep_debt(GByteArray *b)
{
    b->data[15] = 0x70;
}

static void many_waiting(GByteArray *b)
{
    b->data[33] = 2;
}

static void slot_twice(GByteArray *b)
{
    b->data[36 + 14] = 7;
}

static void slot_beyond(GByteArray *b)
{
    b->data[37] = 1;
}

static void waits_since_never(GByteArray *b)
{
    b->data[36 + 6] = 1;
}

static void test_load_refuses(void **state)
{
    refuse(deep_debt);
    refuse(many_waiting);
    refuse(slot_twice);
    refuse(slot_beyond);
    refuse(waits_since_never);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unlimited),
        cmocka_unit_test(test_exact_instants),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_no_drift),
        cmocka_unit_test(test_large_rates),
        cmocka_unit_test(test_no_bytes),
        cmocka_unit_test(test_order_and_cancel),
        cmocka_unit_test(test_new_limits),
        cmocka_unit_test(test_refund),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_save_load),
        cmocka_unit_test(test_load_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
