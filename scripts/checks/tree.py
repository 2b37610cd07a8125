# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of a source tree, as the checks see them."""
import functools
import os
import re
import subprocess

C_SUFFIXES = ('.c', '.h', '.cpp')
NOT_OURS = ('qemu/patches/', 'build/', 'runs/')


class Skip(Exception):
    """A check cannot run here; the text says why."""


class Tree:
    """Files that git tracks or would track, with '/'-separated names."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.files = [f for f in self._list() if not f.startswith(NOT_OURS)
                      and os.path.isfile(self.path(f))]

    def _list(self):
        listed = subprocess.run(
            ['git', '-C', self.root, 'ls-files', '-co', '--exclude-standard'],
            capture_output=True, text=True, check=False)
        if listed.returncode == 0:
            return sorted(set(listed.stdout.splitlines()))
        found = []
        for folder, _, names in os.walk(self.root):
            found += [os.path.relpath(os.path.join(folder, n), self.root)
                      for n in names]
        return sorted(found)

    def path(self, name):
        return os.path.join(self.root, name)

    @functools.lru_cache(maxsize=None)
    def text(self, name):
        """The content; '' for a binary file."""
        with open(self.path(name), 'rb') as file:
            data = file.read()
        return '' if b'\0' in data[:4096] else data.decode('utf-8', 'replace')

    def lines(self, name):
        return self.text(name).splitlines()

    def exists(self, name):
        return os.path.exists(self.path(name))

    def having(self, suffixes, *folders):
        """Files with one of @suffixes, below @folders when given."""
        return [f for f in self.files if f.endswith(tuple(suffixes))
                and (not folders or f.startswith(folders))]

    def c_files(self, *folders):
        return self.having(C_SUFFIXES, *folders)

    def shell_scripts(self):
        return [f for f in self.files if f.endswith('.sh') or re.match(
            r'#!/(usr/)?bin/(env )?(ba|da)?sh\b', self.text(f)[:40])]

    def python_files(self):
        return [f for f in self.files if f.endswith('.py') or re.match(
            r'#!/usr/bin/(env )?python3', self.text(f)[:40])]

    def grep(self, pattern, files, flags=0):
        """(file, line number, match) for each line that matches."""
        wanted = re.compile(pattern, flags)
        for name in files:
            for number, line in enumerate(self.lines(name), 1):
                match = wanted.search(line)
                if match:
                    yield name, number, match


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def without_comments(text):
    """C text with comments blanked out; lines stay where they are."""
    def blank(match):
        return re.sub(r'[^\n]', ' ', match.group(0)) \
            if match.group(0).startswith('/') else match.group(0)
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'',
                  blank, text, flags=re.S)


def tool(name):
    """Path of a program, or Skip."""
    for folder in os.environ.get('PATH', '').split(':') + ['/usr/bin']:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    raise Skip(f'{name} is not installed')
