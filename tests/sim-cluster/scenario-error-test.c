/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario-error-test.c: every kind of mistake that needs no look at the
 * steps, with the exact text a user sees.
 */
#include "scenario_fixture.h"

static const ScenarioCase yaml_cases[] = {
    { "seed: 7",
      "seed: 7\n"
      "seed: 8",
      "s.yaml:4:1: duplicate key 'seed'; the first is at line 3\n"
      "  seed: 8\n"
      "  ^" },
    { "time: {limit: 10s}", "time: &t {limit: 10s}",
      "s.yaml:4:7: anchors and aliases are not part of the scenario language; "
      "write the value out\n"
      "  time: &t {limit: 10s}\n"
      "        ^" },
    { "time: {limit: 10s}", "time: *t",
      "s.yaml:4:7: anchors and aliases are not part of the scenario language; "
      "write the value out\n"
      "  time: *t\n"
      "        ^" },
    { "seed: 7", "seed: !!int 7",
      "s.yaml:3:7: tags are not part of the scenario language; remove it\n"
      "  seed: !!int 7\n"
      "        ^" },
    { "quick:\n",
      "---\n"
      "format: 1\n"
      "quick:\n",
      "s.yaml:51:1: a scenario file holds one document; a second starts here\n"
      "  ---\n"
      "  ^" },
    { "seed: 7", "seed: \"\\e[2J\\nx\\u202e\"", /* not for the terminal */
      "s.yaml:3:7: '?[2J?x?' is not a whole number\n"
      "  seed: \"\\e[2J\\nx\\u202e\"\n"
      "        ^" },
    { "seed: 7", "seed: yes",
      "s.yaml:3:7: 'yes' means different things to different readers of YAML; "
      "write true, false, or quotes around it\n"
      "  seed: yes\n"
      "        ^" },
    { "seed: 7", "on: 7",
      "s.yaml:3:1: 'on' means different things to different readers of YAML; "
      "write true, false, or quotes around it\n"
      "  on: 7\n"
      "  ^" },
    { "seed: 7", "seed:",
      "s.yaml:3:6: a value is missing here\n"
      "  seed:\n"
      "       ^" },
    { "seed: 7", "seed: ~",
      "s.yaml:3:7: a value is missing here\n"
      "  seed: ~\n"
      "        ^" },
    { "seed: 7", "seed: [7",
      "s.yaml:4:5: did not find expected ',' or ']', while parsing a flow "
      "sequence\n"
      "  time: {limit: 10s}\n"
      "      ^" },
    { "seed: 7", "\tseed: 7",
      "s.yaml:3:1: found a tab character that violates indentation, while "
      "scanning a plain scalar\n"
      "  \tseed: 7\n"
      "  ^" },
    { "seed: 7",
      "? {a: b}\n"
      ": 7",
      "s.yaml:3:3: a key must be a plain word\n"
      "  ? {a: b}\n"
      "    ^" },
    { "format: 1",
      "%YAML 1.1\n"
      "---\n"
      "format: 1",
      "s.yaml:1:1: YAML directives are not part of the scenario language\n"
      "  %YAML 1.1\n"
      "  ^" },
    { "seed: 7", "seed: \"7\\0\"",
      "s.yaml:3:7: a NUL character in a text\n"
      "  seed: \"7\\0\"\n"
      "        ^" },
};

static const ScenarioCase type_cases[] = {
    { "seed: 7", "sede: 7",
      "s.yaml:3:1: no key 'sede' in scenario; did you mean 'seed'?\n"
      "  sede: 7\n"
      "  ^" },
    { "seed: 7", "flavour: 7",
      "s.yaml:3:1: no key 'flavour' in scenario; its keys are format, name, "
      "description, seed, time, nodes, networks, links, fabric, traffic, "
      "capture, steps, expect, controls, quick\n"
      "  flavour: 7\n"
      "  ^" },
    { "memory: 256MiB", "memory: 256",
      "s.yaml:8:13: '256' has no unit; a size needs one of: B KiB MiB GiB TiB "
      "KB MB GB TB\n"
      "      memory: 256\n"
      "              ^" },
    { "memory: 256MiB", "memory: 256Mb",
      "s.yaml:8:13: '256Mb' is not a size: its unit is one of: B KiB MiB GiB "
      "TiB KB MB GB TB\n"
      "      memory: 256Mb\n"
      "              ^" },
    { "memory: 256MiB", "memory: lots",
      "s.yaml:8:13: 'lots' is not a number with a unit; a size needs one of: B "
      "KiB MiB GiB TiB KB MB GB TB\n"
      "      memory: lots\n"
      "              ^" },
    { "memory: 256MiB", "memory: 1MiB",
      "s.yaml:8:13: '1MiB' is out of range: 64MiB to 256GiB\n"
      "      memory: 1MiB\n"
      "              ^" },
    { "memory: 256MiB", "memory: 100000KiB",
      "s.yaml:8:13: '100000KiB' is not a multiple of 1MiB\n"
      "      memory: 100000KiB\n"
      "              ^" },
    { "memory: 256MiB", "memory: {size: 1GiB}",
      "s.yaml:8:13: 'memory' takes a single value, not a mapping\n"
      "      memory: {size: 1GiB}\n"
      "              ^" },
    { "seed: 7", "seed: 1.5",
      "s.yaml:3:7: '1.5' is not a whole number\n"
      "  seed: 1.5\n"
      "        ^" },
    { "seed: 7", "seed: 0x10",
      "s.yaml:3:7: '0x10' is not a whole number\n"
      "  seed: 0x10\n"
      "        ^" },
    { "seed: 7", "seed: 010",
      "s.yaml:3:7: '010' is not a whole number\n"
      "  seed: 010\n"
      "        ^" },
    { "seed: 7", "seed: -1",
      "s.yaml:3:7: '-1' is not a whole number\n"
      "  seed: -1\n"
      "        ^" },
    { "time: {limit: 10s}", "time: 10s",
      "s.yaml:4:7: time is a mapping, not a single value\n"
      "  time: 10s\n"
      "        ^" },
    { "time: {limit: 10s}", "time: {limit: 0s}",
      "s.yaml:4:15: '0s' is too small: at least 1ps\n"
      "  time: {limit: 0s}\n"
      "                ^" },
    { "time: {limit: 10s}", "time: {mode: lokstep}",
      "s.yaml:4:14: no mode 'lokstep'; did you mean 'lockstep'?\n"
      "  time: {mode: lokstep}\n"
      "               ^" },
    { "time: {limit: 10s}", "time: {mode: fast}",
      "s.yaml:4:14: no mode 'fast'; there are lockstep, wall, untimed\n"
      "  time: {mode: fast}\n"
      "               ^" },
    { "time: {limit: 10s}", "time: {step: 2s}",
      "s.yaml:4:14: '2s' is out of range: 1us to 1s\n"
      "  time: {step: 2s}\n"
      "               ^" },
    { "time: {limit: 10s}", "time: {limit: 0.1ps}",
      "s.yaml:4:15: '0.1ps' is finer than 1 ps\n"
      "  time: {limit: 0.1ps}\n"
      "                ^" },
    { "time: {limit: 10s}", "time: {rtc: yesterday}",
      "s.yaml:4:13: 'yesterday' is not a date: YYYY-MM-DD or "
      "YYYY-MM-DDTHH:MM:SS\n"
      "  time: {rtc: yesterday}\n"
      "              ^" },
    { "name: small", "name: Small",
      "s.yaml:2:7: 'Small' is not a name: a-z, then a-z, 0-9 and '-', at most "
      "31 characters\n"
      "  name: Small\n"
      "        ^" },
    { "name: small", "name: a-name-that-is-much-too-long-for-a-name",
      "s.yaml:2:7: 'a-name-that-is-much-too-long-for-a-name' is not a name: "
      "a-z, then a-z, 0-9 and '-', at most 31 characters\n"
      "  name: a-name-that-is-much-too-long-for-a-name\n"
      "        ^" },
    { "name: small\n", "",
      "s.yaml:1:1: 'name' is missing: its name; run folders begin with it\n"
      "  format: 1\n"
      "  ^" },
    { "format: 1", "format: 2",
      "s.yaml:1:9: format 2 is not known; this program reads format 1\n"
      "  format: 2\n"
      "          ^" },
    { "    kind: host\n", "",
      "s.yaml:6:3: 'kind' is missing in node; there are host, switch, "
      "modelled, gateway\n"
      "    hosta:\n"
      "    ^" },
    { "    kind: host", "    kind: hots",
      "s.yaml:7:11: no kind 'hots'; did you mean 'host'?\n"
      "      kind: hots\n"
      "            ^" },
    { "  - boot: {node: hosta}",
      "  - boot: {node: hosta}\n"
      "    wait: {time: 1s}",
      "s.yaml:23:5: a step is one verb with its keys: '- VERB: {...}'\n"
      "    - boot: {node: hosta}\n"
      "      ^" },
    { "  - boot: {node: hosta}", "  - bot: {node: hosta}",
      "s.yaml:23:5: no step 'bot'; did you mean 'boot'?\n"
      "    - bot: {node: hosta}\n"
      "      ^" },
    { "  - boot: {node: hosta}", "  - boot: {node: hosta, wihtin: 5s}",
      "s.yaml:23:25: no key 'wihtin' in boot; did you mean 'within'?\n"
      "    - boot: {node: hosta, wihtin: 5s}\n"
      "                          ^" },
    { "  - boot: {node: hosta}", "  - boot",
      "s.yaml:23:5: step is a mapping, not a single value\n"
      "    - boot\n"
      "      ^" },
    { "  - boot: {node: hosta}", "  - boot: {}",
      "s.yaml:23:5: 'node' is missing: the host, or a list of hosts that boot "
      "side by side\n"
      "    - boot: {}\n"
      "      ^" },
    { "        ssd0: {size: 64MiB}", "        SSD0: {size: 64MiB}",
      "s.yaml:11:9: 'SSD0' is not a name: a-z, then a-z, 0-9 and '-', at most "
      "31 characters\n"
      "          SSD0: {size: 64MiB}\n"
      "          ^" },
    { "        ssd0: {size: 64MiB}", "        ssd0: 64MiB",
      "s.yaml:11:15: drive is a mapping, not a single value\n"
      "          ssd0: 64MiB\n"
      "                ^" },
    { "        ssd0: {size: 64MiB}", "        ssd0: {profile: drive-tlc}",
      "s.yaml:11:9: 'size' is missing: its capacity\n"
      "          ssd0: {profile: drive-tlc}\n"
      "          ^" },
    { "one: {drives: ssd0,", "one: {drives: [ssd0, ssd0],",
      "s.yaml:14:30: 'drives' names 'ssd0' twice\n"
      "          one: {drives: [ssd0, ssd0], size: 16MiB}\n"
      "                               ^" },
    { "one: {drives: ssd0,", "one: {drives: [],",
      "s.yaml:14:23: 'drives' is empty\n"
      "          one: {drives: [], size: 16MiB}\n"
      "                        ^" },
    { "run: nvme list",
      "run: nvme list\n"
      "      expect_exit: 256",
      "s.yaml:28:20: '256' is not an exit code: 0 to 255, or any\n"
      "        expect_exit: 256\n"
      "                     ^" },
};

static const ScenarioCase ref_cases[] = {
    { "one: {drives: ssd0,", "one: {drives: ssd7,",
      "s.yaml:14:23: no drive 'ssd7'; did you mean 'ssd0'?\n"
      "          one: {drives: ssd7, size: 16MiB}\n"
      "                        ^" },
    { "one: {drives: ssd0, size: 16MiB}",
      "one: {drives: ssd0, size: 16MiB, stripe: 4KiB}",
      "s.yaml:14:50: 'stripe' is only for `layout: stripe`\n"
      "          one: {drives: ssd0, size: 16MiB, stripe: 4KiB}\n"
      "                                                   ^" },
    { "both: {drives: [ssd0, ssd1],", "both: {drives: [ssd0],",
      "s.yaml:15:24: a stripe lies on two drives or more\n"
      "          both: {drives: [ssd0], size: 32MiB, layout: stripe}\n"
      "                         ^" },
    { "block: 4KiB", "block: 1KiB",
      "s.yaml:16:50: a block is 512B or 4KiB\n"
      "          spare: {drives: ssd1, size: 8MiB, block: 1KiB}\n"
      "                                                   ^" },
    { "size: 32MiB, layout", "size: 320MiB, layout",
      "s.yaml:15:44: 208MiB of partition 'both' do not fit on its drives\n"
      "          both: {drives: [ssd0, ssd1], size: 320MiB, layout: stripe}\n"
      "                                             ^\n"
      "s.yaml:16:37: 8MiB of partition 'spare' do not fit on its drives\n"
      "          spare: {drives: ssd1, size: 8MiB, block: 4KiB}\n"
      "                                      ^" },
    { "namespaces: {1: one}", "namespaces: {1: two}",
      "s.yaml:18:28: no partition 'two'; there are one, both, spare\n"
      "          vif0: {namespaces: {1: two}}\n"
      "                             ^" },
    { "namespaces: {1: one}", "namespaces: {1: both}",
      "s.yaml:20:23: partition 'both' is attached to 'vif0' already\n"
      "            namespaces: {1: both}\n"
      "                        ^" },
    { "namespaces: {1: one}", "namespaces: {17: one}",
      "s.yaml:18:29: '17' is not a namespace number: 1 to 16\n"
      "          vif0: {namespaces: {17: one}}\n"
      "                              ^" },
    { "limits: {iops: 1000, burst_ios: 10}", "limits: {burst_ios: 10}",
      "s.yaml:21:31: 'burst_ios' needs a limit of 'iops'\n"
      "            limits: {burst_ios: 10}\n"
      "                                ^" },
    { "limits: {iops: 1000, burst_ios: 10}", "limits: {bandwidth: 3bit}",
      "s.yaml:21:31: '3bit' is not a whole number of B/s\n"
      "            limits: {bandwidth: 3bit}\n"
      "                                ^" },
    { "vif0: {namespaces: {1: one}}", "ssd0: {namespaces: {1: one}}",
      "s.yaml:18:9: 'ssd0' is the name of a drive, too\n"
      "          ssd0: {namespaces: {1: one}}\n"
      "          ^" },
    { "vif0: {namespaces: {1: one}}",
      "interface-with-a-long-name: {namespaces: {1: one}}",
      "s.yaml:18:9: 'interface-with-a-long-name' is longer than a serial "
      "number: 20 characters\n"
      "          interface-with-a-long-name: {namespaces: {1: one}}\n"
      "          ^" },
    { "memory: 256MiB",
      "memory: 256MiB\n"
      "    cpu: {count: 5}",
      "s.yaml:9:18: more than 4 processors only in `mode: wall`: lockstep is "
      "not known to be repeatable with so many\n"
      "      cpu: {count: 5}\n"
      "                   ^" },
    { "memory: 256MiB",
      "memory: 256MiB\n"
      "    cpu: {ns_per_insn: 3}",
      "s.yaml:9:24: '3' is not a power of two\n"
      "      cpu: {ns_per_insn: 3}\n"
      "                         ^" },
    { "memory: 256MiB",
      "memory: 256MiB\n"
      "    kernel: nowhere/vmlinuz",
      "s.yaml:9:13: no file '@HERE@/nowhere/vmlinuz'\n"
      "      kernel: nowhere/vmlinuz\n"
      "              ^" },
    { "memory: 256MiB",
      "memory: 256MiB\n"
      "    firmware: uefi",
      "s.yaml:9:15: no firmware 'uefi'; there are seabios, ovmf\n"
      "      firmware: uefi\n"
      "                ^" },
    { "memory: 256MiB",
      "memory: 256MiB\n"
      "    image: none\n"
      "    append: quiet",
      "s.yaml:10:13: 'append' needs a 'kernel' or the default image\n"
      "      append: quiet\n"
      "              ^" },
    { "memory: 256MiB",
      "memory: 256MiB\n"
      "    image: debian",
      "s.yaml:9:12: 'image' is default or none; your own guest is given as "
      "kernel, initrd, disk or firmware\n"
      "      image: debian\n"
      "             ^" },
    { "    card:\n",
      "    card:\n"
      "      application: upgrade\n",
      "s.yaml:10:20: no application 'upgrade'; there are stock, update\n"
      "        application: upgrade\n"
      "                     ^" },
    { "ssd0: {size: 64MiB}", "ssd0: {image: nowhere.raw}",
      "s.yaml:11:23: no file '@HERE@/nowhere.raw'\n"
      "          ssd0: {image: nowhere.raw}\n"
      "                        ^" },
    { "seed: 7", "capture: {waves: hostb}",
      "s.yaml:3:18: no node 'hostb'; did you mean 'hosta'?\n"
      "  capture: {waves: hostb}\n"
      "                   ^" },
};

static void test_yaml(void **state)
{
    (void)state;
    scenario_check_cases(yaml_cases, G_N_ELEMENTS(yaml_cases));
}

static void test_type(void **state)
{
    (void)state;
    scenario_check_cases(type_cases, G_N_ELEMENTS(type_cases));
}

static void test_ref(void **state)
{
    (void)state;
    scenario_check_cases(ref_cases, G_N_ELEMENTS(ref_cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_type),
        cmocka_unit_test(test_ref),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
