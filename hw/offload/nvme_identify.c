/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_identify.c: Identify. NVM Express 1.4, section 5.15; CNS 05h and 06h
 * (command set specific) as later revisions define them, which hosts also ask
 * of 1.4 controllers.
 *
 * Not modelled: NVM sets, namespace granularity, UUID lists, secondary
 * controllers.
 */
#include "nvme_int.h"

#include <string.h>

#define IDENTIFY_BYTES 4096u
#define DEFAULT_VID 0x1af4

/* Left aligned, padded with spaces, section 1.5 (ASCII strings). */
static void pad(char *to, size_t len, const char *text)
{
    size_t n = strnlen(text, len);

    memset(to, ' ', len);
    memcpy(to, text, n);
}

/* Section 7.9: an NQN from a UUID, which comes from model and serial. */
static void subnqn(const NvmeCtrlConfig *config, char out[256])
{
    g_autofree char *name =
        g_strdup_printf("%s %s", config->model, config->serial);
    g_autofree char *hash =
        g_compute_checksum_for_string(G_CHECKSUM_SHA1, name, -1);

    g_snprintf(out, 256,
               "nqn.2014-08.org.nvmexpress:uuid:%.8s-%.4s-5%.3s-a%.3s-%.12s",
               hash, hash + 8, hash + 13, hash + 17, hash + 20);
}

static void identify_limits(const NvmeCtrl *c, NvmeIdCtrl *id)
{
    id->acl = NVME_ABORTS - 1;
    id->aerl = NVME_AERS - 1;
    id->elpe = NVME_ERRORS - 1;
    id->mdts = NVME_MDTS;
    id->rab = 4;
    id->sqes = 0x66;
    id->cqes = 0x44;
    id->nn = GUINT32_TO_LE(CARD_MAX_NSID);
    id->mnan = GUINT32_TO_LE(CARD_MAX_NSID);
    id->awun = GUINT16_TO_LE(0);
    id->awupf = GUINT16_TO_LE(0);
}

static void identify_offers(const NvmeCtrl *c, NvmeIdCtrl *id)
{
    id->oaes = GUINT32_TO_LE(1u << 8); /* namespace attribute notices */
    id->oacs = GUINT16_TO_LE(1u << 1 | /* Format NVM */
                             (c->config.no_shadow_doorbells ? 0 : 1u << 8));
    id->frmw = 1 << 1 | 1;     /* one slot, read only */
    id->lpa = 1 << 1 | 1 << 2; /* effects log; offsets and long lengths */
    /* Compare, Dataset Management, Write Zeroes, Select in Get Features,
     * Timestamp, Verify */
    id->oncs = GUINT16_TO_LE(1u << 0 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 6 |
                             1u << 7);
    id->fna = 1 << 2;     /* cryptographic erase; formats are per namespace */
    id->vwc = 3 << 1 | 1; /* present; flush of all namespaces works */
    /* SGLs without alignment rules, bit buckets, longer than the data */
    id->sgls = GUINT32_TO_LE(1u << 0 | 1u << 16 | 1u << 18);
}

static void identify_ctrl(const NvmeCtrl *c, uint8_t *buf)
{
    NvmeIdCtrl *id = (NvmeIdCtrl *)buf;
    uint16_t vid = c->config.pci_vid ? c->config.pci_vid : DEFAULT_VID;
    uint16_t ssvid = c->config.pci_ssvid ? c->config.pci_ssvid : vid;

    id->vid = GUINT16_TO_LE(vid);
    id->ssvid = GUINT16_TO_LE(ssvid);
    pad(id->sn, sizeof(id->sn), c->config.serial);
    pad(id->mn, sizeof(id->mn), c->config.model);
    pad(id->fr, sizeof(id->fr), c->config.firmware_rev);
    id->ieee[1] = 0x54; /* 52-54-00, least significant byte first */
    id->ieee[2] = 0x52;
    id->ver = GUINT32_TO_LE(NVME_VERSION_1_4);
    id->rtd3r = GUINT32_TO_LE(1000000); /* 1 s */
    id->rtd3e = GUINT32_TO_LE(1000000);
    id->cntrltype = 1; /* I/O controller */
    id->wctemp = GUINT16_TO_LE(343);
    id->cctemp = GUINT16_TO_LE(353);
    id->psd[0].max_power = GUINT16_TO_LE(2500); /* 25 W */
    identify_limits(c, id);
    identify_offers(c, id);
    subnqn(&c->config, id->subnqn);
}

static void identify_ns(const CardNsInfo *info, uint8_t *buf)
{
    NvmeIdNs *id = (NvmeIdNs *)buf;
    uint64_t bytes = info->blocks * info->block_bytes;

    id->nsze = GUINT64_TO_LE(info->blocks);
    id->ncap = id->nsze;
    id->nuse = GUINT64_TO_LE(info->used_blocks);
    id->nsfeat = 1; /* thin provisioning: NUSE may be below NSZE */
    id->nlbaf = 1;  /* 0's based: two formats */
    id->flbas = info->lba_format & 0xf;
    id->dlfeat = 1 << 3 | 1; /* reads zeroes; Write Zeroes may deallocate */
    id->nvmcap[0] = GUINT64_TO_LE(bytes);
    id->nsattr = info->read_only;
    memcpy(id->eui64, info->eui64, sizeof(id->eui64));
    id->lbaf[0].data_shift = 9;
    id->lbaf[1].data_shift = 12;
    id->lbaf[0].performance = 1; /* the 4096 byte format is best: 0 */
}

/* Section 5.15.2.4: namespace identification descriptors */
static uint8_t *descriptor(uint8_t *p, uint8_t type, const uint8_t *id,
                           uint8_t len)
{
    p[0] = type;
    p[1] = len;
    memcpy(p + 4, id, len);
    return p + 4 + len;
}

static void ns_list(const NvmeCtrl *c, uint32_t after, uint8_t *buf)
{
    uint32_t nsid = after;

    for (unsigned i = 0; i < IDENTIFY_BYTES / 4; i++) {
        uint32_t raw;

        nsid = card_ns_next(c->card, c->config.fn, nsid);
        if (!nsid) {
            return;
        }
        raw = GUINT32_TO_LE(nsid);
        memcpy(buf + 4 * i, &raw, sizeof(raw));
    }
}

uint16_t nvme_identify_check(NvmeCtrl *c, NvmeSlot *s)
{
    s->bytes = IDENTIFY_BYTES;
    return 0;
}

static uint16_t of_namespace(NvmeCtrl *c, NvmeSlot *s, uint8_t *buf)
{
    unsigned cns = s->sqe.cdw10 & 0xff;
    CardNsInfo info;
    uint16_t st = nvme_ns(c, s->sqe.nsid, &info);

    /* Section 5.15.2.1: an inactive namespace reads as zeroes. */
    if ((cns == NVME_CNS_NS || cns == NVME_CNS_ALLOCATED) &&
        st == (NVME_INVALID_FIELD | NVME_STATUS_DNR)) {
        return 0;
    }
    if (st) {
        return st == (NVME_INVALID_FIELD | NVME_STATUS_DNR)
                   ? NVME_INVALID_NSID | NVME_STATUS_DNR
                   : st;
    }
    switch (cns) {
    case NVME_CNS_NS:
    case NVME_CNS_ALLOCATED:
        identify_ns(&info, buf);
        break;
    case NVME_CNS_NS_DESCRIPTORS:
        buf = descriptor(buf, 1, info.eui64, sizeof(info.eui64));
        descriptor(buf, 3, info.uuid, sizeof(info.uuid));
        break;
    case NVME_CNS_CTRLS_OF_NS:
        /* One controller, number 0, unless the host starts above it. */
        buf[0] = (s->sqe.cdw10 >> 16) == 0;
        break;
    default: /* NVME_CNS_CS_NS: no protection information, all zero */
        break;
    }
    return 0;
}

/* CNS 05h and 06h: command set in CDW11 bits 31:24; 0 is the NVM set. */
static bool other_command_set(const NvmeSlot *s)
{
    return s->sqe.cdw11 >> 24 != 0;
}

static uint16_t namespace_list(NvmeCtrl *c, NvmeSlot *s, uint8_t *buf)
{
    /* Section 5.15.2.3: no namespace lies above these. */
    if (s->sqe.nsid >= 0xfffffffe) {
        return NVME_INVALID_NSID | NVME_STATUS_DNR;
    }
    ns_list(c, s->sqe.nsid, buf);
    return 0;
}

uint16_t nvme_identify_exec(NvmeCtrl *c, NvmeSlot *s)
{
    uint8_t *buf = nvme_buffer(s, IDENTIFY_BYTES);

    memset(buf, 0, IDENTIFY_BYTES);
    switch (s->sqe.cdw10 & 0xff) {
    case NVME_CNS_CTRL:
        identify_ctrl(c, buf);
        return 0;
    case NVME_CNS_ACTIVE_NS:
    case NVME_CNS_ALLOCATED_NS:
        return namespace_list(c, s, buf);
    case NVME_CNS_CS_CTRL:
        if (other_command_set(s)) {
            break;
        }
        return 0; /* all zero: no limits beyond Identify Controller */
    case NVME_CNS_CS_NS:
        if (other_command_set(s)) {
            break;
        }
        return of_namespace(c, s, buf);
    case NVME_CNS_NS:
    case NVME_CNS_NS_DESCRIPTORS:
    case NVME_CNS_ALLOCATED:
    case NVME_CNS_CTRLS_OF_NS:
        return of_namespace(c, s, buf);
    case NVME_CNS_CTRLS:
        buf[0] = (s->sqe.cdw10 >> 16) == 0;
        return 0;
    default:
        break;
    }
    return NVME_INVALID_FIELD | NVME_STATUS_DNR;
}
