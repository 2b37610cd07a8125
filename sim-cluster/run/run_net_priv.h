/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_net_priv.h: between the run_net_*.c.
 */
#ifndef OUTRIGGER_RUN_NET_PRIV_H
#define OUTRIGGER_RUN_NET_PRIV_H

#include "fabric.h"
#include "run_net.h"
#include "scenario_net.h"

/* Where a metric goes: put_metric(p, ...) sets OWNER.NAME now. */
typedef struct Put {
    Execution *x;
    const char *owner;
} Put;

static inline void put_metric(const Put *p, const char *name, Unit unit,
                              uint64_t value)
{
    metrics_store_set_u64(p->x->metrics, p->x->now_ps, p->owner, name, unit,
                          value);
}

/* run_net_fabric.c: metrics of `fabric`. */
void run_net_measure_fabric(Execution *x, const Fabric *f);
/* Standard deviation over mean, in millionths; 0 without any load. */
uint64_t run_net_variation_ppm(const uint64_t *value, unsigned n);

/* run_net_metrics.c: NAMEp50_ps ..., NAMEmax_ps; nothing for no samples. */
struct Hist;
void run_net_put_percentiles(const Put *p, const char *prefix,
                             const struct Hist *h);

/* run_net_flows.c: metrics of an entry with a transport; network/flows.csv
 * of all of them. */
void run_net_measure_flows(Execution *x, const Fabric *f, unsigned entry);
bool run_net_write_flows(const Execution *x, const char *dir, GError **error);

/* run_net_series.c: network/series.json in the run directory. */
bool run_net_write_series(const Execution *x, const char *dir, GError **error);

#endif
