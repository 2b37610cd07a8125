/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_format.c: FORMAT of a namespace: another key, another block size,
 * everything discarded, whatever happens in between.
 *
 * Not modelled: metadata, protection information, progress of a format.
 */
#include "card_priv.h"

#include <string.h>

/*
 * The flash first says that the content is being wiped, under which new key
 * and block size; then the discarding starts. Whoever finds that mark after
 * a crash wipes again; until all is wiped nothing but another FORMAT or
 * attaching anew is possible. The old key is gone at once, so all three kinds
 * of secure erase are met.
 */
uint16_t card_format_begin(Card *card, CardReq *req)
{
    CardPart *part = req->part;
    CardPart old = *part;
    uint32_t generation = MAX(part->key.generation, part->next.generation) + 1;
    bool ok = true;

    card_rekey_drop_chunk(card, part);
    memset(&part->key, 0, sizeof(part->key));
    memset(&part->next, 0, sizeof(part->next));
    part->rekeying = false;
    part->rekey_done = 0;
    part->lba_format = req->io.lba_format;
    part->wiping = true;
    if (part->encrypted) {
        ok = card_key_make(card, part, generation, &part->key);
    }
    if (ok && card_nvram_store(card)) {
        card_key_destroy(card, &old.key);
        card_key_destroy(card, &old.next);
    } else {
        card_key_destroy(card, &part->key);
        *part = old;
        ok = false;
    }
    explicit_bzero(&old, sizeof(old));
    return ok ? CARD_ST_OK : CARD_ST_INTERNAL;
}

uint16_t card_format_end(Card *card, CardPart *part)
{
    part->wiping = false;
    if (!card_nvram_store(card)) {
        part->wiping = true; /* or the next start would wipe new data */
        return CARD_ST_INTERNAL;
    }
    return CARD_ST_OK;
}

/* A FORMAT that nobody waits for any more: all of it, now. */
void card_format_finish_now(Card *card, CardReq *req)
{
    CardPart *part = req->part;

    if (req->io.op == CARD_IO_FORMAT && part && part->wiping &&
        !card_space_discard(card, &part->map, 0, part->bytes)) {
        card_format_end(card, part);
    }
}
