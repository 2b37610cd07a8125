/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * app_path_test.c: the whole application as guests see it: registers and
 * memory in front, ciphertext on the drives behind, three interfaces that do
 * not disturb each other.
 */
#include "app_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define US 1000000ull
#define MS (1000 * US)
#define S (1000 * MS)
#define SC(status) ((status)&0x7ff)

static CardBench *b;
static AppHost host[BENCH_IFACES];
static AppLoad load[BENCH_IFACES];

static int setup(void **state)
{
    b = card_bench_new(APP_RAM, 1);
    card_bench_power_on(b, NULL);
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        app_host_init(&host[fn], b, fn);
    }
    return 0;
}

static int teardown(void **state)
{
    card_bench_free(b);
    return 0;
}

static void three_tenants(void)
{
    card_bench_stripe(b, "s", 8, 8192, 0);
    card_bench_linear(b, "p1", 0, 4, 1);
    card_bench_linear(b, "p2", 1, 4, 2);
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        app_host_start(&host[fn], 2);
        app_load_init(&load[fn], &host[fn], 512, 16, 1000 + fn);
    }
}

/* The same without load. */
static void three_idle_tenants(void)
{
    three_tenants();
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        load[fn].stop = true;
    }
}

static void verify(unsigned fn)
{
    assert_int_equal(host[fn].submitted, host[fn].completed);
    assert_int_equal(load[fn].mismatches, 0);
    app_load_verify(&load[fn]);
}

/* ---- data --------------------------------------------------------------- */

static void test_write_read(void **state)
{
    g_autofree uint8_t *want = g_malloc(65536);

    card_bench_fill(want, 65536, 3);
    card_bench_stripe(b, "s", 8, 8192, 0);
    app_host_start(&host[0], 2);
    memcpy(app_host_data(&host[0]), want, 65536);
    assert_int_equal(app_host_do(&host[0], NVME_IO_WRITE, 5, 128), 0);
    memset(app_host_data(&host[0]), 0, 65536);
    assert_int_equal(app_host_do(&host[0], NVME_IO_READ, 5, 128), 0);
    assert_memory_equal(app_host_data(&host[0]), want, 65536);
    assert_false(card_bench_leaks(b, want, 16, NULL));
    assert_false(card_bench_leaks(b, want + 60000, 16, NULL));
    assert_true(b->m->drive[0].ops[MOCK_DRIVE_WRITE] > 0);
    assert_true(b->m->drive[1].ops[MOCK_DRIVE_WRITE] > 0);
}

/* Everything the guests wrote is right in the end, and none of it can be
 * read on the drives. */
static void test_three_loads(void **state)
{
    three_tenants();
    app_loads_run(load, BENCH_IFACES, 20 * MS);
    app_loads_drain(load, BENCH_IFACES);
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        assert_true(load[fn].writes > 1000);
        verify(fn);
    }
}

/* The process goes, the drives and the flash stay. */
static void test_power_off(void **state)
{
    three_tenants();
    app_loads_run(load, BENCH_IFACES, 10 * MS);
    app_loads_drain(load, BENCH_IFACES);
    card_bench_kill(b);
    card_bench_power_on(b, NULL);
    assert_true(b->app->attach(b->card, "s", 0, 1, NULL));
    assert_true(b->app->attach(b->card, "p1", 1, 1, NULL));
    assert_true(b->app->attach(b->card, "p2", 2, 1, NULL));
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        app_host_start(&host[fn], 2);
        verify(fn);
    }
}

/* Keys change under all three, one namespace is formatted by its guest. */
static void test_rotation_and_format(void **state)
{
    NvmeSqe format = { .opcode = NVME_ADM_FORMAT, .nsid = 1 };

    three_tenants();
    assert_true(b->app->rotate_key(b->card, "s", NULL));
    assert_true(b->app->rotate_key(b->card, "p1", NULL));
    assert_true(b->app->rotate_key(b->card, "p2", NULL));
    app_loads_run(load, BENCH_IFACES, 20 * MS);
    app_loads_drain(load, BENCH_IFACES);
    assert_int_equal(card_bench_info(b, "s").key_generation, 2);
    assert_int_equal(card_bench_info(b, "p2").key_generation, 2);
    app_host_put(&host[1], 0, format, 0);
    app_host_drain(&host[1]);
    assert_int_equal(host[1].errors, 0);
    memset(load[1].version, 0, sizeof(load[1].version));
    assert_int_equal(card_bench_info(b, "p1").key_generation, 3);
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        verify(fn);
    }
}

/* ---- refusals ----------------------------------------------------------- */

static void test_out_of_partition(void **state)
{
    uint64_t phys;

    three_idle_tenants();
    phys = b->m->event_count[CARD_EV_PHYS_START];
    assert_int_equal(SC(app_host_do(&host[1], NVME_IO_READ, 8192, 1)), 0x80);
    assert_int_equal(SC(app_host_do(&host[1], NVME_IO_WRITE, 8191, 2)), 0x80);
    assert_int_equal(SC(app_host_do(&host[1], NVME_IO_READ, UINT64_MAX, 1)),
                     0x80);
    assert_int_equal(b->m->event_count[CARD_EV_PHYS_START], phys);
}

static void test_foreign_namespace(void **state)
{
    NvmeSqe sqe = { .opcode = NVME_IO_READ, .cdw12 = 7 };
    uint64_t phys;

    three_idle_tenants();
    phys = b->m->event_count[CARD_EV_PHYS_START];
    for (uint32_t nsid = 2; nsid < 20; nsid++) {
        sqe.nsid = nsid;
        app_host_put(&host[0], 1, sqe, 4096);
        app_host_drain(&host[0]);
    }
    assert_int_equal(host[0].errors, 18);
    assert_int_equal(b->m->event_count[CARD_EV_PHYS_START], phys);
}

static void test_no_such_function(void **state)
{
    CardIfStats s;
    CardLimits l;
    uint32_t offset;
    unsigned size;
    uint64_t value;

    b->app->mmio_write(b->card, 9, NVME_REG_CC, 1, 4);
    assert_int_equal(b->app->mmio_read(b->card, 9, NVME_REG_CAP, 8), 0);
    b->app->mmio_write(b->card, 99, NVME_REG_CC, 1, 4);
    assert_int_equal(b->app->mmio_read(b->card, 99, NVME_REG_CAP, 8), 0);
    b->app->function_reset(b->card, 9);
    b->app->set_msix(b->card, 9, true);
    b->app->timer(b->card, SEAM_TIMER_THROTTLE + 9);
    b->app->timer(b->card, SEAM_TIMER_COALESCE + 9);
    b->app->timer(b->card, SEAM_TIMERS);
    b->app->model_done(b->card, UINT64_MAX, 0);
    b->app->model_done(b->card, seam_tag(SEAM_OWNER_CARD, 9, 1, 1, 1), 0);
    b->app->model_done(b->card, seam_tag(SEAM_OWNER_CARD, 0, 1, 65535, 1), 0);
    assert_false(b->app->interface_stats(b->card, 99, &s, &l));
    assert_null(b->app->register_info(b->card, 9, 0, &offset, &size, &value));
}

static void test_registers(void **state)
{
    const char *name;
    bool found = false;
    uint32_t offset;
    unsigned size;
    uint64_t value;

    three_idle_tenants();
    for (unsigned i = 0;
         (name = b->app->register_info(b->card, 0, i, &offset, &size, &value));
         i++) {
        if (!strcmp(name, "CSTS")) {
            found = true;
            assert_int_equal(offset, NVME_REG_CSTS);
            assert_int_equal(size, 4);
            assert_int_equal(value, NVME_CSTS_RDY);
        }
    }
    assert_true(found);
}

/* ---- limits ------------------------------------------------------------- */

/* Completions of @h between @from and @to, from the event log. */
static uint64_t done_bytes(unsigned fn, uint64_t from, uint64_t to, bool bytes)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < b->m->events->len; i++) {
        const CardEvent *e = &g_array_index(b->m->events, CardEvent, i);

        if (e->kind == CARD_EV_CMD_DONE && e->fn == fn && e->qid &&
            e->at_ps >= from && e->at_ps < to) {
            sum += bytes ? e->c : 1;
        }
    }
    return sum;
}

static void limited(const CardLimits *limits, uint64_t rate, bool bytes)
{
    uint64_t start, free_run;

    b->m->delay_ps[MODEL_DRIVE_READ] = 4 * MS; /* neighbour: 4000 a second */
    b->m->delay_ps[MODEL_DRIVE_WRITE] = 4 * MS;
    three_tenants();
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        load[fn].only = fn == 1 ? NVME_IO_READ : NVME_IO_WRITE;
        load[fn].max_cells = 2;
    }
    /* what the neighbours get without any limit */
    start = b->m->now_ps;
    app_loads_run(load, BENCH_IFACES, start + S / 2);
    free_run = done_bytes(2, start, start + S / 2, false);
    app_loads_drain(load, BENCH_IFACES);
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        load[fn].stop = false;
    }
    assert_true(b->app->set_limits(b->card, 1, limits, NULL));
    start = b->m->now_ps;
    app_loads_run(load, BENCH_IFACES, start + 3 * S);
    for (unsigned i = 0; i < 15; i++) {
        uint64_t from = start + S / 2 + i * (S / 10);
        uint64_t got = done_bytes(1, from, from + S, bytes);

        assert_true(got * 100 >= rate * 95 && got * 100 <= rate * 105);
    }
    /* the neighbour's half second is as long as ever, within the few that
     * were on their way at its edges */
    assert_true(done_bytes(2, start, start + S / 2, false) + 40 > free_run);
    app_loads_drain(load, BENCH_IFACES);
    assert_int_equal(load[1].mismatches, 0);
}

static void test_iops_limit(void **state)
{
    const CardLimits limits = { .iops = 2000 };

    limited(&limits, 2000, false);
}

static void test_bytes_limit(void **state)
{
    const CardLimits limits = { .bytes_per_s = 10000000 };

    limited(&limits, 10000000, true);
}

static void test_no_throttle_control(void **state)
{
    const CardLimits limits = { .iops = 10 };
    uint64_t start;

    b->controls.no_throttle = true;
    card_bench_kill(b);
    card_bench_power_on(b, NULL);
    three_tenants();
    assert_true(b->app->set_limits(b->card, 1, &limits, NULL));
    start = b->m->now_ps;
    app_loads_run(load, BENCH_IFACES, start + 10 * MS);
    assert_true(done_bytes(1, start, start + 10 * MS, false) > 1000);
    app_loads_drain(load, BENCH_IFACES);
}

/* ---- isolation ---------------------------------------------------------- */

/* Interface 1 suffers, 0 and 2 work on and get everything right. */
static void others_work_on(void)
{
    AppLoad two[2];
    uint64_t before[2] = { host[0].completed, host[2].completed };

    two[0] = load[0];
    two[1] = load[2];
    host[0].opaque = &two[0];
    host[2].opaque = &two[1];
    app_loads_run(two, 2, b->m->now_ps + 5 * MS);
    assert_true(host[0].completed - before[0] > 500);
    assert_true(host[2].completed - before[1] > 500);
    load[0] = two[0];
    load[2] = two[1];
    host[0].opaque = &load[0];
    host[2].opaque = &load[2];
}

static void test_reset_isolation(void **state)
{
    three_tenants();
    for (unsigned i = 0; i < 20; i++) {
        app_loads_run(load, BENCH_IFACES, b->m->now_ps + i * 37 * US);
        if (i % 2) {
            b->app->function_reset(b->card, 1);
        }
        app_host_start(&host[1], 2); /* a controller reset otherwise */
        app_load_init(&load[1], &host[1], 512, 16, i);
        load[1].only = NVME_IO_FLUSH; /* what it had written is unknown */
        app_load_kick(&load[1]);
    }
    others_work_on();
    app_loads_drain(load, BENCH_IFACES);
    verify(0);
    verify(2);
}

static void test_stall_isolation(void **state)
{
    CardFault f = { .kind = CARD_FAULT_STALL_INTERFACE, .drive = 1 };
    uint64_t before;

    three_tenants();
    app_loads_run(load, BENCH_IFACES, b->m->now_ps + MS);
    assert_true(b->app->fault_set(b->card, &f, NULL));
    app_loads_run(load, BENCH_IFACES, b->m->now_ps + MS);
    before = host[1].completed;
    others_work_on();
    assert_int_equal(host[1].completed, before);
    b->app->fault_clear(b->card, NULL);
    app_loads_run(load, BENCH_IFACES, b->m->now_ps + MS);
    assert_true(host[1].completed > before);
    app_loads_drain(load, BENCH_IFACES);
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        verify(fn);
    }
}

static void test_detach_isolation(void **state)
{
    three_tenants();
    app_loads_run(load, BENCH_IFACES, b->m->now_ps + MS);
    load[1].stop = true;
    assert_true(b->app->detach(b->card, "p1", true, NULL));
    while (app_host_in_flight(&host[1])) {
        assert_true(mock_step(b->m));
        app_host_poll(&host[1]);
    }
    assert_true(host[1].errors > 0);
    /* an inactive namespace: invalid field, NVM Express 1.4 section 6.1 */
    assert_int_equal(SC(app_host_do(&host[1], NVME_IO_READ, 0, 8)), 0x02);
    others_work_on();
    app_loads_drain(load, BENCH_IFACES);
    verify(0);
    verify(2);
}

/* ---- fan-out ------------------------------------------------------------ */

/* One command at a time: when it is done, nothing physical of it is out. */
static void test_fan_out(void **state)
{
    uint64_t rng = card_bench_seed(4);
    int out = 0;

    card_bench_stripe(b, "s", 8, 4096, 0);
    app_host_start(&host[0], 1);
    b->m->jitter_ps = 200 * US;
    g_array_set_size(b->m->events, 0);
    for (unsigned i = 0; i < 200; i++) {
        app_host_do(&host[0], i % 2 ? NVME_IO_READ : NVME_IO_WRITE,
                    mock_random(&rng) % 8000, mock_random(&rng) % 200 + 1);
    }
    for (unsigned i = 0; i < b->m->events->len; i++) {
        const CardEvent *e = &g_array_index(b->m->events, CardEvent, i);

        out += e->kind == CARD_EV_PHYS_START;
        out -= e->kind == CARD_EV_PHYS_DONE;
        assert_true(e->kind != CARD_EV_CMD_DONE || out == 0);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_write_read),
        T(test_three_loads),
        T(test_power_off),
        T(test_rotation_and_format),
        T(test_out_of_partition),
        T(test_foreign_namespace),
        T(test_no_such_function),
        T(test_registers),
        T(test_iops_limit),
        T(test_bytes_limit),
        T(test_no_throttle_control),
        T(test_reset_isolation),
        T(test_stall_isolation),
        T(test_detach_isolation),
        T(test_fan_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
