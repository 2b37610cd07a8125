/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_speed.c: how many 4 KiB reads a second go through the controller when
 * nothing else costs anything (instant mock). Prints one line a case.
 *
 *     nvme_speed [COMMANDS]
 */
#include "nvme_host.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t wall_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void run(const char *name, unsigned depth, unsigned batch,
                uint64_t delay_ps, unsigned commands)
{
    Host *h = host_new();
    uint64_t buf = mock_alloc(h->m, depth * 4096ull, 4096);
    unsigned sent = 0, done = 0;
    uint64_t start;
    NvmeCqe cqe;

    host_start(h, 1, 1024);
    mock_delays(h->m, delay_ps);
    h->m->record_events = false;
    h->m->record_irqs = false;
    start = wall_ns();
    while (done < commands) {
        unsigned n = 0;

        while (sent - done < depth && n < batch) {
            host_put(h, 1,
                     host_rw(NVME_IO_READ, 2, sent % 1000, 1,
                             buf + sent % depth * 4096ull),
                     false);
            sent++;
            n++;
        }
        if (n) {
            host_ring_sq(h, 1);
        }
        mock_run_idle(h->m);
        n = 0;
        while (host_peek_take(h, 1, &cqe)) {
            done++;
            n++;
        }
        if (n) {
            host_ring_cq(h, 1);
        }
    }
    printf("%-24s %8.0f k reads/s\n", name,
           done * 1e6 / (double)(wall_ns() - start));
    host_free(h);
}

int main(int argc, char **argv)
{
    unsigned commands = argc > 1 ? strtoul(argv[1], NULL, 0) : 2000000;

    run("depth 1, instant", 1, 1, 0, commands);
    run("depth 32, instant", 32, 32, 0, commands);
    run("depth 32, one by one", 32, 1, 0, commands);
    run("depth 32, 100 ns an op", 32, 32, 100000, commands);
    return 0;
}
