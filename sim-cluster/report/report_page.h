/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_page.h: report.html as text: one file, pictures inside, no script.
 */
#ifndef OUTRIGGER_REPORT_PAGE_H
#define OUTRIGGER_REPORT_PAGE_H

#include "report_data.h"

/* Depends on nothing but @d: the same run gives the same bytes. g_free(). */
char *report_page(const ReportData *d);

/* ---- parts of a page: also for run_diff_page.c ------------------------- */

/* From <html> to <main>; @more is added to the style sheet. @title is escaped.
 */
void page_document_begin(GString *out, const char *title, const char *more);
void page_document_end(GString *out);
void page_section_begin(GString *out, const char *id, const char *title);
void page_section_end(GString *out);

/* A table: column heads, then rows of cells. A column whose head begins with
 * '>' is numbers, set to the right. */
void page_table_begin(GString *out, const char *const *heads, guint n);
void page_table_end(GString *out);
void page_row_begin(GString *out);
void page_row_end(GString *out);
void page_cell(GString *out, const char *text);        /* escaped */
void page_cell_number(GString *out, const char *text); /* escaped, right */
void page_cell_code(GString *out, const char *text);   /* escaped, fixed width*/
void page_cell_markup(GString *out, const char *html); /* as it is */
/* "held", "broken" ... with its colour. */
void page_cell_state(GString *out, bool good, const char *text);

/* A paragraph in small, grey type; escaped. */
void page_note(GString *out, const char *text);

void page_network(GString *out, const ReportData *d); /* report_net.c */
void page_expectations(GString *out, const ReportData *d);
/* report_seeds.c: of a run with several seeds, else nothing. */
void page_seeds(GString *out, const ReportData *d);
void page_loads(GString *out, const ReportData *d);
void page_latency_table(GString *out, const ReportData *d);
void page_steps(GString *out, const ReportData *d);
void page_controls(GString *out, const ReportData *d);
void page_events(GString *out, const ReportData *d);
void page_metrics(GString *out, const ReportData *d);
void page_counters(GString *out, const ReportCard *card);

#endif
