/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run-diff-test.c: what two made-up runs differ in, and that equal ones are.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "report_fixture.h"
#include "run_diff.h"

typedef struct Two {
    char *dir[2];
} Two;

static int setup(void **state)
{
    Two *t = g_new0(Two, 1);

    t->dir[0] = fixture_new();
    t->dir[1] = fixture_new();
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    Two *t = *state;

    fixture_remove(t->dir[0]);
    fixture_remove(t->dir[1]);
    g_free(t);
    return 0;
}

static RunDiff *load(const Two *t, uint32_t tolerance_ppm)
{
    g_autoptr(GError) err = NULL;
    RunDiff *d = run_diff_load(t->dir[0], t->dir[1], tolerance_ppm, &err);

    if (!d) {
        print_error("%s\n", err->message);
        fail();
    }
    return d;
}

static const RunDiffRow *row(const GPtrArray *rows, const char *name)
{
    for (guint i = 0; i < rows->len; i++) {
        const RunDiffRow *r = rows->pdata[i];

        if (g_str_equal(r->name, name)) {
            return r;
        }
    }
    print_error("no row %s\n", name);
    fail();
    return NULL;
}

/* Replaces @from, which must be there, in a file of run 2. */
static void change(const Two *t, const char *name, const char *from,
                   const char *to)
{
    g_autofree char *text = fixture_read(t->dir[1], name);
    g_auto(GStrv) parts = g_strsplit(text, from, 2);
    g_autofree char *changed = g_strjoinv(to, parts);

    assert_int_equal(g_strv_length(parts), 2);
    fixture_write(t->dir[1], name, changed);
}

static void test_equal_runs(void **state)
{
    g_autoptr(RunDiff) d = load(*state, 0);
    g_autofree char *text = run_diff_text(d, false);

    assert_false(d->differs);
    assert_int_equal(d->event_line, 0);
    assert_true(d->latency->len > 0);
    assert_true(g_str_has_suffix(text, "\nequal\n"));
    assert_null(strstr(text, "hosta.ssd0.read_bytes"));
    g_free(text);
    text = run_diff_text(d, true);
    assert_non_null(strstr(text, "hosta.ssd0.read_bytes"));
}

static void test_a_metric_has_change_and_share(void **state)
{
    Two *t = *state;
    g_autoptr(RunDiff) d = NULL;
    const RunDiffRow *r;

    change(t, "summary.json", "\"value\":1638400", "\"value\":1228800");
    d = load(t, 0);
    r = row(d->metrics, "hosta.ssd0.read_bytes");
    assert_true(d->differs);
    assert_true(r->numbers && r->differs);
    assert_string_equal(r->text[0], "1.56 MiB");
    assert_string_equal(r->text[1], "1.17 MiB");
    assert_string_equal(r->change, "-400 KiB");
    assert_string_equal(r->relative, "-25.0 %");
}

static void test_tolerance_is_of_the_first_value(void **state)
{
    Two *t = *state;
    g_autoptr(RunDiff) exact = NULL, within = NULL, beyond = NULL;

    change(t, "summary.json", "\"value\":1638400", "\"value\":1654784");
    exact = load(t, 0);
    within = load(t, 10000); /* 1 %: 16384 */
    beyond = load(t, 9999);
    assert_true(exact->differs);
    assert_false(within->differs);
    assert_true(beyond->differs);
}

static void test_small_changes_stay_visible(void **state)
{
    Two *t = *state;
    g_autoptr(RunDiff) d = NULL;
    const RunDiffRow *r;

    change(t, "summary.json", "\"value\":1638400", "\"value\":1638401");
    d = load(t, 0);
    r = row(d->metrics, "hosta.ssd0.read_bytes");
    assert_string_not_equal(r->text[0], r->text[1]);
    assert_string_equal(r->change, "+1 B");
    assert_string_equal(r->relative, "+1 ppm");
}

static void test_an_expectation_that_broke(void **state)
{
    Two *t = *state;
    g_autoptr(RunDiff) d = NULL;
    g_autofree char *text = NULL;
    const RunDiffRow *r;

    change(t, "summary.json", "\"held\":true", "\"held\":false");
    d = load(t, 1000000);
    r = row(d->expectations, "text");
    assert_true(r->differs);
    assert_false(r->bad[0]);
    assert_true(r->bad[1]);
    text = run_diff_text(d, false);
    assert_non_null(strstr(text, "1.1 FAIL"));
    assert_non_null(strstr(text, "expectations: 1 of 2 differ"));
    assert_true(g_str_has_suffix(text, "\ndifferent\n"));
}

static void test_events_part_at_a_line(void **state)
{
    Two *t = *state;
    g_autofree char *text = fixture_read(t->dir[1], "events.ndjson");
    g_autoptr(RunDiff) d = NULL, tolerant = NULL;

    *strchr(strchr(text, '\n') + 1, '\n') = '\0'; /* two lines are left */
    fixture_write(t->dir[1], "events.ndjson", text);
    d = load(t, 0);
    assert_int_equal(d->event_line, 2); /* it has lost its line feed */
    assert_non_null(d->event[0]);
    assert_true(d->differs);
}

static void test_a_log_that_ends_early(void **state)
{
    Two *t = *state;
    g_autofree char *text = fixture_read(t->dir[1], "events.ndjson");
    g_autoptr(RunDiff) d = NULL;

    strchr(text, '\n')[1] = '\0';
    fixture_write(t->dir[1], "events.ndjson", text);
    d = load(t, 0);
    assert_int_equal(d->event_line, 2);
    assert_non_null(d->event[0]);
    assert_null(d->event[1]);
}

static void test_scenarios_by_path(void **state)
{
    Two *t = *state;
    g_autoptr(RunDiff) d = NULL;
    const RunDiffRow *r;

    fixture_write(t->dir[0], "resolved.yaml",
                  "nodes: {a: {memory: 1GiB}}\n"
                  "steps: [{load: {as: io, depth: 1}}, {wait: {time: 1s}}]\n");
    fixture_write(t->dir[1], "resolved.yaml",
                  "nodes: {a: {memory: 2GiB}}\n"
                  "steps: [{boot: {as: b}}, {load: {as: io, depth: 1}}, "
                  "{wait: {time: 1s}}]\n");
    d = load(t, 0);
    r = row(d->scenario, "nodes.a.memory");
    assert_string_equal(r->text[0], "1GiB");
    assert_string_equal(r->text[1], "2GiB");
    assert_null(row(d->scenario, "steps.b.boot.as")->text[0]);
    for (guint i = 0; i < d->scenario->len; i++) {
        r = d->scenario->pdata[i];
        assert_null(strstr(r->name, "steps.io"));
    }
}

static void test_a_broken_directory_is_an_error(void **state)
{
    Two *t = *state;
    g_autoptr(GError) missing = NULL, invalid = NULL;

    assert_null(run_diff_load(t->dir[0], "/nowhere", 0, &missing));
    assert_true(g_error_matches(missing, REPORT_ERROR, REPORT_ERROR_MISSING));
    fixture_write(t->dir[1], "resolved.yaml", "a: [1\n");
    assert_null(run_diff_load(t->dir[0], t->dir[1], 0, &invalid));
    assert_true(g_error_matches(invalid, REPORT_ERROR, REPORT_ERROR_INVALID));
    assert_non_null(strstr(invalid->message, "resolved.yaml:2:"));
}

static void test_page_is_one_safe_file(void **state)
{
    Two *t = *state;
    g_autoptr(RunDiff) d = NULL;
    g_autofree char *html = NULL, *again = NULL;

    change(t, "summary.json", "\"value\":1638400", "\"value\":1228800");
    d = load(t, 0);
    html = run_diff_page(d);
    again = run_diff_page(d);
    assert_string_equal(html, again);
    fixture_assert_xml(strstr(html, "<html"));
    assert_null(strstr(html, "<script"));
    assert_non_null(strstr(html, "-25.0 %"));
    assert_non_null(strstr(html, "class=\"pair\""));
    assert_null(strchr(html, 0x1b));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_equal_runs),
        T(test_a_metric_has_change_and_share),
        T(test_tolerance_is_of_the_first_value),
        T(test_small_changes_stay_visible),
        T(test_an_expectation_that_broke),
        T(test_events_part_at_a_line),
        T(test_a_log_that_ends_early),
        T(test_scenarios_by_path),
        T(test_a_broken_directory_is_an_error),
        T(test_page_is_one_safe_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
