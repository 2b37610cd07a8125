/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_check_device.c: switches whose packets pass the receded-switch
 * device of a host (`forwarding: device`), and the links at their ports.
 */
#include "scenario_check.h"

#include "scenario_topology.h"

#define GBIT UINT64_C(1000000000)

static void find_host(ScenarioCheck *c, ScnSwitch *sw)
{
    for (unsigned i = 0; i < c->s->hosts->len; i++) {
        const ScnHost *host = c->s->hosts->pdata[i];

        if (g_strcmp0(host->manages, sw->node.name) != 0) {
            continue;
        }
        if (sw->device_host) {
            scenario_problem(c, host, "manages",
                             "'%s' manages '%s' already, and its packets pass "
                             "one device: take 'manages' out of one of them",
                             sw->device_host->node.name, sw->node.name);
            return;
        }
        sw->device_host = host;
    }
    if (!sw->device_host) {
        scenario_problem(c, sw, "forwarding",
                         "no host has the device: write 'manages: %s' in one",
                         sw->node.name);
    }
}

void scenario_check_device(ScenarioCheck *c, ScnSwitch *sw)
{
    if (sw->forwarding != SCN_FORWARDING_DEVICE) {
        return;
    }
    if (!sw->geometry) {
        scenario_problem(c, sw, "forwarding",
                         "the ports of a device stand on a board: add "
                         "'geometry'");
        return;
    }
    if (!scn_switch_lanes(sw)) {
        uint64_t lane = sw->geometry->lane_rate_bps / GBIT;

        scenario_problem(c, sw, "rate",
                         "a port of a device has 1 to 8 lanes, here of "
                         "%" G_GUINT64_FORMAT
                         "Gbit: write a multiple of it up to "
                         "%" G_GUINT64_FORMAT "Gbit, or another 'lane_rate'",
                         lane, lane * 8);
    }
    if (sw->trim) {
        scenario_problem(c, sw, "trim",
                         "the device does not cut packets: leave 'trim' out");
    }
    find_host(c, sw);
}

static const ScnSwitch *device(const ScnNode *node)
{
    const ScnSwitch *sw = (const ScnSwitch *)node;

    return node->kind == SCN_NODE_SWITCH &&
                   sw->forwarding == SCN_FORWARDING_DEVICE
               ? sw
               : NULL;
}

static const ScnHost *host_of(const ScnNode *node)
{
    const ScnSwitch *sw = device(node);

    return sw                            ? sw->device_host
           : node->kind == SCN_NODE_HOST ? (const ScnHost *)node
                                         : NULL;
}

static void check_device_end(ScenarioCheck *c, const ScnLink *link,
                             const ScnSwitch *sw, const ScnNode *other,
                             const char *other_key)
{
    if (!host_of(other)) {
        scenario_problem(c, link, other_key,
                         "'%s' forwards in a device: a cable there leads to "
                         "a host's card or to another device",
                         sw->node.name);
    } else if (host_of(other) == sw->device_host) {
        scenario_problem(c, link, other_key,
                         "both ends are in '%s': a cable leads from one host "
                         "to another",
                         sw->device_host->node.name);
    } else if (link->rate_bps != sw->rate_bps) {
        g_autofree char *rate = unit_format(UNIT_RATE, (int64_t)sw->rate_bps);

        scenario_problem(c, link, "rate",
                         "ports of '%s' send at %s, since it forwards in a "
                         "device: write 'rate: %s'",
                         sw->node.name, rate, rate);
    }
}

void scenario_check_device_link(ScenarioCheck *c, const ScnLink *link)
{
    const ScnNode *a, *b;
    unsigned port;

    if (!topology_parse_end(c->s, link->a, &a, &port) ||
        !topology_parse_end(c->s, link->b, &b, &port)) {
        return; /* said already */
    }
    if (device(a)) {
        check_device_end(c, link, device(a), b, "b");
    } else if (device(b)) {
        check_device_end(c, link, device(b), a, "a");
    }
}
