/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_tables.c: the tables of report.html.
 */
#include "report_page.h"

#include "report_charts.h"
#include "report_format.h"
#include "report_loads.h"
#include "xml_text.h"

#include <string.h>

#define STEP_DETAIL_CHARS 300

/* "at_least" -> "at least" */
static char *words(const char *name)
{
    return g_strdelimit(g_strdup(name), "_", ' ');
}

void page_expectations(GString *out, const ReportData *d)
{
    static const char *const heads[] = { "Verdict",   "Expectation",
                                         "Metric",    "Must be",
                                         ">Measured", "Use of limit",
                                         "Where" };

    if (d->expectations->len == 0) {
        page_note(out, "The run ended before any expectation was judged.");
        return;
    }
    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (guint i = 0; i < d->expectations->len; i++) {
        const ReportExpect *e = d->expectations->pdata[i];
        g_autofree char *op = words(e->op);
        g_autofree char *bound = g_strdup_printf("%s %s", op, e->value);
        g_autofree char *bar = report_chart_headroom(e);

        page_row_begin(out);
        page_cell_state(out, e->held, e->held ? "held" : "broken");
        page_cell(out, e->id);
        page_cell_code(out, e->metric);
        page_cell(out, bound);
        page_cell_number(out, e->actual);
        page_cell_markup(out, bar ? bar : "");
        page_cell_code(out, e->place);
        page_row_end(out);
    }
    page_table_end(out);
}

static void latency_row(GString *out, const ReportInterface *i,
                        ReportDirection dir)
{
    static const uint32_t ppm[] = { HIST_P50, HIST_P90, HIST_P99, HIST_P99_9,
                                    HIST_MAX };
    const Hist *h = i->latency[dir];
    g_autofree char *n = format_exact(hist_count(h));
    g_autofree char *min = format_ps(hist_min(h));
    g_autofree char *mean = format_ps(hist_mean(h));

    page_row_begin(out);
    page_cell(out, i->label);
    page_cell(out, report_direction_name(dir));
    page_cell_number(out, n);
    page_cell_number(out, min);
    page_cell_number(out, mean);
    for (gsize k = 0; k < G_N_ELEMENTS(ppm); k++) {
        g_autofree char *value = format_ps(hist_percentile(h, ppm[k]));

        page_cell_number(out, value);
    }
    page_row_end(out);
}

/* ---- loads ------------------------------------------------------------- */

static void load_row(GString *out, const ReportData *d, const ReportLoad *load,
                     guint interface)
{
    const ReportInterface *i = d->interfaces->pdata[interface];
    g_autoptr(ReportLoadStats) s = report_load_stats(d, load, interface);
    g_autofree char *n = format_exact(s->commands);
    g_autofree char *length = format_ps(load->end_ps - load->begin_ps);
    g_autofree char *iops = format_count(s->iops);
    g_autofree char *bytes = format_bytes_per_s(s->bytes_per_s);
    g_autofree char *p50 = format_ps(hist_percentile(s->latency, HIST_P50));
    g_autofree char *p99 = format_ps(hist_percentile(s->latency, HIST_P99));
    g_autofree char *p999 = format_ps(hist_percentile(s->latency, HIST_P99_9));
    g_autofree char *spark = report_chart_load(d, load, interface);

    page_row_begin(out);
    page_cell(out, load->handle);
    page_cell(out, i->label);
    page_cell_number(out, length);
    page_cell_number(out, n);
    page_cell_number(out, iops);
    page_cell_number(out, bytes);
    page_cell_number(out, p50);
    page_cell_number(out, p99);
    page_cell_number(out, p999);
    page_cell_markup(out, spark ? spark : "");
    page_row_end(out);
}

void page_loads(GString *out, const ReportData *d)
{
    static const char *const heads[] = {
        "Load",  "Interface", ">Length", ">Commands", ">IOPS",
        ">Data", ">Median",   ">p99",    ">p99.9",    "IOPS over the load"
    };

    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (guint n = 0; n < d->loads->len; n++) {
        const ReportLoad *load = &g_array_index(d->loads, ReportLoad, n);

        for (guint i = 0; i < d->interfaces->len; i++) {
            if (report_load_uses(d, load, i)) {
                load_row(out, d, load, i);
            }
        }
    }
    page_table_end(out);
}

void page_latency_table(GString *out, const ReportData *d)
{
    static const char *const heads[] = { "Interface", "Commands", ">Number",
                                         ">Least",    ">Mean",    ">Median",
                                         ">p90",      ">p99",     ">p99.9",
                                         ">Most" };

    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (guint i = 0; i < d->interfaces->len; i++) {
        const ReportInterface *one = d->interfaces->pdata[i];

        for (unsigned dir = 0; dir < REPORT_DIRECTIONS; dir++) {
            if (hist_count(one->latency[dir])) {
                latency_row(out, one, (ReportDirection)dir);
            }
        }
    }
    page_table_end(out);
}

void page_steps(GString *out, const ReportData *d)
{
    static const char *const heads[] = { ">#",     "Step",  "Node",  "Status",
                                         ">Begin", ">Took", "Detail" };

    if (d->steps->len == 0) {
        page_note(out, "The run ended before its first step.");
        return;
    }
    g_string_append(out, "<details><summary>as a table</summary>\n");
    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (guint i = 0; i < d->steps->len; i++) {
        const ReportStep *s = d->steps->pdata[i];
        g_autofree char *number = g_strdup_printf("%u", s->index + 1);
        g_autofree char *name = g_strdup_printf("%s %s", s->verb, s->handle);
        g_autofree char *begin = format_ps(s->begin_ps);
        g_autofree char *took = format_ps(s->end_ps - s->begin_ps);
        g_autofree char *detail =
            g_utf8_validate(s->detail, -1, NULL)
                ? g_utf8_substring(
                      s->detail, 0,
                      MIN(g_utf8_strlen(s->detail, -1), STEP_DETAIL_CHARS))
                : g_strdup("");

        page_row_begin(out);
        page_cell_number(out, number);
        page_cell(out, name);
        page_cell(out, s->node);
        page_cell(out, s->status);
        page_cell_number(out, begin);
        page_cell_number(out, took);
        page_cell(out, detail);
        page_row_end(out);
    }
    page_table_end(out);
    g_string_append(out, "</details>\n");
}

static void metric_row(GString *out, JsonObject *metrics, const char *name)
{
    JsonObject *o = report_json_object(metrics, name);
    const char *unit = report_json_text(o, "unit", "");
    g_autofree char *exact = report_json_value(o, "value", "");
    g_autofree char *value = report_json_value(o, "value", unit);

    page_row_begin(out);
    page_cell_code(out, name);
    page_cell_number(out, value);
    page_cell_number(out, exact);
    page_cell(out, unit);
    page_row_end(out);
}

void page_metrics(GString *out, const ReportData *d)
{
    static const char *const heads[] = { "Metric", ">Value", ">Exact", "Unit" };
    JsonObject *metrics = report_json_object(d->root, "metrics");
    g_autoptr(GList) names = metrics ? json_object_get_members(metrics) : NULL;

    if (!names) {
        page_note(out, "No metric was measured.");
        return;
    }
    g_string_append_printf(out, "<details><summary>%u metrics</summary>\n",
                           g_list_length(names));
    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (GList *l = names; l; l = l->next) {
        metric_row(out, metrics, l->data);
    }
    page_table_end(out);
    g_string_append(out, "</details>\n");
}

void page_events(GString *out, const ReportData *d)
{
    static const char *const heads[] = { "Kind", ">Events" };
    JsonObject *events = report_json_object(d->root, "events");
    g_autoptr(GList) kinds = events ? json_object_get_members(events) : NULL;

    if (!kinds) {
        page_note(out, "No event was recorded.");
        return;
    }
    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (GList *l = kinds; l; l = l->next) {
        g_autofree char *n = format_exact(report_json_u64(events, l->data));

        page_row_begin(out);
        page_cell_code(out, l->data);
        page_cell_number(out, n);
        page_row_end(out);
    }
    page_table_end(out);
}

void page_counters(GString *out, const ReportCard *card)
{
    static const char *const heads[] = { "Counter of the model", ">Value" };

    if (card->counters->len == 0) {
        return;
    }
    g_string_append_printf(out,
                           "<details><summary>%u counters of the "
                           "timing model</summary>\n",
                           card->counters->len);
    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (guint i = 0; i < card->counters->len; i++) {
        const ReportCounter *c =
            &g_array_index(card->counters, ReportCounter, i);
        g_autofree char *value = format_in_unit((int64_t)c->value, c->unit);

        page_row_begin(out);
        page_cell_code(out, c->name);
        page_cell_number(out, value);
        page_row_end(out);
    }
    page_table_end(out);
    g_string_append(out, "</details>\n");
}

/* What the control had to break, and by how much it did. */
static char *control_breaks(JsonObject *o)
{
    JsonArray *list = report_json_array(o, "breaks");
    GString *text = g_string_new(NULL);

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *one = report_json_element(list, i);
        g_autofree char *by = report_json_value(one, "by", "");
        g_autofree char *margin = report_json_value(one, "margin", "");

        g_string_append_printf(
            text, "%s%s by %s (was off by %s)", i ? "; " : "",
            report_json_text(one, "expect", "?"), by, margin);
    }
    return g_string_free(text, FALSE);
}

/* To the control's own report, which is below this run's directory. */
static void control_link(GString *out, const char *dir)
{
    g_autofree char *text = xml_text(dir);
    g_autofree char *link = g_strdup_printf(
        "<a href=\"%s/report.html\"><code>%s</code></a>", text, text);

    page_cell_markup(out, *text ? link : "");
}

static void control_row(GString *out, JsonObject *o)
{
    bool counted =
        json_object_get_boolean_member_with_default(o, "counted", FALSE);
    g_autofree char *breaks = control_breaks(o);

    page_row_begin(out);
    page_cell_state(out, counted, counted ? "broke it" : "proves nothing");
    page_cell(out, report_json_text(o, "name", ""));
    page_cell(out, breaks);
    page_cell(out, report_json_text(o, "reason", ""));
    control_link(out, report_json_text(o, "dir", ""));
    page_row_end(out);
}

void page_controls(GString *out, const ReportData *d)
{
    static const char *const heads[] = { "Result", "Control", "Must break",
                                         "What happened", "Run" };
    JsonArray *list = report_json_array(d->root, "controls");

    page_note(out,
              "A control takes one mechanism away; the run proves something "
              "only when the named expectation then breaks by the stated "
              "margin, and nothing else does.");
    if (!list || json_array_get_length(list) == 0) {
        page_note(out,
                  "No control was run with this run; --controls runs them.");
        return;
    }
    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *o = report_json_element(list, i);

        if (o) {
            control_row(out, o);
        }
    }
    page_table_end(out);
}
