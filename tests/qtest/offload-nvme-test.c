/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * offload-nvme-test.c: the card through QEMU: PCI, DMA, MSI-X, the control
 * plane and the state in a migration stream. The controller's own rules are
 * tested in tests/offload.
 */
#include "nvme_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DEV0 4
#define DEV1 5
#define BUF_A 0x200000u
#define BUF_B 0x300000u
#define MSG_ADDR 0x1ff000u
#define INSIDE_NS 2000
#define STATUS_INVALID_FIELD 0x02
#define STATUS_DATA_TRANSFER_ERROR 0x04
#define STATUS_INVALID_NS 0x0b

#define CARD_ARGS(profile)                                                     \
    "-device",                                                                 \
        "offload-card,id=card0,drives=ssd0:ssd1,secret=root0,nvram=$D/nvram,"  \
        "app=$B/meson/hw/offload/offload-app-1.so,seed=5,events=$D/events,"    \
        "profile=$P/" profile,                                                 \
        "-device", "offload-nvme,card=card0,interface=vif0,addr=4,bus=pcie.0", \
        "-device", "offload-nvme,card=card0,interface=vif1,addr=5,bus=pcie.0"

static const char *const model_card[] = { CARD_ARGS("card-gen3x8.profile"),
                                          NULL };

#define UNTIMED_ARGS                                                           \
    "-device",                                                                 \
        "offload-card,id=card0,drives=ssd0:ssd1,secret=root0,"                 \
        "nvram=$D/nvram,app=$B/meson/hw/offload/offload-app-1.so,"             \
        "seed=5,timing=untimed",                                               \
        "-device", "offload-nvme,card=card0,interface=vif0,addr=4,bus=pcie.0", \
        "-device", "offload-nvme,card=card0,interface=vif1,addr=5,bus=pcie.0"

static const char *const incoming_card[] = { CARD_ARGS("card-gen3x8.profile"),
                                             "-incoming", "defer", NULL };

static const char *const other_incoming_card[] = {
    CARD_ARGS("card-gen4x16.profile"), "-incoming", "defer", NULL
};

typedef struct Bench {
    char *dir;
    Machine *m;
    NvmeHost vif0, vif1;
} Bench;

static void configure(Machine *m)
{
    json_node_unref(
        machine_qmp(m, "offload-partition-create",
                    "'card': 'card0', 'name': 'alpha', 'size': 16777216,"
                    "'drives': ['ssd0']"));
    json_node_unref(
        machine_qmp(m, "offload-partition-create",
                    "'card': 'card0', 'name': 'beta', 'size': 16777216,"
                    "'drives': ['ssd0', 'ssd1'], 'layout': 'stripe',"
                    "'stripe-size': 4096"));
    json_node_unref(
        machine_qmp(m, "offload-attach",
                    "'card': 'card0',"
                    "'partition': 'alpha', 'interface': 'vif0', 'nsid': 1"));
    json_node_unref(
        machine_qmp(m, "offload-attach",
                    "'card': 'card0',"
                    "'partition': 'beta', 'interface': 'vif1', 'nsid': 1"));
}

static int bench_up(void **state)
{
    Bench *b = g_new0(Bench, 1);

    b->dir = machine_make_dir();
    b->m = machine_start(b->dir, model_card);
    configure(b->m);
    nvme_host_init(&b->vif0, b->m, DEV0, 0);
    nvme_host_init(&b->vif1, b->m, DEV1, 1);
    nvme_host_enable(&b->vif0);
    nvme_host_enable(&b->vif1);
    *state = b;
    return 0;
}

/* The function as it is at power-on. */
static int bench_up_bare(void **state)
{
    Bench *b = g_new0(Bench, 1);

    b->dir = machine_make_dir();
    b->m = machine_start(b->dir, model_card);
    configure(b->m);
    nvme_host_init_pin(&b->vif0, b->m, DEV0, 0);
    *state = b;
    return 0;
}

static int bench_down(void **state)
{
    Bench *b = *state;

    machine_stop(b->m, false);
    g_free(b->dir);
    g_free(b);
    return 0;
}

static void fill(Machine *m, uint64_t addr, size_t len, uint8_t seed)
{
    g_autofree uint8_t *buf = g_malloc(len);

    for (size_t i = 0; i < len; i++) {
        buf[i] = seed + i * 7 + (i >> 8);
    }
    machine_ram_write(m, addr, buf, len);
}

static void assert_same(Machine *m, uint64_t a, uint64_t b, size_t len)
{
    g_autofree uint8_t *x = g_malloc(len), *y = g_malloc(len);

    machine_ram_read(m, a, x, len);
    machine_ram_read(m, b, y, len);
    assert_memory_equal(x, y, len);
}

static void test_identity(void **state)
{
    Bench *b = *state;
    uint32_t cap;

    assert_int_equal(machine_pci_read(b->m, DEV0, 0x08, 4) >> 8, 0x010802);
    assert_int_equal(machine_pci_read(b->m, DEV0, 0x00, 4), 0x10f01af4);
    cap = machine_pci_read(b->m, DEV0, 0x84, 4); /* device capabilities */
    assert_true(cap & 1u << 28);                 /* function level reset */
    assert_int_equal(machine_read(b->m, b->vif0.bar + 8, 4), 0x10400);
}

static void test_write_read(void **state)
{
    Bench *b = *state;

    fill(b->m, BUF_A, 8192, 3);
    assert_int_equal(nvme_host_io(&b->vif0, true, 100, 16, BUF_A), 0);
    assert_int_equal(nvme_host_io(&b->vif1, true, 100, 16, BUF_A), 0);
    assert_int_equal(nvme_host_io(&b->vif0, false, 100, 16, BUF_B), 0);
    assert_same(b->m, BUF_A, BUF_B, 8192);
    assert_int_equal(nvme_host_io(&b->vif1, false, 100, 16, BUF_B), 0);
    assert_same(b->m, BUF_A, BUF_B, 8192);
}

static void test_drives_hold_ciphertext(void **state)
{
    Bench *b = *state;
    uint8_t plain[512];

    fill(b->m, BUF_A, 4096, 9);
    assert_int_equal(nvme_host_io(&b->vif0, true, 0, 8, BUF_A), 0);
    machine_ram_read(b->m, BUF_A, plain, sizeof(plain));
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *name = g_strdup_printf("%s/ssd%u.img", b->dir, i);
        g_autofree char *image = NULL;
        gsize len;

        assert_true(g_file_get_contents(name, &image, &len, NULL));
        assert_null(memmem(image, len, plain, 64));
    }
}

/* A function's DMA reaches its guest's RAM and nothing else. */
static void test_dma_is_confined(void **state)
{
    Bench *b = *state;
    const uint64_t bad[] = { MACHINE_RAM_BYTES, b->vif1.bar, 1ull << 40,
                             0xfee00000u };

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_int_equal(nvme_host_io(&b->vif0, false, 0, 8, bad[i]) & 0x7ff,
                         STATUS_DATA_TRANSFER_ERROR);
        assert_int_equal(nvme_host_io(&b->vif0, true, 0, 8, bad[i]) & 0x7ff,
                         STATUS_DATA_TRANSFER_ERROR);
    }
    assert_int_equal(nvme_host_io(&b->vif0, false, 0, 8, BUF_B), 0);
}

static void test_foreign_namespace(void **state)
{
    Bench *b = *state;
    NvmeHostCmd c = { .opcode = 2, .nsid = 2, .prp1 = BUF_A };

    /* not attached here (section 6.1.5), and never possible */
    assert_int_equal(nvme_host_run(&b->vif0, 1, &c) & 0x7ff,
                     STATUS_INVALID_FIELD);
    c.nsid = 99;
    assert_int_equal(nvme_host_run(&b->vif0, 1, &c) & 0x7ff, STATUS_INVALID_NS);
}

static void test_msix(void **state)
{
    Bench *b = *state;
    uint64_t table = b->vif0.bar + 0x80000;
    uint32_t message = 0;

    machine_ram_write(b->m, MSG_ADDR, &message, 4);
    machine_write(b->m, table + 16, MSG_ADDR, 4);
    machine_write(b->m, table + 20, 0, 4);
    machine_write(b->m, table + 24, 0xcafe, 4);
    machine_write(b->m, table + 28, 0, 4);
    assert_int_equal(nvme_host_io(&b->vif0, false, 0, 1, BUF_A), 0);
    machine_clock_step(b->m, 1000000);
    machine_ram_read(b->m, MSG_ADDR, &message, 4);
    assert_int_equal(message, 0xcafe);
}

static bool pin_is_up(Bench *b)
{
    return machine_pci_read(b->m, DEV0, 0x06, 2) & 8; /* interrupt status */
}

/* A driver that never touches MSI-X has the pin from power-on; MSI-X, once on,
 * lowers it. */
static void test_pin_from_power_on(void **state)
{
    Bench *b = *state;
    NvmeHostCmd read = { .opcode = 2, .nsid = 1, .prp1 = BUF_A };

    assert_false(pin_is_up(b));
    nvme_host_enable(&b->vif0);
    machine_clock_step(b->m, 1000000);
    assert_false(pin_is_up(b));
    nvme_host_submit(&b->vif0, 1, &read);
    while (!nvme_host_pending(&b->vif0, 1)) {
        machine_clock_step(b->m, 1000);
    }
    machine_clock_step(b->m, 1000000);
    assert_true(pin_is_up(b));
    assert_int_equal(nvme_host_wait(&b->vif0, 1, NULL), 0);
    machine_clock_step(b->m, 1000000);
    assert_false(pin_is_up(b));
    nvme_host_submit(&b->vif0, 1, &read);
    machine_clock_step(b->m, 10000000);
    assert_true(pin_is_up(b));
    nvme_host_msix(&b->vif0, true);
    assert_false(pin_is_up(b));
    nvme_host_msix(&b->vif0, false);
    assert_true(pin_is_up(b));
    machine_pci_write(b->m, DEV0, 0x88, 0x8000, 2); /* initiate FLR */
    assert_false(pin_is_up(b));
    nvme_host_init_pin(&b->vif0, b->m, DEV0, 0);
    nvme_host_enable(&b->vif0);
    nvme_host_submit(&b->vif0, 1, &read);
    machine_clock_step(b->m, 10000000);
    assert_true(pin_is_up(b));
}

/* Every width at every offset answers something and harms nothing. */
static void test_every_access(void **state)
{
    Bench *b = *state;
    static const unsigned sizes[] = { 1, 2, 4, 8 };

    for (unsigned s = 0; s < 4; s++) {
        for (uint64_t o = 0; o + sizes[s] <= 0x60; o++) {
            machine_read(b->m, b->vif0.bar + o, sizes[s]);
        }
        for (uint64_t o = 0x1000; o + sizes[s] <= 0x1040; o++) {
            machine_read(b->m, b->vif0.bar + o, sizes[s]);
            machine_write(b->m, b->vif0.bar + o, 0xffff, sizes[s]);
        }
        machine_read(b->m, b->vif0.bar + 0x4000 - sizes[s], sizes[s]);
    }
    machine_clock_step(b->m, 10000000);
    assert_int_equal(nvme_host_io(&b->vif1, false, 0, 1, BUF_A), 0);
}

static int bench_up_untimed(void **state)
{
    static const char *const card[] = { UNTIMED_ARGS, NULL };
    Bench *b = g_new0(Bench, 1);

    b->dir = machine_make_dir();
    b->m = machine_start(b->dir, card);
    configure(b->m);
    nvme_host_init(&b->vif0, b->m, DEV0, 0);
    nvme_host_enable(&b->vif0);
    *state = b;
    return 0;
}

static int64_t reads_of_vif0(Machine *m)
{
    JsonNode *node = machine_qmp(m, "query-offload", "'card': 'card0'");
    JsonArray *all =
        json_object_get_array_member(json_node_get_object(node), "interfaces");
    JsonObject *vif0 = json_array_get_object_element(all, 0);
    int64_t n = json_object_get_int_member(
        json_object_get_object_member(vif0, "stats"), "read-commands");

    json_node_unref(node);
    return n;
}

/*
 * Reads whose data are the shadow doorbells' next values: each lap of the
 * queue asks for the next. Without models all of it is at one instant, yet
 * the emulator answers, and a reset ends it.
 */
static void test_commands_without_end(void **state)
{
    Bench *b = *state;
    NvmeHostCmd c = { .opcode = 9, .cdw10 = 1 }; /* arbitration: burst 1 */
    uint8_t page[4096] = { 0 };
    int64_t n;

    assert_int_equal(nvme_host_run(&b->vif0, 0, &c), 0);
    for (unsigned i = 0; i < NVME_HOST_ENTRIES; i++) {
        /* both of the entry before: nearly a lap of new commands */
        page[8] = page[12] = (i + NVME_HOST_ENTRIES - 1) % NVME_HOST_ENTRIES;
        machine_ram_write(b->m, BUF_A, page, 512);
        assert_int_equal(nvme_host_io(&b->vif0, true, i, 1, BUF_A), 0);
    }
    memset(page, 0, sizeof(page));
    machine_ram_write(b->m, BUF_B, page, sizeof(page));
    c = (NvmeHostCmd){ .opcode = 0x7c, .prp1 = BUF_B, .prp2 = BUF_A };
    assert_int_equal(nvme_host_run(&b->vif0, 0, &c), 0);
    for (unsigned i = 0; i < NVME_HOST_ENTRIES; i++) {
        uint8_t read[64] = { 2, 0, i };

        read[4] = 1;            /* namespace */
        read[26] = BUF_B >> 16; /* PRP 1 */
        read[40] = i;           /* block */
        machine_ram_write(b->m, b->vif0.base + 0x2000 + 64 * i, read, 64);
    }
    page[8] = NVME_HOST_ENTRIES - 1;
    machine_ram_write(b->m, BUF_B, page, 512);
    machine_write(b->m, b->vif0.bar + 0x1008, NVME_HOST_ENTRIES - 1, 4);
    n = reads_of_vif0(b->m);
    assert_true(n > 1000);
    machine_clock_step(b->m, 2000000);
    assert_true(reads_of_vif0(b->m) > n); /* it goes on */
    machine_write(b->m, b->vif0.bar + 0x14, 0, 4);
    n = reads_of_vif0(b->m);
    machine_clock_step(b->m, 2000000);
    assert_int_equal(reads_of_vif0(b->m), n);
}

static void test_function_reset(void **state)
{
    Bench *b = *state;
    NvmeHostCmd read = { .opcode = 2, .nsid = 1, .prp1 = BUF_B };
    uint8_t before[512] = { 0x5a }, after[512];

    fill(b->m, BUF_A, 512, 77);
    assert_int_equal(nvme_host_io(&b->vif0, true, 5, 1, BUF_A), 0);
    machine_ram_write(b->m, BUF_B, before, sizeof(before));
    read.cdw10 = 5;
    nvme_host_submit(&b->vif0, 1, &read);
    machine_pci_write(b->m, DEV0, 0x88, 0x8000, 2); /* initiate FLR */
    assert_int_equal(machine_read(b->m, b->vif0.bar + 0x1c, 4) & 1, 0);
    machine_clock_step(b->m, 100000000);
    machine_ram_read(b->m, BUF_B, after, sizeof(after));
    assert_memory_equal(before, after, sizeof(after)); /* no late DMA */
    /* the neighbour has not noticed */
    assert_int_equal(nvme_host_io(&b->vif1, false, 0, 1, BUF_A), 0);
    nvme_host_init(&b->vif0, b->m, DEV0, 0);
    nvme_host_enable(&b->vif0);
    assert_int_equal(nvme_host_io(&b->vif0, false, 5, 1, BUF_B), 0);
}

static void test_control_plane_refusals(void **state)
{
    Bench *b = *state;
    static const MachineRefusal rows[] = {
        { "offload-attach",
          "'card': 'card9', 'partition': 'alpha',"
          "'interface': 'vif0', 'nsid': 2",
          "card9" },
        { "offload-attach",
          "'card': 'card0', 'partition': 'nope',"
          "'interface': 'vif0', 'nsid': 2",
          "nope" },
        { "offload-attach",
          "'card': 'card0', 'partition': 'alpha',"
          "'interface': 'vif7', 'nsid': 2",
          "vif7" },
        { "offload-partition-create",
          "'card': 'card0', 'name': 'big',"
          "'size': 1073741824, 'drives': ['ssd0']",
          "" },
        { "offload-partition-create",
          "'card': 'card0', 'name': 'odd',"
          "'size': 1000, 'drives': ['ssd0']",
          "" },
        { "offload-partition-delete", "'card': 'card0', 'name': 'alpha'",
          "alpha" },
        { "offload-update",
          "'card': 'card0',"
          "'application': '/nonexistent.so'",
          "nonexistent" },
    };

    machine_refuses(b->m, rows, G_N_ELEMENTS(rows));
}

/* Replaces the application with commands in flight: all complete, once. */
static void test_live_update(void **state)
{
    Bench *b = *state;
    NvmeHostCmd read = { .opcode = 2, .nsid = 1, .prp1 = BUF_A };
    g_autofree char *json =
        g_strdup_printf("'card': 'card0', 'application':"
                        "'%s/meson/hw/offload/offload-app-2.so'",
                        g_getenv("OUTRIGGER_BUILD"));
    uint16_t cids[8], cid;
    JsonNode *node;
    JsonObject *info;

    for (unsigned i = 0; i < 8; i++) {
        read.cdw10 = i * 64;
        cids[i] = nvme_host_submit(&b->vif0, 1, &read);
    }
    json_node_unref(machine_qmp(b->m, "offload-update", json));
    for (unsigned seen = 0, i = 0; i < 8; i++) {
        assert_int_equal(nvme_host_wait(&b->vif0, 1, &cid), 0);
        for (unsigned k = 0; k < 8; k++) {
            if (cids[k] == cid) {
                assert_false(seen & 1u << k);
                seen |= 1u << k;
                cid = 0;
            }
        }
        assert_int_equal(cid, 0);
    }
    machine_clock_step(b->m, 10000000);
    assert_false(nvme_host_pending(&b->vif0, 1));
    node = machine_qmp(b->m, "query-offload", "'card': 'card0'");
    info = json_node_get_object(node);
    assert_string_equal(json_object_get_string_member(info, "version"),
                        "2.0.0");
    json_node_unref(node);
    assert_int_equal(nvme_host_io(&b->vif0, false, 0, 1, BUF_A), 0);
}

/* The virtual nanosecond of the next completion on vif0's I/O queue. */
static int64_t completion_instant(Bench *b)
{
    int64_t now;

    do {
        now = machine_clock_next(b->m);
    } while (!nvme_host_pending(&b->vif0, 1));
    return now;
}

/* Leaves a read of block 7 somewhere in the card; returns when it began. */
static int64_t read_in_flight(Bench *b)
{
    NvmeHostCmd read = { .opcode = 2, .nsid = 1, .prp1 = BUF_B, .cdw10 = 7 };
    int64_t begin;

    fill(b->m, BUF_A, 512, 21);
    assert_int_equal(nvme_host_io(&b->vif0, true, 7, 1, BUF_A), 0);
    begin = machine_clock_step(b->m, 1);
    nvme_host_submit(&b->vif0, 1, &read);
    machine_clock_step(b->m, INSIDE_NS);
    assert_false(nvme_host_pending(&b->vif0, 1));
    return begin;
}

/* Moves the machine to another process; returns that one's clock. */
static int64_t move(Bench *b, const char *const *incoming)
{
    NvmeHost saved0 = b->vif0, saved1 = b->vif1;
    int64_t origin;

    machine_save(b->m);
    machine_stop(b->m, true);
    b->m = machine_start(b->dir, incoming);
    origin = machine_clock_step(b->m, 1);
    machine_load(b->m);
    b->vif0 = saved0;
    b->vif1 = saved1;
    b->vif0.m = b->vif1.m = b->m;
    return origin;
}

/*
 * A checkpoint with a read in flight goes on, in another process, to complete
 * at the nanosecond at which an uninterrupted machine completes it.
 */
static void test_checkpoint(void **state)
{
    Bench *b = *state, *whole;
    void *other;
    int64_t begin, expected, origin;

    bench_up(&other);
    whole = other;
    begin = read_in_flight(whole);
    expected = completion_instant(whole) - begin;
    bench_down(&other);

    read_in_flight(b);
    origin = move(b, incoming_card);
    assert_int_equal(completion_instant(b) - origin + INSIDE_NS, expected);
    assert_int_equal(nvme_host_wait(&b->vif0, 1, NULL), 0);
    assert_same(b->m, BUF_A, BUF_B, 512);
    assert_int_equal(nvme_host_io(&b->vif1, false, 7, 1, BUF_B), 0);
}

/* To a card with other models: what was unfinished is submitted again. */
static void test_migration_to_other_models(void **state)
{
    Bench *b = *state;

    read_in_flight(b);
    move(b, other_incoming_card);
    assert_int_equal(nvme_host_wait(&b->vif0, 1, NULL), 0);
    assert_same(b->m, BUF_A, BUF_B, 512);
    machine_clock_step(b->m, 10000000);
    assert_false(nvme_host_pending(&b->vif0, 1)); /* once */
    assert_int_equal(nvme_host_io(&b->vif1, false, 7, 1, BUF_B), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_identity, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_write_read, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_drives_hold_ciphertext, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(test_dma_is_confined, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(test_foreign_namespace, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(test_msix, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_pin_from_power_on, bench_up_bare,
                                        bench_down),
        cmocka_unit_test_setup_teardown(test_every_access, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(test_function_reset, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(test_control_plane_refusals, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(test_live_update, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_commands_without_end,
                                        bench_up_untimed, bench_down),
        cmocka_unit_test_setup_teardown(test_checkpoint, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_migration_to_other_models,
                                        bench_up, bench_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
