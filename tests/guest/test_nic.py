#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The card's NIC under the stock ENA driver: two functions of one guest, joined by
a cable, one of them in a network namespace of its own. Needs a built fork."""
import json
import os
import socket
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from guest import BUILD, QEMU, ROOT, Guest, suite

UP = """
modprobe ena; unshare -n sleep 100000 & peer=$!
sleep 0.3; echo $peer >/run/peer
ip link set eth1 netns $peer && ip addr add 10.1.0.1/24 dev eth0 && ip link set eth0 up
far() { nsenter -t $peer -n "$@"; }
far ip addr add 10.1.0.2/24 dev eth1; far ip link set eth1 up; sleep 0.3
"""
IN = "peer=$(cat /run/peer); far() { nsenter -t $peer -n \"$@\"; }\n"


def machine(folder, llq="off", queues=1, timing="model"):
    profiles = os.path.join(ROOT, "models", "profiles")
    drive, key = os.path.join(folder, "drive"), os.path.join(folder, "key")
    with open(drive, "wb") as file:
        file.truncate(1 << 20)
    with open(key, "wb") as file:
        file.write(bytes(range(32)))
    app = os.path.join(BUILD, "meson/hw/offload/offload-app-1.so")
    how = "timing=untimed" if timing == "untimed" else \
        f"profile={profiles}/card-gen4x16.profile"
    words = ["-object", f"secret,id=root,file={key},format=raw",
             "-qmp", f"unix:{folder}/qmp,server=on,wait=off",
             "-device", f"offload-drive,id=ssd0,file={drive},"
             f"profile={profiles}/drive-fast.profile",
             "-device", f"offload-card,id=card0,drives=ssd0,secret=root,app={app},seed=1,{how}"]
    for n in (0, 1):
        words += ["-device", f"outrigger-port,id=p{n},cable=c,delay-ps=500000",
                  "-device", f"pcie-root-port,id=rp{n},chassis={n},slot={n}",
                  "-device", f"offload-ena,id=nic{n},card=card0,port=p{n},bus=rp{n},"
                  f"mac=52:54:00:00:00:0{n + 1},queues={queues},llq={llq}"]
    return words


class Qmp:
    def __init__(self, folder):
        link = socket.socket(socket.AF_UNIX)
        link.connect(os.path.join(folder, "qmp"))
        self.file = link.makefile("rw")
        self.file.readline()
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "event" not in answer:
                return answer["return"]

    def stats(self, nic):
        for n in self.run("query-offload", card="card0")["nics"]:
            if n["name"] == nic:
                return {c["name"]: c["value"] for c in n["stats"]}
        raise KeyError(nic)


def ok(guest, script):
    code, output = guest.run(script)
    assert code == 0, (script, code, output)
    return output


def test_ping_and_mtu():
    for llq, timing in (("off", "model"), ("on", "model"), ("off", "untimed")):
        with tempfile.TemporaryDirectory() as folder, \
                Guest(machine(folder, llq, timing=timing)) as guest:
            guest.hello()
            ok(guest, UP)
            assert " 0% packet loss" in ok(guest, "ping -c 5 -i 0.01 10.1.0.2")
            ok(guest, IN + "ip link set eth0 mtu 9000; far ip link set eth1 mtu 9000")
            assert " 0% packet loss" in ok(guest, "ping -c 3 -i 0.01 -s 8972 10.1.0.2")
            ok(guest, IN + "ip link set eth0 mtu 9216; far ip link set eth1 mtu 9216")
            assert " 0% packet loss" in ok(guest, "ping -c 3 -i 0.01 -s 9188 10.1.0.2")
            code, _ = guest.run("ip link set eth0 mtu 9217")
            assert code != 0
            used = ok(guest, "dmesg | grep -c 'LLQ is not supported' || true").strip()
            assert used == ("2" if llq == "off" else "0"), used
            stats = Qmp(folder).stats("nic0")
            assert stats["guest_errors"] == stats["tx_drops"] == stats["rx_drops"] == 0, stats


def counters(guest, words="ethtool -S eth0"):
    """What `ethtool -S` says."""
    lines = [line.split(":") for line in ok(guest, IN + words).splitlines()]
    return {n.strip(): int(v) for n, v in (w for w in lines if len(w) == 2) if v.strip()}


def test_iperf3_low_latency():
    with tempfile.TemporaryDirectory() as folder, Guest(machine(folder, llq="on")) as guest:
        guest.hello()
        ok(guest, UP)
        for flags in ("-n 10M", "-n 10M -R", "-u -b 200M -n 2M"):
            ok(guest, IN + "(far iperf3 -s -1 >/run/server 2>&1 &); sleep 0.2;"
               f"iperf3 -c 10.1.0.2 {flags}")
        seen = counters(guest)
        # headers in several pieces, put together to be pushed
        assert seen["queue_0_tx_llq_buffer_copy"] > 100, seen
        stats = Qmp(folder).stats("nic0")
        assert stats["tx_packets"] == seen["queue_0_tx_cnt"], (stats, seen)
        assert stats["guest_errors"] == stats["rx_csum_errors"] == stats["tx_drops"] == 0, stats


def test_iperf3():
    with tempfile.TemporaryDirectory() as folder, Guest(machine(folder)) as guest:
        guest.hello()
        ok(guest, UP)
        for flags in ("-n 20M", "-n 20M -R", "-u -b 200M -n 3M", "-n 10M -l 9K"):
            ok(guest, IN + "(far iperf3 -s -1 >/run/server 2>&1 &); sleep 0.2;"
               f"iperf3 -c 10.1.0.2 {flags}")
        stats = Qmp(folder).stats("nic0")
        assert stats["tx_frames"] > stats["tx_packets"] > 100, stats  # TSO
        assert stats["guest_errors"] == stats["rx_csum_errors"] == 0, stats
        bad = ok(guest, IN + "ethtool -S eth0; far ethtool -S eth1")
        for line in bad.splitlines():
            if any(w in line for w in ("csum_bad", "bad_req", "bad_desc", "timeout")):
                assert line.split()[-1] == "0", line


def test_ethtool():
    with tempfile.TemporaryDirectory() as folder, \
            Guest(machine(folder, queues=2) + ["-smp", "2"]) as guest:
        guest.hello()
        ok(guest, UP)
        output = ok(guest, "ethtool -k eth0; ethtool -l eth0; ethtool eth0; ethtool -x eth0;"
                    "ethtool -c eth0")
        for text in ("tx-checksumming: on", "tcp-segmentation-offload: on",
                     "receive-hashing: on", "Combined:\t2", "Speed: 100000Mb/s",
                     "toeplitz: on", "6d:5a:56:da"):
            assert text in output, (text, output)
        # each queue in turn is the only one that the indirection table names
        for queue in (0, 1):
            ok(guest, f"ethtool -X eth0 weight {1 - queue} {queue}")
            before = counters(guest)
            ok(guest, "ping -c 20 -i 0.01 10.1.0.2")
            after = counters(guest)
            got = [after[f"queue_{n}_rx_cnt"] - before[f"queue_{n}_rx_cnt"] for n in (0, 1)]
            assert got[queue] >= 20 and got[1 - queue] <= 2, got  # ARP has no hash
        ok(guest, "ethtool -L eth0 combined 1; ping -c 2 -i 0.01 10.1.0.2")
        ok(guest, "ethtool -L eth0 combined 2; ping -c 2 -i 0.01 10.1.0.2")
        ok(guest, "ethtool -C eth0 rx-usecs 50 adaptive-rx off; ping -c 2 -i 0.01 10.1.0.2")
        ok(guest, "ethtool -G eth0 rx 512 tx 512; ping -c 2 -i 0.01 10.1.0.2")
        ok(guest, "ethtool -K eth0 tso off tx off; ping -c 2 -i 0.01 10.1.0.2")


def test_reload_under_load():
    load = "(far iperf3 -s >/run/server 2>&1 &); (iperf3 -u -b 100M -c 10.1.0.2 -t 30 >/run/load 2>&1 &)"
    reload = ("rmmod ena; sleep 0.1; modprobe ena; sleep 0.2;"
              "ip addr add 10.1.0.1/24 dev eth0; ip link set eth0 up;"
              "for n in eth1 eth2; do ip link set $n netns $peer 2>/dev/null; done;"
              "far ip addr add 10.1.0.2/24 dev eth1; far ip link set eth1 up; sleep 0.3;")
    with tempfile.TemporaryDirectory() as folder, Guest(machine(folder)) as guest:
        guest.hello()
        ok(guest, UP)
        for _ in range(3):
            ok(guest, IN + load + "; sleep 0.05;" + reload +
               "killall iperf3; ping -c 3 -i 0.01 10.1.0.2")
        assert Qmp(folder).stats("nic0")["guest_errors"] == 0


def test_recovery():
    """The card forgets everything under load: the driver misses its keep-alive and resets,
    and the TCP connection goes on."""
    with tempfile.TemporaryDirectory() as folder, Guest(machine(folder)) as guest:
        guest.hello()
        ok(guest, UP)
        qmp = Qmp(folder)
        qmp.run("offload-nic-hints", interface="nic0", **{"keep-alive": 2000})
        guest.start("load", IN + "(far iperf3 -s -1 >/run/server 2>&1 &); sleep 0.2;"
                    "iperf3 -c 10.1.0.2 -b 20M -t 6")
        limit = time.monotonic() + 60
        while qmp.stats("nic0")["tx_packets"] < 50 and time.monotonic() < limit:
            time.sleep(0.05)
        before = qmp.stats("nic0")
        qmp.run("offload-interface-reset", card="card0", interface="nic0")
        _, code, output = guest.done()
        assert code == 0 and " sender" in output, output
        after = qmp.stats("nic0")
        assert before["tx_packets"] >= 50 and after["resets"] > before["resets"], (before, after)
        assert after["tx_packets"] > 2 * before["tx_packets"], (before, after)
        assert "wd_expired: 1" in ok(guest, "ethtool -S eth0")


def test_virtual_network():
    with tempfile.TemporaryDirectory() as folder, Guest(machine(folder)) as guest:
        guest.hello()
        qmp = Qmp(folder)
        for n in (0, 1):
            qmp.run("offload-nic-network", interface=f"nic{n}", vni=7, address=f"10.0.0.{n + 1}")
            qmp.run("offload-nic-map", interface=f"nic{n}", vni=7, ip=f"10.1.0.{2 - n}",
                    mac=f"52:54:00:00:00:0{2 - n}", **{"underlay-ip": f"10.0.0.{2 - n}"})
        ok(guest, UP)
        ok(guest, "ping -c 3 -i 0.01 10.1.0.2")
        assert qmp.stats("nic0")["arp_answered"] > 0
        ok(guest, IN + "ip neigh flush dev eth0; ip link set eth0 mtu 9000;"
           "far ip link set eth1 mtu 9000; ping -c 2 -i 0.01 -s 8972 10.1.0.2")
        qmp.run("offload-nic-network", interface="nic1", vni=8, address="10.0.0.2")
        code, _ = guest.run("ping -c 2 -i 0.1 -W 1 10.1.0.2")
        assert code != 0 and qmp.stats("nic1")["rx_foreign"] > 0


def at_rest(guest, qmp):
    """The card's NICs once all is acknowledged: a guest sends packets of its own
    accord, too, and one may be on its way at the instant of a look."""
    for _ in range(20):
        ok(guest, "sleep 0.1")
        nics = qmp.run("query-offload", card="card0")["nics"]
        if not any(v["outstanding"] for nic in nics for peer in nic["balancing"]["peers"]
                   for v in peer["values"]):
            break
    return nics


def test_balanced_network():
    """TCP over version 2 of the underlay: every policy, with and without sequencing."""
    for policy, options in (("spray", {"sequencing": True}), ("congestion", {}),
                            ("reps", {"cap-bytes": 100000})):
        with tempfile.TemporaryDirectory() as folder, Guest(machine(folder)) as guest:
            guest.hello()
            qmp = Qmp(folder)
            for n in (0, 1):
                qmp.run("offload-nic-network", interface=f"nic{n}", vni=7,
                        address=f"10.0.0.{n + 1}")
                qmp.run("offload-nic-map", interface=f"nic{n}", vni=7, ip=f"10.1.0.{2 - n}",
                        mac=f"52:54:00:00:00:0{2 - n}", **{"underlay-ip": f"10.0.0.{2 - n}"})
                qmp.run("offload-nic-balance", interface=f"nic{n}", policy=policy,
                        key="00112233445566778899aabbccddeeff", options=options)
            ok(guest, UP)
            ok(guest, "ping -c 3 -i 0.01 10.1.0.2")
            for flags in ("-n 10M", "-n 10M -R", "-u -b 200M -n 1M"):
                ok(guest, IN + "(far iperf3 -s -1 >/run/server 2>&1 &); sleep 0.2;"
                   f"iperf3 -c 10.1.0.2 {flags}")
            for nic in at_rest(guest, qmp):
                peer, = nic["balancing"]["peers"]
                stats = {c["name"]: c["value"] for c in peer["stats"]}
                values = [v for v in peer["values"] if v["packets"]]
                assert len(values) == (16 if policy == "spray" else len(values))
                for v in values:
                    assert v["acked"] == v["packets"] and v["lost-bytes"] == 0, v
                    assert v["outstanding"] == v["marked"] == 0, v
                assert stats["bad_echoes"] == stats["rx_duplicates"] == 0, stats
                assert stats["rx_reordered"] == stats["echoes_ignored"] == 0, stats
                plain = {c["name"]: c["value"] for c in nic["stats"]}
                assert plain["guest_errors"] == plain["rx_drops"] == 0, plain


sys.exit(suite.run(globals(), sys.argv[1:], needs=[QEMU]))
