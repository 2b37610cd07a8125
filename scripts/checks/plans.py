# SPDX-License-Identifier: GPL-2.0-or-later
"""Test plans name tests that exist.

A plan is tests/**/testplan-*.yaml: a list of points, each with its place in
the specification and the tests that cover it:

    - point: identify-cns-0
      spec: NVMe 1.4, section 5.15.2.1
      tests: [test_identify_namespace]
"""
import re

LIST = re.compile(r'^(\s*)(?:- )?tests:\s*(\[.*)?$')


def named_tests(lines):
    """(line number, name) of each entry of a `tests:` list."""
    number = 0
    while number < len(lines):
        match = LIST.match(lines[number])
        if not match:
            number += 1
            continue
        if match.group(2):
            text, first = match.group(2), number
            while ']' not in text and number + 1 < len(lines):
                number += 1
                text += ' ' + lines[number]
            names = re.findall(r'[\w./-]+', text.split(']')[0])
            if not names:
                yield first + 1, None
            for name in names:
                yield first + 1, name
        else:
            empty = True
            while number + 1 < len(lines):
                item = re.match(r'\s*-\s+["\']?([\w./-]+)["\']?\s*(#.*)?$',
                                lines[number + 1])
                if not item:
                    break
                number += 1
                empty = False
                yield number + 1, item.group(1)
            if empty:
                yield number + 1, None
        number += 1


def test_plans(tree):
    """Each test that a test plan names exists, and no point has none"""
    plans = [f for f in tree.files
             if re.search(r'tests/(.*/)?testplan-[\w-]+\.yaml$', f)]
    words = set()
    for name in tree.c_files('tests/') + tree.python_files():
        if name.startswith('tests/'):
            words |= set(re.findall(r'\w+', tree.text(name)))
    for name in plans:
        points = 0
        for number, test in named_tests(tree.lines(name)):
            points += 1
            if test is None:
                yield f'{name}:{number}: a point without a test'
            elif re.split(r'[./]', test)[-1] not in words:
                yield f'{name}:{number}: no test is called {test}'
        if points == 0:
            yield f'{name}:1: the plan names no test'


CHECKS = [test_plans]
