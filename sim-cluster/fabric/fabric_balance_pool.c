/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_balance_pool.c: what balanced hosts own: cargo of packets, timers,
 * and the end of it all.
 */
#include "fabric_balance.h"

#include <stdlib.h>
#include <string.h>

/* ---- cargo --------------------------------------------------------------- */

FabricBalancer *fabric_balancer(Fabric *f)
{
    if (!f->balancer) {
        f->balancer = g_new0(FabricBalancer, 1);
        f->balancer->free_cargo = FABRIC_NONE;
        f->balancer->configs = g_ptr_array_new_with_free_func(g_free);
    }
    return f->balancer;
}

static void cargo_grow(FabricBalancer *b)
{
    uint32_t cap = b->cap_cargo ? b->cap_cargo * 2 : 1024;
    FabricCargo *bigger = aligned_alloc(64, cap * sizeof(*bigger));

    if (!bigger) {
        abort();
    }
    if (b->n_cargo) {
        memcpy(bigger, b->cargo, b->n_cargo * sizeof(*bigger));
    }
    free(b->cargo);
    b->cargo = bigger;
    b->cap_cargo = cap;
}

uint32_t fabric_cargo_new(Fabric *f)
{
    FabricBalancer *b = f->balancer;
    uint32_t number = b->free_cargo;

    if (FABRIC_LIKELY(number != FABRIC_NONE)) {
        b->free_cargo = b->cargo[number].pair;
        return number;
    }
    if (b->n_cargo == b->cap_cargo) {
        cargo_grow(b);
    }
    return b->n_cargo++;
}

void fabric_cargo_free(Fabric *f, uint32_t number)
{
    FabricCargo *c;

    do {
        c = &f->balancer->cargo[number];
        c->pair = f->balancer->free_cargo;
        f->balancer->free_cargo = number;
        number = c->more;
    } while (number != FABRIC_NONE);
}

void fabric_balance_free(Fabric *f)
{
    FabricBalancer *b = f->balancer;

    if (!b) {
        return;
    }
    for (uint32_t i = 0; i < b->n_pairs; i++) {
        path_sender_free(b->pair[i]->sender);
        path_receiver_free(b->pair[i]->receiver);
        path_order_free(b->pair[i]->order);
        g_aligned_free(b->pair[i]);
    }
    for (uint32_t i = 0; b->paths && i < f->n_nodes; i++) {
        g_free(b->paths[i]);
    }
    g_free(b->paths);
    g_free(b->pair);
    g_free(b->sorted);
    g_ptr_array_unref(b->configs);
    free(b->cargo);
    g_free(b);
}

void fabric_balance_host_free(FabricBalanceHost *b)
{
    if (b) {
        g_free(b->control);
        g_free(b->timer);
        g_free(b);
    }
}

/* ---- timers -------------------------------------------------------------- */

static bool earlier(const FabricBalanceTimer *a, const FabricBalanceTimer *b)
{
    return a->due_ps < b->due_ps || (a->due_ps == b->due_ps && a->tie < b->tie);
}

void fabric_balance_timer_push(FabricBalanceHost *b, FabricBalanceTimer t)
{
    uint32_t at = b->n_timers++;

    if (b->n_timers > b->cap_timers) {
        b->cap_timers = b->cap_timers ? b->cap_timers * 2 : 4;
        b->timer = g_renew(FabricBalanceTimer, b->timer, b->cap_timers);
    }
    while (at > 0 && earlier(&t, &b->timer[(at - 1) / 2])) {
        b->timer[at] = b->timer[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    b->timer[at] = t;
}

FabricBalanceTimer fabric_balance_timer_pop(FabricBalanceHost *b)
{
    FabricBalanceTimer top = b->timer[0], last = b->timer[--b->n_timers];
    uint32_t at = 0;

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= b->n_timers) {
            break;
        }
        child += child + 1 < b->n_timers &&
                 earlier(&b->timer[child + 1], &b->timer[child]);
        if (!earlier(&b->timer[child], &last)) {
            break;
        }
        b->timer[at] = b->timer[child];
        at = child;
    }
    if (b->n_timers) {
        b->timer[at] = last;
    }
    return top;
}
