/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_world.c: see rdt_world.h.
 */
#include "rdt_world.h"

#include <string.h>

#define SERIALISE_PS(bytes) (((bytes) + 24ull) * 80u) /* 100 Gbit/s */
#define KEY 5u

void world_params(RdtParams *p)
{
    rdt_params_default(p);
    p->pace_bps = 95000000000ull;
}

uint32_t world_session(uint32_t from, uint32_t to)
{
    return 1u << 16 | from << 8 | to;
}

uint32_t world_core_link(uint32_t leaf, uint32_t spine)
{
    return WORLD_HOSTS + leaf * WORLD_SPINES + spine;
}

uint32_t world_spine(uint32_t spine)
{
    return WORLD_HOSTS + WORLD_LEAVES + spine;
}

WorldMessage *world_message(const World *w, unsigned i)
{
    g_assert(i < w->messages->len);
    return &g_array_index(w->messages, WorldMessage, i);
}

unsigned world_events(const World *w, uint32_t host, RdtEventKind kind)
{
    unsigned n = 0;

    for (guint i = 0; i < w->events->len; i++) {
        const RdtEvent *ev = &g_array_index(w->events, RdtEvent, i);

        n += ev->kind == kind && (ev->session >> 8 & 0xff) == host;
    }
    return n;
}

/* ---- callbacks ---------------------------------------------------------- */

static WorldMessage *find(World *w, uint32_t from, uint32_t to, uint64_t id)
{
    for (guint i = w->messages->len; i--;) { /* most are recent */
        WorldMessage *m = world_message(w, i);

        if (m->from == from && m->to == to && m->id == id) {
            return m;
        }
    }
    return NULL;
}

static void on_event(void *opaque, const RdtEvent *ev)
{
    WorldHost *h = opaque;
    WorldMessage *m;

    g_array_append_vals(h->w->events, ev, 1);
    if (ev->kind == RDT_EV_ACKED) {
        m = find(h->w, h->node, ev->session & 0xff, ev->a);
        g_assert(m && !m->acked_ps && m->got_ps);
        m->acked_ps = ev->at_ps;
    }
}

static void hash(World *w, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++) {
        w->hash = (w->hash ^ p[i]) * 0x100000001b3ull;
    }
}

static uint8_t content(uint32_t from, uint64_t id, uint32_t i)
{
    return (uint8_t)(from * 31 + id * 7 + i);
}

static void take_messages(World *w, WorldHost *h)
{
    RdtMessage got;

    for (uint32_t g = 0; g < WORLD_HOSTS; g++) {
        while (g != h->node && rdt_receive(h->rdt, w->now_ps,
                                           world_session(h->node, g), &got)) {
            WorldMessage *m = find(w, g, h->node, got.id);

            g_assert(m && !m->got_ps && m->len == got.len);
            for (uint32_t i = 0; i < got.len; i++) {
                g_assert(got.data[i] == content(g, got.id, i));
            }
            m->got_ps = w->now_ps;
            g_free(got.data);
        }
    }
}

static void on_deliver(void *opaque, uint32_t host, uint64_t ps,
                       const uint8_t *frame, uint32_t len)
{
    World *w = opaque;
    WorldHost *h = &w->host[host];
    RdtFrame f;

    w->frames++;
    hash(w, &ps, sizeof(ps));
    hash(w, frame, len);
    w->now_ps = ps;
    if (!rdt_frame_get(frame, len, &h->address, &f)) {
        w->malformed++;
        return;
    }
    rdt_input(h->rdt, ps, f.bytes, f.len, f.ce);
    take_messages(w, h);
}

static const FabricOps ops = { .deliver = on_deliver };

/* ---- life --------------------------------------------------------------- */

static void make_fabric(World *w, uint64_t seed)
{
    FabricConfig config = { .seed = seed, .ops = &ops, .opaque = w };
    FabricHostConfig hosts[WORLD_HOSTS] = { 0 };
    g_autoptr(GError) err = NULL;
    FabricTopology t;

    w->f = fabric_new(&config);
    for (uint32_t i = 0; i < WORLD_HOSTS; i++) {
        hosts[i].full = true;
        hosts[i].ipv4 = 10u << 24 | (i + 1);
    }
    fabric_topology_default(&t, WORLD_HOSTS);
    t.hosts = hosts;
    if (fabric_topology_leaf_spine(w->f, &t, WORLD_LEAVES, WORLD_SPINES,
                                   &err) != 0 ||
        !fabric_build(w->f, &err)) {
        g_error("%s", err->message);
    }
}

static void open_sessions(WorldHost *h, const RdtParams *p)
{
    for (uint32_t g = 0; g < WORLD_HOSTS; g++) {
        RdtSession s = {
            .local_id = world_session(h->node, g),
            .remote_id = world_session(g, h->node),
            .key_id = KEY,
            .peer = g,
            .params = *p,
        };
        const char *why;

        if (g != h->node && !rdt_open(h->rdt, 0, &s, &why)) {
            g_error("%s", why);
        }
    }
}

World *world_new(uint64_t seed, const RdtParams *params)
{
    World *w = g_new0(World, 1);
    uint8_t secret[RDT_SECRET_BYTES] = { 1, 2, 3 };
    RdtParams p;

    world_params(&p);
    w->messages = g_array_new(false, true, sizeof(WorldMessage));
    w->events = g_array_new(false, true, sizeof(RdtEvent));
    w->hash = 0xcbf29ce484222325ull;
    w->keys = rdt_keys_new();
    rdt_keys_put(w->keys, KEY, secret);
    make_fabric(w, seed);
    for (uint32_t i = 0; i < WORLD_HOSTS; i++) {
        WorldHost *h = &w->host[i];
        uint64_t mac = fabric_host_mac(w->f, i);

        h->w = w;
        h->node = i;
        h->address.ip = fabric_host_ipv4(w->f, i);
        for (unsigned k = 0; k < 6; k++) {
            h->address.mac[k] = (uint8_t)(mac >> (40 - 8 * k));
        }
        h->config = (RdtConfig){ seed * 1000 + i, &rdt_keys_crypto, w->keys,
                                 on_event, h };
        h->rdt = rdt_new(&h->config);
        open_sessions(h, params ? params : &p);
    }
    return w;
}

void world_free(World *w)
{
    for (uint32_t i = 0; i < WORLD_HOSTS; i++) {
        rdt_free(w->host[i].rdt);
    }
    fabric_free(w->f);
    rdt_keys_free(w->keys);
    g_array_free(w->messages, true);
    g_array_free(w->events, true);
    g_free(w);
}

/* ---- running ------------------------------------------------------------ */

static void drain(World *w, WorldHost *h)
{
    uint8_t frame[RDT_MAX_FRAME_BYTES];
    g_autoptr(GError) err = NULL;
    RdtOut out;

    while (rdt_output(h->rdt, w->now_ps, &out)) {
        uint32_t len =
            rdt_frame_put(frame, &h->address, &w->host[out.peer].address, &out);

        h->mac_free_ps = MAX(h->mac_free_ps, w->now_ps) + SERIALISE_PS(len);
        if (!fabric_inject(w->f, h->node, h->mac_free_ps, frame, len, &err)) {
            g_error("%s", err->message);
        }
    }
}

void world_send(World *w, uint32_t from, uint32_t to, uint32_t len)
{
    WorldMessage m = {
        .from = from, .to = to, .len = len, .sent_ps = w->now_ps
    };
    g_autofree uint8_t *data = g_malloc(len + 1);
    RdtSendResult ret;

    /* ids count up from 0 in each direction of each session */
    for (guint i = 0; i < w->messages->len; i++) {
        m.id +=
            world_message(w, i)->from == from && world_message(w, i)->to == to;
    }
    for (uint32_t i = 0; i < len; i++) {
        data[i] = content(from, m.id, i);
    }
    g_array_append_val(w->messages, m);
    ret = rdt_send(w->host[from].rdt, w->now_ps, world_session(from, to), 0,
                   data, len, NULL);
    g_assert(ret == RDT_SEND_OK);
}

static uint64_t next_ps(const World *w)
{
    uint64_t t = fabric_next_ps(w->f);

    for (uint32_t i = 0; i < WORLD_HOSTS; i++) {
        t = MIN(t, rdt_next_ps(w->host[i].rdt));
    }
    return t;
}

void world_run(World *w, uint64_t until_ps)
{
    for (;;) {
        uint64_t t;

        for (uint32_t i = 0; i < WORLD_HOSTS; i++) {
            drain(w, &w->host[i]);
        }
        t = next_ps(w);
        if (t > until_ps) {
            break;
        }
        g_assert(t >= w->now_ps);
        fabric_run(w->f, t + 1);
        w->now_ps = t;
        for (uint32_t i = 0; i < WORLD_HOSTS; i++) {
            rdt_timer(w->host[i].rdt, t);
        }
    }
    fabric_run(w->f, until_ps);
    w->now_ps = MAX(w->now_ps, until_ps);
}
