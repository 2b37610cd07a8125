/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_load.cpp: see switch_load.h.
 */
#include "switch_load.h"

#include <algorithm>
#include <cinttypes>
#include <tuple>

namespace {

constexpr unsigned kStretchPackets = 200;
constexpr unsigned kGroups = 8;
constexpr unsigned kMacs = 40;
constexpr uint64_t kRates[] = { 100000000000ull, 25000000000ull, 10000000000ull,
                                33333333333ull };

/* xorshift64*: another one than the switches use. */
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed * 2 + 1)
    {
        for (int i = 0; i < 8; i++) {
            next();
        }
    }
    uint64_t next()
    {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545f4914f6cdd1dull;
    }
    uint64_t below(uint64_t n)
    {
        return (next() >> 16) % n;
    }
    bool percent(unsigned p)
    {
        return below(100) < p;
    }

  private:
    uint64_t state_;
};

class Maker {
  public:
    Maker(uint64_t seed, const SwitchConfig &config, const LoadShape &shape)
        : random_(seed), config_(config), shape_(shape), up_(config.ports, true)
    {
    }

    LoadCall any_call();
    LoadPacket packet(uint64_t ps);
    uint64_t gap_ps();
    std::vector<LoadCall> first_calls();
    uint64_t count() const
    {
        return user_;
    }

  private:
    uint16_t size()
    {
        static const uint16_t sizes[] = { 60,  64,   207,  208,
                                          209, 1474, 1500, 9600 };

        return shape_.same_size ? 1474 : sizes[random_.below(8)];
    }
    std::vector<uint16_t> members();

    Random random_;
    const SwitchConfig &config_;
    LoadShape shape_;
    std::vector<bool> up_;
    bool switch_up_ = true;
    uint64_t user_ = 0;
};

std::vector<uint16_t> Maker::members()
{
    std::vector<uint16_t> ports;

    for (uint64_t n = 1 + random_.below(4); n > 0; n--) {
        ports.push_back(static_cast<uint16_t>(random_.below(config_.ports)));
    }
    return ports;
}

std::vector<LoadCall> Maker::first_calls()
{
    std::vector<LoadCall> calls;

    for (uint32_t p = 0; p < config_.ports; p++) {
        uint64_t rate = kRates[shape_.same_size ? 0 : p % 4];

        calls.push_back({ Call::port_rate, p, rate, {} });
    }
    for (uint32_t g = 0; g < kGroups; g++) {
        calls.push_back({ Call::group, g, 0, members() });
    }
    calls.push_back({ Call::group, 0, 0, { 1 } }); /* where incast goes */
    return calls;
}

LoadCall Maker::any_call()
{
    uint32_t port = static_cast<uint32_t>(random_.below(config_.ports));

    /* what is down comes up again soon */
    if (!switch_up_) {
        switch_up_ = true;
        return { Call::switch_up, 0, 1, {} };
    }
    auto down = std::find(up_.begin(), up_.end(), false);
    if (down != up_.end() && random_.percent(60)) {
        *down = true;
        port = static_cast<uint32_t>(down - up_.begin());
        return { Call::port_up, port, 1, {} };
    }
    switch (random_.below(12)) {
    case 0:
        switch_up_ = false;
        return { Call::switch_up, 0, 0, {} };
    case 1:
    case 2:
        return { Call::port_rate, port, kRates[random_.below(4)], {} };
    case 3:
        return { Call::port_flood, port, random_.below(3) != 0, {} };
    case 4:
        return { Call::group, 1 + port % (kGroups - 1), 0, members() };
    case 5:
        return { Call::mac, port, random_.below(kMacs), {} };
    default:
        up_[port] = false;
        return { Call::port_up, port, 0, {} };
    }
}

LoadPacket Maker::packet(uint64_t ps)
{
    LoadPacket p{};

    p.ps = ps;
    p.port = static_cast<uint32_t>(random_.below(config_.ports));
    p.pkt.user = ++user_;
    p.pkt.flow_hash = static_cast<uint32_t>(random_.next());
    p.pkt.bytes = size();
    p.pkt.priority = static_cast<uint8_t>(random_.below(config_.queues + 1));
    p.pkt.flags = random_.percent(shape_.ect) ? SWITCH_PKT_ECT : 0;
    if (random_.percent(shape_.l2)) {
        p.pkt.flags |= SWITCH_PKT_L2;
        p.pkt.src = load_mac(p.port + config_.ports * random_.below(3));
        p.pkt.dst = random_.percent(3) ? SWITCH_MAC_MASK
                                       : load_mac(random_.below(kMacs));
    } else {
        uint64_t net = random_.percent(shape_.incast) ? 0
                       : random_.percent(2)           ? 8
                                                      : random_.below(8);

        p.pkt.dst = 0x0a000000u + (net << 16) + random_.below(0x10000);
    }
    return p;
}

/* Mean time between arrivals at the mean rate of the ports, as bursts. */
uint64_t Maker::gap_ps()
{
    if (shape_.same_size) { /* 12.5 packets a slot of the grid */
        return random_.percent(92) ? 0 : shape_.grid_ps;
    }
    uint64_t mean_bits = 13500;
    uint64_t mean_bps = 42083333333ull * config_.ports * shape_.percent / 100;
    uint64_t mean_ps = mean_bits * 1000000000ull / (mean_bps / 1000);
    uint64_t ps = random_.percent(50) ? 0 : random_.below(4 * mean_ps);

    return ps / shape_.grid_ps * shape_.grid_ps;
}

} /* namespace */

uint64_t load_mac(uint64_t number)
{
    return 0x020000000001ull + number * 0x10001;
}

bool Fate::operator<(const Fate &o) const
{
    return std::tie(ps, port, kind, user) <
           std::tie(o.ps, o.port, o.kind, o.user);
}

bool Fate::operator==(const Fate &o) const
{
    return std::tie(ps, port, kind, user) ==
           std::tie(o.ps, o.port, o.kind, o.user);
}

std::string Fate::text() const
{
    static const char *const kinds[] = {
        "departs",           "departs with CE",
        "dropped, buffer",   "dropped, threshold",
        "dropped, no route", "dropped, port down"
    };
    char buf[120];

    snprintf(buf, sizeof(buf), "packet %" PRIu64 " %s, port %u at %" PRIu64,
             user, kinds[kind], port, ps);
    return buf;
}

/* Small, so that everything in it is often full. */
SwitchConfig load_config(uint64_t seed)
{
    SwitchConfig c{};

    c.ports = 12;
    c.queues = 4;
    c.cell_bytes = 208;
    c.buffer_cells = 1500;
    c.pipeline_ps = 400000;
    c.age_ps = 40000000;
    c.mac_entries = 24;
    c.seed = seed;
    c.queue[0] = { 256, SWITCH_ECN_RED, false, 20, 90, 1u << 30, 1500 };
    c.queue[1] = { 128, SWITCH_ECN_STEP, false, 30, 0, 0, 4000 };
    c.queue[2] = { 2048, SWITCH_ECN_OFF, false, 0, 0, 0, 700 };
    c.queue[3] = { 64, SWITCH_ECN_STEP, true, 10, 0, 0, 0 };
    return c;
}

std::vector<SwitchRoute> load_routes()
{
    std::vector<SwitchRoute> routes;

    for (uint32_t net = 0; net < 8; net++) { /* of 10: two have no route */
        routes.push_back(
            { 0x0a000000u + (net << 16), 16, static_cast<uint16_t>(net) });
    }
    routes.push_back({ 0x0a010200u, 24, 5 });
    routes.push_back({ 0x0a010280u, 25, 6 });
    routes.push_back({ 0x0a030000u, 16, 2 });  /* the later one wins */
    routes.push_back({ 0x0a040007u, 32, 77 }); /* a group that is not there */
    return routes;
}

std::vector<Stretch> load_make(uint64_t seed, const SwitchConfig &config,
                               const LoadShape &shape, unsigned packets)
{
    Maker maker(seed, config, shape);
    Random random(seed + 1);
    std::vector<Stretch> load;
    uint64_t ps = shape.grid_ps * 8;

    load.push_back({ ps / 2, {}, maker.first_calls() });
    while (maker.count() < packets) {
        Stretch s;

        for (unsigned i = 0; i < kStretchPackets; i++) {
            ps += maker.gap_ps();
            s.packets.push_back(maker.packet(ps));
        }
        std::stable_sort(s.packets.begin(), s.packets.end(),
                         [](const LoadPacket &a, const LoadPacket &b) {
                             return std::tie(a.ps, a.port) <
                                    std::tie(b.ps, b.port);
                         });
        ps += shape.grid_ps;
        s.until_ps = ps;
        while (random.percent(shape.calls)) {
            s.calls.push_back(maker.any_call());
        }
        load.push_back(s);
    }
    load.push_back({ ps + 10000000000ull, {}, {} }); /* all have left */
    return load;
}
