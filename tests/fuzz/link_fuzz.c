/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_fuzz.c: libFuzzer target: a link channel, of which each side may be
 * hostile to the other. The input sends, receives, attaches, resets, and
 * writes what it likes into header and rings. link_ops.h has the language.
 *
 * Beyond memory errors (the mapping lies between guard pages) and undefined
 * behaviour it checks that a side writes nothing that belongs to the other,
 * and that, until something was spoiled, every message arrives as sent.
 */
#include "fuzz.h"
#include "link_ops.h"
#include "link_priv.h"

#include <stdio.h>
#include <string.h>

/* One side, and what it sent that the other has not received. */
typedef struct Side {
    Link *l;
    GArray *sent; /* LinkRecord */
    uint64_t received;
    LinkRingInfo before[2]; /* of its channel, to see what it writes */
    uint8_t *ring_before;   /* the one it receives from */
} Side;

static Side sides[2];
static bool spoiled;
static uint8_t content[512 + LINK_MAX_PAYLOAD_BYTES];

/* ---- who may write what ------------------------------------------------- */

static void watch(const Side *s)
{
    memcpy((void *)s->before, s->l->header->ring, sizeof(s->before));
    memcpy(s->ring_before, s->l->rx.ring, FUZZ_RING);
}

static void watched(const Side *s)
{
    const LinkRingInfo *now = s->l->header->ring;
    unsigned out = s->l->side == LINK_A ? 0 : 1;

    g_assert(now[out].consumed == s->before[out].consumed);
    g_assert(now[!out].produced == s->before[!out].produced);
    g_assert(!memcmp(s->ring_before, s->l->rx.ring, FUZZ_RING));
}

/* ---- one side's doings -------------------------------------------------- */

static void attach(void)
{
    sides[1].l = link_attach(link_path(sides[0].l), LINK_B, NULL);
    g_assert(sides[1].l || spoiled);
}

static void leave(void)
{
    sides[1].l = link_close(sides[1].l);
}

static void send(Side *s, uint64_t ps, uint16_t kind, uint16_t port,
                 uint32_t len)
{
    bool good = !spoiled && !link_error(s->l) && !link_error(sides[0].l);
    LinkRecord r = { ps, len, kind, port };

    len %= LINK_MAX_PAYLOAD_BYTES + 2;
    r.len = len;
    watch(s);
    if (link_send(s->l, ps, kind, port, content + ps % 256, len)) {
        g_array_append_val(s->sent, r);
    } else if (good && !link_error(s->l)) {
        /* full, so there is less room than padding and this may take */
        g_assert(link_unconsumed(s->l) > 0);
    }
    watched(s);
}

static void send_one(Side *s, Input *in)
{
    uint64_t ps = link_last_sent_ps(s->l) + (int8_t)get(in, 1);
    uint16_t kind = get(in, 1) % (LINK_KINDS + 1), port = get(in, 1);

    send(s, ps, kind, port, get(in, 2));
}

static void send_frames(Side *s, Input *in)
{
    unsigned n = get(in, 1);

    for (unsigned i = 0; i < n; i++) {
        send(s, link_last_sent_ps(s->l) + i % 3, LINK_FRAME, i,
             LINK_MIN_FRAME_BYTES + i * i * 131 % 9700);
    }
}

/* Of a channel that nobody spoiled, what arrives is what was sent. */
static void as_sent(Side *s, const LinkMsg *m)
{
    GArray *sent = sides[s == sides].sent;
    const LinkRecord *r = &g_array_index(sent, LinkRecord, s->received);

    g_assert(s->received < sent->len);
    g_assert(m->seq == s->received);
    g_assert(m->ps == r->ps && m->len == r->len);
    g_assert(m->kind == r->kind && m->port == r->port);
    if (m->kind != LINK_CONTROL) {
        g_assert(!memcmp(m->data, content + m->ps % 256, m->len));
    }
}

static void receive(Side *s, unsigned n)
{
    uint64_t last_ps = 0;

    watch(s);
    while (n--) {
        const LinkMsg *m = link_peek(s->l);

        if (!m) {
            break;
        }
        g_assert(m->ps >= last_ps && m->len <= LINK_MAX_PAYLOAD_BYTES);
        g_assert(m->kind > LINK_PAD && m->kind < LINK_KINDS);
        if (!spoiled) {
            as_sent(s, m);
        }
        last_ps = m->ps;
        s->received++;
        link_consume(s->l);
    }
    watched(s);
}

static void reset(bool died)
{
    if (died) {
        spoiled = spoiled || sides[1].l;
        sides[0].l->header->side[1].start_ticks++;
    }
    if (link_reset(sides[0].l, NULL)) {
        g_assert(!link_error(sides[0].l));
        for (unsigned i = 0; i < 2; i++) {
            g_array_set_size(sides[i].sent, 0);
            sides[i].received = 0;
        }
    }
}

static void create(uint32_t bytes)
{
    LinkError err;
    /* Large ones only to be refused: they take long to fill. */
    Link *l = link_create(NULL, bytes > 1 << 16 ? bytes | 1 : bytes, &err);

    g_assert(l || err.text[0]);
    link_close(l);
}

/* ---- what a hostile side does -------------------------------------------- */

static void spoil(uint8_t *to, uint32_t room, Input *in)
{
    uint32_t at = get(in, 2) % room, n = get(in, 1);

    spoiled = true;
    for (uint32_t i = 0; i < n && at + i < room; i++) {
        to[at + i] = get(in, 1);
    }
}

static uint8_t *ring_of(unsigned side)
{
    return (uint8_t *)sides[0].l->header + LINK_HEADER_BYTES + side * FUZZ_RING;
}

/* What the other side will read next is a forged record. */
static void forge(unsigned side, Input *in)
{
    LinkHeader *h = sides[0].l->header;
    uint64_t at = h->ring[side].consumed & (FUZZ_RING - 1) & ~15ull;
    LinkRecord r = { .len = get(in, 4), .kind = get(in, 2) };

    spoiled = true;
    r.port = side;
    r.ps = link_last_sent_ps(sides[0].l) + (int8_t)get(in, 1);
    memcpy(ring_of(side) + at, &r, sizeof(r));
    h->ring[side].produced += get(in, 2);
}

static void move(unsigned side, Input *in)
{
    LinkRingInfo *r = &sides[0].l->header->ring[side];
    bool end = get(in, 1) & 1;
    int32_t by = get(in, 4);

    spoiled = true;
    if (end) {
        r->produced += by;
    } else {
        r->consumed += by;
    }
}

static void one_of_side(unsigned op, unsigned side, Input *in)
{
    Side *s = &sides[side];

    if (!s->l) {
        return;
    }
    switch (op) {
    case FUZZ_SEND:
        send_one(s, in);
        break;
    case FUZZ_FRAMES:
        send_frames(s, in);
        break;
    case FUZZ_RECEIVE:
        receive(s, get(in, 1));
        break;
    case FUZZ_PEEK_PS:
        link_peek_ps(s->l);
        break;
    case FUZZ_UNCONSUMED:
        g_assert(link_unconsumed_ps(s->l) != LINK_NEVER ||
                 link_unconsumed(s->l) == 0);
        break;
    case FUZZ_STATE: {
        uint64_t ps = link_last_sent_ps(s->l);
        LinkRecord r = { ps, sizeof(LinkControl), LINK_CONTROL, side };

        if (link_send_state(s->l, ps, side, get(in, 1) * 1000ull)) {
            g_array_append_val(s->sent, r);
        }
        break;
    }
    default:
        g_assert(link_peer_alive(s->l) || !sides[!side].l || spoiled);
        break;
    }
}

static void one(Input *in)
{
    unsigned op = get(in, 1) % FUZZ_OPS, side;

    switch (op) {
    case FUZZ_HEADER:
        spoil((uint8_t *)sides[0].l->header, LINK_HEADER_BYTES, in);
        break;
    case FUZZ_BYTES:
        side = get(in, 1) & 1;
        spoil(ring_of(side), FUZZ_RING, in);
        break;
    case FUZZ_RECORD:
        side = get(in, 1) & 1;
        forge(side, in);
        break;
    case FUZZ_INDEX:
        side = get(in, 1) & 1;
        move(side, in);
        break;
    case FUZZ_LEAVE:
        leave();
        break;
    case FUZZ_ATTACH:
        if (!sides[1].l && link_peer(sides[0].l) == LINK_PEER_ABSENT) {
            attach();
        }
        break;
    case FUZZ_RESET:
        reset(get(in, 1) & 1);
        break;
    case FUZZ_CREATE:
        create(get(in, 4));
        break;
    default:
        side = get(in, 1) & 1;
        one_of_side(op, side, in);
        break;
    }
}

const char fuzz_name[] = "link_fuzz";

void fuzz_one(Input *in)
{
    for (unsigned i = 0; i < sizeof(content) && !content[1]; i++) {
        content[i] = i * 37 + (i >> 8) + 1;
    }
    spoiled = false;
    for (unsigned i = 0; i < 2; i++) {
        sides[i].sent = g_array_new(false, false, sizeof(LinkRecord));
        sides[i].ring_before = g_malloc(FUZZ_RING);
        sides[i].received = 0;
    }
    sides[0].l = link_create(NULL, FUZZ_RING, NULL);
    attach();
    while (in->len) {
        one(in);
        operations++;
    }
    leave();
    sides[0].l = link_close(sides[0].l);
    for (unsigned i = 0; i < 2; i++) {
        g_array_unref(sides[i].sent);
        g_free(sides[i].ring_before);
    }
}
