/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perfetto.h: trace.perfetto-trace of a run, for ui.perfetto.dev or
 * trace_processor.
 *
 * Each node is a process. Below it: its steps; a group a queue, with one
 * track a command in flight (commands overlap, slices of one track may not);
 * a group a drive likewise; a counter of waiting commands an interface;
 * resets, updates and attachments as instants.
 *
 * Perfetto keeps nanoseconds; the exact picoseconds are arguments of each
 * slice. Simulated time 0 is the trace's 0.
 */
#ifndef OUTRIGGER_PERFETTO_H
#define OUTRIGGER_PERFETTO_H

#include "report_data.h"

/* Reads events.ndjson of @d again and writes the trace beside it. */
bool perfetto_write(const ReportData *d, GError **errp);

#endif
