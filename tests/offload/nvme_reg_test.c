/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_reg_test.c: the register file, enabling, shutdown, resets, doorbell
 * rejections. NVM Express 1.4, sections 3.1, 7.3, 7.6.
 */
#include "nvme_test.h"

#define CC_EN 0x460001u

static uint64_t errors(Host *h)
{
    return h->m->event_count[CARD_EV_GUEST_ERROR];
}

static void capabilities(void **state)
{
    Host *h = *state;
    uint64_t cap = host_read(h, NVME_REG_CAP, 8);

    assert_int_equal(cap & 0xffff, 1023);  /* MQES */
    assert_int_equal(cap >> 16 & 1, 1);    /* CQR */
    assert_int_equal(cap >> 17 & 3, 0);    /* AMS: round robin */
    assert_true((cap >> 24 & 0xff) > 0);   /* TO */
    assert_int_equal(cap >> 32 & 0xf, 0);  /* DSTRD */
    assert_int_equal(cap >> 36 & 1, 1);    /* NSSRS */
    assert_int_equal(cap >> 37 & 0xff, 1); /* CSS: NVM */
    assert_int_equal(cap >> 48 & 0xf, 0);  /* MPSMIN */
    assert_int_equal(cap >> 52 & 0xf, 4);  /* MPSMAX */
    assert_int_equal(host_read(h, NVME_REG_CAP, 4), (uint32_t)cap);
    assert_int_equal(host_read(h, NVME_REG_CAP + 4, 4), cap >> 32);
    assert_int_equal(host_read(h, NVME_REG_VS, 4), 0x10400);
    /* 8 bytes over two registers */
    assert_int_equal(host_read(h, NVME_REG_VS, 8), 0x10400);
    assert_int_equal(errors(h), 0);
}

static void every_width_and_offset(void **state)
{
    Host *h = *state;
    static const unsigned widths[] = { 1, 2, 4, 8, 3, 16 };
    uint64_t before;

    for (unsigned w = 0; w < G_N_ELEMENTS(widths); w++) {
        for (uint32_t reg = 0; reg < 0x1300; reg++) {
            bool fine = (widths[w] == 4 || widths[w] == 8) && reg % 4 == 0;

            before = errors(h);
            if (!fine) {
                assert_int_equal(host_read(h, reg, widths[w]), 0);
                assert_int_equal(errors(h), before + 1);
            } else {
                host_read(h, reg, widths[w]);
                assert_int_equal(errors(h), before);
            }
            host_write(h, reg, 0, widths[w]);
        }
    }
    mock_run_idle(h->m);
    assert_int_equal(host_csts(h), 0);
    /* Far away */
    assert_int_equal(nvme_ctrl_mmio_read(h->ctrl, UINT64_MAX - 3, 4), 0);
    assert_int_equal(nvme_ctrl_mmio_read(h->ctrl, UINT64_MAX - 7, 8), 0);
    nvme_ctrl_mmio_write(h->ctrl, UINT64_MAX - 3, 1, 4);
    mock_run_idle(h->m);
}

static void read_only_registers(void **state)
{
    Host *h = *state;
    static const uint32_t ro[] = { NVME_REG_CAP,    NVME_REG_VS,
                                   NVME_REG_CMBLOC, NVME_REG_BPINFO,
                                   0xe00,           0xffc };

    for (unsigned i = 0; i < G_N_ELEMENTS(ro); i++) {
        uint64_t old = host_read(h, ro[i], 4);
        uint64_t before = errors(h);

        host_write(h, ro[i], ~old, 4);
        assert_int_equal(host_read(h, ro[i], 4), old);
        assert_int_equal(errors(h), before + 1);
    }
}

static void halves_of_asq(void **state)
{
    Host *h = *state;

    host_write(h, NVME_REG_ASQ, 0x12345fff, 4);
    host_write(h, NVME_REG_ASQ + 4, 0x9, 4);
    assert_int_equal(host_read(h, NVME_REG_ASQ, 8), 0x912345000);
    host_write(h, NVME_REG_ACQ, 0xabcdef012345678, 8);
    assert_int_equal(host_read(h, NVME_REG_ACQ, 8), 0xabcdef012345000);
    host_write(h, NVME_REG_AQA, ~0u, 4);
    assert_int_equal(host_read(h, NVME_REG_AQA, 4), 0x0fff0fff);
}

static void interrupt_mask(void **state)
{
    Host *h = *state;

    host_write(h, NVME_REG_INTMS, 0x5, 4);
    host_write(h, NVME_REG_INTMS, 0x8, 4);
    assert_int_equal(host_read(h, NVME_REG_INTMS, 4), 0xd);
    assert_int_equal(host_read(h, NVME_REG_INTMC, 4), 0xd);
    host_write(h, NVME_REG_INTMC, 0x4, 4);
    assert_int_equal(host_read(h, NVME_REG_INTMS, 4), 0x9);
}

static void enable_and_disable(void **state)
{
    Host *h = *state;

    host_enable(h);
    assert_int_equal(h->m->event_count[CARD_EV_ENABLE], 1);
    /* The admin queue stays where it is while enabled. */
    host_write(h, NVME_REG_AQA, 0, 4);
    host_write(h, NVME_REG_ASQ, 0, 8);
    host_write(h, NVME_REG_ACQ, 0, 8);
    assert_int_equal(host_read(h, NVME_REG_AQA, 4), 0x1f001f);
    assert_int_not_equal(host_read(h, NVME_REG_ASQ, 8), 0);
    assert_true(errors(h) >= 3);
    host_disable(h);
    assert_int_equal(h->m->event_count[CARD_EV_RESET], 1);
    assert_int_equal(h->card->stats[0].resets, 1);
    /* AQA, ASQ and ACQ survive a controller reset. */
    assert_int_equal(host_read(h, NVME_REG_AQA, 4), 0x1f001f);
    assert_int_not_equal(host_read(h, NVME_REG_ASQ, 8), 0);
    host_enable(h);
}

static void enable_wrong(Host *h, uint32_t cc, uint32_t aqa, uint64_t asq)
{
    host_write(h, NVME_REG_AQA, aqa, 4);
    host_write(h, NVME_REG_ASQ, asq, 8);
    host_write(h, NVME_REG_ACQ, 0x10000, 8);
    host_write(h, NVME_REG_CC, cc, 4);
    assert_int_equal(host_csts(h), NVME_CSTS_CFS);
    host_write(h, NVME_REG_CC, 0, 4);
    assert_int_equal(host_csts(h), 0);
}

static void enable_rejections(void **state)
{
    Host *h = *state;
    uint32_t aqa = 0x1f001f;

    enable_wrong(h, CC_EN | 1 << 4, aqa, 0x20000);  /* CSS */
    enable_wrong(h, CC_EN | 7 << 4, aqa, 0x20000);  /* CSS: admin only */
    enable_wrong(h, CC_EN | 5 << 7, aqa, 0x20000);  /* MPS */
    enable_wrong(h, CC_EN | 1 << 11, aqa, 0x20000); /* AMS */
    enable_wrong(h, CC_EN, 0x001f0000, 0x20000);    /* ASQS */
    enable_wrong(h, CC_EN, 0x1f, 0x20000);          /* ACQS */
    enable_wrong(h, CC_EN | 1 << 7, aqa, 0x21000);  /* 8 KiB pages */
    host_enable(h);
}

static void larger_pages(void **state)
{
    Host *h = *state;
    uint8_t id[4096];

    h->q[0] = (HostQueue){ .sq = mock_alloc(h->m, 2048, 65536),
                           .cq = mock_alloc(h->m, 512, 65536),
                           .sq_size = 32,
                           .cq_size = 32,
                           .phase = true };
    host_write(h, NVME_REG_AQA, 31 << 16 | 31, 4);
    host_write(h, NVME_REG_ASQ, h->q[0].sq, 8);
    host_write(h, NVME_REG_ACQ, h->q[0].cq, 8);
    host_write(h, NVME_REG_CC, CC_EN | 4 << 7, 4);
    assert_int_equal(host_csts(h), NVME_CSTS_RDY);
    assert_int_equal(host_identify(h, NVME_CNS_CTRL, 0, id), 0);
}

static void shutdown_notification(void **state)
{
    Host *h = *state;

    host_enable(h);
    mock_delays(h->m, 1000);
    host_write(h, NVME_REG_CC, CC_EN | 1 << 14, 4);
    assert_int_equal(host_csts(h), NVME_CSTS_RDY | NVME_CSTS_SHST_OCCURRING);
    assert_false(nvme_ctrl_idle(h->ctrl));
    mock_run_idle(h->m);
    assert_int_equal(host_csts(h), NVME_CSTS_RDY | NVME_CSTS_SHST_COMPLETE);
    assert_int_equal(h->card->ops[CARD_IO_FLUSH], 1);
    assert_int_equal(h->card->last_io.nsid, UINT32_MAX);
    assert_true(nvme_ctrl_idle(h->ctrl));
    host_disable(h);
    assert_int_equal(host_csts(h), 0);
    host_enable(h);
    /* Abrupt */
    host_write(h, NVME_REG_CC, CC_EN | 2 << 14, 4);
    mock_run_idle(h->m);
    assert_int_equal(host_csts(h), NVME_CSTS_RDY | NVME_CSTS_SHST_COMPLETE);
    /* SHN together with EN 1 -> 0, and when not enabled */
    host_write(h, NVME_REG_CC, 1 << 14, 4);
    assert_int_equal(host_csts(h), NVME_CSTS_SHST_COMPLETE);
    host_write(h, NVME_REG_CC, 0, 4);
    host_write(h, NVME_REG_CC, 2 << 14, 4);
    assert_int_equal(host_csts(h), NVME_CSTS_SHST_COMPLETE);
}

static void shutdown_then_reset(void **state)
{
    Host *h = *state;

    host_enable(h);
    mock_delays(h->m, 1000);
    host_write(h, NVME_REG_CC, CC_EN | 1 << 14, 4);
    host_disable(h);
    mock_run_idle(h->m);
    assert_int_equal(host_csts(h), 0);
    assert_true(nvme_ctrl_idle(h->ctrl));
}

static void subsystem_reset(void **state)
{
    Host *h = *state;

    host_enable(h);
    host_write(h, NVME_REG_NSSR, 0x12345678, 4);
    assert_int_equal(host_csts(h), NVME_CSTS_RDY);
    host_write(h, NVME_REG_NSSR, NVME_NSSR_MAGIC, 4);
    assert_int_equal(host_csts(h), NVME_CSTS_NSSRO);
    assert_int_equal(host_read(h, NVME_REG_CC, 4), 0);
    assert_int_equal(host_read(h, NVME_REG_AQA, 4), 0);
    /* NSSRO stays until it is cleared by writing 1. */
    memset(h->q, 0, sizeof(h->q));
    host_write(h, NVME_REG_CSTS, 0, 4);
    assert_int_equal(host_csts(h), NVME_CSTS_NSSRO);
    host_write(h, NVME_REG_CSTS, ~0u, 4);
    assert_int_equal(host_csts(h), 0);
    host_enable(h);
}

static void function_reset(void **state)
{
    Host *h = *state;

    host_start(h, 2, 16);
    nvme_ctrl_reset(h->ctrl, CARD_RESET_FUNCTION);
    assert_int_equal(host_csts(h), 0);
    assert_int_equal(host_read(h, NVME_REG_CC, 4), 0);
    assert_int_equal(host_read(h, NVME_REG_AQA, 4), 0);
    assert_int_equal(host_read(h, NVME_REG_ASQ, 8), 0);
    assert_int_equal(host_read(h, NVME_REG_ACQ, 8), 0);
    memset(h->q, 0, sizeof(h->q));
    host_start(h, 2, 16);
}

static void reserved_cc_bits(void **state)
{
    Host *h = *state;

    host_write(h, NVME_REG_CC, 0xff00000e, 4);
    assert_int_equal(host_read(h, NVME_REG_CC, 4), 0);
}

static void doorbell_of_no_queue(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;

    host_start(h, 1, 16);
    host_put(h, 0, host_aer(), true);
    mock_run_idle(h->m);
    host_write(h, 0x1000 + 8 * 7, 1, 4); /* SQ 7 */
    mock_run_idle(h->m);
    assert_true(host_take(h, 0, &cqe));
    /* Error status, Invalid Doorbell Register, log page 1 */
    assert_int_equal(cqe.result, 0x010000);
    assert_int_equal(h->m->event_count[CARD_EV_GUEST_ERROR], 1);
    host_write(h, 0x1004 + 8 * 64, 1, 4); /* CQ 64 */
    host_write(h, 0x1000 + 8 * 65, 1, 4); /* beyond the last */
    host_write(h, 0x10000000, 1, 4);
    mock_run_idle(h->m);
    assert_int_equal(h->m->event_count[CARD_EV_GUEST_ERROR], 4);
    assert_int_equal(host_csts(h), NVME_CSTS_RDY);
    assert_int_equal(h->card->stats[0].guest_errors, 4);
}

static void doorbell_value(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;

    host_start(h, 1, 16);
    host_put(h, 0, host_aer(), true);
    mock_run_idle(h->m);
    host_write(h, 0x1008, 16, 4); /* SQ 1, of 16 entries */
    mock_run_idle(h->m);
    assert_true(host_take(h, 0, &cqe));
    assert_int_equal(cqe.result, 0x010100);
    host_write(h, 0x1008, 0xffffffff, 4);
    host_write(h, 0x100c, 3, 4); /* CQ 1: takes what is not there */
    host_write(h, 0x100c, 16, 4);
    mock_run_idle(h->m);
    assert_int_equal(errors(h), 4);
    /* The queue still works. */
    assert_status(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, 0x100000), 0);
}

static void doorbell_width(void **state)
{
    Host *h = *state;

    host_start(h, 1, 16);
    host_write(h, 0x1008, 1, 8);
    host_write(h, 0x1008, 1, 2);
    host_write(h, 0x100a, 1, 4);
    mock_run_idle(h->m);
    assert_int_equal(errors(h), 3);
    assert_int_equal(h->m->event_count[CARD_EV_CMD_FETCH], 2);
    assert_int_equal(host_read(h, 0x1008, 4), 0);
}

static void doorbell_while_disabled(void **state)
{
    Host *h = *state;

    host_write(h, 0x1000, 1, 4);
    mock_run_idle(h->m);
    assert_int_equal(errors(h), 1);
    assert_int_equal(h->m->event_count[CARD_EV_CMD_FETCH], 0);
    /* On its way when the controller is reset: forgotten */
    host_enable(h);
    mock_delays(h->m, 1000);
    host_write(h, 0x1000, 1, 4);
    host_disable(h);
    host_enable(h);
    mock_run_idle(h->m);
    assert_int_equal(h->m->event_count[CARD_EV_CMD_FETCH], 0);
}

/* The page size cannot change under the queues' feet. */
static void cc_while_enabled(void **state)
{
    Host *h = *state;
    uint64_t before;

    host_enable(h);
    before = errors(h);
    host_write(h, NVME_REG_CC, 0x460001 | 0x3ff0, 4);
    assert_int_equal(host_read(h, NVME_REG_CC, 4), 0x460001);
    assert_int_equal(errors(h), before + 1);
    host_write(h, NVME_REG_CC, 0x000001, 4); /* entry sizes may */
    assert_int_equal(host_read(h, NVME_REG_CC, 4), 1);
    assert_int_equal(errors(h), before + 1);
}

static void named_registers(void **state)
{
    Host *h = *state;
    uint32_t offset;
    unsigned size, n = 0;
    uint64_t value;
    const char *name;
    bool cc = false;

    host_enable(h);
    while ((name = nvme_ctrl_register(h->ctrl, n, &offset, &size, &value))) {
        assert_int_equal(value, host_read(h, offset, size));
        cc |= !strcmp(name, "CC") && offset == 0x14 && value == CC_EN;
        n++;
    }
    assert_true(cc && n >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(capabilities),
        HOST_TEST(every_width_and_offset),
        HOST_TEST(read_only_registers),
        HOST_TEST(halves_of_asq),
        HOST_TEST(interrupt_mask),
        HOST_TEST(enable_and_disable),
        HOST_TEST(enable_rejections),
        HOST_TEST(larger_pages),
        HOST_TEST(shutdown_notification),
        HOST_TEST(shutdown_then_reset),
        HOST_TEST(subsystem_reset),
        HOST_TEST(function_reset),
        HOST_TEST(reserved_cc_bits),
        HOST_TEST(doorbell_of_no_queue),
        HOST_TEST(doorbell_value),
        HOST_TEST(doorbell_width),
        HOST_TEST(doorbell_while_disabled),
        HOST_TEST(cc_while_enabled),
        HOST_TEST(named_registers),
    };

    host_setups_used();
    return cmocka_run_group_tests_name("nvme-reg", tests, NULL, NULL) != 0;
}
