/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * memory.cpp: admission of packets to the shared buffer.
 */
#include "blocks.h"

#include <algorithm>

namespace ref {

SharedMemory::SharedMemory(const char *name, Switch *sw)
    : Block(name, sw),
      queues_(sw->config.ports,
              std::vector<std::deque<Stored>>(sw->config.queues.size())),
      cells_(sw->config.ports, std::vector<uint32_t>(sw->config.queues.size())),
      random_state_(sw->config.seed)
{
    /* The first number of the seed's sequence is the hash's. */
    splitmix64(&random_state_);
}

std::deque<Stored> &SharedMemory::queue(unsigned port, unsigned q)
{
    return queues_[port][q];
}

/* ---- when ---------------------------------------------------------------- */

void SharedMemory::poke()
{
    if (settling_ == 0) {
        settling_ = kSettleDeltas;
        wake_next_delta();
    }
}

void SharedMemory::deliver(const Item &item)
{
    due_.push_back(item);
    poke();
}

void SharedMemory::take_back(unsigned port, const Stored &stored)
{
    used_cells -= stored.cells;
    cells_[port][stored.queue] -= stored.cells;
}

void SharedMemory::release(unsigned port, const Stored &stored)
{
    take_back(port, stored);
    touched_.push_back(port);
    poke();
}

void SharedMemory::act()
{
    if (--settling_ > 0) {
        wake_next_delta();
        return;
    }
    std::stable_sort(
        due_.begin(), due_.end(),
        [](const Item &a, const Item &b) { return a.in_port < b.in_port; });
    for (const Item &item : due_) {
        forward(item);
    }
    due_.clear();
    for (unsigned port : touched_) {
        sw_.scheduler[port]->look();
    }
    touched_.clear();
}

/* ---- where --------------------------------------------------------------- */

static uint32_t mix32(uint32_t h)
{
    h = (h ^ (h >> 16)) * 0x7feb352dU;
    h = (h ^ (h >> 15)) * 0x846ca68bU;
    return h ^ (h >> 16);
}

void SharedMemory::forward(const Item &item)
{
    const std::vector<unsigned> *group;
    std::vector<unsigned> up;

    if (item.pkt.l2) {
        forward_l2(item);
        return;
    }
    group = sw_.tables.find_route(static_cast<uint32_t>(item.pkt.dst));
    if (group) {
        std::copy_if(group->begin(), group->end(), std::back_inserter(up),
                     [this](unsigned port) { return sw_.tx[port]->up; });
    }
    if (up.empty()) {
        sw_.lose(item.in_port, item.pkt, Drop::no_route);
        return;
    }
    uint64_t hash = mix32(item.pkt.flow_hash ^ sw_.tables.ecmp_seed);

    admit(item, up[hash * up.size() >> 32]);
}

void SharedMemory::forward_l2(const Item &item)
{
    bool reached = false;
    int port = -1;

    if (!sw_.rx[item.in_port]->forwards_l2) {
        sw_.lose(item.in_port, item.pkt, Drop::no_route);
        return;
    }
    sw_.tables.learn(item.pkt.src, item.in_port, now_ps());
    if (!(item.pkt.dst >> 40 & 1)) {
        port = sw_.tables.find_mac(item.pkt.dst, now_ps());
    }
    for (unsigned out = 0; out < sw_.config.ports; out++) {
        bool wanted = port < 0 || out == static_cast<unsigned>(port);

        if (wanted && out != item.in_port && sw_.tx[out]->up &&
            sw_.rx[out]->forwards_l2) {
            reached = true;
            admit(item, out);
        }
    }
    if (!reached) {
        sw_.lose(item.in_port, item.pkt, Drop::no_route);
    }
}

/* ---- whether ------------------------------------------------------------- */

bool SharedMemory::marked(const Queue &rule, uint32_t cells)
{
    if (rule.ecn == Ecn::step) {
        return cells > rule.ecn_min_cells;
    }
    if (rule.ecn == Ecn::off) {
        return false;
    }
    uint64_t random = splitmix64(&random_state_) >> 32; /* always drawn */

    if (cells <= rule.ecn_min_cells || cells > rule.ecn_max_cells) {
        return cells > rule.ecn_max_cells;
    }
    uint64_t chance = static_cast<uint64_t>(cells - rule.ecn_min_cells) *
                      rule.ecn_max_q32 /
                      (rule.ecn_max_cells - rule.ecn_min_cells);

    return random < chance;
}

void SharedMemory::admit(const Item &item, unsigned port)
{
    const Config &c = sw_.config;
    unsigned q = std::min<unsigned>(item.pkt.priority, c.queues.size() - 1);
    const Queue &rule = c.queues[q];
    uint32_t cells =
        std::max(1u, (item.pkt.bytes + c.cell_bytes - 1) / c.cell_bytes);
    uint64_t room = c.buffer_cells - used_cells;
    int64_t threshold = static_cast<int64_t>(room * rule.alpha_q8 / 256) +
                        c.threshold_off_cells;
    Stored stored{ item.pkt, cells, q };

    if (cells > room) {
        sw_.lose(port, item.pkt, Drop::buffer);
    } else if (cells_[port][q] + cells > threshold) {
        sw_.lose(port, item.pkt, Drop::threshold);
    } else {
        used_cells += cells;
        cells_[port][q] += cells;
        if (stored.pkt.ect && marked(rule, cells_[port][q])) {
            stored.pkt.ce = true;
        }
        queues_[port][q].push_back(stored);
        touched_.push_back(port);
    }
}

/* ---- losses -------------------------------------------------------------- */

void SharedMemory::drop_port(unsigned port)
{
    for (auto &queue : queues_[port]) {
        for (const Stored &stored : queue) {
            take_back(port, stored);
            sw_.lose(port, stored.pkt, Drop::port_down);
        }
        queue.clear();
    }
}

void SharedMemory::flush()
{
    for (const Item &item : due_) {
        sw_.lose(item.in_port, item.pkt, Drop::port_down);
    }
    due_.clear();
}

} /* namespace ref */
