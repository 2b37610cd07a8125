/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_charts.h: the pictures of a report, each a complete <svg> element
 * (g_free()). NULL: the run has nothing to show there.
 */
#ifndef OUTRIGGER_REPORT_CHARTS_H
#define OUTRIGGER_REPORT_CHARTS_H

#include "report_data.h"

#define REPORT_CHART_WIDTH 1080

/* Latency percentiles, both axes logarithmic; a curve for each interface and
 * direction. */
char *report_chart_latency(const ReportData *d);
/* IOPS, bytes/s, latency and waiting commands over simulated time. */
char *report_chart_time(const ReportData *d);
/* IOPS of one interface during one load, as a small line. */
char *report_chart_load(const ReportData *d, const ReportLoad *load,
                        guint interface);
/* The topology with the links' loads, as the run drew it. */
char *report_network_picture(const ReportData *d);
/* When each step began and ended. */
char *report_chart_steps(const ReportData *d);
/* The card's blocks with the run's numbers on the arrows. */
char *report_diagram(const ReportData *d, const ReportCard *card);
/* A small bar: how much of its limit an expectation uses. */
char *report_chart_headroom(const ReportExpect *e);

#endif
