#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two hosts in the middle of a TCP transfer, modelled traffic in their way, are
saved with the network between them. A run that goes back to that, at once or
later, sends the same frames at the same instants for half a millisecond, and
loses none. Not for ever: docs/lockstep.md. Needs the fork, the guest and the
command line."""
import json
import os
import struct
import sys
import tempfile

sys.dont_write_bytecode = True
from guest import missing, run_scenario

SCENARIO = """
format: 1
name: checkpoint
networks: {blue: {vni: 7}}
nodes:
  host0: {kind: host, memory: 128MiB, card: {nic: {
    vnic0: {network: blue, address: 172.16.0.1/24}}}}
  host1: {kind: host, memory: 128MiB, card: {nic: {
    vnic0: {network: blue, address: 172.16.0.2/24}}}}
  sw0: {kind: switch, ports: 4}
  m0: {kind: modelled}
  m1: {kind: modelled}
links:
  - {a: host0.card, b: sw0.p0, delay: 1us}
  - {a: host1.card, b: sw0.p1, delay: 1us}
  - {a: m0.card, b: sw0.p2}
  - {a: m1.card, b: sw0.p3}
traffic:
  bg: {pattern: incast, target: host1, load: 30%, message: 9000B}
capture: {links: [host0-sw0, host1-sw0]}
steps:
  - boot: {node: [host0, host1]}
  - exec: {node: host1, run: "iperf3 -s -1 -D >/dev/null; sleep 0.1"}
  - exec: {node: host0, run: "(iperf3 -c 172.16.0.2 -n 20M >/run/log 2>&1;
                              echo $? >/run/code) & sleep 0.01"}
  - checkpoint: {as: saved}
RESTORE
  - exec: {node: host0, as: end,
           run: "while [ ! -e /run/code ]; do sleep 0.01; done; cat /run/log /run/code"}
expect:
  - {id: ends, metric: end.exit_code, is: 0}
"""
BACK = "  - restore: {checkpoint: saved}"
WAIT_NS = 3000000
LATER = f"  - wait: {{time: {WAIT_NS}ns}}\n" + BACK
SAME_NS = 500000


def frames(folder, link, begin_ns):
    """(interface, ns since @begin_ns, frame) of the first half millisecond."""
    with open(os.path.join(folder, "links", link + ".pcapng"), "rb") as file:
        data = file.read()
    at, found = 0, []
    while at < len(data):
        kind, total = struct.unpack_from("<II", data, at)
        if kind == 6:
            end, high, low, length, _ = struct.unpack_from("<5I", data, at + 8)
            ns = (high << 32 | low) - begin_ns
            if 0 < ns <= SAME_NS:
                found.append((end, ns, data[at + 28:at + 28 + length]))
        at += total
    return found


def run(restore, later_ns=0):
    """What the two links carried after the (last) restore, and what iperf3 said."""
    with tempfile.TemporaryDirectory(prefix="checkpoint-") as top:
        folder = run_scenario(top, SCENARIO.replace("RESTORE", restore))
        with open(os.path.join(folder, "events.ndjson")) as file:
            events = [json.loads(line) for line in file]
        with open(os.path.join(folder, "steps", "end.out")) as file:
            said = file.read()
        saved_ps, = [e["t_ps"] for e in events
                     if e["kind"] == "step-end" and e["verb"] == "checkpoint"]
        restored = [e["t_ps"] for e in events
                    if e["kind"] == "power" and e["state"] == "restored"]
        assert restored == ([saved_ps + later_ns * 1000] * 2 if restore else [])
        begin_ns = saved_ps // 1000 + later_ns
        carried = [frames(folder, link, begin_ns) for link in ("host0-sw0", "host1-sw0")]
    return carried, said


def retransmitted(said):
    line, = [line for line in said.splitlines() if line.endswith("sender")]
    return int(line.split()[-2])


def main():
    if missing():
        print("needs the command line, the fork and the guest", file=sys.stderr)
        return 77
    plain, said = run("")
    for carried in plain:  # busy, both ways
        assert len(carried) > 50 and {end for end, _, _ in carried} == {0, 1}, len(carried)
    assert said.endswith("\n0\n") and retransmitted(said) == 0, said
    for restore, later_ns in ((BACK, 0), (LATER, WAIT_NS)):
        carried, said = run(restore, later_ns)
        assert carried == plain, restore
        assert said.endswith("\n0\n") and retransmitted(said) == 0, said
    print(f"ok: {sum(map(len, plain))} frames, three times")
    return 0


sys.exit(main())
