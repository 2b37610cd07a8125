#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two hosts in the middle of a TCP transfer, drives busy, modelled traffic in
their way, are saved with the network between them. A run that goes back to that,
again and again, at once and later, is from then on the run that was never saved:
the same frames at the same picoseconds, what the guests print, and in the end
their memory. Needs the fork, the guest and the command line."""
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
  host0: {kind: host, memory: 128MiB, card: {
    drives: {ssd0: {size: 32MiB}}, partitions: {data: {drives: ssd0, size: 16MiB}},
    interfaces: {disk: {namespaces: {1: data}}},
    nic: {vnic0: {network: blue, address: 172.16.0.1/24}}}}
  host1: {kind: host, memory: 128MiB, card: {
    drives: {ssd0: {size: 32MiB}}, partitions: {data: {drives: ssd0, size: 16MiB}},
    interfaces: {disk: {namespaces: {1: data}}},
    nic: {vnic0: {network: blue, address: 172.16.0.2/24}}}}
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
steps:
  - boot: {node: [host0, host1]}
  - exec: {node: host1, run: "iperf3 -s -1 -D >/dev/null; sleep 0.1;
           dd if=/dev/nvme0n1 of=/dev/null bs=4k iflag=direct 2>/dev/null &"}
  - exec: {node: host0, as: begin,
           run: "dd if=/dev/urandom of=/dev/nvme0n1 bs=4k oflag=direct 2>/dev/null &
                 (iperf3 -c 172.16.0.2 -n 100M >/run/log 2>&1;
                  echo $? >/run/code) & sleep 0.01"}
BACK
  - wait: {time: 4ms}
  - exec: {node: host0, as: end,
           run: "while [ ! -e /run/code ]; do sleep 0.01; done; cat /run/log /run/code"}
expect:
  - {id: ends, metric: end.exit_code, is: 0}
"""
BACK = "  - restore: {checkpoint: saved}\n"
# Nanoseconds from one of them to the next, less than to the next command.
SPANS = 1000000, 0, 3000000
RETURNS = "  - checkpoint: {as: saved}\n" + "".join(
    (f"  - wait: {{time: {ns}ns}}\n" if ns else "") + BACK for ns in SPANS)
LOGS = [f"{host}/packets-{way}" for host in ("host0", "host1") for way in ("sent", "received")]
LONG_NS = 50000000


def frames(folder, log, begin_ps):
    """(ps since @begin_ps, length, digest) of what passed a port: PacketRecord."""
    with open(os.path.join(folder, "nodes", log + ".bin"), "rb") as file:
        records = list(struct.iter_unpack("<QQ16s", file.read()))
    return [(ps - begin_ps, size, digest) for ps, size, digest in records if ps > begin_ps]


def between(carried, begin_ns, end_ns):
    begin_ps, end_ps = begin_ns * 1000, end_ns * 1000
    return [(ps - begin_ps, *rest) for ps, *rest in carried if begin_ps < ps <= end_ps]


class Run:
    def __init__(self, top, name, back):
        os.mkdir(os.path.join(top, name))
        self.folder = run_scenario(os.path.join(top, name), SCENARIO.replace("BACK\n", back))
        with open(os.path.join(self.folder, "events.ndjson")) as file:
            self.events = [json.loads(line) for line in file]
        with open(os.path.join(self.folder, "steps", "end.out")) as file:
            self.said = file.read()
        begin, = [e["t_ps"] for e in self.events
                  if e["kind"] == "step-end" and e.get("handle") == "begin"]
        self.begin_ns = begin // 1000
        self.carried = [frames(self.folder, log, begin) for log in LOGS]

    def restored_ns(self):
        return [e["t_ps"] // 1000 - self.begin_ns for e in self.events
                if e["kind"] == "power" and e["state"] == "restored"]

    def same_file(self, other, name):
        with open(os.path.join(self.folder, name), "rb") as a, \
                open(os.path.join(other.folder, name), "rb") as b:
            chunk = True
            while chunk:
                chunk = a.read(1 << 20)
                if chunk != b.read(1 << 20):
                    return False
        return True


def main():
    if missing():
        print("needs the command line, the fork and the guest", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory(prefix="checkpoint-") as top:
        plain, back = Run(top, "plain", ""), Run(top, "back", RETURNS)
        assert plain.said.endswith("\n0\n"), plain.said
        for carried in plain.carried:  # busy, both ways
            assert between(carried, 0, SPANS[0]), carried[:1]
            assert carried[-1][0] > LONG_NS * 1000
        assert back.begin_ns == plain.begin_ns
        starts = [sum(SPANS[:k + 1]) for k in range(len(SPANS))]
        assert back.restored_ns() == [ns for ns in starts for _ in range(2)]
        for log, a, b in zip(LOGS, plain.carried, back.carried):
            for start, end in zip([0] + starts, starts):
                assert between(b, start, end) == between(a, 0, end - start), (log, start)
            assert between(b, starts[-1], 1 << 60) == between(a, 0, 1 << 60), log
        assert back.said == plain.said, back.said
        for name in ("ram", "console.log"):
            for host in ("host0", "host1"):
                path = os.path.join("nodes", host, name)
                assert back.same_file(plain, path), path
    print(f"ok: {sum(map(len, plain.carried))} frames")
    return 0


sys.exit(main())
