/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_eqds_rx.c: EQDS's receiver: acknowledgements, and the pacer of
 * pulls that all flows of a host share. See transport_eqds.h.
 */
#include "transport_eqds_priv.h"

#include <string.h>

#define SACK_BITS 64u
#define PS_PER_S 1000000000000ull
/* Ethernet header, FCS, preamble, start, gap: the pacer's packet has them on
 * top of its size (htsim counts them so, and so does its published rate). */
#define PACER_OVERHEAD_BYTES 38u

/* ---- which packets are here ---------------------------------------------- */

static uint64_t *word_of(const EqdsRx *rx, uint64_t seq)
{
    return &rx->here[(seq / 64) & (rx->words - 1)];
}

static bool is_here(const EqdsRx *rx, uint64_t seq)
{
    return seq < rx->expected ||
           (seq < rx->expected + (uint64_t)(rx->words - 1) * 64 &&
            (*word_of(rx, seq) >> seq % 64 & 1));
}

/* So that @seq, not below expected, has a place. */
static void make_room(EqdsRx *rx, uint64_t seq)
{
    uint32_t words = rx->words;
    uint64_t *old = rx->here;

    if (words && seq < rx->expected + (uint64_t)(words - 1) * 64) {
        return;
    }
    rx->words = words ? words : 4;
    while (seq >= rx->expected + (uint64_t)(rx->words - 1) * 64) {
        rx->words *= 2;
    }
    rx->here = g_new0(uint64_t, rx->words);
    for (uint64_t w = rx->expected / 64; w < rx->expected / 64 + words; w++) {
        rx->here[w & (rx->words - 1)] = old[w & (words - 1)];
    }
    g_free(old);
}

/* @seq was not here. */
static void take(EqdsRx *rx, uint64_t seq)
{
    make_room(rx, seq);
    if (seq != rx->expected) {
        *word_of(rx, seq) |= 1ull << seq % 64;
        rx->above++;
        return;
    }
    rx->expected++;
    while (*word_of(rx, rx->expected) >> rx->expected % 64 & 1) {
        *word_of(rx, rx->expected) &= ~(1ull << rx->expected % 64);
        rx->expected++;
        rx->above--;
    }
}

static uint64_t bits_from(const EqdsRx *rx, uint64_t seq)
{
    uint64_t bits = 0;

    for (uint32_t i = 0; rx->above && i < SACK_BITS; i++) {
        if (seq + i > rx->expected && is_here(rx, seq + i)) {
            bits |= 1ull << i;
        }
    }
    return bits;
}

/* ---- control packets ----------------------------------------------------- */

/* @exact: for the packet itself, else for as many around it as possible. */
static void send_ack(EqdsRx *rx, const FabricSegment *data, bool exact)
{
    FabricSegment ack = eqds_control(rx->end, FABRIC_EQDS_ACK, rx->path);
    uint64_t seq = data->seq;

    if (!exact) {
        seq =
            MAX(seq < SACK_BITS ? 0 : seq - (SACK_BITS - 1), rx->expected + 1);
    }
    ack.ack = rx->expected;
    ack.seq = seq;
    ack.aux64 = bits_from(rx, seq);
    ack.aux16 = data->aux16;
    ack.echo_ps = data->sent_ps;
    if (data->flags & FABRIC_SEG_CE) {
        ack.user_flags |= FABRIC_EQDS_CE_ECHO;
    }
    rx->unacked = 0;
    fabric_endpoint_send(rx->end, &ack);
}

static void send_nack(EqdsRx *rx, const FabricSegment *data)
{
    FabricSegment nack = eqds_control(rx->end, FABRIC_EQDS_NACK, rx->path);

    nack.seq = data->seq;
    nack.aux16 = data->aux16;
    nack.echo_ps = data->sent_ps;
    fabric_endpoint_send(rx->end, &nack);
}

/* ---- the pacer ----------------------------------------------------------- */

static void append(EqdsRxList *list, EqdsRx *rx)
{
    rx->next = NULL;
    if (list->first) {
        list->last->next = rx;
    } else {
        list->first = rx;
    }
    list->last = rx;
}

static void append_repair(EqdsRxList *list, EqdsRx *rx)
{
    rx->next_repair = NULL;
    if (list->first) {
        list->last->next_repair = rx;
    } else {
        list->first = rx;
    }
    list->last = rx;
}

static void leave(EqdsRxList *list, EqdsRx *rx)
{
    EqdsRx *before = NULL;

    for (EqdsRx *r = list->first; r != rx; r = r->next) {
        before = r;
    }
    if (before) {
        before->next = rx->next;
    } else {
        list->first = rx->next;
    }
    list->last = list->last == rx ? before : list->last;
}

static void send_pull(EqdsRx *rx, bool idle)
{
    FabricSegment pull = eqds_control(rx->end, FABRIC_EQDS_PULL, rx->path);

    rx->repair -= MIN(rx->repair, EQDS_PULL_QUANTA);
    rx->pulled += EQDS_PULL_QUANTA;
    pull.ack = rx->pulled;
    pull.user_flags = idle ? FABRIC_EQDS_IDLE_PULL : 0;
    fabric_endpoint_send(rx->end, &pull);
}

static uint64_t pull_gap_ps(const FabricEndpoint *e, const FabricEqdsConfig *c)
{
    uint64_t bits = (uint64_t)(eqds_packet_bytes(c) + PACER_OVERHEAD_BYTES) * 8;
    unsigned __int128 ps =
        (unsigned __int128)bits * c->pull_per_mille * (PS_PER_S / 1000);

    return (uint64_t)(ps / fabric_endpoint_rate_bps(e));
}

/* A flow whose needs are met is idle: it is given a window ahead. */
static bool wants_idle(const EqdsRx *rx)
{
    const FabricEqdsConfig *c = rx->end->config;

    return rx->pulled < rx->target + c->window_bytes / EQDS_QUANTUM_BYTES;
}

/* The head of @list that still needs something, taken from it; or NULL. */
static EqdsRx *take_first(EqdsRxList *list)
{
    EqdsRx *rx;

    while ((rx = list->first)) {
        list->first = rx->next;
        if (!rx->finished) {
            return rx;
        }
        rx->turn = EQDS_TURN_NONE;
    }
    return NULL;
}

static EqdsRx *take_first_repair(EqdsRxList *list)
{
    EqdsRx *rx;

    while ((rx = list->first)) {
        list->first = rx->next_repair;
        if (!rx->finished) {
            return rx;
        }
        rx->repairing = false;
    }
    return NULL;
}

/* Sends the next pull; whose it was, or NULL: nobody needs one. */
static EqdsRx *next_turn(EqdsHost *h)
{
    EqdsRx *rx = take_first_repair(&h->repair);
    bool idle = false;

    if (rx) {
        send_pull(rx, false);
        rx->repairing = rx->repair > 0;
        if (rx->repairing) {
            append_repair(&h->repair, rx);
        }
        return rx;
    }
    rx = take_first(&h->active);
    if (!rx) {
        rx = take_first(&h->idle);
        idle = true;
    }
    if (!rx) {
        return NULL;
    }
    send_pull(rx, idle);
    rx->turn = rx->target > rx->pulled ? EQDS_TURN_ACTIVE
               : wants_idle(rx)        ? EQDS_TURN_IDLE
                                       : EQDS_TURN_NONE;
    if (rx->turn != EQDS_TURN_NONE) {
        append(rx->turn == EQDS_TURN_ACTIVE ? &h->active : &h->idle, rx);
    }
    return rx;
}

static void pace(FabricEndpoint *e, FabricTimer *t)
{
    EqdsHost *h = t->owner;
    EqdsRx *rx = next_turn(h);

    if (rx) {
        h->free_ps =
            fabric_endpoint_now_ps(e) + pull_gap_ps(e, rx->end->config);
        fabric_timer_set(e, t, h->free_ps, pace, h);
    }
}

static void wake_pacer(EqdsRx *rx)
{
    FabricEndpoint *e = rx->end->endpoint;
    EqdsHost *h = fabric_endpoint_state(rx->end);

    if (!fabric_timer_armed(&h->pacer)) {
        fabric_timer_set(e, &h->pacer,
                         MAX(fabric_endpoint_now_ps(e), h->free_ps), pace, h);
    }
}

static void make_active(EqdsRx *rx)
{
    EqdsHost *h = fabric_endpoint_state(rx->end);

    if (rx->turn == EQDS_TURN_IDLE) {
        leave(&h->idle, rx);
    }
    if (rx->turn != EQDS_TURN_ACTIVE) {
        rx->turn = EQDS_TURN_ACTIVE;
        append(&h->active, rx);
    }
    wake_pacer(rx);
}

static void see_target(EqdsRx *rx, uint64_t target)
{
    if (target > rx->target && !rx->finished) {
        rx->target = target;
        if (rx->repair == 0) {
            make_active(rx);
        }
    }
}

static void add_repair(EqdsRx *rx, uint64_t quanta)
{
    EqdsHost *h = fabric_endpoint_state(rx->end);

    rx->repair += quanta;
    if (!rx->repairing) {
        rx->repairing = true;
        append_repair(&h->repair, rx);
        wake_pacer(rx);
    }
}

/* ---- what arrives -------------------------------------------------------- */

void fabric_eqds_open(FabricFlowEnd *end)
{
    EqdsRx *rx = end->state;

    rx->end = end;
    rx->path = (uint32_t)fabric_flow_random(end);
    make_room(rx, 0);
}

void fabric_eqds_rx_free(FabricFlowEnd *end)
{
    EqdsRx *rx = end->state;

    g_free(rx->here);
}

static void on_trimmed(EqdsRx *rx, const FabricSegment *seg)
{
    if (is_here(rx, seg->seq)) {
        send_ack(rx, seg, true);
        return;
    }
    see_target(rx, seg->ack);
    send_nack(rx, seg);
    add_repair(rx, eqds_quanta(eqds_packet_bytes(rx->end->config)));
}

static void on_rts(EqdsRx *rx, const FabricSegment *seg)
{
    FabricSegment none = { .seq = rx->expected, .aux16 = UINT16_MAX };

    see_target(rx, seg->ack);
    if (seg->aux && !rx->finished) {
        add_repair(rx, seg->aux);
    }
    send_ack(rx, &none, true);
}

static void on_data(EqdsRx *rx, const FabricSegment *seg)
{
    const FabricEqdsConfig *c = rx->end->config;
    bool marked = seg->flags & FABRIC_SEG_CE;
    bool wanted = seg->user_flags & FABRIC_EQDS_ACK_REQUEST;
    bool now = marked || wanted || !rx->any;

    rx->unacked += seg->payload_bytes + c->header_bytes;
    see_target(rx, seg->ack);
    if (is_here(rx, seg->seq)) {
        fabric_flow_duplicate(rx->end);
        send_ack(rx, seg, marked);
        return;
    }
    rx->any = true;
    rx->ack_wanted |= wanted;
    take(rx, seg->seq);
    fabric_flow_deliver(rx->end, seg->payload_bytes);
    if (rx->above == 0 && rx->ack_wanted) {
        now = true;
        rx->ack_wanted = false;
    }
    if (rx->end->bytes != FABRIC_ENDLESS &&
        rx->expected ==
            (rx->end->bytes + c->payload_bytes - 1) / c->payload_bytes) {
        rx->finished = true; /* it needs no more pulls */
        now = true;
    }
    if (now || rx->unacked > c->ack_bytes) {
        send_ack(rx, seg, marked || wanted);
    }
}

void fabric_eqds_rx_receive(FabricFlowEnd *end, const FabricSegment *seg)
{
    EqdsRx *rx = end->state;

    if (seg->type == FABRIC_EQDS_RTS) {
        on_rts(rx, seg);
    } else if (seg->flags & FABRIC_SEG_TRIMMED) {
        on_trimmed(rx, seg);
    } else {
        on_data(rx, seg);
    }
}
