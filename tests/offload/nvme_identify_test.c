/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_identify_test.c: Identify, and the log pages that describe the
 * controller. NVM Express 1.4, sections 5.15 and 5.14.
 */
#include "nvme_test.h"

static void controller(void **state)
{
    Host *h = *state;
    NvmeIdCtrl id;

    assert_int_equal(host_identify(h, NVME_CNS_CTRL, 0, &id), 0);
    assert_int_equal(id.vid, 0x1af4);
    assert_int_equal(id.ssvid, 0x1af4);
    assert_memory_equal(id.sn, "OUTRIGGER-0001      ", 20);
    assert_memory_equal(id.mn, "Outrigger offload card                  ", 40);
    assert_memory_equal(id.fr, "1.0     ", 8);
    assert_int_equal(id.mdts, 8);
    assert_int_equal(id.ver, 0x10400);
    assert_int_equal(id.cntrltype, 1);
    assert_int_equal(id.oaes, 1 << 8);
    assert_int_equal(id.oacs, 1 << 1 | 1 << 8);
    assert_int_equal(id.acl, 3);
    assert_int_equal(id.aerl, 3);
    assert_int_equal(id.elpe, 63);
    assert_int_equal(id.lpa, 6);
    assert_int_equal(id.sqes, 0x66);
    assert_int_equal(id.cqes, 0x44);
    assert_int_equal(id.nn, CARD_MAX_NSID);
    assert_int_equal(id.oncs, 0xdd);
    assert_int_equal(id.fuses, 0);
    assert_int_equal(id.vwc, 7);
    assert_int_equal(id.sgls, 0x50001);
    assert_memory_equal(id.subnqn, "nqn.2014-08.org.nvmexpress:uuid:", 32);
    assert_int_equal(strlen(id.subnqn), 32 + 36);
    assert_int_equal(h->card->started, 0);
}

static void controller_config(void **state)
{
    NvmeCtrlConfig config = host_config(3);
    Host *h;
    NvmeIdCtrl id, other;
    NvmeEffectsLog log;

    config.pci_vid = 0x1234;
    config.pci_ssvid = 0x5678;
    config.no_shadow_doorbells = true;
    config.max_queues = 1000; /* clamped */
    config.msix_vectors = 0;
    h = host_new_config(&config);
    host_enable(h);
    assert_int_equal(host_identify(h, NVME_CNS_CTRL, 0, &id), 0);
    assert_int_equal(id.vid, 0x1234);
    assert_int_equal(id.ssvid, 0x5678);
    assert_int_equal(id.oacs, 1 << 1);
    assert_int_equal(host_get_log(h, NVME_LOG_EFFECTS, false, &log, 4096), 0);
    assert_int_equal(log.admin[NVME_ADM_DBBUF], 0);
    assert_status(h, 0,
                  ((NvmeSqe){ .opcode = NVME_ADM_DBBUF,
                              .prp1 = 0x100000,
                              .prp2 = 0x101000 }),
                  NVME_INVALID_OPCODE);
    host_free(h);
    /* Another serial number is another subsystem. */
    g_strlcpy(config.serial, "SECOND", sizeof(config.serial));
    h = host_new_config(&config);
    host_enable(h);
    assert_int_equal(host_identify(h, NVME_CNS_CTRL, 0, &other), 0);
    assert_true(strcmp(id.subnqn, other.subnqn));
    host_free(h);
}

static void namespaces(void **state)
{
    Host *h = *state;
    NvmeIdNs id;

    assert_int_equal(host_identify(h, NVME_CNS_NS, 1, &id), 0);
    assert_int_equal(id.nsze, HOST_NS_BYTES / 512);
    assert_int_equal(id.ncap, HOST_NS_BYTES / 512);
    assert_int_equal(id.nlbaf, 1);
    assert_int_equal(id.flbas, 0);
    assert_int_equal(id.lbaf[0].data_shift, 9);
    assert_int_equal(id.lbaf[1].data_shift, 12);
    assert_int_equal(id.dlfeat, 9);
    assert_int_equal(id.nvmcap[0], HOST_NS_BYTES);
    assert_memory_equal(id.eui64, h->card->ns[0][1].info.eui64, 8);
    assert_int_equal(host_identify(h, NVME_CNS_NS, 2, &id), 0);
    assert_int_equal(id.flbas, 1);
    assert_int_equal(id.nsze, HOST_NS_BYTES / 4096);
    h->card->ns[0][2].info.read_only = true;
    assert_int_equal(host_identify(h, NVME_CNS_ALLOCATED, 2, &id), 0);
    assert_int_equal(id.nsattr, 1);
}

static void namespaces_not_there(void **state)
{
    Host *h = *state;
    uint8_t id[4096], zero[4096] = { 0 };

    /* Inactive: zeroes. Invalid: refused. */
    assert_int_equal(host_identify(h, NVME_CNS_NS, 3, id), 0);
    assert_memory_equal(id, zero, 4096);
    assert_int_equal(host_identify(h, NVME_CNS_NS, 0, id), NVME_INVALID_NSID);
    assert_int_equal(host_identify(h, NVME_CNS_NS, 17, id), NVME_INVALID_NSID);
    assert_int_equal(host_identify(h, NVME_CNS_NS, UINT32_MAX, id),
                     NVME_INVALID_NSID);
    assert_int_equal(host_identify(h, NVME_CNS_NS_DESCRIPTORS, 3, id),
                     NVME_INVALID_NSID);
    assert_int_equal(id[0], 0xee); /* nothing was transferred */
}

static void lists(void **state)
{
    Host *h = *state;
    uint32_t list[1024];

    mock_card_attach(h->card, 0, 16, 1 << 20, 0);
    assert_int_equal(host_identify(h, NVME_CNS_ACTIVE_NS, 0, list), 0);
    assert_int_equal(list[0], 1);
    assert_int_equal(list[1], 2);
    assert_int_equal(list[2], 16);
    assert_int_equal(list[3], 0);
    assert_int_equal(host_identify(h, NVME_CNS_ALLOCATED_NS, 1, list), 0);
    assert_int_equal(list[0], 2);
    assert_int_equal(host_identify(h, NVME_CNS_ACTIVE_NS, 16, list), 0);
    assert_int_equal(list[0], 0);
    assert_int_equal(host_identify(h, NVME_CNS_ACTIVE_NS, 0xfffffffe, list),
                     NVME_INVALID_NSID);
    assert_int_equal(host_identify(h, NVME_CNS_CTRLS, 0, list), 0);
    assert_int_equal(list[0], 1); /* one entry: controller 0 */
    assert_int_equal(host_identify(h, 1 << 16 | NVME_CNS_CTRLS, 0, list), 0);
    assert_int_equal(list[0], 0);
    assert_int_equal(host_identify(h, NVME_CNS_CTRLS_OF_NS, 1, list), 0);
    assert_int_equal(list[0], 1);
    assert_int_equal(host_identify(h, NVME_CNS_CTRLS_OF_NS, 5, list),
                     NVME_INVALID_NSID);
}

static void descriptors(void **state)
{
    Host *h = *state;
    uint8_t d[4096];

    assert_int_equal(host_identify(h, NVME_CNS_NS_DESCRIPTORS, 1, d), 0);
    assert_int_equal(d[0], 1);
    assert_int_equal(d[1], 8);
    assert_memory_equal(d + 4, h->card->ns[0][1].info.eui64, 8);
    assert_int_equal(d[12], 3);
    assert_int_equal(d[13], 16);
    assert_memory_equal(d + 16, h->card->ns[0][1].info.uuid, 16);
    assert_int_equal(d[32], 0);
}

/* Later revisions' CNS values that hosts send to 1.4 controllers too */
static void command_set_specific(void **state)
{
    Host *h = *state;
    uint8_t id[4096], zero[4096] = { 0 };
    NvmeSqe e = { .opcode = NVME_ADM_IDENTIFY,
                  .prp1 = 0x100000,
                  .cdw11 = 2u << 24 };

    assert_int_equal(host_identify(h, NVME_CNS_CS_CTRL, 0, id), 0);
    assert_memory_equal(id, zero, 4096);
    assert_int_equal(host_identify(h, NVME_CNS_CS_NS, 1, id), 0);
    assert_memory_equal(id, zero, 4096);
    assert_int_equal(host_identify(h, NVME_CNS_CS_NS, 3, id),
                     NVME_INVALID_NSID);
    e.cdw10 = NVME_CNS_CS_CTRL;
    assert_status(h, 0, e, NVME_INVALID_FIELD);
    e.cdw10 = NVME_CNS_CS_NS;
    assert_status(h, 0, e, NVME_INVALID_FIELD);
}

static void unknown_cns(void **state)
{
    Host *h = *state;
    uint8_t id[4096];

    for (unsigned cns = 0; cns < 256; cns++) {
        bool known =
            cns <= 3 || cns == 5 || cns == 6 || (cns >= 0x10 && cns <= 0x13);

        assert_int_equal(host_identify(h, cns, 1, id),
                         known ? 0 : NVME_INVALID_FIELD);
    }
}

/* ---- log pages ---------------------------------------------------------- */

static void smart(void **state)
{
    Host *h = *state;
    NvmeSmartLog log;
    NvmeSqe e = { .opcode = NVME_ADM_GET_LOG,
                  .nsid = 1,
                  .prp1 = 0x100000,
                  .cdw10 = 127 << 16 | NVME_LOG_SMART };

    for (unsigned i = 0; i < 3; i++) {
        assert_status(h, 1, host_rw(NVME_IO_READ, 2, 0, 2, 0x100000), 0);
        assert_status(h, 1, host_rw(NVME_IO_WRITE, 1, 0, 1, 0x100000), 0);
    }
    assert_status(h, 1, (NvmeSqe){ .opcode = 0x99 }, NVME_INVALID_OPCODE);
    assert_int_equal(host_get_log(h, NVME_LOG_SMART, false, &log, 512), 0);
    assert_int_equal(log.temperature_k, 310);
    assert_int_equal(log.critical_warning, 0);
    assert_int_equal(log.spare, 100);
    assert_int_equal(log.host_reads[0], 3);
    assert_int_equal(log.host_writes[0], 3);
    assert_int_equal(log.units_read[0], 1);
    assert_int_equal(log.units_written[0], 1);
    assert_int_equal(log.error_entries[0], 1);
    /* Not kept per namespace */
    assert_status(h, 0, e, NVME_INVALID_FIELD);
}

static void firmware_slots(void **state)
{
    Host *h = *state;
    NvmeFirmwareLog log;

    assert_int_equal(host_get_log(h, NVME_LOG_FIRMWARE, false, &log, 512), 0);
    assert_int_equal(log.active, 1);
    assert_memory_equal(log.revision[0], "1.0     ", 8);
    assert_int_equal(log.revision[1][0], 0);
}

static void effects(void **state)
{
    Host *h = *state;
    NvmeEffectsLog log;

    assert_int_equal(host_get_log(h, NVME_LOG_EFFECTS, false, &log, 4096), 0);
    for (unsigned op = 0; op < 256; op++) {
        unsigned st = host_status(h, 1, (NvmeSqe){ .opcode = op, .nsid = 99 });

        /* What the page says is what the controller does. */
        assert_int_equal(log.io[op] & 1, st != NVME_INVALID_OPCODE);
    }
    assert_int_equal(log.admin[NVME_ADM_IDENTIFY], 1);
    assert_int_equal(log.admin[NVME_ADM_FORMAT] & 0x10007, 0x10007);
    assert_int_equal(log.io[NVME_IO_WRITE], 3);
    assert_int_equal(log.admin[0x10], 0);
}

static void error_log(void **state)
{
    Host *h = *state;
    NvmeErrorEntry log[64];
    uint16_t cid;

    for (unsigned i = 0; i < 70; i++) {
        assert_status(h, 1, host_rw(NVME_IO_READ, 1, 1u << 30 | i, 1, 0x1000),
                      NVME_LBA_OUT_OF_RANGE);
    }
    cid = h->next_cid - 1;
    assert_int_equal(host_get_log(h, NVME_LOG_ERROR, false, log, sizeof(log)),
                     0);
    assert_int_equal(log[0].count, 70);
    assert_int_equal(log[0].sq_id, 1);
    assert_int_equal(log[0].cid, cid);
    assert_int_equal(log[0].lba, 1u << 30 | 69);
    assert_int_equal(log[0].nsid, 1);
    assert_int_equal(SC(log[0].status >> 1), NVME_LBA_OUT_OF_RANGE);
    assert_int_equal(log[63].count, 7);
}

static NvmeSqe get_log(unsigned lid, uint32_t dwords, uint64_t offset)
{
    return (NvmeSqe){ .opcode = NVME_ADM_GET_LOG,
                      .nsid = UINT32_MAX,
                      .prp1 = 0x100000,
                      .prp2 = 0x101000,
                      .cdw10 = (dwords - 1) << 16 | lid,
                      .cdw11 = (dwords - 1) >> 16,
                      .cdw12 = offset,
                      .cdw13 = offset >> 32 };
}

static void log_offsets(void **state)
{
    Host *h = *state;
    uint8_t *ram = mock_ram(h->m, 0x100000, 8192);

    memset(ram, 0xee, 8192);
    assert_status(h, 0, get_log(NVME_LOG_FIRMWARE, 2, 8), 0);
    assert_memory_equal(ram, "1.0     ", 8);
    assert_int_equal(ram[8], 0xee);
    /* Past the end: zeroes */
    assert_status(h, 0, get_log(NVME_LOG_FIRMWARE, 1024, 508), 0);
    assert_int_equal(ram[4], 0);
    assert_int_equal(ram[4095], 0);
    assert_status(h, 0, get_log(NVME_LOG_FIRMWARE, 1, 512), 0);
    assert_status(h, 0, get_log(NVME_LOG_FIRMWARE, 1, 516), NVME_INVALID_FIELD);
    assert_status(h, 0, get_log(NVME_LOG_FIRMWARE, 1, 2), NVME_INVALID_FIELD);
    assert_status(h, 0, get_log(NVME_LOG_FIRMWARE, 1, 1ull << 40),
                  NVME_INVALID_FIELD);
    /* More than MDTS */
    assert_status(h, 0, get_log(NVME_LOG_SMART, (1 << 18) + 1, 0),
                  NVME_INVALID_FIELD);
    assert_status(h, 0, get_log(NVME_LOG_SMART, 0, 0), NVME_INVALID_FIELD);
}

static void unknown_logs(void **state)
{
    Host *h = *state;

    for (unsigned lid = 0; lid < 256; lid++) {
        if (lid < 1 || lid > 5) {
            assert_status(h, 0, get_log(lid, 1, 0), NVME_INVALID_LOG_PAGE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED_TEST(controller),
        HOST_TEST(controller_config),
        STARTED_TEST(namespaces),
        STARTED_TEST(namespaces_not_there),
        STARTED_TEST(lists),
        STARTED_TEST(descriptors),
        STARTED_TEST(command_set_specific),
        STARTED_TEST(unknown_cns),
        STARTED_TEST(smart),
        STARTED_TEST(firmware_slots),
        STARTED_TEST(effects),
        STARTED_TEST(error_log),
        STARTED_TEST(log_offsets),
        STARTED_TEST(unknown_logs),
    };

    host_setups_used();
    return cmocka_run_group_tests_name("nvme-identify", tests, NULL, NULL) != 0;
}
