/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_int.h: the inside of path balancing, shared by path_*.c.
 */
#ifndef OUTRIGGER_PATH_INT_H
#define OUTRIGGER_PATH_INT_H

#include "path.h"

#define PATH_REPS_MAX 16u
#define PATH_SEEN_BITS 4096u /* sequence numbers remembered, a power of 2 */
#define PATH_LINE 64u        /* bytes of a cache line */
#define PATH_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* A cache line for what path_choose touches, one more for echoes. */
typedef struct PathValue {
    uint64_t sent_bytes;
    uint64_t done_bytes; /* arrived, lost or given up; <= sent_bytes */
    uint64_t packets;
    uint64_t used_ps;        /* newest packet */
    uint64_t news_ps;        /* newest feedback, or first packet after none */
    uint64_t avoid_until_ps; /* 0: not avoided */
    bool echo_known;

    uint64_t acked __attribute__((aligned(PATH_LINE))), marked, lost_bytes;
    uint64_t delay_ps;
    PathEcho echo; /* newest; counts if echo_known */

    /* plb */
    uint32_t generation; /* flows of an older one leave */
    uint64_t round_end_ps;
    uint32_t round_packets, round_marked;
    unsigned rounds; /* congested, in a row */
} PathValue;
_Static_assert(sizeof(PathValue) == 3 * PATH_LINE, "PathValue");

typedef struct PathFlow {
    uint32_t hash;
    uint32_t generation; /* plb */
    uint64_t last_ps;
    uint64_t bytes;
    uint16_t value;
    bool used;
} PathFlow;

struct PathSender {
    const PathConfig *c;
    PathPolicy policy; /* ecmp on a single path */
    unsigned paths;
    unsigned values;
    uint64_t random;
    uint32_t sequence;

    /* spray, congestion: the value whose turn it is */
    uint16_t value;
    uint32_t left; /* packets */
    uint64_t change_at_ps;
    uint16_t cursor; /* round robin, hold */
    uint64_t drawn;  /* the next pick's random number */
    uint16_t last_value;

    /* congestion */
    bool enabled, holding;
    bool fresh;        /* nothing to forget */
    uint32_t n_full;   /* values at reduce_score or above */
    uint32_t n_bad;    /* values at disable_score or above */
    uint32_t sum;      /* of scores */
    uint64_t clear_ps; /* n_bad is 0 since */
    uint64_t disabled_ps;
    unsigned backoff;
    uint64_t last_ps;
    uint64_t probe_at_ps;
    uint16_t probe_cursor;

    uint64_t rate_bps; /* 0: not reduced */
    uint64_t free_ps;  /* the reduced rate allows the next packet */
    uint64_t step_at_ps;
    uint64_t base_delay_ps;

    uint8_t reps_n, reps_at; /* valid entries, the oldest */
    uint8_t reps_known, reps_next;
    uint64_t reps_frozen_ps; /* until */
    uint16_t reps[PATH_REPS_MAX];

    PathStats stats;
    PathValue *v;   /* values */
    PathFlow *flow; /* c->flows */
    uint16_t *score, *port;
};

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014) */
static inline uint64_t path_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0 to @n - 1 from 32 random bits */
static inline unsigned path_scale(uint32_t random, unsigned n)
{
    return (unsigned)((uint64_t)random * n >> 32);
}

static inline uint64_t path_outstanding(const PathValue *v)
{
    return v->sent_bytes - v->done_bytes;
}

/* Its cap lets no @bytes more through (an empty value takes any packet). */
static inline bool path_capped(const PathSender *s, unsigned value,
                               uint32_t bytes)
{
    uint64_t out = path_outstanding(&s->v[value]);

    return s->c->cap_bytes && out && out + bytes > s->c->cap_bytes &&
           (!s->c->cap_balanced || s->policy != PATH_CONGESTION || s->enabled);
}

static inline bool path_flow_bound(const PathSender *s)
{
    return s->policy == PATH_FLOWLET || s->policy == PATH_PLB ||
           (s->policy == PATH_CONGESTION && s->c->min_flow_bytes);
}

/* path_choose.c: zeroed, in whole cache lines, for free(); NULL: no memory */
void *path_lines_alloc(size_t bytes);

/* path_score.c */
void path_score_set(PathSender *s, uint64_t now_ps, unsigned value,
                    uint32_t score);
void path_score_sample(PathSender *s, uint64_t now_ps, unsigned value,
                       uint32_t sample, uint32_t packets);
/* Balancing goes off when it is time. */
void path_settle(PathSender *s, uint64_t now_ps);

#endif
