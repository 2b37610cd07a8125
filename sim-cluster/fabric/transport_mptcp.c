/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_mptcp.c: see transport_mptcp.h.
 */
#include "transport_mptcp.h"

#include "transport_tcp.h"

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
    const char *problem;

    if (c->subflows < 1 || c->subflows > TCP_MAX_SUBFLOWS) {
        return "a connection has from 1 to 16 subflows";
    }
    problem =
        transport_tcp_sizes_problem(&c->tcp, c->header_bytes, c->ack_bytes);
    return problem ? problem : tcp_config_problem(&c->tcp);
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

    x->total = transport_tcp_segments(&c->tcp, tx->bytes);
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
    transport_tcp_timer(tx, &x->timer, due_ps, on_timer);
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
    transport_tcp_packet(tx, &c->tcp, c->header_bytes, sent->data, again, seg);
    seg->seq = segment;
    seg->ack = sent->data;
    seg->path = x->path[sub];
    seg->aux = (uint32_t)sub;
    sync_timer(tx);
    return true;
}

static void tx_receive(FabricFlowEnd *tx, const FabricSegment *seg)
{
    Tx *x = tx->state;
    TcpAck ack = transport_tcp_read_ack(seg);
    bool done = x->acked == x->total;

    if (seg->type != TRANSPORT_TCP_ACK || seg->aux >= x->group.n ||
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
    FabricSegment ack = transport_tcp_ack(rx, seg, c->ack_bytes);

    if (seg->type != TRANSPORT_TCP_DATA || seg->aux >= c->subflows) {
        return;
    }
    tcp_receiver_add(&r->sub[seg->aux], seg->seq);
    transport_tcp_deliver(rx, &r->data, seg->ack, seg);
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
