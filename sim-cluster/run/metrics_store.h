/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * metrics_store.h: what a run has measured: name -> value, unit, instant.
 *
 * Names are those of metrics_table.h. Setting a name again replaces the value
 * and the instant; the order of first setting is kept.
 */
#ifndef OUTRIGGER_METRICS_STORE_H
#define OUTRIGGER_METRICS_STORE_H

#include <glib.h>
#include <stdint.h>

#include "scenario.h"

typedef struct Metric {
    const char *name; /* OWNER.NAME_UNIT */
    ScnValue value;
    uint64_t at_ps;
} Metric;

typedef struct MetricsStore MetricsStore;

/* Called after each setting. */
typedef void (*MetricsObserver)(void *opaque, const Metric *metric);

MetricsStore *metrics_store_new(MetricsObserver observer, void *opaque);
void metrics_store_free(MetricsStore *m); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MetricsStore, metrics_store_free)

/* @owner.@name; @owner may be "NODE.INTERFACE". */
void metrics_store_set(MetricsStore *m, uint64_t at_ps, const char *owner,
                       const char *name, Unit unit, int64_t value);
void metrics_store_set_text(MetricsStore *m, uint64_t at_ps, const char *owner,
                            const char *name, const char *text);

/* Nothing when @value exceeds INT64_MAX; else metrics_store_set(). */
void metrics_store_set_u64(MetricsStore *m, uint64_t at_ps, const char *owner,
                           const char *name, Unit unit, uint64_t value);

/* NULL: not measured. */
const Metric *metrics_store_get(const MetricsStore *m, const char *name);

unsigned metrics_store_count(const MetricsStore *m);
const Metric *metrics_store_at(const MetricsStore *m, unsigned index);

/* The value in its base unit as plain text: "1500", "true", "abc". */
char *metric_value_text(const ScnValue *value);

#endif
