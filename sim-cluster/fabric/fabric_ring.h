/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_ring.h: growth of a ring of items: a power of two of them, item i at
 * [(head + i) & mask]. Whoever owns the ring pushes and takes by hand.
 */
#ifndef OUTRIGGER_FABRIC_RING_H
#define OUTRIGGER_FABRIC_RING_H

#include <glib.h>
#include <stdint.h>
#include <string.h>

/* Doubles @ring (g_free() it in the end) of @n items of @item_bytes, or makes
 * one of @first items, a power of two, if it is NULL. Items keep their order;
 * the first one lies at 0 then: *@head and *@mask are set. */
static inline void *fabric_ring_grow(void *ring, size_t item_bytes, uint32_t n,
                                     uint32_t first, uint32_t *head,
                                     uint32_t *mask)
{
    uint32_t items = ring ? (*mask + 1) * 2 : first;
    char *bigger = g_malloc_n(items, item_bytes);

    for (uint32_t i = 0; i < n; i++) {
        memcpy(bigger + i * item_bytes,
               (const char *)ring + ((*head + i) & *mask) * item_bytes,
               item_bytes);
    }
    g_free(ring);
    *head = 0;
    *mask = items - 1;
    return bigger;
}

#endif
