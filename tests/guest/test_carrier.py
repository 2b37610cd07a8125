#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A switch that fails takes the carrier from the stock guests at it, at that very
instant, and gives it back. Needs the fork, the guest and the command line."""
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
from guest import missing, run_scenario

DOWN_PS = 5000000000
SCENARIO = """
format: 1
name: carrier
networks: {blue: {vni: 7}}
nodes:
  host0: {kind: host, card: {nic: {
    vnic0: {network: blue, address: 172.16.0.1/24}}}}
  host1: {kind: host, card: {nic: {
    vnic0: {network: blue, address: 172.16.0.2/24}}}}
  host2: {kind: host, card: {nic: {
    vnic0: {network: blue, address: 172.16.0.3/24}}}}
  near: {kind: switch, ports: 3}
  far: {kind: switch, ports: 2}
links:
  - {a: host0.card, b: near.p0}
  - {a: host1.card, b: near.p1}
  - {a: near.p2, b: far.p0}
  - {a: host2.card, b: far.p1}
capture: {trace: true}
steps:
  - boot: {node: [host0, host1, host2]}
  - load: {as: watch0, node: host0, run: "WATCH"}
  - load: {as: watch2, node: host2, run: "WATCH"}
  - wait: {time: 20ms}
  - fault: {kind: switch-down, switch: near, time: 5ms}
  - finish: {load: [watch0, watch2]}
expect:
  - {id: ends, metric: run.steps_count, is: 6}
"""
# For 100 ms a line for each change: the kernel's nanoseconds (the third line of
# /proc/timer_list is "now at N nsecs") and the carrier.
WATCH = "; ".join([
    "now() { read -r t; read -r t; read -r _ _ t _; }",
    "cd /sys/class/net/vnic0",
    "now </proc/timer_list",
    "end=$((t + 100000000))",
    "while [ $t -lt $end ]",
    "do read -r is <carrier",
    "now </proc/timer_list",
    "[ $is = ${was:-x} ] || echo $t $is",
    "was=$is",
    "done"])


def changes(folder, handle):
    with open(os.path.join(folder, "steps", handle + ".out")) as file:
        return [tuple(map(int, line.split())) for line in file.read().splitlines()]


def main():
    if missing():
        print("needs the command line, the fork and the guest", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory(prefix="carrier-") as top:
        folder = run_scenario(top, SCENARIO.replace("WATCH", WATCH))
        with open(os.path.join(folder, "events.ndjson")) as file:
            events = [json.loads(line) for line in file]
        (_, first), (down_ns, off), (up_ns, on) = changes(folder, "watch0")
        assert (first, off, on) == (1, 0, 1)
        assert [is_up for _, is_up in changes(folder, "watch2")] == [1]
    began, = [e["t_ps"] for e in events if e["kind"] == "fault"]
    healed, = [e["t_ps"] for e in events if e["kind"] == "heal"]
    assert healed - began == DOWN_PS
    # The card says so with an interrupt once the event is in the host's memory,
    # which takes the same time whatever it says.
    for host in ("host0", "host1"):
        told = [min(e["t_ps"] - t_ps for e in events
                    if e["kind"] == "irq" and e.get("node") == host
                    and e["vector"] == 0 and e["t_ps"] >= t_ps)
                for t_ps in (began, healed)]
        assert told[0] == told[1] < 2000000, (host, told)
    assert not [e for e in events if e["kind"] == "irq" and e.get("node") == "host2"
                and e["vector"] == 0 and 0 <= e["t_ps"] - began < 2 * DOWN_PS]
    # The guest's driver has noticed within a few turns of its loop.
    assert abs((up_ns - down_ns) * 1000 - DOWN_PS) < 500000000, (down_ns, up_ns)
    print(f"ok: carrier lost and back, {up_ns - down_ns} ns apart")
    return 0


sys.exit(main())
