/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net-links-test.c: what a host's port is told of its link, and when: failures of the
 * link, of the switch at its other end, and of both.
 */
#include "scenario_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "link.h"
#include "link_proto.h"
#include "net.h"
#include "scenario_net.h"

#define RATE_BPS 25000000000u
#define RIGHT_DELAY_PS 1500000u /* see the text; a pipeline of 500 ns */
#define LATE_PS 1999000u

static const char text[] =
    "format: 1\n"
    "name: told\n"
    "seed: 1\n"
    "networks: {blue: {vni: 7}}\n"
    "nodes:\n"
    "  host0: {kind: host, card: {nic: {\n"
    "    vnic0: {network: blue, address: 172.16.0.1/24}}}}\n"
    "  host1: {kind: host, card: {nic: {\n"
    "    vnic0: {network: blue, address: 172.16.0.2/24}}}}\n"
    "  near: {kind: switch, ports: 2}\n"
    "  far: {kind: switch, ports: 2}\n"
    "links:\n"
    "  - {name: left, a: host0.card, b: near.p0, rate: 25Gbit, delay: 1us}\n"
    "  - {name: mid, a: near.p1, b: far.p0, rate: 25Gbit, delay: 1us}\n"
    "  - {name: right, a: far.p1, b: host1.card, rate: 25Gbit, delay: 1us}\n"
    "steps:\n"
    "  - boot: {node: [host0, host1]}\n"
    "expect:\n"
    "  - {id: ran, metric: run.sim_ps, above: 0s}\n";

typedef struct World {
    Scenario *scn;
    char *dir;
    Net *net;
    Link *port[2]; /* the hosts' ends */
} World;

/* The device's end, as QEMU is told of it. */
static Link *attach(Net *net, unsigned host)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

    net_host_args(net, host, argv);
    for (unsigned i = 0; i < argv->len; i++) {
        const char *path = strstr(argv->pdata[i], "outrigger-port,");

        if (path) {
            return link_attach(strstr(path, "link=") + 5, LINK_B, NULL);
        }
    }
    return NULL;
}

static void world_begin(World *w)
{
    g_autoptr(GError) err = NULL;

    memset(w, 0, sizeof(*w));
    w->scn = scenario_must(text, NULL);
    w->dir = g_dir_make_tmp("net-XXXXXX", NULL);
    w->net = net_new(w->scn, w->dir, &err);
    assert_non_null(w->net);
    for (unsigned i = 0; i < 2; i++) {
        w->port[i] = attach(w->net, i);
        assert_non_null(w->port[i]);
    }
}

static void world_end(World *w)
{
    g_autofree char *path = g_build_filename(w->dir, "lockstep", NULL);

    for (unsigned i = 0; i < 2; i++) {
        link_close(w->port[i]);
    }
    net_free(w->net);
    remove(path);
    assert_int_equal(remove(w->dir), 0);
    g_free(w->dir);
    scenario_free(w->scn);
}

static void start(World *w, unsigned host)
{
    assert_true(net_host_started(w->net, host, NULL));
}

static void set_switch(World *w, const char *name, bool up, uint64_t at_ps)
{
    assert_true(net_switch_set_up(w->net, topology_node(w->scn->topology, name),
                                  up, at_ps, NULL));
}

static void set_link(World *w, const char *name, bool up, uint64_t at_ps)
{
    assert_true(net_link_set_up(w->net, topology_link(w->scn->topology, name),
                                up, at_ps, NULL));
}

/* The next thing that @host's port is told, and nothing else. */
static void told(World *w, unsigned host, bool up, uint64_t at_ps)
{
    const LinkMsg *m = link_peek(w->port[host]);
    LinkControl c;

    assert_non_null(m);
    assert_int_equal(m->kind, LINK_CONTROL);
    assert_int_equal(m->ps, at_ps);
    c = link_control(m);
    assert_int_equal(c.op, up ? LINK_CONTROL_UP : LINK_CONTROL_DOWN);
    assert_int_equal(c.value, up ? RATE_BPS : 0);
    link_consume(w->port[host]);
}

static void not_told(World *w, unsigned host)
{
    assert_null(link_peek(w->port[host]));
    assert_null(link_error(w->port[host]));
}

/* ---- tests --------------------------------------------------------------- */

static void test_switch(void **state)
{
    World w;

    (void)state;
    world_begin(&w);
    start(&w, 0);
    start(&w, 1);
    set_switch(&w, "near", false, 1000003);
    told(&w, 0, false, 1000003);
    not_told(&w, 1); /* it hangs on the other one */
    set_switch(&w, "near", true, 2000007);
    told(&w, 0, true, 2000007);
    set_switch(&w, "far", false, 2000008);
    not_told(&w, 0);
    told(&w, 1, false, 2000008);
    world_end(&w);
}

/* A link has a signal when nothing of it is down; each change is told once. */
static void test_both(void **state)
{
    World w;

    (void)state;
    world_begin(&w);
    start(&w, 0);
    start(&w, 1);
    set_link(&w, "left", false, 10);
    told(&w, 0, false, 10);
    set_switch(&w, "near", false, 20);
    set_link(&w, "left", true, 30);
    not_told(&w, 0);
    set_switch(&w, "near", true, 40);
    told(&w, 0, true, 40);
    set_switch(&w, "near", false, 50);
    told(&w, 0, false, 50);
    set_link(&w, "left", false, 60);
    set_switch(&w, "near", true, 70);
    not_told(&w, 0);
    set_link(&w, "left", true, 80);
    told(&w, 0, true, 80);
    set_link(&w, "mid", false, 90); /* between switches */
    not_told(&w, 0);
    not_told(&w, 1);
    world_end(&w);
}

/* Who starts while the switch is down learns that first. */
static void test_start(void **state)
{
    World w;

    (void)state;
    world_begin(&w);
    start(&w, 1);
    set_switch(&w, "near", false, 5);
    not_told(&w, 0);
    start(&w, 0);
    told(&w, 0, false, 0);
    set_switch(&w, "near", true, 6);
    told(&w, 0, true, 6);
    not_told(&w, 1);
    world_end(&w);
}

/* ---- a peer that lies ----------------------------------------------------- */

/* What host1's process does is the end of the run, which names it. */
static void refused(World *w, const char *reason)
{
    g_autoptr(GError) err = NULL;

    assert_false(net_run(w->net, 2000000, &err));
    assert_non_null(err);
    if (!strstr(err->message, "node host1: ") ||
        !strstr(err->message, reason)) {
        fail_msg("%s", err->message);
    }
    world_end(w);
}

static void begin_both(World *w)
{
    world_begin(w);
    start(w, 0);
    start(w, 1);
}

static void test_illegal_sizes(void **state)
{
    static const uint32_t sizes[] = { 14, 59, 9601, LINK_MAX_PAYLOAD_BYTES };
    static uint8_t frame[LINK_MAX_PAYLOAD_BYTES];
    World w;

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        begin_both(&w);
        assert_true(link_send(w.port[1], 1000000, LINK_FRAME, 0, frame, 60));
        assert_true(
            link_send(w.port[1], 1000000, LINK_FRAME, 0, frame, sizes[i]));
        refused(&w, "60 to 9600");
    }
}

/* It would have been in its switch's queues already. (One that is not can have left an
 * instant ago: it is handed over at the next whole nanosecond.) */
static void test_frame_in_the_past(void **state)
{
    uint8_t frame[60] = { 0 };
    World w;

    (void)state;
    begin_both(&w);
    assert_true(net_run(w.net, LATE_PS, NULL));
    assert_true(link_send(w.port[1], LATE_PS - RIGHT_DELAY_PS - 1000,
                          LINK_FRAME, 0, frame, 60));
    refused(&w, "its departure lies in the past");
}

/* Writes into the header what only the device's side may write. */
static void test_lies_in_the_header(void **state)
{
    static const uint64_t produced[] = { 8, UINT64_MAX, 1ull << 40 };
    World w;

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(produced); i++) {
        LinkHeader *h;
        int fd;

        begin_both(&w);
        fd = open(link_path(w.port[1]), O_RDWR);
        h = mmap(NULL, LINK_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
                 fd, 0);
        close(fd);
        assert_true(h != MAP_FAILED);
        h->ring[1].produced = produced[i];
        munmap(h, LINK_HEADER_BYTES);
        refused(&w, "");
    }
}

/* ---- a switch in a host --------------------------------------------------- */

static const char device_text[] =
    "format: 1\n"
    "name: device\n"
    "networks: {blue: {vni: 7}}\n"
    "nodes:\n"
    "  host0: {kind: host, card: {nic: {\n"
    "    vnic0: {network: blue, address: 172.16.0.1/24}}}}\n"
    "  host1: {kind: host, card: {nic: {\n"
    "    vnic0: {network: blue, address: 172.16.0.2/24}}}}\n"
    "  control: {kind: host, manages: tor}\n"
    "  tor: {kind: switch, ports: 4, rate: 25Gbit, forwarding: device,\n"
    "        geometry: {layout: stair}}\n"
    "links:\n"
    "  - {name: left, a: host0.card, b: tor.p0, rate: 25Gbit, delay: 1us}\n"
    "  - {name: right, a: tor.p3, b: host1.card, rate: 25Gbit, delay: 3us}\n"
    "steps:\n"
    "  - boot: {node: [host0, host1, control]}\n"
    "expect:\n"
    "  - {id: ran, metric: run.sim_ps, above: 0s}\n";

/* The @n-th port of host @host, which must have the id @id. */
static Link *attach_port(Net *net, unsigned host, unsigned n, const char *id)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *begin = g_strdup_printf("outrigger-port,id=%s,link=", id);

    net_host_args(net, host, argv);
    for (unsigned i = 0; i < argv->len; i++) {
        if (strstr(argv->pdata[i], "outrigger-port,") && n-- == 0) {
            assert_true(g_str_has_prefix(argv->pdata[i], begin));
            return link_attach((char *)argv->pdata[i] + strlen(begin), LINK_B,
                               NULL);
        }
    }
    return NULL;
}

/* Windows: each cable; between the cards also the device, whose answer comes
 * its latency and the shortest frame after the nanosecond it is told in. */
static void test_device_ports(void **state)
{
    World w = { 0 };
    Link *left, *right;

    (void)state;
    w.scn = scenario_must(device_text, NULL);
    w.dir = g_dir_make_tmp("net-XXXXXX", NULL);
    w.net = net_new(w.scn, w.dir, NULL);
    assert_non_null(w.net);
    w.port[0] = attach(w.net, 0);
    w.port[1] = attach(w.net, 1);
    left = attach_port(w.net, 2, 0, "tor.p0");
    right = attach_port(w.net, 2, 1, "tor.p3");
    assert_non_null(left);
    assert_non_null(right);
    assert_int_equal(net_lookahead_ps(w.net, 0), 1000000);
    assert_int_equal(net_lookahead_ps(w.net, 1), 3000000);
    assert_int_equal(net_lookahead_ps(w.net, 2), 1000000);
    for (unsigned i = 0; i < 3; i++) {
        start(&w, i);
    }
    set_link(&w, "right", false, 10);
    told(&w, 1, false, 10);
    not_told(&w, 0);
    assert_null(link_peek(left));
    assert_non_null(link_peek(right));
    assert_int_equal(link_control(link_peek(right)).op, LINK_CONTROL_DOWN);
    link_close(left);
    link_close(right);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_switch),
        cmocka_unit_test(test_illegal_sizes),
        cmocka_unit_test(test_frame_in_the_past),
        cmocka_unit_test(test_lies_in_the_header),
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_device_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
