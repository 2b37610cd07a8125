/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * expect.h: judges a scenario's expectations by what a run has measured.
 */
#ifndef OUTRIGGER_EXPECT_H
#define OUTRIGGER_EXPECT_H

#include <glib.h>
#include <stdbool.h>

#include "metrics_store.h"
#include "scenario.h"

typedef struct ExpectResult {
    const ScnExpect *expect; /* borrowed from the scenario */
    bool measured;
    bool held;
    ScnValue actual; /* only when measured; text owned */
    int64_t margin;  /* not held: how far on the wrong side, base unit */
    char *text;      /* one line: "expected below 2s, was 2.73s" */
} ExpectResult;

/* One predicate. A metric that was not measured does not hold. */
ExpectResult *expect_judge(const ScnExpect *e, const MetricsStore *metrics);

/* All expectations of @s in file order: ExpectResult, owned by the array. */
GPtrArray *expect_judge_all(const Scenario *s, const MetricsStore *metrics);

/* The first that does not hold, or NULL. */
const ExpectResult *expect_first_broken(const GPtrArray *results);
const ExpectResult *expect_find(const GPtrArray *results, const char *id);

void expect_result_free(ExpectResult *r);

#endif
