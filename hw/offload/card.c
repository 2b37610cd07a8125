/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card.c: life of a card, and the small questions the controllers ask.
 */
#include "card_priv.h"

#include <string.h>

/* ---- what the controllers ask ------------------------------------------- */

CardPart *card_ns(const Card *card, unsigned fn, uint32_t nsid)
{
    if (fn >= SEAM_MAX_FUNCTIONS || nsid < 1 || nsid > CARD_MAX_NSID) {
        return NULL;
    }
    return card->iface[fn].ns[nsid];
}

uint32_t card_ns_next(const Card *card, unsigned fn, uint32_t after)
{
    for (uint32_t n = after; n < CARD_MAX_NSID; n++) {
        if (card_ns(card, fn, n + 1)) {
            return n + 1;
        }
    }
    return 0;
}

bool card_ns_info(const Card *card, unsigned fn, uint32_t nsid, CardNsInfo *ret)
{
    const CardPart *part = card_ns(card, fn, nsid);

    if (!part) {
        return false;
    }
    *ret = (CardNsInfo){
        .blocks = part->bytes / card_block_bytes(part),
        .used_blocks = part->bytes / card_block_bytes(part),
        .block_bytes = card_block_bytes(part),
        .lba_format = part->lba_format,
    };
    memcpy(ret->uuid, part->uuid, sizeof(ret->uuid));
    memcpy(ret->eui64, part->eui64, sizeof(ret->eui64));
    return true;
}

const CardSeam *card_seam(const Card *card)
{
    return card->seam;
}

void *card_seam_opaque(const Card *card)
{
    return card->opaque;
}

void card_event(Card *card, CardEvent ev)
{
    ev.at_ps = card_now(card);
    card->seam->event(card->opaque, &ev);
}

bool card_suspended(const Card *card)
{
    return card->suspended;
}

/* Whoever suspended the card asks card_idle() after each event. */
void card_progress(Card *card)
{
}

CardIfStats *card_if_stats(Card *card, unsigned fn)
{
    return &card->iface[fn].stats;
}

bool card_refuse(GError **errp, CardAppError code, const char *fmt, ...)
{
    va_list ap;

    if (errp) {
        va_start(ap, fmt);
        *errp = g_error_new_valist(CARD_APP_ERROR, code, fmt, ap);
        va_end(ap);
    }
    return false;
}

/* ---- life --------------------------------------------------------------- */

CardPart *card_part_find(const Card *card, const char *name)
{
    for (unsigned i = 0; i < card->parts->len; i++) {
        if (!strcmp(card_part_at(card, i)->name, name)) {
            return card_part_at(card, i);
        }
    }
    return NULL;
}

void card_part_free(CardPart *part)
{
    explicit_bzero(part, sizeof(*part));
    g_free(part);
}

bool card_name_valid(const char *name)
{
    size_t len = name ? strlen(name) : 0;

    if (len < 1 || len > CARD_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!g_ascii_isalnum(name[i]) && !strchr("-_.", name[i])) {
            return false;
        }
    }
    return true;
}

static const char *add_drive(Card *card, const CardAppDrive *drive)
{
    CardDrive *d = &card->drive[card->n_drives];

    if (!card_name_valid(drive->name)) {
        return "its name is not 1 to 31 letters, digits, '-', '_' or '.'";
    }
    if (!drive->bytes || drive->bytes % CARD_UNIT_BYTES ||
        drive->bytes > CARD_MAX_BYTES) {
        return "its size is not a positive multiple of 1 MiB";
    }
    for (unsigned i = 0; i < card->n_drives; i++) {
        if (!strcmp(card->drive[i].name, drive->name)) {
            return "its name is taken";
        }
    }
    g_strlcpy(d->name, drive->name, sizeof(d->name));
    d->bytes = drive->bytes;
    card->n_drives++;
    return NULL;
}

static bool add_drives(Card *card, const CardAppConfig *config, GError **errp)
{
    const char *why = NULL;

    if (config->n_drives > SEAM_MAX_DRIVES) {
        card_refuse(errp, CARD_APP_ERROR_INVALID,
                    "a card has at most %u drives, not %u", SEAM_MAX_DRIVES,
                    config->n_drives);
        return false;
    }
    for (unsigned i = 0; !why && i < config->n_drives; i++) {
        why = add_drive(card, &config->drives[i]);
        if (why) {
            card_refuse(errp, CARD_APP_ERROR_INVALID, "drive %u ('%s'): %s", i,
                        config->drives[i].name ? config->drives[i].name : "",
                        why);
        }
    }
    return !why;
}

Card *card_new(const CardSeam *seam, void *opaque, unsigned version,
               const CardAppConfig *config, GError **errp)
{
    Card *card = g_new0(Card, 1);

    card->seam = seam;
    card->opaque = opaque;
    card->version = version;
    card->controls = config->controls;
    card->next_id = 1;
    card->parts =
        g_ptr_array_new_with_free_func((GDestroyNotify)card_part_free);
    card->faults = g_array_new(false, false, sizeof(CardFault));
    card->orphans = g_array_new(false, false, sizeof(CardOrphan));
    card->rekey.timer_ps = SEAM_NEVER;
    if (!add_drives(card, config, errp) ||
        (config->nvram &&
         !card_nvram_parse(card, config->nvram, config->nvram_bytes, errp))) {
        card_free(card);
        return NULL;
    }
    card_rekey_created(card);
    return card;
}

void card_free(Card *card)
{
    if (!card) {
        return;
    }
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        nvme_ctrl_free(card->iface[fn].ctrl);
    }
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
            g_free(card->iface[fn].req[s]);
        }
    }
    for (unsigned i = 0; i < card->parts->len; i++) {
        card_part_close_keys(card, card_part_at(card, i));
    }
    g_ptr_array_unref(card->parts);
    g_array_unref(card->faults);
    g_array_unref(card->orphans);
    explicit_bzero(card, sizeof(*card));
    g_free(card);
}

static const char *interface_check(const Card *card, const char *name,
                                   const NvmeCtrlConfig *config)
{
    if (!card_name_valid(name)) {
        return "its name is not 1 to 31 letters, digits, '-', '_' or '.'";
    }
    if (config->fn >= SEAM_MAX_FUNCTIONS) {
        return "there are functions 0 to 15";
    }
    if (config->max_queues < 1 || config->max_queues > 64) {
        return "max_queues is not 1 to 64";
    }
    if (config->msix_vectors < 1 || config->msix_vectors > 65) {
        return "msix_vectors is not 1 to 65";
    }
    return NULL;
}

bool card_interface_add(Card *card, const char *name,
                        const NvmeCtrlConfig *config, GError **errp)
{
    const char *why = interface_check(card, name, config);
    CardIface *iface;

    if (why) {
        card_refuse(errp, CARD_APP_ERROR_INVALID,
                    "interface '%s' (function %u): %s", name ? name : "",
                    config->fn, why);
        return false;
    }
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        if (card->iface[fn].used &&
            (fn == config->fn || !strcmp(card->iface[fn].name, name))) {
            card_refuse(errp, CARD_APP_ERROR_EXISTS,
                        "interface '%s' (function %u) exists already",
                        card->iface[fn].name, fn);
            return false;
        }
    }
    iface = &card->iface[config->fn];
    iface->used = true;
    iface->config = *config;
    g_strlcpy(iface->name, name, sizeof(iface->name));
    throttle_init(&iface->throttle, card_now(card));
    iface->ctrl = nvme_ctrl_new(card, config);
    return true;
}

/* ---- events from the seam ----------------------------------------------- */

void card_model_done(Card *card, uint64_t tag, uint64_t at_ps)
{
    unsigned fn = seam_tag_fn(tag);

    if (fn >= SEAM_MAX_FUNCTIONS || !card->iface[fn].used) {
        if (seam_tag_stage(tag) & CARD_STAGE_REKEY) {
            card_rekey_done(card, tag);
        }
        return;
    }
    if (seam_tag_owner(tag) == SEAM_OWNER_CTRL) {
        nvme_ctrl_model_done(card->iface[fn].ctrl, tag, at_ps);
    } else if (seam_tag_stage(tag) & CARD_STAGE_REKEY) {
        card_rekey_done(card, tag);
    } else {
        card_phys_done(card, tag);
    }
    if (card->n_ready) {
        card_phys_retry(card);
    }
}

void card_timer(Card *card, unsigned timer)
{
    if (timer == SEAM_TIMER_REKEY) {
        card_rekey_timer(card);
    } else if (timer < SEAM_TIMER_COALESCE) {
        if (card->iface[timer - SEAM_TIMER_THROTTLE].used) {
            card_admit_timer(card, timer - SEAM_TIMER_THROTTLE);
        }
    } else if (timer < SEAM_TIMER_REKEY) {
        if (card->iface[timer - SEAM_TIMER_COALESCE].used) {
            nvme_ctrl_timer(card->iface[timer - SEAM_TIMER_COALESCE].ctrl);
        }
    }
}

/* ---- live update -------------------------------------------------------- */

void card_suspend(Card *card)
{
    card->suspended = true;
}

bool card_idle(const Card *card)
{
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        const CardIface *iface = &card->iface[fn];

        if (iface->used && (iface->in_flight || iface->throttle.n_waiting ||
                            !nvme_ctrl_idle(iface->ctrl))) {
            return false;
        }
    }
    return card->rekey.state == CARD_REKEY_IDLE;
}

void card_resume(Card *card)
{
    if (!card->suspended) {
        return;
    }
    card->suspended = false;
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        if (card->iface[fn].used) {
            nvme_ctrl_resume(card->iface[fn].ctrl);
        }
    }
    card_rekey_kick(card);
}
