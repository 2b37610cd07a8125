/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * offload-ena-test.c: the NIC through QEMU: PCI, DMA, MSI-X, a cable between
 * two functions, the control plane and the state in a migration stream. The
 * core's own rules are tested in tests/offload.
 */
#include "ena_host.h"

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

#define CARD_ARGS(profile)                                                     \
    "-device",                                                                 \
        "offload-card,id=card0,drives=ssd0:ssd1,secret=root0,"                 \
        "app=$B/meson/hw/offload/offload-app-1.so,seed=5,"                     \
        "profile=$P/" profile,                                                 \
        "-device", "outrigger-port,id=p0,cable=c,delay-ps=2000000", "-device", \
        "outrigger-port,id=p1,cable=c,delay-ps=2000000", "-device",            \
        "offload-ena,id=nic0,card=card0,port=p0,mac=52:54:00:00:00:01,"        \
        "queues=2,llq=on,addr=4,bus=pcie.0",                                   \
        "-device",                                                             \
        "offload-ena,id=nic1,card=card0,port=p1,mac=52:54:00:00:00:02,"        \
        "queues=2,llq=on,addr=5,bus=pcie.0"

static const char *const model_card[] = { CARD_ARGS("card-gen3x8.profile"),
                                          NULL };
static const char *const incoming_card[] = { CARD_ARGS("card-gen3x8.profile"),
                                             "-incoming", "defer", NULL };
static const char *const other_incoming_card[] = {
    CARD_ARGS("card-gen4x16.profile"), "-incoming", "defer", NULL
};

typedef struct Bench {
    char *dir;
    Machine *m;
    EnaHost nic0, nic1;
} Bench;

static int bench_up(void **state)
{
    Bench *b = g_new0(Bench, 1);

    b->dir = machine_make_dir();
    b->m = machine_start(b->dir, model_card);
    ena_host_init(&b->nic0, b->m, DEV0, 0);
    ena_host_init(&b->nic1, b->m, DEV1, 1);
    ena_host_start(&b->nic0);
    ena_host_start(&b->nic1);
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

/* A frame from nic0 to nic1 in RAM at @addr. */
static void make_frame(Machine *m, uint64_t addr, uint32_t len)
{
    g_autofree uint8_t *f = g_malloc(len);

    for (uint32_t i = 0; i < len; i++) {
        f[i] = (uint8_t)(i * 5 + 1);
    }
    memcpy(f, "\x52\x54\0\0\0\x02\x52\x54\0\0\0\x01\x88\xb5", 14);
    machine_ram_write(m, addr, f, len);
}

static void assert_frame(Machine *m, uint64_t a, uint64_t b, uint32_t len)
{
    g_autofree uint8_t *x = g_malloc(len), *y = g_malloc(len);

    machine_ram_read(m, a, x, len);
    machine_ram_read(m, b, y, len);
    assert_memory_equal(x, y, len);
}

static uint64_t counter(Bench *b, const char *nic, const char *name)
{
    JsonNode *node = machine_qmp(b->m, "query-offload", "'card': 'card0'");
    JsonArray *nics =
        json_object_get_array_member(json_node_get_object(node), "nics");
    uint64_t value = UINT64_MAX;

    for (guint i = 0; i < json_array_get_length(nics); i++) {
        JsonObject *n = json_array_get_object_element(nics, i);
        JsonArray *stats = json_object_get_array_member(n, "stats");

        if (strcmp(json_object_get_string_member(n, "name"), nic)) {
            continue;
        }
        for (guint k = 0; k < json_array_get_length(stats); k++) {
            JsonObject *c = json_array_get_object_element(stats, k);

            if (!strcmp(json_object_get_string_member(c, "name"), name)) {
                value = json_object_get_int_member(c, "value");
            }
        }
    }
    json_node_unref(node);
    assert_int_not_equal(value, UINT64_MAX);
    return value;
}

static void test_identity(void **state)
{
    Bench *b = *state;

    assert_int_equal(machine_pci_read(b->m, DEV0, 0x00, 4), 0xec201d0f);
    assert_int_equal(machine_pci_read(b->m, DEV0, 0x08, 4), 0x02000000);
    assert_true(machine_pci_read(b->m, DEV0, 0x84, 4) & 1u << 28); /* FLR */
    assert_int_equal(ena_host_readless(&b->nic0, ENA_REG_VERSION), 2);
}

static void test_frame_crosses_the_cable(void **state)
{
    Bench *b = *state;

    make_frame(b->m, BUF_A, 1400);
    ena_host_post(&b->nic1, BUF_B, 2048);
    machine_clock_step(b->m, 10000);
    ena_host_send(&b->nic0, BUF_A, 1400);
    assert_int_equal(ena_host_wait_received(&b->nic1), 1400);
    assert_frame(b->m, BUF_A, BUF_B, 1400);
    assert_true(ena_host_sent(&b->nic0));
    assert_int_equal(counter(b, "nic0", "tx_frames"), 1);
    assert_int_equal(counter(b, "nic1", "rx_frames"), 1);
}

static void test_msix(void **state)
{
    Bench *b = *state;
    uint64_t table = b->nic1.bar + 0x80000;
    uint32_t message = 0;

    machine_ram_write(b->m, MSG_ADDR, &message, 4);
    machine_write(b->m, table + 16, MSG_ADDR, 4);
    machine_write(b->m, table + 20, 0, 4);
    machine_write(b->m, table + 24, 0xcafe, 4);
    machine_write(b->m, table + 28, 0, 4);
    make_frame(b->m, BUF_A, 100);
    ena_host_post(&b->nic1, BUF_B, 2048);
    machine_clock_step(b->m, 10000);
    ena_host_send(&b->nic0, BUF_A, 100);
    ena_host_wait_received(&b->nic1);
    machine_clock_step(b->m, 1000000);
    machine_ram_read(b->m, MSG_ADDR, &message, 4);
    assert_int_equal(message, 0); /* masked */
    machine_write(b->m, b->nic1.bar + b->nic1.unmask, ENA_INTR_UNMASK, 4);
    machine_clock_step(b->m, 1000000);
    machine_ram_read(b->m, MSG_ADDR, &message, 4);
    assert_int_equal(message, 0xcafe);
}

/* A function's DMA reaches its guest's RAM and nothing else. */
static void test_dma_is_confined(void **state)
{
    Bench *b = *state;
    const uint64_t bad[] = { MACHINE_RAM_BYTES, b->nic1.bar, 1ull << 40,
                             0xfee00000u };

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        ena_host_send(&b->nic0, bad[i], 100);
        machine_clock_step(b->m, 100000);
        assert_true(ena_host_sent(&b->nic0));
    }
    assert_int_equal(counter(b, "nic0", "dma_refused"), 4);
    assert_int_equal(counter(b, "nic0", "tx_frames"), 0);
}

static void test_function_reset(void **state)
{
    Bench *b = *state;

    make_frame(b->m, BUF_A, 1400);
    ena_host_send(&b->nic0, BUF_A, 1400);
    machine_pci_write(b->m, DEV0, 0x88, 0x8000, 2); /* initiate FLR */
    assert_int_equal(machine_read(b->m, b->nic0.bar + ENA_REG_AQ_CAPS, 4), 0);
    ena_host_init(&b->nic0, b->m, DEV0, 0);
    ena_host_start(&b->nic0);
    ena_host_post(&b->nic1, BUF_B, 2048);
    machine_clock_step(b->m, 10000);
    ena_host_send(&b->nic0, BUF_A, 1400);
    assert_int_equal(ena_host_wait_received(&b->nic1), 1400);
}

static void network(Bench *b, unsigned vni0, unsigned vni1)
{
    g_autofree char *join0 = g_strdup_printf(
        "'interface': 'nic0', 'vni': %u, 'address': '10.0.0.1'", vni0);
    g_autofree char *join1 = g_strdup_printf(
        "'interface': 'nic1', 'vni': %u, 'address': '10.0.0.2'", vni1);
    g_autofree char *map = g_strdup_printf(
        "'interface': 'nic0', 'vni': %u, 'mac': '52:54:00:00:00:02',"
        "'ip': '192.168.0.2', 'underlay-ip': '10.0.0.2'",
        vni0);

    json_node_unref(machine_qmp(b->m, "offload-nic-network", join0));
    json_node_unref(machine_qmp(b->m, "offload-nic-network", join1));
    json_node_unref(machine_qmp(b->m, "offload-nic-map", map));
}

static void test_virtual_network(void **state)
{
    Bench *b = *state;

    network(b, 7, 7);
    make_frame(b->m, BUF_A, 1400);
    ena_host_post(&b->nic1, BUF_B, 2048);
    machine_clock_step(b->m, 10000);
    ena_host_send(&b->nic0, BUF_A, 1400);
    assert_int_equal(ena_host_wait_received(&b->nic1), 1400);
    assert_frame(b->m, BUF_A, BUF_B, 1400); /* nothing of the outside */
}

static void test_networks_are_apart(void **state)
{
    Bench *b = *state;
    uint32_t len;

    network(b, 7, 8);
    make_frame(b->m, BUF_A, 1400);
    ena_host_post(&b->nic1, BUF_B, 2048);
    machine_clock_step(b->m, 10000);
    ena_host_send(&b->nic0, BUF_A, 1400);
    machine_clock_step(b->m, 10000000);
    assert_true(ena_host_sent(&b->nic0));
    assert_false(ena_host_received(&b->nic1, &len));
    assert_int_equal(counter(b, "nic1", "rx_foreign"), 1);
}

/* Both NICs balance; nic1 knows nic0 too. */
static void balance(Bench *b)
{
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *json =
            g_strdup_printf("'interface': 'nic%u', 'policy': 'spray',"
                            "'key': '000102030405060708090a0b0c0d0e0f',"
                            "'options': {'values': 4, 'echo-ps': 5000000}",
                            i);

        json_node_unref(machine_qmp(b->m, "offload-nic-balance", json));
    }
    json_node_unref(
        machine_qmp(b->m, "offload-nic-map",
                    "'interface': 'nic1', 'vni': 7, 'paths': 4,"
                    "'mac': '52:54:00:00:00:01', 'underlay-ip': '10.0.0.1'"));
}

/* The sum of a member over all values of nic0's only peer. */
static int64_t value_sum(Bench *b, const char *member)
{
    JsonNode *node = machine_qmp(b->m, "query-offload", "'card': 'card0'");
    JsonObject *card = json_node_get_object(node);
    JsonObject *nic = json_array_get_object_element(
        json_object_get_array_member(card, "nics"), 0);
    JsonObject *balancing = json_object_get_object_member(nic, "balancing");
    JsonArray *peers = json_object_get_array_member(balancing, "peers");
    JsonArray *values = json_object_get_array_member(
        json_array_get_object_element(peers, 0), "values");
    int64_t sum = 0;

    assert_int_equal(json_array_get_length(peers), 1);
    assert_int_equal(json_array_get_length(values), 4);
    assert_string_equal(json_object_get_string_member(balancing, "policy"),
                        "spray");
    for (unsigned i = 0; i < 4; i++) {
        sum += json_object_get_int_member(
            json_array_get_object_element(values, i), member);
    }
    json_node_unref(node);
    return sum;
}

/* Frames arrive whole; the other card's echo comes back on its own. */
static void test_balancing(void **state)
{
    Bench *b = *state;

    network(b, 7, 7);
    balance(b);
    make_frame(b->m, BUF_A, 1400);
    ena_host_post(&b->nic1, BUF_B, 2048);
    machine_clock_step(b->m, 10000);
    ena_host_send(&b->nic0, BUF_A, 1400);
    assert_int_equal(ena_host_wait_received(&b->nic1), 1400);
    assert_frame(b->m, BUF_A, BUF_B, 1400);
    assert_int_equal(value_sum(b, "packets"), 1);
    assert_int_equal(value_sum(b, "bytes"), 1400 + 98);
    assert_int_equal(value_sum(b, "acked"), 0);
    machine_clock_step(b->m, 100000);
    assert_int_equal(value_sum(b, "acked"), 1);
    assert_int_equal(value_sum(b, "outstanding"), 0);
    assert_int_equal(counter(b, "nic1", "echo_frames"), 1);
}

static void test_control_plane_refuses(void **state)
{
    static const MachineRefusal t[] = {
        { "offload-nic-network",
          "'interface': 'nic9', 'vni': 1, 'address': '10.0.0.1'", "nic9" },
        { "offload-nic-network",
          "'interface': 'nic0', 'vni': 1, 'address': '10.0.0'", "10.0.0" },
        { "offload-nic-network",
          "'interface': 'nic0', 'vni': 16777216, 'address': '10.0.0.1'",
          "24 bits" },
        { "offload-nic-map",
          "'interface': 'nic0', 'vni': 1, 'mac': '52:54:00:00:00:02',"
          "'underlay-ip': '10.0.0.2'",
          "network" },
        { "offload-nic-map",
          "'interface': 'nic0', 'vni': 1, 'mac': '52:54:00:00:00',"
          "'underlay-ip': '10.0.0.2'",
          "MAC address" },
        { "offload-nic-balance", "'interface': 'nic0', 'policy': 'best'",
          "32 hexadecimal" },
        { "offload-nic-balance",
          "'interface': 'nic0', 'policy': 'best',"
          "'key': '000102030405060708090a0b0c0d0e0f'",
          "congestion" },
        { "offload-nic-balance",
          "'interface': 'nic0', 'policy': 'spray',"
          "'key': '000102030405060708090a0b0c0d0e0g'",
          "hexadecimal" },
        { "offload-nic-balance",
          "'interface': 'nic0', 'policy': 'spray',"
          "'key': '000102030405060708090a0b0c0d0e0f',"
          "'options': {'values': 257}",
          "values: 1 to 256" },
        { "offload-nic-notice",
          "'interface': 'nic0', 'underlay-ip': '10.0.0.2', 'port': 50000",
          "sends nothing" },
        { "offload-set-limits",
          "'card': 'card0', 'interface': 'nic0', 'iops': 5", "NIC" },
    };
    Bench *b = *state;

    machine_refuses(b->m, t, G_N_ELEMENTS(t));
}

static void test_registers_by_name(void **state)
{
    Bench *b = *state;
    JsonNode *node = machine_qmp(b->m, "query-offload-registers",
                                 "'card': 'card0', 'interface': 'nic0'");
    JsonArray *regs = json_node_get_array(node);
    unsigned seen = 0;

    for (guint i = 0; i < json_array_get_length(regs); i++) {
        JsonObject *r = json_array_get_object_element(regs, i);

        if (!strcmp(json_object_get_string_member(r, "name"), "DEV_STS")) {
            assert_int_equal(json_object_get_int_member(r, "value"),
                             ENA_STS_READY | ENA_STS_RESET_FINISHED);
            seen++;
        }
    }
    assert_int_equal(seen, 1);
    json_node_unref(node);
}

/* ---- the state ----------------------------------------------------------------- */

/* Moves the machine to another process. */
static void move(Bench *b, const char *const *incoming)
{
    machine_save(b->m);
    machine_stop(b->m, true);
    b->m = machine_start(b->dir, incoming);
    machine_load(b->m);
    b->nic0.m = b->nic1.m = b->m;
}

/* Frames that the card holds arrive after a move, with and without models. */
static void moves_with_frames(Bench *b, const char *const *incoming)
{
    uint32_t len;

    network(b, 7, 7);
    make_frame(b->m, BUF_A, 1400);
    for (unsigned i = 0; i < 4; i++) {
        ena_host_post(&b->nic1, BUF_B + 0x1000 * i, 2048);
    }
    machine_clock_step(b->m, 10000);
    for (unsigned i = 0; i < 4; i++) {
        ena_host_send(&b->nic0, BUF_A, 1400);
    }
    machine_clock_step(b->m, 500); /* on their way to the card */
    assert_int_equal(counter(b, "nic0", "tx_frames"), 0);
    move(b, incoming);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(ena_host_wait_received(&b->nic1), 1400);
        assert_frame(b->m, BUF_A, BUF_B + 0x1000 * i, 1400);
    }
    machine_clock_step(b->m, 1000000);
    assert_false(ena_host_received(&b->nic1, &len)); /* once */
    assert_int_equal(counter(b, "nic0", "tx_frames"), 4);
}

static void test_checkpoint(void **state)
{
    moves_with_frames(*state, incoming_card);
}

/* Peers, scores and what was not told yet move too. */
static void test_balancing_moves(void **state)
{
    Bench *b = *state;

    network(b, 7, 7);
    balance(b);
    make_frame(b->m, BUF_A, 1400);
    for (unsigned i = 0; i < 2; i++) {
        ena_host_post(&b->nic1, BUF_B + 0x1000 * i, 2048);
    }
    machine_clock_step(b->m, 10000);
    ena_host_send(&b->nic0, BUF_A, 1400);
    assert_int_equal(ena_host_wait_received(&b->nic1), 1400);
    assert_int_equal(value_sum(b, "acked"), 0);
    move(b, incoming_card);
    assert_int_equal(value_sum(b, "packets"), 1);
    ena_host_send(&b->nic0, BUF_A, 1400);
    assert_int_equal(ena_host_wait_received(&b->nic1), 1400);
    assert_frame(b->m, BUF_A, BUF_B + 0x1000, 1400);
    machine_clock_step(b->m, 100000);
    assert_int_equal(value_sum(b, "packets"), 2);
    assert_int_equal(value_sum(b, "acked"), 2);
    assert_int_equal(counter(b, "nic1", "rx_replayed"), 0);
}

static void test_migration_to_other_models(void **state)
{
    moves_with_frames(*state, other_incoming_card);
}

/* ---- hostile streams -------------------------------------------------------- */

static void put_be(uint8_t *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        to[i] = value >> 8 * (bytes - 1 - i);
    }
}

/* Where a core's bytes begin; before them stands their length. */
static uint8_t *blob_of(char *stream, gsize len, uint32_t magic)
{
    uint8_t le[4] = { magic, magic >> 8, magic >> 16, magic >> 24 };
    uint8_t *at = memmem(stream, len, le, sizeof(le));

    assert_non_null(at);
    return at;
}

/* The stream is refused, and the process lives to say so. */
static void refuses(Bench *b, const char *stream, gsize len)
{
    g_autofree char *file = g_build_filename(b->dir, "hostile", NULL);
    g_autofree char *json = g_strdup_printf(
        "'uri': 'file:%s/hostile', 'exit-on-error': false", b->dir);
    bool failed = false;

    assert_true(g_file_set_contents(file, stream, len, NULL));
    b->m = machine_start(b->dir, incoming_card);
    json_node_unref(machine_qmp(b->m, "migrate-incoming", json));
    while (!failed) {
        JsonNode *node = machine_qmp(b->m, "query-migrate", NULL);
        const char *status = json_object_get_string_member_with_default(
            json_node_get_object(node), "status", "none");

        failed = !strcmp(status, "failed");
        assert_string_not_equal(status, "completed");
        json_node_unref(node);
        g_usleep(2000); /* between two looks at another process */
    }
    machine_stop(b->m, true);
}

static void test_hostile_streams(void **state)
{
    static const uint32_t lengths[] = { 0x40000001, 0x80000000, 0xffffffff };
    Bench *b = *state;
    g_autofree char *file = g_build_filename(b->dir, "state", NULL);
    g_autofree char *stream = NULL;
    uint8_t *nic, *card, *port;
    gsize len;

    machine_save(b->m);
    machine_stop(b->m, true);
    assert_true(g_file_get_contents(file, &stream, &len, NULL));
    nic = blob_of(stream, len, 0x414e4531);
    port = blob_of(stream, len, 0x54524f50);
    card = blob_of(stream, len, 0x5041434f);
    for (unsigned i = 0; i < G_N_ELEMENTS(lengths); i++) {
        uint8_t *of[] = { nic, port, card };
        uint8_t kept[4];

        memcpy(kept, of[i] - 4, 4);
        put_be(of[i] - 4, lengths[i], 4);
        refuses(b, stream, len);
        memcpy(of[i] - 4, kept, 4);
    }
    put_be(card - 20, UINT64_MAX - 1, 8); /* the instant of saving */
    refuses(b, stream, len);
    b->m = machine_start(b->dir, incoming_card); /* for bench_down() */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_up, bench_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identity),
        TEST(test_frame_crosses_the_cable),
        TEST(test_msix),
        TEST(test_dma_is_confined),
        TEST(test_function_reset),
        TEST(test_virtual_network),
        TEST(test_balancing),
        TEST(test_networks_are_apart),
        TEST(test_control_plane_refuses),
        TEST(test_registers_by_name),
        TEST(test_checkpoint),
        TEST(test_balancing_moves),
        TEST(test_migration_to_other_models),
        TEST(test_hostile_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
