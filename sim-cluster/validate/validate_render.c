/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_render.c: the rows as text, Markdown and CSV.
 */
#include "validate_priv.h"

#include <string.h>

char *validate_number(int64_t milli)
{
    char *text = g_strdup_printf("%s%" G_GINT64_FORMAT ".%03" G_GINT64_FORMAT,
                                 milli < 0 ? "-" : "", ABS(milli) / 1000,
                                 ABS(milli) % 1000);
    size_t n = strlen(text);

    while (text[n - 1] == '0') {
        text[--n] = '\0';
    }
    if (text[n - 1] == '.') {
        text[n - 1] = '\0';
    }
    return text;
}

char *validate_label_whole(uint64_t value)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT, value);
}

char *validate_label_milli(uint64_t value)
{
    return validate_number((int64_t)value);
}

char *validate_label_percent(uint64_t value)
{
    g_autofree char *number = validate_number((int64_t)value * 100);

    return g_strdup_printf("%s %%", number);
}

char *validate_theirs(const ValidateTarget *t)
{
    g_autofree char *low = validate_number(t->low);
    g_autofree char *high = validate_number(t->high);

    return t->low == t->high ? g_strdup(low)
                             : g_strdup_printf("%s-%s", low, high);
}

char *validate_deviation(const ValidateRow *row)
{
    int64_t permille;

    if (!row->present) {
        return g_strdup("");
    }
    permille = validate_deviation_permille(row->target, row->ours);
    return g_strdup_printf("%s%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT " %%",
                           permille < 0 ? "-" : "+", ABS(permille) / 10,
                           ABS(permille) % 10);
}

const char *validate_verdict(const ValidateRow *row)
{
    if (!row->present) {
        return "missing";
    }
    if (validate_within(row->target, row->ours)) {
        return "ok";
    }
    return row->why ? row->why : "UNEXPLAINED";
}

static char *ours_text(const ValidateRow *row)
{
    return row->present ? validate_number(row->ours) : g_strdup("-");
}

static void table_row(GString *out, const ValidateRow *row)
{
    const ValidateTarget *t = row->target;
    g_autofree char *theirs = validate_theirs(t);
    g_autofree char *ours = ours_text(row);
    g_autofree char *deviation = validate_deviation(row);

    g_string_append_printf(out, "%-20s %-36s %-7s %12s %12s %10s  %s\n", t->id,
                           t->quantity, t->unit, theirs, ours, deviation,
                           validate_verdict(row));
}

static void table_part(GString *out, const Validation *v, bool required)
{
    for (guint i = 0; i < v->rows->len; i++) {
        const ValidateRow *row = v->rows->pdata[i];

        if (row->required == required) {
            table_row(out, row);
        }
    }
}

static bool any_extra(const Validation *v)
{
    return v->rows->len &&
           !((const ValidateRow *)v->rows->pdata[v->rows->len - 1])->required;
}

static void summary(GString *out, const Validation *v)
{
    ValidateJudgement j;

    validation_judge(v, &j);
    g_string_append_printf(out,
                           "%u required rows, %u within 5 %%, %u missing; %u "
                           "rows without a needed explanation",
                           j.required, j.within, j.missing, j.unexplained);
}

char *validation_table(const Validation *v)
{
    GString *out = g_string_new(NULL);

    g_string_append_printf(out, "%-20s %-36s %-7s %12s %12s %10s\n", "required",
                           "quantity", "unit", "theirs", "ours", "deviation");
    table_part(out, v, true);
    if (any_extra(v)) {
        g_string_append(out, "\nextra\n");
        table_part(out, v, false);
    }
    g_string_append_c(out, '\n');
    summary(out, v);
    g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}

/* ---- Markdown ------------------------------------------------------------ */

static bool same(const char *a, const char *b)
{
    return g_strcmp0(a, b) == 0;
}

static bool has_series(const Validation *v, const char *figure)
{
    for (guint i = 0; i < v->series->len; i++) {
        if (same(((const ValidateSeries *)v->series->pdata[i])->figure,
                 figure)) {
            return true;
        }
    }
    return false;
}

/* One table for neighbours of the same source and set-up, with the figure
 * before the first of those that it stands beside. */
static void markdown_head(GString *out, const Validation *v,
                          const ValidateTarget *before, const ValidateTarget *t)
{
    if (before && same(before->source, t->source) &&
        same(before->setup, t->setup)) {
        return;
    }
    g_string_append_printf(out, "\n**%s.** %s.\n", t->source, t->setup);
    if (has_series(v, t->figure) &&
        !(before && same(before->figure, t->figure))) {
        g_string_append_printf(out, "\n![Figure %s](validation/%s.svg)\n",
                               t->figure, t->figure);
    }
    g_string_append(out, "\n| quantity | theirs | ours | deviation | |\n"
                         "|---|---|---|---|---|\n");
}

static void markdown_row(GString *out, const ValidateRow *row)
{
    const ValidateTarget *t = row->target;
    g_autofree char *theirs = validate_theirs(t);
    g_autofree char *ours = ours_text(row);
    g_autofree char *deviation = validate_deviation(row);

    g_string_append_printf(
        out, "| %s, %s | %s | %s | %s | %s%s |\n", t->quantity, t->unit, theirs,
        ours, deviation, row->required ? "" : "extra; ", validate_verdict(row));
}

char *validation_markdown(const Validation *v)
{
    GString *out = g_string_new("Today: ");
    const ValidateTarget *before = NULL;

    summary(out, v);
    g_string_append(out, ".\n");
    for (guint i = 0; i < v->rows->len; i++) {
        const ValidateRow *row = v->rows->pdata[i];

        markdown_head(out, v, before, row->target);
        markdown_row(out, row);
        before = row->target;
    }
    return g_string_free(out, FALSE);
}

/* The bytes of @document that lie between the two marker lines. */
static bool find_section(const char *document, const char **ret_begin,
                         const char **ret_end)
{
    const char *begin = strstr(document, "<!-- validate: begin -->\n");
    const char *end;

    if (!begin) {
        return false;
    }
    begin = strchr(begin, '\n') + 1;
    end = strstr(begin, "<!-- validate: end -->");
    *ret_begin = begin;
    *ret_end = end;
    return end != NULL;
}

char *validate_replace_section(const char *document, const char *section,
                               GError **errp)
{
    const char *begin, *end;

    if (!find_section(document, &begin, &end)) {
        g_set_error(errp, VALIDATE_ERROR, VALIDATE_ERROR_USAGE,
                    "the lines '<!-- validate: begin -->' and "
                    "'<!-- validate: end -->' are missing: put them where the "
                    "table belongs");
        return NULL;
    }
    return g_strdup_printf("%.*s\n%s\n%s", (int)(begin - document), document,
                           section, end);
}

/* ---- CSV (RFC 4180) ------------------------------------------------------ */

static void csv_text(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (; text && *text; text++) {
        if (*text == '"') {
            g_string_append_c(out, '"');
        }
        g_string_append_c(out, *text);
    }
    g_string_append(out, "\",");
}

char *validation_csv(const Validation *v)
{
    GString *out = g_string_new("id,source,setup,quantity,unit,theirs_low,"
                                "theirs_high,ours,deviation_percent,required,"
                                "verdict\n");

    for (guint i = 0; i < v->rows->len; i++) {
        const ValidateRow *row = v->rows->pdata[i];
        const ValidateTarget *t = row->target;
        const char *texts[] = { t->id, t->source, t->setup, t->quantity,
                                t->unit };
        g_autofree char *low = validate_number(t->low);
        g_autofree char *high = validate_number(t->high);
        g_autofree char *ours =
            row->present ? validate_number(row->ours) : g_strdup("");
        g_autofree char *deviation =
            row->present ? validate_number(
                               validate_deviation_permille(t, row->ours) * 100)
                         : g_strdup("");

        for (guint k = 0; k < G_N_ELEMENTS(texts); k++) {
            csv_text(out, texts[k]);
        }
        g_string_append_printf(out, "%s,%s,%s,%s,%s,", low, high, ours,
                               deviation, row->required ? "yes" : "no");
        csv_text(out, validate_verdict(row));
        g_string_truncate(out, out->len - 1);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
