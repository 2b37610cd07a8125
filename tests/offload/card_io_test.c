/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_io_test.c: requests through the card: mapping, encryption, fan-out,
 * exact instants. The controller is a fake.
 */
#include "card_bench.h"
#include "card_fake_ctrl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define US 1000000ull

static void fill(uint8_t *p, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i++) {
        p[i] = mock_random(&seed);
    }
}

static int setup(void **state)
{
    CardBench *b = card_bench_new(4096, 1);

    card_bench_power_on(b, NULL);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    card_bench_free(*state);
    return 0;
}

static void rw(CardBench *b, unsigned fn, CardIoOp op, uint64_t slba,
               uint32_t nlb, const uint8_t *data)
{
    int slot = fake_submit(fake_ctrl(fn), op, 1, slba, nlb, data, NULL);

    assert_true(slot >= 0);
    mock_run_idle(b->m);
    assert_int_equal(fake_last(fake_ctrl(fn))->slot, slot);
}

static void test_write_read(void **state)
{
    CardBench *b = *state;
    g_autofree uint8_t *data = g_malloc(65536);

    fill(data, 65536, 7);
    card_bench_linear(b, "p0", 0, 4, 0);
    rw(b, 0, CARD_IO_WRITE, 3, 128, data);
    assert_int_equal(fake_last(fake_ctrl(0))->status, 0);
    rw(b, 0, CARD_IO_READ, 3, 128, NULL);
    assert_int_equal(fake_last(fake_ctrl(0))->status, 0);
    assert_memory_equal(fake_last(fake_ctrl(0))->data, data, 65536);
    assert_false(card_bench_leaks(b, data, 16, NULL));
    assert_false(card_bench_leaks(b, data + 65536 - 16, 16, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_read, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
