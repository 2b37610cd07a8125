/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_diff.h: what differs between two run directories.
 *
 * Compared are the resolved scenarios, expectations, metrics, the latency
 * distributions of interfaces, and the event logs (trace hash, first line
 * that differs). Not compared: wall times, versions, names and places of
 * the two directories; versions are shown.
 */
#ifndef OUTRIGGER_RUN_DIFF_H
#define OUTRIGGER_RUN_DIFF_H

#include "report_data.h"

/* One thing that both runs, or one of them, have. */
typedef struct RunDiffRow {
    char *name;
    char *text[2]; /* for people; NULL: this run does not have it */
    bool bad[2];   /* an expectation that did not hold */
    bool numbers;  /* both are numbers: @value and @change count */
    int64_t value[2];
    const char *unit; /* base unit of @value; owned by the ReportData */
    /* value[1] less value[0], and that as a share of value[0], rounded half
     * away from 0; "" when there is no such number. */
    char *change, *relative;
    bool differs; /* by more than the tolerance */
} RunDiffRow;

typedef struct RunDiff {
    ReportData *data[2];
    char *label[2];          /* last part of each directory's name */
    uint32_t tolerance_ppm;  /* of run 1's value */
    GPtrArray *facts;        /* RunDiffRow: verdict, seed, hash, versions */
    GPtrArray *scenario;     /* only lines of resolved.yaml that differ */
    GPtrArray *expectations; /* all */
    GPtrArray *latency;      /* all: percentiles of interfaces and metrics of
                                latency and flow completion time */
    GPtrArray *metrics;      /* all the others */
    uint64_t event_line;     /* first line of the logs that differs; 0: none */
    char *event[2];          /* that line of each; NULL: its log has ended */
    bool no_events[2];       /* there is no log: nothing is compared */
    bool differs;
} RunDiff;

/*
 * Reads both directories, which are not changed. A number differs when it is
 * more than @tolerance_ppm of run 1's value away; with a tolerance above 0 the
 * event logs, whose instants cannot be equal then, do not count.
 * Errors: REPORT_ERROR_MISSING, REPORT_ERROR_INVALID with a place.
 */
RunDiff *run_diff_load(const char *dir1, const char *dir2,
                       uint32_t tolerance_ppm, GError **errp);
void run_diff_free(RunDiff *d); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunDiff, run_diff_free)

/* As a table for a terminal; @all: rows that are equal, too. g_free(). */
char *run_diff_text(const RunDiff *d, bool all);
/* As one HTML file with pictures of both runs side by side. g_free(). */
char *run_diff_page(const RunDiff *d);

/* ---- between the run_diff_*.c ------------------------------------------- */

/* Takes @name; adds an empty row. */
RunDiffRow *run_diff_row(GPtrArray *rows, char *name);
guint run_diff_count(const GPtrArray *rows); /* rows that differ */
/* run_diff_yaml.c: fills @d->scenario. */
bool run_diff_scenario(RunDiff *d, GError **errp);
/* Numbers of both runs as pairs of bars on a logarithmic scale; NULL when
 * @rows has none of @unit. */
char *run_diff_bars(const RunDiff *d, const GPtrArray *rows, const char *unit);

#endif
