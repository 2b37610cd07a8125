/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path.h: path balancing: which encapsulation value (UDP source port of the
 * outer header) the next packet to a peer card gets, from what that peer
 * says about the packets before. docs/path-balancing.md is its page.
 *
 * Sans I/O, no GLib, no clock, no wall time: the caller passes simulated
 * picoseconds that never decrease, and the seed. Cards of full hosts and
 * modelled hosts use the same code. One object belongs to one thread.
 *
 *   PathSender    per (function, peer card), or per flow of a modelled host
 *       path_admit_ps   when may this packet go (cap, reduced rate)?
 *       path_choose     it goes: value, port, sequence numbers
 *       path_feedback   what became of packets of one value
 *       path_echo_apply the same, from the cumulative counters of a PathEcho
 *       path_notify     a switch says that the path of a value is congested
 *   PathReceiver  per (function, peer card): counts per value, makes PathEcho
 *   PathOrder     per (function, peer card): sequencing and reorder counts
 *
 * Routers hash the outer header, so one value is one path. What is not known
 * is which: two values may share a path, or parts of one.
 *
 * Policies:
 *   ecmp        each flow has its home value, a function of its hash
 *   spray       every change_packets packets or change_ps: another value
 *   flowlet     a flow takes a random value after a gap (LetFlow, NSDI 2017)
 *   plb         a flow leaves a value that was congested for plb_rounds
 *               rounds, to a random one (PLB, SIGCOMM 2022)
 *   reps        values that came back without a mark are used again, oldest
 *               first; else a random one (REPS, arXiv 2407.21625)
 *   congestion  home values until congestion is seen; then, as spray does,
 *               but the better one of two random values or the best one
 *               known, avoiding bad ones; home again after disable_hold_ps
 *               without congestion
 *
 * Scores: 0 (no congestion) to 65535, per value, an exponentially weighted
 * moving average over its feedback. A sample is the largest of the selected
 * inputs: share of marked packets; share of lost packets; delay above the
 * lowest ever seen from that peer, in parts of delay_full_ps. A notification
 * sets the score itself.
 *
 * Sources: US10225193B2, US9509616B1, US9491098B1, US10038741B1 (mechanism),
 * the papers above; all numbers in path_config_default are choices, unless
 * it says otherwise.
 *
 * Not modelled: learning which values share a path; re-drawing the ports.
 */
#ifndef OUTRIGGER_PATH_H
#define OUTRIGGER_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_MAX_VALUES 256u
#define PATH_MAX_FLOWS 1024u
#define PATH_FIRST_PORT 49152u /* 2^14 ports from here: IANA's dynamic ones */
#define PATH_NEVER UINT64_MAX
#define PATH_NO_DELAY UINT64_MAX
#define PATH_SCORE_MAX 65535u

typedef enum PathPolicy {
    PATH_ECMP = 0,
    PATH_SPRAY,
    PATH_FLOWLET,
    PATH_CONGESTION,
    PATH_PLB,
    PATH_REPS,
    PATH_POLICIES
} PathPolicy;

/* Inputs of the scores, a mask. */
#define PATH_INPUT_ECN 0x1u
#define PATH_INPUT_DELAY 0x2u
#define PATH_INPUT_LOSS 0x4u
#define PATH_INPUT_NOTIFY 0x8u
#define PATH_INPUTS 0xfu

typedef enum PathPick {
    PATH_PICK_TWO_CHOICE = 0, /* the better one of two random values */
    PATH_PICK_EPSILON,        /* the best; with probability epsilon: random */
    PATH_PICKS
} PathPick;

/* Which values are used while all of them are congested. */
typedef enum PathHold {
    PATH_HOLD_FLOW = 0, /* each flow's home value */
    PATH_HOLD_ROTATE,   /* one after the other, whatever their scores */
    PATH_HOLDS
} PathHold;

/* Shared by any number of objects; borrowed, must outlive them. */
typedef struct PathConfig {
    PathPolicy policy;
    unsigned values; /* M: 1 to PATH_MAX_VALUES */
    /* spray, congestion: a value serves so many packets or so long, whichever
     * ends first; 0: that limit is off, not both. */
    uint32_t change_packets;
    uint64_t change_ps;
    bool round_robin;        /* spray: values in turn, not random ones */
    uint64_t flowlet_gap_ps; /* flowlet */

    unsigned inputs;     /* PATH_INPUT_*, not 0 with congestion, plb */
    unsigned ewma_shift; /* weight of one packet: 1 / 2^this; 0 to 15 */
    uint64_t delay_full_ps;
    uint16_t enable_score, disable_score; /* the worst value used; on > off */
    uint64_t disable_hold_ps; /* and at once after as long without traffic */
    /* Congestion that comes back within the hold time doubles it, at most so
     * many times: collisions of home values do not return all the time. */
    unsigned disable_backoff; /* 0 to 16 */
    uint64_t min_flow_bytes;  /* smaller flows stay at their home value */
    uint16_t share;           /* of 65535: packets that are balanced */
    PathPick pick;
    uint16_t epsilon; /* of 65535 */
    /* two-choice: scores that differ by less than this are chosen by chance, the
     * lower one more often, in proportion; 0: always the lower one. It makes
     * feedback that comes late less violent. */
    uint16_t dither;
    uint16_t avoid_score; /* from here a value is avoided; 65535: never */
    uint64_t avoid_ps;    /* so long */
    uint64_t probe_ps;    /* a value unused so long gets a packet; 0: none */

    /* Transmit control; 0 and 65535: off */
    uint64_t cap_bytes; /* outstanding, per value */
    bool cap_balanced;  /* congestion: no cap while balancing is off, when one
                        * value has to do for all */
    uint64_t cap_timeout_ps; /* without news they count as lost */
    uint16_t reduce_score;   /* all values at or above it: reduce; 65535: off */
    uint64_t line_bps;       /* of the sender, with its rate reduction */
    uint64_t min_bps;
    uint64_t reduce_ps;     /* at most one step each such time */
    uint16_t reduce_factor; /* of 65535: the part taken away by a step, times
                             * the mean score */
    uint64_t raise_bps;     /* and what a step without congestion gives back */
    PathHold hold;

    uint16_t plb_score;      /* share of marks that makes a round congested */
    unsigned plb_rounds;     /* such rounds in a row */
    uint64_t plb_round_ps;   /* length of a round: about a round trip */
    unsigned reps_entries;   /* 1 to 16 */
    uint64_t reps_freeze_ps; /* after a loss only known values are used */

    /* flowlet, plb, min_flow_bytes: flows that are told apart, a power of 2,
     * 1 to PATH_MAX_FLOWS; others share an entry */
    unsigned flows;

    /* Receiver: echoes of a value, once so many packets or so long after the
     * first not echoed; marks and losses are told at the next occasion. */
    uint32_t echo_packets;
    uint64_t echo_ps;

    /* Sequencing at the receiver */
    bool sequencing;
    uint64_t gap_ps;        /* how long a gap is waited for */
    uint32_t order_packets; /* held at most: 1 to 4096 */
    uint32_t order_bytes;
} PathConfig;

/* @policy with usable numbers for everything else; see path_config.c. */
PathConfig path_config_default(PathPolicy policy);
/* NULL, or one line that names the field and what is wrong with it. */
const char *path_config_problem(const PathConfig *c);
/* "ecmp", "spray", "flowlet", "congestion", "plb", "reps"; NULL: no such. */
const char *path_policy_name(PathPolicy policy);
/* false: no policy of that name */
bool path_policy_parse(const char *name, PathPolicy *ret);

/* ---- sender ----------------------------------------------------------------- */

typedef struct PathSender PathSender;

typedef struct PathChoice {
    uint16_t value;    /* 0 to values - 1 */
    uint16_t port;     /* UDP source port */
    uint32_t sequence; /* of the peer, counts packets from 0, wraps */
    uint32_t byte_end; /* of the value: bytes sent with it, this packet
                         * included, wraps */
} PathChoice;

/* What became of packets of one value. */
typedef struct PathFeedback {
    unsigned value;
    uint32_t packets;    /* arrived since the last feedback */
    uint32_t marked;     /* of them */
    uint64_t bytes;      /* of them, as given to path_choose */
    uint32_t lost;       /* packets that never arrived */
    uint64_t lost_bytes; /* of them */
    uint64_t delay_ps;   /* one way; PATH_NO_DELAY: not known */
} PathFeedback;

/*
 * @paths: how many physical paths the control plane knows of; with 1 (same
 * rack, single path) the policy is ecmp, whatever @c says. @seed: any number;
 * ports and all random draws come from it, so give every sender its own.
 * NULL only when memory is out. @c must have no problem.
 */
PathSender *path_sender_new(const PathConfig *c, unsigned paths, uint64_t seed);
void path_sender_free(PathSender *s); /* NULL is fine */

/*
 * The packet of @bytes of flow @flow_hash (any well mixed 32 bits) goes now.
 * About 10 ns. Ask path_admit_ps first when caps or rate reduction are on;
 * path_choose itself refuses nothing.
 */
PathChoice path_choose(PathSender *s, uint64_t now_ps, uint32_t flow_hash,
                       uint32_t bytes);
/*
 * The earliest instant (>= @now_ps) at which that packet may go. When a cap
 * is what stops it, feedback may bring it forward: ask again after each.
 */
uint64_t path_admit_ps(const PathSender *s, uint64_t now_ps, uint32_t flow_hash,
                       uint32_t bytes);
/* Ignores a value that does not exist. */
void path_feedback(PathSender *s, uint64_t now_ps, const PathFeedback *f);
/* For a value that has a switch on its path that is congested. */
void path_notify(PathSender *s, uint64_t now_ps, unsigned value);

/* The number that the next packet gets. */
uint32_t path_sequence(const PathSender *s);
uint16_t path_port(const PathSender *s, unsigned value);
/* The value with that port; -1: none. */
int path_value_of_port(const PathSender *s, uint16_t port);
/* The value that this flow has without congestion. */
unsigned path_home(const PathSender *s, uint32_t flow_hash);

typedef struct PathValueStats {
    uint64_t packets, bytes;            /* sent */
    uint64_t acked, marked, lost_bytes; /* packets told of, of them marked */
    uint64_t delay_ps;    /* of the newest feedback; PATH_NO_DELAY: none */
    uint64_t outstanding; /* bytes */
    uint16_t score;
    uint16_t port;
    bool avoided;
} PathValueStats;

typedef struct PathStats {
    uint64_t packets;
    uint64_t value_changes;     /* packets with another value than the packet
                             * before, of the flow or the sender */
    uint64_t enables, disables; /* congestion: balancing switched */
    uint64_t probes, avoids, notifications;
    uint64_t reductions; /* steps of the total rate downwards */
    uint64_t cap_timeouts;
    uint64_t bad_echoes; /* path_echo_apply said false */
    uint64_t rate_bps;   /* now; 0: not reduced */
    bool enabled;        /* congestion: balancing is on at the asked instant */
    bool reduced;        /* all values are congested, or were a moment ago */
} PathStats;

/* Only for speed: fetches what the next echo of @value will touch. */
void path_sender_prefetch(const PathSender *s, unsigned value);
PathStats path_stats(const PathSender *s, uint64_t now_ps);
PathValueStats path_value_stats(const PathSender *s, unsigned value,
                                uint64_t now_ps);

/* ---- receiver --------------------------------------------------------------- */

/* Counters of one value since the receiver began, all wrap. */
typedef struct PathEcho {
    uint8_t value;
    uint32_t packets, marked;
    uint32_t byte_end;   /* the highest byte_end that arrived */
    uint32_t lost_bytes; /* gaps before it */
    uint64_t delay_ps;   /* lowest since the last echo; PATH_NO_DELAY: none */
} PathEcho;

typedef struct PathReceiver PathReceiver;

PathReceiver *path_receiver_new(const PathConfig *c, uint64_t seed);
void path_receiver_free(PathReceiver *r);
/* A packet of @bytes has arrived; @delay_ps or PATH_NO_DELAY. */
void path_received(PathReceiver *r, uint64_t now_ps, unsigned value,
                   uint32_t byte_end, uint32_t bytes, bool marked,
                   uint64_t delay_ps);
/* Only for speed: fetches what the next packet of @value will touch. */
void path_receiver_prefetch(const PathReceiver *r, unsigned value);
/* When an echo must go without waiting for a packet to ride on. */
uint64_t path_echo_due_ps(const PathReceiver *r);
/*
 * The echo of the value that has waited longest, for a packet that leaves
 * now. false: there is no news.
 */
bool path_echo_take(PathReceiver *r, uint64_t now_ps, PathEcho *ret);
/*
 * At the sender. false: it cannot be true (bytes that were never sent, more
 * marks than packets, older than the newest); nothing changes then.
 */
bool path_echo_apply(PathSender *s, uint64_t now_ps, const PathEcho *echo);
/* The receiver has begun anew: its counters do too. */
void path_echo_restart(PathSender *s);

/* ---- sequencing ------------------------------------------------------------- */

typedef struct PathOrder PathOrder;

typedef enum PathVerdict {
    PATH_DELIVER = 0, /* it was not taken: deliver it now */
    PATH_HELD,        /* it was taken: comes back from path_order_pop */
    PATH_DUPLICATE    /* or too old to tell; not taken: drop it */
} PathVerdict;

typedef struct PathOrderStats {
    uint64_t packets;
    uint64_t reordered;      /* arrived after a later one */
    uint64_t delivered_late; /* of them, delivered out of order */
    uint64_t duplicates;
    uint64_t held, gap_timeouts, overflows; /* gaps given up, and why */
} PathOrderStats;

/* Without c->sequencing it only counts and finds duplicates. The first packet
 * is number 0; when the first that arrives is above 4095, that one.
 * @free_item: for items that are still held when the object goes. */
PathOrder *path_order_new(const PathConfig *c, void (*free_item)(void *));
void path_order_free(PathOrder *o);
/* After each, pop until NULL. */
PathVerdict path_order_push(PathOrder *o, uint64_t now_ps, uint32_t sequence,
                            uint32_t bytes, void *item);
/* The next item that is due, or NULL. */
void *path_order_pop(PathOrder *o, uint64_t now_ps);
/* When path_order_pop has something by time alone; PATH_NEVER: nothing. */
uint64_t path_order_deadline_ps(const PathOrder *o);
/* Items inside. */
unsigned path_order_held(const PathOrder *o);
PathOrderStats path_order_stats(const PathOrder *o);

#endif
