/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_seed.c: writes rdt_fuzz.c's first inputs: exchanges with and without
 * faults, forged packets of each kind, saved states.
 */
#include "rdt_ops.h"
#include "rdt_wire.h"
#include "seed.h"

static void op(RdtOp o, unsigned a, unsigned b)
{
    le(o, 1);
    le(a, 1);
    le(b, 1);
}

static void op1(RdtOp o, unsigned a)
{
    le(o, 1);
    le(a, 1);
}

static void send_message(unsigned end, unsigned bytes)
{
    op1(RDT_OP_SEND, end);
    le(bytes / 8, 2);
}

static void wait_us(unsigned us)
{
    le(RDT_OP_TIME, 1);
    le(us, 2);
    le(20, 1); /* 2^20 ps are about 1 us */
}

static void exchange(void)
{
    for (unsigned i = 0; i < 12; i++) {
        send_message(i & 1, i * 700);
        op1(RDT_OP_ALL, 40);
        wait_us(5);
        op1(RDT_OP_ALL, 40);
    }
    op1(RDT_OP_LIFE, 0);
    op1(RDT_OP_LIFE, 1);
    for (unsigned i = 0; i < 6; i++) {
        op1(RDT_OP_ALL, 40);
        wait_us(30);
    }
    wait_us(20000);
}

static void faults(void)
{
    for (unsigned i = 0; i < 30; i++) {
        send_message(i & 1, i * 300);
        op(RDT_OP_WIRE, i * 7,
           i % 5 == 0   ? 1
           : i % 5 == 1 ? 2
           : i % 5 == 2 ? 4
                        : 0);
        op(RDT_OP_WIRE, i, 8);
        le(i * 3, 2);
        le(1, 1);
        op(RDT_OP_WIRE, i, 16);
        le(i * 9, 2);
        wait_us(i * 4);
        op1(RDT_OP_ALL, 10);
        op1(RDT_OP_REPLACE, i & 1);
    }
    wait_us(3000);
    op1(RDT_OP_ALL, 64);
}

static void silence(void)
{
    send_message(0, 5000);
    for (unsigned i = 0; i < 12; i++) {
        wait_us(60000);
        for (unsigned k = 0; k < 10; k++) {
            op(RDT_OP_WIRE, 0, 1);
        }
    }
    op1(RDT_OP_ALL, 64);
    for (unsigned i = 0; i < 20; i++) {
        wait_us(60000);
    }
}

static void credit(void)
{
    op1(RDT_OP_LIFE, 1 | 3 << 1);
    for (unsigned i = 0; i < 80; i++) {
        send_message(0, 2000);
        op1(RDT_OP_ALL, 40);
        wait_us(10);
    }
    wait_us(2000);
    op1(RDT_OP_LIFE, 1 | 3 << 1);
    for (unsigned i = 0; i < 10; i++) {
        op1(RDT_OP_ALL, 64);
        wait_us(300);
    }
}

static void forge(unsigned end, unsigned kind, uint64_t number,
                  const uint8_t *body, unsigned len)
{
    op(RDT_OP_FORGE, end, kind);
    le(0, 1);
    le(number, 8);
    le(len, 1);
    g_byte_array_append(out, body, len);
}

static void forgeries(void)
{
    uint8_t body[256] = { 0 };
    RdtData d = { .stride = RDT_MIN_STRIDE, .message_bytes = 1000 };
    RdtAck a = { .n_ranges = 2, .ranges = { { 5, 2, true }, { 2, 1, false } } };
    RdtClose c = { 0, 0 };

    send_message(0, 4000);
    send_message(1, 4000);
    for (unsigned i = 0; i < 8; i++) {
        d.message = i % 3;
        d.fragment = (uint16_t)(i % 4);
        d.bytes = body;
        d.len = 100;
        forge(i & 1, RDT_KIND_DATA, 100 + i * i, body, rdt_put_data(body, &d));
        a.ranges[0].last = 5 + i;
        forge(i & 1, RDT_KIND_ACK, RDT_ACK_SPACE + i, body,
              rdt_put_ack(body, &a));
        forge(i & 1, RDT_KIND_PROBE, 300 + 9000 * i, body, 0);
        wait_us(10);
    }
    forge(0, RDT_KIND_CLOSE, 90000, body, rdt_put_close(body, &c));
    c.reason = 1;
    forge(1, RDT_KIND_CLOSE, 90000, body, rdt_put_close(body, &c));
    le(RDT_OP_RAW, 1);
    le(1, 1);
    le(60, 1);
    g_byte_array_append(out, body, 60);
    le(RDT_OP_FRAME, 1);
    le(60, 1);
    g_byte_array_append(out, body, 60);
}

static void keys(void)
{
    for (unsigned k = 1; k < 5; k++) {
        op(RDT_OP_KEY, 0, k);
        op(RDT_OP_KEY, 1, k);
        send_message(0, 3000);
        op1(RDT_OP_ALL, 3);
        op(RDT_OP_KEY, 2, 0);
        send_message(1, 3000);
        op1(RDT_OP_ALL, 30);
        op(RDT_OP_KEY, 3, 0);
        op1(RDT_OP_REPLACE, 0);
        op1(RDT_OP_ALL, 30);
        wait_us(10);
    }
    for (unsigned i = 0; i < 18; i++) { /* epochs */
        send_message(0, 29600);
        for (unsigned k = 0; k < 4; k++) {
            op1(RDT_OP_ALL, 64);
            wait_us(8);
        }
    }
}

static void lives(void)
{
    for (unsigned what = 0; what < 5; what++) {
        send_message(0, 3000);
        op1(RDT_OP_ALL, 5);
        op1(RDT_OP_LIFE, what << 1);
        op1(RDT_OP_REPLACE, 0);
        op1(RDT_OP_ALL, 20);
        wait_us(100);
        op1(RDT_OP_LIFE, 2 << 1 | (what & 1));
        op(RDT_OP_DAMAGE, what & 1, 2);
        le(500 + 997 * what, 2);
        le(1, 1);
        le(2300 + 31 * what, 2);
        le(1, 1);
    }
}

int main(int argc, char **argv)
{
    static const Seed seeds[] = {
        { "exchange", exchange },   { "faults", faults },
        { "silence", silence },     { "credit", credit },
        { "forgeries", forgeries }, { "keys", keys },
        { "lives", lives },
    };

    return seeds_write(argc, argv, seeds, G_N_ELEMENTS(seeds));
}
