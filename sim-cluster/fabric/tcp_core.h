/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tcp_core.h: one TCP sender and one receiver as state machines: windows,
 * acknowledgements, loss, timeouts. What a transport of modelled hosts
 * (transport_dctcp.h, transport_mptcp.h) is made of.
 *
 * Sources: RFC 5681 (slow start, congestion avoidance), RFC 6582 (NewReno's
 * `recover`), RFC 6675 (pipe: what is in flight decides), RFC 6298 (timeout),
 * RFC 8257 (DCTCP), RFC 8985 (time tells what is lost), RFC 6356 (coupled increase, "LIA"), RFC 3522 (Eifel: a
 * time stamp tells which transmission arrived), RFC 2861 (a window that is
 * not used does not grow).
 * Not modelled: bytes (all is counted in segments, the last one may be
 * shorter), handshake and close, delayed acknowledgements (each segment is
 * acknowledged at once), the receiver's window, Nagle, SACK blocks (an
 * acknowledgement names the one segment that caused it; if it is lost, so is
 * that piece of news), tail loss probes.
 *
 * Sans I/O: the caller passes simulated picoseconds that never decrease. One
 * object belongs to one thread. Integer arithmetic only.
 *
 * ## Growth
 *
 * Slow start below ssthresh, above it one segment a window; only by
 * acknowledgements of what was sent before the window was last full.
 *
 * ## Loss
 *
 * A segment is lost if it has not been acknowledged while one sent
 * `dup_threshold` numbers later has (FACK). The threshold starts at
 * config.dup_threshold; each segment that arrives late without having been
 * retransmitted raises it to how late it was, up to config.dup_threshold_max.
 * Recovery: the window is halved once, lost segments go first, new ones when
 * the pipe allows; it ends when all that was sent at its begin is
 * acknowledged. The repair of the first hole is itself lost if something sent
 * a quarter of a round trip later has arrived (RFC 8985). If every segment held for lost turns out to have arrived in
 * its first transmission, the window is put back to what it was.
 * After a timeout all is lost that is not acknowledged, the window is one
 * segment, slow start; each further one doubles the time.
 *
 * ## Marks (config.dctcp)
 *
 * Once per window of data: alpha += g * (share of marked segments - alpha).
 * The first mark of a window takes alpha / 2 of the window. An
 * acknowledgement with a mark never raises it.
 */
#ifndef OUTRIGGER_TCP_CORE_H
#define OUTRIGGER_TCP_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCP_ENDLESS UINT64_MAX
#define TCP_NEVER_PS UINT64_MAX
#define TCP_ALPHA_ONE 65536u
#define TCP_MAX_SUBFLOWS 16u

typedef struct TcpConfig {
    uint32_t segment_bytes;     /* what a full segment counts in a window */
    uint32_t initial_segments;  /* window at the start; at least 1 */
    uint32_t ssthresh_segments; /* 0: none yet */
    uint32_t min_segments;      /* window's lower bound; at least 1 */
    uint32_t dup_threshold;     /* at least 1 */
    uint32_t dup_threshold_max; /* at least dup_threshold */
    uint64_t rto_initial_ps, rto_min_ps, rto_max_ps;
    bool dctcp;
    uint32_t g_shift; /* DCTCP: g = 1 / 2^this; up to 16 */
} TcpConfig;
/* 1460-byte segments, window 10 (RFC 6928), no threshold, 3 duplicates (up to
 * 300, Linux's tcp_max_reordering), timeout first 10 ms, then at least 10 ms
 * (Alizadeh et al. 2010, section 4) and at most 60 s, no DCTCP. */
void tcp_config_default(TcpConfig *c);
/* NULL, or one line that names the field and what is wrong with it. */
const char *tcp_config_problem(const TcpConfig *c);

/* What is known of one segment that is not yet cumulatively acknowledged. */
typedef struct TcpSent {
    uint64_t sent_ps; /* the last time */
    uint64_t data;    /* the caller's: e.g. its number in the connection */
    uint32_t path;    /* the caller's: which way it went last */
    uint8_t flags;    /* the sender's */
} TcpSent;

typedef enum TcpState { TCP_OPEN = 0, TCP_RECOVERY, TCP_LOSS } TcpState;

struct TcpSender;
/* Of a connection with several subflows, RFC 6356. Zeroed is empty. */
typedef struct TcpGroup {
    struct TcpSender *sub[TCP_MAX_SUBFLOWS];
    uint32_t n;
    bool coupled; /* else each subflow is a TCP of its own */
    bool stale;   /* alpha_q16 has to be computed anew */
    uint64_t alpha_q16;
} TcpGroup;

typedef struct TcpSender {
    const TcpConfig *config;  /* borrowed */
    uint64_t total;           /* segments; TCP_ENDLESS */
    uint64_t una, next;       /* first not acknowledged, first never sent */
    uint64_t high;            /* highest acknowledged segment, plus 1 */
    uint64_t recover;         /* recovery ends when una is here */
    uint64_t scan;            /* below: looked at for loss */
    uint64_t full_at;         /* all below was sent until the window was full */
    uint64_t lost_from;       /* no lost segment below */
    uint64_t in_flight, lost; /* segments; lost: to be sent again */
    uint64_t cwnd_q8, ssthresh_q8;             /* bytes * 256 */
    uint64_t prior_cwnd_q8, prior_ssthresh_q8; /* before this recovery */
    uint64_t undo; /* held for lost in it, not yet known to have arrived */
    uint32_t dup_threshold, backoff; /* timeouts without progress */
    TcpState state;
    bool no_undo;      /* one of them was really lost */
    bool again;        /* something sent during this recovery is lost, too */
    bool first_repair; /* the first repair does not wait for room (RFC 6675) */
    /* DCTCP */
    uint64_t window_end, reduced_until, window_acked, window_marked;
    uint32_t alpha; /* of TCP_ALPHA_ONE */
    /* time */
    uint64_t srtt_ps, rttvar_ps, rto_ps, timer_ps;
    uint64_t newest_ps; /* latest sending of what has arrived */
    /* counters */
    uint64_t timeouts, recoveries, undos, reductions, retransmitted;
    TcpGroup *group; /* NULL: alone */
    /* called for each segment held for lost; may be NULL */
    void (*on_lost)(void *opaque, const TcpSent *sent);
    void *opaque;
    TcpSent *ring; /* [number & mask] */
    uint64_t mask;
} TcpSender;

typedef struct TcpAck {
    uint64_t next;    /* all segments below this have arrived */
    uint64_t got;     /* the one that caused this acknowledgement */
    uint64_t sent_ps; /* when that transmission of it left */
    bool marked;      /* it had CE */
} TcpAck;

/* @s zeroed or cleared. Its window belongs to no group until the caller
 * adds it. */
void tcp_sender_init(TcpSender *s, const TcpConfig *c, uint64_t total);
void tcp_sender_clear(TcpSender *s); /* frees; zeroed is fine */

/* The window has room for one more. It does not say that there is one. */
bool tcp_sender_has_room(const TcpSender *s);
/* Something to send again, or something new below total. */
bool tcp_sender_has_work(const TcpSender *s);
/* Room and work. */
bool tcp_sender_may_send(const TcpSender *s);
/* Takes the next segment, first what was lost. *@ret_again: it has been sent
 * before. The TcpSent is where the caller leaves data and path; valid until the
 * next call. Only if tcp_sender_may_send(). */
TcpSent *tcp_sender_take(TcpSender *s, uint64_t now_ps, uint64_t *ret_segment,
                         bool *ret_again);
/* One that is not acknowledged yet: una <= @segment < next. */
const TcpSent *tcp_sender_sent(const TcpSender *s, uint64_t segment);
/* Acknowledgements of what was never sent are ignored: false. */
bool tcp_sender_ack(TcpSender *s, uint64_t now_ps, const TcpAck *ack);
/* When the timer is due, TCP_NEVER_PS: not running. */
static inline uint64_t tcp_sender_timer_ps(const TcpSender *s)
{
    return s->timer_ps;
}
/* The timer is due. */
void tcp_sender_timeout(TcpSender *s, uint64_t now_ps);
static inline bool tcp_sender_done(const TcpSender *s)
{
    return s->una == s->total;
}
static inline uint64_t tcp_sender_window_bytes(const TcpSender *s)
{
    return s->cwnd_q8 >> 8;
}

void tcp_group_add(TcpGroup *g, TcpSender *s);
/* RFC 6356, section 4: the aggressiveness, times 2^16; as it is now. */
uint64_t tcp_group_alpha_q16(const TcpGroup *g);

/* tcp_window.c: how the window changes; called by tcp_core.c. */
void tcp_window_grow(TcpSender *s, uint64_t segments); /* acknowledged */
void tcp_window_halve(TcpSender *s);             /* a loss; ssthresh too */
void tcp_window_collapse(TcpSender *s);          /* a timeout: one segment */
void tcp_window_restore(TcpSender *s);           /* the loss was none */
void tcp_window_mark(TcpSender *s, bool marked); /* one acknowledgement */

/* ---- receiver: which segments have arrived -------------------------------- */

typedef struct TcpReceiver {
    uint64_t next;  /* all below have arrived */
    uint64_t high;  /* highest that has arrived, plus 1 */
    uint64_t *bits; /* of segments from next on, [number & mask] */
    uint64_t mask;
} TcpReceiver; /* zeroed is empty */

/* False: it was here already. */
bool tcp_receiver_add(TcpReceiver *r, uint64_t segment);
void tcp_receiver_clear(TcpReceiver *r);

#endif
