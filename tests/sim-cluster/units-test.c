/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * units-test.c: values with units: exact both ways, or refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "units.h"

typedef struct Good {
    Unit unit;
    const char *text;
    int64_t value;
} Good;

static const Good good[] = {
    { UNIT_COUNT, "0", 0 },
    { UNIT_COUNT, "9223372036854775807", INT64_MAX },
    { UNIT_COUNT, "1.0", 1 },
    { UNIT_DURATION, "1ps", 1 },
    { UNIT_DURATION, "1ns", 1000 },
    { UNIT_DURATION, "2.5us", 2500000 },
    { UNIT_DURATION, "2 ms", 2000000000 },
    { UNIT_DURATION, "1s", 1000000000000 },
    { UNIT_DURATION, "1min", 60000000000000 },
    { UNIT_DURATION, "0.001ns", 1 },
    { UNIT_DURATION, "0s", 0 },
    { UNIT_DURATION, "9223372.036854775807s", INT64_MAX },
    { UNIT_SIZE, "1B", 1 },
    { UNIT_SIZE, "1KiB", 1024 },
    { UNIT_SIZE, "1.5MiB", 1572864 },
    { UNIT_SIZE, "1GiB", 1073741824 },
    { UNIT_SIZE, "1TiB", 1099511627776 },
    { UNIT_SIZE, "1KB", 1000 },
    { UNIT_SIZE, "1MB", 1000000 },
    { UNIT_SIZE, "1GB", 1000000000 },
    { UNIT_SIZE, "1TB", 1000000000000 },
    { UNIT_RATE, "1bit", 1 },
    { UNIT_RATE, "100Gbit", 100000000000 },
    { UNIT_RATE, "100Gbit/s", 100000000000 },
    { UNIT_RATE, "1B/s", 8 },
    { UNIT_RATE, "100MB/s", 800000000 },
    { UNIT_RATE, "100MiB/s", 838860800 },
    { UNIT_PERCENT, "5%", 50000 },
    { UNIT_PERCENT, "99.9%", 999000 },
    { UNIT_PERCENT, "0.0001%", 1 },
    { UNIT_BOOL, "true", 1 },
    { UNIT_BOOL, "false", 0 },
};

static void test_good(void **state)
{
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) err = NULL;
        int64_t value = -1;

        if (!unit_parse(good[i].unit, good[i].text, &value, &err)) {
            fail_msg("%s: %s", good[i].text, err->message);
        }
        if (value != good[i].value) {
            fail_msg("%s: %" G_GINT64_FORMAT, good[i].text, value);
        }
    }
}

typedef struct Bad {
    Unit unit;
    const char *text;
    UnitsError code;
    const char *message;
} Bad;

#define DURATIONS "ps ns us ms s min"
#define SIZES "B KiB MiB GiB TiB KB MB GB TB"

static const Bad bad[] = {
    { UNIT_COUNT, "", UNITS_ERROR_SYNTAX, "'' is not a whole number" },
    { UNIT_COUNT, "-1", UNITS_ERROR_SYNTAX, "'-1' is not a whole number" },
    { UNIT_COUNT, "+1", UNITS_ERROR_SYNTAX, "'+1' is not a whole number" },
    { UNIT_COUNT, "1e3", UNITS_ERROR_SYNTAX, "'1e3' is not a whole number" },
    { UNIT_COUNT, "1_000", UNITS_ERROR_SYNTAX,
      "'1_000' is not a whole number" },
    { UNIT_COUNT, "017", UNITS_ERROR_SYNTAX, "'017' is not a whole number" },
    { UNIT_COUNT, "1.5", UNITS_ERROR_SYNTAX, "'1.5' is not a whole number" },
    { UNIT_COUNT, "1 ", UNITS_ERROR_SYNTAX, "'1 ' is not a whole number" },
    { UNIT_COUNT, "9223372036854775808", UNITS_ERROR_RANGE,
      "'9223372036854775808' is too large" },
    { UNIT_DURATION, "5", UNITS_ERROR_MISSING,
      "'5' has no unit; a duration needs one of: " DURATIONS },
    { UNIT_DURATION, "5sec", UNITS_ERROR_UNKNOWN,
      "'5sec' is not a duration: its unit is one of: " DURATIONS },
    { UNIT_DURATION, "5MS", UNITS_ERROR_UNKNOWN,
      "'5MS' is not a duration: its unit is one of: " DURATIONS },
    { UNIT_DURATION, "5  s", UNITS_ERROR_UNKNOWN,
      "'5  s' is not a duration: its unit is one of: " DURATIONS },
    { UNIT_DURATION, ".5s", UNITS_ERROR_SYNTAX,
      "'.5s' is not a number with a unit; a duration needs one "
      "of: " DURATIONS },
    { UNIT_DURATION, "5.s", UNITS_ERROR_SYNTAX,
      "'5.s' is not a number with a unit; a duration needs one "
      "of: " DURATIONS },
    { UNIT_DURATION, "s", UNITS_ERROR_SYNTAX,
      "'s' is not a number with a unit; a duration needs one of: " DURATIONS },
    { UNIT_DURATION, "0.1ps", UNITS_ERROR_RANGE, "'0.1ps' is finer than 1 ps" },
    { UNIT_DURATION, "9223373s", UNITS_ERROR_RANGE, "'9223373s' is too large" },
    { UNIT_DURATION, "999999999999999999999999999999s", UNITS_ERROR_RANGE,
      "'999999999999999999999999999999s' is too large" },
    { UNIT_DURATION, "9999999999999999999999999999999s", UNITS_ERROR_SYNTAX,
      "'9999999999999999999999999999999s' is not a number with a unit; a "
      "duration needs one of: " DURATIONS },
    { UNIT_SIZE, "1kb", UNITS_ERROR_UNKNOWN,
      "'1kb' is not a size: its unit is one of: " SIZES },
    { UNIT_SIZE, "0.5B", UNITS_ERROR_RANGE, "'0.5B' is finer than 1 bytes" },
    { UNIT_PERCENT, "5", UNITS_ERROR_MISSING,
      "'5' has no unit; a percentage needs one of: %" },
    { UNIT_BOOL, "True", UNITS_ERROR_SYNTAX,
      "'True' is neither true nor false" },
    { UNIT_BOOL, "1", UNITS_ERROR_SYNTAX, "'1' is neither true nor false" },
};

static void test_bad(void **state)
{
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) err = NULL;
        int64_t value = 4711;

        assert_false(unit_parse(bad[i].unit, bad[i].text, &value, &err));
        assert_string_equal(err->message, bad[i].message);
        assert_true(g_error_matches(err, UNITS_ERROR, (int)bad[i].code));
        assert_int_equal(value, 4711);
    }
}

static const Good shortest[] = {
    { UNIT_DURATION, "0s", 0 },
    { UNIT_DURATION, "1ps", 1 },
    { UNIT_DURATION, "1500ms", 1500000000000 },
    { UNIT_DURATION, "60s", 60000000000000 },
    { UNIT_DURATION, "600s", 600000000000000 },
    { UNIT_DURATION, "-3ns", -3000 },
    { UNIT_SIZE, "0B", 0 },
    { UNIT_SIZE, "4KiB", 4096 },
    { UNIT_SIZE, "1MB", 1000000 },
    { UNIT_SIZE, "1025B", 1025 },
    { UNIT_RATE, "100MiB/s", 838860800 },
    { UNIT_RATE, "100Gbit", 100000000000 },
    { UNIT_RATE, "0bit", 0 },
    { UNIT_PERCENT, "12.5%", 125000 },
    { UNIT_PERCENT, "0.0001%", 1 },
    { UNIT_COUNT, "1000", 1000 },
    { UNIT_BOOL, "true", 1 },
};

static void test_format(void **state)
{
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(shortest); i++) {
        g_autofree char *text =
            unit_format(shortest[i].unit, shortest[i].value);

        assert_string_equal(text, shortest[i].text);
    }
}

static const Good people[] = {
    { UNIT_DURATION, "1.235us", 1234567 },
    { UNIT_DURATION, "12.35us", 12345678 },
    { UNIT_DURATION, "123.5us", 123456789 },
    { UNIT_DURATION, "1.5s", 1500000000000 },
    { UNIT_DURATION, "75s", 75000000000000 },
    { UNIT_DURATION, "7ps", 7 },
    { UNIT_DURATION, "-1.5ns", -1500 },
    { UNIT_SIZE, "1.5MiB", 1572864 },
    { UNIT_SIZE, "1000B", 1000 },
    { UNIT_RATE, "838.9Mbit", 838860800 },
    { UNIT_COUNT, "123456", 123456 },
    { UNIT_PERCENT, "12.5%", 125000 },
};

static void test_format_short(void **state)
{
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(people); i++) {
        g_autofree char *text =
            unit_format_short(people[i].unit, people[i].value);

        assert_string_equal(text, people[i].text);
    }
}

/* What is written is read back the same, over seeded values of all sizes. */
static void test_round_trip(void **state)
{
    GRand *rand = g_rand_new_with_seed(20251122);

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        Unit unit = (Unit)g_rand_int_range(rand, 0, UNIT_BOOL);
        unsigned bits = (unsigned)g_rand_int_range(rand, 0, 63);
        int64_t value =
            (int64_t)(((uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand)) &
                      ((UINT64_C(1) << bits) - 1));
        g_autofree char *text = unit_format(unit, value);
        int64_t back = -1;

        if (i % 3 == 0) {
            value -= value % 1000;
            g_free(text);
            text = unit_format(unit, value);
        }
        assert_true(unit_parse(unit, text, &back, NULL));
        if (back != value) {
            fail_msg("%s: %" G_GINT64_FORMAT, text, value);
        }
    }
    g_rand_free(rand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_bad),
        cmocka_unit_test(test_format),     cmocka_unit_test(test_format_short),
        cmocka_unit_test(test_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
