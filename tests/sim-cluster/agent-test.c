/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * agent-test.c: the engine's end of guest/PROTOCOL.md against transcripts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent.h"

#define HELLO "@hello 1 6.1.0-test 1b4e28ba-2fa1-11d2-883f-0016d3cca427\n"

static void say(Agent *a, const char *text)
{
    agent_feed(a, text, strlen(text));
}

static Agent *ready_agent(void)
{
    Agent *a = agent_new();

    say(a, HELLO);
    return a;
}

static void hello(void **state)
{
    g_autoptr(Agent) a = agent_new();

    assert_false(agent_ready(a));
    assert_string_equal(agent_kernel(a), "");
    say(a, HELLO);
    assert_true(agent_ready(a));
    assert_int_equal(agent_hellos(a), 1);
    assert_string_equal(agent_kernel(a), "6.1.0-test");
}

static void other_version_is_not_ready(void **state)
{
    g_autoptr(Agent) a = agent_new();

    say(a, "@hello 2 6.1.0 x\n");
    assert_false(agent_ready(a));
    assert_int_equal(agent_garbage_lines(a), 1);
}

static void run_and_done(void **state)
{
    g_autoptr(Agent) a = ready_agent();
    g_autofree char *id = NULL;
    g_autofree char *text = agent_begin(a, "echo hi", &id);
    AgentResult *r;

    assert_string_equal(text, "@run c1 ZWNobyBoaQ==\n");
    assert_string_equal(id, "c1");
    assert_null(agent_take_result(a, id));
    say(a, "@done c1 7 100 250 4\naGkK\n");
    r = agent_take_result(a, id);
    assert_int_equal(r->outcome, AGENT_DONE);
    assert_int_equal(r->exit_code, 7);
    assert_int_equal(r->begin_ns, 100);
    assert_int_equal(r->end_ns, 250);
    assert_string_equal(r->output, "hi\n");
    assert_int_equal(r->output_len, 3);
    agent_result_free(r);
    assert_null(agent_take_result(a, id));
    assert_int_equal(agent_garbage_lines(a), 0);
}

/* A UART hands over what it has: any cut must do. */
static void any_cut(void **state)
{
    static const char text[] = "@done c1 0 1 2 4\r\naGkK\r\n";
    size_t len = strlen(text);

    for (size_t cut = 0; cut <= len; cut++) {
        g_autoptr(Agent) a = ready_agent();
        g_autofree char *id = NULL;
        g_autofree char *line = agent_begin(a, "x", &id);
        g_autoptr(AgentResult) r = NULL;

        agent_feed(a, text, cut);
        agent_feed(a, text + cut, len - cut);
        r = agent_take_result(a, id);
        assert_non_null(r);
        assert_string_equal(r->output, "hi\n");
    }
}

static void empty_output(void **state)
{
    g_autoptr(Agent) a = ready_agent();
    g_autofree char *id = NULL;
    g_autofree char *text = agent_begin(a, "true", &id);
    g_autoptr(AgentResult) r = NULL;

    say(a, "@done c1 0 1 1 0\n\n");
    r = agent_take_result(a, "c1");
    assert_int_equal(r->outcome, AGENT_DONE);
    assert_int_equal(r->output_len, 0);
}

static void several_at_once(void **state)
{
    g_autoptr(Agent) a = ready_agent();
    g_autofree char *one = NULL;
    g_autofree char *two = NULL;
    g_autoptr(AgentResult) first = NULL;
    g_autoptr(AgentResult) second = NULL;

    g_free(agent_begin(a, "a", &one));
    g_free(agent_begin(a, "b", &two));
    assert_int_equal(agent_running(a), 2);
    say(a, "@done c2 2 1 2 4\nYg==\n@done c1 1 1 3 4\nYQ==\n");
    assert_int_equal(agent_running(a), 0);
    first = agent_take_result(a, one);
    second = agent_take_result(a, two);
    assert_string_equal(first->output, "a");
    assert_int_equal(first->exit_code, 1);
    assert_string_equal(second->output, "b");
}

static void long_script_goes_in_parts(void **state)
{
    g_autoptr(Agent) a = ready_agent();
    g_autofree char *script = g_strnfill(100000, 'x');
    g_autofree char *id = NULL;
    g_autofree char *text = agent_begin(a, script, &id);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GString) code = g_string_new(NULL);
    g_autofree char *back = NULL;
    gsize len;

    assert_true(g_str_has_prefix(lines[0], "@part c1 "));
    for (unsigned i = 0; lines[i] && lines[i][0]; i++) {
        assert_true(strlen(lines[i]) < 65536);
        g_string_append(code, strrchr(lines[i], ' ') + 1);
    }
    assert_non_null(strstr(text, "\n@run c1 "));
    back = (char *)g_base64_decode(code->str, &len);
    assert_int_equal(len, 100000);
    assert_memory_equal(back, script, len);
}

static void hello_loses_commands(void **state)
{
    g_autoptr(Agent) a = ready_agent();
    g_autofree char *id = NULL;
    g_autofree char *text = agent_begin(a, "x", &id);
    g_autoptr(AgentResult) r = NULL;

    say(a, HELLO);
    r = agent_take_result(a, id);
    assert_int_equal(r->outcome, AGENT_LOST);
    assert_int_equal(agent_hellos(a), 2);
}

static void reset_loses_commands(void **state)
{
    g_autoptr(Agent) a = ready_agent();
    g_autofree char *id = NULL;
    g_autofree char *text = agent_begin(a, "x", &id);
    g_autoptr(AgentResult) r = NULL;

    say(a, "@done c1 0");
    agent_reset(a);
    assert_false(agent_ready(a));
    r = agent_take_result(a, id);
    assert_int_equal(r->outcome, AGENT_LOST);
    say(a, HELLO);
    assert_true(agent_ready(a));
}

/* A reset in the middle of a line: the rest of it never comes. */
static void hello_after_a_torn_line(void **state)
{
    static const char *const torn[] = { "@done c1 0 1 2 8\naGkK",
                                        "@done c1 0 1 2 8\n", "@do", "aGk" };

    for (unsigned i = 0; i < G_N_ELEMENTS(torn); i++) {
        g_autoptr(Agent) a = ready_agent();
        g_autofree char *id = NULL;
        g_autofree char *text = agent_begin(a, "x", &id);
        g_autoptr(AgentResult) r = NULL;

        say(a, torn[i]);
        say(a, HELLO);
        if (strcmp(torn[i], "@do") != 0) {
            assert_int_equal(agent_hellos(a), 2);
            r = agent_take_result(a, id);
            assert_non_null(r);
            assert_int_not_equal(r->outcome, AGENT_DONE);
        }
    }
}

static void refusal(void **state)
{
    g_autoptr(Agent) a = ready_agent();
    g_autofree char *id = NULL;
    g_autofree char *text = agent_begin(a, "x", &id);
    g_autoptr(AgentResult) r = NULL;

    say(a, "@error c1 is not base64\n");
    r = agent_take_result(a, id);
    assert_int_equal(r->outcome, AGENT_REFUSED);
    assert_string_equal(r->output, "is not base64");
}

static void garbage_is_counted(void **state)
{
    static const char *const lines[] = {
        "hello",
        "@",
        "@hello",
        "@done",
        "@done c9 0 1 2 0",
        "@done c1 256 1 2 0",
        "@done c1 0 2 1 0",
        "@done c1 -1 1 2 0",
        "@done c1 0 1 2 99999999999999999999",
        "@error bad line",
        "@what is this",
        "\x1b[31mred\x01\xff",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(Agent) a = ready_agent();
        g_autofree char *id = NULL;
        g_autofree char *text = agent_begin(a, "x", &id);
        g_autoptr(AgentResult) r = NULL;

        say(a, lines[i]);
        say(a, "\n\n");
        assert_int_equal(agent_garbage_lines(a), 1);
        say(a, "@done c1 0 1 2 4\nYQ==\n");
        r = agent_take_result(a, id);
        assert_int_equal(r->outcome, AGENT_DONE);
    }
}

static void bad_output_is_garbled(void **state)
{
    static const char *const outputs[] = { "YQ=", "Y===", "Y Q=", "YQ==YQ==",
                                           "" };

    for (unsigned i = 0; i < G_N_ELEMENTS(outputs); i++) {
        g_autoptr(Agent) a = ready_agent();
        g_autofree char *id = NULL;
        g_autofree char *text = agent_begin(a, "x", &id);
        g_autoptr(AgentResult) r = NULL;

        say(a, "@done c1 0 1 2 4\n");
        say(a, outputs[i]);
        say(a, "\n");
        r = agent_take_result(a, id);
        assert_int_equal(r->outcome, AGENT_GARBLED);
    }
}

static void endless_line_is_bounded(void **state)
{
    g_autoptr(Agent) a = ready_agent();
    g_autofree char *chunk = g_strnfill(1 << 20, 'A');

    for (unsigned i = 0; i < (AGENT_MAX_LINE_BYTES >> 20) + 2; i++) {
        agent_feed(a, chunk, 1 << 20);
    }
    say(a, "\n" HELLO);
    assert_int_equal(agent_hellos(a), 2);
    assert_int_equal(agent_garbage_lines(a), 1);
}

static void zero_bytes_do_no_harm(void **state)
{
    g_autoptr(Agent) a = agent_new();

    agent_feed(a, "\0\0\n" HELLO, 3 + sizeof(HELLO) - 1);
    assert_true(agent_ready(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello),
        cmocka_unit_test(other_version_is_not_ready),
        cmocka_unit_test(run_and_done),
        cmocka_unit_test(any_cut),
        cmocka_unit_test(empty_output),
        cmocka_unit_test(several_at_once),
        cmocka_unit_test(long_script_goes_in_parts),
        cmocka_unit_test(hello_loses_commands),
        cmocka_unit_test(reset_loses_commands),
        cmocka_unit_test(hello_after_a_torn_line),
        cmocka_unit_test(refusal),
        cmocka_unit_test(garbage_is_counted),
        cmocka_unit_test(bad_output_is_garbled),
        cmocka_unit_test(endless_line_is_bounded),
        cmocka_unit_test(zero_bytes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
