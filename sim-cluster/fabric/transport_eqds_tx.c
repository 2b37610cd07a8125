/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_eqds_tx.c: EQDS's sender: credit, what is in flight, paths, the
 * timer. See transport_eqds.h.
 */
#include "transport_eqds_priv.h"

#include <string.h>

#define SACK_BITS 64u

static const FabricEqdsConfig *config_of(const EqdsTx *tx)
{
    return tx->end->config;
}

/* ---- packets and what flies ---------------------------------------------- */

static EqdsPacket *packet_of(const EqdsTx *tx, uint64_t seq)
{
    return &tx->packet[seq & (tx->packets - 1)];
}

/* A place for packet `next`. */
static void make_room(EqdsTx *tx)
{
    uint32_t count = tx->packets ? tx->packets * 2 : 64;
    EqdsPacket *old = tx->packet;

    if (tx->next - tx->base < tx->packets) {
        return;
    }
    tx->packet = g_new0(EqdsPacket, count);
    for (uint64_t seq = tx->base; seq < tx->next; seq++) {
        tx->packet[seq & (count - 1)] = old[seq & (tx->packets - 1)];
    }
    tx->packets = count;
    g_free(old);
}

static void add_flight(EqdsTx *tx, uint64_t seq, uint64_t ps)
{
    if (tx->n_flights == tx->flights) {
        uint32_t count = tx->flights ? tx->flights * 2 : 64;
        EqdsFlight *old = tx->flight;

        tx->flight = g_new0(EqdsFlight, count);
        for (uint32_t i = 0; i < tx->n_flights; i++) {
            tx->flight[i] = old[(tx->flight_first + i) & (tx->flights - 1)];
        }
        tx->flights = count;
        tx->flight_first = 0;
        g_free(old);
    }
    tx->flight[(tx->flight_first + tx->n_flights++) & (tx->flights - 1)] =
        (EqdsFlight){ seq, ps };
    *packet_of(tx, seq) = (EqdsPacket){ ps, EQDS_PACKET_FLYING };
}

/* The longest in flight; NULL: nothing is. */
static const EqdsFlight *oldest(EqdsTx *tx)
{
    while (tx->n_flights) {
        const EqdsFlight *f = &tx->flight[tx->flight_first];
        const EqdsPacket *p = packet_of(tx, f->seq);

        if (f->seq >= tx->base && p->state == EQDS_PACKET_FLYING &&
            p->sent_ps == f->sent_ps) {
            return f;
        }
        tx->flight_first = (tx->flight_first + 1) & (tx->flights - 1);
        tx->n_flights--;
    }
    return NULL;
}

static void packet_done(EqdsTx *tx, uint64_t seq)
{
    EqdsPacket *p = packet_of(tx, seq);

    tx->waiting -= p->state == EQDS_PACKET_WAITING;
    p->state = EQDS_PACKET_DONE;
}

static void packet_waits(EqdsTx *tx, uint64_t seq)
{
    packet_of(tx, seq)->state = EQDS_PACKET_WAITING;
    tx->waiting_from = tx->waiting ? MIN(tx->waiting_from, seq) : seq;
    tx->waiting++;
}

static uint64_t first_waiting(EqdsTx *tx)
{
    tx->waiting_from = MAX(tx->waiting_from, tx->base);
    while (packet_of(tx, tx->waiting_from)->state != EQDS_PACKET_WAITING) {
        tx->waiting_from++;
    }
    return tx->waiting_from;
}

static uint32_t payload_of(const EqdsTx *tx, uint64_t seq)
{
    uint32_t full = config_of(tx)->payload_bytes;

    if (tx->end->bytes == FABRIC_ENDLESS) {
        return full;
    }
    return (uint32_t)MIN(full, tx->end->bytes - seq * full);
}

/* ---- paths --------------------------------------------------------------- */

/* A value for the switches' hashes, of the flow's own. */
static uint32_t path_value(const EqdsTx *tx, uint32_t path)
{
    uint32_t x = tx->path_base + path * 0x9e3779b9u;

    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

static void advance_turn(EqdsTx *tx)
{
    uint32_t paths = config_of(tx)->paths;

    if (++tx->turn == paths) {
        tx->turn = 0;
        tx->order = fabric_flow_random_below(tx->end, paths);
    }
}

static uint32_t next_path(EqdsTx *tx)
{
    uint32_t path = tx->turn ^ tx->order;

    while (tx->skip[path / 64] >> path % 64 & 1) {
        tx->skip[path / 64] &= ~(1ull << path % 64);
        fabric_flow_path_change(tx->end);
        advance_turn(tx);
        path = tx->turn ^ tx->order;
    }
    advance_turn(tx);
    return path;
}

static void skip_path(EqdsTx *tx, uint32_t path)
{
    if (path < config_of(tx)->paths) {
        tx->skip[path / 64] |= 1ull << path % 64;
    }
}

/* ---- credit -------------------------------------------------------------- */

static int64_t credit(const EqdsTx *tx)
{
    return tx->pulled_credit + tx->speculative_credit;
}

static void wake(EqdsTx *tx)
{
    if (credit(tx) > 0 && (tx->waiting || tx->unsent)) {
        fabric_flow_ready(tx->end);
    }
}

/* False: there is only speculative credit left, whose time is over. */
static bool spend(EqdsTx *tx, uint32_t bytes, bool *ret_speculative)
{
    *ret_speculative = false;
    if (tx->pulled_credit > 0) {
        tx->pulled_credit -= bytes;
        return true;
    }
    tx->speculative_credit -= bytes;
    *ret_speculative = tx->speculating;
    return tx->speculating;
}

static uint64_t pull_target(const EqdsTx *tx)
{
    int64_t want =
        (int64_t)MIN(tx->backlog, config_of(tx)->window_bytes) - credit(tx);

    return tx->pulls + (want > 0 ? eqds_quanta((uint64_t)want) : 0);
}

/* ---- sending ------------------------------------------------------------- */

static void on_timer(FabricEndpoint *e, FabricTimer *t);

/* At the instant at which the oldest packet, or silence, has lasted for
 * rto_ps; stopped when there is nothing to wait for. */
static void arm(EqdsTx *tx)
{
    const EqdsFlight *f = oldest(tx);
    FabricEndpoint *e = tx->end->endpoint;
    uint64_t from =
        f ? f->sent_ps : MAX(MAX(tx->heard_ps, tx->asked_ps), tx->looked_ps);

    if (tx->done) {
        fabric_timer_stop(e, &tx->timer);
    } else if (!fabric_timer_armed(&tx->timer)) {
        fabric_timer_set(
            e, &tx->timer,
            MAX(from + config_of(tx)->rto_ps, fabric_endpoint_now_ps(e)),
            on_timer, tx);
    }
}

static void send_rts(EqdsTx *tx)
{
    const FabricEqdsConfig *c = config_of(tx);
    FabricSegment rts =
        eqds_control(tx->end, FABRIC_EQDS_RTS, path_value(tx, next_path(tx)));

    rts.ack = tx->target;
    rts.aux =
        (uint32_t)MIN(eqds_quanta(MAX(tx->waiting, 1) * eqds_packet_bytes(c)),
                      eqds_quanta(c->window_bytes));
    tx->asked = true;
    tx->asked_ps = fabric_endpoint_now_ps(tx->end->endpoint);
    fabric_endpoint_send(tx->end, &rts);
}

static void on_timer(FabricEndpoint *e, FabricTimer *t)
{
    EqdsTx *tx = t->owner;
    uint64_t now = fabric_endpoint_now_ps(e), rto = config_of(tx)->rto_ps;
    bool late = now >= tx->heard_ps + rto;
    const EqdsFlight *f;

    tx->looked_ps = now;
    while ((f = oldest(tx)) && now >= f->sent_ps + rto) {
        fabric_flow_timeout(tx->end);
        packet_waits(tx, f->seq);
        late = true;
    }
    if (late && credit(tx) <= 0 && (!tx->asked || now >= tx->asked_ps + rto)) {
        send_rts(tx);
    }
    wake(tx);
    arm(tx);
}

static void fill_data(EqdsTx *tx, FabricSegment *seg, uint64_t seq)
{
    const FabricEqdsConfig *c = config_of(tx);
    uint32_t path = next_path(tx), payload = payload_of(tx, seq);
    uint32_t frame = payload + c->header_bytes - SWITCH_OVERHEAD_BYTES;

    seg->type = FABRIC_EQDS_DATA;
    seg->seq = seq;
    seg->ack = tx->target;
    seg->payload_bytes = payload;
    seg->bytes = (uint16_t)MAX(frame, FABRIC_MIN_FRAME_BYTES);
    seg->path = path_value(tx, path);
    seg->aux16 = (uint16_t)path;
    seg->priority = c->data_priority;
    seg->flags = FABRIC_SEG_DATA;
    seg->flags |= c->ecn ? FABRIC_SEG_ECT : 0;
    seg->flags |= c->trim ? 0 : FABRIC_SEG_NO_TRIM;
}

/* Accounts for new packet @seq of @bytes. True: it asks for an ACK. */
static bool new_packet(EqdsTx *tx, uint64_t seq, uint32_t bytes)
{
    make_room(tx);
    tx->next++;
    if (tx->end->bytes != FABRIC_ENDLESS) {
        tx->unsent -= payload_of(tx, seq);
        tx->backlog -= bytes;
    }
    tx->target = pull_target(tx);
    return tx->backlog == 0 || tx->pulled_credit < 0;
}

bool fabric_eqds_next(FabricFlowEnd *end, FabricSegment *seg)
{
    EqdsTx *tx = end->state;
    bool again = tx->waiting > 0, speculative, wanted = true;
    uint64_t seq = tx->next;
    uint32_t bytes;

    if ((!again && !tx->unsent) || credit(tx) <= 0) {
        return false;
    }
    if (again) {
        seq = first_waiting(tx);
    }
    bytes = payload_of(tx, seq) + config_of(tx)->header_bytes;
    if (!spend(tx, bytes, &speculative)) {
        return false;
    }
    if (again) {
        tx->waiting--;
    } else {
        wanted = new_packet(tx, seq, bytes);
    }
    fill_data(tx, seg, seq);
    seg->flags |= again ? FABRIC_SEG_RETRANSMITTED : 0;
    seg->user_flags = (wanted ? FABRIC_EQDS_ACK_REQUEST : 0) |
                      (speculative ? FABRIC_EQDS_SPECULATIVE : 0);
    add_flight(tx, seq, fabric_endpoint_now_ps(end->endpoint));
    arm(tx);
    return true;
}

void fabric_eqds_start(FabricFlowEnd *end)
{
    const FabricEqdsConfig *c = end->config;
    EqdsTx *tx = end->state;
    uint64_t packets = (end->bytes + c->payload_bytes - 1) / c->payload_bytes;

    tx->end = end;
    tx->unsent = end->bytes;
    tx->backlog = end->bytes;
    if (end->bytes != FABRIC_ENDLESS) {
        tx->backlog = end->bytes + packets * c->header_bytes;
    }
    tx->speculative_credit = c->window_bytes;
    tx->speculating = true;
    tx->path_base = (uint32_t)fabric_flow_random(end);
    tx->order = fabric_flow_random_below(end, c->paths);
    tx->heard_ps = fabric_endpoint_now_ps(end->endpoint);
    wake(tx);
}

void fabric_eqds_tx_free(FabricFlowEnd *end)
{
    EqdsTx *tx = end->state;

    g_free(tx->packet);
    g_free(tx->flight);
}

/* ---- what arrives -------------------------------------------------------- */

static void on_ack(EqdsTx *tx, const FabricSegment *seg)
{
    for (; tx->base < MIN(seg->ack, tx->next); tx->base++) {
        packet_done(tx, tx->base);
    }
    for (uint32_t i = 0; i < SACK_BITS; i++) {
        uint64_t seq = seg->seq + i;

        if ((seg->aux64 >> i & 1) && seq >= tx->base && seq < tx->next) {
            packet_done(tx, seq);
        }
    }
    if (seg->user_flags & FABRIC_EQDS_CE_ECHO) {
        skip_path(tx, seg->aux16);
    }
    if (!tx->done && tx->unsent == 0 && tx->base == tx->next) {
        tx->done = true;
        fabric_flow_acked(tx->end);
    }
}

static void on_nack(EqdsTx *tx, const FabricSegment *seg)
{
    skip_path(tx, seg->aux16);
    if (seg->seq >= tx->base && seg->seq < tx->next &&
        packet_of(tx, seg->seq)->state == EQDS_PACKET_FLYING) {
        packet_waits(tx, seg->seq);
    }
}

void fabric_eqds_tx_receive(FabricFlowEnd *end, const FabricSegment *seg)
{
    EqdsTx *tx = end->state;

    tx->heard_ps = fabric_endpoint_now_ps(end->endpoint);
    if (seg->type == FABRIC_EQDS_ACK) {
        on_ack(tx, seg);
    } else if (seg->type == FABRIC_EQDS_NACK) {
        on_nack(tx, seg);
    } else if (seg->type == FABRIC_EQDS_PULL && seg->ack > tx->pulls) {
        tx->pulled_credit +=
            (int64_t)((seg->ack - tx->pulls) * EQDS_QUANTUM_BYTES);
        tx->pulls = seg->ack;
    }
    tx->speculating = false;
    arm(tx);
    wake(tx);
}
