/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_chunk.c: the data of one chunk of re-encryption, rewritten so that
 * the process may die at any moment; and what to do after it did.
 *
 * Before a chunk is rewritten the flash records the watermark and the first
 * 8 bytes of each of its blocks. After a crash a block that still begins
 * with them is under the old key and is re-encrypted; any other is under the
 * new one, whether the worker or a guest wrote it last. One store of the
 * flash a chunk; the drives are flushed before it. Assumed: a drive writes a
 * block whole or not at all.
 */
#include "card_priv.h"

#include <string.h>

static int chunk_io(Card *card, const CardPart *part, bool write, uint64_t at,
                    uint8_t *buf, uint32_t bytes)
{
    for (uint32_t done = 0; done < bytes;) {
        CardPiece p = card_map_piece(&part->map, at + done, bytes - done);
        bool fault = card_fault_hits(
            card, write ? CARD_FAULT_WRITE_ERROR : CARD_FAULT_READ_ERROR,
            p.drive, p.offset, p.bytes);

        if (fault ||
            (write ? card->seam->drive_write(card->opaque, p.drive, p.offset,
                                             buf + done, p.bytes)
                   : card->seam->drive_read(card->opaque, p.drive, p.offset,
                                            buf + done, p.bytes))) {
            return -1;
        }
        done += p.bytes;
    }
    return 0;
}

int card_flush_drives(Card *card, const CardPart *part)
{
    int ret = 0;

    for (unsigned d = 0; d < card->n_drives && !ret; d++) {
        for (unsigned e = 0; e < card_map_extents(&part->map); e++) {
            if (part->map.ext[e].drive == d) {
                ret = card->seam->drive_flush(card->opaque, d);
                break;
            }
        }
    }
    return ret;
}

static uint64_t print_of(const uint8_t *block)
{
    uint64_t v;

    memcpy(&v, block, sizeof(v));
    return GUINT64_FROM_LE(v);
}

/* Old key to new key, block by block; blocks of zeroes stay. */
static bool convert(Card *card, const CardPart *part, uint64_t at, uint8_t *buf,
                    uint32_t bytes)
{
    uint32_t block = card_block_bytes(part);

    for (uint32_t i = 0; i < bytes; i += block) {
        if (!card_is_zero(buf + i, block) &&
            (!card_decrypt_key(card, part, &part->key, at + i, buf + i,
                               block) ||
             !card_encrypt_key(card, part, &part->next, at + i, buf + i,
                               buf + i, block))) {
            return false;
        }
    }
    return true;
}

/* The chunk's data, all at this instant. false: nothing has changed. */
bool card_rewrite_chunk(Card *card, CardPart *part, uint64_t at, uint32_t bytes)
{
    uint32_t block = card_block_bytes(part);
    g_autofree uint8_t *buf = g_malloc(bytes);
    bool ok = !chunk_io(card, part, false, at, buf, bytes);

    for (uint32_t i = 0; ok && i < bytes; i += block) {
        part->hot_print[i / block] = print_of(buf + i);
    }
    ok = ok && convert(card, part, at, buf, bytes);
    if (ok) {
        part->hot_bytes = bytes;
        ok = !card_flush_drives(card, part) && card_nvram_store(card);
        if (!ok) {
            part->hot_bytes = 0;
        }
    }
    if (ok && chunk_io(card, part, true, at, buf, bytes)) {
        /* Perhaps half written: hot_bytes stays, recovery sorts it out. */
        ok = false;
    }
    explicit_bzero(buf, bytes);
    return ok;
}

/* ---- after a crash ------------------------------------------------------ */

static bool recover_chunk(Card *card, CardPart *part)
{
    uint32_t block = card_block_bytes(part), bytes = part->hot_bytes;
    uint64_t at = part->rekey_done;
    g_autofree uint8_t *buf = g_malloc(bytes);
    bool ok = !chunk_io(card, part, false, at, buf, bytes);

    for (uint32_t i = 0; ok && i < bytes; i += block) {
        if (print_of(buf + i) == part->hot_print[i / block]) {
            ok = convert(card, part, at + i, buf + i, block);
        }
    }
    ok = ok && !chunk_io(card, part, true, at, buf, bytes);
    ok = ok && !card_flush_drives(card, part);
    if (ok) {
        part->hot_bytes = 0;
        part->rekey_done += bytes;
        ok = card_nvram_store(card);
    }
    explicit_bzero(buf, bytes);
    return ok;
}

bool card_recover(Card *card, CardPart *part, GError **errp)
{
    const char *what = NULL;

    if (!card_part_open_keys(card, part)) {
        card_refuse(errp, CARD_APP_ERROR_KEY,
                    "the key of partition '%s' does not open: it was sealed "
                    "under another root secret",
                    part->name);
        return false;
    }
    if (part->wiping && !part->formatting &&
        (card_space_discard(card, &part->map, 0, part->bytes) ||
         card_format_end(card, part) != CARD_ST_OK)) {
        what = "wiping";
    }
    if (!what && part->hot_bytes && !recover_chunk(card, part)) {
        what = "re-encryption";
    }
    if (what) {
        card_refuse(errp, CARD_APP_ERROR_IO,
                    "partition '%s': its interrupted %s cannot be finished: "
                    "a drive or the flash failed",
                    part->name, what);
        return false;
    }
    return true;
}
