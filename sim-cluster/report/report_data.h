/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_data.h: everything a report says, read once from a run directory.
 *
 * report_data_load() needs summary.json; events.ndjson may be missing (then
 * there are no interfaces, drives or series). Reading never changes the
 * directory. Wall time does not occur.
 */
#ifndef OUTRIGGER_REPORT_DATA_H
#define OUTRIGGER_REPORT_DATA_H

#include <json-glib/json-glib.h>

#include "hist.h"
#include "report_event.h"

typedef struct ReportExpect {
    const char *id, *metric, *op, *place;
    char *value, *actual; /* with units, for people */
    const char *text;     /* the runner's own line, or "" */
    /* How far @actual is from the limit: 0 at zero, 1000 at the limit; -1
     * when that has no meaning (text, equality). */
    int load_permille;
    bool held;
} ReportExpect;

typedef struct ReportStep {
    unsigned index;
    const char *verb, *handle, *node, *status, *detail;
    uint64_t begin_ps, end_ps;
} ReportStep;

/* From `load-begin` to `load-end`: a background load outlives its step. */
typedef struct ReportLoad {
    const char *handle, *node;
    const char *interface; /* its target, or NULL when the log has none */
    uint64_t begin_ps, end_ps;
} ReportLoad;

typedef enum ReportDirection {
    REPORT_READ,
    REPORT_WRITE,
    REPORT_OTHER_IO,
    REPORT_DIRECTIONS
} ReportDirection;

/* One finished I/O command (not an admin command). */
typedef struct ReportDone {
    uint64_t t_ps, latency_ps;
    uint32_t bytes;
    uint16_t interface; /* index into ReportData.interfaces */
    uint8_t direction;  /* ReportDirection */
    bool error;
} ReportDone;

/* A command starts (+1) or stops (-1) waiting for its interface's limits. */
typedef struct ReportWait {
    uint64_t t_ps;
    uint16_t interface;
    int8_t change;
} ReportWait;

/* Something that explains a bend in a curve: reset, update, attach ... */
typedef struct ReportMark {
    uint64_t t_ps;
    const char *kind, *node, *interface, *detail;
} ReportMark;

typedef struct ReportInterface {
    const char *node, *card, *name;
    char *label; /* "hosta/vif0"; only "vif0" when there is one node */
    Hist *latency[REPORT_DIRECTIONS]; /* of commands without error */
    Hist *waited;                     /* of admitted commands */
    uint64_t commands[REPORT_DIRECTIONS], bytes[REPORT_DIRECTIONS];
    uint64_t admin, errors, throttled, doorbells, irqs, resets, guest_errors;
    uint64_t limit_iops, limit_bytes_per_s; /* 0: none, or not known */
    uint64_t first_ps, last_ps;             /* of its I/O completions */
} ReportInterface;

typedef struct ReportDrive {
    const char *node, *card, *name;
    uint64_t reads, writes, read_bytes, write_bytes;
} ReportDrive;

/* A named number of a card, as query-offload gave it. */
typedef struct ReportCounter {
    const char *name, *unit;
    uint64_t value;
} ReportCounter;

typedef struct ReportCard {
    const char *node, *name, *version, *timing;
    JsonObject *query; /* the reply of query-offload, or NULL */
    GArray *counters;  /* ReportCounter */
} ReportCard;

typedef struct ReportData {
    char *dir;
    JsonParser *summary; /* owns the text of all const strings above */
    JsonObject *root;
    const char *scenario, *description, *verdict, *reason, *mode, *replay;
    const char *trace_hash;
    char *seed;
    uint64_t end_ps;         /* the last event or step end */
    GPtrArray *expectations; /* ReportExpect */
    GPtrArray *steps;        /* ReportStep */
    GArray *loads;           /* ReportLoad, in order of their begin */
    GPtrArray *interfaces;   /* ReportInterface, first seen first */
    GPtrArray *drives;       /* ReportDrive, by name */
    GPtrArray *cards;        /* ReportCard */
    GArray *done;            /* ReportDone, in time order */
    GArray *waits;           /* ReportWait, in time order */
    GArray *marks;           /* ReportMark, in time order */
    bool thinned;            /* the log left out bulk events after some point */
} ReportData;

ReportData *report_data_load(const char *run_dir, GError **errp);
void report_data_free(ReportData *d); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportData, report_data_free)

uint64_t report_if_commands(const ReportInterface *i);
uint64_t report_if_bytes(const ReportInterface *i);
const char *report_direction_name(ReportDirection direction);

/* A member's text, or @fallback when it is missing or of another type. */
const char *report_json_text(JsonObject *o, const char *name,
                             const char *fallback);
/* A non-negative whole number; 0 when missing. */
uint64_t report_json_u64(JsonObject *o, const char *name);
/* A member that is an object or array; NULL when missing or of another type.*/
JsonObject *report_json_object(JsonObject *o, const char *name);
JsonArray *report_json_array(JsonObject *o, const char *name);
/* The object at @index; NULL when it is something else. */
JsonObject *report_json_element(JsonArray *a, guint index);
/* Number or text @name with its unit ("ps", "bytes", ...) for people. */
char *report_json_value(JsonObject *o, const char *name, const char *unit);

#endif
