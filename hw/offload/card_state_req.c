/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_state_req.c: saved requests in flight, with their physical requests.
 *
 * Loading trusts nothing: a request must be one that the card could have
 * made itself, down to the drive offset of each piece.
 */
#include "card_priv.h"

#include <string.h>

/* ---- one request -------------------------------------------------------- */

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

/* ---- is it possible? ---------------------------------------------------- */

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

/* ---- requests of an interface ------------------------------------------- */

void card_reqs_put(const CardIface *iface, GByteArray *out)
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
    if (req->part && req->io.op == CARD_IO_FORMAT) {
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

void card_reqs_get(Card *card, unsigned fn, StateReader *r)
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
        req.part = req.state == CARD_REQ_ENDING
                       ? NULL
                       : card_ns(card, fn, req.io.nsid);
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
