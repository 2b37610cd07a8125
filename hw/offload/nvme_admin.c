/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_admin.c: the admin command table, queue management, Abort, Doorbell
 * Buffer Config and Format NVM. NVM Express 1.4, section 5.
 *
 * Not modelled: namespace management, firmware commit and download, self
 * test, directives, sanitize, security send and receive, Keep Alive.
 */
#include "nvme_int.h"

#define DNR(status) ((uint16_t)((status) | NVME_STATUS_DNR))

/* ---- queues, sections 5.3 to 5.6 ---------------------------------------- */

static bool qid_valid(unsigned qid)
{
    return qid && qid < NVME_QUEUES;
}

static uint16_t queue_memory(NvmeCtrl *c, const NvmeSlot *s)
{
    /* CAP.CQR: queues are physically contiguous. */
    if (!(s->sqe.cdw11 & 1)) {
        return DNR(NVME_INVALID_FIELD);
    }
    if (s->sqe.prp1 & ((1ull << c->page_bits) - 1)) {
        return DNR(NVME_PRP_OFFSET_INVALID);
    }
    return 0;
}

/* QSIZE is 0's based; also refused: before CC says the entries' size. */
static bool queue_size_valid(uint32_t cdw10, unsigned entry, unsigned log2)
{
    return (cdw10 >> 16) && (cdw10 >> 16) < NVME_MAX_ENTRIES && entry == log2;
}

static uint16_t create_cq(NvmeCtrl *c, NvmeSlot *s)
{
    unsigned qid = s->sqe.cdw10 & 0xffff, vector = s->sqe.cdw11 >> 16;
    NvmeCq *cq;
    uint16_t st;

    if (!qid_valid(qid) || qid > c->features.n_cqs || c->cq[qid].exists) {
        return DNR(NVME_INVALID_QID);
    }
    if (!queue_size_valid(s->sqe.cdw10, NVME_CC_IOCQES(c->cc), 4)) {
        return DNR(NVME_INVALID_QUEUE_SIZE);
    }
    st = queue_memory(c, s);
    if (st) {
        return st;
    }
    if (vector >= c->config.msix_vectors || (vector && !c->msix)) {
        return DNR(NVME_INVALID_VECTOR);
    }
    cq = &c->cq[qid];
    *cq = (NvmeCq){
        .exists = true,
        .irq_enabled = s->sqe.cdw11 >> 1 & 1,
        .phase = true,
        .vector = vector,
        .wait_head = NVME_NONE,
        .size = (s->sqe.cdw10 >> 16) + 1,
        .base = s->sqe.prp1,
        .shadow = { .gen = cq->shadow.gen, .event = NVME_NONE },
    };
    return 0;
}

static uint16_t create_sq(NvmeCtrl *c, NvmeSlot *s)
{
    unsigned qid = s->sqe.cdw10 & 0xffff, cqid = s->sqe.cdw11 >> 16;
    NvmeSq *sq;
    uint16_t st;

    if (!cqid || !qid_valid(qid) || qid > c->features.n_sqs ||
        c->sq[qid].exists) {
        return DNR(NVME_INVALID_QID);
    }
    if (!qid_valid(cqid) || !c->cq[cqid].exists) {
        return DNR(NVME_CQ_INVALID);
    }
    if (!queue_size_valid(s->sqe.cdw10, NVME_CC_IOSQES(c->cc), 6)) {
        return DNR(NVME_INVALID_QUEUE_SIZE);
    }
    st = queue_memory(c, s);
    if (st) {
        return st;
    }
    sq = &c->sq[qid];
    *sq = (NvmeSq){
        .exists = true,
        .gen = sq->gen,
        .cqid = cqid,
        .size = (s->sqe.cdw10 >> 16) + 1,
        .base = s->sqe.prp1,
        .shadow = { .gen = sq->shadow.gen, .event = NVME_NONE },
    };
    c->cq[cqid].n_sqs++;
    if (c->dbbuf) {
        nvme_shadow_start(c, qid, false, true);
    }
    return 0;
}

static uint16_t delete_cq(NvmeCtrl *c, NvmeSlot *s)
{
    unsigned qid = s->sqe.cdw10 & 0xffff;
    NvmeCq *cq = &c->cq[qid_valid(qid) ? qid : 0];

    if (!qid_valid(qid) || !cq->exists) {
        return DNR(NVME_INVALID_QID);
    }
    /* Section 5.5: its submission queues go first. */
    if (cq->n_sqs) {
        return DNR(NVME_INVALID_QUEUE_DELETION);
    }
    nvme_unsend(c, &cq->shadow.unsent);
    *cq = (NvmeCq){
        .wait_head = NVME_NONE,
        .shadow.gen = cq->shadow.gen + 1,
    };
    nvme_irq_level(c);
    return 0;
}

/* Completions of @qid that found no room are dropped. */
static void drop_waiting(NvmeCtrl *c, unsigned qid)
{
    NvmeCq *cq = &c->cq[c->sq[qid].cqid];
    uint16_t i = cq->wait_head;

    cq->wait_head = NVME_NONE;
    while (i != NVME_NONE) {
        NvmeSlot *s = &c->slot[i];
        uint16_t next = s->next;

        s->next = NVME_NONE;
        if (s->sqid == qid) {
            c->sq[qid].in_flight--;
            nvme_slot_free(c, s);
        } else if (cq->wait_head == NVME_NONE) {
            cq->wait_head = cq->wait_tail = i;
        } else {
            c->slot[cq->wait_tail].next = i;
            cq->wait_tail = i;
        }
        i = next;
    }
}

static void abort_all(NvmeCtrl *c, unsigned qid)
{
    drop_waiting(c, qid);
    for (unsigned i = 0; i < NVME_IO_SLOTS; i++) {
        NvmeSlot *s = &c->slot[i];

        if (s->sqid == qid && nvme_cmd_abortable(s)) {
            nvme_cmd_forget(c, s);
            nvme_complete(c, s, NVME_ABORTED_SQ_DELETED);
        }
    }
}

/* Called again when a command has ended; s->step: already begun. */
static uint16_t delete_sq(NvmeCtrl *c, NvmeSlot *s)
{
    unsigned qid = s->sqe.cdw10 & 0xffff;
    NvmeSq *sq = &c->sq[qid_valid(qid) ? qid : 0];

    if (!s->step) {
        if (!qid_valid(qid) || !sq->exists || sq->deleting) {
            return DNR(NVME_INVALID_QID);
        }
        s->step = 1;
        nvme_sq_stop(c, qid);
        abort_all(c, qid);
    }
    if (sq->in_flight) {
        s->stage = NVME_DRAIN;
        c->n_drain++;
        return NVME_PENDING;
    }
    nvme_sq_remove(c, qid);
    return 0;
}

/* ---- Abort, section 5.1 ------------------------------------------------- */

static bool abort_aer(NvmeCtrl *c, NvmeSlot *t)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < c->n_aer; i++) {
        if (&c->slot[c->aer[i]] != t) {
            c->aer[kept++] = c->aer[i];
        }
    }
    c->n_aer = kept;
    return true;
}

/* Abort commands that came before @s and have not completed */
static unsigned aborts_before(const NvmeCtrl *c, const NvmeSlot *s)
{
    unsigned n = 0;

    for (unsigned i = NVME_IO_SLOTS; i < NVME_SLOTS; i++) {
        const NvmeSlot *o = &c->slot[i];

        n += o->stage != NVME_FREE && !o->internal &&
             o->sqe.opcode == NVME_ADM_ABORT &&
             (o->fetch_ps < s->fetch_ps ||
              (o->fetch_ps == s->fetch_ps && o < s));
    }
    return n;
}

static uint16_t abort_exec(NvmeCtrl *c, NvmeSlot *s)
{
    NvmeSlot *t = nvme_slot_find(c, s->sqe.cdw10 & 0xffff, s->sqe.cdw10 >> 16);
    bool found = false;

    /* Section 5.15.2.2: ACL + 1 at a time */
    if (aborts_before(c, s) >= NVME_ABORTS) {
        return DNR(NVME_ABORT_LIMIT);
    }
    if (t && t->stage == NVME_AER_WAIT) {
        found = abort_aer(c, t);
    } else if (t && t->sqid && nvme_cmd_abortable(t)) {
        nvme_cmd_forget(c, t);
        found = true;
    }
    if (found) {
        nvme_complete(c, t, NVME_ABORT_REQUESTED);
    }
    /* Bit 0: 1 = not aborted */
    s->result = !found;
    return 0;
}

/* ---- Doorbell Buffer Config, section 5.7 -------------------------------- */

static uint16_t dbbuf_exec(NvmeCtrl *c, NvmeSlot *s)
{
    uint64_t in_page = (1ull << c->page_bits) - 1;

    if (c->config.no_shadow_doorbells) {
        return DNR(NVME_INVALID_OPCODE);
    }
    if (!s->sqe.prp1 || !s->sqe.prp2 || (s->sqe.prp1 | s->sqe.prp2) & in_page) {
        return DNR(NVME_INVALID_FIELD);
    }
    c->shadow_addr = s->sqe.prp1;
    c->event_addr = s->sqe.prp2;
    c->dbbuf = true;
    for (unsigned i = 1; i < NVME_QUEUES; i++) {
        c->sq[i].shadow.event = NVME_NONE;
        c->cq[i].shadow.event = NVME_NONE;
        if (c->sq[i].exists) {
            nvme_shadow_start(c, i, false, true);
        }
    }
    return 0;
}

/* ---- Format NVM, section 5.23 ------------------------------------------- */

static uint32_t format_mask(const NvmeSlot *s)
{
    return s->sqe.nsid == NVME_ALL_NS ? ~1u : 1u << (s->sqe.nsid & 31);
}

/* The namespaces that @s is formatting or about to. */
uint32_t nvme_formats(const NvmeSlot *s)
{
    bool begun = s->stage == NVME_DRAIN || s->stage == NVME_CARD;

    return begun && !s->internal && s->sqid == 0 &&
                   s->sqe.opcode == NVME_ADM_FORMAT
               ? format_mask(s)
               : 0;
}

/* After a load: what it has asked of the card. */
bool nvme_format_io(NvmeSlot *s)
{
    s->io.op = CARD_IO_FORMAT;
    s->io.lba_format = s->sqe.cdw10 & 0xf;
    s->io.secure_erase = s->sqe.cdw10 >> 9 & 7;
    if (s->io.lba_format > 1 || s->io.secure_erase > 2) {
        return false;
    }
    /* While it waits for I/O to end it has asked nothing. */
    return s->stage != NVME_CARD ||
           (s->io.nsid && s->io.nsid <= CARD_MAX_NSID &&
            (s->sqe.nsid == NVME_ALL_NS || s->sqe.nsid == s->io.nsid));
}

static uint16_t format_check(NvmeCtrl *c, NvmeSlot *s)
{
    uint32_t cdw10 = s->sqe.cdw10;
    CardNsInfo info;

    s->io.op = CARD_IO_FORMAT;
    s->io.lba_format = cdw10 & 0xf;
    s->io.secure_erase = cdw10 >> 9 & 7;
    if (s->sqe.nsid != NVME_ALL_NS) {
        uint16_t st = nvme_ns(c, s->sqe.nsid, &info);

        if (st) {
            return st;
        }
    }
    /* Two formats, no protection information */
    if (s->io.lba_format > 1 || cdw10 >> 5 & 7) {
        return DNR(NVME_INVALID_FORMAT);
    }
    if (s->io.secure_erase > 2) {
        return DNR(NVME_INVALID_FIELD);
    }
    return 0;
}

static bool ns_busy(const NvmeCtrl *c, uint32_t mask)
{
    for (unsigned i = 0; i < NVME_IO_SLOTS; i++) {
        const NvmeSlot *s = &c->slot[i];

        if (s->stage >= NVME_PARSE && s->stage <= NVME_DATA_OUT &&
            nvme_ns_in(mask, s->sqe.nsid)) {
            return true;
        }
    }
    return false;
}

static uint16_t format_end(NvmeCtrl *c, NvmeSlot *s, uint16_t status)
{
    if (status != NVME_PENDING) {
        c->formatting &= ~format_mask(s);
        c->epoch++;
    }
    return status;
}

/* The next namespace after s->io.nsid when all are formatted. */
static uint16_t format_next(NvmeCtrl *c, NvmeSlot *s, uint32_t after)
{
    uint32_t nsid = s->sqe.nsid;
    uint16_t st;

    if (nsid == NVME_ALL_NS) {
        nsid = card_ns_next(c->card, c->config.fn, after);
        if (!nsid) {
            return format_end(c, s, 0);
        }
    }
    s->io.nsid = nsid;
    st = card_io_check(c->card, &s->io);
    return format_end(c, s, st ? st : nvme_card_start(c, s));
}

/* Called again while I/O on the namespace is in flight; s->step: begun. */
static uint16_t format_exec(NvmeCtrl *c, NvmeSlot *s)
{
    if (!s->step) {
        if (c->formatting & format_mask(s)) {
            return NVME_FORMAT_IN_PROGRESS;
        }
        s->step = 1;
        c->formatting |= format_mask(s);
    }
    if (ns_busy(c, format_mask(s))) {
        s->stage = NVME_DRAIN;
        c->n_drain++;
        return NVME_PENDING;
    }
    return format_next(c, s, 0);
}

static uint16_t format_done(NvmeCtrl *c, NvmeSlot *s)
{
    if (s->status || s->sqe.nsid != NVME_ALL_NS) {
        return format_end(c, s, s->status);
    }
    return format_next(c, s, s->io.nsid);
}

#define CMD NVME_CMD_SUPPORTED
#define CMD_OUT (NVME_CMD_SUPPORTED | NVME_CMD_OUT)
#define CMD_IN (NVME_CMD_SUPPORTED | NVME_CMD_IN)
#define PLAIN NVME_EFFECT_SUPPORTED
#define FORMATS                                                     \
    (NVME_EFFECT_SUPPORTED | NVME_EFFECT_CONTENT | NVME_EFFECT_NS | \
     NVME_EFFECT_EXCLUSIVE_NS)

const NvmeCommand nvme_admin_commands[256] = {
    [NVME_ADM_DELETE_SQ] = { CMD, PLAIN, NULL, delete_sq, NULL },
    [NVME_ADM_CREATE_SQ] = { CMD, PLAIN, NULL, create_sq, NULL },
    [NVME_ADM_GET_LOG] = { CMD_OUT, PLAIN, nvme_get_log_check,
                           nvme_get_log_exec, NULL },
    [NVME_ADM_DELETE_CQ] = { CMD, PLAIN, NULL, delete_cq, NULL },
    [NVME_ADM_CREATE_CQ] = { CMD, PLAIN, NULL, create_cq, NULL },
    [NVME_ADM_IDENTIFY] = { CMD_OUT, PLAIN, nvme_identify_check,
                            nvme_identify_exec, NULL },
    [NVME_ADM_ABORT] = { CMD, PLAIN, NULL, abort_exec, NULL },
    [NVME_ADM_SET_FEATURES] = { CMD_IN, PLAIN, nvme_set_feature_check,
                                nvme_set_feature_exec, NULL },
    [NVME_ADM_GET_FEATURES] = { CMD_OUT, PLAIN, nvme_get_feature_check,
                                nvme_get_feature_exec, NULL },
    [NVME_ADM_ASYNC_EVENT] = { CMD, PLAIN, NULL, nvme_aer_exec, NULL },
    [NVME_ADM_DBBUF] = { CMD, PLAIN, NULL, dbbuf_exec, NULL },
    [NVME_ADM_FORMAT] = { CMD, FORMATS, format_check, format_exec,
                          format_done },
};
