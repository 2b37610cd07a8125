/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_check_transport.c: modelled traffic with a transport: what it needs
 * of switches and of the other traffic.
 */
#include "scenario_check.h"

static bool cuts(ScnTransport t)
{
    return t == SCN_TRANSPORT_NDP || t == SCN_TRANSPORT_EQDS;
}

/* Some switch that does not do what the transport needs. */
static const TopoNode *unfit_switch(const Topology *t, bool trim)
{
    for (unsigned i = 0; i < t->nodes->len; i++) {
        const TopoNode *n = t->nodes->pdata[i];

        if (n->kind == TOPO_SWITCH && (n->trim_queue_bytes != 0) != trim) {
            return n;
        }
    }
    return NULL;
}

void scenario_check_transport(ScenarioCheck *c, ScnTraffic *t)
{
    const TopoNode *n = unfit_switch(c->s->topology, cuts(t->transport));
    uint32_t target =
        t->target ? topology_node(c->s->topology, t->target) : TOPO_NONE;

    if (t->pattern == SCN_PATTERN_TRACE) {
        scenario_problem(c, t, "transport",
                         "a trace is sent at the rate of its hosts: leave it "
                         "out, or use another 'pattern'");
    }
    if (n && cuts(t->transport)) {
        scenario_problem(c, t, "transport",
                         "switch '%s' drops what finds no room; this "
                         "transport needs 'trim: true'",
                         n->name);
    } else if (n) {
        scenario_problem(c, t, "transport",
                         "switch '%s' cuts packets ('trim: true'), which this "
                         "transport does not understand",
                         n->name);
    }
    if (t->transport == SCN_TRANSPORT_EQDS && t->paths & (t->paths - 1)) {
        scenario_problem(c, t, "paths", "a power of 2 with `eqds`");
    }
    if (t->pattern == SCN_PATTERN_POISSON && !t->duration_ps) {
        scenario_problem(c, t, "pattern",
                         "'duration' is missing: how long flows begin");
    }
    if (target != TOPO_NONE &&
        ((const TopoNode *)c->s->topology->nodes->pdata[target])->kind !=
            TOPO_MODELLED) {
        scenario_problem(c, t, "target",
                         "'%s' is not modelled: it would not answer",
                         t->target);
    }
}

void scenario_check_transports(ScenarioCheck *c)
{
    const ScnTraffic *open = NULL, *closed = NULL;

    for (unsigned i = 0; i < c->s->traffic->len; i++) {
        const ScnTraffic *t = c->s->traffic->pdata[i];

        if (t->transport == SCN_TRANSPORT_NONE) {
            open = t;
        } else {
            closed = t;
        }
    }
    if (open && closed) {
        scenario_problem(c, closed, "transport",
                         "traffic '%s' has none; hosts send all of their "
                         "traffic with transports, or none of it",
                         open->name);
    }
}
