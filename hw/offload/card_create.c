/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_create.c: making a partition: is the wish possible, where does it
 * lie, who is it, which key.
 */
#include "card_priv.h"

#include <string.h>

bool card_store(Card *card, const CardPart *part, GError **errp)
{
    return card_nvram_store(card) ||
           card_refuse(errp, CARD_APP_ERROR_IO,
                       "partition '%s': the flash refused the "
                       "change",
                       part->name);
}

static bool spec_drives(const Card *card, const CardPartitionSpec *spec,
                        GError **errp)
{
    unsigned seen = 0;

    if (spec->n_drives < (spec->layout == CARD_LAYOUT_STRIPE ? 2 : 1) ||
        spec->n_drives > card->n_drives) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "partition '%s': %u drives; a stripe needs 2 or "
                           "more, the card has %u",
                           spec->name, spec->n_drives, card->n_drives);
    }
    for (unsigned i = 0; i < spec->n_drives; i++) {
        if (spec->drives[i] >= card->n_drives) {
            return card_refuse(errp, CARD_APP_ERROR_NOT_FOUND,
                               "partition '%s': no drive %u", spec->name,
                               spec->drives[i]);
        }
        if (seen >> spec->drives[i] & 1) {
            return card_refuse(errp, CARD_APP_ERROR_INVALID,
                               "partition '%s': drive %u is named twice",
                               spec->name, spec->drives[i]);
        }
        seen |= 1u << spec->drives[i];
    }
    return true;
}

static bool spec_valid(const Card *card, const CardPartitionSpec *spec,
                       GError **errp)
{
    if (!card_name_valid(spec->name)) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "a partition's name is 1 to %u letters, digits, "
                           "'-', '_' or '.'",
                           CARD_NAME_MAX);
    }
    if (card_part_find(card, spec->name)) {
        return card_refuse(errp, CARD_APP_ERROR_EXISTS,
                           "partition '%s' exists already", spec->name);
    }
    if (card->parts->len == CARD_MAX_PARTITIONS) {
        return card_refuse(errp, CARD_APP_ERROR_NO_SPACE,
                           "a card has at most %u partitions",
                           CARD_MAX_PARTITIONS);
    }
    if (!spec->bytes || spec->bytes % CARD_UNIT_BYTES ||
        spec->bytes > CARD_MAX_BYTES) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "partition '%s': %" G_GUINT64_FORMAT
                           " bytes is not a positive multiple of 1 MiB",
                           spec->name, spec->bytes);
    }
    if (spec->layout > CARD_LAYOUT_STRIPE || spec->lba_format > 1) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "partition '%s': unknown layout or LBA format",
                           spec->name);
    }
    if (spec->layout == CARD_LAYOUT_STRIPE &&
        (!spec->stripe_bytes || spec->stripe_bytes % 4096 ||
         spec->stripe_bytes > CARD_MAX_STRIPE_BYTES)) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "partition '%s': stripes of %u bytes; they are a "
                           "multiple of 4096, at most 1 GiB",
                           spec->name, spec->stripe_bytes);
    }
    return spec_drives(card, spec, errp);
}

static CardPart *part_of_spec(const Card *card, const CardPartitionSpec *spec)
{
    CardPart *part = g_new0(CardPart, 1);
    bool stripe = spec->layout == CARD_LAYOUT_STRIPE;

    part->id = card->next_id;
    g_strlcpy(part->name, spec->name, sizeof(part->name));
    part->bytes = spec->bytes;
    part->map.layout = spec->layout;
    part->map.stripe_bytes = stripe ? spec->stripe_bytes : 0;
    part->map.n_cols = stripe ? spec->n_drives : 1;
    part->n_drives = spec->n_drives;
    memcpy(part->drives, spec->drives,
           spec->n_drives * sizeof(part->drives[0]));
    part->lba_format = spec->lba_format;
    part->encrypted = spec->encrypted && !card->controls.no_encryption;
    part->fn = -1;
    return part;
}

/* RFC 9562 version 4; a locally administered EUI-64. */
static bool make_identity(Card *card, CardPart *part)
{
    if (!card->seam->random(card->opaque, part->uuid, sizeof(part->uuid)) ||
        !card->seam->random(card->opaque, part->eui64, sizeof(part->eui64))) {
        return false;
    }
    part->uuid[6] = (part->uuid[6] & 0x0f) | 0x40;
    part->uuid[8] = (part->uuid[8] & 0x3f) | 0x80;
    part->eui64[0] = (part->eui64[0] & 0xfc) | 0x02;
    return true;
}

static bool prepare(Card *card, CardPart *part, GError **errp)
{
    if (!card_space_grow(card, part, part->bytes)) {
        return card_refuse(errp, CARD_APP_ERROR_NO_SPACE,
                           "partition '%s': no room for %" G_GUINT64_FORMAT
                           " bytes on its drives",
                           part->name, part->bytes);
    }
    if (!make_identity(card, part) ||
        (part->encrypted && !card_key_make(card, part, 1, &part->key))) {
        return card_refuse(errp, CARD_APP_ERROR_KEY,
                           "partition '%s': no key could be made", part->name);
    }
    /* Nothing uses the key before it is attached. */
    card_part_close_keys(card, part);
    if (card_space_discard(card, &part->map, 0, part->bytes)) {
        return card_refuse(errp, CARD_APP_ERROR_IO,
                           "partition '%s': a drive cannot discard",
                           part->name);
    }
    return true;
}

bool card_partition_create(Card *card, const CardPartitionSpec *spec,
                           GError **errp)
{
    CardPart *part;

    if (!spec_valid(card, spec, errp)) {
        return false;
    }
    part = part_of_spec(card, spec);
    if (!prepare(card, part, errp)) {
        card_part_free(part);
        return false;
    }
    g_ptr_array_add(card->parts, part);
    card->next_id++;
    if (!card_store(card, part, errp)) {
        g_ptr_array_remove(card->parts, part); /* frees it */
        card->next_id--;
        return false;
    }
    return true;
}
