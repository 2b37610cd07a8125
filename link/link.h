/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link.h: a channel of time-stamped messages between two processes, in
 * shared memory: one ring each way, one sender and one receiver a ring.
 *
 * The engine makes a channel (side A), a device attaches to it (side B).
 * Nothing here waits, and nothing is dropped: a full ring is the sender's to
 * deal with. link_proto.h has the layout, docs/link.md the rules.
 *
 * Trust: what the other side may write is read once into private memory,
 * checked, and only then used; a message's payload is copied before it is
 * handed out. The first thing that breaks a rule is an error that stays
 * (link_error); from then on nothing is sent or received. No content of the
 * shared memory makes this side read or write outside of its mapping. A peer
 * could shorten a file that has a name and so kill this process by SIGBUS;
 * a channel without a name (path NULL) is sealed against that.
 *
 * Threads: a Link belongs to one thread at a time. The two sides of a
 * channel may be two Links in one process.
 *
 * Errors: functions with a LinkError fill it in (it may be NULL) when they
 * fail. Its text is one line, with the path where there is one.
 *
 * No GLib and no QEMU: the C library only.
 */
#ifndef OUTRIGGER_LINK_H
#define OUTRIGGER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "link_proto.h"

#define LINK_NEVER UINT64_MAX
#define LINK_DEFAULT_RING_BYTES (4u * 1024 * 1024)

typedef struct Link Link;

typedef enum LinkSide { LINK_A = 0, LINK_B = 1 } LinkSide;

typedef enum LinkErrorCode {
    LINK_OK = 0,
    LINK_E_SYSTEM,  /* the operating system refused something */
    LINK_E_SIZE,    /* ring size out of range, or file of another size */
    LINK_E_FORMAT,  /* not a channel, or of another version */
    LINK_E_TAKEN,   /* somebody is at that side, or was */
    LINK_E_ALIVE,   /* reset refused: the peer lives */
    LINK_E_STALE,   /* the engine reset the channel under this side */
    LINK_E_INDEX,   /* the peer's position is impossible */
    LINK_E_RECORD,  /* a record breaks the rules of the layout */
    LINK_E_KIND,    /* unknown kind, or a length its kind cannot have */
    LINK_E_STAMP,   /* a stamp before the one of the message before it */
    LINK_E_CONTROL, /* a control message that means nothing */
} LinkErrorCode;

typedef struct LinkError {
    LinkErrorCode code;
    char text[224];
} LinkError;

/* A message as received. */
typedef struct LinkMsg {
    uint64_t ps;         /* never before the message before it */
    uint64_t seq;        /* 0, 1, ... since the last reset */
    const uint8_t *data; /* @len bytes, private; until link_consume */
    uint32_t len;        /* at most LINK_MAX_PAYLOAD_BYTES */
    uint16_t kind;       /* LinkKind, not LINK_PAD */
    uint16_t port;
} LinkMsg;

typedef enum LinkPeer {
    LINK_PEER_ABSENT,   /* nobody attached yet */
    LINK_PEER_ATTACHED, /* and its process lives */
    LINK_PEER_CLOSED,   /* it left in good order */
    LINK_PEER_DEAD,     /* its process is gone, without link_close */
} LinkPeer;

/* ---- life --------------------------------------------------------------- */

/*
 * Makes a channel and takes side A. @path: a new file (an existing one is an
 * error), removed by link_close; NULL: a sealed file without a name, which
 * vanishes with the process and to which children of the same user attach by
 * link_path(). @ring_bytes: of each ring, a power of two from
 * LINK_MIN_RING_BYTES to LINK_MAX_RING_BYTES. All memory is allocated here.
 * NULL on error.
 */
Link *link_create(const char *path, uint64_t ring_bytes, LinkError *err);

/*
 * Attaches to side @side (of a device: LINK_B) of an existing channel. A side
 * is taken once; after its owner left or died, link_reset frees it.
 */
Link *link_attach(const char *path, LinkSide side, LinkError *err);

/*
 * Leaves: what was sent can still be received. NULL is allowed. Returns NULL.
 */
Link *link_close(Link *l);

/*
 * For side A, after side B left or died: empties both rings, forgets this
 * side's error, and lets a new process attach to side B. Stamps may start
 * anew. Messages not yet received are lost, so receive them first. Fails with
 * LINK_E_ALIVE while the peer lives.
 */
bool link_reset(Link *l, LinkError *err);

/* Where another process finds the channel. Owned by @l. */
const char *link_path(const Link *l);

/* The error that stopped this side; NULL while there is none. */
const LinkError *link_error(const Link *l);

/* Grows by one with each reset. */
uint32_t link_generation(const Link *l);

/* ---- sending ------------------------------------------------------------ */

/*
 * Sends one message. False, with link_error() NULL: the ring is full, nothing
 * was sent; try again when the peer has received something. False with an
 * error: @ps before the last one sent or LINK_NEVER, an unknown @kind, or a
 * @len it cannot have - a bug of the caller - or a broken peer.
 * @buf may be NULL when @len is 0.
 */
bool link_send(Link *l, uint64_t ps, uint16_t kind, uint16_t port,
               const void *buf, uint32_t len);

/* The same, from @n pieces. */
bool link_sendv(Link *l, uint64_t ps, uint16_t kind, uint16_t port,
                const struct iovec *iov, unsigned n);

/* Link up (@bits_per_s > 0) or down (0). */
bool link_send_state(Link *l, uint64_t ps, uint16_t port, uint64_t bits_per_s);

/*
 * Stamp of the oldest message that this side sent and the peer has not
 * consumed; LINK_NEVER when there is none. Needs nothing that the peer can
 * forge but its position; an impossible position is an error (then 0: time
 * must not go on).
 */
uint64_t link_unconsumed_ps(Link *l);

/* How many those are. */
uint64_t link_unconsumed(Link *l);

/* Stamp of the last message sent; 0 before the first. */
uint64_t link_last_sent_ps(const Link *l);

/* ---- receiving ---------------------------------------------------------- */

/*
 * The oldest message not yet consumed; NULL when there is none or on error.
 * The same one until link_consume; valid until then.
 */
const LinkMsg *link_peek(Link *l);

/* Its stamp alone, without copying the payload; LINK_NEVER when none. */
uint64_t link_peek_ps(Link *l);

/*
 * Gives the room of the peeked message back to the sender. Nothing happens
 * when none is peeked.
 */
void link_consume(Link *l);

/* The LinkControl of a message of kind LINK_CONTROL (checked by link_peek). */
LinkControl link_control(const LinkMsg *m);

/* ---- the peer ----------------------------------------------------------- */

/*
 * Looks into /proc: some microseconds; not for every window. A process that
 * is being reaped (a zombie) is dead. Processes of other PID name spaces are
 * not found.
 */
LinkPeer link_peer(Link *l);

/* link_peer() == LINK_PEER_ATTACHED */
bool link_peer_alive(Link *l);

/* The peer's process, 0 when none attached. For messages; not to be trusted. */
uint32_t link_peer_pid(const Link *l);

#endif
