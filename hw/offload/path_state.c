/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_state.c: see path_state.h. Fields are read in the order in which they
 * are written, from the same lists.
 */
#include "path_state.h"

#include "path_fields.h"
#include "path_receiver.h"

#include <stdlib.h>
#include <string.h>

#define STATE_MAGIC 0x48544131u /* "1ATH" */
#define STATE_VERSION 1u

#define SENDER_FIELDS(X) \
    X(paths)             \
    X(random)            \
    X(sequence)          \
    X(value)             \
    X(left)              \
    X(change_at_ps)      \
    X(cursor)            \
    X(drawn)             \
    X(last_value)        \
    X(enabled)           \
    X(holding)           \
    X(fresh)             \
    X(clear_ps)          \
    X(disabled_ps)       \
    X(backoff)           \
    X(last_ps)           \
    X(probe_at_ps)       \
    X(probe_cursor)      \
    X(rate_bps)          \
    X(free_ps)           \
    X(step_at_ps)        \
    X(base_delay_ps)     \
    X(reps_n)            \
    X(reps_at)           \
    X(reps_known)        \
    X(reps_next)         \
    X(reps_frozen_ps)

#define ECHO_FIELDS(X) \
    X(echo.packets)    \
    X(echo.marked)     \
    X(echo.byte_end)   \
    X(echo.lost_bytes) \
    X(echo.delay_ps)

#define VALUE_FIELDS(X) \
    X(sent_bytes)       \
    X(done_bytes)       \
    X(packets)          \
    X(used_ps)          \
    X(news_ps)          \
    X(avoid_until_ps)   \
    X(acked)            \
    X(marked)           \
    X(lost_bytes)       \
    X(delay_ps)         \
    X(echo_known)       \
    X(generation)       \
    X(round_end_ps)     \
    X(round_packets)    \
    X(round_marked)     \
    X(rounds)           \
    ECHO_FIELDS(X)

#define FLOW_FIELDS(X) \
    X(hash)            \
    X(generation)      \
    X(last_ps)         \
    X(bytes)           \
    X(value)

#define ORDER_FIELDS(X) \
    X(begun)            \
    X(next)             \
    X(highest)          \
    X(flush)            \
    X(flush_to)

#define PUT(field) state_put_u64(out, at->field);
#define GET(field)                                  \
    {                                               \
        uint64_t got = state_get_u64(r);            \
                                                    \
        at->field = got;                            \
        if ((uint64_t)at->field != got) {           \
            state_fail(r, "%s: too large", #field); \
        }                                           \
    }
#define PUT_COUNTER(field) PUT(stats.field)
#define GET_COUNTER(field) GET(stats.field)

/* ---- configuration ---------------------------------------------------------- */

void path_config_save(const PathConfig *c, GByteArray *out)
{
    const PathConfig *at = c;

    PATH_CONFIG_FIELDS(PUT, PUT)
}

bool path_config_load(PathConfig *ret, StateReader *r)
{
    PathConfig *at = ret;
    const char *why;

    memset(ret, 0, sizeof(*ret));
    PATH_CONFIG_FIELDS(GET, GET)
    why = state_ok(r) ? path_config_problem(ret) : NULL;
    if (why) {
        state_fail(r, "balancing: %s", why);
    }
    return state_ok(r);
}

/* ---- sender ----------------------------------------------------------------- */

void path_sender_save(const PathSender *s, GByteArray *out)
{
    size_t mark = state_begin(out, STATE_MAGIC, STATE_VERSION);

    {
        const PathSender *at = s;

        SENDER_FIELDS(PUT)
        PATH_COUNTERS(PUT_COUNTER)
    }
    for (unsigned i = 0; i < PATH_REPS_MAX; i++) {
        state_put_u16(out, s->reps[i]);
    }
    for (unsigned i = 0; i < s->values; i++) {
        const PathValue *at = &s->v[i];

        VALUE_FIELDS(PUT)
        state_put_u16(out, s->score[i]);
        state_put_u16(out, s->port[i]);
    }
    for (unsigned i = 0; i < s->c->flows; i++) {
        const PathFlow *at = &s->flow[i];

        state_put_u8(out, at->used);
        if (at->used) {
            FLOW_FIELDS(PUT)
        }
    }
    state_end(out, mark);
}

static void load_value(PathSender *s, unsigned i, uint64_t now_ps,
                       StateReader *r)
{
    const PathConfig *c = s->c;
    PathValue *at = &s->v[i];

    VALUE_FIELDS(GET)
    at->echo.value = (uint8_t)i;
    s->score[i] = state_get_u16(r);
    s->port[i] = state_get_u16(r);
    s->sum += s->score[i];
    s->n_full += s->score[i] >= c->reduce_score;
    s->n_bad += s->policy == PATH_CONGESTION && s->score[i] >= c->disable_score;
    if (at->done_bytes > at->sent_bytes || at->used_ps > now_ps ||
        at->news_ps > now_ps || s->port[i] < PATH_FIRST_PORT ||
        path_value_of_port(s, s->port[i]) != (int)i) {
        state_fail(r, "a value of a path that cannot be");
    }
}

static void load_flows(PathSender *s, uint64_t now_ps, StateReader *r)
{
    for (unsigned i = 0; i < s->c->flows && state_ok(r); i++) {
        PathFlow *at = &s->flow[i];

        at->used = state_get_bool(r, "flow");
        if (at->used) {
            FLOW_FIELDS(GET)
        }
        if (at->value >= s->values || at->last_ps > now_ps) {
            state_fail(r, "a flow that cannot be");
        }
    }
}

/* What other code relies on. */
static bool sender_valid(const PathSender *s, uint64_t now_ps)
{
    unsigned entries = s->c->reps_entries;
    bool reps = s->policy == PATH_REPS;

    for (unsigned i = 0; i < PATH_REPS_MAX; i++) {
        if (s->reps[i] >= s->values) {
            return false;
        }
    }
    return s->value < s->values && s->cursor < s->values &&
           s->last_value < s->values && s->probe_cursor < s->values &&
           s->backoff <= s->c->disable_backoff && s->last_ps <= now_ps &&
           s->clear_ps <= now_ps && s->disabled_ps <= now_ps &&
           s->rate_bps <= s->c->line_bps &&
           (!s->rate_bps || s->rate_bps >= s->c->min_bps) &&
           s->free_ps <= now_ps + 100000000000000ull &&
           (reps ? s->reps_n <= entries && s->reps_at < entries &&
                       s->reps_known <= entries
                 : !s->reps_n && !s->reps_known);
}

PathSender *path_sender_load(const PathConfig *c, uint64_t now_ps,
                             StateReader *r)
{
    PathSender *s = path_sender_new(c, 0, 0);
    StateReader *outer = r, sub;

    if (state_get_section(r, STATE_MAGIC, STATE_VERSION, &sub)) {
        PathSender *at = s;

        r = &sub;
        SENDER_FIELDS(GET)
        PATH_COUNTERS(GET_COUNTER)
        s->policy = s->paths == 1 ? PATH_ECMP : c->policy;
        for (unsigned i = 0; i < PATH_REPS_MAX; i++) {
            s->reps[i] = state_get_u16(r);
        }
        memset(s->port, 0, c->values * sizeof(*s->port));
        for (unsigned i = 0; i < s->values && state_ok(r); i++) {
            load_value(s, i, now_ps, r);
        }
        load_flows(s, now_ps, r);
        if (state_ok(r) && !sender_valid(s, now_ps)) {
            state_fail(r, "a sender that cannot be");
        }
    }
    if (!state_leave(outer, &sub, NULL)) {
        path_sender_free(s);
        return NULL;
    }
    return s;
}

/* ---- receiver --------------------------------------------------------------- */

void path_receiver_save(const PathReceiver *v, GByteArray *out)
{
    size_t mark = state_begin(out, STATE_MAGIC, STATE_VERSION);
    unsigned n = v->first;

    for (unsigned i = 0; i < PATH_MAX_VALUES; i++) {
        const PathReceiverValue *at = &v->v[i];

        state_put_u8(out, at->begun);
        if (at->begun) {
            ECHO_FIELDS(PUT)
        }
    }
    state_put_u64(out, v->due_ps);
    state_put_u32(out, v->n_waiting);
    for (unsigned i = 0; i < v->n_waiting; i++) {
        state_put_u16(out, (uint16_t)n);
        state_put_u32(out, v->v[n].news);
        state_put_u64(out, v->v[n].since_ps);
        n = v->v[n].next;
    }
    state_end(out, mark);
}

/* The list of those that wait. */
static void load_waiting(PathReceiver *v, uint64_t now_ps, StateReader *r)
{
    v->n_waiting = state_get_u32_max(r, PATH_MAX_VALUES, "echoes");
    for (unsigned i = 0; i < v->n_waiting && state_ok(r); i++) {
        unsigned n = state_get_u16(r);
        PathReceiverValue *at;

        if (n >= PATH_MAX_VALUES || v->v[n].news || !v->v[n].begun) {
            state_fail(r, "an echo that cannot be");
            return;
        }
        at = &v->v[n];
        at->news = state_get_u32(r);
        at->since_ps = state_get_u64(r);
        at->next = PATH_NO_VALUE;
        if (!at->news || at->since_ps > now_ps) {
            state_fail(r, "an echo of nothing");
        }
        v->n_full += v->c->echo_packets && at->news >= v->c->echo_packets;
        if (i) {
            v->v[v->last].next = (uint16_t)n;
        } else {
            v->first = (uint16_t)n;
        }
        v->last = (uint16_t)n;
    }
}

PathReceiver *path_receiver_load(const PathConfig *c, uint64_t now_ps,
                                 StateReader *r)
{
    PathReceiver *v = path_receiver_new(c, 0);
    StateReader *outer = r, sub;

    if (state_get_section(r, STATE_MAGIC, STATE_VERSION, &sub)) {
        r = &sub;
        for (unsigned i = 0; i < PATH_MAX_VALUES && state_ok(r); i++) {
            PathReceiverValue *at = &v->v[i];

            at->begun = state_get_bool(r, "value");
            if (at->begun) {
                ECHO_FIELDS(GET)
            }
        }
        v->due_ps = state_get_u64(r);
        load_waiting(v, now_ps, r);
        if (!v->n_waiting && v->due_ps != PATH_NEVER) {
            state_fail(r, "an echo of nothing is due");
        }
    }
    if (!state_leave(outer, &sub, NULL)) {
        path_receiver_free(v);
        return NULL;
    }
    return v;
}

/* ---- sequencing ------------------------------------------------------------- */

static void save_item(const PathHeldItem *h, GByteArray *out,
                      void (*save)(const void *item, GByteArray *out))
{
    state_put_u32(out, h->sequence);
    state_put_u32(out, h->bytes);
    state_put_u64(out, h->arrive_ps);
    save(h->item, out);
}

/* What is held, in the order of arrival. */
static void save_held(const PathOrder *o, GByteArray *out,
                      void (*save)(const void *item, GByteArray *out))
{
    state_put_u32(out, o->n_held);
    for (uint32_t i = 0; i < o->age_n; i++) {
        uint32_t sequence = o->age[(o->age_head + i) & (o->slots - 1)];
        const PathHeldItem *h = &o->held[sequence & (o->slots - 1)];

        if (h->item && h->sequence == sequence) {
            save_item(h, out, save);
        }
    }
}

void path_order_save(const PathOrder *o, GByteArray *out,
                     void (*save)(const void *item, GByteArray *out))
{
    size_t mark = state_begin(out, STATE_MAGIC, STATE_VERSION);
    const PathOrder *at = o;

    ORDER_FIELDS(PUT)
    PATH_ORDER_COUNTERS(PUT_COUNTER)
    for (unsigned i = 0; i < PATH_SEEN_BITS / 64; i++) {
        state_put_u64(out, o->seen[i]);
    }
    save_held(o, out, save);
    state_put_u8(out, o->far.item != NULL);
    if (o->far.item) {
        save_item(&o->far, out, save);
    }
    state_end(out, mark);
}

static void load_item(PathHeldItem *h, uint64_t now_ps,
                      void *(*load)(uint32_t bytes, StateReader *r),
                      StateReader *r)
{
    h->sequence = state_get_u32(r);
    h->bytes = state_get_u32(r);
    h->arrive_ps = state_get_u64(r);
    if (h->arrive_ps > now_ps) {
        state_fail(r, "a held frame of the future");
    }
    h->item = state_ok(r) ? load(h->bytes, r) : NULL;
}

static void load_held(PathOrder *o, uint64_t now_ps,
                      void *(*load)(uint32_t bytes, StateReader *r),
                      StateReader *r)
{
    uint32_t n = state_get_u32_max(r, o->slots / 2, "held frames");

    for (uint32_t i = 0; i < n && state_ok(r); i++) {
        PathHeldItem h = { 0 }, *to;
        uint32_t ahead;

        load_item(&h, now_ps, load, r);
        if (!h.item) {
            state_fail(r, "a held frame");
            return;
        }
        to = &o->held[h.sequence & (o->slots - 1)];
        ahead = h.sequence - o->next;
        if (to->item || ahead >= o->slots) {
            o->free_item(h.item);
            state_fail(r, "a held frame in no gap");
            return;
        }
        *to = h;
        o->n_held++;
        o->held_bytes += h.bytes;
        o->age[o->age_n++] = h.sequence;
    }
}

PathOrder *path_order_load(const PathConfig *c, uint64_t now_ps,
                           void (*free_item)(void *),
                           void *(*load)(uint32_t bytes, StateReader *r),
                           StateReader *r)
{
    PathOrder *o = path_order_new(c, free_item);
    StateReader *outer = r, sub;

    if (state_get_section(r, STATE_MAGIC, STATE_VERSION, &sub)) {
        PathOrder *at = o;

        r = &sub;
        ORDER_FIELDS(GET)
        PATH_ORDER_COUNTERS(GET_COUNTER)
        for (unsigned i = 0; i < PATH_SEEN_BITS / 64; i++) {
            o->seen[i] = state_get_u64(r);
        }
        load_held(o, now_ps, load, r);
        if (state_get_bool(r, "far frame") && state_ok(r)) {
            load_item(&o->far, now_ps, load, r);
            if (!o->far.item) {
                state_fail(r, "a held frame");
            }
        }
    }
    if (!state_leave(outer, &sub, NULL)) {
        path_order_free(o);
        return NULL;
    }
    return o;
}
