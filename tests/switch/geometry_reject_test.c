/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * geometry_reject_test.c: layouts that cannot be built, or are not a
 * receded-port switch, are refused with the one reason that applies.
 */
#include "geometry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static GeometryParams params;

static void refused(const char *reason)
{
    char *err;

    assert_null(geometry_from(&params, &err));
    assert_non_null(err);
    if (!strstr(err, reason)) {
        fail_msg("expected '%s', got '%s'", reason, err);
    }
    assert_null(strchr(err, '\n'));
    g_free(err);
}

static void setbacks(unsigned n, int32_t a, int32_t b, int32_t c)
{
    geometry_defaults(&params, GEOMETRY_STAIR);
    params.n_setbacks = n;
    params.setback_um[0] = a;
    params.setback_um[1] = b;
    params.setback_um[2] = c;
}

static void test_flat(void **state)
{
    geometry_defaults(&params, GEOMETRY_FLAT);
    params.baseline = false;
    refused("'baseline: true'");
    geometry_defaults(&params, GEOMETRY_STAIR);
    params.baseline = true;
    refused("only a flat layout");
}

static void test_too_few_depths(void **state)
{
    setbacks(2, 0, 50000, 0);
    refused("stair: 2 depth positions;");
    setbacks(1, 0, 0, 0);
    refused("stair: 1 depth position;");
    geometry_defaults(&params, GEOMETRY_STAIR);
    params.steps = 2;
    refused("stair: 2 depth positions;");
    params.steps = 3;
    params.columns = 4; /* two columns a side: the third step has none */
    refused("stair: 2 depth positions;");
    geometry_defaults(&params, GEOMETRY_TRIANGULAR);
    params.max_setback_um = 0;
    refused("triangular: 1 depth position;");
    params.max_setback_um = 110000;
    params.columns = 4;
    refused("triangular: 2 depth positions;");
    geometry_defaults(&params, GEOMETRY_ARC);
    params.columns = 3;
    refused("arc: 2 depth positions;");
}

static void test_order(void **state)
{
    setbacks(3, 0, 60000, 30000);
    refused("setback 3 (30000 um) is in front of setback 2 (60000 um)");
    setbacks(3, 0, 30000, 30000);
    refused("setback 3 (30000 um) does not recede from setback 2");
    setbacks(3, 10000, 30000, 60000);
    refused("setback 1 is 10000 um");
    setbacks(3, 0, -30000, 60000);
    refused("setback 2 (-30000 um) is in front of setback 1");
}

static void test_overlap(void **state)
{
    geometry_defaults(&params, GEOMETRY_FLAT);
    params.pitch_um = 18000;
    refused("the connectors of columns 1 and 2 overlap: their pitch is 18000 "
            "um, their width 19000 um");
    geometry_defaults(&params, GEOMETRY_TRIANGULAR);
    params.pitch_um = 18000;
    refused("overlap");
}

/* Bodies far enough behind one another do not overlap, but the one in front
 * is in the way of the plug behind. */
static void test_blocked_path(void **state)
{
    setbacks(3, 0, 50000, 100000);
    params.columns = 5; /* 1 column in front, 2 + 2 behind */
    params.body_depth_um = 40000;
    params.pitch_um = 18000;
    params.asic_width_um = 20000;
    refused("the plug of column 1 cannot be inserted: the connector of "
            "column 2 is in its way (18000 um between their middles, 20175 "
            "um needed)");
    params.pitch_um = 20175;
    assert_non_null(geometry_from(&params, &(char *){ NULL }));
    params.pitch_um = 20174;
    refused("cannot be inserted");
}

static void test_asic(void **state)
{
    geometry_defaults(&params, GEOMETRY_TRIANGULAR);
    params.max_setback_um = 150000;
    refused("behind the ASIC");
    geometry_defaults(&params, GEOMETRY_TRIANGULAR);
    params.recede = GEOMETRY_RECEDE_CENTRE;
    params.max_setback_um = 140000;
    refused("overlaps the ASIC");
    geometry_defaults(&params, GEOMETRY_ARC);
    params.arc_radius_um = 160000;
    refused("does not reach column 1");
    params.arc_radius_um = 170000;
    params.recede = GEOMETRY_RECEDE_CENTRE;
    refused("recedes outwards");
}

static void test_numbers(void **state)
{
    geometry_defaults(&params, GEOMETRY_STAIR);
    params.columns = 0;
    refused("columns: 0 is outside 1 to 64");
    params.columns = 65;
    refused("columns: 65");
    params.columns = 16;
    params.rows = 3;
    refused("rows: 3");
    params.rows = 1;
    params.pitch_um = INT32_MAX;
    refused("pitch: 2147483647 um");
    params.pitch_um = 22000;
    params.vias = 101;
    refused("vias");
    params.vias = 0;
    params.budget_mdb[GEOMETRY_50G] = -1;
    refused("budget");
    params.budget_mdb[GEOMETRY_50G] = 7000;
    params.layout = GEOMETRY_N_LAYOUTS;
    refused("unknown layout");
    params.layout = GEOMETRY_STAIR;
    params.steps = 17;
    refused("at most 16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_too_few_depths),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_blocked_path),
        cmocka_unit_test(test_asic),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
