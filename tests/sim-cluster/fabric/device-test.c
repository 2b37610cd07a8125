/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * device-test.c: the same frames across the engine's switch and across a
 * receded-switch outside of the fabric: each must be delivered at the same
 * picosecond, with the same marks, and the same ones must be lost.
 *
 * To the engine's switch a trace is part of the cable, so its cables are
 * longer by that of their port.
 */
#include "fabric.h"
#include "switch_core.h"
#include "switch_device.h"
#include "switch_regs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOSTS 4u
#define RATE_BPS 100000000000ull
#define CABLE_PS 1000000ull
#define START_PS 2000000000ull /* training takes a millisecond */
#define PIPELINE_PS 437000ull
#define BUFFER_CELLS 120u
#define ECN_CELLS 20u
#define FRAMES 20000u
#define MAX_BYTES 1500u

static const unsigned port_of[HOSTS] = { 0, 5, 10, 15 };

typedef struct Delivery {
    uint32_t host, len, number;
    uint32_t ecn;
    uint64_t ps;
} Delivery;

typedef struct World {
    Fabric *f;
    uint32_t host[HOSTS], end[HOSTS]; /* end: a port of the device */
    SwitchDevice *d;                  /* NULL: the engine's switch */
    GArray *delivered;                /* Delivery */
    unsigned dropped;
} World;

/* ---- two worlds ---------------------------------------------------------- */

static void deliver(void *opaque, uint32_t node, uint64_t arrive_ps,
                    const uint8_t *frame, uint32_t len)
{
    World *w = opaque;

    for (uint32_t i = 0; i < HOSTS; i++) {
        Delivery one;

        if (w->d && node == w->end[i]) {
            switch_device_receive(w->d, port_of[i], arrive_ps, frame, len);
        } else if (node == w->host[i]) {
            memset(&one, 0, sizeof(one)); /* padding too: they are compared */
            one.host = i;
            one.len = len;
            one.ecn = frame[15] & 3u;
            one.ps = arrive_ps;
            memcpy(&one.number, frame + 40, sizeof(one.number));
            g_array_append_val(w->delivered, one);
        }
    }
}

static void drop(void *opaque, uint32_t node, uint64_t ps, FabricDrop reason,
                 const uint8_t *frame, uint32_t len)
{
    World *w = opaque;

    w->dropped++;
}

static const FabricOps fabric_ops = { .deliver = deliver, .drop = drop };

static void device_send(void *opaque, unsigned port, uint64_t depart_ps,
                        const void *frame, uint32_t len)
{
    World *w = opaque;

    for (uint32_t i = 0; i < HOSTS; i++) {
        if (port_of[i] == port) {
            assert_true(
                fabric_inject(w->f, w->end[i], depart_ps, frame, len, NULL));
        }
    }
}

static void device_interrupt(void *opaque, unsigned vector)
{
}

static void device_event(void *opaque, SwitchDeviceEvent event, unsigned port,
                         uint64_t at_ps, uint64_t value)
{
    World *w = opaque;

    assert_true(event == SWITCH_DEVICE_LINK || event == SWITCH_DEVICE_DROP);
    w->dropped += event == SWITCH_DEVICE_DROP;
}

static const SwitchDeviceOps device_ops = { device_send, device_interrupt,
                                            device_event };

static SwitchDeviceConfig device_config(void)
{
    SwitchDeviceConfig c;

    switch_device_config_default(&c); /* 4 lanes of 25 Gbit/s */
    c.pipeline_ps = PIPELINE_PS;
    c.buffer_cells = BUFFER_CELLS;
    c.ecn_cells = ECN_CELLS;
    return c;
}

static void add_hosts(World *w)
{
    FabricConfig c = { .seed = 1, .ops = &fabric_ops, .opaque = w };

    memset(w, 0, sizeof(*w));
    w->delivered = g_array_new(FALSE, FALSE, sizeof(Delivery));
    w->f = fabric_new(&c);
    for (uint32_t i = 0; i < HOSTS; i++) {
        w->host[i] = fabric_add_host(
            w->f, &(FabricHostConfig){ .full = true,
                                       .ipv4 = 0x0a000001u + i,
                                       .mac = 0x020000000001ull + i });
    }
}

static void link_to(World *w, uint32_t i, uint32_t node, uint64_t delay_ps)
{
    FabricLinkConfig c = { .rate_bps = RATE_BPS, .delay_ps = delay_ps };

    assert_true(fabric_add_link(w->f, w->host[i], node, &c, NULL) >= 0);
}

static void build(World *w)
{
    assert_true(fabric_build(w->f, NULL));
    fabric_run(w->f, START_PS);
}

static void begin_engine(World *w, const Geometry *board)
{
    SwitchDeviceConfig device = device_config();
    FabricSwitchConfig c;
    uint32_t sw;

    add_hosts(w);
    fabric_switch_config_default(&c);
    c.sw.pipeline_ps = device.pipeline_ps;
    c.sw.buffer_cells = device.buffer_cells;
    for (unsigned q = 0; q < c.sw.queues; q++) {
        c.sw.queue[q].ecn_min_cells = device.ecn_cells;
        c.sw.queue[q].ecn_max_cells = device.ecn_cells;
    }
    sw = fabric_add_switch(w->f, &c);
    for (uint32_t i = 0; i < HOSTS; i++) {
        link_to(w, i, sw, CABLE_PS + board->port[port_of[i]].delay_ps);
    }
    build(w);
}

/* Links up, and an entry for each host, so that nothing is flooded. */
static void software(World *w)
{
    for (uint32_t i = 0; i < HOSTS; i++) {
        switch_device_signal(w->d, port_of[i], true, 0);
        switch_device_write(w->d, 0,
                            RSW_PORT_BASE + port_of[i] * RSW_PORT_BYTES +
                                RSW_PORT_REG_CONTROL,
                            RSW_PORT_CONTROL_ENABLE);
        switch_device_write(w->d, 0, RSW_REG_MAC_LO, 1 + i);
        switch_device_write(w->d, 0, RSW_REG_MAC_HI, 0x0200);
        switch_device_write(w->d, 0, RSW_REG_MAC_PORT, port_of[i]);
        switch_device_write(w->d, 0, RSW_REG_MAC_COMMAND, RSW_COMMAND_ADD);
    }
    switch_device_run(w->d, START_PS);
    assert_int_equal(switch_device_read(w->d, START_PS, RSW_REG_STATUS),
                     RSW_STATUS_READY);
}

static void begin_device(World *w)
{
    SwitchDeviceConfig c = device_config();
    char *why;

    add_hosts(w);
    w->d = switch_device_new(&c, &device_ops, w, &why);
    assert_non_null(w->d);
    for (uint32_t i = 0; i < HOSTS; i++) {
        w->end[i] = fabric_add_host(
            w->f, &(FabricHostConfig){ .full = true,
                                       .takes_all = true,
                                       .ipv4 = 0xf0000000u + i,
                                       .mac = 0x025000000000ull + i });
        link_to(w, i, w->end[i], CABLE_PS);
    }
    build(w);
    software(w);
}

static void end(World *w)
{
    fabric_free(w->f);
    switch_device_free(w->d);
    g_array_free(w->delivered, TRUE);
}

/* ---- the same frames ----------------------------------------------------- */

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 6364136223846793005ull + 1;
    return (uint32_t)((random_state >> 33) % n);
}

static void send_one(World *w[2], uint32_t number, uint64_t *free_ps)
{
    uint32_t from = random_below(HOSTS), len = 60 + random_below(1441);
    uint32_t to = (from + 1 + random_below(HOSTS - 1)) % HOSTS;
    uint8_t bytes[MAX_BYTES] = { 2, 0, 0, 0,        0, to + 1, 2,   0,
                                 0, 0, 0, from + 1, 8, 0,      0x45 };

    to = random_below(3) ? (from == 0) : to; /* many to one */
    bytes[5] = (uint8_t)(to + 1);
    bytes[15] = (uint8_t)(random_below(8) << 5 | random_below(2) << 1);
    bytes[26] = bytes[30] = 10;
    bytes[29] = (uint8_t)(from + 1);
    bytes[33] = (uint8_t)(to + 1);
    memcpy(bytes + 40, &number, sizeof(number));
    free_ps[from] += switch_serialise_ps(len, RATE_BPS) +
                     (random_below(4) ? 0 : random_below(400000));
    for (unsigned i = 0; i < 2; i++) {
        assert_true(fabric_inject(w[i]->f, w[i]->host[from], free_ps[from],
                                  bytes, len, NULL));
    }
}

/* From event to event, as if fabric and device were one queue. */
static void run_device(World *w, uint64_t until_ps)
{
    for (;;) {
        uint64_t at_ps = MIN(fabric_next_ps(w->f), switch_device_next_ps(w->d));

        if (at_ps >= until_ps) {
            break;
        }
        at_ps = MAX(at_ps, fabric_now_ps(w->f));
        assert_true(switch_device_earliest_ps(w->d) >= fabric_now_ps(w->f));
        fabric_run(w->f, at_ps + 1);
        switch_device_run(w->d, at_ps + 1);
    }
    fabric_run(w->f, until_ps);
    switch_device_run(w->d, until_ps);
}

static int by_place(const void *a, const void *b)
{
    const Delivery *x = a, *y = b;

    return x->host != y->host ? (x->host < y->host ? -1 : 1)
                              : (x->ps > y->ps) - (x->ps < y->ps);
}

static void test_same_instants(void **state)
{
    const char *given = getenv("SWITCH_SEED");
    uint64_t free_ps[HOSTS], last_ps = 0;
    World engine, device, *both[2] = { &engine, &device };
    unsigned marks = 0;

    random_state = given ? strtoull(given, NULL, 0) : 1;
    print_message("seed %llu\n", (unsigned long long)random_state);
    begin_device(&device);
    begin_engine(&engine, switch_device_geometry(device.d));
    for (unsigned i = 0; i < HOSTS; i++) {
        free_ps[i] = START_PS + 1000000;
    }
    for (uint32_t i = 0; i < FRAMES; i++) {
        send_one(both, i, free_ps);
    }
    for (unsigned i = 0; i < HOSTS; i++) {
        last_ps = MAX(last_ps, free_ps[i]);
    }
    fabric_run(engine.f, last_ps + 1000000000);
    run_device(&device, last_ps + 1000000000);
    g_array_sort(engine.delivered, by_place);
    g_array_sort(device.delivered, by_place);
    assert_int_equal(engine.delivered->len, device.delivered->len);
    for (guint i = 0; i < engine.delivered->len; i++) {
        marks += g_array_index(engine.delivered, Delivery, i).ecn == 3;
        assert_memory_equal(&g_array_index(engine.delivered, Delivery, i),
                            &g_array_index(device.delivered, Delivery, i),
                            sizeof(Delivery));
    }
    print_message("%u delivered, %u of them marked, %u dropped\n",
                  engine.delivered->len, marks, engine.dropped);
    assert_int_equal(engine.dropped, device.dropped);
    assert_int_equal(engine.delivered->len + engine.dropped, FRAMES);
    assert_true(engine.dropped > 100 && marks > 100);
    end(&engine);
    end(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_instants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
