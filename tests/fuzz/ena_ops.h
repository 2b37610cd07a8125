/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_ops.h: the language of ena_fuzz.c: an input is a list of operations,
 * each one byte followed by its arguments, little endian. Short arguments at
 * the end read as 0. ena_seed.c writes it.
 */
#ifndef OUTRIGGER_ENA_OPS_H
#define OUTRIGGER_ENA_OPS_H

/* Where the host keeps things in its 256 KiB */
#define FUZZ_RAM 0x40000u
#define FUZZ_WINDOW 0x38000u /* the function sees no more */
#define FUZZ_AQ 0x1000u
#define FUZZ_ACQ 0x2000u
#define FUZZ_AENQ 0x3000u
#define FUZZ_RESP 0x4000u
#define FUZZ_CONTROL 0x5000u /* control buffers */
#define FUZZ_SQ(q) (0x8000u + (q)*0x1000u)
#define FUZZ_CQ(q) (0xc000u + (q)*0x1000u)
#define FUZZ_DATA 0x10000u
#define FUZZ_DEPTH 16u
#define FUZZ_QUEUES 4u /* TX, TX, RX, RX; numbers of the device */

typedef enum FuzzOp {
    FUZZ_WRITE_REG = 0, /* u8 register / 4, u32 value */
    FUZZ_ACCESS,        /* u16 address, u8 width | 0x80 read, u64 value */
    FUZZ_MEMORY,        /* u16 address / 4, u8 n, n bytes */
    FUZZ_START,         /* reset handshake, admin queues, events */
    FUZZ_ADMIN,         /* u8 opcode, u8 n, n bytes from offset 4; and ring */
    FUZZ_QUEUE,         /* u8 queue, u8 flags (1: low latency): create */
    FUZZ_DESC,          /* u8 queue, u32 w0, u32 w1, u16 address / 4, u8 top
                         * byte: put, with the right phase */
    FUZZ_LLQ,           /* u8 queue, u8 n, n bytes: an entry */
    FUZZ_RING,          /* u8 queue, u8 value; 0: what was put */
    FUZZ_UNMASK,        /* u8 queue, u32 value */
    FUZZ_FRAME,         /* u16 length, u8 n, n bytes: arrives */
    FUZZ_OUTER,         /* u8 byte, u8 xor, u8 n, n bytes: arrives inside a
                         * packet of network 1 with that byte changed */
    FUZZ_NETWORK,       /* u8 vni */
    FUZZ_MAP,           /* u8 member */
    FUZZ_STEPS,         /* u8 events */
    FUZZ_TIME,          /* u16 microseconds */
    FUZZ_LINK,          /* u8 up */
    FUZZ_RESET,
    FUZZ_REPLACE, /* u8 0 exact, else resubmit: save and load */
    FUZZ_DAMAGE,  /* u8 n, n x {u16 offset, u8 xor}, u8 resubmit */
    FUZZ_SWITCH,  /* u8 which, u8 value */
    FUZZ_BALANCE, /* u8 policy (6: off), u8 of FUZZ_BALANCE_* */
    FUZZ_FAR,     /* u8 of FUZZ_FAR_*, u8 byte, u8 xor, u8 n, n bytes: from
                   * another card that balances, with that byte changed */
    FUZZ_OWN,     /* u8 frames of the card's own, u8 us until one more */
    FUZZ_OPS
} FuzzOp;

/* FUZZ_SWITCH */
typedef enum FuzzSwitch {
    FUZZ_SW_DMA_FAULT = 0, /* the how-manieth access from now fails */
    FUZZ_SW_MODEL_ROOM,
    FUZZ_SW_DELAY,
    FUZZ_SW_JITTER,
    FUZZ_SWITCHES
} FuzzSwitch;

/* FUZZ_BALANCE */
#define FUZZ_BALANCE_SEQUENCING 1u
#define FUZZ_BALANCE_CAP 2u
#define FUZZ_BALANCE_REDUCE 4u
#define FUZZ_BALANCE_FEW 8u /* values */

/* FUZZ_FAR */
#define FUZZ_FAR_ALONE 1u /* an echo alone */
#define FUZZ_FAR_MARKED 2u
#define FUZZ_FAR_LOST 4u
#define FUZZ_FAR_TWICE 8u
#define FUZZ_FAR_ANEW 16u /* that card begins anew before */

#endif
