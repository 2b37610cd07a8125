/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * svg-test.c: pictures are the same bytes for the same calls.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "svg_plot.h"

#define SANS \
    "Inter, &#39;Segoe UI&#39;, &#39;Helvetica Neue&#39;, Arial, sans-serif"

static const char golden[] =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100\" height=\"50\" "
    "viewBox=\"0 0 100 50\" role=\"img\" font-family=\"" SANS "\">\n"
    "<title>A &lt; B</title>\n"
    "<desc>d</desc>\n"
    "<rect x=\"1\" y=\"2\" width=\"30\" height=\"4\" rx=\"2\" "
    "fill=\"#fff\" stroke=\"#000\" stroke-width=\"1.5\"/>\n"
    "<rect x=\"0.5\" y=\"-0.3\" width=\"10\" height=\"2\" fill=\"red\" "
    "opacity=\"0.12\"><title>tip &amp; more</title></rect>\n"
    "<line x1=\"1\" y1=\"2\" x2=\"3\" y2=\"4\" fill=\"none\" "
    "stroke=\"#000\" stroke-width=\"1\" stroke-dasharray=\"2 2\"/>\n"
    "<polyline points=\"0,0 1.5,2\" stroke-linejoin=\"round\" "
    "fill=\"none\" stroke=\"#000\" stroke-width=\"1\"/>\n"
    "<line x1=\"10\" y1=\"5\" x2=\"32\" y2=\"5\" fill=\"none\" "
    "stroke=\"#000\" stroke-width=\"1\"/>\n"
    "<polygon points=\"40,5 31,9 31,1\" fill=\"#000\"/>\n"
    "<text x=\"7\" y=\"8\" font-size=\"12\" fill=\"#1f2933\" "
    "text-anchor=\"end\" font-weight=\"600\">&quot;x&quot;</text>\n"
    "</svg>\n";

static void test_golden(void **state)
{
    SvgStyle box = {
        .fill = "#fff", .stroke = "#000", .width10 = 15, .radius = 2
    };
    SvgStyle tint = { .fill = "red",
                      .opacity_percent = 12,
                      .tip = "tip & more" };
    SvgStyle dashed = { .stroke = "#000", .dash = "2 2" };
    SvgStyle plain = { .stroke = "#000" };
    SvgFont font = { .size = 12, .anchor = SVG_END, .bold = TRUE };
    SvgPoint points[] = { { 0, 0 }, { 15, 20 } };
    Svg *svg = svg_new(100, 50, "A < B", "d");
    g_autofree char *text = NULL;

    svg_rect(svg, 1, 2, 30, 4, &box);
    svg_rect10(svg, 5, -3, 100, 20, &tint);
    svg_line(svg, 1, 2, 3, 4, &dashed);
    svg_polyline(svg, points, 2, &plain);
    svg_arrow(svg, 10, 5, 40, 5, FALSE, &plain);
    svg_text(svg, 7, 8, &font, "\"x\"");
    text = svg_finish(svg);
    assert_string_equal(text, golden);
}

static void test_log2(void **state)
{
    assert_int_equal(svg_log2_q16(0), 0);
    assert_int_equal(svg_log2_q16(1), 0);
    assert_int_equal(svg_log2_q16(2), 1 << 16);
    assert_int_equal(svg_log2_q16(UINT64_C(1) << 63), 63 << 16);
    /* log2(10) = 3.321928..., log2(1000) = 9.965784... */
    assert_in_range(svg_log2_q16(10), 217704, 217706);
    assert_in_range(svg_log2_q16(1000), 653116, 653118);
    for (uint64_t v = 1; v < 5000; v++) {
        assert_true(svg_log2_q16(v) <= svg_log2_q16(v + 1));
    }
    assert_true(svg_log2_q16(UINT64_MAX) < 64u << 16);
}

static void assert_axis(SvgAxis axis, uint64_t min, uint64_t max)
{
    svg_axis_round(&axis);
    assert_int_equal(axis.min, min);
    assert_int_equal(axis.max, max);
}

static void test_axis_ends_are_round(void **state)
{
    assert_axis((SvgAxis){ .scale = SVG_LOG, .min = 37, .max = 4200 }, 20,
                5000);
    assert_axis((SvgAxis){ .scale = SVG_LOG, .min = 0, .max = 1 }, 1, 2);
    assert_axis((SvgAxis){ .min = 0, .max = 93 }, 0, 100);
    assert_axis((SvgAxis){ .min = 0, .max = 0 }, 0, 1);
    assert_axis((SvgAxis){ .min = 0, .max = 100 << 20, .binary = TRUE }, 0,
                UINT64_C(128) << 20);
    assert_axis(
        (SvgAxis){
            .scale = SVG_LOG, .min = 5000, .max = 70000, .binary = TRUE },
        4096, 131072);
}

static void test_positions(void **state)
{
    SvgAxis lin = { .min = 0, .max = 100, .from = 10, .to = 110 };
    SvgAxis log = {
        .scale = SVG_LOG, .min = 1, .max = 1000, .from = 300, .to = 0
    };
    SvgAxis huge = { .min = 0, .max = UINT64_MAX, .from = 0, .to = 1000 };

    assert_int_equal(svg_axis_at(&lin, 0), 100);
    assert_int_equal(svg_axis_at(&lin, 25), 350);
    assert_int_equal(svg_axis_at(&lin, 500), 1100);
    assert_int_equal(svg_axis_at(&log, 1), 3000);
    assert_in_range(svg_axis_at(&log, 10), 1999, 2001);
    assert_int_equal(svg_axis_at(&log, 1000), 0);
    assert_int_equal(svg_axis_at(&huge, UINT64_MAX), 10000);
}

static void assert_ticks(const SvgAxis *axis, guint wanted,
                         const uint64_t *expected, guint n)
{
    g_autoptr(GArray) ticks = svg_axis_ticks(axis, wanted);

    assert_int_equal(ticks->len, n);
    for (guint i = 0; i < n; i++) {
        assert_int_equal(g_array_index(ticks, uint64_t, i), expected[i]);
    }
}

static void test_ticks(void **state)
{
    static const uint64_t lin[] = { 0, 20, 40, 60, 80, 100 };
    static const uint64_t decade[] = { 10, 20, 50, 100 };
    static const uint64_t decades[] = { 10, 100, 1000, 10000 };
    static const uint64_t powers[] = { 1024, 4096, 16384 };
    SvgAxis a = { .min = 0, .max = 100 };
    SvgAxis b = { .scale = SVG_LOG, .min = 10, .max = 100 };
    SvgAxis c = { .scale = SVG_LOG, .min = 10, .max = 10000 };
    SvgAxis d = { .scale = SVG_LOG, .min = 1024, .max = 16384, .binary = TRUE };
    SvgAxis top = { .scale = SVG_LOG, .min = 1, .max = UINT64_MAX };
    g_autoptr(GArray) all = svg_axis_ticks(&top, 4);

    assert_ticks(&a, 5, lin, G_N_ELEMENTS(lin));
    assert_ticks(&b, 4, decade, G_N_ELEMENTS(decade));
    assert_ticks(&c, 4, decades, G_N_ELEMENTS(decades));
    assert_ticks(&d, 2, powers, G_N_ELEMENTS(powers));
    assert_int_equal(all->len, 20);
}

static void test_line_is_thinned(void **state)
{
    SvgAxis x = { .min = 0, .max = 1000000, .from = 0, .to = 100 };
    SvgAxis y = { .min = 0, .max = 10, .from = 100, .to = 0 };
    SvgStyle style = { .stroke = "#000" };
    g_autofree SvgSample *samples = g_new0(SvgSample, 10000);
    Svg *svg = svg_new(100, 100, "t", "d");
    g_autofree char *text = NULL;
    guint points = 0;

    for (guint i = 0; i < 10000; i++) {
        samples[i].x = i * 100;
        samples[i].y = 5;
    }
    svg_plot_line(svg, &x, &y, samples, 10000, &style);
    text = svg_finish(svg);
    for (const char *p = text; (p = strstr(p, ",50")); p++) {
        points++;
    }
    assert_in_range(points, 100, 210);
    assert_non_null(strstr(text, "99.9,50\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_log2),
        cmocka_unit_test(test_axis_ends_are_round),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_line_is_thinned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
