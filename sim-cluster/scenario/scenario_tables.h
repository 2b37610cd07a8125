/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_tables.h: the tables of the scenario language, for the files that
 * read, check, write and document it.
 */
#ifndef OUTRIGGER_SCENARIO_TABLES_H
#define OUTRIGGER_SCENARIO_TABLES_H

#include "schema.h"

extern const SchemaTable scenario_table; /* the file */
extern const SchemaTable host_table;     /* scenario_tables_node.c */
extern const SchemaTable node_table;
extern const SchemaTable drive_table;
extern const SchemaTable limits_table;
extern const SchemaTable network_table; /* scenario_tables_net.c */
extern const SchemaTable vnic_table;
extern const SchemaTable balancing_table; /* scenario_balancing.c */
extern const SchemaTable switch_table;
extern const SchemaTable modelled_table;
extern const SchemaTable gateway_table;
extern const SchemaTable link_table;
extern const SchemaTable fabric_table;
extern const SchemaTable traffic_table;
extern const SchemaTable fio_table; /* scenario_tables_load.c */
extern const SchemaTable iperf_table;
extern const SchemaTable ping_table;
extern const SchemaTable exec_table;
extern const SchemaTable load_table;
extern const SchemaTable fault_table; /* scenario_tables_fault.c */
extern const SchemaTable card_step_table;
extern const SchemaTable step_table;   /* scenario_tables_step.c */
extern const SchemaTable expect_table; /* scenario_tables.c */
extern const SchemaTable control_table;

/* Words of the enums of scenario.h, NULL-terminated, in the enums' order. */
extern const char *const scn_mode_words[];
extern const char *const scn_layout_words[];
extern const char *const scn_fault_words[];
extern const char *const scn_card_op_words[];
extern const char *const scn_compare_words[];
extern const char *const scn_unit_words[];
extern const char *const scn_node_words[];
extern const char *const scn_geometry_words[];
extern const char *const scn_fec_words[];
extern const char *const scn_fabric_words[];
extern const char *const scn_pattern_words[];

/* scenario_scalars.c */
extern const SchemaScalar scn_bandwidth_scalar; /* uint64_t, bytes a second */
extern const SchemaScalar scn_nsid_scalar;      /* unsigned */
extern const SchemaScalar scn_exit_scalar;      /* int */
extern const SchemaPairs scn_namespace_pairs;   /* ScnNamespace */
extern const SchemaPairs scn_set_pairs;         /* ScnSet */
extern const SchemaPairs scn_option_pairs;      /* char *: "key=value" */

/* scenario_scalars_net.c: uint64_t each, but ScnCidr */
extern const SchemaScalar scn_length_scalar;      /* um */
extern const SchemaScalar scn_setbacks_scalar;    /* ScnSetbacks */
extern const SchemaScalar scn_loss_scalar;        /* thousandths of a dB */
extern const SchemaScalar scn_attenuation_scalar; /* the same, an inch */
extern const SchemaScalar scn_ber_scalar;         /* in 10^18 */
extern const SchemaScalar scn_cidr_scalar;

/* Values whose type depends on a metric: see scenario_predicate.c. */
extern const char scn_value_json[];
extern const char scn_between_json[];
char *scn_predicate_value(const ScnObject *obj, const char *key);
char *scn_break_value(const ScnObject *obj, const char *key);
char *scn_extract_value(const ScnObject *obj, const char *key);
void scn_predicate_clear(ScnPredicate *p);
void scenario_clear(void *scenario); /* members without a row */

/* The reference part of docs/scenario.md: every table, unit and metric. Caller
 * frees. scenario_reference.c */
char *scenario_reference(void);

/* Rows that most steps share. */
#define AT(type, member) .offset = offsetof(type, member)
/* clang-format off */
#define STEP_ROW_AS                                                       \
    { "as", SCHEMA_NAME, AT(ScnStep, as),                                 \
      .doc = "handle: the name of this step in metrics, in later steps "  \
             "and in reports; step-N when left out" }
#define STEP_ROW_NODE                                                     \
    { "node", SCHEMA_NAME, AT(ScnStep, node), .flags = SCHEMA_REQUIRED,   \
      .doc = "the node it happens on" }
#define STEP_ROW_WITHIN(text)                                             \
    { "within", SCHEMA_QUANTITY, AT(ScnStep, within_ps),                  \
      .unit = UNIT_DURATION, .min = 1, .fallback = text,                  \
      .flags = SCHEMA_UNSET_ZERO,                                         \
      .doc = "the run is broken when this much simulated time is not "    \
             "enough" }
#define PREDICATE_ROWS                                                    \
    { "metric", SCHEMA_VALUE, .value = scn_predicate_value,               \
      .json = "{\"type\": \"string\"}",                                   \
      .doc = "name of a metric, see `outrigger list metrics`" },          \
    { "is", SCHEMA_VALUE, .value = scn_predicate_value,                   \
      .json = scn_value_json, .doc = "equal to" },                        \
    { "below", SCHEMA_VALUE, .value = scn_predicate_value,                \
      .json = scn_value_json, .doc = "less than" },                       \
    { "above", SCHEMA_VALUE, .value = scn_predicate_value,                \
      .json = scn_value_json, .doc = "greater than" },                    \
    { "at_least", SCHEMA_VALUE, .value = scn_predicate_value,             \
      .json = scn_value_json, .doc = "not less than" },                   \
    { "at_most", SCHEMA_VALUE, .value = scn_predicate_value,              \
      .json = scn_value_json, .doc = "not greater than" },                \
    { "between", SCHEMA_VALUE, .value = scn_predicate_value,              \
      .json = scn_between_json,                                           \
      .doc = "list of two: not less than the first, not greater than "    \
             "the second" }
/* clang-format on */

#endif
