/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * seeds-test.c: means and intervals over seeds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run_seeds.h"

static void one_value_has_no_interval(void **state)
{
    double v = 42, mean = 0;

    assert_float_equal(run_seeds_interval(&v, 1, &mean), 0, 1e-12);
    assert_float_equal(mean, 42, 1e-12);
}

/* 2, 4, 6: s = 2, t(2) = 4.303, half = 4.303 * 2 / sqrt(3). */
static void three_values(void **state)
{
    double v[] = { 2, 4, 6 }, mean = 0;

    assert_float_equal(run_seeds_interval(v, 3, &mean), 4.96868, 1e-4);
    assert_float_equal(mean, 4, 1e-12);
}

/* Beyond the table: the normal distribution's 1.96. */
static void many_values(void **state)
{
    double v[40], mean = 0;

    for (unsigned i = 0; i < 40; i++) {
        v[i] = i % 2 ? 1 : -1;
    }
    assert_float_equal(run_seeds_interval(v, 40, &mean), 0.313851, 1e-5);
    assert_float_equal(mean, 0, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_value_has_no_interval),
        cmocka_unit_test(three_values),
        cmocka_unit_test(many_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
