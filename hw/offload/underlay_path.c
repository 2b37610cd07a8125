/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * underlay_path.c: see underlay_path.h: peers, packets out and in.
 */
#include "underlay_path.h"

#include <string.h>

#include "ena_packet.h"

#define ETH_BYTES 14u
#define VERSION 2u
#define HEADER_AT (ETH_BYTES + 20u + 8u)
#define TAG_AT 48u
#define NO_DELAY_NS UINT32_MAX
#define CLOCKS_DIFFER_NS 1000000000u
#define DELAY_SPARE_NS 1000000u

/* ---- peers -------------------------------------------------------------------- */

static UnderlayPeer *peer_at(const UnderlayPaths *p, unsigned i)
{
    return g_ptr_array_index(p->peers, i);
}

static void peer_free(void *opaque)
{
    UnderlayPeer *peer = opaque;

    path_sender_free(peer->tx);
    path_receiver_free(peer->rx);
    path_order_free(peer->order);
    g_free(peer);
}

/* The first peer that is not before @ip. */
static unsigned position(const UnderlayPaths *p, uint32_t ip)
{
    unsigned low = 0, high = p->peers->len;

    while (low < high) {
        unsigned mid = (low + high) / 2;

        if (peer_at(p, mid)->ip < ip) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static UnderlayPeer *find(const UnderlayPaths *p, uint32_t ip)
{
    unsigned i = position(p, ip);

    return i < p->peers->len && peer_at(p, i)->ip == ip ? peer_at(p, i) : NULL;
}

static void peer_begin(UnderlayPaths *p, UnderlayPeer *peer,
                       const UnderlayMapping *m)
{
    uint64_t seed = p->seed ^ (uint64_t)m->underlay_ip << 32 ^ p->u->ip;

    peer->ip = m->underlay_ip;
    peer->paths = m->paths;
    peer->epoch = p->epoch++;
    peer->tx = path_sender_new(&p->config,
                               m->paths ? m->paths : PATH_MAX_VALUES, seed);
    peer->rx = path_receiver_new(&p->config, seed);
    peer->order = path_order_new(&p->config, g_free);
}

static void peer_add(UnderlayPaths *p, const UnderlayMapping *m)
{
    unsigned i = position(p, m->underlay_ip);
    UnderlayPeer *peer = i < p->peers->len ? peer_at(p, i) : NULL;

    if (peer && peer->ip == m->underlay_ip) {
        if (peer->paths == m->paths) {
            memcpy(peer->mac, m->underlay_mac, 6);
            return;
        }
        p->held -= path_order_held(peer->order);
        g_ptr_array_remove_index(p->peers, i);
    }
    peer = g_new0(UnderlayPeer, 1);
    peer_begin(p, peer, m);
    memcpy(peer->mac, m->underlay_mac, 6);
    g_ptr_array_insert(p->peers, i, peer);
}

static bool is_mapped(const Underlay *u, uint32_t ip)
{
    for (unsigned i = 0; i < u->map->len; i++) {
        const UnderlayMapping *m = &g_array_index(u->map, UnderlayMapping, i);

        if (m->underlay_ip == ip && !m->plain) {
            return true;
        }
    }
    return false;
}

/* The table follows the mappings. */
static void follow(UnderlayPaths *p)
{
    const Underlay *u = p->u;

    if (p->changes == u->changes) {
        return;
    }
    p->changes = u->changes;
    for (unsigned i = p->peers->len; i-- > 0;) {
        if (!is_mapped(u, peer_at(p, i)->ip)) {
            p->held -= path_order_held(peer_at(p, i)->order);
            g_ptr_array_remove_index(p->peers, i);
        }
    }
    for (unsigned i = 0; i < u->map->len; i++) {
        const UnderlayMapping *m = &g_array_index(u->map, UnderlayMapping, i);

        if (!m->plain) {
            peer_add(p, m);
        }
    }
    underlay_paths_rearm(p);
}

UnderlayPaths *underlay_paths_new(Underlay *u, const PathConfig *config,
                                  const uint8_t key[SIPHASH_KEY_BYTES],
                                  uint64_t seed, uint32_t epoch)
{
    UnderlayPaths *p = g_new0(UnderlayPaths, 1);

    p->u = u;
    p->config = *config;
    memcpy(p->key, key, SIPHASH_KEY_BYTES);
    p->seed = seed;
    p->epoch = epoch;
    p->changes = u->changes - 1;
    p->peers = g_ptr_array_new_with_free_func(peer_free);
    p->due_ps = PATH_NEVER;
    follow(p);
    return p;
}

void underlay_paths_free(UnderlayPaths *p)
{
    if (p) {
        g_ptr_array_free(p->peers, true);
        g_free(p);
    }
}

UnderlayPeer *underlay_paths_find(UnderlayPaths *p, uint32_t ip)
{
    follow(p);
    return find(p, ip);
}

UnderlayPeer *underlay_paths_peer(UnderlayPaths *p, const UnderlayMapping *m)
{
    return m->plain ? NULL : underlay_paths_find(p, m->underlay_ip);
}

uint32_t underlay_paths_hash(const uint8_t *frame, uint32_t len)
{
    uint32_t h = underlay_flow_hash(frame, len);

    /* Home values come from the high bits: mix them (a bijection). */
    h = (h ^ h >> 16) * 0x7feb352du;
    h = (h ^ h >> 15) * 0x846ca68bu;
    return h ^ h >> 16;
}

/* ---- out ------------------------------------------------------------------------ */

static uint64_t tag_of(const UnderlayPaths *p, const uint8_t *packet)
{
    const uint8_t *ip = packet + ETH_BYTES;
    uint8_t text[4 + 4 + 2 + TAG_AT];

    memcpy(text, ip + 12, 10); /* both addresses and the source port */
    memcpy(text + 10, packet + HEADER_AT, TAG_AT);
    return siphash24(p->key, text, sizeof(text));
}

static void put_echo(UnderlayPeer *peer, const PathEcho *e, uint8_t *h)
{
    uint64_t ns = e->delay_ps / 1000;

    h[1] |= UNDERLAY2_FLAG_ECHO;
    h[3] = e->value;
    packet_put32(h + 24, peer->echo_out++);
    packet_put32(h + 28, e->packets);
    packet_put32(h + 32, e->marked);
    packet_put32(h + 36, e->byte_end);
    packet_put32(h + 40, e->lost_bytes);
    packet_put32(h + 44, e->delay_ps == PATH_NO_DELAY || ns > NO_DELAY_NS
                             ? NO_DELAY_NS
                             : (uint32_t)ns);
    peer->echoes_sent++;
}

static void put_header(UnderlayPaths *p, uint64_t now_ps, UnderlayPeer *peer,
                       const PathChoice *c, const PathEcho *echo, uint8_t flags,
                       uint8_t *out)
{
    uint8_t *h = out + HEADER_AT;
    uint64_t tag;

    memset(h, 0, UNDERLAY2_HEADER_BYTES);
    h[0] = VERSION << 4 | UNDERLAY2_HEADER_BYTES / 4;
    h[1] = flags;
    h[2] = (uint8_t)c->value;
    packet_put32(h + 4, p->u->vni);
    packet_put32(h + 8, peer->epoch);
    packet_put32(h + 12, c->sequence);
    packet_put32(h + 16, c->byte_end);
    packet_put32(h + 20, (uint32_t)(now_ps / 1000));
    if (echo) {
        put_echo(peer, echo, h);
    }
    tag = tag_of(p, out);
    packet_put32(h + TAG_AT, tag >> 32);
    packet_put32(h + TAG_AT + 4, (uint32_t)tag);
}

uint32_t underlay_paths_encap(UnderlayPaths *p, uint64_t now_ps,
                              UnderlayPeer *peer, const PathChoice *choice,
                              const uint8_t *frame, uint32_t len, uint8_t *out)
{
    PathEcho echo;
    bool news = path_echo_take(peer->rx, now_ps, &echo);

    underlay_put_outer(p->u, peer->ip, peer->mac, (uint16_t)choice->sequence,
                       choice->port, frame, UNDERLAY2_HEADER_BYTES + len, len,
                       out);
    put_header(p, now_ps, peer, choice, news ? &echo : NULL, 0, out);
    return UNDERLAY2_OUTER_BYTES;
}

uint32_t underlay_paths_alone(UnderlayPaths *p, uint64_t now_ps,
                              UnderlayPeer *peer, const PathEcho *echo,
                              uint8_t *out)
{
    /* It goes the way of the value that it tells of, and is not counted. */
    PathChoice c = {
        .value = echo->value % p->config.values,
        .sequence = path_sequence(peer->tx),
    };

    c.port = path_port(peer->tx, c.value);
    underlay_put_outer(p->u, peer->ip, peer->mac, (uint16_t)c.sequence, c.port,
                       NULL, UNDERLAY2_HEADER_BYTES, 0, out);
    put_header(p, now_ps, peer, &c, echo, UNDERLAY2_FLAG_ALONE, out);
    peer->echoes_alone++;
    return UNDERLAY2_OUTER_BYTES;
}

UnderlayPeer *underlay_paths_due(UnderlayPaths *p, uint64_t now_ps,
                                 PathEcho *ret)
{
    follow(p);
    for (unsigned i = 0; i < p->peers->len; i++) {
        UnderlayPeer *peer = peer_at(p, i);

        if (path_echo_due_ps(peer->rx) <= now_ps &&
            path_echo_take(peer->rx, now_ps, ret)) {
            return peer;
        }
    }
    return NULL;
}

/* ---- time ------------------------------------------------------------------------- */

static void arm(UnderlayPaths *p, const UnderlayPeer *peer)
{
    p->due_ps = MIN(p->due_ps, path_echo_due_ps(peer->rx));
    p->due_ps = MIN(p->due_ps, path_order_deadline_ps(peer->order));
}

uint64_t underlay_paths_next_ps(const UnderlayPaths *p)
{
    return p->due_ps;
}

void underlay_paths_rearm(UnderlayPaths *p)
{
    p->due_ps = PATH_NEVER;
    for (unsigned i = 0; i < p->peers->len; i++) {
        arm(p, peer_at(p, i));
    }
}

UnderlayFrame *underlay_paths_pop(UnderlayPaths *p, uint64_t now_ps)
{
    UnderlayFrame *f = NULL;

    for (unsigned i = 0; p->held && !f && i < p->peers->len; i++) {
        f = path_order_pop(peer_at(p, i)->order, now_ps);
    }
    p->held -= f != NULL;
    return f;
}

/* ---- in --------------------------------------------------------------------------- */

bool underlay_paths_is_ours(const uint8_t *packet, uint32_t len)
{
    return len > HEADER_AT && packet[HEADER_AT] >> 4 == VERSION;
}

static bool header_valid(const uint8_t *h, uint32_t inner)
{
    bool alone = h[1] & UNDERLAY2_FLAG_ALONE, echo = h[1] & UNDERLAY2_FLAG_ECHO;

    return h[0] == (VERSION << 4 | UNDERLAY2_HEADER_BYTES / 4) &&
           !(h[1] & ~(UNDERLAY2_FLAG_ALONE | UNDERLAY2_FLAG_ECHO)) && !h[4] &&
           (alone ? !inner && echo : inner >= ETH_BYTES);
}

/* A peer that has begun anew: what was heard of it before means nothing. */
static void new_epoch(UnderlayPaths *p, UnderlayPeer *peer, uint32_t epoch)
{
    peer->peer_epoch = epoch;
    peer->echoed = peer->delay_known = false;
    if (!peer->heard) {
        peer->heard = true;
        return;
    }
    p->held -= path_order_held(peer->order);
    path_order_free(peer->order);
    path_receiver_free(peer->rx);
    peer->rx = path_receiver_new(&p->config, 0);
    peer->order = path_order_new(&p->config, g_free);
    path_echo_restart(peer->tx);
}

static uint64_t delay_ps(UnderlayPeer *peer, uint64_t now_ps, const uint8_t *h)
{
    uint32_t ns = (uint32_t)(now_ps / 1000) - packet_get32(h + 20);

    if (!peer->delay_known) {
        peer->delay_known = true;
        peer->delay_from_ns = ns < CLOCKS_DIFFER_NS ? 0 : ns - DELAY_SPARE_NS;
    }
    return (ns - peer->delay_from_ns) * 1000ull;
}

/* What the peer says of our packets. */
static void take_echo(UnderlayPeer *peer, uint64_t now_ps, const uint8_t *h)
{
    uint32_t number = packet_get32(h + 24), ns = packet_get32(h + 44);
    PathEcho e = {
        .value = h[3],
        .packets = packet_get32(h + 28),
        .marked = packet_get32(h + 32),
        .byte_end = packet_get32(h + 36),
        .lost_bytes = packet_get32(h + 40),
        .delay_ps = ns == NO_DELAY_NS ? PATH_NO_DELAY : ns * 1000ull,
    };

    if (!(h[1] & UNDERLAY2_FLAG_ECHO)) {
        return;
    }
    if ((peer->echoed && (int32_t)(number - peer->echo_in) <= 0) ||
        !path_echo_apply(peer->tx, now_ps, &e)) {
        peer->echoes_ignored++;
        return;
    }
    peer->echoed = true;
    peer->echo_in = number;
    peer->echoes_taken++;
}

static UnderlayFrame *frame_new(const uint8_t *bytes, uint32_t len)
{
    UnderlayFrame *f = g_malloc(sizeof(*f) + len);

    f->len = len;
    memcpy(f->bytes, bytes, len);
    return f;
}

/* A good packet of @peer with a frame of @inner bytes. */
static Underlay2Verdict take_frame(UnderlayPaths *p, uint64_t now_ps,
                                   UnderlayPeer *peer, uint8_t *packet,
                                   uint32_t inner)
{
    const uint8_t *h = packet + HEADER_AT;
    uint8_t *bytes = packet + UNDERLAY2_OUTER_BYTES;
    bool marked = underlay_marked(packet);
    uint32_t len = UNDERLAY2_OUTER_BYTES + inner;
    UnderlayFrame *f;

    if (marked) {
        underlay_mark_inner(bytes, inner);
    }
    f = p->config.sequencing ? frame_new(bytes, inner) : NULL;
    switch (
        path_order_push(peer->order, now_ps, packet_get32(h + 12), inner, f)) {
    case PATH_DUPLICATE:
        g_free(f);
        return UNDERLAY2_REPLAYED;
    case PATH_DELIVER:
        g_free(f);
        f = NULL;
        break;
    case PATH_HELD:
        p->held++;
        break;
    }
    path_received(peer->rx, now_ps, h[2], packet_get32(h + 16), len, marked,
                  delay_ps(peer, now_ps, h));
    take_echo(peer, now_ps, h);
    arm(p, peer);
    return f ? UNDERLAY2_HELD : UNDERLAY2_FRAME;
}

Underlay2Verdict underlay_paths_decap(UnderlayPaths *p, uint64_t now_ps,
                                      uint8_t *packet, uint32_t len,
                                      uint8_t **ret_frame, uint32_t *ret_len)
{
    uint32_t bytes = underlay_outer_bytes(packet, len, UNDERLAY2_HEADER_BYTES);
    const uint8_t *h = packet + HEADER_AT;
    uint32_t inner = bytes - UNDERLAY2_HEADER_BYTES, from_ip, epoch;
    const UnderlayMapping *from;
    UnderlayPeer *peer;

    if (!bytes || !header_valid(h, inner)) {
        return UNDERLAY2_MALFORMED;
    }
    follow(p);
    from_ip = packet_get32(packet + ETH_BYTES + 12);
    peer = find(p, from_ip);
    if (!underlay_for_us(p->u, packet) || !peer) {
        return UNDERLAY2_FOREIGN;
    }
    from = inner ? underlay_find_mac(p->u, packet + UNDERLAY2_OUTER_BYTES + 6)
                 : NULL;
    if (tag_of(p, packet) != ((uint64_t)packet_get32(h + TAG_AT) << 32 |
                              packet_get32(h + TAG_AT + 4))) {
        return UNDERLAY2_FORGED;
    }
    if (from && from->underlay_ip != from_ip) {
        return UNDERLAY2_FOREIGN; /* another card speaks for that guest */
    }
    epoch = packet_get32(h + 8);
    if (!peer->heard || (int32_t)(epoch - peer->peer_epoch) > 0) {
        new_epoch(p, peer, epoch);
    } else if (epoch != peer->peer_epoch) {
        return UNDERLAY2_REPLAYED;
    }
    if (!inner) {
        take_echo(peer, now_ps, h);
        return UNDERLAY2_ALONE;
    }
    *ret_frame = packet + UNDERLAY2_OUTER_BYTES;
    *ret_len = inner;
    return take_frame(p, now_ps, peer, packet, inner);
}
