/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_ops.h: the language of nvme_fuzz.c: an input is a list of operations,
 * each one byte followed by its arguments, little endian. Short arguments at
 * the end read as 0. nvme_seed.c writes it.
 */
#ifndef OUTRIGGER_NVME_OPS_H
#define OUTRIGGER_NVME_OPS_H

/* Where the host keeps things in its 256 KiB */
#define FUZZ_RAM 0x40000u
#define FUZZ_WINDOW 0x38000u /* the function sees no more */
#define FUZZ_SQ(q) (0x1000u + (q)*0x2000u)
#define FUZZ_CQ(q) (0x2000u + (q)*0x2000u)
#define FUZZ_QUEUES 5u /* 0..4 */
#define FUZZ_ENTRIES 16u
#define FUZZ_SHADOW 0xc000u
#define FUZZ_EVENT 0xd000u
#define FUZZ_DATA 0x10000u

typedef enum FuzzOp {
    FUZZ_WRITE_REG = 0, /* u8 register / 4, u32 value */
    FUZZ_ACCESS,        /* u16 address, u8 width | 0x80 read, u64 value */
    FUZZ_MEMORY,        /* u16 address / 4, u8 n, n bytes */
    FUZZ_COMMAND,       /* u8 queue | flags << 4, u8 opcode, u8 nsid,
                         * u16 prp1 / 4, u16 prp2 / 4, u32 cdw10, cdw11,
                         * cdw12: put, but do not ring */
    FUZZ_SGL_COMMAND,   /* the same with u64 prp1, u64 prp2, u8 flags */
    FUZZ_RING_SQ,       /* u8 queue: what was put */
    FUZZ_RING,          /* u8 doorbell, u8 value */
    FUZZ_TAKE,          /* u8 queue: completions, and ring */
    FUZZ_STEPS,         /* u8 events */
    FUZZ_TIME,          /* u16 microseconds */
    FUZZ_ENABLE,        /* u8 bits of CC */
    FUZZ_QUEUE,         /* u8 queue: create a pair and run */
    FUZZ_RESET,         /* u8 kind */
    FUZZ_REPLACE,       /* u8 0 exact, else resubmit: save and load */
    FUZZ_DAMAGE,        /* u8 n, n x {u16 offset, u8 xor}, u8 resubmit: a
                         * damaged state is loaded */
    FUZZ_SWITCH,        /* u8 which, u8 value: see nvme_fuzz.c */
    FUZZ_OPS
} FuzzOp;

/* FUZZ_SWITCH */
typedef enum FuzzSwitch {
    FUZZ_SW_HOLD = 0,
    FUZZ_SW_SUSPEND,
    FUZZ_SW_MSIX,
    FUZZ_SW_DMA_FAULT, /* value: the how-manieth access from now fails */
    FUZZ_SW_MODEL_ROOM,
    FUZZ_SW_DELAY,
    FUZZ_SW_JITTER,
    FUZZ_SW_IO_STATUS,
    FUZZ_SW_ATTACH, /* nsid, bit 7: 4096 byte blocks */
    FUZZ_SW_DETACH,
    FUZZ_SW_RELEASE,
    FUZZ_SW_READ_ONLY,
    FUZZ_SWITCHES
} FuzzSwitch;

#endif
