#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A cluster at a console, with real guests: up, ps, exec, fault, console, logs,
down; what is left after the supervisor was killed; replay of a run.

tests/console/test_console.py [NAME...]    after `./outrigger setup`
"""
import http.server
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import suite

BUILD = os.environ.get("OUTRIGGER_BUILD", os.path.join(ROOT, "build"))
CLI = os.path.join(BUILD, "meson/sim-cluster/outrigger")
SCENARIO = os.path.join(ROOT, "tests/console/console.yaml")
ENVIRONMENT = dict(os.environ, OUTRIGGER_ROOT=ROOT, OUTRIGGER_BUILD=BUILD)
GATEWAY = os.path.join(ROOT, "tests/console/gateway.yaml")
LIMIT_S = 120


class Runs:
    """A folder of runs; whatever a test leaves running ends with it."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="console-")
        return self

    def __exit__(self, *_):
        self.cli("down", "--all", check=False)
        shutil.rmtree(self.dir)

    def start(self, *words, where=True, **kwargs):
        runs = ["--runs", self.dir] if where else []
        return subprocess.Popen([CLI, words[0], *runs, *words[1:]],
                                env=ENVIRONMENT, cwd=self.dir, text=True,
                                stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                **kwargs)

    def cli(self, *words, code=0, check=True, where=True):
        """What it printed; its exit code must be @code."""
        process = self.start(*words, where=where)
        try:
            out, err = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        self.err = err
        assert not check or process.returncode == code, (
            words, process.returncode, out, err)
        return out

    def up(self, *options):
        """(run folder, supervisor's pid, QEMU's pid by node)"""
        folder = self.cli("up", SCENARIO, *options).strip()
        assert os.path.isdir(folder), folder
        cluster, = (c for c in self.ps() if c["dir"] == folder)
        return folder, cluster["pid"], {n["node"]: n["pid"]
                                        for n in cluster["nodes"]}

    def ps(self):
        return json.loads(self.cli("ps", "--json"))

    def faults(self):
        return [f["handle"] for f in json.loads(
            self.cli("fault", "list", "--json"))]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, what, seconds=20):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"{what} within {seconds} s"
        select.select([], [], [], 0.02)


def test_life():
    """From up to down: one node, its commands, its log, no process after."""
    with Runs() as runs:
        folder, supervisor, pids = runs.up()
        assert alive(supervisor) and alive(pids["host0"])
        cluster, = runs.ps()
        node, = cluster["nodes"]
        assert node["state"] == "up" and node["up_ps"] > 0
        assert cluster["name"] == "console"
        assert "host0" in runs.cli("ps", "console")
        assert runs.cli("exec", "host0", "--", "echo", "a b", "c") == "a b c\n"
        runs.cli("exec", "host0", "--", "exit 7", code=7)
        out = runs.cli("exec", "host0", "--", "ls /dev/outrigger; head -c "
                       "200000 /dev/zero | tr '\\0' x")
        assert out.startswith("vif0\nvif1\n") and len(out) == 10 + 200000
        runs.cli("exec", "nobody", "--", "true", code=2)
        runs.cli("logs", "host0")
        assert runs.cli("down").strip() == folder
        assert not alive(supervisor) and not alive(pids["host0"])
        assert runs.ps() == []
        assert not os.path.exists(f"{folder}/nodes/host0/ssd0.img")
        with open(f"{folder}/summary.json", encoding="utf-8") as file:
            assert json.load(file)["mode"] == "wall"
        runs.cli("exec", "host0", "--", "true", code=2)
        runs.cli("down", code=2)


def test_exec_at_once():
    """Commands beside each other; one is taken back with its client."""
    with Runs() as runs:
        runs.up()
        late = runs.start("exec", "host0", "--", "sleep 2; echo late")
        assert runs.cli("exec", "host0", "--", "echo early") == "early\n"
        assert late.poll() is None
        assert late.communicate(timeout=LIMIT_S)[0] == "late\n"
        gone = runs.start("exec", "host0", "--", "exec sleep 1000")
        count = "ps | grep -c '[s]leep 1000'; true"
        wait_until(lambda: runs.cli("exec", "host0", "--", count) != "0\n",
                   "the command runs")
        gone.send_signal(signal.SIGINT)
        gone.communicate(timeout=LIMIT_S)
        wait_until(lambda: runs.cli("exec", "host0", "--", count) == "0\n",
                   "the command is gone")


READ = "dd if=/dev/outrigger/{}/1 of=/dev/null bs=4k count=1 iflag=direct " \
       "2>/dev/null"


def test_faults():
    """Two at once, felt by the guest; clearing one leaves the other."""
    with Runs() as runs:
        runs.up()
        for vif in "vif0", "vif1":
            runs.cli("exec", "host0", "--", READ.format(vif))
        assert runs.cli("fault", "set", "read-error", "host0", "drive=ssd0",
                        "as=one") == "one\n"
        assert runs.cli("fault", "set", "read-error", "host0",
                        "drive=ssd1") == "fault-1\n"
        assert runs.faults() == ["one", "fault-1"]
        runs.cli("exec", "host0", "--", READ.format("vif0"), code=1)
        runs.cli("exec", "host0", "--", READ.format("vif1"), code=1)
        runs.cli("fault", "clear", "one")
        assert runs.faults() == ["fault-1"]
        runs.cli("exec", "host0", "--", READ.format("vif0"))
        runs.cli("exec", "host0", "--", READ.format("vif1"), code=1)
        runs.cli("fault", "set", "read-error", "host0", "drive=ssd0",
                 "time=200ms")
        wait_until(lambda: runs.faults() == ["fault-1"], "it heals itself")
        runs.cli("fault", "clear", "--all")
        assert runs.faults() == []
        runs.cli("exec", "host0", "--", READ.format("vif1"))
        for words, text in (
                (("read-eror", "host0", "drive=ssd0"), "did you mean"),
                (("read-error", "host0", "drive=ssd9"), "ssd9"),
                (("read-error", "nobody", "drive=ssd0"), "nobody"),
                (("read-error", "host0", "drive=ssd0", "colour=red"), "colour"),
                (("clear",), "fault clear")):
            runs.cli("fault", "set", *words, code=2)
            assert text in runs.err and runs.err.count("\n") == 1, runs.err
        runs.cli("fault", "clear", "one", code=2)
        runs.cli("fault", "set", "kill-qemu", "host0")
        assert runs.ps()[0]["nodes"][0]["state"] == "killed"
        runs.cli("exec", "host0", "--", "true", code=99)


def test_console():
    """A person's keys reach the guest's shell, Ctrl-C and Ctrl-] included."""
    with Runs() as runs:
        runs.up()
        child, terminal = pty.fork()
        if child == 0:
            os.execve(CLI, [CLI, "console", "host0", "--runs", runs.dir],
                      ENVIRONMENT)
        seen = b""

        def read_until(text):
            nonlocal seen
            limit = time.monotonic() + 30
            while text not in seen:
                assert time.monotonic() < limit, (text, seen)
                if select.select([terminal], [], [], 0.1)[0]:
                    seen += os.read(terminal, 4096)
            seen = seen.split(text, 1)[1]

        read_until(b"Ctrl-]")
        os.write(terminal, b"\r")
        read_until(b"# ")
        # A shell without handlers: in a child of the interactive one Ctrl-C
        # may come between fork and exec, and be lost.
        os.write(terminal, b"sh -c 'echo $((6 * 7)); sleep 1000'\r")
        read_until(b"42")
        os.write(terminal, b"\x03")
        read_until(b"# ")
        os.write(terminal, b"\x1d")
        read_until(b"closed")
        assert os.waitpid(child, 0)[1] == 0
        os.close(terminal)
        assert "42" in runs.cli("logs", "host0")


def test_several():
    """Two clusters; the newest is meant unless one is named."""
    with Runs() as runs:
        first, _, _ = runs.up()
        second, _, _ = runs.up("--seed", "9")
        assert [c["dir"] for c in runs.ps()] == [second, first]
        runs.cli("exec", "host0", "--", "touch /newest")
        runs.cli("exec", "host0", "--run", os.path.basename(first), "--",
                 "test ! -e /newest")
        runs.cli("down", os.path.basename(first))
        assert [c["dir"] for c in runs.ps()] == [second]
        runs.cli("exec", "host0", "--", "test -e /newest")


class Outside(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"from outside\n")

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_gateway():
    """Guests reach each other, out and, through forwarded ports, are reached."""
    server = http.server.HTTPServer(("127.0.0.1", 0), Outside)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = free_port(), free_port()
    sets = [word for i in (1, 2) for word in (
        "--set", f"nodes.gw.forward.{i}.port={ports[i - 1]}")]
    with Runs() as runs:
        runs.cli("validate", GATEWAY, "--mode", "lockstep", code=2, where=False)
        assert "wall" in runs.err
        runs.cli("up", GATEWAY, *sets)
        runs.cli("exec", "host0", "--", "ping -c 3 172.16.0.2")
        for i, node in enumerate(("host0", "host1")):
            out = runs.cli("exec", node, "--", "wget -q -O - http://"
                           f"172.16.0.254:{server.server_port}/")
            assert out == "from outside\n", out
            runs.cli("exec", node, "--", f"mkdir /www; echo {node} > "
                     "/www/index.html; httpd -h /www")
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{ports[i]}/index.html",
                    timeout=20) as page:
                assert page.read() == node.encode() + b"\n"
        # the port is taken now
        runs.cli("up", GATEWAY, *sets, code=2)
        assert str(ports[0]) in runs.err, runs.err
        assert len(runs.ps()) == 1
        # a link that is cut and mended
        runs.cli("fault", "set", "link-down", "link=host1-sw0", "as=cut")
        runs.cli("exec", "host0", "--", "ping -c 1 -W 1 172.16.0.2", code=1)
        runs.cli("exec", "host0", "--", "ping -c 1 -W 5 172.16.0.254")
        runs.cli("fault", "clear", "cut")
        wait_until(lambda: "0% packet loss" in runs.cli(
            "exec", "host0", "--", "ping -c 1 -W 1 172.16.0.2; true").replace(
                "100%", ""), "the link is mended")
    server.shutdown()


def test_run_in_wall_time():
    """Two guests with two processors and two queues each, as in lockstep."""
    with Runs() as runs:
        runs.cli("run", os.path.join(ROOT, "scenarios/multi-queue.yaml"),
                 "--mode", "wall", "--progress", "none",
                 "--set", "expect.rate.above=1Mbit")  # however busy we are


def test_deaths():
    """A QEMU that dies is named; a supervisor's takes everything along."""
    with Runs() as runs:
        folder, supervisor, pids = runs.up()
        os.kill(pids["host0"], signal.SIGKILL)
        wait_until(lambda: runs.ps()[0]["nodes"][0]["state"] == "died",
                   "it is seen")
        runs.cli("exec", "host0", "--", "true", code=99)
        assert alive(supervisor)
        runs.cli("down")
        folder, supervisor, pids = runs.up()
        scratch = os.path.dirname(os.readlink(f"{folder}/control.sock"))
        ram = os.readlink(f"/proc/{pids['host0']}/cwd") + "/ram"
        assert not os.path.exists(ram), "its RAM has no name"
        os.kill(supervisor, signal.SIGKILL)
        wait_until(lambda: not alive(pids["host0"]), "QEMU ends, too")
        assert runs.ps() == []
        runs.cli("exec", "host0", "--", "true", code=2)
        runs.cli("down")
        assert not os.path.exists(scratch)
        assert not os.path.exists(f"{folder}/nodes/host0/ssd0.img")
        runs.cli("down", code=2)


def test_interrupted_up():
    """Ctrl-C while it boots leaves nothing."""
    with Runs() as runs:
        process = runs.start("up", SCENARIO, start_new_session=True)
        state = os.path.join(runs.dir, "console-1", "nodes/host0/qmp.sock")
        wait_until(lambda: os.path.lexists(state), "QEMU has started")
        cluster = os.path.join(runs.dir, "console-1", "cluster.json")
        with open(cluster, encoding="utf-8") as file:
            supervisor = json.load(file)["pid"]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_S)
        assert process.returncode == 130, process.returncode
        wait_until(lambda: not alive(supervisor), "the supervisor ends")
        assert runs.ps() == []


def test_refusals():
    """One line, exit 2."""
    with Runs() as runs:
        folder = runs.cli("run", SCENARIO, "--progress", "none").strip()
        folder = os.path.join(runs.dir, folder)
        for words in (("up", SCENARIO, "--mode", "lockstep"),
                      ("up", "nowhere.yaml"),
                      ("exec", "host0", "--", "true"),
                      ("exec", "host0", "--run", folder, "--", "true"),
                      ("console", "host0", "--run", folder),
                      ("fault", "list", "--run", folder),
                      ("fault", "mend"),
                      ("down", folder)):
            runs.cli(*words, code=2)
            assert runs.err.count("\n") == 1, (words, runs.err)
        runs.cli("logs", "host0", "--run", folder)


def test_replay():
    """Equal; different and where; other versions; stopped half way."""
    with Runs() as runs:
        folder = os.path.join(runs.dir, runs.cli(
            "run", SCENARIO, "--progress", "none").strip())
        runs.cli("replay", folder)
        assert "equal: trace hash" in runs.err
        resolved = os.path.join(folder, "resolved.yaml")
        with open(resolved, encoding="utf-8") as file:
            text = file.read()
        with open(resolved, "w", encoding="utf-8") as file:
            file.write(text.replace("seed: 3", "seed: 4"))
        runs.cli("replay", folder, code=1)
        assert "events.ndjson line" in runs.err
        with open(resolved, "w", encoding="utf-8") as file:
            file.write(text)
        held = runs.start("replay", folder, "--until", "1ms")
        last = os.path.join(runs.dir, "console-4", "nodes/host0/gdb.sock")
        wait_until(lambda: os.path.lexists(last), "it has started")
        for line in held.stderr:
            if "gdb host0" in line:
                break
        run = os.path.join(runs.dir, "console-4")
        for verb in ("gdb", "host0", "--print"), ("regs", "host0/vif0"):
            done = subprocess.run([CLI, *verb, "--run", run], text=True,
                                  env=ENVIRONMENT, capture_output=True,
                                  check=True, timeout=LIMIT_S)
            assert done.stdout
        # the console is open for reading, and closes when the run ends
        with subprocess.Popen([CLI, "console", "host0", "--run", run],
                              text=True, env=ENVIRONMENT,
                              stderr=subprocess.PIPE) as console:
            assert "simulated" in console.stderr.readline()
            held.send_signal(signal.SIGTERM)
            held.communicate(timeout=LIMIT_S)
            assert console.wait(timeout=LIMIT_S) == 0
        summary = os.path.join(folder, "summary.json")
        with open(summary, encoding="utf-8") as file:
            state = json.load(file)
        state["versions"]["guest"] = "another"
        with open(summary, "w", encoding="utf-8") as file:
            json.dump(state, file)
        runs.cli("replay", folder, code=2)
        assert "another" in runs.err
        runs.cli("replay", runs.dir, code=2)


sys.exit(suite.run(globals(), sys.argv[1:]))
