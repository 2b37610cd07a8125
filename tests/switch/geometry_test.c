/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * geometry_test.c: positions, traces, losses and error rates of the layouts,
 * with the worked example of docs/receded-ports.md to the printed digit.
 */
#include "geometry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static GeometryParams params;

static Geometry *build(void)
{
    char *err;
    Geometry *g = geometry_from(&params, &err);

    if (!g) {
        fail_msg("%s", err);
    }
    assert_null(err);
    return g;
}

/* ---- the worked example ---- */

static void expect_mm(GeometryLayout layout, GeometryRouting routing, int max,
                      int spread, int tenths_db)
{
    Geometry *g;

    geometry_defaults(&params, layout);
    params.routing = routing;
    g = build();
    assert_int_equal((g->max_trace_um + 500) / 1000, max);
    assert_int_equal((g->max_trace_um - g->min_trace_um + 500) / 1000, spread);
    assert_int_equal((g->max_loss_mdb[GEOMETRY_25G] + 50) / 100, tenths_db);
    g_free(g);
}

static void test_worked_example(void **state)
{
    expect_mm(GEOMETRY_FLAT, GEOMETRY_OCTILINEAR, 227, 73, 80);
    expect_mm(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR, 182, 51, 64);
    expect_mm(GEOMETRY_STAIR, GEOMETRY_OCTILINEAR, 182, 51, 64);
    expect_mm(GEOMETRY_ARC, GEOMETRY_OCTILINEAR, 184, 13, 65);
}

static void test_manhattan(void **state)
{
    expect_mm(GEOMETRY_FLAT, GEOMETRY_MANHATTAN, 315, 154, 112);
    expect_mm(GEOMETRY_TRIANGULAR, GEOMETRY_MANHATTAN, 205, 51, 73);
    expect_mm(GEOMETRY_STAIR, GEOMETRY_MANHATTAN, 205, 44, 73);
}

/* Exact micrometres by hand: port 1 of the flat layout stands at
 * (-165, 150) mm: 165 + 0.414213562 * 150 = 227.132034 mm. */
static void test_exact(void **state)
{
    Geometry *g;

    geometry_defaults(&params, GEOMETRY_FLAT);
    g = build();
    assert_int_equal(g->n_ports, 16);
    assert_int_equal(g->port[0].x_um, -165000);
    assert_int_equal(g->port[0].y_um, 150000);
    assert_int_equal(g->port[0].trace_um, 227132);
    assert_int_equal(g->port[0].lane[GEOMETRY_25G].loss_mdb, 8048);
    assert_int_equal(g->port[0].lane[GEOMETRY_25G].margin_mdb, -1048);
    assert_true(g->port[0].lane[GEOMETRY_25G].retimer);
    assert_int_equal(g->port[0].delay_ps, 1438);
    assert_int_equal(g->port[8].x_um, 11000);
    assert_int_equal(g->port[8].trace_um, 154556);
    assert_int_equal(g->port[8].delay_ps, 978);
    assert_int_equal(g->port[8].skew_to_first_ps, 0);
    assert_int_equal(g->port[0].skew_to_first_ps, 460);
    g_free(g);

    geometry_defaults(&params, GEOMETRY_TRIANGULAR);
    g = build();
    assert_int_equal(g->port[7].setback_um - g->port[8].setback_um, 0);
    /* the apex is the middle of the board, between columns 8 and 9: both are
     * set back by 110 / 15 mm from it, and are the first position */
    assert_int_equal(g->front_um, 142667);
    assert_int_equal(g->port[15].y_um, 40000);
    assert_int_equal(g->port[15].trace_um, 181569);
    g_free(g);
}

static void test_symmetry(void **state)
{
    for (unsigned layout = 0; layout < GEOMETRY_N_LAYOUTS; layout++) {
        Geometry *g;

        geometry_defaults(&params, layout);
        g = build();
        for (unsigned c = 0; c < 8; c++) {
            assert_int_equal(g->port[c].x_um, -g->port[15 - c].x_um);
            assert_int_equal(g->port[c].trace_um, g->port[15 - c].trace_um);
        }
        g_free(g);
    }
}

/* ---- depth positions ---- */

static void test_depths(void **state)
{
    const unsigned depths[GEOMETRY_N_LAYOUTS] = { 1, 8, 4, 8 };

    for (unsigned layout = 0; layout < GEOMETRY_N_LAYOUTS; layout++) {
        Geometry *g;

        geometry_defaults(&params, layout);
        g = build();
        assert_int_equal(g->n_depths, depths[layout]);
        assert_int_equal(g->depth_um[0], 0);
        for (unsigned d = 1; d < g->n_depths; d++) {
            assert_true(g->depth_um[d] > g->depth_um[d - 1]);
        }
        /* outwards from the middle, never forward */
        for (unsigned c = 9; c < 16; c++) {
            assert_true(g->port[c].depth >= g->port[c - 1].depth);
        }
        assert_int_equal(g->port[15].depth, g->n_depths - 1);
        g_free(g);
    }
}

static void test_own_setbacks(void **state)
{
    static const int32_t mm[] = { 0, 10, 45, 100 };
    Geometry *g;

    geometry_defaults(&params, GEOMETRY_STAIR);
    params.n_setbacks = 4;
    for (unsigned i = 0; i < 4; i++) {
        params.setback_um[i] = mm[i] * 1000;
    }
    g = build();
    for (unsigned c = 8; c < 16; c++) {
        assert_int_equal(g->port[c].setback_um, mm[(c - 8) / 2] * 1000);
    }
    g_free(g);
}

/* Receding in the centre leaves the longest trace as it was. */
static void test_centre_recede(void **state)
{
    for (unsigned layout = 1; layout < GEOMETRY_N_LAYOUTS; layout++) {
        Geometry *g;

        geometry_defaults(&params, layout);
        params.arc_radius_um = 0;
        params.recede = GEOMETRY_RECEDE_CENTRE;
        g = build();
        assert_int_equal(g->max_trace_um, 227132);
        assert_int_equal(g->port[0].depth, 0);
        assert_int_equal(g->port[8].depth, g->n_depths - 1);
        assert_true(g->n_retimers[GEOMETRY_25G] > 0);
        g_free(g);

        params.recede = GEOMETRY_RECEDE_OUTER;
        g = build();
        assert_true(g->max_trace_um < 182000);
        assert_int_equal(g->n_retimers[GEOMETRY_25G], 0);
        g_free(g);
    }
}

static void test_rows(void **state)
{
    Geometry *g;

    geometry_defaults(&params, GEOMETRY_STAIR);
    params.rows = 2;
    params.row_extra_um = 4000;
    g = build();
    assert_int_equal(g->n_ports, 32);
    for (unsigned c = 0; c < 16; c++) {
        assert_int_equal(g->port[16 + c].row, 1);
        assert_int_equal(g->port[16 + c].column, c);
        assert_int_equal(g->port[16 + c].depth, g->port[c].depth);
        assert_int_equal(g->port[16 + c].trace_um, g->port[c].trace_um + 4000);
    }
    g_free(g);
}

static void test_asic_beside_middle(void **state)
{
    Geometry *g;

    geometry_defaults(&params, GEOMETRY_FLAT);
    params.asic_offset_um = 22000;
    g = build();
    assert_int_equal(g->port[0].x_um, -187000);
    assert_int_equal(g->port[15].x_um, 143000);
    assert_true(g->port[0].trace_um > g->port[15].trace_um);
    g_free(g);
}

/* ---- losses and errors ---- */

/* A 7 dB board: flat needs retimers, receded layouts none. */
static void test_retimers(void **state)
{
    static const unsigned flat[GEOMETRY_N_RATES] = { 0, 6, 6, 6 };

    for (unsigned layout = 0; layout < GEOMETRY_N_LAYOUTS; layout++) {
        Geometry *g;

        geometry_defaults(&params, layout);
        g = build();
        for (unsigned r = 0; r < GEOMETRY_N_RATES; r++) {
            assert_int_equal(g->n_retimers[r],
                             layout == GEOMETRY_FLAT ? flat[r] : 0);
        }
        g_free(g);
    }
}

static void test_vias_and_connector(void **state)
{
    Geometry *g, *plain;

    geometry_defaults(&params, GEOMETRY_ARC);
    plain = build();
    params.vias = 2;
    params.via_mdb = 150;
    params.connector_mdb = 1200;
    g = build();
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(g->port[i].lane[GEOMETRY_25G].loss_mdb,
                         plain->port[i].lane[GEOMETRY_25G].loss_mdb + 1500);
    }
    assert_true(geometry_id(g) != geometry_id(plain));
    g_free(g);
    g_free(plain);
}

/* Q = 7.03 * 10^(-3 * 1.048 / 20) = 4.895: 4.91e-7. */
static void test_error_rate(void **state)
{
    uint64_t last = 0;

    assert_int_equal(geometry_ber_e18(GEOMETRY_25G, 0), 1030000);
    assert_int_equal(geometry_ber_e18(GEOMETRY_25G, -1048), 491000000000ull);
    assert_int_equal(geometry_ber_e18(GEOMETRY_100G, 0), 1020000000000ull);
    assert_int_equal(geometry_ber_e18(GEOMETRY_25G, 1000), 0);
    for (int32_t margin = 2000; margin > -20000; margin -= 100) {
        uint64_t ber = geometry_ber_e18(GEOMETRY_25G, margin);

        assert_true(ber >= last);
        last = ber;
    }
    assert_true(last > 300000000000000000ull); /* towards one half */
    assert_true(last <= 500000000000000000ull);
}

static void test_skew(void **state)
{
    Geometry *g;
    int64_t sum = 0;

    geometry_defaults(&params, GEOMETRY_TRIANGULAR);
    g = build();
    for (unsigned i = 0; i < g->n_ports; i++) {
        sum += g->port[i].skew_to_mean_ps;
        assert_int_equal(g->port[i].delay_ps - g->min_delay_ps,
                         g->port[i].skew_to_first_ps);
    }
    /* rounded down, so at most one picosecond a port is missing */
    assert_true(sum <= 0 && sum > -(int64_t)g->n_ports);
    g_free(g);
}

static void test_names(void **state)
{
    for (unsigned i = 0; i < GEOMETRY_N_LAYOUTS; i++) {
        GeometryLayout l;

        assert_true(geometry_layout_parse(geometry_layout_name(i), &l));
        assert_int_equal(l, i);
    }
    for (unsigned i = 0; i < GEOMETRY_N_RATES; i++) {
        GeometryRate r;

        assert_true(geometry_rate_parse(geometry_rate_name(i), &r));
        assert_int_equal(r, i);
    }
    assert_false(geometry_layout_parse("round", &(GeometryLayout){ 0 }));
    assert_false(geometry_rate_parse("", &(GeometryRate){ 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_example),
        cmocka_unit_test(test_manhattan),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_symmetry),
        cmocka_unit_test(test_depths),
        cmocka_unit_test(test_own_setbacks),
        cmocka_unit_test(test_centre_recede),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_asic_beside_middle),
        cmocka_unit_test(test_retimers),
        cmocka_unit_test(test_vias_and_connector),
        cmocka_unit_test(test_error_rate),
        cmocka_unit_test(test_skew),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
