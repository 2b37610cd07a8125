/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_state_test.c: the card's own saved state, with every kind of request
 * under way, at every event.
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

static int setup(void **state)
{
    b = card_bench_new(4096, 1);
    card_bench_power_on(b, NULL);
    card_bench_fill(data, sizeof(data), 42);
    card_bench_stripe(b, "s", 4, 4096, 0);
    card_bench_linear(b, "p", 0, 8, 1);
    card_bench_linear(b, "q", 1, 2, 2);
    return 0;
}

static int teardown(void **state)
{
    card_bench_free(b);
    return 0;
}

/* ---- every kind of request, at every event ------------------------------ */

static void submit(NvmeCtrl *c, uint64_t *rng)
{
    static const CardIoOp ops[] = {
        CARD_IO_READ,       CARD_IO_WRITE, CARD_IO_FLUSH,  CARD_IO_WRITE_ZEROES,
        CARD_IO_DEALLOCATE, CARD_IO_WRITE, CARD_IO_VERIFY, CARD_IO_FORMAT,
    };
    CardIo io = { .op = ops[mock_random(rng) % 8],
                  .nsid = 1,
                  .fua = mock_random(rng) % 2,
                  .slba = mock_random(rng) % 1024,
                  .nlb = mock_random(rng) % 128 + 1 };
    CardNsInfo info;

    if (io.op == CARD_IO_FORMAT && (c->fn == 0 || mock_random(rng) % 8)) {
        return;
    }
    if (io.op == CARD_IO_FLUSH && io.fua) {
        io.nsid = UINT32_MAX;
    }
    if (!card_ns_info(c->card, c->fn, 1, &info)) {
        return;
    }
    io.lba_format = mock_random(rng) % 2;
    io.slba = io.slba % (info.blocks - 128);
    fake_submit_io(c, &io, data, NULL);
}

/* What the control plane does meanwhile. */
static void disturb(CardBench *w, uint64_t *rng)
{
    CardFault f = { .kind = mock_random(rng) % 4,
                    .drive = mock_random(rng) % 2,
                    .offset = mock_random(rng) % BENCH_MIB,
                    .bytes = 65536,
                    .count = mock_random(rng) % 3 };
    CardLimits l = { .iops = mock_random(rng) % 2 * 50000 };

    switch (mock_random(rng) % 10) {
    case 0:
        w->app->rotate_key(w->card, mock_random(rng) % 2 ? "s" : "p", NULL);
        break;
    case 1:
        w->app->fault_set(w->card, &f, NULL);
        break;
    case 2:
    case 3:
        w->app->fault_clear(w->card, NULL);
        break;
    case 4:
        w->app->set_limits(w->card, mock_random(rng) % 3, &l, NULL);
        break;
    case 5:
        w->app->detach(w->card, "q", false, NULL);
        break;
    case 6:
        w->app->attach(w->card, "q", 2, 1, NULL);
        break;
    case 7:
        w->app->suspend(w->card);
        break;
    case 8:
        w->app->resume(w->card);
        break;
    default:
        nvme_ctrl_reset(fake_ctrl(2), CARD_RESET_CONTROLLER);
    }
}

static void select_ctrls(NvmeCtrl **ctrl)
{
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        fake_ctrl_select(fn, ctrl[fn]);
    }
}

static void remember_ctrls(NvmeCtrl **ctrl)
{
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        ctrl[fn] = fake_ctrl(fn);
    }
}

static void same_done(const NvmeCtrl *x, unsigned from, const NvmeCtrl *y)
{
    assert_int_equal(x->done->len - from, y->done->len);
    for (unsigned i = 0; i < y->done->len; i++) {
        const FakeDone *d = &g_array_index(x->done, FakeDone, from + i);
        const FakeDone *e = &g_array_index(y->done, FakeDone, i);

        assert_int_equal(d->slot, e->slot);
        assert_int_equal(d->status, e->status);
        assert_int_equal(d->at_ps, e->at_ps);
        if (d->data && !d->status) {
            assert_memory_equal(d->data, e->data, d->bytes);
        }
    }
}

static void compare_futures(NvmeCtrl **mine)
{
    NvmeCtrl *theirs[BENCH_IFACES];
    unsigned from[BENCH_IFACES];
    CardBench *c = card_bench_clone(b, CARD_LOAD_EXACT);

    remember_ctrls(theirs);
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        from[fn] = mine[fn]->done->len;
    }
    g_array_set_size(b->m->events, 0);
    g_array_set_size(c->m->events, 0);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(mock_step(b->m), mock_step(c->m));
    }
    assert_int_equal(b->m->now_ps, c->m->now_ps);
    assert_int_equal(b->m->events->len, c->m->events->len);
    assert_memory_equal(b->m->events->data, c->m->events->data,
                        b->m->events->len * sizeof(CardEvent));
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        same_done(mine[fn], from[fn], theirs[fn]);
    }
    for (unsigned d = 0; d < BENCH_DRIVES; d++) {
        assert_memory_equal(b->m->drive[d].data, c->m->drive[d].data,
                            BENCH_DRIVE_BYTES);
    }
    card_bench_free(c);
    select_ctrls(mine);
}

static void test_every_event(void **state)
{
    uint64_t rng = card_bench_seed(21);
    NvmeCtrl *mine[BENCH_IFACES];

    remember_ctrls(mine);
    b->m->jitter_ps = 5 * US;
    for (unsigned i = 0; i < 200; i++) {
        unsigned steps = mock_random(&rng) % 6;

        for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
            if (fake_ctrl(fn)->in_flight < 12) {
                submit(fake_ctrl(fn), &rng);
            }
        }
        if (i % 7 == 0) {
            disturb(b, &rng);
        }
        while (steps--) {
            mock_step(b->m);
        }
        compare_futures(mine);
    }
}

/* ... and by live migration: everything ends, once. */
static void test_resubmit(void **state)
{
    uint64_t rng = card_bench_seed(22);

    b->m->jitter_ps = 5 * US;
    for (unsigned i = 0; i < 100; i++) {
        unsigned steps = mock_random(&rng) % 30;
        unsigned in_flight[BENCH_IFACES], done[BENCH_IFACES];
        CardBench *c;

        for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
            for (unsigned k = 0; k < 4 && fake_ctrl(fn)->in_flight < 12; k++) {
                submit(fake_ctrl(fn), &rng);
            }
        }
        while (steps--) {
            mock_step(b->m);
        }
        if (i % 9 == 0) {
            b->app->rotate_key(b->card, "s", NULL);
        }
        for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
            in_flight[fn] = fake_ctrl(fn)->in_flight;
        }
        c = card_bench_clone(b, CARD_LOAD_RESUBMIT);
        card_bench_free(b);
        b = c;
        for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
            assert_int_equal(fake_ctrl(fn)->in_flight, in_flight[fn]);
            done[fn] = fake_ctrl(fn)->done->len;
        }
        if (i % 10 == 0) {
            mock_run_idle(b->m);
            for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
                assert_int_equal(fake_ctrl(fn)->done->len - done[fn],
                                 in_flight[fn]);
            }
        }
    }
}

/* ---- other reasons ------------------------------------------------------ */

static bool unseal_nothing(void *opaque, const char *label, const void *in,
                           size_t sealed_len, void *out)
{
    return false;
}

static void test_no_key(void **state)
{
    g_autoptr(GByteArray) s = card_bench_save(b);
    GError *err = NULL;

    card_bench_kill(b);
    b->m->ops.unseal = unseal_nothing;
    card_bench_power_on(b, NULL);
    assert_false(b->app->load(b->card, s->data, s->len, CARD_LOAD_EXACT, &err));
    assert_int_equal(err->code, CARD_APP_ERROR_KEY);
    g_clear_error(&err);
    assert_false(b->app->load(b->card, s->data, 31, CARD_LOAD_EXACT, &err));
    assert_int_equal(err->code, CARD_APP_ERROR_STATE);
    g_clear_error(&err);
}

/* Also into a card that is not fresh: what it did before is gone. */
static void test_load_over(void **state)
{
    g_autoptr(GByteArray) s = NULL;
    unsigned drive = 1;
    CardPartitionSpec spec = {
        .name = "new", .bytes = BENCH_MIB, .drives = &drive, .n_drives = 1
    };

    fake_do(b, 0, CARD_IO_WRITE, 0, 64, data);
    s = card_bench_save(b);
    assert_true(b->app->partition_create(b->card, &spec, NULL));
    fake_submit(fake_ctrl(0), CARD_IO_WRITE, 1, 0, 8, data + 4096, NULL);
    fake_submit(fake_ctrl(1), CARD_IO_WRITE, 1, 0, 8, data + 4096, NULL);
    b->m->ops.model_cancel(b->m, UINT16_MAX);
    assert_true(b->app->load(b->card, s->data, s->len, CARD_LOAD_EXACT, NULL));
    assert_int_equal(b->app->partition_count(b->card), 3);
    assert_true(b->app->idle(b->card));
    assert_memory_equal(fake_do(b, 0, CARD_IO_READ, 0, 64, NULL)->data, data,
                        32768);
    /* ids are not given twice, not even then */
    assert_true(b->app->partition_create(b->card, &spec, NULL));
    assert_int_equal(card_bench_info(b, "new").id, 5);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_every_event),
        T(test_resubmit),
        T(test_no_key),
        T(test_load_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
