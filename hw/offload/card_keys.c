/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_keys.c: keys of partitions, and partition data on its way between
 * plaintext and drive.
 *
 * A key lives in memory while its partition is attached or being rekeyed, in
 * NVRAM only sealed, under a label that names partition and generation: a
 * sealed key put in another one's place does not open. AES-256-XTS; the
 * tweak is the block's number within the partition, the unit is the block.
 *
 * Not modelled: integrity (XTS has none), escrow of keys.
 */
#include "card_priv.h"

#include <string.h>

static char *key_label(const CardPart *part, uint32_t generation)
{
    return g_strdup_printf("outrigger partition %u key %u", part->id,
                           generation);
}

bool card_key_make(Card *card, const CardPart *part, uint32_t generation,
                   CardKey *ret)
{
    g_autofree char *label = key_label(part, generation);
    CardKey key = { .exists = true, .open = true, .generation = generation };
    const unsigned half = SEAM_XTS_KEY_BYTES / 2;
    bool ok = card->seam->random(card->opaque, key.bytes, sizeof(key.bytes));

    /* XTS is weak when both halves are equal (IEEE 1619-2018, 5.1). */
    ok = ok && memcmp(key.bytes, key.bytes + half, half) != 0;
    ok = ok && card->seam->seal(card->opaque, label, key.bytes,
                                sizeof(key.bytes), key.sealed);
    if (ok) {
        *ret = key;
    }
    explicit_bzero(&key, sizeof(key));
    return ok;
}

static bool key_open(Card *card, const CardPart *part, CardKey *key)
{
    g_autofree char *label = key_label(part, key->generation);

    if (!key->open) {
        key->open =
            key->exists && card->seam->unseal(card->opaque, label, key->sealed,
                                              sizeof(key->sealed), key->bytes);
    }
    return key->open;
}

bool card_part_open_keys(Card *card, CardPart *part)
{
    bool ok;

    if (!part->encrypted) {
        return true;
    }
    ok = key_open(card, part, &part->key) &&
         (!part->rekeying || key_open(card, part, &part->next));
    if (!ok) {
        card_part_close_keys(card, part);
    }
    return ok;
}

void card_key_close(Card *card, CardKey *key)
{
    if (key->open && card->seam->xts_forget) {
        card->seam->xts_forget(card->opaque, key->bytes);
    }
    explicit_bzero(key->bytes, sizeof(key->bytes));
    key->open = false;
}

void card_part_close_keys(Card *card, CardPart *part)
{
    card_key_close(card, &part->key);
    card_key_close(card, &part->next);
}

void card_key_destroy(Card *card, CardKey *key)
{
    card_key_close(card, key);
    explicit_bzero(key, sizeof(*key));
}

/* ---- data ------------------------------------------------------------------
 */

bool card_is_zero(const void *buf, size_t len)
{
    const uint8_t *p = buf;

    /* Nearly always decided by the first word. */
    return len == 0 ||
           (p[0] == 0 && p[len - 1] == 0 && !memcmp(p, p + 1, len - 1));
}

bool card_encrypt_key(Card *card, const CardPart *part, const CardKey *key,
                      uint64_t at, const void *in, void *out, size_t len)
{
    uint32_t block = card_block_bytes(part);

    return key->open && card->seam->xts(card->opaque, true, key->bytes,
                                        at / block, block, in, out, len);
}

bool card_decrypt_key(Card *card, const CardPart *part, const CardKey *key,
                      uint64_t at, void *buf, size_t len)
{
    uint32_t block = card_block_bytes(part);
    uint8_t *p = buf;
    size_t done = 0;

    while (done < len) {
        size_t run = 0;

        while (done + run < len && !card_is_zero(p + done + run, block)) {
            run += block;
        }
        if (run &&
            (!key->open || !card->seam->xts(card->opaque, false, key->bytes,
                                            (at + done) / block, block,
                                            p + done, p + done, run))) {
            return false;
        }
        done += run;
        while (done < len && card_is_zero(p + done, block)) {
            done += block;
        }
    }
    return true;
}

/* How many of @len bytes at @at are on the same side of the watermark. */
static size_t same_key(const CardPart *part, uint64_t at, size_t len,
                       const CardKey **ret)
{
    if (part->rekeying && at < part->rekey_done) {
        *ret = &part->next;
        return MIN(len, part->rekey_done - at);
    }
    *ret = &part->key;
    return len;
}

bool card_encrypt(Card *card, const CardPart *part, uint64_t at, const void *in,
                  void *out, size_t len)
{
    if (!part->encrypted) {
        memcpy(out, in, len);
        return true;
    }
    for (size_t done = 0, n; done < len; done += n) {
        const CardKey *key;

        n = same_key(part, at + done, len - done, &key);
        if (!card_encrypt_key(card, part, key, at + done,
                              (const uint8_t *)in + done, (uint8_t *)out + done,
                              n)) {
            return false;
        }
    }
    return true;
}

bool card_decrypt(Card *card, const CardPart *part, uint64_t at, void *buf,
                  size_t len)
{
    if (!part->encrypted) {
        return true;
    }
    for (size_t done = 0, n; done < len; done += n) {
        const CardKey *key;

        n = same_key(part, at + done, len - done, &key);
        if (!card_decrypt_key(card, part, key, at + done, (uint8_t *)buf + done,
                              n)) {
            return false;
        }
    }
    return true;
}
