/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_log.c: Get Log Page: error information, SMART, firmware slots, changed
 * namespaces, commands supported and effects. NVM Express 1.4, section 5.14.
 *
 * Reading past the end of a page gives zeroes; an offset beyond it is
 * refused.
 *
 * Not modelled: SMART per namespace, wear, self test, telemetry.
 */
#include "nvme_int.h"

#include <string.h>

#define DNR(status) ((uint16_t)((status) | NVME_STATUS_DNR))
#define CHANGED_NS_BYTES 4096u

typedef struct NvmeLog {
    uint32_t bytes;
    int event; /* NVME_AER_* type that reading it unmasks, or -1 */
    void (*fill)(NvmeCtrl *c, uint8_t *page);
} NvmeLog;

static void fill_error(NvmeCtrl *c, uint8_t *page)
{
    uint64_t n = MIN(c->error_count, NVME_ERRORS);

    /* The newest first */
    for (uint64_t i = 0; i < n; i++) {
        const NvmeErrorEntry *e =
            &c->error[(c->error_count - 1 - i) % NVME_ERRORS];
        NvmeErrorEntry out = {
            .count = GUINT64_TO_LE(e->count),
            .sq_id = GUINT16_TO_LE(e->sq_id),
            .cid = GUINT16_TO_LE(e->cid),
            .status = GUINT16_TO_LE(e->status),
            .location = GUINT16_TO_LE(e->location),
            .lba = GUINT64_TO_LE(e->lba),
            .nsid = GUINT32_TO_LE(e->nsid),
        };

        memcpy(page + i * sizeof(out), &out, sizeof(out));
    }
}

/* Thousands of 512 byte units, rounded up */
static uint64_t data_units(uint64_t bytes)
{
    return bytes / 512000 + (bytes % 512000 != 0);
}

static void fill_smart(NvmeCtrl *c, uint8_t *page)
{
    NvmeSmartLog *log = (NvmeSmartLog *)page;

    log->critical_warning = nvme_critical_warning(c);
    log->temperature_k = GUINT16_TO_LE(NVME_TEMPERATURE_K);
    log->spare = 100;
    log->spare_threshold = 10;
    log->units_read[0] = GUINT64_TO_LE(data_units(c->stats->read_bytes));
    log->units_written[0] = GUINT64_TO_LE(data_units(c->stats->write_bytes));
    log->host_reads[0] = GUINT64_TO_LE(c->stats->read_cmds);
    log->host_writes[0] = GUINT64_TO_LE(c->stats->write_cmds);
    log->power_cycles[0] = GUINT64_TO_LE(1);
    log->power_on_hours[0] = GUINT64_TO_LE(nvme_now(c) / 3600000000000000ull);
    log->media_errors[0] = GUINT64_TO_LE(c->stats->errors);
    log->error_entries[0] = GUINT64_TO_LE(c->error_count);
}

static void fill_firmware(NvmeCtrl *c, uint8_t *page)
{
    NvmeFirmwareLog *log = (NvmeFirmwareLog *)page;

    log->active = 1;
    memset(log->revision[0], ' ', 8);
    memcpy(log->revision[0], c->config.firmware_rev,
           strnlen(c->config.firmware_rev, 8));
}

static void fill_changed_ns(NvmeCtrl *c, uint8_t *page)
{
    unsigned n = 0;

    for (uint32_t nsid = 1; nsid <= CARD_MAX_NSID; nsid++) {
        uint32_t raw = GUINT32_TO_LE(nsid);

        if (c->changed_ns >> nsid & 1) {
            memcpy(page + 4 * n++, &raw, sizeof(raw));
        }
    }
}

static void fill_effects(NvmeCtrl *c, uint8_t *page)
{
    NvmeEffectsLog *log = (NvmeEffectsLog *)page;

    for (unsigned i = 0; i < 256; i++) {
        log->admin[i] = GUINT32_TO_LE(nvme_admin_commands[i].effects);
        log->io[i] = GUINT32_TO_LE(nvme_io_commands[i].effects);
    }
    if (c->config.no_shadow_doorbells) {
        log->admin[NVME_ADM_DBBUF] = 0;
    }
}

static const NvmeLog logs[] = {
    [NVME_LOG_ERROR] = { NVME_ERRORS * sizeof(NvmeErrorEntry), NVME_AER_ERROR,
                         fill_error },
    [NVME_LOG_SMART] = { sizeof(NvmeSmartLog), NVME_AER_SMART, fill_smart },
    [NVME_LOG_FIRMWARE] = { sizeof(NvmeFirmwareLog), -1, fill_firmware },
    [NVME_LOG_CHANGED_NS] = { CHANGED_NS_BYTES, NVME_AER_NOTICE,
                              fill_changed_ns },
    [NVME_LOG_EFFECTS] = { sizeof(NvmeEffectsLog), -1, fill_effects },
};

static const NvmeLog *log_page(const NvmeSlot *s)
{
    unsigned lid = s->sqe.cdw10 & 0xff;

    return lid < G_N_ELEMENTS(logs) && logs[lid].fill ? &logs[lid] : NULL;
}

static uint64_t log_offset(const NvmeSlot *s)
{
    return (uint64_t)s->sqe.cdw13 << 32 | s->sqe.cdw12;
}

bool nvme_log_bytes(const NvmeSlot *s, uint32_t *ret)
{
    /* NUMD is 0's based and 32 bits wide. */
    uint64_t numd = s->sqe.cdw10 >> 16 | (s->sqe.cdw11 & 0xffffull) << 16;
    const NvmeLog *log = log_page(s);

    if (!log || numd * 4 + 4 > NVME_MAX_BYTES || log_offset(s) & 3 ||
        log_offset(s) > log->bytes) {
        return false;
    }
    *ret = numd * 4 + 4;
    return true;
}

uint16_t nvme_get_log_check(NvmeCtrl *c, NvmeSlot *s)
{
    if (!log_page(s)) {
        return DNR(NVME_INVALID_LOG_PAGE);
    }
    if (!nvme_log_bytes(s, &s->bytes)) {
        return DNR(NVME_INVALID_FIELD);
    }
    /* LPA bit 0: no page is kept per namespace. */
    if (s->sqe.nsid && s->sqe.nsid != NVME_ALL_NS &&
        (s->sqe.cdw10 & 0xff) == NVME_LOG_SMART) {
        return DNR(NVME_INVALID_FIELD);
    }
    return 0;
}

uint16_t nvme_get_log_exec(NvmeCtrl *c, NvmeSlot *s)
{
    const NvmeLog *log = log_page(s);
    uint64_t offset = log_offset(s);
    bool retain = s->sqe.cdw10 >> 15 & 1;
    uint8_t *buf = nvme_buffer(s, s->bytes);
    g_autofree uint8_t *page = g_malloc0(log->bytes);

    log->fill(c, page);
    memset(buf, 0, s->bytes);
    memcpy(buf, page + offset, MIN(s->bytes, log->bytes - offset));
    if (!retain && log->event >= 0) {
        nvme_event_unmask(c, log->event);
        if (log->event == NVME_AER_NOTICE) {
            c->changed_ns = 0;
        }
    }
    return 0;
}
