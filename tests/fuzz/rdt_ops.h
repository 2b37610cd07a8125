/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_ops.h: the language of rdt_fuzz.c's input, for it and its seeds: a byte
 * that names an operation, then its operands; numbers are little endian.
 */
#ifndef OUTRIGGER_RDT_OPS_H
#define OUTRIGGER_RDT_OPS_H

typedef enum RdtOp {
    RDT_OP_SEND = 0, /* u8 end, u16 bytes * 8 */
    RDT_OP_WIRE,     /* u8 which, u8 what: 1 lose, 2 twice, 4 marked, 8 damage:
                      * u16 where, u8 xor; 16 cut: u16 bytes */
    RDT_OP_ALL,      /* u8 n: the next n datagrams arrive in order */
    RDT_OP_TIME,     /* u16 ps << u8 % 32 */
    RDT_OP_RAW,      /* u8 end, u8 bytes, bytes: a datagram */
    RDT_OP_FORGE,    /* u8 end, u8 kind, u8 epoch, u64 number, u8 bytes, bytes:
                      * an authentic one */
    RDT_OP_LIFE,     /* u8: end | what << 1: close, abort, reopen, keep
                      * messages, peer */
    RDT_OP_KEY,      /* u8: end | use << 1, u8 key */
    RDT_OP_REPLACE,  /* u8 end: saved and loaded */
    RDT_OP_DAMAGE,   /* u8 end, u8 n, n times u16 where, u8 xor; loaded */
    RDT_OP_FRAME,    /* u8 bytes, bytes: a frame */
    RDT_OPS
} RdtOp;

#endif
