/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_device_test.c: the device through its registers: links, interrupts,
 * frames at exact instants, bit errors, tables, counters, saved state, and
 * guests that write nonsense.
 */
#include "switch_core.h"
#include "switch_device.h"
#include "switch_regs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000000ull
#define NS 1000ull

typedef struct Sent {
    unsigned port;
    uint64_t depart_ps;
    uint32_t len;
    uint8_t tos, last;
} Sent;

static SwitchDevice *d;
static GArray *sent;
static unsigned interrupts, losses, refused;

static void on_send(void *opaque, unsigned port, uint64_t depart_ps,
                    const void *frame, uint32_t len)
{
    const uint8_t *bytes = frame;
    Sent s;

    memset(&s, 0, sizeof(s)); /* padding too: they are compared */
    s.port = port;
    s.depart_ps = depart_ps;
    s.len = len;
    s.tos = bytes[15];
    s.last = bytes[len - 1];
    g_array_append_val(sent, s);
}

static void on_interrupt(void *opaque, unsigned vector)
{
    assert_int_equal(vector, 0);
    interrupts++;
}

static void on_event(void *opaque, SwitchDeviceEvent event, unsigned port,
                     uint64_t at_ps, uint64_t value)
{
    losses += event == SWITCH_DEVICE_BIT_ERROR;
    refused += event == SWITCH_DEVICE_REFUSED;
}

static const SwitchDeviceOps ops = { on_send, on_interrupt, on_event };

static SwitchDevice *make(GeometryLayout layout, GeometryRouting routing)
{
    SwitchDeviceConfig c;
    SwitchDevice *made;
    char *err;

    switch_device_config_default(&c);
    geometry_defaults(&c.board, layout);
    c.board.routing = routing;
    made = switch_device_new(&c, &ops, NULL, &err);
    assert_non_null(made);
    return made;
}

static void start(GeometryLayout layout, GeometryRouting routing)
{
    switch_device_free(d);
    d = make(layout, routing);
    g_array_set_size(sent, 0);
    interrupts = losses = refused = 0;
}

static int setup(void **state)
{
    sent = g_array_new(FALSE, FALSE, sizeof(Sent));
    start(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR);
    return 0;
}

static int teardown(void **state)
{
    switch_device_free(d);
    d = NULL;
    g_array_free(sent, TRUE);
    return 0;
}

static uint64_t port_reg(unsigned port, uint32_t reg)
{
    return RSW_PORT_BASE + port * RSW_PORT_BYTES + reg;
}

static void enable(unsigned port, uint64_t now_ps)
{
    switch_device_write(d, now_ps, port_reg(port, RSW_PORT_REG_CONTROL),
                        RSW_PORT_CONTROL_ENABLE);
}

static uint32_t state_of(unsigned port, uint64_t now_ps)
{
    return switch_device_read(d, now_ps, port_reg(port, RSW_PORT_REG_STATUS)) &
           RSW_PORT_STATUS_STATE;
}

static uint64_t counter(unsigned port, RswCounter which, uint64_t now_ps)
{
    uint64_t at = port_reg(port, RSW_PORT_REG_COUNTERS + 8 * which);
    uint64_t lo = switch_device_read(d, now_ps, at);

    return lo | (uint64_t)switch_device_read(d, now_ps, at + 4) << 32;
}

/* From station @from to @to; TOS @tos; the last byte tells frames apart. */
static void frame(unsigned port, uint64_t ps, unsigned to, unsigned from,
                  uint32_t len, uint8_t tos, uint8_t last)
{
    uint8_t bytes[SWITCH_MAX_BYTES + 1] = {
        2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0, 0x45, tos,
    };
    uint32_t sum = 0;

    bytes[14 + 12] = 10;
    bytes[14 + 15] = from;
    bytes[14 + 16] = 10;
    bytes[14 + 19] = to;
    for (unsigned i = 0; i < 10; i++) {
        sum += bytes[14 + 2 * i] << 8 | bytes[15 + 2 * i];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    bytes[24] = (uint8_t)(~sum >> 8);
    bytes[25] = (uint8_t)~sum;
    bytes[len - 1] = last;
    switch_device_receive(d, port, ps, bytes, len);
}

/* ---- registers ----------------------------------------------------------- */

static void test_identity(void **state)
{
    start(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR);
    assert_int_equal(switch_device_read(d, 0, RSW_REG_MAGIC), RSW_MAGIC);
    assert_int_equal(switch_device_read(d, 0, RSW_REG_PORTS), 16);
    assert_int_equal(switch_device_read(d, 0, RSW_REG_BOARD),
                     GEOMETRY_TRIANGULAR | 1 << 6 | 16 << 8 | 8 << 16);
    assert_int_equal(switch_device_read(d, 0, RSW_REG_GEOMETRY_ID),
                     geometry_id(switch_device_geometry(d)));
    assert_int_equal(switch_device_read(d, 0, RSW_REG_LANE), 25000);
    assert_int_equal(switch_device_read(d, 0, RSW_REG_BUDGET_MDB), 7000);
    assert_int_equal(
        switch_device_read(d, 0, port_reg(15, RSW_PORT_REG_TRACE_UM)), 181569);
    assert_int_equal(
        switch_device_read(d, 0, port_reg(15, RSW_PORT_REG_LOSS_MDB)), 6434);
    assert_int_equal(
        switch_device_read(d, 0, port_reg(15, RSW_PORT_REG_MARGIN_MDB)), 566);
    assert_int_equal(
        switch_device_read(d, 0, port_reg(15, RSW_PORT_REG_POSITION)),
        15 | 7 << 16);
    assert_int_equal(
        switch_device_read(d, 0, port_reg(0, RSW_PORT_REG_RATE_MBPS)), 100000);
    assert_int_equal(switch_device_read(d, 0, port_reg(16, 0)), 0);
    assert_int_equal(switch_device_read(d, 0, 2), 0);
    assert_int_equal(switch_device_read(d, 0, UINT64_MAX & ~3ull), 0);
}

static void test_links_and_interrupts(void **state)
{
    start(GEOMETRY_FLAT, GEOMETRY_MANHATTAN);
    switch_device_write(d, 0, RSW_REG_IRQ_ENABLE, 1u << 7);
    enable(7, 0);
    enable(0, 0); /* 11.2 dB */
    assert_int_equal(state_of(7, MS), SERDES_TRAINING);
    assert_int_equal(state_of(7, MS + 1), SERDES_UP);
    assert_int_equal(interrupts, 1);
    assert_int_equal(switch_device_read(d, MS + 1, RSW_REG_IRQ_STATUS),
                     1u << 7);
    assert_int_equal(state_of(0, 3 * MS), SERDES_TRAINING);
    assert_int_equal(state_of(0, 3 * MS + 1), SERDES_FAILED);
    assert_int_equal(interrupts, 1); /* not enabled for port 0 */
    assert_int_equal(switch_device_read(d, 4 * MS, RSW_REG_IRQ_STATUS),
                     1u << 7 | 1);
    switch_device_write(d, 4 * MS, RSW_REG_IRQ_STATUS, 1u << 7);
    assert_int_equal(switch_device_read(d, 4 * MS, RSW_REG_IRQ_STATUS), 1);
    switch_device_write(d, 4 * MS, RSW_REG_IRQ_ENABLE, 1); /* is pending */
    assert_int_equal(interrupts, 2);
    switch_device_signal(d, 7, false, 5 * MS);
    assert_int_equal(state_of(7, 6 * MS), SERDES_TRAINING);
    assert_int_equal(
        switch_device_read(d, 6 * MS, port_reg(7, RSW_PORT_REG_LINK_DOWNS)), 1);
    /* a retimer is fitted with the port disabled */
    switch_device_write(d, 7 * MS, port_reg(0, RSW_PORT_REG_CONTROL),
                        RSW_PORT_CONTROL_RETIMER);
    switch_device_write(d, 7 * MS, port_reg(0, RSW_PORT_REG_CONTROL),
                        RSW_PORT_CONTROL_RETIMER | RSW_PORT_CONTROL_ENABLE);
    assert_int_equal(state_of(0, 8 * MS + 1), SERDES_UP);
    assert_int_equal(refused, 0);
}

/* ---- frames -------------------------------------------------------------- */

static void bring_up(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        enable(i, 0);
    }
    switch_device_run(d, 2 * MS);
}

static void test_exact_departure(void **state)
{
    const Geometry *g;
    uint64_t in_ps, at = 3 * MS;

    start(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR);
    g = switch_device_geometry(d);
    bring_up(2);
    frame(0, at, 2, 1, 1000, 0, 7);
    assert_int_equal(switch_device_next_ps(d), at + g->port[0].delay_ps);
    switch_device_run(d, at + MS);
    assert_int_equal(sent->len, 1);
    in_ps = at + g->port[0].delay_ps + 400 * NS; /* the pipeline */
    assert_int_equal(g_array_index(sent, Sent, 0).port, 1);
    assert_int_equal(g_array_index(sent, Sent, 0).depart_ps,
                     in_ps + 1024 * 80 + g->port[1].delay_ps);
    assert_int_equal(g_array_index(sent, Sent, 0).last, 7);
    assert_int_equal(counter(0, RSW_RX_PACKETS, at + MS), 1);
    assert_int_equal(counter(0, RSW_RX_BYTES, at + MS), 1000);
    assert_int_equal(counter(1, RSW_TX_PACKETS, at + MS), 1);
    assert_true(switch_device_next_ps(d) == UINT64_MAX);
    assert_true(switch_device_latency_ps(d) <=
                g_array_index(sent, Sent, 0).depart_ps - at);
}

/* Flooded, then learned; a port that is down takes nothing. */
static void test_bridging(void **state)
{
    uint64_t at = 3 * MS;

    start(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR);
    bring_up(4);
    frame(0, at, 2, 1, 100, 0, 1);
    switch_device_run(d, at + MS);
    assert_int_equal(sent->len, 3);
    frame(2, at + MS, 1, 2, 100, 0, 2);
    switch_device_run(d, at + 2 * MS);
    assert_int_equal(sent->len, 4);
    assert_int_equal(g_array_index(sent, Sent, 3).port, 0);
    frame(9, at + 2 * MS, 1, 3, 100, 0, 3); /* port 9 is down */
    switch_device_run(d, at + 3 * MS);
    assert_int_equal(sent->len, 4);
    assert_int_equal(counter(9, RSW_DROPS_PORT_DOWN, at + 3 * MS), 1);
    assert_int_equal(switch_device_read(d, at + 3 * MS, RSW_REG_MAC_COUNT), 2);
    /* blocked */
    switch_device_write(d, at + 3 * MS, port_reg(0, RSW_PORT_REG_CONTROL),
                        RSW_PORT_CONTROL_ENABLE | RSW_PORT_CONTROL_BLOCK);
    frame(2, at + 3 * MS, 1, 2, 100, 0, 4);
    switch_device_run(d, at + 4 * MS);
    assert_int_equal(sent->len, 4);
    assert_int_equal(counter(2, RSW_DROPS_NO_ROUTE, at + 4 * MS), 1);
}

static void test_routing(void **state)
{
    uint64_t at = 3 * MS;

    start(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR);
    bring_up(4);
    switch_device_write(d, at, RSW_REG_CONTROL,
                        RSW_CONTROL_FORWARD | RSW_CONTROL_L3);
    switch_device_write(d, at, RSW_REG_GROUP, 5);
    switch_device_write(d, at, RSW_REG_GROUP_COMMAND, RSW_GROUP_BEGIN);
    switch_device_write(d, at, RSW_REG_GROUP_MEMBER, 3);
    switch_device_write(d, at, RSW_REG_GROUP_COMMAND, RSW_GROUP_COMMIT);
    switch_device_write(d, at, RSW_REG_ROUTE_PREFIX, 0x0a000000);
    switch_device_write(d, at, RSW_REG_ROUTE_LENGTH, 24);
    switch_device_write(d, at, RSW_REG_ROUTE_GROUP, 5);
    switch_device_write(d, at, RSW_REG_ROUTE_COMMAND, RSW_COMMAND_ADD);
    switch_device_write(d, at, RSW_REG_ROUTE_PREFIX, 0x0a000002);
    switch_device_write(d, at, RSW_REG_ROUTE_COMMAND, RSW_COMMAND_FIND);
    assert_int_equal(switch_device_read(d, at, RSW_REG_ROUTE_GROUP), 5);
    frame(0, at, 2, 1, 100, 0, 1);
    switch_device_run(d, at + MS);
    assert_int_equal(sent->len, 1);
    assert_int_equal(g_array_index(sent, Sent, 0).port, 3);
    switch_device_write(d, at + MS, RSW_REG_ROUTE_COMMAND,
                        RSW_COMMAND_REMOVE); /* 10.0.0.2/24 is 10.0.0.0/24 */
    frame(0, at + MS, 2, 1, 100, 0, 1);
    switch_device_run(d, at + 2 * MS);
    assert_int_equal(sent->len, 1);
    assert_int_equal(counter(0, RSW_DROPS_NO_ROUTE, at + 2 * MS), 1);
    assert_int_equal(refused, 0);
}

/* Over budget, but up: frames are lost, at about the rate the board gives. */
static void test_bit_errors(void **state)
{
    const unsigned n = 2000;
    uint64_t ps = 3 * MS, in, out;

    start(GEOMETRY_FLAT, GEOMETRY_OCTILINEAR);
    for (unsigned i = 0; i < 16; i += 15) {
        enable(i, 0);
    }
    assert_int_equal(state_of(0, 2 * MS), SERDES_UP);
    for (unsigned i = 0; i < n; i++, ps += MS / 100) {
        frame(0, ps, 2, 1, 9000, 0, 1);
    }
    switch_device_run(d, ps);
    in = counter(0, RSW_RX_BIT_ERRORS, ps);
    out = counter(15, RSW_TX_BIT_ERRORS, ps);
    /* 4.91e-7 of 72,032 bits: 3.5 % on each of two traces */
    assert_in_range(in, 40, 110);
    assert_in_range(out, 40, 110);
    assert_int_equal(losses, in + out);
    assert_int_equal(sent->len, n - in - out);

    start(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR);
    bring_up(2);
    for (unsigned i = 0; i < n; i++, ps += MS / 100) {
        frame(0, ps, 2, 1, 9000, 0, 1);
    }
    switch_device_run(d, ps);
    assert_int_equal(sent->len, n);
    assert_int_equal(losses, 0);
}

/* Three ports send to one: its queue grows and ECT frames get CE, with a
 * header checksum that still holds. */
static void test_marking(void **state)
{
    uint64_t at = 3 * MS;
    unsigned marked = 0;

    start(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR);
    bring_up(4);
    frame(0, at, 9, 1, 100, 0, 0); /* teaches where station 1 is */
    switch_device_run(d, at + MS);
    g_array_set_size(sent, 0);
    for (unsigned i = 0; i < 60; i++) {
        for (unsigned port = 1; port < 4; port++) {
            frame(port, at + MS + i * 722 * NS, 1, 1 + port, 9000, 2, 0);
        }
    }
    switch_device_run(d, at + 2 * MS);
    for (guint i = 0; i < sent->len; i++) {
        marked += g_array_index(sent, Sent, i).tos == 3;
    }
    assert_int_equal(sent->len, 180);
    assert_true(marked > 20);
    assert_int_equal(counter(0, RSW_MARKED, at + 2 * MS), marked);
}

/* ---- nonsense ------------------------------------------------------------ */

static void test_refused(void **state)
{
    static const struct {
        uint64_t addr;
        uint32_t value;
    } writes[] = {
        { RSW_REG_MAGIC, 1 },          { RSW_REG_MAC_COMMAND, 9 },
        { RSW_REG_MAC_COMMAND, 1 },    { RSW_REG_ROUTE_COMMAND, 0 },
        { RSW_REG_ROUTE_COMMAND, 2 },  { RSW_REG_GROUP_COMMAND, 7 },
        { RSW_REG_GROUP_MEMBER, 16 },  { 0xffc, 1 },
        { RSW_PORT_BASE + 0x1000, 1 }, { RSW_PORT_BASE + 4, 1 },
    };

    start(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR);
    for (unsigned i = 0; i < G_N_ELEMENTS(writes); i++) {
        switch_device_write(d, 0, writes[i].addr, writes[i].value);
        assert_int_equal(refused, i + 1);
        assert_int_equal(switch_device_read(d, 0, RSW_REG_STATUS),
                         RSW_STATUS_READY | RSW_STATUS_ERROR);
        switch_device_write(d, 0, RSW_REG_STATUS, RSW_STATUS_ERROR);
        assert_int_equal(switch_device_read(d, 0, RSW_REG_STATUS),
                         RSW_STATUS_READY);
    }
}

/* Random writes, frames and resets: nothing breaks, state survives. */
static uint32_t random_state = 12345;

static uint32_t any(uint32_t n)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % n;
}

static uint64_t random_step(uint64_t now)
{
    static const uint32_t values[] = { 0, 1, 2, 3, 4, 5, 15, 32, 0xa000000 };

    now += any(1500) * NS;
    switch (any(6)) {
    case 0:
        switch_device_write(d, now, any(0x30) * 4, values[any(9)] & ~8u);
        switch_device_write(d, now, RSW_REG_CONTROL,
                            RSW_CONTROL_FORWARD | (any(2) * RSW_CONTROL_L3));
        break;
    case 1:
        enable(any(16), now);
        break;
    case 2:
        if (any(100) == 0) {
            switch_device_signal(d, any(16), any(4) != 0, now);
        }
        break;
    case 3:
        switch_device_read(d, now, any(RSW_BAR_BYTES));
        break;
    default:
        frame(any(16), now, any(5), any(5), 60 + any(2000), (uint8_t)any(256),
              (uint8_t)any(256));
    }
    return now;
}

/* Steps from @now with device @which; what it sent is left in `sent`. */
static uint64_t go_on(SwitchDevice *which, unsigned steps, uint64_t now)
{
    g_array_set_size(sent, 0);
    d = which;
    for (unsigned i = 0; i < steps; i++) {
        now = random_step(now);
    }
    return now;
}

static SwitchDevice *copy_of_device(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    SwitchDevice *other = make(GEOMETRY_STAIR, GEOMETRY_OCTILINEAR);
    char *err = NULL;

    switch_device_save(d, saved);
    if (!switch_device_load(other, saved->data, saved->len, &err)) {
        fail_msg("%s", err);
    }
    return other;
}

static void test_save_anywhere(void **state)
{
    uint64_t now = 0, total = 0;

    start(GEOMETRY_STAIR, GEOMETRY_OCTILINEAR);
    for (unsigned i = 0; i < 16; i++) {
        enable(i, 0);
    }
    for (unsigned round = 0; round < 60; round++) {
        SwitchDevice *first = d, *other = copy_of_device();
        uint32_t random_then = random_state;
        uint64_t end = go_on(first, 300, now);
        GArray *theirs = sent;

        sent = g_array_new(FALSE, FALSE, sizeof(Sent));
        random_state = random_then;
        assert_int_equal(go_on(other, 300, now), end);
        assert_int_equal(sent->len, theirs->len);
        assert_memory_equal(sent->data, theirs->data, sent->len * sizeof(Sent));
        total += sent->len;
        g_array_free(theirs, TRUE);
        switch_device_free(first);
        now = end;
    }
    assert_true(total > 5000);
}

static void test_load_refuses(void **state)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    SwitchDevice *other;
    char *err = NULL;

    start(GEOMETRY_STAIR, GEOMETRY_OCTILINEAR);
    bring_up(4);
    frame(0, 3 * MS, 2, 1, 100, 0, 1);
    switch_device_save(d, saved);
    for (guint len = 0; len < saved->len; len += 7) {
        assert_false(switch_device_load(d, saved->data, len, &err));
        g_clear_pointer(&err, g_free);
    }
    other = make(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR);
    assert_false(switch_device_load(other, saved->data, saved->len, &err));
    assert_non_null(strstr(err, "another board"));
    g_clear_pointer(&err, g_free);
    switch_device_free(other);
    /* what was refused changed nothing */
    switch_device_run(d, 5 * MS);
    assert_int_equal(sent->len, 3);
    /* bytes turned over at random: refused, or at least harmless */
    for (unsigned i = 0; i < 3000; i++) {
        g_autofree uint8_t *copy = g_memdup2(saved->data, saved->len);

        copy[any(saved->len)] ^= 1u << any(8);
        if (!switch_device_load(d, copy, saved->len, &err)) {
            g_clear_pointer(&err, g_free);
        }
    }
}

static void test_reset(void **state)
{
    start(GEOMETRY_TRIANGULAR, GEOMETRY_OCTILINEAR);
    bring_up(3);
    frame(0, 3 * MS, 2, 1, 100, 0, 1);
    switch_device_write(d, 3 * MS, RSW_REG_CONTROL, RSW_CONTROL_RESET);
    switch_device_run(d, 4 * MS);
    assert_int_equal(sent->len, 0);
    assert_int_equal(state_of(0, 4 * MS), SERDES_DOWN);
    assert_int_equal(counter(0, RSW_RX_PACKETS, 4 * MS), 0);
    assert_int_equal(switch_device_read(d, 4 * MS, RSW_REG_CONTROL),
                     RSW_CONTROL_FORWARD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_links_and_interrupts),
        cmocka_unit_test(test_exact_departure),
        cmocka_unit_test(test_bridging),
        cmocka_unit_test(test_routing),
        cmocka_unit_test(test_bit_errors),
        cmocka_unit_test(test_marking),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_save_anywhere),
        cmocka_unit_test(test_load_refuses),
        cmocka_unit_test(test_reset),
    };

    return cmocka_run_group_tests(tests, setup, teardown) != 0;
}
