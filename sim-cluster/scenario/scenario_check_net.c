/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_check_net.c: virtual networks, NICs, switches, links and the
 * fabric generator; then the topology that follows from them.
 */
#include "scenario_check.h"

#include <string.h>

#include "scenario_balancing.h"
#include "scenario_topology.h"

#define GUEST_NAME_MAX 15u /* of an interface in Linux */

/* ---- virtual networks ------------------------------------------------------ */

static void check_networks(ScenarioCheck *c)
{
    const GPtrArray *all = c->s->networks;

    for (unsigned i = 0; i < all->len; i++) {
        const ScnNetwork *n = all->pdata[i];

        for (unsigned j = 0; j < i; j++) {
            const ScnNetwork *other = all->pdata[j];

            if (other->vni == n->vni) {
                scenario_problem(c, n, "vni",
                                 "network '%s' has this number already",
                                 other->name);
            }
        }
    }
}

static bool is_edge_of_subnet(const ScnCidr *a)
{
    uint32_t host = a->prefix < 31 ? a->address & (UINT32_MAX >> a->prefix) : 1;

    return a->prefix < 31 && (host == 0 || host == UINT32_MAX >> a->prefix);
}

static void check_address(ScenarioCheck *c, const ScnVnic *vnic)
{
    uint32_t top = vnic->address.address >> 24;

    if (top == 0 || top == 127 || top >= 224) {
        scenario_problem(c, vnic, "address", "no host can have this address");
    } else if (is_edge_of_subnet(&vnic->address)) {
        scenario_problem(c, vnic, "address",
                         "the first and the last address of a subnet are not "
                         "for hosts");
    }
}

/* Unique within the virtual network; @seen: "NETWORK ADDRESS" -> "HOST.VNIC".*/
static void check_duplicate(ScenarioCheck *c, const ScnHost *host,
                            const ScnVnic *vnic, GHashTable *seen)
{
    g_autofree char *address = scn_address_text(vnic->address.address);
    g_autofree char *key = g_strconcat(vnic->network, " ", address, NULL);
    g_autofree char *owner =
        g_strconcat(host->node.name, ".", vnic->name, NULL);
    const char *other = g_hash_table_lookup(seen, key);

    if (other) {
        scenario_problem(c, vnic, "address",
                         "duplicate address: %s of network '%s' is %s's "
                         "already",
                         address, vnic->network, other);
        return;
    }
    g_hash_table_insert(seen, g_steal_pointer(&key), g_steal_pointer(&owner));
}

static void set_mac(const ScenarioCheck *c, ScnVnic *vnic, unsigned host,
                    unsigned place)
{
    /* splitmix64's finaliser: any two seeds give other addresses. */
    uint64_t x = c->s->seed + UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    vnic->mac[0] = 0x06; /* locally administered; 02 is the underlay's */
    vnic->mac[1] = (uint8_t)(x >> 8);
    vnic->mac[2] = (uint8_t)x;
    vnic->mac[3] = (uint8_t)(host >> 8);
    vnic->mac[4] = (uint8_t)host;
    vnic->mac[5] = (uint8_t)(place + 1);
}

static void check_nics(ScenarioCheck *c)
{
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    for (unsigned i = 0; i < c->s->hosts->len; i++) {
        const ScnHost *host = c->s->hosts->pdata[i];

        for (unsigned j = 0; host->card && j < host->card->nic->len; j++) {
            ScnVnic *vnic = host->card->nic->pdata[j];

            set_mac(c, vnic, i, j);
            if (vnic->balancing) {
                scenario_check_balancing(c, vnic->balancing);
            }
            if (strlen(vnic->name) > GUEST_NAME_MAX) {
                scenario_problem(c, vnic, NULL,
                                 "'%s' is longer than an interface's name in "
                                 "Linux: %u characters",
                                 vnic->name, GUEST_NAME_MAX);
            }
            if (!scenario_network(c->s, vnic->network)) {
                scenario_problem_ref(c, vnic, "network", "network",
                                     vnic->network, c->s->networks,
                                     offsetof(ScnNetwork, name));
                continue;
            }
            check_address(c, vnic);
            check_duplicate(c, host, vnic, seen);
        }
    }
}

/* ---- switches ---------------------------------------------------------------- */

static void check_switch(ScenarioCheck *c, ScnSwitch *sw)
{
    if (sw->ecn_threshold_bytes > sw->buffer_bytes) {
        scenario_problem(c, sw, "ecn_threshold",
                         "the buffer is full before this many bytes wait");
    }
    if (sw->geometry) {
        scenario_check_geometry(c, sw);
    }
    scenario_check_device(c, sw);
}

/* ---- links ------------------------------------------------------------------- */

#define LEAST_DELAY_PS 2000u

/* A length of cable is a delay; without one nothing could run side by side. */
static void check_delay(ScenarioCheck *c, const void *obj, uint64_t delay_ps)
{
    if (!delay_ps) {
        scenario_problem(c, obj, "delay",
                         "a link without delay leaves no lookahead: what one "
                         "end sends would be at the other at the same "
                         "instant, so the two could not run side by side; a "
                         "metre of cable is 5ns");
    } else if (delay_ps < LEAST_DELAY_PS) {
        scenario_problem(c, obj, "delay",
                         "a link takes at least 2ns: hosts count in "
                         "nanoseconds; a metre of cable is 5ns");
    }
}

static void name_links(ScenarioCheck *c)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned i = 0; i < c->s->links->len; i++) {
        ScnLink *link = c->s->links->pdata[i];

        if (!link->name) {
            g_auto(GStrv) a = g_strsplit(link->a, ".", 2);
            g_auto(GStrv) b = g_strsplit(link->b, ".", 2);

            link->name =
                g_strdup_printf("%s-%s", a[0] ? a[0] : "", b[0] ? b[0] : "");
            if (g_hash_table_contains(seen, link->name)) {
                char *next = g_strdup_printf("%s-%u", link->name, i + 1);

                g_free(link->name);
                link->name = next;
            }
        }
        if (!g_hash_table_add(seen, link->name)) {
            scenario_problem(c, link, "name", "a second link '%s'", link->name);
        }
    }
}

static void no_port(ScenarioCheck *c, const ScnLink *link, const char *key,
                    const char *text, const ScnNode *node)
{
    if (!node) {
        g_auto(GStrv) parts = g_strsplit(text, ".", 2);

        scenario_problem_ref(c, link, key, "node", parts[0] ? parts[0] : "",
                             c->s->nodes, offsetof(ScnNode, name));
    } else if (node->kind == SCN_NODE_SWITCH) {
        scenario_problem(
            c, link, key,
            "no port '%s': switch '%s' has p0 to p%" G_GUINT64_FORMAT, text,
            node->name, ((const ScnSwitch *)node)->ports - 1);
    } else {
        scenario_problem(c, link, key, "no port '%s': write %s.card", text,
                         node->name);
    }
}

static void check_end(ScenarioCheck *c, const ScnLink *link, const char *key,
                      const char *text, GHashTable *used)
{
    const ScnNode *node;
    unsigned port;
    const ScnLink *other;
    g_autofree char *place = NULL;

    if (!topology_parse_end(c->s, text, &node, &port)) {
        no_port(c, link, key, text, node);
        return;
    }
    place = g_strdup_printf("%s/%u", node->name, port);
    other = g_hash_table_lookup(used, place);
    if (other) {
        scenario_problem(c, link, key, "port %s has a cable already: '%s'",
                         text, other->name);
        return;
    }
    g_hash_table_insert(used, g_steal_pointer(&place), (void *)link);
    if (node->kind == SCN_NODE_SWITCH) {
        const ScnSwitch *sw = (const ScnSwitch *)node;
        g_autofree char *rate = unit_format(UNIT_RATE, (int64_t)sw->rate_bps);

        if (link->rate_bps > sw->rate_bps) {
            scenario_problem(c, link, "rate", "ports of '%s' have %s",
                             node->name, rate);
        }
    } else if (node->kind == SCN_NODE_HOST) {
        const ScnHost *host = (const ScnHost *)node;

        if (!host->card || !host->card->nic->len) {
            scenario_problem(c, link, key, "'%s' has no card with a NIC",
                             node->name);
        }
    }
}

static void check_links(ScenarioCheck *c)
{
    g_autoptr(GHashTable) used =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    name_links(c);
    for (unsigned i = 0; i < c->s->links->len; i++) {
        const ScnLink *link = c->s->links->pdata[i];

        check_end(c, link, "a", link->a, used);
        check_end(c, link, "b", link->b, used);
        scenario_check_device_link(c, link);
        check_delay(c, link, link->delay_ps);
    }
}

/* ---- the generator ------------------------------------------------------------ */

static void fabric_key(ScenarioCheck *c, const char *key, bool wanted,
                       uint64_t value)
{
    const ScnFabric *f = c->s->fabric;
    const char *kind = scn_fabric_kind_name(f->kind);

    if (wanted && !value) {
        scenario_problem(c, f, key, "'%s' is missing: a %s needs it", key,
                         kind);
    } else if (!wanted && schema_given(&f->obj, key)) {
        scenario_problem(c, f, key, "a %s has no '%s'", kind, key);
    }
}

static void check_places(ScenarioCheck *c)
{
    const ScnFabric *f = c->s->fabric;
    uint64_t attached = 0, places;

    for (unsigned i = 0; i < c->s->hosts->len; i++) {
        attached += topology_attaches(c->s, c->s->hosts->pdata[i]);
    }
    places = topology_fabric_places(f, attached);
    if (f->hosts + attached > places) {
        scenario_problem(c, f, "hosts",
                         "%" G_GUINT64_FORMAT " modelled and %" G_GUINT64_FORMAT
                         " full hosts need more ports than there are: "
                         "%" G_GUINT64_FORMAT,
                         f->hosts, attached, places);
    } else if (f->hosts + attached == 0) {
        scenario_problem(c, f, "hosts", "nothing is attached to the fabric");
    }
}

static void check_fabric(ScenarioCheck *c)
{
    const ScnFabric *f = c->s->fabric;
    unsigned before = c->problems->list->len;

    fabric_key(c, "k", f->kind == SCN_FABRIC_FAT_TREE, f->k);
    fabric_key(c, "leaves", f->kind == SCN_FABRIC_LEAF_SPINE, f->leaves);
    fabric_key(c, "spines", f->kind == SCN_FABRIC_LEAF_SPINE, f->spines);
    fabric_key(c, "hosts_per_leaf", f->kind == SCN_FABRIC_LEAF_SPINE,
               f->hosts_per_leaf);
    check_delay(c, f, f->delay_ps);
    if (f->kind == SCN_FABRIC_FAT_TREE && f->k % 2) {
        scenario_problem(c, f, "k",
                         "half of a switch's ports go up: 'k' is "
                         "even");
    }
    if (f->ecn_threshold_bytes > f->buffer_bytes) {
        scenario_problem(c, f, "ecn_threshold",
                         "the buffer is full before this many bytes wait");
    }
    if (before == c->problems->list->len) {
        check_places(c);
    }
}

/* ---- references ------------------------------------------------------------- */

bool scenario_check_link_ref(ScenarioCheck *c, const void *obj, const char *key,
                             const char *name)
{
    const Topology *t = c->s->topology;

    if (topology_link(t, name) != TOPO_NONE) {
        return true;
    }
    scenario_problem_ref(c, obj, key, "link", name, t->links,
                         offsetof(TopoLink, name));
    return false;
}

bool scenario_check_switch_ref(ScenarioCheck *c, const void *obj,
                               const char *key, const char *name)
{
    const Topology *t = c->s->topology;
    uint32_t index = topology_node(t, name);
    g_autoptr(GPtrArray) switches = NULL;

    if (index != TOPO_NONE &&
        ((TopoNode *)t->nodes->pdata[index])->kind == TOPO_SWITCH) {
        return true;
    }
    switches = g_ptr_array_new();
    for (unsigned i = 0; i < t->nodes->len; i++) {
        if (((TopoNode *)t->nodes->pdata[i])->kind == TOPO_SWITCH) {
            g_ptr_array_add(switches, t->nodes->pdata[i]);
        }
    }
    scenario_problem_ref(c, obj, key, "switch", name, switches,
                         offsetof(TopoNode, name));
    return false;
}

/* ---- what follows -------------------------------------------------------------- */

static void check_names(ScenarioCheck *c, const Topology *t)
{
    for (unsigned i = 0; i < t->nodes->len; i++) {
        const TopoNode *n = t->nodes->pdata[i];

        if (!n->host && !n->written && topology_node(t, n->name) != i) {
            scenario_problem(c, c->s->fabric, NULL,
                             "the fabric makes a node '%s', too", n->name);
        }
    }
}

static uint32_t index_of(const Topology *t, const ScnHost *host)
{
    return topology_node(t, host->node.name);
}

static const ScnVnic *member(const ScnHost *host, const char *network)
{
    for (unsigned i = 0; host->card && i < host->card->nic->len; i++) {
        const ScnVnic *vnic = host->card->nic->pdata[i];

        if (!strcmp(vnic->network, network)) {
            return vnic;
        }
    }
    return NULL;
}

/* All members of a virtual network see each other. */
static void check_reach(ScenarioCheck *c, const Topology *t,
                        const char *network)
{
    g_autofree uint64_t *ps = g_new(uint64_t, t->nodes->len + 1);
    const ScnHost *first = NULL;

    for (unsigned i = 0; i < c->s->hosts->len; i++) {
        const ScnHost *host = c->s->hosts->pdata[i];
        const ScnVnic *vnic = member(host, network);

        if (vnic && !first) {
            first = host;
            topology_distances(t, index_of(t, host), ps);
        } else if (vnic && ps[index_of(t, host)] == UINT64_MAX) {
            scenario_problem(c, vnic, NULL,
                             "no way from '%s' to '%s', the first member of "
                             "network '%s'; add a link",
                             host->node.name, first->node.name, network);
        }
    }
}

static void check_windows(ScenarioCheck *c, const Topology *t)
{
    const ScnTime *time = c->s->time;

    for (unsigned i = 0; i < t->hosts; i++) {
        const TopoNode *n = t->nodes->pdata[i];
        g_autofree char *most = NULL;

        if (time->window_ps && time->window_ps > n->lookahead_ps) {
            most = unit_format(UNIT_DURATION, (int64_t)n->lookahead_ps);
            scenario_problem(c, time, "window",
                             "a packet can be at '%s' after %s, so longer "
                             "windows are not exact",
                             n->name, most);
            return;
        }
    }
}

void scenario_check_topology(ScenarioCheck *c)
{
    Scenario *s = c->s;

    check_networks(c);
    check_nics(c);
    for (unsigned i = 0; i < s->nodes->len; i++) {
        ScnNode *node = s->nodes->pdata[i];

        if (node->kind == SCN_NODE_SWITCH) {
            check_switch(c, (ScnSwitch *)node);
        } else if (node->kind == SCN_NODE_GATEWAY) {
            scenario_check_gateway(c, (ScnGateway *)node);
        }
    }
    check_links(c);
    if (c->problems->list->len) {
        return;
    }
    if (s->fabric) {
        check_fabric(c);
    }
    if (c->problems->list->len) {
        return;
    }
    s->topology = topology_build(s);
    topology_apply_boards(s->topology);
    scenario_check_gateway_links(c);
    check_names(c, s->topology);
    topology_set_lookahead(s->topology);
    for (unsigned i = 0; i < s->networks->len; i++) {
        check_reach(c, s->topology,
                    ((ScnNetwork *)s->networks->pdata[i])->name);
    }
    check_windows(c, s->topology);
    scenario_check_traffic(c);
}
