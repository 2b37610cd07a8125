# SPDX-License-Identifier: GPL-2.0-or-later
"""Words that must not be in the tree."""
import os
import re

# Unfinished work. [x]: so that this file does not find itself.
UNFINISHED = re.compile(
    r'\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b|(?<!gdb )\bstu[b]s?\b|\bplace[h]olders?\b|'
    r'\bnot (yet )?imple[m]ented\b|\bfor no[w]\b', re.I)
UNFINISHED_FOLDERS = ('hw/', 'models/', 'sim-cluster/', 'link/')
# "xxx" in lower case is part of names and bit patterns.
LOWER_IS_FINE = re.compile(r'^xx[x]$')

# Servers of packages: the mirror is the system's own business.
HOSTS = re.compile(
    r'\b((deb|ftp|security|archive|snapshot|mirrors?|packages|registry|'
    r'proxy|files)\.[a-z0-9-]+\.(org|com|net|io)|pypi\.org|crates\.io|'
    r'golang\.org)\b')
HOMES = re.compile(r'(?<![\w.$}])/(home|Users)/[a-z]\w+/|/(tm[p])/\w+_jobs')


def unfinished(tree):
    """No words of unfinished work in hw, models, sim-cluster and link"""
    files = [f for f in tree.files if f.startswith(UNFINISHED_FOLDERS)]
    for name, number, match in tree.grep(UNFINISHED, files):
        if not LOWER_IS_FINE.match(match.group(0)):
            yield f'{name}:{number}: "{match.group(0)}"'


def apt_hosts():
    """Hosts in this machine's own apt sources."""
    hosts = set()
    folder = '/etc/apt'
    for base, _, names in os.walk(folder):
        for name in names:
            if not name.endswith(('.list', '.sources')):
                continue
            try:
                with open(os.path.join(base, name), encoding='utf-8') as file:
                    hosts |= set(re.findall(r'\w+://([\w.-]+\.\w+)',
                                            file.read()))
            except OSError:
                pass
    return hosts


def machine_places(root):
    """Folders of this machine that no file may name."""
    places = {root, os.path.dirname(root), os.path.expanduser('~')}
    return {p for p in places if p not in ('/', '/root', '/home', '/tmp',
                                           '/usr', '/var', '/var/tmp',
                                           '/usr/src', '/srv', '/opt',
                                           '/mnt', '/builds')}


def places(tree):
    """No package hosts, no folders of one machine"""
    words = [HOSTS.pattern, HOMES.pattern]
    words += [rf'(?<![\w.-]){re.escape(h)}\b' for h in apt_hosts()]
    words += [rf'(?<![\w.$}}~-]){re.escape(p)}/' for p in
              machine_places(tree.root)]
    pattern = re.compile('|'.join(words))
    for name, number, match in tree.grep(pattern, tree.files):
        yield f'{name}:{number}: "{match.group(0)}"'


def mail_addresses(tree):
    """No mail address of a person"""
    pattern = r'[\w.+-]+@(?!example\.)[\w-]+\.(com|org|net|io|de)\b'
    for name, number, match in tree.grep(pattern, tree.files):
        yield f'{name}:{number}: "{match.group(0)}"'


CHECKS = [unfinished, places, mail_addresses]
