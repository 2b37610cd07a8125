/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report-test.c: a report of a made-up run says what the run did.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <glib/gstdio.h>

#include "report.h"
#include "report_charts.h"
#include "report_data.h"
#include "report_fixture.h"
#include "report_fabric.h"
#include "report_format.h"
#include "report_loads.h"
#include "report_series.h"
#include "svg.h"

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_remove(*state);
    return 0;
}

static void write_report(const char *dir)
{
    g_autoptr(GError) err = NULL;

    if (!report_write(dir, &err)) {
        print_error("%s\n", err->message);
        fail();
    }
}

static void test_page_is_one_safe_file(void **state)
{
    g_autofree char *html = NULL;

    write_report(*state);
    html = fixture_read(*state, "report.html");
    fixture_assert_xml(strstr(html, "<html"));
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "<link"));
    assert_null(strstr(html, "style=\""));
    assert_null(strstr(html, "http-equiv"));
    assert_null(strchr(html, 0x1b));
    assert_non_null(strstr(html, "two &lt;interfaces&gt;"));
    assert_non_null(strstr(html, "exit 3: &lt;b&gt;"));
}

static void test_page_says_what_matters(void **state)
{
    static const char *const texts[] = {
        "broken",
        "made-up",
        "too slow",
        "below 50 \302\265s",
        "80.4 ",
        "./outrigger run &#39;a b.yaml&#39; --seed 42",
        "0123456789abcdef",
        "10.0.13",
        "1 of 1",
        "no-throttle",
        "1k IOPS",
        "io.lat_read_p99_ps",
        "made-up.yaml:9:5",
        "link.up_bytes",
    };
    g_autofree char *html = NULL;

    write_report(*state);
    html = fixture_read(*state, "report.html");
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (!strstr(html, texts[i])) {
            print_error("not in the page: %s\n", texts[i]);
            fail();
        }
    }
}

static void test_same_run_same_bytes(void **state)
{
    static const char *const names[] = { "report.html", "junit.xml",
                                         "hist/hosta-vif0-read.hgrm" };

    write_report(*state);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *first = fixture_read(*state, names[i]);
        g_autofree char *second = NULL;

        write_report(*state);
        second = fixture_read(*state, names[i]);
        assert_string_equal(first, second);
    }
}

static void test_junit(void **state)
{
    g_autofree char *text = NULL;

    write_report(*state);
    text = fixture_read(*state, "junit.xml");
    fixture_assert_xml(text);
    assert_non_null(strstr(text, "tests=\"6\" failures=\"2\" errors=\"0\""));
    assert_non_null(strstr(text, "classname=\"scenario.made-up\""));
    assert_non_null(strstr(text, "name=\"seed\" value=\"42\""));
    assert_non_null(strstr(text, "[[ATTACHMENT|report.html]]"));
    assert_non_null(strstr(text, "io.lat_read_p99_ps: expected below 50 "
                                 "\302\265s, was 80.4 \302\265s"));
}

static void test_data_counts(void **state)
{
    g_autoptr(ReportData) d = report_data_load(*state, NULL);
    const ReportInterface *vif0, *vif1;
    const ReportDrive *ssd0;

    assert_non_null(d);
    assert_int_equal(d->interfaces->len, 2);
    vif0 = d->interfaces->pdata[0];
    vif1 = d->interfaces->pdata[1];
    assert_string_equal(vif0->label, "vif0");
    assert_int_equal(report_if_commands(vif0), FIXTURE_COMMANDS);
    assert_int_equal(vif0->admin, 1);
    assert_int_equal(vif0->commands[REPORT_WRITE], FIXTURE_COMMANDS / 4);
    assert_int_equal(vif0->bytes[REPORT_READ], FIXTURE_COMMANDS * 3072);
    assert_int_equal(hist_min(vif0->latency[REPORT_READ]), FIXTURE_LATENCY_PS);
    assert_int_equal(vif1->limit_iops, 1000);
    assert_int_equal(vif1->throttled, FIXTURE_COMMANDS);
    assert_int_equal(hist_max(vif1->waited), FIXTURE_LATENCY_PS);
    assert_int_equal(d->drives->len, 1);
    ssd0 = d->drives->pdata[0];
    assert_int_equal(ssd0->reads, 2 * FIXTURE_COMMANDS);
    /* The runner's count wins: the log may be thinned. */
    assert_int_equal(ssd0->read_bytes, 1638400);
    assert_int_equal(d->marks->len, 1);
}

static void test_series(void **state)
{
    g_autoptr(ReportData) d = report_data_load(*state, NULL);
    g_autoptr(ReportSeries) s = report_series_new(d, 60);
    const ReportIfSeries *vif0 = &s->interfaces[0];
    const ReportSegment *one = &g_array_index(s->segments, ReportSegment, 0);

    assert_int_equal(s->segments->len, 1);
    assert_string_equal(one->name, "io");
    /* The load's first completion, not its begin. */
    assert_int_equal(one->from_ps, 1000000000 + FIXTURE_LATENCY_PS);
    assert_in_range(s->bins, 58, 60);
    assert_in_range(one->bin_ps, 98000000, 101000000);
    /* One command each 15 us: 6.67 a bin of 100 us. */
    assert_in_range(vif0->iops[10], 59000, 72000);
    assert_in_range(vif0->bytes_per_s[10] / vif0->iops[10], 4095, 4096);
    assert_in_range(vif0->p50_ps[10], FIXTURE_LATENCY_PS,
                    FIXTURE_LATENCY_PS + 400000);
    assert_true(vif0->p99_ps[10] >= vif0->p50_ps[10]);
    assert_int_equal(vif0->waiting[10], 0);
    assert_in_range(s->interfaces[1].waiting[10], 4, 7);
}

/* Loads that are far apart get parts of their own; near ones are joined when
 * there are too many. */
static void test_segments(void **state)
{
    g_autoptr(ReportData) d = report_data_load(*state, NULL);
    ReportSeries *s;

    g_array_set_size(d->loads, 0);
    for (guint i = 0; i < 20; i++) {
        ReportLoad load = { .handle = "x",
                            .begin_ps = 1100000000 + i * 250000000,
                            .end_ps = 1200000000 + i * 250000000 };

        g_array_append_val(d->loads, load);
        s = report_series_new(d, 100);
        assert_int_equal(s->segments->len, MIN(i + 1, REPORT_MAX_SEGMENTS));
        for (guint k = 0; k + 1 < s->segments->len; k++) {
            const ReportSegment *a =
                &g_array_index(s->segments, ReportSegment, k);

            assert_true(a->to_ps <= (a + 1)->from_ps);
            assert_int_equal(a->first_bin + a->bins, (a + 1)->first_bin);
        }
        report_series_free(s);
    }
}

static void test_loads(void **state)
{
    g_autoptr(ReportData) d = report_data_load(*state, NULL);
    g_autoptr(ReportLoadStats) s = NULL;
    g_autofree char *spark = NULL;
    ReportLoad *load;

    assert_int_equal(d->loads->len, 1);
    load = &g_array_index(d->loads, ReportLoad, 0);
    assert_string_equal(load->handle, "io");
    assert_int_equal(load->end_ps - load->begin_ps, 6000000000);
    assert_true(report_load_uses(d, load, 0));
    assert_false(report_load_uses(d, load, 1)); /* its target is vif0 */
    load->interface = NULL;
    assert_true(report_load_uses(d, load, 1)); /* it did half of the work */
    s = report_load_stats(d, load, 0);
    assert_int_equal(s->commands, 395); /* five are done after its end */
    assert_in_range(s->iops, 66000, 67000);
    assert_int_equal(s->bytes_per_s / s->iops, 4096);
    spark = report_chart_load(d, load, 0);
    assert_non_null(strstr(spark, "<polygon"));
}

static void test_a_run_without_events(void **state)
{
    g_autofree char *html = NULL;

    fixture_write(*state, "events.ndjson", "");
    fixture_write(*state, "summary.json",
                  "{\"verdict\":\"error\",\"reason\":\"QEMU died\"}");
    write_report(*state);
    html = fixture_read(*state, "report.html");
    fixture_assert_xml(strstr(html, "<html"));
    assert_non_null(strstr(html, "QEMU died"));
    /* No page on storage that was not used. */
    assert_null(strstr(html, "id=\"latency\""));
    assert_null(strstr(html, "#loads"));
}

/* Only what the scenario expects something of, in the metric's unit. */
static void test_seeds(void **state)
{
    g_autofree char *html = NULL;
    const char *row;

    fixture_write(
        *state, "summary.json",
        "{\"verdict\":\"held\",\"expectations\":["
        "{\"id\":\"a\",\"metric\":\"rtt.rtt_avg_ps\"},"
        "{\"id\":\"b\",\"metric\":\"rtt.rtt_avg_ps\"},"
        "{\"id\":\"c\",\"metric\":\"traffic.drops_count\"}],"
        "\"metrics\":{\"rtt.rtt_avg_ps\":{\"value\":1,\"unit\":\"ps\"},"
        "\"traffic.drops_count\":{\"value\":1,\"unit\":\"count\"}},"
        "\"seeds\":{\"seeds\":[7,8,9],\"metrics\":{"
        "\"rtt.rtt_avg_ps\":{\"n\":3,\"mean\":41500000.4,\"ci95\":2500.0,"
        "\"min\":40000000.0,\"max\":43000000.0},"
        "\"traffic.drops_count\":{\"n\":3,\"mean\":0.75,\"ci95\":null,"
        "\"min\":0.0,\"max\":2.0},"
        "\"other.thing_count\":{\"n\":3,\"mean\":1.0}}}}");
    write_report(*state);
    html = fixture_read(*state, "report.html");
    fixture_assert_xml(strstr(html, "<html"));
    row = strstr(html, "<section id=\"seeds\">");
    assert_non_null(row);
    assert_non_null(strstr(row, "<td><code>rtt.rtt_avg_ps</code></td>"
                                "<td align=\"right\">3</td>"
                                "<td align=\"right\">41.5 \302\265s</td>"
                                "<td align=\"right\">2.50 ns</td>"
                                "<td align=\"right\">40 \302\265s</td>"
                                "<td align=\"right\">43 \302\265s</td></tr>\n"
                                "<tr><td><code>traffic.drops_count</code></td>"
                                "<td align=\"right\">3</td>"
                                "<td align=\"right\">0.75</td>"
                                "<td align=\"right\">-</td>"));
    assert_non_null(strstr(row, "<a href=\"seeds/9/report.html\">9</a>"));
    assert_null(strstr(row, "other.thing_count</code></td>"
                            "<td align=\"right\">3</td>"));
}

static void test_odd_types_do_no_harm(void **state)
{
    fixture_write(*state, "summary.json",
                  "{\"seeds\":{\"seeds\":[1,{},\"x\"],\"metrics\":{\"m\":3}},"
                  "\"expectations\":[{\"id\":\"a\",\"metric\":\"m\"}]}");
    write_report(*state);
    fixture_write(*state, "summary.json", "{\"seeds\":[1]}");
    write_report(*state);
    fixture_write(*state, "summary.json",
                  "{\"verdict\":7,\"expectations\":{},\"steps\":[1,null,{}],"
                  "\"controls\":[[]],\"events\":[],\"metrics\":{\"a\":1},"
                  "\"nodes\":{\"x\":{\"card\":{\"interfaces\":[3,{}]}}},"
                  "\"seed\":\"18446744073709551615\",\"versions\":{\"a\":[]}}");
    write_report(*state);
}

static void test_missing_directory(void **state)
{
    g_autoptr(GError) err = NULL;

    assert_false(report_write("/nonexistent", &err));
    assert_true(g_error_matches(err, REPORT_ERROR, REPORT_ERROR_MISSING));
}

static void test_broken_files_are_named(void **state)
{
    static const char *const lines[] = {
        "{\"t_ps\":1}\n{\"t_ps\":2\n",
        "{}\n[]\n",
        "{}\n{\"a\":[1]}\n",
        "{}\n{\"a\" 1}\n",
        "{}\nx\n",
        "{}\n{\"a\":1}}\n",
        "{}\n{\"a\":\"",
        "{}\n{\"a\":1,,}\n",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(GError) err = NULL;

        fixture_write(*state, "events.ndjson", lines[i]);
        assert_false(report_write(*state, &err));
        assert_true(g_error_matches(err, REPORT_ERROR, REPORT_ERROR_INVALID));
        assert_non_null(strstr(err->message, "events.ndjson:2:"));
    }
    g_autoptr(GError) err = NULL;

    fixture_write(*state, "summary.json", "{");
    assert_false(report_write(*state, &err));
    assert_true(g_error_matches(err, REPORT_ERROR, REPORT_ERROR_INVALID));
}

static void assert_text(char *got, const char *expected)
{
    assert_string_equal(got, expected);
    g_free(got);
}

static void test_numbers_for_reading(void **state)
{
    assert_text(format_ps(0), "0");
    assert_text(format_ps(999), "999 ps");
    assert_text(format_ps(85340000), "85.3 \302\265s");
    assert_text(format_ps(1200000000000), "1.20 s");
    assert_text(format_ps(2000000000000), "2 s");
    assert_text(format_bytes(4096), "4 KiB");
    assert_text(format_bytes(1610612736), "1.50 GiB");
    assert_text(format_bytes_per_s(1 << 20), "1 MiB/s");
    assert_text(format_count(950), "950");
    assert_text(format_count(12345), "12.3k");
    assert_text(format_exact(1234567), "1\342\200\257234\342\200\257567");
    assert_text(format_percentile(1), "0 %");
    assert_text(format_percentile(2), "50 %");
    assert_text(format_percentile(10), "90 %");
    assert_text(format_percentile(20), "95 %");
    assert_text(format_percentile(1000), "99.9 %");
    assert_text(format_percentile(50000), "99.998 %");
    assert_text(format_in_unit(-1500, "ps"), "-1.50 ns");
    assert_text(format_in_unit(125000, "ppm"), "12.5 %");
    assert_text(format_in_unit(956000000, "bps"), "956 Mbit/s");
    assert_text(format_in_unit(25000000000, "bps"), "25 Gbit/s");
    assert_text(format_in_unit(1, "bool"), "true");
    assert_int_equal(rate_per_s(5, 500000000000), 10);
}

static void test_headroom_bar(void **state)
{
    ReportExpect e = { .load_permille = 500, .held = TRUE };
    g_autofree char *half = report_chart_headroom(&e);

    assert_non_null(strstr(half, "width=\"42\""));
    e.load_permille = -1;
    assert_null(report_chart_headroom(&e));
}

static const char series[] =
    "{\"wires\":[{\"link\":\"leaf-0-spine-0\",\"from\":\"leaf-0\","
    "\"to\":\"spine-0\",\"core\":true,\"load_permille\":[0,500,500,1000],"
    "\"queue_bytes\":[0,0,4096,65536],\"marks\":[0,0,0,7]},"
    "{\"link\":\"m-0-leaf-0\",\"from\":\"m-0\",\"to\":\"leaf-0\","
    "\"core\":false,\"load_permille\":[1,1,1,1]}],"
    "\"begin_ps\":0,\"bin_ps\":10000000,\"bins\":4}";

static guint count_of(const char *text, const char *what)
{
    guint n = 0;

    for (; (text = strstr(text, what)); text += strlen(what)) {
        n++;
    }
    return n;
}

static void test_network_over_time(void **state)
{
    g_autofree char *folder = g_build_filename(*state, "network", NULL);
    g_autoptr(ReportData) d = NULL;
    g_autoptr(ReportFabric) f = NULL;
    g_autofree char *heat = NULL, *queues = NULL;

    assert_int_equal(g_mkdir(folder, 0777), 0);
    fixture_write(*state, "network/series.json", series);
    d = report_data_load(*state, NULL);
    f = report_fabric_load(d);
    assert_non_null(f);
    heat = report_fabric_heat(f);
    queues = report_fabric_queues(f);
    fixture_assert_xml(heat);
    fixture_assert_xml(queues);
    /* Equal neighbours are one cell; the scale has one of each colour. */
    assert_int_equal(count_of(heat, svg_heat_colour(500)), 2);
    assert_int_equal(count_of(heat, svg_heat_colour(1000)), 2);
    assert_non_null(strstr(heat, "leaf-0 to spine-0"));
    assert_null(strstr(heat, "m-0 to leaf-0")); /* no path to choose */
    assert_non_null(strstr(queues, "leaf-0-spine-0"));
    assert_null(report_fabric_fct(d));
}

static void test_broken_series_are_left_out(void **state)
{
    static const char *const broken[] = {
        "",
        "[]",
        "{\"wires\":7,\"bins\":1,\"bin_ps\":1}",
        "{\"wires\":[],\"bins\":0,\"bin_ps\":1}",
        "{\"wires\":[],\"bins\":99999999,\"bin_ps\":1}",
    };
    g_autofree char *folder = g_build_filename(*state, "network", NULL);
    g_autoptr(ReportData) d = report_data_load(*state, NULL);

    assert_null(report_fabric_load(d));
    assert_int_equal(g_mkdir(folder, 0777), 0);
    for (gsize i = 0; i < G_N_ELEMENTS(broken); i++) {
        fixture_write(*state, "network/series.json", broken[i]);
        assert_null(report_fabric_load(d));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_network_over_time),
        TEST(test_broken_series_are_left_out),
        TEST(test_page_is_one_safe_file),
        TEST(test_page_says_what_matters),
        TEST(test_same_run_same_bytes),
        TEST(test_junit),
        TEST(test_data_counts),
        TEST(test_series),
        TEST(test_segments),
        TEST(test_loads),
        TEST(test_a_run_without_events),
        TEST(test_seeds),
        TEST(test_odd_types_do_no_harm),
        TEST(test_missing_directory),
        TEST(test_broken_files_are_named),
        TEST(test_numbers_for_reading),
        TEST(test_headroom_bar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
