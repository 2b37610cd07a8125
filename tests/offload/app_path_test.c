/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * app_path_test.c: the whole application as a guest sees it: registers and
 * memory in front, ciphertext on the drives behind.
 */
#include "app_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static CardBench *b;
static AppHost host[BENCH_IFACES];

static int setup(void **state)
{
    b = card_bench_new(APP_RAM, 1);
    card_bench_power_on(b, NULL);
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        app_host_init(&host[fn], b, fn);
    }
    return 0;
}

static int teardown(void **state)
{
    card_bench_free(b);
    return 0;
}

static void test_write_read(void **state)
{
    g_autofree uint8_t *want = g_malloc(65536);

    card_bench_fill(want, 65536, 3);
    card_bench_stripe(b, "s", 8, 4096, 0);
    app_host_start(&host[0], 2);
    memcpy(app_host_data(&host[0]), want, 65536);
    assert_int_equal(app_host_do(&host[0], NVME_IO_WRITE, 5, 128), 0);
    memset(app_host_data(&host[0]), 0, 65536);
    assert_int_equal(app_host_do(&host[0], NVME_IO_READ, 5, 128), 0);
    assert_memory_equal(app_host_data(&host[0]), want, 65536);
    assert_false(card_bench_leaks(b, want, 16, NULL));
    assert_false(card_bench_leaks(b, want + 60000, 16, NULL));
    assert_true(b->m->drive[0].ops[MOCK_DRIVE_WRITE] > 0);
    assert_true(b->m->drive[1].ops[MOCK_DRIVE_WRITE] > 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_write_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
