/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_fuzz.c: libFuzzer target: two endpoints of reliable datagrams and a wire
 * that the input rules: it loses, repeats, delays, marks, damages and cuts
 * datagrams, makes some up, authentic ones too, and damages saved states.
 * rdt_ops.h has the language.
 *
 * Beyond memory errors and undefined behaviour it checks that a message comes
 * once and as it was sent, that memory and windows stay within their bounds,
 * that one instant never goes on for ever, and that a saved state is loaded.
 */
#include "fuzz.h"
#include "rdt_frame.h"
#include "rdt_net.h"
#include "rdt_ops.h"

#include <stdio.h>
#include <string.h>

#define MOST_FLIGHTS 64u
#define MOST_MESSAGES 512u

typedef struct Datagram {
    unsigned to;
    uint32_t len;
    uint8_t bytes[RDT_MAX_DATAGRAM_BYTES];
} Datagram;

typedef struct World {
    Rdt *end[2];
    RdtConfig config[2];
    RdtParams params;
    uint64_t now_ps;
    uint32_t incarnation;
    bool keep[2];
    bool evil; /* somebody with the key lies, or a state was damaged */
    uint64_t sent[2];
    uint8_t got[2][MOST_MESSAGES];
    Datagram *flight;
    unsigned n_flights;
} World;

static void on_event(void *opaque, const RdtEvent *ev)
{
    g_assert(ev->kind < RDT_EV_KINDS);
}

static void open_session(World *w, unsigned end)
{
    RdtSession s = {
        .local_id = rdt_net_id(end),
        .remote_id = rdt_net_id(!end),
        .key_id = NET_KEY,
        .incarnation = w->incarnation,
        .peer = !end,
        .params = w->params,
    };
    const char *why;

    if (rdt_open(w->end[end], w->now_ps, &s, &why)) {
        return;
    }
    /* a damaged state may say that the key is used up */
    g_assert(w->evil);
    rdt_free(w->end[end]);
    w->end[end] = rdt_new(&w->config[end]);
    g_assert(rdt_open(w->end[end], w->now_ps, &s, &why));
}

static void world_new(World *w)
{
    memset(w, 0, sizeof(*w));
    w->flight = g_new(Datagram, MOST_FLIGHTS);
    rdt_params_default(&w->params);
    w->params.datagram_bytes = RDT_MIN_DATAGRAM_BYTES;
    w->params.n_paths = 4;
    w->params.rx_bytes = RDT_FIRST_CREDIT_BYTES;
    w->params.rx_messages = RDT_FIRST_CREDIT_MESSAGES;
    w->params.tx_bytes = 200000;
    w->params.tx_messages = 100;
    w->params.window_first_bytes = 4096;
    w->params.window_max_bytes = 32768;
    w->params.path_max_bytes = 16384;
    w->params.pace_bps = 10000000000ull;
    w->params.delay_target_ps = 50 * US;
    w->params.keepalive_ps = 5000 * US;
    w->params.dead_ps = 1000000 * US;
    w->params.epoch_packets = 1024;
    for (unsigned i = 0; i < 2; i++) {
        w->config[i] = (RdtConfig){ i, &rdt_net_crypto, NULL, on_event, w };
        w->end[i] = rdt_new(&w->config[i]);
        open_session(w, i);
    }
}

static void world_free(World *w)
{
    rdt_free(w->end[0]);
    rdt_free(w->end[1]);
    g_free(w->flight);
}

static void check_views(const World *w)
{
    for (unsigned i = 0; i < 2; i++) {
        RdtView v;

        if (!rdt_view(w->end[i], rdt_net_id(i), &v)) {
            continue;
        }
        g_assert(v.rx_bytes_held <= w->params.rx_bytes);
        g_assert(v.tx_bytes <= w->params.tx_bytes);
        g_assert(v.tx_waiting <= w->params.tx_messages);
        g_assert(v.window_bytes >= RDT_MIN_DATAGRAM_BYTES &&
                 v.window_bytes <= w->params.window_max_bytes);
        g_assert(v.in_flight_bytes <=
                 w->params.window_max_bytes + RDT_MAX_PATHS * 1024);
    }
}

static void take_messages(World *w, unsigned end)
{
    RdtMessage m;

    while (!w->keep[end] &&
           rdt_receive(w->end[end], w->now_ps, rdt_net_id(end), &m)) {
        g_assert(m.len <= RDT_MAX_MESSAGE_BYTES);
        if (!w->evil) {
            g_assert(m.id < w->sent[!end]);
            g_assert(m.id >= MOST_MESSAGES || !w->got[end][m.id]++);
            g_assert(rdt_net_right(&m, !end));
        }
        g_free(m.data);
    }
}

static void put_on_wire(World *w, unsigned from, const RdtOut *out)
{
    Datagram *d;

    g_assert(out->len >= RDT_HEADER_BYTES + RDT_TAG_BYTES &&
             out->len <= w->params.datagram_bytes &&
             out->source_port >= 49152 && out->earliest_ps == w->now_ps);
    if (w->n_flights == MOST_FLIGHTS) {
        return; /* the wire is full: lost */
    }
    d = &w->flight[w->n_flights++];
    d->to = !from;
    d->len = out->len;
    memcpy(d->bytes, out->bytes, out->len);
}

/* Everything that is due now, and what comes of it. */
static void settle(World *w)
{
    RdtOut out;

    for (unsigned i = 0; i < 2; i++) {
        unsigned rounds = 0;

        take_messages(w, i);
        do {
            g_assert(++rounds < 1000);
            rdt_timer(w->end[i], w->now_ps);
            while (rdt_output(w->end[i], w->now_ps, &out)) {
                g_assert(++rounds < 1000);
                put_on_wire(w, i, &out);
            }
        } while (rdt_next_ps(w->end[i]) <= w->now_ps);
    }
    check_views(w);
}

static void input(World *w, unsigned end, const void *p, uint32_t len, bool ce)
{
    g_autofree uint8_t *copy = g_memdup2(len ? p : "", len ? len : 1);

    rdt_input(w->end[end], w->now_ps, copy, len, ce);
    take_messages(w, end);
}

/* ---- operations --------------------------------------------------------- */

static void op_send(World *w, Input *in)
{
    unsigned end = get(in, 1) & 1;
    uint32_t len = (uint32_t)get(in, 2) * 8 % 30000;
    uint64_t id = w->sent[end];
    g_autofree uint8_t *data = g_malloc(len + 1);

    for (uint32_t i = 0; i < len; i++) {
        data[i] = (uint8_t)(id * 131 + end * 17 + i * 7 + (i >> 8));
    }
    if (rdt_send(w->end[end], w->now_ps, rdt_net_id(end), 3, data, len, &id) ==
        RDT_SEND_OK) {
        g_assert(w->evil || id == w->sent[end]);
        w->sent[end]++;
    }
}

static void op_wire(World *w, Input *in)
{
    unsigned which = get(in, 1), what = get(in, 1);
    Datagram d;

    if (!w->n_flights) {
        return;
    }
    which %= w->n_flights;
    d = w->flight[which];
    w->n_flights--;
    memmove(&w->flight[which], &w->flight[which + 1],
            (w->n_flights - which) * sizeof(d));
    if (what & 8) {
        unsigned at = get(in, 2);

        d.bytes[at % d.len] ^= get(in, 1);
    }
    if (what & 16) {
        d.len = get(in, 2) % (d.len + 1);
    }
    if (!(what & 1)) {
        input(w, d.to, d.bytes, d.len, what & 4);
        if (what & 2) {
            input(w, d.to, d.bytes, d.len, what & 4);
        }
    }
}

static void op_all(World *w, unsigned n)
{
    static const uint8_t first[2] = { 0, 0 };

    while (n-- && w->n_flights) {
        Input in = { first, 2 };

        op_wire(w, &in);
        settle(w);
    }
}

static void op_time(World *w, Input *in)
{
    uint64_t ps = get(in, 2) << (get(in, 1) % 32), end = w->now_ps + ps;

    for (unsigned i = 0; i < 200; i++) {
        uint64_t t = MIN(rdt_next_ps(w->end[0]), rdt_next_ps(w->end[1]));

        if (t > end) {
            break;
        }
        w->now_ps = MAX(w->now_ps, t);
        settle(w);
    }
    w->now_ps = MAX(w->now_ps, end);
}

static unsigned body(Input *in, uint8_t out[256])
{
    unsigned n = get(in, 1);

    for (unsigned i = 0; i < n; i++) {
        out[i] = get(in, 1);
    }
    return n;
}

static void op_forge(World *w, Input *in)
{
    unsigned end = get(in, 1) & 1, kind = get(in, 1), epoch = get(in, 1);
    uint64_t number = get(in, 8);
    uint8_t b[256], p[400];
    uint32_t len = body(in, b);

    w->evil = true;
    len = rdt_net_forge_epoch(!end, kind, epoch, number, b, len, p);
    input(w, end, p, len, number & 1);
}

static void op_life(World *w, unsigned what)
{
    unsigned end = what & 1;
    uint32_t id = rdt_net_id(end);

    switch (what >> 1 & 7) {
    case 0:
        rdt_close(w->end[end], w->now_ps, id);
        break;
    case 1:
        rdt_abort(w->end[end], w->now_ps, id);
        break;
    case 2: /* with a new life of the key; the other end knows nothing of it */
        rdt_forget(w->end[end], id);
        w->incarnation = MIN(w->incarnation + 1, RDT_MAX_INCARNATION);
        open_session(w, end);
        w->evil = true;
        break;
    case 3:
        w->keep[end] = !w->keep[end];
        break;
    default:
        rdt_set_peer(w->end[end], id, !end);
        break;
    }
}

static void op_key(World *w, unsigned what, unsigned key)
{
    unsigned end = what & 1;

    if (what & 2) {
        rdt_key_use(w->end[end], w->now_ps, rdt_net_id(end));
    } else {
        rdt_key_accept(w->end[end], rdt_net_id(end), NET_KEY + key % 9);
    }
}

static void load(World *w, unsigned end, const GByteArray *image, bool must)
{
    char *err = NULL;
    Rdt *r;

    if (w->incarnation >= RDT_MAX_INCARNATION) {
        return;
    }
    r = rdt_load(&w->config[end], w->now_ps, ++w->incarnation, image->data,
                 image->len, &err);
    if (r) {
        RdtView v;

        rdt_free(w->end[end]);
        w->end[end] = r;
        if (rdt_view(r, rdt_net_id(end), &v)) {
            return;
        }
        if (!must) { /* a session with another id */
            rdt_free(r);
            w->end[end] = rdt_new(&w->config[end]);
            open_session(w, end);
        }
        return;
    }
    if (must) {
        fprintf(stderr, "a saved state was refused: %s\n", err);
        abort();
    }
    g_free(err);
}

static void op_replace(World *w, unsigned end)
{
    GByteArray *image = g_byte_array_new();

    rdt_save(w->end[end], w->now_ps, image);
    load(w, end, image, true);
    g_byte_array_unref(image);
}

/* The parameters stay: check_views() compares with them. */
static bool same_params(const GByteArray *a, const GByteArray *b)
{
    return !memcmp(a->data, b->data, MIN(a->len, 440u));
}

static void op_damage(World *w, Input *in)
{
    GByteArray *image = g_byte_array_new(), *copy = g_byte_array_new();
    unsigned end = get(in, 1) & 1, n = get(in, 1) % 8;

    rdt_save(w->end[end], w->now_ps, image);
    g_byte_array_append(copy, image->data, image->len);
    for (unsigned i = 0; i < n; i++) {
        unsigned at = get(in, 2) % image->len;

        image->data[at] ^= get(in, 1);
    }
    w->evil = true;
    if (same_params(image, copy)) {
        load(w, end, image, false);
    } else {
        char *err = NULL;

        rdt_free(rdt_load(&w->config[end], w->now_ps, RDT_MAX_INCARNATION,
                          image->data, image->len, &err));
        g_free(err);
    }
    g_byte_array_unref(image);
    g_byte_array_unref(copy);
}

static void op_frame(Input *in)
{
    RdtAddress self = { { 2, 0, 10, 0, 0, 1 }, 0x0a000001 };
    uint8_t b[256], frame[RDT_MAX_FRAME_BYTES];
    uint32_t len = body(in, b);
    RdtOut out = { .len = 100, .source_port = 50000 };
    RdtFrame f;

    if (rdt_frame_get(b, len, &self, &f)) {
        g_assert(f.bytes + f.len <= b + len);
    }
    memset(out.bytes, 1, 100);
    len = rdt_frame_put(frame, &self, &self, &out);
    for (unsigned i = 0; i < 4; i++) {
        frame[b[i] % RDT_FRAME_OUTER_BYTES] ^= b[i + 4];
    }
    if (rdt_frame_get(frame, len, &self, &f)) {
        g_assert(f.len <= 100);
    }
}

static void operate(World *w, Input *in)
{
    uint8_t raw[256];
    unsigned a;

    switch (get(in, 1) % RDT_OPS) {
    case RDT_OP_SEND:
        op_send(w, in);
        break;
    case RDT_OP_WIRE:
        op_wire(w, in);
        break;
    case RDT_OP_ALL:
        op_all(w, get(in, 1));
        break;
    case RDT_OP_TIME:
        op_time(w, in);
        break;
    case RDT_OP_RAW:
        a = get(in, 1) & 1;
        input(w, a, raw, body(in, raw), false);
        break;
    case RDT_OP_FORGE:
        op_forge(w, in);
        break;
    case RDT_OP_LIFE:
        op_life(w, get(in, 1));
        break;
    case RDT_OP_KEY:
        a = get(in, 1);
        op_key(w, a, get(in, 1));
        break;
    case RDT_OP_REPLACE:
        op_replace(w, get(in, 1) & 1);
        break;
    case RDT_OP_DAMAGE:
        op_damage(w, in);
        break;
    default:
        op_frame(in);
        break;
    }
    settle(w);
}

const char fuzz_name[] = "rdt_fuzz";

void fuzz_one(Input *in)
{
    World w;

    world_new(&w);
    while (in->len) {
        operations++;
        operate(&w, in);
    }
    world_free(&w);
}
