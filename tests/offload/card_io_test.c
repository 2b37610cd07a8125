/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_io_test.c: reads and writes through the card: where they land, that
 * drives see ciphertext only, when they complete. The controller is a fake.
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

static uint8_t data[BENCH_MIB];

static int setup(void **state)
{
    CardBench *b = card_bench_new(4096, 1);

    card_bench_power_on(b, NULL);
    card_bench_fill(data, sizeof(data), 42);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    card_bench_free(*state);
    return 0;
}

static void plain_stripe(CardBench *b, uint32_t stripe_bytes)
{
    const unsigned drives[] = { 1, 0 };
    CardPartitionSpec spec = {
        .name = "plain",
        .bytes = 4 * BENCH_MIB,
        .layout = CARD_LAYOUT_STRIPE,
        .stripe_bytes = stripe_bytes,
        .drives = drives,
        .n_drives = 2,
    };

    card_bench_part(b, &spec, 0, 1);
}

/* ---- where -------------------------------------------------------------- */

static void test_write_read(void **state)
{
    CardBench *b = *state;
    const FakeDone *d;

    card_bench_linear(b, "p0", 0, 4, 0);
    d = fake_do(b, 0, CARD_IO_WRITE, 3, 128, data);
    assert_int_equal(d->status, 0);
    d = fake_do(b, 0, CARD_IO_READ, 3, 128, NULL);
    assert_int_equal(d->status, 0);
    assert_memory_equal(d->data, data, 65536);
    assert_false(card_bench_leaks(b, data, 16, NULL));
    assert_false(card_bench_leaks(b, data + 65536 - 16, 16, NULL));
}

/* Three interfaces over two drives: LBA 0 of each lies elsewhere and the same
 * plaintext gives other ciphertext, at another LBA too. */
static void test_three_tenants(void **state)
{
    CardBench *b = *state;
    const uint8_t *at[4];

    card_bench_linear(b, "p0", 0, 4, 0);
    card_bench_linear(b, "p1", 0, 4, 1);
    card_bench_linear(b, "p2", 1, 4, 2);
    for (unsigned fn = 0; fn < 3; fn++) {
        fake_do(b, fn, CARD_IO_WRITE, 0, 8, data);
    }
    fake_do(b, 0, CARD_IO_WRITE, 8, 8, data);
    at[0] = b->m->drive[0].data;
    at[1] = b->m->drive[0].data + 4 * BENCH_MIB;
    at[2] = b->m->drive[1].data;
    at[3] = b->m->drive[0].data + 4096;
    for (unsigned i = 0; i < 4; i++) {
        assert_memory_not_equal(at[i], data, 512);
        for (unsigned k = 0; k < i; k++) {
            assert_memory_not_equal(at[i], at[k], 512);
        }
    }
}

/* Without encryption the mapping can be seen. */
static void test_stripe_mapping(void **state)
{
    CardBench *b = *state;

    plain_stripe(b, 8192);
    fake_do(b, 0, CARD_IO_WRITE, 8, 72, data); /* 4096 + 36864 */
    /* virtual 4096..8192 is the rest of stripe 0 on drive 1 */
    assert_memory_equal(b->m->drive[1].data + 4096, data, 4096);
    assert_memory_equal(b->m->drive[0].data, data + 4096, 8192);
    assert_memory_equal(b->m->drive[1].data + 8192, data + 12288, 8192);
    assert_memory_equal(b->m->drive[0].data + 8192, data + 20480, 8192);
    assert_memory_equal(b->m->drive[1].data + 16384, data + 28672, 8192);
    assert_int_equal(b->m->drive[0].ops[MOCK_DRIVE_WRITE], 2);
    assert_int_equal(b->m->drive[1].ops[MOCK_DRIVE_WRITE], 3);
    assert_memory_equal(fake_do(b, 0, CARD_IO_READ, 8, 72, NULL)->data, data,
                        36864);
}

/* One request over the seam of two extents. */
static void test_concatenation(void **state)
{
    CardBench *b = *state;
    const unsigned drives[] = { 0, 1 };
    CardPartitionSpec spec = {
        .name = "cat",
        .bytes = 18 * BENCH_MIB,
        .drives = drives,
        .n_drives = 2,
        .lba_format = 1,
    };

    card_bench_part(b, &spec, 0, 1);
    fake_do(b, 0, CARD_IO_WRITE, 4095, 2, data);
    assert_memory_equal(b->m->drive[0].data + BENCH_DRIVE_BYTES - 4096, data,
                        4096);
    assert_memory_equal(b->m->drive[1].data, data + 4096, 4096);
    assert_memory_equal(fake_do(b, 0, CARD_IO_READ, 4095, 2, NULL)->data, data,
                        8192);
}

/* 256 pieces, of which 64 are out at a time. */
static void test_many_pieces(void **state)
{
    CardBench *b = *state;
    const FakeDone *d;

    card_bench_stripe(b, "s", 8, 4096, 0);
    assert_true(
        fake_submit(fake_ctrl(0), CARD_IO_WRITE, 1, 0, 2048, data, NULL) >= 0);
    assert_int_equal(mock_in_flight(b->m), 64);
    mock_run_idle(b->m);
    assert_int_equal(b->m->drive[0].ops[MOCK_DRIVE_WRITE], 128);
    assert_int_equal(b->m->drive[1].ops[MOCK_DRIVE_WRITE], 128);
    d = fake_do(b, 0, CARD_IO_READ, 0, 2048, NULL);
    assert_memory_equal(d->data, data, BENCH_MIB);
    assert_false(card_bench_leaks(b, data + 8192, 16, NULL));
}

/* Blocks beside a written one stay what they were: old data or zeroes. */
static void test_neighbours(void **state)
{
    CardBench *b = *state;
    uint8_t zero[4096] = { 0 };
    const FakeDone *d;

    card_bench_linear(b, "p0", 0, 4, 0);
    fake_do(b, 0, CARD_IO_WRITE, 3, 1, data);
    d = fake_do(b, 0, CARD_IO_READ, 0, 8, NULL);
    assert_memory_equal(d->data, zero, 3 * 512);
    assert_memory_equal(d->data + 3 * 512, data, 512);
    assert_memory_equal(d->data + 4 * 512, zero, 4 * 512);
    fake_do(b, 0, CARD_IO_WRITE, 4, 1, data + 512);
    d = fake_do(b, 0, CARD_IO_READ, 3, 2, NULL);
    assert_memory_equal(d->data, data, 1024);
}

/* A guest's zeroes are data: encrypted, and zeroes again when read. */
static void test_written_zeroes(void **state)
{
    CardBench *b = *state;
    uint8_t zero[4096] = { 0 };

    card_bench_linear(b, "p0", 0, 4, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 8, zero);
    assert_memory_not_equal(b->m->drive[0].data, zero, 512);
    assert_memory_equal(fake_do(b, 0, CARD_IO_READ, 0, 8, NULL)->data, zero,
                        4096);
}

/* ---- when --------------------------------------------------------------- */

static uint64_t took(CardBench *b, CardIoOp op, uint32_t nlb, bool fua)
{
    CardIo io = { .op = op, .nsid = 1, .nlb = nlb, .fua = fua };
    uint64_t from = b->m->now_ps;

    assert_true(fake_submit_io(fake_ctrl(0), &io, data, NULL) >= 0);
    mock_run_idle(b->m);
    assert_int_equal(fake_last(fake_ctrl(0))->status, 0);
    return fake_last(fake_ctrl(0))->at_ps - from;
}

static void delays(CardBench *b)
{
    b->m->delay_ps[MODEL_DRIVE_READ] = 70 * US;
    b->m->delay_ps[MODEL_DRIVE_WRITE] = 11 * US;
    b->m->delay_ps[MODEL_DRIVE_FLUSH] = 500 * US;
    b->m->delay_ps[MODEL_DRIVE_DISCARD] = 30 * US;
    b->m->delay_ps[MODEL_CRYPTO] = 2 * US;
}

static void test_instants_encrypted(void **state)
{
    CardBench *b = *state;

    delays(b);
    card_bench_linear(b, "p0", 0, 4, 0);
    assert_int_equal(took(b, CARD_IO_READ, 8, false), 72 * US);
    assert_int_equal(took(b, CARD_IO_WRITE, 8, false), 13 * US);
    assert_int_equal(took(b, CARD_IO_WRITE, 8, true), 513 * US);
    assert_int_equal(took(b, CARD_IO_FLUSH, 0, false), 500 * US);
    assert_int_equal(took(b, CARD_IO_VERIFY, 8, false), 70 * US);
    assert_int_equal(took(b, CARD_IO_DEALLOCATE, 8, false), 30 * US);
    assert_int_equal(took(b, CARD_IO_WRITE_ZEROES, 8, false), 30 * US);
    assert_int_equal(b->m->model_bytes[MODEL_CRYPTO], 3 * 4096);
}

static void test_instants_plain(void **state)
{
    CardBench *b = *state;

    delays(b);
    plain_stripe(b, 4096);
    assert_int_equal(took(b, CARD_IO_READ, 8, false), 70 * US);
    assert_int_equal(took(b, CARD_IO_WRITE, 16, false), 11 * US);
    assert_int_equal(took(b, CARD_IO_WRITE, 16, true), 511 * US);
    /* 128 pieces: two rounds of 64 */
    assert_int_equal(took(b, CARD_IO_READ, 1024, false), 140 * US);
    assert_int_equal(b->m->model_count[MODEL_CRYPTO], 0);
}

/* In untimed mode everything happens at the same instant, later. */
static void test_untimed(void **state)
{
    CardBench *b = *state;

    mock_delays(b->m, 0);
    card_bench_stripe(b, "s", 8, 4096, 0);
    assert_true(
        fake_submit(fake_ctrl(0), CARD_IO_WRITE, 1, 0, 2048, data, NULL) >= 0);
    assert_int_equal(fake_ctrl(0)->done->len, 0);
    mock_run_idle(b->m);
    assert_int_equal(fake_ctrl(0)->done->len, 1);
    assert_int_equal(b->m->now_ps, 0);
}

/* ---- fan-out ------------------------------------------------------------ */

typedef struct Watch {
    CardBench *b;
    uint64_t early; /* completions before a physical one of theirs */
    uint64_t pieces;
} Watch;

/* Counts physical requests of @slot still out, from the event log. */
static void watch_done(void *opaque, NvmeCtrl *ctrl, const FakeDone *d)
{
    Watch *w = opaque;
    const GArray *ev = w->b->m->events;
    int out = 0;

    for (unsigned i = 0; i < ev->len; i++) {
        const CardEvent *e = &g_array_index(ev, CardEvent, i);

        if (e->fn == ctrl->fn && e->cid == d->slot) {
            out += e->kind == CARD_EV_PHYS_START;
            out -= e->kind == CARD_EV_PHYS_DONE;
            w->pieces += e->kind == CARD_EV_PHYS_DONE;
        }
    }
    w->early += out != 0;
}

static void fan_out_mix(CardBench *b, Watch *w)
{
    uint64_t rng = card_bench_seed(5);

    w->b = b;
    fake_ctrl(0)->on_done = watch_done;
    fake_ctrl(0)->opaque = w;
    b->m->jitter_ps = 100 * US; /* answers in any order */
    for (unsigned i = 0; i < 300; i++) {
        g_array_set_size(b->m->events, 0);
        for (unsigned k = 0; k < 4; k++) {
            uint32_t nlb = mock_random(&rng) % 200 + 1;

            fake_submit(fake_ctrl(0),
                        mock_random(&rng) % 2 ? CARD_IO_READ : CARD_IO_WRITE, 1,
                        mock_random(&rng) % 8192 & ~7ull, nlb, data, NULL);
        }
        mock_run_idle(b->m);
    }
    assert_int_equal(fake_ctrl(0)->done->len, 1200);
}

static void test_never_before_the_last(void **state)
{
    CardBench *b = *state;
    Watch w = { 0 };

    card_bench_stripe(b, "s", 8, 4096, 0);
    fan_out_mix(b, &w);
    assert_int_equal(w.early, 0);
    assert_true(w.pieces > 1200 * 8);
}

/* The control: with the mechanism off the same mix is caught. */
static void test_control_first(void **state)
{
    CardBench *b = card_bench_new(4096, 1);
    Watch w = { 0 };

    b->controls.complete_on_first = true;
    card_bench_power_on(b, NULL);
    card_bench_stripe(b, "s", 8, 4096, 0);
    fan_out_mix(b, &w);
    assert_true(w.early > 1000);
    assert_int_equal(b->m->event_count[CARD_EV_PHYS_START],
                     b->m->event_count[CARD_EV_PHYS_DONE]);
    card_bench_free(b);
}

/* ... a read then returns data of its first piece only; writes are whole. */
static void test_control_first_data(void **state)
{
    CardBench *b = card_bench_new(4096, 1);
    const FakeDone *d;
    uint8_t zero[4096] = { 0 };

    b->controls.complete_on_first = true;
    card_bench_power_on(b, NULL);
    card_bench_stripe(b, "s", 8, 4096, 0);
    assert_int_equal(fake_do(b, 0, CARD_IO_WRITE, 0, 32, data)->status, 0);
    d = fake_do(b, 0, CARD_IO_READ, 0, 8, NULL);
    assert_memory_equal(d->data, data, 4096);
    d = fake_do(b, 0, CARD_IO_READ, 8, 8, NULL);
    assert_memory_equal(d->data, data + 4096, 4096);
    d = fake_do(b, 0, CARD_IO_READ, 0, 16, NULL);
    assert_int_equal(d->status, 0);
    assert_memory_equal(d->data, data, 4096);
    assert_memory_equal(d->data + 4096, zero, 4096);
    card_bench_free(b);
}

static void test_control_plaintext(void **state)
{
    CardBench *b = card_bench_new(4096, 1);

    b->controls.no_encryption = true;
    card_bench_power_on(b, NULL);
    card_bench_linear(b, "p0", 0, 4, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 8, data);
    assert_memory_equal(b->m->drive[0].data, data, 4096);
    assert_false(card_bench_info(b, "p0").encrypted);
    card_bench_free(b);
}

/* The models refuse more than 3 operations: everything still gets done. */
static void test_full_models(void **state)
{
    CardBench *b = *state;
    const FakeDone *d;

    b->m->max_model_ops = 3;
    card_bench_stripe(b, "s", 8, 4096, 0);
    card_bench_linear(b, "p", 0, 4, 1);
    for (unsigned i = 0; i < 8; i++) {
        fake_submit(fake_ctrl(0), CARD_IO_WRITE, 1, i * 128, 128,
                    data + i * 65536, NULL);
        fake_submit(fake_ctrl(1), CARD_IO_WRITE, 1, i * 128, 128,
                    data + i * 65536, NULL);
    }
    mock_run_idle(b->m);
    assert_int_equal(fake_ctrl(0)->done->len, 8);
    assert_int_equal(fake_ctrl(1)->done->len, 8);
    for (unsigned fn = 0; fn < 2; fn++) {
        d = fake_do(b, fn, CARD_IO_READ, 0, 1024, NULL);
        assert_memory_equal(d->data, data, 524288);
    }
}

static void test_stats(void **state)
{
    CardBench *b = *state;
    CardIfStats s;
    CardLimits l;

    card_bench_stripe(b, "s", 8, 4096, 0);
    fake_do(b, 0, CARD_IO_WRITE, 0, 16, data);
    fake_do(b, 0, CARD_IO_READ, 0, 24, NULL);
    fake_do(b, 0, CARD_IO_FLUSH, 0, 0, NULL);
    assert_true(b->app->interface_stats(b->card, 0, &s, &l));
    assert_int_equal(s.write_cmds, 1);
    assert_int_equal(s.write_bytes, 8192);
    assert_int_equal(s.read_cmds, 1);
    assert_int_equal(s.read_bytes, 12288);
    assert_int_equal(s.other_cmds, 1);
    assert_int_equal(s.phys_writes, 2);
    assert_int_equal(s.phys_reads, 3);
    assert_int_equal(s.errors, 0);
    assert_false(b->app->interface_stats(b->card, 9, &s, &l));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_write_read),
        T(test_three_tenants),
        T(test_stripe_mapping),
        T(test_concatenation),
        T(test_many_pieces),
        T(test_neighbours),
        T(test_written_zeroes),
        T(test_instants_encrypted),
        T(test_instants_plain),
        T(test_untimed),
        T(test_never_before_the_last),
        cmocka_unit_test(test_control_first),
        cmocka_unit_test(test_control_first_data),
        cmocka_unit_test(test_control_plaintext),
        T(test_full_models),
        T(test_stats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
