/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_host.h: a minimal NVMe driver for device tests: one admin queue pair
 * and one I/O queue pair in a machine's RAM (NVM Express 1.4).
 */
#ifndef OUTRIGGER_TESTS_QTEST_NVME_HOST_H
#define OUTRIGGER_TESTS_QTEST_NVME_HOST_H

#include "machine.h"

#define NVME_HOST_ENTRIES 16u
#define NVME_HOST_BAR 0xe0000000u

typedef struct NvmeHost {
    Machine *m;
    unsigned dev;  /* PCI device on bus 0 */
    uint64_t bar;  /* its BAR 0 */
    uint64_t base; /* RAM for queues: 64 KiB */
    unsigned sq_tail[2], cq_head[2], phase[2];
    uint16_t next_cid;
    bool pin; /* INTx; MSI-X was never touched */
} NvmeHost;

typedef struct NvmeHostCmd {
    uint8_t opcode;
    uint32_t nsid;
    uint64_t prp1, prp2;
    uint32_t cdw10, cdw11, cdw12;
} NvmeHostCmd;

/* Maps BAR 0, turns on memory and bus mastering. */
void nvme_host_init_pin(NvmeHost *h, Machine *m, unsigned dev, unsigned slot);
/* The same and MSI-X, with every vector masked. */
void nvme_host_init(NvmeHost *h, Machine *m, unsigned dev, unsigned slot);
/* Switches MSI-X of the function. */
void nvme_host_msix(NvmeHost *h, bool on);
/* CC.EN, waits for CSTS.RDY, makes I/O queue pair 1. */
void nvme_host_enable(NvmeHost *h);
/* Rings the doorbell; returns the command identifier. */
uint16_t nvme_host_submit(NvmeHost *h, unsigned queue, const NvmeHostCmd *c);
/* Steps virtual time until a completion is there; returns its status field
 * (without phase). Fails after 10 virtual seconds. */
uint16_t nvme_host_wait(NvmeHost *h, unsigned queue, uint16_t *ret_cid);
/* Is one there now? */
bool nvme_host_pending(NvmeHost *h, unsigned queue);
uint16_t nvme_host_run(NvmeHost *h, unsigned queue, const NvmeHostCmd *c);
/* Reads or writes @blocks logical blocks through PRPs at @addr. */
uint16_t nvme_host_io(NvmeHost *h, bool write, uint64_t lba, unsigned blocks,
                      uint64_t addr);

#endif
