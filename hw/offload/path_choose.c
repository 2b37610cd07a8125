/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_choose.c: the value of the next packet, and when it may go.
 */
#include "path_int.h"

#include <stdlib.h>
#include <string.h>

/* ---- life ------------------------------------------------------------------- */

void *path_lines_alloc(size_t bytes)
{
    size_t whole = (bytes + PATH_LINE - 1) / PATH_LINE * PATH_LINE;
    void *p = aligned_alloc(PATH_LINE, whole);

    return p ? memset(p, 0, whole) : NULL;
}

/* Distinct ports from the seed. */
static void draw_ports(PathSender *s)
{
    for (unsigned i = 0; i < s->values; i++) {
        do {
            s->port[i] = (uint16_t)(PATH_FIRST_PORT +
                                    (path_random(&s->random) & 0x3fff));
        } while (path_value_of_port(s, s->port[i]) != (int)i);
    }
}

PathSender *path_sender_new(const PathConfig *c, unsigned paths, uint64_t seed)
{
    size_t head = (sizeof(PathSender) + PATH_LINE - 1) / PATH_LINE * PATH_LINE;
    size_t bytes = head + c->values * sizeof(PathValue) +
                   c->flows * sizeof(PathFlow) +
                   2 * c->values * sizeof(uint16_t);
    PathSender *s = path_lines_alloc(bytes);

    if (!s) {
        return NULL;
    }
    s->c = c;
    s->paths = paths;
    s->policy = paths == 1 ? PATH_ECMP : c->policy;
    s->values = c->values;
    s->random = seed;
    s->v = (PathValue *)((char *)s + head);
    s->flow = (PathFlow *)(s->v + c->values);
    s->score = (uint16_t *)(s->flow + c->flows);
    s->port = s->score + c->values;
    draw_ports(s);
    for (unsigned i = 0; i < s->values; i++) {
        s->v[i].delay_ps = PATH_NO_DELAY;
    }
    s->base_delay_ps = PATH_NO_DELAY;
    s->fresh = true;
    /* Phases are random: senders do not move together. */
    s->cursor = path_scale(path_random(&s->random) >> 32, s->values);
    s->probe_cursor = path_scale(path_random(&s->random) >> 32, s->values);
    s->value = s->cursor;
    s->drawn = path_random(&s->random);
    if (c->change_packets) {
        s->left =
            1 + path_scale(path_random(&s->random) >> 32, c->change_packets);
    }
    if (c->change_ps) {
        s->change_at_ps = path_random(&s->random) % c->change_ps;
    }
    return s;
}

void path_sender_free(PathSender *s)
{
    free(s);
}

/* ---- flows ------------------------------------------------------------------ */

unsigned path_home(const PathSender *s, uint32_t flow_hash)
{
    return path_scale(flow_hash, s->values);
}

static PathFlow *flow_entry(const PathSender *s, uint32_t hash)
{
    return &s->flow[(hash ^ hash >> 16) & (s->c->flows - 1)];
}

static bool flow_ended(const PathSender *s, const PathFlow *f, uint32_t hash,
                       uint64_t now_ps)
{
    uint64_t idle_ps = s->c->disable_hold_ps;

    return !f->used || (now_ps - f->last_ps > idle_ps &&
                        (f->hash != hash || s->c->min_flow_bytes));
}

static PathFlow *flow_take(PathSender *s, uint64_t now_ps, uint32_t hash)
{
    PathFlow *f = flow_entry(s, hash);

    if (PATH_UNLIKELY(flow_ended(s, f, hash, now_ps))) {
        unsigned value = path_home(s, hash);

        *f = (PathFlow){ .hash = hash,
                         .generation = s->v[value].generation,
                         .last_ps = now_ps,
                         .value = (uint16_t)value,
                         .used = true };
    }
    return f;
}

static unsigned random_value(PathSender *s)
{
    return path_scale(path_random(&s->random) >> 32, s->values);
}

/* Another one than @value, if there is another. */
static unsigned random_other(PathSender *s, unsigned value)
{
    unsigned v;

    if (s->values == 1) {
        return value;
    }
    v = path_scale(path_random(&s->random) >> 32, s->values - 1);
    return v + (v >= value);
}

static unsigned flowlet(PathSender *s, uint64_t now_ps, uint32_t hash)
{
    PathFlow *f = flow_take(s, now_ps, hash);

    if (now_ps - f->last_ps > s->c->flowlet_gap_ps) {
        f->value = (uint16_t)random_value(s);
    }
    f->last_ps = now_ps;
    return f->value;
}

static unsigned plb(PathSender *s, uint64_t now_ps, uint32_t hash)
{
    PathFlow *f = flow_take(s, now_ps, hash);

    if (PATH_UNLIKELY(f->generation != s->v[f->value].generation)) {
        f->value = (uint16_t)random_other(s, f->value);
        f->generation = s->v[f->value].generation;
    }
    f->last_ps = now_ps;
    return f->value;
}

/* ---- reps ------------------------------------------------------------------- */

static unsigned reps(PathSender *s, uint64_t now_ps)
{
    unsigned entries = s->c->reps_entries, at;

    if (s->reps_n) {
        at = s->reps_at;
        s->reps_at = (uint8_t)((at + 1) % entries);
        s->reps_n--;
        return s->reps[at];
    }
    if (now_ps < s->reps_frozen_ps && s->reps_known) {
        at = s->reps_next % s->reps_known;
        s->reps_next = (uint8_t)(at + 1);
        return s->reps[at];
    }
    return random_value(s);
}

/* ---- congestion ------------------------------------------------------------- */

static bool avoided(const PathSender *s, unsigned value, uint64_t now_ps)
{
    return s->v[value].avoid_until_ps > now_ps;
}

/* Lower is better. */
static uint32_t cost(const PathSender *s, unsigned value, uint64_t now_ps,
                     uint32_t bytes)
{
    return s->score[value] + ((uint32_t)avoided(s, value, now_ps) << 16) +
           ((uint32_t)path_capped(s, value, bytes) << 17);
}

/* The best one; among equals the first from a random place on. */
static unsigned best(PathSender *s, uint64_t now_ps, uint32_t bytes)
{
    unsigned at = random_value(s), found = at;
    uint32_t least = UINT32_MAX;

    for (unsigned i = 0; i < s->values && least; i++) {
        uint32_t c = cost(s, at, now_ps, bytes);

        if (c < least) {
            least = c;
            found = at;
        }
        at = at + 1 < s->values ? at + 1 : 0;
    }
    return found;
}

/* Whether @cost_b counts as lower: certain from a difference of c->dither on,
 * below that with a probability that grows with it. */
static bool closer(PathSender *s, uint32_t cost_a, uint32_t cost_b)
{
    int64_t dither = s->c->dither;
    int64_t random =
        (int64_t)path_scale(path_random(&s->random) >> 32, 2 * s->c->dither) -
        dither;

    return (int64_t)cost_b - cost_a < random;
}

/* Drawn one pick ahead, so that both values are here when they are needed. */
static uint64_t draw(PathSender *s)
{
    uint64_t r = s->drawn;

    s->drawn = path_random(&s->random);
    __builtin_prefetch(&s->v[path_scale((uint32_t)s->drawn, s->values)], 1);
    __builtin_prefetch(&s->v[path_scale(s->drawn >> 32, s->values)], 1);
    return r;
}

static unsigned pick(PathSender *s, uint64_t now_ps, uint32_t bytes)
{
    uint64_t r = draw(s);
    unsigned a = path_scale((uint32_t)r, s->values), b;
    uint32_t cost_a, cost_b;

    if (s->c->pick == PATH_PICK_EPSILON) {
        return (uint16_t)(r >> 32) < s->c->epsilon ? a : best(s, now_ps, bytes);
    }
    b = path_scale((uint32_t)(r >> 32), s->values);
    cost_a = cost(s, a, now_ps, bytes);
    cost_b = cost(s, b, now_ps, bytes);
    if (cost_a > PATH_SCORE_MAX && cost_b > PATH_SCORE_MAX) {
        return best(s, now_ps, bytes);
    }
    if (s->c->dither) {
        return closer(s, cost_a, cost_b) ? b : a;
    }
    /* No branch: nobody could foretell it. */
    return a ^ ((a ^ b) & -(unsigned)(cost_b < cost_a));
}

static unsigned in_turn(PathSender *s)
{
    s->cursor = s->cursor + 1u < s->values ? s->cursor + 1 : 0;
    return s->cursor;
}

/* The value has served its time: true once. */
static bool turn_over(PathSender *s, uint64_t now_ps)
{
    const PathConfig *c = s->c;
    bool over = false;

    if (c->change_packets) {
        over = s->left == 0;
    }
    if (c->change_ps && now_ps >= s->change_at_ps) {
        over = true;
    }
    if (over) {
        s->left = c->change_packets;
        s->change_at_ps = now_ps + c->change_ps;
    }
    s->left -= s->left > 0;
    return over;
}

/* A value that nobody has used for long; -1: it is not time, or it is fresh.
 * One value is looked at every probe_ps / values. */
static int probe(PathSender *s, uint64_t now_ps)
{
    uint64_t each_ps;
    unsigned at;

    if (now_ps < s->probe_at_ps) {
        return -1;
    }
    each_ps = s->c->probe_ps / s->values;
    s->probe_at_ps = now_ps - s->probe_at_ps > each_ps
                         ? now_ps + each_ps
                         : s->probe_at_ps + each_ps;
    at = s->probe_cursor;
    s->probe_cursor = at + 1u < s->values ? at + 1 : 0;
    if (now_ps - s->v[at].used_ps < s->c->probe_ps || avoided(s, at, now_ps)) {
        return -1;
    }
    s->stats.probes++;
    return (int)at;
}

/* The next packet would find balancing off, and begin with nothing known. */
static bool is_over(const PathSender *s, uint64_t now_ps)
{
    uint64_t hold_ps = s->c->disable_hold_ps;

    return s->policy == PATH_CONGESTION && now_ps > s->last_ps + hold_ps &&
           now_ps > s->free_ps + hold_ps;
}

/* Without traffic for the hold time nothing is known any more. */
static void forget(PathSender *s, uint64_t now_ps)
{
    for (unsigned i = 0; i < s->values; i++) {
        path_score_set(s, now_ps, i, 0);
        s->v[i].avoid_until_ps = 0;
    }
    s->stats.disables += s->enabled;
    s->enabled = s->holding = false;
    s->backoff = 0;
    s->rate_bps = 0;
    s->fresh = true;
}

static unsigned balanced(PathSender *s, uint64_t now_ps, uint32_t hash,
                         uint32_t bytes)
{
    int idle = probe(s, now_ps);

    if (PATH_UNLIKELY(idle >= 0)) {
        return (unsigned)idle;
    }
    if (PATH_UNLIKELY(s->holding) && s->c->hold == PATH_HOLD_FLOW) {
        return path_home(s, hash);
    }
    if (turn_over(s, now_ps) ||
        (!s->holding && cost(s, s->value, now_ps, bytes) > PATH_SCORE_MAX)) {
        s->value = (uint16_t)(s->holding ? in_turn(s) : pick(s, now_ps, bytes));
    }
    return s->value;
}

static unsigned congestion(PathSender *s, uint64_t now_ps, uint32_t hash,
                           uint32_t bytes)
{
    const PathConfig *c = s->c;
    bool small = false;

    if (c->min_flow_bytes) {
        PathFlow *f = flow_take(s, now_ps, hash);

        f->bytes += bytes;
        f->last_ps = now_ps;
        small = f->bytes <= c->min_flow_bytes;
    }
    if (!s->fresh && is_over(s, now_ps)) {
        forget(s, now_ps);
    }
    s->last_ps = now_ps;
    if (!s->enabled) {
        return path_home(s, hash);
    }
    path_settle(s, now_ps);
    if (!s->enabled || small ||
        (c->share < PATH_SCORE_MAX &&
         (uint16_t)path_random(&s->random) >= c->share)) {
        return path_home(s, hash);
    }
    return balanced(s, now_ps, hash, bytes);
}

/* The first one from the sender's on that is below its cap. */
static unsigned below_cap(const PathSender *s, uint32_t bytes)
{
    unsigned at = s->value;

    for (unsigned i = 0; i < s->values && path_capped(s, at, bytes); i++) {
        at = at + 1 < s->values ? at + 1 : 0;
    }
    return at;
}

static unsigned spray(PathSender *s, uint64_t now_ps, uint32_t hash,
                      uint32_t bytes)
{
    if (s->c->share < PATH_SCORE_MAX &&
        (uint16_t)path_random(&s->random) >= s->c->share) {
        return path_home(s, hash);
    }
    if (turn_over(s, now_ps)) {
        s->value = (uint16_t)(s->c->round_robin ? in_turn(s) : random_value(s));
    }
    if (PATH_UNLIKELY(path_capped(s, s->value, bytes))) {
        s->value = (uint16_t)below_cap(s, bytes);
    }
    return s->value;
}

/* ---- transmit control ------------------------------------------------------- */

static uint64_t packet_ps(uint32_t bytes, uint64_t bps)
{
    return bytes * 8000000000000ull / bps;
}

static void pace(PathSender *s, uint64_t now_ps, uint32_t bytes)
{
    uint64_t from_ps = s->free_ps > now_ps ? s->free_ps : now_ps;

    s->free_ps = from_ps + packet_ps(bytes, s->rate_bps);
}

/* Nothing was heard of its packets for long: they count as lost. */
static void give_up(PathSender *s, uint64_t now_ps, unsigned value)
{
    PathValue *v = &s->v[value];

    if (now_ps - v->news_ps < s->c->cap_timeout_ps) {
        return;
    }
    s->stats.cap_timeouts++;
    v->lost_bytes += path_outstanding(v);
    v->done_bytes = v->sent_bytes;
    v->news_ps = now_ps;
    if (s->c->inputs & PATH_INPUT_LOSS) {
        path_score_sample(s, now_ps, value, PATH_SCORE_MAX, 1);
    }
}

/* When this value takes a packet: now, or at its timeout. */
static uint64_t value_free_ps(const PathSender *s, unsigned value,
                              uint64_t now_ps, uint32_t bytes)
{
    uint64_t at_ps = s->v[value].news_ps + s->c->cap_timeout_ps;

    return path_capped(s, value, bytes) && at_ps > now_ps ? at_ps : now_ps;
}

/* The only value that this packet can get; -1: there are several. */
static int only_value(const PathSender *s, uint64_t now_ps, uint32_t hash)
{
    const PathFlow *f = flow_entry(s, hash);
    bool ended = flow_ended(s, f, hash, now_ps);

    switch (s->policy) {
    case PATH_ECMP:
        return (int)path_home(s, hash);
    case PATH_FLOWLET:
        if (!ended && now_ps - f->last_ps > s->c->flowlet_gap_ps) {
            return -1;
        }
        return (int)(ended ? path_home(s, hash) : f->value);
    case PATH_PLB:
        if (!ended && f->generation != s->v[f->value].generation) {
            return -1;
        }
        return (int)(ended ? path_home(s, hash) : f->value);
    case PATH_CONGESTION:
        return !s->enabled || (s->holding && s->c->hold == PATH_HOLD_FLOW)
                   ? (int)path_home(s, hash)
                   : -1;
    default:
        return -1;
    }
}

uint64_t path_admit_ps(const PathSender *s, uint64_t now_ps, uint32_t flow_hash,
                       uint32_t bytes)
{
    uint64_t at_ps = now_ps, cap_ps = PATH_NEVER;
    int only;

    if (s->rate_bps && s->free_ps > now_ps) {
        at_ps = s->free_ps;
    }
    if (!s->c->cap_bytes) {
        return at_ps;
    }
    only = only_value(s, now_ps, flow_hash);
    if (only >= 0) {
        cap_ps = value_free_ps(s, (unsigned)only, now_ps, bytes);
    }
    for (unsigned i = 0; only < 0 && i < s->values && cap_ps > now_ps; i++) {
        uint64_t free_ps = value_free_ps(s, i, now_ps, bytes);

        cap_ps = free_ps < cap_ps ? free_ps : cap_ps;
    }
    return cap_ps > at_ps ? cap_ps : at_ps;
}

/* ---- choosing --------------------------------------------------------------- */

/* It goes with @value. */
static PathChoice commit(PathSender *s, uint64_t now_ps, unsigned value,
                         uint32_t bytes)
{
    PathValue *v = &s->v[value];

    if (PATH_UNLIKELY(path_capped(s, value, bytes))) {
        give_up(s, now_ps, value);
    }
    if (v->sent_bytes == v->done_bytes) {
        v->news_ps = now_ps;
    }
    v->sent_bytes += bytes;
    v->packets++;
    v->used_ps = now_ps;
    s->stats.packets++;
    s->stats.value_changes += value != s->last_value && s->stats.packets > 1;
    s->last_value = (uint16_t)value;
    if (PATH_UNLIKELY(s->rate_bps)) {
        pace(s, now_ps, bytes);
    }
    return (PathChoice){ .value = (uint16_t)value,
                         .port = s->port[value],
                         .sequence = s->sequence++,
                         .byte_end = (uint32_t)v->sent_bytes };
}

PathChoice path_choose(PathSender *s, uint64_t now_ps, uint32_t flow_hash,
                       uint32_t bytes)
{
    unsigned value;

    switch (s->policy) {
    case PATH_SPRAY:
        value = spray(s, now_ps, flow_hash, bytes);
        break;
    case PATH_FLOWLET:
        value = flowlet(s, now_ps, flow_hash);
        break;
    case PATH_CONGESTION:
        value = congestion(s, now_ps, flow_hash, bytes);
        break;
    case PATH_PLB:
        value = plb(s, now_ps, flow_hash);
        break;
    case PATH_REPS:
        value = reps(s, now_ps);
        break;
    default:
        value = path_home(s, flow_hash);
        break;
    }
    return commit(s, now_ps, value, bytes);
}

/* ---- queries ---------------------------------------------------------------- */

uint32_t path_sequence(const PathSender *s)
{
    return s->sequence;
}

uint16_t path_port(const PathSender *s, unsigned value)
{
    return value < s->values ? s->port[value] : 0;
}

int path_value_of_port(const PathSender *s, uint16_t port)
{
    for (unsigned i = 0; i < s->values; i++) {
        if (s->port[i] == port) {
            return (int)i;
        }
    }
    return -1;
}

void path_sender_prefetch(const PathSender *s, unsigned value)
{
    if (value < s->values) {
        __builtin_prefetch(&s->v[value], 1);
        __builtin_prefetch(&s->v[value].acked, 1);
    }
}

PathStats path_stats(const PathSender *s, uint64_t now_ps)
{
    PathStats stats = s->stats;
    bool over = is_over(s, now_ps);

    stats.rate_bps = over ? 0 : s->rate_bps;
    stats.enabled = s->enabled && !over;
    stats.reduced = !over && (s->holding || s->rate_bps);
    return stats;
}

PathValueStats path_value_stats(const PathSender *s, unsigned value,
                                uint64_t now_ps)
{
    const PathValue *v;

    if (value >= s->values) {
        return (PathValueStats){ .delay_ps = PATH_NO_DELAY };
    }
    v = &s->v[value];
    return (PathValueStats){
        .packets = v->packets,
        .bytes = v->sent_bytes,
        .acked = v->acked,
        .marked = v->marked,
        .lost_bytes = v->lost_bytes,
        .delay_ps = v->delay_ps,
        .outstanding = path_outstanding(v),
        .score = s->score[value],
        .port = s->port[value],
        .avoided = v->avoid_until_ps > now_ps,
    };
}
