/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * app_host.c: see app_host.h.
 */
#include "app_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void reg_write(AppHost *h, uint32_t reg, uint64_t value, unsigned size)
{
    h->b->app->mmio_write(h->b->card, h->fn, reg, value, size);
}

static uint64_t reg_read(AppHost *h, uint32_t reg, unsigned size)
{
    return h->b->app->mmio_read(h->b->card, h->fn, reg, size);
}

void app_host_init(AppHost *h, CardBench *b, unsigned fn)
{
    memset(h, 0, sizeof(*h));
    h->b = b;
    h->fn = fn;
    for (unsigned q = 0; q <= APP_QUEUES; q++) {
        h->q[q].sq = mock_alloc(b->m, APP_DEPTH * 64, 4096);
        h->q[q].cq = mock_alloc(b->m, APP_DEPTH * 16, 4096);
    }
}

static void queue_reset(AppHost *h, AppQueue *q)
{
    memset(mock_ram(h->b->m, q->cq, APP_DEPTH * 16), 0, APP_DEPTH * 16);
    q->tail = q->head = 0;
    q->phase = true;
    for (unsigned i = 0; i < APP_DEPTH; i++) {
        q->cmd[i].used = false;
    }
}

static void admin(AppHost *h, NvmeSqe sqe)
{
    int cid = app_host_put(h, 0, sqe, 0);

    app_host_drain(h);
    assert_int_equal(h->q[0].cmd[cid].status, 0);
}

void app_host_start(AppHost *h, unsigned n)
{
    reg_write(h, NVME_REG_CC, 0, 4);
    h->completed = h->submitted; /* what was in flight is forgotten */
    for (unsigned q = 0; q <= APP_QUEUES; q++) {
        queue_reset(h, &h->q[q]);
    }
    reg_write(h, NVME_REG_AQA, (APP_DEPTH - 1) << 16 | (APP_DEPTH - 1), 4);
    reg_write(h, NVME_REG_ASQ, h->q[0].sq, 8);
    reg_write(h, NVME_REG_ACQ, h->q[0].cq, 8);
    reg_write(h, NVME_REG_CC, 4 << 20 | 6 << 16 | 1, 4);
    assert_int_equal(reg_read(h, NVME_REG_CSTS, 4), NVME_CSTS_RDY);
    for (unsigned q = 1; q <= n; q++) {
        admin(h, (NvmeSqe){ .opcode = NVME_ADM_CREATE_CQ,
                            .prp1 = h->q[q].cq,
                            .cdw10 = (APP_DEPTH - 1) << 16 | q,
                            .cdw11 = q << 16 | 3 });
        admin(h, (NvmeSqe){ .opcode = NVME_ADM_CREATE_SQ,
                            .prp1 = h->q[q].sq,
                            .cdw10 = (APP_DEPTH - 1) << 16 | q,
                            .cdw11 = q << 16 | 1 });
    }
}

static void fill_prps(AppHost *h, AppCmd *cmd, NvmeSqe *sqe, uint32_t bytes)
{
    if (!cmd->buf) {
        cmd->buf = mock_alloc(h->b->m, APP_BUF_BYTES, 4096);
        cmd->list = mock_alloc(h->b->m, 4096, 4096);
    }
    sqe->prp1 = cmd->buf;
    sqe->prp2 = 0;
    if (bytes > 8192) {
        for (uint32_t at = 4096; at < bytes; at += 4096) {
            mock_put64(h->b->m, cmd->list + at / 4096 * 8 - 8, cmd->buf + at);
        }
        sqe->prp2 = cmd->list;
    } else if (bytes > 4096) {
        sqe->prp2 = cmd->buf + 4096;
    }
}

static int free_cmd(AppHost *h, unsigned qid)
{
    for (unsigned i = 0; i + 1 < APP_DEPTH; i++) {
        if (!h->q[qid].cmd[i].used) {
            return i;
        }
    }
    return -1;
}

int app_host_put(AppHost *h, unsigned qid, NvmeSqe sqe, uint32_t bytes)
{
    AppQueue *q = &h->q[qid];
    int cid = free_cmd(h, qid);
    AppCmd *cmd;

    if (cid < 0) {
        return -1;
    }
    cmd = &q->cmd[cid];
    if (bytes) {
        fill_prps(h, cmd, &sqe, bytes);
    }
    cmd->used = true;
    cmd->opcode = sqe.opcode;
    cmd->nsid = sqe.nsid;
    cmd->submit_ps = h->b->m->now_ps;
    sqe.cid = cid;
    memcpy(mock_ram(h->b->m, q->sq + q->tail * 64, 64), &sqe, 64);
    q->tail = (q->tail + 1) % APP_DEPTH;
    h->submitted++;
    reg_write(h, NVME_REG_DOORBELLS + 8 * qid, q->tail, 4);
    return cid;
}

/* The buffer has to be written before the doorbell: see app_host_submit(). */
uint8_t *app_host_buf(AppHost *h, unsigned qid, unsigned cid)
{
    AppCmd *cmd = &h->q[qid].cmd[cid];
    NvmeSqe sqe;

    fill_prps(h, cmd, &sqe, 0);
    return mock_ram(h->b->m, cmd->buf, APP_BUF_BYTES);
}

int app_host_submit(AppHost *h, unsigned qid, unsigned opcode, uint64_t slba,
                    uint32_t nlb, uint64_t cookie)
{
    int cid = free_cmd(h, qid);
    AppCmd *cmd;
    NvmeSqe sqe = {
        .opcode = opcode,
        .nsid = 1,
        .cdw10 = slba,
        .cdw11 = slba >> 32,
        .cdw12 = nlb ? nlb - 1 : 0,
    };

    if (cid < 0) {
        return -1;
    }
    cmd = &h->q[qid].cmd[cid];
    cmd->slba = slba;
    cmd->nlb = nlb;
    cmd->cookie = cookie;
    return app_host_put(h, qid, sqe, nlb * 512);
}

static void take(AppHost *h, unsigned qid, const NvmeCqe *cqe)
{
    AppQueue *q = &h->q[qid];
    AppCmd *cmd;

    assert_true(cqe->cid < APP_DEPTH);
    assert_int_equal(cqe->sq_id, qid);
    cmd = &q->cmd[cqe->cid];
    if (!cmd->used) {
        fail_msg("function %u queue %u: command %u completed twice", h->fn, qid,
                 cqe->cid);
    }
    cmd->used = false;
    cmd->status = cqe->status >> 1;
    cmd->done_ps = h->b->m->now_ps;
    h->completed++;
    h->errors += cmd->status != 0;
    if (h->on_done) {
        AppCmd copy = *cmd;

        h->on_done(h->opaque, h, qid, &copy);
    }
}

void app_host_poll(AppHost *h)
{
    for (unsigned qid = 0; qid <= APP_QUEUES; qid++) {
        AppQueue *q = &h->q[qid];
        bool any = false;
        NvmeCqe cqe;

        for (;;) {
            memcpy(&cqe, mock_ram(h->b->m, q->cq + q->head * 16, 16), 16);
            if ((cqe.status & 1) != q->phase) {
                break;
            }
            if (++q->head == APP_DEPTH) {
                q->head = 0;
                q->phase = !q->phase;
            }
            any = true;
            take(h, qid, &cqe);
        }
        if (any) {
            reg_write(h, NVME_REG_DOORBELLS + 8 * qid + 4, q->head, 4);
        }
    }
}

unsigned app_host_in_flight(const AppHost *h)
{
    return h->submitted - h->completed;
}

void app_host_drain(AppHost *h)
{
    app_host_poll(h);
    while (app_host_in_flight(h)) {
        if (!mock_step(h->b->m)) {
            fail_msg("function %u: %u commands never complete", h->fn,
                     app_host_in_flight(h));
        }
        app_host_poll(h);
    }
}

uint16_t app_host_do(AppHost *h, unsigned opcode, uint64_t slba, uint32_t nlb)
{
    int cid;

    assert_int_equal(app_host_in_flight(h), 0);
    cid = app_host_submit(h, 1, opcode, slba, nlb, 0);
    assert_int_equal(cid, 0);
    app_host_drain(h);
    return h->q[1].cmd[0].status;
}

uint8_t *app_host_data(AppHost *h)
{
    return app_host_buf(h, 1, 0);
}
