/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_path.c: the paths of a session: choice, round trips, timeouts, probes.
 *
 * A path is good, suspect after a timeout (a probe goes out at once, data goes
 * elsewhere), or avoided after path_fail_timeouts of them in a row (probed at
 * growing intervals). Anything acknowledged makes it good again. If no path is
 * good, the others are used: a session with one path, or without a network.
 *
 * Choice: the emptier, compared with its window, of two good paths drawn at
 * random. A fragment that comes again means that no acknowledgement since has
 * arrived, so the last one's path is suspect. Timeouts: RFC 6298's smoothed round trip and variation of the path,
 * plus the peer's delay of acknowledgements, which doubles only while nothing
 * at all is heard.
 */
#include "rdt_int.h"

#include <string.h>

#define FIRST_PORT 49152u
#define PORTS 16384u
#define MAX_BACKOFF 16u

static bool port_taken(const RdtConn *c, unsigned n, uint16_t port)
{
    for (unsigned i = 0; i < n; i++) {
        if (c->path[i].port == port) {
            return true;
        }
    }
    return false;
}

void rdt_path_init(RdtConn *c)
{
    const RdtParams *p = &c->cfg.params;
    uint32_t share = 2 * (p->window_first_bytes / p->n_paths);

    for (unsigned i = 0; i < p->n_paths; i++) {
        RdtPath *path = &c->path[i];
        uint16_t port;

        do {
            port = (uint16_t)(FIRST_PORT + rdt_random(c->r) % PORTS);
        } while (port_taken(c, i, port));
        *path = (RdtPath){
            .port = port,
            .head = RDT_NO_SLOT,
            .tail = RDT_NO_SLOT,
            .window = MIN(MAX(share, 2 * p->datagram_bytes), p->path_max_bytes),
            .slow_start = true,
            .probe_at_ps = RDT_NEVER_PS,
        };
    }
}

/* ---- choice ------------------------------------------------------------- */

/* The best state that any path is in. */
static RdtPathState best_state(const RdtConn *c)
{
    RdtPathState best = RDT_PATH_AVOIDED;

    for (unsigned i = 0; i < c->cfg.params.n_paths; i++) {
        best = MIN(best, c->path[i].state);
    }
    return best;
}

static bool has_room(const RdtPath *p, uint32_t bytes)
{
    return !p->in_flight || p->in_flight + bytes <= p->window;
}

/* Indices of those that may take @bytes; how many. */
static unsigned candidates(const RdtConn *c, uint32_t bytes, int avoid,
                           uint8_t *ret)
{
    RdtPathState best = best_state(c);
    unsigned n = 0;

    for (unsigned i = 0; i < c->cfg.params.n_paths; i++) {
        if ((int)i != avoid && c->path[i].state == best &&
            has_room(&c->path[i], bytes)) {
            ret[n++] = (uint8_t)i;
        }
    }
    return n;
}

/* Fuller, compared with its window. */
static bool fuller(const RdtPath *a, const RdtPath *b)
{
    return (uint64_t)a->in_flight * b->window >
           (uint64_t)b->in_flight * a->window;
}

int rdt_path_choose(RdtConn *c, uint32_t bytes, int avoid)
{
    uint8_t list[RDT_MAX_PATHS];
    unsigned n = candidates(c, bytes, avoid, list), a, b;
    uint64_t random;

    if (!n && avoid >= 0) {
        n = candidates(c, bytes, -1, list);
    }
    if (n < 2) {
        return n ? list[0] : -1;
    }
    random = rdt_random(c->r);
    a = (uint32_t)random % n;
    b = (a + 1 + (uint32_t)(random >> 32) % (n - 1)) % n;
    return fuller(&c->path[list[a]], &c->path[list[b]]) ? list[b] : list[a];
}

bool rdt_path_room(const RdtConn *c, uint32_t bytes)
{
    uint8_t list[RDT_MAX_PATHS];

    return candidates(c, bytes, -1, list) > 0;
}

unsigned rdt_path_any(RdtConn *c)
{
    RdtPathState best = best_state(c);
    uint8_t list[RDT_MAX_PATHS];
    unsigned n = 0;

    for (unsigned i = 0; i < c->cfg.params.n_paths; i++) {
        if (c->path[i].state == best) {
            list[n++] = (uint8_t)i;
        }
    }
    return list[rdt_random(c->r) % n];
}

/* ---- round trips -------------------------------------------------------- */

static void smooth(uint64_t *srtt_ps, uint64_t *rttvar_ps, uint64_t rtt_ps)
{
    uint64_t off_ps = rtt_ps > *srtt_ps ? rtt_ps - *srtt_ps : *srtt_ps - rtt_ps;

    if (!*srtt_ps) {
        *srtt_ps = rtt_ps;
        *rttvar_ps = rtt_ps / 2;
        return;
    }
    *rttvar_ps = *rttvar_ps - *rttvar_ps / 4 + off_ps / 4;
    *srtt_ps = *srtt_ps - *srtt_ps / 8 + rtt_ps / 8;
}

void rdt_path_rtt(RdtConn *c, RdtPath *p, uint64_t rtt_ps)
{
    smooth(&p->srtt_ps, &p->rttvar_ps, rtt_ps);
    smooth(&c->srtt_ps, &c->rttvar_ps, rtt_ps);
}

/* Doubled once for each silence, up to rto_max. */
static uint64_t backed_off_ps(const RdtConn *c, uint64_t ps)
{
    uint64_t max_ps = c->cfg.params.rto_max_ps;

    return ps > max_ps >> c->backoff ? max_ps : ps << c->backoff;
}

uint64_t rdt_path_rto_ps(const RdtConn *c, const RdtPath *p)
{
    const RdtParams *q = &c->cfg.params;
    uint64_t rto_ps = q->rto_first_ps;

    if (p->srtt_ps) {
        rto_ps = p->srtt_ps + 4 * p->rttvar_ps + q->ack_delay_ps;
    } else if (c->srtt_ps) {
        rto_ps = c->srtt_ps + 4 * c->rttvar_ps + q->ack_delay_ps;
    }
    rto_ps = CLAMP(rto_ps, q->rto_min_ps, q->rto_max_ps);
    return backed_off_ps(c, rto_ps);
}

/* ---- failure ------------------------------------------------------------ */

void rdt_path_alive(RdtConn *c, uint64_t now_ps, unsigned path, bool in_flight)
{
    RdtPath *p = &c->path[path];

    /* A late answer to what was sent before: reason to ask, not to trust. */
    if (p->state == RDT_PATH_AVOIDED && !in_flight) {
        p->probe_now = p->probe_now || p->probe_at_ps != RDT_NEVER_PS;
        p->probe_at_ps = RDT_NEVER_PS;
        return;
    }
    if (p->state == RDT_PATH_AVOIDED) {
        p->window = 2 * c->cfg.params.datagram_bytes;
        p->window = MIN(p->window, c->cfg.params.path_max_bytes);
        p->probe_at_ps = RDT_NEVER_PS;
        c->r->stats.paths_returned++;
        rdt_event(c, now_ps, RDT_EV_PATH_RETURNED, p->port, 0, 0);
    }
    p->state = RDT_PATH_GOOD;
    p->timeouts = 0;
    p->probe_now = false;
}

static void avoid(RdtConn *c, uint64_t now_ps, RdtPath *p)
{
    p->state = RDT_PATH_AVOIDED;
    p->probe_wait_ps = c->cfg.params.probe_first_ps;
    p->probe_at_ps = now_ps + p->probe_wait_ps;
    p->probe_now = false;
    c->r->stats.paths_avoided++;
    rdt_event(c, now_ps, RDT_EV_PATH_AVOIDED, p->port, 0, 0);
    while (p->head != RDT_NO_SLOT) {
        rdt_lose(c, now_ps, &c->ring[p->head], RDT_LOSS_PATH);
    }
}

/* A packet that was sent after the last doubt has timed out. */
static void doubt(RdtConn *c, uint64_t now_ps, RdtPath *p)
{
    p->doubt_order = p->next_order;
    if (++p->timeouts >= c->cfg.params.path_fail_timeouts) {
        avoid(c, now_ps, p);
        return;
    }
    if (p->state == RDT_PATH_GOOD) {
        p->state = RDT_PATH_SUSPECT;
        rdt_event(c, now_ps, RDT_EV_PATH_SUSPECT, p->port, 0, 0);
    }
    p->probe_now = true;
}

void rdt_path_suspect(RdtConn *c, uint64_t now_ps, unsigned path)
{
    if (c->path[path].state == RDT_PATH_GOOD) {
        doubt(c, now_ps, &c->path[path]);
    }
}

static void path_timeout(RdtConn *c, uint64_t now_ps, RdtPath *p)
{
    uint64_t rto_ps = rdt_path_rto_ps(c, p);
    bool news = false, probe = false;

    while (p->head != RDT_NO_SLOT &&
           c->ring[p->head].sent_ps + rto_ps <= now_ps) {
        RdtSent *e = &c->ring[p->head];

        news |= e->order >= p->doubt_order;
        probe |= e->kind == RDT_KIND_PROBE;
        rdt_lose(c, now_ps, e, RDT_LOSS_TIMEOUT);
    }
    p->all_timeouts++;
    if (p->state != RDT_PATH_AVOIDED && news) {
        doubt(c, now_ps, p);
    } else if (p->state == RDT_PATH_AVOIDED && probe) {
        p->probe_wait_ps =
            MIN(2 * p->probe_wait_ps, c->cfg.params.probe_max_ps);
        p->probe_at_ps = now_ps + p->probe_wait_ps;
    }
}

static uint64_t deadline_ps(const RdtConn *c, const RdtPath *p)
{
    return p->head == RDT_NO_SLOT
               ? RDT_NEVER_PS
               : c->ring[p->head].sent_ps + rdt_path_rto_ps(c, p);
}

/* Nothing at all has been heard during a whole timeout: wait twice as long. */
static void back_off(RdtConn *c, uint64_t now_ps)
{
    const RdtParams *q = &c->cfg.params;
    uint64_t wait_ps = c->srtt_ps + 4 * c->rttvar_ps + q->ack_delay_ps;

    wait_ps = MAX(wait_ps, q->rto_min_ps);
    if (now_ps < c->backoff_from_ps || c->heard_ps + wait_ps > now_ps) {
        return;
    }
    c->backoff += c->backoff < MAX_BACKOFF;
    if (c->backoff >= 2) {
        c->window = 2 * q->datagram_bytes;
        c->slow_start = true;
    }
    c->backoff_from_ps = now_ps + backed_off_ps(c, wait_ps);
}

void rdt_path_timers(RdtConn *c, uint64_t now_ps)
{
    bool silent = false;

    for (unsigned i = 0; i < c->cfg.params.n_paths; i++) {
        RdtPath *p = &c->path[i];

        if (deadline_ps(c, p) <= now_ps) {
            path_timeout(c, now_ps, p);
            silent = true;
        }
        if (p->probe_at_ps <= now_ps) {
            p->probe_at_ps = RDT_NEVER_PS;
            p->probe_now = true;
        }
    }
    if (silent) {
        back_off(c, now_ps);
    }
}

uint64_t rdt_path_next_ps(const RdtConn *c)
{
    uint64_t at_ps = RDT_NEVER_PS;

    for (unsigned i = 0; i < c->cfg.params.n_paths; i++) {
        at_ps = MIN(at_ps, deadline_ps(c, &c->path[i]));
        at_ps = MIN(at_ps, c->path[i].probe_at_ps);
    }
    return at_ps;
}
