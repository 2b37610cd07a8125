/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_seed.c: writes the seed corpus of nvme_fuzz.c: what real hosts do, and
 * every command, feature and log page once.
 *
 *     nvme_seed DIRECTORY
 */

#include "nvme_ops.h"
#include "seed.h"
#include "nvme_spec.h"

static void op1(FuzzOp op, unsigned a)
{
    u8(op);
    u8(a);
}

static void op2(FuzzOp op, unsigned a, unsigned b)
{
    op1(op, a);
    u8(b);
}

static void cmd(unsigned q, unsigned opcode, unsigned nsid, uint32_t prp1,
                uint32_t prp2, uint32_t cdw10, uint32_t cdw11, uint32_t cdw12)
{
    op2(FUZZ_COMMAND, q, opcode);
    u8(nsid);
    le(prp1 / 4, 2);
    le(prp2 / 4, 2);
    le(cdw10, 4);
    le(cdw11, 4);
    le(cdw12, 4);
}

static void sgl(unsigned q, unsigned opcode, uint64_t addr, uint32_t len,
                unsigned type, unsigned nlb)
{
    op2(FUZZ_SGL_COMMAND, q, opcode);
    u8(1);
    le(addr, 8);
    le(len | (uint64_t)type << 60, 8);
    le(1, 4);
    le(0, 4);
    le(nlb - 1, 4);
    u8(1 << 6);
}

static void go(unsigned q)
{
    op1(FUZZ_RING_SQ, q);
    u8(FUZZ_TIME);
    le(1, 2);
    op1(FUZZ_TAKE, q);
}

static void steps(unsigned n)
{
    op1(FUZZ_STEPS, n);
}

static void admin(unsigned opcode, unsigned nsid, uint32_t cdw10,
                  uint32_t cdw11)
{
    cmd(0, opcode, nsid, FUZZ_DATA, FUZZ_DATA + 4096, cdw10, cdw11, 0);
}

static void start(void)
{
    op1(FUZZ_ENABLE, 0);
    op1(FUZZ_QUEUE, 0);
    op1(FUZZ_QUEUE, 1);
}

static void memory64(uint32_t addr, unsigned n, const uint64_t *v)
{
    u8(FUZZ_MEMORY);
    le(addr / 4, 2);
    u8(8 * n);
    for (unsigned i = 0; i < n; i++) {
        le(v[i], 8);
    }
}

static void io(unsigned q, unsigned opcode, unsigned nsid, unsigned slba,
               unsigned nlb)
{
    cmd(q, opcode, nsid, FUZZ_DATA, FUZZ_DATA + 4096, slba, 0, nlb - 1);
}

/* ---- sequences ---------------------------------------------------------- */

/* A Linux probe, then some I/O */
static void probe(void)
{
    op1(FUZZ_ENABLE, 0);
    admin(NVME_ADM_IDENTIFY, 0, 1, 0);
    go(0);
    admin(NVME_ADM_SET_FEATURES, 0, NVME_FEAT_QUEUES, 3 << 16 | 3);
    go(0);
    op1(FUZZ_QUEUE, 0);
    op1(FUZZ_QUEUE, 1);
    admin(NVME_ADM_ASYNC_EVENT, 0, 0, 0);
    admin(NVME_ADM_SET_FEATURES, 0, NVME_FEAT_ASYNC_EVENTS, 0x100);
    admin(NVME_ADM_GET_LOG, 0xff, 1023 << 16 | NVME_LOG_EFFECTS, 0);
    admin(NVME_ADM_SET_FEATURES, 0, NVME_FEAT_TIMESTAMP, 0);
    go(0);
    for (unsigned cns = 0; cns < 7; cns++) {
        admin(NVME_ADM_IDENTIFY, 1, cns, 0);
    }
    go(0);
    for (unsigned i = 0; i < 8; i++) {
        io(1 + i % 2, i % 3 ? NVME_IO_READ : NVME_IO_WRITE, 1 + i % 2, i,
           1 + i % 3);
    }
    op1(FUZZ_RING_SQ, 1);
    go(2);
    op1(FUZZ_TAKE, 1);
}

static void all_io(void)
{
    static const uint64_t ranges[] = { 1ull << 32, 3, 2ull << 32, 9 };

    start();
    memory64(FUZZ_DATA, 4, ranges);
    cmd(1, NVME_IO_DSM, 1, FUZZ_DATA, 0, 1, 4, 0);
    io(1, NVME_IO_FLUSH, 1, 0, 1);
    io(1, NVME_IO_FLUSH, 0xff, 0, 1);
    io(1, NVME_IO_COMPARE, 1, 0, 8);
    io(1, NVME_IO_WRITE_ZEROES, 1, 0, 100);
    cmd(1, NVME_IO_WRITE_ZEROES, 1, 0, 0, 0, 0, 1 << 25 | 9);
    io(1, NVME_IO_VERIFY, 2, 0, 32);
    io(1, NVME_IO_READ, 3, 0, 1);
    io(1, NVME_IO_READ, 1, 1000, 1);
    go(1);
    go(1);
}

static void prp_lists(void)
{
    uint64_t list[20];

    start();
    for (unsigned i = 0; i < 20; i++) {
        list[i] = FUZZ_DATA + 0x2000 + i % 12 * 4096;
    }
    memory64(FUZZ_DATA, 20, list);
    cmd(1, NVME_IO_READ, 1, FUZZ_DATA + 0x1004, FUZZ_DATA, 0, 0, 99);
    cmd(1, NVME_IO_WRITE, 1, FUZZ_DATA + 0x1000, FUZZ_DATA, 0, 0, 127);
    go(1);
    /* A chain from a page's end */
    list[0] = FUZZ_DATA + 0x3000;
    list[1] = FUZZ_DATA + 0x10;
    memory64(FUZZ_DATA + 4096 - 16, 2, list);
    cmd(1, NVME_IO_READ, 1, FUZZ_DATA + 0x1000, FUZZ_DATA + 4096 - 16, 0, 0,
        99);
    go(1);
    op1(FUZZ_REPLACE, 0);
    steps(3);
    op1(FUZZ_REPLACE, 1);
}

static void sgls(void)
{
    static const uint64_t d[] = {
        FUZZ_DATA + 0x2000, 300, 0, 212ull | 1ull << 60, FUZZ_DATA + 0x200,
        32ull | 3ull << 60,
    };
    static const uint64_t last[] = { FUZZ_DATA + 0x4001, 512,
                                     FUZZ_DATA + 0x5000, 5000 };

    start();
    memory64(FUZZ_DATA + 0x100, 6, d);
    memory64(FUZZ_DATA + 0x200, 4, last);
    sgl(1, NVME_IO_READ, FUZZ_DATA + 0x100, 48, NVME_SGL_SEGMENT, 4);
    sgl(1, NVME_IO_WRITE, FUZZ_DATA + 0x200, 32, NVME_SGL_LAST_SEGMENT, 3);
    sgl(1, NVME_IO_READ, FUZZ_DATA, 4096, NVME_SGL_DATA_BLOCK, 8);
    sgl(1, NVME_IO_READ, FUZZ_DATA, 512, NVME_SGL_BIT_BUCKET, 1);
    sgl(1, NVME_IO_READ, FUZZ_DATA, 512, 7, 1);
    sgl(1, NVME_IO_READ, 0x100, 0x9000, NVME_SGL_SEGMENT, 8);
    op1(FUZZ_RING_SQ, 1);
    steps(20);
    op1(FUZZ_REPLACE, 0);
    go(1);
}

static void features(void)
{
    start();
    for (unsigned fid = 1; fid < 0x17; fid++) {
        admin(NVME_ADM_SET_FEATURES, 0, fid, 0x10001);
        admin(NVME_ADM_SET_FEATURES, 1, fid, 3);
        for (unsigned select = 0; select < 5; select++) {
            admin(NVME_ADM_GET_FEATURES, 1, select << 8 | fid, 0);
        }
        go(0);
    }
    admin(NVME_ADM_SET_FEATURES, 0, NVME_FEAT_ASYNC_EVENTS, 0x1ff);
    admin(NVME_ADM_ASYNC_EVENT, 0, 0, 0);
    admin(NVME_ADM_SET_FEATURES, 0, NVME_FEAT_TEMPERATURE, 300);
    admin(NVME_ADM_GET_FEATURES, 0, NVME_FEAT_TEMPERATURE, 1 << 20);
    admin(NVME_ADM_GET_FEATURES, 1, NVME_FEAT_ERROR_RECOVERY, 0);
    go(0);
}

static void logs(void)
{
    start();
    cmd(1, 0x99, 1, 0, 0, 0, 0, 0);
    go(1);
    for (unsigned lid = 0; lid < 7; lid++) {
        admin(NVME_ADM_GET_LOG, 0xff, 127 << 16 | lid, 0);
        admin(NVME_ADM_GET_LOG, 0xff, 127 << 16 | 1 << 15 | lid, 0);
        cmd(0, NVME_ADM_GET_LOG, 1, FUZZ_DATA, 0, 3 << 16 | lid, 0, 8);
        go(0);
    }
    admin(NVME_ADM_IDENTIFY, 1, NVME_CNS_CTRLS_OF_NS, 0);
    admin(NVME_ADM_IDENTIFY, 1, NVME_CNS_CTRLS, 0);
    admin(NVME_ADM_IDENTIFY, 2, NVME_CNS_ALLOCATED, 0);
    admin(NVME_ADM_IDENTIFY, 0, NVME_CNS_ALLOCATED_NS, 0);
    go(0);
}

static void events(void)
{
    start();
    admin(NVME_ADM_SET_FEATURES, 0, NVME_FEAT_ASYNC_EVENTS, 0x1ff);
    for (unsigned i = 0; i < 5; i++) {
        admin(NVME_ADM_ASYNC_EVENT, 0, 0, 0);
    }
    go(0);
    op2(FUZZ_RING, 30, 1);
    op2(FUZZ_RING, 2, 200);
    op2(FUZZ_RING, 3, 9);
    op2(FUZZ_SWITCH, FUZZ_SW_ATTACH, 2);
    op2(FUZZ_SWITCH, FUZZ_SW_DETACH, 2);
    op2(FUZZ_SWITCH, FUZZ_SW_ATTACH, 0x83);
    go(0);
    op1(FUZZ_REPLACE, 0);
    admin(NVME_ADM_ABORT, 0, 10 << 16, 0);
    admin(NVME_ADM_GET_LOG, 0xff, 1023 << 16 | NVME_LOG_CHANGED_NS, 0);
    go(0);
}

static void shadow(void)
{
    start();
    cmd(0, NVME_ADM_DBBUF, 0, FUZZ_SHADOW, FUZZ_EVENT, 0, 0, 0);
    go(0);
    for (unsigned i = 0; i < 6; i++) {
        io(1, NVME_IO_READ, 1, i, 1);
        op1(FUZZ_RING_SQ, 1);
        steps(i);
        op1(FUZZ_TAKE, 1);
        op1(FUZZ_REPLACE, i & 1);
    }
    op2(FUZZ_SWITCH, FUZZ_SW_MSIX, 0);
    go(1);
    op1(FUZZ_QUEUE, 2);
    go(3);
}

static void queues(void)
{
    start();
    op2(FUZZ_SWITCH, FUZZ_SW_DELAY, 10);
    for (unsigned i = 0; i < 12; i++) {
        io(1, NVME_IO_READ, 1, i, 1);
    }
    op1(FUZZ_RING_SQ, 1);
    steps(17);
    cmd(0, NVME_ADM_ABORT, 0, 0, 0, 6 << 16 | 1, 0, 0);
    cmd(0, NVME_ADM_DELETE_CQ, 0, 0, 0, 1, 0, 0);
    cmd(0, NVME_ADM_DELETE_SQ, 0, 0, 0, 1, 0, 0);
    op1(FUZZ_RING_SQ, 0);
    steps(6);
    op1(FUZZ_REPLACE, 0);
    op1(FUZZ_REPLACE, 1);
    go(0);
    cmd(0, NVME_ADM_DELETE_CQ, 0, 0, 0, 1, 0, 0);
    go(0);
    op1(FUZZ_QUEUE, 0);
    /* Fills a completion queue that nobody empties */
    for (unsigned i = 0; i < 40; i++) {
        io(1, NVME_IO_READ, 1, i, 1);
        if (i % 13 == 12) {
            op1(FUZZ_RING_SQ, 1);
            steps(255);
        }
    }
    op1(FUZZ_REPLACE, 0);
    go(1);
    go(1);
}

static void formats(void)
{
    start();
    op2(FUZZ_SWITCH, FUZZ_SW_DELAY, 10);
    io(1, NVME_IO_WRITE, 1, 0, 1);
    op1(FUZZ_RING_SQ, 1);
    steps(3);
    admin(NVME_ADM_FORMAT, 1, 1, 0);
    op1(FUZZ_RING_SQ, 0);
    steps(3);
    op1(FUZZ_REPLACE, 0);
    io(2, NVME_IO_READ, 1, 0, 1);
    go(2);
    go(0);
    admin(NVME_ADM_FORMAT, 0xff, 2 << 9, 0);
    op1(FUZZ_RING_SQ, 0);
    steps(4);
    op1(FUZZ_REPLACE, 1);
    go(0);
}

static void interrupts(void)
{
    start();
    admin(NVME_ADM_SET_FEATURES, 0, NVME_FEAT_COALESCING, 1 << 8 | 4);
    admin(NVME_ADM_SET_FEATURES, 0, NVME_FEAT_VECTOR, 1 << 16 | 2);
    go(0);
    for (unsigned i = 0; i < 9; i++) {
        io(1 + i % 2, NVME_IO_READ, 1, i, 1);
        op1(FUZZ_RING_SQ, 1 + i % 2);
        steps(8);
    }
    op1(FUZZ_REPLACE, 0);
    u8(FUZZ_TIME);
    le(200, 2);
    op2(FUZZ_SWITCH, FUZZ_SW_MSIX, 0);
    op2(FUZZ_WRITE_REG, NVME_REG_INTMS / 4, 1);
    le(0, 3);
    op2(FUZZ_WRITE_REG, NVME_REG_INTMC / 4, 1);
    le(0, 3);
    go(1);
    go(2);
}

static void resets(void)
{
    for (unsigned i = 0; i < 3; i++) {
        start();
        io(1, NVME_IO_WRITE, 1, 0, 1);
        op1(FUZZ_RING_SQ, 1);
        steps(2 + i);
        op1(FUZZ_RESET, i);
    }
    start();
    u8(FUZZ_WRITE_REG);
    u8(NVME_REG_CC / 4);
    le(4 << 20 | 6 << 16 | 1 << 14 | 1, 4);
    op1(FUZZ_REPLACE, 0);
    op1(FUZZ_REPLACE, 1);
    steps(9);
    u8(FUZZ_WRITE_REG);
    u8(NVME_REG_NSSR / 4);
    le(NVME_NSSR_MAGIC, 4);
    op2(FUZZ_WRITE_REG, NVME_REG_CSTS / 4, 0x10);
    le(0, 3);
    op1(FUZZ_ENABLE, 0x10);
    for (unsigned w = 0; w < 9; w++) {
        u8(FUZZ_ACCESS);
        le(w * 5, 2);
        u8(0x80 | w);
        le(0, 8);
        u8(FUZZ_ACCESS);
        le(w * 5, 2);
        u8(w);
        le(~0ull, 8);
    }
}

static void faults(void)
{
    for (unsigned n = 1; n < 12; n += 2) {
        start();
        op2(FUZZ_SWITCH, FUZZ_SW_DMA_FAULT, n);
        op2(FUZZ_SWITCH, FUZZ_SW_IO_STATUS, n & 4 ? 0x81 : 0);
        cmd(0, NVME_ADM_DBBUF, 0, FUZZ_SHADOW, FUZZ_EVENT, 0, 0, 0);
        io(1, NVME_IO_WRITE, 1, 0, 1);
        op1(FUZZ_RING_SQ, 1);
        go(0);
        go(1);
    }
    start();
    op2(FUZZ_SWITCH, FUZZ_SW_MODEL_ROOM, 2);
    op2(FUZZ_SWITCH, FUZZ_SW_DELAY, 5);
    for (unsigned i = 0; i < 9; i++) {
        io(1, NVME_IO_READ, 1, i, 1);
        op1(FUZZ_RING_SQ, 1);
    }
    op1(FUZZ_REPLACE, 0);
    u8(FUZZ_TIME);
    le(30, 2);
    op1(FUZZ_REPLACE, 1);
    go(1);
}

static void held(void)
{
    start();
    op2(FUZZ_SWITCH, FUZZ_SW_HOLD, 1);
    io(1, NVME_IO_READ, 1, 0, 1);
    io(1, NVME_IO_WRITE, 2, 0, 1);
    io(1, NVME_IO_VERIFY, 2, 0, 1);
    go(1);
    op1(FUZZ_REPLACE, 0);
    op2(FUZZ_SWITCH, FUZZ_SW_HOLD, 0);
    op2(FUZZ_SWITCH, FUZZ_SW_RELEASE, 0);
    op2(FUZZ_SWITCH, FUZZ_SW_SUSPEND, 1);
    go(1);
    io(1, NVME_IO_READ, 1, 0, 1);
    go(1);
    op2(FUZZ_SWITCH, FUZZ_SW_SUSPEND, 0);
    op2(FUZZ_SWITCH, FUZZ_SW_READ_ONLY, 0x80);
    io(1, NVME_IO_WRITE, 1, 0, 1);
    go(1);
}

static void damaged(void)
{
    for (unsigned i = 0; i < 24; i++) {
        start();
        op2(FUZZ_SWITCH, FUZZ_SW_DELAY, 10);
        io(1, NVME_IO_WRITE, 1, 0, 1);
        io(1, NVME_IO_COMPARE, 2, 0, 1);
        admin(NVME_ADM_ASYNC_EVENT, 0, 0, 0);
        op1(FUZZ_RING_SQ, 1);
        op1(FUZZ_RING_SQ, 0);
        steps(i);
        u8(FUZZ_DAMAGE);
        u8(1);
        le(60 + 97 * i, 2);
        u8(1 << i % 8);
        u8(i);
        go(1);
        op1(FUZZ_RESET, 1);
    }
}

int main(int argc, char **argv)
{
    static const Seed seeds[] = {
        { "probe", probe },           { "io", all_io },
        { "prp", prp_lists },         { "sgl", sgls },
        { "features", features },     { "logs", logs },
        { "events", events },         { "shadow", shadow },
        { "queues", queues },         { "formats", formats },
        { "interrupts", interrupts }, { "resets", resets },
        { "faults", faults },         { "held", held },
        { "damaged", damaged },
    };

    return seeds_write(argc, argv, seeds, G_N_ELEMENTS(seeds));
}
