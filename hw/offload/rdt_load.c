/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_load.c: a saved endpoint comes back; streams are not trusted.
 */
#include "rdt_state.h"

uint64_t rdt_load_past(RdtLoad *l)
{
    uint64_t age_ps = state_get_u64(l->r);

    return age_ps < l->now_ps ? l->now_ps - age_ps : 0;
}

uint64_t rdt_load_future(RdtLoad *l, const char *what)
{
    uint64_t in_ps = state_get_u64(l->r);

    if (in_ps == RDT_NEVER_PS) {
        return in_ps;
    }
    if (state_ok(l->r) && in_ps > RDT_STATE_LATEST_PS) {
        state_fail(l->r, "%s is more than five hours ahead", what);
    }
    return l->now_ps + in_ps;
}

uint64_t rdt_load_max(RdtLoad *l, uint64_t max, const char *what)
{
    uint64_t v = state_get_u64(l->r);

    if (state_ok(l->r) && v > max) {
        state_fail(l->r, "%s: %llu is more than %llu", what,
                   (unsigned long long)v, (unsigned long long)max);
    }
    return state_ok(l->r) ? v : 0;
}

static void load_params(RdtLoad *l, RdtParams *p)
{
    uint32_t *const words[] = {
        &p->datagram_bytes,     &p->n_paths,
        &p->aes_bits,           &p->rx_bytes,
        &p->rx_messages,        &p->tx_bytes,
        &p->tx_messages,        &p->window_first_bytes,
        &p->window_max_bytes,   &p->path_max_bytes,
        &p->ack_every,          &p->reorder_packets,
        &p->path_fail_timeouts, &p->epoch_packets,
    };
    uint64_t *const longs[] = {
        &p->pace_bps,       &p->delay_target_ps, &p->ack_delay_ps,
        &p->rto_first_ps,   &p->rto_min_ps,      &p->rto_max_ps,
        &p->probe_first_ps, &p->probe_max_ps,    &p->dead_ps,
        &p->keepalive_ps,   &p->linger_ps,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        *words[i] = state_get_u32(l->r);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(longs); i++) {
        *longs[i] = state_get_u64(l->r);
    }
}

static void load_session(RdtLoad *l, RdtSession *s)
{
    const char *why;

    s->local_id = state_get_u32(l->r);
    s->remote_id = state_get_u32(l->r);
    s->key_id = state_get_u32(l->r);
    s->incarnation = state_get_u32(l->r);
    s->peer = state_get_u64(l->r);
    load_params(l, &s->params);
    if (state_ok(l->r) && !rdt_session_valid(s, &why)) {
        state_fail(l->r, "session %08x: %s", s->local_id, why);
    }
    if (state_ok(l->r) && l->incarnation <= s->incarnation) {
        state_fail(l->r,
                   "session %08x was incarnation %u; a larger one is needed",
                   s->local_id, s->incarnation);
    }
}

static void load_key(RdtLoad *l, RdtConn *c, int slot)
{
    bool there = slot < 0 || state_get_bool(l->r, "a key");
    uint32_t key_id = state_get_u32(l->r);
    uint16_t epoch = state_get_u16(l->r);

    if (state_ok(l->r) && there &&
        !(slot < 0 ? rdt_key_open_tx(c, key_id, epoch)
                   : rdt_key_open_rx(c, (RdtKeySlot)slot, key_id, epoch))) {
        state_fail(l->r, "key %u of session %08x is not there", key_id,
                   c->cfg.local_id);
    }
    if (state_ok(l->r) && !there && slot == RDT_KEY_CURRENT) {
        state_fail(l->r, "session %08x has no key", c->cfg.local_id);
    }
}

static void load_keys(RdtLoad *l, RdtConn *c)
{
    load_key(l, c, -1);
    for (int i = 0; i < RDT_KEY_SLOTS; i++) {
        load_key(l, c, i);
    }
    c->accepted = state_get_bool(l->r, "accepted key");
    c->accepted_key_id = state_get_u32(l->r);
    c->spent = state_get_bool(l->r, "spent key");
    c->key_packets = state_get_u64(l->r);
    for (unsigned i = 0; i < 2; i++) {
        RdtReplay *w = &c->replay[i];

        c->next[i] = rdt_load_max(l, RDT_COUNTER_MASK, "packets");
        w->any = state_get_bool(l->r, "replay window");
        w->top = state_get_u64(l->r);
        for (unsigned k = 0; k < RDT_REPLAY_BITS / 64; k++) {
            w->bits[k] = state_get_u64(l->r);
        }
        if (state_ok(l->r) && w->any && !!(w->top & RDT_ACK_SPACE) != i) {
            state_fail(l->r, "a replay window is of the wrong space");
        }
    }
}

static void load_window(RdtLoad *l, RdtConn *c)
{
    const RdtParams *p = &c->cfg.params;

    c->window = state_get_u32_max(l->r, p->window_max_bytes, "window");
    c->slow_start = state_get_bool(l->r, "slow start");
    c->alpha = state_get_u32_max(l->r, RDT_ONE, "share of marks");
    c->round_end = state_get_u64(l->r);
    c->acked_end = rdt_load_max(l, c->next[0], "acknowledged packets");
    c->round_acked = rdt_load_max(l, INT64_MAX / RDT_ONE, "bytes of a round");
    c->round_marked = rdt_load_max(l, c->round_acked, "marks of a round");
    c->round_lost = rdt_load_max(l, INT64_MAX / RDT_ONE, "losses of a round");
    c->srtt_ps = rdt_load_max(l, RDT_STATE_LATEST_PS, "round trip");
    c->rttvar_ps = rdt_load_max(l, RDT_STATE_LATEST_PS, "variation");
    c->rtt_floor_ps = state_get_u64(l->r);
    c->next_floor_ps = state_get_u64(l->r);
    c->floor_until_ps = rdt_load_future(l, "the lowest round trip");
    c->heard_ps = rdt_load_past(l);
    c->waiting = state_get_bool(l->r, "waiting");
    c->waiting_since_ps = rdt_load_past(l);
    c->pace_free_ps = rdt_load_future(l, "pacing");
    c->idle_probe_ps = rdt_load_future(l, "a probe");
    c->idle_probe_now = state_get_bool(l->r, "a probe");
    c->backoff = state_get_u32_max(l->r, 16, "doublings of timeouts");
    c->backoff_from_ps = rdt_load_future(l, "doubling of timeouts");
    if (state_ok(l->r) &&
        (c->window < p->datagram_bytes || c->round_end > RDT_COUNTER_MASK)) {
        state_fail(l->r, "the window is impossible");
    }
}

static void load_path(RdtLoad *l, RdtConn *c, unsigned n)
{
    const RdtParams *q = &c->cfg.params;
    RdtPath *p = &c->path[n];

    *p = (RdtPath){ .head = RDT_NO_SLOT, .tail = RDT_NO_SLOT };
    p->port = state_get_u16(l->r);
    p->state = (RdtPathState)state_get_u8(l->r);
    p->timeouts = state_get_u32(l->r);
    p->next_order = rdt_load_max(l, RDT_COUNTER_MASK, "packets of a path");
    p->acked_order = rdt_load_max(l, p->next_order, "packets of a path");
    p->window = state_get_u32_max(l->r, q->path_max_bytes, "path window");
    p->slow_start = state_get_bool(l->r, "slow start");
    p->cut_order = rdt_load_max(l, p->next_order, "packets of a path");
    p->doubt_order = rdt_load_max(l, p->next_order, "packets of a path");
    p->srtt_ps = rdt_load_max(l, RDT_STATE_LATEST_PS, "round trip");
    p->rttvar_ps = rdt_load_max(l, RDT_STATE_LATEST_PS, "variation");
    p->probe_now = state_get_bool(l->r, "a probe");
    p->probe_at_ps = rdt_load_future(l, "a probe");
    p->probe_wait_ps = rdt_load_max(l, q->probe_max_ps, "probe interval");
    p->packets = state_get_u64(l->r);
    p->marks = state_get_u64(l->r);
    p->all_timeouts = state_get_u64(l->r);
    if (state_ok(l->r) &&
        (p->state > RDT_PATH_AVOIDED || p->port < 49152 ||
         p->window < MIN(q->datagram_bytes, q->path_max_bytes) ||
         (p->state == RDT_PATH_AVOIDED && !p->probe_wait_ps))) {
        state_fail(l->r, "path %u is impossible", n);
    }
    for (unsigned i = 0; state_ok(l->r) && i < n; i++) {
        if (c->path[i].port == p->port) {
            state_fail(l->r, "two paths have the same port");
        }
    }
}

static void load_flags(RdtLoad *l, RdtConn *c)
{
    bool *const flags[] = {
        &c->close_wanted, &c->close_sent,   &c->close_acked,
        &c->abort_wanted, &c->peer_closing, &c->peer_closed
    };
    uint8_t state = state_get_u8(l->r);

    if (state_ok(l->r) && state > RDT_DEAD) {
        state_fail(l->r, "session state %u is unknown", state);
    }
    c->state = (RdtState)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++) {
        *flags[i] = state_get_bool(l->r, "a flag of closing");
    }
    c->peer_messages = state_get_u64(l->r);
    c->linger_until_ps = rdt_load_future(l, "the end of a session");
}

/* What the parts say about each other. */
static const char *contradiction(const RdtConn *c)
{
    bool closing = c->state == RDT_CLOSING || c->state == RDT_CLOSED;
    bool incomplete = rdt_rx_is_partial(c);

    return (c->close_wanted || c->close_sent || c->close_acked) &&
                   (!(closing || c->state == RDT_DEAD) ||
                    c->tx_base != c->tx_next)
               ? "it closes before everything was sent"
           : c->close_acked && !c->close_sent
               ? "its close was acknowledged but not sent"
           : c->peer_closing && (c->peer_messages != c->rx_base || incomplete)
               ? "its peer closed before everything had come"
           : c->peer_closed && !c->peer_closing ? "its peer has half closed"
           : c->state == RDT_CLOSED && !(c->close_acked && c->peer_closed)
               ? "it is closed too early"
           : c->abort_wanted && c->state != RDT_DEAD ? "it gives up alive"
           : c->state == RDT_DEAD &&
                   (c->in_flight || incomplete || c->tx_base != c->tx_next)
               ? "it is dead and sends"
               : NULL;
}

/* NULL: the error is in l->r. */
static RdtConn *load_conn(RdtLoad *l, Rdt *r)
{
    RdtSession s = { 0 };
    const char *why;
    RdtConn *c;

    load_session(l, &s);
    if (!state_ok(l->r)) {
        return NULL;
    }
    c = rdt_conn_new(r, &s, l->now_ps);
    load_flags(l, c);
    load_keys(l, c);
    load_window(l, c);
    for (unsigned i = 0; state_ok(l->r) && i < s.params.n_paths; i++) {
        load_path(l, c, i);
    }
    if (state_ok(l->r)) {
        rdt_load_tx(l, c);
    }
    if (state_ok(l->r)) {
        rdt_load_sent(l, c);
    }
    if (state_ok(l->r)) {
        rdt_load_rx(l, c);
    }
    why = state_ok(l->r) ? contradiction(c) : NULL;
    if (why) {
        state_fail(l->r, "session %08x: %s", s.local_id, why);
    }
    if (!state_ok(l->r)) {
        rdt_conn_free(c);
        return NULL;
    }
    c->cfg.incarnation = l->incarnation;
    return c;
}

/* None of them may begin again below the new incarnation. */
static void load_used(RdtLoad *l, Rdt *r)
{
    uint32_t n = state_get_u32_max(l->r, RDT_MAX_USED, "used keys");

    for (uint32_t i = 0; state_ok(l->r) && i < n; i++) {
        RdtUsed u = { 0 };

        u.key_id = state_get_u32(l->r);
        u.local_id = state_get_u32(l->r);
        u.remote_id = state_get_u32(l->r);
        u.incarnation =
            state_get_u32_max(l->r, RDT_MAX_INCARNATION, "incarnation");
        u.incarnation = MAX(u.incarnation, l->incarnation);
        g_array_append_val(r->used, u);
    }
}

static void load_endpoint(RdtLoad *l, Rdt *r)
{
    uint64_t *stats = (uint64_t *)&r->stats;
    uint64_t random = state_get_u64(l->r);
    uint32_t n, last = 0;

    r->turn = state_get_u32(l->r);
    for (unsigned i = 0; i < sizeof(r->stats) / 8; i++) {
        stats[i] = state_get_u64(l->r);
    }
    load_used(l, r);
    n = state_get_u32_max(l->r, RDT_MAX_SESSIONS, "sessions");
    for (uint32_t i = 0; state_ok(l->r) && i < n; i++) {
        RdtConn *c = load_conn(l, r);

        if (c && c->cfg.local_id <= last) {
            state_fail(l->r, "sessions are out of order");
            rdt_conn_free(c);
        } else if (c) {
            last = c->cfg.local_id;
            rdt_conn_insert(r, c);
        }
    }
    r->random = random; /* making sessions drew from it */
}

Rdt *rdt_load(const RdtConfig *config, uint64_t now_ps, uint32_t incarnation,
              const void *data, size_t len, char **ret_err)
{
    StateReader outer, inner;
    RdtLoad l = { &inner, now_ps, incarnation };
    Rdt *r = rdt_new(config);

    state_reader_init(&outer, data, len);
    state_get_section(&outer, RDT_STATE_MAGIC, RDT_STATE_VERSION, &inner);
    if (state_ok(&inner) &&
        (!incarnation || incarnation > RDT_MAX_INCARNATION ||
         now_ps > RDT_NEVER_PS / 2)) {
        state_fail(&inner, "the incarnation is not 1 to %u",
                   RDT_MAX_INCARNATION);
    }
    if (state_ok(&inner)) {
        load_endpoint(&l, r);
    }
    state_leave(&outer, &inner, NULL);
    if (!state_reader_finish(&outer, ret_err)) {
        rdt_free(r);
        return NULL;
    }
    return r;
}
