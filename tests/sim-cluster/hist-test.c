/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hist-test.c: the histogram against sorted samples.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hist.h"

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Values of all magnitudes: uniform in the number of bits, then in value. */
static uint64_t any_value(GRand *rand)
{
    uint64_t v = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);

    return v >> g_rand_int_range(rand, 0, 64);
}

static void check_percentiles(const Hist *h, const uint64_t *sorted, size_t n)
{
    static const uint32_t ppm[] = { 0,        1,        100000,     HIST_P50,
                                    HIST_P90, HIST_P99, HIST_P99_9, HIST_P99_99,
                                    999999,   HIST_MAX };

    for (size_t i = 0; i < G_N_ELEMENTS(ppm); i++) {
        size_t rank =
            (size_t)(((unsigned __int128)n * ppm[i] + 999999) / 1000000);
        uint64_t exact = sorted[rank ? rank - 1 : 0];
        uint64_t got = hist_percentile(h, ppm[i]);

        assert_true(got >= exact);
        assert_true(got - exact <= exact / 1024);
    }
}

static void test_percentiles_match_sorted_samples(void **state)
{
    for (unsigned seed = 1; seed <= 200; seed++) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        g_autoptr(Hist) h = hist_new();
        size_t n = (size_t)g_rand_int_range(rand, 1, 3000);
        g_autofree uint64_t *v = g_new(uint64_t, n);

        for (size_t i = 0; i < n; i++) {
            v[i] = any_value(rand);
            hist_add(h, v[i]);
        }
        qsort(v, n, sizeof(*v), by_value);
        assert_int_equal(hist_count(h), n);
        assert_int_equal(hist_min(h), v[0]);
        assert_int_equal(hist_max(h), v[n - 1]);
        check_percentiles(h, v, n);
    }
}

static void test_small_values_are_exact(void **state)
{
    g_autoptr(Hist) h = hist_new();

    for (uint64_t v = 0; v < 2048; v++) {
        hist_add(h, v);
    }
    for (uint32_t rank = 1; rank <= 2048; rank++) {
        uint32_t ppm = (uint32_t)((uint64_t)rank * 1000000 / 2048);

        assert_in_range(hist_percentile(h, ppm), rank - 1 ? rank - 2 : 0,
                        rank - 1);
    }
    assert_int_equal(hist_mean(h), 1023);
}

static void test_largest_value(void **state)
{
    g_autoptr(Hist) h = hist_new();

    hist_add(h, UINT64_MAX);
    hist_add(h, UINT64_MAX - 1);
    assert_true(hist_percentile(h, HIST_P50) == UINT64_MAX);
    assert_true(hist_mean(h) == UINT64_MAX - 1);
}

static void test_merge_equals_adding_all(void **state)
{
    for (unsigned seed = 1; seed <= 50; seed++) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        g_autoptr(Hist) a = hist_new(), b = hist_new(), both = hist_new();
        g_autoptr(GString) merged = g_string_new(NULL);
        g_autoptr(GString) direct = g_string_new(NULL);

        for (int i = g_rand_int_range(rand, 0, 500); i > 0; i--) {
            uint64_t v = any_value(rand), n = g_rand_int_range(rand, 0, 4);

            hist_add_n(g_rand_boolean(rand) ? a : b, v, n);
            hist_add_n(both, v, n);
        }
        hist_merge(a, b);
        hist_to_hgrm(a, 1, merged);
        hist_to_hgrm(both, 1, direct);
        assert_string_equal(merged->str, direct->str);
        assert_int_equal(hist_min(a), hist_min(both));
    }
}

typedef struct Walk {
    uint64_t value, count;
    const Hist *h;
} Walk;

static void walk(void *opaque, uint64_t value, uint64_t count_to_here)
{
    Walk *w = opaque;

    assert_true(count_to_here > w->count);
    assert_true(w->count == 0 || value > w->value);
    assert_int_equal(hist_count_to(w->h, value), count_to_here);
    w->value = value;
    w->count = count_to_here;
}

static void test_foreach_rises_to_the_total(void **state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autoptr(Hist) h = hist_new();
    Walk w = { .h = h };

    for (int i = 0; i < 5000; i++) {
        hist_add(h, any_value(rand));
    }
    hist_foreach(h, walk, &w);
    assert_int_equal(w.count, hist_count(h));
    assert_true(w.value == hist_max(h));
}

static void test_empty(void **state)
{
    g_autoptr(Hist) h = hist_new();
    g_autoptr(GString) text = g_string_new(NULL);

    assert_int_equal(hist_percentile(h, HIST_P99), 0);
    assert_int_equal(hist_min(h), 0);
    assert_int_equal(hist_mean(h), 0);
    hist_to_hgrm(h, 1000, text);
    assert_non_null(strstr(text->str, "Total count    =            0]"));
    hist_free(NULL);
}

static void test_hgrm_text(void **state)
{
    static const char expected[] =
        "       Value     Percentile TotalCount 1/(1-Percentile)\n"
        "\n"
        "       1.000 0.250000000000          1           1.33\n"
        "       2.000 0.500000000000          2           2.00\n"
        "       3.001 0.750000000000          3           4.00\n"
        "       4.000 1.000000000000          4\n"
        "#[Mean    =        2.500, StdDeviation   =        1.118]\n"
        "#[Max     =        4.000, Total count    =            4]\n"
        "#[Buckets =            2, SubBuckets     =         2048]\n";
    g_autoptr(Hist) h = hist_new();
    g_autoptr(GString) text = g_string_new(NULL);

    for (uint64_t v = 1000; v <= 4000; v += 1000) {
        hist_add(h, v);
    }
    hist_to_hgrm(h, 1000, text);
    assert_string_equal(text->str, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percentiles_match_sorted_samples),
        cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_largest_value),
        cmocka_unit_test(test_merge_equals_adding_all),
        cmocka_unit_test(test_foreach_rises_to_the_total),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_hgrm_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
