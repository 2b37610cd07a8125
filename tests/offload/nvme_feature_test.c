/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_feature_test.c: Set and Get Features; asynchronous events, their
 * masking and limit. NVM Express 1.4, sections 5.21, 5.13, 5.2.
 */
#include "nvme_test.h"

static uint32_t get(Host *h, unsigned fid, unsigned select, uint32_t cdw11)
{
    uint32_t v;

    assert_int_equal(host_get_feature(h, fid, select, cdw11, &v), 0);
    return v;
}

static void plain_features(void **state)
{
    Host *h = *state;
    static const struct {
        unsigned fid;
        uint32_t set, expect, fallback;
    } row[] = {
        { NVME_FEAT_ARBITRATION, 0x010203ff, 0x01020307, 4 },
        { NVME_FEAT_POWER, 0x20, 0x20, 0 },
        { NVME_FEAT_WRITE_CACHE, 0, 0, 1 },
        { NVME_FEAT_COALESCING, 0xffff0305, 0x0305, 0 },
        { NVME_FEAT_ATOMICITY, 1, 1, 0 },
        { NVME_FEAT_ASYNC_EVENTS, ~0u, 0x1ff, 0 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
        assert_int_equal(get(h, row[i].fid, 0, 0), row[i].fallback);
        assert_int_equal(host_set_feature(h, row[i].fid, row[i].set), 0);
        assert_int_equal(get(h, row[i].fid, 0, 0), row[i].expect);
        /* Default and saved */
        assert_int_equal(get(h, row[i].fid, 1, 0), row[i].fallback);
        assert_int_equal(get(h, row[i].fid, 2, 0), row[i].fallback);
        /* Changeable, not saveable */
        assert_int_equal(get(h, row[i].fid, 3, 0), 4);
    }
    /* Nothing of this outlives a reset. */
    host_disable(h);
    host_enable(h);
    for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
        assert_int_equal(get(h, row[i].fid, 0, 0), row[i].fallback);
    }
}

static void feature_rejections(void **state)
{
    Host *h = *state;
    uint32_t v;
    NvmeSqe e = { .opcode = NVME_ADM_SET_FEATURES,
                  .cdw10 = 1u << 31 | NVME_FEAT_WRITE_CACHE };

    for (unsigned fid = 0; fid < 256; fid++) {
        bool known = fid == 1 || fid == 2 || (fid >= 4 && fid <= 0xb) ||
                     fid == 0xe || fid == 0x16;

        if (!known) {
            assert_int_equal(host_set_feature(h, fid, 0), NVME_INVALID_FIELD);
            assert_int_equal(host_get_feature(h, fid, 0, 0, &v),
                             NVME_INVALID_FIELD);
        }
    }
    assert_status(h, 0, e, NVME_FEATURE_NOT_SAVEABLE);
    assert_int_equal(host_get_feature(h, NVME_FEAT_WRITE_CACHE, 4, 0, &v),
                     NVME_INVALID_FIELD);
    e.cdw10 = NVME_FEAT_WRITE_CACHE;
    e.nsid = 1;
    assert_status(h, 0, e, NVME_FEATURE_NOT_NS_SPECIFIC);
    e.nsid = UINT32_MAX;
    e.cdw11 = 1;
    assert_status(h, 0, e, 0);
    /* There is power state 0 only. */
    assert_int_equal(host_set_feature(h, NVME_FEAT_POWER, 1),
                     NVME_INVALID_FIELD);
}

static void number_of_queues(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;

    host_enable(h);
    assert_int_equal(get(h, NVME_FEAT_QUEUES, 0, 0), 7 << 16 | 7);
    cqe = host_cmd(h, 0,
                   (NvmeSqe){ .opcode = NVME_ADM_SET_FEATURES,
                              .cdw10 = NVME_FEAT_QUEUES,
                              .cdw11 = 2 << 16 | 1 });
    assert_int_equal(cqe.status >> 1, 0);
    assert_int_equal(cqe.result, 2 << 16 | 1);
    assert_int_equal(get(h, NVME_FEAT_QUEUES, 0, 0), 2 << 16 | 1);
    assert_int_equal(get(h, NVME_FEAT_QUEUES, 1, 0), 7 << 16 | 7);
    cqe = host_cmd(h, 0,
                   (NvmeSqe){ .opcode = NVME_ADM_SET_FEATURES,
                              .cdw10 = NVME_FEAT_QUEUES,
                              .cdw11 = 500u << 16 | 500 });
    assert_int_equal(cqe.result, 7 << 16 | 7);
    assert_int_equal(host_set_feature(h, NVME_FEAT_QUEUES, 0xffff),
                     NVME_INVALID_FIELD);
    assert_int_equal(host_set_feature(h, NVME_FEAT_QUEUES, 0xffff0000),
                     NVME_INVALID_FIELD);
    assert_int_equal(host_set_feature(h, NVME_FEAT_QUEUES, 1 << 16 | 1), 0);
    assert_int_equal(host_create_cq(h, 2, 16, 1), 0);
    assert_int_equal(host_create_cq(h, 3, 16, 1), NVME_INVALID_QID);
    /* Not once a queue exists */
    assert_int_equal(host_set_feature(h, NVME_FEAT_QUEUES, 0),
                     NVME_SEQUENCE_ERROR);
}

static void error_recovery(void **state)
{
    Host *h = *state;
    NvmeSqe set = { .opcode = NVME_ADM_SET_FEATURES,
                    .nsid = 1,
                    .cdw10 = NVME_FEAT_ERROR_RECOVERY,
                    .cdw11 = 100 };
    NvmeSqe got = { .opcode = NVME_ADM_GET_FEATURES,
                    .nsid = 1,
                    .cdw10 = NVME_FEAT_ERROR_RECOVERY };

    assert_status(h, 0, set, 0);
    assert_int_equal(host_cmd(h, 0, got).result, 100);
    got.nsid = 2;
    assert_int_equal(host_cmd(h, 0, got).result, 0);
    set.nsid = UINT32_MAX;
    assert_status(h, 0, set, 0);
    assert_int_equal(host_cmd(h, 0, got).result, 100);
    got.cdw10 |= 1 << 8;
    assert_int_equal(host_cmd(h, 0, got).result, 0);
    got.cdw10 = 3 << 8 | NVME_FEAT_ERROR_RECOVERY;
    assert_int_equal(host_cmd(h, 0, got).result, 6);
    /* DULBE is not offered by the namespaces. */
    set.cdw11 = 1 << 16;
    assert_status(h, 0, set, NVME_INVALID_FIELD);
    set.nsid = 0;
    assert_status(h, 0, set, NVME_INVALID_NSID);
    got.cdw10 = NVME_FEAT_ERROR_RECOVERY;
    got.nsid = UINT32_MAX;
    assert_status(h, 0, got, NVME_INVALID_NSID);
    got.nsid = 9;
    assert_status(h, 0, got, NVME_INVALID_FIELD);
}

static void vector_config(void **state)
{
    Host *h = *state;
    uint32_t v;

    assert_int_equal(host_set_feature(h, NVME_FEAT_VECTOR, 1 << 16 | 3), 0);
    assert_int_equal(get(h, NVME_FEAT_VECTOR, 0, 3), 1 << 16 | 3);
    assert_int_equal(get(h, NVME_FEAT_VECTOR, 0, 2), 2);
    assert_int_equal(get(h, NVME_FEAT_VECTOR, 1, 3), 3);
    assert_int_equal(host_set_feature(h, NVME_FEAT_VECTOR, 9),
                     NVME_INVALID_FIELD);
    assert_int_equal(host_get_feature(h, NVME_FEAT_VECTOR, 0, 9, &v),
                     NVME_INVALID_FIELD);
}

static void timestamp(void **state)
{
    Host *h = *state;
    uint64_t buf = mock_alloc(h->m, 4096, 4096);
    NvmeSqe e = { .opcode = NVME_ADM_SET_FEATURES,
                  .cdw10 = NVME_FEAT_TIMESTAMP,
                  .prp1 = buf };

    mock_put64(h->m, buf, 1750000000123);
    assert_status(h, 0, e, 0);
    mock_run_until(h->m, h->m->now_ps + 5 * 1000000000ull + 999999999);
    e.opcode = NVME_ADM_GET_FEATURES;
    assert_status(h, 0, e, 0);
    assert_int_equal(mock_get64(h->m, buf) & 0xffffffffffff, 1750000000128);
    /* Origin: a Set Features; the clock did not stop */
    assert_int_equal(mock_get16(h->m, buf + 6), 2);
    e.cdw10 |= 1 << 8;
    assert_status(h, 0, e, 0);
    assert_int_equal(mock_get64(h->m, buf), 0);
}

static void host_behavior(void **state)
{
    Host *h = *state;
    uint64_t buf = mock_alloc(h->m, 4096, 4096);
    NvmeSqe e = { .opcode = NVME_ADM_SET_FEATURES,
                  .cdw10 = NVME_FEAT_HOST_BEHAVIOR,
                  .prp1 = buf };

    mock_put16(h->m, buf, 1);
    assert_status(h, 0, e, 0);
    mock_put16(h->m, buf, 2);
    assert_status(h, 0, e, NVME_INVALID_FIELD);
    e.opcode = NVME_ADM_GET_FEATURES;
    memset(mock_ram(h->m, buf, 512), 0xee, 512);
    assert_status(h, 0, e, 0);
    assert_int_equal(mock_get16(h->m, buf), 1);
    assert_int_equal(mock_get16(h->m, buf + 510), 0);
    /* The data cannot be read. */
    e.opcode = NVME_ADM_SET_FEATURES;
    e.prp1 = 1ull << 40;
    assert_status(h, 0, e, NVME_DATA_TRANSFER_ERROR);
}

static void temperature(void **state)
{
    Host *h = *state;
    uint32_t v;
    NvmeSmartLog log;
    NvmeCqe cqe;

    assert_int_equal(get(h, NVME_FEAT_TEMPERATURE, 0, 0), 343);
    assert_int_equal(get(h, NVME_FEAT_TEMPERATURE, 0, 1 << 20), 0);
    assert_int_equal(host_set_feature(h, NVME_FEAT_TEMPERATURE, 1 << 16),
                     NVME_INVALID_FIELD);
    assert_int_equal(host_set_feature(h, NVME_FEAT_TEMPERATURE, 2 << 20),
                     NVME_INVALID_FIELD);
    assert_int_equal(
        host_get_feature(h, NVME_FEAT_TEMPERATURE, 0, 0xf << 16, &v),
        NVME_INVALID_FIELD);
    host_put(h, 0, host_aer(), true);
    mock_run_idle(h->m);
    /* Not asked for: no event */
    assert_int_equal(
        host_set_feature(h, NVME_FEAT_TEMPERATURE, 0xf << 16 | 300), 0);
    assert_int_equal(host_get_log(h, NVME_LOG_SMART, true, &log, 512), 0);
    assert_int_equal(log.critical_warning, 2);
    host_put(h, 0,
             (NvmeSqe){ .opcode = NVME_ADM_SET_FEATURES,
                        .cid = 0x7fff,
                        .cdw10 = NVME_FEAT_ASYNC_EVENTS,
                        .cdw11 = 2 },
             true);
    mock_run_idle(h->m);
    assert_true(host_take(h, 0, &cqe));
    assert_int_equal(cqe.result, 0x020101); /* SMART, temperature, page 2 */
    assert_true(host_take(h, 0, &cqe));
    assert_int_equal(cqe.cid, 0x7fff);
    /* Under */
    assert_int_equal(host_set_feature(h, NVME_FEAT_TEMPERATURE, 400), 0);
    assert_int_equal(host_set_feature(h, NVME_FEAT_TEMPERATURE, 1 << 20 | 320),
                     0);
    assert_int_equal(get(h, NVME_FEAT_TEMPERATURE, 0, 1 << 20), 320);
    assert_int_equal(get(h, NVME_FEAT_TEMPERATURE, 1, 1 << 20), 0);
    assert_int_equal(get(h, NVME_FEAT_TEMPERATURE, 1, 0), 343);
}

/* ---- asynchronous events ------------------------------------------------ */

static bool event(Host *h, uint32_t *ret)
{
    NvmeCqe cqe;

    *ret = 0;
    mock_run_idle(h->m);
    if (!host_take(h, 0, &cqe)) {
        return false;
    }
    *ret = cqe.result;
    return true;
}

static void event_limit(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;

    for (unsigned i = 0; i < 4; i++) {
        host_put(h, 0, host_aer(), true);
    }
    mock_run_idle(h->m);
    assert_false(host_take(h, 0, &cqe));
    assert_true(nvme_ctrl_idle(h->ctrl));
    assert_status(h, 0, host_aer(), NVME_AER_LIMIT_EXCEEDED);
}

static void event_masking(void **state)
{
    Host *h = *state;
    uint32_t result;
    uint8_t log[64];

    host_put(h, 0, host_aer(), false);
    host_put(h, 0, host_aer(), true);
    host_write(h, 0x1000 + 8 * 7, 1, 4);
    assert_true(event(h, &result));
    assert_int_equal(result, 0x010000);
    /* Masked until the error log is read without RAE */
    host_write(h, 0x1008, 1000, 4);
    assert_false(event(h, &result));
    assert_int_equal(host_get_log(h, NVME_LOG_ERROR, true, log, 64), 0);
    assert_false(event(h, &result));
    assert_int_equal(host_get_log(h, NVME_LOG_ERROR, false, log, 64), 0);
    assert_false(event(h, &result)); /* the log told about it */
    host_write(h, 0x1008, 1000, 4);
    assert_true(event(h, &result));
    assert_int_equal(result, 0x010100);
}

static void event_waits_for_request(void **state)
{
    Host *h = *state;
    uint32_t result;

    for (unsigned i = 0; i < 3; i++) {
        host_write(h, 0x1000 + 8 * 7, 1, 4);
    }
    assert_false(event(h, &result));
    host_put(h, 0, host_aer(), true);
    assert_true(event(h, &result));
    assert_int_equal(result, 0x010000);
    /* Three of a kind were one. */
    host_put(h, 0, host_aer(), true);
    assert_false(event(h, &result));
}

static void namespace_events(void **state)
{
    Host *h = *state;
    uint32_t list[1024], result;

    host_put(h, 0, host_aer(), false);
    host_put(h, 0, host_aer(), true);
    assert_int_equal(host_get_log(h, NVME_LOG_CHANGED_NS, false, list, 4096),
                     0);
    /* Not asked for */
    mock_card_attach(h->card, 0, 5, 1 << 20, 0);
    assert_false(event(h, &result));
    assert_int_equal(host_get_log(h, NVME_LOG_CHANGED_NS, false, list, 4096),
                     0);
    assert_int_equal(list[0], 5);
    assert_int_equal(list[1], 0);
    assert_int_equal(host_set_feature(h, NVME_FEAT_ASYNC_EVENTS, 1 << 8), 0);
    mock_card_attach(h->card, 0, 7, 1 << 20, 0);
    assert_true(event(h, &result));
    assert_int_equal(result, 0x040002);
    mock_card_detach(h->card, 0, 5);
    mock_card_detach(h->card, 0, 7);
    assert_false(event(h, &result));
    assert_int_equal(host_get_log(h, NVME_LOG_CHANGED_NS, true, list, 4096), 0);
    assert_int_equal(list[0], 5);
    assert_int_equal(list[1], 7);
    assert_int_equal(host_get_log(h, NVME_LOG_CHANGED_NS, false, list, 4096),
                     0);
    assert_int_equal(list[1], 7);
    assert_int_equal(host_get_log(h, NVME_LOG_CHANGED_NS, false, list, 4096),
                     0);
    assert_int_equal(list[0], 0);
    mock_card_attach(h->card, 0, 5, 1 << 20, 0);
    assert_true(event(h, &result));
    nvme_ctrl_ns_changed(h->ctrl, 0); /* ignored */
    nvme_ctrl_ns_changed(h->ctrl, 17);
    assert_int_equal(host_get_log(h, NVME_LOG_CHANGED_NS, false, list, 4096),
                     0);
    assert_int_equal(list[1], 0);
}

/* Different types do not mask one another; a reset forgets all. */
static void event_types(void **state)
{
    Host *h = *state;
    uint32_t result;

    assert_int_equal(host_set_feature(h, NVME_FEAT_ASYNC_EVENTS, 0x1ff), 0);
    host_put(h, 0, host_aer(), false);
    host_put(h, 0, host_aer(), true);
    host_write(h, 0x1000 + 8 * 7, 1, 4);
    assert_true(event(h, &result));
    assert_int_equal(result & 7, NVME_AER_ERROR);
    nvme_ctrl_ns_changed(h->ctrl, 1);
    assert_true(event(h, &result));
    assert_int_equal(result & 7, NVME_AER_NOTICE);
    host_write(h, 0x1008, 1000, 4);
    mock_run_idle(h->m);
    host_disable(h);
    host_enable(h);
    host_put(h, 0, host_aer(), true);
    assert_false(event(h, &result));
    host_write(h, 0x1000 + 8 * 7, 1, 4);
    assert_true(event(h, &result));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED_TEST(plain_features),
        STARTED_TEST(feature_rejections),
        HOST_TEST(number_of_queues),
        STARTED_TEST(error_recovery),
        STARTED_TEST(vector_config),
        STARTED_TEST(timestamp),
        STARTED_TEST(host_behavior),
        STARTED_TEST(temperature),
        STARTED_TEST(event_limit),
        STARTED_TEST(event_masking),
        STARTED_TEST(event_waits_for_request),
        STARTED_TEST(namespace_events),
        STARTED_TEST(event_types),
    };

    host_setups_used();
    return cmocka_run_group_tests_name("nvme-feature", tests, NULL, NULL) != 0;
}
