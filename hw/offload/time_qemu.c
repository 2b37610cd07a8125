/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * time_qemu.c: one clock for the cores and the models of all cards.
 *
 * Host time is QEMU_CLOCK_VIRTUAL in picoseconds, plus an offset that is
 * taken anew whenever the machine starts to run: after a load the models and
 * cores go on at the instant of saving, wherever QEMU's clock stands then.
 * One QEMU timer is armed for
 * the next instant at which a core will be called; picoseconds round up to
 * QEMU's nanoseconds, but each core is called with the exact instant, in
 * order. Between two wake-ups the models' inner events are replayed at their
 * own instants, so they need no wake-up of their own.
 *
 * Not modelled: more than one clock; cards whose time runs apart.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include "system/runstate.h"
#include "card_qemu.h"

#define INSTANT_MOST 100000u /* untimed operations of a card in one go */
#define LATER_PS 1000000000u

static QTAILQ_HEAD(, OffloadCard) cards = QTAILQ_HEAD_INITIALIZER(cards);
static QEMUTimer *wake;
static int64_t armed_ns = INT64_MAX;
static uint64_t now_ps;
static int64_t offset_ps; /* host time - QEMU_CLOCK_VIRTUAL */
static bool timed;        /* some card has models */
static unsigned depth;

static uint64_t host_ps(void)
{
    return (uint64_t)qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) * 1000 + offset_ps;
}

int64_t offload_time_offset_ps(void)
{
    return offset_ps;
}

uint64_t offload_time_now_ps(void)
{
    return now_ps;
}

/* Storage and NICs share functions, models and timers of a card. */
static void dispatch_done(OffloadCard *card, uint64_t tag, uint64_t at_ps)
{
    unsigned fn = seam_tag_fn(tag);

    if (seam_tag_owner(tag) != SEAM_OWNER_NIC) {
        card->app->model_done(card->core, tag, at_ps);
    } else if (fn < card->n_functions && card->nics[fn]) {
        ena_model_done(card->nics[fn]->core, tag, at_ps);
    }
}

void offload_model_done(void *opaque, uint64_t tag, uint64_t at_ps)
{
    now_ps = at_ps;
    dispatch_done(opaque, tag, at_ps);
}

void offload_timer_set(OffloadCard *card, unsigned timer, uint64_t at_ps)
{
    OffloadTimers *t = &card->timers;

    t->at_ps[timer] = at_ps;
    t->earliest_ps = SEAM_NEVER;
    for (unsigned i = 0; i < SEAM_TIMERS; i++) {
        t->earliest_ps = MIN(t->earliest_ps, t->at_ps[i]);
    }
}

static OffloadCard *earliest_timer(void)
{
    OffloadCard *card, *best = NULL;

    QTAILQ_FOREACH (card, &cards, next) {
        if (!best || card->timers.earliest_ps < best->timers.earliest_ps) {
            best = card;
        }
    }
    return best;
}

static void fire_timer(OffloadCard *card)
{
    OffloadTimers *t = &card->timers;

    for (unsigned i = 0; i < SEAM_TIMERS; i++) {
        if (t->at_ps[i] == t->earliest_ps) {
            offload_timer_set(card, i, SEAM_NEVER);
            if (i < SEAM_TIMER_NIC) {
                card->app->timer(card->core, i);
            } else if (card->nics[i - SEAM_TIMER_NIC]) {
                ena_timer(card->nics[i - SEAM_TIMER_NIC]->core);
            }
            return;
        }
    }
}

/* Untimed cards: what was submitted is done, in order, now. A guest can make
 * commands whose data ring for the next ones, for ever: the rest of so many is
 * left for later, and the emulator stays answerable. */
static void drain_instant(void)
{
    OffloadCard *card;
    uint64_t tag;

    QTAILQ_FOREACH (card, &cards, next) {
        while (card->instant_done < card->instant->len &&
               card->instant_done < INSTANT_MOST) {
            tag = g_array_index(card->instant, uint64_t, card->instant_done++);
            dispatch_done(card, tag, now_ps);
        }
        if (card->instant_done) {
            g_array_remove_range(card->instant, 0, card->instant_done);
            card->instant_done = 0;
        }
    }
}

static bool left_over(void)
{
    OffloadCard *card;

    QTAILQ_FOREACH (card, &cards, next) {
        if (card->instant->len) {
            return true;
        }
    }
    return false;
}

static void advance_models(uint64_t to_ps)
{
    if (timed && !models_advance(to_ps)) {
        error_report("timing models failed: %s", models_error());
        exit(99);
    }
    now_ps = to_ps;
}

static uint64_t next_ps(void)
{
    OffloadCard *card = earliest_timer();
    uint64_t timer = card ? card->timers.earliest_ps : SEAM_NEVER;

    return MIN(timer, timed ? models_next_ps() : SEAM_NEVER);
}

/* Calls cores for everything that is due, each at its own instant. */
static void run_until(uint64_t to_ps)
{
    OffloadCard *card;
    uint64_t at, model_ps;

    drain_instant();
    while ((at = next_ps()) <= to_ps) {
        model_ps = timed ? models_next_ps() : SEAM_NEVER;
        advance_models(MAX(at, now_ps));
        card = earliest_timer();
        if (model_ps > at && card && card->timers.earliest_ps <= now_ps) {
            fire_timer(card);
        }
        drain_instant();
    }
    if (to_ps > now_ps) {
        advance_models(to_ps);
    }
}

static void poll_updates(void)
{
    OffloadCard *card;

    QTAILQ_FOREACH (card, &cards, next) {
        if (card->update_file) {
            offload_card_update_poll(card);
        }
    }
}

static void arm(void)
{
    uint64_t at = left_over() ? now_ps + LATER_PS : next_ps();
    int64_t ns =
        at == SEAM_NEVER ? INT64_MAX : ((int64_t)at - offset_ps + 999) / 1000;

    if (ns == armed_ns) {
        return;
    }
    armed_ns = ns;
    if (ns == INT64_MAX) {
        timer_del(wake);
    } else {
        timer_mod(wake, ns);
    }
}

void offload_time_enter(void)
{
    if (depth++ == 0) {
        run_until(MAX(host_ps(), now_ps));
    }
}

void offload_time_enter_at(uint64_t at_ps)
{
    if (depth++ == 0) {
        run_until(MAX(MIN(host_ps(), at_ps), now_ps));
    }
}

void offload_time_leave(void)
{
    if (depth == 1) {
        run_until(now_ps);
        poll_updates();
        run_until(now_ps);
        arm();
    }
    depth--;
}

static void wake_cb(void *opaque)
{
    armed_ns = INT64_MAX;
    offload_time_enter();
    offload_time_leave();
}

bool offload_time_load(uint64_t at_ps)
{
    if (at_ps > OFFLOAD_TIME_MOST_PS) {
        return false;
    }
    now_ps = at_ps;
    if (timed) {
        models_set_time(now_ps);
    }
    return true;
}

static void run_state_changed(void *opaque, bool running, RunState state)
{
    if (!running) {
        offload_time_enter();
        offload_time_leave();
        return;
    }
    offset_ps += now_ps - host_ps();
    armed_ns = INT64_MIN;
    arm();
}

void offload_time_use(void)
{
    if (!wake) {
        wake = timer_new_ns(QEMU_CLOCK_VIRTUAL, wake_cb, NULL);
        qemu_add_vm_change_state_handler(run_state_changed, NULL);
    }
}

void offload_time_add(OffloadCard *card)
{
    offload_time_use();
    timed |= card->model != NULL;
    QTAILQ_INSERT_TAIL(&cards, card, next);
}

OffloadEna *offload_ena_find(const char *interface, Error **errp)
{
    OffloadCard *card;
    int fn;

    QTAILQ_FOREACH (card, &cards, next) {
        fn = offload_card_function(card, interface);
        if (fn >= 0 && card->nics[fn]) {
            return card->nics[fn];
        }
    }
    error_setg(errp, "no NIC has the name '%s'", interface);
    return NULL;
}
