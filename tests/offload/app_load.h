/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * app_load.h: a load that checks itself: random reads, writes, write zeroes,
 * deallocations and flushes of one guest, a constant number in flight, the
 * content of every block known. No two commands in flight touch the same
 * cell, so what a read returns is certain.
 */
#ifndef OUTRIGGER_APP_LOAD_H
#define OUTRIGGER_APP_LOAD_H

#include "app_host.h"

#define APP_CELL_BLOCKS 8u /* 4 KiB */
#define APP_MAX_CELLS 2048u

typedef struct AppLoad {
    AppHost *h;
    uint64_t rng;
    unsigned cells, depth, queues;
    unsigned max_cells; /* of one command; 1..32 */
    unsigned only;      /* one opcode for all, 0: the mix */
    bool stop;
    uint64_t mismatches, reads, writes, others;
    uint64_t submit_limit;           /* stops after so many */
    uint32_t version[APP_MAX_CELLS]; /* 0: zeroes */
    uint8_t busy[APP_MAX_CELLS];
} AppLoad;

/* Over the first @cells cells of @h's namespace 1, whatever is there being
 * zeroes. */
void app_load_init(AppLoad *l, AppHost *h, unsigned cells, unsigned depth,
                   uint64_t seed);
/* Fills up to the depth. */
void app_load_kick(AppLoad *l);
/* The world and its guest; @l is one of @n. Runs until @until_ps or until
 * nothing happens any more. */
void app_loads_run(AppLoad *l, unsigned n, uint64_t until_ps);
/* No new commands; runs until all have ended. */
void app_loads_drain(AppLoad *l, unsigned n);
/* The same guests in another world, a copy of the first one's. */
void app_loads_clone(AppLoad *l, AppHost *h, const AppLoad *from, unsigned n,
                     CardBench *b);
/* Reads everything once more, alone. */
void app_load_verify(AppLoad *l);

#endif
