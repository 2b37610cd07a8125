/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_net.c: the network of a run: topology, links, switches, boards,
 * modelled traffic. The pictures lie in the run directory.
 */
#include <string.h>

#include "report_charts.h"
#include "report_fabric.h"
#include "report_format.h"
#include "report_page.h"

/* A picture of the run directory as it is; NULL for a missing one. */
static char *picture_of(const ReportData *d, JsonObject *o)
{
    const char *name = o ? report_json_text(o, "picture", NULL) : NULL;
    g_autofree char *path = name ? g_build_filename(d->dir, name, NULL) : NULL;
    g_autofree char *svg = NULL;
    const char *begin = NULL;

    if (path && g_file_get_contents(path, &svg, NULL, NULL)) {
        begin = strstr(svg, "<svg");
    }
    return g_strdup(begin);
}

static void embed(GString *out, const ReportData *d, JsonObject *o)
{
    g_autofree char *svg = picture_of(d, o);

    g_string_append(out, svg ? svg : "");
}

char *report_network_picture(const ReportData *d)
{
    return picture_of(d, report_json_object(d->root, "network"));
}

/* A metric for people, "-" when it was not measured. */
static void metric(GString *out, const ReportData *d, const char *owner,
                   const char *name)
{
    g_autofree char *full = g_strconcat(owner, ".", name, NULL);
    JsonObject *all = report_json_object(d->root, "metrics");
    JsonObject *m = all ? report_json_object(all, full) : NULL;
    g_autofree char *text =
        m ? report_json_value(m, "value", report_json_text(m, "unit", ""))
          : g_strdup("-");

    page_cell_number(out, text);
}

/* Of large fabrics only what matters to somebody is measured. */
static bool measured(const ReportData *d, const char *owner, const char *name)
{
    g_autofree char *full = g_strconcat(owner, ".", name, NULL);
    JsonObject *all = report_json_object(d->root, "metrics");

    return all && json_object_has_member(all, full);
}

static void links(GString *out, const ReportData *d, JsonArray *list)
{
    static const char *const heads[] = { "link",     "from",   "to",
                                         ">rate",    ">delay", ">load",
                                         ">packets", ">lost",  ">load back",
                                         ">packets", ">lost" };
    static const char *const columns[] = {
        "ab_load_ppm", "ab_packets_count", "ab_lost_count",
        "ba_load_ppm", "ba_packets_count", "ba_lost_count"
    };

    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *o = report_json_element(list, i);
        const char *name = report_json_text(o, "name", "");
        g_autofree char *rate = report_json_value(o, "rate_bps", "bps");
        g_autofree char *delay = report_json_value(o, "delay_ps", "ps");

        if (!measured(d, name, columns[0])) {
            continue;
        }
        page_row_begin(out);
        page_cell_code(out, name);
        page_cell(out, report_json_text(o, "a", ""));
        page_cell(out, report_json_text(o, "b", ""));
        page_cell_number(out, rate);
        page_cell_number(out, delay);
        for (guint k = 0; k < G_N_ELEMENTS(columns); k++) {
            metric(out, d, name, columns[k]);
        }
        page_row_end(out);
    }
    page_table_end(out);
}

static void switches(GString *out, const ReportData *d, JsonArray *list)
{
    static const char *const heads[] = {
        "switch",   ">ports",  "board",          ">packets", ">bytes",
        ">dropped", ">marked", ">longest queue", ">retimers"
    };
    static const char *const columns[] = {
        "forwarded_count", "forwarded_bytes", "drops_count",
        "marks_count",     "queue_max_bytes", "retimers_count"
    };

    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *o = report_json_element(list, i);
        const char *name = report_json_text(o, "name", "");
        g_autofree char *ports = report_json_value(o, "ports", "count");

        if (!measured(d, name, columns[0]) && !measured(d, name, columns[5])) {
            continue;
        }
        page_row_begin(out);
        page_cell_code(out, name);
        page_cell_number(out, ports);
        page_cell(out, report_json_text(o, "layout", "-"));
        for (guint k = 0; k < G_N_ELEMENTS(columns); k++) {
            metric(out, d, name, columns[k]);
        }
        page_row_end(out);
    }
    page_table_end(out);
}

static void boards(GString *out, const ReportData *d, JsonArray *list)
{
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *o = report_json_element(list, i);

        if (o && json_object_has_member(o, "picture")) {
            g_string_append_printf(out, "<h3>Board of %s: %s</h3>\n",
                                   report_json_text(o, "name", ""),
                                   report_json_text(o, "layout", ""));
            embed(out, d, o);
            page_note(out, "The same board in all four layouts, its own "
                           "first. Traces are coloured by what is left of the "
                           "loss budget.");
        }
    }
}

static void traffic_row(GString *out, const ReportData *d, const char *title,
                        const char *owner)
{
    static const char *const columns[] = { "sent_count",  "received_count",
                                           "drops_count", "lat_p50_ps",
                                           "lat_p99_ps",  "lat_p999_ps",
                                           "lat_max_ps" };

    page_row_begin(out);
    page_cell(out, title);
    for (guint k = 0; k < G_N_ELEMENTS(columns); k++) {
        metric(out, d, owner, columns[k]);
    }
    page_row_end(out);
}

static void traffic(GString *out, const ReportData *d, JsonObject *network)
{
    static const char *const heads[] = { "traffic",  ">sent",   ">arrived",
                                         ">dropped", ">median", ">99 %",
                                         ">99.9 %",  ">longest" };
    JsonArray *list = report_json_array(network, "entries");

    g_string_append(out, "<h3>Modelled traffic</h3>\n");
    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        const char *name = json_array_get_string_element(list, i);
        g_autofree char *owner = g_strconcat("traffic.", name, NULL);

        traffic_row(out, d, name, owner);
    }
    traffic_row(out, d, "all, with full hosts' drops", "traffic");
    page_table_end(out);
}

/* Appends and frees. */
static void picture(GString *out, const char *title, char *svg,
                    const char *note)
{
    if (svg) {
        g_string_append_printf(out, "<h3>%s</h3>\n%s", title, svg);
        page_note(out, note);
    }
    g_free(svg);
}

/* Of the network as a whole: only what was measured and is not 0. */
static void whole(GString *out, const ReportData *d)
{
    static const char *const heads[] = { "of the whole network", ">value" };
    JsonObject *all = report_json_object(d->root, "metrics");
    g_autoptr(GList) names = all ? json_object_get_members(all) : NULL;
    bool begun = false;

    for (GList *l = names; l; l = l->next) {
        const char *name = l->data;
        JsonObject *m = report_json_object(all, name);

        if (!g_str_has_prefix(name, "fabric.") || !m ||
            !report_json_u64(m, "value")) {
            continue;
        }
        if (!begun) {
            page_table_begin(out, heads, G_N_ELEMENTS(heads));
            begun = true;
        }
        page_row_begin(out);
        page_cell_code(out, name);
        metric(out, d, "fabric", name + strlen("fabric."));
        page_row_end(out);
    }
    if (begun) {
        page_table_end(out);
    }
}

static void over_time(GString *out, const ReportData *d)
{
    g_autoptr(ReportFabric) f = report_fabric_load(d);

    if (!f) {
        return;
    }
    picture(out, "Paths over time", report_fabric_heat(f),
            "A row for each direction of a link between switches, the busiest "
            "ones of large fabrics.");
    picture(out, "Queues, marks and drops", report_fabric_queues(f),
            "A queue's value is the longest it was in a bin.");
}

void page_network(GString *out, const ReportData *d)
{
    JsonObject *o = report_json_object(d->root, "network");
    JsonArray *list = o ? report_json_array(o, "links") : NULL;
    JsonArray *nodes = o ? report_json_array(o, "switches") : NULL;

    if (!list || !nodes) {
        return;
    }
    g_string_append(out, "<section id=\"network\"><h2>The network</h2>\n");
    embed(out, d, o);
    if (json_object_get_boolean_member_with_default(o, "traffic", FALSE)) {
        traffic(out, d, o);
    }
    picture(out, "Completion times by size", report_fabric_fct(d),
            "Of modelled flows, first bit to last; the scale is logarithmic.");
    over_time(out, d);
    whole(out, d);
    g_string_append(out, "<h3>Links and switches</h3>\n");
    links(out, d, list);
    page_note(out, "Load is the share of the time in which packets were on "
                   "the link, from a to b and back. Of large fabrics only "
                   "what an expectation names is here.");
    switches(out, d, nodes);
    boards(out, d, nodes);
    g_string_append(out, "</section>\n");
}
