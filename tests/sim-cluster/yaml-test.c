/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * yaml-test.c: trees, scalars that read back the same, near words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "yaml_tree.h"

static YamlNode *read_text(const char *text, size_t len, char **ret_problems)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, len);
    g_auto(YamlProblems) p = { 0 };
    YamlNode *node;

    yaml_problems_init(&p, "t.yaml", bytes);
    node = yaml_tree_read(&p);
    *ret_problems = yaml_problems_text(&p);
    return node;
}

static void test_tree(void **state)
{
    const char *text = "a: 1\nb: [x, {c: 'y z'}]\n";
    g_autofree char *problems = NULL;
    g_autoptr(YamlNode) root = read_text(text, strlen(text), &problems);
    const YamlNode *b = yaml_get(root, "b"), *c;

    (void)state;
    assert_string_equal(problems, "");
    assert_string_equal(yaml_get(root, "a")->text, "1");
    assert_int_equal(b->kind, YAML_SEQUENCE);
    assert_int_equal(b->mark.line, 2);
    assert_int_equal(b->mark.col, 4);
    c = yaml_get(b->items->pdata[1], "c");
    assert_string_equal(c->text, "y z");
    assert_true(c->quoted);
    assert_null(yaml_get(root, "z"));
}

static void test_put_and_copy(void **state)
{
    const char *text = "a: 1\n";
    YamlMark mark = { "here", 0, 0 };
    g_autofree char *problems = NULL;
    g_autoptr(YamlNode) root = read_text(text, strlen(text), &problems);
    g_autoptr(YamlNode) copy = yaml_node_copy(root);

    (void)state;
    yaml_put(root, "a", yaml_scalar_new("2", mark));
    yaml_put(root, "b", yaml_scalar_new("3", mark));
    assert_string_equal(yaml_get(root, "a")->text, "2");
    assert_string_equal(yaml_get_key(root, "a")->mark.source, "here");
    assert_string_equal(yaml_get(copy, "a")->text, "1");
    assert_null(yaml_get(copy, "b"));
    yaml_remove(root, "a");
    yaml_remove(root, "nothing");
    assert_null(yaml_get(root, "a"));
}

/* Columns count characters, and tabs stay tabs, so the caret fits. */
static void test_caret(void **state)
{
    const char *text = "'\xc3\xa4\xc3\xb6': {b: on}\n";
    g_autofree char *problems = NULL;
    g_autoptr(YamlNode) root = read_text(text, strlen(text), &problems);

    (void)state;
    assert_non_null(root);
    assert_string_equal(problems,
                        "t.yaml:1:11: 'on' means different things to "
                        "different readers of YAML; write true, false, or "
                        "quotes around it\n"
                        "  '\xc3\xa4\xc3\xb6': {b: on}\n"
                        "            ^");
}

static void test_not_utf8(void **state)
{
    const char text[] = "a: 1\nb: \xff\n";
    g_autofree char *problems = NULL;
    YamlNode *root = read_text(text, sizeof(text) - 1, &problems);

    (void)state;
    assert_null(root);
    assert_string_equal(problems, "t.yaml:2:4: not UTF-8 text\n"
                                  "  b: \xef\xbf\xbd\n"
                                  "     ^");
}

static void test_nul(void **state)
{
    const char text[] = "a: 1\0b";
    g_autofree char *problems = NULL;
    YamlNode *root = read_text(text, sizeof(text) - 1, &problems);

    (void)state;
    assert_null(root);
    assert_string_equal(problems, "t.yaml:1:5: not UTF-8 text\n"
                                  "  a: 1\n"
                                  "      ^");
}

static void test_empty(void **state)
{
    g_autofree char *problems = NULL;
    YamlNode *root = read_text("", 0, &problems);

    (void)state;
    assert_null(root);
    assert_string_equal(problems, "t.yaml:1:1: nothing in it");
}

static void test_depth(void **state)
{
    g_autoptr(GString) text = g_string_new("a: ");
    g_autofree char *problems = NULL;
    YamlNode *root;

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        g_string_append_c(text, '[');
    }
    root = read_text(text->str, text->len, &problems);
    yaml_node_free(root);
    assert_non_null(strstr(problems, "nested too deeply or too large"));
}

static void test_many_problems(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *problems = NULL;
    g_autoptr(YamlNode) root = NULL;

    (void)state;
    for (unsigned i = 0; i < 25; i++) {
        g_string_append(text, "a: 1\n");
    }
    root = read_text(text->str, text->len, &problems);
    assert_true(g_str_has_suffix(problems, "\n... and 4 more"));
}

/* Whatever text a scalar has, writing and reading gives it back. */
static void check_scalar(const char *scalar, int indent)
{
    g_autoptr(GString) out = g_string_new("k: ");
    g_autofree char *problems = NULL;
    g_autoptr(YamlNode) root = NULL;

    yaml_write_scalar(out, scalar, indent);
    g_string_append(out, "\nnext: 1\n");
    root = read_text(out->str, out->len, &problems);
    if (*problems || strcmp(yaml_get(root, "k")->text, scalar) != 0) {
        fail_msg("'%s' became\n%s\n%s", scalar, out->str, problems);
    }
    assert_non_null(yaml_get(root, "next"));
}

static void test_scalars(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "a",
        "yes",
        "No",
        "~",
        "null",
        "a: b",
        "a #b",
        "#a",
        "- a",
        "-a",
        "?",
        "a b ",
        " a",
        "a,b",
        "[a]",
        "{a}",
        "'",
        "\"",
        "a\"b",
        "back\\slash",
        "100%",
        "%",
        "@x",
        "`x`",
        "!x",
        "&x",
        "*x",
        "|",
        ">",
        "one\ntwo",
        "one\ntwo\n",
        "one\n\ntwo\n",
        "one\ntwo\n\n",
        "\none",
        " one\ntwo",
        "tab\tone",
        "a\ttab\nand line",
        "one\n  two\n three",
        "esc \x1b[0m",
        "esc\nline \x1b[0m",
        "\xc3\xa4\xc3\xb6\n\xe2\x82\xac",
        "\xc3\xa4",
        "a:",
        "a:b",
        ":a",
        "1.5",
        "true",
        "---",
        "--- a",
        "...",
        "a\rb",
        "a\r\nb\r\n",
        "\xef\xbb\xbfx",
        "\xc2\x85x\ny",
        "\xe2\x80\xa8x\ny",
        "x\x7f",
    };

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        check_scalar(texts[i], -1);
        check_scalar(texts[i], 2);
    }
}

static void test_random_scalars(void **state)
{
    static const char *const pieces[] = {
        "a",  "B",  " ",  "  ", "\n",       ":",  "#",    "-", "'",
        "\"", "\\", "\t", "[",  "]",        "{",  "}",    ",", "|",
        ">",  "%",  "1",  ".",  "\xc3\xa4", "no", "\x01",
    };
    GRand *rand = g_rand_new_with_seed(3);

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        int n = g_rand_int_range(rand, 0, 9);

        while (n--) {
            g_string_append(
                text, pieces[g_rand_int_range(rand, 0, G_N_ELEMENTS(pieces))]);
        }
        check_scalar(text->str, i % 2 ? 2 : -1);
    }
    g_rand_free(rand);
}

static void test_nearest(void **state)
{
    static const char *const names[] = { "memory", "image", "kernel", "append",
                                         NULL };

    (void)state;
    assert_string_equal(yaml_nearest("memroy", names), "memory");
    assert_string_equal(yaml_nearest("memori", names), "memory");
    assert_string_equal(yaml_nearest("imag", names), "image");
    assert_null(yaml_nearest("flavour", names));
    assert_null(yaml_nearest("", names));
    assert_null(yaml_nearest("x", names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),    cmocka_unit_test(test_put_and_copy),
        cmocka_unit_test(test_caret),   cmocka_unit_test(test_not_utf8),
        cmocka_unit_test(test_nul),     cmocka_unit_test(test_empty),
        cmocka_unit_test(test_depth),   cmocka_unit_test(test_many_problems),
        cmocka_unit_test(test_scalars), cmocka_unit_test(test_random_scalars),
        cmocka_unit_test(test_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
