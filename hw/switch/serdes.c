/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * serdes.c: link training (see serdes.h).
 */
#include "serdes.h"

#include "state_buf.h"

#include <math.h>

#define SAVE_MAGIC 0x53445345u /* "ESDS" */
#define SAVE_VERSION 1
#define MAX_EXTRA_MDB 100000

const char *serdes_state_name(SerdesState state)
{
    static const char *const names[SERDES_N_STATES] = { "down", "training",
                                                        "up", "failed" };

    return names[state];
}

void serdes_config_default(SerdesConfig *c)
{
    *c = (SerdesConfig){
        .training_ps = 1000000000ull,
        .attempts = 3,
        .limit_ber_e18 = { 10000000000000ull, 10000000000000ull,
                           240000000000000ull, 240000000000000ull },
        .retimer_delay_ps = 5000,
    };
}

bool serdes_init(Serdes *s, const SerdesConfig *c, const Geometry *g,
                 GeometryRate rate, SerdesRetimers retimers,
                 const SerdesOps *ops, void *opaque, const char **ret_err)
{
    if (c->training_ps == 0 || c->training_ps > SERDES_NEVER_PS / 2 ||
        c->attempts == 0) {
        *ret_err = "training needs a time and at least one attempt";
        return false;
    }
    *s = (Serdes){
        .config = *c, .ops = ops, .opaque = opaque, .n_ports = g->n_ports
    };
    for (unsigned i = 0; i < g->n_ports; i++) {
        const GeometryLane *lane = &g->port[i].lane[rate];

        s->port[i] = (SerdesPort){
            .rate = rate,
            .loss_mdb = lane->loss_mdb,
            .budget_mdb = g->params.budget_mdb[rate],
            .trace_delay_ps = g->port[i].delay_ps,
            .retimer = lane->retimer && retimers == SERDES_RETIMERS_NEEDED,
            .signal = true,
            .deadline_ps = SERDES_NEVER_PS,
        };
    }
    return true;
}

/* ---- the board ---- */

int32_t serdes_margin_mdb(const SerdesPort *port)
{
    int32_t loss = port->loss_mdb + port->extra_mdb;

    return port->budget_mdb - (port->retimer ? (loss + 1) / 2 : loss);
}

uint64_t serdes_ber_e18(const SerdesPort *port)
{
    uint64_t ber = geometry_ber_e18(port->rate, serdes_margin_mdb(port));

    return port->retimer ? 2 * ber : ber;
}

uint32_t serdes_ber_exponent(const SerdesPort *port)
{
    uint64_t ber = serdes_ber_e18(port);

    /* Three digits go in, so a last bit of log10 never shows. */
    return ber ? (uint32_t)(18000 - 1000 * log10((double)ber) + 1e-6) : 65535;
}

uint32_t serdes_delay_ps(const Serdes *s, const SerdesPort *port)
{
    return port->trace_delay_ps +
           (port->retimer ? s->config.retimer_delay_ps : 0);
}

static bool can_lock(const Serdes *s, const SerdesPort *port)
{
    return serdes_ber_e18(port) <= s->config.limit_ber_e18[port->rate];
}

/* ---- the state machine ---- */

static void go(Serdes *s, unsigned i, SerdesState to, uint64_t now_ps)
{
    SerdesPort *port = &s->port[i];
    SerdesState from = port->state;

    if (from == to) {
        return;
    }
    port->state = to;
    port->ups += to == SERDES_UP;
    port->downs += from == SERDES_UP;
    port->failures += to == SERDES_FAILED;
    if (s->ops && s->ops->changed) {
        s->ops->changed(s->opaque, i, from, to, now_ps);
    }
}

static void stop_attempt(SerdesPort *port)
{
    port->attempt = 0;
    port->deadline_ps = SERDES_NEVER_PS;
}

static void begin_attempt(Serdes *s, SerdesPort *port, uint64_t now_ps)
{
    port->attempt++;
    port->attempts++;
    port->deadline_ps = now_ps + s->config.training_ps;
}

/* From the beginning: waits for a signal, or trains at once. */
static void train(Serdes *s, unsigned i, uint64_t now_ps)
{
    SerdesPort *port = &s->port[i];

    stop_attempt(port);
    go(s, i, SERDES_TRAINING, now_ps);
    if (port->signal) {
        begin_attempt(s, port, now_ps);
    }
}

void serdes_enable(Serdes *s, unsigned i, bool on, uint64_t now_ps)
{
    SerdesPort *port = &s->port[i];

    if (port->enabled == on) {
        return;
    }
    port->enabled = on;
    if (on) {
        train(s, i, now_ps);
    } else {
        stop_attempt(port);
        go(s, i, SERDES_DOWN, now_ps);
    }
}

void serdes_signal(Serdes *s, unsigned i, bool present, uint64_t now_ps)
{
    SerdesPort *port = &s->port[i];

    if (port->signal == present) {
        return;
    }
    port->signal = present;
    if (port->enabled) {
        train(s, i, now_ps);
    }
}

void serdes_retrain(Serdes *s, unsigned i, uint64_t now_ps)
{
    if (s->port[i].enabled) {
        train(s, i, now_ps);
    }
}

void serdes_set_extra_loss(Serdes *s, unsigned i, int32_t mdb, uint64_t now_ps)
{
    SerdesPort *port = &s->port[i];

    port->extra_mdb = CLAMP(mdb, 0, MAX_EXTRA_MDB);
    if (port->state == SERDES_UP && !can_lock(s, port)) {
        train(s, i, now_ps);
    }
}

bool serdes_fit_retimer(Serdes *s, unsigned i, bool fitted)
{
    if (s->port[i].enabled) {
        return false;
    }
    s->port[i].retimer = fitted;
    return true;
}

static void end_attempt(Serdes *s, unsigned i)
{
    SerdesPort *port = &s->port[i];
    uint64_t at_ps = port->deadline_ps;

    port->deadline_ps = SERDES_NEVER_PS;
    if (can_lock(s, port)) {
        stop_attempt(port);
        go(s, i, SERDES_UP, at_ps);
    } else if (port->attempt < s->config.attempts) {
        begin_attempt(s, port, at_ps);
    } else {
        stop_attempt(port);
        go(s, i, SERDES_FAILED, at_ps);
    }
}

static unsigned first_deadline(const Serdes *s)
{
    unsigned first = 0;

    for (unsigned i = 1; i < s->n_ports; i++) {
        if (s->port[i].deadline_ps < s->port[first].deadline_ps) {
            first = i;
        }
    }
    return first;
}

uint64_t serdes_next_ps(const Serdes *s)
{
    return s->port[first_deadline(s)].deadline_ps;
}

void serdes_run(Serdes *s, uint64_t now_ps)
{
    for (unsigned i = first_deadline(s);
         s->port[i].deadline_ps != SERDES_NEVER_PS &&
         s->port[i].deadline_ps <= now_ps;
         i = first_deadline(s)) {
        end_attempt(s, i);
    }
}

/* ---- saving ---- */

void serdes_save(const Serdes *s, GByteArray *out)
{
    size_t mark = state_begin(out, SAVE_MAGIC, SAVE_VERSION);

    state_put_u16(out, s->n_ports);
    for (unsigned i = 0; i < s->n_ports; i++) {
        const SerdesPort *port = &s->port[i];

        state_put_u8(out, port->state);
        state_put_u8(out, port->enabled);
        state_put_u8(out, port->signal);
        state_put_u8(out, port->retimer);
        state_put_u32(out, port->extra_mdb);
        state_put_u32(out, port->attempt);
        state_put_u64(out, port->deadline_ps);
        state_put_u32(out, port->attempts);
        state_put_u32(out, port->ups);
        state_put_u32(out, port->downs);
        state_put_u32(out, port->failures);
    }
    state_end(out, mark);
}

/* What no sequence of calls can lead to. */
static bool consistent(const Serdes *s, const SerdesPort *port, uint64_t now_ps)
{
    bool runs = port->deadline_ps != SERDES_NEVER_PS;

    if (runs && (now_ps > SERDES_NEVER_PS - s->config.training_ps ||
                 port->deadline_ps > now_ps + s->config.training_ps)) {
        return false;
    }
    if (port->state >= SERDES_N_STATES || runs != (port->attempt > 0) ||
        port->attempt > s->config.attempts ||
        port->enabled == (port->state == SERDES_DOWN)) {
        return false;
    }
    switch (port->state) {
    case SERDES_TRAINING:
        return runs == port->signal;
    case SERDES_UP:
        return !runs && port->signal && can_lock(s, port);
    case SERDES_FAILED:
        return !runs && port->signal;
    default:
        return !runs;
    }
}

static void load_port(StateReader *r, const Serdes *s, SerdesPort *port,
                      uint64_t now_ps)
{
    port->state = state_get_u8(r);
    port->enabled = state_get_bool(r, "enabled");
    port->signal = state_get_bool(r, "signal");
    port->retimer = state_get_bool(r, "retimer");
    port->extra_mdb = state_get_u32_max(r, MAX_EXTRA_MDB, "extra loss");
    port->attempt = state_get_u32(r);
    port->deadline_ps = state_get_u64(r);
    port->attempts = state_get_u32(r);
    port->ups = state_get_u32(r);
    port->downs = state_get_u32(r);
    port->failures = state_get_u32(r);
    if (state_ok(r) && !consistent(s, port, now_ps)) {
        state_fail(r, "SerDes: a port's state, attempt and signal disagree");
    }
}

bool serdes_load(Serdes *s, uint64_t now_ps, const uint8_t *data, size_t len,
                 char **ret_err)
{
    g_autofree Serdes *fresh = g_new(Serdes, 1);
    StateReader r, sub;

    *ret_err = NULL;
    *fresh = *s;
    state_reader_init(&r, data, len);
    if (state_get_section(&r, SAVE_MAGIC, SAVE_VERSION, &sub)) {
        if (state_get_u16(&sub) != s->n_ports) {
            state_fail(&sub, "SerDes: another number of ports");
        }
        for (unsigned i = 0; state_ok(&sub) && i < s->n_ports; i++) {
            load_port(&sub, s, &fresh->port[i], now_ps);
        }
    }
    state_leave(&r, &sub, NULL);
    if (!state_reader_finish(&r, ret_err)) {
        return false;
    }
    *s = *fresh;
    return true;
}
