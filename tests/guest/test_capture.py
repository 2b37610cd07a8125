#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What tcpdump sees in two stock guests is what the capture of the link between
them holds, without the outer header, and a fault's instant beside it: pings and
TCP without offloads frame by frame, TCP with offloads stream by stream, for then
a guest sees segments larger than any frame. Needs the fork, the guest and the
command line."""
import base64
import os
import struct
import sys
import tempfile

sys.dont_write_bytecode = True
from guest import missing, run_scenario

OUTER_BYTES = 14 + 20 + 8 + 20  # hw/offload/underlay.h
PINGS = 5
TCP_BYTES = 256 << 10
COOKIE_BYTES = 37  # what iperf3 begins each connection with
OFFLOADED, PLAIN = 5201, 5202  # ports of the two stretches of TCP
MTU_FRAME = 14 + 1500
ICMP, TCP = 1, 6

# Both guests capture while one of them sends. No offload touches ICMP, so a
# guest's own packets look the same before and after its card.
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
  - load: {as: dump1, node: host1,
           run: "DUMP; SERVE 5201; OFF; SERVE 5202; sleep 0.2; END"}
  - exec: {as: dump0, node: host0,
           run: "DUMP; sleep 0.3; ping -c PINGS -i 0.05 -s 1000 172.16.0.2 >&2;
                 CALL 5201; OFF; sleep 0.3; CALL 5202; sleep 0.1; END"}
  - finish: {load: dump1}
  - fault: {kind: link-down, link: host0-sw0, time: 1ms}
  - wait: {time: 2ms}
expect:
  - {id: ends, metric: run.steps_count, is: 6}
"""
DUMP = ("tcpdump --immediate-mode -B 16384 -Z root -i vnic0 -w /run/dump "
        "icmp or tcp 2>/dev/null &")
END = "kill %1; wait; base64 /run/dump"
SERVE = "iperf3 -s -1 -p"
CALL = f"iperf3 -c 172.16.0.2 -n {TCP_BYTES} -l 32K -p"
OFF = "ethtool -K vnic0 tso off gso off gro off tx off"


def run(folder):
    text = (SCENARIO.replace("DUMP;", DUMP).replace("END", END)
            .replace("PINGS", str(PINGS)).replace("OFF", OFF)
            .replace("SERVE 5201", f"{SERVE} 5201 >/run/log || exit 9")
            .replace("SERVE 5202", f"{SERVE} 5202 >/run/log || exit 9")
            .replace("CALL 5201", f"{CALL} 5201 >/run/log || exit 9")
            .replace("CALL 5202", f"{CALL} 5202 >/run/log || exit 9"))
    return run_scenario(folder, text)


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


def inner(packets):
    return [frame[OUTER_BYTES:] for _, frame, comments in packets if not comments]


def of_protocol(frames, protocol):
    return [f for f in frames if f[12:14] == b"\x08\x00" and f[23] == protocol]


def of_port(frames, port):
    """TCP frames of one of the stretches, by who sent them: the two directions
    pass a guest and a link in different orders."""
    chosen = [f for f in of_protocol(frames, TCP) if port in struct.unpack_from(">HH", f, 34)]
    return {sender: [without_padding(f) for f in chosen if f[26:30] == sender]
            for sender in sorted({f[26:30] for f in chosen})}


def without_padding(frame):
    return frame[:14 + struct.unpack_from(">H", frame, 16)[0]]


def streams(frames, port):
    """What each connection and direction carried, put together by sequence number;
    a byte sent twice must be the same both times."""
    found = {}
    for frame in sum(of_port(frames, port).values(), []):
        ports, sequence = frame[34:38], struct.unpack_from(">I", frame, 38)[0]
        if frame[47] & 2:  # SYN
            found[ports] = ((sequence + 1) & 0xffffffff, {})
        first, data = found[ports]
        at = (sequence - first) & 0xffffffff
        for i, byte in enumerate(frame[34 + (frame[46] >> 4) * 4:]):
            assert data.setdefault(at + i, byte) == byte, "sent twice, and not the same"
    whole = {}
    for ports, (_, data) in found.items():
        assert not data or max(data) + 1 == len(data), "bytes are missing"
        whole[ports] = bytes(data[i] for i in range(len(data)))
    return whole


def differences(seen, captured):
    """Where a guest's capture and that of its link do not agree."""
    wrong = []
    if of_protocol(seen, ICMP) != of_protocol(captured, ICMP):
        wrong.append("icmp")
    if of_port(seen, PLAIN) != of_port(captured, PLAIN):
        wrong.append("tcp frames")
    if streams(seen, OFFLOADED) != streams(captured, OFFLOADED):
        wrong.append("tcp streams")
    return wrong


def changed(frames, protocol, port=None):
    """@frames with one bit of the largest of that kind the other way."""
    at = max((i for i, f in enumerate(frames) if of_protocol([f], protocol) and
              (port is None or port in struct.unpack_from(">HH", f, 34))),
             key=lambda i: len(frames[i]))
    frame = bytearray(frames[at])
    frame[-1] ^= 1
    return frames[:at] + [bytes(frame)] + frames[at + 1:]


def check(host, seen, captured):
    assert not differences(seen, captured), (host, differences(seen, captured))
    assert len(of_protocol(seen, ICMP)) == 2 * PINGS, host
    # The offloads were at work in one stretch and not in the other.
    for port, whole in ((OFFLOADED, False), (PLAIN, True)):
        longest = max(len(f) for f in sum(of_port(seen, port).values(), []))
        assert (longest <= MTU_FRAME) == whole, (host, port, longest)
        assert (of_port(seen, port) == of_port(captured, port)) == whole, (host, port)
        carried = streams(seen, port)
        sizes = sorted(map(len, carried.values()))
        assert sizes[-1] == TCP_BYTES + COOKIE_BYTES, (host, port, sizes)
        assert len(carried) == 4, (host, port)  # two connections, both ways
    # And the comparison finds one bit.
    for name, args in (("icmp", (ICMP,)), ("tcp frames", (TCP, PLAIN)),
                       ("tcp streams", (TCP, OFFLOADED))):
        assert differences(changed(seen, *args), captured) == [name], (host, name)


def main():
    if missing():
        print("needs the command line, the fork and the guest", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory(prefix="capture-") as top:
        folder = run(top)
        links = {name: link_packets(folder, name) for name in ("host0-sw0", "host1-sw0")}
        for host, link in (("dump0", "host0-sw0"), ("dump1", "host1-sw0")):
            check(host, guest_frames(folder, host), inner(links[link]))
        comments = [(ns, c[0]) for ns, _, c in links["host0-sw0"] if c]
        assert [c for _, c in comments] == ["link host0-sw0 down", "link host0-sw0 up"], comments
        assert comments[1][0] - comments[0][0] == 1000000, comments
        assert not [c for _, _, c in links["host1-sw0"] if c]
    print("ok: guests and links agree")
    return 0


sys.exit(main())
