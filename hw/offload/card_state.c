/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_state.c: the whole application's state, without keys.
 *
 *   "OCAP" version 1 or 2: the card, its partitions (with key generations),
 *          interfaces and requests in flight
 *   "OCST" from version 2 on: further counters of the interfaces
 *   "OCTL" one an interface: its controller (nvme_ctrl_save())
 *   SHA-256 of all before it
 *
 * Version 2 of the application reads version 1 of the state; its own it
 * writes as version 2, which version 1 refuses.
 *
 * Loading changes nothing when it fails: it is rehearsed on a second card
 * whose calls to the outside have no effect. Keys come from the loading
 * card's own NVRAM, by partition and generation.
 */
#include "card_priv.h"

#include <string.h>

#define CARD_MAGIC 0x5041434fu  /* "OCAP" */
#define STATS_MAGIC 0x5453434fu /* "OCST" */
#define CTRL_MAGIC 0x4c54434fu  /* "OCTL" */
#define HASH_BYTES 32u

/* ---- save --------------------------------------------------------------- */

static void parts_put(const Card *card, GByteArray *out)
{
    state_put_u32(out, card->parts->len);
    for (unsigned i = 0; i < card->parts->len; i++) {
        const CardPart *part = card_part_at(card, i);

        card_part_put(part, out);
        card_part_hot_put(part, out);
        state_put_u32(out, part->fn);
        state_put_u32(out, part->nsid);
    }
}

static void faults_put(const Card *card, GByteArray *out)
{
    for (unsigned i = 0; i < card->n_drives; i++) {
        state_put_u8(out, card->drive[i].stalled);
    }
    state_put_u32(out, card->faults->len);
    for (unsigned i = 0; i < card->faults->len; i++) {
        const CardFault *f = &g_array_index(card->faults, CardFault, i);

        state_put_u8(out, f->kind);
        state_put_u8(out, f->drive);
        state_put_u64(out, f->offset);
        state_put_u64(out, f->bytes);
        state_put_u32(out, f->count);
    }
}

static unsigned n_ifaces(const Card *card)
{
    unsigned n = 0;

    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        n += card->iface[fn].used;
    }
    return n;
}

static void card_put(const Card *card, GByteArray *out)
{
    card_drives_put(card, out);
    state_put_u8(out, card->suspended);
    state_put_u32(out, card->next_id);
    state_put_u64(out, card->next_seq);
    parts_put(card, out);
    faults_put(card, out);
    state_put_u32(out, n_ifaces(card));
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        if (card->iface[fn].used) {
            state_put_u8(out, fn);
            card_iface_put(card, fn, out);
        }
    }
    card_rekey_put(card, out);
}

static void stats_put(const Card *card, GByteArray *out)
{
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        if (card->iface[fn].used) {
            state_put_u64(out, card->iface[fn].stats.peak_in_flight);
        }
    }
}

void card_save(const Card *card, GByteArray *out)
{
    size_t start = out->len, mark;
    uint8_t hash[HASH_BYTES];

    mark = state_begin(out, CARD_MAGIC, card->version);
    card_put(card, out);
    state_end(out, mark);
    if (card->version >= 2) {
        mark = state_begin(out, STATS_MAGIC, 1);
        stats_put(card, out);
        state_end(out, mark);
    }
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        if (card->iface[fn].used) {
            mark = state_begin(out, CTRL_MAGIC, 1);
            nvme_ctrl_save(card->iface[fn].ctrl, out);
            state_end(out, mark);
        }
    }
    card_hash(out->data + start, out->len - start, hash);
    state_put_bytes(out, hash, sizeof(hash));
}

/* ---- load: partitions --------------------------------------------------- */

static bool take_key(const GPtrArray *ring, unsigned id, CardKey *key)
{
    for (unsigned i = 0; i < ring->len; i++) {
        const CardPart *old = g_ptr_array_index(ring, i);
        const CardKey *from[] = { &old->key, &old->next };

        for (unsigned j = 0; old->id == id && j < 2; j++) {
            if (from[j]->exists && from[j]->generation == key->generation) {
                memcpy(key->sealed, from[j]->sealed, CARD_SEALED_BYTES);
                return true;
            }
        }
    }
    return false;
}

static void part_keys(Card *card, CardPart *part, const GPtrArray *ring,
                      StateReader *r)
{
    if ((part->key.exists && !take_key(ring, part->id, &part->key)) ||
        (part->rekeying && !take_key(ring, part->id, &part->next))) {
        state_fail(r, "the card's NVRAM has no key %u%s of partition %u ('%s')",
                   part->key.generation, part->rekeying ? " or its next" : "",
                   part->id, part->name);
    } else if ((part->fn >= 0 || part->rekeying) &&
               !card_part_open_keys(card, part)) {
        card->key_failed = true;
        state_fail(r,
                   "the key of partition '%s' does not open: it was sealed "
                   "under another root secret",
                   part->name);
    }
}

static void part_attach(Card *card, CardPart *part, uint32_t fn, uint32_t nsid,
                        StateReader *r)
{
    if (fn == UINT32_MAX && nsid == 0) {
        return;
    }
    if (fn >= SEAM_MAX_FUNCTIONS || !card->iface[fn].used || nsid < 1 ||
        nsid > CARD_MAX_NSID || card->iface[fn].ns[nsid] || part->destroyed) {
        state_fail(r, "partition %u is attached to an impossible place",
                   part->id);
        return;
    }
    part->fn = fn;
    part->nsid = nsid;
    card->iface[fn].ns[nsid] = part;
}

static void parts_get(Card *card, const GPtrArray *ring, StateReader *r)
{
    unsigned n =
        state_get_u32_max(r, CARD_MAX_PARTITIONS, "number of partitions");

    for (unsigned i = 0; i < n && state_ok(r); i++) {
        CardPart *part = card_part_get(card, r);
        uint32_t fn, nsid;

        if (!part) {
            return;
        }
        g_ptr_array_add(card->parts, part);
        card_part_hot_get(part, r);
        fn = state_get_u32(r);
        nsid = state_get_u32(r);
        if (state_ok(r)) {
            part_attach(card, part, fn, nsid, r);
        }
        if (state_ok(r)) {
            part_keys(card, part, ring, r);
        }
    }
}

static void faults_get(Card *card, StateReader *r)
{
    unsigned n;

    for (unsigned i = 0; i < card->n_drives; i++) {
        card->drive[i].stalled = state_get_bool(r, "drive stalled");
    }
    n = state_get_u32(r);
    for (unsigned i = 0; i < n && state_ok(r); i++) {
        CardFault f = { .kind = state_get_u8(r), .drive = state_get_u8(r) };

        f.offset = state_get_u64(r);
        f.bytes = state_get_u64(r);
        f.count = state_get_u32(r);
        if (state_ok(r) && (f.kind > CARD_FAULT_WRITE_ERROR ||
                            !card_fault_set(card, &f, NULL))) {
            state_fail(r, "fault %u is impossible", i);
        }
    }
}

/* ---- load: the card ----------------------------------------------------- */

static void ifaces_get(Card *card, StateReader *r)
{
    unsigned n = state_get_u32_max(r, SEAM_MAX_FUNCTIONS, "interfaces");
    int last = -1;

    if (state_ok(r) && n != n_ifaces(card)) {
        state_fail(r, "%u interfaces were saved, the card has %u", n,
                   n_ifaces(card));
    }
    for (unsigned i = 0; i < n && state_ok(r); i++) {
        int fn = state_get_u8(r);

        if (fn <= last || fn >= (int)SEAM_MAX_FUNCTIONS ||
            !card->iface[fn].used) {
            state_fail(r, "the card has no interface on function %d", fn);
            return;
        }
        last = fn;
        card_iface_get(card, fn, r);
    }
}

static void card_get(Card *card, const GPtrArray *ring, StateReader *r)
{
    card_drives_check(card, r);
    card->suspended = state_get_bool(r, "suspended");
    card->next_id = state_get_u32(r);
    card->next_seq = state_get_u64(r);
    parts_get(card, ring, r);
    faults_get(card, r);
    ifaces_get(card, r);
    if (state_ok(r)) {
        card_rekey_get(card, r);
    }
}

static void stats_get(Card *card, StateReader *r)
{
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        CardIface *iface = &card->iface[fn];

        if (iface->used) {
            iface->stats.peak_in_flight = state_get_u64(r);
        }
    }
}

/* State of version 1: what it did not count begins with what is there. */
static void stats_convert(Card *card)
{
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        card->iface[fn].stats.peak_in_flight =
            card->version >= 2 ? card->iface[fn].in_flight : 0;
    }
}

static void section_get(Card *card, const GPtrArray *ring, StateReader *r)
{
    StateReader sub;
    unsigned version = state_get_section(r, CARD_MAGIC, UINT16_MAX, &sub);

    if (version > card->version) {
        state_fail(&sub,
                   "a newer application saved it (state version %u); this "
                   "one knows up to version %u",
                   version, card->version);
    } else if (version) {
        card_get(card, ring, &sub);
    }
    state_leave(r, &sub, NULL);
    if (state_ok(r) && version >= 2) {
        state_get_section(r, STATS_MAGIC, 1, &sub);
        stats_get(card, &sub);
        state_leave(r, &sub, NULL);
    } else if (state_ok(r)) {
        stats_convert(card);
    }
}

static void ctrls_get(Card *card, bool resubmit, StateReader *r)
{
    StateReader sub;

    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS && state_ok(r); fn++) {
        CardIface *iface = &card->iface[fn];

        if (!iface->used) {
            continue;
        }
        if (state_get_section(r, CTRL_MAGIC, 1, &sub) &&
            !nvme_ctrl_load(iface->ctrl, &sub, resubmit)) {
            state_fail(&sub, "the controller refused it");
        }
        state_leave(r, &sub, NULL);
    }
}

/* ---- load: all of it ---------------------------------------------------- */

/* Back to what it was after interface_add(). */
static void card_clear(Card *card)
{
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        CardIface *iface = &card->iface[fn];

        for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
            g_clear_pointer(&iface->req[s], g_free);
        }
        memset(iface->admitted, 0, sizeof(iface->admitted));
        memset(iface->waiter_bound, 0, sizeof(iface->waiter_bound));
        memset(iface->ns, 0, sizeof(iface->ns));
        memset(&iface->stats, 0, sizeof(iface->stats));
        throttle_init(&iface->throttle, card_now(card));
        iface->in_flight = iface->n_blocked = iface->n_ending = 0;
        iface->stalled = false;
        if (iface->used) {
            nvme_ctrl_free(iface->ctrl);
            iface->ctrl = nvme_ctrl_new(card, &iface->config);
        }
    }
    for (unsigned i = 0; i < card->parts->len; i++) {
        card_part_close_keys(card, card_part_at(card, i));
    }
    g_ptr_array_set_size(card->parts, 0);
    g_array_set_size(card->faults, 0);
    card->n_ready = 0;
    card->rekey = (CardRekey){ .timer_ps = SEAM_NEVER };
}

static void forget_io(Card *card)
{
    CardRekey *k = &card->rekey;

    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        if (card->iface[fn].used) {
            card_io_forget(card, fn);
        }
    }
    if (k->part) {
        card_rekey_drop_chunk(card, k->part);
    }
}

static void rearm(Card *card)
{
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        if (card->iface[fn].used) {
            card_admit_rearm(card, fn);
        }
    }
    card->seam->timer_set(card->opaque, SEAM_TIMER_REKEY, card->rekey.timer_ps);
    card_rekey_kick(card);
}

/* Into a cleared card. */
static bool load_into(Card *card, const GPtrArray *ring, const void *data,
                      size_t len, CardLoadMode mode, GError **errp)
{
    bool resubmit = mode == CARD_LOAD_RESUBMIT;
    char *why = NULL;
    StateReader r;

    state_reader_init(&r, data, len - HASH_BYTES);
    section_get(card, ring, &r);
    if (state_ok(&r) && resubmit) {
        forget_io(card);
    }
    ctrls_get(card, resubmit, &r);
    if (state_reader_finish(&r, &why)) {
        why = card_io_loaded_check(card);
    }
    if (why) {
        card_refuse(
            errp, card->key_failed ? CARD_APP_ERROR_KEY : CARD_APP_ERROR_STATE,
            "saved state: %s", why);
        g_free(why);
        return false;
    }
    rearm(card);
    return true;
}

static bool rehearse(Card *card, const void *data, size_t len,
                     CardLoadMode mode, GError **errp)
{
    Card *dry = card_rehearsal_new(card);
    bool ok = load_into(dry, card->parts, data, len, mode, errp);

    card_free(dry);
    return ok;
}

bool card_load(Card *card, const void *data, size_t len, CardLoadMode mode,
               GError **errp)
{
    uint8_t hash[HASH_BYTES];
    unsigned next_id = card->next_id;
    GPtrArray *ring;
    bool ok;

    if (len < HASH_BYTES) {
        return card_refuse(errp, CARD_APP_ERROR_STATE,
                           "saved state: only %zu bytes", len);
    }
    card_hash(data, len - HASH_BYTES, hash);
    if (memcmp(hash, (const uint8_t *)data + len - HASH_BYTES, HASH_BYTES)) {
        return card_refuse(errp, CARD_APP_ERROR_STATE,
                           "saved state: its checksum is wrong");
    }
    if (!rehearse(card, data, len, mode, errp)) {
        return false;
    }
    ring = g_ptr_array_new_with_free_func((GDestroyNotify)card_part_free);
    for (unsigned i = 0; i < card->parts->len; i++) {
        card_part_close_keys(card, card_part_at(card, i));
        g_ptr_array_add(ring, card_part_at(card, i));
    }
    while (card->parts->len) {
        g_ptr_array_steal_index(card->parts, card->parts->len - 1);
    }
    card_clear(card);
    ok = load_into(card, ring, data, len, mode, errp);
    g_ptr_array_unref(ring);
    card->next_id = MAX(card->next_id, next_id);
    for (unsigned fn = 0;
         ok && mode == CARD_LOAD_RESUBMIT && fn < SEAM_MAX_FUNCTIONS; fn++) {
        if (card->iface[fn].used) {
            nvme_ctrl_resubmit(card->iface[fn].ctrl);
        }
    }
    return ok;
}
