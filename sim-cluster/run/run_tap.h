/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_tap.h: what one execution keeps of the frames of its full hosts:
 *
 *   links/NAME.pcapng               of each link named under capture.links
 *   nodes/HOST/packets-sent.bin     packet_log.h: what left the host
 *   nodes/HOST/packets-received.bin what left for it at the other end
 *
 * The logs of packets are part of the trace hash; wall time has none.
 *
 * Threads: any (in wall mode the fabric has one of its own).
 * Errors: RUNTIME_ERROR_TESTBED.
 */
#ifndef OUTRIGGER_RUN_TAP_H
#define OUTRIGGER_RUN_TAP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "scenario.h"
#include "trace_hash.h"

#define RUN_TAP_SENT "packets-sent.bin"
#define RUN_TAP_RECEIVED "packets-received.bin"

typedef struct RunTap RunTap;

/* Below @dir, in which the nodes' folders are already. Without links there is
 * nothing to keep. @scn is borrowed. */
RunTap *run_tap_new(const Scenario *scn, const char *dir, GError **error);
/* After whoever calls run_tap_frame() is gone. NULL is fine. */
void run_tap_free(RunTap *tap);

/* A NetTapFn; @opaque is the RunTap. */
void run_tap_frame(void *opaque, unsigned link, bool from_a, uint64_t depart_ps,
                   const uint8_t *frame, uint32_t len);

/* A NetNoteFn: what was done to @link (index in Topology.links) at @ps. */
void run_tap_comment(void *opaque, unsigned link, uint64_t ps,
                     const char *text);
/* What concerns all of them. */
void run_tap_comment_all(RunTap *tap, uint64_t ps, const char *text);

/* Nothing departs before @ps any more. */
void run_tap_advance(RunTap *tap, uint64_t ps);

/* Completes all files; frames that come later are not kept. */
/* Guests' frames that arrived as they were sent, and that did not. false: there
 * is no link. */
bool run_tap_inner(RunTap *tap, uint64_t *ret_delivered, uint64_t *ret_changed);

bool run_tap_finish(RunTap *tap, GError **error);
/* Adds the packets of host @host_index to @hash; after run_tap_finish(). */
bool run_tap_hash(RunTap *tap, unsigned host_index, TraceHash *hash,
                  GError **error);

#endif
