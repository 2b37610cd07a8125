/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_tap_inner.c: are the guests' frames on the last link what they were on
 * the first one, whatever happened to their outer headers?
 *
 * Frames are counted by a digest of what lies behind the outer headers; a
 * frame that reaches a host and that no host has sent so often was changed or
 * doubled on the way.
 */
#include "run_tap_inner.h"

#include <xxhash.h>

#include "underlay.h"

#define OUTER_BYTES (14u + 20u + 8u) /* Ethernet, IPv4, UDP */
#define NO_FRAME_FLAG 0x02u          /* header version 2: nothing follows */

struct RunTapInner {
    GHashTable *sent; /* digest -> how often it is on its way */
    uint64_t delivered, changed;
};

RunTapInner *run_tap_inner_new(void)
{
    RunTapInner *t = g_new0(RunTapInner, 1);

    t->sent = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return t;
}

void run_tap_inner_free(RunTapInner *t)
{
    if (t) {
        g_hash_table_unref(t->sent);
        g_free(t);
    }
}

/* false: no guest's frame is in it. */
static bool digest(const uint8_t *frame, uint32_t len, uint64_t *ret)
{
    uint32_t header, at;

    if (len <= OUTER_BYTES || !underlay_outer_bytes(frame, len, 4)) {
        return false;
    }
    header = (frame[OUTER_BYTES] & 15u) * 4;
    at = OUTER_BYTES + header;
    if (header < 4 || at >= len ||
        (frame[OUTER_BYTES] >> 4 == 2 &&
         frame[OUTER_BYTES + 1] & NO_FRAME_FLAG)) {
        return false;
    }
    *ret = XXH64(frame + at, len - at, 0);
    return true;
}

void run_tap_inner_sent(RunTapInner *t, const uint8_t *frame, uint32_t len)
{
    uint64_t key;
    gpointer count;

    if (digest(frame, len, &key)) {
        count = g_hash_table_lookup(t->sent, &key);
        g_hash_table_insert(t->sent, g_memdup2(&key, sizeof(key)),
                            GUINT_TO_POINTER(GPOINTER_TO_UINT(count) + 1));
    }
}

void run_tap_inner_received(RunTapInner *t, const uint8_t *frame, uint32_t len)
{
    uint64_t key;
    guint count;

    if (!digest(frame, len, &key)) {
        return;
    }
    count = GPOINTER_TO_UINT(g_hash_table_lookup(t->sent, &key));
    if (!count) {
        t->changed++;
        return;
    }
    t->delivered++;
    if (count == 1) {
        g_hash_table_remove(t->sent, &key);
    } else {
        g_hash_table_insert(t->sent, g_memdup2(&key, sizeof(key)),
                            GUINT_TO_POINTER(count - 1));
    }
}

void run_tap_inner_counts(const RunTapInner *t, uint64_t *ret_delivered,
                          uint64_t *ret_changed)
{
    *ret_delivered = t->delivered;
    *ret_changed = t->changed;
}
