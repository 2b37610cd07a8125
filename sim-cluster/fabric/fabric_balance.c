/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_balance.c: modelled hosts with path balancing: the MAC asks for a
 * value at the instant at which it begins to send, receivers echo what came.
 *
 * Order at one instant at one host: arrivals, timers, the MAC's choice. Echoes
 * go before data. The next packet is planned ahead, as in fabric_host.c, but
 * feedback and new echoes plan anew as long as its first bit has not left; its
 * value is chosen when it has.
 *
 * Sources: hw/offload/path.h.
 * Not modelled: echoes that ride on data, a card's own queues.
 */
#include "fabric_balance.h"

#define BALANCE_CONTROL (UINT32_MAX - 1) /* FabricHost.chosen: an echo */

/* From now on @h works as this file says. */
void fabric_balance_host(FabricHost *h)
{
    if (!h->balance) {
        h->balance = g_new0(FabricBalanceHost, 1);
        h->balance->plan_ps = h->depart_ps;
        h->balance->out_ps = FABRIC_NEVER_PS;
        h->start_ps =
            h->depart_ps == FABRIC_NEVER_PS ? FABRIC_NEVER_PS : h->start_ps;
    }
}

/* Routers hash addresses and ports; an echo has the data's port and both
 * addresses the other way round. */
uint32_t fabric_balance_path_hash(const FabricPair *p, uint32_t port, bool back)
{
    uint32_t h = (p->hash ^ (back ? 0x5bd1e995u : 0)) + port * 0x9e3779b1u;

    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    h ^= h >> 12;
    return h;
}

static void arm(FabricBalanceHost *b, const FabricPair *p, uint32_t pair,
                uint64_t due_ps, bool order)
{
    fabric_balance_timer_push(
        b, (FabricBalanceTimer){ .due_ps = due_ps,
                                 .tie = (uint64_t)p->from << 32 | p->load << 1 |
                                        order,
                                 .pair = pair,
                                 .order = order });
}

/* ---- planning and sending ------------------------------------------------ */

static uint64_t stream_admit_ps(const Fabric *f, const FabricStream *s,
                                uint64_t ready)
{
    const FabricPair *p;

    if (s->pair == FABRIC_NONE) {
        return ready;
    }
    p = f->balancer->pair[s->pair];
    return p->waits ? path_admit_ps(p->sender, ready, s->hash,
                                    fabric_stream_bytes(s))
                    : ready;
}

/* The stream whose packet may go first, from @free_ps on; of those that may go
 * at that instant the first one in turn. */
static uint32_t first_stream(const Fabric *f, const FabricHost *h,
                             uint64_t free_ps, uint64_t *ret_ps)
{
    uint32_t at = h->turn, found = FABRIC_NONE;
    uint64_t best = FABRIC_NEVER_PS, before = 0;

    for (uint32_t i = 0; i < h->n_streams; i++, at++) {
        uint64_t ready, ps;

        at = at < h->n_streams ? at : 0;
        ready = MAX(free_ps, h->streams[at].ready_ps);
        ps = stream_admit_ps(f, &h->streams[at], ready);
        if (ps < best) {
            best = ps;
            found = at;
            before = MAX(h->free_ps, h->streams[at].ready_ps);
        }
    }
    h->balance->plan_held = found != FABRIC_NONE && best > before;
    *ret_ps = best;
    return found;
}

static uint64_t sources_next_ps(const FabricHost *h)
{
    uint64_t next = FABRIC_NEVER_PS;

    for (uint32_t i = 0; i < h->n_sources; i++) {
        next = MIN(next, h->sources[i].next_ps);
    }
    return next;
}

/* When anything at @h happens by itself. */
static void settle(FabricHost *h)
{
    const FabricBalanceHost *b = h->balance;

    /* the choice too: whoever asks sees it counted from its instant on */
    h->depart_ps = MIN(h->start_ps, b->out_ps);
    if (b->n_timers) {
        h->depart_ps = MIN(h->depart_ps, b->timer[0].due_ps);
    }
}

/* At @now_ps. */
static void plan(Fabric *f, FabricHost *h, uint64_t now_ps)
{
    FabricBalanceHost *b = h->balance;
    uint64_t start, next, free_ps = MAX(h->free_ps, now_ps);
    uint32_t bytes;

    for (;;) {
        h->chosen = first_stream(f, h, free_ps, &start);
        next = sources_next_ps(h);
        if (next == FABRIC_NEVER_PS || MAX(next, free_ps) > start) {
            break;
        }
        fabric_host_start_flows(f, h, MAX(next, free_ps));
    }
    if (b->control_n) {
        uint64_t ready =
            f->balancer->cargo[b->control[b->control_head]].sent_ps;

        ready = MAX(ready, free_ps);
        if (ready <= start) {
            start = ready;
            h->chosen = BALANCE_CONTROL;
        }
    }
    h->start_ps = start;
    b->plan_ps = FABRIC_NEVER_PS;
    if (start == FABRIC_NEVER_PS) {
        return;
    }
    bytes = h->chosen == BALANCE_CONTROL
                ? f->balancer->cargo[b->control[b->control_head]].bytes
                : fabric_stream_bytes(&h->streams[h->chosen]);
    b->plan_ps = start + switch_serialise_ps(bytes, h->rate_bps);
}

void fabric_balance_replan(Fabric *f, FabricHost *h)
{
    if (h->balance->plan_ps == FABRIC_NEVER_PS || h->start_ps >= f->now_ps) {
        plan(f, h, f->now_ps);
        settle(h);
        fabric_wake(f, h->node, h->depart_ps);
    }
}

static void put_out(Fabric *f, FabricHost *h, uint64_t depart_ps,
                    uint64_t until_ps, const SwitchPacket *pkt)
{
    FabricBalanceHost *b = h->balance;

    if (depart_ps < until_ps) {
        fabric_wire_send(f, f->out_wire[f->node[h->node].base], depart_ps, pkt);
        h->sent++;
        h->sent_bytes += pkt->bytes;
    } else {
        b->out_ps = depart_ps;
        b->out = *pkt;
    }
}

static SwitchPacket echo_packet(Fabric *f, FabricHost *h)
{
    FabricBalanceHost *b = h->balance;
    uint32_t number = b->control[b->control_head];
    FabricCargo *c = &f->balancer->cargo[number];
    const FabricPair *p = f->balancer->pair[c->pair];
    const FabricLoad *load = f->loads->pdata[p->load];

    b->control_head =
        b->control_head + 1 < b->control_cap ? b->control_head + 1 : 0;
    b->control_n--;
    f->balancer->count.echoes_sent++;
    return (SwitchPacket){
        .user = number,
        .dst = f->node[p->from].host->ipv4,
        .src = FABRIC_NONE,
        .flow_hash =
            fabric_balance_path_hash(p, PATH_FIRST_PORT + c->value, true),
        .bytes = (uint16_t)c->bytes,
        .priority = load->balance.echo_priority,
        .flags = FABRIC_PKT_BALANCED,
    };
}

/* The header of a packet of @s that begins to leave at @ps. */
static void balance_packet(Fabric *f, const FabricStream *s, uint64_t ps,
                           SwitchPacket *pkt)
{
    const FabricPair *p = f->balancer->pair[s->pair];
    PathChoice choice = path_choose(p->sender, ps, s->hash, pkt->bytes);
    uint32_t number = fabric_cargo_new(f);
    FabricCargo *c = &f->balancer->cargo[number];

    c->created_ps = s->ready_ps;
    c->sent_ps = ps;
    c->pair = s->pair;
    c->flow = s->flow;
    c->kind = FABRIC_CARGO_DATA;
    c->more = FABRIC_NONE;
    c->value = (uint8_t)choice.value;
    c->sequence = choice.sequence;
    c->byte_end = choice.byte_end;
    c->bytes = pkt->bytes;
    pkt->user = number;
    pkt->flow_hash = fabric_balance_path_hash(p, choice.port, false);
    pkt->flags |= FABRIC_PKT_BALANCED;
}

static SwitchPacket data_packet(Fabric *f, FabricHost *h)
{
    FabricStream *s = &h->streams[h->chosen];
    SwitchPacket pkt = { .user = s->ready_ps,
                         .dst = s->dst,
                         .src = s->flow | (uint64_t)s->entry << 32,
                         .flow_hash = s->hash,
                         .bytes = (uint16_t)fabric_stream_bytes(s),
                         .priority = s->priority,
                         .flags = s->flags };

    if (s->pair != FABRIC_NONE) {
        balance_packet(f, s, h->start_ps, &pkt);
        f->balancer->count.held += h->balance->plan_held;
    }
    fabric_stream_sent(f, h, h->chosen, pkt.bytes);
    return pkt;
}

/* The planned packet's first bit leaves. */
static void start_sending(Fabric *f, FabricHost *h, uint64_t until_ps)
{
    uint64_t depart_ps = h->balance->plan_ps;
    SwitchPacket pkt =
        h->chosen == BALANCE_CONTROL ? echo_packet(f, h) : data_packet(f, h);

    h->free_ps = depart_ps;
    put_out(f, h, depart_ps, until_ps, &pkt);
    plan(f, h, h->start_ps);
}

/* ---- receiving ----------------------------------------------------------- */

static void control_push(FabricBalanceHost *b, uint32_t cargo)
{
    if (b->control_n == b->control_cap) {
        uint32_t cap = b->control_cap ? b->control_cap * 2 : 8;
        uint32_t *bigger = g_new(uint32_t, cap);

        for (uint32_t i = 0; i < b->control_n; i++) {
            bigger[i] = b->control[(b->control_head + i) % b->control_cap];
        }
        g_free(b->control);
        b->control = bigger;
        b->control_head = 0;
        b->control_cap = cap;
    }
    b->control[(b->control_head + b->control_n++) % b->control_cap] = cargo;
}

/* A packet's echoes, those that have waited longest: the first one's cargo. */
static uint32_t echo_new(Fabric *f, const FabricPair *p, uint32_t pair,
                         const FabricLoad *load, uint64_t ps)
{
    uint32_t first = FABRIC_NONE, last = FABRIC_NONE, n = 0;
    PathEcho echo;

    while (n < load->balance.echo_values &&
           path_echo_take(p->receiver, ps, &echo)) {
        uint32_t number = fabric_cargo_new(f);
        FabricCargo *c = &f->balancer->cargo[number];

        c->sent_ps = ps;
        c->pair = pair;
        c->kind = FABRIC_CARGO_ECHO;
        c->value = (uint8_t)echo.value;
        c->more = FABRIC_NONE;
        c->echo = echo;
        if (n++ == 0) {
            first = number;
        } else {
            f->balancer->cargo[last].more = number;
        }
        last = number;
    }
    if (n) {
        f->balancer->cargo[first].bytes =
            (uint16_t)(load->balance.echo_bytes +
                       (n - 1) * FABRIC_ECHO_MORE_BYTES);
    }
    return first;
}

/* All echoes of @p that are due at @ps, and the timer for the next. */
static void take_echoes(Fabric *f, FabricHost *h, uint32_t pair, uint64_t ps)
{
    FabricPair *p = f->balancer->pair[pair];
    const FabricLoad *load = f->loads->pdata[p->load];
    bool first = h->balance->control_n == 0;
    uint64_t due_ps;
    uint32_t number;

    while ((due_ps = path_echo_due_ps(p->receiver)) <= ps &&
           (number = echo_new(f, p, pair, load, ps)) != FABRIC_NONE) {
        control_push(h->balance, number);
    }
    if (due_ps != PATH_NEVER && due_ps > ps && !p->echo_armed) {
        p->echo_armed = true;
        arm(h->balance, p, pair, due_ps, false);
    }
    if (first && h->balance->control_n) {
        plan(f, h, ps);
    }
}

/* The application has it. */
static void deliver(Fabric *f, FabricPair *p, uint32_t number, uint64_t ps)
{
    const FabricCargo *c = &f->balancer->cargo[number];

    if (c->created_ps >= f->config.warmup_ps) {
        const FabricLoad *load = f->loads->pdata[p->load];

        hist_add(f->entry[load->entry].latency, ps - c->created_ps);
    }
    p->goodput_bytes += c->bytes;
    if (c->flow != FABRIC_NONE) {
        fabric_flow_received(f, c->flow, ps, c->bytes);
    }
    fabric_cargo_free(f, number);
}

static void deliver_in_order(Fabric *f, FabricHost *h, uint32_t pair,
                             uint64_t ps)
{
    FabricPair *p = f->balancer->pair[pair];
    uint64_t deadline_ps;
    void *item;

    while ((item = path_order_pop(p->order, ps))) {
        deliver(f, p, GPOINTER_TO_UINT(item) - 1, ps);
    }
    deadline_ps = path_order_deadline_ps(p->order);
    if (deadline_ps != PATH_NEVER && !p->order_armed) {
        p->order_armed = true;
        arm(h->balance, p, pair, MAX(deadline_ps, ps + 1), true);
    }
}

static void receive_data(Fabric *f, FabricHost *h, const FabricPacket *packet)
{
    uint32_t number = (uint32_t)packet->pkt.user;
    const FabricCargo *c = &f->balancer->cargo[number];
    uint32_t pair = c->pair;
    FabricPair *p = f->balancer->pair[pair];
    bool marked = packet->pkt.flags & SWITCH_PKT_CE;
    uint64_t ps = packet->ps;

    if (FABRIC_UNLIKELY(!p->receiver)) {
        fabric_pair_receiver(f, p);
    }
    h->received++;
    fabric_entry_of(f, &packet->pkt)->stats.received++;
    fabric_entry_of(f, &packet->pkt)->stats.marked += marked;
    f->balancer->count.marks += marked;
    if (p->echoes) {
        path_received(p->receiver, ps, c->value, c->byte_end, c->bytes, marked,
                      ps - c->sent_ps);
    }
    switch (path_order_push(p->order, ps, c->sequence, c->bytes,
                            GUINT_TO_POINTER(number + 1))) {
    case PATH_DELIVER:
        deliver(f, p, number, ps);
        break;
    case PATH_DUPLICATE:
        fabric_cargo_free(f, number);
        break;
    case PATH_HELD:
        break;
    }
    if (p->sequencing) {
        deliver_in_order(f, h, pair, ps);
    }
    if (p->echoes) {
        take_echoes(f, h, pair, ps);
    }
}

static void receive_control(Fabric *f, FabricHost *h, uint32_t number,
                            uint64_t ps)
{
    const FabricCargo *c = &f->balancer->cargo[number];
    const FabricPair *p = f->balancer->pair[c->pair];

    if (c->kind == FABRIC_CARGO_ECHO) {
        f->balancer->count.echoes_received++;
        for (uint32_t more = c->more; more != FABRIC_NONE;) {
            path_sender_prefetch(p->sender, f->balancer->cargo[more].value);
            more = f->balancer->cargo[more].more;
        }
        path_echo_apply(p->sender, ps, &c->echo);
        while (c->more != FABRIC_NONE) {
            c = &f->balancer->cargo[c->more];
            path_echo_apply(p->sender, ps, &c->echo);
        }
    } else {
        f->balancer->count.notices_received++;
        path_notify(p->sender, ps, c->value);
    }
    fabric_cargo_free(f, number);
    if (p->waits) {
        plan(f, h, ps);
    }
}

static void receive(Fabric *f, FabricHost *h, const FabricPacket *p)
{
    uint32_t number = (uint32_t)p->pkt.user;

    if (!(p->pkt.flags & FABRIC_PKT_BALANCED)) {
        fabric_host_receive(f, h, p);
    } else if (f->balancer->cargo[number].kind == FABRIC_CARGO_DATA) {
        receive_data(f, h, p);
    } else {
        receive_control(f, h, number, p->ps);
    }
}

static void timer_fires(Fabric *f, FabricHost *h)
{
    FabricBalanceTimer t = fabric_balance_timer_pop(h->balance);
    FabricPair *p = f->balancer->pair[t.pair];

    if (t.order) {
        p->order_armed = false;
        deliver_in_order(f, h, t.pair, t.due_ps);
    } else {
        p->echo_armed = false;
        take_echoes(f, h, t.pair, t.due_ps);
    }
}

/* ---- time goes on -------------------------------------------------------- */

/* The cargo of what has arrived at a host before its turn comes. */
void fabric_balance_prefetch(const Fabric *f, const FabricNode *n,
                             uint64_t until_ps)
{
    const FabricWire *w = &f->wire[n->base];

    for (uint32_t i = 0; i < w->n; i++) {
        const FabricPacket *p = &w->q[w->head + i];

        if (p->ps >= until_ps) {
            break;
        }
        if (p->pkt.flags & FABRIC_PKT_BALANCED) {
            __builtin_prefetch(&f->balancer->cargo[p->pkt.user], 1);
        }
    }
}

/* What the arrivals will touch: the addresses come out of their cargo. */
static void prefetch(const Fabric *f, uint32_t arrivals)
{
    const FabricBalancer *b = f->balancer;

    for (uint32_t i = 0; i < arrivals; i++) {
        const SwitchPacket *pkt = f->ref[(uint32_t)f->sorted[i]].pkt;
        const FabricCargo *c = &b->cargo[pkt->user];
        const FabricPair *p;

        if (!(pkt->flags & FABRIC_PKT_BALANCED)) {
            continue;
        }
        p = b->pair[c->pair];
        if (c->kind != FABRIC_CARGO_DATA) {
            path_sender_prefetch(p->sender, c->value);
        } else if (p->receiver) {
            path_receiver_prefetch(p->receiver, c->value);
        }
    }
}

void fabric_balance_step(Fabric *f, FabricHost *h, uint32_t arrivals,
                         uint64_t until_ps)
{
    FabricBalanceHost *b = h->balance;
    uint32_t i = 0;

    if (b->out_ps < until_ps) {
        uint64_t ps = b->out_ps;

        b->out_ps = FABRIC_NEVER_PS;
        put_out(f, h, ps, until_ps, &b->out);
    }
    prefetch(f, arrivals);
    for (;;) {
        const FabricPacket *p =
            i < arrivals ? fabric_packet_of(&f->ref[(uint32_t)f->sorted[i]])
                         : NULL;
        uint64_t arrival = p ? p->ps : FABRIC_NEVER_PS;
        uint64_t timer = b->n_timers ? b->timer[0].due_ps : FABRIC_NEVER_PS;

        if (p && arrival <= timer && arrival <= h->start_ps) {
            receive(f, h, p);
            i++;
        } else if (timer < until_ps && timer <= h->start_ps) {
            timer_fires(f, h);
        } else if (h->start_ps < until_ps) {
            start_sending(f, h, until_ps);
        } else {
            break;
        }
    }
    settle(h);
}
