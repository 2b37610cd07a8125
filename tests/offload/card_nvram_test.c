/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_nvram_test.c: what the card's flash remembers, or refuses to: damage,
 * other drives.
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

static int setup(void **state)
{
    b = card_bench_new(4096, 1);
    card_bench_power_on(b, NULL);
    return 0;
}

static int teardown(void **state)
{
    card_bench_free(b);
    return 0;
}

static bool create(const char *name, unsigned mib)
{
    const unsigned drive = 0;
    CardPartitionSpec spec = { .name = name,
                               .bytes = mib * BENCH_MIB,
                               .drives = &drive,
                               .n_drives = 1,
                               .encrypted = true };

    return b->app->partition_create(b->card, &spec, NULL);
}

static void refuse_power_on(const CardAppDrive *drives, unsigned n_drives,
                            CardAppError code, const char *part)
{
    CardAppConfig config = { .drives = drives, .n_drives = n_drives };
    GError *err = NULL;

    if (b->m->nvram) {
        config.nvram = b->m->nvram->data;
        config.nvram_bytes = b->m->nvram->len;
    }
    assert_null(b->app->create(&b->m->ops, b->m, &config, &err));
    if (!strstr(err->message, part)) {
        fail_msg("'%s' does not say '%s'", err->message, part);
    }
    assert_int_equal(err->code, code);
    assert_null(strchr(err->message, '\n'));
    g_error_free(err);
}

static void test_other_drives(void **state)
{
    CardAppDrive d[3] = { { "ssd0", BENCH_DRIVE_BYTES },
                          { "ssd1", BENCH_DRIVE_BYTES },
                          { "ssd2", BENCH_DRIVE_BYTES } };

    assert_true(create("p", 1));
    refuse_power_on(d, 1, CARD_APP_ERROR_STATE, "2 drives, the card has 1");
    refuse_power_on(d, 3, CARD_APP_ERROR_STATE, "2 drives, the card has 3");
    refuse_power_on(d, 0, CARD_APP_ERROR_STATE, "2 drives, the card has 0");
    d[1].name = "hdd";
    refuse_power_on(d, 2, CARD_APP_ERROR_STATE, "was 'ssd1'");
    refuse_power_on(d, 2, CARD_APP_ERROR_STATE, "now it is 'hdd'");
    d[1].name = "ssd1";
    d[1].bytes = BENCH_DRIVE_BYTES / 2;
    refuse_power_on(d, 2, CARD_APP_ERROR_STATE, "8388608");
    d[1].bytes = 512;
    refuse_power_on(d, 2, CARD_APP_ERROR_INVALID, "multiple of 1 MiB");
    d[1].bytes = 0;
    refuse_power_on(d, 2, CARD_APP_ERROR_INVALID, "multiple of 1 MiB");
    d[1] = d[0];
    refuse_power_on(d, 2, CARD_APP_ERROR_INVALID, "taken");
    d[1].name = "a b";
    refuse_power_on(d, 2, CARD_APP_ERROR_INVALID, "letters");
}

static void test_corrupt_nvram(void **state)
{
    const CardAppDrive d[2] = { { "ssd0", BENCH_DRIVE_BYTES },
                                { "ssd1", BENCH_DRIVE_BYTES } };
    uint64_t rng = card_bench_seed(8);
    g_autofree uint8_t *good = NULL;
    unsigned len;

    card_bench_stripe(b, "s", 4, 4096, 0);
    assert_true(create("p", 1));
    len = b->m->nvram->len;
    good = g_memdup2(b->m->nvram->data, len);
    for (unsigned k = 0; k < 500; k++) {
        b->m->nvram->data[mock_random(&rng) % len] ^= 1u << k % 8;
        refuse_power_on(d, 2, CARD_APP_ERROR_STATE, "corrupt");
        memcpy(b->m->nvram->data, good, len);
    }
    for (unsigned short_len = 1; short_len < len; short_len += 7) {
        g_byte_array_set_size(b->m->nvram, short_len);
        refuse_power_on(d, 2, CARD_APP_ERROR_STATE, "corrupt");
        g_byte_array_set_size(b->m->nvram, len);
        memcpy(b->m->nvram->data, good, len);
    }
}

/* With a checksum that fits: refused or harmless. */
static void test_mutated_nvram(void **state)
{
    uint64_t rng = card_bench_seed(9);
    g_autoptr(GByteArray) good = NULL;
    unsigned refusals = 0;
    GError *err = NULL;

    card_bench_stripe(b, "s", 4, 4096, 0);
    assert_true(create("p", 1));
    assert_true(b->app->rotate_key(b->card, "s", NULL));
    mock_run_until(b->m, 250000000);
    good = g_byte_array_append(g_byte_array_new(), b->m->nvram->data,
                               b->m->nvram->len);
    card_bench_kill(b);
    for (unsigned k = 0; k < 3000; k++) {
        const CardAppDrive d[2] = { { "ssd0", BENCH_DRIVE_BYTES },
                                    { "ssd1", BENCH_DRIVE_BYTES } };
        CardAppConfig config = { .drives = d, .n_drives = 2 };
        g_autoptr(GByteArray) bad =
            g_byte_array_append(g_byte_array_new(), good->data, good->len);
        unsigned at = mock_random(&rng) % (bad->len - 32 - 4300);
        GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
        gsize len = 32;
        Card *card;

        bad->data[at] = mock_random(&rng) % 3 ? bad->data[at] ^ 1u << k % 8
                                              : mock_random(&rng);
        g_checksum_update(sum, bad->data, bad->len - 32);
        g_checksum_get_digest(sum, bad->data + bad->len - 32, &len);
        g_checksum_free(sum);
        config.nvram = bad->data;
        config.nvram_bytes = bad->len;
        card = b->app->create(&b->m->ops, b->m, &config, &err);
        if (!card) {
            assert_int_equal(err->code, CARD_APP_ERROR_STATE);
            g_clear_error(&err);
            refusals++;
            continue;
        }
        b->card = card;
        mock_run_until(b->m, b->m->now_ps + 2000000000);
        card_bench_kill(b);
    }
    print_message("%u of 3000 refused\n", refusals);
    assert_true(refusals > 500);
    card_bench_power_on(b, NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_other_drives),
        T(test_corrupt_nvram),
        T(test_mutated_nvram),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
