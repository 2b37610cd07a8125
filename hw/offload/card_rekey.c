/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_rekey.c: re-encryption of a partition under a new key while guests
 * use it. What happens to the data of a chunk: card_chunk.c.
 *
 * One worker a card goes over the partition in chunks, one at a time: the
 * chunk is locked (new I/O on it waits, older I/O runs out), passes drive,
 * crypto engine and drive in the models, and is rewritten at the instant the
 * last write is done. Then the watermark moves. Between chunks the worker
 * rests as long as it worked, at least 100 us, so it takes half at most.
 *
 * Not modelled: several workers, a rate of its own.
 */
#include "card_priv.h"

#include <string.h>

#define REST_PS 100000000ull      /* 100 us */
#define RETRY_PS 1000000000000ull /* 1 s: after an error of a drive */

static void set_timer(Card *card, uint64_t at_ps)
{
    card->rekey.timer_ps = at_ps;
    card->seam->timer_set(card->opaque, SEAM_TIMER_REKEY, at_ps);
}

static bool has_work(const CardPart *part)
{
    return part->rekeying && !part->formatting;
}

bool card_rekey_claims(const Card *card, const CardPart *part, uint64_t from,
                       uint64_t to)
{
    const CardRekey *k = &card->rekey;
    uint64_t hot_end = part->rekey_done + part->hot_bytes;

    if (part->hot_bytes && from < hot_end && part->rekey_done < to) {
        return true; /* half rewritten: a drive failed */
    }
    return k->state != CARD_REKEY_IDLE && k->part == part &&
           from < k->at + k->bytes && k->at < to;
}

/* ---- end of a rotation -------------------------------------------------- */

static bool finish_rotation(Card *card, CardPart *part)
{
    CardKey old = part->key;

    if (card_flush_drives(card, part)) {
        return false;
    }
    part->key = part->next;
    memset(&part->next, 0, sizeof(part->next));
    part->rekeying = false;
    part->rekey_done = 0;
    if (!card_nvram_store(card)) {
        part->next = part->key;
        part->key = old;
        part->rekeying = true;
        part->rekey_done = part->bytes;
        explicit_bzero(&old, sizeof(old));
        return false;
    }
    card_key_destroy(card, &old);
    if (part->fn < 0) {
        card_part_close_keys(card, part);
    }
    return true;
}

/* ---- the worker --------------------------------------------------------- */

static CardPart *next_part(const Card *card)
{
    CardPart *first = NULL;

    for (unsigned i = 0; i < card->parts->len; i++) {
        CardPart *part = card_part_at(card, i);

        if (!has_work(part)) {
            continue;
        }
        if (part->id > card->rekey.last_id) {
            return part;
        }
        first = first ? first : part;
    }
    return first;
}

static bool pieces_may_go(const Card *card, const CardRekey *k)
{
    for (uint32_t done = 0; done < k->bytes;) {
        CardPiece p =
            card_map_piece(&k->part->map, k->at + done, k->bytes - done);

        if (card->drive[p.drive].stalled) {
            return false;
        }
        done += p.bytes;
    }
    return true;
}

/* For the event log: operation @index of the chunk's current stage. */
static void chunk_event(Card *card, CardEventKind kind, unsigned index,
                        uint16_t status)
{
    const CardRekey *k = &card->rekey;
    uint32_t at = 0;
    CardPiece p;

    if (k->state == CARD_REKEY_CRYPTO) {
        return;
    }
    for (;;) {
        p = card_map_piece(&k->part->map, k->at + at, k->bytes - at);
        if (index-- == 0) {
            break;
        }
        at += p.bytes;
    }
    card_event(card, (CardEvent){
                         .kind = kind,
                         .fn = k->fn,
                         .cid = UINT16_MAX,
                         .a = p.drive,
                         .b = p.offset,
                         .c = p.bytes << 8 |
                              (k->state == CARD_REKEY_READ ? MODEL_DRIVE_READ
                                                           : MODEL_DRIVE_WRITE),
                         .status = status,
                     });
}

/* Late answers of what is out no longer matter. */
static void give_up_stage(Card *card)
{
    CardRekey *k = &card->rekey;

    for (uint64_t left = k->busy; left; left &= left - 1) {
        chunk_event(card, CARD_EV_PHYS_DONE, __builtin_ctzll(left),
                    CARD_ST_GIVEN_UP);
    }
    k->busy = 0;
    k->generation++;
}

static bool submit_one(Card *card, CardStage stage, unsigned index,
                       const CardPiece *p)
{
    CardRekey *k = &card->rekey;
    ModelOp op = {
        .tag = seam_tag(SEAM_OWNER_CARD, k->fn, stage | CARD_STAGE_REKEY, index,
                        k->generation),
        .addr = p->offset,
        .bytes = p->bytes,
        .fn = k->fn,
        .kind = card_phys_model_kind(stage),
        .drive = p->drive,
    };

    if (!card->seam->model_submit(card->opaque, &op)) {
        return false;
    }
    k->busy |= 1ull << index;
    chunk_event(card, CARD_EV_PHYS_START, index, 0);
    return true;
}

/* All operations of the current stage, or again a little later. */
static void submit_stage(Card *card)
{
    CardRekey *k = &card->rekey;
    bool ok = k->state == CARD_REKEY_CRYPTO || pieces_may_go(card, k);
    unsigned index = 0;

    k->generation++;
    k->busy = 0;
    k->again = false;
    if (k->state == CARD_REKEY_CRYPTO) {
        CardPiece p = { .bytes = 2 * k->bytes };

        ok = submit_one(card, CARD_STAGE_CRYPTO, 0, &p);
    }
    for (uint32_t done = 0;
         ok && k->state != CARD_REKEY_CRYPTO && done < k->bytes;) {
        CardPiece p =
            card_map_piece(&k->part->map, k->at + done, k->bytes - done);

        ok = submit_one(card,
                        k->state == CARD_REKEY_READ ? CARD_STAGE_READ
                                                    : CARD_STAGE_WRITE,
                        index++, &p);
        done += p.bytes;
    }
    if (!ok) {
        give_up_stage(card);
        k->again = true;
        set_timer(card, card_now(card) + REST_PS);
    }
}

static void begin_if_free(Card *card)
{
    CardRekey *k = &card->rekey;

    if (k->state == CARD_REKEY_CLAIMED &&
        !card_req_overlaps(card, k->part, k->at, k->at + k->bytes)) {
        k->state = CARD_REKEY_READ;
        submit_stage(card);
    }
}

static void claim_next(Card *card)
{
    CardRekey *k = &card->rekey;
    CardPart *part = card->suspended ? NULL : next_part(card);

    if (!part) {
        return;
    }
    k->last_id = part->id;
    if (part->rekey_done == part->bytes || part->hot_bytes ||
        !card_part_open_keys(card, part)) {
        if (!card_recover(card, part, NULL) ||
            (part->rekey_done == part->bytes && !finish_rotation(card, part))) {
            set_timer(card, card_now(card) + RETRY_PS);
            return;
        }
        set_timer(card, card_now(card) + REST_PS);
        if (part->fn >= 0) {
            card_unblock(card, part->fn);
        }
        return;
    }
    k->part = part;
    k->at = part->rekey_done;
    k->bytes = MIN(CARD_REKEY_BYTES, part->bytes - k->at);
    k->fn = part->fn >= 0 ? part->fn : 0;
    k->started_ps = card_now(card);
    k->state = CARD_REKEY_CLAIMED;
    begin_if_free(card);
}

void card_rekey_drop_chunk(Card *card, const CardPart *part)
{
    CardRekey *k = &card->rekey;

    if (k->state != CARD_REKEY_IDLE && k->part == part) {
        give_up_stage(card);
        k->state = CARD_REKEY_IDLE;
        k->part = NULL;
        k->again = false;
    }
}

static void end_chunk(Card *card)
{
    CardRekey *k = &card->rekey;
    CardPart *part = k->part;
    uint64_t now = card_now(card);
    uint64_t rest = MAX(now - k->started_ps, REST_PS);

    if (card_rewrite_chunk(card, part, k->at, k->bytes)) {
        part->hot_bytes = 0;
        part->rekey_done = k->at + k->bytes;
    } else {
        rest = RETRY_PS;
    }
    card_rekey_drop_chunk(card, part);
    set_timer(card, now + rest);
    if (part->fn >= 0) {
        card_unblock(card, part->fn);
    }
}

void card_rekey_done(Card *card, uint64_t tag)
{
    CardRekey *k = &card->rekey;
    static const CardStage stage[] = {
        [CARD_REKEY_READ] = CARD_STAGE_READ,
        [CARD_REKEY_CRYPTO] = CARD_STAGE_CRYPTO,
        [CARD_REKEY_WRITE] = CARD_STAGE_WRITE,
    };
    unsigned index = seam_tag_index(tag);

    if (k->state < CARD_REKEY_READ || k->again ||
        seam_tag_generation(tag) != k->generation ||
        seam_tag_stage(tag) != (stage[k->state] | CARD_STAGE_REKEY) ||
        index > 63 || !(k->busy >> index & 1)) {
        return;
    }
    k->busy &= ~(1ull << index);
    chunk_event(card, CARD_EV_PHYS_DONE, index, 0);
    if (k->busy) {
        return;
    }
    if (k->state == CARD_REKEY_WRITE) {
        end_chunk(card);
    } else {
        k->state++;
        submit_stage(card);
    }
}

void card_rekey_timer(Card *card)
{
    CardRekey *k = &card->rekey;

    k->timer_ps = SEAM_NEVER;
    if (k->state == CARD_REKEY_IDLE) {
        claim_next(card);
    } else if (k->again) {
        submit_stage(card);
    }
}

void card_rekey_kick(Card *card)
{
    CardRekey *k = &card->rekey;

    if (k->state == CARD_REKEY_CLAIMED) {
        begin_if_free(card);
    } else if (k->state == CARD_REKEY_IDLE && k->timer_ps == SEAM_NEVER &&
               !card->suspended && next_part(card)) {
        set_timer(card, card_now(card));
    }
}

void card_rekey_created(Card *card)
{
    if (next_part(card)) {
        set_timer(card, card_now(card) + REST_PS);
    }
}

void card_rekey_cancelled(Card *card, unsigned fn)
{
    CardRekey *k = &card->rekey;

    if (k->state >= CARD_REKEY_READ && k->fn == fn) {
        give_up_stage(card);
        k->again = true;
        set_timer(card, card_now(card));
    }
    card_rekey_kick(card);
}

/* ---- beginning ---------------------------------------------------------- */

static bool new_key(Card *card, CardPart *part, GError **errp)
{
    if (!card_key_make(card, part, part->key.generation + 1, &part->next)) {
        card_refuse(errp, CARD_APP_ERROR_KEY,
                    "partition '%s': no new key could be made", part->name);
        return false;
    }
    part->rekeying = true;
    part->rekey_done = 0;
    if (!card_nvram_store(card)) {
        card_key_destroy(card, &part->next);
        part->rekeying = false;
        card_refuse(errp, CARD_APP_ERROR_IO,
                    "partition '%s': the flash refused the new key",
                    part->name);
        return false;
    }
    return true;
}

bool card_rekey_start(Card *card, CardPart *part, GError **errp)
{
    if (!card_recover(card, part, errp)) {
        return false;
    }
    if (!new_key(card, part, errp)) {
        if (part->fn < 0) {
            card_part_close_keys(card, part);
        }
        return false;
    }
    card_rekey_kick(card);
    return true;
}
