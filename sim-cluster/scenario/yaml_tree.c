/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * yaml_tree.c: libyaml's events to a tree; the strict subset is kept here.
 */
#include "yaml_tree.h"

#include <string.h>
#include <yaml.h>

#define MAX_DEPTH 24u
#define MAX_NODES 100000u

typedef struct Reader {
    yaml_parser_t parser;
    YamlProblems *problems;
    YamlMark fixed; /* source NULL: marks come from the parser */
    unsigned nodes;
    bool failed;
} Reader;

YamlNode *yaml_node_new(YamlKind kind, YamlMark mark)
{
    YamlNode *node = g_new0(YamlNode, 1);

    node->kind = kind;
    node->mark = mark;
    if (kind == YAML_MAPPING) {
        node->keys =
            g_ptr_array_new_with_free_func((GDestroyNotify)yaml_node_free);
    }
    if (kind != YAML_SCALAR) {
        node->items =
            g_ptr_array_new_with_free_func((GDestroyNotify)yaml_node_free);
    }
    return node;
}

YamlNode *yaml_scalar_new(const char *text, YamlMark mark)
{
    YamlNode *node = yaml_node_new(YAML_SCALAR, mark);

    node->text = g_strdup(text);
    return node;
}

void yaml_node_free(YamlNode *node)
{
    if (node) {
        g_clear_pointer(&node->keys, g_ptr_array_unref);
        g_clear_pointer(&node->items, g_ptr_array_unref);
        g_free(node->text);
        g_free(node);
    }
}

YamlNode *yaml_node_copy(const YamlNode *node)
{
    YamlNode *copy = yaml_node_new(node->kind, node->mark);

    copy->text = g_strdup(node->text);
    copy->quoted = node->quoted;
    for (unsigned i = 0; node->keys && i < node->keys->len; i++) {
        g_ptr_array_add(copy->keys, yaml_node_copy(node->keys->pdata[i]));
    }
    for (unsigned i = 0; node->items && i < node->items->len; i++) {
        g_ptr_array_add(copy->items, yaml_node_copy(node->items->pdata[i]));
    }
    return copy;
}

static int find_key(const YamlNode *mapping, const char *key)
{
    for (unsigned i = 0; i < mapping->keys->len; i++) {
        const YamlNode *k = mapping->keys->pdata[i];

        if (!strcmp(k->text, key)) {
            return (int)i;
        }
    }
    return -1;
}

YamlNode *yaml_get(const YamlNode *mapping, const char *key)
{
    int i = find_key(mapping, key);

    return i < 0 ? NULL : mapping->items->pdata[i];
}

YamlNode *yaml_get_key(const YamlNode *mapping, const char *key)
{
    int i = find_key(mapping, key);

    return i < 0 ? NULL : mapping->keys->pdata[i];
}

void yaml_put(YamlNode *mapping, const char *key, YamlNode *value)
{
    int i = find_key(mapping, key);

    if (i < 0) {
        g_ptr_array_add(mapping->keys, yaml_scalar_new(key, value->mark));
        g_ptr_array_add(mapping->items, value);
        return;
    }
    yaml_node_free(mapping->items->pdata[i]);
    mapping->items->pdata[i] = value;
    ((YamlNode *)mapping->keys->pdata[i])->mark = value->mark;
}

void yaml_remove(YamlNode *mapping, const char *key)
{
    int i = find_key(mapping, key);

    if (i >= 0) {
        g_ptr_array_remove_index(mapping->keys, (guint)i);
        g_ptr_array_remove_index(mapping->items, (guint)i);
    }
}

/* ---- reading ------------------------------------------------------------ */

static YamlMark mark_of(const Reader *r, const yaml_mark_t *m)
{
    if (r->fixed.source) {
        return r->fixed;
    }
    return (YamlMark){ r->problems->file, (unsigned)m->line + 1,
                       (unsigned)m->column + 1 };
}

static bool next_event(Reader *r, yaml_event_t *event)
{
    YamlMark mark;

    if (yaml_parser_parse(&r->parser, event)) {
        return true;
    }
    mark = mark_of(r, &r->parser.problem_mark);
    if (r->parser.context) {
        yaml_problem(r->problems, mark, "%s, %s",
                     r->parser.problem ? r->parser.problem : "not YAML",
                     r->parser.context);
    } else {
        yaml_problem(r->problems, mark, "%s",
                     r->parser.problem ? r->parser.problem : "not YAML");
    }
    r->failed = true;
    return false;
}

static void refuse_properties(Reader *r, YamlMark mark, const void *anchor,
                              const void *tag)
{
    if (anchor) {
        yaml_problem(r->problems, mark,
                     "anchors and aliases are not part of the scenario "
                     "language; write the value out");
    }
    if (tag) {
        yaml_problem(r->problems, mark,
                     "tags are not part of the scenario language; remove it");
    }
}

static bool is_yaml11_word(const char *text)
{
    static const char *const words[] = { "yes", "no", "on", "off",
                                         "y",   "n",  NULL };

    for (unsigned i = 0; words[i]; i++) {
        if (!g_ascii_strcasecmp(text, words[i])) {
            return true;
        }
    }
    return false;
}

static YamlNode *read_scalar(Reader *r, const yaml_event_t *event)
{
    YamlMark mark = mark_of(r, &event->start_mark);
    const char *text = (const char *)event->data.scalar.value;
    YamlNode *node = yaml_node_new(YAML_SCALAR, mark);

    refuse_properties(r, mark, event->data.scalar.anchor,
                      event->data.scalar.tag);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = g_strndup(text, event->data.scalar.length);
    if (strlen(node->text) != event->data.scalar.length) {
        yaml_problem(r->problems, mark, "a NUL character in a text");
    } else if (!node->quoted && is_yaml11_word(text)) {
        yaml_problem(r->problems, mark,
                     "'%s' means different things to different readers of "
                     "YAML; write true, false, or quotes around it",
                     text);
    } else if (!node->quoted && (!*text || !strcmp(text, "~") ||
                                 !g_ascii_strcasecmp(text, "null"))) {
        yaml_problem(r->problems, mark, "a value is missing here");
    }
    return node;
}

static YamlNode *read_node(Reader *r, yaml_event_t *event, unsigned depth);

/* False: @end, or a failure. */
static bool next_until(Reader *r, yaml_event_type_t end, yaml_event_t *event)
{
    if (r->failed || !next_event(r, event)) {
        return false;
    }
    if (event->type == end) {
        yaml_event_delete(event);
        return false;
    }
    return true;
}

static void read_sequence(Reader *r, YamlNode *node, unsigned depth)
{
    yaml_event_t event;

    while (next_until(r, YAML_SEQUENCE_END_EVENT, &event)) {
        YamlNode *item = read_node(r, &event, depth + 1);

        if (item) {
            g_ptr_array_add(node->items, item);
        }
    }
}

static void add_pair(Reader *r, YamlNode *node, YamlNode *key, YamlNode *value)
{
    YamlNode *first;

    if (!key || !value) {
        yaml_node_free(key);
        yaml_node_free(value);
        return;
    }
    if (key->kind != YAML_SCALAR) {
        yaml_problem(r->problems, key->mark, "a key must be a plain word");
        yaml_node_free(key);
        yaml_node_free(value);
        return;
    }
    first = yaml_get_key(node, key->text);
    if (first) {
        yaml_problem(r->problems, key->mark,
                     "duplicate key '%s'; the first is at line %u", key->text,
                     first->mark.line);
        yaml_node_free(key);
        yaml_node_free(value);
        return;
    }
    g_ptr_array_add(node->keys, key);
    g_ptr_array_add(node->items, value);
}

static void read_mapping(Reader *r, YamlNode *node, unsigned depth)
{
    yaml_event_t event;

    while (next_until(r, YAML_MAPPING_END_EVENT, &event)) {
        YamlNode *key = read_node(r, &event, depth + 1);

        if (r->failed || !next_event(r, &event)) {
            yaml_node_free(key);
            return;
        }
        add_pair(r, node, key, read_node(r, &event, depth + 1));
    }
}

/* Consumes @event and all that belongs to it. NULL after a problem. */
static YamlNode *read_node(Reader *r, yaml_event_t *event, unsigned depth)
{
    YamlMark mark = mark_of(r, &event->start_mark);
    YamlNode *node = NULL;

    if (depth > MAX_DEPTH || ++r->nodes > MAX_NODES) {
        yaml_problem(r->problems, mark, "nested too deeply or too large");
        r->failed = true;
        yaml_event_delete(event);
        return NULL;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        node = read_scalar(r, event);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_properties(r, mark, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
        node = yaml_node_new(YAML_MAPPING, mark);
        read_mapping(r, node, depth);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_properties(r, mark, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
        node = yaml_node_new(YAML_SEQUENCE, mark);
        read_sequence(r, node, depth);
        break;
    case YAML_ALIAS_EVENT:
        refuse_properties(r, mark, "alias", NULL);
        break;
    default:
        yaml_problem(r->problems, mark, "a value is missing here");
        r->failed = true;
        break;
    }
    yaml_event_delete(event);
    return node;
}

/* A document has started: its root, and nothing after it. */
static YamlNode *read_document(Reader *r, const yaml_event_t *start)
{
    yaml_event_t event;
    YamlNode *root;

    if (start->data.document_start.version_directive ||
        start->data.document_start.tag_directives.start !=
            start->data.document_start.tag_directives.end) {
        yaml_problem(r->problems, mark_of(r, &start->start_mark),
                     "YAML directives are not part of the scenario language");
    }
    if (!next_event(r, &event)) {
        return NULL;
    }
    root = read_node(r, &event, 0);
    if (!r->failed && next_event(r, &event)) { /* the document's end */
        yaml_event_delete(&event);
    }
    if (!r->failed && next_event(r, &event)) {
        if (event.type != YAML_STREAM_END_EVENT) {
            yaml_problem(r->problems, mark_of(r, &event.start_mark),
                         "a scenario file holds one document; a second "
                         "starts here");
        }
        yaml_event_delete(&event);
    }
    return root;
}

static YamlNode *read_text(const char *text, size_t len, YamlMark fixed,
                           YamlProblems *p)
{
    Reader r = { .problems = p, .fixed = fixed };
    YamlNode *root = NULL;
    yaml_event_t event;

    if (!yaml_parser_initialize(&r.parser)) {
        g_error("libyaml: out of memory");
    }
    yaml_parser_set_input_string(&r.parser,
                                 (const unsigned char *)(len ? text : ""), len);
    while (!r.failed && next_event(&r, &event)) {
        yaml_event_type_t type = event.type;

        if (type == YAML_DOCUMENT_START_EVENT) {
            root = read_document(&r, &event);
        } else if (type == YAML_STREAM_END_EVENT) {
            yaml_problem(p, mark_of(&r, &event.start_mark), "nothing in it");
        }
        yaml_event_delete(&event);
        if (type != YAML_STREAM_START_EVENT) {
            break;
        }
    }
    yaml_parser_delete(&r.parser);
    return root;
}

YamlNode *yaml_tree_read(YamlProblems *p)
{
    size_t len;
    const char *text = g_bytes_get_data(p->bytes, &len), *end;
    YamlMark mark = { p->file, 1, 1 };

    if (!g_utf8_validate_len(text, len, &end)) {
        for (const char *c = text; c < end; c = g_utf8_next_char(c)) {
            mark.line += *c == '\n';
            mark.col = *c == '\n' ? 1 : mark.col + 1;
        }
        yaml_problem(p, mark, "not UTF-8 text");
        return NULL;
    }
    return read_text(text, len, (YamlMark){ NULL, 0, 0 }, p);
}

YamlNode *yaml_tree_read_value(const char *text, YamlMark mark, YamlProblems *p)
{
    YamlNode *node;

    if (!*text) {
        node = yaml_scalar_new("", mark);
        node->quoted = true;
        return node;
    }
    if (!g_utf8_validate(text, -1, NULL)) {
        yaml_problem(p, mark, "not UTF-8 text");
        return NULL;
    }
    return read_text(text, strlen(text), mark, p);
}
