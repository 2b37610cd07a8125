/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * seam_qemu.c: the operations of seam.h as QEMU does them.
 *
 * Not modelled: an IOMMU of the card's own; DMA goes through the PCI
 * function's address space and reaches RAM only.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "crypto/random.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci.h"
#include "card_qemu.h"
#include "crypto_gnutls.h"
#include "trace.h"

/* Events are kept until the next edge, but not more than this. */
#define EVENT_BUF_BYTES (256u * 1024)

static PCIDevice *function_pci(OffloadCard *card, unsigned fn)
{
    return fn < card->n_functions ? PCI_DEVICE(card->functions[fn]) : NULL;
}

static bool seam_dma(OffloadCard *card, unsigned fn, uint64_t addr, void *buf,
                     size_t len, DMADirection dir)
{
    /* memory: RAM only, never another device's registers */
    MemTxAttrs attrs = { .memory = true };
    PCIDevice *pci = function_pci(card, fn);

    /* Addresses do not wrap: what ends beyond the last is nowhere. */
    if (pci && (!len || addr <= UINT64_MAX - (len - 1)) &&
        pci_dma_rw(pci, addr, buf, len, dir, attrs) == MEMTX_OK) {
        return true;
    }
    trace_offload_dma_refused(fn, addr, len);
    return false;
}

static bool seam_dma_read(void *opaque, unsigned fn, uint64_t addr, void *buf,
                          size_t len)
{
    return seam_dma(opaque, fn, addr, buf, len, DMA_DIRECTION_TO_DEVICE);
}

static bool seam_dma_write(void *opaque, unsigned fn, uint64_t addr,
                           const void *buf, size_t len)
{
    return seam_dma(opaque, fn, addr, (void *)buf, len,
                    DMA_DIRECTION_FROM_DEVICE);
}

static void seam_msix_notify(void *opaque, unsigned fn, unsigned vector)
{
    PCIDevice *pci = function_pci(opaque, fn);

    if (pci && msix_enabled(pci)) {
        trace_offload_msix(fn, vector);
        msix_notify(pci, vector);
    }
}

static void seam_intx_set(void *opaque, unsigned fn, bool asserted)
{
    PCIDevice *pci = function_pci(opaque, fn);

    if (pci) {
        pci_set_irq(pci, asserted && !msix_enabled(pci));
    }
}

static uint64_t seam_now_ps(void *opaque)
{
    return offload_time_now_ps();
}

static void seam_timer_set(void *opaque, unsigned timer, uint64_t at_ps)
{
    if (timer < SEAM_TIMERS) {
        offload_timer_set(opaque, timer, at_ps);
    }
}

static bool seam_model_submit(void *opaque, const ModelOp *op)
{
    OffloadCard *card = opaque;

    if (card->model) {
        return card_model_submit(card->model, op);
    }
    g_array_append_val(card->instant, op->tag);
    return true;
}

static void seam_model_cancel(void *opaque, unsigned fn)
{
    OffloadCard *card = opaque;
    uint64_t tag;

    if (card->muted) {
        return;
    }
    if (card->model) {
        card_model_cancel(card->model, fn);
        return;
    }
    for (unsigned i = card->instant_done; i < card->instant->len; i++) {
        tag = g_array_index(card->instant, uint64_t, i);
        if (fn == UINT16_MAX || seam_tag_fn(tag) == fn) {
            g_array_remove_index(card->instant, i--);
        }
    }
}

static int drive_fd(OffloadCard *card, unsigned drive, uint64_t offset,
                    uint64_t len)
{
    OffloadDrive *d = drive < card->n_drives ? card->drives[drive] : NULL;

    return d && offset <= d->size && len <= d->size - offset ? d->fd : -1;
}

static int seam_drive_read(void *opaque, unsigned drive, uint64_t offset,
                           void *buf, size_t len)
{
    int fd = drive_fd(opaque, drive, offset, len);

    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, (char *)buf + done, len - done, offset + done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        done += n;
    }
    return 0;
}

static int seam_drive_write(void *opaque, unsigned drive, uint64_t offset,
                            const void *buf, size_t len)
{
    int fd = drive_fd(opaque, drive, offset, len);

    for (size_t done = 0; done < len;) {
        ssize_t n =
            pwrite(fd, (const char *)buf + done, len - done, offset + done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        done += n;
    }
    return 0;
}

static int seam_drive_discard(void *opaque, unsigned drive, uint64_t offset,
                              uint64_t len)
{
    int fd = drive_fd(opaque, drive, offset, len);

    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                     len)
               ? -errno
               : 0;
}

static int seam_drive_flush(void *opaque, unsigned drive)
{
    return drive_fd(opaque, drive, 0, 0) < 0 ? -EIO : 0;
}

static bool seam_random(void *opaque, void *buf, size_t len)
{
    OffloadCard *card = opaque;
    g_autofree char *salt = NULL;

    if (!card->seed) {
        return qcrypto_random_bytes(buf, len, NULL) == 0;
    }
    /* Repeatable, and different after every change of the card's flash. */
    salt = g_strdup_printf("%" PRIu64 " %" PRIu64 " %s", card->seed,
                           card->random_counter++, card->nvram_digest);
    return crypto_hkdf_sha256(card->root_key, sizeof(card->root_key), salt,
                              strlen(salt), "outrigger card random", buf, len);
}

static CryptoGnutls *card_crypto(OffloadCard *card)
{
    if (!card->crypto) {
        card->crypto = crypto_gnutls_new(card->root_key, seam_random, card);
    }
    return card->crypto;
}

static bool seam_xts(void *opaque, bool encrypt,
                     const uint8_t key[SEAM_XTS_KEY_BYTES], uint64_t first_unit,
                     uint32_t unit_bytes, const void *in, void *out, size_t len)
{
    return crypto_gnutls_xts(card_crypto(opaque), encrypt, key, first_unit,
                             unit_bytes, in, out, len);
}

static void seam_xts_forget(void *opaque, const uint8_t key[SEAM_XTS_KEY_BYTES])
{
    crypto_gnutls_xts_forget(card_crypto(opaque), key);
}

static bool seam_seal(void *opaque, const char *label, const void *in,
                      size_t len, void *out)
{
    return crypto_gnutls_seal(card_crypto(opaque), label, in, len, out);
}

static bool seam_unseal(void *opaque, const char *label, const void *in,
                        size_t sealed_len, void *out)
{
    return crypto_gnutls_unseal(card_crypto(opaque), label, in, sealed_len,
                                out);
}

static bool seam_nvram_store(void *opaque, const void *buf, size_t len)
{
    OffloadCard *card = opaque;

    if (card->muted || !card->nvram) {
        return true;
    }
    return g_file_set_contents(card->nvram, buf, len, NULL);
}

void offload_events_flush(OffloadCard *card)
{
    size_t done = 0;

    if (card->event_fd < 0) {
        return;
    }
    while (done < card->event_buf->len) {
        ssize_t n = write(card->event_fd, card->event_buf->data + done,
                          card->event_buf->len - done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            error_report("card '%s': event log %s: %s", DEVICE(card)->id,
                         card->events, strerror(errno));
            exit(99);
        }
        done += n;
    }
    g_byte_array_set_size(card->event_buf, 0);
}

G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN); /* the log is */

static void seam_event(void *opaque, const CardEvent *ev)
{
    OffloadCard *card = opaque;

    if (card->event_fd < 0 || card->muted) {
        return;
    }
    g_byte_array_append(card->event_buf, (const uint8_t *)ev, sizeof(*ev));
    if (card->event_buf->len >= EVENT_BUF_BYTES) {
        offload_events_flush(card);
    }
}

const CardSeam offload_seam = {
    .dma_read = seam_dma_read,
    .dma_write = seam_dma_write,
    .msix_notify = seam_msix_notify,
    .intx_set = seam_intx_set,
    .now_ps = seam_now_ps,
    .timer_set = seam_timer_set,
    .model_submit = seam_model_submit,
    .model_cancel = seam_model_cancel,
    .drive_read = seam_drive_read,
    .drive_write = seam_drive_write,
    .drive_discard = seam_drive_discard,
    .drive_flush = seam_drive_flush,
    .xts = seam_xts,
    .xts_forget = seam_xts_forget,
    .seal = seam_seal,
    .unseal = seam_unseal,
    .random = seam_random,
    .nvram_store = seam_nvram_store,
    .event = seam_event,
};
