/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_diff_page.c: two runs side by side as one HTML file, no script.
 */
#include <string.h>

#include "report_charts.h"
#include "report_fabric.h"
#include "report_page.h"
#include "run_diff.h"
#include "svg.h"
#include "xml_text.h"

static const char pair_style[] =
    "main{max-width:2200px}\n"
    ".pair{display:grid;grid-template-columns:1fr 1fr;gap:18px;"
    "align-items:start}\n"
    ".pair>div{min-width:0}\n"
    ".change{background:#fff8e6}\n"
    "@media (max-width:900px){.pair{grid-template-columns:1fr}}\n";

static const char *text_of(const RunDiffRow *r, unsigned i)
{
    return r->text[i] ? r->text[i] : "-";
}

static void row(GString *out, const RunDiffRow *r)
{
    g_string_append(out, r->differs ? "<tr class=\"change\">" : "<tr>");
    page_cell_code(out, r->name);
    for (unsigned i = 0; i < 2; i++) {
        if (r->bad[i]) {
            page_cell_state(out, false, text_of(r, i));
        } else if (r->numbers) {
            page_cell_number(out, text_of(r, i));
        } else {
            page_cell(out, text_of(r, i));
        }
    }
    page_cell_number(out, r->change);
    page_cell_number(out, r->relative);
    page_row_end(out);
}

/* Rows that differ, or those that do not. */
static void table(GString *out, const RunDiff *d, const GPtrArray *rows,
                  bool differing)
{
    const char *const heads[] = { "", d->label[0], d->label[1], ">change",
                                  ">relative" };

    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (guint i = 0; i < rows->len; i++) {
        const RunDiffRow *r = rows->pdata[i];

        if (r->differs == differing) {
            row(out, r);
        }
    }
    page_table_end(out);
}

static void section(GString *out, const RunDiff *d, const char *id,
                    const char *title, const GPtrArray *rows)
{
    guint differ = run_diff_count(rows);

    page_section_begin(out, id, title);
    if (differ) {
        table(out, d, rows, true);
    } else {
        page_note(out, rows->len ? "All equal." : "Neither run has any.");
    }
    if (differ < rows->len) {
        g_string_append_printf(out,
                               "<details><summary>%u that do not differ"
                               "</summary>\n",
                               rows->len - differ);
        table(out, d, rows, false);
        g_string_append(out, "</details>\n");
    }
    page_section_end(out);
}

static void events(GString *out, const RunDiff *d)
{
    page_section_begin(out, "events", "Event logs");
    if (d->no_events[0] || d->no_events[1]) {
        page_note(out, "A run has no event log.");
    } else if (!d->event_line) {
        page_note(out, "Equal, line by line.");
    } else {
        g_autofree char *text = g_strdup_printf(
            "first different line: %" G_GUINT64_FORMAT "\n< %s\n> %s",
            d->event_line, d->event[0] ? d->event[0] : "(end)",
            d->event[1] ? d->event[1] : "(end)");

        g_string_append(out, "<pre>");
        xml_text_append(out, text, -1);
        g_string_append(out, "</pre>\n");
    }
    page_section_end(out);
}

/* ---- pictures ------------------------------------------------------------ */

/* Appends both, each below its run's name; frees them. */
static void pair(GString *out, const RunDiff *d, const char *title,
                 char *const pictures[2])
{
    if (pictures[0] || pictures[1]) {
        g_string_append_printf(out, "<h3>%s</h3>\n<div class=\"pair\">\n",
                               title);
        for (unsigned i = 0; i < 2; i++) {
            g_string_append(out, "<div>");
            page_note(out, d->label[i]);
            g_string_append(out, pictures[i] ? pictures[i] : "");
            g_string_append(out, "</div>\n");
        }
        g_string_append(out, "</div>\n");
    }
    g_free(pictures[0]);
    g_free(pictures[1]);
}

static char *heat(const ReportData *data)
{
    g_autoptr(ReportFabric) f = report_fabric_load(data);

    return f ? report_fabric_heat(f) : NULL;
}

static char *queues(const ReportData *data)
{
    g_autoptr(ReportFabric) f = report_fabric_load(data);

    return f ? report_fabric_queues(f) : NULL;
}

static void pictures(GString *out, const RunDiff *d)
{
    static const struct {
        const char *title;
        char *(*draw)(const ReportData *d);
    } charts[] = {
        { "Latency", report_chart_latency },
        { "Over simulated time", report_chart_time },
        { "Network", report_network_picture },
        { "Paths over time", heat },
        { "Queues, marks and drops", queues },
        { "Completion times by size", report_fabric_fct },
        { "Steps", report_chart_steps },
    };

    page_section_begin(out, "pictures", "Side by side");
    for (gsize i = 0; i < G_N_ELEMENTS(charts); i++) {
        char *const both[2] = { charts[i].draw(d->data[0]),
                                charts[i].draw(d->data[1]) };

        pair(out, d, charts[i].title, both);
    }
    page_section_end(out);
}

static void latency(GString *out, const RunDiff *d)
{
    g_autofree char *bars = run_diff_bars(d, d->latency, "ps");

    if (bars) {
        page_section_begin(out, "bars", "Latency and completion times");
        g_string_append(out, bars);
        page_note(out, "The scale is logarithmic. At the right: run 2 against "
                       "run 1.");
        page_section_end(out);
    }
}

char *run_diff_page(const RunDiff *d)
{
    GString *out = g_string_new(NULL);
    g_autofree char *title =
        g_strdup_printf("%s and %s", d->label[0], d->label[1]);

    page_document_begin(out, title, pair_style);
    g_string_append_printf(out,
                           "<header class=\"%s\"><h1><span class=\"badge\">%s"
                           "</span> ",
                           d->differs ? "error" : "held",
                           d->differs ? "different" : "equal");
    xml_text_append(out, title, -1);
    g_string_append(out, "</h1>\n");
    if (d->tolerance_ppm) {
        g_autofree char *text = g_strdup_printf(
            "Numbers count as equal up to %u ppm of run 1's; event logs are "
            "not compared.",
            d->tolerance_ppm);

        page_note(out, text);
    }
    g_string_append(out, "</header>\n");
    section(out, d, "facts", "The two runs", d->facts);
    section(out, d, "scenario", "Scenario", d->scenario);
    section(out, d, "expectations", "Expectations", d->expectations);
    latency(out, d);
    section(out, d, "latency", "Latency and completion times, numbers",
            d->latency);
    pictures(out, d);
    section(out, d, "metrics", "Other metrics", d->metrics);
    events(out, d);
    page_document_end(out);
    return g_string_free(out, FALSE);
}
