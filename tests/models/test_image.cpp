/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_image.cpp: saving and loading. A mix that is saved and loaded into
 * another card at every event ends on the same picoseconds as one that is
 * not; damaged, foreign and hostile images are refused and change nothing.
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
#include <cstring>

#include "workload.h"

using Image = std::vector<uint8_t>;

constexpr size_t kHeaderBytes = 48;

struct Cards {
    TwinConfig config;
    ModelCard *a, *b;
};

static std::vector<Cards> cards;
static Cards shipped;
static uint64_t seed;

static Image save(const ModelCard &card)
{
    size_t len = 0;
    uint8_t *bytes = static_cast<uint8_t *>(card_model_save(card.model, &len));
    Image image(bytes, bytes + len);

    free(bytes);
    return image;
}

static bool load(ModelCard *card, const Image &image, std::string *err)
{
    char *text = nullptr;
    bool ok = card_model_load(card->model, image.data(), image.size(), &text);

    assert_true(ok == (text == nullptr));
    if (text) {
        *err = text;
        free(text);
    }
    return ok;
}

static void must_load(ModelCard *card, const Image &image)
{
    std::string err;

    if (!load(card, image, &err)) {
        fail_msg("%s", err.c_str());
    }
}

/* Moves what is under way to the other card. */
static void change_cards(ModelCard **now, ModelCard **other)
{
    Image image = save(**now);

    (*other)->take_over(**now);
    must_load(*other, image);
    assert_true(save(**other) == image);
    card_model_cancel((*now)->model, UINT16_MAX);
    std::swap(*now, *other);
}

static uint64_t work_done(const ModelCard &card, const Log &log)
{
    return card.counter("events") + log.size();
}

/* Runs @mix, changing cards after each submission, event and end. */
static unsigned run_with_changes(ModelCard **now, ModelCard **other,
                                 const Mix &mix, Log *log)
{
    unsigned changes = 0;
    uint64_t before;

    (*now)->begin(&mix, log);
    (*now)->submit_due();
    while ((*now)->next_submit_ps() != MODEL_PS_NEVER ||
           card_model_in_flight((*now)->model)) {
        before = work_done(**now, *log);
        models_advance(models_now_ps() + kCyclePs);
        if ((*now)->next_submit_ps() <= models_now_ps()) {
            change_cards(now, other);
            changes++;
            (*now)->submit_due();
            change_cards(now, other);
        } else if (work_done(**now, *log) != before) {
            change_cards(now, other);
            changes++;
        }
    }
    return changes;
}

/* First without, then with changes, from the same state and host time. */
static unsigned compare_runs(Cards *pair, const Mix &mix)
{
    uint64_t start_ps = models_now_ps();
    Image start = save(*pair->a);
    Log plain, changed;
    ModelCard *now = pair->a, *other = pair->b;
    unsigned changes;

    pair->a->run(mix, &plain);
    Image end = save(*pair->a);

    models_set_time(start_ps);
    must_load(pair->a, start);
    changes = run_with_changes(&now, &other, mix, &changed);
    assert_true(save(*now) == end);
    std::string difference = log_difference(plain, changed);

    if (!difference.empty()) {
        fail_msg("%s", difference.c_str());
    }
    /* The next mix starts on a. */
    if (now != pair->a) {
        change_cards(&now, &other);
    }
    return changes;
}

static void test_every_event(void **state)
{
    Random random(seed);
    unsigned changes = 0;

    for (Cards &pair : cards) {
        for (unsigned m = 0; m < 6; m++) {
            Mix mix = random_mix(random, pair.config, random.range(10, 40));

            changes += compare_runs(&pair, mix);
        }
    }
    printf("%u changes of cards\n", changes);
    assert_true(changes > 1000);
}

/* The same with a shipped profile, whose instants are no whole cycles, at
 * random instants. */
static void test_any_instant(void **state)
{
    Random random(seed + 5);
    ModelCard *now = shipped.a, *other = shipped.b;
    unsigned changes = 0;

    for (unsigned m = 0; m < 5; m++) {
        Mix mix = random_mix(random, shipped.config, 60);
        uint64_t start_ps = models_now_ps();
        Image start = save(*now);
        Log plain, changed;

        now->run(mix, &plain);
        models_set_time(start_ps);
        must_load(now, start);
        now->begin(&mix, &changed);
        now->submit_due();
        while (now->next_submit_ps() != MODEL_PS_NEVER ||
               card_model_in_flight(now->model)) {
            uint64_t to_ps = models_now_ps() + 1 + random.below(5000000);

            models_advance(std::min(to_ps, now->next_submit_ps()));
            change_cards(&now, &other);
            now->submit_due();
            changes++;
        }
        assert_string_equal(log_difference(plain, changed).c_str(), "");
    }
    printf("%u changes of cards\n", changes);
}

/* A jump of host time alone keeps what is left of every stage. */
static void test_time_jump(void **state)
{
    Random random(seed + 1);

    for (Cards &pair : cards) {
        Mix mix = random_mix(random, pair.config, 30);
        uint64_t start_ps = models_now_ps();
        Image start = save(*pair.a);
        Log plain, jumped;

        pair.a->run(mix, &plain);
        models_set_time(start_ps);
        must_load(pair.a, start);
        pair.a->begin(&mix, &jumped);
        pair.a->submit_due();
        while (card_model_in_flight(pair.a->model)) {
            uint64_t jump_ps = random.below(1000000) * kCyclePs;
            uint64_t next_ps =
                std::min(models_now_ps() + random.below(300) * kCyclePs,
                         pair.a->next_submit_ps());

            models_advance(next_ps);
            models_set_time(models_now_ps() + jump_ps);
            pair.a->shift(jump_ps);
            pair.a->submit_due();
        }
        pair.a->finish();
        assert_string_equal(log_difference(plain, jumped).c_str(), "");
    }
}

/* A card in the middle of a mix, and its image. */
static Image busy_image(Cards *pair, Random *random, Mix *mix, Log *log)
{
    *mix = random_mix(*random, pair->config, 60);
    for (Step &step : *mix) {
        step.cancel = step.cancel && random->chance(50);
        step.after_op = -1;
        step.after_cycles = random->below(300);
    }
    pair->a->begin(mix, log);
    pair->a->submit_due();
    for (unsigned n = random->range(1, 400); n; n--) {
        models_advance(models_now_ps() + kCyclePs);
        pair->a->submit_due();
    }
    return save(*pair->a);
}

static void expect_refused(ModelCard *card, const Image &image,
                           const Image &before, const char *what)
{
    std::string err;

    if (load(card, image, &err)) {
        fail_msg("accepted: %s", what);
    }
    assert_true(err.find('\n') == std::string::npos);
    assert_true(err.find(what) != std::string::npos);
    assert_true(save(*card) == before);
}

static void test_damaged(void **state)
{
    Random random(seed + 2);
    Mix mix;
    Log log;
    Image image = busy_image(&cards[0], &random, &mix, &log);
    Image before = save(*cards[0].b);

    for (size_t len = 0; len < image.size(); len += 1 + len / 50) {
        expect_refused(
            cards[0].b,
            Image(image.begin(), image.begin() + static_cast<long>(len)),
            before, "state image");
    }
    for (size_t at = 0; at < image.size(); at += 1 + at / 50) {
        Image bad = image;

        bad[at] ^= static_cast<uint8_t>(1 + random.below(255));
        expect_refused(cards[0].b, bad, before, "state image");
    }
    Image longer = image;

    longer.push_back(0);
    expect_refused(cards[0].b, longer, before, "truncated or damaged");
    cards[0].a->finish();
}

static void test_foreign(void **state)
{
    Image image = save(*cards[0].a);
    Image before = save(*cards[1].a), own = save(*cards[0].b);

    expect_refused(cards[1].a, image, before, "other timing profiles");
    image[4] = 99;
    expect_refused(cards[0].b, image, own, "version 99");
    image = save(*cards[0].a);
    image[16] ^= 1;
    expect_refused(cards[0].b, image, own, "another seed");
    image = save(*cards[0].a);
    models_advance(models_now_ps() + 1);
    own = save(*cards[0].b);
    expect_refused(cards[0].b, image, own, "set the time of saving");
}

static void put64(uint8_t *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        bytes[i] = static_cast<uint8_t>(value >> (8 * i));
    }
}

/* The hash hides nothing from an attacker: make it right again. */
static void rehash(Image *image)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = kHeaderBytes; i < image->size(); i++) {
        hash = (hash ^ (*image)[i]) * 0x100000001b3u;
    }
    put64(&(*image)[32], image->size() - kHeaderBytes);
    put64(&(*image)[40], hash);
}

static void mutate(Random *random, Image *image)
{
    static const uint64_t values[] = { 0, 1, 0x7f, 0xff, 0xffff, 0x10000 };

    for (unsigned n = random->range(1, 3); n; n--) {
        size_t at =
            kHeaderBytes +
            random->below(static_cast<unsigned>(image->size() - kHeaderBytes));

        switch (random->below(4)) {
        case 0:
            (*image)[at] ^= static_cast<uint8_t>(1u << random->below(8));
            break;
        case 1:
            (*image)[at] = static_cast<uint8_t>(random->below(256));
            break;
        case 2:
            if (at + 8 <= image->size()) {
                put64(&(*image)[at], values[random->below(6)]);
            }
            break;
        default:
            image->erase(image->begin() + static_cast<long>(at));
            break;
        }
    }
    rehash(image);
}

/* What is accepted must run without harm; what is refused changes nothing. */
static void test_hostile(void **state)
{
    Random random(seed + 3);
    unsigned accepted = 0, refused = 0;
    Mix mix, none;
    Log log, ignored;

    for (unsigned round = 0; round < 30; round++) {
        Cards *pair = &cards[round % cards.size()];
        Image image = busy_image(pair, &random, &mix, &log);
        uint64_t now_ps = models_now_ps();

        pair->b->begin(&none, &ignored);
        for (unsigned n = 0; n < 60; n++) {
            Image bad = image;
            std::string err;

            mutate(&random, &bad);
            if (!load(pair->b, bad, &err)) {
                refused++;
                continue;
            }
            accepted++;
            assert_true(models_advance(now_ps + 3000 * kCyclePs));
            card_model_cancel(pair->b->model, UINT16_MAX);
            models_set_time(now_ps);
            must_load(pair->a, image);
        }
        pair->a->finish();
    }
    printf("%u refused, %u accepted\n", refused, accepted);
    assert_true(refused > 200);
    assert_true(accepted > 20);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_event), cmocka_unit_test(test_any_instant),
        cmocka_unit_test(test_time_jump),   cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_foreign),     cmocka_unit_test(test_hostile),
    };

    seed = test_seed(4711);
    Random random(seed);

    for (unsigned i = 0; i < 6; i++) {
        Cards pair = { i ? random_config(random) : tight_config(), nullptr,
                       nullptr };

        pair.a = new ModelCard("a" + std::to_string(i), pair.config);
        pair.b = new ModelCard("b" + std::to_string(i), pair.config);
        cards.push_back(pair);
    }
    std::vector<std::string> drives = {
        read_text(PROFILE_DIR "/drive-tlc.profile"),
        read_text(PROFILE_DIR "/drive-fast.profile"),
    };
    std::string card = read_text(PROFILE_DIR "/card-gen3x8.profile");

    shipped.config.drives.resize(2);
    shipped.a = new ModelCard("shipped_a", card, drives);
    shipped.b = new ModelCard("shipped_b", card, drives);
    return cmocka_run_group_tests(tests, nullptr, nullptr) != 0;
}
