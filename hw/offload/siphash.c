/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * siphash.c: see siphash.h. Sections are those of the paper.
 */
#include "siphash.h"

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 8; i-- > 0;) {
        v = v << 8 | p[i];
    }
    return v;
}

/* Figure 2.1 */
static void rounds(uint64_t v[4], unsigned n)
{
    while (n--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static void compress(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
}

uint64_t siphash24(const uint8_t key[SIPHASH_KEY_BYTES], const void *data,
                   size_t len)
{
    const uint8_t *p = data;
    uint64_t k0 = get64(key), k1 = get64(key + 8);
    uint64_t last = (uint64_t)len << 56;
    /* 2.1: the constants are "somepseudorandomlygeneratedbytes". */
    uint64_t v[4] = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
                      k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u };

    /* 2.2 */
    for (size_t i = 0; i + 8 <= len; i += 8) {
        compress(v, get64(p + i));
    }
    for (size_t i = 0; i < len % 8; i++) {
        last |= (uint64_t)p[len - len % 8 + i] << 8 * i;
    }
    compress(v, last);
    /* 2.3 */
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
