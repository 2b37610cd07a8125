/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * siphash.h: SipHash-2-4, a keyed hash of short messages.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF",
 * INDOCRYPT 2012. Not modelled: other numbers of rounds, 128 bit results.
 */
#ifndef OUTRIGGER_SIPHASH_H
#define OUTRIGGER_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16u

uint64_t siphash24(const uint8_t key[SIPHASH_KEY_BYTES], const void *data,
                   size_t len);

#endif
