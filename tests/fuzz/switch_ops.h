/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_ops.h: the language of switch_fuzz.c: a byte for the board, then
 * operations, each a byte and its operands, little-endian.
 */
#ifndef OUTRIGGER_FUZZ_SWITCH_OPS_H
#define OUTRIGGER_FUZZ_SWITCH_OPS_H

enum {
    FUZZ_WRITE,  /* u16 register / 4, u32 value */
    FUZZ_READ,   /* u16 register / 4 */
    FUZZ_FRAME,  /* u8 port, u16 length, 48 bytes of headers */
    FUZZ_TIME,   /* u16: forward, 100 ns each */
    FUZZ_SIGNAL, /* u8 port, u8 present */
    FUZZ_MOVE,   /* saved, loaded into another device, which goes on */
    FUZZ_SPOIL,  /* u32 offset, u8 bits: into a saved state, then loaded */
    FUZZ_OPS
};

#define FUZZ_HEADER_BYTES 48

#endif
