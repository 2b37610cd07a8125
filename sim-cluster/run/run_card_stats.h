/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_card_stats.h: what the events of one card add up to: latency,
 * completions before the last physical request, drive traffic, pauses of
 * live updates, and time series.
 *
 * Sans-I/O: events go in, numbers come out.
 */
#ifndef OUTRIGGER_RUN_CARD_STATS_H
#define OUTRIGGER_RUN_CARD_STATS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "hist.h"
#include "seam.h"

#define CARD_STATS_WINDOW_PS (UINT64_C(10) * 1000 * 1000 * 1000) /* 10 ms */

typedef struct CardWindow {
    uint64_t end_ps;
    uint64_t ios;
    uint64_t bytes;
    uint64_t lat_p50_ps, lat_p99_ps, lat_max_ps;
} CardWindow;

typedef struct CardInterfaceSums {
    Hist *latency;   /* fetch to completion, all I/O commands */
    GArray *windows; /* CardWindow; complete after card_stats_finish() */
    uint64_t early_completions; /* only when slots_known */
    bool slots_known;
    /* private */
    GHashTable *open; /* slot + 1 -> physical requests under way */
    Hist *window_latency;
    uint64_t window_bytes;
    uint64_t window_end_ps; /* 0: none open */
} CardInterfaceSums;

typedef struct CardDriveSums {
    uint64_t reads, writes, read_bytes, write_bytes;
} CardDriveSums;

typedef struct CardStats {
    CardInterfaceSums interfaces[SEAM_MAX_FUNCTIONS];
    CardDriveSums drives[SEAM_MAX_DRIVES];
    uint64_t updates;
    uint64_t update_pause_ps; /* the longest */
    uint64_t update_begin_ps; /* private */
} CardStats;

CardStats *card_stats_new(void);
void card_stats_free(CardStats *s); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CardStats, card_stats_free)

/* Events in order of time. */
void card_stats_add(CardStats *s, const CardEvent *ev);
/* The host's process ended: nothing is under way any more. */
void card_stats_process_ended(CardStats *s);
/* Closes the last windows. */
void card_stats_finish(CardStats *s);

#endif
