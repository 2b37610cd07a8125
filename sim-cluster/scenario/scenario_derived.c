/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_derived.c: what follows from a scenario without being written in
 * it, as comment lines for resolved.yaml.
 */
#include "scenario_net.h"
#include "scenario_tables.h"

#define LINES_MAX 64u /* of one sort: a fabric may have thousands of nodes */

static char *window_text(const TopoNode *host)
{
    return host->lookahead_ps == UINT64_MAX
               ? g_strdup("nobody can reach it")
               : unit_format(UNIT_DURATION, (int64_t)host->lookahead_ps);
}

static void derived_host(GString *out, const TopoNode *n)
{
    g_autofree char *address = scn_address_text(n->address);
    g_autofree char *mac = scn_mac_text(n->mac);
    g_autofree char *ahead = window_text(n);
    const GPtrArray *nic = n->host->card->nic;

    g_string_append_printf(out, "#   %s: underlay %s %s, window %s\n", n->name,
                           address, mac, ahead);
    for (unsigned i = 0; i < nic->len; i++) {
        const ScnVnic *vnic = nic->pdata[i];
        g_autofree char *inner = scn_mac_text(vnic->mac);

        g_string_append_printf(out, "#   %s.%s: %s\n", n->name, vnic->name,
                               inner);
    }
}

/* A switch in a host: what arrives there is that host's. */
static void derived_device(GString *out, const TopoNode *host,
                           const TopoNode *n)
{
    g_autofree char *ahead = window_text(host);

    g_string_append_printf(out, "#   %s: ports of %s, window %s\n", host->name,
                           n->name, ahead);
}

static void derived_link(GString *out, const Topology *t, const TopoLink *l)
{
    const TopoNode *a = t->nodes->pdata[l->node[0]];
    const TopoNode *b = t->nodes->pdata[l->node[1]];
    g_autofree char *rate = unit_format(UNIT_RATE, (int64_t)l->rate_bps);
    g_autofree char *delay = unit_format(UNIT_DURATION, (int64_t)l->delay_ps);

    g_string_append_printf(out, "#   %s: %s port %u to %s port %u, %s, %s",
                           l->name, a->name, l->port[0], b->name, l->port[1],
                           rate, delay);
    if (l->ber_atto) {
        g_autofree char *ber = scn_ber_scalar.format(&l->ber_atto);

        g_string_append_printf(out, ", bit errors %s", ber);
    }
    g_string_append(out, l->untrained ? ", does not train\n" : "\n");
}

char *scenario_derived_text(const Scenario *s)
{
    const Topology *t = s->topology;
    GString *out = g_string_new(NULL);
    unsigned links = MIN(t->links->len, LINES_MAX);

    if (!topology_linked(t)) {
        return g_string_free(out, FALSE);
    }
    g_string_append_printf(
        out,
        "# Derived: %u full hosts, %u modelled hosts, %u switches, %u links.\n"
        "# A window is how far a host may run ahead when all others could "
        "send at once.\n",
        t->hosts, t->modelled, t->switches, t->links->len);
    for (unsigned i = 0; i < t->hosts; i++) {
        const TopoNode *n = t->nodes->pdata[i];

        if (n->host->card && n->host->card->nic->len) {
            derived_host(out, n);
        }
    }
    for (unsigned i = t->hosts; i < t->nodes->len; i++) {
        const TopoNode *n = t->nodes->pdata[i];

        if (n->device_host != TOPO_NONE) {
            derived_device(out, t->nodes->pdata[n->device_host], n);
        }
    }
    for (unsigned i = 0; i < links; i++) {
        derived_link(out, t, t->links->pdata[i]);
    }
    if (links < t->links->len) {
        g_string_append_printf(out, "#   and %u more links\n",
                               t->links->len - links);
    }
    return g_string_free(out, FALSE);
}
