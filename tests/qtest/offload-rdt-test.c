/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * offload-rdt-test.c: reliable datagrams of two cards' own through QEMU: two
 * NICs on a cable, no guest driver; keys, sessions and messages by QMP; the
 * state in a migration stream.
 */
#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define CARD_ARGS                                                              \
    "-device",                                                                 \
        "offload-card,id=card0,drives=ssd0:ssd1,secret=root0,"                 \
        "app=$B/meson/hw/offload/offload-app-1.so,seed=5,"                     \
        "profile=$P/card-gen3x8.profile",                                      \
        "-device", "outrigger-port,id=p0,cable=c,delay-ps=2000000", "-device", \
        "outrigger-port,id=p1,cable=c,delay-ps=2000000", "-device",            \
        "offload-ena,id=nic0,card=card0,port=p0,mac=52:54:00:00:00:01,"        \
        "addr=4,bus=pcie.0",                                                   \
        "-device",                                                             \
        "offload-ena,id=nic1,card=card0,port=p1,mac=52:54:00:00:00:02,"        \
        "addr=5,bus=pcie.0"

#define SECRET \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const char *const plain[] = { CARD_ARGS, NULL };
static const char *const incoming[] = { CARD_ARGS, "-incoming", "defer", NULL };

typedef struct Bench {
    char *dir;
    Machine *m;
} Bench;

static int bench_up(void **state)
{
    Bench *b = g_new0(Bench, 1);

    b->dir = machine_make_dir();
    b->m = machine_start(b->dir, plain);
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

static void qmp(Bench *b, const char *command, const char *json)
{
    json_node_unref(machine_qmp(b->m, command, json));
}

/* Addresses and secrets: what does not travel. */
static void addresses(Bench *b)
{
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *net = g_strdup_printf("'interface': 'nic%u', 'vni': 7,"
                                               "'address': '10.0.0.%u'",
                                               i, i + 1);
        g_autofree char *key =
            g_strdup_printf("'interface': 'nic%u', 'key-id': 3,"
                            "'secret': '" SECRET "'",
                            i);

        qmp(b, "offload-nic-network", net);
        qmp(b, "offload-rdt-key", key);
    }
}

static void sessions(Bench *b)
{
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *json = g_strdup_printf(
            "'interface': 'nic%u', 'session': %u, 'remote-session': %u,"
            "'key-id': 3, 'peer': '10.0.0.%u'",
            i, 10 + i, 11 - i, 2 - i);

        qmp(b, "offload-rdt-open", json);
    }
}

static uint64_t counter(Bench *b, const char *nic, const char *name)
{
    g_autofree char *json = g_strdup_printf("'interface': '%s'", nic);
    JsonNode *node = machine_qmp(b->m, "query-offload-rdt", json);
    JsonArray *list =
        json_object_get_array_member(json_node_get_object(node), "counters");
    uint64_t value = UINT64_MAX;

    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *c = json_array_get_object_element(list, i);

        if (!strcmp(json_object_get_string_member(c, "name"), name)) {
            value = json_object_get_int_member(c, "value");
        }
    }
    json_node_unref(node);
    assert_int_not_equal(value, UINT64_MAX);
    return value;
}

/* Takes what nic1 has: 0 or 1 message, which is "hello" on channel 5. */
static unsigned taken(Bench *b)
{
    JsonNode *node = machine_qmp(b->m, "offload-rdt-receive",
                                 "'interface': 'nic1', 'session': 11");
    JsonArray *list = json_node_get_array(node);
    unsigned n = json_array_get_length(list);

    if (n) {
        JsonObject *m = json_array_get_object_element(list, 0);

        assert_string_equal(json_object_get_string_member(m, "data"),
                            "aGVsbG8=");
        assert_int_equal(json_object_get_int_member(m, "channel"), 5);
    }
    json_node_unref(node);
    return n;
}

static void hello(Bench *b)
{
    qmp(b, "offload-rdt-send",
        "'interface': 'nic0', 'session': 10, 'channel': 5,"
        "'data': 'aGVsbG8='");
}

static void test_a_message(void **state)
{
    Bench *b = *state;

    addresses(b);
    sessions(b);
    machine_clock_step(b->m, 10000);
    hello(b);
    machine_clock_step(b->m, 1500); /* the cable alone takes 2 us */
    assert_int_equal(taken(b), 0);
    machine_clock_step(b->m, 1000);
    assert_int_equal(taken(b), 1);
    machine_clock_step(b->m, 5000);
    assert_int_equal(counter(b, "nic0", "in_ok"), 1);
    assert_int_equal(counter(b, "nic0", "packets_sent"), 1);
    assert_int_equal(counter(b, "nic0", "retransmitted"), 0);
}

/* Two megabytes in messages of 100000 bytes, both ways. */
static void test_many(void **state)
{
    Bench *b = *state;
    g_autofree char *zeros = g_malloc0(100000);
    g_autofree char *text = g_base64_encode((guchar *)zeros, 100000);
    unsigned got = 0;

    addresses(b);
    sessions(b);
    for (unsigned i = 0; i < 20; i++) {
        g_autofree char *json =
            g_strdup_printf("'interface': 'nic%u', 'session': %u, 'data': '%s'",
                            i & 1, 10 + (i & 1), text);

        qmp(b, "offload-rdt-send", json);
    }
    machine_clock_step(b->m, 20000000);
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *json =
            g_strdup_printf("'interface': 'nic%u', 'session': %u", i, 10 + i);
        JsonNode *node = machine_qmp(b->m, "offload-rdt-receive", json);

        got += json_array_get_length(json_node_get_array(node));
        json_node_unref(node);
    }
    assert_int_equal(got, 20);
    assert_int_equal(counter(b, "nic1", "in_frames_malformed"), 0);
    qmp(b, "offload-rdt-close", "'interface': 'nic0', 'session': 10");
    qmp(b, "offload-rdt-close", "'interface': 'nic1', 'session': 11");
    machine_clock_step(b->m, 50000000);
    g_free(machine_qmp_refused(b->m, "offload-rdt-receive",
                               "'interface': 'nic0', 'session': 10"));
}

static void test_refused(void **state)
{
    static const MachineRefusal t[] = {
        { "offload-rdt-open",
          "'interface': 'nic0', 'session': 1, 'remote-session': 2,"
          "'key-id': 3, 'peer': '10.0.0.2'",
          "offload-rdt-key" },
        { "offload-rdt-key",
          "'interface': 'nic0', 'key-id': 3, 'secret': '" SECRET "'",
          "offload-nic-network" },
        { "offload-rdt-key",
          "'interface': 'nic0', 'key-id': 3, 'secret': '00'",
          "64 hexadecimal" },
    }, later[] = {
        { "offload-rdt-open",
          "'interface': 'nic0', 'session': 1, 'remote-session': 2,"
          "'key-id': 4, 'peer': '10.0.0.2'",
          "no such key" },
        { "offload-rdt-open",
          "'interface': 'nic0', 'session': 1, 'remote-session': 1,"
          "'key-id': 3, 'peer': '10.0.0.2'",
          "equal" },
        { "offload-rdt-open",
          "'interface': 'nic0', 'session': 1, 'remote-session': 2,"
          "'key-id': 3, 'peer': 'there'",
          "IPv4" },
        { "offload-rdt-send",
          "'interface': 'nic0', 'session': 1, 'data': ''", "not open" },
    };
    Bench *b = *state;

    machine_refuses(b->m, t, G_N_ELEMENTS(t));
    addresses(b);
    machine_refuses(b->m, later, G_N_ELEMENTS(later));
}

/* A message that is under way when the machine moves arrives, once; the stream
 * holds neither it in clear under the cable nor the secret. */
static void test_migration(void **state)
{
    Bench *b = *state;
    g_autofree char *path = g_strdup_printf("%s/state", b->dir), *bytes = NULL;
    static const uint8_t secret[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
    gsize len;

    addresses(b);
    sessions(b);
    machine_clock_step(b->m, 10000);
    hello(b);
    machine_clock_step(b->m, 100);
    machine_save(b->m);
    assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    assert_null(memmem(bytes, len, secret, sizeof(secret)));
    machine_stop(b->m, true);
    b->m = machine_start(b->dir, incoming);
    addresses(b);
    machine_load(b->m);
    machine_clock_step(b->m, 200000);
    assert_int_equal(taken(b), 1);
    hello(b);
    machine_clock_step(b->m, 200000);
    assert_int_equal(taken(b), 1);
    assert_int_equal(counter(b, "nic1", "in_forged"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_up, bench_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_message),
        TEST(test_many),
        TEST(test_refused),
        TEST(test_migration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
