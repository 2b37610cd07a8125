/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_fixture.c: see scenario_fixture.h.
 */
#include "scenario_fixture.h"

#include <string.h>

const char scenario_small[] =
    "format: 1\n"
    "name: small\n"
    "seed: 7\n"
    "time: {limit: 10s}\n"
    "nodes:\n"
    "  hosta:\n"
    "    kind: host\n"
    "    memory: 256MiB\n"
    "    card:\n"
    "      drives:\n"
    "        ssd0: {size: 64MiB}\n"
    "        ssd1: {size: 64MiB}\n"
    "      partitions:\n"
    "        one: {drives: ssd0, size: 16MiB}\n"
    "        both: {drives: [ssd0, ssd1], size: 32MiB, layout: stripe}\n"
    "        spare: {drives: ssd1, size: 8MiB, block: 4KiB}\n"
    "      interfaces:\n"
    "        vif0: {namespaces: {1: one}}\n"
    "        vif1:\n"
    "          namespaces: {1: both}\n"
    "          limits: {iops: 1000, burst_ios: 10}\n"
    "steps:\n"
    "  - boot: {node: hosta}\n"
    "  - exec:\n"
    "      as: list\n"
    "      node: hosta\n"
    "      run: nvme list\n"
    "      extract:\n"
    "        found: {count: nvme}\n"
    "        state: {regex: 'state (.*)', type: text}\n"
    "  - load:\n"
    "      as: io\n"
    "      node: hosta\n"
    "      fio: {interface: vif1, rw: randread, runtime: 100ms}\n"
    "  - wait: {metric: hosta.vif1.read_cmds_count, at_least: 5}\n"
    "  - fault: {node: hosta, kind: reset-interface, interface: vif0}\n"
    "  - finish: {load: io}\n"
    "  - plant: {as: mark, node: hosta, interface: vif0, lba: 64}\n"
    "  - poweroff: {node: hosta}\n"
    "  - inspect: {as: img, node: hosta, plants: mark}\n"
    "expect:\n"
    "  - {id: found, metric: list.found, is: 2}\n"
    "  - {id: state, metric: list.state, is: live}\n"
    "  - {id: rate, metric: io.iops_max, at_most: 1050}\n"
    "  - {id: fast, metric: io.lat_read_p99_ps, between: [10us, 2ms]}\n"
    "  - {id: hidden, metric: img.plaintext_hits_count, is: 0}\n"
    "controls:\n"
    "  - name: clear-text\n"
    "    set: {nodes.hosta.card.controls.encryption: false}\n"
    "    breaks: {expect: hidden, by: 1}\n"
    "quick:\n"
    "  steps.io.fio.runtime: 50ms\n";

char *scenario_edit(const char *from, const char *to)
{
    const char *at;

    if (!from) {
        return g_strdup(scenario_small);
    }
    at = strstr(scenario_small, from);
    if (!at) {
        fail_msg("'%s' is not in the fixture", from);
        return NULL;
    }
    return g_strdup_printf("%.*s%s%s", (int)(at - scenario_small),
                           scenario_small, to, at + strlen(from));
}

Scenario *scenario_try(const char *text, const char *const *sets, GError **errp)
{
    ScenarioOptions options = { .sets = sets };

    return scenario_load_text("s.yaml", text, strlen(text), &options, errp);
}

Scenario *scenario_must(const char *text, const char *const *sets)
{
    g_autoptr(GError) err = NULL;
    Scenario *s = scenario_try(text, sets, &err);

    if (!s) {
        fail_msg("%s", err->message);
    }
    return s;
}

void scenario_must_fail(const char *text, const char *const *sets,
                        const char *message)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) s = scenario_try(text, sets, &err);

    assert_null(s);
    assert_non_null(err);
    assert_true(g_error_matches(err, SCENARIO_ERROR, SCENARIO_ERROR_INVALID));
    assert_string_equal(err->message, message);
}

void scenario_check_cases(const ScenarioCase *cases, unsigned count)
{
    g_autofree char *here = g_get_current_dir();

    for (unsigned i = 0; i < count; i++) {
        g_autofree char *text = scenario_edit(cases[i].from, cases[i].to);
        g_auto(GStrv) parts = g_strsplit(cases[i].message, "@HERE@", -1);
        g_autofree char *message = g_strjoinv(here, parts);

        scenario_must_fail(text, NULL, message);
    }
}

char *fixture_read(const char *path)
{
    const char *root = g_getenv("OUTRIGGER_ROOT");
    g_autofree char *full = g_build_filename(root ? root : ".", path, NULL);
    g_autoptr(GError) err = NULL;
    char *text = NULL;

    if (!g_file_get_contents(full, &text, NULL, &err)) {
        fail_msg("%s", err->message);
    }
    return text;
}
