/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_world_run.c: the run by lockstep, in one process that never sleeps:
 * whoever can go on is taken at random and does a little.
 */
#include "lockstep_world.h"

#include <string.h>

#include "lockstep_int.h"

typedef struct Member {
    Lockstep *l;
    uint64_t granted_ps, grant_ns, need_ns, act_ns;
    int64_t edge_ns;
    bool waits, held;
} Member;

typedef struct Run {
    World *w;
    Member host[WORLD_HOSTS];
    Lockstep *engine;
    uint64_t random;
    unsigned edge;
    bool engine_waits, ran_switch;
    LockstepTurn turn;
} Run;

static uint64_t min_ps(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- a host, as clock_qemu.c does it ------------------------------------- */

static LockstepRings rings(void *opaque)
{
    WorldHost *h = opaque;

    return (LockstepRings){ world_ring_ps(&h->out), world_ring_ps(&h->in) };
}

static LockstepFuture future(const Run *r, unsigned i, uint64_t act_ns,
                             uint64_t need_ns)
{
    const WorldHost *h = &r->w->host[i];
    uint64_t act_ps = world_run_ps(h, act_ns);

    return (LockstepFuture){
        .act_ps = act_ps,
        .out_ps = min_ps(lockstep_sum(act_ps, h->egress_ps), h->held_ps),
        .need_ps = world_run_ps(h, need_ns),
    };
}

static void set_edge(Run *r, unsigned i, uint64_t grant_ps)
{
    Member *m = &r->host[i];
    uint64_t base_ps = r->w->host[i].base_ps;

    m->granted_ps = grant_ps;
    m->edge_ns = grant_ps == NEVER ? INT64_MAX
                                   : ((int64_t)(grant_ps - base_ps) - 1) / 1000;
    if (grant_ps <= base_ps) {
        m->edge_ns = -1;
    }
}

static bool of_use(const Run *r, unsigned i)
{
    const Member *m = &r->host[i];

    return m->edge_ns >=
           (int64_t)min_ps(min_ps(m->need_ns, world_inbox_ns(&r->w->host[i])),
                           INT64_MAX);
}

static void ask(Run *r, unsigned i, uint64_t act_ns, uint64_t need_ns)
{
    Member *m = &r->host[i];
    LockstepFuture f = future(r, i, act_ns, need_ns);

    m->act_ns = act_ns;
    m->need_ns = need_ns;
    set_edge(r, i, lockstep_publish(m->l, &f));
    m->waits = !of_use(r, i);
    if (m->waits) {
        m->l->s->slot[i].state = LOCKSTEP_WAITS;
    }
}

static void hold(Run *r, unsigned i)
{
    Member *m = &r->host[i];
    WorldHost *h = &r->w->host[i];
    LockstepFuture f;

    h->now_ns = m->grant_ns;
    f = future(r, i, h->now_ns, NEVER);
    m->edge_ns = (int64_t)h->now_ns;
    m->granted_ps = 0;
    m->held = true;
    lockstep_set_state(m->l, LOCKSTEP_HELD, &f);
}

/* Nothing is left to do up to the edge. */
static void go_on(Run *r, unsigned i)
{
    Member *m = &r->host[i];
    World *w = r->w;
    WorldHost *h = &w->host[i];
    uint64_t until_ns = min_ps(world_timer_ns(h), m->grant_ns);

    if ((int64_t)m->grant_ns <= m->edge_ns) {
        hold(r, i);
    } else if (h->busy) {
        /* Up to the edge, or short of it where nobody could wait for that. */
        uint64_t to_ns = (uint64_t)m->edge_ns;
        uint64_t need_ns = to_ns + 1;

        if (to_ns > h->now_ns && w->window_ps == 0 &&
            world_random(&r->random) % 2 &&
            future(r, i, to_ns - 1, need_ns).out_ps >
                world_run_ps(h, need_ns)) {
            to_ns--;
        }
        h->now_ns = to_ns > h->now_ns ? to_ns : h->now_ns;
        /* What was to be done at this instant is done. */
        ask(r, i, h->now_ns + 1, need_ns > h->now_ns ? need_ns : h->now_ns + 1);
    } else {
        ask(r, i, until_ns, until_ns);
    }
}

static void step_host(Run *r, unsigned i)
{
    Member *m = &r->host[i];
    WorldHost *h = &r->w->host[i];
    unsigned n = 1 + (unsigned)(world_random(&r->random) % 4);

    if (m->waits) {
        set_edge(r, i, lockstep_wait(m->l));
        m->waits = false;
        if (!of_use(r, i)) {
            ask(r, i, m->act_ns, m->need_ns);
        }
        return;
    }
    if (m->edge_ns < (int64_t)h->now_ns) {
        ask(r, i, h->now_ns, h->now_ns);
        return;
    }
    while (n--) {
        uint64_t ns = min_ps(world_timer_ns(h), world_inbox_ns(h));

        ns = ns > h->now_ns ? ns : h->now_ns;
        if ((int64_t)min_ps(ns, INT64_MAX) > m->edge_ns || ns > m->grant_ns) {
            go_on(r, i);
            return;
        }
        h->now_ns = ns;
        if (!world_do(r->w, i)) {
            go_on(r, i);
            return;
        }
    }
}

/* ---- the engine, as net_windows.c does it -------------------------------- */

static void fill(void *opaque, LockstepNews *news)
{
    World *w = opaque;

    for (unsigned i = 0; i < w->hosts; i++) {
        world_take_in(w, i);
    }
    for (unsigned i = 0; i < w->hosts; i++) {
        news->host[i].inbox_ps = w->inbox_ps[i];
        news->host[i].delivery_ps = world_delivery_ps(w, i);
        w->inbox_ps[i] = NEVER;
    }
    news->now_ps = w->now_ps;
    news->next_ps = world_next_ps(w);
}

static uint64_t answer_ps(const Run *r)
{
    const World *w = r->w;
    uint64_t least_ps = NEVER;

    for (unsigned i = 0; i < w->hosts; i++) {
        uint64_t ps = min_ps(world_delivery_ps(w, i), w->inbox_ps[i]);

        if (!w->host[i].away) {
            ps = lockstep_sum(ps, lockstep_slot(r->engine, i)->egress_ps);
            least_ps = min_ps(least_ps, ps);
        }
    }
    return least_ps;
}

static void grant(Run *r)
{
    uint64_t until_ps = r->w->edge_ps[r->edge];

    for (unsigned i = 0; i < r->w->hosts; i++) {
        r->host[i].grant_ns = (until_ps - r->w->host[i].base_ps) / 1000;
        r->host[i].held = false;
    }
    lockstep_set_until(r->engine, until_ps);
}

static void move(Run *r)
{
    int i = r->w->moves[r->edge];
    WorldHost *h = i < 0 ? NULL : &r->w->host[i];

    r->edge++;
    if (h && h->away) {
        lockstep_join(r->host[i].l, h->now_ns * 1000);
        world_come(h, lockstep_base_ps(r->host[i].l));
        r->host[i].edge_ns = -1;
    } else if (h) {
        LockstepFuture f = future(r, (unsigned)i, h->now_ns, NEVER);

        lockstep_set_state(r->host[i].l, LOCKSTEP_AWAY, &f);
        h->away = true;
    }
    if (r->edge < WORLD_EDGES) {
        grant(r);
    }
}

static void step_engine(Run *r)
{
    World *w = r->w;
    uint64_t limit_ps, to_ps, began_ps = w->now_ps;

    if (r->engine_waits) {
        lockstep_engine_wait(r->engine, 0);
        r->engine_waits = false;
        r->ran_switch = true;
    }
    if (r->ran_switch) {
        r->turn = lockstep_engine_turn(r->engine, fill, w);
        r->ran_switch = false;
        return;
    }
    limit_ps = min_ps(r->turn.horizon_ps, w->edge_ps[r->edge] + 1);
    while (!w->wrong && (to_ps = min_ps(limit_ps, answer_ps(r))) > w->now_ps) {
        world_run_switch(w, to_ps);
    }
    r->ran_switch = w->now_ps > began_ps;
    if (!r->ran_switch && r->turn.all_held) {
        move(r);
        r->ran_switch = true;
    } else if (!r->ran_switch) {
        r->engine_waits = true;
        r->engine->s->slot[w->hosts].state = LOCKSTEP_WAITS;
    }
}

/* ---- all ----------------------------------------------------------------- */

static bool can_go_on(Run *r, unsigned i)
{
    Member *m = &r->host[i];

    if (i == r->w->hosts) {
        return !r->engine_waits || lockstep_ready(r->engine->s, i) ||
               lockstep_slot(r->engine, i)->state != LOCKSTEP_WAITS;
    }
    if (r->w->host[i].away || m->held) {
        return false;
    }
    return !m->waits || lockstep_slot(r->engine, i)->state != LOCKSTEP_WAITS ||
           lockstep_ready(r->engine->s, i);
}

static const char *go(Run *r)
{
    unsigned members = r->w->hosts + 1;

    for (unsigned steps = 0; r->edge < WORLD_EDGES; steps++) {
        unsigned from = (unsigned)(world_random(&r->random) % members);
        unsigned k = 0;

        while (k < members && !can_go_on(r, (from + k) % members)) {
            k++;
        }
        if (k == members) {
            return "nobody can go on";
        }
        if (steps > 2000000) {
            return "no end";
        }
        k = (from + k) % members;
        if (k == r->w->hosts) {
            step_engine(r);
        } else {
            step_host(r, k);
        }
        if (r->w->wrong) {
            return r->w->wrong;
        }
    }
    return NULL;
}

static bool meet(Run *r, const char *path, WorldLies lies)
{
    World *w = r->w;

    r->engine = lockstep_create(path, w->hosts, w->hosts + 1, NULL);
    if (!r->engine) {
        return false;
    }
    lockstep_set_group(r->engine, w->hosts, w->hosts);
    lockstep_set_window(r->engine, w->window_ps);
    for (unsigned i = 0; i < w->hosts; i++) {
        lockstep_set_group(r->engine, i, i);
        lockstep_set_egress(r->engine, i,
                            w->host[i].egress_ps + lies.egress_ps);
        for (unsigned k = 0; k < w->hosts; k++) {
            if (i != k) {
                lockstep_set_latency(r->engine, i, k,
                                     w->up_ps[i] + w->queue_ps + w->down_ps[k] +
                                         lies.latency_ps);
            }
        }
    }
    if (!lockstep_close_paths(r->engine)) {
        return false;
    }
    for (unsigned i = 0; i < w->hosts; i++) {
        r->host[i].l = lockstep_attach(path, i, NULL);
        if (!r->host[i].l) {
            return false;
        }
        lockstep_set_rings(r->host[i].l, rings, &w->host[i]);
    }
    return true;
}

const char *world_by_lockstep(World *w, const char *path, uint64_t order,
                              WorldLies lies)
{
    Run r = { .w = w, .random = order, .ran_switch = true };
    const char *wrong = "no meeting place";

    if (meet(&r, path, lies)) {
        for (unsigned i = 0; i < w->hosts; i++) {
            lockstep_join(r.host[i].l, 0);
            r.host[i].edge_ns = -1;
        }
        grant(&r);
        wrong = go(&r);
    }
    for (unsigned i = 0; i < w->hosts; i++) {
        lockstep_free(r.host[i].l);
    }
    lockstep_free(r.engine);
    return wrong;
}
