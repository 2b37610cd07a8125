/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_admin_test.c: queue management, Abort, Doorbell Buffer Config, Format
 * NVM and the rules common to all commands. NVM Express 1.4, section 5.
 */
#include "nvme_test.h"

static NvmeSqe create_cq(unsigned qid, unsigned size, uint64_t prp,
                         uint32_t cdw11)
{
    return (NvmeSqe){
        .opcode = NVME_ADM_CREATE_CQ,
        .prp1 = prp,
        .cdw10 = (size - 1) << 16 | qid,
        .cdw11 = cdw11,
    };
}

static NvmeSqe create_sq(unsigned qid, unsigned size, uint64_t prp,
                         uint32_t cdw11)
{
    NvmeSqe e = create_cq(qid, size, prp, cdw11);

    e.opcode = NVME_ADM_CREATE_SQ;
    return e;
}

static void create_cq_rejections(void **state)
{
    Host *h = *state;
    uint64_t mem = mock_alloc(h->m, 65536, 4096);

    host_enable(h);
    assert_status(h, 0, create_cq(0, 16, mem, 3), NVME_INVALID_QID);
    assert_status(h, 0, create_cq(65, 16, mem, 3), NVME_INVALID_QID);
    assert_status(h, 0, create_cq(0xffff, 16, mem, 3), NVME_INVALID_QID);
    /* Not allocated by Number of Queues: 8 */
    assert_status(h, 0, create_cq(9, 16, mem, 3), NVME_INVALID_QID);
    assert_status(h, 0, create_cq(1, 1, mem, 3), NVME_INVALID_QUEUE_SIZE);
    assert_status(h, 0, create_cq(1, 1025, mem, 3), NVME_INVALID_QUEUE_SIZE);
    assert_status(h, 0, create_cq(1, 16, mem, 2), NVME_INVALID_FIELD);
    assert_status(h, 0, create_cq(1, 16, mem + 512, 3),
                  NVME_PRP_OFFSET_INVALID);
    assert_status(h, 0, create_cq(1, 16, mem, 9 << 16 | 3),
                  NVME_INVALID_VECTOR);
    assert_status(h, 0, create_cq(1, 1024, mem, 8 << 16 | 3), 0);
    assert_status(h, 0, create_cq(1, 16, mem, 3), NVME_INVALID_QID);
    /* With the pin there is only vector 0. */
    nvme_ctrl_set_msix(h->ctrl, false);
    assert_status(h, 0, create_cq(2, 16, mem, 1 << 16 | 3),
                  NVME_INVALID_VECTOR);
    assert_status(h, 0, create_cq(2, 16, mem, 3), 0);
}

static void create_sq_rejections(void **state)
{
    Host *h = *state;
    uint64_t mem = mock_alloc(h->m, 65536, 4096);
    uint32_t on1 = 1 << 16 | 1;

    host_enable(h);
    assert_status(h, 0, create_sq(1, 16, mem, on1), NVME_CQ_INVALID);
    assert_int_equal(host_create_cq(h, 1, 16, 1), 0);
    assert_status(h, 0, create_sq(1, 16, mem, 1), NVME_INVALID_QID);
    assert_status(h, 0, create_sq(0, 16, mem, on1), NVME_INVALID_QID);
    assert_status(h, 0, create_sq(200, 16, mem, on1), NVME_INVALID_QID);
    assert_status(h, 0, create_sq(1, 16, mem, 77 << 16 | 1), NVME_CQ_INVALID);
    assert_status(h, 0, create_sq(1, 1, mem, on1), NVME_INVALID_QUEUE_SIZE);
    assert_status(h, 0, create_sq(1, 1025, mem, on1), NVME_INVALID_QUEUE_SIZE);
    assert_status(h, 0, create_sq(1, 16, mem, 1 << 16), NVME_INVALID_FIELD);
    assert_status(h, 0, create_sq(1, 16, mem + 64, on1),
                  NVME_PRP_OFFSET_INVALID);
    assert_status(h, 0, create_sq(1, 16, mem, on1), 0);
    assert_status(h, 0, create_sq(1, 16, mem, on1), NVME_INVALID_QID);
}

/* Invalid Queue Size also: before CC says how large entries are. */
static void entry_sizes_first(void **state)
{
    Host *h = *state;
    uint64_t mem = mock_alloc(h->m, 65536, 4096);

    host_enable(h);
    host_write(h, NVME_REG_CC, 1, 4);
    assert_status(h, 0, create_cq(1, 16, mem, 3), NVME_INVALID_QUEUE_SIZE);
    host_write(h, NVME_REG_CC, 4 << 20 | 1, 4);
    assert_status(h, 0, create_cq(1, 16, mem, 3), 0);
    assert_status(h, 0, create_sq(1, 16, mem, 1 << 16 | 1),
                  NVME_INVALID_QUEUE_SIZE);
}

static void delete_rules(void **state)
{
    Host *h = *state;

    host_start(h, 2, 16);
    assert_int_equal(host_delete_cq(h, 1), NVME_INVALID_QUEUE_DELETION);
    assert_int_equal(host_delete_sq(h, 0), NVME_INVALID_QID);
    assert_int_equal(host_delete_sq(h, 3), NVME_INVALID_QID);
    assert_int_equal(host_delete_sq(h, 999), NVME_INVALID_QID);
    assert_int_equal(host_delete_cq(h, 0), NVME_INVALID_QID);
    assert_int_equal(host_delete_cq(h, 3), NVME_INVALID_QID);
    assert_int_equal(host_delete_cq(h, 999), NVME_INVALID_QID);
    assert_int_equal(host_delete_sq(h, 1), 0);
    assert_int_equal(host_delete_sq(h, 1), NVME_INVALID_QID);
    assert_int_equal(host_delete_cq(h, 1), 0);
    assert_int_equal(host_delete_cq(h, 1), NVME_INVALID_QID);
    assert_int_equal(host_create_cq(h, 1, 32, 1), 0);
    assert_int_equal(host_create_sq(h, 1, 32, 1), 0);
    assert_status(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, 0x100000), 0);
}

/* Several submission queues share a completion queue. */
static void shared_cq(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;
    unsigned seen = 0;

    host_start(h, 1, 16);
    assert_int_equal(host_create_sq(h, 2, 16, 1), 0);
    host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, 0x100000), true);
    host_put(h, 2, host_rw(NVME_IO_READ, 1, 0, 1, 0x100000), true);
    mock_run_idle(h->m);
    while (host_take(h, 1, &cqe)) {
        seen |= 1 << cqe.sq_id;
    }
    assert_int_equal(seen, 6);
    assert_int_equal(host_delete_sq(h, 1), 0);
    assert_int_equal(host_delete_cq(h, 1), NVME_INVALID_QUEUE_DELETION);
    assert_int_equal(host_delete_sq(h, 2), 0);
    assert_int_equal(host_delete_cq(h, 1), 0);
}

/* Section 5.6: commands in flight are aborted or finish first. */
static void delete_sq_in_flight(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;
    unsigned aborted = 0, finished = 0;

    host_start(h, 1, 64);
    mock_delays(h->m, 1000);
    for (unsigned i = 0; i < 20; i++) {
        host_put(h, 1, host_rw(NVME_IO_READ, 1, i, 1, 0x100000), true);
        mock_run_until(h->m, h->m->now_ps + 300);
    }
    assert_int_equal(host_delete_sq(h, 1), 0);
    while (host_peek_take(h, 1, &cqe)) {
        unsigned st = SC(cqe.status >> 1);

        assert_true(st == 0 || st == NVME_ABORTED_SQ_DELETED);
        aborted += st != 0;
        finished += st == 0;
    }
    assert_true(aborted && finished && aborted + finished <= 20);
    assert_true(nvme_ctrl_idle(h->ctrl));
    assert_int_equal(host_delete_cq(h, 1), 0);
    assert_int_equal(host_create_cq(h, 1, 64, 1), 0);
    assert_int_equal(host_create_sq(h, 1, 64, 1), 0);
    assert_status(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, 0x100000), 0);
}

/* The host need not make room in the completion queue for it. */
static void delete_sq_with_full_cq(void **state)
{
    Host *h = *state;

    host_start(h, 1, 64);
    assert_int_equal(host_delete_sq(h, 1), 0);
    assert_int_equal(host_delete_cq(h, 1), 0);
    assert_int_equal(host_create_cq(h, 1, 4, 1), 0);
    assert_int_equal(host_create_sq(h, 1, 64, 1), 0);
    for (unsigned i = 0; i < 12; i++) {
        host_put(h, 1, host_rw(NVME_IO_READ, 1, i, 1, 0x100000), false);
    }
    host_ring_sq(h, 1);
    mock_run_idle(h->m);
    assert_false(nvme_ctrl_idle(h->ctrl));
    assert_int_equal(host_delete_sq(h, 1), 0);
    assert_true(nvme_ctrl_idle(h->ctrl));
}

static void two_deletes_at_once(void **state)
{
    Host *h = *state;
    NvmeSqe del = { .opcode = NVME_ADM_DELETE_SQ, .cid = 0xffff, .cdw10 = 1 };
    unsigned ok = 0;
    NvmeCqe cqe;

    host_start(h, 1, 64);
    mock_delays(h->m, 1000);
    h->m->delay_ps[MODEL_DMA_WRITE] = 20000;
    host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, 0x100000), true);
    mock_run_until(h->m, h->m->now_ps + 6000);
    host_put(h, 0, del, false);
    host_put(h, 0, del, true);
    mock_run_idle(h->m);
    while (host_take(h, 0, &cqe)) {
        unsigned st = SC(cqe.status >> 1);

        assert_true(st == 0 || st == NVME_INVALID_QID);
        ok += st == 0;
    }
    assert_int_equal(ok, 1);
}

/* ---- Abort -------------------------------------------------------------- */

static NvmeSqe abort_of(unsigned sqid, unsigned cid)
{
    return (NvmeSqe){ .opcode = NVME_ADM_ABORT,
                      .cid = 0xffff,
                      .cdw10 = cid << 16 | sqid };
}

static void abort_io(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;
    uint16_t cid;

    host_start(h, 1, 16);
    h->m->delay_ps[MODEL_CRYPTO] = 1000000000;
    memset(h->card->ns[0][1].data, 0x11, 512);
    memset(mock_ram(h->m, 0x100000, 512), 0x22, 512);
    cid = host_put(h, 1, host_rw(NVME_IO_WRITE, 1, 0, 1, 0x100000), true);
    mock_run_until(h->m, h->m->now_ps + 1000);
    host_put(h, 0, abort_of(1, cid), true);
    mock_run_until(h->m, h->m->now_ps + 1000);
    assert_true(host_take(h, 0, &cqe));
    assert_int_equal(cqe.status >> 1, 0);
    assert_int_equal(cqe.result & 1, 0);
    assert_true(host_take(h, 1, &cqe));
    assert_int_equal(SC(cqe.status >> 1), NVME_ABORT_REQUESTED);
    assert_int_equal(cqe.cid, cid);
    mock_run_idle(h->m);
    assert_false(host_take(h, 1, &cqe));
    assert_int_equal(h->card->ns[0][1].data[0], 0x11);
}

static void abort_nothing(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;

    host_start(h, 1, 16);
    cqe = host_cmd(h, 0, abort_of(1, 77));
    assert_int_equal(cqe.status >> 1, 0);
    assert_int_equal(cqe.result & 1, 1);
    /* Itself */
    cqe = host_cmd(h, 0, abort_of(0, h->next_cid));
    assert_int_equal(cqe.status >> 1, 0);
    assert_int_equal(cqe.result & 1, 1);
    cqe = host_cmd(h, 0, abort_of(999, 1));
    assert_int_equal(cqe.result & 1, 1);
}

static void abort_event_request(void **state)
{
    Host *h = *state;
    uint16_t first, second;
    NvmeCqe cqe;

    host_enable(h);
    first = host_put(h, 0, host_aer(), true);
    second = host_put(h, 0, host_aer(), true);
    mock_run_idle(h->m);
    host_put(h, 0, abort_of(0, first), true);
    mock_run_idle(h->m);
    assert_true(host_take(h, 0, &cqe));
    assert_int_equal(cqe.cid, first);
    assert_int_equal(SC(cqe.status >> 1), NVME_ABORT_REQUESTED);
    assert_true(host_take(h, 0, &cqe));
    assert_int_equal(cqe.result, 0);
    /* The other one still works. */
    host_write(h, 0x1000 + 8 * 7, 1, 4);
    mock_run_idle(h->m);
    assert_true(host_take(h, 0, &cqe));
    assert_int_equal(cqe.cid, second);
}

static void abort_limit(void **state)
{
    Host *h = *state;
    unsigned refused = 0, n = 0;
    NvmeCqe cqe;

    host_enable(h);
    mock_delays(h->m, 1000);
    for (unsigned i = 0; i < 8; i++) {
        host_put(h, 0, abort_of(1, i), false);
    }
    host_ring_sq(h, 0);
    mock_run_idle(h->m);
    for (; host_take(h, 0, &cqe); n++) {
        refused += SC(cqe.status >> 1) == NVME_ABORT_LIMIT;
    }
    assert_int_equal(n, 8);
    assert_int_equal(refused, 4);
}

/* ---- common rules ------------------------------------------------------- */

static void unknown_opcodes(void **state)
{
    Host *h = *state;

    for (unsigned op = 0; op < 256; op++) {
        NvmeSqe e = { .opcode = op, .nsid = 1, .prp1 = 0x100000 };
        bool known = op <= 0x02 || (op >= 4 && op <= 6) ||
                     (op >= 8 && op <= 0xa) || op == 0xc || op == 0x7c ||
                     op == 0x80;

        if (!known) {
            assert_status(h, 0, e, NVME_INVALID_OPCODE);
        }
        known = op <= 2 || op == 5 || op == 8 || op == 9 || op == 0xc;
        if (!known) {
            assert_status(h, 1, e, NVME_INVALID_OPCODE);
        }
    }
    assert_int_equal(h->card->started, 0);
}

static void dnr_and_more_bits(void **state)
{
    Host *h = *state;
    NvmeCqe cqe = host_cmd(h, 1, (NvmeSqe){ .opcode = 0x55 });

    assert_int_equal(cqe.status >> 1,
                     NVME_INVALID_OPCODE | NVME_STATUS_DNR | NVME_STATUS_MORE);
}

static void cid_conflict(void **state)
{
    Host *h = *state;
    NvmeSqe e = host_rw(NVME_IO_READ, 1, 0, 1, 0x100000);
    unsigned ok = 0, conflict = 0;
    NvmeCqe cqe;

    mock_delays(h->m, 1000);
    e.cid = 5;
    host_put(h, 1, e, false);
    host_put(h, 1, e, true);
    host_put(h, 2, e, true); /* another queue: no conflict */
    mock_run_idle(h->m);
    while (host_take(h, 1, &cqe)) {
        ok += cqe.status >> 1 == 0;
        conflict += SC(cqe.status >> 1) == NVME_CID_CONFLICT;
    }
    assert_true(conflict >= 1 && ok + conflict == 2);
    assert_true(host_take(h, 2, &cqe));
    assert_int_equal(cqe.status >> 1, 0);
}

static void fuse_and_psdt(void **state)
{
    Host *h = *state;
    NvmeSqe e = host_rw(NVME_IO_READ, 1, 0, 1, 0x100000);

    for (unsigned fuse = 1; fuse < 4; fuse++) {
        e.flags = fuse;
        assert_status(h, 1, e, NVME_INVALID_FIELD);
    }
    e.flags = 3 << 6;
    assert_status(h, 1, e, NVME_INVALID_FIELD);
    /* Admin commands use PRPs. */
    for (unsigned psdt = 1; psdt < 4; psdt++) {
        assert_status(h, 0,
                      ((NvmeSqe){ .opcode = NVME_ADM_IDENTIFY,
                                  .flags = psdt << 6,
                                  .cdw10 = 1,
                                  .prp1 = 0x100000 }),
                      NVME_INVALID_FIELD);
    }
}

/* ---- Format NVM --------------------------------------------------------- */

static NvmeSqe format(uint32_t nsid, uint32_t cdw10)
{
    return (NvmeSqe){
        .opcode = NVME_ADM_FORMAT, .cid = 0xffff, .nsid = nsid, .cdw10 = cdw10
    };
}

static void format_changes_blocks(void **state)
{
    Host *h = *state;
    NvmeIdNs id;

    memset(h->card->ns[0][1].data, 0x77, 4096);
    assert_status(h, 0, format(1, 1 | 1 << 9), 0);
    assert_int_equal(h->card->last_io.lba_format, 1);
    assert_int_equal(h->card->last_io.secure_erase, 1);
    assert_int_equal(host_identify(h, NVME_CNS_NS, 1, &id), 0);
    assert_int_equal(id.flbas, 1);
    assert_int_equal(id.nsze, HOST_NS_BYTES / 4096);
    assert_int_equal(h->card->ns[0][1].data[0], 0);
    assert_status(h, 1, host_rw(NVME_IO_READ, 1, 1023, 1, 0x100000), 0);
    assert_status(h, 1, host_rw(NVME_IO_READ, 1, 1024, 1, 0x100000),
                  NVME_LBA_OUT_OF_RANGE);
    /* Cryptographic erase, every namespace */
    assert_status(h, 0, format(UINT32_MAX, 2 << 9), 0);
    assert_int_equal(h->card->ops[CARD_IO_FORMAT], 3);
    assert_int_equal(h->card->ns[0][2].info.block_bytes, 512);
}

static void format_rejections(void **state)
{
    Host *h = *state;

    assert_status(h, 0, format(0, 0), NVME_INVALID_NSID);
    assert_status(h, 0, format(17, 0), NVME_INVALID_NSID);
    assert_status(h, 0, format(3, 0), NVME_INVALID_FIELD);
    assert_status(h, 0, format(1, 2), NVME_INVALID_FORMAT);
    assert_status(h, 0, format(1, 1 << 5), NVME_INVALID_FORMAT);
    assert_status(h, 0, format(1, 3 << 9), NVME_INVALID_FIELD);
    assert_int_equal(h->card->started, 0);
    h->card->ns[0][1].info.read_only = true;
    assert_status(h, 0, format(1, 0), 0x20);
    /* And it can be formatted after a refusal. */
    assert_status(h, 0, format(2, 0), 0);
}

static uint16_t fail_write(void *user, const CardIo *io)
{
    return io->op == CARD_IO_FORMAT ? NVME_INTERNAL_ERROR : 0;
}

static void format_failure(void **state)
{
    Host *h = *state;

    h->card->fault = fail_write;
    assert_status(h, 0, format(UINT32_MAX, 0), NVME_INTERNAL_ERROR);
    h->card->fault = NULL;
    assert_status(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, 0x100000), 0);
    assert_status(h, 0, format(UINT32_MAX, 0), 0);
}

/* I/O in flight ends first; I/O that comes meanwhile is sent away. */
static void format_and_io(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;

    mock_delays(h->m, 1000);
    h->m->delay_ps[MODEL_CRYPTO] = 50000;
    host_put(h, 1, host_rw(NVME_IO_WRITE, 1, 0, 1, 0x100000), true);
    mock_run_until(h->m, h->m->now_ps + 10000);
    host_put(h, 0, format(1, 0), true);
    mock_run_until(h->m, h->m->now_ps + 5000);
    host_put(h, 2, host_rw(NVME_IO_READ, 1, 0, 1, 0x100000), true);
    host_put(h, 2, host_rw(NVME_IO_READ, 2, 0, 1, 0x100000), true);
    host_put(h, 0, format(1, 1), true);
    mock_run_idle(h->m);
    assert_true(host_take(h, 1, &cqe));
    assert_int_equal(cqe.status >> 1, 0);
    assert_true(host_take(h, 2, &cqe));
    assert_int_equal(SC(cqe.status >> 1), NVME_FORMAT_IN_PROGRESS);
    assert_int_equal(cqe.status >> 1 & NVME_STATUS_DNR, 0);
    assert_true(host_take(h, 2, &cqe)); /* another namespace goes on */
    assert_int_equal(cqe.status >> 1, 0);
    assert_true(host_take(h, 0, &cqe));
    assert_int_equal(SC(cqe.status >> 1), NVME_FORMAT_IN_PROGRESS);
    assert_true(host_take(h, 0, &cqe));
    assert_int_equal(cqe.status >> 1, 0);
    assert_int_equal(h->card->ns[0][1].info.block_bytes, 512);
    assert_int_equal(h->card->ops[CARD_IO_FORMAT], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(create_cq_rejections),
        HOST_TEST(create_sq_rejections),
        HOST_TEST(entry_sizes_first),
        HOST_TEST(delete_rules),
        HOST_TEST(shared_cq),
        HOST_TEST(delete_sq_in_flight),
        HOST_TEST(delete_sq_with_full_cq),
        HOST_TEST(two_deletes_at_once),
        HOST_TEST(abort_io),
        HOST_TEST(abort_nothing),
        HOST_TEST(abort_event_request),
        HOST_TEST(abort_limit),
        STARTED_TEST(unknown_opcodes),
        STARTED_TEST(dnr_and_more_bits),
        STARTED_TEST(cid_conflict),
        STARTED_TEST(fuse_and_psdt),
        STARTED_TEST(format_changes_blocks),
        STARTED_TEST(format_rejections),
        STARTED_TEST(format_failure),
        STARTED_TEST(format_and_io),
    };

    host_setups_used();
    return cmocka_run_group_tests_name("nvme-admin", tests, NULL, NULL) != 0;
}
