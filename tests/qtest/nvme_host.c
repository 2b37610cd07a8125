/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_host.c: see nvme_host.h.
 */
#include "nvme_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REG_CC = 0x14,
    REG_CSTS = 0x1c,
    REG_AQA = 0x24,
    REG_ASQ = 0x28,
    REG_ACQ = 0x30,
    REG_DOORBELLS = 0x1000,
    OPC_CREATE_SQ = 0x01,
    OPC_CREATE_CQ = 0x05,
};

static uint64_t sq_addr(const NvmeHost *h, unsigned queue)
{
    return h->base + queue * 0x2000;
}

static uint64_t cq_addr(const NvmeHost *h, unsigned queue)
{
    return h->base + queue * 0x2000 + 0x1000;
}

void nvme_host_init_pin(NvmeHost *h, Machine *m, unsigned dev, unsigned slot)
{
    *h = (NvmeHost){ .m = m,
                     .dev = dev,
                     .pin = true,
                     .next_cid = 1,
                     .bar = NVME_HOST_BAR + slot * 0x100000ull,
                     .base = 0x100000 + slot * 0x10000ull };
    machine_pci_map(m, dev, h->bar, 0x80000);
}

void nvme_host_msix(NvmeHost *h, bool on)
{
    machine_pci_msix(h->m, h->dev, on);
    h->pin = !on;
}

void nvme_host_init(NvmeHost *h, Machine *m, unsigned dev, unsigned slot)
{
    nvme_host_init_pin(h, m, dev, slot);
    nvme_host_msix(h, true);
}

static void create_queues(NvmeHost *h)
{
    NvmeHostCmd cq = { .opcode = OPC_CREATE_CQ,
                       .prp1 = cq_addr(h, 1),
                       .cdw10 = (NVME_HOST_ENTRIES - 1) << 16 | 1,
                       .cdw11 = (h->pin ? 0 : 1u << 16) | 2 | 1 };
    NvmeHostCmd sq = { .opcode = OPC_CREATE_SQ,
                       .prp1 = sq_addr(h, 1),
                       .cdw10 = (NVME_HOST_ENTRIES - 1) << 16 | 1,
                       .cdw11 = 1 << 16 | 1 };

    if (nvme_host_run(h, 0, &cq) || nvme_host_run(h, 0, &sq)) {
        fprintf(stderr, "queue pair 1 was refused\n");
        exit(1);
    }
}

void nvme_host_enable(NvmeHost *h)
{
    static const uint8_t zero[0x4000];
    unsigned tries = 0;

    machine_ram_write(h->m, h->base, zero, sizeof(zero));
    for (unsigned q = 0; q < 2; q++) {
        h->sq_tail[q] = h->cq_head[q] = 0;
        h->phase[q] = 1;
    }
    machine_write(h->m, h->bar + REG_AQA,
                  (NVME_HOST_ENTRIES - 1) << 16 | (NVME_HOST_ENTRIES - 1), 4);
    machine_write(h->m, h->bar + REG_ASQ, sq_addr(h, 0), 8);
    machine_write(h->m, h->bar + REG_ACQ, cq_addr(h, 0), 8);
    machine_write(h->m, h->bar + REG_CC, 4 << 20 | 6 << 16 | 1, 4);
    while (!(machine_read(h->m, h->bar + REG_CSTS, 4) & 1)) {
        if (++tries > 1000) {
            fprintf(stderr, "CSTS.RDY does not rise\n");
            exit(1);
        }
        machine_clock_step(h->m, 1000000);
    }
    create_queues(h);
}

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        p[i] = v >> (8 * i);
    }
}

static void put64(uint8_t *p, uint64_t v)
{
    put32(p, v);
    put32(p + 4, v >> 32);
}

uint16_t nvme_host_submit(NvmeHost *h, unsigned queue, const NvmeHostCmd *c)
{
    uint8_t e[64] = { c->opcode };
    uint16_t cid = h->next_cid++;

    put32(e, c->opcode | (uint32_t)cid << 16);
    put32(e + 4, c->nsid);
    put64(e + 24, c->prp1);
    put64(e + 32, c->prp2);
    put32(e + 40, c->cdw10);
    put32(e + 44, c->cdw11);
    put32(e + 48, c->cdw12);
    machine_ram_write(h->m, sq_addr(h, queue) + 64 * h->sq_tail[queue], e, 64);
    h->sq_tail[queue] = (h->sq_tail[queue] + 1) % NVME_HOST_ENTRIES;
    machine_write(h->m, h->bar + REG_DOORBELLS + 8 * queue, h->sq_tail[queue],
                  4);
    return cid;
}

bool nvme_host_pending(NvmeHost *h, unsigned queue)
{
    uint8_t e[16];

    machine_ram_read(h->m, cq_addr(h, queue) + 16 * h->cq_head[queue], e, 16);
    return (e[14] & 1) == h->phase[queue];
}

uint16_t nvme_host_wait(NvmeHost *h, unsigned queue, uint16_t *ret_cid)
{
    uint8_t e[16];

    for (unsigned tries = 0; !nvme_host_pending(h, queue); tries++) {
        if (tries > 100000) {
            fprintf(stderr, "no completion on queue %u\n", queue);
            exit(1);
        }
        machine_clock_step(h->m, 100000);
    }
    machine_ram_read(h->m, cq_addr(h, queue) + 16 * h->cq_head[queue], e, 16);
    if (++h->cq_head[queue] == NVME_HOST_ENTRIES) {
        h->cq_head[queue] = 0;
        h->phase[queue] ^= 1;
    }
    machine_write(h->m, h->bar + REG_DOORBELLS + 8 * queue + 4,
                  h->cq_head[queue], 4);
    if (ret_cid) {
        *ret_cid = e[12] | e[13] << 8;
    }
    return (e[14] | e[15] << 8) >> 1;
}

uint16_t nvme_host_run(NvmeHost *h, unsigned queue, const NvmeHostCmd *c)
{
    nvme_host_submit(h, queue, c);
    return nvme_host_wait(h, queue, NULL);
}

uint16_t nvme_host_io(NvmeHost *h, bool write, uint64_t lba, unsigned blocks,
                      uint64_t addr)
{
    NvmeHostCmd c = { .opcode = write ? 1 : 2,
                      .nsid = 1,
                      .prp1 = addr,
                      .prp2 = blocks * 512 > 4096 ? addr + 4096 : 0,
                      .cdw10 = lba,
                      .cdw11 = lba >> 32,
                      .cdw12 = blocks - 1 };

    return nvme_host_run(h, 1, &c);
}
