/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_series.h: completions and waits cut into equal bins of simulated
 * time, one series an interface.
 */
#ifndef OUTRIGGER_REPORT_SERIES_H
#define OUTRIGGER_REPORT_SERIES_H

#include "report_data.h"

/* Arrays of ReportSeries.bins entries. */
typedef struct ReportIfSeries {
    uint64_t *iops, *bytes_per_s;
    uint64_t *p50_ps, *p99_ps; /* exact, of the bin; 0: no command */
    uint64_t *waiting;         /* most commands waiting at once */
} ReportIfSeries;

typedef struct ReportSeries {
    uint64_t from_ps, to_ps, bin_ps;
    guint bins;
    guint n_interfaces;
    ReportIfSeries *interfaces; /* as ReportData.interfaces */
} ReportSeries;

/*
 * From the first load's begin to the last one's end, or, without a load, from
 * the first to the last completion. NULL when no I/O completed there.
 */
ReportSeries *report_series_new(const ReportData *d, guint wanted_bins);
void report_series_free(ReportSeries *s); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportSeries, report_series_free)

#endif
