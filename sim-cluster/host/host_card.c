/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_card.c: the control plane of a host's card.
 */
#include "host_card.h"

#include <string.h>

#include "host_disk.h"
#include "host_plan.h"
#include "host_seed.h"
#include "runtime.h"
#include "scenario_balancing.h"
#include "scenario_net.h"

/* ---- arguments --------------------------------------------------------- */

static JsonObject *arguments_for(const char *card)
{
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, "card", card);
    return o;
}

static JsonObject *arguments(void)
{
    return arguments_for(HOST_CARD);
}

static void add_text(JsonObject *o, const char *name, const char *value)
{
    json_object_set_string_member(o, name, value);
}

static void add_u64(JsonObject *o, const char *name, uint64_t value)
{
    json_object_set_int_member(o, name, (gint64)value);
}

static void add_names(JsonObject *o, const char *name, const GPtrArray *list)
{
    JsonArray *a = json_array_new();

    for (unsigned i = 0; i < list->len; i++) {
        json_array_add_string_element(a, g_ptr_array_index(list, i));
    }
    json_object_set_array_member(o, name, a);
}

/* ---- verbs ------------------------------------------------------------- */

static bool create_partition(Host *h, const char *name, uint64_t size_bytes,
                             const GPtrArray *drives, ScnLayout layout,
                             uint64_t stripe_bytes, bool encrypted,
                             uint64_t block_bytes, GError **error)
{
    JsonObject *o = arguments();
    bool stripe = layout == SCN_LAYOUT_STRIPE;

    add_text(o, "name", name);
    add_u64(o, "size", size_bytes);
    add_names(o, "drives", drives);
    add_text(o, "layout", stripe ? "stripe" : "linear");
    if (stripe) {
        add_u64(o, "stripe-size", stripe_bytes);
    }
    json_object_set_boolean_member(o, "encrypted", encrypted);
    add_u64(o, "block-size", block_bytes);
    return host_run(h, "offload-partition-create", o, error);
}

static bool attach(Host *h, const char *card, const char *partition,
                   const char *interface, uint64_t nsid, GError **error)
{
    JsonObject *o = arguments_for(card);

    add_text(o, "partition", partition);
    add_text(o, "interface", interface);
    add_u64(o, "nsid", nsid);
    return host_run(h, "offload-attach", o, error);
}

static bool set_limits(Host *h, const char *interface, const ScnLimits *limits,
                       GError **error)
{
    JsonObject *o = arguments();

    add_text(o, "interface", interface);
    add_u64(o, "iops", limits->iops);
    add_u64(o, "burst-ios", limits->burst_ios);
    add_u64(o, "bytes-per-second", limits->bandwidth_bytes_per_s);
    add_u64(o, "burst-bytes", limits->burst_bytes);
    return host_run(h, "offload-set-limits", o, error);
}

static bool on_partition(Host *h, const char *command, const char *member,
                         const ScnCardStep *step, GError **error)
{
    JsonObject *o = arguments();

    add_text(o, member, step->partition);
    if (step->op == SCN_CARD_RESIZE) {
        add_u64(o, "size", step->size_bytes);
    } else if (step->op == SCN_CARD_DETACH) {
        json_object_set_boolean_member(o, "destroy-key", step->destroy_key);
    }
    return host_run(h, command, o, error);
}

static bool do_step(Host *h, const ScnCardStep *step, GError **error)
{
    switch (step->op) {
    case SCN_CARD_CREATE:
        return create_partition(h, step->partition, step->size_bytes,
                                step->drives, step->layout, step->stripe_bytes,
                                step->encrypted, step->block_bytes, error);
    case SCN_CARD_DELETE:
        return on_partition(h, "offload-partition-delete", "name", step, error);
    case SCN_CARD_RESIZE:
        return on_partition(h, "offload-partition-resize", "name", step, error);
    case SCN_CARD_ATTACH:
        return attach(h, HOST_CARD, step->partition, step->interface,
                      step->nsid, error);
    case SCN_CARD_DETACH:
        return on_partition(h, "offload-detach", "partition", step, error);
    case SCN_CARD_LIMITS:
        return set_limits(h, step->interface, step->limits, error);
    case SCN_CARD_ROTATE_KEY:
        return on_partition(h, "offload-rotate-key", "partition", step, error);
    case SCN_CARD_UPDATE:
        break; /* step_card.c */
    }
    g_return_val_if_reached(false);
}

/* What a later process must be given, too. */
static void remember(Host *h, const ScnCardStep *step)
{
    HostPlan *plan = host_plan(h);

    switch (step->op) {
    case SCN_CARD_ATTACH:
        host_plan_attach(plan, step->partition, step->interface, step->nsid);
        break;
    case SCN_CARD_DETACH:
        host_plan_detach(plan, step->partition);
        break;
    case SCN_CARD_LIMITS:
        host_plan_set_limits(plan, step->interface, step->limits);
        break;
    default:
        break;
    }
}

bool host_card_step(Host *h, const ScnCardStep *step, GError **error)
{
    if (!do_step(h, step, error)) {
        return false;
    }
    remember(h, step);
    return true;
}

/* What tells one fault of the card from another. */
static JsonObject *fault_arguments(const ScnFault *fault)
{
    JsonObject *o = arguments();

    add_text(o, "kind", scn_fault_name(fault->kind));
    if (fault->interface) {
        add_text(o, "interface", fault->interface);
    }
    if (fault->drive) {
        add_text(o, "drive", fault->drive);
    }
    if (fault->kind == SCN_FAULT_READ_ERROR ||
        fault->kind == SCN_FAULT_WRITE_ERROR) {
        add_u64(o, "offset", fault->offset_bytes);
        if (fault->size_bytes) {
            add_u64(o, "size", fault->size_bytes);
        }
    }
    return o;
}

bool host_card_fault(Host *h, const ScnFault *fault, GError **error)
{
    JsonObject *o;

    if (fault->kind == SCN_FAULT_RESET_INTERFACE) {
        o = arguments();
        add_text(o, "interface", fault->interface);
        return host_run(h, "offload-interface-reset", o, error);
    }
    o = fault_arguments(fault);
    if (fault->count) {
        add_u64(o, "count", fault->count);
    }
    return host_run(h, "offload-fault-set", o, error);
}

bool host_card_clear_fault(Host *h, const ScnFault *fault, GError **error)
{
    return host_run(h, "offload-fault-clear", fault_arguments(fault), error);
}

bool host_card_clear_faults(Host *h, GError **error)
{
    return host_run(h, "offload-fault-clear", arguments(), error);
}

/* ---- questions --------------------------------------------------------- */

static JsonObject *query(Host *h, const char *card, GError **error)
{
    g_autoptr(JsonNode) node =
        host_qmp(h, "query-offload", arguments_for(card), error);

    if (node && !JSON_NODE_HOLDS_OBJECT(node)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "node %s: query-offload answered with no object",
                    host_name(h));
        return NULL;
    }
    return node ? json_node_dup_object(node) : NULL;
}

JsonObject *host_card_query(Host *h, GError **error)
{
    return query(h, HOST_CARD, error);
}

JsonNode *host_card_registers(Host *h, GError **error)
{
    const ScnCard *card = host_scenario(h)->card;
    g_autoptr(JsonObject) all = json_object_new();
    JsonNode *node;

    for (unsigned i = 0; card && i < card->interfaces->len; i++) {
        const ScnInterface *vif = g_ptr_array_index(card->interfaces, i);
        JsonObject *o = arguments();
        JsonNode *one;

        add_text(o, "interface", vif->name);
        one = host_qmp(h, "query-offload-registers", o, error);
        if (!one) {
            return NULL;
        }
        json_object_set_member(all, vif->name, one);
    }
    node = json_node_new(JSON_NODE_OBJECT);
    json_node_set_object(node, all);
    return node;
}

/* ---- a new card -------------------------------------------------------- */

static bool create_partitions(Host *h, const ScnCard *card, GError **error)
{
    for (unsigned i = 0; i < card->partitions->len; i++) {
        const ScnPartition *p = g_ptr_array_index(card->partitions, i);

        if (!create_partition(h, p->name, p->size_bytes, p->drives, p->layout,
                              p->stripe_bytes, p->encrypted, p->block_bytes,
                              error)) {
            return false;
        }
    }
    return true;
}

/* In the scenario's order of interfaces, so that runs are equal. */
static bool set_plan_limits(Host *h, const ScnCard *card, GError **error)
{
    for (unsigned i = 0; i < card->interfaces->len; i++) {
        const ScnInterface *vif = g_ptr_array_index(card->interfaces, i);
        const ScnLimits *l =
            g_hash_table_lookup(host_plan(h)->limits, vif->name);

        if (l && !set_limits(h, vif->name, l, error)) {
            return false;
        }
    }
    return true;
}

static bool attach_plan(Host *h, GError **error)
{
    const GPtrArray *list = host_plan(h)->attachments;

    for (unsigned i = 0; i < list->len; i++) {
        const HostAttachment *a = g_ptr_array_index(list, i);

        if (!attach(h, HOST_CARD, a->partition, a->interface, a->nsid, error)) {
            return false;
        }
    }
    return true;
}

/* ---- virtual networks -------------------------------------------------- */

static const TopoNode *topo_node(const Scenario *s, unsigned index)
{
    return g_ptr_array_index(s->topology->nodes, index);
}

static bool join_network(Host *h, const ScnVnic *vnic, GError **error)
{
    const Scenario *s = host_whole_scenario(h);
    const TopoNode *n = topo_node(s, host_index(h));
    g_autofree char *address = scn_address_text(n->address);
    g_autofree char *mac = scn_mac_text(n->mac);
    JsonObject *o = json_object_new();

    add_text(o, "interface", vnic->name);
    add_u64(o, "vni", scenario_network(s, vnic->network)->vni);
    add_text(o, "address", address);
    add_text(o, "underlay-mac", mac);
    return host_run(h, "offload-nic-network", o, error);
}

/* The node at the other end of a node's first port, or TOPO_NONE. */
static uint32_t first_hop(const Topology *t, uint32_t node)
{
    unsigned end;
    uint32_t link = topology_port(t, node, 0, &end);

    return link == TOPO_NONE
               ? TOPO_NONE
               : ((const TopoLink *)g_ptr_array_index(t->links, link))
                     ->node[!end];
}

/* Two nodes at one switch, or at one link, have a single path. */
static bool single_path(const Topology *t, uint32_t a, uint32_t b)
{
    return first_hop(t, a) == b ||
           (first_hop(t, a) != TOPO_NONE && first_hop(t, a) == first_hop(t, b));
}

/* A card balances for one NIC in each network: they share its address. */
static bool alone(const ScnHost *host, const char *network)
{
    unsigned n = 0;

    for (unsigned i = 0; host->card && i < host->card->nic->len; i++) {
        const ScnVnic *v = g_ptr_array_index(host->card->nic, i);

        n += strcmp(v->network, network) == 0;
    }
    return n == 1;
}

/* What the card has to know of the way to @other at @at, a host or not. */
static void add_paths(JsonObject *o, Host *h, const ScnVnic *vnic,
                      const ScnVnic *other, const TopoNode *at)
{
    const Scenario *s = host_whole_scenario(h);
    const Topology *t = s->topology;
    guint index = 0;
    bool plain =
        !other->balancing ||
        !alone(g_ptr_array_index(s->hosts, host_index(h)), vnic->network);

    g_ptr_array_find(t->nodes, at, &index);
    if (!plain && index < s->hosts->len) {
        plain = !alone(g_ptr_array_index(s->hosts, index), vnic->network);
    }
    json_object_set_boolean_member(o, "plain", plain);
    if (single_path(t, host_index(h), index)) {
        add_u64(o, "paths", 1);
    }
}

static bool map_member(Host *h, const ScnVnic *vnic, const ScnVnic *other,
                       const TopoNode *at, GError **error)
{
    g_autofree char *mac = scn_mac_text(other->mac);
    g_autofree char *ip = scn_address_text(other->address.address);
    g_autofree char *underlay = scn_address_text(at->address);
    g_autofree char *underlay_mac = scn_mac_text(at->mac);
    JsonObject *o = json_object_new();

    add_text(o, "interface", vnic->name);
    add_u64(o, "vni",
            scenario_network(host_whole_scenario(h), vnic->network)->vni);
    add_text(o, "mac", mac);
    add_text(o, "ip", ip);
    add_text(o, "underlay-ip", underlay);
    add_text(o, "underlay-mac", underlay_mac);
    add_paths(o, h, vnic, other, at);
    return host_run(h, "offload-nic-map", o, error);
}

/* The network's way out, and its name server: one place, two addresses. */
static bool map_gateway(Host *h, const ScnVnic *vnic, GError **error)
{
    const Scenario *s = host_whole_scenario(h);
    const ScnGateway *gw = scenario_gateway(s, vnic->network);
    ScnVnic outside = { 0 };
    const TopoNode *at;

    if (!gw) {
        return true;
    }
    at = topo_node(s, topology_node(s->topology, gw->node.name));
    scn_gateway_mac(gw, outside.mac);
    outside.address = gw->address;
    if (!map_member(h, vnic, &outside, at, error)) {
        return false;
    }
    outside.address.address = gw->dns;
    outside.mac[1] ^= 0x02; /* libslirp does not look at it */
    return map_member(h, vnic, &outside, at, error);
}

/* Everyone else's vnics in @vnic's network. */
static bool map_members(Host *h, const ScnVnic *vnic, GError **error)
{
    const Scenario *s = host_whole_scenario(h);

    for (unsigned i = 0; i < s->hosts->len; i++) {
        const ScnHost *other = g_ptr_array_index(s->hosts, i);

        for (unsigned j = 0;
             i != host_index(h) && other->card && j < other->card->nic->len;
             j++) {
            const ScnVnic *theirs = g_ptr_array_index(other->card->nic, j);

            if (strcmp(theirs->network, vnic->network) == 0 &&
                !map_member(h, vnic, theirs, topo_node(s, i), error)) {
                return false;
            }
        }
    }
    return map_gateway(h, vnic, error);
}

static void add_option(void *opaque, const char *option, uint64_t value)
{
    json_object_set_int_member(opaque, option, (gint64)value);
}

/* The rate of the host's own link, where the scenario gives none. */
static uint64_t own_rate_bps(const Host *h)
{
    const Topology *t = host_whole_scenario(h)->topology;
    uint32_t link = topology_port(t, host_index(h), 0, NULL);

    return link == TOPO_NONE
               ? 0
               : ((const TopoLink *)g_ptr_array_index(t->links, link))
                     ->rate_bps;
}

/* One key a network: whoever has it may speak of its paths. */
static char *network_key(const Host *h, const ScnVnic *vnic)
{
    uint64_t seed = host_whole_scenario(h)->seed;

    return g_strdup_printf("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER
                           "x",
                           seed_derive_u64(seed, vnic->network, "path-key-0"),
                           seed_derive_u64(seed, vnic->network, "path-key-1"));
}

static bool balance(Host *h, const ScnVnic *vnic, GError **error)
{
    const ScnBalancing *b = vnic->balancing;
    const Scenario *s = host_whole_scenario(h);
    JsonObject *o = json_object_new(), *options = json_object_new();
    JsonArray *inputs = json_array_new();
    g_autofree char *key = network_key(h, vnic);
    g_autofree char *place = g_strconcat(host_name(h), ".", vnic->name, NULL);

    scn_balancing_options(b, add_option, options);
    if (!b->line_bps) {
        add_option(options, "line-bps", own_rate_bps(h));
    }
    for (unsigned i = 0; i < b->inputs->len; i++) {
        json_array_add_string_element(inputs, b->inputs->pdata[i]);
    }
    json_object_set_array_member(options, "inputs", inputs);
    add_text(options, "pick", scn_balancing_pick(b));
    add_text(options, "hold", scn_balancing_hold(b));
    json_object_set_boolean_member(options, "round-robin", b->round_robin);
    json_object_set_boolean_member(options, "sequencing", b->sequencing);
    add_text(o, "interface", vnic->name);
    add_text(o, "policy", scn_balancing_policy(b));
    add_text(o, "key", key);
    add_u64(o, "seed", seed_derive_u64(s->seed, place, "paths") >> 1);
    /* Its time begins anew with each process, its epochs must not. */
    add_u64(o, "epoch", (uint64_t)host_processes(h) << 16);
    json_object_set_object_member(o, "options", options);
    return host_run(h, "offload-nic-balance", o, error);
}

static bool join_networks(Host *h, const ScnCard *card, GError **error)
{
    for (unsigned i = 0; i < card->nic->len; i++) {
        const ScnVnic *vnic = g_ptr_array_index(card->nic, i);

        if (!join_network(h, vnic, error) || !map_members(h, vnic, error) ||
            (vnic->balancing && !balance(h, vnic, error))) {
            return false;
        }
    }
    return true;
}

/* A refusal by the card is about the scenario. */
static bool configured(Host *h, bool ok, GError *local, GError **error)
{
    if (ok) {
        return true;
    }
    if (g_error_matches(local, QMP_ERROR, QMP_ERROR_COMMAND)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "node %s: the card refused: %s", host_name(h),
                    local->message);
        g_error_free(local);
    } else {
        g_propagate_error(error, local);
    }
    return false;
}

bool host_card_configure(Host *h, GError **error)
{
    const ScnCard *card = host_scenario(h)->card;
    bool new_card = host_processes(h) == 1;
    GError *local = NULL;
    bool ok = true;

    if (host_scenario(h)->disk) {
        ok = host_disk_configure(h, new_card, &local);
    }
    if (ok && card) {
        ok = (!new_card || create_partitions(h, card, &local)) &&
             attach_plan(h, &local) && set_plan_limits(h, card, &local) &&
             join_networks(h, card, &local);
    }
    return configured(h, ok, local, error);
}
