/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario-test.c: what a valid scenario becomes: values, defaults, places,
 * predicates, controls, metrics.
 */
#include "scenario_fixture.h"

#include <string.h>

#include "metrics_table.h"

static void test_values(void **state)
{
    g_autoptr(Scenario) s = scenario_must(scenario_small, NULL);
    const ScnHost *host = scenario_host(s, "hosta");
    const ScnPartition *both = scn_card_partition(host->card, "both");
    const ScnInterface *vif1 = scn_card_interface(host->card, "vif1");
    const ScnNamespace *ns = vif1->namespaces->pdata[0];

    (void)state;
    assert_string_equal(s->name, "small");
    assert_int_equal(s->seed, 7);
    assert_true(s->time->limit_ps == 10 * PS_PER_S);
    assert_int_equal(host->node.kind, SCN_NODE_HOST);
    assert_true(host->memory_bytes == UINT64_C(256) << 20);
    assert_int_equal(both->drives->len, 2);
    assert_string_equal(both->drives->pdata[1], "ssd1");
    assert_int_equal(both->layout, SCN_LAYOUT_STRIPE);
    assert_int_equal(both->stripe_bytes, 65536);
    assert_int_equal(ns->nsid, 1);
    assert_string_equal(ns->partition, "both");
    assert_int_equal(vif1->limits->iops, 1000);
    assert_int_equal(vif1->limits->burst_ios, 10);
    assert_null(scenario_host(s, "list"));
    assert_null(scn_card_drive(host->card, "vif1"));
}

static void test_defaults(void **state)
{
    g_autoptr(Scenario) s = scenario_must(scenario_small, NULL);
    const ScnHost *host = scenario_host(s, "hosta");
    const ScnInterface *vif0 = scn_card_interface(host->card, "vif0");
    const ScnPartition *one = scn_card_partition(host->card, "one");

    (void)state;
    assert_string_equal(s->description, "");
    assert_int_equal(s->time->mode, SCN_MODE_LOCKSTEP);
    assert_true(s->time->step_ps == 10 * PS_PER_MS);
    assert_string_equal(s->time->rtc, "2025-01-01");
    assert_int_equal(host->cpu->count, 1);
    assert_int_equal(host->cpu->ns_per_insn, 1);
    assert_string_equal(host->image, "default");
    assert_null(host->kernel);
    assert_string_equal(host->firmware, "seabios");
    assert_string_equal(host->append, "");
    assert_int_equal(host->qemu_nvme->len, 0);
    assert_true(host->card->controls->encryption);
    assert_true(host->card->controls->throttle);
    assert_int_equal(host->card->controls->fanout, SCN_FANOUT_LAST);
    assert_string_equal(host->card->application, "stock");
    assert_int_equal(one->stripe_bytes, 0); /* linear */
    assert_true(one->encrypted);
    assert_int_equal(one->block_bytes, 512);
    assert_int_equal(vif0->limits->iops, 0);
    assert_int_equal(vif0->queues, 4);
    assert_int_equal(s->capture->waves->len, 0);
    assert_false(s->capture->trace);
    assert_null(s->control);
    assert_false(s->quick_applied);
}

static void test_steps(void **state)
{
    g_autoptr(Scenario) s = scenario_must(scenario_small, NULL);
    const ScnStep *boot = s->steps->pdata[0];
    const ScnExec *exec = (ScnExec *)scenario_handle(s, "list");
    const ScnLoad *load = (ScnLoad *)scenario_handle(s, "io");
    const ScnWait *wait = s->steps->pdata[3];
    const ScnFault *fault = s->steps->pdata[4];
    const ScnExtract *x = exec->extract->pdata[1];

    (void)state;
    assert_int_equal(boot->verb, SCN_STEP_BOOT);
    assert_string_equal(boot->as, "step-1");
    assert_true(boot->within_ps == 60 * PS_PER_S);
    assert_int_equal(exec->step.index, 1);
    assert_string_equal(exec->run, "nvme list");
    assert_int_equal(exec->expect_exit, 0);
    assert_string_equal(x->name, "state");
    assert_int_equal(x->kind, SCN_EXTRACT_REGEX);
    assert_int_equal(x->unit, UNIT_TEXT);
    assert_true(load->background);
    assert_int_equal(load->step.within_ps, 0);
    assert_null(load->run);
    assert_int_equal(load->fio->rw, SCN_FIO_RANDREAD);
    assert_true(load->fio->runtime_ps == 100 * PS_PER_MS);
    assert_int_equal(load->fio->nsid, 1);
    assert_int_equal(load->fio->bs_bytes, 4096);
    assert_int_equal(load->fio->rwmixread_ppm, 0);
    assert_null(wait->handle);
    assert_int_equal(wait->time_ps, 0);
    assert_string_equal(wait->until->metric, "hosta.vif1.read_cmds_count");
    assert_int_equal(wait->until->compare, SCN_AT_LEAST);
    assert_null(wait->step.node);
    assert_int_equal(fault->kind, SCN_FAULT_RESET_INTERFACE);
    assert_string_equal(fault->interface, "vif0");
    assert_null(fault->drive);
}

static void test_places(void **state)
{
    g_autoptr(Scenario) s = scenario_must(scenario_small, NULL);
    const ScnExpect *e = scenario_expect(s, "rate");
    g_autofree char *at = scenario_place(&e->obj, "at_most");
    g_autofree char *of = scenario_place(&e->obj, "below");
    g_autofree char *message =
        scenario_message(s, &e->obj, "metric", "was %d", 7);

    (void)state;
    assert_string_equal(at, "s.yaml:44:46");
    assert_string_equal(of, "s.yaml:44:5");
    assert_true(scenario_given(&e->obj, "id"));
    assert_false(scenario_given(&e->obj, "below"));
    assert_string_equal(message,
                        "s.yaml:44:24: was 7\n"
                        "    - {id: rate, metric: io.iops_max, at_most: 1050}\n"
                        "                         ^");
}

static void test_control(void **state)
{
    g_autoptr(Scenario) s = scenario_must(scenario_small, NULL);
    const ScnControl *control = s->controls->pdata[0];
    const ScnBreak *b = control->breaks->pdata[0];
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) changed = scenario_with_control(s, control, &err);

    (void)state;
    assert_non_null(changed);
    assert_string_equal(changed->control, "clear-text");
    assert_false(scenario_host(changed, "hosta")->card->controls->encryption);
    assert_true(scenario_host(s, "hosta")->card->controls->encryption);
    assert_string_equal(b->expect, "hidden");
    assert_int_equal(b->by, 1);
    assert_false(b->any_margin);
}

/* A margin in percent is of the bound. */
static void test_relative_margin(void **state)
{
    g_autofree char *text =
        scenario_edit("{expect: hidden, by: 1}", "{expect: rate, by: 20%}");
    g_autoptr(Scenario) s = scenario_must(text, NULL);
    const ScnControl *control = s->controls->pdata[0];
    const ScnBreak *b = control->breaks->pdata[0];

    (void)state;
    assert_int_equal(b->by, 210);
}

/* This used to be refused: the margin of a small bound was rounded to 0. */
static void test_relative_margin_of_nothing(void **state)
{
    const char *sets[] = { "expect.rate.at_most=0", NULL };
    g_autofree char *text =
        scenario_edit("{expect: hidden, by: 1}", "{expect: rate, by: 20%}");
    g_autofree char *zero =
        scenario_edit("{expect: hidden, by: 1}", "{expect: rate, by: 0%}");
    g_autoptr(Scenario) s = scenario_must(text, sets);
    const ScnControl *control = s->controls->pdata[0];
    const ScnBreak *b = control->breaks->pdata[0];

    (void)state;
    assert_int_equal(b->by, 1);
    scenario_must_fail(zero, NULL,
                       "s.yaml:50:32: a margin of nothing proves nothing\n"
                       "      breaks: {expect: rate, by: 0%}\n"
                       "                                 ^");
}

static void test_quick(void **state)
{
    ScenarioOptions quick = { .quick = true };
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) s = scenario_load_text(
        "s.yaml", scenario_small, strlen(scenario_small), &quick, &err);
    const ScnLoad *load;

    (void)state;
    assert_non_null(s);
    load = (ScnLoad *)scenario_handle(s, "io");
    assert_true(s->quick_applied);
    assert_true(load->fio->runtime_ps == 50 * PS_PER_MS);
}

/* ---- predicates ---------------------------------------------------------- */

typedef struct Judge {
    ScnCompare compare;
    int64_t value, high, actual;
    bool holds;
    int64_t margin;
} Judge;

static const Judge judges[] = {
    { SCN_IS, 5, 0, 5, true, 0 },
    { SCN_IS, 5, 0, 7, false, 2 },
    { SCN_IS, 5, 0, 1, false, 4 },
    { SCN_BELOW, 5, 0, 4, true, 0 },
    { SCN_BELOW, 5, 0, 5, false, 1 },
    { SCN_BELOW, 5, 0, 9, false, 4 },
    { SCN_ABOVE, 5, 0, 6, true, 0 },
    { SCN_ABOVE, 5, 0, 5, false, 1 },
    { SCN_ABOVE, 5, 0, 2, false, 3 },
    { SCN_AT_LEAST, 5, 0, 5, true, 0 },
    { SCN_AT_LEAST, 5, 0, 3, false, 2 },
    { SCN_AT_MOST, 5, 0, 5, true, 0 },
    { SCN_AT_MOST, 5, 0, 8, false, 3 },
    { SCN_BETWEEN, 5, 9, 5, true, 0 },
    { SCN_BETWEEN, 5, 9, 9, true, 0 },
    { SCN_BETWEEN, 5, 9, 4, false, 1 },
    { SCN_BETWEEN, 5, 9, 12, false, 3 },
    { SCN_AT_MOST, 0, 0, INT64_MAX, false, INT64_MAX },
    { SCN_AT_LEAST, INT64_MAX, 0, INT64_MIN, false, INT64_MAX },
};

static void test_holds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(judges); i++) {
        const Judge *j = &judges[i];
        ScnPredicate p = { .compare = j->compare,
                           .value = { UNIT_COUNT, j->value, NULL },
                           .high = { UNIT_COUNT, j->high, NULL } };
        ScnValue actual = { UNIT_COUNT, j->actual, NULL };
        ScnValue other = { UNIT_SIZE, j->actual, NULL };
        int64_t margin = -1;

        assert_int_equal(scn_predicate_holds(&p, &actual, &margin), j->holds);
        assert_true(margin == j->margin);
        assert_false(scn_predicate_holds(&p, &other, NULL));
    }
}

static void test_holds_text(void **state)
{
    ScnPredicate p = { .compare = SCN_IS,
                       .value = { UNIT_TEXT, 0, (char *)"live" } };
    ScnValue live = { UNIT_TEXT, 0, (char *)"live" };
    ScnValue dead = { UNIT_TEXT, 0, (char *)"dead" };
    int64_t margin;

    (void)state;
    assert_true(scn_predicate_holds(&p, &live, &margin));
    assert_int_equal(margin, 0);
    assert_false(scn_predicate_holds(&p, &dead, &margin));
    assert_int_equal(margin, 1);
}

static void test_predicate_text(void **state)
{
    g_autoptr(Scenario) s = scenario_must(scenario_small, NULL);
    g_autofree char *fast =
        scn_predicate_text(&scenario_expect(s, "fast")->predicate);
    g_autofree char *rate =
        scn_predicate_bound(&scenario_expect(s, "rate")->predicate);
    g_autofree char *text =
        scn_predicate_bound(&scenario_expect(s, "state")->predicate);
    g_autofree char *is =
        scn_predicate_text(&scenario_expect(s, "state")->predicate);

    (void)state;
    assert_string_equal(fast, "io.lat_read_p99_ps between 10us and 2ms");
    assert_string_equal(rate, "at most 1050");
    assert_string_equal(text, "live");
    assert_string_equal(is, "list.state is live");
}

/* ---- metrics ------------------------------------------------------------- */

/* The end of each name says its unit. */
static void test_metric_names(void **state)
{
    static const struct {
        const char *end;
        Unit unit;
    } ends[] = {
        { "_ps", UNIT_DURATION },    { "_count", UNIT_COUNT },
        { "_bytes", UNIT_SIZE },     { "_bps", UNIT_RATE },
        { "_bool", UNIT_BOOL },      { "_text", UNIT_TEXT },
        { "_iops", UNIT_COUNT },     { "iops_min", UNIT_COUNT },
        { "iops_max", UNIT_COUNT },  { "iops_mean", UNIT_COUNT },
        { "exit_code", UNIT_COUNT }, { "_ppm", UNIT_PERCENT },
        { "_um", UNIT_COUNT },       { "_mdb", UNIT_COUNT },
    };

    (void)state;
    for (const MetricInfo *m = metrics_table; m->name; m++) {
        bool found = false;

        for (unsigned i = 0; i < G_N_ELEMENTS(ends) && !found; i++) {
            found = g_str_has_suffix(m->name, ends[i].end) &&
                    m->unit == ends[i].unit;
        }
        if (!found) {
            fail_msg("%s is a %s", m->name, unit_name(m->unit));
        }
        assert_ptr_equal(metric_info(m->owner, m->name), m);
        assert_true(*m->description && *m->source);
    }
}

static void test_metric_lookup(void **state)
{
    static const struct {
        const char *name;
        Unit unit;
    } good[] = {
        { "run.sim_ps", UNIT_DURATION },
        { "hosta.boot_ps", UNIT_DURATION },
        { "hosta.vif0.read_bytes", UNIT_SIZE },
        { "hosta.ssd0.writes_count", UNIT_COUNT },
        { "list.exit_code", UNIT_COUNT },
        { "list.state", UNIT_TEXT },
        { "io.read_bw_bps", UNIT_RATE },
        { "io.exit_code", UNIT_COUNT },
        { "mark.read_back_bool", UNIT_BOOL },
        { "img.not_found_count", UNIT_COUNT },
        { "step-1.step_ps", UNIT_DURATION },
    };
    static const char *const bad[] = {
        "",
        ".",
        "run",
        "run.",
        "hosta",
        "hosta.ssd0",
        "hosta.vif0.x",
        "hosta.vif0.read_bytes.x",
        "list.read_iops",
        "hosta.one.read_bytes",
        "nobody.boot_ps",
        "step-1.exit_code",
        "..",
        "hosta..boot_ps",
    };
    g_autoptr(Scenario) s = scenario_must(scenario_small, NULL);
    const MetricInfo *info;
    Unit unit;

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        assert_true(metric_lookup(s, good[i].name, &unit, &info, NULL));
        assert_int_equal(unit, good[i].unit);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *why = NULL;

        if (metric_lookup(s, bad[i], NULL, NULL, &why)) {
            fail_msg("'%s' was found", bad[i]);
        }
        assert_non_null(why);
    }
    assert_ptr_equal(metric_step(s, "io.exit_code"), scenario_handle(s, "io"));
    assert_null(metric_step(s, "hosta.boot_ps"));
}

static void test_missing_file(void **state)
{
    g_autoptr(GError) err = NULL;

    (void)state;
    assert_null(scenario_load("nowhere/at/all.yaml", NULL, &err));
    assert_true(g_error_matches(err, SCENARIO_ERROR, SCENARIO_ERROR_FILE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_relative_margin),
        cmocka_unit_test(test_relative_margin_of_nothing),
        cmocka_unit_test(test_quick),
        cmocka_unit_test(test_holds),
        cmocka_unit_test(test_holds_text),
        cmocka_unit_test(test_predicate_text),
        cmocka_unit_test(test_metric_names),
        cmocka_unit_test(test_metric_lookup),
        cmocka_unit_test(test_missing_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
