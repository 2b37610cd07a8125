/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_nvram.c: what the card remembers without power: its drives, the
 * partitions and their sealed keys, and how far a re-encryption has got.
 *
 * Format: section "OCNV" (state_buf.h), then the SHA-256 of everything before
 * it. The flash is replaced as a whole and atomically, and only by the
 * control plane, FORMAT and re-encryption, never by guest reads and writes.
 *
 * Not remembered: attachments, limits, faults. The control plane sets those
 * after each start; saved state (card_state.c) has them.
 */
#include "card_priv.h"

#include <string.h>

#define NVRAM_MAGIC 0x564e434fu /* "OCNV" */
#define NVRAM_VERSION 1u
#define HASH_BYTES 32u

void card_hash(const void *data, size_t len, uint8_t ret[32])
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize got = HASH_BYTES;

    g_checksum_update(sum, data, len);
    g_checksum_get_digest(sum, ret, &got);
    g_checksum_free(sum);
}

/* ---- drives ------------------------------------------------------------- */

void card_drives_put(const Card *card, GByteArray *out)
{
    state_put_u32(out, card->n_drives);
    for (unsigned i = 0; i < card->n_drives; i++) {
        state_put_string(out, card->drive[i].name);
        state_put_u64(out, card->drive[i].bytes);
    }
}

void card_drives_check(const Card *card, StateReader *r)
{
    unsigned n = state_get_u32_max(r, SEAM_MAX_DRIVES, "number of drives");

    if (state_ok(r) && n != card->n_drives) {
        state_fail(r, "it was written with %u drives, the card has %u", n,
                   card->n_drives);
    }
    for (unsigned i = 0; i < n && state_ok(r); i++) {
        g_autofree char *name = state_get_string(r, CARD_NAME_MAX);
        uint64_t bytes = state_get_u64(r);

        if (state_ok(r) && (strcmp(name, card->drive[i].name) ||
                            bytes != card->drive[i].bytes)) {
            state_fail(r,
                       "drive %u was '%s' of %" G_GUINT64_FORMAT
                       " bytes, now it is '%s' of %" G_GUINT64_FORMAT,
                       i, name, bytes, card->drive[i].name,
                       card->drive[i].bytes);
        }
    }
}

/* ---- partitions --------------------------------------------------------- */

static void map_put(const CardMap *map, GByteArray *out)
{
    state_put_u8(out, map->layout);
    state_put_u32(out, map->stripe_bytes);
    state_put_u8(out, map->n_cols);
    state_put_u8(out, map->n_segs);
    for (unsigned s = 0; s < map->n_segs; s++) {
        state_put_u64(out, map->seg_bytes[s]);
    }
    for (unsigned e = 0; e < card_map_extents(map); e++) {
        state_put_u8(out, map->ext[e].drive);
        state_put_u64(out, map->ext[e].drive_offset);
        state_put_u64(out, map->ext[e].bytes);
    }
}

static void map_get(CardMap *map, StateReader *r)
{
    map->layout = state_get_u8(r);
    map->stripe_bytes = state_get_u32(r);
    map->n_cols = state_get_u8(r);
    map->n_segs = state_get_u8(r);
    if (state_ok(r) && (map->layout > CARD_LAYOUT_STRIPE || !map->n_cols ||
                        map->n_segs > CARD_MAX_EXTENTS ||
                        map->n_segs * map->n_cols > CARD_MAX_EXTENTS)) {
        state_fail(r, "the layout of a partition is impossible");
    }
    if (!state_ok(r)) {
        memset(map, 0, sizeof(*map));
        return;
    }
    for (unsigned s = 0; s < map->n_segs; s++) {
        map->seg_bytes[s] = state_get_u64(r);
    }
    for (unsigned e = 0; e < card_map_extents(map); e++) {
        map->ext[e].drive = state_get_u8(r);
        map->ext[e].drive_offset = state_get_u64(r);
        map->ext[e].bytes = state_get_u64(r);
    }
}

void card_part_put(const CardPart *part, GByteArray *out)
{
    state_put_u32(out, part->id);
    state_put_string(out, part->name);
    state_put_u64(out, part->bytes);
    map_put(&part->map, out);
    state_put_u8(out, part->n_drives);
    for (unsigned i = 0; i < part->n_drives; i++) {
        state_put_u8(out, part->drives[i]);
    }
    state_put_u8(out, part->lba_format);
    state_put_u8(out, part->encrypted);
    state_put_u8(out, part->destroyed);
    state_put_u8(out, part->wiping);
    state_put_bytes(out, part->uuid, sizeof(part->uuid));
    state_put_bytes(out, part->eui64, sizeof(part->eui64));
    state_put_u8(out, part->key.exists);
    state_put_u32(out, part->key.generation);
    state_put_u8(out, part->rekeying);
    state_put_u64(out, part->rekey_done);
    state_put_u32(out, part->next.generation);
}

static const char *part_check(const Card *card, const CardPart *part)
{
    unsigned cols = part->map.layout == CARD_LAYOUT_STRIPE ? part->map.n_cols
                                                           : part->n_drives;

    if (!part->id || part->id >= card->next_id) {
        return "its id was never given";
    }
    if (card->parts->len &&
        part->id <= card_part_at(card, card->parts->len - 1)->id) {
        return "its id is out of order";
    }
    if (!card_name_valid(part->name) || card_part_find(card, part->name)) {
        return "its name is not valid or not unique";
    }
    if (!part->bytes || part->bytes % CARD_UNIT_BYTES ||
        part->bytes > CARD_MAX_BYTES || part->lba_format > 1) {
        return "its size is impossible";
    }
    if (part->n_drives < 1 || part->n_drives != cols) {
        return "its number of drives is impossible";
    }
    for (unsigned i = 0; i < part->n_drives; i++) {
        if (part->drives[i] >= card->n_drives) {
            return "it names a drive that is not there";
        }
    }
    if (part->key.exists != (part->encrypted && !part->destroyed) ||
        (part->rekeying && (!part->key.exists || part->wiping)) ||
        (part->rekeying && part->next.generation <= part->key.generation)) {
        return "its keys are inconsistent";
    }
    if (part->rekeying ? part->rekey_done > part->bytes ||
                             part->rekey_done % CARD_REKEY_BYTES
                       : part->rekey_done != 0) {
        return "its re-encryption mark is impossible";
    }
    return card_space_check(card, part);
}

CardPart *card_part_get(const Card *card, StateReader *r)
{
    CardPart *part = g_new0(CardPart, 1);
    g_autofree char *name = NULL;
    const char *why;

    part->fn = -1;
    part->id = state_get_u32(r);
    name = state_get_string(r, CARD_NAME_MAX);
    if (name) {
        g_strlcpy(part->name, name, sizeof(part->name));
    }
    part->bytes = state_get_u64(r);
    map_get(&part->map, r);
    part->n_drives = state_get_u8(r);
    if (state_ok(r) && part->n_drives > SEAM_MAX_DRIVES) {
        state_fail(r, "a partition on %u drives", part->n_drives);
        part->n_drives = 0;
    }
    for (unsigned i = 0; i < part->n_drives; i++) {
        part->drives[i] = state_get_u8(r);
    }
    part->lba_format = state_get_u8(r);
    part->encrypted = state_get_bool(r, "encrypted");
    part->destroyed = state_get_bool(r, "destroyed");
    part->wiping = state_get_bool(r, "wiping");
    state_get_bytes(r, part->uuid, sizeof(part->uuid));
    state_get_bytes(r, part->eui64, sizeof(part->eui64));
    part->key.exists = state_get_bool(r, "key");
    part->key.generation = state_get_u32(r);
    part->rekeying = state_get_bool(r, "rekeying");
    part->rekey_done = state_get_u64(r);
    part->next.generation = state_get_u32(r);
    part->next.exists = part->rekeying;
    why = state_ok(r) ? part_check(card, part) : NULL;
    if (why) {
        state_fail(r, "partition %u ('%s'): %s", part->id, part->name, why);
    }
    if (!state_ok(r)) {
        g_free(part);
        return NULL;
    }
    return part;
}

/* ---- the image ---------------------------------------------------------- */

void card_part_hot_put(const CardPart *part, GByteArray *out)
{
    unsigned prints = part->hot_bytes / card_block_bytes(part);

    state_put_u32(out, part->hot_bytes);
    for (unsigned i = 0; i < prints; i++) {
        state_put_u64(out, part->hot_print[i]);
    }
}

void card_part_hot_get(CardPart *part, StateReader *r)
{
    part->hot_bytes =
        state_get_u32_max(r, CARD_REKEY_BYTES, "chunk of re-encryption");
    if (part->hot_bytes &&
        (!part->rekeying || part->hot_bytes % card_block_bytes(part) ||
         part->hot_bytes > part->bytes - part->rekey_done)) {
        state_fail(r, "partition %u: an impossible re-encryption", part->id);
        part->hot_bytes = 0;
    }
    for (unsigned i = 0; i < part->hot_bytes / card_block_bytes(part); i++) {
        part->hot_print[i] = state_get_u64(r);
    }
}

static void part_secrets_put(const CardPart *part, GByteArray *out)
{
    if (part->key.exists) {
        state_put_bytes(out, part->key.sealed, CARD_SEALED_BYTES);
    }
    if (part->rekeying) {
        state_put_bytes(out, part->next.sealed, CARD_SEALED_BYTES);
    }
}

static void part_secrets_get(CardPart *part, StateReader *r)
{
    if (part->key.exists) {
        state_get_bytes(r, part->key.sealed, CARD_SEALED_BYTES);
    }
    if (part->rekeying) {
        state_get_bytes(r, part->next.sealed, CARD_SEALED_BYTES);
    }
}

GByteArray *card_nvram_image(const Card *card)
{
    GByteArray *out = g_byte_array_new();
    size_t mark = state_begin(out, NVRAM_MAGIC, NVRAM_VERSION);
    uint8_t hash[HASH_BYTES];

    card_drives_put(card, out);
    state_put_u32(out, card->next_id);
    state_put_u32(out, card->parts->len);
    for (unsigned i = 0; i < card->parts->len; i++) {
        card_part_put(card_part_at(card, i), out);
        part_secrets_put(card_part_at(card, i), out);
        card_part_hot_put(card_part_at(card, i), out);
    }
    state_end(out, mark);
    card_hash(out->data, out->len, hash);
    state_put_bytes(out, hash, sizeof(hash));
    return out;
}

bool card_nvram_store(Card *card)
{
    g_autoptr(GByteArray) image = card_nvram_image(card);

    return card->seam->nvram_store(card->opaque, image->data, image->len);
}

static void parse_parts(Card *card, StateReader *r)
{
    unsigned n;

    card_drives_check(card, r);
    card->next_id = state_get_u32(r);
    n = state_get_u32_max(r, CARD_MAX_PARTITIONS, "number of partitions");
    for (unsigned i = 0; i < n && state_ok(r); i++) {
        CardPart *part = card_part_get(card, r);

        if (part) {
            g_ptr_array_add(card->parts, part);
            part_secrets_get(part, r);
            card_part_hot_get(part, r);
        }
    }
}

bool card_nvram_parse(Card *card, const void *data, size_t len, GError **errp)
{
    uint8_t hash[HASH_BYTES];
    g_autofree char *why = NULL;
    StateReader r, sub;

    if (len < HASH_BYTES) {
        card_refuse(errp, CARD_APP_ERROR_STATE,
                    "the card's NVRAM is corrupt: only %zu bytes", len);
        return false;
    }
    card_hash(data, len - HASH_BYTES, hash);
    if (memcmp(hash, (const uint8_t *)data + len - HASH_BYTES, HASH_BYTES)) {
        card_refuse(errp, CARD_APP_ERROR_STATE,
                    "the card's NVRAM is corrupt: its checksum is wrong");
        return false;
    }
    state_reader_init(&r, data, len - HASH_BYTES);
    if (state_get_section(&r, NVRAM_MAGIC, NVRAM_VERSION, &sub)) {
        parse_parts(card, &sub);
    }
    state_leave(&r, &sub, NULL);
    if (!state_reader_finish(&r, &why)) {
        card_refuse(errp, CARD_APP_ERROR_STATE,
                    "the card's NVRAM does not fit: %s", why);
        return false;
    }
    return true;
}
