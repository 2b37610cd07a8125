# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the functions test_NAME of a script: a line each, exit code 0, 1, or 77
when something is missing. A SIGTERM unwinds the test that runs, so that what it
has started ends with it."""
import os
import signal
import sys
import traceback


def unwind(number, _):
    sys.exit(128 + number)


def run(functions, names=(), needs=()):
    """Of @functions (a script's globals()) those in @names, or all tests."""
    for path in needs:
        if not os.path.exists(path):
            print(f"needs {path}; ./outrigger setup makes it", file=sys.stderr)
            return 77
    signal.signal(signal.SIGTERM, unwind)
    tests = {name[5:]: function for name, function in functions.items()
             if name.startswith("test_")}
    failed = 0
    names = [name.removeprefix("test_") for name in names] or list(tests)
    for name in names:
        try:
            tests[name]()
            print(f"ok {name}", flush=True)
        except Exception:  # a test's failure must not hide the next one
            failed += 1
            print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0
