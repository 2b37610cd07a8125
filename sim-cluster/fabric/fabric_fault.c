/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_fault.c: failures, repairs and other things that happen at an exact
 * instant, before anything else of it.
 */
#include "fabric_priv.h"

#include <string.h>

void fabric_control_add(Fabric *f, FabricControl c)
{
    uint32_t at = f->n_control;

    if (f->n_control == f->cap_control) {
        f->cap_control = f->cap_control ? f->cap_control * 2 : 8;
        f->control = g_renew(FabricControl, f->control, f->cap_control);
    }
    c.seq = f->control_seq++;
    while (at > 0 && f->control[at - 1].at_ps > c.at_ps) {
        f->control[at] = f->control[at - 1];
        at--;
    }
    f->control[at] = c;
    f->n_control++;
}

static bool check_at(const Fabric *f, const char *what, bool exists,
                     uint64_t at_ps, GError **errp)
{
    if (exists && f->built && at_ps >= f->now_ps) {
        return true;
    }
    g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_FAULT,
                "%s at %" G_GUINT64_FORMAT " ps: %s", what, at_ps,
                !exists     ? "there is no such link or switch"
                : !f->built ? "the fabric is not built"
                            : "that instant lies in the past");
    return false;
}

bool fabric_link_set_up(Fabric *f, uint32_t link, bool up, uint64_t at_ps,
                        GError **errp)
{
    if (!check_at(f, up ? "link up" : "link down", link < f->n_links, at_ps,
                  errp)) {
        return false;
    }
    fabric_control_add(f, (FabricControl){ .at_ps = at_ps,
                                           .kind = FABRIC_CONTROL_LINK,
                                           .which = link,
                                           .up = up });
    return true;
}

bool fabric_switch_set_up(Fabric *f, uint32_t node, bool up, uint64_t at_ps,
                          GError **errp)
{
    bool exists = node < f->n_nodes && f->node[node].kind == FABRIC_SWITCH;

    if (!check_at(f, up ? "switch up" : "switch down", exists, at_ps, errp)) {
        return false;
    }
    fabric_control_add(f, (FabricControl){ .at_ps = at_ps,
                                           .kind = FABRIC_CONTROL_SWITCH,
                                           .which = node,
                                           .up = up });
    return true;
}

bool fabric_link_set_errors(Fabric *f, uint32_t link, double loss, double ber,
                            FabricFec fec, uint64_t at_ps, GError **errp)
{
    if (!check_at(f, "link errors", link < f->n_links, at_ps, errp)) {
        return false;
    }
    if (!(loss >= 0 && loss <= 1 && ber >= 0 && ber <= 0.5)) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_FAULT,
                    "link %s: loss is from 0 to 1, a bit error rate from 0 "
                    "to 0.5",
                    f->links[link].name);
        return false;
    }
    fabric_control_add(f, (FabricControl){ .at_ps = at_ps,
                                           .kind = FABRIC_CONTROL_ERRORS,
                                           .which = link,
                                           .loss = loss,
                                           .ber = ber,
                                           .fec = fec });
    return true;
}

static bool set_rate(Fabric *f, uint32_t link, uint32_t from, uint64_t rate_bps,
                     uint64_t at_ps, GError **errp)
{
    if (!check_at(f, "link rate", link < f->n_links, at_ps, errp)) {
        return false;
    }
    if (rate_bps < 1 || rate_bps > f->links[link].config.rate_bps) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_FAULT,
                    "link %s: a rate is from 1 bit/s to the %" G_GUINT64_FORMAT
                    " bit/s it was built with",
                    f->links[link].name, f->links[link].config.rate_bps);
        return false;
    }
    fabric_control_add(f, (FabricControl){ .at_ps = at_ps,
                                           .kind = FABRIC_CONTROL_RATE,
                                           .which = link,
                                           .rate_bps = rate_bps,
                                           .from = from });
    return true;
}

bool fabric_link_set_rate(Fabric *f, uint32_t link, uint64_t rate_bps,
                          uint64_t at_ps, GError **errp)
{
    return set_rate(f, link, FABRIC_NONE, rate_bps, at_ps, errp);
}

bool fabric_link_set_rate_from(Fabric *f, uint32_t link, uint32_t from_node,
                               uint64_t rate_bps, uint64_t at_ps, GError **errp)
{
    if (link < f->n_links && f->links[link].node[0] != from_node &&
        f->links[link].node[1] != from_node) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_FAULT,
                    "link %s: node %u is none of its ends", f->links[link].name,
                    from_node);
        return false;
    }
    return set_rate(f, link, from_node, rate_bps, at_ps, errp);
}

/* ---- at the instant ------------------------------------------------------ */

static void ports_set(Fabric *f, uint32_t link, bool up)
{
    const FabricLink *l = &f->links[link];

    for (uint32_t end = 0; end < 2; end++) {
        const FabricNode *n = &f->node[l->node[end]];

        if (n->core) {
            switch_core_port_set_up(n->core, l->port[end], up);
        }
    }
}

/* What @link carries now follows from what is up. */
static void link_refresh(Fabric *f, uint32_t link)
{
    bool up = fabric_link_usable(f, link);

    for (uint32_t end = 0; end < 2; end++) {
        uint32_t number = fabric_link_wire(f, link, end);
        FabricWire *w = &f->wire[number];

        if (!up && !w->down) {
            fabric_wire_lose(f, number, !f->node[w->to_node].up);
        }
        w->down = !up;
        w->slow = !up || f->rare[number].loss > 0 || f->rare[number].ber > 0;
    }
    ports_set(f, link, up);
}

static void routes_later(Fabric *f)
{
    fabric_control_add(
        f, (FabricControl){ .at_ps = f->now_ps + f->config.reconverge_ps,
                            .kind = FABRIC_CONTROL_ROUTES });
}

static void apply_switch(Fabric *f, const FabricControl *c)
{
    FabricNode *n = &f->node[c->which];

    if (n->up == c->up) {
        return;
    }
    n->up = c->up;
    switch_core_set_up(n->core, c->up);
    fabric_notices_lose(n);
    for (uint32_t p = 0; p < n->ports; p++) {
        if (!c->up) {
            /* its links may be down already, its pipeline is not empty */
            fabric_wire_lose(f, n->base + p, true);
        }
        link_refresh(f, n->links[p]);
    }
    routes_later(f);
}

static void apply_rate(Fabric *f, const FabricControl *c)
{
    FabricLink *l = &f->links[c->which];

    l->rate_bps = c->from == FABRIC_NONE ? c->rate_bps : l->rate_bps;
    for (uint32_t end = 0; end < 2; end++) {
        const FabricNode *n = &f->node[l->node[end]];

        if (c->from != FABRIC_NONE && c->from != n->number) {
            continue;
        }
        if (n->core) {
            switch_core_port_set_rate(n->core, l->port[end], c->rate_bps);
        } else {
            n->host->rate_bps = c->rate_bps;
            if (n->kind == FABRIC_MODELLED) {
                fabric_host_replan(f, n->host);
            }
        }
    }
}

static void apply_one(Fabric *f, const FabricControl *c)
{
    switch (c->kind) {
    case FABRIC_CONTROL_LINK:
        if (f->links[c->which].up != c->up) {
            f->links[c->which].up = c->up;
            link_refresh(f, c->which);
            routes_later(f);
        }
        break;
    case FABRIC_CONTROL_SWITCH:
        apply_switch(f, c);
        break;
    case FABRIC_CONTROL_ERRORS:
        for (uint32_t end = 0; end < 2; end++) {
            fabric_wire_set_errors(f, fabric_link_wire(f, c->which, end),
                                   c->loss, c->ber, c->fec);
        }
        break;
    case FABRIC_CONTROL_RATE:
        apply_rate(f, c);
        break;
    case FABRIC_CONTROL_ROUTES:
        fabric_routes_compute(f);
        break;
    case FABRIC_CONTROL_WARM:
        fabric_stats_reset(f);
        break;
    }
}

/* Nodes that had nothing to do may stand before now. */
static void bring_up_to_now(Fabric *f)
{
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        if (f->node[i].core) {
            switch_core_run(f->node[i].core, f->now_ps);
        }
    }
}

void fabric_refresh_next(Fabric *f)
{
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        const FabricNode *n = &f->node[i];
        uint64_t next =
            n->core ? switch_core_next_ps(n->core) : n->host->depart_ps;

        for (uint32_t p = n->base; p < n->base + n->ports; p++) {
            next = MIN(next, f->wire_next_ps[p]);
        }
        if (n->notices) {
            next = MIN(next, fabric_notices_next_ps(n));
        }
        f->node_next_ps[i] = next;
    }
}

void fabric_control_apply(Fabric *f)
{
    bring_up_to_now(f);
    while (f->n_control && f->control[0].at_ps <= f->now_ps) {
        FabricControl c = f->control[0];

        memmove(f->control, f->control + 1,
                --f->n_control * sizeof(*f->control));
        apply_one(f, &c);
    }
    fabric_refresh_next(f);
}
