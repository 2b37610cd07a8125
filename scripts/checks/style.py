# SPDX-License-Identifier: GPL-2.0-or-later
"""Shape of the source: format, lengths, licence lines."""
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from .tree import tool

FILE_LINES = 1000
FUNCTION_LINES = 100
FUNCTION_LINES_P90 = 50
LICENCE = 'SPDX-License-Identifier: GPL-2.0-or-later'
# Files that cannot hold a comment, or whose content is not ours to mark.
NO_LICENCE = re.compile(
    r'\.(md|json|patch|svg|golden|txt|bin|png|hgrm|csv|expected|dict|map|'
    r'sources)$|'
    r'(^|/)(\.clang-format|\.gitignore|series|trace-events|corpus/.*|'
    r'tested-versions|packages\.lock)$')


def format_(tree):
    """C and C++ look as .clang-format says (scripts/format mends it)"""
    program = tool('clang-format-14')
    files = tree.c_files()

    def first_difference(batch):
        done = subprocess.run([program, '--style=file', '--dry-run',
                               '--ferror-limit=1', *batch],
                              cwd=tree.root, capture_output=True, text=True,
                              check=False)
        return re.findall(r'^(\S+?:\d+):\d+: warning', done.stderr, re.M)

    batches = [files[i:i + 8] for i in range(0, len(files), 8)]
    with ThreadPoolExecutor(2) as pool:
        for places in pool.map(first_difference, batches):
            seen = set()
            for place in places:
                name = place.rsplit(':', 1)[0]
                if name not in seen:
                    seen.add(name)
                    yield f'{place}: not as scripts/format writes it'


def file_length(tree):
    """No source file is longer than 1000 lines"""
    for name in tree.c_files() + tree.python_files() + tree.shell_scripts():
        count = len(tree.lines(name))
        if count > FILE_LINES:
            yield f'{name}:{FILE_LINES + 1}: {count} lines; split the file'


def functions_of(tree):
    files = tree.c_files()
    if not files:
        return []
    done = subprocess.run(
        [tool('ctags'), '--output-format=json', '--fields=+ne',
         '--kinds-C=f', '--kinds-C++=f', '-L', '-', '-f', '-'],
        cwd=tree.root, input='\n'.join(files), capture_output=True,
        text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [(row['path'], row['line'], row['name'],
             row['end'] - row['line'] + 1) for row in rows if 'end' in row]


def function_length(tree):
    """No function is longer than 100 lines, nine in ten have at most 50"""
    functions = functions_of(tree)
    for path, line, name, length in functions:
        if length > FUNCTION_LINES:
            yield f'{path}:{line}: {name}() has {length} lines'
    lengths = sorted(f[3] for f in functions)
    if len(lengths) >= 10 and lengths[len(lengths) * 9 // 10] > FUNCTION_LINES_P90:
        yield (f'.:0: one function in ten has more than '
               f'{FUNCTION_LINES_P90} lines')


def licence(tree):
    """Each source file begins with its SPDX line"""
    for name in tree.files:
        if NO_LICENCE.search(name) or not tree.text(name).strip():
            continue
        if not any(LICENCE in line for line in tree.lines(name)[:4]):
            yield f'{name}:1: no "{LICENCE}"'


def header_guard(tree):
    """Each C header is protected against being read twice"""
    for name in tree.having(['.h']):
        text = tree.text(name)
        if not re.search(r'#ifndef (\w+)\n#define \1\n|#pragma once', text) \
                and not re.search(r'#include "trace/', text):
            yield f'{name}:1: no include guard'


CHECKS = [format_, file_length, function_length, licence, header_guard]
