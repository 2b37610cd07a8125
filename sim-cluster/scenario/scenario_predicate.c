/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_predicate.c: a metric and a comparison: read, written, evaluated.
 */
#include "scenario_check.h"

#include <string.h>

#include "metrics_table.h"

const char scn_value_json[] =
    "{\"type\": [\"string\", \"number\", \"boolean\"]}";
const char scn_between_json[] =
    "{\"type\": \"array\", \"minItems\": 2, \"maxItems\": 2, \"items\": "
    "{\"type\": [\"string\", \"number\"]}}";

void scn_predicate_clear(ScnPredicate *p)
{
    g_free(p->metric);
    g_free(p->value.text);
    g_free(p->high.text);
    memset(p, 0, sizeof(*p));
}

/* ---- reading ------------------------------------------------------------ */

/* The one comparison that is written; its key in *ret. */
static bool find_compare(ScenarioCheck *c, const ScnObject *obj,
                         ScnCompare *ret)
{
    int found = -1;

    for (int i = 0; scn_compare_words[i]; i++) {
        const char *word = scn_compare_words[i];

        if (!schema_given(obj, word)) {
            continue;
        }
        if (found >= 0) {
            yaml_problem(c->problems, schema_key_mark(obj, word),
                         "two comparisons, '%s' and '%s'; write one",
                         scn_compare_words[found], word);
            return false;
        }
        found = i;
    }
    if (found < 0) {
        scenario_problem(c, obj, "metric",
                         "no comparison; write one of is, below, above, "
                         "at_least, at_most, between");
        return false;
    }
    *ret = (ScnCompare)found;
    return true;
}

static bool read_value(ScenarioCheck *c, const YamlNode *node, Unit unit,
                       ScnValue *ret)
{
    g_autoptr(GError) err = NULL;

    if (node->kind != YAML_SCALAR) {
        yaml_problem(c->problems, node->mark, "a single value belongs here");
        return false;
    }
    ret->unit = unit;
    if (unit == UNIT_TEXT) {
        ret->text = g_strdup(node->text);
        return true;
    }
    if (!unit_parse(unit, node->text, &ret->number, &err)) {
        yaml_problem(c->problems, node->mark, "%s", err->message);
        return false;
    }
    return true;
}

static bool read_between(ScenarioCheck *c, const YamlNode *node, Unit unit,
                         ScnPredicate *ret)
{
    if (node->kind != YAML_SEQUENCE || node->items->len != 2) {
        yaml_problem(c->problems, node->mark,
                     "'between' takes a list of two values: [low, high]");
        return false;
    }
    if (!read_value(c, node->items->pdata[0], unit, &ret->value) ||
        !read_value(c, node->items->pdata[1], unit, &ret->high)) {
        return false;
    }
    if (ret->value.number > ret->high.number) {
        yaml_problem(c->problems, node->mark,
                     "'between' takes the lower value first");
        return false;
    }
    return true;
}

bool scenario_read_predicate(ScenarioCheck *c, const ScnObject *obj,
                             ScnPredicate *ret)
{
    const YamlNode *metric = schema_given(obj, "metric"), *value;
    g_autofree char *why = NULL;
    const char *word;
    Unit unit;

    if (!metric || metric->kind != YAML_SCALAR) {
        scenario_problem(c, obj, "metric",
                         "'metric' is missing: name of a metric, see "
                         "`outrigger list metrics`");
        return false;
    }
    if (!metric_lookup(c->s, metric->text, &unit, NULL, &why)) {
        scenario_problem(c, obj, "metric", "%s", why);
        return false;
    }
    if (!find_compare(c, obj, &ret->compare)) {
        return false;
    }
    word = scn_compare_words[ret->compare];
    if ((unit == UNIT_TEXT || unit == UNIT_BOOL) && ret->compare != SCN_IS) {
        yaml_problem(c->problems, schema_key_mark(obj, word),
                     "'%s' is a %s: only 'is' compares it", metric->text,
                     unit_name(unit));
        return false;
    }
    ret->metric = g_strdup(metric->text);
    value = schema_given(obj, word);
    return ret->compare == SCN_BETWEEN
               ? read_between(c, value, unit, ret)
               : read_value(c, value, unit, &ret->value);
}

/* ---- writing ------------------------------------------------------------ */

static char *value_text(const ScnValue *v)
{
    return v->unit == UNIT_TEXT ? g_strdup(v->text)
                                : unit_format(v->unit, v->number);
}

static char *value_yaml(const ScnValue *v)
{
    GString *out = g_string_new(NULL);
    g_autofree char *text = value_text(v);

    yaml_write_scalar(out, text, -1);
    return g_string_free(out, FALSE);
}

static const ScnPredicate *predicate_of(const ScnObject *obj)
{
    return obj->table == &expect_table ? &((const ScnExpect *)obj)->predicate
                                       : ((const ScnWait *)obj)->until;
}

char *scn_predicate_value(const ScnObject *obj, const char *key)
{
    const ScnPredicate *p = predicate_of(obj);
    g_autofree char *low = NULL, *high = NULL;

    if (!p || !p->metric) {
        return NULL;
    }
    if (!strcmp(key, "metric")) {
        return g_strdup(p->metric);
    }
    if (strcmp(key, scn_compare_words[p->compare]) != 0) {
        return NULL;
    }
    low = value_yaml(&p->value);
    if (p->compare != SCN_BETWEEN) {
        return g_steal_pointer(&low);
    }
    high = value_yaml(&p->high);
    return g_strdup_printf("[%s, %s]", low, high);
}

/* As it was written: a margin in percent stays one. */
char *scn_break_value(const ScnObject *obj, const char *key)
{
    const YamlNode *given = schema_given(obj, key);
    GString *out;

    if (!given || given->kind != YAML_SCALAR) {
        return NULL;
    }
    out = g_string_new(NULL);
    yaml_write_scalar(out, given->text, -1);
    return g_string_free(out, FALSE);
}

char *scn_extract_value(const ScnObject *obj, const char *key)
{
    static const char *const words[] = { "regex", "count", "pointer" };
    const ScnExtract *x = (const ScnExtract *)obj;
    GString *out;

    if (!x->what || strcmp(key, words[x->kind]) != 0) {
        return NULL;
    }
    out = g_string_new(NULL);
    yaml_write_scalar(out, x->what, -1);
    return g_string_free(out, FALSE);
}

/* ---- for people, and evaluation ------------------------------------------ */

char *scn_predicate_bound(const ScnPredicate *p)
{
    g_autofree char *low = value_text(&p->value);
    g_autofree char *high = NULL;
    g_autofree char *word = g_strdup(scn_compare_words[p->compare]);

    switch (p->compare) {
    case SCN_IS:
        return g_steal_pointer(&low);
    case SCN_BETWEEN:
        high = value_text(&p->high);
        return g_strdup_printf("between %s and %s", low, high);
    default:
        g_strdelimit(word, "_", ' ');
        return g_strdup_printf("%s %s", word, low);
    }
}

char *scn_predicate_text(const ScnPredicate *p)
{
    g_autofree char *bound = scn_predicate_bound(p);

    return g_strdup_printf("%s %s%s", p->metric,
                           p->compare == SCN_IS ? "is " : "", bound);
}

/* a - b, kept within int64_t. */
static int64_t difference(int64_t a, int64_t b)
{
    int64_t d;

    if (__builtin_sub_overflow(a, b, &d)) {
        return a > b ? INT64_MAX : INT64_MIN;
    }
    return d;
}

/* How far @actual is on the wrong side; at most 0 when it holds, where a
 * strict bound that is just met is wrong by 1. */
static int64_t wrong_by(const ScnPredicate *p, int64_t actual)
{
    int64_t low = p->value.number;

    switch (p->compare) {
    case SCN_IS:
        return actual > low ? difference(actual, low) : difference(low, actual);
    case SCN_BELOW:
        return actual == low ? 1 : difference(actual, low);
    case SCN_ABOVE:
        return actual == low ? 1 : difference(low, actual);
    case SCN_AT_MOST:
        return difference(actual, low);
    case SCN_AT_LEAST:
        return difference(low, actual);
    case SCN_BETWEEN:
        return MAX(difference(low, actual), difference(actual, p->high.number));
    }
    g_assert_not_reached();
}

bool scn_predicate_holds(const ScnPredicate *p, const ScnValue *actual,
                         int64_t *ret_margin)
{
    int64_t wrong;

    if (actual->unit != p->value.unit) {
        wrong = INT64_MAX;
    } else if (p->value.unit == UNIT_TEXT) {
        wrong = g_strcmp0(actual->text, p->value.text) != 0;
    } else {
        wrong = wrong_by(p, actual->number);
    }
    if (ret_margin) {
        *ret_margin = MAX(wrong, 0);
    }
    return wrong <= 0;
}
