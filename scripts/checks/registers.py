# SPDX-License-Identifier: GPL-2.0-or-later
"""Register maps: offsets and fields do not overlap.

What is read (hw/*/ headers and tables):
    enum { NVME_REG_CC = 0x14, ... };              offsets
    { "CC", NVME_REG_CC, 4, get, set },            rows: name, offset, size
    /* CC, section 3.1.5 */                        fields of one register:
    #define NVME_CC_EN 0x1u                          a mask
    #define NVME_CC_MPS(cc) ((cc) >> 7 & 0xf)        shift and mask
    #define NVME_CC_WRITABLE 0x00fffff1u             all fields together
    #define NVME_CSTS_SHST_MASK 0xcu                 a field; _SHST_X values
Also REG32(NAME, OFFSET) and FIELD(REG, NAME, SHIFT, LENGTH).
"""
import re

from .tree import line_of, without_comments

DEFINE = re.compile(
    r'^#define (\w+?)_(\w+?)(\(\w+\))?[ \t]+(.+?)[ \t]*$', re.M)


def number(text):
    match = re.fullmatch(r'\(?\s*(0x[0-9a-fA-F]+|\d+)[uUlL]*\s*\)?', text)
    return int(match.group(1), 0) if match else None


def mask_of(value):
    """Bits that a field macro takes; None when it is no field."""
    shifted = re.fullmatch(
        r'\(*\s*\(?\w+\)?\s*>>\s*(\d+)\)?\s*&\s*(0x[0-9a-fA-F]+|\d+)[uUlL]*\)*',
        value)
    if shifted:
        return int(shifted.group(2), 0) << int(shifted.group(1))
    return number(value)


def field_groups(text):
    """(register, [(field, line, mask)]) after each '/* REG, section' line."""
    heads = re.compile(r'/\* ([A-Z]\w*), (?:section|figure|table) [\d.]+',
                       re.I)
    raw = text.splitlines()
    for start, line in enumerate(raw):
        head = heads.match(line.strip())
        if not head:
            continue
        register, fields = head.group(1), []
        for offset, row in enumerate(raw[start + 1:], start + 2):
            if not row.strip():
                break
            row = re.sub(r'/\*.*?\*/', '', row).rstrip()
            match = re.match(rf'#define \w+?_{register}_(\w+?)(\(\w+\))?\s+'
                             r'(.+)$', row)
            mask = mask_of(match.group(3)) if match else None
            if mask is not None:
                fields.append((match.group(1), offset, mask))
        if fields:
            yield register, fields


def check_group(name, register, fields):
    masks = {field[:-len('_MASK')] for field, _, _ in fields
             if field.endswith('_MASK')}
    values = dict((f, m) for f, _, m in fields)
    taken, used = {}, 0
    for field, line, mask in fields:
        parent = next((p for p in masks if field.startswith(p + '_')
                       and not field.endswith('_MASK')), None)
        if parent:
            if mask & ~values[parent + '_MASK']:
                yield f'{name}:{line}: {register}.{field} is outside of its mask'
        elif field != 'WRITABLE':
            for other, bits in taken.items():
                if bits & mask:
                    yield (f'{name}:{line}: {register}.{field} overlaps '
                           f'{register}.{other}')
            taken[field] = mask
            used |= mask
    if 'WRITABLE' in values and values['WRITABLE'] & ~used:
        line = next(ln for f, ln, _ in fields if f == 'WRITABLE')
        yield (f'{name}:{line}: {register} has writable bits that belong to '
               f'no field: {values["WRITABLE"] & ~used:#x}')


def check_reg32(name, text):
    """REG32/FIELD tables in the style of registerfields.h."""
    fields = {}
    for match in re.finditer(
            r'\bFIELD\(\s*(\w+)\s*,\s*(\w+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)',
            text):
        register, field = match.group(1), match.group(2)
        mask = ((1 << int(match.group(4))) - 1) << int(match.group(3))
        line = line_of(text, match.start())
        for other, bits in fields.setdefault(register, {}).items():
            if bits & mask:
                yield (f'{name}:{line}: {register}.{field} overlaps '
                       f'{register}.{other}')
        if mask >> 64:
            yield f'{name}:{line}: {register}.{field} is beyond bit 63'
        fields[register][field] = mask
    yield from check_offsets(name, [
        (m.group(2), int(m.group(3), 0), int(m.group(1)) // 8,
         line_of(text, m.start()))
        for m in re.finditer(
            r'\bREG(8|16|32|64)\(\s*(\w+)\s*,\s*(0x[0-9a-fA-F]+|\d+)\s*\)',
            text)])


def check_offsets(name, rows):
    """rows: (register, offset, bytes, line)"""
    rows = sorted(rows, key=lambda row: row[1])
    for before, after in zip(rows, rows[1:]):
        if before[1] + before[2] > after[1]:
            yield (f'{name}:{after[3]}: {after[0]} at {after[1]:#x} overlaps '
                   f'{before[0]}, {before[2]} bytes at {before[1]:#x}')
    for register, offset, size, line in rows:
        if size and offset % min(size, 8):
            yield (f'{name}:{line}: {register} at {offset:#x} is not aligned '
                   f'to its {size} bytes')


def registers(tree):
    """Register offsets and fields do not overlap"""
    offsets, places, found = {}, {}, False
    files = tree.c_files('hw/')
    for name in files:
        text = without_comments(tree.text(name))
        for match in re.finditer(r'\b(\w+_REG_\w+) = (0x[0-9a-fA-F]+|\d+)',
                                 text):
            offsets[match.group(1)] = int(match.group(2), 0)
            places[match.group(1)] = (name, line_of(text, match.start()))
            found = True
    rows_of = {}
    for name in files:
        text = tree.text(name)
        rows = [(m.group(1), offsets[m.group(2)], int(m.group(3)),
                 line_of(text, m.start()))
                for m in re.finditer(
                    r'\{\s*"(\w+)",\s*(\w+_REG_\w+),\s*(\d+),', text)
                if m.group(2) in offsets]
        rows_of[name] = rows
        yield from check_offsets(name, rows)
        yield from check_reg32(name, without_comments(text))
        for register, fields in field_groups(text):
            found = True
            yield from check_group(name, register, fields)
    known = {offset for rows in rows_of.values() for _, offset, _, _ in rows}
    for register, offset in offsets.items():
        if known and offset not in known and offset < 0x1000:
            name, line = places[register]
            yield f'{name}:{line}: {register} has no row in a register table'
    if tree.exists('hw/offload') and not found:
        yield 'hw/offload:1: no register map was recognised'


CHECKS = [registers]
