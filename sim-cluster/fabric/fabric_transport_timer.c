/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_transport_timer.c: one heap of timers a host, in the order (instant,
 * order of arming).
 */
#include "fabric_transport_priv.h"

static inline bool before(const FabricTimer *a, const FabricTimer *b)
{
    return a->due_ps != b->due_ps ? a->due_ps < b->due_ps
                                  : a->armed_seq < b->armed_seq;
}

static inline void place(FabricEndpoint *e, FabricTimer *t, uint32_t at)
{
    e->timer[at] = t;
    t->at = at;
}

static void sift_up(FabricEndpoint *e, FabricTimer *t, uint32_t at)
{
    while (at > 1 && before(t, e->timer[at / 2])) {
        place(e, e->timer[at / 2], at);
        at /= 2;
    }
    place(e, t, at);
}

static void sift_down(FabricEndpoint *e, FabricTimer *t, uint32_t at)
{
    for (;;) {
        uint32_t child = 2 * at;

        if (child > e->n_timers) {
            break;
        }
        if (child < e->n_timers &&
            before(e->timer[child + 1], e->timer[child])) {
            child++;
        }
        if (!before(e->timer[child], t)) {
            break;
        }
        place(e, e->timer[child], at);
        at = child;
    }
    place(e, t, at);
}

void fabric_timer_set(FabricEndpoint *e, FabricTimer *t, uint64_t due_ps,
                      void (*fire)(FabricEndpoint *e, FabricTimer *t),
                      void *owner)
{
    bool sooner;

    t->armed_seq = e->timer_seq++;
    t->fire = fire;
    t->owner = owner;
    if (t->at) {
        sooner = due_ps < t->due_ps;
        t->due_ps = due_ps;
        if (sooner) {
            sift_up(e, t, t->at);
        } else {
            sift_down(e, t, t->at);
        }
        return;
    }
    t->due_ps = due_ps;
    if (e->n_timers + 1 >= e->cap_timers) {
        e->cap_timers = e->cap_timers ? e->cap_timers * 2 : 16;
        e->timer = g_renew(FabricTimer *, e->timer, e->cap_timers);
    }
    sift_up(e, t, ++e->n_timers);
}

void fabric_timer_stop(FabricEndpoint *e, FabricTimer *t)
{
    FabricTimer *last;
    uint32_t at = t->at;

    if (at == 0) {
        return;
    }
    t->at = 0;
    last = e->timer[e->n_timers--];
    if (last == t) {
        return;
    }
    if (at > 1 && before(last, e->timer[at / 2])) {
        sift_up(e, last, at);
    } else {
        sift_down(e, last, at);
    }
}

void fabric_timers_fire(FabricEndpoint *e)
{
    FabricTimer *t = e->timer[1];

    fabric_timer_stop(e, t);
    t->fire(e, t);
}
