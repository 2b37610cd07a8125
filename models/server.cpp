/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * server.cpp: n equal servers behind one first-come queue.
 *
 *   controller   cores; a fixed cost a command, then a latency
 *   crypto       engines; so many bytes a clock, then a latency
 *   NIC TX, RX   one pipeline each: a packet is through a fixed latency after
 *                it entered (cut-through: its bytes stream behind its head);
 *                it keeps the next one out for a fixed time (packets/s), or
 *                for its bytes if that is longer (bits/s)
 *   MAC TX       one serialiser: preamble, frame, FCS and gap at the port's
 *                rate (IEEE 802.3), no latency
 *
 * Not modelled: caches, priorities, key set-up of the crypto engine; parsing
 * depth, table misses and steering conflicts of a pipeline; pause frames,
 * transceivers and forward error correction of the MAC.
 */
#include "card.h"

#include <algorithm>

uint32_t server_count(const CardTiming &timing, ServerId id)
{
    switch (id) {
    case SERVER_CTRL:
        return timing.cores;
    case SERVER_CRYPTO:
        return timing.crypto_engines;
    default:
        return 1;
    }
}

static uint64_t pipeline_cost_ps(const PipelineTiming &pipeline, uint32_t bytes)
{
    return std::max(pipeline.packet_ps, bits_ps(bytes, pipeline.mbit_per_s));
}

uint64_t server_cost_ps(const CardTiming &timing, ServerId id, uint32_t bytes)
{
    uint32_t clocks;

    switch (id) {
    case SERVER_CTRL:
        return timing.command_ps;
    case SERVER_CRYPTO:
        clocks = (bytes + timing.crypto_bytes_per_clock - 1) /
                 timing.crypto_bytes_per_clock;
        return clocks * timing.crypto_clock_ps;
    case SERVER_NIC_TX:
        return pipeline_cost_ps(timing.nic_tx, bytes);
    case SERVER_NIC_RX:
        return pipeline_cost_ps(timing.nic_rx, bytes);
    default:
        return bits_ps(std::max(bytes, kFrameMinBytes) + kFrameExtraBytes,
                       timing.mac_mbit_per_s);
    }
}

uint64_t server_time_ps(const CardTiming &timing, ServerId id, uint32_t bytes)
{
    uint64_t cost_ps = server_cost_ps(timing, id, bytes);

    switch (id) {
    case SERVER_CTRL:
        return cost_ps + timing.command_latency_ps;
    case SERVER_CRYPTO:
        return cost_ps + timing.crypto_latency_clocks * timing.crypto_clock_ps;
    case SERVER_NIC_TX:
        return timing.nic_tx.latency_ps;
    case SERVER_NIC_RX:
        return timing.nic_rx.latency_ps;
    default:
        return cost_ps;
    }
}

/* CounterIds of a server; COUNT_COUNTERS: not counted. */
static const struct {
    CounterId busy;
    CounterId bytes;
} counters[SERVERS] = {
    { COUNT_CTRL_BUSY, COUNT_COUNTERS },
    { COUNT_CRYPTO_BUSY, COUNT_CRYPTO_BYTES },
    { COUNT_NIC_TX_BUSY, COUNT_NIC_TX_BYTES },
    { COUNT_NIC_RX_BUSY, COUNT_NIC_RX_BYTES },
    { COUNT_MAC_TX_BUSY, COUNT_MAC_TX_BYTES },
};

Server::Server(const char *name, Card *card, ServerId id)
    : Module(name, card, WAKE_SERVER(id)), server_(card->s().server[id]),
      id_(id), servers_(server_count(card->timing(), id))
{
}

void Server::submit(uint16_t index, uint64_t now_ps)
{
    if (server_.queued || !start(index, now_ps)) {
        card_.op(index).place = static_cast<uint8_t>(PLACE_CTRL_QUEUE + id_);
        card_.push(&server_.queue, index);
        server_.queued++;
    }
    arm(now_ps);
}

void Server::drop_cancelled(uint64_t now_ps)
{
    server_.queued -= card_.drop_cancelled(&server_.queue);
    arm(now_ps);
}

/* On the first free server; false if there is none. */
bool Server::start(uint16_t index, uint64_t now_ps)
{
    const CardTiming &timing = card_.timing();

    for (uint32_t i = 0; i < servers_; i++) {
        if (server_.free_ps[i] > now_ps) {
            continue;
        }
        uint32_t bytes = card_.op(index).bytes;
        uint64_t cost_ps = server_cost_ps(timing, id_, bytes);

        server_.free_ps[i] = now_ps + cost_ps;
        card_.count(counters[id_].busy, cost_ps);
        if (counters[id_].bytes != COUNT_COUNTERS) {
            card_.count(counters[id_].bytes, bytes);
        }
        card_.schedule(index, now_ps + server_time_ps(timing, id_, bytes));
        return true;
    }
    return false;
}

void Server::run(uint64_t now_ps)
{
    while (server_.queued && start(server_.queue.head, now_ps)) {
        card_.pop(&server_.queue);
        server_.queued--;
    }
}

uint64_t Server::next_ps(uint64_t) const
{
    uint64_t next_ps = MODEL_PS_NEVER;

    for (uint32_t i = 0; server_.queued && i < servers_; i++) {
        next_ps = std::min(next_ps, server_.free_ps[i]);
    }
    return next_ps;
}

uint64_t Server::sample(uint64_t now_ps)
{
    uint64_t next_ps = MODEL_PS_NEVER;

    server_.busy = 0;
    for (uint32_t i = 0; i < servers_; i++) {
        if (server_.free_ps[i] > now_ps) {
            server_.busy++;
            next_ps = std::min(next_ps, server_.free_ps[i]);
        }
    }
    return next_ps;
}
