/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_seed.c: writes the seed corpus of card_fuzz.c: every operation of the
 * control plane, of guests and of damage, in orders that lead somewhere.
 *
 *     card_seed DIRECTORY
 */

#include "card_ops.h"
#include "seed.h"

static void u16(unsigned v)
{
    u8(v);
    u8(v >> 8);
}

static void op(CardFuzzOp o, unsigned a)
{
    u8(o);
    u8(a);
}

static void create(unsigned name, unsigned mib, unsigned flags, unsigned stripe)
{
    op(FUZZ_CREATE, name);
    u8(mib);
    u8(flags);
    u16(stripe / 512);
}

static void attach(unsigned name, unsigned fn, unsigned nsid)
{
    op(FUZZ_ATTACH, name);
    u8(fn);
    u8(nsid);
}

/* opcode: index in card_fuzz.c's table */
static void io(unsigned fn, unsigned opcode, unsigned slba, unsigned nlb,
               unsigned flags)
{
    op(FUZZ_IO, fn);
    u8(opcode);
    u16(slba);
    u8(nlb - 1);
    u8(flags);
}

static void steps(unsigned n)
{
    op(FUZZ_STEPS, n);
}

static void run(unsigned us16)
{
    u8(FUZZ_TIME);
    u16(us16);
}

static void limits(unsigned fn, unsigned iops, unsigned bytes)
{
    op(FUZZ_LIMITS, fn);
    u16(iops);
    u16(bytes);
    u16(0);
}

static void fault(unsigned kind, unsigned drive, unsigned offset,
                  unsigned bytes, unsigned count)
{
    op(FUZZ_FAULT, kind);
    u8(drive);
    u16(offset);
    u16(bytes);
    u8(count);
}

static void set(CardFuzzSwitch which, unsigned value)
{
    op(FUZZ_SWITCH, which);
    u8(value);
}

static void spoil(CardFuzzOp o, unsigned offset, unsigned with)
{
    op(o, 2);
    u16(offset);
    u8(with);
    u16(offset * 7 + 3);
    u8(1);
    u8(0);
}

/* A stripe over both drives on 0, plain on 1, blocks of 4 KiB on 2. */
static void tenants(void)
{
    create(0, 2, FUZZ_STRIPE | FUZZ_TWO_DRIVES, 4096);
    create(1, 1, 0, 0);
    create(2, 1, FUZZ_DRIVE_1 | FUZZ_BLOCKS_4K, 0);
    for (unsigned fn = 0; fn < 3; fn++) {
        attach(fn, fn, 1);
        op(FUZZ_START, fn);
    }
}

static void everything(unsigned fn)
{
    io(fn, 1, 0, 128, 0);
    io(fn, 1, 8, 16, 1);
    steps(20);
    io(fn, 2, 0, 128, 0);
    io(fn, 3, 0, 8, 0);
    io(fn, 4, 4, 100, 0);
    io(fn, 5, 64, 64, 0);
    io(fn, 6, 0, 128, 0);
    io(fn, 0, 0, 1, 0);
    io(fn, 2, 65535, 1, 0);
    io(fn, 2, 0, 1, 0x80);
}

static void seed_guests(void)
{
    tenants();
    for (unsigned fn = 0; fn < 3; fn++) {
        everything(fn);
        run(20);
    }
    io(1, 7, 0, 1, 1);
    io(0, 7, 0, 1, 0x10);
    run(20);
    everything(0);
    run(50);
}

static void seed_control(void)
{
    tenants();
    op(FUZZ_RESIZE, 1);
    u8(3);
    everything(1);
    op(FUZZ_RESIZE, 1);
    u8(1);
    run(50);
    op(FUZZ_RESIZE, 0);
    u8(5);
    op(FUZZ_DETACH, 0);
    op(FUZZ_DELETE, 0);
    op(FUZZ_DETACH, 1 | 0x80);
    attach(1, 1, 1);
    op(FUZZ_DELETE, 1);
    create(4, 6, FUZZ_TWO_DRIVES, 0);
    create(5, 1, 0, 0);
    create(3, 9, 0, 0);
    create(3, 1, FUZZ_PLAIN, 0);
    attach(3, 0, 17);
    attach(3, 0, 2);
    everything(0);
    run(50);
}

static void seed_rekey(void)
{
    tenants();
    everything(0);
    run(10);
    op(FUZZ_ROTATE, 0);
    op(FUZZ_ROTATE, 1);
    for (unsigned i = 0; i < 4; i++) {
        steps(3);
        everything(i % 3);
        op(FUZZ_REPLACE, i & 1);
    }
    op(FUZZ_RESET, 0);
    u8(0);
    run(100);
    op(FUZZ_POWER, 0);
    attach(0, 0, 1);
    op(FUZZ_START, 0);
    everything(0);
    run(500);
    op(FUZZ_ROTATE, 0);
    set(FUZZ_SW_DRIVE_FAULT, 9);
    run(65535);
    op(FUZZ_POWER, 0);
    attach(0, 0, 1);
    run(65535);
}

static void seed_limits(void)
{
    tenants();
    limits(0, 1000, 0);
    limits(1, 0, 60000);
    limits(2, 10, 60000);
    for (unsigned fn = 0; fn < 3; fn++) {
        everything(fn);
        everything(fn);
    }
    op(FUZZ_REPLACE, 0);
    run(1000);
    op(FUZZ_REPLACE, 1);
    op(FUZZ_DETACH, 1);
    op(FUZZ_RESET, 2);
    u8(0);
    limits(0, 0, 0);
    run(60000);
}

static void seed_faults(void)
{
    tenants();
    fault(0, 0, 0, 100, 2);
    fault(1, 1, 0, 65535, 0);
    everything(0);
    run(20);
    fault(2, 0, 0, 0, 0);
    fault(3, 1, 0, 0, 0);
    everything(0);
    everything(1);
    run(10);
    op(FUZZ_REPLACE, 0);
    run(10);
    fault(7, 0, 0, 0, 0);
    fault(6, 1, 0, 65535, 0);
    run(10);
    u8(FUZZ_CLEAR);
    set(FUZZ_SW_MODEL_ROOM, 2);
    set(FUZZ_SW_JITTER, 200);
    everything(2);
    run(100);
    set(FUZZ_SW_FLASH_FAILS, 1);
    io(0, 7, 0, 1, 0);
    create(3, 1, 0, 0);
    op(FUZZ_ROTATE, 1);
    op(FUZZ_DETACH, 2 | 0x80);
    set(FUZZ_SW_NO_RANDOM, 1);
    set(FUZZ_SW_FLASH_FAILS, 0);
    io(0, 7, 0, 1, 0);
    create(3, 1, 0, 0);
    run(100);
}

static void seed_update(void)
{
    tenants();
    for (unsigned i = 0; i < 4; i++) {
        everything(i % 3);
        op(FUZZ_SUSPEND, 0);
        run(20);
        op(FUZZ_REPLACE, i == 3);
        op(FUZZ_SUSPEND, 1);
        steps(9);
        op(FUZZ_REPLACE, i == 2);
    }
    run(100);
}

static void seed_damage(void)
{
    static unsigned i;

    tenants();
    op(FUZZ_ROTATE, 0);
    everything(i % 3);
    steps(5 + i);
    for (unsigned k = 0; k < 8; k++) {
        spoil(FUZZ_DAMAGE, 37 * i + 11 * k, 1u << k);
        steps(3);
    }
    spoil(FUZZ_FLASH, 13 * i, 0x10);
    spoil(FUZZ_FLASH, 17 * i + 100, 0xff);
    run(100);
    i++;
}

int main(int argc, char **argv)
{
    static const Seed seeds[] = {
        { "guests", seed_guests },     { "control", seed_control },
        { "rekey", seed_rekey },       { "limits", seed_limits },
        { "faults", seed_faults },     { "update", seed_update },
        { "damage", seed_damage, 20 },
    };

    return seeds_write(argc, argv, seeds, G_N_ELEMENTS(seeds));
}
