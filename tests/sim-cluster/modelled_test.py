#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""modelled_test.py PROGRAM ROOT: scenarios of modelled hosts alone through the command
line: each kind of traffic with numbers that can be worked out by hand, the warm-up
window, and what --seeds says of several runs. Starts no QEMU."""
import json
import math
import os
import subprocess
import sys
import tempfile

PROGRAM, ROOT = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2])
PACKET_PS = (1500 + 24) * 8 * 40  # at 25 Gbit/s
THROUGH_PS = 500_000 + 500_000 + 500_000  # two links and a switch
T_975_2 = 4.303  # Student's t, two degrees of freedom

SCENARIO = """
format: 1
name: modelled
seed: 7
fabric: {{kind: {kind}, rate: 25Gbit}}
traffic:
  t: {{{traffic}}}
steps:
{steps}
expect:
{expect}
"""


def write(folder, traffic, expect, kind="single, hosts: 8", steps=("wait: {time: 3ms}",)):
    path = os.path.join(folder, "s.yaml")
    with open(path, "w") as file:
        file.write(SCENARIO.format(
            kind=kind, traffic=traffic, steps="\n".join(f"  - {s}" for s in steps), expect="\n".join(
                f"  - {{id: e{i}, metric: {e}}}" for i, e in enumerate(expect))))
    return path


def run(folder, *words, code=0):
    build = os.environ.get("OUTRIGGER_BUILD", os.path.join(ROOT, "build"))
    done = subprocess.run([PROGRAM, "run", *words, "--runs", os.path.join(folder, "runs")],
                          env={**os.environ, "OUTRIGGER_ROOT": ROOT, "OUTRIGGER_BUILD": build},
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, (words, done.returncode, done.stderr)
    return done.stderr


def summary(folder, *path):
    with open(os.path.join(folder, "runs", "latest", *path, "summary.json")) as file:
        return json.load(file)


def write_flows(folder, priority):
    with open(os.path.join(folder, "flows.txt"), "w") as file:
        file.write("# start, from, to, bytes, priority\n"
                   "1000 m-0 m-1 3000\n1000 m-2 m-3 150000\n"
                   f"2000 m-4 m-3 150000\n40000 m-5 m-3 100 {priority}\n")


def test_trace(folder):
    """Two flows share m-3's link; an urgent packet passes what has queued there."""
    write_flows(folder, 7)
    urgent = [f"traffic.fct_to_10kb_max_ps, is: {THROUGH_PS + 3 * PACKET_PS}ps"]
    run(folder, write(folder, "pattern: trace, trace: flows.txt", [
        "traffic.t.messages_count, is: 4", "traffic.t.drops_count, is: 0", *urgent]))
    # both flows of 100 packets, one after the other, from 1 us on and from 2 us on
    end = THROUGH_PS + 201 * PACKET_PS + 124 * 8 * 40 - 1_000_000
    run(folder, write(folder, "pattern: trace, trace: flows.txt", [
        f"traffic.t.fct_max_ps, between: [{end - PACKET_PS}ps, {end + PACKET_PS}ps]"]))
    write_flows(folder, 0)
    run(folder, write(folder, "pattern: trace, trace: flows.txt", urgent), code=1)


def test_warm_up(folder):
    """2 ms of 3 count: 8 hosts at half of 25 Gbit/s."""
    sent = 8 * 2 * 10**9 // (2 * PACKET_PS)
    expect = [f"traffic.t.sent_count, between: [{sent - 8}, {sent + 8}]",
              "m-0-switch-0.ab_load_ppm, between: [49.9%, 50.1%]"]
    run(folder, write(folder, "pattern: permutation, load: 50%, warmup: 1ms", expect))
    run(folder, write(folder, "pattern: permutation, load: 50%", expect), code=1)


def test_incast(folder):
    """Four senders at 1 Gbit/s of messages of 15,000 bytes, and nobody else."""
    messages = 4 * 3 * 10**9 // (10 * 1524 * 8 * 1000)
    run(folder, write(folder, "pattern: incast, target: m-0, senders: 4, rate: 1Gbit, "
                      "message: 15000B", [
                          f"traffic.t.messages_count, between: [{messages * 8 // 10}, "
                          f"{messages * 12 // 10}]",
                          "m-0-switch-0.ab_packets_count, is: 0",
                          "m-0-switch-0.ba_load_ppm, between: [13%, 19%]"]))


def lost(low, high):
    return f"m-1-switch-0.ab_lost_count, between: [{low}, {high}]"


def test_faults(folder):
    """Faults of 1 ms strike at 1 ms and heal by themselves or by another one."""
    each = 10**9 // PACKET_PS // 10  # of one host in 1 ms, at 10 % load
    sigma = math.sqrt(each / 4)
    wait = "wait: {time: 1ms}"
    cases = [
        ("link-down, link: m-1-switch-0", "link-up, link: m-1-switch-0", each - 2, each + 2),
        ("switch-down, switch: switch-0", "switch-up, switch: switch-0", each - 2, each + 2),
        ("link-loss, link: m-1-switch-0, loss: 50%",
         "link-loss, link: m-1-switch-0, loss: 0%", each / 2 - 5 * sigma, each / 2 + 5 * sigma),
        # (1 - 10^-4)^12096 = 0.3: that many get through
        ("link-ber, link: m-1-switch-0, ber: 1e-4", "link-ber, link: m-1-switch-0, ber: 0",
         each * 0.7 - 5 * sigma, each * 0.7 + 5 * sigma)]
    for fault, healed, low, high in cases:
        for steps in ([wait, f"fault: {{kind: {fault}, time: 1ms}}", wait, wait],
                      [wait, f"fault: {{kind: {fault}}}", wait, f"fault: {{kind: {healed}}}",
                       wait]):
            run(folder, write(folder, "pattern: permutation, load: 10%",
                              [lost(round(low), round(high))], steps=steps))


def test_slow_link(folder):
    """For 1 ms of 3 a link has half of what is sent to it, and catches up after it."""
    with open(os.path.join(folder, "flow.txt"), "w") as file:
        file.write("1 m-1 m-0 6250000\n")  # 2 ms at line rate
    packets = -(-6250000 // 1500)
    slow = "fault: {kind: link-rate, link: m-1-switch-0, rate: 12.5Gbit, time: 1ms}"
    # 1 ms is worth half of it; the last packet is as short as the flow leaves it
    end = THROUGH_PS + packets * PACKET_PS + PACKET_PS + 500_000_000
    run(folder, write(folder, "pattern: trace, trace: flow.txt", [
        f"traffic.t.fct_max_ps, between: [{end - 2 * PACKET_PS}ps, {end + 2 * PACKET_PS}ps]"],
        steps=["wait: {time: 0.5ms}", slow, "wait: {time: 2.5ms}"]))


BOARD = """
format: 1
name: board
seed: 7
nodes:
  sw: {{kind: switch, ports: 16, geometry: {{{geometry}}}}}
  outer: {{kind: modelled}}
  inner: {{kind: modelled}}
links:
  - {{a: outer.card, b: sw.p0}}
  - {{a: inner.card, b: sw.p7}}
traffic:
  t: {{pattern: permutation, load: 80%}}
steps:
  - wait: {{time: 20ms}}
expect:
  - {{id: r, metric: sw.retimers_count, is: {retimers}}}
  - {{id: f, metric: sw.ports_failed_count, is: {failed}}}
  - {{id: l, metric: outer-sw.ab_lost_count, between: [{low}, {high}]}}
  - {{id: i, metric: inner-sw.ab_lost_count, is: 0}}
"""


def test_boards(folder):
    """7 dB: flat needs retimers, receded layouts none; over it a port has errors that
    packets meet, or does not train."""
    sent = 20 * 10**9 // PACKET_PS * 8 // 10
    some = sent * (1 - (1 - 4.9e-7) ** (8 * 1512))  # docs/receded-ports.md
    flat = "layout: flat, baseline: true"
    cases = [(flat, 6, 0, some - 5 * math.sqrt(some), some + 5 * math.sqrt(some)),
             (flat + ", retimers: true", 6, 0, 0, 0),
             (flat + ", routing: manhattan", 12, 1, sent - 2, sent + 2),
             ("layout: stair", 0, 0, 0, 0), ("layout: triangular", 0, 0, 0, 0),
             ("layout: arc", 0, 0, 0, 0),
             ("layout: stair, setbacks: 0mm 30mm 70mm 110mm", 0, 0, 0, 0),
             # 315 mm at 0.465 dB an inch are 5.8 dB
             (flat + ", routing: manhattan, lane_rate: 10Gbit", 0, 0, 0, 0)]
    path = os.path.join(folder, "board.yaml")
    for geometry, retimers, failed, low, high in cases:
        with open(path, "w") as file:
            file.write(BOARD.format(geometry=geometry, retimers=retimers, failed=failed,
                                    low=round(low), high=round(high)))
        run(folder, path)
    with open(os.path.join(folder, "runs", "latest", "report.html")) as file:
        page = file.read()
    for layout in ("flat", "triangular", "stair", "arc"):
        assert f">{layout}</text>" in page, layout


def test_seeds(folder):
    """Mean and interval are those of the runs, and each run is the one of its seed."""
    with open(os.path.join(folder, "sizes.txt"), "w") as file:
        file.write("1000 0.5\n9000 0.9\n50000 1\n")
    name = "traffic.t.messages_count"
    path = write(folder, "pattern: poisson, load: 30%, sizes: sizes.txt",
                 [f"{name}, above: 500", "traffic.fct_to_100kb_count, above: 50",
                  "traffic.fct_to_1mb_count, is: 0"])
    said = run(folder, path, "--seeds", "3")
    first = summary(folder)
    runs = [first] + [summary(folder, "seeds", str(n)) for n in (8, 9)]
    values = [r["metrics"][name]["value"] for r in runs]
    mean = sum(values) / 3
    half = T_975_2 * math.sqrt(sum((v - mean) ** 2 for v in values) / 2 / 3)
    found = first["seeds"]["metrics"][name]
    assert first["seeds"]["seeds"] == [7, 8, 9] and found["n"] == 3, first["seeds"]["seeds"]
    assert len(set(values)) > 1 and len({r["trace_hash"] for r in runs}) == 3, values
    assert abs(found["mean"] - mean) < 1e-6 and abs(found["ci95"] - half) < 1e-6, (found, half)
    assert [found["min"], found["max"]] == [min(values), max(values)], found
    assert f"{name:40} {mean:.6g} +- {half:.2g}" in said, said
    with open(os.path.join(folder, "runs", "latest", "report.html")) as file:
        assert f"<td><code>{name}</code></td><td align=\"right\">3</td>" \
            f"<td align=\"right\">{mean:.6g}</td><td align=\"right\">{half:.6g}</td>" in file.read()
    run(folder, path, "--seed", "9")
    assert summary(folder)["trace_hash"] == runs[2]["trace_hash"]


def test_a_seed_that_breaks(folder):
    """One run of several that breaks an expectation decides the verdict."""
    path = write(folder, "pattern: poisson, load: 30%, message: 9000B", ["run.sim_ps, above: 0s"])
    run(folder, path, "--seeds", "4")
    name = "traffic.t.messages_count"
    found = summary(folder)["seeds"]["metrics"][name]
    first = summary(folder)["metrics"][name]["value"]
    word = "at_most" if found["max"] > first else "at_least"
    assert found["min"] != found["max"]
    path = write(folder, "pattern: poisson, load: 30%, message: 9000B",
                 [f"{name}, {word}: {first}"])
    run(folder, path)
    said = run(folder, path, "--seeds", "4", code=1)
    whole = summary(folder)
    assert whole["reason"].startswith("seed "), whole["reason"]
    assert whole["replay"].endswith("--seed 7 --seeds 4"), whole["replay"]
    seed = whole["reason"].split()[1].rstrip(":")
    assert f"{path} --seed {seed}\n" in said, said
    run(folder, path, "--seed", seed, code=1)


def main():
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            with tempfile.TemporaryDirectory() as folder:
                test(folder)
            print(f"ok {name}", flush=True)


main()
