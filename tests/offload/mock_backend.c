/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mock_backend.c: see mock_backend.h.
 */
#include "mock_backend.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LBA_OUT_OF_RANGE 0x4080
#define INVALID_NSID 0x400b
#define NS_NOT_READY 0x0082
#define WRITE_PROTECTED 0x4020

const CardSeam *card_seam(const Card *card)
{
    return &card->m->ops;
}

void *card_seam_opaque(const Card *card)
{
    return card->m;
}

void card_event(Card *card, CardEvent ev)
{
    ev.at_ps = card->m->now_ps;
    card->m->ops.event(card->m, &ev);
}

bool card_suspended(const Card *card)
{
    return card->suspended;
}

void card_progress(Card *card)
{
    card->progress++;
}

CardIfStats *card_if_stats(Card *card, unsigned fn)
{
    return &card->stats[fn];
}

/* ---- namespaces --------------------------------------------------------- */

static const MockNs *find(const Card *card, unsigned fn, uint32_t nsid)
{
    if (nsid == 0 || nsid > CARD_MAX_NSID || !card->ns[fn][nsid].attached) {
        return NULL;
    }
    return &card->ns[fn][nsid];
}

uint32_t card_ns_next(const Card *card, unsigned fn, uint32_t after)
{
    for (uint64_t nsid = after + 1ull; nsid <= CARD_MAX_NSID; nsid++) {
        if (card->ns[fn][nsid].attached) {
            return nsid;
        }
    }
    return 0;
}

bool card_ns_info(const Card *card, unsigned fn, uint32_t nsid, CardNsInfo *ret)
{
    const MockNs *ns = find(card, fn, nsid);

    if (ns) {
        *ret = ns->info;
    }
    return ns != NULL;
}

static void set_format(MockNs *ns, unsigned lba_format)
{
    ns->info.lba_format = lba_format;
    ns->info.block_bytes = lba_format ? 4096 : 512;
    ns->info.blocks = ns->bytes / ns->info.block_bytes;
    ns->info.used_blocks = ns->info.blocks;
}

void mock_card_attach(Card *card, unsigned fn, uint32_t nsid, uint64_t bytes,
                      unsigned lba_format)
{
    MockNs *ns = &card->ns[fn][nsid];

    free(ns->data);
    *ns = (MockNs){
        .attached = true,
        .bytes = bytes,
        .data = calloc(1, bytes),
    };
    g_assert(ns->data);
    set_format(ns, lba_format);
    for (unsigned i = 0; i < 16; i++) {
        ns->info.uuid[i] = fn * 16 + nsid + i;
    }
    for (unsigned i = 0; i < 8; i++) {
        ns->info.eui64[i] = 0x80 + fn * 16 + nsid + i;
    }
    if (card->ctrl[fn]) {
        nvme_ctrl_ns_changed(card->ctrl[fn], nsid);
    }
}

void mock_card_detach(Card *card, unsigned fn, uint32_t nsid)
{
    card->ns[fn][nsid].attached = false;
    for (unsigned i = 0; i < CARD_MAX_IO_SLOTS; i++) {
        MockIo *r = &card->io[fn][i];

        if (r->state != MOCK_IO_NONE && r->io.nsid == nsid) {
            r->state = MOCK_IO_NONE;
            r->gen++;
            nvme_ctrl_io_done(card->ctrl[fn], i, NS_NOT_READY);
        }
    }
    nvme_ctrl_ns_changed(card->ctrl[fn], nsid);
}

/* ---- I/O ---------------------------------------------------------------- */

uint16_t card_io_check(const Card *card, const CardIo *io)
{
    const MockNs *ns = find(card, io->fn, io->nsid);

    if (io->op == CARD_IO_FLUSH && io->nsid == UINT32_MAX) {
        return 0;
    }
    if (!ns) {
        return INVALID_NSID;
    }
    if (io->op == CARD_IO_FLUSH) {
        return 0;
    }
    if (ns->info.read_only && io->op != CARD_IO_READ &&
        io->op != CARD_IO_VERIFY) {
        return WRITE_PROTECTED;
    }
    if (io->op == CARD_IO_FORMAT) {
        return 0;
    }
    if (io->slba > ns->info.blocks || io->nlb > ns->info.blocks - io->slba) {
        return LBA_OUT_OF_RANGE;
    }
    return 0;
}

static MockIo *record(Card *card, const CardIo *io)
{
    g_assert(io->fn < SEAM_MAX_FUNCTIONS && io->slot < CARD_MAX_IO_SLOTS);
    return &card->io[io->fn][io->slot];
}

static uint32_t block_of(const Card *card, const CardIo *io)
{
    const MockNs *ns = find(card, io->fn, io->nsid);

    return ns ? ns->info.block_bytes : 0;
}

bool card_io_admit(Card *card, const CardIo *io, uint32_t bytes)
{
    MockIo *r = record(card, io);

    g_assert(r->state == MOCK_IO_NONE);
    r->admitted_block = block_of(card, io);
    card->admitted++;
    card->admitted_bytes += bytes;
    if (!card->hold || io->op == CARD_IO_FLUSH || io->op == CARD_IO_FORMAT) {
        return true;
    }
    r->state = MOCK_IO_HELD;
    r->io = *io;
    return false;
}

void mock_card_release(Card *card)
{
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        for (unsigned i = 0; i < CARD_MAX_IO_SLOTS; i++) {
            MockIo *r = &card->io[fn][i];

            if (r->state == MOCK_IO_HELD) {
                r->state = MOCK_IO_NONE;
                nvme_ctrl_io_admitted(card->ctrl[fn], i);
            }
        }
    }
}

void card_io_start(Card *card, const CardIo *io)
{
    MockIo *r = record(card, io);
    ModelOp op = {
        .tag = seam_tag(SEAM_OWNER_CARD, io->fn, 0, io->slot, r->gen),
        .bytes = 1,
        .fn = io->fn,
        .kind = MODEL_CRYPTO,
    };

    g_assert(r->state == MOCK_IO_NONE);
    r->block_bytes = block_of(card, io);
    r->late = card_io_check(card, io);
    if (!r->late && r->admitted_block && r->admitted_block != r->block_bytes) {
        r->late = NS_NOT_READY;
    }
    r->admitted_block = 0;
    card->late += r->late != 0;
    card->started++;
    card->ops[io->op]++;
    card->last_io = *io;
    r->state = MOCK_IO_STARTED;
    r->io = *io;
    if (card->needs_no_model) {
        unsigned most = card->m->max_model_ops;

        card->m->max_model_ops = UINT_MAX;
        card->m->ops.model_submit(card->m, &op);
        card->m->max_model_ops = most;
    } else if (!card->m->ops.model_submit(card->m, &op)) {
        g_error("mock card: the models are full");
    }
}

void card_io_cancel(Card *card, unsigned fn, unsigned slot)
{
    MockIo *r = &card->io[fn][slot];

    card->cancelled += r->state != MOCK_IO_NONE;
    r->state = MOCK_IO_NONE;
    r->gen++;
}

void card_io_cancel_all(Card *card, unsigned fn)
{
    for (unsigned i = 0; i < CARD_MAX_IO_SLOTS; i++) {
        card_io_cancel(card, fn, i);
    }
}

bool card_io_rebind(Card *card, const CardIo *io)
{
    MockIo *r = record(card, io);
    bool data = io->op == CARD_IO_READ || io->op == CARD_IO_WRITE;

    if (card->rebind_fails || r->state == MOCK_IO_NONE ||
        (r->state == MOCK_IO_STARTED && data && !io->buf) ||
        r->io.op != io->op || r->io.nsid != io->nsid ||
        r->io.slba != io->slba || r->io.nlb != io->nlb) {
        return false;
    }
    r->io.buf = io->buf;
    return true;
}

static void format(Card *card, const CardIo *io)
{
    MockNs *ns = &card->ns[io->fn][io->nsid];

    memset(ns->data, 0, ns->bytes);
    set_format(ns, io->lba_format);
}

static void move(Card *card, const MockIo *r)
{
    const CardIo *io = &r->io;
    MockNs *ns = &card->ns[io->fn][io->nsid % (CARD_MAX_NSID + 1)];
    uint64_t offset = io->slba * r->block_bytes;
    uint64_t len = (uint64_t)io->nlb * r->block_bytes;

    if (io->op == CARD_IO_FLUSH) {
        return;
    }
    if (io->op == CARD_IO_FORMAT) {
        format(card, io);
        return;
    }
    g_assert(offset <= ns->bytes && len <= ns->bytes - offset);
    switch (io->op) {
    case CARD_IO_READ:
        memcpy(io->buf, ns->data + offset, len);
        break;
    case CARD_IO_WRITE:
        memcpy(ns->data + offset, io->buf, len);
        break;
    case CARD_IO_WRITE_ZEROES:
    case CARD_IO_DEALLOCATE:
        memset(ns->data + offset, 0, len);
        break;
    default:
        break;
    }
}

static void count(Card *card, const CardIo *io)
{
    CardIfStats *st = &card->stats[io->fn];
    uint64_t bytes =
        (uint64_t)io->nlb *
        card->ns[io->fn][io->nsid % (CARD_MAX_NSID + 1)].info.block_bytes;

    if (io->op == CARD_IO_READ) {
        st->read_cmds++;
        st->read_bytes += bytes;
    } else if (io->op == CARD_IO_WRITE) {
        st->write_cmds++;
        st->write_bytes += bytes;
    } else {
        st->other_cmds++;
    }
}

void mock_card_model_done(void *user, uint64_t tag, uint64_t at_ps)
{
    Card *card = user;
    unsigned fn = seam_tag_fn(tag), i = seam_tag_index(tag);
    uint16_t status;
    MockIo *r;

    g_assert(fn < SEAM_MAX_FUNCTIONS);
    if (seam_tag_owner(tag) == SEAM_OWNER_CTRL) {
        nvme_ctrl_model_done(card->ctrl[fn], tag, at_ps);
        return;
    }
    r = &card->io[fn][i];
    if (r->state != MOCK_IO_STARTED || r->gen != seam_tag_generation(tag)) {
        return;
    }
    r->state = MOCK_IO_NONE;
    r->gen++;
    card->done++;
    status = r->late;
    if (!status && card->fault) {
        status = card->fault(card->fault_user, &r->io);
    }
    if (!status) {
        move(card, r);
    }
    count(card, &r->io);
    nvme_ctrl_io_done(card->ctrl[fn], i, status);
}

static void timer(void *user, unsigned timer)
{
    Card *card = user;

    g_assert(timer >= SEAM_TIMER_COALESCE && timer < SEAM_TIMER_REKEY);
    nvme_ctrl_timer(card->ctrl[timer - SEAM_TIMER_COALESCE]);
}

/* ---- life --------------------------------------------------------------- */

static void hook(Card *card, MockSeam *m)
{
    card->m = m;
    m->user = card;
    m->model_done = mock_card_model_done;
    m->timer = timer;
}

Card *mock_card_new(MockSeam *m)
{
    Card *card = g_new0(Card, 1);

    hook(card, m);
    return card;
}

void mock_card_free(Card *card)
{
    if (!card) {
        return;
    }
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        nvme_ctrl_free(card->ctrl[fn]);
        for (unsigned i = 0; i <= CARD_MAX_NSID; i++) {
            free(card->ns[fn][i].data);
        }
    }
    g_free(card);
}

Card *mock_card_clone(const Card *card, MockSeam *m)
{
    Card *c = g_memdup2(card, sizeof(*card));

    hook(c, m);
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        c->ctrl[fn] = NULL;
        for (unsigned i = 0; i <= CARD_MAX_NSID; i++) {
            if (c->ns[fn][i].data) {
                c->ns[fn][i].data =
                    g_memdup2(card->ns[fn][i].data, c->ns[fn][i].bytes);
            }
        }
        for (unsigned i = 0; i < CARD_MAX_IO_SLOTS; i++) {
            c->io[fn][i].io.buf = NULL;
        }
    }
    return c;
}

void mock_card_forget(Card *card)
{
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        for (unsigned i = 0; i < CARD_MAX_IO_SLOTS; i++) {
            card->io[fn][i].state = MOCK_IO_NONE;
            card->io[fn][i].gen++;
        }
    }
}

NvmeCtrl *mock_card_add(Card *card, const NvmeCtrlConfig *config)
{
    g_assert(!card->ctrl[config->fn]);
    card->ctrl[config->fn] = nvme_ctrl_new(card, config);
    return card->ctrl[config->fn];
}
