/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * geometry_svg_test.c: the picture of docs/receded-ports.md is what the
 * geometry gives.
 *
 * geometry_svg_test --write FILE makes the picture anew.
 */
#include "geometry_svg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const titles[GEOMETRY_N_LAYOUTS] = {
    "Flat (the baseline)", "Triangular", "Stair-stepped", "Arc about the ASIC"
};

static Geometry *make(GeometryLayout layout)
{
    GeometryParams params;
    char *err;

    geometry_defaults(&params, layout);
    return geometry_from(&params, &err);
}

static char *picture(void)
{
    Geometry *g[GEOMETRY_N_LAYOUTS];
    char *svg;

    for (unsigned i = 0; i < GEOMETRY_N_LAYOUTS; i++) {
        g[i] = make(i);
    }
    svg = geometry_compare_svg((const Geometry *const *)g, titles,
                               GEOMETRY_N_LAYOUTS, GEOMETRY_25G);
    for (unsigned i = 0; i < GEOMETRY_N_LAYOUTS; i++) {
        g_free(g[i]);
    }
    return svg;
}

static void test_page(void **state)
{
    g_autofree char *path = g_build_filename(getenv("OUTRIGGER_ROOT"), "docs",
                                             "receded-ports.svg", NULL);
    g_autofree char *now = picture();
    g_autofree char *page = NULL;

    assert_true(g_file_get_contents(path, &page, NULL, NULL));
    if (strcmp(now, page)) {
        fail_msg("docs/receded-ports.svg is not what the geometry gives; "
                 "write it anew with geometry_svg_test --write");
    }
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;

    for (text = strstr(text, what); text; text = strstr(text + 1, what)) {
        n++;
    }
    return n;
}

/* Over-budget traces are dashed as well as red: six on the flat board. */
static void test_single(void **state)
{
    g_autofree Geometry *flat = make(GEOMETRY_FLAT);
    g_autofree Geometry *arc = make(GEOMETRY_ARC);
    g_autofree char *a = geometry_svg(flat, GEOMETRY_25G, "A <flat> board");
    g_autofree char *b = geometry_svg(arc, GEOMETRY_25G, "B");

    assert_non_null(strstr(a, "A &lt;flat&gt; board"));
    assert_int_equal(count(a, "stroke-dasharray"), 6);
    assert_int_equal(count(b, "stroke-dasharray"), 0);
    assert_int_equal(count(a, "<title>column"), 16);
    assert_non_null(strstr(a, "column 1: 227.1 mm, 8.04 dB, 1438 ps"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_single),
    };

    if (argc == 3 && !strcmp(argv[1], "--write")) {
        g_autofree char *svg = picture();

        return !g_file_set_contents(argv[2], svg, -1, NULL);
    }
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
