/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_features.c: Set Features and Get Features. NVM Express 1.4, sections
 * 5.21 and 5.13.
 *
 * Not modelled: saved values (no feature is saveable), autonomous power
 * states, thermal management, host memory buffer, host identifier, keep
 * alive, write protection set by the host.
 */
#include "nvme_int.h"

#include <string.h>

#define DNR(status) ((uint16_t)((status) | NVME_STATUS_DNR))
#define SELECT_CURRENT 0u
#define SELECT_CAPABILITIES 3u

#define FEAT_KNOWN 0x1u
#define FEAT_NS 0x2u /* namespace specific */

#define TEMP_OVER_DEFAULT 343u
#define AEC_SUPPORTED 0x1ffu /* SMART bits and namespace attribute notices */
#define TIMESTAMP_BYTES 8u
#define BEHAVIOR_BYTES 512u
#define PS_PER_MS 1000000000ull

typedef struct NvmeFeature {
    uint8_t flags;
    uint16_t data_bytes;
    uint16_t (*set)(NvmeCtrl *c, NvmeSlot *s);
    /* Result for current (false) or default (true) */
    uint16_t (*get)(NvmeCtrl *c, NvmeSlot *s, bool fallback);
} NvmeFeature;

void nvme_features_reset(NvmeCtrl *c)
{
    c->features = (NvmeFeatures){
        .arbitration = 4,
        .temp_over = TEMP_OVER_DEFAULT,
        .write_cache = 1,
        .n_sqs = c->config.max_queues,
        .n_cqs = c->config.max_queues,
        .timestamp_ps = nvme_now(c),
    };
}

/* ---- one by one --------------------------------------------------------- */

/* 01h, section 5.21.1.1: AB and the weights, which round robin ignores */
static uint16_t set_arbitration(NvmeCtrl *c, NvmeSlot *s)
{
    c->features.arbitration = s->sqe.cdw11 & ~0xf8u;
    return 0;
}

static uint16_t get_arbitration(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    s->result = fallback ? 4 : c->features.arbitration;
    return 0;
}

/* 02h, 5.21.1.2: there is power state 0 only */
static uint16_t set_power(NvmeCtrl *c, NvmeSlot *s)
{
    if (s->sqe.cdw11 & 0x1f) {
        return DNR(NVME_INVALID_FIELD);
    }
    c->features.power = s->sqe.cdw11 & 0xe0;
    return 0;
}

static uint16_t get_power(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    s->result = fallback ? 0 : c->features.power;
    return 0;
}

/* 04h, 5.21.1.4: the composite temperature has thresholds, over and under */
static uint16_t *threshold(NvmeCtrl *c, uint32_t cdw11, bool set)
{
    unsigned sensor = cdw11 >> 16 & 0xf, type = cdw11 >> 20 & 3;

    if (type > 1 || (sensor && !(set && sensor == 0xf))) {
        return NULL;
    }
    return type ? &c->features.temp_under : &c->features.temp_over;
}

static uint16_t set_temperature(NvmeCtrl *c, NvmeSlot *s)
{
    uint16_t *t = threshold(c, s->sqe.cdw11, true);

    if (!t) {
        return DNR(NVME_INVALID_FIELD);
    }
    *t = s->sqe.cdw11;
    nvme_event_temperature(c);
    return 0;
}

static uint16_t get_temperature(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    const uint16_t *t = threshold(c, s->sqe.cdw11, false);

    if (!t) {
        return DNR(NVME_INVALID_FIELD);
    }
    s->result = *t;
    if (fallback) {
        s->result = t == &c->features.temp_over ? TEMP_OVER_DEFAULT : 0;
    }
    return 0;
}

/* 05h, 5.21.1.5: TLER; DULBE needs NSFEAT bit 2, which no namespace has */
static uint16_t set_error_recovery(NvmeCtrl *c, NvmeSlot *s)
{
    uint32_t nsid = s->sqe.nsid;

    if (s->sqe.cdw11 >> 16 & 1) {
        return DNR(NVME_INVALID_FIELD);
    }
    for (unsigned i = 1; i <= CARD_MAX_NSID; i++) {
        if (nsid == NVME_ALL_NS || nsid == i) {
            c->features.error_recovery[i] = s->sqe.cdw11 & 0xffff;
        }
    }
    return 0;
}

static uint16_t get_error_recovery(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    uint32_t nsid = s->sqe.nsid;

    /* The namespace may have been detached since the check. */
    if (nsid == 0 || nsid > CARD_MAX_NSID) {
        return DNR(NVME_INVALID_NSID);
    }
    s->result = fallback ? 0 : c->features.error_recovery[nsid];
    return 0;
}

/* 06h, 5.21.1.6 */
static uint16_t set_write_cache(NvmeCtrl *c, NvmeSlot *s)
{
    c->features.write_cache = s->sqe.cdw11 & 1;
    return 0;
}

static uint16_t get_write_cache(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    s->result = fallback ? 1 : c->features.write_cache;
    return 0;
}

/* 07h, 5.21.1.7 */
static uint16_t set_queues(NvmeCtrl *c, NvmeSlot *s)
{
    unsigned sqs = s->sqe.cdw11 & 0xffff, cqs = s->sqe.cdw11 >> 16;

    if (sqs == 0xffff || cqs == 0xffff) {
        return DNR(NVME_INVALID_FIELD);
    }
    for (unsigned i = 1; i < NVME_QUEUES; i++) {
        if (c->sq[i].exists || c->cq[i].exists) {
            return DNR(NVME_SEQUENCE_ERROR);
        }
    }
    c->features.n_sqs = MIN(sqs + 1, c->config.max_queues);
    c->features.n_cqs = MIN(cqs + 1, c->config.max_queues);
    s->result = (c->features.n_sqs - 1u) | (c->features.n_cqs - 1u) << 16;
    return 0;
}

static uint16_t get_queues(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    uint32_t most = c->config.max_queues - 1;

    s->result = fallback
                    ? most | most << 16
                    : (c->features.n_sqs - 1u) | (c->features.n_cqs - 1u) << 16;
    return 0;
}

/* 08h, 5.21.1.8 */
static uint16_t set_coalescing(NvmeCtrl *c, NvmeSlot *s)
{
    c->features.coalescing = s->sqe.cdw11 & 0xffff;
    return 0;
}

static uint16_t get_coalescing(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    s->result = fallback ? 0 : c->features.coalescing;
    return 0;
}

/* 09h, 5.21.1.9 */
static uint16_t set_vector(NvmeCtrl *c, NvmeSlot *s)
{
    unsigned iv = s->sqe.cdw11 & 0xffff;

    if (iv >= c->config.msix_vectors) {
        return DNR(NVME_INVALID_FIELD);
    }
    c->vector[iv].no_coalescing = s->sqe.cdw11 >> 16 & 1;
    return 0;
}

static uint16_t get_vector(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    unsigned iv = s->sqe.cdw11 & 0xffff;

    if (iv >= c->config.msix_vectors) {
        return DNR(NVME_INVALID_FIELD);
    }
    s->result = iv;
    if (!fallback && c->vector[iv].no_coalescing) {
        s->result |= 1u << 16;
    }
    return 0;
}

/* 0Ah, 5.21.1.10: DN; a write is atomic for one block either way */
static uint16_t set_atomicity(NvmeCtrl *c, NvmeSlot *s)
{
    c->features.atomicity = s->sqe.cdw11 & 1;
    return 0;
}

static uint16_t get_atomicity(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    s->result = fallback ? 0 : c->features.atomicity;
    return 0;
}

/* 0Bh, 5.21.1.11 */
static uint16_t set_async_events(NvmeCtrl *c, NvmeSlot *s)
{
    c->features.async_events = s->sqe.cdw11 & AEC_SUPPORTED;
    nvme_event_temperature(c);
    return 0;
}

static uint16_t get_async_events(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    s->result = fallback ? 0 : c->features.async_events;
    return 0;
}

/* 0Eh, 5.21.1.14: 48 bits of milliseconds */
static uint16_t set_timestamp(NvmeCtrl *c, NvmeSlot *s)
{
    uint64_t ms = 0;

    for (unsigned i = 0; i < 6; i++) {
        ms |= (uint64_t)s->buf[i] << (8 * i);
    }
    c->features.timestamp_ms = ms;
    c->features.timestamp_ps = nvme_now(c);
    c->features.timestamp_origin = 1;
    return 0;
}

static uint16_t get_timestamp(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    uint64_t now = nvme_now(c), since = c->features.timestamp_ps;
    uint64_t passed = now > since ? (now - since) / PS_PER_MS : 0;
    uint64_t ms = fallback ? 0 : c->features.timestamp_ms + passed;

    for (unsigned i = 0; i < 6; i++) {
        s->buf[i] = ms >> (8 * i);
    }
    /* Section 5.21.1.14: origin in bits 3:1; the clock never stops */
    s->buf[6] = fallback ? 0 : c->features.timestamp_origin << 1;
    return 0;
}

/* 16h, 5.21.1.22: advanced command retry; this controller asks for none */
static uint16_t set_host_behavior(NvmeCtrl *c, NvmeSlot *s)
{
    if (s->buf[0] > 1) {
        return DNR(NVME_INVALID_FIELD);
    }
    c->features.acre = s->buf[0];
    return 0;
}

static uint16_t get_host_behavior(NvmeCtrl *c, NvmeSlot *s, bool fallback)
{
    s->buf[0] = fallback ? 0 : c->features.acre;
    return 0;
}

/* ---- table -------------------------------------------------------------- */

static const NvmeFeature features[] = {
    [NVME_FEAT_ARBITRATION] = { FEAT_KNOWN, 0, set_arbitration,
                                get_arbitration },
    [NVME_FEAT_POWER] = { FEAT_KNOWN, 0, set_power, get_power },
    [NVME_FEAT_TEMPERATURE] = { FEAT_KNOWN, 0, set_temperature,
                                get_temperature },
    [NVME_FEAT_ERROR_RECOVERY] = { FEAT_KNOWN | FEAT_NS, 0, set_error_recovery,
                                   get_error_recovery },
    [NVME_FEAT_WRITE_CACHE] = { FEAT_KNOWN, 0, set_write_cache,
                                get_write_cache },
    [NVME_FEAT_QUEUES] = { FEAT_KNOWN, 0, set_queues, get_queues },
    [NVME_FEAT_COALESCING] = { FEAT_KNOWN, 0, set_coalescing, get_coalescing },
    [NVME_FEAT_VECTOR] = { FEAT_KNOWN, 0, set_vector, get_vector },
    [NVME_FEAT_ATOMICITY] = { FEAT_KNOWN, 0, set_atomicity, get_atomicity },
    [NVME_FEAT_ASYNC_EVENTS] = { FEAT_KNOWN, 0, set_async_events,
                                 get_async_events },
    [NVME_FEAT_TIMESTAMP] = { FEAT_KNOWN, TIMESTAMP_BYTES, set_timestamp,
                              get_timestamp },
    [NVME_FEAT_HOST_BEHAVIOR] = { FEAT_KNOWN, BEHAVIOR_BYTES, set_host_behavior,
                                  get_host_behavior },
};

static const NvmeFeature *feature(const NvmeSlot *s)
{
    unsigned fid = s->sqe.cdw10 & 0xff;

    return fid < G_N_ELEMENTS(features) && features[fid].flags & FEAT_KNOWN
               ? &features[fid]
               : NULL;
}

/* Section 5.21: which namespace a feature is set for or read of */
static uint16_t feature_ns(NvmeCtrl *c, NvmeSlot *s, const NvmeFeature *f,
                           bool set)
{
    CardNsInfo info;

    if (f->flags & FEAT_NS) {
        return set && s->sqe.nsid == NVME_ALL_NS
                   ? 0
                   : nvme_ns(c, s->sqe.nsid, &info);
    }
    return set && s->sqe.nsid && s->sqe.nsid != NVME_ALL_NS
               ? DNR(NVME_FEATURE_NOT_NS_SPECIFIC)
               : 0;
}

static unsigned selected(const NvmeSlot *s)
{
    return s->sqe.cdw10 >> 8 & 7;
}

/* What Set or Get Features transfers; false: no such feature. */
bool nvme_feature_bytes(const NvmeSlot *s, uint32_t *ret)
{
    const NvmeFeature *f = feature(s);
    bool get = s->sqe.opcode == NVME_ADM_GET_FEATURES;

    if (!f || (get && selected(s) > SELECT_CAPABILITIES)) {
        return false;
    }
    *ret = get && selected(s) == SELECT_CAPABILITIES ? 0 : f->data_bytes;
    return true;
}

uint16_t nvme_set_feature_check(NvmeCtrl *c, NvmeSlot *s)
{
    const NvmeFeature *f = feature(s);

    if (!nvme_feature_bytes(s, &s->bytes)) {
        return DNR(NVME_INVALID_FIELD);
    }
    /* SV */
    if (s->sqe.cdw10 >> 31) {
        return DNR(NVME_FEATURE_NOT_SAVEABLE);
    }
    return feature_ns(c, s, f, true);
}

uint16_t nvme_set_feature_exec(NvmeCtrl *c, NvmeSlot *s)
{
    return feature(s)->set(c, s);
}

uint16_t nvme_get_feature_check(NvmeCtrl *c, NvmeSlot *s)
{
    const NvmeFeature *f = feature(s);

    if (!nvme_feature_bytes(s, &s->bytes)) {
        return DNR(NVME_INVALID_FIELD);
    }
    return selected(s) == SELECT_CAPABILITIES ? 0 : feature_ns(c, s, f, false);
}

uint16_t nvme_get_feature_exec(NvmeCtrl *c, NvmeSlot *s)
{
    const NvmeFeature *f = feature(s);

    /* Section 5.13: bit 2 changeable, 1 namespace specific, 0 saveable */
    if (selected(s) == SELECT_CAPABILITIES) {
        s->result = 4 | (f->flags & FEAT_NS ? 2 : 0);
        return 0;
    }
    if (f->data_bytes) {
        memset(nvme_buffer(s, f->data_bytes), 0, f->data_bytes);
    }
    /* Nothing can be saved: the saved value is the default. */
    return f->get(c, s, selected(s) != SELECT_CURRENT);
}
