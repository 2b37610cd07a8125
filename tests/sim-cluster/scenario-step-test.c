/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario-step-test.c: mistakes in steps, expectations, controls and the
 * quick form, with the exact text a user sees.
 */
#include "scenario_fixture.h"

static const ScenarioCase step_cases[] = {
    { "  - boot: {node: hosta}", "  - boot: {node: hostb}",
      "s.yaml:23:18: no node 'hostb'; did you mean 'hosta'?\n"
      "    - boot: {node: hostb}\n"
      "                   ^" },
    { "  - boot: {node: hosta}", "  - start: {node: hosta}",
      "s.yaml:23:19: 'hosta' was not booted before; use `boot`\n"
      "    - start: {node: hosta}\n"
      "                    ^" },
    { "  - boot: {node: hosta}",
      "  - boot: {node: hosta}\n"
      "  - boot: {node: hosta}",
      "s.yaml:24:18: 'hosta' is up already\n"
      "    - boot: {node: hosta}\n"
      "                   ^" },
    { "  - boot: {node: hosta}\n", "",
      "s.yaml:25:13: 'hosta' is not up here; boot it first\n"
      "        node: hosta\n"
      "              ^\n"
      "s.yaml:32:13: 'hosta' is not up here; boot it first\n"
      "        node: hosta\n"
      "              ^\n"
      "s.yaml:35:19: 'hosta' is not up here; boot it first\n"
      "    - fault: {node: hosta, kind: reset-interface, interface: vif0}\n"
      "                    ^\n"
      "s.yaml:37:29: 'hosta' is not up here; boot it first\n"
      "    - plant: {as: mark, node: hosta, interface: vif0, lba: 64}\n"
      "                              ^\n"
      "s.yaml:38:22: 'hosta' is not up here; boot it first\n"
      "    - poweroff: {node: hosta}\n"
      "                       ^" },
    { "  - poweroff: {node: hosta}",
      "  - poweroff: {node: hosta}\n"
      "  - boot: {node: hosta}",
      "s.yaml:40:18: 'hosta' was booted before; use `start`\n"
      "    - boot: {node: hosta}\n"
      "                   ^" },
    { "  - poweroff: {node: hosta}",
      "  - poweroff: {node: hosta}\n"
      "  - exec: {node: hosta, run: 'true'}",
      "s.yaml:40:18: 'hosta' is not up here; start it first\n"
      "    - exec: {node: hosta, run: 'true'}\n"
      "                   ^" },
    { "  - finish: {load: io}\n", "",
      "s.yaml:31:5: load 'io' is never finished; add `- finish: {load: io}`\n"
      "    - load:\n"
      "      ^\n"
      "s.yaml:37:5: load 'io' still runs on 'hosta' while it plants; finish it "
      "first\n"
      "    - plant: {as: mark, node: hosta, interface: vif0, lba: 64}\n"
      "      ^\n"
      "s.yaml:38:5: load 'io' still runs on 'hosta' when it powers off; finish "
      "it first\n"
      "    - poweroff: {node: hosta}\n"
      "      ^" },
    { "  - finish: {load: io}",
      "  - finish: {load: io}\n"
      "  - finish: {load: io}",
      "s.yaml:38:20: load 'io' is finished already\n"
      "    - finish: {load: io}\n"
      "                     ^" },
    { "  - finish: {load: io}", "  - finish: {load: oi}",
      "s.yaml:37:20: no load 'oi'; did you mean 'io'?\n"
      "    - finish: {load: oi}\n"
      "                     ^" },
    { "  - finish: {load: io}",
      "  - fault: {node: hosta, kind: kill-qemu}\n"
      "  - start: {node: hosta}\n"
      "  - finish: {load: io}",
      "s.yaml:39:20: load 'io' has ended with its node, which was killed\n"
      "    - finish: {load: io}\n"
      "                     ^" },
    { "{as: mark, node", "{as: list, node",
      "s.yaml:38:17: a second step named 'list'\n"
      "    - plant: {as: list, node: hosta, interface: vif0, lba: 64}\n"
      "                  ^" },
    { "{as: mark, node", "{as: hosta, node",
      "s.yaml:38:17: 'hosta' is taken: a node, or the run itself, has this "
      "name\n"
      "    - plant: {as: hosta, node: hosta, interface: vif0, lba: 64}\n"
      "                  ^" },
    { "{as: mark, node", "{as: run, node",
      "s.yaml:38:17: 'run' is taken: a node, or the run itself, has this name\n"
      "    - plant: {as: run, node: hosta, interface: vif0, lba: 64}\n"
      "                  ^" },
    { "{as: mark, node", "{as: step-1, node",
      "s.yaml:38:17: 'step-1' looks like the name of another step; handles do "
      "not begin with 'step-'\n"
      "    - plant: {as: step-1, node: hosta, interface: vif0, lba: 64}\n"
      "                  ^" },
    { "fio: {interface: vif1,", "fio: {interface: vif2,",
      "s.yaml:34:24: no interface 'vif2'; did you mean 'vif0'?\n"
      "        fio: {interface: vif2, rw: randread, runtime: 100ms}\n"
      "                         ^" },
    { "fio: {interface: vif1,", "fio: {interface: vif1, nsid: 2,",
      "s.yaml:34:24: nothing is attached as namespace 2 of 'vif1' here\n"
      "        fio: {interface: vif1, nsid: 2, rw: randread, runtime: 100ms}\n"
      "                         ^" },
    { "fio: {interface: vif1,",
      "run: fio\n"
      "      fio: {interface: vif1,",
      "s.yaml:34:12: a load is one of 'fio', 'iperf3', 'ping' and "
      "'run'\n"
      "        run: fio\n"
      "             ^" },
    { "runtime: 100ms}", "runtime: 100ms, rwmixread: 70%}",
      "s.yaml:34:71: 'rwmixread' is for readwrite and randrw\n"
      "        fio: {interface: vif1, rw: randread, runtime: 100ms, rwmixread: "
      "70%}\n"
      "                                                                        "
      "^" },
    { "runtime: 100ms}", "runtime: 100ms, options: {rw: write}}",
      "s.yaml:34:70: 'rw' is not for `options`: it is a key of fio itself\n"
      "        fio: {interface: vif1, rw: randread, runtime: 100ms, options: "
      "{rw: write}}\n"
      "                                                                       "
      "^" },
    { "runtime: 100ms}", "runtime: 100ms, verify_only: true}",
      "s.yaml:34:53: 'verify_only' goes over the area once\n"
      "        fio: {interface: vif1, rw: randread, runtime: 100ms, "
      "verify_only: true}\n"
      "                                                      ^\n"
      "s.yaml:34:73: 'verify_only' needs a 'verify' and rw: write or "
      "randwrite, as of the job that wrote\n"
      "        fio: {interface: vif1, rw: randread, runtime: 100ms, "
      "verify_only: true}\n"
      "                                                                        "
      "  ^" },
    { "runtime: 100ms}", "runtime: 100us}",
      "s.yaml:34:53: '100us' is not a multiple of 1ms\n"
      "        fio: {interface: vif1, rw: randread, runtime: 100us}\n"
      "                                                      ^\n"
      "s.yaml:52:25: `quick` only shortens: it is 100us now\n"
      "    steps.io.fio.runtime: 50ms\n"
      "                          ^" },
    { "      as: io\n", "",
      "s.yaml:31:5: 'as' is missing: handle: the name of this load in metrics "
      "and in later steps\n"
      "    - load:\n"
      "      ^\n"
      "s.yaml:51:3: no step 'io'; 1 to 9, or by 'as': list, mark, img\n"
      "    steps.io.fio.runtime: 50ms\n"
      "    ^" },
    { "      as: io\n",
      "      as: io\n"
      "      within: 5s\n",
      "s.yaml:33:15: 'within' is for `background: false`; here `finish` has "
      "one\n"
      "        within: 5s\n"
      "                ^" },
    { "wait: {metric: hosta.vif1.read_cmds_count, at_least: 5}", "wait: {}",
      "s.yaml:35:5: a wait has one of 'time', 'metric' and 'for'\n"
      "    - wait: {}\n"
      "      ^" },
    { "wait: {metric: hosta.vif1.read_cmds_count, at_least: 5}",
      "wait: {time: 1s, for: io}",
      "s.yaml:35:5: a wait has one of 'time', 'metric' and 'for'\n"
      "    - wait: {time: 1s, for: io}\n"
      "      ^" },
    { "wait: {metric: hosta.vif1.read_cmds_count, at_least: 5}",
      "wait: {time: 1s, within: 2s}",
      "s.yaml:35:30: 'within' is for 'metric' and 'for'\n"
      "    - wait: {time: 1s, within: 2s}\n"
      "                               ^" },
    { "wait: {metric: hosta.vif1.read_cmds_count, at_least: 5}",
      "wait: {metric: mark.changed_bytes, above: 0B}",
      "s.yaml:35:20: 'mark' comes later\n"
      "    - wait: {metric: mark.changed_bytes, above: 0B}\n"
      "                     ^" },
    { "wait: {metric: hosta.vif1.read_cmds_count, at_least: 5}",
      "wait: {metric: hosta.vif1.read_cmds, at_least: 5}",
      "s.yaml:35:20: no metric 'hosta.vif1.read_cmds'; see `outrigger list "
      "metrics`\n"
      "    - wait: {metric: hosta.vif1.read_cmds, at_least: 5}\n"
      "                     ^" },
    { "fault: {node: hosta, kind: reset-interface, interface: vif0}",
      "fault: {node: hosta, kind: reset-interfaces, interface: vif0}",
      "s.yaml:36:32: no kind 'reset-interfaces'; did you mean "
      "'reset-interface'?\n"
      "    - fault: {node: hosta, kind: reset-interfaces, interface: vif0}\n"
      "                                 ^" },
    { "fault: {node: hosta, kind: reset-interface, interface: vif0}",
      "fault: {node: hosta, kind: reset-interface}",
      "s.yaml:36:5: 'interface' is missing: the interface it strikes\n"
      "    - fault: {node: hosta, kind: reset-interface}\n"
      "      ^" },
    { "fault: {node: hosta, kind: reset-interface, interface: vif0}",
      "fault: {node: hosta, kind: read-error, drive: ssd0, offset: 64MiB}",
      "s.yaml:36:65: drive 'ssd0' ends at 64MiB\n"
      "    - fault: {node: hosta, kind: read-error, drive: ssd0, offset: "
      "64MiB}\n"
      "                                                                  ^" },
    { "fault: {node: hosta, kind: reset-interface, interface: vif0}",
      "card: {node: hosta, do: attach, partition: one, interface: vif1, nsid: "
      "2}",
      "s.yaml:36:48: partition 'one' is attached already, as vif0/1\n"
      "    - card: {node: hosta, do: attach, partition: one, interface: vif1, "
      "nsid: 2}\n"
      "                                                 ^\n"
      "s.yaml:38:47: nothing is attached as namespace 1 of 'vif0' here\n"
      "    - plant: {as: mark, node: hosta, interface: vif0, lba: 64}\n"
      "                                                ^" },
    { "fault: {node: hosta, kind: reset-interface, interface: vif0}",
      "card: {node: hosta, do: attach, partition: spare, interface: vif1}",
      "s.yaml:36:5: vif1/1 is partition 'both' already\n"
      "    - card: {node: hosta, do: attach, partition: spare, interface: "
      "vif1}\n"
      "      ^" },
    { "fault: {node: hosta, kind: reset-interface, interface: vif0}",
      "card: {node: hosta, do: delete, partition: both}",
      "s.yaml:36:48: partition 'both' is attached, as vif1/1; detach it first\n"
      "    - card: {node: hosta, do: delete, partition: both}\n"
      "                                                 ^" },
    { "fault: {node: hosta, kind: reset-interface, interface: vif0}",
      "card: {node: hosta, do: detach, partition: spare}",
      "s.yaml:36:48: partition 'spare' is not attached here\n"
      "    - card: {node: hosta, do: detach, partition: spare}\n"
      "                                                 ^" },
    { "fault: {node: hosta, kind: reset-interface, interface: vif0}",
      "card: {node: hosta, do: resize, partition: spar, size: 4MiB}",
      "s.yaml:36:48: no partition 'spar' here; did you mean 'spare'?\n"
      "    - card: {node: hosta, do: resize, partition: spar, size: 4MiB}\n"
      "                                                 ^" },
    { "fault: {node: hosta, kind: reset-interface, interface: vif0}",
      "card: {node: hosta, do: create, partition: one, drives: ssd0, size: "
      "1MiB}",
      "s.yaml:36:48: a partition 'one' exists already\n"
      "    - card: {node: hosta, do: create, partition: one, drives: ssd0, "
      "size: 1MiB}\n"
      "                                                 ^\n"
      "s.yaml:38:47: nothing is attached as namespace 1 of 'vif0' here\n"
      "    - plant: {as: mark, node: hosta, interface: vif0, lba: 64}\n"
      "                                                ^" },
    { "fault: {node: hosta, kind: reset-interface, interface: vif0}",
      "plant: {node: hosta, interface: vif0}",
      "s.yaml:36:5: load 'io' still runs on 'hosta' while it plants; finish it "
      "first\n"
      "    - plant: {node: hosta, interface: vif0}\n"
      "      ^" },
    { "interface: vif0, lba: 64}", "interface: vif0, lba: 32761}",
      "s.yaml:38:58: partition 'one' has 32768 blocks\n"
      "    - plant: {as: mark, node: hosta, interface: vif0, lba: 32761}\n"
      "                                                           ^" },
    { "plants: mark", "plants: io",
      "s.yaml:40:45: no plant 'io'; there are mark\n"
      "    - inspect: {as: img, node: hosta, plants: io}\n"
      "                                              ^" },
    { "found: {count: nvme}", "found: {count: nvme, regex: x}",
      "s.yaml:29:24: one of regex, count and pointer, as a text\n"
      "          found: {count: nvme, regex: x}\n"
      "                         ^" },
    { "found: {count: nvme}", "found: {type: size}",
      "s.yaml:29:9: 'found' needs regex, count or pointer\n"
      "          found: {type: size}\n"
      "          ^\n"
      "s.yaml:42:41: '2' has no unit; a size needs one of: B KiB MiB GiB TiB "
      "KB MB GB TB\n"
      "    - {id: found, metric: list.found, is: 2}\n"
      "                                          ^" },
    { "found: {count: nvme}", "found: {pointer: a/b}",
      "s.yaml:29:26: a JSON pointer begins with '/'\n"
      "          found: {pointer: a/b}\n"
      "                           ^" },
    { "poweroff: {node: hosta}", "restore: {node: hosta, checkpoint: cp}",
      "s.yaml:39:40: no checkpoint 'cp'; there are none\n"
      "    - restore: {node: hosta, checkpoint: cp}\n"
      "                                         ^" },
};

static const ScenarioCase expect_cases[] = {
    { "metric: list.found, is: 2", "metric: list.fuond, is: 2",
      "s.yaml:42:25: no metric 'list.fuond'; did you mean 'list.found'?\n"
      "    - {id: found, metric: list.fuond, is: 2}\n"
      "                          ^" },
    { "metric: list.found, is: 2", "metric: lst.found, is: 2",
      "s.yaml:42:25: no metric 'lst.found': no node or handle 'lst'; did you "
      "mean 'list'?\n"
      "    - {id: found, metric: lst.found, is: 2}\n"
      "                          ^" },
    { "metric: list.found, is: 2", "metric: list.found",
      "s.yaml:42:25: no comparison; write one of is, below, above, at_least, "
      "at_most, between\n"
      "    - {id: found, metric: list.found}\n"
      "                          ^" },
    { "metric: list.found, is: 2", "metric: list.found, is: 2, below: 3",
      "s.yaml:42:44: two comparisons, 'is' and 'below'; write one\n"
      "    - {id: found, metric: list.found, is: 2, below: 3}\n"
      "                                             ^" },
    { "metric: list.found, is: 2", "metric: list.found, is: two",
      "s.yaml:42:41: 'two' is not a whole number\n"
      "    - {id: found, metric: list.found, is: two}\n"
      "                                          ^" },
    { "metric: list.found, is: 2", "metric: list.found, is: [2]",
      "s.yaml:42:41: a single value belongs here\n"
      "    - {id: found, metric: list.found, is: [2]}\n"
      "                                          ^" },
    { "metric: list.found, is: 2", "is: 2",
      "s.yaml:42:5: 'metric' is missing: name of a metric, see `outrigger list "
      "metrics`\n"
      "    - {id: found, is: 2}\n"
      "      ^" },
    { "metric: list.found, is: 2", "metric: hosta.vif9.errors_count, is: 2",
      "s.yaml:42:25: no metric 'hosta.vif9.errors_count': node 'hosta' has no "
      "interface or drive 'vif9'; did you mean 'vif0'?\n"
      "    - {id: found, metric: hosta.vif9.errors_count, is: 2}\n"
      "                          ^" },
    { "metric: list.found, is: 2", "metric: found, is: 2",
      "s.yaml:42:25: no metric 'found': no node or handle 'found'; nodes and "
      "handles are hosta, list, io, mark, img, run\n"
      "    - {id: found, metric: found, is: 2}\n"
      "                          ^" },
    { "metric: list.state, is: live", "metric: list.state, below: live",
      "s.yaml:43:37: 'list.state' is a text: only 'is' compares it\n"
      "    - {id: state, metric: list.state, below: live}\n"
      "                                      ^" },
    { "between: [10us, 2ms]", "between: [2ms, 10us]",
      "s.yaml:45:53: 'between' takes the lower value first\n"
      "    - {id: fast, metric: io.lat_read_p99_ps, between: [2ms, 10us]}\n"
      "                                                      ^" },
    { "between: [10us, 2ms]", "between: 10us",
      "s.yaml:45:53: 'between' takes a list of two values: [low, high]\n"
      "    - {id: fast, metric: io.lat_read_p99_ps, between: 10us}\n"
      "                                                      ^" },
    { "between: [10us, 2ms]", "below: 2",
      "s.yaml:45:51: '2' has no unit; a duration needs one of: ps ns us ms s "
      "min\n"
      "    - {id: fast, metric: io.lat_read_p99_ps, below: 2}\n"
      "                                                    ^" },
    { "between: [10us, 2ms]", "below: 2MiB",
      "s.yaml:45:51: '2MiB' is not a duration: its unit is one of: ps ns us ms "
      "s min\n"
      "    - {id: fast, metric: io.lat_read_p99_ps, below: 2MiB}\n"
      "                                                    ^" },
    { "id: state", "id: found",
      "s.yaml:43:10: a second expectation 'found'\n"
      "    - {id: found, metric: list.state, is: live}\n"
      "           ^" },
    { "expect:\n", "expectt:\n",
      "s.yaml:1:1: 'expect' is missing: what must hold\n"
      "  format: 1\n"
      "  ^\n"
      "s.yaml:41:1: no key 'expectt' in scenario; did you mean 'expect'?\n"
      "  expectt:\n"
      "  ^" },
};

static const ScenarioCase control_cases[] = {
    { "set: {nodes.hosta.card.controls.encryption: false}",
      "set: {nodes.hosta.card.controls.encrypt: false}",
      "s.yaml:49:46: with control 'clear-text': no key 'encrypt' in card "
      "controls; its keys are encryption, throttle, fanout\n"
      "      set: {nodes.hosta.card.controls.encrypt: false}\n"
      "                                               ^" },
    { "set: {nodes.hosta.card.controls.encryption: false}",
      "set: {nodes.hostb.card.controls.encryption: false}",
      "s.yaml:49:49: with control 'clear-text': no node 'hostb'; did you mean "
      "'hosta'?\n"
      "      set: {nodes.hostb.card.controls.encryption: false}\n"
      "                                                  ^" },
    { "set: {nodes.hosta.card.controls.encryption: false}",
      "set: {nodes.hosta.card.controls.encryption: maybe}",
      "s.yaml:49:49: with control 'clear-text': 'maybe' is neither true nor "
      "false\n"
      "      set: {nodes.hosta.card.controls.encryption: maybe}\n"
      "                                                  ^" },
    { "set: {nodes.hosta.card.controls.encryption: false}",
      "set: {nodes.hosta.card.drives.ssd0.size: 8MiB}",
      "s.yaml:14:35: with control 'clear-text': 8MiB of partition 'one' do not "
      "fit on its drives\n"
      "          one: {drives: ssd0, size: 16MiB}\n"
      "                                    ^\n"
      "s.yaml:15:44: with control 'clear-text': 16MiB of partition 'both' do "
      "not fit on its drives\n"
      "          both: {drives: [ssd0, ssd1], size: 32MiB, layout: stripe}\n"
      "                                             ^" },
    { "set: {nodes.hosta.card.controls.encryption: false}", "set: {}",
      "s.yaml:49:10: 'set' is empty\n"
      "      set: {}\n"
      "           ^" },
    { "{expect: hidden, by: 1}", "{expect: hiden, by: 1}",
      "s.yaml:50:22: no expectation 'hiden'; did you mean 'hidden'?\n"
      "      breaks: {expect: hiden, by: 1}\n"
      "                       ^" },
    { "{expect: hidden, by: 1}", "{expect: hidden}",
      "s.yaml:50:13: 'by' is missing: how far at least 'hidden' must be on the "
      "wrong side\n"
      "      breaks: {expect: hidden}\n"
      "              ^" },
    { "{expect: hidden, by: 1}", "{expect: hidden, by: 1ms}",
      "s.yaml:50:34: '1ms' is not a whole number\n"
      "      breaks: {expect: hidden, by: 1ms}\n"
      "                                   ^" },
    { "{expect: hidden, by: 1}", "{expect: hidden, by: 0}",
      "s.yaml:50:34: a margin of nothing proves nothing\n"
      "      breaks: {expect: hidden, by: 0}\n"
      "                                   ^" },
    { "{expect: hidden, by: 1}", "{expect: state, by: 1}",
      "s.yaml:50:33: 'list.state' is a text: it has no margin\n"
      "      breaks: {expect: state, by: 1}\n"
      "                                  ^" },
    { "{expect: hidden, by: 1}",
      "[{expect: hidden, by: 1}, {expect: hidden, by: 1}]",
      "s.yaml:50:48: 'hidden' is named twice\n"
      "      breaks: [{expect: hidden, by: 1}, {expect: hidden, by: 1}]\n"
      "                                                 ^" },
};

static const ScenarioCase quick_cases[] = {
    { "steps.io.fio.runtime: 50ms", "steps.io.fio.runtime: 500ms",
      "s.yaml:52:25: `quick` only shortens: it is 100ms now\n"
      "    steps.io.fio.runtime: 500ms\n"
      "                          ^" },
    { "steps.io.fio.runtime: 50ms", "steps.io.fio.iodepth: 1",
      "s.yaml:52:25: 'iodepth' is not a duration; `quick` shortens durations "
      "only\n"
      "    steps.io.fio.iodepth: 1\n"
      "                          ^" },
    { "steps.io.fio.runtime: 50ms", "steps.io.fio.rate_iops: 1",
      "s.yaml:52:27: 'rate_iops' is not a duration; `quick` shortens durations "
      "only\n"
      "    steps.io.fio.rate_iops: 1\n"
      "                            ^" },
    { "steps.io.fio.runtime: 50ms", "steps.oi.fio.runtime: 50ms",
      "s.yaml:52:3: no step 'oi'; did you mean 'io'?\n"
      "    steps.oi.fio.runtime: 50ms\n"
      "    ^" },
    { "steps.io.fio.runtime: 50ms", "steps.99.within: 50ms",
      "s.yaml:52:3: no step '99'; 1 to 9, or by 'as': list, io, mark, img\n"
      "    steps.99.within: 50ms\n"
      "    ^" },
    { "steps.io.fio.runtime: 50ms", "seed.x: 50ms",
      "s.yaml:52:3: 'seed' has no part 'x'\n"
      "    seed.x: 50ms\n"
      "    ^" },
    { "steps.io.fio.runtime: 50ms", "steps..within: 50ms",
      "s.yaml:52:3: 'steps..within' is not a path: names joined by '.'\n"
      "    steps..within: 50ms\n"
      "    ^" },
    { "steps.io.fio.runtime: 50ms", "steps.io.fio.runtime: 50",
      "s.yaml:52:25: '50' has no unit; a duration needs one of: ps ns us ms s "
      "min\n"
      "    steps.io.fio.runtime: 50\n"
      "                          ^" },
};

static void test_step(void **state)
{
    (void)state;
    scenario_check_cases(step_cases, G_N_ELEMENTS(step_cases));
}

static void test_expect(void **state)
{
    (void)state;
    scenario_check_cases(expect_cases, G_N_ELEMENTS(expect_cases));
}

static void test_control(void **state)
{
    (void)state;
    scenario_check_cases(control_cases, G_N_ELEMENTS(control_cases));
}

static void test_quick(void **state)
{
    (void)state;
    scenario_check_cases(quick_cases, G_N_ELEMENTS(quick_cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_expect),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_quick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
