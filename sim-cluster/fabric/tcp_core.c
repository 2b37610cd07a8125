/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tcp_core.c: a TCP sender's segments: what is in flight, acknowledged, lost,
 * sent again, timed out; see tcp_core.h.
 */
#include "tcp_core.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#define PS_PER_MS 1000000000ull
#define RING_MIN 16u

enum {
    SACKED = 1 << 0, /* has arrived */
    LOST = 1 << 1,   /* has to be sent again */
    AGAIN = 1 << 2,  /* has been sent again */
    HELD = 1 << 3,   /* is or was held for lost in this recovery */
};

void tcp_config_default(TcpConfig *c)
{
    *c = (TcpConfig){
        .segment_bytes = 1460,
        .initial_segments = 10,
        .min_segments = 1,
        .dup_threshold = 3,
        .dup_threshold_max = 300,
        .rto_initial_ps = 10 * PS_PER_MS,
        .rto_min_ps = 10 * PS_PER_MS,
        .rto_max_ps = 60000 * PS_PER_MS,
        .g_shift = 4,
    };
}

const char *tcp_config_problem(const TcpConfig *c)
{
    if (c->segment_bytes < 1 || c->segment_bytes > 65535) {
        return "a segment has from 1 to 65535 bytes";
    }
    if (c->initial_segments < 1 || c->initial_segments > 1000000) {
        return "the initial window is from 1 to 1000000 segments";
    }
    if (c->min_segments < 1 || c->min_segments > c->initial_segments) {
        return "the smallest window is from 1 segment to the initial one";
    }
    if (c->dup_threshold < 1 || c->dup_threshold_max < c->dup_threshold) {
        return "the duplicate threshold is at least 1 and at most its maximum";
    }
    if (c->rto_min_ps < 1 || c->rto_max_ps < c->rto_min_ps ||
        c->rto_max_ps > 3600000 * PS_PER_MS || c->rto_initial_ps < 1 ||
        c->rto_initial_ps > c->rto_max_ps) {
        return "timeouts are above 0 and at most their maximum, that at most "
               "an hour";
    }
    return c->g_shift > 16 ? "DCTCP's g is from 1 to 2^-16" : NULL;
}

void tcp_sender_init(TcpSender *s, const TcpConfig *c, uint64_t total)
{
    uint64_t segment_q8 = (uint64_t)c->segment_bytes << 8;

    *s = (TcpSender){
        .config = c,
        .total = total,
        .cwnd_q8 = c->initial_segments * segment_q8,
        .ssthresh_q8 = c->ssthresh_segments ? c->ssthresh_segments * segment_q8
                                            : UINT64_MAX,
        .dup_threshold = c->dup_threshold,
        .alpha = TCP_ALPHA_ONE,
        .rto_ps = c->rto_initial_ps,
        .timer_ps = TCP_NEVER_PS,
        .ring = g_new0(TcpSent, RING_MIN),
        .mask = RING_MIN - 1,
    };
}

void tcp_sender_clear(TcpSender *s)
{
    g_free(s->ring);
    *s = (TcpSender){ .timer_ps = TCP_NEVER_PS };
}

static inline TcpSent *sent_at(const TcpSender *s, uint64_t segment)
{
    return &s->ring[segment & s->mask];
}

const TcpSent *tcp_sender_sent(const TcpSender *s, uint64_t segment)
{
    return sent_at(s, segment);
}

static void ring_grow(TcpSender *s)
{
    uint64_t mask = s->mask * 2 + 1;
    TcpSent *ring = g_new0(TcpSent, mask + 1);

    for (uint64_t i = s->una; i < s->next; i++) {
        ring[i & mask] = *sent_at(s, i);
    }
    g_free(s->ring);
    s->ring = ring;
    s->mask = mask;
}

/* ---- sending -------------------------------------------------------------- */

bool tcp_sender_has_room(const TcpSender *s)
{
    return ((s->in_flight + 1) * s->config->segment_bytes) << 8 <= s->cwnd_q8 ||
           s->in_flight == 0 || s->first_repair;
}

bool tcp_sender_has_work(const TcpSender *s)
{
    return s->lost > 0 || s->next < s->total;
}

bool tcp_sender_may_send(const TcpSender *s)
{
    return tcp_sender_has_work(s) && tcp_sender_has_room(s);
}

static uint64_t first_lost(TcpSender *s)
{
    s->lost_from = MAX(s->lost_from, s->una);
    while (!(sent_at(s, s->lost_from)->flags & LOST)) {
        s->lost_from++;
    }
    return s->lost_from;
}

TcpSent *tcp_sender_take(TcpSender *s, uint64_t now_ps, uint64_t *ret_segment,
                         bool *ret_again)
{
    bool again = s->lost > 0;
    uint64_t segment = again ? first_lost(s) : s->next;
    TcpSent *sent;

    if (again) {
        sent = sent_at(s, segment);
        sent->flags = (uint8_t)((sent->flags & ~LOST) | AGAIN);
        s->lost--;
        s->retransmitted++;
    } else {
        if (s->next - s->una > s->mask) {
            ring_grow(s);
        }
        s->next++;
        sent = sent_at(s, segment);
        *sent = (TcpSent){ 0 };
    }
    sent->sent_ps = now_ps;
    s->in_flight++;
    s->first_repair = false;
    if (!tcp_sender_has_room(s)) {
        s->full_at = s->next;
    }
    if (s->timer_ps == TCP_NEVER_PS) {
        s->timer_ps = now_ps + s->rto_ps;
    }
    *ret_segment = segment;
    *ret_again = again;
    return sent;
}

/* ---- loss ----------------------------------------------------------------- */

static void hold_for_lost(TcpSender *s, uint64_t segment)
{
    TcpSent *sent = sent_at(s, segment);

    if (s->on_lost) {
        s->on_lost(s->opaque, sent);
    }
    sent->flags |= LOST | HELD;
    s->lost_from = s->lost++ ? MIN(s->lost_from, segment) : segment;
    s->in_flight--;
    s->undo++;
}

static void recovery_begin(TcpSender *s, TcpState state)
{
    s->prior_cwnd_q8 = s->cwnd_q8;
    s->prior_ssthresh_q8 = s->ssthresh_q8;
    s->no_undo = s->again; /* undo does not count those */
    s->again = false;
    s->recover = s->next;
    s->state = state;
}

/* Segments far enough below one that has arrived. */
static void find_lost(TcpSender *s)
{
    bool found = false;

    s->scan = MAX(s->scan, s->una);
    while (s->scan + s->dup_threshold < s->high) {
        const TcpSent *sent = sent_at(s, s->scan);

        if (!(sent->flags & (SACKED | LOST | AGAIN))) {
            s->undo = s->state == TCP_OPEN && !found ? 0 : s->undo;
            hold_for_lost(s, s->scan);
            found = true;
            s->again |= s->state != TCP_OPEN && s->scan >= s->recover;
        }
        s->scan++;
    }
    if (s->state == TCP_OPEN && (found || s->again)) {
        recovery_begin(s, TCP_RECOVERY);
        s->recoveries++;
        s->first_repair = s->lost > 0;
        tcp_window_halve(s);
    }
}

/* The first hole's repair, when something sent clearly later has arrived
 * (RFC 8985's rule, for this one segment only). */
static void find_lost_repair(TcpSender *s)
{
    const TcpSent *sent = sent_at(s, s->una);

    if (s->state != TCP_OPEN && s->una < s->next &&
        (sent->flags & (SACKED | LOST | AGAIN)) == AGAIN &&
        s->newest_ps > sent->sent_ps + s->srtt_ps / 4) {
        hold_for_lost(s, s->una);
        s->no_undo = true;
    }
}

/* All that was held for lost had arrived after all. */
static void recovery_undo(TcpSender *s)
{
    tcp_window_restore(s);
    s->state = TCP_OPEN;
    s->again = s->first_repair = false;
    s->undos++;
}

/* @segment's first transmission has arrived, or not; late or not. */
static void learn(TcpSender *s, uint64_t segment, const TcpSent *sent,
                  uint64_t sent_ps)
{
    bool first = !(sent->flags & AGAIN) || sent_ps < sent->sent_ps;

    if (first && segment + 1 < s->high) {
        uint64_t late = s->high - segment;

        s->dup_threshold = (uint32_t)CLAMP(late, s->dup_threshold,
                                           s->config->dup_threshold_max);
    }
    if (!(sent->flags & HELD) || s->state == TCP_OPEN) {
        return;
    }
    s->no_undo |= !first;
    s->undo -= s->undo > 0;
    if (s->undo == 0 && !s->no_undo) {
        recovery_undo(s);
    }
}

/* ---- acknowledgements ----------------------------------------------------- */

static void arrived(TcpSender *s, TcpSent *sent)
{
    if (sent->flags & LOST) {
        s->lost--;
    } else {
        s->in_flight--;
    }
    sent->flags = (uint8_t)((sent->flags & ~LOST) | SACKED);
}

/* Returns how many segments were not known to have arrived. */
static uint64_t take_ack(TcpSender *s, const TcpAck *ack)
{
    uint64_t news = 0;

    if (ack->got >= s->una && !(sent_at(s, ack->got)->flags & SACKED)) {
        TcpSent *sent = sent_at(s, ack->got);
        uint8_t flags = sent->flags;

        arrived(s, sent);
        learn(s, ack->got,
              &(TcpSent){ .flags = flags, .sent_ps = sent->sent_ps },
              ack->sent_ps);
        news++;
    }
    s->high = MAX(s->high, ack->got + 1);
    for (; s->una < ack->next; s->una++) {
        TcpSent *sent = sent_at(s, s->una);

        if (!(sent->flags & SACKED)) {
            s->no_undo |= (sent->flags & HELD) != 0;
            arrived(s, sent);
            news++;
        }
    }
    s->high = MAX(s->high, s->una);
    return news;
}

/* RFC 6298; each acknowledgement has a sample, since it names a time. */
static void take_rtt(TcpSender *s, uint64_t rtt_ps)
{
    if (s->srtt_ps == 0) {
        s->srtt_ps = rtt_ps;
        s->rttvar_ps = rtt_ps / 2;
    } else {
        uint64_t error =
            rtt_ps > s->srtt_ps ? rtt_ps - s->srtt_ps : s->srtt_ps - rtt_ps;

        s->rttvar_ps = s->rttvar_ps - s->rttvar_ps / 4 + error / 4;
        s->srtt_ps = s->srtt_ps - s->srtt_ps / 8 + rtt_ps / 8;
    }
    s->rto_ps = CLAMP(s->srtt_ps + 4 * s->rttvar_ps, s->config->rto_min_ps,
                      s->config->rto_max_ps);
}

bool tcp_sender_ack(TcpSender *s, uint64_t now_ps, const TcpAck *ack)
{
    uint64_t una = s->una, news;
    bool grow = s->state != TCP_RECOVERY && una < s->full_at &&
                !(ack->marked && s->config->dctcp);

    if (ack->next > s->next || ack->got >= s->next || ack->sent_ps > now_ps) {
        return false;
    }
    take_rtt(s, now_ps - ack->sent_ps);
    news = take_ack(s, ack);
    if (s->una > una) {
        s->backoff = 0;
        s->timer_ps = s->una < s->next ? now_ps + s->rto_ps : TCP_NEVER_PS;
    }
    if (s->state != TCP_OPEN && s->una >= s->recover) {
        s->state = TCP_OPEN;
    }
    s->newest_ps = MAX(s->newest_ps, ack->sent_ps);
    find_lost(s);
    find_lost_repair(s);
    tcp_window_mark(s, ack->marked);
    if (grow && news && s->state != TCP_RECOVERY) {
        tcp_window_grow(s, news);
    }
    return true;
}

void tcp_sender_timeout(TcpSender *s, uint64_t now_ps)
{
    bool was_open = s->state == TCP_OPEN;

    s->timeouts++;
    s->backoff++;
    s->undo = 0;
    if (was_open) {
        recovery_begin(s, TCP_LOSS);
        tcp_window_halve(s);
    }
    s->state = TCP_LOSS;
    s->recover = s->next;
    s->no_undo |= !was_open; /* which transmission will arrive is not known */
    s->again = s->first_repair = false;
    for (uint64_t i = s->una; i < s->next; i++) {
        TcpSent *sent = sent_at(s, i);

        if (!(sent->flags & (SACKED | LOST))) {
            hold_for_lost(s, i);
        }
        sent->flags &= (uint8_t)~AGAIN;
    }
    s->scan = s->next;
    tcp_window_collapse(s);
    s->rto_ps = MIN(s->rto_ps * 2, s->config->rto_max_ps);
    s->timer_ps = now_ps + s->rto_ps;
}
