/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_event.c: asynchronous events, the error log, and reports of what a
 * guest did wrong. NVM Express 1.4, sections 5.2 and 5.14.1.1.
 *
 * An event waits until a request for it is outstanding; after it was
 * reported, its type stays masked until the log page it names is read. Equal
 * events that wait are one.
 *
 * Not modelled: the order of events beyond NVME_EVENTS waiting ones (the
 * newest are dropped).
 */
#include "nvme_int.h"

#include <string.h>

void nvme_guest_error(NvmeCtrl *c, uint64_t code, uint16_t qid, uint16_t cid)
{
    c->stats->guest_errors++;
    card_event(c->card, (CardEvent){
                            .kind = CARD_EV_GUEST_ERROR,
                            .fn = c->config.fn,
                            .qid = qid,
                            .cid = cid,
                            .a = code,
                        });
}

void nvme_dma_refused(NvmeCtrl *c, uint64_t addr, uint64_t bytes)
{
    c->stats->dma_refused++;
    card_event(c->card, (CardEvent){
                            .kind = CARD_EV_DMA_REFUSED,
                            .fn = c->config.fn,
                            .a = addr,
                            .b = bytes,
                        });
}

/* Section 9.5: the controller cannot go on; the host has to reset it. */
void nvme_fatal(NvmeCtrl *c)
{
    if (!(c->csts & NVME_CSTS_CFS)) {
        nvme_guest_error(c, CARD_GUEST_FATAL, 0, 0);
        c->csts |= NVME_CSTS_CFS;
    }
}

/* ---- asynchronous events ------------------------------------------------ */

void nvme_event_deliver(NvmeCtrl *c)
{
    for (unsigned i = 0; i < c->n_events && c->n_aer;) {
        NvmeEvent e = c->event[i];
        NvmeSlot *s = &c->slot[c->aer[0]];

        if (c->event_masked >> e.type & 1) {
            i++;
            continue;
        }
        c->n_events--;
        memmove(&c->event[i], &c->event[i + 1], (c->n_events - i) * sizeof(e));
        c->n_aer--;
        memmove(&c->aer[0], &c->aer[1], c->n_aer * sizeof(c->aer[0]));
        c->event_masked |= 1u << e.type;
        /* Section 5.2: the result */
        s->result = e.type | e.info << 8 | (uint32_t)e.page << 16;
        nvme_complete(c, s, 0);
    }
}

void nvme_event_post(NvmeCtrl *c, uint8_t type, uint8_t info, uint8_t page)
{
    for (unsigned i = 0; i < c->n_events; i++) {
        if (c->event[i].type == type && c->event[i].info == info) {
            return;
        }
    }
    if (c->n_events == NVME_EVENTS) {
        return;
    }
    c->event[c->n_events++] = (NvmeEvent){ type, info, page };
    nvme_event_deliver(c);
}

/* The log page of events of @type was read without Retain Asynchronous Event:
 * that also clears what waits of the same type. */
void nvme_event_unmask(NvmeCtrl *c, uint8_t type)
{
    unsigned kept = 0;

    c->event_masked &= ~(1u << type);
    for (unsigned i = 0; i < c->n_events; i++) {
        if (c->event[i].type != type) {
            c->event[kept++] = c->event[i];
        }
    }
    c->n_events = kept;
}

uint16_t nvme_aer_exec(NvmeCtrl *c, NvmeSlot *s)
{
    /* Section 5.2: more than AERL + 1 */
    if (c->n_aer == NVME_AERS) {
        return NVME_AER_LIMIT_EXCEEDED | NVME_STATUS_DNR;
    }
    s->stage = NVME_AER_WAIT;
    c->aer[c->n_aer++] = nvme_slot_index(c, s);
    nvme_event_deliver(c);
    return NVME_PENDING;
}

/* Section 5.14.1.2, bit 1: temperature at or beyond a threshold */
uint8_t nvme_critical_warning(const NvmeCtrl *c)
{
    bool outside = NVME_TEMPERATURE_K >= c->features.temp_over ||
                   NVME_TEMPERATURE_K <= c->features.temp_under;

    return outside ? 0x02 : 0;
}

void nvme_event_temperature(NvmeCtrl *c)
{
    if (nvme_critical_warning(c) & c->features.async_events) {
        nvme_event_post(c, NVME_AER_SMART, NVME_AER_SMART_TEMPERATURE,
                        NVME_LOG_SMART);
    }
}

void nvme_ctrl_ns_changed(NvmeCtrl *c, uint32_t nsid)
{
    c->epoch++;
    if (nsid == 0 || nsid > CARD_MAX_NSID) {
        return;
    }
    c->changed_ns |= 1u << nsid;
    /* Feature 0Bh, bit 8: Namespace Attribute Notices */
    if (c->features.async_events & 0x100 && nvme_running(c)) {
        nvme_event_post(c, NVME_AER_NOTICE, NVME_AER_NOTICE_NS_CHANGED,
                        NVME_LOG_CHANGED_NS);
    }
}

/* ---- error log ---------------------------------------------------------- */

void nvme_error_log(NvmeCtrl *c, const NvmeSlot *s, uint16_t status)
{
    NvmeErrorEntry *e = &c->error[c->error_count % NVME_ERRORS];

    *e = (NvmeErrorEntry){
        .count = ++c->error_count,
        .sq_id = s->sqid,
        .cid = s->sqe.cid,
        .status = (status | NVME_STATUS_MORE) << 1,
        .location = 0xffff, /* not tied to one field */
        .lba = s->sqid ? (uint64_t)s->sqe.cdw11 << 32 | s->sqe.cdw10 : 0,
        .nsid = s->sqe.nsid,
    };
}
