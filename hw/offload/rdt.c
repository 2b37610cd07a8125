/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt.c: endpoint, sessions, timers and views of rdt.h.
 */
#include "rdt_int.h"

#include <string.h>

#define US 1000000ull
#define MS (1000 * US)
#define S (1000 * MS)

/* docs/rdt.md, "Parameters", says why. */
void rdt_params_default(RdtParams *p)
{
    *p = (RdtParams){
        .datagram_bytes = 1472,
        .n_paths = 16,
        .aes_bits = 256,
        .rx_bytes = 4u << 20,
        .rx_messages = 1024,
        .tx_bytes = 8u << 20,
        .tx_messages = 1024,
        .window_first_bytes = 64u << 10,
        .window_max_bytes = 2u << 20,
        .path_max_bytes = 512u << 10,
        .ack_every = 2,
        .ack_delay_ps = 2 * US,
        .rto_first_ps = 50 * US,
        .rto_min_ps = 20 * US,
        .rto_max_ps = 10 * MS,
        .reorder_packets = 3,
        .path_fail_timeouts = 2,
        .probe_first_ps = 200 * US,
        .probe_max_ps = 20 * MS,
        .dead_ps = 1 * S,
        .linger_ps = 10 * MS,
        .epoch_packets = 1u << 23,
    };
}

/* splitmix64 */
uint64_t rdt_random(Rdt *r)
{
    uint64_t z = r->random += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

Rdt *rdt_new(const RdtConfig *config)
{
    Rdt *r = g_new0(Rdt, 1);

    r->cfg = *config;
    r->random = config->seed;
    r->conns = g_ptr_array_new();
    r->used = g_array_new(false, false, sizeof(RdtUsed));
    return r;
}

void rdt_free(Rdt *r)
{
    if (!r) {
        return;
    }
    for (guint i = 0; i < r->conns->len; i++) {
        rdt_conn_free(g_ptr_array_index(r->conns, i));
    }
    g_ptr_array_free(r->conns, true);
    g_array_free(r->used, true);
    g_free(r);
}

void rdt_event(const RdtConn *c, uint64_t now_ps, RdtEventKind kind, uint64_t a,
               uint64_t b, uint64_t n)
{
    RdtEvent ev = {
        .at_ps = now_ps,
        .a = a,
        .b = b,
        .c = n,
        .session = c->cfg.local_id,
        .kind = kind,
    };

    if (c->r->cfg.event) {
        c->r->cfg.event(c->r->cfg.opaque, &ev);
    }
}

/* ---- sessions ----------------------------------------------------------- */

/* The index of @local_id, or where it belongs. */
static guint position(const Rdt *r, uint32_t local_id)
{
    guint low = 0, high = r->conns->len;

    while (low < high) {
        guint mid = (low + high) / 2;
        const RdtConn *c = g_ptr_array_index(r->conns, mid);

        if (c->cfg.local_id < local_id) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

RdtConn *rdt_conn(const Rdt *r, uint32_t local_id)
{
    guint at = position(r, local_id);
    RdtConn *c = at < r->conns->len ? g_ptr_array_index(r->conns, at) : NULL;

    if (!c || c->cfg.local_id != local_id) {
        return NULL;
    }
    c->fresh = false;
    return c;
}

void rdt_conn_insert(Rdt *r, RdtConn *c)
{
    g_ptr_array_insert(r->conns, position(r, c->cfg.local_id), c);
}

static const char *params_wrong(const RdtParams *p)
{
    return p->datagram_bytes < RDT_MIN_DATAGRAM_BYTES ||
                   p->datagram_bytes > RDT_MAX_DATAGRAM_BYTES
               ? "datagram_bytes is out of range"
           : !p->n_paths || p->n_paths > RDT_MAX_PATHS
               ? "n_paths is not 1 to 64"
           : p->aes_bits != 128 && p->aes_bits != 256
               ? "aes_bits is neither 128 nor 256"
           : p->rx_bytes < RDT_FIRST_CREDIT_BYTES || p->rx_bytes > 1u << 30
               ? "rx_bytes is not 1 MiB to 1 GiB"
           : p->rx_messages < RDT_FIRST_CREDIT_MESSAGES || p->rx_messages > 4096
               ? "rx_messages is not 64 to 4096"
           : !p->tx_bytes || p->tx_bytes > 1u << 30
               ? "tx_bytes is not 1 to 1 GiB"
           : !p->tx_messages || p->tx_messages > 4096
               ? "tx_messages is not 1 to 4096"
               : NULL;
}

static const char *timing_wrong(const RdtParams *p)
{
    const uint64_t longest = 3600 * S;

    return p->window_first_bytes < 2 * p->datagram_bytes ||
                   p->window_max_bytes < p->window_first_bytes ||
                   p->path_max_bytes < p->datagram_bytes ||
                   p->window_max_bytes > 1u << 30
               ? "the windows are too small, too large or in the wrong order"
           : !p->ack_every || p->ack_every > 256 || p->ack_delay_ps > 1 * S
               ? "acknowledgements are out of range"
           : !p->rto_min_ps || p->rto_first_ps < p->rto_min_ps ||
                   p->rto_max_ps < p->rto_first_ps || p->rto_max_ps > longest
               ? "timeouts are not 0 < min <= first <= max <= 1 h"
           : !p->reorder_packets || !p->path_fail_timeouts
               ? "reorder_packets or path_fail_timeouts is 0"
           : !p->probe_first_ps || p->probe_max_ps < p->probe_first_ps ||
                   p->probe_max_ps > longest
               ? "probes are not 0 < first <= max <= 1 h"
           : !p->dead_ps || p->dead_ps > longest || p->linger_ps > longest ||
                   p->keepalive_ps > longest
               ? "dead_ps, linger_ps or keepalive_ps is out of range"
           : p->epoch_packets < 1024 || p->epoch_packets > 1u << 28
               ? "epoch_packets is not 1024 to 2^28"
               : NULL;
}

bool rdt_session_valid(const RdtSession *s, const char **ret_why)
{
    *ret_why = !s->local_id || !s->remote_id || s->local_id == s->remote_id
                   ? "the session's ids are 0 or equal"
               : s->incarnation > RDT_MAX_INCARNATION
                   ? "the incarnation has 15 bits"
                   : params_wrong(&s->params);
    if (!*ret_why) {
        *ret_why = timing_wrong(&s->params);
    }
    return !*ret_why;
}

/* Four windows of packets, so that late acknowledgements find theirs. */
static uint32_t ring_max(const RdtParams *p)
{
    uint32_t size = RDT_FIRST_RING;

    while (size < RDT_MAX_RING &&
           size < 4 * (p->window_max_bytes / p->datagram_bytes)) {
        size *= 2;
    }
    return size;
}

RdtConn *rdt_conn_new(Rdt *r, const RdtSession *s, uint64_t now_ps)
{
    RdtConn *c = g_new0(RdtConn, 1);

    c->cfg = *s;
    c->r = r;
    c->ring_max = ring_max(&s->params);
    c->ring_size = RDT_FIRST_RING;
    c->ring = g_new0(RdtSent, c->ring_size);
    c->tx = g_new0(RdtTx *, s->params.tx_messages);
    c->rx = g_new0(RdtRx *, s->params.rx_messages);
    c->rx_done = g_new0(uint8_t, s->params.rx_messages);
    c->lost = g_array_new(false, false, sizeof(RdtLostFragment));
    c->heard_ps = c->waiting_since_ps = now_ps;
    c->idle_probe_ps = c->ack_at_ps = RDT_NEVER_PS;
    c->credit_bytes = c->told_bytes = RDT_FIRST_CREDIT_BYTES;
    c->credit_messages = c->told_messages = RDT_FIRST_CREDIT_MESSAGES;
    c->window = s->params.window_first_bytes;
    c->slow_start = true;
    c->ack_path = RDT_MAX_PATHS;
    c->rtt_floor_ps = c->next_floor_ps = RDT_NEVER_PS;
    g_queue_init(&c->ready);
    rdt_path_init(c);
    return c;
}

/* Everything in both directions that is not ready for the owner. */
static void drop_messages(RdtConn *c)
{
    for (uint32_t i = 0; i < c->cfg.params.tx_messages; i++) {
        rdt_tx_free(c->tx[i]);
        c->tx[i] = NULL;
    }
    for (uint32_t i = 0; i < c->cfg.params.rx_messages; i++) {
        if (c->rx[i]) {
            c->rx_held -= c->rx[i]->len;
        }
        rdt_rx_free(c->rx[i]);
        c->rx[i] = NULL;
    }
    c->active = c->active_tail = NULL;
    c->tx_bytes = 0;
    c->tx_base = c->tx_admitted = c->tx_next;
    g_array_set_size(c->lost, 0);
    c->lost_head = 0;
}

void rdt_conn_free(RdtConn *c)
{
    RdtRx *m;

    if (!c) {
        return;
    }
    drop_messages(c);
    while ((m = g_queue_pop_head(&c->ready))) {
        rdt_rx_free(m);
    }
    rdt_key_close_all(c);
    g_array_free(c->lost, true);
    g_free(c->tx);
    g_free(c->rx);
    g_free(c->rx_done);
    g_free(c->ring);
    g_free(c);
}

bool rdt_open(Rdt *r, uint64_t now_ps, const RdtSession *session,
              const char **ret_why)
{
    RdtConn *c;

    if (!rdt_session_valid(session, ret_why)) {
        return false;
    }
    *ret_why = rdt_conn(r, session->local_id) ? "the session's id is in use"
               : r->conns->len == RDT_MAX_SESSIONS ? "too many sessions"
               : !rdt_key_fresh(r, session->key_id, session->local_id,
                                session->remote_id, session->incarnation)
                   ? "the key was used before: take another key or a larger "
                     "incarnation"
                   : NULL;
    if (*ret_why) {
        return false;
    }
    c = rdt_conn_new(r, session, now_ps);
    if (!rdt_key_open_tx(c, session->key_id, 0) ||
        !rdt_key_open_rx(c, RDT_KEY_CURRENT, session->key_id, 0)) {
        *ret_why = "there is no such key";
        rdt_conn_free(c);
        return false;
    }
    rdt_conn_insert(r, c);
    return true;
}

bool rdt_close(Rdt *r, uint64_t now_ps, uint32_t session)
{
    RdtConn *c = rdt_conn(r, session);

    if (!c || c->state != RDT_OPEN) {
        return false;
    }
    c->state = RDT_CLOSING;
    rdt_conn_settle(c, now_ps);
    return true;
}

void rdt_conn_die(RdtConn *c, uint64_t now_ps, RdtDeath why)
{
    c->state = RDT_DEAD;
    c->ack_at_ps = c->idle_probe_ps = RDT_NEVER_PS;
    c->waiting = c->idle_probe_now = false;
    drop_messages(c);
    while (c->base < c->next[0]) {
        RdtSent *e = rdt_sent(c, c->base);

        if (e->state == RDT_SENT_IN_FLIGHT) {
            rdt_sent_unlink(c, e);
        }
        c->base++;
    }
    rdt_event(c, now_ps, RDT_EV_DEAD, why, 0, 0);
}

bool rdt_abort(Rdt *r, uint64_t now_ps, uint32_t session)
{
    RdtConn *c = rdt_conn(r, session);

    if (!c || c->state == RDT_DEAD) {
        return false;
    }
    rdt_conn_die(c, now_ps, RDT_DEATH_LOCAL);
    c->abort_wanted = true;
    return true;
}

bool rdt_forget(Rdt *r, uint32_t session)
{
    RdtConn *c = rdt_conn(r, session);

    if (!c) {
        return false;
    }
    rdt_key_used(c);
    g_ptr_array_remove(r->conns, c);
    rdt_conn_free(c);
    return true;
}

bool rdt_set_peer(Rdt *r, uint32_t session, uint64_t peer)
{
    RdtConn *c = rdt_conn(r, session);

    if (c) {
        c->cfg.peer = peer;
    }
    return c;
}

/* ---- what is waited for ------------------------------------------------- */

static void check_closed(RdtConn *c, uint64_t now_ps)
{
    if (c->state == RDT_CLOSING && !c->close_sent && c->tx_base == c->tx_next) {
        c->close_wanted = true;
    }
    if (c->peer_closing && !c->peer_closed && c->rx_base == c->peer_messages) {
        c->peer_closed = true;
        rdt_event(c, now_ps, RDT_EV_PEER_CLOSED, 0, 0, 0);
    }
    if (c->state == RDT_CLOSING && c->close_acked && c->peer_closed) {
        c->state = RDT_CLOSED;
        c->linger_until_ps = now_ps + c->cfg.params.linger_ps;
        rdt_event(c, now_ps, RDT_EV_CLOSED, 0, 0, 0);
    }
}

/* The news of credit may have been lost: ask, when nothing else is going to
 * be answered. */
static void plan_credit_probe(RdtConn *c, uint64_t now_ps, bool no_credit)
{
    if (!no_credit || c->in_flight || c->idle_probe_now) {
        c->idle_probe_ps = RDT_NEVER_PS;
    } else if (c->idle_probe_ps == RDT_NEVER_PS) {
        c->idle_probe_ps = now_ps + c->cfg.params.probe_first_ps;
    }
}

static uint64_t idle_probe_at_ps(const RdtConn *c)
{
    uint64_t every_ps = c->cfg.params.keepalive_ps;

    return every_ps && !c->in_flight && !c->idle_probe_now &&
                   c->state != RDT_CLOSED
               ? MIN(c->idle_probe_ps, c->heard_ps + every_ps)
               : c->idle_probe_ps;
}

void rdt_conn_settle(RdtConn *c, uint64_t now_ps)
{
    bool no_credit = c->tx_admitted < c->tx_next;
    bool waits;

    if (c->state == RDT_DEAD) {
        return;
    }
    check_closed(c, now_ps);
    waits = c->in_flight || no_credit || c->lost_head < c->lost->len ||
            c->idle_probe_now ||
            (c->state == RDT_CLOSING && c->close_sent && !c->close_acked);
    if (waits && !c->waiting && c->heard_ps >= c->waiting_since_ps) {
        c->waiting_since_ps = now_ps;
    }
    c->waiting = waits;
    plan_credit_probe(c, now_ps, no_credit);
}

static uint64_t dead_at_ps(const RdtConn *c)
{
    return c->waiting
               ? MAX(c->heard_ps, c->waiting_since_ps) + c->cfg.params.dead_ps
               : RDT_NEVER_PS;
}

static uint64_t find_next_ps(RdtConn *c)
{
    uint64_t at_ps = RDT_NEVER_PS;

    if (c->state == RDT_DEAD) {
        return at_ps;
    }
    if (c->state == RDT_CLOSED && g_queue_is_empty(&c->ready)) {
        at_ps = c->linger_until_ps;
    }
    if (!c->spent) {
        at_ps = MIN(at_ps, c->ack_at_ps);
        at_ps = rdt_conn_paced(c) ? MIN(at_ps, c->pace_free_ps) : at_ps;
    }
    at_ps = MIN(at_ps, idle_probe_at_ps(c));
    at_ps = MIN(at_ps, dead_at_ps(c));
    return MIN(at_ps, rdt_path_next_ps(c));
}

static uint64_t conn_next_ps(RdtConn *c)
{
    if (!c->fresh) {
        c->next_ps = find_next_ps(c);
        c->fresh = true;
        c->quiet = false;
    }
    return c->next_ps;
}

uint64_t rdt_next_ps(const Rdt *r)
{
    uint64_t at_ps = RDT_NEVER_PS;

    for (guint i = 0; i < r->conns->len; i++) {
        at_ps = MIN(at_ps, conn_next_ps(g_ptr_array_index(r->conns, i)));
    }
    return at_ps;
}

/* false: it is gone. */
static bool conn_timer(RdtConn *c, uint64_t now_ps)
{
    if (c->state == RDT_CLOSED && now_ps >= c->linger_until_ps &&
        g_queue_is_empty(&c->ready)) {
        return false;
    }
    if (c->state == RDT_DEAD) {
        return true;
    }
    rdt_path_timers(c, now_ps);
    if (now_ps >= dead_at_ps(c)) {
        rdt_conn_die(c, now_ps, RDT_DEATH_SILENT);
        return true;
    }
    if (now_ps >= idle_probe_at_ps(c)) {
        c->idle_probe_now = true;
    }
    rdt_conn_settle(c, now_ps);
    return true;
}

void rdt_timer(Rdt *r, uint64_t now_ps)
{
    for (guint i = 0; i < r->conns->len;) {
        RdtConn *c = g_ptr_array_index(r->conns, i);

        if (conn_next_ps(c) > now_ps) {
            i++;
            continue;
        }
        c->fresh = false;
        if (conn_timer(c, now_ps)) {
            i++;
        } else {
            rdt_key_used(c);
            g_ptr_array_remove_index(r->conns, i);
            rdt_conn_free(c);
        }
    }
}

bool rdt_output(Rdt *r, uint64_t now_ps, RdtOut *out)
{
    for (guint i = 0; i < r->conns->len; i++) {
        guint at = (r->turn + i) % r->conns->len;
        RdtConn *c = g_ptr_array_index(r->conns, at);

        if (conn_next_ps(c) > now_ps && c->quiet) {
            continue;
        }
        c->fresh = false;
        if (rdt_conn_output(c, now_ps, out)) {
            r->turn = at + 1;
            rdt_conn_settle(c, now_ps);
            return true;
        }
        conn_next_ps(c);
        c->quiet = true;
    }
    return false;
}

/* ---- views -------------------------------------------------------------- */

const RdtStats *rdt_stats(const Rdt *r)
{
    return &r->stats;
}

bool rdt_view(const Rdt *r, uint32_t session, RdtView *ret)
{
    const RdtConn *c = rdt_conn(r, session);

    if (!c) {
        return false;
    }
    *ret = (RdtView){
        .state = c->state,
        .window_bytes = c->window,
        .in_flight_bytes = c->in_flight,
        .tx_waiting = (uint32_t)(c->tx_next - c->tx_base),
        .tx_bytes = c->tx_bytes,
        .rx_bytes_held = c->rx_held,
        .key_id = c->tx_key.key_id,
        .epoch = c->tx_key.epoch,
        .next_packet = rdt_next_packet(c, 0),
        .n_paths = c->cfg.params.n_paths,
        .peer = c->cfg.peer,
    };
    return true;
}

bool rdt_path_view(const Rdt *r, uint32_t session, uint32_t path,
                   RdtPathView *ret)
{
    const RdtConn *c = rdt_conn(r, session);
    const RdtPath *p;

    if (!c || path >= c->cfg.params.n_paths) {
        return false;
    }
    p = &c->path[path];
    *ret = (RdtPathView){
        .source_port = p->port,
        .state = p->state,
        .in_flight_bytes = p->in_flight,
        .window_bytes = p->window,
        .srtt_ps = p->srtt_ps,
        .rto_ps = rdt_path_rto_ps(c, p),
        .packets = p->packets,
        .marks = p->marks,
        .timeouts = p->all_timeouts,
    };
    return true;
}

uint32_t rdt_sessions(const Rdt *r, uint32_t *ids, uint32_t max)
{
    for (guint i = 0; i < r->conns->len && i < max; i++) {
        ids[i] = ((RdtConn *)g_ptr_array_index(r->conns, i))->cfg.local_id;
    }
    return r->conns->len;
}

const char *rdt_input_name(RdtInput result)
{
    static const char *const names[RDT_IN_RESULTS] = {
        "ok",     "short",  "version",   "kind",   "session",
        "key",    "old",    "replayed",  "forged", "malformed",
        "unsent", "credit", "duplicate", "gone",
    };

    return result < RDT_IN_RESULTS ? names[result] : "unknown";
}
