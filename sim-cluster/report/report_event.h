/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_event.h: one line of events.ndjson as a struct.
 *
 * events.ndjson has one flat JSON object a line, in order of simulated time.
 * Fields that a kind does not have are 0 or NULL here.
 */
#ifndef OUTRIGGER_REPORT_EVENT_H
#define OUTRIGGER_REPORT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "seam.h"

/* Kinds of the runner, beyond CardEventKind. */
enum {
    REPORT_EV_LOAD_BEGIN = CARD_EV_KINDS,
    REPORT_EV_LOAD_END,
    REPORT_EV_THINNED, /* bulk kinds are left out from here on */
    REPORT_EV_OTHER
};

typedef enum ReportPhysOp {
    REPORT_PHYS_READ,
    REPORT_PHYS_WRITE,
    REPORT_PHYS_OTHER
} ReportPhysOp;

typedef struct ReportEvent {
    uint64_t t_ps, seq;
    unsigned kind;         /* CardEventKind or REPORT_EV_* */
    const char *kind_name; /* as in the file */
    /* Interned strings: equal text, equal pointer. NULL when not given. */
    const char *node, *card, *interface, *drive, *handle;
    unsigned qid, cid, nsid;
    unsigned opcode, status;
    uint64_t slba, bytes, latency_ps, waited_ps, offset;
    ReportPhysOp phys;
    const char *detail; /* phase of an update, kind of a reset; interned */
} ReportEvent;

#define REPORT_ERROR (report_error_quark())
typedef enum ReportError {
    REPORT_ERROR_MISSING, /* a file of the run directory is not there */
    REPORT_ERROR_INVALID, /* it is not what it should be */
    REPORT_ERROR_WRITE
} ReportError;
GQuark report_error_quark(void);

/* Called for each event; false stops the reading (and is not an error). */
typedef bool (*ReportEventFn)(void *opaque, const ReportEvent *ev);

/*
 * Reads @path line by line. A file that does not exist has no events. A
 * broken line is REPORT_ERROR_INVALID with "file:line: text".
 */
bool report_events_read(const char *path, ReportEventFn fn, void *opaque,
                        GError **errp);

/* "read", "write", "flush" ... for I/O queues (@admin: the admin queue). */
const char *report_opcode_name(unsigned opcode, bool admin);

#endif
