/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hash-test.c: the trace hash and the values derived from a seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "host_seed.h"
#include "run_files.h"
#include "trace_hash.h"

typedef struct Fixture {
    char *dir, *a, *b;
} Fixture;

static int setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    f->dir = g_dir_make_tmp("hash-XXXXXX", NULL);
    f->a = g_build_filename(f->dir, "a", NULL);
    f->b = g_build_filename(f->dir, "b", NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;

    run_files_remove(f->dir);
    g_free(f->a);
    g_free(f->b);
    g_free(f->dir);
    g_free(f);
    return 0;
}

static void put(const char *path, const void *data, size_t len)
{
    assert_true(g_file_set_contents(path, data, (gssize)len, NULL));
}

/* SHA-256 of "abc", FIPS 180-2 appendix B.1. */
static void stream_is_sha256(void **state)
{
    g_autoptr(TraceHash) h = trace_hash_new();
    g_autofree char *hex = NULL;

    trace_hash_add(h, "s", "a", 1);
    trace_hash_add(h, "s", "bc", 2);
    hex = trace_hash_stream(h, "s");
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9c"
                             "b410ff61f20015ad");
    assert_null(trace_hash_stream(h, "none"));
}

static char *two_streams(const char *first, const char *second)
{
    g_autoptr(TraceHash) h = trace_hash_new();

    trace_hash_add(h, first, first, 1);
    trace_hash_add(h, second, second, 1);
    return trace_hash_value(h);
}

static void order_of_streams_does_not_matter(void **state)
{
    g_autofree char *ab = two_streams("a", "b");
    g_autofree char *ba = two_streams("b", "a");
    g_autofree char *ac = two_streams("a", "c");

    assert_string_equal(ab, ba);
    assert_string_not_equal(ab, ac);
}

/* Bytes cannot move from one stream to another unnoticed. */
static void streams_have_borders(void **state)
{
    g_autoptr(TraceHash) x = trace_hash_new();
    g_autoptr(TraceHash) y = trace_hash_new();
    g_autofree char *hx = NULL;
    g_autofree char *hy = NULL;

    trace_hash_add(x, "a", "12", 2);
    trace_hash_add(x, "b", "3", 1);
    trace_hash_add(y, "a", "1", 1);
    trace_hash_add(y, "b", "23", 2);
    hx = trace_hash_value(x);
    hy = trace_hash_value(y);
    assert_string_not_equal(hx, hy);
}

static void missing_file_is_empty(void **state)
{
    Fixture *f = *state;
    g_autoptr(TraceHash) x = trace_hash_new();
    g_autoptr(TraceHash) y = trace_hash_new();
    g_autofree char *hx = NULL;
    g_autofree char *hy = NULL;

    put(f->b, "", 0);
    assert_true(trace_hash_add_file(x, "s", f->a, NULL));
    assert_true(trace_hash_add_file(y, "s", f->b, NULL));
    hx = trace_hash_value(x);
    hy = trace_hash_value(y);
    assert_string_equal(hx, hy);
}

static char *ram_hash(const char *path, const char *pages)
{
    g_autoptr(TraceHash) h = trace_hash_new();

    assert_true(trace_hash_add_ram(h, "ram", path, pages, NULL));
    return trace_hash_value(h);
}

static void one_bit_of_ram(void **state)
{
    Fixture *f = *state;
    g_autofree char *ram = g_malloc0(5 * TRACE_PAGE_BYTES);
    g_autofree char *pages_a = g_strconcat(f->a, ".pages", NULL);
    g_autofree char *pages_b = g_strconcat(f->b, ".pages", NULL);
    g_autofree char *ha = NULL;
    g_autofree char *hb = NULL;
    uint64_t offset = 0;

    put(f->a, ram, 5 * TRACE_PAGE_BYTES);
    ram[3 * TRACE_PAGE_BYTES + 77] = 1;
    put(f->b, ram, 5 * TRACE_PAGE_BYTES);
    ha = ram_hash(f->a, pages_a);
    hb = ram_hash(f->b, pages_b);
    assert_string_not_equal(ha, hb);
    assert_true(trace_first_difference(pages_a, pages_b, &offset, NULL));
    assert_int_equal(offset / TRACE_PAGE_DIGEST_BYTES, 3);
}

static void first_difference(void **state)
{
    static const struct {
        const char *a, *b;
        bool differ;
        uint64_t at;
    } cases[] = {
        { "abc", "abc", false, 0 }, { "abc", "abd", true, 2 },
        { "abc", "ab", true, 2 },   { "", "x", true, 0 },
        { "", "", false, 0 },
    };
    Fixture *f = *state;

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t at = 0;

        put(f->a, cases[i].a, strlen(cases[i].a));
        put(f->b, cases[i].b, strlen(cases[i].b));
        assert_int_equal(trace_first_difference(f->a, f->b, &at, NULL),
                         cases[i].differ);
        assert_int_equal(at, cases[i].at);
    }
}

/* ---- the seed ---------------------------------------------------------- */

static void values_of_a_seed(void **state)
{
    uint64_t one = seed_derive_u64(1, "host0", "card");

    assert_int_equal(seed_derive_u64(1, "host0", "card"), one);
    assert_int_not_equal(seed_derive_u64(2, "host0", "card"), one);
    assert_int_not_equal(seed_derive_u64(1, "host1", "card"), one);
    assert_int_not_equal(seed_derive_u64(1, "host0", "qemu"), one);
}

/*
 * The derivation is a format: a change of it changes every run. Computed with
 * another implementation of RFC 5869: HKDF-SHA-256, key 00 00 00 00 00 00 00
 * 01, salt "outrigger", info "host0/root-secret", 16 bytes.
 */
static void known_answer(void **state)
{
    static const uint8_t expected[16] = { 0x3f, 0xfc, 0x96, 0x3e, 0x14, 0x97,
                                          0x44, 0xee, 0x52, 0x5c, 0xb6, 0x6e,
                                          0x9c, 0xcf, 0x5f, 0x97 };
    uint8_t got[16];

    seed_derive(1, "host0", "root-secret", got, sizeof(got));
    assert_memory_equal(got, expected, sizeof(got));
}

static void uuid_form(void **state)
{
    g_autofree char *uuid = seed_derive_uuid(7, "host0", "uuid");

    assert_int_equal(strlen(uuid), 36);
    assert_true(g_uuid_string_is_valid(uuid));
    assert_int_equal(uuid[14], '4');
    assert_non_null(strchr("89ab", uuid[19]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stream_is_sha256),
        TEST(order_of_streams_does_not_matter),
        TEST(streams_have_borders),
        TEST(missing_file_is_empty),
        TEST(one_bit_of_ram),
        TEST(first_difference),
        TEST(values_of_a_seed),
        TEST(known_answer),
        TEST(uuid_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
