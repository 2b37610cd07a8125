/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_host.h: the host's side of NVMe in a unit test: one function, its
 * registers, queues in the mock's memory, commands sent and completions
 * taken. NVM Express 1.4.
 */
#ifndef OUTRIGGER_NVME_HOST_H
#define OUTRIGGER_NVME_HOST_H

#include "mock_backend.h"
#include "nvme_spec.h"

#define HOST_RAM (32u << 20)
#define HOST_NS_BYTES (4u << 20)
#define HOST_QUEUES 65u
#define SC(status) ((status)&0x7ff)

typedef struct HostQueue {
    uint64_t sq, cq; /* addresses; 0: does not exist */
    uint32_t sq_size, cq_size;
    uint32_t tail, head;
    bool phase;
} HostQueue;

typedef struct Host {
    MockSeam *m;
    Card *card;
    NvmeCtrl *ctrl;
    unsigned fn;
    HostQueue q[HOST_QUEUES];
    uint16_t next_cid;
    uint64_t shadow, event; /* shadow doorbells in use when not 0 */
} Host;

/* A card with one function, two namespaces: 1 has 512 byte blocks, 2 has
 * 4096. Not enabled. */
Host *host_new(void);
Host *host_new_config(const NvmeCtrlConfig *config);
void host_free(Host *h);
NvmeCtrlConfig host_config(unsigned fn);

uint64_t host_read(Host *h, uint32_t reg, unsigned size);
void host_write(Host *h, uint32_t reg, uint64_t value, unsigned size);
uint32_t host_csts(Host *h);
/* Admin queues of 32 entries, CC as Linux sets it. */
void host_enable(Host *h);
void host_disable(Host *h);
/* Enables and creates I/O queue pairs 1..n of @size entries, vector = id. */
void host_start(Host *h, unsigned n, unsigned size);

/* Puts an entry into the queue; the CID is assigned when 0xffff. Returns the
 * CID. Rings when @ring. */
uint16_t host_put(Host *h, unsigned qid, NvmeSqe sqe, bool ring);
void host_ring_sq(Host *h, unsigned qid);
void host_ring_cq(Host *h, unsigned qid);
/* The next completion of the queue, if any; the head doorbell is rung. */
bool host_take(Host *h, unsigned qid, NvmeCqe *ret);
/* The same without ringing. */
bool host_peek_take(Host *h, unsigned qid, NvmeCqe *ret);
/* Sends, runs until idle, takes. Fails the test without a completion. */
NvmeCqe host_cmd(Host *h, unsigned qid, NvmeSqe sqe);
/* The same, only the status (without phase, More and DNR). */
unsigned host_status(Host *h, unsigned qid, NvmeSqe sqe);

unsigned host_create_cq(Host *h, unsigned qid, unsigned size, unsigned iv);
unsigned host_create_sq(Host *h, unsigned qid, unsigned size, unsigned cqid);
unsigned host_delete_sq(Host *h, unsigned qid);
unsigned host_delete_cq(Host *h, unsigned qid);
unsigned host_identify(Host *h, unsigned cns, uint32_t nsid, void *out);
unsigned host_get_log(Host *h, unsigned lid, bool retain, void *out,
                      uint32_t bytes);
unsigned host_set_feature(Host *h, unsigned fid, uint32_t cdw11);
unsigned host_get_feature(Host *h, unsigned fid, unsigned select,
                          uint32_t cdw11, uint32_t *ret);
/* One page of PRP at @addr. */
NvmeSqe host_rw(unsigned opcode, uint32_t nsid, uint64_t slba, unsigned nlb,
                uint64_t addr);
NvmeSqe host_aer(void);

#endif
