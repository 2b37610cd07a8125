/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_phys.c: physical requests. Each is one contiguous piece of one drive
 * and passes the drive's model and, for encrypted data, the crypto engine's:
 *
 *   READ     drive -> crypto          WRITE          crypto -> drive
 *   VERIFY   drive                    FLUSH, discard drive
 *
 * At most CARD_FANOUT of one request are out at a time; the rest follow as
 * they end. Bytes move at the instants at which the models say done.
 */
#include "card_priv.h"

#include <string.h>

static const struct {
    CardStage stage;
    ModelOpKind kind;
} stage_kinds[] = {
    { CARD_STAGE_CRYPTO, MODEL_CRYPTO },
    { CARD_STAGE_READ, MODEL_DRIVE_READ },
    { CARD_STAGE_WRITE, MODEL_DRIVE_WRITE },
    { CARD_STAGE_FLUSH, MODEL_DRIVE_FLUSH },
    { CARD_STAGE_DISCARD, MODEL_DRIVE_DISCARD },
};

unsigned card_phys_model_kind(unsigned stage)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(stage_kinds); i++) {
        if (stage_kinds[i].stage == (stage & ~CARD_STAGE_REKEY)) {
            return stage_kinds[i].kind;
        }
    }
    g_assert_not_reached();
}

static void phys_event(Card *card, CardEventKind kind, const CardReq *req,
                       const CardPhys *p, uint16_t status)
{
    card_event(
        card, (CardEvent){
                  .kind = kind,
                  .fn = req->io.fn,
                  .nsid = req->io.nsid,
                  .cid = req->io.slot,
                  .a = p->drive,
                  .b = p->offset,
                  .c = (uint64_t)p->bytes << 8 | card_phys_model_kind(p->stage),
                  .status = status,
              });
}

/* ---- submitting --------------------------------------------------------- */

static bool phys_may_go(const Card *card, const CardPhys *p)
{
    return p->stage == CARD_STAGE_CRYPTO || !card->drive[p->drive].stalled;
}

static uint64_t phys_tag(const CardReq *req, unsigned k)
{
    return seam_tag(SEAM_OWNER_CARD, req->io.fn, req->phys[k].stage,
                    req->io.slot * CARD_FANOUT + k, req->generation);
}

static void phys_submit(Card *card, CardReq *req, unsigned k)
{
    CardPhys *p = &req->phys[k];
    bool crypto = p->stage == CARD_STAGE_CRYPTO;
    ModelOp op = {
        .tag = phys_tag(req, k),
        .addr = crypto ? 0 : p->offset,
        .bytes = p->bytes,
        .fn = req->io.fn,
        .kind = card_phys_model_kind(p->stage),
        .drive = crypto ? 0 : p->drive,
    };

    p->submitted =
        phys_may_go(card, p) && card->seam->model_submit(card->opaque, &op);
    if (!p->submitted) {
        card->n_ready++;
    } else if (!crypto) {
        phys_event(card, CARD_EV_PHYS_START, req, p, 0);
    }
}

void card_phys_retry(Card *card)
{
    CardReq *list[CARD_MAX_IO_SLOTS];

    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS && card->n_ready; fn++) {
        unsigned n = card_req_list(&card->iface[fn], list);

        for (unsigned i = 0; i < n; i++) {
            for (uint64_t left = list[i]->busy; left; left &= left - 1) {
                unsigned k = __builtin_ctzll(left);

                if (!list[i]->phys[k].submitted) {
                    card->n_ready--;
                    phys_submit(card, list[i], k);
                }
            }
        }
    }
}

void card_phys_drop(Card *card, CardReq *req)
{
    for (uint64_t left = req->busy; left; left &= left - 1) {
        const CardPhys *p = &req->phys[__builtin_ctzll(left)];

        if (!p->submitted) {
            card->n_ready--;
        } else if (p->stage != CARD_STAGE_CRYPTO) {
            phys_event(card, CARD_EV_PHYS_DONE, req, p, CARD_ST_GIVEN_UP);
        }
    }
    req->busy = 0;
}

/* ---- issuing ------------------------------------------------------------ */

static bool by_extent(const CardReq *req)
{
    return req->io.op == CARD_IO_DEALLOCATE ||
           req->io.op == CARD_IO_WRITE_ZEROES || req->io.op == CARD_IO_FORMAT;
}

static bool by_drive(const CardReq *req)
{
    return req->io.op == CARD_IO_FLUSH || req->state == CARD_REQ_FLUSHING;
}

/* Moves @req's cursor to the next extent that has something to discard. */
static bool next_extent(const CardReq *req, unsigned *ext, uint64_t *cursor,
                        CardPiece *ret)
{
    const CardMap *map = &req->part->map;

    while (*ext < card_map_extents(map)) {
        if (card_map_extent(map, *ext, req->at, req->end, ret) &&
            *cursor < ret->bytes) {
            return true;
        }
        (*ext)++;
        *cursor = 0;
    }
    return false;
}

bool card_phys_more(const Card *card, const CardReq *req)
{
    unsigned ext = req->ext;
    uint64_t cursor = req->cursor;
    CardPiece p;

    if (by_drive(req)) {
        return cursor != 0;
    }
    if (by_extent(req)) {
        return next_extent(req, &ext, &cursor, &p);
    }
    return cursor < req->end;
}

/* The next physical request; card_phys_more() said there is one. */
static void phys_next(CardReq *req, CardPhys *ret)
{
    CardPiece p;

    if (by_drive(req)) {
        *ret = (CardPhys){ .drive = __builtin_ctzll(req->cursor),
                           .stage = CARD_STAGE_FLUSH };
        req->cursor &= req->cursor - 1;
        return;
    }
    if (by_extent(req)) {
        next_extent(req, &req->ext, &req->cursor, &p);
        p.offset += req->cursor;
        p.bytes = MIN(p.bytes - req->cursor, MODEL_MAX_OP_BYTES);
        *ret = (CardPhys){ req->cursor, p.offset, p.bytes, p.drive,
                           CARD_STAGE_DISCARD };
        req->cursor += p.bytes;
        return;
    }
    p = card_map_piece(&req->part->map, req->cursor,
                       MIN(req->end - req->cursor, CARD_PHYS_MAX_BYTES));
    *ret =
        (CardPhys){ req->cursor, p.offset, p.bytes, p.drive, CARD_STAGE_READ };
    if (req->io.op == CARD_IO_WRITE) {
        ret->stage =
            req->part->encrypted ? CARD_STAGE_CRYPTO : CARD_STAGE_WRITE;
    }
    req->cursor += p.bytes;
}

void card_phys_issue(Card *card, CardReq *req)
{
    while (~req->busy && card_phys_more(card, req)) {
        unsigned k = __builtin_ctzll(~req->busy);

        phys_next(req, &req->phys[k]);
        req->busy |= 1ull << k;
        phys_submit(card, req, k);
    }
}

/* ---- data --------------------------------------------------------------- */

uint16_t card_phys_fetch(Card *card, CardReq *req, uint64_t from, uint64_t to)
{
    CardPart *part = req->part;
    uint8_t *buf = req->io.buf + (from - req->at);

    for (uint64_t at = from; at < to;) {
        CardPiece p = card_map_piece(&part->map, at, to - at);

        if (card->seam->drive_read(card->opaque, p.drive, p.offset,
                                   buf + (at - from), p.bytes)) {
            return CARD_ST_READ_ERROR;
        }
        at += p.bytes;
    }
    return card_decrypt(card, part, from, buf, to - from) ? CARD_ST_OK
                                                          : CARD_ST_INTERNAL;
}

static uint16_t land_write(Card *card, CardReq *req, const CardPhys *p)
{
    const uint8_t *data = req->io.buf + (p->at - req->at);
    g_autofree uint8_t *bounce = NULL;

    if (req->part->encrypted) {
        bounce = g_malloc(p->bytes);
        if (!card_encrypt(card, req->part, p->at, data, bounce, p->bytes)) {
            return CARD_ST_INTERNAL;
        }
        data = bounce;
    }
    return card->seam->drive_write(card->opaque, p->drive, p->offset, data,
                                   p->bytes)
               ? CARD_ST_WRITE_FAULT
               : CARD_ST_OK;
}

static uint16_t land_verify(Card *card, const CardPhys *p)
{
    g_autofree uint8_t *scratch = g_malloc(p->bytes);

    return card->seam->drive_read(card->opaque, p->drive, p->offset, scratch,
                                  p->bytes)
               ? CARD_ST_READ_ERROR
               : CARD_ST_OK;
}

/* What happens on the drive when its model says done. */
static uint16_t land(Card *card, CardReq *req, const CardPhys *p)
{
    CardIfStats *stats = &card->iface[req->io.fn].stats;

    switch (p->stage) {
    case CARD_STAGE_READ:
        stats->phys_reads++;
        if (card_fault_hits(card, CARD_FAULT_READ_ERROR, p->drive, p->offset,
                            p->bytes)) {
            return CARD_ST_READ_ERROR;
        }
        return req->io.op == CARD_IO_VERIFY ? land_verify(card, p) : CARD_ST_OK;
    case CARD_STAGE_WRITE:
        stats->phys_writes++;
        if (card_fault_hits(card, CARD_FAULT_WRITE_ERROR, p->drive, p->offset,
                            p->bytes)) {
            return CARD_ST_WRITE_FAULT;
        }
        return land_write(card, req, p);
    case CARD_STAGE_FLUSH:
        return card->seam->drive_flush(card->opaque, p->drive)
                   ? CARD_ST_WRITE_FAULT
                   : CARD_ST_OK;
    case CARD_STAGE_DISCARD:
        return card->seam->drive_discard(card->opaque, p->drive, p->offset,
                                         p->bytes)
                   ? CARD_ST_WRITE_FAULT
                   : CARD_ST_OK;
    default:
        return CARD_ST_OK;
    }
}

/* ---- answers ------------------------------------------------------------ */

/* The rest of a request that has completed goes on without it: only the
 * event log still hears of its end. */
static void leave_rest(Card *card, CardReq *req, const CardPhys *first)
{
    for (uint64_t left = req->busy; left; left &= left - 1) {
        unsigned k = __builtin_ctzll(left);
        CardPhys *p = &req->phys[k];

        if (p != first && p->submitted && p->stage != CARD_STAGE_CRYPTO) {
            CardOrphan o = { phys_tag(req, k), req->io, *p };

            g_array_append_val(card->orphans, o);
            req->busy &= ~(1ull << k);
        }
    }
    req->busy &= ~(1ull << (first - req->phys));
}

static void orphan_done(Card *card, uint64_t tag)
{
    for (unsigned i = 0; i < card->orphans->len; i++) {
        CardOrphan *o = &g_array_index(card->orphans, CardOrphan, i);
        CardReq req = { .io = o->io };

        if (o->tag == tag) {
            phys_event(card, CARD_EV_PHYS_DONE, &req, &o->phys, 0);
            g_array_remove_index(card->orphans, i);
            return;
        }
    }
}

/*
 * Control run: the request completes with its first physical request. What
 * the others would have read is missing; what they would have written is
 * written, but before its drive has said so.
 */
static bool complete_on_first(Card *card, CardReq *req, const CardPhys *first)
{
    uint64_t to = first->at + first->bytes;

    if (!card->controls.complete_on_first || req->status ||
        req->state != CARD_REQ_RUNNING ||
        (!(req->busy & (req->busy - 1)) && !card_phys_more(card, req))) {
        return false;
    }
    if (req->io.op == CARD_IO_READ) {
        memset(req->io.buf, 0, req->end - req->at);
        req->status = card_phys_fetch(card, req, first->at, to);
    } else if (req->io.op == CARD_IO_WRITE) {
        for (uint64_t at = req->at; at < req->end;) {
            CardPiece m = card_map_piece(
                &req->part->map, at, MIN(req->end - at, CARD_PHYS_MAX_BYTES));
            CardPhys p = { at, m.offset, m.bytes, m.drive, CARD_STAGE_WRITE };

            req->status = req->status ? req->status : land_write(card, req, &p);
            at += m.bytes;
        }
    } else {
        return false;
    }
    leave_rest(card, req, first);
    card_req_end(card, req, req->status);
    return true;
}

static CardReq *req_of(Card *card, uint64_t tag, unsigned *ret_k)
{
    unsigned fn = seam_tag_fn(tag), index = seam_tag_index(tag);
    unsigned slot = index / CARD_FANOUT, k = index % CARD_FANOUT;
    CardReq *req;

    if (fn >= SEAM_MAX_FUNCTIONS || slot >= CARD_MAX_IO_SLOTS) {
        return NULL;
    }
    req = card->iface[fn].req[slot];
    if (!req || req->state == CARD_REQ_FREE ||
        req->generation != seam_tag_generation(tag) || !(req->busy >> k & 1) ||
        !req->phys[k].submitted || req->phys[k].stage != seam_tag_stage(tag)) {
        return NULL;
    }
    *ret_k = k;
    return req;
}

void card_phys_done(Card *card, uint64_t tag)
{
    unsigned k = 0;
    CardReq *req = req_of(card, tag, &k);
    CardPhys *p;
    uint16_t status;

    if (!req) {
        orphan_done(card, tag); /* or of an I/O that was cancelled */
        return;
    }
    p = &req->phys[k];
    status = land(card, req, p);
    if (p->stage != CARD_STAGE_CRYPTO) {
        phys_event(card, CARD_EV_PHYS_DONE, req, p, status);
    }
    if (!status && req->part && req->part->encrypted) {
        if (p->stage == CARD_STAGE_READ && req->io.op == CARD_IO_READ) {
            p->stage = CARD_STAGE_CRYPTO;
            phys_submit(card, req, k);
            return;
        }
        if (p->stage == CARD_STAGE_CRYPTO && req->io.op == CARD_IO_WRITE) {
            p->stage = CARD_STAGE_WRITE;
            phys_submit(card, req, k);
            return;
        }
    }
    if (status && !req->status) {
        req->status = status;
    }
    if (complete_on_first(card, req, p)) {
        return;
    }
    req->busy &= ~(1ull << k);
    card_req_step(card, req);
}
