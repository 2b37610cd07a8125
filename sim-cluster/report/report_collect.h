/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_collect.h: adds what events.ndjson says to a ReportData.
 */
#ifndef OUTRIGGER_REPORT_COLLECT_H
#define OUTRIGGER_REPORT_COLLECT_H

#include "report_data.h"

/*
 * Fills interfaces, drives, done, waits, marks and counts from the events,
 * and limits from the cards that @d already has.
 */
bool report_collect(ReportData *d, GError **errp);

#endif
