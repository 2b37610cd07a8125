/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tcp_receiver.c: which segments of a flow have arrived; see tcp_core.h.
 */
#include "tcp_core.h"

#include <glib.h>

#define BITS_MIN 64u

static bool bit_get(const TcpReceiver *r, uint64_t segment)
{
    uint64_t at = segment & r->mask;

    return r->bits[at / 64] >> (at % 64) & 1;
}

static void bit_put(TcpReceiver *r, uint64_t segment, bool value)
{
    uint64_t at = segment & r->mask, bit = 1ull << (at % 64);

    r->bits[at / 64] = value ? r->bits[at / 64] | bit : r->bits[at / 64] & ~bit;
}

static void make_room(TcpReceiver *r, uint64_t segment)
{
    TcpReceiver to = *r;

    if (r->bits && segment - r->next <= r->mask) {
        return;
    }
    to.mask = r->bits ? r->mask : BITS_MIN - 1;
    while (segment - r->next > to.mask) {
        to.mask = to.mask * 2 + 1;
    }
    to.bits = g_new0(uint64_t, (to.mask + 1) / 64);
    for (uint64_t i = r->next; i < r->high; i++) {
        bit_put(&to, i, bit_get(r, i));
    }
    g_free(r->bits);
    *r = to;
}

bool tcp_receiver_add(TcpReceiver *r, uint64_t segment)
{
    if (segment < r->next) {
        return false;
    }
    make_room(r, segment);
    if (bit_get(r, segment)) {
        return false;
    }
    bit_put(r, segment, true);
    r->high = MAX(r->high, segment + 1);
    while (r->next < r->high && bit_get(r, r->next)) {
        bit_put(r, r->next, false);
        r->next++;
    }
    return true;
}

void tcp_receiver_clear(TcpReceiver *r)
{
    g_free(r->bits);
    *r = (TcpReceiver){ 0 };
}
