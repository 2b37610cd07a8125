/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_net.c: see rdt_net.h.
 */
#include "rdt_net.h"

#include <string.h>

/* ---- not cryptography --------------------------------------------------- */

typedef struct NetKey {
    uint64_t hash;
} NetKey;

static uint64_t hash(uint64_t h, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++) {
        h = (h ^ p[i]) * 0x100000001b3ull;
    }
    return h ^ h >> 29;
}

static void *key_new(void *opaque, uint32_t key_id, unsigned bits,
                     const char *info)
{
    NetKey *k;

    if (key_id < NET_KEY || key_id >= NET_KEY + 8) {
        return NULL;
    }
    k = g_new0(NetKey, 1);
    k->hash = hash(0xcbf29ce484222325ull + bits, info, strlen(info));
    return k;
}

static void key_free(void *opaque, void *key)
{
    g_free(key);
}

static void tag(const NetKey *k, const uint8_t nonce[12], const void *clear,
                size_t clear_len, const uint8_t *body, size_t len,
                uint8_t out[RDT_TAG_BYTES])
{
    uint64_t h =
        hash(hash(hash(k->hash, nonce, 12), clear, clear_len), body, len);

    memcpy(out, &h, 8);
    h = hash(h, "again", 5);
    memcpy(out + 8, &h, 8);
}

static bool seal(void *key, const uint8_t nonce[12], const void *clear,
                 size_t clear_len, const void *in, size_t len, void *out)
{
    memmove(out, in, len);
    tag(key, nonce, clear, clear_len, out, len, (uint8_t *)out + len);
    return true;
}

static bool open_(void *key, const uint8_t nonce[12], const void *clear,
                  size_t clear_len, const void *in, size_t len, void *out)
{
    uint8_t want[RDT_TAG_BYTES];

    if (len < RDT_TAG_BYTES) {
        return false;
    }
    len -= RDT_TAG_BYTES;
    tag(key, nonce, clear, clear_len, in, len, want);
    if (memcmp(want, (const uint8_t *)in + len, RDT_TAG_BYTES)) {
        return false;
    }
    memmove(out, in, len);
    return true;
}

const RdtCrypto rdt_net_crypto = { key_new, key_free, seal, open_ };

/* ---- life --------------------------------------------------------------- */

uint32_t rdt_net_id(unsigned end)
{
    return end ? NET_B : NET_A;
}

static void on_event(void *opaque, const RdtEvent *ev)
{
    RdtNet *n = opaque;

    g_array_append_vals(n->events, ev, 1);
}

RdtNet *rdt_net_new_crypto(const RdtParams *params, uint64_t seed,
                           const RdtCrypto *crypto, void *opaque)
{
    RdtNet *n = g_new0(RdtNet, 1);
    const char *why;

    n->sent = g_array_new(false, true, sizeof(NetSent));
    n->events = g_array_new(false, true, sizeof(RdtEvent));
    n->flights = g_array_new(false, true, sizeof(NetFlight));
    n->got = g_array_new(false, true, sizeof(NetGot));
    for (unsigned i = 0; i < 2; i++) {
        RdtSession s = {
            .local_id = rdt_net_id(i),
            .remote_id = rdt_net_id(!i),
            .key_id = NET_KEY,
            .peer = !i,
        };

        rdt_params_default(&s.params);
        if (params) {
            s.params = *params;
        }
        n->config[i] = (RdtConfig){ seed + i, crypto, opaque, on_event, n };
        n->end[i] = rdt_new(&n->config[i]);
        if (!rdt_open(n->end[i], 0, &s, &why)) {
            g_error("rdt_open: %s", why);
        }
    }
    return n;
}

RdtNet *rdt_net_new(const RdtParams *params, uint64_t seed)
{
    return rdt_net_new_crypto(params, seed, &rdt_net_crypto, NULL);
}

void rdt_net_free(RdtNet *n)
{
    for (unsigned i = 0; i < 2; i++) {
        rdt_free(n->end[i]);
    }
    for (guint i = 0; i < n->flights->len; i++) {
        g_free(g_array_index(n->flights, NetFlight, i).bytes);
    }
    for (guint i = 0; i < n->got->len; i++) {
        g_free(g_array_index(n->got, NetGot, i).m.data);
    }
    g_array_free(n->sent, true);
    g_array_free(n->events, true);
    g_array_free(n->flights, true);
    g_array_free(n->got, true);
    g_free(n);
}

/* ---- the wire ----------------------------------------------------------- */

static void put_on_wire(RdtNet *n, unsigned from, const RdtOut *out)
{
    const uint8_t *body = out->bytes + RDT_HEADER_BYTES;
    NetVerdict v = { .delay_ps = NET_DELAY_PS, .copies = 1 };
    NetSent s = { .at_ps = n->now_ps, .from = from };
    RdtHeader h;

    g_assert(rdt_get_header(out->bytes, out->len, &h) == RDT_IN_OK);
    g_assert(out->earliest_ps == n->now_ps && out->peer == !from &&
             out->session == rdt_net_id(from));
    s.packet = h.packet;
    s.kind = h.kind;
    s.epoch = h.epoch;
    s.port = out->source_port;
    s.len = out->len;
    if (h.kind == RDT_KIND_DATA) { /* of use only if it is not encrypted */
        s.message = (uint64_t)body[6] << 8 | body[7];
        s.fragment = body[12] << 8 | body[13];
    }
    g_array_append_val(n->sent, s);
    if (n->hook) {
        n->hook(n, from, out, &v);
    }
    for (unsigned i = 0; !v.drop && i < v.copies; i++) {
        NetFlight f = {
            .at_ps = n->now_ps + v.delay_ps,
            .order = n->order++,
            .to = !from,
            .ce = v.ce,
            .len = out->len,
            .bytes = g_memdup2(out->bytes, out->len),
        };

        g_array_append_val(n->flights, f);
    }
}

void rdt_net_drain(RdtNet *n)
{
    RdtMessage m;
    RdtOut out;

    for (unsigned i = 0; i < 2; i++) {
        while (!n->keep &&
               rdt_receive(n->end[i], n->now_ps, rdt_net_id(i), &m)) {
            NetGot got = { n->now_ps, i, m };

            g_array_append_val(n->got, got);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        while (rdt_output(n->end[i], n->now_ps, &out)) {
            put_on_wire(n, i, &out);
        }
    }
}

/* The index of the earliest flight, or -1. */
static int earliest(const RdtNet *n)
{
    int at = -1;

    for (guint i = 0; i < n->flights->len; i++) {
        const NetFlight *f = &g_array_index(n->flights, NetFlight, i);
        const NetFlight *b =
            at < 0 ? NULL : &g_array_index(n->flights, NetFlight, at);

        if (!b || f->at_ps < b->at_ps ||
            (f->at_ps == b->at_ps && f->order < b->order)) {
            at = (int)i;
        }
    }
    return at;
}

static uint64_t next_ps(const RdtNet *n)
{
    int at = earliest(n);
    uint64_t t = MIN(rdt_next_ps(n->end[0]), rdt_next_ps(n->end[1]));

    return at < 0 ? t : MIN(t, g_array_index(n->flights, NetFlight, at).at_ps);
}

bool rdt_net_step(RdtNet *n)
{
    uint64_t t;
    int at;

    rdt_net_drain(n);
    t = next_ps(n);
    if (t == RDT_NEVER_PS) {
        return false;
    }
    g_assert(t >= n->now_ps);
    n->now_ps = t;
    while ((at = earliest(n)) >= 0 &&
           g_array_index(n->flights, NetFlight, at).at_ps == t) {
        NetFlight f = g_array_index(n->flights, NetFlight, at);

        g_array_remove_index(n->flights, (guint)at);
        n->last_input = rdt_input(n->end[f.to], t, f.bytes, f.len, f.ce);
        g_free(f.bytes);
    }
    rdt_timer(n->end[0], t);
    rdt_timer(n->end[1], t);
    rdt_net_drain(n);
    return true;
}

void rdt_net_run(RdtNet *n, uint64_t until_ps)
{
    uint64_t steps = 0;

    rdt_net_drain(n);
    while (next_ps(n) <= until_ps && rdt_net_step(n)) {
        g_assert(++steps < 50000000);
    }
    n->now_ps = MAX(n->now_ps, until_ps);
}

/* ---- messages ----------------------------------------------------------- */

static uint8_t content(unsigned from, uint64_t id, uint32_t i)
{
    return (uint8_t)(id * 131 + from * 17 + i * 7 + (i >> 8));
}

uint64_t rdt_net_send(RdtNet *n, unsigned from, uint32_t len)
{
    g_autofree uint8_t *data = g_malloc(len + 1);
    /* ids count up from 0 in each direction */
    uint64_t id = rdt_stats(n->end[from])->messages_sent;
    RdtSendResult ret;

    for (uint32_t i = 0; i < len; i++) {
        data[i] = content(from, id, i);
    }
    ret =
        rdt_send(n->end[from], n->now_ps, rdt_net_id(from), 3, data, len, &id);
    g_assert(ret == RDT_SEND_OK);
    return id;
}

bool rdt_net_right(const RdtMessage *m, unsigned from)
{
    for (uint32_t i = 0; i < m->len; i++) {
        if (m->data[i] != content(from, m->id, i)) {
            return false;
        }
    }
    return m->channel == 3;
}

/* ---- records ------------------------------------------------------------ */

unsigned rdt_net_events(const RdtNet *n, unsigned end, RdtEventKind kind,
                        RdtEvent *ret_first)
{
    unsigned count = 0;

    for (guint i = 0; i < n->events->len; i++) {
        const RdtEvent *ev = &g_array_index(n->events, RdtEvent, i);

        if (ev->kind == kind && ev->session == rdt_net_id(end)) {
            if (!count++ && ret_first) {
                *ret_first = *ev;
            }
        }
    }
    return count;
}

const NetSent *rdt_net_sent(const RdtNet *n, unsigned i)
{
    g_assert(i < n->sent->len);
    return &g_array_index(n->sent, NetSent, i);
}

unsigned rdt_net_count(const RdtNet *n, unsigned end, RdtKind kind)
{
    unsigned count = 0;

    for (guint i = 0; i < n->sent->len; i++) {
        count +=
            rdt_net_sent(n, i)->from == end && rdt_net_sent(n, i)->kind == kind;
    }
    return count;
}

const NetGot *rdt_net_got(const RdtNet *n, unsigned i)
{
    g_assert(i < n->got->len);
    return &g_array_index(n->got, NetGot, i);
}

uint32_t rdt_net_forge_epoch(unsigned from, unsigned kind, unsigned epoch,
                             uint64_t packet, const void *body, uint32_t len,
                             uint8_t *out)
{
    RdtHeader h = {
        .packet = packet,
        .to = rdt_net_id(!from),
        .from = rdt_net_id(from),
        .key_id = NET_KEY,
        .epoch = (uint16_t)epoch,
        .kind = (RdtKind)kind,
    };
    uint8_t nonce[12];
    char info[96];
    void *key;

    g_snprintf(info, sizeof(info),
               "outrigger rdt 1: from %08x to %08x key %08x epoch %04x", h.from,
               h.to, NET_KEY, epoch);
    key = key_new(NULL, NET_KEY, 256, info);
    rdt_put_header(out, &h);
    memcpy(nonce, out + 4, 4);
    memcpy(nonce + 4, out + 16, 8);
    seal(key, nonce, out, RDT_HEADER_BYTES, body, len, out + RDT_HEADER_BYTES);
    key_free(NULL, key);
    return RDT_HEADER_BYTES + len + RDT_TAG_BYTES;
}

uint32_t rdt_net_forge(unsigned from, RdtKind kind, uint64_t packet,
                       const void *body, uint32_t len, uint8_t *out)
{
    return rdt_net_forge_epoch(from, kind, 0, packet, body, len, out);
}
