/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_io.c: the NVM command set: Flush, Read, Write, Compare, Write Zeroes,
 * Dataset Management, Verify. NVM Express 1.4, section 6.
 *
 * Verify and Write Zeroes may cover more than MDTS; the card then gets them
 * in pieces of at most NVME_MAX_BYTES, one after the other. So do the ranges
 * of Dataset Management.
 *
 * Not modelled: Write Uncorrectable, reservations, protection information,
 * fused Compare and Write, the hints of Dataset Management and of reads.
 */
#include "nvme_int.h"

#include <string.h>

#define RW_FUA(s) ((s)->sqe.cdw12 >> 30 & 1)
#define WZ_DEAC(s) ((s)->sqe.cdw12 >> 25 & 1)
#define DSM_AD(s) ((s)->sqe.cdw11 >> 2 & 1)

static uint64_t slba(const NvmeSlot *s)
{
    return (uint64_t)s->sqe.cdw11 << 32 | s->sqe.cdw10;
}

static uint32_t blocks(const NvmeSlot *s)
{
    return (s->sqe.cdw12 & 0xffff) + 1;
}

/* What the interface's limits charge for. */
uint32_t nvme_admit_bytes(const NvmeSlot *s)
{
    return s->io.op == CARD_IO_READ || s->io.op == CARD_IO_WRITE ||
                   s->io.op == CARD_IO_VERIFY
               ? blocks(s) * s->block_bytes
               : 0;
}

/* Compare holds the host's data and the namespace's. */
uint32_t nvme_buffer_bytes(const NvmeSlot *s)
{
    return s->sqid && s->sqe.opcode == NVME_IO_COMPARE ? 2 * s->bytes
                                                       : s->bytes;
}

/* ---- Flush, section 6.8 ------------------------------------------------- */

static uint16_t flush_check(NvmeCtrl *c, NvmeSlot *s)
{
    CardNsInfo info;

    s->io.op = CARD_IO_FLUSH;
    /* VWC bits 2:1: FFFFFFFFh flushes all attached namespaces */
    if (s->sqe.nsid != NVME_ALL_NS) {
        uint16_t st = nvme_ns(c, s->sqe.nsid, &info);

        if (st) {
            return st;
        }
    }
    return card_io_check(c->card, &s->io);
}

/* ---- Read, Write, Compare: sections 6.9, 6.15, 6.6 ---------------------- */

static uint16_t range_check(NvmeCtrl *c, NvmeSlot *s, CardIoOp op)
{
    s->io.op = op;
    s->io.slba = slba(s);
    s->io.nlb = blocks(s);
    /* With the write cache off every write is durable when it completes. */
    s->io.fua =
        RW_FUA(s) || (op == CARD_IO_WRITE && !(c->features.write_cache & 1));
    return card_io_check(c->card, &s->io);
}

static uint16_t rw_check(NvmeCtrl *c, NvmeSlot *s)
{
    s->bytes = blocks(s) * s->block_bytes;
    return range_check(
        c, s, s->sqe.opcode == NVME_IO_WRITE ? CARD_IO_WRITE : CARD_IO_READ);
}

static uint16_t rw_exec(NvmeCtrl *c, NvmeSlot *s)
{
    s->io.buf = nvme_buffer(s, nvme_buffer_bytes(s));
    if (s->sqe.opcode == NVME_IO_COMPARE) {
        s->io.buf += s->bytes;
    }
    return nvme_card_start(c, s);
}

static uint16_t compare_done(NvmeCtrl *c, NvmeSlot *s)
{
    if (s->status) {
        return s->status;
    }
    return memcmp(s->buf, s->buf + s->bytes, s->bytes)
               ? NVME_COMPARE_FAILURE | NVME_STATUS_DNR
               : 0;
}

/* ---- Write Zeroes, Verify: sections 6.17, 6.14 -------------------------- */

static uint16_t zeroes_check(NvmeCtrl *c, NvmeSlot *s)
{
    return range_check(c, s,
                       WZ_DEAC(s) ? CARD_IO_DEALLOCATE : CARD_IO_WRITE_ZEROES);
}

static uint16_t verify_check(NvmeCtrl *c, NvmeSlot *s)
{
    return range_check(c, s, CARD_IO_VERIFY);
}

static uint16_t pieces_exec(NvmeCtrl *c, NvmeSlot *s)
{
    uint32_t left = blocks(s) - s->step;

    if (!left) {
        return 0;
    }
    s->io.slba = slba(s) + s->step;
    s->io.nlb = s->io.op == CARD_IO_DEALLOCATE
                    ? left
                    : MIN(left, NVME_MAX_BYTES / s->block_bytes);
    return nvme_card_start(c, s);
}

static uint16_t pieces_done(NvmeCtrl *c, NvmeSlot *s)
{
    if (s->status) {
        return s->status;
    }
    s->step += s->io.nlb;
    return pieces_exec(c, s);
}

/* ---- Dataset Management, section 6.7 ------------------------------------ */

static uint16_t dsm_check(NvmeCtrl *c, NvmeSlot *s)
{
    s->bytes = ((s->sqe.cdw10 & 0xff) + 1) * sizeof(NvmeDsmRange);
    s->io.op = CARD_IO_DEALLOCATE;
    s->io.nlb = 1;
    return 0;
}

static void dsm_range(NvmeSlot *s, unsigned i)
{
    NvmeDsmRange r;

    memcpy(&r, s->buf + i * sizeof(r), sizeof(r));
    s->io.slba = GUINT64_FROM_LE(r.slba);
    s->io.nlb = GUINT32_FROM_LE(r.blocks);
}

static uint16_t dsm_next(NvmeCtrl *c, NvmeSlot *s)
{
    for (; s->step < s->bytes / sizeof(NvmeDsmRange); s->step++) {
        dsm_range(s, s->step);
        if (s->io.nlb) {
            return nvme_card_start(c, s);
        }
    }
    return 0;
}

static uint16_t dsm_exec(NvmeCtrl *c, NvmeSlot *s)
{
    /* The other attributes are hints, which this controller ignores. */
    if (!DSM_AD(s)) {
        return 0;
    }
    /* Nothing is deallocated when any range is wrong. */
    for (unsigned i = 0; i < s->bytes / sizeof(NvmeDsmRange); i++) {
        uint16_t st = 0;

        dsm_range(s, i);
        if (s->io.nlb) {
            st = card_io_check(c->card, &s->io);
        }
        if (st) {
            return st;
        }
    }
    return dsm_next(c, s);
}

static uint16_t dsm_done(NvmeCtrl *c, NvmeSlot *s)
{
    if (s->status) {
        return s->status;
    }
    s->step++;
    return dsm_next(c, s);
}

/* ---- after a load ------------------------------------------------------- */

static void restore_pieces(NvmeSlot *s, bool started)
{
    uint32_t left = blocks(s) - s->step;

    s->io.slba = slba(s) + s->step;
    s->io.nlb = left;
    if (started && s->io.op != CARD_IO_DEALLOCATE) {
        s->io.nlb = MIN(left, NVME_MAX_BYTES / s->block_bytes);
    }
}

static void restore_op(NvmeSlot *s)
{
    static const uint8_t ops[] = {
        [NVME_IO_FLUSH] = CARD_IO_FLUSH,
        [NVME_IO_WRITE] = CARD_IO_WRITE,
        [NVME_IO_READ] = CARD_IO_READ,
        [NVME_IO_COMPARE] = CARD_IO_READ,
        [NVME_IO_WRITE_ZEROES] = CARD_IO_WRITE_ZEROES,
        [NVME_IO_DSM] = CARD_IO_DEALLOCATE,
        [NVME_IO_VERIFY] = CARD_IO_VERIFY,
    };

    s->io.op = ops[s->sqe.opcode];
    if (s->sqe.opcode == NVME_IO_WRITE_ZEROES && WZ_DEAC(s)) {
        s->io.op = CARD_IO_DEALLOCATE;
    }
}

bool nvme_io_restore(NvmeSlot *s)
{
    /* Handed to the card, now or before a move to other models */
    bool started = s->stage == NVME_CARD ||
                   (s->stage == NVME_ADMIT && (s->landed || s->step));

    restore_op(s);
    switch (s->sqe.opcode) {
    case NVME_IO_FLUSH:
        return true;
    case NVME_IO_WRITE_ZEROES:
    case NVME_IO_VERIFY:
        if (s->step >= blocks(s)) {
            return false;
        }
        restore_pieces(s, started);
        return true;
    case NVME_IO_DSM:
        s->io.slba = 0;
        s->io.nlb = 1;
        if (!started) {
            return s->step == 0;
        }
        if (s->step >= s->bytes / sizeof(NvmeDsmRange)) {
            return false;
        }
        dsm_range(s, s->step);
        return s->io.nlb != 0;
    default:
        s->io.slba = slba(s);
        s->io.nlb = blocks(s);
        if (s->stage == NVME_CARD) {
            s->io.buf =
                s->buf + (s->sqe.opcode == NVME_IO_COMPARE ? s->bytes : 0);
        }
        return true;
    }
}

#define SUPPORTED (NVME_CMD_SUPPORTED)
#define ON_NS (NVME_CMD_SUPPORTED | NVME_CMD_NS | NVME_CMD_ADMIT)
#define PLAIN NVME_EFFECT_SUPPORTED
#define WRITES (NVME_EFFECT_SUPPORTED | NVME_EFFECT_CONTENT)

const NvmeCommand nvme_io_commands[256] = {
    [NVME_IO_FLUSH] = { SUPPORTED | NVME_CMD_ADMIT, PLAIN, flush_check,
                        nvme_card_start, NULL },
    [NVME_IO_WRITE] = { ON_NS | NVME_CMD_IN, WRITES, rw_check, rw_exec, NULL },
    [NVME_IO_READ] = { ON_NS | NVME_CMD_OUT, PLAIN, rw_check, rw_exec, NULL },
    [NVME_IO_COMPARE] = { ON_NS | NVME_CMD_IN, PLAIN, rw_check, rw_exec,
                          compare_done },
    [NVME_IO_WRITE_ZEROES] = { ON_NS, WRITES, zeroes_check, pieces_exec,
                               pieces_done },
    [NVME_IO_DSM] = { ON_NS | NVME_CMD_IN, WRITES, dsm_check, dsm_exec,
                      dsm_done },
    [NVME_IO_VERIFY] = { ON_NS, PLAIN, verify_check, pieces_exec, pieces_done },
};
