/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_json.c: the rows for programs, and what bars are held against.
 */
#include "validate_priv.h"

#include <json-glib/json-glib.h>

#include "bench.h"

static void text(JsonBuilder *j, const char *name, const char *value)
{
    json_builder_set_member_name(j, name);
    json_builder_add_string_value(j, value);
}

static void milli(JsonBuilder *j, const char *name, int64_t value)
{
    json_builder_set_member_name(j, name);
    json_builder_add_double_value(j, (double)value / 1000);
}

static void boolean(JsonBuilder *j, const char *name, bool value)
{
    json_builder_set_member_name(j, name);
    json_builder_add_boolean_value(j, value);
}

static void row_json(JsonBuilder *j, const ValidateRow *row)
{
    const ValidateTarget *t = row->target;

    json_builder_begin_object(j);
    text(j, "id", t->id);
    text(j, "source", t->source);
    text(j, "setup", t->setup);
    text(j, "quantity", t->quantity);
    text(j, "unit", t->unit);
    milli(j, "theirs_low", t->low);
    milli(j, "theirs_high", t->high);
    boolean(j, "required", row->required);
    boolean(j, "present", row->present);
    if (row->present) {
        milli(j, "ours", row->ours);
        milli(j, "deviation_percent",
              validate_deviation_permille(t, row->ours) * 100);
        boolean(j, "within", validate_within(t, row->ours));
    }
    if (row->why) {
        text(j, "why", row->why);
    }
    json_builder_end_object(j);
}

char *validation_json(const Validation *v, const Bench *bench)
{
    g_autoptr(JsonBuilder) j = json_builder_new();
    g_autoptr(JsonNode) root = NULL;

    json_builder_begin_object(j);
    text(j, "bench", bench->name);
    json_builder_set_member_name(j, "rows");
    json_builder_begin_array(j);
    for (guint i = 0; i < validation_row_count(v); i++) {
        row_json(j, validation_row(v, i));
    }
    json_builder_end_array(j);
    bench_bars_json(bench, j);
    json_builder_end_object(j);
    root = json_builder_get_root(j);
    return json_to_string(root, TRUE);
}

/* ---- for the bars -------------------------------------------------------- */

static void put(Bench *b, const char *name, BenchQuantity q, double value)
{
    BenchSample sample = { 0 };
    GArray *samples = bench_case(b, name)->samples;

    if (!samples->len) {
        g_array_append_val(samples, sample);
    }
    g_array_index(samples, BenchSample, 0).value[q] = value;
}

void validation_measure(const Validation *v, Bench *bench)
{
    ValidateJudgement j;

    validation_judge(v, &j);
    put(bench, "required", BENCH_WITHIN_5_PERCENT,
        j.required ? 100.0 * j.within / j.required : 0);
    put(bench, "required", BENCH_MISSING_ROWS, j.missing);
    put(bench, "all", BENCH_UNEXPLAINED_ROWS, j.unexplained);
}
