/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_rekey_test.c: keys are born, kept, changed under I/O and destroyed,
 * and are never found where they must not be.
 */
#include "card_bench.h"
#include "card_fake_ctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define US 1000000ull
#define KEY_MASK 0xa5 /* the test's own copies must not be found */

static CardBench *b;
static uint8_t data[BENCH_MIB];
static const uint8_t zero[BENCH_MIB];

/* ---- every key that was ever made --------------------------------------- */

static uint8_t keys[64][64];
static unsigned n_keys;
static bool (*real_random)(void *opaque, void *buf, size_t len);

static bool spying_random(void *opaque, void *buf, size_t len)
{
    bool ok = real_random(opaque, buf, len);

    for (size_t i = 0; len == 64 && i < 64; i++) {
        keys[n_keys][i] = ((uint8_t *)buf)[i] ^ KEY_MASK;
    }
    n_keys += len == 64;
    return ok;
}

/* In rest: drives, flash, saved state. */
static void no_key_leaks(const CardBench *bench)
{
    g_autoptr(GByteArray) state = card_bench_save(bench);

    for (unsigned k = 0; k < n_keys; k++) {
        for (unsigned half = 0; half < 64; half += 16) {
            uint8_t piece[16];

            for (unsigned i = 0; i < 16; i++) {
                piece[i] = keys[k][half + i] ^ KEY_MASK;
            }
            assert_false(card_bench_leaks(bench, piece, 16, state));
            explicit_bzero(piece, sizeof(piece));
        }
    }
}

static bool key_in_region(int mem, unsigned k, uint64_t from, uint64_t to)
{
    static uint8_t window[BENCH_MIB + 32];
    bool found = false;

    for (uint64_t at = from; at < to && !found; at += BENCH_MIB) {
        ssize_t n = pread(mem, window, MIN(sizeof(window), to - at), at);

        for (ssize_t p = 0; p + 32 <= n && !found; p += 4) {
            unsigned i = 0;

            while (i < 32 && window[p + i] == (keys[k][i] ^ KEY_MASK)) {
                i++;
            }
            found = i == 32;
        }
    }
    explicit_bzero(window, sizeof(window));
    return found;
}

/* Is key @k anywhere in this process's writable memory? */
static bool key_in_memory(unsigned k)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY);
    char line[512];
    bool found = false;

    assert_true(maps && mem >= 0);
    while (fgets(line, sizeof(line), maps) && !found) {
        unsigned long from, to;
        char perms[5];

        /* not a sanitizer's shadow */
        if (sscanf(line, "%lx-%lx %4s", &from, &to, perms) == 3 &&
            perms[0] == 'r' && perms[1] == 'w' && to - from < 1ul << 30) {
            found = key_in_region(mem, k, from, to);
        }
    }
    close(mem);
    fclose(maps);
    return found;
}

static int setup(void **state)
{
    b = card_bench_new(4096, 1);
    n_keys = 0;
    real_random = b->m->ops.random;
    b->m->ops.random = spying_random;
    card_bench_power_on(b, NULL);
    card_bench_fill(data, sizeof(data), 42);
    return 0;
}

static int teardown(void **state)
{
    card_bench_free(b);
    return 0;
}

static void must_read(uint64_t slba, uint32_t nlb, const uint8_t *want)
{
    const FakeDone *d = fake_do(b, 0, CARD_IO_READ, slba, nlb, NULL);

    assert_int_equal(d->status, 0);
    assert_memory_equal(d->data, want, d->bytes);
}

/* ---- life of a key ------------------------------------------------------ */

static void test_no_leaks(void **state)
{
    card_bench_stripe(b, "s", 4, 4096, 0);
    card_bench_linear(b, "p", 0, 2, 1);
    fake_do(b, 0, CARD_IO_WRITE, 0, 2048, data);
    assert_true(b->app->rotate_key(b->card, "s", NULL));
    no_key_leaks(b);
    for (unsigned i = 0; i < 100; i++) {
        mock_step(b->m);
    }
    no_key_leaks(b);
    mock_run_idle(b->m);
    no_key_leaks(b);
    assert_int_equal(n_keys, 3);
}

static void test_wiped_from_memory(void **state)
{
    card_bench_linear(b, "p", 0, 2, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 8, data);
    assert_true(key_in_memory(0)); /* the search works */
    assert_true(b->app->detach(b->card, "p", false, NULL));
    assert_false(key_in_memory(0));
    /* sealed, it comes back */
    assert_true(b->app->attach(b->card, "p", 0, 1, NULL));
    must_read(0, 8, data);
    assert_true(key_in_memory(0));
    assert_true(b->app->rotate_key(b->card, "p", NULL));
    mock_run_idle(b->m);
    assert_false(key_in_memory(0));
    assert_true(key_in_memory(1));
    assert_true(b->app->detach(b->card, "p", true, NULL));
    assert_false(key_in_memory(1));
}

static void test_wiped_by_destroy(void **state)
{
    card_bench_linear(b, "p", 0, 2, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 8, data);
    card_bench_kill(b);
    assert_false(key_in_memory(0));
    card_bench_power_on(b, NULL);
}

static void test_destroyed_key(void **state)
{
    GError *err = NULL;

    card_bench_linear(b, "p", 0, 2, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 8, data);
    assert_true(b->app->detach(b->card, "p", true, NULL));
    assert_false(b->app->attach(b->card, "p", 0, 1, &err));
    assert_int_equal(err->code, CARD_APP_ERROR_KEY);
    g_clear_error(&err);
    assert_false(b->app->rotate_key(b->card, "p", &err));
    g_clear_error(&err);
    assert_false(b->app->partition_resize(b->card, "p", 4 * BENCH_MIB, &err));
    g_clear_error(&err);
    /* also after the power was off */
    card_bench_kill(b);
    card_bench_power_on(b, NULL);
    assert_false(b->app->attach(b->card, "p", 0, 1, &err));
    assert_int_equal(err->code, CARD_APP_ERROR_KEY);
    g_clear_error(&err);
    assert_true(b->app->partition_delete(b->card, "p", NULL));
}

/* The next owner of the space reads zeroes, whatever lay there. */
static void test_next_owner(void **state)
{
    uint8_t cipher[4096];

    card_bench_linear(b, "a", 0, 2, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 2048, data);
    memcpy(cipher, b->m->drive[0].data, sizeof(cipher));
    assert_true(b->app->detach(b->card, "a", false, NULL));
    assert_true(b->app->partition_delete(b->card, "a", NULL));
    /* even if the drive had kept it */
    memcpy(b->m->drive[0].data, cipher, sizeof(cipher));
    card_bench_linear(b, "b", 0, 2, 0);
    assert_int_equal(card_bench_info(b, "b").extents[0].drive_offset, 0);
    must_read(0, 2048, zero);
}

/* Two partitions of one content never share a key or a ciphertext. */
static void test_keys_differ(void **state)
{
    for (unsigned i = 0; i < 20; i++) {
        g_autofree char *name = g_strdup_printf("p%u", i);
        unsigned drive = 0;
        CardPartitionSpec spec = { .name = name,
                                   .bytes = BENCH_MIB,
                                   .drives = &drive,
                                   .n_drives = 1,
                                   .encrypted = true };

        assert_true(b->app->partition_create(b->card, &spec, NULL) || i >= 16);
    }
    for (unsigned i = 0; i < n_keys; i++) {
        assert_memory_not_equal(keys[i], keys[i] + 32, 32);
        for (unsigned k = 0; k < i; k++) {
            assert_memory_not_equal(keys[i], keys[k], 64);
        }
    }
}

static bool equal_halves(void *opaque, void *buf, size_t len)
{
    memset(buf, 3, len);
    return true;
}

static void test_weak_key_refused(void **state)
{
    unsigned drive = 0;
    CardPartitionSpec spec = { .name = "p",
                               .bytes = BENCH_MIB,
                               .drives = &drive,
                               .n_drives = 1,
                               .encrypted = true };
    GError *err = NULL;

    b->m->ops.random = equal_halves;
    assert_false(b->app->partition_create(b->card, &spec, &err));
    assert_int_equal(err->code, CARD_APP_ERROR_KEY);
    g_error_free(err);
    assert_int_equal(b->app->partition_count(b->card), 0);
}

static bool unseal_nothing(void *opaque, const char *label, const void *in,
                           size_t sealed_len, void *out)
{
    return false;
}

static void test_other_root(void **state)
{
    GError *err = NULL;

    card_bench_linear(b, "p", 0, 2, 0);
    card_bench_kill(b);
    b->m->ops.unseal = unseal_nothing;
    card_bench_power_on(b, NULL);
    assert_false(b->app->attach(b->card, "p", 0, 1, &err));
    assert_int_equal(err->code, CARD_APP_ERROR_KEY);
    assert_null(strchr(err->message, '\n'));
    g_error_free(err);
}

/* ---- rotation ----------------------------------------------------------- */

static void test_rotate(void **state)
{
    g_autofree uint8_t *before = NULL;
    CardPartitionInfo info;

    card_bench_stripe(b, "s", 4, 12288, 0);
    fake_do(b, 0, CARD_IO_WRITE, 100, 2048, data);
    before = g_memdup2(b->m->drive[0].data, 2 * BENCH_MIB);
    assert_true(b->app->rotate_key(b->card, "s", NULL));
    info = card_bench_info(b, "s");
    assert_int_equal(info.key_generation, 1);
    assert_int_equal(info.rekey_done_bytes, 0);
    assert_false(b->app->rotate_key(b->card, "s", NULL));
    assert_false(b->app->partition_resize(b->card, "s", 8 * BENCH_MIB, NULL));
    while (card_bench_info(b, "s").rekey_done_bytes < 2 * BENCH_MIB) {
        assert_true(mock_step(b->m));
    }
    must_read(100, 2048, data);
    info = card_bench_info(b, "s");
    assert_int_equal(info.key_generation, 2);
    assert_int_equal(info.rekey_done_bytes, 4 * BENCH_MIB);
    /* every written block has another ciphertext, unwritten ones none */
    assert_memory_equal(b->m->drive[0].data, zero, 512);
    for (unsigned at = 0; at < 2 * BENCH_MIB; at += 512) {
        if (memcmp(before + at, zero, 512)) {
            assert_memory_not_equal(before + at, b->m->drive[0].data + at, 512);
        }
    }
}

/* 16 chunks of 256 KiB: read, crypto, write, 1 us each, then 100 us rest. */
static void test_rotate_instants(void **state)
{
    uint64_t start = b->m->now_ps;

    card_bench_linear(b, "p", 0, 4, 0);
    assert_true(b->app->rotate_key(b->card, "p", NULL));
    for (unsigned i = 0; i < 16; i++) {
        mock_run_until(b->m, start + (103 * i + 3) * US - 1);
        assert_int_equal(card_bench_info(b, "p").rekey_done_bytes, i << 18);
        mock_run_until(b->m, start + (103 * i + 3) * US);
        assert_int_equal(card_bench_info(b, "p").rekey_done_bytes, (i + 1)
                                                                       << 18);
    }
    assert_int_equal(card_bench_info(b, "p").key_generation, 1);
    mock_run_until(b->m, start + (103 * 16) * US);
    assert_int_equal(card_bench_info(b, "p").key_generation, 2);
    assert_int_equal(mock_next_ps(b->m), b->m->now_ps + 100 * US);
    mock_run_idle(b->m);
    assert_int_equal(b->m->model_bytes[MODEL_CRYPTO], 8 * BENCH_MIB);
}

/* I/O on the chunk in work waits for it; other I/O does not. */
static void test_rotate_locks(void **state)
{
    NvmeCtrl *c = fake_ctrl(0);

    card_bench_linear(b, "p", 0, 4, 0);
    b->m->delay_ps[MODEL_DRIVE_READ] = 50 * US;
    assert_true(b->app->rotate_key(b->card, "p", NULL));
    mock_run_until(b->m, 10 * US);
    fake_submit(c, CARD_IO_WRITE, 1, 511, 2, data, NULL); /* half in it */
    fake_submit(c, CARD_IO_WRITE, 1, 512, 1, data + 512, NULL);
    mock_run_until(b->m, 49 * US);
    assert_int_equal(c->done->len, 1);
    assert_int_equal(fake_last(c)->at_ps, 12 * US);
    mock_run_until(b->m, 60 * US);
    assert_int_equal(c->done->len, 2);
    assert_int_equal(fake_last(c)->at_ps, 54 * US); /* 52 + its own 2 */
    mock_run_idle(b->m);
    must_read(511, 2, data);
}

/* Older I/O on the chunk runs out first. */
static void test_rotate_waits(void **state)
{
    NvmeCtrl *c = fake_ctrl(0);

    card_bench_linear(b, "p", 0, 4, 0);
    b->m->delay_ps[MODEL_DRIVE_WRITE] = 500 * US;
    fake_submit(c, CARD_IO_WRITE, 1, 0, 8, data, NULL);
    assert_true(b->app->rotate_key(b->card, "p", NULL));
    mock_run_until(b->m, 501 * US - 1);
    assert_int_equal(b->m->model_count[MODEL_DRIVE_READ], 0);
    mock_run_until(b->m, 501 * US);
    assert_int_equal(b->m->model_count[MODEL_DRIVE_READ], 1);
    mock_run_idle(b->m);
    must_read(0, 8, data);
}

static void test_rotate_refused(void **state)
{
    unsigned drive = 0;
    CardPartitionSpec spec = {
        .name = "plain", .bytes = BENCH_MIB, .drives = &drive, .n_drives = 1
    };

    card_bench_part(b, &spec, 0, 1);
    assert_false(b->app->rotate_key(b->card, "plain", NULL));
    assert_false(b->app->rotate_key(b->card, "nobody", NULL));
    card_bench_linear(b, "p", 0, 1, 1);
    b->m->nvram_fail = true;
    assert_false(b->app->rotate_key(b->card, "p", NULL));
    b->m->nvram_fail = false;
    b->m->random_fail = true;
    assert_false(b->app->rotate_key(b->card, "p", NULL));
    b->m->random_fail = false;
    assert_true(b->app->rotate_key(b->card, "p", NULL));
}

/* Detached, with a reset interface, suspended, on a stalled drive, with the
 * models full: it goes on when it can, and ends. */
static void test_rotate_obstacles(void **state)
{
    CardFault stall = { .kind = CARD_FAULT_STALL_DRIVE, .drive = 0 };

    card_bench_linear(b, "p", 0, 4, 0);
    for (unsigned i = 0; i < 4; i++) {
        fake_do(b, 0, CARD_IO_WRITE, i * 2048, 2048, data);
    }
    assert_true(b->app->rotate_key(b->card, "p", NULL));
    for (unsigned i = 0; i < 8; i++) {
        mock_run_until(b->m, b->m->now_ps + 52 * US + i % 3 * US);
        nvme_ctrl_reset(fake_ctrl(0), CARD_RESET_FUNCTION);
    }
    assert_true(b->app->fault_set(b->card, &stall, NULL));
    mock_run_until(b->m, b->m->now_ps + 1000 * US);
    b->app->fault_clear(b->card, NULL);
    b->app->suspend(b->card);
    while (!b->app->idle(b->card)) {
        assert_true(mock_step(b->m));
    }
    mock_run_until(b->m, b->m->now_ps + 1000 * US);
    assert_int_equal(mock_in_flight(b->m), 0);
    b->app->resume(b->card);
    assert_true(b->app->detach(b->card, "p", false, NULL));
    b->m->max_model_ops = 1;
    mock_run_idle(b->m);
    assert_int_equal(card_bench_info(b, "p").key_generation, 2);
    assert_false(key_in_memory(0));
    assert_false(key_in_memory(1));
    assert_true(b->app->attach(b->card, "p", 0, 1, NULL));
    for (unsigned i = 0; i < 4; i++) {
        must_read(i * 2048, 2048, data);
    }
}

static int write_fails_once(void *user, unsigned drive, MockDriveOp op,
                            uint64_t offset, uint64_t len)
{
    static unsigned writes;

    return op == MOCK_DRIVE_WRITE && writes++ % 3 == 1 ? -EIO : 0;
}

/* A drive fails in the middle of a chunk: half of it is under the new key.
 * Its blocks stay locked until it is mended. */
static void test_rotate_drive_error(void **state)
{
    card_bench_stripe(b, "s", 1, 4096, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 2048, data);
    b->m->drive_fault = write_fails_once;
    assert_true(b->app->rotate_key(b->card, "s", NULL));
    mock_run_until(b->m, b->m->now_ps + 200 * US);
    fake_submit(fake_ctrl(0), CARD_IO_READ, 1, 0, 2048, NULL, NULL);
    b->m->drive_fault = NULL;
    mock_run_idle(b->m);
    assert_memory_equal(fake_last(fake_ctrl(0))->data, data, BENCH_MIB);
    assert_int_equal(card_bench_info(b, "s").key_generation, 2);
    must_read(0, 2048, data);
}

/* The flash fails at the very end: the old key is needed until it works. */
static void test_rotate_flash_error(void **state)
{
    card_bench_linear(b, "p", 0, 1, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 2048, data);
    assert_true(b->app->rotate_key(b->card, "p", NULL));
    mock_run_until(b->m, b->m->now_ps + 350 * US);
    assert_int_equal(card_bench_info(b, "p").rekey_done_bytes, BENCH_MIB);
    assert_int_equal(card_bench_info(b, "p").key_generation, 1);
    b->m->nvram_fail = true;
    mock_run_until(b->m, b->m->now_ps + 500 * US);
    assert_int_equal(card_bench_info(b, "p").key_generation, 1);
    fake_submit(fake_ctrl(0), CARD_IO_READ, 1, 0, 2048, NULL, NULL);
    mock_run_until(b->m, b->m->now_ps + 500 * US);
    assert_memory_equal(fake_last(fake_ctrl(0))->data, data, BENCH_MIB);
    b->m->nvram_fail = false;
    mock_run_idle(b->m);
    assert_int_equal(card_bench_info(b, "p").key_generation, 2);
    assert_false(key_in_memory(0));
    must_read(0, 2048, data);
}

static int all_fails(void *user, unsigned drive, MockDriveOp op,
                     uint64_t offset, uint64_t len)
{
    return -EIO;
}

/* A dead process left half a chunk, and the drive does not answer either. */
static void test_recovery_fails(void **state)
{
    GError *err = NULL;

    card_bench_linear(b, "p", 0, 1, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 2048, data);
    assert_true(b->app->rotate_key(b->card, "p", NULL));
    mock_run_until(b->m, b->m->now_ps + 10 * US); /* one chunk is done */
    card_bench_kill(b);
    card_bench_power_on(b, NULL);
    b->m->drive_fault = all_fails;
    assert_false(b->app->attach(b->card, "p", 0, 1, &err));
    assert_int_equal(err->code, CARD_APP_ERROR_IO);
    g_error_free(err);
    mock_run_until(b->m, b->m->now_ps + 3000000 * US);
    b->m->drive_fault = NULL;
    assert_true(b->app->attach(b->card, "p", 0, 1, NULL));
    must_read(0, 2048, data);
    assert_int_equal(card_bench_info(b, "p").key_generation, 2);
}

static int drive_0_fails(void *user, unsigned drive, MockDriveOp op,
                         uint64_t offset, uint64_t len)
{
    return drive == 0 ? -EIO : 0;
}

/* A partition that cannot go on does not keep another one waiting. */
static void test_rotate_two(void **state)
{
    card_bench_linear(b, "p", 0, 1, 0);
    card_bench_linear(b, "q", 1, 1, 1);
    fake_do(b, 0, CARD_IO_WRITE, 0, 2048, data);
    assert_true(b->app->rotate_key(b->card, "p", NULL));
    assert_true(b->app->rotate_key(b->card, "q", NULL));
    mock_run_until(b->m, b->m->now_ps + 210 * US);
    b->m->drive_fault = drive_0_fails;
    mock_run_until(b->m, b->m->now_ps + 20000000 * US);
    assert_int_equal(card_bench_info(b, "p").key_generation, 1);
    assert_int_equal(card_bench_info(b, "q").key_generation, 2);
    b->m->drive_fault = NULL;
    mock_run_idle(b->m);
    assert_int_equal(card_bench_info(b, "p").key_generation, 2);
    must_read(0, 2048, data);
}

static void test_rotate_deleted(void **state)
{
    card_bench_linear(b, "p", 0, 4, 0);
    assert_true(b->app->rotate_key(b->card, "p", NULL));
    mock_run_until(b->m, US);
    assert_true(b->app->detach(b->card, "p", false, NULL));
    assert_true(b->app->partition_delete(b->card, "p", NULL));
    mock_run_idle(b->m);
    card_bench_linear(b, "q", 0, 4, 0);
    assert_true(b->app->rotate_key(b->card, "q", NULL));
    mock_run_until(b->m, b->m->now_ps + US);
    assert_true(b->app->detach(b->card, "q", true, NULL));
    mock_run_idle(b->m);
    assert_false(key_in_memory(0) || key_in_memory(1) || key_in_memory(2) ||
                 key_in_memory(3));
}

static void test_rotate_formatted(void **state)
{
    card_bench_linear(b, "p", 0, 4, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 8, data);
    assert_true(b->app->rotate_key(b->card, "p", NULL));
    mock_run_until(b->m, b->m->now_ps + 150 * US);
    assert_int_equal(fake_do(b, 0, CARD_IO_FORMAT, 0, 0, NULL)->status, 0);
    must_read(0, 8, zero);
    assert_int_equal(card_bench_info(b, "p").key_generation, 3);
    assert_int_equal(card_bench_info(b, "p").rekey_done_bytes, 4 * BENCH_MIB);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_no_leaks),
        T(test_wiped_from_memory),
        T(test_wiped_by_destroy),
        T(test_destroyed_key),
        T(test_next_owner),
        T(test_keys_differ),
        T(test_weak_key_refused),
        T(test_other_root),
        T(test_rotate),
        T(test_rotate_instants),
        T(test_rotate_locks),
        T(test_rotate_waits),
        T(test_rotate_refused),
        T(test_rotate_obstacles),
        T(test_rotate_drive_error),
        T(test_rotate_flash_error),
        T(test_recovery_fails),
        T(test_rotate_two),
        T(test_rotate_deleted),
        T(test_rotate_formatted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
