/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_control.c: the control plane: partitions, attachments, limits, keys.
 * Nothing here can be reached from a guest.
 *
 * Order of steps. What the flash says is the truth after a crash: space is
 * made clean before the flash gives it to a partition, and is discarded only
 * after the flash has taken it away. When the flash refuses, the card in
 * memory goes back to what it was.
 *
 * Not modelled: users and permissions (the supplier of these calls decides).
 */
#include "card_priv.h"

#include <string.h>

static CardPart *find(const Card *card, const char *name, GError **errp)
{
    CardPart *part = name ? card_part_find(card, name) : NULL;

    if (!part) {
        card_refuse(errp, CARD_APP_ERROR_NOT_FOUND, "no partition '%s'",
                    name ? name : "");
    }
    return part;
}

static bool store(Card *card, const CardPart *part, GError **errp)
{
    return card_nvram_store(card) ||
           card_refuse(errp, CARD_APP_ERROR_IO,
                       "partition '%s': the flash refused the "
                       "change",
                       part->name);
}

/* ---- create
 * ---------------------------------------------------------------------- */

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
    if (!store(card, part, errp)) {
        g_ptr_array_remove(card->parts, part); /* frees it */
        card->next_id--;
        return false;
    }
    return true;
}

/* ---- delete, resize
 * ----------------------------------------------------------------- */

static bool not_busy(const CardPart *part, GError **errp)
{
    if (part->rekeying || part->formatting) {
        return card_refuse(errp, CARD_APP_ERROR_BUSY,
                           "partition '%s' is being %s", part->name,
                           part->rekeying ? "re-encrypted" : "formatted");
    }
    return true;
}

static int part_index(const Card *card, const CardPart *part)
{
    for (unsigned i = 0; i < card->parts->len; i++) {
        if (card_part_at(card, i) == part) {
            return i;
        }
    }
    g_assert_not_reached();
}

bool card_partition_delete(Card *card, const char *name, GError **errp)
{
    CardPart *part = find(card, name, errp);
    int index;

    if (!part) {
        return false;
    }
    if (part->fn >= 0) {
        return card_refuse(errp, CARD_APP_ERROR_BUSY,
                           "partition '%s' is attached to interface '%s'", name,
                           card->iface[part->fn].name);
    }
    index = part_index(card, part);
    g_ptr_array_steal_index(card->parts, index);
    if (!store(card, part, errp)) {
        g_ptr_array_insert(card->parts, index, part);
        return false;
    }
    card_rekey_drop_chunk(card, part);
    card_key_destroy(card, &part->key);
    card_key_destroy(card, &part->next);
    /* The next owner's creation discards again: failing here is harmless. */
    card_space_discard(card, &part->map, 0, part->bytes);
    card_part_free(part);
    return true;
}

static bool grow(Card *card, CardPart *part, uint64_t bytes, GError **errp)
{
    CardMap old = part->map;
    uint64_t old_bytes = part->bytes;

    if (!card_space_grow(card, part, bytes - old_bytes)) {
        return card_refuse(errp, CARD_APP_ERROR_NO_SPACE,
                           "partition '%s': no room for %" G_GUINT64_FORMAT
                           " bytes more, or it is in %u pieces already",
                           part->name, bytes - old_bytes, CARD_MAX_EXTENTS);
    }
    if (card_space_discard(card, &part->map, old_bytes, bytes)) {
        part->map = old;
        return card_refuse(errp, CARD_APP_ERROR_IO,
                           "partition '%s': a drive cannot discard",
                           part->name);
    }
    part->bytes = bytes;
    if (!store(card, part, errp)) {
        part->map = old;
        part->bytes = old_bytes;
        return false;
    }
    return true;
}

static bool shrink(Card *card, CardPart *part, uint64_t bytes, GError **errp)
{
    CardMap old = part->map;
    uint64_t old_bytes = part->bytes;

    card_space_shrink(&part->map, bytes);
    part->bytes = bytes;
    if (!store(card, part, errp)) {
        part->map = old;
        part->bytes = old_bytes;
        return false;
    }
    if (part->fn >= 0) {
        card_abort_range(card, part, bytes, old_bytes, CARD_ST_LBA_RANGE);
    }
    if (card_space_discard(card, &old, bytes, old_bytes)) {
        return card_refuse(errp, CARD_APP_ERROR_IO,
                           "partition '%s' is smaller now, but a drive "
                           "could not discard the rest",
                           part->name);
    }
    return true;
}

bool card_partition_resize(Card *card, const char *name, uint64_t bytes,
                           GError **errp)
{
    CardPart *part = find(card, name, errp);

    if (!part || !not_busy(part, errp)) {
        return false;
    }
    if (!bytes || bytes % CARD_UNIT_BYTES || bytes > CARD_MAX_BYTES) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "partition '%s': %" G_GUINT64_FORMAT
                           " bytes is not a positive multiple of 1 MiB",
                           name, bytes);
    }
    if (part->destroyed) {
        return card_refuse(errp, CARD_APP_ERROR_KEY,
                           "partition '%s' has no key any more", name);
    }
    if (bytes == part->bytes) {
        return true;
    }
    if (bytes > part->bytes ? !grow(card, part, bytes, errp)
                            : !shrink(card, part, bytes, errp)) {
        return false;
    }
    if (part->fn >= 0) {
        nvme_ctrl_ns_changed(card->iface[part->fn].ctrl, part->nsid);
    }
    return true;
}

/* ---- attach, detach
 * ------------------------------------------------------------------- */

static void attach_event(Card *card, CardEventKind kind, const CardPart *part)
{
    card_event(card, (CardEvent){
                         .kind = kind,
                         .fn = part->fn,
                         .nsid = part->nsid,
                         .a = part->id,
                     });
}

bool card_attach(Card *card, const char *name, unsigned fn, uint32_t nsid,
                 GError **errp)
{
    CardPart *part = find(card, name, errp);

    if (!part) {
        return false;
    }
    if (fn >= SEAM_MAX_FUNCTIONS || !card->iface[fn].used) {
        return card_refuse(errp, CARD_APP_ERROR_NOT_FOUND,
                           "no interface on function %u", fn);
    }
    if (nsid < 1 || nsid > CARD_MAX_NSID) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "namespace %u: they are 1 to %u", nsid,
                           CARD_MAX_NSID);
    }
    if (part->fn >= 0) {
        return card_refuse(errp, CARD_APP_ERROR_BUSY,
                           "partition '%s' is attached to interface '%s'", name,
                           card->iface[part->fn].name);
    }
    if (card->iface[fn].ns[nsid]) {
        return card_refuse(errp, CARD_APP_ERROR_EXISTS,
                           "namespace %u of interface '%s' is partition '%s'",
                           nsid, card->iface[fn].name,
                           card->iface[fn].ns[nsid]->name);
    }
    if (part->destroyed) {
        return card_refuse(errp, CARD_APP_ERROR_KEY,
                           "partition '%s' has no key any more; delete it",
                           name);
    }
    if (!card_recover(card, part, errp)) {
        return false;
    }
    part->fn = fn;
    part->nsid = nsid;
    card->iface[fn].ns[nsid] = part;
    attach_event(card, CARD_EV_ATTACH, part);
    nvme_ctrl_ns_changed(card->iface[fn].ctrl, nsid);
    return true;
}

static bool destroy_keys(Card *card, CardPart *part, GError **errp)
{
    CardKey key = part->key, next = part->next;
    uint64_t mark = part->rekey_done;
    bool rekeying = part->rekeying;

    memset(&part->key, 0, sizeof(part->key));
    memset(&part->next, 0, sizeof(part->next));
    part->rekeying = false;
    part->rekey_done = 0;
    part->destroyed = true;
    if (!store(card, part, errp)) {
        part->key = key;
        part->next = next;
        part->rekeying = rekeying;
        part->rekey_done = mark;
        part->destroyed = false;
    } else {
        card_rekey_drop_chunk(card, part);
        part->hot_bytes = 0;
        card_key_destroy(card, &key);
        card_key_destroy(card, &next);
        /* Best effort: without the key it is noise; a plain partition's
         * space is discarded again before anyone gets it. */
        card_space_discard(card, &part->map, 0, part->bytes);
    }
    explicit_bzero(&key, sizeof(key));
    explicit_bzero(&next, sizeof(next));
    return part->destroyed;
}

bool card_detach(Card *card, const char *name, bool destroy_key, GError **errp)
{
    CardPart *part = find(card, name, errp);
    NvmeCtrl *ctrl;
    uint32_t nsid;

    if (!part) {
        return false;
    }
    if (part->fn < 0) {
        return card_refuse(errp, CARD_APP_ERROR_NOT_FOUND,
                           "partition '%s' is not attached", name);
    }
    if (destroy_key && !destroy_keys(card, part, errp)) {
        return false;
    }
    ctrl = card->iface[part->fn].ctrl;
    nsid = part->nsid;
    card->iface[part->fn].ns[nsid] = NULL;
    attach_event(card, CARD_EV_DETACH, part);
    card_abort_range(card, part, 0, part->bytes, CARD_ST_INVALID_NS);
    part->fn = -1;
    part->nsid = 0;
    if (!part->rekeying) {
        card_part_close_keys(card, part);
    }
    nvme_ctrl_ns_changed(ctrl, nsid);
    return true;
}

/* ---- limits, keys, questions
 * ------------------------------------------------------------ */

bool card_set_limits(Card *card, unsigned fn, const CardLimits *limits,
                     GError **errp)
{
    const char *why;

    if (fn >= SEAM_MAX_FUNCTIONS || !card->iface[fn].used) {
        return card_refuse(errp, CARD_APP_ERROR_NOT_FOUND,
                           "no interface on function %u", fn);
    }
    if (!throttle_limits_valid(limits, &why)) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "limits of interface '%s': %s", card->iface[fn].name,
                           why);
    }
    card->iface[fn].limits = *limits;
    throttle_set(&card->iface[fn].throttle, limits, card_now(card));
    card_admit_rearm(card, fn);
    return true;
}

bool card_rotate_key(Card *card, const char *name, GError **errp)
{
    CardPart *part = find(card, name, errp);

    if (!part || !not_busy(part, errp)) {
        return false;
    }
    if (!part->encrypted) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "partition '%s' is not encrypted", name);
    }
    if (part->destroyed) {
        return card_refuse(errp, CARD_APP_ERROR_KEY,
                           "partition '%s' has no key any more", name);
    }
    return card_rekey_start(card, part, errp);
}

unsigned card_partition_count(const Card *card)
{
    return card->parts->len;
}

bool card_partition_info(const Card *card, unsigned index,
                         CardPartitionInfo *ret)
{
    const CardPart *part;

    if (index >= card->parts->len) {
        return false;
    }
    part = card_part_at(card, index);
    memset(ret, 0, sizeof(*ret));
    ret->id = part->id;
    g_strlcpy(ret->name, part->name, sizeof(ret->name));
    ret->bytes = part->bytes;
    ret->layout = part->map.layout;
    ret->stripe_bytes = part->map.stripe_bytes;
    ret->encrypted = part->encrypted;
    ret->key_generation = part->key.generation;
    ret->rekey_done_bytes = part->rekeying ? part->rekey_done : part->bytes;
    ret->fn = part->fn;
    ret->nsid = part->nsid;
    ret->n_extents = card_map_extents(&part->map);
    memcpy(ret->extents, part->map.ext,
           ret->n_extents * sizeof(ret->extents[0]));
    return true;
}
