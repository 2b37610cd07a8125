/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_priv.h: the inside of a Link, for link*.c and the tests of hostile
 * content. The layout is in link_proto.h; not modelled: see there.
 */
#ifndef OUTRIGGER_LINK_PRIV_H
#define OUTRIGGER_LINK_PRIV_H

#include "link.h"

#define LINK_GUARD_BYTES 65536u /* more than any message, on both sides */

/* A message that was sent and not yet consumed. */
typedef struct LinkSent {
    uint64_t end; /* position behind it */
    uint64_t ps;
} LinkSent;

/* The sender's private half of one ring. */
typedef struct LinkTx {
    LinkRingInfo *info;
    uint8_t *ring;
    uint64_t produced;
    uint64_t consumed; /* last value seen and found possible */
    uint64_t last_ps;
    LinkSent *sent; /* first, first + 1, ... modulo sent_room */
    uint64_t sent_room, sent_first, sent_count;
} LinkTx;

/* The receiver's private half of the other one. */
typedef struct LinkRx {
    LinkRingInfo *info;
    const uint8_t *ring;
    uint64_t consumed;
    uint64_t produced; /* last value seen and found possible */
    uint64_t last_ps;
    uint64_t next_seq;
    uint64_t at; /* of the peeked record, behind any padding */
    bool peeked; /* msg holds its fields */
    bool copied; /* and payload its bytes */
    LinkMsg msg;
    uint8_t payload[LINK_MAX_PAYLOAD_BYTES];
} LinkRx;

struct Link {
    LinkHeader *header; /* shared; NULL until mapped */
    uint64_t ring_bytes, file_bytes;
    LinkSide side;
    uint32_t generation;
    int fd;
    bool unlink_path;
    char *path;
    LinkError error;
    LinkTx tx;
    LinkRx rx;
};

/* Room that a message with @len bytes of payload takes. */
static inline uint64_t link_record_bytes(uint64_t len)
{
    return sizeof(LinkRecord) +
           ((len + LINK_RECORD_ALIGN - 1) & ~(uint64_t)(LINK_RECORD_ALIGN - 1));
}

static inline bool link_length_valid(uint16_t kind, uint64_t len)
{
    switch (kind) {
    case LINK_FRAME:
        return len >= LINK_MIN_FRAME_BYTES && len <= LINK_MAX_PAYLOAD_BYTES;
    case LINK_INPUT:
    case LINK_OUTPUT:
        return len <= LINK_MAX_PAYLOAD_BYTES;
    case LINK_CONTROL:
        return len == sizeof(LinkControl);
    default:
        return false;
    }
}

static inline bool link_size_valid(uint64_t ring_bytes)
{
    return ring_bytes >= LINK_MIN_RING_BYTES &&
           ring_bytes <= LINK_MAX_RING_BYTES &&
           (ring_bytes & (ring_bytes - 1)) == 0;
}

/* An empty Link; NULL without memory. */
Link *link_new(const char *path, LinkSide side, LinkError *err);
/* Frees it without a trace in the shared memory. Returns NULL. */
Link *link_drop(Link *l);
/* Maps file_bytes of fd. */
bool link_map(Link *l, LinkError *err);
/* Writes who is at this side, which is taken already. */
bool link_announce(Link *l, LinkError *err);

/* Fills in @err unless NULL. Returns false. */
bool link_fail(LinkError *err, LinkErrorCode code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Points tx and rx at their rings, both empty. False without memory. */
bool link_rings_init(Link *l, LinkError *err);
void link_rings_free(Link *l);

/* When process @pid started, in clock ticks; false: it is gone or a zombie. */
bool link_process_start(uint32_t pid, uint64_t *ret_ticks);

#endif
