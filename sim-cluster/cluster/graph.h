/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * graph.h: a picture of a scenario's topology: hosts with their cards,
 * switches by tier, links. Modelled hosts of one switch are one item, since
 * there may be thousands. Same scenario, same bytes.
 */
#ifndef OUTRIGGER_GRAPH_H
#define OUTRIGGER_GRAPH_H

#include "scenario_net.h"

typedef struct GraphItem {
    char *id;         /* of the scenario; of a group "modelled@SWITCH" */
    GPtrArray *lines; /* char *: the first is its name */
    TopoKind kind;
    unsigned tier;  /* 0 hosts, 1 switches at the hosts, ... */
    unsigned count; /* members of a group; else 1 */
} GraphItem;

typedef struct GraphEdge {
    unsigned a, b; /* indices of Graph.items */
    char *label;   /* "l0: 100Gbit, 500ns" */
    unsigned count;
    unsigned load_permille; /* of the busier direction; 0: not known */
} GraphEdge;

typedef struct Graph {
    char *name;
    GPtrArray *items;    /* GraphItem: topology order, groups after */
    GPtrArray *edges;    /* GraphEdge */
    GHashTable *by_link; /* char * -> GraphEdge *: links drawn on their own */
} Graph;

Graph *graph_new(const Scenario *scn);
void graph_free(Graph *g); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Graph, graph_free)

/* Appends @text to the label of link @link, if it is drawn on its own. */
void graph_note_link(Graph *g, const char *link, const char *text);

/* How busy link @link was, if it is drawn on its own. */
void graph_load_link(Graph *g, const char *link, unsigned permille);

/* Graphviz' language, and a picture. Caller frees. */
char *graph_dot(const Graph *g);
char *graph_svg(const Graph *g);

#endif
