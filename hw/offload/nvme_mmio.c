/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_mmio.c: the register file in BAR0. NVM Express 1.4, section 3.1.
 *
 * Registers are read and written as aligned 4 or 8 bytes; anything else reads
 * 0, is dropped, and counts as a guest error. A 4-byte write to a 64-bit
 * register replaces its half. Doorbells take 4 bytes.
 *
 * Not modelled: the controller memory buffer, boot partitions, the persistent
 * memory region (their registers read 0, as when not supported).
 */
#include "nvme_int.h"

#define CC_FIXED 0x3ff0u /* while enabled: CSS, MPS, AMS */

typedef struct NvmeReg {
    const char *name;
    uint32_t offset;
    unsigned size;
    uint64_t (*get)(const NvmeCtrl *c);
    void (*set)(NvmeCtrl *c, uint64_t value); /* NULL: read only */
} NvmeReg;

uint64_t nvme_cap(const NvmeCtrl *c)
{
    return (uint64_t)(NVME_MAX_ENTRIES - 1) /* MQES, 0's based */
           | 1ull << 16                     /* CQR */
           | 30ull << 24                    /* TO: 15 s */
           | 1ull << 36                     /* NSSRS */
           | 1ull << 37                     /* CSS: NVM command set */
           | (uint64_t)NVME_MPSMAX << 52;   /* MPSMIN 0: 4 KiB */
}

static uint64_t get_zero(const NvmeCtrl *c)
{
    return 0;
}

static uint64_t get_version(const NvmeCtrl *c)
{
    return NVME_VERSION_1_4;
}

static uint64_t get_intms(const NvmeCtrl *c)
{
    return c->intms;
}

static uint64_t get_cc(const NvmeCtrl *c)
{
    return c->cc;
}

static uint64_t get_csts(const NvmeCtrl *c)
{
    return c->csts;
}

static uint64_t get_aqa(const NvmeCtrl *c)
{
    return c->aqa;
}

static uint64_t get_asq(const NvmeCtrl *c)
{
    return c->asq;
}

static uint64_t get_acq(const NvmeCtrl *c)
{
    return c->acq;
}

/* Section 3.1.3: not to be used with MSI-X; then without effect. */
static void set_intms(NvmeCtrl *c, uint64_t value)
{
    c->intms |= value;
    nvme_irq_level(c);
}

static void set_intmc(NvmeCtrl *c, uint64_t value)
{
    c->intms &= ~value;
    nvme_irq_level(c);
}

static void set_cc(NvmeCtrl *c, uint64_t value)
{
    uint32_t old = c->cc;
    unsigned shn = NVME_CC_SHN(value);

    value &= NVME_CC_WRITABLE;
    if (old & NVME_CC_EN && !(value & NVME_CC_EN)) {
        nvme_ctrl_reset(c, CARD_RESET_CONTROLLER);
        c->cc = value;
    } else if (!(old & NVME_CC_EN) && value & NVME_CC_EN) {
        c->cc = value;
        nvme_enable(c);
    } else if (value & NVME_CC_EN) {
        /* CSS, MPS and AMS are for the host to change while EN is 0. */
        if ((value ^ old) & CC_FIXED) {
            nvme_guest_error(c, CARD_GUEST_REG_VALUE, 0, 0);
        }
        c->cc = (value & ~CC_FIXED) | (old & CC_FIXED);
    } else {
        c->cc = value;
    }
    if ((shn == 1 || shn == 2) && shn != NVME_CC_SHN(old)) {
        nvme_shutdown(c);
    }
}

/* NSSRO is write 1 to clear; the rest is read only. */
static void set_csts(NvmeCtrl *c, uint64_t value)
{
    c->csts &= ~(value & NVME_CSTS_NSSRO);
}

static void set_nssr(NvmeCtrl *c, uint64_t value)
{
    if (value == NVME_NSSR_MAGIC) {
        nvme_ctrl_reset(c, CARD_RESET_SUBSYSTEM);
    }
}

/* The admin queue's place must not change while CC.EN is set, section 3.1.8
 * to 3.1.10. */
static bool admin_queue_fixed(NvmeCtrl *c)
{
    if (c->cc & NVME_CC_EN) {
        nvme_guest_error(c, CARD_GUEST_REG_VALUE, 0, 0);
        return true;
    }
    return false;
}

static void set_aqa(NvmeCtrl *c, uint64_t value)
{
    if (!admin_queue_fixed(c)) {
        c->aqa = value & 0x0fff0fff;
    }
}

static void set_asq(NvmeCtrl *c, uint64_t value)
{
    if (!admin_queue_fixed(c)) {
        c->asq = value & ~0xfffull;
    }
}

static void set_acq(NvmeCtrl *c, uint64_t value)
{
    if (!admin_queue_fixed(c)) {
        c->acq = value & ~0xfffull;
    }
}

static const NvmeReg registers[] = {
    { "CAP", NVME_REG_CAP, 8, nvme_cap, NULL },
    { "VS", NVME_REG_VS, 4, get_version, NULL },
    { "INTMS", NVME_REG_INTMS, 4, get_intms, set_intms },
    { "INTMC", NVME_REG_INTMC, 4, get_intms, set_intmc },
    { "CC", NVME_REG_CC, 4, get_cc, set_cc },
    { "CSTS", NVME_REG_CSTS, 4, get_csts, set_csts },
    { "NSSR", NVME_REG_NSSR, 4, get_zero, set_nssr },
    { "AQA", NVME_REG_AQA, 4, get_aqa, set_aqa },
    { "ASQ", NVME_REG_ASQ, 8, get_asq, set_asq },
    { "ACQ", NVME_REG_ACQ, 8, get_acq, set_acq },
    { "CMBLOC", NVME_REG_CMBLOC, 4, get_zero, NULL },
    { "CMBSZ", NVME_REG_CMBSZ, 4, get_zero, NULL },
    { "BPINFO", NVME_REG_BPINFO, 4, get_zero, NULL },
    { "BPRSEL", NVME_REG_BPRSEL, 4, get_zero, NULL },
    { "BPMBL", NVME_REG_BPMBL, 8, get_zero, NULL },
};

static const NvmeReg *find(uint64_t addr)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(registers); i++) {
        const NvmeReg *r = &registers[i];

        if (addr >= r->offset && addr - r->offset < r->size) {
            return r;
        }
    }
    return NULL;
}

static bool width_ok(NvmeCtrl *c, uint64_t addr, unsigned size)
{
    if ((size == 4 || size == 8) && !(addr & 3)) {
        return true;
    }
    nvme_guest_error(c, CARD_GUEST_REG_ACCESS, 0, 0);
    return false;
}

static uint32_t read_dword(NvmeCtrl *c, uint64_t addr)
{
    const NvmeReg *r = find(addr);

    /* Reserved registers read 0, section 3.1; doorbells too. */
    return r ? r->get(c) >> 8 * (addr - r->offset) : 0;
}

uint64_t nvme_ctrl_mmio_read(NvmeCtrl *c, uint64_t addr, unsigned size)
{
    uint64_t low;

    if (!width_ok(c, addr, size)) {
        return 0;
    }
    low = read_dword(c, addr);
    return size == 4 ? low : low | (uint64_t)read_dword(c, addr + 4) << 32;
}

static void write_dword(NvmeCtrl *c, uint64_t addr, uint32_t value)
{
    const NvmeReg *r = find(addr);
    unsigned shift;
    uint64_t old;

    if (!r || !r->set) {
        nvme_guest_error(c, CARD_GUEST_REG_ACCESS, 0, 0);
        return;
    }
    if (r->size == 4) {
        r->set(c, value);
        return;
    }
    shift = 8 * (addr - r->offset);
    old = r->get(c);
    r->set(c, (old & ~(0xffffffffull << shift)) | (uint64_t)value << shift);
}

void nvme_ctrl_mmio_write(NvmeCtrl *c, uint64_t addr, uint64_t value,
                          unsigned size)
{
    if (!width_ok(c, addr, size)) {
        return;
    }
    if (addr >= NVME_REG_DOORBELLS) {
        if (size != 4) {
            nvme_guest_error(c, CARD_GUEST_REG_ACCESS, 0, 0);
            return;
        }
        nvme_doorbell_write(c, addr, value);
        return;
    }
    write_dword(c, addr, value);
    if (size == 8) {
        write_dword(c, addr + 4, value >> 32);
    }
}

const char *nvme_ctrl_register(const NvmeCtrl *c, unsigned index,
                               uint32_t *ret_offset, unsigned *ret_size,
                               uint64_t *ret_value)
{
    if (index >= G_N_ELEMENTS(registers)) {
        return NULL;
    }
    *ret_offset = registers[index].offset;
    *ret_size = registers[index].size;
    *ret_value = registers[index].get(c);
    return registers[index].name;
}
