/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * receded-switch-test.c: the switch through QEMU: PCI, registers, links at
 * their instants, MSI-X, a reset, two switches on one cable, frames between two
 * link channels, and the state in a migration stream. What the registers mean is tested in tests/switch.
 */
#include "machine.h"

#include "link.h"
#include "switch_regs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DEV0 4
#define DEV1 5
#define BAR0 0xe0000000u
#define BAR1 0xe0100000u
#define MSIX_OFFSET 0x80000u /* of BAR 4 from BAR 0, both functions */
#define MSG_ADDR 0x1ff000u
#define MSG_DATA 0x4321u
#define MS 1000000 /* ns */
#define STATE_DOWN 0u
#define STATE_TRAINING 1u
#define STATE_UP 2u
#define STATE_FAILED 3u

#define SWITCHES                                                         \
    "-device", "outrigger-port,id=p0,cable=c0,delay-ps=5000", "-device", \
        "outrigger-port,id=p1,cable=c0,delay-ps=5000", "-device",        \
        "receded-switch,addr=4,bus=pcie.0,ports=:p0", "-device",         \
        "receded-switch,addr=5,bus=pcie.0,layout=flat,baseline=on,"      \
        "routing=manhattan,rows=2,ports=p1"

static const char *const two_switches[] = { SWITCHES, NULL };
static const char *const incoming[] = { SWITCHES, "-incoming", "defer", NULL };

typedef struct Bench {
    char *dir;
    Machine *m;
} Bench;

static int bench_up(void **state)
{
    Bench *b = g_new0(Bench, 1);

    b->dir = machine_make_dir();
    b->m = machine_start(b->dir, two_switches);
    machine_pci_map(b->m, DEV0, BAR0, MSIX_OFFSET);
    machine_pci_map(b->m, DEV1, BAR1, MSIX_OFFSET);
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

static uint32_t get(Machine *m, uint64_t addr)
{
    return (uint32_t)machine_read(m, addr, 4);
}

static uint64_t port_reg(uint64_t bar, unsigned port, uint32_t reg)
{
    return bar + RSW_PORT_BASE + port * RSW_PORT_BYTES + reg;
}

static void enable(Machine *m, uint64_t bar, unsigned port)
{
    machine_write(m, port_reg(bar, port, RSW_PORT_REG_CONTROL),
                  RSW_PORT_CONTROL_ENABLE, 4);
}

static uint32_t state_of(Machine *m, uint64_t bar, unsigned port)
{
    return get(m, port_reg(bar, port, RSW_PORT_REG_STATUS)) &
           RSW_PORT_STATUS_STATE;
}

static void enable_msix(Machine *m, unsigned dev, uint64_t bar)
{
    uint64_t entry = bar + MSIX_OFFSET;

    machine_write(m, entry, MSG_ADDR, 4);
    machine_write(m, entry + 4, 0, 4);
    machine_write(m, entry + 8, MSG_DATA, 4);
    machine_write(m, entry + 12, 0, 4);
    machine_pci_msix(m, dev, true);
}

static uint32_t message(Machine *m)
{
    uint32_t data = 0, none = 0;

    machine_ram_read(m, MSG_ADDR, &data, 4);
    machine_ram_write(m, MSG_ADDR, &none, 4);
    return data;
}

/* ---- tests ----------------------------------------------------------------- */

static void test_identity(void **state)
{
    Bench *b = *state;

    assert_int_equal(machine_pci_read(b->m, DEV0, 0x00, 4), 0x10f11af4);
    assert_int_equal(machine_pci_read(b->m, DEV0, 0x08, 4) >> 16, 0x0280);
    assert_int_equal(get(b->m, BAR0 + RSW_REG_MAGIC), RSW_MAGIC);
    assert_int_equal(get(b->m, BAR0 + RSW_REG_PORTS), 16);
    assert_int_equal(get(b->m, BAR1 + RSW_REG_PORTS), 32);
    assert_int_equal(get(b->m, port_reg(BAR0, 15, RSW_PORT_REG_TRACE_UM)),
                     181569);
    assert_int_equal(get(b->m, port_reg(BAR1, 15, RSW_PORT_REG_TRACE_UM)),
                     315000);
    assert_int_equal(get(b->m, BAR0 + RSW_BAR_BYTES - 4), 0);
}

/* 1 ms of training, and an interrupt at its end; over budget: never. */
static void test_training(void **state)
{
    Bench *b = *state;

    enable_msix(b->m, DEV1, BAR1);
    machine_write(b->m, BAR1 + RSW_REG_IRQ_ENABLE, UINT32_MAX, 4);
    enable(b->m, BAR1, 7);
    enable(b->m, BAR1, 15);
    assert_int_equal(state_of(b->m, BAR1, 7), STATE_TRAINING);
    machine_clock_step(b->m, MS);
    assert_int_equal(message(b->m), 0);
    machine_clock_step(b->m, 1); /* what is due at an instant comes after */
    assert_int_equal(message(b->m), MSG_DATA);
    assert_int_equal(state_of(b->m, BAR1, 7), STATE_UP);
    assert_int_equal(state_of(b->m, BAR1, 15), STATE_TRAINING);
    assert_int_equal(get(b->m, BAR1 + RSW_REG_IRQ_STATUS), 1u << 7);
    machine_write(b->m, BAR1 + RSW_REG_IRQ_STATUS, 1u << 7, 4);
    machine_clock_step(b->m, 2 * MS);
    assert_int_equal(state_of(b->m, BAR1, 15), STATE_FAILED);
    assert_int_equal(message(b->m), MSG_DATA);
    assert_int_equal(get(b->m, BAR1 + RSW_REG_IRQ_STATUS), 1u << 15);
}

static void test_refused_write(void **state)
{
    Bench *b = *state;

    machine_write(b->m, BAR0 + RSW_REG_PORTS, 1, 4);
    assert_int_equal(get(b->m, BAR0 + RSW_REG_STATUS),
                     RSW_STATUS_READY | RSW_STATUS_ERROR);
    machine_write(b->m, BAR0 + RSW_REG_STATUS, RSW_STATUS_ERROR, 4);
    assert_int_equal(get(b->m, BAR0 + RSW_REG_STATUS), RSW_STATUS_READY);
}

static void test_reset(void **state)
{
    Bench *b = *state;

    enable(b->m, BAR0, 3);
    machine_clock_step(b->m, MS + 1);
    assert_int_equal(state_of(b->m, BAR0, 3), STATE_UP);
    json_node_unref(machine_qmp(b->m, "system_reset", NULL));
    machine_clock_step(b->m, 1);
    machine_pci_map(b->m, DEV0, BAR0, MSIX_OFFSET);
    assert_int_equal(state_of(b->m, BAR0, 3), STATE_DOWN);
    assert_int_equal(get(b->m, port_reg(BAR0, 3, RSW_PORT_REG_LINK_UPS)), 0);
}

/* ---- migration ------------------------------------------------------------- */

static void wait_for(Machine *m, const char *wanted)
{
    for (unsigned i = 0; i < 1000; i++) {
        g_autoptr(JsonNode) n = machine_qmp(m, "query-migrate", NULL);
        const char *status = json_object_get_string_member_with_default(
            json_node_get_object(n), "status", "none");

        if (!strcmp(status, wanted)) {
            return;
        }
        if (!strcmp(status, "failed")) {
            fail_msg("migration failed");
        }
        g_usleep(10000);
    }
    fail_msg("migration is not %s", wanted);
}

/* Saved in the middle of training: the other machine's port comes up. */
static void test_migration(void **state)
{
    Bench *b = *state;
    g_autofree char *uri =
        g_strdup_printf("'uri': 'exec:cat > %s/state'", b->dir);
    g_autofree char *from =
        g_strdup_printf("'uri': 'exec:cat %s/state'", b->dir);
    uint32_t attempts;

    enable(b->m, BAR0, 3);
    machine_clock_step(b->m, MS + 1);
    enable(b->m, BAR0, 5);
    machine_clock_step(b->m, MS / 2);
    json_node_unref(machine_qmp(b->m, "migrate", uri));
    wait_for(b->m, "completed");
    machine_stop(b->m, true);
    b->m = machine_start(b->dir, incoming);
    json_node_unref(machine_qmp(b->m, "migrate-incoming", from));
    wait_for(b->m, "completed");
    json_node_unref(machine_qmp(b->m, "cont", NULL));
    assert_int_equal(state_of(b->m, BAR0, 3), STATE_UP);
    assert_int_equal(state_of(b->m, BAR0, 5), STATE_TRAINING);
    attempts = get(b->m, port_reg(BAR0, 5, RSW_PORT_REG_ATTEMPTS));
    assert_int_equal(attempts, 1);
    machine_clock_step(b->m, MS + 1);
    assert_int_equal(state_of(b->m, BAR0, 5), STATE_UP);
    assert_int_equal(get(b->m, port_reg(BAR0, 5, RSW_PORT_REG_ATTEMPTS)), 1);
}

/* ---- frames ---------------------------------------------------------------- */

#define POLL_NS 250000 /* without a clock a port looks that often */
#define FRAME_BYTES 1000u
#define PIPELINE_PS 400000u
#define SERIALISE_PS ((FRAME_BYTES + 24) * 8 * 10) /* 100 Gbit/s */

typedef struct Wires {
    Link *link[2]; /* at ports 0 and 1 of a switch */
    Bench b;
    int64_t now_ns;
} Wires;

static void wires_up(Wires *w)
{
    g_autofree char *port[2] = { NULL, NULL };
    const char *extra[] = {
        "-device", NULL,      "-device",
        NULL,      "-device", "receded-switch,addr=4,bus=pcie.0,ports=l0:l1",
        NULL
    };

    memset(w, 0, sizeof(*w));
    for (unsigned i = 0; i < 2; i++) {
        w->link[i] = link_create(NULL, LINK_DEFAULT_RING_BYTES, NULL);
        assert_non_null(w->link[i]);
        port[i] = g_strdup_printf("outrigger-port,id=l%u,link=%s", i,
                                  link_path(w->link[i]));
        extra[2 * i + 1] = port[i];
    }
    w->b.dir = machine_make_dir();
    w->b.m = machine_start(w->b.dir, extra);
    machine_pci_map(w->b.m, DEV0, BAR0, MSIX_OFFSET);
}

static void wires_down(Wires *w)
{
    machine_stop(w->b.m, false);
    g_free(w->b.dir);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(link_peer(w->link[i]), LINK_PEER_DEAD);
        link_close(w->link[i]);
    }
}

static void step(Wires *w, int64_t ns)
{
    w->now_ns = machine_clock_step(w->b.m, ns);
}

static void send(Wires *w, unsigned port, uint8_t fill)
{
    uint8_t frame[FRAME_BYTES];

    memset(frame, fill, sizeof(frame));
    memset(frame, 0xff, 6); /* to all */
    memset(frame + 6, 0x02 + 2 * port, 6);
    assert_true(link_send(w->link[port], (uint64_t)w->now_ns * 1000, LINK_FRAME,
                          0, frame, sizeof(frame)));
}

static uint32_t counter(Wires *w, unsigned port, unsigned which)
{
    return get(w->b.m, port_reg(BAR0, port, RSW_PORT_REG_COUNTERS) + 8 * which);
}

/*
 * Frames pass the device from one channel to the other, at instants that can be
 * told beforehand; not through ports that switch software or the far side has
 * put down; and the device's counters are what the channels saw.
 */
static void test_frames_between_links(void **state)
{
    uint64_t through_ps, seen_ps;
    const LinkMsg *msg;
    Wires w;

    (void)state;
    wires_up(&w);
    send(&w, 0, 0x11); /* both ports are down */
    enable(w.b.m, BAR0, 0);
    enable(w.b.m, BAR0, 1);
    step(&w, 2 * MS);
    assert_int_equal(state_of(w.b.m, BAR0, 0), STATE_UP);
    assert_int_equal(state_of(w.b.m, BAR0, 1), STATE_UP);
    assert_null(link_peek(w.link[1]));

    through_ps = get(w.b.m, port_reg(BAR0, 0, RSW_PORT_REG_DELAY_PS)) +
                 PIPELINE_PS + SERIALISE_PS +
                 get(w.b.m, port_reg(BAR0, 1, RSW_PORT_REG_DELAY_PS));
    for (unsigned i = 0; i < 20; i++) {
        unsigned to = i % 2 == 0;

        send(&w, !to, (uint8_t)i);
        seen_ps = (uint64_t)(w.now_ns / POLL_NS + 1) * POLL_NS * 1000;
        step(&w, 2 * POLL_NS);
        msg = link_peek(w.link[to]);
        assert_non_null(msg);
        assert_int_equal(msg->kind, LINK_FRAME);
        assert_int_equal(msg->len, FRAME_BYTES);
        assert_int_equal(msg->data[FRAME_BYTES - 1], i);
        assert_int_equal(msg->ps, seen_ps + through_ps);
        link_consume(w.link[to]);
        assert_null(link_peek(w.link[0]));
        assert_null(link_peek(w.link[1]));
    }
    for (unsigned port = 0; port < 2; port++) {
        assert_int_equal(counter(&w, port, RSW_RX_PACKETS), 10);
        assert_int_equal(counter(&w, port, RSW_RX_BYTES), 10 * FRAME_BYTES);
        assert_int_equal(counter(&w, port, RSW_TX_PACKETS), 10);
    }

    machine_write(w.b.m, port_reg(BAR0, 1, RSW_PORT_REG_CONTROL), 0, 4);
    send(&w, 0, 0x55);
    step(&w, 2 * POLL_NS);
    assert_null(link_peek(w.link[1]));
    enable(w.b.m, BAR0, 1);
    step(&w, 2 * MS);
    assert_true(link_send_state(w.link[1], (uint64_t)w.now_ns * 1000, 0, 0));
    step(&w, 2 * POLL_NS);
    assert_int_equal(state_of(w.b.m, BAR0, 1), STATE_TRAINING);
    send(&w, 0, 0x66);
    step(&w, 2 * POLL_NS);
    assert_null(link_peek(w.link[1]));
    assert_int_equal(counter(&w, 1, RSW_TX_PACKETS), 10);
    assert_int_equal(get(w.b.m, port_reg(BAR0, 1, RSW_PORT_REG_LINK_DOWNS)), 2);

    assert_true(
        link_send_state(w.link[1], (uint64_t)w.now_ns * 1000, 0, 100000000000));
    step(&w, 2 * MS);
    assert_int_equal(state_of(w.b.m, BAR0, 1), STATE_UP);
    send(&w, 0, 0x77);
    step(&w, 2 * POLL_NS);
    assert_non_null(link_peek(w.link[1]));
    wires_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_identity, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_training, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_refused_write, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(test_reset, bench_up, bench_down),
        cmocka_unit_test(test_frames_between_links),
        cmocka_unit_test_setup_teardown(test_migration, bench_up, bench_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
