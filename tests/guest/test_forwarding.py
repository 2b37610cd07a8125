#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A switch in a host is that of the fabric: two guests ping each other across
the device of a third one, which is saved and loaded with them in the middle of
it, and across the fabric's switch of the same parameters. Their frames are the
same and leave at the same instants. Then two such devices stand in a row. Needs
the fork, the guest and the command line."""
import os
import struct
import sys
import tempfile

sys.dont_write_bytecode = True
from guest import missing, run_scenario

HOSTS = """\
  host0: {kind: host, memory: 128MiB, card: {nic: {
    vnic0: {network: blue, address: 172.16.0.1/24}}}}
  host1: {kind: host, memory: 128MiB, card: {nic: {
    vnic0: {network: blue, address: 172.16.0.2/24}}}}"""
SCENARIO = """
format: 1
name: forwarding
networks: {blue: {vni: 7}}
nodes:
HOSTS
  control: {kind: host, memory: 128MiB, manages: tor}
  tor: {kind: switch, ports: 16, rate: 100Gbit, forwarding: WHO,
        geometry: {layout: stair}}
links:
  - {name: left, a: host0.card, b: tor.p0, rate: 100Gbit, delay: 1us}
  - {name: right, a: host1.card, b: tor.p15, rate: 100Gbit, delay: 1us}
capture: {links: [left, right]}
steps:
  - boot: {node: control}
  - exec: {node: control, run: switch-tool up 0 15}
  - boot: {node: [host0, host1]}
  - exec: {node: host0, run: "(ping -q -s 1000 -c 20 -i 0.002 172.16.0.2 >/run/log;
                              echo $? >/run/code) & sleep 0.02"}
  - checkpoint: {as: saved}
RESTORE
  - exec: {node: host0, as: end,
           run: "while [ ! -e /run/code ]; do sleep 0.01; done; cat /run/log /run/code"}
expect:
  - {id: ends, metric: end.exit_code, is: 0}
"""
CHAIN = """
format: 1
name: chain
networks: {blue: {vni: 7}}
nodes:
HOSTS
  near-control: {kind: host, memory: 128MiB, manages: near}
  far-control: {kind: host, memory: 128MiB, manages: far}
  near: {kind: switch, ports: 16, rate: 100Gbit, forwarding: device, geometry: {layout: stair}}
  far: {kind: switch, ports: 16, rate: 100Gbit, forwarding: device, geometry: {layout: arc}}
links:
  - {name: left, a: host0.card, b: near.p0, rate: 100Gbit}
  - {name: middle, a: near.p15, b: far.p0, rate: 100Gbit}
  - {name: right, a: host1.card, b: far.p15, rate: 100Gbit}
steps:
  - boot: {node: [near-control, far-control]}
  - exec: {node: near-control, run: switch-tool up 0 15}
  - exec: {node: far-control, run: switch-tool up 0 15}
  - boot: {node: [host0, host1]}
  - load: {as: pings, node: host0, background: false,
           ping: {to: host1, count: 20, interval: 1ms, size: 1000B}}
expect:
  - {id: replies, metric: pings.received_count, is: 20}
  - {id: through-near, metric: near.forwarded_count, at_least: 40}
  - {id: through-far, metric: far.forwarded_count, at_least: 40}
  - {id: between, metric: middle.ab_packets_count, at_least: 20}
"""
BACK = "  - restore: {checkpoint: saved}"


def frames(path):
    """(from the host, ns, frame)"""
    with open(path, "rb") as file:
        data = file.read()
    at, found = 0, []
    while at < len(data):
        kind, total = struct.unpack_from("<II", data, at)
        if kind == 6:
            end, high, low, length, _ = struct.unpack_from("<5I", data, at + 8)
            if end < 2:
                found.append((end == 0, high << 32 | low, data[at + 28:at + 28 + length]))
        at += total
    return found


def run(who, restore):
    with tempfile.TemporaryDirectory(prefix="forwarding-") as top:
        text = SCENARIO.replace("HOSTS", HOSTS).replace("WHO", who)
        folder = run_scenario(top, text.replace("RESTORE", restore))
        with open(os.path.join(folder, "steps", "end.out")) as file:
            said = file.read()
        return [frames(os.path.join(folder, "links", f"{name}.pcapng"))
                for name in ("left", "right")], said


def compare(device, fabric):
    """The tap is at the switch, the traces are before it or behind it: frames
    to a host have left the device's connector a trace later."""
    for from_host, most_ns in ((True, 0), (False, 2)):
        a = [f for f in device if f[0] == from_host]
        b = [f for f in fabric if f[0] == from_host]
        assert len(a) == len(b) >= 20, (len(a), len(b))
        for (_, a_ns, a_bytes), (_, b_ns, b_bytes) in zip(a, b):
            assert a_bytes == b_bytes and 0 <= a_ns - b_ns <= most_ns, (a_ns, b_ns)


def main():
    if missing():
        print("needs the command line, the fork and the guest", file=sys.stderr)
        return 77
    device, said = run("device", BACK)
    assert " 0% packet loss" in said and said.endswith("\n0\n"), said
    fabric, other = run("fabric", "")
    assert said == other, (said, other)
    for a, b in zip(device, fabric):
        compare(a, b)
    print(f"ok: {sum(map(len, device))} frames")
    with tempfile.TemporaryDirectory(prefix="forwarding-") as top:
        run_scenario(top, CHAIN.replace("HOSTS", HOSTS))
    print("ok: two devices in a row")
    return 0


sys.exit(main())
