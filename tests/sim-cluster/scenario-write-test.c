/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario-write-test.c: the resolved scenario loads back to the same one and
 * loses nothing.
 */
#include "scenario_fixture.h"

#include <string.h>

#include <glib/gstdio.h>

#include "yaml_tree.h"

/* Every verb and every key, none at its default, written as unit_format()
 * and the writer do. */
static const char everything[] =
    "format: 1\n"
    "name: everything\n"
    "description: |\n"
    "  Two lines,\n"
    "  not one.\n"
    "seed: 3\n"
    "time: {mode: wall, limit: 100s, step: 1ms, rtc: 2030-02-03T04:05:06}\n"
    "nodes:\n"
    "  hosta:\n"
    "    kind: host\n"
    "    memory: 512MiB\n"
    "    cpu: {count: 2, ns_per_insn: 4}\n"
    "    image: default\n"
    "    firmware: ovmf\n"
    "    append: quiet\n"
    "    qemu_nvme:\n"
    "      peer: {size: 16MiB}\n"
    "    card:\n"
    "      profile: card-gen4x16\n"
    "      application: update\n"
    "      drives:\n"
    "        ssd0: {size: 64MiB, profile: drive-fast}\n"
    "        ssd1: {size: 32MiB}\n"
    "      partitions:\n"
    "        one: {drives: [ssd0], size: 4MiB, encrypted: false, block: 4KiB}\n"
    "        two:\n"
    "          drives: [ssd1, ssd0]\n"
    "          size: 8MiB\n"
    "          layout: stripe\n"
    "          stripe: 8KiB\n"
    "      interfaces:\n"
    "        vif0:\n"
    "          namespaces: {1: one, 7: two}\n"
    "          queues: 9\n"
    "          limits:\n"
    "            iops: 100\n"
    "            burst_ios: 5\n"
    "            bandwidth: 10MiB/s\n"
    "            burst_bytes: 64KiB\n"
    "      controls: {encryption: false, throttle: false, fanout: first}\n"
    "  hostb: {kind: host, image: none, firmware: seabios}\n"
    "capture: {waves: [hosta], trace: true}\n"
    "steps:\n"
    "- boot: {node: [hosta], as: first-boot, within: 7s}\n"
    "- exec:\n"
    "    node: hosta\n"
    "    as: say\n"
    "    run: |-\n"
    "      one\n"
    "      two\n"
    "    expect_exit: any\n"
    "    within: 8s\n"
    "    extract:\n"
    "      a: {regex: \"x=(\\\\d+)\", type: duration, suffix: ns}\n"
    "      b: {count: yy}\n"
    "      c: {pointer: /p/0, type: percent, suffix: \"%\"}\n"
    "      d: {regex: z, type: text}\n"
    "- load:\n"
    "    node: hosta\n"
    "    as: job\n"
    "    background: false\n"
    "    within: 9s\n"
    "    fio:\n"
    "      interface: vif0\n"
    "      nsid: 7\n"
    "      rw: randrw\n"
    "      rwmixread: 70%\n"
    "      bs: 8KiB\n"
    "      iodepth: 3\n"
    "      ioengine: psync\n"
    "      offset: 4KiB\n"
    "      size: 1MiB\n"
    "      runtime: 11ms\n"
    "      rate_iops: 12\n"
    "      verify: md5\n"
    "      fsync_at_end: true\n"
    "      window: 5ms\n"
    "      options: {direct: 0, norandommap: 1}\n"
    "- load:\n"
    "    node: hosta\n"
    "    as: again\n"
    "    fio: {interface: peer, rw: write, verify: crc32c, verify_only: true}\n"
    "- load: {node: hosta, as: shell, run: sleep 1}\n"
    "- wait: {time: 3s}\n"
    "- wait: {for: shell, within: 4s}\n"
    "- wait: {metric: hosta.boots_count, above: 0, within: 2s}\n"
    "- finish: {load: [again], within: 6s}\n"
    "- plant:\n"
    "    node: hosta\n"
    "    as: seed-a\n"
    "    interface: vif0\n"
    "    nsid: 7\n"
    "    lba: 5\n"
    "    blocks: 2\n"
    "    pattern: b\n"
    "    within: 5s\n"
    "- inspect: {node: hosta, as: look, plants: [seed-a]}\n"
    "- fault: {node: hosta, kind: reset-interface, interface: vif0}\n"
    "- fault:\n"
    "    node: hosta\n"
    "    kind: read-error\n"
    "    drive: ssd0\n"
    "    offset: 4KiB\n"
    "    size: 8KiB\n"
    "    count: 3\n"
    "    time: 2s\n"
    "- fault: {node: hosta, kind: write-error, drive: ssd1, size: 4KiB}\n"
    "- fault: {node: hosta, kind: stall-drive, drive: ssd0, time: 5ms}\n"
    "- fault: {node: hosta, kind: stall-interface, interface: vif0}\n"
    "- fault: {node: hosta, kind: clear, as: heal}\n"
    "- card:\n"
    "    node: hosta\n"
    "    do: create\n"
    "    partition: new\n"
    "    drives: [ssd0, ssd1]\n"
    "    size: 2MiB\n"
    "    layout: stripe\n"
    "    stripe: 4KiB\n"
    "    encrypted: false\n"
    "    block: 4KiB\n"
    "- card: {node: hosta, do: resize, partition: new, size: 3MiB}\n"
    "- card: {node: hosta, do: attach, partition: new, interface: vif0,\n"
    "         nsid: 2}\n"
    "- card: {node: hosta, do: rotate-key, partition: two}\n"
    "- card: {node: hosta, do: detach, partition: new, destroy_key: true}\n"
    "- card: {node: hosta, do: delete, partition: new}\n"
    "- card: {node: hosta, do: limits, interface: vif0, limits: {iops: 7}}\n"
    "- card: {node: hosta, do: update, application: stock, within: 3s}\n"
    "- reboot: {node: hosta, within: 9s}\n"
    "- checkpoint: {node: hosta, as: cp}\n"
    "- restore: {node: hosta, checkpoint: cp}\n"
    "- fault: {node: hosta, kind: kill-qemu}\n"
    "- start: {node: hosta, within: 9s}\n"
    "- poweroff: {node: hosta, within: 9s}\n"
    "expect:\n"
    "- {id: a, metric: say.a, below: 5us}\n"
    "- {id: b, metric: say.b, at_most: 9}\n"
    "- {id: c, metric: say.c, above: 12.5%}\n"
    "- {id: d, metric: say.d, is: \"a: b\"}\n"
    "- {id: e, metric: job.read_bw_bps, at_least: 1MiB/s}\n"
    "- {id: f, metric: run.sim_ps, between: [1ms, 90s]}\n"
    "- {id: g, metric: seed-a.read_back_bool, is: true}\n"
    "controls:\n"
    "- name: one\n"
    "  set: {seed: 4, nodes.hosta.append: \"\"}\n"
    "  breaks:\n"
    "  - {expect: a, by: 1us}\n"
    "  - {expect: b, by: 50%}\n"
    "  - {expect: d}\n";

static YamlNode *tree_of(const char *text)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_auto(YamlProblems) p = { 0 };
    YamlNode *root;

    yaml_problems_init(&p, "t.yaml", bytes);
    root = yaml_tree_read(&p);
    assert_int_equal(p.list->len, 0);
    return root;
}

/* Everything in @a is in @b, with the same text. */
static void must_contain(const YamlNode *a, const YamlNode *b)
{
    if (a->kind != b->kind) {
        fail_msg("line %u changed its kind", a->mark.line);
    }
    switch (a->kind) {
    case YAML_SCALAR:
        if (strcmp(a->text, b->text) != 0) {
            fail_msg("line %u: '%s' became '%s'", a->mark.line, a->text,
                     b->text);
        }
        break;
    case YAML_SEQUENCE:
        assert_int_equal(a->items->len, b->items->len);
        for (unsigned i = 0; i < a->items->len; i++) {
            must_contain(a->items->pdata[i], b->items->pdata[i]);
        }
        break;
    case YAML_MAPPING:
        for (unsigned i = 0; i < a->keys->len; i++) {
            const YamlNode *key = a->keys->pdata[i];
            const YamlNode *other = yaml_get(b, key->text);

            if (!other) {
                fail_msg("line %u: '%s' was lost", key->mark.line, key->text);
            } else {
                must_contain(a->items->pdata[i], other);
            }
        }
        break;
    }
}

static void test_nothing_lost(void **state)
{
    g_autoptr(Scenario) s = scenario_must(everything, NULL);
    g_autofree char *text = scenario_write(s, NULL);
    g_autoptr(YamlNode) before = tree_of(everything);
    g_autoptr(YamlNode) after = tree_of(text);

    (void)state;
    must_contain(before, after);
}

static void check_round_trip(const char *text)
{
    g_autoptr(Scenario) s = scenario_must(text, NULL);
    g_autofree char *first = scenario_write(s, NULL);
    g_autoptr(Scenario) again = scenario_must(first, NULL);
    g_autofree char *second = scenario_write(again, NULL);

    assert_string_equal(first, second);
}

static void test_round_trip(void **state)
{
    g_autofree char *first_light = fixture_read("scenarios/first-light.yaml");

    (void)state;
    check_round_trip(everything);
    check_round_trip(scenario_small);
    check_round_trip(first_light);
}

/* Each control of first-light, too, resolves to a scenario of its own. */
static void test_controls_round_trip(void **state)
{
    g_autofree char *first_light = fixture_read("scenarios/first-light.yaml");
    g_autoptr(Scenario) s = scenario_must(first_light, NULL);
    g_autofree char *plain = scenario_write(s, NULL);

    (void)state;
    assert_true(s->controls->len >= 3);
    for (unsigned i = 0; i < s->controls->len; i++) {
        g_autoptr(Scenario) changed =
            scenario_with_control(s, s->controls->pdata[i], NULL);
        g_autofree char *text = scenario_write(changed, NULL);

        assert_string_not_equal(text, plain);
        check_round_trip(text);
    }
}

static void test_paths(void **state)
{
    g_autofree char *text =
        scenario_edit("    memory: 256MiB\n", "    kernel: kernel.test\n");
    g_autofree char *here = g_get_current_dir();
    g_autofree char *kernel = g_build_filename(here, "kernel.test", NULL);
    g_autofree char *line = g_strdup_printf("    kernel: %s\n", kernel);
    g_autoptr(Scenario) s = NULL;
    g_autofree char *absolute = NULL, *relative = NULL;

    (void)state;
    assert_true(g_file_set_contents(kernel, "x", 1, NULL));
    s = scenario_must(text, NULL);
    absolute = scenario_write(s, NULL);
    relative = scenario_write(s, here);
    assert_int_equal(g_remove(kernel), 0);
    assert_string_equal(scenario_host(s, "hosta")->kernel, kernel);
    assert_non_null(strstr(absolute, line));
    assert_non_null(strstr(relative, "    kernel: kernel.test\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_lost),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_controls_round_trip),
        cmocka_unit_test(test_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
