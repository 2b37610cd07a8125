/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_score.c: what feedback does: scores, balancing on and off, avoided
 * values, the total rate.
 */
#include "path_int.h"

#define PS_PER_S 1000000000000ull

/* ---- scores ----------------------------------------------------------------- */

static void enable(PathSender *s, uint64_t now_ps)
{
    uint64_t hold_ps = s->c->disable_hold_ps << s->backoff;
    uint64_t each_ps = s->c->probe_ps / s->values;

    if (s->stats.enables && now_ps - s->disabled_ps < hold_ps) {
        s->backoff += s->backoff < s->c->disable_backoff;
    } else {
        s->backoff = 0;
    }
    s->enabled = true;
    s->stats.enables++;
    s->probe_at_ps = now_ps + path_random(&s->random) % (each_ps + 1);
    s->left = 0; /* the next packet chooses */
    s->change_at_ps = now_ps;
}

void path_settle(PathSender *s, uint64_t now_ps)
{
    if (s->n_bad || now_ps - s->clear_ps < s->c->disable_hold_ps
                                               << s->backoff) {
        return;
    }
    s->enabled = false;
    s->holding = false;
    s->disabled_ps = now_ps;
    s->stats.disables++;
}

void path_score_set(PathSender *s, uint64_t now_ps, unsigned value,
                    uint32_t score)
{
    const PathConfig *c = s->c;
    uint32_t old = s->score[value];
    PathValue *v = &s->v[value];

    s->score[value] = (uint16_t)score;
    s->fresh = false;
    s->sum += score - old;
    s->n_full += (score >= c->reduce_score) - (old >= c->reduce_score);
    if (s->policy != PATH_CONGESTION) {
        return;
    }
    s->n_bad += (score >= c->disable_score) - (old >= c->disable_score);
    if (!s->n_bad && old >= c->disable_score) {
        s->clear_ps = now_ps;
    }
    if (PATH_UNLIKELY(score >= c->enable_score && !s->enabled)) {
        enable(s, now_ps);
    }
    if (PATH_UNLIKELY(score >= c->avoid_score &&
                      c->avoid_score < PATH_SCORE_MAX && score > old)) {
        s->stats.avoids += v->avoid_until_ps <= now_ps;
        v->avoid_until_ps = now_ps + c->avoid_ps;
    }
}

void path_score_sample(PathSender *s, uint64_t now_ps, unsigned value,
                       uint32_t sample, uint32_t packets)
{
    unsigned shift = s->c->ewma_shift;
    int32_t old = s->score[value], step = (int32_t)sample - old;

    if (packets >= 1u << shift) {
        old = (int32_t)sample;
    } else {
        old += (int32_t)((int64_t)step * packets >> shift);
    }
    if (old != s->score[value]) {
        path_score_set(s, now_ps, value, (uint32_t)old);
    }
}

/* ---- rate ------------------------------------------------------------------- */

/* All values are congested: less of everything, and no value is better. Few
 * are: back, step by step. */
static void rate_step(PathSender *s, uint64_t now_ps)
{
    const PathConfig *c = s->c;
    bool full = s->n_full == s->values;

    if (full) {
        s->holding = s->policy == PATH_CONGESTION;
    } else if (s->n_full <= s->values / 2) {
        s->holding = false;
    }
    if (now_ps < s->step_at_ps || (!full && !s->rate_bps)) {
        return;
    }
    if (full) {
        uint64_t rate = s->rate_bps ? s->rate_bps : c->line_bps;
        uint64_t mean = s->sum / s->values;
        uint64_t part = c->reduce_factor * mean / PATH_SCORE_MAX;

        rate -= (uint64_t)((__uint128_t)rate * part >> 16);
        s->rate_bps = rate > c->min_bps ? rate : c->min_bps;
        s->stats.reductions++;
    } else {
        s->rate_bps += c->raise_bps;
        if (s->rate_bps >= c->line_bps) {
            s->rate_bps = s->free_ps = 0;
        }
    }
    /* Up to a quarter later: many senders do not step together. */
    s->step_at_ps = now_ps + c->reduce_ps +
                    path_random(&s->random) % (c->reduce_ps / 4 + 1);
}

/* ---- plb, reps -------------------------------------------------------------- */

static void plb_round(PathSender *s, uint64_t now_ps, PathValue *v,
                      uint32_t packets, uint32_t congested)
{
    const PathConfig *c = s->c;

    if (!v->round_end_ps) {
        v->round_end_ps = now_ps + c->plb_round_ps;
    }
    v->round_packets += packets;
    v->round_marked += congested;
    if (now_ps < v->round_end_ps) {
        return;
    }
    if ((uint64_t)v->round_marked * PATH_SCORE_MAX >=
            (uint64_t)v->round_packets * c->plb_score &&
        v->round_marked) {
        v->rounds++;
    } else {
        v->rounds = 0;
    }
    if (v->rounds >= c->plb_rounds) {
        v->generation++;
        v->rounds = 0;
    }
    v->round_packets = v->round_marked = 0;
    v->round_end_ps = now_ps + c->plb_round_ps;
}

static void reps_put(PathSender *s, unsigned value, uint32_t n)
{
    unsigned entries = s->c->reps_entries;

    for (n = n < entries ? n : entries; n; n--) {
        unsigned at = (s->reps_at + s->reps_n) % entries;

        s->reps[at] = (uint16_t)value;
        if (s->reps_n < entries) {
            s->reps_n++;
        } else {
            s->reps_at = (uint8_t)((s->reps_at + 1) % entries);
        }
        if (s->reps_known < entries) {
            s->reps_known =
                (uint8_t)(at + 1 > s->reps_known ? at + 1 : s->reps_known);
        }
    }
}

/* ---- feedback --------------------------------------------------------------- */

static uint32_t share(uint32_t part, uint64_t whole)
{
    return part >= whole ? (part ? PATH_SCORE_MAX : 0)
                         : (uint32_t)((uint64_t)part * PATH_SCORE_MAX / whole);
}

static uint32_t delay_sample(PathSender *s, uint64_t delay_ps)
{
    uint64_t full_ps = s->c->delay_full_ps, above_ps;

    if (delay_ps < s->base_delay_ps) {
        s->base_delay_ps = delay_ps;
    }
    above_ps = delay_ps - s->base_delay_ps;
    return above_ps >= full_ps
               ? PATH_SCORE_MAX
               : (uint32_t)((__uint128_t)above_ps * PATH_SCORE_MAX / full_ps);
}

static uint32_t sample_of(PathSender *s, const PathFeedback *f)
{
    unsigned inputs = s->c->inputs;
    uint32_t sample = 0, other;

    if (inputs & PATH_INPUT_ECN && f->marked) {
        sample = share(f->marked, f->packets);
    }
    if (inputs & PATH_INPUT_LOSS && f->lost) {
        other = share(f->lost, (uint64_t)f->packets + f->lost);
        sample = other > sample ? other : sample;
    }
    if (inputs & PATH_INPUT_DELAY && f->delay_ps != PATH_NO_DELAY) {
        other = delay_sample(s, f->delay_ps);
        sample = other > sample ? other : sample;
    }
    return sample;
}

static void settle_bytes(PathValue *v, uint64_t now_ps, uint64_t bytes)
{
    uint64_t out = path_outstanding(v);

    v->done_bytes += bytes < out ? bytes : out;
    v->news_ps = now_ps;
}

void path_feedback(PathSender *s, uint64_t now_ps, const PathFeedback *f)
{
    const PathConfig *c = s->c;
    uint32_t packets = f->packets + f->lost;
    uint32_t marked = f->marked < f->packets ? f->marked : f->packets;
    PathValue *v;

    if (f->value >= s->values || !packets) {
        return;
    }
    v = &s->v[f->value];
    v->acked += f->packets;
    v->marked += marked;
    v->lost_bytes += f->lost_bytes;
    if (f->delay_ps != PATH_NO_DELAY) {
        v->delay_ps = f->delay_ps;
    }
    settle_bytes(v, now_ps, f->bytes + f->lost_bytes);
    path_score_sample(s, now_ps, f->value, sample_of(s, f), packets);
    if (s->policy == PATH_PLB) {
        plb_round(s, now_ps, v, packets,
                  (c->inputs & PATH_INPUT_ECN ? marked : 0) +
                      (c->inputs & PATH_INPUT_LOSS ? f->lost : 0));
    } else if (s->policy == PATH_REPS) {
        if (f->lost) {
            s->reps_frozen_ps = now_ps + c->reps_freeze_ps;
        }
        reps_put(s, f->value, f->packets - marked);
    }
    if (c->reduce_score < PATH_SCORE_MAX) {
        rate_step(s, now_ps);
    }
}

void path_notify(PathSender *s, uint64_t now_ps, unsigned value)
{
    if (value >= s->values || !(s->c->inputs & PATH_INPUT_NOTIFY)) {
        return;
    }
    s->stats.notifications++;
    path_score_set(s, now_ps, value, PATH_SCORE_MAX);
    if (s->policy == PATH_CONGESTION && s->c->avoid_ps) {
        s->stats.avoids += s->v[value].avoid_until_ps <= now_ps;
        s->v[value].avoid_until_ps = now_ps + s->c->avoid_ps;
    } else if (s->policy == PATH_PLB) {
        s->v[value].generation++;
    }
    if (s->c->reduce_score < PATH_SCORE_MAX) {
        rate_step(s, now_ps);
    }
}

/* ---- echoes ----------------------------------------------------------------- */

/* What it counted before this sender began is not ours. */
static void first_echo(const PathValue *v, PathFeedback *f, uint32_t ahead)
{
    uint64_t arrived = v->sent_bytes - ahead;

    f->packets = f->packets < v->packets ? f->packets : (uint32_t)v->packets;
    f->marked = f->marked < f->packets ? f->marked : f->packets;
    f->bytes = arrived > v->done_bytes ? arrived - v->done_bytes : 0;
}

bool path_echo_apply(PathSender *s, uint64_t now_ps, const PathEcho *echo)
{
    PathFeedback f = { .value = echo->value, .delay_ps = echo->delay_ps };
    PathValue *v = &s->v[echo->value < s->values ? echo->value : 0];
    uint32_t ahead = (uint32_t)v->sent_bytes - echo->byte_end;
    uint32_t total = echo->byte_end - v->echo.byte_end;
    uint32_t lost = echo->lost_bytes - v->echo.lost_bytes;

    f.packets = echo->packets - v->echo.packets;
    f.marked = echo->marked - v->echo.marked;
    if (echo->value >= s->values || ahead > v->sent_bytes ||
        f.marked > f.packets ||
        (v->echo_known && ((int32_t)f.packets < 0 || (int32_t)total < 0 ||
                           f.packets > v->packets))) {
        s->stats.bad_echoes++;
        return false;
    }
    if (!v->echo_known) {
        first_echo(v, &f, ahead);
    } else {
        if ((int32_t)lost > 0 && lost <= total) {
            uint64_t each = f.packets ? (total - lost) / f.packets : lost;

            f.lost_bytes = lost;
            f.lost = (uint32_t)(lost / (each ? each : 1));
            f.lost += !f.lost;
        }
        f.bytes = total - f.lost_bytes;
    }
    v->echo = *echo;
    v->echo_known = true;
    path_feedback(s, now_ps, &f);
    return true;
}

void path_echo_restart(PathSender *s)
{
    for (unsigned i = 0; i < s->values; i++) {
        s->v[i].echo_known = false;
        s->v[i].echo = (PathEcho){ 0 };
    }
}
