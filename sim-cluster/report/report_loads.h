/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_loads.h: what one interface did during one load.
 */
#ifndef OUTRIGGER_REPORT_LOADS_H
#define OUTRIGGER_REPORT_LOADS_H

#include "report_data.h"

typedef struct ReportLoadStats {
    uint64_t commands;
    uint64_t iops, bytes_per_s; /* from the first completion to the last */
    Hist *latency;              /* of commands without error */
} ReportLoadStats;

/*
 * Whether the load is the interface's: it is its target, or, when the log
 * names no target, the interface completed a fair part of what the card
 * completed in that time.
 */
bool report_load_uses(const ReportData *d, const ReportLoad *load,
                      guint interface);

ReportLoadStats *report_load_stats(const ReportData *d, const ReportLoad *load,
                                   guint interface);
void report_load_stats_free(ReportLoadStats *s); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportLoadStats, report_load_stats_free)

#endif
