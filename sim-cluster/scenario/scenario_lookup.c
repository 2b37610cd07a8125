/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_lookup.c: things of a scenario by name, words of its enums, and
 * places in its file.
 */
#include "scenario_tables.h"

#include <string.h>

#include "scenario_net.h"
#include "scenario_source.h"

static void *by_name(const GPtrArray *objects, size_t offset, const char *name)
{
    for (unsigned i = 0; i < objects->len; i++) {
        char *obj = objects->pdata[i];

        if (!g_strcmp0(*(char **)(void *)(obj + offset), name)) {
            return obj;
        }
    }
    return NULL;
}

ScnNode *scenario_node(const Scenario *s, const char *name)
{
    return by_name(s->nodes, offsetof(ScnNode, name), name);
}

ScnHost *scenario_host(const Scenario *s, const char *name)
{
    ScnNode *node = scenario_node(s, name);

    return node && node->kind == SCN_NODE_HOST ? (ScnHost *)node : NULL;
}

ScnStep *scenario_handle(const Scenario *s, const char *as)
{
    return by_name(s->steps, offsetof(ScnStep, as), as);
}

ScnExpect *scenario_expect(const Scenario *s, const char *id)
{
    return by_name(s->expect, offsetof(ScnExpect, id), id);
}

ScnDrive *scn_card_drive(const ScnCard *card, const char *name)
{
    return by_name(card->drives, offsetof(ScnDrive, name), name);
}

ScnPartition *scn_card_partition(const ScnCard *card, const char *name)
{
    return by_name(card->partitions, offsetof(ScnPartition, name), name);
}

ScnInterface *scn_card_interface(const ScnCard *card, const char *name)
{
    return by_name(card->interfaces, offsetof(ScnInterface, name), name);
}

ScnNetwork *scenario_network(const Scenario *s, const char *name)
{
    return by_name(s->networks, offsetof(ScnNetwork, name), name);
}

ScnTraffic *scenario_traffic(const Scenario *s, const char *name)
{
    return by_name(s->traffic, offsetof(ScnTraffic, name), name);
}

ScnVnic *scn_card_vnic(const ScnCard *card, const char *name)
{
    return by_name(card->nic, offsetof(ScnVnic, name), name);
}

const char *scn_geometry_layout_name(ScnGeometryLayout layout)
{
    return scn_geometry_words[layout];
}

const char *scn_fabric_kind_name(ScnFabricKind kind)
{
    return scn_fabric_words[kind];
}

const char *scn_fec_name(ScnFec fec)
{
    return scn_fec_words[fec];
}

const char *scn_verb_name(ScnVerb verb)
{
    return step_table.variants[verb].word;
}

const char *scn_fault_name(ScnFaultKind kind)
{
    return scn_fault_words[kind];
}

const char *scn_card_op_name(ScnCardOp op)
{
    return scn_card_op_words[op];
}

const char *scn_compare_name(ScnCompare compare)
{
    return scn_compare_words[compare];
}

const char *scn_mode_name(ScnMode mode)
{
    return scn_mode_words[mode];
}

ScnMark scenario_mark(const ScnObject *obj, const char *key)
{
    return schema_value_mark(obj, key);
}

bool scenario_given(const ScnObject *obj, const char *key)
{
    return schema_given(obj, key) != NULL;
}

char *scenario_place(const ScnObject *obj, const char *key)
{
    ScnMark mark = schema_value_mark(obj, key);

    return mark.line
               ? g_strdup_printf("%s:%u:%u", mark.source, mark.line, mark.col)
               : g_strdup(mark.source);
}

char *scenario_message(const Scenario *s, const ScnObject *obj, const char *key,
                       const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    return yaml_message(s->file, s->source->bytes, schema_value_mark(obj, key),
                        text);
}
