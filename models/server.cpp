/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * server.cpp: n equal servers behind one first-come queue: the cores of the
 * controller processor (a fixed cost a command) and the crypto engines (so
 * many bytes a clock). A server is occupied for the cost; a pipelined latency
 * follows.
 *
 * Not modelled: caches, priorities, key set-up of the crypto engine.
 */
#include "card.h"

#include <algorithm>

Server::Server(const char *name, Card *card, bool crypto)
    : Module(name, card, crypto ? WAKE_CRYPTO : WAKE_CTRL),
      server_(crypto ? card->s().crypto : card->s().ctrl), crypto_(crypto),
      servers_(crypto ? card->timing().crypto_engines : card->timing().cores)
{
}

void Server::submit(uint16_t index, uint64_t now_ps)
{
    if (server_.queued || !start(index, now_ps)) {
        card_.op(index).place = crypto_ ? PLACE_CRYPTO_QUEUE : PLACE_CTRL_QUEUE;
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
        uint64_t cost_ps =
            crypto_ ? crypto_occupancy_ps(timing, bytes) : timing.command_ps;
        uint64_t latency_ps =
            crypto_ ? timing.crypto_latency_clocks * timing.crypto_clock_ps
                    : timing.command_latency_ps;

        server_.free_ps[i] = now_ps + cost_ps;
        card_.count(crypto_ ? COUNT_CRYPTO_BUSY : COUNT_CTRL_BUSY, cost_ps);
        if (crypto_) {
            card_.count(COUNT_CRYPTO_BYTES, bytes);
        }
        card_.schedule(index, now_ps + cost_ps + latency_ps);
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
