/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_rules.cpp: order, cancelling, limits and malformed operations.
 */
#include <cstdarg>
#include <cstddef>
#include <csetjmp>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

#include <cstdio>
#include <cstdlib>

#include "workload.h"

static std::vector<std::pair<uint64_t, uint64_t>> ends; /* tag, instant */
static CardModel *card, *second;
static bool resubmit;

static void on_done(void *opaque, uint64_t tag, uint64_t at_ps)
{
    assert_true(at_ps == models_now_ps());
    ends.push_back({ tag, at_ps });
    if (resubmit) {
        ModelOp op = {};

        resubmit = false;
        op.tag = tag + 1;
        op.kind = MODEL_CONTROLLER;
        assert_true(card_model_submit(second, &op));
    }
}

static CardModel *new_card(const char *name)
{
    const char *drives[] = { PROFILE_DIR "/drive-tlc.profile",
                             PROFILE_DIR "/drive-fast.profile" };
    char *err = nullptr;
    CardModel *m = card_model_new(name, PROFILE_DIR "/card-gen3x8.profile",
                                  drives, 2, 1, on_done, nullptr, &err);

    if (!m) {
        fprintf(stderr, "%s\n", err);
        exit(99);
    }
    return m;
}

static ModelOp make(uint8_t kind, uint16_t fn, uint64_t addr, uint32_t bytes,
                    uint64_t tag)
{
    ModelOp op = {};

    op.kind = kind;
    op.fn = fn;
    op.addr = addr;
    op.bytes = bytes;
    op.tag = tag;
    return op;
}

static void submit(const ModelOp &op)
{
    assert_true(card_model_submit(card, &op));
}

static void drain()
{
    while (models_next_ps() != MODEL_PS_NEVER) {
        assert_true(models_advance(models_next_ps()));
    }
    assert_int_equal(card_model_in_flight(card), 0);
    /* Background work too, so that each test starts at rest. */
    models_advance(models_now_ps() + 1000000000000);
}

/* Data, completion entry, interrupt: whatever their sizes and whatever other
 * functions do, a function's writes become visible as submitted. */
static void test_writes_in_order(void **state)
{
    Random random(test_seed(5));
    uint64_t last[4] = {}, next[4] = {};

    ends.clear();
    for (unsigned i = 0; i < 2000; i++) {
        uint16_t fn = static_cast<uint16_t>(random.below(4));
        uint32_t bytes = random.pick({ 4u, 16u, 64u, 4096u, 9000u });

        submit(make(MODEL_DMA_WRITE, fn, 0x100000 + random.below(100000), bytes,
                    uint64_t(fn) << 32 | next[fn]++));
        if (random.chance(20)) {
            submit(make(MODEL_DMA_READ, fn, random.below(100000), 512,
                        UINT64_MAX));
        }
        models_advance(models_now_ps() + random.below(200000));
    }
    drain();
    for (const auto &end : ends) {
        if (end.first != UINT64_MAX) {
            assert_true((end.first & 0xffffffff) == last[end.first >> 32]++);
        }
    }
    for (unsigned fn = 0; fn < 4; fn++) {
        assert_true(last[fn] == next[fn]);
    }
}

/* Ends at one instant: oldest submission first; card after card. */
static void test_same_instant(void **state)
{
    ModelOp op = make(MODEL_CONTROLLER, 0, 0, 0, 0);

    ends.clear();
    for (uint64_t tag = 0; tag < 4; tag++) {
        op.tag = 10 + tag;
        assert_true(card_model_submit(second, &op));
        op.tag = tag;
        submit(op);
    }
    drain();
    assert_int_equal(ends.size(), 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_true(ends[i].second == ends[0].second);
        assert_int_equal(ends[i].first, i < 4 ? i : 6 + i);
    }
}

static void test_submit_from_done(void **state)
{
    ends.clear();
    resubmit = true;
    submit(make(MODEL_CRYPTO, 0, 0, 64, 7));
    drain();
    assert_int_equal(ends.size(), 2);
    assert_int_equal(ends[1].first, 8);
    assert_true(ends[1].second > ends[0].second);
}

/* A reset of one function: none of its ends come, all others do. */
static void test_cancel(void **state)
{
    static const uint8_t kinds[] = {
        MODEL_MMIO_WRITE,  MODEL_DMA_READ,    MODEL_DMA_WRITE,
        MODEL_CONTROLLER,  MODEL_CRYPTO,      MODEL_DRIVE_READ,
        MODEL_DRIVE_WRITE, MODEL_DRIVE_FLUSH, MODEL_DRIVE_DISCARD,
        MODEL_NIC_TX,      MODEL_NIC_RX,      MODEL_MAC_TX,
    };
    unsigned n = 0, before;

    ends.clear();
    for (unsigned round = 0; round < 40; round++) {
        for (uint8_t kind : kinds) {
            bool empty = kind == MODEL_CONTROLLER || kind == MODEL_DRIVE_FLUSH;

            submit(
                make(kind, round % 2, 4096 * n, empty ? 0 : 4096, round % 2));
            n++;
        }
    }
    models_advance(models_now_ps() + 3000000);
    before = static_cast<unsigned>(ends.size());
    unsigned left = card_model_in_flight(card);

    assert_int_equal(before + left, n);
    for (const auto &end : ends) {
        n -= end.first == 1 ? 1 : 0;
    }
    card_model_cancel(card, 1);
    assert_true(card_model_in_flight(card) < left);
    drain();
    for (size_t i = before; i < ends.size(); i++) {
        assert_int_equal(ends[i].first, 0);
    }
    unsigned zeros = 0;

    for (const auto &end : ends) {
        zeros += end.first == 0;
    }
    assert_int_equal(zeros, 20 * sizeof(kinds));
    card_model_cancel(card, UINT16_MAX);
    assert_int_equal(card_model_in_flight(card), 0);
}

static uint64_t time_of_read(bool behind_cancelled)
{
    uint64_t start_ps = models_now_ps();

    ends.clear();
    if (behind_cancelled) {
        submit(make(MODEL_DRIVE_READ, 3, 0, 4096, 1));
        models_advance(start_ps + 20000000);
        card_model_cancel(card, 3);
    } else {
        models_advance(start_ps + 20000000);
    }
    submit(make(MODEL_DRIVE_READ, 2, 4096, 4096, 2));
    drain();
    assert_int_equal(ends.size(), 1);
    return ends[0].second - start_ps;
}

/* What is inside a drive still occupies it. */
static void test_cancelled_work_occupies(void **state)
{
    uint64_t alone_ps = time_of_read(false);
    uint64_t behind_ps = time_of_read(true);

    assert_true(behind_ps > alone_ps + 10000000);
}

static void test_malformed(void **state)
{
    const ModelOp bad[] = {
        make(MODEL_OP_KINDS, 0, 0, 64, 0),
        make(255, 0, 0, 64, 0),
        make(MODEL_DMA_READ, MODEL_MAX_FUNCTIONS, 0, 64, 0),
        make(MODEL_DMA_READ, UINT16_MAX, 0, 64, 0),
        make(MODEL_DMA_READ, 0, 0, 0, 0),
        make(MODEL_DMA_WRITE, 0, 0, 0, 0),
        make(MODEL_MMIO_WRITE, 0, 0, 0, 0),
        make(MODEL_CRYPTO, 0, 0, 0, 0),
        make(MODEL_DRIVE_READ, 0, 0, 0, 0),
        make(MODEL_DRIVE_WRITE, 0, 0, 0, 0),
        make(MODEL_DRIVE_DISCARD, 0, 0, 0, 0),
        make(MODEL_NIC_TX, 0, 0, 0, 0),
        make(MODEL_NIC_RX, 0, 0, 0, 0),
        make(MODEL_MAC_TX, 0, 0, 0, 0),
        make(MODEL_DMA_WRITE, 0, 0, MODEL_MAX_OP_BYTES + 1, 0),
        make(MODEL_DMA_WRITE, 0, 0, UINT32_MAX, 0),
        make(MODEL_DMA_WRITE, 0, UINT64_MAX, 1, 0),
        make(MODEL_DRIVE_READ, 0, UINT64_MAX - 100, 4096, 0),
    };
    ModelOp op = make(MODEL_DRIVE_READ, 0, 0, 4096, 0);

    for (const ModelOp &request : bad) {
        assert_false(card_model_submit(card, &request));
    }
    op.drive = 2;
    assert_false(card_model_submit(card, &op));
    op = make(MODEL_DMA_READ, 0, 0, 64, 0);
    op.drive = 1;
    assert_false(card_model_submit(card, &op));
    assert_int_equal(card_model_in_flight(card), 0);
    assert_true(models_next_ps() == MODEL_PS_NEVER);
}

static void test_largest(void **state)
{
    static const uint8_t kinds[] = {
        MODEL_MMIO_WRITE,  MODEL_DMA_READ,    MODEL_DMA_WRITE,
        MODEL_CONTROLLER,  MODEL_CRYPTO,      MODEL_DRIVE_READ,
        MODEL_DRIVE_WRITE, MODEL_DRIVE_FLUSH, MODEL_DRIVE_DISCARD,
        MODEL_NIC_TX,      MODEL_NIC_RX,      MODEL_MAC_TX,
    };

    ends.clear();
    for (uint8_t kind : kinds) {
        submit(make(kind, MODEL_MAX_FUNCTIONS - 1,
                    UINT64_MAX - 2 * MODEL_MAX_OP_BYTES, MODEL_MAX_OP_BYTES,
                    kind));
    }
    drain();
    assert_int_equal(ends.size(), sizeof(kinds));
}

static void test_table_full(void **state)
{
    ModelOp op = make(MODEL_DRIVE_READ, 1, 0, 4096, 0);

    ends.clear();
    for (unsigned i = 0; i < MODEL_MAX_OPS; i++) {
        op.addr = uint64_t(i) * 4096;
        submit(op);
    }
    assert_false(card_model_submit(card, &op));
    assert_int_equal(card_model_in_flight(card), MODEL_MAX_OPS);
    while (ends.empty()) {
        models_advance(models_next_ps());
    }
    submit(op);
    drain();
    assert_int_equal(ends.size(), MODEL_MAX_OPS + 1);
}

static void test_counters(void **state)
{
    const char *unit;
    uint64_t value;
    unsigned n = 0;

    while (card_model_counter(card, n, &unit, &value)) {
        assert_true(unit != nullptr);
        n++;
    }
    assert_true(n > 25);
}

/* Freed: silent, while the other cards go on. Last, for what it breaks. */
static void test_freed_card(void **state)
{
    ModelOp op = make(MODEL_DRIVE_READ, 0, 0, 4096, 5);

    ends.clear();
    card_model_free(nullptr);
    assert_true(card_model_submit(second, &op));
    submit(op);
    card_model_free(second);
    drain();
    assert_int_equal(ends.size(), 1);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_in_order),
        cmocka_unit_test(test_same_instant),
        cmocka_unit_test(test_submit_from_done),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancelled_work_occupies),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_table_full),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_freed_card),
    };

    card = new_card("card0");
    second = new_card("card1");
    return cmocka_run_group_tests(tests, nullptr, nullptr) != 0;
}
