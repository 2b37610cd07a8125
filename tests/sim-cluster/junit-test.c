/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * junit-test.c: JUnit files and the text in them are valid XML.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "junit.h"
#include "report_fixture.h"
#include "xml_text.h"

#define REPLACED "\357\277\275"

static void assert_escaped(const char *text, const char *expected)
{
    g_autofree char *got = xml_text(text);

    assert_string_equal(got, expected);
}

static void test_text(void **state)
{
    assert_escaped(NULL, "");
    assert_escaped("a<b> & \"c\" 'd'",
                   "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
    assert_escaped("tab\tline\n", "tab\tline\n");
    assert_escaped("\033[1;31mred\033[0m", "red");
    assert_escaped("\033]0;title", REPLACED "]0;title");
    assert_escaped("\033[", REPLACED "[");
    assert_escaped("bell\a", "bell" REPLACED);
    assert_escaped("\302\265s", "\302\265s");
    assert_escaped("bad \377\376", "bad " REPLACED REPLACED);
    assert_escaped("cut \303", "cut " REPLACED);
    assert_escaped("\357\277\277", REPLACED); /* U+FFFF */
    assert_escaped("\302\205", REPLACED);     /* U+0085, a C1 control */
}

static void test_text_with_nul(void **state)
{
    g_autoptr(GString) out = g_string_new(NULL);

    xml_text_append(out, "a\0b", 3);
    assert_string_equal(out->str, "a" REPLACED "b");
}

/* Console logs hold anything. */
static void test_any_bytes_are_valid(void **state)
{
    for (guint seed = 1; seed <= 300; seed++) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        g_autoptr(GString) out = g_string_new("<a b=\"");
        char bytes[64];

        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (char)g_rand_int_range(rand, 0, 256);
        }
        xml_text_append(out, bytes, sizeof(bytes));
        g_string_append(out, "\">");
        xml_text_append(out, bytes, sizeof(bytes));
        g_string_append(out, "</a>");
        fixture_assert_xml(out->str);
        for (size_t i = 0; i < out->len; i++) {
            guchar c = (guchar)out->str[i];

            assert_true(c >= 0x20 || c == '\n' || c == '\t' || c == '\r');
        }
    }
}

static const char golden[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<testsuites tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\" "
    "time=\"1.500000\">\n"
    "  <testsuite name=\"s\" tests=\"4\" failures=\"1\" errors=\"1\" "
    "skipped=\"1\" time=\"1.500000\">\n"
    "    <properties>\n"
    "      <property name=\"seed\" value=\"7\"/>\n"
    "    </properties>\n"
    "    <testcase classname=\"c\" name=\"a\" time=\"1.500000\"/>\n"
    "    <testcase classname=\"c\" name=\"b\" time=\"0.000000\">\n"
    "      <failure message=\"was 3\">long</failure>\n"
    "    </testcase>\n"
    "    <testcase classname=\"c\" name=\"d\" time=\"0.000000\">\n"
    "      <error message=\"\"/>\n"
    "    </testcase>\n"
    "    <testcase classname=\"c\" name=\"e\" time=\"0.000000\">\n"
    "      <skipped message=\"no\"/>\n"
    "    </testcase>\n"
    "    <system-out>[[ATTACHMENT|report.html]]\n"
    "</system-out>\n"
    "  </testsuite>\n"
    "</testsuites>\n";

static void test_file(void **state)
{
    Junit *j = junit_new("s");
    g_autofree char *text = NULL;

    junit_property(j, "seed", "7");
    junit_case(j, "c", "a", UINT64_C(1500000000000), JUNIT_PASSED, NULL, NULL);
    junit_case(j, "c", "b", 0, JUNIT_FAILED, "was 3", "long");
    junit_case(j, "c", "d", 0, JUNIT_ERROR, NULL, NULL);
    junit_case(j, "c", "e", 0, JUNIT_SKIPPED, "no", NULL);
    junit_output(j, "[[ATTACHMENT|report.html]]");
    assert_int_equal(junit_count(j, JUNIT_FAILED), 1);
    text = junit_finish(j);
    assert_string_equal(text, golden);
    fixture_assert_xml(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_with_nul),
        cmocka_unit_test(test_any_bytes_are_valid),
        cmocka_unit_test(test_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
