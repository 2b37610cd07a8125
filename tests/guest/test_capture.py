#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What tcpdump sees in two stock guests is what the capture of the link between
them holds, byte for byte: without the outer header, and a fault's instant beside
it. Needs the fork, the guest and the command line."""
import base64
import os
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("OUTRIGGER_BUILD", os.path.join(ROOT, "build"))
CLI = os.path.join(BUILD, "meson/sim-cluster/outrigger")
ENVIRONMENT = dict(os.environ, OUTRIGGER_ROOT=ROOT, OUTRIGGER_BUILD=BUILD)
OUTER_BYTES = 14 + 20 + 8 + 20  # hw/offload/underlay.h
PINGS = 5

# Both guests capture while one of them sends ICMP: no offload touches that, so
# a guest's own packets look the same before and after its card.
SCENARIO = """
format: 1
name: capture
networks: {blue: {vni: 7}}
nodes:
  host0: {kind: host, card: {nic: {
    vnic0: {network: blue, address: 172.16.0.1/24}}}}
  host1: {kind: host, card: {nic: {
    vnic0: {network: blue, address: 172.16.0.2/24}}}}
  sw0: {kind: switch, ports: 2}
links:
  - {a: host0.card, b: sw0.p0, delay: 500ns}
  - {a: host1.card, b: sw0.p1, delay: 500ns}
capture: {links: [host0-sw0, host1-sw0]}
steps:
  - boot: {node: [host0, host1]}
  - load: {as: dump1, node: host1, run: "DUMP; sleep 1; END"}
  - exec: {as: dump0, node: host0,
           run: "DUMP; sleep 0.3; ping -c PINGS -i 0.05 -s 1000 172.16.0.2 >&2; END"}
  - finish: {load: dump1}
  - fault: {kind: link-down, link: host0-sw0, time: 1ms}
  - wait: {time: 2ms}
expect:
  - {id: ends, metric: run.steps_count, is: 6}
"""
DUMP = "tcpdump --immediate-mode -Z root -i vnic0 -w /run/dump icmp 2>/dev/null &"
END = "kill %1; wait; base64 /run/dump"


def run(folder):
    text = (SCENARIO.replace("DUMP;", DUMP).replace("END", END)
            .replace("PINGS", str(PINGS)))
    path = os.path.join(folder, "capture.yaml")
    with open(path, "w") as file:
        file.write(text)
    done = subprocess.run([CLI, "run", path, "--runs", folder, "--keep", "--progress=plain"],
                          env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return os.path.join(folder, "latest")


def guest_frames(folder, handle):
    """Frames of the pcap that a guest printed in base64."""
    with open(os.path.join(folder, "steps", handle + ".out")) as file:
        # what ping says comes first
        lines = [line for line in file.read().splitlines()
                 if line and all(c.isalnum() or c in "+/=" for c in line)]
    data = base64.b64decode("".join(lines))
    magic, = struct.unpack_from("<I", data)
    assert magic in (0xa1b2c3d4, 0xa1b23c4d), hex(magic)
    at, frames = 24, []
    while at < len(data):
        length, original = struct.unpack_from("<II", data, at + 8)
        assert length == original
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames


def link_packets(folder, name):
    """(ns, frame, comments) of a pcapng."""
    with open(os.path.join(folder, "links", name + ".pcapng"), "rb") as file:
        data = file.read()
    at, packets = 0, []
    while at < len(data):
        kind, total = struct.unpack_from("<II", data, at)
        if kind == 6:
            _, high, low, length, _ = struct.unpack_from("<5I", data, at + 8)
            frame = data[at + 28:at + 28 + length]
            comments, option = [], at + 28 + (length + 3) // 4 * 4
            while option < at + total - 4:
                code, size = struct.unpack_from("<HH", data, option)
                if code == 1:
                    comments.append(data[option + 4:option + 4 + size].decode())
                option += 4 + (size + 3) // 4 * 4
            packets.append((high << 32 | low, frame, comments))
        at += total
    return packets


def inner_icmp(packets):
    inner = [frame[OUTER_BYTES:] for _, frame, comments in packets if not comments]
    return [f for f in inner if f[12:14] == b"\x08\x00" and f[23] == 1]


def main():
    needed = [CLI, os.path.join(BUILD, "bin/qemu-system-x86_64"),
              os.path.join(BUILD, "guest/vmlinux")]
    if not all(map(os.path.exists, needed)):
        print("needs the command line, the fork and the guest", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory(prefix="capture-") as top:
        folder = run(top)
        links = {name: link_packets(folder, name) for name in ("host0-sw0", "host1-sw0")}
        for host, link in (("dump0", "host0-sw0"), ("dump1", "host1-sw0")):
            seen, captured = guest_frames(folder, host), inner_icmp(links[link])
            assert len(seen) == 2 * PINGS, (host, len(seen))
            assert seen == captured, (host, [f.hex() for f in seen],
                                      [f.hex() for f in captured])
        comments = [(ns, c[0]) for ns, _, c in links["host0-sw0"] if c]
        assert [c for _, c in comments] == ["link host0-sw0 down", "link host0-sw0 up"], comments
        assert comments[1][0] - comments[0][0] == 1000000, comments
        assert not [c for _, _, c in links["host1-sw0"] if c]
    print("ok: guests and links agree")
    return 0


sys.exit(main())
