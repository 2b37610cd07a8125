/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate.c: rows and series of experiments, and their judgement.
 */
#include "validate_priv.h"

#include <stdlib.h>
#include <string.h>

#define WITHIN_PERMILLE 50

G_DEFINE_QUARK(outrigger - validate - error, validate_error)

static void row_free(void *p)
{
    ValidateRow *row = p;

    g_free(row->why);
    g_free(row);
}

static void series_free(void *p)
{
    ValidateSeries *s = p;

    g_free(s->figure);
    g_free(s->name);
    g_free(s->samples);
    g_free(s);
}

Validation *validation_new(const ValidateTarget *targets,
                           const ValidateFigure *figures)
{
    Validation *v = g_new0(Validation, 1);

    v->rows = g_ptr_array_new_with_free_func(row_free);
    v->figures = g_ptr_array_new();
    v->series = g_ptr_array_new_with_free_func(series_free);
    v->misuse = g_string_new(NULL);
    for (; targets->id; targets++) {
        ValidateRow *row = g_new0(ValidateRow, 1);

        row->target = targets;
        row->required = true;
        g_ptr_array_add(v->rows, row);
    }
    for (; figures->id; figures++) {
        validate_figure(v, figures);
    }
    return v;
}

void validation_free(Validation *v)
{
    if (v) {
        g_ptr_array_unref(v->rows);
        g_ptr_array_unref(v->figures);
        g_ptr_array_unref(v->series);
        g_string_free(v->misuse, TRUE);
        g_free(v);
    }
}

static void G_GNUC_PRINTF(2, 3) misuse(Validation *v, const char *format, ...)
{
    va_list args;

    if (v->misuse->len) {
        g_string_append(v->misuse, "; ");
    }
    va_start(args, format);
    g_string_append_vprintf(v->misuse, format, args);
    va_end(args);
}

static ValidateRow *find_row(const Validation *v, const char *id)
{
    for (guint i = 0; i < v->rows->len; i++) {
        ValidateRow *row = v->rows->pdata[i];

        if (strcmp(row->target->id, id) == 0) {
            return row;
        }
    }
    return NULL;
}

static bool has_figure(const Validation *v, const char *id)
{
    for (guint i = 0; i < v->figures->len; i++) {
        const ValidateFigure *f = v->figures->pdata[i];

        if (strcmp(f->id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void set_row(ValidateRow *row, int64_t ours, const char *why)
{
    row->present = true;
    row->ours = ours;
    if (why && !validate_within(row->target, ours)) {
        row->why = g_strdup(why);
    }
}

void validate_result(Validation *v, const char *id, int64_t ours,
                     const char *why)
{
    ValidateRow *row = find_row(v, id);

    if (!row || !row->required) {
        misuse(v, "no required row '%s' in validate_targets.c", id);
    } else if (row->present) {
        misuse(v, "row '%s' is given twice", id);
    } else {
        set_row(row, ours, why);
    }
}

void validate_extra(Validation *v, const ValidateTarget *target, int64_t ours,
                    const char *why)
{
    ValidateRow *row;

    if (find_row(v, target->id)) {
        misuse(v, "row '%s' is given twice", target->id);
        return;
    }
    row = g_new0(ValidateRow, 1);
    row->target = target;
    set_row(row, ours, why);
    g_ptr_array_add(v->rows, row);
}

void validate_figure(Validation *v, const ValidateFigure *figure)
{
    if (has_figure(v, figure->id)) {
        misuse(v, "figure '%s' is there twice", figure->id);
    } else {
        g_ptr_array_add(v->figures, (void *)figure);
    }
}

void validate_series(Validation *v, const char *figure, const char *name,
                     bool published, const SvgSample *samples, guint n)
{
    ValidateSeries *s;

    if (!has_figure(v, figure)) {
        misuse(v, "no figure '%s'", figure);
        return;
    }
    if (!n) {
        misuse(v, "line '%s' of figure '%s' is empty", name, figure);
        return;
    }
    s = g_new0(ValidateSeries, 1);
    s->figure = g_strdup(figure);
    s->name = g_strdup(name);
    s->published = published;
    s->samples = g_memdup2(samples, n * sizeof(*samples));
    s->n = n;
    g_ptr_array_add(v->series, s);
}

void validate_published(Validation *v, const char *id, const char *name,
                        bool upwards, uint64_t at)
{
    const ValidateRow *row = find_row(v, id);
    SvgSample ends[2];

    if (!row) {
        misuse(v, "no required row '%s' in validate_targets.c", id);
        return;
    }
    for (guint i = 0; i < 2; i++) {
        uint64_t value = (uint64_t)(i ? row->target->high : row->target->low);

        ends[i] = upwards ? (SvgSample){ at, value } : (SvgSample){ value, at };
    }
    validate_series(v, row->target->figure, name, true, ends,
                    row->target->low == row->target->high ? 1 : 2);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

void validate_cdf(Validation *v, const char *figure, const char *name,
                  uint64_t *values, guint n)
{
    g_autofree SvgSample *samples = g_new0(SvgSample, MAX(n, 1));

    if (n) {
        qsort(values, n, sizeof(*values), by_value);
    }
    for (guint i = 0; i < n; i++) {
        samples[i].x = values[i];
        samples[i].y = (uint64_t)(i + 1) * 1000 / n;
    }
    validate_series(v, figure, name, false, samples, n);
}

/* ---- judging ------------------------------------------------------------- */

bool validation_run(Validation *v, const ValidateExperiment *e, GError **errp)
{
    g_autoptr(GError) err = NULL;

    g_string_truncate(v->misuse, 0);
    if (!e->run(v, &err)) {
        g_set_error(errp, VALIDATE_ERROR, VALIDATE_ERROR_FAILED, "%s: %s",
                    e->id, err ? err->message : "it failed");
        return false;
    }
    if (v->misuse->len) {
        g_set_error(errp, VALIDATE_ERROR, VALIDATE_ERROR_FAILED, "%s: %s",
                    e->id, v->misuse->str);
        return false;
    }
    return true;
}

guint validation_row_count(const Validation *v)
{
    return v->rows->len;
}

const ValidateRow *validation_row(const Validation *v, guint index)
{
    return v->rows->pdata[index];
}

void validation_judge(const Validation *v, ValidateJudgement *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (guint i = 0; i < v->rows->len; i++) {
        const ValidateRow *row = v->rows->pdata[i];
        bool within = row->present && validate_within(row->target, row->ours);

        ret->required += row->required;
        ret->missing += row->required && !row->present;
        ret->within += row->required && within;
        ret->unexplained += row->present && !within && !row->why;
    }
}

/* By how much @ours misses, and relative to what. */
static int64_t miss(const ValidateTarget *t, int64_t ours, int64_t *ret_end)
{
    *ret_end = ours < t->low ? t->low : t->high;
    return ours < t->low || ours > t->high ? ours - *ret_end : 0;
}

int64_t validate_deviation_permille(const ValidateTarget *t, int64_t ours)
{
    int64_t end, by = miss(t, ours, &end);
    int64_t whole = MAX(ABS(end), 1), away = by < 0 ? 1 - whole : whole - 1;

    return by ? (by * 1000 + away) / whole : 0;
}

bool validate_within(const ValidateTarget *t, int64_t ours)
{
    int64_t end, by = miss(t, ours, &end);

    return ABS(by) * 1000 <= ABS(end) * WITHIN_PERMILLE;
}
