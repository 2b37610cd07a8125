/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_tap_inner.h: compares the guests' frames on the first and the last link.
 */
#ifndef OUTRIGGER_RUN_TAP_INNER_H
#define OUTRIGGER_RUN_TAP_INNER_H

#include <stdint.h>

#include <glib.h>

typedef struct RunTapInner RunTapInner;

RunTapInner *run_tap_inner_new(void);
void run_tap_inner_free(RunTapInner *t); /* NULL is fine */
/* A frame with its outer headers leaves a host; or is about to reach one.
 * Frames without a guest's frame in them are ignored. */
void run_tap_inner_sent(RunTapInner *t, const uint8_t *frame, uint32_t len);
void run_tap_inner_received(RunTapInner *t, const uint8_t *frame, uint32_t len);
/* Guests' frames that arrived as they were sent; and others. */
void run_tap_inner_counts(const RunTapInner *t, uint64_t *ret_delivered,
                          uint64_t *ret_changed);

#endif
