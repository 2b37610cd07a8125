/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_ndp.c: NDP's sender and configuration. See transport_ndp.h.
 */
#include "transport_ndp_priv.h"

#include <string.h>

#include "fabric_ring.h"

/* Of the last 32 answers; so many ACKs mean that the receiver is not overloaded
 * but the path of the returned header bad. */
#define ONE_PATH_SHARE 4u

typedef enum NdpState {
    NDP_UNSENT = 0,
    NDP_SENT,
    NDP_AGAIN, /* waits to be sent again */
    NDP_DONE
} NdpState;

typedef struct NdpSlot {
    uint64_t sent_ps; /* last */
    uint32_t path;    /* last */
    uint8_t state;
} NdpSlot;

typedef struct NdpSending { /* in the order in which they were sent */
    uint64_t seq, sent_ps;
} NdpSending;

typedef struct NdpTx {
    NdpPaths paths;
    NdpSlot *slot; /* ring by seq: [base .. next) */
    uint64_t mask, base, next;
    uint64_t n_packets, n_done;
    uint64_t credit; /* packets that may be sent now */
    uint64_t pulled; /* number of the last pull */
    uint64_t heard_ps;
    uint64_t unanswered; /* sent, neither ACK nor NACK nor returned */
    uint64_t answered;   /* ACKs and NACKs */
    uint32_t recent;     /* bits: the last answers were ACKs */
    GQueue again;        /* seqs as pointers */
    NdpSending *sending;
    uint32_t sending_head, n_sending, sending_mask;
    FabricTimer timer;
} NdpTx;

void fabric_ndp_config_default(FabricNdpConfig *c)
{
    *c = (FabricNdpConfig){
        .payload_bytes = 9000,
        .header_bytes = 60,
        .window_packets = 23,
        .policy = FABRIC_NDP_SPRAY_PENALTY,
        .penalty_ps = 1000000000ull,
        .rto_ps = 50000000000ull,
        .control_priority = 1,
    };
}

void fabric_ndp_switch(SwitchConfig *sw, const FabricNdpConfig *c,
                       uint32_t data_bytes)
{
    sw->queues = MAX(sw->queues, 2);
    sw->cell_bytes = 1;
    sw->buffer_cells = INT32_MAX;
    for (uint32_t i = 0; i < sw->queues; i++) {
        sw->queue[i].alpha_q8 = UINT32_MAX;
        sw->queue[i].ecn_mode = SWITCH_ECN_OFF;
        sw->queue[i].strict = false;
    }
    sw->queue[0].limit_cells = data_bytes;
    sw->queue[0].quantum_bytes =
        c->payload_bytes + c->header_bytes + SWITCH_OVERHEAD_BYTES;
    sw->queue[1].limit_cells = data_bytes;
    sw->queue[1].quantum_bytes = 10 * (c->header_bytes + SWITCH_OVERHEAD_BYTES);
    sw->trim_bytes = (uint16_t)c->header_bytes;
    sw->trim_queue = 1;
    sw->trim_return = true;
}

static const char *check(const void *config)
{
    const FabricNdpConfig *c = config;

    if (c->header_bytes < FABRIC_MIN_FRAME_BYTES || c->payload_bytes < 1 ||
        c->header_bytes > FABRIC_MAX_FRAME_BYTES ||
        c->payload_bytes > FABRIC_MAX_FRAME_BYTES - c->header_bytes) {
        return "headers have at least 60 bytes, with the payload at most 9600";
    }
    if (c->window_packets < 1 || c->rto_ps < 1) {
        return "window and timeout are at least 1";
    }
    if (c->paths > NDP_MAX_PATHS) {
        return "at most 1024 paths";
    }
    return NULL;
}

uint64_t ndp_packets(const FabricFlowEnd *end)
{
    const FabricNdpConfig *c = end->config;

    return end->bytes == FABRIC_ENDLESS
               ? FABRIC_ENDLESS
               : (end->bytes - 1) / c->payload_bytes + 1;
}

uint32_t ndp_payload(const FabricFlowEnd *end, uint64_t seq)
{
    const FabricNdpConfig *c = end->config;
    uint64_t before = seq * c->payload_bytes;

    return end->bytes - before < c->payload_bytes
               ? (uint32_t)(end->bytes - before)
               : c->payload_bytes;
}

/* ---- what was sent ------------------------------------------------------- */

static void slots_grow(NdpTx *t)
{
    uint64_t mask = t->slot ? t->mask * 2 + 1 : 63;
    NdpSlot *bigger = g_new0(NdpSlot, mask + 1);

    for (uint64_t i = t->base; i < t->next; i++) {
        bigger[i & mask] = t->slot[i & t->mask];
    }
    g_free(t->slot);
    t->slot = bigger;
    t->mask = mask;
}

static void sending_push(NdpTx *t, uint64_t seq, uint64_t ps)
{
    if (!t->sending || t->n_sending > t->sending_mask) {
        t->sending =
            fabric_ring_grow(t->sending, sizeof(*t->sending), t->n_sending, 64,
                             &t->sending_head, &t->sending_mask);
    }
    t->sending[(t->sending_head + t->n_sending++) & t->sending_mask] =
        (NdpSending){ seq, ps };
}

static NdpSlot *slot_of(const NdpTx *t, uint64_t seq)
{
    return seq >= t->base && seq < t->next ? &t->slot[seq & t->mask] : NULL;
}

/* The oldest packet that nothing has answered; NULL: none. */
static const NdpSending *oldest(NdpTx *t)
{
    while (t->n_sending) {
        const NdpSending *s = &t->sending[t->sending_head];
        const NdpSlot *slot = slot_of(t, s->seq);

        if (slot && slot->state == NDP_SENT && slot->sent_ps == s->sent_ps) {
            return s;
        }
        t->sending_head = (t->sending_head + 1) & t->sending_mask;
        t->n_sending--;
    }
    return NULL;
}

static void queue_again(NdpTx *t, uint64_t seq)
{
    slot_of(t, seq)->state = NDP_AGAIN;
    g_queue_push_tail(&t->again, GSIZE_TO_POINTER(seq));
}

static void offer(FabricFlowEnd *tx)
{
    const NdpTx *t = tx->state;

    if (t->credit && (t->again.length || t->next < t->n_packets)) {
        fabric_flow_ready(tx);
    }
}

/* ---- the timer ----------------------------------------------------------- */

static void timer_due(FabricEndpoint *e, FabricTimer *timer);

static uint64_t deadline_ps(FabricFlowEnd *tx)
{
    const FabricNdpConfig *c = tx->config;
    NdpTx *t = tx->state;
    const NdpSending *s = oldest(t);

    return (s ? s->sent_ps : t->heard_ps) + c->rto_ps;
}

static void timer_due(FabricEndpoint *e, FabricTimer *timer)
{
    FabricFlowEnd *tx = timer->owner;
    NdpTx *t = tx->state;
    const FabricNdpConfig *c = tx->config;
    uint64_t now = fabric_endpoint_now_ps(e);
    const NdpSending *s = oldest(t);

    if (!s && t->heard_ps + c->rto_ps <= now && t->credit == 0) {
        fabric_flow_timeout(tx); /* a pull was lost, or a returned header */
        t->heard_ps = now;
        t->credit++;
    }
    while ((s = oldest(t)) && s->sent_ps + c->rto_ps <= now) {
        fabric_flow_timeout(tx);
        queue_again(t, s->seq);
        t->unanswered--;
        t->credit++;
    }
    offer(tx);
    fabric_timer_set(e, timer, MAX(deadline_ps(tx), now + 1), timer_due, tx);
}

/* ---- the transport's functions ------------------------------------------- */

static void start(FabricFlowEnd *tx)
{
    const FabricNdpConfig *c = tx->config;
    NdpTx *t = tx->state;

    ndp_paths_init(&t->paths, tx);
    t->n_packets = ndp_packets(tx);
    t->credit = c->window_packets;
    t->heard_ps = fabric_endpoint_now_ps(tx->endpoint);
    g_queue_init(&t->again);
    fabric_timer_set(tx->endpoint, &t->timer, t->heard_ps + c->rto_ps,
                     timer_due, tx);
    offer(tx);
}

static void tx_free(FabricFlowEnd *tx)
{
    NdpTx *t = tx->state;

    ndp_paths_free(&t->paths);
    g_queue_clear(&t->again);
    g_free(t->slot);
    g_free(t->sending);
}

/* The number of the next packet: one that must be sent again, or a new one. */
static bool next_seq(NdpTx *t, uint64_t *ret, bool *ret_again)
{
    while (t->again.length) {
        uint64_t seq = GPOINTER_TO_SIZE(g_queue_pop_head(&t->again));
        const NdpSlot *slot = slot_of(t, seq);

        if (slot && slot->state == NDP_AGAIN) {
            *ret = seq;
            *ret_again = true;
            return true;
        }
    }
    if (t->next == t->n_packets) {
        return false;
    }
    if (!t->slot || t->next - t->base > t->mask) {
        slots_grow(t);
    }
    *ret = t->next++;
    *ret_again = false;
    return true;
}

static bool next(FabricFlowEnd *tx, FabricSegment *seg)
{
    const FabricNdpConfig *c = tx->config;
    uint64_t now = fabric_endpoint_now_ps(tx->endpoint), number;
    NdpTx *t = tx->state;
    NdpSlot *slot;
    bool again;

    if (t->credit == 0 || !next_seq(t, &number, &again)) {
        return false;
    }
    t->credit--;
    t->unanswered++;
    slot = slot_of(t, number);
    slot->state = NDP_SENT;
    slot->sent_ps = now;
    slot->path = ndp_paths_choose(&t->paths, tx);
    sending_push(t, number, now);
    seg->seq = number;
    seg->type = NDP_DATA;
    seg->payload_bytes = ndp_payload(tx, number);
    seg->bytes = (uint16_t)(seg->payload_bytes + c->header_bytes);
    seg->aux = slot->path;
    seg->path = t->paths.path[slot->path].hash;
    seg->priority = c->data_priority;
    seg->flags = FABRIC_SEG_DATA | (c->ect ? FABRIC_SEG_ECT : 0) |
                 (again ? FABRIC_SEG_RETRANSMITTED : 0);
    return true;
}

static void done(FabricFlowEnd *tx, uint64_t seq)
{
    NdpTx *t = tx->state;
    NdpSlot *slot = slot_of(t, seq);

    if (!slot || slot->state == NDP_DONE) {
        return;
    }
    t->unanswered -= slot->state == NDP_SENT;
    slot->state = NDP_DONE;
    t->n_done++;
    while (t->base < t->next && t->slot[t->base & t->mask].state == NDP_DONE) {
        t->slot[t->base & t->mask].state = NDP_UNSENT;
        t->base++;
    }
    if (t->n_done == t->n_packets) {
        fabric_flow_acked(tx);
        fabric_timer_stop(tx->endpoint, &t->timer);
    }
}

/* The header of packet @seq came to an end somewhere. */
static void cut(FabricFlowEnd *tx, uint64_t seq)
{
    NdpTx *t = tx->state;
    const NdpSlot *slot = slot_of(t, seq);

    if (slot && slot->state == NDP_SENT) {
        t->unanswered--;
        queue_again(t, seq);
    }
}

static void feedback(FabricFlowEnd *tx, const FabricSegment *seg, bool bad,
                     uint32_t weight)
{
    const FabricNdpConfig *c = tx->config;
    NdpTx *t = tx->state;

    t->recent = t->recent << 1 | !bad;
    if (!bad) {
        ndp_paths_ack(&t->paths, seg->aux);
    } else if (ndp_paths_nack(&t->paths, tx, seg->aux, weight)) {
        fabric_flow_path_change(tx);
    }
    if (c->policy == FABRIC_NDP_ONE_PATH_MARK &&
        (bad || (seg->user_flags & NDP_ECHO_CE))) {
        ndp_paths_move(&t->paths, tx);
        fabric_flow_path_change(tx);
    }
}

static void returned(FabricFlowEnd *tx, const FabricSegment *seg)
{
    NdpTx *t = tx->state;

    feedback(tx, seg, true, 3);
    cut(tx, seg->seq);
    if ((t->unanswered == 0 && t->answered <= t->pulled) ||
        (uint32_t)__builtin_popcount(t->recent) >= 32 / ONE_PATH_SHARE) {
        t->credit++;
    }
}

static void tx_receive(FabricFlowEnd *tx, const FabricSegment *seg)
{
    NdpTx *t = tx->state;

    t->heard_ps = fabric_endpoint_now_ps(tx->endpoint);
    if (seg->flags & FABRIC_SEG_RETURNED) {
        returned(tx, seg);
    } else if (seg->type == NDP_ACK) {
        t->answered++;
        feedback(tx, seg, false, 1);
        done(tx, seg->seq);
    } else if (seg->type == NDP_NACK) {
        t->answered++;
        feedback(tx, seg, true, 1);
        cut(tx, seg->seq);
    }
    while (t->base < seg->aux64 && t->base < t->next) {
        done(tx, t->base); /* its ACK was lost, or comes later */
    }
    if (seg->ack > t->pulled) {
        t->credit += seg->ack - t->pulled;
        t->pulled = seg->ack;
    }
    offer(tx);
}

const FabricTransportOps fabric_ndp_ops = {
    .name = "ndp",
    .config_bytes = sizeof(FabricNdpConfig),
    .host_bytes = sizeof(NdpHost),
    .tx_bytes = sizeof(NdpTx),
    .rx_bytes = sizeof(NdpRx),
    .check = check,
    .start = start,
    .open = ndp_rx_open,
    .tx_receive = tx_receive,
    .rx_receive = ndp_rx_receive,
    .next = next,
    .tx_free = tx_free,
    .rx_free = ndp_rx_free,
};
