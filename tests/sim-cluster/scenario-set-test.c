/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario-set-test.c: overrides by path, and what is said about wrong ones.
 */
#include "scenario_fixture.h"

#include <string.h>

/* The line of the resolved scenario that an override must lead to. */
static const struct {
    const char *set, *line;
} good[] = {
    { "seed=99", "\nseed: 99\n" },
    { "name=other", "\nname: other\n" },
    { "time.mode=untimed", "  mode: untimed\n" },
    { "time.limit=5s", "  limit: 5s\n" },
    { "description=", "\ndescription: \"\"\n" },
    { "description='a: b'", "\ndescription: \"a: b\"\n" },
    { "nodes.hosta.memory=1GiB", "    memory: 1GiB\n" },
    { "nodes.hosta.cpu.ns_per_insn=4", "      ns_per_insn: 4\n" },
    { "nodes.hosta.append=quiet", "    append: quiet\n" },
    { "nodes.hosta.card.controls.fanout=first", "        fanout: first\n" },
    { "nodes.hosta.card.partitions.both.stripe=16KiB",
      "          stripe: 16KiB\n" },
    { "nodes.hosta.card.partitions.one.drives=[ssd1]",
      "          drives: [ssd1]\n" },
    { "nodes.hosta.card.interfaces.vif0.namespaces.2=spare",
      "            2: spare\n" },
    { "nodes.hosta.card.interfaces.vif1.limits={bandwidth: 10MiB/s}",
      "            bandwidth: 10MiB/s\n" },
    { "nodes.hosta.card.drives.ssd9={size: 8MiB}",
      "        ssd9:\n          size: 8MiB\n" },
    { "steps.io.fio.runtime=7ms", "      runtime: 7ms\n" },
    { "steps.io.fio.options.direct=0", "        direct: 0\n" },
    { "steps.1.within=3s", "    within: 3s\n" },
    { "steps.list.run=true", "    run: true\n" },
    { "steps.list.extract.found.count=x", "        count: x\n" },
    { "expect.rate.at_most=2000", "  at_most: 2000\n" },
    { "expect.fast.between=[1us, 2us]", "  between: [1us, 2us]\n" },
    { "expect.4.between=[1us, 3us]", "  between: [1us, 3us]\n" },
    { "controls.clear-text.breaks.by=3", "    by: 3\n" },
    { "controls.clear-text.set.nodes.hosta.memory=64MiB",
      "    nodes.hosta.memory: 64MiB\n" },
    { "capture.waves=hosta", "  waves: [hosta]\n" },
};

static void test_good(void **state)
{
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        const char *sets[] = { good[i].set, NULL };
        g_autoptr(Scenario) s = scenario_must(scenario_small, sets);
        g_autofree char *text = scenario_write(s, NULL);

        if (!strstr(text, good[i].line)) {
            fail_msg("%s:\n%s", good[i].set, text);
        }
    }
}

/* The last one of several wins, and they are applied in order. */
static void test_order(void **state)
{
    const char *sets[] = { "seed=1", "seed=2",
                           "nodes.hosta.card.interfaces.vif1.limits={}",
                           "nodes.hosta.card.interfaces.vif1.limits.iops=9",
                           NULL };
    g_autoptr(Scenario) s = scenario_must(scenario_small, sets);
    const ScnCard *card = scenario_host(s, "hosta")->card;

    (void)state;
    assert_int_equal(s->seed, 2);
    assert_int_equal(scn_card_interface(card, "vif1")->limits->iops, 9);
    assert_int_equal(scn_card_interface(card, "vif1")->limits->burst_ios, 0);
}

/* An override comes after the quick form. */
static void test_after_quick(void **state)
{
    const char *const sets[] = { "steps.io.fio.runtime=80ms", NULL };
    ScenarioOptions options = { .quick = true, .sets = sets };
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) s = scenario_load_text(
        "s.yaml", scenario_small, strlen(scenario_small), &options, &err);

    (void)state;
    assert_non_null(s);
    assert_true(((ScnLoad *)scenario_handle(s, "io"))->fio->runtime_ps ==
                80 * PS_PER_MS);
}

static const struct {
    const char *set, *message; /* behind "--set SET: " */
} bad[] = {
    { "seed", "an override is PATH=VALUE" },
    { "=5", "'' is not a path: names joined by '.'" },
    { "time.=5", "'time.' is not a path: names joined by '.'" },
    { "sede=5", "no key 'sede' in scenario; did you mean 'seed'?" },
    { "seed=five", "'five' is not a whole number" },
    { "seed.x=5", "'seed' has no part 'x'" },
    { "time.limit=5",
      "'5' has no unit; a duration needs one of: ps ns us ms s min" },
    { "time.limit=", "'' is not a number with a unit; a duration needs one of: "
                     "ps ns us ms s min" },
    { "time.limit=[1s]", "'limit' takes a single value, not a list" },
    { "time.limit={", "did not find expected node content, while parsing a "
                      "flow node" },
    { "time.limit=&a 5s", "anchors and aliases are not part of the scenario "
                          "language; write the value out" },
    { "time.mode=off", "'off' means different things to different readers of "
                       "YAML; write true, false, or quotes around it" },
    { "nodes.hostb.memory=1GiB", "no node 'hostb'; did you mean 'hosta'?" },
    { "nodes.hosta.memroy=1GiB",
      "no key 'memroy' in host; did you mean 'memory'?" },
    { "nodes.hosta.memory=1MiB", "'1MiB' is out of range: 64MiB to 256GiB" },
    { "nodes.hosta.card.drives.ssd5.size=1GiB",
      "no drive 'ssd5'; did you mean 'ssd0'?" },
    { "nodes.hosta.card.drives.ssd5=1GiB",
      "drive is a mapping, not a single value" },
    { "nodes.hosta.card.partitions.one.drives=ssd7",
      "no drive 'ssd7'; did you mean 'ssd0'?" },
    { "steps.oi.within=1s", "no step 'oi'; did you mean 'io'?" },
    { "steps.0.within=1s",
      "no step '0'; 1 to 9, or by 'as': list, io, mark, img" },
    { "steps.io.fio.rw=append",
      "no rw 'append'; there are read, write, randread, randwrite, "
      "readwrite, randrw" },
    { "expect.rat.at_most=5", "no expectation 'rat'; did you mean 'rate'?" },
    { "expect.fast.between=[1us]",
      "'between' takes a list of two values: [low, high]" },
};

static void test_bad(void **state)
{
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        const char *sets[] = { bad[i].set, NULL };
        g_autofree char *message =
            g_strdup_printf("--set %s: %s", bad[i].set, bad[i].message);

        scenario_must_fail(scenario_small, sets, message);
    }
}

/* A second comparison is a mistake in the file's place, too. */
static void test_second_comparison(void **state)
{
    const char *sets[] = { "expect.rate.below=5", NULL };

    (void)state;
    scenario_must_fail(scenario_small, sets,
                       "s.yaml:44:37: two comparisons, 'below' and "
                       "'at_most'; write one\n"
                       "    - {id: rate, metric: io.iops_max, at_most: 1050}\n"
                       "                                      ^");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_after_quick),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_second_comparison),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
