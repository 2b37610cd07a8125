/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario-fuzz-test.c: seeded damage to first-light.yaml. Whatever comes out
 * either is a scenario - which then resolves and loads back - or is refused
 * with a message; nothing crashes or leaks.
 *
 * SCENARIO_FUZZ_ROUNDS sets how many; the default takes a few seconds.
 */
#include "scenario_fixture.h"

#include <stdlib.h>
#include <string.h>

static const char *const pieces[] = {
    ":",
    " ",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "#",
    "'",
    "\"",
    "&a ",
    "*a",
    "!!int ",
    "|\n",
    ">\n",
    "---\n",
    "%",
    "\t",
    "\\",
    "0",
    "-1",
    "1.5",
    "99999999999999999999",
    "ps",
    "GiB",
    "true",
    "null",
    "~",
    "yes",
    "host0",
    "fast",
    "steps",
    "expect",
    "kind",
    "card",
    "as: x",
    "between: [1, 2]",
    "within: 0s",
    "\x00",
    "\xff",
    "\xc3\xa4",
    "\xef\xbb\xbf",
    "?",
};

/* Ranges of the text that one round cuts, doubles, moves or overwrites. */
static void damage(GString *text, GRand *rand)
{
    unsigned at = (unsigned)g_rand_int_range(rand, 0, (gint32)text->len + 1);
    unsigned len = (unsigned)g_rand_int_range(rand, 1, 40);
    unsigned piece;
    g_autofree char *cut = NULL;

    len = MIN(len, (unsigned)text->len - at);
    switch (g_rand_int_range(rand, 0, 6)) {
    case 0:
        g_string_erase(text, at, (gssize)len);
        break;
    case 1: /* a piece of the language, or something that is none */
    case 2:
        piece = (unsigned)g_rand_int_range(rand, 0, G_N_ELEMENTS(pieces));
        g_string_insert_len(text, (gssize)at, pieces[piece],
                            pieces[piece][0] ? (gssize)strlen(pieces[piece])
                                             : 1);
        break;
    case 3: /* somewhere else in the text */
        cut = g_strndup(text->str + at, len);
        g_string_insert(text, g_rand_int_range(rand, 0, (gint32)text->len + 1),
                        cut);
        break;
    case 4:
        if (at < text->len) {
            text->str[at] = (char)g_rand_int_range(rand, 0, 256);
        }
        break;
    default: /* a line goes */
        while (at > 0 && text->str[at - 1] != '\n') {
            at--;
        }
        len = (unsigned)strcspn(text->str + at, "\n") + 1;
        g_string_erase(text, at, (gssize)MIN(len, (unsigned)text->len - at));
        break;
    }
}

/* A valid outcome resolves to text that gives itself. */
static void check_valid(const Scenario *s)
{
    g_autofree char *text = scenario_write(s, NULL);
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) again = scenario_try(text, NULL, &err);
    g_autofree char *second = NULL;

    if (!again) {
        fail_msg("%s\n%s", text, err->message);
        return;
    }
    second = scenario_write(again, NULL);
    assert_string_equal(text, second);
}

static bool one_round(const char *base, GRand *rand)
{
    g_autoptr(GString) text = g_string_new(base);
    int hits = 1 + g_rand_int_range(rand, 0, 3);
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) s = NULL;

    while (hits--) {
        damage(text, rand);
    }
    s = scenario_load_text("s.yaml", text->str, text->len, NULL, &err);
    if (s) {
        check_valid(s);
    } else {
        assert_non_null(err);
        assert_true(err->domain == SCENARIO_ERROR && err->message[0]);
        assert_true(g_utf8_validate(err->message, -1, NULL));
    }
    return s != NULL;
}

static void test_damage(void **state)
{
    const char *given = g_getenv("SCENARIO_FUZZ_ROUNDS");
    unsigned rounds = given ? (unsigned)atoi(given) : 1500;
    g_autofree char *base = fixture_read("scenarios/first-light.yaml");
    GRand *rand = g_rand_new_with_seed(20251122);
    unsigned valid = 0;

    (void)state;
    for (unsigned i = 0; i < rounds; i++) {
        valid += one_round(base, rand);
    }
    g_rand_free(rand);
    /* Damage in comments and free text is none, most other is found. */
    assert_true(valid > rounds / 100 && valid < rounds / 2);
}

/* Overrides with damaged paths and values, on a good file. */
static void test_damaged_sets(void **state)
{
    static const char *const starts[] = {
        "steps.io.fio.runtime=1ms",
        "expect.rate.at_most=5",
        "nodes.hosta.card.interfaces.vif0.limits={iops: 5}",
        "controls.clear-text.breaks.by=7",
        "quick={steps.1.within: 1s}",
    };
    GRand *rand = g_rand_new_with_seed(7);

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        g_autoptr(GString) set = g_string_new(starts[i % G_N_ELEMENTS(starts)]);
        const char *sets[] = { NULL, NULL };
        g_autoptr(GError) err = NULL;
        g_autoptr(Scenario) s = NULL;

        damage(set, rand);
        sets[0] = set->str;
        s = scenario_try(scenario_small, sets, &err);
        assert_true(s != NULL || err->domain == SCENARIO_ERROR);
    }
    g_rand_free(rand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_damaged_sets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
