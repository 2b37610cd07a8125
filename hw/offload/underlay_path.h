/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * underlay_path.h: path balancing between the cards of a virtual network: one
 * PathSender, PathReceiver and PathOrder a peer card, and version 2 of the
 * underlay's header, which carries their feedback.
 *
 * Header, 56 bytes after UDP, big endian, version 2:
 *
 *     0   u8   version << 4 | 14 (header length in 32-bit words)
 *     1   u8   flags: bit 0 the echo fields count; bit 1 no guest frame
 *              follows; others 0
 *     2   u8   value: which of the sender's values the source port is
 *     3   u8   echo: the value of the receiver that is told of
 *     4   u32  virtual network, 24 bits, top byte 0
 *     8   u32  epoch: greater each time the sender's state begins anew
 *     12  u32  sequence number of the packet, of this pair of functions;
 *              without a frame: of the next one
 *     16  u32  bytes sent with this value, this packet included, mod 2^32
 *     20  u32  time of departure, nanoseconds, mod 2^32
 *     24  u32  echo: its number, greater in each echo of this epoch
 *     28  u32  echo: packets received with that value in this epoch
 *     32  u32  echo: of them, with congestion experienced
 *     36  u32  echo: the highest count of bytes (16) received
 *     40  u32  echo: bytes of gaps before it
 *     44  u32  echo: lowest one-way delay since the last echo of that value,
 *              nanoseconds; FFFFFFFFh: none
 *     48  u64  tag: SipHash-2-4 under the network's key over source address,
 *              destination address, source port and bytes 0 to 47
 *
 * "Bytes" are those of whole packets, outer headers included. Echo fields
 * without flag 0 are 0. Only the control plane has the key: guests cannot
 * make such a packet, nor can another sender on the underlay. A packet whose
 * tag is wrong is dropped (FORGED); so is one that was here before or is of
 * an older epoch (REPLAYED). An echo that is older than the newest, or that
 * cannot be true, is ignored and counted; its packet is delivered.
 *
 * One-way delays compare clocks of two cards. When the first one is not below
 * a second, the clocks differ, and delays count from a millisecond below it.
 *
 * A frame for a mapping with `plain`, or when no balancing was configured,
 * has version 1. Both are accepted at any time.
 *
 * Not modelled: encryption; the tag does not cover the guest's frame.
 */
#ifndef OUTRIGGER_UNDERLAY_PATH_H
#define OUTRIGGER_UNDERLAY_PATH_H

#include "path.h"
#include "siphash.h"
#include "underlay.h"

#define UNDERLAY2_HEADER_BYTES 56u
#define UNDERLAY2_OUTER_BYTES (14u + 20u + 8u + UNDERLAY2_HEADER_BYTES)
#define UNDERLAY2_FLAG_ECHO 0x01u
#define UNDERLAY2_FLAG_ALONE 0x02u

/* What a packet of version 2 is, beyond UnderlayVerdict. */
typedef enum Underlay2Verdict {
    UNDERLAY2_FRAME = 0, /* deliver it; then underlay_paths_pop */
    UNDERLAY2_HELD,      /* it was taken; then underlay_paths_pop */
    UNDERLAY2_ALONE,     /* an echo without a frame */
    UNDERLAY2_MALFORMED,
    UNDERLAY2_FOREIGN,
    UNDERLAY2_FORGED,
    UNDERLAY2_REPLAYED,
    UNDERLAY2_VERDICTS
} Underlay2Verdict;

typedef struct UnderlayFrame {
    uint32_t len;
    uint8_t bytes[];
} UnderlayFrame;

typedef struct UnderlayPeer {
    uint32_t ip;
    uint8_t mac[6];
    uint16_t paths;
    uint32_t epoch; /* ours */
    PathSender *tx;
    PathReceiver *rx;
    PathOrder *order;
    bool heard;             /* the following three count */
    uint32_t peer_epoch;    /* the newest heard of */
    bool echoed;            /* echo_in counts */
    uint32_t echo_in;       /* the newest echo heard of */
    uint32_t echo_out;      /* the next echo's number */
    uint32_t delay_from_ns; /* clocks differ by so much */
    bool delay_known;
    uint64_t echoes_sent, echoes_alone, echoes_taken, echoes_ignored;
} UnderlayPeer;

typedef struct UnderlayPaths {
    Underlay *u; /* borrowed */
    PathConfig config;
    uint8_t key[SIPHASH_KEY_BYTES];
    uint64_t seed;
    uint32_t epoch;   /* of the newest peer */
    uint32_t changes; /* of @u that are in the table */
    GPtrArray *peers; /* UnderlayPeer, in order of ip */
    unsigned held;    /* frames in reorder buffers */
    uint64_t due_ps;  /* nothing is to be done by time alone before */
} UnderlayPaths;

/* @config has no problem. @epoch: greater each time the card begins anew. */
UnderlayPaths *underlay_paths_new(Underlay *u, const PathConfig *config,
                                  const uint8_t key[SIPHASH_KEY_BYTES],
                                  uint64_t seed, uint32_t epoch);
void underlay_paths_free(UnderlayPaths *p); /* NULL is fine */

/* The peer of a mapping; NULL: it gets plain packets of version 1. Valid
 * until the next change of the network or its mappings. */
UnderlayPeer *underlay_paths_peer(UnderlayPaths *p, const UnderlayMapping *m);
UnderlayPeer *underlay_paths_find(UnderlayPaths *p, uint32_t ip);
/* What a policy tells flows apart by. */
uint32_t underlay_paths_hash(const uint8_t *frame, uint32_t len);

/* Outer headers for a guest frame that leaves now; an echo rides on it. */
uint32_t underlay_paths_encap(UnderlayPaths *p, uint64_t now_ps,
                              UnderlayPeer *peer, const PathChoice *choice,
                              const uint8_t *frame, uint32_t len, uint8_t *out);
/* A packet with @echo alone, UNDERLAY2_OUTER_BYTES. */
uint32_t underlay_paths_alone(UnderlayPaths *p, uint64_t now_ps,
                              UnderlayPeer *peer, const PathEcho *echo,
                              uint8_t *out);
/* Takes the echo of a peer that has to be sent alone by now; NULL: none. */
UnderlayPeer *underlay_paths_due(UnderlayPaths *p, uint64_t now_ps,
                                 PathEcho *ret);

/* Whether it looks like version 2 at all. */
bool underlay_paths_is_ours(const uint8_t *packet, uint32_t len);
/* @packet has just arrived and is changed in place (ECN). On FRAME the frame
 * is *ret_frame. */
Underlay2Verdict underlay_paths_decap(UnderlayPaths *p, uint64_t now_ps,
                                      uint8_t *packet, uint32_t len,
                                      uint8_t **ret_frame, uint32_t *ret_len);
/* The next held frame that is due, to be freed by g_free; NULL: none. */
UnderlayFrame *underlay_paths_pop(UnderlayPaths *p, uint64_t now_ps);
/* Nothing is due by time alone before; PATH_NEVER. */
uint64_t underlay_paths_next_ps(const UnderlayPaths *p);
/* Makes that exact; to be called when it has come. */
void underlay_paths_rearm(UnderlayPaths *p);

/* NULL in @p: no balancing. */
void underlay_paths_save(const UnderlayPaths *p, GByteArray *out);
/* For @u, loaded before. @now_ps: the instant of saving. NULL: no balancing,
 * or an error in @r. */
UnderlayPaths *underlay_paths_load(Underlay *u, uint64_t now_ps,
                                   StateReader *r);

#endif
