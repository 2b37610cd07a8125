/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_nic.cpp: the NIC's pipelines and MAC to the picosecond, the order of
 * ends, and the bounds that lockstep stands on.
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
#include <cstdlib>
#include <map>

#include "workload.h"

constexpr unsigned kConfigs = 12;

/* A card with what it was asked and what ended. */
struct Card {
    TwinConfig config;
    CardModel *model;
    std::map<uint64_t, std::pair<ModelOp, uint64_t>> out; /* op, submitted */
    std::vector<std::pair<ModelOp, uint64_t>> ends;
    bool chain;       /* what leaves NIC_TX goes to the MAC */
    unsigned to_read; /* packets that a finished read still starts */
    uint64_t next_tag;
};

static std::vector<Card *> cards;
static Card *shipped[2]; /* gen3x8, gen4x16 */
static uint64_t seed;

static void submit(Card *card, ModelOp op)
{
    op.tag = card->next_tag++;
    card->out[op.tag] = { op, models_now_ps() };
    assert_true(card_model_submit(card->model, &op));
}

static ModelOp make(uint8_t kind, uint32_t bytes, uint16_t fn = 0)
{
    ModelOp op = {};

    op.kind = kind;
    op.bytes = bytes;
    op.fn = fn;
    op.addr = uint64_t(1) << 40;
    if (kind >= MODEL_NIC_TX) {
        op.addr = 0;
    }
    return op;
}

/* No operation is ever faster than the bound for its size, nor for less. */
static void on_done(void *opaque, uint64_t tag, uint64_t at_ps)
{
    Card *card = static_cast<Card *>(opaque);
    ModelOp op = card->out.at(tag).first;
    ModelOpKind kind = static_cast<ModelOpKind>(op.kind);
    uint64_t took_ps = at_ps - card->out.at(tag).second;

    if (took_ps < card_model_min_ps(card->model, kind, op.bytes)) {
        fail_msg("kind %u, %u bytes: done after %llu ps", op.kind, op.bytes,
                 static_cast<unsigned long long>(took_ps));
    }
    card->out.erase(tag);
    card->ends.push_back({ op, at_ps });
    if (card->chain && op.kind == MODEL_NIC_TX) {
        submit(card, make(MODEL_MAC_TX, op.bytes, op.fn));
    }
    if (card->chain && op.kind == MODEL_DMA_READ) {
        submit(card, make(MODEL_NIC_TX, op.bytes, op.fn));
        if (card->to_read) {
            card->to_read--;
            submit(card, make(MODEL_DMA_READ, op.bytes, op.fn));
        }
    }
}

static Card *new_card(const char *name, const char *card_profile,
                      const std::vector<std::string> &drives)
{
    std::vector<const char *> list;
    Card *card = new Card();
    char *err = nullptr;

    for (const std::string &drive : drives) {
        list.push_back(drive.c_str());
    }
    card->model = card_model_new(name, card_profile, list.data(),
                                 static_cast<unsigned>(list.size()), 1, on_done,
                                 card, &err);
    if (!card->model) {
        fprintf(stderr, "%s\n", err);
        exit(99);
    }
    return card;
}

static Card *twin_card(const TwinConfig &config)
{
    std::string profile = temporary_profile(twin_card_profile(config));
    std::vector<std::string> drives;

    for (const TwinDriveConfig &drive : config.drives) {
        drives.push_back(temporary_profile(twin_drive_profile(drive)));
    }
    Card *card = new_card("nic", profile.c_str(), drives);

    card->config = config;
    remove(profile.c_str());
    for (const std::string &drive : drives) {
        remove(drive.c_str());
    }
    return card;
}

static void drain(Card *card)
{
    while (card_model_in_flight(card->model)) {
        assert_true(models_advance(models_next_ps()));
    }
    /* Credits and programs come to rest. */
    models_advance(models_now_ps() + 1000000000000u);
}

static uint64_t counter(const Card *card, const char *name)
{
    const char *unit, *found;
    uint64_t value;

    for (unsigned i = 0;
         (found = card_model_counter(card->model, i, &unit, &value)); i++) {
        if (std::string(found) == name) {
            return value;
        }
    }
    fail_msg("no counter %s", name);
    return 0;
}

/* 10 packets at once: one enters every 200 ns, each is through in 70 ns. */
static void test_pipeline(void **state)
{
    Card *card = cards[0];
    uint64_t start_ps = models_now_ps();
    const uint8_t kinds[] = { MODEL_NIC_TX, MODEL_NIC_RX };
    const uint64_t packet_ps[] = { 200000, 150000 };
    const uint64_t latency_ps[] = { 70000, 90000 };

    for (unsigned k = 0; k < 2; k++) {
        card->ends.clear();
        for (unsigned i = 0; i < 10; i++) {
            submit(card, make(kinds[k], 64));
        }
        drain(card);
        for (unsigned i = 0; i < 10; i++) {
            assert_int_equal(card->ends[i].second - start_ps,
                             i * packet_ps[k] + latency_ps[k]);
        }
        start_ps = models_now_ps();
    }
    /* 1000 bytes take longer than a packet's least time; then the next. */
    card->ends.clear();
    submit(card, make(MODEL_NIC_TX, 1000));
    submit(card, make(MODEL_NIC_TX, 64));
    submit(card, make(MODEL_NIC_RX, 64));
    drain(card);
    assert_int_equal(card->ends[0].second - start_ps, 70000);
    assert_int_equal(card->ends[1].second - start_ps, 90000); /* RX */
    assert_int_equal(card->ends[2].second - start_ps, 1070000);
    assert_int_equal(counter(card, "nic_tx_packets"), 12);
    assert_int_equal(counter(card, "nic_rx_packets"), 11);
    assert_int_equal(counter(card, "nic_tx_data"), 11 * 64 + 1000);
    assert_int_equal(counter(card, "nic_tx_busy"), 11 * 200000 + 1000000);
    assert_int_equal(counter(card, "nic_rx_busy"), 11 * 150000);
}

/* The last bit leaves after preamble, frame, FCS and gap: 24 bytes more. */
static void test_mac(void **state)
{
    static const uint64_t byte_ps[] = { 320, 80 };

    for (unsigned i = 0; i < 2; i++) {
        Card *card = shipped[i];
        uint64_t start_ps = models_now_ps();

        card->ends.clear();
        submit(card, make(MODEL_MAC_TX, 1514));
        submit(card, make(MODEL_MAC_TX, 60, 1));
        submit(card, make(MODEL_MAC_TX, 42, 2)); /* padded */
        submit(card, make(MODEL_MAC_TX, 9600, 3));
        drain(card);
        assert_int_equal(card->ends[0].second - start_ps, 1538 * byte_ps[i]);
        assert_int_equal(card->ends[1].second - start_ps,
                         (1538 + 84) * byte_ps[i]);
        assert_int_equal(card->ends[2].second - start_ps,
                         (1538 + 84 + 84) * byte_ps[i]);
        assert_int_equal(card->ends[3].second - start_ps,
                         (1538 + 84 + 84 + 9624) * byte_ps[i]);
        assert_int_equal(counter(card, "mac_tx_frames"), 4);
        assert_int_equal(counter(card, "mac_tx_data"), 1514 + 60 + 42 + 9600);
        assert_int_equal(counter(card, "mac_tx_busy"),
                         (1538 + 84 + 84 + 9624) * byte_ps[i]);
    }
}

/* Packets from host memory fill the port: the MAC never rests, whatever the
 * size of the frames. */
static void test_line_rate(void **state)
{
    static const uint64_t byte_ps[] = { 320, 80 };
    constexpr unsigned kFrames = 4000, kRampUp = 500;

    for (unsigned i = 0; i < 2; i++) {
        for (uint32_t bytes : { 60u, 124u, 508u, 1514u }) {
            Card *card = shipped[i];
            uint64_t frames = 0, start_ps = 0, end_ps = 0;

            card->ends.clear();
            card->chain = true;
            card->to_read = kFrames - 128;
            for (unsigned n = 0; n < 128; n++) {
                submit(card, make(MODEL_DMA_READ, bytes));
            }
            drain(card);
            card->chain = false;
            for (const auto &end : card->ends) {
                if (end.first.kind != MODEL_MAC_TX) {
                    continue;
                }
                if (++frames == kRampUp) {
                    start_ps = end.second;
                }
                end_ps = end.second;
            }
            assert_int_equal(frames, kFrames);
            assert_int_equal(end_ps - start_ps,
                             (kFrames - kRampUp) * (bytes + 24) * byte_ps[i]);
        }
    }
}

static bool in_order_kind(unsigned kind)
{
    return kind <= MODEL_CONTROLLER || kind >= MODEL_NIC_TX;
}

/* Random load of all kinds; on_done() checks the bound of each. */
static void test_order_and_least_times(void **state)
{
    Random random(seed);
    unsigned long ends = 0;

    for (Card *card : cards) {
        std::map<unsigned, uint64_t> last;

        card->ends.clear();
        for (unsigned m = 0; m < 40; m++) {
            unsigned spread = random.pick({ 1u, 100000u, 2000000u });

            for (const Step &step : random_mix(random, card->config, 40)) {
                models_advance(models_now_ps() + random.below(spread));
                submit(card, step.op);
            }
            if (random.chance(30)) {
                card_model_cancel(card->model,
                                  static_cast<uint16_t>(random.below(4)));
            }
            if (random.chance(50)) {
                drain(card);
            }
        }
        drain(card);
        for (const auto &end : card->ends) {
            unsigned kind = end.first.kind;
            unsigned flow = kind * 256 + end.first.fn;

            assert_true(!in_order_kind(kind) || end.first.tag >= last[flow]);
            last[flow] = end.first.tag;
        }
        ends += card->ends.size();
    }
    printf("%lu ends\n", ends);
    assert_true(ends > 10000);
}

/* More bytes never take less; what would be refused has no bound. */
static void test_least_times_grow(void **state)
{
    for (Card *card : cards) {
        for (unsigned k = 0; k < MODEL_OP_KINDS; k++) {
            ModelOpKind kind = static_cast<ModelOpKind>(k);
            uint64_t least_ps = card_model_min_ps(card->model, kind, 0);

            assert_true(least_ps > 0);
            for (uint32_t bytes = 1; bytes <= MODEL_MAX_OP_BYTES; bytes *= 2) {
                uint64_t now_ps = card_model_min_ps(card->model, kind, bytes);

                assert_true(now_ps >= least_ps);
                least_ps = now_ps;
            }
            assert_int_equal(
                card_model_min_ps(card->model, kind, MODEL_MAX_OP_BYTES + 1),
                0);
        }
    }
    assert_int_equal(card_model_min_ps(cards[0]->model, MODEL_OP_KINDS, 64), 0);
    assert_int_equal(card_model_min_ps(shipped[0]->model, MODEL_DRIVE_READ, 64),
                     0);
}

/* On an idle card the bound is at most 20 % less than the time it takes. */
static void test_least_times_tight(void **state)
{
    const ModelOp ops[] = {
        make(MODEL_MMIO_WRITE, 4), make(MODEL_MMIO_WRITE, 64),
        make(MODEL_DMA_READ, 64),  make(MODEL_DMA_WRITE, 64),
        make(MODEL_NIC_TX, 64),    make(MODEL_NIC_TX, 1514),
        make(MODEL_NIC_RX, 64),    make(MODEL_MAC_TX, 60),
        make(MODEL_MAC_TX, 1514),
    };

    for (Card *card : shipped) {
        for (const ModelOp &op : ops) {
            ModelOpKind kind = static_cast<ModelOpKind>(op.kind);
            uint64_t start_ps = models_now_ps();

            card->ends.clear();
            submit(card, op);
            drain(card);
            uint64_t took_ps = card->ends[0].second - start_ps;
            uint64_t least_ps = card_model_min_ps(card->model, kind, op.bytes);

            assert_true(least_ps <= took_ps);
            assert_true(least_ps * 10 >= took_ps * 8);
        }
    }
}

/* Packets through pipeline and MAC: no frame leaves before any bound that
 * was given since the caller last acted. */
static void test_egress_bound(void **state)
{
    Random random(seed + 1);
    unsigned exact = 0, checked = 0;

    for (Card *card : cards) {
        uint64_t bound_ps = 0;

        card->chain = true;
        assert_true(card_model_egress_bound_ps(card->model) == MODEL_PS_NEVER);
        for (unsigned i = 0; i < 600; i++) {
            size_t before = card->ends.size();
            uint64_t next_ps = models_next_ps();

            if (next_ps == MODEL_PS_NEVER || random.chance(25)) {
                uint64_t to_ps = models_now_ps() + random.below(400000);

                models_advance(std::min(to_ps, next_ps));
                submit(card, make(random.pick({ uint8_t(MODEL_NIC_TX),
                                                uint8_t(MODEL_NIC_TX),
                                                uint8_t(MODEL_MAC_TX),
                                                uint8_t(MODEL_NIC_RX) }),
                                  random.range(1, 1600),
                                  static_cast<uint16_t>(random.below(3))));
                if (random.chance(5)) {
                    card_model_cancel(card->model,
                                      static_cast<uint16_t>(random.below(3)));
                }
                bound_ps = 0;
            } else {
                models_advance(next_ps);
            }
            for (size_t n = before; n < card->ends.size(); n++) {
                if (card->ends[n].first.kind == MODEL_MAC_TX) {
                    assert_true(card->ends[n].second >= bound_ps);
                    exact += card->ends[n].second == bound_ps;
                    checked++;
                    bound_ps = 0;
                }
            }
            uint64_t new_ps = card_model_egress_bound_ps(card->model);

            assert_true(new_ps > models_now_ps());
            if (new_ps != MODEL_PS_NEVER) {
                bound_ps = std::max(bound_ps, new_ps);
            }
        }
        drain(card);
        card->chain = false;
        assert_true(card_model_egress_bound_ps(card->model) == MODEL_PS_NEVER);
    }
    printf("%u frames, bound exact for %u\n", checked, exact);
    assert_true(checked > 1000);
    assert_true(exact * 2 > checked);
}

/* The formula of the header: the caller acts next at @act_ps, and every frame
 * passes NIC_TX, then the MAC. */
static uint64_t lookahead_ps(const Card *card, uint64_t act_ps)
{
    uint64_t next_ps = std::min(act_ps, models_next_ps());
    uint64_t least_ps = card_model_min_ps(card->model, MODEL_NIC_TX, 60) +
                        card_model_min_ps(card->model, MODEL_MAC_TX, 60);

    return std::min(card_model_egress_bound_ps(card->model),
                    next_ps + least_ps);
}

/* Packets read from host memory and sent, beside other work: no frame leaves
 * before any bound that was ever given. */
static void test_lookahead(void **state)
{
    Random random(seed + 2);
    unsigned frames = 0, bounds = 0;

    for (Card *card : cards) {
        uint64_t act_ps = models_now_ps(), bound_ps = 0;

        card->chain = true;
        card->ends.clear();
        while (card->ends.size() < 1500) {
            uint64_t next_ps = std::min(act_ps, models_next_ps());
            size_t before = card->ends.size();

            models_advance(next_ps);
            if (next_ps == act_ps) {
                uint8_t kind = random.pick(
                    { uint8_t(MODEL_DMA_READ), uint8_t(MODEL_DMA_READ),
                      uint8_t(MODEL_NIC_TX), uint8_t(MODEL_NIC_RX),
                      uint8_t(MODEL_CRYPTO), uint8_t(MODEL_DMA_WRITE) });

                submit(card, make(kind, random.range(60, 1600),
                                  static_cast<uint16_t>(random.below(3))));
                act_ps += random.below(random.pick({ 100u, 3000000u })) + 1;
            }
            for (size_t n = before; n < card->ends.size(); n++) {
                if (card->ends[n].first.kind == MODEL_MAC_TX) {
                    assert_true(card->ends[n].second >= bound_ps);
                    frames++;
                }
            }
            uint64_t new_ps = lookahead_ps(card, act_ps);

            assert_true(new_ps > models_now_ps());
            bounds += new_ps > bound_ps;
            bound_ps = std::max(bound_ps, new_ps);
        }
        drain(card);
        card->chain = false;
    }
    printf("%u frames, %u bounds\n", frames, bounds);
    assert_true(frames > 1000);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipeline),
        cmocka_unit_test(test_mac),
        cmocka_unit_test(test_line_rate),
        cmocka_unit_test(test_order_and_least_times),
        cmocka_unit_test(test_least_times_grow),
        cmocka_unit_test(test_least_times_tight),
        cmocka_unit_test(test_egress_bound),
        cmocka_unit_test(test_lookahead),
    };

    seed = test_seed(2025);
    Random random(seed);

    for (unsigned i = 0; i < kConfigs; i++) {
        cards.push_back(twin_card(i ? random_config(random) : tight_config()));
    }
    shipped[0] = new_card("gen3x8", PROFILE_DIR "/card-gen3x8.profile", {});
    shipped[1] = new_card("gen4x16", PROFILE_DIR "/card-gen4x16.profile", {});
    return cmocka_run_group_tests(tests, nullptr, nullptr) != 0;
}
