/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_net.c: faults of the network, at exact instants.
 */
#include "run_net.h"

#include "runtime.h"
#include "scenario_net.h"

static const TopoLink *link_at(const Execution *x, unsigned link)
{
    return g_ptr_array_index(x->scn->topology->links, link);
}

static bool failed(GError *local, GError **error)
{
    g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED, "network: %s",
                local ? local->message : "a fault was refused");
    g_clear_error(&local);
    return false;
}

static bool set_up(Execution *x, unsigned link, bool up, GError **error)
{
    GError *local = NULL;

    return net_link_set_up(x->net, link, up, x->now_ps, &local) ||
           failed(local, error);
}

RunNet *run_net_new(Execution *x, GError **error)
{
    const Topology *t = x->scn->topology;
    g_autofree RunNet *n = g_new0(RunNet, 1);

    n->links = g_new0(RunLink, t->links->len + 1);
    n->faults = g_ptr_array_new();
    for (unsigned i = 0; i < t->links->len; i++) {
        const TopoLink *l = link_at(x, i);

        n->links[i] = (RunLink){ l->loss_ppm, l->ber_atto };
        if (l->untrained && !set_up(x, i, false, error)) {
            g_ptr_array_unref(n->faults);
            g_free(n->links);
            return NULL;
        }
    }
    return g_steal_pointer(&n);
}

void run_net_free(RunNet *n)
{
    if (n) {
        g_ptr_array_unref(n->faults);
        g_free(n->links);
        g_free(n);
    }
}

/* ---- faults ------------------------------------------------------------ */

static bool set_errors(Execution *x, unsigned link, GError **error)
{
    const RunLink *l = &x->run_net->links[link];
    GError *local = NULL;

    return net_link_set_errors(x->net, link, l->loss_ppm, l->ber_atto,
                               x->now_ps, &local) ||
           failed(local, error);
}

static bool set_rate(Execution *x, unsigned link, ScnDirection direction,
                     uint64_t rate_bps, GError **error)
{
    GError *local = NULL;

    return net_link_set_rate(x->net, link, direction, rate_bps, x->now_ps,
                             &local) ||
           failed(local, error);
}

static bool set_switch(Execution *x, const char *name, bool up, GError **error)
{
    uint32_t node = topology_node(x->scn->topology, name);
    GError *local = NULL;

    return net_switch_set_up(x->net, node, up, x->now_ps, &local) ||
           failed(local, error);
}

bool run_net_fault(Execution *x, const ScnFault *f, GError **error)
{
    uint32_t link =
        f->link ? topology_link(x->scn->topology, f->link) : TOPO_NONE;

    switch (f->kind) {
    case SCN_FAULT_LINK_DOWN:
        return set_up(x, link, false, error);
    case SCN_FAULT_LINK_UP:
        return link_at(x, link)->untrained || set_up(x, link, true, error);
    case SCN_FAULT_LINK_LOSS:
        x->run_net->links[link].loss_ppm = f->loss_ppm;
        return set_errors(x, link, error);
    case SCN_FAULT_LINK_BER:
        x->run_net->links[link].ber_atto = f->ber_atto;
        return set_errors(x, link, error);
    case SCN_FAULT_LINK_RATE:
        return set_rate(x, link, f->direction, f->rate_bps, error);
    case SCN_FAULT_SWITCH_DOWN:
        return set_switch(x, f->sw, false, error);
    case SCN_FAULT_SWITCH_UP:
        return set_switch(x, f->sw, true, error);
    default:
        g_return_val_if_reached(false);
    }
}

bool run_net_heal(Execution *x, const ScnFault *f, GError **error)
{
    uint32_t link =
        f->link ? topology_link(x->scn->topology, f->link) : TOPO_NONE;

    switch (f->kind) {
    case SCN_FAULT_LINK_DOWN:
        return link_at(x, link)->untrained || set_up(x, link, true, error);
    case SCN_FAULT_LINK_LOSS:
        x->run_net->links[link].loss_ppm = link_at(x, link)->loss_ppm;
        return set_errors(x, link, error);
    case SCN_FAULT_LINK_BER:
        x->run_net->links[link].ber_atto = link_at(x, link)->ber_atto;
        return set_errors(x, link, error);
    case SCN_FAULT_LINK_RATE:
        return set_rate(x, link, SCN_BOTH, link_at(x, link)->rate_bps, error);
    case SCN_FAULT_SWITCH_DOWN:
        return set_switch(x, f->sw, true, error);
    default:
        g_return_val_if_reached(false);
    }
}
