/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_model.h: the cycle reference of the switch, in SystemC.
 *
 * hw/switch/switch_core.h says in words what a switch does and when; the C
 * switch and this model are two readings of it that share no code, and
 * tests/models/test_switch.cpp demands equal instants of both. This one is
 * built like the hardware: a module for each block, wired by method calls,
 * each with its own events.
 *
 *     MacRx (a port) -> Parser -> Lookup -> SharedMemory -> Scheduler (a port)
 *                                                |              |
 *                                                +<-- cells --- MacTx (a port)
 *
 * Order inside one instant comes from delta cycles: MACs, parser and lookup
 * act first and wake the memory, which waits kSettleDeltas cycles, so that
 * all cells of that instant are back and all packets of that instant are
 * there; schedulers act one cycle after it.
 *
 * A reference for tests: state is in C++ containers and is not saved. Not
 * modelled: bytes of packets, cut-through, pause frames, multicast groups,
 * cutting payload (rule 9 of switch_core.h) and fixed limits of queues.
 *
 * Models must be made before the first run() of any (SystemC elaborates
 * once); each counts its time from its first use. Not thread-safe.
 */
#ifndef OUTRIGGER_MODELS_SWITCH_MODEL_H
#define OUTRIGGER_MODELS_SWITCH_MODEL_H

#include <cstdint>
#include <memory>
#include <vector>

namespace ref {

enum class Drop { buffer, threshold, no_route, port_down };
enum class Ecn { off, step, red };

struct Packet {
    uint64_t user;
    uint64_t dst, src; /* IPv4, or MAC addresses */
    uint32_t flow_hash;
    uint32_t bytes;
    unsigned priority;
    bool l2, ect, ce;
};

struct Queue {
    uint32_t alpha_q8;
    Ecn ecn;
    bool strict;
    uint32_t ecn_min_cells, ecn_max_cells, ecn_max_q32;
    uint32_t quantum_bytes;
};

struct Config {
    unsigned ports;
    uint32_t cell_bytes, buffer_cells;
    uint64_t pipeline_ps;
    uint64_t age_ps;
    uint32_t mac_entries;
    uint64_t seed;
    std::vector<Queue> queues;
    /* Added to each dynamic threshold: 0, or a fault that a test plants. */
    int threshold_off_cells;
};

struct Route {
    uint32_t prefix;
    unsigned length;
    unsigned group;
};

/* What comes out; in order of time. */
class Listener {
  public:
    virtual ~Listener() = default;
    virtual void depart(unsigned port, uint64_t ps, const Packet &pkt) = 0;
    virtual void drop(unsigned port, uint64_t ps, const Packet &pkt,
                      Drop why) = 0;
};

class Switch;

class SwitchModel {
  public:
    SwitchModel(const char *name, const Config &config, Listener *listener);
    ~SwitchModel();

    /* Rising times; not before the last run(). */
    void arrive(unsigned port, uint64_t ps, const Packet &pkt);
    /* Everything before @until_ps. */
    void run(uint64_t until_ps);

    /* At the instant at which run() ended, before all else of it. */
    void set_up(bool up);
    void port_up(unsigned port, bool up);
    void port_rate(unsigned port, uint64_t rate_bps);
    void port_flood(unsigned port, bool flood);
    void group(unsigned group, const std::vector<unsigned> &ports);
    void routes(const std::vector<Route> &routes);
    void mac_static(uint64_t mac, unsigned port);

    uint32_t cells_used() const;

  private:
    std::unique_ptr<Switch> switch_;
};

} /* namespace ref */

#endif
