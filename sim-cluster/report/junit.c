/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * junit.c: JUnit XML.
 */
#include "junit.h"

#include "xml_text.h"

#define PS_PER_US UINT64_C(1000000)

struct Junit {
    char *suite;
    GString *properties, *cases, *output;
    guint counts[JUNIT_RESULTS];
    uint64_t time_ps;
};

Junit *junit_new(const char *suite)
{
    Junit *j = g_new0(Junit, 1);

    j->suite = g_strdup(suite);
    j->properties = g_string_new(NULL);
    j->cases = g_string_new(NULL);
    j->output = g_string_new(NULL);
    return j;
}

static void attribute(GString *out, const char *name, const char *value)
{
    g_string_append_printf(out, " %s=\"", name);
    xml_text_append(out, value, -1);
    g_string_append_c(out, '"');
}

/* Seconds with six decimals. */
static void time_attribute(GString *out, uint64_t time_ps)
{
    uint64_t us = time_ps / PS_PER_US;

    g_string_append_printf(out, " time=\"%" G_GUINT64_FORMAT ".%06u\"",
                           us / 1000000, (unsigned)(us % 1000000));
}

void junit_property(Junit *j, const char *name, const char *value)
{
    g_string_append(j->properties, "      <property");
    attribute(j->properties, "name", name);
    attribute(j->properties, "value", value);
    g_string_append(j->properties, "/>\n");
}

static void append_result(GString *out, JunitResult result, const char *message,
                          const char *details)
{
    static const char *const elements[] = { NULL, "failure", "error",
                                            "skipped" };

    g_string_append_printf(out, ">\n      <%s", elements[result]);
    attribute(out, "message", message ? message : "");
    if (details) {
        g_string_append_c(out, '>');
        xml_text_append(out, details, -1);
        g_string_append_printf(out, "</%s>", elements[result]);
    } else {
        g_string_append(out, "/>");
    }
    g_string_append(out, "\n    </testcase>\n");
}

void junit_case(Junit *j, const char *classname, const char *name,
                uint64_t time_ps, JunitResult result, const char *message,
                const char *details)
{
    j->counts[result]++;
    j->time_ps += time_ps;
    g_string_append(j->cases, "    <testcase");
    attribute(j->cases, "classname", classname);
    attribute(j->cases, "name", name);
    time_attribute(j->cases, time_ps);
    if (result == JUNIT_PASSED) {
        g_string_append(j->cases, "/>\n");
    } else {
        append_result(j->cases, result, message, details);
    }
}

void junit_output(Junit *j, const char *line)
{
    xml_text_append(j->output, line, -1);
    g_string_append_c(j->output, '\n');
}

guint junit_count(const Junit *j, JunitResult result)
{
    return j->counts[result];
}

static void append_counts(GString *out, const Junit *j)
{
    guint all = 0;

    for (guint i = 0; i < JUNIT_RESULTS; i++) {
        all += j->counts[i];
    }
    g_string_append_printf(
        out, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\"", all,
        j->counts[JUNIT_FAILED], j->counts[JUNIT_ERROR],
        j->counts[JUNIT_SKIPPED]);
    time_attribute(out, j->time_ps);
}

char *junit_finish(Junit *j)
{
    GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

    g_string_append(out, "<testsuites");
    append_counts(out, j);
    g_string_append(out, ">\n  <testsuite");
    attribute(out, "name", j->suite);
    append_counts(out, j);
    g_string_append(out, ">\n");
    if (j->properties->len) {
        g_string_append_printf(out, "    <properties>\n%s    </properties>\n",
                               j->properties->str);
    }
    g_string_append(out, j->cases->str);
    if (j->output->len) {
        g_string_append_printf(out, "    <system-out>%s</system-out>\n",
                               j->output->str);
    }
    g_string_append(out, "  </testsuite>\n</testsuites>\n");
    g_string_free(j->properties, TRUE);
    g_string_free(j->cases, TRUE);
    g_string_free(j->output, TRUE);
    g_free(j->suite);
    g_free(j);
    return g_string_free(out, FALSE);
}
