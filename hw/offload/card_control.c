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

/* ---- delete, resize ----------------------------------------------------- */

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
    if (!card_store(card, part, errp)) {
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
    if (!card_store(card, part, errp)) {
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
    if (!card_store(card, part, errp)) {
        part->map = old;
        part->bytes = old_bytes;
        return false;
    }
    if (part->fn >= 0) {
        card_abort_range(card, part, bytes, old_bytes, CARD_ST_LBA_RANGE);
    }
    /* Should it fail: whoever gets the space discards it again. */
    card_space_discard(card, &old, bytes, old_bytes);
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

/* ---- attach, detach ----------------------------------------------------- */

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
    if (!card_store(card, part, errp)) {
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

/* ---- limits, keys, questions -------------------------------------------- */

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
