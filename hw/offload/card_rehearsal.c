/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_rehearsal.c: a second card on which loading is tried before it is
 * done: same drives, interfaces and clock, but its drives, models, timers,
 * flash and host do nothing.
 */
#include "card_priv.h"

static uint64_t dry_now_ps(void *opaque)
{
    return card_now(opaque);
}

static bool dry_dma_read(void *opaque, unsigned fn, uint64_t addr, void *buf,
                         size_t len)
{
    return false;
}

static bool dry_dma_write(void *opaque, unsigned fn, uint64_t addr,
                          const void *buf, size_t len)
{
    return false;
}

static void dry_msix_notify(void *opaque, unsigned fn, unsigned vector)
{
}

static void dry_intx_set(void *opaque, unsigned fn, bool asserted)
{
}

static void dry_timer_set(void *opaque, unsigned timer, uint64_t at_ps)
{
}

static bool dry_model_submit(void *opaque, const ModelOp *op)
{
    return true;
}

static void dry_model_cancel(void *opaque, unsigned fn)
{
}

static int dry_drive_read(void *opaque, unsigned drive, uint64_t offset,
                          void *buf, size_t len)
{
    return -1;
}

static int dry_drive_write(void *opaque, unsigned drive, uint64_t offset,
                           const void *buf, size_t len)
{
    return -1;
}

static int dry_drive_discard(void *opaque, unsigned drive, uint64_t offset,
                             uint64_t len)
{
    return 0;
}

static int dry_drive_flush(void *opaque, unsigned drive)
{
    return 0;
}

static bool dry_xts(void *opaque, bool encrypt,
                    const uint8_t key[SEAM_XTS_KEY_BYTES], uint64_t first_unit,
                    uint32_t unit_bytes, const void *in, void *out, size_t len)
{
    return false;
}

static bool dry_seal(void *opaque, const char *label, const void *in,
                     size_t len, void *out)
{
    return false;
}

static bool dry_unseal(void *opaque, const char *label, const void *in,
                       size_t sealed_len, void *out)
{
    Card *card = opaque;

    return card->seam->unseal(card->opaque, label, in, sealed_len, out);
}

static bool dry_random(void *opaque, void *buf, size_t len)
{
    return false;
}

static bool dry_nvram_store(void *opaque, const void *buf, size_t len)
{
    return true;
}

static void dry_event(void *opaque, const CardEvent *ev)
{
}

static const CardSeam dry_seam = {
    .dma_read = dry_dma_read,
    .dma_write = dry_dma_write,
    .msix_notify = dry_msix_notify,
    .intx_set = dry_intx_set,
    .now_ps = dry_now_ps,
    .timer_set = dry_timer_set,
    .model_submit = dry_model_submit,
    .model_cancel = dry_model_cancel,
    .drive_read = dry_drive_read,
    .drive_write = dry_drive_write,
    .drive_discard = dry_drive_discard,
    .drive_flush = dry_drive_flush,
    .xts = dry_xts,
    .seal = dry_seal,
    .unseal = dry_unseal,
    .random = dry_random,
    .nvram_store = dry_nvram_store,
    .event = dry_event,
};

Card *card_rehearsal_new(Card *card)
{
    CardAppDrive drives[SEAM_MAX_DRIVES];
    CardAppConfig config = { .drives = drives,
                             .n_drives = card->n_drives,
                             .controls = card->controls };
    Card *dry;

    for (unsigned i = 0; i < card->n_drives; i++) {
        drives[i].name = card->drive[i].name;
        drives[i].bytes = card->drive[i].bytes;
    }
    dry = card_new(&dry_seam, card, card->version, &config, NULL);
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        const CardIface *iface = &card->iface[fn];

        if (iface->used) {
            card_interface_add(dry, iface->name, &iface->config, NULL);
        }
    }
    return dry;
}
