/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * yaml_mark.h: a place in a text.
 */
#ifndef OUTRIGGER_YAML_MARK_H
#define OUTRIGGER_YAML_MARK_H

/* line and col count from 1, col in characters; line 0: no place in a text (a
 * default, or an override whose text is @source). */
typedef struct YamlMark {
    const char *source; /* file name or "--set PATH=VALUE"; interned */
    unsigned line, col;
} YamlMark;

#endif
