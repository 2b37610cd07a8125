/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_mptcp.c: see transport_mptcp.h.
 */
#include "transport_mptcp.h"

enum { TYPE_DATA = 1, TYPE_ACK };
enum { ACK_MARKED = 1 << 0 };

/* Frame without preamble: Ethernet 14, IPv4 20, TCP 20, time stamps 12, data
 * sequence option 20 (RFC 8684, section 3.3, with 64-bit numbers). */
#define HEADER_BYTES 86u

typedef TransportMptcpFlow Tx;

typedef struct Rx {
    TcpReceiver sub[TCP_MAX_SUBFLOWS];
    TcpReceiver data;
    uint32_t path;
} Rx;

void transport_mptcp_config_default(TransportMptcpConfig *c)
{
    *c = (TransportMptcpConfig){
        .subflows = 8,
        .coupled = true,
        .header_bytes = HEADER_BYTES,
        .ack_bytes = HEADER_BYTES,
    };
    tcp_config_default(&c->tcp);
    c->tcp.segment_bytes = 1500 + 14 - HEADER_BYTES;
}

static const char *check(const void *config)
{
    const TransportMptcpConfig *c = config;

    if (c->subflows < 1 || c->subflows > TCP_MAX_SUBFLOWS) {
        return "a connection has from 1 to 16 subflows";
    }
    if (c->tcp.segment_bytes + c->header_bytes > FABRIC_MAX_FRAME_BYTES ||
        c->ack_bytes < FABRIC_MIN_FRAME_BYTES ||
        c->ack_bytes > FABRIC_MAX_FRAME_BYTES) {
        return "a packet with its header has from 60 to 9600 bytes";
    }
    return tcp_config_problem(&c->tcp);
}

/* ---- sender --------------------------------------------------------------- */

static void choose_paths(FabricFlowEnd *tx)
{
    const TransportMptcpConfig *c = tx->config;
    Tx *x = tx->state;
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->subflows; i++) {
        x->path[i] = (uint32_t)(fabric_flow_random(tx) >> 32);
    }
    if (c->distinct_paths) {
        uint32_t ways[TCP_MAX_SUBFLOWS];

        n = fabric_paths(fabric_endpoint_fabric(tx->endpoint),
                         fabric_endpoint_node(tx->endpoint), tx->peer,
                         fabric_flow_random(tx), ways, c->subflows);
        n = MIN(n, c->subflows);
        for (uint32_t i = 0; n && i < c->subflows; i++) {
            x->path[i] = ways[i % n];
        }
    }
}

static void start(FabricFlowEnd *tx)
{
    const TransportMptcpConfig *c = tx->config;
    Tx *x = tx->state;

    x->total = tx->bytes == FABRIC_ENDLESS
                   ? TCP_ENDLESS
                   : tx->bytes / c->tcp.segment_bytes +
                         (tx->bytes % c->tcp.segment_bytes != 0);
    x->group.coupled = c->coupled;
    choose_paths(tx);
    for (uint32_t i = 0; i < c->subflows; i++) {
        tcp_sender_init(&x->sub[i], &c->tcp, TCP_ENDLESS);
        tcp_group_add(&x->group, &x->sub[i]);
    }
    fabric_flow_ready(tx);
}

static void reinject(Tx *x, uint64_t data)
{
    if (x->n_reinject == x->cap_reinject) {
        x->cap_reinject = x->cap_reinject ? x->cap_reinject * 2 : 64;
        x->reinject = g_renew(uint64_t, x->reinject, x->cap_reinject);
    }
    x->reinject[x->n_reinject++] = data;
}

/* Drops what has been acknowledged meanwhile. */
static bool has_reinject(Tx *x)
{
    while (x->reinject_at < x->n_reinject &&
           x->reinject[x->reinject_at] < x->acked) {
        x->reinject_at++;
    }
    if (x->reinject_at == x->n_reinject) {
        x->reinject_at = x->n_reinject = 0;
    }
    return x->n_reinject > 0;
}

static bool may_send(Tx *x, const TcpSender *s)
{
    return x->acked < x->total && tcp_sender_has_room(s) &&
           (s->lost > 0 || x->next < x->total || has_reinject(x));
}

/* The subflow whose turn it is, or -1. */
static int32_t choose(Tx *x)
{
    for (uint32_t i = 0; i < x->group.n; i++) {
        uint32_t at = (x->turn + i) % x->group.n;

        if (may_send(x, &x->sub[at])) {
            return (int32_t)at;
        }
    }
    return -1;
}

static void on_timer(FabricEndpoint *e, FabricTimer *t);

static void sync_timer(FabricFlowEnd *tx)
{
    Tx *x = tx->state;
    uint64_t due_ps = TCP_NEVER_PS;

    for (uint32_t i = 0; i < x->group.n && x->acked < x->total; i++) {
        due_ps = MIN(due_ps, tcp_sender_timer_ps(&x->sub[i]));
    }
    if (due_ps == TCP_NEVER_PS) {
        fabric_timer_stop(tx->endpoint, &x->timer);
    } else if (!fabric_timer_armed(&x->timer) || due_ps < x->timer.due_ps) {
        fabric_timer_set(tx->endpoint, &x->timer, due_ps, on_timer, tx);
    }
}

static void timeout(Tx *x, TcpSender *s, uint64_t now_ps)
{
    if (s->backoff == 0 && x->group.n > 1) {
        for (uint64_t i = s->una; i < s->next; i++) {
            uint64_t data = tcp_sender_sent(s, i)->data;

            if (data >= x->acked) {
                reinject(x, data);
            }
        }
    }
    tcp_sender_timeout(s, now_ps);
}

static void on_timer(FabricEndpoint *e, FabricTimer *t)
{
    FabricFlowEnd *tx = t->owner;
    Tx *x = tx->state;
    uint64_t now_ps = fabric_endpoint_now_ps(e);

    for (uint32_t i = 0; i < x->group.n; i++) {
        if (tcp_sender_timer_ps(&x->sub[i]) <= now_ps) {
            timeout(x, &x->sub[i], now_ps);
            fabric_flow_timeout(tx);
            fabric_flow_ready(tx);
        }
    }
    sync_timer(tx);
}

static bool next(FabricFlowEnd *tx, FabricSegment *seg)
{
    const TransportMptcpConfig *c = tx->config;
    Tx *x = tx->state;
    uint64_t now_ps = fabric_endpoint_now_ps(tx->endpoint), segment;
    int32_t sub = choose(x);
    TcpSent *sent;
    bool again;

    if (sub < 0) {
        return false;
    }
    x->turn = (uint32_t)sub + 1;
    sent = tcp_sender_take(&x->sub[sub], now_ps, &segment, &again);
    if (!again && has_reinject(x)) {
        sent->data = x->reinject[x->reinject_at++];
        again = true;
    } else if (!again) {
        sent->data = x->next++;
    }
    seg->payload_bytes = (uint32_t)MIN(
        tx->bytes - sent->data * c->tcp.segment_bytes, c->tcp.segment_bytes);
    seg->bytes = (uint16_t)MAX(seg->payload_bytes + c->header_bytes,
                               FABRIC_MIN_FRAME_BYTES);
    seg->type = TYPE_DATA;
    seg->seq = segment;
    seg->ack = sent->data;
    seg->path = x->path[sub];
    seg->aux = (uint32_t)sub;
    seg->priority = tx->priority;
    seg->flags = (uint8_t)(FABRIC_SEG_DATA | FABRIC_SEG_NO_TRIM |
                           (again ? FABRIC_SEG_RETRANSMITTED : 0) |
                           (c->tcp.dctcp ? FABRIC_SEG_ECT : 0));
    sync_timer(tx);
    return true;
}

static void tx_receive(FabricFlowEnd *tx, const FabricSegment *seg)
{
    Tx *x = tx->state;
    TcpAck ack = { .next = seg->ack,
                   .got = seg->seq,
                   .sent_ps = seg->echo_ps,
                   .marked = seg->user_flags & ACK_MARKED };
    bool done = x->acked == x->total;

    if (seg->type != TYPE_ACK || seg->aux >= x->group.n ||
        seg->aux64 > x->next ||
        !tcp_sender_ack(&x->sub[seg->aux], fabric_endpoint_now_ps(tx->endpoint),
                        &ack)) {
        return;
    }
    x->acked = MAX(x->acked, seg->aux64);
    sync_timer(tx);
    if (choose(x) >= 0) {
        fabric_flow_ready(tx);
    }
    if (!done && x->acked == x->total) {
        fabric_flow_acked(tx);
    }
}

static void tx_free(FabricFlowEnd *tx)
{
    Tx *x = tx->state;

    for (uint32_t i = 0; i < x->group.n; i++) {
        tcp_sender_clear(&x->sub[i]);
    }
    g_free(x->reinject);
}

/* ---- receiver ------------------------------------------------------------- */

static void rx_open(FabricFlowEnd *rx)
{
    Rx *r = rx->state;

    r->path = (uint32_t)(fabric_flow_random(rx) >> 32);
}

static void rx_receive(FabricFlowEnd *rx, const FabricSegment *seg)
{
    const TransportMptcpConfig *c = rx->config;
    Rx *r = rx->state;
    FabricSegment ack = {
        .type = TYPE_ACK,
        .seq = seg->seq,
        .aux = seg->aux,
        .echo_ps = seg->sent_ps,
        .bytes = (uint16_t)c->ack_bytes,
        .priority = rx->priority,
        .flags = FABRIC_SEG_NO_TRIM,
        .user_flags = seg->flags & FABRIC_SEG_CE ? ACK_MARKED : 0,
    };

    if (seg->type != TYPE_DATA || seg->aux >= c->subflows) {
        return;
    }
    tcp_receiver_add(&r->sub[seg->aux], seg->seq);
    if (tcp_receiver_add(&r->data, seg->ack)) {
        fabric_flow_deliver(rx, seg->payload_bytes);
    } else {
        fabric_flow_duplicate(rx);
    }
    ack.ack = r->sub[seg->aux].next;
    ack.aux64 = r->data.next;
    ack.path = r->path + seg->aux * 0x9e3779b1u; /* a way for each subflow */
    fabric_endpoint_send(rx, &ack);
}

static void rx_free(FabricFlowEnd *rx)
{
    Rx *r = rx->state;

    for (uint32_t i = 0; i < TCP_MAX_SUBFLOWS; i++) {
        tcp_receiver_clear(&r->sub[i]);
    }
    tcp_receiver_clear(&r->data);
}

const FabricTransportOps transport_mptcp_ops = {
    .name = "mptcp",
    .config_bytes = sizeof(TransportMptcpConfig),
    .tx_bytes = sizeof(Tx),
    .rx_bytes = sizeof(Rx),
    .check = check,
    .start = start,
    .open = rx_open,
    .tx_receive = tx_receive,
    .rx_receive = rx_receive,
    .next = next,
    .tx_free = tx_free,
    .rx_free = rx_free,
};
