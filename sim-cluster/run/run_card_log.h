/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_card_log.h: reads the binary event log of one emulated host
 * (docs/control-plane.md, "Event log") while it grows.
 */
#ifndef OUTRIGGER_RUN_CARD_LOG_H
#define OUTRIGGER_RUN_CARD_LOG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "seam.h"

typedef struct CardLog CardLog;

/* @base_ps: the run's time at the beginning of the log's process, added to
 * every instant. The file need not exist yet. */
CardLog *card_log_new(const char *path, uint64_t base_ps);
void card_log_free(CardLog *log); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CardLog, card_log_free)

/*
 * Appends all complete records that are new (at_ps in the run's time) to
 * @events, an array of CardEvent. false: the file is no event log, or goes
 * back in time.
 */
bool card_log_read(CardLog *log, GArray *events, GError **error);

#endif
