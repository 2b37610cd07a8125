/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_robust_test.c: resets in every state, memory that is refused, models
 * that are full, queues that are full, several functions side by side,
 * suspension. NVM Express 1.4, sections 4.1, 7.3, 9.5.
 */
#include "nvme_test.h"
#include "nvme_mix.h"

#define BUF 0x100000ull

static Mix *busy_mix(Host *h, uint64_t seed, unsigned budget)
{
    Mix *x = mix_new(h, seed, budget);

    mock_delays(h->m, 1000);
    h->m->jitter_ps = seed % 3 ? 900 : 0;
    h->m->delay_ps[MODEL_CRYPTO] = 4000;
    x->deletions = 4;
    x->aborts = 12;
    x->attaches = 6;
    x->holds = 8;
    x->faults = 4;
    x->use_shadow = seed % 3 == 1;
    return x;
}

/* After a reset at event n of a mix, nothing of the past happens any more,
 * and everything works. */
static void reset_at_every_event(void **state)
{
    for (unsigned n = 0; n < 400; n++) {
        Host *h = host_new();
        Mix *x = busy_mix(h, n % 5, 100000);
        uint64_t irqs, done;

        for (unsigned i = 0; i < n; i++) {
            mix_act(x);
            mock_step(h->m);
        }
        if (n % 3 == 0) {
            host_write(h, NVME_REG_CC, 0, 4);
        } else {
            nvme_ctrl_reset(h->ctrl, n % 3 == 1 ? CARD_RESET_FUNCTION
                                                : CARD_RESET_SUBSYSTEM);
        }
        assert_true(nvme_ctrl_idle(h->ctrl));
        assert_int_equal(mock_in_flight(h->m), 0);
        assert_int_equal(h->m->timer_ps[SEAM_TIMER_COALESCE], SEAM_NEVER);
        assert_false(h->m->intx[0]);
        irqs = h->m->event_count[CARD_EV_IRQ];
        done = h->m->event_count[CARD_EV_CMD_DONE];
        mock_run_idle(h->m);
        assert_int_equal(h->m->event_count[CARD_EV_IRQ], irqs);
        assert_int_equal(h->m->event_count[CARD_EV_CMD_DONE], done);
        mix_was_reset(x);
        h->card->hold = false;
        host_start(h, 2, 16);
        assert_status(h, 2, host_rw(NVME_IO_READ, 1, 0, 1, BUF), 0);
        mix_free(x);
        host_free(h);
    }
}

/* Late answers: the models do not forget, the controller must. */
static void keep_operations(void *opaque, unsigned fn)
{
}

static void late_answers(void **state)
{
    for (unsigned n = 5; n < 300; n += 7) {
        Host *h = host_new();
        Mix *x = busy_mix(h, n, 100000);

        h->m->ops.model_cancel = keep_operations;
        for (unsigned i = 0; i < n; i++) {
            mix_act(x);
            mock_step(h->m);
        }
        nvme_ctrl_reset(h->ctrl, CARD_RESET_FUNCTION);
        mix_was_reset(x);
        h->card->hold = false;
        mix_free(x);
        x = busy_mix(h, n + 1, 200);
        mix_used_namespaces(x);
        x->resets = 3;
        mix_run(x);
        mix_free(x);
        host_free(h);
    }
}

/* ---- memory ------------------------------------------------------------- */

static uint64_t refused_from, refused_to;

static bool refuse_range(void *user, unsigned fn, bool write, uint64_t addr,
                         size_t len)
{
    return addr < refused_to && addr + len > refused_from;
}

static void refuse(Host *h, uint64_t from, uint64_t len)
{
    refused_from = from;
    refused_to = from + len;
    h->m->dma_fault = refuse_range;
}

static void fatal(Host *h)
{
    mock_run_idle(h->m);
    assert_int_equal(host_csts(h), NVME_CSTS_RDY | NVME_CSTS_CFS);
    assert_true(h->m->event_count[CARD_EV_DMA_REFUSED] > 0);
    /* Nothing is fetched any more; a reset heals it. */
    h->m->dma_fault = NULL;
    host_disable(h);
    assert_int_equal(host_csts(h), 0);
    host_start(h, 1, 16);
    assert_status(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), 0);
}

static void queue_memory_refused(void **state)
{
    Host *h = *state;
    NvmeSqe id = {
        .opcode = NVME_ADM_IDENTIFY, .cid = 0xffff, .prp1 = BUF, .cdw10 = 1
    };

    host_start(h, 1, 16);
    refuse(h, h->q[0].sq, 4096);
    host_put(h, 0, id, true);
    fatal(h);
    refuse(h, h->q[0].cq, 4096);
    host_put(h, 0, id, true);
    fatal(h);
    refuse(h, h->q[1].sq, 4096);
    host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), true);
    fatal(h);
    refuse(h, h->q[1].cq, 4096);
    host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), true);
    fatal(h);
}

/* Whatever access fails, whenever: no crash, and a reset heals it. */
static uint64_t fault_rng;

static bool refuse_some(void *user, unsigned fn, bool write, uint64_t addr,
                        size_t len)
{
    return mock_random(&fault_rng) % 40 == 0;
}

static void any_access_refused(void **state)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        Host *h = host_new();
        Mix *x = busy_mix(h, seed, 100000);

        fault_rng = seed;
        for (unsigned i = 0; i < 100; i++) {
            mix_act(x);
            mock_step(h->m);
        }
        h->m->dma_fault = refuse_some;
        for (unsigned i = 0; i < 2000 && !(host_csts(h) & NVME_CSTS_CFS); i++) {
            mix_act(x);
            mock_step(h->m);
        }
        assert_true(host_csts(h) & NVME_CSTS_CFS);
        h->m->dma_fault = NULL;
        mock_run_idle(h->m);
        host_write(h, NVME_REG_CC, 0, 4);
        mix_was_reset(x);
        h->card->hold = false;
        mix_free(x);
        x = busy_mix(h, seed, 100);
        mix_used_namespaces(x);
        mix_run(x);
        mix_free(x);
        host_free(h);
    }
}

/* ---- models ------------------------------------------------------------- */

/* The models take few operations at a time; all work gets done. */
static void models_full(void **state)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        Host *h = host_new();
        Mix *x = busy_mix(h, seed, 300);

        h->m->max_model_ops = 6 + seed % 8;
        h->card->needs_no_model = true;
        x->resets = 1;
        mix_run(x);
        assert_true(x->statuses[0] > 80);
        mix_free(x);
        host_free(h);
    }
}

static void many_doorbells(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;
    unsigned n = 0;

    host_start(h, 2, 64);
    mock_delays(h->m, 1000000);
    /* More than can be on their way, then to a doorbell that was not rung */
    for (unsigned i = 0; i < 300; i++) {
        host_write(h, 0x1000 + 8 * 7, i, 4);
    }
    for (unsigned i = 0; i < 20; i++) {
        host_put(h, 1, host_rw(NVME_IO_READ, 1, i, 1, BUF), true);
    }
    for (unsigned i = 0; i < 300; i++) {
        host_put(h, 2, host_rw(NVME_IO_READ, 1, i, 1, BUF), false);
        h->q[2].tail = (i + 1) % 40;
        host_ring_sq(h, 2);
    }
    mock_run_idle(h->m);
    while (host_take(h, 1, &cqe)) {
        n++;
    }
    assert_int_equal(n, 20);
}

/* ---- queues ------------------------------------------------------------- */

static void full_completion_queue(void **state)
{
    Host *h = *state;
    unsigned n = 0;
    NvmeCqe cqe;

    host_enable(h);
    assert_int_equal(host_create_cq(h, 1, 5, 1), 0);
    assert_int_equal(host_create_sq(h, 1, 64, 1), 0);
    assert_int_equal(host_create_cq(h, 2, 64, 2), 0);
    assert_int_equal(host_create_sq(h, 2, 64, 2), 0);
    for (unsigned i = 0; i < 60; i++) {
        host_put(h, 1, host_rw(NVME_IO_READ, 1, i, 1, BUF), false);
    }
    host_ring_sq(h, 1);
    mock_run_idle(h->m);
    /* Another queue goes on. */
    assert_status(h, 2, host_rw(NVME_IO_READ, 1, 0, 1, BUF), 0);
    while (n < 60) {
        assert_true(host_take(h, 1, &cqe));
        n++;
        if (n % 3 == 0) {
            mock_run_idle(h->m);
        }
    }
    mock_run_idle(h->m);
    assert_false(host_take(h, 1, &cqe));
}

/* More commands than slots, one queue much deeper than the others */
static void arbitration(void **state)
{
    Host *h = *state;
    NvmeCqe cqe;
    unsigned n[4] = { 0 };

    host_start(h, 3, 1024);
    assert_int_equal(host_set_feature(h, NVME_FEAT_ARBITRATION, 2), 0);
    mock_delays(h->m, 1000);
    h->m->delay_ps[MODEL_CRYPTO] = 100000;
    for (unsigned i = 0; i < 900; i++) {
        host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), false);
    }
    for (unsigned i = 0; i < 80; i++) {
        host_put(h, 2, host_rw(NVME_IO_READ, 1, 0, 1, BUF), false);
        host_put(h, 3, host_rw(NVME_IO_READ, 1, 0, 1, BUF), false);
    }
    host_ring_sq(h, 1);
    host_ring_sq(h, 2);
    host_ring_sq(h, 3);
    while (n[2] < 80) {
        assert_true(mock_step(h->m));
        for (unsigned q = 1; q <= 3; q++) {
            while (host_take(h, q, &cqe)) {
                n[q]++;
            }
        }
    }
    /* Round robin: the deep queue was not served much more. */
    assert_true(n[1] < 260 && n[3] >= 60);
    mock_run_idle(h->m);
    assert_true(nvme_ctrl_idle(h->ctrl));
}

/* The admin queue has slots of its own. */
static void admin_while_io_is_stuck(void **state)
{
    Host *h = *state;
    uint8_t id[4096];

    host_start(h, 1, 1024);
    h->card->hold = true;
    for (unsigned i = 0; i < 500; i++) {
        host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), false);
    }
    host_ring_sq(h, 1);
    mock_run_idle(h->m);
    assert_int_equal(host_identify(h, NVME_CNS_CTRL, 0, id), 0);
    assert_int_equal(host_delete_sq(h, 1), 0);
    assert_true(nvme_ctrl_idle(h->ctrl));
}

static void suspension(void **state)
{
    Host *h = *state;
    unsigned progress;
    NvmeCqe cqe;

    host_start(h, 1, 64);
    mock_delays(h->m, 1000);
    host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), true);
    mock_run_until(h->m, h->m->now_ps + 2500);
    h->card->suspended = true;
    progress = h->card->progress;
    host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), true);
    host_put(h, 0, host_aer(), true);
    assert_false(nvme_ctrl_idle(h->ctrl));
    mock_run_idle(h->m);
    /* What was fetched is done; the rest waits, doorbells are heard. */
    assert_true(nvme_ctrl_idle(h->ctrl));
    assert_true(h->card->progress > progress);
    assert_true(host_take(h, 1, &cqe));
    assert_false(host_take(h, 1, &cqe));
    h->card->suspended = false;
    nvme_ctrl_resume(h->ctrl);
    mock_run_idle(h->m);
    assert_true(host_take(h, 1, &cqe));
}

/* ---- functions ---------------------------------------------------------- */

/* Two functions of one card, their guests' memory apart: whatever one does,
 * the other does not notice. */
static void functions_are_apart(void **state)
{
    MockSeam *m = mock_seam_new(HOST_RAM, 1);
    Card *card = mock_card_new(m);
    Host h[2] = { { 0 } };
    NvmeIdNs id;
    NvmeCqe cqe;

    for (unsigned i = 0; i < 2; i++) {
        NvmeCtrlConfig config = host_config(i);

        h[i].m = m;
        h[i].card = card;
        h[i].fn = i;
        m->window[i].base = i * (HOST_RAM / 2);
        m->window[i].bytes = HOST_RAM / 2;
        mock_card_attach(card, i, 1 + i, HOST_NS_BYTES, 0);
        h[i].ctrl = mock_card_add(card, &config);
        m->alloc_next = m->window[i].base + 4096;
        host_start(&h[i], 1, 16);
    }
    /* The neighbour's namespace */
    assert_status(&h[1], 1, host_rw(NVME_IO_READ, 1, 0, 1, HOST_RAM / 2),
                  NVME_INVALID_FIELD);
    m->alloc_next = HOST_RAM - (1 << 20);
    assert_int_equal(host_identify(&h[1], NVME_CNS_NS, 1, &id), 0);
    assert_int_equal(id.nsze, 0);
    /* The neighbour's memory, for data and for queues */
    assert_status(&h[1], 1, host_rw(NVME_IO_READ, 2, 0, 1, BUF),
                  NVME_DATA_TRANSFER_ERROR);
    assert_status(&h[1], 0,
                  ((NvmeSqe){ .opcode = NVME_ADM_CREATE_CQ,
                              .prp1 = BUF,
                              .cdw10 = 15 << 16 | 2,
                              .cdw11 = 1 }),
                  0);
    assert_status(&h[1], 0,
                  ((NvmeSqe){ .opcode = NVME_ADM_CREATE_SQ,
                              .prp1 = BUF,
                              .cdw10 = 15 << 16 | 2,
                              .cdw11 = 2 << 16 | 1 }),
                  0);
    host_write(&h[1], 0x1010, 1, 4);
    mock_run_idle(m);
    assert_true(host_csts(&h[1]) & NVME_CSTS_CFS);
    assert_int_equal(host_csts(&h[0]), NVME_CSTS_RDY);
    /* A reset of one leaves the other's command alone. */
    mock_delays(m, 1000);
    host_put(&h[0], 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), true);
    mock_run_until(m, m->now_ps + 3500);
    nvme_ctrl_reset(h[1].ctrl, CARD_RESET_FUNCTION);
    mock_run_idle(m);
    assert_true(host_take(&h[0], 1, &cqe));
    assert_status(&h[0], 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), 0);
    assert_int_equal(card->stats[0].guest_errors, 0);
    mock_card_free(card);
    mock_seam_free(m);
}

static void wrong_indices(void **state)
{
    Host *h = *state;

    host_start(h, 1, 16);
    /* Answers that nobody asked for */
    nvme_ctrl_io_done(h->ctrl, 5, 0);
    nvme_ctrl_io_done(h->ctrl, 60000, 0);
    nvme_ctrl_io_admitted(h->ctrl, 5);
    nvme_ctrl_io_admitted(h->ctrl, 60000);
    for (unsigned stage = 0; stage < 256; stage++) {
        for (unsigned i = 0; i < 0x10000; i += i < 300 ? 1 : 6553) {
            nvme_ctrl_model_done(h->ctrl,
                                 seam_tag(SEAM_OWNER_CTRL, 0, stage, i, 3), 0);
        }
    }
    assert_true(nvme_ctrl_idle(h->ctrl));
    assert_status(h, 1, host_rw(NVME_IO_READ, 1, 0, 1, BUF), 0);
    nvme_ctrl_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reset_at_every_event),
        cmocka_unit_test(late_answers),
        HOST_TEST(queue_memory_refused),
        cmocka_unit_test(any_access_refused),
        cmocka_unit_test(models_full),
        HOST_TEST(many_doorbells),
        HOST_TEST(full_completion_queue),
        HOST_TEST(arbitration),
        HOST_TEST(admin_while_io_is_stuck),
        HOST_TEST(suspension),
        cmocka_unit_test(functions_are_apart),
        HOST_TEST(wrong_indices),
    };

    host_setups_used();
    return cmocka_run_group_tests_name("nvme-robust", tests, NULL, NULL) != 0;
}
