/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fuzz.h: what all libFuzzer targets share: an input that is eaten up number
 * by number, and counts that are printed at the end.
 *
 * A target defines @fuzz_name and fuzz_one(), which runs one input in a world
 * that it builds and frees, and counts @operations.
 */
#ifndef OUTRIGGER_FUZZ_H
#define OUTRIGGER_FUZZ_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Input {
    const uint8_t *data;
    size_t len;
} Input;

extern uint64_t operations;

extern const char fuzz_name[];
void fuzz_one(Input *in);

/* Little-endian; after the end everything is 0. */
static inline uint64_t get(Input *in, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes && in->len; i++) {
        v |= (uint64_t)*in->data++ << (8 * i);
        in->len--;
    }
    return v;
}

/* Changes up to seven bytes of a saved state. */
void fuzz_damage(Input *in, GByteArray *image);

#endif
