/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_check_gateway.c: gateways: mode, addresses, forwarded ports.
 */
#include "scenario_check.h"

#include <string.h>

#include "scenario_topology.h"

#define PREFIX_MAX 29u /* room for a gateway, a name server and a guest */

const ScnGateway *scenario_gateway(const Scenario *s, const char *network)
{
    for (unsigned i = 0; i < s->nodes->len; i++) {
        const ScnNode *node = s->nodes->pdata[i];

        if (node->kind == SCN_NODE_GATEWAY &&
            !strcmp(((const ScnGateway *)node)->network, network)) {
            return (const ScnGateway *)node;
        }
    }
    return NULL;
}

void scn_gateway_mac(const ScnGateway *gw, uint8_t ret_mac[6])
{
    uint32_t ip = gw->address.address;

    ret_mac[0] = 0x52;
    ret_mac[1] = 0x55;
    for (unsigned i = 0; i < 4; i++) {
        ret_mac[2 + i] = (uint8_t)(ip >> (24 - 8 * i));
    }
}

/* ---- addresses --------------------------------------------------------- */

/* The vnic of @network with @address, or any of @host (NULL: of all). */
static const ScnVnic *find_vnic(const Scenario *s, const char *network,
                                const char *host, uint32_t address)
{
    for (unsigned i = 0; i < s->hosts->len; i++) {
        const ScnHost *h = s->hosts->pdata[i];

        for (unsigned j = 0; h->card && j < h->card->nic->len; j++) {
            const ScnVnic *v = h->card->nic->pdata[j];

            if (!strcmp(v->network, network) &&
                (host ? !strcmp(h->node.name, host)
                      : v->address.address == address)) {
                return v;
            }
        }
    }
    return NULL;
}

static uint32_t last_of(const ScnCidr *a)
{
    return a->address | UINT32_MAX >> a->prefix;
}

static void choose_dns(const ScenarioCheck *c, ScnGateway *gw)
{
    gw->dns = last_of(&gw->address) - 1;
    while (gw->dns == gw->address.address ||
           find_vnic(c->s, gw->network, NULL, gw->dns)) {
        gw->dns--;
    }
}

static void check_address(ScenarioCheck *c, ScnGateway *gw)
{
    uint32_t top = gw->address.address >> 24;
    uint32_t mask = UINT32_MAX >> gw->address.prefix;

    if (top == 0 || top == 127 || top >= 224 ||
        (gw->address.address & mask) == 0 ||
        (gw->address.address & mask) == mask) {
        scenario_problem(c, gw, "address", "no gateway can have this address");
    } else if (gw->address.prefix > PREFIX_MAX) {
        scenario_problem(c, gw, "address",
                         "the subnet is too small: a prefix of %u at most",
                         PREFIX_MAX);
    } else if (find_vnic(c->s, gw->network, NULL, gw->address.address)) {
        scenario_problem(c, gw, "address",
                         "duplicate address: a host of network '%s' has it",
                         gw->network);
    } else {
        choose_dns(c, gw);
    }
}

/* ---- ports ------------------------------------------------------------- */

static void check_forward(ScenarioCheck *c, const ScnGateway *gw,
                          unsigned index)
{
    const ScnForward *f = gw->forward->pdata[index];

    if (!scenario_host(c->s, f->host)) {
        scenario_problem_ref(c, f, "host", "host", f->host, c->s->hosts,
                             offsetof(ScnNode, name));
    } else if (!find_vnic(c->s, gw->network, f->host, 0)) {
        scenario_problem(c, f, "host", "'%s' has no NIC in network '%s'",
                         f->host, gw->network);
    }
    for (unsigned i = 0; i < index; i++) {
        const ScnForward *other = gw->forward->pdata[i];

        if (other->port == f->port && other->protocol == f->protocol) {
            scenario_problem(c, f, "port", "this port leads to '%s' already",
                             other->host);
        }
    }
}

/* ---- all --------------------------------------------------------------- */

void scenario_check_gateway(ScenarioCheck *c, ScnGateway *gw)
{
    if (c->s->time->mode != SCN_MODE_WALL) {
        scenario_problem(c, gw, "kind",
                         "a gateway needs 'mode: wall' (`outrigger up`): what "
                         "comes from outside does not repeat");
    }
    if (!scenario_network(c->s, gw->network)) {
        scenario_problem_ref(c, gw, "network", "network", gw->network,
                             c->s->networks, offsetof(ScnNetwork, name));
        return;
    }
    if (scenario_gateway(c->s, gw->network) != gw) {
        scenario_problem(c, gw, "network", "network '%s' has a gateway already",
                         gw->network);
    }
    check_address(c, gw);
    for (unsigned i = 0; i < gw->forward->len; i++) {
        check_forward(c, gw, i);
    }
}

void scenario_check_gateway_links(ScenarioCheck *c)
{
    const Topology *t = c->s->topology;

    for (unsigned i = 0; i < t->nodes->len; i++) {
        const TopoNode *n = t->nodes->pdata[i];

        if (n->kind == TOPO_GATEWAY &&
            topology_port(t, i, 0, NULL) == TOPO_NONE) {
            scenario_problem(c, n->gateway, NULL,
                             "gateway '%s' has no link; add one to %s.card",
                             n->name, n->name);
        }
    }
}
