/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_doorbell.c: doorbell registers and shadow doorbells. NVM Express 1.4,
 * sections 3.1.24, 3.1.25, 5.7 and 7.13.
 *
 * A doorbell write travels (MODEL_MMIO_WRITE) and is judged when it arrives.
 * With shadow doorbells the value is always read from the shadow buffer: a
 * register write only says "look". When a submission queue runs empty the
 * controller writes the event index and then reads the shadow again, so a
 * host that did not ring meanwhile is not missed. Admin queues have no shadow.
 *
 * Not modelled: doorbell strides other than 0.
 */
#include "nvme_int.h"

static void refuse(NvmeCtrl *c, CardGuestError code, unsigned qid)
{
    nvme_guest_error(c, code, qid, 0);
    /* Section 5.2: error status events */
    if (nvme_running(c)) {
        nvme_event_post(c, NVME_AER_ERROR,
                        code == CARD_GUEST_DOORBELL_QUEUE
                            ? NVME_AER_ERR_DB_REGISTER
                            : NVME_AER_ERR_DB_VALUE,
                        NVME_LOG_ERROR);
    }
}

static void sq_tail(NvmeCtrl *c, unsigned qid, uint32_t value)
{
    NvmeSq *sq = &c->sq[qid];

    if (value >= sq->size) {
        refuse(c, CARD_GUEST_DOORBELL_VALUE, qid);
        return;
    }
    sq->tail = value;
    nvme_sq_ready(c, qid);
    nvme_kick(c);
}

static unsigned distance(const NvmeCq *cq, unsigned from, unsigned to)
{
    return to >= from ? to - from : to + cq->size - from;
}

static void cq_head(NvmeCtrl *c, unsigned qid, uint32_t value)
{
    NvmeCq *cq = &c->cq[qid];

    /* Only entries that are there can be taken. */
    if (value >= cq->size ||
        distance(cq, cq->head, value) > distance(cq, cq->head, cq->visible)) {
        refuse(c, CARD_GUEST_DOORBELL_VALUE, qid);
        return;
    }
    cq->head = value;
    nvme_cq_post(c, qid);
    nvme_irq_level(c);
    nvme_kick(c);
}

static void ring(NvmeCtrl *c, unsigned qid, bool is_cq, uint32_t value)
{
    bool exists =
        qid < NVME_QUEUES && (is_cq ? c->cq[qid].exists : c->sq[qid].exists);

    card_event(c->card, (CardEvent){
                            .kind = CARD_EV_DOORBELL,
                            .fn = c->config.fn,
                            .qid = qid,
                            .a = is_cq,
                            .b = value,
                        });
    if (!exists || !nvme_running(c)) {
        refuse(c, CARD_GUEST_DOORBELL_QUEUE, qid);
    } else if (c->dbbuf && qid) {
        nvme_shadow_start(c, qid, is_cq, false);
    } else if (is_cq) {
        cq_head(c, qid, value);
    } else {
        sq_tail(c, qid, value);
    }
}

void nvme_doorbell_submit(NvmeCtrl *c, unsigned index)
{
    NvmeDoorbell *d = &c->doorbell[index];

    nvme_submit(c, &d->unsent, MODEL_MMIO_WRITE, NVME_OP_DOORBELL, index,
                d->gen, NVME_REG_DOORBELLS + (d->qid * 2u + d->is_cq) * 4u, 4);
}

/* Submits all again, in the order in which they were written. */
void nvme_doorbell_resubmit(NvmeCtrl *c)
{
    uint64_t from = 0;

    for (unsigned n = 0; n < c->n_doorbells; n++) {
        unsigned first = NVME_DOORBELLS;

        for (unsigned i = 0; i < NVME_DOORBELLS; i++) {
            const NvmeDoorbell *d = &c->doorbell[i];

            if (d->used && d->order >= from &&
                (first == NVME_DOORBELLS ||
                 d->order < c->doorbell[first].order)) {
                first = i;
            }
        }
        from = c->doorbell[first].order + 1;
        nvme_doorbell_submit(c, first);
    }
}

/* A write to the same doorbell on its way that can take @value along, as a
 * bridge combines posted writes: one that the models have not accepted yet,
 * or any when there are too many. */
static NvmeDoorbell *combinable(NvmeCtrl *c, unsigned qid, bool is_cq)
{
    NvmeDoorbell *newest = NULL;

    if (!c->n_unsent && c->n_doorbells < NVME_DOORBELLS) {
        return NULL;
    }
    for (unsigned i = 0; i < NVME_DOORBELLS; i++) {
        NvmeDoorbell *d = &c->doorbell[i];

        if (d->used && d->qid == qid && d->is_cq == is_cq &&
            (d->unsent || c->n_doorbells == NVME_DOORBELLS) &&
            (!newest || d->order > newest->order)) {
            newest = d;
        }
    }
    return newest;
}

void nvme_doorbell_write(NvmeCtrl *c, uint64_t addr, uint32_t value)
{
    uint64_t n = (addr - NVME_REG_DOORBELLS) / 4;
    unsigned qid = MIN(n / 2, NVME_NONE);
    NvmeDoorbell *d = combinable(c, qid, n & 1);

    if (d) {
        d->value = value;
        return;
    }
    for (unsigned i = 0; i < NVME_DOORBELLS; i++) {
        d = &c->doorbell[i];
        if (!d->used) {
            d->used = true;
            d->qid = qid;
            d->is_cq = n & 1;
            d->value = value;
            d->order = c->next_order++;
            c->n_doorbells++;
            nvme_doorbell_submit(c, i);
            return;
        }
    }
    /* Too many, and none to the same doorbell: it arrives at once. */
    ring(c, qid, n & 1, value);
}

void nvme_doorbell_done(NvmeCtrl *c, unsigned index)
{
    NvmeDoorbell *d = &c->doorbell[index];

    d->used = false;
    d->gen++;
    c->n_doorbells--;
    ring(c, d->qid, d->is_cq, d->value);
}

/* ---- shadow doorbells --------------------------------------------------- */

static NvmeShadowState *shadow_of(NvmeCtrl *c, unsigned qid, bool is_cq)
{
    return is_cq ? &c->cq[qid].shadow : &c->sq[qid].shadow;
}

/* Resends what the state says is under way. */
void nvme_shadow_submit(NvmeCtrl *c, unsigned qid, bool is_cq)
{
    NvmeShadowState *st = shadow_of(c, qid, is_cq);
    bool event = st->state == NVME_SHADOW_EVENT;
    uint64_t offset = (qid * 2u + is_cq) * 4u;

    nvme_submit(c, &st->unsent, event ? MODEL_DMA_WRITE : MODEL_DMA_READ,
                (is_cq ? NVME_OP_CQ_EVENT : NVME_OP_SQ_EVENT) + !event, qid,
                st->gen, (event ? c->event_addr : c->shadow_addr) + offset, 4);
}

/* @event: write the event index first. */
void nvme_shadow_start(NvmeCtrl *c, unsigned qid, bool is_cq, bool event)
{
    NvmeShadowState *st = shadow_of(c, qid, is_cq);

    if (st->state != NVME_SHADOW_IDLE) {
        st->again = true;
        return;
    }
    st->state = event ? NVME_SHADOW_EVENT : NVME_SHADOW_READ;
    nvme_shadow_submit(c, qid, is_cq);
}

static bool cq_needs_head(const NvmeCtrl *c, const NvmeCq *cq)
{
    return cq->wait_head != NVME_NONE ||
           (!c->msix && cq->irq_enabled && cq->visible != cq->head);
}

/* Somebody waits for the host to take entries. */
void nvme_shadow_cq(NvmeCtrl *c, unsigned qid)
{
    NvmeCq *cq = &c->cq[qid];

    if (c->dbbuf && qid && cq->shadow.event != cq->head) {
        nvme_shadow_start(c, qid, true, true);
    }
}

static bool event_written(NvmeCtrl *c, unsigned qid, bool is_cq)
{
    NvmeShadowState *st = shadow_of(c, qid, is_cq);
    uint64_t addr = c->event_addr + (qid * 2u + is_cq) * 4u;
    uint32_t value = is_cq ? c->cq[qid].head : c->sq[qid].tail;
    uint32_t raw = GUINT32_TO_LE(value);

    if (!nvme_dma_write(c, addr, &raw, sizeof(raw))) {
        nvme_dma_refused(c, addr, sizeof(raw));
        nvme_fatal(c);
        st->again = false;
        return false;
    }
    st->event = value;
    return true;
}

static void apply(NvmeCtrl *c, unsigned qid, bool is_cq, uint32_t value)
{
    if (is_cq) {
        cq_head(c, qid, value);
    } else if (value != c->sq[qid].tail) {
        sq_tail(c, qid, value);
    }
}

void nvme_shadow_done(NvmeCtrl *c, unsigned qid, bool is_cq)
{
    NvmeShadowState *st = shadow_of(c, qid, is_cq);
    uint64_t addr = c->shadow_addr + (qid * 2u + is_cq) * 4u;
    const NvmeSq *sq = &c->sq[qid];
    const NvmeCq *cq = &c->cq[qid];
    uint32_t raw;
    bool again;

    if (st->state == NVME_SHADOW_EVENT) {
        st->state = NVME_SHADOW_IDLE;
        if (event_written(c, qid, is_cq)) {
            st->state = NVME_SHADOW_READ;
            nvme_shadow_submit(c, qid, is_cq);
        }
        return;
    }
    st->state = NVME_SHADOW_IDLE;
    again = st->again;
    st->again = false;
    if (!nvme_dma_read(c, addr, &raw, sizeof(raw))) {
        nvme_dma_refused(c, addr, sizeof(raw));
        nvme_fatal(c);
        return;
    }
    apply(c, qid, is_cq, GUINT32_FROM_LE(raw));
    if (st->state != NVME_SHADOW_IDLE) {
        st->again |= again;
    } else if (again) {
        nvme_shadow_start(c, qid, is_cq, false);
    } else if (is_cq ? cq_needs_head(c, cq) && st->event != cq->head
                     : sq->head == sq->tail && !sq->fetching &&
                           st->event != sq->tail) {
        nvme_shadow_start(c, qid, is_cq, true);
    }
}
