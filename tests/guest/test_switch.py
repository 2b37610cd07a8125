#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A receded-port switch, driven by switch-tool in the stock guest: ports come
up, ports over their budget fail, and counters are read."""
import os
import sys
import traceback

sys.dont_write_bytecode = True
from guest import QEMU, Guest

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


def test_errors():
    with Guest() as guest:
        guest.hello()
        code, text = guest.run("switch-tool show")
        assert code == 3 and "no receded-switch" in text, (code, text)
        assert guest.run("switch-tool")[0] == 2
        assert guest.run("switch-tool up")[0] == 2


def main(names):
    if not os.path.exists(QEMU):
        print("needs a QEMU", file=sys.stderr)
        return 77
    tests = {n: f for n, f in globals().items() if n.startswith("test_")}
    failed = 0
    for name in names or tests:
        try:
            tests[name]()
            print(f"ok {name}", flush=True)
        except Exception:  # a test's failure must not hide the next one
            failed += 1
            print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
    print(f"{len(names or tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
