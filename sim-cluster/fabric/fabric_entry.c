/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_entry.c: statistics of modelled traffic, apart for each call that added
 * some. Entry 0 takes what belongs to none.
 */
#include "fabric_priv.h"

#include <string.h>

uint32_t fabric_entry_new(Fabric *f)
{
    FabricEntry *e;

    f->entry = g_renew(FabricEntry, f->entry, f->n_entries + 1);
    e = &f->entry[f->n_entries];
    memset(e, 0, sizeof(*e));
    e->latency = hist_new();
    e->fct = hist_new();
    return f->n_entries++;
}

void fabric_entries_reset(Fabric *f)
{
    for (uint32_t i = 0; i < f->n_entries; i++) {
        FabricEntry *e = &f->entry[i];

        memset(&e->stats, 0, sizeof(e->stats));
        hist_clear(e->latency);
        hist_clear(e->fct);
    }
}

void fabric_entries_free(Fabric *f)
{
    for (uint32_t i = 0; i < f->n_entries; i++) {
        hist_free(f->entry[i].latency);
        hist_free(f->entry[i].fct);
    }
    g_free(f->entry);
}

/* ---- for callers --------------------------------------------------------- */

uint32_t fabric_traffic_count(const Fabric *f)
{
    return f->n_entries - 1;
}

void fabric_traffic_stats(const Fabric *f, uint32_t traffic,
                          FabricTrafficStats *ret)
{
    *ret = f->entry[traffic + 1].stats;
}

const struct Hist *fabric_traffic_latency(const Fabric *f, uint32_t traffic)
{
    return f->entry[traffic + 1].latency;
}

const struct Hist *fabric_traffic_fct(const Fabric *f, uint32_t traffic)
{
    return f->entry[traffic + 1].fct;
}
