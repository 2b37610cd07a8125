/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_summary.c: summary.json (docs/run-directory.md).
 */
#include "run_net.h"
#include "run_result.h"

#include <string.h>

#define SUMMARY_FORMAT 1

/* ---- values ------------------------------------------------------------ */

static void set_value(JsonObject *o, const char *name, const ScnValue *v)
{
    switch (v->unit) {
    case UNIT_TEXT:
        json_object_set_string_member(o, name, v->text);
        break;
    case UNIT_BOOL:
        json_object_set_boolean_member(o, name, v->number != 0);
        break;
    default:
        json_object_set_int_member(o, name, v->number);
    }
}

/* Beyond what a JSON number carries: as text. */
static void set_u64(JsonObject *o, const char *name, uint64_t value)
{
    if (value <= G_MAXINT64) {
        json_object_set_int_member(o, name, (gint64)value);
    } else {
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);

        json_object_set_string_member(o, name, text);
    }
}

static void set_text(JsonObject *o, const char *name, const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value ? value : "", -1);

    json_object_set_string_member(o, name, valid);
}

/* ---- before the run ---------------------------------------------------- */

/* What belongs to a run as a whole, not to one execution of it. */
static void add_repetitions(GString *s, const Scenario *scn,
                            const RunOptions *options)
{
    unsigned further = options->seeds ? options->seeds->len : 0;

    for (unsigned i = 0; i < further; i++) {
        if (g_ptr_array_index(options->seeds, i) == scn) {
            return; /* one seed of several: once */
        }
    }
    if (scn->control) {
        return;
    }
    if (options->repeat > 1) {
        g_string_append_printf(s, " --repeat %u", options->repeat);
    }
    if (further) {
        g_string_append_printf(s, " --seeds %u", further + 1);
    }
    if (options->controls) {
        g_string_append(s, " --controls");
    }
}

/* The command line that does the same again; a control's sets are options. */
static char *replay_line(const Scenario *scn, const RunOptions *options)
{
    g_autofree char *file = g_shell_quote(scn->file);
    g_autoptr(GString) s = g_string_new("outrigger run ");
    const char *plain = scn->file + strcspn(scn->file, " '\"\\$`;&|<>()*?#~");

    g_string_append(s, *plain ? file : scn->file);
    g_string_append_printf(s, " --seed %" G_GUINT64_FORMAT "%s", scn->seed,
                           options->replay_args ? options->replay_args : "");
    add_repetitions(s, scn, options);
    for (unsigned i = 0; scn->control && i < scn->controls->len; i++) {
        const ScnControl *c = g_ptr_array_index(scn->controls, i);

        for (unsigned k = 0;
             strcmp(c->name, scn->control) == 0 && k < c->set->len; k++) {
            const ScnSet *set = g_ptr_array_index(c->set, k);
            g_autofree char *word =
                g_strdup_printf("%s=%s", set->path, set->value);
            g_autofree char *quoted = g_shell_quote(word);

            g_string_append_printf(s, " --set %s", quoted);
        }
    }
    return g_strdup(s->str);
}

JsonObject *run_summary_new(const Scenario *scn, const RunOptions *options)
{
    JsonObject *o = json_object_new();
    JsonObject *capture = json_object_new();
    g_autofree char *replay = replay_line(scn, options);

    json_object_set_int_member(o, "format", SUMMARY_FORMAT);
    set_text(o, "scenario", scn->name);
    set_text(o, "description", scn->description);
    set_u64(o, "seed", scn->seed);
    set_text(o, "mode", scn_mode_name(scn->time->mode));
    json_object_set_boolean_member(o, "quick", scn->quick_applied);
    json_object_set_boolean_member(capture, "trace", scn->capture->trace);
    json_object_set_object_member(o, "capture", capture);
    set_text(o, "verdict", "error");
    json_object_set_int_member(o, "exit_code", EXIT_TESTBED);
    set_text(o, "reason", "");
    set_text(o, "replay", replay);
    set_text(o, "trace_hash", "");
    json_object_set_array_member(o, "expectations", json_array_new());
    json_object_set_array_member(o, "steps", json_array_new());
    json_object_set_array_member(o, "controls", json_array_new());
    json_object_set_int_member(o, "controls_run", 0);
    json_object_set_array_member(o, "skipped", json_array_new());
    json_object_set_int_member(o, "repeat", 1);
    json_object_set_null_member(o, "repeat_equal");
    json_object_set_object_member(o, "events", json_object_new());
    json_object_set_object_member(o, "metrics", json_object_new());
    json_object_set_object_member(o, "versions", json_object_new());
    json_object_set_object_member(o, "nodes", json_object_new());
    return o;
}

/* ---- parts ------------------------------------------------------------- */

static JsonObject *expectation(const ExpectResult *r)
{
    const ScnExpect *e = r->expect;
    const ScnPredicate *p = &e->predicate;
    JsonObject *o = json_object_new();
    g_autofree char *place = scenario_place(&e->obj, NULL);

    set_text(o, "id", e->id);
    set_text(o, "metric", p->metric);
    set_text(o, "op", scn_compare_name(p->compare));
    set_value(o, "value", &p->value);
    if (p->compare == SCN_BETWEEN) {
        set_value(o, "high", &p->high);
    }
    set_text(o, "unit", unit_base_name(p->value.unit));
    if (r->measured) {
        set_value(o, "actual", &r->actual);
    } else {
        json_object_set_null_member(o, "actual");
        set_text(o, "reason", "not measured");
    }
    json_object_set_boolean_member(o, "held", r->held);
    if (r->measured && !r->held) {
        json_object_set_int_member(o, "margin", r->margin);
    }
    set_text(o, "place", place);
    set_text(o, "text", r->text);
    return o;
}

static JsonArray *expectations(const RunResult *r)
{
    JsonArray *a = json_array_new();

    for (unsigned i = 0; i < r->expectations->len; i++) {
        json_array_add_object_element(
            a, expectation(g_ptr_array_index(r->expectations, i)));
    }
    return a;
}

static JsonArray *steps(const Execution *x)
{
    JsonArray *a = json_array_new();

    for (unsigned i = 0; i < x->steps->len; i++) {
        const StepRun *s = g_ptr_array_index(x->steps, i);
        JsonObject *o = json_object_new();

        json_object_set_int_member(o, "index", s->scn->index);
        set_text(o, "verb", scn_verb_name(s->scn->verb));
        set_text(o, "handle", s->scn->as);
        set_text(o, "node", s->scn->node);
        set_u64(o, "begin_ps", s->begin_ps);
        set_u64(o, "end_ps", s->end_ps);
        set_text(o, "status", step_status_name(s->status));
        set_text(o, "detail", s->detail);
        json_array_add_object_element(a, o);
    }
    return a;
}

static void add_skipped(JsonArray *a, const char *what, const char *reason)
{
    JsonObject *o = json_object_new();

    set_text(o, "what", what);
    set_text(o, "reason", reason);
    json_array_add_object_element(a, o);
}

static JsonArray *skipped(const Execution *x)
{
    JsonArray *a = json_array_new();

    for (unsigned i = 0; i < x->steps->len; i++) {
        const StepRun *s = g_ptr_array_index(x->steps, i);

        if (s->status == STEP_NOT_RUN) {
            g_autofree char *title = step_title(s);

            add_skipped(a, title, "an earlier step ended the run");
        }
    }
    for (unsigned i = 0; x->stopped && i < x->scn->expect->len; i++) {
        const ScnExpect *e = g_ptr_array_index(x->scn->expect, i);

        add_skipped(a, e->id, "the run was stopped by --until");
    }
    return a;
}

static void add_count(void *opaque, const char *kind, uint64_t count)
{
    set_u64(opaque, kind, count);
}

static JsonObject *events(const Execution *x)
{
    JsonObject *o = json_object_new();

    event_log_foreach_count(x->events, add_count, o);
    return o;
}

static JsonObject *metrics(const Execution *x)
{
    JsonObject *all = json_object_new();

    for (unsigned i = 0; i < metrics_store_count(x->metrics); i++) {
        const Metric *m = metrics_store_at(x->metrics, i);
        JsonObject *o = json_object_new();

        set_value(o, "value", &m->value);
        set_text(o, "unit", unit_base_name(m->value.unit));
        json_object_set_object_member(all, m->name, o);
    }
    return all;
}

/* query-offload's answer, with what readers want to find beside it. */
static JsonObject *card(const Execution *x, const RunNode *n)
{
    JsonObject *o = n->query;
    JsonArray *list = json_object_get_array_member(o, "interfaces");
    bool untimed = x->scn->time->mode == SCN_MODE_UNTIMED;
    static const char *const limits[] = { "iops", "burst-ios",
                                          "bytes-per-second", "burst-bytes" };

    set_text(o, "id", HOST_CARD);
    set_text(o, "timing", untimed ? "untimed" : "model");
    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *vif = json_array_get_object_element(list, i);
        JsonObject *limit = json_object_new();

        for (unsigned k = 0; k < G_N_ELEMENTS(limits); k++) {
            json_object_set_int_member(
                limit, limits[k],
                json_object_get_int_member_with_default(vif, limits[k], 0));
        }
        json_object_set_object_member(vif, "limits", limit);
    }
    return json_object_ref(o);
}

static JsonObject *nodes(const Execution *x)
{
    JsonObject *all = json_object_new();

    for (unsigned i = 0; i < x->nodes->len; i++) {
        RunNode *n = g_ptr_array_index(x->nodes, i);
        JsonObject *o = json_object_new();

        json_object_set_int_member(o, "processes", host_processes(n->host));
        json_object_set_int_member(o, "boots", n->boots);
        set_text(o, "kernel", agent_kernel(host_agent(n->host)));
        set_u64(o, "agent_garbage_lines",
                agent_garbage_lines(host_agent(n->host)));
        if (n->query) {
            json_object_set_object_member(o, "card", card(x, n));
        }
        json_object_set_object_member(all, host_name(n->host), o);
    }
    return all;
}

static JsonObject *versions(const Execution *x)
{
    JsonObject *o = json_object_new();
    const RunNode *n = x->nodes->len ? g_ptr_array_index(x->nodes, 0) : NULL;

    set_text(o, "project", OUTRIGGER_VERSION);
    set_text(o, "qemu", n ? host_qemu_version(n->host) : "");
    set_text(o, "kernel", x->install->kernel_release);
    set_text(o, "guest", x->install->guest_key);
    return o;
}

static JsonObject *stream_hashes(const Execution *x)
{
    JsonObject *o = json_object_new();
    g_autoptr(GList) names = trace_hash_names(x->hash);

    for (GList *l = names; l; l = l->next) {
        g_autofree char *hex = trace_hash_stream(x->hash, l->data);

        set_text(o, l->data, hex);
    }
    return o;
}

void run_summary_fill(JsonObject *o, Execution *x, const RunResult *r)
{
    gint64 wall_us = x->end_wall_us - x->begin_wall_us;

    set_text(o, "trace_hash", r->trace_hash);
    json_object_set_object_member(o, "hashes", stream_hashes(x));
    json_object_set_array_member(o, "expectations", expectations(r));
    json_object_set_array_member(o, "steps", steps(x));
    json_object_set_array_member(o, "skipped", skipped(x));
    json_object_set_object_member(o, "events", events(x));
    json_object_set_object_member(o, "metrics", metrics(x));
    json_object_set_object_member(o, "versions", versions(x));
    json_object_set_object_member(o, "nodes", nodes(x));
    json_object_set_object_member(o, "network", run_net_summary(x));
    set_u64(o, "sim_ps", x->now_ps);
    json_object_set_int_member(o, "wall_ns", wall_us * 1000);
}
