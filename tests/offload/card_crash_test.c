/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_crash_test.c: the process dies before any store of the flash, any
 * write or discard of a drive, with the write torn at any block, also while
 * the next process recovers: nothing that was acknowledged is lost.
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

static struct {
    unsigned depth;
    unsigned checks;
    uint64_t rng;
    uint8_t *acked;   /* what was acknowledged */
    uint8_t *pending; /* what a write in flight makes of it */
    bool (*nvram_store)(void *opaque, const void *buf, size_t len);
    int (*drive_write)(void *opaque, unsigned drive, uint64_t offset,
                       const void *buf, size_t len);
    int (*drive_discard)(void *opaque, unsigned drive, uint64_t offset,
                         uint64_t len);
} crash;

static void check_blocks(const uint8_t *got)
{
    for (unsigned at = 0; at < BENCH_MIB; at += 512) {
        if (memcmp(got + at, crash.acked + at, 512) &&
            memcmp(got + at, crash.pending + at, 512)) {
            fail_msg("block %u is lost", at / 512);
        }
    }
}

/* The world at this instant, the process gone: what does the next one see? */
static void die_here(MockSeam *m, unsigned drive, uint64_t offset,
                     const uint8_t *buf, size_t len)
{
    NvmeCtrl *main_ctrl[BENCH_IFACES];
    CardBench *main_bench = b;
    CardBench *c;
    size_t torn = len ? mock_random(&crash.rng) % (len / 512 + 1) * 512 : 0;

    if (crash.depth == 2 || (crash.depth == 1 && mock_random(&crash.rng) % 8)) {
        return;
    }
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        main_ctrl[fn] = fake_ctrl(fn);
    }
    crash.depth++;
    crash.checks++;
    c = card_bench_adopt(mock_seam_clone(m));
    if (torn) {
        memcpy(c->m->drive[drive].data + offset, buf, torn);
    }
    c->m->ops.model_cancel(c->m, UINT16_MAX);
    card_bench_power_on(c, NULL);
    assert_true(c->app->attach(c->card, "s", 0, 1, NULL));
    b = c;
    check_blocks(fake_do(c, 0, CARD_IO_READ, 0, 2048, NULL)->data);
    mock_run_idle(c->m);
    check_blocks(fake_do(c, 0, CARD_IO_READ, 0, 2048, NULL)->data);
    b = main_bench;
    card_bench_free(c);
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        fake_ctrl_select(fn, main_ctrl[fn]);
    }
    crash.depth--;
}

static bool dying_nvram_store(void *opaque, const void *buf, size_t len)
{
    die_here(opaque, 0, 0, NULL, 0);
    return crash.nvram_store(opaque, buf, len);
}

static int dying_drive_write(void *opaque, unsigned drive, uint64_t offset,
                             const void *buf, size_t len)
{
    die_here(opaque, drive, offset, buf, len);
    return crash.drive_write(opaque, drive, offset, buf, len);
}

static int dying_drive_discard(void *opaque, unsigned drive, uint64_t offset,
                               uint64_t len)
{
    die_here(opaque, 0, 0, NULL, 0);
    return crash.drive_discard(opaque, drive, offset, len);
}

static void install_death(CardSeam *ops)
{
    crash.nvram_store = ops->nvram_store;
    crash.drive_write = ops->drive_write;
    crash.drive_discard = ops->drive_discard;
    ops->nvram_store = dying_nvram_store;
    ops->drive_write = dying_drive_write;
    ops->drive_discard = dying_drive_discard;
}

static void guest_write(NvmeCtrl *c)
{
    uint64_t slba = mock_random(&crash.rng) % 2048;
    uint32_t nlb = MIN(mock_random(&crash.rng) % 64 + 1, 2048 - slba);
    bool zeroes = mock_random(&crash.rng) % 4 == 0;
    unsigned n = c->done->len;

    if (zeroes) {
        memset(crash.pending + slba * 512, 0, nlb * 512);
    } else {
        card_bench_fill(crash.pending + slba * 512, nlb * 512,
                        mock_random(&crash.rng));
    }
    fake_submit(c, zeroes ? CARD_IO_DEALLOCATE : CARD_IO_WRITE, 1, slba, nlb,
                crash.pending + slba * 512, NULL);
    while (c->done->len == n) {
        assert_true(mock_step(b->m));
    }
    assert_int_equal(fake_last(c)->status, 0);
    memcpy(crash.acked, crash.pending, BENCH_MIB);
}

static void test_crash(void **state)
{
    NvmeCtrl *c = fake_ctrl(0);

    crash.rng = card_bench_seed(17);
    crash.depth = crash.checks = 0;
    crash.acked = g_malloc0(BENCH_MIB);
    crash.pending = g_malloc0(BENCH_MIB);
    card_bench_stripe(b, "s", 1, 65536, 0);
    install_death(&b->m->ops);
    for (unsigned i = 0; i < 10; i++) {
        guest_write(c);
    }
    assert_true(b->app->rotate_key(b->card, "s", NULL));
    while (card_bench_info(b, "s").key_generation == 1) {
        guest_write(c);
        mock_run_until(b->m, b->m->now_ps + 60 * US);
    }
    for (unsigned i = 0; i < 5; i++) {
        guest_write(c);
    }
    print_message("%u deaths\n", crash.checks);
    assert_true(crash.checks > 50);
    g_free(crash.acked);
    g_free(crash.pending);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
