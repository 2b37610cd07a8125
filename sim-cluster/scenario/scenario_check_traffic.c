/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_check_traffic.c: modelled traffic and the boards of receded-port
 * switches, as far as the scenario alone can tell.
 */
#include "scenario_check.h"

#include <string.h>
#include <sys/stat.h>

#include "scenario_balancing.h"
#include "scenario_board.h"
#include "scenario_topology.h"

/* ---- geometry ------------------------------------------------------------- */

/* What the lane rate decides, for all that read it later. */
static void fill_in(ScnGeometry *g, GeometryRate rate)
{
    GeometryParams p;

    geometry_defaults(&p, GEOMETRY_STAIR);
    if (!g->alpha_mdb_per_inch) {
        g->alpha_mdb_per_inch = (uint64_t)p.loss_mdb_per_inch[rate];
    }
    if (!g->budget_mdb) {
        g->budget_mdb = (uint64_t)p.budget_mdb[rate];
    }
}

void scenario_check_geometry(ScenarioCheck *c, const ScnSwitch *sw)
{
    ScnGeometry *g = sw->geometry;
    uint64_t connectors = g->columns * g->rows;
    g_autofree Geometry *board = NULL;
    g_autofree char *why = NULL;
    GeometryRate rate;

    if (sw->ports > connectors) {
        scenario_problem(c, g, "columns",
                         "%" G_GUINT64_FORMAT " columns of %" G_GUINT64_FORMAT
                         " hold %" G_GUINT64_FORMAT
                         " connectors: too few for %" G_GUINT64_FORMAT " ports",
                         g->columns, g->rows, connectors, sw->ports);
    }
    if (!scn_board_rate(g, &rate)) {
        scenario_problem(c, g, "lane_rate",
                         "lanes have 10, 25, 50 or 100 Gbit");
        return;
    }
    if (g->setbacks.n && g->layout != SCN_GEOMETRY_STAIR) {
        scenario_problem(c, g, "setbacks", "only a stair has them");
        return;
    }
    fill_in(g, rate);
    board = scn_board_new(g, &why);
    if (!board) {
        scenario_problem(c, g, "layout", "%s", why);
    }
}

/* ---- traffic --------------------------------------------------------------- */

static void check_file(ScenarioCheck *c, const ScnTraffic *t, const char *key,
                       const char *path)
{
    struct stat st;

    if (path && (stat(path, &st) < 0 || !S_ISREG(st.st_mode))) {
        scenario_problem(c, t, key, "no file '%s'", path);
    }
}

/* Keys that only some patterns have. */
static void check_keys(ScenarioCheck *c, ScnTraffic *t)
{
    bool messages =
        t->pattern == SCN_PATTERN_POISSON || t->pattern == SCN_PATTERN_INCAST;
    bool closed = t->transport != SCN_TRANSPORT_NONE;
    bool rated = t->pattern != SCN_PATTERN_TRACE && !closed;
    const struct {
        const char *key;
        bool fits;
    } keys[] = {
        { "message", (messages || closed) && !t->sizes },
        { "sizes", t->pattern == SCN_PATTERN_POISSON && !closed },
        { "trace", t->pattern == SCN_PATTERN_TRACE },
        { "target", t->pattern == SCN_PATTERN_INCAST },
        { "senders", t->pattern != SCN_PATTERN_TRACE },
        { "load", t->pattern == SCN_PATTERN_POISSON || rated },
        { "rate", t->pattern == SCN_PATTERN_POISSON || rated },
        { "paths", closed && t->transport != SCN_TRANSPORT_DCTCP },
        { "window", closed },
        { "timeout", closed },
        { "balancing", !closed || t->transport == SCN_TRANSPORT_DCTCP },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (!keys[i].fits && schema_given(&t->obj, keys[i].key)) {
            scenario_problem(c, t, keys[i].key,
                             "'%s' does not go with what else is written here",
                             keys[i].key);
        }
    }
    if ((!messages && !schema_given(&t->obj, "message")) || t->sizes) {
        t->message_bytes = 0;
    }
}

static void check_rate(ScenarioCheck *c, const ScnTraffic *t)
{
    if (t->pattern == SCN_PATTERN_TRACE) {
        if (!t->trace) {
            scenario_problem(c, t, "pattern", "'trace' is missing: the file");
        }
    } else if ((t->transport == SCN_TRANSPORT_NONE ||
                t->pattern == SCN_PATTERN_POISSON) &&
               !t->load_ppm == !t->rate_bps) {
        scenario_problem(c, t, t->load_ppm ? "rate" : NULL,
                         "traffic has either a 'load' or a 'rate'");
    }
}

static void check_target(ScenarioCheck *c, const ScnTraffic *t)
{
    uint32_t index;

    if (t->pattern != SCN_PATTERN_INCAST) {
        return;
    }
    if (!t->target) {
        scenario_problem(c, t, "pattern",
                         "'target' is missing: where all send to");
        return;
    }
    index = topology_node(c->s->topology, t->target);
    if (index == TOPO_NONE ||
        topology_port(c->s->topology, index, 0, NULL) == TOPO_NONE ||
        ((TopoNode *)c->s->topology->nodes->pdata[index])->kind ==
            TOPO_SWITCH) {
        scenario_problem(c, t, "target", "no host '%s' with a link", t->target);
    }
}

static void check_one(ScenarioCheck *c, ScnTraffic *t)
{
    check_keys(c, t);
    check_rate(c, t);
    check_target(c, t);
    if (t->balancing) {
        scenario_check_balancing(c, t->balancing);
    }
    if (t->transport != SCN_TRANSPORT_NONE) {
        scenario_check_transport(c, t);
    }
    check_file(c, t, "sizes", t->sizes);
    check_file(c, t, "trace", t->trace);
    if (c->s->topology->modelled < 2) {
        scenario_problem(c, t, NULL,
                         "traffic needs two modelled hosts or more");
    } else if (t->senders > c->s->topology->modelled) {
        scenario_problem(c, t, "senders", "there are %u modelled hosts",
                         c->s->topology->modelled);
    }
    if (t->duration_ps && t->warmup_ps >= t->duration_ps) {
        scenario_problem(c, t, "warmup", "nothing would be left to measure");
    }
}

void scenario_check_traffic(ScenarioCheck *c)
{
    for (unsigned i = 0; i < c->s->traffic->len; i++) {
        check_one(c, c->s->traffic->pdata[i]);
    }
    scenario_check_transports(c);
}
