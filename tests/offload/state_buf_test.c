/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_buf_test.c: what is written is read back; everything short, long or
 * out of bounds is an error that sticks.
 */
#include "state_buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MAGIC 0x31545354u

static void must_fail(StateReader *r, const char *part)
{
    char *why = NULL;

    assert_false(state_reader_finish(r, &why));
    assert_non_null(why);
    if (!strstr(why, part)) {
        fail_msg("'%s' does not say '%s'", why, part);
    }
    g_free(why);
}

static void test_round_trip(void **state)
{
    g_autoptr(GByteArray) b = g_byte_array_new();
    g_autofree uint8_t *blob = NULL;
    g_autofree char *text = NULL;
    StateReader r, sub;
    size_t len, mark;

    state_put_u8(b, 0x12);
    state_put_u16(b, 0x3456);
    state_put_u32(b, 0x789abcde);
    state_put_u64(b, 0x0123456789abcdefull);
    state_put_blob(b, "xyz", 3);
    state_put_string(b, "hello");
    mark = state_begin(b, MAGIC, 3);
    state_put_u8(b, 1);
    state_end(b, mark);
    assert_int_equal(b->data[1], 0x56); /* little endian */

    state_reader_init(&r, b->data, b->len);
    assert_int_equal(state_get_u8(&r), 0x12);
    assert_int_equal(state_get_u16(&r), 0x3456);
    assert_int_equal(state_get_u32(&r), 0x789abcde);
    assert_int_equal(state_get_u64(&r), 0x0123456789abcdefull);
    blob = state_get_blob(&r, 3, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(blob, "xyz", 3);
    text = state_get_string(&r, 10);
    assert_string_equal(text, "hello");
    assert_int_equal(state_get_section(&r, MAGIC, 3, &sub), 3);
    assert_true(state_get_bool(&sub, "flag"));
    assert_true(state_reader_finish(&sub, NULL));
    assert_true(state_reader_finish(&r, NULL));
}

static void test_short(void **state)
{
    StateReader r;

    state_reader_init(&r, "abc", 3);
    assert_int_equal(state_get_u32(&r), 0);
    assert_int_equal(state_get_u8(&r), 0); /* the error sticks */
    assert_false(state_ok(&r));
    must_fail(&r, "ends early");
}

static void test_long(void **state)
{
    StateReader r;

    state_reader_init(&r, "abc", 3);
    state_get_u8(&r);
    must_fail(&r, "2 bytes too many");
}

static void test_bounds(void **state)
{
    const uint8_t two[] = { 2, 0, 0, 0 };
    const uint8_t nul[] = { 2, 0, 0, 0, 'a', 0 };
    const uint8_t huge[] = { 255, 255, 255, 255, 'a' };
    StateReader r;
    size_t len;

    state_reader_init(&r, two, 4);
    assert_int_equal(state_get_u32_max(&r, 1, "the count"), 0);
    must_fail(&r, "the count is 2, more than 1");
    state_reader_init(&r, two, 1);
    assert_false(state_get_bool(&r, "the flag"));
    must_fail(&r, "the flag is 2");
    state_reader_init(&r, nul, 6);
    assert_null(state_get_string(&r, 10));
    must_fail(&r, "NUL");
    state_reader_init(&r, nul, 6);
    assert_null(state_get_blob(&r, 1, &len));
    must_fail(&r, "more than 1");
    state_reader_init(&r, huge, 5);
    assert_null(state_get_blob(&r, SIZE_MAX, &len));
    must_fail(&r, "blob");
}

static void section(uint32_t magic, uint16_t version, uint32_t len,
                    const char *part)
{
    g_autoptr(GByteArray) b = g_byte_array_new();
    StateReader r, sub;

    state_put_u32(b, magic);
    state_put_u16(b, version);
    state_put_u32(b, len);
    state_put_u8(b, 0);
    state_reader_init(&r, b->data, b->len);
    assert_int_equal(state_get_section(&r, MAGIC, 2, &sub), 0);
    must_fail(&sub, part);
    must_fail(&r, part);
}

static void test_sections(void **state)
{
    section(MAGIC + 1, 1, 1, "where");
    section(MAGIC, 0, 1, "version 0");
    section(MAGIC, 3, 1, "version 3; 1 to 2");
    section(MAGIC, 1, 2, "says 2 bytes, 1 are left");
}

static void test_first_error(void **state)
{
    StateReader r;

    state_reader_init(&r, "", 0);
    state_fail(&r, "first %d", 1);
    state_fail(&r, "second");
    must_fail(&r, "first 1");
    state_reader_init(&r, "", 0);
    state_fail(&r, "nobody asks");
    assert_false(state_reader_finish(&r, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_short),
        cmocka_unit_test(test_long),       cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_sections),   cmocka_unit_test(test_first_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
