/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * serdes.h: link training of a switch's ports, as a state machine a port, and
 * the bit-error rate with which a link comes up.
 *
 *              enable                 lock
 *     DOWN ------------> TRAINING ------------> UP
 *      ^                  |  ^  |                |
 *      |   disable        |  |  | no lock in     | signal or lock lost
 *      +---- from all ----+  |  | `attempts`     |
 *                            |  v                |
 *                            | FAILED            |
 *            signal, retrain +---+---------------+
 *
 * An attempt begins when an enabled port sees a signal, takes training_ps and
 * locks if the error rate that the board leaves is at most the lane rate's
 * limit. Without a signal a port waits in TRAINING. So a port over its budget
 * fails to train, or, a little over it, comes up with bit errors; the owner
 * gives serdes_ber_e18() to whatever loses packets.
 *
 * A retimer, where one is fitted, stands in the middle of the trace: each half
 * has half the loss, and the errors of both halves add up.
 *
 * Sources: IEEE 802.3 clause 72 has the idea of training and its time limit of
 * 500 ms; all numbers here are choices and parameters. Not modelled: the
 * training frames, equaliser coefficients, auto-negotiation, lanes one by
 * one, the far end's transmitter (a signal is there or not).
 *
 * Sans I/O: instants come in as arguments, changes go out through one
 * callback. Not thread-safe.
 */
#ifndef OUTRIGGER_SWITCH_SERDES_H
#define OUTRIGGER_SWITCH_SERDES_H

#include "geometry.h"

#define SERDES_NEVER_PS UINT64_MAX

typedef enum SerdesState {
    SERDES_DOWN,
    SERDES_TRAINING,
    SERDES_UP,
    SERDES_FAILED,
    SERDES_N_STATES
} SerdesState;
const char *serdes_state_name(SerdesState state); /* down, training, ... */

typedef enum SerdesRetimers {
    SERDES_RETIMERS_NONE,   /* over-budget ports must live with it */
    SERDES_RETIMERS_NEEDED, /* one wherever the margin is negative */
} SerdesRetimers;

typedef struct SerdesConfig {
    uint64_t training_ps; /* one attempt; > 0 */
    uint32_t attempts;    /* before FAILED; > 0 */
    uint64_t limit_ber_e18[GEOMETRY_N_RATES];
    uint32_t retimer_delay_ps;
} SerdesConfig;

/* One port's board and state. Owners read; functions below write. */
typedef struct SerdesPort {
    /* the board */
    GeometryRate rate;
    int32_t loss_mdb, budget_mdb;
    uint32_t trace_delay_ps;
    bool retimer;
    /* a fault's extra loss */
    int32_t extra_mdb;
    /* the link */
    SerdesState state;
    bool enabled, signal;
    uint32_t attempt;     /* of this training, from 1; 0: none runs */
    uint64_t deadline_ps; /* end of the attempt; SERDES_NEVER_PS */
    /* counters since the beginning */
    uint32_t attempts, ups, downs, failures;
} SerdesPort;

typedef struct SerdesOps {
    /* From inside any call that takes an instant; must not call back. */
    void (*changed)(void *opaque, unsigned port, SerdesState from,
                    SerdesState to, uint64_t at_ps);
} SerdesOps;

typedef struct Serdes {
    SerdesConfig config;
    const SerdesOps *ops;
    void *opaque;
    unsigned n_ports;
    SerdesPort port[GEOMETRY_MAX_PORTS];
} Serdes;

/* 1 ms, 3 attempts, limits 10^-5 (NRZ) and 2.4 * 10^-4 (PAM4, what KP4 error
 * correction still mends), 5 ns a retimer. All choices. */
void serdes_config_default(SerdesConfig *c);

/* All ports down and disabled, with a signal, on the board @g. @ops is kept.
 * False: the configuration is wrong (*ret_err, a constant). */
bool serdes_init(Serdes *s, const SerdesConfig *c, const Geometry *g,
                 GeometryRate rate, SerdesRetimers retimers,
                 const SerdesOps *ops, void *opaque, const char **ret_err);

/* ---- what happens to a port; @now_ps never goes back ---- */

void serdes_enable(Serdes *s, unsigned port, bool on, uint64_t now_ps);
/* The far end sends, or does not (cable out, port down there). */
void serdes_signal(Serdes *s, unsigned port, bool present, uint64_t now_ps);
/* Begins again; not if disabled. */
void serdes_retrain(Serdes *s, unsigned port, uint64_t now_ps);
/* A fault: this much more loss from now on. A link whose errors then exceed
 * the limit loses its lock and trains again. */
void serdes_set_extra_loss(Serdes *s, unsigned port, int32_t mdb,
                           uint64_t now_ps);
/* A retimer is fitted or taken out: with the port disabled, else false. */
bool serdes_fit_retimer(Serdes *s, unsigned port, bool fitted);

/* The next end of an attempt; SERDES_NEVER_PS if none runs. */
uint64_t serdes_next_ps(const Serdes *s);
/* Everything up to and including @now_ps, in the order (instant, port). */
void serdes_run(Serdes *s, uint64_t now_ps);

/* ---- what a port is like ---- */

/* Budget less loss, of the worse half behind a retimer. */
int32_t serdes_margin_mdb(const SerdesPort *port);
/* Error rate of the link if it is or comes up, in 10^-18, before FEC. */
uint64_t serdes_ber_e18(const SerdesPort *port);
/* The same as -1000 log10, rounded down: 6308 for 4.9e-7; 65535 for none. */
uint32_t serdes_ber_exponent(const SerdesPort *port);
/* Board and retimer. */
uint32_t serdes_delay_ps(const Serdes *s, const SerdesPort *port);

/* ---- saving ---- */

/* State of all ports; config, board and ops are the owner's to restore. */
void serdes_save(const Serdes *s, GByteArray *out);
/* Into a Serdes initialised alike. False: *ret_err (g_malloc'ed) says why and
 * @s is untouched. No callback comes. */
bool serdes_load(Serdes *s, uint64_t now_ps, const uint8_t *data, size_t len,
                 char **ret_err);

#endif
