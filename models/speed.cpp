/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * speed.cpp: how fast the models are: complete 4 KiB reads (fetch of the
 * submission entry, controller, drive, crypto, data, completion entry,
 * interrupt), and packets of 1514 bytes from host memory through MAC and
 * receive pipeline back to host memory, in a plain loop that follows
 * models_next_ps() as QEMU's timer does. CPU time, and as a ratio: how many
 * advances of an idle kernel one costs, measured in the same run.
 *
 *     outrigger-models-speed PROFILE-DIRECTORY [OPERATIONS]
 */
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "card_model.h"

namespace {

constexpr unsigned kReadSteps = 7, kPacketSteps = 6;
constexpr uint64_t kFunctions = 3;

CardModel *model;
bool packets; /* else reads */
uint64_t left_to_do, done, random_state;

uint64_t cpu_wall_ns()
{
    timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1000000000u +
           static_cast<uint64_t>(t.tv_nsec);
}

uint64_t next_random()
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

constexpr uint64_t kQueue = uint64_t(1) << 32, kData = uint64_t(2) << 32;

ModelOp read_step(uint64_t slot, unsigned step)
{
    ModelOp op = {};

    switch (step) {
    case 0:
        op.kind = MODEL_DMA_READ;
        op.addr = kQueue + slot * 64;
        op.bytes = 64;
        break;
    case 1:
        op.kind = MODEL_CONTROLLER;
        break;
    case 2:
        op.kind = MODEL_DRIVE_READ;
        op.addr = next_random() % 1000000 * 4096;
        op.bytes = 4096;
        break;
    case 3:
        op.kind = MODEL_CRYPTO;
        op.bytes = 4096;
        break;
    case 4:
        op.kind = MODEL_DMA_WRITE;
        op.addr = kData + slot * 4096;
        op.bytes = 4096;
        break;
    case 5:
        op.kind = MODEL_DMA_WRITE;
        op.addr = kQueue + slot * 16;
        op.bytes = 16;
        break;
    default:
        op.kind = MODEL_DMA_WRITE;
        op.addr = 0xfee00000u;
        op.bytes = 4;
        break;
    }
    return op;
}

ModelOp packet_step(uint64_t slot, unsigned step)
{
    static const uint8_t kinds[kPacketSteps] = {
        MODEL_DMA_READ, MODEL_NIC_TX,    MODEL_MAC_TX,
        MODEL_NIC_RX,   MODEL_DMA_WRITE, MODEL_DMA_WRITE,
    };
    ModelOp op = {};

    op.kind = kinds[step];
    op.bytes = step == kPacketSteps - 1 ? 16 : 1514;
    if (op.kind <= MODEL_DMA_WRITE) {
        op.addr = kData + slot * 8192 + step * 2048;
    }
    return op;
}

/* Tag: slot * 8 + step. */
void submit(uint64_t slot, unsigned step)
{
    ModelOp op = packets ? packet_step(slot, step) : read_step(slot, step);

    op.fn = static_cast<uint16_t>(slot % kFunctions);
    op.tag = slot * 8 + step;
    if (!card_model_submit(model, &op)) {
        abort();
    }
}

void on_done(void *, uint64_t tag, uint64_t)
{
    unsigned step = tag % 8 + 1;

    if (step < (packets ? kPacketSteps : kReadSteps)) {
        submit(tag / 8, step);
        return;
    }
    done++;
    if (left_to_do) {
        left_to_do--;
        submit(tag / 8, 0);
    }
}

/* CPU time of an advance that finds nothing to do, in hundredths of a ns. */
uint64_t idle_advance_cns()
{
    const uint64_t n = 1000000;
    uint64_t start_wall_ns = cpu_wall_ns();

    for (uint64_t i = 0; i < n; i++) {
        models_advance(models_now_ps() + 1000);
    }
    return (cpu_wall_ns() - start_wall_ns) * 100 / n;
}

void measure(uint64_t depth, uint64_t operations, uint64_t idle_cns)
{
    uint64_t wakes = 0, start_wall_ns = cpu_wall_ns();
    uint64_t start_ps = models_now_ps();

    done = 0;
    left_to_do = operations - depth;
    for (uint64_t slot = 0; slot < depth; slot++) {
        submit(slot, 0);
    }
    while (card_model_in_flight(model)) {
        models_advance(models_next_ps());
        wakes++;
    }
    uint64_t cns = (cpu_wall_ns() - start_wall_ns) * 100 / done;

    printf("| %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64
           ".%02" PRIu64 " | %" PRIu64 " |\n",
           depth, cns / 100, 100000000000u / cns, cns / idle_cns, wakes / done,
           wakes * 100 / done % 100,
           done * 1000000000u / ((models_now_ps() - start_ps) / 1000));
}

} /* namespace */

int main(int argc, char **argv)
{
    std::string dir = argc > 1 ? argv[1] : "";
    uint64_t operations = argc > 2 ? strtoull(argv[2], nullptr, 10) : 200000;
    std::string card = dir + "/card-gen3x8.profile";
    std::string drive = dir + "/drive-fast.profile";
    const char *drives[] = { drive.c_str() };
    char *err = nullptr;

    if (argc < 2 || argc > 3 || operations < 1000) {
        fprintf(stderr, "usage: %s PROFILE-DIRECTORY [OPERATIONS]\n", argv[0]);
        return 2;
    }
    model = card_model_new("card0", card.c_str(), drives, 1, 1, on_done,
                           nullptr, &err);
    if (!model) {
        fprintf(stderr, "%s\n", err);
        return 99;
    }
    random_state = 1;
    uint64_t idle_cns = idle_advance_cns();

    for (const char *what : { "read", "packet" }) {
        packets = *what == 'p';
        printf("%s| in flight | CPU ns a %s | %ss a CPU second | idle advances "
               "a %s | wake-ups a %s | simulated %ss a second |\n"
               "|---|---|---|---|---|---|\n",
               packets ? "\n" : "", what, what, what, what, what);
        for (uint64_t depth : { 1, 8, 32, 256 }) {
            measure(depth, operations, idle_cns);
        }
    }
    return 0;
}
