/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * seed.h: what the programs that write a target's seed corpus share.
 */
#ifndef OUTRIGGER_FUZZ_SEED_H
#define OUTRIGGER_FUZZ_SEED_H

#include <glib.h>
#include <stdint.h>

extern GByteArray *out; /* the seed so far */

void u8(unsigned v);
void le(uint64_t v, unsigned bytes); /* little-endian */

typedef struct Seed {
    const char *name;
    void (*write)(void);
    unsigned times; /* written so often, in files of their own; 0: once */
} Seed;

/* main() of such a program: PROGRAM DIRECTORY. Exit code. */
int seeds_write(int argc, char **argv, const Seed *seeds, unsigned n);

#endif
