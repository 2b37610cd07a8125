/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_net_report.c: the network in the run directory: its pictures, and in
 * summary.json what the report's tables need beside the metrics.
 */
#include "run_net_priv.h"

#include <stdio.h>

#include "geometry_svg.h"
#include "graph.h"
#include "hist.h"
#include "run_files.h"
#include "scenario_board.h"

#define FOLDER "network"
#define LINKS_MAX 64u /* rows of the report; more are only counted */

/* ---- pictures ---------------------------------------------------------- */

/* "12.3%" */
static char *percent(uint64_t ppm)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT "%%",
                           ppm / 10000, ppm % 10000 / 1000);
}

static uint64_t load_ppm(const Execution *x, unsigned link, unsigned end)
{
    const Fabric *f = net_fabric(x->net);
    FabricLinkStats s;

    return f && fabric_link_stats(f, link, net_fabric_end(x->net, link, end),
                                  &s)
               ? s.utilisation_ppm
               : 0;
}

static void note_loads(const Execution *x, Graph *g)
{
    for (unsigned i = 0; i < x->scn->topology->links->len; i++) {
        const TopoLink *l = g_ptr_array_index(x->scn->topology->links, i);
        uint64_t ab_ppm = load_ppm(x, i, 0), ba_ppm = load_ppm(x, i, 1);
        g_autofree char *ab = percent(ab_ppm);
        g_autofree char *ba = percent(ba_ppm);
        g_autofree char *text =
            g_strdup_printf("load %s, back %s%s", ab, ba,
                            l->untrained ? ", does not train" : "");

        graph_note_link(g, l->name, text);
        graph_load_link(g, l->name, (unsigned)(MAX(ab_ppm, ba_ppm) / 1000));
    }
}

static bool write_topology(const Execution *x, const char *dir, GError **error)
{
    g_autoptr(Graph) g = graph_new(x->scn);
    g_autofree char *path = g_build_filename(dir, "topology.svg", NULL);
    g_autofree char *svg = NULL;

    note_loads(x, g);
    svg = graph_svg(g);
    return g_file_set_contents(path, svg, -1, error);
}

/* The same board in all four layouts, its own first; what cannot be built is
 * left out. */
static char *compare_layouts(const ScnGeometry *own, GeometryRate rate)
{
    Geometry *all[SCN_GEOMETRY_ARC + 1] = { NULL };
    const char *titles[SCN_GEOMETRY_ARC + 1];
    unsigned n = 0;
    char *svg;

    for (int i = -1; i <= SCN_GEOMETRY_ARC; i++) {
        ScnGeometry g = *own;
        g_autofree char *why = NULL;
        Geometry *made;

        if (i == (int)own->layout) {
            continue;
        }
        if (i >= 0) {
            g.layout = (ScnGeometryLayout)i;
            g.baseline = i == SCN_GEOMETRY_FLAT;
        }
        made = scn_board_new(&g, &why);
        if (made) {
            titles[n] = scn_geometry_layout_name(g.layout);
            all[n++] = made;
        }
    }
    svg = geometry_compare_svg((const Geometry *const *)all, titles, n, rate);
    for (unsigned i = 0; i < n; i++) {
        g_free(all[i]);
    }
    return svg;
}

static bool write_boards(const Execution *x, const char *dir, GError **error)
{
    const Topology *t = x->scn->topology;

    for (unsigned i = 0; i < t->nodes->len; i++) {
        const TopoNode *n = g_ptr_array_index(t->nodes, i);
        g_autofree char *path = NULL;
        g_autofree char *file = NULL;
        g_autofree char *svg = NULL;
        GeometryRate rate = GEOMETRY_25G;

        if (!n->board) {
            continue;
        }
        scn_board_rate(n->written->geometry, &rate);
        svg = compare_layouts(n->written->geometry, rate);
        file = g_strconcat(n->name, ".svg", NULL);
        path = g_build_filename(dir, file, NULL);
        if (!g_file_set_contents(path, svg, -1, error)) {
            return false;
        }
    }
    return true;
}

bool run_net_write(const Execution *x, GError **error)
{
    g_autofree char *dir = g_build_filename(x->dir, FOLDER, NULL);

    return !topology_linked(x->scn->topology) ||
           (run_files_mkdir(dir, error) && write_topology(x, dir, error) &&
            write_boards(x, dir, error) &&
            run_net_write_series(x, dir, error) &&
            run_net_write_flows(x, dir, error));
}

/* ---- summary.json ------------------------------------------------------ */

static const char *node_name(const Topology *t, uint32_t node)
{
    return ((const TopoNode *)g_ptr_array_index(t->nodes, node))->name;
}

static JsonArray *links(const Topology *t)
{
    JsonArray *a = json_array_new();

    for (unsigned i = 0; i < MIN(t->links->len, LINKS_MAX); i++) {
        const TopoLink *l = g_ptr_array_index(t->links, i);
        JsonObject *o = json_object_new();

        json_object_set_string_member(o, "name", l->name);
        json_object_set_string_member(o, "a", node_name(t, l->node[0]));
        json_object_set_string_member(o, "b", node_name(t, l->node[1]));
        json_object_set_int_member(o, "rate_bps", (gint64)l->rate_bps);
        json_object_set_int_member(o, "delay_ps", (gint64)l->delay_ps);
        json_object_set_boolean_member(o, "trained", !l->untrained);
        json_array_add_object_element(a, o);
    }
    return a;
}

static JsonArray *switches(const Topology *t)
{
    JsonArray *a = json_array_new();

    for (unsigned i = t->hosts + t->modelled;
         i < t->nodes->len && json_array_get_length(a) < LINKS_MAX; i++) {
        const TopoNode *n = g_ptr_array_index(t->nodes, i);
        JsonObject *o = json_object_new();

        json_object_set_string_member(o, "name", n->name);
        json_object_set_int_member(o, "ports", n->ports);
        if (n->board) {
            g_autofree char *file =
                g_strconcat(FOLDER "/", n->name, ".svg", NULL);

            json_object_set_string_member(
                o, "layout",
                scn_geometry_layout_name(n->written->geometry->layout));
            json_object_set_string_member(o, "picture", file);
        }
        json_array_add_object_element(a, o);
    }
    return a;
}

static JsonArray *entries(const Scenario *scn)
{
    JsonArray *a = json_array_new();

    for (unsigned i = 0; i < scn->traffic->len; i++) {
        const ScnTraffic *t = g_ptr_array_index(scn->traffic, i);

        json_array_add_string_element(a, t->name);
    }
    return a;
}

/* Completion times by size of the flow. */
static JsonArray *completion(const Fabric *f)
{
    static const struct {
        const char *name;
        uint32_t ppm;
    } points[] = { { "p50_ps", HIST_P50 },
                   { "p90_ps", HIST_P90 },
                   { "p99_ps", HIST_P99 },
                   { "p999_ps", HIST_P99_9 },
                   { "max_ps", HIST_MAX } };
    JsonArray *a = json_array_new();

    for (uint32_t i = 0; f && i < FABRIC_FCT_CLASSES; i++) {
        const Hist *h = (const Hist *)fabric_fct(f, i);
        JsonObject *o;

        if (!hist_count(h)) {
            continue;
        }
        o = json_object_new();
        json_object_set_string_member(o, "class", fabric_fct_class_name(i));
        json_object_set_int_member(o, "count", (gint64)hist_count(h));
        for (unsigned p = 0; p < G_N_ELEMENTS(points); p++) {
            json_object_set_int_member(
                o, points[p].name, (gint64)hist_percentile(h, points[p].ppm));
        }
        json_array_add_object_element(a, o);
    }
    return a;
}

JsonObject *run_net_summary(const Execution *x)
{
    const Topology *t = x->scn->topology;
    JsonObject *o = json_object_new();

    json_object_set_int_member(o, "hosts", t->hosts);
    json_object_set_int_member(o, "modelled", t->modelled);
    json_object_set_int_member(o, "switches_count", t->switches);
    json_object_set_int_member(o, "links_count", t->links->len);
    json_object_set_boolean_member(o, "traffic", x->scn->traffic->len > 0);
    json_object_set_array_member(o, "entries", entries(x->scn));
    if (topology_linked(t)) {
        json_object_set_string_member(o, "picture", FOLDER "/topology.svg");
        json_object_set_array_member(o, "links", links(t));
        json_object_set_array_member(o, "fct", completion(net_fabric(x->net)));
        json_object_set_array_member(o, "switches", switches(t));
    }
    return o;
}
