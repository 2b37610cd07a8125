/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ingress.cpp: from the wire to the memory: MacRx, Parser, Lookup.
 */
#include "blocks.h"

namespace ref {

Block::Block(sc_core::sc_module_name name, Switch *sw)
    : sc_module(name), sw_(*sw)
{
    SC_METHOD(act);
    sensitive << event_;
    dont_initialize();
}

uint64_t Block::now_ps() const
{
    return sw_.standing ? sw_.stands_ps
                        : sc_core::sc_time_stamp().value() - sw_.base_ps;
}

/* SystemC's clock may stand one picosecond before the switch's instant. */
void Block::wake_at(uint64_t ps)
{
    uint64_t clock_ps = sc_core::sc_time_stamp().value() - sw_.base_ps;

    event_.notify(sc_core::sc_time::from_value(ps - clock_ps));
}

void Block::wake_next_delta()
{
    event_.notify(sc_core::SC_ZERO_TIME);
}

void Block::sleep()
{
    event_.cancel();
}

/* ---- MacRx --------------------------------------------------------------- */

MacRx::MacRx(const char *name, Switch *sw, unsigned port)
    : Block(name, sw), port_(port)
{
}

void MacRx::expect(uint64_t ps, const Packet &pkt)
{
    if (arriving_.empty()) {
        wake_at(ps);
    }
    arriving_.push_back({ pkt, port_, ps });
}

void MacRx::act()
{
    while (!arriving_.empty() && arriving_.front().at_ps == now_ps()) {
        Item item = arriving_.front();

        arriving_.pop_front();
        if (locked && sw_.is_up) {
            sw_.parser.enter(item);
        } else {
            sw_.lose(port_, item.pkt, Drop::port_down);
        }
    }
    if (!arriving_.empty()) {
        wake_at(arriving_.front().at_ps);
    }
}

/* ---- stages -------------------------------------------------------------- */

Stage::Stage(const char *name, Switch *sw, uint64_t latency_ps)
    : Block(name, sw), latency_ps_(latency_ps)
{
}

void Stage::enter(Item item)
{
    item.at_ps = now_ps() + latency_ps_;
    if (items_.empty()) {
        wake_at(item.at_ps);
    }
    items_.push_back(item);
}

void Stage::flush()
{
    for (const Item &item : items_) {
        sw_.lose(item.in_port, item.pkt, Drop::port_down);
    }
    items_.clear();
    sleep();
}

void Stage::act()
{
    while (!items_.empty() && items_.front().at_ps == now_ps()) {
        Item item = items_.front();

        items_.pop_front();
        leave(item);
    }
    if (!items_.empty()) {
        wake_at(items_.front().at_ps);
    }
}

void Parser::leave(const Item &item)
{
    sw_.lookup.enter(item);
}

void Lookup::leave(const Item &item)
{
    sw_.memory.deliver(item);
}

} /* namespace ref */
