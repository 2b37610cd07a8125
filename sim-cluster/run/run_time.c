/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_time.c: simulated time of an execution: grants, timers, and taking in
 * what the nodes did meanwhile.
 *
 * All hosts are granted the next instant at which the engine wants to look or
 * act; the network (net.h) keeps them together on the way there.
 */
#include "run_execution.h"

#include "run_interrupt.h"
#include "run_pause.h"
#include "runtime.h"
#include "step_load.h"

/* Between looks that nobody waits for; also how often progress moves. */
#define IDLE_STRIDE_PS (100 * PS_PER_MS)
/* A wait looks again after a 16th of what it has waited. */
#define LOOK_SHARE 16
#define LOOK_MAX_PS (50 * PS_PER_MS)

typedef struct Timer {
    uint64_t at_ps;
    uint64_t seq;
    RunTimerFn fn;
    void *opaque;
} Timer;

/* ---- timers ------------------------------------------------------------ */

GArray *run_timers_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(Timer));
}

static Timer *timer_at(const Execution *x, unsigned index)
{
    return &g_array_index(x->timers, Timer, index);
}

static bool timer_before(const Timer *a, const Timer *b)
{
    return a->at_ps != b->at_ps ? a->at_ps < b->at_ps : a->seq < b->seq;
}

/* Index of the earliest; -1: none. */
static int earliest(const Execution *x)
{
    int best = -1;

    for (unsigned i = 0; i < x->timers->len; i++) {
        if (best < 0 ||
            timer_before(timer_at(x, i), timer_at(x, (unsigned)best))) {
            best = (int)i;
        }
    }
    return best;
}

void run_timer_add(Execution *x, uint64_t at_ps, RunTimerFn fn, void *opaque)
{
    Timer t = { at_ps, x->timer_seq++, fn, opaque };

    g_array_append_val(x->timers, t);
}

void run_timer_remove(Execution *x, RunTimerFn fn, void *opaque)
{
    for (unsigned i = x->timers->len; i-- > 0;) {
        if (timer_at(x, i)->fn == fn && timer_at(x, i)->opaque == opaque) {
            g_array_remove_index(x->timers, i);
        }
    }
}

static bool fire_timers(Execution *x, GError **error)
{
    int i;

    while ((i = earliest(x)) >= 0 &&
           timer_at(x, (unsigned)i)->at_ps <= x->now_ps) {
        Timer t = *timer_at(x, (unsigned)i);
        GError *local = NULL;

        g_array_remove_index(x->timers, (unsigned)i);
        t.fn(x, t.opaque, &local);
        if (local) {
            g_propagate_error(error, local);
            return false;
        }
    }
    return true;
}

/* ---- events ------------------------------------------------------------ */

typedef struct Taken {
    CardEvent ev;
    RunNode *node;
} Taken;

static int by_time(const void *a, const void *b)
{
    const Taken *x = a;
    const Taken *y = b;

    return x->ev.at_ps < y->ev.at_ps ? -1 : x->ev.at_ps > y->ev.at_ps;
}

static void take_one(Execution *x, const Taken *t)
{
    EventNames names = { .node = host_name(t->node->host),
                         .interfaces = t->node->interface_names,
                         .drives = t->node->drive_names };

    event_log_card(x->events, t->ev.at_ps, &names, &t->ev);
    card_stats_add(t->node->stats, &t->ev);
}

bool run_take_events(Execution *x, GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Taken));
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(CardEvent));
    unsigned sources = 0;

    for (unsigned i = 0; i < x->nodes->len; i++) {
        RunNode *n = g_ptr_array_index(x->nodes, i);

        g_array_set_size(events, 0);
        if (n->log && !card_log_read(n->log, events, error)) {
            return false;
        }
        sources += events->len > 0;
        for (unsigned k = 0; k < events->len; k++) {
            Taken t = { g_array_index(events, CardEvent, k), n };

            g_array_append_val(all, t);
        }
    }
    if (sources > 1) {
        g_array_sort(all, by_time); /* a stable sort: nodes stay in order */
    }
    for (unsigned k = 0; k < all->len; k++) {
        take_one(x, &g_array_index(all, Taken, k));
    }
    return true;
}

/* ---- time -------------------------------------------------------------- */

uint64_t run_next_look_ps(const Execution *x, uint64_t since_ps)
{
    uint64_t step_ps = x->scn->time->step_ps;
    uint64_t share_ps = (x->now_ps - since_ps) / LOOK_SHARE;
    uint64_t stride_ps = MIN(share_ps, LOOK_MAX_PS) / step_ps * step_ps;

    return x->now_ps + MAX(stride_ps, step_ps);
}

static uint64_t whole_ns(uint64_t ps)
{
    return (ps + PS_PER_NS - 1) / PS_PER_NS * PS_PER_NS;
}

static uint64_t next_stop(const Execution *x, uint64_t until_ps)
{
    uint64_t next_ps = MIN(until_ps, x->now_ps + IDLE_STRIDE_PS);
    int i = earliest(x);

    if (i >= 0) {
        next_ps = MIN(next_ps, timer_at(x, (unsigned)i)->at_ps);
    }
    for (unsigned k = 0; k < x->loads->len; k++) {
        StepRun *load = g_ptr_array_index(x->loads, k);

        next_ps = MIN(next_ps, run_next_look_ps(x, load->begin_ps));
    }
    next_ps = MIN(next_ps, x->scn->time->limit_ps);
    if (x->options->until_ps) {
        next_ps = MIN(next_ps, x->options->until_ps);
    }
    return whole_ns(MAX(next_ps, x->now_ps));
}

static bool run_hosts(Execution *x, uint64_t to_ps, GError **error)
{
    net_tell(x->net, to_ps);
    for (unsigned i = 0; i < x->nodes->len; i++) {
        RunNode *n = g_ptr_array_index(x->nodes, i);

        if (!host_grant(n->host, to_ps, error)) {
            return false;
        }
    }
    if (!net_run(x->net, to_ps, error)) {
        return false;
    }
    for (unsigned i = 0; i < x->nodes->len; i++) {
        RunNode *n = g_ptr_array_index(x->nodes, i);

        if (!host_settle(n->host, to_ps, error)) {
            return false;
        }
    }
    x->now_ps = to_ps;
    run_tap_advance(x->tap, to_ps);
    return run_take_events(x, error);
}

/* A pause in between splits the way, not what happens on it: steps look where
 * they would have looked without it. */
static bool run_hosts_pausing(Execution *x, uint64_t to_ps, GError **error)
{
    uint64_t pause_ps = whole_ns(x->options->pause_ps);

    if (pause_ps > x->now_ps && pause_ps <= to_ps) {
        if (!run_hosts(x, pause_ps, error)) {
            return false;
        }
        run_pause_and_go_on(x);
    }
    return to_ps == x->now_ps || run_hosts(x, to_ps, error);
}

/* Guests that have powered off meanwhile. */
static bool end_powered_off(Execution *x, GError **error)
{
    for (unsigned i = 0; i < x->nodes->len; i++) {
        RunNode *n = g_ptr_array_index(x->nodes, i);

        if (host_state(n->host) == HOST_ON && host_powered_off(n->host) &&
            !run_node_quit(x, n, error)) {
            return false;
        }
    }
    return true;
}

static bool check_limit(Execution *x, GError **error)
{
    g_autofree char *limit = NULL;

    if (x->now_ps < x->scn->time->limit_ps) {
        return true;
    }
    limit = unit_format(UNIT_DURATION, (int64_t)x->scn->time->limit_ps);
    g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_LIMIT,
                "the simulated time limit of %s passed", limit);
    return false;
}

bool run_advance(Execution *x, uint64_t until_ps, GError **error)
{
    uint64_t to_ps;

    if (run_interrupt_error(error) || !check_limit(x, error)) {
        return false;
    }
    to_ps = next_stop(x, until_ps);
    if (to_ps > x->now_ps && !run_hosts_pausing(x, to_ps, error)) {
        return false;
    }
    progress_at(x->progress, x->now_ps, x->current);
    if (!end_powered_off(x, error) || !step_load_look(x, error) ||
        !fire_timers(x, error)) {
        return false;
    }
    if (x->options->until_ps && x->now_ps >= x->options->until_ps) {
        x->stopped = true;
    }
    return true;
}
