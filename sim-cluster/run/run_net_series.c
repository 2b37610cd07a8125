/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_net_series.c: loads, queues, marks and drops of links over time, as
 * network/series.json: what the report's heat map is drawn from.
 *
 * Directions of links that carried something, those between switches first;
 * of more than WIRES_MAX of them the busiest.
 */
#include <stdlib.h>

#include "run_net_priv.h"

#define WIRES_MAX 128u

typedef struct Wire {
    unsigned link, end;
    bool core; /* between switches */
    uint64_t bytes;
} Wire;

static const TopoLink *link_at(const Execution *x, unsigned i)
{
    return g_ptr_array_index(x->scn->topology->links, i);
}

static const TopoNode *node_at(const Execution *x, uint32_t i)
{
    return g_ptr_array_index(x->scn->topology->nodes, i);
}

/* Core links first, then the busiest; ties by place. */
static int busiest(const void *a, const void *b)
{
    const Wire *x = a, *y = b;

    if (x->core != y->core) {
        return x->core ? -1 : 1;
    }
    if (x->bytes != y->bytes) {
        return x->bytes > y->bytes ? -1 : 1;
    }
    return x->link != y->link ? (x->link < y->link ? -1 : 1)
                              : (int)x->end - (int)y->end;
}

static int by_place(const void *a, const void *b)
{
    const Wire *x = a, *y = b;

    if (x->core != y->core) {
        return x->core ? -1 : 1;
    }
    return x->link != y->link ? (x->link < y->link ? -1 : 1)
                              : (int)x->end - (int)y->end;
}

static GArray *choose(const Execution *x, const Fabric *f)
{
    GArray *wires = g_array_new(FALSE, FALSE, sizeof(Wire));

    for (unsigned i = 0; i < x->scn->topology->links->len; i++) {
        const TopoLink *l = link_at(x, i);

        for (unsigned end = 0; end < 2; end++) {
            Wire w = { .link = i,
                       .end = end,
                       .core = node_at(x, l->node[0])->kind == TOPO_SWITCH &&
                               node_at(x, l->node[1])->kind == TOPO_SWITCH };
            FabricLinkStats s;

            if (fabric_link_stats(f, i, net_fabric_end(x->net, i, end), &s) &&
                s.packets) {
                w.bytes = s.wire_bytes;
                g_array_append_val(wires, w);
            }
        }
    }
    g_array_sort(wires, busiest);
    if (wires->len > WIRES_MAX) {
        g_array_set_size(wires, WIRES_MAX);
    }
    g_array_sort(wires, by_place);
    return wires;
}

/* ---- writing ------------------------------------------------------------- */

static void add_ints(JsonObject *o, const char *name, const uint64_t *value,
                     uint32_t n)
{
    JsonArray *a = json_array_sized_new(n);
    bool any = false;

    for (uint32_t i = 0; i < n; i++) {
        json_array_add_int_element(a, (gint64)value[i]);
        any |= value[i] != 0;
    }
    if (any) {
        json_object_set_array_member(o, name, a);
    } else {
        json_array_unref(a);
    }
}

static JsonObject *wire_object(const Execution *x, const Fabric *f,
                               const Wire *w, uint32_t bins)
{
    const TopoLink *l = link_at(x, w->link);
    uint32_t from = net_fabric_end(x->net, w->link, w->end);
    const SwitchCore *sw = fabric_switch(f, from);
    uint64_t cell = sw ? switch_core_config(sw)->cell_bytes : 0;
    g_autofree uint64_t *value = g_new(uint64_t, (gsize)4 * bins + 1);
    JsonObject *o = json_object_new();

    for (uint32_t i = 0; i < bins; i++) {
        FabricLinkBin b = { 0 };

        fabric_stats_link_bin(f, w->link, from, i, &b);
        value[i] = (b.utilisation_ppm + 500) / 1000;
        value[bins + i] = b.max_queue_cells * cell;
        value[2 * bins + i] = b.marked;
        value[3 * bins + i] = b.dropped;
    }
    json_object_set_string_member(o, "link", l->name);
    json_object_set_string_member(o, "from", node_at(x, l->node[w->end])->name);
    json_object_set_string_member(o, "to", node_at(x, l->node[!w->end])->name);
    json_object_set_boolean_member(o, "core", w->core);
    add_ints(o, "load_permille", value, bins);
    add_ints(o, "queue_bytes", value + bins, bins);
    add_ints(o, "marks", value + 2 * (gsize)bins, bins);
    add_ints(o, "drops", value + 3 * (gsize)bins, bins);
    return o;
}

bool run_net_write_series(const Execution *x, const char *dir, GError **error)
{
    const Fabric *f = net_fabric(x->net);
    uint32_t bins = f ? fabric_stats_bins(f) : 0;
    g_autofree char *path = g_build_filename(dir, "series.json", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GArray) wires = NULL;
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
    JsonObject *o = json_object_new();
    JsonArray *list = json_array_new();

    json_node_take_object(root, o);
    json_object_set_array_member(o, "wires", list);
    if (!bins) {
        return true;
    }
    if (bins > 1 &&
        fabric_now_ps(f) - fabric_stats_begin_ps(f) <
            (bins - 1) * fabric_stats_bin_ps(f) + fabric_stats_bin_ps(f) / 16) {
        bins--; /* it has only just begun */
    }
    wires = choose(x, f);
    json_object_set_int_member(o, "begin_ps", (gint64)fabric_stats_begin_ps(f));
    json_object_set_int_member(o, "bin_ps", (gint64)fabric_stats_bin_ps(f));
    json_object_set_int_member(o, "bins", bins);
    for (unsigned i = 0; i < wires->len; i++) {
        json_array_add_object_element(
            list, wire_object(x, f, &g_array_index(wires, Wire, i), bins));
    }
    text = json_to_string(root, FALSE);
    return g_file_set_contents(path, text, -1, error);
}
