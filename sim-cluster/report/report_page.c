/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_page.c: the frame of report.html: head, sections, pictures.
 *
 * Attributes carry what a reader needs (borders, alignment, colours of
 * states), so the page also reads well where a policy blocks <style>.
 */
#include "report_page.h"

#include "report_charts.h"
#include "report_format.h"
#include "svg.h"
#include "xml_text.h"

#include <string.h>

static const char style[] =
    ":root{color-scheme:light}\n"
    "body{margin:0;background:#eef1f4;color:#1f2933;"
    "font:15px/1.5 Inter,'Segoe UI','Helvetica Neue',Arial,sans-serif}\n"
    "main{max-width:1128px;margin:0 auto;padding:24px}\n"
    "header{background:#fff;border-radius:10px;padding:22px 24px;"
    "border-left:8px solid #66727f}\n"
    "header.held{border-color:#1a7f4b}header.broken{border-color:#c62f2f}"
    "header.error{border-color:#b76e00}\n"
    "h1{font-size:26px;margin:0 0 4px;font-weight:650}\n"
    "h2{font-size:18px;margin:0 0 10px;font-weight:650}\n"
    "h3{font-size:14px;margin:18px 0 6px}\n"
    "p{margin:6px 0}.note{color:#66727f;font-size:13px}\n"
    ".badge{display:inline-block;border-radius:6px;padding:2px 12px;"
    "color:#fff;font-weight:650;letter-spacing:.04em;vertical-align:3px;"
    "font-size:14px;background:#66727f;margin-right:12px}\n"
    ".held .badge{background:#1a7f4b}.broken .badge{background:#c62f2f}"
    ".error .badge{background:#b76e00}\n"
    ".facts{display:grid;grid-template-columns:repeat(auto-fit,"
    "minmax(150px,1fr));gap:12px;margin-top:16px}\n"
    ".facts div{background:#f6f8fa;border-radius:8px;padding:8px 12px}\n"
    ".facts b{display:block;font-size:19px;font-weight:600;"
    "overflow-wrap:anywhere}\n"
    ".facts span{color:#66727f;font-size:12px}\n"
    "nav{margin:14px 0;font-size:13px}nav a{margin-right:14px;"
    "color:#2563c9;text-decoration:none}\n"
    "section{background:#fff;border-radius:10px;padding:20px 24px;"
    "margin-top:16px;overflow-x:auto}\n"
    "table{border-collapse:collapse;width:100%;font-size:13.5px;"
    "border:0}\n"
    "th{text-align:left;font-weight:600;color:#66727f;font-size:12px;"
    "border:0;border-bottom:2px solid #dfe4e8;padding:5px 10px 5px 0}\n"
    "td{border:0;border-bottom:1px solid #edf0f2;padding:6px 10px 6px 0;"
    "vertical-align:top;overflow-wrap:anywhere}\n"
    "th[align=right],td[align=right]{text-align:right;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "code,pre{font:12.5px/1.5 'DejaVu Sans Mono',Menlo,Consolas,monospace}\n"
    "pre{background:#1f2933;color:#f1f4f6;border-radius:8px;"
    "padding:12px 14px;white-space:pre-wrap;overflow-wrap:anywhere}\n"
    "svg{max-width:100%;height:auto;display:block}td svg{margin-top:4px}\n"
    "summary{cursor:pointer;color:#2563c9;font-size:13px}\n"
    "@media print{body{background:#fff}section,header{break-inside:avoid}"
    "nav{display:none}}\n";

/* ---- tables ------------------------------------------------------------ */

void page_table_begin(GString *out, const char *const *heads, guint n)
{
    g_string_append(out, "<table border=\"1\" cellpadding=\"4\" "
                         "cellspacing=\"0\"><thead><tr>");
    for (guint i = 0; i < n; i++) {
        bool number = heads[i][0] == '>';

        g_string_append(out, number ? "<th align=\"right\">" : "<th>");
        xml_text_append(out, heads[i] + number, -1);
        g_string_append(out, "</th>");
    }
    g_string_append(out, "</tr></thead><tbody>\n");
}

void page_table_end(GString *out)
{
    g_string_append(out, "</tbody></table>\n");
}

void page_row_begin(GString *out)
{
    g_string_append(out, "<tr>");
}

void page_row_end(GString *out)
{
    g_string_append(out, "</tr>\n");
}

static void cell(GString *out, const char *open, const char *text,
                 const char *close)
{
    g_string_append(out, open);
    xml_text_append(out, text, -1);
    g_string_append(out, close);
}

void page_cell(GString *out, const char *text)
{
    cell(out, "<td>", text, "</td>");
}

void page_cell_number(GString *out, const char *text)
{
    cell(out, "<td align=\"right\">", text, "</td>");
}

void page_cell_code(GString *out, const char *text)
{
    cell(out, "<td><code>", text, "</code></td>");
}

void page_cell_markup(GString *out, const char *html)
{
    g_string_append_printf(out, "<td>%s</td>", html);
}

void page_cell_state(GString *out, bool good, const char *text)
{
    g_string_append_printf(out, "<td><b><font color=\"%s\">%s ",
                           good ? SVG_GOOD : SVG_BAD,
                           good ? "&#10003;" : "&#10007;");
    xml_text_append(out, text, -1);
    g_string_append(out, "</font></b></td>");
}

void page_note(GString *out, const char *text)
{
    g_string_append(out, "<p class=\"note\">");
    xml_text_append(out, text, -1);
    g_string_append(out, "</p>\n");
}

/* ---- sections ---------------------------------------------------------- */

void page_section_begin(GString *out, const char *id, const char *title)
{
    g_string_append_printf(out, "<section id=\"%s\"><h2>%s</h2>\n", id, title);
}

void page_section_end(GString *out)
{
    g_string_append(out, "</section>\n");
}

/* Appends and frees @svg. false: there was none. */
static bool picture(GString *out, char *svg)
{
    if (svg) {
        g_string_append(out, svg);
    }
    g_free(svg);
    return svg != NULL;
}

static void fact(GString *out, const char *value, const char *name)
{
    g_string_append(out, "<div><b>");
    xml_text_append(out, value, -1);
    g_string_append(out, "</b> <span>");
    xml_text_append(out, name, -1);
    g_string_append(out, "</span></div>\n");
}

static guint held_count(const ReportData *d)
{
    guint held = 0;

    for (guint i = 0; i < d->expectations->len; i++) {
        held += ((ReportExpect *)d->expectations->pdata[i])->held;
    }
    return held;
}

static void facts(GString *out, const ReportData *d)
{
    g_autofree char *held =
        g_strdup_printf("%u of %u", held_count(d), d->expectations->len);
    g_autofree char *end = format_ps(d->end_ps);
    g_autofree char *hash = g_strndup(d->trace_hash, 10);
    g_autofree char *commands = format_exact(d->done->len);

    g_string_append(out, "<div class=\"facts\">\n");
    fact(out, held, "expectations held");
    fact(out, end, "simulated time");
    fact(out, commands, "I/O commands");
    fact(out, d->seed, "seed");
    fact(out, *d->mode ? d->mode : "lockstep", "time mode");
    if (*hash) {
        fact(out, hash, "trace hash");
    }
    g_string_append(out, "</div>\n");
}

void page_document_begin(GString *out, const char *title, const char *more)
{
    g_string_append(out, "<!DOCTYPE html>\n<html lang=\"en\"><head>"
                         "<meta charset=\"utf-8\"/>"
                         "<meta name=\"viewport\" "
                         "content=\"width=device-width\"/>\n<title>");
    xml_text_append(out, title, -1);
    g_string_append_printf(out, "</title>\n<style>\n%s%s</style></head><body>",
                           style, more);
    g_string_append(out, "<main>\n");
}

void page_document_end(GString *out)
{
    g_string_append(out, "</main></body></html>\n");
}

static void page_head(GString *out, const ReportData *d)
{
    const char *verdict = d->verdict;
    g_autofree char *title = g_strdup_printf("%s: %s", d->scenario, verdict);

    page_document_begin(out, title, "");
    g_string_append(out, "<header class=\"");
    xml_text_append(out, verdict, -1);
    g_string_append(out, "\"><h1><span class=\"badge\">");
    xml_text_append(out, verdict, -1);
    g_string_append(out, "</span> ");
    xml_text_append(out, d->scenario, -1);
    g_string_append(out, "</h1>\n<p>");
    xml_text_append(out, d->description, -1);
    g_string_append(out, "</p>\n");
    if (*d->reason) {
        g_string_append_printf(out, "<p><b><font color=\"%s\">",
                               g_str_equal(verdict, "held") ? SVG_MUTED
                                                            : SVG_BAD);
        xml_text_append(out, d->reason, -1);
        g_string_append(out, "</font></b></p>\n");
    }
    facts(out, d);
    g_string_append(out, "</header>\n");
}

/* Of a run without storage there is no page on storage. */
static bool is_absent(const ReportData *d, const char *section)
{
    if (g_str_equal(section, "seeds")) {
        return !json_object_has_member(d->root, "seeds");
    }
    if (g_str_equal(section, "loads")) {
        return d->loads->len == 0 || d->done->len == 0;
    }
    return d->done->len == 0 &&
           (g_str_equal(section, "latency") || g_str_equal(section, "time"));
}

static void page_nav(GString *out, const ReportData *d)
{
    static const char *const links[][2] = {
        { "expectations", "Expectations" },
        { "seeds", "Over seeds" },
        { "run", "What was run" },
        { "latency", "Latency" },
        { "loads", "Loads" },
        { "time", "Over time" },
        { "network", "The network" },
        { "card", "The card" },
        { "steps", "Steps" },
        { "controls", "Controls" },
        { "events", "Events" },
        { "metrics", "Metrics" },
    };

    g_string_append(out, "<nav>");
    for (gsize i = 0; i < G_N_ELEMENTS(links); i++) {
        if (is_absent(d, links[i][0])) {
            continue;
        }
        g_string_append_printf(out, "<a href=\"#%s\">%s</a> ", links[i][0],
                               links[i][1]);
    }
    g_string_append(out, "</nav>\n");
}

static void row2(GString *out, const char *name, const char *value)
{
    if (value && *value) {
        page_row_begin(out);
        page_cell(out, name);
        page_cell_code(out, value);
        page_row_end(out);
    }
}

static void add_version(JsonObject *o, const char *name, JsonNode *node,
                        gpointer opaque)
{
    g_autofree char *value = report_json_value(o, name, "");
    g_autofree char *label = g_strdup_printf("version of %s", name);

    row2(opaque, label, value);
}

/* Relative links to what lies beside the report. */
static void page_files(GString *out, const ReportData *d)
{
    static const char *const names[] = {
        "resolved.yaml", "summary.json",         "events.ndjson",
        "metrics.csv",   "trace.perfetto-trace", "junit.xml",
    };

    g_string_append(out, "<p>Files of this run: ");
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(d->dir, names[i], NULL);

        if (i < 4 || g_file_test(path, G_FILE_TEST_EXISTS)) {
            g_string_append_printf(out, "<a href=\"%s\"><code>%s</code></a> ",
                                   names[i], names[i]);
        }
    }
    g_string_append(out, "</p>\n");
}

/* What --repeat found; "" without it. */
static const char *repeats(const ReportData *d)
{
    JsonNode *equal = json_object_get_member(d->root, "repeat_equal");

    if (report_json_u64(d->root, "repeat") < 2 || !equal ||
        !JSON_NODE_HOLDS_VALUE(equal)) {
        return "";
    }
    return json_node_get_boolean(equal)
               ? "all equal to the bit"
               : report_json_text(d->root, "repeat_difference", "not equal");
}

static void page_run(GString *out, const ReportData *d)
{
    static const char *const heads[] = { "What", "Value" };
    JsonObject *versions = report_json_object(d->root, "versions");
    g_autofree char *name = g_path_get_basename(d->dir);

    page_section_begin(out, "run", "What was run");
    if (*d->replay) {
        g_string_append(out, "<p>To run exactly this again:</p><pre>");
        xml_text_append(out, d->replay, -1);
        g_string_append(out, "</pre>\n");
    }
    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    row2(out, "scenario", d->scenario);
    row2(out, "control applied", report_json_text(d->root, "control", ""));
    row2(out, "seed", d->seed);
    row2(out, "time mode", d->mode);
    row2(out, "trace hash", d->trace_hash);
    row2(out, "run directory", name);
    row2(out, "repetitions", repeats(d));
    if (versions) {
        json_object_foreach_member(versions, add_version, out);
    }
    page_table_end(out);
    page_files(out, d);
    page_section_end(out);
}

static void page_card(GString *out, const ReportData *d)
{
    if (d->cards->len == 0) {
        return;
    }
    page_section_begin(out, "card", "The card");
    for (guint i = 0; i < d->cards->len; i++) {
        const ReportCard *card = d->cards->pdata[i];

        if (!picture(out, report_diagram(d, card))) {
            page_note(out, "This card did no I/O.");
        }
        page_counters(out, card);
    }
    page_note(out, "Bytes between guest and controllers are the data of "
                   "commands that ended well; rates are means from an "
                   "interface's first completion to its last. Bytes at the "
                   "drives are physical: stripes, key rotation and copies "
                   "included.");
    if (d->thinned) {
        page_note(out, "The event log left out part of the doorbells, "
                       "interrupts and physical requests; drives and "
                       "commands are counted in full all the same.");
    }
    page_section_end(out);
}

static void page_latency(GString *out, const ReportData *d)
{
    if (is_absent(d, "latency")) {
        return;
    }
    page_section_begin(out, "latency", "Latency");
    picture(out, report_chart_latency(d));
    page_note(out, "From the fetch of a command by the controller to its "
                   "completion in host memory, in simulated time; waiting "
                   "for a limit included, commands with an error left "
                   "out. Values are upper ends of buckets that are at "
                   "most 0.1 % wide.");
    page_latency_table(out, d);
    page_section_end(out);
}

static void page_load_section(GString *out, const ReportData *d)
{
    if (is_absent(d, "loads")) {
        return;
    }
    page_section_begin(out, "loads", "Loads");
    page_loads(out, d);
    page_note(out, "Commands that were completed between the load's begin "
                   "and its end on that interface, rates over the time from "
                   "the first of them to the last. The small curves begin at "
                   "zero; a dotted line is the interface's limit.");
    page_section_end(out);
}

static void page_time(GString *out, const ReportData *d)
{
    if (is_absent(d, "time")) {
        return;
    }
    page_section_begin(out, "time", "Over simulated time");
    picture(out, report_chart_time(d));
    page_note(out, "Each part begins with the first completed command of "
                   "a load and ends with its last; the time between is "
                   "left out. Vertical lines: faults, resets, updates, "
                   "namespaces attached or detached. Dotted horizontal "
                   "lines: limits at the end of the run.");
    page_section_end(out);
}

char *report_page(const ReportData *d)
{
    GString *out = g_string_new(NULL);

    page_head(out, d);
    page_nav(out, d);
    page_section_begin(out, "expectations", "Expectations");
    page_expectations(out, d);
    page_section_end(out);
    page_seeds(out, d);
    page_run(out, d);
    page_latency(out, d);
    page_load_section(out, d);
    page_time(out, d);
    page_network(out, d);
    page_card(out, d);
    page_section_begin(out, "steps", "Steps");
    picture(out, report_chart_steps(d));
    page_steps(out, d);
    page_section_end(out);
    page_section_begin(out, "controls", "Controls");
    page_controls(out, d);
    page_section_end(out);
    page_section_begin(out, "events", "Events");
    page_events(out, d);
    page_section_end(out);
    page_section_begin(out, "metrics", "All metrics");
    page_metrics(out, d);
    page_section_end(out);
    page_document_end(out);
    return g_string_free(out, FALSE);
}
