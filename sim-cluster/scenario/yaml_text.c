/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * yaml_text.c: problems as text with the line and a caret, scalars as YAML,
 * and the nearest of several words.
 */
#include "yaml_tree.h"

#include <string.h>

#define LINE_SHOWN_MAX 160
#define TEXT_SHOWN_MAX 1000
#define PROBLEMS_SHOWN_MAX 20u

/* ---- problems ---------------------------------------------------------- */

static void problem_free(YamlProblem *problem)
{
    g_free(problem->text);
    g_free(problem);
}

void yaml_problems_init(YamlProblems *p, const char *file, GBytes *bytes)
{
    p->list = g_ptr_array_new_with_free_func((GDestroyNotify)problem_free);
    p->file = g_intern_string(file);
    p->bytes = bytes ? g_bytes_ref(bytes) : NULL;
}

void yaml_problems_clear(YamlProblems *p)
{
    g_clear_pointer(&p->list, g_ptr_array_unref);
    g_clear_pointer(&p->bytes, g_bytes_unref);
}

void yaml_problem(YamlProblems *p, YamlMark mark, const char *format, ...)
{
    YamlProblem *problem = g_new0(YamlProblem, 1);
    va_list args;

    va_start(args, format);
    problem->text = g_strdup_vprintf(format, args);
    va_end(args);
    problem->mark = mark;
    g_ptr_array_add(p->list, problem);
}

/* Line @number (from 1) of @bytes, without its end; NULL past the last. */
static char *line_of(GBytes *bytes, unsigned number)
{
    size_t len;
    const char *text = g_bytes_get_data(bytes, &len);
    const char *end = text + len;

    for (unsigned i = 1; i < number; i++) {
        text = memchr(text, '\n', (size_t)(end - text));
        if (!text) {
            return NULL;
        }
        text++;
    }
    for (len = 0; text + len < end && text[len] != '\n' && text[len] != '\r';) {
        len++;
    }
    return g_strndup(text, len);
}

/* Shows what a terminal can show; one column stays one column. */
static void append_line(GString *out, const char *line, unsigned col)
{
    g_autofree char *valid = g_utf8_make_valid(line, -1);
    GString *caret = g_string_new(NULL);
    unsigned at = 1;

    g_string_append(out, "\n  ");
    for (const char *c = valid; *c && at < LINE_SHOWN_MAX;
         c = g_utf8_next_char(c), at++) {
        gunichar u = g_utf8_get_char(c);

        if (u == '\t') {
            g_string_append_c(out, '\t');
        } else {
            g_string_append_unichar(out, g_unichar_isprint(u) ? u : '?');
        }
        if (at < col) {
            g_string_append_c(caret, u == '\t' ? '\t' : ' ');
        }
    }
    if (col <= LINE_SHOWN_MAX) {
        g_string_append_printf(out, "\n  %s^", caret->str);
    }
    g_string_free(caret, TRUE);
}

/* One line: what a file says is repeated, but does not move the cursor. */
static void append_text(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    unsigned at = 0;

    for (const char *c = valid; *c; c = g_utf8_next_char(c)) {
        gunichar u = g_utf8_get_char(c);

        if (++at > TEXT_SHOWN_MAX) {
            g_string_append(out, " ...");
            return;
        }
        g_string_append_unichar(out, g_unichar_isprint(u) ? u : '?');
    }
}

char *yaml_message(const char *file, GBytes *bytes, YamlMark mark,
                   const char *text)
{
    GString *out = g_string_new(mark.source);
    g_autofree char *line = NULL;

    if (mark.line) {
        g_string_append_printf(out, ":%u:%u", mark.line, mark.col);
    }
    g_string_append(out, ": ");
    append_text(out, text);
    if (mark.line && bytes && !g_strcmp0(mark.source, file)) {
        line = line_of(bytes, mark.line);
    }
    if (line) {
        append_line(out, line, mark.col);
    }
    return g_string_free(out, FALSE);
}

static int by_place(const void *a, const void *b)
{
    const YamlProblem *x = *(YamlProblem *const *)a;
    const YamlProblem *y = *(YamlProblem *const *)b;

    if (x->mark.line != y->mark.line) {
        return x->mark.line < y->mark.line ? -1 : 1;
    }
    return x->mark.col < y->mark.col ? -1 : x->mark.col > y->mark.col;
}

char *yaml_problems_text(const YamlProblems *p)
{
    GString *out = g_string_new(NULL);
    g_autoptr(GPtrArray) sorted = g_ptr_array_copy(p->list, NULL, NULL);
    const char *last = NULL;

    g_ptr_array_set_free_func(sorted, NULL);
    g_ptr_array_sort(sorted, by_place); /* a stable merge sort */
    for (unsigned i = 0; i < sorted->len; i++) {
        const YamlProblem *problem = sorted->pdata[i];
        g_autofree char *text = NULL;

        if (i == PROBLEMS_SHOWN_MAX) {
            g_string_append_printf(out, "\n... and %u more",
                                   sorted->len - PROBLEMS_SHOWN_MAX);
            break;
        }
        text = yaml_message(p->file, p->bytes, problem->mark, problem->text);
        if (g_strcmp0(text, last) != 0) {
            g_string_append_printf(out, "%s%s", out->len ? "\n" : "", text);
        }
        last = out->str + out->len - strlen(text);
    }
    return g_string_free(out, FALSE);
}

/* ---- scalars ------------------------------------------------------------ */

static bool plain_is_safe(const char *text)
{
    static const char *const words[] = { "yes", "no", "on",   "off", "y",
                                         "n",   "~",  "null", NULL };

    if (!*text || strchr(" -?:,[]{}#&*!|>'\"%@`", text[0]) ||
        g_str_has_suffix(text, " ") || g_str_has_suffix(text, ":") ||
        strstr(text, ": ") || strstr(text, " #") ||
        strpbrk(text, "[]{},\"'\\\t\n\r")) {
        return false;
    }
    for (unsigned i = 0; words[i]; i++) {
        if (!g_ascii_strcasecmp(text, words[i])) {
            return false;
        }
    }
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f) {
            return false;
        }
    }
    return true;
}

/* YAML 1.1 sees an end of line in these, too. */
static bool is_break(gunichar u)
{
    return u == 0x85 || u == 0x2028 || u == 0x2029;
}

/* Several lines, each printable and not led by a blank. */
static bool block_is_safe(const char *text)
{
    if (!strchr(text, '\n') || strchr(" \t\n", text[0]) ||
        !g_utf8_validate(text, -1, NULL)) {
        return false;
    }
    for (const char *c = text; *c; c = g_utf8_next_char(c)) {
        gunichar u = g_utf8_get_char(c);

        if (u != '\n' && u != '\t' && (!g_unichar_isprint(u) || is_break(u))) {
            return false;
        }
    }
    return true;
}

static void write_block(GString *out, const char *text, int indent)
{
    size_t len = strlen(text);
    g_auto(GStrv) lines = NULL;
    unsigned count;

    /* The end of the block: no newline (-), one (clip), or more (+). */
    g_string_append(out, text[len - 1] != '\n'              ? "|-"
                         : len > 1 && text[len - 2] == '\n' ? "|+"
                                                            : "|");
    lines = g_strsplit(text, "\n", -1);
    count = g_strv_length(lines);
    if (text[len - 1] == '\n') {
        count--;
    }
    for (unsigned i = 0; i < count; i++) {
        g_string_append_printf(out, "\n%*s%s", lines[i][0] ? indent : 0, "",
                               lines[i]);
    }
}

/* One character inside double quotes. */
static void write_escaped(GString *out, gunichar u)
{
    switch (u) {
    case '"':
    case '\\':
        g_string_append_printf(out, "\\%c", (char)u);
        break;
    case '\n':
        g_string_append(out, "\\n");
        break;
    case '\t':
        g_string_append(out, "\\t");
        break;
    default:
        if (u != ' ' && (!g_unichar_isgraph(u) || is_break(u))) {
            g_string_append_printf(out, "\\U%08x", u);
        } else {
            g_string_append_unichar(out, u);
        }
    }
}

void yaml_write_scalar(GString *out, const char *text, int indent)
{
    if (plain_is_safe(text)) {
        g_string_append(out, text);
        return;
    }
    if (indent >= 0 && block_is_safe(text)) {
        write_block(out, text, indent);
        return;
    }
    g_string_append_c(out, '"');
    for (const char *c = text; *c; c = g_utf8_next_char(c)) {
        write_escaped(out, g_utf8_get_char(c));
    }
    g_string_append_c(out, '"');
}

/* ---- near words --------------------------------------------------------- */

#define WORD_MAX 64u

/* Edit distance with swaps of neighbours counted as one. */
static unsigned distance(const char *a, const char *b)
{
    unsigned la = strlen(a), lb = strlen(b);
    unsigned rows[3][WORD_MAX + 1];
    unsigned *prev2 = rows[0], *prev = rows[1], *row = rows[2];

    if (la > WORD_MAX || lb > WORD_MAX) {
        return UINT_MAX;
    }
    for (unsigned j = 0; j <= lb; j++) {
        prev[j] = j;
    }
    for (unsigned i = 1; i <= la; i++) {
        unsigned *rotate = prev2;

        row[0] = i;
        for (unsigned j = 1; j <= lb; j++) {
            unsigned cost = a[i - 1] != b[j - 1];

            row[j] = MIN(MIN(prev[j], row[j - 1]) + 1, prev[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1]) {
                row[j] = MIN(row[j], prev2[j - 2] + 1);
            }
        }
        prev2 = prev;
        prev = row;
        row = rotate;
    }
    return prev[lb];
}

const char *yaml_nearest(const char *word, const char *const *names)
{
    unsigned best = MAX(1u, (unsigned)strlen(word) / 3) + 1;
    const char *nearest = NULL;

    for (unsigned i = 0; names[i]; i++) {
        unsigned d = distance(word, names[i]);

        if (d < best) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
