/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_state_io.c: saved state of interfaces: limits, counters, requests in
 * flight with their physical requests, and the re-encryption worker.
 *
 * Loading trusts nothing: a request must be one that the card could have
 * made itself, down to the drive offset of each piece.
 */
#include "card_priv.h"

#include <string.h>

/* ---- one request
 * ----------------------------------------------------------------- */

static void phys_put(const CardPhys *p, GByteArray *out)
{
    state_put_u64(out, p->at);
    state_put_u64(out, p->offset);
    state_put_u32(out, p->bytes);
    state_put_u8(out, p->drive);
    state_put_u8(out, p->stage);
    state_put_u8(out, p->submitted);
}

static void req_put(const CardReq *req, GByteArray *out)
{
    state_put_u16(out, req->io.slot);
    state_put_u8(out, req->io.op);
    state_put_u8(out, req->io.lba_format);
    state_put_u8(out, req->io.secure_erase);
    state_put_u8(out, req->io.fua);
    state_put_u32(out, req->io.nsid);
    state_put_u64(out, req->io.slba);
    state_put_u32(out, req->io.nlb);
    state_put_u8(out, req->state);
    state_put_u16(out, req->status);
    state_put_u64(out, req->seq);
    state_put_u64(out, req->at);
    state_put_u64(out, req->end);
    state_put_u64(out, req->cursor);
    state_put_u8(out, req->ext);
    state_put_u64(out, req->busy);
    for (uint64_t left = req->busy; left; left &= left - 1) {
        phys_put(&req->phys[__builtin_ctzll(left)], out);
    }
}

static void phys_get(CardPhys *p, StateReader *r)
{
    p->at = state_get_u64(r);
    p->offset = state_get_u64(r);
    p->bytes = state_get_u32(r);
    p->drive = state_get_u8(r);
    p->stage = state_get_u8(r);
    p->submitted = state_get_bool(r, "submitted");
}

static void req_get(CardReq *req, unsigned fn, StateReader *r)
{
    req->io = (CardIo){ .fn = fn };
    req->io.slot = state_get_u16(r);
    req->io.op = state_get_u8(r);
    req->io.lba_format = state_get_u8(r);
    req->io.secure_erase = state_get_u8(r);
    req->io.fua = state_get_bool(r, "FUA");
    req->io.nsid = state_get_u32(r);
    req->io.slba = state_get_u64(r);
    req->io.nlb = state_get_u32(r);
    req->state = state_get_u8(r);
    req->status = state_get_u16(r);
    req->seq = state_get_u64(r);
    req->at = state_get_u64(r);
    req->end = state_get_u64(r);
    req->cursor = state_get_u64(r);
    req->ext = state_get_u8(r);
    req->busy = state_get_u64(r);
    for (uint64_t left = req->busy; left; left &= left - 1) {
        phys_get(&req->phys[__builtin_ctzll(left)], r);
    }
}

/* ---- is it possible?
 * ---------------------------------------------------------------- */

static bool transfer_stage(const CardReq *req, uint8_t stage)
{
    bool crypto = stage == CARD_STAGE_CRYPTO && req->part->encrypted;

    switch (req->io.op) {
    case CARD_IO_READ:
        return stage == CARD_STAGE_READ || crypto;
    case CARD_IO_WRITE:
        return stage == CARD_STAGE_WRITE || crypto;
    default:
        return stage == CARD_STAGE_READ;
    }
}

static bool transfer_piece(const CardReq *req, const CardPhys *p)
{
    CardPiece m;

    if (p->at < req->at || p->at >= req->cursor ||
        !transfer_stage(req, p->stage)) {
        return false;
    }
    m = card_map_piece(&req->part->map, p->at,
                       MIN(req->end - p->at, CARD_PHYS_MAX_BYTES));
    return m.drive == p->drive && m.offset == p->offset && m.bytes == p->bytes;
}

static bool discard_piece(const CardReq *req, const CardPhys *p)
{
    const CardMap *map = &req->part->map;
    CardPiece m;

    for (unsigned e = 0; e < card_map_extents(map); e++) {
        if (card_map_extent(map, e, req->at, req->end, &m) &&
            m.drive == p->drive && p->offset >= m.offset &&
            p->offset - m.offset < m.bytes &&
            p->bytes <= m.bytes - (p->offset - m.offset)) {
            return p->stage == CARD_STAGE_DISCARD && p->bytes &&
                   p->bytes <= MODEL_MAX_OP_BYTES && p->bytes % 512 == 0 &&
                   (p->offset - m.offset) % 512 == 0;
        }
    }
    return false;
}

static bool is_discard(const CardReq *req)
{
    return req->io.op == CARD_IO_DEALLOCATE ||
           req->io.op == CARD_IO_WRITE_ZEROES || req->io.op == CARD_IO_FORMAT;
}

static bool phys_possible(const Card *card, const CardReq *req,
                          const CardPhys *p)
{
    if (req->io.op == CARD_IO_FLUSH || req->state == CARD_REQ_FLUSHING) {
        return p->stage == CARD_STAGE_FLUSH && p->drive < card->n_drives &&
               !p->at && !p->offset && !p->bytes &&
               !(req->cursor >> p->drive & 1);
    }
    return is_discard(req) ? discard_piece(req, p) : transfer_piece(req, p);
}

static bool pieces_distinct(const CardReq *req)
{
    for (uint64_t a = req->busy; a; a &= a - 1) {
        const CardPhys *p = &req->phys[__builtin_ctzll(a)];

        for (uint64_t b = a & (a - 1); b; b &= b - 1) {
            const CardPhys *q = &req->phys[__builtin_ctzll(b)];

            if (p->drive == q->drive && p->offset == q->offset) {
                return false;
            }
        }
    }
    return true;
}

static bool cursor_possible(const Card *card, const CardReq *req)
{
    uint32_t block;

    if (req->io.op == CARD_IO_FLUSH || req->state == CARD_REQ_FLUSHING) {
        return req->cursor >> card->n_drives == 0;
    }
    block = card_block_bytes(req->part);
    if (is_discard(req)) {
        return req->ext <= card_map_extents(&req->part->map) &&
               req->cursor % 512 == 0;
    }
    return req->cursor >= req->at && req->cursor <= req->end &&
           req->cursor % block == 0;
}

static const char *range_check(const CardReq *req)
{
    uint32_t block;

    if (!req->part) {
        return req->io.op == CARD_IO_FLUSH && req->io.nsid == UINT32_MAX &&
                       !req->at && !req->end
                   ? NULL
                   : "its namespace is not attached";
    }
    block = card_block_bytes(req->part);
    if (req->io.op == CARD_IO_FLUSH) {
        return req->at || req->end ? "a FLUSH with a range" : NULL;
    }
    if (req->io.op == CARD_IO_FORMAT) {
        return !req->at && req->end == req->part->bytes &&
                       req->io.lba_format <= 1
                   ? NULL
                   : "its range is impossible";
    }
    if (!req->io.nlb || req->io.slba > CARD_MAX_BYTES ||
        req->at != req->io.slba * block ||
        req->end != req->at + (uint64_t)req->io.nlb * block ||
        req->end > req->part->bytes) {
        return "its range is impossible";
    }
    if ((req->io.op == CARD_IO_READ || req->io.op == CARD_IO_WRITE) &&
        req->end - req->at > CARD_MAX_IO_BYTES) {
        return "it is too long";
    }
    return NULL;
}

static const char *running_check(const Card *card, const CardReq *req)
{
    if (req->state == CARD_REQ_FLUSHING &&
        (req->io.op != CARD_IO_WRITE || !req->io.fua || req->status)) {
        return "it flushes without a reason";
    }
    if (!req->busy || !cursor_possible(card, req) || !pieces_distinct(req)) {
        return "its progress is impossible";
    }
    if (req->io.op == CARD_IO_FORMAT && !req->part->wiping) {
        return "it formats, its partition does not";
    }
    for (uint64_t left = req->busy; left; left &= left - 1) {
        if (!phys_possible(card, req, &req->phys[__builtin_ctzll(left)])) {
            return "one of its physical requests is impossible";
        }
    }
    return NULL;
}

static const char *req_check(const Card *card, const CardReq *req)
{
    const char *why;

    if (req->io.op >= CARD_IO_OPS || req->state < CARD_REQ_BLOCKED ||
        req->state > CARD_REQ_ENDING || req->seq >= card->next_seq) {
        return "no such operation or state";
    }
    if (req->state == CARD_REQ_ENDING) {
        return req->busy ? "it has ended and has not" : NULL;
    }
    why = range_check(req);
    if (why) {
        return why;
    }
    if (req->state == CARD_REQ_BLOCKED) {
        return req->busy || req->status ? "it waits and does not" : NULL;
    }
    return running_check(card, req);
}

/* ---- requests of an interface
 * ---------------------------------------------------------- */

static void reqs_put(const CardIface *iface, GByteArray *out)
{
    CardReq *list[CARD_MAX_IO_SLOTS];
    unsigned n = card_req_list(iface, list), made = 0;

    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        made += iface->req[s] != NULL;
    }
    state_put_u32(out, made);
    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        if (iface->req[s]) {
            state_put_u16(out, s);
            state_put_u16(out, iface->req[s]->generation);
        }
    }
    state_put_u32(out, n);
    for (unsigned i = 0; i < n; i++) {
        req_put(list[i], out);
    }
}

/* Puts @req in place. */
static const char *req_adopt(Card *card, unsigned fn, const CardReq *req)
{
    CardIface *iface = &card->iface[fn];
    CardReq *slot;
    const char *why;

    if (req->io.slot >= CARD_MAX_IO_SLOTS || !iface->req[req->io.slot] ||
        iface->req[req->io.slot]->state != CARD_REQ_FREE) {
        return "its slot is impossible";
    }
    why = req_check(card, req);
    if (why) {
        return why;
    }
    if (req->part && req->io.op == CARD_IO_FORMAT &&
        req->state != CARD_REQ_ENDING) {
        if (req->part->formatting) {
            return "a second FORMAT of one namespace";
        }
        req->part->formatting = true;
    }
    slot = iface->req[req->io.slot];
    iface->in_flight++;
    iface->n_blocked += req->state == CARD_REQ_BLOCKED;
    iface->n_ending += req->state == CARD_REQ_ENDING;
    for (uint64_t left = req->busy; left; left &= left - 1) {
        card->n_ready += !req->phys[__builtin_ctzll(left)].submitted;
    }
    *slot = *req;
    return NULL;
}

static void reqs_get(Card *card, unsigned fn, StateReader *r)
{
    CardIface *iface = &card->iface[fn];
    unsigned n = state_get_u32_max(r, CARD_MAX_IO_SLOTS, "number of slots");
    uint64_t last_seq = 0;

    for (unsigned i = 0; i < n && state_ok(r); i++) {
        unsigned s = state_get_u16(r);
        unsigned generation = state_get_u16(r);

        if (s >= CARD_MAX_IO_SLOTS || iface->req[s]) {
            state_fail(r, "interface %u: slot %u twice or impossible", fn, s);
            return;
        }
        iface->req[s] = g_new0(CardReq, 1);
        iface->req[s]->generation = generation;
    }
    n = state_get_u32_max(r, CARD_MAX_IO_SLOTS, "number of requests");
    for (unsigned i = 0; i < n && state_ok(r); i++) {
        CardReq req = { 0 };
        const char *why;

        req_get(&req, fn, r);
        req.part = card_ns(card, fn, req.io.nsid);
        req.bound = false;
        if (req.io.slot < CARD_MAX_IO_SLOTS && iface->req[req.io.slot]) {
            req.generation = iface->req[req.io.slot]->generation;
        }
        why = i && req.seq <= last_seq ? "it is out of order" : NULL;
        why = why || !state_ok(r) ? why : req_adopt(card, fn, &req);
        if (why) {
            state_fail(r, "interface %u, request in slot %u: %s", fn,
                       req.io.slot, why);
        }
        last_seq = req.seq;
    }
}

/* ---- the interface
 * ------------------------------------------------------------------------ */

static uint64_t *stat_at(CardIfStats *s, unsigned i)
{
    uint64_t *all[] = {
        &s->read_cmds,   &s->write_cmds,  &s->other_cmds,     &s->read_bytes,
        &s->write_bytes, &s->errors,      &s->throttled_cmds, &s->throttled_ps,
        &s->phys_reads,  &s->phys_writes, &s->guest_errors,   &s->dma_refused,
        &s->resets,
    };

    return i < G_N_ELEMENTS(all) ? all[i] : NULL;
}

static void identity_put(const CardIface *iface, GByteArray *out)
{
    state_put_string(out, iface->name);
    state_put_string(out, iface->config.serial);
    state_put_u32(out, iface->config.max_queues);
    state_put_u32(out, iface->config.msix_vectors);
}

static void identity_check(const CardIface *iface, StateReader *r)
{
    g_autofree char *name = state_get_string(r, CARD_NAME_MAX);
    g_autofree char *serial =
        state_get_string(r, sizeof(iface->config.serial) - 1);
    unsigned queues = state_get_u32(r), vectors = state_get_u32(r);

    if (state_ok(r) &&
        (strcmp(name, iface->name) || strcmp(serial, iface->config.serial) ||
         queues != iface->config.max_queues ||
         vectors != iface->config.msix_vectors)) {
        state_fail(r,
                   "interface '%s' (serial %s, %u queues, %u vectors) was "
                   "saved, the card has '%s' (serial %s, %u queues, %u "
                   "vectors)",
                   name, serial, queues, vectors, iface->name,
                   iface->config.serial, iface->config.max_queues,
                   iface->config.msix_vectors);
    }
}

static void admitted_put(const CardIface *iface, GByteArray *out)
{
    unsigned n = 0;

    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        n += iface->admitted[s].valid;
    }
    state_put_u32(out, n);
    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        if (iface->admitted[s].valid) {
            state_put_u16(out, s);
            state_put_u8(out, iface->admitted[s].lba_format);
            state_put_u32(out, iface->admitted[s].part_id);
        }
    }
}

static void admitted_get(CardIface *iface, StateReader *r)
{
    unsigned n = state_get_u32_max(r, CARD_MAX_IO_SLOTS, "number of admitted");

    for (unsigned i = 0; i < n && state_ok(r); i++) {
        unsigned s = state_get_u16(r);
        CardAdmitted a = { .valid = true, .lba_format = state_get_u8(r) };

        a.part_id = state_get_u32(r);
        if (s >= CARD_MAX_IO_SLOTS || iface->admitted[s].valid) {
            state_fail(r, "admitted I/O in slot %u is impossible", s);
            return;
        }
        iface->admitted[s] = a;
    }
}

void card_iface_put(const Card *card, unsigned fn, GByteArray *out)
{
    CardIface *iface = (CardIface *)&card->iface[fn];

    identity_put(iface, out);
    state_put_u64(out, iface->limits.iops);
    state_put_u64(out, iface->limits.burst_ios);
    state_put_u64(out, iface->limits.bytes_per_s);
    state_put_u64(out, iface->limits.burst_bytes);
    throttle_save(&iface->throttle, card_now(card), out);
    for (unsigned i = 0; stat_at(&iface->stats, i); i++) {
        state_put_u64(out, *stat_at(&iface->stats, i));
    }
    state_put_u8(out, iface->stalled);
    admitted_put(iface, out);
    reqs_put(iface, out);
}

void card_iface_get(Card *card, unsigned fn, StateReader *r)
{
    CardIface *iface = &card->iface[fn];
    const char *why = NULL;

    identity_check(iface, r);
    iface->limits.iops = state_get_u64(r);
    iface->limits.burst_ios = state_get_u64(r);
    iface->limits.bytes_per_s = state_get_u64(r);
    iface->limits.burst_bytes = state_get_u64(r);
    if (state_ok(r) && !throttle_limits_valid(&iface->limits, &why)) {
        state_fail(r, "limits of interface %u: %s", fn, why);
    }
    if (!state_ok(r)) {
        return;
    }
    throttle_init(&iface->throttle, card_now(card));
    throttle_set(&iface->throttle, &iface->limits, card_now(card));
    throttle_load(&iface->throttle, card_now(card), r);
    for (unsigned i = 0; stat_at(&iface->stats, i); i++) {
        *stat_at(&iface->stats, i) = state_get_u64(r);
    }
    iface->stalled = state_get_bool(r, "stalled");
    admitted_get(iface, r);
    reqs_get(card, fn, r);
}

/* ---- the re-encryption worker
 * ---------------------------------------------------------------- */

void card_rekey_put(const Card *card, GByteArray *out)
{
    const CardRekey *k = &card->rekey;
    uint64_t now = card_now(card);
    bool timer = k->timer_ps != SEAM_NEVER;

    state_put_u8(out, k->state);
    state_put_u32(out, k->part ? k->part->id : 0);
    state_put_u64(out, k->at);
    state_put_u32(out, k->bytes);
    state_put_u8(out, k->fn);
    state_put_u16(out, k->generation);
    state_put_u8(out, k->again);
    state_put_u64(out, k->busy);
    state_put_u32(out, k->last_id);
    state_put_u64(out, k->state ? now - k->started_ps : 0);
    state_put_u8(out, timer);
    state_put_u64(out, timer && k->timer_ps > now ? k->timer_ps - now : 0);
}

static CardPart *part_by_id(const Card *card, unsigned id)
{
    for (unsigned i = 0; i < card->parts->len; i++) {
        if (card_part_at(card, i)->id == id) {
            return card_part_at(card, i);
        }
    }
    return NULL;
}

static const char *rekey_check(const Card *card, const CardRekey *k,
                               unsigned id)
{
    bool works = k->state >= CARD_REKEY_READ;

    if (k->state > CARD_REKEY_WRITE || k->fn >= SEAM_MAX_FUNCTIONS) {
        return "no such state or function";
    }
    if (k->state == CARD_REKEY_IDLE) {
        return id || k->busy || k->again ? "it rests and works" : NULL;
    }
    if (!k->part || !k->part->rekeying || k->part->formatting ||
        k->at != k->part->rekey_done || k->part->hot_bytes ||
        k->at >= k->part->bytes ||
        k->bytes != MIN(CARD_REKEY_BYTES, k->part->bytes - k->at)) {
        return "its chunk is impossible";
    }
    if (k->again ? k->busy != 0 || k->timer_ps == SEAM_NEVER || !works
                 : works != (k->busy != 0)) {
        return "its progress is impossible";
    }
    if (works && card_req_overlaps(card, k->part, k->at, k->at + k->bytes)) {
        return "a request runs on its chunk";
    }
    return NULL;
}

void card_rekey_get(Card *card, StateReader *r)
{
    CardRekey k = { .timer_ps = SEAM_NEVER };
    uint64_t now = card_now(card), since, timer_in;
    const char *why;
    unsigned id;
    bool timer;

    k.state = state_get_u8(r);
    id = state_get_u32(r);
    k.part = part_by_id(card, id);
    k.at = state_get_u64(r);
    k.bytes = state_get_u32(r);
    k.fn = state_get_u8(r);
    k.generation = state_get_u16(r);
    k.again = state_get_bool(r, "rekey again");
    k.busy = state_get_u64(r);
    k.last_id = state_get_u32(r);
    since = state_get_u64(r);
    timer = state_get_bool(r, "rekey timer");
    timer_in = state_get_u64(r);
    if (since > now || timer_in > SEAM_NEVER - 1 - now) {
        state_fail(r, "re-encryption: an impossible instant");
        return;
    }
    k.started_ps = now - since;
    k.timer_ps = timer ? now + timer_in : SEAM_NEVER;
    why = state_ok(r) ? rekey_check(card, &k, id) : NULL;
    if (why) {
        state_fail(r, "re-encryption: %s", why);
        return;
    }
    card->rekey = k;
}

/* ---- joining with the controllers
 * --------------------------------------------------------------- */

static bool same_io(const CardIo *a, const CardIo *b)
{
    return a->op == b->op && a->nsid == b->nsid &&
           (a->op == CARD_IO_FLUSH || a->op == CARD_IO_FORMAT ||
            (a->slba == b->slba && a->nlb == b->nlb));
}

bool card_io_rebind(Card *card, const CardIo *io)
{
    CardIface *iface;
    CardReq *req;

    if (io->fn >= SEAM_MAX_FUNCTIONS || io->slot >= CARD_MAX_IO_SLOTS) {
        return false;
    }
    iface = &card->iface[io->fn];
    req = iface->req[io->slot];
    if (req && req->state != CARD_REQ_FREE) {
        bool data = io->op == CARD_IO_READ || io->op == CARD_IO_WRITE;

        if (req->bound || !same_io(&req->io, io) || (data && !io->buf)) {
            return false;
        }
        req->io.buf = io->buf;
        req->bound = true;
        return true;
    }
    for (unsigned i = 0; i < iface->throttle.n_waiting; i++) {
        if (iface->throttle.waiting[i].slot == io->slot) {
            bool known = iface->waiter_bound[io->slot];

            iface->waiter_bound[io->slot] = true;
            return !known;
        }
    }
    return false;
}

static char *iface_check(const Card *card, unsigned fn)
{
    const CardIface *iface = &card->iface[fn];
    const char *what = "interface %u, slot %u: the controller does not know "
                       "the card's I/O";

    for (unsigned i = 0; i < iface->throttle.n_waiting; i++) {
        unsigned slot = iface->throttle.waiting[i].slot;

        if (!iface->waiter_bound[slot] ||
            (iface->req[slot] && iface->req[slot]->state != CARD_REQ_FREE)) {
            return g_strdup_printf(what, fn, slot);
        }
    }
    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        const CardReq *req = iface->req[s];

        if (!req || req->state == CARD_REQ_FREE) {
            continue;
        }
        if (!req->bound) {
            return g_strdup_printf(what, fn, s);
        }
        if (req->state == CARD_REQ_BLOCKED && !card_req_must_wait(card, req)) {
            return g_strdup_printf("interface %u, slot %u: it waits for "
                                   "nothing",
                                   fn, s);
        }
    }
    return NULL;
}

char *card_io_loaded_check(const Card *card)
{
    char *why = NULL;

    for (unsigned fn = 0; !why && fn < SEAM_MAX_FUNCTIONS; fn++) {
        why = iface_check(card, fn);
    }
    for (unsigned i = 0; !why && i < card->parts->len; i++) {
        const CardPart *part = card_part_at(card, i);

        if (part->fn >= 0 && part->wiping && !part->formatting) {
            why = g_strdup_printf("partition %u is being wiped by nobody",
                                  part->id);
        }
    }
    return why;
}

/* What they had taken from the limits they will take again. */
void card_io_forget(Card *card, unsigned fn)
{
    CardIface *iface = &card->iface[fn];
    CardReq *list[CARD_MAX_IO_SLOTS];
    unsigned n = card_req_list(iface, list);

    for (unsigned i = 0; i < n; i++) {
        const CardIo *io = &list[i]->io;
        bool bytes = io->op == CARD_IO_READ || io->op == CARD_IO_WRITE ||
                     io->op == CARD_IO_VERIFY;

        if (io->op != CARD_IO_FLUSH && io->op != CARD_IO_FORMAT) {
            throttle_refund(&iface->throttle,
                            bytes ? list[i]->end - list[i]->at : 0,
                            card_now(card));
        }
    }
    card_io_cancel_all(card, fn);
}
