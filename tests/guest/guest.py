# SPDX-License-Identifier: GPL-2.0-or-later
"""Start the default guest under QEMU and talk to its agent (guest/PROTOCOL.md)."""
import base64
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("OUTRIGGER_BUILD", os.path.join(ROOT, "build"))
IMAGE = os.path.join(BUILD, "guest")
QEMU = os.environ.get("OUTRIGGER_QEMU", os.path.join(BUILD, "bin", "qemu-system-x86_64"))
FIRMWARE = os.environ.get("OUTRIGGER_FIRMWARE", os.path.join(BUILD, "share", "qemu"))

sys.path.insert(0, os.path.join(ROOT, "tests"))
import suite  # for the scripts beside this one

CLI = os.path.join(BUILD, "meson/sim-cluster/outrigger")


def missing():
    """What a scenario needs is not there."""
    needed = [CLI, QEMU, os.path.join(IMAGE, "vmlinux")]
    return not all(map(os.path.exists, needed))


def run_scenario(folder, text):
    """Runs it, which must hold, below @folder; the run's folder."""
    path = os.path.join(folder, "scenario.yaml")
    with open(path, "w") as file:
        file.write(text)
    done = subprocess.run([CLI, "run", path, "--runs", folder, "--keep", "--progress=plain"],
                          env=dict(os.environ, OUTRIGGER_ROOT=ROOT, OUTRIGGER_BUILD=BUILD),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return os.path.join(folder, "latest")


def manifest():
    with open(os.path.join(IMAGE, "manifest.json")) as file:
        return json.load(file)


class Guest:
    """One QEMU. kernel=None boots from the devices in `extra`."""

    def __init__(self, extra=(), kernel="vmlinux", append="", cmdline=None,
                 icount="shift=0,sleep=off", limit_s=300):
        self.limit = time.monotonic() + limit_s
        self.folder = tempfile.TemporaryDirectory(prefix="guest-")
        self.console_path = os.path.join(self.folder.name, "console")
        path = os.path.join(self.folder.name, "agent")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        image = manifest()
        command = [
            QEMU, "-L", FIRMWARE, "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", "q35", "-cpu", image["cpu"], "-smp", "1", "-m", "256",
            "-seed", "42",
            "-rtc", "base=2025-01-01,clock=vm", "-monitor", "none",
            "-serial", f"file:{self.console_path}",
            "-chardev", f"socket,id=agent,path={path}", "-serial", "chardev:agent"]
        if icount:
            command += ["-icount", icount]
        if kernel:
            command += ["-kernel", os.path.join(IMAGE, kernel),
                        "-initrd", os.path.join(IMAGE, "initramfs.cpio"),
                        "-append", f"{cmdline or image['cmdline']} {append}".strip()]
        self.qemu = subprocess.Popen(command + list(extra), stdin=subprocess.DEVNULL)
        listener.settimeout(10)
        self.agent = listener.accept()[0]
        listener.close()
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.qemu.kill()
        self.qemu.wait()
        self.agent.close()
        self.folder.cleanup()

    def console(self):
        with open(self.console_path, "rb") as file:
            return file.read()

    def line(self):
        """The next line of the agent; "" when the guest is gone."""
        while b"\n" not in self.received:
            left = self.limit - time.monotonic()
            if left <= 0 or not select.select([self.agent], [], [], left)[0]:
                tail = self.console()[-400:].decode(errors="replace")
                raise TimeoutError(f"no line from the guest; its console ends: {tail}")
            data = self.agent.recv(65536)
            if not data:
                return ""
            self.received += data
        line, self.received = self.received.split(b"\n", 1)
        return line.decode(errors="replace")

    def hello(self):
        """The agent's first line, after whatever firmware wrote."""
        line = self.line()
        while not line.startswith("@hello") and self.qemu.poll() is None:
            line = self.line()
        return line

    def send(self, line):
        self.agent.sendall(line.encode() + b"\n")

    def start(self, name, script):
        self.send(f"@run {name} {base64.b64encode(script.encode()).decode()}")

    def done(self):
        """The next answer: (id, exit code, output)."""
        word, name, code, start, end, length = self.line().split()
        text = self.line()
        assert word == "@done" and len(text) == int(length) and int(start) < int(end)
        return name, int(code), base64.b64decode(text).decode()

    def run(self, script):
        self.start("run", script)
        return self.done()[1:]

    def wait_end(self):
        return self.qemu.wait(timeout=max(1, self.limit - time.monotonic()))
