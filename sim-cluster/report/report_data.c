/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_data.c: summary.json of a run directory as C structs;
 * report_collect.c adds what events.ndjson says.
 */
#include "report_data.h"
#include "report_collect.h"
#include "report_format.h"

#include <string.h>

#define TEXT(object, name) report_json_text(object, name, "")

static void interface_free(void *p)
{
    ReportInterface *i = p;

    for (unsigned d = 0; d < REPORT_DIRECTIONS; d++) {
        hist_free(i->latency[d]);
    }
    hist_free(i->waited);
    g_free(i->label);
    g_free(i);
}

static void expect_free(void *p)
{
    ReportExpect *e = p;

    g_free(e->value);
    g_free(e->actual);
    g_free(e);
}

static void card_free(void *p)
{
    ReportCard *c = p;

    g_array_unref(c->counters);
    g_free(c);
}

void report_data_free(ReportData *d)
{
    if (!d) {
        return;
    }
    g_ptr_array_unref(d->expectations);
    g_ptr_array_unref(d->steps);
    g_ptr_array_unref(d->interfaces);
    g_ptr_array_unref(d->drives);
    g_ptr_array_unref(d->cards);
    g_array_unref(d->loads);
    g_array_unref(d->done);
    g_array_unref(d->waits);
    g_array_unref(d->marks);
    g_clear_object(&d->summary);
    g_free(d->seed);
    g_free(d->dir);
    g_free(d);
}

static ReportData *data_new(const char *run_dir)
{
    ReportData *d = g_new0(ReportData, 1);

    d->dir = g_strdup(run_dir);
    d->expectations = g_ptr_array_new_with_free_func(expect_free);
    d->steps = g_ptr_array_new_with_free_func(g_free);
    d->interfaces = g_ptr_array_new_with_free_func(interface_free);
    d->drives = g_ptr_array_new_with_free_func(g_free);
    d->cards = g_ptr_array_new_with_free_func(card_free);
    d->loads = g_array_new(FALSE, FALSE, sizeof(ReportLoad));
    d->done = g_array_new(FALSE, FALSE, sizeof(ReportDone));
    d->waits = g_array_new(FALSE, FALSE, sizeof(ReportWait));
    d->marks = g_array_new(FALSE, FALSE, sizeof(ReportMark));
    return d;
}

/* Only an upper or lower limit can be approached; @op as in the scenario. */
static int load_permille(JsonObject *o, const char *op)
{
    bool upper = g_str_equal(op, "below") || g_str_equal(op, "at_most");
    uint64_t limit = report_json_u64(o, "value");
    uint64_t actual = report_json_u64(o, "actual");

    if (limit == 0 || !json_object_has_member(o, "actual") ||
        json_object_get_null_member(o, "actual") ||
        !(upper || g_str_equal(op, "above") || g_str_equal(op, "at_least"))) {
        return -1;
    }
    return (int)MIN((unsigned __int128)actual * 1000 / limit, 1000000);
}

static void load_expectations(ReportData *d)
{
    JsonArray *list = report_json_array(d->root, "expectations");

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *o = report_json_element(list, i);
        ReportExpect *e;
        const char *unit;

        if (!o) {
            continue;
        }
        unit = TEXT(o, "unit");
        e = g_new0(ReportExpect, 1);
        e->id = TEXT(o, "id");
        e->metric = TEXT(o, "metric");
        e->op = TEXT(o, "op");
        e->place = TEXT(o, "place");
        e->text = TEXT(o, "text");
        e->value = report_json_value(o, "value", unit);
        e->actual = report_json_value(o, "actual", unit);
        e->load_permille = load_permille(o, e->op);
        e->held = json_object_get_boolean_member_with_default(o, "held", FALSE);
        if (json_object_has_member(o, "high")) {
            g_autofree char *low = g_steal_pointer(&e->value);
            g_autofree char *high = report_json_value(o, "high", unit);

            e->value = g_strdup_printf("%s and %s", low, high);
        }
        g_ptr_array_add(d->expectations, e);
    }
}

static void load_steps(ReportData *d)
{
    JsonArray *list = report_json_array(d->root, "steps");

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *o = report_json_element(list, i);
        ReportStep *s;

        if (!o) {
            continue;
        }
        s = g_new0(ReportStep, 1);
        s->index = (unsigned)report_json_u64(o, "index");
        s->verb = TEXT(o, "verb");
        s->handle = TEXT(o, "handle");
        s->node = TEXT(o, "node");
        s->status = TEXT(o, "status");
        s->detail = TEXT(o, "detail");
        s->begin_ps = report_json_u64(o, "begin_ps");
        s->end_ps = MAX(report_json_u64(o, "end_ps"), s->begin_ps);
        d->end_ps = MAX(d->end_ps, s->end_ps);
        g_ptr_array_add(d->steps, s);
    }
}

static void load_counters(ReportCard *c)
{
    JsonArray *list = report_json_array(c->query, "counters");

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *o = report_json_element(list, i);

        if (o) {
            ReportCounter counter = { .name = TEXT(o, "name"),
                                      .unit = TEXT(o, "unit"),
                                      .value = report_json_u64(o, "value") };

            g_array_append_val(c->counters, counter);
        }
    }
}

static void load_cards(ReportData *d)
{
    JsonObject *nodes = report_json_object(d->root, "nodes");
    g_autoptr(GList) names = nodes ? json_object_get_members(nodes) : NULL;

    for (GList *l = names; l; l = l->next) {
        JsonObject *node = report_json_object(nodes, l->data);
        JsonObject *query = report_json_object(node, "card");
        ReportCard *c;

        if (!query) {
            continue;
        }
        c = g_new0(ReportCard, 1);
        c->node = g_intern_string(l->data);
        c->name = report_json_text(query, "id", "card0");
        c->version = TEXT(query, "version");
        c->timing = TEXT(query, "timing");
        c->query = query;
        c->counters = g_array_new(FALSE, FALSE, sizeof(ReportCounter));
        load_counters(c);
        g_ptr_array_add(d->cards, c);
    }
}

/* The seed may be beyond what a JSON number carries: number or text. */
static char *seed_text(JsonObject *root)
{
    const char *text = report_json_text(root, "seed", NULL);

    return text ? g_strdup(text)
                : g_strdup_printf("%" G_GUINT64_FORMAT,
                                  report_json_u64(root, "seed"));
}

static bool load_summary(ReportData *d, GError **errp)
{
    g_autofree char *path = g_build_filename(d->dir, "summary.json", NULL);
    g_autoptr(GError) err = NULL;
    JsonNode *root;

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_set_error(errp, REPORT_ERROR, REPORT_ERROR_MISSING,
                    "%s: there is no summary.json; is this a run directory?",
                    d->dir);
        return false;
    }
    d->summary = json_parser_new_immutable();
    if (!json_parser_load_from_file(d->summary, path, &err)) {
        g_set_error(errp, REPORT_ERROR, REPORT_ERROR_INVALID, "%s: %s", path,
                    err->message);
        return false;
    }
    root = json_parser_get_root(d->summary);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error(errp, REPORT_ERROR, REPORT_ERROR_INVALID,
                    "%s: not a JSON object", path);
        return false;
    }
    d->root = json_node_get_object(root);
    d->scenario = report_json_text(d->root, "scenario", "unnamed");
    d->description = TEXT(d->root, "description");
    d->verdict = report_json_text(d->root, "verdict", "error");
    d->reason = TEXT(d->root, "reason");
    d->mode = TEXT(d->root, "mode");
    d->replay = TEXT(d->root, "replay");
    d->trace_hash = TEXT(d->root, "trace_hash");
    d->seed = seed_text(d->root);
    return true;
}

ReportData *report_data_load(const char *run_dir, GError **errp)
{
    g_autoptr(ReportData) d = data_new(run_dir);

    if (!load_summary(d, errp)) {
        return NULL;
    }
    load_expectations(d);
    load_steps(d);
    load_cards(d);
    if (!report_collect(d, errp)) {
        return NULL;
    }
    d->end_ps = MAX(d->end_ps, report_json_u64(d->root, "sim_ps"));
    return g_steal_pointer(&d);
}

uint64_t report_if_commands(const ReportInterface *i)
{
    uint64_t sum = 0;

    for (unsigned d = 0; d < REPORT_DIRECTIONS; d++) {
        sum += i->commands[d];
    }
    return sum;
}

uint64_t report_if_bytes(const ReportInterface *i)
{
    return i->bytes[REPORT_READ] + i->bytes[REPORT_WRITE];
}

const char *report_direction_name(ReportDirection direction)
{
    static const char *const names[] = { "read", "write", "other" };

    return names[direction];
}
