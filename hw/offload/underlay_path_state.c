/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * underlay_path_state.c: the balancing of a function as bytes.
 */
#include "underlay_path.h"

#include <string.h>

#include "path_state.h"

#define STATE_MAGIC 0x50444e31u /* "1NDP" */
#define STATE_VERSION 1u
#define MOST_FRAME_BYTES 9728u

static void save_frame(const void *item, GByteArray *out)
{
    const UnderlayFrame *f = item;

    state_put_blob(out, f->bytes, f->len);
}

static void *load_frame(uint32_t bytes, StateReader *r)
{
    size_t len = 0;
    uint8_t *data = state_get_blob(r, MOST_FRAME_BYTES, &len);
    UnderlayFrame *f = NULL;

    if (data && len == bytes && len >= 14) {
        f = g_malloc(sizeof(*f) + len);
        f->len = (uint32_t)len;
        memcpy(f->bytes, data, len);
    }
    g_free(data);
    return f;
}

#define COUNTERS(X) \
    X(echoes_sent) X(echoes_alone) X(echoes_taken) X(echoes_ignored)

static void save_peer(const UnderlayPeer *peer, GByteArray *out)
{
    state_put_u32(out, peer->ip);
    state_put_bytes(out, peer->mac, 6);
    state_put_u16(out, peer->paths);
    state_put_u32(out, peer->epoch);
    state_put_u8(out, peer->heard);
    state_put_u32(out, peer->peer_epoch);
    state_put_u8(out, peer->echoed);
    state_put_u32(out, peer->echo_in);
    state_put_u32(out, peer->echo_out);
    state_put_u8(out, peer->delay_known);
    state_put_u32(out, peer->delay_from_ns);
#define PUT(field) state_put_u64(out, peer->field);
    COUNTERS(PUT)
#undef PUT
    path_sender_save(peer->tx, out);
    path_receiver_save(peer->rx, out);
    path_order_save(peer->order, out, save_frame);
}

void underlay_paths_save(const UnderlayPaths *p, GByteArray *out)
{
    size_t mark = state_begin(out, STATE_MAGIC, STATE_VERSION);

    state_put_u8(out, p != NULL);
    if (p) {
        path_config_save(&p->config, out);
        state_put_bytes(out, p->key, sizeof(p->key));
        state_put_u64(out, p->seed);
        state_put_u32(out, p->epoch);
        state_put_u64(out, p->due_ps);
        state_put_u8(out, p->changes == p->u->changes);
        state_put_u32(out, p->peers->len);
        for (unsigned i = 0; i < p->peers->len; i++) {
            save_peer(g_ptr_array_index(p->peers, i), out);
        }
    }
    state_end(out, mark);
}

static void load_peer(UnderlayPaths *p, UnderlayPeer *peer, uint64_t now_ps,
                      StateReader *r)
{
    peer->ip = state_get_u32(r);
    state_get_bytes(r, peer->mac, 6);
    peer->paths = state_get_u16(r);
    peer->epoch = state_get_u32(r);
    peer->heard = state_get_bool(r, "peer");
    peer->peer_epoch = state_get_u32(r);
    peer->echoed = state_get_bool(r, "echo");
    peer->echo_in = state_get_u32(r);
    peer->echo_out = state_get_u32(r);
    peer->delay_known = state_get_bool(r, "delay");
    peer->delay_from_ns = state_get_u32(r);
#define GET(field) peer->field = state_get_u64(r);
    COUNTERS(GET)
#undef GET
    peer->tx = path_sender_load(&p->config, now_ps, r);
    peer->rx = path_receiver_load(&p->config, now_ps, r);
    peer->order = path_order_load(&p->config, now_ps, g_free, load_frame, r);
    if (!peer->tx || !peer->rx || !peer->order) {
        state_fail(r, "a peer that cannot be");
    } else {
        p->held += path_order_held(peer->order);
    }
}

static void load_peers(UnderlayPaths *p, uint64_t now_ps, StateReader *r)
{
    uint32_t n = state_get_u32_max(r, UNDERLAY_MAX_MAPPINGS, "peers");
    uint32_t last = 0;

    for (uint32_t i = 0; i < n && state_ok(r); i++) {
        UnderlayPeer *peer = g_new0(UnderlayPeer, 1);

        g_ptr_array_add(p->peers, peer);
        load_peer(p, peer, now_ps, r);
        if (i && peer->ip <= last) {
            state_fail(r, "peers out of order");
        }
        last = peer->ip;
    }
}

UnderlayPaths *underlay_paths_load(Underlay *u, uint64_t now_ps, StateReader *r)
{
    PathConfig none = path_config_default(PATH_ECMP);
    uint8_t key[SIPHASH_KEY_BYTES] = { 0 };
    UnderlayPaths *p = NULL;
    StateReader sub;

    state_get_section(r, STATE_MAGIC, STATE_VERSION, &sub);
    if (state_get_bool(&sub, "balancing")) {
        Underlay empty;

        underlay_init(&empty);
        p = underlay_paths_new(&empty, &none, key, 0, 0);
        underlay_clear(&empty);
        p->u = u;
        path_config_load(&p->config, &sub);
        state_get_bytes(&sub, p->key, sizeof(p->key));
        p->seed = state_get_u64(&sub);
        p->epoch = state_get_u32(&sub);
        p->due_ps = state_get_u64(&sub);
        p->changes = u->changes - !state_get_bool(&sub, "table");
        if (state_ok(&sub)) {
            uint64_t due_ps = p->due_ps;

            load_peers(p, now_ps, &sub);
            if (state_ok(&sub)) {
                underlay_paths_rearm(p);
                p->due_ps = MIN(p->due_ps, due_ps);
            }
        }
    }
    if (!state_leave(r, &sub, "balancing")) {
        underlay_paths_free(p);
        return NULL;
    }
    return p;
}
