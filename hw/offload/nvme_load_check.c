/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_load_check.c: is a controller's state, as read from a stream, one
 * that this controller could have reached? NVM Express 1.4.
 *
 * Everything that is later used as an index, a length or a link is checked
 * here, so that a stream which passes cannot do harm.
 */
#include "nvme_state.h"

#include <string.h>

#define CSTS_KNOWN \
    (NVME_CSTS_RDY | NVME_CSTS_CFS | NVME_CSTS_SHST_MASK | NVME_CSTS_NSSRO)

static bool need(StateReader *r, bool ok, const char *what, unsigned i)
{
    if (!ok) {
        state_fail(r, "inconsistent %s %u", what, i);
    }
    return ok;
}

/* NEVER, or at most @longest after the state was saved */
static bool instant_ok(const NvmeCtrl *c, uint64_t ps, uint64_t longest)
{
    return ps == SEAM_NEVER ||
           (ps >= c->loaded_at_ps && ps - c->loaded_at_ps <= longest);
}

static bool check_registers(const NvmeCtrl *c, StateReader *r)
{
    bool ready = c->csts & NVME_CSTS_RDY;
    bool ok = !(c->csts & ~CSTS_KNOWN) && !(c->cc & ~NVME_CC_WRITABLE) &&
              !(c->aqa & ~0x0fff0fffu) && !(c->asq & 0xfff) &&
              !(c->acq & 0xfff) && !(c->intx && c->msix);

    ok = ok && c->sq[0].exists == ready && c->cq[0].exists == ready;
    if (ready) {
        ok = ok && c->cc & NVME_CC_EN && NVME_CC_MPS(c->cc) <= NVME_MPSMAX;
    }
    if (c->dbbuf) {
        ok = ok && ready && !c->config.no_shadow_doorbells &&
             !((c->shadow_addr | c->event_addr) & 0xfff);
    }
    ok = ok && instant_ok(c, c->retry_ps, NVME_RETRY_PS) &&
         c->features.timestamp_ps <= c->loaded_at_ps;
    return need(r, ok, "registers", 0);
}

static bool check_shadow(const NvmeCtrl *c, const NvmeShadowState *st,
                         bool exists, unsigned qid)
{
    if (st->state == NVME_SHADOW_IDLE) {
        return !st->unsent && !st->again;
    }
    return exists && qid && c->dbbuf;
}

static bool size_ok(uint32_t size, unsigned qid)
{
    return size >= 2 && size <= (qid ? NVME_MAX_ENTRIES : 4096);
}

static bool check_sq(const NvmeCtrl *c, unsigned i)
{
    const NvmeSq *sq = &c->sq[i];
    bool ok = check_shadow(c, &sq->shadow, sq->exists, i);

    if (!sq->exists) {
        return ok;
    }
    ok = ok && size_ok(sq->size, i) && sq->head < sq->size &&
         sq->tail < sq->size && !(sq->base & 0xfff);
    ok = ok && c->cq[sq->cqid].exists && (sq->cqid != 0) == (i != 0);
    if (sq->fetching) {
        return ok && !sq->deleting && sq->fetch_n &&
               sq->head + sq->fetch_n <= (int)sq->size;
    }
    return ok && !sq->fetch_n && !sq->unsent && !(sq->deleting && i == 0);
}

static unsigned distance(const NvmeCq *cq, unsigned from, unsigned to)
{
    return to >= from ? to - from : to + cq->size - from;
}

static bool check_cq(const NvmeCtrl *c, unsigned i)
{
    const NvmeCq *cq = &c->cq[i];
    bool ok = check_shadow(c, &cq->shadow, cq->exists, i);

    if (!cq->exists) {
        return ok && cq->wait_head == NVME_NONE;
    }
    ok = ok && size_ok(cq->size, i) && cq->head < cq->size &&
         cq->tail < cq->size && cq->visible < cq->size && !(cq->base & 0xfff) &&
         !(i == 0 && cq->vector);
    return ok &&
           distance(cq, cq->head, cq->visible) <=
               distance(cq, cq->head, cq->tail) &&
           (cq->wait_head == NVME_NONE || nvme_cq_full(cq));
}

/* Entries being written lie between what is visible and the tail, each in
 * its own place, and the first of these places is one of them. */
static bool check_entries(NvmeCtrl *c, unsigned qid)
{
    NvmeCq *cq = &c->cq[qid];
    g_autofree bool *taken = NULL;
    unsigned window, n = 0;

    if (!cq->exists) {
        return true;
    }
    window = distance(cq, cq->visible, cq->tail);
    taken = g_new0(bool, cq->size);
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        const NvmeSlot *s = &c->slot[i];

        if (s->stage != NVME_CQE || c->sq[s->sqid].cqid != qid) {
            continue;
        }
        if (s->cq_index >= cq->size || taken[s->cq_index] ||
            distance(cq, cq->visible, s->cq_index) >= window) {
            return false;
        }
        taken[s->cq_index] = true;
        n++;
    }
    cq->ahead = window - n;
    return !window || taken[cq->visible];
}

static bool check_slot(const NvmeCtrl *c, unsigned i)
{
    const NvmeSlot *s = &c->slot[i];
    bool has_op = s->stage == NVME_PARSE || s->stage == NVME_LIST ||
                  s->stage == NVME_DATA_IN || s->stage == NVME_DATA_OUT ||
                  s->stage == NVME_CQE;
    bool listed = s->stage == NVME_CQ_WAIT || s->stage == NVME_AER_WAIT;

    if (s->stage == NVME_FREE) {
        return true;
    }
    if ((s->unsent && !has_op) || s->fetch_ps > c->loaded_at_ps) {
        return false;
    }
    if (s->internal) {
        return i >= NVME_IO_SLOTS && s->stage == NVME_CARD && s->sqid == 0 &&
               c->sq[0].exists;
    }
    return c->sq[s->sqid].exists && (s->sqid == 0) == (i >= NVME_IO_SLOTS) &&
           (s->hash_next == 1) == listed;
}

static bool check_vector(const NvmeCtrl *c, unsigned i)
{
    const NvmeVector *v = &c->vector[i];

    if (i >= c->config.msix_vectors) {
        return !v->in_flight && !v->unsent && v->deadline_ps == SEAM_NEVER;
    }
    return (v->in_flight || !v->unsent) &&
           instant_ok(c, v->deadline_ps, 0xff * NVME_COALESCE_PS);
}

/* Writes on their way were made one after the other. */
static bool check_doorbells(const NvmeCtrl *c)
{
    for (unsigned i = 0; i < NVME_DOORBELLS; i++) {
        const NvmeDoorbell *d = &c->doorbell[i];

        if (d->used && d->order >= c->next_order) {
            return false;
        }
        for (unsigned j = 0; d->used && j < i; j++) {
            if (c->doorbell[j].used && c->doorbell[j].order == d->order) {
                return false;
            }
        }
    }
    return c->next_order < UINT64_MAX / 2;
}

/* Slots that fetches under way will need are free. */
static bool check_reserved(const NvmeCtrl *c)
{
    unsigned io = 0, admin = c->sq[0].fetch_n;

    for (unsigned i = 1; i < NVME_QUEUES; i++) {
        io += c->sq[i].fetch_n;
    }
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        *(i < NVME_IO_SLOTS ? &io : &admin) += c->slot[i].stage != NVME_FREE;
    }
    return io <= NVME_IO_SLOTS && admin <= NVME_ADMIN_SLOTS;
}

/* Every queue that is being deleted has one command that does so. */
static bool check_deletions(const NvmeCtrl *c)
{
    unsigned deleters[NVME_QUEUES] = { 0 };

    for (unsigned i = NVME_IO_SLOTS; i < NVME_SLOTS; i++) {
        const NvmeSlot *s = &c->slot[i];
        unsigned qid = s->sqe.cdw10 & 0xffff;

        if (s->stage == NVME_DRAIN && s->sqe.opcode == NVME_ADM_DELETE_SQ) {
            if (qid >= NVME_QUEUES) {
                return false;
            }
            deleters[qid]++;
        }
    }
    for (unsigned i = 0; i < NVME_QUEUES; i++) {
        if (deleters[i] != c->sq[i].deleting) {
            return false;
        }
    }
    return true;
}

/* No namespace is being formatted twice. */
static bool check_formats(const NvmeCtrl *c)
{
    uint32_t all = 0;

    for (unsigned i = NVME_IO_SLOTS; i < NVME_SLOTS; i++) {
        uint32_t mask = nvme_formats(&c->slot[i]);

        if (all & mask) {
            return false;
        }
        all |= mask;
    }
    return true;
}

bool nvme_load_check(NvmeCtrl *c, StateReader *r)
{
    bool ok = check_registers(c, r);

    for (unsigned i = 0; i < NVME_QUEUES && ok; i++) {
        ok = need(r, check_sq(c, i), "submission queue", i) &&
             need(r, check_cq(c, i), "completion queue", i);
    }
    for (unsigned i = 0; i < NVME_SLOTS && ok; i++) {
        ok = need(r, check_slot(c, i), "slot", i);
    }
    for (unsigned i = 0; i < NVME_QUEUES && ok; i++) {
        ok = need(r, check_entries(c, i), "completion entries of queue", i);
    }
    for (unsigned i = 0; i < NVME_MAX_VECTORS && ok; i++) {
        ok = need(r, check_vector(c, i), "vector", i);
    }
    return ok && need(r, check_doorbells(c), "doorbells", 0) &&
           need(r, check_reserved(c), "reserved slots", 0) &&
           need(r, check_deletions(c), "queue deletion", 0) &&
           need(r, check_formats(c), "format", 0);
}

/* ---- commands ----------------------------------------------------------- */

/* What the command's check had set s->bytes to; false: it would have refused
 * the command. */
static bool expected_bytes(const NvmeSlot *s, uint32_t *ret)
{
    uint64_t blocks = (s->sqe.cdw12 & 0xffff) + 1;

    *ret = 0;
    if (s->sqid) {
        switch (s->sqe.opcode) {
        case NVME_IO_READ:
        case NVME_IO_WRITE:
        case NVME_IO_COMPARE:
            *ret = blocks * s->block_bytes;
            break;
        case NVME_IO_DSM:
            *ret = ((s->sqe.cdw10 & 0xff) + 1) * sizeof(NvmeDsmRange);
            break;
        default:
            break;
        }
        return true;
    }
    switch (s->sqe.opcode) {
    case NVME_ADM_IDENTIFY:
        *ret = 4096;
        return true;
    case NVME_ADM_GET_LOG:
        return nvme_log_bytes(s, ret);
    case NVME_ADM_SET_FEATURES:
    case NVME_ADM_GET_FEATURES:
        return nvme_feature_bytes(s, ret);
    default:
        return true;
    }
}

static bool runs_ok(const NvmeSlot *s, const NvmeCommand *row)
{
    uint64_t sum = 0, host = 0;

    for (uint32_t i = 0; i < s->n_runs; i++) {
        sum += s->runs[i].len;
        host += s->runs[i].bucket ? 0 : s->runs[i].len;
        if (s->runs[i].bucket && row->flags & NVME_CMD_IN) {
            return false;
        }
    }
    if (s->stage == NVME_LIST) {
        return sum == s->walk.mapped && sum <= s->bytes;
    }
    if ((s->stage == NVME_DATA_IN || s->stage == NVME_DATA_OUT) && !host) {
        return false;
    }
    return sum == s->bytes;
}

static bool walk_ok(const NvmeCtrl *c, const NvmeSlot *s)
{
    const NvmeWalk *w = &s->walk;
    unsigned entry = w->sgl ? sizeof(NvmeSgl) : 8;

    return w->bytes && w->bytes <= NVME_LIST_BYTES && w->bytes % entry == 0 &&
           w->left % entry == 0 && w->lists <= NVME_MAX_LISTS &&
           w->descriptors <= NVME_MAX_SGL && !(w->sgl && s->sqid == 0);
}

static bool stage_ok(const NvmeCtrl *c, const NvmeSlot *s,
                     const NvmeCommand *row)
{
    bool in = row->flags & NVME_CMD_IN, out = row->flags & NVME_CMD_OUT;
    bool format = s->sqid == 0 && s->sqe.opcode == NVME_ADM_FORMAT;

    switch (s->stage) {
    case NVME_LIST:
        return s->bytes && !s->landed && walk_ok(c, s);
    case NVME_ADMIT:
        return row->flags & NVME_CMD_ADMIT && (in || !s->landed);
    case NVME_DATA_IN:
        return in && s->bytes && !s->landed;
    case NVME_CARD:
        return s->landed == (in && s->bytes) &&
               (s->sqid || (format && s->step == 1));
    case NVME_DATA_OUT:
        return out && s->bytes;
    case NVME_DRAIN:
        return s->step == 1 &&
               (format ||
                (s->sqid == 0 && s->sqe.opcode == NVME_ADM_DELETE_SQ));
    default:
        return s->sqid == 0 && s->sqe.opcode == NVME_ADM_ASYNC_EVENT;
    }
}

static bool block_size_ok(const NvmeSlot *s, const NvmeCommand *row)
{
    bool known = s->block_bytes == 512 || s->block_bytes == 4096;

    return row->flags & NVME_CMD_NS ? known : s->block_bytes == 0;
}

/* The buffer that the command had at this stage; what landed is kept. */
static void buffer(NvmeSlot *s)
{
    uint32_t want = nvme_buffer_bytes(s);

    if (s->buf_bytes < want) {
        s->buf = g_realloc(s->buf, want);
        memset(s->buf + s->buf_bytes, 0, want - s->buf_bytes);
        s->buf_bytes = want;
    }
}

bool nvme_load_io(NvmeCtrl *c, NvmeSlot *s)
{
    const NvmeCommand *row;
    uint32_t bytes;

    s->hash_next = s->stage == NVME_FREE ? NVME_NONE : s->hash_next;
    s->io.fn = c->config.fn;
    s->io.slot = nvme_slot_index(c, s);
    if (s->stage == NVME_FREE || s->stage == NVME_PARSE ||
        s->stage == NVME_CQ_WAIT || s->stage == NVME_CQE) {
        return true;
    }
    if (s->internal) {
        s->io.op = CARD_IO_FLUSH;
        s->io.nsid = NVME_ALL_NS;
        return true;
    }
    row = nvme_command(s->sqid, s->sqe.opcode);
    if (!row || !stage_ok(c, s, row) || !expected_bytes(s, &bytes) ||
        bytes != s->bytes || !block_size_ok(s, row) || !runs_ok(s, row)) {
        return false;
    }
    if (s->sqid == 0) {
        return s->sqe.opcode != NVME_ADM_FORMAT || nvme_format_io(s);
    }
    if (s->io.nsid != s->sqe.nsid) {
        return false;
    }
    if (s->stage == NVME_CARD || (s->stage == NVME_ADMIT && s->landed)) {
        buffer(s);
    }
    return nvme_io_restore(s);
}
