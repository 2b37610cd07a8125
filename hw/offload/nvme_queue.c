/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_queue.c: submission queues (arbitration, fetch) and completion queues
 * (entries, phase, full queues). NVM Express 1.4, sections 4.1, 4.6, 4.13.
 *
 * Arbitration is round robin with a burst (feature 01h); the admin queue is
 * looked at first and has slots of its own. A queue has one fetch under way
 * at a time, of up to a burst of entries. Nothing is fetched from a queue
 * whose completion queue is full.
 *
 * Not modelled: weighted round robin, physically scattered queues.
 */
#include "nvme_int.h"

#include <string.h>

bool nvme_cq_full(const NvmeCq *cq)
{
    return (cq->tail + 1u == cq->size ? 0 : cq->tail + 1u) == cq->head;
}

/* ---- fetch -------------------------------------------------------------- */

/* Brings the ready bit up to date. */
void nvme_sq_ready(NvmeCtrl *c, unsigned qid)
{
    const NvmeSq *sq = &c->sq[qid];
    bool ready =
        sq->exists && !sq->fetching && !sq->deleting && sq->head != sq->tail;

    if (!qid) {
        c->ready_admin = ready;
    } else if (ready) {
        c->ready_io |= 1ull << (qid - 1);
    } else {
        c->ready_io &= ~(1ull << (qid - 1));
    }
}

void nvme_sq_fetch_submit(NvmeCtrl *c, unsigned qid)
{
    NvmeSq *sq = &c->sq[qid];

    nvme_submit(c, &sq->unsent, MODEL_DMA_READ, NVME_OP_FETCH, qid, sq->gen,
                sq->base + (uint64_t)sq->head * sizeof(NvmeSqe),
                sq->fetch_n * sizeof(NvmeSqe));
}

/* Section 4.13.1: up to 2^AB commands from a queue before the next's turn. */
static unsigned burst(const NvmeCtrl *c)
{
    unsigned ab = c->features.arbitration & 7;

    return ab >= 6 ? NVME_MAX_FETCH : 1u << ab;
}

static bool fetch_from(NvmeCtrl *c, unsigned qid)
{
    NvmeSq *sq = &c->sq[qid];
    unsigned end = sq->tail > sq->head ? sq->tail : sq->size;
    unsigned room = qid ? NVME_IO_SLOTS - c->used_io - c->reserved_io
                        : NVME_ADMIN_SLOTS - c->used_admin - c->reserved_admin;
    unsigned n = MIN(MIN(end - sq->head, burst(c)), room);

    if (!n || c->cq[sq->cqid].wait_head != NVME_NONE) {
        return false;
    }
    sq->fetching = true;
    sq->fetch_n = n;
    *(qid ? &c->reserved_io : &c->reserved_admin) += n;
    nvme_sq_ready(c, qid);
    nvme_sq_fetch_submit(c, qid);
    return true;
}

void nvme_kick(NvmeCtrl *c)
{
    uint64_t refused = 0;

    if (!(c->ready_io || c->ready_admin) || !nvme_running(c) ||
        card_suspended(c->card)) {
        return;
    }
    if (c->ready_admin) {
        fetch_from(c, 0);
    }
    for (;;) {
        uint64_t turn = c->ready_io & ~refused;
        unsigned i;

        if (!turn || c->used_io + c->reserved_io >= NVME_IO_SLOTS) {
            return;
        }
        if (turn & ~0ull << c->next_sq) {
            turn &= ~0ull << c->next_sq;
        }
        i = __builtin_ctzll(turn);
        if (fetch_from(c, i + 1)) {
            c->next_sq = (i + 1) & 63;
        } else {
            refused |= 1ull << i;
        }
    }
}

static void fetch_end(NvmeCtrl *c, unsigned qid)
{
    NvmeSq *sq = &c->sq[qid];

    sq->fetching = false;
    *(qid ? &c->reserved_io : &c->reserved_admin) -= sq->fetch_n;
    sq->fetch_n = 0;
}

void nvme_fetch_done(NvmeCtrl *c, unsigned qid)
{
    NvmeSq *sq = &c->sq[qid];
    uint8_t raw[NVME_MAX_FETCH * sizeof(NvmeSqe)];
    uint64_t addr = sq->base + (uint64_t)sq->head * sizeof(NvmeSqe);
    unsigned n = sq->fetch_n;

    fetch_end(c, qid);
    if (!nvme_dma_read(c, addr, raw, n * sizeof(NvmeSqe))) {
        nvme_dma_refused(c, addr, n * sizeof(NvmeSqe));
        nvme_fatal(c);
        return;
    }
    sq->head = sq->head + n == sq->size ? 0 : sq->head + n;
    for (unsigned i = 0; i < n; i++) {
        nvme_cmd_begin(c, qid, raw + i * sizeof(NvmeSqe));
    }
    nvme_sq_ready(c, qid);
    if (sq->head == sq->tail && c->dbbuf && qid) {
        nvme_shadow_start(c, qid, false, true);
    }
    nvme_kick(c);
}

/* It is going to be deleted: nothing is fetched from it any more. */
void nvme_sq_stop(NvmeCtrl *c, unsigned qid)
{
    NvmeSq *sq = &c->sq[qid];

    sq->deleting = true;
    if (sq->fetching) {
        sq->gen++;
        nvme_unsend(c, &sq->unsent);
        fetch_end(c, qid);
    }
    nvme_sq_ready(c, qid);
}

/* No command of it is in flight any more. */
void nvme_sq_remove(NvmeCtrl *c, unsigned qid)
{
    NvmeSq *sq = &c->sq[qid];

    nvme_unsend(c, &sq->shadow.unsent);
    c->cq[sq->cqid].n_sqs--;
    *sq = (NvmeSq){
        .gen = sq->gen + 1,
        .shadow.gen = sq->shadow.gen + 1,
    };
    nvme_sq_ready(c, qid);
}

/* ---- completion --------------------------------------------------------- */

/* Gives entries to the completions that wait, as long as there is room. */
void nvme_cq_post(NvmeCtrl *c, unsigned qid)
{
    NvmeCq *cq = &c->cq[qid];

    while (cq->wait_head != NVME_NONE && !nvme_cq_full(cq)) {
        NvmeSlot *s = &c->slot[cq->wait_head];

        cq->wait_head = s->next;
        s->next = NVME_NONE;
        s->cq_index = cq->tail;
        s->phase = cq->phase;
        s->sq_head = c->sq[s->sqid].head;
        if (++cq->tail == cq->size) {
            cq->tail = 0;
            cq->phase = !cq->phase;
        }
        nvme_cmd_stage(c, s, NVME_CQE);
    }
    if (cq->wait_head != NVME_NONE) {
        nvme_shadow_cq(c, qid);
    }
}

static void done_event(NvmeCtrl *c, const NvmeSlot *s)
{
    uint64_t now = nvme_now(c);

    card_event(c->card, (CardEvent){
                            .kind = CARD_EV_CMD_DONE,
                            .fn = c->config.fn,
                            .qid = s->sqid,
                            .cid = s->sqe.cid,
                            .nsid = s->sqe.nsid,
                            .status = s->status & ~NVME_STATUS_MORE,
                            .a = s->sqe.opcode,
                            .b = now > s->fetch_ps ? now - s->fetch_ps : 0,
                            .c = s->bytes,
                            .slot = nvme_slot_index(c, s) + 1,
                        });
}

static bool being_written(const NvmeCtrl *c, const NvmeCq *cq, unsigned entry)
{
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        const NvmeSlot *s = &c->slot[i];

        if (s->stage == NVME_CQE && s->cq_index == entry &&
            &c->cq[c->sq[s->sqid].cqid] == cq) {
            return true;
        }
    }
    return false;
}

/* Entry @i is in memory. They arrive in order unless the models had been
 * full: the host sees as far as there is no gap. */
static void arrived(NvmeCtrl *c, NvmeCq *cq, unsigned i)
{
    if (i != cq->visible) {
        cq->ahead++;
        return;
    }
    cq->visible = i + 1 == cq->size ? 0 : i + 1;
    while (cq->ahead && !being_written(c, cq, cq->visible)) {
        cq->visible = cq->visible + 1u == cq->size ? 0 : cq->visible + 1;
        cq->ahead--;
    }
}

/* The entry becomes visible now. */
void nvme_cqe_done(NvmeCtrl *c, NvmeSlot *s)
{
    NvmeSq *sq = &c->sq[s->sqid];
    NvmeCq *cq = &c->cq[sq->cqid];
    uint64_t addr = cq->base + (uint64_t)s->cq_index * sizeof(NvmeCqe);
    NvmeCqe e = {
        .result = GUINT32_TO_LE(s->result),
        .sq_head = GUINT16_TO_LE(s->sq_head),
        .sq_id = GUINT16_TO_LE(s->sqid),
        .cid = GUINT16_TO_LE(s->sqe.cid),
        .status = GUINT16_TO_LE(s->status << 1 | s->phase),
    };
    bool stored = nvme_dma_write(c, addr, &e, sizeof(e));
    unsigned entry = s->cq_index;

    done_event(c, s);
    sq->in_flight--;
    nvme_slot_free(c, s);
    arrived(c, cq, entry);
    if (!stored) {
        nvme_dma_refused(c, addr, sizeof(e));
        nvme_fatal(c);
        return;
    }
    if (cq->irq_enabled) {
        nvme_irq_completion(c, cq);
    }
    nvme_drain_check(c);
    nvme_kick(c);
    if (!c->used_io && nvme_ctrl_idle(c)) {
        card_progress(c->card);
    }
}
