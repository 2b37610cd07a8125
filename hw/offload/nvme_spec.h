/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_spec.h: what crosses the wire: registers, commands, completions,
 * status codes, identify and log data. NVM Express Base Specification,
 * revision 1.4. All multi-byte fields are little endian.
 *
 * Left out: what this controller does not offer (fabrics, metadata and
 * protection information, reservations, directives, sanitize, CMB, PMR).
 */
#ifndef OUTRIGGER_NVME_SPEC_H
#define OUTRIGGER_NVME_SPEC_H

#include <stdint.h>

/* ---- controller registers, section 3.1 ---------------------------------- */

enum {
    NVME_REG_CAP = 0x00,
    NVME_REG_VS = 0x08,
    NVME_REG_INTMS = 0x0c,
    NVME_REG_INTMC = 0x10,
    NVME_REG_CC = 0x14,
    NVME_REG_CSTS = 0x1c,
    NVME_REG_NSSR = 0x20,
    NVME_REG_AQA = 0x24,
    NVME_REG_ASQ = 0x28,
    NVME_REG_ACQ = 0x30,
    NVME_REG_CMBLOC = 0x38,
    NVME_REG_CMBSZ = 0x3c,
    NVME_REG_BPINFO = 0x40,
    NVME_REG_BPRSEL = 0x44,
    NVME_REG_BPMBL = 0x48,
    NVME_REG_DOORBELLS = 0x1000
};

#define NVME_VERSION_1_4 0x00010400u
#define NVME_NSSR_MAGIC 0x4e564d65u /* "NVMe", section 3.1.7 */

/* CC, section 3.1.5 */
#define NVME_CC_EN 0x1u
#define NVME_CC_CSS(cc) ((cc) >> 4 & 0x7)
#define NVME_CC_MPS(cc) ((cc) >> 7 & 0xf)
#define NVME_CC_AMS(cc) ((cc) >> 11 & 0x7)
#define NVME_CC_SHN(cc) ((cc) >> 14 & 0x3)
#define NVME_CC_IOSQES(cc) ((cc) >> 16 & 0xf)
#define NVME_CC_IOCQES(cc) ((cc) >> 20 & 0xf)
#define NVME_CC_WRITABLE 0x00fffff1u

/* CSTS, section 3.1.6 */
#define NVME_CSTS_RDY 0x1u
#define NVME_CSTS_CFS 0x2u
#define NVME_CSTS_SHST_MASK 0xcu
#define NVME_CSTS_SHST_OCCURRING 0x4u
#define NVME_CSTS_SHST_COMPLETE 0x8u
#define NVME_CSTS_NSSRO 0x10u

/* ---- commands, section 4.2 ---------------------------------------------- */

typedef struct NvmeSqe {
    uint8_t opcode;
    uint8_t flags; /* 1:0 FUSE, 7:6 PSDT */
    uint16_t cid;
    uint32_t nsid;
    uint32_t cdw2;
    uint32_t cdw3;
    uint64_t mptr;
    uint64_t prp1; /* or the first SGL descriptor with prp2 */
    uint64_t prp2;
    uint32_t cdw10;
    uint32_t cdw11;
    uint32_t cdw12;
    uint32_t cdw13;
    uint32_t cdw14;
    uint32_t cdw15;
} NvmeSqe;
_Static_assert(sizeof(NvmeSqe) == 64, "section 4.2");

/* Section 4.6 */
typedef struct NvmeCqe {
    uint32_t result;
    uint32_t reserved;
    uint16_t sq_head;
    uint16_t sq_id;
    uint16_t cid;
    uint16_t status; /* bit 0: phase */
} NvmeCqe;
_Static_assert(sizeof(NvmeCqe) == 16, "section 4.6");

/* Section 4.4 */
typedef struct NvmeSgl {
    uint64_t addr;
    uint32_t len;
    uint8_t reserved[3];
    uint8_t type; /* 7:4 type, 3:0 sub type */
} NvmeSgl;
_Static_assert(sizeof(NvmeSgl) == 16, "section 4.4");

enum {
    NVME_SGL_DATA_BLOCK = 0x0,
    NVME_SGL_BIT_BUCKET = 0x1,
    NVME_SGL_SEGMENT = 0x2,
    NVME_SGL_LAST_SEGMENT = 0x3
};

/* Section 6.7 */
typedef struct NvmeDsmRange {
    uint32_t attributes;
    uint32_t blocks;
    uint64_t slba;
} NvmeDsmRange;
_Static_assert(sizeof(NvmeDsmRange) == 16, "section 6.7");

/* Section 5 */
enum {
    NVME_ADM_DELETE_SQ = 0x00,
    NVME_ADM_CREATE_SQ = 0x01,
    NVME_ADM_GET_LOG = 0x02,
    NVME_ADM_DELETE_CQ = 0x04,
    NVME_ADM_CREATE_CQ = 0x05,
    NVME_ADM_IDENTIFY = 0x06,
    NVME_ADM_ABORT = 0x08,
    NVME_ADM_SET_FEATURES = 0x09,
    NVME_ADM_GET_FEATURES = 0x0a,
    NVME_ADM_ASYNC_EVENT = 0x0c,
    NVME_ADM_DBBUF = 0x7c,
    NVME_ADM_FORMAT = 0x80
};

/* Section 6 */
enum {
    NVME_IO_FLUSH = 0x00,
    NVME_IO_WRITE = 0x01,
    NVME_IO_READ = 0x02,
    NVME_IO_COMPARE = 0x05,
    NVME_IO_WRITE_ZEROES = 0x08,
    NVME_IO_DSM = 0x09,
    NVME_IO_VERIFY = 0x0c
};

/* ---- status, section 4.6.1: SCT << 8 | SC, and the bits above ----------- */

#define NVME_STATUS_CODE 0x07ffu
#define NVME_STATUS_MORE 0x2000u /* see the error log */
#define NVME_STATUS_DNR 0x4000u  /* do not retry */

enum {
    NVME_OK = 0x000,
    NVME_INVALID_OPCODE = 0x001,
    NVME_INVALID_FIELD = 0x002,
    NVME_CID_CONFLICT = 0x003,
    NVME_DATA_TRANSFER_ERROR = 0x004,
    NVME_INTERNAL_ERROR = 0x006,
    NVME_ABORT_REQUESTED = 0x007,
    NVME_ABORTED_SQ_DELETED = 0x008,
    NVME_INVALID_NSID = 0x00b, /* Invalid Namespace or Format */
    NVME_SEQUENCE_ERROR = 0x00c,
    NVME_INVALID_SGL_SEGMENT = 0x00d,
    NVME_INVALID_SGL_COUNT = 0x00e,
    NVME_DATA_SGL_LENGTH = 0x00f,
    NVME_SGL_TYPE_INVALID = 0x011,
    NVME_PRP_OFFSET_INVALID = 0x013,
    NVME_LBA_OUT_OF_RANGE = 0x080,
    NVME_NS_NOT_READY = 0x082,
    NVME_FORMAT_IN_PROGRESS = 0x084,
    /* command specific */
    NVME_CQ_INVALID = 0x100,
    NVME_INVALID_QID = 0x101,
    NVME_INVALID_QUEUE_SIZE = 0x102,
    NVME_ABORT_LIMIT = 0x103,
    NVME_AER_LIMIT_EXCEEDED = 0x105,
    NVME_INVALID_VECTOR = 0x108,
    NVME_INVALID_LOG_PAGE = 0x109,
    NVME_INVALID_FORMAT = 0x10a,
    NVME_INVALID_QUEUE_DELETION = 0x10c,
    NVME_FEATURE_NOT_SAVEABLE = 0x10d,
    NVME_FEATURE_NOT_CHANGEABLE = 0x10e,
    NVME_FEATURE_NOT_NS_SPECIFIC = 0x10f,
    /* media and data integrity */
    NVME_COMPARE_FAILURE = 0x285
};

/* ---- asynchronous events, section 5.2 ----------------------------------- */

enum {
    NVME_AER_ERROR = 0,
    NVME_AER_SMART = 1,
    NVME_AER_NOTICE = 2,
    NVME_AER_TYPES = 3
};
enum {
    NVME_AER_ERR_DB_REGISTER = 0,
    NVME_AER_ERR_DB_VALUE = 1,
    NVME_AER_ERR_PERSISTENT = 3,
    NVME_AER_SMART_TEMPERATURE = 1,
    NVME_AER_NOTICE_NS_CHANGED = 0
};

/* ---- log pages, section 5.14 -------------------------------------------- */

enum {
    NVME_LOG_ERROR = 0x01,
    NVME_LOG_SMART = 0x02,
    NVME_LOG_FIRMWARE = 0x03,
    NVME_LOG_CHANGED_NS = 0x04,
    NVME_LOG_EFFECTS = 0x05
};

/* Section 5.14.1.1 */
typedef struct NvmeErrorEntry {
    uint64_t count;
    uint16_t sq_id;
    uint16_t cid;
    uint16_t status; /* as in the completion: status << 1 | phase */
    uint16_t location;
    uint64_t lba;
    uint32_t nsid;
    uint8_t vendor;
    uint8_t transport;
    uint8_t reserved30[2];
    uint64_t command_specific;
    uint16_t transport_specific;
    uint8_t reserved42[22];
} NvmeErrorEntry;
_Static_assert(sizeof(NvmeErrorEntry) == 64, "section 5.14.1.1");

/* Section 5.14.1.2; 128-bit counters as {low, high} */
typedef struct __attribute__((packed)) NvmeSmartLog {
    uint8_t critical_warning;
    uint16_t temperature_k;
    uint8_t spare, spare_threshold, percent_used, endurance_critical;
    uint8_t reserved7[25];
    uint64_t units_read[2];
    uint64_t units_written[2];
    uint64_t host_reads[2];
    uint64_t host_writes[2];
    uint64_t busy_minutes[2];
    uint64_t power_cycles[2];
    uint64_t power_on_hours[2];
    uint64_t unsafe_shutdowns[2];
    uint64_t media_errors[2];
    uint64_t error_entries[2];
    uint32_t warning_minutes, critical_minutes;
    uint16_t sensor_k[8];
    uint8_t reserved216[296];
} NvmeSmartLog;
_Static_assert(sizeof(NvmeSmartLog) == 512, "section 5.14.1.2");

/* Section 5.14.1.3 */
typedef struct NvmeFirmwareLog {
    uint8_t active;
    uint8_t reserved1[7];
    char revision[7][8];
    uint8_t reserved64[448];
} NvmeFirmwareLog;
_Static_assert(sizeof(NvmeFirmwareLog) == 512, "section 5.14.1.3");

/* Section 5.14.1.5 */
typedef struct NvmeEffectsLog {
    uint32_t admin[256];
    uint32_t io[256];
    uint8_t reserved2048[2048];
} NvmeEffectsLog;
_Static_assert(sizeof(NvmeEffectsLog) == 4096, "section 5.14.1.5");

#define NVME_EFFECT_SUPPORTED 0x00001u
#define NVME_EFFECT_CONTENT 0x00002u      /* user data may change */
#define NVME_EFFECT_NS 0x00004u           /* capabilities of a namespace */
#define NVME_EFFECT_EXCLUSIVE_NS 0x10000u /* one at a time on a namespace */

/* ---- identify, section 5.15 --------------------------------------------- */

enum {
    NVME_CNS_NS = 0x00,
    NVME_CNS_CTRL = 0x01,
    NVME_CNS_ACTIVE_NS = 0x02,
    NVME_CNS_NS_DESCRIPTORS = 0x03,
    NVME_CNS_CS_NS = 0x05,
    NVME_CNS_CS_CTRL = 0x06,
    NVME_CNS_ALLOCATED_NS = 0x10,
    NVME_CNS_ALLOCATED = 0x11,
    NVME_CNS_CTRLS_OF_NS = 0x12,
    NVME_CNS_CTRLS = 0x13
};

/* Section 5.15.2.2 */
typedef struct __attribute__((packed)) NvmeIdCtrl {
    uint16_t vid, ssvid;
    char sn[20], mn[40], fr[8];
    uint8_t rab, ieee[3], cmic, mdts;
    uint16_t cntlid;
    uint32_t ver, rtd3r, rtd3e, oaes, ctratt;
    uint16_t rrls;
    uint8_t reserved102[9];
    uint8_t cntrltype;
    uint8_t fguid[16];
    uint16_t crdt[3];
    uint8_t reserved134[122];
    uint16_t oacs;
    uint8_t acl, aerl, frmw, lpa, elpe, npss, avscc, apsta;
    uint16_t wctemp, cctemp, mtfa;
    uint32_t hmpre, hmmin;
    uint64_t tnvmcap[2], unvmcap[2];
    uint32_t rpmbs;
    uint16_t edstt;
    uint8_t dsto, fwug;
    uint16_t kas, hctma, mntmt, mxtmt;
    uint32_t sanicap;
    uint8_t reserved332[180];
    uint8_t sqes, cqes;
    uint16_t maxcmd;
    uint32_t nn;
    uint16_t oncs, fuses;
    uint8_t fna, vwc;
    uint16_t awun, awupf;
    uint8_t nvscc, nwpc;
    uint16_t acwu, reserved534;
    uint32_t sgls, mnan;
    uint8_t reserved544[224];
    char subnqn[256];
    uint8_t reserved1024[1024];
    struct __attribute__((packed)) {
        uint16_t max_power; /* 0.01 W */
        uint8_t reserved2[14];
        uint16_t idle_power;
        uint8_t reserved18[14];
    } psd[32];
    uint8_t vendor[1024];
} NvmeIdCtrl;
_Static_assert(sizeof(NvmeIdCtrl) == 4096, "section 5.15.2.2");

/* Section 5.15.2.1 */
typedef struct __attribute__((packed)) NvmeIdNs {
    uint64_t nsze, ncap, nuse;
    uint8_t nsfeat, nlbaf, flbas, mc, dpc, dps, nmic, rescap, fpi, dlfeat;
    uint16_t nawun, nawupf, nacwu, nabsn, nabo, nabspf, noiob;
    uint64_t nvmcap[2];
    uint16_t npwg, npwa, npdg, npda, nows;
    uint8_t reserved74[18];
    uint32_t anagrpid;
    uint8_t reserved96[3], nsattr;
    uint16_t nvmsetid, endgid;
    uint8_t nguid[16], eui64[8];
    struct __attribute__((packed)) {
        uint16_t metadata;
        uint8_t data_shift;
        uint8_t performance;
    } lbaf[16];
    uint8_t reserved192[3904];
} NvmeIdNs;
_Static_assert(sizeof(NvmeIdNs) == 4096, "section 5.15.2.1");

/* ---- features, section 5.21 --------------------------------------------- */

enum {
    NVME_FEAT_ARBITRATION = 0x01,
    NVME_FEAT_POWER = 0x02,
    NVME_FEAT_TEMPERATURE = 0x04,
    NVME_FEAT_ERROR_RECOVERY = 0x05,
    NVME_FEAT_WRITE_CACHE = 0x06,
    NVME_FEAT_QUEUES = 0x07,
    NVME_FEAT_COALESCING = 0x08,
    NVME_FEAT_VECTOR = 0x09,
    NVME_FEAT_ATOMICITY = 0x0a,
    NVME_FEAT_ASYNC_EVENTS = 0x0b,
    NVME_FEAT_TIMESTAMP = 0x0e,
    NVME_FEAT_HOST_BEHAVIOR = 0x16
};

#endif
