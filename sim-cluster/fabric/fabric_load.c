/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_load.c: a fabric's state back from bytes that nobody trusts.
 *
 * Everything is read into a second set of the parts that change and checked as
 * a whole; then both sets trade places. Simulated time does not go back: all
 * instants of the state are moved by what has passed since it was saved.
 */
#include "fabric_save.h"

#include <string.h>

typedef struct Loader {
    Fabric *f;
    StateReader r;
    uint64_t saved_ps, delta_ps; /* then; from then to now */
    uint64_t warmup_ps, trace_shift_ps;
    FabricFrame *frame;
    uint8_t *used; /* by frame: a packet names it */
    uint32_t n_frames;
    FabricFlow *flow;
    uint64_t *flow_bytes; /* by flow: on the way, or still to send */
    uint8_t *sending;     /* by flow: a stream sends it */
    uint32_t n_flows, free_flow;
    SwitchCore **core; /* by node */
    FabricHost *host;  /* by node; bounds and balance are those of f's */
    bool *up;          /* by node */
    uint32_t *groups;  /* by node */
    FabricLink *link;
    FabricWire *wire;
    FabricWireRare *rare;
    FabricControl *control;
    uint32_t n_control;
    FabricEntry *entry;
    Hist *latency, *fct[FABRIC_FCT_CLASSES];
    uint64_t stats_from_ps, counts[5];
} Loader;

/* ---- small things -------------------------------------------------------- */

/* An instant, moved to the present. */
static uint64_t get_ps(Loader *l)
{
    uint64_t ps = state_get_u64(&l->r);

    if (ps == FABRIC_NEVER_PS) {
        return ps;
    }
    if (ps > FABRIC_NEVER_PS / 2) {
        state_fail(&l->r, "an instant is out of range");
    }
    return ps + l->delta_ps;
}

/* One at which something is still to happen. */
static uint64_t get_future_ps(Loader *l, const char *what)
{
    uint64_t ps = get_ps(l);

    if (ps < l->f->now_ps) {
        state_fail(&l->r, "%s lies in the past", what);
    }
    return ps;
}

/* A number of things of at least @bytes each. */
static uint32_t get_count(Loader *l, uint32_t bytes, const char *what)
{
    return state_get_u32_max(&l->r, (uint32_t)((l->r.len - l->r.pos) / bytes),
                             what);
}

static double get_probability(Loader *l)
{
    uint64_t bits = state_get_u64(&l->r);
    double v;

    memcpy(&v, &bits, sizeof(v));
    if (!(v >= 0 && v <= 1)) {
        state_fail(&l->r, "a probability is out of range");
    }
    return v;
}

static uint64_t get_rate(Loader *l, const FabricLink *link)
{
    uint64_t rate_bps = state_get_u64(&l->r);

    if (rate_bps < 1 || rate_bps > link->config.rate_bps) {
        state_fail(&l->r, "a link's rate is out of range");
    }
    return rate_bps;
}

static bool flow_exists(const Loader *l, uint32_t flow)
{
    return flow < l->n_flows && l->flow[flow].entry != FABRIC_NONE;
}

/* ---- packets ------------------------------------------------------------- */

static void take_frame(Loader *l, uint64_t slot, uint32_t bytes)
{
    if (slot >= l->n_frames || !l->frame[slot].bytes || l->used[slot] ||
        l->frame[slot].len != bytes) {
        state_fail(&l->r, "a packet's frame is missing, or another's");
        return;
    }
    l->used[slot] = 1;
}

/* Of @l, a Loader: checks a packet and moves its instant. */
static void check_packet(void *opaque, SwitchPacket *p)
{
    Loader *l = opaque;

    if (p->bytes < FABRIC_MIN_FRAME_BYTES ||
        p->bytes > FABRIC_MAX_FRAME_BYTES ||
        (p->flags & (FABRIC_PKT_TRANSPORT | FABRIC_PKT_BALANCED))) {
        state_fail(&l->r, "a packet's length or kind is impossible");
    } else if (p->flags & FABRIC_PKT_FULL) {
        take_frame(l, p->user, p->bytes);
    } else if (p->user > FABRIC_NEVER_PS / 2 || (p->flags & SWITCH_PKT_L2) ||
               p->src >> 32 >= l->f->n_entries ||
               ((uint32_t)p->src != FABRIC_NONE &&
                !flow_exists(l, (uint32_t)p->src))) {
        state_fail(&l->r, "a modelled packet is inconsistent");
    } else {
        p->user += l->delta_ps;
        if ((uint32_t)p->src != FABRIC_NONE) {
            l->flow_bytes[(uint32_t)p->src] += p->bytes;
        }
    }
}

static SwitchPacket get_packet(Loader *l)
{
    SwitchPacket p = { 0 };

    p.user = state_get_u64(&l->r);
    p.dst = state_get_u64(&l->r);
    p.src = state_get_u64(&l->r);
    p.flow_hash = state_get_u32(&l->r);
    p.bytes = state_get_u16(&l->r);
    p.priority = state_get_u8(&l->r);
    p.flags = state_get_u8(&l->r);
    if (state_ok(&l->r)) {
        check_packet(l, &p);
    }
    return p;
}

static void get_frame(Loader *l, FabricFrame *frame)
{
    size_t len = 0;

    frame->bytes = state_get_blob(&l->r, FABRIC_MAX_FRAME_BYTES, &len);
    if (len == 0) {
        g_clear_pointer(&frame->bytes, g_free);
        return;
    }
    if (len < FABRIC_MIN_FRAME_BYTES) {
        state_fail(&l->r, "a frame is too short");
    }
    frame->len = (uint32_t)len;
    frame->to = state_get_u32(&l->r);
    frame->at = state_get_u32_max(&l->r, l->f->n_nodes - 1, "a frame's place");
    frame->ready_ps = get_ps(l);
    frame->marked = state_get_bool(&l->r, "a frame's mark");
    frame->waits = state_get_bool(&l->r, "a frame's state");
    if (frame->to != FABRIC_NONE && frame->to >= l->f->n_nodes) {
        state_fail(&l->r, "a frame's receiver is not there");
    }
}

static void get_frames(Loader *l)
{
    l->n_frames = get_count(l, 4, "the number of frames");
    l->frame = g_new0(FabricFrame, l->n_frames + 1);
    l->used = g_new0(uint8_t, l->n_frames + 1);
    for (uint32_t i = 0; i < l->n_frames && state_ok(&l->r); i++) {
        get_frame(l, &l->frame[i]);
    }
}

static void get_flows(Loader *l)
{
    uint32_t next = FABRIC_NONE;

    l->n_flows = get_count(l, 1, "the number of flows");
    l->flow = g_new0(FabricFlow, l->n_flows + 1);
    l->flow_bytes = g_new0(uint64_t, l->n_flows + 1);
    l->sending = g_new0(uint8_t, l->n_flows + 1);
    for (uint32_t i = 0; i < l->n_flows; i++) {
        FabricFlow *flow = &l->flow[i];

        flow->entry = FABRIC_NONE;
        if (state_get_bool(&l->r, "a flow's state")) {
            flow->start_ps = get_ps(l);
            flow->bytes = state_get_u64(&l->r);
            flow->left_bytes = state_get_u64(&l->r);
            flow->entry =
                state_get_u32_max(&l->r, l->f->n_entries - 1, "a flow's entry");
            if (flow->left_bytes == 0 || flow->left_bytes > flow->bytes) {
                state_fail(&l->r, "a flow's size is inconsistent");
            }
        }
    }
    for (uint32_t i = l->n_flows; i-- > 0;) {
        if (l->flow[i].entry == FABRIC_NONE) {
            l->flow[i].start_ps = next;
            next = i;
        }
    }
    l->free_flow = next;
}

/* ---- nodes --------------------------------------------------------------- */

static FabricStream get_stream(Loader *l)
{
    FabricStream s = { .pair = FABRIC_NONE };

    s.ready_ps = get_ps(l);
    s.gap_ps = state_get_u64(&l->r);
    s.end_ps = get_ps(l);
    s.left_bytes = state_get_u64(&l->r);
    s.dst = state_get_u32(&l->r);
    s.hash = state_get_u32(&l->r);
    s.flow = state_get_u32(&l->r);
    s.entry = state_get_u32_max(&l->r, l->f->n_entries - 1, "a stream's entry");
    s.packet_bytes = state_get_u16(&l->r);
    s.priority = state_get_u8(&l->r);
    s.flags = state_get_u8(&l->r);
    if (s.packet_bytes < FABRIC_MIN_FRAME_BYTES ||
        s.packet_bytes > FABRIC_MAX_FRAME_BYTES ||
        (s.flags & ~SWITCH_PKT_ECT) || s.ready_ps == FABRIC_NEVER_PS ||
        s.gap_ps > FABRIC_NEVER_PS / 2 ||
        (s.gap_ps ? s.flow != FABRIC_NONE
                  : !flow_exists(l, s.flow) || s.left_bytes == 0)) {
        state_fail(&l->r, "a stream is inconsistent");
    } else if (!s.gap_ps) {
        l->flow_bytes[s.flow] += s.left_bytes;
        if (l->sending[s.flow]++ || s.left_bytes > l->flow[s.flow].left_bytes) {
            state_fail(&l->r, "a flow has two streams, or too long a one");
        }
    }
    return s;
}

static void get_source(Loader *l, FabricSource *s)
{
    s->next_ps = get_ps(l);
    s->end_ps = get_ps(l);
    s->random = state_get_u64(&l->r);
    s->trace_at = state_get_u32_max(&l->r, s->trace_end, "a trace's row");
    if (!s->load && s->next_ps != FABRIC_NEVER_PS &&
        (s->trace_at == s->trace_end ||
         g_array_index(l->f->trace, FabricTraceRow, s->trace_at).from !=
             g_array_index(l->f->trace, FabricTraceRow, s->trace_end - 1)
                 .from)) {
        state_fail(&l->r, "a trace's row is another sender's");
    }
}

static void get_pending(Loader *l, FabricHost *h, bool full)
{
    uint64_t last_ps = 0;

    h->n_pending = h->cap_pending = get_count(l, 44, "a host's frames");
    h->pending = g_new0(FabricPending, h->n_pending + 1);
    if (h->n_pending && !full) {
        state_fail(&l->r, "a modelled host has frames");
    }
    for (uint32_t i = 0; i < h->n_pending && state_ok(&l->r); i++) {
        FabricPending *p = &h->pending[i];

        p->depart_ps = get_future_ps(l, "a frame's departure");
        p->slot = state_get_u32(&l->r);
        p->pkt = get_packet(l);
        if (p->depart_ps < last_ps || p->depart_ps > h->last_depart_ps ||
            !(p->pkt.flags & FABRIC_PKT_FULL) || p->pkt.user != p->slot) {
            state_fail(&l->r, "a host's frames are inconsistent");
        }
        last_ps = p->depart_ps;
    }
}

/* As the host itself would plan it; see fabric_host.c. */
static bool plan_fits(const Loader *l, const FabricHost *h)
{
    uint64_t ready_ps = fabric_host_ready_ps(h);

    if (ready_ps == FABRIC_NEVER_PS) {
        return h->depart_ps == FABRIC_NEVER_PS;
    }
    return h->depart_ps >= l->f->now_ps && h->depart_ps < FABRIC_NEVER_PS &&
           h->start_ps < h->depart_ps &&
           h->start_ps == MAX(h->free_ps, ready_ps) &&
           h->chosen < h->n_streams &&
           h->streams[h->chosen].ready_ps <= h->start_ps;
}

static void check_plan(Loader *l, const FabricHost *h, bool full)
{
    uint64_t want_ps = h->n_pending ? h->pending[0].depart_ps : FABRIC_NEVER_PS;

    if (state_ok(&l->r) &&
        (full ? h->depart_ps != want_ps : !plan_fits(l, h))) {
        state_fail(&l->r, "a host's next packet is inconsistent");
    }
}

static void get_host(Loader *l, const FabricNode *n, FabricHost *h)
{
    const FabricHost *now = n->host;
    bool full = n->kind == FABRIC_FULL;

    *h = *now; /* what does not change */
    h->streams = NULL;
    h->pending = NULL;
    h->pending_head = 0;
    h->sources = g_memdup2(now->sources, now->n_sources * sizeof(*h->sources));
    h->free_ps = get_ps(l);
    h->depart_ps = get_ps(l);
    h->start_ps = get_ps(l);
    h->last_depart_ps = get_ps(l);
    h->rate_bps = get_rate(l, &l->f->links[n->links[0]]);
    h->sent = state_get_u64(&l->r);
    h->sent_bytes = state_get_u64(&l->r);
    h->received = state_get_u64(&l->r);
    h->chosen = state_get_u32(&l->r);
    h->turn = state_get_u32(&l->r);
    h->n_streams = h->cap_streams = get_count(l, 52, "a host's streams");
    h->streams = g_new0(FabricStream, h->n_streams + 1);
    for (uint32_t i = 0; i < h->n_streams && state_ok(&l->r); i++) {
        h->streams[i] = get_stream(l);
    }
    if (h->turn > h->n_streams) {
        state_fail(&l->r, "a host's turn is none of its streams'");
    }
    if (state_get_u32(&l->r) != now->n_sources) {
        state_fail(&l->r, "a host's sources are others");
    }
    for (uint32_t i = 0; i < now->n_sources && state_ok(&l->r); i++) {
        get_source(l, &h->sources[i]);
    }
    get_pending(l, h, full);
    check_plan(l, h, full);
}

static void get_core(Loader *l, const FabricNode *n, SwitchCore **ret)
{
    const char *why = "";
    g_autofree uint8_t *blob = NULL;
    size_t len = 0;

    blob = state_get_blob(&l->r, l->r.len, &len);
    if (!state_ok(&l->r)) {
        return;
    }
    *ret = switch_core_new(switch_core_config(n->core), &fabric_switch_ops,
                           (void *)n, NULL);
    if (!switch_core_load(*ret, blob, len, &why)) {
        state_fail(&l->r, "switch %s: %s", n->name, why);
    } else if (switch_core_now_ps(*ret) > l->saved_ps) {
        state_fail(&l->r, "switch %s is ahead of the fabric", n->name);
    } else {
        switch_core_postpone(*ret, l->delta_ps);
        switch_core_foreach_packet(*ret, check_packet, l);
        if (switch_core_next_ps(*ret) < l->f->now_ps) {
            state_fail(&l->r, "switch %s has something to do in the past",
                       n->name);
        }
    }
}

static void get_nodes(Loader *l)
{
    uint32_t n_nodes = l->f->n_nodes;

    l->core = g_new0(SwitchCore *, n_nodes);
    l->host = g_new0(FabricHost, n_nodes);
    l->up = g_new0(bool, n_nodes);
    l->groups = g_new0(uint32_t, n_nodes);
    for (uint32_t i = 0; i < n_nodes && state_ok(&l->r); i++) {
        const FabricNode *n = &l->f->node[i];

        l->up[i] = state_get_bool(&l->r, "a node's state");
        l->groups[i] = state_get_u32_max(&l->r, UINT16_MAX, "a node's groups");
        if (n->core) {
            get_core(l, n, &l->core[i]);
        } else {
            get_host(l, n, &l->host[i]);
        }
    }
}

/* ---- links, control ------------------------------------------------------ */

static void get_wire(Loader *l, uint32_t number)
{
    FabricWire *w = &l->wire[number];
    FabricWireRare *r = &l->rare[number];
    uint64_t last_ps = 0;

    *r = l->f->rare[number];
    *w = l->f->wire[number];
    w->q = NULL;
    w->head = 0;
    w->down = state_get_bool(&l->r, "a wire's state");
    r->lost = state_get_u64(&l->r);
    r->fcs_errors = state_get_u64(&l->r);
    r->down_drops = state_get_u64(&l->r);
    r->loss = get_probability(l);
    r->ber = get_probability(l);
    r->fec = state_get_u8(&l->r) ? FABRIC_FEC_KP4 : FABRIC_FEC_NONE;
    r->cached_bytes = 0;
    w->slow = w->down || r->loss > 0 || r->ber > 0;
    w->n = w->cap = get_count(l, 40, "a wire's packets");
    w->q = g_new0(FabricPacket, w->cap + 1);
    for (uint32_t i = 0; i < w->n && state_ok(&l->r); i++) {
        w->q[i].ps = get_future_ps(l, "an arrival");
        w->q[i].pkt = get_packet(l);
        if (w->q[i].ps < last_ps || w->q[i].ps > l->f->now_ps + w->delay_ps) {
            state_fail(&l->r, "a wire's packets are not in order");
        }
        last_ps = w->q[i].ps;
    }
}

static void get_links(Loader *l)
{
    l->link = g_memdup2(l->f->links, l->f->n_links * sizeof(FabricLink));
    l->wire = g_new0(FabricWire, l->f->n_wires);
    l->rare = g_new0(FabricWireRare, l->f->n_wires);
    for (uint32_t i = 0; i < l->f->n_links; i++) {
        l->link[i].rate_bps = get_rate(l, &l->f->links[i]);
        l->link[i].up = state_get_bool(&l->r, "a link's state");
        l->link[i].random[0] = state_get_u64(&l->r);
        l->link[i].random[1] = state_get_u64(&l->r);
    }
    for (uint32_t i = 0; i < l->f->n_wires && state_ok(&l->r); i++) {
        get_wire(l, i);
    }
}

static void check_control(Loader *l, const FabricControl *c)
{
    const Fabric *f = l->f;
    bool of_link = c->kind == FABRIC_CONTROL_LINK ||
                   c->kind == FABRIC_CONTROL_ERRORS ||
                   c->kind == FABRIC_CONTROL_RATE;

    if ((of_link && c->which >= f->n_links) ||
        (c->kind == FABRIC_CONTROL_SWITCH &&
         (c->which >= f->n_nodes || !f->node[c->which].core)) ||
        (c->kind == FABRIC_CONTROL_RATE && state_ok(&l->r) &&
         (c->rate_bps < 1 ||
          c->rate_bps > f->links[c->which].config.rate_bps))) {
        state_fail(&l->r, "what is to happen is impossible");
    }
}

static void get_control(Loader *l)
{
    uint64_t last_ps = 0;

    l->n_control = get_count(l, 43, "what is to happen");
    l->control = g_new0(FabricControl, l->n_control + 1);
    for (uint32_t i = 0; i < l->n_control && state_ok(&l->r); i++) {
        FabricControl *c = &l->control[i];

        c->at_ps = get_future_ps(l, "what is to happen");
        c->seq = i;
        c->kind = (FabricControlKind)state_get_u8(&l->r);
        c->which = state_get_u32(&l->r);
        c->up = state_get_bool(&l->r, "what is to happen");
        c->loss = get_probability(l);
        c->ber = get_probability(l);
        c->fec = state_get_u8(&l->r) ? FABRIC_FEC_KP4 : FABRIC_FEC_NONE;
        c->rate_bps = state_get_u64(&l->r);
        c->from = state_get_u32(&l->r);
        if (c->kind > FABRIC_CONTROL_WARM || c->at_ps < last_ps) {
            state_fail(&l->r, "what is to happen is not in order");
        } else {
            check_control(l, c);
        }
        last_ps = c->at_ps;
    }
}

/* ---- statistics ---------------------------------------------------------- */

static Hist *get_hist(Loader *l)
{
    Hist *h = hist_new();
    size_t used = hist_load(h, l->r.data + l->r.pos, l->r.len - l->r.pos);

    if (!used) {
        state_fail(&l->r, "a histogram is inconsistent");
    } else if (state_ok(&l->r)) {
        l->r.pos += used;
    }
    return h;
}

static void get_stats(Loader *l)
{
    l->stats_from_ps = get_ps(l);
    for (unsigned i = 0; i < G_N_ELEMENTS(l->counts); i++) {
        l->counts[i] = state_get_u64(&l->r);
    }
    l->latency = get_hist(l);
    for (uint32_t i = 0; i < FABRIC_FCT_CLASSES; i++) {
        l->fct[i] = get_hist(l);
    }
    l->entry = g_new0(FabricEntry, l->f->n_entries);
    for (uint32_t i = 0; i < l->f->n_entries; i++) {
        FabricEntry *e = &l->entry[i];

        e->stats.sent = state_get_u64(&l->r);
        e->stats.received = state_get_u64(&l->r);
        e->stats.marked = state_get_u64(&l->r);
        e->stats.dropped = state_get_u64(&l->r);
        e->stats.flows_started = state_get_u64(&l->r);
        e->stats.flows_finished = state_get_u64(&l->r);
        e->latency = get_hist(l);
        e->fct = get_hist(l);
    }
}

/* ---- all of it ----------------------------------------------------------- */

static void get_header(Loader *l)
{
    if (state_get_u32(&l->r) != FABRIC_STATE_MAGIC) {
        state_fail(&l->r, "this is no fabric");
    }
    if (state_get_u32(&l->r) != FABRIC_STATE_VERSION) {
        state_fail(&l->r, "the state is of another version");
    }
    if (state_get_u64(&l->r) != fabric_state_origin(l->f)) {
        state_fail(&l->r, "the state is of a fabric built from other things");
    }
    l->saved_ps = state_get_u64(&l->r);
    if (l->saved_ps > l->f->now_ps) {
        state_fail(&l->r, "the state is from the future");
    }
    l->delta_ps = l->f->now_ps - l->saved_ps;
    l->warmup_ps = get_ps(l);
    l->trace_shift_ps = get_ps(l);
}

/* A flow must not be complete while packets of it are on the way. A flow's last
 * packet may be longer than what was left. */
static void check_sums(Loader *l)
{
    for (uint32_t i = 0; i < l->n_flows; i++) {
        uint64_t room = l->sending[i] ? 0 : FABRIC_MIN_FRAME_BYTES - 1;

        if (flow_exists(l, i) &&
            l->flow_bytes[i] > l->flow[i].left_bytes + room) {
            state_fail(&l->r, "a flow has more on the way than it has left");
        }
    }
    for (uint32_t i = 0; i < l->n_frames; i++) {
        if (l->frame[i].bytes && !l->used[i]) {
            state_fail(&l->r, "a frame is nowhere");
        }
    }
}

static bool read_all(Loader *l)
{
    static void (*const parts[])(Loader *) = {
        get_header, get_frames,  get_flows, get_nodes,
        get_links,  get_control, get_stats, check_sums,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(parts) && state_ok(&l->r); i++) {
        parts[i](l);
    }
    return state_ok(&l->r);
}

#define SWAP(a, b)              \
    do {                        \
        __typeof__(a) t_ = (a); \
        (a) = (b);              \
        (b) = t_;               \
    } while (0)

static void swap_nodes(Loader *l)
{
    Fabric *f = l->f;

    for (uint32_t i = 0; i < f->n_nodes; i++) {
        FabricNode *n = &f->node[i];

        n->up = l->up[i];
        n->n_groups = l->groups[i];
        if (n->core) {
            SWAP(n->core, l->core[i]);
        } else {
            SWAP(*n->host, l->host[i]);
        }
    }
    for (uint32_t i = 0; i < f->n_wires; i++) {
        SWAP(f->wire[i], l->wire[i]);
        SWAP(f->rare[i], l->rare[i]);
        f->wire_next_ps[i] =
            f->wire[i].n ? f->wire[i].q[0].ps : FABRIC_NEVER_PS;
    }
    for (uint32_t i = 0; i < f->n_links; i++) {
        SWAP(f->links[i], l->link[i]);
    }
}

static void swap_stats(Loader *l)
{
    Fabric *f = l->f;

    f->stats_from_ps = l->stats_from_ps;
    f->injected = l->counts[0];
    f->delivered = l->counts[1];
    f->flows_started = l->counts[2];
    f->flows_finished = l->counts[3];
    f->not_for_it = l->counts[4];
    SWAP(f->latency, l->latency);
    for (uint32_t i = 0; i < FABRIC_FCT_CLASSES; i++) {
        SWAP(f->fct[i], l->fct[i]);
    }
    SWAP(f->entry, l->entry);
}

static void thread_free_frames(Fabric *f)
{
    f->free_frame = FABRIC_NONE;
    f->live_frames = 0;
    for (uint32_t i = f->n_frames; i-- > 0;) {
        if (f->frame[i].bytes) {
            f->live_frames++;
        } else {
            f->frame[i].next_free = f->free_frame;
            f->free_frame = i;
        }
    }
}

static void commit(Loader *l)
{
    Fabric *f = l->f;

    fabric_series_before_load(f);
    f->config.warmup_ps = l->warmup_ps;
    f->trace_shift_ps = l->trace_shift_ps;
    SWAP(f->frame, l->frame);
    SWAP(f->n_frames, l->n_frames);
    thread_free_frames(f);
    SWAP(f->flow, l->flow);
    f->n_flows = f->cap_flows = l->n_flows;
    f->free_flow = l->free_flow;
    SWAP(f->control, l->control);
    f->n_control = f->cap_control = l->n_control;
    f->control_seq = l->n_control;
    swap_nodes(l);
    swap_stats(l);
    fabric_series_after_load(f);
    fabric_refresh_next(f);
}

/* What is left in the loader: the old parts, or those that were refused. */
static void clean_up(Loader *l)
{
    const Fabric *f = l->f;

    for (uint32_t i = 0; l->frame && i < l->n_frames; i++) {
        g_free(l->frame[i].bytes);
    }
    for (uint32_t i = 0; l->core && i < f->n_nodes; i++) {
        switch_core_free(l->core[i]);
        g_free(l->host[i].streams);
        g_free(l->host[i].sources);
        g_free(l->host[i].pending);
    }
    for (uint32_t i = 0; l->wire && i < f->n_wires; i++) {
        g_free(l->wire[i].q);
    }
    for (uint32_t i = 0; l->entry && i < f->n_entries; i++) {
        hist_free(l->entry[i].latency);
        hist_free(l->entry[i].fct);
    }
    hist_free(l->latency);
    for (uint32_t i = 0; i < FABRIC_FCT_CLASSES; i++) {
        hist_free(l->fct[i]);
    }
    g_free(l->frame);
    g_free(l->used);
    g_free(l->flow);
    g_free(l->flow_bytes);
    g_free(l->sending);
    g_free(l->core);
    g_free(l->host);
    g_free(l->up);
    g_free(l->groups);
    g_free(l->link);
    g_free(l->wire);
    g_free(l->rare);
    g_free(l->control);
    g_free(l->entry);
}

bool fabric_load(Fabric *f, const uint8_t *buf, size_t len, GError **errp)
{
    Loader l = { .f = f, .free_flow = FABRIC_NONE };
    g_autofree char *why = NULL;
    bool ok;

    if (!fabric_can_save(f, errp)) {
        return false;
    }
    state_reader_init(&l.r, buf, len);
    read_all(&l);
    ok = state_reader_finish(&l.r, &why);
    if (ok) {
        commit(&l);
    } else {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_STATE,
                    "the fabric's state: %s", why);
    }
    clean_up(&l);
    return ok;
}
