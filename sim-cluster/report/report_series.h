/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_series.h: completions and waits over simulated time, one series an
 * interface.
 *
 * A run is mostly boots and pauses, so time is cut into segments: the spans
 * in which loads had commands completed. Each segment has bins of its own
 * width; what happened between segments is left out.
 */
#ifndef OUTRIGGER_REPORT_SERIES_H
#define OUTRIGGER_REPORT_SERIES_H

#include "report_data.h"

#define REPORT_MAX_SEGMENTS 10u

typedef struct ReportSegment {
    uint64_t from_ps, to_ps, bin_ps; /* to_ps = from_ps + bins * bin_ps */
    guint first_bin, bins;
    guint share_permille; /* of the width of a picture */
    char *name;           /* the loads in it: "a, b"; "" without loads */
} ReportSegment;

/* Arrays of ReportSeries.bins entries, segment after segment. */
typedef struct ReportIfSeries {
    uint64_t *iops, *bytes_per_s;
    uint64_t *p50_ps, *p99_ps; /* exact, of the bin; 0: no command */
    uint64_t *waiting;         /* most commands waiting at once */
} ReportIfSeries;

typedef struct ReportSeries {
    GArray *segments; /* ReportSegment, rising, not overlapping */
    guint bins;
    guint n_interfaces;
    ReportIfSeries *interfaces; /* as ReportData.interfaces */
} ReportSeries;

/* About @wanted_bins together. NULL when no I/O completed. */
ReportSeries *report_series_new(const ReportData *d, guint wanted_bins);
void report_series_free(ReportSeries *s); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportSeries, report_series_free)

#endif
