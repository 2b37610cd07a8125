#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The default guest, from outside: same bytes twice, every rule of
guest/PROTOCOL.md, its tools on an NVMe drive, the boot disk, its ends. Needs
guest/make-bootdisk and a QEMU (build/bin, or OUTRIGGER_QEMU and OUTRIGGER_FIRMWARE)."""
import base64
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
from guest import FIRMWARE, IMAGE, QEMU, Guest, manifest, suite

DISK = os.path.join(IMAGE, "bootdisk.raw")


def drive(folder, size=64 << 20):
    path = os.path.join(folder, "drive")
    with open(path, "wb") as file:
        file.truncate(size)
    return ["-drive", f"file={path},if=none,id=d,format=raw,cache=unsafe",
            "-device", "nvme,drive=d,serial=first-light"]


def test_same_bytes_twice():
    """The console with its printk times up to the power-off, and the hello."""
    loud = "loglevel=7 printk.time=1"
    consoles, hellos = set(), set()
    for _ in range(2):
        cmdline = manifest()["cmdline"].replace("quiet", loud)
        with Guest(cmdline=cmdline, append="outrigger.agent=none") as guest:
            guest.wait_end()
            consoles.add(guest.console())
        with Guest() as guest:
            hellos.add(guest.hello())
    assert len(consoles) == 1 and len(hellos) == 1, (consoles, hellos)
    console = consoles.pop()
    assert console.count(b"\n") > 200 and b"cannot start: no /dev/none" in console
    release = manifest()["kernel"]
    assert re.fullmatch(f"@hello 1 {release} [0-9a-f-]{{36}}", hellos.pop())


def test_run_and_errors():
    with Guest() as guest:
        guest.hello()
        assert guest.run("echo out; echo err >&2; exit 3") == (3, "out\nerr\n")
        assert guest.run("true") == (0, "")
        assert guest.run("kill -9 $$") == (137, "")
        for line, answer in [("@ping 7", "@pong 7"), ("hello", "@error bad line"),
                             ("@run A= eA==", "@error bad id"), ("@run", "@error bad id"),
                             ("@run a !", "@error bad line"),
                             ("@run a b c", "@error bad line"),
                             ("@kill a", "@error a is not running")]:
            guest.send(line)
            assert guest.line() == answer, line


def test_long_lines_and_parts():
    script = "#" + "x" * 48000 + "\nwc -c <$0"
    script = script.replace("$0", "/run/agent/big/script")
    with Guest() as guest:
        guest.hello()
        for _ in range(3):
            guest.start("big", script)
            assert guest.done() == ("big", 0, f"{len(script)}\n")
        text = base64.b64encode(b"echo one two three").decode()
        guest.send(f"@part p {text[:5]}")
        guest.send(f"@part p {text[5:6]}")
        guest.send(f"@run p {text[6:]}")
        assert guest.done() == ("p", 0, "one two three\n")
        code, output = guest.run("head -c 1000000 /dev/zero | tr '\\0' z")
        assert code == 0 and output == "z" * 1000000


def test_several_at_once_and_kill():
    with Guest() as guest:
        guest.hello()
        for n in range(5):
            guest.start(f"s{n}", f"sleep {5 - n}; head -c 5000 /dev/zero | tr '\\0' {n}")
        guest.start("victim", "sleep 1000 & sleep 1000; echo no")
        guest.start("victim", "true")
        assert guest.line() == "@error victim is running"
        guest.send("@kill victim")
        answers = [guest.done() for _ in range(6)]
        assert answers[0] == ("victim", 143, ""), answers[0]
        assert answers[1:] == [(f"s{n}", 0, str(n) * 5000) for n in (4, 3, 2, 1, 0)]
        assert guest.run("ps | grep -c '[s]leep'")[1] == "0\n"


def test_tools_on_an_nvme_drive():
    job = ("fio --name=a --filename=/dev/nvme0n1 --rw=randwrite --bs=4k --iodepth=16"
           " --ioengine=libaio --direct=1 --size=8M --verify=crc32c --verify_fatal=1"
           " --output-format=terse")
    with tempfile.TemporaryDirectory() as folder, Guest(drive(folder)) as guest:
        guest.hello()
        code, output = guest.run("nvme list; lsblk -dno NAME,SIZE")
        assert code == 0 and "first-light" in output and "nvme0n1  64M" in output, output
        code, output = guest.run(job)
        assert code == 0 and output.split(";")[4] == "0", output
        code, output = guest.run(
            "for m in ena virtio_net virtio_blk virtio_console virtio-rng uio_pci_generic"
            " nvme-tcp; do modprobe $m || exit 1; done; ethtool --version; iperf3 --version;"
            " echo x | sha256sum; echo x | hexdump; cmp /init /init; dd if=/init of=/dev/null")
        assert code == 0, output


def bootdisk():
    return ["-drive", f"file={DISK},if=none,id=d,format=raw,snapshot=on",
            "-device", "nvme,drive=d,serial=first-light"]


def test_bootdisk_bios():
    """SeaBIOS and syslinux from an NVMe drive."""
    with Guest(bootdisk(), kernel=None) as guest:
        assert guest.hello().startswith("@hello")
        code, output = guest.run("[ ! -d /sys/firmware/efi ] && lsblk -dno NAME")
        assert code == 0 and "nvme0n1" in output, output


def test_bootdisk_uefi():
    """OVMF and systemd-boot from an NVMe drive. OVMF waits by polling a clock,
    for seconds of simulated time, so not at a nanosecond an instruction."""
    code = os.path.join(FIRMWARE, "OVMF_CODE_4M.fd")
    variables = os.path.join(FIRMWARE, "OVMF_VARS_4M.fd")
    flash = ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
             "-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={variables}"]
    with Guest(flash + bootdisk(), kernel=None, icount="shift=3,sleep=off") as guest:
        assert guest.hello().startswith("@hello")
        code, output = guest.run("[ -d /sys/firmware/efi ] && lsblk -dno NAME")
        assert code == 0 and "nvme0n1" in output, output


def test_ends():
    for script in ("poweroff", "poweroff -f", "echo o >/proc/sysrq-trigger"):
        with Guest() as guest:
            guest.hello()
            guest.start("end", script)
            assert guest.wait_end() == 0
    with Guest() as guest:
        for script in ("reboot", "reboot -f", "true"):
            assert guest.hello()
            guest.start("end", script)


sys.exit(suite.run(globals(), sys.argv[1:], needs=[DISK, QEMU]))
