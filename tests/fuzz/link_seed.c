/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_seed.c: writes the seed corpus of link_fuzz.c: traffic in both
 * directions, refusals, restarts, and each way to spoil a channel.
 */
#include "link_ops.h"
#include "link_proto.h"
#include "seed.h"

static void op(unsigned o, unsigned side)
{
    le(o, 1);
    le(side, 1);
}

static void send(unsigned side, int step, unsigned kind, unsigned len)
{
    op(FUZZ_SEND, side);
    le(step, 1);
    le(kind, 1);
    le(3, 1);
    le(len, 2);
}

static void count(unsigned o, unsigned side, unsigned n)
{
    op(o, side);
    le(n, 1);
}

static void traffic(void)
{
    for (unsigned i = 0; i < 12; i++) {
        send(i & 1, i, LINK_OUTPUT, i * 900);
        count(FUZZ_FRAMES, !(i & 1), 40);
        op(FUZZ_UNCONSUMED, i & 1);
        op(FUZZ_PEEK_PS, !(i & 1));
        count(FUZZ_STATE, i & 1, i & 2);
        count(FUZZ_RECEIVE, !(i & 1), i * 5);
        op(FUZZ_PEER, i & 1);
    }
}

static void refusals(void)
{
    for (unsigned i = 0; i < 4; i++) {
        send(0, 1, LINK_FRAME, 64);
        send(0, i == 0 ? -1 : 1, i == 1 ? LINK_PAD : LINK_KINDS - (i == 2),
             i == 3 ? LINK_MAX_PAYLOAD_BYTES + 1 : 5);
        count(FUZZ_RECEIVE, 0, 9);
        op(FUZZ_UNCONSUMED, 0);
        op(FUZZ_RESET, 1);
        le(FUZZ_ATTACH, 1);
    }
}

static void restarts(void)
{
    for (unsigned i = 0; i < 4; i++) {
        traffic();
        le(FUZZ_LEAVE, 1);
        op(FUZZ_PEER, 0);
        op(FUZZ_RESET, 0);
        op(FUZZ_PEER, 0);
        le(FUZZ_ATTACH, 1);
    }
    op(FUZZ_RESET, 1); /* it only seemed to have died */
    traffic();
}

static void forged(void)
{
    static const struct {
        uint32_t len;
        uint16_t kind;
        uint16_t more;
    } records[] = {
        { 64, LINK_FRAME, 80 },
        { 64, LINK_FRAME, 64 },
        { 16, LINK_CONTROL, 32 },
        { 9, LINK_INPUT, 32 },
        { 0, LINK_OUTPUT, 8 },
        { 9729, LINK_FRAME, 9760 },
        { FUZZ_RING - 16, LINK_PAD, FUZZ_RING },
        { 4000, LINK_PAD, 4016 },
        { UINT32_MAX, LINK_FRAME, 4000 },
        { 64, 77, 80 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(records); i++) {
        op(FUZZ_RECORD, 1);
        le(records[i].len, 4);
        le(records[i].kind, 2);
        le(i == 3 ? -5 : 5, 1);
        le(records[i].more, 2);
        count(FUZZ_RECEIVE, 0, 3);
        le(FUZZ_LEAVE, 1);
        op(FUZZ_RESET, 0);
        le(FUZZ_ATTACH, 1);
    }
}

/* Full to a point from which a large message needs padding. */
static void padded(void)
{
    for (unsigned i = 0; i < 3; i++) {
        send(1, 1, LINK_OUTPUT, 9000);
    }
    count(FUZZ_RECEIVE, 0, 3);
    send(1, 1, LINK_OUTPUT, 9000);
    le(FUZZ_BYTES, 1);
    le(1, 1);
    le(3 * 9024, 2);
    le(12, 1);
    le(0, 8);
    le(64, 4);
    count(FUZZ_RECEIVE, 0, 3);
}

/* Records that cross the ring's end, all of it published. */
static void crossing(void)
{
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned j = 0; j < 3; j++) {
            send(1, 1, LINK_OUTPUT, 9000);
        }
        count(FUZZ_RECEIVE, 0, 3);
        send(1, 1, LINK_OUTPUT, 5696 - 16 * i - 32);
        count(FUZZ_RECEIVE, 0, 1);
        op(FUZZ_RECORD, 1);
        le(2000 * i + 64, 4);
        le(i & 1 ? LINK_PAD : LINK_FRAME, 2);
        le(5, 1);
        le(16000, 2);
        count(FUZZ_RECEIVE, 0, 3);
        le(FUZZ_LEAVE, 1);
        op(FUZZ_RESET, 0);
        le(FUZZ_ATTACH, 1);
    }
}

static void positions(void)
{
    static const int32_t by[] = { 16, -16, 8, 32768, INT32_MIN, 64 };

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(by); i++) {
        count(FUZZ_FRAMES, 1, 6);
        count(FUZZ_RECEIVE, 0, 2);
        op(FUZZ_INDEX, 1);
        le(i & 1, 1);
        le(by[i / 2], 4);
        op(FUZZ_UNCONSUMED, 1);
        count(FUZZ_RECEIVE, 0, 9);
        le(FUZZ_LEAVE, 1);
        op(FUZZ_RESET, 0);
        le(FUZZ_ATTACH, 1);
    }
}

/* Each field of the header in turn, then a new side B. */
static void headers(void)
{
    static const struct {
        unsigned offset, bytes;
        uint64_t value;
    } fields[] = {
        { offsetof(LinkHeader, version), 4, 2 },
        { offsetof(LinkHeader, version), 4, LINK_VERSION },
        { offsetof(LinkHeader, header_bytes), 4, 64 },
        { offsetof(LinkHeader, header_bytes), 4, LINK_HEADER_BYTES },
        { offsetof(LinkHeader, ring_bytes), 8, 1ull << 63 },
        { offsetof(LinkHeader, ring_bytes), 8, FUZZ_RING },
        { offsetof(LinkHeader, side[1].state), 4, 2 },
        { offsetof(LinkHeader, side[1].state), 4, 0 },
        { offsetof(LinkHeader, generation), 4, 9 },
        { offsetof(LinkHeader, magic), 8, 9 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++) {
        le(FUZZ_LEAVE, 1);
        op(FUZZ_RESET, 0);
        le(FUZZ_HEADER, 1);
        le(fields[i].offset, 2);
        le(fields[i].bytes, 1);
        le(fields[i].value, fields[i].bytes);
        op(FUZZ_PEER, 0);
        le(FUZZ_ATTACH, 1);
        count(FUZZ_FRAMES, 1, 2);
        count(FUZZ_RECEIVE, 0, 2);
    }
}

static void sizes(void)
{
    for (unsigned i = 10; i < 32; i++) {
        le(FUZZ_CREATE, 1);
        le(1u << i, 4);
    }
}

int main(int argc, char **argv)
{
    static const Seed seeds[] = {
        { "traffic", traffic },     { "refusals", refusals },
        { "restarts", restarts },   { "forged", forged },
        { "padded", padded },       { "crossing", crossing },
        { "positions", positions }, { "headers", headers },
        { "sizes", sizes },
    };

    return seeds_write(argc, argv, seeds, G_N_ELEMENTS(seeds));
}
