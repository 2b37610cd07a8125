# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of the architecture that text can show."""
import re
import subprocess

from .tree import line_of, tool, without_comments

CORE_FOLDERS = ('hw/', 'models/', 'sim-cluster/', 'link/')
QEMU_HEADER = re.compile(
    r'#\s*include\s*["<](qemu|qapi|qom|hw|exec|system|sysemu|migration|block|'
    r'chardev|io|monitor|crypto|net|trace|tcg|ui|authz|standard-headers)/')
C_HEADER_FOLDERS = ('hw/', 'models/include/', 'sim-cluster/', 'link/')
SHELLCHECK_OPTIONS = ['-x', '-S', 'warning', '-f', 'gcc']


def is_glue(name):
    return '_qemu.' in name or '-qemu.' in name


def core_includes(tree):
    """Cores, models, engine and link include no QEMU header"""
    files = [f for f in tree.c_files(*CORE_FOLDERS) if not is_glue(f)]
    for name, number, match in tree.grep(QEMU_HEADER, files):
        yield (f'{name}:{number}: {match.group(0)}...: only *_qemu.c files '
               'may know QEMU')


def systemc_headers(tree):
    """C headers outside the models show no SystemC and no bare C++"""
    for name in tree.having(['.h'], *C_HEADER_FOLDERS):
        text = without_comments(tree.text(name))
        for match in re.finditer(r'#\s*include\s*<(systemc|tlm|sysc/)|'
                                 r'\bsc_(core|module|time|event|signal|fifo)\b',
                                 text):
            yield (f'{name}:{line_of(text, match.start())}: SystemC belongs '
                   'behind models/include')
        if '__cplusplus' not in text:
            for match in re.finditer(r'^\s*(class|namespace|template)\b', text,
                                     re.M):
                yield (f'{name}:{line_of(text, match.start())}: '
                       f'C++ in a C header')


def cmocka_exit(tree):
    """Test programs compare cmocka's count of failures with 0"""
    for name in tree.c_files():
        text = without_comments(tree.text(name))
        for match in re.finditer(r'cmocka_run_group_tests\w*\s*\(', text):
            statement = text[match.start():text.find(';', match.start())]
            if not re.search(r'!=\s*0\s*$', statement):
                yield (f'{name}:{line_of(text, match.start())}: the result is '
                       'a count, not an exit code (77 failures would read as '
                       'skipped): compare it "!= 0"')


def assert_effects(tree):
    """assert() and g_assert() hold no assignment and no ++"""
    for name, number, match in tree.grep(
            r'\b(g_)?assert\s*\([^;]*?(\+\+|--|[^=!<>]=[^=])',
            tree.c_files(*CORE_FOLDERS)):
        yield f'{name}:{number}: {match.group(0)}...: has a side effect'


def shell(tree):
    """shellcheck finds nothing in the shell scripts"""
    program = tool('shellcheck')
    scripts = tree.shell_scripts()
    if not scripts:
        return
    done = subprocess.run([program, *SHELLCHECK_OPTIONS, *scripts],
                          cwd=tree.root, capture_output=True, text=True,
                          check=False)
    for line in done.stdout.splitlines():
        yield line


def python(tree):
    """Python files compile"""
    for name in tree.python_files():
        try:
            compile(tree.text(name), name, 'exec')
        except SyntaxError as error:
            yield f'{name}:{error.lineno}: {error.msg}'


CHECKS = [core_includes, systemc_headers, cmocka_exit, assert_effects, shell,
          python]
