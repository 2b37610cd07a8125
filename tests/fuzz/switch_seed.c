/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_seed.c: writes the seed corpus of switch_fuzz.c: each register
 * written and read, frames bridged and routed, marks, moves, spoiled states.
 */
#include "switch_ops.h"
#include "switch_regs.h"
#include "seed.h"

static void set(uint32_t reg, uint32_t value)
{
    le(FUZZ_WRITE, 1);
    le(reg / 4, 2);
    le(value, 4);
}

static void forward(unsigned units)
{
    le(FUZZ_TIME, 1);
    le(units, 2);
}

static void frame(unsigned port, unsigned to, unsigned from, unsigned len,
                  unsigned tos)
{
    const uint8_t header[FUZZ_HEADER_BYTES] = { 2,    0,
                                                0,    0,
                                                0,    (uint8_t)to,
                                                2,    0,
                                                0,    0,
                                                0,    (uint8_t)from,
                                                8,    0,
                                                0x45, (uint8_t)tos,
                                                0,    0,
                                                0,    0,
                                                0,    0,
                                                64,   17,
                                                0,    0,
                                                10,   0,
                                                0,    (uint8_t)from,
                                                10,   0,
                                                0,    (uint8_t)to,
                                                1,    2,
                                                3,    4 };

    le(FUZZ_FRAME, 1);
    le(port, 1);
    le(len, 2);
    g_byte_array_append(out, header, sizeof(header));
}

static void bring_up(void)
{
    for (unsigned p = 0; p < 16; p++) {
        set(RSW_PORT_BASE + p * RSW_PORT_BYTES, RSW_PORT_CONTROL_ENABLE);
    }
    forward(50);
}

static void traffic(unsigned control)
{
    bring_up();
    set(RSW_REG_CONTROL, control);
    for (unsigned i = 0; i < 12; i++) {
        frame(i % 4, i % 3, 3 + i % 4, 60 + i * 800, i * 37);
        forward(i % 3);
    }
    le(FUZZ_MOVE, 1);
    forward(100);
    for (unsigned n = 0; n < RSW_COUNTERS; n++) {
        le(FUZZ_READ, 1);
        le((RSW_PORT_BASE + 0x40 + 8 * n) / 4, 2);
    }
}

static void tables(void)
{
    le(1, 1);
    set(RSW_REG_GROUP, 3);
    set(RSW_REG_GROUP_COMMAND, RSW_GROUP_BEGIN);
    set(RSW_REG_GROUP_MEMBER, 1);
    set(RSW_REG_GROUP_MEMBER, 2);
    set(RSW_REG_GROUP_COMMAND, RSW_GROUP_COMMIT);
    set(RSW_REG_ROUTE_PREFIX, 0x0a000000);
    set(RSW_REG_ROUTE_LENGTH, 8);
    set(RSW_REG_ROUTE_GROUP, 3);
    set(RSW_REG_MAC_LO, 5);
    set(RSW_REG_MAC_HI, 0x200);
    for (unsigned c = 1; c <= 4; c++) {
        set(RSW_REG_ROUTE_COMMAND, c);
        set(RSW_REG_MAC_COMMAND, c);
    }
    set(RSW_REG_ROUTE_COMMAND, RSW_COMMAND_ADD);
    traffic(RSW_CONTROL_FORWARD | RSW_CONTROL_L3);
}

static void registers(void)
{
    le(2, 1);
    for (unsigned reg = 0; reg < 0xc0; reg += 4) {
        le(FUZZ_READ, 1);
        le(reg / 4, 2);
        set(reg, 3);
    }
    for (unsigned reg = 0; reg < RSW_PORT_BYTES; reg += 4) {
        le(FUZZ_READ, 1);
        le((RSW_PORT_BASE + reg) / 4, 2);
        set(RSW_PORT_BASE + reg, 0xf);
    }
}

static void spoil(void)
{
    le(3, 1);
    traffic(RSW_CONTROL_FORWARD);
    frame(1, 9, 9, 1500, 2);
    for (unsigned i = 0; i < 40; i++) {
        le(FUZZ_SPOIL, 1);
        le(i * i * 3, 4);
        le(1u << (i % 8), 1);
    }
    le(FUZZ_SIGNAL, 1);
    le(0, 2);
    set(RSW_REG_CONTROL, RSW_CONTROL_RESET);
}

static void forwarding(void)
{
    le(0, 1); /* the layout */
    traffic(RSW_CONTROL_FORWARD);
}

int main(int argc, char **argv)
{
    static const Seed seeds[] = {
        { "forwarding", forwarding },
        { "tables", tables },
        { "registers", registers },
        { "spoil", spoil },
    };

    return seeds_write(argc, argv, seeds, G_N_ELEMENTS(seeds));
}
