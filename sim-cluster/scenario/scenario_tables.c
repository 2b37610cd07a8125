/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_tables.c: the top of the scenario file, expectations and controls.
 */
#include "scenario_tables.h"

const char *const scn_mode_words[] = { "lockstep", "wall", "untimed", NULL };
const char *const scn_compare_words[] = { "is",       "below",   "above",
                                          "at_least", "at_most", "between",
                                          NULL };

static void expect_clear(void *obj)
{
    scn_predicate_clear(&((ScnExpect *)obj)->predicate);
}

/* clang-format off */

static const SchemaTable time_table = {
    .name = "time",
    .doc = "How time passes.",
    .size = sizeof(ScnTime),
    .fields = (const SchemaField[]){
        { "mode", SCHEMA_ENUM, AT(ScnTime, mode), .choices = scn_mode_words,
          .fallback = "lockstep",
          .doc = "`lockstep`: simulated time, repeatable to the bit; "
                 "`untimed`: the same clock, but the card's models answer "
                 "\"now\"; `wall`: free running" },
        { "limit", SCHEMA_QUANTITY, AT(ScnTime, limit_ps),
          .unit = UNIT_DURATION, .min = 1, .fallback = "60s",
          .doc = "simulated time after which the run is broken" },
        { "step", SCHEMA_QUANTITY, AT(ScnTime, step_ps),
          .unit = UNIT_DURATION, .min = PS_PER_US, .max = PS_PER_S,
          .multiple = PS_PER_NS, .fallback = "10ms",
          .doc = "how often a waiting step looks at its host" },
        { "rtc", SCHEMA_TEXT, AT(ScnTime, rtc), .fallback = "2025-01-01",
          .doc = "date in the guest at the start: YYYY-MM-DD or "
                 "YYYY-MM-DDTHH:MM:SS" },
        { "window", SCHEMA_QUANTITY, AT(ScnTime, window_ps),
          .unit = UNIT_DURATION, .max = PS_PER_S, .multiple = PS_PER_NS,
          .flags = SCHEMA_UNSET_ZERO,
          .doc = "hosts meet this often, to measure what it costs; derived "
                 "from the links when left out, as resolved.yaml shows" },
        { "quantum", SCHEMA_QUANTITY, AT(ScnTime, quantum_ps),
          .unit = UNIT_DURATION, .max = PS_PER_S, .multiple = PS_PER_NS,
          .flags = SCHEMA_UNSET_ZERO,
          .doc = "relaxed windows: hosts meet this often, whatever they send; "
                 "messages may arrive late by as much, so runs differ" },
        { NULL },
    },
};

static const SchemaTable capture_table = {
    .name = "capture",
    .doc = "What to record beyond the usual.",
    .size = sizeof(ScnCapture),
    .fields = (const SchemaField[]){
        { "waves", SCHEMA_NAMES, AT(ScnCapture, waves),
          .doc = "nodes whose card models write waves (VCD)" },
        { "trace", SCHEMA_BOOL, AT(ScnCapture, trace), .fallback = "false",
          .doc = "a timeline for Perfetto" },
        { "links", SCHEMA_NAMES, AT(ScnCapture, links),
          .doc = "links whose packets are recorded (links/NAME.pcapng)" },
        { NULL },
    },
};

const SchemaTable expect_table = {
    .name = "expectation",
    .doc = "What must hold at the end: a metric and one comparison.",
    .size = sizeof(ScnExpect),
    .identity = "id",
    .clear = expect_clear,
    .fields = (const SchemaField[]){
        { "id", SCHEMA_NAME, AT(ScnExpect, id), .flags = SCHEMA_REQUIRED,
          .doc = "its name, in reports and for controls" },
        PREDICATE_ROWS,
        { NULL },
    },
};

static const SchemaTable break_table = {
    .name = "break",
    .doc = "An expectation that must not hold in a control run.",
    .size = sizeof(ScnBreak),
    .fields = (const SchemaField[]){
        { "expect", SCHEMA_NAME, AT(ScnBreak, expect),
          .flags = SCHEMA_REQUIRED, .doc = "id of the expectation" },
        { "by", SCHEMA_VALUE, .value = scn_break_value,
          .json = scn_value_json,
          .doc = "how far at least on the wrong side: in the metric's unit, "
                 "or as a percentage of the bound; not for text and bool" },
        { NULL },
    },
};

const SchemaTable control_table = {
    .name = "control",
    .doc = "Takes a mechanism away and says what must break then. It counts "
           "only when the run completes, every other expectation holds, and "
           "the named ones break by that much.",
    .size = sizeof(ScnControl),
    .identity = "name",
    .fields = (const SchemaField[]){
        { "name", SCHEMA_NAME, AT(ScnControl, name),
          .flags = SCHEMA_REQUIRED, .doc = "its name" },
        { "set", SCHEMA_PAIRS, AT(ScnControl, set), .pairs = &scn_set_pairs,
          .flags = SCHEMA_REQUIRED | SCHEMA_NOT_EMPTY,
          .doc = "what is different: as with --set" },
        { "breaks", SCHEMA_LIST, AT(ScnControl, breaks),
          .table = &break_table,
          .flags = SCHEMA_REQUIRED | SCHEMA_NOT_EMPTY | SCHEMA_ONE_OR_LIST,
          .doc = "what must break: a mapping, or a list of them" },
        { NULL },
    },
};

const SchemaTable scenario_table = {
    .name = "scenario",
    .doc = "The file.",
    .size = sizeof(Scenario),
    .clear = scenario_clear,
    .fields = (const SchemaField[]){
        { "format", SCHEMA_COUNT, AT(Scenario, format),
          .flags = SCHEMA_REQUIRED,
          .doc = "version of this language: 1" },
        { "name", SCHEMA_NAME, AT(Scenario, name), .flags = SCHEMA_REQUIRED,
          .doc = "its name; run folders begin with it" },
        { "description", SCHEMA_TEXT, AT(Scenario, description),
          .fallback = "", .doc = "what it shows" },
        { "seed", SCHEMA_COUNT, AT(Scenario, seed), .fallback = "1",
          .doc = "every random draw derives from it" },
        { "time", SCHEMA_OBJECT, AT(Scenario, time), .table = &time_table,
          .doc = "how time passes" },
        { "nodes", SCHEMA_MAP, AT(Scenario, nodes), .table = &node_table,
          .flags = SCHEMA_NOT_EMPTY,
          .doc = "what exists, by name; may be left out with a `fabric`, "
                 "whose hosts are modelled" },
        { "networks", SCHEMA_MAP, AT(Scenario, networks),
          .table = &network_table, .doc = "virtual networks, by name" },
        { "links", SCHEMA_LIST, AT(Scenario, links), .table = &link_table,
          .doc = "cables between ports" },
        { "fabric", SCHEMA_OBJECT, AT(Scenario, fabric),
          .table = &fabric_table, .flags = SCHEMA_OPTIONAL,
          .doc = "makes switches, links and modelled hosts" },
        { "traffic", SCHEMA_MAP, AT(Scenario, traffic),
          .table = &traffic_table,
          .doc = "what modelled hosts send, by name" },
        { "capture", SCHEMA_OBJECT, AT(Scenario, capture),
          .table = &capture_table, .doc = "what to record" },
        { "steps", SCHEMA_LIST, AT(Scenario, steps), .table = &step_table,
          .flags = SCHEMA_REQUIRED | SCHEMA_NOT_EMPTY,
          .doc = "what happens, in order" },
        { "expect", SCHEMA_LIST, AT(Scenario, expect),
          .table = &expect_table,
          .flags = SCHEMA_REQUIRED | SCHEMA_NOT_EMPTY,
          .doc = "what must hold" },
        { "controls", SCHEMA_LIST, AT(Scenario, controls),
          .table = &control_table,
          .doc = "what must break when a mechanism is taken away" },
        { "quick", SCHEMA_PAIRS, AT(Scenario, quick),
          .pairs = &scn_set_pairs, .flags = SCHEMA_NOT_WRITTEN,
          .doc = "shorter durations for --quick: path and value, as with "
                 "--set; nothing but durations, and never longer" },
        { NULL },
    },
};
/* clang-format on */
