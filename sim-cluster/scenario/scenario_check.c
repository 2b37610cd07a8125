/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_check.c: the top of a scenario, its expectations and controls.
 */
#include "scenario_check.h"

#include <string.h>

#include "metrics_table.h"

void scenario_problem(ScenarioCheck *c, const void *obj, const char *key,
                      const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    yaml_problem(c->problems, schema_value_mark(obj, key), "%s", text);
}

void scenario_problem_ref(ScenarioCheck *c, const void *obj, const char *key,
                          const char *noun, const char *word,
                          const GPtrArray *objects, size_t name_offset)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *hint = NULL;

    for (unsigned i = 0; i < objects->len; i++) {
        g_ptr_array_add(
            names, *(char **)(void *)((char *)objects->pdata[i] + name_offset));
    }
    g_ptr_array_add(names, NULL);
    hint = schema_suggest(word, (const char *const *)names->pdata, "there are");
    scenario_problem(c, obj, key, "no %s '%s'%s", noun, word, hint);
}

/* Names of the run itself in metrics. */
static bool is_reserved(const char *name)
{
    return !strcmp(name, "run") || !strcmp(name, "traffic") ||
           !strcmp(name, "fabric");
}

static bool date_is_valid(const char *text)
{
    g_autofree char *with_time = strlen(text) == 10
                                     ? g_strdup_printf("%sT00:00:00Z", text)
                                     : g_strdup_printf("%sZ", text);
    g_autoptr(GDateTime) date =
        strlen(text) == 10 || strlen(text) == 19
            ? g_date_time_new_from_iso8601(with_time, NULL)
            : NULL;

    return date && text[4] == '-' && text[7] == '-' &&
           (!text[10] || text[10] == 'T');
}

static void check_handles(ScenarioCheck *c)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned i = 0; i < c->s->steps->len; i++) {
        ScnStep *step = c->s->steps->pdata[i];
        g_autofree char *own = g_strdup_printf("step-%u", i + 1);

        step->index = i;
        if (!step->as) {
            step->as = g_strdup(own);
        }
        if (g_str_has_prefix(step->as, "step-") && strcmp(step->as, own) != 0) {
            scenario_problem(c, step, "as",
                             "'%s' looks like the name of another step; "
                             "handles do not begin with 'step-'",
                             step->as);
        } else if (is_reserved(step->as) || scenario_node(c->s, step->as)) {
            scenario_problem(c, step, "as",
                             "'%s' is taken: a node, or the run itself, has "
                             "this name",
                             step->as);
        } else if (!g_hash_table_add(seen, step->as)) {
            scenario_problem(c, step, "as", "a second step named '%s'",
                             step->as);
        }
    }
}

static void check_time(ScenarioCheck *c)
{
    const ScnTime *t = c->s->time;

    if (t->window_ps && t->quantum_ps) {
        scenario_problem(c, t, "quantum",
                         "'window' is exact, 'quantum' is not: only one");
    }
    if ((t->window_ps || t->quantum_ps) && t->mode == SCN_MODE_WALL) {
        scenario_problem(c, t, t->window_ps ? "window" : "quantum",
                         "windows are for simulated time, not `mode: wall`");
    }
}

static void check_capture(ScenarioCheck *c)
{
    const ScnCapture *capture = c->s->capture;

    for (unsigned i = 0; i < capture->waves->len; i++) {
        const char *name = capture->waves->pdata[i];
        const ScnHost *host = scenario_host(c->s, name);

        if (!host) {
            scenario_problem_ref(c, capture, "waves", "node", name, c->s->nodes,
                                 offsetof(ScnNode, name));
        } else if (!host->card) {
            scenario_problem(c, capture, "waves", "'%s' has no card", name);
        }
    }
    for (unsigned i = 0; i < capture->links->len; i++) {
        scenario_check_link_ref(c, capture, "links", capture->links->pdata[i]);
    }
}

void scenario_check_top(ScenarioCheck *c)
{
    Scenario *s = c->s;

    if (s->format != 1) {
        scenario_problem(c, s, "format",
                         "format %" G_GUINT64_FORMAT
                         " is not known; this program reads format 1",
                         s->format);
    }
    if (!date_is_valid(s->time->rtc)) {
        scenario_problem(c, s->time, "rtc",
                         "'%s' is not a date: YYYY-MM-DD or "
                         "YYYY-MM-DDTHH:MM:SS",
                         s->time->rtc);
    }
    if (!s->nodes->len && !s->fabric) {
        scenario_problem(c, s, NULL,
                         "'nodes' is missing: what exists, by name");
    }
    s->hosts = g_ptr_array_new();
    for (unsigned i = 0; i < s->nodes->len; i++) {
        ScnNode *node = s->nodes->pdata[i];

        if (is_reserved(node->name)) {
            scenario_problem(c, node, NULL,
                             "'%s' is not for nodes: it is "
                             "the run's own name in metrics",
                             node->name);
        }
        if (node->kind == SCN_NODE_HOST) {
            g_ptr_array_add(s->hosts, node);
            scenario_check_host(c, (ScnHost *)node);
        }
    }
    check_time(c);
    scenario_check_topology(c);
    check_handles(c);
    if (s->topology) {
        check_capture(c);
    }
}

/* ---- expectations -------------------------------------------------------- */

void scenario_check_expect(ScenarioCheck *c)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned i = 0; i < c->s->expect->len; i++) {
        ScnExpect *e = c->s->expect->pdata[i];

        if (!g_hash_table_add(seen, e->id)) {
            scenario_problem(c, e, "id", "a second expectation '%s'", e->id);
        }
        scenario_read_predicate(c, &e->obj, &e->predicate);
    }
}

/* ---- controls ------------------------------------------------------------ */

/* A margin in percent of the bound (the lower one of two); never nothing, so
 * that an override may set the bound to 0. */
static bool relative_margin(const char *text, const ScnPredicate *p,
                            int64_t *ret)
{
    int64_t ppm;
    __int128 margin;

    if (p->value.unit == UNIT_PERCENT ||
        !unit_parse(UNIT_PERCENT, text, &ppm, NULL)) {
        return false;
    }
    margin = ((__int128)p->value.number * ppm + 999999) / 1000000;
    *ret = margin > INT64_MAX ? INT64_MAX : MAX((int64_t)margin, ppm > 0);
    return true;
}

static void check_break(ScenarioCheck *c, ScnBreak *b)
{
    const ScnExpect *e = scenario_expect(c->s, b->expect);
    const YamlNode *by = schema_given(&b->obj, "by");
    g_autoptr(GError) err = NULL;
    Unit unit;

    if (!e) {
        scenario_problem_ref(c, b, "expect", "expectation", b->expect,
                             c->s->expect, offsetof(ScnExpect, id));
        return;
    }
    unit = e->predicate.value.unit;
    b->any_margin = unit == UNIT_TEXT || unit == UNIT_BOOL;
    if (b->any_margin) {
        if (by) {
            scenario_problem(c, b, "by", "'%s' is a %s: it has no margin",
                             e->predicate.metric, unit_name(unit));
        }
        return;
    }
    if (!by || by->kind != YAML_SCALAR) {
        scenario_problem(c, b, "by",
                         "'by' is missing: how far at least '%s' must be on "
                         "the wrong side",
                         b->expect);
        return;
    }
    if (!relative_margin(by->text, &e->predicate, &b->by) &&
        !unit_parse(unit, by->text, &b->by, &err)) {
        scenario_problem(c, b, "by", "%s", err->message);
    } else if (b->by < 1) {
        scenario_problem(c, b, "by", "a margin of nothing proves nothing");
    }
}

void scenario_check_controls(ScenarioCheck *c)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned i = 0; i < c->s->controls->len; i++) {
        const ScnControl *control = c->s->controls->pdata[i];

        if (!g_hash_table_add(seen, control->name)) {
            scenario_problem(c, control, "name", "a second control '%s'",
                             control->name);
        }
        for (unsigned j = 0; j < control->breaks->len; j++) {
            ScnBreak *b = control->breaks->pdata[j];

            for (unsigned k = 0; k < j; k++) {
                const ScnBreak *other = control->breaks->pdata[k];

                if (!strcmp(other->expect, b->expect)) {
                    scenario_problem(c, b, "expect", "'%s' is named twice",
                                     b->expect);
                }
            }
            check_break(c, b);
        }
    }
}
