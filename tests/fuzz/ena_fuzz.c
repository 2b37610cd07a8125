/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_fuzz.c: libFuzzer target: the NIC between a hostile guest, a hostile
 * wire and mock models. The input drives registers of every width and offset,
 * guest memory, admin commands, descriptors, frames, virtual networks, time,
 * resets, faults, and saved states, damaged ones too. ena_ops.h has the
 * language.
 *
 * Beyond memory errors and undefined behaviour it checks that one instant
 * never goes on for ever, that nothing outside the function's window is
 * touched, that a reset brings everything to rest, and that with a network
 * nothing leaves without the card's own outer header.
 */
#include "ena_int.h"
#include "ena_ops.h"
#include "fuzz_mock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_EVENTS (100 * MOST_STEPS)

typedef struct World {
    MockSeam *m;
    Ena *e;
    uint8_t *llq;
    uint16_t aq_tail, tail[FUZZ_QUEUES];
    bool damaged; /* since a damaged state was accepted */
    Underlay far; /* of another card, in network 1 */
    UnderlayPaths *peer;
    uint32_t far_epoch;
    unsigned own_frames; /* that wait to leave */
    uint64_t own_at_ps;
} World;

static const uint8_t guest[6] = { 2, 1, 0, 0, 0, 1 };
static const uint8_t card[6] = { 2, 0, 10, 0, 0, 1 };
static const uint8_t far_card[6] = { 2, 0, 10, 0, 0, 2 };
static const uint8_t key[SIPHASH_KEY_BYTES] = { 7 };

static World *world; /* hooks get other things */

/* What the other card is told, it echoes later. */
static void far_receives(const uint8_t *f, uint32_t len)
{
    g_autofree uint8_t *copy = g_memdup2(f, len);
    UnderlayFrame *held;
    uint8_t *inner;
    uint32_t n;

    if (world->m->now_ps >> 22 & 1 && len > UNDERLAY2_OUTER_BYTES) {
        copy[15] |= 3; /* a queue was long */
        packet_put16(copy + 24, 0);
        packet_put16(copy + 24, packet_fold(packet_sum(copy + 14, 20, 0)));
    }
    underlay_paths_decap(world->peer, world->m->now_ps, copy, len, &inner, &n);
    while ((held = underlay_paths_pop(world->peer, world->m->now_ps))) {
        g_free(held);
    }
}

static void far_new(World *w)
{
    PathConfig c = path_config_default(PATH_SPRAY);

    underlay_paths_free(w->peer);
    w->peer = underlay_paths_new(&w->far, &c, key, 1, w->far_epoch++);
}

/* ---- the card's own traffic: frames of a type that nobody else uses ------- */

#define OWN_BYTE 0x77

static bool own_receive(void *opaque, uint64_t now_ps, const void *frame,
                        uint32_t len)
{
    return len > 12 && ((const uint8_t *)frame)[12] == OWN_BYTE;
}

static uint32_t own_output(void *opaque, uint64_t now_ps, uint8_t *frame)
{
    World *w = opaque;

    if (!w->own_frames) {
        return 0;
    }
    w->own_frames--;
    memset(frame, OWN_BYTE, ENA_OWN_FRAME_BYTES);
    return 60 + w->own_frames % 9000;
}

static void own_timer(void *opaque, uint64_t now_ps)
{
    World *w = opaque;

    if (w->own_at_ps <= now_ps) {
        w->own_at_ps = SEAM_NEVER;
        w->own_frames++;
    }
}

static uint64_t own_next_ps(void *opaque)
{
    return ((World *)opaque)->own_at_ps;
}

static const EnaOwn own = { own_receive, own_output, own_timer, own_next_ps };

static void wire_send(void *opaque, uint64_t depart_ps, const void *frame,
                      uint32_t len)
{
    const Underlay *u = ena_underlay(world->e);
    const uint8_t *f = frame;

    g_assert(depart_ps == world->m->now_ps && len >= 60 && len <= 9728);
    if (f[12] == OWN_BYTE && f[13] == OWN_BYTE) {
        return;
    }
    if (u->enabled && !world->damaged) {
        uint32_t outer = underlay_paths_is_ours(f, len) ? UNDERLAY2_OUTER_BYTES
                                                        : UNDERLAY_OUTER_BYTES;

        g_assert(len >= outer && !memcmp(f + 6, card, 6) &&
                 packet_get32(f + 26) == u->ip &&
                 packet_get32(f + 46) == u->vni);
        g_assert(len == UNDERLAY2_OUTER_BYTES ||
                 (len >= outer + 60 && !memcmp(f + outer + 6, guest, 6)));
    }
    far_receives(f, len);
}

static const EnaWire wire = { .send = wire_send };

static void model_done(void *user, uint64_t tag, uint64_t at_ps)
{
    ena_model_done(((World *)user)->e, tag, at_ps);
}

static void timer(void *user, unsigned which)
{
    ena_timer(((World *)user)->e);
}

static Ena *build(World *w)
{
    EnaConfig c = {
        .queues = 2, .msix_vectors = 3, .link_mbps = 25000, .llq = w->llq
    };
    Ena *e;

    memcpy(c.mac, guest, 6);
    e = ena_new(&w->m->ops, w->m, &wire, w, &c, NULL);
    ena_own(e, &own, w);
    return e;
}

static void world_new(World *w)
{
    UnderlayMapping m = { .underlay_ip = 0x0a000001 };
    const char *why;

    *w = (World){ 0 };
    world = w;
    w->m = fuzz_mock_new(FUZZ_RAM, FUZZ_WINDOW);
    w->m->model_done = model_done;
    w->m->timer = timer;
    w->m->user = w;
    w->own_at_ps = SEAM_NEVER;
    w->m->delay_ps[MODEL_DMA_READ] = 1000;
    w->m->delay_ps[MODEL_MAC_TX] = 5000;
    w->llq = g_malloc0(2 * ENA_LLQ_QUEUE_BYTES);
    w->e = build(w);
    underlay_init(&w->far);
    underlay_join(&w->far, 1, 0x0a000002, far_card, &why);
    memcpy(m.mac, guest, 6);
    memcpy(m.underlay_mac, card, 6);
    underlay_map(&w->far, 1, &m, &why);
    far_new(w);
}

/* ---- operations --------------------------------------------------------- */

static void set(World *w, uint32_t reg, uint32_t value)
{
    ena_mmio_write(w->e, reg, value, 4);
}

static void access_any(World *w, Input *in)
{
    FuzzAccess a = fuzz_access(in);

    if (a.read) {
        ena_mmio_read(w->e, a.addr, a.size);
    } else {
        ena_mmio_write(w->e, a.addr, a.value, a.size);
    }
}

static void admin(World *w, const uint8_t *body, unsigned n, unsigned opcode)
{
    uint8_t *at = w->m->ram + FUZZ_AQ + w->aq_tail % FUZZ_DEPTH * 64;

    memset(at, 0, 64);
    ena_put16(at, w->aq_tail & 0xfff);
    at[2] = opcode;
    at[3] = !(w->aq_tail / FUZZ_DEPTH & 1);
    memcpy(at + 4, body, MIN(n, 60u));
    set(w, ENA_REG_AQ_DB, ++w->aq_tail);
}

static void start(World *w)
{
    static const uint8_t groups[] = { [13] = ENA_FEAT_AENQ, [20] = 0x1f };
    static const uint8_t llq[] = {
        [13] = ENA_FEAT_LLQ, [26] = 1, [30] = 1, [34] = 2, [38] = 2
    };
    uint32_t caps = 64 << 16 | FUZZ_DEPTH;

    set(w, ENA_REG_DEV_CTL, ENA_CTL_RESET);
    set(w, ENA_REG_MMIO_RESP_LO, FUZZ_RESP);
    set(w, ENA_REG_DEV_CTL, 0);
    set(w, ENA_REG_AQ_BASE_LO, FUZZ_AQ);
    set(w, ENA_REG_ACQ_BASE_LO, FUZZ_ACQ);
    set(w, ENA_REG_AENQ_BASE_LO, FUZZ_AENQ);
    set(w, ENA_REG_AQ_CAPS, caps);
    set(w, ENA_REG_ACQ_CAPS, caps);
    set(w, ENA_REG_AENQ_CAPS, caps);
    memset(w->tail, 0, sizeof(w->tail));
    w->aq_tail = 0;
    admin(w, groups, sizeof(groups), ENA_OP_SET_FEATURE);
    admin(w, llq, sizeof(llq), ENA_OP_SET_FEATURE);
    set(w, ENA_REG_AENQ_HEAD_DB, FUZZ_DEPTH);
    fuzz_run_for(w->m, 100000, MOST_EVENTS);
}

static void queue(World *w, unsigned q, unsigned flags)
{
    uint8_t cq[60] = { 0 }, sq[60] = { 0 };
    unsigned dir = q < 2 ? ENA_DIR_TX : ENA_DIR_RX, n = 0;

    while (n < 2 * w->e->cfg.queues && w->e->cq[n].active) {
        n++; /* the number that the device is going to choose */
    }
    cq[0] = ENA_CCQ_INTERRUPT;
    cq[1] = dir == ENA_DIR_TX ? 2 : 4 + 4 * (flags >> 1 & 1);
    ena_put16(cq + 2, FUZZ_DEPTH);
    ena_put32(cq + 4, 1 + q % 2);
    ena_put32(cq + 8, FUZZ_CQ(q));
    admin(w, cq, sizeof(cq), ENA_OP_CREATE_CQ);
    sq[0] = dir << 5;
    sq[2] = flags & 1 ? ENA_PLACE_DEV : ENA_PLACE_HOST;
    sq[3] = 1;
    ena_put16(sq + 4, n);
    ena_put16(sq + 6, FUZZ_DEPTH);
    ena_put32(sq + 8, FUZZ_SQ(q));
    admin(w, sq, sizeof(sq), ENA_OP_CREATE_SQ);
    w->tail[q] = 0;
    fuzz_run_for(w->m, 100000, MOST_EVENTS);
}

static void desc(World *w, Input *in)
{
    unsigned q = get(in, 1) % FUZZ_QUEUES;
    uint8_t *d = w->m->ram + FUZZ_SQ(q) + w->tail[q] % FUZZ_DEPTH * 16;
    bool phase = !(w->tail[q] / FUZZ_DEPTH & 1);
    uint32_t w0 = get(in, 4);

    ena_put32(d, q < 2 ? (w0 & ~ENA_TXD_PHASE) | (phase ? ENA_TXD_PHASE : 0)
                       : (w0 & ~0x01000000u) | (uint32_t)phase << 24);
    ena_put32(d + 4, get(in, 4));
    ena_put32(d + 8, get(in, 2) * 4);
    ena_put32(d + 12, (uint32_t)get(in, 1) << 24);
    w->tail[q]++;
}

static void llq_entry(World *w, Input *in)
{
    unsigned q = get(in, 1) % 2, n = get(in, 1);
    uint8_t *e =
        w->llq + q * ENA_LLQ_QUEUE_BYTES + w->tail[q] % FUZZ_DEPTH * 128;

    memset(e, 0, 128);
    for (unsigned i = 0; i < n; i++) {
        e[i % 128] = get(in, 1);
    }
    e[3] = (e[3] & ~1) | !(w->tail[q] / FUZZ_DEPTH & 1);
    w->tail[q]++;
}

/* @len bytes that begin with what the input says. */
static uint8_t *content(Input *in, uint32_t len)
{
    uint8_t *f = g_malloc0(len + 256);
    unsigned n = get(in, 1);

    for (unsigned i = 0; i < n; i++) {
        f[i] = get(in, 1);
    }
    return f;
}

static void frame(World *w, Input *in)
{
    uint32_t len = get(in, 2) % 9800;
    g_autofree uint8_t *f = content(in, len);

    ena_receive(w->e, f, len);
}

static void outer(World *w, Input *in)
{
    unsigned at = get(in, 1), x = get(in, 1);
    g_autofree uint8_t *inner = content(in, 200);
    uint8_t p[UNDERLAY_OUTER_BYTES + 200];
    UnderlayMapping to = { .underlay_ip = 0x0a000001 };
    Underlay peer;
    const char *why;

    underlay_init(&peer);
    memcpy(to.underlay_mac, card, 6);
    underlay_join(&peer, 1, 0x0a000002, card, &why);
    memcpy(p + UNDERLAY_OUTER_BYTES, inner, 200);
    underlay_encap(&peer, &to, p + UNDERLAY_OUTER_BYTES, 200, p);
    underlay_clear(&peer);
    p[at % sizeof(p)] ^= x;
    ena_receive(w->e, p, sizeof(p));
}

static void map(World *w, unsigned member)
{
    UnderlayMapping m = { .ip = 0xc0a80000 + member,
                          .underlay_ip = 0x0a000002 };
    const char *why;

    memcpy(m.mac, guest, 6);
    m.mac[5] = member;
    m.plain = member & 0x40;
    m.paths = member & 0x80 ? 1 : 0;
    memcpy(m.underlay_mac, far_card, 6);
    underlay_map(ena_underlay(w->e), ena_underlay(w->e)->vni, &m, &why);
}

/* Balancing with short times, so that much happens. */
static void balance(World *w, unsigned policy, unsigned flags)
{
    PathConfig c = path_config_default(policy % PATH_POLICIES);
    const char *why;

    c.sequencing = flags & FUZZ_BALANCE_SEQUENCING;
    c.gap_ps = 30000000;
    c.order_packets = 4;
    c.cap_bytes = flags & FUZZ_BALANCE_CAP ? 2000 : 0;
    c.cap_timeout_ps = 50000000;
    c.line_bps = 1000000000;
    c.reduce_ps = c.plb_round_ps = c.echo_ps = 10000000;
    c.plb_rounds = 2;
    c.probe_ps = 20000000;
    c.avoid_ps = 20000000;
    c.disable_hold_ps = 100000000;
    c.min_flow_bytes = flags & FUZZ_BALANCE_FEW ? 500 : 0;
    c.values = flags & FUZZ_BALANCE_FEW ? 2 : 16;
    c.reduce_score = flags & FUZZ_BALANCE_REDUCE ? 10000 : PATH_SCORE_MAX;
    c.inputs = PATH_INPUTS;
    g_assert(
        ena_balance(w->e, policy < PATH_POLICIES ? &c : NULL, key, 3, 0, &why));
}

static void far(World *w, Input *in)
{
    unsigned flags = get(in, 1), at = get(in, 1), x = get(in, 1);
    g_autofree uint8_t *inner = content(in, 200);
    uint8_t p[UNDERLAY2_OUTER_BYTES + 200];
    uint32_t len = sizeof(p);
    uint64_t now = w->m->now_ps;
    UnderlayPeer *to;
    PathEcho echo;
    PathChoice c;

    if (flags & FUZZ_FAR_ANEW) {
        far_new(w);
    }
    to = underlay_paths_find(w->peer, 0x0a000001);
    memcpy(p + UNDERLAY2_OUTER_BYTES, inner, 200);
    if (flags & FUZZ_FAR_ALONE) {
        if (!path_echo_take(to->rx, now, &echo)) {
            return;
        }
        len = underlay_paths_alone(w->peer, now, to, &echo, p);
    } else {
        c = path_choose(to->tx, now, at, len);
        underlay_paths_encap(w->peer, now, to, &c, inner, 200, p);
    }
    p[at % len] ^= x;
    if (flags & FUZZ_FAR_MARKED) {
        p[15] |= 3;
        packet_put16(p + 24, 0);
        packet_put16(p + 24, packet_fold(packet_sum(p + 14, 20, 0)));
    }
    for (unsigned n = flags & FUZZ_FAR_TWICE ? 2 : 1;
         n && !(flags & FUZZ_FAR_LOST); n--) {
        ena_receive(w->e, p, len);
    }
}

static void load(World *w, const GByteArray *image, bool resubmit, bool must)
{
    GError *err = NULL;

    if (resubmit) {
        w->m->ops.model_cancel(w->m, UINT16_MAX);
    }
    if (ena_load(w->e, image->data, image->len, resubmit, &err)) {
        return;
    }
    if (must) {
        fprintf(stderr, "a saved state was refused: %s\n", err->message);
        abort();
    }
    g_error_free(err);
    if (resubmit) {
        ena_function_reset(w->e); /* its operations are gone */
    }
}

static void damage(World *w, Input *in)
{
    GByteArray *image = g_byte_array_new();

    ena_save(w->e, image);
    fuzz_damage(in, image);
    w->damaged = true;
    load(w, image, get(in, 1) & 1, false);
    g_byte_array_unref(image);
}

static void replace(World *w, bool resubmit)
{
    GByteArray *image = g_byte_array_new();

    ena_save(w->e, image);
    load(w, image, resubmit, !w->damaged);
    g_byte_array_unref(image);
}

static void reset(World *w)
{
    ena_function_reset(w->e);
    g_assert(!ena_egress_busy(w->e) && mock_in_flight(w->m) == 0 &&
             w->e->rx_memory == 0 && w->e->up_n == 0);
}

static void set_switch(World *w, unsigned which, unsigned value)
{
    switch (which % FUZZ_SWITCHES) {
    case FUZZ_SW_DMA_FAULT:
        fuzz_fault_in = value;
        break;
    case FUZZ_SW_MODEL_ROOM:
        w->m->max_model_ops = value ? value : MODEL_MAX_OPS;
        break;
    case FUZZ_SW_DELAY:
        mock_delays(w->m, value * 100);
        break;
    default:
        w->m->jitter_ps = value * 100;
    }
}

static void operation(World *w, Input *in)
{
    unsigned op = get(in, 1) % FUZZ_OPS, a, b;
    const char *why;

    switch (op) {
    case FUZZ_WRITE_REG:
        a = get(in, 1) * 4;
        set(w, a, get(in, 4));
        break;
    case FUZZ_ACCESS:
        access_any(w, in);
        break;
    case FUZZ_MEMORY:
        fuzz_memory(in, w->m);
        break;
    case FUZZ_START:
        start(w);
        break;
    case FUZZ_ADMIN: {
        uint8_t body[256] = { 0 };

        a = get(in, 1);
        b = get(in, 1);
        for (unsigned i = 0; i < b; i++) {
            body[i] = get(in, 1);
        }
        admin(w, body, b, a);
        break;
    }
    case FUZZ_QUEUE:
        a = get(in, 1) % FUZZ_QUEUES;
        queue(w, a, get(in, 1));
        break;
    case FUZZ_DESC:
        desc(w, in);
        break;
    case FUZZ_LLQ:
        llq_entry(w, in);
        break;
    case FUZZ_RING:
        a = get(in, 1) % FUZZ_QUEUES;
        b = get(in, 1);
        set(w, ENA_DB_SQ + 4 * a, b ? b : w->tail[a]);
        break;
    case FUZZ_UNMASK:
        a = get(in, 1) % FUZZ_QUEUES;
        set(w, ENA_DB_UNMASK + 4 * a, get(in, 4));
        break;
    case FUZZ_FRAME:
        frame(w, in);
        break;
    case FUZZ_OUTER:
        outer(w, in);
        break;
    case FUZZ_NETWORK:
        underlay_join(ena_underlay(w->e), get(in, 1), 0x0a000001, card, &why);
        break;
    case FUZZ_MAP:
        map(w, get(in, 1));
        break;
    case FUZZ_STEPS:
        fuzz_steps(w->m, get(in, 1));
        break;
    case FUZZ_TIME:
        fuzz_run_for(w->m, get(in, 2) * 1000000, MOST_EVENTS);
        break;
    case FUZZ_LINK:
        ena_set_link(w->e, get(in, 1) & 1);
        break;
    case FUZZ_RESET:
        reset(w);
        break;
    case FUZZ_REPLACE:
        replace(w, get(in, 1));
        break;
    case FUZZ_DAMAGE:
        damage(w, in);
        break;
    case FUZZ_OWN:
        w->own_frames = MIN(w->own_frames + get(in, 1), 1000);
        w->own_at_ps = w->m->now_ps + get(in, 1) * 1000000;
        ena_own_kick(w->e);
        break;
    case FUZZ_BALANCE:
        a = get(in, 1);
        balance(w, a, get(in, 1));
        break;
    case FUZZ_FAR:
        far(w, in);
        break;
    default:
        a = get(in, 1);
        set_switch(w, a, get(in, 1));
    }
    operations++;
}

const char fuzz_name[] = "ena_fuzz";

void fuzz_one(Input *in)
{
    World w;

    world_new(&w);
    for (unsigned i = 0; in->len && i < 400; i++) {
        operation(&w, in);
    }
    fuzz_fault_in = 0;
    fuzz_run_for(w.m, 3000000000000ull, MOST_EVENTS);
    replace(&w, true);
    reset(&w);
    ena_free(w.e);
    underlay_paths_free(w.peer);
    underlay_clear(&w.far);
    fuzz_mock_free(w.m);
    g_free(w.llq);
}
