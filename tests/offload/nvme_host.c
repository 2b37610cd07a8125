/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_host.c: see nvme_host.h.
 */
#include "nvme_host.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

NvmeCtrlConfig host_config(unsigned fn)
{
    return (NvmeCtrlConfig){
        .fn = fn,
        .serial = "OUTRIGGER-0001",
        .model = "Outrigger offload card",
        .firmware_rev = "1.0",
        .max_queues = 8,
        .msix_vectors = 9,
    };
}

Host *host_new_config(const NvmeCtrlConfig *config)
{
    Host *h = g_new0(Host, 1);

    h->fn = config->fn;
    h->m = mock_seam_new(HOST_RAM, 1);
    h->card = mock_card_new(h->m);
    mock_card_attach(h->card, h->fn, 1, HOST_NS_BYTES, 0);
    mock_card_attach(h->card, h->fn, 2, HOST_NS_BYTES, 1);
    h->ctrl = mock_card_add(h->card, config);
    return h;
}

Host *host_new(void)
{
    NvmeCtrlConfig config = host_config(0);

    return host_new_config(&config);
}

void host_free(Host *h)
{
    mock_card_free(h->card);
    mock_seam_free(h->m);
    g_free(h);
}

uint64_t host_read(Host *h, uint32_t reg, unsigned size)
{
    return nvme_ctrl_mmio_read(h->ctrl, reg, size);
}

void host_write(Host *h, uint32_t reg, uint64_t value, unsigned size)
{
    nvme_ctrl_mmio_write(h->ctrl, reg, value, size);
}

uint32_t host_csts(Host *h)
{
    return host_read(h, NVME_REG_CSTS, 4);
}

static void queue_memory(Host *h, unsigned qid, unsigned sq, unsigned cq)
{
    HostQueue *q = &h->q[qid];

    if (sq) {
        q->sq = mock_alloc(h->m, sq * 64, 4096);
        q->sq_size = sq;
        q->tail = 0;
    }
    if (cq) {
        q->cq = mock_alloc(h->m, cq * 16, 4096);
        q->cq_size = cq;
        q->head = 0;
        q->phase = true;
    }
}

void host_enable(Host *h)
{
    queue_memory(h, 0, 32, 32);
    host_write(h, NVME_REG_AQA, 31 << 16 | 31, 4);
    host_write(h, NVME_REG_ASQ, h->q[0].sq, 8);
    host_write(h, NVME_REG_ACQ, h->q[0].cq, 8);
    host_write(h, NVME_REG_CC, 4 << 20 | 6 << 16 | 1, 4);
    assert_int_equal(host_csts(h) & ~NVME_CSTS_NSSRO, NVME_CSTS_RDY);
}

void host_disable(Host *h)
{
    host_write(h, NVME_REG_CC, 4 << 20 | 6 << 16, 4);
    assert_int_equal(host_csts(h) & NVME_CSTS_RDY, 0);
    memset(h->q, 0, sizeof(h->q));
    h->shadow = h->event = 0;
}

void host_start(Host *h, unsigned n, unsigned size)
{
    host_enable(h);
    for (unsigned i = 1; i <= n; i++) {
        assert_int_equal(host_create_cq(h, i, size, i), 0);
        assert_int_equal(host_create_sq(h, i, size, i), 0);
    }
}

uint16_t host_put(Host *h, unsigned qid, NvmeSqe sqe, bool ring)
{
    HostQueue *q = &h->q[qid];

    if (sqe.cid == 0xffff) {
        sqe.cid = h->next_cid++ & 0x7fff;
    }
    memcpy(mock_ram(h->m, q->sq + q->tail * 64, 64), &sqe, 64);
    q->tail = (q->tail + 1) % q->sq_size;
    if (ring) {
        host_ring_sq(h, qid);
    }
    return sqe.cid;
}

/* As Linux does it: the register only when the event index asks for it. */
static bool shadowed(Host *h, unsigned n, uint16_t value, uint16_t old)
{
    uint16_t event;

    if (!h->shadow || n < 2) {
        return false;
    }
    mock_put32(h->m, h->shadow + 4 * n, value);
    event = mock_get32(h->m, h->event + 4 * n);
    return (uint16_t)(value - event - 1) >= (uint16_t)(value - old);
}

void host_ring_sq(Host *h, unsigned qid)
{
    uint16_t old = h->shadow ? mock_get32(h->m, h->shadow + 8 * qid) : 0;

    if (!shadowed(h, 2 * qid, h->q[qid].tail, old)) {
        host_write(h, 0x1000 + 8 * qid, h->q[qid].tail, 4);
    }
}

void host_ring_cq(Host *h, unsigned qid)
{
    uint16_t old = h->shadow ? mock_get32(h->m, h->shadow + 8 * qid + 4) : 0;

    if (!shadowed(h, 2 * qid + 1, h->q[qid].head, old)) {
        host_write(h, 0x1004 + 8 * qid, h->q[qid].head, 4);
    }
}

bool host_peek_take(Host *h, unsigned qid, NvmeCqe *ret)
{
    HostQueue *q = &h->q[qid];

    memcpy(ret, mock_ram(h->m, q->cq + q->head * 16, 16), 16);
    if ((ret->status & 1) != q->phase) {
        return false;
    }
    if (++q->head == q->cq_size) {
        q->head = 0;
        q->phase = !q->phase;
    }
    return true;
}

bool host_take(Host *h, unsigned qid, NvmeCqe *ret)
{
    bool got = host_peek_take(h, qid, ret);

    if (got) {
        host_ring_cq(h, qid);
    }
    return got;
}

NvmeCqe host_cmd(Host *h, unsigned qid, NvmeSqe sqe)
{
    NvmeCqe cqe;
    uint16_t cid;

    sqe.cid = 0xffff;
    cid = host_put(h, qid, sqe, true);
    mock_run_idle(h->m);
    assert_true(host_take(h, qid, &cqe));
    assert_int_equal(cqe.cid, cid);
    assert_int_equal(cqe.sq_id, qid);
    assert_int_equal(cqe.sq_head, h->q[qid].tail);
    mock_run_idle(h->m);
    return cqe;
}

unsigned host_status(Host *h, unsigned qid, NvmeSqe sqe)
{
    return SC(host_cmd(h, qid, sqe).status >> 1);
}

unsigned host_create_cq(Host *h, unsigned qid, unsigned size, unsigned iv)
{
    unsigned st;
    HostQueue old = h->q[qid];

    queue_memory(h, qid, 0, size);
    st = host_status(h, 0,
                     (NvmeSqe){
                         .opcode = NVME_ADM_CREATE_CQ,
                         .prp1 = h->q[qid].cq,
                         .cdw10 = (size - 1) << 16 | qid,
                         .cdw11 = iv << 16 | 3,
                     });
    if (st) {
        h->q[qid] = old;
    }
    return st;
}

unsigned host_create_sq(Host *h, unsigned qid, unsigned size, unsigned cqid)
{
    unsigned st;
    HostQueue old = h->q[qid];

    queue_memory(h, qid, size, 0);
    st = host_status(h, 0,
                     (NvmeSqe){
                         .opcode = NVME_ADM_CREATE_SQ,
                         .prp1 = h->q[qid].sq,
                         .cdw10 = (size - 1) << 16 | qid,
                         .cdw11 = cqid << 16 | 1,
                     });
    if (st) {
        h->q[qid] = old;
    }
    return st;
}

unsigned host_delete_sq(Host *h, unsigned qid)
{
    return host_status(h, 0,
                       (NvmeSqe){ .opcode = NVME_ADM_DELETE_SQ, .cdw10 = qid });
}

unsigned host_delete_cq(Host *h, unsigned qid)
{
    return host_status(h, 0,
                       (NvmeSqe){ .opcode = NVME_ADM_DELETE_CQ, .cdw10 = qid });
}

unsigned host_identify(Host *h, unsigned cns, uint32_t nsid, void *out)
{
    uint64_t addr = mock_alloc(h->m, 4096, 4096);
    unsigned st;

    memset(mock_ram(h->m, addr, 4096), 0xee, 4096);
    st = host_status(h, 0,
                     (NvmeSqe){
                         .opcode = NVME_ADM_IDENTIFY,
                         .nsid = nsid,
                         .prp1 = addr,
                         .cdw10 = cns,
                     });
    memcpy(out, mock_ram(h->m, addr, 4096), 4096);
    return st;
}

unsigned host_get_log(Host *h, unsigned lid, bool retain, void *out,
                      uint32_t bytes)
{
    uint64_t addr = mock_alloc(h->m, bytes, 4096);
    unsigned st;

    assert_true(bytes <= 8192);
    memset(mock_ram(h->m, addr, bytes), 0xee, bytes);
    st = host_status(h, 0,
                     (NvmeSqe){
                         .opcode = NVME_ADM_GET_LOG,
                         .nsid = UINT32_MAX,
                         .prp1 = addr,
                         .prp2 = addr + 4096,
                         .cdw10 = (bytes / 4 - 1) << 16 | retain << 15 | lid,
                     });
    memcpy(out, mock_ram(h->m, addr, bytes), bytes);
    return st;
}

unsigned host_set_feature(Host *h, unsigned fid, uint32_t cdw11)
{
    return host_status(h, 0,
                       (NvmeSqe){
                           .opcode = NVME_ADM_SET_FEATURES,
                           .cdw10 = fid,
                           .cdw11 = cdw11,
                       });
}

unsigned host_get_feature(Host *h, unsigned fid, unsigned select,
                          uint32_t cdw11, uint32_t *ret)
{
    NvmeCqe cqe = host_cmd(h, 0,
                           (NvmeSqe){
                               .opcode = NVME_ADM_GET_FEATURES,
                               .cdw10 = select << 8 | fid,
                               .cdw11 = cdw11,
                           });

    *ret = cqe.result;
    return SC(cqe.status >> 1);
}

NvmeSqe host_rw(unsigned opcode, uint32_t nsid, uint64_t slba, unsigned nlb,
                uint64_t addr)
{
    return (NvmeSqe){
        .opcode = opcode,
        .cid = 0xffff,
        .nsid = nsid,
        .prp1 = addr,
        .prp2 = (addr & ~0xfffull) + 4096,
        .cdw10 = slba,
        .cdw11 = slba >> 32,
        .cdw12 = nlb - 1,
    };
}

NvmeSqe host_aer(void)
{
    return (NvmeSqe){ .opcode = NVME_ADM_ASYNC_EVENT, .cid = 0xffff };
}
