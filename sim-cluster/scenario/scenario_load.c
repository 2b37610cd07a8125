/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_load.c: a file, its quick form and overrides, its controls - to a
 * checked Scenario.
 */
#include "scenario_check.h"

#include <string.h>

#include "scenario_source.h"
#include "scenario_topology.h"

#define FILE_BYTES_MAX (1u << 20)

GQuark scenario_error_quark(void)
{
    return g_quark_from_static_string("scenario-error");
}

/* ---- source ---------------------------------------------------------------
 */

static struct ScenarioSource *source_new(const char *file, GBytes *bytes,
                                         const char *root)
{
    struct ScenarioSource *source = g_new0(struct ScenarioSource, 1);
    g_autofree char *absolute = g_canonicalize_filename(file, NULL);

    source->file = g_strdup(file);
    source->base_dir = g_path_get_dirname(absolute);
    source->root = g_strdup(root);
    source->bytes = g_bytes_ref(bytes);
    return source;
}

static void source_free(struct ScenarioSource *source)
{
    if (source) {
        g_free(source->file);
        g_free(source->base_dir);
        g_free(source->root);
        g_bytes_unref(source->bytes);
        yaml_node_free(source->tree);
        g_free(source);
    }
}

void scenario_clear(void *scenario)
{
    Scenario *s = scenario;

    g_clear_pointer(&s->hosts, g_ptr_array_unref);
    topology_free(s->topology);
    g_free(s->file);
    g_free(s->control);
    source_free(s->source);
}

void scenario_free(Scenario *s)
{
    schema_free(s);
}

/* ---- overrides -------------------------------------------------------------
 */

/* Puts @value at @path of @tree; @mark is where that was asked for. */
static void apply_set(YamlNode *tree, const char *path, const char *value,
                      YamlMark mark, YamlProblems *p)
{
    unsigned before = p->list->len;
    g_autofree char *why = NULL;
    SchemaTarget target;
    YamlNode *node;

    if (!schema_find(&scenario_table, tree, path, mark, &target, &why)) {
        yaml_problem(p, mark, "%s", why);
        return;
    }
    node = yaml_tree_read_value(value, mark, p);
    if (node && p->list->len == before) {
        schema_replace(&target, node);
    } else {
        yaml_node_free(node);
    }
    schema_target_clear(&target);
}

static void apply_option_sets(YamlNode *tree, const char *const *sets,
                              YamlProblems *p)
{
    for (unsigned i = 0; sets && sets[i]; i++) {
        g_autofree char *label = g_strdup_printf("--set %s", sets[i]);
        YamlMark mark = { g_intern_string(label), 0, 0 };
        const char *equals = strchr(sets[i], '=');
        g_autofree char *path = NULL;

        if (!equals) {
            yaml_problem(p, mark, "an override is PATH=VALUE");
            continue;
        }
        path = g_strndup(sets[i], (gsize)(equals - sets[i]));
        apply_set(tree, path, equals + 1, mark, p);
    }
}

/* A quick value must be a duration and not longer than what it replaces. */
static bool quick_is_shorter(const SchemaTarget *t, const YamlNode *value,
                             YamlProblems *p)
{
    const char *old =
        t->old && t->old->kind == YAML_SCALAR ? t->old->text : NULL;
    g_autoptr(GError) err = NULL;
    int64_t was = 0, is;

    if (t->field->type != SCHEMA_QUANTITY || t->field->unit != UNIT_DURATION) {
        yaml_problem(p, value->mark,
                     "'%s' is not a duration; `quick` shortens durations "
                     "only",
                     t->field->key);
        return false;
    }
    old = old ? old : t->field->fallback;
    if (!unit_parse(UNIT_DURATION, value->text, &is, &err)) {
        yaml_problem(p, value->mark, "%s", err->message);
        return false;
    }
    if (old && unit_parse(UNIT_DURATION, old, &was, NULL) && is <= was) {
        return true;
    }
    yaml_problem(p, value->mark, "`quick` only shortens: it is %s now",
                 old ? old : "not set");
    return false;
}

/* Always checks the file's quick entries; changes @tree only to apply. */
static void apply_quick(YamlNode *tree, bool apply, YamlProblems *p)
{
    g_autoptr(YamlNode) copy = yaml_node_copy(tree);
    const YamlNode *quick =
        tree->kind == YAML_MAPPING ? yaml_get(tree, "quick") : NULL;
    YamlNode *into = apply ? tree : copy;

    if (!quick || quick->kind != YAML_MAPPING) {
        return; /* the typed reader says so */
    }
    for (unsigned i = 0; i < quick->keys->len; i++) {
        const YamlNode *key = quick->keys->pdata[i];
        const YamlNode *value = quick->items->pdata[i];
        g_autofree char *why = NULL;
        SchemaTarget target;

        if (value->kind != YAML_SCALAR) {
            continue;
        }
        if (!schema_find(&scenario_table, into, key->text, value->mark, &target,
                         &why)) {
            yaml_problem(p, key->mark, "%s", why);
            continue;
        }
        if (quick_is_shorter(&target, value, p)) {
            schema_replace(&target, yaml_node_copy(value));
        }
        schema_target_clear(&target);
    }
}

/* ---- building ---------------------------------------------------------------
 */

static void check_all(ScenarioCheck *c)
{
    scenario_check_top(c);
    if (c->problems->list->len) {
        return;
    }
    for (unsigned i = 0; i < c->s->steps->len; i++) {
        scenario_check_step(c, c->s->steps->pdata[i]);
    }
    scenario_check_expect(c);
    if (!c->problems->list->len) {
        scenario_check_order(c);
        scenario_check_controls(c);
    }
}

/* Types and checks @tree, which @source owns. NULL: see @p. */
static Scenario *build(struct ScenarioSource *source, YamlProblems *p)
{
    Scenario *s =
        schema_read(&scenario_table, source->tree, source->base_dir, p);

    if (s && !p->list->len) {
        ScenarioCheck c = { s, p, source->root };

        check_all(&c);
    }
    if (p->list->len) {
        scenario_free(s);
        return NULL;
    }
    s->file = g_strdup(source->file);
    return s;
}

/* A source of its own with @control applied, and the scenario from it. */
static Scenario *build_control(const struct ScenarioSource *base,
                               const char *name, const YamlNode *set,
                               YamlProblems *p)
{
    struct ScenarioSource *source =
        source_new(base->file, base->bytes, base->root);
    Scenario *s;

    source->tree = yaml_node_copy(base->tree);
    for (unsigned i = 0; i < set->keys->len; i++) {
        const YamlNode *path = set->keys->pdata[i];
        const YamlNode *value = set->items->pdata[i];

        apply_set(source->tree, path->text, value->text, value->mark, p);
    }
    s = p->list->len ? NULL : build(source, p);
    if (!s) {
        source_free(source);
        return NULL;
    }
    s->control = g_strdup(name);
    s->source = source;
    return s;
}

static void try_control(const struct ScenarioSource *base,
                        const ScnControl *control, YamlProblems *p)
{
    g_auto(YamlProblems) found = { 0 };
    g_autoptr(Scenario) s = NULL;

    yaml_problems_init(&found, p->file, p->bytes);
    s = build_control(base, control->name, schema_given(&control->obj, "set"),
                      &found);
    for (unsigned i = 0; i < found.list->len; i++) {
        const YamlProblem *problem = found.list->pdata[i];

        yaml_problem(p, problem->mark, "with control '%s': %s", control->name,
                     problem->text);
    }
}

static void set_error(GError **errp, const YamlProblems *p)
{
    g_autofree char *text = yaml_problems_text(p);

    g_set_error_literal(errp, SCENARIO_ERROR, SCENARIO_ERROR_INVALID, text);
}

static Scenario *load_bytes(const char *file, GBytes *bytes,
                            const ScenarioOptions *options, YamlProblems *p)
{
    static const ScenarioOptions none = { 0 };
    struct ScenarioSource *source;
    Scenario *s = NULL;

    options = options ? options : &none;
    source = source_new(file, bytes, options->root);
    source->tree = yaml_tree_read(p);
    if (source->tree && !p->list->len) {
        apply_quick(source->tree, options->quick, p);
        apply_option_sets(source->tree, options->sets, p);
        s = build(source, p); /* also for what is wrong beside overrides */
    }
    for (unsigned i = 0; s && i < s->controls->len; i++) {
        try_control(source, s->controls->pdata[i], p);
    }
    if (p->list->len) {
        scenario_free(s);
        source_free(source);
        return NULL;
    }
    s->quick_applied = options->quick;
    s->source = source;
    return s;
}

Scenario *scenario_load_text(const char *file, const char *text, size_t len,
                             const ScenarioOptions *options, GError **errp)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, len);
    g_auto(YamlProblems) problems = { 0 };
    Scenario *s;

    if (len > FILE_BYTES_MAX) {
        g_set_error(errp, SCENARIO_ERROR, SCENARIO_ERROR_FILE,
                    "%s: larger than 1MiB: not a scenario", file);
        return NULL;
    }
    yaml_problems_init(&problems, file, bytes);
    s = load_bytes(file, bytes, options, &problems);
    if (!s) {
        set_error(errp, &problems);
    }
    return s;
}

Scenario *scenario_load(const char *file, const ScenarioOptions *options,
                        GError **errp)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) err = NULL;
    gsize len;

    if (!g_file_get_contents(file, &text, &len, &err)) {
        g_set_error(errp, SCENARIO_ERROR, SCENARIO_ERROR_FILE, "%s",
                    err->message);
        return NULL;
    }
    return scenario_load_text(file, text, len, options, errp);
}

Scenario *scenario_with_control(const Scenario *s, const ScnControl *control,
                                GError **errp)
{
    g_auto(YamlProblems) problems = { 0 };
    Scenario *changed;

    yaml_problems_init(&problems, s->source->file, s->source->bytes);
    changed = build_control(s->source, control->name,
                            schema_given(&control->obj, "set"), &problems);
    if (!changed) {
        set_error(errp, &problems);
        return NULL;
    }
    changed->quick_applied = s->quick_applied;
    return changed;
}

char *scenario_write(const Scenario *s, const char *relative_to)
{
    g_autofree char *derived = scenario_derived_text(s);
    GString *out = g_string_new(derived);

    schema_write(out, &s->obj, 0, relative_to);
    return g_string_free(out, FALSE);
}
