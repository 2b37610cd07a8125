/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_up.c: writes into host memory (completions, events, interrupts) and the
 * interrupt vectors with their moderation.
 *
 * A vector of I/O queues is masked until the driver unmasks it, and masks
 * itself with each message. After a completion the message waits for the
 * delay that the driver wrote with the unmasking; completions that become
 * visible before the message does share it.
 */
#include "ena_int.h"

#include <string.h>

void ena_up_put(Ena *e, EnaUpKind kind, unsigned index, uint64_t addr,
                const void *data, unsigned len, uint32_t model_bytes)
{
    unsigned at;
    EnaUp *u;

    if (e->up_n == ENA_UP_SLOTS) {
        ena_guest_error(e, kind); /* cannot be: see the assertion */
        return;
    }
    at = (e->up_head + e->up_n++) % ENA_UP_SLOTS;
    u = &e->up[at];
    memset(u, 0, sizeof(*u));
    u->kind = kind;
    u->index = index;
    u->bytes = model_bytes;
    u->addr = addr;
    u->len = len;
    if (len) {
        memcpy(u->data, data, len);
    }
    ena_submit(e, ENA_STAGE_UP, at, MODEL_DMA_WRITE, addr, model_bytes);
}

static void message_leaves(Ena *e, unsigned vector)
{
    EnaVector *v = &e->vec[vector];
    CardEvent ev = {
        .at_ps = ena_now(e),
        .kind = CARD_EV_IRQ,
        .fn = e->cfg.fn,
        .a = vector,
    };

    v->queued = v->rx = v->tx = false;
    e->stats.interrupts++;
    e->seam->event(e->opaque, &ev);
    e->seam->msix_notify(e->opaque, e->cfg.fn, vector);
}

void ena_up_done(Ena *e, unsigned slot)
{
    EnaUp *u, up;

    if (slot >= ENA_UP_SLOTS || (slot - e->up_head) % ENA_UP_SLOTS >= e->up_n ||
        e->up[slot].done) {
        return;
    }
    u = &e->up[slot];
    u->done = true;
    up = *u;
    while (e->up_n && e->up[e->up_head].done) {
        e->up_head = (e->up_head + 1) % ENA_UP_SLOTS;
        e->up_n--;
    }
    if (up.len) {
        ena_dma_write(e, up.addr, up.data, up.len);
    }
    switch ((EnaUpKind)up.kind) {
    case ENA_UP_ADMIN:
        ena_vector_admin(e);
        ena_admin_written(e);
        break;
    case ENA_UP_AENQ:
        ena_vector_admin(e);
        break;
    case ENA_UP_CONTROL:
        ena_admin_control_written(e);
        break;
    case ENA_UP_TX_CQE:
        ena_tx_cqe_written(e, up.index);
        break;
    case ENA_UP_RX_DATA:
        ena_rx_data_written(e, up.index);
        break;
    case ENA_UP_RX_CQE:
        ena_rx_cqe_written(e, up.index);
        break;
    case ENA_UP_MSIX:
        message_leaves(e, up.index);
        break;
    default:
        break;
    }
}

uint64_t ena_cq_take(EnaCq *cq, bool *ret_phase)
{
    uint64_t addr =
        cq->base + (uint64_t)(cq->tail % cq->depth) * cq->entry_bytes;

    *ret_phase = !(cq->tail / cq->depth & 1);
    cq->tail++;
    return addr;
}

/* ---- vectors --------------------------------------------------------------- */

static void fire(Ena *e, unsigned vector)
{
    EnaVector *v = &e->vec[vector];

    v->armed = false;
    v->fire_ps = SEAM_NEVER;
    if (!v->queued) {
        v->queued = true;
        /* An MSI-X message is a write of 4 bytes. */
        ena_up_put(e, ENA_UP_MSIX, vector, 0xfee00000u, NULL, 0, 4);
    }
}

static void consider(Ena *e, unsigned vector)
{
    EnaVector *v = &e->vec[vector];
    uint64_t now = ena_now(e), at = SEAM_NEVER;

    if (!v->armed || v->queued) {
        return;
    }
    if (v->rx) {
        at = now + v->rx_delay * ENA_DELAY_UNIT_PS;
    }
    if (v->tx) {
        at = MIN(at, now + v->tx_delay * ENA_DELAY_UNIT_PS);
    }
    if (at >= v->fire_ps) {
        return;
    }
    if (at <= now) {
        fire(e, vector);
    } else {
        v->fire_ps = at;
    }
    ena_arm_timer(e);
}

void ena_vector_event(Ena *e, unsigned vector, bool rx)
{
    EnaVector *v = &e->vec[vector];

    v->rx |= rx;
    v->tx |= !rx;
    consider(e, vector);
}

void ena_vector_control(Ena *e, unsigned cq, uint32_t value)
{
    EnaCq *c = &e->cq[cq];
    EnaVector *v;

    if (!c->active) {
        ena_guest_error(e, ENA_DB_UNMASK);
        return;
    }
    v = &e->vec[c->vector];
    v->rx_delay = value & ENA_INTR_RX_DELAY;
    v->tx_delay = value >> ENA_INTR_TX_DELAY_SHIFT & ENA_INTR_RX_DELAY;
    v->armed = value & ENA_INTR_UNMASK;
    v->fire_ps = SEAM_NEVER;
    consider(e, c->vector);
    ena_arm_timer(e);
}

void ena_vector_admin(Ena *e)
{
    if (!(e->intr_mask & ENA_INTR_MASK_ADMIN)) {
        fire(e, 0);
    }
}

void ena_vector_timers(Ena *e, uint64_t now)
{
    for (unsigned i = 0; i < ENA_MAX_VECTORS; i++) {
        if (e->vec[i].fire_ps <= now) {
            fire(e, i);
        }
    }
}
