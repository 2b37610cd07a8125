/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * serdes_test.c: link training at exact instants, ports over their budget,
 * faults, and saved state.
 */
#include "serdes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000000ull

static Serdes s;
static GString *trace; /* "port:from>to@us " */

static void changed(void *opaque, unsigned port, SerdesState from,
                    SerdesState to, uint64_t at_ps)
{
    assert_ptr_equal(opaque, &s);
    g_string_append_printf(trace, "%u:%s>%s@%u ", port, serdes_state_name(from),
                           serdes_state_name(to), (unsigned)(at_ps / 1000000));
}

static const SerdesOps ops = { .changed = changed };

static void expect(const char *text)
{
    assert_string_equal(trace->str, text);
    g_string_truncate(trace, 0);
}

static void start(GeometryLayout layout, GeometryRouting routing,
                  SerdesRetimers retimers)
{
    g_autofree Geometry *g = NULL;
    GeometryParams params;
    SerdesConfig config;
    const char *why;
    char *err;

    geometry_defaults(&params, layout);
    params.routing = routing;
    g = geometry_from(&params, &err);
    serdes_config_default(&config);
    assert_true(
        serdes_init(&s, &config, g, GEOMETRY_25G, retimers, &ops, &s, &why));
    g_string_truncate(trace, 0);
}

static int setup(void **state)
{
    trace = g_string_new(NULL);
    return 0;
}

static int teardown(void **state)
{
    g_string_free(trace, TRUE);
    return 0;
}

static void test_up_and_down(void **state)
{
    start(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR, SERDES_RETIMERS_NONE);
    assert_true(serdes_next_ps(&s) == SERDES_NEVER_PS);
    serdes_enable(&s, 3, true, 5 * MS);
    expect("3:down>training@5000 ");
    assert_int_equal(serdes_next_ps(&s), 6 * MS);
    serdes_run(&s, 6 * MS - 1);
    expect("");
    serdes_run(&s, 6 * MS);
    expect("3:training>up@6000 ");
    assert_true(serdes_next_ps(&s) == SERDES_NEVER_PS);
    serdes_enable(&s, 3, true, 7 * MS); /* is already */
    serdes_retrain(&s, 4, 7 * MS);      /* is disabled */
    expect("");
    serdes_enable(&s, 3, false, 8 * MS);
    expect("3:up>down@8000 ");
    assert_int_equal(s.port[3].ups, 1);
    assert_int_equal(s.port[3].downs, 1);
}

static void test_signal(void **state)
{
    start(GEOMETRY_STAIR, GEOMETRY_OCTILINEAR, SERDES_RETIMERS_NONE);
    serdes_signal(&s, 0, false, 0);
    serdes_enable(&s, 0, true, MS);
    serdes_run(&s, 100 * MS);
    expect("0:down>training@1000 "); /* waits */
    serdes_signal(&s, 0, true, 100 * MS);
    serdes_run(&s, 101 * MS);
    expect("0:training>up@101000 ");
    serdes_signal(&s, 0, false, 102 * MS);
    expect("0:up>training@102000 ");
    serdes_signal(&s, 0, true, 102 * MS + MS / 2);
    serdes_signal(&s, 0, false, 103 * MS);
    serdes_run(&s, 200 * MS);
    expect(""); /* the attempt died with the signal */
}

/* 11.2 dB: no attempt locks. A retimer in the middle mends it. */
static void test_over_budget_fails(void **state)
{
    start(GEOMETRY_FLAT, GEOMETRY_MANHATTAN, SERDES_RETIMERS_NONE);
    serdes_enable(&s, 0, true, 0);
    serdes_enable(&s, 7, true, 0);
    serdes_run(&s, 100 * MS);
    expect("0:down>training@0 7:down>training@0 7:training>up@1000 "
           "0:training>failed@3000 ");
    assert_int_equal(s.port[0].attempts, 3);
    assert_int_equal(s.port[0].failures, 1);
    serdes_retrain(&s, 0, 200 * MS);
    expect("0:failed>training@200000 ");
    assert_false(serdes_fit_retimer(&s, 0, true));
    serdes_enable(&s, 0, false, 201 * MS);
    assert_true(serdes_fit_retimer(&s, 0, true));
    serdes_enable(&s, 0, true, 202 * MS);
    serdes_run(&s, 300 * MS);
    expect("0:training>down@201000 0:down>training@202000 "
           "0:training>up@203000 ");
    assert_int_equal(serdes_ber_e18(&s.port[0]), 0);
}

/* A little over the budget: up, with bit errors. */
static void test_over_budget_errors(void **state)
{
    start(GEOMETRY_FLAT, GEOMETRY_OCTILINEAR, SERDES_RETIMERS_NONE);
    for (unsigned i = 0; i < 16; i++) {
        serdes_enable(&s, i, true, 0);
    }
    serdes_run(&s, MS);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(s.port[i].state, SERDES_UP);
    }
    assert_int_equal(serdes_margin_mdb(&s.port[0]), -1048);
    assert_int_equal(serdes_ber_e18(&s.port[0]), 491000000000ull);
    assert_int_equal(serdes_ber_exponent(&s.port[0]), 6308);
    assert_int_equal(serdes_ber_exponent(&s.port[8]), 65535);

    start(GEOMETRY_FLAT, GEOMETRY_OCTILINEAR, SERDES_RETIMERS_NEEDED);
    assert_true(s.port[0].retimer);
    assert_false(s.port[3].retimer);
    assert_int_equal(serdes_margin_mdb(&s.port[0]), 7000 - 4024);
    assert_int_equal(serdes_ber_e18(&s.port[0]), 0);
    assert_int_equal(serdes_delay_ps(&s, &s.port[0]), 1438 + 5000);
    assert_int_equal(serdes_delay_ps(&s, &s.port[8]), 978);
}

static void test_extra_loss(void **state)
{
    start(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR, SERDES_RETIMERS_NONE);
    serdes_enable(&s, 0, true, 0);
    serdes_run(&s, MS);
    g_string_truncate(trace, 0);
    serdes_set_extra_loss(&s, 0, 1500, 2 * MS); /* errors, but locked */
    expect("");
    assert_true(serdes_ber_e18(&s.port[0]) > 100000000000ull);
    serdes_set_extra_loss(&s, 0, 3000, 3 * MS);
    expect("0:up>training@3000 ");
    serdes_run(&s, 5 * MS);
    serdes_set_extra_loss(&s, 0, 0, 5 * MS); /* before the last attempt ends */
    serdes_run(&s, 6 * MS);
    expect("0:training>up@6000 ");
}

/* Saved at each step of a sequence and loaded elsewhere: the same end. */
static void test_save(void **state)
{
    for (unsigned at = 0; at < 5; at++) {
        g_autoptr(GByteArray) buf = g_byte_array_new();
        char *err;

        start(GEOMETRY_FLAT, GEOMETRY_MANHATTAN, SERDES_RETIMERS_NONE);
        for (unsigned i = 0; i < 16; i += 2) {
            serdes_enable(&s, i, true, i * MS / 4);
        }
        serdes_run(&s, at * MS);
        serdes_save(&s, buf);
        serdes_run(&s, 50 * MS);
        g_autofree Serdes *end = g_memdup2(&s, sizeof(s));

        start(GEOMETRY_FLAT, GEOMETRY_MANHATTAN, SERDES_RETIMERS_NONE);
        /* the enabled ones may end after `at`, at most 3.5 ms later */
        assert_true(serdes_load(&s, 8 * MS, buf->data, buf->len, &err));
        assert_null(err);
        serdes_run(&s, 50 * MS);
        assert_memory_equal(s.port, end->port, sizeof(s.port));
    }
}

static void test_load_refuses(void **state)
{
    g_autoptr(GByteArray) buf = g_byte_array_new();
    char *err;

    start(GEOMETRY_FLAT, GEOMETRY_MANHATTAN, SERDES_RETIMERS_NONE);
    serdes_enable(&s, 0, true, MS);
    serdes_save(&s, buf);
    for (guint len = 0; len < buf->len; len++) {
        assert_false(serdes_load(&s, MS, buf->data, len, &err));
        g_free(err);
    }
    assert_false(serdes_load(&s, 0, buf->data, buf->len, &err)); /* deadline */
    g_free(err);
    for (unsigned value = 0; value < 256; value++) { /* the state of port 0 */
        bool ok;

        buf->data[12] = value;
        ok = serdes_load(&s, MS, buf->data, buf->len, &err);
        assert_int_equal(ok, value == SERDES_TRAINING);
        g_free(err);
    }
    buf->data[12] = SERDES_TRAINING;
    buf->data[14] ^= 1; /* an attempt without a signal */
    assert_false(serdes_load(&s, MS, buf->data, buf->len, &err));
    g_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up_and_down),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_over_budget_fails),
        cmocka_unit_test(test_over_budget_errors),
        cmocka_unit_test(test_extra_loss),
        cmocka_unit_test(test_save),
        cmocka_unit_test(test_load_refuses),
    };

    return cmocka_run_group_tests(tests, setup, teardown) != 0;
}
