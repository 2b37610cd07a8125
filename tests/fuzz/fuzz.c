/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fuzz.c: what all libFuzzer targets share.
 */
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t operations;

static uint64_t inputs;

static __attribute__((destructor)) void report(void)
{
    fprintf(stderr, "%s: %" PRIu64 " inputs, %" PRIu64 " operations\n",
            fuzz_name, inputs, operations);
}

void fuzz_damage(Input *in, GByteArray *image)
{
    unsigned n = get(in, 1) % 8;

    for (unsigned i = 0; i < n; i++) {
        size_t at = get(in, 2) % image->len;

        image->data[at] ^= get(in, 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input in = { data, size };

    inputs++;
    fuzz_one(&in);
    return 0;
}
