/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * graph.c: what there is to draw, and its text for Graphviz.
 */
#include "graph.h"

#include <string.h>

/* ---- items ------------------------------------------------------------- */

static GraphItem *item_new(const char *id, TopoKind kind, unsigned tier)
{
    GraphItem *item = g_new0(GraphItem, 1);

    item->id = g_strdup(id);
    item->lines = g_ptr_array_new_with_free_func(g_free);
    item->kind = kind;
    item->tier = tier;
    item->count = 1;
    g_ptr_array_add(item->lines, g_strdup(id));
    return item;
}

static void item_free(void *opaque)
{
    GraphItem *item = opaque;

    g_free(item->id);
    g_ptr_array_unref(item->lines);
    g_free(item);
}

static void edge_free(void *opaque)
{
    GraphEdge *e = opaque;

    g_free(e->label);
    g_free(e);
}

G_GNUC_PRINTF(2, 3)
static void add_line(GraphItem *item, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    g_ptr_array_add(item->lines, g_strdup_vprintf(format, ap));
    va_end(ap);
}

static void describe_interface(GraphItem *item, const ScnInterface *vif)
{
    g_autoptr(GString) s = g_string_new(NULL);

    for (unsigned i = 0; i < vif->namespaces->len; i++) {
        const ScnNamespace *ns = g_ptr_array_index(vif->namespaces, i);

        g_string_append_printf(s, "%s%u %s", i ? ", " : "", ns->nsid,
                               ns->partition);
    }
    add_line(item, "nvme %s: %s", vif->name, s->len ? s->str : "-");
}

static void describe_card(GraphItem *item, const ScnCard *card)
{
    for (unsigned i = 0; i < card->interfaces->len; i++) {
        describe_interface(item, g_ptr_array_index(card->interfaces, i));
    }
    for (unsigned i = 0; i < card->nic->len; i++) {
        const ScnVnic *v = g_ptr_array_index(card->nic, i);
        g_autofree char *address = scn_cidr_text(&v->address);

        add_line(item, "nic %s: %s %s", v->name, v->network, address);
    }
    for (unsigned i = 0; i < card->drives->len; i++) {
        const ScnDrive *d = g_ptr_array_index(card->drives, i);
        g_autofree char *size = unit_format(UNIT_SIZE, (int64_t)d->size_bytes);

        add_line(item, "drive %s: %s", d->name, size);
    }
}

static GraphItem *item_of(const TopoNode *n)
{
    GraphItem *item =
        item_new(n->name, n->kind, n->kind == TOPO_SWITCH ? n->tier + 1 : 0);

    if (n->kind == TOPO_HOST) {
        g_autofree char *memory =
            unit_format(UNIT_SIZE, (int64_t)n->host->memory_bytes);

        add_line(item, "%" G_GUINT64_FORMAT " CPU, %s", n->host->cpu->count,
                 memory);
        if (n->host->card) {
            describe_card(item, n->host->card);
        }
    } else if (n->kind == TOPO_GATEWAY) {
        g_autofree char *address = scn_cidr_text(&n->gateway->address);

        add_line(item, "gateway of %s: %s", n->gateway->network, address);
    } else {
        add_line(item, "%u ports%s%s", n->ports, n->board ? ", " : "",
                 n->board
                     ? scn_geometry_layout_name(n->written->geometry->layout)
                     : "");
    }
    return item;
}

/* ---- links ------------------------------------------------------------- */

void graph_note_link(Graph *g, const char *link, const char *text)
{
    GraphEdge *e = g_hash_table_lookup(g->by_link, link);

    if (e) {
        char *longer = g_strconcat(e->label, ", ", text, NULL);

        g_free(e->label);
        e->label = longer;
    }
}

void graph_load_link(Graph *g, const char *link, unsigned permille)
{
    GraphEdge *e = g_hash_table_lookup(g->by_link, link);

    if (e) {
        e->load_permille = permille;
    }
}

static char *link_label(const TopoLink *l)
{
    g_autofree char *rate = unit_format(UNIT_RATE, (int64_t)l->rate_bps);
    g_autofree char *delay = unit_format(UNIT_DURATION, (int64_t)l->delay_ps);

    return g_strdup_printf("%s, %s", rate, delay);
}

static GraphEdge *add_edge(Graph *g, unsigned a, unsigned b, char *label,
                           unsigned count)
{
    GraphEdge *e = g_new0(GraphEdge, 1);

    *e = (GraphEdge){ .a = a, .b = b, .label = label, .count = count };
    g_ptr_array_add(g->edges, e);
    return e;
}

/* The modelled hosts of item @at are one; returns its edge. */
static GraphEdge *group_of(Graph *g, GHashTable *groups, unsigned at,
                           const TopoLink *l)
{
    const GraphItem *sw = g_ptr_array_index(g->items, at);
    void *found = g_hash_table_lookup(groups, GUINT_TO_POINTER(at + 1));
    g_autofree char *id = NULL;

    if (found) {
        return found;
    }
    id = g_strconcat("modelled@", sw->id, NULL);
    g_ptr_array_add(g->items, item_new(id, TOPO_MODELLED, 0));
    found = add_edge(g, g->items->len - 1, at, link_label(l), 0);
    g_hash_table_insert(groups, GUINT_TO_POINTER(at + 1), found);
    return found;
}

static void add_to_group(Graph *g, GHashTable *groups, unsigned at,
                         const TopoLink *l)
{
    GraphEdge *e = group_of(g, groups, at, l);
    GraphItem *group = g_ptr_array_index(g->items, e->a);

    group->count = ++e->count;
    g_free(g_ptr_array_index(group->lines, 0));
    group->lines->pdata[0] = g_strdup_printf("%u modelled", e->count);
}

static void add_links(Graph *g, const Topology *t, const unsigned *item)
{
    g_autoptr(GHashTable) groups = g_hash_table_new(NULL, NULL);

    for (unsigned i = 0; i < t->links->len; i++) {
        const TopoLink *l = g_ptr_array_index(t->links, i);
        const TopoNode *a = g_ptr_array_index(t->nodes, l->node[0]);
        const TopoNode *b = g_ptr_array_index(t->nodes, l->node[1]);

        if (a->kind == TOPO_MODELLED && b->kind == TOPO_SWITCH) {
            add_to_group(g, groups, item[l->node[1]], l);
        } else if (b->kind == TOPO_MODELLED && a->kind == TOPO_SWITCH) {
            add_to_group(g, groups, item[l->node[0]], l);
        } else if (a->kind != TOPO_MODELLED && b->kind != TOPO_MODELLED) {
            g_autofree char *what = link_label(l);

            g_hash_table_insert(
                g->by_link, g_strdup(l->name),
                add_edge(g, item[l->node[0]], item[l->node[1]],
                         g_strdup_printf("%s: %s%s", l->name, what,
                                         l->untrained ? ", never up" : ""),
                         1));
        }
    }
}

/* ---- all --------------------------------------------------------------- */

Graph *graph_new(const Scenario *scn)
{
    const Topology *t = scn->topology;
    Graph *g = g_new0(Graph, 1);
    g_autofree unsigned *item = g_new0(unsigned, t->nodes->len + 1);

    g->name = g_strdup(scn->name);
    g->items = g_ptr_array_new_with_free_func(item_free);
    g->edges = g_ptr_array_new_with_free_func(edge_free);
    g->by_link = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned i = 0; i < t->nodes->len; i++) {
        const TopoNode *n = g_ptr_array_index(t->nodes, i);

        if (n->kind != TOPO_MODELLED) {
            item[i] = g->items->len;
            g_ptr_array_add(g->items, item_of(n));
        }
    }
    add_links(g, t, item);
    return g;
}

void graph_free(Graph *g)
{
    if (g) {
        g_free(g->name);
        g_ptr_array_unref(g->items);
        g_ptr_array_unref(g->edges);
        g_hash_table_unref(g->by_link);
        g_free(g);
    }
}

/* ---- Graphviz ---------------------------------------------------------- */

static void quote(GString *s, const char *text)
{
    g_string_append_c(s, '"');
    for (; *text; text++) {
        if (*text == '\n') {
            g_string_append(s, "\\n");
        } else {
            g_string_append_printf(s, "%s%c", strchr("\"\\", *text) ? "\\" : "",
                                   *text);
        }
    }
    g_string_append_c(s, '"');
}

static void dot_item(GString *s, const GraphItem *item)
{
    static const char *const shapes[] = {
        [TOPO_HOST] = "box",
        [TOPO_MODELLED] = "ellipse",
        [TOPO_SWITCH] = "box, style=rounded",
        [TOPO_GATEWAY] = "cds",
    };
    g_autoptr(GString) label = g_string_new(NULL);

    for (unsigned i = 0; i < item->lines->len; i++) {
        g_string_append_printf(label, "%s%s", i ? "\n" : "",
                               (char *)g_ptr_array_index(item->lines, i));
    }
    g_string_append(s, "  ");
    quote(s, item->id);
    g_string_append_printf(s, " [shape=%s, label=", shapes[item->kind]);
    quote(s, label->str);
    g_string_append(s, "];\n");
}

char *graph_dot(const Graph *g)
{
    GString *s = g_string_new("graph ");

    quote(s, g->name);
    g_string_append(s, " {\n  rankdir=BT;\n  node [fontname=\"sans-serif\"];\n"
                       "  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (unsigned i = 0; i < g->items->len; i++) {
        dot_item(s, g_ptr_array_index(g->items, i));
    }
    for (unsigned i = 0; i < g->edges->len; i++) {
        const GraphEdge *e = g_ptr_array_index(g->edges, i);
        const GraphItem *a = g_ptr_array_index(g->items, e->a);
        const GraphItem *b = g_ptr_array_index(g->items, e->b);

        g_string_append(s, "  ");
        quote(s, a->id);
        g_string_append(s, " -- ");
        quote(s, b->id);
        g_string_append(s, " [label=");
        quote(s, e->label);
        g_string_append(s, "];\n");
    }
    g_string_append(s, "}\n");
    return g_string_free(s, FALSE);
}
