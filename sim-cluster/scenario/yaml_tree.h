/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * yaml_tree.h: one YAML document as a tree of marked nodes, and the list of
 * problems found in it.
 *
 * The subset: block and flow mappings, sequences and scalars, in UTF-8. Keys
 * are scalars. Aliases, anchors, tags, more than one document, duplicate keys
 * and the words that YAML 1.1 reads as booleans (yes no on off y n) or as
 * null are errors with their place. Every scalar is text until a typed reader
 * asks for more.
 */
#ifndef OUTRIGGER_YAML_TREE_H
#define OUTRIGGER_YAML_TREE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "yaml_mark.h"

typedef enum YamlKind { YAML_SCALAR, YAML_MAPPING, YAML_SEQUENCE } YamlKind;

typedef struct YamlNode {
    YamlKind kind;
    YamlMark mark;
    char *text;       /* SCALAR */
    bool quoted;      /* SCALAR: written in quotes or as a block */
    GPtrArray *keys;  /* MAPPING: YamlNode scalars, as many as ... */
    GPtrArray *items; /* MAPPING: values; SEQUENCE: items */
} YamlNode;

/* ---- problems ---------------------------------------------------------- */

typedef struct YamlProblem {
    YamlMark mark;
    char *text;
} YamlProblem;

/* Collects problems of one document. */
typedef struct YamlProblems {
    GPtrArray *list;  /* YamlProblem */
    const char *file; /* interned; marks with this source have a line */
    GBytes *bytes;    /* the document, for the line under a message */
} YamlProblems;

/* Takes a reference of @bytes (may be NULL). */
void yaml_problems_init(YamlProblems *p, const char *file, GBytes *bytes);
void yaml_problems_clear(YamlProblems *p);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(YamlProblems, yaml_problems_clear)

void yaml_problem(YamlProblems *p, YamlMark mark, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* All of them, in the order of the file: "file:line:col: text", the line and
 * a caret. Caller frees. */
char *yaml_problems_text(const YamlProblems *p);
/* The same for one message. */
char *yaml_message(const char *file, GBytes *bytes, YamlMark mark,
                   const char *text);

/* ---- reading and changing ---------------------------------------------- */

/*
 * Reads the document in @bytes. NULL when it cannot be read at all; problems
 * that leave a tree behind (duplicate keys ...) return the tree as well. In
 * either case they are in @p. Marks get @p->file as source.
 */
YamlNode *yaml_tree_read(YamlProblems *p);
/*
 * Reads one value given on a command line or inside another document: all
 * its nodes get @mark. An empty @text is an empty, quoted scalar.
 */
YamlNode *yaml_tree_read_value(const char *text, YamlMark mark,
                               YamlProblems *p);
YamlNode *yaml_node_new(YamlKind kind, YamlMark mark);
YamlNode *yaml_scalar_new(const char *text, YamlMark mark);
YamlNode *yaml_node_copy(const YamlNode *node);
void yaml_node_free(YamlNode *node); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(YamlNode, yaml_node_free)

/* Value of @key in a mapping; NULL when there is none. */
YamlNode *yaml_get(const YamlNode *mapping, const char *key);
/* The key's own node, for its mark. */
YamlNode *yaml_get_key(const YamlNode *mapping, const char *key);
/* Replaces or appends; takes @value. */
void yaml_put(YamlNode *mapping, const char *key, YamlNode *value);
void yaml_remove(YamlNode *mapping, const char *key);

/* ---- writing ----------------------------------------------------------- */

/* @text as a scalar that reads back the same: plain, in double quotes, or
 * with @indent >= 0 as a literal block for several lines. */
void yaml_write_scalar(GString *out, const char *text, int indent);

/* "did you mean 'x'?": the nearest of @names (NULL-terminated) to @word when
 * it is near enough, else NULL. */
const char *yaml_nearest(const char *word, const char *const *names);

#endif
