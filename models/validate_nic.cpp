/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_nic.cpp: the NIC's experiments: a message from one card to another
 * over a cable, and packets as fast as the link to the host lets them.
 *
 * Only what the published numbers need: no interrupts, no register reads, no
 * acknowledgements; the host's software takes no time.
 */
#include "validate.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>

#include "card_model.h"

namespace {

/* One way (Potter 2018): messages below this travel with the doorbell. */
constexpr uint32_t kInlineBytes = 188;
constexpr uint32_t kMtuBytes = 4096;
constexpr uint32_t kDoorbellBytes = 64;
constexpr uint32_t kCompletionBytes = 64;
/* Ethernet, IPv4, UDP, InfiniBand BTH and ICRC (RoCE v2). */
constexpr uint32_t kHeaderBytes = 14 + 20 + 8 + 12 + 4;
constexpr uint64_t kCablePs = 2500; /* 0.5 m */

/* Packets a second (pcie-bench's model of a NIC with a polling driver). */
constexpr uint64_t kPackets = 20000;
constexpr uint64_t kWarmUp = kPackets / 10;
constexpr unsigned kDepth = 96; /* packets under way, each direction */
constexpr unsigned kTailEvery = 32, kFetchEvery = 40, kWriteBackEvery = 8;
constexpr uint32_t kDescriptorBytes = 16, kTailBytes = 4;

enum Stage : uint64_t {
    DOORBELL,
    READ,
    NIC_TX,
    MAC_TX,
    NIC_RX,
    WRITE,
    LAST, /* the completion entry, or the descriptor, is written */
    BESIDE
};

} /* namespace */

struct NicBench {
    CardModel *sender, *receiver;
    uint32_t bytes;   /* of the message, or of a packet */
    unsigned packets; /* of the message */
    unsigned written;
    std::deque<std::pair<uint64_t, uint64_t>> cable; /* arrival, packet */
    bool streaming, tx, rx;
    uint64_t started, ended;
    uint64_t tx_started, rx_started;
    uint64_t warm_ps, end_ps;
    uint8_t halves[kDepth]; /* of a pair of packets that are under way */
};

static void submit(NicBench *b, CardModel *card, uint8_t kind, Stage stage,
                   uint64_t packet, uint32_t bytes)
{
    ModelOp op = {};

    op.tag = static_cast<uint64_t>(stage) << 32 | packet;
    op.kind = kind;
    op.bytes = bytes;
    if (kind <= MODEL_DMA_WRITE) {
        op.addr = (uint64_t(1) << 32) + packet * 8192;
    }
    if (!card_model_submit(card, &op)) {
        abort();
    }
}

static uint32_t payload_of(const NicBench *b, uint64_t packet)
{
    return std::min(b->bytes - static_cast<uint32_t>(packet) * kMtuBytes,
                    kMtuBytes);
}

/* One message, stage by stage. */
static void message_done(NicBench *b, Stage stage, uint64_t packet,
                         uint64_t at_ps)
{
    uint32_t bytes = payload_of(b, packet);

    switch (stage) {
    case DOORBELL:
        for (uint64_t i = 0; i < b->packets; i++) {
            if (b->bytes < kInlineBytes) {
                submit(b, b->sender, MODEL_NIC_TX, NIC_TX, i,
                       bytes + kHeaderBytes);
            } else {
                submit(b, b->sender, MODEL_DMA_READ, READ, i, payload_of(b, i));
            }
        }
        break;
    case READ:
        submit(b, b->sender, MODEL_NIC_TX, NIC_TX, packet,
               bytes + kHeaderBytes);
        break;
    case NIC_TX:
        submit(b, b->sender, MODEL_MAC_TX, MAC_TX, packet,
               bytes + kHeaderBytes);
        break;
    case MAC_TX:
        b->cable.push_back({ at_ps + kCablePs, packet });
        break;
    case NIC_RX:
        submit(b, b->receiver, MODEL_DMA_WRITE, WRITE, packet, bytes);
        if (++b->written == b->packets) {
            submit(b, b->receiver, MODEL_DMA_WRITE, LAST, 0, kCompletionBytes);
        }
        break;
    case LAST:
        b->end_ps = at_ps;
        break;
    default:
        break;
    }
}

static void start_tx(NicBench *b, uint64_t slot)
{
    uint64_t n = b->tx_started++;

    if (n % kTailEvery == 0) {
        submit(b, b->sender, MODEL_MMIO_WRITE, BESIDE, 0, kTailBytes);
    }
    if (n % kFetchEvery == 0) {
        submit(b, b->sender, MODEL_DMA_READ, BESIDE, 0,
               kFetchEvery * kDescriptorBytes);
    }
    if (n % kWriteBackEvery == 0) {
        submit(b, b->sender, MODEL_DMA_WRITE, BESIDE, 0,
               kWriteBackEvery * kDescriptorBytes);
    }
    submit(b, b->sender, MODEL_DMA_READ, READ, slot, b->bytes);
}

static void start_rx(NicBench *b, uint64_t slot)
{
    if (b->rx_started++ % kTailEvery == 0) {
        submit(b, b->sender, MODEL_MMIO_WRITE, BESIDE, 0, kTailBytes);
    }
    submit(b, b->sender, MODEL_NIC_RX, NIC_RX, slot, b->bytes);
}

/* A packet each way that is to be measured. */
static void start_packets(NicBench *b, uint64_t slot)
{
    b->started++;
    b->halves[slot] = static_cast<uint8_t>(b->tx + b->rx);
    if (b->tx) {
        start_tx(b, slot);
    }
    if (b->rx) {
        start_rx(b, slot);
    }
}

static void packet_done(NicBench *b, Stage stage, uint64_t slot, uint64_t at_ps)
{
    if (stage == READ) {
        submit(b, b->sender, MODEL_NIC_TX, NIC_TX, slot, b->bytes);
    } else if (stage == NIC_RX) {
        submit(b, b->sender, MODEL_DMA_WRITE, WRITE, slot, b->bytes);
        submit(b, b->sender, MODEL_DMA_WRITE, LAST, slot, kDescriptorBytes);
    } else if ((stage == NIC_TX || stage == LAST) && --b->halves[slot] == 0) {
        b->ended++;
        if (b->ended == kWarmUp) {
            b->warm_ps = at_ps;
        } else if (b->ended == kPackets) {
            b->end_ps = at_ps;
        }
        if (b->started < kPackets + kDepth) {
            start_packets(b, slot);
        }
    }
}

static void on_done(void *opaque, uint64_t tag, uint64_t at_ps)
{
    NicBench *b = static_cast<NicBench *>(opaque);
    Stage stage = static_cast<Stage>(tag >> 32);
    uint64_t packet = tag & UINT32_MAX;

    if (b->streaming) {
        packet_done(b, stage, packet, at_ps);
    } else {
        message_done(b, stage, packet, at_ps);
    }
}

/* Until nothing is under way; what arrives over the cable is received. */
static void run(NicBench *b)
{
    while (models_next_ps() != MODEL_PS_NEVER || !b->cable.empty()) {
        uint64_t arrival_ps =
            b->cable.empty() ? MODEL_PS_NEVER : b->cable.front().first;

        models_advance(std::min(models_next_ps(), arrival_ps));
        if (models_now_ps() == arrival_ps) {
            uint64_t packet = b->cable.front().second;

            b->cable.pop_front();
            submit(b, b->receiver, MODEL_NIC_RX, NIC_RX, packet,
                   payload_of(b, packet) + kHeaderBytes);
        }
    }
    models_advance(models_now_ps() + 1000000000000u);
}

static uint64_t measure_one_way_ns(NicBench *b)
{
    uint64_t start_ps = models_now_ps();

    b->streaming = false;
    b->packets = (b->bytes + kMtuBytes - 1) / kMtuBytes;
    b->written = 0;
    submit(b, b->sender, MODEL_MMIO_WRITE, DOORBELL, 0, kDoorbellBytes);
    run(b);
    return (b->end_ps - start_ps) / 1000;
}

static uint64_t measure_mbps(NicBench *b, Quantity quantity)
{
    b->streaming = true;
    b->tx = quantity != Q_NIC_RX_MBPS;
    b->rx = quantity != Q_NIC_TX_MBPS;
    b->started = b->ended = 0;
    b->tx_started = b->rx_started = 0;
    for (uint64_t slot = 0; slot < kDepth; slot++) {
        start_packets(b, slot);
    }
    run(b);
    return (kPackets - kWarmUp) * b->bytes * 8000u /
           ((b->end_ps - b->warm_ps) / 1000);
}

NicBench *nic_bench_new(const std::string &card_profile, std::string *ret_err)
{
    std::unique_ptr<NicBench> b(new NicBench());

    for (CardModel **card : { &b->sender, &b->receiver }) {
        char *err = nullptr;

        *card = card_model_new(card == &b->sender ? "sender" : "receiver",
                               card_profile.c_str(), nullptr, 0, 1, on_done,
                               b.get(), &err);
        if (!*card) {
            *ret_err = err;
            free(err);
            return nullptr;
        }
    }
    return b.release();
}

uint64_t nic_bench_measure(NicBench *b, const Point &point)
{
    b->bytes = point.bytes;
    return point.quantity == Q_ONE_WAY_NS ? measure_one_way_ns(b)
                                          : measure_mbps(b, point.quantity);
}
