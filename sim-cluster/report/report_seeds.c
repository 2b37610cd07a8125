/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_seeds.c: what a run with several seeds says of each metric that the
 * scenario expects something of: mean, 95 % confidence interval, extremes.
 */
#include <math.h>

#include "report_format.h"
#include "report_page.h"

#define LARGEST 9e18 /* fits int64_t */

static bool number(JsonObject *o, const char *name, double *ret)
{
    JsonNode *n = json_object_get_member(o, name);

    if (!n || !JSON_NODE_HOLDS_VALUE(n)) {
        return false;
    }
    *ret = json_node_get_double(n);
    return isfinite(*ret) && fabs(*ret) < LARGEST;
}

static void value(GString *out, JsonObject *o, const char *name,
                  const char *unit)
{
    g_autofree char *text = NULL;
    double v;

    if (!number(o, name, &v)) {
        text = g_strdup("-");
    } else if (g_str_equal(unit, "count") || g_str_equal(unit, "bool")) {
        text = g_strdup_printf("%.6g", v); /* means are fractions */
    } else {
        text = format_in_unit((int64_t)llround(v), unit);
    }
    page_cell_number(out, text);
}

static void row(GString *out, const ReportData *d, const char *name,
                JsonObject *m)
{
    JsonObject *all = report_json_object(d->root, "metrics");
    JsonObject *own = all ? report_json_object(all, name) : NULL;
    const char *unit = own ? report_json_text(own, "unit", "") : "";
    g_autofree char *n = format_exact(report_json_u64(m, "n"));

    page_row_begin(out);
    page_cell_code(out, name);
    page_cell_number(out, n);
    value(out, m, "mean", unit);
    value(out, m, "ci95", unit);
    value(out, m, "min", unit);
    value(out, m, "max", unit);
    page_row_end(out);
}

static void links(GString *out, JsonArray *seeds)
{
    g_string_append(out, "<p>Reports of the further seeds: ");
    for (guint i = 1; i < json_array_get_length(seeds); i++) {
        JsonNode *n = json_array_get_element(seeds, i);
        gint64 seed = JSON_NODE_HOLDS_VALUE(n) ? json_node_get_int(n) : 0;

        g_string_append_printf(out,
                               "<a href=\"seeds/%" G_GINT64_FORMAT
                               "/report.html\">%" G_GINT64_FORMAT "</a> ",
                               seed, seed);
    }
    g_string_append(out, "</p>\n");
}

void page_seeds(GString *out, const ReportData *d)
{
    static const char *const heads[] = { "Metric",    ">Seeds", ">Mean",
                                         ">\302\261", ">Least", ">Greatest" };
    JsonObject *o = report_json_object(d->root, "seeds");
    JsonObject *metrics = o ? report_json_object(o, "metrics") : NULL;
    JsonArray *seeds = o ? report_json_array(o, "seeds") : NULL;
    g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);

    if (!metrics || !seeds) {
        return;
    }
    page_section_begin(out, "seeds", "Over seeds");
    page_table_begin(out, heads, G_N_ELEMENTS(heads));
    for (guint i = 0; i < d->expectations->len; i++) {
        const ReportExpect *e = d->expectations->pdata[i];
        JsonObject *m = report_json_object(metrics, e->metric);

        if (m && g_hash_table_add(done, (gpointer)e->metric)) {
            row(out, d, e->metric, m);
        }
    }
    page_table_end(out);
    page_note(out, "The column after the mean is half the width of its 95 % "
                   "confidence interval (Student's t). The rest of this page "
                   "is the first seed's run. All metrics: summary.json.");
    links(out, seeds);
    page_section_end(out);
}
