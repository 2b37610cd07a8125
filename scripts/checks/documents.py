# SPDX-License-Identifier: GPL-2.0-or-later
"""What people can name is documented."""
import json
import os
import re
import subprocess

from .tree import Skip, line_of, tool

SCHEMA = 'docs/scenario.schema.json'
CLI = 'meson/sim-cluster/outrigger'


def text_of(tree, *names):
    files = [f for f in tree.files if f.endswith('.md')
             and f.startswith(names)]
    return '\n'.join(tree.text(f) for f in files)


def named(text, word):
    return re.search(rf'(?<![\w-]){re.escape(word)}(?![\w-])', text)


def properties(tree):
    """Each property of a QEMU object or device stands in docs/"""
    docs = text_of(tree, 'docs/devices/', 'docs/control-plane.md')
    pattern = (r'\bDEFINE_PROP_\w+\(\s*"([\w-]+)"|'
               r'\bobject_class_property_add(?:_\w+)?\(\s*\w+,\s*"([\w-]+)"')
    for name in [f for f in tree.files if f.endswith('_qemu.c')]:
        text = tree.text(name)
        for match in re.finditer(pattern, text):
            prop = match.group(1) or match.group(2)
            if not named(docs, prop):
                yield (f'{name}:{line_of(text, match.start())}: property '
                       f'"{prop}" is in no page of docs/')


def qmp(tree):
    """Each QMP command and event stands in docs/"""
    docs = text_of(tree, 'docs/')
    for name, number, match in tree.grep(
            r"'(?:command|event)': *'([\w-]+)'",
            [f for f in tree.files if f.endswith('qapi/outrigger.json')]):
        if not named(docs, match.group(1)):
            yield f'{name}:{number}: {match.group(1)} is in no page of docs/'


def metric_names(tree, name):
    """Names in metrics_table.c, after the preprocessor has had it."""
    flags = subprocess.run(
        [tool('pkg-config'), '--cflags', 'glib-2.0'],
        capture_output=True, text=True, check=False).stdout.split()
    done = subprocess.run(
        [tool('cc'), '-E', '-P', *flags, tree.path(name)],
        capture_output=True, text=True, check=False)
    for match in re.finditer(r'\{\s*METRIC_OF_\w+,((?:\s*"\w*")+)\s*,',
                             done.stdout):
        yield ''.join(re.findall(r'"(\w*)"', match.group(1)))


def metrics(tree):
    """Each metric stands in docs/"""
    name = 'sim-cluster/scenario/metrics_table.c'
    if not tree.exists(name):
        raise Skip(f'there is no {name}')
    docs = text_of(tree, 'docs/')
    rows = set(metric_names(tree, name))
    if not rows:
        yield f'{name}:1: no metric was recognised'
    for metric in rows:
        if not named(docs, metric):
            yield f'{name}:1: metric {metric} is in no page of docs/'


def event_kinds(tree):
    """Each kind of event stands in docs/run-directory.md"""
    docs = text_of(tree, 'docs/run-directory.md')
    patterns = (r'^ *\[CARD_EV_\w+\] = \{ "([\w-]+)"',
                r'\bevent_log_begin\([^;]*?"([a-z-]+)"')
    for name in tree.c_files('sim-cluster/'):
        text = tree.text(name)
        for pattern in patterns:
            for match in re.finditer(pattern, text, re.M):
                if f'`{match.group(1)}`' not in docs:
                    yield (f'{name}:{line_of(text, match.start())}: event '
                           f'"{match.group(1)}" is not in '
                           'docs/run-directory.md')


def trace_events(tree):
    """Each QEMU trace event is used by the file it is named after"""
    sources = {os.path.basename(f): tree.text(f)
               for f in tree.c_files('hw/', 'qemu/tree/')}
    for name in [f for f in tree.files if f.endswith('/trace-events')]:
        for number, line in enumerate(tree.lines(name), 1):
            match = re.match(r'(\w+)\(', line)
            if match and not any(f'trace_{match.group(1)}(' in text
                                 for text in sources.values()):
                yield f'{name}:{number}: {match.group(1)} is never traced'


def command_line(tree):
    build = os.environ.get('OUTRIGGER_BUILD', tree.path('build'))
    program = os.path.join(build, CLI)
    if not os.access(program, os.X_OK):
        raise Skip('the command line is not built; run ./outrigger setup')
    # One from before the last pull would say what was true then.
    meson = os.path.join(build, 'meson')
    if os.path.exists(os.path.join(meson, 'build.ninja')):
        done = subprocess.run([tool('ninja'), '-C', meson,
                               os.path.relpath(program, meson)], text=True,
                              capture_output=True, check=False)
        if done.returncode != 0:
            raise Skip('the command line does not build; run ./outrigger '
                       'setup')
    return program


def schema(tree):
    """docs/scenario.schema.json is what the parser's tables give"""
    program = command_line(tree)
    done = subprocess.run([program, 'schema'], text=True,
                          capture_output=True, check=False,
                          cwd=tree.root, timeout=20)
    if done.returncode != 0:
        yield (f'{SCHEMA}:1: `outrigger schema` exits '
               f'{done.returncode}: {done.stderr.strip()[:200]}')
        return
    if not tree.exists(SCHEMA):
        yield f'{SCHEMA}:1: missing; outrigger schema > {SCHEMA}'
        return
    built, kept = json.loads(done.stdout), json.loads(tree.text(SCHEMA))
    if built != kept:
        yield f'{SCHEMA}:1: not up to date; outrigger schema > {SCHEMA}'


def profiles(tree):
    """Each constant of a timing profile names its source or says choice"""
    for name in [f for f in tree.files if f.endswith('.profile')]:
        explained = False
        for number, line in enumerate(tree.lines(name), 1):
            if re.match(r'#\s*(source|choice|fitted|derived)\b', line, re.I):
                explained = True
            elif not line.strip() or line.startswith('['):
                explained = line.startswith('[profile]')
            elif '=' in line and not line.startswith('#') and not explained:
                yield (f'{name}:{number}: {line.split("=")[0].strip()}: no '
                       '"# source:" or "# choice:" above it')


def links(tree):
    """Relative links of the pages lead to files"""
    for name, number, match in tree.grep(
            r'\]\((?!\w+:|#)([^)\s#]+)(#[\w-]*)?\)',
            [f for f in tree.files if f.endswith('.md')]):
        target = os.path.normpath(os.path.join(os.path.dirname(name),
                                               match.group(1)))
        if not tree.exists(target):
            yield f'{name}:{number}: {match.group(1)} does not exist'


CHECKS = [properties, qmp, metrics, event_kinds, trace_events, schema,
          profiles, links]
