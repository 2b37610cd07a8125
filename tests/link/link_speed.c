/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_speed.c: wall time of a message through the channel, both sides in one
 * thread, and of looking at a channel in which nothing is.
 */
#include "link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MESSAGES 4000000u
#define BATCH 32u /* messages of one window */

static uint64_t now_wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void messages(Link *a, Link *b, uint32_t len)
{
    static uint8_t frame[LINK_MAX_PAYLOAD_BYTES];
    uint64_t begin = now_wall_ns(), bytes = 0, wall_ns;

    for (uint32_t i = 0; i < MESSAGES; i += BATCH) {
        for (uint32_t j = 0; j < BATCH; j++) {
            if (!link_send(a, link_last_sent_ps(a), LINK_FRAME, 0, frame,
                           len)) {
                abort();
            }
        }
        for (uint32_t j = 0; j < BATCH; j++) {
            bytes += link_peek(b)->len;
            link_consume(b);
        }
        if (link_unconsumed_ps(a) != LINK_NEVER) {
            abort();
        }
    }
    wall_ns = now_wall_ns() - begin;
    printf("%5u bytes: %6.1f ns a message, %5.1f Gbit/s\n", len,
           (double)wall_ns / MESSAGES, bytes * 8.0 / wall_ns);
}

static void nothing(Link *a, Link *b)
{
    uint64_t begin = now_wall_ns(), none = 0;

    for (uint32_t i = 0; i < MESSAGES; i++) {
        none += link_peek_ps(b) == LINK_NEVER;
        none += link_unconsumed_ps(a) == LINK_NEVER;
    }
    if (none != 2ull * MESSAGES) {
        abort();
    }
    printf("nothing: %.1f ns to look from both sides\n",
           (double)(now_wall_ns() - begin) / MESSAGES);
}

int main(void)
{
    Link *a = link_create(NULL, LINK_DEFAULT_RING_BYTES, NULL);
    Link *b = a ? link_attach(link_path(a), LINK_B, NULL) : NULL;

    if (!b) {
        return 1;
    }
    messages(a, b, 64);
    messages(a, b, 1514);
    messages(a, b, 9014);
    nothing(a, b);
    link_close(b);
    link_close(a);
    return 0;
}
