/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * kernel.h: the one SystemC kernel of the process, host time, and the base of
 * every module: one SC_METHOD, one event, an instant to run at.
 *
 * Same-instant order: at instant T all modules run (their order does not
 * matter: whatever one hands to another arrives at T + 1 ps or later), then
 * done() is called in order of (card, sequence number), then what done() or
 * the caller submits starts, in the order of the calls.
 */
#ifndef OUTRIGGER_MODELS_KERNEL_H
#define OUTRIGGER_MODELS_KERNEL_H

#include <systemc>

#include <string>
#include <vector>

#include "card_state.h"

class Card;

/* A process of a model. All its state is in a CardState; `armed_ps_` only
 * remembers what the event was last notified for. */
class Module : public sc_core::sc_module {
  public:
    SC_HAS_PROCESS(Module);
    Module(const char *name, Card *card, unsigned wake_index);

    /* Recomputes the instant to run at and notifies the event for it. */
    void arm(uint64_t now_ps);
    /* After the state was replaced: forget the old notification. */
    void rearm(uint64_t now_ps);
    void disarm();
    void shift(uint64_t delta_ps);

  protected:
    virtual void run(uint64_t now_ps) = 0;
    /* The next instant > now_ps at which run() has work, or never. */
    virtual uint64_t next_ps(uint64_t now_ps) const = 0;
    /* For waves: brings the traced members up to date; returns the next
     * instant at which one of them changes. */
    virtual uint64_t sample(uint64_t now_ps) = 0;

    Card &card_;

  private:
    void on_event();

    sc_core::sc_event event_;
    unsigned wake_index_;
    uint64_t armed_ps_;
};

class Kernel {
  public:
    static Kernel &get();

    uint64_t now_ps() const
    {
        return now_ps_;
    }
    /* Host time of SystemC's own clock; behind now_ps() while idle. */
    uint64_t clock_ps() const
    {
        return sc_core::sc_time_stamp().value() + offset_ps_;
    }
    bool started() const
    {
        return started_;
    }
    bool tracing() const
    {
        return trace_file_ != nullptr;
    }
    bool advance(uint64_t to_ps);
    uint64_t next_ps() const;
    void set_time(uint64_t host_ps);
    void add(Card *card);
    void remove(Card *card);
    bool trace(const char *path, std::string *ret_err);
    bool fail(const std::string &text);
    /* From a module: an operation finishes at @done_ps. */
    void on_scheduled(uint64_t done_ps);
    const char *error() const
    {
        return failed_ ? error_.c_str() : nullptr;
    }

  private:
    Kernel();

    void start();
    void run_modules();
    uint64_t next_done_ps() const;
    void deliver();

    uint64_t now_ps_ = 0;
    uint64_t offset_ps_ = 0;
    uint64_t target_ps_ = 0; /* while modules run: how far */
    bool started_ = false;
    bool failed_ = false;
    bool advancing_ = false;
    std::string error_;
    std::vector<Card *> cards_;
    sc_core::sc_trace_file *trace_file_ = nullptr;
};

/* Waves (trace.cpp). */
void trace_card(sc_core::sc_trace_file *file, Card *card);

#endif
