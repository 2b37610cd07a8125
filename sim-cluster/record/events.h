/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * events.h: writes events.ndjson and wall.ndjson (docs/run-directory.md),
 * counts events by kind, and feeds the engine's own ones to the trace hash.
 *
 * Events are written in order of time; the caller sees to it. Nothing written
 * here may depend on wall time, paths or the seed's number.
 */
#ifndef OUTRIGGER_EVENTS_H
#define OUTRIGGER_EVENTS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "seam.h"

#define EVENTS_ERROR (events_error_quark())
GQuark events_error_quark(void);
typedef enum EventsError { EVENTS_ERROR_WRITE } EventsError;

#define EVENTS_BULK_LIMIT 400000u /* lines of bulk kinds in the file */

typedef struct EventLog EventLog;

/* Called with the canonical bytes of each engine event, for the hash. */
typedef void (*EventBytesFn)(void *opaque, const char *bytes, size_t len);

/* Names for numbers in card events; each may return NULL. */
typedef struct EventNames {
    const char *node;
    const char *const *interfaces; /* by function; NULL-terminated */
    const char *const *drives;     /* by index; NULL-terminated */
} EventNames;

/* Creates the two files in @dir. @all: no limit on bulk kinds. */
EventLog *event_log_open(const char *dir, bool all, EventBytesFn engine_bytes,
                         void *opaque, GError **error);

/*
 * One engine event: begin, members, end. Strings are escaped; invalid UTF-8
 * is replaced. @node may be NULL.
 */
void event_log_begin(EventLog *log, uint64_t t_ps, const char *kind,
                     const char *node);
void event_log_text(EventLog *log, const char *key, const char *value);
void event_log_int(EventLog *log, const char *key, int64_t value);
void event_log_u64(EventLog *log, const char *key, uint64_t value);
void event_log_bool(EventLog *log, const char *key, bool value);
void event_log_end(EventLog *log);

/* One card event; @t_ps is @ev->at_ps in the run's time. */
void event_log_card(EventLog *log, uint64_t t_ps, const EventNames *names,
                    const CardEvent *ev);

/* "cmd-done", "phys-start" ...; "unknown" for a kind this build does not know. */
const char *card_event_name(unsigned kind);

/* Events of @kind so far; and all kinds: kind -> GUINT_TO_POINTER. Borrowed.*/
uint64_t event_log_count(const EventLog *log, const char *kind);
void event_log_foreach_count(const EventLog *log,
                             void (*fn)(void *opaque, const char *kind,
                                        uint64_t count),
                             void *opaque);

/* Pushes buffered lines to the files, so that others can read them. */
bool event_log_flush(EventLog *log, GError **error);
/* Frees @log (NULL is fine). false: a write has failed at some time. */
bool event_log_close(EventLog *log, GError **error);

/* Appends @text as a JSON string with its quotes. */
void json_append_string(GString *out, const char *text);

#endif
