/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_run.cpp: the experiments: closed loops of so many operations in
 * flight, measured after a warm-up, in integers.
 */
#include "validate.h"

#include <algorithm>
#include <cstdlib>

#include "card_model.h"

namespace {

constexpr uint64_t kDriveBytes = uint64_t(256) << 30;
constexpr uint32_t kDmaDepth = 192;

/* One experiment on one card. */
struct Loop {
    CardModel *model;
    Quantity quantity;
    uint32_t bytes;
    bool write;
    bool sequential;
    uint64_t random; /* state of SplitMix64 */
    uint64_t next_addr;
    uint64_t left; /* operations to start */
    uint64_t ended, warm_up;
    uint64_t start_ps, end_ps, measured;
    std::vector<uint64_t> submitted_ps;
    std::vector<uint64_t> latency_ps;
    std::vector<uint8_t> halves; /* read and write of a pair that ended */
};

uint64_t next_random(Loop *loop)
{
    uint64_t z = loop->random += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t next_addr(Loop *loop)
{
    uint64_t slots = kDriveBytes / loop->bytes;
    uint64_t slot =
        loop->sequential ? loop->next_addr++ % slots : next_random(loop);

    return slot % slots * loop->bytes;
}

void submit_one(Loop *loop, uint64_t slot, uint8_t kind, uint64_t addr)
{
    ModelOp op = {};

    op.tag = slot;
    op.kind = kind;
    op.bytes = loop->bytes;
    op.addr = addr;
    if (!card_model_submit(loop->model, &op)) {
        abort();
    }
}

/* The published model has 64-bit addresses and transfers that start at
 * multiples of the payload sizes. */
void submit(Loop *loop, uint64_t slot)
{
    uint64_t addr = (uint64_t(1) << 32) + slot * 8192;

    loop->left--;
    loop->submitted_ps[slot] = models_now_ps();
    switch (loop->quantity) {
    case Q_WRITE_MBPS:
        submit_one(loop, slot, MODEL_DMA_WRITE, addr);
        break;
    case Q_READ_MBPS:
        submit_one(loop, slot, MODEL_DMA_READ, addr);
        break;
    case Q_READ_WRITE_MBPS:
        loop->halves[slot] = 0;
        submit_one(loop, slot, MODEL_DMA_READ, addr);
        submit_one(loop, slot, MODEL_DMA_WRITE, addr);
        break;
    default:
        submit_one(loop, slot,
                   loop->write ? MODEL_DRIVE_WRITE : MODEL_DRIVE_READ,
                   next_addr(loop));
        break;
    }
}

void on_done(void *opaque, uint64_t slot, uint64_t at_ps)
{
    Loop *loop = *static_cast<Loop **>(opaque);

    if (loop->quantity == Q_READ_WRITE_MBPS && ++loop->halves[slot] < 2) {
        return;
    }
    if (++loop->ended == loop->warm_up) {
        loop->start_ps = at_ps;
    } else if (loop->ended > loop->warm_up && loop->left) {
        loop->measured++;
        loop->end_ps = at_ps;
        loop->latency_ps.push_back(at_ps - loop->submitted_ps[slot]);
    }
    if (loop->left) {
        submit(loop, slot);
    }
}

void run(Loop *loop, uint32_t depth, uint64_t operations)
{
    loop->left = operations;
    loop->warm_up = operations / 10;
    loop->submitted_ps.resize(depth);
    loop->halves.resize(depth);
    for (uint32_t slot = 0; slot < depth; slot++) {
        submit(loop, slot);
    }
    while (card_model_in_flight(loop->model)) {
        models_advance(models_next_ps());
    }
    /* Programs of a drive come to rest. */
    models_advance(models_now_ps() + 1000000000000u);
}

uint64_t result_of(Loop *loop)
{
    uint64_t time_ps = loop->end_ps - loop->start_ps, sum_ps = 0;
    size_t n = loop->latency_ps.size();

    std::sort(loop->latency_ps.begin(), loop->latency_ps.end());
    for (uint64_t latency_ps : loop->latency_ps) {
        sum_ps += latency_ps;
    }
    switch (loop->quantity) {
    case Q_IOPS:
        return loop->measured * 1000000000u / (time_ps / 1000);
    case Q_MEAN_NS:
        return sum_ps / n / 1000;
    case Q_MEDIAN_NS:
        return loop->latency_ps[n / 2] / 1000;
    case Q_P99_NS:
        return loop->latency_ps[n * 99 / 100] / 1000;
    case Q_MBYTES:
        return loop->measured * loop->bytes * 1000u / (time_ps / 1000);
    default:
        return loop->measured * loop->bytes * 8000u / (time_ps / 1000);
    }
}

/* Operations enough that the result no longer depends on their number. */
uint64_t operations_of(const Point &point)
{
    if (point.quantity == Q_MBYTES) {
        return 20000;
    }
    return point.quantity <= Q_READ_WRITE_MBPS ? 20000
                                               : 20000 + 200u * point.depth;
}

void measure(CardModel *model, Loop **current, Point *point)
{
    Loop loop = {};

    loop.model = model;
    loop.quantity = point->quantity;
    loop.bytes = point->bytes;
    loop.write = point->write;
    loop.sequential = point->quantity == Q_MBYTES;
    loop.random = point->depth * 1000 + point->bytes;
    *current = &loop;
    run(&loop, point->depth ? point->depth : kDmaDepth, operations_of(*point));
    point->modelled = result_of(&loop);
}

} /* namespace */

static CardModel *new_card(const std::string &profile_dir,
                           const Subject &subject, Loop **current,
                           std::string *ret_err)
{
    std::string card = profile_dir + "/card-gen3x8.profile";
    std::string drive =
        subject.profile ? profile_dir + "/" + subject.profile : "";
    const char *drives[] = { drive.c_str() };
    char *err = nullptr;
    CardModel *model =
        card_model_new(subject.name, card.c_str(), drives,
                       subject.profile ? 1 : 0, 1, on_done, current, &err);

    if (!model) {
        *ret_err = err;
        free(err);
    }
    return model;
}

bool validate_run(const std::string &profile_dir,
                  std::vector<Subject> *subjects, std::string *ret_err)
{
    static Loop *current;
    std::vector<CardModel *> models;
    std::vector<NicBench *> benches;

    for (const Subject &subject : *subjects) {
        models.push_back(nullptr);
        benches.push_back(nullptr);
        if (subject.nic) {
            benches.back() =
                nic_bench_new(profile_dir + "/" + subject.profile, ret_err);
        } else {
            models.back() = new_card(profile_dir, subject, &current, ret_err);
        }
        if (!models.back() && !benches.back()) {
            return false;
        }
    }
    for (size_t i = 0; i < subjects->size(); i++) {
        for (Point &point : (*subjects)[i].points) {
            if (benches[i]) {
                point.modelled = nic_bench_measure(benches[i], point);
            } else {
                measure(models[i], &current, &point);
            }
        }
    }
    return true;
}
