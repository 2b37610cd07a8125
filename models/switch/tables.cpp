/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tables.cpp: addresses, routes and next hops, looked up the plain way.
 */
#include "blocks.h"

namespace ref {

uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

Tables::Tables(const Config &config) : config_(config)
{
    uint64_t state = config.seed;

    ecmp_seed = static_cast<uint32_t>(splitmix64(&state));
}

bool Tables::alive(const Learned &entry, uint64_t now_ps) const
{
    return config_.age_ps == 0 || now_ps - entry.seen_ps < config_.age_ps;
}

size_t Tables::known_count() const
{
    return learned_.size() + statics_.size();
}

void Tables::add_static(uint64_t mac, unsigned port)
{
    learned_.erase(mac);
    statics_[mac] = port;
}

void Tables::learn(uint64_t mac, unsigned port, uint64_t now_ps)
{
    auto known = learned_.find(mac);

    if (mac == 0 || mac >> 40 & 1 || statics_.count(mac)) {
        return;
    }
    if (known != learned_.end()) {
        known->second = { port, now_ps };
        return;
    }
    if (known_count() >= config_.mac_entries) {
        for (auto it = learned_.begin(); it != learned_.end();) {
            it = alive(it->second, now_ps) ? std::next(it) : learned_.erase(it);
        }
    }
    if (known_count() < config_.mac_entries) {
        learned_[mac] = { port, now_ps };
    }
}

int Tables::find_mac(uint64_t mac, uint64_t now_ps) const
{
    auto fixed = statics_.find(mac);
    auto known = learned_.find(mac);

    if (fixed != statics_.end()) {
        return static_cast<int>(fixed->second);
    }
    if (known != learned_.end() && alive(known->second, now_ps)) {
        return static_cast<int>(known->second.port);
    }
    return -1;
}

const std::vector<unsigned> *Tables::find_route(uint32_t ipv4) const
{
    const Route *best = nullptr;

    for (const Route &route : routes) {
        uint32_t mask = route.length ? UINT32_MAX << (32 - route.length) : 0;

        if ((ipv4 & mask) == (route.prefix & mask) &&
            (!best || route.length >= best->length)) {
            best = &route;
        }
    }
    if (!best || !groups.count(best->group)) {
        return nullptr;
    }
    return &groups.at(best->group);
}

void Tables::forget_port(unsigned port)
{
    for (auto it = learned_.begin(); it != learned_.end();) {
        it = it->second.port == port ? learned_.erase(it) : std::next(it);
    }
}

void Tables::forget_all()
{
    learned_.clear();
}

} /* namespace ref */
