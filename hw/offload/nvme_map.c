/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_map.c: where a command's data lies in host memory: physical region
 * pages and scatter gather lists. NVM Express 1.4, sections 4.3 and 4.4.
 *
 * The result is a list of runs (address, length) of together s->bytes. Lists
 * and segments are read from host memory by model operations, copied, and
 * then parsed from the copy.
 *
 * Limits: NVME_MAX_RUNS runs, NVME_MAX_SGL descriptors and NVME_MAX_LISTS
 * reads a command; so a chain that loops ends.
 *
 * Not modelled: metadata pointers, keyed and transport descriptors.
 */
#include "nvme_int.h"

#include <string.h>

static uint16_t add_run(NvmeSlot *s, uint64_t addr, uint32_t len, bool bucket)
{
    NvmeRun *last = s->n_runs ? &s->runs[s->n_runs - 1] : NULL;

    s->walk.mapped += len;
    if (last && last->bucket == bucket &&
        (bucket || last->addr + last->len == addr)) {
        last->len += len;
        return 0;
    }
    if (s->n_runs == s->max_runs) {
        if (s->n_runs == NVME_MAX_RUNS) {
            return NVME_INVALID_SGL_COUNT | NVME_STATUS_DNR;
        }
        s->max_runs = s->max_runs ? 4 * s->max_runs : 4;
        s->runs = g_renew(NvmeRun, s->runs, s->max_runs);
    }
    s->runs[s->n_runs++] = (NvmeRun){ addr, len, bucket };
    return 0;
}

static uint16_t read_list(NvmeCtrl *c, NvmeSlot *s, uint64_t addr,
                          uint32_t bytes, uint16_t too_many)
{
    if (s->walk.lists == NVME_MAX_LISTS) {
        return too_many | NVME_STATUS_DNR;
    }
    s->walk.lists++;
    s->walk.addr = addr;
    s->walk.bytes = bytes;
    nvme_cmd_stage(c, s, NVME_LIST);
    return NVME_PENDING;
}

/* ---- PRP, section 4.3 --------------------------------------------------- */

static uint16_t prp_list(NvmeCtrl *c, NvmeSlot *s, uint64_t addr)
{
    uint32_t page = 1u << c->page_bits;
    uint32_t need = (s->bytes - s->walk.mapped + page - 1) >> c->page_bits;
    uint32_t room = (page - (addr & (page - 1))) / 8;

    /* A list pointer is qword aligned. */
    if (addr & 7) {
        return NVME_PRP_OFFSET_INVALID | NVME_STATUS_DNR;
    }
    return read_list(c, s, addr, MIN(need, room) * 8, NVME_PRP_OFFSET_INVALID);
}

static uint16_t prp_start(NvmeCtrl *c, NvmeSlot *s)
{
    uint32_t page = 1u << c->page_bits;
    uint64_t prp1 = s->sqe.prp1, prp2 = s->sqe.prp2;
    uint32_t len = MIN(s->bytes, page - (uint32_t)(prp1 & (page - 1)));
    uint16_t st;

    /* The first entry may have an offset, dword aligned. */
    if (prp1 & 3) {
        return NVME_PRP_OFFSET_INVALID | NVME_STATUS_DNR;
    }
    st = add_run(s, prp1, len, false);
    if (st || len == s->bytes) {
        return st;
    }
    len = s->bytes - len;
    if (len > page) {
        return prp_list(c, s, prp2);
    }
    if (prp2 & (page - 1)) {
        return NVME_PRP_OFFSET_INVALID | NVME_STATUS_DNR;
    }
    return add_run(s, prp2, len, false);
}

static uint16_t prp_entries(NvmeCtrl *c, NvmeSlot *s, const uint64_t *entry,
                            unsigned n)
{
    uint32_t page = 1u << c->page_bits;
    bool to_page_end = ((s->walk.addr + s->walk.bytes) & (page - 1)) == 0;

    for (unsigned i = 0; i < n; i++) {
        uint64_t prp = GUINT64_FROM_LE(entry[i]);
        uint32_t left = s->bytes - s->walk.mapped;
        uint16_t st;

        if (!left) {
            break;
        }
        /* The last entry of a page points to the next list if more than one
         * page of data is left. */
        if (i == n - 1 && to_page_end && left > page) {
            return prp_list(c, s, prp);
        }
        if (prp & (page - 1)) {
            return NVME_PRP_OFFSET_INVALID | NVME_STATUS_DNR;
        }
        st = add_run(s, prp, MIN(left, page), false);
        if (st) {
            return st;
        }
    }
    return s->walk.mapped == s->bytes ? 0 : NVME_INTERNAL_ERROR;
}

/* ---- SGL, section 4.4 --------------------------------------------------- */

static uint16_t sgl_segment(NvmeCtrl *c, NvmeSlot *s, const NvmeSgl *d)
{
    uint32_t len = GUINT32_FROM_LE(d->len);
    uint64_t addr = GUINT64_FROM_LE(d->addr);

    if (!len || len % sizeof(NvmeSgl) || len > UINT64_MAX - addr) {
        return NVME_INVALID_SGL_SEGMENT | NVME_STATUS_DNR;
    }
    s->walk.last = d->type >> 4 == NVME_SGL_LAST_SEGMENT;
    s->walk.left = len - MIN(len, NVME_LIST_BYTES);
    return read_list(c, s, addr, len - s->walk.left, NVME_INVALID_SGL_COUNT);
}

static uint16_t sgl_data(NvmeSlot *s, const NvmeSgl *d)
{
    uint32_t len = GUINT32_FROM_LE(d->len);
    uint32_t left = s->bytes - s->walk.mapped;
    bool bucket = d->type >> 4 == NVME_SGL_BIT_BUCKET;

    /* A bit bucket has no length when data comes from the host. */
    if (bucket && s->sqe.opcode & 1) {
        return 0;
    }
    /* More room than data is fine (SGLS bit 18). */
    len = MIN(len, left);
    return len ? add_run(s, GUINT64_FROM_LE(d->addr), len, bucket) : 0;
}

/* @last_of_segment: where a pointer to the next segment belongs. */
static uint16_t sgl_one(NvmeCtrl *c, NvmeSlot *s, const NvmeSgl *d,
                        bool last_of_segment)
{
    unsigned type = d->type >> 4;

    if (++s->walk.descriptors > NVME_MAX_SGL) {
        return NVME_INVALID_SGL_COUNT | NVME_STATUS_DNR;
    }
    /* Sub type 0h, address, is the only one of a PCIe controller without
     * SGLS bit 20. */
    if (d->type & 0xf || type > NVME_SGL_LAST_SEGMENT) {
        return NVME_SGL_TYPE_INVALID | NVME_STATUS_DNR;
    }
    if (type == NVME_SGL_DATA_BLOCK || type == NVME_SGL_BIT_BUCKET) {
        /* All but the last segment end with a pointer to the next. */
        if (last_of_segment && !s->walk.last) {
            return NVME_INVALID_SGL_SEGMENT | NVME_STATUS_DNR;
        }
        return sgl_data(s, d);
    }
    if (s->walk.last || !last_of_segment) {
        return NVME_INVALID_SGL_COUNT | NVME_STATUS_DNR;
    }
    return sgl_segment(c, s, d);
}

static uint16_t sgl_end(const NvmeSlot *s)
{
    return s->walk.mapped < s->bytes ? NVME_DATA_SGL_LENGTH | NVME_STATUS_DNR
                                     : 0;
}

static uint16_t sgl_start(NvmeCtrl *c, NvmeSlot *s)
{
    NvmeSgl d = {
        .addr = GUINT64_TO_LE(s->sqe.prp1),
        .len = GUINT32_TO_LE((uint32_t)s->sqe.prp2),
        .type = s->sqe.prp2 >> 56,
    };
    uint16_t st;

    s->walk.sgl = true;
    /* The descriptor in the command is a segment of its own: data that ends
     * the list, or the pointer to the next segment. */
    s->walk.last = d.type >> 4 < NVME_SGL_SEGMENT;
    st = sgl_one(c, s, &d, true);
    return st ? st : sgl_end(s);
}

static uint16_t sgl_piece(NvmeCtrl *c, NvmeSlot *s, const uint8_t *raw,
                          unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        NvmeSgl d;
        uint16_t st;

        memcpy(&d, raw + i * sizeof(d), sizeof(d));
        st = sgl_one(c, s, &d, i == n - 1 && !s->walk.left);
        if (st) {
            return st;
        }
    }
    if (s->walk.left) {
        uint32_t bytes = MIN(s->walk.left, NVME_LIST_BYTES);

        s->walk.left -= bytes;
        return read_list(c, s, s->walk.addr + s->walk.bytes, bytes,
                         NVME_INVALID_SGL_COUNT);
    }
    return sgl_end(s);
}

/* ---- both --------------------------------------------------------------- */

/* 0: s->runs describes s->bytes. NVME_PENDING: a list has to be read first;
 * nvme_cmd_mapped() or a completion follows. */
uint16_t nvme_map(NvmeCtrl *c, NvmeSlot *s)
{
    s->n_runs = 0;
    s->walk = (NvmeWalk){ 0 };
    return s->sqe.flags >> 6 ? sgl_start(c, s) : prp_start(c, s);
}

void nvme_map_list(NvmeCtrl *c, NvmeSlot *s)
{
    uint64_t raw[NVME_LIST_BYTES / 8];
    uint32_t bytes = s->walk.bytes;
    uint16_t st;

    if (!nvme_dma_read(c, s->walk.addr, raw, bytes)) {
        nvme_dma_refused(c, s->walk.addr, bytes);
        nvme_complete(c, s, NVME_DATA_TRANSFER_ERROR);
        return;
    }
    if (s->walk.sgl) {
        st = sgl_piece(c, s, (const uint8_t *)raw, bytes / sizeof(NvmeSgl));
    } else {
        st = prp_entries(c, s, raw, bytes / 8);
    }
    if (st == NVME_PENDING) {
        return;
    }
    if (st) {
        nvme_complete(c, s, st);
    } else {
        nvme_cmd_mapped(c, s);
    }
}

bool nvme_copy_in(NvmeCtrl *c, NvmeSlot *s, uint8_t *to)
{
    for (uint32_t i = 0; i < s->n_runs; i++) {
        const NvmeRun *r = &s->runs[i];

        if (!r->bucket && !nvme_dma_read(c, r->addr, to, r->len)) {
            nvme_dma_refused(c, r->addr, r->len);
            return false;
        }
        to += r->len;
    }
    return true;
}

bool nvme_copy_out(NvmeCtrl *c, NvmeSlot *s, const uint8_t *from)
{
    for (uint32_t i = 0; i < s->n_runs; i++) {
        const NvmeRun *r = &s->runs[i];

        if (!r->bucket && !nvme_dma_write(c, r->addr, from, r->len)) {
            nvme_dma_refused(c, r->addr, r->len);
            return false;
        }
        from += r->len;
    }
    return true;
}
