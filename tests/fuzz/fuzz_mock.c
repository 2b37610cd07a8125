/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fuzz_mock.c: the mock host of the targets that fuzz a card's core.
 */
#include "fuzz_mock.h"

#include <string.h>

#define OUTSIDE 0xa5 /* what lies beyond the window */

unsigned fuzz_fault_in;

static bool dma_fault(void *user, unsigned fn, bool write, uint64_t addr,
                      size_t len)
{
    return fuzz_fault_in && --fuzz_fault_in == 0;
}

MockSeam *fuzz_mock_new(uint64_t ram_bytes, uint64_t window_bytes)
{
    MockSeam *m = mock_seam_new(ram_bytes, 1);

    fuzz_fault_in = 0;
    m->window[0].bytes = window_bytes;
    m->dma_fault = dma_fault;
    m->record_events = false;
    m->record_irqs = false;
    memset(m->ram + window_bytes, OUTSIDE, ram_bytes - window_bytes);
    return m;
}

void fuzz_mock_free(MockSeam *m)
{
    uint64_t bytes = m->ram_bytes - m->window[0].bytes;
    const uint8_t *outside = m->ram + m->window[0].bytes;

    g_assert(!bytes || (outside[0] == OUTSIDE &&
                        !memcmp(outside, outside + 1, bytes - 1)));
    mock_seam_free(m);
}

void fuzz_steps(MockSeam *m, unsigned n)
{
    uint64_t at = m->now_ps;
    unsigned same = 0;

    while (n-- && mock_step(m)) {
        same = m->now_ps == at ? same + 1 : 0;
        at = m->now_ps;
        g_assert(same < MOST_STEPS);
    }
}

void fuzz_run_for(MockSeam *m, uint64_t ps, unsigned most)
{
    uint64_t end = m->now_ps + ps;

    for (unsigned i = 0; mock_next_ps(m) <= end; i++) {
        g_assert(i < most);
        mock_step(m);
    }
    m->now_ps = end;
}

FuzzAccess fuzz_access(Input *in)
{
    uint64_t addr = get(in, 2);
    unsigned width = get(in, 1);

    return (FuzzAccess){
        .addr = width & 0x40 ? addr | ~0xffffull : addr,
        .value = get(in, 8),
        .size = width & 0x1f,
        .read = width & 0x80,
    };
}

void fuzz_memory(Input *in, MockSeam *m)
{
    uint32_t addr = get(in, 2) * 4 % (m->window[0].bytes - 256);
    unsigned n = get(in, 1);

    for (unsigned i = 0; i < n; i++) {
        m->ram[addr + i] = get(in, 1);
    }
}
