/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_ops.h: the language of card_fuzz.c: an input is a list of operations,
 * each one byte followed by its arguments, little endian. Short arguments at
 * the end read as 0. card_seed.c writes it.
 */
#ifndef OUTRIGGER_CARD_OPS_H
#define OUTRIGGER_CARD_OPS_H

#define FUZZ_IFACES 3u
#define FUZZ_NAMES 6u /* of partitions */

typedef enum CardFuzzOp {
    FUZZ_MMIO = 0, /* u8 function, u16 address, u8 size | 0x80 read, u32 */
    FUZZ_START,    /* u8 function: reset, enable, one queue pair */
    FUZZ_IO,       /* u8 function, u8 opcode, u16 slba, u8 nlb, u8 flags */
    FUZZ_SQE,      /* u8 function | 0x80 admin, 64 bytes */
    FUZZ_STEPS,    /* u8 events */
    FUZZ_TIME,     /* u16 x 16 us */
    FUZZ_CREATE,   /* u8 name, u8 MiB, u8 flags, u16 stripe / 512 */
    FUZZ_DELETE,   /* u8 name */
    FUZZ_RESIZE,   /* u8 name, u8 MiB */
    FUZZ_ATTACH,   /* u8 name, u8 function, u8 namespace */
    FUZZ_DETACH,   /* u8 name | 0x80 destroy the key */
    FUZZ_LIMITS,   /* u8 function, u16 iops, u32 bytes a second */
    FUZZ_ROTATE,   /* u8 name */
    FUZZ_FAULT,    /* u8 kind, u8 drive, u16 offset, u16 bytes, u8 count */
    FUZZ_CLEAR,    /* faults */
    FUZZ_SUSPEND,  /* u8 bit 0: resume */
    FUZZ_REPLACE,  /* u8 bit 0: resubmit */
    FUZZ_DAMAGE,   /* u8 n, n x {u16 offset, u8 xor}, u8 resubmit */
    FUZZ_POWER,    /* the process dies; another begins */
    FUZZ_FLASH,    /* u8 n, n x {u16 offset, u8 xor}: damaged flash */
    FUZZ_RESET,    /* u8 function | 0x80: MSI-X on or off, u8 value */
    FUZZ_SWITCH,   /* u8 which, u8 value: see card_fuzz.c */
    FUZZ_OPS
} CardFuzzOp;

/* FUZZ_CREATE */
#define FUZZ_STRIPE 0x01u
#define FUZZ_PLAIN 0x02u
#define FUZZ_BLOCKS_4K 0x04u
#define FUZZ_TWO_DRIVES 0x08u
#define FUZZ_DRIVE_1 0x10u

/* FUZZ_SWITCH */
typedef enum CardFuzzSwitch {
    FUZZ_SW_FLASH_FAILS = 0,
    FUZZ_SW_NO_RANDOM,
    FUZZ_SW_MODEL_ROOM,
    FUZZ_SW_DELAY,
    FUZZ_SW_JITTER,
    FUZZ_SW_DRIVE_FAULT, /* the how-manieth access from now fails */
    FUZZ_SWITCHES
} CardFuzzSwitch;

#endif
