/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_world.h: a small random system of hosts and a switch, run twice:
 * by one global event queue, and by lockstep with members taken in any order.
 *
 * A host has timers and answers messages; what it does depends on all that has
 * happened to it and on when. The switch has a queue a receiver, so the order
 * of frames from different senders matters. At some edges a host goes away or
 * comes back.
 */
#ifndef LOCKSTEP_WORLD_H
#define LOCKSTEP_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Least time to the switch; a frame may be handed over so late. */
#define WORLD_UP_PS 1001u
#define WORLD_HOSTS 8u
#define WORLD_EDGES 6u
#define WORLD_RING 4096u
#define WORLD_TIMERS 3u
#define NEVER UINT64_MAX

typedef struct Frame {
    uint64_t ps; /* of departure, then of arrival */
    unsigned from, to;
    uint64_t seq, value;
} Frame;

typedef struct Ring {
    Frame frame[WORLD_RING];
    unsigned put, taken;
} Ring;

typedef struct WorldHost {
    /* what it is */
    uint64_t egress_ps;
    uint64_t pace_ns; /* between timers, about */
    bool busy;        /* computes all the time: could act at any moment */
    /* what it does; virtual time */
    uint64_t random;
    uint64_t now_ns, timer_ns[WORLD_TIMERS];
    uint64_t last_ps;             /* departure, of the run */
    uint64_t held_ps, release_ns; /* a frame inside its card, of the run */
    Frame held;
    uint64_t seq;
    uint64_t base_ps;
    bool away;
    Ring out, in;
    /* what it has seen */
    uint64_t log, events;
} WorldHost;

typedef struct WorldEvent {
    Frame frame;
    bool delivery; /* else: arrives at the switch */
} WorldEvent;

typedef struct World {
    uint64_t seed;
    unsigned hosts;
    bool late; /* a held frame is handed over when it has left */
    uint64_t up_ps[WORLD_HOSTS], down_ps[WORLD_HOSTS], queue_ps;
    uint64_t window_ps;
    uint64_t edge_ps[WORLD_EDGES]; /* the last is the end */
    int moves[WORLD_EDGES];        /* who goes or comes there; -1: nobody */
    WorldHost host[WORLD_HOSTS];
    /* the switch */
    WorldEvent event[WORLD_RING];
    unsigned events;
    uint64_t busy_until_ps[WORLD_HOSTS];
    uint64_t now_ps;
    uint64_t inbox_ps[WORLD_HOSTS]; /* newly delivered */
    const char *wrong;              /* a rule was broken */
} World;

uint64_t world_random(uint64_t *state);
void world_init(World *w, uint64_t seed);

/* ---- a host -------------------------------------------------------------- */

uint64_t world_run_ps(const WorldHost *h, uint64_t virtual_ns);
/* The next thing that happens by itself, and to take in; virtual. */
uint64_t world_timer_ns(const WorldHost *h);
uint64_t world_inbox_ns(const WorldHost *h);
uint64_t world_ring_ps(const Ring *r); /* NEVER: empty */
/* Does one thing at h->now_ns, if any is due: messages, then timers. */
bool world_do(World *w, unsigned i);

/* It comes back: what is inside its card comes back with it. */
void world_come(WorldHost *h, uint64_t base_ps);

/* ---- the switch ---------------------------------------------------------- */

void world_take_in(World *w, unsigned i);
uint64_t world_next_ps(const World *w);
uint64_t world_delivery_ps(const World *w, unsigned to);
/* Everything strictly before @to_ps. */
void world_run_switch(World *w, uint64_t to_ps);

/* ---- both ways ----------------------------------------------------------- */

void world_by_queue(World *w);

/* What is said to be true, on top of what is. */
typedef struct WorldLies {
    uint64_t latency_ps, egress_ps;
} WorldLies;

/* @path: where the meeting place is made. NULL, or what went wrong. */
const char *world_by_lockstep(World *w, const char *path, uint64_t order,
                              WorldLies lies);

#endif
