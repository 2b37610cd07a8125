/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_model.cpp: wires the blocks, drives SystemC, takes control calls.
 *
 * A run ends one picosecond before its instant, so that whatever is due at
 * that instant still lies ahead when control calls come.
 */
#include "blocks.h"

namespace ref {

static std::string part(const char *name, const char *kind, unsigned n)
{
    return std::string(name) + "_" + kind + std::to_string(n);
}

Switch::Switch(const char *name, const Config &c, Listener *l)
    : config(c), listener(l), tables(config),
      parser(part(name, "parser", 0).c_str(), this, c.pipeline_ps / 3),
      lookup(part(name, "lookup", 0).c_str(), this,
             c.pipeline_ps - c.pipeline_ps / 3),
      memory(part(name, "memory", 0).c_str(), this)
{
    for (unsigned p = 0; p < c.ports; p++) {
        rx.push_back(
            std::make_unique<MacRx>(part(name, "rx", p).c_str(), this, p));
        scheduler.push_back(std::make_unique<Scheduler>(
            part(name, "scheduler", p).c_str(), this, p));
        tx.push_back(
            std::make_unique<MacTx>(part(name, "tx", p).c_str(), this, p));
    }
}

void Switch::lose(unsigned port, const Packet &pkt, Drop why)
{
    uint64_t now =
        standing ? stands_ps : sc_core::sc_time_stamp().value() - base_ps;

    listener->drop(port, now, pkt, why);
}

static void advance_to(uint64_t clock_ps)
{
    uint64_t now = sc_core::sc_time_stamp().value();

    if (clock_ps > now) {
        sc_core::sc_start(sc_core::sc_time::from_value(clock_ps - now));
    }
    /* SystemC 2.3.4 holds back the delta cycles of the end time. */
    while (sc_core::sc_pending_activity_at_current_time()) {
        sc_core::sc_start(sc_core::SC_ZERO_TIME);
    }
}

/* Zero is SystemC's present: other switches may have run before. */
void Switch::begin()
{
    if (!begun_) {
        begun_ = true;
        base_ps = sc_core::sc_time_stamp().value();
        base_ps += base_ps != 0;
    }
}

void Switch::run(uint64_t until_ps)
{
    if (until_ps <= stands_ps) {
        return;
    }
    begin();
    standing = false;
    advance_to(base_ps + until_ps - 1);
    standing = true;
    stands_ps = until_ps;
}

/* ---- control ------------------------------------------------------------- */

void Switch::set_port_up(unsigned port, bool up)
{
    Stored lost;

    if (tx[port]->up == up) {
        return;
    }
    tx[port]->up = rx[port]->locked = up;
    if (up) {
        return;
    }
    if (tx[port]->abort(&lost)) {
        memory.take_back(port, lost);
        lose(port, lost.pkt, Drop::port_down);
    }
    memory.drop_port(port);
    scheduler[port]->reset();
    tables.forget_port(port);
}

void Switch::set_up(bool up)
{
    if (is_up == up) {
        return;
    }
    is_up = up;
    if (up) {
        return;
    }
    parser.flush();
    lookup.flush();
    memory.flush();
    for (unsigned p = 0; p < config.ports; p++) {
        Stored lost;

        if (tx[p]->abort(&lost)) {
            memory.take_back(p, lost);
            lose(p, lost.pkt, Drop::port_down);
        }
        memory.drop_port(p);
        scheduler[p]->reset();
    }
    tables.forget_all();
}

/* ---- the outside --------------------------------------------------------- */

SwitchModel::SwitchModel(const char *name, const Config &config,
                         Listener *listener)
    : switch_(std::make_unique<Switch>(name, config, listener))
{
}

SwitchModel::~SwitchModel() = default;

void SwitchModel::arrive(unsigned port, uint64_t ps, const Packet &pkt)
{
    switch_->begin();
    switch_->rx[port]->expect(ps, pkt);
}

void SwitchModel::run(uint64_t until_ps)
{
    switch_->run(until_ps);
}

void SwitchModel::set_up(bool up)
{
    switch_->set_up(up);
}

void SwitchModel::port_up(unsigned port, bool up)
{
    switch_->set_port_up(port, up);
}

void SwitchModel::port_rate(unsigned port, uint64_t rate_bps)
{
    switch_->tx[port]->rate_bps = rate_bps;
}

void SwitchModel::port_flood(unsigned port, bool flood)
{
    switch_->rx[port]->forwards_l2 = flood;
}

void SwitchModel::group(unsigned group, const std::vector<unsigned> &ports)
{
    switch_->tables.groups[group] = ports;
}

void SwitchModel::routes(const std::vector<Route> &routes)
{
    switch_->tables.routes = routes;
}

void SwitchModel::mac_static(uint64_t mac, unsigned port)
{
    switch_->tables.add_static(mac, port);
}

uint32_t SwitchModel::cells_used() const
{
    return switch_->memory.used_cells;
}

} /* namespace ref */
