/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_def.c: reads a bench's definition and its bars.
 */
#include "bench.h"

#include <string.h>

#include "yaml_tree.h"

#define MAX_ROUNDS 100u

G_DEFINE_QUARK(outrigger - bench - error, bench_error)

static const char *const quantity_names[BENCH_QUANTITIES] = {
    "iops_per_wall_s",   "iops_per_cpu_s",
    "guest_iops",        "mhops_per_cpu_s",
    "sim_ms_per_wall_s", "windows_per_wall_s",
    "wakes_per_wall_s",  "late_frames",
    "late_max_us",       "wall_s",
    "memory_mib",        "drops_ratio_ecmp",
    "drops_ratio_spray", "mean_ratio",
    "p99_ratio",         "variance_ratio",
    "min_goodput",       "swing_ratio",
    "within_5_percent",  "missing_rows",
    "unexplained_rows",
};

const char *bench_quantity_name(BenchQuantity q)
{
    return quantity_names[q];
}

bool bench_has_quantity(const Bench *b, BenchQuantity q)
{
    bool measured = false, any = false;

    if (b->validation != (q >= BENCH_WITHIN_5_PERCENT)) {
        return false;
    }
    if (!b->validation && b->program != (q >= BENCH_MHOPS_PER_CPU_S)) {
        return false;
    }
    /* What a program measures is known when it has run. */
    for (guint i = 0; b->program && i < b->cases->len; i++) {
        const BenchCase *c = b->cases->pdata[i];

        for (guint k = 0; k < c->samples->len; k++) {
            measured = true;
            any |= g_array_index(c->samples, BenchSample, k).value[q] > 0;
        }
    }
    return !measured || any;
}

static void case_free(void *p)
{
    BenchCase *c = p;

    g_free(c->name);
    g_free(c->scenario);
    g_free(c->peer);
    g_array_unref(c->samples);
    g_free(c);
}

static void bar_free(void *p)
{
    BenchBar *bar = p;

    g_free(bar->id);
    g_free(bar->expression);
    g_free(bar->over.case_name);
    g_free(bar->under.case_name);
    g_free(bar);
}

void bench_free(Bench *b)
{
    if (b) {
        g_free(b->name);
        g_free(b->title);
        g_free(b->short_load);
        g_free(b->long_load);
        g_free(b->count);
        g_ptr_array_unref(b->cases);
        g_ptr_array_unref(b->bars);
        g_free(b);
    }
}

BenchCase *bench_case(const Bench *b, const char *name)
{
    for (guint i = 0; i < b->cases->len; i++) {
        BenchCase *c = b->cases->pdata[i];

        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

/* The text of a scalar; NULL and a problem when it is not there. */
static const char *text(const YamlNode *mapping, const char *key,
                        YamlProblems *p)
{
    const YamlNode *node = yaml_get(mapping, key);

    if (!node || node->kind != YAML_SCALAR) {
        yaml_problem(p, mapping->mark, "'%s' is missing", key);
        return NULL;
    }
    return node->text;
}

static void known_keys(const YamlNode *mapping, const char *const *keys,
                       YamlProblems *p)
{
    for (guint i = 0; i < mapping->keys->len; i++) {
        const YamlNode *key = mapping->keys->pdata[i];

        if (!g_strv_contains(keys, key->text)) {
            yaml_problem(p, key->mark, "unknown key '%s'", key->text);
        }
    }
}

static bool split_term(const char *word, BenchTerm *ret)
{
    const char *dot = strrchr(word, '.');

    for (unsigned q = 0; dot && q < BENCH_QUANTITIES; q++) {
        if (strcmp(dot + 1, quantity_names[q]) == 0) {
            ret->case_name = g_strndup(word, (gsize)(dot - word));
            ret->quantity = (BenchQuantity)q;
            return true;
        }
    }
    return false;
}

static bool parse_expression(const char *value, BenchBar *bar)
{
    g_auto(GStrv) terms = g_strsplit(value, "/", -1);
    guint n = g_strv_length(terms);

    return n >= 1 && n <= 2 && split_term(g_strstrip(terms[0]), &bar->over) &&
           (n == 1 || split_term(g_strstrip(terms[1]), &bar->under));
}

static bool parse_limit(const YamlNode *node, BenchBar *bar)
{
    const YamlNode *least = yaml_get(node, "at_least");
    const YamlNode *most = yaml_get(node, "at_most");
    const YamlNode *limit = least ? least : most;
    char *end = NULL;

    if (!limit || (least && most) || limit->kind != YAML_SCALAR) {
        return false;
    }
    bar->at_least = least != NULL;
    bar->limit = g_ascii_strtod(limit->text, &end);
    return *limit->text && !*end;
}

static void read_bar(Bench *b, const YamlNode *node, YamlProblems *p)
{
    static const char *const keys[] = { "id",       "bench",   "value",
                                        "at_least", "at_most", "testbed",
                                        NULL };
    const char *id, *bench, *value;
    BenchBar *bar;

    if (node->kind != YAML_MAPPING) {
        yaml_problem(p, node->mark, "a bar is a mapping");
        return;
    }
    known_keys(node, keys, p);
    id = text(node, "id", p);
    bench = text(node, "bench", p);
    value = text(node, "value", p);
    if (!id || !bench || !value || strcmp(bench, b->name) != 0) {
        return;
    }
    bar = g_new0(BenchBar, 1);
    bar->id = g_strdup(id);
    bar->expression = g_strdup(value);
    g_ptr_array_add(b->bars, bar);
    bar->testbed = yaml_get(node, "testbed") != NULL;
    if (!parse_limit(node, bar)) {
        yaml_problem(p, node->mark,
                     "one of 'at_least' and 'at_most', a number");
    } else if (!parse_expression(value, bar)) {
        yaml_problem(p, node->mark,
                     "'%s' is not CASE.QUANTITY [/ CASE.QUANTITY]", value);
    } else if (!bench_case(b, bar->over.case_name) ||
               (bar->under.case_name && !bench_case(b, bar->under.case_name))) {
        yaml_problem(p, node->mark, "'%s' names a case that is not there",
                     value);
    }
}

static void read_bars(Bench *b, const YamlNode *root, YamlProblems *p)
{
    const YamlNode *list =
        root->kind == YAML_MAPPING ? yaml_get(root, "bars") : NULL;

    if (!list || list->kind != YAML_SEQUENCE) {
        yaml_problem(p, root->mark, "a list 'bars' is missing");
        return;
    }
    for (guint i = 0; i < list->items->len; i++) {
        read_bar(b, list->items->pdata[i], p);
    }
}

/* `peer: CASE` for all others, or `peers: {CASE: CASE}`. */
static void read_peers(Bench *b, const YamlNode *root, YamlProblems *p)
{
    const YamlNode *each = yaml_get(root, "peers");
    const char *one = each ? NULL : text(root, "peer", p);

    if (one && !bench_case(b, one)) {
        yaml_problem(p, root->mark, "the peer '%s' is no case", one);
    }
    for (guint i = 0; one && i < b->cases->len; i++) {
        BenchCase *c = b->cases->pdata[i];

        c->peer = strcmp(c->name, one) ? g_strdup(one) : NULL;
    }
    if (each && each->kind != YAML_MAPPING) {
        yaml_problem(p, each->mark, "'peers' is a mapping of cases to cases");
        return;
    }
    for (guint i = 0; each && i < each->keys->len; i++) {
        const YamlNode *key = each->keys->pdata[i];
        const char *peer = text(each, key->text, p);
        BenchCase *c = bench_case(b, key->text);

        if (!c || !peer || !bench_case(b, peer)) {
            yaml_problem(p, key->mark, "'%s' or its peer is no case",
                         key->text);
        } else {
            c->peer = g_strdup(peer);
        }
    }
}

static void add_case(Bench *b, const char *name, char *scenario)
{
    BenchCase *c = g_new0(BenchCase, 1);

    c->name = g_strdup(name);
    c->scenario = scenario;
    c->samples = g_array_new(FALSE, FALSE, sizeof(BenchSample));
    g_ptr_array_add(b->cases, c);
}

static void read_cases(Bench *b, const char *dir, const YamlNode *root,
                       YamlProblems *p)
{
    const YamlNode *cases = yaml_get(root, "cases");

    if (!cases || cases->kind != YAML_MAPPING) {
        yaml_problem(p, root->mark, "a mapping 'cases' is missing");
        return;
    }
    for (guint i = 0; i < cases->keys->len; i++) {
        const YamlNode *key = cases->keys->pdata[i];
        const char *file = text(cases, key->text, p);

        if (file) {
            add_case(b, key->text,
                     b->program ? g_strdup(file)
                                : g_build_filename(dir, file, NULL));
        }
    }
}

static void read_bench(Bench *b, const char *dir, const YamlNode *root,
                       YamlProblems *p)
{
    static const char *const keys[] = { "title",  "peer",       "peers",
                                        "rounds", "short_load", "long_load",
                                        "count",  "kind",       "cases",
                                        NULL };
    const char *rounds, *kind;

    if (root->kind != YAML_MAPPING) {
        yaml_problem(p, root->mark, "a bench is a mapping");
        return;
    }
    known_keys(root, keys, p);
    b->title = g_strdup(text(root, "title", p));
    kind = yaml_get(root, "kind") ? text(root, "kind", p) : "scenario";
    b->program = kind && strcmp(kind, "program") == 0;
    b->validation = kind && strcmp(kind, "validation") == 0;
    if (kind && !b->program && !b->validation && strcmp(kind, "scenario")) {
        yaml_problem(p, root->mark,
                     "'kind' is scenario, program or validation");
    }
    if (!b->program && !b->validation) {
        b->short_load = g_strdup(text(root, "short_load", p));
        b->long_load = g_strdup(text(root, "long_load", p));
        b->count = g_strdup(text(root, "count", p));
    }
    rounds = text(root, "rounds", p);
    b->rounds = rounds ? (unsigned)g_ascii_strtoull(rounds, NULL, 10) : 0;
    if (rounds && (b->rounds == 0 || b->rounds > MAX_ROUNDS)) {
        yaml_problem(p, root->mark, "'rounds' is from 1 to %u", MAX_ROUNDS);
    }
    if (b->validation) {
        add_case(b, "required", g_strdup(""));
        add_case(b, "all", g_strdup(""));
    } else {
        read_cases(b, dir, root, p);
        read_peers(b, root, p);
    }
}

/* @bars: the file with bars, else the definition. */
static bool read_file(Bench *b, const char *dir, const char *file, bool bars,
                      GError **errp)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autofree char *content = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(YamlNode) root = NULL;
    g_auto(YamlProblems) problems = { 0 };
    gsize len;

    if (!g_file_get_contents(path, &content, &len, NULL)) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_USAGE,
                    "no bench '%s': there is no %s", b->name, path);
        return false;
    }
    bytes = g_bytes_new(content, len);
    yaml_problems_init(&problems, path, bytes);
    root = yaml_tree_read(&problems);
    if (root && bars) {
        read_bars(b, root, &problems);
    } else if (root) {
        read_bench(b, dir, root, &problems);
    }
    if (problems.list->len || !root) {
        g_autofree char *message = yaml_problems_text(&problems);

        g_set_error_literal(errp, BENCH_ERROR, BENCH_ERROR_USAGE, message);
        return false;
    }
    return true;
}

Bench *bench_load(const char *dir, const char *name, GError **errp)
{
    g_autoptr(Bench) b = g_new0(Bench, 1);
    g_autofree char *file = g_strdup_printf("%s.yaml", name);

    b->name = g_strdup(name);
    b->cases = g_ptr_array_new_with_free_func(case_free);
    b->bars = g_ptr_array_new_with_free_func(bar_free);
    if (!read_file(b, dir, file, false, errp) ||
        !read_file(b, dir, "bars.yaml", true, errp)) {
        return NULL;
    }
    return g_steal_pointer(&b);
}
