/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_mix.c: see nvme_mix.h.
 */
#include "nvme_mix.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define UNKNOWN UINT32_MAX
#define DEPTH 64u

typedef enum MixQueueState {
    MIX_NONE = 0,
    MIX_CREATING_CQ,
    MIX_NO_SQ,
    MIX_CREATING_SQ,
    MIX_READY,
    MIX_DELETING_SQ,
    MIX_DELETING_CQ
} MixQueueState;

static unsigned roll(Mix *x, unsigned n)
{
    return mock_random(&x->rng) % n;
}

static bool chance(Mix *x, unsigned of256)
{
    return of256 && roll(x, 256) < of256;
}

/* Queue 3 has no completion queue of its own. */
static unsigned cq_of(unsigned q)
{
    return q == 3 ? 1 : q;
}

static uint64_t data_of(const Mix *x, unsigned q, unsigned cid)
{
    return x->data + (q * MIX_CIDS + cid) * 2ull * MIX_PIECE;
}

static uint64_t list_of(const Mix *x, unsigned q, unsigned cid)
{
    return x->lists + (q * MIX_CIDS + cid) * 4096ull;
}

Mix *mix_new(Host *h, uint64_t seed, unsigned budget)
{
    Mix *x = g_new0(Mix, 1);
    unsigned n = (MIX_QUEUES + 1) * MIX_CIDS;

    x->h = h;
    x->rng = seed;
    x->budget = budget;
    x->next_version = 1;
    x->data = mock_alloc(h->m, n * 2ull * MIX_PIECE, 4096);
    x->lists = mock_alloc(h->m, n * 4096ull, 4096);
    x->shadow = mock_alloc(h->m, 8192, 4096);
    for (unsigned q = 0; q <= MIX_QUEUES; q++) {
        x->memory[q][0] = mock_alloc(h->m, DEPTH * 64, 4096);
        x->memory[q][1] = mock_alloc(h->m, DEPTH * 16, 4096);
    }
    return x;
}

void mix_free(Mix *x)
{
    g_free(x);
}

static void fill(uint8_t *p, unsigned len, uint32_t version)
{
    for (unsigned i = 0; i < len; i += 4) {
        uint32_t v = version ? version * 2654435761u + i : 0;

        memcpy(p + i, &v, 4);
    }
}

/* ---- answers ------------------------------------------------------------ */

static void io_answer(Mix *x, unsigned q, unsigned cid, unsigned status)
{
    MixCmd *cmd = &x->cmd[q][cid];
    uint32_t *content = &x->content[cmd->nsid][q][cid];
    uint8_t want[MIX_PIECE];

    switch (cmd->opcode) {
    case NVME_IO_WRITE:
        *content = status ? UNKNOWN : cmd->version;
        break;
    case NVME_IO_WRITE_ZEROES:
    case NVME_IO_DSM:
        *content = status ? UNKNOWN : 0;
        break;
    case NVME_IO_READ:
        if (!status && *content != UNKNOWN) {
            fill(want, MIX_PIECE, *content);
            assert_memory_equal(
                mock_ram(x->h->m, data_of(x, q, cid), MIX_PIECE), want,
                MIX_PIECE);
        }
        break;
    case NVME_IO_COMPARE:
        if (*content != UNKNOWN) {
            assert_true(status != 0x285);
        }
        break;
    default:
        break;
    }
}

static void lose_queue(Mix *x, unsigned q)
{
    for (unsigned cid = 0; cid < MIX_CIDS; cid++) {
        if (x->cmd[q][cid].live) {
            io_answer(x, q, cid, 7);
            x->cmd[q][cid].live = false;
            x->done++;
        }
    }
}

static void forget_namespace(Mix *x, unsigned nsid)
{
    for (unsigned q = 0; q <= MIX_QUEUES; q++) {
        for (unsigned cid = 0; cid < MIX_CIDS; cid++) {
            x->content[nsid][q][cid] = UNKNOWN;
        }
    }
}

void mix_used_namespaces(Mix *x)
{
    forget_namespace(x, 1);
    forget_namespace(x, 2);
}

static void queue_answer(Mix *x, unsigned q, unsigned status)
{
    HostQueue *hq = &x->h->q[q];

    assert_int_equal(status, 0);
    switch (x->queue_state[q]) {
    case MIX_CREATING_CQ:
        x->queue_state[q] = MIX_NO_SQ;
        break;
    case MIX_CREATING_SQ:
        x->queue_state[q] = MIX_READY;
        break;
    case MIX_DELETING_SQ:
        lose_queue(x, q);
        hq->sq = 0;
        x->queue_state[q] = MIX_NO_SQ;
        break;
    default:
        assert_int_equal(x->queue_state[q], MIX_DELETING_CQ);
        hq->cq = 0;
        x->queue_state[q] = MIX_NONE;
        break;
    }
}

static void admin_answer(Mix *x, unsigned cid, unsigned status)
{
    for (unsigned q = 1; q <= MIX_QUEUES; q++) {
        if (x->queue_cid[q] == cid + 1) {
            x->queue_cid[q] = 0;
            queue_answer(x, q, status);
        }
    }
    if (x->cmd[0][cid].opcode == NVME_ADM_FORMAT) {
        forget_namespace(x, x->cmd[0][cid].nsid);
    }
    if (x->cmd[0][cid].opcode == NVME_ADM_DBBUF && !status) {
        x->h->shadow = x->shadow;
        x->h->event = x->shadow + 4096;
    }
}

static void take(Mix *x)
{
    NvmeCqe cqe;

    /* The admin queue last: what a deleted queue has completed came before
     * the deletion's own completion. */
    for (unsigned i = 1; i <= MIX_QUEUES + 1; i++) {
        unsigned q = i % (MIX_QUEUES + 1);

        while (x->h->q[q].cq && host_take(x->h, q, &cqe)) {
            unsigned sq = cqe.sq_id, status = SC(cqe.status >> 1);

            assert_true(sq <= MIX_QUEUES && cq_of(sq) == q);
            assert_true(cqe.cid < MIX_CIDS && x->cmd[sq][cqe.cid].live);
            x->statuses[status >> 8]++;
            if (sq) {
                io_answer(x, sq, cqe.cid, status);
            } else {
                admin_answer(x, cqe.cid, status);
            }
            x->cmd[sq][cqe.cid].live = false;
            x->done++;
        }
    }
}

/* ---- acts --------------------------------------------------------------- */

static int free_cid(const Mix *x, unsigned q)
{
    unsigned n = q ? MIX_CIDS : MIX_ADMIN_CIDS;

    for (unsigned cid = 0; cid < n; cid++) {
        if (!x->cmd[q][cid].live) {
            return cid;
        }
    }
    return -1;
}

static void put(Mix *x, unsigned q, unsigned cid, NvmeSqe e)
{
    MixCmd *cmd = &x->cmd[q][cid];

    cmd->live = true;
    cmd->opcode = e.opcode;
    e.cid = cid;
    host_put(x->h, q, e, true);
    x->sent++;
    x->budget -= x->budget != 0;
}

/* Scatters a piece over two pages, by PRPs, a list or an SGL. */
static void describe(Mix *x, unsigned q, unsigned cid, NvmeSqe *e)
{
    uint64_t data = data_of(x, q, cid), list = list_of(x, q, cid);
    MockSeam *m = x->h->m;

    e->prp1 = data;
    e->prp2 = 0;
    switch (roll(x, 4)) {
    case 0: /* SGL: two halves in a segment */
        e->flags = 1 << 6;
        e->prp1 = list;
        e->prp2 = 32 | (uint64_t)NVME_SGL_LAST_SEGMENT << 60;
        mock_put64(m, list, data);
        mock_put64(m, list + 8, 1000);
        mock_put64(m, list + 16, data + 1000);
        mock_put64(m, list + 24, MIX_PIECE - 1000);
        break;
    case 1: /* SGL: one block */
        e->flags = 1 << 6;
        e->prp2 = MIX_PIECE;
        break;
    default:
        break;
    }
}

static void io(Mix *x, unsigned q)
{
    static const uint8_t ops[] = {
        NVME_IO_READ,         NVME_IO_READ,  NVME_IO_READ,  NVME_IO_WRITE,
        NVME_IO_WRITE,        NVME_IO_WRITE, NVME_IO_FLUSH, NVME_IO_COMPARE,
        NVME_IO_WRITE_ZEROES, NVME_IO_DSM,   NVME_IO_VERIFY
    };
    int cid = free_cid(x, q);
    unsigned nsid = 1 + roll(x, 2), blocks, block;
    uint8_t *ram;
    NvmeSqe e;

    if (cid < 0) {
        return;
    }
    block = x->h->card->ns[0][nsid].info.block_bytes;
    blocks = MIX_PIECE / block;
    e = host_rw(ops[roll(x, sizeof(ops))], nsid,
                (q * MIX_CIDS + cid) * (uint64_t)blocks, blocks, 0);
    describe(x, q, cid, &e);
    ram = mock_ram(x->h->m, data_of(x, q, cid), MIX_PIECE);
    x->cmd[q][cid].nsid = nsid;
    if (e.opcode == NVME_IO_WRITE) {
        x->cmd[q][cid].version = x->next_version++;
        fill(ram, MIX_PIECE, x->cmd[q][cid].version);
    } else if (e.opcode == NVME_IO_COMPARE) {
        fill(ram, MIX_PIECE, x->content[nsid][q][cid]);
    } else if (e.opcode == NVME_IO_DSM) {
        e.flags = 0;
        e.prp1 = list_of(x, q, cid);
        mock_put64(x->h->m, e.prp1, (uint64_t)(blocks / 2) << 32);
        mock_put64(x->h->m, e.prp1 + 8, e.cdw10);
        mock_put64(x->h->m, e.prp1 + 16, (uint64_t)(blocks - blocks / 2) << 32);
        mock_put64(x->h->m, e.prp1 + 24, e.cdw10 + blocks / 2);
        e.cdw10 = 1;
        e.cdw11 = 4;
    }
    put(x, q, cid, e);
}

static void admin(Mix *x)
{
    int cid = free_cid(x, 0);
    NvmeSqe e = { 0 };

    if (cid < 0) {
        return;
    }
    e.prp1 = data_of(x, 0, cid);
    switch (roll(x, 7)) {
    case 0:
        e.opcode = NVME_ADM_IDENTIFY;
        e.cdw10 = roll(x, 7);
        e.nsid = 1;
        break;
    case 1:
        e.opcode = NVME_ADM_GET_LOG;
        e.cdw10 = 127 << 16 | (1 + roll(x, 5));
        break;
    case 2:
        e.opcode = NVME_ADM_SET_FEATURES;
        e.cdw10 = NVME_FEAT_COALESCING;
        e.cdw11 = roll(x, 4) ? 0 : 1 << 8 | roll(x, 4);
        break;
    case 3:
        e.opcode = NVME_ADM_SET_FEATURES;
        e.cdw10 = roll(x, 2) ? NVME_FEAT_TIMESTAMP : NVME_FEAT_ASYNC_EVENTS;
        e.cdw11 = 0x100;
        break;
    case 4:
        e.opcode = NVME_ADM_GET_FEATURES;
        e.cdw10 = roll(x, 0x17);
        break;
    case 5:
        e.opcode = NVME_ADM_ASYNC_EVENT;
        break;
    default:
        e.opcode = NVME_ADM_GET_LOG;
        e.cdw10 = NVME_LOG_CHANGED_NS;
        break;
    }
    put(x, 0, cid, e);
}

/* Moves queue @q one step along its life. */
static void queue_command(Mix *x, unsigned q, unsigned opcode,
                          MixQueueState next)
{
    int cid = free_cid(x, 0);
    HostQueue *hq = &x->h->q[q];
    NvmeSqe e = { .opcode = opcode, .cdw10 = (DEPTH - 1) << 16 | q };

    if (cid < 0 || x->queue_cid[q]) {
        return;
    }
    x->queue_cid[q] = cid + 1;
    x->queue_state[q] = next;
    if (opcode == NVME_ADM_CREATE_CQ) {
        e.prp1 = x->memory[q][1];
        e.cdw11 = (x->pin ? 0 : q) << 16 | 3;
        memset(mock_ram(x->h->m, e.prp1, DEPTH * 16), 0, DEPTH * 16);
        hq->cq = e.prp1;
        hq->cq_size = DEPTH;
        hq->head = 0;
        hq->phase = true;
        mock_put32(x->h->m, x->shadow + 8 * q + 4, 0);
    } else if (opcode == NVME_ADM_CREATE_SQ) {
        e.prp1 = x->memory[q][0];
        e.cdw11 = cq_of(q) << 16 | 1;
        hq->sq = e.prp1;
        hq->sq_size = DEPTH;
        hq->tail = 0;
        mock_put32(x->h->m, x->shadow + 8 * q, 0);
    } else {
        e.cdw10 = q;
    }
    put(x, 0, cid, e);
}

static void queues(Mix *x)
{
    for (unsigned q = 1; q <= MIX_QUEUES; q++) {
        bool third = q == 3;

        if (x->queue_cid[q]) {
            continue;
        }
        if (x->queue_state[q] == MIX_NONE) {
            if (third) {
                x->queue_state[q] = MIX_NO_SQ;
            } else {
                queue_command(x, q, NVME_ADM_CREATE_CQ, MIX_CREATING_CQ);
            }
        } else if (x->queue_state[q] == MIX_NO_SQ) {
            /* Deleting its CQ now and then, which queue 3 must not use */
            if (q == 2 && chance(x, x->deletions)) {
                queue_command(x, q, NVME_ADM_DELETE_CQ, MIX_DELETING_CQ);
            } else if (!third || x->queue_state[1] >= MIX_NO_SQ) {
                queue_command(x, q, NVME_ADM_CREATE_SQ, MIX_CREATING_SQ);
            }
        } else if (x->queue_state[q] == MIX_READY && q != 1 &&
                   chance(x, x->deletions)) {
            queue_command(x, q, NVME_ADM_DELETE_SQ, MIX_DELETING_SQ);
        }
    }
}

void mix_was_reset(Mix *x)
{
    for (unsigned q = 1; q <= MIX_QUEUES; q++) {
        lose_queue(x, q);
        x->queue_state[q] = MIX_NONE;
        x->queue_cid[q] = 0;
    }
    for (unsigned cid = 0; cid < MIX_ADMIN_CIDS; cid++) {
        if (x->cmd[0][cid].live && x->cmd[0][cid].opcode == NVME_ADM_FORMAT) {
            forget_namespace(x, x->cmd[0][cid].nsid);
        }
        x->done += x->cmd[0][cid].live;
        x->cmd[0][cid].live = false;
    }
    x->shadow_asked = false;
    x->h->shadow = x->h->event = 0;
    memset(x->h->q, 0, sizeof(x->h->q));
}

static void enable(Mix *x)
{
    Host *h = x->h;

    memset(mock_ram(h->m, x->memory[0][1], DEPTH * 16), 0, DEPTH * 16);
    memset(mock_ram(h->m, x->shadow, 8192), 0, 8192);
    h->q[0] = (HostQueue){ .sq = x->memory[0][0],
                           .cq = x->memory[0][1],
                           .sq_size = DEPTH,
                           .cq_size = DEPTH,
                           .phase = true };
    host_write(h, NVME_REG_AQA, (DEPTH - 1) << 16 | (DEPTH - 1), 4);
    host_write(h, NVME_REG_ASQ, h->q[0].sq, 8);
    host_write(h, NVME_REG_ACQ, h->q[0].cq, 8);
    host_write(h, NVME_REG_CC, 4 << 20 | 6 << 16 | 1, 4);
    assert_int_equal(host_csts(h) & 3, NVME_CSTS_RDY);
}

static void reset(Mix *x)
{
    switch (roll(x, 3)) {
    case 0:
        nvme_ctrl_reset(x->h->ctrl, CARD_RESET_FUNCTION);
        break;
    case 1:
        host_write(x->h, NVME_REG_NSSR, NVME_NSSR_MAGIC, 4);
        break;
    default:
        host_write(x->h, NVME_REG_CC, 0, 4);
        break;
    }
    mix_was_reset(x);
}

static void abort_something(Mix *x)
{
    unsigned q = roll(x, MIX_QUEUES + 1);
    int cid = free_cid(x, 0);

    if (cid >= 0) {
        put(x, 0, cid,
            (NvmeSqe){ .opcode = NVME_ADM_ABORT,
                       .cdw10 = roll(x, MIX_CIDS) << 16 | q });
    }
}

/* Only between sizes that keep the pieces where they are: none. */
static void format(Mix *x)
{
    int cid = free_cid(x, 0);
    unsigned nsid = 1 + roll(x, 2);

    if (cid >= 0) {
        x->cmd[0][cid].nsid = nsid;
        put(x, 0, cid,
            (NvmeSqe){
                .opcode = NVME_ADM_FORMAT, .nsid = nsid, .cdw10 = nsid - 1 });
    }
}

static void attach(Mix *x)
{
    Card *card = x->h->card;

    if (card->ns[0][3].attached) {
        mock_card_detach(card, 0, 3);
    } else {
        mock_card_attach(card, 0, 3, 1 << 16, 0);
    }
}

static void bad_doorbell(Mix *x)
{
    host_write(x->h, 0x1000 + 4 * (10 + roll(x, 100)), roll(x, 100), 4);
}

bool mix_finished(const Mix *x)
{
    for (unsigned q = 1; q <= MIX_QUEUES; q++) {
        for (unsigned cid = 0; cid < MIX_CIDS; cid++) {
            if (x->cmd[q][cid].live) {
                return false;
            }
        }
    }
    for (unsigned cid = 0; cid < MIX_ADMIN_CIDS; cid++) {
        if (x->cmd[0][cid].live &&
            x->cmd[0][cid].opcode != NVME_ADM_ASYNC_EVENT) {
            return false;
        }
    }
    return x->budget == 0;
}

static void rare(Mix *x)
{
    if (chance(x, x->resets)) {
        reset(x);
    } else if (chance(x, x->aborts)) {
        abort_something(x);
    } else if (chance(x, x->formats)) {
        format(x);
    } else if (chance(x, x->attaches)) {
        attach(x);
    } else if (chance(x, x->faults)) {
        bad_doorbell(x);
    } else if (x->holds && chance(x, x->holds)) {
        x->h->card->hold = !x->h->card->hold;
    }
}

void mix_act(Mix *x)
{
    unsigned q = 1 + roll(x, MIX_QUEUES);

    if (!x->h->q[0].sq) {
        enable(x);
    }
    take(x);
    if (x->budget && chance(x, 64)) {
        rare(x);
        if (!x->h->q[0].sq) {
            return;
        }
    }
    if (!x->budget) {
        x->h->card->hold = false;
    }
    if (!x->h->card->hold || chance(x, 16)) {
        mock_card_release(x->h->card);
    }
    if (x->budget) {
        queues(x);
    }
    if (x->use_shadow && !x->shadow_asked && free_cid(x, 0) >= 0) {
        x->shadow_asked = true;
        put(x, 0, free_cid(x, 0),
            (NvmeSqe){ .opcode = NVME_ADM_DBBUF,
                       .prp1 = x->shadow,
                       .prp2 = x->shadow + 4096 });
    }
    if (x->budget && chance(x, 160) && x->queue_state[q] == MIX_READY) {
        io(x, q);
    }
    if (x->budget && chance(x, 16)) {
        admin(x);
    }
}

void mix_run(Mix *x)
{
    do {
        mix_act(x);
        if (!mock_step(x->h->m) && !x->budget) {
            take(x);
            mock_card_release(x->h->card);
            if (mock_next_ps(x->h->m) == SEAM_NEVER) {
                break;
            }
        }
    } while (!mix_finished(x));
    if (!mix_finished(x)) {
        fail_msg("%u sent, %u done: commands got lost", x->sent, x->done);
    }
}
