/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_seed.c: writes the seed corpus of switch_fuzz.c: each register
 * written and read, frames bridged and routed, marks, moves, spoiled states.
 */
#include "switch_ops.h"
#include "switch_regs.h"

#include <glib.h>
#include <stdint.h>
#include <stdio.h>

static GByteArray *out;

static void le(uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t b = (uint8_t)(v >> (8 * i));

        g_byte_array_append(out, &b, 1);
    }
}

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

static void write_seed(const char *dir, unsigned n)
{
    g_autofree char *path = g_strdup_printf("%s/seed-%u", dir, n);

    g_file_set_contents(path, (char *)out->data, out->len, NULL);
    g_byte_array_set_size(out, 0);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    out = g_byte_array_new();
    for (unsigned layout = 0; layout < 4; layout++) {
        le(layout, 1);
        switch (layout) {
        case 0:
            traffic(RSW_CONTROL_FORWARD);
            break;
        case 1:
            tables();
            break;
        case 2:
            registers();
            break;
        default:
            spoil();
        }
        write_seed(argv[1], layout);
    }
    g_byte_array_free(out, TRUE);
    return 0;
}
