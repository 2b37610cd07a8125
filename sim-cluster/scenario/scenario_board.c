/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_board.c: a receded-port switch's board (hw/switch/geometry.h) from
 * its keys, and what its traces do to the links at its ports.
 */
#include "scenario_board.h"

#include "scenario_topology.h"
#include "serdes.h"

#define GBIT UINT64_C(1000000000)

static const struct {
    uint64_t bps;
    GeometryRate rate;
} rates[] = { { 10 * GBIT, GEOMETRY_10G },
              { 25 * GBIT, GEOMETRY_25G },
              { 50 * GBIT, GEOMETRY_50G },
              { 100 * GBIT, GEOMETRY_100G } };

bool scn_board_rate(const ScnGeometry *g, GeometryRate *ret)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(rates); i++) {
        if (rates[i].bps == g->lane_rate_bps) {
            *ret = rates[i].rate;
            return true;
        }
    }
    return false;
}

unsigned scn_switch_lanes(const ScnSwitch *sw)
{
    uint64_t lane_bps = sw->geometry->lane_rate_bps;
    uint64_t lanes = sw->rate_bps / lane_bps;

    return lanes >= 1 && lanes <= 8 && sw->rate_bps % lane_bps == 0
               ? (unsigned)lanes
               : 0;
}

Geometry *scn_board_new(const ScnGeometry *g, char **ret_why)
{
    static const GeometryLayout layouts[] = {
        [SCN_GEOMETRY_FLAT] = GEOMETRY_FLAT,
        [SCN_GEOMETRY_TRIANGULAR] = GEOMETRY_TRIANGULAR,
        [SCN_GEOMETRY_STAIR] = GEOMETRY_STAIR,
        [SCN_GEOMETRY_ARC] = GEOMETRY_ARC,
    };
    GeometryParams p;
    GeometryRate rate = GEOMETRY_25G;

    scn_board_rate(g, &rate);
    geometry_defaults(&p, layouts[g->layout]);
    p.baseline = g->baseline;
    p.columns = (unsigned)g->columns;
    p.rows = (unsigned)g->rows;
    p.pitch_um = (int32_t)MIN(g->pitch_um, G_MAXINT32);
    p.max_setback_um = (int32_t)MIN(g->setback_um, G_MAXINT32);
    p.steps = (unsigned)g->steps;
    for (unsigned i = 0; i < g->setbacks.n && g->layout == SCN_GEOMETRY_STAIR;
         i++) {
        p.setback_um[i] = (int32_t)MIN(g->setbacks.um[i], G_MAXINT32);
        p.n_setbacks = i + 1;
    }
    if (g->setbacks.n) { /* of a layout to compare with */
        p.max_setback_um =
            (int32_t)MIN(g->setbacks.um[g->setbacks.n - 1], G_MAXINT32);
    }
    p.recede = g->recede == SCN_RECEDE_CENTRE ? GEOMETRY_RECEDE_CENTRE
                                              : GEOMETRY_RECEDE_OUTER;
    p.arc_radius_um = g->layout == SCN_GEOMETRY_ARC
                          ? (int32_t)MIN(g->radius_um, G_MAXINT32)
                          : 0;
    p.asic_behind_um = (int32_t)MIN(g->asic_depth_um, G_MAXINT32);
    p.asic_offset_um = (int32_t)MIN(g->asic_offset_um, G_MAXINT32);
    p.routing = g->routing == SCN_ROUTING_MANHATTAN ? GEOMETRY_MANHATTAN
                                                    : GEOMETRY_OCTILINEAR;
    p.loss_mdb_per_inch[rate] = (int32_t)MIN(g->alpha_mdb_per_inch, G_MAXINT32);
    p.budget_mdb[rate] = (int32_t)MIN(g->budget_mdb, G_MAXINT32);
    return geometry_from(&p, ret_why);
}

/* ---- what a board does to the links at it -------------------------------- */

/* Serdes of all ports; constant but for the state machine, which is not used
 * here: a port locks or it does not. */
static Serdes *serdes_of(const TopoNode *n)
{
    Serdes *s = g_new0(Serdes, 1);
    const ScnGeometry *g = n->written->geometry;
    GeometryRate rate = GEOMETRY_25G;
    SerdesConfig config;
    const char *why;

    scn_board_rate(g, &rate);
    serdes_config_default(&config);
    if (!serdes_init(s, &config, n->board, rate,
                     g->retimers ? SERDES_RETIMERS_NEEDED
                                 : SERDES_RETIMERS_NONE,
                     NULL, NULL, &why)) {
        g_error("SerDes: %s", why);
    }
    return s;
}

static void apply_port(const Serdes *s, unsigned port, TopoLink *l)
{
    const SerdesPort *p = &s->port[port];
    uint64_t ber = serdes_ber_e18(p);

    l->delay_ps += serdes_delay_ps(s, p);
    l->ber_atto = MIN(l->ber_atto + ber, UINT64_C(500000000000000000));
    l->untrained |= ber > s->config.limit_ber_e18[p->rate];
}

void topology_apply_boards(Topology *t)
{
    for (unsigned i = 0; i < t->nodes->len; i++) {
        TopoNode *n = t->nodes->pdata[i];
        g_autofree Serdes *s = NULL;
        g_autofree char *why = NULL;

        if (n->kind != TOPO_SWITCH || !n->written || !n->written->geometry) {
            continue;
        }
        n->board = scn_board_new(n->written->geometry, &why);
        if (n->device_host != TOPO_NONE) {
            continue; /* the device has traces of its own */
        }
        s = serdes_of(n);
        for (unsigned port = 0; port < n->ports; port++) {
            uint32_t link = topology_port(t, i, port, NULL);

            if (link != TOPO_NONE) {
                apply_port(s, port, t->links->pdata[link]);
            }
        }
    }
}
