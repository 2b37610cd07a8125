/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_seed.c: writes the seed corpus of ena_fuzz.c: what real hosts do, and
 * every command and feature once.
 *
 *     ena_seed DIRECTORY
 */
#include <stdbool.h>
#include <string.h>

#include "ena_ops.h"
#include "ena_spec.h"
#include "seed.h"

static void op(FuzzOp o, unsigned a, unsigned b)
{
    u8(o);
    u8(a);
    u8(b);
}

static void bytes(const void *p, unsigned n)
{
    u8(n);
    g_byte_array_append(out, p, n);
}

static void begin(void)
{
    u8(FUZZ_START);
    for (unsigned q = 0; q < FUZZ_QUEUES; q++) {
        op(FUZZ_QUEUE, q, 0);
    }
}

static void memory(uint32_t addr, const void *p, unsigned n)
{
    u8(FUZZ_MEMORY);
    le(addr / 4, 2);
    bytes(p, n);
}

static void tx(unsigned q, uint32_t w0, uint32_t w1, uint32_t addr)
{
    u8(FUZZ_DESC);
    u8(q);
    le(w0, 4);
    le(w1, 4);
    le(addr / 4, 2);
    u8(0);
}

static void rx(unsigned q, unsigned len)
{
    u8(FUZZ_DESC);
    u8(q);
    le(len | 0x3c000000u, 4);
    le(1, 4);
    le(FUZZ_DATA / 4, 2);
    u8(0);
}

static void meta(unsigned q, unsigned mss)
{
    u8(FUZZ_DESC);
    u8(q);
    le(ENA_TXD_META | ENA_TXD_FIRST | ENA_TXM_EXT_VALID | ENA_TXM_TYPE_EXT |
           ENA_TXM_STORE,
       4);
    le(0, 4);
    /* Word 2 is an address in units of 4: l3_len 20, l3_off 14. */
    le((20 | 14 << 8) / 4, 2);
    u8(0);
    (void)mss;
}

/* Ethernet, IPv4, TCP or UDP from the guest to member @to */
static unsigned packet(uint8_t *f, unsigned to, unsigned proto)
{
    static const uint8_t head[] = {
        2, 1, 0, 0, 0,  0, 2, 1, 0,   0,   0,    1,    8,   0,   0x45, 2, 0, 60,
        0, 1, 0, 0, 64, 6, 0, 0, 192, 168, 0,    1,    192, 168, 0,    2, 4, 1,
        4, 2, 0, 0, 0,  1, 0, 0, 0,   1,   0x50, 0x18, 1,   0,   0,    0, 0, 0
    };

    memset(f, 0x5a, 100);
    memcpy(f, head, sizeof(head));
    f[5] = to;
    f[23] = proto;
    return 74;
}

static void arp(uint8_t *f, unsigned member)
{
    static const uint8_t head[] = { 255, 255, 255, 255, 255, 255, 2, 1, 0,
                                    0,   0,   1,   8,   6,   0,   1, 8, 0,
                                    6,   4,   0,   1,   2,   1,   0, 0, 0,
                                    1,   192, 168, 0,   1,   0,   0, 0, 0,
                                    0,   0,   192, 168, 0,   0 };

    memset(f, 0, 60);
    memcpy(f, head, sizeof(head));
    f[41] = member;
}

static void run(void)
{
    u8(FUZZ_TIME);
    le(50, 2);
}

#define ONE (ENA_TXD_FIRST | ENA_TXD_LAST | ENA_TXD_COMP_REQ)

static void transmit(void)
{
    uint8_t f[100];

    begin();
    for (unsigned i = 0; i < 20; i++) {
        unsigned n = packet(f, 2, i & 1 ? 6 : 17);

        memory(FUZZ_DATA, f, n);
        if (i % 5 == 4) {
            meta(0, 0);
        }
        tx(0, n | (i % 5 == 4 ? ONE & ~ENA_TXD_FIRST : ONE),
           ENA_L3_IPV4 | (i & 1 ? 12 : 13) << 8 | ENA_TXD_L3_CSUM |
               ENA_TXD_L4_CSUM | (i & 2 ? ENA_TXD_L4_PARTIAL : 0),
           FUZZ_DATA);
        op(FUZZ_RING, 0, 0);
        u8(FUZZ_UNMASK);
        u8(0);
        le(ENA_INTR_UNMASK | 5, 4);
        op(FUZZ_STEPS, i * 3, FUZZ_REPLACE);
        u8(i & 1);
    }
    run();
}

static void scattered(void)
{
    begin();
    tx(1, 40 | ENA_TXD_FIRST | ENA_TXD_COMP_REQ, 0, FUZZ_DATA);
    tx(1, 400, 0, FUZZ_DATA + 100);
    tx(1, 4000 | ENA_TXD_LAST, 0, FUZZ_DATA + 1000);
    op(FUZZ_RING, 1, 0);
    run();
    tx(1, 40 | ENA_TXD_LAST, 0, FUZZ_DATA);
    tx(1, 9999 | ONE, 0, FUZZ_DATA);
    tx(1, ONE, 0, FUZZ_DATA);
    op(FUZZ_RING, 1, 0);
    run();
    op(FUZZ_RING, 1, 200);
    run();
}

static void segmentation(void)
{
    uint8_t f[100], m[16];

    begin();
    memory(FUZZ_DATA, f, packet(f, 2, 6));
    /* The metadata itself, with its MSS, over the descriptor. */
    meta(0, 0);
    memset(m, 0, sizeof(m));
    m[0] = 0;
    m[1] = 0x40;
    m[2] = 0xb0;
    m[3] = 0x05;
    m[8] = 20;
    m[9] = 14;
    m[10] = 5;
    m[11] = 50;
    memory(FUZZ_SQ(0), m, 16);
    tx(0, 60000 | ENA_TXD_LAST | ENA_TXD_COMP_REQ,
       ENA_L3_IPV4 | 12 << 8 | ENA_TXD_TSO, FUZZ_DATA);
    op(FUZZ_RING, 0, 0);
    op(FUZZ_STEPS, 40, FUZZ_REPLACE);
    u8(1);
    run();
}

static void receive(void)
{
    uint8_t f[100];

    begin();
    for (unsigned i = 0; i < 24; i++) {
        unsigned n = packet(f, 1, i & 1 ? 6 : 17);

        f[37] = i;
        rx(2, i % 3 ? 2048 : 32);
        rx(3, 64);
        op(FUZZ_RING, 2, 0);
        op(FUZZ_RING, 3, 0);
        u8(FUZZ_FRAME);
        le(n + i * 40, 2);
        bytes(f, n);
        op(FUZZ_STEPS, i, FUZZ_REPLACE);
        u8(i & 1);
        if (i % 4 == 0) {
            u8(FUZZ_UNMASK);
            u8(2);
            le(ENA_INTR_UNMASK | 3, 4);
        }
    }
    run();
}

static void networks(void)
{
    uint8_t f[100];

    begin();
    u8(FUZZ_NETWORK);
    u8(1);
    for (unsigned i = 2; i < 6; i++) {
        u8(FUZZ_MAP);
        u8(i);
    }
    rx(2, 2048);
    rx(2, 2048);
    rx(2, 2048);
    op(FUZZ_RING, 2, 0);
    for (unsigned i = 0; i < 6; i++) {
        unsigned n = packet(f, i + 1, 6);

        if (i == 4) {
            f[0] = 255;
        }
        if (i == 5) {
            f[11] = 7;
        }
        memory(FUZZ_DATA, f, n);
        tx(0, n | ONE, 0, FUZZ_DATA);
        op(FUZZ_RING, 0, 0);
        run();
    }
    for (unsigned i = 2; i < 8; i += 5) {
        arp(f, i);
        memory(FUZZ_DATA, f, 60);
        tx(0, 60 | ONE, 0, FUZZ_DATA);
        op(FUZZ_RING, 0, 0);
        run();
    }
    for (unsigned i = 0; i < 62; i++) {
        op(FUZZ_OUTER, i, i % 3 ? 0 : 3);
        packet(f, 1, 6);
        bytes(f, 74);
    }
    op(FUZZ_REPLACE, 0, FUZZ_NETWORK);
    u8(2);
    run();
}

/* Both cards balance; packets get lost, marked, doubled, changed. Each call is
 * about the next policy. */
static void balancing(void)
{
    static unsigned policy;
    uint8_t f[100];

    begin();
    op(FUZZ_NETWORK, 1, FUZZ_MAP);
    u8(2);
    op(FUZZ_BALANCE, policy, policy * 5 + 3);
    for (unsigned i = 0; i < 36; i++) {
        unsigned n = packet(f, 2, 6);
        bool changed = i % 8 == 7;

        rx(2, 2048);
        op(FUZZ_RING, 2, 0);
        memory(FUZZ_DATA, f, n);
        tx(0, n | ONE, 0, FUZZ_DATA);
        op(FUZZ_RING, 0, 0);
        op(FUZZ_STEPS, 40, FUZZ_FAR);
        u8(i % 5 == 4 ? FUZZ_FAR_ALONE | (i & FUZZ_FAR_MARKED) : i & 14);
        u8(changed ? 42 + i : 0);
        u8(changed);
        packet(f, 1, 6);
        memcpy(f + 6, (uint8_t[]){ 2, 1, 0, 0, 0, 2 }, 6);
        bytes(f, 74);
        op(FUZZ_REPLACE, i & 1, FUZZ_STEPS);
        u8(i);
    }
    op(FUZZ_BALANCE, policy++, 15);
    run();
    run();
}

static void card_own(void)
{
    begin();
    for (unsigned i = 1; i < 10; i++) {
        op(FUZZ_OWN, 3 * i, i);
        tx(0, 60 | ONE, 0, FUZZ_DATA);
        op(FUZZ_RING, 0, 0);
        op(FUZZ_STEPS, i, FUZZ_REPLACE);
        u8(i & 1);
        u8(FUZZ_TIME);
        le(3, 2);
    }
    u8(FUZZ_FRAME);
    le(80, 2);
    u8(14);
    for (unsigned i = 0; i < 14; i++) {
        u8(0x77);
    }
    op(FUZZ_OWN, 200, 0);
    u8(FUZZ_RESET);
    op(FUZZ_OWN, 2, 1);
    run();
}

static void low_latency(void)
{
    uint8_t e[128];

    u8(FUZZ_START);
    op(FUZZ_QUEUE, 0, 1);
    for (unsigned i = 0; i < 20; i++) {
        memset(e, 0, sizeof(e));
        e[2] = i % 3 ? 0 : 0x80; /* metadata first */
        e[3] = 0x04 | (i % 3 ? 0x18 : 0);
        e[15] = i % 3 ? 74 : 0;
        e[19] = 0x18;
        e[31] = 74;
        packet(e + 32, 2, 6);
        op(FUZZ_LLQ, 0, 128);
        g_byte_array_append(out, e, 128);
        op(FUZZ_RING, 0, 0);
        op(FUZZ_STEPS, i, FUZZ_REPLACE);
        u8(i & 1);
    }
    run();
}

static void feature(unsigned opcode, unsigned id, uint32_t len, uint32_t d0,
                    uint32_t d1, uint32_t d2)
{
    uint8_t b[60] = { 0 };

    b[0] = (uint8_t)len;
    b[1] = len >> 8;
    b[5] = FUZZ_CONTROL >> 8;
    b[13] = id;
    for (unsigned i = 0; i < 4; i++) {
        b[16 + i] = d0 >> (8 * i);
        b[20 + i] = d1 >> (8 * i);
        b[24 + i] = d2 >> (8 * i);
    }
    op(FUZZ_ADMIN, opcode, sizeof(b));
    g_byte_array_append(out, b, sizeof(b));
    op(FUZZ_STEPS, 30, FUZZ_REPLACE);
    u8(id & 1);
}

static void features(void)
{
    uint8_t key[48] = { 10 };

    begin();
    for (unsigned id = 0; id < 34; id++) {
        feature(ENA_OP_GET_FEATURE, id, 512, 0, 0, 0);
    }
    memory(FUZZ_CONTROL, key, sizeof(key));
    feature(ENA_OP_SET_FEATURE, ENA_FEAT_HASH_FUNCTION, 48, 0, 2, 0);
    feature(ENA_OP_SET_FEATURE, ENA_FEAT_HASH_INPUT, 256, 6 << 16, 0, 0);
    memset(key, 0, sizeof(key));
    memory(FUZZ_CONTROL, key, sizeof(key));
    feature(ENA_OP_SET_FEATURE, ENA_FEAT_HASH_INPUT, 256, 6 << 16, 0, 0);
    feature(ENA_OP_SET_FEATURE, ENA_FEAT_IND_TABLE, 512, 0, 7, 0xffffffff);
    feature(ENA_OP_SET_FEATURE, ENA_FEAT_IND_TABLE, 0, 0, 7, 3);
    feature(ENA_OP_SET_FEATURE, ENA_FEAT_MTU, 0, 1500, 0, 0);
    feature(ENA_OP_SET_FEATURE, ENA_FEAT_MTU, 0, 1, 0, 0);
    feature(ENA_OP_SET_FEATURE, ENA_FEAT_AENQ, 0, 0, 0x10, 0);
    feature(ENA_OP_SET_FEATURE, ENA_FEAT_HOST_ATTR, 0, 1, 2, 3);
    feature(ENA_OP_SET_FEATURE, ENA_FEAT_LLQ, 0, 1, 2, 3);
    feature(ENA_OP_SET_FEATURE, 5, 0, 0, 0, 0);
    feature(ENA_OP_GET_STATS, 0, 0, 0, 0, 0);
    feature(ENA_OP_GET_STATS, 0, 0, 2, 0, 0);
    feature(99, 0, 0, 0, 0, 0);
}

static void queues_come_and_go(void)
{
    begin();
    for (unsigned q = 0; q < FUZZ_QUEUES; q++) {
        uint8_t b[60] = { q, 0, (q < 2 ? 1 : 2) << 5 };
        uint8_t c[60] = { q };

        tx(q, 60 | ONE, 0, FUZZ_DATA);
        op(FUZZ_RING, q, 0);
        op(FUZZ_ADMIN, ENA_OP_DESTROY_SQ, 60);
        g_byte_array_append(out, b, 60);
        op(FUZZ_STEPS, 9, FUZZ_REPLACE);
        u8(q & 1);
        run();
        op(FUZZ_ADMIN, ENA_OP_DESTROY_CQ, 60);
        g_byte_array_append(out, c, 60);
        run();
    }
    op(FUZZ_QUEUE, 2, 2);
    rx(2, 100);
    op(FUZZ_RING, 2, 0);
    u8(FUZZ_FRAME);
    le(80, 2);
    u8(0);
    run();
}

static void registers(void)
{
    begin();
    for (unsigned r = 0; r < 32; r++) {
        u8(FUZZ_ACCESS);
        le(r * 4, 2);
        u8(0x84);
        le(0, 8);
        u8(FUZZ_WRITE_REG);
        u8(ENA_REG_MMIO_REG_READ / 4);
        le(r << 18 | r, 4);
        u8(FUZZ_WRITE_REG);
        u8(r);
        le(r * 0x01010101u, 4);
        op(FUZZ_STEPS, 5, FUZZ_LINK);
        u8(r & 1);
    }
    u8(FUZZ_TIME);
    le(60000, 2);
    u8(FUZZ_RESET);
    begin();
}

static void faults(void)
{
    for (unsigned which = 0; which < FUZZ_SWITCHES; which++) {
        begin();
        u8(FUZZ_SWITCH);
        u8(which);
        u8(3);
        for (unsigned i = 0; i < 6; i++) {
            tx(0, 60 | ONE, 0, FUZZ_DATA);
            rx(2, 100);
        }
        op(FUZZ_RING, 0, 0);
        op(FUZZ_RING, 2, 0);
        u8(FUZZ_FRAME);
        le(80, 2);
        u8(0);
        op(FUZZ_REPLACE, 0, FUZZ_STEPS);
        u8(20);
        u8(FUZZ_DAMAGE);
        u8(1);
        le(300 + 111 * which, 2);
        u8(1);
        u8(which & 1);
        run();
    }
}

int main(int argc, char **argv)
{
    static const Seed seeds[] = {
        { "transmit", transmit },
        { "scattered", scattered },
        { "segmentation", segmentation },
        { "receive", receive },
        { "networks", networks },
        { "low-latency", low_latency },
        { "features", features },
        { "queues", queues_come_and_go },
        { "registers", registers },
        { "faults", faults },
        { "card-own", card_own },
        { "ecmp", balancing },
        { "spray", balancing },
        { "flowlet", balancing },
        { "congestion", balancing },
        { "plb", balancing },
        { "reps", balancing },
        { "not-balanced", balancing },
    };

    return seeds_write(argc, argv, seeds, G_N_ELEMENTS(seeds));
}
