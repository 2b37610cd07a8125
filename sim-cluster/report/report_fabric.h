/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_fabric.h: pictures of the network over time and of completion times.
 */
#ifndef OUTRIGGER_REPORT_FABRIC_H
#define OUTRIGGER_REPORT_FABRIC_H

#include "report_data.h"

/* network/series.json of a run. */
typedef struct ReportFabric ReportFabric;

/* NULL: the run has none, or it cannot be read. */
ReportFabric *report_fabric_load(const ReportData *d);
void report_fabric_free(ReportFabric *f); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportFabric, report_fabric_free)

/* Load of each link over time. NULL: nothing to show. g_free(). */
char *report_fabric_heat(const ReportFabric *f);
/* Longest queues, marks and drops over time. g_free(). */
char *report_fabric_queues(const ReportFabric *f);
/* Percentiles of completion times by size of the flow, from summary.json's
 * network.fct. NULL: no flow was finished. g_free(). */
char *report_fabric_fct(const ReportData *d);

#endif
