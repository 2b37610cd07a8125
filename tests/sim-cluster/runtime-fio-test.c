/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * runtime-fio-test.c: fio's command line and results, values extracted from
 * what commands print.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "step_extract.h"
#include "step_fio.h"

/* ---- fio --------------------------------------------------------------- */

static ScnFio job(void)
{
    return (ScnFio){ .interface = (char *)"fast",
                     .nsid = 1,
                     .rw = SCN_FIO_RANDRW,
                     .rwmixread_ppm = 700000,
                     .bs_bytes = 4096,
                     .iodepth = 8,
                     .ioengine = (char *)"libaio",
                     .verify = (char *)"crc32c",
                     .window_ps = PS_PER_S,
                     .options = g_ptr_array_new() };
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        print_message("no '%s' in:\n%s\n", part, text);
    }
    assert_non_null(strstr(text, part));
}

static void script_has_the_job(void **state)
{
    ScnFio f = job();
    g_autofree char *text = NULL;

    f.runtime_ps = 1500 * PS_PER_MS;
    f.rate_iops = 100;
    g_ptr_array_add(f.options, (void *)"verify_interval=512");
    g_ptr_array_add(f.options, (void *)"rm='$(reboot)'");
    text = step_fio_script(&f, "io", 7);
    assert_has(text, "--'filename=/dev/outrigger/fast/1'");
    assert_has(text, "--'rw=randrw'");
    assert_has(text, "--'rwmixread=70'");
    assert_has(text, "--'runtime=1500000us'");
    assert_has(text, "--'time_based=1'");
    assert_has(text, "--'rate_iops=100'");
    assert_has(text, "--'verify=crc32c'");
    assert_has(text, "--'verify_interval=512'");
    assert_has(text, "--'rm='\\''$(reboot)'\\'''");
    assert_null(strstr(text, "size="));
    g_ptr_array_unref(f.options);
}

/* A job that verifies must draw what the job that wrote has drawn. */
static void seed_is_the_interfaces(void **state)
{
    ScnFio f = job();
    g_autofree char *a = step_fio_script(&f, "io", 7);
    g_autofree char *again = step_fio_script(&f, "io", 7);
    g_autofree char *other = step_fio_script(&f, "io", 8);

    assert_string_equal(a, again);
    assert_string_not_equal(a, other);
    g_ptr_array_unref(f.options);
}

static void collect(void *opaque, const char *name, Unit unit, uint64_t value)
{
    g_hash_table_insert(opaque, g_strdup(name),
                        g_memdup2(&value, sizeof(value)));
}

static GHashTable *parse(const ScnFio *f, const char *output, GError **error)
{
    GHashTable *got =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    if (!step_fio_parse(f, output, collect, got, error)) {
        g_clear_pointer(&got, g_hash_table_unref);
    }
    return got;
}

static void assert_value(GHashTable *got, const char *name, uint64_t value)
{
    uint64_t *v = g_hash_table_lookup(got, name);

    assert_non_null(v);
    assert_int_equal(*v, value);
}

#define RESULT(errors, total)                                              \
    "\n@@@ fio json\nfio: a warning\n{\"fio version\": \"fio-3.33\", "     \
    "\"jobs\": [{\"jobname\": \"io\", \"error\": " errors                  \
    ", \"read\": {\"io_bytes\": 4194304, \"bw_bytes\": 149796571, "        \
    "\"iops\": 36571.428571, \"total_ios\": 1024, \"lat_ns\": {\"min\": "  \
    "75236, \"max\": 7939078, \"mean\": 207229.881836, \"N\": 1024, "      \
    "\"percentile\": {\"50.000000\": 158720, \"90.000000\": 175104, "      \
    "\"99.000000\": 1089536, \"99.900000\": 7897088}}}, \"write\": "       \
    "{\"io_bytes\": 0, \"bw_bytes\": 0, \"iops\": 0.0, \"total_ios\": 0, " \
    "\"lat_ns\": {\"min\": 0, \"max\": 0, \"mean\": 0.0, \"N\": 0}}, "     \
    "\"total_err\": " total "}]}\n"
#define LOG "\n@@@ fio iops log\n"

static void result(void **state)
{
    ScnFio f = job();
    g_autoptr(GHashTable) got =
        parse(&f,
              RESULT("0", "0") LOG "1000, 1010, 0, 0, 0\n"
                                   "2000, 990, 0, 0, 0\n",
              NULL);

    assert_non_null(got);
    assert_value(got, "read_iops", 36571);
    assert_value(got, "read_bw_bps", UINT64_C(149796571) * 8);
    assert_value(got, "read_bytes", 4194304);
    assert_value(got, "read_ios_count", 1024);
    assert_value(got, "lat_read_p99_ps", 1089536 * PS_PER_NS);
    assert_value(got, "lat_read_p999_ps", 7897088 * PS_PER_NS);
    assert_value(got, "lat_read_min_ps", 75236 * PS_PER_NS);
    assert_value(got, "lat_read_mean_ps", 207229881);
    assert_value(got, "write_ios_count", 0);
    assert_null(g_hash_table_lookup(got, "lat_write_p99_ps"));
    assert_value(got, "errors_count", 0);
    assert_value(got, "verify_errors_count", 0);
    assert_value(got, "iops_min", 990);
    assert_value(got, "iops_max", 1010);
    assert_value(got, "iops_mean", 1000);
    assert_value(got, "windows_count", 2);
    g_ptr_array_unref(f.options);
}

/* Both directions of a window make one value. */
static void mixed_windows_are_joined(void **state)
{
    ScnFio f = job();
    g_autoptr(GHashTable) got =
        parse(&f,
              RESULT("0", "0") LOG "1000, 700, 0, 0, 0\n"
                                   "1001, 300, 1, 0, 0\n"
                                   "2001, 600, 0, 0, 0\n"
                                   "2001, 300, 1, 0, 0\n",
              NULL);

    assert_value(got, "windows_count", 2);
    assert_value(got, "iops_max", 1000);
    assert_value(got, "iops_min", 900);
    g_ptr_array_unref(f.options);
}

static void no_windows_no_values(void **state)
{
    ScnFio f = job();
    g_autoptr(GHashTable) got = parse(&f, RESULT("0", "0") LOG, NULL);

    assert_value(got, "windows_count", 0);
    assert_null(g_hash_table_lookup(got, "iops_min"));
    g_ptr_array_unref(f.options);
}

static void errors_are_told_apart(void **state)
{
    static const struct {
        const char *output;
        uint64_t errors, verify;
    } cases[] = {
        { "crc32c: verify failed at file /dev/x offset 0, length 4096\n"
          "verify: bad header rand_seed 1, wanted 2 at file /dev/x\n" RESULT(
              "0", "5") LOG,
          3, 2 },
        { RESULT("22", "0") LOG, 1, 0 },
        { "crc32c: verify failed at file x\n" RESULT("84", "0") LOG, 0, 1 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        ScnFio f = job();
        g_autoptr(GHashTable) got = parse(&f, cases[i].output, NULL);

        assert_value(got, "errors_count", cases[i].errors);
        assert_value(got, "verify_errors_count", cases[i].verify);
        g_ptr_array_unref(f.options);
    }
}

static void no_result(void **state)
{
    static const char *const outputs[] = {
        "",
        "fio: not found\n",
        "\n@@@ fio json\n" LOG,
        "\n@@@ fio json\n{\"jobs\": []}" LOG,
        "\n@@@ fio json\n{\"jobs\": [" LOG,
        "\n@@@ fio json\n{}" LOG,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(outputs); i++) {
        ScnFio f = job();
        g_autoptr(GError) error = NULL;

        assert_null(parse(&f, outputs[i], &error));
        assert_int_equal(error->domain, STEP_FIO_ERROR);
        g_ptr_array_unref(f.options);
    }
}

/* ---- extract ----------------------------------------------------------- */

typedef struct Extract {
    ScnExtractKind kind;
    const char *what;
    Unit unit;
    const char *suffix;
    const char *output;
    int64_t number;   /* expected */
    const char *text; /* expected of TEXT */
} Extract;

static const Extract good[] = {
    { SCN_EXTRACT_REGEX, "answer (\\d+)", UNIT_COUNT, "", "x answer 42 y", 42,
      NULL },
    { SCN_EXTRACT_REGEX, "^b.*$", UNIT_TEXT, "", "a\nbcd\ne", 0, "bcd" },
    { SCN_EXTRACT_REGEX, "(\\d+)", UNIT_SIZE, "KiB", "size 4", 4096, NULL },
    { SCN_EXTRACT_REGEX, "[0-9.]+", UNIT_COUNT, "", "iops 123.9", 123, NULL },
    { SCN_EXTRACT_REGEX, "(\\S+) latency", UNIT_DURATION, "", "2.5ms latency",
      2500000000, NULL },
    { SCN_EXTRACT_COUNT, "^/dev/nvme\\d+n1\\s", UNIT_COUNT, "",
      "Node\n/dev/nvme0n1 a\n/dev/nvme1n1 b\n", 2, NULL },
    { SCN_EXTRACT_COUNT, "absent", UNIT_COUNT, "", "x", 0, NULL },
    { SCN_EXTRACT_POINTER, "/a/1/b", UNIT_COUNT, "",
      "warning\n{\"a\": [0, {\"b\": 7}]}", 7, NULL },
    { SCN_EXTRACT_POINTER, "/a~1b/m~0n", UNIT_TEXT, "",
      "{\"a/b\": {\"m~n\": \"deep\"}}", 0, "deep" },
    { SCN_EXTRACT_POINTER, "/ok", UNIT_BOOL, "", "{\"ok\": true}", 1, NULL },
    { SCN_EXTRACT_POINTER, "/time", UNIT_DURATION, "us", "{\"time\": 12}",
      12000000, NULL },
};

static void extracted(void **state)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        const Extract *c = &good[i];
        ScnExtract e = { .name = (char *)"n",
                         .kind = c->kind,
                         .what = (char *)c->what,
                         .unit = c->unit,
                         .suffix = (char *)c->suffix };
        g_autoptr(GError) error = NULL;
        ScnValue v = { 0 };

        if (!step_extract(&e, c->output, &v, &error)) {
            print_message("%s: %s\n", c->what, error->message);
            fail();
        }
        assert_int_equal(v.unit, c->unit);
        assert_int_equal(v.number, c->number);
        if (c->text) {
            assert_string_equal(v.text, c->text);
        }
        g_free(v.text);
    }
}

static void not_extracted(void **state)
{
    static const struct {
        ScnExtractKind kind;
        const char *what, *output;
        int code;
    } cases[] = {
        { SCN_EXTRACT_REGEX, "(\\d+)", "none", STEP_EXTRACT_NO_MATCH },
        { SCN_EXTRACT_REGEX, ".+", "none", STEP_EXTRACT_VALUE },
        { SCN_EXTRACT_POINTER, "/a", "no JSON", STEP_EXTRACT_NO_JSON },
        { SCN_EXTRACT_POINTER, "/a", "", STEP_EXTRACT_NO_JSON },
        { SCN_EXTRACT_POINTER, "/a/b", "{\"a\": 1}", STEP_EXTRACT_NO_MATCH },
        { SCN_EXTRACT_POINTER, "/0", "[]", STEP_EXTRACT_NO_MATCH },
        { SCN_EXTRACT_POINTER, "/-1", "[1]", STEP_EXTRACT_NO_MATCH },
        { SCN_EXTRACT_POINTER, "/a", "{\"a\": [1]}", STEP_EXTRACT_VALUE },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        ScnExtract e = { .name = (char *)"n",
                         .kind = cases[i].kind,
                         .what = (char *)cases[i].what,
                         .unit = UNIT_COUNT,
                         .suffix = (char *)"" };
        g_autoptr(GError) error = NULL;
        ScnValue v;

        assert_false(step_extract(&e, cases[i].output, &v, &error));
        assert_true(g_error_matches(error, STEP_EXTRACT_ERROR, cases[i].code));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(script_has_the_job),
        cmocka_unit_test(seed_is_the_interfaces),
        cmocka_unit_test(result),
        cmocka_unit_test(mixed_windows_are_joined),
        cmocka_unit_test(no_windows_no_values),
        cmocka_unit_test(errors_are_told_apart),
        cmocka_unit_test(no_result),
        cmocka_unit_test(extracted),
        cmocka_unit_test(not_extracted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
