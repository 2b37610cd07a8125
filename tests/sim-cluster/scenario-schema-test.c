/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario-schema-test.c: what is written about the language is what the
 * program reads: docs/scenario.schema.json, docs/scenario.md, the defaults.
 */
#include "scenario_fixture.h"

#include <string.h>

#include <json-glib/json-glib.h>

#include "scenario_tables.h"

static void test_schema_file(void **state)
{
    g_autofree char *file = fixture_read("docs/scenario.schema.json");
    g_autofree char *made = schema_json(&scenario_table);

    (void)state;
    if (strcmp(file, made) != 0) {
        fail_msg("docs/scenario.schema.json is old: make it anew with "
                 "`outrigger schema`");
    }
}

static void test_reference(void **state)
{
    g_autofree char *file = fixture_read("docs/scenario.md");
    g_autofree char *made = scenario_reference();

    (void)state;
    if (!strstr(file, made)) {
        fail_msg("the reference in docs/scenario.md is old: make it anew "
                 "with `outrigger schema --reference`");
    }
}

/* The example at the top of the page is a scenario. */
static void test_example(void **state)
{
    g_autofree char *file = fixture_read("docs/scenario.md");
    char *begin = strstr(file, "```yaml\n"), *end;
    g_autoptr(Scenario) s = NULL;

    (void)state;
    assert_non_null(begin);
    begin += strlen("```yaml\n");
    end = strstr(begin, "```");
    assert_non_null(end);
    *end = 0;
    s = scenario_must(begin, NULL);
    assert_string_equal(s->name, "hello");
}

/* ---- tables -------------------------------------------------------------- */

typedef void (*TableFn)(const SchemaTable *table, void *opaque);

static void walk(const SchemaTable *table, GHashTable *seen, TableFn fn,
                 void *opaque)
{
    if (!table || !g_hash_table_add(seen, (void *)table)) {
        return;
    }
    fn(table, opaque);
    for (const SchemaVariant *v = table->variants; v && v->word; v++) {
        walk(v->table, seen, fn, opaque);
    }
    for (const SchemaField *f = table->fields; f && f->key; f++) {
        walk(f->table, seen, fn, opaque);
    }
}

static void walk_all(TableFn fn, void *opaque)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    walk(&scenario_table, seen, fn, opaque);
}

static void check_documented(const SchemaTable *table, void *opaque)
{
    const char *text = opaque;
    g_autofree char *heading = g_strdup_printf("\n### %s\n", table->name);

    assert_non_null(strstr(text, heading));
    assert_true(*table->doc);
    for (const SchemaField *f = table->fields; f && f->key; f++) {
        g_autofree char *row = g_strdup_printf("\n| `%s` |", f->key);

        assert_true(f->doc && *f->doc);
        assert_non_null(strstr(text, row));
    }
}

static void test_every_key_documented(void **state)
{
    g_autofree char *file = fixture_read("docs/scenario.md");

    (void)state;
    walk_all(check_documented, file);
}

/* Mistakes in rows that the compiler does not see. */
static void check_rows(const SchemaTable *table, void *opaque)
{
    (void)opaque;
    assert_true(!table->fields != !table->variants);
    for (const SchemaField *f = table->fields; f && f->key; f++) {
        assert_ptr_equal(schema_field(table, f->key), f); /* not twice */
        assert_true(f->offset < table->size);
        assert_int_equal(f->type == SCHEMA_ENUM, f->choices != NULL);
        assert_int_equal(f->type == SCHEMA_SCALAR, f->scalar != NULL);
        assert_int_equal(f->type == SCHEMA_PAIRS, f->pairs != NULL);
        assert_int_equal(f->type == SCHEMA_VALUE, f->value != NULL);
        assert_int_equal(f->type == SCHEMA_OBJECT || f->type == SCHEMA_MAP ||
                             f->type == SCHEMA_LIST,
                         f->table != NULL);
        if (f->type == SCHEMA_MAP) {
            assert_true(f->table->name_offset > 0);
        }
        if ((f->flags & SCHEMA_REQUIRED) && f->fallback) {
            fail_msg("%s.%s is required and has a default", table->name,
                     f->key);
        }
    }
}

static void test_rows(void **state)
{
    (void)state;
    walk_all(check_rows, NULL);
}

/* Words and variants are indexed by the enums of scenario.h. */
static void test_enums(void **state)
{
    (void)state;
    assert_int_equal(SCN_VERBS, 14);
    assert_string_equal(scn_verb_name(SCN_STEP_BOOT), "boot");
    assert_string_equal(scn_verb_name(SCN_STEP_FAULT), "fault");
    assert_string_equal(scn_verb_name(SCN_STEP_START), "start");
    assert_string_equal(scn_verb_name(SCN_STEP_RESTORE), "restore");
    assert_null(step_table.variants[SCN_VERBS].word);
    assert_string_equal(scn_fault_name(SCN_FAULT_CLEAR), "clear");
    assert_string_equal(scn_card_op_name(SCN_CARD_UPDATE), "update");
    assert_string_equal(scn_compare_name(SCN_BETWEEN), "between");
    assert_string_equal(scn_mode_name(SCN_MODE_UNTIMED), "untimed");
    for (int i = 0; scn_fault_words[i]; i++) {
        assert_string_equal(fault_table.variants[i].word, scn_fault_words[i]);
    }
    for (int i = 0; scn_card_op_words[i]; i++) {
        assert_string_equal(card_step_table.variants[i].word,
                            scn_card_op_words[i]);
    }
    for (Unit unit = 0; unit < UNITS; unit++) {
        assert_non_null(scn_unit_words[unit]);
    }
    assert_string_equal(scn_unit_words[UNIT_RATE], "rate");
    assert_string_equal(scn_unit_words[UNIT_TEXT], "text");
}

/* ---- the JSON schema points only to what it defines ----------------------- */

static void check_refs(JsonNode *node, JsonObject *definitions)
{
    if (JSON_NODE_HOLDS_ARRAY(node)) {
        JsonArray *array = json_node_get_array(node);

        for (unsigned i = 0; i < json_array_get_length(array); i++) {
            check_refs(json_array_get_element(array, i), definitions);
        }
    } else if (JSON_NODE_HOLDS_OBJECT(node)) {
        JsonObject *object = json_node_get_object(node);
        g_autoptr(GList) names = json_object_get_members(object);

        for (GList *l = names; l; l = l->next) {
            check_refs(json_object_get_member(object, l->data), definitions);
        }
        if (json_object_has_member(object, "$ref")) {
            const char *ref = json_object_get_string_member(object, "$ref");

            assert_true(g_str_has_prefix(ref, "#/definitions/"));
            assert_true(json_object_has_member(definitions,
                                               ref + strlen("#/definitions/")));
        }
    }
}

static void test_refs(void **state)
{
    g_autofree char *text = schema_json(&scenario_table);
    g_autoptr(JsonNode) root = json_from_string(text, NULL);

    (void)state;
    assert_non_null(root);
    check_refs(root, json_object_get_object_member(json_node_get_object(root),
                                                   "definitions"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_file),
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_every_key_documented),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_enums),
        cmocka_unit_test(test_refs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
