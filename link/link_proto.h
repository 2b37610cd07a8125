/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_proto.h: the link channel in memory, byte by byte, version 1.
 *
 * One file has a header of 4096 bytes, then the ring from side A to side B,
 * then the ring from side B to side A, both of ring_bytes. Side A is the
 * engine, which makes the file; side B is a device. Numbers have the byte
 * order of the machine: both sides run on it. docs/link.md has the rules.
 *
 * Not here: how the two sides agree on time (lockstep), and waiting for the
 * other side. The channel only carries stamps and bytes.
 */
#ifndef OUTRIGGER_LINK_PROTO_H
#define OUTRIGGER_LINK_PROTO_H

#include <stddef.h>
#include <stdint.h>

#define LINK_MAGIC 0x4b4e494c5254554full /* "OUTRLINK" in memory */
#define LINK_VERSION 1u
#define LINK_HEADER_BYTES 4096u
#define LINK_RECORD_ALIGN 16u
#define LINK_MAX_PAYLOAD_BYTES 9728u
/* Twice the largest record fits, so an empty ring takes any message. */
#define LINK_MIN_RING_BYTES (32u * 1024)
#define LINK_MAX_RING_BYTES (1024u * 1024 * 1024)

/* What a record carries. Any other value is refused. */
typedef enum LinkKind {
    LINK_PAD = 0,     /* unused bytes up to the end of the ring */
    LINK_FRAME = 1,   /* an Ethernet frame without preamble and FCS */
    LINK_INPUT = 2,   /* bytes for the guest's console */
    LINK_OUTPUT = 3,  /* bytes from the guest's console */
    LINK_CONTROL = 4, /* one LinkControl */
} LinkKind;

#define LINK_KINDS 5u
#define LINK_MIN_FRAME_BYTES 14u /* an Ethernet header */

typedef enum LinkControlOp {
    LINK_CONTROL_DOWN = 1, /* the link of @port lost its signal */
    LINK_CONTROL_UP = 2,   /* it works, at @value bits per second */
} LinkControlOp;

/* Payload of LINK_CONTROL. */
typedef struct LinkControl {
    uint32_t op;       /* LinkControlOp */
    uint32_t reserved; /* 0 */
    uint64_t value;    /* LINK_CONTROL_UP: bits per second; else 0 */
} LinkControl;
_Static_assert(sizeof(LinkControl) == 16, "layout of LinkControl");

/* What stands before each payload, on a multiple of 16 bytes. */
typedef struct LinkRecord {
    uint64_t ps;   /* simulated time; UINT64_MAX is not allowed */
    uint32_t len;  /* bytes of payload; the next record begins at the next
                      multiple of 16 behind them */
    uint16_t kind; /* LinkKind */
    uint16_t port; /* which port of the device */
} LinkRecord;
_Static_assert(sizeof(LinkRecord) == 16, "layout of LinkRecord");
_Static_assert(offsetof(LinkRecord, len) == 8, "layout of LinkRecord");
_Static_assert(offsetof(LinkRecord, kind) == 12, "layout of LinkRecord");
_Static_assert(offsetof(LinkRecord, port) == 14, "layout of LinkRecord");

typedef enum LinkSideState {
    LINK_SIDE_FREE = 0,     /* nobody came yet */
    LINK_SIDE_TAKEN = 1,    /* somebody is filling in who */
    LINK_SIDE_ATTACHED = 2, /* by the process named */
    LINK_SIDE_CLOSED = 3,   /* it left in good order */
} LinkSideState;

/* Who is at one side. */
typedef struct LinkSideInfo {
    uint32_t state;       /* LinkSideState */
    uint32_t pid;         /* of the process that attached */
    uint64_t start_ticks; /* when that started: /proc/PID/stat, field 22 */
    uint8_t reserved[112];
} LinkSideInfo;
_Static_assert(sizeof(LinkSideInfo) == 128, "layout of LinkSideInfo");

/*
 * Positions in one ring: bytes since the last reset. They only grow and do
 * not wrap; position P is at P modulo ring_bytes. Each has two cache lines of
 * its own because processors fetch lines in pairs.
 */
typedef struct LinkRingInfo {
    uint64_t produced; /* written by the sender, release order */
    uint8_t reserved1[120];
    uint64_t consumed; /* written by the receiver, release order */
    uint8_t reserved2[120];
} LinkRingInfo;
_Static_assert(sizeof(LinkRingInfo) == 256, "layout of LinkRingInfo");
_Static_assert(offsetof(LinkRingInfo, consumed) == 128, "layout");

typedef struct LinkHeader {
    uint64_t magic;             /* written last when the file is made */
    uint32_t version;           /* LINK_VERSION */
    uint32_t header_bytes;      /* LINK_HEADER_BYTES */
    uint64_t ring_bytes;        /* of each ring; a power of two */
    uint64_t file_bytes;        /* header_bytes + 2 * ring_bytes */
    uint32_t max_payload_bytes; /* LINK_MAX_PAYLOAD_BYTES */
    uint32_t generation;        /* 1, and one more at each reset */
    uint8_t reserved1[88];
    LinkSideInfo side[2]; /* A, B */
    uint8_t reserved2[128];
    LinkRingInfo ring[2]; /* A to B, B to A */
    uint8_t reserved3[3072];
} LinkHeader;
_Static_assert(sizeof(LinkHeader) == LINK_HEADER_BYTES, "layout of LinkHeader");
_Static_assert(offsetof(LinkHeader, version) == 8, "layout of LinkHeader");
_Static_assert(offsetof(LinkHeader, header_bytes) == 12, "layout");
_Static_assert(offsetof(LinkHeader, ring_bytes) == 16, "layout of LinkHeader");
_Static_assert(offsetof(LinkHeader, file_bytes) == 24, "layout of LinkHeader");
_Static_assert(offsetof(LinkHeader, max_payload_bytes) == 32, "layout");
_Static_assert(offsetof(LinkHeader, generation) == 36, "layout of LinkHeader");
_Static_assert(offsetof(LinkHeader, side) == 128, "layout of LinkHeader");
_Static_assert(offsetof(LinkHeader, ring) == 512, "layout of LinkHeader");
_Static_assert(LINK_MIN_RING_BYTES >=
                   2 * (sizeof(LinkRecord) + LINK_MAX_PAYLOAD_BYTES),
               "an empty ring takes any message");

#endif
