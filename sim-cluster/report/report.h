/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report.h: what a run leaves for people and for CI, made from its run
 * directory alone.
 *
 * Can be called again at any time (`outrigger report RUNDIR`): it reads
 * summary.json and events.ndjson and replaces the files it writes. Equal
 * inputs give equal bytes. Blocks for a few microseconds an event.
 */
#ifndef OUTRIGGER_REPORT_H
#define OUTRIGGER_REPORT_H

#include <stdbool.h>

#include "report_event.h"

/*
 * Writes into @run_dir
 *   report.html   one file, SVG inside, no script
 *   junit.xml     a suite; a case for each step, expectation and control
 *   hist/X.hgrm   latency distribution of each interface and direction, us
 *   trace.perfetto-trace  when summary.json says capture.trace, or it exists
 *
 * Errors: REPORT_ERROR_MISSING (no run directory), REPORT_ERROR_INVALID (a
 * file of it is broken; message has file:line), REPORT_ERROR_WRITE. Files
 * written before the error stay.
 */
bool report_write(const char *run_dir, GError **errp);

#endif
