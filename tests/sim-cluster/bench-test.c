/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench-test.c: definitions, ratios, verdicts, and what is read from a run.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "bench.h"
#include "bench_proc.h"
#include "bench_span.h"
#include "report_fixture.h"

#define CLOSE(a, b) assert_true(fabs((double)(a) - (b)) < 1e-6)

static const char definition[] = "title: a test\n"
                                 "peer: theirs\n"
                                 "rounds: 3\n"
                                 "short_load: short\n"
                                 "long_load: long\n"
                                 "count: read_ios_count\n"
                                 "cases:\n"
                                 "  ours: ours.yaml\n"
                                 "  theirs: theirs.yaml\n";

static const char bars[] =
    "bars:\n"
    "  - id: fast\n"
    "    bench: b\n"
    "    value: ours.iops_per_wall_s / theirs.iops_per_wall_s\n"
    "    at_least: 1.5\n"
    "  - id: other\n"
    "    bench: c\n"
    "    value: x.y\n"
    "    at_most: 2\n"
    "  - id: few\n"
    "    bench: b\n"
    "    value: ours.guest_iops\n"
    "    at_most: 100\n";

static int setup(void **state)
{
    char *dir = fixture_new();

    fixture_write(dir, "b.yaml", definition);
    fixture_write(dir, "bars.yaml", bars);
    *state = dir;
    return 0;
}

static int teardown(void **state)
{
    fixture_remove(*state);
    return 0;
}

static void add(Bench *b, const char *name, double wall, double cpu,
                double guest)
{
    BenchSample s = { { wall, cpu, guest } };

    g_array_append_val(bench_case(b, name)->samples, s);
}

static Bench *load(const char *dir)
{
    g_autoptr(GError) err = NULL;
    Bench *b = bench_load(dir, "b", &err);

    if (!b) {
        print_error("%s\n", err->message);
        fail();
    }
    return b;
}

static void test_definition(void **state)
{
    g_autoptr(Bench) b = load(*state);
    const BenchBar *bar;

    assert_int_equal(b->rounds, 3);
    assert_string_equal(bench_case(b, "ours")->peer, "theirs");
    assert_null(bench_case(b, "theirs")->peer);
    assert_int_equal(b->cases->len, 2);
    assert_true(
        g_str_has_suffix(bench_case(b, "ours")->scenario, "/ours.yaml"));
    assert_int_equal(b->bars->len, 2);
    bar = b->bars->pdata[0];
    assert_string_equal(bar->id, "fast");
    assert_string_equal(bar->under.case_name, "theirs");
    assert_true(bar->at_least);
    CLOSE(bar->limit, 1.5);
    bar = b->bars->pdata[1];
    assert_null(bar->under.case_name);
    assert_int_equal(bar->over.quantity, BENCH_GUEST_IOPS);
}

static void test_definition_errors(void **state)
{
    static const struct {
        const char *file, *text, *message;
    } cases[] = {
        { "b.yaml", "title: x\n", "'peer' is missing" },
        { "b.yaml", "- a\n", "a bench is a mapping" },
        { "bars.yaml", "bars:\n  - id: a\n", "'bench' is missing" },
        { "bars.yaml", "bars:\n  - {id: a, bench: b, value: ours.guest_iops}\n",
          "one of 'at_least' and 'at_most'" },
        { "bars.yaml",
          "bars:\n  - {id: a, bench: b, value: ours.speed, at_most: 1}\n",
          "'ours.speed' is not CASE.QUANTITY" },
        { "bars.yaml",
          "bars:\n  - {id: a, bench: b, value: his.guest_iops, at_most: 1}\n",
          "names a case that is not there" },
        { "bars.yaml", "bars:\n  - {idd: a}\n", "unknown key 'idd'" },
        { "bars.yaml", "{}\n", "a list 'bars' is missing" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) err = NULL;

        fixture_write(*state, "b.yaml", definition);
        fixture_write(*state, "bars.yaml", bars);
        fixture_write(*state, cases[i].file, cases[i].text);
        assert_null(bench_load(*state, "b", &err));
        assert_true(g_error_matches(err, BENCH_ERROR, BENCH_ERROR_USAGE));
        if (!strstr(err->message, cases[i].message)) {
            print_error("case %zu: %s\n", i, err->message);
            fail();
        }
    }
    g_autoptr(GError) err = NULL;

    assert_null(bench_load(*state, "none", &err));
    assert_non_null(strstr(err->message, "no bench 'none'"));
}

static const char programs[] = "title: a test\n"
                               "kind: program\n"
                               "rounds: 1\n"
                               "peers: {ours: theirs}\n"
                               "cases:\n"
                               "  ours: say mhops_per_cpu_s 12.5\n"
                               "  theirs: say nothing\n"
                               "  none: not-there\n"
                               "  skips: skip\n";

static void write_script(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    fixture_write(dir, name, text);
    assert_int_equal(g_chmod(path, 0755), 0);
}

static void test_programs(void **state)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(Bench) b = NULL;

    fixture_write(*state, "b.yaml", programs);
    fixture_write(*state, "bars.yaml",
                  "bars:\n"
                  "  - {id: a, bench: b, value: ours.mhops_per_cpu_s, "
                  "at_least: 12, testbed: true}\n");
    write_script(*state, "say", "#!/bin/sh\necho cpu_s 2\necho \"$@\"\n");
    write_script(*state, "skip", "#!/bin/sh\nexit 77\n");
    b = load(*state);
    assert_true(b->program);
    assert_true(bench_has_quantity(b, BENCH_MHOPS_PER_CPU_S));
    assert_false(bench_has_quantity(b, BENCH_GUEST_IOPS));
    assert_true(((BenchBar *)b->bars->pdata[0])->testbed);
    assert_string_equal(bench_case(b, "ours")->peer, "theirs");
    assert_true(bench_run_program(bench_case(b, "ours"), *state, &err));
    CLOSE(bench_median(bench_case(b, "ours"), BENCH_MHOPS_PER_CPU_S), 12.5);
    assert_true(bench_bar_held(b, b->bars->pdata[0]));
    assert_false(bench_run_program(bench_case(b, "theirs"), *state, &err));
    assert_true(g_error_matches(err, BENCH_ERROR, BENCH_ERROR_FAILED));
    g_clear_error(&err);
    assert_false(bench_run_program(bench_case(b, "none"), *state, &err));
    assert_true(g_error_matches(err, BENCH_ERROR, BENCH_ERROR_PREREQUISITE));
    g_clear_error(&err);
    assert_false(bench_run_program(bench_case(b, "skips"), *state, &err));
    assert_true(g_error_matches(err, BENCH_ERROR, BENCH_ERROR_PREREQUISITE));
}

static void test_ratio_is_of_the_same_round(void **state)
{
    g_autoptr(Bench) b = load(*state);
    g_autofree char *table = NULL;

    /* The machine slows down; the ratio does not care. */
    add(b, "ours", 400, 1, 1);
    add(b, "theirs", 200, 1, 1);
    add(b, "ours", 40, 1, 1);
    add(b, "theirs", 20, 1, 1);
    add(b, "ours", 30, 1, 1);
    add(b, "theirs", 10, 1, 1);
    CLOSE(bench_ratio(bench_case(b, "ours"), BENCH_IOPS_PER_WALL_S,
                      bench_case(b, "theirs"), BENCH_IOPS_PER_WALL_S),
          2.0);
    CLOSE(bench_median(bench_case(b, "ours"), BENCH_IOPS_PER_WALL_S), 40);
    CLOSE(bench_min(bench_case(b, "ours"), BENCH_IOPS_PER_WALL_S), 30);
    CLOSE(bench_max(bench_case(b, "ours"), BENCH_IOPS_PER_WALL_S), 400);
    assert_true(bench_bar_held(b, b->bars->pdata[0]));
    assert_true(bench_bar_held(b, b->bars->pdata[1]));
    table = bench_table(b, "a machine");
    assert_non_null(strstr(table, " 2.00 x theirs (2.00 to 3.00)\n"));
}

static void test_bars_break(void **state)
{
    g_autoptr(Bench) b = load(*state);
    g_autofree char *table = NULL, *json = NULL;

    add(b, "ours", 149, 1, 101);
    add(b, "theirs", 100, 1, 1);
    assert_false(bench_bar_held(b, b->bars->pdata[0]));
    assert_false(bench_bar_held(b, b->bars->pdata[1]));
    table = bench_table(b, "a machine");
    assert_non_null(strstr(table, "FAIL fast: ours.iops_per_wall_s / "
                                  "theirs.iops_per_wall_s = 1.49, must be "
                                  "at least 1.50"));
    assert_non_null(strstr(table, "machine  a machine"));
    json = bench_json(b);
    assert_non_null(strstr(json, "\"held\" : false"));
    assert_non_null(strstr(json, "\"case\" : \"ours.iops_per_wall_s\""));
    assert_null(strstr(json, "\"case\" : \"theirs"));
}

static void test_no_sample_holds_no_lower_bar(void **state)
{
    g_autoptr(Bench) b = load(*state);

    assert_false(bench_bar_held(b, b->bars->pdata[0]));
}

/* Events, wall times and a summary as a run leaves them. */
static void write_run(const char *dir)
{
    fixture_write(dir, "summary.json",
                  "{\"metrics\":{\"short.read_ios_count\":{\"value\":100},"
                  "\"long.read_ios_count\":{\"value\":2100},"
                  "\"long.read_iops\":{\"value\":5000}}}");
    fixture_write(
        dir, "events.ndjson",
        "{\"t_ps\":1,\"seq\":1,\"kind\":\"load-begin\",\"handle\":\"fill\"}\n"
        "{\"t_ps\":2,\"seq\":5,\"kind\":\"load-begin\",\"handle\":\"short\"}\n"
        "{\"t_ps\":3,\"seq\":6,\"kind\":\"load-end\",\"handle\":\"short\"}\n"
        "{\"t_ps\":4,\"seq\":8,\"kind\":\"load-begin\",\"handle\":\"long\"}\n"
        "{\"t_ps\":5,\"seq\":9,\"kind\":\"load-end\",\"handle\":\"long\"}\n");
    fixture_write(dir, "wall.ndjson",
                  "{\"seq\":1,\"wall_ns\":1000000000}\n"
                  "{\"seq\":5,\"wall_ns\":2000000000}\n"
                  "{\"seq\":6,\"wall_ns\":2500000000}\n"
                  "{\"seq\":8,\"wall_ns\":3000000000}\n"
                  "{\"seq\":9,\"wall_ns\":4500000000}\n");
}

static void test_a_run_is_read(void **state)
{
    static const BenchCpu points[] = {
        { UINT64_C(1000000000), 0 },
        { UINT64_C(3000000000), UINT64_C(1000000000) },
        { UINT64_C(5000000000), UINT64_C(3000000000) },
    };
    g_autoptr(Bench) b = load(*state);
    g_autoptr(GArray) cpu = g_array_new(FALSE, FALSE, sizeof(BenchCpu));
    BenchSample s;

    write_run(*state);
    g_array_append_vals(cpu, points, G_N_ELEMENTS(points));
    assert_true(bench_read_run(b, *state, cpu, &s, NULL));
    /* 2000 I/Os more in 1.5 - 0.5 s; CPU 1.5 s - 0.25 s. */
    CLOSE(s.value[BENCH_IOPS_PER_WALL_S], 2000);
    CLOSE(s.value[BENCH_IOPS_PER_CPU_S], 1600);
    CLOSE(s.value[BENCH_GUEST_IOPS], 5000);
}

static void test_an_incomplete_run_is_an_error(void **state)
{
    g_autoptr(Bench) b = load(*state);
    g_autoptr(GArray) cpu = g_array_new(FALSE, FALSE, sizeof(BenchCpu));
    g_autoptr(GError) err = NULL;
    BenchSample s;

    write_run(*state);
    assert_false(bench_read_run(b, *state, cpu, &s, &err)); /* no CPU time */
    assert_true(g_error_matches(err, BENCH_ERROR, BENCH_ERROR_FAILED));
    g_clear_error(&err);
    fixture_write(*state, "wall.ndjson", "{\"seq\":5,\"wall_ns\":7}\n");
    assert_false(bench_read_run(b, *state, cpu, &s, &err));
    assert_non_null(strstr(err->message, "lacks the loads"));
    g_clear_error(&err);
    fixture_write(*state, "summary.json", "{\"metrics\":{}}");
    assert_false(bench_read_run(b, *state, cpu, &s, &err));
    assert_non_null(strstr(err->message, "has not measured"));
}

/* A stand-in for `outrigger` that exits as told. */
static void write_program(const char *dir, const char *code)
{
    g_autofree char *script = g_strdup_printf("#!/bin/sh\nexit %s\n", code);
    g_autofree char *path = g_build_filename(dir, "program", NULL);

    assert_true(g_file_set_contents_full(path, script, -1,
                                         G_FILE_SET_CONTENTS_NONE, 0755, NULL));
}

static void assert_run_fails(const char *dir, const char *code,
                             BenchError expected)
{
    g_autoptr(Bench) b = load(dir);
    g_autoptr(GError) err = NULL;
    g_autofree char *program = g_build_filename(dir, "program", NULL);
    g_autofree char *runs = g_build_filename(dir, "runs", NULL);

    if (code) {
        write_program(dir, code);
    }
    assert_false(bench_run_case(b, bench_case(b, "ours"), program, runs, &err));
    assert_true(g_error_matches(err, BENCH_ERROR, (gint)expected));
}

static void test_exit_codes_of_a_case(void **state)
{
    assert_run_fails(*state, NULL, BENCH_ERROR_PREREQUISITE);
    assert_run_fails(*state, "77", BENCH_ERROR_PREREQUISITE);
    assert_run_fails(*state, "1", BENCH_ERROR_FAILED);
    assert_run_fails(*state, "99", BENCH_ERROR_FAILED);
}

/* ---- processes ----------------------------------------------------------- */

#define SHARED_BYTES (UINT64_C(48) << 20)
#define OWN_BYTES (UINT64_C(32) << 20)

/* In a child: touches @shared and as much again of its own, says so, waits. */
static pid_t child_with_memory(void *shared, int ready, int go)
{
    pid_t pid = fork();

    if (pid == 0) {
        void *own = g_malloc(OWN_BYTES);
        char byte = 0;

        memset(shared, 2, SHARED_BYTES);
        memset(own, 1, OWN_BYTES);
        if (write(ready, &byte, 1) == 1 && read(go, &byte, 1) >= 0) {
            _exit(own != NULL);
        }
        _exit(0);
    }
    return pid;
}

/* A child's memory counts, what it shares with us only once. */
static void memory_of_a_tree(void **state)
{
    void *shared = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ready[2], go[2];
    uint64_t before, with_child, after;
    pid_t child;
    char byte;

    assert_true(shared != MAP_FAILED && !pipe(ready) && !pipe(go));
    memset(shared, 1, SHARED_BYTES);
    before = bench_proc_memory_bytes(getpid());
    assert_true(before > SHARED_BYTES);
    child = child_with_memory(shared, ready[1], go[0]);
    assert_true(child > 0);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    with_child = bench_proc_memory_bytes(getpid());
    assert_true(bench_proc_memory_bytes(child) > OWN_BYTES);
    assert_int_equal(write(go[1], "", 1), 1);
    assert_int_equal(waitpid(child, NULL, 0), child);
    after = bench_proc_memory_bytes(getpid());
    assert_in_range(with_child - before, OWN_BYTES, OWN_BYTES + (8u << 20));
    assert_true(after < before + (8u << 20));
    assert_int_equal(bench_proc_memory_bytes(child), 0);
    assert_int_equal(munmap(shared, SHARED_BYTES), 0);
}

static void span_of_a_step(void **state)
{
    BenchSpan s;

    fixture_write(
        *state, "events.ndjson",
        "{\"t_ps\":5,\"seq\":1,\"kind\":\"step-begin\",\"step\":0,\"x\":1}\n"
        "{\"t_ps\":9,\"seq\":2,\"kind\":\"step-end\",\"step\":0,\"x\":1}\n"
        "{\"t_ps\":9,\"seq\":3,\"kind\":\"step-begin\",\"step\":1,\"x\":1}\n"
        "{\"t_ps\":29,\"seq\":7,\"kind\":\"step-end\",\"step\":1,\"x\":1}\n"
        "{\"t_ps\":29,\"seq\":8,\"kind\":\"step-begin\",\"step\":2,\"x\":1}\n");
    fixture_write(*state, "wall.ndjson",
                  "{\"seq\":1,\"wall_ns\":100}\n{\"seq\":2,\"wall_ns\":100}\n"
                  "{\"seq\":3,\"wall_ns\":1000000000}\n"
                  "{\"seq\":7,\"wall_ns\":3500000000}\n");
    assert_true(bench_span_of_step(*state, 1, &s));
    assert_int_equal(s.begin_ps, 9);
    assert_int_equal(s.end_ps, 29);
    CLOSE(bench_span_wall_s(&s), 2.5);
    assert_false(bench_span_of_step(*state, 0, &s)); /* no wall time */
    assert_false(bench_span_of_step(*state, 2, &s)); /* not ended */
    assert_false(bench_span_of_step(*state, 3, &s));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_definition),
        TEST(test_definition_errors),
        TEST(test_programs),
        TEST(test_ratio_is_of_the_same_round),
        TEST(test_bars_break),
        TEST(test_no_sample_holds_no_lower_bar),
        TEST(test_a_run_is_read),
        TEST(test_an_incomplete_run_is_an_error),
        TEST(test_exit_codes_of_a_case),
        TEST(span_of_a_step),
        cmocka_unit_test(memory_of_a_tree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
