/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_transport.c: transports and flows: adding, starting, finishing,
 * counting. See fabric_transport.h.
 */
#include "fabric_transport_priv.h"

#include <string.h>

#define MAX_TRANSPORTS 64u

static FabricTransports *transports(Fabric *f)
{
    if (!f->transports) {
        f->transports = g_new0(FabricTransports, 1);
        f->transports->free_seg = FABRIC_NONE;
    }
    return f->transports;
}

static void flow_free(FabricTransportFlow *flow)
{
    if (flow->tx.state && flow->ops->tx_free) {
        flow->ops->tx_free(&flow->tx);
    }
    if (flow->rx.state && flow->ops->rx_free) {
        flow->ops->rx_free(&flow->rx);
    }
    g_free(flow->tx.state);
    g_free(flow->rx.state);
    g_free(flow);
}

/* After the hosts' endpoints. */
void fabric_transports_free(Fabric *f)
{
    FabricTransports *ts = f->transports;

    if (!ts) {
        return;
    }
    for (uint32_t i = 0; i < ts->n_flows; i++) {
        flow_free(ts->flow[i]);
    }
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        if (f->node[i].host) {
            fabric_endpoint_free(f->node[i].host->endpoint);
            f->node[i].host->endpoint = NULL;
        }
    }
    for (uint32_t i = 0; i < ts->n_transports; i++) {
        g_free(ts->transport[i].config);
    }
    g_free(ts->transport);
    g_free(ts->flow);
    g_free(ts->seg);
    g_free(ts);
    f->transports = NULL;
}

int32_t fabric_transport_add(Fabric *f, const FabricTransportOps *ops,
                             const void *config, GError **errp)
{
    FabricTransports *ts = transports(f);
    const char *problem = ops->check ? ops->check(config) : NULL;

    if (!problem && !f->built) {
        problem = "the fabric is not built yet";
    }
    if (!problem && ts->n_transports == MAX_TRANSPORTS) {
        problem = "a fabric has at most 64 transports";
    }
    if (problem) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TRAFFIC,
                    "transport %s: %s", ops->name, problem);
        return -1;
    }
    ts->transport =
        g_renew(FabricTransport, ts->transport, ts->n_transports + 1);
    ts->transport[ts->n_transports] = (FabricTransport){
        .ops = ops,
        .config = g_memdup2(config, ops->config_bytes),
    };
    return (int32_t)ts->n_transports++;
}

/* ---- flows --------------------------------------------------------------- */

static const char *flow_problem(const Fabric *f, const FabricFlowSpec *s)
{
    if (!f->transports || s->transport >= f->transports->n_transports) {
        return "there is no such transport: add it first";
    }
    if (s->from >= f->n_nodes || s->to >= f->n_nodes ||
        f->node[s->from].kind != FABRIC_MODELLED ||
        f->node[s->to].kind != FABRIC_MODELLED) {
        return "both ends are modelled hosts";
    }
    if (s->from == s->to) {
        return "a host does not send to itself";
    }
    if (s->bytes == 0) {
        return "it has at least one byte";
    }
    if (s->start_ps < f->now_ps) {
        return "it starts in the past";
    }
    if (f->node[s->from].host->n_streams || f->node[s->from].host->n_sources ||
        f->node[s->to].host->n_streams || f->node[s->to].host->n_sources) {
        return "one of its hosts has open-loop traffic to send: give one of "
               "both to other hosts";
    }
    if (f->node[s->from].host->balance || f->node[s->to].host->balance) {
        return "one of its hosts has balanced traffic: its paths are not the "
               "transport's";
    }
    return NULL;
}

static FabricEndpoint *endpoint(Fabric *f, uint32_t node)
{
    FabricHost *h = f->node[node].host;

    if (!h->endpoint) {
        h->endpoint = fabric_endpoint_new(f, h);
    }
    return h->endpoint;
}

static void end_init(Fabric *f, FabricTransportFlow *flow, bool sender)
{
    const FabricFlowSpec *s = &flow->stats.spec;
    FabricFlowEnd *end = sender ? &flow->tx : &flow->rx;
    uint32_t number = f->transports->n_flows;

    end->random = fabric_seed(f->config.seed, sender ? 6 : 7, number);
    end->bytes = s->bytes;
    end->flow = number;
    end->peer = sender ? s->to : s->from;
    end->user = s->user;
    end->priority = s->priority;
    end->sender = sender;
    end->endpoint = endpoint(f, sender ? s->from : s->to);
    end->config = f->transports->transport[s->transport].config;
}

int64_t fabric_flow_add(Fabric *f, const FabricFlowSpec *spec, GError **errp)
{
    const char *problem = flow_problem(f, spec);
    FabricTransports *ts = f->transports;
    FabricTransportFlow *flow;

    if (problem) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TRAFFIC,
                    "flow from node %u to node %u: %s", spec->from, spec->to,
                    problem);
        return -1;
    }
    flow = g_new0(FabricTransportFlow, 1);
    flow->stats.spec = *spec;
    flow->stats.finish_ps = flow->stats.acked_ps = FABRIC_NEVER_PS;
    flow->ops = ts->transport[spec->transport].ops;
    end_init(f, flow, true);
    end_init(f, flow, false);
    if (ts->n_flows == ts->cap_flows) {
        ts->cap_flows = ts->cap_flows ? ts->cap_flows * 2 : 64;
        ts->flow = g_renew(FabricTransportFlow *, ts->flow, ts->cap_flows);
    }
    ts->flow[ts->n_flows++] = flow;
    fabric_timer_set(flow->tx.endpoint, &flow->start, spec->start_ps,
                     fabric_transport_start_flow, flow);
    fabric_endpoint_refresh(flow->tx.endpoint);
    return flow->tx.flow;
}

static void *state_new(size_t bytes)
{
    return g_malloc0(MAX(bytes, 1));
}

void fabric_transport_start_flow(FabricEndpoint *e, FabricTimer *t)
{
    FabricTransportFlow *flow = t->owner;

    flow->tx.state = state_new(flow->ops->tx_bytes);
    if (flow->stats.spec.bytes != FABRIC_ENDLESS &&
        e->now_ps >= e->f->config.warmup_ps) {
        e->f->flows_started++;
    }
    flow->ops->start(&flow->tx);
}

FabricFlowEnd *fabric_transport_open(FabricTransportFlow *flow,
                                     FabricEndpoint *e)
{
    (void)e;
    if (!flow->rx.state) {
        flow->rx.state = state_new(flow->ops->rx_bytes);
        if (flow->ops->open) {
            flow->ops->open(&flow->rx);
        }
    }
    return &flow->rx;
}

void *fabric_endpoint_state(const FabricFlowEnd *end)
{
    FabricEndpoint *e = end->endpoint;
    const FabricTransports *ts = e->f->transports;
    uint32_t which = ts->flow[end->flow]->stats.spec.transport;

    if (which >= e->n_states) {
        e->state = g_renew(void *, e->state, which + 1);
        memset(e->state + e->n_states, 0,
               (which + 1 - e->n_states) * sizeof(*e->state));
        e->n_states = which + 1;
    }
    if (!e->state[which]) {
        e->state[which] = state_new(ts->transport[which].ops->host_bytes);
    }
    return e->state[which];
}

/* ---- what transports report ---------------------------------------------- */

static FabricFlowStats *stats_of(const FabricFlowEnd *end)
{
    return &fabric_transport_flow(end->endpoint->f, end->flow)->stats;
}

void fabric_flow_deliver(FabricFlowEnd *rx, uint64_t payload)
{
    FabricFlowStats *s = stats_of(rx);
    const FabricEndpoint *e = rx->endpoint;

    s->delivered_bytes += payload;
    s->longest_gap_ps =
        MAX(s->longest_gap_ps,
            e->now_ps - MAX(s->last_delivery_ps, s->spec.start_ps));
    s->last_delivery_ps = e->now_ps;
    if (s->delivered_bytes >= s->spec.bytes &&
        s->finish_ps == FABRIC_NEVER_PS) {
        FabricFlow as = { s->spec.start_ps, s->spec.bytes, 0 };

        s->finish_ps = e->now_ps;
        fabric_flow_finished(e->f, &as, e->now_ps);
    }
}

void fabric_flow_acked(FabricFlowEnd *tx)
{
    FabricFlowStats *s = stats_of(tx);

    if (s->acked_ps == FABRIC_NEVER_PS) {
        s->acked_ps = tx->endpoint->now_ps;
    }
}

void fabric_flow_duplicate(FabricFlowEnd *rx)
{
    stats_of(rx)->duplicate_packets++;
}

void fabric_flow_timeout(FabricFlowEnd *tx)
{
    stats_of(tx)->timeouts++;
}

void fabric_flow_path_change(FabricFlowEnd *tx)
{
    stats_of(tx)->path_changes++;
}

uint32_t fabric_flow_count(const Fabric *f)
{
    return f->transports ? f->transports->n_flows : 0;
}

void fabric_flow_stats(const Fabric *f, uint32_t flow, FabricFlowStats *ret)
{
    *ret = fabric_transport_flow(f, flow)->stats;
}
