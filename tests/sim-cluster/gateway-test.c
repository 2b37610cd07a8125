/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * gateway-test.c: gateways: mistakes of the scenario with the text a user
 * sees, what follows from one, and frames through a fabric.
 */
#include "scenario_fixture.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_gateway.h"
#include "runtime.h"
#include "underlay.h"

static const char text[] =
    "format: 1\n"
    "name: out\n"
    "time: {mode: wall}\n"
    "networks: {blue: {vni: 7}, red: {vni: 8}}\n"
    "nodes:\n"
    "  host0: {kind: host, card: {nic: {\n"
    "    vnic0: {network: blue, address: 172.16.0.254/24}}}}\n"
    "  bare: {kind: host}\n"
    "  gw: {kind: gateway, network: blue, address: 172.16.0.253/24}\n"
    "links:\n"
    "  - {a: host0.card, b: gw.card}\n"
    "steps:\n"
    "  - boot: {node: host0}\n"
    "expect:\n"
    "  - {id: ran, metric: run.sim_ps, above: 0s}\n";

static char *edit(const char *from, const char *to)
{
    const char *at = strstr(text, from);

    assert_non_null(at);
    return g_strdup_printf("%.*s%s%s", (int)(at - text), text, to,
                           at + strlen(from));
}

/* ---- mistakes ------------------------------------------------------------ */

static void test_mistakes(void **state)
{
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        { "mode: wall", "mode: lockstep",
          "s.yaml:9:14: a gateway needs 'mode: wall' (`outrigger up`): what "
          "comes from outside does not repeat" },
        { "gateway, network: blue", "gateway, network: bleu",
          "s.yaml:9:32: no network 'bleu'; did you mean 'blue'?" },
        { "172.16.0.253/24}", "172.16.0.254/24}",
          "s.yaml:9:47: duplicate address: a host of network 'blue' has it" },
        { "172.16.0.253/24}", "172.16.0.255/24}",
          "s.yaml:9:47: no gateway can have this address" },
        { "172.16.0.253/24}", "172.16.0.253/30}",
          "s.yaml:9:47: the subnet is too small: a prefix of 29 at most" },
        { "172.16.0.253/24}",
          "172.16.0.253/24, forward: [{port: 80, host: hast0, "
          "guest_port: 80}]}",
          "s.yaml:9:91: no host 'hast0'; did you mean 'host0'?" },
        { "172.16.0.253/24}",
          "172.16.0.253/24, forward: [{port: 80, host: bare, "
          "guest_port: 80}]}",
          "s.yaml:9:91: 'bare' has no NIC in network 'blue'" },
        { "172.16.0.253/24}",
          "172.16.0.253/24, forward: [{port: 80, host: host0, "
          "guest_port: 80}, {port: 80, host: host0, guest_port: 81}]}",
          "s.yaml:9:122: this port leads to 'host0' already" },
        { "  gw: {",
          "  g2: {kind: gateway, network: blue, "
          "address: 172.16.0.9/24}\n  gw: {",
          "s.yaml:10:32: network 'blue' has a gateway already" },
        { "links:\n  - {a: host0.card, b: gw.card}\n", "",
          "s.yaml:9:3: gateway 'gw' has no link; add one to gw.card" },
    };

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *wrong = edit(cases[i].from, cases[i].to);
        g_autoptr(GError) err = NULL;
        g_autoptr(Scenario) s = scenario_try(wrong, NULL, &err);
        g_auto(GStrv) lines = NULL;

        assert_null(s);
        lines = g_strsplit(err->message, "\n", 2);
        assert_string_equal(lines[0], cases[i].message);
    }
}

/* The highest free address: .254 is the host's, .253 its own. */
static void test_name_server(void **state)
{
    g_autoptr(Scenario) s = scenario_must(text, NULL);
    const ScnGateway *gw = scenario_gateway(s, "blue");
    uint8_t mac[6];

    (void)state;
    assert_non_null(gw);
    assert_null(scenario_gateway(s, "red"));
    assert_int_equal(gw->dns, 0xac1000fc);
    scn_gateway_mac(gw, mac);
    assert_memory_equal(mac, "\x52\x55\xac\x10\x00\xfd", 6);
}

/* ---- frames -------------------------------------------------------------- */

typedef struct Bench {
    Scenario *s;
    Fabric *fabric;
    NetGateway *gateway;
    uint32_t host;
    Underlay card;   /* of the host */
    GByteArray *got; /* the guest frame that the host has last got */
} Bench;

static void deliver(void *opaque, uint32_t node, uint64_t arrive_ps,
                    const uint8_t *frame, uint32_t len)
{
    Bench *b = opaque;
    uint8_t *inner;
    uint32_t inner_len;

    (void)arrive_ps;
    if (node != b->host) {
        net_gateway_take(b->gateway, frame, len);
        return;
    }
    g_autofree uint8_t *copy = g_memdup2(frame, len);

    assert_int_equal(underlay_decap(&b->card, copy, len, &inner, &inner_len),
                     UNDERLAY_OK);
    g_byte_array_set_size(b->got, 0);
    g_byte_array_append(b->got, inner, inner_len);
}

static const FabricOps ops = { .deliver = deliver };

static const TopoNode *topo(const Bench *b, const char *name)
{
    return g_ptr_array_index(b->s->topology->nodes,
                             topology_node(b->s->topology, name));
}

static uint32_t add_host(Bench *b, const TopoNode *n)
{
    uint64_t mac = 0;

    for (unsigned i = 0; i < 6; i++) {
        mac = mac << 8 | n->mac[i];
    }
    return fabric_add_host(
        b->fabric,
        &(FabricHostConfig){ .full = true, .ipv4 = n->address, .mac = mac });
}

static void bench_up(Bench *b, const char *scenario)
{
    FabricConfig config = { .ops = &ops, .opaque = b };
    FabricLinkConfig link;
    UnderlayMapping m = { .ip = 0xac1000fd };
    const char *why;
    uint32_t gw;

    *b = (Bench){ .s = scenario_must(scenario, NULL) };
    b->got = g_byte_array_new();
    b->fabric = fabric_new(&config);
    b->host = add_host(b, topo(b, "host0"));
    gw = add_host(b, topo(b, "gw"));
    fabric_link_config_default(&link);
    assert_true(fabric_add_link(b->fabric, b->host, gw, &link, NULL) >= 0);
    assert_true(fabric_build(b->fabric, NULL));
    b->gateway = net_gateway_new(b->s, topology_node(b->s->topology, "gw"),
                                 b->fabric, gw, NULL);
    assert_non_null(b->gateway);
    underlay_init(&b->card);
    underlay_join(&b->card, 7, topo(b, "host0")->address, topo(b, "host0")->mac,
                  &why);
    scn_gateway_mac(scenario_gateway(b->s, "blue"), m.mac);
    m.underlay_ip = topo(b, "gw")->address;
    memcpy(m.underlay_mac, topo(b, "gw")->mac, 6);
    assert_true(underlay_map(&b->card, 7, &m, &why));
}

static void bench_down(Bench *b)
{
    net_gateway_free(b->gateway);
    fabric_free(b->fabric);
    underlay_clear(&b->card);
    g_byte_array_unref(b->got);
    scenario_free(b->s);
}

/* Simulated time past everything that is under way, then a look. */
static void turn(Bench *b)
{
    fabric_run(b->fabric, fabric_now_ps(b->fabric) + PS_PER_MS);
    net_gateway_look(b->gateway);
}

static uint16_t sum(const uint8_t *p, size_t len)
{
    uint32_t s = 0;

    for (size_t i = 0; i < len; i += 2) {
        s += (uint32_t)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0);
    }
    s = (s & 0xffff) + (s >> 16);
    return (uint16_t) ~((s & 0xffff) + (s >> 16));
}

/* An ICMP echo request from 172.16.0.254 to the gateway. */
static void ping(Bench *b, uint8_t sequence)
{
    uint8_t frame[64] = { 0 };
    uint8_t packet[256];
    const ScnVnic *v =
        scn_card_vnic(scenario_host(b->s, "host0")->card, "vnic0");
    UnderlayMapping *to;
    uint32_t outer;

    scn_gateway_mac(scenario_gateway(b->s, "blue"), frame);
    memcpy(frame + 6, v->mac, 6);
    frame[12] = 0x08;
    memcpy(frame + 14,
           "\x45\x00\x00\x1c\x00\x01\x00\x00\x40\x01\x00\x00"
           "\xac\x10\x00\xfe\xac\x10\x00\xfd",
           20);
    frame[24] = (uint8_t)(sum(frame + 14, 20) >> 8);
    frame[25] = (uint8_t)sum(frame + 14, 20);
    frame[34] = 8;
    frame[41] = sequence;
    frame[36] = (uint8_t)(sum(frame + 34, 8) >> 8);
    frame[37] = (uint8_t)sum(frame + 34, 8);
    to = underlay_find_mac(&b->card, frame);
    outer = underlay_encap(&b->card, to, frame, sizeof(frame), packet);
    memcpy(packet + outer, frame, sizeof(frame));
    assert_true(fabric_inject(b->fabric, b->host, fabric_now_ps(b->fabric),
                              packet, outer + sizeof(frame), NULL));
}

static void test_ping(void **state)
{
    Bench b;

    (void)state;
    bench_up(&b, text);
    for (uint8_t i = 1; i < 4; i++) {
        ping(&b, i);
        for (unsigned k = 0; k < 4; k++) {
            turn(&b);
        }
        assert_true(b.got->len >= 42);
        assert_memory_equal(b.got->data, "\x06", 1);
        assert_int_equal(b.got->data[23], 1); /* ICMP */
        assert_int_equal(b.got->data[34], 0); /* echo reply */
        assert_int_equal(b.got->data[41], i);
        assert_memory_equal(b.got->data + 30, "\xac\x10\x00\xfe", 4);
    }
    bench_down(&b);
}

/* What is no packet of ours, or another network's, is dropped. */
static void test_garbage(void **state)
{
    uint8_t junk[200] = { 0x45 };
    Bench b;

    (void)state;
    bench_up(&b, text);
    for (uint32_t len = 1; len < sizeof(junk); len += 13) {
        net_gateway_take(b.gateway, junk, len);
    }
    for (unsigned i = 0; i < 5000; i++) {
        net_gateway_take(b.gateway, junk, sizeof(junk));
    }
    turn(&b);
    turn(&b);
    assert_int_equal(b.got->len, 0);
    assert_int_equal(fabric_frames_inside(b.fabric), 0);
    bench_down(&b);
}

static uint16_t listen_somewhere(int *ret_fd)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);

    *ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*ret_fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(*ret_fd, 1), 0);
    assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin_port);
}

static void test_port_is_taken(void **state)
{
    int fd;
    uint16_t port = listen_somewhere(&fd);
    g_autofree char *forward =
        g_strdup_printf("172.16.0.253/24, forward: [{port: %u, host: host0, "
                        "guest_port: 80}]}",
                        port);
    g_autofree char *taken = edit("172.16.0.253/24}", forward);
    g_autofree char *message = g_strdup_printf(
        "gateway gw: cannot listen on 127.0.0.1:%u; is the port taken?", port);
    g_autoptr(Scenario) s = scenario_must(taken, NULL);
    FabricConfig config = { 0 };
    Fabric *fabric = fabric_new(&config);
    g_autoptr(GError) err = NULL;

    (void)state;
    assert_null(
        net_gateway_new(s, topology_node(s->topology, "gw"), fabric, 0, &err));
    assert_true(g_error_matches(err, RUNTIME_ERROR, RUNTIME_ERROR_INVALID));
    assert_string_equal(err->message, message);
    fabric_free(fabric);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_name_server),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_port_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
