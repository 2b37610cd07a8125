/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric.c: making, checking and freeing a fabric; names and addresses.
 */
#include "fabric_priv.h"

#include <stdlib.h>
#include <string.h>

G_DEFINE_QUARK(outrigger - fabric - error, fabric_error)

static const char *const drop_names[FABRIC_DROPS] = {
    "buffer", "threshold", "no_route", "link_down", "loss", "fcs", "not_for_it",
};

const char *fabric_drop_name(FabricDrop reason)
{
    return (unsigned)reason < FABRIC_DROPS ? drop_names[reason] : "unknown";
}

Fabric *fabric_new(const FabricConfig *config)
{
    Fabric *f = g_new0(Fabric, 1);

    f->config = *config;
    f->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    f->link_by_name = g_hash_table_new(g_str_hash, g_str_equal);
    f->by_ipv4 = g_hash_table_new(NULL, NULL);
    f->loads = g_ptr_array_new_with_free_func(fabric_load_free);
    f->trace = g_array_new(FALSE, TRUE, sizeof(FabricTraceRow));
    f->free_frame = f->free_flow = FABRIC_NONE;
    fabric_stats_init(f);
    fabric_entry_new(f); /* nobody's */
    return f;
}

static void host_free(FabricHost *h)
{
    if (h) {
        g_free(h->streams);
        g_free(h->sources);
        g_free(h->pending);
        fabric_balance_host_free(h->balance);
        g_free(h->fixed_ps);
        g_free(h->per_byte_ps);
        g_free(h->after_ps);
        g_free(h);
    }
}

static void nodes_free(Fabric *f)
{
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        FabricNode *n = &f->node[i];

        switch_core_free(n->core);
        fabric_notices_free(n);
        host_free(n->host);
        g_free(n->name);
        g_free(n->sw);
        g_free(n->links);
    }
    g_free(f->node);
    for (uint32_t i = 0; i < f->n_links; i++) {
        g_free(f->links[i].name);
    }
    g_free(f->links);
}

void fabric_free(Fabric *f)
{
    if (!f) {
        return;
    }
    for (uint32_t i = 0; i < f->n_frames; i++) {
        g_free(f->frame[i].bytes);
    }
    for (uint32_t i = 0; i < f->n_wires; i++) {
        g_free(f->wire[i].q);
    }
    fabric_transports_free(f);
    fabric_balance_free(f);
    nodes_free(f);
    g_hash_table_unref(f->by_name);
    g_hash_table_unref(f->link_by_name);
    g_hash_table_unref(f->by_ipv4);
    g_ptr_array_unref(f->loads);
    g_array_unref(f->trace);
    fabric_stats_free(f);
    fabric_entries_free(f);
    fabric_series_free(f->series);
    free(f->wire);
    g_free(f->rare);
    g_free(f->wire_next_ps);
    g_free(f->node_next_ps);
    g_free(f->order);
    g_free(f->due);
    g_free(f->out_wire);
    g_free(f->key);
    g_free(f->key_spare);
    g_free(f->ref);
    g_free(f->frame);
    g_free(f->delivery);
    g_free(f->control);
    g_free(f->flow);
    g_free(f->by_address);
    g_free(f);
}

/* ---- build --------------------------------------------------------------- */

static int by_ipv4(const void *a, const void *b, void *opaque)
{
    const Fabric *f = opaque;
    uint32_t x = f->node[*(const uint32_t *)a].host->ipv4;
    uint32_t y = f->node[*(const uint32_t *)b].host->ipv4;

    return x < y ? -1 : x > y;
}

static bool check_host(Fabric *f, FabricNode *n, GHashTable *macs,
                       GError **errp)
{
    FabricHost *h = n->host;
    uint32_t other;

    if (n->ports != 1) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TOPOLOGY,
                    "%s: a host has one link, this one has none", n->name);
        return false;
    }
    other = GPOINTER_TO_UINT(
        g_hash_table_lookup(f->by_ipv4, GUINT_TO_POINTER(h->ipv4)));
    if (other) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TOPOLOGY,
                    "%s and %s have the same address %u.%u.%u.%u: give one "
                    "another",
                    f->node[other - 1].name, n->name, h->ipv4 >> 24,
                    h->ipv4 >> 16 & 255, h->ipv4 >> 8 & 255, h->ipv4 & 255);
        return false;
    }
    g_hash_table_insert(f->by_ipv4, GUINT_TO_POINTER(h->ipv4),
                        GUINT_TO_POINTER(n->number + 1));
    if (!g_hash_table_add(macs, &h->mac)) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TOPOLOGY,
                    "%s: another host has its MAC address "
                    "%012" G_GINT64_MODIFIER "x: give one another",
                    n->name, h->mac);
        return false;
    }
    return true;
}

static bool check_nodes(Fabric *f, GError **errp)
{
    g_autoptr(GHashTable) macs = g_hash_table_new(g_int64_hash, g_int64_equal);
    uint32_t at = 0;

    if (f->n_links == 0) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TOPOLOGY,
                    "a fabric has at least one link");
        return false;
    }
    f->by_address = g_new(uint32_t, f->n_hosts + 1);
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        if (f->node[i].host) {
            if (!check_host(f, &f->node[i], macs, errp)) {
                return false;
            }
            f->by_address[at++] = i;
        }
    }
    g_qsort_with_data(f->by_address, (gint)f->n_hosts, sizeof(uint32_t),
                      by_ipv4, f);
    return true;
}

/* Zeroed, aligned to cache lines; for free(). */
static void *lines_alloc(size_t n, size_t size)
{
    void *p = aligned_alloc(64, (n * size + 63) / 64 * 64);

    if (!p) {
        abort();
    }
    return memset(p, 0, n * size);
}

static uint64_t pipeline_ps(const FabricNode *n)
{
    return n->sw ? n->sw->sw.pipeline_ps : 0;
}

static void make_wire(Fabric *f, uint32_t link, uint32_t from)
{
    const FabricLink *l = &f->links[link];
    const FabricNode *a = &f->node[l->node[from]];
    const FabricNode *b = &f->node[l->node[!from]];
    uint32_t number = b->base + l->port[!from];
    FabricWire *w = &f->wire[number];

    f->rare[number].link = link;
    f->rare[number].from_node = a->number;
    f->rare[number].from_port = (uint16_t)l->port[from];
    w->to_node = b->number;
    w->to_port = (uint16_t)l->port[!from];
    w->delay_ps = l->config.delay_ps + pipeline_ps(b);
    if (b->kind == FABRIC_SWITCH || a->kind != FABRIC_SWITCH) {
        f->window_ps = MIN(f->window_ps, w->delay_ps);
    }
    f->out_wire[a->base + l->port[from]] = number;
    fabric_wire_set_errors(f, number, l->config.loss, l->config.ber,
                           l->config.fec);
}

static void make_wires(Fabric *f)
{
    uint32_t base = 0;

    for (uint32_t i = 0; i < f->n_nodes; i++) {
        f->node[i].base = base;
        base += f->node[i].ports;
        f->n_switches += f->node[i].kind == FABRIC_SWITCH;
        f->node[i].f = f;
        f->node[i].up = true;
    }
    f->n_wires = base;
    f->wire = lines_alloc(base, sizeof(*f->wire));
    f->rare = g_new0(FabricWireRare, base);
    f->wire_next_ps = g_new(uint64_t, base);
    f->out_wire = g_new0(uint32_t, base);
    f->node_next_ps = g_new(uint64_t, f->n_nodes);
    f->due = g_new(uint32_t, f->n_nodes + 1);
    memset(f->wire_next_ps, 0xff, base * sizeof(uint64_t));
    memset(f->node_next_ps, 0xff, f->n_nodes * sizeof(uint64_t));
    f->window_ps = FABRIC_WINDOW_MAX_PS;
    for (uint32_t i = 0; i < f->n_links; i++) {
        FabricLink *l = &f->links[i];

        make_wire(f, i, 0);
        make_wire(f, i, 1);
        l->rate_bps = l->config.rate_bps;
        l->up = true;
        l->random[0] = fabric_seed(f->config.seed, 1, 2ull * i);
        l->random[1] = fabric_seed(f->config.seed, 1, 2ull * i + 1);
    }
}

static void order_nodes(Fabric *f)
{
    uint32_t n = 0;

    f->order = g_new(uint32_t, f->n_nodes);
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        f->order[n] = i;
        n += f->node[i].kind == FABRIC_SWITCH;
    }
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        if (f->node[i].kind != FABRIC_SWITCH) {
            f->order[n++] = i;
        }
    }
}

bool fabric_build(Fabric *f, GError **errp)
{
    if (f->built) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TOPOLOGY,
                    "the fabric is already built");
        return false;
    }
    if (!check_nodes(f, errp)) {
        return false;
    }
    make_wires(f);
    order_nodes(f);
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        FabricNode *n = &f->node[i];

        if (n->host) {
            n->host->depart_ps = FABRIC_NEVER_PS;
            n->host->rate_bps = f->links[n->links[0]].config.rate_bps;
        } else if (!fabric_switch_make(f, n, errp)) {
            return false;
        }
    }
    fabric_routes_compute(f);
    fabric_bounds_compute(f);
    if (f->config.warmup_ps) {
        fabric_control_add(f, (FabricControl){ .at_ps = f->config.warmup_ps,
                                               .kind = FABRIC_CONTROL_WARM });
    }
    f->built = true;
    fabric_traffic_start(f);
    return true;
}

/* ---- names and addresses ------------------------------------------------- */

uint32_t fabric_node_count(const Fabric *f)
{
    return f->n_nodes;
}

uint32_t fabric_link_count(const Fabric *f)
{
    return f->n_links;
}

const char *fabric_node_name(const Fabric *f, uint32_t node)
{
    return f->node[node].name;
}

const char *fabric_link_name(const Fabric *f, uint32_t link)
{
    return f->links[link].name;
}

int32_t fabric_node_by_name(const Fabric *f, const char *name)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(f->by_name, name)) - 1;
}

int32_t fabric_link_by_name(const Fabric *f, const char *name)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(f->link_by_name, name)) - 1;
}

void fabric_link_ends(const Fabric *f, uint32_t link, uint32_t *ret_a,
                      uint32_t *ret_b)
{
    *ret_a = f->links[link].node[0];
    *ret_b = f->links[link].node[1];
}

bool fabric_node_is_full_host(const Fabric *f, uint32_t node)
{
    return f->node[node].kind == FABRIC_FULL;
}

uint32_t fabric_host_ipv4(const Fabric *f, uint32_t host)
{
    return f->node[host].host->ipv4;
}

uint64_t fabric_host_mac(const Fabric *f, uint32_t host)
{
    return f->node[host].host->mac;
}

int32_t fabric_host_by_ipv4(const Fabric *f, uint32_t ipv4)
{
    return GPOINTER_TO_INT(
               g_hash_table_lookup(f->by_ipv4, GUINT_TO_POINTER(ipv4))) -
           1;
}

const SwitchCore *fabric_switch(const Fabric *f, uint32_t node)
{
    return f->node[node].core;
}

uint64_t fabric_now_ps(const Fabric *f)
{
    return f->now_ps;
}
