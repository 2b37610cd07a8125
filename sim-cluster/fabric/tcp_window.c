/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tcp_window.c: how a TCP sender's window grows and shrinks: slow start,
 * congestion avoidance, DCTCP's marks (RFC 8257), subflows that share one
 * increase (RFC 6356). See tcp_core.h.
 *
 * Windows are bytes times 256, so that an increase of a part of a byte is not
 * lost.
 */
#include "tcp_core.h"

#include <glib.h>

typedef unsigned __int128 Wide;

static uint64_t segment_q8(const TcpSender *s)
{
    return (uint64_t)s->config->segment_bytes << 8;
}

/* The group's alpha moves when a window has changed by a whole segment
 * (RFC 6356, section 4.1). */
static void set_window(TcpSender *s, uint64_t cwnd_q8)
{
    uint64_t least = s->config->min_segments * segment_q8(s);

    cwnd_q8 = MAX(cwnd_q8, least);
    if (s->group && cwnd_q8 / segment_q8(s) != s->cwnd_q8 / segment_q8(s)) {
        s->group->stale = true;
    }
    s->cwnd_q8 = cwnd_q8;
}

static uint64_t coupled_increase_q8(const TcpSender *s, uint64_t segments,
                                    uint64_t own_q8)
{
    TcpGroup *g = s->group;
    uint64_t total = 0, bytes = segments * s->config->segment_bytes;

    if (g->stale) {
        g->alpha_q16 = tcp_group_alpha_q16(g);
        g->stale = false;
    }
    for (uint32_t i = 0; i < g->n; i++) {
        total += g->sub[i]->cwnd_q8;
    }
    return MIN(own_q8, (uint64_t)(((Wide)g->alpha_q16 * bytes *
                                   s->config->segment_bytes) /
                                  total));
}

void tcp_window_grow(TcpSender *s, uint64_t segments)
{
    uint64_t acked_q8 = segments * segment_q8(s), own_q8;

    if (s->cwnd_q8 < s->ssthresh_q8) {
        uint64_t room = s->ssthresh_q8 - s->cwnd_q8;
        uint64_t used = MIN(acked_q8, room);

        set_window(s, s->cwnd_q8 + used);
        acked_q8 -= used;
        segments = acked_q8 / segment_q8(s);
    }
    if (segments == 0) {
        return;
    }
    own_q8 = (uint64_t)((Wide)acked_q8 * segment_q8(s) / s->cwnd_q8);
    if (s->group && s->group->coupled && s->group->n > 1) {
        own_q8 = coupled_increase_q8(s, segments, own_q8);
    }
    set_window(s, s->cwnd_q8 + own_q8);
}

/* RFC 5681, equation 4; with several subflows down to one segment (RFC 6356,
 * section 3). */
void tcp_window_halve(TcpSender *s)
{
    uint64_t least = (s->group && s->group->n > 1 ? 1 : 2) * segment_q8(s);

    s->ssthresh_q8 = MAX(s->cwnd_q8 / 2, least);
    set_window(s, s->ssthresh_q8);
}

void tcp_window_collapse(TcpSender *s)
{
    set_window(s, segment_q8(s));
}

void tcp_window_restore(TcpSender *s)
{
    set_window(s, MAX(s->cwnd_q8, s->prior_cwnd_q8));
    s->ssthresh_q8 = s->prior_ssthresh_q8;
}

void tcp_window_mark(TcpSender *s, bool marked)
{
    if (!s->config->dctcp) {
        return;
    }
    s->window_acked++;
    s->window_marked += marked;
    if (s->una > s->window_end) {
        uint32_t down = s->alpha >> s->config->g_shift;

        s->alpha -= MIN(s->alpha, MAX(down, 1u));
        s->alpha +=
            (uint32_t)((s->window_marked * TCP_ALPHA_ONE / s->window_acked) >>
                       s->config->g_shift);
        s->alpha = MIN(s->alpha, TCP_ALPHA_ONE);
        s->window_acked = s->window_marked = 0;
        s->window_end = s->next;
    }
    if (marked && s->state == TCP_OPEN && s->una > s->reduced_until) {
        set_window(s, s->cwnd_q8 - (uint64_t)((Wide)s->cwnd_q8 * s->alpha /
                                              (2 * TCP_ALPHA_ONE)));
        s->ssthresh_q8 = s->cwnd_q8;
        s->reduced_until = s->next;
        s->reductions++;
    }
}

/* ---- subflows ------------------------------------------------------------- */

void tcp_group_add(TcpGroup *g, TcpSender *s)
{
    g->sub[g->n++] = s;
    g->stale = true;
    s->group = g;
}

/* total * max(w_i / r_i^2) / (sum of w_i / r_i)^2, w in bytes, r in ns; a
 * subflow without a sample of its round trip has no part. */
uint64_t tcp_group_alpha_q16(const TcpGroup *g)
{
    uint64_t total = 0, sum_q16 = 0, best_q32 = 0;

    for (uint32_t i = 0; i < g->n; i++) {
        const TcpSender *s = g->sub[i];
        uint64_t rtt_ns = s->srtt_ps / 1000, bytes = s->cwnd_q8 >> 8;
        uint64_t rate_q16;

        total += bytes;
        if (rtt_ns == 0) {
            continue;
        }
        rate_q16 = (bytes << 16) / rtt_ns;
        sum_q16 += rate_q16;
        best_q32 = MAX(best_q32, (rate_q16 << 16) / rtt_ns);
    }
    if (sum_q16 == 0 || best_q32 == 0) {
        return 1 << 16;
    }
    return (uint64_t)((((Wide)total * best_q32) << 16) /
                      ((Wide)sum_q16 * sum_q16));
}
