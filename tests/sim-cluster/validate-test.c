/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate-test.c: the rules of `outrigger bench validate`: what is within
 * 5 %, what is missing, what needs a reason, and what is printed of it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "bench.h"
#include "report_fixture.h"
#include "validate.h"

static const ValidateTarget targets[] = {
    { "one", "fig", "A paper", "a switch", "rate", "Gbit/s", 2000, 2000 },
    { "two", "fig", "A paper", "a switch", "time", "us", 400000, 500000 },
    { "three", "fig", "B, \"quoted\"", "a tree", "time", "us", 982000, 982000 },
    { 0 },
};
static const ValidateTarget extra = { "more",  NULL,    "A claim", "a tree",
                                      "ratio", "times", 1500,      1500 };
static const ValidateFigure figures[] = {
    { "fig", "A figure", "x", "y", SVG_LINEAR, SVG_LINEAR, NULL, NULL },
    { 0 },
};

static void run_ok(Validation *v, bool (*run)(Validation *v, GError **errp))
{
    const ValidateExperiment e = { "test", "a test", run };
    g_autoptr(GError) err = NULL;

    if (!validation_run(v, &e, &err)) {
        fail_msg("%s", err->message);
    }
}

static void run_fails(bool (*run)(Validation *v, GError **errp),
                      const char *message)
{
    g_autoptr(Validation) v = validation_new(targets, figures);
    const ValidateExperiment e = { "test", "a test", run };
    g_autoptr(GError) err = NULL;

    assert_false(validation_run(v, &e, &err));
    assert_true(g_error_matches(err, VALIDATE_ERROR, VALIDATE_ERROR_FAILED));
    assert_string_equal(err->message, message);
}

static ValidateJudgement judge(const Validation *v)
{
    ValidateJudgement j;

    validation_judge(v, &j);
    return j;
}

/* ---- numbers ------------------------------------------------------------- */

static void test_deviation(void **state)
{
    (void)state;
    assert_int_equal(validate_deviation_permille(&targets[0], 2000), 0);
    assert_int_equal(validate_deviation_permille(&targets[0], 2100), 50);
    assert_int_equal(validate_deviation_permille(&targets[0], 2101), 51);
    assert_int_equal(validate_deviation_permille(&targets[0], 1900), -50);
    assert_int_equal(validate_deviation_permille(&targets[0], 1899), -51);
    assert_int_equal(validate_deviation_permille(&targets[0], 2001), 1);
    /* A range: nothing inside; from the nearer end outside. */
    assert_int_equal(validate_deviation_permille(&targets[1], 400000), 0);
    assert_int_equal(validate_deviation_permille(&targets[1], 500000), 0);
    assert_int_equal(validate_deviation_permille(&targets[1], 550000), 100);
    assert_int_equal(validate_deviation_permille(&targets[1], 360000), -100);
}

static void test_within(void **state)
{
    (void)state;
    assert_true(validate_within(&targets[0], 1900));
    assert_true(validate_within(&targets[0], 2100));
    assert_false(validate_within(&targets[0], 1899));
    assert_false(validate_within(&targets[0], 2101));
    assert_true(validate_within(&targets[1], 380000));
    assert_true(validate_within(&targets[1], 525000));
    assert_false(validate_within(&targets[1], 379999));
    assert_false(validate_within(&targets[1], 525001));
}

static void test_labels(void **state)
{
    g_autofree char *a = validate_label_milli(9220);
    g_autofree char *b = validate_label_milli(206500);
    g_autofree char *c = validate_label_milli(5000);
    g_autofree char *d = validate_label_percent(905);
    g_autofree char *e = validate_label_whole(9220);

    (void)state;
    assert_string_equal(a, "9.22");
    assert_string_equal(b, "206.5");
    assert_string_equal(c, "5");
    assert_string_equal(d, "90.5 %");
    assert_string_equal(e, "9220");
}

/* ---- rows ---------------------------------------------------------------- */

static bool run_all(Validation *v, GError **errp)
{
    (void)errp;
    validate_result(v, "one", 2050, "not needed");
    validate_result(v, "two", 450000, NULL);
    validate_result(v, "three", 1049450, "by luck");
    validate_extra(v, &extra, 3000, NULL);
    return true;
}

static bool run_one(Validation *v, GError **errp)
{
    (void)errp;
    validate_result(v, "one", 2500, NULL);
    return true;
}

static void test_all_rows(void **state)
{
    g_autoptr(Validation) v = validation_new(targets, figures);
    ValidateJudgement j;

    (void)state;
    run_ok(v, run_all);
    j = judge(v);
    assert_int_equal(j.required, 3);
    assert_int_equal(j.within, 2);
    assert_int_equal(j.missing, 0);
    assert_int_equal(j.unexplained, 1); /* the extra one */
    assert_int_equal(validation_row_count(v), 4);
    /* A reason that is not needed is not kept. */
    assert_null(validation_row(v, 0)->why);
    assert_string_equal(validation_row(v, 2)->why, "by luck");
    assert_false(validation_row(v, 3)->required);
}

static void test_missing_row(void **state)
{
    g_autoptr(Validation) v = validation_new(targets, figures);
    ValidateJudgement j;

    (void)state;
    run_ok(v, run_one);
    j = judge(v);
    assert_int_equal(j.required, 3);
    assert_int_equal(j.within, 0);
    assert_int_equal(j.missing, 2);
    assert_int_equal(j.unexplained, 1);
}

static bool run_unknown(Validation *v, GError **errp)
{
    (void)errp;
    validate_result(v, "four", 1, NULL);
    validate_published(v, "five", "a line", false, 1);
    return true;
}

static bool run_twice(Validation *v, GError **errp)
{
    (void)errp;
    validate_result(v, "one", 2000, NULL);
    validate_result(v, "one", 2001, NULL);
    return true;
}

static bool run_extra_as_required(Validation *v, GError **errp)
{
    (void)errp;
    validate_extra(v, &targets[0], 2000, NULL);
    return true;
}

static bool run_no_figure(Validation *v, GError **errp)
{
    const SvgSample s = { 1, 1 };

    (void)errp;
    validate_series(v, "gif", "line", false, &s, 1);
    validate_series(v, "fig", "line", false, &s, 0);
    return true;
}

static bool run_error(Validation *v, GError **errp)
{
    (void)v;
    g_set_error(errp, VALIDATE_ERROR, VALIDATE_ERROR_FAILED, "no route");
    return false;
}

static void test_misuse(void **state)
{
    (void)state;
    run_fails(run_unknown, "test: no required row 'four' in "
                           "validate_targets.c; no required row 'five' in "
                           "validate_targets.c");
    run_fails(run_twice, "test: row 'one' is given twice");
    run_fails(run_extra_as_required, "test: row 'one' is given twice");
    run_fails(run_no_figure, "test: no figure 'gif'; line 'line' of figure "
                             "'fig' is empty");
    run_fails(run_error, "test: no route");
}

/* The table itself: every number that must be reproduced, once. */
static void test_targets(void **state)
{
    static const struct {
        const char *figure;
        guint rows;
    } counts[] = {
        { "ndp22", 8 }, { "ndp21", 5 }, { "htsim", 10 }, { "eqds", 3 }
    };
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    guint total = 0;

    (void)state;
    for (guint i = 0; validate_targets[i].id; i++) {
        assert_true(g_hash_table_add(ids, (void *)validate_targets[i].id));
        assert_true(validate_targets[i].low > 0);
        assert_true(validate_targets[i].low <= validate_targets[i].high);
    }
    for (guint c = 0; c < G_N_ELEMENTS(counts); c++) {
        guint rows = 0;

        for (guint i = 0; validate_targets[i].id; i++) {
            rows += strcmp(validate_targets[i].figure, counts[c].figure) == 0;
        }
        assert_int_equal(rows, counts[c].rows);
        total += rows;
    }
    assert_int_equal(total, g_hash_table_size(ids));
}

/* ---- the bars ------------------------------------------------------------ */

static const char definition[] = "title: a test\n"
                                 "kind: validation\n"
                                 "rounds: 1\n";
static const char bars[] = "bars:\n"
                           "  - id: complete\n"
                           "    bench: v\n"
                           "    value: required.missing_rows\n"
                           "    at_most: 0\n"
                           "  - id: share\n"
                           "    bench: v\n"
                           "    value: required.within_5_percent\n"
                           "    at_least: 60\n"
                           "  - id: explained\n"
                           "    bench: v\n"
                           "    value: all.unexplained_rows\n"
                           "    at_most: 0\n";

static Bench *load(const char *dir, const Validation *v)
{
    g_autoptr(GError) err = NULL;
    Bench *b;

    fixture_write(dir, "v.yaml", definition);
    fixture_write(dir, "bars.yaml", bars);
    b = bench_load(dir, "v", &err);
    if (!b) {
        fail_msg("%s", err->message);
    }
    validation_measure(v, b);
    return b;
}

static bool held(const Bench *b, guint index)
{
    return bench_bar_held(b, b->bars->pdata[index]);
}

static bool run_good(Validation *v, GError **errp)
{
    (void)errp;
    validate_result(v, "one", 2050, NULL);
    validate_result(v, "two", 450000, NULL);
    validate_result(v, "three", 1049450, "by luck");
    validate_extra(v, &extra, 3000, "another machine");
    return true;
}

static void test_bars(void **state)
{
    bool (*const runs[])(Validation *, GError **) = { run_good, run_all,
                                                      run_one };
    static const bool expected[][3] = { { true, true, true },
                                        { true, true, false },
                                        { false, false, false } };

    for (guint i = 0; i < G_N_ELEMENTS(runs); i++) {
        g_autoptr(Validation) v = validation_new(targets, figures);
        g_autoptr(Bench) b = NULL;

        run_ok(v, runs[i]);
        b = load(*state, v);
        for (guint bar = 0; bar < 3; bar++) {
            assert_int_equal(held(b, bar), expected[i][bar]);
        }
        assert_int_equal(bench_bars_verdict(b), i == 0 ? 0 : 1);
    }
}

/* ---- what is printed ----------------------------------------------------- */

static void test_markdown(void **state)
{
    g_autoptr(Validation) v = validation_new(targets, figures);
    g_autofree char *text = NULL;

    (void)state;
    run_ok(v, run_all);
    text = validation_markdown(v);
    assert_string_equal(
        text,
        "Today: 3 required rows, 2 within 5 %, 0 missing; 1 rows without a "
        "needed explanation.\n"
        "\n**A paper.** a switch.\n"
        "\n| quantity | theirs | ours | deviation | |\n|---|---|---|---|---|\n"
        "| rate, Gbit/s | 2 | 2.05 | +2.5 % | ok |\n"
        "| time, us | 400-500 | 450 | +0.0 % | ok |\n"
        "\n**B, \"quoted\".** a tree.\n"
        "\n| quantity | theirs | ours | deviation | |\n|---|---|---|---|---|\n"
        "| time, us | 982 | 1049.45 | +6.9 % | by luck |\n"
        "\n**A claim.** a tree.\n"
        "\n| quantity | theirs | ours | deviation | |\n|---|---|---|---|---|\n"
        "| ratio, times | 1.5 | 3 | +100.0 % | extra; UNEXPLAINED |\n");
}

static void test_csv(void **state)
{
    g_autoptr(Validation) v = validation_new(targets, figures);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    (void)state;
    run_ok(v, run_one);
    text = validation_csv(v);
    lines = g_strsplit(text, "\n", -1);
    assert_int_equal(g_strv_length(lines), 5);
    assert_string_equal(lines[1], "\"one\",\"A paper\",\"a switch\",\"rate\","
                                  "\"Gbit/s\",2,2,2.5,25,yes,"
                                  "\"UNEXPLAINED\"");
    assert_string_equal(lines[3],
                        "\"three\",\"B, \"\"quoted\"\"\",\"a tree\",\"time\","
                        "\"us\",982,982,,,yes,\"missing\"");
}

static void test_section(void **state)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *text = validate_replace_section(
        "before\n<!-- validate: begin -->\nold\n<!-- validate: end -->\n"
        "after\n",
        "new\n", &err);
    g_autofree char *again =
        validate_replace_section(text ? text : "", "new\n", NULL);

    (void)state;
    assert_string_equal(text, "before\n<!-- validate: begin -->\n\nnew\n\n"
                              "<!-- validate: end -->\nafter\n");
    assert_string_equal(again, text);
    assert_null(
        validate_replace_section("<!-- validate: begin -->\n", "x", &err));
    assert_true(g_error_matches(err, VALIDATE_ERROR, VALIDATE_ERROR_USAGE));
}

static bool run_lines(Validation *v, GError **errp)
{
    static const SvgSample line[] = { { 0, 10 }, { 5, 30 } };
    uint64_t values[] = { 30, 10, 20, 40 };

    (void)errp;
    validate_series(v, "fig", "a line", false, line, 2);
    validate_series(v, "fig", "a line", true, line, 1);
    validate_cdf(v, "fig", "shares", values, 4);
    validate_published(v, "two", "a range", false, 3);
    validate_published(v, "one", "a number", true, 3);
    assert_int_equal(values[0], 10);
    assert_int_equal(values[3], 40);
    return true;
}

static void test_figure(void **state)
{
    g_autoptr(Validation) none = validation_new(targets, figures);
    g_autoptr(Validation) v = validation_new(targets, figures);
    g_autofree char *svg = NULL, *again = NULL, *markdown = NULL;

    (void)state;
    assert_int_equal(validation_figure_count(none), 1);
    assert_null(validation_figure_svg(none, 0));
    run_ok(v, run_lines);
    svg = validation_figure_svg(v, 0);
    again = validation_figure_svg(v, 0);
    assert_string_equal(svg, again);
    assert_non_null(strstr(svg, ">a line<"));
    assert_non_null(strstr(svg, ">a line, published<"));
    assert_non_null(strstr(svg, ">shares<"));
    assert_non_null(strstr(svg, ">a range, published<"));
    assert_non_null(strstr(svg, ">a number, published<"));
    markdown = validation_markdown(v);
    assert_non_null(strstr(markdown, "![Figure fig](validation/fig.svg)"));
}

/* ---- the program --------------------------------------------------------- */

static const char *program; /* its path */

/* Exit code of the program with these words; *ret_out is what it prints. */
static int run_program(const char *words, char **ret_out)
{
    g_autofree char *command = g_strdup_printf("%s %s", program, words);
    g_autoptr(GError) err = NULL;
    int status = -1;

    if (!g_spawn_command_line_sync(command, ret_out, NULL, &status, &err)) {
        fail_msg("%s", err->message);
    }
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_program(void **state)
{
    g_autofree char *list = NULL, *help = NULL, *nothing = NULL;

    (void)state;
    assert_int_equal(run_program("--list", &list), 0);
    for (guint i = 0; validate_experiments[i]; i++) {
        g_autofree char *line =
            g_strdup_printf("case %-16s %s\n", validate_experiments[i]->id,
                            validate_experiments[i]->title);

        assert_non_null(strstr(list, line));
    }
    assert_non_null(strstr(list, "bar  validate-complete"));
    assert_non_null(strstr(list, "bar  validate-share"));
    assert_non_null(strstr(list, "bar  validate-explained"));
    assert_int_equal(run_program("--help", &help), 0);
    assert_int_equal(run_program("--only no-such", &nothing), 2);
    assert_int_equal(run_program("word", NULL), 2);
    assert_int_equal(run_program("--rounds 101", NULL), 2);
    assert_int_equal(run_program("--write --only eqds", NULL), 2);
}

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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deviation),
        cmocka_unit_test(test_within),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_all_rows),
        cmocka_unit_test(test_missing_row),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_targets),
        cmocka_unit_test_setup_teardown(test_bars, setup, teardown),
        cmocka_unit_test(test_markdown),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_section),
        cmocka_unit_test(test_figure),
        cmocka_unit_test(test_program),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s OUTRIGGER-BENCH-VALIDATE\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
