/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_gate.cpp: a model that has nothing to do costs nothing, and the
 * caller's timer can trust models_next_ps().
 */
#include <cstdarg>
#include <cstddef>
#include <csetjmp>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

#include <algorithm>
#include <cstdio>

#include "workload.h"

constexpr unsigned kConfigs = 8;
constexpr unsigned kMixes = 40;

static std::vector<TwinConfig> configs;
static std::vector<ModelCard *> models;
static uint64_t seed;

static uint64_t all_events()
{
    uint64_t events = 0;

    for (const ModelCard *model : models) {
        events += model->counter("events");
    }
    return events;
}

static void expect_idle()
{
    uint64_t before = all_events();

    assert_true(models_next_ps() == MODEL_PS_NEVER);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(models_advance(models_now_ps() + 1000000000));
    }
    assert_true(all_events() == before);
}

static void test_new_cards_idle(void **state)
{
    expect_idle();
    assert_int_equal(all_events(), 0);
}

/* Far fewer events than cycles; their number follows the work. */
static void test_events_follow_work(void **state)
{
    Random random(seed);
    uint64_t start_ps = models_now_ps(), before = all_events(), ends = 0;

    for (unsigned i = 0; i < kConfigs; i++) {
        for (unsigned m = 0; m < kMixes; m++) {
            Mix mix = random_mix(random, configs[i], 40);
            Log log;

            models[i]->run(mix, &log);
            ends += log.size();
        }
    }
    uint64_t cycles = (models_now_ps() - start_ps) / kCyclePs;
    uint64_t events = all_events() - before;

    printf("%llu cycles, %llu events, %llu ends\n",
           static_cast<unsigned long long>(cycles),
           static_cast<unsigned long long>(events),
           static_cast<unsigned long long>(ends));
    assert_true(events < cycles / 10);
    assert_true(events < ends * 20);
    /* Programs and credits of the last mix come to rest, then nothing. */
    models_advance(models_now_ps() + 1000000000);
    expect_idle();
}

/* No end comes before the bound; the bound never falls while nothing is
 * submitted; each advance to it makes progress. */
static unsigned follow_bounds(ModelCard *model, const Mix &mix, Log *log)
{
    unsigned advances = 0;

    model->begin(&mix, log);
    model->submit_due();
    while (model->next_submit_ps() != MODEL_PS_NEVER ||
           card_model_in_flight(model->model)) {
        uint64_t bound_ps = models_next_ps();
        uint64_t submit_ps = model->next_submit_ps();
        size_t ends = log->size();

        assert_true(bound_ps > models_now_ps());
        if (submit_ps <= bound_ps) {
            models_advance(submit_ps);
            model->submit_due();
            continue;
        }
        models_advance(bound_ps - 1);
        assert_int_equal(log->size(), ends);
        assert_true(models_next_ps() >= bound_ps);
        models_advance(bound_ps);
        assert_true(models_next_ps() > models_now_ps());
        advances++;
    }
    return advances;
}

static void test_bounds(void **state)
{
    Random random(seed + 1);
    unsigned long advances = 0, ends = 0;

    for (unsigned i = 0; i < kConfigs; i++) {
        for (unsigned m = 0; m < kMixes; m++) {
            Mix mix = random_mix(random, configs[i], random.range(1, 60));
            Log log;

            advances += follow_bounds(models[i], mix, &log);
            ends += log.size();
        }
    }
    printf("%lu wake-ups for %lu ends\n", advances, ends);
    assert_true(advances < 4 * ends);
}

/* What the bound is for: one operation alone needs few wake-ups. */
static void test_single_operations(void **state)
{
    Random random(seed + 2);
    unsigned long advances = 0, ends = 0;

    for (unsigned m = 0; m < 400; m++) {
        Mix mix = random_mix(random, configs[0], 1);
        Log log;

        mix[0].cancel = false;
        mix[0].op.bytes = std::min(mix[0].op.bytes, 512u);
        advances += follow_bounds(models[0], mix, &log);
        ends += log.size();
        models_advance(models_now_ps() + 100000000);
    }
    printf("%lu wake-ups for %lu single ends\n", advances, ends);
    assert_int_equal(ends, 400);
    assert_true(advances < 2 * ends);
}

/* Time that has passed cannot be asked for again. */
static void test_no_way_back(void **state)
{
    uint64_t now_ps = models_now_ps();

    assert_true(models_advance(now_ps - 1));
    assert_true(models_now_ps() == now_ps);
    assert_true(models_advance(now_ps));
    assert_true(models_now_ps() == now_ps);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_cards_idle),
        cmocka_unit_test(test_events_follow_work),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_single_operations),
        cmocka_unit_test(test_no_way_back),
    };

    seed = test_seed(99);
    Random random(seed);

    for (unsigned i = 0; i < kConfigs; i++) {
        configs.push_back(i ? random_config(random) : tight_config());
        models.push_back(new ModelCard("gate", configs[i]));
    }
    return cmocka_run_group_tests(tests, nullptr, nullptr) != 0;
}
