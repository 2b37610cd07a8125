/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt.h: reliable datagrams between cards and services: messages of up to
 * 1 MiB, each delivered once and whole, in the order in which they become
 * complete, over many network paths at once; encrypted. docs/rdt.md has the
 * protocol and where the numbers come from.
 *
 * A core without I/O, threads or clock: the owner hands in datagrams, messages
 * and instants, and takes out datagrams, messages and the next instant.
 *
 *     r = rdt_new(&config);
 *     rdt_open(r, now_ps, &session, &why);
 *     loop:
 *         rdt_input(), rdt_send(), rdt_timer() as things happen
 *         while (rdt_receive(r, now_ps, session, &message)) ...
 *         while (rdt_output(r, now_ps, &out)) put it on the wire
 *         wake up at rdt_next_ps(r)
 *
 * After any call that may change something the owner drains rdt_output() and
 * then asks for rdt_next_ps(). What the core does depends on nothing but its
 * calls and the seed.
 *
 * A session joins two endpoints and needs no handshake: the control plane
 * gives both ends the pair of ids (which differ), the key id and the peer.
 * Each of its messages belongs to a channel, a number that means something
 * to the owner only. Messages do not wait for one another.
 *
 * A path is one value of the UDP source port: the network's hash sends
 * different values over different links. Every datagram picks its own.
 *
 * Time: picoseconds of one clock of the endpoint; the peer's may differ.
 * Instants never go back. Ownership: bytes handed in are copied.
 *
 * Wire format, big endian, in UDP to port 6089; version 1. The first 24 bytes
 * are in clear and authenticated, the rest is AES-GCM, its 16-byte tag last:
 *
 *     0   u8   version << 4 | 6 (length of this header in 32-bit words)
 *     1   u8   kind: 1 data, 2 acknowledgement, 3 probe, 4 close
 *     2   u16  epoch of the key
 *     4   u32  session id of the receiver
 *     8   u32  session id of the sender
 *     12  u32  key id
 *     16  u64  packet number: bit 63 set in acknowledgements, 15 bits of
 *              incarnation, 48 bits of counter; the nonce is bytes 4..7 and
 *              these eight
 *
 *     data (20 bytes and the fragment):
 *     24  u64  message id, counting from 0 in each direction
 *     32  u32  bytes of the message
 *     36  u16  number of this fragment
 *     38  u16  bytes of every fragment but the last
 *     40  u16  channel
 *     42  u16  reserved, 0
 *
 *     acknowledgement (40 bytes and 16 for each range):
 *     24  u64  credit: message bytes, counted since the session began, up to
 *              which the receiver of this may send
 *     32  u64  credit: messages, likewise
 *     40  u64  packet that arrived last
 *     48  u64  picoseconds since it arrived
 *     56  u16  ranges, 0..64
 *     58  u16, u32 reserved, 0
 *     64  ranges, newest first, not touching one another's packets:
 *         u64 last packet, u32 packets, u32 flags: bit 0 congestion experienced
 *
 *     probe: nothing
 *
 *     close (16 bytes):
 *     24  u64  messages that the sender sent in all
 *     32  u32  reason: 0 done, 1 given up
 *     36  u32  reserved, 0
 *
 * Data, probes and closes are acknowledged, acknowledgements are not.
 *
 * Sources: NIST SP 800-38D (GCM), RFC 5869 (HKDF), RFC 9001 section 6.6
 * (packets a key), RFC 6298 and 9002 (timers, loss), RFC 8257 (window).
 * Not modelled: discovery of the path MTU, roaming addresses, partial
 * reliability, IPv6.
 */
#ifndef OUTRIGGER_RDT_H
#define OUTRIGGER_RDT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RDT_UDP_PORT 6089u /* a choice, next to the underlay's */
#define RDT_VERSION 1u
#define RDT_NEVER_PS UINT64_MAX
#define RDT_MAX_MESSAGE_BYTES (1u << 20)
#define RDT_MIN_DATAGRAM_BYTES 512u
#define RDT_MAX_DATAGRAM_BYTES 8960u /* UDP payload */
#define RDT_HEADER_BYTES 24u
#define RDT_DATA_BYTES 20u
#define RDT_TAG_BYTES 16u
/* Around the bytes of a fragment. */
#define RDT_OVERHEAD_BYTES (RDT_HEADER_BYTES + RDT_DATA_BYTES + RDT_TAG_BYTES)
#define RDT_MAX_PATHS 64u
#define RDT_MAX_SESSIONS 1024u
/* What every receiver holds ready before it has said anything. */
#define RDT_FIRST_CREDIT_BYTES RDT_MAX_MESSAGE_BYTES
#define RDT_FIRST_CREDIT_MESSAGES 64u
#define RDT_MAX_INCARNATION 0x7fffu

_Static_assert(RDT_OVERHEAD_BYTES == 60, "the wire format is documented");

/* ---- keys ---------------------------------------------------------------- */

/*
 * The core sees no key. The supplier (rdt_keys.h) holds the control plane's
 * secrets by id and makes one AES key for each (key id, @info): a session's
 * direction and epoch. One secret serves one session.
 */
typedef struct RdtCrypto {
    /* NULL: no such secret, or the cipher cannot be had. */
    void *(*key_new)(void *opaque, uint32_t key_id, unsigned aes_bits,
                     const char *info);
    void (*key_free)(void *opaque, void *key);
    /* AES-GCM; @out has @len + RDT_TAG_BYTES; may be @in. */
    bool (*seal)(void *key, const uint8_t nonce[12], const void *clear,
                 size_t clear_len, const void *in, size_t len, void *out);
    /* @len includes the tag. false: not authentic, @out is undefined. */
    bool (*open)(void *key, const uint8_t nonce[12], const void *clear,
                 size_t clear_len, const void *in, size_t len, void *out);
} RdtCrypto;

/* ---- endpoint ------------------------------------------------------------ */

typedef enum RdtEventKind {
    RDT_EV_READABLE = 0,  /* a message is complete; a=message id, b=bytes */
    RDT_EV_ACKED,         /* the peer has all of one; a=message id, b=ps since
                           * rdt_send() */
    RDT_EV_LOST,          /* a=packet number, b=source port, c=RdtLoss */
    RDT_EV_PATH_SUSPECT,  /* a=source port: a timeout, a probe is sent */
    RDT_EV_PATH_AVOIDED,  /* a=source port: no data until a probe returns */
    RDT_EV_PATH_RETURNED, /* a=source port */
    RDT_EV_EPOCH,         /* sends with a new key; a=epoch, b=key id */
    RDT_EV_KEY_SPENT,     /* nothing is sent until rdt_key_use(); a=key id */
    RDT_EV_PEER_CLOSED,   /* all its messages have come */
    RDT_EV_CLOSED,        /* both ways; the session is gone after linger_ps */
    RDT_EV_DEAD,          /* a=RdtDeath; the session stays until forgotten */
    RDT_EV_KINDS
} RdtEventKind;

typedef enum RdtLoss {
    RDT_LOSS_REORDER = 0, /* later packets of the path have arrived */
    RDT_LOSS_TIMEOUT,
    RDT_LOSS_PATH /* was on a path that has just been given up */
} RdtLoss;

typedef enum RdtDeath {
    RDT_DEATH_SILENT = 0, /* nothing heard for dead_ps */
    RDT_DEATH_PEER,       /* the peer gave up */
    RDT_DEATH_LOCAL       /* rdt_abort() */
} RdtDeath;

typedef struct RdtEvent {
    uint64_t at_ps;
    uint64_t a, b, c;
    uint32_t session;
    RdtEventKind kind;
} RdtEvent;

typedef struct RdtConfig {
    uint64_t seed; /* source ports and choices of paths */
    const RdtCrypto *crypto;
    void *crypto_opaque;
    /* Called as things happen; must not call into the endpoint. May be NULL. */
    void (*event)(void *opaque, const RdtEvent *ev);
    void *opaque;
} RdtConfig;

typedef struct Rdt Rdt;

Rdt *rdt_new(const RdtConfig *config);
void rdt_free(Rdt *r); /* NULL is fine */

/* ---- sessions ------------------------------------------------------------ */

typedef struct RdtParams {
    uint32_t datagram_bytes; /* UDP payload, at most */
    uint32_t n_paths;        /* 1..RDT_MAX_PATHS */
    uint32_t aes_bits;       /* 128 or 256 */

    /* Memory. Receive bounds are what the peer is told as credit. */
    uint32_t rx_bytes;    /* >= RDT_FIRST_CREDIT_BYTES */
    uint32_t rx_messages; /* RDT_FIRST_CREDIT_MESSAGES..4096 */
    uint32_t tx_bytes;    /* of messages not acknowledged; >= 1 */
    uint32_t tx_messages; /* 1..4096 */

    /* Congestion: bytes of datagrams under way, in all and on one path. */
    uint32_t window_first_bytes, window_max_bytes;
    uint32_t path_max_bytes;
    uint64_t pace_bps;        /* of UDP payload; 0: not paced */
    uint64_t delay_target_ps; /* queueing above this counts as a mark; 0: off */

    uint32_t ack_every; /* packets, at most, until they are acknowledged */
    uint64_t ack_delay_ps;

    uint64_t rto_first_ps; /* before a round trip has been measured */
    uint64_t rto_min_ps, rto_max_ps;
    uint32_t reorder_packets; /* later ones of a path that mean a loss */

    uint32_t path_fail_timeouts; /* consecutive ones until it is avoided */
    uint64_t probe_first_ps, probe_max_ps;

    uint64_t dead_ps;       /* silence, while something waits for an answer */
    uint64_t keepalive_ps;  /* of silence until a probe; 0: never */
    uint64_t linger_ps;     /* of a closed session, to answer late packets */
    uint32_t epoch_packets; /* sent with one key */
} RdtParams;
/* For a data centre: docs/rdt.md, "Parameters". */
void rdt_params_default(RdtParams *p);

typedef struct RdtSession {
    uint32_t local_id, remote_id; /* not equal, not 0; local: unused */
    uint32_t key_id;
    /* Larger than in any earlier use of this key by this end: 0 when the key is
     * new. An endpoint refuses what it knows to be wrong. See rdt_load(). */
    uint32_t incarnation;
    uint64_t peer; /* the owner's: where datagrams go */
    RdtParams params;
} RdtSession;

/* false: *ret_why says what is wrong. */
bool rdt_open(Rdt *r, uint64_t now_ps, const RdtSession *session,
              const char **ret_why);
/* No more rdt_send(). When all has been acknowledged the peer is told. */
bool rdt_close(Rdt *r, uint64_t now_ps, uint32_t session);
/* Tells the peer once, drops what waits. */
bool rdt_abort(Rdt *r, uint64_t now_ps, uint32_t session);
/* As if it had never been; its id can be used again. */
bool rdt_forget(Rdt *r, uint32_t session);
bool rdt_set_peer(Rdt *r, uint32_t session, uint64_t peer);

/*
 * New secret: first rdt_key_accept() at both ends, then rdt_key_use() at both.
 * The old one is still accepted until the peer has been heard with the new.
 */
bool rdt_key_accept(Rdt *r, uint32_t session, uint32_t key_id);
bool rdt_key_use(Rdt *r, uint64_t now_ps, uint32_t session);

typedef enum RdtState {
    RDT_OPEN = 0,
    RDT_CLOSING, /* this end has closed, not all is done */
    RDT_CLOSED,  /* lingers */
    RDT_DEAD
} RdtState;

/* ---- what goes in -------------------------------------------------------- */

typedef enum RdtSendResult {
    RDT_SEND_OK = 0,
    RDT_SEND_FULL,    /* tx_bytes or tx_messages: try after RDT_EV_ACKED */
    RDT_SEND_TOO_BIG, /* more than RDT_MAX_MESSAGE_BYTES or tx_bytes */
    RDT_SEND_NOT_OPEN /* no such session, closed or dead */
} RdtSendResult;

/* *ret_id (may be NULL): the message's id, as RDT_EV_ACKED will have it. */
RdtSendResult rdt_send(Rdt *r, uint64_t now_ps, uint32_t session,
                       uint16_t channel, const void *data, uint32_t len,
                       uint64_t *ret_id);
/* What became of a datagram that came in. */
typedef enum RdtInput {
    RDT_IN_OK = 0,
    RDT_IN_SHORT,     /* shorter than any packet */
    RDT_IN_VERSION,   /* version or header length */
    RDT_IN_KIND,      /* unknown kind, or a number of the wrong space */
    RDT_IN_SESSION,   /* no such session, or not from its peer's */
    RDT_IN_KEY,       /* key id or epoch that is not in use */
    RDT_IN_OLD,       /* before the replay window */
    RDT_IN_REPLAYED,  /* seen before */
    RDT_IN_FORGED,    /* not authentic */
    RDT_IN_MALFORMED, /* authentic but impossible */
    RDT_IN_UNSENT,    /* acknowledges what was never sent */
    RDT_IN_CREDIT,    /* more than the credit given; not acknowledged */
    RDT_IN_DUPLICATE, /* a fragment that had come before; acknowledged */
    RDT_IN_GONE,      /* of a session that is dead */
    RDT_IN_RESULTS
} RdtInput;
const char *rdt_input_name(RdtInput result);

/* @ce: the IP header said congestion experienced. */
RdtInput rdt_input(Rdt *r, uint64_t now_ps, const void *datagram, uint32_t len,
                   bool ce);
/* Everything due at @now_ps. */
void rdt_timer(Rdt *r, uint64_t now_ps);

/* ---- what comes out ------------------------------------------------------ */

typedef struct RdtOut {
    uint64_t peer;        /* of the session */
    uint64_t earliest_ps; /* not before this; now_ps unless paced */
    uint32_t session;
    uint16_t source_port;
    uint16_t len;
    uint8_t bytes[RDT_MAX_DATAGRAM_BYTES];
} RdtOut;

/* The next datagram that may leave at @now_ps. false: none now. */
bool rdt_output(Rdt *r, uint64_t now_ps, RdtOut *out);

typedef struct RdtMessage {
    uint8_t *data; /* the caller's, g_free */
    uint32_t len;
    uint16_t channel;
    uint64_t id;
} RdtMessage;

/* The oldest complete message; taking it gives the peer new credit. */
bool rdt_receive(Rdt *r, uint64_t now_ps, uint32_t session, RdtMessage *ret);

/* When to call rdt_timer() and rdt_output() next; RDT_NEVER_PS: no need. */
uint64_t rdt_next_ps(const Rdt *r);

/* ---- to look at ---------------------------------------------------------- */

typedef struct RdtStats {
    uint64_t in[RDT_IN_RESULTS];
    uint64_t messages_sent, messages_received, message_bytes_received;
    uint64_t packets_sent, acks_sent, probes_sent;
    uint64_t retransmitted; /* fragments sent again */
    uint64_t spurious;      /* of them, acknowledged the first time after all */
    uint64_t lost[3];       /* packets, by RdtLoss */
    uint64_t marks;         /* packets acknowledged with a mark */
    uint64_t paths_avoided, paths_returned;
    uint64_t epochs;
} RdtStats;
/* Of the endpoint since it was made, all sessions. */
const RdtStats *rdt_stats(const Rdt *r);

typedef enum RdtPathState {
    RDT_PATH_GOOD = 0,
    RDT_PATH_SUSPECT,
    RDT_PATH_AVOIDED
} RdtPathState;

typedef struct RdtPathView {
    uint16_t source_port;
    RdtPathState state;
    uint32_t in_flight_bytes, window_bytes;
    uint64_t srtt_ps, rto_ps; /* srtt 0: not measured */
    uint64_t packets, marks, timeouts;
} RdtPathView;

typedef struct RdtView {
    RdtState state;
    uint32_t window_bytes, in_flight_bytes;
    uint32_t tx_waiting; /* messages not wholly acknowledged */
    uint32_t tx_bytes, rx_bytes_held;
    uint32_t key_id;
    uint16_t epoch;
    uint64_t next_packet; /* number of the next data packet */
    uint32_t n_paths;
    uint64_t peer;
} RdtView;
bool rdt_view(const Rdt *r, uint32_t session, RdtView *ret);
bool rdt_path_view(const Rdt *r, uint32_t session, uint32_t path,
                   RdtPathView *ret);
/* Ids of the sessions in rising order: writes up to @max, returns how many
 * there are. */
uint32_t rdt_sessions(const Rdt *r, uint32_t *ids, uint32_t max);

/* ---- state --------------------------------------------------------------- */

/* Everything but keys: streams carry key ids. */
void rdt_save(const Rdt *r, uint64_t now_ps, GByteArray *out);
/*
 * Into a new endpoint of the same config; now_ps may be of another clock, all
 * instants move with it. @incarnation must be larger than any that a copy of
 * this state was loaded with: it is part of every later nonce, so two copies
 * of a card that both live on never encrypt two packets with the same one.
 * NULL: ret_err (g_free) says what is inconsistent.
 */
Rdt *rdt_load(const RdtConfig *config, uint64_t now_ps, uint32_t incarnation,
              const void *data, size_t len, char **ret_err);

#endif
