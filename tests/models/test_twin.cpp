/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_twin.cpp: the models finish every operation in the same cycle, and in
 * the same order, as a naive twin that ticks every cycle.
 */
#include <cstdarg>
#include <cstddef>
#include <csetjmp>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

#include <cstdio>

#include "workload.h"

constexpr unsigned kConfigs = 24;
constexpr unsigned kMixes = 100; /* of each configuration */

struct Pair {
    TwinConfig config;
    ModelCard *model;
    Twin *twin;
};

static std::vector<Pair> pairs;
static uint64_t seed;

static void build_pairs()
{
    Random random(seed);

    for (unsigned i = 0; i < kConfigs; i++) {
        Pair pair = { random_config(random), nullptr, nullptr };

        pair.model = new ModelCard("twin" + std::to_string(i), pair.config);
        pairs.push_back(pair);
    }
}

/* Background work of one mix (programs, credits) goes on into the next, so
 * both sides must rest equally long between two. */
static void run_both(Pair *pair, const Mix &mix, Log *model, Log *twin)
{
    uint64_t start_ps = models_now_ps();
    uint64_t start = pair->twin ? pair->twin->cycle() : 0;

    pair->model->run(mix, model);
    run_twin(&pair->twin, pair->config, mix, twin);
    while (models_now_ps() - start_ps <
           (pair->twin->cycle() - start) * kCyclePs) {
        models_advance(start_ps + (pair->twin->cycle() - start) * kCyclePs);
    }
    while ((pair->twin->cycle() - start) * kCyclePs <
           models_now_ps() - start_ps) {
        pair->twin->tick();
    }
}

static void test_same_cycles(void **state)
{
    Random random(seed ^ 1);
    unsigned long ends = 0;

    /* One configuration after the other: time goes on for all cards, and
     * only the twin in hand ticks. */
    for (unsigned i = 0; i < kConfigs; i++) {
        for (unsigned m = 0; m < kMixes; m++) {
            Mix mix = random_mix(random, pairs[i].config, random.range(5, 60));
            Log model, twin;

            run_both(&pairs[i], mix, &model, &twin);
            std::string difference = log_difference(model, twin);

            if (!difference.empty()) {
                fail_msg("configuration %u, mix %u: %s", i, m,
                         difference.c_str());
            }
            ends += model.size();
        }
    }
    printf("%u mixes, %lu ends\n", kMixes * kConfigs, ends);
}

/* The mixes were hard enough: everything that can run out has run out. */
static void test_contention_happened(void **state)
{
    static const char *const names[] = {
        "pcie_up_stalls", "pcie_down_stalls", "flash_erases",
        "flash_copies",   "cancelled",        "write_buffer_stalls",
        "drive_flushes",  "drive_discards",   "mmio_writes",
        "nic_tx_packets", "nic_rx_packets",   "mac_tx_frames",
    };

    for (const char *name : names) {
        uint64_t sum = 0;

        for (const Pair &pair : pairs) {
            sum += pair.model->counter(name);
        }
        printf("%s %llu\n", name, static_cast<unsigned long long>(sum));
        assert_true(sum > 100);
    }
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_cycles),
        cmocka_unit_test(test_contention_happened),
    };

    seed = test_seed(20240601);
    build_pairs();
    bool failed = cmocka_run_group_tests(tests, nullptr, nullptr) != 0;

    for (Pair &pair : pairs) {
        delete pair.twin;
    }
    return failed;
}
