/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_order.c: sequencing: packets of one peer are delivered in the order in
 * which they were sent, none waits longer than gap_ps; without it, how many
 * came out of order. Duplicates are found either way, among the last 4096
 * sequence numbers; what is older counts as one.
 *
 * Source: RFC 4737 (when a packet is reordered).
 */
#include "path_receiver.h"

#include <stdlib.h>
#include <string.h>

PathOrder *path_order_new(const PathConfig *c, void (*free_item)(void *))
{
    PathOrder *o = calloc(1, sizeof(*o));

    if (!o) {
        return NULL;
    }
    o->c = c;
    o->free_item = free_item;
    if (!c->sequencing) {
        return o;
    }
    o->slots = 2;
    while (o->slots <= c->order_packets) {
        o->slots *= 2;
    }
    o->held = calloc(o->slots, sizeof(*o->held));
    o->age = calloc(o->slots, sizeof(*o->age));
    if (!o->held || !o->age) {
        path_order_free(o);
        return NULL;
    }
    return o;
}

void path_order_free(PathOrder *o)
{
    if (!o) {
        return;
    }
    for (uint32_t i = 0; o->held && i < o->slots; i++) {
        if (o->held[i].item) {
            o->free_item(o->held[i].item);
        }
    }
    if (o->far.item) {
        o->free_item(o->far.item);
    }
    free(o->held);
    free(o->age);
    free(o);
}

/* ---- duplicates --------------------------------------------------------------- */

static bool test_and_set(PathOrder *o, uint32_t sequence)
{
    uint32_t bit = sequence % PATH_SEEN_BITS;
    uint64_t mask = 1ull << bit % 64;
    bool was = o->seen[bit / 64] & mask;

    o->seen[bit / 64] |= mask;
    return was;
}

/* false: it was here before, or it is too old to tell. */
static bool is_new(PathOrder *o, uint32_t sequence)
{
    int32_t ahead = (int32_t)(sequence - o->highest);

    if (!o->begun) {
        /* From 0; far from there, the peer began before this side. */
        o->begun = true;
        o->next = sequence < PATH_SEEN_BITS ? 0 : sequence;
        o->highest = o->next - 1;
        ahead = (int32_t)(sequence - o->highest);
    }
    if (ahead <= 0) {
        return (uint32_t)-ahead < PATH_SEEN_BITS && !test_and_set(o, sequence);
    }
    if ((uint32_t)ahead >= PATH_SEEN_BITS) {
        memset(o->seen, 0, sizeof(o->seen));
    } else {
        for (uint32_t n = o->highest + 1; n != sequence; n++) {
            uint32_t bit = n % PATH_SEEN_BITS;

            o->seen[bit / 64] &= ~(1ull << bit % 64);
        }
        o->seen[sequence % PATH_SEEN_BITS / 64] &=
            ~(1ull << sequence % PATH_SEEN_BITS % 64);
    }
    o->highest = sequence;
    test_and_set(o, sequence);
    return true;
}

/* ---- holding ------------------------------------------------------------------ */

static PathHeldItem *slot(const PathOrder *o, uint32_t sequence)
{
    return &o->held[sequence & (o->slots - 1)];
}

static bool is_held(const PathOrder *o, uint32_t sequence)
{
    return slot(o, sequence)->item && slot(o, sequence)->sequence == sequence;
}

/* The oldest arrival that is still held; false: none is. */
static bool oldest(PathOrder *o, uint32_t *ret)
{
    while (o->age_n && !is_held(o, o->age[o->age_head])) {
        o->age_head = (o->age_head + 1) & (o->slots - 1);
        o->age_n--;
    }
    *ret = o->age_n ? o->age[o->age_head] : 0;
    return o->age_n;
}

static void forget_departed(PathOrder *o)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < o->age_n; i++) {
        uint32_t sequence = o->age[(o->age_head + i) & (o->slots - 1)];

        if (is_held(o, sequence)) {
            o->age[(o->age_head + n++) & (o->slots - 1)] = sequence;
        }
    }
    o->age_n = n;
}

static void hold(PathOrder *o, uint64_t now_ps, uint32_t sequence,
                 uint32_t bytes, void *item)
{
    *slot(o, sequence) = (PathHeldItem){ item, sequence, bytes, now_ps };
    o->n_held++;
    o->held_bytes += bytes;
    if (o->age_n == o->slots) {
        forget_departed(o);
    }
    o->age[(o->age_head + o->age_n++) & (o->slots - 1)] = sequence;
}

static uint32_t first_held(const PathOrder *o)
{
    uint32_t sequence = o->next;

    while (!is_held(o, sequence)) {
        sequence++;
    }
    return sequence;
}

/* Room for one more, by giving up the first gap if that has to be. */
static void make_room(PathOrder *o, uint32_t bytes)
{
    if (o->n_held && (o->n_held >= o->c->order_packets ||
                      o->held_bytes + bytes > o->c->order_bytes)) {
        o->stats.overflows++;
        o->flush = true;
        o->flush_to = first_held(o);
    }
}

static PathVerdict push_ahead(PathOrder *o, uint64_t now_ps, uint32_t sequence,
                              uint32_t bytes, void *item)
{
    o->stats.held++;
    make_room(o, bytes);
    if (sequence - o->next >= o->slots) {
        /* No slot: everything before goes now, then this one. */
        o->stats.overflows += !o->flush;
        o->flush = true;
        o->flush_to = sequence;
        if (o->far.item) {
            o->free_item(o->far.item); /* nobody popped */
        }
        o->far = (PathHeldItem){ item, sequence, bytes, now_ps };
    } else {
        hold(o, now_ps, sequence, bytes, item);
    }
    return PATH_HELD;
}

PathVerdict path_order_push(PathOrder *o, uint64_t now_ps, uint32_t sequence,
                            uint32_t bytes, void *item)
{
    int32_t ahead;

    o->stats.packets++;
    if (!is_new(o, sequence)) {
        o->stats.duplicates++;
        return PATH_DUPLICATE;
    }
    if (sequence != o->highest) {
        o->stats.reordered++;
    }
    ahead = (int32_t)(sequence - o->next);
    if (ahead < 0) {
        o->stats.delivered_late++;
        return PATH_DELIVER;
    }
    if (ahead == 0 || !o->c->sequencing) {
        o->next = sequence + 1;
        return PATH_DELIVER;
    }
    return push_ahead(o, now_ps, sequence, bytes, item);
}

static void *take(PathOrder *o, PathHeldItem *h)
{
    void *item = h->item;

    o->next = h->sequence + 1;
    if (h != &o->far) {
        o->n_held--;
        o->held_bytes -= h->bytes;
    }
    h->item = NULL;
    return item;
}

void *path_order_pop(PathOrder *o, uint64_t now_ps)
{
    uint32_t old;

    if (!o->n_held && !o->far.item) {
        return NULL;
    }
    if (o->n_held) {
        if (is_held(o, o->next)) {
            return take(o, slot(o, o->next));
        }
        if (o->flush && (int32_t)(o->flush_to - o->next) >= 0) {
            return take(o, slot(o, first_held(o)));
        }
        if (oldest(o, &old) &&
            now_ps - slot(o, old)->arrive_ps >= o->c->gap_ps) {
            o->stats.gap_timeouts++;
            return take(o, slot(o, first_held(o)));
        }
    }
    o->flush = false;
    return o->far.item ? take(o, &o->far) : NULL;
}

uint64_t path_order_deadline_ps(const PathOrder *o)
{
    if (!o->n_held) {
        return PATH_NEVER;
    }
    for (uint32_t i = 0; i < o->age_n; i++) {
        uint32_t sequence = o->age[(o->age_head + i) & (o->slots - 1)];

        if (is_held(o, sequence)) {
            return slot(o, sequence)->arrive_ps + o->c->gap_ps;
        }
    }
    return PATH_NEVER;
}

unsigned path_order_held(const PathOrder *o)
{
    return o->n_held + (o->far.item != NULL);
}

PathOrderStats path_order_stats(const PathOrder *o)
{
    return o->stats;
}
