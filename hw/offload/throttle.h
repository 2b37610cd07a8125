/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * throttle.h: the limits of one virtual interface, as two token buckets
 * (I/O a second and bytes a second) in front of one first-in first-out queue.
 *
 * Exact: levels are integers in units of 10^-12 token, so a rate of r tokens
 * a second adds exactly r of them a picosecond and nothing is ever rounded
 * away. A request may leave when each bucket holds its cost (or is full, if
 * it costs more than the burst); the whole cost is then taken, the level may
 * become negative, and later requests pay the debt off. So any request gets
 * through in the end and the long-term rate is the limit itself.
 *
 * Pure: knows no clock and no interface. Not modelled: priorities between
 * queues of one interface, separate limits for reads and writes.
 */
#ifndef OUTRIGGER_THROTTLE_H
#define OUTRIGGER_THROTTLE_H

#include "card_app.h"
#include "state_buf.h"

#define THROTTLE_PS_PER_S 1000000000000ull
/* Highest rate and burst: at most one token a picosecond. */
#define THROTTLE_MAX_TOKENS THROTTLE_PS_PER_S

typedef struct ThrottleBucket {
    uint64_t rate;  /* tokens a second; 0 = unlimited */
    uint64_t burst; /* tokens */
    __int128 level; /* 10^-12 tokens, at Throttle.at_ps */
} ThrottleBucket;

typedef struct ThrottleWaiter {
    uint16_t slot;
    uint32_t bytes;
    uint64_t since_ps;
} ThrottleWaiter;

typedef struct Throttle {
    ThrottleBucket ios, bytes;
    uint64_t at_ps; /* instant of both levels */
    unsigned n_waiting;
    ThrottleWaiter waiting[CARD_MAX_IO_SLOTS]; /* [0] is first */
} Throttle;

/* Unlimited, empty queue. */
void throttle_init(Throttle *t, uint64_t now_ps);
bool throttle_limits_valid(const CardLimits *limits, const char **ret_why);
/* A bucket that was unlimited starts full; others keep level and debt. */
void throttle_set(Throttle *t, const CardLimits *limits, uint64_t now_ps);
/* true: goes on now, and is charged. false: waits. */
bool throttle_request(Throttle *t, unsigned slot, uint32_t bytes,
                      uint64_t now_ps);
/* When the first waiter may leave (>= now_ps); SEAM_NEVER if none waits. */
uint64_t throttle_next_ps(const Throttle *t, uint64_t now_ps);
/* Takes the first waiter if it may leave at @now_ps. */
bool throttle_pop(Throttle *t, uint64_t now_ps, ThrottleWaiter *ret);
/* Forgets a waiter. false: @slot does not wait. */
bool throttle_cancel(Throttle *t, unsigned slot);
/* Gives back what a request took that is going to ask again. */
void throttle_refund(Throttle *t, uint32_t bytes, uint64_t now_ps);

void throttle_save(const Throttle *t, uint64_t now_ps, GByteArray *out);
/* Limits are the owner's to restore, first. Errors are in @r. */
void throttle_load(Throttle *t, uint64_t now_ps, StateReader *r);

#endif
