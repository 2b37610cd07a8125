/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_reference.c: the generated part of docs/scenario.md.
 */
#include "metrics_table.h"
#include "scenario_tables.h"

static void append_units(GString *out)
{
    g_string_append(out, "\n## Units\n\n"
                         "| value | written | kept as |\n|---|---|---|\n");
    for (Unit unit = 0; unit < UNITS; unit++) {
        if (*unit_suffixes(unit)) {
            g_string_append_printf(out, "| %s | %s | %s |\n", unit_name(unit),
                                   unit_suffixes(unit), unit_base_name(unit));
        }
    }
}

static void append_metrics(GString *out)
{
    MetricOwner owner = METRIC_OWNERS;

    g_string_append(out, "\n## Metrics\n");
    for (const MetricInfo *m = metrics_table; m->name; m++) {
        if (m->owner != owner) {
            g_string_append_printf(out,
                                   "\n### Metrics of %s\n\n"
                                   "| metric | unit | meaning | measured by "
                                   "|\n|---|---|---|---|\n",
                                   metric_owner_text(m->owner));
            owner = m->owner;
        }
        g_string_append_printf(out, "| `%s` | %s | %s | %s |\n", m->name,
                               unit_name(m->unit), m->description, m->source);
    }
}

char *scenario_reference(void)
{
    g_autofree char *tables = schema_reference(&scenario_table);
    GString *out = g_string_new("## Keys\n");

    g_string_append(out, tables);
    append_units(out);
    append_metrics(out);
    return g_string_free(out, FALSE);
}
