/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_fault_test.c: faults on purpose, cancelled I/O, namespaces that go
 * away under I/O, and that none of it disturbs another interface.
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
static uint8_t data[BENCH_MIB];
static const uint8_t zero[65536];

static int setup(void **state)
{
    b = card_bench_new(4096, 1);
    card_bench_power_on(b, NULL);
    card_bench_fill(data, sizeof(data), 42);
    card_bench_stripe(b, "s", 4, 4096, 0);
    card_bench_linear(b, "p", 0, 4, 1);
    card_bench_linear(b, "q", 1, 4, 2);
    return 0;
}

static int teardown(void **state)
{
    card_bench_free(b);
    return 0;
}

static void fault(CardFaultKind kind, unsigned drive, uint64_t offset,
                  uint64_t bytes, uint32_t count)
{
    CardFault f = { kind, drive, offset, bytes, count };

    assert_true(b->app->fault_set(b->card, &f, NULL));
}

static uint16_t status_of(unsigned fn, CardIoOp op, uint64_t slba, uint32_t nlb)
{
    return fake_do(b, fn, op, slba, nlb, data)->status;
}

/* ---- errors ------------------------------------------------------------- */

/* One piece of sixteen fails: the whole request does. */
static void test_read_error(void **state)
{
    fake_do(b, 0, CARD_IO_WRITE, 0, 128, data);
    fault(CARD_FAULT_READ_ERROR, 1, 4096 * 3, 512, 0);
    assert_int_equal(status_of(0, CARD_IO_READ, 0, 128), 0x281);
    assert_int_equal(status_of(0, CARD_IO_READ, 0, 56), 0);
    assert_int_equal(status_of(0, CARD_IO_READ, 64, 64), 0);
    assert_int_equal(status_of(0, CARD_IO_VERIFY, 0, 128), 0x281);
    assert_int_equal(status_of(0, CARD_IO_WRITE, 0, 128), 0);
    /* others do not notice */
    assert_int_equal(status_of(2, CARD_IO_READ, 0, 128), 0);
    b->app->fault_clear(b->card, NULL);
    assert_int_equal(status_of(0, CARD_IO_READ, 0, 128), 0);
}

static void test_write_error(void **state)
{
    const FakeDone *d;

    fault(CARD_FAULT_WRITE_ERROR, 0, 4096, 4096, 1);
    assert_int_equal(status_of(0, CARD_IO_WRITE, 0, 32), 0x280);
    /* the pieces beside it have landed, the one has not */
    d = fake_do(b, 0, CARD_IO_READ, 0, 32, NULL);
    assert_memory_equal(d->data, data, 8192);
    assert_memory_equal(d->data + 8192, zero, 4096);
    assert_memory_equal(d->data + 12288, data + 12288, 4096);
    /* it was for once */
    assert_int_equal(status_of(0, CARD_IO_WRITE, 0, 32), 0);
}

static void test_error_counts(void **state)
{
    CardIfStats s;
    CardLimits l;

    fault(CARD_FAULT_READ_ERROR, 0, 0, UINT64_MAX, 3);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(status_of(1, CARD_IO_READ, 0, 8), i < 3 ? 0x281 : 0);
    }
    assert_true(b->app->interface_stats(b->card, 1, &s, &l));
    assert_int_equal(s.errors, 3);
    assert_int_equal(s.read_cmds, 5);
    assert_int_equal(s.read_bytes, 2 * 4096);
}

/* An error stops the rest of a long request. */
static void test_error_ends_early(void **state)
{
    fault(CARD_FAULT_READ_ERROR, 0, 0, 4096, 0);
    assert_int_equal(status_of(0, CARD_IO_READ, 0, 2048), 0x281);
    assert_true(b->m->model_count[MODEL_DRIVE_READ] < 200);
}

static void bad(CardFaultKind kind, unsigned drive, uint64_t offset,
                uint64_t bytes)
{
    CardFault f = { kind, drive, offset, bytes, 0 };
    GError *err = NULL;

    assert_false(b->app->fault_set(b->card, &f, &err));
    assert_int_equal(err->code, CARD_APP_ERROR_INVALID);
    g_error_free(err);
}

static void test_bad_faults(void **state)
{
    bad(CARD_FAULT_READ_ERROR, 2, 0, 1);
    bad(CARD_FAULT_READ_ERROR, 0, BENCH_DRIVE_BYTES, 1);
    bad(CARD_FAULT_READ_ERROR, 0, 0, 0);
    bad(CARD_FAULT_STALL_DRIVE, 2, 0, 0);
    bad(CARD_FAULT_STALL_INTERFACE, 3, 0, 0);
    bad(CARD_FAULT_STALL_INTERFACE, 99, 0, 0);
    bad(99, 0, 0, 1);
    for (unsigned i = 0; i < 64; i++) {
        fault(CARD_FAULT_READ_ERROR, 0, 0, 512, 0);
    }
    bad(CARD_FAULT_READ_ERROR, 0, 0, 512);
}

/* ---- stalls ------------------------------------------------------------- */

static void test_stall_drive(void **state)
{
    uint64_t t;

    fault(CARD_FAULT_STALL_DRIVE, 1, 0, 0, 0);
    fake_submit(fake_ctrl(0), CARD_IO_WRITE, 1, 0, 32, data, NULL);
    fake_submit(fake_ctrl(2), CARD_IO_READ, 1, 0, 8, NULL, NULL);
    assert_int_equal(status_of(1, CARD_IO_WRITE, 0, 8), 0);
    mock_run_until(b->m, 1000 * US);
    assert_int_equal(fake_ctrl(0)->done->len, 0);
    assert_int_equal(fake_ctrl(2)->done->len, 0);
    assert_false(b->app->idle(b->card));
    t = b->m->now_ps;
    b->app->fault_clear(b->card, NULL);
    mock_run_idle(b->m);
    assert_int_equal(fake_last(fake_ctrl(0))->status, 0);
    assert_int_equal(fake_last(fake_ctrl(0))->at_ps, t + US);
    assert_int_equal(fake_last(fake_ctrl(2))->at_ps, t + 2 * US);
    assert_memory_equal(fake_do(b, 0, CARD_IO_READ, 0, 32, NULL)->data, data,
                        16384);
}

static void test_stall_interface(void **state)
{
    fault(CARD_FAULT_STALL_INTERFACE, 1, 0, 0, 0);
    fake_submit(fake_ctrl(1), CARD_IO_WRITE, 1, 0, 8, data, NULL);
    fake_submit(fake_ctrl(1), CARD_IO_FLUSH, 1, 0, 0, NULL, NULL);
    assert_int_equal(status_of(0, CARD_IO_WRITE, 0, 8), 0);
    assert_int_equal(status_of(2, CARD_IO_WRITE, 0, 8), 0);
    assert_int_equal(fake_ctrl(1)->done->len, 0);
    b->app->fault_clear(b->card, NULL);
    mock_run_idle(b->m);
    assert_int_equal(fake_ctrl(1)->done->len, 2);
}

/* Clearing one fault leaves the others, their counts and what they hold. */
static void test_clear_one(void **state)
{
    const CardFault stall = { CARD_FAULT_STALL_DRIVE, 0, 0, 0, 0 };
    const CardFault held = { CARD_FAULT_STALL_INTERFACE, 1, 0, 0, 0 };
    const CardFault rest = { CARD_FAULT_READ_ERROR, 1, 0, UINT64_MAX, 0 };

    fault(CARD_FAULT_STALL_DRIVE, 0, 0, 0, 0);
    fault(CARD_FAULT_STALL_INTERFACE, 1, 0, 0, 0);
    fault(CARD_FAULT_READ_ERROR, 1, 0, UINT64_MAX, 0);
    fault(CARD_FAULT_READ_ERROR, 1, 0, 512, 1);
    fake_submit(fake_ctrl(1), CARD_IO_READ, 1, 0, 8, NULL, NULL);
    /* block 8 begins at offset 0 of drive 1, block 24 at 4096 */
    assert_int_equal(status_of(0, CARD_IO_READ, 24, 8), 0x281);
    b->app->fault_clear(b->card, &rest);
    assert_int_equal(status_of(0, CARD_IO_READ, 24, 8), 0);
    assert_int_equal(status_of(0, CARD_IO_READ, 8, 8), 0x281);
    assert_int_equal(status_of(0, CARD_IO_READ, 8, 8), 0);
    b->app->fault_clear(b->card, &rest); /* not there any more */
    assert_int_equal(fake_ctrl(1)->done->len, 0);
    b->app->fault_clear(b->card, &stall);
    mock_run_idle(b->m);
    assert_int_equal(fake_ctrl(1)->done->len, 0);
    b->app->fault_clear(b->card, &held);
    mock_run_idle(b->m);
    assert_int_equal(fake_last(fake_ctrl(1))->status, 0);
}

/* What was stalled can be given up. */
static void test_stall_reset(void **state)
{
    fault(CARD_FAULT_STALL_DRIVE, 0, 0, 0, 0);
    fault(CARD_FAULT_STALL_INTERFACE, 2, 0, 0, 0);
    for (unsigned i = 0; i < 10; i++) {
        fake_submit(fake_ctrl(1), CARD_IO_READ, 1, 0, 8, NULL, NULL);
        fake_submit(fake_ctrl(2), CARD_IO_READ, 1, 0, 8, NULL, NULL);
    }
    mock_run_idle(b->m);
    nvme_ctrl_reset(fake_ctrl(1), CARD_RESET_FUNCTION);
    nvme_ctrl_reset(fake_ctrl(2), CARD_RESET_FUNCTION);
    assert_true(b->app->idle(b->card));
    b->app->fault_clear(b->card, NULL);
    mock_run_idle(b->m);
    assert_int_equal(fake_ctrl(1)->done->len, 0);
    assert_int_equal(fake_ctrl(2)->done->len, 0);
    assert_int_equal(status_of(1, CARD_IO_READ, 0, 8), 0);
}

/* ---- cancelling --------------------------------------------------------- */

/* At every event of a write: what has not landed by then never lands. */
static void test_cancel(void **state)
{
    bool any_partial = false;

    b->m->jitter_ps = 20 * US;
    for (unsigned n = 0; n < 40; n++) {
        g_autofree uint8_t *before = NULL;
        int slot;

        fake_do(b, 0, CARD_IO_DEALLOCATE, 0, 128, NULL);
        fake_clear(fake_ctrl(0));
        slot = fake_submit(fake_ctrl(0), CARD_IO_WRITE, 1, 0, 128, data, NULL);
        for (unsigned k = 0; k < n && !fake_ctrl(0)->done->len; k++) {
            mock_step(b->m);
        }
        if (fake_ctrl(0)->done->len) {
            break;
        }
        fake_cancel(fake_ctrl(0), slot);
        before = g_memdup2(b->m->drive[0].data, 2 * BENCH_MIB);
        any_partial |= !!memcmp(before, zero, sizeof(zero));
        mock_run_idle(b->m);
        assert_memory_equal(b->m->drive[0].data, before, 2 * BENCH_MIB);
        assert_int_equal(fake_ctrl(0)->done->len, 0);
        /* whoever counts sees the end of each */
        assert_int_equal(b->m->event_count[CARD_EV_PHYS_START],
                         b->m->event_count[CARD_EV_PHYS_DONE]);
    }
    assert_true(any_partial);
}

/* A slot that was cancelled can be used at once; late answers of the models
 * belong to nobody. */
static void test_reuse_after_cancel(void **state)
{
    b->m->delay_ps[MODEL_DRIVE_READ] = 100 * US;
    for (unsigned i = 0; i < 20; i++) {
        int slot = fake_submit(fake_ctrl(1), CARD_IO_READ, 1, 0, 8, NULL, NULL);

        assert_int_equal(slot, 0);
        mock_run_until(b->m, b->m->now_ps + 5 * US);
        fake_cancel(fake_ctrl(1), slot);
    }
    fake_submit(fake_ctrl(1), CARD_IO_READ, 1, 0, 8, NULL, NULL);
    mock_run_idle(b->m);
    assert_int_equal(fake_ctrl(1)->done->len, 1);
    /* Its own 100 + 1 us, not an older one's. */
    assert_int_equal(fake_last(fake_ctrl(1))->at_ps, 201 * US);
}

/* One interface is reset again and again; the others' data and instants are
 * those of a world in which it is not. */
static void test_reset_isolation(void **state)
{
    uint64_t at[2][2] = { { 0 } };

    for (unsigned with = 0; with < 2; with++) {
        uint64_t start = b->m->now_ps;

        for (unsigned i = 0; i < 50; i++) {
            for (unsigned fn = 0; fn < 3; fn++) {
                if (fn != 1 || with) {
                    fake_submit(fake_ctrl(fn), CARD_IO_WRITE, 1, i * 8, 8,
                                data + i * 4096, NULL);
                }
            }
            mock_run_until(b->m, start + i * US / 2);
            if (with) {
                nvme_ctrl_reset(fake_ctrl(1), CARD_RESET_CONTROLLER);
            }
        }
        mock_run_idle(b->m);
        at[with][0] = fake_last(fake_ctrl(0))->at_ps - start;
        at[with][1] = fake_last(fake_ctrl(2))->at_ps - start;
    }
    assert_int_equal(at[0][0], at[1][0]);
    assert_int_equal(at[0][1], at[1][1]);
    assert_int_equal(fake_ctrl(0)->done->len, 100);
    assert_memory_equal(fake_do(b, 2, CARD_IO_READ, 0, 400, NULL)->data, data,
                        50 * 4096);
}

/* ---- namespaces that go away -------------------------------------------- */

static void test_detach_in_flight(void **state)
{
    NvmeCtrl *c = fake_ctrl(1);
    uint8_t before[4096];

    fake_do(b, 1, CARD_IO_WRITE, 0, 8, data);
    fake_clear(c);
    memcpy(before, b->m->drive[0].data + 2 * BENCH_MIB, 4096);
    for (unsigned i = 0; i < 5; i++) {
        fake_submit(c, CARD_IO_WRITE, 1, 0, 8, data + 4096, NULL);
    }
    assert_true(b->app->detach(b->card, "p", false, NULL));
    assert_int_equal(c->done->len, 5);
    assert_int_equal(fake_last(c)->status, 0x400b);
    assert_int_equal(c->ns_changed, 2);
    mock_run_idle(b->m);
    assert_int_equal(c->done->len, 5);
    assert_memory_equal(b->m->drive[0].data + 2 * BENCH_MIB, before, 4096);
    /* The data is still there for who attaches it next. */
    assert_true(b->app->attach(b->card, "p", 1, 1, NULL));
    assert_memory_equal(fake_do(b, 1, CARD_IO_READ, 0, 8, NULL)->data, data,
                        4096);
}

/* Held back by the limits while its namespace goes: no physical I/O. */
static void test_detach_while_waiting(void **state)
{
    const CardLimits slow = { .iops = 10, .burst_ios = 1 };
    NvmeCtrl *c = fake_ctrl(1);
    uint64_t writes;

    assert_true(b->app->set_limits(b->card, 1, &slow, NULL));
    fake_submit(c, CARD_IO_WRITE, 1, 0, 8, data, NULL);
    fake_submit(c, CARD_IO_WRITE, 1, 0, 8, data, NULL);
    fake_submit(c, CARD_IO_WRITE, 1, 0, 8, data, NULL);
    mock_run_until(b->m, 10 * US);
    writes = b->m->model_count[MODEL_DRIVE_WRITE];
    assert_true(b->app->detach(b->card, "p", true, NULL));
    /* Another tenant on the same namespace does not get them either. */
    assert_true(b->app->partition_delete(b->card, "p", NULL));
    card_bench_linear(b, "new", 0, 4, 1);
    mock_run_idle(b->m);
    assert_int_equal(c->done->len, 3);
    assert_int_equal(fake_last(c)->status, 0x400b);
    assert_int_equal(b->m->model_count[MODEL_DRIVE_WRITE], writes);
    assert_memory_equal(fake_do(b, 1, CARD_IO_READ, 0, 8, NULL)->data, zero,
                        4096);
}

/* Shrinking ends what lies beyond, and nothing else. */
static void test_shrink_in_flight(void **state)
{
    NvmeCtrl *c = fake_ctrl(1);

    fake_submit(c, CARD_IO_WRITE, 1, 0, 8, data, NULL);
    fake_submit(c, CARD_IO_WRITE, 1, 6144, 8, data, NULL);
    fake_submit(c, CARD_IO_WRITE, 1, 2044, 8, data, NULL); /* over the edge */
    assert_true(b->app->partition_resize(b->card, "p", BENCH_MIB, NULL));
    assert_int_equal(c->done->len, 2);
    assert_int_equal(fake_last(c)->status, 0x4080);
    mock_run_idle(b->m);
    assert_int_equal(c->done->len, 3);
    assert_int_equal(fake_last(c)->status, 0);
    assert_int_equal(fake_last(c)->slot, 0);
    assert_true(b->app->partition_resize(b->card, "p", 4 * BENCH_MIB, NULL));
    assert_memory_equal(fake_do(b, 1, CARD_IO_READ, 2048, 2048, NULL)->data,
                        zero, 65536);
    assert_memory_equal(fake_do(b, 1, CARD_IO_READ, 6144, 8, NULL)->data, zero,
                        4096);
}

/* ---- suspension --------------------------------------------------------- */

static void test_suspend(void **state)
{
    fake_submit(fake_ctrl(0), CARD_IO_WRITE, 1, 0, 8, data, NULL);
    assert_false(card_suspended(b->card));
    b->app->suspend(b->card);
    assert_true(card_suspended(b->card));
    assert_false(b->app->idle(b->card));
    mock_run_idle(b->m);
    assert_true(b->app->idle(b->card));
    b->app->resume(b->card);
    b->app->resume(b->card);
    assert_false(card_suspended(b->card));
    assert_int_equal(fake_ctrl(0)->resumed, 1);
    assert_int_equal(fake_ctrl(2)->resumed, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_read_error),         T(test_write_error),
        T(test_error_counts),       T(test_error_ends_early),
        T(test_bad_faults),         T(test_clear_one),
        T(test_stall_drive),        T(test_stall_interface),
        T(test_stall_reset),        T(test_cancel),
        T(test_reuse_after_cancel), T(test_reset_isolation),
        T(test_detach_in_flight),   T(test_detach_while_waiting),
        T(test_shrink_in_flight),   T(test_suspend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
