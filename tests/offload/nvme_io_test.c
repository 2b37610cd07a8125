/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_io_test.c: the NVM command set, its rejections, and what the card
 * gets to see of it. NVM Express 1.4, section 6.
 */
#include "nvme_test.h"

#define BUF 0x100000ull

static uint8_t *ns_data(Host *h, unsigned nsid)
{
    return h->card->ns[0][nsid].data;
}

static void namespace_ids(void **state)
{
    Host *h = *state;
    static const uint8_t ops[] = { NVME_IO_FLUSH,        NVME_IO_READ,
                                   NVME_IO_WRITE,        NVME_IO_COMPARE,
                                   NVME_IO_WRITE_ZEROES, NVME_IO_DSM,
                                   NVME_IO_VERIFY };

    for (unsigned i = 0; i < sizeof(ops); i++) {
        NvmeSqe e = host_rw(ops[i], 0, 0, 1, BUF);

        assert_status(h, 1, e, NVME_INVALID_NSID);
        e.nsid = 17;
        assert_status(h, 1, e, NVME_INVALID_NSID);
        e.nsid = 3; /* valid, not attached */
        assert_status(h, 1, e, NVME_INVALID_FIELD);
        e.nsid = UINT32_MAX;
        assert_status(h, 1, e, ops[i] == NVME_IO_FLUSH ? 0 : NVME_INVALID_NSID);
    }
    assert_int_equal(h->card->started, 1);
}

static void lba_range(void **state)
{
    Host *h = *state;
    static const uint8_t ops[] = { NVME_IO_READ, NVME_IO_WRITE, NVME_IO_COMPARE,
                                   NVME_IO_WRITE_ZEROES, NVME_IO_VERIFY };
    uint64_t blocks = HOST_NS_BYTES / 512;

    for (unsigned i = 0; i < sizeof(ops); i++) {
        assert_status(h, 1, host_rw(ops[i], 1, blocks, 1, BUF),
                      NVME_LBA_OUT_OF_RANGE);
        assert_status(h, 1, host_rw(ops[i], 1, blocks - 1, 2, BUF),
                      NVME_LBA_OUT_OF_RANGE);
        assert_status(h, 1, host_rw(ops[i], 1, UINT64_MAX, 2, BUF),
                      NVME_LBA_OUT_OF_RANGE);
    }
    /* No I/O results from a refusal. */
    assert_int_equal(h->card->started, 0);
    assert_status(h, 1, host_rw(NVME_IO_READ, 1, blocks - 1, 1, BUF), 0);
}

static void mdts(void **state)
{
    Host *h = *state;
    uint64_t list = 0x80000, data = BUF;
    NvmeSqe e = host_rw(NVME_IO_READ, 1, 0, 2048, data);

    for (unsigned i = 0; i < 512; i++) {
        mock_put64(h->m, list + 8 * i, data + 4096 * (i + 1));
    }
    e.prp2 = list;
    memset(ns_data(h, 1), 0x5a, 1 << 20);
    assert_status(h, 1, e, 0);
    assert_memory_equal(mock_ram(h->m, data, 1 << 20), ns_data(h, 1), 1 << 20);
    e.cdw12 = 2048;
    assert_status(h, 1, e, NVME_INVALID_FIELD);
    e.nsid = 2;
    e.cdw12 = 256;
    assert_status(h, 1, e, NVME_INVALID_FIELD);
    e.cdw12 = 255;
    assert_status(h, 1, e, 0);
}

static void flush(void **state)
{
    Host *h = *state;

    assert_status(h, 1, ((NvmeSqe){ .opcode = NVME_IO_FLUSH, .nsid = 2 }), 0);
    assert_int_equal(h->card->last_io.op, CARD_IO_FLUSH);
    assert_int_equal(h->card->last_io.nsid, 2);
    assert_status(
        h, 1, ((NvmeSqe){ .opcode = NVME_IO_FLUSH, .nsid = UINT32_MAX }), 0);
    assert_int_equal(h->card->last_io.nsid, UINT32_MAX);
}

static void force_unit_access(void **state)
{
    Host *h = *state;
    NvmeSqe e = host_rw(NVME_IO_WRITE, 1, 0, 1, BUF);

    assert_status(h, 1, e, 0);
    assert_false(h->card->last_io.fua);
    e.cdw12 |= 1u << 30;
    assert_status(h, 1, e, 0);
    assert_true(h->card->last_io.fua);
    /* With the write cache off every write is durable. */
    e.cdw12 &= ~(1u << 30);
    assert_int_equal(host_set_feature(h, NVME_FEAT_WRITE_CACHE, 0), 0);
    assert_status(h, 1, e, 0);
    assert_true(h->card->last_io.fua);
    e.opcode = NVME_IO_READ;
    assert_status(h, 1, e, 0);
    assert_false(h->card->last_io.fua);
}

static void compare(void **state)
{
    Host *h = *state;
    uint8_t *ram = mock_ram(h->m, BUF, 8192);
    NvmeSqe e = host_rw(NVME_IO_COMPARE, 1, 4, 16, BUF);

    for (unsigned i = 0; i < 8192; i++) {
        ram[i] = i * 7;
    }
    memcpy(ns_data(h, 1) + 2048, ram, 8192);
    assert_status(h, 1, e, 0);
    ns_data(h, 1)[2048 + 8191] ^= 1;
    assert_status(h, 1, e, NVME_COMPARE_FAILURE);
    /* Not the guest's mistake */
    assert_int_equal(h->m->event_count[CARD_EV_GUEST_ERROR], 0);
    assert_int_equal(ram[5], 35);
}

static uint16_t media_error(void *user, const CardIo *io)
{
    return *(uint16_t *)user;
}

static void card_errors(void **state)
{
    Host *h = *state;
    uint16_t status = 0x281; /* unrecovered read error */
    static const uint8_t ops[] = { NVME_IO_FLUSH,        NVME_IO_READ,
                                   NVME_IO_WRITE,        NVME_IO_COMPARE,
                                   NVME_IO_WRITE_ZEROES, NVME_IO_VERIFY };

    h->card->fault = media_error;
    h->card->fault_user = &status;
    memset(mock_ram(h->m, BUF, 4096), 0xee, 4096);
    for (unsigned i = 0; i < sizeof(ops); i++) {
        assert_status(h, 1, host_rw(ops[i], 1, 0, 8, BUF), status);
    }
    /* A failed read stores nothing. */
    assert_int_equal(*(uint8_t *)mock_ram(h->m, BUF, 1), 0xee);
    mock_put64(h->m, BUF, 1ull << 32);
    mock_put64(h->m, BUF + 8, 0);
    assert_status(
        h, 1,
        ((NvmeSqe){
            .opcode = NVME_IO_DSM, .nsid = 1, .prp1 = BUF, .cdw11 = 4 }),
        status);
}

static void read_only(void **state)
{
    Host *h = *state;

    h->card->ns[0][1].info.read_only = true;
    assert_status(h, 1, host_rw(NVME_IO_WRITE, 1, 0, 1, BUF), 0x20);
    assert_status(h, 1, host_rw(NVME_IO_WRITE_ZEROES, 1, 0, 1, BUF), 0x20);
    assert_status(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), 0);
}

static void write_zeroes(void **state)
{
    Host *h = *state;
    NvmeSqe e = host_rw(NVME_IO_WRITE_ZEROES, 1, 1, 8000, 0);

    memset(ns_data(h, 1), 0x77, HOST_NS_BYTES);
    assert_status(h, 1, e, 0);
    assert_int_equal(ns_data(h, 1)[511], 0x77);
    assert_int_equal(ns_data(h, 1)[512], 0);
    assert_int_equal(ns_data(h, 1)[512 * 8001 - 1], 0);
    assert_int_equal(ns_data(h, 1)[512 * 8001], 0x77);
    /* In pieces of 1 MiB, counted as one request without bytes */
    assert_int_equal(h->card->ops[CARD_IO_WRITE_ZEROES], 4);
    assert_int_equal(h->card->admitted, 1);
    assert_int_equal(h->card->admitted_bytes, 0);
    e.cdw12 |= 1u << 25; /* deallocate */
    assert_status(h, 1, e, 0);
    assert_int_equal(h->card->ops[CARD_IO_DEALLOCATE], 1);
}

static void verify(void **state)
{
    Host *h = *state;

    memset(mock_ram(h->m, BUF, 4096), 0xee, 4096);
    assert_status(h, 1, host_rw(NVME_IO_VERIFY, 1, 0, 8192, BUF), 0);
    assert_int_equal(h->card->ops[CARD_IO_VERIFY], 4);
    assert_int_equal(h->card->admitted_bytes, HOST_NS_BYTES);
    assert_int_equal(*(uint8_t *)mock_ram(h->m, BUF, 1), 0xee);
}

static NvmeSqe dsm(unsigned n, uint32_t attributes)
{
    return (NvmeSqe){ .opcode = NVME_IO_DSM,
                      .nsid = 1,
                      .prp1 = BUF,
                      .cdw10 = n - 1,
                      .cdw11 = attributes };
}

static void range(Host *h, unsigned i, uint64_t slba, uint32_t blocks)
{
    mock_put32(h->m, BUF + 16 * i, 0xffffffff); /* attributes: hints */
    mock_put32(h->m, BUF + 16 * i + 4, blocks);
    mock_put64(h->m, BUF + 16 * i + 8, slba);
}

static void dataset_management(void **state)
{
    Host *h = *state;

    memset(ns_data(h, 1), 0x77, HOST_NS_BYTES);
    range(h, 0, 0, 1);
    range(h, 1, 10, 0); /* nothing */
    range(h, 2, 8191, 1);
    assert_status(h, 1, dsm(3, 4), 0);
    assert_int_equal(h->card->ops[CARD_IO_DEALLOCATE], 2);
    assert_int_equal(ns_data(h, 1)[0], 0);
    assert_int_equal(ns_data(h, 1)[512], 0x77);
    assert_int_equal(ns_data(h, 1)[10 * 512], 0x77);
    assert_int_equal(ns_data(h, 1)[8191 * 512], 0);
    /* Hints alone do nothing. */
    assert_status(h, 1, dsm(3, 3), 0);
    assert_int_equal(h->card->ops[CARD_IO_DEALLOCATE], 2);
    /* One wrong range: none is touched */
    range(h, 0, 5, 1);
    range(h, 2, 8191, 2);
    assert_status(h, 1, dsm(3, 4), NVME_LBA_OUT_OF_RANGE);
    range(h, 2, UINT64_MAX, UINT32_MAX);
    assert_status(h, 1, dsm(3, 4), NVME_LBA_OUT_OF_RANGE);
    assert_int_equal(ns_data(h, 1)[5 * 512], 0x77);
    for (unsigned i = 0; i < 256; i++) {
        range(h, i, i, 1);
    }
    assert_status(h, 1, dsm(256, 4), 0);
    assert_int_equal(h->card->ops[CARD_IO_DEALLOCATE], 258);
    assert_int_equal(ns_data(h, 1)[256 * 512 - 1], 0);
    assert_int_equal(ns_data(h, 1)[256 * 512], 0x77);
}

static void admission(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;

    h->card->hold = true;
    for (unsigned i = 0; i < 3; i++) {
        host_put(h, 1, host_rw(NVME_IO_WRITE, 1, i, 1, BUF), true);
    }
    mock_run_idle(h->m);
    assert_false(host_take(h, 1, &cqe));
    assert_int_equal(h->card->started, 0);
    assert_int_equal(h->card->admitted_bytes, 3 * 512);
    /* Data moves after admission. */
    memset(mock_ram(h->m, BUF, 512), 0x42, 512);
    h->card->hold = false;
    mock_card_release(h->card);
    mock_run_idle(h->m);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(host_take(h, 1, &cqe));
        assert_int_equal(cqe.status >> 1, 0);
    }
    assert_int_equal(ns_data(h, 1)[0], 0x42);
}

/* Detached while a command is held back, at the card, or reading data. */
static void detach_in_flight(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;

    h->card->hold = true;
    host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), true);
    mock_run_idle(h->m);
    h->card->hold = false;
    mock_delays(h->m, 1000);
    h->m->delay_ps[MODEL_CRYPTO] = 100000;
    host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), true);
    mock_run_until(h->m, h->m->now_ps + 10000);
    host_put(h, 2, host_rw(NVME_IO_WRITE, 1, 0, 1, BUF), true);
    mock_run_until(h->m, h->m->now_ps + 3500);
    mock_card_detach(h->card, 0, 1);
    mock_run_idle(h->m);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(host_take(h, 1, &cqe));
        assert_int_equal(SC(cqe.status >> 1), NVME_NS_NOT_READY);
    }
    assert_true(host_take(h, 2, &cqe));
    assert_int_equal(SC(cqe.status >> 1), NVME_INVALID_FIELD);
    /* Replaced by one with other blocks while data comes in */
    host_put(h, 2, host_rw(NVME_IO_WRITE, 2, 0, 1, BUF), true);
    mock_run_until(h->m, h->m->now_ps + 3500);
    mock_card_attach(h->card, 0, 2, HOST_NS_BYTES, 0);
    mock_run_idle(h->m);
    assert_true(host_take(h, 2, &cqe));
    assert_int_equal(SC(cqe.status >> 1), NVME_NS_NOT_READY);
}

static void io_events(void **state)
{
    Host *h = *state;
    bool fetch = false, done = false;

    mock_delays(h->m, 1000);
    g_array_set_size(h->m->events, 0);
    assert_status(h, 1, host_rw(NVME_IO_READ, 2, 3, 2, BUF), 0);
    for (unsigned i = 0; i < h->m->events->len; i++) {
        CardEvent *e = &g_array_index(h->m->events, CardEvent, i);

        if (e->kind == CARD_EV_CMD_FETCH) {
            fetch = e->a == NVME_IO_READ && e->b == 3 && e->c == 8192 &&
                    e->nsid == 2 && e->qid == 1;
        } else if (e->kind == CARD_EV_CMD_DONE) {
            done = e->a == NVME_IO_READ && e->b == 4000 && e->c == 8192 &&
                   e->status == 0;
        }
    }
    assert_true(fetch && done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED_TEST(namespace_ids),
        STARTED_TEST(lba_range),
        STARTED_TEST(mdts),
        STARTED_TEST(flush),
        STARTED_TEST(force_unit_access),
        STARTED_TEST(compare),
        STARTED_TEST(card_errors),
        STARTED_TEST(read_only),
        STARTED_TEST(write_zeroes),
        STARTED_TEST(verify),
        STARTED_TEST(dataset_management),
        STARTED_TEST(admission),
        STARTED_TEST(detach_in_flight),
        STARTED_TEST(io_events),
    };

    host_setups_used();
    return cmocka_run_group_tests_name("nvme-io", tests, NULL, NULL) != 0;
}
