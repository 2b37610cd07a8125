/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_load.c: reads a controller's state, and starts again what was under
 * way after a move to other models. NVM Express 1.4.
 *
 * The state is read into a second controller, checked there
 * (nvme_load_check.c), completed with what can be derived, and only then
 * takes the place of the first.
 */
#include "nvme_state.h"

#include <string.h>

static void same_text(StateReader *r, const char *mine, const char *what)
{
    g_autofree char *text = state_get_string(r, 64);

    if (state_ok(r) && strcmp(text, mine)) {
        state_fail(r, "the state is of %s '%s', this is '%s'", what, text,
                   mine);
    }
}

static void get_config(const NvmeCtrl *c, StateReader *r)
{
    uint16_t fn = state_get_u16(r);
    uint16_t queues, vectors;
    bool no_shadow;

    same_text(r, c->config.serial, "serial number");
    same_text(r, c->config.model, "model");
    queues = state_get_u16(r);
    vectors = state_get_u16(r);
    no_shadow = state_get_bool(r, "no_shadow_doorbells");
    if (state_ok(r) && (fn != c->config.fn || queues != c->config.max_queues ||
                        vectors != c->config.msix_vectors ||
                        no_shadow != c->config.no_shadow_doorbells)) {
        state_fail(r,
                   "the state is of function %u with %u queues and %u "
                   "vectors, this is %u with %u and %u",
                   fn, queues, vectors, c->config.fn, c->config.max_queues,
                   c->config.msix_vectors);
    }
}

static void get_registers(NvmeCtrl *c, StateReader *r)
{
    c->loaded_at_ps = state_get_u64(r);
    c->intms = state_get_u32(r);
    c->cc = state_get_u32(r);
    c->csts = state_get_u32(r);
    c->aqa = state_get_u32(r);
    c->asq = state_get_u64(r);
    c->acq = state_get_u64(r);
    c->msix = state_get_bool(r, "msix");
    c->intx = state_get_bool(r, "intx");
    c->dbbuf = state_get_bool(r, "dbbuf");
    c->shadow_addr = state_get_u64(r);
    c->event_addr = state_get_u64(r);
    c->next_sq = state_get_u8_below(r, 64, "next_sq");
    c->retry_ps = state_get_u64(r);
}

static void get_shadow(NvmeShadowState *st, StateReader *r)
{
    st->state = state_get_u8_below(r, NVME_SHADOW_READ + 1, "shadow state");
    st->again = state_get_bool(r, "shadow again");
    st->unsent = state_get_bool(r, "shadow unsent");
    st->gen = state_get_u16(r);
    st->event = state_get_u16(r);
}

static void get_sq(NvmeSq *sq, StateReader *r)
{
    sq->exists = state_get_bool(r, "sq exists");
    sq->gen = state_get_u16(r);
    get_shadow(&sq->shadow, r);
    if (!sq->exists) {
        return;
    }
    sq->fetching = state_get_bool(r, "sq fetching");
    sq->deleting = state_get_bool(r, "sq deleting");
    sq->unsent = state_get_bool(r, "sq unsent");
    sq->fetch_n = state_get_u8_below(r, NVME_MAX_FETCH + 1, "sq fetch_n");
    sq->cqid = state_get_u16_below(r, NVME_QUEUES, "sq cqid");
    sq->head = state_get_u16(r);
    sq->tail = state_get_u16(r);
    sq->size = state_get_u32(r);
    sq->base = state_get_u64(r);
}

static void get_cq(NvmeCtrl *c, NvmeCq *cq, StateReader *r)
{
    cq->wait_head = NVME_NONE;
    cq->exists = state_get_bool(r, "cq exists");
    get_shadow(&cq->shadow, r);
    if (!cq->exists) {
        return;
    }
    cq->irq_enabled = state_get_bool(r, "cq irq_enabled");
    cq->phase = state_get_bool(r, "cq phase");
    cq->vector = state_get_u16_below(r, c->config.msix_vectors, "cq vector");
    cq->head = state_get_u16(r);
    cq->tail = state_get_u16(r);
    cq->visible = state_get_u16(r);
    cq->size = state_get_u32(r);
    cq->base = state_get_u64(r);
}

static void get_vector(NvmeVector *v, StateReader *r)
{
    v->in_flight = state_get_bool(r, "vector in_flight");
    v->unsent = state_get_bool(r, "vector unsent");
    v->no_coalescing = state_get_bool(r, "vector no_coalescing");
    v->gen = state_get_u16(r);
    v->held = state_get_u16(r);
    v->deadline_ps = state_get_u64(r);
}

static void get_doorbells(NvmeCtrl *c, StateReader *r)
{
    for (unsigned i = 0; i < NVME_DOORBELLS && state_ok(r); i++) {
        NvmeDoorbell *d = &c->doorbell[i];

        d->gen = state_get_u16(r);
        d->used = state_get_bool(r, "doorbell used");
        if (d->used) {
            d->unsent = state_get_bool(r, "doorbell unsent");
            d->is_cq = state_get_bool(r, "doorbell is_cq");
            d->qid = state_get_u16(r);
            d->value = state_get_u32(r);
            d->order = state_get_u64(r);
        }
    }
    c->next_order = state_get_u64(r);
}

static void get_sqe(NvmeSqe *e, StateReader *r)
{
    e->opcode = state_get_u8(r);
    e->flags = state_get_u8(r);
    e->cid = state_get_u16(r);
    e->nsid = state_get_u32(r);
    e->prp1 = state_get_u64(r);
    e->prp2 = state_get_u64(r);
    e->cdw10 = state_get_u32(r);
    e->cdw11 = state_get_u32(r);
    e->cdw12 = state_get_u32(r);
    e->cdw13 = state_get_u32(r);
    e->cdw14 = state_get_u32(r);
    e->cdw15 = state_get_u32(r);
}

static void get_walk(NvmeWalk *w, StateReader *r)
{
    w->addr = state_get_u64(r);
    w->bytes = state_get_u32(r);
    w->left = state_get_u32(r);
    w->mapped = state_get_u32(r);
    w->lists = state_get_u16(r);
    w->descriptors = state_get_u16(r);
    w->last = state_get_bool(r, "walk last");
}

static void get_runs(NvmeSlot *s, StateReader *r)
{
    uint32_t n = state_get_u32_max(r, NVME_MAX_RUNS, "runs");

    if (n) {
        s->runs = g_new0(NvmeRun, n);
        s->max_runs = n;
    }
    for (uint32_t i = 0; i < n && state_ok(r); i++) {
        s->runs[i].addr = state_get_u64(r);
        s->runs[i].len = state_get_u32(r);
        s->runs[i].bucket = state_get_bool(r, "run bucket");
    }
    s->n_runs = n;
}

static void get_slot(NvmeSlot *s, StateReader *r)
{
    size_t len = 0;

    s->gen = state_get_u16(r);
    s->stage = state_get_u8_below(r, NVME_STAGES, "stage");
    if (s->stage == NVME_FREE) {
        return;
    }
    s->unsent = state_get_bool(r, "slot unsent");
    s->landed = state_get_bool(r, "slot landed");
    s->internal = state_get_bool(r, "slot internal");
    s->phase = state_get_bool(r, "slot phase");
    s->sqid = state_get_u16_below(r, NVME_QUEUES, "slot sqid");
    s->status = state_get_u16(r);
    s->cq_index = state_get_u16(r);
    s->sq_head = state_get_u16(r);
    s->result = state_get_u32(r);
    s->bytes = state_get_u32_max(r, NVME_MAX_BYTES, "slot bytes");
    s->block_bytes = state_get_u32(r);
    s->step = state_get_u32(r);
    s->fetch_ps = state_get_u64(r);
    get_sqe(&s->sqe, r);
    s->io.nsid = state_get_u32(r);
    s->io.fua = state_get_bool(r, "slot fua");
    if (s->stage == NVME_LIST) {
        get_walk(&s->walk, r);
    }
    s->walk.sgl = s->sqe.flags >> 6 != 0;
    get_runs(s, r);
    s->buf = state_get_blob(r, NVME_MAX_BYTES, &len);
    s->buf_bytes = len;
    if (state_ok(r) && len != (nvme_saved_data(s) ? s->bytes : 0)) {
        state_fail(r, "a slot with %zu bytes of data", len);
    }
}

static void get_wait_list(NvmeCtrl *c, NvmeCq *cq, StateReader *r)
{
    bool listed[NVME_SLOTS] = { false };

    for (;;) {
        uint16_t i = state_get_u16(r);
        const NvmeSlot *s;

        if (!state_ok(r) || i == NVME_NONE) {
            return;
        }
        s = &c->slot[i % NVME_SLOTS];
        if (i >= NVME_SLOTS || listed[i] || s->stage != NVME_CQ_WAIT ||
            &c->cq[c->sq[s->sqid].cqid] != cq) {
            state_fail(r, "slot %u does not wait for this queue", i);
            return;
        }
        listed[i] = true;
        c->slot[i].next = NVME_NONE;
        if (cq->wait_head == NVME_NONE) {
            cq->wait_head = i;
        } else {
            c->slot[cq->wait_tail].next = i;
        }
        cq->wait_tail = i;
        c->slot[i].hash_next = 1; /* listed; see nvme_load_check() */
    }
}

static void get_lists(NvmeCtrl *c, StateReader *r)
{
    for (unsigned q = 0; q < NVME_QUEUES; q++) {
        get_wait_list(c, &c->cq[q], r);
    }
    c->n_aer = state_get_u16_below(r, NVME_AERS + 1, "event requests");
    for (unsigned i = 0; i < c->n_aer; i++) {
        uint16_t slot = state_get_u16_below(r, NVME_SLOTS, "event request");

        c->aer[i] = slot;
        if (state_ok(r) && (c->slot[slot].stage != NVME_AER_WAIT ||
                            c->slot[slot].hash_next == 1)) {
            state_fail(r, "slot %u is no waiting event request", slot);
        }
        c->slot[slot].hash_next = 1;
    }
    c->n_events = state_get_u8_below(r, NVME_EVENTS + 1, "events");
    for (unsigned i = 0; i < c->n_events; i++) {
        c->event[i].type = state_get_u8_below(r, NVME_AER_TYPES, "event type");
        c->event[i].info = state_get_u8(r);
        c->event[i].page = state_get_u8(r);
    }
    c->event_masked = state_get_u8_below(r, 1u << NVME_AER_TYPES, "event mask");
}

static void get_features(NvmeCtrl *c, StateReader *r)
{
    NvmeFeatures *f = &c->features;

    f->arbitration = state_get_u32(r);
    f->power = state_get_u32_max(r, 0xff, "power");
    f->temp_over = state_get_u16(r);
    f->temp_under = state_get_u16(r);
    for (unsigned i = 1; i <= CARD_MAX_NSID; i++) {
        f->error_recovery[i] = state_get_u32_max(r, 0xffff, "recovery");
    }
    f->write_cache = state_get_u32_max(r, 1, "write cache");
    f->n_sqs = state_get_u16_below(r, c->config.max_queues + 1, "n_sqs");
    f->n_cqs = state_get_u16_below(r, c->config.max_queues + 1, "n_cqs");
    f->coalescing = state_get_u32_max(r, 0xffff, "coalescing");
    f->atomicity = state_get_u32_max(r, 1, "atomicity");
    f->async_events = state_get_u32_max(r, 0x1ff, "async events");
    f->timestamp_ms = state_get_u64(r);
    f->timestamp_ps = state_get_u64(r);
    f->timestamp_origin = state_get_u8_below(r, 2, "timestamp origin");
    f->acre = state_get_u8_below(r, 2, "acre");
    if (state_ok(r) && (!f->n_sqs || !f->n_cqs)) {
        state_fail(r, "no queues allocated");
    }
}

static void get_errors(NvmeCtrl *c, StateReader *r)
{
    c->changed_ns = state_get_u32(r);
    if (state_ok(r) &&
        (c->changed_ns >> CARD_MAX_NSID >> 1 || c->changed_ns & 1)) {
        state_fail(r, "changed namespaces %#x", c->changed_ns);
    }
    c->error_count = state_get_u64(r);
    for (unsigned i = 0; i < NVME_ERRORS && i < c->error_count; i++) {
        NvmeErrorEntry *e = &c->error[i];

        e->count = state_get_u64(r);
        e->sq_id = state_get_u16(r);
        e->cid = state_get_u16(r);
        e->status = state_get_u16(r);
        e->location = 0xffff;
        e->lba = state_get_u64(r);
        e->nsid = state_get_u32(r);
    }
}

static void get_all(NvmeCtrl *c, StateReader *r)
{
    get_config(c, r);
    get_registers(c, r);
    for (unsigned i = 0; i < NVME_QUEUES && state_ok(r); i++) {
        get_sq(&c->sq[i], r);
        get_cq(c, &c->cq[i], r);
    }
    for (unsigned i = 0; i < NVME_MAX_VECTORS && state_ok(r); i++) {
        get_vector(&c->vector[i], r);
    }
    get_doorbells(c, r);
    for (unsigned i = 0; i < NVME_SLOTS && state_ok(r); i++) {
        get_slot(&c->slot[i], r);
    }
    if (state_ok(r)) {
        get_lists(c, r);
        get_features(c, r);
        get_errors(c, r);
    }
    if (state_ok(r) && r->pos != r->len) {
        state_fail(r, "%zu bytes too many", r->len - r->pos);
    }
}

/* ---- what follows from the rest ----------------------------------------- */

static void derive_slots(NvmeCtrl *c)
{
    memset(c->free_slots, 0, sizeof(c->free_slots));
    memset(c->cid_hash, 0xff, sizeof(c->cid_hash));
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        NvmeSlot *s = &c->slot[i];

        if (s->stage == NVME_FREE) {
            c->free_slots[i / 64] |= 1ull << i % 64;
            continue;
        }
        *(i >= NVME_IO_SLOTS ? &c->used_admin : &c->used_io) += 1;
        c->n_drain += s->stage == NVME_DRAIN;
        c->n_unsent += s->unsent;
        s->epoch = c->epoch - 1;
        if (!s->internal) {
            c->sq[s->sqid].in_flight++;
            nvme_slot_hash(c, s);
            c->formatting |= nvme_formats(s);
        }
    }
}

static void derive(NvmeCtrl *c)
{
    derive_slots(c);
    for (unsigned i = 0; i < NVME_QUEUES; i++) {
        NvmeSq *sq = &c->sq[i];

        if (sq->exists) {
            c->cq[sq->cqid].n_sqs++;
            if (sq->fetching) {
                *(i ? &c->reserved_io : &c->reserved_admin) += sq->fetch_n;
            }
        }
        nvme_sq_ready(c, i);
        c->n_unsent += sq->unsent + sq->shadow.unsent + c->cq[i].shadow.unsent;
    }
    for (unsigned i = 0; i < NVME_MAX_VECTORS; i++) {
        c->n_unsent += c->vector[i].unsent;
    }
    for (unsigned i = 0; i < NVME_DOORBELLS; i++) {
        c->n_doorbells += c->doorbell[i].used;
        c->n_unsent += c->doorbell[i].unsent;
    }
    c->page_bits = 12 + (c->csts & NVME_CSTS_RDY ? NVME_CC_MPS(c->cc) : 0);
}

/* ---- load --------------------------------------------------------------- */

/* The buffer has room for the blocks as the card sees them. */
static bool buffer_fits(const NvmeCtrl *c, const NvmeSlot *s)
{
    CardNsInfo info;

    return !s->io.buf ||
           (card_ns_info(c->card, c->config.fn, s->io.nsid, &info) &&
            info.block_bytes == s->block_bytes);
}

/* The card gets back the I/O that it was working on. */
static bool rebind(NvmeCtrl *c, StateReader *r)
{
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        const NvmeSlot *s = &c->slot[i];

        if (s->stage != NVME_CARD && s->stage != NVME_ADMIT) {
            continue;
        }
        if (!buffer_fits(c, s) || !card_io_rebind(c->card, &s->io)) {
            state_fail(r, "slot %u: the card does not know its I/O", i);
            return false;
        }
    }
    return true;
}

/* Instants keep their distance from that of saving. */
static uint64_t rebase(const NvmeCtrl *c, uint64_t ps, uint64_t now)
{
    return ps == SEAM_NEVER ? ps : now + (ps - c->loaded_at_ps);
}

static void rebase_all(NvmeCtrl *c, uint64_t now)
{
    c->retry_ps = rebase(c, c->retry_ps, now);
    c->features.timestamp_ps = rebase(c, c->features.timestamp_ps, now);
    for (unsigned i = 0; i < NVME_MAX_VECTORS; i++) {
        c->vector[i].deadline_ps = rebase(c, c->vector[i].deadline_ps, now);
    }
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        c->slot[i].fetch_ps = rebase(c, c->slot[i].fetch_ps, now);
    }
}

/* @n takes the place of @c's content and is freed. */
static void replace(NvmeCtrl *c, NvmeCtrl *n)
{
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        g_free(c->slot[i].buf);
        g_free(c->slot[i].runs);
    }
    *c = *n;
    g_free(n);
    rebase_all(c, nvme_now(c));
    c->timer_ps = SEAM_NEVER - 1; /* unknown: it is set again */
    nvme_timer_arm(c);
    c->seam->intx_set(c->seam_opaque, c->config.fn, c->intx);
}

bool nvme_ctrl_load(NvmeCtrl *c, StateReader *r, bool resubmit)
{
    NvmeCtrl *n = nvme_ctrl_new(c->card, &c->config);
    StateReader sub;
    bool ok;

    if (state_get_section(r, NVME_STATE_MAGIC, NVME_STATE_VERSION, &sub)) {
        get_all(n, &sub);
    }
    ok = state_ok(&sub) && nvme_load_check(n, &sub);
    if (ok) {
        derive(n);
        for (unsigned i = 0; i < NVME_SLOTS && ok; i++) {
            ok = nvme_load_io(n, &n->slot[i]);
            if (!ok) {
                state_fail(&sub, "slot %u: its command cannot be at stage %u",
                           i, n->slot[i].stage);
            }
        }
        ok = ok && (resubmit || rebind(n, &sub));
    }
    if (!ok) {
        state_fail(r, "%s", sub.error);
        nvme_ctrl_free(n);
    } else {
        replace(c, n);
    }
    g_clear_pointer(&sub.error, g_free);
    return ok;
}

/* ---- resubmit ----------------------------------------------------------- */

static void resubmit_slot(NvmeCtrl *c, NvmeSlot *s)
{
    if (s->internal) {
        card_io_start(c->card, &s->io);
    } else if (s->stage == NVME_CARD || s->stage == NVME_ADMIT) {
        /* The card has given back what it charged. */
        nvme_cmd_mapped(c, s);
    } else {
        nvme_cmd_resend(c, s);
    }
}

void nvme_ctrl_resubmit(NvmeCtrl *c)
{
    uint8_t stage[NVME_SLOTS];

    nvme_doorbell_resubmit(c);
    for (unsigned i = 0; i < NVME_QUEUES; i++) {
        if (c->sq[i].fetching) {
            nvme_sq_fetch_submit(c, i);
        }
        if (c->sq[i].shadow.state != NVME_SHADOW_IDLE) {
            nvme_shadow_submit(c, i, false);
        }
        if (c->cq[i].shadow.state != NVME_SHADOW_IDLE) {
            nvme_shadow_submit(c, i, true);
        }
    }
    /* Starting one again may end others. */
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        stage[i] = c->slot[i].stage;
    }
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        if (stage[i] != NVME_FREE && stage[i] == c->slot[i].stage) {
            resubmit_slot(c, &c->slot[i]);
        }
    }
    for (unsigned i = 0; i < c->config.msix_vectors; i++) {
        if (c->vector[i].in_flight) {
            nvme_irq_submit(c, i);
        }
    }
    nvme_kick(c);
}
