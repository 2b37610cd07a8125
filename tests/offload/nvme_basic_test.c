/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_basic_test.c: the path of every host: enable, identify, create queues,
 * read, write, interrupts. NVM Express 1.4.
 */
#include "nvme_host.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static int setup(void **state)
{
    *state = host_new();
    return 0;
}

static int teardown(void **state)
{
    host_free(*state);
    return 0;
}

static void fill(Host *h, uint64_t addr, unsigned len, unsigned seed)
{
    uint8_t *p = mock_ram(h->m, addr, len);

    for (unsigned i = 0; i < len; i++) {
        p[i] = seed + i + (i >> 8) * 3;
    }
}

static void write_then_read(void **state)
{
    Host *h = *state;
    uint64_t from = mock_alloc(h->m, 8192, 4096);
    uint64_t to = mock_alloc(h->m, 8192, 4096);

    host_start(h, 1, 16);
    fill(h, from, 8192, 7);
    assert_int_equal(host_status(h, 1, host_rw(NVME_IO_WRITE, 1, 8, 16, from)),
                     0);
    assert_memory_equal(h->card->ns[0][1].data + 4096,
                        mock_ram(h->m, from, 8192), 8192);
    assert_int_equal(host_status(h, 1, host_rw(NVME_IO_READ, 1, 8, 16, to)), 0);
    assert_memory_equal(mock_ram(h->m, to, 8192), mock_ram(h->m, from, 8192),
                        8192);
    assert_int_equal(h->m->irq_count[0][1], 2);
    assert_true(nvme_ctrl_idle(h->ctrl));
}

/* Model delays add up along the command's path, nothing else does. */
static void timed_read(void **state)
{
    Host *h = *state;
    uint64_t to = mock_alloc(h->m, 4096, 4096);
    NvmeCqe cqe;
    uint64_t start;

    host_start(h, 1, 16);
    mock_delays(h->m, 1000);
    start = h->m->now_ps;
    host_put(h, 1, host_rw(NVME_IO_READ, 1, 0, 8, to), true);
    /* doorbell, fetch, processor, card, data, completion, message */
    mock_run_until(h->m, start + 5999);
    assert_false(host_peek_take(h, 1, &cqe));
    mock_run_until(h->m, start + 6000);
    assert_true(host_peek_take(h, 1, &cqe));
    assert_int_equal(h->m->irq_count[0][1], 0);
    mock_run_until(h->m, start + 7000);
    assert_int_equal(h->m->irq_count[0][1], 1);
    assert_int_equal(mock_in_flight(h->m), 0);
}

static void deep_queue(void **state)
{
    Host *h = *state;
    uint64_t buf = mock_alloc(h->m, 512 * 4096, 4096);
    bool seen[0x8000] = { false };
    unsigned done = 0, sent = 0;
    NvmeCqe cqe;

    host_start(h, 2, 512);
    mock_delays(h->m, 500000);
    h->m->jitter_ps = 400000;
    while (done < 2000) {
        while (sent < 2000 && sent - done < 500) {
            unsigned q = 1 + sent % 2;

            if ((h->q[q].tail + 1) % 512 == h->q[q].head) {
                break;
            }
            host_put(h, q,
                     host_rw(sent % 3 ? NVME_IO_READ : NVME_IO_WRITE, 1,
                             8 * (sent % 900), 8, buf + sent % 512 * 4096),
                     true);
            sent++;
        }
        assert_true(mock_step(h->m));
        for (unsigned q = 1; q <= 2; q++) {
            while (host_take(h, q, &cqe)) {
                assert_int_equal(cqe.status >> 1, 0);
                assert_false(seen[cqe.cid]);
                seen[cqe.cid] = true;
                done++;
            }
        }
    }
    mock_run_idle(h->m);
    assert_true(nvme_ctrl_idle(h->ctrl));
    assert_int_equal(h->m->event_count[CARD_EV_GUEST_ERROR], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_then_read, setup, teardown),
        cmocka_unit_test_setup_teardown(timed_read, setup, teardown),
        cmocka_unit_test_setup_teardown(deep_queue, setup, teardown),
    };

    return cmocka_run_group_tests_name("nvme-basic", tests, NULL, NULL) != 0;
}
