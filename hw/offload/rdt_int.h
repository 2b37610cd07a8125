/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_int.h: inside the reliable datagram transport (rdt.h); for rdt*.c and
 * their tests only.
 *
 *     rdt.c       endpoint, sessions, timers, views
 *     rdt_key.c   epochs, sealing, replay window
 *     rdt_rx.c    datagrams in, messages put together, credit, ranges
 *     rdt_tx.c    messages out, which packet is next
 *     rdt_ack.c   what an acknowledgement or a loss does; the window
 *     rdt_path.c  paths: choice, round trips, timeouts, probes
 *     rdt_save.c, rdt_load.c
 *
 * A packet number's counter goes on over incarnations, so slot counter %
 * ring_size of the ring of sent packets is its own.
 */
#ifndef OUTRIGGER_RDT_INT_H
#define OUTRIGGER_RDT_INT_H

#include "rdt.h"
#include "rdt_wire.h"

#define RDT_REPLAY_BITS 8192u
#define RDT_NO_SLOT UINT32_MAX
#define RDT_MAX_EPOCHS_AHEAD 16u
#define RDT_TELL_RANGE 8u /* acknowledgements in which a range appears */
#define RDT_FIRST_RING 256u
#define RDT_MAX_RING 16384u
#define RDT_MAX_USED 65536u /* keys that an endpoint has ever used */
#define RDT_ONE (1u << 20)  /* 1 in fixed point: share of marked bytes */

/* ---- keys ---------------------------------------------------------------- */

typedef struct RdtKey {
    void *handle; /* NULL: none */
    uint32_t key_id;
    uint16_t epoch;
} RdtKey;

typedef enum RdtKeySlot {
    RDT_KEY_CURRENT = 0,
    RDT_KEY_PREVIOUS,
    RDT_KEY_NEXT_EPOCH, /* not yet heard with */
    RDT_KEY_NEXT_ID,
    RDT_KEY_SLOTS
} RdtKeySlot;

typedef struct RdtReplay {
    bool any;
    uint64_t top;
    uint64_t bits[RDT_REPLAY_BITS / 64]; /* of packet number % BITS */
} RdtReplay;

/* ---- sending ------------------------------------------------------------- */

typedef enum RdtSentState {
    RDT_SENT_IN_FLIGHT = 0,
    RDT_SENT_LOST,
    RDT_SENT_ACKED
} RdtSentState;

typedef struct RdtSent {
    uint64_t packet;
    uint64_t sent_ps;
    uint64_t message;    /* data */
    uint64_t order;      /* among the packets of its path */
    uint32_t prev, next; /* slots: in flight on its path, in order */
    uint16_t fragment;
    uint16_t bytes; /* of the datagram */
    uint8_t kind, path, state;
} RdtSent;

typedef enum RdtFragment {
    RDT_FRAGMENT_UNSENT = 0,
    RDT_FRAGMENT_IN_FLIGHT,
    RDT_FRAGMENT_LOST,
    RDT_FRAGMENT_ACKED
} RdtFragment;

typedef struct RdtTx {
    struct RdtTx *next; /* active */
    uint64_t id;
    uint64_t end_bytes; /* of all messages up to this one */
    uint64_t queued_ps;
    uint32_t len, fragments, unsent /* first */, acked;
    uint16_t channel, stride;
    uint8_t *data;
    uint8_t *state; /* RdtFragment, of each */
} RdtTx;

typedef struct RdtLostFragment {
    uint64_t message;
    uint16_t fragment;
    uint16_t path; /* where it was lost */
} RdtLostFragment;

typedef struct RdtPath {
    uint16_t port;
    RdtPathState state;
    uint32_t timeouts;                /* consecutive */
    uint32_t head, tail;              /* slots, oldest first */
    uint64_t next_order, acked_order; /* acked: one above the highest */
    uint32_t in_flight, window;       /* bytes */
    bool slow_start;
    uint64_t cut_order;   /* marks of packets before it say nothing new */
    uint64_t doubt_order; /* likewise, timeouts */
    uint64_t srtt_ps, rttvar_ps;
    bool probe_now;
    uint64_t probe_at_ps, probe_wait_ps;
    uint64_t packets, marks, all_timeouts;
} RdtPath;

/* ---- receiving ----------------------------------------------------------- */

typedef struct RdtRx {
    uint64_t id;
    uint32_t len, fragments, got;
    uint16_t channel, stride;
    uint8_t *data;
    uint64_t *have; /* bit a fragment */
} RdtRx;

typedef struct RdtTold {
    RdtRange range;
    uint32_t told; /* times since it changed */
} RdtTold;

/* ---- a session ----------------------------------------------------------- */

typedef struct RdtConn {
    RdtSession cfg;
    struct Rdt *r;
    /* What rdt_next_ps() said last, until anything is done with it; quiet:
     * and it has nothing to send before. Not saved. */
    bool fresh, quiet;
    uint64_t next_ps;
    RdtState state;
    bool close_wanted, close_sent, close_acked, abort_wanted;
    bool peer_closing, peer_closed;
    uint64_t peer_messages; /* with peer_closing */
    uint64_t linger_until_ps;

    /* keys */
    RdtKey tx_key, rx_key[RDT_KEY_SLOTS];
    uint32_t accepted_key_id; /* for rdt_key_use() */
    bool accepted, spent;
    uint64_t key_packets; /* sent with tx_key */
    uint64_t next[2];     /* counters: data, acknowledgements */
    RdtReplay replay[2];

    /* packets out */
    uint32_t ring_size; /* a power of two; grows up to ring_max */
    uint32_t ring_max;
    RdtSent *ring;
    uint64_t base; /* counter of the oldest kept; the end is next[0] */
    uint32_t in_flight;
    bool waiting; /* for any sign of the peer */
    uint64_t heard_ps, waiting_since_ps;
    uint64_t pace_free_ps;
    uint64_t idle_probe_ps; /* when to ask for credit */
    bool idle_probe_now;
    uint32_t backoff;
    uint64_t backoff_from_ps;

    /* messages out */
    RdtTx **tx; /* of id % tx_messages */
    uint64_t tx_base, tx_next, tx_admitted;
    uint64_t tx_end_bytes; /* of all messages so far */
    uint32_t tx_bytes;
    RdtTx *active, *active_tail; /* admitted, with fragments unsent */
    GArray *lost;                /* RdtLostFragment */
    uint32_t lost_head;
    uint64_t credit_bytes, credit_messages;

    /* window */
    uint32_t window;
    bool slow_start;
    uint32_t alpha;     /* of RDT_ONE */
    uint64_t round_end; /* counter */
    uint64_t acked_end; /* one above the highest counter acknowledged */
    uint64_t round_acked, round_marked, round_lost;
    uint64_t srtt_ps, rttvar_ps;
    uint64_t rtt_floor_ps, next_floor_ps, floor_until_ps;
    RdtPath path[RDT_MAX_PATHS];

    /* messages in */
    RdtRx **rx; /* of id % rx_messages */
    uint8_t *rx_done;
    uint64_t rx_base; /* lowest id that is not complete */
    uint32_t rx_held; /* bytes */
    uint64_t taken_bytes, taken_messages;
    uint64_t told_bytes, told_messages;
    GQueue ready; /* RdtRx */
    RdtTold ranges[RDT_MAX_RANGES];
    uint32_t n_ranges;
    uint32_t ack_waiting;
    uint64_t ack_at_ps; /* RDT_NEVER_PS: nothing to say */
    uint64_t echo, echo_at_ps;
    uint8_t ack_path; /* of the last one; RDT_MAX_PATHS: none yet */
} RdtConn;

/* A key of a pair of sessions that has sealed packets before. */
typedef struct RdtUsed {
    uint32_t key_id, local_id, remote_id;
    uint32_t incarnation; /* the highest */
} RdtUsed;

struct Rdt {
    RdtConfig cfg;
    uint64_t random;
    GPtrArray *conns; /* RdtConn, by local id */
    uint32_t turn;    /* whose output is next */
    GArray *used;     /* RdtUsed, but for keys in use now */
    RdtStats stats;
};

/* rdt.c */

/* Whoever asks for one may change it. */
RdtConn *rdt_conn(const Rdt *r, uint32_t local_id);
bool rdt_session_valid(const RdtSession *s, const char **ret_why);
/* Empty, with memory but without keys; not in the endpoint's table. */
RdtConn *rdt_conn_new(Rdt *r, const RdtSession *s, uint64_t now_ps);
void rdt_conn_free(RdtConn *c);
void rdt_conn_insert(Rdt *r, RdtConn *c);
void rdt_conn_die(RdtConn *c, uint64_t now_ps, RdtDeath why);
/* After every change: what is waited for, whether closing is done. */
void rdt_conn_settle(RdtConn *c, uint64_t now_ps);
void rdt_event(const RdtConn *c, uint64_t now_ps, RdtEventKind kind, uint64_t a,
               uint64_t b, uint64_t n);
uint64_t rdt_random(Rdt *r);

/* rdt_key.c */
/* Its key is not used any more: remembers how far its numbers went. */
void rdt_key_used(const RdtConn *c);
/* Whether @key_id can begin at @incarnation with these ids. */
bool rdt_key_fresh(const Rdt *r, uint32_t key_id, uint32_t local_id,
                   uint32_t remote_id, uint32_t incarnation);
bool rdt_key_open_tx(RdtConn *c, uint32_t key_id, uint16_t epoch);
bool rdt_key_open_rx(RdtConn *c, RdtKeySlot slot, uint32_t key_id,
                     uint16_t epoch);
void rdt_key_close_all(RdtConn *c);
/* The packet number of the next packet of @space (0 data, 1 ack). */
uint64_t rdt_next_packet(const RdtConn *c, unsigned space);
/* Seals @len bytes of body, which stand at out->bytes + RDT_HEADER_BYTES. */
bool rdt_seal(RdtConn *c, uint64_t now_ps, RdtKind kind, uint32_t len,
              RdtOut *out);
/* Checks and decrypts into @body. */
RdtInput rdt_unseal(RdtConn *c, const RdtHeader *h, const uint8_t *p,
                    uint32_t len, uint8_t *body);
/* May this session send at all with its key? Moves to a new epoch. */
bool rdt_key_ready(RdtConn *c, uint64_t now_ps);

/* rdt_rx.c */
void rdt_rx_free(RdtRx *m);
/* Some message has come in part. */
bool rdt_rx_is_partial(const RdtConn *c);
uint64_t rdt_credit_bytes(const RdtConn *c);
uint64_t rdt_credit_messages(const RdtConn *c);
void rdt_make_ack(RdtConn *c, uint64_t now_ps, RdtAck *ack);

/* rdt_tx.c */
void rdt_tx_free(RdtTx *m);
RdtTx *rdt_tx_message(const RdtConn *c, uint64_t id);
void rdt_tx_activate(RdtConn *c, RdtTx *m);
void rdt_tx_fragment_acked(RdtConn *c, uint64_t now_ps, uint64_t message,
                           uint16_t fragment);
void rdt_tx_fragment_lost(RdtConn *c, const RdtSent *e);
bool rdt_conn_output(RdtConn *c, uint64_t now_ps, RdtOut *out);
/* Whether it has something that only pacing holds back. */
bool rdt_conn_paced(RdtConn *c);
/* Lets messages begin as far as the peer's credit goes. */
void rdt_tx_admit(RdtConn *c);

/* rdt_ack.c */
RdtInput rdt_ack_input(RdtConn *c, uint64_t now_ps, const RdtAck *ack);
void rdt_lose(RdtConn *c, uint64_t now_ps, RdtSent *e, RdtLoss why);
RdtSent *rdt_sent(const RdtConn *c, uint64_t counter);
/* Forgets the oldest packets that nothing more is expected of. */
void rdt_sent_trim(RdtConn *c);
/* Room for @size packets, a power of two. */
void rdt_sent_resize(RdtConn *c, uint32_t size);
/* A packet that has just been sent joins its path. */
void rdt_sent_link(RdtConn *c, uint32_t slot);
void rdt_sent_unlink(RdtConn *c, RdtSent *e);

/* rdt_path.c */
void rdt_path_init(RdtConn *c);
/* A path for @bytes more, not @avoid if there is another; -1: none now. */
int rdt_path_choose(RdtConn *c, uint32_t bytes, int avoid);
/* Whether rdt_path_choose() would find one. */
bool rdt_path_room(const RdtConn *c, uint32_t bytes);
/* Any path that is likely to work, whatever its window. */
unsigned rdt_path_any(RdtConn *c);
uint64_t rdt_path_rto_ps(const RdtConn *c, const RdtPath *p);
void rdt_path_rtt(RdtConn *c, RdtPath *p, uint64_t rtt_ps);
void rdt_path_alive(RdtConn *c, uint64_t now_ps, unsigned path, bool in_flight);
/* The last acknowledgement on @path seems to be lost. */
void rdt_path_suspect(RdtConn *c, uint64_t now_ps, unsigned path);
void rdt_path_timers(RdtConn *c, uint64_t now_ps);
uint64_t rdt_path_next_ps(const RdtConn *c);
void rdt_path_cut(RdtConn *c, RdtPath *p, const RdtSent *e);

#endif
