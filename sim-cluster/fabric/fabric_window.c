/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_window.c: time goes on, one window after the other.
 *
 * A window [T, E) is no longer than the smallest delay between a departure and
 * the instant at which a switch acts on it (link and pipeline), so what departs
 * in it concerns no switch before E: each switch that has something to do before
 * E is run once, on its own, in any order. It sorts only its own arrivals.
 * Hosts come after the switches: what reaches a host in the window is complete
 * then, and what a host sends concerns no switch before E. See docs/fabric.md
 * for the argument that this equals one global queue.
 */
#include "fabric_priv.h"

#include <string.h>

#define INDEX_BITS 32u /* of a key: arrivals of one node in one window */
#define INSERTION_MAX 12u
#define BUCKETS 64u
#define PREFETCH_STEPS 4u /* one more where paths are balanced */

static void arrivals_grow(Fabric *f)
{
    f->arrivals_cap = f->arrivals_cap ? f->arrivals_cap * 2 : 256;
    f->key = g_renew(uint64_t, f->key, f->arrivals_cap);
    f->key_spare = g_renew(uint64_t, f->key_spare, f->arrivals_cap);
    f->ref = g_renew(SwitchArrival, f->ref, f->arrivals_cap);
}

static void insertion_sort(uint64_t *key, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        uint64_t x = key[i];
        uint32_t j = i;

        while (j > 0 && key[j - 1] > x) {
            key[j] = key[j - 1];
            j--;
        }
        key[j] = x;
    }
}

/*
 * Into @to by the instant's place in the window, one part in BUCKETS, and then
 * by insertion, which has little left to do. False, and nothing sorted: too
 * many in one bucket.
 */
static bool bucket_sort(const uint64_t *key, uint64_t *to, uint32_t n,
                        uint64_t span_ps)
{
    uint32_t at[BUCKETS] = { 0 }, sum = 0, most = 0;
    uint64_t scale = ((uint64_t)BUCKETS << INDEX_BITS) / span_ps;

    for (uint32_t i = 0; i < n; i++) {
        at[(key[i] >> INDEX_BITS) * scale >> INDEX_BITS]++;
    }
    for (uint32_t i = 0; i < BUCKETS; i++) {
        uint32_t here = at[i];

        at[i] = sum;
        sum += here;
        most = MAX(most, here);
    }
    if (most > INSERTION_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        to[at[(key[i] >> INDEX_BITS) * scale >> INDEX_BITS]++] = key[i];
    }
    insertion_sort(to, n);
    return true;
}

/* Merges rising runs of @key pairwise until there is one. */
static void merge_sort(uint64_t *key, uint64_t *spare, uint32_t n)
{
    bool more = true;

    while (more) {
        uint32_t at = 0, runs = 0;

        while (at < n) {
            uint32_t a = at, b, end, out = at;

            for (b = a + 1; b < n && key[b] > key[b - 1]; b++) {
            }
            for (end = b + 1; end < n && key[end] > key[end - 1]; end++) {
            }
            end = MIN(end, n);
            for (uint32_t i = a, j = b; out < end; out++) {
                spare[out] = j >= end || (i < b && key[i] < key[j]) ? key[i++]
                                                                    : key[j++];
            }
            at = end;
            runs++;
        }
        memcpy(key, spare, n * sizeof(*key));
        more = runs > 1;
    }
}

/* A switch's own packets, as if from a port after all others. */
static void gather_notices(Fabric *f, FabricNode *n, uint64_t until_ps,
                           uint32_t *total)
{
    const FabricPacket *p;
    uint32_t count = fabric_notices_take(n, until_ps, &p);

    for (uint32_t i = 0; i < count; i++) {
        if (*total == f->arrivals_cap) {
            arrivals_grow(f);
        }
        f->ref[(*total)++] =
            (SwitchArrival){ &p[i].pkt, (uint32_t)(p[i].ps - f->now_ps),
                             n->ports };
    }
}

/* Takes the arrivals before @until_ps, port by port, into f->ref. */
static uint32_t gather(Fabric *f, FabricNode *n, uint64_t until_ps)
{
    uint64_t from_ps = f->now_ps;
    uint32_t total = 0;

    for (uint32_t p = n->base; p < n->base + n->ports; p++) {
        FabricWire *w = &f->wire[p];
        uint32_t i = 0;

        if (f->wire_next_ps[p] >= until_ps) {
            continue;
        }
        do {
            FabricPacket *pkt = &w->q[w->head + i];

            if (FABRIC_UNLIKELY(total == f->arrivals_cap)) {
                arrivals_grow(f);
            }
            f->ref[total++] =
                (SwitchArrival){ &pkt->pkt, (uint32_t)(pkt->ps - from_ps),
                                 w->to_port };
            i++;
        } while (i < w->n && w->q[w->head + i].ps < until_ps);
        w->n -= i;
        w->head += i;
        f->wire_next_ps[p] = w->n ? w->q[w->head].ps : FABRIC_NEVER_PS;
        if (w->n == 0) {
            w->head = 0; /* what was taken stays readable in this window */
        }
    }
    if (FABRIC_UNLIKELY(n->notices != NULL)) {
        gather_notices(f, n, until_ps, &total);
    }
    return total;
}

/* f->sorted: those of f->ref in the order (time, port, sequence), the low bits
 * the index in f->ref. */
static void sort(Fabric *f, uint32_t n, uint64_t span_ps)
{
    bool sorted = true;

    for (uint32_t i = 0; i < n; i++) {
        f->key[i] = (uint64_t)f->ref[i].after_ps << INDEX_BITS | i;
        sorted &= i == 0 || f->key[i] > f->key[i - 1];
    }
    f->sorted = f->key;
    if (sorted) {
        return;
    }
    if (n <= INSERTION_MAX) {
        insertion_sort(f->key, n);
    } else if (bucket_sort(f->key, f->key_spare, n, span_ps)) {
        f->sorted = f->key_spare;
    } else {
        merge_sort(f->key, f->key_spare, n);
    }
}

static uint64_t wires_next_ps(const Fabric *f, const FabricNode *n)
{
    uint64_t next = FABRIC_NEVER_PS;

    for (uint32_t p = n->base; p < n->base + n->ports; p++) {
        next = MIN(next, f->wire_next_ps[p]);
    }
    if (FABRIC_UNLIKELY(n->notices != NULL)) {
        next = MIN(next, fabric_notices_next_ps(n));
    }
    return next;
}

static void step_switch(Fabric *f, FabricNode *n, uint64_t until_ps)
{
    uint32_t arrivals = gather(f, n, until_ps);
    uint64_t next;

    /* Most windows are calm: then only each output port's arrivals are sorted,
     * which the switch does itself. */
    if (switch_core_run_calm(n->core, f->ref, arrivals, f->now_ps, until_ps,
                             &next)) {
        f->node_next_ps[n->number] = MIN(next, wires_next_ps(f, n));
        return;
    }
    sort(f, arrivals, until_ps - f->now_ps);
    for (uint32_t i = 0; i < arrivals; i++) {
        const SwitchArrival *a = &f->ref[(uint32_t)f->sorted[i]];
        uint64_t ps = f->now_ps + a->after_ps;

        if (FABRIC_UNLIKELY(a->port == n->ports)) {
            switch_core_originate(n->core, ps, a->pkt);
            continue;
        }
        switch_core_admit(n->core, a->port, ps, a->pkt);
    }
    switch_core_run(n->core, until_ps);
    next = switch_core_next_ps(n->core);
    f->node_next_ps[n->number] = MIN(next, wires_next_ps(f, n));
}

static void step_host(Fabric *f, FabricNode *n, uint64_t until_ps)
{
    FabricHost *h = n->host;
    uint32_t arrivals = gather(f, n, until_ps);

    if (h->endpoint) {
        fabric_endpoint_step(f, h, arrivals, until_ps);
        f->node_next_ps[n->number] = MIN(h->depart_ps, wires_next_ps(f, n));
        return;
    }
    if (h->balance) {
        sort(f, arrivals, until_ps - f->now_ps);
        fabric_balance_step(f, h, arrivals, until_ps);
        f->node_next_ps[n->number] = MIN(h->depart_ps, wires_next_ps(f, n));
        return;
    }
    for (uint32_t i = 0; i < arrivals; i++) {
        if (n->kind == FABRIC_FULL) {
            fabric_frame_arrive(f, h, fabric_packet_of(&f->ref[i]));
        } else {
            fabric_host_receive(f, h, fabric_packet_of(&f->ref[i]));
        }
    }
    if (h->depart_ps < until_ps) {
        if (n->kind == FABRIC_FULL) {
            fabric_full_send(f, h, until_ps);
        } else {
            fabric_host_send(f, h, until_ps);
        }
    }
    f->node_next_ps[n->number] = MIN(h->depart_ps, wires_next_ps(f, n));
}

static uint64_t nodes_next_ps(const Fabric *f)
{
    uint64_t next = FABRIC_NEVER_PS;

    for (uint32_t i = 0; i < f->n_nodes; i++) {
        next = MIN(next, f->node_next_ps[i]);
    }
    return next;
}

uint64_t fabric_next_ps(const Fabric *f)
{
    uint64_t next = nodes_next_ps(f);

    return f->n_control ? MIN(next, f->control[0].at_ps) : next;
}

/*
 * A large fabric does not fit the cache, and the order of nodes is known: what
 * the nodes after this one will touch is fetched meanwhile, in steps, since
 * each step's addresses come out of the one before.
 */
static void prefetch(const Fabric *f, uint32_t due, unsigned step,
                     uint64_t until_ps)
{
    const FabricNode *n = &f->node[due];

    if (step == 0) {
        __builtin_prefetch(n);
        return;
    }
    if (step == 4) {
        if (n->host && n->host->balance) {
            fabric_balance_prefetch(f, n, until_ps);
        }
        return;
    }
    if (n->core) {
        switch_core_prefetch(n->core, step - 1);
    } else if (step == 1) {
        __builtin_prefetch(n->host, 1);
    } else if (step == 3) {
        __builtin_prefetch(n->host->streams, 1);
    }
    if (step == 1) {
        for (uint32_t p = n->base; p < n->base + n->ports; p += 8) {
            __builtin_prefetch(&f->wire_next_ps[p]);
            __builtin_prefetch(&f->out_wire[p]);
        }
    } else if (step == 2) {
        for (uint32_t p = n->base; p < n->base + n->ports; p++) {
            __builtin_prefetch(&f->wire[p], 1);
            __builtin_prefetch(&f->wire[f->out_wire[p]], 1);
        }
    } else if (step == 3) {
        for (uint32_t p = n->base; p < n->base + n->ports; p++) {
            const FabricWire *w = &f->wire[p];
            const FabricWire *out = &f->wire[f->out_wire[p]];

            if (f->wire_next_ps[p] < until_ps) {
                __builtin_prefetch(&w->q[w->head]);
                __builtin_prefetch(&w->q[w->head + 2]);
                __builtin_prefetch(&w->q[w->head + 4]);
            }
            __builtin_prefetch(&out->q[out->head + out->n], 1);
        }
    }
}

/* Of f->order[from .. to) those that have something to do. */
static void run_nodes(Fabric *f, uint32_t from, uint32_t to, uint64_t until_ps)
{
    uint32_t steps = PREFETCH_STEPS + (f->balancer != NULL), n_due = 0;

    for (uint32_t i = from; i < to; i++) {
        f->due[n_due] = f->order[i];
        n_due += f->node_next_ps[f->order[i]] < until_ps;
    }
    for (uint32_t i = 0; i < n_due; i++) {
        FabricNode *n = &f->node[f->due[i]];

        for (uint32_t step = 0; step < steps; step++) {
            uint32_t ahead = i + steps - step;

            if (ahead < n_due) {
                prefetch(f, f->due[ahead], step, until_ps);
            }
        }
        if (n->kind == FABRIC_SWITCH) {
            step_switch(f, n, until_ps);
        } else {
            step_host(f, n, until_ps);
        }
    }
}

static void window(Fabric *f, uint64_t until_ps)
{
    run_nodes(f, 0, f->n_switches, until_ps);
    run_nodes(f, f->n_switches, f->n_nodes, until_ps);
    f->now_ps = until_ps;
    if (f->n_deliveries) {
        fabric_deliver(f);
    }
}

void fabric_run(Fabric *f, uint64_t until_ps)
{
    while (f->now_ps < until_ps) {
        uint64_t next = fabric_next_ps(f), end;

        if (FABRIC_UNLIKELY(f->series != NULL) &&
            (next != FABRIC_NEVER_PS || until_ps != FABRIC_NEVER_PS)) {
            fabric_series_advance(f, MIN(next, until_ps));
        }
        if (next >= until_ps) {
            f->now_ps = until_ps;
            return;
        }
        f->now_ps = MAX(f->now_ps, next);
        if (f->n_control && f->control[0].at_ps <= f->now_ps) {
            fabric_control_apply(f);
            continue;
        }
        end = until_ps - f->now_ps > f->window_ps ? f->now_ps + f->window_ps
                                                  : until_ps;
        if (f->n_control) {
            end = MIN(end, f->control[0].at_ps);
        }
        if (FABRIC_UNLIKELY(f->series != NULL)) {
            end = MIN(end, fabric_series_next_ps(f));
        }
        window(f, end);
    }
}
