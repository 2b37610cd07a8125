/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_dctcp.c: see transport_dctcp.h.
 */
#include "transport_dctcp.h"

#include "transport_tcp.h"

typedef TransportDctcpFlow Tx;

typedef struct Rx {
    TcpReceiver tcp;
    uint32_t path; /* of acknowledgements */
} Rx;

typedef struct Shared {
    PathSender *paths;
    uint32_t peer, base;
} Shared;

typedef struct Host {
    Shared *shared;
    uint32_t n;
} Host;

void transport_dctcp_config_default(TransportDctcpConfig *c)
{
    *c = (TransportDctcpConfig){
        .path = path_config_default(PATH_ECMP),
        .paths = PATH_MAX_VALUES,
        .header_bytes = TRANSPORT_TCP_HEADER_BYTES,
        .ack_bytes = TRANSPORT_TCP_HEADER_BYTES,
    };
    tcp_config_default(&c->tcp);
    c->tcp.segment_bytes = 1500 + 14 - TRANSPORT_TCP_HEADER_BYTES;
    c->tcp.dctcp = true;
    c->tcp.min_segments = 2; /* Linux, tcp_dctcp.c */
    c->jitter_ps = 1000000;
}

static const char *check(const void *config)
{
    const TransportDctcpConfig *c = config;
    const char *problem = tcp_config_problem(&c->tcp);

    if (!problem) {
        problem =
            transport_tcp_sizes_problem(&c->tcp, c->header_bytes, c->ack_bytes);
    }
    if (problem) {
        return problem;
    }
    if (c->source_routed && c->path.policy != PATH_ECMP) {
        return "a policy chooses paths, so the sender's spec cannot";
    }
    return path_config_problem(&c->path);
}

/* ---- sender --------------------------------------------------------------- */

/* TcpSent.data is the frame's length, TcpSent.path the value. */
static void on_lost(void *opaque, const TcpSent *sent)
{
    FabricFlowEnd *tx = opaque;
    const Tx *x = tx->state;
    PathFeedback f = { .value = sent->path,
                       .lost = 1,
                       .lost_bytes = sent->data,
                       .delay_ps = PATH_NO_DELAY };

    path_feedback(x->paths, fabric_endpoint_now_ps(tx->endpoint), &f);
}

static void on_timer(FabricEndpoint *e, FabricTimer *t);

static void sync_timer(FabricFlowEnd *tx)
{
    Tx *x = tx->state;

    transport_tcp_timer(tx, &x->timer, tcp_sender_timer_ps(&x->tcp), on_timer);
}

static void on_timer(FabricEndpoint *e, FabricTimer *t)
{
    FabricFlowEnd *tx = t->owner;
    Tx *x = tx->state;
    uint64_t now_ps = fabric_endpoint_now_ps(e);

    if (tcp_sender_timer_ps(&x->tcp) <= now_ps) {
        tcp_sender_timeout(&x->tcp, now_ps);
        fabric_flow_timeout(tx);
        fabric_flow_ready(tx);
    }
    sync_timer(tx);
}

static void on_pace(FabricEndpoint *e, FabricTimer *t)
{
    (void)e;
    fabric_flow_ready(t->owner);
}

static PathSender *new_paths(FabricFlowEnd *tx)
{
    const TransportDctcpConfig *c = tx->config;
    PathSender *s = path_sender_new(&c->path, c->paths, fabric_flow_random(tx));

    g_assert(s); /* memory is out */
    return s;
}

/* The host's towards this peer. */
static const Shared *shared_paths(FabricFlowEnd *tx)
{
    Host *h = fabric_endpoint_state(tx);

    for (uint32_t i = 0; i < h->n; i++) {
        if (h->shared[i].peer == tx->peer) {
            return &h->shared[i];
        }
    }
    h->shared = g_renew(Shared, h->shared, h->n + 1);
    h->shared[h->n] =
        (Shared){ .paths = new_paths(tx),
                  .peer = tx->peer,
                  .base = (uint32_t)(fabric_flow_random(tx) >> 32) };
    return &h->shared[h->n++];
}

static void start(FabricFlowEnd *tx)
{
    const TransportDctcpConfig *c = tx->config;
    Tx *x = tx->state;

    tcp_sender_init(&x->tcp, &c->tcp,
                    transport_tcp_segments(&c->tcp, tx->bytes));
    x->tcp.on_lost = on_lost;
    x->tcp.opaque = tx;
    x->hash = x->base = (uint32_t)(fabric_flow_random(tx) >> 32);
    if (c->share_paths) {
        const Shared *shared = shared_paths(tx);

        x->paths = shared->paths;
        x->base = shared->base;
    } else {
        x->paths = new_paths(tx);
    }
    x->last_port = UINT32_MAX;
    fabric_flow_ready(tx);
}

/* False: the policy holds it back; the timer is set if time alone helps. */
static bool admitted(FabricFlowEnd *tx, uint64_t now_ps, uint32_t bytes)
{
    Tx *x = tx->state;
    uint64_t at_ps = path_admit_ps(x->paths, now_ps, x->hash, bytes);

    if (at_ps <= now_ps) {
        return true;
    }
    if (at_ps != PATH_NEVER) {
        fabric_timer_set(tx->endpoint, &x->pace, at_ps, on_pace, tx);
    }
    return false;
}

static bool next(FabricFlowEnd *tx, FabricSegment *seg)
{
    const TransportDctcpConfig *c = tx->config;
    Tx *x = tx->state;
    uint64_t now_ps = fabric_endpoint_now_ps(tx->endpoint), segment;
    PathChoice choice;
    TcpSent *sent;
    bool again;

    if (!tcp_sender_may_send(&x->tcp) ||
        !admitted(tx, now_ps, c->tcp.segment_bytes + c->header_bytes)) {
        return false;
    }
    sent = tcp_sender_take(&x->tcp, now_ps, &segment, &again);
    transport_tcp_packet(tx, &c->tcp, c->header_bytes, segment, again, seg);
    choice = path_choose(x->paths, now_ps, x->hash, seg->bytes);
    if (choice.port != x->last_port) {
        if (x->last_port != UINT32_MAX) {
            fabric_flow_path_change(tx);
        }
        x->last_port = choice.port;
    }
    sent->data = seg->bytes;
    sent->path = choice.value;
    seg->seq = segment;
    seg->path =
        c->source_routed ? tx->user : x->base + choice.port * 0x9e3779b1u;
    seg->aux = choice.value;
    sync_timer(tx);
    return true;
}

/* What waits for the policy or for the host to wake up waits for one timer; news
 * may bring what the policy holds back forward. */
static void react(FabricFlowEnd *tx, uint64_t now_ps)
{
    const TransportDctcpConfig *c = tx->config;
    Tx *x = tx->state;

    if (tx->ready || c->jitter_ps == 0) {
        fabric_flow_ready(tx);
    } else if (!fabric_timer_armed(&x->pace) ||
               x->pace.due_ps > now_ps + c->jitter_ps) {
        fabric_timer_set(
            tx->endpoint, &x->pace,
            now_ps + fabric_flow_random_below(tx, (uint32_t)c->jitter_ps + 1),
            on_pace, tx);
    }
}

static void tx_receive(FabricFlowEnd *tx, const FabricSegment *seg)
{
    Tx *x = tx->state;
    uint64_t now_ps = fabric_endpoint_now_ps(tx->endpoint);
    TcpAck ack = transport_tcp_read_ack(seg);
    PathFeedback f = { .value = seg->aux,
                       .packets = 1,
                       .marked = ack.marked,
                       .bytes = seg->aux16,
                       .delay_ps = seg->aux64 };
    bool done = tcp_sender_done(&x->tcp);

    if (seg->type != TRANSPORT_TCP_ACK ||
        !tcp_sender_ack(&x->tcp, now_ps, &ack)) {
        return;
    }
    path_feedback(x->paths, now_ps, &f);
    sync_timer(tx);
    if (tcp_sender_may_send(&x->tcp)) {
        react(tx, now_ps);
    }
    if (!done && tcp_sender_done(&x->tcp)) {
        fabric_flow_acked(tx);
    }
}

static void tx_free(FabricFlowEnd *tx)
{
    const TransportDctcpConfig *c = tx->config;
    Tx *x = tx->state;

    tcp_sender_clear(&x->tcp);
    if (!c->share_paths) {
        path_sender_free(x->paths);
    }
}

static void host_free(void *state)
{
    Host *h = state;

    for (uint32_t i = 0; i < h->n; i++) {
        path_sender_free(h->shared[i].paths);
    }
    g_free(h->shared);
}

/* ---- receiver ------------------------------------------------------------- */

static void rx_open(FabricFlowEnd *rx)
{
    Rx *r = rx->state;

    r->path = (uint32_t)(fabric_flow_random(rx) >> 32);
}

static void rx_receive(FabricFlowEnd *rx, const FabricSegment *seg)
{
    const TransportDctcpConfig *c = rx->config;
    Rx *r = rx->state;
    FabricSegment ack = transport_tcp_ack(rx, seg, c->ack_bytes);

    if (seg->type != TRANSPORT_TCP_DATA) {
        return;
    }
    transport_tcp_deliver(rx, &r->tcp, seg->seq, seg);
    ack.ack = r->tcp.next;
    ack.path = r->path;
    ack.aux16 = seg->bytes;
    ack.aux64 = fabric_endpoint_now_ps(rx->endpoint) - seg->sent_ps;
    fabric_endpoint_send(rx, &ack);
}

static void rx_free(FabricFlowEnd *rx)
{
    Rx *r = rx->state;

    tcp_receiver_clear(&r->tcp);
}

const FabricTransportOps transport_dctcp_ops = {
    .name = "dctcp",
    .config_bytes = sizeof(TransportDctcpConfig),
    .host_bytes = sizeof(Host),
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
    .host_free = host_free,
};
