/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_fake_ctrl.c: see card_fake_ctrl.h.
 */
#include "card_fake_ctrl.h"

#include <string.h>

static NvmeCtrl *made[SEAM_MAX_FUNCTIONS];

NvmeCtrl *fake_ctrl(unsigned fn)
{
    return made[fn];
}

void fake_ctrl_select(unsigned fn, NvmeCtrl *ctrl)
{
    made[fn] = ctrl;
}

static void done_clear(gpointer item)
{
    g_free(((FakeDone *)item)->data);
}

NvmeCtrl *nvme_ctrl_new(Card *card, const NvmeCtrlConfig *config)
{
    NvmeCtrl *c = g_new0(NvmeCtrl, 1);

    c->card = card;
    c->fn = config->fn;
    c->done = g_array_new(false, false, sizeof(FakeDone));
    g_array_set_clear_func(c->done, done_clear);
    made[config->fn] = c;
    return c;
}

void nvme_ctrl_free(NvmeCtrl *c)
{
    if (!c) {
        return;
    }
    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        g_free(c->io[s].io.buf);
    }
    g_array_unref(c->done);
    if (made[c->fn] == c) {
        made[c->fn] = NULL;
    }
    g_free(c);
}

static uint32_t cost(const FakeIo *f)
{
    return f->io.op == CARD_IO_WRITE_ZEROES || f->io.op == CARD_IO_DEALLOCATE
               ? 0
               : f->bytes;
}

static void begin(NvmeCtrl *c, FakeIo *f)
{
    f->state = FAKE_WAITING;
    if (card_io_admit(c->card, &f->io, cost(f))) {
        f->state = FAKE_STARTED;
        card_io_start(c->card, &f->io);
    }
}

int fake_submit_io(NvmeCtrl *c, const CardIo *io, const void *data,
                   uint16_t *ret_status)
{
    CardNsInfo info = { .block_bytes = 512 };
    FakeIo *f = NULL;
    uint16_t status;

    for (unsigned s = 0; !f && s < CARD_MAX_IO_SLOTS; s++) {
        f = c->io[s].state == FAKE_FREE ? &c->io[s] : NULL;
    }
    g_assert(f);
    f->io = *io;
    f->io.fn = c->fn;
    f->io.slot = f - c->io;
    f->io.buf = NULL;
    status = card_io_check(c->card, &f->io);
    if (ret_status) {
        *ret_status = status;
    }
    if (status) {
        return -1;
    }
    card_ns_info(c->card, c->fn, io->nsid, &info);
    f->bytes = io->nlb * info.block_bytes;
    if (io->op == CARD_IO_READ || io->op == CARD_IO_WRITE) {
        f->io.buf = g_malloc(f->bytes);
        memset(f->io.buf, 0xee, f->bytes);
    }
    if (io->op == CARD_IO_WRITE) {
        memcpy(f->io.buf, data, f->bytes);
    }
    c->in_flight++;
    begin(c, f);
    return f->io.slot;
}

int fake_submit(NvmeCtrl *c, CardIoOp op, uint32_t nsid, uint64_t slba,
                uint32_t nlb, const void *data, uint16_t *ret_status)
{
    CardIo io = { .op = op, .nsid = nsid, .slba = slba, .nlb = nlb };

    return fake_submit_io(c, &io, data, ret_status);
}

const FakeDone *fake_do(CardBench *b, unsigned fn, CardIoOp op, uint64_t slba,
                        uint32_t nlb, const void *data)
{
    NvmeCtrl *c = fake_ctrl(fn);
    int slot = fake_submit(c, op, 1, slba, nlb, data, NULL);

    g_assert(slot >= 0);
    mock_run_idle(b->m);
    g_assert(c->io[slot].state == FAKE_FREE);
    return fake_last(c);
}

void nvme_ctrl_io_admitted(NvmeCtrl *c, unsigned slot)
{
    FakeIo *f = &c->io[slot];

    g_assert(f->state == FAKE_WAITING);
    c->admitted++;
    f->state = FAKE_STARTED;
    card_io_start(c->card, &f->io);
}

void nvme_ctrl_io_done(NvmeCtrl *c, unsigned slot, uint16_t status)
{
    FakeIo *f = &c->io[slot];
    FakeDone d = {
        .slot = slot, .status = status, .op = f->io.op, .bytes = f->bytes
    };

    g_assert(f->state == FAKE_STARTED);
    d.at_ps = card_seam(c->card)->now_ps(card_seam_opaque(c->card));
    if (f->io.op == CARD_IO_READ) {
        d.data = g_steal_pointer(&f->io.buf);
    }
    g_clear_pointer(&f->io.buf, g_free);
    f->state = FAKE_FREE;
    c->in_flight--;
    g_array_append_val(c->done, d);
    if (c->on_done) {
        c->on_done(c->opaque, c, &d);
    }
}

void fake_cancel(NvmeCtrl *c, unsigned slot)
{
    g_assert(c->io[slot].state != FAKE_FREE);
    card_io_cancel(c->card, c->fn, slot);
    g_clear_pointer(&c->io[slot].io.buf, g_free);
    c->io[slot].state = FAKE_FREE;
    c->in_flight--;
}

const FakeDone *fake_last(const NvmeCtrl *c)
{
    g_assert(c->done->len);
    return &g_array_index(c->done, FakeDone, c->done->len - 1);
}

void fake_clear(NvmeCtrl *c)
{
    g_array_set_size(c->done, 0);
}

void nvme_ctrl_reset(NvmeCtrl *c, CardResetKind kind)
{
    const CardSeam *seam = card_seam(c->card);

    card_io_cancel_all(c->card, c->fn);
    seam->model_cancel(card_seam_opaque(c->card), c->fn);
    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        g_clear_pointer(&c->io[s].io.buf, g_free);
        c->io[s].state = FAKE_FREE;
    }
    c->in_flight = 0;
}

/* ---- state ----------------------------------------------------------------
 */

void nvme_ctrl_save(const NvmeCtrl *c, GByteArray *out)
{
    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        const FakeIo *f = &c->io[s];

        state_put_u8(out, f->state);
        if (f->state == FAKE_FREE) {
            continue;
        }
        state_put_u8(out, f->io.op);
        state_put_u8(out, f->io.lba_format);
        state_put_u8(out, f->io.secure_erase);
        state_put_u8(out, f->io.fua);
        state_put_u32(out, f->io.nsid);
        state_put_u64(out, f->io.slba);
        state_put_u32(out, f->io.nlb);
        state_put_u32(out, f->bytes);
        if (f->io.op == CARD_IO_WRITE) {
            state_put_bytes(out, f->io.buf, f->bytes);
        }
    }
}

static void io_get(NvmeCtrl *c, FakeIo *f, StateReader *r)
{
    f->io.fn = c->fn;
    f->io.slot = f - c->io;
    f->io.op = state_get_u8(r);
    f->io.lba_format = state_get_u8(r);
    f->io.secure_erase = state_get_u8(r);
    f->io.fua = state_get_u8(r);
    f->io.nsid = state_get_u32(r);
    f->io.slba = state_get_u64(r);
    f->io.nlb = state_get_u32(r);
    f->bytes = state_get_u32(r);
    if (f->io.op == CARD_IO_READ || f->io.op == CARD_IO_WRITE) {
        if (f->bytes > CARD_MAX_IO_BYTES || !state_ok(r)) {
            state_fail(r, "buffer");
            return;
        }
        f->io.buf = g_malloc(f->bytes);
        memset(f->io.buf, 0xee, f->bytes);
    }
    if (f->io.op == CARD_IO_WRITE) {
        state_get_bytes(r, f->io.buf, f->bytes);
    }
}

bool nvme_ctrl_load(NvmeCtrl *c, StateReader *r, bool resubmit)
{
    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS && state_ok(r); s++) {
        FakeIo *f = &c->io[s];

        f->state = state_get_u8(r);
        if (f->state > FAKE_STARTED) {
            state_fail(r, "state");
            f->state = FAKE_FREE;
        }
        if (f->state == FAKE_FREE) {
            continue;
        }
        c->in_flight++;
        io_get(c, f, r);
        if (state_ok(r) && !resubmit && !card_io_rebind(c->card, &f->io)) {
            state_fail(r, "slot %u is not known to the card", s);
        }
    }
    return state_ok(r);
}

void nvme_ctrl_resubmit(NvmeCtrl *c)
{
    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        if (c->io[s].state != FAKE_FREE) {
            begin(c, &c->io[s]);
        }
    }
}

/* ---- what only has to be there ------------------------------------------ */

void nvme_ctrl_ns_changed(NvmeCtrl *c, uint32_t nsid)
{
    c->ns_changed |= 1u << nsid;
}

bool nvme_ctrl_idle(const NvmeCtrl *c)
{
    return c->in_flight == 0;
}

void nvme_ctrl_resume(NvmeCtrl *c)
{
    c->resumed++;
}

void nvme_ctrl_model_done(NvmeCtrl *c, uint64_t tag, uint64_t at_ps)
{
}

void nvme_ctrl_timer(NvmeCtrl *c)
{
}

uint64_t nvme_ctrl_mmio_read(NvmeCtrl *c, uint64_t addr, unsigned size)
{
    return 0;
}

void nvme_ctrl_mmio_write(NvmeCtrl *c, uint64_t addr, uint64_t value,
                          unsigned size)
{
}

void nvme_ctrl_set_msix(NvmeCtrl *c, bool enabled)
{
}

const char *nvme_ctrl_register(const NvmeCtrl *c, unsigned index,
                               uint32_t *ret_offset, unsigned *ret_size,
                               uint64_t *ret_value)
{
    return NULL;
}
