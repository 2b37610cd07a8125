/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_ops_test.c: flush, deallocate, write zeroes, verify, format; and
 * random mixes of everything against a shadow copy.
 */
#include "card_bench.h"
#include "card_fake_ctrl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define US 1000000ull

static CardBench *b;
static uint8_t data[BENCH_MIB];
static const uint8_t zero[BENCH_MIB];

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

static void must_read(uint64_t slba, uint32_t nlb, const uint8_t *want,
                      uint32_t bytes)
{
    const FakeDone *d = fake_do(b, 0, CARD_IO_READ, slba, nlb, NULL);

    assert_int_equal(d->status, 0);
    assert_int_equal(d->bytes, bytes);
    assert_memory_equal(d->data, want, bytes);
}

static void format(uint8_t lba_format, uint8_t secure_erase)
{
    CardIo io = { .op = CARD_IO_FORMAT,
                  .nsid = 1,
                  .lba_format = lba_format,
                  .secure_erase = secure_erase };

    assert_true(fake_submit_io(fake_ctrl(0), &io, NULL, NULL) >= 0);
    mock_run_idle(b->m);
    assert_int_equal(fake_last(fake_ctrl(0))->status, 0);
}

/* ---- flush, fua, verify ------------------------------------------------- */

static void test_flush(void **state)
{
    card_bench_linear(b, "p", 0, 2, 0);
    fake_do(b, 0, CARD_IO_FLUSH, 0, 0, NULL);
    assert_int_equal(b->m->drive[0].ops[MOCK_DRIVE_FLUSH], 1);
    assert_int_equal(b->m->drive[1].ops[MOCK_DRIVE_FLUSH], 0);
}

static void test_flush_all(void **state)
{
    unsigned one = 1;
    CardPartitionSpec spec = {
        .name = "q", .bytes = BENCH_MIB, .drives = &one, .n_drives = 1
    };
    CardIo io = { .op = CARD_IO_FLUSH, .nsid = UINT32_MAX };

    /* Without a namespace there is nothing to do, and it is done. */
    assert_true(fake_submit_io(fake_ctrl(0), &io, NULL, NULL) >= 0);
    assert_int_equal(fake_ctrl(0)->done->len, 0);
    mock_run_idle(b->m);
    assert_int_equal(fake_last(fake_ctrl(0))->status, 0);
    card_bench_linear(b, "p", 0, 2, 0);
    card_bench_part(b, &spec, 0, 7);
    assert_true(fake_submit_io(fake_ctrl(0), &io, NULL, NULL) >= 0);
    mock_run_idle(b->m);
    assert_int_equal(fake_last(fake_ctrl(0))->status, 0);
    assert_int_equal(b->m->drive[0].ops[MOCK_DRIVE_FLUSH], 1);
    assert_int_equal(b->m->drive[1].ops[MOCK_DRIVE_FLUSH], 1);
}

/* FUA flushes the drives that were written, after the last write. */
static void test_fua(void **state)
{
    CardIo io = { .op = CARD_IO_WRITE, .nsid = 1, .nlb = 8, .fua = true };

    card_bench_stripe(b, "s", 4, 4096, 0);
    assert_true(fake_submit_io(fake_ctrl(0), &io, data, NULL) >= 0);
    mock_run_idle(b->m);
    assert_int_equal(b->m->drive[0].ops[MOCK_DRIVE_FLUSH], 1);
    assert_int_equal(b->m->drive[1].ops[MOCK_DRIVE_FLUSH], 0);
    io.nlb = 16;
    assert_true(fake_submit_io(fake_ctrl(0), &io, data, NULL) >= 0);
    mock_run_idle(b->m);
    assert_int_equal(b->m->drive[0].ops[MOCK_DRIVE_FLUSH], 2);
    assert_int_equal(b->m->drive[1].ops[MOCK_DRIVE_FLUSH], 1);
}

static int broken(void *user, unsigned drive, MockDriveOp op, uint64_t offset,
                  uint64_t len)
{
    return -EIO;
}

static void test_drive_errors(void **state)
{
    card_bench_linear(b, "p", 0, 2, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 8, data);
    b->m->drive_fault = broken;
    assert_int_equal(fake_do(b, 0, CARD_IO_READ, 0, 8, NULL)->status, 0x281);
    assert_int_equal(fake_do(b, 0, CARD_IO_VERIFY, 0, 8, NULL)->status, 0x281);
    assert_int_equal(fake_do(b, 0, CARD_IO_WRITE, 0, 8, data)->status, 0x280);
    assert_int_equal(fake_do(b, 0, CARD_IO_FLUSH, 0, 0, NULL)->status, 0x280);
    assert_int_equal(fake_do(b, 0, CARD_IO_DEALLOCATE, 0, 8, NULL)->status,
                     0x280);
    b->m->drive_fault = NULL;
    must_read(0, 8, data, 4096);
}

static void test_verify(void **state)
{
    card_bench_stripe(b, "s", 4, 4096, 0);
    assert_int_equal(fake_do(b, 0, CARD_IO_VERIFY, 0, 8192, NULL)->status, 0);
    assert_int_equal(b->m->model_bytes[MODEL_DRIVE_READ], 4 * BENCH_MIB);
    assert_int_equal(b->m->model_count[MODEL_CRYPTO], 0);
}

/* ---- deallocate, write zeroes ------------------------------------------- */

static void test_deallocate(void **state)
{
    card_bench_stripe(b, "s", 4, 8192, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 2048, data);
    fake_do(b, 0, CARD_IO_DEALLOCATE, 3, 90, NULL);
    must_read(0, 3, data, 1536);
    must_read(3, 90, zero, 90 * 512);
    must_read(93, 100, data + 93 * 512, 51200);
    fake_do(b, 0, CARD_IO_WRITE_ZEROES, 100, 1, NULL);
    must_read(99, 1, data + 99 * 512, 512);
    must_read(100, 1, zero, 512);
    must_read(101, 1, data + 101 * 512, 512);
    /* written again */
    fake_do(b, 0, CARD_IO_WRITE, 10, 1, data);
    must_read(9, 1, zero, 512);
    must_read(10, 1, data, 512);
    must_read(11, 1, zero, 512);
}

/* Per drive one contiguous range, in operations of 4 MiB at most. */
static void test_deallocate_all(void **state)
{
    card_bench_stripe(b, "s", 20, 4096, 0);
    b->m->model_count[MODEL_DRIVE_DISCARD] = 0;
    fake_do(b, 0, CARD_IO_DEALLOCATE, 0, 20 * 2048, NULL);
    assert_int_equal(b->m->model_count[MODEL_DRIVE_DISCARD], 6);
    assert_int_equal(b->m->model_bytes[MODEL_DRIVE_DISCARD], 20 * BENCH_MIB);
}

/* ---- format ------------------------------------------------------------- */

static void test_format(void **state)
{
    CardNsInfo info;

    card_bench_stripe(b, "s", 4, 8192, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 2048, data);
    for (uint8_t erase = 0; erase <= 2; erase++) {
        fake_do(b, 0, CARD_IO_WRITE, 5, 8, data);
        format(0, erase);
        must_read(0, 2048, zero, BENCH_MIB);
        assert_int_equal(card_bench_info(b, "s").key_generation, 2u + erase);
    }
    format(1, 0);
    assert_true(card_ns_info(b->card, 0, 1, &info));
    assert_int_equal(info.block_bytes, 4096);
    assert_int_equal(info.blocks, 1024);
    must_read(0, 256, zero, BENCH_MIB);
    fake_do(b, 0, CARD_IO_WRITE, 1023, 1, data);
    must_read(1023, 1, data, 4096);
    format(0, 0);
    must_read(8184, 8, zero, 4096);
    assert_true(card_bench_info(b, "s").encrypted);
}

static void test_format_refused(void **state)
{
    CardIo io = { .op = CARD_IO_FORMAT, .nsid = 1, .lba_format = 2 };
    uint16_t status;

    card_bench_linear(b, "p", 0, 2, 0);
    assert_int_equal(fake_submit_io(fake_ctrl(0), &io, NULL, &status), -1);
    assert_int_equal(status & 0x7ff, 0x10a);
    io = (CardIo){ .op = CARD_IO_FORMAT, .nsid = 1, .secure_erase = 3 };
    assert_int_equal(fake_submit_io(fake_ctrl(0), &io, NULL, &status), -1);
    assert_int_equal(status & 0x7ff, 0x02);
    io = (CardIo){ .op = CARD_IO_FORMAT, .nsid = UINT32_MAX };
    assert_int_equal(fake_submit_io(fake_ctrl(0), &io, NULL, &status), -1);
    assert_int_equal(status & 0x7ff, 0x0b);
}

/* What runs, ends first; what comes meanwhile is refused. */
static void test_format_among_io(void **state)
{
    CardIo io = { .op = CARD_IO_FORMAT, .nsid = 1 };
    NvmeCtrl *c = fake_ctrl(0);
    uint16_t status;
    int write, f;

    card_bench_linear(b, "p", 0, 8, 0);
    write = fake_submit(c, CARD_IO_WRITE, 1, 0, 8, data, NULL);
    f = fake_submit_io(c, &io, NULL, NULL);
    assert_int_equal(fake_submit(c, CARD_IO_READ, 1, 0, 8, NULL, &status), -1);
    assert_int_equal(status & 0x7ff, 0x84);
    assert_int_equal(fake_submit_io(c, &io, NULL, &status), -1);
    assert_int_equal(status & 0x7ff, 0x84);
    mock_run_idle(b->m);
    assert_int_equal(c->done->len, 2);
    assert_int_equal(g_array_index(c->done, FakeDone, 0).slot, write);
    assert_int_equal(fake_last(c)->slot, f);
    assert_int_equal(fake_last(c)->status, 0);
    must_read(0, 8, zero, 4096);
}

/* A second FORMAT that was checked before the first began: it ends, and the
 * namespace stays closed for the first. */
static void test_format_twice(void **state)
{
    CardIo io = { .op = CARD_IO_FORMAT, .nsid = 1, .slot = 99 };
    NvmeCtrl *c = fake_ctrl(0);
    uint16_t status;
    int write;

    card_bench_linear(b, "p", 0, 8, 0);
    b->m->delay_ps[MODEL_DRIVE_WRITE] = 100 * US;
    write = fake_submit(c, CARD_IO_WRITE, 1, 0, 8, data, NULL);
    fake_submit_io(c, &io, NULL, NULL);
    c->io[99].state = FAKE_STARTED;
    c->io[99].io = io;
    c->in_flight++;
    card_io_start(b->card, &c->io[99].io);
    mock_run_until(b->m, b->m->now_ps + US);
    assert_int_equal(fake_last(c)->slot, 99);
    assert_int_equal(fake_last(c)->status & 0x7ff, 0x84);
    assert_int_equal(fake_submit(c, CARD_IO_READ, 1, 0, 8, NULL, &status), -1);
    assert_int_equal(status & 0x7ff, 0x84);
    mock_run_idle(b->m);
    assert_int_equal(c->done->len, 3);
    assert_int_equal(g_array_index(c->done, FakeDone, 1).slot, write);
    assert_int_equal(fake_last(c)->status, 0);
    must_read(0, 8, zero, 4096);
}

/* Admitted for blocks of 512, started when they are 4096: its buffer would
 * be too small. */
static void test_format_after_admission(void **state)
{
    const CardLimits slow = { .iops = 1000, .burst_ios = 1 };
    CardIo io = { .op = CARD_IO_FORMAT, .nsid = 1, .lba_format = 1 };
    NvmeCtrl *c = fake_ctrl(0);

    card_bench_linear(b, "p", 0, 8, 0);
    assert_true(b->app->set_limits(b->card, 0, &slow, NULL));
    fake_submit(c, CARD_IO_WRITE, 1, 0, 8, data, NULL);
    fake_submit(c, CARD_IO_WRITE, 1, 8, 8, data, NULL);
    mock_run_until(b->m, 10 * US);
    assert_int_equal(c->done->len, 1);
    fake_submit_io(c, &io, NULL, NULL);
    mock_run_idle(b->m);
    assert_int_equal(fake_last(c)->op, CARD_IO_WRITE);
    assert_int_equal(fake_last(c)->status & 0x7ff, 0x84);
    assert_int_equal(c->done->len, 3);
}

/* A reset in the middle of a FORMAT: the rest is wiped at once. */
static void test_format_reset(void **state)
{
    CardIo io = { .op = CARD_IO_FORMAT, .nsid = 1, .lba_format = 1 };
    NvmeCtrl *c = fake_ctrl(0);

    card_bench_stripe(b, "s", 16, 4096, 0);
    for (unsigned i = 0; i < 16; i++) {
        fake_do(b, 0, CARD_IO_WRITE, i * 2048, 2048, data);
    }
    fake_clear(c);
    fake_submit_io(c, &io, NULL, NULL);
    mock_step(b->m);
    nvme_ctrl_reset(c, CARD_RESET_CONTROLLER);
    mock_run_idle(b->m);
    assert_int_equal(c->done->len, 0);
    for (unsigned i = 0; i < 16; i++) {
        must_read(i * 256, 256, zero, BENCH_MIB);
    }
}

/* The process dies in the middle of a FORMAT: the next one ends it. */
static void test_format_crash(void **state)
{
    CardIo io = { .op = CARD_IO_FORMAT, .nsid = 1, .lba_format = 1 };

    card_bench_stripe(b, "s", 16, 4096, 0);
    for (unsigned i = 0; i < 16; i++) {
        fake_do(b, 0, CARD_IO_WRITE, i * 2048, 2048, data);
    }
    fake_submit_io(fake_ctrl(0), &io, NULL, NULL);
    mock_step(b->m);
    card_bench_kill(b);
    card_bench_power_on(b, NULL);
    assert_true(b->app->attach(b->card, "s", 0, 1, NULL));
    for (unsigned i = 0; i < 16; i++) {
        must_read(i * 256, 256, zero, BENCH_MIB);
    }
}

/* The flash refuses: nothing has happened to the data. */
static void test_format_no_flash(void **state)
{
    CardIo io = { .op = CARD_IO_FORMAT, .nsid = 1, .lba_format = 1 };

    card_bench_linear(b, "p", 0, 4, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 8, data);
    b->m->nvram_fail = true;
    fake_submit_io(fake_ctrl(0), &io, NULL, NULL);
    mock_run_idle(b->m);
    assert_int_equal(fake_last(fake_ctrl(0))->status & 0x7ff, 0x06);
    b->m->nvram_fail = false;
    must_read(0, 8, data, 4096);
    b->m->random_fail = true;
    fake_submit_io(fake_ctrl(0), &io, NULL, NULL);
    mock_run_idle(b->m);
    assert_int_equal(fake_last(fake_ctrl(0))->status & 0x7ff, 0x06);
    must_read(0, 8, data, 4096);
}

static int discard_fails(void *user, unsigned drive, MockDriveOp op,
                         uint64_t offset, uint64_t len)
{
    return op == MOCK_DRIVE_DISCARD ? -EIO : 0;
}

static void no_io_but_format(void)
{
    uint16_t status = 0;

    assert_int_equal(
        fake_submit(fake_ctrl(0), CARD_IO_READ, 1, 0, 8, NULL, &status), -1);
    assert_int_equal(status & 0x7ff, 0x84);
}

/* Half wiped, then a drive fails: nothing of it can be read or written until
 * another FORMAT or another start has wiped the rest. */
static void test_format_drive_error(void **state)
{
    CardIo io = { .op = CARD_IO_FORMAT, .nsid = 1 };

    card_bench_linear(b, "p", 0, 4, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 8, data);
    b->m->drive_fault = discard_fails;
    fake_submit_io(fake_ctrl(0), &io, NULL, NULL);
    mock_run_idle(b->m);
    assert_int_equal(fake_last(fake_ctrl(0))->status & 0x7ff, 0x280);
    no_io_but_format();
    b->m->drive_fault = NULL;
    format(0, 0);
    must_read(0, 8, zero, 4096);
}

/* The flash fails at the end: what is written later must not be wiped by the
 * next start. */
static void test_format_flash_error(void **state)
{
    CardIo io = { .op = CARD_IO_FORMAT, .nsid = 1 };

    card_bench_linear(b, "p", 0, 4, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 8, data);
    fake_submit_io(fake_ctrl(0), &io, NULL, NULL);
    b->m->nvram_fail = true;
    mock_run_idle(b->m);
    assert_int_equal(fake_last(fake_ctrl(0))->status & 0x7ff, 0x06);
    no_io_but_format();
    card_bench_kill(b);
    card_bench_power_on(b, NULL);
    assert_false(b->app->attach(b->card, "p", 0, 1, NULL));
    b->m->nvram_fail = false;
    assert_true(b->app->attach(b->card, "p", 0, 1, NULL));
    must_read(0, 8, zero, 4096);
    fake_do(b, 0, CARD_IO_WRITE, 0, 8, data);
    card_bench_kill(b);
    card_bench_power_on(b, NULL);
    assert_true(b->app->attach(b->card, "p", 0, 1, NULL));
    must_read(0, 8, data, 4096);
}

/* ---- refusals ----------------------------------------------------------- */

static void refused(CardIoOp op, uint32_t nsid, uint64_t slba, uint32_t nlb,
                    uint16_t want)
{
    uint16_t status = 0;

    assert_int_equal(
        fake_submit(fake_ctrl(0), op, nsid, slba, nlb, data, &status), -1);
    assert_int_equal(status, want);
}

/* No physical I/O results from any of these. */
static void test_refusals(void **state)
{
    uint64_t ops;

    card_bench_linear(b, "p", 0, 2, 0);
    card_bench_linear(b, "other", 0, 2, 1);
    ops = b->m->next_seq;
    for (CardIoOp op = CARD_IO_READ; op <= CARD_IO_VERIFY; op++) {
        if (op == CARD_IO_FLUSH) {
            refused(op, 2, 0, 0, 0x400b);
            continue;
        }
        refused(op, 1, 4096, 1, 0x4080);
        refused(op, 1, 4095, 2, 0x4080);
        refused(op, 1, 0, 4097, 0x4080);
        refused(op, 1, UINT64_MAX, 1, 0x4080);
        refused(op, 1, UINT64_MAX - 2, UINT32_MAX, 0x4080);
        refused(op, 1, 0, 0, 0x4002);
        refused(op, 2, 0, 1, 0x400b);
        refused(op, 0, 0, 1, 0x400b);
        refused(op, 17, 0, 1, 0x400b);
        refused(op, UINT32_MAX, 0, 1, 0x400b);
    }
    refused(CARD_IO_OPS, 1, 0, 1, 0x4002);
    refused(CARD_IO_READ, 1, 0, 2049, 0x4002); /* above 1 MiB */
    mock_run_idle(b->m);
    assert_int_equal(b->m->next_seq, ops);
    assert_int_equal(b->m->event_count[CARD_EV_PHYS_START], 0);
}

/* ---- everything at random ----------------------------------------------- */

typedef struct Mix {
    uint64_t rng;
    uint32_t block;
    uint64_t blocks;
    uint8_t *shadow;
    bool busy[8192];
    struct {
        uint64_t slba;
        uint32_t nlb;
    } of[CARD_MAX_IO_SLOTS];
    unsigned wrong, done;
} Mix;

static void mix_done(void *opaque, NvmeCtrl *ctrl, const FakeDone *d)
{
    Mix *x = opaque;
    uint64_t slba = x->of[d->slot].slba;

    x->done++;
    x->wrong += d->status != 0;
    if (d->op == CARD_IO_READ &&
        memcmp(d->data, x->shadow + slba * x->block, d->bytes)) {
        x->wrong++;
    }
    memset(x->busy + slba, 0, x->of[d->slot].nlb);
}

static void mix_submit(Mix *x)
{
    static const CardIoOp ops[] = { CARD_IO_READ,       CARD_IO_READ,
                                    CARD_IO_WRITE,      CARD_IO_WRITE,
                                    CARD_IO_DEALLOCATE, CARD_IO_WRITE_ZEROES,
                                    CARD_IO_VERIFY };
    CardIoOp op = ops[mock_random(&x->rng) % G_N_ELEMENTS(ops)];
    uint64_t slba = mock_random(&x->rng) % x->blocks;
    uint32_t nlb = mock_random(&x->rng) % (mock_random(&x->rng) % 3 ? 8 : 200);
    uint8_t *at = x->shadow + slba * x->block;
    int slot;

    nlb = MIN(nlb + 1, x->blocks - slba);
    if (memchr(x->busy + slba, 1, nlb)) {
        return;
    }
    memset(x->busy + slba, 1, nlb);
    if (op == CARD_IO_WRITE) {
        card_bench_fill(at, nlb * x->block, mock_random(&x->rng));
    } else if (op == CARD_IO_DEALLOCATE || op == CARD_IO_WRITE_ZEROES) {
        memset(at, 0, nlb * x->block);
    }
    slot = fake_submit(fake_ctrl(0), op, 1, slba, nlb, at, NULL);
    assert_true(slot >= 0);
    x->of[slot].slba = slba;
    x->of[slot].nlb = nlb;
}

static void mix_run(Mix *x, unsigned n, bool rekey)
{
    NvmeCtrl *c = fake_ctrl(0);

    c->on_done = mix_done;
    c->opaque = x;
    for (unsigned i = 0; i < n; i++) {
        if (rekey && i % (n / 3) == 10) {
            b->app->rotate_key(b->card, "x", NULL);
        }
        while (c->in_flight > 20) {
            assert_true(mock_step(b->m));
        }
        mix_submit(x);
        fake_clear(c);
    }
    mock_run_idle(b->m);
    assert_int_equal(c->in_flight, 0);
    assert_int_equal(x->wrong, 0);
}

static void test_random_mix(void **state)
{
    uint64_t seed = card_bench_seed(77);
    const unsigned both[] = { 1, 0 };

    for (unsigned i = 0; i < 8; i++) {
        bool encrypted = i != 3, stripe = i % 2;
        CardPartitionSpec spec = {
            .name = "x",
            .bytes = 2 * BENCH_MIB,
            .layout = stripe ? CARD_LAYOUT_STRIPE : CARD_LAYOUT_LINEAR,
            .stripe_bytes = 12288,
            .drives = both,
            .n_drives = 2,
            .encrypted = encrypted,
            .lba_format = i / 4,
        };
        Mix x = { .rng = seed + i, .block = i / 4 ? 4096 : 512 };

        x.blocks = 2 * BENCH_MIB / x.block;
        x.shadow = g_malloc0(2 * BENCH_MIB);
        card_bench_part(b, &spec, 0, 1);
        b->m->jitter_ps = 30 * US;
        mix_run(&x, 1500, encrypted);
        assert_true(x.done > 500);
        assert_true(b->app->detach(b->card, "x", false, NULL));
        assert_true(b->app->partition_delete(b->card, "x", NULL));
        fake_ctrl(0)->on_done = NULL;
        g_free(x.shadow);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_flush),
        T(test_flush_all),
        T(test_fua),
        T(test_drive_errors),
        T(test_verify),
        T(test_deallocate),
        T(test_deallocate_all),
        T(test_format),
        T(test_format_refused),
        T(test_format_among_io),
        T(test_format_twice),
        T(test_format_after_admission),
        T(test_format_reset),
        T(test_format_crash),
        T(test_format_no_flash),
        T(test_format_drive_error),
        T(test_format_flash_error),
        T(test_refusals),
        T(test_random_mix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
