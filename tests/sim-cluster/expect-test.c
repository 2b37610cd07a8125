/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * expect-test.c: the metric store, and expectations and controls judged by it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "controls.h"
#include "expect.h"
#include "metrics_store.h"

/* ---- the store --------------------------------------------------------- */

static void store_replaces_and_keeps_order(void **state)
{
    g_autoptr(MetricsStore) m = metrics_store_new(NULL, NULL);

    metrics_store_set(m, 5, "io", "read_iops", UNIT_COUNT, 10);
    metrics_store_set_text(m, 6, "n", "application_version_text", "1.0");
    metrics_store_set(m, 7, "io", "read_iops", UNIT_COUNT, 20);
    assert_int_equal(metrics_store_count(m), 2);
    assert_string_equal(metrics_store_at(m, 0)->name, "io.read_iops");
    assert_int_equal(metrics_store_get(m, "io.read_iops")->value.number, 20);
    assert_int_equal(metrics_store_get(m, "io.read_iops")->at_ps, 7);
    assert_null(metrics_store_get(m, "io.write_iops"));
}

static void count_metric(void *opaque, const Metric *m)
{
    *(int *)opaque += 1;
}

static void store_tells_its_observer(void **state)
{
    int calls = 0;
    g_autoptr(MetricsStore) m = metrics_store_new(count_metric, &calls);

    metrics_store_set(m, 1, "a", "b", UNIT_COUNT, 1);
    metrics_store_set(m, 2, "a", "b", UNIT_COUNT, 1);
    assert_int_equal(calls, 2);
}

/* What does not fit is not measured rather than wrong. */
static void store_refuses_what_does_not_fit(void **state)
{
    g_autoptr(MetricsStore) m = metrics_store_new(NULL, NULL);

    metrics_store_set_u64(m, 1, "a", "b", UNIT_COUNT, UINT64_MAX);
    assert_null(metrics_store_get(m, "a.b"));
    metrics_store_set_u64(m, 1, "a", "b", UNIT_COUNT, INT64_MAX);
    assert_non_null(metrics_store_get(m, "a.b"));
}

static void values_as_text(void **state)
{
    const struct {
        ScnValue value;
        const char *text;
    } cases[] = {
        { { UNIT_COUNT, 15, NULL }, "15" },
        { { UNIT_BOOL, 1, NULL }, "true" },
        { { UNIT_BOOL, 0, NULL }, "false" },
        { { UNIT_TEXT, 0, (char *)"abc" }, "abc" },
        { { UNIT_DURATION, -3, NULL }, "-3" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = metric_value_text(&cases[i].value);

        assert_string_equal(text, cases[i].text);
    }
}

/* ---- expectations ------------------------------------------------------ */

static ScnExpect expectation(const char *id, const char *metric,
                             ScnCompare compare, Unit unit, int64_t number)
{
    return (ScnExpect){
        .id = (char *)id,
        .predicate = { .metric = (char *)metric,
                       .compare = compare,
                       .value = { .unit = unit, .number = number } },
    };
}

static void held(void **state)
{
    g_autoptr(MetricsStore) m = metrics_store_new(NULL, NULL);
    ScnExpect e = expectation("gap", "io.gap_ps", SCN_BELOW, UNIT_DURATION,
                              2 * (int64_t)PS_PER_S);
    ExpectResult *r;

    metrics_store_set(m, 0, "io", "gap_ps", UNIT_DURATION, PS_PER_S);
    r = expect_judge(&e, m);
    assert_true(r->held);
    assert_true(r->measured);
    assert_int_equal(r->margin, 0);
    assert_string_equal(r->text, "expected below 2s, was 1s");
    expect_result_free(r);
}

static void broken_says_what_was(void **state)
{
    g_autoptr(MetricsStore) m = metrics_store_new(NULL, NULL);
    ScnExpect e = expectation("gap", "io.gap_ps", SCN_BELOW, UNIT_DURATION,
                              2 * (int64_t)PS_PER_S);
    ExpectResult *r;

    metrics_store_set(m, 0, "io", "gap_ps", UNIT_DURATION,
                      2730 * (int64_t)PS_PER_MS);
    r = expect_judge(&e, m);
    assert_false(r->held);
    assert_true(r->margin >= 730 * (int64_t)PS_PER_MS);
    assert_string_equal(r->text, "expected below 2s, was 2.73s (2730ms)");
    expect_result_free(r);
}

/* An unknown or missing metric never passes. */
static void not_measured_is_broken(void **state)
{
    g_autoptr(MetricsStore) m = metrics_store_new(NULL, NULL);
    ScnExpect e = expectation("none", "io.errors_count", SCN_IS, UNIT_COUNT, 0);
    ExpectResult *r = expect_judge(&e, m);

    assert_false(r->held);
    assert_false(r->measured);
    assert_string_equal(r->text, "expected 0, was not measured");
    expect_result_free(r);
}

static void text_values(void **state)
{
    g_autoptr(MetricsStore) m = metrics_store_new(NULL, NULL);
    ScnExpect e = expectation("v", "n.v_text", SCN_IS, UNIT_TEXT, 0);
    ExpectResult *r;

    e.predicate.value.text = (char *)"2.0";
    metrics_store_set_text(m, 0, "n", "v_text", "1.0");
    r = expect_judge(&e, m);
    assert_false(r->held);
    assert_non_null(strstr(r->text, "was '1.0'"));
    expect_result_free(r);
}

/* ---- controls ---------------------------------------------------------- */

typedef struct Case {
    ScnExpect plain, named;
    ScnBreak brk;
    ScnControl control;
    RunResult result;
} Case;

/* Two expectations "below 10"; the control must break `named` by 5. */
static void case_init(Case *c, int64_t plain, int64_t named)
{
    g_autoptr(MetricsStore) m = metrics_store_new(NULL, NULL);

    memset(c, 0, sizeof(*c));
    c->plain = expectation("plain", "a.x", SCN_AT_MOST, UNIT_COUNT, 10);
    c->named = expectation("named", "b.x", SCN_AT_MOST, UNIT_COUNT, 10);
    c->brk = (ScnBreak){ .expect = (char *)"named", .by = 5 };
    c->control.name = (char *)"off";
    c->control.breaks = g_ptr_array_new();
    g_ptr_array_add(c->control.breaks, &c->brk);
    metrics_store_set(m, 0, "a", "x", UNIT_COUNT, plain);
    if (named >= 0) {
        metrics_store_set(m, 0, "b", "x", UNIT_COUNT, named);
    }
    c->result.completed = true;
    c->result.reason = (char *)"";
    c->result.expectations =
        g_ptr_array_new_with_free_func((GDestroyNotify)expect_result_free);
    g_ptr_array_add(c->result.expectations, expect_judge(&c->plain, m));
    g_ptr_array_add(c->result.expectations, expect_judge(&c->named, m));
}

static bool case_judge(Case *c, const char *why_part)
{
    g_autofree char *why = NULL;
    bool counts = controls_judge(&c->control, &c->result, &why);

    if (!counts) {
        assert_non_null(strstr(why, why_part));
    }
    g_ptr_array_unref(c->control.breaks);
    g_ptr_array_unref(c->result.expectations);
    return counts;
}

static void control_counts(void **state)
{
    Case c;

    case_init(&c, 10, 15);
    assert_true(case_judge(&c, ""));
}

static void control_that_breaks_nothing(void **state)
{
    Case c;

    case_init(&c, 10, 10);
    assert_false(case_judge(&c, "named still holds"));
}

static void control_below_its_margin(void **state)
{
    Case c;

    case_init(&c, 10, 14);
    assert_false(case_judge(&c, "breaks by 4 only"));
}

static void control_that_breaks_more(void **state)
{
    Case c;

    case_init(&c, 11, 15);
    assert_false(case_judge(&c, "plain breaks, too"));
}

static void control_that_measures_nothing(void **state)
{
    Case c;

    case_init(&c, 10, -1);
    assert_false(case_judge(&c, "named was not measured"));
}

/* A crash, a time-out or a step that fails proves nothing. */
static void control_that_does_not_complete(void **state)
{
    Case c;

    case_init(&c, 10, 15);
    c.result.completed = false;
    c.result.reason = (char *)"QEMU died";
    assert_false(case_judge(&c, "did not complete: QEMU died"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_replaces_and_keeps_order),
        cmocka_unit_test(store_tells_its_observer),
        cmocka_unit_test(store_refuses_what_does_not_fit),
        cmocka_unit_test(values_as_text),
        cmocka_unit_test(held),
        cmocka_unit_test(broken_says_what_was),
        cmocka_unit_test(not_measured_is_broken),
        cmocka_unit_test(text_values),
        cmocka_unit_test(control_counts),
        cmocka_unit_test(control_that_breaks_nothing),
        cmocka_unit_test(control_below_its_margin),
        cmocka_unit_test(control_that_breaks_more),
        cmocka_unit_test(control_that_measures_nothing),
        cmocka_unit_test(control_that_does_not_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
