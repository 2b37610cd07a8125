/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_save.c: a switch as bytes, and back from bytes nobody trusts.
 *
 * Little-endian: magic, version, the configuration, the switch, its pipeline,
 * its ports with their queues, groups, routes, addresses. A load builds a
 * second switch, checks it as a whole, and only then trades places.
 */
#include "switch_priv.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC 0x43535753u /* "SWSC" */
#define VERSION 2u
#define MAX_PACKETS (1u << 26)

/* ---- writing ------------------------------------------------------------- */

typedef struct Writer {
    uint8_t *buf;
    size_t cap, len;
} Writer;

static void put(Writer *w, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++, w->len++) {
        if (w->len < w->cap) {
            w->buf[w->len] = (uint8_t)(value >> (8 * i));
        }
    }
}

static void put_packet(Writer *w, const SwitchPacket *pkt)
{
    put(w, pkt->user, 8);
    put(w, pkt->dst, 8);
    put(w, pkt->src, 8);
    put(w, pkt->flow_hash, 4);
    put(w, pkt->bytes, 2);
    put(w, pkt->priority, 1);
    put(w, pkt->flags, 1);
}

static void put_config(Writer *w, const SwitchConfig *c)
{
    put(w, c->ports, 4);
    put(w, c->queues, 4);
    put(w, c->cell_bytes, 4);
    put(w, c->buffer_cells, 4);
    put(w, c->pipeline_ps, 8);
    put(w, c->age_ps, 8);
    put(w, c->mac_entries, 4);
    put(w, c->seed, 8);
    for (uint32_t i = 0; i < c->queues; i++) {
        put(w, c->queue[i].alpha_q8, 4);
        put(w, c->queue[i].ecn_mode, 1);
        put(w, c->queue[i].strict, 1);
        put(w, c->queue[i].ecn_min_cells, 4);
        put(w, c->queue[i].ecn_max_cells, 4);
        put(w, c->queue[i].ecn_max_q32, 4);
        put(w, c->queue[i].quantum_bytes, 4);
        put(w, c->queue[i].limit_packets, 4);
        put(w, c->queue[i].limit_cells, 4);
    }
    put(w, c->trim_bytes, 2);
    put(w, c->trim_queue, 1);
    put(w, c->trim_return, 1);
}

static void put_queue(Writer *w, const SwitchQueue *q)
{
    put(w, q->n, 4);
    for (uint32_t i = 0; i < q->n; i++) {
        put_packet(w, &q->q[(q->head + i) & q->mask]);
    }
    put(w, q->max_cells, 4);
    put(w, q->deficit_bytes, 4);
    put(w, q->enqueued_packets, 8);
    put(w, q->enqueued_bytes, 8);
    put(w, q->sent_packets, 8);
    put(w, q->marked_packets, 8);
}

static void put_port(Writer *w, const SwitchCore *sw, uint32_t port)
{
    const SwitchPort *p = &sw->port[port];
    const SwitchPortRare *r = &sw->rare[port];

    put(w, p->next_ps, 8);
    put(w, p->rate_bps, 8);
    put(w, p->sending, 1);
    put(w, p->current, 1);
    put(w, p->up, 1);
    put(w, p->flood, 1);
    put(w, p->turn, 1);
    put(w, p->in_turn, 1);
    put(w, p->tx_packets, 8);
    put(w, p->tx_bytes, 8);
    put(w, p->rx_packets, 8);
    put(w, p->rx_bytes, 8);
    put(w, r->flooded, 8);
    put(w, r->returned, 8);
    for (uint32_t d = 0; d < SWITCH_DROPS; d++) {
        put(w, r->rx_dropped[d], 8);
    }
    for (uint32_t q = 0; q < sw->config.queues; q++) {
        for (uint32_t d = 0; d < SWITCH_DROPS; d++) {
            put(w, r->dropped[q][d], 8);
        }
        put(w, r->trimmed[q], 8);
        put_queue(w, switch_queue(sw, port, q));
    }
}

static void put_tables(Writer *w, const SwitchCore *sw)
{
    put(w, sw->n_groups, 4);
    for (uint32_t i = 0; i < sw->n_groups; i++) {
        const SwitchGroup *g = &sw->group[i];

        put(w, g->n, 4);
        for (uint32_t k = 0; k < g->n; k++) {
            put(w, g->members[g->n + k], 2);
        }
    }
    put(w, sw->n_routes, 4);
    for (size_t i = 0; i < sw->n_routes; i++) {
        put(w, sw->routes[i].prefix, 4);
        put(w, sw->routes[i].length, 1);
        put(w, sw->routes[i].group, 2);
    }
    put(w, sw->mac_n, 4);
    for (uint32_t i = 0; i <= sw->mac_mask; i++) {
        if (sw->mac[i].mac) {
            put(w, sw->mac[i].mac, 8);
            put(w, sw->mac[i].seen_ps, 8);
            put(w, sw->mac[i].port, 2);
            put(w, sw->mac[i].is_static, 1);
        }
    }
}

size_t switch_core_save(const SwitchCore *sw, uint8_t *buf, size_t cap)
{
    Writer w = { buf, cap, 0 };

    put(&w, MAGIC, 4);
    put(&w, VERSION, 4);
    put_config(&w, &sw->config);
    put(&w, sw->now_ps, 8);
    put(&w, sw->last_arrive_ps, 8);
    put(&w, sw->random, 8);
    put(&w, sw->is_up, 1);
    put(&w, sw->pipe_n, 4);
    for (uint32_t i = 0; i < sw->pipe_n; i++) {
        const SwitchPiped *piped =
            &sw->pipe[(sw->pipe_head + i) & sw->pipe_mask];

        put(&w, piped->admit_ps, 8);
        put(&w, piped->port, 4);
        put_packet(&w, &piped->pkt);
    }
    for (uint32_t i = 0; i < sw->config.ports; i++) {
        put_port(&w, sw, i);
    }
    put_tables(&w, sw);
    return w.len;
}

/* ---- reading ------------------------------------------------------------- */

typedef struct Reader {
    const uint8_t *buf;
    size_t len, at;
    const char *error; /* the first one; then all reads are 0 */
} Reader;

static void fail(Reader *r, const char *why)
{
    if (!r->error) {
        r->error = why;
    }
}

static uint64_t get(Reader *r, unsigned bytes)
{
    uint64_t value = 0;

    if (r->error || r->len - r->at < bytes) {
        fail(r, "the stream is too short");
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t)r->buf[r->at++] << (8 * i);
    }
    return value;
}

static uint64_t get_max(Reader *r, unsigned bytes, uint64_t max,
                        const char *why)
{
    uint64_t value = get(r, bytes);

    if (value > max) {
        fail(r, why);
        return 0;
    }
    return value;
}

static SwitchPacket get_packet(Reader *r)
{
    SwitchPacket pkt = { 0 };

    pkt.user = get(r, 8);
    pkt.dst = get(r, 8);
    pkt.src = get(r, 8);
    pkt.flow_hash = (uint32_t)get(r, 4);
    pkt.bytes = (uint16_t)get_max(r, 2, SWITCH_MAX_BYTES, "a packet's length");
    pkt.priority = (uint8_t)get(r, 1);
    pkt.flags = (uint8_t)get(r, 1);
    return pkt;
}

static void get_config(Reader *r, const SwitchConfig *want)
{
    uint8_t expected[512];
    Writer w = { expected, sizeof(expected), 0 };

    put_config(&w, want);
    if (r->error || r->len - r->at < w.len ||
        memcmp(r->buf + r->at, expected, w.len) != 0) {
        fail(r, "the stream is of a switch with another configuration");
        return;
    }
    r->at += w.len;
}

static void get_queue(Reader *r, SwitchCore *sw, SwitchPort *p, uint32_t which,
                      SwitchQueue *q)
{
    const SwitchQueueConfig *c = &sw->config.queue[which];
    uint32_t n = (uint32_t)get_max(r, 4, sw->config.buffer_cells,
                                   "more packets than cells");

    for (uint32_t i = 0; i < n && !r->error; i++) {
        SwitchPacket pkt = get_packet(r);

        switch_packet_push(q, &pkt);
        q->cells += switch_cells_of(sw, pkt.bytes);
    }
    if (q->n) {
        p->waiting |= (uint8_t)(1u << which);
    }
    q->max_cells = (uint32_t)get(r, 4);
    q->deficit_bytes = (uint32_t)get(r, 4);
    q->enqueued_packets = get(r, 8);
    q->enqueued_bytes = get(r, 8);
    q->sent_packets = get(r, 8);
    q->marked_packets = get(r, 8);
    if (q->cells > sw->config.buffer_cells - sw->used_cells) {
        fail(r, "the queues hold more than the buffer");
        return;
    }
    sw->used_cells += q->cells;
    if ((c->limit_packets && n > c->limit_packets) ||
        (c->limit_cells && q->cells > c->limit_cells)) {
        fail(r, "a queue holds more than its limit");
    }
    if (q->max_cells < q->cells || q->max_cells > sw->config.buffer_cells) {
        fail(r, "a queue's greatest depth");
    }
    /* a turn adds a quantum to less than one packet */
    if (q->deficit_bytes > (uint64_t)sw->config.queue[which].quantum_bytes +
                               SWITCH_MAX_BYTES + SWITCH_OVERHEAD_BYTES) {
        fail(r, "a queue's deficit");
    }
}

/* Between runs a port with packets is sending one of them, and no other is. */
static void check_port(Reader *r, const SwitchCore *sw, const SwitchPort *p)
{
    if (p->sending != (p->waiting != 0) ||
        (p->sending && !(p->waiting & 1u << p->current)) ||
        (p->waiting && (!p->up || !sw->is_up))) {
        fail(r, "a port with packets is not sending, or one without is");
    } else if (p->sending
                   ? p->next_ps < sw->now_ps || p->next_ps == SWITCH_NEVER_PS
                   : p->next_ps != SWITCH_NEVER_PS) {
        fail(r, "a port's departure lies in the past");
    }
}

static void get_port(Reader *r, SwitchCore *sw, uint32_t port)
{
    SwitchPort *p = &sw->port[port];
    SwitchPortRare *rare = &sw->rare[port];

    p->next_ps = get(r, 8);
    if (!switch_core_port_set_rate(sw, port, get(r, 8))) {
        fail(r, "a port's rate");
    }
    p->sending = (uint8_t)get_max(r, 1, 1, "a port's state");
    p->current = (uint8_t)get_max(r, 1, sw->config.queues - 1, "a queue");
    p->up = (uint8_t)get_max(r, 1, 1, "a port's state");
    p->flood = (uint8_t)get_max(r, 1, 1, "a port's state");
    p->turn = (uint8_t)get_max(r, 1, sw->config.queues - 1, "a queue");
    p->in_turn = (uint8_t)get_max(r, 1, 1, "a port's state");
    p->tx_packets = get(r, 8);
    p->tx_bytes = get(r, 8);
    p->rx_packets = get(r, 8);
    p->rx_bytes = get(r, 8);
    rare->flooded = get(r, 8);
    rare->returned = get(r, 8);
    for (uint32_t d = 0; d < SWITCH_DROPS; d++) {
        rare->rx_dropped[d] = get(r, 8);
    }
    for (uint32_t q = 0; q < sw->config.queues && !r->error; q++) {
        for (uint32_t d = 0; d < SWITCH_DROPS; d++) {
            rare->dropped[q][d] = get(r, 8);
        }
        rare->trimmed[q] = get(r, 8);
        get_queue(r, sw, p, q, switch_queue(sw, port, q));
    }
    check_port(r, sw, p);
    if (p->sending) {
        sw->active[port / 64] |= 1ull << (port % 64);
    }
}

static void get_pipe(Reader *r, SwitchCore *sw)
{
    uint32_t n = (uint32_t)get_max(r, 4, MAX_PACKETS, "the pipeline's length");
    uint64_t last = sw->now_ps;

    if (n && !sw->is_up) {
        fail(r, "a switch that is down has packets in its pipeline");
    }
    for (uint32_t i = 0; i < n && !r->error; i++) {
        SwitchPiped piped;

        piped.admit_ps = get(r, 8);
        piped.port =
            (uint32_t)get_max(r, 4, sw->config.ports - 1, "an input port");
        piped.pkt = get_packet(r);
        if (piped.admit_ps < last) {
            fail(r, "the pipeline is not in the order of time");
        }
        last = piped.admit_ps;
        switch_pipe_push(sw, &piped);
    }
    if (n && last > sw->last_arrive_ps + sw->config.pipeline_ps) {
        fail(r, "the pipeline has packets that have not arrived");
    }
}

static void get_groups(Reader *r, SwitchCore *sw)
{
    uint32_t n = (uint32_t)get_max(r, 4, SWITCH_NO_GROUP, "too many groups");

    for (uint32_t i = 0; i < n && !r->error; i++) {
        uint16_t ports[SWITCH_MAX_PORTS];
        uint32_t members =
            (uint32_t)get_max(r, 4, SWITCH_MAX_PORTS, "a group's size");

        for (uint32_t k = 0; k < members; k++) {
            ports[k] = (uint16_t)get_max(r, 2, sw->config.ports - 1,
                                         "a group's member");
        }
        switch_core_group_set(sw, i, ports, members);
    }
}

static void get_tables(Reader *r, SwitchCore *sw)
{
    uint32_t n;

    get_groups(r, sw);
    n = (uint32_t)get(r, 4);
    for (uint32_t i = 0; i < n && !r->error; i++) {
        SwitchRoute route;

        route.prefix = (uint32_t)get(r, 4);
        route.length = (uint8_t)get_max(r, 1, 32, "a prefix's length");
        route.group = (uint16_t)get(r, 2);
        if (!r->error) {
            switch_core_route_add(sw, &route);
        }
    }
    n = (uint32_t)get(r, 4);
    for (uint32_t i = 0; i < n && !r->error; i++) {
        SwitchMac entry = { 0 };

        entry.mac = get_max(r, 8, SWITCH_MAC_MASK, "a MAC address");
        entry.seen_ps = get(r, 8);
        entry.port =
            (uint16_t)get_max(r, 2, sw->config.ports - 1, "an address's port");
        entry.is_static = (uint8_t)get_max(r, 1, 1, "an address's state");
        if (entry.mac == 0 || entry.seen_ps > sw->now_ps ||
            switch_mac_find(sw, entry.mac, entry.seen_ps) >= 0) {
            fail(r, "an address is empty, from the future, or there twice");
        }
        if (!r->error) {
            switch_mac_put(sw, &entry);
        }
    }
}

static void get_all(Reader *r, SwitchCore *sw)
{
    if (get(r, 4) != MAGIC) {
        fail(r, "this is no switch");
    }
    if (get(r, 4) != VERSION) {
        fail(r, "the stream is of another version");
    }
    get_config(r, &sw->config);
    sw->now_ps = get(r, 8);
    sw->last_arrive_ps = get(r, 8);
    sw->random = get(r, 8);
    sw->is_up = get_max(r, 1, 1, "the switch's state") != 0;
    get_pipe(r, sw);
    for (uint32_t i = 0; i < sw->config.ports && !r->error; i++) {
        get_port(r, sw, i);
    }
    if (!r->error) {
        get_tables(r, sw);
    }
    if (!r->error && r->at != r->len) {
        fail(r, "the stream is too long");
    }
}

bool switch_core_load(SwitchCore *sw, const uint8_t *buf, size_t len,
                      const char **ret_err)
{
    Reader r = { buf, len, 0, NULL };
    SwitchCore *fresh = switch_core_new(&sw->config, sw->ops, sw->opaque, NULL);
    SwitchCore old = *sw;

    get_all(&r, fresh);
    if (!r.error) {
        *sw = *fresh;
        *fresh = old;
    } else if (ret_err) {
        *ret_err = r.error;
    }
    switch_core_free(fresh);
    return r.error == NULL;
}

void switch_core_postpone(SwitchCore *sw, uint64_t by_ps)
{
    sw->now_ps += by_ps;
    sw->last_arrive_ps += by_ps;
    for (uint32_t i = 0; i < sw->pipe_n; i++) {
        sw->pipe[(sw->pipe_head + i) & sw->pipe_mask].admit_ps += by_ps;
    }
    for (uint32_t i = 0; i < sw->config.ports; i++) {
        if (sw->port[i].next_ps != SWITCH_NEVER_PS) {
            sw->port[i].next_ps += by_ps;
        }
    }
    for (uint32_t i = 0; i <= sw->mac_mask; i++) {
        if (sw->mac[i].mac) {
            sw->mac[i].seen_ps += by_ps;
        }
    }
}
