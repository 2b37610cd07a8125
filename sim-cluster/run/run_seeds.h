/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_seeds.h: the same scenario under other seeds, and what its metrics are
 * then: mean and 95 % confidence interval (Student's t, two-sided).
 */
#ifndef OUTRIGGER_RUN_SEEDS_H
#define OUTRIGGER_RUN_SEEDS_H

#include "run_single.h"

/*
 * Runs each Scenario of @others below the base run's folder (seeds/SEED) and
 * adds `seeds` to its summary. A run that does not hold decides the verdict.
 */
void run_seeds(const RunContext *c, const Scenario *scn, RunResult *base,
               const GPtrArray *others);

/* Half width of the 95 % interval of the mean; 0 for fewer than two values. */
double run_seeds_interval(const double *values, unsigned n, double *ret_mean);

#endif
