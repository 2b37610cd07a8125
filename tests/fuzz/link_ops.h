/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_ops.h: the language of link_fuzz.c: an operation's byte, then its
 * operands, little-endian. What is missing at the end reads as 0.
 */
#ifndef OUTRIGGER_LINK_OPS_H
#define OUTRIGGER_LINK_OPS_H

#define FUZZ_RING (32u * 1024)

enum {
    FUZZ_SEND,       /* side u8, stamp step u8, kind u8, port u8, len u16 */
    FUZZ_FRAMES,     /* side u8, count u8: frames of many lengths */
    FUZZ_RECEIVE,    /* side u8, count u8 */
    FUZZ_PEEK_PS,    /* side u8 */
    FUZZ_UNCONSUMED, /* side u8 */
    FUZZ_STATE,      /* side u8, rate u8: link up or down */
    FUZZ_PEER,       /* side u8 */
    FUZZ_HEADER,     /* offset u16, count u8, bytes: spoil the header */
    FUZZ_BYTES,      /* side u8, offset u16, count u8, bytes: spoil a ring */
    FUZZ_RECORD,     /* side u8, len u32, kind u16, stamp step i8, more u16:
                        a forged record where the receiver reads next, and
                        @more bytes published */
    FUZZ_INDEX,      /* side u8, what u8, value i32: a position moves */
    FUZZ_LEAVE,      /* side B closes */
    FUZZ_ATTACH,     /* and attaches */
    FUZZ_RESET,      /* side A resets; if u8 is odd after the peer "died" */
    FUZZ_CREATE,     /* ring size u32: made and closed again */
    FUZZ_OPS
};

#endif
