/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_path.c: path balancing in the NIC: a frame gets its value when it goes
 * to the MAC, and waits before it while caps or a reduced rate stop it; frames
 * to one peer stay in order. Feedback rides on frames to the peer, or goes on
 * its own through the MAC when it is due.
 *
 * A waiting frame keeps its place among the function's frames (ENA_FRAMES), so
 * enough of them stop the function's other peers too.
 */
#include "ena_int.h"

#include <string.h>

/* ---- control plane ------------------------------------------------------------ */

bool ena_balance(Ena *e, const PathConfig *config,
                 const uint8_t key[SIPHASH_KEY_BYTES], uint64_t seed,
                 uint32_t epoch, const char **ret_why)
{
    UnderlayPaths *old = e->paths;

    *ret_why = config ? path_config_problem(config) : NULL;
    if (*ret_why) {
        return false;
    }
    if (old) {
        e->paths_epoch = old->epoch;
    }
    e->paths_epoch = MAX(e->paths_epoch, epoch);
    e->paths = config ? underlay_paths_new(&e->underlay, config, key, seed,
                                           e->paths_epoch)
                      : NULL;
    underlay_paths_free(old);
    e->parked_ps = e->parked ? ena_now(e) : SEAM_NEVER;
    ena_arm_timer(e);
    return true;
}

UnderlayPaths *ena_paths(Ena *e)
{
    return e->paths;
}

/* ---- out ------------------------------------------------------------------------ */

uint32_t ena_path_outer_bytes(const EnaFrame *f)
{
    return f->chosen ? UNDERLAY2_OUTER_BYTES : UNDERLAY_OUTER_BYTES;
}

static UnderlayPeer *peer_of(Ena *e, const UnderlayMapping *to)
{
    return e->paths ? underlay_paths_peer(e->paths, to) : NULL;
}

static void choose(Ena *e, EnaFrame *f, UnderlayPeer *peer, uint32_t len)
{
    f->chosen = true;
    f->peer_epoch = peer->epoch;
    f->choice =
        path_choose(peer->tx, ena_now(e), f->hash, UNDERLAY2_OUTER_BYTES + len);
}

void ena_path_choose(Ena *e, EnaFrame *f, const UnderlayMapping *to,
                     uint32_t len)
{
    UnderlayPeer *peer = peer_of(e, to);

    f->chosen = false;
    if (peer) {
        choose(e, f, peer, len);
    }
}

/* The frame that has waited longest, of those from @from on; or NULL. */
static EnaFrame *next_parked(Ena *e, uint64_t from)
{
    EnaFrame *best = NULL;

    for (unsigned i = 0; i < ENA_FRAMES; i++) {
        EnaFrame *f = &e->frame[i];

        if (f->used && f->parked && f->order >= from &&
            (!best || f->order < best->order)) {
            best = f;
        }
    }
    return best;
}

/* A frame to the same peer waits already: this one is behind it. */
static bool behind_another(const Ena *e, const UnderlayPeer *peer)
{
    for (unsigned i = 0; e->parked && i < ENA_FRAMES; i++) {
        if (e->frame[i].used && e->frame[i].parked &&
            e->frame[i].peer_epoch == peer->epoch) {
            return true;
        }
    }
    return false;
}

bool ena_path_admit(Ena *e, EnaFrame *f, const UnderlayMapping *to,
                    const uint8_t *frame, uint32_t len)
{
    UnderlayPeer *peer = peer_of(e, to);
    uint64_t now = ena_now(e);

    f->chosen = false;
    if (!peer) {
        return true;
    }
    f->hash = underlay_paths_hash(frame, len);
    f->admit_ps =
        path_admit_ps(peer->tx, now, f->hash, UNDERLAY2_OUTER_BYTES + len);
    if (f->admit_ps <= now && !behind_another(e, peer)) {
        choose(e, f, peer, len);
        return true;
    }
    f->parked = true;
    f->peer_epoch = peer->epoch;
    f->order = e->park_order++;
    e->parked++;
    e->parked_ps = MIN(e->parked_ps, f->admit_ps);
    ena_arm_timer(e);
    return false;
}

static void unpark(Ena *e, EnaFrame *f)
{
    f->parked = false;
    e->parked--;
}

/* Whom a parked frame is for; NULL: nobody any more. */
static const UnderlayMapping *destination(Ena *e, const EnaFrame *f,
                                          uint32_t *ret_len)
{
    const EnaTxPacket *p = &e->sq[f->sq].pkt[f->pkt];
    g_autofree uint8_t *frame =
        g_malloc(ENA_FRAME_MAX_BYTES + PACKET_MIN_BYTES);

    *ret_len = packet_tx_frame(&p->tx, p->data, p->len, f->n, frame);
    return e->underlay.enabled ? underlay_find_mac(&e->underlay, frame) : NULL;
}

/* Lets @f go if it may, else says when. */
static void try_release(Ena *e, EnaFrame *f, uint64_t now)
{
    unsigned slot = (unsigned)(f - e->frame);
    UnderlayPeer *peer;
    uint32_t len;
    const UnderlayMapping *to = destination(e, f, &len);

    if (!to) {
        unpark(e, f);
        ena_tx_lost(e, slot);
        return;
    }
    peer = peer_of(e, to);
    if (peer) {
        f->admit_ps =
            path_admit_ps(peer->tx, now, f->hash, UNDERLAY2_OUTER_BYTES + len);
        f->peer_epoch = peer->epoch;
        if (f->admit_ps > now) {
            return;
        }
        choose(e, f, peer, len);
    }
    unpark(e, f);
    ena_tx_released(e, slot);
}

/* All that may go now, the oldest first; a peer's later ones wait with its
 * first. */
static void release(Ena *e, uint64_t now)
{
    uint32_t blocked[ENA_FRAMES];
    unsigned n = 0;
    uint64_t from = 0, last = e->park_order;
    EnaFrame *f;

    e->parked_ps = SEAM_NEVER;
    while (e->parked && (f = next_parked(e, from)) && f->order < last) {
        bool waits = false;

        from = f->order + 1;
        for (unsigned i = 0; i < n; i++) {
            waits |= blocked[i] == f->peer_epoch;
        }
        if (!waits) {
            try_release(e, f, now);
        }
        if (f->used && f->parked && f->order < from) {
            blocked[n++] = f->peer_epoch;
            e->parked_ps =
                waits ? e->parked_ps : MIN(e->parked_ps, f->admit_ps);
        }
    }
    if (e->park_order != last) {
        e->parked_ps = MIN(e->parked_ps, now); /* others came meanwhile */
    }
}

uint32_t ena_path_encap(Ena *e, EnaFrame *f, UnderlayMapping *to,
                        uint8_t *frame, uint32_t len)
{
    UnderlayPeer *peer = peer_of(e, to);

    if (!peer) {
        return underlay_encap(&e->underlay, to, frame, len,
                              frame - UNDERLAY_OUTER_BYTES);
    }
    if (!f->chosen || f->peer_epoch != peer->epoch) {
        f->hash = underlay_paths_hash(frame, len);
        choose(e, f, peer, len);
    }
    return underlay_paths_encap(e->paths, ena_now(e), peer, &f->choice, frame,
                                len, frame - UNDERLAY2_OUTER_BYTES);
}

/* ---- echoes --------------------------------------------------------------------- */

static void echo_start(Ena *e, const UnderlayPeer *peer, const PathEcho *echo)
{
    for (unsigned i = 0; i < ENA_ECHOES; i++) {
        if (!e->echo[i].used) {
            e->echo[i] = (EnaEcho){ true, peer->ip, *echo };
            ena_submit(e, ENA_STAGE_ECHO, i, MODEL_MAC_TX, 0,
                       UNDERLAY2_OUTER_BYTES);
            return;
        }
    }
    /* Counters are cumulative: the next echo tells it too. */
}

void ena_path_echo_sent(Ena *e, unsigned slot)
{
    uint8_t packet[UNDERLAY2_OUTER_BYTES];
    UnderlayPeer *peer;
    EnaEcho *x;

    if (slot >= ENA_ECHOES || !e->echo[slot].used) {
        return;
    }
    x = &e->echo[slot];
    x->used = false;
    peer = e->paths && e->underlay.enabled
               ? underlay_paths_find(e->paths, x->ip)
               : NULL;
    if (peer) {
        underlay_paths_alone(e->paths, ena_now(e), peer, &x->echo, packet);
        e->stats.echo_frames++;
        e->wire->send(e->wire_opaque, ena_now(e), packet, sizeof(packet));
    }
}

/* ---- in ------------------------------------------------------------------------- */

static void deliver_held(Ena *e, uint64_t now)
{
    UnderlayFrame *f;

    while ((f = underlay_paths_pop(e->paths, now))) {
        ena_rx_inner(e, f->bytes, f->len);
        g_free(f);
    }
}

void ena_path_receive(Ena *e, uint8_t *packet, uint32_t len)
{
    uint64_t now = ena_now(e);
    uint32_t inner_len = 0;
    uint8_t *inner = NULL;

    if (!e->paths) { /* maybe another function's of this card */
        ena_rx_drop(e, underlay_outer_bytes(packet, len, 8) &&
                               !underlay_for_us(&e->underlay, packet)
                           ? &e->stats.rx_foreign
                           : &e->stats.rx_outer_bad);
        return;
    }
    switch (
        underlay_paths_decap(e->paths, now, packet, len, &inner, &inner_len)) {
    case UNDERLAY2_FRAME:
        ena_rx_inner(e, inner, inner_len);
        break;
    case UNDERLAY2_FOREIGN:
        ena_rx_drop(e, &e->stats.rx_foreign);
        break;
    case UNDERLAY2_FORGED:
        ena_rx_drop(e, &e->stats.rx_forged);
        break;
    case UNDERLAY2_REPLAYED:
        ena_rx_drop(e, &e->stats.rx_replayed);
        break;
    case UNDERLAY2_MALFORMED:
        ena_rx_drop(e, &e->stats.rx_outer_bad);
        break;
    default:
        break;
    }
    deliver_held(e, now);
    if (e->parked) {
        release(e, now); /* feedback may have made room */
    }
    ena_arm_timer(e);
}

/* ---- time ------------------------------------------------------------------------ */

uint64_t ena_path_next_ps(const Ena *e)
{
    return e->paths ? MIN(e->parked_ps, underlay_paths_next_ps(e->paths))
                    : e->parked_ps;
}

uint64_t ena_own_output_ps(const Ena *e)
{
    return MIN(ena_path_next_ps(e), ena_own_next_ps(e));
}

void ena_path_timers(Ena *e, uint64_t now)
{
    UnderlayPeer *peer;
    PathEcho echo;

    if (e->paths && underlay_paths_next_ps(e->paths) <= now) {
        deliver_held(e, now);
        while ((peer = underlay_paths_due(e->paths, now, &echo))) {
            echo_start(e, peer, &echo);
        }
        underlay_paths_rearm(e->paths);
    }
    if (e->parked_ps <= now) {
        release(e, now);
    }
}

void ena_path_clear(Ena *e)
{
    e->parked = 0;
    e->parked_ps = SEAM_NEVER;
    memset(e->echo, 0, sizeof(e->echo));
}
