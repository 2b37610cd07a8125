/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_header.c: the models from C11 alone: the header is clean C, and one
 * 4 KiB read passes through every kind of stage.
 */
#include "card_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define N_STEPS 7

static CardModel *card;
static uint64_t done_ps[N_STEPS];
static unsigned n_done;

static void submit_step(uint64_t step)
{
    static const ModelOp steps[N_STEPS] = {
        { .kind = MODEL_DMA_READ, .addr = 0x1000, .bytes = 64 },
        { .kind = MODEL_CONTROLLER },
        { .kind = MODEL_DRIVE_READ, .addr = 0x2000, .bytes = 4096 },
        { .kind = MODEL_CRYPTO, .bytes = 4096 },
        { .kind = MODEL_DMA_WRITE, .addr = 0x100000000u, .bytes = 4096 },
        { .kind = MODEL_DMA_WRITE, .addr = 0x3000, .bytes = 16 },
        { .kind = MODEL_DMA_WRITE, .addr = 0xfee00000u, .bytes = 4 },
    };
    ModelOp op = steps[step];

    op.tag = step;
    assert_true(card_model_submit(card, &op));
}

static void on_done(void *opaque, uint64_t tag, uint64_t at_ps)
{
    assert_ptr_equal(opaque, &card);
    assert_int_equal(at_ps, models_now_ps());
    assert_int_equal(tag, n_done);
    done_ps[n_done++] = at_ps;
    if (n_done < N_STEPS) {
        submit_step(n_done);
    }
}

static void test_one_read(void **state)
{
    const char *drives[] = { PROFILE_DIR "/drive-fast.profile" };
    char *err = NULL;

    card = card_model_new("card0", PROFILE_DIR "/card-gen3x8.profile", drives,
                          1, 1, on_done, &card, &err);
    assert_null(err);
    assert_non_null(card);
    assert_int_equal(models_next_ps(), MODEL_PS_NEVER);
    submit_step(0);
    assert_int_equal(card_model_in_flight(card), 1);
    while (n_done < N_STEPS) {
        uint64_t next_ps = models_next_ps();

        assert_true(next_ps > models_now_ps());
        assert_true(next_ps != MODEL_PS_NEVER);
        assert_true(models_advance(next_ps));
        assert_int_equal(models_now_ps(), next_ps);
    }
    assert_int_equal(card_model_in_flight(card), 0);
    for (unsigned i = 1; i < N_STEPS; i++) {
        assert_true(done_ps[i] > done_ps[i - 1]);
    }
}

static void test_version(void **state)
{
    assert_memory_equal(models_version(), "SystemC 2.", 10);
}

static void test_late_card(void **state)
{
    char *err = NULL;

    assert_null(card_model_new("late", PROFILE_DIR "/card-gen3x8.profile", NULL,
                               0, 1, on_done, NULL, &err));
    assert_non_null(strstr(err, "before time runs"));
    free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_read),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_late_card),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
