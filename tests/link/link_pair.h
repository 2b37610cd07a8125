/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_pair.h: for tests: both sides of a channel in one process, and short
 * ways to send and to expect.
 */
#ifndef TESTS_LINK_PAIR_H
#define TESTS_LINK_PAIR_H

#include "link.h"

#define PAIR_RING LINK_MIN_RING_BYTES

typedef struct Pair {
    Link *a, *b;
} Pair;

/* cmocka set-up and tear-down of a Pair with rings of PAIR_RING bytes. */
int pair_setup(void **state);
int pair_teardown(void **state);

/* @len bytes that depend on @seed. */
void pair_fill(uint8_t *to, uint32_t len, uint32_t seed);

/* A LINK_OUTPUT message of pair_fill(); whether it went. */
bool pair_send(Link *l, uint64_t ps, uint32_t len, uint32_t seed);

/* The next message is exactly that one; consumes it. */
void pair_expect(Link *l, uint64_t ps, uint32_t len, uint32_t seed);

/* @l has stopped with @code. */
void pair_stopped(Link *l, LinkErrorCode code);

#endif
