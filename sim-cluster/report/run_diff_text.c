/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_diff_text.c: the differences of two runs as a table for a terminal.
 */
#include <string.h>

#include "run_diff.h"

#define NAME_MAX_WIDTH 52
#define VALUE_MAX_WIDTH 26
#define CHANGE_WIDTH 14
#define GAP 2
#define HASH_LENGTH 64 /* SHA-256, hexadecimal */
#define HASH_SHOWN 12

typedef struct Widths {
    glong name, value[2];
} Widths;

static const char *text_of(const RunDiffRow *r, unsigned i)
{
    return r->text[i] ? r->text[i] : "-";
}

/* What stands in a value's column; of a hash its beginning. g_free(). */
static char *value_of(const RunDiffRow *r, unsigned i)
{
    const char *text = text_of(r, i);

    if (strlen(text) == HASH_LENGTH &&
        strspn(text, "0123456789abcdef") == HASH_LENGTH) {
        return g_strdup_printf("%.*s...", HASH_SHOWN, text);
    }
    return g_strdup_printf("%s%s", text, r->bad[i] ? " FAIL" : "");
}

static void measure(Widths *w, const GPtrArray *rows, bool all)
{
    for (guint i = 0; i < rows->len; i++) {
        const RunDiffRow *r = rows->pdata[i];

        if (!all && !r->differs) {
            continue;
        }
        w->name = MAX(w->name, g_utf8_strlen(r->name, -1));
        for (unsigned k = 0; k < 2; k++) {
            g_autofree char *text = value_of(r, k);

            w->value[k] = MAX(w->value[k], g_utf8_strlen(text, -1));
        }
    }
}

/* @text and blanks up to @width; longer text is kept and pushes on. */
static void column(GString *out, const char *text, glong width)
{
    glong len = g_utf8_strlen(text, -1);

    g_string_append(out, text);
    g_string_append_printf(out, "%*s", (int)(MAX(width - len, 0) + GAP), "");
}

static void end_line(GString *out)
{
    while (out->len && out->str[out->len - 1] == ' ') {
        g_string_truncate(out, out->len - 1);
    }
    g_string_append_c(out, '\n');
}

static void row(GString *out, const Widths *w, const RunDiffRow *r)
{
    column(out, r->differs ? "!" : " ", 1);
    column(out, r->name, w->name);
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *text = value_of(r, i);

        column(out, text, w->value[i]);
    }
    column(out, r->change, CHANGE_WIDTH);
    column(out, r->relative, 0);
    end_line(out);
}

static void section(GString *out, const Widths *w, const char *title,
                    const GPtrArray *rows, bool all)
{
    guint differ = run_diff_count(rows);

    if (!differ && (!all || !rows->len)) {
        return;
    }
    g_string_append_printf(out, "\n%s: %u of %u differ\n", title, differ,
                           rows->len);
    for (guint i = 0; i < rows->len; i++) {
        const RunDiffRow *r = rows->pdata[i];

        if (all || r->differs) {
            row(out, w, r);
        }
    }
}

static void events(GString *out, const RunDiff *d)
{
    if (d->no_events[0] || d->no_events[1]) {
        g_string_append_printf(out, "\n%s has no event log\n",
                               d->label[d->no_events[0] ? 0 : 1]);
    } else if (d->event_line) {
        g_string_append_printf(
            out,
            "\nevent logs part at line %" G_GUINT64_FORMAT "\n< %s\n> %s\n",
            d->event_line, d->event[0] ? d->event[0] : "(end)",
            d->event[1] ? d->event[1] : "(end)");
    }
}

char *run_diff_text(const RunDiff *d, bool all)
{
    GString *out = g_string_new(NULL);
    Widths w = { 10, { 0, 0 } };
    GPtrArray *const rows[] = { d->scenario, d->expectations, d->latency,
                                d->metrics };

    measure(&w, d->facts, true);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        measure(&w, rows[i], all);
    }
    w.name = MIN(w.name, NAME_MAX_WIDTH);
    for (unsigned i = 0; i < 2; i++) {
        w.value[i] = MAX(MIN(w.value[i], VALUE_MAX_WIDTH),
                         g_utf8_strlen(d->label[i], -1));
    }
    column(out, "", 1);
    column(out, "", w.name);
    column(out, d->label[0], w.value[0]);
    column(out, d->label[1], w.value[1]);
    column(out, "change", CHANGE_WIDTH);
    g_string_append(out, "relative\n");
    for (guint i = 0; i < d->facts->len; i++) {
        const RunDiffRow *r = d->facts->pdata[i];
        bool version = g_str_has_prefix(r->name, "version");

        if (all || r->differs ||
            (version ? g_strcmp0(r->text[0], r->text[1]) != 0
                     : !g_str_equal(r->name, "reason"))) {
            row(out, &w, r);
        }
    }
    if (d->scenario->len) {
        g_string_append_printf(out, "\nscenario: %u values differ\n",
                               d->scenario->len);
        for (guint i = 0; i < d->scenario->len; i++) {
            row(out, &w, d->scenario->pdata[i]);
        }
    }
    section(out, &w, "expectations", d->expectations, all);
    section(out, &w, "latency and completion times", d->latency, all);
    section(out, &w, "other metrics", d->metrics, all);
    events(out, d);
    g_string_append(out, d->differs ? "\ndifferent\n" : "\nequal\n");
    return g_string_free(out, FALSE);
}
