#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A QEMU that dies or hangs in the middle of a window: it is named within 5 s of
wall time, the other one is told to quit, the exit code is 99, and nothing is left.
With hosts that compute (a kernel that boots) and with hosts that are idle (firmware
that finds nothing to boot). Needs the fork, the guest and the command line."""
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from guest import BUILD, CLI, ROOT, missing

NAMED_S = 5
START_S = 60  # for processes to start, or to end
SCENARIO = """
format: 1
name: lost
time: {limit: 1000s}
networks: {blue: {vni: 7}}
nodes:
  host0: {kind: host, image: IMAGE, card: {nic: {
    vnic0: {network: blue, address: 172.16.0.1/24}}}}
  host1: {kind: host, image: IMAGE, card: {nic: {
    vnic0: {network: blue, address: 172.16.0.2/24}}}}
  sw: {kind: switch, ports: 2}
links:
  - {a: host0.card, b: sw.p0}
  - {a: host1.card, b: sw.p1}
steps:
  - boot: {node: [host0, host1], within: 900s}
expect:
  - {id: ends, metric: run.steps_count, is: 1}
"""
# Whether the engine is just saying something to it, no test can choose.
CASES = [("default", "host0", signal.SIGSTOP, ("host0: QEMU hangs: ", "it has been stopped by a signal")),
         ("default", "host1", signal.SIGKILL, ("host1: QEMU died", "signal 9")),
         ("none", "host1", signal.SIGSTOP, ("host1: QEMU hangs: ", "it has been stopped by a signal")),
         ("none", "host0", signal.SIGKILL, ("host0: QEMU died", "signal 9"))]


def processes(folder):
    """Name of the node: process id, by the folders they work in."""
    found = {}
    for place in glob.glob("/proc/[0-9]*/cwd"):
        try:
            where = os.readlink(place)
        except OSError:
            continue
        if where.startswith(folder + "/"):
            found[os.path.basename(where)] = int(place.split("/")[2])
    return found


def wait_for(what, check):
    limit = time.monotonic() + START_S
    while not (value := check()):
        assert time.monotonic() < limit, what
        time.sleep(0.02)
    return value


def private_folders(pid):
    return [path for base in ("/dev/shm", "/tmp", os.environ.get("XDG_RUNTIME_DIR", "/tmp"))
            for path in glob.glob(os.path.join(base, "outrigger*", f"{pid}-*"))]


def lose(top, image, victim, number, reason):
    scenario = os.path.join(top, "scenario.yaml")
    with open(scenario, "w") as file:
        file.write(SCENARIO.replace("IMAGE", image))
    run = subprocess.Popen([CLI, "run", scenario, "--runs", top, "--progress=plain"],
                           env=dict(os.environ, OUTRIGGER_ROOT=ROOT, OUTRIGGER_BUILD=BUILD),
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        pids = wait_for("two processes", lambda: len(processes(top)) == 2 and processes(top))
        assert private_folders(run.pid)
        time.sleep(2)  # of wall time: the middle of some window, whichever
        began = time.monotonic()
        os.kill(pids[victim], number)
        line = next((text for text in run.stderr if text.startswith("FAIL")), "")
        took = time.monotonic() - began
        run.stderr.read()
        assert run.wait(timeout=START_S) == 99, run.returncode
    finally:
        run.kill()
    assert all(part in line for part in reason), line
    assert took < NAMED_S, took
    folder = os.path.realpath(os.path.join(top, "latest"))
    with open(os.path.join(folder, "summary.json")) as file:
        summary = json.load(file)
    assert summary["verdict"] == "error", summary
    assert all(part in summary["reason"] for part in reason), summary["reason"]
    other = "host1" if victim == "host0" else "host0"
    with open(os.path.join(folder, "nodes", other, "qmp.ndjson")) as file:
        assert '"execute":"quit"' in file.read(), other
    assert not processes(top), "a process is left"
    assert not private_folders(run.pid), private_folders(run.pid)
    return took


def main():
    if missing():
        print("needs the command line, the fork and the guest", file=sys.stderr)
        return 77
    for image, victim, number, reason in CASES:
        with tempfile.TemporaryDirectory(prefix="lost-") as top:
            took = lose(top, image, victim, number, reason)
            print(f"ok {image} {victim} {signal.Signals(number).name}: {took:.1f} s", flush=True)
    return 0


sys.exit(main())
