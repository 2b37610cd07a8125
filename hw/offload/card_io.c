/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_io.c: one request of a controller from start to completion.
 *
 *   BLOCKED -> RUNNING [-> FLUSHING] -> done
 *
 * A request is cut into physical ones (card_phys.c) and is complete when the
 * last of them is. WRITE data lands piece by piece, each when its drive says
 * so; READ data is fetched from the drives at the very end, so that a card
 * saved in the middle holds no data in transit.
 *
 * Not modelled: write atomicity beyond one block, fused operations.
 */
#include "card_priv.h"

#include <string.h>

/* ---- checks ------------------------------------------------------------- */

static bool is_transfer(const CardIo *io)
{
    return io->op == CARD_IO_READ || io->op == CARD_IO_WRITE;
}

static uint16_t check_range(const CardPart *part, const CardIo *io)
{
    uint32_t block = card_block_bytes(part);
    uint64_t blocks = part->bytes / block;

    if (!io->nlb) {
        return CARD_ST_INVALID_FIELD;
    }
    if (io->slba >= blocks || io->nlb > blocks - io->slba) {
        return CARD_ST_LBA_RANGE;
    }
    if (is_transfer(io) && io->nlb > CARD_MAX_IO_BYTES / block) {
        return CARD_ST_INVALID_FIELD;
    }
    return CARD_ST_OK;
}

uint16_t card_io_check(const Card *card, const CardIo *io)
{
    const CardPart *part;

    if (io->op == CARD_IO_FLUSH && io->nsid == UINT32_MAX) {
        return CARD_ST_OK;
    }
    part = card_ns(card, io->fn, io->nsid);
    if (!part) {
        return CARD_ST_INVALID_NS;
    }
    /* Half wiped and nobody at it: a drive or the flash failed. */
    if (part->formatting || (part->wiping && io->op != CARD_IO_FORMAT)) {
        return CARD_ST_FORMATTING;
    }
    switch (io->op) {
    case CARD_IO_FLUSH:
        return CARD_ST_OK;
    case CARD_IO_FORMAT:
        if (io->lba_format > 1) {
            return CARD_ST_INVALID_FORMAT;
        }
        return io->secure_erase > 2 ? CARD_ST_INVALID_FIELD : CARD_ST_OK;
    default:
        return io->op < CARD_IO_OPS ? check_range(part, io)
                                    : CARD_ST_INVALID_FIELD;
    }
}

/* ---- waiting ------------------------------------------------------------ */

bool card_req_range(const CardReq *req, uint64_t *ret_from, uint64_t *ret_to)
{
    if (!req->part || req->io.op == CARD_IO_FLUSH) {
        return false;
    }
    *ret_from = req->at;
    *ret_to = req->end;
    return true;
}

static bool is_running(const CardReq *req)
{
    return req &&
           (req->state == CARD_REQ_RUNNING || req->state == CARD_REQ_FLUSHING);
}

bool card_req_overlaps(const Card *card, const CardPart *part, uint64_t from,
                       uint64_t to)
{
    const CardIface *iface;
    uint64_t a, b;

    if (part->fn < 0) {
        return false;
    }
    iface = &card->iface[part->fn];
    for (unsigned s = 0; iface->in_flight && s < CARD_MAX_IO_SLOTS; s++) {
        const CardReq *req = iface->req[s];

        if (is_running(req) && req->part == part &&
            card_req_range(req, &a, &b) && a < to && from < b) {
            return true;
        }
    }
    return false;
}

/* FORMAT goes on when nothing else of its namespace is left. */
static bool drained(const Card *card, const CardReq *format)
{
    const CardIface *iface = &card->iface[format->io.fn];

    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        const CardReq *req = iface->req[s];

        if (req && req != format && req->state != CARD_REQ_FREE &&
            req->part == format->part) {
            return false;
        }
    }
    return true;
}

bool card_req_must_wait(const Card *card, const CardReq *req)
{
    uint64_t from, to;

    if (card->iface[req->io.fn].stalled) {
        return true;
    }
    if (req->io.op == CARD_IO_FORMAT) {
        return !drained(card, req);
    }
    return card_req_range(req, &from, &to) &&
           card_rekey_claims(card, req->part, from, to);
}

static int by_seq(const void *a, const void *b)
{
    const CardReq *x = *(CardReq *const *)a;
    const CardReq *y = *(CardReq *const *)b;

    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

unsigned card_req_list(const CardIface *iface, CardReq **ret)
{
    unsigned n = 0;

    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS && n < iface->in_flight; s++) {
        if (iface->req[s] && iface->req[s]->state != CARD_REQ_FREE) {
            ret[n++] = iface->req[s];
        }
    }
    qsort(ret, n, sizeof(*ret), by_seq);
    return n;
}

/* ---- completion --------------------------------------------------------- */

static void count(CardIface *iface, const CardReq *req, uint16_t status)
{
    CardIfStats *s = &iface->stats;
    uint64_t bytes = req->end - req->at;

    if (status) {
        s->errors++;
    }
    if (req->io.op == CARD_IO_READ) {
        s->read_cmds++;
        s->read_bytes += status ? 0 : bytes;
    } else if (req->io.op == CARD_IO_WRITE) {
        s->write_cmds++;
        s->write_bytes += status ? 0 : bytes;
    } else {
        s->other_cmds++;
    }
}

/* Nothing of @req's partition is needed any more, nor held up by it. */
static void req_leave_part(Card *card, CardReq *req)
{
    card_phys_drop(card, req);
    if (req->io.op == CARD_IO_FORMAT && req->part) {
        req->part->formatting = false;
    }
    req->part = NULL;
}

/* Back to FREE; late answers of the models no longer match. */
static void req_release(Card *card, CardReq *req)
{
    CardIface *iface = &card->iface[req->io.fn];

    req_leave_part(card, req);
    iface->n_blocked -= req->state == CARD_REQ_BLOCKED;
    iface->n_ending -= req->state == CARD_REQ_ENDING;
    iface->in_flight--;
    req->state = CARD_REQ_FREE;
    req->io.buf = NULL;
    req->generation++;
}

void card_req_end(Card *card, CardReq *req, uint16_t status)
{
    unsigned fn = req->io.fn, slot = req->io.slot;
    CardIface *iface = &card->iface[fn];

    count(iface, req, status);
    req_release(card, req);
    nvme_ctrl_io_done(iface->ctrl, slot, status);
    card_unblock(card, fn);
    card_rekey_kick(card);
}

void card_req_end_later(Card *card, CardReq *req, uint16_t status)
{
    CardIface *iface = &card->iface[req->io.fn];

    req_leave_part(card, req);
    iface->n_blocked -= req->state == CARD_REQ_BLOCKED;
    iface->n_ending += req->state != CARD_REQ_ENDING;
    req->state = CARD_REQ_ENDING;
    req->status = status;
    card_admit_rearm(card, req->io.fn);
}

/* ---- running ------------------------------------------------------------ */

static uint64_t drives_of(const CardMap *map, uint64_t from, uint64_t to)
{
    uint64_t set = 0;
    CardPiece p;

    for (unsigned e = 0; e < card_map_extents(map); e++) {
        if (card_map_extent(map, e, from, to, &p)) {
            set |= 1u << p.drive;
        }
    }
    return set;
}

/* The drives a FLUSH goes to. */
static uint64_t flush_set(const Card *card, const CardReq *req)
{
    uint64_t set = 0;

    if (req->part) {
        return drives_of(&req->part->map, 0, req->part->bytes);
    }
    for (unsigned n = 1; n <= CARD_MAX_NSID; n++) {
        const CardPart *part = card->iface[req->io.fn].ns[n];

        set |= part ? drives_of(&part->map, 0, part->bytes) : 0;
    }
    return set;
}

static void req_run(Card *card, CardReq *req)
{
    CardIface *iface = &card->iface[req->io.fn];
    uint16_t status = CARD_ST_OK;

    iface->n_blocked -= req->state == CARD_REQ_BLOCKED;
    req->state = CARD_REQ_RUNNING;
    req->ext = 0;
    switch (req->io.op) {
    case CARD_IO_FLUSH:
        req->cursor = flush_set(card, req);
        break;
    case CARD_IO_READ:
    case CARD_IO_WRITE:
    case CARD_IO_VERIFY:
        req->cursor = req->at;
        break;
    case CARD_IO_FORMAT:
        status = card_format_begin(card, req);
        /* fall through */
    default:
        req->cursor = 0;
        break;
    }
    if (status == CARD_ST_OK) {
        card_phys_issue(card, req);
    }
    if (!req->busy) {
        card_req_end_later(card, req, status);
    }
}

/* All physical requests of a phase have ended. */
static void req_phase_end(Card *card, CardReq *req)
{
    if (req->state == CARD_REQ_RUNNING && !req->status) {
        if (req->io.op == CARD_IO_WRITE && req->io.fua) {
            req->state = CARD_REQ_FLUSHING;
            req->cursor = drives_of(&req->part->map, req->at, req->end);
            card_phys_issue(card, req);
            return;
        }
        if (req->io.op == CARD_IO_READ) {
            req->status = card_phys_fetch(card, req, req->at, req->end);
        } else if (req->io.op == CARD_IO_FORMAT) {
            req->status = card_format_end(card, req->part);
        }
    }
    card_req_end(card, req, req->status);
}

void card_req_step(Card *card, CardReq *req)
{
    if (!req->status) {
        card_phys_issue(card, req);
    }
    if (!req->busy) {
        req_phase_end(card, req);
    }
}

static CardReq *req_take(Card *card, const CardIo *io)
{
    CardIface *iface = &card->iface[io->fn];
    CardReq *req = iface->req[io->slot];

    if (!req) {
        req = iface->req[io->slot] = g_new0(CardReq, 1);
    }
    g_assert(req->state == CARD_REQ_FREE);
    req->io = *io;
    req->part = card_ns(card, io->fn, io->nsid);
    req->seq = card->next_seq++;
    req->at = req->end = 0;
    req->status = CARD_ST_OK;
    req->generation++;
    req->bound = true;
    req->busy = 0;
    iface->in_flight++;
    if (card->version >= 2 && iface->in_flight > iface->stats.peak_in_flight) {
        iface->stats.peak_in_flight = iface->in_flight;
    }
    return req;
}

/* Since it was admitted the namespace may have been replaced or formatted:
 * then the buffer may be too small for the blocks of today. */
static uint16_t check_again(Card *card, const CardIo *io)
{
    CardAdmitted *was = &card->iface[io->fn].admitted[io->slot];
    const CardPart *part = card_ns(card, io->fn, io->nsid);
    uint16_t status = card_io_check(card, io);

    if (!status && part && was->valid) {
        if (was->part_id != part->id) {
            status = CARD_ST_INVALID_NS;
        } else if (was->lba_format != part->lba_format) {
            status = CARD_ST_FORMATTING;
        }
    }
    was->valid = false;
    return status;
}

void card_io_start(Card *card, const CardIo *io)
{
    uint16_t status = check_again(card, io);
    CardReq *req = req_take(card, io);

    if (status) {
        req->part = NULL; /* another FORMAT's mark stays */
        card_req_end_later(card, req, status);
        return;
    }
    if (req->part && io->op == CARD_IO_FORMAT) {
        req->part->formatting = true;
        req->end = req->part->bytes;
    } else if (req->part && io->op != CARD_IO_FLUSH) {
        uint32_t block = card_block_bytes(req->part);

        req->at = io->slba * block;
        req->end = req->at + (uint64_t)io->nlb * block;
    }
    if (card_req_must_wait(card, req)) {
        req->state = CARD_REQ_BLOCKED;
        card->iface[io->fn].n_blocked++;
        return;
    }
    req_run(card, req);
}

void card_unblock(Card *card, unsigned fn)
{
    CardIface *iface = &card->iface[fn];
    CardReq *list[CARD_MAX_IO_SLOTS];
    unsigned n = iface->n_blocked ? card_req_list(iface, list) : 0;

    for (unsigned i = 0; i < n; i++) {
        if (list[i]->state == CARD_REQ_BLOCKED &&
            !card_req_must_wait(card, list[i])) {
            req_run(card, list[i]);
        }
    }
}

/* ---- giving up ---------------------------------------------------------- */

void card_io_cancel(Card *card, unsigned fn, unsigned slot)
{
    CardIface *iface = &card->iface[fn];
    CardReq *req = iface->req[slot];

    iface->admitted[slot].valid = false;
    if (throttle_cancel(&iface->throttle, slot)) {
        card_admit_rearm(card, fn);
    }
    if (req && req->state != CARD_REQ_FREE) {
        card_format_finish_now(card, req);
        req_release(card, req);
        card_unblock(card, fn);
        card_rekey_kick(card);
    }
}

void card_io_cancel_all(Card *card, unsigned fn)
{
    CardIface *iface = &card->iface[fn];

    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        CardReq *req = iface->req[s];

        throttle_cancel(&iface->throttle, s);
        iface->admitted[s].valid = false;
        if (req && req->state != CARD_REQ_FREE) {
            card_format_finish_now(card, req);
            req_release(card, req);
        }
    }
    card_admit_rearm(card, fn);
    card_rekey_cancelled(card, fn);
}

void card_abort_range(Card *card, CardPart *part, uint64_t from, uint64_t to,
                      uint16_t status)
{
    CardReq *list[CARD_MAX_IO_SLOTS];
    uint64_t seq[CARD_MAX_IO_SLOTS];
    CardIface *iface = &card->iface[part->fn];
    unsigned n = card_req_list(iface, list);

    for (unsigned i = 0; i < n; i++) {
        seq[i] = list[i]->seq;
    }
    for (unsigned i = 0; i < n; i++) {
        CardReq *req = list[i];
        uint64_t a = 0, b = part->bytes;

        /* Ending one may start, end or reuse others. */
        if (req->state == CARD_REQ_FREE || req->seq != seq[i] ||
            req->part != part) {
            continue;
        }
        if (card_req_range(req, &a, &b) ? a < to && from < b : from == 0) {
            card_format_finish_now(card, req);
            card_req_end(card, req, status);
        }
    }
}
