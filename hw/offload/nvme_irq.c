/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_irq.c: interrupts: MSI-X messages, coalescing, and the pin.
 * NVM Express 1.4, sections 3.1.3, 3.1.4, 7.5, 5.21.1.8 and 5.21.1.9.
 *
 * A message is a DMA write of four bytes; completions that become visible
 * before it is sent share it. The pin is the level "an enabled completion
 * queue has entries that the host has not taken, and INTMS lets it through".
 *
 * Not modelled: MSI; the time that pin messages take; the message's address
 * (the model sees a fixed one).
 */
#include "nvme_int.h"

#define MESSAGE_ADDR 0xfee00000u

void nvme_timer_arm(NvmeCtrl *c)
{
    uint64_t next = c->retry_ps;

    for (unsigned v = 0; v < c->config.msix_vectors; v++) {
        next = MIN(next, c->vector[v].deadline_ps);
    }
    if (next != c->timer_ps) {
        c->timer_ps = next;
        c->seam->timer_set(c->seam_opaque, SEAM_TIMER_COALESCE + c->config.fn,
                           next);
    }
}

void nvme_irq_submit(NvmeCtrl *c, unsigned vector)
{
    NvmeVector *v = &c->vector[vector];

    nvme_submit(c, &v->unsent, MODEL_DMA_WRITE, NVME_OP_IRQ, vector, v->gen,
                MESSAGE_ADDR, 4);
}

static void fire(NvmeCtrl *c, unsigned vector)
{
    NvmeVector *v = &c->vector[vector];

    v->held = 0;
    if (v->deadline_ps != SEAM_NEVER) {
        v->deadline_ps = SEAM_NEVER;
        nvme_timer_arm(c);
    }
    if (!v->in_flight) {
        v->in_flight = true;
        nvme_irq_submit(c, vector);
    }
}

/* An entry of @cq, whose interrupts are enabled, became visible. */
void nvme_irq_completion(NvmeCtrl *c, NvmeCq *cq)
{
    NvmeVector *v = &c->vector[cq->vector];
    unsigned threshold = c->features.coalescing & 0xff;
    uint64_t time = c->features.coalescing >> 8 & 0xff;

    if (!c->msix) {
        nvme_irq_level(c);
        nvme_shadow_cq(c, cq - c->cq);
        return;
    }
    /* Section 5.21.1.8: for I/O queues; 0 in either field is no delay. */
    if (!threshold || !time || v->no_coalescing || cq == &c->cq[0]) {
        fire(c, cq->vector);
        return;
    }
    v->held++;
    if (v->held > threshold) {
        fire(c, cq->vector);
    } else if (v->deadline_ps == SEAM_NEVER) {
        v->deadline_ps = nvme_now(c) + time * NVME_COALESCE_PS;
        nvme_timer_arm(c);
    }
}

void nvme_irq_done(NvmeCtrl *c, unsigned vector)
{
    c->vector[vector].in_flight = false;
    card_event(c->card, (CardEvent){
                            .kind = CARD_EV_IRQ,
                            .fn = c->config.fn,
                            .a = vector,
                        });
    c->seam->msix_notify(c->seam_opaque, c->config.fn, vector);
}

void nvme_irq_level(NvmeCtrl *c)
{
    bool level = false;

    if (c->msix && !c->intx) {
        return;
    }
    for (unsigned q = 0; q < NVME_QUEUES && !c->msix && !level; q++) {
        const NvmeCq *cq = &c->cq[q];

        /* Section 7.5.1: with the pin every queue has vector 0. */
        level = cq->exists && cq->irq_enabled && cq->visible != cq->head &&
                !(c->intms & 1);
    }
    if (level != c->intx) {
        c->intx = level;
        c->seam->intx_set(c->seam_opaque, c->config.fn, level);
    }
}

void nvme_ctrl_set_msix(NvmeCtrl *c, bool enabled)
{
    c->msix = enabled;
    nvme_irq_level(c);
}

void nvme_ctrl_timer(NvmeCtrl *c)
{
    uint64_t now = nvme_now(c);

    c->timer_ps = SEAM_NEVER;
    for (unsigned v = 0; v < c->config.msix_vectors; v++) {
        if (c->vector[v].deadline_ps <= now) {
            c->vector[v].deadline_ps = SEAM_NEVER;
            fire(c, v);
        }
    }
    if (c->retry_ps <= now) {
        c->retry_ps = SEAM_NEVER;
        nvme_retry(c);
    }
    nvme_timer_arm(c);
}
