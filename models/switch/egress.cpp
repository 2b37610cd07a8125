/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * egress.cpp: from the memory to the wire: Scheduler and MacTx.
 */
#include "blocks.h"

#include <algorithm>

namespace ref {

constexpr uint32_t kOverheadBytes = 24; /* preamble, delimiter, FCS, gap */

/* ---- Scheduler ----------------------------------------------------------- */

Scheduler::Scheduler(const char *name, Switch *sw, unsigned port)
    : Block(name, sw), port_(port), deficit_(sw->config.queues.size())
{
}

/* After the memory has settled, one delta cycle later. */
void Scheduler::look()
{
    if (sw_.tx[port_]->busy) {
        return;
    }
    for (unsigned q = 0; q < deficit_.size(); q++) {
        if (!sw_.memory.queue(port_, q).empty()) {
            wake_next_delta();
            return;
        }
    }
}

void Scheduler::reset()
{
    std::fill(deficit_.begin(), deficit_.end(), 0);
    turn_ = 0;
    granted_ = false;
}

void Scheduler::pass_turn()
{
    granted_ = false;
    turn_ = (turn_ + 1) % deficit_.size();
}

/* The queue whose head goes next; some queue has one. */
int Scheduler::choose()
{
    const std::vector<Queue> &rules = sw_.config.queues;
    bool any = false;

    for (unsigned q = rules.size(); q-- > 0;) {
        bool has = !sw_.memory.queue(port_, q).empty();

        if (has && rules[q].strict) {
            return static_cast<int>(q);
        }
        any |= has;
    }
    while (any) {
        const auto &queue = sw_.memory.queue(port_, turn_);

        if (rules[turn_].strict || queue.empty()) {
            pass_turn();
            continue;
        }
        if (!granted_) {
            deficit_[turn_] += rules[turn_].quantum_bytes;
            granted_ = true;
        }
        if (queue.front().pkt.bytes + kOverheadBytes <= deficit_[turn_]) {
            return static_cast<int>(turn_);
        }
        pass_turn();
    }
    return -1;
}

void Scheduler::act()
{
    int q = choose();

    if (q < 0) {
        return;
    }
    auto &queue = sw_.memory.queue(port_, static_cast<unsigned>(q));
    Stored head = queue.front();

    queue.pop_front();
    if (!sw_.config.queues[static_cast<unsigned>(q)].strict) {
        deficit_[turn_] -= head.pkt.bytes + kOverheadBytes;
        if (queue.empty()) {
            deficit_[turn_] = 0;
            pass_turn();
        }
    }
    sw_.tx[port_]->send(head);
}

/* ---- MacTx --------------------------------------------------------------- */

MacTx::MacTx(const char *name, Switch *sw, unsigned port)
    : Block(name, sw), port_(port)
{
}

void MacTx::send(const Stored &stored)
{
    unsigned __int128 bit_ps =
        static_cast<unsigned __int128>(stored.pkt.bytes + kOverheadBytes) * 8 *
        1000000000000ull;

    sending_ = stored;
    busy = true;
    end_ps_ =
        now_ps() + static_cast<uint64_t>((bit_ps + rate_bps - 1) / rate_bps);
    wake_at(end_ps_);
}

void MacTx::act()
{
    busy = false;
    sw_.listener->depart(port_, now_ps(), sending_.pkt);
    sw_.memory.release(port_, sending_);
}

bool MacTx::abort(Stored *lost)
{
    if (!busy) {
        return false;
    }
    busy = false;
    sleep();
    *lost = sending_;
    return true;
}

} /* namespace ref */
