/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_span.h: how long a step of a run took, in simulated and in wall time.
 */
#ifndef OUTRIGGER_BENCH_SPAN_H
#define OUTRIGGER_BENCH_SPAN_H

#include <stdbool.h>
#include <stdint.h>

typedef struct BenchSpan {
    uint64_t begin_seq, end_seq; /* of its first and last event */
    uint64_t begin_ps, end_ps;
    uint64_t begin_wall_ns, end_wall_ns;
} BenchSpan;

/* Reads events.ndjson and wall.ndjson of @run_dir. @step counts from 0. false:
 * the run has no such step, or it took no time. */
bool bench_span_of_step(const char *run_dir, uint64_t step, BenchSpan *ret);

double bench_span_wall_s(const BenchSpan *s);

#endif
