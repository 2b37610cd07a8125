/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_world.h: hosts with endpoints of rdt.h on a fabric, for tests: every
 * datagram is a frame that a full host injects; keys by GnuTLS.
 *
 * Leaf-spine; links of 100 Gbit/s and 500 ns. Host h's session with host g has
 * the ids h << 8 | g and g << 8 | h, each plus 1 << 16.
 */
#ifndef OUTRIGGER_TESTS_RDT_WORLD_H
#define OUTRIGGER_TESTS_RDT_WORLD_H

#include "fabric.h"
#include "rdt_frame.h"
#include "rdt_keys.h"

#define US 1000000ull
#define WORLD_HOSTS 8u
#define WORLD_LEAVES 2u
#define WORLD_SPINES 4u

typedef struct WorldMessage {
    uint32_t from, to;
    uint64_t id;
    uint32_t len;
    uint64_t sent_ps, got_ps, acked_ps; /* 0: not yet */
} WorldMessage;

typedef struct WorldLoss {
    uint32_t host;
    uint64_t at_ps, packet, why;
} WorldLoss;

typedef struct World World;

typedef struct WorldHost {
    World *w;
    uint32_t node;
    RdtConfig config;
    Rdt *rdt;
    RdtAddress address;
    uint64_t mac_free_ps;
} WorldHost;

struct World {
    Fabric *f;
    RdtKeys *keys;
    WorldHost host[WORLD_HOSTS];
    uint64_t now_ps;
    GArray *messages; /* WorldMessage */
    GArray *events;   /* RdtEvent */
    uint64_t hash;    /* of all frames and instants */
    uint64_t frames, malformed;
};

/* @params NULL: the defaults, paced at 95 Gbit/s. Sessions between all. */
World *world_new(uint64_t seed, const RdtParams *params);
void world_params(RdtParams *p);
void world_free(World *w);
uint32_t world_session(uint32_t from, uint32_t to);
/* Sends now. */
void world_send(World *w, uint32_t from, uint32_t to, uint32_t len);
void world_run(World *w, uint64_t until_ps);
/* Numbers of links and nodes. */
uint32_t world_core_link(uint32_t leaf, uint32_t spine);
uint32_t world_spine(uint32_t spine);
WorldMessage *world_message(const World *w, unsigned i);
unsigned world_events(const World *w, uint32_t host, RdtEventKind kind);

#endif
