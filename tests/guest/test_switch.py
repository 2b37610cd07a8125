#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A receded-port switch, driven by switch-tool in the stock guest: ports come
up, ports over their budget fail, and counters are read."""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
from guest import BUILD, QEMU, ROOT, Guest, suite

SWITCH = "receded-switch"


def fields(line):
    return dict(word.split("=", 1) for word in line.split())


def device(options=""):
    return ["-device", SWITCH + options]


def shown(guest):
    code, text = guest.run("switch-tool show")
    assert code == 0, text
    lines = [fields(line) for line in text.splitlines()]
    return lines[0], lines[1:]


def test_show_up_and_counters():
    with Guest(extra=device()) as guest:
        guest.hello()
        board, ports = shown(guest)
        assert board["layout"] == "triangular" and board["depths"] == "8", board
        assert len(ports) == 16
        assert ports[15]["trace_um"] == "181569" and ports[15]["margin_mdb"] == "566"
        assert {p["state"] for p in ports} == {"down"}
        assert guest.run("switch-tool up 0 15") == (0, "port=0 state=up\nport=15 state=up\n")
        code, text = guest.run("switch-tool counters 0")
        assert code == 0 and fields(text)["rx_packets"] == "0", text
        assert len(fields(text)) == 13
        assert guest.run("switch-tool down 0") == (0, "")
        assert [p["state"] for p in shown(guest)[1][:2]] == ["down", "down"]


def test_over_budget():
    with Guest(extra=device(",layout=flat,baseline=on,routing=manhattan")) as guest:
        guest.hello()
        code, text = guest.run("switch-tool up 0 7")
        assert (code, text) == (1, "port=0 state=failed\nport=7 state=up\n"), text
        ports = shown(guest)[1]
        assert int(ports[0]["margin_mdb"]) < -4000 and ports[0]["trace_um"] == "315000"
    with Guest(extra=device(",layout=flat,baseline=on,retimers=needed")) as guest:
        guest.hello()
        assert guest.run("switch-tool up 0 7")[0] == 0


def two_nics(folder, options):
    """Two NICs of one card, each by a cable of its own to the switch."""
    with open(os.path.join(folder, "root"), "w") as file:
        file.write("0123456789abcdef" * 2)
    with open(os.path.join(folder, "ssd0"), "wb") as file:
        file.truncate(64 << 20)
    profiles = os.path.join(ROOT, "models", "profiles")
    app = os.path.join(BUILD, "meson", "hw", "offload", "offload-app-1.so")
    args = ["-object", f"secret,id=root0,file={folder}/root",
            "-device", f"offload-drive,id=ssd0,file={folder}/ssd0,"
            f"profile={profiles}/drive-tlc.profile",
            "-device", f"offload-card,id=card0,drives=ssd0,secret=root0,app={app},seed=5,"
            f"profile={profiles}/card-gen4x16.profile"]
    for i in range(2):
        args += ["-device", f"outrigger-port,id=n{i},cable=c{i},delay-ps=500000",
                 "-device", f"outrigger-port,id=s{i},cable=c{i},delay-ps=500000",
                 "-device", f"offload-ena,card=card0,port=n{i},mac=52:54:00:00:00:0{i + 1},"
                 f"interface=nic{i},addr={i + 4}"]
    return args + device(f",ports=s0:s1{options}")


# Each NIC in a network of its own; the pings cross the switch.
NETWORKS = """
modprobe ena
for i in 0 1; do
    unshare -n sleep 100000 & pid=$!
    sleep 0.1
    ip link set eth$i netns $pid
    nsenter -t $pid -n ip addr add 10.1.0.$((i + 1))/24 dev eth$i
    nsenter -t $pid -n ip link set eth$i up
    echo $pid >/run/pid$i
done
"""
PING = "nsenter -t $(cat /run/pid0) -n ping -q -c {} -i 0.01 -s 1400 10.1.0.2"


def counters(guest, port):
    code, text = guest.run(f"switch-tool counters {port}")
    assert code == 0, text
    return {k: int(v) for k, v in fields(text).items()}


def test_traffic():
    with tempfile.TemporaryDirectory() as folder, Guest(extra=two_nics(folder, "")) as guest:
        guest.hello()
        code, text = guest.run(NETWORKS)
        assert code == 0, text
        code, text = guest.run(PING.format(3))
        assert code != 0 and "100% packet loss" in text, text
        assert counters(guest, 0)["rx_packets"] == 0
        assert guest.run("switch-tool up 0 1")[0] == 0
        code, text = guest.run(PING.format(100))
        assert code == 0 and " 0% packet loss" in text, text
        first = counters(guest, 0)
        assert first["rx_packets"] >= 100 and first["tx_packets"] >= 100, first
        assert first["rx_bit_errors"] == first["tx_bit_errors"] == 0, first
        assert counters(guest, 1)["tx_packets"] >= 100
        assert guest.run("switch-tool down 1")[0] == 0
        assert guest.run(PING.format(3))[0] != 0


def test_errors_reach_packets():
    """8.2 dB of a budget of 7: the links come up and lose packets."""
    flat = ",layout=flat,baseline=on,loss-mdb=921"
    with tempfile.TemporaryDirectory() as folder, Guest(extra=two_nics(folder, flat)) as guest:
        guest.hello()
        assert guest.run(NETWORKS)[0] == 0
        assert guest.run("switch-tool up 0 1")[0] == 0
        code, text = guest.run(PING.format(300))
        lost = sum(counters(guest, p)[n] for p in (0, 1)
                   for n in ("rx_bit_errors", "tx_bit_errors"))
        assert lost > 0 and " 0% packet loss" not in text, (code, text, lost)


def test_errors():
    with Guest() as guest:
        guest.hello()
        code, text = guest.run("switch-tool show")
        assert code == 3 and "no receded-switch" in text, (code, text)
        assert guest.run("switch-tool")[0] == 2
        assert guest.run("switch-tool up")[0] == 2


sys.exit(suite.run(globals(), sys.argv[1:], needs=[QEMU]))
