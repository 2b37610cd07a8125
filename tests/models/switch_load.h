/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_load.h: seeded packets and control calls for a switch, and what
 * became of them; for the comparison of the C switch with its reference.
 *
 * A load is a list of stretches. In each stretch packets arrive and then time
 * runs to its end; at that instant control calls are made. Instants lie on
 * a coarse grid, so that arrivals, admissions and departures often meet.
 */
#ifndef OUTRIGGER_TESTS_SWITCH_LOAD_H
#define OUTRIGGER_TESTS_SWITCH_LOAD_H

#include <cstdint>
#include <string>
#include <vector>

/* A C11 header. */
#define _Static_assert static_assert
extern "C" {
#include "switch_core.h"
}
#undef _Static_assert

struct LoadPacket {
    uint64_t ps;
    uint32_t port;
    SwitchPacket pkt;
};

enum class Call { port_up, switch_up, port_rate, port_flood, group, mac };

struct LoadCall {
    Call call;
    uint32_t port; /* or group, or number of the address */
    uint64_t value;
    std::vector<uint16_t> members;
};

struct Stretch {
    uint64_t until_ps;
    std::vector<LoadPacket> packets;
    std::vector<LoadCall> calls; /* at until_ps */
};

/* What a load has more of than usual. */
struct LoadShape {
    unsigned percent; /* of all ports' rate */
    unsigned incast;  /* percent of packets that go to one port */
    unsigned l2;      /* percent */
    unsigned ect;     /* percent */
    unsigned calls;   /* control calls a 100 stretches */
    uint64_t grid_ps; /* of arrivals */
    bool same_size;   /* all packets 1474 bytes */
};

/* A departure or a drop. */
struct Fate {
    uint64_t ps;
    uint32_t port;
    uint32_t kind; /* 0, 1: departed, without and with CE; 2 + reason */
    uint64_t user;

    bool operator<(const Fate &o) const;
    bool operator==(const Fate &o) const;
    std::string text() const;
};

SwitchConfig load_config(uint64_t seed);
std::vector<SwitchRoute> load_routes();
std::vector<Stretch> load_make(uint64_t seed, const SwitchConfig &config,
                               const LoadShape &shape, unsigned packets);
uint64_t load_mac(uint64_t number);

#endif
