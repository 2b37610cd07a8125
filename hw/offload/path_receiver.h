/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_receiver.h: the inside of PathReceiver and PathOrder, for path_*.c.
 */
#ifndef OUTRIGGER_PATH_RECEIVER_H
#define OUTRIGGER_PATH_RECEIVER_H

#include "path_int.h"

#define PATH_NO_VALUE UINT16_MAX

typedef struct PathReceiverValue {
    PathEcho echo;
    bool begun;        /* echo.byte_end is known */
    uint32_t news;     /* packets not echoed; > 0: it is in the list */
    uint16_t next;     /* in the list */
    uint64_t since_ps; /* of the first of them */
} __attribute__((aligned(PATH_LINE))) PathReceiverValue;

/* Values with news are a list in the order in which they got them. */
struct PathReceiver {
    const PathConfig *c;
    uint16_t first, last;
    unsigned n_waiting, n_full; /* full: echo_packets or more */
    uint64_t due_ps;
    PathReceiverValue v[PATH_MAX_VALUES];
};

typedef struct PathHeldItem {
    void *item; /* NULL: nobody is here */
    uint32_t sequence, bytes;
    uint64_t arrive_ps;
} PathHeldItem;

struct PathOrder {
    const PathConfig *c;
    void (*free_item)(void *);
    bool begun;
    uint32_t next;    /* the next sequence number to be delivered */
    uint32_t highest; /* that has arrived */
    uint64_t seen[PATH_SEEN_BITS / 64]; /* of highest and before, by number */

    uint32_t slots; /* a power of 2, more than order_packets */
    uint32_t n_held, held_bytes;
    PathHeldItem *held; /* slots, by sequence number */
    PathHeldItem far; /* too far ahead for a slot; everything else goes first */
    /* Oldest arrivals first; entries that have left are skipped. */
    uint32_t *age; /* slots */
    uint32_t age_head, age_n;
    bool flush; /* gaps up to flush_to are given up */
    uint32_t flush_to;
    PathOrderStats stats;
};

#endif
