/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_mutation.cpp: the comparison with the twin would notice. One cycle
 * more at one stage of the twin, once or always, or one more of any constant
 * of the models, and the seeded mixes tell the two apart.
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

constexpr unsigned kMixes = 300;

struct Field {
    const char *name;
    unsigned TwinConfig::*card;
    unsigned TwinDriveConfig::*drive;
    unsigned more;
};

#define CARD(name, more)                        \
    {                                           \
#name, &TwinConfig::name, nullptr, more \
    }
#define DRIVE(name, more)                                     \
    {                                                         \
        "drive " #name, nullptr, &TwinDriveConfig::name, more \
    }

/* Every constant of a profile that is not bound to a power of two. */
static const Field fields[] = {
    CARD(framing, 1),
    CARD(dllp, 1),
    CARD(ack_interval, 1),
    CARD(fc_interval, 1),
    CARD(skip_interval_symbols, 1),
    CARD(skip_symbols, 1),
    CARD(up_propagation, 1),
    CARD(down_propagation, 1),
    CARD(host_read, 1),
    CARD(host_write, 1),
    CARD(host_transmit, 1),
    CARD(mmio_accept, 1),
    CARD(posted_headers, 1),
    CARD(posted_units, 1),
    CARD(nonposted_headers, 1),
    CARD(completion_headers, 1),
    CARD(completion_units, 1),
    CARD(mmio_headers, 1),
    CARD(mmio_units, 1),
    CARD(credit_return, 1),
    CARD(card_credit_return, 1),
    CARD(completion_burst, 1),
    CARD(issue, 1),
    CARD(request, 1),
    CARD(dma_complete, 1),
    CARD(tags, 1),
    CARD(contexts, 1),
    CARD(burst, 1),
    CARD(cores, 1),
    CARD(command, 1),
    CARD(command_latency, 1),
    CARD(engines, 1),
    CARD(crypto_clock, 1),
    CARD(crypto_bytes_per_clock, 1),
    CARD(crypto_latency, 1),
    CARD(nic_tx_latency, 1),
    CARD(nic_tx_packet, 1),
    CARD(nic_tx_cycles_per_byte, 1),
    CARD(nic_rx_latency, 1),
    CARD(nic_rx_packet, 1),
    CARD(nic_rx_cycles_per_byte, 1),
    CARD(mac_cycles_per_byte, 1),
    CARD(max_payload, -128u),
    CARD(max_read_request, 256),
    CARD(completion_payload, 64),
    DRIVE(command, 1),
    DRIVE(dispatch, 1),
    DRIVE(read_complete, 1),
    DRIVE(write_complete, 1),
    DRIVE(release, 1),
    DRIVE(read_slots, 1),
    DRIVE(buffer_units, 1),
    DRIVE(discard_command, 1),
    DRIVE(discard_unit, 1),
    DRIVE(discard_unit_bytes, 1),
    DRIVE(channels, 1),
    DRIVE(dies, 1),
    DRIVE(planes, 1),
    DRIVE(page_read, 1),
    DRIVE(page_program, 1),
    DRIVE(block_erase, 1),
    DRIVE(programs_per_block, 1),
    DRIVE(copies_per_1000, 1),
    DRIVE(bus_command, 1),
};

constexpr unsigned kFields = sizeof(fields) / sizeof(fields[0]);

static uint64_t seed;
static std::vector<ModelCard *> mutated_models;
static std::vector<ModelCard *> models_for_stages;

/* Runs mixes until the logs differ; returns after how many, or none. */
static unsigned mixes_until_difference(ModelCard *model, Twin **twin,
                                       uint64_t mix_seed,
                                       TwinStage once = STAGE_NONE)
{
    TwinConfig config = tight_config();
    Random random(mix_seed);

    for (unsigned m = 1; m <= kMixes; m++) {
        Mix mix = random_mix(random, config, 60);
        Log ours, theirs;

        if (once != STAGE_NONE) {
            (*twin)->mutate(once, random.below(20), true);
        }
        model->run(mix, &ours);
        run_twin(twin, config, mix, &theirs);
        if (!log_difference(ours, theirs).empty()) {
            return m;
        }
    }
    return 0;
}

static void test_unmutated_agree(void **state)
{
    Twin *twin = nullptr;

    assert_int_equal(
        mixes_until_difference(models_for_stages[STAGE_NONE], &twin, seed), 0);
    for (unsigned stage = 1; stage < STAGE_COUNT; stage++) {
        assert_true(twin->uses(static_cast<TwinStage>(stage)) > 100);
    }
    delete twin;
}

static void test_model_mutations(void **state)
{
    for (unsigned i = 0; i < kFields; i++) {
        Twin *twin = nullptr;
        unsigned mixes =
            mixes_until_difference(mutated_models[i], &twin, seed + i);

        if (!mixes) {
            fail_msg("%s %+d went unnoticed", fields[i].name,
                     static_cast<int>(fields[i].more));
        }
        delete twin;
    }
    printf("%u constants\n", kFields);
}

/* A twin that has started, so that it can be mutated. */
static Twin *new_twin()
{
    Twin *twin = nullptr;
    Log none;

    run_twin(&twin, tight_config(), Mix(), &none);
    return twin;
}

static void test_twin_mutations(void **state)
{
    for (unsigned s = 1; s < STAGE_COUNT; s++) {
        TwinStage stage = static_cast<TwinStage>(s);
        Twin *twin = new_twin();

        twin->mutate(stage, 0, false);
        if (!mixes_until_difference(models_for_stages[s], &twin, seed + s)) {
            fail_msg("a cycle more at stage %u went unnoticed", s);
        }
        delete twin;
    }
}

/* One cycle at one use in each mix. One that a wait hides entirely moves no
 * end and is none to catch; the first that moves one is caught. */
static void test_single_twin_mutations(void **state)
{
    for (unsigned s = 1; s < STAGE_COUNT; s++) {
        TwinStage stage = static_cast<TwinStage>(s);
        Twin *twin = new_twin();
        unsigned mixes = mixes_until_difference(
            models_for_stages[STAGE_COUNT + s], &twin, seed + s, stage);

        if (!mixes) {
            fail_msg("single cycles at stage %u went unnoticed", s);
        }
        delete twin;
    }
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unmutated_agree),
        cmocka_unit_test(test_model_mutations),
        cmocka_unit_test(test_twin_mutations),
        cmocka_unit_test(test_single_twin_mutations),
    };

    seed = test_seed(77);
    for (const Field &field : fields) {
        TwinConfig config = tight_config();

        if (field.card) {
            config.*field.card += field.more;
        } else {
            config.drives[0].*field.drive += field.more;
        }
        mutated_models.push_back(new ModelCard("mutated", config));
    }
    for (unsigned i = 0; i < 2 * STAGE_COUNT; i++) {
        models_for_stages.push_back(new ModelCard("stage", tight_config()));
    }
    return cmocka_run_group_tests(tests, nullptr, nullptr) != 0;
}
