/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * kernel.cpp: drives the SystemC kernel from plain code, without sc_main.
 *
 * SystemC's clock never goes back and is left behind while nothing happens;
 * host time is that clock plus an offset, or later. SystemC 2.3.4 holds back
 * the delta cycle at the end of sc_start(d), so a second call runs it.
 */
#include "kernel.h"

#include <algorithm>
#include <stdexcept>

#include "card.h"

/* No instant needs more calls of sc_start than its end and its delta. */
constexpr unsigned kMostRounds = 16;

/* libsystemc refers to it; nothing calls it here. */
extern "C" int sc_main(int, char *[])
{
    return 0;
}

Module::Module(const char *name, Card *card, unsigned wake_index)
    : sc_module(sc_core::sc_module_name(name)), card_(*card),
      wake_index_(wake_index), armed_ps_(MODEL_PS_NEVER)
{
    SC_METHOD(on_event);
    sensitive << event_;
    dont_initialize();
    card_.s().wake_ps[wake_index_] = MODEL_PS_NEVER;
}

void Module::arm(uint64_t now_ps)
{
    Kernel &kernel = Kernel::get();
    uint64_t wake_ps = next_ps(now_ps);

    if (wake_ps > now_ps) {
        card_.s().wake_ps[wake_index_] = wake_ps;
    }
    if (kernel.tracing()) {
        wake_ps = std::min(wake_ps, sample(now_ps));
    }
    /* Not later than now: asked by another module at an instant at which
     * this one is still to run. It will arm itself then. */
    if (wake_ps > now_ps && wake_ps < armed_ps_) {
        event_.notify(
            sc_core::sc_time::from_value(wake_ps - kernel.clock_ps()));
        armed_ps_ = wake_ps;
    }
}

void Module::disarm()
{
    event_.cancel();
    armed_ps_ = MODEL_PS_NEVER;
    card_.s().wake_ps[wake_index_] = MODEL_PS_NEVER;
}

void Module::rearm(uint64_t now_ps)
{
    event_.cancel();
    armed_ps_ = MODEL_PS_NEVER;
    arm(now_ps);
}

void Module::shift(uint64_t delta_ps)
{
    if (armed_ps_ != MODEL_PS_NEVER) {
        armed_ps_ += delta_ps;
    }
}

void Module::on_event()
{
    uint64_t now_ps = Kernel::get().clock_ps();

    armed_ps_ = MODEL_PS_NEVER;
    card_.s().counter[COUNT_EVENTS]++;
    run(now_ps);
    arm(now_ps);
}

Kernel &Kernel::get()
{
    static Kernel *kernel = new Kernel;

    return *kernel;
}

Kernel::Kernel()
{
    using sc_core::sc_report_handler;

    sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    sc_report_handler::set_actions(sc_core::SC_WARNING, sc_core::SC_DO_NOTHING);
    sc_report_handler::set_actions(sc_core::SC_ERROR, sc_core::SC_THROW);
    sc_report_handler::set_actions(sc_core::SC_FATAL, sc_core::SC_THROW);
    sc_core::sc_set_time_resolution(1, sc_core::SC_PS);
}

void Kernel::add(Card *card)
{
    cards_.push_back(card);
}

void Kernel::remove(Card *card)
{
    cards_.erase(std::find(cards_.begin(), cards_.end(), card));
}

bool Kernel::fail(const std::string &text)
{
    if (!failed_) {
        error_ = text;
        failed_ = true;
    }
    return false;
}

void Kernel::start()
{
    if (!started_) {
        started_ = true;
        sc_core::sc_start(sc_core::SC_ZERO_TIME);
    }
}

/* Runs every module that has work up to and including target_ps_, which
 * comes closer when a module schedules an earlier end on the way. */
void Kernel::run_modules()
{
    using namespace sc_core;
    uint64_t last_ps = MODEL_PS_NEVER;
    unsigned rounds = 0;

    while (sc_time_to_pending_activity().value() <= target_ps_ - clock_ps() ||
           (tracing() && clock_ps() < target_ps_)) {
        rounds = clock_ps() == last_ps ? rounds + 1 : 0;
        last_ps = clock_ps();
        if (rounds > kMostRounds) {
            throw std::runtime_error("time stands still at " +
                                     std::to_string(last_ps) + " ps");
        }
        sc_start(sc_time::from_value(target_ps_ - clock_ps()));
    }
}

void Kernel::on_scheduled(uint64_t done_ps)
{
    if (done_ps < target_ps_) {
        target_ps_ = done_ps;
        sc_core::sc_pause();
    }
}

uint64_t Kernel::next_done_ps() const
{
    uint64_t at_ps = MODEL_PS_NEVER;

    for (const Card *card : cards_) {
        at_ps = std::min(at_ps, card->next_done_ps());
    }
    return at_ps;
}

/* Calls done() for all that finish now; the calls may submit, but what they
 * submit finishes later than now. */
void Kernel::deliver()
{
    for (size_t i = 0; i < cards_.size(); i++) {
        cards_[i]->deliver(now_ps_);
    }
}

bool Kernel::advance(uint64_t to_ps)
{
    if (failed_ || advancing_) {
        return !failed_;
    }
    advancing_ = true;
    try {
        start();
        while (now_ps_ < to_ps || next_done_ps() <= to_ps) {
            target_ps_ = std::min(to_ps, next_done_ps());
            run_modules();
            now_ps_ = target_ps_;
            target_ps_ = 0;
            deliver();
        }
    } catch (const std::exception &e) {
        std::string text = e.what();

        std::replace(text.begin(), text.end(), '\n', ' ');
        fail(text);
    }
    advancing_ = false;
    return !failed_;
}

uint64_t Kernel::next_ps() const
{
    uint64_t at_ps = MODEL_PS_NEVER;

    for (const Card *card : cards_) {
        at_ps = std::min(at_ps, card->next_bound_ps());
    }
    return at_ps;
}

void Kernel::set_time(uint64_t host_ps)
{
    uint64_t delta_ps = host_ps - now_ps_;

    for (Card *card : cards_) {
        card->shift(now_ps_, delta_ps);
    }
    offset_ps_ += delta_ps;
    now_ps_ = host_ps;
}

bool Kernel::trace(const char *path, std::string *ret_err)
{
    if (started_ || trace_file_) {
        *ret_err = "waves must be asked for once, before time runs";
        return false;
    }
    try {
        trace_file_ = sc_core::sc_create_vcd_trace_file(path);
        trace_file_->set_time_unit(1, sc_core::SC_PS);
        for (Card *card : cards_) {
            trace_card(trace_file_, card);
        }
    } catch (const std::exception &e) {
        trace_file_ = nullptr;
        *ret_err = std::string(path) + ": " + e.what();
        return false;
    }
    return true;
}
