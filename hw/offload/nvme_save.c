/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_save.c: writes a controller's state. NVM Express 1.4.
 *
 * Only what cannot be derived is written: free lists, counters and hash
 * chains are rebuilt by nvme_load.c. Data buffers are written when they hold
 * something that no repetition could bring back.
 *
 * Format, one section "NVMC" version 1: configuration, registers, queues,
 * vectors, doorbells, slots, waiting lists, events, features, error log. The
 * order of fields is the order of the put calls here and of the get calls
 * there.
 */
#include "nvme_state.h"

static void put_config(const NvmeCtrl *c, GByteArray *b)
{
    state_put_u16(b, c->config.fn);
    state_put_string(b, c->config.serial);
    state_put_string(b, c->config.model);
    state_put_u16(b, c->config.max_queues);
    state_put_u16(b, c->config.msix_vectors);
    state_put_u8(b, c->config.no_shadow_doorbells);
}

static void put_registers(const NvmeCtrl *c, GByteArray *b)
{
    state_put_u64(b, nvme_now(c));
    state_put_u32(b, c->intms);
    state_put_u32(b, c->cc);
    state_put_u32(b, c->csts);
    state_put_u32(b, c->aqa);
    state_put_u64(b, c->asq);
    state_put_u64(b, c->acq);
    state_put_u8(b, c->msix);
    state_put_u8(b, c->intx);
    state_put_u8(b, c->dbbuf);
    state_put_u64(b, c->shadow_addr);
    state_put_u64(b, c->event_addr);
    state_put_u8(b, c->next_sq);
    state_put_u64(b, c->retry_ps);
}

static void put_shadow(const NvmeShadowState *st, GByteArray *b)
{
    state_put_u8(b, st->state);
    state_put_u8(b, st->again);
    state_put_u8(b, st->unsent);
    state_put_u16(b, st->gen);
    state_put_u16(b, st->event);
}

static void put_sq(const NvmeSq *sq, GByteArray *b)
{
    state_put_u8(b, sq->exists);
    state_put_u16(b, sq->gen);
    put_shadow(&sq->shadow, b);
    if (!sq->exists) {
        return;
    }
    state_put_u8(b, sq->fetching);
    state_put_u8(b, sq->deleting);
    state_put_u8(b, sq->unsent);
    state_put_u8(b, sq->fetch_n);
    state_put_u16(b, sq->cqid);
    state_put_u16(b, sq->head);
    state_put_u16(b, sq->tail);
    state_put_u32(b, sq->size);
    state_put_u64(b, sq->base);
}

static void put_cq(const NvmeCq *cq, GByteArray *b)
{
    state_put_u8(b, cq->exists);
    put_shadow(&cq->shadow, b);
    if (!cq->exists) {
        return;
    }
    state_put_u8(b, cq->irq_enabled);
    state_put_u8(b, cq->phase);
    state_put_u16(b, cq->vector);
    state_put_u16(b, cq->head);
    state_put_u16(b, cq->tail);
    state_put_u16(b, cq->visible);
    state_put_u32(b, cq->size);
    state_put_u64(b, cq->base);
}

static void put_vector(const NvmeVector *v, GByteArray *b)
{
    state_put_u8(b, v->in_flight);
    state_put_u8(b, v->unsent);
    state_put_u8(b, v->no_coalescing);
    state_put_u16(b, v->gen);
    state_put_u16(b, v->held);
    state_put_u64(b, v->deadline_ps);
}

/* All of them: the generations of free ones matter too. */
static void put_doorbells(const NvmeCtrl *c, GByteArray *b)
{
    for (unsigned i = 0; i < NVME_DOORBELLS; i++) {
        const NvmeDoorbell *d = &c->doorbell[i];

        state_put_u16(b, d->gen);
        state_put_u8(b, d->used);
        if (d->used) {
            state_put_u8(b, d->unsent);
            state_put_u8(b, d->is_cq);
            state_put_u16(b, d->qid);
            state_put_u32(b, d->value);
            state_put_u64(b, d->order);
        }
    }
    state_put_u64(b, c->next_order);
}

static void put_sqe(const NvmeSqe *e, GByteArray *b)
{
    state_put_u8(b, e->opcode);
    state_put_u8(b, e->flags);
    state_put_u16(b, e->cid);
    state_put_u32(b, e->nsid);
    state_put_u64(b, e->prp1);
    state_put_u64(b, e->prp2);
    state_put_u32(b, e->cdw10);
    state_put_u32(b, e->cdw11);
    state_put_u32(b, e->cdw12);
    state_put_u32(b, e->cdw13);
    state_put_u32(b, e->cdw14);
    state_put_u32(b, e->cdw15);
}

static void put_walk(const NvmeWalk *w, GByteArray *b)
{
    state_put_u64(b, w->addr);
    state_put_u32(b, w->bytes);
    state_put_u32(b, w->left);
    state_put_u32(b, w->mapped);
    state_put_u16(b, w->lists);
    state_put_u16(b, w->descriptors);
    state_put_u8(b, w->last);
}

static void put_slot(const NvmeSlot *s, GByteArray *b)
{
    state_put_u16(b, s->gen);
    state_put_u8(b, s->stage);
    if (s->stage == NVME_FREE) {
        return;
    }
    state_put_u8(b, s->unsent);
    state_put_u8(b, s->landed);
    state_put_u8(b, s->internal);
    state_put_u8(b, s->phase);
    state_put_u16(b, s->sqid);
    state_put_u16(b, s->status);
    state_put_u16(b, s->cq_index);
    state_put_u16(b, s->sq_head);
    state_put_u32(b, s->result);
    state_put_u32(b, s->bytes);
    state_put_u32(b, s->block_bytes);
    state_put_u32(b, s->step);
    state_put_u64(b, s->fetch_ps);
    put_sqe(&s->sqe, b);
    state_put_u32(b, s->io.nsid);
    state_put_u8(b, s->io.fua);
    if (s->stage == NVME_LIST) {
        put_walk(&s->walk, b);
    }
    state_put_u32(b, s->n_runs);
    for (uint32_t i = 0; i < s->n_runs; i++) {
        state_put_u64(b, s->runs[i].addr);
        state_put_u32(b, s->runs[i].len);
        state_put_u8(b, s->runs[i].bucket);
    }
    state_put_blob(b, s->buf, nvme_saved_data(s) ? s->bytes : 0);
}

static void put_lists(const NvmeCtrl *c, GByteArray *b)
{
    for (unsigned q = 0; q < NVME_QUEUES; q++) {
        for (uint16_t i = c->cq[q].wait_head; i != NVME_NONE;
             i = c->slot[i].next) {
            state_put_u16(b, i);
        }
        state_put_u16(b, NVME_NONE);
    }
    state_put_u16(b, c->n_aer);
    for (unsigned i = 0; i < c->n_aer; i++) {
        state_put_u16(b, c->aer[i]);
    }
    state_put_u8(b, c->n_events);
    for (unsigned i = 0; i < c->n_events; i++) {
        state_put_u8(b, c->event[i].type);
        state_put_u8(b, c->event[i].info);
        state_put_u8(b, c->event[i].page);
    }
    state_put_u8(b, c->event_masked);
}

static void put_features(const NvmeFeatures *f, GByteArray *b)
{
    state_put_u32(b, f->arbitration);
    state_put_u32(b, f->power);
    state_put_u16(b, f->temp_over);
    state_put_u16(b, f->temp_under);
    for (unsigned i = 1; i <= CARD_MAX_NSID; i++) {
        state_put_u32(b, f->error_recovery[i]);
    }
    state_put_u32(b, f->write_cache);
    state_put_u16(b, f->n_sqs);
    state_put_u16(b, f->n_cqs);
    state_put_u32(b, f->coalescing);
    state_put_u32(b, f->atomicity);
    state_put_u32(b, f->async_events);
    state_put_u64(b, f->timestamp_ms);
    state_put_u64(b, f->timestamp_ps);
    state_put_u8(b, f->timestamp_origin);
    state_put_u8(b, f->acre);
}

static void put_errors(const NvmeCtrl *c, GByteArray *b)
{
    state_put_u32(b, c->changed_ns);
    state_put_u64(b, c->error_count);
    for (unsigned i = 0; i < NVME_ERRORS && i < c->error_count; i++) {
        const NvmeErrorEntry *e = &c->error[i];

        state_put_u64(b, e->count);
        state_put_u16(b, e->sq_id);
        state_put_u16(b, e->cid);
        state_put_u16(b, e->status);
        state_put_u64(b, e->lba);
        state_put_u32(b, e->nsid);
    }
}

void nvme_ctrl_save(const NvmeCtrl *c, GByteArray *b)
{
    size_t mark = state_begin(b, NVME_STATE_MAGIC, NVME_STATE_VERSION);

    put_config(c, b);
    put_registers(c, b);
    for (unsigned i = 0; i < NVME_QUEUES; i++) {
        put_sq(&c->sq[i], b);
        put_cq(&c->cq[i], b);
    }
    for (unsigned i = 0; i < NVME_MAX_VECTORS; i++) {
        put_vector(&c->vector[i], b);
    }
    put_doorbells(c, b);
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        put_slot(&c->slot[i], b);
    }
    put_lists(c, b);
    put_features(&c->features, b);
    put_errors(c, b);
    state_end(b, mark);
}
