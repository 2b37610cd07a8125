/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * units.h: values with units, as people write them and as programs keep them.
 *
 * A unit is obligatory wherever a dimension exists; there is one integer base
 * unit for each dimension and no floating point: "2.5ms" is exactly
 * 2500000000 ps, "0.1ps" is an error.
 */
#ifndef OUTRIGGER_UNITS_H
#define OUTRIGGER_UNITS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum Unit {
    UNIT_COUNT = 0, /* plain number; also IOPS */
    UNIT_DURATION,  /* base: ps.      ps ns us ms s min */
    UNIT_SIZE,      /* base: bytes.   B KiB MiB GiB TiB, KB MB GB TB (1000) */
    UNIT_RATE,      /* base: bits/s.  bit Kbit Mbit Gbit (per second, 1000),
                     * B/s KB/s MB/s GB/s, KiB/s MiB/s GiB/s */
    UNIT_PERCENT,   /* base: ppm.     % */
    UNIT_BOOL,      /* true false */
    UNIT_TEXT,
    UNITS
} Unit;

#define PS_PER_NS UINT64_C(1000)
#define PS_PER_US (UINT64_C(1000) * PS_PER_NS)
#define PS_PER_MS (UINT64_C(1000) * PS_PER_US)
#define PS_PER_S (UINT64_C(1000) * PS_PER_MS)

#define UNITS_ERROR (units_error_quark())
typedef enum UnitsError {
    UNITS_ERROR_SYNTAX,  /* not a number */
    UNITS_ERROR_MISSING, /* the unit is missing; the message lists them */
    UNITS_ERROR_UNKNOWN, /* not a unit of this dimension */
    UNITS_ERROR_RANGE    /* too large, or finer than the base unit */
} UnitsError;
GQuark units_error_quark(void);

/*
 * Parses @text as a non-negative value of @unit (not TEXT) into base units;
 * at most INT64_MAX. A space before the unit is allowed. Output untouched on
 * failure; messages are one line without the file's place.
 */
bool unit_parse(Unit unit, const char *text, int64_t *ret, GError **errp);

/* Shortest exact text with a unit that unit_parse() reads back: "2500us",
 * "1GiB", "12%". Negative numbers get a sign. Caller frees. */
char *unit_format(Unit unit, int64_t value);

/* For people: about four digits and a fitting unit: "1.234ms". */
char *unit_format_short(Unit unit, int64_t value);

const char *unit_name(Unit unit);      /* "duration" */
const char *unit_base_name(Unit unit); /* "ps", "bytes", "bps", "ppm" ... */
/* "ps ns us ms s min": for messages and documentation; "" when none. */
const char *unit_suffixes(Unit unit);

#endif
