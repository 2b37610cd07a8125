/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_net_flows.c: flows of modelled transports: metrics of each entry of
 * `traffic`, and network/flows.csv.
 */
#include "fabric_transport.h"
#include "hist.h"
#include "run_net_priv.h"

/* Of the flows of one entry. */
typedef struct Sums {
    uint64_t flows, finished;
    uint64_t goodput_min_bps, goodput_max_bps, goodput_sum_bps;
    uint64_t sent, received, retransmitted, timeouts, duplicates, trimmed;
    uint64_t marked, reordered, path_changes;
    uint64_t stall_max_ps;
} Sums;

/* Payload a second, from its start or warm-up's end to its end, or to now. */
static uint64_t goodput_bps(const Execution *x, uint32_t flow,
                            const FabricFlowStats *s)
{
    uint64_t end_ps = MIN(s->finish_ps, x->now_ps), from_ps;
    uint64_t bytes =
        s->delivered_bytes - net_flow_base_bytes(x->net, flow, &from_ps);

    return end_ps > from_ps ? (uint64_t)((unsigned __int128)bytes * 8 *
                                         PS_PER_S / (end_ps - from_ps))
                            : 0;
}

/* Longest time without anything new at the receiver, one that goes on too. */
static uint64_t stall_ps(const FabricFlowStats *s, uint64_t now_ps)
{
    uint64_t last_ps = MAX(s->last_delivery_ps, s->spec.start_ps);

    return s->finish_ps != FABRIC_NEVER_PS || last_ps >= now_ps
               ? s->longest_gap_ps
               : MAX(s->longest_gap_ps, now_ps - last_ps);
}

static void add(Sums *sums, const FabricFlowStats *s, uint64_t bps,
                uint64_t now_ps)
{
    sums->flows++;
    sums->finished += s->finish_ps != FABRIC_NEVER_PS;
    sums->goodput_min_bps = MIN(sums->goodput_min_bps, bps);
    sums->goodput_max_bps = MAX(sums->goodput_max_bps, bps);
    sums->goodput_sum_bps += bps;
    sums->sent += s->sent_packets;
    sums->received += s->received_packets;
    sums->retransmitted += s->retransmitted_packets;
    sums->timeouts += s->timeouts;
    sums->duplicates += s->duplicate_packets;
    sums->trimmed += s->trimmed_packets;
    sums->marked += s->marked_packets;
    sums->reordered += s->reordered_packets;
    sums->path_changes += s->path_changes;
    sums->stall_max_ps = MAX(sums->stall_max_ps, stall_ps(s, now_ps));
}

static void put_sums(const Put *p, const Sums *s)
{
    put_metric(p, "flows_count", UNIT_COUNT, s->flows);
    put_metric(p, "messages_count", UNIT_COUNT, s->finished);
    if (s->flows) {
        put_metric(p, "goodput_min_bps", UNIT_RATE, s->goodput_min_bps);
        put_metric(p, "goodput_mean_bps", UNIT_RATE,
                   s->goodput_sum_bps / s->flows);
        put_metric(p, "goodput_max_bps", UNIT_RATE, s->goodput_max_bps);
    }
    put_metric(p, "sent_count", UNIT_COUNT, s->sent);
    put_metric(p, "received_count", UNIT_COUNT, s->received);
    put_metric(p, "marks_count", UNIT_COUNT, s->marked);
    put_metric(p, "retransmits_count", UNIT_COUNT, s->retransmitted);
    put_metric(p, "timeouts_count", UNIT_COUNT, s->timeouts);
    put_metric(p, "duplicates_count", UNIT_COUNT, s->duplicates);
    put_metric(p, "trimmed_count", UNIT_COUNT, s->trimmed);
    put_metric(p, "reordered_count", UNIT_COUNT, s->reordered);
    put_metric(p, "path_changes_count", UNIT_COUNT, s->path_changes);
    put_metric(p, "stall_max_ps", UNIT_DURATION, s->stall_max_ps);
}

void run_net_measure_flows(Execution *x, const Fabric *f, unsigned entry)
{
    const ScnTraffic *t = g_ptr_array_index(x->scn->traffic, entry);
    g_autofree char *owner = g_strconcat("traffic.", t->name, NULL);
    g_autoptr(Hist) fct = hist_new();
    Sums sums = { .goodput_min_bps = UINT64_MAX };
    Put p = { x, owner };

    for (uint32_t i = 0; i < fabric_flow_count(f); i++) {
        FabricFlowStats s;

        fabric_flow_stats(f, i, &s);
        if (s.spec.user == entry && s.spec.start_ps < x->now_ps) {
            add(&sums, &s, goodput_bps(x, i, &s), x->now_ps);
            if (s.finish_ps != FABRIC_NEVER_PS) {
                hist_add(fct, s.finish_ps - s.spec.start_ps);
            }
        }
    }
    put_sums(&p, &sums);
    run_net_put_percentiles(&p, "fct_", fct);
}

/* ---- network/flows.csv --------------------------------------------------- */

bool run_net_write_flows(const Execution *x, const char *dir, GError **error)
{
    const Fabric *f = net_fabric(x->net);
    g_autofree char *path = g_build_filename(dir, "flows.csv", NULL);
    g_autoptr(GString) out =
        g_string_new("flow,traffic,from,to,bytes,start_ps,finish_ps,"
                     "delivered_bytes,goodput_bps,retransmits,timeouts,"
                     "trimmed,marked,reordered,path_changes,stall_ps\n");

    if (!f || !fabric_flow_count(f)) {
        return true;
    }
    for (uint32_t i = 0; i < fabric_flow_count(f); i++) {
        const ScnTraffic *t;
        FabricFlowStats s;

        fabric_flow_stats(f, i, &s);
        t = g_ptr_array_index(x->scn->traffic, s.spec.user);
        g_string_append_printf(out, "%u,%s,%s,%s,", i, t->name,
                               fabric_node_name(f, s.spec.from),
                               fabric_node_name(f, s.spec.to));
        if (s.spec.bytes != FABRIC_ENDLESS) {
            g_string_append_printf(out, "%" G_GUINT64_FORMAT, s.spec.bytes);
        }
        g_string_append_printf(out, ",%" G_GUINT64_FORMAT ",", s.spec.start_ps);
        if (s.finish_ps != FABRIC_NEVER_PS) {
            g_string_append_printf(out, "%" G_GUINT64_FORMAT, s.finish_ps);
        }
        g_string_append_printf(
            out,
            ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
            ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
            ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
            "\n",
            s.delivered_bytes, goodput_bps(x, i, &s), s.retransmitted_packets,
            s.timeouts, s.trimmed_packets, s.marked_packets,
            s.reordered_packets, s.path_changes, stall_ps(&s, x->now_ps));
    }
    return g_file_set_contents(path, out->str, (gssize)out->len, error);
}
