#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""SeaBIOS and OVMF boot a disk that lies, encrypted, behind an offload card.

The default guest first copies the boot disk onto the card; then machines
without -kernel start from it. Untimed: this is about function.
"""
import json
import os
import socket
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from guest import BUILD, FIRMWARE, IMAGE, QEMU, Guest, suite

DISK = os.path.join(IMAGE, "bootdisk.raw")
APP = os.path.join(BUILD, "meson/hw/offload/offload-app-1.so")
DRIVE_BYTES = 256 << 20
PART_BYTES = 128 << 20


def make_files(folder):
    with open(os.path.join(folder, "root"), "wb") as file:
        file.write(bytes(range(32)))
    with open(os.path.join(folder, "ssd0.img"), "wb") as file:
        file.truncate(DRIVE_BYTES)


def card(folder):
    return ["-S", "-qmp", f"unix:{folder}/qmp,server=on,wait=off",
            "-object", f"secret,id=root0,file={folder}/root",
            "-device", f"offload-drive,id=ssd0,file={folder}/ssd0.img",
            "-device", f"offload-card,id=card0,drives=ssd0,secret=root0,nvram={folder}/nvram,"
                       f"app={APP},timing=untimed",
            "-device", "pcie-root-port,id=rp0,chassis=1,slot=1",
            "-device", "offload-nvme,card=card0,interface=vif0,bus=rp0,bootindex=1"]


def connect(path):
    """QEMU makes the socket at its own pace; it is there within 20 s."""
    limit = time.monotonic() + 20
    while True:
        qmp = socket.socket(socket.AF_UNIX)
        try:
            qmp.connect(path)
            return qmp
        except OSError:
            qmp.close()
            if time.monotonic() > limit:
                raise
            time.sleep(0.02)


def configure(folder, create):
    """What the control plane does at each start, then lets the machine go."""
    commands = [("qmp_capabilities", {})]
    if create:
        commands += [("offload-partition-create", {
            "card": "card0", "name": "boot", "size": PART_BYTES, "drives": ["ssd0"]})]
    commands += [("offload-attach", {"card": "card0", "partition": "boot",
                                     "interface": "vif0", "nsid": 1}), ("cont", {})]
    with connect(os.path.join(folder, "qmp")) as qmp:
        stream = qmp.makefile("rw")
        stream.readline()
        for command, arguments in commands:
            stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
            stream.flush()
            answer = json.loads(stream.readline())
            while "event" in answer:
                answer = json.loads(stream.readline())
            assert "return" in answer, (command, answer)


def install(folder):
    """Copy the boot disk onto the card with the guest's own tools."""
    source = ["-drive", f"if=none,id=src,file={DISK},format=raw,snapshot=on",
              "-device", "nvme,drive=src,serial=source"]
    with Guest(card(folder) + source) as guest:
        configure(folder, create=True)
        guest.hello()
        code, output = guest.run(
            "s= d=; for n in /sys/class/nvme/nvme*; do case $(cat $n/serial) in"
            " source*) s=/dev/${n##*/}n1;; *) d=/dev/${n##*/}n1;; esac; done;"
            " dd if=$s of=$d bs=1M 2>&1 && sync && cmp -n $(blockdev --getsize64 $s) $s $d")
        assert code == 0, output
        guest.start("end", "poweroff")
        assert guest.wait_end() == 0
    with open(os.path.join(folder, "ssd0.img"), "rb") as file:
        assert b"syslinux" not in file.read().lower()


def boots(folder, extra, check, icount):
    with Guest(card(folder) + extra, kernel=None, icount=icount) as guest:
        configure(folder, create=False)
        assert guest.hello().startswith("@hello")
        code, output = guest.run(f"{check} && cat /sys/class/nvme/nvme*/model")
        assert code == 0 and "Outrigger" in output, output


def test_firmware():
    code = os.path.join(FIRMWARE, "OVMF_CODE_4M.fd")
    variables = os.path.join(FIRMWARE, "OVMF_VARS_4M.fd")
    flash = ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
             "-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={variables}"]
    with tempfile.TemporaryDirectory() as folder:
        make_files(folder)
        install(folder)
        boots(folder, [], "[ ! -d /sys/firmware/efi ]", "shift=0,sleep=off")
        print("ok SeaBIOS", flush=True)
        boots(folder, flash, "[ -d /sys/firmware/efi ]", "shift=3,sleep=off")
        print("ok OVMF", flush=True)


sys.exit(suite.run(globals(), sys.argv[1:], needs=[DISK, QEMU, APP]))
