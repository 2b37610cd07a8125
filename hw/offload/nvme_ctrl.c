/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_ctrl.c: an NVMe controller as a whole: birth, enabling, shutdown,
 * resets, and the way model operations go out and come back. NVM Express 1.4,
 * sections 3.1.5, 3.1.6, 7.3 and 7.6.
 *
 * Not modelled: the time that enabling takes; several controllers in one NVM
 * subsystem (each is its own).
 */
#include "nvme_int.h"

#include <string.h>

/* Addresses matter to the models by their alignment only; a guest may give
 * one that wraps. */
static uint64_t model_addr(uint64_t addr, uint32_t bytes)
{
    return addr > UINT64_MAX - bytes ? addr & 0xffff : addr;
}

void nvme_unsend(NvmeCtrl *c, bool *unsent)
{
    if (*unsent) {
        *unsent = false;
        c->n_unsent--;
    }
}

void nvme_submit(NvmeCtrl *c, bool *unsent, ModelOpKind kind, unsigned stage,
                 unsigned index, unsigned gen, uint64_t addr, uint32_t bytes)
{
    ModelOp op = {
        .tag = seam_tag(SEAM_OWNER_CTRL, c->config.fn, stage, index, gen),
        .addr = model_addr(addr, bytes),
        .bytes = bytes,
        .fn = c->config.fn,
        .kind = kind,
    };

    nvme_unsend(c, unsent);
    if (!c->seam->model_submit(c->seam_opaque, &op)) {
        *unsent = true;
        c->n_unsent++;
        c->retry_ps = nvme_now(c) + NVME_RETRY_PS;
        nvme_timer_arm(c);
    }
}

/* Submits again what the models had no room for. */
void nvme_retry(NvmeCtrl *c)
{
    for (unsigned i = 0; i < NVME_DOORBELLS && c->n_unsent; i++) {
        if (c->doorbell[i].unsent) {
            nvme_doorbell_submit(c, i);
        }
    }
    for (unsigned i = 0; i < NVME_QUEUES && c->n_unsent; i++) {
        if (c->sq[i].unsent) {
            nvme_sq_fetch_submit(c, i);
        }
        if (c->sq[i].shadow.unsent) {
            nvme_shadow_submit(c, i, false);
        }
        if (c->cq[i].shadow.unsent) {
            nvme_shadow_submit(c, i, true);
        }
    }
    for (unsigned i = 0; i < NVME_SLOTS && c->n_unsent; i++) {
        if (c->slot[i].unsent) {
            nvme_cmd_resend(c, &c->slot[i]);
        }
    }
    for (unsigned i = 0; i < c->config.msix_vectors && c->n_unsent; i++) {
        if (c->vector[i].unsent) {
            nvme_irq_submit(c, i);
        }
    }
}

static void shadow_model_done(NvmeCtrl *c, unsigned op, unsigned i,
                              unsigned gen)
{
    bool is_cq = op == NVME_OP_CQ_EVENT || op == NVME_OP_CQ_SHADOW;
    bool event = op == NVME_OP_CQ_EVENT || op == NVME_OP_SQ_EVENT;
    const NvmeShadowState *st;

    if (i >= NVME_QUEUES) {
        return;
    }
    st = is_cq ? &c->cq[i].shadow : &c->sq[i].shadow;
    if (st->gen == gen && !st->unsent &&
        st->state == (event ? NVME_SHADOW_EVENT : NVME_SHADOW_READ)) {
        nvme_shadow_done(c, i, is_cq);
    }
}

/* An answer to what was never sent (a damaged stream) is none. */
void nvme_ctrl_model_done(NvmeCtrl *c, uint64_t tag, uint64_t at_ps)
{
    unsigned op = seam_tag_stage(tag);
    unsigned i = seam_tag_index(tag);
    unsigned gen = seam_tag_generation(tag);

    if (op >= NVME_OP_SLOT) {
        if (i < NVME_SLOTS && c->slot[i].gen == gen && !c->slot[i].unsent &&
            c->slot[i].stage == op - NVME_OP_SLOT) {
            nvme_cmd_model_done(c, &c->slot[i]);
        }
        return;
    }
    switch (op) {
    case NVME_OP_DOORBELL:
        if (i < NVME_DOORBELLS && c->doorbell[i].used &&
            c->doorbell[i].gen == gen && !c->doorbell[i].unsent) {
            nvme_doorbell_done(c, i);
        }
        break;
    case NVME_OP_FETCH:
        if (i < NVME_QUEUES && c->sq[i].fetching && c->sq[i].gen == gen &&
            !c->sq[i].unsent) {
            nvme_fetch_done(c, i);
        }
        break;
    case NVME_OP_IRQ:
        if (i < c->config.msix_vectors && c->vector[i].in_flight &&
            c->vector[i].gen == gen && !c->vector[i].unsent) {
            nvme_irq_done(c, i);
        }
        break;
    default:
        shadow_model_done(c, op, i, gen);
        break;
    }
}

/* ---- reset -------------------------------------------------------------- */

static void reset_slots(NvmeCtrl *c)
{
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        NvmeSlot *s = &c->slot[i];

        if (s->stage != NVME_FREE) {
            s->gen++;
            s->unsent = false;
            nvme_slot_free(c, s);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(c->cid_hash); i++) {
        c->cid_hash[i] = NVME_NONE;
    }
}

static void reset_queues(NvmeCtrl *c)
{
    for (unsigned i = 0; i < NVME_QUEUES; i++) {
        c->sq[i] = (NvmeSq){
            .gen = c->sq[i].gen + 1,
            .shadow.gen = c->sq[i].shadow.gen + 1,
        };
        c->cq[i] = (NvmeCq){
            .wait_head = NVME_NONE,
            .shadow.gen = c->cq[i].shadow.gen + 1,
        };
    }
    for (unsigned i = 0; i < NVME_MAX_VECTORS; i++) {
        c->vector[i] = (NvmeVector){
            .gen = c->vector[i].gen + 1,
            .deadline_ps = SEAM_NEVER,
        };
    }
    for (unsigned i = 0; i < NVME_DOORBELLS; i++) {
        c->doorbell[i] = (NvmeDoorbell){ .gen = c->doorbell[i].gen + 1 };
    }
    c->n_doorbells = 0;
    c->ready_io = 0;
    c->ready_admin = false;
    c->next_sq = 0;
    c->reserved_io = c->reserved_admin = 0;
    c->n_aer = c->n_drain = 0;
    c->n_unsent = 0;
}

/* Everything a controller level reset makes new, section 7.3.2. */
static void reset_state(NvmeCtrl *c)
{
    reset_slots(c);
    reset_queues(c);
    c->n_events = 0;
    c->event_masked = 0;
    c->formatting = 0;
    c->intms = 0;
    c->cc = 0;
    c->csts &= NVME_CSTS_NSSRO;
    c->dbbuf = false;
    c->shadow_addr = c->event_addr = 0;
    c->page_bits = 12;
    c->retry_ps = SEAM_NEVER;
    nvme_features_reset(c);
    nvme_timer_arm(c);
    nvme_irq_level(c);
}

void nvme_ctrl_reset(NvmeCtrl *c, CardResetKind kind)
{
    card_io_cancel_all(c->card, c->config.fn);
    c->seam->model_cancel(c->seam_opaque, c->config.fn);
    reset_state(c);
    if (kind != CARD_RESET_CONTROLLER) {
        c->aqa = 0;
        c->asq = c->acq = 0;
    }
    if (kind == CARD_RESET_FUNCTION) {
        c->csts = 0;
    } else if (kind == CARD_RESET_SUBSYSTEM) {
        c->csts = NVME_CSTS_NSSRO;
    }
    c->stats->resets++;
    card_event(c->card, (CardEvent){
                            .kind = CARD_EV_RESET,
                            .fn = c->config.fn,
                            .a = kind,
                        });
    card_progress(c->card);
}

/* ---- enable and shutdown ------------------------------------------------ */

static bool can_enable(const NvmeCtrl *c)
{
    uint64_t page = 1ull << (12 + NVME_CC_MPS(c->cc));

    /* Section 3.1.5: NVM command set, MPS within CAP, round robin. Section
     * 3.1.8: admin queues of 2 to 4096 entries, page aligned. */
    return NVME_CC_CSS(c->cc) == 0 && NVME_CC_AMS(c->cc) == 0 &&
           NVME_CC_MPS(c->cc) <= NVME_MPSMAX && !(c->asq & (page - 1)) &&
           !(c->acq & (page - 1)) && (c->aqa & 0xfff) && (c->aqa >> 16 & 0xfff);
}

/* CC.EN was set. */
void nvme_enable(NvmeCtrl *c)
{
    card_event(c->card, (CardEvent){
                            .kind = CARD_EV_ENABLE,
                            .fn = c->config.fn,
                            .a = c->cc,
                        });
    if (!can_enable(c)) {
        nvme_fatal(c);
        return;
    }
    c->page_bits = 12 + NVME_CC_MPS(c->cc);
    c->cq[0].exists = true;
    c->cq[0].irq_enabled = true;
    c->cq[0].phase = true;
    c->cq[0].size = (c->aqa >> 16 & 0xfff) + 1;
    c->cq[0].base = c->acq;
    c->cq[0].n_sqs = 1;
    c->sq[0].exists = true;
    c->sq[0].size = (c->aqa & 0xfff) + 1;
    c->sq[0].base = c->asq;
    c->csts &= ~NVME_CSTS_SHST_MASK;
    c->csts |= NVME_CSTS_RDY;
}

static void shutdown_complete(NvmeCtrl *c)
{
    c->csts &= ~NVME_CSTS_SHST_MASK;
    c->csts |= NVME_CSTS_SHST_COMPLETE;
}

/* CC.SHN, section 7.6.2: what is in volatile caches becomes durable first. */
void nvme_shutdown(NvmeCtrl *c)
{
    NvmeSlot *s = nvme_running(c) ? nvme_slot_alloc(c, true) : NULL;

    c->csts &= ~NVME_CSTS_SHST_MASK;
    if (!s) {
        shutdown_complete(c);
        return;
    }
    c->csts |= NVME_CSTS_SHST_OCCURRING;
    s->internal = true;
    s->sqid = 0;
    s->sqe = (NvmeSqe){ 0 };
    s->stage = NVME_CARD;
    s->io = (CardIo){
        .fn = c->config.fn,
        .slot = nvme_slot_index(c, s),
        .op = CARD_IO_FLUSH,
        .nsid = NVME_ALL_NS,
    };
    card_io_start(c->card, &s->io);
}

void nvme_shutdown_done(NvmeCtrl *c, NvmeSlot *s)
{
    nvme_slot_free(c, s);
    shutdown_complete(c);
    if (nvme_ctrl_idle(c)) {
        card_progress(c->card);
    }
}

/* ---- life --------------------------------------------------------------- */

NvmeCtrl *nvme_ctrl_new(Card *card, const NvmeCtrlConfig *config)
{
    NvmeCtrl *c = g_new0(NvmeCtrl, 1);

    c->card = card;
    c->seam = card_seam(card);
    c->seam_opaque = card_seam_opaque(card);
    c->stats = card_if_stats(card, config->fn);
    c->config = *config;
    c->config.max_queues = CLAMP(config->max_queues, 1, NVME_QUEUES - 1);
    c->config.msix_vectors = CLAMP(config->msix_vectors, 1, NVME_MAX_VECTORS);
    c->msix = true;
    c->timer_ps = SEAM_NEVER;
    memset(c->free_slots, 0xff, sizeof(c->free_slots));
    reset_state(c);
    return c;
}

void nvme_ctrl_free(NvmeCtrl *c)
{
    if (!c) {
        return;
    }
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        g_free(c->slot[i].buf);
        g_free(c->slot[i].runs);
    }
    g_free(c);
}

bool nvme_ctrl_idle(const NvmeCtrl *c)
{
    return !c->used_io && !c->reserved_io && !c->reserved_admin &&
           c->used_admin == c->n_aer;
}

void nvme_ctrl_resume(NvmeCtrl *c)
{
    nvme_kick(c);
}
