/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fuzz_mock.h: the mock host of the targets that fuzz a card's core: a guest
 * whose memory, accesses and faults the input rules.
 */
#ifndef OUTRIGGER_FUZZ_MOCK_H
#define OUTRIGGER_FUZZ_MOCK_H

#include "fuzz.h"
#include "mock_seam.h"

#define MOST_STEPS 20000u /* of one instant */

/* Accesses to memory until one is refused; 0: none is. */
extern unsigned fuzz_fault_in;

/* @ram_bytes of memory, of which function 0 sees @window_bytes. */
MockSeam *fuzz_mock_new(uint64_t ram_bytes, uint64_t window_bytes);
/* Nobody has written outside of the window. */
void fuzz_mock_free(MockSeam *m);

/* Up to @n events. An instant that goes on for ever is a bug. */
void fuzz_steps(MockSeam *m, unsigned n);
/* Everything of the next @ps, which is not more than @most events. */
void fuzz_run_for(MockSeam *m, uint64_t ps, unsigned most);

/* A register access of any width at any place. */
typedef struct FuzzAccess {
    uint64_t addr, value;
    unsigned size;
    bool read;
} FuzzAccess;

FuzzAccess fuzz_access(Input *in);
/* The guest writes into the window. */
void fuzz_memory(Input *in, MockSeam *m);

#endif
