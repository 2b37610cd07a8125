/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_metrics.c: finds a metric's row for one scenario.
 */
#include "metrics_table.h"

#include <string.h>

#include "scenario_net.h"
#include "schema.h"

static const char *const owner_texts[METRIC_OWNERS] = {
    [METRIC_OF_RUN] = "run",
    [METRIC_OF_NODE] = "NODE",
    [METRIC_OF_INTERFACE] = "NODE.INTERFACE",
    [METRIC_OF_DRIVE] = "NODE.DRIVE",
    [METRIC_OF_COMMAND] = "HANDLE of exec or load",
    [METRIC_OF_FIO] = "HANDLE of load with fio",
    [METRIC_OF_IPERF] = "HANDLE of load with iperf3",
    [METRIC_OF_PING] = "HANDLE of load with ping",
    [METRIC_OF_VNIC] = "NODE.VNIC",
    [METRIC_OF_LINK] = "LINK",
    [METRIC_OF_SWITCH] = "SWITCH",
    [METRIC_OF_BOARD] = "SWITCH with geometry",
    [METRIC_OF_TRAFFIC] = "traffic",
    [METRIC_OF_ENTRY] = "traffic.NAME",
    [METRIC_OF_FABRIC] = "fabric",
    [METRIC_OF_PLANT] = "HANDLE of plant",
    [METRIC_OF_INSPECT] = "HANDLE of inspect",
    [METRIC_OF_TIMED] = "HANDLE of any step",
};

const char *metric_owner_text(MetricOwner owner)
{
    return owner_texts[owner];
}

const MetricInfo *metric_info(MetricOwner owner, const char *name)
{
    for (const MetricInfo *m = metrics_table; m->name; m++) {
        if (m->owner == owner && !strcmp(m->name, name)) {
            return m;
        }
    }
    return NULL;
}

/* Owners whose rows one thing has, as a set of bits. */
#define BIT(owner) (1u << (owner))

static unsigned owners_of_step(const ScnStep *step)
{
    unsigned set = BIT(METRIC_OF_TIMED);

    switch (step->verb) {
    case SCN_STEP_EXEC:
        return set | BIT(METRIC_OF_COMMAND);
    case SCN_STEP_LOAD: {
        const ScnLoad *load = (const ScnLoad *)step;

        return set | BIT(METRIC_OF_COMMAND) |
               (load->fio      ? BIT(METRIC_OF_FIO)
                : load->iperf3 ? BIT(METRIC_OF_IPERF)
                : load->ping   ? BIT(METRIC_OF_PING)
                               : 0);
    }
    case SCN_STEP_PLANT:
        return set | BIT(METRIC_OF_PLANT);
    case SCN_STEP_INSPECT:
        return set | BIT(METRIC_OF_INSPECT);
    default:
        return set;
    }
}

static const ScnCard *card_of(const ScnNode *node)
{
    return node->kind == SCN_NODE_HOST ? ((const ScnHost *)node)->card : NULL;
}

static unsigned owners_of_component(const ScnNode *node, const char *name)
{
    const ScnCard *card = card_of(node);

    if (card && scn_card_vnic(card, name)) {
        return BIT(METRIC_OF_VNIC);
    }
    if (card && scn_card_interface(card, name)) {
        return BIT(METRIC_OF_INTERFACE);
    }
    if (card && scn_card_drive(card, name)) {
        return BIT(METRIC_OF_DRIVE);
    }
    return 0;
}

/* Of things with one name: hosts, switches, links, traffic; 0: none. */
static unsigned owners_of_thing(const Scenario *s, const char *name)
{
    const ScnNode *node = scenario_node(s, name);
    uint32_t index;

    if (node && node->kind == SCN_NODE_HOST) {
        return BIT(METRIC_OF_NODE);
    }
    if (s->traffic->len && !strcmp(name, "traffic")) {
        return BIT(METRIC_OF_TRAFFIC);
    }
    if (s->topology && s->topology->links->len && !strcmp(name, "fabric")) {
        return BIT(METRIC_OF_FABRIC);
    }
    index = s->topology ? topology_node(s->topology, name) : TOPO_NONE;
    if (index != TOPO_NONE) {
        const TopoNode *n = s->topology->nodes->pdata[index];

        return n->kind != TOPO_SWITCH ? 0
               : n->written && n->written->geometry
                   ? BIT(METRIC_OF_SWITCH) | BIT(METRIC_OF_BOARD)
                   : BIT(METRIC_OF_SWITCH);
    }
    return s->topology && topology_link(s->topology, name) != TOPO_NONE
               ? BIT(METRIC_OF_LINK)
               : 0;
}

const ScnStep *metric_step(const Scenario *s, const char *metric)
{
    const char *dot = strchr(metric, '.');
    g_autofree char *head =
        dot ? g_strndup(metric, (gsize)(dot - metric)) : NULL;

    if (!head || !strcmp(head, "run") || scenario_node(s, head) ||
        owners_of_thing(s, head)) {
        return NULL;
    }
    return scenario_handle(s, head);
}

static void add_names(GPtrArray *names, const GPtrArray *objects, size_t offset)
{
    for (unsigned i = 0; objects && i < objects->len; i++) {
        g_ptr_array_add(names,
                        *(char **)(void *)((char *)objects->pdata[i] + offset));
    }
}

static char *no_owner(const Scenario *s, const char *metric, const char *owner)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *hint = NULL;

    add_names(names, s->nodes, offsetof(ScnNode, name));
    add_names(names, s->links, offsetof(ScnLink, name));
    if (s->traffic->len) {
        g_ptr_array_add(names, (void *)"traffic");
    }
    for (unsigned i = 0; i < s->steps->len; i++) {
        const ScnStep *step = s->steps->pdata[i];

        if (schema_given(&step->obj, "as")) {
            g_ptr_array_add(names, step->as);
        }
    }
    if (s->topology && s->topology->links->len) {
        g_ptr_array_add(names, (void *)"fabric");
    }
    g_ptr_array_add(names, (void *)"run");
    g_ptr_array_add(names, NULL);
    hint = schema_suggest(owner, (const char *const *)names->pdata,
                          "nodes and handles are");
    return g_strdup_printf("no metric '%s': no node or handle '%s'%s", metric,
                           owner, hint);
}

static char *no_component(const ScnNode *node, const char *metric,
                          const char *component)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const ScnCard *card = card_of(node);
    g_autofree char *hint = NULL;

    if (card) {
        add_names(names, card->nic, offsetof(ScnVnic, name));
        add_names(names, card->interfaces, offsetof(ScnInterface, name));
        add_names(names, card->drives, offsetof(ScnDrive, name));
    }
    g_ptr_array_add(names, NULL);
    hint =
        schema_suggest(component, (const char *const *)names->pdata, "it has");
    return g_strdup_printf("no metric '%s': node '%s' has no interface or "
                           "drive '%s'%s",
                           metric, node->name, component, hint);
}

static char *no_name(unsigned owners, const ScnStep *step, const char *metric,
                     const char *owner, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const char *near;

    for (const MetricInfo *m = metrics_table; m->name; m++) {
        if (owners & BIT(m->owner)) {
            g_ptr_array_add(names, (void *)m->name);
        }
    }
    if (step && step->verb == SCN_STEP_EXEC) {
        add_names(names, ((const ScnExec *)step)->extract,
                  offsetof(ScnExtract, name));
    }
    g_ptr_array_add(names, NULL);
    near = yaml_nearest(name, (const char *const *)names->pdata);
    if (near) {
        return g_strdup_printf("no metric '%s'; did you mean '%s.%s'?", metric,
                               owner, near);
    }
    return g_strdup_printf("no metric '%s'; see `outrigger list metrics`",
                           metric);
}

static char *no_entry(const Scenario *s, const char *metric, const char *entry)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *hint = NULL;

    add_names(names, s->traffic, offsetof(ScnTraffic, name));
    g_ptr_array_add(names, NULL);
    hint =
        schema_suggest(entry, (const char *const *)names->pdata, "there are");
    return g_strdup_printf("no metric '%s': no traffic '%s'%s", metric, entry,
                           hint);
}

/* Splits "a.b.c" into owner "a.b" and name "c", and finds whose it is. */
static unsigned find_owner(const Scenario *s, const char *metric,
                           const char *owner, const ScnStep **ret_step,
                           char **ret_why)
{
    g_auto(GStrv) parts = g_strsplit(owner, ".", 3);
    unsigned count = g_strv_length(parts);
    const ScnNode *node;
    unsigned set;

    *ret_step = NULL;
    if (count == 1 && !strcmp(parts[0], "run")) {
        return BIT(METRIC_OF_RUN);
    }
    node = count ? scenario_node(s, parts[0]) : NULL;
    set = count == 1 ? owners_of_thing(s, parts[0]) : 0;
    if (set) {
        return set;
    }
    if (count == 2 && s->traffic->len && !strcmp(parts[0], "traffic")) {
        if (scenario_traffic(s, parts[1])) {
            return BIT(METRIC_OF_ENTRY);
        }
        *ret_why = no_entry(s, metric, parts[1]);
        return 0;
    }
    if (count == 2 && node) {
        set = owners_of_component(node, parts[1]);
        if (!set) {
            *ret_why = no_component(node, metric, parts[1]);
        }
        return set;
    }
    *ret_step = count == 1 ? scenario_handle(s, parts[0]) : NULL;
    if (*ret_step) {
        return owners_of_step(*ret_step);
    }
    *ret_why = no_owner(s, metric, owner);
    return 0;
}

static const ScnExtract *find_extract(const ScnStep *step, const char *name)
{
    const GPtrArray *extract;

    if (!step || step->verb != SCN_STEP_EXEC) {
        return NULL;
    }
    extract = ((const ScnExec *)step)->extract;
    for (unsigned i = 0; i < extract->len; i++) {
        const ScnExtract *x = extract->pdata[i];

        if (!strcmp(x->name, name)) {
            return x;
        }
    }
    return NULL;
}

static const MetricInfo *find_row(unsigned owners, const char *name)
{
    for (const MetricInfo *m = metrics_table; m->name; m++) {
        if ((owners & BIT(m->owner)) && !strcmp(m->name, name)) {
            return m;
        }
    }
    return NULL;
}

bool metric_lookup(const Scenario *s, const char *metric, Unit *ret_unit,
                   const MetricInfo **ret_info, char **ret_why)
{
    const char *dot = strrchr(metric, '.');
    const char *name = dot ? dot + 1 : "";
    g_autofree char *owner =
        g_strndup(metric, dot ? (gsize)(dot - metric) : strlen(metric));
    g_autofree char *why = NULL;
    const ScnStep *step;
    unsigned owners = find_owner(s, metric, owner, &step, &why);
    const MetricInfo *info = find_row(owners, name);
    const ScnExtract *extract = find_extract(step, name);

    if (!info && !extract) {
        if (ret_why) {
            *ret_why = why ? g_steal_pointer(&why)
                           : no_name(owners, step, metric, owner, name);
        }
        return false;
    }
    if (ret_unit) {
        *ret_unit = info ? info->unit : extract->unit;
    }
    if (ret_info) {
        *ret_info = info;
    }
    return true;
}
