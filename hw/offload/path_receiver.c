/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_receiver.c: what arrived, per value, and when it is told.
 *
 * Packets of one value come in the order in which they were sent, unless
 * their path changed on the way; so a gap in its bytes is a loss. What comes
 * after all takes its bytes out of the loss again.
 */
#include "path_receiver.h"

#include <stdlib.h>

/* A jump of more bytes is no loss: the sender or this side began anew. */
#define JUMP_BYTES (64 * 1024 * 1024)

PathReceiver *path_receiver_new(const PathConfig *c, uint64_t seed)
{
    PathReceiver *r = path_lines_alloc(sizeof(*r));

    (void)seed;
    if (r) {
        r->c = c;
        r->due_ps = PATH_NEVER;
    }
    return r;
}

void path_receiver_free(PathReceiver *r)
{
    free(r);
}

static void count_bytes(PathReceiverValue *v, uint32_t byte_end, uint32_t bytes)
{
    int32_t gap = (int32_t)(byte_end - bytes - v->echo.byte_end);

    if (!v->begun || gap > JUMP_BYTES || gap < -JUMP_BYTES) {
        v->begun = true;
        v->echo.byte_end = byte_end;
    } else if (gap >= 0) {
        v->echo.lost_bytes += (uint32_t)gap;
        v->echo.byte_end = byte_end;
    } else {
        v->echo.lost_bytes -= bytes; /* wraps, as the sender knows */
    }
}

void path_received(PathReceiver *r, uint64_t now_ps, unsigned value,
                   uint32_t byte_end, uint32_t bytes, bool marked,
                   uint64_t delay_ps)
{
    const PathConfig *c = r->c;
    PathReceiverValue *v;

    if (value >= PATH_MAX_VALUES) {
        return;
    }
    v = &r->v[value];
    if (!v->news) {
        v->since_ps = now_ps;
        v->echo.delay_ps = PATH_NO_DELAY;
        v->next = PATH_NO_VALUE;
        if (r->n_waiting++) {
            r->v[r->last].next = (uint16_t)value;
        } else {
            r->first = (uint16_t)value;
        }
        r->last = (uint16_t)value;
        if (c->echo_ps && r->due_ps > now_ps + c->echo_ps) {
            r->due_ps = now_ps + c->echo_ps;
        }
    }
    v->news++;
    v->echo.packets++;
    v->echo.marked += marked;
    if (delay_ps < v->echo.delay_ps) {
        v->echo.delay_ps = delay_ps;
    }
    count_bytes(v, byte_end, bytes);
    if (c->echo_packets && v->news >= c->echo_packets) {
        r->n_full += v->news == c->echo_packets;
        r->due_ps = now_ps < r->due_ps ? now_ps : r->due_ps;
    }
}

void path_receiver_prefetch(const PathReceiver *r, unsigned value)
{
    if (value < PATH_MAX_VALUES) {
        __builtin_prefetch(&r->v[value], 1);
    }
}

uint64_t path_echo_due_ps(const PathReceiver *r)
{
    return r->due_ps;
}

/* Of the values that still wait. */
static uint64_t next_due_ps(const PathReceiver *r, uint64_t now_ps)
{
    const PathConfig *c = r->c;
    uint64_t due_ps = PATH_NEVER;

    if (r->n_waiting && c->echo_ps) {
        due_ps = r->v[r->first].since_ps + c->echo_ps;
        if (r->n_waiting > 1) {
            path_receiver_prefetch(r, r->v[r->first].next);
        }
    }
    return r->n_full && now_ps < due_ps ? now_ps : due_ps;
}

bool path_echo_take(PathReceiver *r, uint64_t now_ps, PathEcho *ret)
{
    PathReceiverValue *v;

    if (!r->n_waiting) {
        return false;
    }
    v = &r->v[r->first];
    *ret = v->echo;
    ret->value = (uint8_t)r->first;
    r->n_full -= r->c->echo_packets && v->news >= r->c->echo_packets;
    v->news = 0;
    r->n_waiting--;
    r->first = v->next;
    r->due_ps = next_due_ps(r, now_ps);
    return true;
}
