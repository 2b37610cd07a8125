/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_control_test.c: the control plane: every refusal says what is wrong
 * and changes nothing; space, names and identities.
 */
#include "card_bench.h"
#include "card_fake_ctrl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static CardBench *b;
static const unsigned both[] = { 0, 1 };
static uint8_t data[65536];

static int setup(void **state)
{
    b = card_bench_new(4096, 1);
    card_bench_power_on(b, NULL);
    card_bench_fill(data, sizeof(data), 42);
    return 0;
}

static int teardown(void **state)
{
    card_bench_free(b);
    return 0;
}

static CardPartitionSpec spec_of(const char *name, unsigned mib)
{
    return (CardPartitionSpec){ .name = name,
                                .bytes = mib * BENCH_MIB,
                                .drives = both,
                                .n_drives = 1,
                                .encrypted = true };
}

static bool create(const char *name, unsigned mib)
{
    CardPartitionSpec spec = spec_of(name, mib);

    return b->app->partition_create(b->card, &spec, NULL);
}

/* Refused with @code, one line, and nothing in the flash has changed. */
static void refused(bool ok, GError **err, CardAppError code)
{
    assert_false(ok);
    assert_non_null(*err);
    if ((*err)->code != (int)code) {
        fail_msg("%s", (*err)->message);
    }
    assert_true(g_error_matches(*err, CARD_APP_ERROR, code));
    assert_null(strchr((*err)->message, '\n'));
    assert_true(strlen((*err)->message) > 10);
    g_clear_error(err);
}

/* ---- create ------------------------------------------------------------- */

static void refuse_spec(CardPartitionSpec spec, CardAppError code)
{
    GError *err = NULL;

    refused(b->app->partition_create(b->card, &spec, &err), &err, code);
    assert_int_equal(b->app->partition_count(b->card), 1);
}

static void test_create_refused(void **state)
{
    static const unsigned twice[] = { 1, 1 }, third[] = { 2 };
    static const char *const names[] = {
        "",    "with space", "slash/",
        "a\n", "\xc3\xa4",   "thirty-two-characters-are-too-many",
    };
    CardPartitionSpec s;

    assert_true(create("first", 1));
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        refuse_spec(spec_of(names[i], 1), CARD_APP_ERROR_INVALID);
    }
    refuse_spec(spec_of(NULL, 1), CARD_APP_ERROR_INVALID);
    refuse_spec(spec_of("first", 1), CARD_APP_ERROR_EXISTS);
    refuse_spec(spec_of("p", 0), CARD_APP_ERROR_INVALID);
    refuse_spec(spec_of("p", 16), CARD_APP_ERROR_NO_SPACE);
    s = spec_of("p", 1);
    s.bytes += 512;
    refuse_spec(s, CARD_APP_ERROR_INVALID);
    s.bytes = UINT64_MAX - BENCH_MIB + 1;
    refuse_spec(s, CARD_APP_ERROR_INVALID);
    s = spec_of("p", 1);
    s.lba_format = 2;
    refuse_spec(s, CARD_APP_ERROR_INVALID);
    s = spec_of("p", 1);
    s.layout = 2;
    refuse_spec(s, CARD_APP_ERROR_INVALID);
    s = spec_of("p", 1);
    s.n_drives = 0;
    refuse_spec(s, CARD_APP_ERROR_INVALID);
    s.n_drives = 3;
    refuse_spec(s, CARD_APP_ERROR_INVALID);
    s.n_drives = 2;
    s.drives = twice;
    refuse_spec(s, CARD_APP_ERROR_INVALID);
    s.n_drives = 1;
    s.drives = third;
    refuse_spec(s, CARD_APP_ERROR_NOT_FOUND);
}

static void test_stripe_refused(void **state)
{
    CardPartitionSpec s = spec_of("p", 2);

    assert_true(create("first", 1));
    s.layout = CARD_LAYOUT_STRIPE;
    s.stripe_bytes = 4096;
    refuse_spec(s, CARD_APP_ERROR_INVALID); /* one drive */
    s.n_drives = 2;
    s.stripe_bytes = 0;
    refuse_spec(s, CARD_APP_ERROR_INVALID);
    s.stripe_bytes = 4096 + 512;
    refuse_spec(s, CARD_APP_ERROR_INVALID);
    s.stripe_bytes = 1u << 31;
    refuse_spec(s, CARD_APP_ERROR_INVALID);
    s.stripe_bytes = 4096;
    s.bytes = 31 * BENCH_MIB;
    refuse_spec(s, CARD_APP_ERROR_NO_SPACE);
}

static void test_create_no_flash(void **state)
{
    CardPartitionSpec s = spec_of("p", 1);
    GError *err = NULL;

    b->m->nvram_fail = true;
    refused(b->app->partition_create(b->card, &s, &err), &err,
            CARD_APP_ERROR_IO);
    assert_int_equal(b->app->partition_count(b->card), 0);
    b->m->nvram_fail = false;
    assert_true(create("p", 16));
    assert_int_equal(card_bench_info(b, "p").id, 1);
}

static void test_too_many(void **state)
{
    GError *err = NULL;
    CardPartitionSpec s = spec_of("last", 1);

    /* 32 units are all there is; so fill, then empty, and ids go on */
    s.n_drives = 2;
    for (unsigned i = 0; i < 32; i++) {
        g_autofree char *name = g_strdup_printf("p%u", i);

        s.name = name;
        assert_true(b->app->partition_create(b->card, &s, NULL));
    }
    s.name = "last";
    refused(b->app->partition_create(b->card, &s, &err), &err,
            CARD_APP_ERROR_NO_SPACE);
}

/* ---- ids ---------------------------------------------------------------- */

static void test_identity(void **state)
{
    CardNsInfo a, c;

    assert_true(create("a", 1));
    assert_true(create("b", 1));
    assert_int_equal(card_bench_info(b, "b").id, 2);
    assert_true(b->app->partition_delete(b->card, "b", NULL));
    assert_true(create("c", 1));
    assert_int_equal(card_bench_info(b, "c").id, 3);
    card_bench_kill(b);
    card_bench_power_on(b, NULL);
    assert_true(b->app->partition_delete(b->card, "c", NULL));
    card_bench_kill(b);
    card_bench_power_on(b, NULL);
    assert_true(create("d", 1));
    assert_int_equal(card_bench_info(b, "d").id, 4);
    assert_true(b->app->attach(b->card, "a", 0, 1, NULL));
    assert_true(b->app->attach(b->card, "d", 0, 2, NULL));
    assert_true(card_ns_info(b->card, 0, 1, &a));
    assert_true(card_ns_info(b->card, 0, 2, &c));
    assert_memory_not_equal(a.uuid, c.uuid, 16);
    assert_memory_not_equal(a.eui64, c.eui64, 8);
    assert_int_equal(a.uuid[6] >> 4, 4);
    assert_int_equal(a.uuid[8] >> 6, 2);
    assert_int_equal(a.eui64[0] & 3, 2);
    /* the same after power off, wherever it is attached */
    card_bench_kill(b);
    card_bench_power_on(b, NULL);
    assert_true(b->app->attach(b->card, "a", 2, 9, NULL));
    assert_true(card_ns_info(b->card, 2, 9, &c));
    assert_memory_equal(&a, &c, sizeof(a));
}

/* ---- attach ------------------------------------------------------------- */

static void test_attach(void **state)
{
    GError *err = NULL;

    assert_true(create("a", 1));
    assert_true(create("c", 1));
#define ATTACH(name, fn, nsid) b->app->attach(b->card, name, fn, nsid, &err)
    refused(ATTACH("nobody", 0, 1), &err, CARD_APP_ERROR_NOT_FOUND);
    refused(ATTACH(NULL, 0, 1), &err, CARD_APP_ERROR_NOT_FOUND);
    refused(ATTACH("a", 3, 1), &err, CARD_APP_ERROR_NOT_FOUND);
    refused(ATTACH("a", 16, 1), &err, CARD_APP_ERROR_NOT_FOUND);
    refused(ATTACH("a", 0, 0), &err, CARD_APP_ERROR_INVALID);
    refused(ATTACH("a", 0, 17), &err, CARD_APP_ERROR_INVALID);
    assert_int_equal(card_ns_next(b->card, 0, 0), 0);
    assert_true(ATTACH("a", 0, 16));
    assert_int_equal(card_ns_next(b->card, 0, 0), 16);
    assert_int_equal(card_ns_next(b->card, 0, 16), 0);
    assert_int_equal(card_ns_next(b->card, 1, 0), 0);
    assert_int_equal(fake_ctrl(0)->ns_changed, 1u << 16);
    refused(ATTACH("a", 1, 1), &err, CARD_APP_ERROR_BUSY);
    refused(ATTACH("c", 0, 16), &err, CARD_APP_ERROR_EXISTS);
    refused(b->app->partition_delete(b->card, "a", &err), &err,
            CARD_APP_ERROR_BUSY);
    refused(b->app->detach(b->card, "c", false, &err), &err,
            CARD_APP_ERROR_NOT_FOUND);
    refused(b->app->detach(b->card, "x", false, &err), &err,
            CARD_APP_ERROR_NOT_FOUND);
    refused(b->app->partition_delete(b->card, "x", &err), &err,
            CARD_APP_ERROR_NOT_FOUND);
    b->m->nvram_fail = true;
    refused(b->app->detach(b->card, "a", true, &err), &err, CARD_APP_ERROR_IO);
    assert_int_equal(card_bench_info(b, "a").fn, 0);
    assert_true(b->app->detach(b->card, "a", false, NULL));
    refused(b->app->partition_delete(b->card, "a", &err), &err,
            CARD_APP_ERROR_IO);
    assert_int_equal(b->app->partition_count(b->card), 2);
}

static void test_interfaces(void **state)
{
    NvmeCtrlConfig c = { .fn = 5, .max_queues = 1, .msix_vectors = 2 };
    GError *err = NULL;

#define ADD(name) b->app->interface_add(b->card, name, &c, &err)
    refused(ADD("if0"), &err, CARD_APP_ERROR_EXISTS);
    refused(ADD(""), &err, CARD_APP_ERROR_INVALID);
    refused(ADD(NULL), &err, CARD_APP_ERROR_INVALID);
    c.max_queues = 0;
    refused(ADD("new"), &err, CARD_APP_ERROR_INVALID);
    c.max_queues = 65;
    refused(ADD("new"), &err, CARD_APP_ERROR_INVALID);
    c.max_queues = 1;
    c.msix_vectors = 66;
    refused(ADD("new"), &err, CARD_APP_ERROR_INVALID);
    c.msix_vectors = 1;
    c.fn = 16;
    refused(ADD("new"), &err, CARD_APP_ERROR_INVALID);
    c.fn = 2;
    refused(ADD("new"), &err, CARD_APP_ERROR_EXISTS);
    c.fn = 15;
    assert_true(ADD("new"));
}

static void test_limits(void **state)
{
    CardLimits l = { .iops = 5, .bytes_per_s = 7 }, got;
    CardIfStats s;
    GError *err = NULL;

    assert_true(b->app->set_limits(b->card, 1, &l, NULL));
    assert_true(b->app->interface_stats(b->card, 1, &s, &got));
    assert_memory_equal(&l, &got, sizeof(l));
    l.iops = UINT64_MAX;
    refused(b->app->set_limits(b->card, 1, &l, &err), &err,
            CARD_APP_ERROR_INVALID);
    l.iops = 1;
    refused(b->app->set_limits(b->card, 3, &l, &err), &err,
            CARD_APP_ERROR_NOT_FOUND);
    refused(b->app->set_limits(b->card, 16, &l, &err), &err,
            CARD_APP_ERROR_NOT_FOUND);
    assert_true(b->app->interface_stats(b->card, 1, &s, &got));
    assert_int_equal(got.iops, 5);
}

/* ---- space -------------------------------------------------------------- */

static void test_first_fit(void **state)
{
    CardPartitionInfo i;
    CardPartitionSpec s = spec_of("e", 5);

    assert_true(create("a", 4));
    assert_true(create("b", 2));
    assert_true(create("c", 4));
    assert_true(b->app->partition_delete(b->card, "b", NULL));
    assert_true(create("d", 1)); /* into the gap */
    assert_int_equal(card_bench_info(b, "d").extents[0].drive_offset,
                     4 * BENCH_MIB);
    assert_true(create("big", 6)); /* behind all */
    assert_int_equal(card_bench_info(b, "big").extents[0].drive_offset,
                     10 * BENCH_MIB);
    /* in pieces: what is left of drive 0, the rest on drive 1 */
    assert_true(create("one", 0) == false);
    s.n_drives = 2;
    s.bytes = 17 * BENCH_MIB;
    assert_true(b->app->partition_create(b->card, &s, NULL));
    i = card_bench_info(b, "e");
    assert_int_equal(i.n_extents, 2);
    assert_int_equal(i.extents[0].drive, 0);
    assert_int_equal(i.extents[0].drive_offset, 5 * BENCH_MIB);
    assert_int_equal(i.extents[0].bytes, BENCH_MIB);
    assert_int_equal(i.extents[1].drive, 1);
    assert_int_equal(i.extents[1].bytes, 16 * BENCH_MIB);
}

static void test_too_fragmented(void **state)
{
    GError *err = NULL;
    CardPartitionSpec s = spec_of("all", 17);
    g_autofree char *n = NULL;

    for (unsigned i = 0; i < 32; i++) {
        g_autofree char *name = g_strdup_printf("p%u", i);
        CardPartitionSpec one = spec_of(name, 1);

        one.n_drives = 2;
        assert_true(b->app->partition_create(b->card, &one, NULL));
    }
    for (unsigned i = 0; i < 32; i += 2) {
        g_autofree char *name = g_strdup_printf("p%u", i);

        assert_true(b->app->partition_delete(b->card, name, NULL));
    }
    s.n_drives = 2;
    refused(b->app->partition_create(b->card, &s, &err), &err,
            CARD_APP_ERROR_NO_SPACE);
    s.bytes = 16 * BENCH_MIB; /* 16 pieces of 1 MiB: just so */
    assert_true(b->app->partition_create(b->card, &s, NULL));
    assert_int_equal(card_bench_info(b, "all").n_extents, CARD_MAX_EXTENTS);
}

static void test_resize(void **state)
{
    GError *err = NULL;
    CardPartitionInfo i;

#define RESIZE(name, mib) \
    b->app->partition_resize(b->card, name, (mib)*BENCH_MIB, &err)
    assert_true(create("a", 4));
    assert_true(create("b", 2));
    refused(RESIZE("x", 1), &err, CARD_APP_ERROR_NOT_FOUND);
    refused(RESIZE("a", 0), &err, CARD_APP_ERROR_INVALID);
    refused(RESIZE("a", 15), &err, CARD_APP_ERROR_NO_SPACE);
    refused(b->app->partition_resize(b->card, "a", BENCH_MIB + 1, &err), &err,
            CARD_APP_ERROR_INVALID);
    assert_true(RESIZE("a", 4));
    assert_true(RESIZE("b", 4)); /* in place */
    assert_int_equal(card_bench_info(b, "b").n_extents, 1);
    assert_true(RESIZE("a", 6)); /* a second piece */
    i = card_bench_info(b, "a");
    assert_int_equal(i.n_extents, 2);
    assert_int_equal(i.extents[1].drive_offset, 8 * BENCH_MIB);
    assert_true(RESIZE("a", 3));
    i = card_bench_info(b, "a");
    assert_int_equal(i.n_extents, 1);
    assert_int_equal(i.extents[0].bytes, 3 * BENCH_MIB);
    b->m->nvram_fail = true;
    refused(RESIZE("a", 2), &err, CARD_APP_ERROR_IO);
    refused(RESIZE("a", 5), &err, CARD_APP_ERROR_IO);
    i = card_bench_info(b, "a");
    assert_int_equal(i.bytes, 3 * BENCH_MIB);
    assert_int_equal(i.n_extents, 1);
}

/* Grows and shrinks with content: what stays is the same, what comes is
 * zeroes, also in the slack of a stripe's last row. */
static void test_resize_stripe(void **state)
{
    const uint8_t zero[65536] = { 0 };
    static const unsigned sizes[] = { 3, 5, 2, 7, 1, 12, 11, 30, 4 };
    unsigned last = 1;

    card_bench_stripe(b, "s", 1, 3 * 4096, 0);
    for (unsigned k = 0; k < G_N_ELEMENTS(sizes); k++) {
        assert_true(
            b->app->partition_resize(b->card, "s", sizes[k] * BENCH_MIB, NULL));
        for (unsigned mib = MIN(last, sizes[k]); mib < sizes[k]; mib++) {
            assert_memory_equal(
                fake_do(b, 0, CARD_IO_READ, mib * 2048, 128, NULL)->data, zero,
                65536);
            fake_do(b, 0, CARD_IO_WRITE, mib * 2048, 128, data);
            fake_do(b, 0, CARD_IO_WRITE, mib * 2048 + 1920, 128, data);
        }
        for (unsigned mib = 1; mib < sizes[k]; mib++) {
            assert_memory_equal(
                fake_do(b, 0, CARD_IO_READ, mib * 2048 + 1920, 128, NULL)->data,
                data, 65536);
        }
        last = sizes[k];
    }
    assert_true(fake_ctrl(0)->ns_changed & 2);
}

/* ---- random ------------------------------------------------------------- */

static void check_space(void)
{
    uint8_t owner[2][16] = { { 0 } };
    CardPartitionInfo i;

    for (unsigned k = 0; k < b->app->partition_count(b->card); k++) {
        uint64_t sum = 0;

        assert_true(b->app->partition_info(b->card, k, &i));
        for (unsigned e = 0; e < i.n_extents; e++) {
            sum += i.extents[e].bytes;
            for (uint64_t u = 0; u < i.extents[e].bytes / BENCH_MIB; u++) {
                uint64_t at = i.extents[e].drive_offset / BENCH_MIB + u;

                assert_true(at < 16);
                assert_int_equal(owner[i.extents[e].drive][at]++, 0);
            }
        }
        assert_true(sum >= i.bytes);
    }
    assert_false(
        b->app->partition_info(b->card, b->app->partition_count(b->card), &i));
}

static void test_random_control(void **state)
{
    uint64_t rng = card_bench_seed(31);

    for (unsigned k = 0; k < 3000; k++) {
        g_autofree char *name =
            g_strdup_printf("p%u", (unsigned)(mock_random(&rng) % 12));
        CardPartitionSpec s = spec_of(name, mock_random(&rng) % 6 + 1);
        GError *err = NULL;

        s.n_drives = mock_random(&rng) % 2 + 1;
        s.layout = s.n_drives == 2 && mock_random(&rng) % 2;
        s.stripe_bytes = (mock_random(&rng) % 600 + 1) * 4096;
        switch (mock_random(&rng) % 8) {
        case 0:
            card_bench_kill(b);
            card_bench_power_on(b, NULL);
            break;
        case 1:
        case 2:
        case 3:
            b->app->partition_create(b->card, &s, &err);
            break;
        case 4:
            b->app->partition_delete(b->card, name, &err);
            break;
        case 5:
            b->app->attach(b->card, name, mock_random(&rng) % 3,
                           mock_random(&rng) % 3 + 1, &err);
            break;
        case 6:
            b->app->detach(b->card, name, mock_random(&rng) % 8 == 0, &err);
            break;
        default:
            b->app->partition_resize(b->card, name, s.bytes, &err);
        }
        g_clear_error(&err);
        check_space();
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_create_refused), T(test_stripe_refused), T(test_create_no_flash),
        T(test_too_many),       T(test_identity),       T(test_attach),
        T(test_interfaces),     T(test_limits),         T(test_first_fit),
        T(test_too_fragmented), T(test_resize),         T(test_resize_stripe),
        T(test_random_control),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
