# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks behind scripts/check.

A check is a function with one argument, the Tree, that yields findings
("file:line: text") or raises Skip(reason). Its first docstring line is what
--list says; its name is the function's with dashes. To add one, write it in
one of the modules below and plant its violation in tests/check/self-test.
"""
import importlib
from dataclasses import dataclass
from typing import Callable

MODULES = ('style', 'source', 'words', 'registers', 'documents', 'plans')


@dataclass
class Check:
    name: str
    about: str
    function: Callable


def all_checks():
    checks = []
    for module in MODULES:
        loaded = importlib.import_module(f'checks.{module}')
        for function in loaded.CHECKS:
            name = function.__name__.rstrip('_').replace('_', '-')
            checks.append(Check(name, function.__doc__.splitlines()[0],
                                function))
    return checks
