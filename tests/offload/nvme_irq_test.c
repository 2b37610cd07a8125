/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_irq_test.c: MSI-X, coalescing, the pin, and shadow doorbells.
 * NVM Express 1.4, sections 7.5, 5.21.1.8, 5.21.1.9, 5.7 and 7.13.
 */
#include "nvme_test.h"

#define US 1000000ull
#define BUF 0x100000ull

static void one_read(Host *h, unsigned qid)
{
    host_put(h, qid, host_rw(NVME_IO_READ, 1, 0, 1, BUF), true);
}

static void take_all(Host *h, unsigned qid, unsigned expected)
{
    unsigned n = 0;
    NvmeCqe cqe;

    while (host_take(h, qid, &cqe)) {
        assert_int_equal(cqe.status >> 1, 0);
        n++;
    }
    assert_int_equal(n, expected);
}

static void vectors(void **state)
{
    Host *h = *state;

    host_start(h, 2, 16);
    assert_int_equal(h->m->irq_count[0][0], 4); /* admin: four commands */
    assert_int_equal(host_create_cq(h, 3, 16, 8), 0);
    assert_int_equal(host_create_sq(h, 3, 16, 3), 0);
    one_read(h, 2);
    mock_run_idle(h->m);
    one_read(h, 3);
    mock_run_idle(h->m);
    assert_int_equal(h->m->irq_count[0][1], 0);
    assert_int_equal(h->m->irq_count[0][2], 1);
    assert_int_equal(h->m->irq_count[0][8], 1);
    assert_int_equal(h->m->event_count[CARD_EV_IRQ], 8);
    assert_false(h->m->intx[0]);
}

static void interrupts_disabled(void **state)
{
    Host *h = *state;
    uint64_t mem = mock_alloc(h->m, 4096, 4096);

    host_enable(h);
    h->q[1].cq = mem;
    h->q[1].cq_size = 16;
    h->q[1].phase = true;
    assert_status(h, 0,
                  ((NvmeSqe){ .opcode = NVME_ADM_CREATE_CQ,
                              .prp1 = mem,
                              .cdw10 = 15 << 16 | 1,
                              .cdw11 = 1 << 16 | 1 }),
                  0);
    assert_int_equal(host_create_sq(h, 1, 16, 1), 0);
    one_read(h, 1);
    mock_run_idle(h->m);
    assert_int_equal(h->m->irq_count[0][1], 0);
    take_all(h, 1, 1);
}

/* Completions that become visible before the message leaves share it; none
 * is left without. */
static void messages_merge(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;
    unsigned n = 0;

    host_start(h, 1, 64);
    h->m->delay_ps[MODEL_DMA_WRITE] = 1000;
    for (unsigned i = 0; i < 10; i++) {
        host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), false);
    }
    host_ring_sq(h, 1);
    while (n < 10) {
        uint64_t irqs = h->m->irq_count[0][1];

        while (h->m->irq_count[0][1] == irqs) {
            assert_true(mock_step(h->m));
        }
        while (host_peek_take(h, 1, &cqe)) {
            n++;
        }
    }
    mock_run_idle(h->m);
    assert_true(h->m->irq_count[0][1] < 10);
}

static void coalescing_threshold(void **state)
{
    Host *h = *state;

    host_start(h, 2, 64);
    /* Three completions, or 500 us */
    assert_int_equal(host_set_feature(h, NVME_FEAT_COALESCING, 5 << 8 | 2), 0);
    for (unsigned i = 0; i < 6; i++) {
        one_read(h, 1);
        mock_run_until(h->m, h->m->now_ps + US);
    }
    assert_int_equal(h->m->irq_count[0][1], 2);
    assert_int_equal(h->m->timer_ps[SEAM_TIMER_COALESCE], SEAM_NEVER);
}

static void coalescing_time(void **state)
{
    Host *h = *state;
    uint64_t start;

    host_start(h, 2, 64);
    assert_int_equal(host_set_feature(h, NVME_FEAT_COALESCING, 5 << 8 | 9), 0);
    start = h->m->now_ps;
    one_read(h, 1);
    mock_run_until(h->m, start + 100 * US);
    one_read(h, 1);
    one_read(h, 2);
    mock_run_until(h->m, start + 500 * US - 1);
    assert_int_equal(h->m->irq_count[0][1], 0);
    mock_run_until(h->m, start + 500 * US);
    assert_int_equal(h->m->irq_count[0][1], 1);
    assert_int_equal(h->m->irq_count[0][2], 0);
    mock_run_until(h->m, start + 600 * US);
    assert_int_equal(h->m->irq_count[0][2], 1);
    assert_int_equal(h->m->irq_count[0][1], 1);
}

static void coalescing_exceptions(void **state)
{
    Host *h = *state;
    uint64_t admin;

    host_start(h, 2, 64);
    assert_int_equal(host_set_feature(h, NVME_FEAT_VECTOR, 1 << 16 | 2), 0);
    assert_int_equal(host_set_feature(h, NVME_FEAT_COALESCING, 5 << 8 | 9), 0);
    one_read(h, 2); /* disabled for this vector */
    mock_run_until(h->m, h->m->now_ps + US);
    assert_int_equal(h->m->irq_count[0][2], 1);
    /* Never for the admin queue */
    admin = h->m->irq_count[0][0];
    assert_int_equal(host_set_feature(h, NVME_FEAT_COALESCING, 5 << 8), 0);
    assert_int_equal(h->m->irq_count[0][0], admin + 1);
    /* 0 in either field is off. */
    one_read(h, 1);
    mock_run_until(h->m, h->m->now_ps + US);
    assert_int_equal(h->m->irq_count[0][1], 1);
    assert_int_equal(host_set_feature(h, NVME_FEAT_COALESCING, 9), 0);
    one_read(h, 1);
    mock_run_until(h->m, h->m->now_ps + US);
    assert_int_equal(h->m->irq_count[0][1], 2);
}

static void coalescing_and_reset(void **state)
{
    Host *h = *state;

    host_start(h, 1, 64);
    assert_int_equal(host_set_feature(h, NVME_FEAT_COALESCING, 5 << 8 | 9), 0);
    one_read(h, 1);
    mock_run_until(h->m, h->m->now_ps + US);
    assert_int_not_equal(h->m->timer_ps[SEAM_TIMER_COALESCE], SEAM_NEVER);
    host_disable(h);
    assert_int_equal(h->m->timer_ps[SEAM_TIMER_COALESCE], SEAM_NEVER);
    mock_run_idle(h->m);
    assert_int_equal(h->m->irq_count[0][1], 0);
}

static void pin(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;

    nvme_ctrl_set_msix(h->ctrl, false);
    host_enable(h);
    assert_int_equal(host_create_cq(h, 1, 16, 0), 0);
    assert_int_equal(host_create_sq(h, 1, 16, 1), 0);
    assert_false(h->m->intx[0]);
    one_read(h, 1);
    one_read(h, 1);
    mock_run_idle(h->m);
    assert_true(h->m->intx[0]);
    assert_int_equal(h->m->irq_count[0][0], 0);
    assert_true(host_take(h, 1, &cqe));
    mock_run_idle(h->m);
    assert_true(h->m->intx[0]); /* one is left */
    host_write(h, NVME_REG_INTMS, 1, 4);
    assert_false(h->m->intx[0]);
    host_write(h, NVME_REG_INTMC, 1, 4);
    assert_true(h->m->intx[0]);
    assert_true(host_take(h, 1, &cqe));
    mock_run_idle(h->m);
    assert_false(h->m->intx[0]);
    /* MSI-X takes over while the pin is high. */
    one_read(h, 1);
    mock_run_idle(h->m);
    assert_true(h->m->intx[0]);
    nvme_ctrl_set_msix(h->ctrl, true);
    assert_false(h->m->intx[0]);
    nvme_ctrl_set_msix(h->ctrl, false);
    assert_true(h->m->intx[0]);
    host_disable(h);
    assert_false(h->m->intx[0]);
}

static void pin_and_queue_deletion(void **state)
{
    Host *h = *state;

    nvme_ctrl_set_msix(h->ctrl, false);
    host_enable(h);
    assert_int_equal(host_create_cq(h, 1, 16, 0), 0);
    assert_int_equal(host_create_sq(h, 1, 16, 1), 0);
    one_read(h, 1);
    mock_run_idle(h->m);
    assert_true(h->m->intx[0]);
    assert_int_equal(host_delete_sq(h, 1), 0);
    assert_int_equal(host_delete_cq(h, 1), 0);
    assert_false(h->m->intx[0]);
}

/* ---- shadow doorbells --------------------------------------------------- */

static void dbbuf(Host *h)
{
    uint64_t mem = mock_alloc(h->m, 8192, 4096);

    assert_status(h, 0,
                  ((NvmeSqe){ .opcode = NVME_ADM_DBBUF,
                              .prp1 = mem,
                              .prp2 = mem + 4096 }),
                  0);
    h->shadow = mem;
    h->event = mem + 4096;
}

static void dbbuf_rejections(void **state)
{
    Host *h = *state;
    NvmeSqe e = { .opcode = NVME_ADM_DBBUF, .prp1 = 0x4000, .prp2 = 0x5000 };

    host_enable(h);
    e.prp1 = 0x4008;
    assert_status(h, 0, e, NVME_INVALID_FIELD);
    e.prp1 = 0x4000;
    e.prp2 = 0x5800;
    assert_status(h, 0, e, NVME_INVALID_FIELD);
    e.prp2 = 0;
    assert_status(h, 0, e, NVME_INVALID_FIELD);
}

/* A mix at every pace: nothing is lost although most rings are left out. */
static void dbbuf_mix(Host *h, uint64_t seed)
{
    unsigned sent[3] = { 0 }, done[3] = { 0 };
    uint64_t writes = h->m->model_count[MODEL_MMIO_WRITE];
    NvmeCqe cqe;

    while (done[1] + done[2] < 600) {
        unsigned q = 1 + mock_random(&seed) % 2;

        for (unsigned n = mock_random(&seed) % 12; n && sent[q] < 300; n--) {
            if (sent[q] - done[q] >= 60) {
                break;
            }
            one_read(h, q);
            sent[q]++;
        }
        if (mock_random(&seed) % 3) {
            mock_run_until(h->m, h->m->now_ps + mock_random(&seed) % 20000);
        } else {
            mock_run_idle(h->m);
        }
        for (q = 1; q <= 2; q++) {
            while (done[q] < sent[q] && host_take(h, q, &cqe)) {
                assert_int_equal(cqe.status >> 1, 0);
                done[q]++;
            }
        }
    }
    assert_true(h->m->model_count[MODEL_MMIO_WRITE] - writes < 600);
}

static void dbbuf_loses_nothing(void **state)
{
    Host *h = *state;

    host_start(h, 2, 64);
    dbbuf(h);
    mock_delays(h->m, 1000);
    h->m->jitter_ps = 800;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        dbbuf_mix(h, seed);
    }
    mock_run_idle(h->m);
    assert_int_equal(h->m->event_count[CARD_EV_GUEST_ERROR], 0);
    assert_true(nvme_ctrl_idle(h->ctrl));
}

/* Small completion queues fill up: their heads are asked for. */
static void dbbuf_full_cq(void **state)
{
    Host *h = *state;

    host_start(h, 2, 64);
    for (unsigned q = 1; q <= 2; q++) {
        assert_int_equal(host_delete_sq(h, q), 0);
        assert_int_equal(host_delete_cq(h, q), 0);
    }
    dbbuf(h);
    for (unsigned q = 1; q <= 2; q++) {
        assert_int_equal(host_create_cq(h, q, 4, q), 0);
        assert_int_equal(host_create_sq(h, q, 64, q), 0);
    }
    mock_delays(h->m, 1000);
    for (uint64_t seed = 1; seed <= 10; seed++) {
        dbbuf_mix(h, seed);
    }
    assert_int_equal(h->m->event_count[CARD_EV_GUEST_ERROR], 0);
}

static void dbbuf_with_pin(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;

    nvme_ctrl_set_msix(h->ctrl, false);
    host_enable(h);
    dbbuf(h);
    assert_int_equal(host_create_cq(h, 1, 16, 0), 0);
    assert_int_equal(host_create_sq(h, 1, 16, 1), 0);
    for (unsigned i = 0; i < 40; i++) {
        one_read(h, 1);
        mock_run_idle(h->m);
        assert_true(h->m->intx[0]);
        assert_true(host_take(h, 1, &cqe));
        mock_run_idle(h->m);
        assert_false(h->m->intx[0]);
    }
}

static void dbbuf_bad_values(void **state)
{
    Host *h = *state;

    host_start(h, 1, 16);
    dbbuf(h);
    mock_put32(h->m, h->shadow + 8, 16);
    host_write(h, 0x1008, 1, 4);
    mock_put32(h->m, h->shadow + 12, 5);
    host_write(h, 0x100c, 1, 4);
    mock_run_idle(h->m);
    assert_int_equal(h->m->event_count[CARD_EV_GUEST_ERROR], 2);
    mock_put32(h->m, h->shadow + 8, 0);
    mock_put32(h->m, h->shadow + 12, 0);
    one_read(h, 1);
    mock_run_idle(h->m);
    take_all(h, 1, 1);
}

/* Buffers that may not be touched are fatal, in either direction. */
static void dbbuf_refused(void **state)
{
    Host *h = *state;

    host_start(h, 1, 16);
    assert_status(h, 0,
                  ((NvmeSqe){ .opcode = NVME_ADM_DBBUF,
                              .prp1 = 0x4000,
                              .prp2 = 1ull << 40 }),
                  0);
    mock_run_idle(h->m);
    assert_true(host_csts(h) & NVME_CSTS_CFS);
    host_disable(h);
    host_start(h, 1, 16);
    assert_status(h, 0,
                  ((NvmeSqe){ .opcode = NVME_ADM_DBBUF,
                              .prp1 = 1ull << 40,
                              .prp2 = 0x4000 }),
                  0);
    mock_run_idle(h->m);
    assert_true(host_csts(h) & NVME_CSTS_CFS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(vectors),
        HOST_TEST(interrupts_disabled),
        HOST_TEST(messages_merge),
        HOST_TEST(coalescing_threshold),
        HOST_TEST(coalescing_time),
        HOST_TEST(coalescing_exceptions),
        HOST_TEST(coalescing_and_reset),
        HOST_TEST(pin),
        HOST_TEST(pin_and_queue_deletion),
        HOST_TEST(dbbuf_rejections),
        HOST_TEST(dbbuf_loses_nothing),
        HOST_TEST(dbbuf_full_cq),
        HOST_TEST(dbbuf_with_pin),
        HOST_TEST(dbbuf_bad_values),
        HOST_TEST(dbbuf_refused),
    };

    host_setups_used();
    return cmocka_run_group_tests_name("nvme-irq", tests, NULL, NULL) != 0;
}
