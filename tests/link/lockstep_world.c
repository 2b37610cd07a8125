/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_world.c: hosts, switch, and the run by one event queue.
 */
#include "lockstep_world.h"

#include <string.h>

uint64_t world_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t *state, uint64_t n)
{
    return world_random(state) % n;
}

/* Often on a grid, so that things coincide. */
static uint64_t some_ps(uint64_t *state, uint64_t least_ps)
{
    static const uint64_t grid[] = { 0,    1,    500,  999,  1000,
                                     1001, 2000, 3000, 5000, 20000 };
    uint64_t ps = below(state, 3) ? grid[below(state, 10)] : below(state, 8000);

    return ps < least_ps ? least_ps : ps;
}

static void init_host(WorldHost *h, uint64_t *r, unsigned i)
{
    static const uint64_t paces[] = { 2, 7, 20, 100, 700 };

    h->egress_ps = some_ps(r, 1);
    h->pace_ns = paces[below(r, 5)];
    h->busy = below(r, 2);
    h->random = world_random(r);
    h->held_ps = h->release_ns = NEVER;
    for (unsigned k = 0; k < WORLD_TIMERS; k++) {
        h->timer_ns[k] = k ? NEVER : 1 + below(r, h->pace_ns + i);
    }
}

void world_init(World *w, uint64_t seed)
{
    uint64_t r = seed, at_ps = 0;

    memset(w, 0, sizeof(*w));
    w->seed = seed;
    w->hosts = 2 + (unsigned)below(&r, WORLD_HOSTS - 1);
    w->late = below(&r, 2);
    w->queue_ps = some_ps(&r, 1);
    w->window_ps = below(&r, 3) ? 0 : 1000 + some_ps(&r, 1);
    for (unsigned i = 0; i < w->hosts; i++) {
        w->up_ps[i] = some_ps(&r, WORLD_UP_PS);
        w->down_ps[i] = some_ps(&r, 0);
        w->inbox_ps[i] = NEVER;
        init_host(&w->host[i], &r, i);
    }
    for (unsigned e = 0; e < WORLD_EDGES; e++) {
        at_ps += (1 + below(&r, 150)) * 1000;
        w->edge_ps[e] = at_ps;
        w->moves[e] = below(&r, 2) ? (int)below(&r, w->hosts) : -1;
    }
}

/* ---- a host -------------------------------------------------------------- */

uint64_t world_run_ps(const WorldHost *h, uint64_t virtual_ns)
{
    return virtual_ns == NEVER ? NEVER : virtual_ns * 1000 + h->base_ps;
}

uint64_t world_timer_ns(const WorldHost *h)
{
    uint64_t ns = h->release_ns;

    for (unsigned k = 0; k < WORLD_TIMERS; k++) {
        ns = h->timer_ns[k] < ns ? h->timer_ns[k] : ns;
    }
    return ns;
}

uint64_t world_ring_ps(const Ring *r)
{
    return r->put == r->taken ? NEVER : r->frame[r->taken].ps;
}

uint64_t world_inbox_ns(const WorldHost *h)
{
    uint64_t ps = world_ring_ps(&h->in);

    if (ps == NEVER) {
        return NEVER;
    }
    ps -= ps < h->base_ps ? ps : h->base_ps;
    return (ps + 999) / 1000;
}

static void note(WorldHost *h, uint64_t what)
{
    uint64_t state = h->log ^ what;

    h->log = world_random(&state);
}

static void ring_put(World *w, Ring *r, const Frame *f)
{
    if (r->put == WORLD_RING) {
        w->wrong = "the test's ring is too small";
        return;
    }
    r->frame[r->put++] = *f;
}

static void send(World *w, WorldHost *h, Frame f)
{
    f.ps = f.ps > h->last_ps ? f.ps : h->last_ps;
    h->last_ps = f.ps;
    f.seq = h->seq++;
    ring_put(w, &h->out, &f);
}

static void maybe_send(World *w, unsigned i)
{
    WorldHost *h = &w->host[i];
    Frame f = { .from = i, .value = h->log };

    f.to = (i + 1 + (unsigned)below(&h->random, w->hosts - 1)) % w->hosts;
    f.ps = world_run_ps(h, h->now_ns) + h->egress_ps;
    if (below(&h->random, 2)) {
        f.ps += below(&h->random, 9000);
    }
    if (h->held_ps == NEVER && below(&h->random, 4) == 0) {
        /* stays in the card for a while */
        f.ps += 4000;
        h->held = f;
        h->held_ps = f.ps;
        h->release_ns = h->now_ns + 1 + below(&h->random, 4);
        if (w->late) { /* not before it has left */
            h->release_ns = (f.ps - h->base_ps + 999) / 1000;
        }
        return;
    }
    send(w, h, f);
}

static void act(World *w, unsigned i, uint64_t what)
{
    WorldHost *h = &w->host[i];
    unsigned k = (unsigned)below(&h->random, WORLD_TIMERS);

    note(h, what);
    note(h, world_run_ps(h, h->now_ns));
    h->events++;
    if (below(&h->random, 3)) {
        maybe_send(w, i);
    }
    if (world_timer_ns(h) == NEVER || below(&h->random, 3) == 0) {
        h->timer_ns[k] = h->now_ns + 1 + below(&h->random, h->pace_ns);
    }
}

static bool do_timer(World *w, unsigned i)
{
    WorldHost *h = &w->host[i];

    if (h->release_ns <= h->now_ns) {
        h->release_ns = h->held_ps = NEVER;
        send(w, h, h->held);
        return true;
    }
    for (unsigned k = 0; k < WORLD_TIMERS; k++) {
        if (h->timer_ns[k] <= h->now_ns) {
            h->timer_ns[k] = NEVER;
            act(w, i, k);
            return true;
        }
    }
    return false;
}

bool world_do(World *w, unsigned i)
{
    WorldHost *h = &w->host[i];
    const Frame *f = &h->in.frame[h->in.taken];

    if (world_inbox_ns(h) > h->now_ns) {
        return do_timer(w, i);
    }
    h->in.taken++;
    note(h, f->ps);
    note(h, f->from);
    act(w, i, f->value);
    return true;
}

void world_come(WorldHost *h, uint64_t base_ps)
{
    if (h->held_ps != NEVER) {
        h->held_ps += base_ps - h->base_ps;
        h->held.ps = h->held_ps;
    }
    h->base_ps = base_ps;
    h->away = false;
}

/* ---- the switch ---------------------------------------------------------- */

static bool sooner(const WorldEvent *a, const WorldEvent *b)
{
    if (a->frame.ps != b->frame.ps) {
        return a->frame.ps < b->frame.ps;
    }
    if (a->delivery != b->delivery) {
        return a->delivery;
    }
    if (a->frame.from != b->frame.from) {
        return a->frame.from < b->frame.from;
    }
    return a->frame.seq < b->frame.seq;
}

static void add_event(World *w, Frame f, bool delivery)
{
    if (w->events == WORLD_RING || f.ps < w->now_ps) {
        w->wrong = "a frame departs in the switch's past";
        return;
    }
    w->event[w->events++] = (WorldEvent){ f, delivery };
}

void world_take_in(World *w, unsigned i)
{
    Ring *r = &w->host[i].out;

    while (r->taken < r->put && !w->wrong) {
        Frame f = r->frame[r->taken++];

        if (f.ps + WORLD_UP_PS < w->now_ps) {
            w->wrong = "a frame departs before the horizon";
        }
        f.ps += w->up_ps[i];
        add_event(w, f, false);
    }
}

static unsigned first(const World *w)
{
    unsigned best = 0;

    for (unsigned k = 1; k < w->events; k++) {
        best = sooner(&w->event[k], &w->event[best]) ? k : best;
    }
    return best;
}

uint64_t world_next_ps(const World *w)
{
    return w->events ? w->event[first(w)].frame.ps : NEVER;
}

uint64_t world_delivery_ps(const World *w, unsigned to)
{
    uint64_t least_ps = NEVER;

    for (unsigned k = 0; k < w->events; k++) {
        const WorldEvent *e = &w->event[k];
        uint64_t ps = e->frame.ps;

        if (e->frame.to == to) {
            ps += e->delivery ? 0 : w->queue_ps + w->down_ps[to];
            least_ps = ps < least_ps ? ps : least_ps;
        }
    }
    return least_ps;
}

static void one_event(World *w)
{
    unsigned k = first(w);
    WorldEvent e = w->event[k];
    unsigned to = e.frame.to;

    w->event[k] = w->event[--w->events];
    w->now_ps = e.frame.ps;
    if (!e.delivery) {
        uint64_t begin_ps = e.frame.ps;

        if (begin_ps < w->busy_until_ps[to]) {
            begin_ps = w->busy_until_ps[to];
        }
        w->busy_until_ps[to] = begin_ps + w->queue_ps;
        e.frame.ps = w->busy_until_ps[to] + w->down_ps[to];
        add_event(w, e.frame, true);
        return;
    }
    if (e.frame.ps < w->inbox_ps[to]) {
        w->inbox_ps[to] = e.frame.ps;
    }
    if (!w->host[to].away &&
        world_run_ps(&w->host[to], w->host[to].now_ns) >= e.frame.ps + 1000) {
        w->wrong = "a frame arrives in a host's past";
    }
    ring_put(w, &w->host[to].in, &e.frame);
}

void world_run_switch(World *w, uint64_t to_ps)
{
    while (!w->wrong && world_next_ps(w) < to_ps) {
        one_event(w);
    }
    if (to_ps > w->now_ps) {
        w->now_ps = to_ps;
    }
}

/* ---- one queue of events for all ----------------------------------------- */

static uint64_t host_next_ps(const WorldHost *h)
{
    uint64_t ns = world_timer_ns(h), inbox_ns = world_inbox_ns(h);

    ns = inbox_ns < ns ? inbox_ns : ns;
    return h->away ? NEVER : world_run_ps(h, ns < h->now_ns ? h->now_ns : ns);
}

static void move(World *w, unsigned e)
{
    WorldHost *h = w->moves[e] < 0 ? NULL : &w->host[w->moves[e]];
    uint64_t ps = w->edge_ps[e];

    for (unsigned i = 0; i < w->hosts; i++) {
        if (!w->host[i].away) {
            w->host[i].now_ns = (ps - w->host[i].base_ps) / 1000;
        }
    }
    if (h && h->away) {
        world_come(h, ps - h->now_ns * 1000);
    } else if (h) {
        h->away = true;
    }
}

void world_by_queue(World *w)
{
    for (unsigned e = 0; e < WORLD_EDGES;) {
        uint64_t ps = world_next_ps(w);
        unsigned who = w->hosts;

        for (unsigned i = 0; i < w->hosts; i++) {
            if (host_next_ps(&w->host[i]) < ps) {
                ps = host_next_ps(&w->host[i]);
                who = i;
            }
        }
        if (ps > w->edge_ps[e]) {
            move(w, e++);
        } else if (who == w->hosts) {
            one_event(w);
        } else {
            w->host[who].now_ns = (ps - w->host[who].base_ps) / 1000;
            world_do(w, who);
            world_take_in(w, who);
        }
    }
}
