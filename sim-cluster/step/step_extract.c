/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_extract.c: values out of a command's output, by regular expression or
 * JSON pointer (RFC 6901).
 */
#include "step_extract.h"

#include <string.h>

#include <json-glib/json-glib.h>

G_DEFINE_QUARK(outrigger - step - extract - error - quark, step_extract_error)

static bool no_match(GError **error, const char *what)
{
    g_set_error(error, STEP_EXTRACT_ERROR, STEP_EXTRACT_NO_MATCH,
                "nothing in the output matches '%s'", what);
    return false;
}

/* ---- regular expressions ----------------------------------------------- */

static GRegex *compile(const char *what, GError **error)
{
    return g_regex_new(what, G_REGEX_MULTILINE, 0, error);
}

static char *by_regex(const char *what, const char *output, GError **error)
{
    g_autoptr(GRegex) regex = compile(what, error);
    g_autoptr(GMatchInfo) info = NULL;

    if (!regex) {
        return NULL;
    }
    if (!g_regex_match(regex, output, 0, &info)) {
        no_match(error, what);
        return NULL;
    }
    return g_match_info_fetch(info,
                              g_regex_get_capture_count(regex) > 0 ? 1 : 0);
}

static char *by_count(const char *what, const char *output, GError **error)
{
    g_autoptr(GRegex) regex = compile(what, error);
    g_autoptr(GMatchInfo) info = NULL;
    unsigned n = 0;

    if (!regex) {
        return NULL;
    }
    g_regex_match(regex, output, 0, &info);
    while (g_match_info_matches(info)) {
        n++;
        g_match_info_next(info, NULL);
    }
    return g_strdup_printf("%u", n);
}

/* ---- JSON pointers ----------------------------------------------------- */

/* "~1" is '/', "~0" is '~'. */
static char *unescape(const char *token)
{
    g_autoptr(GString) s = g_string_new(token);

    g_string_replace(s, "~1", "/", 0);
    g_string_replace(s, "~0", "~", 0);
    return g_strdup(s->str);
}

static JsonNode *descend(JsonNode *node, const char *token)
{
    g_autofree char *name = unescape(token);
    guint64 index;

    if (JSON_NODE_HOLDS_OBJECT(node)) {
        return json_object_get_member(json_node_get_object(node), name);
    }
    if (JSON_NODE_HOLDS_ARRAY(node) &&
        g_ascii_string_to_unsigned(name, 10, 0, G_MAXUINT, &index, NULL) &&
        index < json_array_get_length(json_node_get_array(node))) {
        return json_array_get_element(json_node_get_array(node), (guint)index);
    }
    return NULL;
}

static JsonNode *resolve(JsonNode *root, const char *pointer)
{
    g_auto(GStrv) tokens = g_strsplit(pointer, "/", -1);
    JsonNode *node = root;

    if (!tokens[0]) {
        return root; /* "": the whole document */
    }
    for (unsigned i = 1; node && tokens[i]; i++) {
        node = descend(node, tokens[i]);
    }
    return node;
}

static char *scalar_text(JsonNode *node)
{
    if (JSON_NODE_HOLDS_VALUE(node) &&
        json_node_get_value_type(node) == G_TYPE_STRING) {
        return json_node_dup_string(node);
    }
    return json_to_string(node, FALSE);
}

/* Warnings may stand before the document. */
static const char *document_start(const char *output)
{
    const char *p = strpbrk(output, "{[");

    return p ? p : output;
}

static char *by_pointer(const char *what, const char *output, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) local = NULL;
    JsonNode *root, *node;

    if (!json_parser_load_from_data(parser, document_start(output), -1,
                                    &local) ||
        !(root = json_parser_get_root(parser))) {
        g_set_error(error, STEP_EXTRACT_ERROR, STEP_EXTRACT_NO_JSON,
                    "the output is not JSON%s%s", local ? ": " : "",
                    local ? local->message : "");
        return NULL;
    }
    node = resolve(root, what);
    if (!node) {
        no_match(error, what);
        return NULL;
    }
    return scalar_text(node);
}

/* ---- values ------------------------------------------------------------ */

/* A fraction finer than the base unit is cut off: tools print more digits
 * than a count has. */
static void cut_fraction(Unit unit, char *text)
{
    char *dot = strchr(text, '.');

    if (unit == UNIT_COUNT && dot && dot != text &&
        strspn(dot + 1, "0123456789") == strlen(dot + 1)) {
        *dot = '\0';
    }
}

bool step_extract(const ScnExtract *e, const char *output, ScnValue *ret,
                  GError **error)
{
    g_autofree char *valid = g_utf8_make_valid(output, -1);
    g_autofree char *found = NULL;
    g_autofree char *text = NULL;
    GError *local = NULL;
    int64_t number;

    switch (e->kind) {
    case SCN_EXTRACT_REGEX:
        found = by_regex(e->what, valid, error);
        break;
    case SCN_EXTRACT_COUNT:
        found = by_count(e->what, valid, error);
        break;
    case SCN_EXTRACT_POINTER:
        found = by_pointer(e->what, valid, error);
        break;
    }
    if (!found) {
        return false;
    }
    if (e->unit == UNIT_TEXT) {
        *ret = (ScnValue){ .unit = UNIT_TEXT, .text = g_steal_pointer(&found) };
        return true;
    }
    g_strstrip(found);
    cut_fraction(e->unit, found);
    text = g_strconcat(found, e->suffix, NULL);
    if (!unit_parse(e->unit, text, &number, &local)) {
        g_set_error(error, STEP_EXTRACT_ERROR, STEP_EXTRACT_VALUE, "%s",
                    local->message);
        g_error_free(local);
        return false;
    }
    *ret = (ScnValue){ .unit = e->unit, .number = number };
    return true;
}
