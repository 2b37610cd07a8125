/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * reference.c: see reference.h. Slow and plain on purpose: events in one sorted
 * array, queues as arrays, distances searched anew for every packet.
 */
#include "reference.h"

#include <string.h>

#define FAR 1000000u
#define PORTS 64u

typedef enum Phase { FAULT, DEPART, ARRIVE, CHOOSE } Phase;

typedef struct Packet {
    const RefFrame *frame;
    bool marked;
} Packet;

typedef struct Event {
    uint64_t ps;
    Phase phase;
    uint32_t node, port;
    uint64_t seq;
    uint32_t link; /* that brought it */
    uint64_t arrive_ps;
    Packet packet;
    const RefFault *fault;
} Event;

typedef struct Port {
    uint32_t link, peer, peer_port;
    GArray *queue[SWITCH_MAX_QUEUES]; /* Packet */
    uint32_t cells[SWITCH_MAX_QUEUES];
    int64_t deficit[SWITCH_MAX_QUEUES];
    uint32_t turn;
    bool in_turn, sending;
    uint32_t current;
} Port;

typedef struct Node {
    bool is_switch, up;
    SwitchConfig c;
    uint32_t ports, used, ecmp_seed;
    Port port[PORTS];
} Node;

typedef struct Ref {
    Node *node;
    uint32_t n_nodes, n_links;
    const RefLink *links;
    bool *link_up;
    GArray *events;
    uint64_t seq, hops, now_ps;
    RefFate *fates;
} Ref;

static void add_event(Ref *r, Event e)
{
    uint32_t low = 0, high = r->events->len;

    e.seq = r->seq++;
    while (low < high) { /* kept in falling order: the next one is the last */
        uint32_t mid = (low + high) / 2;
        const Event *m = &g_array_index(r->events, Event, mid);
        bool after = m->ps != e.ps         ? m->ps > e.ps
                     : m->phase != e.phase ? m->phase > e.phase
                     : m->node != e.node   ? m->node > e.node
                     : m->port != e.port   ? m->port > e.port
                                           : m->seq > e.seq;

        if (after) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    g_array_insert_val(r->events, low, e);
}

static uint64_t wire_ps(uint32_t bytes, uint64_t rate_bps)
{
    return (uint64_t)(((unsigned __int128)(bytes + 24) * 8 * 1000000000000ull +
                       rate_bps - 1) /
                      rate_bps);
}

static bool usable(const Ref *r, uint32_t link)
{
    return r->link_up[link] && r->node[r->links[link].a].up &&
           r->node[r->links[link].b].up;
}

static void lost(Ref *r, const Packet *p, uint64_t ps, FabricDrop reason)
{
    r->fates[p->frame->id] = (RefFate){ ps, false, false, reason };
}

static void put_on_link(Ref *r, uint32_t node, uint32_t port, uint64_t ps,
                        Packet p)
{
    const Port *out = &r->node[node].port[port];
    const Node *peer = &r->node[out->peer];
    Event e = { .phase = ARRIVE,
                .node = out->peer,
                .port = out->peer_port,
                .link = out->link,
                .packet = p };

    r->hops++;
    if (!usable(r, out->link)) {
        lost(r, &p, ps, FABRIC_DROP_LINK_DOWN);
        return;
    }
    e.arrive_ps = ps + r->links[out->link].delay_ps;
    e.ps = e.arrive_ps + (peer->is_switch ? peer->c.pipeline_ps : 0);
    add_event(r, e);
}

/* ---- routes -------------------------------------------------------------- */

/* Hops from each switch to switch @to by relaxing until nothing changes. */
static void distances(const Ref *r, uint32_t to, uint32_t *d)
{
    bool changed = true;

    for (uint32_t i = 0; i < r->n_nodes; i++) {
        d[i] = i == to && r->node[to].up ? 0 : FAR;
    }
    while (changed) {
        changed = false;
        for (uint32_t l = 0; l < r->n_links; l++) {
            uint32_t a = r->links[l].a, b = r->links[l].b;

            if (!usable(r, l) || !r->node[a].is_switch ||
                !r->node[b].is_switch) {
                continue;
            }
            if (d[a] > d[b] + 1) {
                d[a] = d[b] + 1;
                changed = true;
            }
            if (d[b] > d[a] + 1) {
                d[b] = d[a] + 1;
                changed = true;
            }
        }
    }
}

static uint32_t mix32(uint32_t h)
{
    h ^= h >> 16;
    h *= 0x7feb352du;
    h ^= h >> 15;
    h *= 0x846ca68bu;
    h ^= h >> 16;
    return h;
}

/* Output port, or -1. */
static int32_t route(const Ref *r, uint32_t at, const RefFrame *frame)
{
    const Node *n = &r->node[at];
    const Port *last = &r->node[frame->to].port[0];
    g_autofree uint32_t *d = g_new(uint32_t, r->n_nodes);
    uint32_t choice[PORTS], count = 0;

    if (last->peer == at) {
        return usable(r, last->link) ? (int32_t)last->peer_port : -1;
    }
    distances(r, last->peer, d);
    for (uint32_t p = 0; p < n->ports; p++) {
        uint32_t peer = n->port[p].peer;

        if (r->node[peer].is_switch && usable(r, n->port[p].link) &&
            d[at] < FAR && d[peer] + 1 == d[at]) {
            choice[count++] = p;
        }
    }
    if (count == 0) {
        return -1;
    }
    return (int32_t)
        choice[((uint64_t)mix32(frame->hash ^ n->ecmp_seed) * count) >> 32];
}

/* ---- switches ------------------------------------------------------------ */

static uint32_t cells_of(const Node *n, uint32_t bytes)
{
    return MAX(1, (bytes + n->c.cell_bytes - 1) / n->c.cell_bytes);
}

static bool has_packets(const Node *n, const Port *p)
{
    for (uint32_t q = 0; q < n->c.queues; q++) {
        if (p->queue[q]->len) {
            return true;
        }
    }
    return false;
}

static void admit(Ref *r, const Event *e)
{
    Node *n = &r->node[e->node];
    Packet packet = e->packet;
    const RefFrame *frame = packet.frame;
    int32_t out = route(r, e->node, frame);
    uint32_t q = MIN(frame->priority, n->c.queues - 1);
    uint32_t cells = cells_of(n, frame->bytes);
    const SwitchQueueConfig *c = &n->c.queue[q];
    bool was_empty;
    Port *p;

    if (out < 0) {
        lost(r, &packet, e->ps, FABRIC_DROP_NO_ROUTE);
        return;
    }
    p = &n->port[out];
    if (n->used + cells > n->c.buffer_cells) {
        lost(r, &packet, e->ps, FABRIC_DROP_BUFFER);
        return;
    }
    if (p->cells[q] + cells >
        (uint64_t)(n->c.buffer_cells - n->used) * c->alpha_q8 / 256) {
        lost(r, &packet, e->ps, FABRIC_DROP_THRESHOLD);
        return;
    }
    was_empty = !p->sending && !has_packets(n, p);
    p->cells[q] += cells;
    n->used += cells;
    if (frame->ect && c->ecn_mode == SWITCH_ECN_STEP &&
        p->cells[q] > c->ecn_min_cells) {
        packet.marked = true;
    }
    g_array_append_val(p->queue[q], packet);
    if (was_empty) {
        add_event(r, (Event){ .ps = e->ps,
                              .phase = CHOOSE,
                              .node = e->node,
                              .port = (uint32_t)out });
    }
}

static uint32_t choose_queue(const Node *n, Port *p)
{
    for (uint32_t q = n->c.queues; q-- > 0;) {
        if (n->c.queue[q].strict && p->queue[q]->len) {
            return q;
        }
    }
    for (;;) {
        uint32_t q = p->turn;

        if (p->in_turn && p->queue[q]->len) {
            const Packet *head = &g_array_index(p->queue[q], Packet, 0);
            int64_t wire = head->frame->bytes + 24;

            if (p->deficit[q] >= wire) {
                p->deficit[q] -= wire;
                if (p->queue[q]->len == 1) {
                    p->deficit[q] = 0;
                    p->in_turn = false;
                }
                return q;
            }
        }
        do {
            q = (q + 1) % n->c.queues;
        } while (n->c.queue[q].strict || !p->queue[q]->len);
        p->turn = q;
        p->in_turn = true;
        p->deficit[q] += n->c.queue[q].quantum_bytes;
    }
}

static void choose(Ref *r, const Event *e)
{
    Node *n = &r->node[e->node];
    Port *p = &n->port[e->port];
    const Packet *packet;

    p->current = choose_queue(n, p);
    p->sending = true;
    packet = &g_array_index(p->queue[p->current], Packet, 0);
    add_event(r, (Event){ .ps = e->ps + wire_ps(packet->frame->bytes,
                                                r->links[p->link].rate_bps),
                          .phase = DEPART,
                          .node = e->node,
                          .port = e->port });
}

static void depart(Ref *r, const Event *e)
{
    Node *n = &r->node[e->node];
    Port *p = &n->port[e->port];
    Packet packet;
    uint32_t cells;

    if (!n->is_switch) {
        put_on_link(r, e->node, e->port, e->ps, e->packet);
        return;
    }
    packet = g_array_index(p->queue[p->current], Packet, 0);
    cells = cells_of(n, packet.frame->bytes);
    g_array_remove_index(p->queue[p->current], 0);
    p->cells[p->current] -= cells;
    n->used -= cells;
    p->sending = false;
    put_on_link(r, e->node, e->port, e->ps, packet);
    if (has_packets(n, p)) {
        add_event(r, (Event){ .ps = e->ps,
                              .phase = CHOOSE,
                              .node = e->node,
                              .port = e->port });
    }
}

/* ---- faults -------------------------------------------------------------- */

static void flush_port(Ref *r, uint32_t node, uint32_t port)
{
    Node *n = &r->node[node];
    Port *p = &n->port[port];

    for (uint32_t q = 0; n->is_switch && q < n->c.queues; q++) {
        for (uint32_t i = 0; i < p->queue[q]->len; i++) {
            lost(r, &g_array_index(p->queue[q], Packet, i), r->now_ps,
                 FABRIC_DROP_LINK_DOWN);
        }
        g_array_set_size(p->queue[q], 0);
        n->used -= p->cells[q];
        p->cells[q] = 0;
        p->deficit[q] = 0;
    }
    p->sending = p->in_turn = false;
    p->turn = n->is_switch ? n->c.queues - 1 : 0;
}

/* Drops events of what no longer is: @all also of what has arrived. */
static void cancel(Ref *r, uint32_t link, uint32_t node, bool all)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < r->events->len; i++) {
        const Event *e = &g_array_index(r->events, Event, i);
        bool gone = e->phase == ARRIVE && e->link == link &&
                    (e->arrive_ps >= r->now_ps || (all && e->node == node));

        if (gone) {
            lost(r, &e->packet, r->now_ps, FABRIC_DROP_LINK_DOWN);
        }
        gone |= (e->phase == DEPART || e->phase == CHOOSE) &&
                r->node[e->node].is_switch &&
                r->node[e->node].port[e->port].link == link;
        if (!gone) {
            g_array_index(r->events, Event, kept++) = *e;
        }
    }
    g_array_set_size(r->events, kept);
}

static void link_down(Ref *r, uint32_t link, uint32_t dead_node)
{
    for (uint32_t i = 0; i < r->n_nodes; i++) {
        for (uint32_t p = 0; p < r->node[i].ports; p++) {
            if (r->node[i].port[p].link == link) {
                flush_port(r, i, p);
            }
        }
    }
    cancel(r, link, dead_node, dead_node != FAR);
}

static void fault(Ref *r, const RefFault *x)
{
    if (!x->is_switch) {
        if (r->link_up[x->which] && !x->up) {
            link_down(r, x->which, FAR);
        }
        r->link_up[x->which] = x->up;
        return;
    }
    if (r->node[x->which].up && !x->up) {
        for (uint32_t p = 0; p < r->node[x->which].ports; p++) {
            link_down(r, r->node[x->which].port[p].link, x->which);
        }
    }
    r->node[x->which].up = x->up;
}

/* ---- all of it ----------------------------------------------------------- */

static void node_port(Ref *r, uint32_t node, uint32_t link, uint32_t peer)
{
    Node *n = &r->node[node];
    Port *p = &n->port[n->ports++];

    g_assert_cmpuint(n->ports, <=, PORTS);
    p->link = link;
    p->peer = peer;
    p->peer_port = r->node[peer].ports - (peer < node || peer == node);
    for (uint32_t q = 0; q < SWITCH_MAX_QUEUES; q++) {
        p->queue[q] = g_array_new(FALSE, FALSE, sizeof(Packet));
    }
    p->turn = n->is_switch ? n->c.queues - 1 : 0;
}

static void make_nodes(Ref *r, const Fabric *f)
{
    r->n_nodes = fabric_node_count(f);
    r->node = g_new0(Node, r->n_nodes);
    for (uint32_t i = 0; i < r->n_nodes; i++) {
        const SwitchCore *core = fabric_switch(f, i);
        uint64_t z;

        r->node[i].up = true;
        r->node[i].is_switch = core != NULL;
        if (core) {
            r->node[i].c = *switch_core_config(core);
            z = r->node[i].c.seed + 0x9e3779b97f4a7c15ull;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
            r->node[i].ecmp_seed = (uint32_t)(z ^ (z >> 31));
        }
    }
    for (uint32_t l = 0; l < r->n_links; l++) {
        uint32_t a = r->links[l].a, b = r->links[l].b;
        uint32_t pa = r->node[a].ports, pb = r->node[b].ports;

        node_port(r, a, l, b);
        node_port(r, b, l, a);
        r->node[a].port[pa].peer_port = pb;
        r->node[b].port[pb].peer_port = pa;
    }
}

static void handle(Ref *r, const Event *e)
{
    r->now_ps = e->ps;
    switch (e->phase) {
    case FAULT:
        fault(r, e->fault);
        break;
    case DEPART:
        depart(r, e);
        break;
    case ARRIVE:
        if (r->node[e->node].is_switch) {
            admit(r, e);
        } else {
            r->fates[e->packet.frame->id] =
                (RefFate){ e->ps, true, e->packet.marked, 0 };
        }
        break;
    case CHOOSE:
        choose(r, e);
        break;
    }
}

static void free_all(Ref *r)
{
    for (uint32_t i = 0; i < r->n_nodes; i++) {
        for (uint32_t p = 0; p < r->node[i].ports; p++) {
            for (uint32_t q = 0; q < SWITCH_MAX_QUEUES; q++) {
                g_array_unref(r->node[i].port[p].queue[q]);
            }
        }
    }
    g_array_unref(r->events);
    g_free(r->node);
    g_free(r->link_up);
}

uint64_t reference_run(const Fabric *f, const RefLink *links, uint32_t n_links,
                       const RefFrame *frames, uint32_t n_frames,
                       const RefFault *faults, uint32_t n_faults,
                       RefFate *ret_fates)
{
    Ref r = { .links = links, .n_links = n_links, .fates = ret_fates };

    r.events = g_array_new(FALSE, TRUE, sizeof(Event));
    r.link_up = g_new(bool, n_links);
    memset(r.link_up, 1, n_links);
    make_nodes(&r, f);
    for (uint32_t i = 0; i < n_faults; i++) {
        add_event(&r, (Event){ .ps = faults[i].at_ps,
                               .phase = FAULT,
                               .fault = &faults[i] });
    }
    for (uint32_t i = 0; i < n_frames; i++) {
        add_event(&r, (Event){ .ps = frames[i].depart_ps,
                               .phase = DEPART,
                               .node = frames[i].from,
                               .packet = { &frames[i], false } });
    }
    while (r.events->len) {
        Event e = g_array_index(r.events, Event, r.events->len - 1);

        g_array_set_size(r.events, r.events->len - 1);
        handle(&r, &e);
    }
    free_all(&r);
    return r.hops;
}
